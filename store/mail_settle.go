package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tidings"
)

// maxMailError bounds what is kept, and told, of a server's words, in bytes.
const maxMailError = 2000

// SettleMail is SettleMails for one outcome.
func (s *Store) SettleMail(ctx context.Context, o tidings.MailOutcome) error {
	return s.SettleMails(ctx, []tidings.MailOutcome{o})[0]
}

// SettleMails stores what became of some mails, with the activities that tell
// it (DELIVERED of MailSent, UNDELIVERED of MailFailed), the counts of their
// broadcasts and the black list, in one commit. The errors are those of the
// outcomes in their order; an error of the store is that of all:
//
//	CodeFenced    the mail is another claimant's, or was settled meanwhile
//	CodeNotFound  there is no such mail
//
// An outcome that is heard later (Fence 0) makes a mail that was sent a failed
// one; of one that has failed it says nothing new, and so there is no activity.
// A mail without a contact, a test's, has no activities.
func (s *Store) SettleMails(ctx context.Context, outcomes []tidings.MailOutcome) []error {
	errs := make([]error, len(outcomes))
	err := s.commit(ctx, func(tx *writeTx) error {
		st := settling{s: s, tx: tx, news: news{s: s}, counts: make(map[tidings.BroadcastID]mailCounts)}
		for i := range outcomes {
			err := st.settle(&outcomes[i])
			if code := tidings.CodeOf(err); err != nil && code != tidings.CodeFenced && code != tidings.CodeNotFound {
				return err
			}
			errs[i] = err
		}
		if err := st.count(); err != nil {
			return err
		}
		return st.news.store(tx)
	})
	if err != nil {
		for i := range errs {
			errs[i] = err
		}
	}
	return errs
}

// news is the activities of many mails in the making, which are stored together.
type news struct {
	s  *Store
	of map[tidings.AccountID][]tidings.Activity
}

// tell adds an activity. One that can't be made, because the mail's address is
// none, is left out: what happened stays true without it.
func (n *news) tell(m *tidings.Mail, status tidings.Status, at time.Time, x tidings.MailFacts) {
	if m.Contact == 0 {
		return
	}
	x.ViewLink = n.s.opts.ViewLink(m.ID)
	a, err := tidings.MailActivity(m, status, at, x)
	if err != nil {
		n.s.opts.Log.Warn("an activity of a mail was left out", "mail", m.ID, "status", status.String(), "error", err)
		return
	}
	if n.of == nil {
		n.of = make(map[tidings.AccountID][]tidings.Activity)
	}
	n.of[m.Account] = append(n.of[m.Account], a)
}

func (n *news) store(tx *writeTx) error {
	for _, account := range slices.Sorted(maps.Keys(n.of)) {
		if err := n.s.appendWithin(tx, account, n.of[account]); err != nil {
			return err
		}
	}
	return nil
}

// mailCounts is what outcomes change of a broadcast's counts.
type mailCounts struct{ sent, failed, settled int64 }

// settling is the work of one SettleMails.
type settling struct {
	s      *Store
	tx     *writeTx
	news   news
	counts map[tidings.BroadcastID]mailCounts
}

func (st *settling) settle(o *tidings.MailOutcome) error {
	if o.Fence == 0 {
		return st.heardLater(o)
	}
	at := cmp.Or(o.At, st.tx.now)
	due, sent := int64(0), int64(0)
	switch o.State {
	case tidings.MailQueued:
		due = millis(cmp.Or(o.Due, st.tx.now))
	case tidings.MailSent:
		sent = millis(at)
	}
	var r mailRow
	err := r.read(st.tx.row(`UPDATE mail SET state = $3, due = CASE WHEN $3 = 'queued' THEN $4 ELSE due END, wake = $4, error = $5, sent = $6
		WHERE id = $1 AND fence = $2 AND state = 'queued' RETURNING `+mailColumns, o.Mail, o.Fence, o.State, due, mailError(o.Error), sent))
	if errors.Is(err, sql.ErrNoRows) {
		return st.whyNotSettled(o)
	}
	if err != nil {
		return err
	}
	if o.State == tidings.MailQueued {
		return st.again(&r.Mail)
	}
	st.add(r.Broadcast, mailCounts{settled: 1})
	switch o.State {
	case tidings.MailSent:
		st.add(r.Broadcast, mailCounts{sent: 1})
		if r.hits&hitDelivered == 0 {
			st.news.tell(&r.Mail, tidings.Delivered, at, tidings.MailFacts{})
		}
	case tidings.MailFailed:
		return st.failed(&r.Mail, o, at)
	}
	return nil
}

