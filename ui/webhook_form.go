package ui

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidings/ui/part"
)

// webhookView is a webhook as the pages read it from the API.
type webhookView struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Method      string `json:"method"`
	URL         string `json:"url"`
	Headers     []struct {
		Name  string  `json:"name"`
		Value *string `json:"value"` // nil = a secret that is set
	} `json:"headers"`
	ConnectorID *int64 `json:"connectorId"`
	Body        *struct {
		Format   string `json:"format"`
		Template string `json:"template"`
	} `json:"body"`
	TimeoutMs int64      `json:"timeoutMs"`
	Version   int64      `json:"version"`
	DeletedAt *time.Time `json:"deletedAt"`
	UsedIn    []use      `json:"usedIn"`
	Warnings  []string   `json:"warnings"`
}

// countUses says who uses a thing, by kind: "2 messages and 1 workflow".
func countUses(uses []use) string {
	var parts []string
	for _, kind := range []string{"workflow", "message", "broadcast", "webhook"} {
		n := 0
		for _, u := range uses {
			if u.Kind == kind {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, plural(n, kind, kind+"s"))
		}
	}
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

// webhookForm is the Webhook window: what is typed in it, whatever it is.
type webhookForm struct {
	ID, Version                    int64 // 0 = not saved yet
	Name, Description, Method, URL string
	Query                          []pair
	PassHeaders                    bool
	Headers                        []headerRow
	Authenticate                   bool
	Connector                      string // id; "" = none chosen; newConnector = one is to be made
	HasBody                        bool
	Format, Body, TimeoutMs        string

	Contact, Event string // with whom the request is shown and tried
	Window         bool   // it is over another page
	Next           string // where to go when it is done; "" = to the list
	Was, UsedBy    string // its saved name, and who uses its reply
}

// newConnector is the choice of a connector that is to be made.
const newConnector = "new"

// headerRow is a header of a request. Kept is the name of a header whose value
// is set and not shown: an empty value leaves it as it is.
type headerRow struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Kept  string `json:"-"`
}

// webhookFields are the fields of the window: what its steps carry along.
func webhookFields() []string {
	return []string{
		"id", "version", "name", "description", "method", "url", "query.name", "query.value", "passHeaders", "headers.name", "headers.value", "headers.kept",
		"authenticate", "connectorId", "hasBody", "body.format", "body.template", "timeoutMs", "contact", "event", "in", "next", "was", "usedBy",
	}
}

// newWebhookForm is an empty window.
func newWebhookForm() *webhookForm {
	return &webhookForm{Method: "GET", Format: "json"}
}

// webhookFormOf is the window of a webhook.
func webhookFormOf(w *webhookView) *webhookForm {
	f := newWebhookForm()
	f.ID, f.Version, f.Name, f.Description, f.Method = w.ID, w.Version, w.Name, w.Description, w.Method
	f.URL, f.Query = splitQuery(w.URL)
	for _, h := range w.Headers {
		row := headerRow{Name: h.Name}
		if h.Value == nil {
			row.Kept = h.Name
		} else {
			row.Value = *h.Value
		}
		f.Headers = append(f.Headers, row)
	}
	f.PassHeaders = len(f.Headers) > 0
	if w.ConnectorID != nil {
		f.Authenticate, f.Connector = true, decimal(*w.ConnectorID)
	}
	if w.Body != nil {
		f.HasBody, f.Format, f.Body = true, w.Body.Format, w.Body.Template
	}
	if w.TimeoutMs != 0 {
		f.TimeoutMs = decimal(w.TimeoutMs)
	}
	if w.ID != 0 {
		f.Was, f.UsedBy = w.Name, countUses(w.UsedIn)
	}
	return f
}

// readWebhookForm reads what is typed in the window.
func readWebhookForm(f *form) *webhookForm {
	w := &webhookForm{
		Name: f.text("name"), Description: f.text("description"), Method: cmp.Or(f.text("method"), "GET"), URL: f.text("url"),
		PassHeaders: f.flag("passHeaders"), Authenticate: f.flag("authenticate"), Connector: f.text("connectorId"),
		HasBody: f.flag("hasBody"), Format: cmp.Or(f.text("body.format"), "json"), Body: f.area("body.template"), TimeoutMs: f.text("timeoutMs"),
		Contact: f.text("contact"), Event: f.text("event"), Window: f.text("in") == "window", Next: f.text("next"), Was: f.raw("was"), UsedBy: f.raw("usedBy"),
	}
	if n := f.number("id"); n != nil {
		w.ID = *n
	}
	if n := f.number("version"); n != nil {
		w.Version = *n
	}
	for _, row := range f.rows("query.name", "query.value") {
		w.Query = append(w.Query, pair{row[0], row[1]})
	}
	for _, row := range f.rows("headers.name", "headers.value", "headers.kept") {
		if row[0] == "" && row[1] == "" {
			continue // a header that was emptied
		}
		w.Headers = append(w.Headers, headerRow{row[0], row[1], row[2]})
	}
	if !localPath(w.Next) {
		w.Next = ""
	}
	return w
}

