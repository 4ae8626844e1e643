package workflow

import (
	"cmp"
	"context"
	"time"

	"tidings"
	"tidings/call"
	"tidings/vtl"
)

// People is what an Engine asks of a store about whom a run is for.
type People interface {
	Contact(ctx context.Context, account tidings.AccountID, id tidings.ContactID) (tidings.Contact, error)
	FindContact(ctx context.Context, account tidings.AccountID, by tidings.MatchBy, key string) (tidings.Contact, error)
	UpsertContact(ctx context.Context, account tidings.AccountID, change tidings.ContactChange, by tidings.MatchBy) (tidings.Contact, tidings.ContactOutcome, error)
	Event(ctx context.Context, account tidings.AccountID, id tidings.EventID) (tidings.Event, error)
}

// EngineStore is what an Engine asks of a store.
type EngineStore interface {
	Things
	People
}

// EngineOptions configures an Engine. Store and Call are required.
type EngineOptions struct {
	Store EngineStore
	// Call makes the calls of webhooks; call.Caller's Do.
	Call func(context.Context, call.Order) call.Result
	// Preview renders the request of a call without sending it, for dry runs with
	// recorded replies; call.Caller's Preview. Default: such runs show no request.
	Preview func(context.Context, call.Order) call.Result
	// Keep is how long a webhook, a connector, a message and an account's settings
	// are used before they are read again: so old may be what a run takes. Default: 1 s.
	Keep time.Duration
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Engine executes blocks: for runs (see Runner), and for dry runs (see Test).
// It is safe for concurrent use and has nothing to close.
type Engine struct {
	store EngineStore
	call  func(context.Context, call.Order) call.Result
	// preview is nil where requests are not shown.
	preview func(context.Context, call.Order) call.Result
	now     func() time.Time
	tools   vtl.Tools

	programs   *shelf[*program]
	webhooks   *shelf[*tidings.Webhook]
	connectors *shelf[*tidings.Auth]
	messages   *shelf[*composer]
	fields     *shelf[map[tidings.FieldKey]tidings.FieldType]
}

// NewEngine makes an engine.
func NewEngine(o EngineOptions) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	keep := cmp.Or(o.Keep, time.Second)
	e := &Engine{store: o.Store, call: o.Call, preview: o.Preview, now: o.Now, tools: vtl.StandardTools()}
	e.programs = newShelf(o.Now, 0, e.readProgram)
	e.webhooks = newShelf(o.Now, keep, func(ctx context.Context, of thing) (*tidings.Webhook, error) {
		w, err := o.Store.Webhook(ctx, of.account, tidings.WebhookID(of.id))
		return &w, err
	})
	e.connectors = newShelf(o.Now, keep, func(ctx context.Context, of thing) (*tidings.Auth, error) {
		c, err := o.Store.Connector(ctx, of.account, tidings.ConnectorID(of.id))
		return &c.Auth, err
	})
	e.messages = newShelf(o.Now, keep, e.readComposer)
	e.fields = newShelf(o.Now, keep, func(ctx context.Context, of thing) (map[tidings.FieldKey]tidings.FieldType, error) {
		list, err := o.Store.Fields(ctx, of.account)
		types := make(map[tidings.FieldKey]tidings.FieldType, len(list))
		for _, f := range list {
			types[f.Key] = f.Type
		}
		return types, err
	})
	return e
}

// readProgram makes a version of a workflow ready. Versions never change.
func (e *Engine) readProgram(ctx context.Context, of thing) (*program, error) {
	d, err := e.store.WorkflowVersion(ctx, of.account, tidings.WorkflowID(of.id), of.version)
	if err != nil {
		return nil, err
	}
	return compileProgram(&d), nil
}

// CallKey is the Tidings-Call-Id of a block's call within a run: the same each
// time that the call is made again, and for no other.
func CallKey(instance string, block tidings.BlockID) string {
	return "wf_" + instance + "_" + string(block)
}

// Launch makes the launch of a run by hand: to run an event again, or for one
// contact. The trigger's condition, Once and Alone are not looked at. The
// workflow is active.
func Launch(w *tidings.ActiveWorkflow) tidings.Launch {
	return tidings.Launch{Workflow: w.ID, Version: w.Version, Start: w.Definition.Start}
}
