package call

import (
	"testing"

	"tidings"
)

func TestAPreviewIsTheRequestAndSendsNothing(t *testing.T) {
	g := newRig(t)
	w := g.post("/promo?town=$TOWN", tidings.BodyJSON, `{"email":"${email}"}`)
	auth := &tidings.Auth{Kind: tidings.AuthBearer, Secret: "s3cret-token"}
	o := Order{Webhook: w, Auth: auth, Contact: contactOf("Львів", "ann@example.com"), Key: "wf_1_b"}
	res := g.Preview(t.Context(), o)
	if len(g.seen) != 0 {
		t.Fatalf("sent %v", g.seen)
	}
	if res.Problem != nil || len(res.Call.Tries) != 0 || res.Call.Reply != nil {
		t.Errorf("got %+v", res)
	}
	sent := g.do(t, o).Call.Request
	if got := res.Call.Request; got.URL != sent.URL || got.Body != sent.Body || len(got.Headers) != len(sent.Headers) || got.Method != sent.Method {
		t.Errorf("preview %+v, sent %+v", got, sent)
	}
	o.Contact = nil
	if res := g.Preview(t.Context(), o); res.Problem == nil || res.Call.Outcome != tidings.OutcomeTemplate {
		t.Errorf("without a contact: %+v", res.Call)
	}
}