// values are the fields again, as the window would send them.
func (w *webhookForm) values() url.Values {
	v := url.Values{
		"name": {w.Name}, "description": {w.Description}, "method": {w.Method}, "url": {w.URL}, "connectorId": {w.Connector},
		"body.format": {w.Format}, "body.template": {w.Body}, "timeoutMs": {w.TimeoutMs}, "contact": {w.Contact}, "event": {w.Event},
		"next": {w.Next}, "was": {w.Was}, "usedBy": {w.UsedBy},
	}
	if w.ID != 0 {
		v.Set("id", decimal(w.ID))
		v.Set("version", decimal(w.Version))
	}
	for name, on := range map[string]bool{"passHeaders": w.PassHeaders, "authenticate": w.Authenticate, "hasBody": w.HasBody} {
		if on {
			v.Set(name, "on")
		}
	}
	if w.Window {
		v.Set("in", "window")
	}
	for _, q := range w.Query {
		v.Add("query.name", q.Name)
		v.Add("query.value", q.Value)
	}
	for _, h := range w.Headers {
		v.Add("headers.name", h.Name)
		v.Add("headers.value", h.Value)
		v.Add("headers.kept", h.Kept)
	}
	return v
}

// hidden are the fields that a step of the window carries along; those of the
// step itself are left out.
func (w *webhookForm) hidden(but ...string) []part.Hidden {
	values := w.values()
	var list []part.Hidden
	for _, name := range webhookFields() {
		if slices.Contains(but, name) {
			continue
		}
		for _, value := range values[name] {
			list = append(list, part.Hidden{Name: name, Value: value})
		}
	}
	return list
}

// wholeURL is the URL with its query.
func (w *webhookForm) wholeURL() string { return joinQuery(w.URL, w.Query) }

// definition is what is typed, as the API takes it: by a create, by a patch,
// and in a test. Numbers that can't be read are faults.
func (w *webhookForm) definition() (map[string]any, faults) {
	var wrong faults
	d := map[string]any{
		"name": w.Name, "description": w.Description, "method": w.Method, "url": w.wholeURL(),
		"headers": []any{}, "connectorId": nil, "body": nil, "timeoutMs": nil,
	}
	if w.PassHeaders {
		rows := make([]any, len(w.Headers))
		for i, h := range w.Headers {
			row := map[string]any{"name": h.Name, "value": h.Value}
			if h.Value == "" && h.Kept != "" && strings.EqualFold(h.Kept, h.Name) {
				delete(row, "value") // as it is
			}
			rows[i] = row
		}
		d["headers"] = rows
	}
	if w.Authenticate && w.Connector != "" && w.Connector != newConnector {
		if id, err := strconv.ParseInt(w.Connector, 10, 64); err == nil {
			d["connectorId"] = id
		} else {
			wrong.add("connectorId", "must be one of the list")
		}
	}
	if w.HasBody && w.Method == "POST" {
		d["body"] = map[string]any{"format": w.Format, "template": w.Body}
	}
	if w.TimeoutMs != "" {
		if n, err := strconv.ParseInt(w.TimeoutMs, 10, 64); err == nil {
			d["timeoutMs"] = n
		} else {
			wrong.add("timeoutMs", "must be a whole number")
		}
	}
	return d, wrong
}

// needsConnector says whether a connector is to be made first.
func (w *webhookForm) needsConnector() bool { return w.Authenticate && w.Connector == newConnector }

// isCommand says whether somebody has pasted a cURL command in place of a URL.
func (w *webhookForm) isCommand() bool { return strings.HasPrefix(w.URL, "curl ") }

// folded finds the end of a line that a field of one line has taken away.
var folded = regexp.MustCompile(`\s\\\s+`)

// command is the pasted command. A field of one line joins lines, which leaves
// the backslashes at their ends.
func (w *webhookForm) command() string { return folded.ReplaceAllString(w.URL, " ") }

// expression is how templates reach the reply; "" when they can't.
func (w *webhookForm) expression() string { return replyExpression(w.Name) }

func replyExpression(name string) string {
	if name == "" || strings.ContainsAny(name, "%\x1c") {
		return ""
	}
	return "$data.get('" + strings.ReplaceAll(name, "'", "''") + "')"
}

// renamed says whose expressions a rename breaks; "" = nobody's.
func (w *webhookForm) renamed() string {
	if w.Was == "" || w.Was == w.Name || w.UsedBy == "" {
		return ""
	}
	return fmt.Sprintf("%s use %s: after the rename they find no reply under it. Change them to the new name.", w.UsedBy, replyExpression(w.Was))
}
