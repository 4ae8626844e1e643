package store

import (
	"context"

	"tidings"
)

// Contact gives a contact of an account; CodeNotFound when the account has no such contact.
func (s *Store) Contact(ctx context.Context, account tidings.AccountID, id tidings.ContactID) (tidings.Contact, error) {
	r := reader{s, ctx}
	fields, err := s.fieldsOf(r, account)
	if err != nil {
		return tidings.Contact{}, err
	}
	row := contactRow{Contact: tidings.Contact{Account: account}}
	var listed bool // the account has a black list: most have none, and then one query does it
	err = r.row(`SELECT `+contactColumns+`, EXISTS (SELECT 1 FROM blacklist WHERE account = $2) FROM contact WHERE id = $1 AND account = $2`,
		id, account).Scan(append(row.into(), &listed)...)
	if err != nil {
		return tidings.Contact{}, orNotFound(err, "contact", int64(id))
	}
	c, err := row.contact(fields)
	if err != nil || !listed {
		return c, err
	}
	return c, markBlacklisted(r, &c)
}

// Contacts gives at most limit (1 or more) contacts of an account in the order
// of their ids, those after one; 0 = from the first.
func (s *Store) Contacts(ctx context.Context, account tidings.AccountID, after tidings.ContactID, limit int) ([]tidings.Contact, error) {
	r := reader{s, ctx}
	contacts, err := r.contacts(account, `SELECT `+contactColumns+` FROM contact WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`, account, after, limit)
	if err != nil {
		return nil, err
	}
	var listed bool
	if err := r.row(`SELECT EXISTS (SELECT 1 FROM blacklist WHERE account = $1)`, account).Scan(&listed); err != nil || !listed {
		return contacts, readError(err)
	}
	for i := range contacts {
		if err := markBlacklisted(r, &contacts[i]); err != nil {
			return nil, err
		}
	}
	return contacts, nil
}

// FindContact gives the contact that has an address or an externalCustomerId
// (the MatchBy says which of them key is); CodeNotFound when there is none.
func (s *Store) FindContact(ctx context.Context, account tidings.AccountID, by tidings.MatchBy, key string) (tidings.Contact, error) {
	find := contactKey{kind: keyExternal, key: key}
	switch by {
	case tidings.MatchEmail:
		find = channelKey(tidings.Channel{Type: tidings.Email, Value: key})
	case tidings.MatchSMS:
		find = channelKey(tidings.Channel{Type: tidings.SMS, Value: key})
	}
	id, err := findKey(reader{s, ctx}, account, find)
	if err != nil {
		return tidings.Contact{}, err
	}
	if id == 0 {
		return tidings.Contact{}, tidings.Errorf(tidings.CodeNotFound, "there is no contact with this %s", by)
	}
	return s.Contact(ctx, account, id)
}

// CreateContact makes a contact. Texts and addresses were checked at the door;
// the whole is checked here. CodeNotFound when there is no such account,
// CodeInvalid when the contact breaks a rule, CodeConflict when one of its
// addresses, or its externalCustomerId, belongs to another contact.
func (s *Store) CreateContact(ctx context.Context, account tidings.AccountID, change tidings.ContactChange) (tidings.Contact, error) {
	var id tidings.ContactID
	err := s.commit(ctx, func(tx *writeTx) error {
		w, err := s.newContactWriter(tx, account)
		if err != nil {
			return err
		}
		fresh, err := w.fresh(&change)
		if err != nil {
			return err
		}
		if id, err = w.create(&fresh); err != nil {
			return err
		}
		return w.flush()
	})
	if err != nil {
		return tidings.Contact{}, err
	}
	return s.Contact(ctx, account, id)
}

// ChangeContact changes a contact of an account; version is the one that it
// was read with, 0 = whatever it is now. A change of its subscriptions puts a
// SUBSCRIPTION_CHANGED activity into the feed in the same commit. CodeNotFound
// when the account has no such contact, CodeConflict when its version is
// another or an address belongs to another contact, CodeInvalid when it would
// break a rule.
func (s *Store) ChangeContact(ctx context.Context, account tidings.AccountID, id tidings.ContactID, change tidings.ContactChange, version int64) (tidings.Contact, error) {
	err := s.commit(ctx, func(tx *writeTx) error {
		w, err := s.newContactWriter(tx, account)
		if err != nil {
			return err
		}
		was, err := readContact(tx, account, id, w.fields)
		if err != nil {
			return err
		}
		if version != 0 && version != was.Version {
			return tidings.Errorf(tidings.CodeConflict,
				"contact %d was changed since it was read (version %d, now %d): read it again and repeat the change", id, version, was.Version)
		}
		if _, err := w.change(&was, &change); err != nil {
			return err
		}
		return w.flush()
	})
	if err != nil {
		return tidings.Contact{}, err
	}
	return s.Contact(ctx, account, id)
}

// UpsertContact changes the contact that the change is about, found as by
// says, or makes one. Errors are those of CreateContact and ChangeContact.
func (s *Store) UpsertContact(ctx context.Context, account tidings.AccountID, change tidings.ContactChange, by tidings.MatchBy) (tidings.Contact, tidings.ContactOutcome, error) {
	outcomes, err := s.ImportContacts(ctx, account, []tidings.ContactChange{change}, by)
	if err != nil {
		return tidings.Contact{}, tidings.ContactOutcome{}, err
	}
	if outcomes[0].Err != nil {
		return tidings.Contact{}, outcomes[0], outcomes[0].Err
	}
	c, err := s.Contact(ctx, account, outcomes[0].ID)
	return c, outcomes[0], err
}
