package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/feed"
)

// The acts of operators. Each is one transaction of the store, which writes the
// audit record with it; then the dispatcher is told.

// Limits of what an operator can say and ask.
const (
	maxReason     = 500
	defaultExpire = 24 * time.Hour
	maxExpire     = 30 * 24 * time.Hour
)

type activateJSON struct {
	Force optional[bool]   `json:"force,omitempty" doc:"Activate although the probe fails."`
	From  optional[string] `json:"from,omitempty" enum:"cursor,now" doc:"cursor (default): go on where it stopped. now: leave the backlog out."`
}

type seekJSON struct {
	Seq    optional[int]    `json:"seq,omitempty" minimum:"1" doc:"The first activity to deliver next."`
	Time   optional[string] `json:"time,omitempty" format:"date-time" doc:"Deliver next the first activity that arrived at this time or later."`
	To     optional[string] `json:"to,omitempty" enum:"now,beginning" doc:"now: leave the backlog out. beginning: all that is kept."`
	DryRun optional[bool]   `json:"dryRun,omitempty" doc:"Only say what it would do."`
}

type soughtJSON struct {
	DryRun       bool          `json:"dryRun"`
	CursorBefore tidings.Seq   `json:"cursorBefore"`
	Cursor       tidings.Seq   `json:"cursor" doc:"The next activity delivered is the one after it."`
	Again        int64         `json:"again" doc:"Activities of the feed that are gone through a second time, those included that the filter will leave out."`
	LeftOut      int64         `json:"leftOut" doc:"Activities of the feed that are never delivered, those included that the filter would have left out."`
	Endpoint     *endpointJSON `json:"endpoint,omitempty" doc:"As it stands after; absent on a dry run."`
}

type skipJSON struct {
	Reason  optional[string] `json:"reason,omitempty" maxLength:"500" doc:"Why; it goes into the audit."`
	BatchID optional[string] `json:"batchId,omitempty" doc:"The batch that is meant; 409 when another one waits by now."`
}

type rotateJSON struct {
	ExpireAfterS optional[int]    `json:"expireAfterS,omitempty" doc:"Seconds for which the secret before signs too: 0 to 2,592,000; default 86,400."`
	Secret       optional[string] `json:"secret,omitempty" doc:"A secret of your own: whsec_ and the base64 of 24 to 64 bytes."`
}

// actDoc describes an act in the document.
type actDoc struct{ name, summary, description, example string }

func (s *Server) registerActs() {
	registerAct(s, actDoc{"probe", "Test the URL with a GET", "Nothing changes. The answer's probe says what came back.", ""}, withoutBody(s.probeEndpoint))
	registerAct(s, actDoc{
		"activate", "Deliver again",
		"The URL is probed first; 409 when the probe fails, unless force is true. A waiting batch is tried at once.", `{"force":true}`,
	}, s.activate)
	registerAct(s, actDoc{"deactivate", "Stop delivering; the backlog is kept", "An attempt in flight is finished as it began.", ""}, withoutBody(s.deactivate))
	registerAct(s, actDoc{
		"retry", "Try the waiting batch now",
		"The schedule stays: another failure waits as long as it would have. 409 when deactivated, or when nothing waits.", "",
	}, withoutBody(s.retry))
	registerAct(s, actDoc{
		"seek", "Move the cursor",
		"To a seq, to a time, to now or to the beginning; exactly one of them. What is sent again has new batch ids. An attempt in flight is cut off.", `{"time":"2026-01-31T15:00:00Z","dryRun":true}`,
	}, s.seek)
	registerAct(s, actDoc{
		"skip", "Leave the waiting batch out",
		"For a batch that its receiver will never take. The reason goes into the audit.", `{"reason":"the receiver refuses a contact that it has deleted"}`,
	}, s.skip)
	registerAct(s, actDoc{
		"rotate-secret", "Make a new signing secret",
		"The new secret is in this answer and nowhere else. The one before signs too until it expires, so that the receiver can change over.", `{"expireAfterS":3600}`,
	}, s.rotateSecret)
}

