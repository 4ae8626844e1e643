package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	"tidings"
)

// AddEvent stores an event of e.Account that has been through CheckEvent. Its
// type appears when it is the first; its contact is found by what its
// parameters say (see tidings.Identity), or made when they give an address or
// an id that nobody has, and is added to the parameters as contactId when they
// do not name one. The store gives ID, Type, Contact and At. CodeNotFound when
// there is no such account.
//
// The runs that the event starts are stored in the same commit: those of
// launches whose workflow is active, whose Takes says yes, and that Once and
// Alone allow.
func (s *Store) AddEvent(ctx context.Context, e tidings.Event, launches []tidings.Launch) (tidings.EventOutcome, error) {
	var out tidings.EventOutcome
	err := s.commit(ctx, func(tx *writeTx) error {
		w, err := s.newContactWriter(tx, e.Account)
		if err != nil {
			return err
		}
		event := e
		out, err = s.addEvent(tx, w, &event, launches)
		return err
	})
	if err != nil {
		return tidings.EventOutcome{}, err
	}
	return out, nil
}

// addEvent does the work of AddEvent within a transaction, and completes e.
func (s *Store) addEvent(tx *writeTx, w *contactWriter, e *tidings.Event, launches []tidings.Launch) (out tidings.EventOutcome, err error) {
	unique, err := eventType(tx, e)
	if err != nil {
		return out, err
	}
	if unique {
		if out.Repeated, err = knownEvent(tx, e); err != nil || out.Repeated {
			out.Event = *e
			return out, err
		}
	}
	if out.ContactCreated, err = w.settle(e); err != nil {
		return out, err
	}
	if err := w.flush(); err != nil {
		return out, err
	}
	if err := insertEvent(tx, e); err != nil {
		return out, err
	}
	out.Event = *e
	if len(launches) > 0 {
		out.Runs, err = s.launch(tx, e, launches)
	}
	return out, err
}

// eventType finds an event's type, or makes it, and says whether the type
// keeps one event for each keyValue.
func eventType(tx *writeTx, e *tidings.Event) (unique bool, err error) {
	err = tx.row(`SELECT id, unique_keys FROM event_type WHERE account = $1 AND key = $2`, e.Account, e.TypeKey).Scan(&e.Type, &unique)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.row(`INSERT INTO event_type (account, key, name, created) VALUES ($1, $2, '', $3) RETURNING id`, e.Account, e.TypeKey, millis(tx.now)).Scan(&e.Type)
	}
	return unique, err
}

// knownEvent puts the stored event of the same type and keyValue in place of e, when there is one.
func knownEvent(tx *writeTx, e *tidings.Event) (bool, error) {
	found, err := scanEvent(tx.row(selectEvent+` WHERE e.type = $1 AND e.key_value = $2 ORDER BY e.id LIMIT 1`, e.Type, e.KeyValue), e.Account)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	*e = found
	return true, nil
}

