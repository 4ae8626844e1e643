package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/call"
)

// shownRequestJSON is a request as it would be sent.
type shownRequestJSON struct {
	OK       bool             `json:"ok" doc:"The request can be made."`
	Request  *sentRequestJSON `json:"request" doc:"As it would be sent, secrets masked; null when it can't be made."`
	Parts    []pieceJSON      `json:"parts" doc:"Each part by itself, so that all problems are seen at once: the URL, the header rows in their order, the body."`
	Inputs   inputsJSON       `json:"inputs" doc:"What the request needs."`
	Warnings []warningJSON    `json:"warnings" doc:"Values that are empty, each place once."`
}

type pieceJSON struct {
	Part    call.Part      `json:"part" doc:"url, headers[0].value, body.template, …"`
	Name    string         `json:"name" doc:"Of the header."`
	Text    string         `json:"text" doc:"As it would be sent, without credentials; empty when there is a problem."`
	Problem *problemAtJSON `json:"problem" doc:"Why it can't be made; null when it can."`
}

// latestReplyJSON is what a webhook last got.
type latestReplyJSON struct {
	CallID     *tidings.CallID `json:"callId" doc:"null: there is no call with a reply that could be read."`
	At         *time.Time      `json:"at" doc:"When it was called."`
	Values     []leafJSON      `json:"values" doc:"Every value of the reply and how templates reach it."`
	MoreValues bool            `json:"moreValues" doc:"There are more than are listed."`
}

// previewWebhookJSON and previewDefinitionJSON are a test's, told apart for the document.
type (
	previewWebhookJSON    testJSON
	previewDefinitionJSON testJSON
)

func (*previewWebhookJSON) maxBytes() int    { return (*testJSON)(nil).maxBytes() }
func (*previewDefinitionJSON) maxBytes() int { return (*testJSON)(nil).maxBytes() }

func (s *Server) registerWebhookPreviews() {
	read := access{scope: tidings.ScopeRead}
	const what = "Renders the request with a contact and an event, of the account or invented. Nothing is sent, stored or noted. What goes wrong is in the answer, which is a 200."
	failures := []int{400, 404, 408, 409, 413, 415, 422, 503}
	operate(s, huma.Operation{
		OperationID: "preview-webhook", Method: http.MethodPost, Path: "/v1/webhooks/{id}/preview", Tags: []string{"Webhooks"},
		Summary: "Show the request of a webhook as it would be sent", Description: what, Errors: failures,
		Extensions: curl(`curl -X POST $TIDINGS/v1/webhooks/1/preview -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"contactId":687266822}'`),
	}, read, s.previewWebhook)
	operate(s, huma.Operation{
		OperationID: "preview-definition", Method: http.MethodPost, Path: "/v1/webhooks/preview", Tags: []string{"Webhooks"},
		Summary: "Show the request of a webhook that is not saved", Description: what, Errors: failures,
		Extensions: curl(`curl -X POST $TIDINGS/v1/webhooks/preview -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"webhook":{"url":"https://shop.example.com/promocodes?town=$TOWN"},"contact":{"TOWN":"Львів"}}'`),
	}, read, s.previewDefinition)
	operate(s, huma.Operation{
		OperationID: "latest-reply", Method: http.MethodGet, Path: "/v1/webhooks/{id}/reply", Tags: []string{"Webhooks"},
		Summary:     "What a webhook last got, and the expressions that reach it",
		Description: "The reply to its latest call that went well, of a workflow or of a test, secrets masked. A reply of which the log has the beginning only has no values.", Errors: []int{400, 404, 503},
		Extensions: curl(`curl $TIDINGS/v1/webhooks/1/reply -H "Authorization: Bearer $KEY"`),
	}, read, s.latestReply)
}

func (s *Server) previewWebhook(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The webhook's id."`
	JSON body[previewWebhookJSON]
},
) (*struct{ Body shownRequestJSON }, error) {
	w, err := s.liveWebhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	return s.showRequest(ctx, w, (*testJSON)(&in.JSON.value))
}

func (s *Server) previewDefinition(ctx context.Context, c caller, in *struct {
	JSON body[previewDefinitionJSON]
},
) (*struct{ Body shownRequestJSON }, error) {
	asked := (*testJSON)(&in.JSON.value)
	if !asked.Webhook.given() {
		return nil, invalidField("webhook", "is required: what is to be shown")
	}
	return s.showRequest(ctx, unsavedWebhook(c.account()), asked)
}

// showRequest makes a request and sends nothing.
func (s *Server) showRequest(ctx context.Context, w tidings.Webhook, asked *testJSON) (*struct{ Body shownRequestJSON }, error) {
	order, inputs, err := s.testOrder(ctx, &w, asked)
	if err != nil {
		return nil, err
	}
	result := s.cfg.Calls.Preview(ctx, order)
	out := shownRequestJSON{OK: result.Problem == nil, Inputs: inputs, Warnings: make([]warningJSON, len(result.Warnings))}
	if out.OK {
		out.Request = requestView(&result.Call.Request)
	}
	for i, w := range result.Warnings {
		out.Warnings[i] = warningJSON(w)
	}
	for _, p := range s.cfg.Calls.Sketch(ctx, order) {
		out.Parts = append(out.Parts, pieceJSON{p.Part, p.Name, p.Text, problemView(p.Problem)})
	}
	return &struct{ Body shownRequestJSON }{out}, nil
}

func problemView(p *call.Problem) *problemAtJSON {
	if p == nil {
		return nil
	}
	return &problemAtJSON{p.Part, p.Rendered, p.Line, p.Col, p.Fragment, p.Message}
}

func (s *Server) latestReply(ctx context.Context, c caller, in *webhookPath) (*struct{ Body latestReplyJSON }, error) {
	w, err := s.store.Webhook(ctx, c.account(), tidings.WebhookID(in.ID))
	if err != nil {
		return nil, err
	}
	calls, _, err := s.store.Calls(ctx, tidings.CallQuery{Account: c.account(), Webhook: w.ID, Status: tidings.CallStatus{OK: true}, Limit: 1})
	if err != nil {
		return nil, err
	}
	out := latestReplyJSON{Values: []leafJSON{}}
	if len(calls) > 0 {
		out.CallID, out.At = &calls[0].ID, instant(calls[0].At)
		out.Values, out.MoreValues = valuesOf(&calls[0], w.Name)
	}
	return &struct{ Body latestReplyJSON }{out}, nil
}

// valuesOf lists the values of a call's reply, as templates reach them under
// a webhook's name. What of a reply is not kept, or is no data, has none.
func valuesOf(of *tidings.Call, name string) (values []leafJSON, more bool) {
	values = []leafJSON{}
	if !of.OK() || of.Reply == nil || of.Reply.Whole > 0 || of.Reply.Truncated {
		return values, false
	}
	value, err := call.ReplyValue(of.Reply)
	if err != nil {
		return values, false // it was read once: the log's masks are in the way
	}
	leaves, more := call.Expressions(name, value)
	for _, l := range leaves {
		values = append(values, leafJSON(l))
	}
	return values, more
}
