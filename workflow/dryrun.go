package workflow

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tidings"
	"tidings/call"
)

// DryInput says with what a dry run is made. Its JSON form is in dryinput_json.go.
type DryInput struct {
	// ContactID is a contact of the account, Contact an invented one in its place.
	// Neither: the one whom the event names, or one made of what it says.
	ContactID tidings.ContactID
	Contact   *tidings.Contact
	// EventID is an event that was received, Event an invented one in its place.
	EventID tidings.EventID
	Event   *tidings.Event
	// Replies are what the webhooks answer. The Body of a Failed one is why: words, or
	// a JSON object {"error","outcome","status"}, as templates see it.
	Replies []tidings.RunReply
	// Live makes real calls for webhooks without a reply here. They are calls of a test.
	Live bool
	// Exits say which way splits go. Default: as the run's draw has it, always the same.
	Exits map[tidings.BlockID]tidings.Exit
	// At is what time it is. Default: now.
	At time.Time
}

// DryResult is what came of a dry run.
type DryResult struct {
	// Starts says whether the trigger takes the event with this contact; Once and
	// Alone are not looked at. The run is made all the same.
	Starts bool
	State  tidings.RunState // ended or failed
	Error  string           // why it failed
	Marked bool
	Steps  []DryStep
	// Input is what the run was made with, contact, event and replies of live
	// calls included: with it, the run can be made again whatever is stored.
	Input DryInput
}

// DryStep is a step of a dry run.
type DryStep struct {
	tidings.Step
	Name    string         // the block's, for people
	Call    *tidings.Call  // of a webhook: the rendered request and the reply, secrets masked; nil = none was made
	Mail    *tidings.Mail  // of a message: as it would be queued; nil = none
	Warning []call.Warning // of a webhook: values without content, and a reply that is not what it says it is
}

// DryInstance is the workflowInstanceId of dry runs.
const DryInstance = "00000000-0000-4000-8000-000000000000"

// dry is what makes a run a dry one.
type dry struct {
	replies  map[string]tidings.RunReply
	live     bool
	exits    map[tidings.BlockID]tidings.Exit
	recorded []tidings.RunReply // of live calls
	warnings []call.Warning     // of the latest call
}

// Test makes a dry run of a definition, which need not be saved nor complete:
// the same steps as those of a run, with nothing stored, no mail queued and
// timers skipped. What goes wrong within it is in the result. CodeNotFound when the account has no such
// contact or event.
func (e *Engine) Test(ctx context.Context, account tidings.AccountID, d *tidings.Definition, in DryInput) (DryResult, error) {
	if err := e.freeze(ctx, account, &in); err != nil {
		return DryResult{}, err
	}
	mode := &dry{replies: map[string]tidings.RunReply{}, live: in.Live, exits: in.Exits}
	for _, r := range in.Replies {
		mode.replies[r.Name] = r
	}
	j := &journey{e: e, program: compileProgram(d), dry: mode, sight: sight{tools: e.tools}}
	j.run = tidings.Run{Account: account, Instance: DryInstance, State: tidings.RunGoing, Block: d.Start}
	j.sight.scope.Instance, j.sight.scope.Now = DryInstance, func() time.Time { return in.At }
	if in.Event != nil {
		event := *in.Event
		j.sight.scope.Event, j.run.Event = &event, event.ID
	}
	if in.Contact != nil {
		contact := *in.Contact
		j.sight.scope.Contact, j.run.Contact = &contact, contact.ID
	}
	result := DryResult{State: tidings.RunGoing, Starts: starts(&d.Trigger, in.Event, in.Contact)}
	if d.Start == "" {
		result.State, result.Error = tidings.RunFailed, "the workflow has no start"
	}
	for result.State == tidings.RunGoing {
		a, err := j.stride(ctx)
		if err != nil {
			return DryResult{}, err
		}
		j.takeDry(&a, &result)
	}
	in.Replies = append(in.Replies[:len(in.Replies):len(in.Replies)], mode.recorded...)
	in.Live = false
	result.Input = in
	return result, nil
}

// takeDry does to the run in memory what the store does to one that is for real.
func (j *journey) takeDry(a *tidings.Advance, result *DryResult) {
	result.State, result.Error, result.Marked = a.State, a.Error, result.Marked || a.Marked
	for _, s := range a.Steps {
		s.Number = len(result.Steps) + 1
		step := DryStep{Step: s}
		if b := j.program.blocks[s.Block]; b != nil {
			step.Name = b.Name
		}
		switch s.Kind {
		case tidings.BlockWebhook:
			step.Call, step.Warning = a.Call, j.dry.warnings
		case tidings.BlockMessage:
			step.Mail = a.Mail
		}
		result.Steps = append(result.Steps, step)
	}
	var changed *tidings.Contact
	if a.Change != nil {
		c := *j.contact()
		a.Change.Apply(&c)
		if faults := tidings.CheckContact(&c); len(faults) > 0 {
			last := &result.Steps[len(result.Steps)-1]
			last.Error, result.Marked = "not set: "+faults[0].String(), true
		} else {
			changed = &c
		}
	}
	j.went(a, changed)
}

