package store

import (
	"context"
	"slices"

	"tidings"
)

// The contact is looked for in the same statement: an account can't put
// another's on its list.
const (
	addMember = `INSERT INTO segment_member (segment, contact) SELECT $1, id FROM contact WHERE id = $2 AND account = $3
		ON CONFLICT (segment, contact) DO NOTHING`
	removeMember = `DELETE FROM segment_member WHERE segment = $1 AND contact = $2`
)

// AddMembers puts contacts on a list and gives the number of those that were
// not on it. Contacts that the account does not have are in missing.
// CodeNotFound when the account has no such segment, CodeConflict when it is a
// segment with a condition.
func (s *Store) AddMembers(ctx context.Context, account tidings.AccountID, id tidings.SegmentID, contacts []tidings.ContactID) (added int, missing []tidings.ContactID, err error) {
	err = s.commit(ctx, func(tx *writeTx) error {
		added, missing = 0, nil
		if err := wantList(tx, account, id); err != nil {
			return err
		}
		for _, contact := range contacts {
			n, err := tx.exec(addMember, id, contact, account)
			if err != nil {
				return err
			}
			if n > 0 {
				added++
				continue
			}
			var known bool
			if err := tx.row(`SELECT EXISTS (SELECT 1 FROM contact WHERE id = $1 AND account = $2)`, contact, account).Scan(&known); err != nil {
				return err
			}
			if !known {
				missing = append(missing, contact)
			}
		}
		return nil
	})
	return added, missing, err
}

// RemoveMembers takes contacts off a list and gives the number of those that
// were on it; errors are those of AddMembers.
func (s *Store) RemoveMembers(ctx context.Context, account tidings.AccountID, id tidings.SegmentID, contacts []tidings.ContactID) (removed int, err error) {
	err = s.commit(ctx, func(tx *writeTx) error {
		removed = 0
		if err := wantList(tx, account, id); err != nil {
			return err
		}
		for _, contact := range contacts {
			n, err := tx.exec(removeMember, id, contact)
			if err != nil {
				return err
			}
			removed += int(n)
		}
		return nil
	})
	return removed, err
}

func wantList(tx *writeTx, account tidings.AccountID, id tidings.SegmentID) error {
	g, err := readSegment(tx, account, id)
	if err != nil {
		return err
	}
	if !g.IsList() {
		return tidings.Errorf(tidings.CodeConflict, "segment %d has a condition: its contacts are those of whom it holds, and can't be put on it one by one", id)
	}
	return nil
}

// scanAtOnce bounds how many contacts one page of a segment looks through.
const scanAtOnce = 20_000

// Members gives at most limit (1 or more) contacts of a segment, those after
// one; 0 = from the first. CodeNotFound when the account has no such segment.
func (s *Store) Members(ctx context.Context, account tidings.AccountID, id tidings.SegmentID, after tidings.ContactID, limit int) (tidings.MemberPage, error) {
	r := reader{s, ctx}
	g, err := readSegment(r, account, id)
	if err != nil {
		return tidings.MemberPage{}, err
	}
	if g.IsList() {
		return s.listMembers(r, &g, after, limit)
	}
	var page tidings.MemberPage
	scan := contactScan{r: r, account: account, after: after, most: scanAtOnce}
	err = scan.each(g.Condition, func(id tidings.ContactID) bool {
		if len(page.Contacts) == limit {
			return false
		}
		page.Contacts = append(page.Contacts, tidings.Contact{ID: id})
		return true
	})
	if err != nil {
		return tidings.MemberPage{}, err
	}
	page.Next = scan.next()
	if len(page.Contacts) == limit {
		page.Next = page.Contacts[limit-1].ID
	}
	return page, s.complete(ctx, account, &page)
}

func (s *Store) listMembers(r reader, g *tidings.Segment, after tidings.ContactID, limit int) (tidings.MemberPage, error) {
	rows, err := r.rows(`SELECT contact FROM segment_member WHERE segment = $1 AND contact > $2 ORDER BY contact LIMIT $3`, g.ID, after, limit)
	if err != nil {
		return tidings.MemberPage{}, err
	}
	defer rows.Close()
	var page tidings.MemberPage
	for rows.Next() {
		var c tidings.Contact
		if err := rows.Scan(&c.ID); err != nil {
			return tidings.MemberPage{}, readError(err)
		}
		page.Contacts = append(page.Contacts, c)
	}
	if err := rows.Err(); err != nil {
		return tidings.MemberPage{}, readError(err)
	}
	if len(page.Contacts) == limit {
		page.Next = page.Contacts[limit-1].ID
	}
	return page, s.complete(r.ctx, g.Account, &page)
}

