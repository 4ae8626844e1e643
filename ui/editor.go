package ui

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"tidings"
	"tidings/ui/part"
)

func (s *Server) registerEditor() {
	s.look(workflowsPath+"/{id}", (*visit).editorPage)
	s.act(workflowsPath+"/{id}/insert", (*visit).insertAct)
	s.act(workflowsPath+"/{id}/remove", (*visit).removeAct)
	s.edit(workflowsPath+"/{id}/remove", (*visit).removePage)
	s.act(workflowsPath+"/{id}/move", (*visit).moveAct)
	s.act(workflowsPath+"/{id}/set", (*visit).setAct)
	s.act(workflowsPath+"/{id}/trigger", (*visit).triggerAct)
	s.act(workflowsPath+"/{id}/undo", (*visit).undoAct)
	s.ask(workflowsPath+"/condition", func(v *visit) error {
		return v.conditionPart(conditionView{Prefix: conditionPrefix, Update: workflowsPath + "/condition", Free: true})
	})
}

// selection is what is chosen in the editor: it is in the address.
type selection struct {
	Block   tidings.BlockID // whose settings are shown
	Trigger bool            // or those of what starts it
	At      place           // where the next block goes
	Chosen  bool            // At was chosen
	Move    bool            // a place is being chosen for Block
}

// selected reads the selection of the request; what is not in the draft any more is left out.
func (v *visit) selected(d *tidings.Definition) selection {
	var s selection
	if b := d.Block(tidings.BlockID(v.query("block"))); b != nil {
		s.Block, s.Move = b.ID, v.query("move") != "" && len(b.Kind.Exits()) > 0
	}
	s.Trigger = v.query("settings") == "trigger"
	s.At, s.Chosen = parsePlace(v.query("at"), d)
	return s
}

// editorView is the editor.
type editorView struct {
	W          *workflowInfo
	Tabs       []part.Tab
	Flow       flowView
	Form       *blockForm // nil = nothing is chosen
	Sel        selection
	AtWords    string
	Undo, Redo bool
	Edits      bool
	Live       bool // not deleted
	Wrong      *refusal
	Said       string
	Asset      func(string) string
	Variables  []part.PickerGroup
}

// flowView is a flow as it is drawn.
type flowView struct {
	Def      *tidings.Definition
	Version  int64 // of the workflow
	Flow     flow
	Trigger  []string // what starts it, and a remark
	Things   *blockThings
	Counts   map[tidings.BlockID]figures // of 24 hours
	Problems []workflowProblem
	Sel      selection
	Path     string // of the editor; "" = only to be looked at
	Edits    bool
	Taken    map[tidings.BlockID][]int // numbers of the steps of a run that went through a block
	Exits    map[tidings.BlockID]tidings.Exit
	Now      tidings.BlockID // where a run is
}

func (v *visit) editorPage() error {
	w, err := v.workflow()
	if err != nil {
		return err
	}
	return v.showFlowEditor(w, v.selected(w.Definition), editorOutcome{})
}

// editorOutcome is what came of an act of the editor.
type editorOutcome struct {
	said  string   // for the page's edge
	wrong *refusal // nil = it was done
	typed *form    // settings that were not stored; nil = none
}

// showFlowEditor answers with the editor, as a part to htmx.
func (v *visit) showFlowEditor(w *workflowInfo, sel selection, came editorOutcome) error {
	m, err := v.flowEditor(w, sel)
	if err != nil {
		return err
	}
	m.Said = came.said
	if m.Form != nil && came.typed != nil {
		m.Form.Typed, m.Form.Faults = came.typed, came.typed.faults
	}
	if m.Wrong = came.wrong; came.wrong != nil {
		v.wrongForm()
		if m.Form != nil {
			m.Form.Faults = append(m.Form.Faults, came.wrong.Errors...)
		}
	}
	if v.wantsPart() {
		v.w.Header().Set("HX-Replace-Url", editorAddress(w.ID, sel))
		return v.part(editorContent(m))
	}
	purpose := "Nothing starts it yet: it is a draft."
	if w.Active {
		purpose = "Events start runs of it."
	}
	return v.page(view{
		Title: w.Name, Purpose: purpose, Crumbs: w.crumbs()[:1], Active: workflowsPath, Wide: true,
		Scripts: []string{"editor.js"}, Actions: editorMenu(m),
	}, editorContent(m))
}

