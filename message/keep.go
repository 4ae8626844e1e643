package message

import (
	"context"
	"time"

	"tidings"
)

// longestSending is how long a conversation about one mail may take. A server may
// think about a mail for ten minutes (RFC 5321, section 4.5.3.2.6), and who
// does not wait for it sends it a second time.
const longestSending = 12 * time.Minute

// keep renews the claim of a mail while a conversation is about it, and gives the
// conversation the time. done is to be called when it has ended. Most mails
// are sent before anything is to be renewed.
func (s *Sender) keep(j *job, about *session) (done func()) {
	end := s.o.Now().Add(longestSending)
	until := j.until
	stop, ended := make(chan struct{}), make(chan struct{})
	first := time.AfterFunc(s.renewIn(until), func() {
		defer close(ended)
		for s.o.Now().Before(end) {
			if until = s.renew(j); until.IsZero() {
				return
			}
			about.within(until)
			again := time.NewTimer(s.renewIn(until))
			select {
			case <-again.C:
			case <-stop:
				again.Stop()
				return
			}
		}
	})
	return func() {
		if first.Stop() {
			return
		}
		close(stop)
		<-ended
	}
}

// renewIn is how long after now a claim is to be renewed that is good until a time.
func (s *Sender) renewIn(until time.Time) time.Duration {
	return until.Sub(s.o.Now()) - s.o.Hold/4
}

// renew makes the claim of a mail a whole one again; its fence stays. It gives
// until when it is good, zero when the mail is not ours any more or the store is away.
func (s *Sender) renew(j *job) time.Time {
	ctx, cancel := context.WithTimeout(s.ctx, s.o.Hold/8)
	defer cancel()
	now := s.o.Now()
	err := s.o.Store.SettleMails(ctx, []tidings.MailOutcome{{
		Mail: j.mail.ID, Fence: j.mail.Fence, At: now, State: tidings.MailQueued, Due: now.Add(s.o.Hold), Error: j.mail.LastError,
	}})[0]
	if err != nil {
		s.o.Log.Warn("a mail that takes long to be sent can't be kept in hand", "mail", j.mail.ID, "error", err)
		return time.Time{}
	}
	return now.Add(s.o.Hold - s.o.Hold/8)
}
