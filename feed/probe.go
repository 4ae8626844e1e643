package feed

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"tidings"
	"tidings/egress"
)

// ProbeResult is what came of a probe.
type ProbeResult struct {
	OK       bool
	Status   int             // of the answer; 0 = none was read
	Outcome  tidings.Outcome // OutcomeDelivered when OK
	Error    string          // what happened, in plain words; "" when OK
	Advice   string          // what to do about it; "" when OK, and when there is nothing to do
	Duration time.Duration
}

// Probe sends the GET by which an endpoint is tested on save (the seed: "Upon
// saving, a GET request is sent by the system to the URL address for testing").
// It goes the way of a delivery, with the same headers, auth and timeout, and is passed by
// what a delivery is passed by: 200, or any 2xx when the endpoint says so.
func (p *Poster) Probe(ctx context.Context, ep *tidings.Endpoint) ProbeResult {
	start := p.now()
	r, v := p.send(ctx, ep, egress.Request{
		Method: http.MethodGet, URL: ep.URL, Header: p.ownHeaders(ep), Fresh: true,
	})
	if r.Status == http.StatusMethodNotAllowed || r.Status == http.StatusNotImplemented {
		v.advice = "the test is a GET: answer it with 200, or activate the endpoint anyway when only POST is served there"
	}
	return ProbeResult{
		OK:       v.outcome == tidings.OutcomeDelivered,
		Status:   r.Status,
		Outcome:  v.outcome,
		Error:    v.what,
		Advice:   v.advice,
		Duration: p.now().Sub(start),
	}
}

// CheckURL says what is wrong with the URL of an endpoint, or ""; allow lists
// the ranges that may be reached although they are not of the public internet.
func CheckURL(raw string, allow []netip.Prefix) string {
	return egress.CheckURL(raw, egress.URLRules{MaxLength: tidings.MaxURLLength, Allow: allow})
}
