package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
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
	identity := e.Identity()
	known, err := w.find(e.TypeKey, &identity)
	if err != nil {
		return out, err
	}
	if e.Type = known.typ; e.Type == 0 {
		if e.Type, err = newEventType(tx, e); err != nil {
			return out, err
		}
	}
	if known.unique {
		if out.Repeated, err = knownEvent(tx, e); err != nil || out.Repeated {
			out.Event = *e
			return out, err
		}
	}
	if out.ContactCreated, err = w.settle(e, &identity, known.contact); err != nil {
		return out, err
	}
	if err := w.flush(); err != nil {
		return out, err
	}
	if err := insertEvent(tx, e); err != nil {
		return out, err
	}
	tx.onCommit(func() {
		s.opts.Tallied(tidings.Count{Account: e.Account, Kind: tidings.TallyEvent, Subject: tidings.TallySubject{ID: int64(e.Type)}, Done: 1})
	})
	out.Event = *e
	if len(launches) > 0 {
		out.Runs, err = s.launch(tx, e, launches)
	}
	return out, err
}

func newEventType(tx *writeTx, e *tidings.Event) (id tidings.EventTypeID, err error) {
	err = tx.row(`INSERT INTO event_type (account, key, name, created) VALUES ($1, $2, '', $3) RETURNING id`, e.Account, e.TypeKey, millis(tx.now)).Scan(&id)
	return id, err
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

// settle gives an event the contact that was found for its identity, or makes one.
func (w *contactWriter) settle(e *tidings.Event, id *tidings.Identity, found tidings.ContactID) (created bool, err error) {
	if e.Contact = found; found == 0 {
		if e.Contact, err = w.madeOf(id); err != nil {
			return false, err
		}
	}
	if e.Contact != 0 && id.Contact == 0 {
		e.Params = append(e.Params[:len(e.Params):len(e.Params)],
			tidings.EventParam{Name: "contactId", Value: strconv.AppendInt(nil, int64(e.Contact), 10)})
	}
	return found == 0 && e.Contact != 0, nil
}

// owner finds the contact of an identity, or makes one; 0 = there is none, and
// what the identity says makes none.
func (w *contactWriter) owner(id *tidings.Identity) (contact tidings.ContactID, created bool, err error) {
	known, err := w.find("", id)
	if err != nil || known.contact != 0 {
		return known.contact, false, err
	}
	contact, err = w.madeOf(id)
	return contact, contact != 0, err
}

// madeOf makes a contact of what an identity says; 0 = it says too little.
func (w *contactWriter) madeOf(id *tidings.Identity) (contact tidings.ContactID, err error) {
	if id.ExternalCustomerID == "" && len(id.Channels) == 0 {
		return 0, nil
	}
	fresh, err := w.fresh(&tidings.ContactChange{ExternalCustomerID: &id.ExternalCustomerID, Channels: &id.Channels})
	if err == nil {
		contact, err = w.create(&fresh)
	}
	if tidings.CodeOf(err) == tidings.CodeInvalid { // e.g. one address twice
		return 0, nil
	}
	return contact, err
}

// found is what there is of what an event names.
type found struct {
	typ     tidings.EventTypeID // 0 = none of the key
	unique  bool                // the type keeps one event for each keyValue
	contact tidings.ContactID   // of the first part of the identity that is somebody's; 0 = of none
}

// find looks all up at once: on PostgreSQL the way there and back is what
// takes time. A typeKey of "" is nobody's.
func (w *contactWriter) find(typeKey string, id *tidings.Identity) (found, error) {
	query := []byte(`SELECT 0, id, unique_keys FROM event_type WHERE account = $1 AND key = $2`)
	args := []any{w.account, typeKey}
	part := 0
	or := func(where string, values ...any) {
		part++
		query = fmt.Appendf(query, ` UNION ALL SELECT %d, `+where, part, len(args)+1, len(args)+2)
		args = append(args, values...)
	}
	if id.Contact != 0 {
		or(`id, 0 FROM contact WHERE account = $1 AND id = $%[2]d`, id.Contact)
	}
	for _, k := range contactKeys(&tidings.Contact{ExternalCustomerID: id.ExternalCustomerID, Channels: id.Channels}) {
		or(`contact, 0 FROM contact_key WHERE account = $1 AND kind = $%[2]d AND key = $%[3]d`, k.kind, k.key)
	}
	rows, err := w.tx.rows(string(query), args...)
	if err != nil {
		return found{}, err
	}
	defer rows.Close()
	var f found
	for best := math.MaxInt; rows.Next(); {
		var part int
		var id int64
		var unique flag
		if err := rows.Scan(&part, &id, &unique); err != nil {
			return found{}, err
		}
		switch {
		case part == 0:
			f.typ, f.unique = tidings.EventTypeID(id), bool(unique)
		case part < best:
			best, f.contact = part, tidings.ContactID(id)
		}
	}
	return f, rows.Err()
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
	query, args := eventQuery(q)
	rows, err := s.rows(ctx, query, args...)
	return gather(rows, err, func(row scanner) (tidings.Event, error) { return scanEvent(row, q.Account) })
}

// eventQuery names the bound of the index of contacts, too: without it that index is not used.
func eventQuery(q tidings.EventQuery) (query string, args []any) {
	before := q.Before
	if before == 0 {
		before = math.MaxInt64
	}
	where, args := ` WHERE e.account = $1 AND e.id < $2`, []any{q.Account, before, q.Limit}
	switch {
	case q.Contact != 0 && q.Type != 0:
		where, args = ` WHERE e.contact > 0 AND e.contact = $4 AND e.id < $2 AND +e.account = $1 AND +e.type = $5`, append(args, q.Contact, q.Type)
	case q.Contact != 0:
		where, args = ` WHERE e.contact > 0 AND e.contact = $4 AND e.id < $2 AND +e.account = $1`, append(args, q.Contact)
	case q.KeyValue != "":
		where, args = ` WHERE e.type = $4 AND e.key_value = $5 AND e.id < $2 AND +e.account = $1`, append(args, q.Type, q.KeyValue)
	case q.Type != 0:
		where, args = ` WHERE e.type = $4 AND e.id < $2 AND +e.account = $1`, append(args, q.Type)
	}
	return selectEvent + where + ` ORDER BY e.id DESC LIMIT $3`, args
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
