package call

import (
	"strings"
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

func TestASketchTellsOfEveryPartByItself(t *testing.T) {
	g := newRig(t)
	w := g.post("/promo?town=$TOWN", tidings.BodyJSON, "{\n  \"email\": ${email}\n}")
	w.Headers = []tidings.Header{{Name: "X-Api-Key", Value: "k3y-of-the-shop"}, {Name: "X-Customer", Value: "#if("}, {Name: "X-Echo", Value: "k3y-of-the-shop"}}
	o := Order{Webhook: w, Contact: contactOf("Львів", "ann@example.com")}
	pieces := g.Sketch(t.Context(), o)
	if len(g.seen) != 0 {
		t.Fatalf("sent %v", g.seen)
	}
	want := []struct {
		part    Part
		suffix  string
		problem bool
	}{
		{PartURL, "/promo?town=%D0%9B%D1%8C%D0%B2%D1%96%D0%B2", false},
		{"headers[0].value", "***", false},
		{"headers[1].value", "", true},
		{"headers[2].value", "***", false},
		{PartBody, "\"email\": \"ann@example.com\"\n}", false},
	}
	if len(pieces) != len(want) {
		t.Fatalf("got %+v", pieces)
	}
	for i, w := range want {
		if p := pieces[i]; p.Part != w.part || !strings.HasSuffix(p.Text, w.suffix) || (p.Problem != nil) != w.problem {
			t.Errorf("piece %d is %+v (%v), want %+v", i, p, p.Problem, w)
		}
	}
	o.Contact = nil
	pieces = g.Sketch(t.Context(), o)
	if url, body := pieces[0].Problem, pieces[4].Problem; url == nil || url.Col != 32 && url.Line != 1 || body == nil || body.Line != 2 || body.Col != 12 {
		t.Errorf("without a contact: the URL %+v, the body %+v", url, body)
	}
}
