package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/feed"
)

// Endpoints is what the API asks of a store about endpoints. An endpoint of
// another account is CodeNotFound. Every change leaves its audit record.
type Endpoints interface {
	CreateEndpoint(ctx context.Context, ep tidings.Endpoint, start tidings.Start, actor string) (tidings.Endpoint, error)
	Endpoint(ctx context.Context, account tidings.AccountID, id tidings.EndpointID) (tidings.Endpoint, tidings.Position, error)
	// Endpoints gives at most limit endpoints after one, in the order of their ids, with their positions.
	Endpoints(ctx context.Context, account tidings.AccountID, after tidings.EndpointID, limit int) ([]tidings.Endpoint, []tidings.Position, error)
	// BlockedEndpoints is the same for those that are blocked, in the order in which they were.
	BlockedEndpoints(ctx context.Context, account tidings.AccountID, after tidings.EndpointID, limit int) ([]tidings.Endpoint, []tidings.Position, error)
	// UpdateEndpoint stores changed options and state; CodeConflict when the Version is not the stored one.
	UpdateEndpoint(ctx context.Context, ep tidings.Endpoint, actor, detail string) (tidings.Endpoint, error)
	DeleteEndpoint(ctx context.Context, account tidings.AccountID, id tidings.EndpointID, actor string) error
	Act(ctx context.Context, act tidings.Act) (tidings.Position, error)
}

type endpointPath struct {
	ID int64 `path:"id" minimum:"1" doc:"The endpoint's id."`
}

// onEndpoint is the input of an act on an endpoint that takes a body.
type onEndpoint[B any] struct {
	ID   int64 `path:"id" minimum:"1" doc:"The endpoint's id."`
	JSON body[B]
}

type shownEndpoint struct{ Body *endpointJSON }

type endpointsJSON struct {
	Endpoints []*endpointJSON `json:"endpoints"`
	Next      *int64          `json:"next" doc:"after of the next page; null on the last."`
}

func (s *Server) registerEndpoints() {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	operate(s, huma.Operation{
		OperationID: "create-endpoint", Method: http.MethodPost, Path: "/v1/endpoints", Tags: []string{"Endpoints"}, DefaultStatus: http.StatusCreated,
		Summary: "Create an endpoint",
		Description: "Needs name and url. The URL is probed by a GET: after a 200 the endpoint is active, otherwise it is kept deactivated and probe says why; " +
			"activate: anyway makes it active all the same. The signing secret is in this answer and nowhere else.",
		Errors: []int{400, 408, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/endpoints -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"name":"shop","url":"https://shop.example.com/activities","statuses":["CLICKED","READ"],"start":"beginning"}'`),
	}, manage, s.createEndpoint)
	operate(s, huma.Operation{
		OperationID: "list-endpoints", Method: http.MethodGet, Path: "/v1/endpoints", Tags: []string{"Endpoints"},
		Summary: "List endpoints with their state", Errors: []int{400, 503},
		Extensions: curl(`curl $TIDINGS/v1/endpoints -H "Authorization: Bearer $KEY"`),
	}, read, s.listEndpoints)
	operate(s, huma.Operation{
		OperationID: "get-endpoint", Method: http.MethodGet, Path: "/v1/endpoints/{id}", Tags: []string{"Endpoints"},
		Summary: "Show an endpoint: options, cursor, backlog, what blocks it", Errors: []int{400, 404, 503},
		Extensions: curl(`curl $TIDINGS/v1/endpoints/1 -H "Authorization: Bearer $KEY"`),
	}, read, s.getEndpoint)
	operate(s, huma.Operation{
		OperationID: "change-endpoint", Method: http.MethodPatch, Path: "/v1/endpoints/{id}", Tags: []string{"Endpoints"},
		Summary: "Change an endpoint's options",
		Description: "A JSON merge patch: absent = unchanged, null = the default. A new URL is probed as on create, and the endpoint becomes active or deactivated accordingly, in the same change. " +
			"Batches that were attempted already stay as they are. 409: somebody changed it meanwhile; read it and send again.",
		Errors:     []int{400, 404, 408, 409, 413, 415, 422, 503},
		Extensions: curl(`curl -X PATCH $TIDINGS/v1/endpoints/1 -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"batch":{"maxItems":100},"auth":null}'`),
	}, manage, s.changeEndpoint)
	operate(s, huma.Operation{
		OperationID: "delete-endpoint", Method: http.MethodDelete, Path: "/v1/endpoints/{id}", Tags: []string{"Endpoints"},
		Summary: "Delete an endpoint", Description: "An attempt in flight is cut off. The feed stays.", Errors: []int{400, 404, 503},
		Extensions: curl(`curl -X DELETE $TIDINGS/v1/endpoints/1 -H "Authorization: Bearer $KEY"`),
	}, manage, s.deleteEndpoint)
}

