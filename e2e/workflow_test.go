package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// fact is an activity as a receiver reads it.
type fact map[string]any

func (f fact) text(name string) string { s, _ := f[name].(string); return s }

// facts gives the account's whole feed.
func (a *api) facts(t *testing.T) []fact {
	t.Helper()
	var all []fact
	for after := int64(0); ; {
		var page []struct {
			Seq      int64 `json:"seq"`
			Activity fact  `json:"activity"`
		}
		a.must(t, http.MethodGet, fmt.Sprintf("/v1/activities?after=%d&limit=1000", after), nil, &page)
		for _, row := range page {
			all, after = append(all, row.Activity), row.Seq
		}
		if len(page) == 0 {
			return all
		}
	}
}

// story waits until the feed has n activities to an address, and gives them in order.
func (a *api) story(t *testing.T, email string, n int) []fact {
	t.Helper()
	var story []fact
	eventually(t, fmt.Sprintf("%d activities of %s", n, email), func() bool {
		story = slices.DeleteFunc(a.facts(t), func(f fact) bool { return f.text("email") != email })
		return len(story) >= n
	})
	return story
}

// make creates a thing and gives its id.
func (a *api) make(t *testing.T, path string, what map[string]any) int64 {
	t.Helper()
	var made struct {
		ID int64 `json:"id"`
	}
	a.must(t, http.MethodPost, path, what, &made)
	return made.ID
}

// subscribers imports contacts.
func (a *api) subscribers(t *testing.T, emails ...string) {
	t.Helper()
	var rows bytes.Buffer
	for _, email := range emails {
		fmt.Fprintf(&rows, `{"email":%q,"firstName":"Anna","address":{"town":"Lviv"}}`+"\n", email)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.base+"/v1/contacts/import", &rows)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/x-ndjson")
	res, err := a.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("the import answered %s", res.Status)
	}
}

// seedWorkflow makes the seed's two webhooks, the message with its two
// expressions, and the workflow that brings them together; it is active.
func (a *api) seedWorkflow(t *testing.T, shop string) {
	t.Helper()
	connector := a.make(t, "/v1/connectors", map[string]any{"name": "Shop", "auth": map[string]any{"type": "apiKey", "key": "hush-hush", "in": "header", "name": "X-Api-Key"}})
	lookup := a.make(t, "/v1/webhooks", map[string]any{
		"name": "contacts_get_by_email", "method": "GET", "url": shop + "/api/v1/contacts?email=${email}", "connectorId": connector,
		"headers": []map[string]any{{"name": "X-Run", "value": "$workflowInstanceId"}},
	})
	promo := a.make(t, "/v1/webhooks", map[string]any{
		"name": "WH5", "method": "POST", "url": shop + "/promocodes?town=$TOWN",
		"body": map[string]any{"format": "json", "template": `{"town":"$TOWN","param":"$data.get('subscription')"}`},
	})
	letter := a.make(t, "/v1/messages", map[string]any{
		"name": "Promo code", "tag": "1522397496", "from": map[string]any{"name": "Shop", "address": "shop@example.com"}, "subject": "A code for $!firstName",
		"html": `<p>Your id: $!mathTool.toInteger($data.contacts_get_by_email.get(0).id)</p>
<p>Your code: $data.get('WH5').get('promocode')</p>
<p><a href="https://test.ua/promo/">Sale</a> <a href="$unsubscribeLink">Unsubscribe</a></p>`,
	})
	whose := map[string]any{"contactEmail": "${email}"}
	workflow := a.make(t, "/v1/workflows", map[string]any{"name": "Welcome", "definition": map[string]any{
		"trigger": map[string]any{"eventTypeKey": "subscribeFromApi"}, "start": "lookup",
		"blocks": []map[string]any{
			{"id": "lookup", "kind": "webhook", "webhook": map[string]any{"webhookId": lookup, "whose": whose}, "exits": map[string]any{"ok": "promo", "failed": "end"}},
			{"id": "promo", "kind": "webhook", "webhook": map[string]any{"webhookId": promo, "whose": whose}, "exits": map[string]any{"ok": "valid", "failed": "end"}},
			{"id": "valid", "kind": "condition", "condition": map[string]any{"field": "$data.get('WH5').get('valid')", "op": "equals", "value": "true"}, "exits": map[string]any{"yes": "letter", "no": "end"}},
			{"id": "letter", "kind": "message", "message": map[string]any{"messageId": letter}, "exits": map[string]any{"next": "end"}},
			{"id": "end", "kind": "end"},
		},
	}})
	a.must(t, http.MethodPost, fmt.Sprintf("/v1/workflows/%d/activate", workflow), nil, nil)
}