func (v *visit) flowEditor(w *workflowInfo, sel selection) (*editorView, error) {
	things, err := v.thingsOf(w.Definition)
	if err != nil {
		return nil, err
	}
	counts, err := v.totals("step", decimal(w.ID)+"/", 24*time.Hour)
	if err != nil {
		return nil, err
	}
	live := w.DeletedAt == nil
	edits := v.edits() && live
	m := &editorView{W: w, Tabs: w.tabs(v, "Editor"), Sel: sel, Edits: edits, Live: live, Asset: v.s.assets.path}
	m.Flow = flowView{
		Def: w.Definition, Version: w.Version, Flow: layOut(w.Definition), Trigger: triggerFact(&w.Definition.Trigger, things), Things: things,
		Counts: map[tidings.BlockID]figures{}, Problems: w.Problems, Sel: sel, Path: workflowPath(w.ID), Edits: edits,
	}
	for subject, f := range counts {
		_, block, _ := strings.Cut(subject, "/")
		m.Flow.Counts[tidings.BlockID(block)] = f
	}
	if !sel.Chosen {
		m.Sel.At = defaultPlace(w.Definition, &m.Flow.Flow, sel.Block)
	}
	m.AtWords = placeWords(w.Definition, m.Sel.At, things)
	switch {
	case sel.Block != "":
		m.Form = &blockForm{W: w, Block: w.Definition.Block(sel.Block), Things: things, Edits: edits}
		m.Form.Fresh, _ = asID(v.query("webhook"))
	case sel.Trigger:
		m.Form = &blockForm{W: w, Things: things, Edits: edits}
	}
	_, m.Undo = v.s.undos.next(v.undoKey(w), true, w.Version)
	_, m.Redo = v.s.undos.next(v.undoKey(w), false, w.Version)
	if edits && m.Form != nil {
		if m.Variables, err = v.blockVariables(m.Form); len(m.Variables) > 0 {
			m.Form.Picker, m.Form.Variables = flowVariables, m.Variables
		}
	}
	return m, err
}

// defaultPlace is where a block goes when no place was chosen: after the block
// that is, else at the end of the main lane, before what ends it.
func defaultPlace(d *tidings.Definition, f *flow, block tidings.BlockID) place {
	if b := d.Block(block); b != nil && len(b.Kind.Exits()) > 0 {
		return place{From: b.ID, Exit: mainExit(b.Kind)}
	}
	if f.Main.Adds {
		return f.Main.Last
	}
	if n := len(f.Main.Steps); n > 0 {
		last := f.Main.Steps[n-1]
		if len(last.Ways) > 0 {
			return place{From: last.Block.ID, Exit: last.Ways[0].Exit}
		}
		return last.Place
	}
	return place{}
}

// placeWords says where a place is.
func placeWords(d *tidings.Definition, at place, t *blockThings) string {
	name := func(id tidings.BlockID) string {
		if b := d.Block(id); b != nil {
			return "“" + blockName(b, t) + "”"
		}
		return "the end"
	}
	switch {
	case at.Before != "":
		return "before " + name(at.Before)
	case at.From == "":
		return "at the beginning"
	case at.Exit == tidings.ExitNext:
		return "after " + name(at.From)
	}
	return "after " + name(at.From) + ", by “" + string(at.Exit) + "”"
}

// editorAddress is the address of the editor with a selection.
func editorAddress(id int64, sel selection) string {
	return editorHref(workflowPath(id), sel)
}

func editorHref(path string, sel selection) string {
	q := url.Values{}
	switch {
	case sel.Block != "":
		q.Set("block", string(sel.Block))
	case sel.Trigger:
		q.Set("settings", "trigger")
	}
	if sel.Chosen {
		q.Set("at", sel.At.String())
	}
	if sel.Move {
		q.Set("move", "1")
	}
	return address(path, q)
}

func (v *visit) undoKey(w *workflowInfo) undoKey { return undoKey{v.session.ID, w.ID} }

// saveDraft stores a draft in place of that of w, which becomes what the API has then.
func (v *visit) saveDraft(w *workflowInfo, f *form, d tidings.Definition) error {
	if asked := f.number("version"); asked == nil || *asked != w.Version {
		return v.changedMeanwhile(w)
	}
	return v.storeDraft(w, d)
}