func (s *Server) createEndpoint(ctx context.Context, c caller, in *struct{ JSON body[newEndpointJSON] }) (*shownEndpoint, error) {
	asked := (*optionsJSON)(&in.JSON.value)
	if asked.Version.given() {
		return nil, invalidField("version", "is for a change: a new endpoint begins at 1")
	}
	ep := newEndpoint(c.account())
	if _, err := s.apply(asked, &ep); err != nil {
		return nil, err
	}
	secret, err := firstSecret(asked, &ep)
	if err != nil {
		return nil, err
	}
	start := tidings.Start{Now: true}
	if asked.Start.given() {
		start = asked.Start.value.Start
	}
	probe := s.settle(ctx, asked.Activate, &ep)
	ep, err = s.store.CreateEndpoint(ctx, ep, start, c.actor())
	if err != nil {
		return nil, err
	}
	s.reload(ctx, ep.ID)
	return s.show(ctx, ep.Account, ep.ID, func(v *endpointJSON) { v.Secret, v.Probe = secret, probe })
}

// firstSecret sets the signing secret of a new endpoint and gives what is to be shown of it.
func firstSecret(asked *optionsJSON, ep *tidings.Endpoint) (string, error) {
	signing := true
	asked.Signing.put(&signing, true)
	if !signing {
		if asked.Secret.given() {
			return "", invalidField("secret", "must be absent when signing is false")
		}
		return "", nil
	}
	secret := feed.NewSecret()
	if asked.Secret.given() {
		secret = asked.Secret.value
		if reason := feed.CheckSecret(secret); reason != "" {
			return "", invalidField("secret", reason)
		}
	}
	ep.Secrets = []tidings.Secret{{Value: secret}}
	return secret, nil
}

func invalidField(field, reason string) error {
	return &tidings.Error{Code: tidings.CodeInvalid, Message: "the request breaks the rules: nothing was changed", Fields: []tidings.FieldError{{Index: -1, Field: field, Reason: reason}}}
}

// settle probes an endpoint's URL and sets its state by the outcome and by what was asked.
func (s *Server) settle(ctx context.Context, activate optional[string], ep *tidings.Endpoint) *probeJSON {
	result := s.cfg.Probe(ctx, ep)
	ep.State = tidings.StateDeactivated
	switch activate.value {
	case "anyway":
		ep.State = tidings.StateActive
	case "never":
	default:
		if result.OK {
			ep.State = tidings.StateActive
		}
	}
	return probeView(result)
}

// reload tells the dispatcher of a change. It is stored: that the client has
// gone, or that the store can't be read now, is not the change's failure.
func (s *Server) reload(ctx context.Context, id tidings.EndpointID) {
	if err := s.cfg.Dispatcher.Reload(context.WithoutCancel(ctx), id); err != nil {
		s.log.LogAttrs(ctx, slog.LevelError, "an endpoint's change is stored and not yet in effect: it will be after a restart, or with its next change",
			slog.Int64("endpoint", int64(id)), slog.String("error", err.Error()))
	}
}

// show answers with an endpoint as it stands now.
func (s *Server) show(ctx context.Context, account tidings.AccountID, id tidings.EndpointID, also func(*endpointJSON)) (*shownEndpoint, error) {
	ep, pos, err := s.store.Endpoint(ctx, account, id)
	if err != nil {
		return nil, err
	}
	v, err := s.view(ctx, &ep, pos)
	if err != nil {
		return nil, err
	}
	also(v)
	return &shownEndpoint{v}, nil
}

func (s *Server) getEndpoint(ctx context.Context, c caller, in *endpointPath) (*shownEndpoint, error) {
	return s.show(ctx, c.account(), tidings.EndpointID(in.ID), func(*endpointJSON) {})
}

// endpointAt is an endpoint with its position.
type endpointAt struct {
	tidings.Endpoint
	position tidings.Position
}

// endpointsQuery chooses endpoints.
type endpointsQuery struct {
	Query   string `query:"q" maxLength:"200" doc:"Only those whose name or URL has this, in any case."`
	State   string `query:"state" enum:"active,deactivated" doc:"Only those in this state."`
	Blocked bool   `query:"blocked" doc:"true: only those whose waiting batch has failed, blocked the longest first. When the one given as after is blocked no more, the list begins anew."`
	After   int64  `query:"after" minimum:"0" doc:"next of the page before."`
	Limit   int    `query:"limit" minimum:"1" maximum:"100" default:"100" doc:"The most endpoints of a page."`
}

