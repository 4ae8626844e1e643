package vtl

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tidings/vtl/internal/java"
)

// regexCacheSize is how many compiled regular expressions a template keeps.
const regexCacheSize = 64

// Template is a parsed template. It never changes and may be used by many
// goroutines at once.
type Template struct {
	name    string
	text    string
	opts    Options
	body    block
	names   []string // variables by slot
	slots   map[string]int32
	macros  map[string]*macro
	uses    []usesOf
	pool    *sync.Pool // of *render
	regexes *java.RegexCache
}

// Parse reads a template. The name appears in errors. The error, if there is one, is
// an *Error of kind KindParse or KindLimitSource.
func Parse(name, source string, opts Options) (t *Template, err error) {
	opts = opts.withDefaults()
	if len(source) > opts.MaxSource {
		return nil, &Error{
			Template: name, Kind: KindLimitSource,
			Message: "the template has more than " + strconv.Itoa(opts.MaxSource) + " bytes",
		}
	}
	defer func() {
		if v := recover(); v != nil {
			t, err = nil, internalError(name, v)
		}
	}()
	t = &Template{name: name, text: source, opts: opts, pool: &sync.Pool{}, regexes: java.NewRegexCache(regexCacheSize)}
	t.pool.New = func() any { return newRender() }
	s := &shared{
		opts: opts, slots: make(map[string]int32), known: make(map[string]bool),
		macros: make(map[string]*macro), tmpl: t,
	}
	s.slot(nameForeach)
	s.slot(nameCount)
	s.slot(nameBody)
	p := newParser(s, source, origin{1, 1})
	if t.body, err = p.parseAll(); err != nil {
		return nil, locate(err, name, source, p.at)
	}
	for _, call := range s.calls {
		call.target = s.macros[call.name]
	}
	t.names, t.slots, t.macros, t.uses = s.names, s.slots, s.macros, s.uses
	return t, nil
}

// Variables that the engine itself sets have fixed slots.
const (
	nameForeach = "foreach"
	nameCount   = "velocityCount"
	nameBody    = "bodyContent"

	slotForeach = 0
	slotCount   = 1
	slotBody    = 2
)

// Name returns the name given to Parse.
func (t *Template) Name() string { return t.name }

// String prints the template back as its source, to the byte.
func (t *Template) String() string {
	var b strings.Builder
	b.Grow(len(t.text))
	t.body.source(&b)
	return b.String()
}

// References lists where the template uses variables, in the order of the source;
// those inside of quoted strings come last. What an #evaluate or #parse brings in at
// run time is not known here.
func (t *Template) References() []RefUse {
	var all []RefUse
	set := map[string]bool{nameForeach: true, nameBody: true, nameCount: t.opts.VelocityCount}
	for _, part := range t.uses {
		where := part.where
		uses := slices.Clone(part.uses)
		slices.SortStableFunc(uses, func(a, b RefUse) int { return int(a.offset - b.offset) })
		for _, u := range uses {
			u.Line, u.Col = where.position(int(u.offset))
			if u.Target {
				set[u.Name] = true
			}
			all = append(all, u)
		}
	}
	for i := range all {
		all[i].Local = set[all[i].Name]
	}
	return all
}

// Render appends the output to dst and returns it. After an error, an *Error, the
// result holds what was written before it.
func (t *Template) Render(dst []byte, vars Vars, opts *RenderOptions) (out []byte, err error) {
	r := t.pool.Get().(*render)
	defer func() {
		if v := recover(); v != nil {
			// The state may be broken: it is not used again.
			out, err = r.out, internalError(t.name, v)
			return
		}
		r.release()
		t.pool.Put(r)
	}()
	r.begin(t, dst, vars, opts)
	err = r.run(t)
	return finish(r.out, len(dst)), err
}

// RenderTo writes the output to w, all at once and only if there was no error.
func (t *Template) RenderTo(w io.Writer, vars Vars, opts *RenderOptions) error {
	out, err := t.Render(nil, vars, opts)
	if err != nil {
		return err
	}
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("writing the output of template %s: %w", t.name, err)
	}
	return nil
}

// internalError turns a panic into an error; runtime panics are defects of the
// engine and must not take the host down.
func internalError(name string, v any) *Error {
	cause, ok := v.(error)
	if !ok {
		cause = errors.New(fmt.Sprint(v))
	}
	return &Error{Template: name, Kind: KindInternal, Message: "internal error: " + cause.Error(), Err: cause}
}
