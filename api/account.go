package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Accounts is what the API asks of a store about accounts.
type Accounts interface {
	// CreateAccount makes an account and its first key.
	CreateAccount(ctx context.Context, name string, first tidings.NewKey, actor string) (tidings.Account, tidings.Key, error)
	Account(ctx context.Context, id tidings.AccountID) (tidings.Account, error)
	// Accounts gives at most limit accounts after one, in the order of their ids.
	Accounts(ctx context.Context, after tidings.AccountID, limit int) ([]tidings.Account, error)
	// UpdateAccount stores a changed account; CodeConflict when the Version is not the stored one.
	UpdateAccount(ctx context.Context, a tidings.Account, actor, detail string) (tidings.Account, error)
}

type newAccountJSON struct {
	Name optional[string] `json:"name,omitempty" maxLength:"200" doc:"1 to 200 characters."`
}

type accountJSON struct {
	ID        tidings.AccountID `json:"id"`
	Name      string            `json:"name"`
	CreatedAt time.Time         `json:"createdAt"`
}

type createdAccountJSON struct {
	ID        tidings.AccountID `json:"id"`
	Name      string            `json:"name"`
	CreatedAt time.Time         `json:"createdAt"`
	APIKey    string            `json:"apiKey" doc:"The account's first key, with all scopes. It is in this answer and nowhere else."`
	Key       keyJSON           `json:"key"`
}

type accountsJSON struct {
	Accounts []accountJSON `json:"accounts"`
	Next     *int64        `json:"next" doc:"after of the next page; null on the last."`
}

type meJSON struct {
	ID        tidings.AccountID `json:"id"`
	Name      string            `json:"name"`
	Zone      string            `json:"zone" doc:"In which the browser's pages show times, as Europe/Oslo; empty = UTC."`
	Language  string            `json:"language" doc:"In which they write dates; empty = en-GB."`
	Version   int64             `json:"version" doc:"Counts the changes."`
	CreatedAt time.Time         `json:"createdAt"`
	Key       *keyJSON          `json:"key,omitempty" doc:"The key of this request."`
	User      *userJSON         `json:"user,omitempty" doc:"The user who is signed in, where that is who asks."`
	Head      tidings.Seq       `json:"head" doc:"The last seq of the account's feed."`
}

// accountChangeJSON is a merge patch (RFC 7396) of an account.
type accountChangeJSON struct {
	Name     optional[string] `json:"name,omitempty" maxLength:"200" doc:"1 to 200 characters."`
	Zone     optional[string] `json:"zone,omitempty" doc:"Name of a time zone in the IANA's database, as Europe/Oslo; null = UTC."`
	Language optional[string] `json:"language,omitempty" enum:"en-GB,en-US,de,es,fr,it,pl,uk" doc:"In which dates are written; null = en-GB."`
	Version  optional[int]    `json:"version,omitempty" doc:"The version that was read; 409 when it has changed since."`
}

func accountView(a tidings.Account) accountJSON {
	return accountJSON{ID: a.ID, Name: a.Name, CreatedAt: a.CreatedAt.UTC()}
}

func (s *Server) registerAccounts() {
	operate(s, huma.Operation{
		OperationID: "create-account", Method: http.MethodPost, Path: "/v1/accounts", Tags: []string{"Accounts"}, DefaultStatus: http.StatusCreated,
		Summary: "Create an account", Description: "The answer has the account's first API key; it is not shown again.", Errors: []int{400, 408, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/accounts -H "Authorization: Bearer $TIDINGS_ADMIN_TOKEN" -H "Content-Type: application/json" -d '{"name":"shop"}'`),
	}, access{admin: true}, s.createAccount)
	operate(s, huma.Operation{
		OperationID: "list-accounts", Method: http.MethodGet, Path: "/v1/accounts", Tags: []string{"Accounts"}, Summary: "List accounts", Errors: []int{400, 503},
		Extensions: curl(`curl $TIDINGS/v1/accounts -H "Authorization: Bearer $TIDINGS_ADMIN_TOKEN"`),
	}, access{admin: true}, s.listAccounts)
	operate(s, huma.Operation{
		OperationID: "get-own-account", Method: http.MethodGet, Path: "/v1/accounts/me", Tags: []string{"Accounts"}, Summary: "Show the account of this key", Errors: []int{503},
		Extensions: curl(`curl $TIDINGS/v1/accounts/me -H "Authorization: Bearer $KEY"`),
	}, access{}, s.ownAccount)
	operate(s, huma.Operation{
		OperationID: "change-own-account", Method: http.MethodPatch, Path: "/v1/accounts/me", Tags: []string{"Accounts"}, Summary: "Change the account of this key",
		Description: "A JSON merge patch: absent = unchanged. The zone and the language are those of the browser's pages.", Errors: []int{400, 408, 409, 413, 415, 422, 503},
		Extensions: curl(`curl -X PATCH $TIDINGS/v1/accounts/me -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"zone":"Europe/Oslo"}'`),
	}, access{scope: tidings.ScopeManage, owner: true}, s.changeAccount)
}

