package ui

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"tidings/ui/part"
)

func (s *Server) registerCalls() {
	s.look("/automation/calls", (*visit).callsPage)
	s.look("/automation/calls/{id}", (*visit).callPage)
}

// callView is a call as the log has it.
type callView struct {
	ID         int64        `json:"id"`
	At         time.Time    `json:"at"`
	WebhookID  *int64       `json:"webhookId"`
	Name       string       `json:"name"`
	ContactID  *int64       `json:"contactId"`
	EventID    *int64       `json:"eventId"`
	Test       bool         `json:"test"`
	Key        string       `json:"key"`
	SharedKey  string       `json:"sharedKey"`
	OK         bool         `json:"ok"`
	Outcome    string       `json:"outcome"`
	Error      string       `json:"error"`
	DurationMs float64      `json:"durationMs"`
	Request    *requestView `json:"request"`
	Reply      *replyView   `json:"reply"`
	Tries      []tryView    `json:"tries"`
	Values     []leaf       `json:"values"`
}

// outcome says how the call ended, for a list.
func (c *callView) outcome() (part.Meaning, string) {
	switch {
	case c.Reply != nil:
		return statusWords(c.Reply.Status, c.OK)
	case c.Outcome == "template":
		return part.Bad, "not sent"
	}
	return part.Bad, c.Outcome
}

// took is how long the call took.
func (c *callView) took() string { return millis(c.DurationMs) }

// host is whom the call went to.
func (c *callView) host() string {
	if c.Request == nil {
		return ""
	}
	to, err := url.Parse(c.Request.URL)
	if err != nil {
		return ""
	}
	return to.Host
}

// hostView is how calls to one host are going.
type hostView struct {
	Host      string     `json:"host"`
	Breaker   string     `json:"breaker"` // closed, open, trial
	Failures  int64      `json:"failures"`
	LastError string     `json:"lastError"`
	Until     *time.Time `json:"until"`
	RestUntil *time.Time `json:"restUntil"`
	Waiting   int64      `json:"waiting"`
}

// held says whether calls to the host are held back, and until when.
func (h *hostView) held(now time.Time) (until time.Time, held bool) {
	for _, t := range []*time.Time{h.Until, h.RestUntil} {
		if t != nil && t.After(now) && t.After(until) {
			until = *t
		}
	}
	return until, h.Breaker != "closed" || !until.IsZero()
}

// why says why calls to the host are held back.
func (h *hostView) why(now time.Time) string {
	switch {
	case h.Breaker == "trial":
		return "One call is under way to see whether it has recovered."
	case h.Breaker == "open":
		return fmt.Sprintf("%s in a row failed, the last one with: %s. Calls fail at once until it is tried again.", plural(h.Failures, "call", "calls"), strings.TrimSuffix(h.LastError, "."))
	}
	return "It has asked for no calls (Retry-After): those that are due wait."
}

// callList is the log of calls.
type callList struct {
	Rows     []callView
	Filters  part.FiltersView
	Webhooks []part.Option
	Webhook  string
	Status   string
	From, To string
	Contact  string
	Pager    part.PagerView
	Held     []hostView
	Clock    part.Clock
}

// endOptions are how calls may have ended.
func endOptions(chosen string) []part.Option {
	options := []part.Option{
		{Value: "", Label: "However they ended"},
		{Value: "ok", Label: "Went well"},
		{Value: "failed", Label: "Failed"},
		{Value: "2xx", Label: "2xx"},
		{Value: "3xx", Label: "3xx"},
		{Value: "4xx", Label: "4xx"},
		{Value: "5xx", Label: "5xx"},
	}
	if !slices.ContainsFunc(options, func(o part.Option) bool { return o.Value == chosen }) {
		options = append(options, part.Option{Value: chosen, Label: chosen})
	}
	return options
}

// maxCallsShown is a page of the log: each row is a whole call.
const maxCallsShown = "25"

