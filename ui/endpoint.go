package ui

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tidings/ui/part"
)

// The page of one address: where it stands, what is tried, what can be done.

func (s *Server) registerEndpoint() {
	const one = laboratory + "/{id}"
	s.edit(laboratory+"/new", (*visit).newEndpointPage)
	s.act(laboratory+"/new", (*visit).createEndpoint)
	s.look(one, (*visit).endpointPage)
	s.look(one+"/head", (*visit).endpointHead)
	s.look(one+"/live", (*visit).endpointLive)
	s.look(one+"/tail", (*visit).endpointTail)
	s.look(one+"/settings", (*visit).endpointSettings)
	s.act(one+"/settings", (*visit).changeEndpoint)
	s.registerEndpointActs()
	s.registerEndpointBatch()
}

// endpointView is an endpoint as the API shows it.
type endpointView struct {
	ID         int64            `json:"id"`
	Name       string           `json:"name"`
	URL        string           `json:"url"`
	State      string           `json:"state"`
	Auth       *endpointAuth    `json:"auth"`
	Headers    []endpointHeader `json:"headers"`
	Statuses   []string         `json:"statuses"`
	MediaTypes []string         `json:"mediaTypes"`
	Batch      endpointBatch    `json:"batch"`
	TimeoutMs  int64            `json:"timeoutMs"`
	Any2xx     bool             `json:"any2xx"`
	Signing    bool             `json:"signing"`
	Secret     string           `json:"secret"`
	OldSecret  time.Time        `json:"oldSecretUntil"`
	Version    int64            `json:"version"`

	Cursor       int64         `json:"cursor"`
	Head         int64         `json:"head"`
	Backlog      int64         `json:"backlog"`
	OldestAgeMs  int64         `json:"oldestAgeMs"`
	BlockedSince time.Time     `json:"blockedSince"`
	Attempt      int           `json:"attempt"`
	NextTryAt    time.Time     `json:"nextTryAt"`
	LastError    string        `json:"lastError"`
	InFlight     bool          `json:"inFlight"`
	Drain        drainForecast `json:"drainForecast"`
	Probe        *probeView    `json:"probe"`
}

type endpointAuth struct {
	Username string `json:"username"`
	Set      bool   `json:"set"`
}

type endpointHeader struct {
	Name string `json:"name"`
	Set  bool   `json:"set"`
}

type endpointBatch struct {
	MaxItems int64 `json:"maxItems"`
	MaxBytes int64 `json:"maxBytes"`
	LingerMs int64 `json:"lingerMs"`
}

type drainForecast struct {
	Seconds *int64 `json:"seconds"`
	Text    string `json:"text"`
}

// probeView is what came of the GET.
type probeView struct {
	OK         bool   `json:"ok"`
	Status     int    `json:"status"`
	Error      string `json:"error"`
	Advice     string `json:"advice"`
	DurationMs int64  `json:"durationMs"`
}

// attemptView is one try to deliver a batch.
type attemptView struct {
	At         time.Time `json:"at"`
	Attempt    int       `json:"attempt"`
	BatchID    string    `json:"batchId"`
	FirstSeq   int64     `json:"firstSeq"`
	LastSeq    int64     `json:"lastSeq"`
	Activities int64     `json:"activities"`
	Bytes      int64     `json:"bytes"`
	Digest     string    `json:"digest"`
	DurationMs float64   `json:"durationMs"`
	Status     int       `json:"status"`
	Delivered  bool      `json:"delivered"`
	Outcome    string    `json:"outcome"`
	Error      string    `json:"error"`
	Answer     string    `json:"answer"`
	NextTryAt  time.Time `json:"nextTryAt"`
}

// attemptsAnswer is a page of the API's list.
type attemptsAnswer struct {
	Attempts []attemptView `json:"attempts"`
	Next     *int64        `json:"next"`
}

func endpointAPI(id int64) string { return "/v1/endpoints/" + decimal(id) }

