package store

import (
	"context"
	"math"
	"time"

	"tidings"
)

// Timeline gives what happened to a contact, newest first: at most limit (1 or
// more) of its events, activities, calls, runs and mails that are older than
// those of a cursor. Each kind comes in the order in which it was stored; between the
// kinds the times decide. CodeNotFound when the account has no such contact.
func (s *Store) Timeline(ctx context.Context, account tidings.AccountID, id tidings.ContactID, from tidings.TimelineCursor, limit int) (tidings.TimelinePage, error) {
	if _, err := s.Contact(ctx, account, id); err != nil {
		return tidings.TimelinePage{}, err
	}
	t := timeline{s: s, ctx: ctx, account: account, contact: id, at: from, limit: limit}
	for _, read := range t.sources() {
		run, err := read()
		if err != nil {
			return tidings.TimelinePage{}, err
		}
		t.runs = append(t.runs, run)
	}
	return t.merge(), nil
}

// timeline is one page in the making.
type timeline struct {
	s       *Store
	ctx     context.Context
	account tidings.AccountID
	contact tidings.ContactID
	at      tidings.TimelineCursor
	limit   int
	runs    []timelineRun
}

// timelineRun is the next entries of one kind, newest first.
type timelineRun struct {
	entries []tidings.TimelineEntry
	// more: there are entries after these, or may be. advance is called when
	// the entries are used up, to move the cursor past what else was looked through.
	more    bool
	advance func()
}

// sources reads the kinds of entries, each at most limit after the cursor.
func (t *timeline) sources() []func() (timelineRun, error) {
	return []func() (timelineRun, error){t.events, t.activities, t.calls, t.allRuns, t.mails}
}

func (t *timeline) events() (timelineRun, error) {
	events, err := t.s.Events(t.ctx, tidings.EventQuery{Account: t.account, Contact: t.contact, Before: t.at.Event, Limit: t.limit})
	run := timelineRun{more: len(events) == t.limit, advance: func() {}}
	for i := range events {
		run.entries = append(run.entries, tidings.TimelineEntry{At: events[i].At, Event: &events[i]})
	}
	return run, err
}

func (t *timeline) activities() (timelineRun, error) {
	page, err := t.s.Search(t.ctx, tidings.ActivityQuery{
		Account: t.account, ContactID: int64(t.contact), After: t.at.Activity, Limit: t.limit, Descending: true,
	})
	run := timelineRun{more: page.Next > 0, advance: func() {
		if page.Next > 0 {
			t.at.Activity = page.Next
		}
	}}
	for i := range page.Found {
		facts, err := tidings.ReadFacts(page.Found[i].Wire)
		if err != nil {
			return timelineRun{}, err
		}
		run.entries = append(run.entries, tidings.TimelineEntry{At: time.Unix(facts.At, 0).UTC(), Activity: &page.Found[i]})
	}
	return run, err
}

// calls reads what the timeline shows of calls: not their details, which are large.
func (t *timeline) calls() (timelineRun, error) {
	before, id := int64(math.MaxInt64), int64(math.MaxInt64)
	if t.at.Call.ID != 0 {
		before, id = millis(t.at.Call.At), int64(t.at.Call.ID)
	}
	rows, err := t.s.rows(t.ctx, `SELECT id, webhook, name, event, test, at, duration, outcome, error FROM call
		WHERE contact > 0 AND contact = $1 AND +account = $2 AND (at, id) < ($3, $4) ORDER BY at DESC, id DESC LIMIT $5`,
		t.contact, t.account, before, id, t.limit)
	if err != nil {
		return timelineRun{}, err
	}
	defer rows.Close()
	run := timelineRun{advance: func() {}}
	for rows.Next() {
		c := tidings.Call{Account: t.account, Contact: t.contact}
		var at, duration int64
		if err := rows.Scan(&c.ID, &c.Webhook, &c.Name, &c.Event, &c.Test, &at, &duration, &c.Outcome, &c.Error); err != nil {
			return timelineRun{}, readError(err)
		}
		c.At, c.Duration = fromMillis(at), time.Duration(duration)*time.Microsecond
		run.entries = append(run.entries, tidings.TimelineEntry{At: c.At, Call: &c})
	}
	run.more = len(run.entries) == t.limit
	return run, readError(rows.Err())
}

func (t *timeline) allRuns() (timelineRun, error) {
	runs, err := t.s.Runs(t.ctx, tidings.RunQuery{Account: t.account, Contact: t.contact, Before: t.at.Run, Limit: t.limit})
	run := timelineRun{more: len(runs) == t.limit, advance: func() {}}
	for i := range runs {
		run.entries = append(run.entries, tidings.TimelineEntry{At: runs[i].StartedAt, Run: &runs[i]})
	}
	return run, err
}

func (t *timeline) mails() (timelineRun, error) {
	mails, err := t.s.Mails(t.ctx, tidings.MailQuery{Account: t.account, Contact: t.contact, Before: t.at.Mail, Limit: t.limit})
	run := timelineRun{more: len(mails) == t.limit, advance: func() {}}
	for i := range mails {
		run.entries = append(run.entries, tidings.TimelineEntry{At: mails[i].CreatedAt, Mail: &mails[i]})
	}
	return run, err
}

// merge takes the newest entry of all runs, again and again, until the page is
// full or a run that goes on is used up: what comes after it is not known.
func (t *timeline) merge() tidings.TimelinePage {
	var page tidings.TimelinePage
	for len(page.Entries) < t.limit {
		newest := -1
		for i := range t.runs {
			run := &t.runs[i]
			if len(run.entries) == 0 {
				if run.more {
					run.advance()
					return t.next(page)
				}
				continue
			}
			if newest < 0 || run.entries[0].At.After(t.runs[newest].entries[0].At) {
				newest = i
			}
		}
		if newest < 0 {
			return page
		}
		entry := t.runs[newest].entries[0]
		t.runs[newest].entries = t.runs[newest].entries[1:]
		t.pass(entry)
		page.Entries = append(page.Entries, entry)
	}
	for _, run := range t.runs {
		if len(run.entries) > 0 || run.more {
			return t.next(page)
		}
	}
	return page
}

func (t *timeline) next(page tidings.TimelinePage) tidings.TimelinePage {
	at := t.at
	page.Next = &at
	return page
}

// pass moves the cursor past an entry.
func (t *timeline) pass(e tidings.TimelineEntry) {
	switch {
	case e.Event != nil:
		t.at.Event = e.Event.ID
	case e.Activity != nil:
		t.at.Activity = e.Activity.Seq
	case e.Run != nil:
		t.at.Run = e.Run.ID
	case e.Mail != nil:
		t.at.Mail = e.Mail.ID
	case e.Call != nil:
		t.at.Call = tidings.CallCursor{At: e.Call.At, ID: e.Call.ID}
	}
}
