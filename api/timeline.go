package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

type timelineJSON struct {
	Entries []timelineEntryJSON `json:"entries" doc:"Newest first. A page may be short, even empty, and have a next."`
	Next    *string             `json:"next" doc:"before of the next page; null on the last."`
}

type timelineEntryJSON struct {
	Kind     string            `json:"kind" enum:"event,activity,call,run,mail"`
	At       time.Time         `json:"at"`
	Event    *eventJSON        `json:"event,omitempty" doc:"With kind event."`
	Seq      tidings.Seq       `json:"seq,omitempty" doc:"With kind activity: its place in the feed."`
	Activity json.RawMessage   `json:"activity,omitempty" doc:"With kind activity: what became of a message, as it stands in the feed."`
	Call     *timelineCallJSON `json:"call,omitempty" doc:"With kind call."`
	Run      *runJSON          `json:"run,omitempty" doc:"With kind run: as it stands, at the time of its start."`
	Mail     *mailJSON         `json:"mail,omitempty" doc:"With kind mail: as it stands, at the time of its making."`
}

type timelineCallJSON struct {
	ID         tidings.CallID     `json:"id" doc:"See GET /v1/calls/{id}."`
	WebhookID  *tidings.WebhookID `json:"webhookId"`
	Webhook    string             `json:"webhook" doc:"The webhook's name, when it was called."`
	Test       bool               `json:"test"`
	Outcome    tidings.Outcome    `json:"outcome"`
	Error      string             `json:"error"`
	DurationMs int64              `json:"durationMs"`
}

func (s *Server) registerTimeline() {
	operate(s, huma.Operation{
		OperationID: "contact-timeline", Method: http.MethodGet, Path: "/v1/contacts/{id}/timeline", Tags: []string{"Contacts"},
		Summary:     "What happened to a contact, newest first",
		Description: "Its events, the runs of workflows for it, its mails, the activities of its messages, and the calls of webhooks with its data.",
		Errors:      []int{400, 404, 503}, Extensions: curl(`curl $TIDINGS/v1/contacts/1/timeline -H "Authorization: Bearer $KEY"`),
	}, access{scope: tidings.ScopeRead}, s.timeline)
}

func (s *Server) timeline(ctx context.Context, c caller, in *struct {
	ID     int64  `path:"id" minimum:"1" doc:"The contact's id."`
	Before string `query:"before" maxLength:"100" doc:"next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"The most entries of a page."`
},
) (*struct{ Body timelineJSON }, error) {
	from, err := readCursor(in.Before)
	if err != nil {
		return nil, err
	}
	page, err := s.store.Timeline(ctx, c.account(), tidings.ContactID(in.ID), from, in.Limit)
	if err != nil {
		return nil, err
	}
	out := timelineJSON{Entries: make([]timelineEntryJSON, len(page.Entries))}
	for i := range page.Entries {
		out.Entries[i] = timelineEntry(&page.Entries[i])
	}
	if page.Next != nil {
		out.Next = ptr(writeCursor(*page.Next))
	}
	return &struct{ Body timelineJSON }{out}, nil
}

func timelineEntry(e *tidings.TimelineEntry) timelineEntryJSON {
	v := timelineEntryJSON{At: e.At.UTC()}
	switch {
	case e.Event != nil:
		v.Kind, v.Event = "event", eventView(e.Event)
	case e.Activity != nil:
		v.Kind, v.Seq, v.Activity = "activity", e.Activity.Seq, e.Activity.Wire
	case e.Run != nil:
		v.Kind, v.Run = "run", ptr(runView(e.Run))
	case e.Mail != nil:
		v.Kind, v.Mail = "mail", ptr(mailView(e.Mail))
	case e.Call != nil:
		v.Kind = "call"
		v.Call = &timelineCallJSON{
			ID: e.Call.ID, Webhook: e.Call.Name, Test: e.Call.Test, Outcome: e.Call.Outcome, Error: e.Call.Error, DurationMs: e.Call.Duration.Milliseconds(),
		}
		if e.Call.Webhook != 0 {
			v.Call.WebhookID = &e.Call.Webhook
		}
	}
	return v
}

// cursorForm is a timeline's cursor as clients carry it.
const cursorForm = "%d-%d-%d-%d-%d-%d"

func writeCursor(c tidings.TimelineCursor) string {
	at := int64(0)
	if c.Call.ID != 0 {
		at = c.Call.At.UnixMilli()
	}
	return fmt.Sprintf(cursorForm, c.Event, c.Activity, c.Call.ID, at, c.Run, c.Mail)
}

func readCursor(text string) (tidings.TimelineCursor, error) {
	var c tidings.TimelineCursor
	if text == "" {
		return c, nil
	}
	var at int64
	if _, err := fmt.Sscanf(text, cursorForm, &c.Event, &c.Activity, &c.Call.ID, &at, &c.Run, &c.Mail); err != nil || writeAgain(c, at) != text {
		return c, unreadable("the request's parameters are wrong", tidings.FieldError{Index: -1, Field: "before", Reason: "must be next of the page before"})
	}
	c.Call.At = time.UnixMilli(at).UTC()
	return c, nil
}

// writeAgain gives the one form of a cursor that was read; other forms of the
// same numbers, and numbers below 0, are refused by it.
func writeAgain(c tidings.TimelineCursor, at int64) string {
	if c.Event < 0 || c.Activity < 0 || c.Call.ID < 0 || at < 0 || c.Run < 0 || c.Mail < 0 {
		return ""
	}
	return fmt.Sprintf(cursorForm, c.Event, c.Activity, c.Call.ID, at, c.Run, c.Mail)
}
