package feed

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"tidings"
	"tidings/egress"
)

// verdict is what an attempt means: for programs and in words for people. The
// words never hold credentials or the query of a URL.
type verdict struct {
	outcome tidings.Outcome
	what    string // what happened and its likely cause; "" when delivered
	advice  string // what to do; may be ""
}

func (v verdict) text() string {
	if v.advice == "" {
		return v.what
	}
	return v.what + "; " + v.advice
}

// place is where a request went, for the words.
type place struct {
	host string
	addr string // host:port
	url  *url.URL
}

func placeOf(ep *tidings.Endpoint) place {
	u, err := url.Parse(ep.URL)
	if err != nil {
		return place{host: "the endpoint", addr: "the endpoint", url: &url.URL{}}
	}
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return place{host: u.Hostname(), addr: net.JoinHostPort(u.Hostname(), port), url: u}
}

// judge gives the verdict on a request to an endpoint. It is the one place
// where this is decided: by the status when one was read, else by the types
// of the error and how far the request had come.
func judge(ep *tidings.Endpoint, r *egress.Response, err error) verdict {
	if err == nil {
		return judgeStatus(ep, r)
	}
	at := placeOf(ep)
	if v, ok := judgeReaching(at, r, err); ok {
		return v
	}
	if v, ok := judgeTLS(at, r, err); ok {
		return v
	}
	if v, ok := judgeBreak(r, err); ok {
		return v
	}
	if v, ok := judgeText(err); ok {
		return v
	}
	switch {
	case r.Phase >= egress.PhaseHead:
		return verdict{tidings.OutcomeProtocol, "the answer is not valid HTTP: " + quoted(err.Error()), ""}
	case r.Phase == egress.PhaseHandshake:
		return verdict{tidings.OutcomeTLS, "the TLS handshake with " + at.addr + " failed: " + quoted(err.Error()), ""}
	case r.Phase >= egress.PhaseSend:
		return broken(r, "broke")
	}
	return verdict{tidings.OutcomeOther, "could not be sent: " + quoted(err.Error()), ""}
}

// judgeReaching knows why a place can't be reached, or not in time.
func judgeReaching(at place, r *egress.Response, err error) (verdict, bool) {
	if refused, ok := errors.AsType[*egress.AddressError](err); ok {
		return verdict{
			tidings.OutcomeBlocked,
			at.host + " is not called: " + refused.Error(),
			"use a public address, or have the operator allow this one (--egress-allow)",
		}, true
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return judgeDNS(at, dns), true
	}
	netErr, ok := errors.AsType[net.Error](err)
	switch {
	case ok && netErr.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return timedOut(at, r), true
	case errors.Is(err, syscall.ECONNREFUSED):
		return verdict{
			tidings.OutcomeRefused,
			"connection refused: nothing listens at " + at.addr,
			"start the receiver, or correct the port of the URL",
		}, true
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return verdict{
			tidings.OutcomeOther,
			"no route to " + at.addr,
			"check that the host is up and that this server's network reaches it",
		}, true
	}
	return verdict{}, false
}

func judgeDNS(at place, dns *net.DNSError) verdict {
	v := verdict{outcome: tidings.OutcomeDNS}
	switch {
	case dns.IsNotFound:
		v.what = "the name " + at.host + " does not exist in the DNS"
		v.advice = "correct the host of the URL, or wait for the name's record"
	case dns.IsTimeout:
		v.what = "the name servers did not answer for " + at.host + " in time"
		v.advice = "check the DNS of this server and of the name"
	default:
		v.what = "the name servers could not answer for " + at.host
		v.advice = "check the DNS of the name: its servers fail or give broken answers"
	}
	return v
}

// timedOut says in which phase the time ran out.
func timedOut(at place, r *egress.Response) verdict {
	var took time.Duration
	for _, d := range r.Timing {
		took += d
	}
	v := verdict{
		outcome: tidings.OutcomeTimeout,
		what:    fmt.Sprintf("timed out after %v, %v", took.Round(100*time.Millisecond), r.Phase),
	}
	switch r.Phase {
	case egress.PhaseLookup:
		v.advice = "check the DNS of this server and of " + at.host
	case egress.PhaseStart, egress.PhaseConnect:
		v.advice = "check that " + at.addr + " is up and that no firewall drops our packets"
	case egress.PhaseHandshake:
		v.advice = "what listens at " + at.addr + " does not finish the handshake: check that it speaks TLS and is not overloaded"
	case egress.PhaseSend:
		v.advice = "the receiver does not read the request: check that it is not stuck, or make batches smaller"
	default:
		v.advice = "answer 200 first and do the work afterwards, or raise the endpoint's timeout"
	}
	return v
}

