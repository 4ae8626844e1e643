package vtl

import (
	"errors"
	"strings"

	"tidings/vtl/internal/java"
)

// displayTool is DisplayTool.
type displayTool struct{}

func (displayTool) Class() *Class              { return displayClass }
func (displayTool) Text(*Call) (string, error) { return "DisplayTool", nil }

// What the tool does when it is not told.
const (
	displayLength = 30 // of truncate and cell
	displaySuffix = "..."
)

var displayClass = &Class{Name: "DisplayTool", Methods: Methods{
	"list":         {withArgs(1, displayList), withArgs(2, displayList), withArgs(3, displayList), withArgs(4, displayList)},
	"truncate":     {withArgs(1, displayTruncate), withArgs(2, displayTruncate), withArgs(3, displayTruncate), withArgs(4, displayTruncate)},
	"cell":         {withArgs(1, displayCell), withArgs(2, displayCell), withArgs(3, displayCell)},
	"space":        {withArgs(1, displaySpace)},
	"capitalize":   firstLetter(java.ToUpper),
	"uncapitalize": firstLetter(java.ToLower),
	"alt": {
		withArgs(1, func(_ *Call, args []Value) (Value, error) { return alternative(args[0], String("null")), nil }),
		withArgs(2, func(_ *Call, args []Value) (Value, error) { return alternative(args[0], args[1]), nil }),
	},
	"br":        {withArgs(1, displayBr)},
	"stripTags": {{Arity: Variadic, Func: displayStripTags}},
	"plural":    {withArgs(2, displayPlural), withArgs(3, displayPlural)},
	"message":   {{Arity: Variadic, Func: displayMessage}},
	"printf":    {{Arity: Variadic, Func: displayPrintf}},
	"measure":   {withArgs(1, displayMeasure)},

	"getListDelimiter": constant(", "), "getListFinalDelimiter": constant(" and "),
	"getTruncateSuffix": constant(displaySuffix), "getCellSuffix": constant(displaySuffix),
	"getDefaultAlternate": constant("null"),
	"getTruncateLength":   {withArgs(0, func(*Call, []Value) (Value, error) { return Int32(displayLength), nil })},
	"getCellLength":       {withArgs(0, func(*Call, []Value) (Value, error) { return Int32(displayLength), nil })},
	"getTruncateAtWord":   {withArgs(0, func(*Call, []Value) (Value, error) { return Bool(false), nil })},
	"getLocale":           {withArgs(0, localeOfRender)},
	"toLocale":            {withArgs(1, toLocale)},
}}

func alternative(v, otherwise Value) Value {
	if v.IsNull() {
		return otherwise
	}
	return v
}

// textOr is a String argument: a null is given as "null", which is how Java appends
// it; ok is false for other kinds.
func textOr(args []Value, i int, otherwise string) (s string, ok bool) {
	if i >= len(args) {
		return otherwise, true
	}
	switch args[i].kind {
	case KindString:
		return args[i].str(), true
	case KindNull:
		return "null", true
	}
	return "", false
}

// displayList is "A, B and C": list, delimiter, last delimiter, property.
func displayList(c *Call, args []Value) (Value, error) {
	delimiter, ok := textOr(args, 1, ", ")
	last, ok2 := textOr(args, 2, delimiter)
	if len(args) == 1 {
		last = " and "
	}
	if args[0].IsNull() || !ok || !ok2 || len(args) == 4 && args[3].kind != KindString && !args[3].IsNull() {
		return Null, nil
	}
	property := ""
	if len(args) == 4 {
		property = args[3].Str()
	}
	items := args[:1]
	if _, isList := c.List(args[0]); isList {
		var err error
		if items, _, err = c.listed(args[0]); err != nil {
			return Null, err
		}
	}
	start := len(c.r.out)
	if err := c.printAll(items, delimiter, last, property); err != nil {
		c.r.out = c.r.out[:start]
		return Null, err
	}
	return c.cutText(start)
}

// printAll writes the items, or a property of each, to the output buffer.
func (c *Call) printAll(items []Value, delimiter, last, property string) error {
	for i, item := range items {
		if property != "" {
			value, ok, err := c.beanProperty(item, property)
			if err != nil {
				return err
			}
			if !ok {
				return Throw("java.lang.IllegalArgumentException", "Could not retrieve '"+property+"'")
			}
			item = value
		}
		if err := c.r.print(item); err != nil {
			return err
		}
		between := delimiter
		switch i {
		case len(items) - 1:
			between = ""
		case len(items) - 2:
			between = last
		}
		if err := c.r.write(between); err != nil {
			return err
		}
	}
	return nil
}

// displayTruncate cuts: value, length or suffix, suffix, at words.
func displayTruncate(c *Call, args []Value) (Value, error) {
	length, suffix, atWord, ok := sizeAndSuffix(args)
	if !ok || args[0].IsNull() || length <= 0 {
		return Null, nil
	}
	text, err := c.Text(args[0])
	if err != nil {
		return Null, err
	}
	return c.truncate(text, length, suffix, atWord)
}

