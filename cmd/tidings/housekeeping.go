package main

import (
	"context"
	"time"
)

const (
	housekeepingEvery = time.Hour
	// deletedKept is how long what is left of a deleted endpoint (its attempts)
	// can still be looked at by who has the database.
	deletedKept = 30 * 24 * time.Hour
)

// retention is how long is kept what grows.
type retention struct {
	months int           // of activities, whole ones before the running one; 0 = all
	calls  time.Duration // of the log of calls; 0 = all
	events time.Duration // of events; 0 = all
	runs   time.Duration // of runs that have ended; 0 = all
	mails  time.Duration // of mails; 0 = all
}

func (c *serveCmd) retention() retention {
	return retention{c.RetainMonths, c.RetainCalls, c.RetainEvents, c.Flow.RetainRuns, c.Flow.RetainMails}
}

// housekeeping does now and then what nobody waits for: it drops months,
// calls, events, runs, mails and sessions past their time, and what is left of
// deleted endpoints and contacts, and adds up old figures.
func (s *server) housekeeping(ctx context.Context) {
	every := time.NewTicker(housekeepingEvery)
	defer every.Stop()
	for {
		s.tidy(ctx, time.Now())
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

// tidy is one turn of housekeeping. What fails is tried again at the next.
func (s *server) tidy(ctx context.Context, now time.Time) {
	if n, err := s.store.PurgeDeleted(ctx, now.Add(-deletedKept)); err != nil {
		s.log.Warn("removing what is left of deleted endpoints", "error", err)
	} else if n > 0 {
		s.log.Info("removed what was left of deleted endpoints", "endpoints", n)
	}
	if n, err := s.store.EraseDeleted(ctx); err != nil {
		s.log.Warn("erasing what is left of deleted contacts", "error", err)
	} else if n > 0 {
		s.log.Info("erased what was left of deleted contacts", "things", n)
	}
	if _, err := s.store.PurgeSessions(ctx); err != nil {
		s.log.Warn("removing sessions and one-time links that have ended", "error", err)
	}
	if err := s.store.AgeTallies(ctx, now); err != nil {
		s.log.Warn("adding up old figures over time", "error", err)
	}
	deleted := time.Time{} // no workflow was deleted before that
	if s.keep.runs > 0 {
		deleted = now.Add(-s.keep.runs)
	}
	if _, err := s.store.PurgeOnce(ctx, deleted); err != nil {
		s.log.Warn("removing notes of earlier starts", "error", err)
	}
	for _, old := range []struct {
		what  string
		kept  time.Duration
		purge func(context.Context, time.Time) (int64, error)
	}{
		{"calls", s.keep.calls, counted(s.store.PurgeCalls)},
		{"events", s.keep.events, counted(s.store.PurgeEvents)},
		{"runs", s.keep.runs, s.store.PurgeRuns},
		{"mails", s.keep.mails, s.store.PurgeMails},
	} {
		if old.kept == 0 {
			continue
		}
		if n, err := old.purge(ctx, now.Add(-old.kept)); err != nil {
			s.log.Warn("removing "+old.what+" past their time", "error", err)
		} else if n > 0 {
			s.log.Info("removed "+old.what+" past their time", old.what, n)
		}
	}
	if s.keep.months == 0 {
		return
	}
	if months, err := s.store.DropMonths(ctx, firstKept(now, s.keep.months)); err != nil {
		s.log.Warn("dropping months past their time", "error", err)
	} else if len(months) > 0 {
		s.log.Info("dropped months past their time", "months", months)
	}
}

// firstKept is the beginning of the oldest month that is kept: the running one
// and the given number of whole months before it stay.
func firstKept(now time.Time, retainMonths int) time.Time {
	y, m, _ := now.UTC().Date()
	return time.Date(y, m-time.Month(retainMonths), 1, 0, 0, 0, 0, time.UTC)
}

// counted gives a purge that counts in int the form of those that count in int64.
func counted(purge func(context.Context, time.Time) (int, error)) func(context.Context, time.Time) (int64, error) {
	return func(ctx context.Context, before time.Time) (int64, error) {
		n, err := purge(ctx, before)
		return int64(n), err
	}
}
