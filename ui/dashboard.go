package ui

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidings/ui/part"
)

func (s *Server) registerDashboard() {
	s.look("/{$}", (*visit).dashboard)
	s.look("/dashboard/now", (*visit).dashboardNow)
}

// board is what the dashboard shows.
type board struct {
	clock                  part.Clock
	Blocked                []boardEndpoint
	MoreBlocked            bool
	Endpoints              int // of the first hundred
	Waiting                int64
	Arrived                figures
	Delivered              figures
	Chart                  part.ChartView
	Failing                []boardWebhook
	Runs                   figures // of a day: ended, failed
	Going                  string  // how many are under way, "200 and more"
	Changes                []boardChange
	Edits                  bool
	Started                bool // something was set up or has arrived
	HasWebhook, HasArrived bool
	Public                 string // how the server is called
}

// boardEndpoint is an endpoint as the dashboard shows it.
type boardEndpoint struct {
	ID           int64      `json:"id"`
	Name         string     `json:"name"`
	URL          string     `json:"url"`
	State        string     `json:"state"`
	Backlog      int64      `json:"backlog"`
	BlockedSince *time.Time `json:"blockedSince"`
	Attempt      int        `json:"attempt"`
	NextTryAt    *time.Time `json:"nextTryAt"`
	LastError    string     `json:"lastError"`
}

// boardWebhook is a webhook whose calls failed.
type boardWebhook struct {
	ID   string
	Name string
	figures
}

// boardChange is an act of somebody.
type boardChange struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Action string    `json:"action"`
	Detail string    `json:"detail"`
}

func (v *visit) dashboard() error {
	b, err := v.readBoard()
	if err != nil {
		return err
	}
	return v.page(view{Title: "Dashboard", Purpose: "What is delivered, what waits, and what needs you."}, dashboardPage(b))
}

// dashboardNow is the dashboard's content, for the page that is there already.
func (v *visit) dashboardNow() error {
	b, err := v.readBoard()
	if err != nil {
		return err
	}
	return v.part(boardNow(b))
}

func (v *visit) readBoard() (board, error) {
	b := board{clock: v.clock, Edits: v.edits(), Public: v.baseURL()}
	for _, read := range []func(*board) error{v.boardEndpoints, v.boardFigures, v.boardFlows, v.boardChanges} {
		if err := read(&b); err != nil {
			return b, err
		}
	}
	b.Started = b.Endpoints > 0 || b.HasWebhook || b.HasArrived
	return b, nil
}

// blockedShown is how many blocked endpoints the dashboard lists.
const blockedShown = 10

func (v *visit) boardEndpoints(b *board) error {
	var blocked, all struct {
		Endpoints []boardEndpoint `json:"endpoints"`
		Next      *int64          `json:"next"`
	}
	if err := v.get("/v1/endpoints", url.Values{"blocked": {"true"}, "limit": {strconv.Itoa(blockedShown)}}, &blocked); err != nil {
		return err
	}
	b.Blocked, b.MoreBlocked = blocked.Endpoints, blocked.Next != nil
	if err := v.get("/v1/endpoints", nil, &all); err != nil {
		return err
	}
	b.Endpoints = len(all.Endpoints)
	for _, e := range all.Endpoints {
		b.Waiting += e.Backlog
	}
	return nil
}

// boardFigures reads what arrived and what was delivered within a day.
func (v *visit) boardFigures(b *board) error {
	day := v.lastDay()
	done := func(f figures) int64 { return f.Done }
	lines := make([]part.Series, 0, 2)
	for _, line := range []struct {
		kind, name string
		total      *figures
	}{{"arrived", "arriving", &b.Arrived}, {"posted", "delivered", &b.Delivered}} {
		list, err := v.stats(line.kind, day.query(""))
		if err != nil {
			return err
		}
		var points []point
		for _, s := range list {
			*line.total, points = s.figures, s.Points
		}
		lines = append(lines, part.Series{Name: line.name, Points: day.perMinute(points, done)})
	}
	b.HasArrived = b.Arrived.Done > 0
	b.Chart = part.ChartView{Title: "Arriving and delivered, last 24 hours", Unit: "per minute", Labels: day.labels(v.clock), Series: lines}
	return nil
}

