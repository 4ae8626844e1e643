package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Events is what the API asks of a store about events. An event or type of
// another account is CodeNotFound.
type Events interface {
	// AddEvent stores an event and starts runs, in one commit.
	AddEvent(ctx context.Context, e tidings.Event, launches []tidings.Launch) (tidings.EventOutcome, error)
	Event(ctx context.Context, account tidings.AccountID, id tidings.EventID) (tidings.Event, error)
	Events(ctx context.Context, q tidings.EventQuery) ([]tidings.Event, error)
	EventTypes(ctx context.Context, account tidings.AccountID, after string, limit int) ([]tidings.EventType, error)
	// EventType gives a type with the parameters that its latest events had.
	EventType(ctx context.Context, account tidings.AccountID, id tidings.EventTypeID) (tidings.EventType, error)
	EventTypeByKey(ctx context.Context, account tidings.AccountID, key string) (tidings.EventType, error)
	// UpdateEventType stores name and uniqueness, with an audit record.
	UpdateEventType(ctx context.Context, t tidings.EventType, actor string) error
}

type newEventJSON struct {
	EventTypeKey optional[string]          `json:"eventTypeKey,omitempty" maxLength:"100" doc:"What happened: at most 100 characters. A type appears with its first event."`
	KeyValue     optional[string]          `json:"keyValue,omitempty" maxLength:"300" doc:"Which one: at most 300 characters. Default: the parameter that names the contact."`
	Params       optional[eventParamsJSON] `json:"params,omitempty" doc:"The parameters: {name: value}, or [{name, value}]; any JSON values, together at most 20,480 bytes."`
}

type eventJSON struct {
	ID           tidings.EventID    `json:"id"`
	EventTypeKey string             `json:"eventTypeKey"`
	KeyValue     string             `json:"keyValue"`
	ContactID    *tidings.ContactID `json:"contactId" doc:"Whom it is about; null = nobody was found."`
	At           time.Time          `json:"at" doc:"When it arrived."`
	Params       []eventParamJSON   `json:"params"`
}

type eventParamJSON struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value" doc:"Any JSON value."`
}

type acceptedEventJSON struct {
	ID             tidings.EventID    `json:"id"`
	ContactID      *tidings.ContactID `json:"contactId" doc:"Whom it is about; null = nobody was found."`
	ContactCreated bool               `json:"contactCreated" doc:"Nobody was found, so a contact was made of what the parameters say."`
	Repeated       bool               `json:"repeated" doc:"The type keeps one event for each keyValue, and had this one: nothing was stored."`
	RunIDs         []tidings.RunID    `json:"runIds" doc:"Runs of workflows that it started."`
}

type eventsJSON struct {
	Events []*eventJSON `json:"events" doc:"Newest first."`
	Next   *int64       `json:"next" doc:"before of the next page; null on the last."`
}

type eventTypeJSON struct {
	ID         tidings.EventTypeID `json:"id"`
	Key        string              `json:"key" doc:"eventTypeKey."`
	Name       string              `json:"name" doc:"What it is called for people; empty = as the key."`
	UniqueKeys bool                `json:"uniqueKeys" doc:"One event is kept for each keyValue."`
	CreatedAt  time.Time           `json:"createdAt"`
	LastAt     *time.Time          `json:"lastAt" doc:"When its newest event arrived."`
}

type eventTypesJSON struct {
	Types []eventTypeJSON `json:"types"`
	Next  *string         `json:"next" doc:"after of the next page; null on the last."`
}

type eventTypeWithParamsJSON struct {
	Type   eventTypeJSON    `json:"type"`
	Params []eventParamJSON `json:"params" doc:"What its latest events had, each with its latest value."`
}

type eventTypePatchJSON struct {
	Name       optional[string] `json:"name,omitempty" maxLength:"200" doc:"What it is called for people; null = as the key."`
	UniqueKeys optional[bool]   `json:"uniqueKeys,omitempty" doc:"true: from now on one event is kept for each keyValue; a repeat is answered and not stored. Default false."`
}

func eventView(e *tidings.Event) *eventJSON {
	return &eventJSON{
		ID: e.ID, EventTypeKey: e.TypeKey, KeyValue: e.KeyValue, ContactID: someContact(e.Contact), At: e.At.UTC(), Params: paramViews(e.Params),
	}
}

// someContact gives nil for nobody.
func someContact(id tidings.ContactID) *tidings.ContactID {
	if id == 0 {
		return nil
	}
	return &id
}

