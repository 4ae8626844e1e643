package ui

// sourceKind is what a person must know of a service to connect it: where its
// settings have what, and what its events become (docs/sources.md).
type sourceKind struct {
	Key, Label string
	Means      string         // what it sends
	Secrets    []sourceSecret // what its requests are verified by
	Steps      []string       // at the service; "ADDRESS" stands where the address is
	Becomes    []sourceEvent
	Arguments  string // where the service has custom arguments
	Test       string // how to see it work, in words
	Command    string // a shell command that makes a request as the service does; "" = nobody else can sign one
}

// sourceSecret is one secret of a source.
type sourceSecret struct {
	Name, Label, Hint string
	Lines             bool // several, one a line
	Open              bool // it is no secret of the service: it is shown while it is typed
	Optional          bool
}

// sourceEvent is what an event of a service becomes.
type sourceEvent struct{ Event, Becomes string }

// senderKind finds a kind by its key in the API.
func senderKind(key string) (sourceKind, bool) {
	for _, kind := range sourceKinds() {
		if kind.Key == key {
			return kind, true
		}
	}
	return sourceKind{Key: key, Label: key}, false
}

// sourceKinds are those that the API takes.
func sourceKinds() []sourceKind {
	return []sourceKind{sendgridKind(), sesKind(), mailgunKind(), postmarkKind(), twilioKind()}
}

func sendgridKind() sourceKind {
	return sourceKind{
		Key: "sendgrid", Label: "SendGrid", Means: "email", Arguments: "custom_args",
		Secrets: []sourceSecret{{Name: "publicKey", Label: "Verification key", Hint: "Settings, Mail settings, Event webhooks: switch the Signed Event Webhook on; the key is shown there.", Lines: true, Open: true}},
		Steps:   []string{"Open Settings, Mail settings, Event webhooks.", "Create a webhook with this address as its Post URL.", "Choose Delivered, Bounced, Dropped, Opened, Clicked, Spam reports and Unsubscribes.", "Enable the Signed Event Webhook and save."},
		Becomes: []sourceEvent{
			{"delivered", "DELIVERED"},
			{"bounce, blocked, dropped", "UNDELIVERED"},
			{"open", "READ"},
			{"click", "CLICKED"},
			{"spamreport", "SPAM"},
			{"unsubscribe, group_unsubscribe", "UNSUBSCRIBED"},
			{"processed, deferred", "ignored"},
		},
		Test: "Only SendGrid can sign its events: press Test your integration in the webhook's settings there.",
	}
}

func sesKind() sourceKind {
	return sourceKind{
		Key: "ses", Label: "Amazon SES", Means: "email", Arguments: "message tags (EmailTags)",
		Secrets: []sourceSecret{{Name: "topicArns", Label: "ARNs of the SNS topics", Hint: "One a line: arn:aws:sns:eu-central-1:123456789012:mail-events", Lines: true, Open: true}},
		Steps:   []string{"Create an SNS topic, or take the one that your configuration set publishes to.", "Add a subscription: protocol HTTPS, endpoint this address. Leave raw message delivery off.", "The subscription is confirmed by itself: its topic is named here.", "Have the configuration set publish deliveries, bounces, complaints, opens, clicks and subscriptions to the topic."},
		Becomes: []sourceEvent{
			{"Delivery", "DELIVERED"},
			{"Bounce, Reject, Rendering Failure", "UNDELIVERED"},
			{"Open", "READ"},
			{"Click", "CLICKED"},
			{"Complaint", "SPAM"},
			{"Subscription", "SUBSCRIPTION_CHANGED, or UNSUBSCRIBED of all"},
			{"Send, DeliveryDelay", "ignored"},
		},
		Test:    "Only SNS can sign its notifications. Send a mail to the simulator of SES:",
		Command: "aws ses send-email --from you@your-domain.example --destination ToAddresses=success@simulator.amazonses.com \\\n  --configuration-set-name YOUR-SET --message 'Subject={Data=Test},Body={Text={Data=Test}}'",
	}
}

