package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// TroubleKind is the closed list of why a request gets no answer.
type TroubleKind string

// The kinds of trouble.
const (
	TroubleRefused  TroubleKind = "refused"  // nothing listens
	TroubleDNS      TroubleKind = "dns"      // the name can't be resolved
	TroubleTimeout  TroubleKind = "timeout"  // the deadline passed; the words say in which phase
	TroubleTLS      TroubleKind = "tls"      // handshake or certificate
	TroubleReset    TroubleKind = "reset"    // the connection broke before a status was read
	TroubleProtocol TroubleKind = "protocol" // what came back is not HTTP, or over a limit
	TroubleAddress  TroubleKind = "address"  // the address guard refused the address
	TroubleOther    TroubleKind = "other"
)

// Trouble is why a request got no answer: for programs and in words for
// people. The words never hold credentials or the query of a URL.
type Trouble struct {
	Kind   TroubleKind
	What   string // what happened and its likely cause
	Advice string // what to do; may be ""
}

// Party is whom a request was for, in the words of whoever made it.
type Party struct {
	Name      string // "the receiver"
	Unread    string // the advice when the time runs out while the request is sent
	Slow      string // the advice when the time runs out after that
	HTTPSOnly bool   // plain HTTP is no way out
}

// place is where a request went, for the words.
type place struct {
	Party
	host string
	addr string // host:port
}

func placeOf(to Party, raw string) place {
	u, err := url.Parse(raw)
	if err != nil {
		return place{to, to.Name, to.Name}
	}
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return place{to, u.Hostname(), net.JoinHostPort(u.Hostname(), port)}
}

// Explain says why Do gave an error for a request to rawURL. It is the one place where this
// is decided: by the types of the error and how far the request had come.
func Explain(to Party, rawURL string, r *Response, err error) Trouble {
	at := placeOf(to, rawURL)
	if t, ok := explainReaching(at, r, err); ok {
		return t
	}
	if t, ok := explainTLS(at, r, err); ok {
		return t
	}
	if t, ok := explainBreak(at, r, err); ok {
		return t
	}
	if t, ok := explainText(at, err); ok {
		return t
	}
	switch {
	case r.Phase >= PhaseHead:
		return Trouble{TroubleProtocol, "the answer is not valid HTTP: " + quoted(err.Error()), ""}
	case r.Phase == PhaseHandshake:
		return Trouble{TroubleTLS, "the TLS handshake with " + at.addr + " failed: " + quoted(err.Error()), ""}
	case r.Phase >= PhaseSend:
		return broken(at, r, "broke")
	}
	return Trouble{TroubleOther, "could not be sent: " + quoted(err.Error()), ""}
}

// explainReaching knows why a place can't be reached, or not in time.
func explainReaching(at place, r *Response, err error) (Trouble, bool) {
	if refused, ok := errors.AsType[*AddressError](err); ok {
		advice := "use a public address, or have the operator allow this one (--egress-allow)"
		if refused.Plain {
			advice = "begin the URL with https://, or have the operator allow this address (--egress-allow)"
		}
		return Trouble{TroubleAddress, at.host + " is not called: " + refused.Error(), advice}, true
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return explainDNS(at, dns), true
	}
	netErr, ok := errors.AsType[net.Error](err)
	switch {
	case ok && netErr.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return timedOut(at, r), true
	case errors.Is(err, syscall.ECONNREFUSED):
		return Trouble{
			TroubleRefused,
			"connection refused: nothing listens at " + at.addr,
			"start " + at.Name + ", or correct the port of the URL",
		}, true
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Trouble{
			TroubleOther,
			"no route to " + at.addr,
			"check that the host is up and that this server's network reaches it",
		}, true
	}
	return Trouble{}, false
}

func explainDNS(at place, dns *net.DNSError) Trouble {
	t := Trouble{Kind: TroubleDNS}
	switch {
	case dns.IsNotFound:
		t.What = "the name " + at.host + " does not exist in the DNS"
		t.Advice = "correct the host of the URL, or wait for the name's record"
	case dns.IsTimeout:
		t.What = "the name servers did not answer for " + at.host + " in time"
		t.Advice = "check the DNS of this server and of the name"
	default:
		t.What = "the name servers could not answer for " + at.host
		t.Advice = "check the DNS of the name: its servers fail or give broken answers"
	}
	return t
}

