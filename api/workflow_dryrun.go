package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/workflow"
)

// DryRunner is what the API asks of the one that executes workflows (workflow.Engine).
type DryRunner interface {
	Test(ctx context.Context, account tidings.AccountID, d *tidings.Definition, in workflow.DryInput) (workflow.DryResult, error)
	RunCases(ctx context.Context, account tidings.AccountID, d *tidings.Definition, cases []tidings.WorkflowCase) ([]workflow.CaseResult, error)
}

// dryRunJSON says with what a workflow is tried.
type dryRunJSON struct {
	Definition optional[workflowDefinitionJSON] `json:"definition,omitempty" doc:"What to try instead of the draft."`
	ContactID  optional[int]                    `json:"contactId,omitempty" doc:"A contact of the account. Without contactId and contact: whom the event names, or one made of what it says."`
	Contact    optional[anyJSON]                `json:"contact,omitempty" doc:"Or an invented contact: names as templates call them, in any case."`
	EventID    optional[int]                    `json:"eventId,omitempty" doc:"An event that was received."`
	Event      optional[testEventJSON]          `json:"event,omitempty" doc:"Or an event typed in."`
	Replies    optional[anyJSON]                `json:"replies,omitempty" doc:"What webhooks answer: an object of any JSON values by the webhooks' names."`
	Failures   optional[anyJSON]                `json:"failures,omitempty" doc:"Calls that fail: an object of words by the webhooks' names."`
	Live       optional[bool]                   `json:"live,omitempty" doc:"true: webhooks without a reply here are really called. Default false: they fail, and nothing is sent."`
	Splits     optional[anyJSON]                `json:"splits,omitempty" doc:"Which way splits go: an object of a or b by the blocks' ids. Absent: as drawn, always the same."`
	At         optional[string]                 `json:"at,omitempty" doc:"What time it is, as 2026-01-31T15:04:05Z. Default: now."`
	SaveAs     optional[string]                 `json:"saveAs,omitempty" maxLength:"200" doc:"Keep what it gave as a case under this name: see POST /v1/workflows/{id}/cases/run."`
}

func (*dryRunJSON) maxBytes() int { return workflowBodyBytes + 2*tidings.MaxReply }

type dryRanJSON struct {
	Starts bool              `json:"starts" doc:"The trigger takes the event with this contact. The run is made all the same."`
	State  tidings.RunState  `json:"state" enum:"ended,failed"`
	Error  string            `json:"error" doc:"Why it failed; empty otherwise."`
	Marked bool              `json:"marked" doc:"Something went wrong on its way."`
	Steps  []dryStepJSON     `json:"steps"`
	Case   *workflowCaseJSON `json:"case,omitempty" doc:"What was kept with saveAs."`
}

type dryStepJSON struct {
	stepJSON
	Name     string        `json:"name" doc:"The block's, for people."`
	Mail     *mailJSON     `json:"mail,omitempty" doc:"Of a message: as it would be sent."`
	Warnings []warningJSON `json:"warnings,omitempty" doc:"Of a webhook: values that are empty, a reply that is not what it says it is."`
}

func (s *Server) registerDryRuns() {
	operate(s, huma.Operation{
		OperationID: "test-workflow", Method: http.MethodPost, Path: "/v1/workflows/{id}/test", Tags: []string{"Workflows"},
		Summary: "Try a workflow: every step and the rendered messages, nothing sent and nothing stored",
		Description: "The same steps as those of a run, with timers skipped. Webhooks answer what replies says, or are really called with live. What goes wrong within it is in the answer, which is a 200. " +
			"With saveAs it is kept as a case, to see later whether a change changes it.",
		Errors: []int{400, 404, 408, 409, 413, 415, 422, 429, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/workflows/1/test -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"contact":{"email":"ann@example.com","TOWN":"Lviv"},"event":{"eventTypeKey":"subscribed","params":{"email":"ann@example.com"}},"replies":{"WH5":{"promocode":"LVIV-10"}}}'`),
	}, access{scope: tidings.ScopeManage}, s.testWorkflow)
}

