package api

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/feed"
)

// optionsJSON is what can be set of an endpoint, on create and by a merge
// patch (RFC 7396): absent = unchanged (on create: the default), null = the default.
type optionsJSON struct {
	Name       optional[string]       `json:"name,omitempty" doc:"1 to 200 characters." maxLength:"200"`
	URL        optional[string]       `json:"url,omitempty" doc:"http or https, with a host, without credentials or fragment; at most 2,048 bytes. It is probed by a GET."`
	Auth       optional[authJSON]     `json:"auth,omitempty" doc:"HTTP Basic credentials sent with every request; null = none."`
	Headers    optional[[]headerJSON] `json:"headers,omitempty" doc:"Own header rows sent with every request; at most 5." maxItems:"5"`
	Statuses   optional[[]string]     `json:"statuses,omitempty" doc:"Only activities of these statuses; empty = all." enum:"DELIVERED,UNDELIVERED,READ,UNSUBSCRIBED,CLICKED,SPAM,SUBSCRIPTION_CHANGED,SENT"`
	MediaTypes optional[[]string]     `json:"mediaTypes,omitempty" doc:"Only activities of these media types; empty = all." enum:"email,sms,viber,mobilepush,webpush,appinbox,widget,inapp,telegrambot"`
	Batch      optional[batchJSON]    `json:"batch,omitempty" doc:"Limits of one POST."`
	TimeoutMs  optional[int]          `json:"timeoutMs,omitempty" doc:"Milliseconds for one attempt, the answer included: 1,000 to 60,000; default 15,000."`
	Any2xx     optional[bool]         `json:"any2xx,omitempty" doc:"true: every 2xx counts as delivered, not only 200. Default false."`
	Signing    optional[bool]         `json:"signing,omitempty" doc:"Whether deliveries are signed (Standard Webhooks). Default true. A secret that is made anew is shown once, in the answer."`
	Activate   optional[string]       `json:"activate,omitempty" doc:"When a URL is set: ifProbePasses (default), anyway, or never." enum:"ifProbePasses,anyway,never"`
	Start      optional[startJSON]    `json:"start,omitempty" doc:"Only on create: where in the feed it begins. Default now."`
	Secret     optional[string]       `json:"secret,omitempty" writeOnly:"true" doc:"Only on create: a signing secret of your own, whsec_ and the base64 of 24 to 64 bytes."`
	Version    optional[int]          `json:"version,omitempty" doc:"Only in a patch: the version that was read; 409 when it has changed since."`
}

// newEndpointJSON is the same as the body of a create, where some are required.
type newEndpointJSON optionsJSON

type authJSON struct {
	Type     optional[string] `json:"type,omitempty" enum:"basic" doc:"The only type: basic."`
	Username optional[string] `json:"username,omitempty" doc:"Without a colon; at most 255 bytes."`
	Password optional[string] `json:"password,omitempty" writeOnly:"true" doc:"At most 1,024 bytes. Never shown. Absent in a patch: unchanged."`
}

type headerJSON struct {
	Name  optional[string] `json:"name,omitempty" doc:"The header's name."`
	Value optional[string] `json:"value,omitempty" writeOnly:"true" doc:"At most 4,096 bytes. Never shown. Absent in a patch: that header's value is unchanged."`
}

type batchJSON struct {
	MaxItems optional[int] `json:"maxItems,omitempty" doc:"Activities: 1 to 10,000; default 500."`
	MaxBytes optional[int] `json:"maxBytes,omitempty" doc:"Bytes of the body: 1,024 to 16,777,216; default 1,048,576. One larger activity still goes, alone."`
	LingerMs optional[int] `json:"lingerMs,omitempty" doc:"Milliseconds that the first activity may wait for company: 0 to 3,600,000; default 0."`
}

// startJSON is a place in the feed: "now", "beginning", {"seq":n} or {"time":t}.
type startJSON struct{ tidings.Start }

func (s *startJSON) decodeField(d *decoder, n node, path string) {
	var at struct {
		Seq  optional[int]    `json:"seq"`
		Time optional[string] `json:"time"`
	}
	switch {
	case n.kind == "a string" && n.text == "now":
		s.Now = true
	case n.kind == "a string" && n.text == "beginning":
		s.Beginning = true
	case n.kind != "an object":
		d.fault(path, `must be "now", "beginning", {"seq": n} or {"time": "2026-01-31T15:04:05Z"}`)
	default:
		before := len(d.faults)
		d.object(n, reflect.ValueOf(&at).Elem(), path)
		if at.Seq.given() == at.Time.given() && len(d.faults) == before {
			d.fault(path, "must have one of seq and time")
		}
		s.Seq = d.seq(at.Seq, join(path, "seq"))
		s.Time = d.instant(at.Time, join(path, "time"))
	}
}

