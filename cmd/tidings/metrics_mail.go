package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"tidings/message"
)

// mailCollector reads the sender's figures at each scrape.
type mailCollector struct {
	status                                func() message.SenderStatus
	sent, failed, later, lost, inHand, up *prometheus.Desc
}

func newMailCollector(status func() message.SenderStatus) mailCollector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("tidings_mails_"+name, help, nil, nil)
	}
	return mailCollector{
		status: status,
		sent:   desc("sent_total", "Mails that the SMTP server took since the start."),
		failed: desc("failed_total", "Mails that it refused for good, or that were given up."),
		later:  desc("later_total", "Sendings that will be repeated."),
		lost:   desc("lost_answers_total", "Of them, those whose answer was lost: these mails may arrive twice."),
		inHand: desc("in_hand", "Mails that this node is sending."),
		up:     desc("server_reached", "1 when the SMTP server could be reached the last time, 0 when not."),
	}
}

// Describe implements prometheus.Collector.
func (c mailCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.sent, c.failed, c.later, c.lost, c.inHand, c.up} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c mailCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.status()
	up := 1.0
	if s.Error != "" {
		up = 0
	}
	for _, m := range []struct {
		desc  *prometheus.Desc
		kind  prometheus.ValueType
		value float64
	}{
		{c.sent, prometheus.CounterValue, float64(s.Sent)},
		{c.failed, prometheus.CounterValue, float64(s.Failed)},
		{c.later, prometheus.CounterValue, float64(s.Later)},
		{c.lost, prometheus.CounterValue, float64(s.Lost)},
		{c.inHand, prometheus.GaugeValue, float64(s.InHand)},
		{c.up, prometheus.GaugeValue, up},
	} {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value)
	}
}