func paramViews(params []tidings.EventParam) []eventParamJSON {
	out := make([]eventParamJSON, len(params))
	for i, p := range params {
		out[i] = eventParamJSON{p.Name, p.Value}
	}
	return out
}

func eventTypeView(t *tidings.EventType) eventTypeJSON {
	return eventTypeJSON{ID: t.ID, Key: t.Key, Name: t.Name, UniqueKeys: t.UniqueKeys, CreatedAt: t.CreatedAt, LastAt: instant(t.LastAt)}
}

func (s *Server) registerEvents() {
	read, manage := access{scope: tidings.ScopeRead}, access{scope: tidings.ScopeManage}
	operate(s, huma.Operation{
		OperationID: "add-event", Method: http.MethodPost, Path: "/v1/events", Tags: []string{"Events"},
		Summary: "Tell of something that happened",
		Description: "The contact is found by the parameters ContactId, externalCustomerId, Email (EmailAddress, UserEmail, ContactEmail), Phone (SMS, PhoneNumber), " +
			"PushToken, MobPushToken, TelegramBotToken, in this order, in any case; when they name nobody, a contact is made of them. " +
			"An event needs a keyValue or one of these parameters. It is answered once it is durable, the runs of workflows that it starts with it.",
		Errors: []int{400, 408, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/events -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"eventTypeKey":"order","keyValue":"1042","params":{"email":"ann@example.com","total":129.50,"items":[{"sku":"A1"}]}}'`),
	}, write(), s.addEvent)
	operate(s, huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: "/v1/events", Tags: []string{"Events"},
		Summary: "List received events, newest first", Errors: []int{400, 404, 503},
		Extensions: curl(`curl "$TIDINGS/v1/events?eventTypeKey=order" -H "Authorization: Bearer $KEY"`),
	}, read, s.listEvents)
	operate(s, huma.Operation{
		OperationID: "get-event", Method: http.MethodGet, Path: "/v1/events/{id}", Tags: []string{"Events"}, Summary: "Show an event", Errors: []int{400, 404, 503},
		Extensions: curl(`curl $TIDINGS/v1/events/1 -H "Authorization: Bearer $KEY"`),
	}, read, s.getEvent)
	operate(s, huma.Operation{
		OperationID: "list-event-types", Method: http.MethodGet, Path: "/v1/event-types", Tags: []string{"Events"}, Summary: "List the types of events, by key", Errors: []int{400, 503},
		Extensions: curl(`curl $TIDINGS/v1/event-types -H "Authorization: Bearer $KEY"`),
	}, read, s.listEventTypes)
	operate(s, huma.Operation{
		OperationID: "get-event-type", Method: http.MethodGet, Path: "/v1/event-types/{id}", Tags: []string{"Events"},
		Summary: "Show a type of events with the parameters that they have", Errors: []int{400, 404, 503},
		Extensions: curl(`curl $TIDINGS/v1/event-types/1 -H "Authorization: Bearer $KEY"`),
	}, read, s.getEventType)
	operate(s, huma.Operation{
		OperationID: "change-event-type", Method: http.MethodPatch, Path: "/v1/event-types/{id}", Tags: []string{"Events"},
		Summary: "Change a type's name, or whether it keeps one event for each keyValue", Errors: []int{400, 404, 408, 413, 415, 422, 503},
		Extensions: curl(`curl -X PATCH $TIDINGS/v1/event-types/1 -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"uniqueKeys":true}'`),
	}, manage, s.changeEventType)
}

func (s *Server) addEvent(ctx context.Context, c caller, in *struct{ JSON body[newEventJSON] }) (*struct{ Body acceptedEventJSON }, error) {
	asked := &in.JSON.value
	e := tidings.Event{Account: c.account(), TypeKey: asked.EventTypeKey.value, KeyValue: asked.KeyValue.value, Params: asked.Params.value.list}
	if faults := tidings.CheckEvent(&e); len(faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the event breaks the rules: nothing was stored", Fields: faults}
	}
	launches, err := s.cfg.Launches(ctx, e.Account, &e)
	if err != nil {
		return nil, err
	}
	out, err := s.store.AddEvent(ctx, e, launches)
	if err != nil {
		return nil, err
	}
	return &struct{ Body acceptedEventJSON }{acceptedEventJSON{
		out.Event.ID, someContact(out.Event.Contact), out.ContactCreated, out.Repeated, append([]tidings.RunID{}, out.Runs...),
	}}, nil
}

