package ui

import (
	"strconv"
	"strings"
	"time"

	"tidings/ui/part"
)

// headerRows is how many header rows of its own an address may have.
const headerRows = 5

// endpointForm is the form of an address: its options as they are or as they
// were typed. Secrets never come back into it.
type endpointForm struct {
	ID      int64 // 0 = a new one
	Version int64
	Name    string
	URL     string

	AuthOn      bool
	Username    string
	PasswordSet bool // there is one, which stays when none is typed
	Headers     []endpointHeader

	Statuses   []string
	MediaTypes []string
	MaxItems   string
	MaxBytes   string
	LingerMs   string
	TimeoutMs  string
	Any2xx     bool
	Signing    bool

	Start, StartSeq, StartTime string // of a new one: where in the feed it begins
	Inactive                   bool   // a new one is not delivered to yet

	Refused *refusal
}

// formOf fills the form with an endpoint's options.
func formOf(e *endpointView) endpointForm {
	f := endpointForm{
		ID: e.ID, Version: e.Version, Name: e.Name, URL: e.URL, Headers: e.Headers, Statuses: e.Statuses, MediaTypes: e.MediaTypes,
		MaxItems: decimal(e.Batch.MaxItems), MaxBytes: decimal(e.Batch.MaxBytes), LingerMs: decimal(e.Batch.LingerMs),
		TimeoutMs: decimal(e.TimeoutMs), Any2xx: e.Any2xx, Signing: e.Signing,
	}
	if e.Auth != nil {
		f.AuthOn, f.Username, f.PasswordSet = true, e.Auth.Username, e.Auth.Set
	}
	return f
}

// defaults is the form of a new address.
func defaults() endpointForm {
	return endpointForm{MaxItems: "500", MaxBytes: "1048576", LingerMs: "0", TimeoutMs: "15000", Signing: true, Start: "now"}
}

// row gives a header row of the form; those beyond what there are are empty.
func (f *endpointForm) row(i int) endpointHeader {
	if i < len(f.Headers) {
		return f.Headers[i]
	}
	return endpointHeader{}
}

func headerField(i int, name string) string { return "headers[" + strconv.Itoa(i) + "]." + name }

// fault is what is wrong with a field, in the API's words; one of a list is shown at the list.
func (f *endpointForm) fault(field string) string {
	if f.Refused == nil {
		return ""
	}
	return f.Refused.Errors.of(field)
}

func (f *endpointForm) faultUnder(field string) string {
	if f.Refused == nil {
		return ""
	}
	return f.Refused.Errors.under(field)
}

// shown are the fields at which the form shows what is wrong with them.
func (f *endpointForm) shown() []string {
	return []string{"name", "url", "auth", "headers", "statuses", "mediaTypes", "batch", "timeoutMs", "start"}
}

// stale says whether somebody else has changed the address meanwhile.
func (f *endpointForm) stale() bool { return f.Refused != nil && isConflict(f.Refused) }

// readEndpoint reads the form and makes the request of the API from it. kept
// are the names of the header rows whose values stay when none is typed.
func (v *visit) readEndpoint(in *form) (endpointForm, map[string]any) {
	f := endpointForm{
		Name: in.text("name"), URL: in.text("url"), AuthOn: in.flag("auth"), Username: in.text("auth.username"), PasswordSet: in.flag("auth.set"),
		Statuses: in.list("statuses"), MediaTypes: in.list("mediaTypes"),
		MaxItems: in.text("batch.maxItems"), MaxBytes: in.text("batch.maxBytes"), LingerMs: in.text("batch.lingerMs"), TimeoutMs: in.text("timeoutMs"),
		Any2xx: in.flag("any2xx"), Signing: in.flag("signing"),
		Start: in.text("start"), StartSeq: in.text("start.seq"), StartTime: in.text("start.time"), Inactive: in.flag("inactive"),
	}
	request := map[string]any{
		"name": f.Name, "url": f.URL, "statuses": f.Statuses, "mediaTypes": f.MediaTypes, "any2xx": f.Any2xx, "signing": f.Signing,
		"batch":     map[string]any{"maxItems": in.number("batch.maxItems"), "maxBytes": in.number("batch.maxBytes"), "lingerMs": in.number("batch.lingerMs")},
		"timeoutMs": in.number("timeoutMs"),
	}
	request["auth"] = f.auth(in)
	request["headers"] = f.headerRows(in)
	return f, request
}

// auth gives the credentials of the request; null = none. A password that is
// not typed stays as it is.
func (f *endpointForm) auth(in *form) any {
	if !f.AuthOn {
		return nil
	}
	auth := map[string]any{"type": "basic", "username": f.Username}
	if password := in.raw("auth.password"); password != "" {
		auth["password"] = password
	}
	return auth
}

// headerRows reads the header rows. Empty ones are left out, so that the rows
// are those that the API counts.
func (f *endpointForm) headerRows(in *form) []any {
	rows := []any{}
	for i := range headerRows {
		name, value := in.text(headerField(i, "name")), in.raw(headerField(i, "value"))
		if name == "" && value == "" {
			continue
		}
		row := map[string]any{"name": name}
		if value != "" {
			row["value"] = value
		}
		rows = append(rows, row)
		f.Headers = append(f.Headers, endpointHeader{Name: name, Set: in.flag(headerField(i, "set"))})
	}
	return rows
}

