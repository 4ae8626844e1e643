package source

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"tidings"
)

// The headers of SendGrid's Signed Event Webhook.
const (
	sendgridSignature = "X-Twilio-Email-Event-Webhook-Signature"
	sendgridTimestamp = "X-Twilio-Email-Event-Webhook-Timestamp"
)

// sendgrid reads a request of SendGrid's Event Webhook: an array of events of
// any number of mails.
func (b *batch) sendgrid(s Secrets, r Request) error {
	if err := verifySendgrid(s, r); err != nil {
		return err
	}
	var events []json.RawMessage
	if err := json.Unmarshal(r.Body, &events); err != nil || events == nil {
		return malformed(SendGrid, "the body is no JSON array")
	}
	for _, raw := range events {
		e, ok := parseObject(raw)
		if !ok {
			b.ignore("", "", "it is no JSON object")
			continue
		}
		b.sendgridEvent(e, r)
	}
	return nil
}

// verifySendgrid checks the ECDSA signature of timestamp and body.
func verifySendgrid(s Secrets, r Request) error {
	timestamp := r.Header.Get(sendgridTimestamp)
	signature, err := base64.StdEncoding.DecodeString(r.Header.Get(sendgridSignature))
	if err != nil || len(signature) == 0 || timestamp == "" {
		return untrusted("it has no signature of SendGrid: switch the Signed Event Webhook on")
	}
	key, err := sendgridKey(s.PublicKey)
	if err != nil {
		return err
	}
	digest := sha256.New()
	digest.Write([]byte(timestamp))
	digest.Write(r.Body)
	if !ecdsa.VerifyASN1(key, digest.Sum(nil), signature) {
		return untrusted("its signature is not that of the source's verification key")
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return untrusted("its timestamp is no number")
	}
	return fresh(time.Unix(seconds, 0), r.Now)
}

func sendgridKey(text string) (*ecdsa.PublicKey, error) {
	wrong := tidings.Errorf(tidings.CodeInvalid, "publicKey is not the base64 of an ECDSA P-256 public key")
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, wrong
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, wrong
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, wrong
	}
	return key, nil
}

func (b *batch) sendgridEvent(e object, r Request) {
	a := Activity{
		ID: e.str("sg_event_id"), Event: e.str("event"), At: e.seconds("timestamp"),
		Media: tidings.Email, Email: e.str("email"), MessageTag: strings.Join(e.strings("category"), ","),
	}
	switch a.Event {
	case "delivered":
		a.Status = tidings.Delivered
	case "bounce":
		// "bounce" is a dead address, which SendGrid suppresses from then on;
		// "blocked" is a refusal of this mail.
		a.Status = tidings.Undelivered
		a.HardBounce = e.str("type") != "blocked"
		a.StatusDescription = describe(e.str("reason"), e.str("status"))
	case "blocked":
		a.Status = tidings.Undelivered
		a.StatusDescription = describe(e.str("reason"), e.str("status"))
	case "dropped":
		// Not even tried, for what is known of the address or wrong with the mail.
		a.Status = tidings.Undelivered
		a.StatusDescription = describe(e.str("reason"), "dropped")
		a.HardBounce = a.StatusDescription == "Bounced Address" || a.StatusDescription == "Invalid"
	case "open":
		a.Status = tidings.Read
		a.Machine = e.is("sg_machine_open")
	case "click":
		a.Status = tidings.Clicked
		a.ClickEventLink = e.str("url")
	case "spamreport":
		a.Status = tidings.Spam
	case "unsubscribe", "group_unsubscribe":
		a.Status = tidings.Unsubscribed
	case "processed", "deferred":
		b.ignore(a.Event, a.ID, "on its way: the outcome is another event")
		return
	case "group_resubscribe":
		b.ignore(a.Event, a.ID, "no status says this")
		return
	default:
		b.ignore(a.Event, a.ID, "an event that is not known")
		return
	}
	// Custom arguments stand beside the event's own fields.
	a.arguments(e.str)
	a.identify(SendGrid, sendgridMessage(e))
	b.add(a, r)
}

// sendgridMessage gives SendGrid's id of the message: sg_message_id begins with
// it, and goes on with what differs from event to event.
func sendgridMessage(e object) string {
	id := e.str("sg_message_id")
	for _, mark := range []string{".filter", ".recv"} {
		if before, _, ok := strings.Cut(id, mark); ok {
			return before
		}
	}
	if before, _, ok := strings.Cut(id, "."); ok {
		return before
	}
	if id == "" {
		return e.str("smtp-id")
	}
	return id
}