func (s *Server) listEvents(ctx context.Context, c caller, in *struct {
	Type     string `query:"eventTypeKey" maxLength:"400" doc:"Only events of this type."`
	KeyValue string `query:"keyValue" maxLength:"1200" doc:"Only those with this keyValue; goes with eventTypeKey."`
	Contact  int64  `query:"contactId" minimum:"0" doc:"Only those about this contact."`
	Before   int64  `query:"before" minimum:"0" doc:"next of the page before."`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"The most events of a page."`
},
) (*struct{ Body eventsJSON }, error) {
	q := tidings.EventQuery{Account: c.account(), KeyValue: in.KeyValue, Contact: tidings.ContactID(in.Contact), Before: tidings.EventID(in.Before), Limit: in.Limit}
	if in.Type != "" {
		t, err := s.store.EventTypeByKey(ctx, c.account(), in.Type)
		if err != nil {
			return nil, err
		}
		q.Type = t.ID
	} else if in.KeyValue != "" {
		return nil, unreadable("the request's parameters are wrong", tidings.FieldError{Index: -1, Field: "keyValue", Reason: "goes with eventTypeKey"})
	}
	events, err := s.store.Events(ctx, q)
	if err != nil {
		return nil, err
	}
	var out eventsJSON
	out.Events, out.Next = pageOf(events, in.Limit, eventView, func(last *tidings.Event) int64 { return int64(last.ID) })
	return &struct{ Body eventsJSON }{out}, nil
}

func (s *Server) getEvent(ctx context.Context, c caller, in *struct {
	ID int64 `path:"id" minimum:"1" doc:"The event's id."`
},
) (*struct{ Body *eventJSON }, error) {
	e, err := s.store.Event(ctx, c.account(), tidings.EventID(in.ID))
	if err != nil {
		return nil, err
	}
	return &struct{ Body *eventJSON }{eventView(&e)}, nil
}

func (s *Server) listEventTypes(ctx context.Context, c caller, in *struct {
	Query string `query:"q" maxLength:"200" doc:"Only those whose key or name has this, in any case."`
	After string `query:"after" maxLength:"400" doc:"next of the page before."`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"The most types of a page."`
},
) (*struct{ Body eventTypesJSON }, error) {
	key := in.After // of the last one that was read: types are listed by key
	types, err := pick(0, in.Limit, func(_ int64, limit int) ([]tidings.EventType, error) {
		list, err := s.store.EventTypes(ctx, c.account(), key, limit)
		if len(list) > 0 {
			key = list[len(list)-1].Key
		}
		return list, err
	}, saying(in.Query, func(one *tidings.EventType) []string { return []string{one.Key, one.Name} }), func(*tidings.EventType) int64 { return 0 })
	if err != nil {
		return nil, err
	}
	out := eventTypesJSON{Types: make([]eventTypeJSON, len(types))}
	for i := range types {
		out.Types[i] = eventTypeView(&types[i])
	}
	if len(types) == in.Limit {
		out.Next = &types[len(types)-1].Key
	}
	return &struct{ Body eventTypesJSON }{out}, nil
}

type eventTypePath struct {
	ID int64 `path:"id" minimum:"1" doc:"The event type's id."`
}

func (s *Server) getEventType(ctx context.Context, c caller, in *eventTypePath) (*struct{ Body eventTypeWithParamsJSON }, error) {
	t, err := s.store.EventType(ctx, c.account(), tidings.EventTypeID(in.ID))
	if err != nil {
		return nil, err
	}
	return &struct{ Body eventTypeWithParamsJSON }{eventTypeWithParamsJSON{eventTypeView(&t), paramViews(t.Params)}}, nil
}

func (s *Server) changeEventType(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The event type's id."`
	JSON body[eventTypePatchJSON]
},
) (*struct{ Body eventTypeJSON }, error) {
	asked := &in.JSON.value
	t, err := s.store.EventType(ctx, c.account(), tidings.EventTypeID(in.ID))
	if err != nil {
		return nil, err
	}
	was := fmt.Sprint(t.Name, t.UniqueKeys)
	asked.Name.put(&t.Name, "")
	asked.UniqueKeys.put(&t.UniqueKeys, false)
	d := &decoder{}
	if d.label("name", t.Name); len(d.faults) > 0 {
		return nil, invalidField("name", d.faults[0].Reason)
	}
	if fmt.Sprint(t.Name, t.UniqueKeys) != was {
		if err := s.store.UpdateEventType(ctx, t, c.actor()); err != nil {
			return nil, err
		}
	}
	return &struct{ Body eventTypeJSON }{eventTypeView(&t)}, nil
}
