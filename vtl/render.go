package vtl

import (
	"maps"
	"math/rand/v2"
	"time"
	"unsafe"

	"tidings/vtl/internal/java"
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

	out    []byte // what was written; strings under way are built behind it
	outMax int    // most bytes of out

	slots  []variable // by slot of the main template; then those of others
	main   *Template  // whose slots come first
	tmpl   *Template  // whose nodes run now
	trans  []int32    // slots of tmpl -> slots of the render; nil for the main template
	others *others    // nil while there is only the main template
	args   []Value    // stack of arguments

	macros      []string // names of the macros that run, outermost first
	parseDepth  int      // #parse and #evaluate that run
	evalDepth   int
	defineDepth int
	printing    int // values within each other that are printed
	quoted      int // quoted strings under way, in which Insert sees nothing
	inserted    Insertion

	regexes  *java.RegexCache // of the main template
	symbols  *java.Locale     // nil until asked for
	patterns map[string]bool  // regular expressions that are paid for

	copies map[unsafe.Pointer]unsafe.Pointer // host list or map -> the template's copy
}

// variable is a slot.
type variable struct {
	val   Value
	state varState
}

type varState uint8

const (
	varUnknown   varState = iota // not yet asked for
	varUndefined                 // the host has none of this name
	varDefined                   // has a value, which may be null
)

// others is what a render knows of templates that it runs besides its own.
type others struct {
	slots  map[string]int32
	trans  map[*Template][]int32
	macros map[string]*macro
}

// noOptions stands in for nil RenderOptions.
var noOptions = RenderOptions{}

func newRender() *render {
	r := &render{}
	r.call.r = r
	return r
}

// begin prepares the state for a render.
func (r *render) begin(t *Template, dst []byte, vars Vars, opts *RenderOptions) {
	if opts == nil {
		opts = &noOptions
	}
	r.opts, r.vars, r.main, r.tmpl, r.regexes = opts, vars, t, t, t.regexes
	r.locale, r.zone = opts.Locale, opts.Zone
	if r.locale == "" {
		r.locale = "en_US"
	}
	if r.zone == nil {
		r.zone = time.UTC
	}
	r.budget.reset(opts.Limits.withDefaults(), opts.Context)
	r.out = dst
	r.outMax = len(dst) + r.limits.Output
	if cap(r.slots) < len(t.names) {
		r.slots = make([]variable, len(t.names))
	}
	r.slots = r.slots[:len(t.names)]
	r.slots[slotForeach].state = varUndefined
}

// release drops all that the render held on to.
func (r *render) release() {
	clear(r.slots)
	clear(r.args[:cap(r.args)])
	*r = render{
		call: r.call, slots: r.slots[:0], args: r.args[:0], macros: r.macros[:0],
	}
}

// run writes the whole template.
func (r *render) run(t *Template) error {
	err := r.block(&t.body)
	if err == nil || err == errStop || err == errBreak {
		return nil
	}
	return r.place(err, t, t.text, origin{1, 1})
}

// place finishes an error that came out of a text: it turns the offset into line and
// column.
func (r *render) place(err error, t *Template, text string, at origin) error {
	e, ok := err.(*Error)
	if !ok || e.placed {
		return err
	}
	e.placed = true
	e.Template = t.name
	if e.offset >= 0 {
		e.Line, e.Col = at.position(text, int(e.offset))
		e.Fragment = lineAt(text, int(e.offset))
	}
	return e
}

// at gives an error its place unless it has one, or is no error but a #break or #stop.
func (r *render) at(err error, pos int32) error {
	if e, ok := err.(*Error); ok && !e.placed && !e.located {
		e.offset, e.located = pos, true
	}
	return err
}

// variable returns the slot of a variable of the running template; it asks the host
// the first time. The pointer is good until other code of the template runs.
func (r *render) variable(i int32) *variable {
	if r.trans != nil {
		i = r.trans[i]
	}
	v := &r.slots[i]
	if v.state == varUnknown {
		r.load(v, r.main.names[i]) // those of others are loaded when they come up
	}
	return v
}

func (r *render) load(v *variable, name string) {
	v.state = varUndefined
	if r.vars != nil {
		if val, ok := r.vars.Lookup(name); ok {
			v.val, v.state = val, varDefined
			return
		}
	}
	if val, ok := r.opts.Tools[name]; ok {
		v.val, v.state = val, varDefined
	}
}

// set gives a variable a value.
func (v *variable) set(val Value) { v.val, v.state = val, varDefined }

