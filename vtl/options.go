package vtl

import (
	"context"
	"time"
)

// Options say how a source is read. The zero value reads Velocity as it is.
type Options struct {
	// MergeTags makes %NAME% and %NAME|default% references. Their value is text and
	// never read as template. Default: they are text.
	MergeTags bool
	// VelocityCount offers $velocityCount inside #foreach. Default off.
	VelocityCount bool
	// MaxSource is the most bytes of a source. Default 1 MiB.
	MaxSource int
	// MaxDepth bounds how deep blocks, parentheses, lists and strings nest. Default 200.
	MaxDepth int
	// MaxNodes bounds the number of nodes. Default 200 000.
	MaxNodes int
}

func (o Options) withDefaults() Options {
	if o.MaxSource <= 0 {
		o.MaxSource = 1 << 20
	}
	if o.MaxDepth <= 0 {
		o.MaxDepth = 200
	}
	if o.MaxNodes <= 0 {
		o.MaxNodes = 200_000
	}
	return o
}

// Vars gives the variables of a render by name. A name that is there with the value
// null differs from one that is not there only for strict callers. Lookup is asked
// at most once for each name and render.
type Vars interface {
	Lookup(name string) (Value, bool)
}

// VarsFunc makes a function the variables of a render, for instance to look names
// up without regard to case.
type VarsFunc func(name string) (Value, bool)

// Lookup calls the function.
func (f VarsFunc) Lookup(name string) (Value, bool) { return f(name) }

// Insertion is a reference about to be written to the output.
type Insertion struct {
	Source  string // as in the template: $!{user.name}
	Name    string // the variable it starts from: user
	Value   Value  // Null if unresolved
	Defined bool   // whether the variable is there, even if null
	Quiet   bool   // $!name: prints nothing when unresolved
	Merge   bool   // a merge tag: %NAME%
	Text    string // what will be written
	Offset  int    // of the reference in its source
	Call    *Call  // reads lists and maps as the template sees them, see Call.List
}

// InsertFunc sees every reference as it is written to the output of the template. It
// returns the text to write, in.Text to leave it as it is. An error ends the render
// with kind KindStrict. References inside quoted strings are not seen on their own:
// the reference that writes the string is. Those inside #define blocks, macros,
// #evaluate and #parse are seen where they are written. in is valid only during the
// call.
type InsertFunc func(in *Insertion) (string, error)

// RenderOptions are what one render may know of its surroundings.
type RenderOptions struct {
	Context context.Context                      // ends the render when done. Default: none
	Limits  Limits                               // zero fields take the defaults
	Tools   Tools                                // objects by variable name; a variable hides a tool
	Insert  InsertFunc                           // sees references as they are written. Default: none
	Load    func(name string) (*Template, error) // for #parse; nil if there is none. Default: nothing is found
	// Include gives the texts of #include. Default: nothing is found
	Include func(name string) (text string, ok bool)
	Locale  string           // of numbers and dates, as "uk_UA". Default "en_US"
	Zone    *time.Location   // of dates. Default UTC
	Now     func() time.Time // the clock, asked once at most. Default time.Now
	Random  func() float64   // in [0,1). Default math/rand
	Strict  bool             // an unresolved plain reference is an error
}