// judgeBreak knows connections that were made and then broke.
func judgeBreak(r *egress.Response, err error) (verdict, bool) {
	if errors.Is(err, egress.ErrTurnedAway) {
		return verdict{
			tidings.OutcomeReset,
			"the receiver ends every connection before it takes the request",
			"look into the receiver's log, or that of the proxy before it",
		}, true
	}
	if stream, ok := errors.AsType[egress.StreamError](err); ok && !stream.FromServer() {
		what := "the receiver breaks the rules of HTTP/2"
		if stream.Cause != nil {
			what += ": " + quoted(stream.Cause.Error())
		}
		return verdict{tidings.OutcomeProtocol, what, "look into the receiver's log, or that of the proxy before it"}, true
	} else if ok {
		return verdict{
			tidings.OutcomeReset,
			fmt.Sprintf("the receiver reset the HTTP/2 stream with code %d before it answered", stream.Code),
			"look into the receiver's log, or that of the proxy before it",
		}, true
	}
	switch {
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return broken(r, "was reset"), true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return broken(r, "was closed"), true
	}
	return verdict{}, false
}

func broken(r *egress.Response, how string) verdict {
	return verdict{
		tidings.OutcomeReset,
		fmt.Sprintf("the connection %s, %v", how, r.Phase),
		"look into the receiver's log, or that of the proxy or firewall before it",
	}
}

// textRule judges by a part of the error's text.
type textRule struct {
	part string
	verdict
}

// textRules is for what net/http reports by text alone. It decides between two
// outcomes that are retried alike and picks words; success is never decided here.
func textRules() []textRule {
	const (
		protocol = tidings.OutcomeProtocol
		log      = "look into the receiver's log, or that of the proxy before it"
		correct  = "correct the port of the URL, or what listens there"
	)
	return []textRule{
		{`malformed HTTP response "\x15\x03`, verdict{protocol, "a TLS answer to plain HTTP: the port speaks TLS", "begin the URL with https://"}},
		{"malformed HTTP", verdict{protocol, "what answers does not speak HTTP", correct}},
		{"server response headers exceeded", verdict{protocol, "the headers of the answer are larger than 64 KiB", log}},
		{"header list larger than", verdict{protocol, "the headers of the answer are larger than 64 KiB", log}},
		{"too many 1xx", verdict{protocol, "too many 1xx answers before the real one", log}},
		{"malformed MIME header", verdict{protocol, "a header of the answer is malformed", log}},
		{"Content-Length", verdict{protocol, "the Content-Length of the answer is not valid", log}},
		{"transfer encoding", verdict{protocol, "the Transfer-Encoding of the answer is not valid", log}},
		{"GOAWAY", verdict{tidings.OutcomeReset, "the receiver ended the HTTP/2 connection before it answered", log}},
		{"client connection lost", verdict{tidings.OutcomeReset, "the HTTP/2 connection no longer responds", log}},
		{"http2: client conn", verdict{tidings.OutcomeReset, "the connection was closed before HTTP/2 was agreed on it", log}},
		{"connection error: ", verdict{protocol, "the receiver breaks the rules of HTTP/2", log}},
		{"http2: ", verdict{protocol, "the receiver breaks the rules of HTTP/2", log}},
	}
}

func judgeText(err error) (verdict, bool) {
	text := err.Error()
	for _, rule := range textRules() {
		if strings.Contains(text, rule.part) {
			return rule.verdict, true
		}
	}
	return verdict{}, false
}

// quoted cuts text that may come from the other side and makes it printable.
func quoted(text string) string {
	const longest = 200
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return fmt.Sprintf("%q", text)
}

// isRemoteAlert says whether the peer ended TLS by an alert, which crypto/tls
// marks by the operation.
func isRemoteAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

// isPlain says whether what should be TLS is plain text, and whether that is HTTP.
func isPlain(err error) (plain, isHTTP bool) {
	record, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok, ok && string(record.RecordHeader[:]) == "HTTP/"
}
