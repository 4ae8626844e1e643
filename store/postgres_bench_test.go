package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"tidings"
)

// BenchmarkEngines compares the engines on one machine, PostgreSQL over TCP.
// What is compared is durable when TIDINGS_TEST_DURABLE is set.
func BenchmarkEngines(b *testing.B) {
	open := map[string]func(b *testing.B) *Store{
		"sqlite":   func(b *testing.B) *Store { return openBench(b, Options{}) },
		"postgres": func(b *testing.B) *Store { return openPostgresBench(b, PostgresDatabase(b)) },
	}
	for _, c := range []struct{ workers, array, accounts, lanes int }{
		{8, 100, 1, 0}, {8, 100, 1, 1}, {64, 1, 1, 1}, {64, 1, 1000, 100}, {64, 100, 100, 100}, {1, 1, 1, 0},
	} {
		for _, engine := range []string{"sqlite", "postgres"} {
			b.Run(fmt.Sprintf("workers=%d/array=%d/accounts=%d/lanes=%d/%s", c.workers, c.array, c.accounts, c.lanes, engine), func(b *testing.B) {
				s := open[engine](b)
				feeds(b, s, c.accounts)
				benchAppendAndDeliver(b, []*Store{s}, [3]int{c.workers, c.array, c.accounts}, makeLanes(b, s, c.lanes))
			})
		}
	}
}

// BenchmarkNodes appends to one account by one node, and by two, each with 16 clients.
func BenchmarkNodes(b *testing.B) {
	for _, n := range []int{1, 2} {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			dsn := PostgresDatabase(b)
			var nodes []*Store
			for range n {
				nodes = append(nodes, openPostgresBench(b, dsn))
			}
			feeds(b, nodes[0], 1)
			benchAppendAndDeliver(b, nodes, [3]int{16 * n, 100, 1}, nil)
			nodes[0].heads.forget()
			if head, err := nodes[0].Head(b.Context(), 1); err != nil || int(head) != b.N*100 {
				b.Fatalf("head %d after %d activities, %v", head, b.N*100, err)
			}
		})
	}
}

func openPostgresBench(b *testing.B, dsn string) *Store {
	s, err := OpenPostgres(context.Background(), Options{DSN: dsn, SealEvery: -1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// makeLanes makes endpoints of account 1, past the checks of the door.
func makeLanes(b testing.TB, s *Store, n int) []tidings.EndpointID {
	ids := make([]tidings.EndpointID, n)
	err := s.commit(b.Context(), func(tx *writeTx) error {
		if _, err := tx.exec(`INSERT INTO account (id, name, created) VALUES (1, 'bench', 0)`); err != nil {
			return err
		}
		for i := range ids {
			e := tidings.Endpoint{Account: 1, Name: "e", URL: "https://crm.example/in", State: tidings.StateActive}
			if err := s.insertEndpoint(tx, &e); err != nil {
				return err
			}
			if _, err := tx.exec(`INSERT INTO position (endpoint, fence, epoch, cursor, scanned) VALUES ($1, 1, 1, 0, 0)`, e.ID); err != nil {
				return err
			}
			ids[i] = e.ID
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return ids
}

// benchAppendAndDeliver appends arrays, and meanwhile has each lane store a
// delivery after the other, as the dispatcher does. load is how many append,
// how many activities at a time, and to how many accounts.
func benchAppendAndDeliver(b *testing.B, nodes []*Store, load [3]int, lanes []tidings.EndpointID) {
	workers, array, accounts := load[0], load[1], load[2]
	pool := samples(100_000)
	var next, delivered atomic.Int64
	stop := make(chan struct{})
	var group, deliveries sync.WaitGroup
	b.ResetTimer()
	for i, id := range lanes {
		deliveries.Go(func() {
			s := nodes[i%len(nodes)]
			answer := make(chan error, 1)
			for n := 1; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				p := tidings.Position{Endpoint: id, Fence: 1, Epoch: 1, Cursor: tidings.Seq(n), Scanned: tidings.Seq(n)}
				a := tidings.Attempt{Endpoint: id, Number: 1, Batch: "b_0123456789abcdef0123456789abcdef", First: 1, Last: 500, Activities: 500, Bytes: 150_000, Digest: "xxh64:0123456789abcdef", Status: 200, Delivered: true, Outcome: tidings.OutcomeDelivered}
				s.Deliver(tidings.Delivery{Position: p, Attempts: []tidings.Attempt{a}}, false, func(err error) { answer <- err })
				if err := <-answer; err != nil {
					b.Error(err)
					return
				}
				delivered.Add(1)
			}
		})
	}
	for w := range workers {
		group.Go(func() {
			s := nodes[w%len(nodes)]
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				from := int(i) * array % (len(pool) - array + 1)
				_, err := s.Append(context.Background(), tidings.AppendRequest{
					Account: tidings.AccountID(1 + i%int64(accounts)), Activities: pool[from : from+array],
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	close(stop)
	deliveries.Wait()
	b.ReportMetric(float64(b.N*array)/b.Elapsed().Seconds(), "activities/s")
	b.ReportMetric(float64(delivered.Load())/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(float64(b.N)/float64(max(1, commits(nodes))), "appends/commit")
}

func commits(nodes []*Store) (n int64) {
	for _, s := range nodes {
		n += s.Stats().Commits
	}
	return n
}
