package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Limits of one answer. It may hold fewer activities than asked for, never none
// when there are some.
const (
	defaultLimit  = 100
	maxReadLimit  = 10_000
	maxReadBytes  = 4 << 20
	maxReadWait   = 60
	longestAnswer = 60 * time.Second // for a client to take an answer
)

func (s *Server) registerActivities() {
	s.raw(s.describeIngest(), access{scope: tidings.ScopeIngest}, s.ingest)
	s.raw(s.describeRead(), access{scope: tidings.ScopeRead}, s.readFeed)
}

// readFeed answers with the feed after a seq, waiting for something to arrive
// when the client asks for that.
func (s *Server) readFeed(w http.ResponseWriter, r *http.Request, c caller) {
	q := readQuery(r.URL.RawQuery)
	after := tidings.Seq(q.number("after", 0, 0, 1<<62))
	limit := int(q.number("limit", defaultLimit, 1, maxReadLimit))
	wait := time.Duration(q.number("wait", 0, 0, maxReadWait)) * time.Second
	ndjson, err := wantsNDJSON(r.Header.Get("Accept"))
	if err = errors.Join(q.err(), err); err != nil {
		s.fail(w, r, err)
		return
	}
	if wait > 0 {
		leave, ok := s.stream()
		if !ok {
			s.fail(w, r, s.tooManyStreams())
			return
		}
		err := s.await(r.Context(), c.account(), after, wait)
		leave()
		if err != nil {
			s.fail(w, r, err)
			return
		}
	}
	page, err := s.store.Read(r.Context(), tidings.ReadQuery{Account: c.account(), After: after, MaxItems: limit, MaxBytes: maxReadBytes})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if page.Missing > after {
		w.Header().Set("Tidings-Missing-Through", strconv.FormatInt(int64(page.Missing), 10))
	}
	out := newFoundWriter(ndjson)
	for _, chunk := range page.Chunks {
		for i := range chunk.Len() {
			if out.n == limit || (out.n > 0 && out.size() > maxReadBytes) {
				break
			}
			out.add(chunk.First+tidings.Seq(i), chunk.Wire(i))
		}
	}
	s.send(w, out)
}

// await waits for the feed to grow past after; that nothing came in time, or
// that the server stops, is no error.
func (s *Server) await(ctx context.Context, account tidings.AccountID, after tidings.Seq, wait time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(s.ending, cancel)()
	err := s.cfg.Wait(waiting, account, after)
	if waiting.Err() != nil {
		return ctx.Err()
	}
	return err
}

// wantsNDJSON chooses the form of the answer.
func wantsNDJSON(accept string) (bool, error) {
	if accept == "" {
		return false, nil
	}
	for part := range strings.SplitSeq(accept, ",") {
		t, _, _ := strings.Cut(part, ";")
		switch strings.TrimSpace(t) {
		case "application/x-ndjson", "application/ndjson":
			return true, nil
		case "application/json", "application/*", "*/*":
			return false, nil
		}
	}
	return false, &answered{
		status: http.StatusNotAcceptable,
		err:    tidings.Errorf(tidings.CodeUnsupported, "the answer can be application/json or application/x-ndjson: let Accept say one of them"),
	}
}

// foundWriter writes activities with their places, as an array or as lines. The
// activities are the stored bytes: nothing is decoded.
type foundWriter struct {
	buf    []byte
	n      int
	ndjson bool
}

func newFoundWriter(ndjson bool) *foundWriter {
	f := &foundWriter{ndjson: ndjson, buf: make([]byte, 0, 4<<10)}
	if !ndjson {
		f.buf = append(f.buf, '[')
	}
	return f
}

func (f *foundWriter) size() int { return len(f.buf) }

func (f *foundWriter) add(seq tidings.Seq, wire []byte) {
	if f.n > 0 && !f.ndjson {
		f.buf = append(f.buf, ',')
	}
	f.buf = append(f.buf, `{"seq":`...)
	f.buf = strconv.AppendInt(f.buf, int64(seq), 10)
	f.buf = append(f.buf, `,"activity":`...)
	f.buf = append(f.buf, wire...)
	f.buf = append(f.buf, '}')
	if f.ndjson {
		f.buf = append(f.buf, '\n')
	}
	f.n++
}

func (f *foundWriter) close() []byte {
	if !f.ndjson {
		f.buf = append(f.buf, "]\n"...)
	}
	return f.buf
}

// send answers with what was found.
func (s *Server) send(w http.ResponseWriter, f *foundWriter) {
	defer takenWithin(w, longestAnswer)()
	body := f.close()
	if f.ndjson {
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = w.Write(body) // a client that does not take the answer has gone
		return
	}
	writeJSON(w, body)
}

func (s *Server) describeRead() huma.Operation {
	found := &huma.Schema{Type: "array", Items: foundSchema()}
	return huma.Operation{
		OperationID: "read-activities", Method: http.MethodGet, Path: "/v1/activities", Tags: []string{"Activities"},
		Summary: "Read the feed after a place in it",
		Description: "Gives the account's activities in their order, each with its seq, so that a receiver can fetch what it lost. " +
			"Ask again with after = the last seq you have; an empty answer means that nothing more is there. " +
			"With wait, an empty answer is held back until something arrives, for at most that many seconds.\n\n" +
			"The answer ends early after 4 MiB. When retention has dropped activities after the asked place, the header Tidings-Missing-Through names the last one that is gone.",
		Parameters: []*huma.Param{
			numberParam("after", "The last seq you have; 0 = from the beginning of what is kept.", 0, 0, 1<<62),
			numberParam("limit", "The most activities to answer with.", defaultLimit, 1, maxReadLimit),
			numberParam("wait", "Seconds to wait for something to arrive.", 0, 0, maxReadWait),
		},
		Responses: map[string]*huma.Response{"200": {
			Description: "The activities; perhaps none.",
			Content: map[string]*huma.MediaType{
				"application/json":     {Schema: found},
				"application/x-ndjson": {Schema: foundSchema()},
			},
			Headers: map[string]*huma.Param{"Tidings-Missing-Through": {Schema: &huma.Schema{Type: "integer"}, Description: "The last seq that retention has dropped, when that lies after the asked place."}},
		}},
		Errors:     []int{400, 406, 429, 503},
		Extensions: curl(`curl "$TIDINGS/v1/activities?after=0&limit=10&wait=30" -H "Authorization: Bearer $KEY"`),
	}
}
