package vtl

import (
	"math/rand/v2"
	"time"
	"unsafe"
)

// render is the state of one call of Render. It is reused through a pool that the
// Template holds.
type render struct {
	budget
	call   Call
	opts   *RenderOptions
	vars   Vars
	locale string
	zone   *time.Location
	now    time.Time // zero until asked for
	out    []byte
	copies map[unsafe.Pointer]unsafe.Pointer // host list or map -> the template's copy
}

// define is the value of a variable that #define set.
type define struct{}

// clock reads the clock of the render once.
func (r *render) clock() time.Time {
	if r.now.IsZero() {
		if r.opts.Now != nil {
			r.now = r.opts.Now()
		} else {
			r.now = time.Now()
		}
	}
	return r.now
}

func (r *render) random() float64 {
	if r.opts.Random != nil {
		return r.opts.Random()
	}
	return rand.Float64()
}

// list returns the list of v as the template has changed it.
func (r *render) list(v Value) *List {
	if r.copies != nil {
		if p, ok := r.copies[v.ref]; ok {
			return (*List)(p)
		}
	}
	return v.list()
}

// mapping returns the map of v as the template has changed it.
func (r *render) mapping(v Value) *Map {
	if r.copies != nil {
		if p, ok := r.copies[v.ref]; ok {
			return (*Map)(p)
		}
	}
	return v.mapping()
}

func (r *render) text(v Value) (string, error)                          { return plainText(v), nil }
func (r *render) equal(a, b Value, depth int) bool                      { return false }
func (r *render) property(v Value, name string) (Value, error)          { return Null, nil }
func (r *render) invoke(v Value, name string, a []Value) (Value, error) { return Null, nil }

func plainText(v Value) string { return v.Str() }

const asciiText = "\x00"