// Schema describes the forms. It is huma's SchemaProvider.
func (startJSON) Schema(huma.Registry) *huma.Schema {
	one := func(name string, s *huma.Schema) *huma.Schema {
		return &huma.Schema{Type: "object", Required: []string{name}, Properties: map[string]*huma.Schema{name: s}}
	}
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: "string", Enum: []any{"now", "beginning"}},
		one("seq", &huma.Schema{Type: "integer", Minimum: ptr(1.0), Description: "The first activity to deliver."}),
		one("time", &huma.Schema{Type: "string", Format: "date-time", Description: "The first activity that arrived at this time or later."}),
	}}
}

// given says that the field is there and not null.
func (o optional[T]) given() bool { return o.set && !o.null }

func (d *decoder) seq(o optional[int], path string) tidings.Seq {
	if o.given() && o.value < 1 {
		d.fault(path, "must be 1 or more")
	}
	return tidings.Seq(o.value)
}

func (d *decoder) instant(o optional[string], path string) time.Time {
	if !o.given() {
		return time.Time{}
	}
	t, err := parseTime(o.value, false)
	if err != nil {
		d.fault(path, "must be a time as 2026-01-31T15:04:05Z")
	}
	return t
}

// newEndpoint is an endpoint with every option at its default.
func newEndpoint(account tidings.AccountID) tidings.Endpoint {
	return tidings.Endpoint{
		Account: account,
		Batch:   tidings.BatchLimits{MaxItems: tidings.DefaultBatchItems, MaxBytes: tidings.DefaultBatchBytes},
		Timeout: tidings.DefaultTimeout,
	}
}

// apply sets an endpoint's options and checks the whole. What is set is named
// in changed, in the words of the audit: names, never values.
func (s *Server) apply(o *optionsJSON, ep *tidings.Endpoint) (changed []string, err error) {
	d := &decoder{}
	was := *ep
	o.Name.put(&ep.Name, "")
	o.URL.put(&ep.URL, "")
	o.Any2xx.put(&ep.Any2xx, false)
	applyAuth(d, o.Auth, ep)
	applyHeaders(d, o.Headers, ep)
	applyFilter(d, o, ep)
	applyBatch(d, o.Batch, &ep.Batch)
	if len(d.faults) == 0 && (o.Auth.set || o.Headers.set) {
		d.faults = feed.CheckHeaders(ep.Headers, ep.Auth)
	}
	ep.Timeout = d.millis("timeoutMs", o.TimeoutMs, ep.Timeout, limits{tidings.DefaultTimeout, tidings.MinTimeout, tidings.MaxTimeout})
	if reason := tidings.CheckName(ep.Name); reason != "" {
		d.fault("name", "%s", reason)
	}
	if reason := s.cfg.CheckURL(ep.URL); reason != "" && (o.URL.set || ep.ID == 0) {
		d.fault("url", "%s", reason)
	}
	if a := o.Activate.value; o.Activate.given() && !slices.Contains([]string{"ifProbePasses", "anyway", "never"}, a) {
		d.fault("activate", "must be ifProbePasses, anyway or never")
	}
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the endpoint's options break the rules: nothing was changed", Fields: d.faults}
	}
	return changes(&was, ep), nil
}

func applyAuth(d *decoder, o optional[authJSON], ep *tidings.Endpoint) {
	if !o.set {
		return
	}
	if o.null {
		ep.Auth = nil
		return
	}
	var auth tidings.BasicAuth
	had := ep.Auth != nil
	if had {
		auth = *ep.Auth
	}
	in := o.value
	if kind := in.Type.value; in.Type.given() && kind != "basic" {
		d.fault("auth.type", "must be basic")
	}
	in.Username.put(&auth.Username, "")
	in.Password.put(&auth.Password, "")
	switch {
	case !had && !in.Username.given() && !in.Password.given():
		d.fault("auth", "needs username and password; null = none")
	case strings.Contains(auth.Username, ":"):
		d.fault("auth.username", "must not have a colon: HTTP Basic can't carry one")
	case len(auth.Username) > 255 || hasControl(auth.Username):
		d.fault("auth.username", "must have at most 255 bytes and no control characters")
	}
	if !had && !in.Password.given() {
		d.fault("auth.password", "is required")
	} else if len(auth.Password) > 1024 || hasControl(auth.Password) {
		d.fault("auth.password", "must have at most 1024 bytes and no control characters")
	}
	ep.Auth = &auth
}

