package api

import (
	"context"
	"net/http"
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
	CreatedAt time.Time         `json:"createdAt"`
	Key       keyJSON           `json:"key" doc:"The key of this request."`
	Head      tidings.Seq       `json:"head" doc:"The last seq of the account's feed."`
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
	head, err := s.store.Head(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body meJSON }{meJSON{
		ID: account.ID, Name: account.Name, CreatedAt: account.CreatedAt.UTC(), Key: keyView(c.key), Head: head,
	}}, nil
}
