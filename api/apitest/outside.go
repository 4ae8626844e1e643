package apitest

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Outside is the outside system that webhooks call: a real HTTPS server with an
// authority of its own.
type Outside struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []Seen
	answer http.HandlerFunc
}

// Seen is a request as the outside system got it.
type Seen struct {
	Method, Target, Body string
	Header               http.Header
}

func newOutside(t *testing.T) *Outside {
	o := &Outside{}
	o.Server = httptest.NewTLSServer(o)
	t.Cleanup(o.Close)
	return o
}

// Authority gives what its certificate comes from.
func (o *Outside) Authority() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(o.Certificate())
	return pool
}

// ServeHTTP notes a request and answers it.
func (o *Outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	o.seen = append(o.seen, Seen{r.Method, r.RequestURI, string(body), r.Header.Clone()})
	answer := o.answer
	o.mu.Unlock()
	if answer != nil {
		answer(w, r)
	}
}

// By has it answer by a handler from now on.
func (o *Outside) By(h http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = h
}

// Answers has it answer 200 with a body from now on.
func (o *Outside) Answers(contentType, body string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

// Last gives the last request that it got, and how many there were.
func (o *Outside) Last() (Seen, int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.seen) == 0 {
		return Seen{}, 0
	}
	return o.seen[len(o.seen)-1], len(o.seen)
}

// AnswersBy has it answer 200 with a body of JSON by the path, and 404 to all else.
func (o *Outside) AnswersBy(bodies map[string]string) {
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
