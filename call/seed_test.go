package call

import (
	"io"
	"net/http"
	"testing"

	"tidings"
)

// TestTheSeedsGETByEmail: the webhook contacts_get_by_email asks by the
// email of the event; its reply, an array, is used in a message by the seed's expression.
func TestTheSeedsGETByEmail(t *testing.T) {
	g := newRig(t)
	g.answer = func(w http.ResponseWriter, r *http.Request, _ string) {
		if r.FormValue("email") != "ann+shop@example.com" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `[{"id": 687266822, "firstName": "Ann"}]`)
	}
	w := g.get("/api/v1/contacts?email=$email")
	w.Name = "contacts_get_by_email"
	res := g.do(t, Order{Webhook: w, Event: eventOf(t, `{"email":"ann+shop@example.com"}`)})
	if got := message(t, "$!mathTool.toInteger($data.contacts_get_by_email.get(0).id)", w.Name, res.Value); got != "687266822" {
		t.Errorf("the message says %q", got)
	}
	if got := g.last(t); got.target != "/api/v1/contacts?email=ann%2Bshop%40example.com" || got.method != "GET" || got.body != "" {
		t.Errorf("sent %+v", got)
	}
}

// TestTheSeedsPOSTWithTown: the webhook WH5 sends the contact's TOWN and gets an object with a promo code.
func TestTheSeedsPOSTWithTown(t *testing.T) {
	g := newRig(t)
	g.answers("application/json; charset=utf-8", `{"promocode":"KYIV-10","valid":true}`)
	w := g.post("/promo?town=$TOWN", tidings.BodyJSON, `{"town": "$TOWN", "contact": $contact_ID}`)
	w.Headers = []tidings.Header{{Name: "X-Phone", Value: "$phone"}, {Name: "X-Param", Value: "$workflowInstanceId"}}
	res := g.do(t, Order{Webhook: w, Contact: contactOf("Київ", "ann@example.com"), Instance: "wi-9", Key: "run-1/block-2"})
	if got := message(t, "$data.get('WH5').get('promocode')", "WH5", res.Value); got != "KYIV-10" {
		t.Errorf("the message says %q", got)
	}
	got := g.last(t)
	if got.target != "/promo?town=%D0%9A%D0%B8%D1%97%D0%B2" || got.body != `{"town": "Київ", "contact": 687266822}` {
		t.Errorf("sent %s %s", got.target, got.body)
	}
	for name, want := range map[string]string{
		"X-Phone": "380671234567", "X-Param": "wi-9", "Content-Type": "application/json; charset=utf-8",
		"Tidings-Call-Id": "run-1/block-2", "User-Agent": "Tidings/test",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), want)
		}
	}
	if c := res.Call; c.Key != "run-1/block-2" || len(c.Tries) != 1 || c.Reply.Status != 200 || c.Contact != 687266822 || c.Tries[0].Timing.Handshake <= 0 {
		t.Errorf("recorded %+v", c)
	}
}