// storeDraft is saveDraft for a draft that was made from w as it was just read.
func (v *visit) storeDraft(w *workflowInfo, d tidings.Definition) error {
	before, was := *w.Definition, w.Version
	var now workflowInfo
	if err := v.patch(apiWorkflow(w.ID), map[string]any{"definition": d, "version": was}, &now); err != nil {
		if isConflict(err) {
			return v.changedMeanwhile(w)
		}
		return err
	}
	if now.Version != was {
		v.s.undos.edited(v.undoKey(w), &before, was, now.Version)
	}
	*w = now
	return nil
}

// edited stores what an act made of a draft, and shows the editor with what is
// then selected. said is for a page that is loaded anew.
func (v *visit) edited(w *workflowInfo, f *form, d tidings.Definition, sel selection, said string) error {
	if err := v.saveDraft(w, f, d); err != nil {
		return v.notEdited(w, sel, nil, err)
	}
	if v.wantsPart() {
		return v.showFlowEditor(w, sel, editorOutcome{said: said})
	}
	return v.done(editorAddress(w.ID, sel), said)
}

// notEdited shows the editor as it is now with what was refused.
func (v *visit) notEdited(w *workflowInfo, sel selection, typed *form, err error) error {
	r, ok := wrong(err)
	if !ok {
		return err
	}
	if isConflict(err) {
		newest := &workflowInfo{}
		if err := v.readWorkflow(w.ID, newest); err != nil {
			return err
		}
		if newest.DeletedAt != nil {
			return r
		}
		w = newest
		if w.Definition.Block(sel.Block) == nil {
			sel.Block = ""
		}
	}
	return v.showFlowEditor(w, sel, editorOutcome{wrong: r, typed: typed})
}

func (v *visit) insertAct() error {
	w, f, err := v.workflowForm()
	if err != nil {
		return err
	}
	at, ok := parsePlace(f.raw("at"), w.Definition)
	if !ok {
		return v.notEdited(w, selection{}, nil, v.changedMeanwhile(w))
	}
	kind := tidings.BlockKind(f.raw("kind"))
	d, id, err := insertBlock(w.Definition, at, kind)
	if err != nil {
		return v.notEdited(w, selection{At: at, Chosen: true}, nil, err)
	}
	return v.edited(w, f, d, selection{Block: id}, kindOf(kind).Label+" is added: say what it does under Settings.")
}

// removal asks before a block is taken out.
type removal struct {
	W     *workflowInfo
	Block *tidings.Block
	Name  string
	Lost  string
}