// remove makes a variable undefined.
func (v *variable) remove() { v.val, v.state = Null, varUndefined }

// enter makes the nodes of another template run on the variables of this render. It
// returns what leave needs.
func (r *render) enter(t *Template) (back func()) {
	tmpl, trans := r.tmpl, r.trans
	if t == tmpl {
		return func() {}
	}
	if r.others == nil {
		r.others = &others{
			slots: make(map[string]int32), trans: make(map[*Template][]int32), macros: make(map[string]*macro),
		}
		for name, i := range tmpl.slots {
			r.others.slots[name] = i
		}
		maps.Copy(r.others.macros, tmpl.macros)
		r.others.trans[tmpl] = nil
	}
	next, ok := r.others.trans[t]
	if !ok {
		next = make([]int32, len(t.names))
		for i, name := range t.names {
			slot, ok := r.others.slots[name]
			if !ok {
				slot = int32(len(r.slots))
				r.slots = append(r.slots, variable{})
				r.load(&r.slots[slot], name)
				r.others.slots[name] = slot
			}
			next[i] = slot
		}
		r.others.trans[t] = next
		for name, m := range t.macros {
			if _, ok := r.others.macros[name]; !ok {
				r.others.macros[name] = m
			}
		}
	}
	r.tmpl, r.trans = t, next
	return func() { r.tmpl, r.trans = tmpl, trans }
}

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

// write appends text to the output.
func (r *render) write(s string) error {
	if len(r.out)+len(s) > r.outMax {
		return r.outputError()
	}
	r.out = append(r.out, s...)
	return nil
}

// checkOutput is called after bytes were appended to the output directly.
func (r *render) checkOutput() error {
	if len(r.out) > r.outMax {
		return r.outputError()
	}
	return nil
}

func (r *render) outputError() error {
	return limitError(KindLimitOutput, "the output has more than "+itoa(r.limits.Output)+" bytes")
}

// list returns the list of v as the template has changed it. The views of a map and
// the windows on a list follow the copy of what they look at.
func (r *render) list(v Value) *List {
	l := v.list()
	if r.copies == nil {
		return l
	}
	if p, ok := r.copies[v.ref]; ok {
		return (*List)(p)
	}
	if l.of != nil {
		if p, ok := r.copies[unsafe.Pointer(l.of)]; ok {
			view := *l
			view.of = (*Map)(p)
			return &view
		}
	}
	if l.back != nil {
		if p, ok := r.copies[unsafe.Pointer(l.back)]; ok {
			window := *l
			window.back = (*List)(p)
			return &window
		}
	}
	return l
}

// entryValue returns the value of an entry as the template has changed it.
func (r *render) entryValue(e *entry) Value {
	if p, ok := r.copies[unsafe.Pointer(e.in)]; ok {
		e.in = (*Map)(p)
	}
	return e.value()
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

// writableMap returns a map that the render may change: m itself if the render made
// it, else the render's copy.
func (r *render) writableMap(m *Map) (*Map, error) {
	if p, ok := r.copies[unsafe.Pointer(m)]; ok {
		return (*Map)(p), nil
	}
	if m.live {
		return m, nil
	}
	if err := r.chargeSlots(m.Len() + 1); err != nil {
		return nil, err
	}
	c := m.clone()
	r.keepCopy(unsafe.Pointer(m), unsafe.Pointer(c))
	return c, nil
}

// writableList returns a list that the render may change; see writableMap.
func (r *render) writableList(l *List) (*List, error) {
	if p, ok := r.copies[unsafe.Pointer(l)]; ok {
		return (*List)(p), nil
	}
	if l.flav == flavourSub {
		back, err := r.writableList(l.back)
		if err != nil || back == l.back {
			return l, err
		}
		sub := *l
		sub.back = back
		r.keepCopy(unsafe.Pointer(l), unsafe.Pointer(&sub))
		return &sub, nil
	}
	if l.live || l.of != nil {
		return l, nil
	}
	if err := r.chargeSlots(len(l.items) + 1); err != nil {
		return nil, err
	}
	c := *l
	c.items = append(make([]Value, 0, len(l.items)+1), l.items...)
	c.live = true
	r.keepCopy(unsafe.Pointer(l), unsafe.Pointer(&c))
	return &c, nil
}

func (r *render) keepCopy(from, to unsafe.Pointer) {
	if r.copies == nil {
		r.copies = make(map[unsafe.Pointer]unsafe.Pointer)
	}
	r.copies[from] = to
}
