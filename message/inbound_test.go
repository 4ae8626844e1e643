package message

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"
)

// desk keeps what an Inbound takes.
type desk struct {
	mu      sync.Mutex
	reports []Report
	fail    error
	entered chan struct{} // when not nil, gets one value a Take
	leave   chan struct{} // when not nil, a Take waits for it to be closed, or for its context
}

func (d *desk) take(ctx context.Context, r Report) error {
	if d.entered != nil {
		d.entered <- struct{}{}
	}
	if d.leave != nil {
		select {
		case <-d.leave:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		return d.fail
	}
	d.reports = append(d.reports, r)
	return nil
}

func (d *desk) taken() []Report {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reports
}

// startInbound starts a listener on the loopback and stops it with the test.
func startInbound(t *testing.T, d *desk, change func(*InboundOptions)) *Inbound {
	t.Helper()
	before := goleak.IgnoreCurrent()
	o := InboundOptions{
		Addr: "127.0.0.1:0", VERP: corpusFinder().VERP, Link: corpusFinder().Link,
		Complaints: "complaints@bounces.shop.example", Take: d.take,
	}
	if change != nil {
		change(&o)
	}
	in, err := NewInbound(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Stop(t.Context()); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		goleak.VerifyNone(t, before)
	})
	return in
}

func dialInbound(t *testing.T, in *Inbound) *smtp.Client {
	t.Helper()
	c, err := smtp.Dial(in.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// deliver sends one mail on a connection.
func deliver(c *smtp.Client, from, to string, data []byte) error {
	return c.SendMail(from, []string{to}, bytes.NewReader(data))
}

// codeOf gives the reply's code of an error of the client, 250 for none.
func codeOf(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 250
	}
	e, ok := errors.AsType[*smtp.SMTPError](err)
	if !ok {
		t.Fatalf("no reply: %v", err)
	}
	return e.Code
}

func mailOfCorpus(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/inbound/" + name + ".eml")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestBouncesAndComplaintsAreTakenIn(t *testing.T) {
	d := &desk{}
	in := startInbound(t, d, nil)
	c := dialInbound(t, in)
	verp := in.o.VERP
	for _, m := range []struct{ from, to, name string }{
		{"", verp.Address(1001), "dsn-postfix-unknown-user"},
		{"postmaster@mx.example.org", strings.ToUpper(verp.Address(1101)), "qmail-no-mailbox"},
		{"fbl@mail.example.org", "Complaints@BOUNCES.shop.example", "arf-abuse"},
		{"bob@mail.example.org", verp.Address(1206), "answer-of-a-person"},
	} {
		if err := deliver(c, m.from, m.to, mailOfCorpus(t, m.name)); err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
	}
	var got strings.Builder
	for _, r := range d.taken() {
		fmt.Fprintf(&got, "%d %s %v %s\n", r.Mail, r.Kind, r.Permanent, r.Status)
	}
	if want := "1001 bounced true 5.1.1\n1101 bounced true 5.1.1\n1301 complained false \n1206 ignored false \n"; got.String() != want {
		t.Errorf("got:\n%swant:\n%s", got.String(), want)
	}
}

func TestOnlyAddressesOfOursAreTaken(t *testing.T) {
	in := startInbound(t, &desk{}, nil)
	for _, to := range []string{
		"bob@mail.example.org", "postmaster@bounces.shop.example", "bounce+5.kaaaaaaaaaaaaaaaa@bounces.shop.example",
		strings.Replace(in.o.VERP.Address(5), "bounces.shop.example", "mail.example.org", 1), "complaints@mail.example.org",
	} {
		c := dialInbound(t, in)
		if code := codeOf(t, deliver(c, "", to, []byte("Subject: x\n\n"))); code != 550 {
			t.Errorf("%s: %d, want 550", to, code)
		}
	}
	c := dialInbound(t, in)
	if err := c.Mail("", nil); err != nil {
		t.Fatal(err)
	}
	var last error
	for i := range maxRefusals + 1 {
		last = c.Rcpt(fmt.Sprintf("guess%d@bounces.shop.example", i), nil)
	}
	if e, ok := errors.AsType[*smtp.SMTPError](last); ok {
		t.Errorf("after %d guesses the connection still answers: %v", maxRefusals, e)
	}
}

func TestNoMailIsAcknowledgedThatWasNotKept(t *testing.T) {
	d := &desk{fail: errors.New("the disk is full of secrets")}
	in := startInbound(t, d, nil)
	c := dialInbound(t, in)
	data := mailOfCorpus(t, "dsn-postfix-unknown-user")
	err := deliver(c, "", in.o.VERP.Address(1001), data)
	if code := codeOf(t, err); code != 451 || strings.Contains(err.Error(), "secret") {
		t.Fatalf("%v, want a bare 451", err)
	}
	d.mu.Lock()
	d.fail = nil
	d.mu.Unlock()
	if err := deliver(c, "", in.o.VERP.Address(1001), data); err != nil {
		t.Fatal(err)
	}
	if got := d.taken(); len(got) != 1 || got[0].Mail != 1001 {
		t.Errorf("taken: %+v", got)
	}
}

func TestAMailThatBreaksOffIsNotTaken(t *testing.T) {
	d := &desk{}
	in := startInbound(t, d, nil)
	conn, r := talk(t, in)
	say(t, conn, r, "EHLO mx.example.org", "250")
	say(t, conn, r, "MAIL FROM:<>", "250")
	say(t, conn, r, "RCPT TO:<"+in.o.VERP.Address(1)+">", "250")
	say(t, conn, r, "DATA", "354")
	fmt.Fprintf(conn, "Subject: failure notice\r\n\r\n550 5.1.1")
	conn.Close()
	if err := in.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.taken(); len(got) != 0 {
		t.Errorf("taken: %+v", got)
	}
}

// talk opens a bare connection and reads the greeting.
func talk(t *testing.T, in *Inbound) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", in.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	r := bufio.NewReader(conn)
	say(t, conn, r, "", "220")
	return conn, r
}