// subscribe sends the event that starts the seed's workflow.
func (a *api) subscribe(t *testing.T, key, email string) {
	t.Helper()
	a.must(t, http.MethodPost, "/v1/events", map[string]any{"eventTypeKey": "subscribeFromApi", "keyValue": key, "params": map[string]any{"email": email, "subscription": key}}, nil)
}

// follow asks for a link as a browser does, without going where it leads.
func follow(t *testing.T, method, link string, form url.Values) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, link, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

// TestTheSeedsExamplesWordForWord closes the circle: an event, two calls, a
// mail with what came back, and what its reader does arrives at the endpoint in order.
func TestTheSeedsExamplesWordForWord(t *testing.T) {
	office, outside := newPostOffice(t), newShop(t)
	s := newServer(t, "--smtp", "smtp://"+office.addr, "--egress-ca", outside.ca)
	account := s.newAccount(t, "shop")
	receiver := newSink(t, "")
	account.newEndpoint(t, map[string]any{"url": receiver.URL})
	account.subscribers(t, "test@gmail.com")
	account.seedWorkflow(t, outside.URL)
	account.subscribe(t, "1258810400", "test@gmail.com")

	l := office.to(t, "test@gmail.com")
	for _, part := range []string{"Your id: 687266822", "Your code: LVIV-Lviv"} {
		if !strings.Contains(l.html, part) || !strings.Contains(l.text, part) {
			t.Errorf("the mail does not say %q:\n%s\n%s", part, l.html, l.text)
		}
	}
	calls := outside.called()
	if len(calls) != 2 {
		t.Fatalf("%d calls", len(calls))
	}
	if c := calls[0]; c.method != http.MethodGet || c.target != "/api/v1/contacts?email=test%40gmail.com" || c.header.Get("X-Api-Key") != "hush-hush" {
		t.Errorf("the first call is %+v", c)
	}
	if c := calls[1]; c.method != http.MethodPost || c.target != "/promocodes?town=Lviv" || c.body != `{"town":"Lviv","param":"1258810400"}` {
		t.Errorf("the second call is %+v", c)
	}

	account.story(t, "test@gmail.com", 1)
	<-time.After(2 * time.Second) // a reader who is quicker is taken for a machine
	pixel, _, _ := strings.Cut(l.html[strings.LastIndex(l.html, `<img src="`)+len(`<img src="`):], `"`)
	if res := follow(t, http.MethodGet, pixel, nil); res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "image/gif" {
		t.Errorf("the picture is %s %v", res.Status, res.Header)
	}
	if res := follow(t, http.MethodGet, l.link(t, "Sale"), nil); res.StatusCode != http.StatusFound || res.Header.Get("Location") != "https://test.ua/promo/" {
		t.Errorf("the click leads to %s %v", res.Status, res.Header)
	}
	unsubscribe := l.link(t, "Unsubscribe")
	if res := follow(t, http.MethodGet, unsubscribe, nil); res.StatusCode != http.StatusOK {
		t.Errorf("the page for unsubscribing is %s", res.Status)
	}
	if story := account.story(t, "test@gmail.com", 3); len(story) != 3 {
		t.Errorf("a look at the page for unsubscribing is %v", story)
	}
	oneClick := strings.Trim(l.header.Get("List-Unsubscribe"), "<>")
	if res := follow(t, http.MethodPost, oneClick, url.Values{"List-Unsubscribe": {"One-Click"}}); res.StatusCode != http.StatusOK {
		t.Errorf("one click is answered %s", res.Status)
	}
	story := account.story(t, "test@gmail.com", 4)
	for i, status := range []string{"DELIVERED", "READ", "CLICKED", "UNSUBSCRIBED"} {
		f := story[i]
		if f.text("activityStatus") != status {
			t.Errorf("activity %d is %v, want %s", i+1, f, status)
		}
		for name, want := range map[string]any{
			"iid": story[0]["iid"], "sourceEventKey": "1258810400", "sourceEventTypeKey": "subscribeFromApi", "workflowId": 1.0, "workflowBlockId": "letter",
			"messageId": 1.0, "messageTag": "1522397496", "mediaType": "email", "messageName": "Promo code", "from": "Shop",
		} {
			if f[name] != want {
				t.Errorf("%s of %s is %v, want %v", name, status, f[name], want)
			}
		}
		if view := f.text("viewMessageLink"); follow(t, http.MethodGet, view, nil).StatusCode != http.StatusOK {
			t.Errorf("the web version %s is not there", view)
		}
	}
	if link := story[2].text("clickEventLink"); link != "https://test.ua/promo/" {
		t.Errorf("clickEventLink is %s", link)
	}
	receiver.wants(t, 4)
	for i, got := range receiver.got() {
		if got.Status != story[i].text("activityStatus") {
			t.Errorf("the endpoint got %s as number %d", got.Status, i+1)
		}
	}
}

