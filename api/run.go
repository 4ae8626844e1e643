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

// Runs is what the API asks of a store about runs. A run of another account is
// CodeNotFound.
type Runs interface {
	Run(ctx context.Context, account tidings.AccountID, id tidings.RunID) (tidings.Run, error)
	// Runs gives the runs that a query chooses, newest first, without their replies.
	Runs(ctx context.Context, q tidings.RunQuery) ([]tidings.Run, error)
	// Steps gives what a run has done, in order.
	Steps(ctx context.Context, account tidings.AccountID, run tidings.RunID) ([]tidings.Step, error)
	// StopRun ends a run at once; CodeConflict when it has ended. It leaves its audit record, as StopRuns does.
	StopRun(ctx context.Context, account tidings.AccountID, id tidings.RunID, actor string) error
	StopRuns(ctx context.Context, account tidings.AccountID, workflow tidings.WorkflowID, actor string) (int64, error)
	// StartRun starts a run for an event that is stored already.
	StartRun(ctx context.Context, account tidings.AccountID, event tidings.EventID, l tidings.Launch, actor string) (tidings.Run, error)
	// GoingRuns counts the runs under way of each workflow that has any.
	GoingRuns(ctx context.Context, account tidings.AccountID) (map[tidings.WorkflowID]int64, error)
	CountRuns(ctx context.Context, account tidings.AccountID, workflow tidings.WorkflowID) (going, ended, failed, marked int64, err error)
}

type runJSON struct {
	ID         tidings.RunID      `json:"id"`
	InstanceID string             `json:"workflowInstanceId" doc:"The workflowInstanceId of its activities."`
	WorkflowID tidings.WorkflowID `json:"workflowId"`
	Version    int64              `json:"version" doc:"Of the workflow, that it follows."`
	ContactID  *tidings.ContactID `json:"contactId" doc:"null = the event names nobody."`
	EventID    tidings.EventID    `json:"eventId"`
	State      tidings.RunState   `json:"state" enum:"going,ended,failed,stopped"`
	Block      string             `json:"block" doc:"The next one; empty when it has ended."`
	DueAt      *time.Time         `json:"dueAt" doc:"When that is executed; null when it has ended."`
	Marked     bool               `json:"marked" doc:"Something went wrong on its way."`
	Error      string             `json:"error" doc:"Why it failed; empty otherwise."`
	Tries      int                `json:"tries" doc:"Of the next step, that did not come to their end."`
	StepsDone  int                `json:"stepsDone"`
	StartedAt  time.Time          `json:"startedAt"`
	EndedAt    *time.Time         `json:"endedAt"`

	Steps []stepJSON `json:"steps,omitempty" doc:"Only where one run is shown."`
}

type stepJSON struct {
	Number     int               `json:"number"`
	Block      string            `json:"block"`
	Kind       tidings.BlockKind `json:"kind"`
	At         time.Time         `json:"at"`
	DurationMs float64           `json:"durationMs"`
	Exit       tidings.Exit      `json:"exit" doc:"The way out that it took; empty at an end."`
	Decided    json.RawMessage   `json:"decided,omitempty" doc:"What it saw and decided; secrets are masked."`
	Error      string            `json:"error" doc:"Empty when nothing went wrong."`
	Call       *callJSON         `json:"call,omitempty" doc:"Of a webhook: what was sent and what came back, as GET /v1/calls/{id} shows it."`
	CallID     *tidings.CallID   `json:"callId,omitempty" doc:"Of a webhook."`
	MailID     *tidings.MailID   `json:"mailId,omitempty" doc:"Of a message: see GET /v1/outbox/{id}."`
}

type runsJSON struct {
	Runs []runJSON `json:"runs" doc:"Newest first."`
	Next *int64    `json:"next" doc:"before of the next page; null on the last."`
}

type shownRun struct{ Body runJSON }

type runPath struct {
	ID int64 `path:"id" minimum:"1" doc:"The run's id."`
}

type stoppedRunsJSON struct {
	Stopped int64 `json:"stopped"`
}

