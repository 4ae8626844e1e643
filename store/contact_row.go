package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tidings"
)

const contactColumns = `id, external, first_name, last_name, region, town, address, postcode, language, time_zone,
	channels, fields, subscriptions, version, created, updated`

// contactRow is a row of contactColumns.
type contactRow struct {
	tidings.Contact
	channels, fields, subscriptions string
	created, updated                int64
}

func (r *contactRow) into() []any {
	return []any{
		&r.ID, &r.ExternalCustomerID, &r.FirstName, &r.LastName, &r.Region, &r.Town, &r.Address, &r.Postcode, &r.Language, &r.TimeZone,
		&r.channels, &r.fields, &r.subscriptions, &r.Version, &r.created, &r.updated,
	}
}

// contactColumnNames lists contactColumns one by one, in the order of into.
func contactColumnNames() []string {
	return strings.FieldsFunc(contactColumns, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

// contact gives the row's contact. Values of fields that are not defined any
// more are left out.
func (r *contactRow) contact(fields *fieldSet) (tidings.Contact, error) {
	c := r.Contact
	c.CreatedAt, c.UpdatedAt = fromMillis(r.created), fromMillis(r.updated)
	var err error
	if c.Channels, err = decodeChannels(r.channels); err != nil {
		return c, fmt.Errorf("contact %d: channels: %w", c.ID, err)
	}
	if c.Fields, err = fields.decode(r.fields); err != nil {
		return c, fmt.Errorf("contact %d: fields: %w", c.ID, err)
	}
	if r.subscriptions != "" {
		if err := json.Unmarshal([]byte(r.subscriptions), &c.Subscriptions); err != nil {
			return c, fmt.Errorf("contact %d: subscriptions: %w", c.ID, err)
		}
	}
	return c, nil
}

// readContact reads one contact; fields are those of the account, nil = their values are left out.
func readContact(q querier, account tidings.AccountID, id tidings.ContactID, fields *fieldSet) (tidings.Contact, error) {
	r := contactRow{Contact: tidings.Contact{Account: account}}
	err := q.row(`SELECT `+contactColumns+` FROM contact WHERE id = $1 AND account = $2`, id, account).Scan(r.into()...)
	if err != nil {
		return tidings.Contact{}, orNotFound(err, "contact", int64(id))
	}
	return r.contact(fields)
}

// contacts reads the contacts that a query for contactColumns gives.
func (r reader) contacts(account tidings.AccountID, query string, args ...any) ([]tidings.Contact, error) {
	fields, err := r.s.fieldsOf(r, account)
	if err != nil {
		return nil, err
	}
	rows, err := r.rows(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var contacts []tidings.Contact
	for rows.Next() {
		row := contactRow{Contact: tidings.Contact{Account: account}}
		if err := rows.Scan(row.into()...); err != nil {
			return nil, readError(err)
		}
		c, err := row.contact(fields)
		if err != nil {
			return nil, err
		}
		contacts = append(contacts, c)
	}
	return contacts, readError(rows.Err())
}

// encodeChannels gives the channels' column: [["email","ann@example.com"]], ” for none.
func encodeChannels(channels []tidings.Channel) string {
	if len(channels) == 0 {
		return ""
	}
	b := []byte{'['}
	for i, ch := range channels {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `["`...)
		b = append(b, ch.Type.String()...)
		b = append(b, `",`...)
		b = tidings.AppendJSONText(b, ch.Value)
		b = append(b, ']')
	}
	return string(append(b, ']'))
}

func decodeChannels(column string) ([]tidings.Channel, error) {
	if column == "" {
		return nil, nil
	}
	var pairs [][2]string
	if err := json.Unmarshal([]byte(column), &pairs); err != nil {
		return nil, err
	}
	channels := make([]tidings.Channel, len(pairs))
	for i, p := range pairs {
		t, err := tidings.ParseMediaType(p[0])
		if err != nil {
			return nil, err
		}
		channels[i] = tidings.Channel{Type: t, Value: p[1]}
	}
	return channels, nil
}

// encodeTexts gives a column of texts: a JSON array, ” for none.
func encodeTexts(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	b := []byte{'['}
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = tidings.AppendJSONText(b, text)
	}
	return string(append(b, ']'))
}

// fieldSet is the additional fields of an account, as their values' column needs them.
type fieldSet struct {
	byID  map[string]tidings.Field // by the id in decimal, as the column has it
	byKey map[tidings.FieldKey]tidings.Field
}

// decode reads the fields' column. A nil set knows no field.
func (f *fieldSet) decode(column string) ([]tidings.ContactField, error) {
	if column == "" || f == nil {
		return nil, nil
	}
	var fields []tidings.ContactField
	members := fieldMembers{rest: column}
	for members.next() {
		field, known := f.byID[members.id]
		if !known {
			continue
		}
		v := tidings.FieldValue{Type: field.Type}
		var err error
		switch raw := members.value; {
		case field.Type == tidings.FieldList:
			err = json.Unmarshal([]byte(raw), &v.List)
		case raw[0] != '"':
			v.Text = strings.Clone(raw)
		case strings.IndexByte(raw, '\\') < 0:
			v.Text = strings.Clone(raw[1 : len(raw)-1])
		default:
			err = json.Unmarshal([]byte(raw), &v.Text)
		}
		if err != nil {
			return nil, err
		}
		fields = append(fields, tidings.ContactField{Key: field.Key, Value: v})
	}
	if members.broken {
		return nil, errors.New("the column is not as encode writes it")
	}
	slices.SortFunc(fields, func(a, b tidings.ContactField) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return fields, nil
}

// fieldMembers goes through the members of a fields' column as encode writes
// it: no blanks, ids for keys, and no objects within. Segments read it of
// every contact, so it finds the values' ends and nothing more.
type fieldMembers struct {
	rest      string // from the brace or comma before the next member
	id, value string // of the member
	broken    bool
}

func (m *fieldMembers) next() bool {
	if m.rest == "}" || m.broken {
		return false
	}
	quoted := len(m.rest) > 2 && (m.rest[0] == '{' || m.rest[0] == ',') && m.rest[1] == '"'
	end := 0
	if quoted {
		end = strings.IndexByte(m.rest[2:], '"')
	}
	if !quoted || end < 0 || !strings.HasPrefix(m.rest[2+end:], `":`) {
		m.broken = true
		return false
	}
	m.id, m.rest = m.rest[2:2+end], m.rest[2+end+2:]
	end = valueEnd(m.rest)
	if end <= 0 {
		m.broken = true
		return false
	}
	m.value, m.rest = m.rest[:end], m.rest[end:]
	return true
}

// valueEnd gives where a value ends: before a comma or brace that is in no
// string and no list. -1 = it has no end.
func valueEnd(s string) int {
	inString, inList := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == ']':
			inList = c == '['
		case !inList && (c == ',' || c == '}'):
			return i
		}
	}
	return -1
}

// encode gives the fields' column. A field that is not defined any more is left out.
func (f *fieldSet) encode(fields []tidings.ContactField) string {
	if len(fields) == 0 {
		return ""
	}
	var b []byte
	for _, field := range fields {
		known, ok := f.byKey[field.Key]
		if !ok || known.Type != field.Value.Type {
			continue
		}
		if b == nil {
			b = append(b, '{')
		} else {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = strconv.AppendInt(b, int64(known.ID), 10)
		b = append(b, `":`...)
		if t := known.Type; t == tidings.FieldText || t == tidings.FieldDate {
			b = tidings.AppendJSONText(b, field.Value.Text)
		} else {
			b = field.Value.AppendJSON(b)
		}
	}
	if b == nil {
		return ""
	}
	return string(append(b, '}'))
}
