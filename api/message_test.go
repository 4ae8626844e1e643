package api_test

import (
	"strings"
	"testing"

	"tidings/api/apitest"
)

func TestAMessageIsKeptAsItIsGivenAndAPatchMerges(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.made(key, "/v1/messages", `{"name":"Promo","tag":"a,b","from":{"name":"Shop $TOWN","address":"shop@example.com"},"replyTo":"help@example.com","categories":["NEWS"],
		"subject":"Hello","html":"<p>Hi</p>","text":"Hi","variants":{"uk":{"subject":"Привіт","text":"Привіт"},"pt-BR":{"subject":"Olá","text":"Olá"}}}`)
	w.Request(key, "GET /v1/messages/1", "").Want(200).Has("from.name", "Shop $TOWN").Has("replyTo", "help@example.com").Has("subject", "Hello").Has("html", "<p>Hi</p>").
		Has("text", "Hi").Has("variants.uk.subject", "Привіт").Has("variants.pt-BR.text", "Olá").Has("version", 1.0)
	w.Request(key, "PATCH /v1/messages/1", `{"subject":"Hello again","variants":{"uk":null,"de":{"subject":"Hallo","text":"Hallo"}}}`).Want(200).
		Has("version", 2.0).Has("subject", "Hello again").Has("html", "<p>Hi</p>").Has("variants.uk", nil).Has("variants.de.subject", "Hallo").Has("variants.pt-BR.text", "Olá")
	w.Request(key, "PATCH /v1/messages/1", `{"subject":"Hello again"}`).Want(200).Has("version", 2.0)
	w.Request(key, "PATCH /v1/messages/1", `{"version":1,"tag":"c"}`).Want(409)
	list := w.Request(key, "GET /v1/messages", "").Want(200)
	if strings.Contains(list.Body, "<p>") || !strings.Contains(list.Body, `"languages":["de","pt-BR"]`) {
		t.Errorf("the list is %s", list.Body)
	}
	w.Request(key, "DELETE /v1/messages/1", "").Want(204)
	w.Request(key, "PATCH /v1/messages/1", `{"tag":"c"}`).Want(409)
	w.Request(key, "POST /v1/messages/1/restore", "").Want(200).Has("deletedAt", nil)
}

func TestWrongMessagesAreNamedWithTheirPlace(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
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
		a := w.Request(key, "POST /v1/messages", c.body).Want(422)
		if got := firstFault(a); got != c.field || !strings.Contains(a.Body, c.reason) {
			t.Errorf("%s: fault in %q, want %q with %q: %s", c.body, got, c.field, c.reason, a.Body)
		}
	}
	a := w.Request(key, "POST /v1/messages", `{"name":"m","subject":"x","text":"$data.get('WH5').get('code') %NO_FIELD%"}`).Want(201)
	if !strings.Contains(a.Body, "WH5 is no webhook") || !strings.Contains(a.Body, "NO_FIELD") {
		t.Errorf("unknown names are not warned of: %s", a.Body)
	}
}

func TestAPreviewShowsWhatAContactWillSee(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	a := w.Request(key, "POST /v1/messages/1/preview", `{"contactId":1,"replies":{"WH5":{"promocode":"LVIV-10"},"contacts_get_by_email":[{"id":7.0}]}}`).Want(200)
	a.Has("subject", "Ann, a code").Has("to", "ann@example.com").Has("from.name", "Shop")
	if !strings.Contains(a.Body, "Code LVIV-10 for 7") || !strings.Contains(a.Get("text").(string), "Code LVIV-10 for 7") {
		t.Errorf("shown: %s", a.Body)
	}
	a = w.Request(key, "POST /v1/messages/1/preview", `{"contactId":1}`).Want(200).Has("html", "")
	if !strings.Contains(a.Body, `"field":"html"`) {
		t.Errorf("the missing reply is not named: %s", a.Body)
	}
	w.Request(key, "POST /v1/messages/preview", `{"message":{"name":"m","from":{"address":"a@example.com"},"subject":"$firstName","text":"x <b>","html":"<p>$firstName</p>"},"contact":{"firstName":"<Bob>"}}`).Want(200).
		Has("subject", "<Bob>").Has("html", "<p>&lt;Bob&gt;</p>").Has("text", "x <b>")
	if got := firstFault(w.Request(key, "POST /v1/messages/preview", `{}`).Want(422)); got != "message" {
		t.Errorf("fault in %q", got)
	}
	if got := firstFault(w.Request(key, "POST /v1/messages/1/preview", `{"message":{"text":"#if("}}`).Want(422)); got != "message.text" {
		t.Errorf("fault in %q", got)
	}
	if got := firstFault(w.Request(key, "POST /v1/messages/1/preview", `{"contactId":99}`).Want(422)); got != "contactId" {
		t.Errorf("fault in %q", got)
	}
}