func (s *Server) testWorkflow(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The workflow's id."`
	JSON body[dryRunJSON]
},
) (*struct{ Body dryRanJSON }, error) {
	asked := &in.JSON.value
	w, err := s.liveWorkflow(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if reason := tidings.CheckName(asked.SaveAs.value); asked.SaveAs.given() && reason != "" {
		return nil, invalidField("saveAs", reason)
	}
	def, input, err := s.dryInput(ctx, &w, asked)
	if err != nil {
		return nil, err
	}
	within, leave, err := s.testPlace(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	result, err := s.cfg.Dry.Test(within, w.Account, def, input)
	if err != nil {
		return nil, err
	}
	out := dryRanView(&result)
	if asked.SaveAs.given() {
		kept, err := s.keepCase(ctx, c, &w, asked.SaveAs.value, &result)
		if err != nil {
			return nil, err
		}
		out.Case = &kept
	}
	return &struct{ Body dryRanJSON }{out}, nil
}

// dryInput reads with what a workflow is tried, and what of it.
func (s *Server) dryInput(ctx context.Context, w *tidings.Workflow, asked *dryRunJSON) (*tidings.Definition, workflow.DryInput, error) {
	d := &decoder{}
	def := w.Draft
	if asked.Definition.given() {
		def = asked.Definition.value.definition(d, "definition")
	}
	input := workflow.DryInput{Live: asked.Live.value, At: d.instant(asked.At, "at")}
	input.Replies = recordedReplies(d, &asked.Replies, &asked.Failures)
	input.Exits = chosenExits(d, &asked.Splits)
	if len(d.faults) > 0 {
		return nil, input, &tidings.Error{Code: tidings.CodeInvalid, Message: "the test breaks the rules: nothing was tried", Fields: d.faults}
	}
	of, err := s.scopeOf(ctx, w.Account, &testData{contactID: asked.ContactID, contact: asked.Contact, eventID: asked.EventID, event: asked.Event})
	input.Contact, input.Event = of.Contact, of.Event
	return &def, input, err
}

// recordedReplies reads what webhooks answer, and which calls fail.
func recordedReplies(d *decoder, replies, failures *optional[anyJSON]) []tidings.RunReply {
	var list []tidings.RunReply
	if replies.given() && d.want(replies.value.node, "an object", "replies") {
		for i, name := range replies.value.node.keys {
			body := replies.value.node.parts[i].appendJSON(nil)
			if len(body) > tidings.MaxReply {
				d.fault(join("replies", name), "is longer than %d bytes", tidings.MaxReply)
			}
			list = append(list, tidings.RunReply{Name: name, Reply: tidings.Reply{Format: tidings.ReplyJSON, Body: body}})
		}
	}
	if !failures.given() || !d.want(failures.value.node, "an object", "failures") {
		return list
	}
	for i, name := range failures.value.node.keys {
		words := failures.value.node.parts[i]
		if !d.want(words, "a string", join("failures", name)) {
			continue
		}
		if slices.ContainsFunc(list, func(r tidings.RunReply) bool { return r.Name == name }) {
			d.fault(join("failures", name), "has a reply, too: choose one of the two")
		}
		list = append(list, tidings.RunReply{Name: name, Failed: true, Reply: tidings.Reply{Body: []byte(words.text)}})
	}
	return list
}

// chosenExits reads which way splits go.
func chosenExits(d *decoder, splits *optional[anyJSON]) map[tidings.BlockID]tidings.Exit {
	if !splits.given() || !d.want(splits.value.node, "an object", "splits") {
		return nil
	}
	exits := make(map[tidings.BlockID]tidings.Exit, len(splits.value.node.keys))
	for i, block := range splits.value.node.keys {
		exit := tidings.Exit(splits.value.node.parts[i].text)
		if exit != tidings.ExitA && exit != tidings.ExitB {
			d.fault(join("splits", block), "must be a or b")
		}
		exits[tidings.BlockID(block)] = exit
	}
	return exits
}

func dryRanView(r *workflow.DryResult) dryRanJSON {
	out := dryRanJSON{Starts: r.Starts, State: r.State, Error: r.Error, Marked: r.Marked, Steps: make([]dryStepJSON, len(r.Steps))}
	for i := range r.Steps {
		out.Steps[i] = dryStepView(&r.Steps[i])
	}
	return out
}

func dryStepView(step *workflow.DryStep) dryStepJSON {
	v := dryStepJSON{Name: step.Name, stepJSON: stepJSON{
		Number: step.Number, Block: string(step.Block), Kind: step.Kind, At: step.At.UTC(), DurationMs: ms(step.Duration),
		Exit: step.Exit, Decided: step.Decided, Error: step.Error,
	}}
	if step.Call != nil {
		v.stepJSON.Call = ptr(callView(step.Call))
	}
	if step.Mail != nil {
		m := mailView(step.Mail)
		m.HTML, m.Text = step.Mail.HTML, step.Mail.Text
		v.Mail = &m
	}
	for _, w := range step.Warning {
		v.Warnings = append(v.Warnings, warningJSON(w))
	}
	return v
}
