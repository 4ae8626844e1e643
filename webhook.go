package tidings

import (
	"time"
)

// WebhookID identifies a webhook. It is given by the store, from 1.
type WebhookID int64

// Limits and defaults of a webhook.
const (
	MaxDescription     = 2000      // characters
	MaxWebhookURL      = 8 << 10   // bytes, of the template and of what it renders to
	MaxWebhookHeaders  = 20        // rows
	MaxWebhookBody     = 256 << 10 // bytes of the template
	MaxCallBody        = 1 << 20   // bytes of what it renders to
	DefaultCallTimeout = 10 * time.Second
)

// Webhook is a named, reusable request, used by Webhook blocks of workflows.
// URL, header values and body are Velocity templates.
type Webhook struct {
	ID      WebhookID
	Account AccountID
	// Name is how templates reach the reply: $data.get('Name'). 1 to MaxNameLength
	// characters, any symbols; unique among the account's live webhooks.
	Name        string
	Description string
	Method      Method
	URL         string      // template; https
	Headers     []Header    // at most MaxWebhookHeaders; the values are templates
	Connector   ConnectorID // 0 = no authentication
	Body        Body        // of a POST; the zero value is none
	// Timeout is that of one try, body of the reply included; 0 = DefaultCallTimeout.
	Timeout time.Duration
	// Version counts the changes of the definition; it is given by the store.
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt time.Time // zero while it is live
}

// Method is the method of a webhook's request.
type Method string

// The methods (the seed: "it is possible to select GET or POST request type").
const (
	MethodGet  Method = "GET"
	MethodPost Method = "POST"
)

// Body is the template of a POST's body.
type Body struct {
	Format   BodyFormat
	Template string
}

// BodyFormat says how values are escaped in a body, and its Content-Type.
type BodyFormat string

// The formats (the seed: "Available formats: JSON, XML, text").
const (
	BodyNone BodyFormat = ""
	BodyJSON BodyFormat = "json"
	BodyXML  BodyFormat = "xml"
	BodyText BodyFormat = "text"
)
