package call

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"tidings"
	"tidings/scope"
)

// benchCall is a call as the seed has it: a POST of JSON with the contact's
// and the event's data, and a reply with a promo code.
func benchCall(tb testing.TB) (*rig, Order, string) {
	g := newRig(tb)
	g.answer = func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"promocode":"KYIV-10","valid":true,"discount":{"percent":10,"until":"2026-12-31"}}`)
		g.mu.Lock()
		g.seen = g.seen[:0]
		g.mu.Unlock()
	}
	w := g.post("/promo?town=$TOWN&order=$order_id", tidings.BodyJSON,
		`{"email":"$email","town":"$TOWN","name":"$FIRSTNAME","order":{"id":"$order_id","total":$total,"items":$items},"note":"${note|'none'}"}`)
	w.ID, w.Version = 1, 1
	w.Headers = []tidings.Header{{Name: "X-Contact", Value: "$contact_ID"}}
	o := Order{
		Webhook: w, Contact: contactOf("Київ", "ann@example.com"), Auth: &tidings.Auth{Kind: tidings.AuthBearer, Secret: "token-0123456789"},
		Event: eventOf(tb, `{"email":"ann@example.com","order_id":"A-1024","total":129.5,"items":[{"sku":"a","n":1},{"sku":"b","n":2}]}`), Key: "run-1/block-1",
	}
	return g, o, `{"email":"ann@example.com","town":"Київ","name":"Олена","order":{"id":"A-1024","total":129.5,"items":[{"sku":"a","n":1},{"sku":"b","n":2}]},"note":"none"}`
}

func BenchmarkCall(b *testing.B) {
	g, o, _ := benchCall(b)
	for b.Loop() {
		if res := g.Do(context.Background(), o); !res.Call.OK() {
			b.Fatal(res.Call.Error)
		}
	}
}

// BenchmarkBareClient is what BenchmarkCall is held against: the same body
// posted to the same server in a loop.
func BenchmarkBareClient(b *testing.B) {
	g, _, body := benchCall(b)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	for b.Loop() {
		resp, err := client.Post(g.url+"/promo?town=x&order=A-1024", "application/json", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

// BenchmarkRender is the part of a call before it is sent.
func BenchmarkRender(b *testing.B) {
	g, o, _ := benchCall(b)
	p, problem := prepare(o.Webhook, g.options.Rules)
	if problem != nil {
		b.Fatal(problem)
	}
	for b.Loop() {
		r := &renderer{}
		r.begin(context.Background(), scope.Scope{Contact: o.Contact, Event: o.Event}, g.tools, p.zoned)
		if _, problem := r.request(p); problem != nil {
			b.Fatal(problem)
		}
	}
}
