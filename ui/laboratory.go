package ui

import (
	"net/url"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"tidings/ui/part"
)

// Settings, Laboratory, Webhooks: whether the account's activities are followed
// up, and the addresses that they go to.

const laboratory = "/settings/laboratory"

func (s *Server) registerLaboratory() {
	s.look(laboratory, (*visit).laboratoryPage)
	s.act(laboratory, (*visit).saveAddress)
	s.act(laboratory+"/switch", (*visit).switchWebhooks)
	s.edit(laboratory+"/off", (*visit).switchOffPage)
	s.act(laboratory+"/off", (*visit).switchOff)
}

// laboratoryView is what the page shows.
type laboratoryView struct {
	Clock     part.Clock
	Edits     bool
	Endpoints []endpointView
	On        bool // the account's activities are followed, or are to be
	Open      bool // the section of webhooks is unfolded
	Query     addressQuery
	Next      string // address of the list's next page; "" = none

	Address addressField
}

// addressQuery is what narrows the list.
type addressQuery struct {
	Text, Show string
}

// addressField is the one address that most accounts have, in a field of its own.
type addressField struct {
	Shown    bool  // there is at most one address
	ID       int64 // of the endpoint; 0 = there is none yet
	Version  int64
	URL      string
	Refused  *refusal
	Outcome  *outcome
	Original string // the address that is stored
}

// outcome is what came of saving or checking an address.
type outcome struct {
	Endpoint endpointView
	Probe    probeView
	Secret   string // the signing secret that was made; it is shown this once
}

// endpointsAnswer is a page of the API's list.
type endpointsAnswer struct {
	Endpoints []endpointView `json:"endpoints"`
	Next      *int64         `json:"next"`
}

func (v *visit) laboratoryPage() error { return v.showLaboratory(addressField{}) }

// showLaboratory shows the page; the field has what was typed and what came of it, if anything did.
func (v *visit) showLaboratory(field addressField) error {
	view, err := v.laboratoryView()
	if err != nil {
		return err
	}
	typed := field.Refused != nil || field.Outcome != nil
	view.Address = view.fieldOf(field, typed)
	view.Open = view.Open || typed
	view.On = view.On || typed
	return v.page(laboratoryHead(), laboratoryPage(view))
}

func (v *visit) laboratoryView() (laboratoryView, error) {
	asked := addressQuery{Text: v.query("q"), Show: v.query("show")}
	query := v.pick("q", "after")
	switch asked.Show {
	case "blocked":
		query.Set("blocked", "true")
	case "active", "deactivated":
		query.Set("state", asked.Show)
	}
	query.Set("limit", "50")
	var answer endpointsAnswer
	if err := v.get("/v1/endpoints", query, &answer); err != nil {
		return laboratoryView{}, err
	}
	view := laboratoryView{Clock: v.clock, Edits: v.edits(), Endpoints: answer.Endpoints, Query: asked}
	if answer.Next != nil {
		view.Next = v.with("after", decimal(*answer.Next))
	}
	for _, e := range answer.Endpoints {
		view.On = view.On || e.active()
	}
	opened := v.query("open") != ""
	view.Open = opened || len(answer.Endpoints) > 0 || view.narrowed()
	view.On = view.On || opened
	return view, nil
}

// narrowed says whether the list may leave out some.
func (l *laboratoryView) narrowed() bool { return l.Query.Text != "" || l.Query.Show != "" }

// filters says whether the list is worth narrowing.
func (l *laboratoryView) filters() bool {
	const few = 5
	return l.narrowed() || l.Next != "" || len(l.Endpoints) > few
}

func stateOptions() []part.Option {
	return []part.Option{{Value: "", Label: "All states"}, {Value: "blocked", Label: "Blocked"}, {Value: "active", Label: "Active"}, {Value: "deactivated", Label: "Deactivated"}}
}

// chips are the conditions that are on, each with the address without it.
func (l *laboratoryView) chips() []part.Chip {
	var chips []part.Chip
	if l.Query.Text != "" {
		chips = append(chips, part.Chip{Label: "name: " + l.Query.Text, Href: address(laboratory, params("show", l.Query.Show))})
	}
	if l.Query.Show != "" {
		chips = append(chips, part.Chip{Label: l.Query.Show, Href: address(laboratory, params("q", l.Query.Text))})
	}
	return chips
}

func params(name, value string) url.Values {
	if value == "" {
		return nil
	}
	return url.Values{name: {value}}
}

// fieldOf gives the field of the one address, as it stands or as it was typed.
func (l *laboratoryView) fieldOf(field addressField, typed bool) addressField {
	if typed {
		field.Shown = true
		return field
	}
	switch {
	case l.narrowed() || l.Next != "" || len(l.Endpoints) > 1:
	case len(l.Endpoints) == 1:
		e := l.Endpoints[0]
		field = addressField{Shown: true, ID: e.ID, Version: e.Version, URL: e.URL, Original: e.URL}
	default:
		field.Shown = true
	}
	return field
}

// summary says beside the section's title what there is.
func (l *laboratoryView) summary() string {
	switch n := len(l.Endpoints); {
	case n == 0 && !l.narrowed():
		return "no address yet"
	case l.Next != "":
		return "more than " + plural(n, "address", "addresses")
	default:
		return plural(n, "address", "addresses")
	}
}

func laboratoryHead() view {
	return view{Title: "Laboratory", Purpose: "Where the account tells other systems, in real time, what its contacts do with their messages."}
}

