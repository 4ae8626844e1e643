package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/feed"
)

// What was sent: an attempt as the request that it was. Bodies are not kept;
// the feed has what they were made of.

type sentJSON struct {
	attemptJSON
	Kept    feed.Kept    `json:"kept" enum:"exact,not,dropped" doc:"exact: the body is that of then, byte for byte, as the digest proves. not: the endpoint's filter was another one then. dropped: retention has dropped activities of the range."`
	Method  string       `json:"method" enum:"POST"`
	URL     string       `json:"url" doc:"Of now, as are the headers of the options."`
	Headers []sentHeader `json:"headers"`
	Body    string       `json:"body" doc:"An array of the first activities, as they were sent; empty unless kept is exact."`
	Shown   int          `json:"shown" doc:"Activities in body; the whole body when they are as many as activities."`
}

type sentHeader struct {
	Name  string `json:"name"`
	Value string `json:"value" doc:"With •••• for what is secret."`
}

func (s *Server) registerBatches() {
	read := access{scope: tidings.ScopeRead}
	operate(s, huma.Operation{
		OperationID: "get-sent-batch", Method: http.MethodGet, Path: "/v1/endpoints/{id}/batches/{batchId}", Tags: []string{"Endpoints"},
		Summary:     "Show the request of an attempt: its headers and the beginning of its body",
		Description: "Of the attempts that are kept. Secrets are masked. The whole body is given by …/body.", Errors: []int{400, 404, 503},
		Extensions: curl(`curl $TIDINGS/v1/endpoints/1/batches/b_8d6a2f1f3c0a4f0f9f6a1f5be8d2c9a7 -H "Authorization: Bearer $KEY"`),
	}, read, s.getSentBatch)
	s.raw(huma.Operation{
		OperationID: "get-sent-body", Method: http.MethodGet, Path: "/v1/endpoints/{id}/batches/{batchId}/body", Tags: []string{"Endpoints"},
		Summary:     "Download the body of an attempt, byte for byte",
		Description: "404 when it can't be had any more: see kept.",
		Parameters: []*huma.Param{
			{Name: "id", In: "path", Required: true, Description: "The endpoint's id.", Schema: &huma.Schema{Type: "integer", Minimum: ptr(1.0)}},
			{Name: "batchId", In: "path", Required: true, Description: "The batch's id.", Schema: &huma.Schema{Type: "string", MaxLength: ptr(maxBatchID)}},
		},
		Responses: map[string]*huma.Response{"200": {Description: "The body.", Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Type: "array", Items: &huma.Schema{Type: "object"}}},
		}}},
		Errors:     []int{404, 503},
		Extensions: curl(`curl $TIDINGS/v1/endpoints/1/batches/b_8d6a2f1f3c0a4f0f9f6a1f5be8d2c9a7/body -H "Authorization: Bearer $KEY" -o batch.json`),
	}, read, s.getSentBody)
}

// maxBatchID is longer than every id of a batch.
const maxBatchID = 64

func (s *Server) getSentBatch(ctx context.Context, c caller, in *struct {
	ID      int64  `path:"id" minimum:"1" doc:"The endpoint's id."`
	Batch   string `path:"batchId" maxLength:"64" doc:"The batch's id: batchId of an attempt."`
	Attempt int    `query:"attempt" minimum:"0" doc:"Which attempt of it; 0 = the newest."`
	Limit   int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"The most activities of the body to answer with."`
},
) (*struct{ Body sentJSON }, error) {
	ep, a, previous, err := s.attemptOf(ctx, c.account(), tidings.EndpointID(in.ID), in.Batch, in.Attempt)
	if err != nil {
		return nil, err
	}
	_, begin, kept, err := feed.PastBatch(ctx, s.store, &ep, a, in.Limit)
	if err != nil {
		return nil, err
	}
	out := sentJSON{attemptJSON: attemptView(a), Kept: kept, Method: http.MethodPost, URL: ep.URL}
	for _, h := range feed.PastHeaders(&ep, a, previous, "Tidings/"+s.cfg.Version) {
		out.Headers = append(out.Headers, sentHeader{h.Name, h.Value})
	}
	if begin != nil {
		out.Shown = begin.Activities
		for _, piece := range begin.Body {
			out.Body += string(piece)
		}
	}
	return &struct{ Body sentJSON }{out}, nil
}

// attemptOf finds an attempt of a batch among those that are kept, with the
// batch that was delivered before it.
func (s *Server) attemptOf(ctx context.Context, account tidings.AccountID, id tidings.EndpointID, batch string, number int) (tidings.Endpoint, tidings.Attempt, tidings.BatchID, error) {
	ep, _, err := s.store.Endpoint(ctx, account, id)
	if err != nil {
		return ep, tidings.Attempt{}, "", err
	}
	attempts, _, err := s.store.Attempts(ctx, account, id, 0, allAttempts)
	if err != nil {
		return ep, tidings.Attempt{}, "", err
	}
	var found tidings.Attempt
	for _, a := range attempts { // newest first
		switch {
		case found.Batch == "" && string(a.Batch) == batch && (number == 0 || a.Number == number):
			found = a
		case found.Batch != "" && a.Batch != found.Batch && a.Delivered && a.Last == found.First-1:
			return ep, found, a.Batch, nil
		case found.Batch != "" && a.Batch != found.Batch:
			return ep, found, "", nil // the cursor was moved before it
		}
	}
	if found.Batch == "" {
		return ep, found, "", tidings.Errorf(tidings.CodeNotFound, "none of the attempts that are kept is of batch %q", tidings.CutText(batch, maxBatchID))
	}
	return ep, found, "", nil
}

func (s *Server) getSentBody(w http.ResponseWriter, r *http.Request, c caller) {
	body, err := s.sentBody(r.Context(), c.account(), r.PathValue("id"), r.PathValue("batchId"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer takenWithin(w, longestAnswer)()
	head := w.Header()
	head.Set("Content-Type", "application/json; charset=utf-8")
	head.Set("Content-Disposition", `attachment; filename="batch.json"`)
	head.Set("Content-Length", strconv.Itoa(body.Bytes))
	for _, piece := range body.Body {
		if _, err := w.Write(piece); err != nil {
			return // the client has gone
		}
	}
}

func (s *Server) sentBody(ctx context.Context, account tidings.AccountID, id, batch string) (*feed.Batch, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil, tidings.Errorf(tidings.CodeNotFound, "there is no endpoint %q", tidings.CutText(id, maxBatchID))
	}
	ep, a, _, err := s.attemptOf(ctx, account, tidings.EndpointID(n), batch, 0)
	if err != nil {
		return nil, err
	}
	whole, _, kept, err := feed.PastBatch(ctx, s.store, &ep, a, 0)
	switch {
	case err != nil:
		return nil, err
	case kept == feed.KeptDropped:
		return nil, tidings.Errorf(tidings.CodeNotFound, "the body of batch %s can't be had any more: retention has dropped activities of it", a.Batch)
	case kept == feed.KeptNot:
		return nil, tidings.Errorf(tidings.CodeNotFound, "the body of batch %s can't be had any more: the endpoint had another filter then", a.Batch)
	}
	return whole, nil
}
