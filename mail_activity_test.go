package tidings_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidings"
)

// fullMail is a mail of a workflow with every field set that its activities show.
func fullMail() tidings.Mail {
	return tidings.Mail{
		ID: 1622691, IID: "0bb5e1dc-0d1b-4deb-948f-8cea4d8ef738", Message: 1235215, Name: "Welcome", Tag: "a,b", Language: "uk",
		Contact: 1258810400, External: "c-1", To: "Ann+x@Example.com", Broadcast: 5, Workflow: 245460, Block: "e_1", Instance: "92227cb7-4eef-4168-9ea5-43f3ed3559f8",
		Event: 9, EventKey: "1258810400", EventType: "subscribeFromApi", From: tidings.Mailbox{Name: "Shop", Address: "shop@example.com"},
	}
}

const fullMailWire = `"broadcastId":5,CLICK"contactId":1258810400,"email":"Ann+x@Example.com","externalCustomerId":"c-1","from":"Shop",HARD"iid":"0bb5e1dc-0d1b-4deb-948f-8cea4d8ef738","mediaType":"email","messageId":1235215,"messageInstanceId":1622691,"messageLanguageCode":"uk","messageName":"Welcome","messageTag":"a,b","sourceEventId":9,"sourceEventKey":"1258810400","sourceEventTypeKey":"subscribeFromApi",DATA"viewMessageLink":"https://t.example/v/1","workflowBlockId":"e_1","workflowId":245460,"workflowInstanceId":"92227cb7-4eef-4168-9ea5-43f3ed3559f8"}`

func TestMailActivityHasTheFieldsOfItsStatus(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 26, 53, 999, time.FixedZone("", 7200))
	facts := tidings.MailFacts{ClickURL: "https://shop.example/?a=1&b=<2>", Description: "smtp;554 5.7.1 Spam \"rejected\"", HardBounce: true, ViewLink: "https://t.example/v/1"}
	subscribed := facts
	subscribed.Subscriptions = []string{"A", "Б"}
	none := facts
	none.Subscriptions = []string{}
	for _, c := range []struct {
		status            tidings.Status
		facts             tidings.MailFacts
		click, hard, data string
	}{
		{tidings.Delivered, facts, ``, ``, ``},
		{tidings.Undelivered, facts, ``, `"hardBounce":true,`, `"statusDescription":"smtp;554 5.7.1 Spam \"rejected\"",`},
		{tidings.Undelivered, tidings.MailFacts{ViewLink: facts.ViewLink}, ``, `"hardBounce":false,`, ``},
		{tidings.Read, facts, ``, ``, ``},
		{tidings.Clicked, facts, `"clickEventLink":"https://shop.example/?a=1&b=<2>",`, ``, ``},
		{tidings.Spam, facts, ``, ``, ``},
		{tidings.Unsubscribed, none, ``, ``, `"statusData":{"subscription":{"subscriptions":[]}},`},
		{tidings.SubscriptionChanged, subscribed, ``, ``, `"statusData":{"subscription":{"subscriptions":["A","Б"]}},`},
	} {
		m := fullMail()
		got, err := tidings.MailActivity(&m, c.status, at, c.facts)
		if err != nil {
			t.Errorf("%s: %v", c.status, err)
			continue
		}
		rest := strings.NewReplacer("CLICK", c.click, "HARD", c.hard, "DATA", c.data).Replace(fullMailWire)
		want := `{"activityDateTime":"2026-03-14T07:26:53","activityStatus":"` + c.status.String() + `",` + rest
		if string(got.Wire) != want {
			t.Errorf("%s:\n got %s\nwant %s", c.status, got.Wire, want)
		}
		wantAsParsed(t, got)
	}
}

// wantAsParsed holds an activity against what the ingest makes of its wire bytes.
func wantAsParsed(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, got tidings.Activity,
) {
	t.Helper()
	parsed, err := tidings.ParseActivities([]byte("["+string(got.Wire)+"]"), tidings.Intake{Now: time.Now()})
	if err != nil {
		t.Fatalf("the ingest refuses %s: %v", got.Wire, err)
	}
	if diff := cmp.Diff(parsed[0], got); diff != "" {
		t.Fatalf("not as the ingest has it (-ingest +made):\n%s", diff)
	}
}

func TestMailActivityLeavesOutWhatIsAbsent(t *testing.T) {
	m := tidings.Mail{ID: 3, IID: fullMail().IID, Contact: 7, To: "a@example.com", Name: "Draft", Test: true}
	got, err := tidings.MailActivity(&m, tidings.Delivered, time.Unix(0, 0), tidings.MailFacts{})
	want := `{"activityDateTime":"1970-01-01T00:00:00","activityStatus":"DELIVERED","contactId":7,"email":"a@example.com","iid":"` + m.IID + `","mediaType":"email","messageInstanceId":3,"messageName":""}`
	if err != nil || string(got.Wire) != want {
		t.Errorf("%s, %v\nwant %s", got.Wire, err, want)
	}
	wantAsParsed(t, got)
}

func TestMailActivityRefusesWhatTheIngestWould(t *testing.T) {
	for name, change := range map[string]func(*tidings.Mail, *tidings.MailFacts){
		"iid":     func(m *tidings.Mail, _ *tidings.MailFacts) { m.IID = "7" },
		"address": func(m *tidings.Mail, _ *tidings.MailFacts) { m.To = "nobody" },
		"length": func(_ *tidings.Mail, x *tidings.MailFacts) {
			x.ClickURL = strings.Repeat("x", tidings.MaxActivityBytes)
		},
	} {
		m, x := fullMail(), tidings.MailFacts{}
		change(&m, &x)
		if got, err := tidings.MailActivity(&m, tidings.Clicked, time.Now(), x); tidings.CodeOf(err) != tidings.CodeInvalid {
			t.Errorf("%s: made %s, %v", name, got.Wire, err)
		}
	}
}

func TestMailActivityOfAnyTextIsWhatTheIngestMakesOfIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.Rune())
		m := fullMail()
		m.Tag, m.Name, m.EventKey, m.External, m.From.Name = text.Draw(t, "tag"), text.Draw(t, "name"), text.Draw(t, "key"), text.Draw(t, "external"), text.Draw(t, "from")
		m.Contact = tidings.ContactID(rapid.Int64().Draw(t, "contact"))
		status := rapid.SampledFrom([]tidings.Status{tidings.Delivered, tidings.Undelivered, tidings.Clicked, tidings.Unsubscribed}).Draw(t, "status")
		got, err := tidings.MailActivity(&m, status, time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 0), tidings.MailFacts{
			ClickURL: text.Draw(t, "url"), Description: text.Draw(t, "description"), Subscriptions: []string{text.Draw(t, "category")},
		})
		if err != nil {
			t.Fatalf("%v", err)
		}
		wantAsParsed(t, got)
	})
}

func BenchmarkMailActivity(b *testing.B) {
	m := fullMail()
	at := time.Unix(1_773_446_400, 0)
	for b.Loop() {
		if _, err := tidings.MailActivity(&m, tidings.Read, at, tidings.MailFacts{ViewLink: "https://t.example/v/abc"}); err != nil {
			b.Fatal(err)
		}
	}
}
