package ui_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"tidings"
)

// postmark is a request as Postmark makes it.
func (w *world) postmark(auth, event string) {
	w.T.Helper()
	w.Request("", "POST /v1/sources/1", event, "Authorization: Basic "+auth)
}

const rightAuth = "dGlkaW5nczpodXNoLWh1c2g=" // tidings:hush-hush

func TestSourcesSayWhatToDoWhileThereAreNone(t *testing.T) {
	w := newWorld(t)
	w.as(tidings.RoleEditor).get("/settings/sources").want(200).says("No sources yet").has("a[href=/settings/sources/new]")
	w.as(tidings.RoleViewer).get("/settings/sources").want(200).says("No sources yet").hasNot("a[href=/settings/sources/new]")
}

func TestEveryServiceCanBeAddedAndSaysWhatToDoThere(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	kinds := b.get("/settings/sources/new").want(200)
	secrets := map[string][]string{
		"sendgrid": {"secrets.publicKey", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA=="},
		"ses":      {"secrets.topicArns", "arn:aws:sns:eu-central-1:555555555555:mail"},
		"mailgun":  {"secrets.signingKey", "hush-hush"},
		"postmark": {"secrets.username", "tidings", "secrets.password", "hush-hush"},
		"twilio":   {"secrets.authToken", "hush-hush"},
	}
	n := 0
	for kind, fields := range secrets {
		n++
		kinds.has("a[href=/settings/sources/new?kind=" + kind + "]")
		b.get("/settings/sources/new?kind="+kind).want(200).has("form[action=/settings/sources] [name="+fields[0]+"]", "input[name=kind][value="+kind+"]")
		p := b.post("/settings/sources", append(fields, "kind", kind, "name", "My "+kind)...).want(200)
		id := decimal(n)
		p.says("My "+kind, "What becomes what", "DELIVERED", w.URL+"/v1/sources/"+id)
		b.get("/settings/sources/"+id).want(200).says(w.URL+"/v1/sources/"+id, "Nothing yet.").saysNot("hush-hush", "MFkwEwYHKoZ", "555555555555:mail")
	}
	b.get("/settings/sources").want(200).says("My twilio", "Amazon SES", "none yet").has("table caption")
	b.get("/settings/sources?q=twil").want(200).says("My twilio").saysNot("My ses")
}

func TestTheAddressOfPostmarkIsShownOnceWithItsPassword(t *testing.T) {
	w := newWorld(t)
	b := w.as(tidings.RoleEditor)
	p := b.get("/settings/sources/new?kind=postmark").want(200)
	made := p.attr("input[name=secrets.password]", "value")
	if len(made) < 32 {
		t.Fatalf("the password that is made is %q", made)
	}
	host := strings.TrimPrefix(w.URL, "http://")
	b.post("/settings/sources", "kind", "postmark", "name", "Postmark", "secrets.username", "tidings", "secrets.password", made).want(200).says("shown this once", "http://tidings:"+made+"@"+host+"/v1/sources/1")
	b.get("/settings/sources/1").want(200).saysNot(made)
}

func TestASourceShowsWhatCameAndWhyItWasRefused(t *testing.T) {
	w := newWorld(t)
	w.do("POST /v1/sources", `{"name":"Postmark","kind":"postmark","secrets":{"username":"tidings","password":"hush-hush"}}`)
	w.postmark(rightAuth, `{"RecordType":"Delivery","MessageID":"m1","Recipient":"ann@example.com","DeliveredAt":"2026-01-31T12:00:00Z"}`)
	w.postmark(rightAuth, `{"RecordType":"<script>alert(1)</script>","MessageID":"m2","Recipient":"ann@example.com"}`)
	w.postmark("d3Jvbmc6d3Jvbmc=", `{}`)
	b := w.as(tidings.RoleViewer)
	b.get("/settings/sources/1").want(200).says("taken", "refused", "Newest event").saysNot("<script>alert", "none yet").has("#source-intakes table caption")
	b.htmx().get("/settings/sources/1").want(200).says("refused").hasNot("h1")
}

func TestWhatEventsBecomeIsAsThePageSays(t *testing.T) {
	w := newWorld(t)
	w.do("POST /v1/sources", `{"name":"Postmark","kind":"postmark","secrets":{"username":"tidings","password":"hush-hush"}}`)
	page := w.as(tidings.RoleViewer).get("/settings/sources/1").want(200)
	const at = `"2026-01-31T12:00:00Z"`
	for i, c := range []struct{ event, becomes, body string }{
		{"Delivery", "DELIVERED", `"RecordType":"Delivery","DeliveredAt":` + at},
		{"Bounce", "UNDELIVERED", `"RecordType":"Bounce","ID":1,"Type":"HardBounce","Email":"ann@example.com","BouncedAt":` + at},
		{"Open", "READ", `"RecordType":"Open","FirstOpen":true,"ReceivedAt":` + at},
		{"Click", "CLICKED", `"RecordType":"Click","OriginalLink":"https://example.com/","ReceivedAt":` + at},
		{"SpamComplaint", "SPAM", `"RecordType":"SpamComplaint","ID":2,"Email":"ann@example.com","BouncedAt":` + at},
		{"SubscriptionChange by the recipient", "UNSUBSCRIBED", `"RecordType":"SubscriptionChange","SuppressSending":true,"SuppressionReason":"ManualSuppression","Origin":"Recipient","ChangedAt":` + at},
	} {
		page.says(c.event + " " + c.becomes)
		w.postmark(rightAuth, `{"MessageID":"m`+decimal(i)+`","Recipient":"ann@example.com",`+c.body+`}`)
		if feed := w.do("GET /v1/activities?after="+decimal(i), "").Body; !strings.Contains(feed, `"activityStatus":"`+c.becomes+`"`) {
			t.Errorf("%s became %s", c.event, feed)
		}
	}
}

func TestASourceIsChangedAndDeleted(t *testing.T) {
	w := newWorld(t)
	w.do("POST /v1/sources", `{"name":"Mailgun","kind":"mailgun","secrets":{"signingKey":"hush-hush"}}`)
	b := w.as(tidings.RoleEditor)
	b.post("/settings/sources/1", "version", "1", "name", "Mailgun EU", "secrets.signingKey", "").want(200).says("Saved: Mailgun EU.")
	b.post("/settings/sources/1", "version", "1", "name", "Late", "secrets.signingKey", "new-secret").want(422).says("changed", "What you typed is still here.").has("input[name=name][value=Late]").saysNot("new-secret")
	b.post("/settings/sources/1", "version", "2", "name", "", "secrets.signingKey", "").want(422).has("input[name=name][aria-invalid=true]")
	b.post("/settings/sources", "kind", "mailgun", "name", "Two", "secrets.signingKey", "").want(422).has("input[name=secrets.signingKey][aria-invalid=true]", "input[name=name][value=Two]")
	b.get("/settings/sources/1/delete").want(200).says("is refused from then on", "Activities that came by it stay").has("form[action=/settings/sources/1/delete]")
	b.post("/settings/sources/1/delete").want(200).says("Deleted: Mailgun EU.", "No sources yet")
	b.get("/settings/sources/1").want(http.StatusNotFound)
}

func TestViewersAndOthersChangeNoSources(t *testing.T) {
	w := newWorld(t)
	w.do("POST /v1/sources", `{"name":"Mailgun","kind":"mailgun","secrets":{"signingKey":"hush-hush"}}`)
	w.Account("Other")
	viewer := w.as(tidings.RoleViewer)
	viewer.get("/settings/sources/1").want(200).says("Mailgun").hasNot("form[action=/settings/sources/1]", "a[href=/settings/sources/1/delete]")
	eve := w.browserOf(w.user(2, "eve@other.example", tidings.RoleOwner))
	eve.get("/settings/sources/1").want(http.StatusNotFound)
	eve.get("/settings/sources/1/delete").want(http.StatusNotFound)
	for _, path := range []string{"/settings/sources/1", "/settings/sources/1/delete"} {
		viewer.post(path, "name", "x").want(http.StatusForbidden)
		eve.post(path, "name", "x").want(http.StatusNotFound)
	}
	viewer.post("/settings/sources", "kind", "mailgun", "name", "x").want(http.StatusForbidden)
	w.do("GET /v1/sources/1", "")
}

func decimal(n int) string { return strconv.Itoa(n) }
