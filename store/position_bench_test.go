package store_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tidings"
	"tidings/store"
)

// benchEndpoints opens a store with n endpoints of one account, and gives the token of its key.
func benchEndpoints(b *testing.B, n int, change func(*tidings.Endpoint)) (*store.Store, []tidings.EndpointID, string) {
	b.Helper()
	keys, err := store.LoadOrCreateKeyring(filepath.Join(b.TempDir(), "key"))
	if err != nil {
		b.Fatal(err)
	}
	s, err := store.OpenSQLite(b.Context(), store.Options{Dir: b.TempDir(), Keys: keys})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	fresh := tidings.MakeKey("first", tidings.AllScopes())
	account, _, err := s.CreateAccount(b.Context(), "bench", fresh, "admin")
	if err != nil {
		b.Fatal(err)
	}
	ids := make([]tidings.EndpointID, n)
	const makers = 64 // share commits
	var group sync.WaitGroup
	for maker := range makers {
		group.Go(func() {
			for i := maker; i < n; i += makers {
				e := tidings.Endpoint{Account: account.ID, Name: fmt.Sprint(i), URL: "https://crm.example/in", State: tidings.StateActive}
				change(&e)
				made, err := s.CreateEndpoint(b.Context(), e, tidings.Start{Now: true}, "admin")
				if err != nil {
					b.Error(err)
					return
				}
				ids[i] = made.ID
			}
		})
	}
	group.Wait()
	return s, ids, fresh.Token
}

func plain(*tidings.Endpoint) {}

func withSecrets(e *tidings.Endpoint) {
	e.Auth = &tidings.BasicAuth{Username: "user", Password: "password"}
	e.Secrets = []tidings.Secret{{Value: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}}
}

// BenchmarkLanes loads 100,000 endpoints, as a start does.
func BenchmarkLanes(b *testing.B) {
	for name, change := range map[string]func(*tidings.Endpoint){"plain": plain, "secrets": withSecrets} {
		b.Run(name, func(b *testing.B) {
			const n = 100_000
			s, _, _ := benchEndpoints(b, n, change)
			for b.Loop() {
				loaded := 0
				err := s.Lanes(b.Context(), func(tidings.Endpoint, tidings.Position) error { loaded++; return nil })
				if err != nil || loaded != n {
					b.Fatalf("%d loaded, %v", loaded, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/endpoint")
		})
	}
}

// BenchmarkDeliver stores what lanes give after each batch: one lane has at
// most one delivery under way, as in life, and all are lazy.
func BenchmarkDeliver(b *testing.B) {
	for _, lanes := range []int{1, 10, 1000} {
		b.Run(fmt.Sprintf("%d lanes", lanes), func(b *testing.B) {
			s, ids, _ := benchEndpoints(b, lanes, plain)
			b.ResetTimer()
			var group sync.WaitGroup
			for lane, id := range ids {
				group.Go(func() {
					done := make(chan error, 1)
					for i := lane; i < b.N; i += lanes {
						s.Deliver(benchDelivery(id, i), false, func(err error) { done <- err })
						if err := <-done; err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
		})
	}
}

// BenchmarkDeliverAhead is one lane that does not wait for its cursor to be
// durable before the next batch: what a drain does.
func BenchmarkDeliverAhead(b *testing.B) {
	s, ids, _ := benchEndpoints(b, 1, plain)
	b.ReportAllocs()
	var group sync.WaitGroup
	slots := make(chan struct{}, 256)
	for i := 0; b.Loop(); i++ {
		slots <- struct{}{}
		group.Add(1)
		s.Deliver(benchDelivery(ids[0], i), false, func(err error) {
			if err != nil {
				b.Error(err)
			}
			<-slots
			group.Done()
		})
	}
	group.Wait()
}

func benchDelivery(id tidings.EndpointID, i int) tidings.Delivery {
	const batch = "b_0123456789abcdef0123456789abcdef"
	cursor := tidings.Seq(i+1) * 500
	return tidings.Delivery{
		Position: tidings.Position{Endpoint: id, Fence: 1, Epoch: 1, Cursor: cursor, Scanned: cursor, Previous: batch},
		Attempts: []tidings.Attempt{{
			Endpoint: id, Number: 1, Batch: batch, First: cursor - 499, Last: cursor, Activities: 500, Bytes: 170_000,
			Digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", At: time.UnixMilli(1_700_000_000_000),
			Duration: time.Millisecond, Status: 200, Delivered: true, Outcome: tidings.OutcomeDelivered, Answer: "ok",
		}},
	}
}

// BenchmarkKeyByDigest is what every request to the API asks first.
func BenchmarkKeyByDigest(b *testing.B) {
	s, _, token := benchEndpoints(b, 0, plain)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.KeyByDigest(b.Context(), tidings.KeyDigest(token)); err != nil {
			b.Fatal(err)
		}
	}
}
