package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tidings"
	"tidings/ui/part"
)

const workflowsPath = "/automation/workflows"

func (s *Server) registerWorkflows() {
	s.look(workflowsPath, (*visit).workflowsPage)
	s.edit(workflowsPath+"/new", (*visit).newWorkflowPage)
	s.act(workflowsPath+"/new", (*visit).makeWorkflow)
	s.registerEditor()
	s.registerDryRuns()
	s.registerCases()
	s.edit(workflowsPath+"/{id}/name", (*visit).workflowNamePage)
	s.act(workflowsPath+"/{id}/name", (*visit).nameWorkflow)
	s.edit(workflowsPath+"/{id}/activate", (*visit).activateWorkflowPage)
	s.act(workflowsPath+"/{id}/activate", (*visit).activateWorkflow)
	s.edit(workflowsPath+"/{id}/deactivate", (*visit).deactivateWorkflowPage)
	s.act(workflowsPath+"/{id}/deactivate", (*visit).deactivateWorkflow)
	s.edit(workflowsPath+"/{id}/delete", (*visit).deleteWorkflowPage)
	s.act(workflowsPath+"/{id}/delete", (*visit).deleteWorkflow)
	s.act(workflowsPath+"/{id}/restore", (*visit).restoreWorkflow)
	s.look(workflowsPath+"/{id}/versions", (*visit).versionsPage)
	s.look(workflowsPath+"/{id}/versions/{version}", (*visit).versionPage)
	s.act(workflowsPath+"/{id}/versions/{version}/take", (*visit).takeVersion)
}

// workflowInfo is a workflow as the API shows it.
type workflowInfo struct {
	ID            int64               `json:"id"`
	Name          string              `json:"name"`
	Active        bool                `json:"active"`
	ActiveVersion int64               `json:"activeVersion"` // 0 = it is off
	LatestVersion int64               `json:"latestVersion"`
	Trigger       string              `json:"trigger"`
	Blocks        int                 `json:"blocks"`
	Version       int64               `json:"version"`
	UpdatedAt     time.Time           `json:"updatedAt"`
	DeletedAt     *time.Time          `json:"deletedAt"`
	Definition    *tidings.Definition `json:"definition"` // where one workflow is shown, as all below
	Changed       bool                `json:"changed"`
	Problems      []workflowProblem   `json:"problems"`
	RunsGoing     int64               `json:"runsGoing"`
}

// workflowProblem is what is wrong with a draft, or may not be meant.
type workflowProblem struct {
	Field   string          `json:"field"` // blocks[2].exits.ok
	Block   tidings.BlockID `json:"block"` // "" = the workflow as a whole
	Line    int             `json:"line"`
	Column  int             `json:"column"`
	Reason  string          `json:"reason"`
	Warning bool            `json:"warning"`
}

func workflowPath(id int64, more ...string) string {
	return strings.Join(append([]string{workflowsPath, decimal(id)}, more...), "/")
}

// apiWorkflow is the same in the API.
func apiWorkflow(id int64, more ...string) string {
	return strings.Join(append([]string{"/v1/workflows", decimal(id)}, more...), "/")
}

// state says how a workflow stands.
func (w *workflowInfo) state() (part.Meaning, string) {
	switch {
	case w.DeletedAt != nil:
		return part.Quiet, "deleted"
	case w.Active:
		return part.Good, fmt.Sprintf("active, version %d", w.ActiveVersion)
	case w.LatestVersion > 0:
		return part.Quiet, "deactivated"
	}
	return part.Waiting, "draft"
}

// workflow reads the workflow of the path.
func (v *visit) workflow() (*workflowInfo, error) {
	id, err := v.id("id")
	if err != nil {
		return nil, err
	}
	w := &workflowInfo{}
	return w, v.readWorkflow(id, w)
}

// readWorkflow reads a workflow, without the counts of all the runs that it ever had.
func (v *visit) readWorkflow(id int64, w *workflowInfo) error {
	return v.get(apiWorkflow(id), withoutCounts(), w)
}

func withoutCounts() url.Values { return url.Values{"counts": {"false"}} }

