package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/workflow"
)

// What is done with a whole workflow: it is checked, switched on and off.

type checkWorkflowJSON struct {
	Definition optional[workflowDefinitionJSON] `json:"definition,omitempty"`
}

func (*checkWorkflowJSON) maxBytes() int { return workflowBodyBytes }

type workflowProblemsJSON struct {
	Problems []workflowProblemJSON `json:"problems" doc:"Without any that is no warning it can be activated."`
}

type activateWorkflowJSON struct {
	Version optional[int] `json:"version,omitempty" doc:"The version that was read; 409 when it has changed since. Absent: whatever the draft is now."`
}

type deactivateWorkflowJSON struct {
	StopRuns optional[bool] `json:"stopRuns,omitempty" doc:"true: the runs that are under way are stopped, too. Default false: they go on to their end."`
}

type deactivatedJSON struct {
	Stopped  int64        `json:"stopped" doc:"Runs that were stopped."`
	Workflow workflowJSON `json:"workflow"`
}

func (s *Server) registerWorkflowActs(at func(method, path, id, summary string) huma.Operation) {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	failures := []int{400, 404, 408, 409, 413, 415, 422, 503}

	activate := at(http.MethodPost, "/v1/workflows/{id}/activate", "activate-workflow", "Activate a workflow's draft as its next version")
	activate.Description = "From now on events start runs of it. 422 names what is wrong with the draft, block by block. When the draft is what is active, nothing changes."
	activate.Errors = failures
	activate.Extensions = curl(`curl -X POST $TIDINGS/v1/workflows/1/activate -H "Authorization: Bearer $KEY"`)
	operate(s, activate, manage, s.activateWorkflow)

	deactivate := at(http.MethodPost, "/v1/workflows/{id}/deactivate", "deactivate-workflow", "Start no more runs of a workflow")
	deactivate.Errors = failures
	deactivate.Extensions = curl(`curl -X POST $TIDINGS/v1/workflows/1/deactivate -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"stopRuns":true}'`)
	operate(s, deactivate, manage, s.deactivateWorkflow)

	check := at(http.MethodPost, "/v1/workflows/check", "check-workflow", "Find what is wrong with a definition that is not saved")
	check.Errors = []int{400, 408, 413, 415, 422, 503}
	check.Extensions = curl(`curl -X POST $TIDINGS/v1/workflows/check -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"definition":{"trigger":{"eventTypeKey":"order"},"start":"end","blocks":[{"id":"end","kind":"end"}]}}'`)
	operate(s, check, read, s.checkWorkflow)
}

func (s *Server) activateWorkflow(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The workflow's id."`
	JSON body[activateWorkflowJSON]
},
) (*shownWorkflow, error) {
	w, err := s.liveWorkflow(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if asked := in.JSON.value.Version; asked.given() && int64(asked.value) != w.Version {
		return nil, tidings.Errorf(tidings.CodeConflict, "workflow %d was changed meanwhile: it is at version %d", in.ID, w.Version)
	}
	known, err := s.known(ctx, c.account())
	if err != nil {
		return nil, err
	}
	if faults := workflow.Faults(known.problems(&w.Draft)); len(faults) > 0 {
		for i := range faults {
			faults[i].Field = join("definition", faults[i].Field)
		}
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the draft can't be activated yet", Fields: faults}
	}
	if w.Active != 0 {
		active, err := s.store.WorkflowVersion(ctx, c.account(), w.ID, w.Active)
		if err != nil {
			return nil, err
		}
		if sameDefinition(&active, &w.Draft) {
			return s.wholeWorkflow(ctx, &w)
		}
	}
	if w, err = s.store.ActivateWorkflow(ctx, c.account(), w.ID, w.Version, c.actor()); err != nil {
		return nil, err
	}
	return s.wholeWorkflow(ctx, &w)
}

func (s *Server) deactivateWorkflow(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The workflow's id."`
	JSON body[deactivateWorkflowJSON]
},
) (*struct{ Body deactivatedJSON }, error) {
	if _, err := s.liveWorkflow(ctx, c, in.ID); err != nil {
		return nil, err
	}
	id := tidings.WorkflowID(in.ID)
	stopped, err := s.store.DeactivateWorkflow(ctx, c.account(), id, in.JSON.value.StopRuns.value, c.actor())
	if err != nil {
		return nil, err
	}
	w, err := s.store.Workflow(ctx, c.account(), id)
	if err != nil {
		return nil, err
	}
	return &struct{ Body deactivatedJSON }{deactivatedJSON{stopped, workflowView(&w)}}, nil
}

func (s *Server) checkWorkflow(ctx context.Context, c caller, in *struct{ JSON body[checkWorkflowJSON] }) (*struct{ Body workflowProblemsJSON }, error) {
	if !in.JSON.value.Definition.given() {
		return nil, invalidField("definition", "is required")
	}
	d := &decoder{}
	def := in.JSON.value.Definition.value.definition(d, "definition")
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the definition breaks the rules", Fields: d.faults}
	}
	known, err := s.known(ctx, c.account())
	if err != nil {
		return nil, err
	}
	return &struct{ Body workflowProblemsJSON }{workflowProblemsJSON{problemViews(known.problems(&def))}}, nil
}
