package api

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/call"
)

// Connectors is what the API asks of a store about connectors. A connector of
// another account is CodeNotFound. Every change leaves its audit record.
type Connectors interface {
	CreateConnector(ctx context.Context, c tidings.Connector, actor string) (tidings.Connector, error)
	Connector(ctx context.Context, account tidings.AccountID, id tidings.ConnectorID) (tidings.Connector, error)
	// Connectors gives at most limit connectors after one, in the order of their ids.
	Connectors(ctx context.Context, account tidings.AccountID, after tidings.ConnectorID, limit int) ([]tidings.Connector, error)
	// UpdateConnector stores a changed connector; CodeConflict when the Version is not the stored one.
	UpdateConnector(ctx context.Context, c tidings.Connector, actor, detail string) (tidings.Connector, error)
	// DeleteConnector is CodeConflict, with the users as Fields, while the connector is used.
	DeleteConnector(ctx context.Context, account tidings.AccountID, id tidings.ConnectorID, actor string) error
	ConnectorUsers(ctx context.Context, id tidings.ConnectorID) ([]tidings.Use, error)
}

// connectorOptionsJSON is what can be set of a connector, on create and by a
// merge patch (RFC 7396).
type connectorOptionsJSON struct {
	Name    optional[string]            `json:"name,omitempty" maxLength:"200" doc:"1 to 200 characters, unique in the account."`
	Auth    optional[connectorAuthJSON] `json:"auth,omitempty" doc:"The credentials. In a patch, what is absent of them stays, the secret too, as long as the type does."`
	Version optional[int]               `json:"version,omitempty" doc:"Only in a patch: the version that was read; 409 when it has changed since."`
}

// newConnectorJSON is the same as the body of a create, where some are required.
type newConnectorJSON connectorOptionsJSON

type connectorAuthJSON struct {
	Type     optional[string] `json:"type,omitempty" enum:"basic,bearer,apiKey" doc:"basic: username and password. bearer: token. apiKey: key, in and name."`
	Username optional[string] `json:"username,omitempty" doc:"basic: without a colon; at most 8,192 bytes."`
	Password optional[string] `json:"password,omitempty" writeOnly:"true" doc:"basic: at most 8,192 bytes. Never shown."`
	Token    optional[string] `json:"token,omitempty" writeOnly:"true" doc:"bearer: at most 8,192 bytes. Never shown."`
	Key      optional[string] `json:"key,omitempty" writeOnly:"true" doc:"apiKey: at most 8,192 bytes. Never shown."`
	In       optional[string] `json:"in,omitempty" enum:"header,query" doc:"apiKey: where the key goes."`
	Name     optional[string] `json:"name,omitempty" doc:"apiKey: name of the header or of the query's parameter."`
}

// connectorJSON is a connector as it is shown: without its secret.
type connectorJSON struct {
	ID        tidings.ConnectorID    `json:"id"`
	Name      string                 `json:"name"`
	Auth      shownConnectorAuthJSON `json:"auth"`
	Version   int64                  `json:"version" doc:"Counts the changes."`
	CreatedAt time.Time              `json:"createdAt"`
	UpdatedAt time.Time              `json:"updatedAt"`
	UsedIn    []useJSON              `json:"usedIn,omitempty" doc:"The webhooks that use it, and the workflows that call them; only where one connector is shown."`
}

type shownConnectorAuthJSON struct {
	Type     tidings.AuthKind `json:"type" enum:"basic,bearer,apiKey"`
	Username string           `json:"username,omitempty"`
	In       tidings.KeyPlace `json:"in,omitempty" enum:"header,query"`
	Name     string           `json:"name,omitempty"`
	Set      bool             `json:"set" doc:"A password, token or key is set. It is never shown."`
}

// useJSON is a thing that uses another.
type useJSON struct {
	Kind tidings.UseKind `json:"kind" enum:"webhook,workflow,message,broadcast"`
	ID   int64           `json:"id"`
	Name string          `json:"name"`
}

func usesView(uses []tidings.Use) []useJSON {
	out := make([]useJSON, len(uses))
	for i, u := range uses {
		out[i] = useJSON(u)
	}
	return out
}

type connectorPath struct {
	ID int64 `path:"id" minimum:"1" doc:"The connector's id."`
}

