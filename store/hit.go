package store

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"tidings"
)

// What has happened to a mail once: bits of the column hits.
const (
	hitDelivered    = 1 << iota // its DELIVERED was told before its sending was settled
	hitMachine                  // a machine has opened it
	hitUnsubscribed             // its UNSUBSCRIBED was told
	hitComplained               // its SPAM was told
)

// unsubscribedReason is why those are black-listed who unsubscribed from a mail without categories.
const unsubscribedReason = "unsubscribed from all mails"

// trackAll stores hits in one transaction. Errors of a hit are left in it; the
// result ends the transaction.
func (s *Store) trackAll(tx *writeTx, hits []*pendingHit) error {
	t := tracking{s: s, tx: tx, news: news{s: s}, counted: make(map[tidings.AccountID]bool)}
	for _, p := range hits {
		p.err = t.track(&p.hit)
		if code := tidings.CodeOf(p.err); p.err != nil && code != tidings.CodeNotFound && code != tidings.CodeInvalid {
			return p.err
		}
	}
	return t.news.store(tx)
}

// tracking is the work of one transaction of hits.
type tracking struct {
	s       *Store
	tx      *writeTx
	news    news
	counted map[tidings.AccountID]bool // whether opens of machines count; read once an account
	mail    mailRow                    // of the hit at hand
}

func (t *tracking) track(h *tidings.Hit) error {
	t.mail = mailRow{}
	if err := t.mail.read(t.tx.row(selectMail+` WHERE id = $1`, h.Mail)); err != nil {
		return orNotFound(err, "mail", int64(h.Mail))
	}
	if erased(&t.mail.Mail) {
		return errErased(&t.mail.Mail)
	}
	h.At = cmp.Or(h.At, t.tx.now)
	m := &t.mail
	opened, hits := m.opened, m.hits
	if m.State == tidings.MailQueued && m.Tries > 0 && m.hits&hitDelivered == 0 {
		// It has arrived, and only the SMTP server's answer is not stored yet: DELIVERED comes first all the same.
		m.hits |= hitDelivered
		t.news.tell(&m.Mail, tidings.Delivered, h.At, tidings.MailFacts{})
	}
	if err := t.act(h); err != nil {
		return err
	}
	if m.opened == opened && m.hits == hits {
		return nil
	}
	return t.tx.queue(`UPDATE mail SET opened = $2, hits = $3 WHERE id = $1`, m.ID, m.opened, m.hits)
}

func (t *tracking) act(h *tidings.Hit) error {
	m := &t.mail
	switch h.Kind {
	case tidings.HitOpen, tidings.HitClick:
		if h.Machine {
			m.hits |= hitMachine
			if counts, err := t.counts(m.Account); err != nil || !counts {
				return err
			}
		}
		if h.Kind == tidings.HitClick {
			t.news.tell(&m.Mail, tidings.Clicked, h.At, tidings.MailFacts{ClickURL: h.URL})
		} else if m.opened == 0 {
			m.opened = millis(h.At)
			t.news.tell(&m.Mail, tidings.Read, h.At, tidings.MailFacts{})
		}
	case tidings.HitUnsubscribe:
		return t.unsubscribe(h)
	case tidings.HitPreferences:
		return t.prefer(h)
	case tidings.HitComplaint:
		if m.hits&hitComplained != 0 {
			return nil
		}
		m.hits |= hitComplained
		t.news.tell(&m.Mail, tidings.Spam, h.At, tidings.MailFacts{})
		return blacklistMail(t.tx, &m.Mail, fmt.Sprintf("a complaint about mail %d", m.ID))
	default:
		return tidings.Errorf(tidings.CodeInvalid, "there is no hit of the kind %q", h.Kind)
	}
	return nil
}

// counts says whether an account takes what machines open for opened.
func (t *tracking) counts(account tidings.AccountID) (bool, error) {
	if counts, known := t.counted[account]; known {
		return counts, nil
	}
	var counts flag
	err := t.tx.row(`SELECT count_opens FROM mail_settings WHERE account = $1`, account).Scan(&counts)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	t.counted[account] = bool(counts)
	return bool(counts), nil
}

// unsubscribe takes the mail's categories off the contact. It does so every
// time, because the contact may have taken them again.
func (t *tracking) unsubscribe(h *tidings.Hit) error {
	m := &t.mail
	off := m.Categories
	left, changed, err := t.subscribe(func(has []string) []string {
		if len(off) == 0 {
			return nil
		}
		return slices.DeleteFunc(slices.Clone(has), func(key string) bool { return slices.Contains(off, key) })
	})
	if err != nil {
		return err
	}
	if len(off) == 0 {
		n, err := addToBlacklist(t.tx, m.Account, mailKey(&m.Mail), unsubscribedReason)
		if err != nil {
			return err
		}
		changed = changed || n > 0
	}
	if m.hits&hitUnsubscribed == 0 || changed {
		m.hits |= hitUnsubscribed
		t.news.tell(&m.Mail, tidings.Unsubscribed, h.At, tidings.MailFacts{Subscriptions: left})
	}
	return nil
}

// prefer gives the contact the categories that it chose.
func (t *tracking) prefer(h *tidings.Hit) error {
	m := &t.mail
	left, changed, err := t.subscribe(func([]string) []string { return h.Categories })
	if err != nil {
		return err
	}
	if len(left) > 0 {
		k := mailKey(&m.Mail)
		n, err := t.tx.exec(`DELETE FROM blacklist WHERE account = $1 AND kind = $2 AND key = $3 AND reason = $4`, m.Account, k.kind, k.key, unsubscribedReason)
		if err != nil {
			return err
		}
		changed = changed || n > 0
	}
	if changed {
		t.news.tell(&m.Mail, tidings.SubscriptionChanged, h.At, tidings.MailFacts{Subscriptions: left})
	}
	return nil
}

// subscribe changes the subscriptions of the mail's contact and gives them as
// they are then; nil when the contact is gone. The change's own activity is left
// to the caller, who knows the mail.
func (t *tracking) subscribe(to func(has []string) []string) (now []string, changed bool, err error) {
	m := &t.mail
	w, err := t.s.newContactWriter(t.tx, m.Account)
	if err != nil {
		return nil, false, err
	}
	was, err := readContact(t.tx, m.Account, m.Contact, w.fields)
	if tidings.CodeOf(err) == tidings.CodeNotFound {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	now = append([]string{}, to(was.Subscriptions)...) // none is said, too
	if changed, err = w.change(&was, &tidings.ContactChange{Subscriptions: &now}); err != nil {
		return nil, false, err
	}
	w.activities = nil
	slices.Sort(now)
	return slices.Compact(now), changed, w.flush()
}
