package ui

import (
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"tidings/ui/part"
)

// What operators do with an address. Each act has a page that asks; htmx shows
// it as a window over the page that one is on.

func (s *Server) registerEndpointActs() {
	const one = laboratory + "/{id}"
	s.act(one+"/try", (*visit).tryEndpoint)
	s.act(one+"/check", (*visit).checkEndpoint)
	s.act(one+"/deactivate", (*visit).deactivateEndpoint)
	for path, act := range map[string]struct{ ask, do func(*visit) error }{
		"/activate": {(*visit).activatePage, (*visit).activateEndpoint},
		"/seek":     {(*visit).seekPage, (*visit).seekEndpoint},
		"/skip":     {(*visit).skipPage, (*visit).skipHead},
		"/rotate":   {(*visit).rotatePage, (*visit).rotateSecret},
		"/delete":   {(*visit).deletePage, (*visit).deleteEndpoint},
	} {
		s.edit(one+path, act.ask)
		s.act(one+path, act.do)
	}
}

// window shows what an act asks: over the page when htmx asks for it, else as a page.
func (v *visit) window(e *endpointView, title string, content templ.Component) error {
	if v.wantsPart() {
		return v.part(window("act", title, content))
	}
	crumbs := append(laboratoryCrumbs(), part.Link{Label: e.Name, Href: e.path()})
	return v.page(view{Title: title, Active: laboratory, Crumbs: crumbs}, framed(content))
}

// tryEndpoint has the waiting batch tried now.
func (v *visit) tryEndpoint() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	var e endpointView
	if err := v.post(endpointAPI(id)+"/retry", nil, &e); err != nil {
		return v.sayRefused(id, err)
	}
	return v.done(e.path(), "The waiting batch is tried now.")
}

// sayRefused goes back to an endpoint's page, which says why an act was not done.
func (v *visit) sayRefused(id int64, err error) error {
	refused, ok := wrong(err)
	if !ok {
		return err
	}
	v.say(part.Flash{Meaning: part.Bad, Text: sentence(refused.words())})
	return v.redirect(laboratory + "/" + decimal(id))
}

// checkEndpoint sends the GET again, and activates the endpoint when it is passed.
func (v *visit) checkEndpoint() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	e, err := v.checkAddress(id)
	if err != nil {
		return v.sayRefused(id, err)
	}
	if o := e.outcome(); !o.Probe.OK {
		v.say(part.Flash{Meaning: part.Bad, Text: o.words(v.clock), Detail: o.advice()})
	} else {
		v.say(part.Flash{Meaning: part.Good, Text: o.words(v.clock)})
	}
	return v.redirect(e.path())
}

func (v *visit) deactivateEndpoint() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	var e endpointView
	if err := v.post(endpointAPI(id)+"/deactivate", nil, &e); err != nil {
		return v.sayRefused(id, err)
	}
	return v.done(e.path(), "Deactivated: nothing is sent to "+e.Name+", and what arrives is kept for it.")
}

// activation is the form that has an endpoint delivered to again.
type activation struct {
	Clock    part.Clock
	Endpoint endpointView
	From     string // cursor or now
	Refused  *refusal
}

func (v *visit) activatePage() error {
	e, err := v.endpoint()
	if err != nil {
		return err
	}
	return v.showActivation(activation{Endpoint: e, From: "cursor"})
}

func (v *visit) showActivation(a activation) error {
	a.Clock = v.clock
	if a.Refused != nil {
		v.wrongForm()
	}
	return v.window(&a.Endpoint, "Reactivate "+a.Endpoint.Name, activationForm(a))
}

func (v *visit) activateEndpoint() error {
	in, err := v.form()
	if err != nil {
		return err
	}
	e, err := v.endpoint()
	if err != nil {
		return err
	}
	a := activation{Endpoint: e, From: in.text("from")}
	request := map[string]any{"force": in.flag("force")}
	if a.From != "" {
		request["from"] = a.From
	}
	var now endpointView
	err = v.post(endpointAPI(e.ID)+"/activate", request, &now)
	if refused, ok := wrong(err); ok {
		a.Refused = refused
		return v.showActivation(a)
	}
	if err != nil {
		return err
	}
	said := e.Name + " is active."
	if p := now.Probe; p != nil && p.OK {
		said = "Answered " + strconv.Itoa(p.Status) + " in " + v.clock.Duration(time.Duration(p.DurationMs)*time.Millisecond) + ": " + e.Name + " is active."
	}
	return v.done(e.path(), said)
}

