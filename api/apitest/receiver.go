package apitest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Receiver is the server of an account that activities are delivered to. It
// answers GET and POST with 200 until it is told otherwise.
type Receiver struct {
	*httptest.Server
	Came chan struct{} // one for each POST

	mu     sync.Mutex
	status int
	posts  [][]byte
}

func newReceiver(t *testing.T) *Receiver {
	r := &Receiver{status: http.StatusOK, Came: make(chan struct{}, 1000)}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// Answer has it answer with a status from now on.
func (r *Receiver) Answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// Posts gives the bodies of the POSTs that came, in order.
func (r *Receiver) Posts() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([][]byte(nil), r.posts...)
}

// ServeHTTP takes a request.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	status := r.status
	if req.Method == http.MethodPost {
		r.posts = append(r.posts, body)
		select {
		case r.Came <- struct{}{}:
		default: // nobody waits for so many
		}
	}
	r.mu.Unlock()
	w.WriteHeader(status)
}
