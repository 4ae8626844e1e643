package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tidings"
	"tidings/ui/part"
)

// The condition editor: a tree of groups (all of, any of) and comparisons as
// the fields of a form. It is a part of the forms of segments and of workflows.
//
//	form.go side:   c, acted := readCondition(f, "condition")
//	                if acted { show the form again with c }     // without script: add, remove
//	                body["condition"] = c.given()               // nil when nothing was typed
//	page side:      @conditionEditor(conditionView{Prefix: "condition", Update: "/contacts/segments/condition", Names: …, Root: c})
//	Update's route: return v.conditionPart(conditionView{…})    // an ask: what is typed, with one step done
//
// Fields of the form are named by their place in the tree: condition.join,
// condition.0.field, condition.0.op, condition.0.value, condition.1.join,
// condition.1.0.field, …; the button that was pressed is condition.do.

// condition is a condition in the making: comparisons may still have no field,
// groups nothing within. A group has All or Any, empty or not; all else is a comparison.
type condition tidings.Condition

// isGroup says whether c is a group.
func (c *condition) isGroup() bool { return c.All != nil || c.Any != nil }

// join is how a group joins what is within: "all" or "any".
func (c *condition) join() string {
	if c.Any != nil {
		return "any"
	}
	return "all"
}

// within gives what is within a group.
func (c *condition) within() []tidings.Condition {
	if c.Any != nil {
		return c.Any
	}
	return c.All
}

// hold makes c a group that joins some conditions.
func (c *condition) hold(join string, within []tidings.Condition) {
	if within == nil {
		within = []tidings.Condition{}
	}
	*c = condition{All: within}
	if join == "any" {
		*c = condition{Any: within}
	}
}

// asGroup gives the condition as the editor shows it: at its top is a group.
func (c *condition) asGroup() *condition {
	if c != nil && c.isGroup() {
		return c
	}
	root := &condition{All: []tidings.Condition{}}
	if c != nil && c.Field != "" {
		root.All = append(root.All, tidings.Condition(*c))
	}
	return root
}

// given is the condition as the API takes it: rows in which nothing was typed,
// and groups of nothing, fall away; nil when nothing is left.
func (c *condition) given() *condition {
	if !c.isGroup() {
		if c.Field == "" && strings.Join(c.Values, "") == "" {
			return nil
		}
		return c
	}
	var within []tidings.Condition
	for _, each := range c.within() {
		if kept := (*condition)(&each).given(); kept != nil {
			within = append(within, tidings.Condition(*kept))
		}
	}
	if within == nil {
		return nil
	}
	out := &condition{}
	out.hold(c.join(), within)
	return out
}

// MarshalJSON gives the form of the API.
func (c *condition) MarshalJSON() ([]byte, error) { return tidings.Condition(*c).MarshalJSON() }

// UnmarshalJSON reads it.
func (c *condition) UnmarshalJSON(data []byte) error {
	return (*tidings.Condition)(c).UnmarshalJSON(data)
}

// readCondition reads the editor's fields. acted says that a button of the
// editor was pressed, which was done: the form is to be shown again.
func readCondition(f *form, prefix string) (c *condition, acted bool) {
	c = readGroup(f, prefix, 1)
	act, at, ok := strings.Cut(f.raw(prefix+".do"), " ")
	if !ok {
		return c, false
	}
	c.act(act, strings.Split(strings.TrimPrefix(strings.TrimPrefix(at, prefix), "."), "."))
	return c, true
}

func readGroup(f *form, at string, depth int) *condition {
	within := []tidings.Condition{}
	for _, i := range places(f, at) {
		place := at + "." + strconv.Itoa(i)
		if f.has(place + ".join") {
			if depth <= tidings.MaxConditionDepth { // one more than the rules have: they say so
				within = append(within, tidings.Condition(*readGroup(f, place, depth+1)))
			}
			continue
		}
		within = append(within, readComparison(f, place))
	}
	c := &condition{}
	c.hold(f.raw(at+".join"), within)
	return c
}