// TestWhatTheSMTPServerSaysBecomesActivities sends to addresses that are
// refused, greylisted, or whose answer is lost.
func TestWhatTheSMTPServerSaysBecomesActivities(t *testing.T) {
	t.Parallel() // it waits for a second try
	office, outside := newPostOffice(t), newShop(t)
	s := newServer(t, "--smtp", "smtp://"+office.addr, "--egress-ca", outside.ca)
	account := s.newAccount(t, "shop")
	account.subscribers(t, "unknown@example.com", "spam@example.com", "grey@example.com", "lost@example.com")
	account.seedWorkflow(t, outside.URL)
	for _, name := range []string{"grey", "lost", "unknown", "spam"} {
		account.subscribe(t, name, name+"@example.com")
	}
	refused := account.story(t, "unknown@example.com", 1)[0]
	if refused.text("statusDescription") != "smtp;550 5.1.1 "+wordsUnknown || refused["activityStatus"] != "UNDELIVERED" || refused["hardBounce"] != true {
		t.Errorf("an unknown address is %v", refused)
	}
	refused = account.story(t, "spam@example.com", 1)[0]
	if refused.text("statusDescription") != "smtp;554 5.7.1 "+wordsSpam || refused["hardBounce"] != false {
		t.Errorf("a refusal as spam is %v", refused)
	}
	var list struct{ Entries []any }
	account.must(t, http.MethodGet, "/v1/blacklist", nil, &list)
	if text := fmt.Sprint(list); !strings.Contains(text, "unknown@example.com") || strings.Contains(text, "spam@example.com") {
		t.Errorf("black-listed is %s", text)
	}
	// The others are tried again after a minute.
	deadline := time.After(90 * time.Second)
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for office.count() < 3 {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("the SMTP server has %d mails only", office.count())
		}
	}
	for _, email := range []string{"grey@example.com", "lost@example.com"} {
		if story := account.story(t, email, 1); len(story) != 1 || story[0]["activityStatus"] != "DELIVERED" {
			t.Errorf("of %s the feed tells %v", email, story)
		}
	}
	ids := map[string]int{}
	for _, l := range office.letters() {
		if strings.HasPrefix(l.to, "lost") {
			ids[l.id()]++
		}
	}
	if len(ids) != 1 {
		t.Errorf("the mail whose answer was lost has the Message-IDs %v", ids)
	}
}

