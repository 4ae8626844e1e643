package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tidings"
	"tidings/api"
	"tidings/feed"
)

// idle is a store and a dispatcher that cost nothing, so that a benchmark
// measures the door alone.
type idle struct {
	api.Store
	api.Dispatcher
}

func (idle) KeyByDigest(context.Context, [32]byte) (tidings.Key, error) {
	return tidings.Key{ID: 1, Account: 1, Name: "k", Scopes: tidings.AllScopes()}, nil
}

func (idle) Append(_ context.Context, req tidings.AppendRequest) (tidings.AppendResult, error) {
	return tidings.AppendResult{Accepted: len(req.Activities), First: 1, Last: tidings.Seq(len(req.Activities))}, nil
}

func (idle) Stats() feed.Stats { return feed.Stats{} }

// discard is a response writer without a connection.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(status int) {
	if status != http.StatusOK {
		panic(status)
	}
}

// BenchmarkIngest is a request of n activities through the door, without
// network and store; "parse" is tidings.ParseActivities alone, for comparison.
func BenchmarkIngest(b *testing.B) {
	now := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	for _, n := range []int{1, 100} {
		all := make([]string, n)
		for i := range all {
			all[i] = activity(fmt.Sprint(i + 1))
		}
		body := []byte("[" + strings.Join(all, ",") + "]")
		b.Run(fmt.Sprintf("door/%d", n), func(b *testing.B) {
			s := api.New(api.Config{Store: idle{}, Dispatcher: idle{}})
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/activities", http.NoBody)
			req.ContentLength = int64(len(body))
			req.Header["Content-Type"] = []string{"application/json"}
			req.Header["Authorization"] = []string{"Bearer tk_0123456789012345678901234567890123456789012"}
			for b.Loop() {
				r := *req
				r.Body = io.NopCloser(bytes.NewReader(body))
				s.ServeHTTP(discard{http.Header{}}, &r)
			}
		})
		b.Run(fmt.Sprintf("parse/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := tidings.ParseActivities(bytes.Clone(body), tidings.Intake{Now: now}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
