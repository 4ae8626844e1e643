package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Broadcasts is what the API asks of a store about broadcasts. A broadcast of
// another account is CodeNotFound. Every act leaves its audit record.
type Broadcasts interface {
	CreateBroadcast(ctx context.Context, b tidings.Broadcast, actor string) (tidings.Broadcast, error)
	Broadcast(ctx context.Context, account tidings.AccountID, id tidings.BroadcastID) (tidings.Broadcast, error)
	// Broadcasts gives at most limit broadcasts before one (0 = from the newest), newest first.
	Broadcasts(ctx context.Context, account tidings.AccountID, before tidings.BroadcastID, limit int) ([]tidings.Broadcast, error)
	// PauseBroadcast, ResumeBroadcast and CancelBroadcast are CodeConflict when the state does not allow them.
	PauseBroadcast(ctx context.Context, account tidings.AccountID, id tidings.BroadcastID, actor string) (tidings.Broadcast, error)
	ResumeBroadcast(ctx context.Context, account tidings.AccountID, id tidings.BroadcastID, actor string) (tidings.Broadcast, error)
	CancelBroadcast(ctx context.Context, account tidings.AccountID, id tidings.BroadcastID, actor string) (tidings.Broadcast, error)
}

type newBroadcastJSON struct {
	Name      optional[string] `json:"name,omitempty" maxLength:"200" doc:"1 to 200 characters."`
	MessageID optional[int]    `json:"messageId,omitempty" doc:"What is sent, as it is when each mail is made."`
	SegmentID optional[int]    `json:"segmentId,omitempty" doc:"To whom."`
	At        optional[string] `json:"at,omitempty" doc:"When it begins, as 2026-01-31T15:04:05Z; absent = at once."`
	PerMinute optional[int]    `json:"perMinute,omitempty" doc:"Mails a minute at most: 1 to 1,000,000; absent = as fast as it goes."`
}

type broadcastJSON struct {
	ID        tidings.BroadcastID    `json:"id"`
	Name      string                 `json:"name"`
	MessageID tidings.MessageID      `json:"messageId"`
	SegmentID tidings.SegmentID      `json:"segmentId"`
	At        time.Time              `json:"at" doc:"When it begins, or began."`
	PerMinute *int                   `json:"perMinute" doc:"null = as fast as it goes."`
	State     tidings.BroadcastState `json:"state" enum:"scheduled,running,paused,done,canceled" doc:"done: all mails are made; what was not sent yet is on its way."`
	Progress  broadcastProgressJSON  `json:"progress"`
	CreatedAt time.Time              `json:"createdAt"`
	UpdatedAt time.Time              `json:"updatedAt"`
	EndedAt   *time.Time             `json:"endedAt" doc:"null until it is done or canceled."`
}

type broadcastProgressJSON struct {
	Total   int64   `json:"total" doc:"Contacts of the segment when it began; 0 before."`
	Queued  int64   `json:"queued" doc:"Mails made."`
	Skipped int64   `json:"skipped" doc:"Contacts without an address, black-listed, unsubscribed, or for whom the message could not be made."`
	Sent    int64   `json:"sent" doc:"Mails that the SMTP server took."`
	Failed  int64   `json:"failed" doc:"Mails refused for good."`
	Waiting int64   `json:"waiting" doc:"Mails made and neither sent nor failed yet."`
	Percent float64 `json:"percent" doc:"Of the contacts: sent, failed or skipped."`
}

type broadcastsJSON struct {
	Broadcasts []broadcastJSON `json:"broadcasts" doc:"Newest first."`
	Next       *int64          `json:"next" doc:"before of the next page; null on the last."`
}

type shownBroadcast struct{ Body broadcastJSON }

type broadcastPath struct {
	ID int64 `path:"id" minimum:"1" doc:"The broadcast's id."`
}

// maxPerMinute is the greatest pace that can be asked for: more is as fast as it goes.
const maxPerMinute = 1_000_000