// sizeAndSuffix reads the arguments that truncate and cell share. A null suffix is
// given as "".
func sizeAndSuffix(args []Value) (length int, suffix string, atWord, ok bool) {
	length, suffix = displayLength, displaySuffix
	switch {
	case len(args) == 2 && args[1].kind == KindString:
		return length, args[1].str(), false, true
	case len(args) >= 2 && args[1].kind != KindInt32:
		return 0, "", false, false
	case len(args) >= 2:
		length = int(args[1].int())
	}
	if len(args) >= 3 {
		if args[2].kind != KindString && !args[2].IsNull() {
			return 0, "", false, false
		}
		suffix = args[2].Str()
	}
	if len(args) == 4 {
		if args[3].kind != KindBool {
			return 0, "", false, false
		}
		atWord = args[3].Bool()
	}
	return length, suffix, atWord, true
}

// truncate cuts to length UTF-16 units with the suffix in them.
func (c *Call) truncate(text string, length int, suffix string, atWord bool) (Value, error) {
	if java.Len(text) <= length {
		return String(text), nil
	}
	keep := length - java.Len(suffix)
	if suffix == "" || keep <= 0 {
		cut, _ := java.Substring(text, 0, length)
		return String(cut), nil
	}
	if atWord {
		head, _ := java.Substring(text, 0, keep+1)
		if space := java.UnitOffset(head, max(strings.LastIndexByte(head, ' '), 0)); space > java.Len(suffix) {
			keep = space
		}
	}
	head, _ := java.Substring(text, 0, keep)
	if err := c.Charge(len(head) + len(suffix)); err != nil {
		return Null, err
	}
	return String(head + suffix), nil
}

func displayCell(c *Call, args []Value) (Value, error) {
	size, suffix, _, ok := sizeAndSuffix(args)
	if !ok || args[0].IsNull() || size <= 0 {
		return Null, nil
	}
	text, err := c.Text(args[0])
	if err != nil {
		return Null, err
	}
	pad := size - java.Len(text)
	if pad <= 0 {
		return c.truncate(text, size, suffix, false)
	}
	if err := c.Charge(len(text) + pad); err != nil {
		return Null, err
	}
	return String(text + strings.Repeat(" ", pad)), nil
}

func displaySpace(c *Call, args []Value) (Value, error) {
	if args[0].kind != KindInt32 || args[0].int() < 0 {
		return Null, nil
	}
	n := int(args[0].int())
	if err := c.Charge(n); err != nil {
		return Null, err
	}
	return String(strings.Repeat(" ", n)), nil
}

// firstLetter makes a method that changes the first UTF-16 unit of a text.
func firstLetter(change func(string) string) []Method {
	return []Method{withArgs(1, func(c *Call, args []Value) (Value, error) {
		if args[0].IsNull() {
			return Null, nil
		}
		text, err := c.Text(args[0])
		if err != nil || text == "" {
			return String(text), err
		}
		first, _ := java.CharAt(text, 0)
		changed := change(first)
		if changed == first {
			return String(text), nil
		}
		if err := c.Charge(len(text) + len(changed)); err != nil {
			return Null, err
		}
		return String(changed + text[len(first):]), nil
	})}
}

func displayBr(c *Call, args []Value) (Value, error) {
	if args[0].IsNull() {
		return Null, nil
	}
	text, err := c.Text(args[0])
	if err != nil {
		return Null, err
	}
	return c.grown(java.Replace(text, "\n", "<br />\n", c.r.room()))
}

// displayStripTags takes tags out: the text, then the names of tags that stay.
func displayStripTags(c *Call, _ Object, args []Value) (Value, error) {
	if len(args) == 0 || args[0].IsNull() {
		return Null, nil
	}
	var allowed []string
	for _, name := range c.spread(args[1:]) {
		if name.kind != KindString && !name.IsNull() {
			return Null, nil
		}
		allowed = append(allowed, name.Str())
	}
	text, err := c.Text(args[0])
	if err != nil {
		return Null, err
	}
	if err := c.Charge(len(text)); err != nil {
		return Null, err
	}
	if err := c.Step(len(text)/64 + len(allowed)*strings.Count(text, "<")); err != nil {
		return Null, err
	}
	return String(stripTags(text, allowed)), nil
}

// stripTags takes out what stands from a < to the next >, but for tags that are allowed.
// What follows the last > is no tag: knowing that, no part is looked through twice.
func stripTags(text string, allowed []string) string {
	var b strings.Builder
	at := 0
	for last := strings.LastIndexByte(text, '>'); at < last; {
		open := strings.IndexByte(text[at:last], '<')
		if open < 0 {
			break
		}
		b.WriteString(text[at : at+open])
		at += open
		if tagAllowed(text[at:], allowed) {
			b.WriteByte('<')
			at++
			continue
		}
		at += strings.IndexByte(text[at:], '>') + 1
	}
	b.WriteString(text[at:])
	return b.String()
}

