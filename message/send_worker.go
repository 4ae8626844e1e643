package message

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tidings"
)

// worker sends one mail after another over one conversation.
type worker struct {
	s       *Sender
	session *session
	unwatch func() bool // the conversation is not cut off any more when the sender is
}

const (
	idleTime     = 20 * time.Second // then an unused conversation ends
	mailsAtOnce  = 1000             // in one conversation
	crowdedPause = 5 * time.Second  // of a worker that the server has no conversation for
)

func (w *worker) run() {
	defer w.hangUp()
	idle := time.NewTimer(idleTime)
	defer idle.Stop()
	for {
		select {
		case <-w.s.closing:
			w.drain()
			return
		case <-idle.C:
			w.hangUp()
		case j := <-w.s.jobs:
			w.do(j)
			idle.Reset(idleTime)
		}
	}
}

// drain gives back what has not begun.
func (w *worker) drain() {
	for {
		select {
		case j := <-w.s.jobs:
			w.do(j)
		default:
			return
		}
	}
}

// do sends one mail and says what came of it.
func (w *worker) do(j *job) {
	now := w.s.o.Now()
	select {
	case <-w.s.stopping:
		w.s.putBack(j, now)
		w.s.ended(j)
		return
	default:
	}
	if now.After(j.start) { // it has waited for its turn for too long to begin under this claim
		w.s.putBack(j, now)
		w.s.ended(j)
		return
	}
	a, crowded := w.send(j, now)
	if crowded {
		w.s.jobs <- j // for a worker that has a conversation
		select {
		case <-w.s.closing:
		case <-time.After(crowdedPause):
		}
		return
	}
	w.s.bytes.Add(-size(j.mail))
	w.s.settled <- w.s.outcome(j, a)
	w.s.moved.Store(w.s.o.Now().UnixMilli())
	w.s.ended(j)
}

// send decides whether a mail may go, and hands it over.
func (w *worker) send(j *job, now time.Time) (a answer, crowded bool) {
	if a, may := w.s.mayGet(j.mail); !may {
		return a, false
	}
	if w.s.o.Server == nil {
		return answer{verb: verbSent}, false
	}
	l, err := w.s.writer.letter(j.mail, now)
	if err != nil {
		return answer{verb: verbRefused, words: err.Error()}, false
	}
	for again := false; ; again = true {
		if w.session == nil {
			if crowded, err := w.dial(now); crowded || err != nil {
				return answer{verb: verbServer, words: fmt.Sprint(err)}, crowded
			}
		}
		kept := w.s.keep(j, w.session)
		a := w.session.send(l, j.until)
		kept()
		switch {
		case a.verb == verbServer:
			w.s.door.turnedAway(w.s.o.Now(), a.words)
		case a.verb == verbSent || a.reusable:
			w.s.door.heard()
		}
		if !a.reusable || w.session.mails >= mailsAtOnce {
			w.end(a.reusable)
		}
		if !a.untouched || again {
			return a, false
		}
	}
}

// mayGet looks at the contact as it is now: it may have unsubscribed since the mail was made.
func (s *Sender) mayGet(m *tidings.Mail) (answer, bool) {
	if m.Contact == 0 {
		return answer{}, true
	}
	c, err := s.o.Store.Contact(s.ctx, m.Account, m.Contact)
	if tidings.CodeOf(err) == tidings.CodeNotFound {
		return answer{verb: verbRefused, words: "the contact was deleted before the mail was sent"}, false
	}
	if err != nil {
		return answer{verb: verbLater, words: "the contact can't be read now"}, false
	}
	has := m.Test // a test goes to any address
	for _, ch := range c.Channels {
		if ch.Type != tidings.Email || !strings.EqualFold(ch.Value, m.To) {
			continue
		}
		has = true
		if ch.Blacklisted {
			return answer{verb: verbRefused, words: "the address is in the black list: nothing was sent"}, false
		}
	}
	switch {
	case !has:
		return answer{verb: verbRefused, words: "the contact does not have this address any more: nothing was sent"}, false
	case !m.Test && !subscribed(&c, m.Categories):
		return answer{verb: verbRefused, words: "the contact has unsubscribed: nothing was sent"}, false
	}
	return answer{}, true
}

// dial opens a conversation.
func (w *worker) dial(now time.Time) (crowded bool, err error) {
	if !w.s.door.closed(now).IsZero() {
		return false, fmt.Errorf("the mail server can't be reached: %s", w.s.door.trouble())
	}
	w.s.door.knock()
	session, err := w.s.o.Server.dial(w.s.ctx, w.s.o.Hello)
	if err != nil {
		crowded := w.s.door.failed(w.s.o.Now(), netWords(err))
		return crowded, fmt.Errorf("the mail server can't be reached: %s", netWords(err))
	}
	w.s.door.opened()
	w.session = session
	w.unwatch = context.AfterFunc(w.s.ctx, func() { session.conn.Close() })
	return false, nil
}

// hangUp ends an idle conversation.
func (w *worker) hangUp() {
	if w.session != nil {
		w.end(true)
	}
}

// end ends the conversation, with a farewell if it is in order.
func (w *worker) end(politely bool) {
	w.unwatch()
	if politely {
		w.session.close()
	} else {
		w.session.client.Close()
	}
	w.session = nil
	w.s.door.ended()
}