func (v *visit) callsPage() error {
	l := &callList{Webhook: v.query("webhookId"), Status: v.query("status"), From: v.query("from"), To: v.query("to"), Contact: v.query("contactId"), Clock: v.clock}
	q := v.pick("webhookId", "status", "from", "to", "contactId", "before")
	q.Set("limit", maxCallsShown)
	v.instant(q, "from")
	v.instant(q, "to")
	var out struct {
		Calls []callView `json:"calls"`
		Next  *string    `json:"next"`
	}
	if err := v.get("/v1/calls", q, &out); err != nil {
		return err
	}
	l.Rows = out.Calls
	l.Pager.Summary = plural(len(l.Rows), "call", "calls")
	if out.Next != nil {
		l.Pager.Next = v.with("before", *out.Next)
	}
	if err := v.furnishCalls(l); err != nil {
		return err
	}
	return v.page(view{Title: "Calls", Purpose: "Every call of a webhook: what was sent and what came back. Secrets are masked."}, callTable(l))
}

// furnishCalls adds the filters and the hosts that are held back.
func (v *visit) furnishCalls(l *callList) error {
	var hosts struct {
		Hosts []hostView `json:"hosts"`
	}
	if err := v.get("/v1/calls/hosts", nil, &hosts); err != nil {
		return err
	}
	for _, h := range hosts.Hosts {
		if _, held := h.held(v.clock.Now); held {
			l.Held = append(l.Held, h)
		}
	}
	var webhooks struct {
		Webhooks []webhookView `json:"webhooks"`
	}
	if err := v.get("/v1/webhooks", url.Values{"limit": {"100"}}, &webhooks); err != nil {
		return err
	}
	l.Webhooks = []part.Option{{Value: "", Label: "All webhooks"}}
	for _, w := range webhooks.Webhooks {
		l.Webhooks = append(l.Webhooks, part.Option{Value: decimal(w.ID), Label: w.Name})
	}
	if !slices.ContainsFunc(l.Webhooks, func(o part.Option) bool { return o.Value == l.Webhook }) {
		l.Webhooks = append(l.Webhooks, part.Option{Value: l.Webhook, Label: "webhook " + l.Webhook})
	}
	l.Filters = part.FiltersView{Action: "/automation/calls", Clear: "/automation/calls"}
	for _, each := range []struct{ name, label, value string }{
		{"webhookId", "webhook", labelOf(l.Webhooks, l.Webhook)}, {"status", "ended", l.Status}, {"contactId", "contact", l.Contact}, {"from", "from", l.From}, {"to", "to", l.To},
	} {
		if v.query(each.name) != "" {
			l.Filters.Active = append(l.Filters.Active, part.Chip{Label: each.label + ": " + each.value, Href: v.with(each.name, "")})
		}
	}
	return nil
}

// labelOf is the label of an option.
func labelOf(options []part.Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Label
		}
	}
	return value
}

func (v *visit) callPage() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	var c callView
	if err := v.get("/v1/calls/"+decimal(id), nil, &c); err != nil {
		return err
	}
	p := view{Title: "Call of " + c.Name, Crumbs: []part.Link{{Label: "Calls", Href: "/automation/calls"}}, Active: "/automation/calls"}
	return v.page(p, callShown(&c, v.clock, v.edits()))
}

// asCurl is the request as a command for a POSIX shell; what the server sets
// by itself is left out.
func (r *requestView) asCurl() string {
	var b strings.Builder
	b.WriteString("curl -X " + r.Method + " " + shellQuote(r.URL))
	for _, h := range r.Headers {
		if name := strings.ToLower(h.Name); name == "user-agent" || name == "accept-encoding" {
			continue
		}
		b.WriteString(" \\\n  -H " + shellQuote(h.Name+": "+h.Value))
	}
	if r.Body != "" {
		b.WriteString(" \\\n  --data-raw " + shellQuote(r.Body))
	}
	return b.String()
}

// shellQuote writes a text as one word of a POSIX shell.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