// crumbs lead from a page about a workflow to it and to the list.
func (w *workflowInfo) crumbs() []part.Link {
	return []part.Link{{Label: "Workflows", Href: workflowsPath}, {Label: w.Name, Href: workflowPath(w.ID)}}
}

// tabs are the views of a workflow.
func (w *workflowInfo) tabs(v *visit, on string) []part.Tab {
	at := func(name, more string) part.Tab {
		href := workflowPath(w.ID)
		if more != "" {
			href += "/" + more
		}
		return part.Tab{Label: name, Href: href, On: on == name}
	}
	tabs := []part.Tab{at("Editor", "")}
	if v.edits() && w.DeletedAt == nil {
		tabs = append(tabs, at("Test run", "test"))
	}
	return append(tabs, at("Runs", "runs"), at("Cases", "cases"), at("Versions", "versions"))
}

// workflowsView is the list.
type workflowsView struct {
	Rows    []workflowRow
	Query   string
	Deleted bool
	Edits   bool
	Tabs    []part.Tab
	Pager   part.PagerView
	Clock   part.Clock
	Filters part.FiltersView
}

// workflowRow is one of them with its figures.
type workflowRow struct {
	workflowInfo
	Going int64 `json:"runsGoing"`
	Day   figures
}

func (v *visit) workflowsPage() error {
	var list struct {
		Workflows []workflowRow `json:"workflows"`
		Next      *int64        `json:"next"`
	}
	q := v.pick("q", "deleted", "after")
	q.Set("limit", "50")
	if err := v.get("/v1/workflows", q, &list); err != nil {
		return err
	}
	figures, err := v.totals("run", "", 24*time.Hour)
	if err != nil {
		return err
	}
	for i := range list.Workflows {
		list.Workflows[i].Day = figures[decimal(list.Workflows[i].ID)]
	}
	m := workflowsView{Rows: list.Workflows, Query: v.query("q"), Deleted: v.query("deleted") == "true", Edits: v.edits(), Clock: v.clock}
	m.Tabs = []part.Tab{
		{Label: "Live", Href: workflowsPath, On: !m.Deleted},
		{Label: "Deleted", Href: workflowsPath + "?deleted=true", On: m.Deleted},
	}
	m.Pager.Summary = plural(len(m.Rows), "workflow", "workflows")
	if list.Next != nil {
		m.Pager.Next = v.with("after", decimal(*list.Next))
	}
	if v.query("after") != "" {
		m.Pager.Previous = v.with()
	}
	m.Filters = part.FiltersView{Action: workflowsPath, Clear: v.with("q", ""), Label: "Find workflows"}
	if m.Query != "" {
		m.Filters.Active = []part.Chip{{Label: "name: " + m.Query, Href: v.with("q", "")}}
	}
	p := view{Title: "Workflows", Purpose: "What happens to a contact after an event: webhooks, conditions, waits and messages, one after the other."}
	if v.edits() {
		p.Actions = part.LinkButton("New workflow", workflowsPath+"/new", part.Primary)
	}
	return v.page(p, workflowsContent(m))
}

// newWorkflow is the form of a new workflow.
type newWorkflow struct {
	Name, Trigger string
	Types         []string // eventTypeKeys that there are
	Wrong         *refusal
}

func (n *newWorkflow) error(field string) string {
	if n.Wrong == nil {
		return ""
	}
	return n.Wrong.Errors.of(field)
}

func (v *visit) newWorkflowPage() error {
	return v.newWorkflowForm(newWorkflow{Trigger: v.query("event")})
}

func (v *visit) newWorkflowForm(n newWorkflow) error {
	types, err := v.eventTypes()
	if err != nil {
		return err
	}
	for _, t := range types {
		n.Types = append(n.Types, t.Key)
	}
	return v.page(view{
		Title: "New workflow", Purpose: "It begins as a draft: nothing starts until you activate it.",
		Crumbs: []part.Link{{Label: "Workflows", Href: workflowsPath}},
	}, newWorkflowContent(n))
}

// eventTypeInfo is a type of events that the account has received.
type eventTypeInfo struct {
	ID   int64  `json:"id"`
	Key  string `json:"key"`
	Name string `json:"name"`
}

