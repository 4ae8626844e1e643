package ui

import (
	"net/url"
	"time"

	"tidings/ui/part"
)

// endpointCharts are the last 24 hours of an address.
type endpointCharts struct {
	Rate     part.ChartView // arriving and delivered per minute
	Times    part.ChartView // how long answers took
	Answered figures        // attempts of that time
}

// endpointCharts reads what the charts show.
func (v *visit) endpointCharts(id int64) (endpointCharts, error) {
	var c endpointCharts
	day := v.lastDay()
	read := func(kind, subject string) (series, error) {
		list, err := v.stats(kind, day.query(subject))
		if err != nil || len(list) == 0 {
			return series{}, err
		}
		return list[0], nil
	}
	arrived, err := read("arrived", "")
	if err != nil {
		return c, err
	}
	delivered, err := read("delivered", decimal(id))
	if err != nil {
		return c, err
	}
	answered, err := read("answered", decimal(id))
	if err != nil {
		return c, err
	}
	done := func(f figures) int64 { return f.Done }
	labels := day.labels(v.clock)
	c.Rate = part.ChartView{Title: "Arriving and delivered, 24 h", Unit: "per minute", Labels: labels, Series: []part.Series{
		{Name: "arriving", Points: day.perMinute(arrived.Points, done)},
		{Name: "delivered", Points: day.perMinute(delivered.Points, done)},
	}}
	c.Times = part.ChartView{Title: "Answer time, 24 h", Unit: "ms", Labels: labels, Series: []part.Series{
		{Name: "p50", Points: day.highest(answered.Points, func(f figures) *float64 { return f.P50 })},
		{Name: "p99", Points: day.highest(answered.Points, func(f figures) *float64 { return f.P99 })},
	}}
	c.Answered = answered.figures
	return c, nil
}

// figures gives what was counted of an endpoint in the last day.
func (v *visit) figures(kind string, id int64) (figures, error) {
	subject := decimal(id)
	list, err := v.stats(kind, url.Values{"subject": {subject}, "step": {"total"}})
	if err != nil || len(list) == 0 {
		return figures{}, err
	}
	return list[0].figures, nil
}

// afterwards says what follows when the next try of a blocked address is
// answered: how long its backlog takes, at the median of its last day's answers.
func (p *endpointPageView) afterwards() string {
	e, median := &p.Endpoint, p.Charts.Answered.P50
	if median == nil || e.Batch.MaxItems < 1 {
		return "What follows waits until this batch is delivered, in its order."
	}
	batches := (e.Backlog + e.Batch.MaxItems - 1) / e.Batch.MaxItems
	left := time.Duration(float64(batches) * *median * float64(time.Millisecond))
	if left < time.Second {
		return "If it answers then, the backlog is empty within a second."
	}
	return "If it answers then, the backlog is empty about " + p.Clock.Duration(left) + " later."
}
