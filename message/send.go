package message

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tidings"
)

// SenderStore is what a Sender asks of a store.
type SenderStore interface {
	ClaimMails(ctx context.Context, limit int, hold time.Duration) ([]tidings.Mail, time.Time, error)
	SettleMails(ctx context.Context, outcomes []tidings.MailOutcome) []error
	Contact(ctx context.Context, account tidings.AccountID, id tidings.ContactID) (tidings.Contact, error)
}

// SenderOptions configures a Sender. Store, Links and VERP.Keys are required.
type SenderOptions struct {
	Store SenderStore
	Links *Links
	// VERP makes the return paths and Message-IDs. Without a Domain bounces go to
	// the sender's address, and the Message-IDs are of its domain.
	VERP VERP
	// Server takes the mails. Default: none, and a mail counts as sent at once; it
	// is kept to be looked at (the outbox).
	Server *Server
	// DKIM signs. Default: mails are not signed.
	DKIM *DKIM
	// Hello is what the server is told to be greeted by. Default: the host's name.
	Hello string
	// Connections is how many conversations are open at most. Default: 16.
	Connections int
	Pace        Pace
	// Hold is how long a claim holds: after a crash its mails wait for so long. A
	// conversation about a mail ends before. At least 10 seconds. Default: 2 minutes.
	Hold time.Duration
	// Log is where trouble is told. Default: slog.Default().
	Log *slog.Logger
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Sender sends the mails that are due. A mail is sent once for each claim; it
// comes twice only when the server's answer was lost, and then under the same Message-ID.
type Sender struct {
	o      SenderOptions
	writer writer
	pacer  *pacer
	door   door

	wake    chan struct{}            // capacity 1
	room    chan struct{}            // capacity 1: something was settled
	jobs    chan *job                // never full: it has room for all that is in hand
	settled chan tidings.MailOutcome // never full, as jobs

	// Stopping goes through these, in order; each is closed once.
	stopping chan struct{} // nothing is claimed or begun any more
	closing  chan struct{} // no claim is under way any more: workers end
	stop     sync.Once
	ending   sync.Once
	closed   sync.Once
	ctx      context.Context // ends when what is under way is cut off
	cutOff   context.CancelFunc
	claims   sync.WaitGroup
	workers  sync.WaitGroup
	settler  sync.WaitGroup
	started  atomic.Bool

	inHand atomic.Int64
	bytes  atomic.Int64 // of the mails that are not done with
	moved  atomic.Int64 // when mails were taken in hand to wait here, or one was done with, in Unix milliseconds
	looked time.Time    // when mails for other domains were looked for; of the claiming goroutine
	counts senderCounts
}

type senderCounts struct{ sent, failed, later, lost atomic.Int64 }

// SenderStatus tells how a Sender stands.
type SenderStatus struct {
	Sent   int64  // mails that were taken since the start
	Failed int64  // that were refused, or given up
	Later  int64  // sendings that will be repeated
	Lost   int64  // of them, those whose answer was lost
	InHand int64  // mails that are claimed and not settled
	Error  string // why the server can't be reached; "" = it can
	Server string // host and port of the server; "" = there is none
}

// What is in hand. Mails may be large: a claim is for few of them, so that
// their bytes are known soon enough.
const (
	mostInHand  = 512
	reserve     = 64       // of it, to look for other domains when one keeps all hands busy
	claimAtOnce = 128      // mails, of up to 2 * tidings.MaxMailBytes each
	bytesInHand = 64 << 20 // of html and text: no more mails are claimed beyond
)

// How long the sender waits before it looks again.
const (
	stuckAfter    = time.Second            // of full hands: then there may be other domains
	lookElsewhere = 100 * time.Millisecond // from one look for them to the next
	afterTrouble  = 5 * time.Second        // of the store
	longestWait   = time.Minute            // in any case
)

// NewSender makes a Sender that does nothing yet; the error says which option is wrong.
func NewSender(o SenderOptions) (*Sender, error) {
	if o.Store == nil || o.Links == nil || len(o.VERP.Keys) == 0 {
		return nil, errors.New("a Sender needs a store, links and keys")
	}
	o.Hold = cmp.Or(o.Hold, 2*time.Minute)
	if o.Hold < 10*time.Second {
		return nil, errors.New("a claim of mails must hold for 10 seconds at least")
	}
	if o.Connections <= 0 {
		o.Connections = 16
	}
	if o.Hello == "" {
		o.Hello = "localhost"
		if name, err := os.Hostname(); err == nil && name != "" {
			o.Hello = name
		}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Sender{
		o: o, writer: writer{o.Links, o.VERP, o.DKIM}, pacer: newPacer(o.Pace), door: door{log: o.Log},
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1),
		jobs: make(chan *job, mostInHand), settled: make(chan tidings.MailOutcome, mostInHand), stopping: make(chan struct{}), closing: make(chan struct{}),
	}
	s.ctx, s.cutOff = context.WithCancel(context.Background())
	return s, nil
}

// Wake says that mails may have become due. It does not block.
func (s *Sender) Wake() { poke(s.wake) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Start begins to send. It is safe to be called twice.
func (s *Sender) Start() {
	if s.started.Swap(true) {
		return
	}
	s.claims.Go(s.claimAll)
	for range s.o.Connections {
		w := &worker{s: s}
		s.workers.Go(w.run)
	}
	s.settler.Go(s.settleAll)
}

// Stop ends the sender: mails that wait are given back, and those under way may
// finish until ctx ends, when they are cut off. It returns when what came of
// all of them is stored; its error says that this was not possible. It is safe to be called twice.
func (s *Sender) Stop(ctx context.Context) error {
	s.stop.Do(func() { close(s.stopping) })
	if !s.started.Load() {
		return nil
	}
	cut := context.AfterFunc(ctx, s.cutOff)
	defer cut()
	s.claims.Wait()
	s.ending.Do(func() { close(s.closing) })
	s.workers.Wait()
	s.closed.Do(func() { close(s.settled) })
	s.settler.Wait()
	if s.inHand.Load() > 0 {
		return errors.New("what came of some mails could not be stored: they may be sent again")
	}
	return ctx.Err()
}

// Status tells how the sender stands.
func (s *Sender) Status() SenderStatus {
	server := ""
	if s.o.Server != nil {
		server = s.o.Server.Addr
	}
	return SenderStatus{
		Server: server,
		Sent:   s.counts.sent.Load(), Failed: s.counts.failed.Load(), Later: s.counts.later.Load(), Lost: s.counts.lost.Load(),
		InHand: s.inHand.Load(), Error: s.door.trouble(),
	}
}

// claimAll claims mails as there are hands for them.
func (s *Sender) claimAll() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.stopping:
			for _, j := range s.pacer.drop() {
				s.putBack(j, s.o.Now())
			}
			return
		case <-s.wake:
		case <-s.room:
		case <-timer.C:
		}
		timer.Reset(s.claim())
	}
}