func (v *visit) eventTypes() ([]eventTypeInfo, error) {
	var out struct {
		Types []eventTypeInfo `json:"types"`
	}
	err := v.get("/v1/event-types", url.Values{"limit": {"100"}}, &out)
	return out.Types, err
}

func (v *visit) makeWorkflow() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	n := newWorkflow{Name: f.text("name"), Trigger: f.text("definition.trigger.eventTypeKey")}
	d := tidings.Definition{
		Trigger: tidings.Trigger{EventTypeKey: n.Trigger}, Start: "end",
		Blocks: []tidings.Block{{ID: "end", Kind: tidings.BlockEnd}},
	}
	var made workflowInfo
	err = v.post("/v1/workflows", map[string]any{"name": n.Name, "definition": d}, &made)
	if r, ok := wrong(err); ok {
		n.Wrong = r
		v.wrongForm()
		return v.newWorkflowForm(n)
	}
	if err != nil {
		return err
	}
	return v.done(workflowPath(made.ID), made.Name+" is made. Choose its first block under Actions.")
}

func (v *visit) workflowNamePage() error {
	w, err := v.workflow()
	if err != nil {
		return err
	}
	return v.workflowNameForm(w, w.Name, nil)
}

func (v *visit) workflowNameForm(w *workflowInfo, name string, r *refusal) error {
	return v.page(view{Title: "Rename", Crumbs: w.crumbs(), Active: workflowsPath}, workflowNameContent(w, name, r))
}

func (v *visit) nameWorkflow() error {
	w, f, err := v.workflowForm()
	if err != nil {
		return err
	}
	name, was := f.text("name"), w.Version
	err = v.patch(apiWorkflow(w.ID), map[string]any{"name": name, "version": f.number("version")}, w)
	if r, ok := wrong(err); ok {
		v.wrongForm()
		return v.workflowNameForm(w, name, r)
	}
	if err != nil {
		return err
	}
	v.s.undos.moved(v.undoKey(w), was, w.Version)
	return v.done(workflowPath(w.ID), "It is called "+name+" now.")
}

// workflowForm reads the workflow of the path and the form that was sent for it.
func (v *visit) workflowForm() (*workflowInfo, *form, error) {
	w, err := v.workflow()
	if err != nil {
		return nil, nil, err
	}
	f, err := v.form()
	return w, f, err
}

// Activating.

// workflowActivation is what an activation would change.
type workflowActivation struct {
	W        *workflowInfo
	Faults   []workflowProblem // that stand against it
	Warnings []workflowProblem
	Changes  []string // in words, since the version that is active
	Before   []byte   // JSON of that version; nil = none is active
	After    []byte
	Wrong    *refusal
}

func (v *visit) activateWorkflowPage() error { return v.activateWorkflowForm(nil) }

func (v *visit) activateWorkflowForm(r *refusal) error {
	w, err := v.workflow()
	if err != nil {
		return err
	}
	a := workflowActivation{W: w, After: jsonOf(w.Definition), Wrong: r}
	for _, p := range w.Problems {
		if p.Warning {
			a.Warnings = append(a.Warnings, p)
		} else {
			a.Faults = append(a.Faults, p)
		}
	}
	if w.Active {
		was, err := v.workflowVersion(w.ID, w.ActiveVersion)
		if err != nil {
			return err
		}
		a.Before, a.Changes = jsonOf(was), changesOf(was, w.Definition)
	}
	title := "Activate " + w.Name
	if w.Active {
		title = "Activate the changes of " + w.Name
	}
	return v.page(view{Title: title, Crumbs: w.crumbs(), Active: workflowsPath}, activateWorkflowContent(a))
}

// workflowVersion reads what was activated as a version.
func (v *visit) workflowVersion(id, n int64) (*tidings.Definition, error) {
	var out struct {
		Definition tidings.Definition `json:"definition"`
	}
	if err := v.get(apiWorkflow(id, "versions", decimal(n)), nil, &out); err != nil {
		return nil, err
	}
	return &out.Definition, nil
}

