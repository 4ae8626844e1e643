package api

import (
	"context"

	"tidings"
	"tidings/call"
)

// inputsJSON is what a webhook needs of its surroundings.
type inputsJSON struct {
	NeedsContact       bool        `json:"needsContact" doc:"A contact must be chosen, or invented, for a test."`
	NeedsEvent         bool        `json:"needsEvent" doc:"An event must be chosen, or typed in, for a test."`
	Contact            []inputJSON `json:"contact" doc:"Fields of the contact."`
	Event              []inputJSON `json:"event" doc:"Parameters of the event."`
	Replies            []inputJSON `json:"replies" doc:"Replies of webhooks before it in a run, by their names."`
	WorkflowInstanceID bool        `json:"workflowInstanceId" doc:"$workflowInstanceId is used."`
	WholeContact       bool        `json:"wholeContact" doc:"$contact is used without a name behind it."`
	WholeEvent         bool        `json:"wholeEvent" doc:"$event is used without a name behind it."`
	WholeData          bool        `json:"wholeData" doc:"$data is used without a name behind it."`
}

type inputJSON struct {
	Name     string     `json:"name"`
	Required bool       `json:"required" doc:"Without a value nothing is sent. Otherwise $!… or a default stands where it is used."`
	Either   bool       `json:"either" doc:"A field of the contact that is written bare: an event's parameter of just this name would win."`
	Uses     []placedAt `json:"uses"`
}

// placedAt is one place in a template.
type placedAt struct {
	Part   call.Part `json:"part" doc:"url, headers[0].value, body.template, …"`
	Source string    `json:"source" doc:"As it is written there."`
	Line   int       `json:"line"`
	Column int       `json:"column"`
}

func (s *Server) webhookInputs(ctx context.Context, c caller, in *webhookPath) (*struct{ Body inputsJSON }, error) {
	w, err := s.store.Webhook(ctx, c.account(), tidings.WebhookID(in.ID))
	if err != nil {
		return nil, err
	}
	inputs, err := s.inputsOf(ctx, &w)
	if err != nil {
		return nil, err
	}
	return &struct{ Body inputsJSON }{inputs}, nil
}

// inputsOf finds what a webhook needs, by what its account has.
func (s *Server) inputsOf(ctx context.Context, w *tidings.Webhook) (inputsJSON, error) {
	var known call.Known
	fields, err := s.store.Fields(ctx, w.Account)
	if err != nil {
		return inputsJSON{}, err
	}
	for _, f := range fields {
		known.Fields = append(known.Fields, f.Key)
	}
	err = s.eachWebhook(ctx, w.Account, func(other *tidings.Webhook) { known.Webhooks = append(known.Webhooks, other.Name) })
	if err != nil {
		return inputsJSON{}, err
	}
	in, err := call.FindInputs(w, known)
	if err != nil { // it was saved, or checked, with templates that can be read
		return inputsJSON{}, tidings.Errorf(tidings.CodeInvalid, "the webhook's templates can't be read: %s", err)
	}
	return inputsJSON{
		NeedsContact: in.NeedsContact(), NeedsEvent: in.NeedsEvent(),
		Contact: inputsView(in.Contact), Event: inputsView(in.Event), Replies: inputsView(in.Replies),
		WorkflowInstanceID: in.Instance, WholeContact: in.WholeContact, WholeEvent: in.WholeEvent, WholeData: in.WholeData,
	}, nil
}

func inputsView(list []call.Input) []inputJSON {
	out := make([]inputJSON, len(list))
	for i, in := range list {
		out[i] = inputJSON{Name: in.Name, Required: in.Required, Either: in.Either, Uses: make([]placedAt, len(in.Uses))}
		for j, u := range in.Uses {
			out[i].Uses[j] = placedAt{u.Part, u.Source, u.Line, u.Col}
		}
	}
	return out
}
