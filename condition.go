package tidings

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Condition is a question about the values that somebody or something has: one
// comparison, or several of which all or any must hold. Exactly one of All,
// Any and Field is set.
type Condition struct {
	All   []Condition
	Any   []Condition
	Field string // the name of a value, without regard to case
	Op    Operator
	// Values is what is compared with: one, several for OneOf and NotOneOf, none for
	// IsSet and IsEmpty. Numbers, dates and true and false stand as their texts.
	Values []string
}

// Operator is how a value is compared. Texts are compared without regard to
// case, numbers by their value, dates as instants (a day is its beginning, in
// UTC). A list is what one of its texts is. The operators that begin with not
// are true where those without it are false, so also of what has no value; of
// that, of all the others, only IsEmpty is true.
type Operator string

// The operators.
const (
	Equals     Operator = "equals"
	NotEquals  Operator = "notEquals"
	Contains   Operator = "contains"
	StartsWith Operator = "startsWith"
	EndsWith   Operator = "endsWith"
	IsSet      Operator = "isSet"
	IsEmpty    Operator = "isEmpty"
	Greater    Operator = "greater"
	Less       Operator = "less"
	OneOf      Operator = "oneOf"

	NotContains   Operator = "notContains"
	NotStartsWith Operator = "notStartsWith"
	NotEndsWith   Operator = "notEndsWith"
	NotOneOf      Operator = "notOneOf"
	// Matches takes a regular expression (RE2) that is found anywhere in the text, of
	// which the first MaxMatched bytes are looked at; ^ and $ hold it to the ends.
	// Case matters.
	Matches Operator = "matches"
)

// Operators lists them all.
func Operators() []Operator {
	return []Operator{
		Equals, NotEquals, Contains, NotContains, StartsWith, NotStartsWith, EndsWith, NotEndsWith,
		IsSet, IsEmpty, Greater, Less, OneOf, NotOneOf, Matches,
	}
}

// opposite gives the operator that an operator negates; "" when it negates none.
func (op Operator) opposite() Operator {
	switch op {
	case NotEquals:
		return Equals
	case NotContains:
		return Contains
	case NotStartsWith:
		return StartsWith
	case NotEndsWith:
		return EndsWith
	case NotOneOf:
		return OneOf
	case IsEmpty:
		return IsSet
	}
	return ""
}

// severalValues says whether an operator takes more values than one.
func (op Operator) severalValues() bool { return op == OneOf || op == NotOneOf }

// Limits of a condition.
const (
	MaxConditionDepth  = 5
	MaxConditions      = 100
	MaxConditionValues = 500 // of OneOf and NotOneOf
	MaxMatched         = 64 << 10
	maxPatternSteps    = 2000 // of the compiled pattern: a{100} is a hundred
)

// CheckCondition says what is wrong with a condition, by the paths of its JSON form.
func CheckCondition(c *Condition) []FieldError {
	check := conditionCheck{}
	check.condition(c, "", 1)
	if check.count > MaxConditions {
		check.fault("", "has more than %d comparisons", MaxConditions)
	}
	return check.faults
}

type conditionCheck struct {
	faults []FieldError
	count  int
}

func (k *conditionCheck) fault(path, format string, args ...any) {
	k.faults = append(k.faults, FieldError{Index: -1, Field: strings.TrimPrefix(path, "."), Reason: fmt.Sprintf(format, args...)})
}

func (k *conditionCheck) condition(c *Condition, path string, depth int) {
	kinds := 0
	for _, set := range []bool{c.All != nil, c.Any != nil, c.Field != ""} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		k.fault(path, "must have one of all, any and field")
	case depth > MaxConditionDepth:
		k.fault(path, "is nested deeper than %d", MaxConditionDepth)
	case c.Field != "":
		k.comparison(c, path)
	case len(c.All)+len(c.Any) == 0:
		k.fault(path, "must have at least one condition within")
	}
	if depth > MaxConditionDepth {
		return
	}
	for i := range c.All {
		k.condition(&c.All[i], fmt.Sprintf("%s.all[%d]", path, i), depth+1)
	}
	for i := range c.Any {
		k.condition(&c.Any[i], fmt.Sprintf("%s.any[%d]", path, i), depth+1)
	}
}

func (k *conditionCheck) comparison(c *Condition, path string) {
	k.count++
	switch {
	case !slices.Contains(Operators(), c.Op):
		k.fault(path+".op", "must be one of %v", Operators())
	case c.Op == IsSet || c.Op == IsEmpty:
		if len(c.Values) > 0 {
			k.fault(path+".value", "must be absent with %s", c.Op)
		}
	case c.Op.severalValues():
		if len(c.Values) == 0 || len(c.Values) > MaxConditionValues {
			k.fault(path+".value", "must be an array of 1 to %d values", MaxConditionValues)
		}
	case len(c.Values) != 1:
		k.fault(path+".value", "is required")
	case c.Op == Greater || c.Op == Less:
		if v := newOperand(c.Values[0]); v.number == nil && v.date.IsZero() {
			k.fault(path+".value", "must be a number or a date to be compared by %s", c.Op)
		}
	case c.Op == Matches:
		if reason := checkPattern(c.Values[0]); reason != "" {
			k.fault(path+".value", "%s", reason)
		}
	}
	for _, v := range c.Values {
		if reason := checkText(v, MaxFieldText); reason != "" {
			k.fault(path+".value", "%s", reason)
		}
	}
}

