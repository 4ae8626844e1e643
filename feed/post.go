package feed

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tidings"
	"tidings/egress"
)

// maxDrain is how much of an answer beyond tidings.MaxAnswer is read so that
// the connection can be used again, and bodyWait how long that may take: a
// receiver that answers with a flood or a trickle loses its connection instead
// of holding the lane.
const (
	maxDrain = 64 << 10
	bodyWait = time.Second
)

// Poster makes attempts: it is the step between a batch and the outside.
type Poster struct {
	Client    *egress.Client
	UserAgent string           // "Tidings/VERSION"
	Now       func() time.Time // default time.Now
}

func (p *Poster) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

// Post makes one attempt to deliver a batch and says what came of it. It sets
// all of the Attempt but NextTry. The duration is what a receiver that did not
// take the batch asks for by Retry-After, uncapped; 0 when it asks for nothing.
//
// One deadline, the endpoint's timeout, covers all of it. The verdict is on
// the status and headers: once they are read, nothing that becomes of the answer's
// body changes it.
//
// A kept connection may have been closed by the server just as the request was
// written. When it breaks before the first byte of an answer, the request is
// sent again at once, over a fresh connection, with the same id, as part of the same attempt: the
// server closed it on its own account and most likely has not seen the request, and if it
// has, the id tells it so. Nothing else is repeated here.
func (p *Poster) Post(ctx context.Context, ep *tidings.Endpoint, out Outgoing) (tidings.Attempt, time.Duration) {
	start := p.now()
	b := out.Batch
	a := tidings.Attempt{
		Endpoint: ep.ID, Number: out.Number, Batch: b.ID, First: b.First, Last: b.Last,
		Activities: b.Activities, Bytes: b.Bytes, Digest: b.Digest, At: start,
	}
	header := p.ownHeaders(ep)
	if err := deliveryHeaders(header, ep, out, start); err != nil {
		a.Outcome = tidings.OutcomeOther
		a.Error = "not sent: " + err.Error() + "; rotate the endpoint's secret"
		return a, 0
	}
	r, v := p.send(ctx, ep, egress.Request{
		Method: http.MethodPost, URL: ep.URL, Header: header, Body: b.Body, Fresh: out.Number > 1,
	})
	end := p.now()
	a.Duration = end.Sub(start)
	a.Status, a.Outcome, a.Error = r.Status, v.outcome, v.text()
	a.Answer = answerText(r.Body, secretsSent(ep))
	a.Delivered = v.outcome == tidings.OutcomeDelivered
	if a.Delivered {
		return a, 0
	}
	return a, egress.RetryAfter(r.Header.Get("Retry-After"), end)
}

// send is the one way to an endpoint, of deliveries and probes alike.
func (p *Poster) send(ctx context.Context, ep *tidings.Endpoint, req egress.Request) (egress.Response, verdict) {
	timeout := ep.Timeout
	if timeout == 0 {
		timeout = tidings.DefaultTimeout
	}
	attempt, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req.Keep, req.Drain, req.BodyWait = tidings.MaxAnswer, maxDrain, bodyWait
	req.RetryStale = true
	r, err := p.Client.Do(attempt, req)
	if err != nil && ctx.Err() != nil {
		// Not the attempt's deadline has passed: whoever asked for it called it off.
		return r, verdict{
			outcome: tidings.OutcomeCanceled,
			what:    "stopped by this server before an answer came: it shuts down, or the endpoint was changed",
		}
	}
	return r, judge(ep, &r, err)
}

// secretsSent lists what of a request must not come back to light when a
// receiver echoes it: the password, and header values long enough to be keys.
func secretsSent(ep *tidings.Endpoint) []string {
	const shortestKey = 8
	var list []string
	if ep.Auth != nil && ep.Auth.Password != "" {
		list = append(list, basicToken(ep.Auth), ep.Auth.Password)
	}
	for _, h := range ep.Headers {
		if len(h.Value) >= shortestKey {
			list = append(list, h.Value)
		}
	}
	return list
}

// answerText makes the first bytes of an answer fit to be kept and shown: valid
// UTF-8 without control characters, without the secrets that were sent, at
// most tidings.MaxAnswer bytes.
func answerText(body []byte, secrets []string) string {
	if len(body) == 0 {
		return ""
	}
	text := string(body)
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, "***")
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' {
			return utf8.RuneError
		}
		return r
	}, text) // turns invalid bytes into U+FFFD as well
	return tidings.CutText(text, tidings.MaxAnswer)
}
