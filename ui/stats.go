package ui

import (
	"math"
	"net/url"
	"time"

	"tidings/ui/part"
)

// figures are what was counted in some stretch of time (GET /v1/stats).
type figures struct {
	Done   int64    `json:"done"`
	Failed int64    `json:"failed"`
	P50    *float64 `json:"p50Ms"` // nil = there are no times
	P99    *float64 `json:"p99Ms"`
}

// point is one step of a series.
type point struct {
	At time.Time `json:"at"`
	figures
}

// series is what was counted of one subject, by time; steps in which nothing
// was counted have no point.
type series struct {
	Subject string `json:"subject"`
	figures
	Points []point `json:"points"`
}

// stats gives figures of a kind ("delivered", "step", …); q may have subject or
// prefix, from, to and step, as the API knows them. At most 200 subjects.
func (v *visit) stats(kind string, q url.Values) ([]series, error) {
	ask := url.Values{"kind": {kind}}
	for name, values := range q {
		ask[name] = values
	}
	var out struct {
		Series []series `json:"series"`
	}
	err := v.get("/v1/stats", ask, &out)
	return out.Series, err
}

// totals gives the figures of the last stretch of time by subject; a prefix of
// the subjects may be "". The stretch begins with an hour, so it may be up to
// one longer: whole hours are read as they are, parts of them minute by minute.
func (v *visit) totals(kind, prefix string, last time.Duration) (map[string]figures, error) {
	q := url.Values{"step": {"total"}, "from": {v.clock.Now.Add(-last).UTC().Truncate(time.Hour).Format(time.RFC3339)}}
	if prefix != "" {
		q.Set("prefix", prefix)
	}
	list, err := v.stats(kind, q)
	out := make(map[string]figures, len(list))
	for _, s := range list {
		out[s.Subject] = s.figures
	}
	return out, err
}

// span is a stretch of time in steps, as a chart shows it.
type span struct {
	from  time.Time
	step  time.Duration
	count int
}

// lastDay is the day until now in steps of five minutes.
func (v *visit) lastDay() span {
	const step = 5 * time.Minute
	return span{from: v.clock.Now.UTC().Truncate(step).Add(step - 24*time.Hour), step: step, count: 288}
}

// query asks the API for the steps of a span.
func (s span) query(subject string) url.Values {
	q := url.Values{"step": {"5minutes"}, "from": {s.from.Format(time.RFC3339)}}
	if subject != "" {
		q.Set("subject", subject)
	}
	return q
}

// labels are the times of the steps, as the account's clock shows them.
func (s span) labels(c part.Clock) []string {
	labels := make([]string, s.count)
	for i := range labels {
		labels[i] = c.Minute(s.from.Add(time.Duration(i) * s.step))
	}
	return labels
}

// perMinute spreads what was counted over the steps, as a rate.
func (s span) perMinute(points []point, of func(figures) int64) []float64 {
	out := make([]float64, s.count)
	for _, p := range points {
		if i := s.index(p.At); i >= 0 {
			out[i] += float64(of(p.figures)) / s.step.Minutes()
		}
	}
	return out
}

// highest gives the highest value of each step; where there is none it is no
// number, which a chart shows as a gap.
func (s span) highest(points []point, of func(figures) *float64) []float64 {
	out := make([]float64, s.count)
	for i := range out {
		out[i] = math.NaN()
	}
	for _, p := range points {
		if i, value := s.index(p.At), of(p.figures); i >= 0 && value != nil && !(out[i] >= *value) {
			out[i] = *value
		}
	}
	return out
}

func (s span) index(at time.Time) int {
	i := int(at.Sub(s.from) / s.step)
	if at.Before(s.from) || i >= s.count {
		return -1
	}
	return i
}
