package message

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tidings"
	"tidings/scope"
)

// BroadcasterStore is what a Broadcaster asks of a store.
type BroadcasterStore interface {
	ClaimBroadcasts(ctx context.Context, limit int, hold time.Duration) ([]tidings.Broadcast, time.Time, error)
	CommitBroadcast(ctx context.Context, page tidings.BroadcastPage) error
	CancelBroadcast(ctx context.Context, account tidings.AccountID, id tidings.BroadcastID, actor string) (tidings.Broadcast, error)
	Message(ctx context.Context, account tidings.AccountID, id tidings.MessageID) (tidings.Message, error)
	MailSettings(ctx context.Context, account tidings.AccountID) (tidings.MailSettings, error)
	Members(ctx context.Context, account tidings.AccountID, id tidings.SegmentID, after tidings.ContactID, limit int) (tidings.MemberPage, error)
	CountMembers(ctx context.Context, account tidings.AccountID, id tidings.SegmentID) (int64, error)
}

// BroadcasterOptions configures a Broadcaster. Store is required.
type BroadcasterOptions struct {
	Store BroadcasterStore
	// Hold is how long a claim of a broadcast holds: after a crash it waits for
	// so long. Default: 1 minute.
	Hold time.Duration
	Log  *slog.Logger     // Default: slog.Default()
	Now  func() time.Time // Default: time.Now
}

// Broadcaster makes the mails of broadcasts: page by page of their segments,
// each page one commit that also says how far it has come. So a contact gets one
// mail, whenever the process ends; what is made, the Sender sends.
type Broadcaster struct {
	o        BroadcasterOptions
	wake     chan struct{} // capacity 1
	ctx      context.Context
	cancel   context.CancelFunc
	done     sync.WaitGroup
	started  atomic.Bool
	compiled map[compiledKey]*Compiled // of the goroutine's alone
}

type compiledKey struct {
	message           tidings.MessageID
	version, settings int64
}

const (
	broadcastPage    = 500      // contacts at once
	broadcastBytes   = 16 << 20 // of their mails, and one more
	mostCompiled     = 64
	broadcastsAtOnce = 4
	pagesAMinute     = 6 // of a paced broadcast
	// pageOfHold is which part of its claim the mails of a page may take: a message that
	// takes long to be made makes short pages. Else the claim would be over
	// before its page is stored, every time, and another node's in the same way.
	pageOfHold = 2 * broadcastsAtOnce
)

// BroadcasterActor is who cancels a broadcast that can't go on, for the audit.
const BroadcasterActor = "tidings"

// NewBroadcaster makes a Broadcaster that does nothing yet.
func NewBroadcaster(o BroadcasterOptions) *Broadcaster {
	o.Hold = cmp.Or(o.Hold, time.Minute)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	b := &Broadcaster{o: o, wake: make(chan struct{}, 1), compiled: map[compiledKey]*Compiled{}}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// Wake says that a broadcast may have become due: one was made or resumed. It does not block.
func (b *Broadcaster) Wake() { poke(b.wake) }

// Start begins to work. It is safe to be called twice.
func (b *Broadcaster) Start() {
	if !b.started.Swap(true) {
		b.done.Go(b.run)
	}
}

// Stop ends the broadcaster and returns when it has ended; a page that is not
// committed is made anew after the next start. It is safe to be called twice.
func (b *Broadcaster) Stop() {
	b.cancel()
	b.done.Wait()
}

func (b *Broadcaster) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-b.wake:
		case <-timer.C:
		}
		timer.Reset(b.round())
	}
}

// round makes a page of each broadcast that is due, and says how long to wait.
func (b *Broadcaster) round() time.Duration {
	list, next, err := b.o.Store.ClaimBroadcasts(b.ctx, broadcastsAtOnce, b.o.Hold)
	if err != nil {
		if b.ctx.Err() == nil {
			b.o.Log.Error("broadcasts can't be claimed", "error", err)
		}
		return afterTrouble
	}
	for i := range list {
		if err := b.page(&list[i]); err != nil && b.ctx.Err() == nil {
			b.failed(&list[i], err)
		}
	}
	switch {
	case len(list) > 0:
		return 0
	case next.IsZero():
		return longestWait
	}
	return min(max(next.Sub(b.o.Now()), time.Millisecond), longestWait)
}

// errCannotGoOn marks what no later try makes good.
var errCannotGoOn = errors.New("the broadcast can't go on")

