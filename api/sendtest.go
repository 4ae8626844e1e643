package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/call"
	"tidings/scope"
)

// Caller is what the API asks of the one that sends webhooks (call.Caller).
type Caller interface {
	Do(ctx context.Context, o call.Order) call.Result
	// Preview makes the request and sends nothing; Sketch makes each part of it by itself.
	Preview(ctx context.Context, o call.Order) call.Result
	Sketch(ctx context.Context, o call.Order) []call.Piece
	Hosts(account tidings.AccountID) []call.HostState
}

// TestData is what the API asks of a store about whom and what a test is made
// with. Another account's are CodeNotFound.
type TestData interface {
	Contact(ctx context.Context, account tidings.AccountID, id tidings.ContactID) (tidings.Contact, error)
	Event(ctx context.Context, account tidings.AccountID, id tidings.EventID) (tidings.Event, error)
	// Fields gives the additional fields of the account's contacts.
	Fields(ctx context.Context, account tidings.AccountID) ([]tidings.Field, error)
}

// longestTest is how long a test may take, all tries and waits together. It
// leaves the answer time to be written.
const longestTest = longestOperation - 10*time.Second

// testJSON says with what a webhook is tried.
type testJSON struct {
	Webhook            optional[definitionJSON] `json:"webhook,omitempty" doc:"What to try instead of what is saved, as in a patch: absent = as it is saved. Required where nothing is saved."`
	ContactID          optional[int]            `json:"contactId,omitempty" doc:"A contact of the account."`
	Contact            optional[anyJSON]        `json:"contact,omitempty" doc:"Or an invented contact: names as templates call them, in any case, e.g. {\"email\":\"ann@example.com\",\"TOWN\":\"Львів\",\"PERSONAL.BONUS\":10}."`
	EventID            optional[int]            `json:"eventId,omitempty" doc:"An event that was received."`
	Event              optional[testEventJSON]  `json:"event,omitempty" doc:"Or an event typed in."`
	Replies            optional[anyJSON]        `json:"replies,omitempty" doc:"Replies of earlier webhooks of a run, for templates that use them: an object of any JSON values by the webhooks' names."`
	WorkflowInstanceID optional[string]         `json:"workflowInstanceId,omitempty" maxLength:"200" doc:"What $workflowInstanceId is. Default: test."`
}

func (*testJSON) maxBytes() int { return (*definitionJSON)(nil).maxBytes() + tidings.MaxReply }

// testUnsavedJSON is the same where nothing is saved.
type testUnsavedJSON testJSON

func (*testUnsavedJSON) maxBytes() int { return (*testJSON)(nil).maxBytes() }

type testEventJSON struct {
	EventTypeKey optional[string]          `json:"eventTypeKey,omitempty" doc:"At most 100 characters. Default: test."`
	KeyValue     optional[string]          `json:"keyValue,omitempty" doc:"At most 300 characters. Default: test."`
	Params       optional[eventParamsJSON] `json:"params,omitempty" doc:"The parameters: {name: value}, or [{name, value}]."`
}

// testedJSON is what came of a test.
type testedJSON struct {
	OK         bool             `json:"ok" doc:"The reply is 2xx and can be read."`
	Outcome    tidings.Outcome  `json:"outcome" doc:"What kind of end it was, for programs: ok, template (nothing was sent), status, timeout, …"`
	Error      string           `json:"error" doc:"What went wrong and what to do; empty when ok."`
	Problem    *problemAtJSON   `json:"problem" doc:"Where the request could not be made; null when it was sent."`
	Inputs     inputsJSON       `json:"inputs" doc:"What the request needs."`
	Request    *sentRequestJSON `json:"request" doc:"As it was sent, secrets masked; null when it could not be made."`
	Reply      *replyJSON       `json:"reply" doc:"To the last try; null when there was none."`
	Tries      []tryJSON        `json:"tries"`
	DurationMs float64          `json:"durationMs" doc:"Of all tries and the waits between them."`
	Warnings   []warningJSON    `json:"warnings" doc:"What may not be meant: values that are empty, a reply that is cut or is not what it says it is."`
	Values     []leafJSON       `json:"values" doc:"Every value of the reply and how templates reach it."`
	MoreValues bool             `json:"moreValues" doc:"There are more than are listed."`
	CallID     *tidings.CallID  `json:"callId" doc:"In the log of calls; null when it could not be noted there."`
}

type problemAtJSON struct {
	Part     call.Part `json:"part" doc:"url, headers[0].value, body.template, …"`
	Rendered bool      `json:"rendered" doc:"The place is in the rendered text, not in the template."`
	Line     int       `json:"line" doc:"From 1; 0 = the part as a whole."`
	Column   int       `json:"column"`
	Fragment string    `json:"fragment" doc:"The line, cut when it is long."`
	Message  string    `json:"message"`
}

type warningJSON struct {
	Part   call.Part `json:"part" doc:"url, headers[0].value, body.template, reply, …"`
	Source string    `json:"source" doc:"The reference as it is in the template; empty when it is about the whole."`
	Reason string    `json:"reason"`
}