// say sends a line and wants a reply that begins so.
func say(t *testing.T, conn net.Conn, r *bufio.Reader, line, want string) {
	t.Helper()
	if line != "" {
		fmt.Fprintf(conn, "%s\r\n", line)
	}
	for {
		reply, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if !strings.HasPrefix(reply, want) {
			t.Fatalf("%s: %q, want %s", line, reply, want)
		}
		if len(reply) > 3 && reply[3] == ' ' {
			return
		}
	}
}

func TestLargeMailsAreRefusedAndNotKept(t *testing.T) {
	d := &desk{}
	in := startInbound(t, d, func(o *InboundOptions) { o.MaxBytes = 100 << 10 })
	big := bytes.Repeat([]byte("0123456789abcdef\r\n"), 20<<10)
	for name, opts := range map[string]*smtp.MailOptions{"said before": {Size: int64(len(big))}, "not said": nil} {
		c := dialInbound(t, in)
		err := c.Mail("", opts)
		if err == nil {
			if err = c.Rcpt(in.o.VERP.Address(1), nil); err != nil {
				t.Fatal(err)
			}
			w, dataErr := c.Data()
			if dataErr != nil {
				t.Fatal(dataErr)
			}
			w.Write(big)
			err = w.Close()
		}
		if code := codeOf(t, err); code != 552 {
			t.Errorf("%s: %v, want 552", name, err)
		}
	}
	if len(d.taken()) != 0 || in.buffered != 0 {
		t.Errorf("taken %v, %d bytes still claimed", d.taken(), in.buffered)
	}
}

func TestAllMailsTogetherHaveTheirRoom(t *testing.T) {
	d := &desk{}
	in := startInbound(t, d, func(o *InboundOptions) { o.MaxBuffered = 48 << 10 })
	c := dialInbound(t, in)
	to := in.o.VERP.Address(1)
	if code := codeOf(t, deliver(c, "", to, bytes.Repeat([]byte("0123456789abcdef\r\n"), 10<<10))); code != 452 {
		t.Errorf("%d, want 452", code)
	}
	if err := deliver(c, "", to, []byte("Subject: small\n\nmail")); err != nil {
		t.Errorf("a small one afterwards: %v", err)
	}
}

