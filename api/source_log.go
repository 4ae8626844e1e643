package api

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// What came to a source lately, for people who set one up: whether its sender
// calls at all, and why what it sent was refused. It is kept in memory, of this
// server process only, because nobody has shown yet to be who they say they are
// when it is noted.

// How much is kept of one source.
const (
	maxIntakes        = 20  // requests, the newest
	maxIgnoredShown   = 5   // of each request
	maxIgnoredText    = 200 // bytes of each text of it
	maxSourcesWatched = 10_000
)

type intakeJSON struct {
	At       time.Time           `json:"at"`
	Accepted int                 `json:"accepted" doc:"Events that became activities."`
	Repeated int                 `json:"repeated" doc:"Events that had come before."`
	Ignored  int                 `json:"ignored" doc:"Events that became no activity."`
	Why      []ignoredSourceJSON `json:"why" doc:"Of those that were ignored, the first five."`
	Error    string              `json:"error" doc:"Why the request was refused; empty when it was taken."`
}

type intakesJSON struct {
	Requests []intakeJSON `json:"requests" doc:"Newest first, twenty at most."`
}

// intakes are the requests that came to sources. The zero value works.
type intakes struct {
	mu sync.Mutex
	of map[tidings.SourceID][]intakeJSON // oldest first
}

// note adds a request.
func (i *intakes) note(id tidings.SourceID, one intakeJSON) {
	i.mu.Lock()
	defer i.mu.Unlock()
	list, watched := i.of[id]
	if !watched && len(i.of) >= maxSourcesWatched {
		return
	}
	if i.of == nil {
		i.of = map[tidings.SourceID][]intakeJSON{}
	}
	if len(list) == maxIntakes {
		copy(list, list[1:])
		list = list[:maxIntakes-1]
	}
	i.of[id] = append(list, one)
}

// latest gives the requests of a source, newest first.
func (i *intakes) latest(id tidings.SourceID) []intakeJSON {
	i.mu.Lock()
	defer i.mu.Unlock()
	kept := i.of[id]
	out := make([]intakeJSON, len(kept))
	for n := range kept {
		out[len(kept)-1-n] = kept[n]
	}
	return out
}

// forget drops what is known of a source that is deleted.
func (i *intakes) forget(id tidings.SourceID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.of, id)
}

// intakeOf tells what became of a request.
func intakeOf(at time.Time, taken *takenJSON, err error) intakeJSON {
	one := intakeJSON{At: at.UTC(), Why: []ignoredSourceJSON{}}
	if err != nil {
		one.Error = "The server has made a mistake: its log has the cause."
		if e, ok := errors.AsType[*tidings.Error](err); ok && e.Code != tidings.CodeInternal {
			one.Error = tidings.CutText(e.Message, 2*maxIgnoredText)
		}
		return one
	}
	one.Accepted, one.Repeated, one.Ignored = taken.Accepted, taken.Repeated, len(taken.Ignored)
	for _, why := range taken.Ignored[:min(len(taken.Ignored), maxIgnoredShown)] {
		one.Why = append(one.Why, ignoredSourceJSON{tidings.CutText(why.Event, maxIgnoredText), tidings.CutText(why.Reason, maxIgnoredText)})
	}
	return one
}

func (s *Server) registerSourceLog() {
	operate(s, huma.Operation{
		OperationID: "list-source-requests", Method: http.MethodGet, Path: "/v1/sources/{id}/requests", Tags: []string{"Sources"},
		Summary:     "Show what came to a source lately",
		Description: "Requests of the sender, those that were refused too. Of this server process, since its start.", Errors: []int{400, 404, 503},
		Extensions: curl(`curl $TIDINGS/v1/sources/1/requests -H "Authorization: Bearer $KEY"`),
	}, access{scope: tidings.ScopeRead}, func(ctx context.Context, c caller, in *sourcePath) (*struct{ Body intakesJSON }, error) {
		if _, err := s.store.Source(ctx, c.account(), tidings.SourceID(in.ID)); err != nil {
			return nil, err
		}
		return &struct{ Body intakesJSON }{intakesJSON{s.intakes.latest(tidings.SourceID(in.ID))}}, nil
	})
}