// again has a mail wait for its next try, unless its broadcast was canceled meanwhile.
func (st *settling) again(m *tidings.Mail) error {
	if m.Broadcast != 0 {
		n, err := st.tx.exec(`UPDATE mail SET state = 'dropped', wake = 0 WHERE id = $1
			AND EXISTS (SELECT 1 FROM broadcast WHERE id = $2 AND state = 'canceled')`, m.ID, m.Broadcast)
		st.add(m.Broadcast, mailCounts{settled: n})
		if err != nil || n > 0 {
			return err
		}
	}
	if millis(m.Due) <= millis(st.tx.now) {
		st.tx.onCommit(st.s.mailsDue)
	}
	return nil
}

func (st *settling) failed(m *tidings.Mail, o *tidings.MailOutcome, at time.Time) error {
	st.add(m.Broadcast, mailCounts{failed: 1})
	hard := true
	var err error
	if o.Permanent {
		err = blacklistMail(st.tx, m, fmt.Sprintf("mail %d bounced: %s", m.ID, mailError(o.Error)))
	} else {
		hard, err = mailBlacklisted(st.tx, m)
	}
	if err != nil {
		return err
	}
	st.news.tell(m, tidings.Undelivered, at, tidings.MailFacts{Description: mailError(o.Error), HardBounce: hard})
	return nil
}

// heardLater takes what is heard of a mail from another than its claimant, by the mail's id alone.
func (st *settling) heardLater(o *tidings.MailOutcome) error {
	var r mailRow
	if err := r.read(st.tx.row(selectMail+` WHERE id = $1`, o.Mail)); err != nil {
		return orNotFound(err, "mail", int64(o.Mail))
	}
	if erased(&r.Mail) {
		return errErased(&r.Mail)
	}
	if o.State != tidings.MailFailed || r.State == tidings.MailFailed || r.State == tidings.MailDropped {
		return nil
	}
	// Whoever is sending it now hears that it is done.
	if _, err := st.tx.exec(`UPDATE mail SET state = 'failed', wake = 0, fence = fence + 1, error = $2 WHERE id = $1`, o.Mail, mailError(o.Error)); err != nil {
		return err
	}
	if r.State == tidings.MailQueued {
		st.add(r.Broadcast, mailCounts{settled: 1})
	}
	return st.failed(&r.Mail, o, cmp.Or(o.At, st.tx.now))
}

func (st *settling) whyNotSettled(o *tidings.MailOutcome) error {
	var state tidings.MailState
	if err := st.tx.row(`SELECT state FROM mail WHERE id = $1`, o.Mail).Scan(&state); err != nil {
		return orNotFound(err, "mail", int64(o.Mail))
	}
	return tidings.Errorf(tidings.CodeFenced, "mail %d is not as it was claimed: it is %s, or in other hands", o.Mail, state)
}

func (st *settling) add(b tidings.BroadcastID, n mailCounts) {
	if b == 0 {
		return
	}
	c := st.counts[b]
	st.counts[b] = mailCounts{c.sent + n.sent, c.failed + n.failed, c.settled + n.settled}
}

func (st *settling) count() error {
	for _, b := range slices.Sorted(maps.Keys(st.counts)) {
		c := st.counts[b]
		if err := st.tx.queue(`UPDATE broadcast SET sent = sent + $2, failed = failed + $3, open = open - $4 WHERE id = $1`, b, c.sent, c.failed, c.settled); err != nil {
			return err
		}
	}
	return nil
}

// mailError gives what is kept of a server's words.
func mailError(words string) string {
	return strings.ToValidUTF8(words[:min(len(words), maxMailError)], "")
}

func mailKey(m *tidings.Mail) contactKey {
	return channelKey(tidings.Channel{Type: tidings.Email, Value: m.To})
}

func mailBlacklisted(q querier, m *tidings.Mail) (listed bool, err error) {
	k := mailKey(m)
	err = q.row(`SELECT EXISTS (SELECT 1 FROM blacklist WHERE account = $1 AND kind = $2 AND key = $3)`, m.Account, k.kind, k.key).Scan(&listed)
	return listed, err
}

// blacklistMail notes that nothing may be sent to a mail's address any more.
func blacklistMail(tx *writeTx, m *tidings.Mail, reason string) error {
	_, err := addToBlacklist(tx, m.Account, mailKey(m), clipReason(reason))
	return err
}

// clipReason makes words fit for a reason, which is for people.
func clipReason(words string) string {
	runes := []rune(words)
	return string(runes[:min(len(runes), tidings.MaxContactText)])
}
