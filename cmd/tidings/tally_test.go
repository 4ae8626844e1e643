package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
)

// tallyShelf keeps what it is given, unless it is told to refuse it.
type tallyShelf struct {
	mu      sync.Mutex
	refuses bool
	kept    []string // "minute subject done/failed"
	writes  int
}

func (s *tallyShelf) AddTallies(_ context.Context, _ int64, list []tidings.Tally) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.refuses {
		return errors.New("the disk is full")
	}
	for _, t := range list {
		s.kept = append(s.kept, tallyLine(&t))
	}
	return nil
}

func tallyLine(t *tidings.Tally) string {
	return fmt.Sprintf("%s %s %s %d/%d", t.At.Format("15:04"), t.Kind, t.Subject, t.Done, t.Failed)
}

// has gives what was kept since it was asked last.
func (s *tallyShelf) has() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.kept
	s.kept = nil
	return strings.Join(kept, ", ")
}

// refuse tells it whether to refuse.
func (s *tallyShelf) refuse(really bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuses = really
}

func delivered(id, n int64) tidings.Count {
	return tidings.Count{Account: 1, Kind: tidings.TallyDelivered, Subject: tidings.TallySubject{ID: id}, Done: n}
}

// inTallies runs a test in simulated time, from 00:00:00, with tallies that are stored on a shelf as minutes end.
func inTallies(t *testing.T, test func(*testing.T, *tallies, *tallyShelf)) {
	synctest.Test(t, func(t *testing.T) {
		counting, shelf := newTallies(quiet(), time.Now), &tallyShelf{}
		ctx, cancel := context.WithCancel(t.Context())
		var loop sync.WaitGroup
		loop.Go(func() { counting.run(ctx, shelf) })
		test(t, counting, shelf)
		cancel()
		loop.Wait()
	})
}

