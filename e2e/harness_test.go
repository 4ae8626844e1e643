package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tidings/cmd/tidings/receiver"
)

const adminToken = "an admin token for tests"

// patience is how long anything may take before a test gives up on it.
const patience = 30 * time.Second

// eventually waits until a condition holds, looking again and again.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}

// output collects what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process is a running binary.
type process struct {
	cmd      *exec.Cmd
	out, err output
	ended    chan struct{} // closed when it has ended; then the code is there
	code     int           // exit code, -1 after a signal
}

// start runs the binary with arguments. It is killed at the end of the test if it still runs.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	return startCommand(t, exec.Command(binary(), args...))
}

func startCommand(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	p.cmd.Env = append(os.Environ(), "TIDINGS_ADMIN_TOKEN="+adminToken, "NO_COLOR=1")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the code says all
		p.code = p.cmd.ProcessState.ExitCode()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.ended
		if t.Failed() {
			t.Logf("%s\n%s%s", strings.Join(cmd.Args[1:], " "), p.out.String(), tail(p.err.String(), 4000))
		}
	})
	return p
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// wait gives the exit code.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
		return p.code
	case <-time.After(patience):
		t.Fatalf("still running after %s", patience)
		return 0
	}
}

// says waits until the process has printed a text.
func (p *process) says(t *testing.T, text string) {
	t.Helper()
	eventually(t, "the process says "+text, func() bool {
		select {
		case <-p.ended:
			if !strings.Contains(p.out.String()+p.err.String(), text) {
				t.Fatalf("ended with %d before it said %q:\n%s%s", p.code, text, p.out.String(), p.err.String())
			}
		default:
		}
		return strings.Contains(p.out.String()+p.err.String(), text)
	})
}

// run runs the binary to its end.
func run(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	p := start(t, args...)
	code = p.wait(t)
	return code, p.out.String(), p.err.String()
}

// server is a `tidings serve` on a port and a directory that survive restarts.
type server struct {
	*process
	t    *testing.T
	addr string
	data string
	args []string
}

// newServer starts a server on fresh data, with a retry schedule of milliseconds.
func newServer(t *testing.T, args ...string) *server {
	t.Helper()
	return newServerIn(t, filepath.Join(t.TempDir(), "data"), args...)
}

func newServerIn(t *testing.T, data string, args ...string) *server {
	t.Helper()
	s := &server{t: t, addr: freeAddr(t), data: data, args: args}
	s.start()
	return s
}

// start starts the process, the first time or again.
func (s *server) start() {
	s.t.Helper()
	args := []string{
		"serve", "--addr", s.addr, "--data", s.data, "--egress-allow", "127.0.0.0/8",
		"--retry-base", "20ms", "--retry-cap", "200ms",
	}
	s.process = start(s.t, append(args, s.args...)...)
	s.says(s.t, "is ready on")
}

// kill ends the process at once, as a power failure of the process would.
func (s *server) kill() {
	s.signal(syscall.SIGKILL)
	<-s.ended
}

// terminate asks the process to end, and wants that to succeed.
func (s *server) terminate() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	if code := s.wait(s.t); code != 0 {
		s.t.Fatalf("ended with %d after SIGTERM:\n%s", code, s.err.String())
	}
}

// freeAddr gives an address that is free and that a restarted server can have
// again. Its port is below the ones that the system gives to outgoing
// connections: one of those could take it while nobody listens, even a
// connection to the very port, which then connects to itself.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		socket, err := net.Listen("tcp", addr)
		if err == nil {
			socket.Close()
			return addr
		}
	}
	t.Fatal("no port is free between 20000 and 32000")
	return ""
}

// api speaks to a server with a token.
type api struct {
	base, token string
	http        *http.Client
}

func (s *server) as(token string) *api {
	return &api{base: "http://" + s.addr, token: token, http: &http.Client{Timeout: patience}}
}

// refusal is an answer that is not 2xx.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return fmt.Sprintf("answered %d: %s", r.status, r.text) }