func (e *endpointView) path() string  { return laboratory + "/" + decimal(e.ID) }
func (e *endpointView) active() bool  { return e.State == "active" }
func (e *endpointView) blocked() bool { return !e.BlockedSince.IsZero() }

// outcome is what the API answered to a save or a check.
func (e *endpointView) outcome() *outcome {
	o := &outcome{Endpoint: *e, Secret: e.Secret}
	if e.Probe != nil {
		o.Probe = *e.Probe
	}
	return o
}

// meaning and standing say how an endpoint is, in a word or two.
func (e *endpointView) meaning() part.Meaning {
	switch {
	case !e.active():
		return part.Quiet
	case e.blocked():
		return part.Bad
	case e.Backlog > 0 && e.behind():
		return part.Waiting
	}
	return part.Good
}

func (e *endpointView) standing(c part.Clock) string {
	switch {
	case !e.active():
		return "deactivated"
	case e.blocked():
		return "blocked for " + c.Duration(c.Now.Sub(e.BlockedSince))
	case e.Backlog > 0 && e.behind():
		return "catching up"
	}
	return "active"
}

// behind says whether what waits has waited for longer than a batch under way does.
func (e *endpointView) behind() bool { return e.oldest() > 10*time.Second }

func (e *endpointView) oldest() time.Duration {
	return time.Duration(e.OldestAgeMs) * time.Millisecond
}

// lane is the picture of how far it is.
func (e *endpointView) lane(c part.Clock) part.LaneView {
	l := part.LaneView{Delivered: e.Head - e.Backlog, Head: e.Head, Blocked: e.blocked(), Clock: c}
	if e.Backlog > 0 && e.OldestAgeMs > 0 {
		l.Oldest = c.Duration(e.oldest())
	}
	return l
}

// endpoint reads the endpoint of the path.
func (v *visit) endpoint() (endpointView, error) {
	var e endpointView
	id, err := v.id("id")
	if err != nil {
		return e, err
	}
	return e, v.get(endpointAPI(id), nil, &e)
}

// endpointPageView is what stands on each of an endpoint's pages.
type endpointPageView struct {
	Clock    part.Clock
	Edits    bool
	Endpoint endpointView
	Last     *attemptView // the newest attempt
	Charts   endpointCharts

	Tab      string
	Attempts []attemptView
	Failed   bool   // only those that failed are shown
	All      string // address of the list with all
	Fails    string // … and with those that failed
	Next     string
}

// standingNow reads all that the head of an endpoint's page shows.
func (v *visit) standingNow() (endpointPageView, error) {
	e, err := v.endpoint()
	if err != nil {
		return endpointPageView{}, err
	}
	p := endpointPageView{Clock: v.clock, Edits: v.edits(), Endpoint: e}
	var newest attemptsAnswer
	if err := v.get(endpointAPI(e.ID)+"/attempts", url.Values{"limit": {"1"}}, &newest); err != nil {
		return p, err
	}
	if len(newest.Attempts) > 0 {
		p.Last = &newest.Attempts[0]
	}
	return p, nil
}

// head gives what stands around an endpoint's page.
func (p *endpointPageView) head() view {
	h := view{Title: p.Endpoint.Name, Active: laboratory, Crumbs: laboratoryCrumbs(), Purpose: "An address that the account's activities go to."}
	if p.Edits {
		h.Actions = endpointActions(p.Endpoint)
	}
	return h
}

func (v *visit) endpointPage() error {
	p, err := v.standingNow()
	if err != nil {
		return err
	}
	p.Tab, p.Failed = "attempts", v.query("failed") == "true"
	p.All, p.Fails = v.with("failed", ""), v.with("failed", "true")
	var list attemptsAnswer
	query := v.pick("before", "failed")
	query.Set("limit", "50")
	if err := v.get(endpointAPI(p.Endpoint.ID)+"/attempts", query, &list); err != nil {
		return err
	}
	p.Attempts = list.Attempts
	if list.Next != nil {
		p.Next = v.with("before", decimal(*list.Next))
	}
	return v.showEndpoint(&p)
}