type leafJSON struct {
	Path       string          `json:"path" doc:"Within the reply, e.g. contacts[0].id; empty = the reply itself."`
	Value      json.RawMessage `json:"value"`
	Expression string          `json:"expression" doc:"For a message: $data.get('WH5').get('promocode')."`
	Dotted     string          `json:"dotted,omitempty" doc:"The short form, where the names allow it: $data.WH5.promocode."`
}

func (s *Server) registerTests() {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	const what = "Renders the request with a contact and an event, checks it, sends it, and shows all of it, secrets masked: what it needs, what was sent, what came back, " +
		"and for each value of the reply the expression that reaches it. It is a real call; the log of calls notes it. What goes wrong with the call is in the answer, which is a 200."
	failures := []int{400, 404, 408, 409, 413, 415, 422, 503}
	operate(s, huma.Operation{
		OperationID: "test-webhook", Method: http.MethodPost, Path: "/v1/webhooks/{id}/test", Tags: []string{"Webhooks"},
		Summary: "Send a test of a webhook", Description: what, Errors: failures,
		Extensions: curl(`curl -X POST $TIDINGS/v1/webhooks/1/test -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"contactId":687266822}'`),
	}, manage, s.testWebhook)
	operate(s, huma.Operation{
		OperationID: "test-definition", Method: http.MethodPost, Path: "/v1/webhooks/test", Tags: []string{"Webhooks"},
		Summary: "Send a test of a webhook that is not saved", Description: what, Errors: failures,
		Extensions: curl(`curl -X POST $TIDINGS/v1/webhooks/test -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"webhook":{"url":"https://shop.example.com/promocodes?town=$TOWN"},"contact":{"TOWN":"Львів"}}'`),
	}, manage, s.testDefinition)
	operate(s, huma.Operation{
		OperationID: "webhook-inputs", Method: http.MethodGet, Path: "/v1/webhooks/{id}/inputs", Tags: []string{"Webhooks"},
		Summary:     "What a webhook needs: fields of the contact, parameters of the event, replies of other webhooks",
		Description: "Found in the templates without running them. Names that a template computes are not known.", Errors: []int{400, 404, 503},
		Extensions: curl(`curl $TIDINGS/v1/webhooks/1/inputs -H "Authorization: Bearer $KEY"`),
	}, read, s.webhookInputs)
}

func (s *Server) testWebhook(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The webhook's id."`
	JSON body[testJSON]
},
) (*struct{ Body testedJSON }, error) {
	w, err := s.liveWebhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	return s.sendTest(ctx, w, &in.JSON.value)
}

func (s *Server) testDefinition(ctx context.Context, c caller, in *struct{ JSON body[testUnsavedJSON] }) (*struct{ Body testedJSON }, error) {
	asked := (*testJSON)(&in.JSON.value)
	if !asked.Webhook.given() {
		return nil, invalidField("webhook", "is required: what is to be tried")
	}
	return s.sendTest(ctx, unsavedWebhook(c.account()), asked)
}

// unsavedWebhook is what a definition is put into that is tried or shown before it is saved.
func unsavedWebhook(account tidings.AccountID) tidings.Webhook {
	w := newWebhook(account)
	w.Name = "webhook" // what expressions are shown with until it has a name
	return w
}

