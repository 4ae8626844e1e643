package store

import (
	"encoding/json"
	"fmt"
	"time"

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

// subscriptionChanged makes the activity that tells of a contact's subscriptions.
func subscriptionChanged(c *tidings.Contact, now time.Time) (tidings.Activity, error) {
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
		StatusData         any               `json:"statusData"`
	}{
		ActivityDateTime: now.UTC().Format(tidings.DateTimeLayout), ActivityStatus: tidings.SubscriptionChanged.String(),
		ContactID: c.ID, Email: c.Channel(tidings.Email), ExternalCustomerID: c.ExternalCustomerID,
		MediaType: tidings.Email.String(), SMS: c.Channel(tidings.SMS),
		StatusData: map[string]subscription{"subscription": {append([]string{}, c.Subscriptions...)}},
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
