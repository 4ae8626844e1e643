package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/workflow"
)

// Cases is what the API asks of a store about dry runs that are kept. A case
// of another account is CodeNotFound. Every change leaves its audit record.
type Cases interface {
	// CreateCase is CodeConflict when the workflow has a case of the name.
	CreateCase(ctx context.Context, c tidings.WorkflowCase, actor string) (tidings.WorkflowCase, error)
	Case(ctx context.Context, account tidings.AccountID, id int64) (tidings.WorkflowCase, error)
	Cases(ctx context.Context, account tidings.AccountID, workflow tidings.WorkflowID) ([]tidings.WorkflowCase, error)
	UpdateCase(ctx context.Context, c tidings.WorkflowCase, actor string) (tidings.WorkflowCase, error)
	DeleteCase(ctx context.Context, account tidings.AccountID, id int64, actor string) error
}

type workflowCaseJSON struct {
	ID         int64              `json:"id"`
	WorkflowID tidings.WorkflowID `json:"workflowId"`
	Name       string             `json:"name"`
	CreatedAt  time.Time          `json:"createdAt"`
	Input      json.RawMessage    `json:"input,omitempty" doc:"Contact, event, replies and time that it is run with. Only where one case is shown."`
	Expected   json.RawMessage    `json:"expected,omitempty" doc:"Steps, requests and mails that it gave. Only where one case is shown."`
}

type workflowCasesJSON struct {
	Cases []workflowCaseJSON `json:"cases"`
}

type changeCaseJSON struct {
	Name   optional[string] `json:"name,omitempty" maxLength:"200" doc:"1 to 200 characters, unique within the workflow."`
	Accept optional[bool]   `json:"accept,omitempty" doc:"true: what it gives now, with the draft, is what it is held against from now on."`
}

type ranCasesJSON struct {
	WorkflowID tidings.WorkflowID `json:"workflowId"`
	OK         bool               `json:"ok" doc:"Every case gave what it gave when it was kept."`
	Cases      []ranCaseJSON      `json:"cases"`
}

type ranCaseJSON struct {
	ID          int64                `json:"id"`
	Name        string               `json:"name"`
	OK          bool                 `json:"ok"`
	Error       string               `json:"error" doc:"Why it could not be run; empty when it was."`
	Differences []caseDifferenceJSON `json:"differences" doc:"At most 50."`
}

type caseDifferenceJSON struct {
	Path     string          `json:"path" doc:"For example steps[2].mail.subject."`
	Expected json.RawMessage `json:"expected,omitempty" doc:"Absent: it was not there."`
	Got      json.RawMessage `json:"got,omitempty" doc:"Absent: it is not there."`
}

type casePath struct {
	ID   int64 `path:"id" minimum:"1" doc:"The workflow's id."`
	Case int64 `path:"case" minimum:"1" doc:"The case's id."`
}

func (s *Server) registerCases() {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	at := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"Workflows"}, Summary: summary}
	}
	list := at(http.MethodGet, "/v1/workflows/{id}/cases", "list-cases", "List the cases of a workflow")
	list.Description = "A case is a dry run that was kept with saveAs. It stands for itself: contact, event, replies and time are in it."
	list.Errors, list.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/workflows/1/cases -H "Authorization: Bearer $KEY"`)
	operate(s, list, read, s.listCases)

	runAll := at(http.MethodPost, "/v1/workflows/{id}/cases/run", "run-cases", "Run all cases of a workflow with its draft")
	runAll.Description = "Nothing is sent and nothing stored. ok says that no case gives anything else than it gave; `tidings test-workflows` does this for all workflows."
	runAll.Errors, runAll.Extensions = []int{400, 404, 409, 429, 503}, curl(`curl -X POST $TIDINGS/v1/workflows/1/cases/run -H "Authorization: Bearer $KEY"`)
	operate(s, runAll, manage, s.runCases)

	show := at(http.MethodGet, "/v1/workflows/{id}/cases/{case}", "get-case", "Show a case")
	show.Errors, show.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/workflows/1/cases/1 -H "Authorization: Bearer $KEY"`)
	operate(s, show, read, s.getCase)

	change := at(http.MethodPatch, "/v1/workflows/{id}/cases/{case}", "change-case", "Rename a case, or accept what it gives now")
	change.Errors = []int{400, 404, 408, 409, 413, 415, 422, 429, 503}
	change.Extensions = curl(`curl -X PATCH $TIDINGS/v1/workflows/1/cases/1 -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"accept":true}'`)
	operate(s, change, manage, s.changeCase)

	remove := at(http.MethodDelete, "/v1/workflows/{id}/cases/{case}", "delete-case", "Delete a case")
	remove.Errors, remove.Extensions = []int{400, 404, 503}, curl(`curl -X DELETE $TIDINGS/v1/workflows/1/cases/1 -H "Authorization: Bearer $KEY"`)
	operate(s, remove, manage, s.deleteCase)
}

func caseView(c *tidings.WorkflowCase) workflowCaseJSON {
	return workflowCaseJSON{ID: c.ID, WorkflowID: c.Workflow, Name: c.Name, CreatedAt: c.CreatedAt.UTC()}
}

