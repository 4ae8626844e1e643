package message

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"tidings"
	"tidings/scope"
)

// TestTheLifeOfAMailIsToldInItsOrder with real parts: a message is rendered,
// queued, sent to a server, opened, clicked, bounced and unsubscribed from.
func TestTheLifeOfAMailIsToldInItsOrder(t *testing.T) {
	s, k := newShop(t, 2), newSink(t, nil)
	ctx := context.Background()
	sender := s.send(t, k)
	contact, err := s.FindContact(ctx, s.account, tidings.MatchEmail, "p1@d1.example")
	must(t, err)
	message, err := s.Message(ctx, s.account, s.message)
	must(t, err)
	c, err := Compile(&message, tidings.MailSettings{})
	must(t, err)
	m, err := c.Render(ctx, scope.Scope{Contact: &contact, Instance: "0b9e6b2e-9d7c-4c7e-9a53-6f0e1d2c3b4a"})
	must(t, err)
	m.Workflow, m.Block = 5, "e_1"
	m.ID, err = s.QueueMail(ctx, m)
	must(t, err)
	sender.Wake()
	k.waitFor(t, "p1@d1.example")
	s.untilActivities(t, 1)

	// What arrived leads to the pages.
	arrived := partOf(t, k.taken("p1@d1.example")[0].data, "text/html")
	pages := NewPages(PagesOptions{Store: s.Store, Links: s.links, Log: quiet()})
	ask := func(method, link string) int {
		r := httptest.NewRequest(method, link, nil)
		r.Header.Set("User-Agent", browser)
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		return w.Code
	}
	links := map[string]string{}
	for _, part := range strings.Split(arrived, `"`) {
		if rest, ok := strings.CutPrefix(part, "https://m.example.com/"); ok {
			links[rest[:1]] = part
		}
	}
	for _, kind := range []string{"o", "o", "c", "c"} { // READ is told once, CLICKED each time
		ask("GET", links[kind])
	}
	if code := ask("POST", links["u"]); code != 200 {
		t.Errorf("unsubscribing gave %d", code)
	}
	heard := Heard(s.Store, nil, quiet())
	must(t, heard(ctx, Report{Mail: int64(m.ID), Kind: ReportBounced, Description: "smtp;554 5.7.1 Spam message rejected"}))
	must(t, heard(ctx, Report{Mail: int64(m.ID), Kind: ReportBounced, Description: "smtp;554 5.7.1 Spam message rejected"}))
	must(t, heard(ctx, Report{Mail: int64(m.ID), Kind: ReportComplained}))
	must(t, heard(ctx, Report{Mail: 99, Kind: ReportComplained}))

	var told []string
	for _, wire := range s.activities(t) {
		var a map[string]any
		must(t, json.Unmarshal(wire, &a))
		text, _ := a["activityStatus"].(string)
		for _, key := range []string{"clickEventLink", "statusDescription"} {
			if v, ok := a[key].(string); ok {
				text += " " + v
			}
		}
		told = append(told, text)
		if a["workflowId"] != 5.0 || a["workflowBlockId"] != "e_1" || a["workflowInstanceId"] != m.Instance || a["viewMessageLink"] != s.links.View(m.ID) || a["email"] != m.To || a["from"] != "Shop" || a["messageName"] != "Sale" {
			t.Errorf("an activity is %s", wire)
		}
	}
	want := []string{
		"DELIVERED", "READ", "CLICKED https://shop.example/?a=1&b=2", "CLICKED https://shop.example/?a=1&b=2", "UNSUBSCRIBED",
		"UNDELIVERED smtp;554 5.7.1 Spam message rejected", "SPAM",
	}
	if got := strings.Join(told, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	// And who has unsubscribed gets nothing more.
	again := m
	again.ID = 0
	id, err := s.QueueMail(ctx, again)
	must(t, err)
	sender.Wake()
	s.untilActivities(t, len(want)+1)
	if left, err := s.MailByID(ctx, id); err != nil || left.State != tidings.MailFailed {
		t.Errorf("the second mail is %s, %v", left.State, err)
	}
	if n := len(k.taken("p1@d1.example")); n != 1 {
		t.Errorf("%d mails came", n)
	}
}
