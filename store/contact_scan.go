package store

import (
	"context"
	"slices"
	"strings"

	"tidings"
)

// contactScan looks at an account's contacts in the order of their ids. Only
// the columns that a condition asks about are read.
type contactScan struct {
	r       reader
	account tidings.AccountID
	after   tidings.ContactID
	most    int // contacts to look at; 0 = all

	seen  int
	ended bool // the last contact was seen
}

// next gives the id after which the scan goes on, 0 when it has seen all.
func (f *contactScan) next() tidings.ContactID {
	if f.ended {
		return 0
	}
	return f.after
}

// scanStep is how many contacts one statement reads: a reader that reads for
// long keeps the write-ahead log from starting over.
const scanStep = 5000

// each gives take the ids of the contacts of whom the condition holds, until
// it gives false.
func (f *contactScan) each(condition *tidings.Condition, take func(tidings.ContactID) bool) error {
	fields, err := f.r.s.fieldsOf(f.r, f.account)
	if err != nil {
		return err
	}
	columns := scanColumns(condition)
	holds := condition.Matcher()
	for {
		if err := f.r.ctx.Err(); err != nil {
			return context.Cause(f.r.ctx)
		}
		limit := scanStep
		if f.most > 0 {
			limit = min(limit, f.most-f.seen)
		}
		if limit <= 0 {
			return nil
		}
		n, goOn, err := f.step(columns, limit, fields, func(c *tidings.Contact) bool { return !holds(c.Value) || take(c.ID) })
		if err != nil || !goOn {
			return err
		}
		if n < limit {
			f.ended = true
			return nil
		}
	}
}

// step looks at one run of contacts, of which only some columns are read.
func (f *contactScan) step(columns []string, limit int, fields *fieldSet, take func(*tidings.Contact) bool) (n int, goOn bool, err error) {
	rows, err := f.r.rows(`SELECT `+strings.Join(columns, ", ")+` FROM contact WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`, f.account, f.after, limit)
	if err != nil {
		return 0, false, err
	}
	defer rows.Close()
	var row contactRow
	into := row.into()
	names := contactColumnNames()
	read := make([]any, len(columns))
	for i, column := range columns {
		read[i] = into[slices.Index(names, column)]
	}
	for rows.Next() {
		row = contactRow{Contact: tidings.Contact{Account: f.account}}
		if err := rows.Scan(read...); err != nil {
			return 0, false, readError(err)
		}
		c, err := row.contact(fields)
		if err != nil {
			return 0, false, err
		}
		if !take(&c) {
			return n, false, nil
		}
		n++
		f.seen++
		f.after = c.ID
	}
	return n, true, readError(rows.Err())
}

// scanColumns lists the columns that a condition asks about, and the id.
func scanColumns(condition *tidings.Condition) []string {
	columns := []string{"id"}
	for _, name := range condition.Names() {
		columns = append(columns, columnOf(name))
	}
	slices.Sort(columns)
	return slices.Compact(columns)
}

// columnOf gives the column in which a value of a contact stands.
func columnOf(name string) string {
	switch standard := tidings.StandardField(name); standard {
	case "":
		return "fields"
	case "CONTACT_ID":
		return "id"
	case "EXTERNAL_CUSTOMER_ID":
		return "external"
	case "FIRSTNAME":
		return "first_name"
	case "LASTNAME":
		return "last_name"
	case "EMAIL", "SMS":
		return "channels"
	case "TIMEZONE":
		return "time_zone"
	default:
		return strings.ToLower(standard) // REGION, TOWN, ADDRESS, POSTCODE, LANGUAGE, SUBSCRIPTIONS
	}
}