type shownConnector struct{ Body connectorJSON }

type connectorsJSON struct {
	Connectors []connectorJSON `json:"connectors"`
	Next       *int64          `json:"next" doc:"after of the next page; null on the last."`
}

func (s *Server) registerConnectors() {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	operate(s, huma.Operation{
		OperationID: "create-connector", Method: http.MethodPost, Path: "/v1/connectors", Tags: []string{"Connectors"}, DefaultStatus: http.StatusCreated,
		Summary:     "Create a connector",
		Description: "Needs name and auth. The password, token or key is sealed at once and never shown again.",
		Errors:      []int{400, 408, 409, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/connectors -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"name":"CRM","auth":{"type":"apiKey","key":"…","in":"header","name":"X-Api-Key"}}'`),
	}, manage, s.createConnector)
	operate(s, huma.Operation{
		OperationID: "list-connectors", Method: http.MethodGet, Path: "/v1/connectors", Tags: []string{"Connectors"},
		Summary: "List connectors", Errors: []int{400, 503},
		Extensions: curl(`curl $TIDINGS/v1/connectors -H "Authorization: Bearer $KEY"`),
	}, read, s.listConnectors)
	operate(s, huma.Operation{
		OperationID: "get-connector", Method: http.MethodGet, Path: "/v1/connectors/{id}", Tags: []string{"Connectors"},
		Summary: "Show a connector and who uses it", Errors: []int{400, 404, 503},
		Extensions: curl(`curl $TIDINGS/v1/connectors/1 -H "Authorization: Bearer $KEY"`),
	}, read, s.getConnector)
	operate(s, huma.Operation{
		OperationID: "change-connector", Method: http.MethodPatch, Path: "/v1/connectors/{id}", Tags: []string{"Connectors"},
		Summary:     "Change a connector",
		Description: "A JSON merge patch: absent = unchanged. The next calls of its users go with the new credentials. 409: somebody changed it meanwhile; read it and send again.",
		Errors:      []int{400, 404, 408, 409, 413, 415, 422, 503},
		Extensions:  curl(`curl -X PATCH $TIDINGS/v1/connectors/1 -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"auth":{"key":"…"}}'`),
	}, manage, s.changeConnector)
	operate(s, huma.Operation{
		OperationID: "delete-connector", Method: http.MethodDelete, Path: "/v1/connectors/{id}", Tags: []string{"Connectors"},
		Summary: "Delete a connector and its secret", Description: "409 while webhooks use it: errors names them.", Errors: []int{400, 404, 409, 503},
		Extensions: curl(`curl -X DELETE $TIDINGS/v1/connectors/1 -H "Authorization: Bearer $KEY"`),
	}, manage, s.deleteConnector)
}

func (s *Server) createConnector(ctx context.Context, c caller, in *struct{ JSON body[newConnectorJSON] }) (*shownConnector, error) {
	asked := (*connectorOptionsJSON)(&in.JSON.value)
	if asked.Version.set {
		return nil, invalidField("version", "is for a change: a new connector begins at 1")
	}
	fresh := tidings.Connector{Account: c.account()}
	if _, err := applyConnector(asked, &fresh); err != nil {
		return nil, err
	}
	made, err := s.store.CreateConnector(ctx, fresh, c.actor())
	if err != nil {
		return nil, err
	}
	return &shownConnector{connectorView(&made)}, nil
}

func (s *Server) listConnectors(ctx context.Context, c caller, in *struct {
	After int64 `query:"after" minimum:"0" doc:"next of the page before."`
	Limit int   `query:"limit" minimum:"1" maximum:"100" default:"100" doc:"The most connectors of a page."`
},
) (*struct{ Body connectorsJSON }, error) {
	list, err := s.store.Connectors(ctx, c.account(), tidings.ConnectorID(in.After), in.Limit)
	if err != nil {
		return nil, err
	}
	var out connectorsJSON
	out.Connectors, out.Next = pageOf(list, in.Limit, connectorView, func(last *tidings.Connector) int64 { return int64(last.ID) })
	return &struct{ Body connectorsJSON }{out}, nil
}

