package ui

import (
	"net/http"
	"time"

	"tidings"
	"tidings/ui/part"
)

func (s *Server) registerKeys() {
	s.own(http.MethodGet, "/settings/keys", (*visit).keysPage)
	s.own(http.MethodPost, "/settings/keys", (*visit).createKey)
	s.own(http.MethodGet, "/settings/keys/{id}/revoke", (*visit).revokeKeyPage)
	s.own(http.MethodPost, "/settings/keys/{id}/revoke", (*visit).revokeKey)
}

// apiKey is a key as the API shows it.
type apiKey struct {
	ID        int64      `json:"id"`
	Name      string     `json:"name"`
	Prefix    string     `json:"prefix"`
	Scopes    []string   `json:"scopes"`
	CreatedAt time.Time  `json:"createdAt"`
	RevokedAt *time.Time `json:"revokedAt"`
}

// keysView is the page of keys, with the form of a new one.
type keysView struct {
	clock  part.Clock
	Keys   []apiKey
	Name   string
	Scopes []string
	Wrong  *refusal
	Made   string // a key that was just made: it is shown this once
	Try    string // a command that uses it
}

func (v *visit) readKeys() (keysView, error) {
	k := keysView{clock: v.clock, Scopes: []string{string(tidings.ScopeIngest)}}
	var out struct {
		Keys []apiKey `json:"keys"`
	}
	err := v.get("/v1/accounts/me/keys", nil, &out)
	k.Keys = out.Keys
	return k, err
}

func (v *visit) showKeys(k keysView) error {
	return v.page(view{Title: "API keys", Purpose: "What programs sign in with. Each key may do what its scopes say, in this account."}, keysPage(k))
}

func (v *visit) keysPage() error {
	k, err := v.readKeys()
	if err != nil {
		return err
	}
	return v.showKeys(k)
}

func (v *visit) createKey() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	var made struct {
		APIKey string `json:"apiKey"`
	}
	name, scopes := f.text("name"), f.list("scopes")
	failed := v.post("/v1/accounts/me/keys", map[string]any{"name": name, "scopes": scopes}, &made)
	r, refused := wrong(failed)
	if failed != nil && !refused {
		return failed
	}
	k, err := v.readKeys()
	if err != nil {
		return err
	}
	if refused {
		k.Name, k.Scopes, k.Wrong = name, scopes, r
		v.wrongForm()
		return v.showKeys(k)
	}
	k.Made, k.Try = made.APIKey, `curl `+v.baseURL()+`/v1/accounts/me -H "Authorization: Bearer `+made.APIKey+`"`
	return v.showKeys(k)
}

// key finds a key of the account that may still be revoked.
func (v *visit) key() (apiKey, error) {
	id, err := v.id("id")
	if err != nil {
		return apiKey{}, err
	}
	k, err := v.readKeys()
	if err != nil {
		return apiKey{}, err
	}
	for _, key := range k.Keys {
		if key.ID == id {
			return key, nil
		}
	}
	return apiKey{}, v.nothingHere()
}

func (v *visit) revokeKeyPage() error {
	key, err := v.key()
	if err != nil {
		return err
	}
	return v.page(view{Title: "Revoke " + key.Name, Active: "/settings/keys", Crumbs: []part.Link{{Label: "API keys", Href: "/settings/keys"}}}, revokeKeyPage(key))
}

func (v *visit) revokeKey() error {
	key, err := v.key()
	if err != nil {
		return err
	}
	if err := v.remove("/v1/accounts/me/keys/" + decimal(key.ID)); err != nil {
		return err
	}
	return v.done("/settings/keys", "The key "+key.Name+" is revoked: it is refused from now on.")
}

// scopeOptions are the scopes, in words.
func scopeOptions() []part.Option {
	return []part.Option{
		{Value: string(tidings.ScopeIngest), Label: "ingest", Note: "adds activities, events and contacts"},
		{Value: string(tidings.ScopeRead), Label: "read", Note: "reads everything but keys and the audit"},
		{Value: string(tidings.ScopeManage), Label: "manage", Note: "changes everything, keys included"},
	}
}

// fault is what is wrong with a field of the form of a new key.
func (k keysView) fault(field string) string {
	if k.Wrong == nil {
		return ""
	}
	return k.Wrong.Errors.under(field)
}
