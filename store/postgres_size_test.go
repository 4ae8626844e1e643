package store

import (
	"context"
	"sync"
	"testing"

	"tidings"
)

// advanceAll has all lanes store a position n times, each with an attempt.
func advanceAll(tb testing.TB, s *Store, lanes []tidings.EndpointID, n int) {
	tb.Helper()
	for round := range n {
		var answers sync.WaitGroup
		for _, id := range lanes {
			answers.Add(1)
			p := tidings.Position{Endpoint: id, Fence: 1, Epoch: 1, Cursor: tidings.Seq(round + 1), Scanned: tidings.Seq(round + 1), Previous: "b_0123456789abcdef0123456789abcdef"}
			a := tidings.Attempt{Number: 1, Batch: "b_0123456789abcdef0123456789abcdef", First: 1, Last: 500, Activities: 500, Digest: "xxh64:0123456789abcdef", Status: 200, Delivered: true, Outcome: tidings.OutcomeDelivered}
			s.Deliver(tidings.Delivery{Position: p, Attempts: []tidings.Attempt{a}}, false, func(err error) {
				defer answers.Done()
				if err != nil {
					tb.Error(err)
				}
			})
		}
		answers.Wait()
	}
}

// sizeOf is what a table takes with its indexes, in bytes.
func sizeOf(tb testing.TB, s *Store, table string) (bytes int64) {
	tb.Helper()
	if err := s.row(context.Background(), `SELECT pg_total_relation_size($1::text::regclass)`, table).Scan(&bytes); err != nil {
		tb.Fatal(err)
	}
	return bytes
}

// TestRowsThatAreWrittenAllTheTimeStayInPlace: what a write leaves behind is
// used by one of the next, without a vacuum.
func TestRowsThatAreWrittenAllTheTimeStayInPlace(t *testing.T) {
	s := openNodes(t, 1, Options{})[0]
	feeds(t, s, 1)
	lanes := makeLanes(t, s, 50)
	execute(t, s, `ALTER TABLE position SET (autovacuum_enabled = false)`)
	execute(t, s, `ALTER TABLE writer SET (autovacuum_enabled = false)`)
	execute(t, s, `ALTER TABLE head SET (autovacuum_enabled = false)`)
	advanceAll(t, s, lanes, 50)
	tables := []string{"position", "writer", "head"}
	before := map[string]int64{}
	for _, table := range tables {
		before[table] = sizeOf(t, s, table)
	}
	advanceAll(t, s, lanes, 150)
	for i := range 150 {
		if _, err := one(s, i); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range tables {
		if now := sizeOf(t, s, table); now > before[table]+before[table]/2 {
			t.Errorf("table %s has grown from %d to %d bytes", table, before[table], now)
		}
	}
}

// BenchmarkAdvances has 100 lanes advance, and shows what their rows take.
func BenchmarkAdvances(b *testing.B) {
	s := openPostgresBench(b, PostgresDatabase(b))
	lanes := makeLanes(b, s, 100)
	b.ResetTimer()
	advanceAll(b, s, lanes, b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.N*len(lanes)), "advances")
	b.ReportMetric(float64(sizeOf(b, s, "position"))/1024, "position-KiB")
	b.ReportMetric(float64(sizeOf(b, s, "attempt"))/1024, "attempt-KiB")
}

// BenchmarkTakeover reads the lanes of 100,000 endpoints after their leases
// have been claimed.
func BenchmarkTakeover(b *testing.B) {
	const endpoints = 100_000
	s := openPostgresBench(b, PostgresDatabase(b))
	makeLanes(b, s, endpoints)
	node := func(id tidings.NodeID) tidings.Node {
		return tidings.Node{ID: id, Roles: []tidings.Role{tidings.RoleDeliver}}
	}
	for b.Loop() {
		b.StopTimer()
		if _, err := s.RenewLeases(b.Context(), node("a"), nil); err != nil {
			b.Fatal(err)
		}
		if _, err := s.reader.ExecContext(b.Context(), `UPDATE node SET seen = seen - interval '11 seconds'`); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		g, err := s.RenewLeases(b.Context(), node("b"), nil)
		if err != nil || len(g.Held) != tidings.Shards {
			b.Fatal(len(g.Held), err)
		}
		shards := make([]int, len(g.Held))
		for i, l := range g.Held {
			shards[i] = l.Shard
		}
		n := 0
		err = s.LanesOf(b.Context(), shards, func(tidings.Endpoint, tidings.Position) error { n++; return nil })
		if err != nil || n != endpoints {
			b.Fatal(n, err)
		}
		b.StopTimer()
		if err := s.ReleaseLeases(b.Context(), "b"); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
