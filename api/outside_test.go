package api_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// outside is the outside system that webhooks call: a real HTTPS server with an
// authority of its own.
type outside struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []seenRequest
	answer http.HandlerFunc
}

// seenRequest is a request as the outside system got it.
type seenRequest struct {
	method, target, body string
	header               http.Header
}

func newOutside(t *testing.T) *outside {
	o := &outside{}
	o.Server = httptest.NewTLSServer(o)
	t.Cleanup(o.Close)
	return o
}

func (o *outside) authority() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(o.Certificate())
	return pool
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	o.seen = append(o.seen, seenRequest{r.Method, r.RequestURI, string(body), r.Header.Clone()})
	answer := o.answer
	o.mu.Unlock()
	if answer != nil {
		answer(w, r)
	}
}

// answers has it answer 200 with a body from now on.
func (o *outside) answers(contentType, body string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

// last gives the last request that it got, and how many there were.
func (o *outside) last() (seenRequest, int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.seen) == 0 {
		return seenRequest{}, 0
	}
	return o.seen[len(o.seen)-1], len(o.seen)
}

// answersBy has it answer 200 with a body of JSON by the path, and 404 to all else.
func (o *outside) answersBy(bodies map[string]string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = func(w http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}