func (b *Broadcaster) failed(br *tidings.Broadcast, err error) {
	switch {
	case tidings.CodeOf(err) == tidings.CodeFenced: // paused, canceled, or another node's
	case tidings.CodeOf(err) == tidings.CodeNotFound, errors.Is(err, errCannotGoOn):
		b.o.Log.Error("a broadcast is canceled: it can't go on", "broadcast", br.ID, "account", br.Account, "error", err)
		if _, err := b.o.Store.CancelBroadcast(b.ctx, br.Account, br.ID, BroadcasterActor); err != nil {
			b.o.Log.Error("a broadcast can't be canceled", "broadcast", br.ID, "error", err)
		}
	default: // the claim's end is the time of the next try
		b.o.Log.Error("a page of a broadcast can't be made", "broadcast", br.ID, "account", br.Account, "error", err)
	}
}

// page makes the mails of one page.
func (b *Broadcaster) page(br *tidings.Broadcast) error {
	c, err := b.compile(br)
	if err != nil {
		return err
	}
	out := tidings.BroadcastPage{ID: br.ID, Fence: br.Fence, After: br.After}
	if br.After == 0 && br.Total == 0 {
		if out.Total, err = b.o.Store.CountMembers(b.ctx, br.Account, br.Segment); err != nil {
			return err
		}
	}
	members, err := b.o.Store.Members(b.ctx, br.Account, br.Segment, br.After, pageSize(br))
	if err != nil {
		return err
	}
	out.Done = members.Next == 0
	bytes, begun := int64(0), b.o.Now()
	for i := range members.Contacts {
		out.After = members.Contacts[i].ID
		bytes += b.mail(br, c, &members.Contacts[i], &out)
		full := bytes >= broadcastBytes || b.o.Now().Sub(begun) >= b.o.Hold/pageOfHold
		if full && i < len(members.Contacts)-1 {
			out.Done, members.Next = false, 0 // the others are of the next page
			break
		}
	}
	if members.Next != 0 {
		out.After = members.Next
	}
	now := b.o.Now()
	out.Due = now
	if br.PerMinute > 0 {
		out.Due = now.Add(time.Duration(len(out.Mails)) * time.Minute / time.Duration(br.PerMinute))
	}
	return b.o.Store.CommitBroadcast(b.ctx, out)
}

// mail makes the mail of one contact and gives its size, or counts it as skipped.
func (b *Broadcaster) mail(br *tidings.Broadcast, c *Compiled, contact *tidings.Contact, out *tidings.BroadcastPage) int64 {
	for _, ch := range contact.Channels {
		if ch.Type == tidings.Email {
			if ch.Blacklisted {
				out.Skipped++
				return 0
			}
			break // it is the first that a mail goes to
		}
	}
	m, err := c.Render(b.ctx, scope.Scope{Contact: contact})
	if err != nil {
		if _, refused := errors.AsType[*Refusal](err); !refused {
			b.o.Log.Warn("a contact gets no mail of a broadcast", "broadcast", br.ID, "contact", contact.ID, "error", err)
		}
		out.Skipped++
		return 0
	}
	m.Broadcast = br.ID
	out.Mails = append(out.Mails, m)
	return size(&m)
}

// pageSize spreads a paced broadcast over the minute.
func pageSize(br *tidings.Broadcast) int {
	if br.PerMinute <= 0 {
		return broadcastPage
	}
	return min(max(br.PerMinute/pagesAMinute, 1), broadcastPage)
}

// compile gives the message as it is now.
func (b *Broadcaster) compile(br *tidings.Broadcast) (*Compiled, error) {
	m, err := b.o.Store.Message(b.ctx, br.Account, br.Message)
	if err != nil {
		return nil, err
	}
	if !m.DeletedAt.IsZero() {
		return nil, errors.Join(errCannotGoOn, errors.New("the message was deleted"))
	}
	settings, err := b.o.Store.MailSettings(b.ctx, br.Account)
	if err != nil {
		return nil, err
	}
	key := compiledKey{m.ID, m.Version, settings.Version}
	if c := b.compiled[key]; c != nil {
		return c, nil
	}
	c, err := Compile(&m, settings)
	if err != nil {
		return nil, errors.Join(errCannotGoOn, err)
	}
	if len(b.compiled) >= mostCompiled {
		clear(b.compiled)
	}
	b.compiled[key] = c
	return c, nil
}
