package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

// rendered is a request as it leaves, but for credentials and what the server adds.
type rendered struct {
	method string
	url    string
	header http.Header
	body   []byte // nil = none
}

// Warning is something in a rendered request that may not be meant.
type Warning struct {
	Part   Part
	Source string // the reference as it is in the template
	Reason string
}

// insertion is a value on its way into a request.
type insertion struct {
	at     int    // offset of the reference in its template
	source string // as written there
	name   string // the variable it starts from
	text   string // what it prints
	value  vtl.Value
	json   []byte // of a list or map
	err    error  // why there is no json
}

// The marks that stand for values until their place is known: markOpen, the
// number of the insertion, markClose. Neither byte is ever part of UTF-8.
const (
	markOpen  = 0xff
	markClose = 0xfe
)

// renderer makes the parts of one request.
type renderer struct {
	scope    scope.Scope
	options  vtl.RenderOptions
	now      []insertion // of the part under way
	buffer   []byte      // what the part rendered to, with marks
	warnings []Warning
}

// begin makes a renderer ready for a request. It may have made others before.
func (r *renderer) begin(ctx context.Context, s scope.Scope, tools vtl.Tools, zoned bool) {
	if r.now == nil {
		r.now = make([]insertion, 0, 8)
		r.options.Insert = r.insert
	}
	r.scope = s
	r.options = vtl.RenderOptions{Context: ctx, Tools: tools, Strict: true, Insert: r.options.Insert, Now: s.Now}
	if s.Contact != nil {
		r.options.Locale = strings.ReplaceAll(s.Contact.Language, "-", "_")
		if zoned && s.Contact.TimeZone != "" {
			// A zone that this machine does not know leaves UTC.
			r.options.Zone, _ = time.LoadLocation(s.Contact.TimeZone)
		}
	}
}

// end lets go of everything that belongs to the request.
func (r *renderer) end() {
	clear(r.now[:cap(r.now)])
	kept := renderer{now: r.now[:0], buffer: r.buffer[:0]}
	if cap(r.now) > 256 || cap(r.buffer) > 64<<10 {
		kept = renderer{}
	}
	kept.options.Insert = r.options.Insert
	*r = kept
}

// request renders all parts.
func (r *renderer) request(p *prepared) (*rendered, *Problem) {
	out := &rendered{method: string(p.method), header: make(http.Header, len(p.headers)+6)}
	url, problem := r.url(p.url)
	if problem != nil {
		return nil, problem
	}
	out.url = string(url)
	for _, h := range p.headers {
		value, problem := r.header(h.value)
		if problem != nil {
			return nil, problem
		}
		out.header.Set(h.name, value)
	}
	if p.format == tidings.BodyNone {
		return out, nil
	}
	if out.header.Get("Content-Type") == "" {
		out.header.Set("Content-Type", contentType(p.format))
	}
	out.body, problem = r.body(p, out.header.Get("Content-Type"))
	if problem != nil {
		return nil, problem
	}
	return out, nil
}

func (r *renderer) url(t template) ([]byte, *Problem) {
	url, problem := r.part(t, &urlPlace{}, tidings.MaxWebhookURL)
	if problem == nil {
		problem = lintURL(url)
	}
	return url, problem
}

func (r *renderer) header(t template) (string, *Problem) {
	text, problem := r.part(t, headerPlace{}, tidings.MaxHeaderValue)
	value := string(text)
	if problem == nil {
		problem = lintHeader(t.part, value)
	}
	return value, problem
}

func (r *renderer) body(p *prepared, contentType string) ([]byte, *Problem) {
	body, problem := r.part(p.body, bodyPlace(p.format, contentType), tidings.MaxCallBody)
	if problem == nil {
		problem = lintBody(p.format, body)
	}
	return body, problem
}

func bodyPlace(f tidings.BodyFormat, contentType string) place {
	switch f {
	case tidings.BodyJSON:
		return &jsonPlace{}
	case tidings.BodyXML:
		return &xmlPlace{}
	}
	if media, _, err := mime.ParseMediaType(contentType); err == nil && media == "application/x-www-form-urlencoded" {
		return formPlace{}
	}
	return textPlace{}
}