// registerAct registers POST /v1/endpoints/{id}/name.
func registerAct[I, O any](s *Server, doc actDoc, h func(context.Context, caller, *I) (*O, error)) {
	line := `curl -X POST $TIDINGS/v1/endpoints/1/` + doc.name + ` -H "Authorization: Bearer $KEY"`
	if doc.example != "" {
		line += ` -H "Content-Type: application/json" -d '` + doc.example + `'`
	}
	operate(s, huma.Operation{
		OperationID: doc.name + "-endpoint", Method: http.MethodPost, Path: "/v1/endpoints/{id}/" + doc.name, Tags: []string{"Endpoints"},
		Summary: doc.summary, Description: doc.description, Errors: []int{400, 404, 408, 409, 413, 415, 422, 503}, Extensions: curl(line),
	}, access{scope: tidings.ScopeManage}, h)
}

// noOptions is the body of an act that has none: absent or {}.
type noOptions struct{}

func withoutBody(h func(context.Context, caller, tidings.EndpointID) (*shownEndpoint, error)) func(context.Context, caller, *onEndpoint[noOptions]) (*shownEndpoint, error) {
	return func(ctx context.Context, c caller, in *onEndpoint[noOptions]) (*shownEndpoint, error) {
		return h(ctx, c, tidings.EndpointID(in.ID))
	}
}

// act commits an act, tells the dispatcher and gives the endpoint as it stands then.
func (s *Server) act(ctx context.Context, act tidings.Act) (*shownEndpoint, error) {
	pos, err := s.store.Act(ctx, act)
	if err != nil {
		return nil, err
	}
	s.reload(ctx, act.Endpoint)
	ep, _, err := s.store.Endpoint(ctx, act.Account, act.Endpoint)
	if err != nil {
		return nil, err
	}
	v, err := s.view(ctx, &ep, pos)
	return &shownEndpoint{v}, err
}

// movedTo gives the position with its cursor elsewhere: nothing that was known
// of the waiting batch holds any more, and what is sent again gets new ids.
func movedTo(p tidings.Position, cursor tidings.Seq) tidings.Position {
	return tidings.Position{Endpoint: p.Endpoint, Fence: p.Fence, Epoch: p.Epoch + 1, Cursor: cursor, Scanned: cursor}
}

func (s *Server) probeEndpoint(ctx context.Context, c caller, id tidings.EndpointID) (*shownEndpoint, error) {
	ep, pos, err := s.store.Endpoint(ctx, c.account(), id)
	if err != nil {
		return nil, err
	}
	probe := probeView(s.cfg.Probe(ctx, &ep))
	v, err := s.view(ctx, &ep, pos)
	if err != nil {
		return nil, err
	}
	v.Probe = probe
	return &shownEndpoint{v}, nil
}

func (s *Server) activate(ctx context.Context, c caller, in *onEndpoint[activateJSON]) (*shownEndpoint, error) {
	asked := &in.JSON.value
	if from := asked.From; from.given() && from.value != "cursor" && from.value != "now" {
		return nil, invalidField("from", "must be cursor or now")
	}
	ep, _, err := s.store.Endpoint(ctx, c.account(), tidings.EndpointID(in.ID))
	if err != nil {
		return nil, err
	}
	result := s.cfg.Probe(ctx, &ep)
	if !result.OK && !asked.Force.value {
		return nil, probeFailed(result)
	}
	act := tidings.Act{
		Account: ep.Account, Endpoint: ep.ID, Actor: c.actor(), Action: "endpoint.activate", State: tidings.StateActive,
		Detail: "after a passed probe",
	}
	if !result.OK {
		act.Detail = "although the probe failed"
	}
	if asked.From.value == "now" {
		head, err := s.store.Head(ctx, ep.Account)
		if err != nil {
			return nil, err
		}
		act.Detail += fmt.Sprintf(", from seq %d on", head+1)
		act.Move = func(p tidings.Position) (tidings.Position, error) { return movedTo(p, max(head, p.Cursor)), nil }
	}
	out, err := s.act(ctx, act)
	if err != nil {
		return nil, err
	}
	out.Body.Probe = probeView(result)
	return out, s.tryNow(ep.ID)
}

