package store

import (
	"sync/atomic"
	"time"
)

// counters is what the store counts of its own work.
type counters struct {
	appended   atomic.Int64
	sealed     atomic.Int64
	commits    atomic.Int64
	commitTime atomic.Int64 // nanoseconds
	groups     atomic.Int64 // requests and deliveries committed
	failed     atomic.Int64
	walPages   atomic.Int64
}

// Stats is what the store has done since it was opened, and how it stands.
type Stats struct {
	Appended    int64         // activities stored
	Commits     int64         // transactions made durable
	Writes      int64         // requests and deliveries in them
	Failed      int64         // transactions that failed
	CommitTime  time.Duration // spent in all transactions, fsync included
	Queue       int           // writes that wait for the next commit
	WALBytes    int64         // of the write-ahead log that are in use, as of the last checkpoint
	TailBytes   int           // of memory that hold the newest activities
	SealedAway  int64         // small frames merged into full ones
	Months      int           // of arrival that are kept
	OldestMonth string        // YYYY_MM; "" before the first activity
}

// Stats gives the figures for metrics. It takes no lock for longer than a moment.
func (s *Store) Stats() Stats {
	months := s.months.all()
	oldest := ""
	if len(months) > 0 {
		oldest = months[0].name
	}
	return Stats{
		Appended:    s.stats.appended.Load(),
		Commits:     s.stats.commits.Load(),
		Writes:      s.stats.groups.Load(),
		Failed:      s.stats.failed.Load(),
		CommitTime:  time.Duration(s.stats.commitTime.Load()),
		Queue:       len(s.committer.queue),
		WALBytes:    s.stats.walPages.Load() * pageSize,
		TailBytes:   s.tail.size(),
		SealedAway:  s.stats.sealed.Load(),
		Months:      len(months),
		OldestMonth: oldest,
	}
}