func TestATestMailGoesOutAndItsActivitiesHaveNoMessageName(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.Request(key, "PATCH /v1/messages/1", `{"html":"<p>$!firstName</p>","categories":["NOBODY_TAKES_THIS"]}`).Want(200)
	w.Request(key, "POST /v1/messages/1/send-test", `{"contactId":1,"to":"me@example.com"}`).Want(201).Has("to", "me@example.com").Has("test", true).Has("messageName", "")
	var feed *apitest.Answer
	w.eventually("the feed has DELIVERED", func() bool {
		feed = w.Request(key, "GET /v1/activities?after=0", "").Want(200)
		return strings.Contains(feed.Body, "DELIVERED")
	})
	for _, part := range []string{`"messageName":""`, `"email":"me@example.com"`, `"contactId":1`, `"messageId":1`} {
		if !strings.Contains(feed.Body, part) {
			t.Errorf("the activity has no %s: %s", part, feed.Body)
		}
	}
	if got := firstFault(w.Request(key, "POST /v1/messages/1/send-test", `{}`).Want(422)); got != "contactId" {
		t.Errorf("fault in %q", got)
	}
	if got := firstFault(w.Request(key, "POST /v1/messages/1/send-test", `{"contactId":1,"to":"me"}`).Want(422)); got != "to" {
		t.Errorf("fault in %q", got)
	}
	w.Request(key, "PATCH /v1/messages/1", `{"html":"<p>$nothing</p>"}`).Want(200)
	if got := firstFault(w.Request(key, "POST /v1/messages/1/send-test", `{"contactId":1}`).Want(422)); got != "html" {
		t.Errorf("fault in %q", got)
	}
}

func TestABroadcastGoesToItsSegmentAndIsActedOnAsItsStateAllows(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.made(key, "/v1/messages", `{"name":"Sale","from":{"address":"shop@example.com"},"subject":"Sale in $TOWN","text":"Hello $firstName"}`)
	for _, body := range []string{
		`{"email":"ann@example.com","firstName":"Ann","address":{"town":"Lviv"}}`, `{"email":"bob@example.com","firstName":"Bob","address":{"town":"Lviv"}}`,
		`{"email":"nameless@example.com","address":{"town":"Lviv"}}`, `{"sms":"380671234567","address":{"town":"Lviv"}}`, `{"email":"far@example.com","firstName":"Far","address":{"town":"Kyiv"}}`,
	} {
		w.made(key, "/v1/contacts", body)
	}
	w.made(key, "/v1/segments", `{"name":"Lviv","condition":{"field":"TOWN","op":"equals","value":"Lviv"}}`)
	w.made(key, "/v1/broadcasts", `{"name":"Sale","messageId":1,"segmentId":1}`)
	var b *apitest.Answer
	w.eventually("the broadcast is sent", func() bool {
		b = w.Request(key, "GET /v1/broadcasts/1", "").Want(200)
		return b.Get("state") == "done" && b.Get("progress.sent") == 2.0
	})
	b.Has("progress.total", 4.0).Has("progress.skipped", 2.0).Has("progress.failed", 0.0).Has("progress.waiting", 0.0).Has("progress.percent", 100.0)
	feed := w.Request(key, "GET /v1/activities?after=0", "").Want(200)
	if n := strings.Count(feed.Body, `"broadcastId":1`); n != 2 {
		t.Errorf("%d activities are of the broadcast: %s", n, feed.Body)
	}
	for _, act := range []string{"pause", "resume", "cancel"} {
		w.Request(key, "POST /v1/broadcasts/1/"+act, "").Want(409)
	}
	w.made(key, "/v1/broadcasts", `{"name":"Later","messageId":1,"segmentId":1,"at":"2099-01-01T00:00:00Z","perMinute":60}`)
	w.Request(key, "POST /v1/broadcasts/2/resume", "").Want(409)
	w.Request(key, "POST /v1/broadcasts/2/pause", "").Want(200).Has("state", "paused").Has("perMinute", 60.0)
	w.Request(key, "POST /v1/broadcasts/2/resume", "").Want(200)
	if a := w.Request(key, "DELETE /v1/messages/1", "").Want(409); !strings.Contains(a.Body, `used by broadcast 2`) {
		t.Errorf("the user is not named: %s", a.Body)
	}
	w.Request(key, "DELETE /v1/segments/1", "").Want(409)
	w.Request(key, "POST /v1/broadcasts/2/cancel", "").Want(200).Has("state", "canceled")
	w.Request(key, "DELETE /v1/segments/1", "").Want(204)
	if list := w.Request(key, "GET /v1/broadcasts", "").Want(200).Get("broadcasts").([]any); len(list) != 2 {
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
		if got := firstFault(w.Request(key, "POST /v1/broadcasts", c.body).Want(422)); got != c.field {
			t.Errorf("%s: fault in %q, want %q", c.body, got, c.field)
		}
	}
}

