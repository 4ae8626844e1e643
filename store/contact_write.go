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

// Writes gives how many writes have been stored since the store was opened, each
// import as one. It tells an import whether others write at the same time.
func (s *Store) Writes() int64 { return s.stats.groups.Load() }

// contactWriter changes contacts of one account within a transaction. What can
// be stored together is stored by flush.
type contactWriter struct {
	s          *Store
	tx         *writeTx
	account    tidings.AccountID
	fields     *fieldSet
	lastID     tidings.ContactID // that was given; 0 = not read yet
	names      []contactName     // to be stored
	activities []tidings.Activity
	origin     origin // of the changes
}

// contactName is what a contact is called, as the index of names takes it.
type contactName struct {
	id    tidings.ContactID
	words string // "" = it has no name any more
	known bool   // under another name
}

func (s *Store) newContactWriter(tx *writeTx, account tidings.AccountID) (*contactWriter, error) {
	if _, err := tx.head(account); err != nil {
		return nil, err
	}
	fields, err := s.fieldsOf(tx, account)
	if err != nil {
		return nil, err
	}
	return &contactWriter{s: s, tx: tx, account: account, fields: fields}, nil
}

// flush stores what was held back.
func (w *contactWriter) flush() error {
	if err := w.tx.engine().putNames(w.tx, w.account, w.names); err != nil {
		return fmt.Errorf("index of names: %w", err)
	}
	w.names = nil
	if len(w.activities) == 0 {
		return nil
	}
	activities := w.activities
	w.activities = nil
	return w.s.appendWithin(w.tx, w.account, activities)
}

// upsert does one change. Errors of the row are in the outcome; the second
// result ends the transaction.
func (w *contactWriter) upsert(ch *tidings.ContactChange, by tidings.MatchBy) (tidings.ContactOutcome, error) {
	out, err := w.tryUpsert(ch, by)
	switch tidings.CodeOf(err) {
	case "":
		return out, nil
	case tidings.CodeInvalid, tidings.CodeConflict, tidings.CodeNotFound:
		return tidings.ContactOutcome{Err: err}, nil
	}
	return tidings.ContactOutcome{}, err
}

func (w *contactWriter) tryUpsert(ch *tidings.ContactChange, by tidings.MatchBy) (tidings.ContactOutcome, error) {
	if ch.ID != 0 && (by == tidings.MatchAny || by == tidings.MatchID) {
		return w.update(ch.ID, ch)
	}
	if by == tidings.MatchID {
		return tidings.ContactOutcome{}, rowError("id", "is required: contacts are found by it")
	}
	fresh, err := w.fresh(ch)
	if err != nil {
		return tidings.ContactOutcome{}, err
	}
	keys, finding := findingKeys(&fresh, by)
	if finding == 0 {
		return tidings.ContactOutcome{}, rowError(string(by), "is required: contacts are found by it")
	}
	// Most rows of most imports are of new contacts: so the keys are claimed
	// for one, and given back when it turns out that there is a contact.
	id, err := w.newID()
	if err != nil {
		return tidings.ContactOutcome{}, err
	}
	taken, owner, err := w.claim(keys, id)
	switch {
	case err != nil:
		return tidings.ContactOutcome{}, err
	case taken < 0:
		return tidings.ContactOutcome{ID: id, Created: true, Changed: true}, w.insert(&fresh, id)
	}
	w.tx.engine().giveBack(w)
	if taken >= finding {
		return tidings.ContactOutcome{}, errTaken(keys[taken], owner)
	}
	return w.update(owner, ch)
}

// findingKeys lists the keys of a contact, those by which it may be found first, and the number of these.
func findingKeys(c *tidings.Contact, by tidings.MatchBy) (keys []contactKey, finding int) {
	keys = contactKeys(c)
	kind := keyExternal
	switch by {
	case tidings.MatchAny:
		return keys, len(keys)
	case tidings.MatchEmail:
		kind = int(tidings.Email)
	case tidings.MatchSMS:
		kind = int(tidings.SMS)
	}
	others := slices.DeleteFunc(slices.Clone(keys), func(k contactKey) bool { return k.kind == kind })
	keys = slices.DeleteFunc(keys, func(k contactKey) bool { return k.kind != kind })
	return append(keys, others...), len(keys)
}

// claim gives keys to a contact; when one of them belongs to another, none,
// and that one's place and owner are given. -1 = all are the contact's now.
func (w *contactWriter) claim(keys []contactKey, id tidings.ContactID) (taken int, owner tidings.ContactID, err error) {
	all, err := claimKeys(w.tx, w.account, keys, id)
	if all || err != nil {
		return -1, 0, err
	}
	for i, k := range keys {
		if owner, err = findKey(w.tx, w.account, k); owner != 0 || err != nil {
			return i, owner, err
		}
	}
	return -1, 0, tidings.Errorf(tidings.CodeUnavailable, "an address of the contact changed hands meanwhile: nothing was stored; send again")
}