// TestMailsThatComeBackAreHeard has a server return a mail that it took, and a
// mailbox provider complain about another.
func TestMailsThatComeBackAreHeard(t *testing.T) {
	office, outside := newPostOffice(t), newShop(t)
	door := freeAddr(t)
	s := newServer(t, "--smtp", "smtp://"+office.addr, "--egress-ca", outside.ca, "--bounce-addr", door, "--bounce-domain", "bounces.example.com")
	account := s.newAccount(t, "shop")
	account.subscribers(t, "later@example.com", "angry@example.com")
	account.seedWorkflow(t, outside.URL)
	account.subscribe(t, "1", "later@example.com")
	account.subscribe(t, "2", "angry@example.com")
	returned, resented := office.to(t, "later@example.com"), office.to(t, "angry@example.com")
	account.story(t, "later@example.com", 1)
	account.story(t, "angry@example.com", 1)

	sendBack(t, door, returned.from, bounceOf(returned))
	story := account.story(t, "later@example.com", 2)
	if f := story[1]; f["activityStatus"] != "UNDELIVERED" || f.text("statusDescription") != "smtp;550 5.1.1 The mailbox is gone" || f["hardBounce"] != true || f["iid"] != story[0]["iid"] {
		t.Errorf("a mail that came back is %v", f)
	}
	sendBack(t, door, "complaints@bounces.example.com", complaintOf(resented))
	if f := account.story(t, "angry@example.com", 2)[1]; f["activityStatus"] != "SPAM" {
		t.Errorf("a complaint is %v", f)
	}
	client, err := smtp.Dial(door)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.SendMail("", []string{"bounce+1.aaaaaaaaaaaaaaaaa@bounces.example.com"}, strings.NewReader("Subject: x\r\n\r\nx\r\n")); err == nil {
		t.Error("a forged return path is taken")
	}
}

// sendBack delivers a mail to the server's own SMTP door.
func sendBack(t *testing.T, door, to, text string) {
	t.Helper()
	client, err := smtp.Dial(door)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.SendMail("", []string{to}, strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
}

// bounceOf is a delivery status notification (RFC 3464) about a mail.
func bounceOf(l letter) string {
	return `From: MAILER-DAEMON@mx.example.com
To: ` + l.from + `
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; ` + l.to + `
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp;550 5.1.1 The mailbox is gone

--b
Content-Type: text/rfc822-headers

Message-ID: ` + l.id() + `
To: ` + l.to + `

--b--
`
}

// complaintOf is a feedback report (RFC 5965) about a mail.
func complaintOf(l letter) string {
	return `From: feedback@provider.example
To: complaints@bounces.example.com
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

A recipient calls this mail spam.

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Provider/1.0
Version: 1
Original-Rcpt-To: ` + l.to + `

--b
Content-Type: message/rfc822

Message-ID: ` + l.id() + `
From: shop@example.com
To: ` + l.to + `
Subject: ` + l.header.Get("Subject") + `

Hello
--b--
`
}

// TestAChangedWorkflowFailsItsCases runs the command that pipelines run.
func TestAChangedWorkflowFailsItsCases(t *testing.T) {
	outside := newShop(t)
	s := newServer(t, "--egress-ca", outside.ca)
	account := s.newAccount(t, "shop")
	account.seedWorkflow(t, outside.URL)
	account.must(t, http.MethodPost, "/v1/workflows/1/test", map[string]any{
		"contact": map[string]any{"email": "ann@example.com", "TOWN": "Lviv"}, "event": map[string]any{"eventTypeKey": "subscribeFromApi", "params": map[string]any{"email": "ann@example.com", "subscription": "1"}},
		"replies": map[string]any{"contacts_get_by_email": []map[string]any{{"id": 7}}, "WH5": map[string]any{"promocode": "L-1", "valid": true}}, "saveAs": "Lviv",
	}, nil)
	args := []string{"test-workflows", "--server", "http://" + s.addr, "--key", account.token}
	if code, out, errs := run(t, args...); code != 0 || !strings.Contains(out, "✓ Welcome: Lviv") {
		t.Errorf("ended with %d: %s%s", code, out, errs)
	}
	account.must(t, http.MethodPatch, "/v1/messages/1", map[string]any{"subject": "Nothing for you"}, nil)
	var code int
	var out string
	eventually(t, "the change is seen", func() bool {
		code, out, _ = run(t, args...)
		return code != 0
	})
	if code != 1 || !strings.Contains(out, "✗ Welcome: Lviv") || !strings.Contains(out, "Nothing for you") {
		t.Errorf("ended with %d: %s", code, out)
	}
	code, out, _ = run(t, append(args, "--json", "1")...)
	var got []struct {
		Cases []struct{ OK bool }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 1 || len(got) != 1 || len(got[0].Cases) != 1 || got[0].Cases[0].OK {
		t.Errorf("ended with %d: %v %s", code, err, out)
	}
}
