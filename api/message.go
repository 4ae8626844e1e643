package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Messages is what the API asks of a store about messages. A message of
// another account is CodeNotFound. Every change leaves its audit record.
type Messages interface {
	CreateMessage(ctx context.Context, m tidings.Message, actor string) (tidings.Message, error)
	// Message gives deleted ones too; see DeletedAt.
	Message(ctx context.Context, account tidings.AccountID, id tidings.MessageID) (tidings.Message, error)
	// Messages gives at most limit messages after one, in the order of their ids: the live or the deleted ones.
	Messages(ctx context.Context, account tidings.AccountID, after tidings.MessageID, limit int, deleted bool) ([]tidings.Message, error)
	// UpdateMessage stores a changed message; CodeConflict when the Version is not the stored one.
	UpdateMessage(ctx context.Context, m tidings.Message, actor, detail string) (tidings.Message, error)
	DeleteMessage(ctx context.Context, account tidings.AccountID, id tidings.MessageID, actor string) error
	RestoreMessage(ctx context.Context, account tidings.AccountID, id tidings.MessageID, actor string) (tidings.Message, error)
}

// messageJSON is a message as it is shown.
type messageJSON struct {
	ID         tidings.MessageID           `json:"id"`
	Name       string                      `json:"name"`
	Tag        string                      `json:"tag"`
	From       mailboxJSON                 `json:"from" doc:"Both empty: the account's (GET /v1/settings/mail)."`
	ReplyTo    string                      `json:"replyTo" doc:"Empty = from."`
	Categories []string                    `json:"categories" doc:"Subscription categories; empty: it goes to everybody who is not black-listed."`
	Subject    string                      `json:"subject"`
	HTML       string                      `json:"html,omitempty" doc:"Only where one message is shown."`
	Text       string                      `json:"text,omitempty" doc:"Only where one message is shown. Empty = made of html."`
	Variants   map[string]shownContentJSON `json:"variants,omitempty" doc:"By language. Only where one message is shown."`
	Languages  []string                    `json:"languages" doc:"Of the variants."`
	Version    int64                       `json:"version" doc:"Counts the changes."`
	CreatedAt  time.Time                   `json:"createdAt"`
	UpdatedAt  time.Time                   `json:"updatedAt"`
	DeletedAt  *time.Time                  `json:"deletedAt" doc:"null while it is live."`
	UsedIn     []useJSON                   `json:"usedIn,omitempty" doc:"Workflows, and broadcasts that are not done. Only where one message is shown, or a list is asked for them."`
	Warnings   []messageWarningJSON        `json:"warnings,omitempty" doc:"What may not be meant: names that nothing is known of."`
}

type mailboxJSON struct {
	Name    string `json:"name" doc:"A template."`
	Address string `json:"address"`
}

type shownContentJSON struct {
	Subject string `json:"subject"`
	HTML    string `json:"html"`
	Text    string `json:"text"`
}

type messageWarningJSON struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

type messagesJSON struct {
	Messages []messageJSON `json:"messages"`
	Next     *int64        `json:"next" doc:"after of the next page; null on the last."`
}

type shownMessage struct{ Body messageJSON }

type messagePath struct {
	ID int64 `path:"id" minimum:"1" doc:"The message's id."`
}

