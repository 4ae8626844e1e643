package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"tidings"
)

// ImportContacts does many upserts in one commit, in their order: a contact
// that is made by one is found by the next. What is wrong with a row is in its
// outcome, and the others go on; the error is that of all of them.
// CodeNotFound when there is no such account.
//
// Changes of subscriptions put activities into the feed in the same commit.
func (s *Store) ImportContacts(ctx context.Context, account tidings.AccountID, changes []tidings.ContactChange, by tidings.MatchBy) ([]tidings.ContactOutcome, error) {
	var outcomes []tidings.ContactOutcome
	err := s.commit(ctx, func(tx *writeTx) error {
		outcomes = make([]tidings.ContactOutcome, len(changes))
		w, err := s.newContactWriter(tx, account)
		if err != nil {
			return err
		}
		if err := w.prefetch(changes, by); err != nil {
			return err
		}
		for i := range changes {
			outcomes[i], err = w.upsert(&changes[i], by)
			if err != nil {
				return err
			}
		}
		return w.flush()
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

// contactWriter changes contacts of one account within a transaction. What can
// be stored together is stored by flush.
type contactWriter struct {
	s          *Store
	tx         *writeTx
	account    tidings.AccountID
	fields     *fieldSet
	nextID     tidings.ContactID // 0 = not read yet
	keys       keyIndex
	names      []contactName // to be stored
	activities []tidings.Activity
}

// contactName is what a contact is called, as the index of names takes it.
type contactName struct {
	id    tidings.ContactID
	words string
}

func (s *Store) newContactWriter(tx *writeTx, account tidings.AccountID) (*contactWriter, error) {
	if _, err := tx.head(account); err != nil {
		return nil, err
	}
	fields, err := readFields(tx, account)
	if err != nil {
		return nil, err
	}
	return &contactWriter{
		s: s, tx: tx, account: account, fields: fields,
		keys: keyIndex{tx: tx, account: account, owner: make(map[contactKey]tidings.ContactID)},
	}, nil
}

// flush stores what was held back.
func (w *contactWriter) flush() error {
	if err := w.keys.flush(); err != nil {
		return err
	}
	// The names last, one after the other: a statement of another kind between
	// them would have the index write out what it holds back.
	for _, name := range w.names {
		if _, err := w.tx.exec(`INSERT INTO contact_name (rowid, words) VALUES ($1, $2)`, name.id, name.words); err != nil {
			return fmt.Errorf("index of names: %w", err)
		}
	}
	w.names = nil
	if len(w.activities) == 0 {
		return nil
	}
	activities := w.activities
	w.activities = nil
	return w.s.appendWithin(w.tx, w.account, activities)
}

// prefetch looks up at once what finds the contacts of many changes.
func (w *contactWriter) prefetch(changes []tidings.ContactChange, by tidings.MatchBy) error {
	if len(changes) == 1 {
		return nil
	}
	var keys []contactKey
	for i := range changes {
		keys = append(keys, changeKeys(&changes[i], tidings.MatchAny)...)
	}
	return w.keys.load(keys)
}

// changeKeys lists what finds the contact that a change is about, in the order
// of trying.
func changeKeys(ch *tidings.ContactChange, by tidings.MatchBy) []contactKey {
	// A contact of nothing but the change has the same keys.
	var only tidings.Contact
	narrowed := tidings.ContactChange{ExternalCustomerID: ch.ExternalCustomerID, Email: ch.Email, SMS: ch.SMS, Channels: ch.Channels}
	narrowed.Apply(&only)
	keys := contactKeys(&only)
	switch by {
	case tidings.MatchExternalID:
		return slices.DeleteFunc(keys, func(k contactKey) bool { return k.kind != keyExternal })
	case tidings.MatchEmail:
		return slices.DeleteFunc(keys, func(k contactKey) bool { return k.kind != int(tidings.Email) })
	case tidings.MatchSMS:
		return slices.DeleteFunc(keys, func(k contactKey) bool { return k.kind != int(tidings.SMS) })
	}
	return keys
}

// upsert does one change. Errors of the row are in the outcome; the second
// result ends the transaction.
func (w *contactWriter) upsert(ch *tidings.ContactChange, by tidings.MatchBy) (tidings.ContactOutcome, error) {
	id, err := w.find(ch, by)
	var out tidings.ContactOutcome
	switch {
	case err != nil:
	case id == 0:
		out.Created, out.Changed = true, true
		out.ID, err = w.create(ch)
	default:
		var was tidings.Contact
		if was, err = readContact(w.tx, w.account, id, w.fields); err == nil {
			out.ID = id
			out.Changed, err = w.change(&was, ch)
		}
	}
	switch tidings.CodeOf(err) {
	case "":
		return out, nil
	case tidings.CodeInvalid, tidings.CodeConflict, tidings.CodeNotFound:
		return tidings.ContactOutcome{Err: err}, nil
	}
	return tidings.ContactOutcome{}, err
}

// find gives the contact that a change is about, 0 when there is none yet.
func (w *contactWriter) find(ch *tidings.ContactChange, by tidings.MatchBy) (tidings.ContactID, error) {
	if ch.ID != 0 && (by == tidings.MatchAny || by == tidings.MatchID) {
		return ch.ID, nil // that it exists is seen when it is read
	}
	if by == tidings.MatchID {
		return 0, rowError("id", "is required: contacts are found by it")
	}
	keys := changeKeys(ch, by)
	if len(keys) == 0 && by != tidings.MatchAny {
		return 0, rowError(string(by), "is required: contacts are found by it")
	}
	for _, k := range keys {
		id, err := w.keys.of(k)
		if err != nil {
			return 0, err
		}
		if id == 0 {
			continue
		}
		return id, nil
	}
	return 0, nil
}

func rowError(field, reason string) error {
	return &tidings.Error{Code: tidings.CodeInvalid, Message: "the contact breaks the rules: nothing was stored", Fields: []tidings.FieldError{{Index: -1, Field: field, Reason: reason}}}
}

// create makes a contact of a change. An error that is the row's leaves nothing behind.
func (w *contactWriter) create(ch *tidings.ContactChange) (tidings.ContactID, error) {
	c := tidings.Contact{Account: w.account, Version: 1}
	ch.Apply(&c)
	if faults := tidings.CheckContact(&c); len(faults) > 0 {
		return 0, errContact(faults)
	}
	keys := contactKeys(&c)
	if err := w.free(keys, 0); err != nil {
		return 0, err
	}
	id, err := w.newID()
	if err != nil {
		return 0, err
	}
	_, err = w.tx.exec(`
		INSERT INTO contact (id, account, external, first_name, last_name, region, town, address, postcode, language, time_zone,
			channels, fields, subscriptions, version, created, updated)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, $15, $15)`,
		id, w.account, c.ExternalCustomerID, c.FirstName, c.LastName, c.Region, c.Town, c.Address, c.Postcode, c.Language, c.TimeZone,
		encodeChannels(c.Channels), w.fields.encode(c.Fields), encodeTexts(c.Subscriptions), millis(w.tx.now))
	if err != nil {
		return 0, err
	}
	c.ID = id
	for _, k := range keys {
		w.keys.put(k, c.ID)
	}
	w.putName(&c)
	return c.ID, nil
}

// newID gives the id of the next contact. The ids of deleted contacts do not
// come again.
func (w *contactWriter) newID() (tidings.ContactID, error) {
	if w.nextID == 0 {
		err := w.tx.row(`SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'contact'`).Scan(&w.nextID)
		if err != nil {
			return 0, err
		}
	}
	w.nextID++
	return w.nextID, nil
}

// change changes a stored contact and says whether it is another now. An error
// that is the row's leaves all as it was.
func (w *contactWriter) change(was *tidings.Contact, ch *tidings.ContactChange) (bool, error) {
	c := *was
	if !ch.Apply(&c) {
		return false, nil
	}
	if faults := tidings.CheckContact(&c); len(faults) > 0 {
		return false, errContact(faults)
	}
	old, keys := contactKeys(was), contactKeys(&c)
	if err := w.free(keys, c.ID); err != nil {
		return false, err
	}
	_, err := w.tx.exec(`
		UPDATE contact SET external = $2, first_name = $3, last_name = $4, region = $5, town = $6, address = $7, postcode = $8,
			language = $9, time_zone = $10, channels = $11, fields = $12, subscriptions = $13, version = version + 1, updated = $14
		WHERE id = $1`,
		c.ID, c.ExternalCustomerID, c.FirstName, c.LastName, c.Region, c.Town, c.Address, c.Postcode,
		c.Language, c.TimeZone, encodeChannels(c.Channels), w.fields.encode(c.Fields), encodeTexts(c.Subscriptions), millis(w.tx.now))
	if err != nil {
		return false, err
	}
	for _, k := range old {
		if !slices.Contains(keys, k) {
			if err := w.keys.remove(k); err != nil {
				return false, err
			}
		}
	}
	for _, k := range keys {
		if !slices.Contains(old, k) {
			w.keys.put(k, c.ID)
		}
	}
	if c.FirstName != was.FirstName || c.LastName != was.LastName {
		if _, err := w.tx.exec(`DELETE FROM contact_name WHERE rowid = $1`, c.ID); err != nil {
			return false, err
		}
		w.putName(&c)
	}
	if slices.Equal(was.Subscriptions, c.Subscriptions) {
		return true, nil
	}
	activity, err := subscriptionChanged(&c, w.tx.now)
	w.activities = append(w.activities, activity)
	return true, err
}

// free says with a conflict when one of the keys belongs to another contact.
func (w *contactWriter) free(keys []contactKey, but tidings.ContactID) error {
	for _, k := range keys {
		owner, err := w.keys.of(k)
		if err != nil {
			return err
		}
		if owner != 0 && owner != but {
			e := tidings.Errorf(tidings.CodeConflict, "the %s belongs to contact %d: nothing was stored", k, owner)
			e.Fields = []tidings.FieldError{{Index: -1, Field: k.String(), Reason: "belongs to contact " + strconv.FormatInt(int64(owner), 10)}}
			return e
		}
	}
	return nil
}

func errContact(faults []tidings.FieldError) error {
	return &tidings.Error{Code: tidings.CodeInvalid, Message: "the contact breaks the rules: nothing was stored", Fields: faults}
}

// putName makes the contact findable by the words of its name; it is stored by flush.
func (w *contactWriter) putName(c *tidings.Contact) {
	w.names = slices.DeleteFunc(w.names, func(n contactName) bool { return n.id == c.ID })
	if c.FirstName != "" || c.LastName != "" {
		w.names = append(w.names, contactName{c.ID, accountWord(w.account) + " " + plainName(c.FirstName) + " " + plainName(c.LastName)})
	}
}
