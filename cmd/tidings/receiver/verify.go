package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Tolerance is how far a delivery's timestamp may be from the receiver's
// clock, either way, before it counts as a replay (Standard Webhooks).
const Tolerance = 5 * time.Minute

// CheckSecret says what is wrong with a signing secret, or nil.
func CheckSecret(secret string) error {
	_, err := key(secret)
	return err
}

// Verify checks a delivery's signature by the Standard Webhooks rules: the
// HMAC-SHA256 of "ID.TIMESTAMP.BODY" must be among the v1 signatures, and the
// timestamp within Tolerance of now. The error says which of it failed.
func Verify(secret string, h http.Header, body []byte, now time.Time) error {
	k, err := key(secret)
	if err != nil {
		return err
	}
	id, stamp, given := h.Get("webhook-id"), h.Get("webhook-timestamp"), h.Get("webhook-signature")
	if id == "" || stamp == "" || given == "" {
		return errors.New("not signed: webhook-id, webhook-timestamp or webhook-signature is missing")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errors.New("webhook-timestamp is not a number of seconds")
	}
	if off := now.Sub(time.Unix(seconds, 0)); off.Abs() > Tolerance {
		return fmt.Errorf("webhook-timestamp is %s away from this clock: a replay, or a clock that is wrong", off.Abs().Round(time.Second))
	}
	mac := hmac.New(sha256.New, k)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	want := mac.Sum(nil)
	for signature := range strings.FieldsSeq(given) {
		version, value, _ := strings.Cut(signature, ",")
		got, err := base64.StdEncoding.DecodeString(value)
		if version == "v1" && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return errors.New("the signature does not match: another secret, or the body was changed on its way")
}

func key(secret string) ([]byte, error) {
	value, ok := strings.CutPrefix(secret, "whsec_")
	if !ok {
		return nil, errors.New(`the secret must start with "whsec_"`)
	}
	k, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, errors.New(`the secret must be base64 after "whsec_"`)
	}
	if len(k) < 24 || len(k) > 64 {
		return nil, fmt.Errorf("the secret has %d bytes; it must have 24 to 64", len(k))
	}
	return k, nil
}
