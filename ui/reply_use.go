package ui

import (
	"cmp"
	"net/url"

	"tidings"
	"tidings/ui/part"
)

// useView puts a value of a webhook's reply to use in a workflow: in a new
// block, after the one that calls the webhook.
type useView struct {
	Webhook    *webhookView
	Expression string
	Branch     bool // a Condition on it; else Update contact with it
	Workflows  []part.Option
	Workflow   string // the one that is chosen
	Field      string // of the contact
	Fields     []part.Option
	Wrong      *refusal
}

func (u *useView) title() string {
	if u.Branch {
		return "Branch on this"
	}
	return "Save to a contact field"
}

// as is what the address calls the use.
func (u *useView) as() string {
	if u.Branch {
		return "branch"
	}
	return "field"
}

// fault is what is wrong with a field of the form.
func (u *useView) fault(field string) string {
	if u.Wrong == nil {
		return ""
	}
	return u.Wrong.Errors.of(field)
}

func (v *visit) usePage() error {
	u, err := v.readUse(v.r.URL.Query())
	if err != nil {
		return err
	}
	return v.showUse(u)
}

// readUse reads what is to be used, and the workflows where it can be: those
// that call the webhook.
func (v *visit) readUse(q url.Values) (*useView, error) {
	w, err := v.webhook()
	if err != nil {
		return nil, err
	}
	u := &useView{Webhook: w, Expression: q.Get("expression"), Branch: q.Get("as") == "branch", Workflow: q.Get("workflow"), Field: q.Get("field")}
	for _, by := range w.UsedIn {
		if by.Kind == "workflow" {
			u.Workflows = append(u.Workflows, part.Option{Value: decimal(by.ID), Label: by.Name})
		}
	}
	if !u.Branch {
		u.Fields, err = v.fieldChoices()
	}
	return u, err
}

// fieldChoices are the fields of contacts that a workflow can set.
func (v *visit) fieldChoices() ([]part.Option, error) {
	options := []part.Option{{Label: "Choose a field"}}
	for _, name := range tidings.StandardFields() {
		options = append(options, part.Option{Value: name, Label: name, Group: "Standard fields"})
	}
	var out struct {
		Fields []struct {
			Key  string `json:"key"`
			Name string `json:"name"`
		} `json:"fields"`
	}
	if err := v.get("/v1/fields", nil, &out); err != nil {
		return nil, err
	}
	for _, f := range out.Fields {
		options = append(options, part.Option{Value: f.Key, Label: cmp.Or(f.Name, f.Key), Group: "Additional fields"})
	}
	return options, nil
}

func (v *visit) showUse(u *useView) error {
	crumbs := append(webhookCrumbs(), part.Link{Label: u.Webhook.Name, Href: "/automation/webhooks/" + decimal(u.Webhook.ID)})
	return v.page(view{
		Title: u.title(), Purpose: "In a workflow, in a new block after the one that calls " + u.Webhook.Name + ".",
		Crumbs: crumbs, Active: "/automation/webhooks",
	}, useContent(u))
}

// useAct adds the block, and opens it in the editor.
func (v *visit) useAct() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	u, err := v.readUse(f.values)
	if err != nil {
		return err
	}
	w, id, err := v.useIn(u)
	if r, refused := wrong(err); refused {
		u.Wrong = r
		v.wrongForm()
		return v.showUse(u)
	}
	if err != nil {
		return err
	}
	return v.done(editorAddress(w.ID, selection{Block: id}), "The block is added to the draft after the one that calls "+u.Webhook.Name+". It is not active yet.")
}

// useIn puts the block into the draft of the chosen workflow.
func (v *visit) useIn(u *useView) (*workflowInfo, tidings.BlockID, error) {
	wrongField := func(field, reason string) error {
		r := noEdit("Nothing was added.")
		r.Errors.add(field, reason)
		return r
	}
	number, ok := asID(u.Workflow)
	switch {
	case !ok:
		return nil, "", wrongField("workflow", "choose a workflow")
	case u.Expression == "":
		return nil, "", wrongField("expression", "is required")
	case !u.Branch && u.Field == "":
		return nil, "", wrongField("field", "choose a field")
	}
	w := &workflowInfo{}
	if err := v.readWorkflow(number, w); err != nil {
		return nil, "", err
	}
	caller := callerOf(w.Definition, u.Webhook.ID)
	if w.DeletedAt != nil || caller == "" {
		return nil, "", wrongField("workflow", "no block of its draft calls this webhook any more")
	}
	kind := tidings.BlockUpdateContact
	if u.Branch {
		kind = tidings.BlockCondition
	}
	d, id, err := insertBlock(w.Definition, place{From: caller, Exit: tidings.ExitOK}, kind)
	if err != nil {
		return nil, "", err
	}
	b := *d.Block(id)
	if u.Branch {
		b.Condition = &tidings.Condition{Field: u.Expression, Op: tidings.IsSet}
	} else {
		b.Fields = []tidings.FieldSetter{{Field: u.Field, Value: u.Expression}}
	}
	if d, err = setBlock(&d, b); err != nil {
		return nil, "", err
	}
	return w, id, v.storeDraft(w, d)
}

// callerOf gives the first block of a draft that calls a webhook; "" = none.
func callerOf(d *tidings.Definition, webhook int64) tidings.BlockID {
	for i := range d.Blocks {
		if b := &d.Blocks[i]; b.Webhook != nil && int64(b.Webhook.Webhook) == webhook {
			return b.ID
		}
	}
	return ""
}
