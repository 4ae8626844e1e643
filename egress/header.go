package egress

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// maxHeaderName is the most bytes of a header's name.
const maxHeaderName = 128

// CheckHeaderName says what is wrong with the name of a header that somebody
// wants to have sent, or "".
func CheckHeaderName(name string) string {
	switch {
	case name == "":
		return "is required"
	case len(name) > maxHeaderName:
		return fmt.Sprintf("is longer than %d bytes", maxHeaderName)
	case !httpguts.ValidHeaderFieldName(name):
		return "has characters that a header's name can't have: use letters, digits and -"
	case ReservedHeader(name):
		return "is set by the server or by HTTP itself and can't be chosen"
	}
	return ""
}

// CheckHeaderValue says what is wrong with a header's value, or "". The reason
// does not repeat the value.
func CheckHeaderValue(value string, maxBytes int) string {
	switch {
	case len(value) > maxBytes:
		return fmt.Sprintf("is longer than %d bytes", maxBytes)
	case !httpguts.ValidHeaderFieldValue(value):
		return "has control characters"
	case strings.TrimSpace(value) != value:
		return "has white space before or after it"
	}
	return ""
}

// ReservedHeader says whether a header is not the other side's to choose:
// ours, what describes the body, and what belongs to one connection (RFC 9110,
// section 7.6.1). The two idempotency headers are refused because net/http
// takes them for leave to send a POST again by itself.
func ReservedHeader(name string) bool {
	name = http.CanonicalHeaderKey(name)
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

// RetryAfter reads a Retry-After header (RFC 9110, section 10.2.3): whole
// seconds or an HTTP date. What is past, negative or not to be read is 0; what
// is huge is the longest duration. How much of it counts is the caller's to say.
func RetryAfter(value string, now time.Time) time.Duration {
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
