package workflow

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	"tidings"
)

// outcome is what came of a step.
type outcome struct {
	exit    tidings.Exit
	decided any    // for people, as JSON
	trouble string // what went wrong; "" = nothing
	marks   bool   // the run is marked by it

	call    *tidings.Call
	reply   *tidings.RunReply
	mail    *tidings.Mail
	change  *tidings.ContactChange
	addTo   tidings.SegmentID
	takeOff tidings.SegmentID

	until time.Time // the run waits until then; zero = it does not
	later time.Time // the step was not executed: it is to be begun then; zero = it was
}

// failed notes what went wrong, and marks the run.
func (o *outcome) failed(format string, args ...any) {
	o.trouble, o.marks = fmt.Sprintf(format, args...), true
}

// step executes one block. What can go wrong with its data, its call or its
// message is in the outcome. The error is of the surroundings: the store can't
// be read, or ctx has ended.
func (j *journey) step(ctx context.Context, b *block) (outcome, error) {
	if b.wrong != nil && b.Kind != tidings.BlockEnd {
		return j.broken(b), nil
	}
	switch b.Kind {
	case tidings.BlockWebhook:
		return j.webhook(ctx, b)
	case tidings.BlockMessage:
		return j.message(ctx, b)
	case tidings.BlockUpdateContact:
		return j.update(ctx, b)
	case tidings.BlockCondition:
		return j.condition(ctx, b)
	case tidings.BlockTimer:
		return j.timer(b), nil
	case tidings.BlockSplit:
		return j.split(b), nil
	case tidings.BlockAddTo, tidings.BlockRemoveFrom:
		return j.list(b), nil
	}
	return outcome{}, nil
}

// broken is the outcome of a block that can't be executed any more.
func (j *journey) broken(b *block) outcome {
	out := outcome{exit: b.Kind.Exits()[len(b.Kind.Exits())-1]} // no, b, failed, next
	out.failed("can't be executed: %s", errorOf(b.wrong).Message)
	return j.routed(b, out)
}

// routed turns a failed exit that leads nowhere into ok, and marks the run.
func (j *journey) routed(b *block, out outcome) outcome {
	if out.exit == tidings.ExitFailed {
		out.marks = b.Exits[tidings.ExitFailed] == ""
		if out.marks {
			out.exit = tidings.ExitOK
		}
	}
	return out
}

// conditionDecided is what the history shows of a condition.
type conditionDecided struct {
	Saw []sawJSON `json:"saw"`
}

type sawJSON struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"` // null = there was none
}

// Limits of what the history shows.
const (
	maxSaw      = 20
	maxSawBytes = 500
)

func (j *journey) condition(ctx context.Context, b *block) (outcome, error) {
	holds, saw, err := j.sight.ask(ctx, &b.question)
	if ctx.Err() != nil {
		return outcome{}, context.Cause(ctx)
	}
	out := outcome{exit: tidings.ExitNo}
	if holds {
		out.exit = tidings.ExitYes
	}
	if err != nil {
		out.failed("a value could not be found out: %s", err)
	}
	decided := conditionDecided{Saw: []sawJSON{}}
	for _, s := range saw[:min(len(saw), maxSaw)] {
		value := json.RawMessage("null")
		if s.set {
			value = shortJSON(s.value)
		}
		decided.Saw = append(decided.Saw, sawJSON{s.name, value})
	}
	out.decided = decided
	return out, nil
}

// shortJSON gives a value as JSON; of one that is long, the beginning of its text.
func shortJSON(v tidings.FieldValue) json.RawMessage {
	if b := v.AppendJSON(nil); len(b) <= maxSawBytes {
		return b
	}
	return tidings.AppendJSONText(nil, tidings.CutText(v.String(), maxSawBytes)+"…")
}

// timerDecided is what the history shows of a timer.
type timerDecided struct {
	Until   *time.Time `json:"until,omitempty"`
	Skipped bool       `json:"skipped,omitempty"` // in a dry run
}

func (j *journey) timer(b *block) outcome {
	until := timerEnd(b.Timer, j.sight.scope.Now(), j.sight.zone(time.UTC)).UTC()
	if j.dry != nil {
		return outcome{exit: tidings.ExitNext, decided: timerDecided{Until: &until, Skipped: true}}
	}
	return outcome{exit: tidings.ExitNext, until: until, decided: timerDecided{Until: &until}}
}

// splitDecided is what the history shows of a split.
type splitDecided struct {
	Percent int `json:"percent"` // of the runs that take exit a
	Drew    int `json:"drew"`    // 0 to 99; below Percent it is a
}

func (j *journey) split(b *block) outcome {
	drew := draw(j.run.Instance, b.ID)
	out := outcome{exit: tidings.ExitB, decided: splitDecided{b.Percent, drew}}
	if drew < b.Percent {
		out.exit = tidings.ExitA
	}
	if j.dry != nil && j.dry.exits[b.ID] != "" {
		out.exit = j.dry.exits[b.ID]
	}
	return out
}

// draw gives a number from 0 to 99 that is a run's own at a block, whenever it is asked.
func draw(instance string, id tidings.BlockID) int {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%s", instance, id)
	sum := h.Sum64()
	sum ^= sum >> 33 // the high bits are better mixed than the low ones
	sum *= 0xff51afd7ed558ccd
	sum ^= sum >> 33
	return int(sum % 100)
}

// listDecided is what the history shows of a block that puts contacts on a list or takes them off.
type listDecided struct {
	Segment tidings.SegmentID `json:"segmentId"`
	Contact tidings.ContactID `json:"contactId,omitempty"`
}

func (j *journey) list(b *block) outcome {
	out := outcome{exit: tidings.ExitNext, decided: listDecided{b.Segment, j.run.Contact}}
	switch {
	case j.contact() == nil:
		out.failed("there is no contact for the list")
	case b.Kind == tidings.BlockAddTo:
		out.addTo = b.Segment
	default:
		out.takeOff = b.Segment
	}
	return out
}

// asJSON writes what a step has decided; nil = nothing. What HTML takes for its own stays as it is.
func asJSON(decided any) json.RawMessage {
	if decided == nil {
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(decided) != nil {
		return nil // not reached: these are plain structs
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