func (s *Server) createAccount(ctx context.Context, c caller, in *struct{ JSON body[newAccountJSON] }) (*struct{ Body createdAccountJSON }, error) {
	name := in.JSON.value.Name.value
	if reason := tidings.CheckName(name); reason != "" {
		return nil, invalidField("name", reason)
	}
	fresh := tidings.MakeKey("first", tidings.AllScopes())
	account, key, err := s.store.CreateAccount(ctx, name, fresh, c.actor())
	if err != nil {
		return nil, err
	}
	return &struct{ Body createdAccountJSON }{createdAccountJSON{
		ID: account.ID, Name: account.Name, CreatedAt: account.CreatedAt.UTC(), APIKey: fresh.Token, Key: keyView(key),
	}}, nil
}

func (s *Server) listAccounts(ctx context.Context, _ caller, in *struct {
	After int64 `query:"after" minimum:"0" doc:"next of the page before."`
	Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"The most accounts of a page."`
},
) (*struct{ Body accountsJSON }, error) {
	accounts, err := s.store.Accounts(ctx, tidings.AccountID(in.After), in.Limit)
	if err != nil {
		return nil, err
	}
	out := accountsJSON{Accounts: make([]accountJSON, len(accounts))}
	for i, a := range accounts {
		out.Accounts[i] = accountView(a)
	}
	if len(accounts) == in.Limit {
		out.Next = ptr(int64(accounts[len(accounts)-1].ID))
	}
	return &struct{ Body accountsJSON }{out}, nil
}

func (s *Server) ownAccount(ctx context.Context, c caller, _ *struct{}) (*struct{ Body meJSON }, error) {
	account, err := s.store.Account(ctx, c.account())
	if err != nil {
		return nil, err
	}
	return s.showOwn(ctx, c, account)
}

func (s *Server) showOwn(ctx context.Context, c caller, a tidings.Account) (*struct{ Body meJSON }, error) {
	head, err := s.store.Head(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	me := meJSON{ID: a.ID, Name: a.Name, Zone: a.Zone, Language: a.Language, Version: a.Version, CreatedAt: a.CreatedAt.UTC(), Head: head}
	if c.signedIn() {
		me.User = ptr(userView(&c.user))
	} else {
		me.Key = ptr(keyView(c.key))
	}
	return &struct{ Body meJSON }{me}, nil
}

func (s *Server) changeAccount(ctx context.Context, c caller, in *struct{ JSON body[accountChangeJSON] }) (*struct{ Body meJSON }, error) {
	a, err := s.store.Account(ctx, c.account())
	if err != nil {
		return nil, err
	}
	changed, err := in.JSON.value.apply(&a)
	if err != nil {
		return nil, err
	}
	if len(changed) > 0 {
		if a, err = s.store.UpdateAccount(ctx, a, c.actor(), strings.Join(changed, ", ")); err != nil {
			return nil, err
		}
	}
	return s.showOwn(ctx, c, a)
}

// apply sets what is asked of an account and names what changed.
func (in *accountChangeJSON) apply(a *tidings.Account) (changed []string, err error) {
	d := &decoder{}
	was := *a
	in.Name.put(&a.Name, "")
	in.Zone.put(&a.Zone, "")
	in.Language.put(&a.Language, "")
	if in.Version.given() {
		a.Version = int64(in.Version.value)
	}
	if reason := tidings.CheckName(a.Name); reason != "" {
		d.fault("name", "%s", reason)
	}
	if reason := tidings.CheckZone(a.Zone); reason != "" {
		d.fault("zone", "%s", reason)
	}
	if a.Language != "" && !slices.Contains(tidings.Languages(), a.Language) {
		d.fault("language", "must be one of %s", strings.Join(tidings.Languages(), ", "))
	}
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the account breaks the rules: nothing was changed", Fields: d.faults}
	}
	for _, field := range []struct{ name, was, is string }{
		{"name", was.Name, a.Name}, {"zone", was.Zone, a.Zone}, {"language", was.Language, a.Language},
	} {
		if field.was != field.is {
			changed = append(changed, field.name)
		}
	}
	return changed, nil
}