// timedOut says in which phase the time ran out.
func timedOut(at place, r *Response) Trouble {
	var took time.Duration
	for _, d := range r.Timing {
		took += d
	}
	t := Trouble{Kind: TroubleTimeout, What: fmt.Sprintf("timed out after %v, %v", took.Round(100*time.Millisecond), r.Phase)}
	switch r.Phase {
	case PhaseLookup:
		t.Advice = "check the DNS of this server and of " + at.host
	case PhaseStart, PhaseConnect:
		t.Advice = "check that " + at.addr + " is up and that no firewall drops our packets"
	case PhaseHandshake:
		t.Advice = "what listens at " + at.addr + " does not finish the handshake: check that it speaks TLS and is not overloaded"
	case PhaseSend:
		t.Advice = at.Unread
	default:
		t.Advice = at.Slow
	}
	return t
}

// look is the advice that is left when only the other side knows more.
func (p Party) look() string { return "look into " + p.Name + "'s log, or that of the proxy before it" }

// explainBreak knows connections that were made and then broke.
func explainBreak(at place, r *Response, err error) (Trouble, bool) {
	if errors.Is(err, ErrTurnedAway) {
		return Trouble{TroubleReset, at.Name + " ends every connection before it takes the request", at.look()}, true
	}
	if stream, ok := errors.AsType[StreamError](err); ok && !stream.FromServer() {
		what := at.Name + " breaks the rules of HTTP/2"
		if stream.Cause != nil {
			what += ": " + quoted(stream.Cause.Error())
		}
		return Trouble{TroubleProtocol, what, at.look()}, true
	} else if ok {
		what := fmt.Sprintf("%s reset the HTTP/2 stream with code %d before it answered", at.Name, stream.Code)
		return Trouble{TroubleReset, what, at.look()}, true
	}
	switch {
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return broken(at, r, "was reset"), true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return broken(at, r, "was closed"), true
	}
	return Trouble{}, false
}

func broken(at place, r *Response, how string) Trouble {
	return Trouble{
		TroubleReset,
		fmt.Sprintf("the connection %s, %v", how, r.Phase),
		"look into " + at.Name + "'s log, or that of the proxy or firewall before it",
	}
}

// textRule explains by a part of the error's text.
type textRule struct {
	part string
	Trouble
}

// textRules is for what net/http reports by text alone. It only chooses between kinds of
// trouble that callers treat alike, and words; success is never decided here.
func textRules(at place) []textRule {
	const protocol, reset = TroubleProtocol, TroubleReset
	log := at.look()
	return []textRule{
		{`malformed HTTP response "\x15\x03`, Trouble{protocol, "a TLS answer to plain HTTP: the port speaks TLS", "begin the URL with https://"}},
		{"malformed HTTP", Trouble{protocol, "what answers does not speak HTTP", "correct the port of the URL, or what listens there"}},
		{"server response headers exceeded", Trouble{protocol, "the headers of the answer are larger than 64 KiB", log}},
		{"header list larger than", Trouble{protocol, "the headers of the answer are larger than 64 KiB", log}},
		{"too many 1xx", Trouble{protocol, "too many 1xx answers before the real one", log}},
		{"malformed MIME header", Trouble{protocol, "a header of the answer is malformed", log}},
		{"Content-Length", Trouble{protocol, "the Content-Length of the answer is not valid", log}},
		{"transfer encoding", Trouble{protocol, "the Transfer-Encoding of the answer is not valid", log}},
		{"GOAWAY", Trouble{reset, at.Name + " ended the HTTP/2 connection before it answered", log}},
		{"client connection lost", Trouble{reset, "the HTTP/2 connection no longer responds", log}},
		{"http2: client conn", Trouble{reset, "the connection was closed before HTTP/2 was agreed on it", log}},
		{"connection error: ", Trouble{protocol, at.Name + " breaks the rules of HTTP/2", log}},
		{"http2: ", Trouble{protocol, at.Name + " breaks the rules of HTTP/2", log}},
	}
}

func explainText(at place, err error) (Trouble, bool) {
	text := err.Error()
	for _, rule := range textRules(at) {
		if strings.Contains(text, rule.part) {
			return rule.Trouble, true
		}
	}
	return Trouble{}, false
}

// quoted cuts text that may come from the other side and makes it printable.
func quoted(text string) string {
	const longest = 200
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return fmt.Sprintf("%q", text)
}