func (s *Server) registerBroadcasts() {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	at := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"Broadcasts"}, Summary: summary}
	}
	create := at(http.MethodPost, "/v1/broadcasts", "create-broadcast", "Send a message to a segment")
	create.DefaultStatus, create.Errors = http.StatusCreated, []int{400, 408, 413, 415, 422, 503}
	create.Extensions = curl(`curl -X POST $TIDINGS/v1/broadcasts -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"name":"Autumn sale","messageId":1,"segmentId":1,"at":"2026-12-01T09:00:00Z","perMinute":6000}'`)
	operate(s, create, manage, s.createBroadcast)

	list := at(http.MethodGet, "/v1/broadcasts", "list-broadcasts", "List broadcasts, newest first")
	list.Errors, list.Extensions = []int{400, 503}, curl(`curl $TIDINGS/v1/broadcasts -H "Authorization: Bearer $KEY"`)
	operate(s, list, read, s.listBroadcasts)

	show := at(http.MethodGet, "/v1/broadcasts/{id}", "get-broadcast", "Show a broadcast and how far it has come")
	show.Errors, show.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/broadcasts/1 -H "Authorization: Bearer $KEY"`)
	operate(s, show, read, s.getBroadcast)

	for _, act := range []struct {
		name, summary, description string
		do                         func(context.Context, tidings.AccountID, tidings.BroadcastID, string) (tidings.Broadcast, error)
	}{
		{"pause", "Pause a broadcast", "Mails that are made wait, too; a few that are on their way still go. 409 when it has ended.", s.store.PauseBroadcast},
		{"resume", "Go on with a paused broadcast", "It goes on where it was. 409 when it is not paused.", s.store.ResumeBroadcast},
		{"cancel", "End a broadcast", "Mails that wait are dropped; what was sent is sent. 409 when it has ended.", s.store.CancelBroadcast},
	} {
		op := at(http.MethodPost, "/v1/broadcasts/{id}/"+act.name, act.name+"-broadcast", act.summary)
		op.Description, op.Errors = act.description, []int{400, 404, 409, 503}
		op.Extensions = curl(`curl -X POST $TIDINGS/v1/broadcasts/1/` + act.name + ` -H "Authorization: Bearer $KEY"`)
		operate(s, op, manage, func(ctx context.Context, c caller, in *broadcastPath) (*shownBroadcast, error) {
			b, err := act.do(ctx, c.account(), tidings.BroadcastID(in.ID), c.actor())
			if err != nil {
				return nil, err
			}
			s.cfg.BroadcastDue()
			return &shownBroadcast{broadcastView(&b)}, nil
		})
	}
}

func broadcastView(b *tidings.Broadcast) broadcastJSON {
	v := broadcastJSON{
		ID: b.ID, Name: b.Name, MessageID: b.Message, SegmentID: b.Segment, At: b.At.UTC(), State: b.State,
		CreatedAt: b.CreatedAt.UTC(), UpdatedAt: b.UpdatedAt.UTC(), EndedAt: instant(b.EndedAt),
		Progress: broadcastProgressJSON{Total: b.Total, Queued: b.Queued, Skipped: b.Skipped, Sent: b.Sent, Failed: b.Failed, Waiting: b.Queued - b.Sent - b.Failed},
	}
	if b.State == tidings.BroadcastCanceled {
		v.Progress.Waiting = 0
	}
	if b.PerMinute != 0 {
		v.PerMinute = &b.PerMinute
	}
	if b.Total > 0 {
		v.Progress.Percent = min(100, 100*float64(b.Sent+b.Failed+b.Skipped)/float64(b.Total))
	}
	return v
}

func (s *Server) createBroadcast(ctx context.Context, c caller, in *struct{ JSON body[newBroadcastJSON] }) (*shownBroadcast, error) {
	b, err := s.newBroadcast(ctx, c.account(), &in.JSON.value)
	if err != nil {
		return nil, err
	}
	if b, err = s.store.CreateBroadcast(ctx, b, c.actor()); err != nil {
		return nil, err
	}
	s.cfg.BroadcastDue()
	return &shownBroadcast{broadcastView(&b)}, nil
}

// newBroadcast reads and checks what is asked.
func (s *Server) newBroadcast(ctx context.Context, account tidings.AccountID, in *newBroadcastJSON) (tidings.Broadcast, error) {
	d := &decoder{}
	b := tidings.Broadcast{
		Account: account, Name: in.Name.value, Message: tidings.MessageID(in.MessageID.value), Segment: tidings.SegmentID(in.SegmentID.value),
		At: d.instant(in.At, "at"), PerMinute: in.PerMinute.value, State: tidings.BroadcastScheduled,
	}
	if b.At.IsZero() {
		b.At = s.cfg.Now().UTC().Truncate(time.Millisecond)
	}
	if reason := tidings.CheckName(b.Name); reason != "" {
		d.fault("name", "%s", reason)
	}
	if in.PerMinute.given() && (b.PerMinute < 1 || b.PerMinute > maxPerMinute) {
		d.fault("perMinute", "must be from 1 to %d", maxPerMinute)
	}
	if !in.MessageID.given() {
		d.fault("messageId", "is required")
	} else {
		m, err := s.store.Message(ctx, account, b.Message)
		if err == nil && !m.DeletedAt.IsZero() {
			err = tidings.Errorf(tidings.CodeNotFound, "message %d is deleted", m.ID)
		}
		if err := d.missing(err, "messageId", "there is no message %d", b.Message); err != nil {
			return b, err
		}
	}
	if !in.SegmentID.given() {
		d.fault("segmentId", "is required")
	} else {
		_, err := s.store.Segment(ctx, account, b.Segment)
		if err := d.missing(err, "segmentId", "there is no segment %d", b.Segment); err != nil {
			return b, err
		}
	}
	if len(d.faults) > 0 {
		return b, &tidings.Error{Code: tidings.CodeInvalid, Message: "the broadcast breaks the rules: nothing was made", Fields: d.faults}
	}
	return b, nil
}

func (s *Server) listBroadcasts(ctx context.Context, c caller, in *struct {
	Before int64 `query:"before" minimum:"0" doc:"next of the page before."`
	Limit  int   `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"The most broadcasts of a page."`
},
) (*struct{ Body broadcastsJSON }, error) {
	list, err := s.store.Broadcasts(ctx, c.account(), tidings.BroadcastID(in.Before), in.Limit)
	if err != nil {
		return nil, err
	}
	var out broadcastsJSON
	out.Broadcasts, out.Next = pageOf(list, in.Limit, broadcastView, func(last *tidings.Broadcast) int64 { return int64(last.ID) })
	return &struct{ Body broadcastsJSON }{out}, nil
}

func (s *Server) getBroadcast(ctx context.Context, c caller, in *broadcastPath) (*shownBroadcast, error) {
	b, err := s.store.Broadcast(ctx, c.account(), tidings.BroadcastID(in.ID))
	if err != nil {
		return nil, err
	}
	return &shownBroadcast{broadcastView(&b)}, nil
}

// broadcastUsers finds the broadcasts that are not over of which a choice is true.
func (s *Server) broadcastUsers(ctx context.Context, account tidings.AccountID, uses func(*tidings.Broadcast) bool) ([]tidings.Use, error) {
	var users []tidings.Use
	err := s.eachOpenBroadcast(ctx, account, func(b *tidings.Broadcast) {
		if uses(b) {
			users = append(users, tidings.Use{Kind: tidings.UseBroadcast, ID: int64(b.ID), Name: b.Name})
		}
	})
	return users, err
}

// eachOpenBroadcast goes over the broadcasts of an account that are not over.
func (s *Server) eachOpenBroadcast(ctx context.Context, account tidings.AccountID, each func(*tidings.Broadcast)) error {
	const page = 100
	for before := tidings.BroadcastID(0); ; {
		list, err := s.store.Broadcasts(ctx, account, before, page)
		if err != nil {
			return fmt.Errorf("broadcasts that use it: %w", err)
		}
		for i := range list {
			if list[i].State != tidings.BroadcastDone && list[i].State != tidings.BroadcastCanceled {
				each(&list[i])
			}
		}
		if len(list) < page {
			return nil
		}
		before = list[len(list)-1].ID
	}
}
