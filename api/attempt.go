package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Attempts is what the API asks of a store about what was tried.
type Attempts interface {
	// Attempts gives at most limit attempts of an endpoint, newest first, those
	// before a number (0 = from the newest), and the before of the next page (0 = none).
	Attempts(ctx context.Context, account tidings.AccountID, id tidings.EndpointID, before int64, limit int) ([]tidings.Attempt, int64, error)
}

type attemptJSON struct {
	At         time.Time       `json:"at"`
	Attempt    int             `json:"attempt" doc:"Of this batch, from 1."`
	BatchID    tidings.BatchID `json:"batchId" doc:"The same in the header webhook-id."`
	FirstSeq   tidings.Seq     `json:"firstSeq" doc:"The range of the feed that the batch settles."`
	LastSeq    tidings.Seq     `json:"lastSeq"`
	Activities int             `json:"activities" doc:"In the body."`
	Bytes      int             `json:"bytes" doc:"Of the body."`
	Digest     string          `json:"digest" doc:"Of the exact body: xxh64: and 16 hex digits, as xxhsum -H1 prints them. Attempts with the same digest carried the same bytes."`
	DurationMs float64         `json:"durationMs"`
	Status     int             `json:"status" doc:"Of the answer; 0 = none was read."`
	Delivered  bool            `json:"delivered"`
	Outcome    tidings.Outcome `json:"outcome" doc:"What kind of end it was, for programs."`
	Error      string          `json:"error" doc:"In plain words; empty when delivered."`
	Answer     string          `json:"answer" doc:"The first bytes of the answer's body."`
	NextTryAt  *time.Time      `json:"nextTryAt" doc:"null when delivered."`
}

type attemptsJSON struct {
	Attempts []attemptJSON `json:"attempts"`
	Next     *int64        `json:"next" doc:"before of the next page; null on the last."`
}

func attemptView(a tidings.Attempt) attemptJSON {
	return attemptJSON{
		At: a.At.UTC().Truncate(time.Millisecond), Attempt: a.Number, BatchID: a.Batch, FirstSeq: a.First, LastSeq: a.Last, Activities: a.Activities,
		Bytes: a.Bytes, Digest: a.Digest, DurationMs: float64(a.Duration.Microseconds()) / 1000, Status: a.Status,
		Delivered: a.Delivered, Outcome: a.Outcome, Error: a.Error, Answer: a.Answer, NextTryAt: instant(a.NextTry),
	}
}

func (s *Server) registerAttempts() {
	read := access{scope: tidings.ScopeRead}
	operate(s, huma.Operation{
		OperationID: "list-attempts", Method: http.MethodGet, Path: "/v1/endpoints/{id}/attempts", Tags: []string{"Endpoints"},
		Summary: "What was tried, newest first", Description: "The last attempts are kept, also of an endpoint that was deleted.", Errors: []int{400, 404, 503},
		Extensions: curl(`curl "$TIDINGS/v1/endpoints/1/attempts?limit=20" -H "Authorization: Bearer $KEY"`),
	}, read, s.listAttempts)
	s.raw(huma.Operation{
		OperationID: "tail-attempts", Method: http.MethodGet, Path: "/v1/endpoints/{id}/tail", Tags: []string{"Endpoints"},
		Summary: "Watch attempts as they are made",
		Description: "Server-sent events: each event attempt has as its data one attempt, as in the list. A comment is sent as a sign of life. " +
			"A client that does not keep up misses some. It ends, with an event end that says why, when the server stops, the key is revoked or the endpoint is deleted.",
		Parameters: []*huma.Param{{Name: "id", In: "path", Required: true, Description: "The endpoint's id.", Schema: &huma.Schema{Type: "integer", Minimum: ptr(1.0)}}},
		Responses: map[string]*huma.Response{"200": {Description: "The events.", Content: map[string]*huma.MediaType{
			"text/event-stream": {Schema: &huma.Schema{Type: "string"}, Example: "event: attempt\ndata: {\"attempt\":1,\"delivered\":true}\n\n"},
		}}},
		Errors:     []int{404, 429, 503},
		Extensions: curl(`curl -N $TIDINGS/v1/endpoints/1/tail -H "Authorization: Bearer $KEY"`),
	}, read, s.tail)
}