// showEndpoint shows the page with its charts.
func (v *visit) showEndpoint(p *endpointPageView) error {
	var err error
	if p.Charts, err = v.endpointCharts(p.Endpoint.ID); err != nil {
		return err
	}
	return v.page(p.head(), endpointPage(*p))
}

// endpointHead answers htmx, which asks for it every few seconds.
func (v *visit) endpointHead() error {
	p, err := v.standingNow()
	if err != nil {
		return err
	}
	if p.Endpoint.blocked() {
		if p.Charts.Answered, err = v.figures("answered", p.Endpoint.ID); err != nil {
			return err
		}
	}
	if !v.wantsPart() {
		return v.redirect(p.Endpoint.path())
	}
	return v.part(endpointHeadPart(p))
}

func (v *visit) endpointLive() error {
	p, err := v.standingNow()
	if err != nil {
		return err
	}
	p.Tab = "live"
	return v.showEndpoint(&p)
}

// endpointTail sends attempts as they are made, each as a row.
func (v *visit) endpointTail() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	return v.live(endpointAPI(id)+"/tail", func(name string, data []byte) (templ.Component, error) {
		if name != "attempt" {
			return nil, nil
		}
		var a attemptView
		if err := json.Unmarshal(data, &a); err != nil {
			return nil, err
		}
		clock := v.clock
		clock.Now = v.s.cfg.Now()
		return attemptRow(clock, id, a), nil
	})
}

// took is how long an attempt was under way.
func (a *attemptView) took() time.Duration {
	return time.Duration(a.DurationMs * float64(time.Millisecond))
}

// meaning and status say how an attempt ended, in a word or two.
func (a *attemptView) meaning() part.Meaning {
	switch {
	case a.Delivered:
		return part.Good
	case a.Outcome == "canceled":
		return part.Waiting
	}
	return part.Bad
}

func (a *attemptView) status() string {
	if a.Status != 0 {
		return decimal(int64(a.Status))
	}
	return cmp.Or(a.Outcome, "no answer")
}

// attempted says what came of the newest attempt: which, what, how fast.
func (p *endpointPageView) attempted() string {
	a := p.Last
	who := "The last attempt"
	if p.Endpoint.blocked() {
		who = "Attempt " + strconv.Itoa(a.Attempt)
	}
	if a.Delivered {
		return who + " answered " + strconv.Itoa(a.Status) + " in " + p.Clock.Duration(a.took()) + ","
	}
	words := a.Error
	if name := http.StatusText(a.Status); name != "" {
		words = withStatusName(words, a.Status, name)
	}
	return who + " (" + p.Clock.Duration(a.took()) + ") " + words + ","
}

// span is the range of a batch: 812-848.
func (a *attemptView) span() string {
	if a.FirstSeq == a.LastSeq {
		return decimal(a.FirstSeq)
	}
	return decimal(a.FirstSeq) + "-" + decimal(a.LastSeq)
}

// middle cuts a long value in its middle, cutEnd at its end.
func middle(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	half := (most - 1) / 2
	return string(runes[:half]) + "…" + string(runes[len(runes)-half:])
}

func cutEnd(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// quoted is the beginning of what the receiver said, on one line.
func (a *attemptView) quoted() string {
	return cutEnd(strings.Join(strings.Fields(a.Answer), " "), 160)
}

// path is the page of the request of an attempt.
func (a *attemptView) path(id int64) string {
	return laboratory + "/" + decimal(id) + "/batches/" + url.PathEscape(a.BatchID) + "?attempt=" + decimal(int64(a.Attempt))
}

// milliseconds writes a duration of the API: whole ones, but 0.4.
func milliseconds(ms float64) string {
	digits := 0
	if ms < 10 {
		digits = 1
	}
	return strconv.FormatFloat(ms, 'f', digits, 64)
}