// part renders one template and fills in its values.
func (r *renderer) part(t template, at place, maxBytes int) ([]byte, *Problem) {
	var skeleton []byte
	if t.tmpl == nil {
		skeleton = []byte(t.source)
	} else {
		r.now = r.now[:0]
		r.options.Limits = vtl.WebhookLimits()
		r.options.Limits.Output = max(2*maxBytes, r.options.Limits.Output)
		var err error
		r.buffer, err = t.tmpl.Render(r.buffer[:0], &r.scope, &r.options)
		if err != nil {
			return nil, r.explain(t, err)
		}
		skeleton = r.buffer
		r.warn(t.part)
	}
	if t.part != PartBody {
		skeleton = bytes.TrimSpace(skeleton)
	}
	out, problem := r.fill(t, skeleton, at)
	if problem == nil && len(out) > maxBytes {
		problem = &Problem{Part: t.part, Message: fmt.Sprintf("is larger than %d bytes once it is rendered", maxBytes)}
	}
	return out, problem
}

// insert is the engine's hook: it notes a value and writes a mark in its place.
func (r *renderer) insert(in *vtl.Insertion) (string, error) {
	i := insertion{at: in.Offset, source: in.Source, name: in.Name, text: in.Text, value: in.Value}
	if k := in.Value.Kind(); k == vtl.KindList || k == vtl.KindMap {
		// The template may have changed what is in it, and may do so again.
		i.json, i.err = scope.AppendJSON(nil, in.Call, in.Value)
	}
	r.now = append(r.now, i)
	return mark(len(r.now) - 1), nil
}

// marks are the first marks, made once: few templates have more values.
var marks = func() (list [64]string) {
	for i := range list {
		list[i] = "\xff" + strconv.Itoa(i) + "\xfe"
	}
	return list
}()

// mark is the mark of an insertion.
func mark(n int) string {
	if n < len(marks) {
		return marks[n]
	}
	return "\xff" + strconv.Itoa(n) + "\xfe"
}

// fill replaces the marks by values, each escaped for where it stands.
func (r *renderer) fill(t template, skeleton []byte, at place) ([]byte, *Problem) {
	out := make([]byte, 0, len(skeleton)+16*len(r.now))
	for {
		i := bytes.IndexByte(skeleton, markOpen)
		if t.tmpl == nil || i < 0 {
			return at.literal(out, skeleton), nil
		}
		out = at.literal(out, skeleton[:i])
		end := i + bytes.IndexByte(skeleton[i:], markClose)
		n, err := strconv.Atoi(string(skeleton[i+1 : end]))
		if err != nil {
			panic("call: a mark is broken") // the engine writes marks as they are
		}
		in := &r.now[n]
		if out, err = at.value(out, in); err != nil {
			return nil, problemAt(t.part, t.source, in.at, in.source+" "+err.Error())
		}
		skeleton = skeleton[end+1:]
	}
}

// warn notes values that are there and empty, or missing behind a $!.
func (r *renderer) warn(part Part) {
	for i := range r.now {
		in := &r.now[i]
		if in.text != "" {
			continue
		}
		reason := "is empty"
		if in.value.IsNull() {
			reason = "has no value and is sent empty"
		}
		r.warnings = append(r.warnings, Warning{part, in.source, reason})
	}
}

// explain adds to the engine's error what people here can do about it.
func (r *renderer) explain(t template, err error) *Problem {
	p := templateProblem(t.part, err)
	e, ok := errors.AsType[*vtl.Error](err)
	if !ok || e.Kind != vtl.KindStrict {
		return p
	}
	hint := "; write $!… to send it empty, or ${name|'default'}"
	switch missing, _ := strings.CutPrefix(p.Message, "the variable "); {
	case missing == p.Message:
	default:
		name := strings.TrimSuffix(missing, " is not set")
		p.Message = r.missing(name)
	}
	p.Message += hint
	return p
}

// missing says why a bare name has no value.
func (r *renderer) missing(name string) string {
	s := &r.scope
	switch {
	case name == scope.VarContact && s.Contact == nil:
		return "there is no contact for $contact"
	case name == scope.VarEvent && s.Event == nil:
		return "there is no event for $event"
	case tidings.IsStandardField(name) && s.Contact != nil:
		return "the contact has no " + strings.ToUpper(name)
	case tidings.IsStandardField(name):
		return "there is no contact to take " + strings.ToUpper(name) + " from"
	case s.Event == nil && s.Contact == nil:
		return "there is neither an event nor a contact to take " + name + " from"
	case s.Event == nil:
		return "the contact has no field " + name + ", and there is no event"
	}
	return "the event has no parameter " + name + ", and the contact no such field"
}