// seeking is the form that moves a cursor: first where to, then, with the
// count, whether really.
type seeking struct {
	Clock         part.Clock
	Endpoint      endpointView
	To, Seq, Time string // to is seq, time, now or beginning
	Refused       *refusal
	Sought        *soughtView // what it would do; nil = not counted yet
	At            time.Time   // the time that was meant
}

// soughtView is the API's answer to a seek.
type soughtView struct {
	CursorBefore int64         `json:"cursorBefore"`
	Cursor       int64         `json:"cursor"`
	Again        int64         `json:"again"`
	LeftOut      int64         `json:"leftOut"`
	Endpoint     *endpointView `json:"endpoint"`
}

func (v *visit) seekPage() error {
	e, err := v.endpoint()
	if err != nil {
		return err
	}
	return v.showSeeking(seeking{Endpoint: e, To: "time"})
}

func (v *visit) showSeeking(s seeking) error {
	s.Clock = v.clock
	if s.Refused != nil {
		v.wrongForm()
	}
	if s.Sought != nil {
		return v.window(&s.Endpoint, "Seek: move "+s.Endpoint.Name+" in the feed", seekConfirm(s))
	}
	return v.window(&s.Endpoint, "Seek: move "+s.Endpoint.Name+" in the feed", seekForm(s))
}

// target gives what the form asks of the API.
func (s *seeking) target(in *form, clock part.Clock) map[string]any {
	switch s.To {
	case "seq":
		return map[string]any{"seq": in.number("seq")}
	case "time":
		at := in.instant("time", clock)
		if at != nil {
			s.At = *at
		}
		return map[string]any{"time": at}
	}
	return map[string]any{"to": s.To}
}

func (v *visit) seekEndpoint() error {
	in, err := v.form()
	if err != nil {
		return err
	}
	e, err := v.endpoint()
	if err != nil {
		return err
	}
	s := seeking{Endpoint: e, To: in.text("to"), Seq: in.text("seq"), Time: in.text("time")}
	request := s.target(in, v.clock)
	if s.Refused = in.refused(); s.Refused != nil {
		return v.showSeeking(s)
	}
	sure := in.flag("sure")
	request["dryRun"] = !sure
	var sought soughtView
	err = v.post(endpointAPI(e.ID)+"/seek", request, &sought)
	if refused, ok := wrong(err); ok {
		s.Refused = refused
		return v.showSeeking(s)
	}
	if err != nil {
		return err
	}
	if !sure {
		s.Sought = &sought
		return v.showSeeking(s)
	}
	return v.done(e.path(), "Moved: the next activity is seq "+v.clock.Number(sought.Cursor+1)+". "+sought.words(v.clock))
}

// words says what a seek does to activities.
func (s *soughtView) words(c part.Clock) string {
	switch {
	case s.Again > 0:
		return "Up to " + c.Number(s.Again) + " activities (seq " + c.Number(s.Cursor+1) + " to " + c.Number(s.CursorBefore) + ") are sent a second time, in new batches."
	case s.LeftOut > 0:
		return c.Number(s.LeftOut) + " activities (seq " + c.Number(s.CursorBefore+1) + " to " + c.Number(s.Cursor) + ") are never delivered to this address."
	}
	return "It is there already: no activity is sent again and none is left out."
}

// skipping asks whether the batch that blocks an endpoint is to be left out.
type skipping struct {
	Clock    part.Clock
	Endpoint endpointView
	Head     *attemptView // of the batch that blocks; nil = none does
	Reason   string
	Refused  *refusal
}

func (s *skipping) title() string {
	if s.Head == nil {
		return "Nothing to skip"
	}
	return "Skip " + plural(s.Head.Activities, "activity", "activities")
}

// lost says what a skip loses.
func (s *skipping) lost() string {
	if s.Head.Activities == 1 {
		return "It will not be delivered."
	}
	return "They will not be delivered."
}

// newSkipping reads which batch blocks the endpoint now.
func (v *visit) newSkipping() (skipping, error) {
	p, err := v.standingNow()
	s := skipping{Clock: v.clock, Endpoint: p.Endpoint}
	if p.Endpoint.blocked() && p.Last != nil && !p.Last.Delivered {
		s.Head = p.Last
	}
	return s, err
}

func (v *visit) skipPage() error {
	s, err := v.newSkipping()
	if err != nil {
		return err
	}
	return v.window(&s.Endpoint, s.title(), skipForm(s))
}