func (s *Server) registerMessages() {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	at := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"Messages"}, Summary: summary}
	}
	create := at(http.MethodPost, "/v1/messages", "create-message", "Create a message")
	create.Description = "Subject, html, text and the sender's name are Velocity templates over the contact's fields, the event's parameters and the replies of the webhooks before it in a run. " +
		"A template that can't be read is refused with its line and column; names that nothing is known of are warnings."
	create.DefaultStatus, create.Errors = http.StatusCreated, []int{400, 408, 413, 415, 422, 503}
	create.Extensions = curl(`curl -X POST $TIDINGS/v1/messages -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"name":"Promo code","from":{"name":"Shop","address":"shop@example.com"},"subject":"A present for $!firstName","html":"<p>Your code: $data.get('"'WH5'"').get('"'promocode'"')</p>"}'`)
	operate(s, create, manage, s.createMessage)

	list := at(http.MethodGet, "/v1/messages", "list-messages", "List messages, the live or the deleted ones")
	list.Errors, list.Extensions = []int{400, 503}, curl(`curl $TIDINGS/v1/messages -H "Authorization: Bearer $KEY"`)
	operate(s, list, read, s.listMessages)

	show := at(http.MethodGet, "/v1/messages/{id}", "get-message", "Show a message, a deleted one too, and who uses it")
	show.Errors, show.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/messages/1 -H "Authorization: Bearer $KEY"`)
	operate(s, show, read, s.getMessage)

	change := at(http.MethodPatch, "/v1/messages/{id}", "change-message", "Change a message")
	change.Description = "A JSON merge patch: absent = unchanged, null = the default. What is sent from now on, also by runs that are under way, is as it is now. A variant is replaced as a whole; null removes it."
	change.Errors = []int{400, 404, 408, 409, 413, 415, 422, 503}
	change.Extensions = curl(`curl -X PATCH $TIDINGS/v1/messages/1 -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"variants":{"uk":{"subject":"Ваш промокод","html":"<p>$data.WH5.promocode</p>"}}}'`)
	operate(s, change, manage, s.changeMessage)

	remove := at(http.MethodDelete, "/v1/messages/{id}", "delete-message", "Delete a message")
	remove.Description, remove.Errors = "It can be listed and restored. 409 while active workflows or broadcasts that are not done use it: errors names them.", []int{400, 404, 409, 503}
	remove.Extensions = curl(`curl -X DELETE $TIDINGS/v1/messages/1 -H "Authorization: Bearer $KEY"`)
	operate(s, remove, manage, s.deleteMessage)

	restore := at(http.MethodPost, "/v1/messages/{id}/restore", "restore-message", "Restore a deleted message")
	restore.Errors, restore.Extensions = []int{400, 404, 503}, curl(`curl -X POST $TIDINGS/v1/messages/1/restore -H "Authorization: Bearer $KEY"`)
	operate(s, restore, manage, s.restoreMessage)
	s.registerMessageTests(at)
}

func messageView(m *tidings.Message) messageJSON {
	v := messageJSON{
		ID: m.ID, Name: m.Name, Tag: m.Tag, From: mailboxJSON(m.From), ReplyTo: m.ReplyTo, Categories: append([]string{}, m.Categories...),
		Subject: m.Content.Subject, Languages: keysOf(m.Variants), Version: m.Version,
		CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(), DeletedAt: instant(m.DeletedAt),
	}
	return v
}

// wholeMessage shows a message with its texts, its users and what is to be looked after.
func (s *Server) wholeMessage(ctx context.Context, m *tidings.Message) (*shownMessage, error) {
	v := messageView(m)
	v.HTML, v.Text = m.Content.HTML, m.Content.Text
	v.Variants = make(map[string]shownContentJSON, len(m.Variants))
	for language, content := range m.Variants {
		v.Variants[language] = shownContentJSON(content)
	}
	users, err := s.messageUsers(ctx, m.Account, m.ID)
	if err != nil {
		return nil, err
	}
	v.UsedIn = usesView(users)
	known, err := s.known(ctx, m.Account)
	if err != nil {
		return nil, err
	}
	_, warnings := known.checkMessage(m)
	for _, w := range warnings {
		v.Warnings = append(v.Warnings, messageWarningJSON{w.Field, w.Reason})
	}
	return &shownMessage{v}, nil
}

func (s *Server) createMessage(ctx context.Context, c caller, in *struct{ JSON body[newMessageJSON] }) (*shownMessage, error) {
	m := tidings.Message{Account: c.account()}
	if _, err := s.applyMessage(ctx, (*messageInputJSON)(&in.JSON.value), &m); err != nil {
		return nil, err
	}
	made, err := s.store.CreateMessage(ctx, m, c.actor())
	if err != nil {
		return nil, err
	}
	return s.wholeMessage(ctx, &made)
}

