package ui

import (
	"strings"
	"time"

	"tidings"
	"tidings/ui/part"
)

func (s *Server) registerSources() {
	s.look("/settings/sources", (*visit).sourcesPage)
	s.edit("/settings/sources/new", (*visit).newSourcePage)
	s.act("/settings/sources", (*visit).createSource)
	s.look("/settings/sources/{id}", (*visit).sourcePage)
	s.act("/settings/sources/{id}", (*visit).changeSource)
	s.edit("/settings/sources/{id}/delete", (*visit).deleteSourcePage)
	s.act("/settings/sources/{id}/delete", (*visit).deleteSource)
}

// source is another sender whose events become activities.
type source struct {
	ID        int64      `json:"id"`
	Name      string     `json:"name"`
	Kind      string     `json:"kind"`
	Path      string     `json:"path"`
	Version   int64      `json:"version"`
	CreatedAt time.Time  `json:"createdAt"`
	LastAt    *time.Time `json:"lastAt"`
}

// intake is a request that came to a source.
type intake struct {
	At       time.Time     `json:"at"`
	Accepted int64         `json:"accepted"`
	Repeated int64         `json:"repeated"`
	Ignored  int64         `json:"ignored"`
	Why      []eventRefuse `json:"why"`
	Error    string        `json:"error"`
}

type eventRefuse struct {
	Event  string `json:"event"`
	Reason string `json:"reason"`
}

// base is how this server is called from outside.
func (v *visit) base() string {
	if v.s.cfg.PublicURL != "" {
		return strings.TrimRight(v.s.cfg.PublicURL, "/")
	}
	scheme := "http://"
	if v.r.TLS != nil {
		scheme = "https://"
	}
	return scheme + v.r.Host
}

// sourceList is what the list of sources shows.
type sourceList struct {
	Sources []source
	Search  string
	Base    string
	Clock   part.Clock
	Edits   bool
	Pager   part.PagerView
}

func (l *sourceList) empty() bool {
	return len(l.Sources) == 0 && l.Search == "" && l.Pager.Previous == ""
}

func (v *visit) sourcesPage() error {
	l := sourceList{Search: v.query("q"), Base: v.base(), Clock: v.clock, Edits: v.edits()}
	query := v.pick("q", "after")
	query.Set("limit", "50")
	var page struct {
		Sources []source `json:"sources"`
		Next    *int64   `json:"next"`
	}
	if err := v.get("/v1/sources", query, &page); err != nil {
		return err
	}
	l.Sources, l.Pager = page.Sources, v.furtherPages(page.Next, len(page.Sources))
	p := view{Title: "Sources", Purpose: "Other services that send messages for you, and tell here what became of them."}
	if l.Edits && !l.empty() {
		p.Actions = part.LinkButton("Add a source", "/settings/sources/new", part.Primary)
	}
	return v.page(p, sourcesPage(&l))
}

func sourceView(title string) view {
	return view{Title: title, Crumbs: []part.Link{{Label: "Sources", Href: "/settings/sources"}}, Active: "/settings/sources"}
}

// sourceForm is a source as it is typed.
type sourceForm struct {
	source
	Kind    sourceKind
	Secrets map[string]string // by their names in the API; never those that are kept
	Refused *refusal
}

func (f *sourceForm) fault(field string) string {
	if f.Refused == nil {
		return ""
	}
	return f.Refused.Errors.of(field)
}

func (v *visit) newSourcePage() error {
	kind, known := senderKind(v.query("kind"))
	if !known {
		return v.page(sourceView("Add a source"), sourceKindsPage(sourceKinds()))
	}
	f := sourceForm{Kind: kind, Secrets: map[string]string{}}
	f.Name = kind.Label
	if kind.Key == "postmark" { // Postmark has no secret of its own: we make one
		f.Secrets["username"], f.Secrets["password"] = "tidings", tidings.MakeToken()
	}
	return v.page(sourceView("Add "+kind.Label), sourceFormPage(&f))
}

// typeInto reads the fields of a source's form.
func (f *sourceForm) typeInto(typed *form) {
	f.Name = typed.text("name")
	f.Secrets = map[string]string{}
	for _, s := range f.Kind.Secrets {
		if value := typed.text("secrets." + s.Name); value != "" {
			f.Secrets[s.Name] = value
		}
	}
}

// asked is the source for the API. Secrets that are left empty stay as they are.
func (f *sourceForm) asked() map[string]any {
	asked := map[string]any{"name": f.Name}
	if len(f.Secrets) == 0 {
		return asked
	}
	secrets := map[string]any{}
	for name, value := range f.Secrets {
		secrets[name] = value
		if name == "topicArns" {
			secrets[name] = strings.Fields(strings.ReplaceAll(value, ",", " "))
		}
	}
	asked["secrets"] = secrets
	return asked
}

