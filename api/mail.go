package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Mails is what the API asks of a store about mails. A mail of another account
// is CodeNotFound.
type Mails interface {
	QueueMail(ctx context.Context, m tidings.Mail) (tidings.MailID, error)
	Mail(ctx context.Context, account tidings.AccountID, id tidings.MailID) (tidings.Mail, error)
	// Mails gives the mails that a query chooses, newest first, without their texts.
	Mails(ctx context.Context, q tidings.MailQuery) ([]tidings.Mail, error)
}

// mailJSON is a mail as it is shown.
type mailJSON struct {
	ID          tidings.MailID       `json:"id" doc:"The messageInstanceId of its activities."`
	IID         string               `json:"iid" doc:"The iid of its activities."`
	State       tidings.MailState    `json:"state" enum:"queued,sent,failed,dropped" doc:"queued: to be sent when it is due. dropped: its broadcast was canceled before it was sent."`
	To          string               `json:"to"`
	From        mailboxJSON          `json:"from"`
	ReplyTo     string               `json:"replyTo"`
	Subject     string               `json:"subject"`
	Test        bool                 `json:"test"`
	Language    string               `json:"messageLanguageCode" doc:"Of the variant that was taken; empty = none."`
	MessageID   *tidings.MessageID   `json:"messageId" doc:"null = a test of what was not saved."`
	MessageName string               `json:"messageName"`
	MessageTag  string               `json:"messageTag"`
	ContactID   *tidings.ContactID   `json:"contactId"`
	BroadcastID *tidings.BroadcastID `json:"broadcastId"`
	WorkflowID  *tidings.WorkflowID  `json:"workflowId"`
	Block       string               `json:"workflowBlockId"`
	InstanceID  string               `json:"workflowInstanceId"`
	EventID     *tidings.EventID     `json:"eventId"`
	DueAt       *time.Time           `json:"dueAt" doc:"When it is sent, or tried again; null when it is not queued."`
	Tries       int                  `json:"tries" doc:"Sendings that were tried."`
	LastError   string               `json:"lastError" doc:"What the server said, or what went wrong; empty when nothing did."`
	CreatedAt   time.Time            `json:"createdAt"`
	SentAt      *time.Time           `json:"sentAt"`
	OpenedAt    *time.Time           `json:"openedAt" doc:"The first open that counts."`

	HTML     string `json:"html,omitempty" doc:"As it was rendered. Only where one mail is shown."`
	Text     string `json:"text,omitempty" doc:"As it was rendered. Only where one mail is shown."`
	ViewLink string `json:"viewMessageLink,omitempty" doc:"The web version. Only where one mail is shown."`
}

type mailsJSON struct {
	Mails []mailJSON `json:"mails" doc:"Newest first."`
	Next  *int64     `json:"next" doc:"before of the next page; null on the last."`
}

type mailPath struct {
	ID int64 `path:"id" minimum:"1" doc:"The mail's id."`
}

func (s *Server) registerMails() {
	read := access{scope: tidings.ScopeRead}
	at := func(path, id, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{"Outbox"}, Summary: summary}
	}
	list := at("/v1/outbox", "list-mails", "List mails, newest first")
	list.Description = "Everything that was made to be sent, and how it stands. Without an SMTP server (--smtp) mails are kept here and count as sent."
	list.Errors, list.Extensions = []int{400, 503}, curl(`curl "$TIDINGS/v1/outbox?state=failed" -H "Authorization: Bearer $KEY"`)
	operate(s, list, read, s.listMails)

	show := at("/v1/outbox/{id}", "get-mail", "Show a mail with its texts")
	show.Errors, show.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/outbox/1 -H "Authorization: Bearer $KEY"`)
	operate(s, show, read, s.getMail)

	raw := at("/v1/outbox/{id}/raw", "get-raw-mail", "Show a mail as it goes to the SMTP server")
	raw.Description = "Links tracked, MIME parts encoded, signed when DKIM is set up."
	raw.Errors, raw.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/outbox/1/raw -H "Authorization: Bearer $KEY"`)
	raw.Parameters = []*huma.Param{pathID("The mail's id.")}
	raw.Responses = map[string]*huma.Response{"200": {Description: "The mail (RFC 5322).", Content: map[string]*huma.MediaType{"message/rfc822": {Schema: &huma.Schema{Type: "string"}}}}}
	s.raw(raw, read, s.rawMail)
}

