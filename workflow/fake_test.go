package workflow

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tidings"
)

// fakeStore is a store in memory, with the rules of the real one: claims are
// fenced, commits are whole. It is the only fake of these tests.
type fakeStore struct {
	launching sync.Mutex // held before mu

	due func() // the store's RunsDue

	mu         sync.Mutex
	versions   map[thing]tidings.Definition
	active     []tidings.ActiveWorkflow
	stamp      int64
	webhooks   map[tidings.WebhookID]tidings.Webhook
	connectors map[tidings.ConnectorID]tidings.Connector
	messages   map[tidings.MessageID]tidings.Message
	segments   map[tidings.SegmentID]map[tidings.ContactID]bool
	fields     []tidings.Field
	contacts   map[tidings.ContactID]tidings.Contact
	events     map[tidings.EventID]tidings.Event
	once       map[string]bool

	runs   map[tidings.RunID]*tidings.Run
	wake   map[tidings.RunID]time.Time
	steps  map[tidings.RunID][]tidings.Step
	calls  []tidings.Call
	mails  []tidings.Mail
	claims int

	feed   []tidings.Activity
	cursor tidings.Seq

	// What goes wrong with claims, commits and reads of a contact; nil = nothing.
	claimError, commitError, readError error
}

// set changes the store while others use it.
func (f *fakeStore) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func newFakeStore() *fakeStore {
	return &fakeStore{
		due: func() {}, versions: map[thing]tidings.Definition{}, webhooks: map[tidings.WebhookID]tidings.Webhook{},
		connectors: map[tidings.ConnectorID]tidings.Connector{}, messages: map[tidings.MessageID]tidings.Message{},
		segments: map[tidings.SegmentID]map[tidings.ContactID]bool{}, contacts: map[tidings.ContactID]tidings.Contact{},
		events: map[tidings.EventID]tidings.Event{}, once: map[string]bool{}, runs: map[tidings.RunID]*tidings.Run{},
		wake: map[tidings.RunID]time.Time{}, steps: map[tidings.RunID][]tidings.Step{},
	}
}

func found[K comparable, V any](f *fakeStore, m map[K]V, key K) (V, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := m[key]
	if !ok {
		return v, tidings.Errorf(tidings.CodeNotFound, "there is no %T %v", key, key)
	}
	return v, nil
}

func (f *fakeStore) WorkflowVersion(_ context.Context, account tidings.AccountID, id tidings.WorkflowID, n int64) (tidings.Definition, error) {
	return found(f, f.versions, thing{account, int64(id), n})
}

func (f *fakeStore) Webhook(_ context.Context, _ tidings.AccountID, id tidings.WebhookID) (tidings.Webhook, error) {
	return found(f, f.webhooks, id)
}

func (f *fakeStore) Connector(_ context.Context, _ tidings.AccountID, id tidings.ConnectorID) (tidings.Connector, error) {
	return found(f, f.connectors, id)
}

func (f *fakeStore) Message(_ context.Context, _ tidings.AccountID, id tidings.MessageID) (tidings.Message, error) {
	return found(f, f.messages, id)
}

func (f *fakeStore) MailSettings(context.Context, tidings.AccountID) (tidings.MailSettings, error) {
	return tidings.MailSettings{From: tidings.Mailbox{Name: "Shop", Address: "shop@example.com"}}, nil
}

func (f *fakeStore) Fields(context.Context, tidings.AccountID) ([]tidings.Field, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.fields), nil
}

func (f *fakeStore) Contact(_ context.Context, _ tidings.AccountID, id tidings.ContactID) (tidings.Contact, error) {
	f.mu.Lock()
	err := f.readError
	f.mu.Unlock()
	if err != nil {
		return tidings.Contact{}, err
	}
	return found(f, f.contacts, id)
}

func (f *fakeStore) Event(_ context.Context, _ tidings.AccountID, id tidings.EventID) (tidings.Event, error) {
	return found(f, f.events, id)
}

func (f *fakeStore) FindContact(_ context.Context, _ tidings.AccountID, by tidings.MatchBy, key string) (tidings.Contact, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(f.contacts)) {
		c := f.contacts[id]
		switch {
		case by == tidings.MatchEmail && c.Channel(tidings.Email) == key, by == tidings.MatchSMS && c.Channel(tidings.SMS) == key,
			by == tidings.MatchExternalID && c.ExternalCustomerID == key:
			return c, nil
		}
	}
	return tidings.Contact{}, tidings.Errorf(tidings.CodeNotFound, "there is no contact with the %s %s", by, key)
}