func (v *visit) createSource() error {
	typed, err := v.form()
	if err != nil {
		return err
	}
	kind, known := senderKind(typed.text("kind"))
	if !known {
		return v.page(sourceView("Add a source"), sourceKindsPage(sourceKinds()))
	}
	f := sourceForm{Kind: kind}
	f.typeInto(typed)
	asked := f.asked()
	asked["kind"] = kind.Key
	var made source
	err = v.post("/v1/sources", asked, &made)
	if refused, ok := wrong(err); ok {
		f.Refused = refused
		v.wrongForm()
		return v.page(sourceView("Add "+kind.Label), sourceFormPage(&f))
	}
	if err != nil {
		return err
	}
	if kind.Key == "postmark" && f.Secrets["password"] != "" { // the address has it, and is shown this once
		shown := shownSource{source: made, Kind: kind, Clock: v.clock, Edits: true, Base: v.base()}
		shown.User, shown.Password = f.Secrets["username"], f.Secrets["password"]
		return v.page(sourceView(made.Name), sourcePage(&shown))
	}
	return v.done("/settings/sources/"+decimal(made.ID), "Added: "+made.Name+". Now give "+kind.Label+" the address.")
}

// shownSource is what a source's page shows.
type shownSource struct {
	source
	Kind           sourceKind
	Intakes        []intake
	Base           string
	User, Password string // just typed: the address with them is shown once
	Form           *sourceForm
	Clock          part.Clock
	Edits          bool
}

// address is what the sender is given.
func (s *shownSource) address() string { return s.Base + s.Path }

// secretAddress is the same with the user's name and password within it.
func (s *shownSource) secretAddress() string {
	scheme, rest, _ := strings.Cut(s.address(), "://")
	return scheme + "://" + s.User + ":" + s.Password + "@" + rest
}

// source reads the source of the address.
func (v *visit) source() (src source, err error) {
	id, err := v.id("id")
	if err != nil {
		return src, err
	}
	return src, v.get("/v1/sources/"+decimal(id), nil, &src)
}

func (v *visit) sourcePage() error {
	src, err := v.source()
	if err != nil {
		return err
	}
	return v.showSource(src, nil)
}

// showSource shows a source; f is what was typed to change it, nil = nothing.
func (v *visit) showSource(src source, f *sourceForm) error {
	kind, _ := senderKind(src.Kind)
	shown := shownSource{source: src, Kind: kind, Clock: v.clock, Edits: v.edits(), Base: v.base(), Form: f}
	var page struct {
		Requests []intake `json:"requests"`
	}
	if err := v.get("/v1/sources/"+decimal(src.ID)+"/requests", nil, &page); err != nil {
		return err
	}
	shown.Intakes = page.Requests
	if v.wantsPart() {
		return v.part(sourceIntakes(&shown))
	}
	if f == nil {
		shown.Form = &sourceForm{source: src, Kind: kind, Secrets: map[string]string{}}
	}
	p := sourceView(src.Name)
	if shown.Edits {
		p.Actions = part.LinkButton("Delete…", "/settings/sources/"+decimal(src.ID)+"/delete", part.Danger)
	}
	return v.page(p, sourcePage(&shown))
}

func (v *visit) changeSource() error {
	typed, err := v.form()
	if err != nil {
		return err
	}
	src, err := v.source()
	if err != nil {
		return err
	}
	kind, _ := senderKind(src.Kind)
	f := &sourceForm{source: src, Kind: kind}
	f.typeInto(typed)
	asked := f.asked()
	if version := typed.number("version"); version != nil {
		asked["version"], f.Version = *version, *version
	}
	err = v.patch("/v1/sources/"+decimal(src.ID), asked, nil)
	if refused, ok := wrong(err); ok {
		f.Refused = refused
		v.wrongForm()
		return v.showSource(src, f)
	}
	if err != nil {
		return err
	}
	return v.done("/settings/sources/"+decimal(src.ID), "Saved: "+f.Name+".")
}

func (v *visit) deleteSourcePage() error {
	src, err := v.source()
	if err != nil {
		return err
	}
	kind, _ := senderKind(src.Kind)
	return v.page(sourceView("Delete "+src.Name+"?"), deleteSourcePage(&src, kind))
}

func (v *visit) deleteSource() error {
	src, err := v.source()
	if err != nil {
		return err
	}
	if err := v.remove("/v1/sources/" + decimal(src.ID)); err != nil {
		return err
	}
	return v.done("/settings/sources", "Deleted: "+src.Name+". Its activities stay.")
}