// start gives where a new endpoint begins.
func (f *endpointForm) start(in *form, clock part.Clock) any {
	switch f.Start {
	case "seq":
		return map[string]any{"seq": in.number("start.seq")}
	case "time":
		return map[string]any{"time": in.instant("start.time", clock)}
	}
	return f.Start
}

// instant gives the time of a field of date and time, which is one of the account's zone.
func (f *form) instant(name string, clock part.Clock) *time.Time {
	zone := clock.Zone
	if zone == nil {
		zone = time.UTC
	}
	text := f.text(name)
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			t = t.UTC()
			return &t
		}
	}
	f.faults.add(name, "must be a date and a time")
	return nil
}

// refused makes a refusal of what the form itself could not read; nil when it could read all.
func (f *form) refused() *refusal {
	if len(f.faults) == 0 {
		return nil
	}
	return &refusal{Status: 422, Detail: "The form can't be read as it is: nothing was changed.", Errors: f.faults}
}

func (v *visit) newEndpointPage() error { return v.showNewEndpoint(defaults()) }

func (v *visit) showNewEndpoint(f endpointForm) error {
	if f.Refused != nil {
		v.wrongForm()
	}
	return v.page(view{
		Title: "Add an address", Purpose: "Another system that hears of the account's activities.", Active: laboratory, Crumbs: laboratoryCrumbs(),
	}, newEndpointPage(v.clock, f))
}

func (v *visit) createEndpoint() error {
	in, err := v.form()
	if err != nil {
		return err
	}
	f, request := v.readEndpoint(in)
	request["start"] = f.start(in, v.clock)
	if f.Inactive {
		request["activate"] = "never"
	}
	if f.Refused = in.refused(); f.Refused != nil {
		return v.showNewEndpoint(f)
	}
	var made endpointView
	err = v.post("/v1/endpoints", request, &made)
	if refused, ok := wrong(err); ok {
		f.Refused = refused
		return v.showNewEndpoint(f)
	}
	if err != nil {
		return err
	}
	return v.page(view{Title: made.Name + " is added", Active: laboratory, Crumbs: laboratoryCrumbs()}, endpointAdded(v.clock, *made.outcome()))
}

func (v *visit) endpointSettings() error {
	p, err := v.standingNow()
	if err != nil {
		return err
	}
	return v.showSettings(&p, formOf(&p.Endpoint), nil)
}

// showSettings shows the form of an address under its head; o is what came of saving it, nil before.
func (v *visit) showSettings(p *endpointPageView, f endpointForm, o *outcome) error {
	if f.Refused != nil {
		v.wrongForm()
	}
	p.Tab = "settings"
	return v.page(p.head(), endpointSettingsPage(*p, f, o))
}

func (v *visit) changeEndpoint() error {
	in, err := v.form()
	if err != nil {
		return err
	}
	p, err := v.standingNow()
	if err != nil {
		return err
	}
	f, request := v.readEndpoint(in)
	f.ID = p.Endpoint.ID
	if version := in.number("version"); version != nil {
		f.Version = *version
	}
	request["version"] = f.Version
	if f.Refused = in.refused(); f.Refused != nil {
		return v.showSettings(&p, f, nil)
	}
	var saved endpointView
	err = v.patch(endpointAPI(f.ID), request, &saved)
	if refused, ok := wrong(err); ok {
		f.Refused = refused
		return v.showSettings(&p, f, nil)
	}
	if err != nil {
		return err
	}
	if saved.Probe == nil && saved.Secret == "" {
		return v.done(saved.path()+"/settings", "Saved: "+saved.Name+" is "+saved.standing(v.clock)+".")
	}
	p.Endpoint = saved
	return v.showSettings(&p, formOf(&saved), saved.outcome())
}

// statusOptions and mediaOptions are the closed lists of an activity's status and channel.
func statusOptions() []part.Option {
	return []part.Option{
		{Value: "DELIVERED", Label: "delivered"},
		{Value: "UNDELIVERED", Label: "delivery error"},
		{Value: "READ", Label: "read"},
		{Value: "CLICKED", Label: "clicked"},
		{Value: "UNSUBSCRIBED", Label: "unsubscribed"},
		{Value: "SPAM", Label: "reported as spam"},
		{Value: "SUBSCRIPTION_CHANGED", Label: "subscription changed"},
		{Value: "SENT", Label: "sent"},
	}
}

func mediaOptions() []part.Option {
	var options []part.Option
	for _, name := range []string{"email", "sms", "viber", "mobilepush", "webpush", "appinbox", "widget", "inapp", "telegrambot"} {
		options = append(options, part.Option{Value: name, Label: name})
	}
	return options
}

func allOr(names []string) string {
	if len(names) == 0 {
		return "all"
	}
	return strings.Join(names, ", ")
}

func headerNames(e *endpointView) string {
	if len(e.Headers) == 0 {
		return "none"
	}
	names := make([]string, len(e.Headers))
	for i, h := range e.Headers {
		names[i] = h.Name
	}
	return strings.Join(names, ", ")
}
