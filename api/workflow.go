package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/workflow"
)

// Workflows is what the API asks of a store about workflows. A workflow of
// another account is CodeNotFound. Every change leaves its audit record.
type Workflows interface {
	CreateWorkflow(ctx context.Context, w tidings.Workflow, actor string) (tidings.Workflow, error)
	// Workflow gives deleted ones too; see DeletedAt.
	Workflow(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID) (tidings.Workflow, error)
	// Workflows gives at most limit workflows after one, in the order of their ids: the live or the deleted ones.
	Workflows(ctx context.Context, account tidings.AccountID, after tidings.WorkflowID, limit int, deleted bool) ([]tidings.Workflow, error)
	// UpdateWorkflow stores name and draft; CodeConflict when the Version is not the stored one.
	UpdateWorkflow(ctx context.Context, w tidings.Workflow, actor, detail string) (tidings.Workflow, error)
	// ActivateWorkflow makes the draft the version that new runs take; CodeConflict when version is not the stored one.
	ActivateWorkflow(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID, version int64, actor string) (tidings.Workflow, error)
	// DeactivateWorkflow starts no more runs, and stops those that are going when it is told to.
	DeactivateWorkflow(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID, stopRuns bool, actor string) (stopped int64, err error)
	// DeleteWorkflow stops the runs, too.
	DeleteWorkflow(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID, actor string) error
	RestoreWorkflow(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID, actor string) (tidings.Workflow, error)
	// WorkflowVersion gives what was activated as a version.
	WorkflowVersion(ctx context.Context, account tidings.AccountID, id tidings.WorkflowID, n int64) (tidings.Definition, error)
}

// workflowInputJSON is what can be set of a workflow, on create and by a merge
// patch (RFC 7396); the definition is replaced as a whole.
type workflowInputJSON struct {
	Name       optional[string]                 `json:"name,omitempty" maxLength:"200" doc:"1 to 200 characters."`
	Definition optional[workflowDefinitionJSON] `json:"definition,omitempty" doc:"The draft. It may be unfinished: problems says what is missing until it can be activated."`
	Version    optional[int]                    `json:"version,omitempty" doc:"Only in a patch: the version that was read; 409 when it has changed since."`
}

// workflowBodyBytes leaves room for a definition with white space in it.
const workflowBodyBytes = 4 * tidings.MaxDefinition

func (*workflowInputJSON) maxBytes() int { return workflowBodyBytes }

// newWorkflowJSON is the same as the body of a create, where some are required.
type newWorkflowJSON workflowInputJSON

func (*newWorkflowJSON) maxBytes() int { return workflowBodyBytes }

// workflowJSON is a workflow as it is shown.
type workflowJSON struct {
	ID            tidings.WorkflowID `json:"id"`
	Name          string             `json:"name"`
	Active        bool               `json:"active" doc:"Events start runs of it."`
	ActiveVersion *int64             `json:"activeVersion" doc:"The version that new runs take; null while it is not active."`
	LatestVersion int64              `json:"latestVersion" doc:"The newest version; 0 = it was never active."`
	Trigger       string             `json:"trigger" doc:"What starts it, in short: an eventTypeKey, or activity.CLICKED and the like."`
	Blocks        int                `json:"blocks" doc:"How many blocks the draft has."`
	Version       int64              `json:"version" doc:"Counts the changes of name, draft and activity."`
	CreatedAt     time.Time          `json:"createdAt"`
	UpdatedAt     time.Time          `json:"updatedAt"`
	DeletedAt     *time.Time         `json:"deletedAt" doc:"null while it is live."`

	Definition *shownDefinition      `json:"definition,omitempty" doc:"The draft. Only where one workflow is shown."`
	Changed    *bool                 `json:"changed,omitempty" doc:"The draft is not what is active. Only where one workflow is shown."`
	Problems   []workflowProblemJSON `json:"problems,omitempty" doc:"What is wrong with the draft, and what may not be meant. Only where one workflow is shown."`
	RunsGoing  *int64                `json:"runsGoing,omitempty" doc:"How many runs are under way."`
	Runs       *runCountsJSON        `json:"runs,omitempty" doc:"Only where one workflow is shown."`
}

// workflowProblemJSON is one mistake of a definition.
type workflowProblemJSON struct {
	Field   string `json:"field" doc:"Path within the definition, as blocks[2].exits.ok."`
	Block   string `json:"block" doc:"Id of the block; empty: the workflow as a whole."`
	Line    int    `json:"line" doc:"Within a template, from 1; 0 = the field as a whole."`
	Column  int    `json:"column"`
	Reason  string `json:"reason" doc:"What is wrong and what to do."`
	Warning bool   `json:"warning" doc:"It may not be meant; it does not stand against an activation."`
}

