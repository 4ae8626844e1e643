package call

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"tidings"
	"tidings/egress"
	"tidings/scope"
	"tidings/vtl"
)

// rig is a caller before an outside system of ours: a real HTTPS server with
// an authority of its own, over loopback.
type rig struct {
	*Caller
	url string

	mu     sync.Mutex
	seen   []seenRequest
	answer func(w http.ResponseWriter, r *http.Request, body string)
}

// seenRequest is a request as the outside system got it.
type seenRequest struct {
	method, target, body string
	header               http.Header
}

func newRig(t testing.TB, change ...func(*Options)) *rig {
	t.Helper()
	g := &rig{}
	server := httptest.NewTLSServer(http.HandlerFunc(g.serve))
	t.Cleanup(server.Close)
	g.url = server.URL
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	o := Options{
		Client:    egress.New(egress.Options{Allow: loopback, RootCAs: roots}),
		UserAgent: "Tidings/test", Rules: Rules{Allow: loopback},
	}
	for _, c := range change {
		c(&o)
	}
	t.Cleanup(o.Client.Close)
	g.Caller = New(o)
	return g
}

func (g *rig) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	g.seen = append(g.seen, seenRequest{r.Method, r.RequestURI, string(body), r.Header.Clone()})
	answer := g.answer
	g.mu.Unlock()
	if answer != nil {
		answer(w, r, string(body))
	}
}

// answers makes the outside system answer 200 with a body.
func (g *rig) answers(contentType, body string) {
	g.answer = func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, body)
	}
}

// last gives the last request that the outside system got.
func (g *rig) last(t *testing.T) seenRequest {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.seen) == 0 {
		t.Fatal("nothing was sent")
	}
	return g.seen[len(g.seen)-1]
}

// do makes a call that must be OK, of a webhook that must pass the check.
func (g *rig) do(t *testing.T, o Order) Result {
	t.Helper()
	if wrong := CheckWebhook(o.Webhook, o.Auth, g.options.Rules); len(wrong) > 0 {
		t.Fatalf("can't be saved: %v", wrong)
	}
	res := g.Do(context.Background(), o)
	if !res.Call.OK() {
		t.Fatalf("%s: %s", res.Call.Outcome, res.Call.Error)
	}
	return res
}

// get and post make webhooks to the outside system.
func (g *rig) get(path string) *tidings.Webhook {
	return &tidings.Webhook{Name: "WH5", Method: tidings.MethodGet, URL: g.url + path}
}

func (g *rig) post(path string, format tidings.BodyFormat, template string) *tidings.Webhook {
	return &tidings.Webhook{
		Name: "WH5", Method: tidings.MethodPost, URL: g.url + path, Body: tidings.Body{Format: format, Template: template},
	}
}

// contactOf makes a contact with a town, an email address and additional fields.
func contactOf(town, email string, fields ...tidings.ContactField) *tidings.Contact {
	return &tidings.Contact{
		ID: 687266822, FirstName: "Олена", Town: town, Fields: fields,
		Channels: []tidings.Channel{{Type: tidings.Email, Value: email}, {Type: tidings.SMS, Value: "380671234567"}},
	}
}

// eventOf makes an event of parameters given as a JSON object.
func eventOf(t testing.TB, params string) *tidings.Event {
	t.Helper()
	e := &tidings.Event{ID: 7, TypeKey: "orderPaid", KeyValue: "k-1"}
	d := json.NewDecoder(strings.NewReader(params))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		e.Params = append(e.Params, tidings.EventParam{Name: name.(string), Value: value})
	}
	return e
}

// message renders the expression of a message over the reply of a webhook.
func message(t *testing.T, expression, name string, reply vtl.Value) string {
	t.Helper()
	tmpl, err := vtl.Parse("message", expression, vtl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := tmpl.Render(nil, &scope.Scope{Replies: []scope.NamedReply{{Name: name, Value: reply}}}, &vtl.RenderOptions{Tools: vtl.StandardTools()})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
