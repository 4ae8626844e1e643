package source

import (
	"encoding/base64"
	"strings"

	"tidings"
)

// postmark reads a webhook of Postmark: one event a request, of the kind that
// RecordType names.
func (b *batch) postmark(s Secrets, r Request) error {
	if !postmarkTrusted(s, r) {
		return untrusted("its Basic authentication or header is not that of the source")
	}
	e, ok := parseObject(r.Body)
	if !ok || e.str("RecordType") == "" {
		return malformed(Postmark, "the body is no JSON object with a RecordType")
	}
	b.postmarkEvent(e, r)
	return nil
}

// postmarkTrusted checks what Postmark offers instead of signatures.
func postmarkTrusted(s Secrets, r Request) bool {
	trusted := true
	if s.Username != "" && s.Password != "" {
		scheme, encoded, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		trusted = err == nil && strings.EqualFold(scheme, "Basic") && same(string(pair), s.Username+":"+s.Password)
	}
	if s.HeaderName != "" && s.HeaderValue != "" {
		trusted = same(r.Header.Get(s.HeaderName), s.HeaderValue) && trusted
	}
	return trusted
}

func (b *batch) postmarkEvent(e object, r Request) {
	message := e.str("MessageID")
	a := Activity{Event: e.str("RecordType"), Media: tidings.Email, Email: e.str("Recipient"), MessageTag: e.str("Tag")}
	if a.Email == "" {
		a.Email = e.str("Email")
	}
	// Postmark gives most events no id. A mail has one outcome; what can happen
	// several times is told apart by when it happened.
	a.ID = strings.Join([]string{message, a.Event, strings.ToLower(a.Email)}, "/")
	switch a.Event {
	case "Delivery":
		a.Status, a.At = tidings.Delivered, e.time("DeliveredAt")
	case "Bounce":
		a.At = e.time("BouncedAt")
		a.ID += "/" + e.str("ID")
		if ignored := a.postmarkBounce(e); ignored != "" {
			b.ignore(a.Event, a.ID, ignored)
			return
		}
	case "SpamComplaint":
		a.Status, a.At = tidings.Spam, e.time("BouncedAt")
		a.ID += "/" + e.str("ID")
	case "Open":
		a.Status, a.At, a.OSName = tidings.Read, e.time("ReceivedAt"), e.in("OS").str("Name")
		a.ID += "/" + e.str("ReceivedAt")
	case "Click":
		a.Status, a.At, a.OSName = tidings.Clicked, e.time("ReceivedAt"), e.in("OS").str("Name")
		a.ClickEventLink = e.str("OriginalLink")
		a.ID += "/" + e.str("ReceivedAt") + "/" + a.ClickEventLink
	case "SubscriptionChange":
		a.Status, a.At = tidings.Unsubscribed, e.time("ChangedAt")
		a.ID += "/" + e.str("ChangedAt")
		if ignored := postmarkNoUnsubscription(e); ignored != "" {
			b.ignore(a.Event, a.ID, ignored)
			return
		}
	default:
		b.ignore(a.Event, a.ID, "an event that is not known")
		return
	}
	if message == "" && a.Event != "SubscriptionChange" {
		a.ID = ""
	}
	a.arguments(e.in("Metadata").str)
	a.identify(Postmark, message)
	b.add(a, r)
}

// postmarkBounce reads a bounce by its type; it gives why it says nothing of
// the outcome, or "".
func (a *Activity) postmarkBounce(e object) (ignored string) {
	a.Status = tidings.Undelivered
	a.StatusDescription = describe(e.str("Details"), e.str("Description"))
	switch kind := e.str("Type"); kind {
	case "HardBounce", "BadEmailAddress", "ManuallyDeactivated":
		a.HardBounce = true // Postmark has deactivated the address
	case "SoftBounce", "DnsError", "SpamNotification", "VirusNotification", "Blocked", "SMTPApiError", "DMARCPolicy", "TemplateRenderingFailed", "Unconfirmed", "Unknown", "InboundError":
	case "Unsubscribe":
		a.Status, a.StatusDescription = tidings.Unsubscribed, ""
	case "SpamComplaint":
		a.Status, a.StatusDescription = tidings.Spam, ""
	case "Transient":
		return "a delay: Postmark tries again, the outcome is another event"
	case "AutoResponder", "AddressChange", "ChallengeVerification", "OpenRelayTest", "Subscribe":
		return "an automatic reply: " + kind
	default:
		a.HardBounce = e.is("Inactive")
	}
	return ""
}

// postmarkNoUnsubscription says why a change is no unsubscribing by the contact, or "".
func postmarkNoUnsubscription(e object) string {
	switch {
	case !e.is("SuppressSending"):
		return "sent to again: no status says this"
	case e.str("SuppressionReason") != "ManualSuppression":
		return "suppressed after a bounce or a complaint, which are events of their own"
	case e.str("Origin") != "Recipient":
		return "suppressed by the account, not by the contact"
	}
	return ""
}
