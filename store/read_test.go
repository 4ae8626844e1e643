package store

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tidings"
)

// openMarch opens a store in March 2026, where everything is read from the
// table frame_2026_03, with three activities of account 1.
func openMarch(t *testing.T) *Store {
	s := openTest(t, Options{TailBytes: -1, Now: func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }})
	feeds(t, s, 1)
	for i := range 3 {
		if _, err := one(s, i); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func spoil(t *testing.T, s *Store, statement string) {
	t.Helper()
	err := s.commit(t.Context(), func(tx *writeTx) error {
		_, err := tx.exec(statement)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBrokenFrameIsAnErrorAndNotAGap(t *testing.T) {
	s := openMarch(t)
	spoil(t, s, "UPDATE frame_2026_03 SET body = substr(body, 1, length(body) - 1) || 'x' WHERE seq0 = 2")
	_, err := s.Read(t.Context(), tidings.ReadQuery{Account: 1, MaxItems: 10, MaxBytes: 1 << 20})
	if err == nil || !strings.Contains(err.Error(), "activity 2: broken frame") {
		t.Fatalf("Read: %v", err)
	}
	if page, err := s.Read(t.Context(), tidings.ReadQuery{Account: 1, After: 2}); err != nil || page.Through != 3 {
		t.Fatalf("Read after it: through %d, %v", page.Through, err)
	}
}

func TestMissingFrameIsAnErrorAndNotAGap(t *testing.T) {
	for _, seq := range []string{"1", "2", "3"} {
		s := openMarch(t)
		spoil(t, s, "DELETE FROM frame_2026_03 WHERE seq0 = "+seq)
		page, err := s.Read(t.Context(), tidings.ReadQuery{Account: 1, MaxItems: 10, MaxBytes: 1 << 20})
		if err == nil {
			t.Fatalf("without activity %s: through %d in %d chunks, no error", seq, page.Through, len(page.Chunks))
		}
	}
}

func TestReadLooksThroughABoundedStretchForAFilter(t *testing.T) {
	s := openMarch(t)
	batch := make([]tidings.Activity, 10_000)
	for i := range batch {
		batch[i] = tidings.Activity{Wire: []byte("{}"), Kind: tidings.KindOf(tidings.Delivered, tidings.Email)}
	}
	const batches = 3 * filterWindow / 10_000
	for range batches {
		if _, err := s.Append(t.Context(), tidings.AppendRequest{Account: 1, Activities: batch}); err != nil {
			t.Fatal(err)
		}
	}
	last, err := s.Append(t.Context(), tidings.AppendRequest{Account: 1, Activities: []tidings.Activity{{Wire: []byte("{}"), Kind: tidings.KindOf(tidings.Spam, tidings.SMS)}}})
	if err != nil {
		t.Fatal(err)
	}
	q := tidings.ReadQuery{Account: 1, After: 3, MaxItems: 10, MaxBytes: 1 << 20, Filter: tidings.Filter{Statuses: tidings.StatusSet(0).With(tidings.Spam)}}
	for reads := 1; ; reads++ {
		page, err := s.Read(t.Context(), q)
		if err != nil || page.Through <= q.After || page.Through > q.After+filterWindow {
			t.Fatalf("Read after %d: through %d, %v", q.After, page.Through, err)
		}
		if len(page.Chunks) > 0 {
			if found := page.Chunks[0]; found.Last() != last.First || page.Through != last.First || reads < 3 {
				t.Fatalf("found %d to %d after %d reads, want %d", found.First, found.Last(), reads, last.First)
			}
			return
		}
		if page.Through == last.First {
			t.Fatal("the match was left out")
		}
		q.After = page.Through
	}
}

func TestSearchThatFindsNoCandidatesGivesShortPages(t *testing.T) {
	s := openMarch(t)
	for seq := tidings.Seq(4); seq <= 100; seq++ {
		if _, err := s.Append(t.Context(), tidings.AppendRequest{Account: 1, Activities: []tidings.Activity{sample(int(seq))}}); err != nil {
			t.Fatal(err)
		}
	}
	h, err := s.head(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, descending := range []bool{false, true} {
		q := tidings.ActivityQuery{Account: 1, Limit: 10, Descending: descending}
		seen := map[tidings.Seq]bool{}
		pages := 0
		for next := tidings.Seq(-1); next != 0; pages++ {
			f := newSearch(s, q, h)
			f.bound = 7 // frames, each of one activity
			if err := f.run(reader{s, t.Context()}); err != nil {
				t.Fatal(err)
			}
			if len(f.page.Found) > 7 || pages > 100 {
				t.Fatalf("page %d has %d", pages, len(f.page.Found))
			}
			for _, found := range f.page.Found {
				if seen[found.Seq] {
					t.Errorf("activity %d is on two pages", found.Seq)
				}
				seen[found.Seq] = true
			}
			next, q.After = f.page.Next, f.page.Next
		}
		if len(seen) != int(h.last()) || pages < int(h.last())/7 {
			t.Errorf("descending %v: %d of %d activities on %d pages", descending, len(seen), h.last(), pages)
		}
	}
}

func TestSearchThroughMuchGivesShortPages(t *testing.T) {
	s := openMarch(t)
	const head = searchFrames + 500
	matches := map[tidings.Seq]bool{500: true, searchFrames + 1: true} // where the first page ends, in both directions
	for seq := tidings.Seq(4); seq <= head; seq++ {
		a := sample(int(seq))
		if matches[seq] {
			a.Wire = bytes.Replace(a.Wire, []byte("spring,offers"), []byte("autumn"), 1)
		}
		if _, err := s.Append(t.Context(), tidings.AppendRequest{Account: 1, Activities: []tidings.Activity{a}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, descending := range []bool{false, true} {
		q := tidings.ActivityQuery{Account: 1, MessageTag: "autumn", Limit: 10, Descending: descending}
		pages, found := 0, 0
		for next := tidings.Seq(-1); next != 0; pages++ {
			page, err := s.Search(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page.Found {
				if !matches[f.Seq] {
					t.Errorf("activity %d is found", f.Seq)
				}
				found++
			}
			next, q.After = page.Next, page.Next
		}
		if pages != 2 || found != 2 {
			t.Errorf("descending %v: %d found on %d pages, want 2 on 2", descending, found, pages)
		}
	}
}