func hasControl(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// applyHeaders replaces all rows; a row without a value keeps the value that
// its name has, so that a client can send back what it was shown.
func applyHeaders(d *decoder, o optional[[]headerJSON], ep *tidings.Endpoint) {
	if !o.set {
		return
	}
	rows := make([]tidings.Header, len(o.value))
	for i, in := range o.value {
		rows[i] = tidings.Header{Name: in.Name.value, Value: in.Value.value}
		if !in.Value.given() {
			kept := slices.IndexFunc(ep.Headers, func(h tidings.Header) bool { return strings.EqualFold(h.Name, in.Name.value) })
			if kept < 0 {
				d.fault(fmt.Sprintf("headers[%d].value", i), "is required")
				continue
			}
			rows[i].Value = ep.Headers[kept].Value
		}
	}
	ep.Headers = rows
}

func applyFilter(d *decoder, o *optionsJSON, ep *tidings.Endpoint) {
	if o.Statuses.set {
		ep.Filter.Statuses = 0
		for i, name := range o.Statuses.value {
			st, err := tidings.ParseStatus(name)
			if err != nil {
				d.fault(fmt.Sprintf("statuses[%d]", i), "%s", err)
				continue
			}
			ep.Filter.Statuses = ep.Filter.Statuses.With(st)
		}
	}
	if o.MediaTypes.set {
		ep.Filter.MediaTypes = 0
		for i, name := range o.MediaTypes.value {
			m, err := tidings.ParseMediaType(name)
			if err != nil {
				d.fault(fmt.Sprintf("mediaTypes[%d]", i), "%s", err)
				continue
			}
			ep.Filter.MediaTypes = ep.Filter.MediaTypes.With(m)
		}
	}
}

func applyBatch(d *decoder, o optional[batchJSON], b *tidings.BatchLimits) {
	if !o.set {
		return
	}
	if o.null {
		*b = newEndpoint(0).Batch
		return
	}
	b.MaxItems = d.bounded("batch.maxItems", o.value.MaxItems, b.MaxItems, limits{tidings.DefaultBatchItems, 1, tidings.MaxBatchItems})
	b.MaxBytes = d.bounded("batch.maxBytes", o.value.MaxBytes, b.MaxBytes, limits{tidings.DefaultBatchBytes, tidings.MinBatchBytes, tidings.MaxBatchBytes})
	b.Linger = d.millis("batch.lingerMs", o.value.LingerMs, b.Linger, limits{0, 0, tidings.MaxLinger})
}

// limits of a number: its default, the least and the greatest. Durations are in nanoseconds.
type limits struct{ def, lo, hi time.Duration }

func (d *decoder) bounded(path string, o optional[int], now int, l limits) int {
	o.put(&now, int(l.def))
	if now < int(l.lo) || now > int(l.hi) {
		d.fault(path, "must be from %d to %d", l.lo, l.hi)
	}
	return now
}

func (d *decoder) millis(path string, o optional[int], now time.Duration, l limits) time.Duration {
	const ms = time.Millisecond
	if !o.set {
		return now
	}
	return time.Duration(d.bounded(path, o, 0, limits{l.def / ms, l.lo / ms, l.hi / ms})) * ms
}

// changes names the options in which two endpoints differ.
func changes(was, is *tidings.Endpoint) []string {
	var names []string
	note := func(name string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			names = append(names, name)
		}
	}
	note("name", was.Name, is.Name)
	note("url", was.URL, is.URL)
	note("auth", was.Auth, is.Auth)
	note("headers", was.Headers, is.Headers)
	note("statuses", was.Filter.Statuses, is.Filter.Statuses)
	note("mediaTypes", was.Filter.MediaTypes, is.Filter.MediaTypes)
	note("batch", was.Batch, is.Batch)
	note("timeoutMs", was.Timeout, is.Timeout)
	note("any2xx", was.Any2xx, is.Any2xx)
	return names
}
