package feed

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tidings"
	"tidings/egress"
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
			field, reason = "value", egress.CheckHeaderValue(h.Value, tidings.MaxHeaderValue)
		}
		seen[name] = true
		if reason != "" {
			wrong = append(wrong, tidings.FieldError{Index: -1, Field: fmt.Sprintf("headers[%d].%s", i, field), Reason: reason})
		}
	}
	return wrong
}

func checkHeaderName(name string, auth *tidings.BasicAuth) string {
	if name == "Authorization" && auth != nil {
		return "is set by Basic auth: leave out one of the two"
	}
	return egress.CheckHeaderName(name)
}

// ownHeaders gives what every request to an endpoint carries: its header rows,
// its Basic auth, and our name. What we set comes last and wins.
func (p *Poster) ownHeaders(ep *tidings.Endpoint) http.Header {
	h := make(http.Header, len(ep.Headers)+9)
	for _, row := range ep.Headers {
		if name := http.CanonicalHeaderKey(row.Name); !egress.ReservedHeader(name) {
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
