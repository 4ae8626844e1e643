package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/message"
)

// messageDataJSON says with what a message is looked at.
type messageDataJSON struct {
	Message            optional[messageInputJSON] `json:"message,omitempty" doc:"What to show instead of what is saved, as in a patch: absent = as it is saved. Required where nothing is saved."`
	ContactID          optional[int]              `json:"contactId,omitempty" doc:"A contact of the account."`
	Contact            optional[anyJSON]          `json:"contact,omitempty" doc:"Or an invented contact: names as templates call them, in any case."`
	EventID            optional[int]              `json:"eventId,omitempty" doc:"An event that was received."`
	Event              optional[testEventJSON]    `json:"event,omitempty" doc:"Or an event typed in."`
	Replies            optional[anyJSON]          `json:"replies,omitempty" doc:"Replies of webhooks before it in a run: an object of any JSON values by the webhooks' names."`
	WorkflowInstanceID optional[string]           `json:"workflowInstanceId,omitempty" maxLength:"200" doc:"What $workflowInstanceId is. Default: test."`
}

func (*messageDataJSON) maxBytes() int { return messageBodyBytes + tidings.MaxReply }

func (in *messageDataJSON) data() *testData {
	return &testData{in.ContactID, in.Contact, in.EventID, in.Event, in.Replies, in.WorkflowInstanceID}
}

// previewUnsavedJSON is the same where nothing is saved.
type previewUnsavedJSON messageDataJSON

func (*previewUnsavedJSON) maxBytes() int { return (*messageDataJSON)(nil).maxBytes() }

type previewedJSON struct {
	From     mailboxJSON          `json:"from"`
	To       string               `json:"to" doc:"Empty: there is no contact, or it has no address."`
	Language string               `json:"language" doc:"Of the variant that was taken; empty = none."`
	Subject  string               `json:"subject"`
	HTML     string               `json:"html" doc:"Its links to the web version, for unsubscribing and for preferences lead nowhere."`
	Text     string               `json:"text" doc:"Made of html where the message has none."`
	Problems []messageProblemJSON `json:"problems" doc:"Why it would not be sent; what they are about is empty above."`
	Warnings []messageProblemJSON `json:"warnings" doc:"Values that are empty, each place once."`
}

type messageProblemJSON struct {
	Field    string `json:"field" doc:"subject, html, variants.uk.html, …"`
	Line     int    `json:"line" doc:"From 1; 0 = the field as a whole."`
	Column   int    `json:"column"`
	Fragment string `json:"fragment" doc:"The line, cut when it is long."`
	Message  string `json:"message"`
}

type testMailJSON struct {
	ContactID optional[int]           `json:"contactId,omitempty" doc:"A contact of the account, whose data the message has."`
	To        optional[string]        `json:"to,omitempty" doc:"Where it goes; absent = to the contact's email."`
	EventID   optional[int]           `json:"eventId,omitempty" doc:"An event that was received."`
	Event     optional[testEventJSON] `json:"event,omitempty" doc:"Or an event typed in."`
	Replies   optional[anyJSON]       `json:"replies,omitempty" doc:"Replies of webhooks: an object of any JSON values by the webhooks' names."`
}

func (*testMailJSON) maxBytes() int { return maxBody + tidings.MaxReply }

func (s *Server) registerMessageTests(at func(method, path, id, summary string) huma.Operation) {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	const what = "Renders it for a contact and an event, of the account or invented. Nothing is sent or stored. What goes wrong is in the answer, which is a 200."
	preview := at(http.MethodPost, "/v1/messages/{id}/preview", "preview-message", "Show a message as a contact will see it")
	preview.Description, preview.Errors = what, []int{400, 404, 408, 409, 413, 415, 422, 503}
	preview.Extensions = curl(`curl -X POST $TIDINGS/v1/messages/1/preview -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"contactId":1,"replies":{"WH5":{"promocode":"LVIV-10"}}}'`)
	operate(s, preview, read, s.previewMessage)

	unsaved := at(http.MethodPost, "/v1/messages/preview", "preview-unsaved-message", "Show a message that is not saved as a contact will see it")
	unsaved.Description, unsaved.Errors = what, []int{400, 408, 413, 415, 422, 503}
	unsaved.Extensions = curl(`curl -X POST $TIDINGS/v1/messages/preview -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"message":{"name":"Hello","from":{"address":"shop@example.com"},"subject":"Hello $!firstName","text":"Hello!"},"contact":{"firstName":"Ann"}}'`)
	operate(s, unsaved, read, s.previewUnsaved)

	send := at(http.MethodPost, "/v1/messages/{id}/send-test", "send-test-mail", "Send yourself a message")
	send.Description = "A mail is queued with the contact's data. What happens to it becomes activities whose messageName is empty. It goes out whatever the contact's subscriptions are."
	send.DefaultStatus, send.Errors = http.StatusCreated, []int{400, 404, 408, 409, 413, 415, 422, 429, 503}
	send.Extensions = curl(`curl -X POST $TIDINGS/v1/messages/1/send-test -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"contactId":1,"to":"me@example.com"}'`)
	operate(s, send, manage, s.sendTestMail)
}