func (f *fakeStore) UpsertContact(ctx context.Context, account tidings.AccountID, change tidings.ContactChange, by tidings.MatchBy) (tidings.Contact, tidings.ContactOutcome, error) {
	key := change.Email
	if by == tidings.MatchSMS {
		key = change.SMS
	}
	if c, err := f.FindContact(ctx, account, by, *key); err == nil {
		return c, tidings.ContactOutcome{ID: c.ID}, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := tidings.Contact{ID: tidings.ContactID(len(f.contacts) + 1), Account: account}
	change.Apply(&c)
	f.contacts[c.ID] = c
	return c, tidings.ContactOutcome{ID: c.ID, Created: true}, nil
}

func (f *fakeStore) ActiveWorkflows(context.Context, tidings.AccountID) ([]tidings.ActiveWorkflow, int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.active), f.stamp, nil
}

func (f *fakeStore) WorkflowStamp(context.Context, tidings.AccountID) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stamp, nil
}

// activate makes a definition version 1 of an active workflow.
func (f *fakeStore) activate(id tidings.WorkflowID, d tidings.Definition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.versions[thing{1, int64(id), 1}] = d
	f.active = append(f.active, tidings.ActiveWorkflow{ID: id, Name: fmt.Sprintf("workflow %d", id), Version: 1, Definition: d})
	f.stamp++
}

// addEvent stores an event with its launches, as the real AddEvent does.
func (f *fakeStore) addEvent(e tidings.Event, launches []tidings.Launch) []tidings.RunID {
	f.mu.Lock()
	e.ID, e.Account = tidings.EventID(len(f.events)+1), 1
	f.events[e.ID] = e
	var contact *tidings.Contact
	if c, ok := f.contacts[e.Contact]; ok {
		contact = &c
	}
	var started []tidings.RunID
	for i, l := range launches {
		key := fmt.Sprintf("%d %s", l.Workflow, e.KeyValue)
		if l.Takes != nil && !l.Takes(contact) || l.Once.Mode != tidings.OnceAlways && f.once[key] {
			continue
		}
		f.once[key] = true
		id := tidings.RunID(len(f.runs) + 1)
		now := time.Now()
		f.runs[id] = &tidings.Run{
			ID: id, Instance: fmt.Sprintf("00000000-0000-4000-8000-%06d%06d", e.ID, i), Account: 1, Workflow: l.Workflow, Version: l.Version,
			Contact: e.Contact, Event: e.ID, State: tidings.RunGoing, Block: l.Start, Due: now, Entered: now, StartedAt: now,
		}
		f.wake[id] = now
		started = append(started, id)
	}
	f.mu.Unlock()
	if len(started) > 0 {
		f.due()
	}
	return started
}

func (f *fakeStore) ClaimRuns(ctx context.Context, limit int, hold time.Duration) ([]tidings.Run, time.Time, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.claims++
	if f.claimError != nil {
		return nil, time.Time{}, f.claimError
	}
	if ctx.Err() != nil {
		return nil, time.Time{}, ctx.Err()
	}
	now := time.Now()
	var runs []tidings.Run
	for _, id := range f.byWake() {
		if f.wake[id].After(now) || len(runs) == limit {
			break
		}
		run := f.runs[id]
		run.Tries++
		run.Fence++
		f.wake[id] = now.Add(hold)
		claimed := *run
		claimed.Replies = slices.Clone(run.Replies)
		runs = append(runs, claimed)
	}
	var next time.Time
	if waiting := f.byWake(); len(waiting) > 0 {
		next = f.wake[waiting[0]]
	}
	return runs, next, nil
}

// byWake lists the runs that are going, by when they can be claimed.
func (f *fakeStore) byWake() []tidings.RunID {
	ids := slices.DeleteFunc(slices.Sorted(maps.Keys(f.runs)), func(id tidings.RunID) bool { return f.runs[id].State != tidings.RunGoing })
	slices.SortStableFunc(ids, func(a, b tidings.RunID) int { return f.wake[a].Compare(f.wake[b]) })
	return ids
}

func (f *fakeStore) CommitStep(_ context.Context, a tidings.Advance) (tidings.Advanced, error) {
	f.mu.Lock()
	err := f.commitError
	f.mu.Unlock()
	if err != nil {
		return tidings.Advanced{}, err
	}
	done, err := f.commit(a)
	if err == nil && a.State == tidings.RunGoing && a.Hold.IsZero() && !a.Due.After(time.Now()) {
		f.due()
	}
	return done, err
}

