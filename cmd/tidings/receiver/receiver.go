package receiver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// maxBody bounds one POST: the largest batch, and room for one activity over it.
const maxBody = 17 << 20

// Answer is what a receiver says to a delivery.
type Answer struct {
	Status     int           // 0 = 200
	Delay      time.Duration // before it; ends early when the sender goes
	RetryAfter time.Duration // 0 = no such header
	Hang       bool          // break the connection instead of answering
}

// Accepted says whether the server will take the answer for success.
func (a Answer) Accepted() bool { return !a.Hang && (a.Status == 0 || a.Status == http.StatusOK) }

// Plan makes a receiver fail on purpose.
type Plan struct {
	Status    int           // of every answer that is not told to fail; 0 = 200
	Fail      int64         // refuse this many POSTs at first
	FailEvery int64         // and every n-th POST after; 0 = none
	FailWith  int           // status of a refusal; 0 = 503
	Delay     time.Duration // before every answer
}

// Answer gives the plan's answer to the n-th POST, n from 1.
func (p Plan) Answer(n int64) Answer {
	if n <= p.Fail || p.FailEvery > 0 && n > p.Fail && (n-p.Fail)%p.FailEvery == 0 {
		status := p.FailWith
		if status == 0 {
			status = http.StatusServiceUnavailable
		}
		return Answer{Status: status, Delay: p.Delay}
	}
	return Answer{Status: p.Status, Delay: p.Delay}
}

// Receiver is the HTTP handler of a receiver. GET and HEAD are answered 200
// (the probe on save), POSTs are judged, answered and shown.
type Receiver struct {
	// Checker judges; required.
	Checker *Checker
	// Decide gives the answer to the n-th POST, n from 1. nil = 200 to all.
	// A delivery whose signature is wrong is answered 401 without asking.
	Decide func(n int64, d Delivery) Answer
	// Seen is told of every POST just before its answer leaves, one at a time per feed.
	Seen func(d Delivery, a Answer)

	posts atomic.Int64
}

func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		_, _ = io.WriteString(w, "ready to receive\n")
	case http.MethodPost:
		r.receive(w, req)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "deliveries are POSTs", http.StatusMethodNotAllowed)
	}
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) {
	body, err := readBody(w, req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d := r.Checker.Judge(req.URL.Path, req.Header, body)
	n := r.posts.Add(1)
	var a Answer
	switch {
	case d.Verified != nil:
		a.Status = http.StatusUnauthorized
	case r.Decide != nil:
		a = r.Decide(n, d)
	}
	if !wait(req, a.Delay) {
		// The sender has gone: whatever is answered now, it did not read it.
		a = Answer{Hang: true, Delay: a.Delay}
	}
	r.Checker.Answered(d, a.Accepted())
	if r.Seen != nil {
		r.Seen(d, a)
	}
	answer(w, a)
}

// readBody reads the whole body in one buffer of the announced size.
func readBody(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	limited := http.MaxBytesReader(w, req.Body, maxBody)
	if req.ContentLength <= 0 || req.ContentLength > maxBody {
		return io.ReadAll(limited)
	}
	body := make([]byte, req.ContentLength)
	_, err := io.ReadFull(limited, body)
	return body, err
}

// wait says whether the sender was still there when the delay was over.
func wait(req *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-req.Context().Done():
		return false
	}
}

func answer(w http.ResponseWriter, a Answer) {
	if a.Hang {
		panic(http.ErrAbortHandler)
	}
	if a.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(a.RetryAfter.Seconds())))
	}
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	if status != http.StatusNoContent && status != http.StatusNotModified && status >= 200 {
		fmt.Fprintf(w, "%d %s\n", status, http.StatusText(status))
	}
}

// Statuses counts the activities of a body by activityStatus. The error says
// that the body is not a JSON array of objects that have one.
func Statuses(body []byte) (counts map[string]int, total int, err error) {
	var activities []struct {
		Status string `json:"activityStatus"`
	}
	if err := json.Unmarshal(body, &activities); err != nil {
		return nil, 0, errors.New("the body is not a JSON array of activities")
	}
	counts = map[string]int{}
	for _, a := range activities {
		if a.Status == "" {
			return nil, 0, errors.New("an activity of the body has no activityStatus")
		}
		counts[a.Status]++
	}
	return counts, len(activities), nil
}
