package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Keys is what the API asks of a store about API keys.
type Keys interface {
	CreateKey(ctx context.Context, account tidings.AccountID, fresh tidings.NewKey, actor string) (tidings.Key, error)
	// Keys gives all keys of an account, the revoked ones too.
	Keys(ctx context.Context, account tidings.AccountID) ([]tidings.Key, error)
	RevokeKey(ctx context.Context, account tidings.AccountID, id tidings.KeyID, actor string) error
	// KeyByDigest gives the valid key with a token of this digest; CodeUnauthorized when there is none.
	KeyByDigest(ctx context.Context, digest [32]byte) (tidings.Key, error)
}

type newKeyJSON struct {
	Name   optional[string]   `json:"name,omitempty" maxLength:"200" doc:"What it is for: 1 to 200 characters."`
	Scopes optional[[]string] `json:"scopes,omitempty" enum:"ingest,read,manage" doc:"What it may do. None includes another."`
}

type keyJSON struct {
	ID        tidings.KeyID   `json:"id"`
	Name      string          `json:"name"`
	Prefix    string          `json:"prefix" doc:"The first characters of the key, to tell keys apart."`
	Scopes    []tidings.Scope `json:"scopes"`
	CreatedAt time.Time       `json:"createdAt"`
	RevokedAt *time.Time      `json:"revokedAt" doc:"null while it is valid."`
}

type createdKeyJSON struct {
	Key    keyJSON `json:"key"`
	APIKey string  `json:"apiKey" doc:"The key itself. It is in this answer and nowhere else."`
}

type keysJSON struct {
	Keys []keyJSON `json:"keys"`
}

func keyView(k tidings.Key) keyJSON {
	return keyJSON{ID: k.ID, Name: k.Name, Prefix: k.Prefix, Scopes: k.Scopes, CreatedAt: k.CreatedAt.UTC(), RevokedAt: instant(k.RevokedAt)}
}

// ofAccount names the account whose keys are meant.
type ofAccount struct {
	Account string `path:"account" doc:"The account's id, or me for the account of this key."`
}

func (s *Server) registerKeys() {
	both := access{scope: tidings.ScopeManage, admin: true, owner: true}
	operate(s, huma.Operation{
		OperationID: "list-keys", Method: http.MethodGet, Path: "/v1/accounts/{account}/keys", Tags: []string{"Accounts"}, Summary: "List an account's keys", Errors: []int{404, 503},
		Extensions: curl(`curl $TIDINGS/v1/accounts/me/keys -H "Authorization: Bearer $KEY"`),
	}, both, s.listKeys)
	operate(s, huma.Operation{
		OperationID: "create-key", Method: http.MethodPost, Path: "/v1/accounts/{account}/keys", Tags: []string{"Accounts"}, DefaultStatus: http.StatusCreated,
		Summary: "Add a key", Description: "The key is in this answer and nowhere else. An account's key can give no scope that it has not itself; the admin can give all.", Errors: []int{400, 404, 408, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/accounts/me/keys -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"name":"collector","scopes":["ingest"]}'`),
	}, both, s.createKey)
	operate(s, huma.Operation{
		OperationID: "revoke-key", Method: http.MethodDelete, Path: "/v1/accounts/{account}/keys/{key}", Tags: []string{"Accounts"},
		Summary: "Revoke a key", Description: "It is refused from its next use on. It stays in the list. Revoking it again changes nothing.", Errors: []int{400, 404, 503},
		Extensions: curl(`curl -X DELETE $TIDINGS/v1/accounts/me/keys/7 -H "Authorization: Bearer $KEY"`),
	}, both, s.revokeKey)
}

// accountOf says which account is meant, as far as the caller reaches it:
// another's is as if it were not there.
func accountOf(c caller, path string) (tidings.AccountID, error) {
	if path == "me" {
		if c.admin {
			return 0, tidings.Errorf(tidings.CodeNotFound, "the admin has no account of its own: name one by its id")
		}
		return c.account(), nil
	}
	id, err := strconv.ParseInt(path, 10, 64)
	if err != nil || id < 1 || (!c.admin && tidings.AccountID(id) != c.account()) {
		return 0, tidings.Errorf(tidings.CodeNotFound, "there is no account %q", path)
	}
	return tidings.AccountID(id), nil
}

func (s *Server) listKeys(ctx context.Context, c caller, in *ofAccount) (*struct{ Body keysJSON }, error) {
	account, err := accountOf(c, in.Account)
	if err != nil {
		return nil, err
	}
	keys, err := s.store.Keys(ctx, account)
	if err != nil {
		return nil, err
	}
	out := keysJSON{Keys: make([]keyJSON, len(keys))}
	for i, k := range keys {
		out.Keys[i] = keyView(k)
	}
	return &struct{ Body keysJSON }{out}, nil
}

func (s *Server) createKey(ctx context.Context, c caller, in *struct {
	Account string `path:"account" doc:"The account's id, or me for the account of this key."`
	JSON    body[newKeyJSON]
},
) (*struct{ Body createdKeyJSON }, error) {
	account, err := accountOf(c, in.Account)
	if err != nil {
		return nil, err
	}
	asked := &in.JSON.value
	scopes := make([]tidings.Scope, len(asked.Scopes.value))
	for i, name := range asked.Scopes.value {
		scopes[i] = tidings.Scope(name)
	}
	if reason := tidings.CheckName(asked.Name.value); reason != "" {
		return nil, invalidField("name", reason)
	}
	if reason := tidings.CheckScopes(scopes); reason != "" {
		return nil, invalidField("scopes", reason)
	}
	for _, sc := range scopes {
		if !c.admin && !c.key.Allows(sc) {
			return nil, tidings.Errorf(tidings.CodeForbidden, "this key has not the scope %q, so it can't give it", sc)
		}
	}
	fresh := tidings.MakeKey(asked.Name.value, scopes)
	key, err := s.store.CreateKey(ctx, account, fresh, c.actor())
	if err != nil {
		return nil, err
	}
	return &struct{ Body createdKeyJSON }{createdKeyJSON{keyView(key), fresh.Token}}, nil
}

func (s *Server) revokeKey(ctx context.Context, c caller, in *struct {
	Account string `path:"account" doc:"The account's id, or me for the account of this key."`
	Key     int64  `path:"key" minimum:"1" doc:"The key's id."`
},
) (*struct{}, error) {
	account, err := accountOf(c, in.Account)
	if err != nil {
		return nil, err
	}
	if err := s.store.RevokeKey(ctx, account, tidings.KeyID(in.Key), c.actor()); err != nil {
		return nil, err
	}
	s.auth.forget(tidings.KeyID(in.Key))
	return nil, nil
}
