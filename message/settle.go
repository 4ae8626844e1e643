package message

import (
	"context"
	"time"

	"tidings"
)

// When a mail is given up: after three days, when it was tried a few times.
const (
	giveUpAfter = 72 * time.Hour
	giveUpTries = 8
)

// retryIn is the wait after a try: 1, 2, 4, 8, 16, 32, 60, 60 … minutes.
func retryIn(tries int) time.Duration {
	return min(time.Minute<<min(max(tries-1, 0), 6), time.Hour)
}

// outcome decides what becomes of a mail by an answer.
func (s *Sender) outcome(j *job, a answer) tidings.MailOutcome {
	m, now := j.mail, s.o.Now()
	o := tidings.MailOutcome{Mail: m.ID, Fence: m.Fence, At: now, State: tidings.MailQueued, Error: a.words}
	switch a.verb {
	case verbSent:
		o.State = tidings.MailSent
		s.counts.sent.Add(1)
		return o
	case verbRefused:
		o.State, o.Permanent = tidings.MailFailed, a.dead
		s.counts.failed.Add(1)
		return o
	case verbServer: // not the mail's fault, and so it is never given up for that
		s.counts.later.Add(1)
		o.Due = now
		if until := s.door.closed(now); !until.IsZero() {
			o.Due = until
		}
		return o
	case verbLost:
		s.counts.lost.Add(1)
		s.o.Log.Warn("the answer to a mail was lost: it is sent again, under the same Message-ID", "mail", m.ID, "to", m.To, "error", a.words)
	}
	if now.Sub(m.CreatedAt) >= giveUpAfter && m.Tries >= giveUpTries {
		o.State = tidings.MailFailed
		s.counts.failed.Add(1)
		return o
	}
	s.counts.later.Add(1)
	o.Due = now.Add(retryIn(m.Tries))
	return o
}

// Settling.
const (
	settleAtOnce  = 256
	settleTime    = 30 * time.Second // of one commit
	settleTries   = 5                // after the stop
	settlePause   = 100 * time.Millisecond
	longestSettle = 5 * time.Second
)

// settleAll stores outcomes, as many together as have gathered.
func (s *Sender) settleAll() {
	for first := range s.settled {
		batch := []tidings.MailOutcome{first}
		for len(batch) < settleAtOnce {
			o, ok := s.nextSettled()
			if !ok {
				break
			}
			batch = append(batch, o)
		}
		s.settle(batch)
	}
}

func (s *Sender) nextSettled() (o tidings.MailOutcome, ok bool) {
	select {
	case o, ok = <-s.settled:
		return o, ok
	default:
		return o, false
	}
}

// settle stores outcomes until it has worked: what is not stored is sent twice.
func (s *Sender) settle(batch []tidings.MailOutcome) {
	pause := settlePause
	for tries := 1; ; tries++ {
		left := s.settleOnce(batch)
		s.inHand.Add(int64(len(left) - len(batch)))
		poke(s.room)
		if len(left) == 0 {
			return
		}
		batch = left
		select {
		case <-s.closing:
			if tries >= settleTries {
				return
			}
		default:
		}
		<-time.After(pause)
		pause = min(2*pause, longestSettle)
	}
}

// settleOnce gives the outcomes that are still to be stored.
func (s *Sender) settleOnce(batch []tidings.MailOutcome) (left []tidings.MailOutcome) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), settleTime)
	defer cancel()
	for i, err := range s.o.Store.SettleMails(ctx, batch) {
		switch tidings.CodeOf(err) {
		case "":
		case tidings.CodeFenced, tidings.CodeNotFound:
			if batch[i].State == tidings.MailSent {
				s.o.Log.Warn("a mail was sent whose claim had ended", "mail", batch[i].Mail, "error", err)
			}
		default:
			if len(left) == 0 {
				s.o.Log.Error("what came of mails can't be stored", "mails", len(batch), "error", err)
			}
			left = append(left, batch[i])
		}
	}
	return left
}