// checkPattern says what is wrong with a regular expression, or "".
func checkPattern(pattern string) string {
	switch {
	case pattern == "":
		return "is an empty regular expression, which every text matches: use isSet"
	case utf8.RuneCountInString(pattern) > MaxPattern:
		return fmt.Sprintf("is longer than %d characters", MaxPattern)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if wrong, ok := errors.AsType[*syntax.Error](err); ok {
		return fmt.Sprintf("is no regular expression: %s: %q (the syntax is RE2's: no lookaround and no back-references)", wrong.Code, wrong.Expr)
	}
	// The time of a match is the length of the text times the length of the pattern.
	if compiled, err := syntax.Compile(parsed.Simplify()); err != nil || len(compiled.Inst) > maxPatternSteps {
		return "takes too long to be looked for: repeat less, as in a{10} in place of a{1000}"
	}
	return ""
}

// Names lists the values that a condition asks for, in capitals, each once.
func (c *Condition) Names() []string {
	var names []string
	c.names(&names)
	slices.Sort(names)
	return slices.Compact(names)
}

func (c *Condition) names(to *[]string) {
	if c.Field != "" {
		*to = append(*to, strings.ToUpper(c.Field))
	}
	for i := range c.All {
		c.All[i].names(to)
	}
	for i := range c.Any {
		c.Any[i].names(to)
	}
}

// Lookup gives a value by its name; false when there is none.
type Lookup func(name string) (FieldValue, bool)

// Matcher makes the condition ready to be asked many times. The condition has
// been through CheckCondition.
func (c *Condition) Matcher() func(Lookup) bool {
	if c.Field != "" {
		return c.comparison()
	}
	parts := c.All
	if c.Any != nil {
		parts = c.Any
	}
	within := make([]func(Lookup) bool, len(parts))
	for i := range parts {
		within[i] = parts[i].Matcher()
	}
	// All hold unless one does not; any holds when one does.
	decisive := c.Any != nil
	return func(of Lookup) bool {
		for _, holds := range within {
			if holds(of) == decisive {
				return decisive
			}
		}
		return !decisive
	}
}

func (c *Condition) comparison() func(Lookup) bool {
	holds := c.compare()
	name := c.Field
	if c.Op.opposite() != "" {
		return func(of Lookup) bool { return !holds(of(name)) }
	}
	return func(of Lookup) bool { return holds(of(name)) }
}

// compare makes the comparison of the operator, or of the one that it negates.
func (c *Condition) compare() func(v FieldValue, ok bool) bool {
	op := c.Op
	if of := op.opposite(); of != "" {
		op = of
	}
	switch op {
	case IsSet:
		return func(v FieldValue, ok bool) bool { return ok && !v.Empty() }
	case Matches:
		pattern, err := regexp.Compile(c.Values[0])
		return func(v FieldValue, ok bool) bool { return ok && err == nil && !v.Empty() && v.matches(pattern) }
	case OneOf:
		op = Equals
	}
	operands := make([]operand, len(c.Values))
	for i, text := range c.Values {
		operands[i] = newOperand(text)
	}
	return func(v FieldValue, ok bool) bool {
		return ok && !v.Empty() && slices.ContainsFunc(operands, func(o operand) bool { return o.compared(v, op) })
	}
}

// matches says whether a pattern is found in the value, or in one of its texts.
func (v FieldValue) matches(pattern *regexp.Regexp) bool {
	texts := v.List
	if v.Type != FieldList {
		texts = []string{v.Text}
	}
	return slices.ContainsFunc(texts, func(text string) bool { return pattern.MatchString(text[:min(len(text), MaxMatched)]) })
}

// operand is what a value is compared with, in every form that it can be read in.
type operand struct {
	text   string   // in small letters
	number *big.Rat // nil = it is none
	date   time.Time
}

func newOperand(text string) operand {
	o := operand{text: strings.ToLower(text)}
	o.number, _ = FieldValue{Type: FieldText, Text: text}.Number()
	o.date, _ = FieldValue{Type: FieldText, Text: text}.date()
	return o
}

// compared says whether v stands to the operand as op says.
func (o operand) compared(v FieldValue, op Operator) bool {
	if v.Type == FieldList {
		return slices.ContainsFunc(v.List, func(text string) bool {
			return o.compared(FieldValue{Type: FieldText, Text: text}, op)
		})
	}
	switch op {
	case Greater, Less:
		sign, ok := o.order(v)
		return ok && (op == Greater && sign > 0 || op == Less && sign < 0)
	case Equals:
		if v.Type == FieldNumber || v.Type == FieldDate {
			if sign, ok := o.order(v); ok {
				return sign == 0
			}
		}
		return strings.ToLower(v.Text) == o.text
	case Contains:
		return strings.Contains(strings.ToLower(v.Text), o.text)
	case StartsWith:
		return strings.HasPrefix(strings.ToLower(v.Text), o.text)
	case EndsWith:
		return strings.HasSuffix(strings.ToLower(v.Text), o.text)
	}
	return false
}

// order compares v with the operand, as dates or as numbers; false when they are neither.
func (o operand) order(v FieldValue) (int, bool) {
	if !o.date.IsZero() {
		date, ok := v.date()
		return date.Compare(o.date), ok
	}
	if o.number == nil {
		return 0, false
	}
	number, ok := v.Number()
	if !ok {
		return 0, false
	}
	return number.Cmp(o.number), true
}

// date gives the instant that a value is or, being a text, can be read as.
func (v FieldValue) date() (time.Time, bool) {
	text := v.Text
	if v.Type == FieldText {
		read, reason := parseDateField(strings.TrimSpace(text))
		if reason != "" {
			return time.Time{}, false
		}
		text = read.Text
	} else if v.Type != FieldDate {
		return time.Time{}, false
	}
	layout := time.RFC3339
	if len(text) == len(time.DateOnly) {
		layout = time.DateOnly
	}
	t, err := time.Parse(layout, text)
	return t, err == nil
}