// tryNow has a waiting batch tried at once; that nothing waits is as good.
func (s *Server) tryNow(id tidings.EndpointID) error {
	if err := s.cfg.Dispatcher.TryNow(id); err != nil && tidings.CodeOf(err) != tidings.CodeConflict {
		return err
	}
	return nil
}

func probeFailed(result feed.ProbeResult) error {
	message := "the probe failed: " + result.Error
	if result.Advice != "" {
		message += "; " + result.Advice
	}
	return tidings.Errorf(tidings.CodeConflict, "%s. With force: true it is activated all the same", message)
}

func (s *Server) deactivate(ctx context.Context, c caller, id tidings.EndpointID) (*shownEndpoint, error) {
	return s.act(ctx, tidings.Act{Account: c.account(), Endpoint: id, Actor: c.actor(), Action: "endpoint.deactivate", State: tidings.StateDeactivated})
}

func (s *Server) retry(ctx context.Context, c caller, id tidings.EndpointID) (*shownEndpoint, error) {
	ep, _, err := s.store.Endpoint(ctx, c.account(), id)
	if err != nil {
		return nil, err
	}
	if ep.State != tidings.StateActive {
		return nil, tidings.Errorf(tidings.CodeConflict, "endpoint %d is deactivated: activate it first", id)
	}
	batch, _, err := s.cfg.Dispatcher.HeadBatch(ctx, id)
	if err != nil {
		return nil, err
	}
	out, err := s.act(ctx, tidings.Act{Account: ep.Account, Endpoint: id, Actor: c.actor(), Action: "endpoint.retry", Detail: "batch " + string(batch.ID)})
	if err != nil {
		return nil, err
	}
	return out, s.tryNow(id)
}

func (s *Server) seek(ctx context.Context, c caller, in *onEndpoint[seekJSON]) (*struct{ Body soughtJSON }, error) {
	ep, pos, err := s.store.Endpoint(ctx, c.account(), tidings.EndpointID(in.ID))
	if err != nil {
		return nil, err
	}
	if lane, ok := s.cfg.Dispatcher.Lane(ep.ID); ok && lane.Position.Fence >= pos.Fence {
		pos = lane.Position
	}
	cursor, err := s.target(ctx, ep.Account, &in.JSON.value)
	if err != nil {
		return nil, err
	}
	out := soughtJSON{DryRun: in.JSON.value.DryRun.value, CursorBefore: pos.Cursor, Cursor: cursor}
	out.measure()
	if out.DryRun {
		return &struct{ Body soughtJSON }{out}, nil
	}
	shown, err := s.act(ctx, tidings.Act{
		Account: ep.Account, Endpoint: ep.ID, Actor: c.actor(), Action: "endpoint.seek",
		Detail: fmt.Sprintf("cursor from %d to %d", pos.Cursor, cursor),
		Move: func(p tidings.Position) (tidings.Position, error) {
			out.CursorBefore = p.Cursor
			return movedTo(p, cursor), nil
		},
	})
	if err != nil {
		return nil, err
	}
	out.measure()
	out.Endpoint = shown.Body
	return &struct{ Body soughtJSON }{out}, nil
}

func (o *soughtJSON) measure() {
	o.Again = max(0, int64(o.CursorBefore-o.Cursor))
	o.LeftOut = max(0, int64(o.Cursor-o.CursorBefore))
}

