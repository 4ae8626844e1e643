package tidings

import "fmt"

// Use is a thing of an account that uses another one: a connector, the reply
// of a webhook, a message, a segment, a field.
type Use struct {
	Kind UseKind
	ID   int64
	Name string
}

// UseKind is what kind of thing uses another.
type UseKind string

// The kinds.
const (
	UseWebhook   UseKind = "webhook"
	UseWorkflow  UseKind = "workflow"
	UseMessage   UseKind = "message"
	UseBroadcast UseKind = "broadcast"
)

// String names the user for people: webhook 5 "WH5".
func (u Use) String() string { return fmt.Sprintf("%s %d %q", u.Kind, u.ID, u.Name) }
