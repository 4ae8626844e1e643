package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/call"
	"tidings/workflow"
)

// Webhooks is what the API asks of a store about webhooks. A webhook of
// another account is CodeNotFound. Every change leaves its audit record.
type Webhooks interface {
	CreateWebhook(ctx context.Context, w tidings.Webhook, actor string) (tidings.Webhook, error)
	// Webhook gives deleted ones too; see DeletedAt.
	Webhook(ctx context.Context, account tidings.AccountID, id tidings.WebhookID) (tidings.Webhook, error)
	// Webhooks gives at most limit webhooks after one, in the order of their ids: the live or the deleted ones.
	Webhooks(ctx context.Context, account tidings.AccountID, deleted bool, after tidings.WebhookID, limit int) ([]tidings.Webhook, error)
	// UpdateWebhook stores a changed webhook; CodeConflict when the Version is not the stored one.
	UpdateWebhook(ctx context.Context, w tidings.Webhook, actor, detail string) (tidings.Webhook, error)
	DeleteWebhook(ctx context.Context, account tidings.AccountID, id tidings.WebhookID, actor string) error
	// RestoreWebhook makes a deleted one live again, under another name when one is given.
	RestoreWebhook(ctx context.Context, account tidings.AccountID, id tidings.WebhookID, name, actor string) (tidings.Webhook, error)
}

// definitionJSON is what a webhook is made of, on create, by a merge patch (RFC
// 7396), and in a test of what is not saved.
type definitionJSON struct {
	Name        optional[string]          `json:"name,omitempty" maxLength:"200" doc:"1 to 200 characters, any symbols; unique among the live webhooks. Templates reach the reply by it: $data.get('name')."`
	Description optional[string]          `json:"description,omitempty" maxLength:"2000" doc:"At most 2,000 characters."`
	Method      optional[string]          `json:"method,omitempty" enum:"GET,POST" doc:"Default GET."`
	URL         optional[string]          `json:"url,omitempty" doc:"A template; it begins with https:// and a host that is written out. At most 8,192 bytes."`
	Headers     optional[[]headerRowJSON] `json:"headers,omitempty" maxItems:"20" doc:"Header rows; the values are templates. At most 20. Not Host, Content-Length and what belongs to the connection."`
	ConnectorID optional[int]             `json:"connectorId,omitempty" doc:"Whose credentials are sent; null = none."`
	Body        optional[webhookBodyJSON] `json:"body,omitempty" doc:"Of a POST; null = none."`
	TimeoutMs   optional[int]             `json:"timeoutMs,omitempty" doc:"Milliseconds for one try, the reply's body included: 1,000 to 60,000; default 10,000."`
	Version     optional[int]             `json:"version,omitempty" doc:"Only in a patch: the version that was read; 409 when it has changed since."`
}

// maxBytes leaves room for a body's template, quoted.
func (*definitionJSON) maxBytes() int { return 3 * tidings.MaxWebhookBody }

// newWebhookJSON is the same as the body of a create, where some are required.
type newWebhookJSON definitionJSON

func (*newWebhookJSON) maxBytes() int { return (*definitionJSON)(nil).maxBytes() }

type headerRowJSON struct {
	Name  optional[string] `json:"name,omitempty" doc:"The header's name."`
	Value optional[string] `json:"value,omitempty" doc:"A template; at most 4,096 bytes. Absent in a patch: that header's value is unchanged."`
}

type webhookBodyJSON struct {
	Format   optional[string] `json:"format,omitempty" enum:"json,xml,text" doc:"How values are escaped, and the Content-Type unless a header row gives another."`
	Template optional[string] `json:"template,omitempty" doc:"At most 262,144 bytes."`
}

// webhookJSON is a webhook as it is shown.
type webhookJSON struct {
	ID          tidings.WebhookID     `json:"id"`
	Name        string                `json:"name"`
	Description string                `json:"description"`
	Method      tidings.Method        `json:"method" enum:"GET,POST"`
	URL         string                `json:"url"`
	Headers     []shownRowJSON        `json:"headers"`
	ConnectorID *tidings.ConnectorID  `json:"connectorId" doc:"null = none."`
	Body        *shownWebhookBodyJSON `json:"body" doc:"null = none."`
	TimeoutMs   int64                 `json:"timeoutMs"`
	Version     int64                 `json:"version" doc:"Counts the changes."`
	CreatedAt   time.Time             `json:"createdAt"`
	UpdatedAt   time.Time             `json:"updatedAt"`
	DeletedAt   *time.Time            `json:"deletedAt" doc:"null while it is live."`
	UsedIn      []useJSON             `json:"usedIn,omitempty" doc:"Who calls it, or uses its reply as $data.get('name'); after a rename, those that use the old name. Only where one webhook is shown, or a list is asked for them."`
	Warnings    []string              `json:"warnings,omitempty" doc:"What to look after now."`
}