func (f *fakeStore) commit(a tidings.Advance) (tidings.Advanced, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	run := f.runs[a.Run]
	if run == nil || run.Fence != a.Fence || run.State != tidings.RunGoing {
		return tidings.Advanced{}, tidings.Errorf(tidings.CodeFenced, "run %d is in other hands", a.Run)
	}
	done := tidings.Advanced{}
	if a.Change != nil {
		c, ok := f.contacts[a.Contact]
		if !ok {
			return done, tidings.Errorf(tidings.CodeNotFound, "there is no contact %d", a.Contact)
		}
		a.Change.Apply(&c)
		if faults := tidings.CheckContact(&c); len(faults) > 0 {
			return done, tidings.Errorf(tidings.CodeInvalid, "%s", faults[0])
		}
		f.contacts[c.ID] = c
		done.Contact = &c
	}
	for list, on := range map[tidings.SegmentID]bool{a.AddTo: true, a.TakeOff: false} {
		if list == 0 {
			continue
		}
		if f.segments[list] == nil {
			return done, tidings.Errorf(tidings.CodeNotFound, "there is no segment %d", list)
		}
		f.segments[list][a.Contact] = on
	}
	if a.Call != nil {
		f.calls = append(f.calls, *a.Call)
		done.Call = tidings.CallID(len(f.calls))
	}
	if a.Mail != nil {
		f.mails = append(f.mails, *a.Mail)
		done.Mail = tidings.MailID(len(f.mails))
	}
	for _, s := range a.Steps {
		s.Number = len(f.steps[a.Run]) + 1
		switch s.Kind {
		case tidings.BlockWebhook:
			s.Call = done.Call
		case tidings.BlockMessage:
			s.Mail = done.Mail
		}
		f.steps[a.Run] = append(f.steps[a.Run], s)
	}
	f.settle(run, &a)
	done.Run = *run
	return done, nil
}

func (f *fakeStore) settle(run *tidings.Run, a *tidings.Advance) {
	run.State, run.Block, run.Error = a.State, a.Block, a.Error
	run.Marked = run.Marked || a.Marked
	run.Steps += len(a.Steps)
	if len(a.Steps) > 0 || a.NotTried {
		run.Tries = 0
	}
	if a.State != tidings.RunGoing {
		run.EndedAt, run.Replies = time.Now(), nil
		return
	}
	run.Due = a.Due
	f.wake[run.ID] = a.Due
	if !a.Hold.IsZero() {
		f.wake[run.ID] = a.Hold
	}
	if a.Reply != nil {
		run.Replies = append(run.Replies, *a.Reply)
	}
}

// stopRun stops a run by hand.
func (f *fakeStore) stopRun(id tidings.RunID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs[id].State, f.runs[id].EndedAt = tidings.RunStopped, time.Now()
}

// claimed says how often runs were claimed.
func (f *fakeStore) claimed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.claims
}

// run gives a copy of a run.
func (f *fakeStore) run(id tidings.RunID) tidings.Run {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *f.runs[id]
}

// history gives a copy of a run's steps.
func (f *fakeStore) history(id tidings.RunID) []tidings.Step {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.steps[id])
}

// outbox gives a copy of the mails.
func (f *fakeStore) outbox() []tidings.Mail {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.mails)
}

func (f *fakeStore) ActivityTriggerAccounts(context.Context) ([]tidings.AccountID, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.ContainsFunc(f.active, func(w tidings.ActiveWorkflow) bool { return w.Definition.Trigger.Activity != nil }) {
		return []tidings.AccountID{1}, nil
	}
	return nil, nil
}

func (f *fakeStore) ActivityCursor(context.Context, tidings.AccountID) (tidings.Seq, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cursor, nil
}

// Read gives one chunk of at most three activities.
func (f *fakeStore) Read(_ context.Context, q tidings.ReadQuery) (tidings.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	page := tidings.Page{Through: q.After}
	chunk := tidings.Chunk{First: q.After + 1}
	for _, a := range f.feed[q.After:min(int(q.After)+3, len(f.feed))] {
		if len(chunk.Body) > 0 {
			chunk.Body = append(chunk.Body, ',')
		}
		chunk.Body = append(chunk.Body, a.Wire...)
		chunk.Ends, chunk.Kinds = append(chunk.Ends, uint32(len(chunk.Body))), append(chunk.Kinds, a.Kind)
		page.Through++
	}
	if chunk.Len() > 0 {
		page.Chunks = []tidings.Chunk{chunk}
	}
	return page, nil
}

func (f *fakeStore) LaunchFromActivities(_ context.Context, _ tidings.AccountID, after, through tidings.Seq, events []tidings.EventWithLaunches) error {
	f.launching.Lock() // it is one commit
	defer f.launching.Unlock()
	f.mu.Lock()
	if f.cursor != after {
		f.mu.Unlock()
		return tidings.Errorf(tidings.CodeFenced, "the cursor is at %d", f.cursor)
	}
	f.cursor = through
	f.mu.Unlock()
	for _, e := range events {
		if id := e.Event.Identity().Contact; id != 0 {
			e.Event.Contact = id
		}
		f.addEvent(e.Event, e.Launches)
	}
	return nil
}