func (q *endpointsQuery) keep() func(*endpointAt) bool {
	says := saying(q.Query, func(one *endpointAt) []string { return []string{one.Name, one.URL} })
	if q.State == "" {
		return says
	}
	return func(one *endpointAt) bool {
		return one.State == tidings.State(q.State) && (says == nil || says(one))
	}
}

func (s *Server) listEndpoints(ctx context.Context, c caller, in *endpointsQuery) (*struct{ Body endpointsJSON }, error) {
	read := s.store.Endpoints
	if in.Blocked {
		read = s.store.BlockedEndpoints
	}
	id := func(one *endpointAt) int64 { return int64(one.ID) }
	list, err := pick(in.After, in.Limit, func(after int64, limit int) ([]endpointAt, error) {
		endpoints, positions, err := read(ctx, c.account(), tidings.EndpointID(after), limit)
		list := make([]endpointAt, len(endpoints))
		for i := range endpoints {
			list[i] = endpointAt{endpoints[i], positions[i]}
		}
		return list, err
	}, in.keep(), id)
	if err != nil {
		return nil, err
	}
	head, err := s.store.Head(ctx, c.account())
	if err != nil {
		return nil, err
	}
	out := endpointsJSON{Endpoints: make([]*endpointJSON, len(list))}
	for i := range list {
		if out.Endpoints[i], err = s.viewAt(ctx, &list[i].Endpoint, list[i].position, head); err != nil {
			return nil, err
		}
	}
	if len(list) == in.Limit {
		out.Next = ptr(id(&list[len(list)-1]))
	}
	return &struct{ Body endpointsJSON }{out}, nil
}

func (s *Server) changeEndpoint(ctx context.Context, c caller, in *onEndpoint[optionsJSON]) (*shownEndpoint, error) {
	asked := &in.JSON.value
	switch {
	case asked.Start.set:
		return nil, invalidField("start", "is for a create: move the cursor by POST …/seek")
	case asked.Secret.set:
		return nil, invalidField("secret", "is for a create: change it by POST …/rotate-secret")
	}
	ep, _, err := s.store.Endpoint(ctx, c.account(), tidings.EndpointID(in.ID))
	if err != nil {
		return nil, err
	}
	if asked.Version.given() && int64(asked.Version.value) != ep.Version { // before its URL is called
		return nil, tidings.Errorf(tidings.CodeConflict, "endpoint %d was changed since it was read (version %d, now %d): read it again and repeat the change", ep.ID, asked.Version.value, ep.Version)
	}
	url := ep.URL
	changed, err := s.apply(asked, &ep)
	if err != nil {
		return nil, err
	}
	secret, signing := resign(asked.Signing, &ep)
	if signing {
		changed = append(changed, "signing")
	}
	var probe *probeJSON
	switch {
	case ep.URL != url:
		probe = s.settle(ctx, asked.Activate, &ep)
		changed = append(changed, fmt.Sprintf("state (%s)", ep.State))
	case asked.Activate.given():
		return nil, invalidField("activate", "goes with a new url only: use POST …/activate or …/deactivate")
	}
	if len(changed) > 0 {
		if _, err = s.store.UpdateEndpoint(ctx, ep, c.actor(), "changed "+strings.Join(changed, ", ")); err != nil {
			return nil, err
		}
		s.reload(ctx, ep.ID)
	}
	return s.show(ctx, ep.Account, ep.ID, func(v *endpointJSON) { v.Secret, v.Probe = secret, probe })
}

// resign switches signing on or off and gives the secret to be shown, if one was made.
func resign(o optional[bool], ep *tidings.Endpoint) (secret string, changed bool) {
	had := len(ep.Secrets) > 0
	want := had
	o.put(&want, true)
	switch {
	case want == had:
		return "", false
	case !want:
		ep.Secrets = nil
		return "", true
	}
	secret = feed.NewSecret()
	ep.Secrets = []tidings.Secret{{Value: secret}}
	return secret, true
}

func (s *Server) deleteEndpoint(ctx context.Context, c caller, in *endpointPath) (*struct{}, error) {
	id := tidings.EndpointID(in.ID)
	if err := s.store.DeleteEndpoint(ctx, c.account(), id, c.actor()); err != nil {
		return nil, err
	}
	s.reload(ctx, id)
	return nil, nil
}