func (s *Server) previewMessage(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The message's id."`
	JSON body[messageDataJSON]
},
) (*struct{ Body previewedJSON }, error) {
	m, err := s.liveMessage(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	return s.preview(ctx, m, &in.JSON.value)
}

func (s *Server) previewUnsaved(ctx context.Context, c caller, in *struct{ JSON body[previewUnsavedJSON] }) (*struct{ Body previewedJSON }, error) {
	asked := (*messageDataJSON)(&in.JSON.value)
	if !asked.Message.given() {
		return nil, invalidField("message", "is required: what is to be shown")
	}
	return s.preview(ctx, tidings.Message{Account: c.account(), Name: "message"}, asked)
}

func (s *Server) preview(ctx context.Context, m tidings.Message, asked *messageDataJSON) (*struct{ Body previewedJSON }, error) {
	if asked.Message.given() {
		if err := s.rewrite(ctx, &asked.Message.value, &m); err != nil {
			return nil, err
		}
	}
	of, err := s.scopeOf(ctx, m.Account, asked.data())
	if err != nil {
		return nil, err
	}
	compiled, err := s.compiled(ctx, &m)
	if err != nil {
		return nil, err
	}
	within, leave, err := s.testPlace(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	p := compiled.Preview(within, of)
	return &struct{ Body previewedJSON }{previewedJSON{
		From: mailboxJSON(p.From), To: p.To, Language: p.Language, Subject: p.Subject, HTML: p.HTML, Text: p.Text,
		Problems: messageProblems(p.Problems), Warnings: messageProblems(p.Warnings),
	}}, nil
}

// rewrite puts what is to be looked at over what is saved.
func (s *Server) rewrite(ctx context.Context, in *messageInputJSON, m *tidings.Message) error {
	if in.Version.set {
		return invalidField("message.version", "is for a change: a preview changes nothing")
	}
	_, err := s.applyMessage(ctx, in, m)
	if e, ok := errors.AsType[*tidings.Error](err); ok {
		for i := range e.Fields {
			e.Fields[i].Field = join("message", e.Fields[i].Field)
		}
	}
	return err
}

// compiled makes a message ready to be rendered.
func (s *Server) compiled(ctx context.Context, m *tidings.Message) (*message.Compiled, error) {
	settings, err := s.store.MailSettings(ctx, m.Account)
	if err != nil {
		return nil, err
	}
	c, err := message.Compile(m, s.cfg.MailDefaults(settings))
	return c, messageFailure(err)
}

// messageFailure makes of why a message can't be rendered what a client is told.
func messageFailure(err error) error {
	if p, ok := errors.AsType[*message.Problem](err); ok {
		reason := p.Message
		if p.Line > 0 {
			reason = fmt.Sprintf("line %d, column %d: %s", p.Line, p.Col, reason)
		}
		return &tidings.Error{
			Code: tidings.CodeInvalid, Message: "the message can't be rendered with this data: nothing was sent",
			Fields: []tidings.FieldError{{Index: -1, Field: messageField(p.Part), Reason: reason}},
		}
	}
	if r, ok := errors.AsType[*message.Refusal](err); ok {
		return invalidField("contactId", r.Message)
	}
	return err
}

func messageProblems(list []*message.Problem) []messageProblemJSON {
	out := make([]messageProblemJSON, len(list))
	for i, p := range list {
		out[i] = messageProblem(p)
	}
	return out
}

func messageProblem(p *message.Problem) messageProblemJSON {
	return messageProblemJSON{Field: messageField(p.Part), Line: p.Line, Column: p.Col, Fragment: p.Fragment, Message: p.Message}
}

func (s *Server) sendTestMail(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The message's id."`
	JSON body[testMailJSON]
},
) (*struct{ Body mailJSON }, error) {
	asked := &in.JSON.value
	m, err := s.liveMessage(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if !asked.ContactID.given() {
		return nil, invalidField("contactId", "is required: whose data the message has")
	}
	of, err := s.scopeOf(ctx, m.Account, &testData{contactID: asked.ContactID, eventID: asked.EventID, event: asked.Event, replies: asked.Replies})
	if err != nil {
		return nil, err
	}
	of.Instance = ""
	if asked.To.given() {
		to, reason := tidings.CheckChannel(tidings.Email, asked.To.value)
		if reason != "" {
			return nil, invalidField("to", reason)
		}
		of.Contact.Channels = append([]tidings.Channel{{Type: tidings.Email, Value: to}},
			slices.DeleteFunc(of.Contact.Channels, func(ch tidings.Channel) bool { return ch.Type == tidings.Email })...)
	}
	m.Categories = nil // who sends a test to themselves wants it
	compiled, err := s.compiled(ctx, &m)
	if err != nil {
		return nil, err
	}
	mail, err := compiled.Render(ctx, of)
	if err != nil {
		return nil, messageFailure(err)
	}
	mail.Test, mail.Name, mail.Due = true, "", s.cfg.Now()
	if mail.ID, err = s.store.QueueMail(ctx, mail); err != nil {
		return nil, err
	}
	if mail, err = s.store.Mail(ctx, c.account(), mail.ID); err != nil {
		return nil, err
	}
	v := mailView(&mail)
	v.HTML, v.Text, v.ViewLink = mail.HTML, mail.Text, s.cfg.ViewLink(mail.ID)
	return &struct{ Body mailJSON }{v}, nil
}