func TestSettingsOfMailAreMergedAndChecked(t *testing.T) {
	w := newWorld(t)
	key := w.Account("shop")
	w.Request(key, "GET /v1/settings/mail", "").Want(200).Has("countMachineOpens", false).Has("from.address", "")
	w.Request(key, "PATCH /v1/settings/mail", `{"from":{"name":"Shop","address":"shop@example.com"},"categories":[{"key":"NEWS","name":"News"},{"key":"SALE"}]}`).Want(200).Has("from.name", "Shop")
	now := w.Request(key, "PATCH /v1/settings/mail", `{"countMachineOpens":true}`).Want(200).Has("countMachineOpens", true).Has("from.address", "shop@example.com")
	if !strings.Contains(now.Body, `"categories":[{"key":"NEWS","name":"News"},{"key":"SALE"`) {
		t.Errorf("categories: %s", now.Body)
	}
	w.Request(key, "PATCH /v1/settings/mail", `{"countMachineOpens":false,"version":0}`).Want(409)
	for _, c := range []struct{ body, field string }{
		{`{"from":{"name":"Shop"}}`, "from.address"},
		{`{"from":{"address":"shop"}}`, "from.address"},
		{`{"categories":[{"name":"News"}]}`, "categories[0].key"},
		{`{"categories":[{"key":"A"},{"key":"A"}]}`, "categories[1].key"},
		{`{"sender":"x"}`, "sender"},
	} {
		if got := firstFault(w.Request(key, "PATCH /v1/settings/mail", c.body).Want(422)); got != c.field {
			t.Errorf("%s: fault in %q, want %q", c.body, got, c.field)
		}
	}
	w.made(key, "/v1/messages", `{"name":"m","subject":"x","text":"x"}`)
	w.Request(key, "POST /v1/messages/1/preview", `{"contact":{"firstName":"Ann"}}`).Want(200).Has("from.address", "shop@example.com")
	if a := w.Request(key, "GET /v1/audit", "").Want(200); !strings.Contains(a.Body, "settings") {
		t.Errorf("the change is not in the audit: %s", a.Body)
	}
}

func TestMailsAreChosenByTheDaysOfTheirMaking(t *testing.T) {
	w := newWorld(t)
	key := w.seed()
	w.made(key, "/v1/messages/1/send-test", `{"contactId":1,"replies":{"WH5":{"promocode":"A"},"contacts_get_by_email":[{"id":7}]}}`)
	for query, want := range map[string]int{"from=2000-01-01": 1, "to=2000-01-01": 0, "from=2000-01-01&to=2099-12-31": 1, "from=2099-01-01": 0} {
		if got := w.Request(key, "GET /v1/outbox?"+query, "").Want(200); strings.Count(got.Body, `"iid"`) != want {
			t.Errorf("%s gives %s", query, got.Body)
		}
	}
	w.Request(key, "GET /v1/outbox?from=soon", "").Want(400)
}