func (v *visit) activateWorkflow() error {
	w, f, err := v.workflowForm()
	if err != nil {
		return err
	}
	was := w.Version
	err = v.post(apiWorkflow(w.ID, "activate"), map[string]any{"version": f.number("version")}, w)
	if r, ok := wrong(err); ok {
		v.wrongForm()
		return v.activateWorkflowForm(r)
	}
	if err != nil {
		return err
	}
	v.s.undos.moved(v.undoKey(w), was, w.Version)
	return v.done(workflowPath(w.ID), fmt.Sprintf("Version %d is active: events of %s start runs of it.", w.ActiveVersion, w.Trigger))
}

func (v *visit) deactivateWorkflowPage() error {
	w, err := v.workflow()
	if err != nil {
		return err
	}
	return v.page(view{Title: "Deactivate " + w.Name, Crumbs: w.crumbs(), Active: workflowsPath}, deactivateWorkflowContent(w))
}

func (v *visit) deactivateWorkflow() error {
	w, f, err := v.workflowForm()
	if err != nil {
		return err
	}
	var out struct {
		Stopped  int64        `json:"stopped"`
		Workflow workflowInfo `json:"workflow"`
	}
	if err := v.post(apiWorkflow(w.ID, "deactivate"), map[string]any{"stopRuns": f.flag("stopRuns")}, &out); err != nil {
		return err
	}
	v.s.undos.moved(v.undoKey(w), w.Version, out.Workflow.Version)
	said := w.Name + " starts no more runs."
	switch {
	case out.Stopped > 0:
		said += " " + plural(out.Stopped, "run was stopped.", "runs were stopped.")
	case w.RunsGoing > 0:
		said += " " + plural(w.RunsGoing, "run goes", "runs go") + " on to the end."
	}
	return v.done(workflowPath(w.ID), said)
}

func (v *visit) deleteWorkflowPage() error {
	w, err := v.workflow()
	if err != nil {
		return err
	}
	return v.page(view{Title: "Delete " + w.Name, Crumbs: w.crumbs(), Active: workflowsPath}, deleteWorkflowContent(w))
}

func (v *visit) deleteWorkflow() error {
	w, err := v.workflow()
	if err != nil {
		return err
	}
	if err := v.remove(apiWorkflow(w.ID)); err != nil {
		return err
	}
	said := w.Name + " is deleted."
	if w.RunsGoing > 0 {
		said += " " + plural(w.RunsGoing, "run was stopped.", "runs were stopped.")
	}
	return v.done(workflowsPath, said+" It can be restored under Deleted.")
}

func (v *visit) restoreWorkflow() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	var w workflowInfo
	if err := v.post(apiWorkflow(id, "restore"), nil, &w); err != nil {
		return err
	}
	return v.done(workflowPath(id), w.Name+" is restored. It is not active.")
}

// versionsPage lists what was ever active, the newest first.
func (v *visit) versionsPage() error {
	w, err := v.workflow()
	if err != nil {
		return err
	}
	const most = 50
	from := w.LatestVersion
	if n := (&form{values: v.r.URL.Query()}).number("before"); n != nil && *n > 0 && *n <= from {
		from = *n - 1
	}
	var numbers []int64
	for n := from; n > 0 && len(numbers) < most; n-- {
		numbers = append(numbers, n)
	}
	pager := part.PagerView{Summary: plural(w.LatestVersion, "version", "versions")}
	if len(numbers) == most && numbers[most-1] > 1 {
		pager.Next = v.with("before", decimal(numbers[most-1]))
	}
	if from != w.LatestVersion {
		pager.Previous = v.with()
	}
	return v.page(view{Title: w.Name, Purpose: "What was active, and what is.", Crumbs: w.crumbs()[:1], Active: workflowsPath}, versionsContent(v, w, numbers, pager))
}

// versionView is a version beside the draft.
type versionView struct {
	W       *workflowInfo
	Number  int64
	Flow    flowView
	Changes []string // of the draft since
	Before  []byte
	After   []byte
	Edits   bool
}

