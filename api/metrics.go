package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tidings/feed"
)

// meter counts what passes the door, and hands out all figures of the server.
type meter struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	accepted prometheus.Counter
	received prometheus.Counter
	handler  http.Handler
}

func newMeter(cfg Config) *meter {
	m := &meter{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidings_http_requests_total", Help: "Requests answered, by operation and status.",
		}, []string{"operation", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tidings_http_request_seconds", Help: "Time to answer a request, by operation; tails and waiting reads last as long as they are asked to.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}, []string{"operation"}),
		accepted: prometheus.NewCounter(prometheus.CounterOpts{Name: "tidings_activities_accepted_total", Help: "Activities taken in and stored."}),
		received: prometheus.NewCounter(prometheus.CounterOpts{Name: "tidings_activities_received_bytes_total", Help: "Bytes of activities received, inflated."}),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		m.requests, m.took, m.accepted, m.received, laneCollector{cfg.Dispatcher.Stats, newLaneFigures()},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	registry.MustRegister(cfg.Collectors...)
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tidings_build_info", Help: "1, labelled with the version.", ConstLabels: prometheus.Labels{"version": cfg.Version},
	})
	info.Set(1)
	registry.MustRegister(info)
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m
}

// observe counts a request that was answered.
func (m *meter) observe(route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(route).Observe(took.Seconds())
}

// laneCollector reads the dispatcher's figures at each scrape: totals and maxima, no label
// an endpoint, so that the number of endpoints does not matter to who collects.
type laneCollector struct {
	stats func() feed.Stats
	f     laneFigures
}

type laneFigures struct {
	shards, endpoints, blocked, inFlight, backlog, maxBacklog, batches, activities, failures *prometheus.Desc
}

func newLaneFigures() laneFigures {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("tidings_"+name, help, labels, nil)
	}
	return laneFigures{
		shards:     desc("shards", "Shards of endpoints that this node delivers to, of 256; all of them on a data directory."),
		endpoints:  desc("endpoints", "Endpoints, by state.", "state"),
		blocked:    desc("endpoints_blocked", "Active endpoints whose waiting batch has failed."),
		inFlight:   desc("deliveries_in_flight", "POSTs under way."),
		backlog:    desc("backlog_activities", "Activities ahead of all active endpoints, summed."),
		maxBacklog: desc("backlog_max_activities", "Activities ahead of the active endpoint that is furthest behind."),
		batches:    desc("batches_delivered_total", "Batches delivered since the start."),
		activities: desc("activities_delivered_total", "Activities delivered since the start."),
		failures:   desc("attempts_failed_total", "Attempts that did not deliver since the start, by outcome.", "outcome"),
	}
}

func (c laneCollector) Describe(ch chan<- *prometheus.Desc) {
	f := c.f
	for _, d := range []*prometheus.Desc{f.shards, f.endpoints, f.blocked, f.inFlight, f.backlog, f.maxBacklog, f.batches, f.activities, f.failures} {
		ch <- d
	}
}

func (c laneCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.stats()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	gauge(c.f.shards, float64(s.Shards))
	gauge(c.f.endpoints, float64(s.Active), "active")
	gauge(c.f.endpoints, float64(s.Lanes-s.Active), "deactivated")
	gauge(c.f.blocked, float64(s.Blocked))
	gauge(c.f.inFlight, float64(s.InFlight))
	gauge(c.f.backlog, float64(s.Backlog))
	gauge(c.f.maxBacklog, float64(s.MaxBacklog))
	counter(c.f.batches, float64(s.Batches))
	counter(c.f.activities, float64(s.Activities))
	for outcome, n := range s.Failures {
		counter(c.f.failures, float64(n), string(outcome))
	}
}
