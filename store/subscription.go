package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"tidings"
)

// appendWithin puts activities at the end of an account's feed as part of an
// operation: they are committed with it or not at all. Unlike [Store.Append]
// it runs within the transaction.
func (s *Store) appendWithin(tx *writeTx, account tidings.AccountID, activities []tidings.Activity) error {
	// Not the head that is kept in memory: this transaction may have appended already.
	h, err := tx.head(account)
	if err != nil {
		return err
	}
	feed := &feedAppend{account: account, head: h, n: len(activities), blocks: addBlocks(nil, activities)}
	return s.writeFeeds(tx, []*feedAppend{feed})
}

// origin is the run that changes a contact. The activities of the change name it,
// so that workflows which such activities start don't go round in circles.
type origin struct {
	run   *tidings.Run // nil = it is no run
	block tidings.BlockID
}

// event gives keyValue and type of the event that the run is for, "" when it is gone.
func (o *origin) event(tx *writeTx) (key, typeKey string, err error) {
	if o.run == nil {
		return "", "", nil
	}
	err = tx.row(`SELECT e.key_value, t.key FROM event e JOIN event_type t ON t.id = e.type WHERE e.id = $1`, o.run.Event).Scan(&key, &typeKey)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return key, typeKey, err
}

// subscriptionChanged makes the activity that tells of a contact's subscriptions.
func (w *contactWriter) subscriptionChanged(c *tidings.Contact) (tidings.Activity, error) {
	now := w.tx.now
	key, typeKey, err := w.origin.event(w.tx)
	if err != nil {
		return tidings.Activity{}, err
	}
	type subscription struct {
		Subscriptions []string `json:"subscriptions"`
	}
	wire := struct {
		ActivityDateTime   string            `json:"activityDateTime"`
		ActivityStatus     string            `json:"activityStatus"`
		ContactID          tidings.ContactID `json:"contactId"`
		Email              string            `json:"email,omitempty"`
		ExternalCustomerID string            `json:"externalCustomerId,omitempty"`
		MediaType          string            `json:"mediaType"`
		SMS                string            `json:"sms,omitempty"`

		SourceEventID      tidings.EventID    `json:"sourceEventId,omitempty"`
		SourceEventKey     string             `json:"sourceEventKey,omitempty"`
		SourceEventTypeKey string             `json:"sourceEventTypeKey,omitempty"`
		StatusData         any                `json:"statusData"`
		WorkflowBlockID    tidings.BlockID    `json:"workflowBlockId,omitempty"`
		WorkflowID         tidings.WorkflowID `json:"workflowId,omitempty"`
		WorkflowInstanceID string             `json:"workflowInstanceId,omitempty"`
	}{
		ActivityDateTime: now.UTC().Format(tidings.DateTimeLayout), ActivityStatus: tidings.SubscriptionChanged.String(),
		ContactID: c.ID, Email: c.Channel(tidings.Email), ExternalCustomerID: c.ExternalCustomerID,
		MediaType: tidings.Email.String(), SMS: c.Channel(tidings.SMS),
		SourceEventKey: key, SourceEventTypeKey: typeKey, WorkflowBlockID: w.origin.block,
		StatusData: map[string]subscription{"subscription": {append([]string{}, c.Subscriptions...)}},
	}
	if run := w.origin.run; run != nil {
		wire.SourceEventID, wire.WorkflowID, wire.WorkflowInstanceID = run.Event, run.Workflow, run.Instance
	}
	if wire.Email == "" && len(c.Channels) > 0 {
		wire.MediaType = c.Channels[0].Type.String()
	}
	body, err := json.Marshal([]any{wire})
	if err != nil {
		return tidings.Activity{}, err
	}
	activities, err := tidings.ParseActivities(body, tidings.Intake{Now: now})
	if err != nil {
		return tidings.Activity{}, fmt.Errorf("making the activity of contact %d's subscriptions: %w", c.ID, err)
	}
	return activities[0], nil
}