func mailgunKind() sourceKind {
	return sourceKind{
		Key: "mailgun", Label: "Mailgun", Means: "email", Arguments: "user variables (v:contactId=…)",
		Secrets: []sourceSecret{{Name: "signingKey", Label: "HTTP webhook signing key", Hint: "Under API security, or at the webhooks of the domain."}},
		Steps:   []string{"Open Send, Sending, Webhooks and choose the domain.", "Add this address for Delivered, Permanent failure, Opened, Clicked, Unsubscribed and Spam complaints."},
		Becomes: []sourceEvent{
			{"delivered", "DELIVERED"},
			{"failed for good, rejected", "UNDELIVERED"},
			{"opened", "READ"},
			{"clicked", "CLICKED"},
			{"unsubscribed", "UNSUBSCRIBED"},
			{"complained", "SPAM"},
			{"accepted, failed for a while", "ignored"},
		},
		Test: "Press Test webhook at Mailgun, or sign a request yourself with the key:",
		Command: `KEY=your-signing-key T=$(date +%s) N=$(openssl rand -hex 25)
S=$(printf %s "$T$N" | openssl dgst -sha256 -hmac "$KEY" -r | cut -d' ' -f1)
curl 'ADDRESS' -H 'Content-Type: application/json' -d '{
  "signature": {"timestamp": "'$T'", "token": "'$N'", "signature": "'$S'"},
  "event-data": {"id": "'$N'", "event": "delivered", "timestamp": '$T', "recipient": "ann@example.com"}}'`,
	}
}

func postmarkKind() sourceKind {
	return sourceKind{
		Key: "postmark", Label: "Postmark", Means: "email", Arguments: "Metadata",
		Secrets: []sourceSecret{
			{Name: "username", Label: "User name", Hint: "Of Basic authentication.", Open: true, Optional: true},
			{Name: "password", Label: "Password", Hint: "Made for you. It is part of the address that Postmark gets.", Open: true, Optional: true},
			{Name: "headerName", Label: "Header", Hint: "Or a header of your own, as X-Tidings-Key.", Open: true, Optional: true},
			{Name: "headerValue", Label: "Value of the header", Optional: true},
		},
		Steps: []string{"Open the server, its message stream, Webhooks, and add a webhook.", "Take the address with user name and password as its URL, or set the header.", "Choose Delivery, Bounce, Spam complaint, Opens, Link clicks and Subscription changes."},
		Becomes: []sourceEvent{
			{"Delivery", "DELIVERED"},
			{"Bounce", "UNDELIVERED"},
			{"Open", "READ"},
			{"Click", "CLICKED"},
			{"SpamComplaint", "SPAM"},
			{"SubscriptionChange by the recipient", "UNSUBSCRIBED"},
			{"Transient and automatic bounces", "ignored"},
		},
		Test: "Press Send test at Postmark, or send a request yourself:",
		Command: `curl -u tidings:YOUR-PASSWORD 'ADDRESS' -H 'Content-Type: application/json' -d '{
  "RecordType": "Delivery", "MessageID": "test-'$(date +%s)'", "Recipient": "ann@example.com", "DeliveredAt": "'$(date -u +%FT%TZ)'"}'`,
	}
}

func twilioKind() sourceKind {
	return sourceKind{
		Key: "twilio", Label: "Twilio", Means: "SMS", Arguments: "the query of StatusCallback (…?contactId=…)",
		Secrets: []sourceSecret{{Name: "authToken", Label: "Auth token", Hint: "On the front page of Twilio's console."}},
		Steps:   []string{"Give this address as StatusCallback when you send, or as the status callback URL of the messaging service.", "Twilio signs the address as it calls it: a proxy between must not change host or path."},
		Becomes: []sourceEvent{
			{"delivered", "DELIVERED"},
			{"undelivered, failed", "UNDELIVERED"},
			{"read", "READ"},
			{"click", "CLICKED"},
			{"STOP", "UNSUBSCRIBED"},
			{"queued, sending, sent", "ignored"},
		},
		Test: "Send an SMS with this StatusCallback, or sign a request yourself with the token:",
		Command: `TOKEN=your-auth-token URL='ADDRESS' SID=SM$(openssl rand -hex 16)
SIGNED=$(printf %s "${URL}MessageSid${SID}MessageStatusdeliveredTo+380501234567" | openssl dgst -sha1 -hmac "$TOKEN" -binary | base64)
curl "$URL" -H "X-Twilio-Signature: $SIGNED" -d "MessageSid=$SID" -d MessageStatus=delivered --data-urlencode To=+380501234567`,
	}
}