// complete reads the contacts of a page of which only the ids are known. Those
// that were deleted meanwhile are left out.
func (s *Store) complete(ctx context.Context, account tidings.AccountID, page *tidings.MemberPage) error {
	ids := page.Contacts
	page.Contacts = make([]tidings.Contact, 0, len(ids))
	for i := range ids {
		c, err := s.Contact(ctx, account, ids[i].ID)
		if tidings.CodeOf(err) == tidings.CodeNotFound {
			continue
		}
		if err != nil {
			return err
		}
		page.Contacts = append(page.Contacts, c)
	}
	return nil
}

// CountMembers counts the contacts of a segment now. With a condition it looks
// at every contact of the account, as long as ctx lets it.
func (s *Store) CountMembers(ctx context.Context, account tidings.AccountID, id tidings.SegmentID) (int64, error) {
	r := reader{s, ctx}
	g, err := readSegment(r, account, id)
	if err != nil {
		return 0, err
	}
	if g.IsList() {
		var n int64
		err := r.row(`SELECT count(*) FROM segment_member WHERE segment = $1`, id).Scan(&n)
		return n, readError(err)
	}
	n, _, err := s.Matching(ctx, account, g.Condition, 0)
	return n, err
}

// Matching counts the contacts of whom a condition holds now, see CountMembers,
// and gives the first of them, at most so many.
func (s *Store) Matching(ctx context.Context, account tidings.AccountID, condition *tidings.Condition, first int) (int64, []tidings.Contact, error) {
	var n int64
	var page tidings.MemberPage
	scan := contactScan{r: reader{s, ctx}, account: account}
	err := scan.each(condition, func(id tidings.ContactID) bool {
		if n++; n <= int64(first) {
			page.Contacts = append(page.Contacts, tidings.Contact{ID: id})
		}
		return true
	})
	if err != nil {
		return 0, nil, err
	}
	err = s.complete(ctx, account, &page)
	return n, page.Contacts, err
}

// InSegment says whether a contact is in a segment; CodeNotFound when the
// account has no such segment or contact.
func (s *Store) InSegment(ctx context.Context, account tidings.AccountID, id tidings.SegmentID, contact tidings.ContactID) (bool, error) {
	g, err := s.Segment(ctx, account, id)
	if err != nil {
		return false, err
	}
	c, err := s.Contact(ctx, account, contact)
	if err != nil {
		return false, err
	}
	if !g.IsList() {
		return g.Condition.Matcher()(c.Value), nil
	}
	var in bool
	err = s.row(ctx, `SELECT EXISTS (SELECT 1 FROM segment_member WHERE segment = $1 AND contact = $2)`, id, contact).Scan(&in)
	return in, readError(err)
}

// OfSegment gives those of some contacts of an account that are in a segment,
// in their order, at most limit. CodeNotFound when the account has no such segment.
func (s *Store) OfSegment(ctx context.Context, account tidings.AccountID, id tidings.SegmentID, contacts []tidings.Contact, limit int) ([]tidings.Contact, error) {
	g, err := s.Segment(ctx, account, id)
	if err != nil {
		return nil, err
	}
	in := func(c *tidings.Contact) (in bool, err error) {
		err = s.row(ctx, `SELECT EXISTS (SELECT 1 FROM segment_member WHERE segment = $1 AND contact = $2)`, id, c.ID).Scan(&in)
		return in, readError(err)
	}
	if !g.IsList() {
		holds := g.Condition.Matcher()
		in = func(c *tidings.Contact) (bool, error) { return holds(c.Value), nil }
	}
	var of []tidings.Contact
	for i := 0; i < len(contacts) && len(of) < limit; i++ {
		is, err := in(&contacts[i])
		if err != nil {
			return nil, err
		}
		if is {
			of = append(of, contacts[i])
		}
	}
	return of, nil
}

// SegmentsOf gives the segments that a contact is in now, in the order of
// their ids. CodeNotFound when the account has no such contact.
func (s *Store) SegmentsOf(ctx context.Context, account tidings.AccountID, contact tidings.ContactID) ([]tidings.Segment, error) {
	c, err := s.Contact(ctx, account, contact)
	if err != nil {
		return nil, err
	}
	all, err := s.Segments(ctx, account)
	if err != nil {
		return nil, err
	}
	rows, err := s.rows(ctx, `SELECT segment FROM segment_member WHERE contact = $1`, contact)
	lists, err := gather(rows, err, func(row scanner) (id tidings.SegmentID, err error) { return id, row.Scan(&id) })
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(g tidings.Segment) bool {
		if g.IsList() {
			return !slices.Contains(lists, g.ID)
		}
		return !g.Condition.Matcher()(c.Value)
	}), nil
}
