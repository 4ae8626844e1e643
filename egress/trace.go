package egress

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync"
	"time"
)

// Phase is how far a request has come.
type Phase uint8

// The phases, in order. A request over a kept connection goes from PhaseStart to PhaseSend.
const (
	PhaseStart     Phase = iota // waiting for a connection
	PhaseLookup                 // looking up the name
	PhaseConnect                // connecting
	PhaseHandshake              // TLS handshake
	PhaseSend                   // sending the request
	PhaseWait                   // waiting for the first byte of the answer
	PhaseHead                   // reading the answer's status and headers
	PhaseBody                   // reading the answer's body
	phases
)

func (p Phase) String() string {
	return [...]string{
		"waiting for a connection", "looking up the name", "connecting", "in the TLS handshake",
		"sending the request", "waiting for the answer", "reading the answer's headers", "reading the answer's body",
	}[p]
}

// Timing is where the time of a request went, by Phase.
type Timing [phases]time.Duration

// maxConnections is how often the transport may ask for a connection for one
// request. It is above the handful of times that HTTP/2 tries a refused stream again.
const maxConnections = 16

// ErrTurnedAway says that one connection after the other was ended by the
// server before it took the request. The transport would go on without a
// pause and without an end as long as the context lasts.
var ErrTurnedAway = errors.New("the server ends every connection before it takes the request")

// trace follows one request through the transport. The transport calls it from
// several goroutines, and a dial may outlive the request that asked for it.
type trace struct {
	ctx    context.Context // the request's
	cancel context.CancelCauseFunc
	pieces bool // the body is a pieceReader

	mu        sync.Mutex
	phase     Phase
	since     time.Time
	spent     Timing
	asked     int         // how often the transport has asked for a connection
	conn      *gatherConn // the connection last given, when it is one
	connected bool        // a connection was given; what a dial reports from now on is not ours
	firstByte bool
	reused    bool
	idle      time.Duration
	remote    string
	done      bool
}

type traceKey struct{}

// traceOf gives the trace of the request that a dial is made for, nil when there is none.
func traceOf(ctx context.Context) *trace {
	t, _ := ctx.Value(traceKey{}).(*trace)
	return t
}

// newTrace makes a trace and the context that the request runs under.
func newTrace(ctx context.Context) *trace {
	t := &trace{since: time.Now()}
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	return t
}

// attach gives the request's context with t in it: the transport and the
// dialer report to t under it.
func (t *trace) attach() context.Context {
	ctx := context.WithValue(t.ctx, traceKey{}, t)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      t.getConn,
		GotConn:      t.gotConn,
		WroteHeaders: t.wroteHeaders,
		WroteRequest: t.wroteRequest,
		GotFirstResponseByte: func() {
			t.update(func() { t.firstByte = true; t.enter(PhaseHead) })
		},
	})
}

// bind gives a dial's context an end with the request's; release undoes it. t may be nil.
func (t *trace) bind(dial context.Context) (ctx context.Context, release func()) {
	if t == nil {
		return dial, func() {}
	}
	ctx, cancel := context.WithCancelCause(dial)
	stop := context.AfterFunc(t.ctx, func() { cancel(context.Cause(t.ctx)) })
	return ctx, func() { stop(); cancel(nil) }
}

func (t *trace) getConn(string) {
	t.update(func() {
		t.connected = false
		t.enter(PhaseStart)
		if t.asked++; t.asked > maxConnections {
			t.cancel(ErrTurnedAway)
		}
	})
}

// dialling notes a phase of the dial; t may be nil.
func (t *trace) dialling(p Phase) {
	if t == nil {
		return
	}
	t.update(func() {
		if !t.connected {
			t.enter(p)
		}
	})
}

func (t *trace) gotConn(info httptrace.GotConnInfo) {
	t.update(func() {
		t.connected = true
		t.conn, _ = info.Conn.(*gatherConn)
		t.reused, t.idle = info.Reused, info.IdleTime
		t.remote = info.Conn.RemoteAddr().String()
		t.enter(PhaseSend)
	})
}

// wroteHeaders is called by the connection's writer before it writes out what
// it has of the headers. With a second connection in play it might be the
// first one's, late; then nothing is held.
func (t *trace) wroteHeaders() {
	t.update(func() {
		if t.pieces && t.asked == 1 && t.conn != nil {
			t.conn.holdHeaders()
		}
	})
}

func (t *trace) wroteRequest(info httptrace.WroteRequestInfo) {
	t.update(func() {
		// An answer may come before the request is out.
		if info.Err == nil && t.phase == PhaseSend {
			t.enter(PhaseWait)
		}
	})
}

func (t *trace) update(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.done {
		change()
	}
}

// enter closes the current phase; t.mu is held.
func (t *trace) enter(p Phase) {
	now := time.Now()
	t.spent[t.phase] += now.Sub(t.since)
	t.phase, t.since = p, now
}

// finish stops the trace and fills in what it saw.
func (t *trace) finish(r *Response) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.enter(t.phase)
	t.done = true
	r.Phase, r.Timing = t.phase, t.spent
	r.Reused, r.Idle, r.Remote = t.reused, t.idle, t.remote
	r.firstByte = t.firstByte
}