// places gives the numbers of what is within a group, in order.
func places(f *form, at string) []int {
	var list []int
	for name := range f.values {
		rest, within := strings.CutPrefix(name, at+".")
		number, what, _ := strings.Cut(rest, ".")
		if i, err := strconv.Atoi(number); within && err == nil && i >= 0 && (what == "op" || what == "join") {
			list = append(list, i)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func readComparison(f *form, at string) tidings.Condition {
	c := tidings.Condition{Field: f.text(at + ".field"), Op: tidings.Operator(f.raw(at + ".op"))}
	switch {
	case takesNone(c.Op):
	case takesSeveral(c.Op):
		for line := range strings.Lines(f.area(at + ".value")) {
			if line = strings.TrimSpace(line); line != "" {
				c.Values = append(c.Values, line)
			}
		}
	default:
		if value := f.text(at + ".value"); value != "" {
			c.Values = []string{value}
		}
	}
	return c
}

func takesNone(op tidings.Operator) bool    { return op == tidings.IsSet || op == tidings.IsEmpty }
func takesSeveral(op tidings.Operator) bool { return op == tidings.OneOf || op == tidings.NotOneOf }

// act does what a button says at a place: add a comparison or a group to the
// group there, or remove what is there. A place that is not there is left.
func (c *condition) act(what string, place []string) {
	if len(place) == 1 && place[0] == "" {
		place = nil
	}
	if what != "remove" && len(place) == 0 {
		c.add(what)
		return
	}
	if len(place) == 0 || !c.isGroup() {
		return
	}
	within := c.within()
	i, err := strconv.Atoi(place[0])
	if err != nil || i < 0 || i >= len(within) {
		return
	}
	if what == "remove" && len(place) == 1 {
		c.hold(c.join(), slices.Delete(within, i, i+1))
		return
	}
	(*condition)(&within[i]).act(what, place[1:])
}

func (c *condition) add(what string) {
	one := tidings.Condition{Op: tidings.Equals}
	switch {
	case !c.isGroup():
		return
	case what == "group":
		group := &condition{}
		other := map[string]string{"all": "any", "any": "all"}
		group.hold(other[c.join()], []tidings.Condition{one})
		one = tidings.Condition(*group)
	case what != "add":
		return // a step that only shows the form again, for another operator
	}
	c.hold(c.join(), append(c.within(), one))
}

// conditionView is the editor in a form.
type conditionView struct {
	Prefix string        // of the names in the form, such as "condition"
	At     string        // path of the condition in the API's faults; "" = Prefix
	Update string        // route that answers a step, see conditionPart
	Names  []part.Option // what can be compared: Value is the name, Note its type, Group its kind
	Free   bool          // other names may be typed: references of workflows
	Faults faults
	Root   *condition // nil = none yet
}

// id is that of the editor in the page.
func (c conditionView) id() string { return "condition-" + strings.ReplaceAll(c.Prefix, ".", "-") }

// names are the ids of the names that can be typed.
func (c conditionView) names() string { return c.id() + "-names" }

// conditionNode is one place of the tree in the page.
type conditionNode struct {
	*condition
	view  *conditionView
	path  string // in the form
	at    string // in the API's faults
	depth int
}

func (c conditionView) root() conditionNode {
	at := c.At
	if at == "" {
		at = c.Prefix
	}
	root := c.Root.asGroup()
	if len(root.within()) == 0 {
		root.add("add")
	}
	return conditionNode{root, &c, c.Prefix, at, 1}
}

// nodes gives what is within a group.
func (n conditionNode) nodes() []conditionNode {
	list := n.within()
	nodes := make([]conditionNode, len(list))
	for i := range list {
		nodes[i] = conditionNode{(*condition)(&list[i]), n.view, n.path + "." + strconv.Itoa(i), fmt.Sprintf("%s.%s[%d]", n.at, n.join(), i), n.depth + 1}
	}
	return nodes
}

// fault gives what is wrong with a part of the node; "" is the node itself.
func (n conditionNode) fault(what string) string {
	if what == "" {
		return n.view.Faults.of(n.at)
	}
	return n.view.Faults.of(n.at + "." + what)
}

// deepest says whether no group fits within.
func (n conditionNode) deepest() bool { return n.depth >= tidings.MaxConditionDepth-1 }

// kind is the type of the node's field, as far as it is known.
func (n conditionNode) kind() string {
	for _, o := range n.view.Names {
		if strings.EqualFold(o.Value, n.Field) {
			return o.Note
		}
	}
	return ""
}

// options are the names for a comparison: with a name that is not there any more, so that it is seen.
func (n conditionNode) options() []part.Option {
	options := append([]part.Option{{Label: "Choose a field"}}, n.view.Names...)
	known := false
	for i := range options {
		options[i].Note = ""
		if strings.EqualFold(options[i].Value, n.Field) {
			options[i].Value, known = n.Field, true
		}
	}
	if !known {
		options = append(options, part.Option{Value: n.Field, Label: n.Field, Group: "Not there"})
	}
	return options
}

func (n conditionNode) several() bool { return takesSeveral(n.Op) }
func (n conditionNode) valued() bool  { return !takesNone(n.Op) }

// value is what stands in the field of the value.
func (n conditionNode) value() string { return strings.Join(n.Values, "\n") }

// example shows how a value of the field's type is written.
func (n conditionNode) example() string {
	switch n.kind() {
	case "number":
		return "120.50"
	case "date":
		return "2026-01-31"
	}
	return ""
}

// step has the editor shown again by a change of the control, with what is typed.
func (n conditionNode) step() map[string]any {
	return map[string]any{
		"hx-post": n.view.Update, "hx-trigger": "change", "hx-target": "#" + n.view.id(), "hx-swap": "outerHTML",
		"hx-vals": fmt.Sprintf(`{"%s.do":"show %s"}`, n.view.Prefix, n.view.Prefix),
	}
}

// press is a button of the editor.
func (n conditionNode) press(label, icon, act string) part.ButtonView {
	attrs := map[string]any{
		"formnovalidate": true, "hx-post": n.view.Update, "hx-target": "#" + n.view.id(), "hx-swap": "outerHTML",
	}
	if n.depth > 1 && act != "remove" {
		attrs["aria-label"] = label + " to group " + n.what()
	}
	return part.ButtonView{
		Label: label, Icon: icon, Kind: part.Plain, Small: true, Name: n.view.Prefix + ".do", Value: act + " " + n.path,
		IconOnly: act == "remove",
		Attrs:    attrs,
	}
}

// what names the node for those who don't see where its controls stand.
func (n conditionNode) what() string {
	number := strings.TrimPrefix(n.path, n.view.Prefix)
	var steps []string
	for step := range strings.SplitSeq(strings.Trim(number, "."), ".") {
		if i, err := strconv.Atoi(step); err == nil {
			steps = append(steps, strconv.Itoa(i+1))
		}
	}
	return strings.Join(steps, ".")
}

// conditionPart answers a step of the editor: what is typed, with the step done.
func (v *visit) conditionPart(c conditionView) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	c.Root, _ = readCondition(f, c.Prefix)
	return v.part(conditionEditor(c))
}

// operatorOptions are the operators in words.
func operatorOptions() []part.Option {
	return []part.Option{
		{Value: "equals", Label: "is"},
		{Value: "notEquals", Label: "is not"},
		{Value: "contains", Label: "contains"},
		{Value: "notContains", Label: "does not contain"},
		{Value: "startsWith", Label: "starts with"},
		{Value: "notStartsWith", Label: "does not start with"},
		{Value: "endsWith", Label: "ends with"},
		{Value: "notEndsWith", Label: "does not end with"},
		{Value: "isSet", Label: "has a value"},
		{Value: "isEmpty", Label: "has no value"},
		{Value: "greater", Label: "is greater or later than"},
		{Value: "less", Label: "is less or earlier than"},
		{Value: "oneOf", Label: "is one of"},
		{Value: "notOneOf", Label: "is none of"},
		{Value: "matches", Label: "matches the pattern"},
	}
}

// operatorWord says an operator.
func operatorWord(op tidings.Operator) string {
	for _, o := range operatorOptions() {
		if o.Value == string(op) {
			return o.Label
		}
	}
	return string(op)
}

// words says a condition in one line: TOWN is Kyiv and (BONUS has a value or …).
func (c *condition) words() string {
	if !c.isGroup() {
		return strings.TrimSpace(c.Field + " " + operatorWord(c.Op) + " " + strings.Join(c.Values, ", "))
	}
	var parts []string
	for _, each := range c.within() {
		words := (*condition)(&each).words()
		if (*condition)(&each).isGroup() && len((*condition)(&each).within()) > 1 {
			words = "(" + words + ")"
		}
		parts = append(parts, words)
	}
	return strings.Join(parts, map[string]string{"all": " and ", "any": " or "}[c.join()])
}

// fieldNames are the fields of contacts that conditions can name.
func (v *visit) fieldNames() ([]part.Option, error) {
	list, err := v.fields()
	if err != nil {
		return nil, err
	}
	options := make([]part.Option, 0, len(list.Standard)+len(list.Fields))
	for _, name := range list.Standard {
		options = append(options, part.Option{Value: name, Label: name, Group: "Standard fields"})
	}
	for _, f := range list.Fields {
		options = append(options, part.Option{Value: f.Key, Label: f.label(), Note: f.Type, Group: "Additional fields"})
	}
	return options, nil
}

// groupName names a group within a label.
func groupName(n conditionNode) string {
	if n.depth == 1 {
		return "the condition"
	}
	return "group " + n.what()
}

// fieldFault is what is wrong with the name: a comparison without one is, to the API, no condition.
func (n conditionNode) fieldFault() string {
	if reason := n.fault("field"); reason != "" {
		return reason
	}
	if n.fault("") != "" && n.Field == "" {
		return "is required: choose what is compared"
	}
	return n.fault("")
}