// sendTest makes a call and shows what came of it.
func (s *Server) sendTest(ctx context.Context, w tidings.Webhook, asked *testJSON) (*struct{ Body testedJSON }, error) {
	id := w.ID
	order, inputs, err := s.testOrder(ctx, &w, asked)
	if err != nil {
		return nil, err
	}
	order.Test = true
	within, leave, err := s.testPlace(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	result := s.cfg.Calls.Do(within, order)
	result.Call.Webhook = id
	out := testedView(&result)
	out.Inputs = inputs
	// The call was made: it is noted although its client may have gone, and
	// shown although it can't be noted.
	if noted, err := s.store.AppendCall(context.WithoutCancel(ctx), &result.Call); err == nil {
		out.CallID = &noted
	} else {
		s.log.LogAttrs(ctx, slog.LevelError, "a test is not in the log of calls", slog.Int64("webhook", int64(id)), slog.String("error", err.Error()))
	}
	return &struct{ Body testedJSON }{out}, nil
}

// testOrder makes the order of a test of a webhook, or of what is to be tried instead.
func (s *Server) testOrder(ctx context.Context, w *tidings.Webhook, asked *testJSON) (call.Order, inputsJSON, error) {
	order := call.Order{Webhook: w}
	if asked.Webhook.given() {
		if err := s.redefine(ctx, &asked.Webhook.value, w); err != nil {
			return order, inputsJSON{}, err
		}
	}
	inputs, err := s.inputsOf(ctx, w)
	if err != nil {
		return order, inputs, err
	}
	return order, inputs, s.fillOrder(ctx, asked, &order)
}

// redefine puts what is to be tried over what is saved. The outcome has no id:
// what is known of the saved one is not true of it.
func (s *Server) redefine(ctx context.Context, d *definitionJSON, w *tidings.Webhook) error {
	if d.Version.set {
		return invalidField("webhook.version", "is for a change: a test changes nothing")
	}
	if _, err := s.applyDefinition(ctx, d, w); err != nil {
		if e, ok := errors.AsType[*tidings.Error](err); ok {
			for i := range e.Fields {
				e.Fields[i].Field = join("webhook", e.Fields[i].Field)
			}
		}
		return err
	}
	w.ID = 0
	return nil
}

// testPlace takes a place among the tests, and bounds how long one lasts.
func (s *Server) testPlace(ctx context.Context) (within context.Context, leave func(), err error) {
	select {
	case s.tests <- struct{}{}:
		within, cancel := context.WithTimeout(ctx, longestTest)
		return within, func() { cancel(); <-s.tests }, nil
	default:
		return nil, nil, &tidings.Error{Code: tidings.CodeRateLimited, RetryAfter: 5 * time.Second, Message: "too many tests are under way: wait until some have ended"}
	}
}

// fillOrder finds, or makes, the contact, the event and the replies of a test.
func (s *Server) fillOrder(ctx context.Context, asked *testJSON, order *call.Order) error {
	var err error
	if order.Auth, err = s.authOf(ctx, order.Webhook); err != nil {
		return err
	}
	of, err := s.scopeOf(ctx, order.Webhook.Account, &testData{
		contactID: asked.ContactID, contact: asked.Contact, eventID: asked.EventID, event: asked.Event, replies: asked.Replies, instance: asked.WorkflowInstanceID,
	})
	if err != nil {
		return err
	}
	order.Contact, order.Event, order.Replies, order.Instance = of.Contact, of.Event, of.Replies, of.Instance
	return nil
}

// testData is with what something is tried: chosen, or invented.
type testData struct {
	contactID optional[int]
	contact   optional[anyJSON]
	eventID   optional[int]
	event     optional[testEventJSON]
	replies   optional[anyJSON]
	instance  optional[string]
}

// scopeOf finds, or makes, what the templates of a test see.
func (s *Server) scopeOf(ctx context.Context, account tidings.AccountID, asked *testData) (of scope.Scope, err error) {
	d := &decoder{}
	if asked.contactID.given() && asked.contact.given() {
		d.fault("contact", "goes without contactId: choose one of the two")
	}
	if asked.eventID.given() && asked.event.given() {
		d.fault("event", "goes without eventId: choose one of the two")
	}
	if asked.contactID.given() {
		found, err := s.store.Contact(ctx, account, tidings.ContactID(asked.contactID.value))
		if err := d.missing(err, "contactId", "there is no contact %d", asked.contactID.value); err != nil {
			return of, err
		}
		of.Contact = &found
	} else if asked.contact.given() {
		if of.Contact, err = s.inventedContact(ctx, d, account, asked.contact.value.node); err != nil {
			return of, err
		}
	}
	if asked.eventID.given() {
		found, err := s.store.Event(ctx, account, tidings.EventID(asked.eventID.value))
		if err := d.missing(err, "eventId", "there is no event %d", asked.eventID.value); err != nil {
			return of, err
		}
		of.Event = &found
	} else if asked.event.given() {
		of.Event = inventedEvent(d, account, &asked.event.value)
	}
	of.Instance = "test"
	asked.instance.put(&of.Instance, "test")
	if asked.replies.given() {
		of.Replies = inventedReplies(d, asked.replies.value.node)
	}
	if len(d.faults) > 0 {
		return of, &tidings.Error{Code: tidings.CodeInvalid, Message: "the test breaks the rules: nothing was sent", Fields: d.faults}
	}
	return of, nil
}

// missing makes what is not there a fault of the request; other errors pass.
func (d *decoder) missing(err error, field, format string, args ...any) error {
	if tidings.CodeOf(err) == tidings.CodeNotFound {
		d.fault(field, format, args...)
		return nil
	}
	return err
}

func testedView(r *call.Result) testedJSON {
	out := testedJSON{
		OK: r.Call.OK(), Outcome: r.Call.Outcome, Error: r.Call.Error, Reply: replyView(&r.Call), Tries: triesView(r.Call.Tries),
		DurationMs: ms(r.Call.Duration), Warnings: make([]warningJSON, len(r.Warnings)), Values: make([]leafJSON, len(r.Leaves)), MoreValues: r.MoreLeaves,
	}
	if r.Problem == nil {
		out.Request = requestView(&r.Call.Request)
	} else {
		out.Problem = problemView(r.Problem)
	}
	for i, w := range r.Warnings {
		out.Warnings[i] = warningJSON(w)
	}
	for i, l := range r.Leaves {
		out.Values[i] = leafJSON(l)
	}
	if reply := r.Call.Reply; reply != nil && reply.Truncated {
		out.Warnings = append(out.Warnings, warningJSON{Part: call.PartReply, Reason: fmt.Sprintf("is cut: only its first %d bytes are here", len(reply.Body))})
	}
	return out
}