func (s *Server) getConnector(ctx context.Context, c caller, in *connectorPath) (*shownConnector, error) {
	found, err := s.store.Connector(ctx, c.account(), tidings.ConnectorID(in.ID))
	if err != nil {
		return nil, err
	}
	users, err := s.store.ConnectorUsers(ctx, found.ID)
	if err != nil {
		return nil, err
	}
	calling, err := s.callersOf(ctx, c.account(), users)
	if err != nil {
		return nil, err
	}
	users = append(users, calling...)
	out := &shownConnector{connectorView(&found)}
	out.Body.UsedIn = usesView(users)
	return out, nil
}

func (s *Server) changeConnector(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The connector's id."`
	JSON body[connectorOptionsJSON]
},
) (*shownConnector, error) {
	asked := &in.JSON.value
	found, err := s.store.Connector(ctx, c.account(), tidings.ConnectorID(in.ID))
	if err != nil {
		return nil, err
	}
	if asked.Version.given() {
		found.Version = int64(asked.Version.value)
	}
	changed, err := applyConnector(asked, &found)
	if err != nil {
		return nil, err
	}
	if len(changed) > 0 {
		if found, err = s.store.UpdateConnector(ctx, found, c.actor(), "changed "+strings.Join(changed, ", ")); err != nil {
			return nil, err
		}
	}
	return &shownConnector{connectorView(&found)}, nil
}

func (s *Server) deleteConnector(ctx context.Context, c caller, in *connectorPath) (*struct{}, error) {
	return nil, s.store.DeleteConnector(ctx, c.account(), tidings.ConnectorID(in.ID), c.actor())
}

// applyConnector sets what is asked and checks the whole. What changed is
// named, never a value.
func applyConnector(o *connectorOptionsJSON, c *tidings.Connector) (changed []string, err error) {
	d := &decoder{}
	was := *c
	o.Name.put(&c.Name, "")
	if reason := tidings.CheckName(c.Name); reason != "" {
		d.fault("name", "%s", reason)
	}
	switch {
	case o.Auth.null:
		d.fault("auth", "must not be null: a connector is its credentials")
	case o.Auth.set:
		applyConnectorAuth(d, &o.Auth.value, &c.Auth)
	case c.ID == 0:
		d.fault("auth", "is required")
	}
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the connector breaks the rules: nothing was changed", Fields: d.faults}
	}
	if c.Name != was.Name {
		changed = append(changed, "name")
	}
	if !reflect.DeepEqual(c.Auth, was.Auth) {
		changed = append(changed, "auth")
	}
	return changed, nil
}

func applyConnectorAuth(d *decoder, in *connectorAuthJSON, auth *tidings.Auth) {
	if kind := tidings.AuthKind(in.Type.value); in.Type.given() && kind != auth.Kind {
		*auth = tidings.Auth{Kind: kind} // what is kept of another type would be sent as something it is not
	}
	secrets := []struct {
		kind  tidings.AuthKind
		name  string
		value optional[string]
	}{{tidings.AuthBasic, "password", in.Password}, {tidings.AuthBearer, "token", in.Token}, {tidings.AuthAPIKey, "key", in.Key}}
	secret := "type"
	for _, sc := range secrets {
		switch {
		case sc.kind == auth.Kind:
			secret = sc.name
			sc.value.put(&auth.Secret, "")
		case sc.value.given() && auth.Kind != "":
			d.fault("auth."+sc.name, "is not used by %s: leave it out", auth.Kind)
		}
	}
	in.Username.put(&auth.Username, "")
	place := string(auth.In)
	in.In.put(&place, "")
	auth.In = tidings.KeyPlace(place)
	in.Name.put(&auth.Name, "")
	if auth.Kind == "" {
		d.fault("auth.type", "is required: basic, bearer or apiKey")
		return
	}
	for _, f := range call.CheckAuth(auth) {
		switch f.Field {
		case "kind":
			f.Field = "type"
		case "secret":
			f.Field = secret
		}
		d.fault("auth."+f.Field, "%s", f.Reason)
	}
}

func connectorView(c *tidings.Connector) connectorJSON {
	return connectorJSON{
		ID: c.ID, Name: c.Name, Version: c.Version, CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
		Auth: shownConnectorAuthJSON{Type: c.Auth.Kind, Username: c.Auth.Username, In: c.Auth.In, Name: c.Auth.Name, Set: c.Auth.Secret != ""},
	}
}