// later lets time pass.
func later(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAMinuteIsStoredOnceWhenItIsOver(t *testing.T) {
	inTallies(t, func(t *testing.T, counting *tallies, shelf *tallyShelf) {
		counting.count(delivered(7, 2))
		later(30 * time.Second)
		counting.count(delivered(7, 3))
		counting.count(delivered(8, 1))
		want(t, shelf.has(), "")
		later(30 * time.Second)
		want(t, shelf.has(), "00:00 delivered 7 5/0, 00:00 delivered 8 1/0")
		counting.count(delivered(7, 1))
		later(time.Minute)
		want(t, shelf.has(), "00:01 delivered 7 1/0")
	})
}

func TestAccountsAndKindsAreStoredApart(t *testing.T) {
	inTallies(t, func(t *testing.T, counting *tallies, shelf *tallyShelf) {
		for _, kind := range tidings.TallyKinds() {
			counting.count(tidings.Count{Account: 1, Kind: kind, Subject: tidings.TallySubject{ID: 7}, Done: 1})
		}
		counting.count(tidings.Count{Account: 2, Kind: tidings.TallyRun, Subject: tidings.TallySubject{ID: 7}, Failed: 1})
		later(time.Minute)
		want(t, shelf.has(), "00:00 answered 7 1/0, 00:00 arrived 7 1/0, 00:00 call 7 1/0, 00:00 delivered 7 1/0, 00:00 event 7 1/0, "+
			"00:00 posted 7 1/0, 00:00 run 7 1/0, 00:00 step 7 1/0, 00:00 run 7 0/1")
	})
}

func TestNothingIsWrittenWhileNothingHappens(t *testing.T) {
	inTallies(t, func(t *testing.T, counting *tallies, shelf *tallyShelf) {
		counting.count(delivered(7, 1))
		later(24 * time.Hour)
		if shelf.writes != 1 {
			t.Errorf("%d writes in a day in which one minute had something", shelf.writes)
		}
	})
}

func TestAMinuteThatCouldNotBeStoredIsStoredLater(t *testing.T) {
	inTallies(t, func(t *testing.T, counting *tallies, shelf *tallyShelf) {
		shelf.refuse(true)
		counting.count(delivered(7, 1))
		later(90 * time.Second)
		counting.count(delivered(7, 2))
		later(time.Minute)
		want(t, shelf.has(), "")
		shelf.refuse(false)
		later(time.Minute)
		want(t, shelf.has(), "00:00 delivered 7 1/0, 00:01 delivered 7 2/0")
		if n := counting.subjects.Load(); n != 0 {
			t.Errorf("%d subjects are still held", n)
		}
	})
}

func TestTheLastMinuteIsStoredAtTheEnd(t *testing.T) {
	inTallies(t, func(t *testing.T, counting *tallies, shelf *tallyShelf) {
		counting.count(delivered(7, 1))
		counting.flush(t.Context(), shelf, true)
		want(t, shelf.has(), "00:00 delivered 7 1/0")
	})
}

func TestWhatIsNotStoredIsSeenAllTheSame(t *testing.T) {
	inTallies(t, func(t *testing.T, counting *tallies, shelf *tallyShelf) {
		began := time.Now().UTC()
		shelf.refuse(true)
		counting.count(delivered(7, 1))
		counting.count(delivered(71, 9))
		later(time.Minute)
		counting.count(delivered(7, 2))
		q := tidings.TallyQuery{Account: 1, Kind: tidings.TallyDelivered, Subject: "7", From: began, To: began.Add(time.Hour)}
		running := counting.running(&q)
		var got []string
		for _, tally := range running.Tallies {
			got = append(got, tallyLine(&tally))
		}
		slices.Sort(got)
		want(t, strings.Join(got, ", "), "00:00 delivered 7 1/0, 00:01 delivered 7 2/0")
		if !running.Since.Equal(began) || running.Writer == 0 {
			t.Errorf("it holds what writer %d has not stored since %v", running.Writer, running.Since)
		}
		shelf.refuse(false)
		later(time.Minute)
		if running = counting.running(&q); len(running.Tallies) > 0 || running.Since.Before(began.Add(2*time.Minute)) {
			t.Errorf("what is stored is still held: %v since %v", running.Tallies, running.Since)
		}
	})
}

func TestManySubjectsAreBounded(t *testing.T) {
	inTallies(t, func(t *testing.T, counting *tallies, shelf *tallyShelf) {
		counting.most = 3
		for id := range int64(5) {
			counting.count(delivered(id+1, 1))
		}
		counting.count(delivered(1, 1)) // has its place
		if n := counting.lost.Load(); n != 2 {
			t.Errorf("%d counts found no place, not 2", n)
		}
		later(time.Minute)
		want(t, shelf.has(), "00:00 delivered 1 2/0, 00:00 delivered 2 1/0, 00:00 delivered 3 1/0")
		counting.count(delivered(5, 1)) // there is room again
		later(time.Minute)
		want(t, shelf.has(), "00:01 delivered 5 1/0")
	})
}

func TestAClockThatIsSetBackLosesNothing(t *testing.T) {
	now, shelf := time.Date(2026, 3, 14, 9, 26, 30, 0, time.UTC), &tallyShelf{}
	counting := newTallies(quiet(), func() time.Time { return now })
	counting.count(delivered(7, 1))
	now = now.Add(-time.Hour)
	counting.count(delivered(7, 1))
	counting.flush(t.Context(), shelf, false)
	want(t, shelf.has(), "")
	now = now.Add(time.Hour + time.Minute)
	counting.flush(t.Context(), shelf, false)
	want(t, shelf.has(), "09:26 delivered 7 2/0")
}

func TestCountsOfManyAreAllThere(t *testing.T) {
	counting, shelf := newTallies(quiet(), time.Now), &tallyShelf{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for n := range 1000 {
				counting.count(delivered(int64(n%10)+1, 1))
			}
		})
	}
	all.Wait()
	counting.flush(t.Context(), shelf, true)
	var sum int64
	for line := range strings.SplitSeq(shelf.has(), ", ") {
		var at, kind, subject string
		var done int64
		if _, err := fmt.Sscanf(line, "%s %s %s %d/0", &at, &kind, &subject, &done); err != nil {
			t.Fatal(err)
		}
		sum += done
	}
	if sum != 8000 {
		t.Errorf("%d of 8000 are there", sum)
	}
}

// getAs reads what the server answers to a key.
func getAs(t *testing.T, key, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestFiguresOfAServerOutliveItsStop(t *testing.T) {
	flags := testFlags(t)
	s, err := newServer(t.Context(), flags, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := tidings.MakeKey("k", tidings.AllScopes())
	key := first.Token
	account, _, err := s.store.CreateAccount(t.Context(), "shop", first, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.Append(t.Context(), tidings.AppendRequest{Account: account.ID, Activities: []tidings.Activity{
		{Wire: []byte(`{"contactId":1}`), At: time.Now().Unix(), Kind: tidings.KindOf(tidings.Delivered, tidings.Email)},
	}}); err != nil {
		t.Fatal(err)
	}
	arrived := func(s *server) int64 {
		var stats struct{ Series []struct{ Done int64 } }
		answer := getAs(t, key, s.URL()+"/v1/stats?kind=arrived&step=total")
		if err := json.Unmarshal([]byte(answer), &stats); err != nil || len(stats.Series) != 1 {
			t.Fatalf("%s: %v", answer, err)
		}
		return stats.Series[0].Done
	}
	if n := arrived(s); n != 1 {
		t.Errorf("the running minute has %d activities", n)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := arrived(startServer(t, flags)); n != 1 {
		t.Errorf("after a stop there are %d activities", n)
	}
}

func BenchmarkCount(b *testing.B) {
	counting := newTallies(quiet(), time.Now)
	c := tidings.Count{Account: 1, Kind: tidings.TallyAnswered, Subject: tidings.TallySubject{ID: 7}, Done: 1, Took: 3 * time.Millisecond}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			counting.count(c)
		}
	})
}
