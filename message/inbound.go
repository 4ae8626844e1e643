package message

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// InboundOptions are the settings of an Inbound.
type InboundOptions struct {
	Addr     string // host:port to listen on; default ":25"
	Hostname string // how it greets; default the domain of VERP
	VERP     VERP   // whose return paths are taken in; required
	// Complaints is the address at which mailbox providers' feedback loops are
	// registered, e.g. "complaints@bounces.shop.example"; "" = none is taken in.
	Complaints string
	Link       func(link string) (mail int64, ok bool) // as Finder.Link; nil = links are not looked at
	// Take makes a report durable. Only when it returned nil is the mail
	// acknowledged (250); after an error the sender is asked to come again (451), and
	// then every report of the mail is taken again: Take must bear repetition. It is
	// called for ignored reports too, for whoever counts them, from several
	// connections at once. Required.
	Take func(ctx context.Context, r Report) error
	TLS  *tls.Config // for STARTTLS; nil = not offered

	MaxBytes        int64         // of one mail; default 5 MiB
	MaxBuffered     int64         // of all mails being received at once; default 64 MiB
	MaxConns        int           // connections at once; default 100
	MaxConnsPerHost int           // of them from one address; default 10
	IdleTimeout     time.Duration // for a command, and for a whole mail from DATA on; default 2 minutes
	SessionTimeout  time.Duration // of one connection; default 10 minutes
	TakeTimeout     time.Duration // of one Take; default 30 seconds
	Log             *slog.Logger  // default: nothing is logged
}

const (
	maxInboundRecipients = 10       // of one mail
	maxInboundLine       = 64 << 10 // bytes: returned mails have longer lines than RFC 5322 allows
	maxRefusals          = 10       // of recipients, on one connection: who tries more is guessing
)

func (o *InboundOptions) fill() error {
	switch {
	case o.VERP.Domain == "" || len(o.VERP.Keys) == 0:
		return errors.New("inbound: VERP needs a domain and a key")
	case o.Take == nil:
		return errors.New("inbound: Take is missing")
	case o.Complaints != "" && !strings.Contains(o.Complaints, "@"):
		return fmt.Errorf("inbound: the address for complaints is %q: it has no @", o.Complaints)
	}
	setDefault(&o.Addr, ":25")
	setDefault(&o.Hostname, o.VERP.Domain)
	setDefault(&o.MaxBytes, 5<<20)
	setDefault(&o.MaxBuffered, 64<<20)
	setDefault(&o.MaxConns, 100)
	setDefault(&o.MaxConnsPerHost, 10)
	setDefault(&o.IdleTimeout, 2*time.Minute)
	setDefault(&o.SessionTimeout, 10*time.Minute)
	setDefault(&o.TakeTimeout, 30*time.Second)
	setDefault(&o.Log, slog.New(slog.DiscardHandler))
	return nil
}

func setDefault[T comparable](value *T, to T) {
	var zero T
	if *value == zero {
		*value = to
	}
}

// Inbound is the SMTP listener to which mails of ours come back: bounces to
// the return paths of VERP, complaints to the address for them. To all others
// it says 550. It sends nothing and relays nothing.
type Inbound struct {
	o      InboundOptions
	finder Finder
	server *smtp.Server
	door   *inboundDoor
	served chan struct{} // closed when the accept loop has ended

	takeCtx    context.Context // of every Take; ended when a stop loses patience
	cancelTake context.CancelFunc

	mu       sync.Mutex // guards what follows
	state    inboundState
	buffered int64          // bytes of mails being received
	taking   sync.WaitGroup // mails in Data; added to under mu and not after closed
	closed   bool
}

type inboundState uint8

const (
	inboundNew inboundState = iota
	inboundRunning
	inboundStopped
)

// NewInbound makes a listener, stopped. The error says which option is wrong.
func NewInbound(o InboundOptions) (*Inbound, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	in := &Inbound{o: o, finder: Finder{VERP: o.VERP, Link: o.Link}, served: make(chan struct{})}
	in.takeCtx, in.cancelTake = context.WithCancel(context.Background())
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &inboundSession{in: in, conn: c, base: inboundConnOf(c.Conn())}, nil
	}))
	s.Domain = o.Hostname
	s.MaxRecipients = maxInboundRecipients
	s.MaxMessageBytes = o.MaxBytes
	s.MaxLineLength = maxInboundLine
	s.ReadTimeout = o.IdleTimeout
	s.WriteTimeout = o.IdleTimeout
	s.EnableSMTPUTF8 = true // reports about addresses of RFC 6531 come so
	s.TLSConfig = o.TLS
	s.ErrorLog = smtpLog{o.Log}
	in.server = s
	return in, nil
}

// Start listens; it returns when connections are accepted. A second call does nothing.
func (in *Inbound) Start() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch in.state {
	case inboundRunning:
		return nil
	case inboundStopped:
		return errors.New("inbound: it was stopped; make a new one")
	}
	l, err := net.Listen("tcp", in.o.Addr)
	if err != nil {
		return fmt.Errorf("inbound: %w", err)
	}
	in.door = newInboundDoor(l, in.o)
	in.state = inboundRunning
	go func() {
		defer close(in.served)
		if err := in.server.Serve(in.door); err != nil && !errors.Is(err, net.ErrClosed) {
			in.o.Log.Error("mail is no longer taken in", "error", err)
		}
	}()
	in.o.Log.Info("taking mail in", "addr", l.Addr().String(), "domain", in.o.VERP.Domain)
	return nil
}

// Addr gives the address that it listens on; nil before Start.
func (in *Inbound) Addr() net.Addr {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.door == nil {
		return nil
	}
	return in.door.Addr()
}

// Stop takes no more connections, lets the mails that are being received come
// to their end, and returns when everything has ended. When ctx ends first,
// connections are cut, Takes are cancelled, and the error is that of ctx; what
// was not acknowledged its sender will send again. A second call does nothing.
func (in *Inbound) Stop(ctx context.Context) error {
	in.mu.Lock()
	state := in.state
	in.state = inboundStopped
	in.mu.Unlock()
	defer in.cancelTake()
	if state != inboundRunning {
		return nil
	}
	in.door.stop()
	<-in.served
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		in.server.Shutdown(context.Background()) // its error is that the door is closed already
		in.mu.Lock()
		in.closed = true
		in.mu.Unlock()
		in.taking.Wait()
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		in.cancelTake()
		in.door.cut()
		<-ended
		return ctx.Err()
	}
}

// beginTaking says whether a mail may still be received; endTaking must follow.
func (in *Inbound) beginTaking() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	in.taking.Add(1)
	return true
}

func (in *Inbound) endTaking(buffered int64) {
	in.mu.Lock()
	in.buffered -= buffered
	in.mu.Unlock()
	in.taking.Done()
}

// reserve claims room for bytes that are about to be received.
func (in *Inbound) reserve(n int64) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.buffered+n > in.o.MaxBuffered {
		return false
	}
	in.buffered += n
	return true
}

// smtpLog is the log of go-smtp: accept errors, broken connections, panics.
type smtpLog struct{ log *slog.Logger }

func (l smtpLog) Printf(format string, v ...any) {
	l.log.Warn("smtp: " + oneLine(fmt.Sprintf(format, v...), 4000))
}

func (l smtpLog) Println(v ...any) {
	l.log.Warn("smtp: " + oneLine(fmt.Sprintln(v...), 4000))
}