// boardFlows reads how workflows and their webhooks are doing.
func (v *visit) boardFlows(b *board) error {
	const most = 50
	var going struct {
		Runs []struct{} `json:"runs"`
	}
	if err := v.get("/v1/runs", url.Values{"state": {"going"}, "limit": {strconv.Itoa(most)}}, &going); err != nil {
		return err
	}
	b.Going = count(len(going.Runs))
	if len(going.Runs) == most {
		b.Going += " and more"
	}
	runs, err := v.totals("run", "", 24*time.Hour)
	if err != nil {
		return err
	}
	for _, f := range runs {
		b.Runs.Done += f.Done
		b.Runs.Failed += f.Failed
	}
	return v.boardWebhooks(b)
}

func (v *visit) boardWebhooks(b *board) error {
	calls, err := v.totals("call", "", 24*time.Hour)
	if err != nil {
		return err
	}
	var webhooks struct {
		Webhooks []struct {
			ID   int64  `json:"id"`
			Name string `json:"name"`
		} `json:"webhooks"`
	}
	if err := v.get("/v1/webhooks", nil, &webhooks); err != nil {
		return err
	}
	b.HasWebhook = len(webhooks.Webhooks) > 0
	for _, w := range webhooks.Webhooks {
		if f := calls[decimal(w.ID)]; f.Failed > 0 {
			b.Failing = append(b.Failing, boardWebhook{decimal(w.ID), w.Name, f})
		}
	}
	slices.SortStableFunc(b.Failing, func(x, y boardWebhook) int { return cmp.Compare(y.Failed, x.Failed) })
	b.Failing = b.Failing[:min(len(b.Failing), blockedShown)]
	return nil
}

// boardChanges reads what was changed lately: for those who may see the audit.
func (v *visit) boardChanges(b *board) error {
	if !v.edits() {
		return nil
	}
	var audit struct {
		Records []boardChange `json:"records"`
	}
	err := v.get("/v1/audit", url.Values{"limit": {"8"}}, &audit)
	b.Changes = audit.Records
	return err
}

// baseURL is how this server is called from where the browser is.
func (v *visit) baseURL() string {
	if v.s.cfg.PublicURL != "" {
		return strings.TrimSuffix(v.s.cfg.PublicURL, "/")
	}
	scheme := "http"
	if v.secure() {
		scheme = "https"
	}
	return scheme + "://" + v.r.Host
}

// host is the host of a URL, for people.
func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return raw
	}
	return u.Host
}

// failedTries says how many attempts of deliveries failed.
func failedTries(f figures) string {
	if f.Failed == 0 {
		return ""
	}
	return plural(f.Failed, "attempt failed", "attempts failed")
}

// runsOfDay says what became of the runs of a day.
func runsOfDay(f figures) string {
	return count(f.Done) + " ended, " + count(f.Failed) + " failed in 24 h"
}

func failedMeaning(f figures) part.Meaning {
	if f.Failed > 0 {
		return part.Bad
	}
	return part.Quiet
}

// firstActivity is a command that sends one activity, to be copied.
func firstActivity(base string) string {
	return `curl -X POST ` + base + `/v1/activities \
  -H "Authorization: Bearer YOUR_KEY" -H "Content-Type: application/json" \
  -d '[{"contactId":1,"activityStatus":"DELIVERED","mediaType":"email","email":"ann@example.com",
       "activityDateTime":"` + `2026-01-31T10:00:00` + `","iid":"ffd3e1a7-a270-4e58-94de-5ac681c5c8e7"}]'`
}