func errTaken(k contactKey, owner tidings.ContactID) error {
	e := tidings.Errorf(tidings.CodeConflict, "the %s belongs to contact %d: nothing was stored", k, owner)
	e.Fields = []tidings.FieldError{{Index: -1, Field: k.String(), Reason: "belongs to contact " + strconv.FormatInt(int64(owner), 10)}}
	return e
}

func rowError(field, reason string) error {
	return errContact([]tidings.FieldError{{Index: -1, Field: field, Reason: reason}})
}

func errContact(faults []tidings.FieldError) error {
	return &tidings.Error{Code: tidings.CodeInvalid, Message: "the contact breaks the rules: nothing was stored", Fields: faults}
}

// fresh gives the contact that a change makes of nothing.
func (w *contactWriter) fresh(ch *tidings.ContactChange) (tidings.Contact, error) {
	c := tidings.Contact{Account: w.account}
	ch.Apply(&c)
	if faults := tidings.CheckContact(&c); len(faults) > 0 {
		return c, errContact(faults)
	}
	return c, nil
}

// create stores a new contact. An error that is the row's leaves nothing behind.
func (w *contactWriter) create(c *tidings.Contact) (tidings.ContactID, error) {
	id, err := w.newID()
	if err != nil {
		return 0, err
	}
	keys := contactKeys(c)
	taken, owner, err := w.claim(keys, id)
	if err != nil {
		return 0, err
	}
	if taken >= 0 {
		w.tx.engine().giveBack(w)
		return 0, errTaken(keys[taken], owner)
	}
	return id, w.insert(c, id)
}

// newID gives the id of the next contact. The ids of deleted contacts do not
// come again.
func (w *contactWriter) newID() (tidings.ContactID, error) { return w.tx.engine().contactID(w) }

// insert stores a contact whose keys it has.
func (w *contactWriter) insert(c *tidings.Contact, id tidings.ContactID) error {
	c.ID = id
	err := w.tx.queue(`
		INSERT INTO contact (id, account, external, first_name, last_name, region, town, address, postcode, language, time_zone,
			channels, fields, subscriptions, version, created, updated)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, $15, $15)`,
		id, w.account, c.ExternalCustomerID, c.FirstName, c.LastName, c.Region, c.Town, c.Address, c.Postcode, c.Language, c.TimeZone,
		encodeChannels(c.Channels), w.fields.encode(c.Fields), encodeTexts(c.Subscriptions), millis(w.tx.now))
	w.putName(c, false)
	return err
}

// update changes the contact with an id.
func (w *contactWriter) update(id tidings.ContactID, ch *tidings.ContactChange) (tidings.ContactOutcome, error) {
	was, err := readContact(w.tx, w.account, id, w.fields)
	if err != nil {
		return tidings.ContactOutcome{}, err
	}
	changed, err := w.change(&was, ch)
	return tidings.ContactOutcome{ID: id, Changed: changed}, err
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
	if err := w.exchangeKeys(was, &c); err != nil {
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
	if c.FirstName != was.FirstName || c.LastName != was.LastName {
		w.putName(&c, was.FirstName != "" || was.LastName != "")
	}
	if slices.Equal(was.Subscriptions, c.Subscriptions) {
		return true, nil
	}
	activity, err := w.subscriptionChanged(&c)
	w.activities = append(w.activities, activity)
	return true, err
}

// exchangeKeys claims the keys that are new and releases those that are gone.
func (w *contactWriter) exchangeKeys(was, c *tidings.Contact) error {
	old, keys := contactKeys(was), contactKeys(c)
	fresh := slices.DeleteFunc(slices.Clone(keys), func(k contactKey) bool { return slices.Contains(old, k) })
	taken, owner, err := w.claim(fresh, c.ID)
	if err != nil {
		return err
	}
	if taken >= 0 {
		return errTaken(fresh[taken], owner)
	}
	return releaseKeys(w.tx, w.account, slices.DeleteFunc(old, func(k contactKey) bool { return slices.Contains(keys, k) }))
}

// putName makes the contact findable by the words of its name; it is stored by flush.
func (w *contactWriter) putName(c *tidings.Contact, known bool) {
	name := contactName{id: c.ID, known: known}
	if c.FirstName != "" || c.LastName != "" {
		name.words = plainName(c.FirstName) + " " + plainName(c.LastName)
	}
	if known { // perhaps since this very transaction, and not stored yet
		if at := slices.IndexFunc(w.names, func(n contactName) bool { return n.id == c.ID }); at >= 0 {
			w.names[at].words = name.words
			return
		}
	}
	w.names = append(w.names, name)
}
