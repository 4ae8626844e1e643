package source

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tidings"
)

// maxRecipients is how many recipients one event of SES may name; a mail of
// SES has up to 50.
const maxRecipients = 100

// ses reads what SES publishes to a topic of SNS: feedback notifications
// (notificationType) and events of configuration sets (eventType).
func (b *batch) ses(ctx context.Context, s Secrets, r Request) error {
	m, ok := parseObject(r.Body)
	if !ok {
		return malformed(SES, "the body is no JSON object")
	}
	if err := verifySNS(ctx, s, m, r); err != nil {
		return err
	}
	switch m.str("Type") {
	case snsSubscription:
		if !isSNS(m.str("SubscribeURL")) {
			return untrusted("its SubscribeURL does not lead to SNS")
		}
		b.Confirm = &Confirmation{TopicARN: m.str("TopicArn"), URL: m.str("SubscribeURL")}
		return nil
	case snsUnsubscribing:
		b.ignore(snsUnsubscribing, m.str("MessageId"), "the topic sends here no longer")
		return nil
	}
	e, ok := parseObject([]byte(m.str("Message")))
	if !ok {
		// What SES sends when a topic is chosen for notifications.
		b.ignore("", m.str("MessageId"), "it is no event of SES")
		return nil
	}
	b.sesEvent(e, m.str("MessageId"), r)
	return nil
}

// sesRecipient is one recipient of an event, and what is said of it alone.
type sesRecipient struct{ email, words string }

func (b *batch) sesEvent(e object, id string, r Request) {
	event := e.str("eventType")
	if event == "" {
		event = e.str("notificationType")
	}
	mail := e.in("mail")
	recipients := sesRecipients(mail.strings("destination"))
	a := Activity{Event: event, Media: tidings.Email, At: mail.time("timestamp")}
	switch event {
	case "Delivery":
		detail := e.in("delivery")
		a.Status = tidings.Delivered
		a.sesAt(detail)
		if named := detail.strings("recipients"); len(named) > 0 {
			recipients = sesRecipients(named)
		}
	case "Bounce":
		detail := e.in("bounce")
		a.Status = tidings.Undelivered
		a.sesAt(detail)
		// Permanent ones, those on SES's suppression lists among them, are dead
		// addresses; but for contacts who unsubscribed at SES.
		a.HardBounce = detail.str("bounceType") == "Permanent" && detail.str("bounceSubType") != "UnsubscribedRecipient"
		a.StatusDescription = strings.TrimSpace(detail.str("bounceType") + " " + detail.str("bounceSubType"))
		recipients = sesBounced(detail)
	case "Complaint":
		detail := e.in("complaint")
		a.sesAt(detail)
		recipients = sesComplained(detail)
		if reason := a.sesComplaint(detail); reason != "" {
			b.ignore(event, id, reason)
			return
		}
	case "Open":
		a.Status = tidings.Read
		a.sesAt(e.in("open"))
	case "Click":
		a.Status, a.ClickEventLink = tidings.Clicked, e.in("click").str("link")
		a.sesAt(e.in("click"))
	case "Subscription":
		a.sesAt(e.in("subscription"))
		a.sesPreferences(e.in("subscription").in("newTopicPreferences"))
	case "Reject":
		a.Status, a.StatusDescription = tidings.Undelivered, describe(e.in("reject").str("reason"), "rejected")
	case "Rendering Failure":
		a.Status, a.StatusDescription = tidings.Undelivered, describe(e.in("failure").str("errorMessage"), "rendering failure")
	case "Send", "DeliveryDelay":
		b.ignore(event, id, "on its way: the outcome is another event")
		return
	default:
		b.ignore(event, id, "an event that is not known")
		return
	}
	if len(recipients) == 0 {
		b.ignore(event, id, "it names no email address")
		return
	}
	if len(recipients) > 1 && (a.Status == tidings.Read || a.Status == tidings.Clicked) {
		b.ignore(event, id, "of a mail to several recipients: it does not say who of them did it")
		return
	}
	b.sesEach(a, recipients, mail, id, r)
}

// sesEach adds an event for each of its recipients. The tags of a mail to
// several are those of all of them: whose contact it was they can't say.
func (b *batch) sesEach(a Activity, recipients []sesRecipient, mail object, id string, r Request) {
	tags := mail.in("tags")
	if len(mail.strings("destination")) > 1 {
		for _, name := range []string{"contactId", "externalCustomerId", "iid"} {
			delete(tags, name)
		}
	}
	for i, to := range recipients[:min(len(recipients), maxRecipients)] {
		one := a
		if one.ID = id; i > 0 {
			one.ID = id + "/" + strconv.Itoa(i)
		}
		one.Email = to.email
		if to.words != "" {
			one.StatusDescription = to.words
		}
		one.arguments(tags.str)
		one.identify(SES, mail.str("messageId"))
		b.add(one, r)
	}
}

// sesAt takes the time of the event over; that of the mail is earlier.
func (a *Activity) sesAt(detail object) {
	if t := detail.time("timestamp"); t != (time.Time{}) {
		a.At = t
	}
}

func sesRecipients(emails []string) []sesRecipient {
	var all []sesRecipient
	for _, email := range emails {
		all = append(all, sesRecipient{email: email})
	}
	return all
}

func sesBounced(detail object) []sesRecipient {
	var all []sesRecipient
	for _, o := range detail.objects("bouncedRecipients", maxRecipients) {
		all = append(all, sesRecipient{o.str("emailAddress"), describe(o.str("diagnosticCode"), o.str("status"))})
	}
	return all
}

func sesComplained(detail object) []sesRecipient {
	var all []sesRecipient
	for _, o := range detail.objects("complainedRecipients", maxRecipients) {
		all = append(all, sesRecipient{email: o.str("emailAddress")})
	}
	return all
}

// sesComplaint reads a complaint; it gives why it is none, or "".
func (a *Activity) sesComplaint(detail object) (ignored string) {
	a.Status = tidings.Spam
	if detail.str("complaintSubType") == "OnAccountSuppressionList" {
		// SES did not send it, because of an earlier complaint.
		a.Status, a.StatusDescription = tidings.Undelivered, "OnAccountSuppressionList after a complaint"
	}
	if detail.str("complaintFeedbackType") == "not-spam" {
		return "the recipient says that it is no spam"
	}
	return ""
}

// sesPreferences reads what a contact chose on SES's own preference page.
func (a *Activity) sesPreferences(chosen object) {
	a.Status = tidings.SubscriptionChanged
	if chosen.is("unsubscribeAll") {
		a.Status = tidings.Unsubscribed
		return
	}
	a.Subscriptions = []string{}
	for _, topic := range chosen.objects("topicSubscriptionStatus", maxRecipients) {
		if strings.EqualFold(topic.str("subscriptionStatus"), "OptIn") {
			a.Subscriptions = append(a.Subscriptions, clip(topic.str("topicName"), maxID))
		}
	}
}
