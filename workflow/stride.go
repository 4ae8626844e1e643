package workflow

import (
	"context"
	"fmt"
	"time"

	"tidings"
	"tidings/scope"
)

// journey is a run in the hands of this process.
type journey struct {
	e       *Engine
	run     tidings.Run
	program *program
	sight   sight
	dry     *dry // nil = it is for real
	// turn asks for leave to call a webhook; nil = always given.
	turn func(tidings.WebhookID) (done func(), due time.Time)
}

// take reads what a run needs to go on: its version, its event and its contact
// as they are now. An event or contact that is gone is none: what needs it says so.
func (e *Engine) take(ctx context.Context, run tidings.Run) (*journey, error) {
	p, err := e.programs.get(ctx, thing{run.Account, int64(run.Workflow), run.Version})
	if err != nil {
		return nil, err
	}
	j := &journey{e: e, run: run, program: p, sight: sight{tools: e.tools}}
	j.sight.scope.Instance, j.sight.scope.Now = run.Instance, e.now
	if run.Event != 0 {
		event, err := e.store.Event(ctx, run.Account, run.Event)
		switch tidings.CodeOf(err) {
		case "":
			j.sight.scope.Event = &event
		case tidings.CodeNotFound:
		default:
			return nil, err
		}
	}
	if run.Contact != 0 {
		contact, err := e.store.Contact(ctx, run.Account, run.Contact)
		switch tidings.CodeOf(err) {
		case "":
			j.sight.scope.Contact = &contact
		case tidings.CodeNotFound:
		default:
			return nil, err
		}
	}
	for i := range run.Replies {
		r := &run.Replies[i]
		j.sight.scope.Replies = append(j.sight.scope.Replies, scope.NamedReply{Name: r.Name, Value: replyValue(r)})
	}
	return j, nil
}

// contact is the run's contact; nil = nobody, or one that is gone.
func (j *journey) contact() *tidings.Contact { return j.sight.scope.Contact }

// stride executes steps up to the next thing that must be stored first, and
// gives what is to be stored. A call, the steps that only think and one mail or
// change come in one stride, in this order: see fits. After an error nothing is to be stored: the
// stride is to be made again. A run that is Going in the end waits until Due, or, when that is not
// after now, goes on at once.
func (j *journey) stride(ctx context.Context) (tidings.Advance, error) {
	a := tidings.Advance{Run: j.run.ID, Fence: j.run.Fence, State: tidings.RunGoing, Block: j.run.Block, Due: j.e.now(), Contact: j.run.Contact, First: j.run.Steps + 1}
	for a.State == tidings.RunGoing {
		b := j.program.blocks[a.Block]
		if b == nil || !b.complete() {
			a.State, a.Error = tidings.RunFailed, fmt.Sprintf("version %d of the workflow has no block %q that can be executed", j.run.Version, a.Block)
			break
		}
		if !fits(&a, b.Kind) {
			break
		}
		if j.run.Steps+len(a.Steps) >= tidings.MaxBlocks {
			a.State, a.Error = tidings.RunFailed, "the run goes round in a loop: it has gone through more blocks than a workflow may have"
			break
		}
		started := j.e.now()
		out, err := j.step(ctx, b)
		switch {
		case err != nil && len(a.Steps) == 0:
			return a, err
		case err != nil: // what was done so far is kept; the next stride meets the error
			return a, nil
		case !out.later.IsZero():
			a.Due, a.NotTried = out.later, true
			return a, nil
		}
		j.add(&a, b, out, started)
		if a.State == tidings.RunGoing && out.until.After(j.e.now()) {
			a.Due = out.until
			return a, nil
		}
	}
	return a, nil
}

// fits says whether a block of a kind may come into a stride. A call is made
// only when nothing waits to be stored. There is one mail or change. What comes after a
// change of the contact would not see it.
func fits(a *tidings.Advance, kind tidings.BlockKind) bool {
	effect := a.Mail != nil || a.Change != nil || a.AddTo != 0 || a.TakeOff != 0
	switch kind {
	case tidings.BlockWebhook:
		return !effect && a.Call == nil
	case tidings.BlockMessage, tidings.BlockUpdateContact, tidings.BlockAddTo, tidings.BlockRemoveFrom:
		return !effect
	case tidings.BlockEnd:
		return true
	}
	return a.Change == nil
}

// add notes a step and what came of it.
func (j *journey) add(a *tidings.Advance, b *block, out outcome, started time.Time) {
	a.Steps = append(a.Steps, tidings.Step{
		Run: j.run.ID, Block: b.ID, Kind: b.Kind, At: started, Duration: j.e.now().Sub(started),
		Exit: out.exit, Decided: asJSON(out.decided), Error: out.trouble,
	})
	a.Marked = a.Marked || out.marks
	if out.call != nil {
		a.Call = out.call
	}
	if out.reply != nil {
		a.Reply = out.reply
	}
	if out.mail != nil {
		a.Mail = out.mail
	}
	if out.change != nil {
		a.Change = out.change
	}
	a.AddTo += out.addTo // at most one stride has one
	a.TakeOff += out.takeOff
	if b.Kind == tidings.BlockEnd {
		a.State, a.Block = tidings.RunEnded, ""
		return
	}
	next := b.Exits[out.exit]
	if next == "" {
		a.State, a.Error = tidings.RunFailed, fmt.Sprintf("the exit %s of block %q leads nowhere", out.exit, b.ID)
	}
	a.Block = next
}

// went takes over what was stored, for the next stride.
func (j *journey) went(a *tidings.Advance, contact *tidings.Contact) {
	j.run.Block, j.run.Due, j.run.Tries = a.Block, a.Due, 0
	j.run.Steps += len(a.Steps)
	if contact != nil && j.contact() != nil && contact.ID == j.contact().ID {
		j.sight.renew(contact, j.sight.scope.Replies)
	}
}