func TestRecipientsOfOneMailAreLimited(t *testing.T) {
	d := &desk{}
	in := startInbound(t, d, nil)
	c := dialInbound(t, in)
	if err := c.Mail("", nil); err != nil {
		t.Fatal(err)
	}
	for i := range maxInboundRecipients {
		if err := c.Rcpt(in.o.VERP.Address(int64(i+1)), nil); err != nil {
			t.Fatal(err)
		}
	}
	if code := codeOf(t, c.Rcpt(in.o.VERP.Address(99), nil)); code != 452 {
		t.Errorf("one more: %d, want 452", code)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	w.Write(mailOfCorpus(t, "dsn-from-forwarded-list"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := d.taken(); len(got) != maxInboundRecipients || got[9].Mail != 10 {
		t.Errorf("taken: %+v", got)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	for name, change := range map[string]func(*InboundOptions){
		"in all":   func(o *InboundOptions) { o.MaxConns = 2 },
		"per host": func(o *InboundOptions) { o.MaxConnsPerHost = 2 },
	} {
		in := startInbound(t, &desk{}, change)
		first, _ := talk(t, in)
		talk(t, in)
		third, err := net.Dial("tcp", in.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		reply, _ := io.ReadAll(third)
		third.Close()
		if !strings.HasPrefix(string(reply), "421 ") {
			t.Errorf("%s: %q, want 421", name, reply)
		}
		// Room is made when one leaves.
		fmt.Fprint(first, "QUIT\r\n")
		io.Copy(io.Discard, first)
		for {
			c, err := net.Dial("tcp", in.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			line, _ := bufio.NewReader(c).ReadString('\n')
			c.Close()
			if strings.HasPrefix(line, "220 ") {
				break
			}
		}
	}
}

func TestSlowAndEndlessSendersAreCutOff(t *testing.T) {
	in := startInbound(t, &desk{}, func(o *InboundOptions) { o.IdleTimeout = 50 * time.Millisecond })
	conn, r := talk(t, in) // says nothing more
	if rest, _ := io.ReadAll(r); !strings.HasPrefix(string(rest), "421 ") {
		t.Errorf("a silent one: %q, want 421", rest)
	}
	conn.Close()

	in = startInbound(t, &desk{}, func(o *InboundOptions) { o.SessionTimeout = 50 * time.Millisecond })
	conn, r = talk(t, in)
	stop := make(chan struct{})
	go func() { // as fast as it is answered
		defer close(stop)
		for {
			if _, err := fmt.Fprint(conn, "NOOP\r\n"); err != nil {
				return
			}
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
		}
	}()
	<-stop

	in = startInbound(t, &desk{}, nil)
	conn, r = talk(t, in)
	go conn.Write(bytes.Repeat([]byte("x"), 2*maxInboundLine))
	if rest, _ := io.ReadAll(r); !strings.HasPrefix(string(rest), "500 ") {
		t.Errorf("a line without end: %q, want 500", rest)
	}
}

func TestChunkedMailsAreTakenToo(t *testing.T) {
	d := &desk{}
	in := startInbound(t, d, nil)
	conn, r := talk(t, in)
	say(t, conn, r, "EHLO mx.example.org", "250")
	data := mailOfCorpus(t, "dsn-postfix-unknown-user")
	for range 2 {
		say(t, conn, r, "MAIL FROM:<> SMTPUTF8", "250")
		say(t, conn, r, "RCPT TO:<"+in.o.VERP.Address(1001)+">", "250")
		fmt.Fprintf(conn, "BDAT 100\r\n%s", data[:100])
		say(t, conn, r, "", "250")
		fmt.Fprintf(conn, "BDAT %d LAST\r\n%s", len(data)-100, data[100:])
		say(t, conn, r, "", "250")
	}
	if got := d.taken(); len(got) != 2 || got[0].Kind != ReportBounced {
		t.Errorf("taken: %+v", got)
	}
}

func TestManyTalkAtOnce(t *testing.T) {
	const talks, mails = 20, 10
	d := &desk{}
	in := startInbound(t, d, func(o *InboundOptions) { o.MaxConnsPerHost = talks })
	data := mailOfCorpus(t, "dsn-from-forwarded-list")
	failed := make(chan error, talks)
	for i := range talks {
		c := dialInbound(t, in)
		go func() {
			var err error
			for j := range mails {
				err = errors.Join(err, deliver(c, "", in.o.VERP.Address(int64(i*mails+j+1)), data))
			}
			failed <- err
		}()
	}
	for range talks {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	seen := map[int64]bool{}
	for _, r := range d.taken() {
		seen[r.Mail] = true
	}
	if len(d.taken()) != talks*mails || len(seen) != talks*mails {
		t.Errorf("%d reports of %d mails, want %d", len(d.taken()), len(seen), talks*mails)
	}
}

func TestStopLetsAMailComeToItsEnd(t *testing.T) {
	d := &desk{entered: make(chan struct{}), leave: make(chan struct{})}
	in := startInbound(t, d, func(o *InboundOptions) { o.IdleTimeout, o.SessionTimeout = time.Hour, time.Hour })
	talk(t, in) // an idle one is sent away; so is the other, when its mail is done
	c := dialInbound(t, in)
	sent := make(chan error, 1)
	data := mailOfCorpus(t, "dsn-postfix-unknown-user")
	go func() { sent <- deliver(c, "", in.o.VERP.Address(1001), data) }()
	<-d.entered
	stopped := make(chan error, 1)
	go func() { stopped <- in.Stop(t.Context()) }()
	<-in.served // the door is closed
	close(d.leave)
	if err := <-sent; err != nil {
		t.Errorf("the mail: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("the stop: %v", err)
	}
	if len(d.taken()) != 1 {
		t.Errorf("taken: %+v", d.taken())
	}
	if err := in.Stop(t.Context()); err != nil {
		t.Errorf("a second stop: %v", err)
	}
	if err := in.Start(); err == nil {
		t.Error("it starts again")
	}
}

func TestAnImpatientStopCancelsTakes(t *testing.T) {
	d := &desk{entered: make(chan struct{}), leave: make(chan struct{})}
	in := startInbound(t, d, nil)
	c := dialInbound(t, in)
	sent := make(chan error, 1)
	go func() { sent <- deliver(c, "", in.o.VERP.Address(1001), []byte("Subject: x\n\n")) }()
	<-d.entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := in.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("stop: %v", err)
	}
	if err := <-sent; err == nil {
		t.Error("the mail was acknowledged")
	}
}

func TestTheTalkCanBeEncrypted(t *testing.T) {
	cert, pool := selfSigned(t)
	d := &desk{}
	in := startInbound(t, d, func(o *InboundOptions) { o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}} })
	c, err := smtp.DialStartTLS(in.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "bounces.shop.example"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := deliver(c, "", in.o.VERP.Address(1001), mailOfCorpus(t, "dsn-postfix-unknown-user")); err != nil {
		t.Fatal(err)
	}
	if len(d.taken()) != 1 {
		t.Errorf("taken: %+v", d.taken())
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bounces.shop.example"}, DNSNames: []string{"bounces.shop.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestWrongOptionsAreNamed(t *testing.T) {
	take := func(context.Context, Report) error { return nil }
	for _, c := range []struct {
		o    InboundOptions
		want string
	}{
		{InboundOptions{Take: take}, "VERP"},
		{InboundOptions{VERP: testVERP()}, "Take"},
		{InboundOptions{VERP: testVERP(), Take: take, Complaints: "complaints"}, "no @"},
	} {
		if _, err := NewInbound(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want something about %s", err, c.want)
		}
	}
}