func wholeCase(c *tidings.WorkflowCase) workflowCaseJSON {
	v := caseView(c)
	v.Input, v.Expected = c.Input, c.Expected
	return v
}

// keepCase keeps what a dry run gave.
func (s *Server) keepCase(ctx context.Context, c caller, w *tidings.Workflow, name string, r *workflow.DryResult) (workflowCaseJSON, error) {
	fresh, err := workflow.NewCase(w, name, r)
	if err != nil {
		return workflowCaseJSON{}, err
	}
	kept, err := s.store.CreateCase(ctx, fresh, c.actor())
	return wholeCase(&kept), err
}

func (s *Server) listCases(ctx context.Context, c caller, in *workflowPath) (*struct{ Body workflowCasesJSON }, error) {
	if _, err := s.store.Workflow(ctx, c.account(), tidings.WorkflowID(in.ID)); err != nil {
		return nil, err
	}
	list, err := s.store.Cases(ctx, c.account(), tidings.WorkflowID(in.ID))
	if err != nil {
		return nil, err
	}
	out := workflowCasesJSON{Cases: make([]workflowCaseJSON, len(list))}
	for i := range list {
		out.Cases[i] = caseView(&list[i])
	}
	return &struct{ Body workflowCasesJSON }{out}, nil
}

// caseOf gives a case of the workflow in whose path it stands.
func (s *Server) caseOf(ctx context.Context, c caller, in *casePath) (tidings.WorkflowCase, error) {
	found, err := s.store.Case(ctx, c.account(), in.Case)
	if err == nil && int64(found.Workflow) != in.ID {
		err = tidings.Errorf(tidings.CodeNotFound, "workflow %d has no case %d", in.ID, in.Case)
	}
	return found, err
}

func (s *Server) getCase(ctx context.Context, c caller, in *casePath) (*struct{ Body workflowCaseJSON }, error) {
	found, err := s.caseOf(ctx, c, in)
	if err != nil {
		return nil, err
	}
	return &struct{ Body workflowCaseJSON }{wholeCase(&found)}, nil
}

func (s *Server) changeCase(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The workflow's id."`
	Case int64 `path:"case" minimum:"1" doc:"The case's id."`
	JSON body[changeCaseJSON]
},
) (*struct{ Body workflowCaseJSON }, error) {
	asked := &in.JSON.value
	found, err := s.caseOf(ctx, c, &casePath{in.ID, in.Case})
	if err != nil {
		return nil, err
	}
	asked.Name.put(&found.Name, "")
	if reason := tidings.CheckName(found.Name); reason != "" {
		return nil, invalidField("name", reason)
	}
	if asked.Accept.value {
		w, err := s.liveWorkflow(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		results, err := s.tryCases(ctx, &w, []tidings.WorkflowCase{found})
		if err != nil {
			return nil, err
		}
		if results[0].Error != "" {
			return nil, tidings.Errorf(tidings.CodeConflict, "the case can't be run: %s", results[0].Error)
		}
		found.Expected = results[0].Got
	}
	if asked.Name.set || asked.Accept.value {
		if found, err = s.store.UpdateCase(ctx, found, c.actor()); err != nil {
			return nil, err
		}
	}
	return &struct{ Body workflowCaseJSON }{wholeCase(&found)}, nil
}

func (s *Server) deleteCase(ctx context.Context, c caller, in *casePath) (*struct{}, error) {
	if _, err := s.caseOf(ctx, c, in); err != nil {
		return nil, err
	}
	return nil, s.store.DeleteCase(ctx, c.account(), in.Case, c.actor())
}

// tryCases runs cases with a workflow's draft.
func (s *Server) tryCases(ctx context.Context, w *tidings.Workflow, cases []tidings.WorkflowCase) ([]workflow.CaseResult, error) {
	within, leave, err := s.testPlace(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return s.cfg.Dry.RunCases(within, w.Account, &w.Draft, cases)
}

func (s *Server) runCases(ctx context.Context, c caller, in *workflowPath) (*struct{ Body ranCasesJSON }, error) {
	w, err := s.liveWorkflow(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	cases, err := s.store.Cases(ctx, c.account(), w.ID)
	if err != nil {
		return nil, err
	}
	results, err := s.tryCases(ctx, &w, cases)
	if err != nil {
		return nil, err
	}
	out := ranCasesJSON{WorkflowID: w.ID, OK: true, Cases: make([]ranCaseJSON, len(results))}
	for i := range results {
		r := &results[i]
		v := ranCaseJSON{ID: r.Case.ID, Name: r.Case.Name, OK: r.Passes(), Error: r.Error, Differences: make([]caseDifferenceJSON, len(r.Differences))}
		for j, d := range r.Differences {
			v.Differences[j] = caseDifferenceJSON{d.Path, json.RawMessage(d.Expected), json.RawMessage(d.Got)}
		}
		out.OK = out.OK && v.OK
		out.Cases[i] = v
	}
	return &struct{ Body ranCasesJSON }{out}, nil
}
