package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"tidings/store"
)

// storeCollector reads the store's figures at each scrape.
type storeCollector struct {
	stats                                                          func() store.Stats
	appended, commits, writes, failed, seconds, queue, wal, months *prometheus.Desc
}

func newStoreCollector(stats func() store.Stats) storeCollector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("tidings_store_"+name, help, nil, nil)
	}
	return storeCollector{
		stats:    stats,
		appended: desc("activities_appended_total", "Activities made durable since the start."),
		commits:  desc("commits_total", "Transactions made durable since the start."),
		writes:   desc("writes_total", "Requests and deliveries in those transactions."),
		failed:   desc("commits_failed_total", "Transactions that failed since the start."),
		seconds:  desc("commit_seconds_total", "Time spent in transactions since the start, fsync included."),
		queue:    desc("queue_writes", "Writes that wait for the next transaction."),
		wal:      desc("wal_bytes", "Bytes of the write-ahead log in use, as of the last checkpoint."),
		months:   desc("months", "Months of arrival that are kept."),
	}
}

func (c storeCollector) all() []*prometheus.Desc {
	return []*prometheus.Desc{c.appended, c.commits, c.writes, c.failed, c.seconds, c.queue, c.wal, c.months}
}

// Describe implements prometheus.Collector.
func (c storeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.all() {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c storeCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.stats()
	for _, m := range []struct {
		desc  *prometheus.Desc
		kind  prometheus.ValueType
		value float64
	}{
		{c.appended, prometheus.CounterValue, float64(s.Appended)},
		{c.commits, prometheus.CounterValue, float64(s.Commits)},
		{c.writes, prometheus.CounterValue, float64(s.Writes)},
		{c.failed, prometheus.CounterValue, float64(s.Failed)},
		{c.seconds, prometheus.CounterValue, s.CommitTime.Seconds()},
		{c.queue, prometheus.GaugeValue, float64(s.Queue)},
		{c.wal, prometheus.GaugeValue, float64(s.WALBytes)},
		{c.months, prometheus.GaugeValue, float64(s.Months)},
	} {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value)
	}
}