// do sends a request; in and out are JSON and may be nil. An error that is no
// refusal means that no answer came.
func (a *api) do(ctx context.Context, method, path string, header http.Header, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, body)
	if err != nil {
		return err
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return refusal{res.StatusCode, string(text)}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// must is do that succeeds.
func (a *api) must(t *testing.T, method, path string, in, out any) {
	t.Helper()
	if err := a.do(t.Context(), method, path, nil, in, out); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
}

// refused is do that is refused with a status.
func (a *api) refused(t *testing.T, status int, method, path string, in any) string {
	t.Helper()
	err := a.do(t.Context(), method, path, nil, in, nil)
	r, ok := errors.AsType[refusal](err)
	if !ok || r.status != status {
		t.Fatalf("%s %s: want %d, got %v", method, path, status, err)
	}
	return r.text
}

// newAccount makes an account and gives the API with its key.
func (s *server) newAccount(t *testing.T, name string) *api {
	t.Helper()
	var created struct {
		APIKey string `json:"apiKey"`
	}
	s.as(adminToken).must(t, http.MethodPost, "/v1/accounts", map[string]string{"name": name}, &created)
	return s.as(created.APIKey)
}

// endpoint is what the tests read of an endpoint.
type endpoint struct {
	ID           int64  `json:"id"`
	State        string `json:"state"`
	Secret       string `json:"secret"`
	Cursor       int64  `json:"cursor"`
	Head         int64  `json:"head"`
	Backlog      int64  `json:"backlog"`
	Attempt      int    `json:"attempt"`
	BlockedSince string `json:"blockedSince"`
	LastError    string `json:"lastError"`
	InFlight     bool   `json:"inFlight"`
}

func (a *api) newEndpoint(t *testing.T, options map[string]any) endpoint {
	t.Helper()
	if options["name"] == nil {
		options["name"] = "test"
	}
	if options["start"] == nil {
		options["start"] = "beginning"
	}
	var e endpoint
	a.must(t, http.MethodPost, "/v1/endpoints", options, &e)
	return e
}

func (a *api) endpoint(t *testing.T, id int64) endpoint {
	t.Helper()
	var e endpoint
	a.must(t, http.MethodGet, fmt.Sprintf("/v1/endpoints/%d", id), nil, &e)
	return e
}

// activity is an activity that is told from others by its contact and number.
type activity struct {
	Contact  int64  `json:"contactId"`
	Instance int64  `json:"messageInstanceId"`
	Status   string `json:"activityStatus"`
	Media    string `json:"mediaType"`
	IID      string `json:"iid"`
}

func newActivity(contact, n int64) activity {
	return activity{contact, n, "DELIVERED", "email", fmt.Sprintf("%08x-0000-4000-8000-%012x", contact, n)}
}

func activities(contact, first int64, n int) []activity {
	list := make([]activity, n)
	for i := range list {
		list[i] = newActivity(contact, first+int64(i))
	}
	return list
}

// accepted is the answer to an intake.
type accepted struct {
	Accepted int64 `json:"accepted"`
	First    int64 `json:"firstSeq"`
	Last     int64 `json:"lastSeq"`
}

func (a *api) send(t *testing.T, list []activity) accepted {
	t.Helper()
	var got accepted
	a.must(t, http.MethodPost, "/v1/activities", list, &got)
	return got
}

// feed reads an account's whole feed over HTTP, as a receiver may.
func (a *api) feed(t *testing.T) []activity {
	t.Helper()
	var all []activity
	for {
		var page []struct {
			Seq      int64    `json:"seq"`
			Activity activity `json:"activity"`
		}
		a.must(t, http.MethodGet, fmt.Sprintf("/v1/activities?after=%d&limit=1000", len(all)), nil, &page)
		if len(page) == 0 {
			return all
		}
		for _, row := range page {
			if row.Seq != int64(len(all)+1) {
				t.Fatalf("the feed goes from %d to %d", len(all), row.Seq)
			}
			all = append(all, row.Activity)
		}
	}
}

// sink is a receiver in the test's own process, which survives the server.
type sink struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	decide   func(n int64, d receiver.Delivery) receiver.Answer
	accepted []activity
	seen     []seen
}

// seen is one POST.
type seen struct {
	receiver.Delivery
	answered receiver.Answer
}

// newSink starts a receiver that answers 200 until told otherwise.
func newSink(t *testing.T, secret string) *sink {
	t.Helper()
	s := &sink{t: t}
	s.Server = httptest.NewServer(&receiver.Receiver{
		Checker: receiver.NewChecker(secret, nil), Seen: s.add,
		Decide: func(n int64, d receiver.Delivery) receiver.Answer {
			s.mu.Lock()
			decide := s.decide
			s.mu.Unlock()
			if decide == nil {
				return receiver.Answer{}
			}
			return decide(n, d)
		},
	})
	t.Cleanup(s.Close)
	return s
}

// answer changes how the receiver answers from now on; nil = 200.
func (s *sink) answer(decide func(n int64, d receiver.Delivery) receiver.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decide = decide
}

// always answers all with a status.
func always(status int) func(int64, receiver.Delivery) receiver.Answer {
	return func(int64, receiver.Delivery) receiver.Answer { return receiver.Answer{Status: status} }
}

func (s *sink) add(d receiver.Delivery, a receiver.Answer) {
	var list []activity
	err := json.Unmarshal(d.Body, &list)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.t.Errorf("the body of %s is no array of activities: %v", d.Batch, err)
	}
	if d.Order.Broken() {
		s.t.Errorf("batch %s (%d-%d): %s: %s", d.Batch, d.First, d.Last, d.Order, d.Why)
	}
	if d.Verified != nil {
		s.t.Errorf("batch %s: %v", d.Batch, d.Verified)
	}
	d.Body = nil
	s.seen = append(s.seen, seen{d, a})
	if a.Accepted() && d.Fresh() {
		s.accepted = append(s.accepted, list...)
	}
}

// got is what the receiver has accepted, each activity once, in order.
func (s *sink) got() []activity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted[:len(s.accepted):len(s.accepted)]
}

// posts is all POSTs so far.
func (s *sink) posts() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.seen...)
}

// count says how many POSTs have an order.
func (s *sink) count(o receiver.Order) int {
	n := 0
	for _, p := range s.posts() {
		if p.Order == o {
			n++
		}
	}
	return n
}

// wants waits until the receiver has accepted n activities, for as long as more
// and more arrive.
func (s *sink) wants(t *testing.T, n int) {
	t.Helper()
	for have := -1; have < n; {
		before := have
		eventually(t, fmt.Sprintf("the receiver gets more than %d of %d activities", max(before, 0), n), func() bool {
			have = len(s.got())
			return have > before || have >= n
		})
	}
}

// same compares what was received with what should have been.
func same(t *testing.T, got, want []activity) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d activities instead of %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("activity %d is %+v, want %+v", i+1, got[i], want[i])
		}
	}
}

// planned answers by a plan.
func planned(p receiver.Plan) func(int64, receiver.Delivery) receiver.Answer {
	return func(n int64, _ receiver.Delivery) receiver.Answer { return p.Answer(n) }
}