type runCountsJSON struct {
	Going  int64 `json:"going"`
	Ended  int64 `json:"ended"`
	Failed int64 `json:"failed"`
	Marked int64 `json:"marked" doc:"Of all: on whose way something went wrong."`
}

type workflowsJSON struct {
	Workflows []workflowJSON `json:"workflows"`
	Next      *int64         `json:"next" doc:"after of the next page; null on the last."`
}

type shownWorkflow struct{ Body workflowJSON }

type workflowPath struct {
	ID int64 `path:"id" minimum:"1" doc:"The workflow's id."`
}

// workflowSample is the seed's second example as a whole workflow.
const workflowSample = `{"name":"Promo code","definition":{
  "trigger":{"eventTypeKey":"subscribed"},"start":"promo","blocks":[
    {"id":"promo","kind":"webhook","webhook":{"webhookId":1,"whose":{"contactEmail":"${email}"}},"exits":{"ok":"letter","failed":"end"}},
    {"id":"letter","kind":"message","message":{"messageId":1},"exits":{"next":"end"}},
    {"id":"end","kind":"end"}]}}`

func (s *Server) registerWorkflows() {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	at := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"Workflows"}, Summary: summary}
	}
	create := at(http.MethodPost, "/v1/workflows", "create-workflow", "Create a workflow")
	create.Description = "What is given is the draft: nothing starts until it is activated. The answer names what is wrong with it."
	create.DefaultStatus, create.Errors = http.StatusCreated, []int{400, 408, 413, 415, 422, 503}
	create.Extensions = curl(`curl -X POST $TIDINGS/v1/workflows -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '` + workflowSample + `'`)
	operate(s, create, manage, s.createWorkflow)

	list := at(http.MethodGet, "/v1/workflows", "list-workflows", "List workflows, the live or the deleted ones")
	list.Errors, list.Extensions = []int{400, 503}, curl(`curl "$TIDINGS/v1/workflows?deleted=true" -H "Authorization: Bearer $KEY"`)
	operate(s, list, read, s.listWorkflows)

	show := at(http.MethodGet, "/v1/workflows/{id}", "get-workflow", "Show a workflow, a deleted one too: its draft, what is wrong with it, and how its runs stand")
	show.Errors, show.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/workflows/1 -H "Authorization: Bearer $KEY"`)
	operate(s, show, read, s.getWorkflow)

	change := at(http.MethodPatch, "/v1/workflows/{id}", "change-workflow", "Change a workflow's name or draft")
	change.Description = "What is active stays as it is until the draft is activated; runs that are under way stay with the version that they began with."
	change.Errors = []int{400, 404, 408, 409, 413, 415, 422, 503}
	change.Extensions = curl(`curl -X PATCH $TIDINGS/v1/workflows/1 -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"name":"Promo code, autumn","version":1}'`)
	operate(s, change, manage, s.changeWorkflow)

	remove := at(http.MethodDelete, "/v1/workflows/{id}", "delete-workflow", "Delete a workflow and stop its runs")
	remove.Description, remove.Errors = "It can be listed and restored.", []int{400, 404, 503}
	remove.Extensions = curl(`curl -X DELETE $TIDINGS/v1/workflows/1 -H "Authorization: Bearer $KEY"`)
	operate(s, remove, manage, s.deleteWorkflow)

	restore := at(http.MethodPost, "/v1/workflows/{id}/restore", "restore-workflow", "Restore a deleted workflow")
	restore.Description, restore.Errors = "It comes back inactive.", []int{400, 404, 503}
	restore.Extensions = curl(`curl -X POST $TIDINGS/v1/workflows/1/restore -H "Authorization: Bearer $KEY"`)
	operate(s, restore, manage, s.restoreWorkflow)

	version := at(http.MethodGet, "/v1/workflows/{id}/versions/{version}", "get-workflow-version", "Show what was activated as a version of a workflow")
	version.Errors, version.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/workflows/1/versions/1 -H "Authorization: Bearer $KEY"`)
	operate(s, version, read, s.getWorkflowVersion)
	s.registerWorkflowActs(at)
}

func workflowView(w *tidings.Workflow) workflowJSON {
	v := workflowJSON{
		ID: w.ID, Name: w.Name, Active: w.Active != 0, LatestVersion: w.Latest, Trigger: triggerWords(&w.Draft.Trigger), Blocks: len(w.Draft.Blocks),
		Version: w.Version, CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(), DeletedAt: instant(w.DeletedAt),
	}
	if w.Active != 0 {
		v.ActiveVersion = ptr(w.Active)
	}
	return v
}

func triggerWords(t *tidings.Trigger) string {
	if t.Activity != nil {
		return "activity." + t.Activity.Status
	}
	return t.EventTypeKey
}

// wholeWorkflow shows a workflow with its draft, what is known of both, and its runs counted.
func (s *Server) wholeWorkflow(ctx context.Context, w *tidings.Workflow) (*shownWorkflow, error) {
	v, err := s.knownWorkflow(ctx, w)
	if err != nil {
		return nil, err
	}
	var n runCountsJSON
	if n.Going, n.Ended, n.Failed, n.Marked, err = s.store.CountRuns(ctx, w.Account, w.ID); err != nil {
		return nil, err
	}
	v.Body.Runs, v.Body.RunsGoing = &n, &n.Going
	return v, nil
}

// knownWorkflow shows a workflow with its draft and what is known of both.
func (s *Server) knownWorkflow(ctx context.Context, w *tidings.Workflow) (*shownWorkflow, error) {
	v := workflowView(w)
	v.Definition = &shownDefinition{w.Draft}
	known, err := s.known(ctx, w.Account)
	if err != nil {
		return nil, err
	}
	v.Problems = problemViews(known.problems(&w.Draft))
	changed := true
	if w.Active != 0 {
		active, err := s.store.WorkflowVersion(ctx, w.Account, w.ID, w.Active)
		if err != nil {
			return nil, err
		}
		changed = !sameDefinition(&active, &w.Draft)
	}
	v.Changed = &changed
	return &shownWorkflow{v}, nil
}

// sameDefinition compares what two definitions are written as: an absent list
// is an empty one.
func sameDefinition(a, b *tidings.Definition) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

// apply sets what is asked of a workflow. What changed is named, never a value.
func (in *workflowInputJSON) apply(w *tidings.Workflow) (changed []string, err error) {
	d := &decoder{}
	was := *w
	in.Name.put(&w.Name, "")
	if reason := tidings.CheckName(w.Name); reason != "" {
		d.fault("name", "%s", reason)
	}
	switch {
	case in.Definition.null:
		d.fault("definition", "must not be null: a workflow is its definition")
	case in.Definition.set:
		w.Draft = in.Definition.value.definition(d, "definition")
	case w.ID == 0:
		d.fault("definition", "is required")
	}
	switch {
	case in.Version.given() && w.ID == 0:
		d.fault("version", "is for a change: a new workflow begins at 1")
	case in.Version.given():
		w.Version = int64(in.Version.value)
	}
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the workflow breaks the rules: nothing was changed", Fields: d.faults}
	}
	if was.Name != w.Name {
		changed = append(changed, "name")
	}
	if !reflect.DeepEqual(was.Draft, w.Draft) && !sameDefinition(&was.Draft, &w.Draft) {
		changed = append(changed, "definition")
	}
	return changed, nil
}

func (s *Server) createWorkflow(ctx context.Context, c caller, in *struct{ JSON body[newWorkflowJSON] }) (*shownWorkflow, error) {
	w := tidings.Workflow{Account: c.account()}
	if _, err := (*workflowInputJSON)(&in.JSON.value).apply(&w); err != nil {
		return nil, err
	}
	made, err := s.store.CreateWorkflow(ctx, w, c.actor())
	if err != nil {
		return nil, err
	}
	return s.wholeWorkflow(ctx, &made)
}

func (s *Server) listWorkflows(ctx context.Context, c caller, in *struct {
	Query   string `query:"q" maxLength:"200" doc:"Only those whose name has this, in any case."`
	Deleted bool   `query:"deleted" doc:"true: the deleted ones instead of the live ones."`
	After   int64  `query:"after" minimum:"0" doc:"next of the page before."`
	Limit   int    `query:"limit" minimum:"1" maximum:"100" default:"100" doc:"The most workflows of a page."`
},
) (*struct{ Body workflowsJSON }, error) {
	id := func(one *tidings.Workflow) int64 { return int64(one.ID) }
	list, err := pick(in.After, in.Limit, func(after int64, limit int) ([]tidings.Workflow, error) {
		return s.store.Workflows(ctx, c.account(), tidings.WorkflowID(after), limit, in.Deleted)
	}, saying(in.Query, func(one *tidings.Workflow) []string { return []string{one.Name} }), id)
	if err != nil {
		return nil, err
	}
	var out workflowsJSON
	out.Workflows, out.Next = pageOf(list, in.Limit, workflowView, id)
	going, err := s.store.GoingRuns(ctx, c.account())
	if err != nil {
		return nil, err
	}
	for i := range out.Workflows {
		out.Workflows[i].RunsGoing = ptr(going[out.Workflows[i].ID])
	}
	return &struct{ Body workflowsJSON }{out}, nil
}

func (s *Server) getWorkflow(ctx context.Context, c caller, in *struct {
	ID     int64 `path:"id" minimum:"1" doc:"The workflow's id."`
	Counts bool  `query:"counts" default:"true" doc:"false: runs is left out, which takes the longer the more runs there were, and runsGoing is counted alone."`
},
) (*shownWorkflow, error) {
	w, err := s.store.Workflow(ctx, c.account(), tidings.WorkflowID(in.ID))
	if err != nil {
		return nil, err
	}
	if in.Counts {
		return s.wholeWorkflow(ctx, &w)
	}
	v, err := s.knownWorkflow(ctx, &w)
	if err != nil {
		return nil, err
	}
	going, err := s.store.GoingRuns(ctx, c.account())
	if err != nil {
		return nil, err
	}
	v.Body.RunsGoing = ptr(going[w.ID])
	return v, nil
}

// liveWorkflow gives a workflow that can be changed and run.
func (s *Server) liveWorkflow(ctx context.Context, c caller, id int64) (tidings.Workflow, error) {
	w, err := s.store.Workflow(ctx, c.account(), tidings.WorkflowID(id))
	if err == nil && !w.DeletedAt.IsZero() {
		err = tidings.Errorf(tidings.CodeConflict, "workflow %d is deleted: restore it first", id)
	}
	return w, err
}

func (s *Server) changeWorkflow(ctx context.Context, c caller, in *struct {
	ID   int64 `path:"id" minimum:"1" doc:"The workflow's id."`
	JSON body[workflowInputJSON]
},
) (*shownWorkflow, error) {
	w, err := s.liveWorkflow(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	changed, err := in.JSON.value.apply(&w)
	if err != nil {
		return nil, err
	}
	if len(changed) > 0 || in.JSON.value.Version.given() {
		if w, err = s.store.UpdateWorkflow(ctx, w, c.actor(), "changed "+strings.Join(changed, ", ")); err != nil {
			return nil, err
		}
	}
	return s.wholeWorkflow(ctx, &w)
}

func (s *Server) deleteWorkflow(ctx context.Context, c caller, in *workflowPath) (*struct{}, error) {
	return nil, s.store.DeleteWorkflow(ctx, c.account(), tidings.WorkflowID(in.ID), c.actor())
}

func (s *Server) restoreWorkflow(ctx context.Context, c caller, in *workflowPath) (*shownWorkflow, error) {
	w, err := s.store.RestoreWorkflow(ctx, c.account(), tidings.WorkflowID(in.ID), c.actor())
	if err != nil {
		return nil, err
	}
	return s.wholeWorkflow(ctx, &w)
}

type workflowVersionJSON struct {
	Version    int64           `json:"version"`
	Definition shownDefinition `json:"definition"`
}

func (s *Server) getWorkflowVersion(ctx context.Context, c caller, in *struct {
	ID      int64 `path:"id" minimum:"1" doc:"The workflow's id."`
	Version int64 `path:"version" minimum:"1" doc:"The version's number: 1 to latestVersion."`
},
) (*struct{ Body workflowVersionJSON }, error) {
	def, err := s.store.WorkflowVersion(ctx, c.account(), tidings.WorkflowID(in.ID), in.Version)
	if err != nil {
		return nil, err
	}
	return &struct{ Body workflowVersionJSON }{workflowVersionJSON{in.Version, shownDefinition{def}}}, nil
}

// eachWorkflow goes over the live workflows of an account.
func (s *Server) eachWorkflow(ctx context.Context, account tidings.AccountID, each func(*tidings.Workflow) error) error {
	const page = 100
	for after := tidings.WorkflowID(0); ; {
		list, err := s.store.Workflows(ctx, account, after, page, false)
		if err != nil {
			return err
		}
		for i := range list {
			if err := each(&list[i]); err != nil {
				return err
			}
		}
		if len(list) < page {
			return nil
		}
		after = list[len(list)-1].ID
	}
}

func problemViews(problems []workflow.Problem) []workflowProblemJSON {
	out := make([]workflowProblemJSON, len(problems))
	for i, p := range problems {
		out[i] = workflowProblemJSON{Field: p.Field, Block: string(p.Block), Line: p.Line, Column: p.Col, Reason: p.Reason, Warning: p.Warning}
	}
	return out
}
