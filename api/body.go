package api

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"tidings"
)

// bodies bounds how many bytes of activities are held at once, over all
// requests, so that many large ones can't exhaust the memory.
type bodies struct {
	mu   sync.Mutex
	free int64
}

func (b *bodies) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.free {
		return false
	}
	b.free -= n
	return true
}

func (b *bodies) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
}

const (
	activitiesTimeout = 60 * time.Second // for any body, from its request's header to its last byte
	firstBuffer       = 32 << 10         // of a body that does not announce its length
)

// activityForm says whether a request's activities are NDJSON; CodeUnsupported
// when they are neither that nor JSON.
func activityForm(contentType string) (ndjson bool, err error) {
	switch contentType { // the forms that nearly all clients send, without an allocation
	case "application/json", "application/json; charset=utf-8", "":
		return false, nil
	case "application/x-ndjson", "application/ndjson":
		return true, nil
	}
	t, params, err := mime.ParseMediaType(contentType)
	if err == nil && params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return false, tidings.Errorf(tidings.CodeUnsupported, "the charset must be utf-8")
	}
	switch {
	case err == nil && t == "application/json":
		return false, nil
	case err == nil && (t == "application/x-ndjson" || t == "application/ndjson"):
		return true, nil
	}
	return false, tidings.Errorf(tidings.CodeUnsupported, "the Content-Type must be application/json (an array) or application/x-ndjson (one activity a line)")
}

// readActivities reads a request's body, inflated, within the limits. done
// gives its room back, and must be called when the body is no longer held.
func (s *Server) readActivities(w http.ResponseWriter, r *http.Request) (body []byte, done func(), err error) {
	limit := int64(s.cfg.MaxBody)
	if r.ContentLength > limit {
		return nil, nil, errTooLarge(limit)
	}
	h := &heldBody{s: &s.bodies}
	defer func() {
		if err != nil {
			h.release() // what is left of the body keeps the deadline that ServeHTTP gave it
			return
		}
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}()
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		if r.ContentLength >= 0 {
			body, err = h.readExactly(r.Body, r.ContentLength)
			return body, h.release, err
		}
		if body, err = h.readUpTo(r.Body, limit); err != nil && tidings.CodeOf(err) == tidings.CodeInternal {
			err = readFailure(err)
		}
	case "gzip", "x-gzip":
		// The compressed bytes are bounded too: a gzip stream can be long and hold nothing.
		body, err = h.inflate(io.LimitReader(r.Body, limit+1), limit)
	default:
		w.Header().Set("Accept-Encoding", "gzip")
		return nil, nil, tidings.Errorf(tidings.CodeUnsupported, "the Content-Encoding %q is not read here: send gzip, or none", encoding)
	}
	if err == nil && int64(len(body)) > limit {
		err = errTooLarge(limit)
	}
	return body, h.release, err
}

func errTooLarge(limit int64) error {
	return tidings.Errorf(tidings.CodeTooLarge, "the body is over %d bytes: send the activities in several requests", limit)
}

// heldBody is a body in memory and the room it takes.
type heldBody struct {
	s    *bodies
	held int64
}

func (h *heldBody) release() {
	h.s.give(h.held)
	h.held = 0
}

func (h *heldBody) take(n int64) error {
	if !h.s.take(n) {
		return &tidings.Error{
			Code: tidings.CodeUnavailable, RetryAfter: time.Second,
			Message: "too many activities are on their way in at once: nothing of this request was stored; send it again",
		}
	}
	h.held += n
	return nil
}

func (h *heldBody) readExactly(r io.Reader, n int64) ([]byte, error) {
	if err := h.take(n); err != nil {
		return nil, err
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, readFailure(err)
	}
	return body, nil
}

// readUpTo reads to the end, or one byte past limit. A body that breaks off
// is an error, as io.ErrUnexpectedEOF of its reader says.
func (h *heldBody) readUpTo(r io.Reader, limit int64) ([]byte, error) {
	var body []byte
	for int64(len(body)) <= limit {
		if len(body) == cap(body) {
			size := min(max(2*int64(cap(body)), firstBuffer), limit+1)
			if err := h.take(size - int64(cap(body))); err != nil {
				return nil, err
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return body, nil
}

// inflate reads gzip; nothing past the limit is inflated.
func (h *heldBody) inflate(r io.Reader, limit int64) ([]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, inflateFailure(err)
	}
	body, err := h.readUpTo(z, limit)
	if err != nil {
		return nil, inflateFailure(err)
	}
	return body, nil
}

// inflateFailure tells a body that is no gzip from one that did not come.
func inflateFailure(err error) error {
	if tidings.CodeOf(err) != tidings.CodeInternal {
		return err
	}
	failure := readFailure(err)
	if statusOf(failure) == http.StatusRequestTimeout {
		return failure
	}
	return unreadable(fmt.Sprintf("the body is not whole gzip, as its Content-Encoding says: %v", err))
}
