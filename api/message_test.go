package api_test

import (
	"strings"
	"testing"
)

func TestAMessageIsKeptAsItIsGivenAndAPatchMerges(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.made(key, "/v1/messages", `{"name":"Promo","tag":"a,b","from":{"name":"Shop $TOWN","address":"shop@example.com"},"replyTo":"help@example.com","categories":["NEWS"],
		"subject":"Hello","html":"<p>Hi</p>","text":"Hi","variants":{"uk":{"subject":"Привіт","text":"Привіт"},"pt-BR":{"subject":"Olá","text":"Olá"}}}`)
	w.request(key, "GET /v1/messages/1", "").want(200).has("from.name", "Shop $TOWN").has("replyTo", "help@example.com").has("subject", "Hello").has("html", "<p>Hi</p>").
		has("text", "Hi").has("variants.uk.subject", "Привіт").has("variants.pt-BR.text", "Olá").has("version", 1.0)
	w.request(key, "PATCH /v1/messages/1", `{"subject":"Hello again","variants":{"uk":null,"de":{"subject":"Hallo","text":"Hallo"}}}`).want(200).
		has("version", 2.0).has("subject", "Hello again").has("html", "<p>Hi</p>").has("variants.uk", nil).has("variants.de.subject", "Hallo").has("variants.pt-BR.text", "Olá")
	w.request(key, "PATCH /v1/messages/1", `{"subject":"Hello again"}`).want(200).has("version", 2.0)
	w.request(key, "PATCH /v1/messages/1", `{"version":1,"tag":"c"}`).want(409)
	list := w.request(key, "GET /v1/messages", "").want(200)
	if strings.Contains(list.body, "<p>") || !strings.Contains(list.body, `"languages":["de","pt-BR"]`) {
		t.Errorf("the list is %s", list.body)
	}
	w.request(key, "DELETE /v1/messages/1", "").want(204)
	w.request(key, "PATCH /v1/messages/1", `{"tag":"c"}`).want(409)
	w.request(key, "POST /v1/messages/1/restore", "").want(200).has("deletedAt", nil)
}

func TestWrongMessagesAreNamedWithTheirPlace(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	for _, c := range []struct{ body, field, reason string }{
		{`{"subject":"x","text":"x"}`, "name", "is required"},
		{`{"name":"m","text":"x"}`, "subject", "is required"},
		{`{"name":"m","subject":"x"}`, "html", "needs html or text"},
		{`{"name":"m","subject":"x","text":"one\ntwo #if($a)"}`, "text", "line 2"},
		{`{"name":"m","subject":"#if($a) x","text":"x"}`, "subject", "line 1"},
		{`{"name":"m","subject":"x","text":"x","variants":{"uk":{"subject":"x","html":"#foreach(","text":""}}}`, "variants.uk.html", "line 1"},
		{`{"name":"m","subject":"x","text":"x","variants":{"u_":{"subject":"x","text":"x"}}}`, "variants.u_", "language"},
		{`{"name":"m","subject":"x","text":"x","variants":{"uk":{"Subject":"x"}}}`, "variants.uk.Subject", "not known"},
		{`{"name":"m","subject":"x","text":"x","from":{"address":"shop"}}`, "from.address", ""},
		{`{"name":"m","subject":"x","text":"x","version":1}`, "version", ""},
		{`{"name":"m","subject":"x","text":"x","body":"x"}`, "body", "not known"},
	} {
		a := w.request(key, "POST /v1/messages", c.body).want(422)
		if got := firstFault(a); got != c.field || !strings.Contains(a.body, c.reason) {
			t.Errorf("%s: fault in %q, want %q with %q: %s", c.body, got, c.field, c.reason, a.body)
		}
	}
	a := w.request(key, "POST /v1/messages", `{"name":"m","subject":"x","text":"$data.get('WH5').get('code') %NO_FIELD%"}`).want(201)
	if !strings.Contains(a.body, "WH5 is no webhook") || !strings.Contains(a.body, "NO_FIELD") {
		t.Errorf("unknown names are not warned of: %s", a.body)
	}
}

