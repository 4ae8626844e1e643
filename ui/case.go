package ui

import (
	"encoding/json"
	"net/http"
	"time"

	"tidings/ui/part"
)

func (s *Server) registerCases() {
	s.look(workflowsPath+"/{id}/cases", (*visit).casesPage)
	s.act(workflowsPath+"/{id}/cases", (*visit).runCases)
	s.look(workflowsPath+"/{id}/cases/{case}", (*visit).casePage)
	s.act(workflowsPath+"/{id}/cases/{case}", (*visit).nameCase)
	s.act(workflowsPath+"/{id}/cases/{case}/accept", (*visit).acceptCase)
	s.edit(workflowsPath+"/{id}/cases/{case}/delete", (*visit).deleteCasePage)
	s.act(workflowsPath+"/{id}/cases/{case}/delete", (*visit).deleteCase)
}

// caseInfo is a dry run that is kept, as the API shows it.
type caseInfo struct {
	ID        int64           `json:"id"`
	Name      string          `json:"name"`
	CreatedAt time.Time       `json:"createdAt"`
	Input     json.RawMessage `json:"input"`
	Expected  json.RawMessage `json:"expected"`
}

// ranCase is what came of a case that was run again.
type ranCase struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	OK          bool   `json:"ok"`
	Error       string `json:"error"`
	Differences []struct {
		Path     string          `json:"path"`
		Expected json.RawMessage `json:"expected"`
		Got      json.RawMessage `json:"got"`
	} `json:"differences"`
}

// state says how a case stands to what it was kept with.
func (c *ranCase) state() (part.Meaning, string) {
	switch {
	case c.Error != "":
		return part.Bad, "can't be run"
	case c.OK:
		return part.Good, "as it was"
	}
	return part.Bad, plural(len(c.Differences), "difference", "differences")
}

// casesView is the cases of a workflow.
type casesView struct {
	W     *workflowInfo
	Tabs  []part.Tab
	Cases []caseInfo
	Ran   map[int64]*ranCase // nil = they were not run now
	OK    bool
	Edits bool
	Clock part.Clock
}

func (v *visit) cases() (*casesView, error) {
	w, err := v.workflow()
	if err != nil {
		return nil, err
	}
	var list struct {
		Cases []caseInfo `json:"cases"`
	}
	if err := v.get(apiWorkflow(w.ID, "cases"), nil, &list); err != nil {
		return nil, err
	}
	return &casesView{W: w, Tabs: w.tabs(v, "Cases"), Cases: list.Cases, Edits: v.edits() && w.DeletedAt == nil, Clock: v.clock}, nil
}

func (v *visit) casesPage() error {
	m, err := v.cases()
	if err != nil {
		return err
	}
	return v.showCases(m)
}

func (v *visit) showCases(m *casesView) error {
	p := view{Title: m.W.Name, Purpose: "Test runs that are kept: run them after a change, before you activate it.", Crumbs: m.W.crumbs()[:1], Active: workflowsPath}
	return v.page(p, casesContent(m))
}

// runCases runs all cases with the draft and shows what differs.
func (v *visit) runCases() error {
	m, err := v.cases()
	if err != nil {
		return err
	}
	var ran struct {
		OK    bool      `json:"ok"`
		Cases []ranCase `json:"cases"`
	}
	if err := v.post(apiWorkflow(m.W.ID, "cases", "run"), nil, &ran); err != nil {
		return err
	}
	m.OK, m.Ran = ran.OK, map[int64]*ranCase{}
	for i := range ran.Cases {
		m.Ran[ran.Cases[i].ID] = &ran.Cases[i]
	}
	return v.showCases(m)
}

// oneCase reads the workflow and the case of the path.
func (v *visit) oneCase() (*workflowInfo, *caseInfo, error) {
	w, err := v.workflow()
	if err != nil {
		return nil, nil, err
	}
	id, err := v.id("case")
	if err != nil {
		return nil, nil, err
	}
	c := &caseInfo{}
	return w, c, v.get(apiWorkflow(w.ID, "cases", decimal(id)), nil, c)
}

func (w *workflowInfo) caseCrumbs() []part.Link {
	return append(w.crumbs(), part.Link{Label: "Cases", Href: workflowPath(w.ID, "cases")})
}

func (v *visit) casePage() error {
	w, c, err := v.oneCase()
	if err != nil {
		return err
	}
	return v.showCase(w, c, nil)
}

func (v *visit) showCase(w *workflowInfo, c *caseInfo, r *refusal) error {
	return v.page(view{Title: c.Name, Purpose: "What the case is run with, and what it gave when it was kept.", Crumbs: w.caseCrumbs(), Active: workflowsPath},
		caseContent(w, c, r, v.edits() && w.DeletedAt == nil))
}

func (v *visit) nameCase() error {
	w, c, err := v.oneCase()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	c.Name = f.text("name")
	err = v.patch(apiWorkflow(w.ID, "cases", decimal(c.ID)), map[string]any{"name": c.Name}, nil)
	if r, ok := wrong(err); ok {
		if r.Status == http.StatusConflict && len(r.Errors) == 0 {
			r.Errors.add("name", r.Detail)
		}
		v.wrongForm()
		return v.showCase(w, c, r)
	}
	if err != nil {
		return err
	}
	return v.done(workflowPath(w.ID, "cases", decimal(c.ID)), "It is called "+c.Name+" now.")
}

// acceptCase takes what a case gives now for what it is held against.
func (v *visit) acceptCase() error {
	w, c, err := v.oneCase()
	if err != nil {
		return err
	}
	if err := v.patch(apiWorkflow(w.ID, "cases", decimal(c.ID)), map[string]any{"accept": true}, nil); err != nil {
		return err
	}
	return v.done(workflowPath(w.ID, "cases"), "What "+c.Name+" gives now is what it is held against from now on.")
}

func (v *visit) deleteCasePage() error {
	w, c, err := v.oneCase()
	if err != nil {
		return err
	}
	return v.page(view{Title: "Delete " + c.Name, Crumbs: w.caseCrumbs(), Active: workflowsPath}, deleteCaseContent(w, c))
}

func (v *visit) deleteCase() error {
	w, c, err := v.oneCase()
	if err != nil {
		return err
	}
	if err := v.remove(apiWorkflow(w.ID, "cases", decimal(c.ID))); err != nil {
		return err
	}
	return v.done(workflowPath(w.ID, "cases"), c.Name+" is deleted.")
}

// firstAct is what to do while there is no case.
func (m *casesView) firstAct() part.ButtonView {
	if !m.Edits {
		return part.ButtonView{}
	}
	return part.ButtonView{Label: "Test run", Href: workflowPath(m.W.ID, "test"), Kind: part.Primary}
}