// target gives the cursor that a seek asks for.
func (s *Server) target(ctx context.Context, account tidings.AccountID, asked *seekJSON) (tidings.Seq, error) {
	d := &decoder{}
	seq, at := d.seq(asked.Seq, "seq"), d.instant(asked.Time, "time")
	n := 0
	for _, given := range []bool{asked.Seq.given(), asked.Time.given(), asked.To.given()} {
		if given {
			n++
		}
	}
	if n != 1 {
		d.fault("", "needs exactly one of seq, time and to")
	}
	if to := asked.To.value; asked.To.given() && to != "now" && to != "beginning" {
		d.fault("to", "must be now or beginning")
	}
	head, err := s.store.Head(ctx, account)
	if err != nil {
		return 0, err
	}
	if seq > head+1 {
		d.fault("seq", "must be at most %d: the feed ends at %d", head+1, head)
	}
	switch {
	case len(d.faults) > 0:
		return 0, &tidings.Error{Code: tidings.CodeInvalid, Message: "the request breaks the rules: nothing was moved", Fields: d.faults}
	case asked.Seq.given():
		return seq - 1, nil
	case asked.Time.given():
		return s.store.SeqAt(ctx, account, at)
	case asked.To.value == "now":
		return head, nil
	}
	return 0, nil
}

func (s *Server) skip(ctx context.Context, c caller, in *onEndpoint[skipJSON]) (*shownEndpoint, error) {
	asked := &in.JSON.value
	reason := asked.Reason.value
	switch {
	case reason == "":
		return nil, invalidField("reason", "is required: it goes into the audit")
	case len(reason) > maxReason || hasControl(reason):
		return nil, invalidField("reason", fmt.Sprintf("must have at most %d bytes and no control characters", maxReason))
	}
	ep, _, err := s.store.Endpoint(ctx, c.account(), tidings.EndpointID(in.ID))
	if err != nil {
		return nil, err
	}
	batch, at, err := s.cfg.Dispatcher.HeadBatch(ctx, ep.ID)
	if err != nil {
		return nil, err
	}
	if want := asked.BatchID; want.given() && want.value != string(batch.ID) {
		return nil, tidings.Errorf(tidings.CodeConflict, "batch %s waits, not the one that is meant: nothing was skipped", batch.ID)
	}
	return s.act(ctx, tidings.Act{
		Account: ep.Account, Endpoint: ep.ID, Actor: c.actor(), Action: "endpoint.skip",
		Detail: fmt.Sprintf("batch %s, seq %d to %d, %d activities: %s", batch.ID, batch.First, batch.Last, batch.Activities, reason),
		Move: func(p tidings.Position) (tidings.Position, error) {
			// The stored cursor may trail the lane's by a few deliveries, never lead it.
			if p.Epoch != at.Epoch || p.Cursor > at.Cursor {
				return p, tidings.Errorf(tidings.CodeConflict, "batch %s was delivered or moved meanwhile: nothing was skipped", batch.ID)
			}
			return movedTo(p, batch.Last), nil
		},
	})
}

func (s *Server) rotateSecret(ctx context.Context, c caller, in *onEndpoint[rotateJSON]) (*shownEndpoint, error) {
	asked := &in.JSON.value
	d := &decoder{}
	expire := d.bounded("expireAfterS", asked.ExpireAfterS, int(defaultExpire/time.Second), limits{defaultExpire / time.Second, 0, maxExpire / time.Second})
	secret := feed.NewSecret()
	if asked.Secret.given() {
		secret = asked.Secret.value
		if reason := feed.CheckSecret(secret); reason != "" {
			d.fault("secret", "%s", reason)
		}
	}
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the request breaks the rules: nothing was changed", Fields: d.faults}
	}
	ep, _, err := s.store.Endpoint(ctx, c.account(), tidings.EndpointID(in.ID))
	if err != nil {
		return nil, err
	}
	secrets := []tidings.Secret{{Value: secret}}
	if len(ep.Secrets) > 0 && expire > 0 {
		secrets = append(secrets, tidings.Secret{Value: ep.Secrets[0].Value, ExpiresAt: s.cfg.Now().Add(time.Duration(expire) * time.Second)})
	}
	ep.Secrets = secrets
	if _, err := s.store.UpdateEndpoint(ctx, ep, c.actor(), fmt.Sprintf("rotated the secret; the one before expires after %d s", expire)); err != nil {
		return nil, err
	}
	s.reload(ctx, ep.ID)
	return s.show(ctx, ep.Account, ep.ID, func(v *endpointJSON) { v.Secret = secret })
}
