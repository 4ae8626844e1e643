package call

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"tidings"
	"tidings/egress"
)

// verdict is what a try means. Whether to try again is decided here and nowhere else.
type verdict struct {
	outcome  tidings.Outcome
	what     string // what happened; "" when OK
	advice   string
	again    bool          // another try may help
	answered bool          // the other side gave a status
	failure  bool          // counts against the host
	rest     time.Duration // asked for by Retry-After
}

func (v verdict) text() string {
	if v.advice == "" {
		return v.what
	}
	return v.what + "; " + v.advice
}

// outside is the other side of a call, in the words of the author of a webhook.
func outside() egress.Party {
	return egress.Party{
		Name:      "the outside system",
		Unread:    "the outside system does not read the request: check that it is not stuck, or send less",
		Slow:      "have the outside system answer sooner, or raise the webhook's timeout",
		HTTPSOnly: true,
	}
}

// judge gives the verdict on a try: an answer 2xx with a body that was read to
// its end is OK so far. Tries are repeated after network errors, 408, 429 and 5xx; not
// after what a repeat does not change: a refused address, a certificate, an answer that is not HTTP.
func judge(ctx context.Context, rawURL string, r *egress.Response, err error, now time.Time) verdict {
	if ctx.Err() != nil && (err != nil || r.BodyErr != nil) {
		return verdict{outcome: tidings.OutcomeCanceled, what: "stopped by this server before the reply was there"}
	}
	if err != nil {
		return troubled(egress.Explain(outside(), rawURL, r, err))
	}
	ok := r.Status >= 200 && r.Status <= 299
	switch {
	case ok && r.BodyErr != nil:
		v := troubled(egress.Explain(outside(), rawURL, r, r.BodyErr))
		v.what = fmt.Sprintf("answered %d, but the reply did not come to its end: %s", r.Status, v.what)
		v.answered = true
		return v
	case ok && !r.Whole:
		return verdict{
			outcome: tidings.OutcomeReply, answered: true,
			what:   fmt.Sprintf("the reply is larger than %d KiB", tidings.MaxReply>>10),
			advice: "have the outside system answer with what is needed only",
		}
	case ok:
		return verdict{outcome: tidings.OutcomeOK, answered: true}
	case r.Status < 100:
		return verdict{outcome: tidings.OutcomeProtocol, what: fmt.Sprintf("answered %03d: that is not a status of HTTP", r.Status), failure: true}
	case r.Status >= 300 && r.Status <= 399:
		return redirected(rawURL, r)
	}
	what, advice := statusWords(r.Status)
	v := verdict{outcome: tidings.OutcomeStatus, answered: true, what: fmt.Sprintf("answered %d: %s", r.Status, what), advice: advice}
	if r.Status == http.StatusRequestTimeout || r.Status == http.StatusTooManyRequests || r.Status >= 500 {
		v.again = true
		v.failure = r.Status != http.StatusTooManyRequests
		v.rest = egress.RetryAfter(r.Header.Get("Retry-After"), now)
	}
	return v
}

// troubled is the verdict on a try that got no answer.
func troubled(t egress.Trouble) verdict {
	v := verdict{what: t.What, advice: t.Advice, failure: true}
	switch t.Kind {
	case egress.TroubleRefused:
		v.outcome, v.again = tidings.OutcomeRefused, true
	case egress.TroubleDNS:
		v.outcome, v.again = tidings.OutcomeDNS, true
	case egress.TroubleTimeout:
		v.outcome, v.again = tidings.OutcomeTimeout, true
	case egress.TroubleReset:
		v.outcome, v.again = tidings.OutcomeReset, true
	case egress.TroubleTLS:
		v.outcome = tidings.OutcomeTLS
	case egress.TroubleProtocol:
		v.outcome = tidings.OutcomeProtocol
	case egress.TroubleAddress:
		// The host was not called: nothing is known of it.
		v.outcome, v.failure = tidings.OutcomeBlocked, false
	default:
		v.outcome, v.again = tidings.OutcomeOther, true
	}
	return v
}

func redirected(rawURL string, r *egress.Response) verdict {
	v := verdict{outcome: tidings.OutcomeRedirect, answered: true}
	to := locationWords(rawURL, r.Header.Get("Location"))
	if to == "" {
		v.what = fmt.Sprintf("answered %d: neither a success nor an address to go to", r.Status)
		return v
	}
	v.what = fmt.Sprintf("answered %d to %s: redirects are not followed", r.Status, to)
	v.advice = "set the webhook's URL to that address"
	return v
}

// locationWords gives where a redirect leads without what may be secret in it; "" = nowhere.
func locationWords(from, location string) string {
	base, err := url.Parse(from)
	if err != nil || location == "" {
		return ""
	}
	to, err := base.Parse(location)
	if err != nil || to.Host == "" {
		return ""
	}
	return tidings.CutText((&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path, RawPath: to.RawPath}).String(), 200)
}

// statusWords gives the likely cause of a status and what to do about it.
func statusWords(s int) (what, advice string) {
	switch {
	case s < 200:
		return "the outside system wants another protocol", ""
	case s == http.StatusBadRequest, s == http.StatusUnprocessableEntity:
		return "the outside system does not understand the request", "compare the rendered request with its documentation; the reply may say what is wrong"
	case s == http.StatusUnauthorized:
		return "the outside system does not take the credentials, or wants some", "check the webhook's connector"
	case s == http.StatusForbidden:
		return "the outside system refuses", "check what the credentials of the connector may do, and whether a firewall blocks this server"
	case s == http.StatusNotFound, s == http.StatusGone:
		return "the outside system has nothing under this address", "check the path of the URL and the values in it"
	case s == http.StatusMethodNotAllowed:
		return "the outside system does not take this method here", "choose the other one of GET and POST, or correct the path"
	case s == http.StatusRequestTimeout:
		return "the outside system has waited too long for the request", "look into its log, or that of the proxy before it"
	case s == http.StatusRequestEntityTooLarge, s == http.StatusRequestURITooLong:
		return "the request is too large for the outside system", "send less"
	case s == http.StatusUnsupportedMediaType:
		return "the outside system does not take this format", "choose another format of the body, or set the Content-Type header"
	case s == http.StatusTooManyRequests:
		return "the outside system asks for fewer requests", "raise its rate limit"
	case s == http.StatusBadGateway, s == http.StatusServiceUnavailable, s == http.StatusGatewayTimeout:
		return "the outside system is down or overloaded behind its proxy", "look into its log"
	case s >= 500 && s <= 599:
		return "the outside system failed", "look into its log"
	case s >= 400 && s <= 499:
		return "the outside system refuses the request", "the reply may say why"
	}
	return "the status is not one of HTTP's", ""
}
