package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tidings"
)

// SearchContacts finds contacts as one types: at most limit (1 or more) whose
// email, phone, externalCustomerId or id begins with the text, or in whose name
// every word of it begins a word, without regard to case and accents. What is
// exactly the text comes first. An empty text finds nothing.
func (s *Store) SearchContacts(ctx context.Context, account tidings.AccountID, text string, limit int) ([]tidings.Contact, error) {
	f := contactSearch{q: reader{s, ctx}, account: account, limit: limit}
	if err := f.run(strings.TrimSpace(text)); err != nil {
		return nil, err
	}
	contacts := make([]tidings.Contact, 0, len(f.found))
	for _, id := range f.found {
		c, err := s.Contact(ctx, account, id)
		if tidings.CodeOf(err) == tidings.CodeNotFound {
			continue // deleted meanwhile, or the name of another account's
		}
		if err != nil {
			return nil, err
		}
		contacts = append(contacts, c)
	}
	return contacts, nil
}

// contactSearch is one search in the making.
type contactSearch struct {
	q       reader
	account tidings.AccountID
	limit   int
	found   []tidings.ContactID
}

// maxSearchText is the most bytes of a text that are looked at.
const maxSearchText = 256

func (f *contactSearch) run(text string) error {
	if text == "" || len(text) > maxSearchText {
		return nil
	}
	if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
		if err := f.byID(id); err != nil {
			return err
		}
	}
	beginnings := []contactKey{{int(tidings.Email), strings.ToLower(text)}, {keyExternal, text}}
	if digits := phoneDigits(text); digits != "" {
		beginnings = append(beginnings, contactKey{int(tidings.SMS), digits})
	}
	for _, k := range beginnings {
		if err := f.byKey(k); err != nil {
			return err
		}
	}
	return f.byName(text)
}

// phoneDigits gives the digits of what may be the beginning of a phone number, "" when it can't be.
func phoneDigits(text string) string {
	digits := make([]byte, 0, len(text))
	for _, r := range text {
		switch {
		case '0' <= r && r <= '9':
			digits = append(digits, byte(r))
		case !strings.ContainsRune("+-(). ", r):
			return ""
		}
	}
	return string(digits)
}

// byID takes the contact with an id and those whose ids begin with it.
func (f *contactSearch) byID(id int64) error {
	for low, high := id, id; low > 0 && low >= id; low, high = low*10, high*10+9 {
		err := f.take(`SELECT id FROM contact WHERE account = $1 AND id BETWEEN $2 AND $3 ORDER BY id LIMIT $4`, f.account, low, high, f.limit)
		if err != nil || len(f.found) >= f.limit || high > 1<<59 {
			return err
		}
	}
	return nil
}

// byKey takes those whose key of a kind begins as k does.
func (f *contactSearch) byKey(k contactKey) error {
	return f.take(`SELECT contact FROM contact_key WHERE account = $1 AND kind = $2 AND key >= $3 AND key < $4 ORDER BY key LIMIT $5`,
		f.account, k.kind, k.key, k.key+"\U0010FFFF", f.limit)
}

// byName takes those in whose name every word of the text begins a word.
func (f *contactSearch) byName(text string) error {
	words := strings.Fields(plainName(text))
	if len(words) == 0 {
		return nil
	}
	query, args := f.q.engine().findNames(f.account, words, f.limit)
	return f.take(query, args...)
}

// take adds what a query finds and was not found before.
func (f *contactSearch) take(query string, args ...any) error {
	if len(f.found) >= f.limit {
		return nil
	}
	rows, err := f.q.rows(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for len(f.found) < f.limit && rows.Next() {
		var id tidings.ContactID
		if err := rows.Scan(&id); err != nil {
			return readError(err)
		}
		if !slices.Contains(f.found, id) {
			f.found = append(f.found, id)
		}
	}
	return readError(rows.Err())
}

// plainName leaves of a name its letters and digits, with the marks on them,
// and blanks between its words.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.L, unicode.N, unicode.M) {
			return r
		}
		return ' '
	}, name)
}
