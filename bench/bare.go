package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// Bare is the pipeline that the server is held against: HTTP in, JSON syntax
// check, append and fdatasync to a file with group commit, POST of the same
// bytes over one connection in batches of up to 500. It keeps no order between
// connections, checks no field, knows no account, and forgets all when it ends.
type Bare struct {
	File string // what it appends to
	To   string // where it posts to; "" = it does not

	mu      sync.Mutex
	group   []bareRequest
	arrived *sync.Cond
	closed  bool
	out     chan []byte // bodies that are durable, without their brackets
}

type bareRequest struct {
	body  []byte
	acked chan error
}

// Serve runs the pipeline on a listener until ctx ends.
func (b *Bare) Serve(ctx context.Context, l net.Listener) error {
	file, err := os.OpenFile(b.File, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	b.arrived = sync.NewCond(&b.mu)
	b.out = make(chan []byte, 1<<16)
	var loops sync.WaitGroup
	loops.Go(func() { b.commit(file) })
	loops.Go(func() { b.post(ctx) })
	server := &http.Server{Handler: b, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // ends Serve
	defer stop()
	err = server.Serve(l)
	b.mu.Lock()
	b.closed = true
	b.arrived.Broadcast()
	b.mu.Unlock()
	loops.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, file.Close())
}

func (b *Bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := make([]byte, max(0, r.ContentLength))
	if _, err := io.ReadFull(r.Body, body); err != nil || !json.Valid(body) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	request := bareRequest{body: body, acked: make(chan error, 1)}
	b.mu.Lock()
	b.group = append(b.group, request)
	b.arrived.Signal()
	b.mu.Unlock()
	if err := <-request.acked; err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, `{"accepted":true}`) // a producer that has gone learns nothing
}

// commit writes what has collected while the last fdatasync ran.
func (b *Bare) commit(file *os.File) {
	defer close(b.out)
	var joined []byte
	for {
		b.mu.Lock()
		for len(b.group) == 0 && !b.closed {
			b.arrived.Wait()
		}
		group := b.group
		b.group = nil
		b.mu.Unlock()
		if len(group) == 0 {
			return
		}
		joined = joined[:0]
		for _, request := range group {
			joined = append(joined, request.body...)
		}
		_, err := file.Write(joined)
		if err == nil {
			err = syscall.Fdatasync(int(file.Fd()))
		}
		for _, request := range group {
			request.acked <- err
			if b.To != "" {
				b.out <- request.body[1 : len(request.body)-1]
			}
		}
	}
}

// post sends what is durable, in batches, one after the other.
func (b *Bare) post(ctx context.Context) {
	client := connection()
	defer client.CloseIdleConnections()
	seq := int64(1)
	for body := range b.out {
		batch := bytes.NewBuffer(append([]byte{'['}, body...))
		n := countObjects(body)
		for n < 500 && len(b.out) > 0 {
			more := <-b.out
			batch.WriteByte(',')
			batch.Write(more)
			n += countObjects(more)
		}
		batch.WriteByte(']')
		if err := barePost(ctx, client, b.To, batch.Bytes(), seq, seq+int64(n)-1); err != nil {
			continue // cut off at the end of the run: the producers' count says how far it came
		}
		seq += int64(n)
	}
}

// countObjects counts the objects of a flat list by what every one of them has once.
func countObjects(list []byte) int { return bytes.Count(list, []byte(`"contactId":`)) }

// barePost is one POST with nothing around it.
func barePost(ctx context.Context, client http.RoundTripper, url string, body []byte, first, last int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Tidings-Sequence", fmt.Sprintf("%d-%d", first, last))
	resp, err := client.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the receiver answered %s", resp.Status)
	}
	return nil
}
