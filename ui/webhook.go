package ui

import (
	"net/url"
	"strings"
	"time"

	"tidings/ui/part"
)

func (s *Server) registerWebhooks() {
	s.look("/automation/webhooks", (*visit).webhooksPage)
	s.edit("/automation/webhooks/new", (*visit).newWebhook)
	s.act("/automation/webhooks", (*visit).createWebhook)
	s.look("/automation/webhooks/{id}", (*visit).webhookPage)
	s.act("/automation/webhooks/{id}", (*visit).saveWebhook)
	s.edit("/automation/webhooks/{id}/delete", (*visit).askDeleteWebhook)
	s.act("/automation/webhooks/{id}/delete", (*visit).deleteWebhook)
	s.edit("/automation/webhooks/{id}/restore", (*visit).askRestoreWebhook)
	s.act("/automation/webhooks/{id}/restore", (*visit).restoreWebhook)
	s.act("/automation/webhooks/form", (*visit).webhookAgain)
	s.act("/automation/webhooks/preview", (*visit).previewWebhook)
	s.edit("/automation/webhooks/from-curl", (*visit).commandPage)
	s.act("/automation/webhooks/from-curl", (*visit).takeCommand)
	s.edit("/automation/webhooks/{id}/test", (*visit).webhookTestPage)
	s.act("/automation/webhooks/test", (*visit).sendTest)
	s.edit("/automation/webhooks/contacts", (*visit).testContacts)
	s.edit("/automation/webhooks/{id}/use", (*visit).usePage)
	s.act("/automation/webhooks/{id}/use", (*visit).useAct)
	s.act("/automation/webhooks/connector", (*visit).connectorOfWindow)
}

// webhookList is the list of webhooks, the live or the deleted ones.
type webhookList struct {
	Deleted  bool
	Query    string
	Rows     []webhookView
	Figures  map[string]figures // calls of runs in the last day, by the webhook's id
	Filters  part.FiltersView
	Pager    part.PagerView
	Tabs     []part.Tab
	Edits    bool
	InWindow bool
	Clock    part.Clock
}

// figures are those of one webhook.
func (l *webhookList) of(w *webhookView) figures { return l.Figures[decimal(w.ID)] }

// host is whom a webhook calls: it is written out in its URL.
func (w *webhookView) host() string {
	_, rest, _ := strings.Cut(w.URL, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

func (v *visit) webhooksPage() error {
	l := &webhookList{Deleted: v.query("deleted") == "true", Query: v.query("q"), Edits: v.edits(), InWindow: v.query("in") == "window" && v.wantsPart(), Clock: v.clock}
	q := v.pick("after", "q", "deleted")
	q.Set("limit", "50")
	q.Set("usedIn", "true")
	var out struct {
		Webhooks []webhookView `json:"webhooks"`
		Next     *int64        `json:"next"`
	}
	err := v.get("/v1/webhooks", q, &out)
	if err != nil {
		return err
	}
	l.Rows = out.Webhooks
	l.Pager.Summary = plural(len(l.Rows), "webhook", "webhooks")
	if out.Next != nil {
		l.Pager.Next = v.with("after", decimal(*out.Next))
	}
	if l.Figures, err = v.totals("call", "", 24*time.Hour); err != nil {
		return err
	}
	l.Tabs = []part.Tab{{Label: "Webhooks", Href: "/automation/webhooks", On: !l.Deleted}, {Label: "Deleted", Href: "/automation/webhooks?deleted=true", On: l.Deleted}, {Label: "Connectors", Href: "/automation/connectors"}}
	l.Filters = part.FiltersView{Action: "/automation/webhooks", Clear: v.with("q", "")}
	if l.Query != "" {
		l.Filters.Active = []part.Chip{{Label: "name: " + l.Query, Href: v.with("q", "")}}
	}
	if l.InWindow {
		return v.part(webhookDialog("Manage webhooks", webhookTable(l)))
	}
	p := view{Title: "Webhooks", Purpose: "Requests that workflows send to outside systems, made from the data of a contact and an event."}
	if v.edits() {
		p.Actions = part.LinkButton("New webhook", "/automation/webhooks/new", part.Primary)
	}
	return v.page(p, webhookTable(l))
}

func (v *visit) askDeleteWebhook() error {
	w, err := v.webhook()
	if err != nil {
		return err
	}
	return v.page(view{Title: "Delete " + w.Name, Crumbs: webhookCrumbs(), Active: "/automation/webhooks"}, webhookDelete(w))
}

func (v *visit) deleteWebhook() error {
	w, err := v.webhook()
	if err != nil {
		return err
	}
	if err := v.remove("/v1/webhooks/" + decimal(w.ID)); err != nil {
		return err
	}
	return v.done("/automation/webhooks", "Deleted: "+w.Name+". It can be restored from the list of deleted ones.")
}

func (v *visit) askRestoreWebhook() error {
	w, err := v.webhook()
	if err != nil {
		return err
	}
	return v.restorePage(w, w.Name, nil)
}

func (v *visit) restorePage(w *webhookView, name string, r *refusal) error {
	return v.page(view{Title: "Restore " + w.Name, Crumbs: webhookCrumbs(), Active: "/automation/webhooks"}, webhookRestore(w, name, r))
}

func (v *visit) restoreWebhook() error {
	w, err := v.webhook()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	ask := map[string]any{}
	if name := f.text("name"); name != "" && name != w.Name {
		ask["name"] = name
	}
	var restored webhookView
	err = v.post("/v1/webhooks/"+decimal(w.ID)+"/restore", ask, &restored)
	if r, ok := wrong(err); ok {
		v.wrongForm()
		return v.restorePage(w, f.text("name"), r)
	}
	if err != nil {
		return err
	}
	said := "Restored: " + restored.Name + "."
	for _, warning := range restored.Warnings {
		said += " Note: " + warning + "."
	}
	return v.done("/automation/webhooks/"+decimal(restored.ID), said)
}

// callsHref is the log of a webhook's calls.
func callsHref(w *webhookView, status string) string {
	q := url.Values{"webhookId": {decimal(w.ID)}}
	if status != "" {
		q.Set("status", status)
	}
	return address("/automation/calls", q)
}