// tagAllowed reports whether the tag that s begins with has one of the names.
func tagAllowed(s string, allowed []string) bool {
	s = strings.TrimPrefix(s[1:], "/")
	for _, name := range allowed {
		if name == "" || len(s) <= len(name) || !strings.EqualFold(s[:len(name)], name) {
			continue
		}
		if strings.IndexByte(" \t\n\x0b\f\r>/", s[len(name)]) >= 0 && alphanumeric(name) {
			return true
		}
	}
	return false
}

func alphanumeric(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

// displayPlural is the plural of an English noun unless the number is 1 or -1.
func displayPlural(c *Call, args []Value) (Value, error) {
	if args[0].kind != KindInt32 {
		return Null, nil
	}
	for _, arg := range args[1:] {
		if arg.kind != KindString && !arg.IsNull() {
			return Null, nil
		}
	}
	if n := args[0].int(); n == 1 || n == -1 {
		return args[1], nil
	}
	if len(args) == 3 && !args[2].IsNull() {
		return args[2], nil
	}
	singular := args[1].Str()
	if singular == "" {
		return args[1], nil
	}
	if err := c.Charge(len(singular) + 3); err != nil {
		return Null, err
	}
	return String(pluralOf(singular)), nil
}

func pluralOf(singular string) string {
	word := java.ToLower(singular)
	stem, ending := singular, "s"
	switch {
	case strings.HasSuffix(word, "x"), strings.HasSuffix(word, "sh"), strings.HasSuffix(word, "ch"), strings.HasSuffix(word, "s"):
		ending = "es"
	case len(word) > 1 && strings.HasSuffix(word, "y") && strings.IndexByte("aeiou", word[len(word)-2]) < 0:
		stem, ending = singular[:len(singular)-1], "ies"
	}
	if last, _ := java.CharAt(singular, java.Len(singular)-1); java.ToLower(last) != last {
		ending = strings.ToUpper(ending)
	}
	return stem + ending
}

// printArguments are the arguments of message and printf; nil if there are none and
// the format is the text.
func (c *Call) printArguments(args []Value) ([]any, error) {
	args = c.spread(args)
	if len(args) == 1 && args[0].kind == KindList {
		items, _, err := c.listed(args[0])
		if err != nil {
			return nil, err
		}
		args = items
	}
	if err := c.ChargeSlots(len(args)); err != nil {
		return nil, err
	}
	plain := make([]any, len(args))
	for i, arg := range args {
		var err error
		if plain[i], err = c.toolArg(arg); err != nil {
			return nil, err
		}
	}
	return plain, nil
}

func displayPrintf(c *Call, _ Object, args []Value) (Value, error) {
	return c.printed(args, java.Printer.Format)
}

func displayMessage(c *Call, _ Object, args []Value) (Value, error) {
	return c.printed(args, java.Printer.Message)
}

func (c *Call) printed(args []Value, print func(java.Printer, string, []any) (string, error)) (Value, error) {
	if len(args) == 0 || args[0].kind != KindString {
		return Null, nil
	}
	plain, err := c.printArguments(args[1:])
	if err != nil || len(plain) == 0 {
		return args[0], err
	}
	// Reading the format takes memory in proportion to it, even if it prints little.
	if err := c.Charge(len(args[0].str())); err != nil {
		return Null, err
	}
	if err := c.Step(len(args[0].str())/16 + 1); err != nil {
		return Null, err
	}
	printer := java.Printer{Locale: c.r.javaLocale(), Zone: c.r.zone, Max: c.r.room()}
	s, err := print(printer, args[0].str(), plain)
	if err != nil && !errors.Is(err, java.ErrTooLong) {
		return Null, thrownBy(err)
	}
	return c.grown(s, err)
}

// measurements are the height and width of a text, in lines and UTF-16 units.
type measurements struct{ height, width int }

func (*measurements) Class() *Class { return measurementsClass }

func (m *measurements) Text(*Call) (string, error) {
	return "{ height: " + itoa(m.height) + ", width: " + itoa(m.width) + " }", nil
}

var measurementsClass = &Class{Name: "Measurements", Methods: Methods{
	"getHeight": {{Arity: 0, Func: func(_ *Call, self Object, _ []Value) (Value, error) {
		return Int32(int32(self.(*measurements).height)), nil
	}}},
	"getWidth": {{Arity: 0, Func: func(_ *Call, self Object, _ []Value) (Value, error) {
		return Int32(int32(self.(*measurements).width)), nil
	}}},
}}

func displayMeasure(c *Call, args []Value) (Value, error) {
	if args[0].IsNull() {
		return Null, nil
	}
	text, err := c.Text(args[0])
	if err != nil {
		return Null, err
	}
	if err := c.Step(len(text)/64 + 1); err != nil {
		return Null, err
	}
	m := &measurements{}
	if trimmed := strings.TrimRight(text, "\n"); trimmed != "" || text == "" {
		for line := range strings.SplitSeq(trimmed, "\n") {
			m.height++
			m.width = max(m.width, java.Len(line))
		}
	}
	return ObjectValue(m), nil
}