func insertEvent(tx *writeTx, e *tidings.Event) error {
	e.At = tx.now
	return tx.row(`INSERT INTO event (account, type, key_value, contact, at, params) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
		e.Account, e.Type, e.KeyValue, e.Contact, millis(tx.now), encodeParams(e.Params)).Scan(&e.ID)
}

// settle finds the contact that an event is about, or makes one.
func (w *contactWriter) settle(e *tidings.Event) (created bool, err error) {
	id := e.Identity()
	if e.Contact, created, err = w.owner(&id); err != nil {
		return false, err
	}
	if e.Contact != 0 && id.Contact == 0 {
		e.Params = append(e.Params[:len(e.Params):len(e.Params)],
			tidings.EventParam{Name: "contactId", Value: strconv.AppendInt(nil, int64(e.Contact), 10)})
	}
	return created, nil
}

// owner finds the contact of an identity, or makes one; 0 = there is none, and
// what the identity says makes none.
func (w *contactWriter) owner(id *tidings.Identity) (contact tidings.ContactID, created bool, err error) {
	contact, err = w.identified(id)
	if err != nil || contact != 0 || id.ExternalCustomerID == "" && len(id.Channels) == 0 {
		return contact, false, err
	}
	fresh, err := w.fresh(&tidings.ContactChange{ExternalCustomerID: &id.ExternalCustomerID, Channels: &id.Channels})
	if err == nil {
		contact, err = w.create(&fresh)
	}
	if tidings.CodeOf(err) == tidings.CodeInvalid { // e.g. one address twice
		return 0, false, nil
	}
	return contact, err == nil, err
}

// identified gives the contact that an event names, 0 when there is none.
func (w *contactWriter) identified(id *tidings.Identity) (tidings.ContactID, error) {
	if id.Contact != 0 {
		var known bool
		err := w.tx.row(`SELECT EXISTS (SELECT 1 FROM contact WHERE id = $1 AND account = $2)`, id.Contact, w.account).Scan(&known)
		if err != nil || known {
			return id.Contact, err
		}
	}
	if id.ExternalCustomerID != "" {
		found, err := findKey(w.tx, w.account, contactKey{keyExternal, id.ExternalCustomerID})
		if err != nil || found != 0 {
			return found, err
		}
	}
	for _, ch := range id.Channels {
		found, err := findKey(w.tx, w.account, channelKey(ch))
		if err != nil || found != 0 {
			return found, err
		}
	}
	return 0, nil
}

// encodeParams gives the parameters' column: [{"name":…,"value":…}].
func encodeParams(params []tidings.EventParam) string {
	b := []byte{'['}
	for i, p := range params {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = tidings.AppendJSONText(b, p.Name)
		b = append(b, `,"value":`...)
		b = append(b, p.Value...)
		b = append(b, '}')
	}
	return string(append(b, ']'))
}

const selectEvent = `SELECT e.id, e.type, t.key, e.key_value, e.contact, e.at, e.params FROM event e JOIN event_type t ON t.id = e.type`

func scanEvent(row scanner, account tidings.AccountID) (tidings.Event, error) {
	e := tidings.Event{Account: account}
	var at int64
	var params []byte
	if err := row.Scan(&e.ID, &e.Type, &e.TypeKey, &e.KeyValue, &e.Contact, &at, &params); err != nil {
		return tidings.Event{}, err
	}
	e.At = fromMillis(at)
	var list []struct {
		Name  string
		Value json.RawMessage
	}
	if err := json.Unmarshal(params, &list); err != nil {
		return tidings.Event{}, err
	}
	e.Params = make([]tidings.EventParam, len(list))
	for i, p := range list {
		e.Params[i] = tidings.EventParam{Name: p.Name, Value: p.Value}
	}
	return e, nil
}

// Event gives an event of an account; CodeNotFound when the account has no such event.
func (s *Store) Event(ctx context.Context, account tidings.AccountID, id tidings.EventID) (tidings.Event, error) {
	e, err := scanEvent(s.row(ctx, selectEvent+` WHERE e.id = $1 AND e.account = $2`, id, account), account)
	if err != nil {
		return tidings.Event{}, orNotFound(err, "event", int64(id))
	}
	return e, nil
}

// Events gives the events that a query asks for. Where it asks for several
// things, the narrowest index is used and the rest is looked at.
func (s *Store) Events(ctx context.Context, q tidings.EventQuery) ([]tidings.Event, error) {
	before := q.Before
	if before == 0 {
		before = math.MaxInt64
	}
	where, args := ` WHERE e.account = $1 AND e.id < $2`, []any{q.Account, before, q.Limit}
	switch {
	case q.Contact != 0 && q.Type != 0:
		where, args = ` WHERE e.contact = $4 AND e.id < $2 AND e.account = $1 AND e.type = $5`, append(args, q.Contact, q.Type)
	case q.Contact != 0:
		where, args = ` WHERE e.contact = $4 AND e.id < $2 AND e.account = $1`, append(args, q.Contact)
	case q.KeyValue != "":
		where, args = ` WHERE e.type = $4 AND e.key_value = $5 AND e.id < $2 AND e.account = $1`, append(args, q.Type, q.KeyValue)
	case q.Type != 0:
		where, args = ` WHERE e.type = $4 AND e.id < $2 AND e.account = $1`, append(args, q.Type)
	}
	rows, err := s.rows(ctx, selectEvent+where+` ORDER BY e.id DESC LIMIT $3`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []tidings.Event
	for rows.Next() {
		e, err := scanEvent(rows, q.Account)
		if err != nil {
			return nil, readError(err)
		}
		events = append(events, e)
	}
	return events, readError(rows.Err())
}

// purgeEventsStep is how many events one step of a purge takes.
const purgeEventsStep = 500

// PurgeEvents removes the events that came before a time, and gives their number.
func (s *Store) PurgeEvents(ctx context.Context, before time.Time) (int, error) {
	if mine, err := s.engine.chore(ctx, purging); !mine || err != nil {
		return 0, err
	}
	for purged := 0; ; {
		var step int64
		err := s.commit(ctx, func(tx *writeTx) (err error) {
			// Events have their ids in the order of arrival: the oldest come first.
			step, err = tx.exec(`DELETE FROM event WHERE id IN (SELECT id FROM (SELECT id, at FROM event ORDER BY id LIMIT $2) AS oldest WHERE at < $1)`,
				millis(before), purgeEventsStep)
			return err
		})
		if err != nil || step == 0 {
			return purged, err
		}
		purged += int(step)
	}
}
