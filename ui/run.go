package ui

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"tidings"
	"tidings/ui/part"
)

const runsPath = "/automation/runs"

func (s *Server) registerRuns() {
	s.look(runsPath, (*visit).runsPage)
	s.look(runsPath+"/{id}", (*visit).runPage)
	s.edit(runsPath+"/{id}/stop", (*visit).stopRunPage)
	s.act(runsPath+"/{id}/stop", (*visit).stopRun)
	s.edit(runsPath+"/{id}/rerun", (*visit).rerunPage)
	s.act(runsPath+"/{id}/rerun", (*visit).rerun)
	s.look(workflowsPath+"/{id}/runs", (*visit).workflowRunsPage)
	s.edit(workflowsPath+"/{id}/runs/stop", (*visit).stopRunsPage)
	s.act(workflowsPath+"/{id}/runs/stop", (*visit).stopRuns)
}

// runInfo is a run as the API shows it.
type runInfo struct {
	ID         int64            `json:"id"`
	InstanceID string           `json:"workflowInstanceId"`
	WorkflowID int64            `json:"workflowId"`
	Version    int64            `json:"version"`
	ContactID  int64            `json:"contactId"` // 0 = nobody
	EventID    int64            `json:"eventId"`
	State      tidings.RunState `json:"state"`
	Block      tidings.BlockID  `json:"block"`
	DueAt      *time.Time       `json:"dueAt"`
	Marked     bool             `json:"marked"`
	Error      string           `json:"error"`
	Tries      int              `json:"tries"`
	StepsDone  int              `json:"stepsDone"`
	StartedAt  time.Time        `json:"startedAt"`
	EndedAt    *time.Time       `json:"endedAt"`
	Steps      []stepInfo       `json:"steps"`
}

// stepInfo is a step of a run, or of a dry run.
type stepInfo struct {
	Number     int               `json:"number"`
	Block      tidings.BlockID   `json:"block"`
	Kind       tidings.BlockKind `json:"kind"`
	At         time.Time         `json:"at"`
	DurationMs float64           `json:"durationMs"`
	Exit       tidings.Exit      `json:"exit"`
	Decided    json.RawMessage   `json:"decided"`
	Error      string            `json:"error"`
	Call       *stepCall         `json:"call"`
	CallID     int64             `json:"callId"`
	MailID     int64             `json:"mailId"`
	Mail       *stepMail         `json:"mail"` // of a dry run
	Warnings   []struct {
		Part   string `json:"part"`
		Source string `json:"source"`
		Reason string `json:"reason"`
	} `json:"warnings"`
}

// stepCall is the call that a step made; secrets are masked.
type stepCall struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Error   string `json:"error"`
	Request *struct {
		Method  string       `json:"method"`
		URL     string       `json:"url"`
		Headers []stepHeader `json:"headers"`
		Body    string       `json:"body"`
	} `json:"request"`
	Reply *struct {
		Status  int          `json:"status"`
		Headers []stepHeader `json:"headers"`
		Format  string       `json:"format"`
		Body    string       `json:"body"`
		Size    int64        `json:"size"`
	} `json:"reply"`
	Tries []struct {
		Status     int     `json:"status"`
		Error      string  `json:"error"`
		DurationMs float64 `json:"durationMs"`
	} `json:"tries"`
}

type stepHeader struct{ Name, Value string }

// stepMail is a mail as a dry run would send it.
type stepMail struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
	HTML    string `json:"html"`
	Text    string `json:"text"`
}

func runPath(id int64, more string) string { return runsPath + "/" + decimal(id) + more }

// runState says how a run stands.
func runState(state tidings.RunState, marked bool) (part.Meaning, string) {
	switch {
	case state == tidings.RunGoing && marked:
		return part.Waiting, "in progress, something failed on its way"
	case state == tidings.RunGoing:
		return part.Waiting, "in progress"
	case state == tidings.RunFailed:
		return part.Bad, "failed"
	case state == tidings.RunStopped:
		return part.Quiet, "stopped"
	case marked:
		return part.Bad, "ended, something failed on its way"
	}
	return part.Good, "ended"
}

// runsView is a list of runs.
type runsView struct {
	Rows     []runInfo
	Workflow *workflowInfo // whose; nil = of all
	Names    map[int64]string
	Tabs     []part.Tab
	Chips    []part.Chip
	Filters  part.FiltersView
	Contact  string
	From, To string
	State    string
	Edits    bool
	Clock    part.Clock
	Pager    part.PagerView
}

// filtered says whether conditions are on.
func (m *runsView) filtered() bool { return m.Filters.Active != nil || m.State != "" }

func (v *visit) runsPage() error { return v.showRuns(nil) }

func (v *visit) workflowRunsPage() error {
	w, err := v.workflow()
	if err != nil {
		return err
	}
	return v.showRuns(w)
}