func (v *visit) versionPage() error {
	w, err := v.workflow()
	if err != nil {
		return err
	}
	n, err := v.id("version")
	if err != nil {
		return err
	}
	d, err := v.workflowVersion(w.ID, n)
	if err != nil {
		return err
	}
	things, err := v.thingsOf(d)
	if err != nil {
		return err
	}
	m := versionView{W: w, Number: n, Changes: changesOf(d, w.Definition), Before: jsonOf(d), After: jsonOf(w.Definition), Edits: v.edits() && w.DeletedAt == nil}
	m.Flow = flowView{Def: d, Flow: layOut(d), Trigger: triggerFact(&d.Trigger, things), Things: things}
	title := fmt.Sprintf("Version %d of %s", n, w.Name)
	return v.page(view{Title: title, Crumbs: append(w.crumbs(), part.Link{Label: "Versions", Href: workflowPath(w.ID, "versions")}), Active: workflowsPath, Wide: true}, versionContent(v, m))
}

// takeVersion makes a version the draft.
func (v *visit) takeVersion() error {
	w, f, err := v.workflowForm()
	if err != nil {
		return err
	}
	n, err := v.id("version")
	if err != nil {
		return err
	}
	d, err := v.workflowVersion(w.ID, n)
	if err != nil {
		return err
	}
	if err := v.saveDraft(w, f, *d); err != nil {
		return err
	}
	return v.done(workflowPath(w.ID), fmt.Sprintf("The draft is what version %d was. Activate it to have runs take it.", n))
}

// problemsOf gives what is wrong with one block, faults first.
func problemsOf(list []workflowProblem, block tidings.BlockID) []workflowProblem {
	var of []workflowProblem
	for _, p := range list {
		if p.Block == block {
			of = append(of, p)
		}
	}
	slices.SortStableFunc(of, func(a, b workflowProblem) int {
		switch {
		case a.Warning == b.Warning:
			return 0
		case b.Warning:
			return -1
		}
		return 1
	})
	return of
}

// changedMeanwhile says that somebody else has edited a workflow since a form of it was made.
func (v *visit) changedMeanwhile(w *workflowInfo) *refusal {
	who := "somebody else"
	var audit struct {
		Records []struct {
			Actor  string    `json:"actor"`
			Action string    `json:"action"`
			Detail string    `json:"detail"`
			At     time.Time `json:"at"`
		} `json:"records"`
	}
	if v.get("/v1/audit", url.Values{"limit": {"50"}}, &audit) == nil {
		for _, r := range audit.Records {
			if strings.HasPrefix(r.Action, "workflow.") && strings.HasPrefix(r.Detail, "workflow "+decimal(w.ID)+" ") {
				who = r.Actor + " (" + v.clock.Relative(r.At) + ")"
				break
			}
		}
	}
	return &refusal{
		Status: http.StatusConflict, Code: tidings.CodeConflict, Title: "Changed meanwhile",
		Detail: fmt.Sprintf("%s was changed meanwhile by %s: nothing of yours was stored.", w.Name, who),
	}
}

// firstAct is what to do while there is no workflow.
func (m *workflowsView) firstAct() part.ButtonView {
	if !m.Edits {
		return part.ButtonView{}
	}
	return part.ButtonView{Label: "New workflow", Href: workflowsPath + "/new", Kind: part.Primary}
}

func nameFault(r *refusal) string {
	if r == nil {
		return ""
	}
	return r.Errors.of("name")
}

// lost says what a delete ends.
func (w *workflowInfo) lost() string {
	lost := "Events start no more runs of it."
	if w.RunsGoing > 0 {
		lost += " " + plural(w.RunsGoing, "run that is", "runs that are") + " in progress will be stopped, and " + itOrThey(w.RunsGoing) + " can't be taken up again."
	}
	return lost + " It is kept under Deleted, with its versions, and can be restored."
}

func itOrThey(n int64) string {
	if n == 1 {
		return "it"
	}
	return "they"
}

func (w *workflowInfo) problemHref(p workflowProblem) string {
	return editorHref(workflowPath(w.ID), selection{Block: p.Block, Trigger: p.Block == ""})
}

func (w *workflowInfo) problemPlace(p workflowProblem) string {
	if w.Definition.Block(p.Block) != nil {
		return calledBlock(w.Definition, p.Block)
	}
	return "The workflow"
}
