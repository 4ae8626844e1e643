package store

import (
	"context"
	"fmt"
	"log/slog"
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

// sample makes an activity like those of the wire specification, about 330 bytes.
func sample(i int) tidings.Activity {
	contact, message := 100_000+i*7919%1_000_003, 5_000+i/1000
	email := fmt.Sprintf("person.%d@example.com", contact)
	status := tidings.Status(1 + i%5)
	wire := fmt.Sprintf(`{"activityDateTime":"2026-03-14T%02d:%02d:%02d","activityStatus":"%s","broadcastId":%d,"contactId":%d,"email":"%s","iid":"%08x-%04x-4%03x-8%03x-%012x","mediaType":"email","messageId":%d,"messageInstanceId":%d,"messageName":"Spring offers, week %d","messageTag":"spring,offers","started":"2026-03-14T08:00:00"}`,
		i/3600%24, i/60%60, i%60, status, 700+i/5000, contact, email, uint32(i*2654435761), i&0xffff, i*31&0xfff, i*17&0xfff, uint64(i)*0x9E3779B97F4A7C15&0xffffffffffff, message, i+1, i/7000)
	return tidings.Activity{
		Wire: []byte(wire), At: 1_773_446_400 + int64(i), Kind: tidings.KindOf(status, tidings.Email),
		Keys: [4]uint64{uint64(contact)*0x9E3779B97F4A7C15 | 1, uint64(contact)*0xD6E8FEB86659FD93 | 1, 0, uint64(message)*0x9E3779B97F4A7C15 | 1},
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

func BenchmarkRead(b *testing.B) {
	const total = 500_000
	for _, array := range []int{100, 10} {
		b.Run(fmt.Sprintf("stored=%d", array), func(b *testing.B) {
			s := openBench(b, Options{TailBytes: -1})
			feeds(b, s, 1)
			pool := samples(100_000)
			for i := 0; i < total; i += array {
				from := i % len(pool)
				if _, err := s.Append(context.Background(), tidings.AppendRequest{Account: 1, Activities: pool[from : from+array]}); err != nil {
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
