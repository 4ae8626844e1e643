package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sink is the receiver: it reads every body and counts what came by the
// sequence header. POSTs to /dead are answered 500.
type sink struct {
	url   string
	http  *http.Server
	posts atomic.Int64
	bytes atomic.Int64

	mu      sync.Mutex
	last    map[string]int64 // by path: the last seq received
	grown   chan struct{}    // closed and made anew when last grows
	arrived func(path string, first, last int64)

	buffers sync.Pool
	ended   chan struct{}
}

func newSink() (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{
		url:   "http://" + l.Addr().String(),
		last:  map[string]int64{},
		grown: make(chan struct{}),
		ended: make(chan struct{}),
	}
	s.buffers.New = func() any { b := make([]byte, 256<<10); return &b }
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(s.ended)
		_ = s.http.Serve(l) // ends with ErrServerClosed
	}()
	return s, nil
}

func (s *sink) close() {
	_ = s.http.Close() // nothing is in flight that anybody waits for
	<-s.ended
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	n, _ := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r.Body}, *buf)
	if r.Method != http.MethodPost {
		return
	}
	if strings.HasPrefix(r.URL.Path, "/dead") {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	s.posts.Add(1)
	s.bytes.Add(n)
	first, last, err := sequence(r.Header.Get("Tidings-Sequence"))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	if s.arrived != nil {
		s.arrived(r.URL.Path, first, last)
	}
	if last > s.last[r.URL.Path] {
		s.last[r.URL.Path] = last
		close(s.grown)
		s.grown = make(chan struct{})
	}
	s.mu.Unlock()
}

func sequence(header string) (first, last int64, err error) {
	a, b, ok := strings.Cut(header, "-")
	if !ok {
		return 0, 0, fmt.Errorf("no sequence in %q", header)
	}
	if first, err = strconv.ParseInt(a, 10, 64); err != nil {
		return 0, 0, err
	}
	last, err = strconv.ParseInt(b, 10, 64)
	return first, last, err
}

// await waits until a path has received up to a seq.
func (s *sink) await(ctx context.Context, path string, seq int64) error {
	for {
		s.mu.Lock()
		last, grown := s.last[path], s.grown
		s.mu.Unlock()
		if last >= seq {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return fmt.Errorf("the receiver has %d of %d activities: %w", last, seq, ctx.Err())
		}
	}
}

// watch has a function called, under the sink's lock, for every POST.
func (s *sink) watch(arrived func(path string, first, last int64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrived = arrived
}
