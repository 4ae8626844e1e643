package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Stats is what the API asks of a store about what was done over time.
type Stats interface {
	// Tallies gives tallies by subject and time; more = there are subjects after the last one.
	Tallies(ctx context.Context, q tidings.TallyQuery) (list []tidings.Tally, more bool, err error)
}

// maxPoints is how many steps a query may be long.
const maxPoints = 1440

// figuresJSON is what was counted in some stretch of time.
type figuresJSON struct {
	Done   int64    `json:"done"`
	Failed int64    `json:"failed"`
	P50Ms  *float64 `json:"p50Ms" doc:"Within which time half of them were, to within a fifth; null = there are no times."`
	P99Ms  *float64 `json:"p99Ms" doc:"Within which time 99 in 100 were."`
}

type pointJSON struct {
	At time.Time `json:"at" doc:"The beginning of the minute, hour or day (of UTC)."`
	figuresJSON
}

type seriesJSON struct {
	Subject string `json:"subject" doc:"Of what: see kind."`
	figuresJSON
	Points []pointJSON `json:"points" doc:"By time. Where nothing was counted there is none."`
}

type statsJSON struct {
	Series []seriesJSON `json:"series" doc:"By subject. A subject of which nothing was counted has none."`
	Next   *string      `json:"next" doc:"after of the next page; null on the last."`
}

// statsQuery chooses figures. Times are read by hand, as in the other lists.
type statsQuery struct {
	Kind    string `query:"kind" required:"true" enum:"arrived,delivered,posted,answered,event,run,step,call" doc:"What is counted, and of what. arrived: activities that came in (one series, subject empty). delivered: activities by endpoint; failed are attempts. posted: the same over all endpoints (one series, subject empty). answered: attempts by endpoint, with the time that answers took. event: events by type (its id). run: runs that ended or failed, by workflow. step: steps by workflow and block, as 12/letter; failed are those on which something went wrong. call: calls of runs by webhook, with the time they took."`
	Subject string `query:"subject" maxLength:"200" doc:"Only this one: an id, or 12/letter."`
	Prefix  string `query:"prefix" maxLength:"200" doc:"Only subjects that begin so: 12/ gives the blocks of workflow 12."`
	From    string `query:"from" maxLength:"40" doc:"From this time on, as 2026-01-31T15:04:05Z; the step that it is in is included. Default: a day before to."`
	To      string `query:"to" maxLength:"40" doc:"Before this time. Default: now."`
	Step    string `query:"step" enum:"minute,5minutes,hour,day,total" default:"hour" doc:"Minutes, which steps shorter than an hour are made of, are kept for 48 hours, hours and what is made of them for 30 days. total: no points."`
	After   string `query:"after" maxLength:"200" doc:"next of the page before."`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"200" doc:"The most series of a page."`
}

func (s *Server) registerStats() {
	operate(s, huma.Operation{
		OperationID: "get-stats", Method: http.MethodGet, Path: "/v1/stats", Tags: []string{"Stats"},
		Summary: "Figures over time: what arrived, was delivered, ran, was called, and what failed",
		Description: "from and to are at most 1,440 steps apart. The running minute of the node that answers is included; those of other nodes follow when it is over. " +
			"A server that is killed loses the figures of its running minute, and nothing else.",
		Errors:     []int{400, 503},
		Extensions: curl(`curl "$TIDINGS/v1/stats?kind=delivered&step=minute" -H "Authorization: Bearer $KEY"`),
	}, access{scope: tidings.ScopeRead}, s.getStats)
}

func (s *Server) getStats(ctx context.Context, c caller, in *statsQuery) (*struct{ Body statsJSON }, error) {
	q, err := in.query(s.cfg.Now())
	if err != nil {
		return nil, err
	}
	q.Account = c.account()
	running := s.cfg.Running(&q) // before what is stored: what it has meanwhile written is then left out there
	q.Writer, q.Since = running.Writer, running.Since
	list, more, err := s.store.Tallies(ctx, q)
	if err != nil {
		return nil, err
	}
	through := ""
	if more {
		through = list[len(list)-1].Subject
	}
	for _, t := range running.Tallies {
		if !more || t.Subject <= through { // others are of a later page
			t.At = q.Begins(t.At)
			list = append(list, t)
		}
	}
	return &struct{ Body statsJSON }{statsOf(tidings.AddUp(list), &q, more)}, nil
}

// query reads what is asked for. The account is not set.
func (in *statsQuery) query(now time.Time) (tidings.TallyQuery, error) {
	d := &decoder{}
	q := tidings.TallyQuery{
		Kind: tidings.TallyKind(in.Kind), Subject: in.Subject, Prefix: in.Prefix, After: in.After, Limit: in.Limit,
		From: d.queryTime("from", in.From), To: d.queryTime("to", in.To),
		Step: map[string]time.Duration{"minute": time.Minute, "5minutes": 5 * time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[in.Step],
	}
	fault := func(field, reason string) {
		d.faults = append(d.faults, tidings.FieldError{Index: -1, Field: field, Reason: reason})
	}
	if q.To.IsZero() {
		q.To = now
	}
	if q.From.IsZero() {
		q.From = q.To.Add(-24 * time.Hour)
	}
	if in.Subject != "" && in.Prefix != "" {
		fault("prefix", "does not go with subject: ask for one of them")
	}
	if !q.From.Before(q.To) {
		fault("to", "must be after from")
	}
	if q.To.Sub(q.From) > maxPoints*q.Step && q.Step > 0 {
		fault("step", "from and to are more than 1440 steps apart: take a longer step or a shorter time")
	}
	switch {
	case q.Step > 0:
		q.From = q.From.UTC().Truncate(q.Step)
	case now.Sub(q.From) > tidings.TallyMinutesKept-time.Hour: // there may be hours there
		q.From = q.From.UTC().Truncate(time.Hour)
	default:
		q.From = q.From.UTC().Truncate(time.Minute)
	}
	if len(d.faults) > 0 {
		return q, unreadable("the request's parameters are wrong", d.faults...)
	}
	return q, nil
}

// statsOf makes series of tallies that are sorted by subject and time.
func statsOf(list []tidings.Tally, q *tidings.TallyQuery, more bool) statsJSON {
	out := statsJSON{Series: []seriesJSON{}}
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Subject == list[0].Subject {
			n++
		}
		if len(out.Series) == q.Limit {
			more = true
			break
		}
		out.Series = append(out.Series, seriesOf(list[:n], q.Step > 0))
		list = list[n:]
	}
	if more {
		out.Next = &out.Series[len(out.Series)-1].Subject
	}
	return out
}

// seriesOf makes a series of one subject's tallies.
func seriesOf(list []tidings.Tally, points bool) seriesJSON {
	out := seriesJSON{Subject: list[0].Subject, Points: []pointJSON{}}
	var sum tidings.Tally
	for i := range list {
		sum.Add(&list[i])
		if points {
			out.Points = append(out.Points, pointJSON{list[i].At, figuresOf(&list[i])})
		}
	}
	out.figuresJSON = figuresOf(&sum)
	return out
}

func figuresOf(t *tidings.Tally) figuresJSON {
	f := figuresJSON{Done: t.Done, Failed: t.Failed}
	if t.Took.Count() > 0 {
		f.P50Ms, f.P99Ms = ptr(ms(t.Took.Quantile(0.5))), ptr(ms(t.Took.Quantile(0.99)))
	}
	return f
}
