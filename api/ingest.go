package api

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Feed is what the API asks of the log of activities.
type Feed interface {
	Append(ctx context.Context, req tidings.AppendRequest) (tidings.AppendResult, error)
	Head(ctx context.Context, account tidings.AccountID) (tidings.Seq, error)
	Read(ctx context.Context, q tidings.ReadQuery) (tidings.Page, error)
	Search(ctx context.Context, q tidings.ActivityQuery) (tidings.SearchPage, error)
	// SeqAt gives the last seq that arrived before a time.
	SeqAt(ctx context.Context, account tidings.AccountID, t time.Time) (tidings.Seq, error)
	// ArrivedAt says when an activity arrived.
	ArrivedAt(ctx context.Context, account tidings.AccountID, seq tidings.Seq) (time.Time, error)
}

// acceptedJSON answers an intake.
type acceptedJSON struct {
	Accepted int         `json:"accepted" doc:"How many activities were stored."`
	FirstSeq tidings.Seq `json:"firstSeq" doc:"Place of the first of them in the account's feed."`
	LastSeq  tidings.Seq `json:"lastSeq" doc:"Place of the last."`
}

// ingest takes activities in. It is the hot path of the server: no reflection,
// and no encoding/json but for what is wrong.
func (s *Server) ingest(w http.ResponseWriter, r *http.Request, c caller) {
	ndjson, err := activityForm(r.Header.Get("Content-Type"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	key, err := idempotencyKey(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	body, done, err := s.readActivities(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer done()
	req := tidings.AppendRequest{Account: c.account(), IdempotencyKey: key}
	if key != "" {
		req.BodyDigest = sha256.Sum256(body) // before the parser takes the body over
	}
	s.meter.received.Add(float64(len(body)))
	req.Activities, err = tidings.ParseActivities(body, tidings.Intake{NDJSON: ndjson, Now: s.cfg.Now()})
	if err != nil {
		s.failAs(w, r, err, ndjson)
		return
	}
	result, err := s.store.Append(r.Context(), req)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if result.Repeated {
		w.Header()["Idempotency-Replayed"] = []string{"true"}
	} else {
		s.meter.accepted.Add(float64(result.Accepted))
	}
	out := make([]byte, 0, 96)
	out = append(out, `{"accepted":`...)
	out = strconv.AppendInt(out, int64(result.Accepted), 10)
	out = append(out, `,"firstSeq":`...)
	out = strconv.AppendInt(out, int64(result.First), 10)
	out = append(out, `,"lastSeq":`...)
	out = strconv.AppendInt(out, int64(result.Last), 10)
	writeJSON(w, append(out, "}\n"...))
}

// idempotencyKey gives the request's Idempotency-Key, "" when it has none.
func idempotencyKey(r *http.Request) (string, error) {
	values := r.Header["Idempotency-Key"]
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	reason := ""
	switch {
	case len(values) > 1:
		reason = "is given more than once"
	case key == "":
		reason = "is empty: leave the header out, or give a key"
	case len(key) > tidings.MaxIdempotencyKey:
		reason = fmt.Sprintf("is longer than %d bytes", tidings.MaxIdempotencyKey)
	}
	for _, b := range []byte(key) {
		if b < ' ' || b > '~' {
			reason = "has characters that are not printable ASCII"
		}
	}
	if reason != "" {
		return "", unreadable("the header Idempotency-Key is wrong", tidings.FieldError{Index: -1, Field: "Idempotency-Key", Reason: reason})
	}
	return key, nil
}

func (s *Server) describeIngest() huma.Operation {
	array := &huma.Schema{Type: "array", Items: activitySchema(), MinItems: ptr(1), MaxItems: ptr(tidings.MaxActivities)}
	return huma.Operation{
		OperationID: "add-activities", Method: http.MethodPost, Path: "/v1/activities", Tags: []string{"Activities"},
		Summary: "Add activities to the feed",
		Description: fmt.Sprintf("Takes a JSON array, or NDJSON with one activity a line. It answers once all are durable; either all are stored or none. "+
			"What is wrong is named by element, field and reason, for up to %d elements, with status 422, broken JSON included.\n\n"+
			"Limits: %d bytes a request (inflated, when sent with Content-Encoding: gzip), %d activities, %d bytes an activity as compact JSON. "+
			"A missing activityDateTime becomes the time of arrival (UTC), a missing iid a new UUID.\n\n"+
			"With an Idempotency-Key, a repeat of the same body within %.0f hours stores nothing and answers the same, with the header Idempotency-Replayed: true; "+
			"another body under the same key is refused with 409.",
			tidings.MaxReported, s.cfg.MaxBody, tidings.MaxActivities, tidings.MaxActivityBytes, tidings.IdempotencyTTL.Hours()),
		Parameters: []*huma.Param{
			{Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: "string", MaxLength: ptr(tidings.MaxIdempotencyKey)}, Description: "A name for this request, made by you: printable ASCII."},
			{Name: "Content-Encoding", In: "header", Schema: &huma.Schema{Type: "string", Enum: []any{"gzip", "identity"}}},
		},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json":     {Schema: array, Example: exampleActivities()},
			"application/x-ndjson": {Schema: activitySchema()},
		}},
		Responses: map[string]*huma.Response{"200": {
			Description: "Stored, durably.", Content: jsonOf(s, acceptedJSON{}),
			Headers: map[string]*huma.Param{"Idempotency-Replayed": {Schema: &huma.Schema{Type: "string"}, Description: "true when a request before this one stored them."}},
		}},
		Errors: []int{400, 408, 409, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/activities -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '[{"contactId":687266822,"activityStatus":"DELIVERED","mediaType":"email","email":"ann@example.com"}]'`),
	}
}