// allAttempts is more than are kept of an endpoint.
const allAttempts = 1000

func (s *Server) listAttempts(ctx context.Context, c caller, in *struct {
	ID     int64 `path:"id" minimum:"1" doc:"The endpoint's id."`
	Before int64 `query:"before" minimum:"0" doc:"next of the page before; 0 = from the newest."`
	Limit  int   `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"The most attempts of a page."`
	Failed bool  `query:"failed" doc:"true: only those that did not deliver, all of them on one page."`
},
) (*struct{ Body attemptsJSON }, error) {
	limit := in.Limit
	if in.Failed {
		limit = allAttempts
	}
	attempts, next, err := s.store.Attempts(ctx, c.account(), tidings.EndpointID(in.ID), in.Before, limit)
	if err != nil {
		return nil, err
	}
	if in.Failed {
		attempts = slices.DeleteFunc(attempts, func(a tidings.Attempt) bool { return a.Delivered })
	}
	out := attemptsJSON{Attempts: make([]attemptJSON, len(attempts))}
	for i, a := range attempts {
		out.Attempts[i] = attemptView(a)
	}
	if next != 0 {
		out.Next = &next
	}
	return &struct{ Body attemptsJSON }{out}, nil
}

// tail sends attempts as they end, until the client goes or the server stops.
func (s *Server) tail(w http.ResponseWriter, r *http.Request, c caller) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		s.fail(w, r, tidings.Errorf(tidings.CodeNotFound, "there is no endpoint %q", r.PathValue("id")))
		return
	}
	may := func() error { // see the endpoint, still
		now, err := s.auth.identify(r, access{scope: tidings.ScopeRead})
		if err == nil && now.signedIn() { // a context lasts as long as the stream: the user may not
			_, err = s.store.User(r.Context(), now.account(), now.user.ID)
		}
		if err == nil {
			_, _, err = s.store.Endpoint(r.Context(), now.account(), tidings.EndpointID(id))
		}
		return err
	}
	if err := may(); err != nil {
		s.fail(w, r, err)
		return
	}
	leave, ok := s.stream()
	if !ok {
		s.fail(w, r, s.tooManyStreams())
		return
	}
	defer leave()
	attempts, unwatch := s.watch(r.Context(), c.account(), tidings.EndpointID(id))
	defer unwatch()
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("X-Accel-Buffering", "no") // a proxy in between must not collect
	s.sendEvents(w, r, attempts, may)
}

// maxTailWrite is how long a client may take for one event before it is let go.
const maxTailWrite = 10 * time.Second

// sendEvents asks at every sign of life whether the client may go on watching.
func (s *Server) sendEvents(w http.ResponseWriter, r *http.Request, attempts <-chan tidings.Attempt, may func() error) {
	control := http.NewResponseController(w)
	send := func(event []byte) bool {
		// A connection without deadlines (a test's) is written to without one.
		_ = control.SetWriteDeadline(time.Now().Add(maxTailWrite))
		_, err := w.Write(event)
		return err == nil && control.Flush() == nil
	}
	if !send([]byte(": watching\n\n")) {
		return
	}
	beat := time.NewTicker(s.cfg.Heartbeat)
	defer beat.Stop()
	for {
		var event []byte
		select {
		case <-r.Context().Done():
			return
		case <-s.ending.Done():
			send(s.endEvent(r.Context(), tidings.Errorf(tidings.CodeUnavailable, "the server stops")))
			return
		case <-beat.C:
			if err := may(); err != nil {
				send(s.endEvent(r.Context(), err))
				return
			}
			event = []byte(": alive\n\n")
		case a, ok := <-attempts:
			if !ok {
				return
			}
			data, err := json.Marshal(attemptView(a))
			if err != nil {
				s.internal(r.Context(), err, &problemJSON{})
				return
			}
			event = append(append([]byte("event: attempt\ndata: "), data...), "\n\n"...)
		}
		if !send(event) {
			return
		}
	}
}

// endEvent tells a client why its tail ends.
func (s *Server) endEvent(ctx context.Context, why error) []byte {
	reason, err := json.Marshal(s.problem(ctx, why, false).Detail)
	if err != nil {
		reason = []byte(`""`)
	}
	return append(append([]byte("event: end\ndata: {\"reason\":"), reason...), "}\n\n"...)
}
