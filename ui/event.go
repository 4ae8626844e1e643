package ui

import (
	"encoding/json"
	"time"
)

// eventJSON is an event as the API gives it.
type eventJSON struct {
	ID        int64        `json:"id"`
	TypeKey   string       `json:"eventTypeKey"`
	KeyValue  string       `json:"keyValue"`
	ContactID *int64       `json:"contactId"`
	At        time.Time    `json:"at"`
	Params    []eventParam `json:"params"`
}

type eventParam struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// path is that of the event's page.
func (e *eventJSON) path() string { return "/contacts/events/" + decimal(e.ID) }