// removes makes out what is lost with a block.
func (v *visit) removes(w *workflowInfo, id tidings.BlockID) (*removal, error) {
	b := w.Definition.Block(id)
	if b == nil {
		return nil, v.nothingHere()
	}
	things, err := v.thingsOf(w.Definition)
	if err != nil {
		return nil, err
	}
	r := &removal{W: w, Block: b, Name: blockName(b, things)}
	r.Lost = "“" + r.Name + "” and its settings are taken out of the draft."
	if along := goesAlong(w.Definition, id); len(along) > 0 {
		names := make([]string, len(along))
		for i := range along {
			names[i] = "“" + blockName(&along[i], things) + "”"
		}
		r.Lost += " So " + isOrAre(len(along)) + " what only its other ways lead to: " + strings.Join(names, ", ") + "."
	}
	r.Lost += " Runs that are under way stay with the version that they began with."
	return r, nil
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func (v *visit) removePage() error {
	w, err := v.workflow()
	if err != nil {
		return err
	}
	r, err := v.removes(w, tidings.BlockID(v.query("block")))
	if err != nil {
		return err
	}
	if v.wantsPart() {
		return v.part(removeDialog(r))
	}
	return v.page(view{Title: "Take out " + r.Name, Crumbs: w.crumbs(), Active: workflowsPath}, removeForm(r))
}

func (v *visit) removeAct() error {
	w, f, err := v.workflowForm()
	if err != nil {
		return err
	}
	id := tidings.BlockID(f.raw("block"))
	d, err := removeBlock(w.Definition, id)
	if err != nil {
		return v.notEdited(w, selection{}, nil, err)
	}
	return v.edited(w, f, d, selection{}, "Taken out of the draft. Undo puts it back.")
}

func (v *visit) moveAct() error {
	w, f, err := v.workflowForm()
	if err != nil {
		return err
	}
	id := tidings.BlockID(f.raw("block"))
	at, ok := parsePlace(f.raw("at"), w.Definition)
	if !ok {
		return v.notEdited(w, selection{Block: id}, nil, v.changedMeanwhile(w))
	}
	d, err := moveBlock(w.Definition, id, at)
	if err != nil {
		return v.notEdited(w, selection{Block: id}, nil, err)
	}
	return v.edited(w, f, d, selection{Block: id}, "Moved.")
}

func (v *visit) setAct() error {
	w, f, err := v.workflowForm()
	if err != nil {
		return err
	}
	id := tidings.BlockID(f.raw("block"))
	sel := selection{Block: id}
	old := w.Definition.Block(id)
	if old == nil {
		return v.notEdited(w, selection{}, nil, noEdit("The workflow has no block %q any more.", id))
	}
	if _, acted := readCondition(f, conditionPrefix); acted {
		return v.showFlowEditor(w, sel, editorOutcome{typed: f})
	}
	d, err := setBlock(w.Definition, readBlock(f, old))
	for _, exit := range old.Kind.Exits() {
		name := "exits." + string(exit)
		if to := tidings.BlockID(f.raw(name)); err == nil && f.has(name) && to != old.Exits[exit] {
			d, err = connect(&d, id, exit, to)
		}
	}
	return v.setDone(w, f, d, sel, err)
}

// setDone stores settings that were typed, or shows them again.
func (v *visit) setDone(w *workflowInfo, f *form, d tidings.Definition, sel selection, err error) error {
	if err == nil && len(f.faults) > 0 {
		err = &refusal{Status: http.StatusUnprocessableEntity, Detail: "The settings can't be read: nothing was stored.", Errors: f.faults}
	}
	if err == nil {
		err = v.saveDraft(w, f, d)
	}
	if err != nil {
		return v.notEdited(w, sel, f, err)
	}
	if v.wantsPart() {
		return v.showFlowEditor(w, sel, editorOutcome{said: "Saved."})
	}
	return v.done(editorAddress(w.ID, sel), "Saved.")
}

func (v *visit) triggerAct() error {
	w, f, err := v.workflowForm()
	if err != nil {
		return err
	}
	if _, acted := readCondition(f, conditionPrefix); acted {
		return v.showFlowEditor(w, selection{Trigger: true}, editorOutcome{typed: f})
	}
	d := copied(w.Definition)
	d.Trigger = readTrigger(f)
	return v.setDone(w, f, d, selection{Trigger: true}, nil)
}

// undoAct goes one edit of this session back, or forward again.
func (v *visit) undoAct() error {
	w, f, err := v.workflowForm()
	if err != nil {
		return err
	}
	back := f.raw("way") != "redo"
	key, before, was := v.undoKey(w), *w.Definition, w.Version
	d, ok := v.s.undos.next(key, back, was)
	if !ok {
		return v.notEdited(w, selection{}, nil, noEdit("There is nothing to undo: the draft is as you found it, or was changed by somebody else since."))
	}
	if err := v.patch(apiWorkflow(w.ID), map[string]any{"definition": d, "version": was}, w); err != nil {
		return v.notEdited(w, selection{}, nil, err)
	}
	v.s.undos.went(key, back, &before, w.Version)
	if v.wantsPart() {
		return v.showFlowEditor(w, selection{}, editorOutcome{})
	}
	return v.done(workflowPath(w.ID), "Done.")
}

// blockVariables gives what templates of a block can use: of the trigger, the
// contact and the event; of a block, the replies of the webhooks that may come
// before it, too.
func (v *visit) blockVariables(b *blockForm) ([]part.PickerGroup, error) {
	of := setting{EventType: b.W.Definition.Trigger.EventTypeKey, Webhooks: []int64{}}
	for i := range b.W.Definition.Blocks {
		o := &b.W.Definition.Blocks[i]
		if b.Block != nil && o.Webhook != nil && o.ID != b.Block.ID && reached(b.W.Definition, o.ID)[b.Block.ID] {
			of.Webhooks = append(of.Webhooks, int64(o.Webhook.Webhook))
		}
	}
	return v.variables(of)
}