// pathID describes the {id} of a raw operation.
func pathID(doc string) *huma.Param {
	return &huma.Param{Name: "id", In: "path", Required: true, Description: doc, Schema: &huma.Schema{Type: "integer", Format: "int64", Minimum: ptr(1.0)}}
}

// idOf reads the {id} of a raw operation.
func idOf(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, unreadable("the request's parameters are wrong", tidings.FieldError{Index: -1, Field: "id", Reason: "must be a whole number, 1 or more"})
	}
	return id, nil
}

func mailView(m *tidings.Mail) mailJSON {
	v := mailJSON{
		ID: m.ID, IID: m.IID, State: m.State, To: m.To, From: mailboxJSON(m.From), ReplyTo: m.ReplyTo, Subject: m.Subject, Test: m.Test, Language: m.Language,
		MessageID: some(m.Message), MessageName: m.Name, MessageTag: m.Tag, ContactID: someContact(m.Contact), BroadcastID: some(m.Broadcast),
		WorkflowID: some(m.Workflow), Block: string(m.Block), InstanceID: m.Instance, EventID: some(m.Event),
		Tries: m.Tries, LastError: m.LastError, CreatedAt: m.CreatedAt.UTC(), SentAt: instant(m.SentAt), OpenedAt: instant(m.OpenedAt),
	}
	if m.State == tidings.MailQueued {
		v.DueAt = instant(m.Due)
	}
	return v
}

// some gives nil for the zero id.
func some[T ~int64](id T) *T {
	if id == 0 {
		return nil
	}
	return &id
}

func (s *Server) listMails(ctx context.Context, c caller, in *struct {
	State     string `query:"state" enum:"queued,sent,failed,dropped" doc:"Only those in this state."`
	Contact   int64  `query:"contactId" minimum:"0" doc:"Only those to this contact."`
	Message   int64  `query:"messageId" minimum:"0" doc:"Only those of this message."`
	Broadcast int64  `query:"broadcastId" minimum:"0" doc:"Only those of this broadcast."`
	Workflow  int64  `query:"workflowId" minimum:"0" doc:"Only those of this workflow."`
	From      string `query:"from" doc:"Only those made at this day or time or later."`
	To        string `query:"to" doc:"Only those made before this time, or on this day at the latest."`
	Before    int64  `query:"before" minimum:"0" doc:"next of the page before."`
	Limit     int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"The most mails of a page."`
},
) (*struct{ Body mailsJSON }, error) {
	d := &decoder{}
	from, to := d.day(in.From, "from", false), d.day(in.To, "to", true)
	if len(d.faults) > 0 {
		return nil, unreadable("the request's parameters are wrong", d.faults...)
	}
	mails, err := s.store.Mails(ctx, tidings.MailQuery{
		Account: c.account(), State: tidings.MailState(in.State), Contact: tidings.ContactID(in.Contact), Message: tidings.MessageID(in.Message),
		Broadcast: tidings.BroadcastID(in.Broadcast), Workflow: tidings.WorkflowID(in.Workflow), From: from, To: to, Before: tidings.MailID(in.Before), Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	var out mailsJSON
	out.Mails, out.Next = pageOf(mails, in.Limit, mailView, func(last *tidings.Mail) int64 { return int64(last.ID) })
	return &struct{ Body mailsJSON }{out}, nil
}

func (s *Server) getMail(ctx context.Context, c caller, in *mailPath) (*struct{ Body mailJSON }, error) {
	m, err := s.store.Mail(ctx, c.account(), tidings.MailID(in.ID))
	if err != nil {
		return nil, err
	}
	v := mailView(&m)
	v.HTML, v.Text, v.ViewLink = m.HTML, m.Text, s.cfg.ViewLink(m.ID)
	return &struct{ Body mailJSON }{v}, nil
}

func (s *Server) rawMail(w http.ResponseWriter, r *http.Request, c caller) {
	id, err := idOf(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	m, err := s.store.Mail(r.Context(), c.account(), tidings.MailID(id))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	text, err := s.cfg.RawMail(&m)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer takenWithin(w, longestOperation)()
	header := w.Header()
	header.Set("Content-Type", "message/rfc822")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	// A client that does not take the answer has gone; nothing is left to tell it.
	_, _ = w.Write(text)
}