// freeze reads what an input names, so that it stands for itself.
func (e *Engine) freeze(ctx context.Context, account tidings.AccountID, in *DryInput) error {
	if in.At.IsZero() {
		in.At = e.now()
	}
	if in.Event == nil && in.EventID != 0 {
		event, err := e.store.Event(ctx, account, in.EventID)
		if err != nil {
			return err
		}
		in.Event = &event
	}
	if in.Contact == nil && in.ContactID != 0 {
		contact, err := e.store.Contact(ctx, account, in.ContactID)
		if err != nil {
			return err
		}
		in.Contact = &contact
	}
	if in.Contact == nil && in.Event != nil {
		contact, err := e.named(ctx, account, in.Event)
		if err != nil {
			return err
		}
		in.Contact = contact
	}
	return nil
}

// named gives the contact whom an event names, or one made of what it says;
// nil when it says nothing that a contact could be made of.
func (e *Engine) named(ctx context.Context, account tidings.AccountID, event *tidings.Event) (*tidings.Contact, error) {
	id := event.Identity()
	find := func(by tidings.MatchBy, key string) (*tidings.Contact, error) {
		c, err := e.store.FindContact(ctx, account, by, key)
		if tidings.CodeOf(err) == tidings.CodeNotFound {
			return nil, nil
		}
		return &c, err
	}
	for _, known := range []tidings.ContactID{event.Contact, id.Contact} {
		if known == 0 {
			continue
		}
		c, err := e.store.Contact(ctx, account, known)
		if tidings.CodeOf(err) != tidings.CodeNotFound {
			return &c, err
		}
	}
	if id.ExternalCustomerID != "" {
		if c, err := find(tidings.MatchExternalID, id.ExternalCustomerID); c != nil || err != nil {
			return c, err
		}
	}
	for _, ch := range id.Channels {
		by := map[tidings.MediaType]tidings.MatchBy{tidings.Email: tidings.MatchEmail, tidings.SMS: tidings.MatchSMS}[ch.Type]
		if by == "" {
			continue
		}
		if c, err := find(by, ch.Value); c != nil || err != nil {
			return c, err
		}
	}
	if len(id.Channels) == 0 && id.ExternalCustomerID == "" {
		return nil, nil
	}
	return &tidings.Contact{Account: account, ExternalCustomerID: id.ExternalCustomerID, Channels: id.Channels}, nil
}

// call answers a webhook of a dry run: by its recorded reply, or by a real
// call when the test is a live one. The request is rendered in both cases.
func (d *dry) call(ctx context.Context, e *Engine, o call.Order) call.Result {
	o.Test = true
	reply, known := d.replies[o.Webhook.Name]
	if !known && d.live {
		return d.record(e.call(ctx, o))
	}
	res := call.Result{Call: tidings.Call{Name: o.Webhook.Name, Webhook: o.Webhook.ID, Test: true}}
	if e.preview != nil {
		if res = e.preview(ctx, o); res.Problem != nil {
			return res // as for real, nothing would be sent
		}
	}
	d.warnings = res.Warnings
	value, err := call.ReplyValue(&reply.Reply)
	switch {
	case !known:
		res.Call.Outcome = tidings.OutcomeTemplate
		res.Call.Error = fmt.Sprintf("nothing was sent: give the test a reply of %q, or let it make real calls", o.Webhook.Name)
	case reply.Failed:
		why := failureOf(&reply)
		res.Call.Outcome, res.Call.Error = why.Outcome, why.Error
		res.Call.Tries = []tidings.Try{{Status: why.Status, Outcome: why.Outcome, Error: why.Error}}
	case err != nil:
		res.Call.Outcome, res.Call.Error = tidings.OutcomeReply, err.Error()
	default:
		r := reply.Reply
		r.Status = 200
		res.Call.Outcome, res.Call.Reply, res.Reply, res.Value = tidings.OutcomeOK, &r, &r, value
	}
	return res
}

// failureOf reads why a recorded call failed.
func failureOf(r *tidings.RunReply) failedReply {
	var why failedReply
	if json.Unmarshal(r.Reply.Body, &why) != nil {
		why = failedReply{Error: string(r.Reply.Body)}
	}
	why.Error = cmp.Or(why.Error, "the call failed")
	why.Outcome = cmp.Or(why.Outcome, tidings.OutcomeOther)
	return why
}

// record keeps what came of a live call.
func (d *dry) record(res call.Result) call.Result {
	d.warnings = res.Warnings
	r := tidings.RunReply{Name: res.Call.Name}
	if res.Call.OK() && res.Call.Reply != nil {
		r.Reply = tidings.Reply{Format: res.Call.Reply.Format, Body: res.Call.Reply.Body} // masked: it is kept, and shown
	} else {
		why := failedReply{Error: res.Call.Error, Outcome: res.Call.Outcome}
		if n := len(res.Call.Tries); n > 0 {
			why.Status = res.Call.Tries[n-1].Status
		}
		r.Failed, r.Reply.Body = true, asJSON(why)
	}
	d.replies[r.Name] = r
	d.recorded = append(d.recorded, r)
	return res
}
