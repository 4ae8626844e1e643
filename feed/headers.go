package feed

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"tidings"
)

// CheckHeaders says what is wrong with the header rows of an endpoint that has
// the given Basic auth (nil = none), one FieldError a row; nil when all is well.
// The reasons do not repeat values.
func CheckHeaders(headers []tidings.Header, auth *tidings.BasicAuth) []tidings.FieldError {
	if len(headers) > tidings.MaxHeaders {
		reason := fmt.Sprintf("has %d rows: at most %d are allowed", len(headers), tidings.MaxHeaders)
		return []tidings.FieldError{{Index: -1, Field: "headers", Reason: reason}}
	}
	var wrong []tidings.FieldError
	seen := map[string]bool{}
	for i, h := range headers {
		name := http.CanonicalHeaderKey(h.Name)
		field, reason := "name", checkHeaderName(name, auth)
		switch {
		case reason != "":
		case seen[name]:
			reason = "is there twice"
		default:
			field, reason = "value", checkHeaderValue(h.Value)
		}
		seen[name] = true
		if reason != "" {
			wrong = append(wrong, tidings.FieldError{Index: -1, Field: fmt.Sprintf("headers[%d].%s", i, field), Reason: reason})
		}
	}
	return wrong
}

// maxHeaderName is the most bytes of a header's name.
const maxHeaderName = 128

func checkHeaderName(name string, auth *tidings.BasicAuth) string {
	switch {
	case name == "":
		return "is required"
	case len(name) > maxHeaderName:
		return fmt.Sprintf("is longer than %d bytes", maxHeaderName)
	case !httpguts.ValidHeaderFieldName(name):
		return "has characters that a header's name can't have: use letters, digits and -"
	case name == "Authorization" && auth != nil:
		return "is set by Basic auth: leave out one of the two"
	case reserved(name):
		return "is set by the server or by HTTP itself and can't be chosen"
	}
	return ""
}

func checkHeaderValue(value string) string {
	switch {
	case len(value) > tidings.MaxHeaderValue:
		return fmt.Sprintf("is longer than %d bytes", tidings.MaxHeaderValue)
	case !httpguts.ValidHeaderFieldValue(value):
		return "has control characters"
	case strings.TrimSpace(value) != value:
		return "has white space before or after it"
	}
	return ""
}

// reserved says whether a header, named in canonical form, is not the
// endpoint's to set: ours, what describes the body, and what belongs to one
// connection (RFC 9110, section 7.6.1). The two idempotency headers are refused
// because net/http takes them for leave to send a POST again by itself.
func reserved(name string) bool {
	for _, prefix := range []string{"Content-", "Tidings-", "Webhook-", "Proxy-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch name {
	case "Host", "User-Agent", "Idempotency-Key", "X-Idempotency-Key",
		"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings", "Expect":
		return true
	}
	return false
}

// ownHeaders gives what every request to an endpoint carries: its header rows,
// its Basic auth, and our name. What we set comes last and wins.
func (p *Poster) ownHeaders(ep *tidings.Endpoint) http.Header {
	h := make(http.Header, len(ep.Headers)+9)
	for _, row := range ep.Headers {
		if name := http.CanonicalHeaderKey(row.Name); !reserved(name) {
			h[name] = []string{row.Value}
		}
	}
	if ep.Auth != nil {
		h.Set("Authorization", "Basic "+basicToken(ep.Auth))
	}
	h.Set("User-Agent", p.UserAgent)
	return h
}

func basicToken(a *tidings.BasicAuth) string {
	return base64.StdEncoding.EncodeToString([]byte(a.Username + ":" + a.Password))
}

// deliveryHeaders adds what a delivery carries besides: what it is, where it
// stands in the feed, and its signature.
func deliveryHeaders(h http.Header, ep *tidings.Endpoint, out Outgoing, now time.Time) error {
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Tidings-Sequence", fmt.Sprintf("%d-%d", out.Batch.First, out.Batch.Last))
	h.Set("Tidings-Attempt", strconv.Itoa(out.Number))
	h.Set("Webhook-Id", string(out.Batch.ID))
	if out.Previous != "" {
		h.Set("Tidings-Previous", string(out.Previous))
	}
	signature, err := sign(ep.Secrets, out.Batch.ID, now, out.Batch.Body)
	if err != nil {
		return err
	}
	if signature != "" {
		h.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
		h.Set("Webhook-Signature", signature)
	}
	return nil
}

// parseRetryAfter reads a Retry-After header (RFC 9110, section 10.2.3): whole
// seconds or an HTTP date. What is past, negative or not to be read is 0; what
// is huge is the longest duration. How much of it counts is the caller's to say.
func parseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value != "" && strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > math.MaxInt64/int64(time.Second) {
			return math.MaxInt64
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(at.Sub(now), 0)
}
