package vtl

import (
	"time"
)

// # The contract of tools
//
// A tool is an Object: a value with methods of its own. What a tool returns (a
// date, a calendar, a comparison) may be an Object too. Templates reach nothing of
// an Object but the methods of its Class; there is no reflection.
//
//	type mathTool struct{}
//
//	func (mathTool) Class() *Class                { return &mathClass }
//	func (mathTool) Text(*Call) (string, error)   { return "mathTool", nil }
//
//	var mathClass = Class{Name: "MathTool", Methods: Methods{
//		"abs": {{Arity: 1, Func: func(c *Call, self Object, args []Value) (Value, error) { ... }}},
//		"max": {{Arity: Variadic, Func: maxOf}},
//	}}
//
// Class values and their tables are written once and never changed.
//
// Outcomes of a method
//   - a value;
//   - Null, nil: Java returned null, or no Java signature matches the arguments.
//     Both make the reference print its source text, or nothing if quiet;
//   - String(""): what a void method gives;
//   - an error made by Throw: Java threw. The render ends with an error of kind
//     KindMethod that points at the method name;
//   - an error returned by a method of Call (a budget ran out): return it unchanged.
//
// Properties: $tool.name calls, in this order, a method getName(), getname(),
// isName(), name() without arguments, then get("name") with one. Tables therefore
// hold the Java names (getYear, get).
//
// Arguments are as the template wrote them. Lists and maps are read through
// Call.List and Call.Map, also those found inside other lists, since a template may
// have changed its own copy of them. A tool never changes a list or map that it was
// given; it makes a new one.
//
// Costs: whatever makes text or collections in proportion to an argument calls
// Call.Charge (bytes) or Call.ChargeSlots before it allocates; whatever loops in
// proportion to an argument calls Call.Step. String results are checked against
// the limit of one string by Call.Charge.

// Object is a tool, or a value made by a tool.
type Object interface {
	// Class returns the table of methods.
	Class() *Class
	// Text is what the reference prints: toString in Java.
	Text(c *Call) (string, error)
}

// An Object may implement these.
type (
	// Equaler makes == and equals compare the content of two objects; without it
	// they compare identity. other is never nil.
	Equaler interface {
		EqualObject(other Object) bool
	}
	// Comparer orders objects for sorting and compareTo; false if the two have no order.
	Comparer interface {
		CompareObject(other Object) (order int, ok bool)
	}
	// Truther says whether #if takes the object as true; without it every object is true.
	Truther interface {
		Truth() bool
	}
	// Iterable makes #foreach go over the object.
	Iterable interface {
		Elements(c *Call) (*List, error)
	}
)

// Class describes the methods of one sort of Object.
type Class struct {
	Name    string // Java's simple class name, for messages
	Methods Methods
}

// Methods is a table of overloads by name.
type Methods map[string][]Method

// Variadic is the arity of a method that takes any number of arguments.
const Variadic = -1

// Method is one overload. Overloads of one name are told apart by arity alone;
// where Java tells them apart by type, Func does.
type Method struct {
	Arity int
	Func  MethodFunc
}

// MethodFunc is the code of a method. args is valid only during the call.
type MethodFunc func(c *Call, self Object, args []Value) (Value, error)

// find returns the overload for n arguments, nil if there is none.
func (cl *Class) find(name string, n int) MethodFunc {
	overloads := cl.Methods[name]
	for i := range overloads {
		if overloads[i].Arity == n {
			return overloads[i].Func
		}
	}
	for i := range overloads {
		if overloads[i].Arity == Variadic {
			return overloads[i].Func
		}
	}
	return nil
}

// Thrown is a Java exception that a method threw.
type Thrown struct {
	Exception string // Java's class name: java.lang.IndexOutOfBoundsException
	Message   string
}

// Error returns the exception as Java prints it.
func (t *Thrown) Error() string {
	if t.Message == "" {
		return t.Exception
	}
	return t.Exception + ": " + t.Message
}

// Throw makes the error of a method that throws in Java.
func Throw(exception, message string) error {
	return &Thrown{Exception: exception, Message: message}
}

// Call is what a method may know of the render it runs in. It is valid only
// during the call and belongs to one goroutine.
type Call struct {
	r *render
}

// Locale is the locale of the render as in RenderOptions: "en_US" if none was given.
func (c *Call) Locale() string { return c.r.locale }

// Zone is the time zone of the render: UTC if none was given.
func (c *Call) Zone() *time.Location { return c.r.zone }

// Now is the render's clock. It is read once: every call of one render gets the same time.
func (c *Call) Now() time.Time { return c.r.clock() }

// Random returns a number in [0,1) from the source in RenderOptions.
func (c *Call) Random() float64 { return c.r.random() }

// Charge takes n bytes of text, about to be allocated, from the memory budget and
// checks them against the limit of one string.
func (c *Call) Charge(n int) error { return c.r.chargeString(n) }

// ChargeSlots takes n elements of a list or map, about to be allocated, from the
// memory budget and checks them against the limit of one collection.
func (c *Call) ChargeSlots(n int) error { return c.r.chargeSlots(n) }

// Step takes n steps from the step budget.
func (c *Call) Step(n int) error { return c.r.stepN(n) }

// List returns the list that v holds as the template sees it now; false if v is no list.
func (c *Call) List(v Value) (*List, bool) {
	if v.kind != KindList {
		return nil, false
	}
	return c.r.list(v), true
}

// Map returns the map that v holds as the template sees it now; false if v is no map.
func (c *Call) Map(v Value) (*Map, bool) {
	if v.kind != KindMap {
		return nil, false
	}
	return c.r.mapping(v), true
}

// Text returns what v prints: toString in Java, "null" for null. The text is
// charged.
func (c *Call) Text(v Value) (string, error) { return c.r.text(v) }

// Equal compares as equals() in Java does: an Integer never equals a Long.
func (c *Call) Equal(a, b Value) bool { return c.r.equal(a, b, 0) }

// Property reads a property as $v.name does; Null if there is none.
func (c *Call) Property(v Value, name string) (Value, error) { return c.r.property(v, name) }

// Invoke calls a method as $v.name(args) does; Null if there is none.
func (c *Call) Invoke(v Value, name string, args ...Value) (Value, error) {
	return c.r.invoke(v, name, args)
}

// Tools are the tool objects of a render by variable name. A variable of the same
// name hides a tool.
type Tools map[string]Value
