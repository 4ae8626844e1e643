package workflow

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tidings"
	"tidings/call"
)

// testEngine makes an engine over a store for dry runs.
func testEngine(store *fakeStore, do func(context.Context, call.Order) call.Result) *Engine {
	return NewEngine(EngineOptions{Store: store, Call: do, Preview: func(_ context.Context, o call.Order) call.Result {
		return call.Result{Call: tidings.Call{Name: o.Webhook.Name, Key: o.Key, Test: o.Test, Request: tidings.SentRequest{
			Method: o.Webhook.Method, URL: o.Webhook.URL, Headers: []tidings.Header{{Name: "User-Agent", Value: "Tidings/1"}, {Name: "X-A", Value: "b"}},
		}}}
	}})
}

// noCalls is the outside world of a test in which none may be made.
func noCalls(t *testing.T) func(context.Context, call.Order) call.Result {
	return func(_ context.Context, o call.Order) call.Result {
		t.Errorf("a call of %s was made", o.Webhook.Name)
		return call.Result{}
	}
}

func stepsOf(r *DryResult) string {
	var list []string
	for _, s := range r.Steps {
		text := fmt.Sprintf("%d %s → %s", s.Number, s.Block, s.Exit)
		if s.Error != "" {
			text += " (" + s.Error + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, "; ")
}

func TestADryRunShowsAllAndStoresNothing(t *testing.T) {
	store := shop()
	d := definition(t, circle, store.known())
	e := testEngine(store, noCalls(t))
	in := DryInput{
		ContactID: 7, Event: &tidings.Event{TypeKey: "promo", KeyValue: "1"},
		Replies: []tidings.RunReply{{Name: "WH5", Reply: tidings.Reply{Format: tidings.ReplyJSON, Body: []byte(`{"promocode":"SPRING"}`)}}},
	}
	r, err := e.Test(t.Context(), 1, &d, in)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := stepsOf(&r), "1 ask → ok; 2 has → yes; 3 wait → next; 4 send → next; 5 keep → next; 6 end → "; got != want || r.State != tidings.RunEnded || !r.Starts || r.Marked {
		t.Errorf("%s, %+v", got, r)
	}
	if c := r.Steps[0].Call; c == nil || c.Request.URL != store.webhooks[5].URL || string(c.Reply.Body) != `{"promocode":"SPRING"}` {
		t.Errorf("the call: %+v", c)
	}
	if m := r.Steps[3].Mail; m == nil || m.HTML != "<p>SPRING</p>" || !m.Test {
		t.Errorf("the mail: %+v", m)
	}
	if len(store.mails)+len(store.calls)+len(store.runs)+len(store.contacts[7].Fields) != 0 {
		t.Error("something was stored")
	}
}

func TestADryRunFindsOrInventsTheContactOfItsEvent(t *testing.T) {
	store := shop()
	d := definition(t, `{"trigger":{"eventTypeKey":"promo"},"start":"send","blocks":[
		{"id":"send","kind":"message","message":{"messageId":3},"exits":{"next":"end"}},{"id":"end","kind":"end"}]}`, store.known())
	e := testEngine(store, noCalls(t))
	for _, c := range []struct{ what, params, to string }{
		{"by its id", `{"contactId":7}`, "olena@example.com"},
		{"by its email", `{"EmailAddress":"olena@example.com"}`, "olena@example.com"},
		{"by its phone", `{"phone":"+380671234567"}`, "olena@example.com"},
		{"an address that nobody has", `{"email":"ann@example.com"}`, "ann@example.com"},
		{"nobody", `{"x":1}`, ""},
	} {
		var params map[string]json.RawMessage
		if err := json.Unmarshal([]byte(c.params), &params); err != nil {
			t.Fatal(err)
		}
		event := tidings.Event{TypeKey: "promo", KeyValue: "1"}
		for name, value := range params {
			event.Params = append(event.Params, tidings.EventParam{Name: name, Value: value})
		}
		r, err := e.Test(t.Context(), 1, &d, DryInput{Event: &event})
		if err != nil {
			t.Fatal(err)
		}
		to := ""
		if m := r.Steps[0].Mail; m != nil {
			to = m.To
		}
		if to != c.to {
			t.Errorf("%s: to %q, %s", c.what, to, stepsOf(&r))
		}
	}
	if len(store.contacts) != 1 {
		t.Error("a contact was made")
	}
	if _, err := e.Test(t.Context(), 1, &d, DryInput{ContactID: 99}); tidings.CodeOf(err) != tidings.CodeNotFound {
		t.Errorf("a contact that is not there: %v", err)
	}
}

func TestADryRunOfADraftThatIsNotFinishedSaysWhereItEnds(t *testing.T) {
	e := testEngine(shop(), noCalls(t))
	for _, c := range []struct{ definition, steps, words string }{
		{`{"start":""}`, "", "the workflow has no start"},
		{`{"start":"a","blocks":[{"id":"a","kind":"timer","timer":{"seconds":1},"exits":{}}]}`, "1 a → next", `the exit next of block "a" leads nowhere`},
		{`{"start":"a","blocks":[{"id":"a","kind":"sms","fields":[{"field":"TOWN","value":"#if("}]}]}`, "", `version 0 of the workflow has no block "a" that can be executed`},
		{`{"start":"a","blocks":[{"id":"a","kind":"message"}]}`, "", `version 0 of the workflow has no block "a" that can be executed`},
		{`{"start":"a","blocks":[{"id":"a","kind":"webhook","webhook":{"webhookId":5},"exits":{"ok":"b"}},{"id":"b","kind":"end"}]}`, `1 a → ok (nothing was sent: give the test a reply of "WH5", or let it make real calls); 2 b → `, ""},
	} {
		var d tidings.Definition
		if err := json.Unmarshal([]byte(c.definition), &d); err != nil {
			t.Fatal(err)
		}
		r, err := e.Test(t.Context(), 1, &d, DryInput{})
		if err != nil || stepsOf(&r) != c.steps || r.Error != c.words {
			t.Errorf("%s: %s, %q, %v", c.definition, stepsOf(&r), r.Error, err)
		}
	}
	var loop tidings.Definition
	if err := json.Unmarshal([]byte(`{"start":"a","blocks":[{"id":"a","kind":"split","percent":50,"exits":{"a":"a","b":"a"}}]}`), &loop); err != nil {
		t.Fatal(err)
	}
	r, err := e.Test(t.Context(), 1, &loop, DryInput{})
	if err != nil || r.State != tidings.RunFailed || len(r.Steps) != tidings.MaxBlocks {
		t.Errorf("a loop: %d steps, %+v", len(r.Steps), err)
	}
}

func TestACaseStandsForItselfAndShowsWhatDiffers(t *testing.T) {
	store := shop()
	d := definition(t, circle, store.known())
	live := 0
	do := func(_ context.Context, o call.Order) call.Result {
		live++
		if !o.Test {
			t.Error("the call is not one of a test")
		}
		reply := tidings.Reply{Status: 200, Format: tidings.ReplyJSON, Body: []byte(`{"promocode":"SPRING"}`)}
		value, _ := call.ReplyValue(&reply)
		c := tidings.Call{Name: o.Webhook.Name, Outcome: tidings.OutcomeOK, Reply: &reply, Request: tidings.SentRequest{Method: "GET", URL: o.Webhook.URL}}
		return call.Result{Call: c, Reply: &reply, Value: value}
	}
	e := testEngine(store, do)
	r, err := e.Test(t.Context(), 1, &d, DryInput{ContactID: 7, Event: &tidings.Event{TypeKey: "promo", KeyValue: "1"}, Live: true})
	if err != nil || live != 1 {
		t.Fatal(live, err)
	}
	// A case is made of what a run with recorded replies shows, so that it is the same each time.
	if r, err = e.Test(t.Context(), 1, &d, r.Input); err != nil || live != 1 {
		t.Fatal(live, err)
	}
	kept, err := NewCase(&tidings.Workflow{ID: 1, Account: 1}, "spring", &r)
	if err != nil {
		t.Fatal(err)
	}
	store.set(func() { clear(store.contacts) }) // what was stored may go
	run := func(d *tidings.Definition) CaseResult {
		results, err := e.RunCases(t.Context(), 1, d, []tidings.WorkflowCase{kept})
		if err != nil || len(results) != 1 {
			t.Fatal(results, err)
		}
		return results[0]
	}
	if same := run(&d); !same.Passes() || string(same.Got) != string(kept.Expected) || live != 1 {
		t.Errorf("the same workflow: %+v", same)
	}
	changed := definition(t, strings.Replace(circle, `"value": "$data.WH5.promocode"`, `"value": "x"`, 1), shop().known())
	changed.Blocks[2].Exits = map[tidings.Exit]tidings.BlockID{tidings.ExitNext: "keep"}
	other := run(&changed)
	if other.Passes() || len(other.Differences) == 0 || other.Differences[0].Path != "steps[3].block" || other.Differences[0].Expected != `"send"` || other.Differences[0].Got != `"keep"` {
		t.Errorf("another workflow: %+v", other.Differences)
	}
	m := store.messages[3]
	m.Content.Subject = "New words"
	store.set(func() { store.messages[3] = m })
	e = testEngine(store, do)
	if got := run(&d).Differences; len(got) != 2 || got[1] != (Difference{"steps[3].mail.subject", `"Your code, Олена"`, `"New words"`}) {
		t.Errorf("another subject: %+v", got)
	}
	kept.Input = []byte("{")
	if got := run(&d); got.Passes() || got.Error == "" {
		t.Errorf("an input that can't be read: %+v", got)
	}
}

func TestInputsOfDryRunsSurviveTheirJSON(t *testing.T) {
	in := DryInput{
		Contact: &tidings.Contact{
			ID: 5, ExternalCustomerID: "x", FirstName: "Ann", LastName: "B", Town: "Львів", Region: "r", Address: "a", Postcode: "p", Language: "uk", TimeZone: "Europe/Kyiv",
			Channels: []tidings.Channel{{Type: tidings.Email, Value: "ann@example.com"}, {Type: tidings.WebPush, Value: "token"}}, Subscriptions: []string{"A", "B"},
			Fields: []tidings.ContactField{
				{Key: "A.BOOL", Value: tidings.FieldValue{Type: tidings.FieldBool, Text: "true"}},
				{Key: "A.DAY", Value: tidings.FieldValue{Type: tidings.FieldDate, Text: "2026-01-31"}},
				{Key: "A.LIST", Value: tidings.FieldValue{Type: tidings.FieldList, List: []string{"x", "<y>"}}},
				{Key: "A.NUMBER", Value: tidings.FieldValue{Type: tidings.FieldNumber, Text: "9007199254740993.10"}},
				{Key: "A.TEXT", Value: tidings.FieldValue{Type: tidings.FieldText, Text: "12"}},
			},
		},
		Event: &tidings.Event{ID: 3, TypeKey: "order", KeyValue: "k", Contact: 5, Params: []tidings.EventParam{param("b", `{"x":[1]}`), param("a", `"t"`)}},
		Replies: []tidings.RunReply{
			{Name: "A", Reply: tidings.Reply{Format: tidings.ReplyJSON, Body: []byte(`{"z":1,"a":2}`)}},
			{Name: "B", Reply: tidings.Reply{Format: tidings.ReplyXML, Body: []byte(`<a>1</a>`)}},
			{Name: "C", Failed: true, Reply: tidings.Reply{Body: []byte(`{"error":"answered 500","outcome":"status","status":500}`)}},
		},
		Exits: map[tidings.BlockID]tidings.Exit{"s": tidings.ExitB}, At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var back DryInput
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%+v %+v %+v", *back.Contact, *back.Event, back), fmt.Sprintf("%+v %+v %+v", *in.Contact, *in.Event, in); maskPointers(got) != maskPointers(want) {
		t.Errorf("got  %s\nwant %s\nfrom %s", got, want, text)
	}
}

// maskPointers takes the addresses out of a printed value.
func maskPointers(text string) string {
	var b strings.Builder
	for word := range strings.FieldsSeq(text) {
		if i := strings.Index(word, "0x"); i >= 0 {
			word = word[:i] + "…"
		}
		b.WriteString(word + " ")
	}
	return b.String()
}

func TestADryRunTakesPlaceAtTheTimeOfItsInput(t *testing.T) {
	store := shop()
	store.messages[9] = tidings.Message{ID: 9, Name: "Day", Content: tidings.Content{Subject: "$date.format('yyyy-MM-dd HH:mm', $date)", Text: "x"}}
	d := definition(t, `{"trigger":{"eventTypeKey":"promo"},"start":"a","blocks":[
		{"id":"a","kind":"webhook","webhook":{"webhookId":5},"exits":{"ok":"b"}},{"id":"b","kind":"timer","timer":{"seconds":60},"exits":{"next":"c"}},
		{"id":"c","kind":"message","message":{"messageId":9},"exits":{"next":"end"}},{"id":"end","kind":"end"}]}`, store.known())
	var clock func() time.Time
	e := NewEngine(EngineOptions{Store: store, Call: noCalls(t), Preview: func(_ context.Context, o call.Order) call.Result {
		clock = o.Now
		return call.Result{}
	}})
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	r, err := e.Test(t.Context(), 1, &d, DryInput{ContactID: 7, At: at, Replies: []tidings.RunReply{{Name: "WH5", Reply: tidings.Reply{Format: tidings.ReplyJSON, Body: []byte("{}")}}}})
	if err != nil {
		t.Fatal(err)
	}
	// The message tells it in the contact's zone.
	if m := r.Steps[2].Mail; m == nil || m.Subject != "2026-03-01 12:00" || clock == nil || !clock().Equal(at) {
		t.Errorf("%s: %+v", stepsOf(&r), m)
	}
	if got := string(r.Steps[1].Decided); got != `{"until":"2026-03-01T10:01:00Z","skipped":true}` {
		t.Errorf("the timer: %s", got)
	}
}
