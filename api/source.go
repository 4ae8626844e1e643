package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/source"
)

// Sources is what the API asks of a store about sources. A source of another
// account is CodeNotFound. Every change leaves its audit record.
type Sources interface {
	CreateSource(ctx context.Context, src tidings.Source, actor string) (tidings.Source, error)
	Source(ctx context.Context, account tidings.AccountID, id tidings.SourceID) (tidings.Source, error)
	// SourceByID gives a source whosever it is: its events come without a key.
	SourceByID(ctx context.Context, id tidings.SourceID) (tidings.Source, error)
	// Sources gives at most limit sources after one, in the order of their ids.
	Sources(ctx context.Context, account tidings.AccountID, after tidings.SourceID, limit int) ([]tidings.Source, error)
	// UpdateSource stores a changed source; CodeConflict when the Version is not the stored one.
	UpdateSource(ctx context.Context, src tidings.Source, actor, detail string) (tidings.Source, error)
	DeleteSource(ctx context.Context, account tidings.AccountID, id tidings.SourceID, actor string) error
	// AppendFromSource stores what is new of the events, in one commit.
	AppendFromSource(ctx context.Context, id tidings.SourceID, events []tidings.SourceEvent) (accepted, repeated int, err error)
}

type sourceInputJSON struct {
	Name    optional[string]            `json:"name,omitempty" maxLength:"200" doc:"1 to 200 characters."`
	Kind    optional[string]            `json:"kind,omitempty" enum:"sendgrid,ses,mailgun,postmark,twilio" doc:"Whose events these are; it can't be changed."`
	Secrets optional[sourceSecretsJSON] `json:"secrets,omitempty" writeOnly:"true" doc:"What its requests are verified by: see docs/sources.md. In a patch all of them are replaced. Never shown."`
	Version optional[int]               `json:"version,omitempty" doc:"Only in a patch: the version that was read; 409 when it has changed since."`
}

// sourceSecretsJSON is source.Secrets: each kind has its own.
type sourceSecretsJSON struct {
	PublicKey   string   `json:"publicKey,omitempty" doc:"sendgrid: the verification key of the Signed Event Webhook."`
	SigningKey  string   `json:"signingKey,omitempty" doc:"mailgun: the HTTP webhook signing key."`
	AuthToken   string   `json:"authToken,omitempty" doc:"twilio: the account's auth token."`
	Username    string   `json:"username,omitempty" doc:"postmark: of Basic authentication in the webhook's URL."`
	Password    string   `json:"password,omitempty" doc:"postmark: of Basic authentication."`
	HeaderName  string   `json:"headerName,omitempty" doc:"postmark: or a header of your own."`
	HeaderValue string   `json:"headerValue,omitempty" doc:"postmark: its value."`
	TopicARNs   []string `json:"topicArns,omitempty" doc:"ses: the ARNs of the SNS topics whose notifications are taken."`
}

// newSourceJSON is the same as the body of a create, where some are required.
type newSourceJSON sourceInputJSON

type sourceJSON struct {
	ID        tidings.SourceID `json:"id"`
	Name      string           `json:"name"`
	Kind      string           `json:"kind" enum:"sendgrid,ses,mailgun,postmark,twilio"`
	Path      string           `json:"path" doc:"Where its events are to be sent: this path of this server."`
	Set       bool             `json:"set" doc:"Its secrets are set. They are never shown."`
	Version   int64            `json:"version" doc:"Counts the changes."`
	CreatedAt time.Time        `json:"createdAt"`
	UpdatedAt time.Time        `json:"updatedAt"`
	LastAt    *time.Time       `json:"lastAt" doc:"When its newest event was taken; null = none was yet."`
}

type sourcesJSON struct {
	Sources []sourceJSON `json:"sources"`
	Next    *int64       `json:"next" doc:"after of the next page; null on the last."`
}

type shownSource struct{ Body sourceJSON }

type sourcePath struct {
	ID int64 `path:"id" minimum:"1" doc:"The source's id."`
}

func (s *Server) registerSources() {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	at := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"Sources"}, Summary: summary}
	}
	create := at(http.MethodPost, "/v1/sources", "create-source", "Create a source: events of another sender as activities")
	create.DefaultStatus, create.Errors = http.StatusCreated, []int{400, 408, 413, 415, 422, 503}
	create.Extensions = curl(`curl -X POST $TIDINGS/v1/sources -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"name":"SendGrid","kind":"sendgrid","secrets":{"publicKey":"…"}}'`)
	operate(s, create, manage, s.createSource)

	list := at(http.MethodGet, "/v1/sources", "list-sources", "List sources")
	list.Errors, list.Extensions = []int{400, 503}, curl(`curl $TIDINGS/v1/sources -H "Authorization: Bearer $KEY"`)
	operate(s, list, read, s.listSources)

	show := at(http.MethodGet, "/v1/sources/{id}", "get-source", "Show a source")
	show.Errors, show.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/sources/1 -H "Authorization: Bearer $KEY"`)
	operate(s, show, read, s.getSource)

	change := at(http.MethodPatch, "/v1/sources/{id}", "change-source", "Change a source's name or secret")
	change.Errors = []int{400, 404, 408, 409, 413, 415, 422, 503}
	change.Extensions = curl(`curl -X PATCH $TIDINGS/v1/sources/1 -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"secrets":{"publicKey":"…"}}'`)
	operate(s, change, manage, s.changeSource)

	remove := at(http.MethodDelete, "/v1/sources/{id}", "delete-source", "Delete a source and its secret")
	remove.Errors, remove.Extensions = []int{400, 404, 503}, curl(`curl -X DELETE $TIDINGS/v1/sources/1 -H "Authorization: Bearer $KEY"`)
	operate(s, remove, manage, s.deleteSource)
	s.registerSourceIntake()
	s.registerSourceLog()
}