func (v *visit) skipHead() error {
	in, err := v.form()
	if err != nil {
		return err
	}
	s, err := v.newSkipping()
	if err != nil {
		return err
	}
	s.Reason = in.text("reason")
	// The batch that was shown is meant: the API refuses when another one waits by now.
	request := map[string]any{"batchId": in.text("batchId"), "reason": s.Reason}
	var e endpointView
	err = v.post(endpointAPI(s.Endpoint.ID)+"/skip", request, &e)
	if refused, ok := wrong(err); ok {
		s.Refused = refused
		v.wrongForm()
		return v.window(&s.Endpoint, s.title(), skipForm(s))
	}
	if err != nil {
		return err
	}
	return v.done(e.path(), "Skipped "+plural(numberOr(in, "activities"), "activity", "activities")+" (seq "+in.text("span")+"). The audit has the reason.")
}

// numberOr reads a number that only words are made of; 0 when it is none.
func numberOr(in *form, name string) int64 {
	n, err := strconv.ParseInt(in.text(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// rotation asks for how long the secret of now goes on signing.
type rotation struct {
	Clock    part.Clock
	Endpoint endpointView
	Expire   string // seconds
	Refused  *refusal
}

// lifetimes are the choices of how long a secret that was replaced signs too.
func lifetimes() []part.Option {
	return []part.Option{
		{Value: "86400", Label: "One day"},
		{Value: "3600", Label: "One hour"},
		{Value: "604800", Label: "One week"},
		{Value: "2592000", Label: "30 days"},
		{Value: "0", Label: "Not at all", Note: "it may be in wrong hands"},
	}
}

func (v *visit) rotatePage() error {
	e, err := v.endpoint()
	if err != nil {
		return err
	}
	return v.window(&e, "Rotate the secret of "+e.Name, rotateForm(rotation{Clock: v.clock, Endpoint: e, Expire: "86400"}))
}

func (v *visit) rotateSecret() error {
	in, err := v.form()
	if err != nil {
		return err
	}
	e, err := v.endpoint()
	if err != nil {
		return err
	}
	r := rotation{Clock: v.clock, Endpoint: e, Expire: in.text("expireAfterS")}
	request := map[string]any{"expireAfterS": in.number("expireAfterS")}
	if secret := in.text("secret"); secret != "" {
		request["secret"] = secret
	}
	var made endpointView
	if r.Refused = in.refused(); r.Refused == nil {
		err = v.post(endpointAPI(e.ID)+"/rotate-secret", request, &made)
		refused, ok := wrong(err)
		if err != nil && !ok {
			return err
		}
		r.Refused = refused
	}
	if r.Refused != nil {
		v.wrongForm()
		return v.window(&e, "Rotate the secret of "+e.Name, rotateForm(r))
	}
	crumbs := append(laboratoryCrumbs(), part.Link{Label: e.Name, Href: e.path()})
	return v.page(view{Title: "A new secret for " + e.Name, Active: laboratory, Crumbs: crumbs}, rotated(v.clock, made))
}

func (v *visit) deletePage() error {
	e, err := v.endpoint()
	if err != nil {
		return err
	}
	return v.window(&e, "Delete "+e.Name, deleteForm(v.clock, e))
}

func (v *visit) deleteEndpoint() error {
	e, err := v.endpoint()
	if err != nil {
		return err
	}
	if err := v.remove(endpointAPI(e.ID)); err != nil {
		return err
	}
	return v.done(laboratory, "Deleted: "+e.Name+" gets nothing any more.")
}

// words says what came of the GET: the server's code, the time, the state.
func (o *outcome) words(c part.Clock) string {
	took := c.Duration(time.Duration(o.Probe.DurationMs) * time.Millisecond)
	if o.Probe.OK {
		state := "active"
		if !o.Endpoint.active() {
			state = "it stays deactivated, as you chose"
		}
		return "Answered " + strconv.Itoa(o.Probe.Status) + " in " + took + ": " + state + "."
	}
	what := o.Probe.Error
	if name := http.StatusText(o.Probe.Status); name != "" {
		what = withStatusName(what, o.Probe.Status, name)
	}
	return sentence(what)
}

// withStatusName writes "answered 403: …" as "answered 403 Forbidden: …".
func withStatusName(words string, status int, name string) string {
	begin := "answered " + strconv.Itoa(status)
	if len(words) > len(begin) && words[:len(begin)] == begin {
		return begin + " " + name + words[len(begin):]
	}
	return words
}

// advice says what to do about it, and what becomes of the address meanwhile.
func (o *outcome) advice() string {
	words := sentence(o.Probe.Advice)
	if words != "" {
		words += " "
	}
	if o.Endpoint.active() {
		return words + "The address is active all the same."
	}
	return words + "Until then nothing is sent; what arrives is kept."
}
