package feed

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"

	"tidings"
	"tidings/egress"
)

// judgeStatus gives the verdict on an answer: 200 is success, or any 2xx when
// the endpoint says so, and nothing else is.
func judgeStatus(ep *tidings.Endpoint, r *egress.Response) verdict {
	s := r.Status
	switch {
	case s == http.StatusOK, ep.Any2xx && s >= 200 && s <= 299:
		return verdict{outcome: tidings.OutcomeDelivered}
	case s < 100:
		return verdict{tidings.OutcomeProtocol, fmt.Sprintf("answered %03d: that is not a status of HTTP", s), "answer 200"}
	case s >= 300 && s <= 399:
		return redirected(ep, r)
	}
	what, advice := statusWords(ep, r)
	return verdict{tidings.OutcomeStatus, fmt.Sprintf("answered %d: %s", s, what), advice}
}

func redirected(ep *tidings.Endpoint, r *egress.Response) verdict {
	v := verdict{outcome: tidings.OutcomeRedirect}
	to := locationWords(ep.URL, r.Header.Get("Location"))
	if to == "" {
		v.what = fmt.Sprintf("answered %d: neither a success nor an address to go to", r.Status)
		v.advice = "answer 200"
		return v
	}
	v.what = fmt.Sprintf("answered %d to %s: redirects are not followed", r.Status, to)
	v.advice = "set the endpoint's URL to that address"
	return v
}

// locationWords gives where a redirect leads without what may be secret in it; "" = nowhere.
func locationWords(from, location string) string {
	base, err := url.Parse(from)
	if err != nil {
		return ""
	}
	to, err := base.Parse(location)
	if location == "" || err != nil || to.Host == "" {
		return ""
	}
	text := (&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path, RawPath: to.RawPath}).String()
	const longest = 200
	if len(text) > longest {
		return text[:longest] + "…" // ASCII: String escapes the rest
	}
	return text
}

// statusWords gives the likely cause of a status and what to do about it.
func statusWords(ep *tidings.Endpoint, r *egress.Response) (what, advice string) {
	s := r.Status
	switch {
	case s == http.StatusBadRequest && speaksTLS(r.Body):
		return "the port speaks TLS and was called by plain HTTP", "begin the URL with https://"
	case s < 200:
		return "the receiver wants another protocol", "answer 200"
	case s < 300:
		return "only 200 counts as received", `answer 200, or switch on "any 2xx" for the endpoint`
	case s == http.StatusUnauthorized && ep.Auth == nil:
		return "the receiver wants credentials", "set Basic auth or an Authorization header for the endpoint"
	case s == http.StatusUnauthorized:
		return "the receiver does not take the credentials", "correct the endpoint's user name and password"
	case s == http.StatusForbidden:
		return "the receiver, or a firewall before it, blocks our request", "let our User-Agent and address pass there"
	case s == http.StatusNotFound, s == http.StatusGone:
		return "nothing is served under this path", "correct the path of the URL"
	case s == http.StatusMethodNotAllowed:
		return "the receiver does not take this method", "serve POST under this URL"
	case s == http.StatusProxyAuthRequired:
		return "a proxy before the receiver wants credentials", "let our requests pass there"
	case s == http.StatusRequestEntityTooLarge:
		return "the batch is too large for the receiver", "raise its limit, or lower the endpoint's batch limits"
	case s == http.StatusUnsupportedMediaType:
		return "the receiver does not take JSON", "serve application/json under this URL"
	case s == http.StatusTooManyRequests:
		return "the receiver asks for fewer requests", "raise its rate limit, or the endpoint's batch limits and linger"
	case s == http.StatusBadGateway, s == http.StatusServiceUnavailable, s == http.StatusGatewayTimeout:
		return "the receiver is down or overloaded behind its proxy", "look into the receiver's log"
	case s >= 500 && s <= 599:
		return "the receiver failed", "look into the receiver's log"
	case s >= 400 && s <= 499:
		return "the receiver refuses the request", "the first bytes of its answer may say why"
	}
	return "the status is not one of HTTP's", "answer 200"
}

// speaksTLS recognises the pages by which servers (Go, nginx, Apache) say that
// plain HTTP came to their TLS port; there is no other sign of it.
func speaksTLS(body []byte) bool {
	for _, words := range []string{
		"Client sent an HTTP request to an HTTPS server",
		"The plain HTTP request was sent to HTTPS port",
		"speaking plain HTTP to an SSL-enabled server port",
	} {
		if bytes.Contains(body, []byte(words)) {
			return true
		}
	}
	return false
}