func (v *visit) showRuns(w *workflowInfo) error {
	q := v.pick("contactId", "state", "marked", "from", "to", "before", "workflowId")
	q.Set("limit", "50")
	m := runsView{Workflow: w, Edits: v.edits(), Clock: v.clock, Contact: v.query("contactId"), From: v.query("from"), To: v.query("to"), State: v.query("state")}
	for _, name := range []string{"from", "to"} {
		if at, ok := v.localTime(v.query(name)); ok {
			q.Set(name, at)
		}
	}
	path := "/v1/runs"
	if w != nil {
		path = apiWorkflow(w.ID, "runs")
		q.Del("workflowId")
	}
	var list struct {
		Runs []runInfo `json:"runs"`
		Next int64     `json:"next"`
	}
	if err := v.get(path, q, &list); err != nil {
		return err
	}
	m.Rows = list.Runs
	if err := v.nameWorkflows(&m); err != nil {
		return err
	}
	m.chips(v)
	m.Pager.Summary = plural(len(m.Rows), "run", "runs")
	if list.Next != 0 {
		m.Pager.Next = v.with("before", decimal(list.Next))
	}
	if v.query("before") != "" {
		m.Pager.Previous = v.with()
	}
	p := view{Title: "Runs", Purpose: "Each run is a workflow on its way for one contact: what every step saw, sent, got and decided."}
	if w != nil {
		m.Tabs = w.tabs(v, "Runs")
		p = view{Title: w.Name, Purpose: p.Purpose, Crumbs: w.crumbs()[:1], Active: workflowsPath}
	}
	return v.page(p, runsContent(m))
}

// localTime reads what a field of date and time sends, in the account's zone.
func (v *visit) localTime(text string) (string, bool) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, v.clock.Zone); err == nil {
			return at.UTC().Format(time.RFC3339), true
		}
	}
	return "", false
}

// nameWorkflows finds how the workflows of a list of runs are called.
func (v *visit) nameWorkflows(m *runsView) error {
	m.Names = map[int64]string{}
	if m.Workflow != nil {
		m.Names[m.Workflow.ID] = m.Workflow.Name
	}
	for i := range m.Rows {
		id := m.Rows[i].WorkflowID
		if _, known := m.Names[id]; known || len(m.Names) == 20 {
			continue
		}
		var w struct {
			Name string `json:"name"`
		}
		if err := v.get(apiWorkflow(id), withoutCounts(), &w); err != nil && !isNotFound(err) {
			return err
		}
		m.Names[id] = w.Name
	}
	return nil
}

// called names the workflow of a run.
func (m *runsView) called(id int64) string {
	if name := m.Names[id]; name != "" {
		return name
	}
	return "workflow " + decimal(id)
}

func (m *runsView) chips(v *visit) {
	for _, c := range []struct{ label, state, marked string }{
		{"All", "", ""}, {"In progress", "going", ""}, {"Failed", "failed", ""}, {"Something failed on its way", "", "true"}, {"Stopped", "stopped", ""}, {"Ended", "ended", ""},
	} {
		m.Chips = append(m.Chips, part.Chip{
			Label: c.label, Href: v.with("state", c.state, "marked", c.marked),
			On: v.query("state") == c.state && v.query("marked") == c.marked,
		})
	}
	m.Filters = part.FiltersView{Action: v.r.URL.Path, Clear: v.with("contactId", "", "from", "", "to", "", "workflowId", ""), Label: "Find runs"}
	for _, c := range []struct{ name, label string }{{"contactId", "contact"}, {"from", "from"}, {"to", "to"}, {"workflowId", "workflow"}} {
		if value := v.query(c.name); value != "" {
			m.Filters.Active = append(m.Filters.Active, part.Chip{Label: c.label + ": " + value, Href: v.with(c.name, "")})
		}
	}
}

// runView is one run with its flow.
type runView struct {
	R        runInfo
	Workflow workflowInfo
	Flow     *flowView // nil = the version can't be read any more
	Names    map[tidings.BlockID]string
	Contact  string // how the contact is called
	Edits    bool
	Asset    func(string) string
	Clock    part.Clock
}

func (v *visit) run() (*runInfo, error) {
	id, err := v.id("id")
	if err != nil {
		return nil, err
	}
	r := &runInfo{}
	return r, v.get("/v1/runs/"+decimal(id), nil, r)
}

func (v *visit) runPage() error {
	r, err := v.run()
	if err != nil {
		return err
	}
	m := runView{R: *r, Edits: v.edits(), Asset: v.s.assets.path, Clock: v.clock, Names: map[tidings.BlockID]string{}}
	if err := v.get(apiWorkflow(r.WorkflowID), withoutCounts(), &m.Workflow); err != nil && !isNotFound(err) {
		return err
	}
	if m.Contact, err = v.contactCalled(r.ContactID); err != nil {
		return err
	}
	d, err := v.workflowVersion(r.WorkflowID, r.Version)
	switch {
	case err == nil:
		if m.Flow, err = v.takenFlow(d, r.Steps); err != nil {
			return err
		}
		if r.State == tidings.RunGoing {
			m.Flow.Now = r.Block
		}
		for i := range d.Blocks {
			m.Names[d.Blocks[i].ID] = blockName(&d.Blocks[i], m.Flow.Things)
		}
	case !isNotFound(err):
		return err
	}
	crumbs := []part.Link{{Label: "Runs", Href: runsPath}}
	if m.Workflow.ID != 0 {
		crumbs = append(crumbs, part.Link{Label: m.Workflow.Name, Href: workflowPath(r.WorkflowID, "runs")})
	}
	return v.page(view{Title: "Run " + decimal(r.ID), Crumbs: crumbs, Active: runsPath, Wide: true, Scripts: []string{"editor.js"}, Actions: runActs(m)}, runContent(m))
}

