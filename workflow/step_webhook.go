package workflow

import (
	"context"
	"errors"
	"fmt"

	"tidings"
	"tidings/call"
)

// webhookDecided is what the history shows of a call besides its record.
type webhookDecided struct {
	Webhook tidings.WebhookID `json:"webhookId"`
	Name    string            `json:"name,omitempty"`
	Contact tidings.ContactID `json:"contactId,omitempty"` // whose data it had
	Whose   string            `json:"whose,omitempty"`     // how that contact was found
	Outcome tidings.Outcome   `json:"outcome,omitempty"`
	Status  int               `json:"status,omitempty"`
}

// failedReply is what $data.<name> is after a call that failed.
type failedReply struct {
	Error   string          `json:"error"`
	Outcome tidings.Outcome `json:"outcome"`
	Status  int             `json:"status"` // of the answer; 0 = there was none
}

// webhook calls a webhook, with leave.
func (j *journey) webhook(ctx context.Context, b *block) (outcome, error) {
	decided := webhookDecided{Webhook: b.Webhook.Webhook}
	w, auth, err := j.callee(ctx, b.Webhook.Webhook)
	if err != nil {
		if errors.Is(err, errNotThere) {
			return j.notCalled(b, decided, w, err.Error()), nil
		}
		return outcome{}, err
	}
	decided.Name = w.Name
	if j.turn != nil {
		done, due := j.turn(w.ID)
		if done == nil {
			return outcome{later: due}, nil
		}
		defer done()
	}
	who, err := j.person(ctx, b, false)
	if err != nil {
		return outcome{}, err
	}
	decided.Whose = who.how
	if who.sight.scope.Contact != nil {
		decided.Contact = who.sight.scope.Contact.ID
	}
	s := &who.sight.scope
	res := j.do(ctx, call.Order{
		Webhook: w, Auth: auth, Contact: s.Contact, Event: s.Event, Replies: s.Replies, Instance: s.Instance, Now: s.Now,
		Key: CallKey(j.run.Instance, b.ID),
	})
	if res.Call.Outcome == tidings.OutcomeCanceled && ctx.Err() != nil {
		return outcome{}, context.Cause(ctx)
	}
	return j.called(b, decided, &res), nil
}

// do makes a call, or in a dry run takes its recorded reply.
func (j *journey) do(ctx context.Context, o call.Order) call.Result {
	if j.dry != nil {
		return j.dry.call(ctx, j.e, o)
	}
	return j.e.call(ctx, o)
}

// errNotThere is the root of errors about things that a block names and the account does not have.
var errNotThere = errors.New("is not there")

// callee reads a webhook and its credentials.
func (j *journey) callee(ctx context.Context, id tidings.WebhookID) (*tidings.Webhook, *tidings.Auth, error) {
	w, err := j.e.webhooks.get(ctx, thing{account: j.run.Account, id: int64(id)})
	switch {
	case tidings.CodeOf(err) == tidings.CodeNotFound:
		return nil, nil, fmt.Errorf("webhook %d %w", id, errNotThere)
	case err != nil:
		return nil, nil, err
	case !w.DeletedAt.IsZero():
		return w, nil, fmt.Errorf("webhook %q %w any more: it was deleted; restore it, or choose another", w.Name, errNotThere)
	case w.Connector == 0:
		return w, nil, nil
	}
	auth, err := j.e.connectors.get(ctx, thing{account: j.run.Account, id: int64(w.Connector)})
	if tidings.CodeOf(err) == tidings.CodeNotFound {
		return w, nil, fmt.Errorf("the connector of webhook %q %w", w.Name, errNotThere)
	}
	return w, auth, err
}

// notCalled is the outcome of a call that there is nothing for.
func (j *journey) notCalled(b *block, decided webhookDecided, w *tidings.Webhook, why string) outcome {
	res := call.Result{Call: tidings.Call{Outcome: tidings.OutcomeTemplate, Error: "nothing was sent: " + why}}
	if w != nil {
		res.Call.Name, decided.Name = w.Name, w.Name
	}
	out := j.called(b, decided, &res)
	out.call = nil // nothing was made that a record could be of
	return out
}

// called turns the result of a call into the outcome of its block.
func (j *journey) called(b *block, decided webhookDecided, res *call.Result) outcome {
	c := &res.Call
	decided.Outcome = c.Outcome
	if n := len(c.Tries); n > 0 {
		decided.Status = c.Tries[n-1].Status
	}
	out := outcome{exit: tidings.ExitOK, decided: decided, call: c}
	reply := tidings.RunReply{Name: c.Name}
	value := res.Value
	switch {
	case c.OK() && res.Reply != nil:
		reply.Reply = tidings.Reply{Format: res.Reply.Format, Body: res.Reply.Body}
	default:
		out.exit, out.trouble = tidings.ExitFailed, c.Error
		reply.Failed = true
		reply.Reply = tidings.Reply{Format: tidings.ReplyJSON, Body: asJSON(failedReply{c.Error, c.Outcome, decided.Status})}
		value = replyValue(&reply)
	}
	if reply.Name != "" {
		out.reply = &reply
		j.sight.know(reply.Name, value)
	}
	return j.routed(b, out)
}
