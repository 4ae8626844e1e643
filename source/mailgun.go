package source

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"tidings"
)

// mailgun reads a webhook of Mailgun: one event, and the signature in the body.
func (b *batch) mailgun(s Secrets, r Request) error {
	body, ok := parseObject(r.Body)
	if !ok {
		return malformed(Mailgun, "the body is no JSON object")
	}
	if err := verifyMailgun(s, body.in("signature"), r.Now); err != nil {
		return err
	}
	e := body.in("event-data")
	if e == nil {
		return malformed(Mailgun, "it has no event-data")
	}
	b.mailgunEvent(e, r)
	return nil
}

// verifyMailgun checks the HMAC of timestamp and token. It does not cover the
// event: that nobody puts another one beside it rests on TLS, and ends with MaxAge.
func verifyMailgun(s Secrets, signature object, now time.Time) error {
	timestamp, token := signature.str("timestamp"), signature.str("token")
	got, err := hex.DecodeString(signature.str("signature"))
	if err != nil || timestamp == "" || token == "" {
		return untrusted("it has no signature of Mailgun")
	}
	mac := hmac.New(sha256.New, []byte(s.SigningKey))
	mac.Write([]byte(timestamp + token))
	if !hmac.Equal(got, mac.Sum(nil)) {
		return untrusted("its signature is not that of the source's signing key")
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return untrusted("its timestamp is no number")
	}
	return fresh(time.Unix(seconds, 0), now)
}

func (b *batch) mailgunEvent(e object, r Request) {
	a := Activity{Event: e.str("event"), At: e.seconds("timestamp"), Media: tidings.Email, Email: e.str("recipient"), MessageTag: strings.Join(e.strings("tags"), ",")}
	if id := e.str("id"); id != "" {
		// Mailgun promises that an id is unique within a day.
		a.ID = id + "@" + a.At.Format("2006-01-02")
	}
	client := e.in("client-info")
	a.OSName = client.str("client-os")
	a.Machine = client.str("bot") != ""
	switch a.Event {
	case "delivered":
		a.Status = tidings.Delivered
	case "failed", "rejected":
		if a.Event == "failed" && e.str("severity") == "temporary" {
			b.ignore(a.Event, a.ID, "a temporary failure: Mailgun tries again, the outcome is another event")
			return
		}
		a.Status = tidings.Undelivered
		a.mailgunFailure(e)
	case "opened":
		a.Status = tidings.Read
	case "clicked":
		a.Status = tidings.Clicked
		a.ClickEventLink = e.str("url")
	case "unsubscribed":
		a.Status = tidings.Unsubscribed
	case "complained":
		a.Status = tidings.Spam
	case "accepted":
		b.ignore(a.Event, a.ID, "on its way: the outcome is another event")
		return
	default:
		b.ignore(a.Event, a.ID, "an event that is not known")
		return
	}
	a.arguments(e.in("user-variables").str)
	a.identify(Mailgun, e.in("message").in("headers").str("message-id"))
	b.add(a, r)
}

// mailgunFailure says why a mail failed for good. bounce-type is newer than
// reason, and finer: a refusal of the mail has the reason "bounce" as well.
func (a *Activity) mailgunFailure(e object) {
	status, reason := e.in("delivery-status"), e.str("reason")
	words := status.str("message")
	if words == "" {
		words = status.str("description")
	}
	if words == "" {
		words = e.in("reject").str("reason")
	}
	if code := status.str("code"); isDigits(code) && len(code) == 3 && words != "" && !strings.HasPrefix(words, code) {
		words = code + " " + words
	}
	a.StatusDescription = describe(words, reason)
	switch status.str("bounce-type") {
	case "hard":
		a.HardBounce = true
	case "soft":
	default:
		a.HardBounce = reason == "bounce" || reason == "suppress-bounce"
	}
}