// saveAddress stores the address of the field, which has it checked by a GET.
// An address that stands there already is checked once more.
func (v *visit) saveAddress() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	field := addressField{URL: f.text("url"), Original: f.text("original")}
	if id := f.number("id"); id != nil {
		field.ID = *id
	}
	if version := f.number("version"); version != nil {
		field.Version = *version
	}
	var saved endpointView
	switch {
	case field.ID == 0:
		err = v.post("/v1/endpoints", map[string]any{"name": hostOf(field.URL), "url": field.URL}, &saved)
	case field.URL == field.Original:
		saved, err = v.checkAddress(field.ID)
	default:
		err = v.patch(endpointAPI(field.ID), map[string]any{"url": field.URL, "version": field.Version}, &saved)
	}
	if refused, ok := wrong(err); ok {
		field.Refused = refused
		v.wrongForm()
		return v.showLaboratory(field)
	}
	if err != nil {
		return err
	}
	field = addressField{ID: saved.ID, Version: saved.Version, URL: saved.URL, Original: saved.URL, Outcome: saved.outcome()}
	return v.showLaboratory(field)
}

// checkAddress sends an endpoint's GET once more; when it is passed, the endpoint becomes active.
func (v *visit) checkAddress(id int64) (endpointView, error) {
	var e endpointView
	if err := v.post(endpointAPI(id)+"/probe", nil, &e); err != nil {
		return e, err
	}
	if e.Probe == nil || !e.Probe.OK || e.active() {
		return e, nil
	}
	var now endpointView
	// It was checked this moment: what a second GET says does not matter.
	if err := v.post(endpointAPI(id)+"/activate", map[string]any{"force": true}, &now); err != nil {
		return e, err
	}
	now.Probe = e.Probe
	return now, nil
}

// hostOf names a new endpoint by where it leads.
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return "webhook"
}

// switchWebhooks is the slide button. On: all addresses are delivered to again,
// or, where there is none, the form opens. Off asks first.
func (v *visit) switchWebhooks() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	endpoints, err := v.allEndpoints()
	switch {
	case err != nil:
		return err
	case len(endpoints) == 0 && f.flag("enabled"):
		return v.redirect(laboratory + "?open=webhooks")
	case len(endpoints) == 0:
		return v.redirect(laboratory)
	case !f.flag("enabled"):
		return v.redirect(laboratory + "/off")
	}
	failed := v.eachEndpoint(endpoints, func(e endpointView) error {
		if e.active() {
			return nil
		}
		return v.post(endpointAPI(e.ID)+"/activate", map[string]any{}, nil)
	})
	if len(failed) == 0 {
		return v.done(laboratory, "Webhooks are on: "+plural(len(endpoints), "address is", "addresses are")+" delivered to.")
	}
	v.say(part.Flash{
		Meaning: part.Bad, Text: plural(len(failed), "address stays", "addresses stay") + " deactivated.",
		Detail: strings.Join(failed, " "),
	})
	return v.redirect(laboratory + "?open=webhooks")
}

// allEndpoints gives the account's endpoints, all pages.
func (v *visit) allEndpoints() ([]endpointView, error) {
	var all []endpointView
	query := url.Values{"limit": {"100"}}
	for {
		var answer endpointsAnswer
		if err := v.get("/v1/endpoints", query, &answer); err != nil {
			return nil, err
		}
		all = append(all, answer.Endpoints...)
		if answer.Next == nil {
			return all, nil
		}
		query.Set("after", decimal(*answer.Next))
	}
}

// eachEndpoint does the same with many endpoints, a few at once: each may wait
// for its receiver. It gives what was refused, in words.
func (v *visit) eachEndpoint(endpoints []endpointView, do func(endpointView) error) []string {
	refused := make([]string, len(endpoints))
	slots := make(chan struct{}, 8)
	var all sync.WaitGroup
	for i, e := range endpoints {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if err := do(e); err != nil {
				refused[i] = e.Name + ": " + sentence(err.Error())
			}
		})
	}
	all.Wait()
	var list []string
	for _, words := range refused {
		if words != "" {
			list = append(list, words)
		}
	}
	return list
}

func (v *visit) switchOffPage() error { return v.showSwitchOff(nil) }

func (v *visit) showSwitchOff(refused *refusal) error {
	endpoints, err := v.allEndpoints()
	if err != nil {
		return err
	}
	active := 0
	for _, e := range endpoints {
		if e.active() {
			active++
		}
	}
	return v.page(view{Title: "Switch webhooks off", Active: laboratory, Crumbs: laboratoryCrumbs()}, switchOffPage(active, refused))
}

// switchOff deactivates all addresses.
func (v *visit) switchOff() error {
	endpoints, err := v.allEndpoints()
	if err != nil {
		return err
	}
	failed := v.eachEndpoint(endpoints, func(e endpointView) error {
		if !e.active() {
			return nil
		}
		return v.post(endpointAPI(e.ID)+"/deactivate", nil, nil)
	})
	if len(failed) > 0 {
		v.wrongForm()
		return v.showSwitchOff(&refusal{Detail: strings.Join(failed, " ")})
	}
	return v.done(laboratory, "Webhooks are off: nothing is sent, and what arrives is kept for later.")
}

func laboratoryCrumbs() []part.Link { return []part.Link{{Label: "Laboratory", Href: laboratory}} }

// sentence makes words of the API a sentence: a capital first, a full stop last.
func sentence(words string) string {
	if words == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(words)
	rest := words[size:]
	if !strings.HasSuffix(words, ".") && !strings.HasSuffix(words, "!") && !strings.HasSuffix(words, "?") {
		rest += "."
	}
	return string(unicode.ToUpper(first)) + rest
}