func sourceView(src *tidings.Source) sourceJSON {
	return sourceJSON{
		ID: src.ID, Name: src.Name, Kind: src.Kind, Path: fmt.Sprintf("/v1/sources/%d", src.ID), Set: src.Secret != "",
		Version: src.Version, CreatedAt: src.CreatedAt.UTC(), UpdatedAt: src.UpdatedAt.UTC(), LastAt: instant(src.LastAt),
	}
}

// apply sets what is asked of a source. What changed is named, never a value.
func (in *sourceInputJSON) apply(src *tidings.Source) (changed []string, err error) {
	d := &decoder{}
	was := *src
	in.Name.put(&src.Name, "")
	if reason := tidings.CheckName(src.Name); reason != "" {
		d.fault("name", "%s", reason)
	}
	switch {
	case src.ID == 0 && in.Version.set:
		d.fault("version", "is for a change: a new source begins at 1")
	case src.ID != 0 && in.Kind.given() && in.Kind.value != src.Kind:
		d.fault("kind", "can't be changed: make another source")
	case src.ID == 0:
		src.Kind = in.Kind.value
	}
	if in.Version.given() {
		src.Version = int64(in.Version.value)
	}
	if in.Secrets.set || src.ID == 0 {
		src.Secret = in.secret(d, source.Kind(src.Kind))
	}
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the source breaks the rules: nothing was changed", Fields: d.faults}
	}
	if was.Name != src.Name {
		changed = append(changed, "name")
	}
	if was.Secret != src.Secret {
		changed = append(changed, "secrets")
	}
	return changed, nil
}

// secret gives the secrets in the form in which they are kept.
func (in *sourceInputJSON) secret(d *decoder, kind source.Kind) string {
	secrets := source.Secrets(in.Secrets.value)
	if err := source.Check(kind, secrets); err != nil {
		e, ok := errors.AsType[*tidings.Error](err)
		switch {
		case !slices.Contains(source.Kinds(), kind):
			d.fault("kind", "must be one of %v", source.Kinds())
		case ok && len(e.Fields) > 0:
			d.fault(join("secrets", e.Fields[0].Field), "%s", e.Message)
		case ok:
			d.fault("secrets", "%s", e.Message)
		default:
			d.fault("secrets", "can't be used: %s", err)
		}
		return ""
	}
	text, err := json.Marshal(secrets)
	if err != nil {
		panic(fmt.Sprintf("api: texts that can't be written as JSON: %v", err))
	}
	return string(text)
}

func (s *Server) createSource(ctx context.Context, c caller, in *struct{ JSON body[newSourceJSON] }) (*shownSource, error) {
	src := tidings.Source{Account: c.account()}
	if _, err := (*sourceInputJSON)(&in.JSON.value).apply(&src); err != nil {
		return nil, err
	}
	made, err := s.store.CreateSource(ctx, src, c.actor())
	if err != nil {
		return nil, err
	}
	return &shownSource{sourceView(&made)}, nil
}

func (s *Server) listSources(ctx context.Context, c caller, in *struct {
	Query string `query:"q" maxLength:"200" doc:"Only those whose name has this, in any case."`
	After int64  `query:"after" minimum:"0" doc:"next of the page before."`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"100" doc:"The most sources of a page."`
},
) (*struct{ Body sourcesJSON }, error) {
	id := func(one *tidings.Source) int64 { return int64(one.ID) }
	list, err := pick(in.After, in.Limit, func(after int64, limit int) ([]tidings.Source, error) {
		return s.store.Sources(ctx, c.account(), tidings.SourceID(after), limit)
	}, saying(in.Query, func(one *tidings.Source) []string { return []string{one.Name} }), id)
	if err != nil {
		return nil, err
	}
	var out sourcesJSON
	out.Sources, out.Next = pageOf(list, in.Limit, sourceView, id)
	return &struct{ Body sourcesJSON }{out}, nil
}

func (s *Server) getSource(ctx context.Context, c caller, in *sourcePath) (*shownSource, error) {
	src, err := s.store.Source(ctx, c.account(), tidings.SourceID(in.ID))
	if err != nil {
		return nil, err
	}
	return &shownSource{sourceView(&src)}, nil
}

func (s *Server) changeSource(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The source's id."`
	JSON body[sourceInputJSON]
},
) (*shownSource, error) {
	src, err := s.store.Source(ctx, c.account(), tidings.SourceID(in.ID))
	if err != nil {
		return nil, err
	}
	changed, err := in.JSON.value.apply(&src)
	if err != nil {
		return nil, err
	}
	if len(changed) > 0 || in.JSON.value.Version.given() {
		if src, err = s.store.UpdateSource(ctx, src, c.actor(), "changed "+wordsOf(changed)); err != nil {
			return nil, err
		}
	}
	return &shownSource{sourceView(&src)}, nil
}

func (s *Server) deleteSource(ctx context.Context, c caller, in *sourcePath) (*struct{}, error) {
	if err := s.store.DeleteSource(ctx, c.account(), tidings.SourceID(in.ID), c.actor()); err != nil {
		return nil, err
	}
	s.intakes.forget(tidings.SourceID(in.ID))
	return nil, nil
}