func (s *Server) listMessages(ctx context.Context, c caller, in *struct {
	Query   string `query:"q" maxLength:"200" doc:"Only those whose name or subject has this, in any case."`
	Deleted bool   `query:"deleted" doc:"true: the deleted ones instead of the live ones."`
	UsedIn  bool   `query:"usedIn" doc:"true: with who uses each of them."`
	After   int64  `query:"after" minimum:"0" doc:"next of the page before."`
	Limit   int    `query:"limit" minimum:"1" maximum:"100" default:"100" doc:"The most messages of a page."`
},
) (*struct{ Body messagesJSON }, error) {
	id := func(one *tidings.Message) int64 { return int64(one.ID) }
	list, err := pick(in.After, in.Limit, func(after int64, limit int) ([]tidings.Message, error) {
		return s.store.Messages(ctx, c.account(), tidings.MessageID(after), limit, in.Deleted)
	}, saying(in.Query, func(one *tidings.Message) []string { return []string{one.Name, one.Content.Subject} }), id)
	if err != nil {
		return nil, err
	}
	var out messagesJSON
	out.Messages, out.Next = pageOf(list, in.Limit, messageView, id)
	if in.UsedIn {
		users, err := s.usersOfMessages(ctx, c.account())
		if err != nil {
			return nil, err
		}
		for i := range out.Messages {
			out.Messages[i].UsedIn = usesView(users[out.Messages[i].ID])
		}
	}
	return &struct{ Body messagesJSON }{out}, nil
}

func (s *Server) getMessage(ctx context.Context, c caller, in *messagePath) (*shownMessage, error) {
	m, err := s.store.Message(ctx, c.account(), tidings.MessageID(in.ID))
	if err != nil {
		return nil, err
	}
	return s.wholeMessage(ctx, &m)
}

// liveMessage gives a message that can be changed and sent.
func (s *Server) liveMessage(ctx context.Context, c caller, id int64) (tidings.Message, error) {
	m, err := s.store.Message(ctx, c.account(), tidings.MessageID(id))
	if err == nil && !m.DeletedAt.IsZero() {
		err = tidings.Errorf(tidings.CodeConflict, "message %d is deleted: restore it first", id)
	}
	return m, err
}

func (s *Server) changeMessage(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The message's id."`
	JSON body[messageInputJSON]
},
) (*shownMessage, error) {
	m, err := s.liveMessage(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	changed, err := s.applyMessage(ctx, &in.JSON.value, &m)
	if err != nil {
		return nil, err
	}
	if len(changed) > 0 || in.JSON.value.Version.given() {
		if m, err = s.store.UpdateMessage(ctx, m, c.actor(), "changed "+wordsOf(changed)); err != nil {
			return nil, err
		}
	}
	return s.wholeMessage(ctx, &m)
}

func (s *Server) deleteMessage(ctx context.Context, c caller, in *messagePath) (*struct{}, error) {
	id := tidings.MessageID(in.ID)
	if _, err := s.store.Message(ctx, c.account(), id); err != nil {
		return nil, err
	}
	users, err := s.messageUsers(ctx, c.account(), id)
	if err != nil {
		return nil, err
	}
	if err := inUse("message", users); err != nil {
		return nil, err
	}
	return nil, s.store.DeleteMessage(ctx, c.account(), id, c.actor())
}

func (s *Server) restoreMessage(ctx context.Context, c caller, in *messagePath) (*shownMessage, error) {
	m, err := s.store.RestoreMessage(ctx, c.account(), tidings.MessageID(in.ID), c.actor())
	if err != nil {
		return nil, err
	}
	return s.wholeMessage(ctx, &m)
}

// eachMessage goes over the live messages of an account.
func (s *Server) eachMessage(ctx context.Context, account tidings.AccountID, each func(*tidings.Message)) error {
	const page = 100
	for after := tidings.MessageID(0); ; {
		list, err := s.store.Messages(ctx, account, after, page, false)
		if err != nil {
			return err
		}
		for i := range list {
			each(&list[i])
		}
		if len(list) < page {
			return nil
		}
		after = list[len(list)-1].ID
	}
}