func TestAPreviewShowsWhatAContactWillSee(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	a := w.request(key, "POST /v1/messages/1/preview", `{"contactId":1,"replies":{"WH5":{"promocode":"LVIV-10"},"contacts_get_by_email":[{"id":7.0}]}}`).want(200)
	a.has("subject", "Ann, a code").has("to", "ann@example.com").has("from.name", "Shop")
	if !strings.Contains(a.body, "Code LVIV-10 for 7") || !strings.Contains(a.get("text").(string), "Code LVIV-10 for 7") {
		t.Errorf("shown: %s", a.body)
	}
	a = w.request(key, "POST /v1/messages/1/preview", `{"contactId":1}`).want(200).has("html", "")
	if !strings.Contains(a.body, `"field":"html"`) {
		t.Errorf("the missing reply is not named: %s", a.body)
	}
	w.request(key, "POST /v1/messages/preview", `{"message":{"name":"m","from":{"address":"a@example.com"},"subject":"$firstName","text":"x <b>","html":"<p>$firstName</p>"},"contact":{"firstName":"<Bob>"}}`).want(200).
		has("subject", "<Bob>").has("html", "<p>&lt;Bob&gt;</p>").has("text", "x <b>")
	if got := firstFault(w.request(key, "POST /v1/messages/preview", `{}`).want(422)); got != "message" {
		t.Errorf("fault in %q", got)
	}
	if got := firstFault(w.request(key, "POST /v1/messages/1/preview", `{"message":{"text":"#if("}}`).want(422)); got != "message.text" {
		t.Errorf("fault in %q", got)
	}
	if got := firstFault(w.request(key, "POST /v1/messages/1/preview", `{"contactId":99}`).want(422)); got != "contactId" {
		t.Errorf("fault in %q", got)
	}
}

func TestATestMailGoesOutAndItsActivitiesHaveNoMessageName(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.request(key, "PATCH /v1/messages/1", `{"html":"<p>$!firstName</p>","categories":["NOBODY_TAKES_THIS"]}`).want(200)
	w.request(key, "POST /v1/messages/1/send-test", `{"contactId":1,"to":"me@example.com"}`).want(201).has("to", "me@example.com").has("test", true).has("messageName", "")
	var feed *answer
	w.eventually("the feed has DELIVERED", func() bool {
		feed = w.request(key, "GET /v1/activities?after=0", "").want(200)
		return strings.Contains(feed.body, "DELIVERED")
	})
	for _, part := range []string{`"messageName":""`, `"email":"me@example.com"`, `"contactId":1`, `"messageId":1`} {
		if !strings.Contains(feed.body, part) {
			t.Errorf("the activity has no %s: %s", part, feed.body)
		}
	}
	if got := firstFault(w.request(key, "POST /v1/messages/1/send-test", `{}`).want(422)); got != "contactId" {
		t.Errorf("fault in %q", got)
	}
	if got := firstFault(w.request(key, "POST /v1/messages/1/send-test", `{"contactId":1,"to":"me"}`).want(422)); got != "to" {
		t.Errorf("fault in %q", got)
	}
	w.request(key, "PATCH /v1/messages/1", `{"html":"<p>$nothing</p>"}`).want(200)
	if got := firstFault(w.request(key, "POST /v1/messages/1/send-test", `{"contactId":1}`).want(422)); got != "html" {
		t.Errorf("fault in %q", got)
	}
}

func TestABroadcastGoesToItsSegmentAndIsActedOnAsItsStateAllows(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.made(key, "/v1/messages", `{"name":"Sale","from":{"address":"shop@example.com"},"subject":"Sale in $TOWN","text":"Hello $firstName"}`)
	for _, body := range []string{
		`{"email":"ann@example.com","firstName":"Ann","address":{"town":"Lviv"}}`, `{"email":"bob@example.com","firstName":"Bob","address":{"town":"Lviv"}}`,
		`{"email":"nameless@example.com","address":{"town":"Lviv"}}`, `{"sms":"380671234567","address":{"town":"Lviv"}}`, `{"email":"far@example.com","firstName":"Far","address":{"town":"Kyiv"}}`,
	} {
		w.made(key, "/v1/contacts", body)
	}
	w.made(key, "/v1/segments", `{"name":"Lviv","condition":{"field":"TOWN","op":"equals","value":"Lviv"}}`)
	w.made(key, "/v1/broadcasts", `{"name":"Sale","messageId":1,"segmentId":1}`)
	var b *answer
	w.eventually("the broadcast is sent", func() bool {
		b = w.request(key, "GET /v1/broadcasts/1", "").want(200)
		return b.get("state") == "done" && b.get("progress.sent") == 2.0
	})
	b.has("progress.total", 4.0).has("progress.skipped", 2.0).has("progress.failed", 0.0).has("progress.waiting", 0.0).has("progress.percent", 100.0)
	feed := w.request(key, "GET /v1/activities?after=0", "").want(200)
	if n := strings.Count(feed.body, `"broadcastId":1`); n != 2 {
		t.Errorf("%d activities are of the broadcast: %s", n, feed.body)
	}
	for _, act := range []string{"pause", "resume", "cancel"} {
		w.request(key, "POST /v1/broadcasts/1/"+act, "").want(409)
	}
	w.made(key, "/v1/broadcasts", `{"name":"Later","messageId":1,"segmentId":1,"at":"2099-01-01T00:00:00Z","perMinute":60}`)
	w.request(key, "POST /v1/broadcasts/2/resume", "").want(409)
	w.request(key, "POST /v1/broadcasts/2/pause", "").want(200).has("state", "paused").has("perMinute", 60.0)
	w.request(key, "POST /v1/broadcasts/2/resume", "").want(200)
	if a := w.request(key, "DELETE /v1/messages/1", "").want(409); !strings.Contains(a.body, `used by broadcast 2`) {
		t.Errorf("the user is not named: %s", a.body)
	}
	w.request(key, "DELETE /v1/segments/1", "").want(409)
	w.request(key, "POST /v1/broadcasts/2/cancel", "").want(200).has("state", "canceled")
	w.request(key, "DELETE /v1/segments/1", "").want(204)
	if list := w.request(key, "GET /v1/broadcasts", "").want(200).get("broadcasts").([]any); len(list) != 2 {
		t.Errorf("%d broadcasts are listed", len(list))
	}
}

