package store

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"tidings"
)

func openBench(b *testing.B, o Options) *Store {
	o.Dir = b.TempDir()
	if o.SealEvery == 0 {
		o.SealEvery = -1
	}
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	s, err := OpenSQLite(context.Background(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// feeds makes n accounts with empty feeds.
func feeds(tb testing.TB, s *Store, n int) {
	err := s.commit(context.Background(), func(tx *writeTx) error {
		for i := range n {
			if err := tx.createHead(tidings.AccountID(i + 1)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// sample makes an activity like those of the wire specification, about 330
// bytes, with as much chance in it: who, and the iid, are not to be foreseen.
func sample(i int) tidings.Activity {
	chance := rand.New(rand.NewPCG(uint64(i), 7))
	high, low := chance.Uint64(), chance.Uint64()
	contact, message := 100_000+chance.IntN(1_000_000), 5_000+i/1000
	status := tidings.Status(1 + i%5)
	wire := fmt.Sprintf(`{"activityDateTime":"2026-03-14T%02d:%02d:%02d","activityStatus":"%s","broadcastId":%d,"contactId":%d,"email":"person.%d@example.com","iid":"%08x-%04x-4%03x-8%03x-%012x","mediaType":"email","messageId":%d,"messageInstanceId":%d,"messageName":"Spring offers, week %d","messageTag":"spring,offers","started":"2026-03-14T08:00:00"}`,
		i/3600%24, i/60%60, i%60, status, 700+i/5000, contact, contact, high>>32, high>>16&0xffff, high>>4&0xfff, low>>52, low&0xffff_ffff_ffff, message, i+1, i/7000)
	return tidings.Activity{
		Wire: []byte(wire), At: 1_773_446_400 + int64(i), Kind: tidings.KindOf(status, tidings.Email),
		Keys: [5]uint64{uint64(contact)*0x9E3779B97F4A7C15 | 1, uint64(contact)*0xD6E8FEB86659FD93 | 1, 0, uint64(message)*0x9E3779B97F4A7C15 | 1},
	}
}

func samples(n int) []tidings.Activity {
	all := make([]tidings.Activity, n)
	for i := range all {
		all[i] = sample(i)
	}
	return all
}

func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ workers, array, accounts int }{{8, 100, 1}, {64, 1, 1}, {64, 1, 10_000}, {8, 1000, 1}, {1, 1, 1}, {64, 100, 100}} {
		b.Run(fmt.Sprintf("workers=%d/array=%d/accounts=%d", c.workers, c.array, c.accounts), func(b *testing.B) {
			s := openBench(b, Options{})
			feeds(b, s, c.accounts)
			pool := samples(100_000)
			var next atomic.Int64
			b.ResetTimer()
			var workers sync.WaitGroup
			for range c.workers {
				workers.Go(func() {
					for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
						from := int(i) * c.array % (len(pool) - c.array + 1)
						_, err := s.Append(context.Background(), tidings.AppendRequest{
							Account: tidings.AccountID(1 + i%int64(c.accounts)), Activities: pool[from : from+c.array],
						})
						if err != nil {
							b.Error(err)
						}
					}
				})
			}
			workers.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N*c.array)/b.Elapsed().Seconds(), "activities/s")
			reportDisk(b, s, b.N*c.array)
		})
	}
}

func reportDisk(b *testing.B, s *Store, activities int) {
	var pages, free int64
	s.row(context.Background(), "PRAGMA page_count").Scan(&pages)
	s.row(context.Background(), "PRAGMA freelist_count").Scan(&free)
	wal, err := os.Stat(filepath.Join(s.opts.Dir, databaseFile+"-wal"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((pages-free)*pageSize)/float64(activities), "B/activity")
	b.ReportMetric(float64(wal.Size())/(1<<20), "wal-MiB")
}

// fill appends total activities to account 1 in arrays.
func fill(b *testing.B, s *Store, total, array int) {
	b.Helper()
	feeds(b, s, 1)
	pool := samples(100_000)
	for i := 0; i < total; i += array {
		from := i % len(pool)
		if _, err := s.Append(context.Background(), tidings.AppendRequest{Account: 1, Activities: pool[from : from+array]}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	const total = 500_000
	for _, c := range []struct {
		array int
		seal  bool
		tail  int
	}{{100, false, -1}, {10, false, -1}, {10, true, -1}, {500, false, -1}, {100, false, 1 << 30}} {
		b.Run(fmt.Sprintf("array=%d/sealed=%v/tail=%v", c.array, c.seal, c.tail > 0), func(b *testing.B) {
			s := openBench(b, Options{TailBytes: c.tail})
			fill(b, s, total, c.array)
			if c.seal {
				if _, err := s.SealStep(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			n := 0
			for range b.N {
				for after := tidings.Seq(0); ; {
					page, err := s.Read(context.Background(), tidings.ReadQuery{Account: 1, After: after, MaxItems: 500, MaxBytes: 1 << 20})
					if err != nil {
						b.Fatal(err)
					}
					if page.Through == after {
						break
					}
					n += int(page.Through - after)
					after = page.Through
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "activities/s")
		})
	}
}

// BenchmarkSeal seals what 100 accounts left one by one.
func BenchmarkSeal(b *testing.B) {
	const accounts, each = 100, 1024
	for range b.N {
		b.StopTimer()
		s := openBench(b, Options{TailBytes: -1})
		feeds(b, s, accounts)
		pool := samples(accounts * each)
		var workers sync.WaitGroup
		for w := range 50 {
			workers.Go(func() {
				for i := w; i < accounts*each; i += 50 {
					_, err := s.Append(context.Background(), tidings.AppendRequest{Account: tidings.AccountID(1 + i%accounts), Activities: pool[i : i+1]})
					if err != nil {
						b.Error(err)
					}
				}
			})
		}
		workers.Wait()
		b.StartTimer()
		if _, err := s.SealStep(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(b.N*accounts*each)/b.Elapsed().Seconds(), "activities/s")
		reportDisk(b, s, accounts*each)
	}
}

func BenchmarkSearch(b *testing.B) {
	s := openBench(b, Options{TailBytes: -1})
	const total = 2_000_000
	feeds(b, s, 1)
	for from := 0; from < total; from += 1000 {
		batch := make([]tidings.Activity, 1000)
		for i := range batch {
			batch[i] = searchable(from + i)
		}
		if _, err := s.Append(context.Background(), tidings.AppendRequest{Account: 1, Activities: batch}); err != nil {
			b.Fatal(err)
		}
	}
	facts, err := tidings.ReadFacts(searchable(total / 2).Wire)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		q    tidings.ActivityQuery
	}{
		{"email", tidings.ActivityQuery{Email: string(facts.Email)}},
		{"contact", tidings.ActivityQuery{ContactID: facts.ContactID}},
		{"newest 100", tidings.ActivityQuery{Descending: true}},
		{"unknown email", tidings.ActivityQuery{Email: "nobody@example.com"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.q.Account, c.q.Limit = 1, 100
			found := 0
			for range b.N {
				page, err := s.Search(context.Background(), c.q)
				if err != nil {
					b.Fatal(err)
				}
				found += len(page.Found)
			}
			b.ReportMetric(float64(found)/float64(b.N), "found")
		})
	}
}

// searchable is a sample with the keys that the ingest gives it.
func searchable(i int) tidings.Activity {
	a := sample(i)
	if facts, err := tidings.ReadFacts(a.Wire); err == nil {
		copy(a.Keys[:], appendKeys(nil, &facts))
	}
	return a
}

// BenchmarkOpen closes and opens a store with 10 million activities.
func BenchmarkOpen(b *testing.B) {
	s := openBench(b, Options{TailBytes: -1})
	fill(b, s, 10_000_000, 1000)
	b.ResetTimer()
	for range b.N {
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		reopened, err := OpenSQLite(context.Background(), s.opts)
		if err != nil {
			b.Fatal(err)
		}
		s = reopened
		if head, err := s.Head(context.Background(), 1); err != nil || head != 10_000_000 {
			b.Fatalf("Head = %d, %v", head, err)
		}
	}
	b.StopTimer()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