// RunFilter is what chooses runs, in the query. It is exported for huma, which
// reads no other embedded parameters.
type RunFilter struct {
	Contact int64  `query:"contactId" minimum:"0" doc:"Only those of this contact."`
	Event   int64  `query:"eventId" minimum:"0" doc:"Only those that this event has started."`
	State   string `query:"state" enum:"going,ended,failed,stopped" doc:"Only those in this state."`
	Marked  bool   `query:"marked" doc:"true: only those on whose way something went wrong."`
	From    string `query:"from" maxLength:"40" doc:"Only those that started at this time or later, as 2026-01-31T15:04:05Z."`
	To      string `query:"to" maxLength:"40" doc:"Only those that started before this time."`
	Before  int64  `query:"before" minimum:"0" doc:"next of the page before."`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"The most runs of a page."`
}

func (s *Server) registerRuns() {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	at := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"Runs"}, Summary: summary}
	}
	list := at(http.MethodGet, "/v1/runs", "list-runs", "List runs of all workflows, newest first")
	list.Errors, list.Extensions = []int{400, 503}, curl(`curl "$TIDINGS/v1/runs?state=failed" -H "Authorization: Bearer $KEY"`)
	operate(s, list, read, s.listRuns)

	of := at(http.MethodGet, "/v1/workflows/{id}/runs", "list-workflow-runs", "List the runs of a workflow, newest first")
	of.Errors, of.Extensions = []int{400, 404, 503}, curl(`curl "$TIDINGS/v1/workflows/1/runs?marked=true" -H "Authorization: Bearer $KEY"`)
	operate(s, of, read, s.listWorkflowRuns)

	stopAll := at(http.MethodPost, "/v1/workflows/{id}/runs/stop", "stop-workflow-runs", "Stop all runs of a workflow that are under way")
	stopAll.Description, stopAll.Errors = "The workflow stays as it is: an active one starts further runs.", []int{400, 404, 503}
	stopAll.Extensions = curl(`curl -X POST $TIDINGS/v1/workflows/1/runs/stop -H "Authorization: Bearer $KEY"`)
	operate(s, stopAll, manage, s.stopRuns)

	show := at(http.MethodGet, "/v1/runs/{id}", "get-run", "Show a run with its steps: what each saw, sent, got and decided")
	show.Errors, show.Extensions = []int{400, 404, 503}, curl(`curl $TIDINGS/v1/runs/1 -H "Authorization: Bearer $KEY"`)
	operate(s, show, read, s.getRun)

	stop := at(http.MethodPost, "/v1/runs/{id}/stop", "stop-run", "Stop a run")
	stop.Description, stop.Errors = "A call or a mail that is on its way is not taken back. 409 when the run has ended.", []int{400, 404, 409, 503}
	stop.Extensions = curl(`curl -X POST $TIDINGS/v1/runs/1/stop -H "Authorization: Bearer $KEY"`)
	operate(s, stop, manage, s.stopRun)

	again := at(http.MethodPost, "/v1/runs/{id}/rerun", "rerun", "Run the workflow again for the event of a run")
	again.Description = "A new run begins, with the version that is active now; calls are made and messages sent again. The run that was stays as it is. 409 when the workflow is not active."
	again.DefaultStatus, again.Errors = http.StatusCreated, []int{400, 404, 409, 503}
	again.Extensions = curl(`curl -X POST $TIDINGS/v1/runs/1/rerun -H "Authorization: Bearer $KEY"`)
	operate(s, again, manage, s.rerun)
}

func runView(r *tidings.Run) runJSON {
	v := runJSON{
		ID: r.ID, InstanceID: r.Instance, WorkflowID: r.Workflow, Version: r.Version, ContactID: someContact(r.Contact), EventID: r.Event,
		State: r.State, Block: string(r.Block), Marked: r.Marked, Error: r.Error, StepsDone: r.Steps, StartedAt: r.StartedAt.UTC(), EndedAt: instant(r.EndedAt),
	}
	if r.State == tidings.RunGoing {
		v.DueAt, v.Tries = instant(r.Due), r.Tries
	}
	return v
}

func (s *Server) runPage(ctx context.Context, account tidings.AccountID, workflow int64, f *RunFilter) (*struct{ Body runsJSON }, error) {
	d := &decoder{}
	q := tidings.RunQuery{
		Account: account, Workflow: tidings.WorkflowID(workflow), Contact: tidings.ContactID(f.Contact), Event: tidings.EventID(f.Event), State: tidings.RunState(f.State), Marked: f.Marked,
		Before: tidings.RunID(f.Before), Limit: f.Limit,
		From: d.queryTime("from", f.From), To: d.queryTime("to", f.To),
	}
	if len(d.faults) > 0 {
		return nil, unreadable("the request's parameters are wrong", d.faults...)
	}
	runs, err := s.store.Runs(ctx, q)
	if err != nil {
		return nil, err
	}
	out := runsJSON{Runs: make([]runJSON, len(runs))}
	for i := range runs {
		out.Runs[i] = runView(&runs[i])
	}
	if len(runs) == f.Limit {
		out.Next = ptr(int64(runs[len(runs)-1].ID))
	}
	return &struct{ Body runsJSON }{out}, nil
}

// queryTime reads a time of the query; the zero time for "".
func (d *decoder) queryTime(name, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	return d.instant(optional[string]{set: true, value: text}, name)
}

func (s *Server) listRuns(ctx context.Context, c caller, in *struct {
	Workflow int64 `query:"workflowId" minimum:"0" doc:"Only those of this workflow."`
	RunFilter
},
) (*struct{ Body runsJSON }, error) {
	return s.runPage(ctx, c.account(), in.Workflow, &in.RunFilter)
}

func (s *Server) listWorkflowRuns(ctx context.Context, c caller, in *struct {
	ID int64 `path:"id" minimum:"1" doc:"The workflow's id."`
	RunFilter
},
) (*struct{ Body runsJSON }, error) {
	if _, err := s.store.Workflow(ctx, c.account(), tidings.WorkflowID(in.ID)); err != nil {
		return nil, err
	}
	return s.runPage(ctx, c.account(), in.ID, &in.RunFilter)
}

func (s *Server) getRun(ctx context.Context, c caller, in *runPath) (*shownRun, error) {
	return s.wholeRun(ctx, c.account(), tidings.RunID(in.ID))
}

// wholeRun shows a run with its history, calls included.
func (s *Server) wholeRun(ctx context.Context, account tidings.AccountID, id tidings.RunID) (*shownRun, error) {
	r, err := s.store.Run(ctx, account, id)
	if err != nil {
		return nil, err
	}
	steps, err := s.store.Steps(ctx, account, id)
	if err != nil {
		return nil, err
	}
	v := runView(&r)
	v.Steps = make([]stepJSON, len(steps))
	for i := range steps {
		if v.Steps[i], err = s.stepView(ctx, account, &steps[i]); err != nil {
			return nil, err
		}
	}
	return &shownRun{v}, nil
}

func (s *Server) stepView(ctx context.Context, account tidings.AccountID, step *tidings.Step) (stepJSON, error) {
	v := stepJSON{
		Number: step.Number, Block: string(step.Block), Kind: step.Kind, At: step.At.UTC(), DurationMs: ms(step.Duration),
		Exit: step.Exit, Decided: step.Decided, Error: step.Error,
	}
	if step.Mail != 0 {
		v.MailID = &step.Mail
	}
	if step.Call == 0 {
		return v, nil
	}
	v.CallID = &step.Call
	made, err := s.store.Call(ctx, account, step.Call)
	switch tidings.CodeOf(err) {
	case "":
		v.Call = ptr(callView(&made))
	case tidings.CodeNotFound: // past its time: the log of calls is kept shorter than runs
	default:
		return v, err
	}
	return v, nil
}

func (s *Server) stopRun(ctx context.Context, c caller, in *runPath) (*shownRun, error) {
	id := tidings.RunID(in.ID)
	if err := s.store.StopRun(ctx, c.account(), id, c.actor()); err != nil {
		return nil, err
	}
	return s.wholeRun(ctx, c.account(), id)
}

func (s *Server) stopRuns(ctx context.Context, c caller, in *workflowPath) (*struct{ Body stoppedRunsJSON }, error) {
	id := tidings.WorkflowID(in.ID)
	if _, err := s.store.Workflow(ctx, c.account(), id); err != nil {
		return nil, err
	}
	n, err := s.store.StopRuns(ctx, c.account(), id, c.actor())
	return &struct{ Body stoppedRunsJSON }{stoppedRunsJSON{n}}, err
}

// rerun starts the workflow of a run anew, as it is active now, for the event that the run was for.
func (s *Server) rerun(ctx context.Context, c caller, in *runPath) (*shownRun, error) {
	was, err := s.store.Run(ctx, c.account(), tidings.RunID(in.ID))
	if err != nil {
		return nil, err
	}
	w, err := s.liveWorkflow(ctx, c, int64(was.Workflow))
	if err != nil {
		return nil, err
	}
	if w.Active == 0 {
		return nil, tidings.Errorf(tidings.CodeConflict, "workflow %d is not active: activate it first", w.ID)
	}
	def, err := s.store.WorkflowVersion(ctx, c.account(), w.ID, w.Active)
	if err != nil {
		return nil, err
	}
	launch := workflow.Launch(&tidings.ActiveWorkflow{ID: w.ID, Name: w.Name, Version: w.Active, Definition: def})
	started, err := s.store.StartRun(ctx, c.account(), was.Event, launch, c.actor())
	if err != nil {
		return nil, err
	}
	return &shownRun{runView(&started)}, nil
}