func TestWrongBroadcastsAreNamedAndNothingIsMade(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.made(key, "/v1/segments", `{"name":"All"}`)
	for _, c := range []struct{ body, field string }{
		{`{"messageId":1,"segmentId":1}`, "name"},
		{`{"name":"b","segmentId":1}`, "messageId"},
		{`{"name":"b","messageId":9,"segmentId":1}`, "messageId"},
		{`{"name":"b","messageId":1,"segmentId":9}`, "segmentId"},
		{`{"name":"b","messageId":1,"segmentId":1,"at":"tomorrow"}`, "at"},
		{`{"name":"b","messageId":1,"segmentId":1,"perMinute":0}`, "perMinute"},
		{`{"name":"b","messageId":1,"segmentId":1,"state":"running"}`, "state"},
	} {
		if got := firstFault(w.request(key, "POST /v1/broadcasts", c.body).want(422)); got != c.field {
			t.Errorf("%s: fault in %q, want %q", c.body, got, c.field)
		}
	}
}

func TestSettingsOfMailAreMergedAndChecked(t *testing.T) {
	w := newWorld(t)
	key := w.account("shop")
	w.request(key, "GET /v1/settings/mail", "").want(200).has("countMachineOpens", false).has("from.address", "")
	w.request(key, "PATCH /v1/settings/mail", `{"from":{"name":"Shop","address":"shop@example.com"},"categories":[{"key":"NEWS","name":"News"},{"key":"SALE"}]}`).want(200).has("from.name", "Shop")
	now := w.request(key, "PATCH /v1/settings/mail", `{"countMachineOpens":true}`).want(200).has("countMachineOpens", true).has("from.address", "shop@example.com")
	if !strings.Contains(now.body, `"categories":[{"key":"NEWS","name":"News"},{"key":"SALE"`) {
		t.Errorf("categories: %s", now.body)
	}
	w.request(key, "PATCH /v1/settings/mail", `{"countMachineOpens":false,"version":0}`).want(409)
	for _, c := range []struct{ body, field string }{
		{`{"from":{"name":"Shop"}}`, "from.address"},
		{`{"from":{"address":"shop"}}`, "from.address"},
		{`{"categories":[{"name":"News"}]}`, "categories[0].key"},
		{`{"categories":[{"key":"A"},{"key":"A"}]}`, "categories[1].key"},
		{`{"sender":"x"}`, "sender"},
	} {
		if got := firstFault(w.request(key, "PATCH /v1/settings/mail", c.body).want(422)); got != c.field {
			t.Errorf("%s: fault in %q, want %q", c.body, got, c.field)
		}
	}
	w.made(key, "/v1/messages", `{"name":"m","subject":"x","text":"x"}`)
	w.request(key, "POST /v1/messages/1/preview", `{"contact":{"firstName":"Ann"}}`).want(200).has("from.address", "shop@example.com")
	if a := w.request(key, "GET /v1/audit", "").want(200); !strings.Contains(a.body, "settings") {
		t.Errorf("the change is not in the audit: %s", a.body)
	}
}

func TestMailsAreChosenByTheDaysOfTheirMaking(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.made(key, "/v1/messages/1/send-test", `{"contactId":1,"replies":{"WH5":{"promocode":"A"},"contacts_get_by_email":[{"id":7}]}}`)
	for query, want := range map[string]int{"from=2000-01-01": 1, "to=2000-01-01": 0, "from=2000-01-01&to=2099-12-31": 1, "from=2099-01-01": 0} {
		if got := w.request(key, "GET /v1/outbox?"+query, "").want(200); strings.Count(got.body, `"iid"`) != want {
			t.Errorf("%s gives %s", query, got.body)
		}
	}
	w.request(key, "GET /v1/outbox?from=soon", "").want(400)
}
