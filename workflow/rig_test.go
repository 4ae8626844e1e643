package workflow

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
	"tidings/call"
)

// rig is an engine and a runner over a fake store, before outside systems that
// answer as a test says. It is made within a bubble of synctest.
type rig struct {
	t      *testing.T
	store  *fakeStore
	engine *Engine
	runner *Runner

	mu      sync.Mutex
	answers map[string]answer // by the webhook's name
	made    []call.Order
	asked   map[string]int // by the call's key: how often it was made
}

// answer is what an outside system does.
type answer struct {
	body  string        // JSON; "" = it fails
	words string        // of the failure
	takes time.Duration // until it answers
	panic string        // a defect in the way of the call; "" = none
}

// newRig makes one whose runner is started; change may alter its options.
func newRig(t *testing.T, store *fakeStore, change ...func(*RunnerOptions)) *rig {
	r := &rig{t: t, store: store, answers: map[string]answer{}, asked: map[string]int{}}
	r.start(change...)
	return r
}

// start sets a new process going over the same store.
func (r *rig) start(change ...func(*RunnerOptions)) {
	r.engine = NewEngine(EngineOptions{Store: r.store, Call: r.call})
	o := RunnerOptions{Engine: r.engine, Store: r.store, Log: slog.New(slog.DiscardHandler), Rescan: time.Hour}
	for _, c := range change {
		c(&o)
	}
	runner := NewRunner(o)
	r.store.due = runner.Wake
	runner.Start()
	r.runner = runner
	r.t.Cleanup(func() { r.runner.Stop(context.Background()) })
}

// stop ends the process within a grace; what is under way then is broken off.
func (r *rig) stop(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	r.runner.Stop(ctx)
}

// call is the outside world.
func (r *rig) call(ctx context.Context, o call.Order) call.Result {
	r.mu.Lock()
	a := r.answers[o.Webhook.Name]
	r.made = append(r.made, o)
	r.asked[o.Key]++
	r.mu.Unlock()
	if a.panic != "" {
		panic(a.panic)
	}
	res := call.Result{Call: tidings.Call{
		Account: o.Webhook.Account, Webhook: o.Webhook.ID, Name: o.Webhook.Name, Key: o.Key, Test: o.Test, At: time.Now(),
		Request: tidings.SentRequest{Method: o.Webhook.Method, URL: o.Webhook.URL},
	}}
	timer := time.NewTimer(a.takes)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		res.Call.Outcome, res.Call.Error = tidings.OutcomeCanceled, "stopped by this server"
		return res
	}
	if a.body == "" {
		res.Call.Outcome, res.Call.Error = tidings.OutcomeStatus, a.words
		res.Call.Tries = []tidings.Try{{Status: 500, Outcome: tidings.OutcomeStatus}}
		return res
	}
	reply := tidings.Reply{Status: 200, Format: tidings.ReplyJSON, Body: []byte(a.body)}
	value, err := call.ReplyValue(&reply)
	if err != nil {
		r.t.Errorf("the answer of %s: %v", o.Webhook.Name, err)
	}
	res.Call.Outcome, res.Call.Reply, res.Reply, res.Value = tidings.OutcomeOK, &reply, &reply, value
	res.Call.Tries = []tidings.Try{{Status: 200, Outcome: tidings.OutcomeOK}}
	return res
}

// calls says how often the call of a key was made.
func (r *rig) calls(key string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[key]
}

// event stores an event of a contact and starts what it starts.
func (r *rig) event(typeKey string, contact tidings.ContactID, params ...tidings.EventParam) []tidings.RunID {
	r.t.Helper()
	e := tidings.Event{TypeKey: typeKey, KeyValue: "k", Contact: contact, Params: params}
	launches, err := NewTriggers(r.store).Launches(r.t.Context(), 1, &e)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.store.addEvent(e, launches)
}

// wait lets time go by, and all that happens in it.
func wait(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

// definition reads a definition, and holds it against the rules.
func definition(t testing.TB, text string, known *Known) tidings.Definition {
	t.Helper()
	var d tidings.Definition
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range Check(&d, known) {
		if !p.Warning {
			t.Fatalf("the workflow: %v", p.FieldError())
		}
	}
	return d
}

// known is what the fake store has.
func (f *fakeStore) known() *Known {
	k := &Known{
		Webhooks: map[tidings.WebhookID]*tidings.Webhook{}, Messages: map[tidings.MessageID]*tidings.Message{},
		Segments: map[tidings.SegmentID]*tidings.Segment{}, Fields: map[tidings.FieldKey]tidings.FieldType{},
	}
	for id, w := range f.webhooks {
		k.Webhooks[id] = &w
	}
	for id, m := range f.messages {
		k.Messages[id] = &m
	}
	for id := range f.segments {
		k.Segments[id] = &tidings.Segment{ID: id, Name: "list"}
	}
	for _, field := range f.fields {
		k.Fields[field.Key] = field.Type
	}
	return k
}

// shop is a store with a contact, the webhook WH5, a message with its promo
// code, a list and an additional field.
func shop() *fakeStore {
	f := newFakeStore()
	f.contacts[7] = tidings.Contact{
		ID: 7, Account: 1, FirstName: "Олена", Town: "Львів", TimeZone: "Europe/Kyiv",
		Channels: []tidings.Channel{{Type: tidings.Email, Value: "olena@example.com"}, {Type: tidings.SMS, Value: "380671234567"}},
	}
	f.webhooks[5] = tidings.Webhook{ID: 5, Account: 1, Name: "WH5", Method: tidings.MethodGet, URL: "https://shop.example.com/promo?town=$TOWN"}
	f.webhooks[6] = tidings.Webhook{ID: 6, Account: 1, Name: "crm", Method: tidings.MethodGet, URL: "https://crm.example.com/"}
	f.messages[3] = tidings.Message{ID: 3, Account: 1, Name: "Promo", Content: tidings.Content{
		Subject: "Your code, $!FIRSTNAME", HTML: "<p>$!data.get('WH5').get('promocode')</p>",
	}}
	f.segments[4] = map[tidings.ContactID]bool{}
	f.fields = []tidings.Field{{Key: "SHOP.PROMO", Type: tidings.FieldText}, {Key: "SHOP.BONUS", Type: tidings.FieldNumber}, {Key: "SHOP.LIKES", Type: tidings.FieldList}}
	return f
}

func param(name, value string) tidings.EventParam {
	return tidings.EventParam{Name: name, Value: json.RawMessage(value)}
}
