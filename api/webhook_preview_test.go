package api_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"tidings"
)

// shown is the answer to a preview, as a client reads it.
type shown struct {
	OK      bool
	Request *struct{ Method, URL, Body string }
	Parts   []struct {
		Part, Name, Text string
		Problem          *struct {
			Line, Column int
			Message      string
		}
	}
	Inputs   struct{ NeedsContact, NeedsEvent bool }
	Warnings []struct{ Part, Source, Reason string }
}

func (w *world) preview(key, line, body string) shown {
	w.T.Helper()
	var out shown
	if err := json.Unmarshal([]byte(w.Request(key, line, body).Want(200).Body), &out); err != nil {
		w.T.Fatal(err)
	}
	return out
}

func TestAPreviewShowsTheRequestAndSendsNothing(t *testing.T) {
	w := newWorld(t)
	key, out := w.Account("Acme"), w.Outside
	town, email := "Lviv", "ann@example.com"
	contact := w.contact(tidings.ContactChange{Town: &town, Email: &email})
	w.Request(key, "POST /v1/connectors", `{"name":"shop","auth":{"type":"bearer","token":"s3cret-token"}}`).Want(201)
	w.Request(key, "POST /v1/webhooks", fmt.Sprintf(`{"name":"WH5","method":"POST","url":"%s/promo?town=$TOWN","connectorId":1,"body":{"format":"json","template":"{\"email\":\"${email}\"}"}}`, out.URL)).Want(201)
	got := w.preview(key, "POST /v1/webhooks/1/preview", fmt.Sprintf(`{"contactId":%d}`, contact))
	if !got.OK || got.Request.URL != out.URL+"/promo?town=Lviv" || got.Request.Body != `{"email":"ann@example.com"}` || len(got.Parts) != 2 || !got.Inputs.NeedsContact {
		t.Errorf("got %+v", got)
	}
	got = w.preview(key, "POST /v1/webhooks/1/preview", `{}`)
	if got.OK || got.Request != nil || got.Parts[0].Problem == nil || got.Parts[1].Problem == nil || got.Parts[1].Problem.Column != 11 {
		t.Errorf("without a contact: %+v", got)
	}
	got = w.preview(key, "POST /v1/webhooks/preview", `{"webhook":{"url":"https://shop.example.com/?b=$BONUS"},"contact":{"BONUS":10}}`)
	if !got.OK || got.Request.URL != "https://shop.example.com/?b=10" {
		t.Errorf("of what is not saved: %+v", got)
	}
	w.Request(key, "POST /v1/webhooks/preview", `{"webhook":{"url":"http://shop.example.com/"}}`).Want(422)
	w.Request(w.Account("Other"), "POST /v1/webhooks/1/preview", `{}`).Want(404)
	if _, n := out.Last(); n != 0 {
		t.Errorf("sent %d requests", n)
	}
	w.Request(key, "GET /v1/calls/1", "").Want(404)
}

func TestTheLatestReplyTellsHowItsValuesAreReached(t *testing.T) {
	w := newWorld(t)
	key, out := w.Account("Acme"), w.Outside
	w.Request(key, "POST /v1/webhooks", fmt.Sprintf(`{"name":"WH5","url":"%s/promo"}`, out.URL)).Want(201)
	w.Request(key, "GET /v1/webhooks/1/reply", "").Want(200).Has("callId", nil)
	out.Answers("application/json", `{"promocode":"SPRING"}`)
	w.test(key, "POST /v1/webhooks/1/test", `{}`)
	out.Answers("application/json", `{"promocode":`)
	w.test(key, "POST /v1/webhooks/1/test", `{}`)
	const want = `$data.get('WH5').get('promocode')`
	for _, line := range []string{"GET /v1/webhooks/1/reply", "GET /v1/calls/1"} {
		var reply struct {
			Values []struct {
				Expression string
				Value      string
			}
		}
		if err := json.Unmarshal([]byte(w.Request(key, line, "").Want(200).Body), &reply); err != nil {
			t.Fatal(err)
		}
		if len(reply.Values) != 1 || reply.Values[0].Expression != want || reply.Values[0].Value != "SPRING" {
			t.Errorf("%s: %+v", line, reply)
		}
	}
	w.Request(key, "GET /v1/calls/2", "").Want(200).Has("ok", false)
	w.Request(w.Account("Other"), "GET /v1/webhooks/1/reply", "").Want(404)
}