type shownRowJSON struct {
	Name  string  `json:"name"`
	Value *string `json:"value" doc:"null: it is set and not shown, because the header's name says that it is a secret."`
}

type shownWebhookBodyJSON struct {
	Format   tidings.BodyFormat `json:"format" enum:"json,xml,text"`
	Template string             `json:"template"`
}

type webhookPath struct {
	ID int64 `path:"id" minimum:"1" doc:"The webhook's id."`
}

type shownWebhook struct{ Body webhookJSON }

type webhooksJSON struct {
	Webhooks []webhookJSON `json:"webhooks"`
	Next     *int64        `json:"next" doc:"after of the next page; null on the last."`
}

type restoreJSON struct {
	Name optional[string] `json:"name,omitempty" maxLength:"200" doc:"Another name, when its own has been given away meanwhile."`
}

func (s *Server) registerWebhooks() {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	operate(s, huma.Operation{
		OperationID: "create-webhook", Method: http.MethodPost, Path: "/v1/webhooks", Tags: []string{"Webhooks"}, DefaultStatus: http.StatusCreated,
		Summary:     "Create a webhook",
		Description: "Needs name and url. URL, header values and body are Velocity templates over the contact's fields and the event's parameters. Nothing is sent: see the tests.",
		Errors:      []int{400, 408, 409, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/webhooks -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"name":"WH5","method":"POST","url":"https://shop.example.com/promocodes","body":{"format":"json","template":"{\"town\": \"$TOWN\"}"}}'`),
	}, manage, s.createWebhook)
	operate(s, huma.Operation{
		OperationID: "list-webhooks", Method: http.MethodGet, Path: "/v1/webhooks", Tags: []string{"Webhooks"},
		Summary: "List webhooks, the live or the deleted ones", Errors: []int{400, 503},
		Extensions: curl(`curl "$TIDINGS/v1/webhooks?deleted=true" -H "Authorization: Bearer $KEY"`),
	}, read, s.listWebhooks)
	operate(s, huma.Operation{
		OperationID: "get-webhook", Method: http.MethodGet, Path: "/v1/webhooks/{id}", Tags: []string{"Webhooks"},
		Summary: "Show a webhook, a deleted one too, and who uses its reply", Errors: []int{400, 404, 503},
		Extensions: curl(`curl $TIDINGS/v1/webhooks/1 -H "Authorization: Bearer $KEY"`),
	}, read, s.getWebhook)
	operate(s, huma.Operation{
		OperationID: "change-webhook", Method: http.MethodPatch, Path: "/v1/webhooks/{id}", Tags: []string{"Webhooks"},
		Summary:     "Change a webhook",
		Description: "A JSON merge patch: absent = unchanged, null = the default. After a rename, usedIn says who uses the old name. 409: somebody changed it meanwhile, or the name is taken.",
		Errors:      []int{400, 404, 408, 409, 413, 415, 422, 503},
		Extensions:  curl(`curl -X PATCH $TIDINGS/v1/webhooks/1 -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"timeoutMs":5000,"connectorId":null}'`),
	}, manage, s.changeWebhook)
	operate(s, huma.Operation{
		OperationID: "delete-webhook", Method: http.MethodDelete, Path: "/v1/webhooks/{id}", Tags: []string{"Webhooks"},
		Summary: "Delete a webhook", Description: "It can be listed and restored. usedIn says who uses its reply.", Errors: []int{400, 404, 503},
		Extensions: curl(`curl -X DELETE $TIDINGS/v1/webhooks/1 -H "Authorization: Bearer $KEY"`),
	}, manage, s.deleteWebhook)
	operate(s, huma.Operation{
		OperationID: "restore-webhook", Method: http.MethodPost, Path: "/v1/webhooks/{id}/restore", Tags: []string{"Webhooks"},
		Summary: "Restore a deleted webhook", Description: "409 when its name has been given to another meanwhile: give it a new one. A live one stays as it is.",
		Errors:     []int{400, 404, 408, 409, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/webhooks/1/restore -H "Authorization: Bearer $KEY"`),
	}, manage, s.restoreWebhook)
}

func (s *Server) createWebhook(ctx context.Context, c caller, in *struct{ JSON body[newWebhookJSON] }) (*shownWebhook, error) {
	asked := (*definitionJSON)(&in.JSON.value)
	fresh := newWebhook(c.account())
	if _, err := s.applyDefinition(ctx, asked, &fresh); err != nil {
		return nil, err
	}
	made, err := s.store.CreateWebhook(ctx, fresh, c.actor())
	if err != nil {
		return nil, err
	}
	return &shownWebhook{webhookView(&made)}, nil
}

func (s *Server) listWebhooks(ctx context.Context, c caller, in *struct {
	Query   string `query:"q" maxLength:"200" doc:"Only those whose name has this, in any case."`
	Deleted bool   `query:"deleted" doc:"true: the deleted ones instead of the live ones."`
	UsedIn  bool   `query:"usedIn" doc:"true: with who uses each of them."`
	After   int64  `query:"after" minimum:"0" doc:"next of the page before."`
	Limit   int    `query:"limit" minimum:"1" maximum:"100" default:"100" doc:"The most webhooks of a page."`
},
) (*struct{ Body webhooksJSON }, error) {
	id := func(one *tidings.Webhook) int64 { return int64(one.ID) }
	list, err := pick(in.After, in.Limit, func(after int64, limit int) ([]tidings.Webhook, error) {
		return s.store.Webhooks(ctx, c.account(), in.Deleted, tidings.WebhookID(after), limit)
	}, saying(in.Query, func(one *tidings.Webhook) []string { return []string{one.Name} }), id)
	if err != nil {
		return nil, err
	}
	var out webhooksJSON
	out.Webhooks, out.Next = pageOf(list, in.Limit, webhookView, id)
	if in.UsedIn {
		users, err := s.usersOfWebhooks(ctx, c.account(), list)
		if err != nil {
			return nil, err
		}
		for i := range out.Webhooks {
			out.Webhooks[i].UsedIn = usesView(users[out.Webhooks[i].ID])
		}
	}
	return &struct{ Body webhooksJSON }{out}, nil
}

func (s *Server) getWebhook(ctx context.Context, c caller, in *webhookPath) (*shownWebhook, error) {
	w, err := s.store.Webhook(ctx, c.account(), tidings.WebhookID(in.ID))
	if err != nil {
		return nil, err
	}
	return s.withUsers(ctx, &w, w.Name)
}

func (s *Server) changeWebhook(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The webhook's id."`
	JSON body[definitionJSON]
},
) (*shownWebhook, error) {
	w, err := s.liveWebhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	name := w.Name
	changed, err := s.applyDefinition(ctx, &in.JSON.value, &w)
	if err != nil {
		return nil, err
	}
	if len(changed) > 0 {
		if w, err = s.store.UpdateWebhook(ctx, w, c.actor(), "changed "+strings.Join(changed, ", ")); err != nil {
			return nil, err
		}
	}
	if name == w.Name {
		return &shownWebhook{webhookView(&w)}, nil
	}
	out, err := s.withUsers(ctx, &w, name)
	if err == nil && len(out.Body.UsedIn) > 0 {
		out.Body.Warnings = append(out.Body.Warnings, fmt.Sprintf("what is in usedIn finds no reply under %s any more: change it to the new name", call.Expression(name)))
	}
	return out, err
}

// liveWebhook gives a webhook that can be changed.
func (s *Server) liveWebhook(ctx context.Context, c caller, id int64) (tidings.Webhook, error) {
	w, err := s.store.Webhook(ctx, c.account(), tidings.WebhookID(id))
	if err == nil && !w.DeletedAt.IsZero() {
		err = tidings.Errorf(tidings.CodeConflict, "webhook %d is deleted: restore it first", id)
	}
	return w, err
}

func (s *Server) deleteWebhook(ctx context.Context, c caller, in *webhookPath) (*shownWebhook, error) {
	id := tidings.WebhookID(in.ID)
	if err := s.store.DeleteWebhook(ctx, c.account(), id, c.actor()); err != nil {
		return nil, err
	}
	w, err := s.store.Webhook(ctx, c.account(), id)
	if err != nil {
		return nil, err
	}
	out, err := s.withUsers(ctx, &w, w.Name)
	if err == nil && len(out.Body.UsedIn) > 0 {
		out.Body.Warnings = append(out.Body.Warnings, "what is in usedIn finds no reply of this webhook any more")
	}
	return out, err
}

func (s *Server) restoreWebhook(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The webhook's id."`
	JSON body[restoreJSON]
},
) (*shownWebhook, error) {
	name := in.JSON.value.Name
	if reason := tidings.CheckName(name.value); name.given() && reason != "" {
		return nil, invalidField("name", reason)
	}
	before, err := s.store.Webhook(ctx, c.account(), tidings.WebhookID(in.ID))
	if err != nil {
		return nil, err
	}
	w, err := s.store.RestoreWebhook(ctx, c.account(), before.ID, name.value, c.actor())
	if err != nil {
		return nil, err
	}
	out := &shownWebhook{webhookView(&w)}
	if before.Connector != 0 && w.Connector == 0 {
		out.Body.Warnings = append(out.Body.Warnings, "its connector is gone: it has no authentication until you give it another one")
	}
	return out, nil
}

// withUsers shows a webhook with those who call it, or use the reply of a name.
func (s *Server) withUsers(ctx context.Context, w *tidings.Webhook, name string) (*shownWebhook, error) {
	users, err := s.webhookUsers(ctx, w, name)
	if err != nil {
		return nil, err
	}
	out := &shownWebhook{webhookView(w)}
	out.Body.UsedIn = usesView(users)
	return out, nil
}

// webhookUsers finds who calls a webhook, or uses the reply of a name: live webhooks and
// messages whose templates have $data.name or $data.get('name'), and workflows.
func (s *Server) webhookUsers(ctx context.Context, w *tidings.Webhook, name string) ([]tidings.Use, error) {
	users, err := s.replyUsers(ctx, w.Account, name)
	if err != nil {
		return nil, err
	}
	err = s.eachMessage(ctx, w.Account, func(m *tidings.Message) {
		if slices.ContainsFunc(messageSources(m), func(source string) bool { return mentions(source, ofReply(name)) }) {
			users = append(users, tidings.Use{Kind: tidings.UseMessage, ID: int64(m.ID), Name: m.Name})
		}
	})
	if err != nil {
		return nil, err
	}
	calling, err := s.usersOf(ctx, w.Account, func(d *tidings.Definition) bool {
		uses := workflow.UsesOf(d)
		return slices.Contains(uses.Webhooks, w.ID) || slices.Contains(uses.Data, name)
	})
	return append(users, calling...), err
}

// replyUsers finds the live webhooks whose templates use the reply of the webhook of a name.
func (s *Server) replyUsers(ctx context.Context, account tidings.AccountID, name string) ([]tidings.Use, error) {
	known := call.Known{Webhooks: []string{name}}
	var users []tidings.Use
	err := s.eachWebhook(ctx, account, func(w *tidings.Webhook) {
		in, err := call.FindInputs(w, known)
		if err != nil {
			return // what can't be read uses nothing
		}
		if slices.ContainsFunc(in.Replies, func(r call.Input) bool { return r.Name == name }) {
			users = append(users, tidings.Use{Kind: tidings.UseWebhook, ID: int64(w.ID), Name: w.Name})
		}
	})
	return users, err
}

// eachWebhook goes over the live webhooks of an account.
func (s *Server) eachWebhook(ctx context.Context, account tidings.AccountID, each func(*tidings.Webhook)) error {
	const page = 100
	for after := tidings.WebhookID(0); ; {
		list, err := s.store.Webhooks(ctx, account, false, after, page)
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

// newWebhook is a webhook with everything at its default.
func newWebhook(account tidings.AccountID) tidings.Webhook {
	return tidings.Webhook{Account: account, Method: tidings.MethodGet}
}

// applyDefinition sets what is asked of a webhook and checks the whole. What
// changed is named, never a value.
func (s *Server) applyDefinition(ctx context.Context, o *definitionJSON, w *tidings.Webhook) (changed []string, err error) {
	d := &decoder{}
	was := *w
	o.Name.put(&w.Name, "")
	o.Description.put(&w.Description, "")
	method := string(w.Method)
	o.Method.put(&method, string(tidings.MethodGet))
	w.Method = tidings.Method(method)
	o.URL.put(&w.URL, "")
	applyRows(d, o.Headers, w)
	applyWebhookBody(o.Body, &w.Body)
	if o.TimeoutMs.set {
		w.Timeout = time.Duration(min(max(o.TimeoutMs.value, -1), 1e9)) * time.Millisecond
	}
	switch {
	case o.Version.given() && w.ID == 0:
		d.fault("version", "is for a change: a new webhook begins at 1")
	case o.Version.given():
		w.Version = int64(o.Version.value)
	}
	connector := int(w.Connector)
	o.ConnectorID.put(&connector, 0)
	w.Connector = tidings.ConnectorID(connector)
	auth, err := s.authOf(ctx, w)
	switch {
	case tidings.CodeOf(err) == tidings.CodeNotFound, o.ConnectorID.given() && connector == 0:
		d.fault("connectorId", "there is no connector %d", connector)
	case err != nil:
		return nil, err
	}
	d.faults = append(d.faults, call.CheckWebhook(w, auth, s.cfg.CallRules)...)
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the webhook breaks the rules: nothing was changed", Fields: d.faults}
	}
	return webhookChanges(&was, w), nil
}

// authOf gives the credentials of a webhook's connector; nil without one.
func (s *Server) authOf(ctx context.Context, w *tidings.Webhook) (*tidings.Auth, error) {
	if w.Connector == 0 {
		return nil, nil
	}
	c, err := s.store.Connector(ctx, w.Account, w.Connector)
	if err != nil {
		return nil, err
	}
	return &c.Auth, nil
}

// applyRows replaces all rows; a row without a value keeps the value that its
// name has, so that a client can send back what it was shown.
func applyRows(d *decoder, o optional[[]headerRowJSON], w *tidings.Webhook) {
	if !o.set {
		return
	}
	rows := make([]tidings.Header, len(o.value))
	for i, in := range o.value {
		rows[i] = tidings.Header{Name: in.Name.value, Value: in.Value.value}
		if in.Value.given() {
			continue
		}
		kept := slices.IndexFunc(w.Headers, func(h tidings.Header) bool { return strings.EqualFold(h.Name, in.Name.value) })
		if kept < 0 {
			d.fault(fmt.Sprintf("headers[%d].value", i), "is required")
			continue
		}
		rows[i].Value = w.Headers[kept].Value
	}
	w.Headers = rows
}

func applyWebhookBody(o optional[webhookBodyJSON], b *tidings.Body) {
	switch {
	case o.null:
		*b = tidings.Body{}
	case o.set:
		format := string(b.Format)
		o.value.Format.put(&format, "")
		b.Format = tidings.BodyFormat(format)
		o.value.Template.put(&b.Template, "")
	}
}

// webhookChanges names what differs between two definitions.
func webhookChanges(was, is *tidings.Webhook) []string {
	var names []string
	note := func(name string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			names = append(names, name)
		}
	}
	note("name", was.Name, is.Name)
	note("description", was.Description, is.Description)
	note("method", was.Method, is.Method)
	note("url", was.URL, is.URL)
	if len(was.Headers)+len(is.Headers) > 0 {
		note("headers", was.Headers, is.Headers)
	}
	note("connectorId", was.Connector, is.Connector)
	note("body", was.Body, is.Body)
	note("timeoutMs", was.Timeout, is.Timeout)
	return names
}

func webhookView(w *tidings.Webhook) webhookJSON {
	v := webhookJSON{
		ID: w.ID, Name: w.Name, Description: w.Description, Method: w.Method, URL: w.URL, Headers: make([]shownRowJSON, len(w.Headers)),
		TimeoutMs: tidings.DefaultCallTimeout.Milliseconds(), Version: w.Version,
		CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(), DeletedAt: instant(w.DeletedAt),
	}
	if w.Timeout != 0 {
		v.TimeoutMs = w.Timeout.Milliseconds()
	}
	if w.Connector != 0 {
		v.ConnectorID = &w.Connector
	}
	if w.Body.Format != tidings.BodyNone {
		v.Body = &shownWebhookBodyJSON{w.Body.Format, w.Body.Template}
	}
	for i, h := range w.Headers {
		v.Headers[i].Name = h.Name
		if !secretRow(h) {
			v.Headers[i].Value = &w.Headers[i].Value
		}
	}
	return v
}

// secretRow says whether a header row holds a secret that was typed in: by its
// name, when its value is no template.
func secretRow(h tidings.Header) bool {
	return call.IsSecretName(h.Name) && h.Value != "" && !strings.ContainsAny(h.Value, "$#%")
}