// contactCalled gives how a contact is called; "" when there is none any more.
func (v *visit) contactCalled(id int64) (string, error) {
	if id == 0 {
		return "", nil
	}
	var c struct {
		FirstName string `json:"firstName"`
		LastName  string `json:"lastName"`
		Email     string `json:"email"`
	}
	err := v.get("/v1/contacts/"+decimal(id), nil, &c)
	switch {
	case isNotFound(err):
		return "", nil
	case err != nil:
		return "", err
	case c.FirstName+c.LastName != "":
		return c.FirstName + " " + c.LastName, nil
	case c.Email != "":
		return c.Email, nil
	}
	return "contact " + decimal(id), nil
}

// takenFlow is the flow of a definition with the way that steps took through it.
func (v *visit) takenFlow(d *tidings.Definition, steps []stepInfo) (*flowView, error) {
	things, err := v.thingsOf(d)
	if err != nil {
		return nil, err
	}
	f := &flowView{
		Def: d, Flow: layOut(d), Trigger: triggerFact(&d.Trigger, things), Things: things,
		Taken: map[tidings.BlockID][]int{}, Exits: map[tidings.BlockID]tidings.Exit{},
	}
	for _, s := range steps {
		f.Taken[s.Block] = append(f.Taken[s.Block], s.Number)
		f.Exits[s.Block] = s.Exit
	}
	return f, nil
}

// stepName is what the block of a step is called.
func stepName(s stepInfo, names map[tidings.BlockID]string) string {
	if name := names[s.Block]; name != "" {
		return name
	}
	return string(s.Block)
}

// stepSummary says in a few words what became of a step.
func stepSummary(s stepInfo) string {
	words := ""
	switch {
	case s.Error != "":
		words = s.Error
	case s.Call != nil && s.Call.Reply != nil:
		words = "answered " + strconv.Itoa(s.Call.Reply.Status)
	case s.Mail != nil:
		words = "to " + s.Mail.To
	}
	if s.Exit != "" && s.Exit != tidings.ExitNext {
		if words != "" {
			words += ", "
		}
		words += "goes by " + string(s.Exit)
	}
	return words
}

func stepMeaning(s stepInfo) part.Meaning {
	if s.Error != "" || s.Exit == tidings.ExitFailed {
		return part.Bad
	}
	return part.Good
}

// stepTime writes how long something took.
func stepTime(ms float64) string {
	switch {
	case ms < 1:
		return "< 1 ms"
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}

// headerLines writes headers as they are sent.
func headerLines(first string, rows []stepHeader, body string) string {
	text := first + "\n"
	for _, h := range rows {
		text += h.Name + ": " + h.Value + "\n"
	}
	if body != "" {
		text += "\n" + body
	}
	return text
}

func (v *visit) stopRunPage() error {
	r, err := v.run()
	if err != nil {
		return err
	}
	return v.page(view{Title: "Stop run " + decimal(r.ID), Crumbs: []part.Link{{Label: "Runs", Href: runsPath}}, Active: runsPath}, stopRunContent(r))
}

func (v *visit) stopRun() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	if err := v.post("/v1/runs/"+decimal(id)+"/stop", nil, nil); err != nil {
		return err
	}
	return v.done(runPath(id, ""), "The run is stopped.")
}

func (v *visit) rerunPage() error {
	r, err := v.run()
	if err != nil {
		return err
	}
	return v.page(view{Title: "Run it again", Crumbs: []part.Link{{Label: "Runs", Href: runsPath}, {Label: "Run " + decimal(r.ID), Href: runPath(r.ID, "")}}, Active: runsPath}, rerunContent(r))
}

func (v *visit) rerun() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	var started runInfo
	if err := v.post("/v1/runs/"+decimal(id)+"/rerun", nil, &started); err != nil {
		return err
	}
	return v.done(runPath(started.ID, ""), "This is the new run, for the same event.")
}

func (v *visit) stopRunsPage() error {
	w, err := v.workflow()
	if err != nil {
		return err
	}
	return v.page(view{Title: "Stop all runs of " + w.Name, Crumbs: w.crumbs(), Active: workflowsPath}, stopRunsContent(w))
}

func (v *visit) stopRuns() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	var out struct {
		Stopped int64 `json:"stopped"`
	}
	if err := v.post(apiWorkflow(id, "runs", "stop"), nil, &out); err != nil {
		return err
	}
	return v.done(workflowPath(id, "runs"), plural(out.Stopped, "run was stopped.", "runs were stopped."))
}
