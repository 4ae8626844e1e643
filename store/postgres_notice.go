package store

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"tidings"
)

const (
	// pgChannel is the channel that all stores of a database listen to.
	pgChannel = "tidings"
	// tellEvery is the shortest time between two tellings: under load they are
	// gathered, and cost next to nothing.
	tellEvery = 5 * time.Millisecond
	// tellBytes bounds what is told at once; the server takes 8000 bytes.
	tellBytes = 7500
	// keyTrust is how long a valid API key is believed without looking again, in
	// case that the word of its end is lost.
	keyTrust = 2 * time.Second
)

// Tell tells all other nodes something, soon; on SQLite there are none. It
// never blocks.
func (s *Store) Tell(n tidings.Notice) {
	if e, ok := s.engine.(*pgEngine); ok {
		e.tellings.add(n, 0)
	}
}

// tellings is what is to be told, gathered.
type tellings struct {
	mu      sync.Mutex
	heads   map[tidings.AccountID]head
	notices map[tidings.Notice]struct{}
	wake    chan struct{} // capacity one
}

func newTellings() tellings {
	return tellings{heads: map[tidings.AccountID]head{}, notices: map[tidings.Notice]struct{}{}, wake: make(chan struct{}, 1)}
}

func (t *tellings) add(n tidings.Notice, arrived int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n.Kind == tidings.NoticeAppended {
		known := t.heads[n.Account]
		t.heads[n.Account] = head{next: max(known.next, n.Head+1), arrived: max(known.arrived, arrived)}
	} else {
		t.notices[n] = struct{}{}
	}
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// take gives what is to be told, as lines, and forgets it.
func (t *tellings) take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := make([]string, 0, len(t.heads)+len(t.notices))
	for n := range t.notices {
		lines = append(lines, encodeNotice(n, 0))
	}
	for account, h := range t.heads {
		lines = append(lines, encodeNotice(tidings.Notice{Kind: tidings.NoticeAppended, Account: account, Head: h.last()}, h.arrived))
	}
	clear(t.heads)
	clear(t.notices)
	return lines
}

// peers knows whether there is anybody to tell of appends. Only one goroutine
// renews leases.
type peers struct {
	mu    sync.Mutex
	known bool // the number of others is that of the last renewal
	n     int
	e     *pgEngine
}

// seen takes the number of other nodes. One that comes to be the first was
// not told of what was appended until now.
func (p *peers) seen(others int) {
	p.mu.Lock()
	first := p.known && p.n == 0 && others > 0
	p.known, p.n = true, others
	p.mu.Unlock()
	if first {
		p.e.tellings.add(tidings.Notice{Kind: tidings.NoticeMissed}, 0)
	}
}

func (p *peers) alone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known && p.n == 0
}

// tell tells what is to be told, until ctx ends. It is not durable, and so
// costs no fsync; and it is not in a transaction with what it speaks of,
// because a transaction that tells makes all others that do wait for its commit.
func (e *pgEngine) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.tellings.wake:
		}
		for lines := e.tellings.take(); len(lines) > 0; {
			text := e.name
			for len(lines) > 0 && len(text)+len(lines[0]) < tellBytes {
				text += "\n" + lines[0]
				lines = lines[1:]
			}
			var done [2]string
			err := e.s.row(ctx, `SELECT set_config('synchronous_commit', 'off', true), coalesce(pg_notify($1, $2)::text, '')`, pgChannel, text).Scan(&done[0], &done[1])
			if err != nil && ctx.Err() == nil {
				e.s.opts.Log.Warn("other nodes could not be told of news; they look by themselves, later", slog.Any("error", err))
			}
		}
		if pause(ctx, tellEvery) != nil {
			return
		}
	}
}

func encodeNotices(from string, notices []tidings.Notice) string {
	text := from
	for _, n := range notices {
		text += "\n" + encodeNotice(n, 0)
	}
	return text
}

func encodeNotice(n tidings.Notice, arrived int64) string {
	return fmt.Sprintf("%s %d %d %d %d", n.Kind, n.Account, n.Endpoint, n.Head, arrived)
}

// decodeNotice reads a line; false when a newer version has written it.
func decodeNotice(line string) (n tidings.Notice, arrived int64, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 5 {
		return n, 0, false
	}
	var numbers [4]int64
	for i := range numbers {
		var err error
		if numbers[i], err = strconv.ParseInt(fields[i+1], 10, 64); err != nil {
			return n, 0, false
		}
	}
	return tidings.Notice{
		Kind: tidings.NoticeKind(fields[0]), Account: tidings.AccountID(numbers[0]),
		Endpoint: tidings.EndpointID(numbers[1]), Head: tidings.Seq(numbers[2]),
	}, numbers[3], true
}

// listen hears what other nodes tell, over a connection of its own, until ctx
// ends. While there is none, nothing that others may change is kept in memory.
func (e *pgEngine) listen(ctx context.Context) {
	wait := pgBackoff
	for ctx.Err() == nil {
		heard, err := e.listenOnce(ctx)
		e.deaf(true)
		if ctx.Err() != nil {
			return
		}
		if heard {
			wait = pgBackoff
		}
		e.s.opts.Log.Warn("listening to other nodes broke off; it is tried again", slog.Any("error", err))
		if pause(ctx, wait) != nil {
			return
		}
		wait = min(2*wait, pgMaxBackoff)
	}
}

func (e *pgEngine) listenOnce(ctx context.Context) (heard bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, e.config)
	if err != nil {
		return false, err
	}
	defer func() { _ = (&pgConn{Conn: conn}).Close() }()
	if _, err := conn.Exec(ctx, "LISTEN "+pgChannel); err != nil {
		return false, err
	}
	e.deaf(false)
	e.s.opts.Noticed(tidings.Notice{Kind: tidings.NoticeMissed})
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true, err
		}
		from, lines, _ := strings.Cut(n.Payload, "\n")
		if from == e.name {
			continue
		}
		for line := range strings.Lines(lines) {
			if notice, arrived, ok := decodeNotice(line); ok {
				e.hear(notice, arrived)
			}
		}
	}
}

// hear acts on what another node told.
func (e *pgEngine) hear(n tidings.Notice, arrived int64) {
	switch n.Kind {
	case tidings.NoticeAppended:
		e.s.heads.grow(n.Account, head{next: n.Head + 1, arrived: arrived})
	case tidings.NoticeKeys:
		e.s.validKeys.forget()
	case tidings.NoticeFields:
		e.s.fields.forget()
	case tidings.NoticeMissed:
		e.forget()
	}
	e.s.opts.Noticed(n)
}

// deaf says that nothing is heard for now, or again.
func (e *pgEngine) deaf(deaf bool) {
	e.s.heads.off.Store(deaf)
	e.s.fields.off.Store(deaf)
	e.forget()
}

// forget empties all that is kept in memory of what other nodes may change.
func (e *pgEngine) forget() {
	e.s.heads.forget()
	e.s.validKeys.forget()
	e.s.fields.forget()
}

// distrust has valid keys looked up anew now and then, until ctx ends.
func (e *pgEngine) distrust(ctx context.Context) {
	for pause(ctx, keyTrust) == nil {
		e.s.validKeys.forget()
	}
}
