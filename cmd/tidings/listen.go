package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"tidings/cmd/tidings/receiver"
)

// listenCmd is a receiver for developers.
type listenCmd struct {
	Addr      string        `default:"127.0.0.1:9000" placeholder:"HOST:PORT" help:"Address and port to listen on; port 0 takes a free one."`
	Status    int           `default:"200" placeholder:"STATUS" help:"Status of every answer that is not told to fail."`
	Fail      int64         `default:"0" placeholder:"N" help:"Refuse the first N POSTs."`
	FailEvery int64         `default:"0" placeholder:"N" help:"Refuse every N-th POST after those; 0 = none."`
	FailWith  int           `default:"503" placeholder:"STATUS" help:"Status of a refusal."`
	Delay     time.Duration `default:"0s" placeholder:"DURATION" help:"Wait this long before every answer."`
	Secret    string        `placeholder:"whsec_…" help:"Signing secret of the endpoint: signatures are verified, and what is not signed is answered 401."`
	Quiet     bool          `help:"Print what is wrong and the summary only."`
	JSON      bool          `name:"json" help:"Print one JSON object a line."`
}

// Validate refuses what no receiver can do.
func (c *listenCmd) Validate() error {
	for _, s := range []struct {
		flag   string
		status int
	}{{"--status", c.Status}, {"--fail-with", c.FailWith}} {
		if s.status < 200 || s.status > 999 {
			return fmt.Errorf("%s must be a final HTTP status, 200 to 999, not %d", s.flag, s.status)
		}
	}
	switch {
	case c.Fail < 0 || c.FailEvery < 0:
		return errors.New("--fail and --fail-every must not be negative")
	case c.Delay < 0:
		return errors.New("--delay must not be negative")
	case c.Secret != "":
		if err := receiver.CheckSecret(c.Secret); err != nil {
			return fmt.Errorf("--secret: %w", err)
		}
	}
	return nil
}

// Run receives until it is told to stop, then sums up. It fails when an order or a
// signature was wrong, so that a script can tell.
func (c *listenCmd) Run(ctx context.Context, term terminal) error {
	socket, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return listenError(c.Addr, err)
	}
	report := newReport(term, c.JSON, c.Quiet, c.Secret != "")
	plan := receiver.Plan{Status: c.Status, Fail: c.Fail, FailEvery: c.FailEvery, FailWith: c.FailWith, Delay: c.Delay}
	handler := &receiver.Receiver{
		Checker: receiver.NewChecker(c.Secret, nil),
		Decide:  func(n int64, _ receiver.Delivery) receiver.Answer { return plan.Answer(n) },
		Seen:    report.add,
	}
	report.ready("http://" + socket.Addr().String() + "/")
	if err := serveUntil(ctx, socket, handler, time.Second); err != nil {
		return err
	}
	return report.sum()
}

// serveUntil answers on a socket until ctx ends, then lets what is under way finish within grace.
func serveUntil(ctx context.Context, socket net.Listener, handler http.Handler, grace time.Duration) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(socket) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		_ = server.Close()
	}
	<-served
	return nil
}

// listenError says in plain words why an address can't be listened on.
func listenError(addr string, err error) error {
	if inUse(err) {
		return fmt.Errorf("%s is in use by another process: stop it or choose another address with --addr", addr)
	}
	return fmt.Errorf("can't listen on %s: %w", addr, err)
}
