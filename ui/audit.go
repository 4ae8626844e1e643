package ui

import (
	"regexp"
	"strconv"
	"time"

	"tidings/ui/part"
)

func (s *Server) registerAudit() {
	s.edit("/settings/audit", (*visit).auditPage)
}

// auditRecord is an act, as the API shows it.
type auditRecord struct {
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"`
	Action   string    `json:"action"`
	Endpoint *int64    `json:"endpoint"`
	Detail   string    `json:"detail"`
}

// auditView is a page of the audit.
type auditView struct {
	clock                   part.Clock
	Records                 []auditRecord
	Action, Actor, From, To string
	Older, Newest           string // addresses of other pages; "" = there is none
	Filtered                bool
}

func (v *visit) auditPage() error {
	q := v.pick("action", "actor", "from", "to", "before")
	a := auditView{clock: v.clock, Action: q.Get("action"), Actor: q.Get("actor"), From: q.Get("from"), To: q.Get("to")}
	a.Filtered = a.Action != "" || a.Actor != "" || a.From != "" || a.To != ""
	for _, name := range []string{"from", "to"} {
		v.instant(q, name)
	}
	if actor := q.Get("actor"); wholeActor.MatchString(actor) {
		q.Set("actor", actor+" ") // user 1, and not user 12
	}
	q.Set("limit", "50")
	var out struct {
		Records []auditRecord `json:"records"`
		Next    *int64        `json:"next"`
	}
	if err := v.get("/v1/audit", q, &out); err != nil {
		return err
	}
	a.Records = out.Records
	if out.Next != nil {
		a.Older = v.with("before", strconv.FormatInt(*out.Next, 10))
	}
	if q.Has("before") {
		a.Newest = v.with()
	}
	return v.page(view{Title: "Audit", Purpose: "Who changed what, newest first. Records are never changed."}, auditPage(a))
}

// wholeActor is an actor by its number.
var wholeActor = regexp.MustCompile(`^(user|key) [0-9]+$`)

// about gives the page of what a record is about, "" when there is none.
func (r auditRecord) about() string {
	if r.Endpoint != nil {
		return "/settings/laboratory/" + strconv.FormatInt(*r.Endpoint, 10)
	}
	return ""
}

// auditActions are the beginnings of actions that one can choose.
func auditActions() []part.Option {
	options := []part.Option{{Value: "", Label: "All"}}
	for _, o := range [][2]string{
		{"account.", "Account"},
		{"broadcast.", "Broadcasts"},
		{"connector.", "Connectors"},
		{"contact.", "Contacts"},
		{"endpoint.", "Webhook addresses"},
		{"field.", "Fields"},
		{"key.", "API keys"},
		{"message.", "Messages"},
		{"segment.", "Segments"},
		{"settings.", "Settings"},
		{"source.", "Sources"},
		{"user.", "Users"},
		{"webhook.", "Webhooks"},
		{"workflow.", "Workflows"},
	} {
		options = append(options, part.Option{Value: o[0], Label: o[1]})
	}
	return options
}