// claim claims once, and says how long to wait for the next time.
func (s *Sender) claim() time.Duration {
	now := s.o.Now()
	if until := s.door.closed(now); !until.IsZero() {
		return until.Sub(now)
	}
	limit, patient := s.hands(now)
	if limit == 0 {
		return lookElsewhere
	}
	mails, next, err := s.o.Store.ClaimMails(s.ctx, limit, s.o.Hold)
	if err != nil {
		if s.ctx.Err() == nil {
			s.o.Log.Error("mails can't be claimed", "error", err)
		}
		return afterTrouble
	}
	s.take(mails, now, patient)
	switch {
	case len(mails) == limit: // there are more
		poke(s.room)
		return lookElsewhere
	case next.IsZero():
		return longestWait
	}
	return min(max(next.Sub(now), time.Millisecond), longestWait)
}

// hands says how many mails to claim, and whether they may wait here for others of their domain.
func (s *Sender) hands(now time.Time) (limit int, patient bool) {
	inHand := int(s.inHand.Load())
	if s.door.ajar() {
		return boolInt(inHand == 0), true
	}
	if s.bytes.Load() > bytesInHand {
		return 0, true
	}
	if free := mostInHand - reserve - inHand; free > 0 {
		return min(free, claimAtOnce), true
	}
	if now.Sub(time.UnixMilli(s.moved.Load())) < stuckAfter || now.Sub(s.looked) < lookElsewhere {
		return 0, true // wait for more room: claims are for many mails
	}
	s.looked = now
	return min(max(mostInHand-inHand, 0), claimAtOnce), false
}

// take gives mails to the workers, in their turn.
func (s *Sender) take(mails []tidings.Mail, now time.Time, patient bool) {
	s.inHand.Add(int64(len(mails)))
	if patient && len(mails) > 0 {
		s.moved.Store(now.UnixMilli())
	}
	until := now.Add(s.o.Hold - s.o.Hold/8)
	for i := range mails {
		s.bytes.Add(size(&mails[i]))
		j := &job{mail: &mails[i], domain: domainOf(mails[i].To), until: until, start: now.Add(s.o.Hold / 2)}
		s.act(s.pacer.place(j, now, patient))
	}
	s.pacer.sweep(now)
}

func size(m *tidings.Mail) int64 { return int64(len(m.HTML) + len(m.Text)) }

func (s *Sender) act(t turn) {
	switch {
	case t.now:
		s.jobs <- t.job
	case !t.due.IsZero():
		s.putBack(t.job, t.due)
	}
}

// putBack has a mail wait in the store.
func (s *Sender) putBack(j *job, due time.Time) {
	s.bytes.Add(-size(j.mail))
	s.settled <- tidings.MailOutcome{
		Mail: j.mail.ID, Fence: j.mail.Fence, At: s.o.Now(), State: tidings.MailQueued, Due: due, Error: j.mail.LastError,
	}
}

// ended makes room for the next mail of a domain.
func (s *Sender) ended(j *job) {
	for _, t := range s.pacer.done(j.domain, s.o.Now()) {
		s.act(t)
	}
}
