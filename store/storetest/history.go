package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidings"
)

func historyPromises() []promise {
	return []promise{
		{"SealKeepsEverySeqAndByte", testSealKeeps},
		{"SealLeavesLargeFramesAlone", testSealLeavesLarge},
		{"SealTakesWhatFillsAFrameExactly", testSealFillsExactly},
		{"SealEndsAMonthThatIsOver", testSealEndsAMonth},
		{"SearchEqualsScan", testSearchEqualsScan},
		{"SearchPagesNeitherRepeatNorSkipUnderAppends", testSearchPages},
		{"RetentionDropsWholeMonthsAndSaysSo", testRetention},
		{"RetentionKeepsWhatAnActiveEndpointNeeds", testRetentionKeeps},
		{"RetentionGoesOnUnderReaders", testRetentionUnderReaders},
	}
}

// singles appends n activities one by one, so that each is a frame of its own.
func (h *harness) singles(t *testing.T, account tidings.AccountID, i, n int) []tidings.Activity {
	t.Helper()
	all := activities(t, i, n)
	for k := range all {
		h.append(t, account, all[k:k+1])
	}
	return all
}

func testSealKeeps(t *testing.T, h *harness) {
	h.opts.TailBytes = -1
	h.reopen(t)
	a, b := h.newFeed(t), h.newFeed(t)
	wantA := h.singles(t, a, 0, 700)
	wantB := h.singles(t, b, 2000, 300)
	merged, err := h.SealStep(t.Context())
	if err != nil || merged != 511 {
		t.Fatalf("SealStep = %d, %v, want 511 frames merged away: 512 made one, the rest waits", merged, err)
	}
	if merged, err := h.SealStep(t.Context()); err != nil || merged != 0 {
		t.Fatalf("a second SealStep = %d, %v, want nothing to do", merged, err)
	}
	h.wantFeed(t, a, wantA)
	h.wantFeed(t, b, wantB)
	wantA = append(wantA, h.singles(t, a, 5000, 400)...)
	if _, err := h.SealStep(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.reopen(t)
	h.wantFeed(t, a, wantA)
	page, err := h.Read(t.Context(), tidings.ReadQuery{Account: a, After: 600})
	if err != nil || len(page.Chunks) != 1 || page.Chunks[0].First != 601 || page.Through != 1024 {
		t.Fatalf("reading from within a sealed frame: %d chunks through %d, %v", len(page.Chunks), page.Through, err)
	}
}

func testSealLeavesLarge(t *testing.T, h *harness) {
	h.opts.TailBytes = -1
	h.reopen(t)
	account := h.newFeed(t)
	var want []tidings.Activity
	for i := range 4 {
		batch := activities(t, i*500, 500)
		h.append(t, account, batch)
		want = append(want, batch...)
	}
	if merged, err := h.SealStep(t.Context()); err != nil || merged != 0 {
		t.Fatalf("SealStep = %d, %v, want nothing to merge", merged, err)
	}
	want = append(want, h.singles(t, account, 9000, 520)...)
	if merged, err := h.SealStep(t.Context()); err != nil || merged != 511 {
		t.Fatalf("SealStep = %d, %v, want the singles merged", merged, err)
	}
	h.wantFeed(t, account, want)
}

func testSealFillsExactly(t *testing.T, h *harness) {
	account := h.newFeed(t)
	want := h.singles(t, account, 0, 1024)
	if merged, err := h.SealStep(t.Context()); err != nil || merged != 1022 {
		t.Fatalf("SealStep = %d, %v, want two frames made of 1024", merged, err)
	}
	h.wantFeed(t, account, want)
}

func testSealEndsAMonth(t *testing.T, h *harness) {
	h.opts.TailBytes = -1
	h.reopen(t)
	account := h.newFeed(t)
	want := h.singles(t, account, 0, 20)
	h.clock.advance(31 * 24 * time.Hour)
	want = append(want, h.singles(t, account, 100, 10)...)
	if merged, err := h.SealStep(t.Context()); err != nil || merged != 19 {
		t.Fatalf("SealStep = %d, %v, want the 20 of last month made one", merged, err)
	}
	h.wantFeed(t, account, want)
}

// scan is what Search promises, the slow way.
func scan(q tidings.ActivityQuery, all []tidings.Activity) []tidings.Seq {
	var found []tidings.Seq
	for i := range all {
		seq := tidings.Seq(i + 1)
		facts, err := tidings.ReadFacts(all[i].Wire)
		if err != nil || !q.Matches(&facts) {
			continue
		}
		if q.After == 0 || !q.Descending && seq > q.After || q.Descending && seq < q.After {
			found = append(found, seq)
		}
	}
	if q.Descending {
		slices.Reverse(found)
	}
	return found
}

func testSearchEqualsScan(t *testing.T, h *harness) {
	account := h.newFeed(t)
	h.append(t, h.newFeed(t), activities(t, 0, 50)) // not to be found
	var all []tidings.Activity
	for i := range 25 {
		batch := activities(t, len(all)*3, []int{1, 20, 300, 2, 1}[i%5])
		h.append(t, account, batch)
		all = append(all, batch...)
		h.clock.advance(60 * time.Hour)
	}
	all = append(all, h.singles(t, account, 50_000, 40)...)
	check := func(t *rapid.T) {
		q := drawQuery(t, account, len(all))
		want := scan(q, all)
		var got []tidings.Seq
		for {
			page, err := h.Search(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Found) > q.Limit {
				t.Fatalf("a page of %d, limit %d", len(page.Found), q.Limit)
			}
			for _, f := range page.Found {
				if string(f.Wire) != string(all[f.Seq-1].Wire) {
					t.Fatalf("activity %d is %s", f.Seq, f.Wire)
				}
				got = append(got, f.Seq)
			}
			if page.Next == 0 {
				break
			}
			q.After = page.Next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%+v: %s", q, diff)
		}
	}
	t.Run("as appended", func(t *testing.T) { rapid.Check(t, check) })
	if _, err := h.SealStep(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("sealed", func(t *testing.T) { rapid.Check(t, check) })
}

func drawQuery(t *rapid.T, account tidings.AccountID, head int) tidings.ActivityQuery {
	day := 24 * time.Hour
	from := time.Date(2026, 2, 25, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 120*24).Draw(t, "from")) * time.Hour)
	q := tidings.ActivityQuery{
		Account: account, From: from, To: from.Add(time.Duration(rapid.IntRange(1, 92).Draw(t, "days")) * day),
		Limit: rapid.SampledFrom([]int{1, 3, 50, 5000}).Draw(t, "limit"), Descending: rapid.Bool().Draw(t, "descending"),
	}
	if rapid.Bool().Draw(t, "from somewhere") {
		q.After = tidings.Seq(rapid.IntRange(1, head+5).Draw(t, "after"))
	}
	maybe := func(what string, set func()) {
		if rapid.IntRange(0, 3).Draw(t, what) == 0 {
			set()
		}
	}
	maybe("statuses", func() { q.Filter.Statuses = tidings.StatusSet(rapid.IntRange(1, 255).Draw(t, "set")) << 1 })
	maybe("media types", func() { q.Filter.MediaTypes = tidings.MediaSet(rapid.IntRange(1, 7).Draw(t, "set")) << 1 })
	maybe("email", func() { q.Email = fmt.Sprintf("person.%d@EXAMPLE.com", rapid.IntRange(0, 24).Draw(t, "n")) })
	maybe("sms", func() { q.SMS = fmt.Sprintf("4470090%05d", rapid.IntRange(0, 24).Draw(t, "n")) })
	maybe("contact", func() { q.ContactID = rapid.Int64Range(1, 25).Draw(t, "n") })
	maybe("message", func() { q.MessageID = rapid.Int64Range(1, 6).Draw(t, "n") })
	maybe("tag", func() { q.MessageTag = fmt.Sprintf("tag%d", rapid.IntRange(0, 3).Draw(t, "n")) })
	return q
}

func testSearchPages(t *testing.T, h *harness) {
	account := h.newFeed(t)
	h.append(t, account, activities(t, 0, 100))
	for _, descending := range []bool{false, true} {
		seen := make(map[tidings.Seq]bool)
		q := tidings.ActivityQuery{Account: account, Limit: 7, Descending: descending}
		for {
			page, err := h.Search(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page.Found {
				if seen[f.Seq] {
					t.Fatalf("activity %d comes twice", f.Seq)
				}
				seen[f.Seq] = true
			}
			if page.Next == 0 {
				break
			}
			q.After = page.Next
			if len(seen) < 100 {
				h.append(t, account, activities(t, 500, 1))
			}
		}
		for seq := tidings.Seq(1); seq <= 100; seq++ {
			if !seen[seq] {
				t.Fatalf("descending %v: activity %d is not found", descending, seq)
			}
		}
	}
}

// threeMonths appends in March, April and May and leaves the clock in May.
func (h *harness) threeMonths(t *testing.T, account tidings.AccountID) []tidings.Activity {
	t.Helper()
	var all []tidings.Activity
	for i := range 3 {
		batch := activities(t, i*1000, 300)
		h.append(t, account, batch)
		all = append(all, batch...)
		if i < 2 {
			h.clock.advance(31 * 24 * time.Hour)
		}
	}
	return all
}

func testRetention(t *testing.T, h *harness) {
	account, quiet := h.newFeed(t), h.newFeed(t)
	all := h.threeMonths(t, account)
	dropped, err := h.DropMonths(t.Context(), time.Date(2026, 4, 20, 0, 0, 0, 0, time.UTC))
	if err != nil || !slices.Equal(dropped, []string{"2026_03"}) {
		t.Fatalf("DropMonths = %v, %v", dropped, err)
	}
	for range 2 {
		page, err := h.Read(t.Context(), tidings.ReadQuery{Account: account, After: 10, MaxItems: 1000, MaxBytes: 1 << 20})
		if err != nil || page.Missing != 300 || page.Through != 900 || len(page.Chunks) == 0 || page.Chunks[0].First != 301 {
			t.Fatalf("Read after 10: missing %d, through %d, %d chunks, %v", page.Missing, page.Through, len(page.Chunks), err)
		}
		if page, err := h.Read(t.Context(), tidings.ReadQuery{Account: account, After: 300}); err != nil || page.Missing != 0 {
			t.Fatalf("Read after 300: missing %d, %v", page.Missing, err)
		}
		found, err := h.Search(t.Context(), tidings.ActivityQuery{Account: account, Limit: 1})
		if err != nil || len(found.Found) != 1 || found.Found[0].Seq != 301 || string(found.Found[0].Wire) != string(all[300].Wire) {
			t.Fatalf("Search finds %v, %v", found.Found, err)
		}
		_, err = h.ArrivedAt(t.Context(), account, 300)
		wantCode(t, err, tidings.CodeNotFound)
		h.reopen(t)
	}
	if dropped, err := h.DropMonths(t.Context(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil || !slices.Equal(dropped, []string{"2026_04"}) {
		t.Fatalf("DropMonths = %v, %v, want the newest month kept", dropped, err)
	}
	if head, err := h.Head(t.Context(), account); err != nil || head != 900 {
		t.Fatalf("Head = %d, %v", head, err)
	}
	if got := h.append(t, account, activities(t, 0, 1)); got.First != 901 {
		t.Fatalf("the next append begins at %d", got.First)
	}
	if got := h.append(t, quiet, activities(t, 0, 1)); got.First != 1 {
		t.Fatalf("the other feed begins at %d", got.First)
	}
}

func testRetentionKeeps(t *testing.T, h *harness) {
	account := h.newFeed(t)
	h.threeMonths(t, account)
	endpoint, err := h.CreateEndpoint(t.Context(), tidings.Endpoint{Account: account, Name: "Hook", URL: "https://example.com/hook", State: tidings.StateActive}, tidings.Start{Beginning: true}, "admin")
	if err != nil {
		t.Fatal(err)
	}
	drop := func(want ...string) {
		t.Helper()
		dropped, err := h.DropMonths(t.Context(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil || !slices.Equal(dropped, want) {
			t.Fatalf("DropMonths = %v, %v, want %v", dropped, err, want)
		}
	}
	move := func(cursor, scanned, plan tidings.Seq) {
		t.Helper()
		_, err := h.Act(t.Context(), tidings.Act{Account: account, Endpoint: endpoint.ID, Actor: "admin", Action: "endpoint.seek", Move: func(p tidings.Position) (tidings.Position, error) {
			p.Cursor, p.Scanned, p.Plan = cursor, scanned, tidings.Plan{End: plan, Cut: tidings.Cut{MaxItems: 1, MaxBytes: 1}}
			return p, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	drop()
	move(299, 299, 0)
	drop()
	move(299, 310, 310) // a frozen batch begins in March
	drop()
	move(299, 300, 0)
	drop("2026_03")
	_, err = h.Act(t.Context(), tidings.Act{Account: account, Endpoint: endpoint.ID, Actor: "admin", Action: "endpoint.deactivate", State: tidings.StateDeactivated})
	if err != nil {
		t.Fatal(err)
	}
	drop("2026_04")
}

func testRetentionUnderReaders(t *testing.T, h *harness) {
	h.opts.TailBytes = -1
	h.reopen(t)
	account := h.newFeed(t)
	h.threeMonths(t, account)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for _, filter := range []tidings.Filter{{}, {Statuses: tidings.StatusSet(0).With(tidings.Read)}} {
		readers.Go(func() {
			for {
				page, err := h.Read(context.Background(), tidings.ReadQuery{Account: account, Filter: filter, MaxItems: 5000, MaxBytes: 1 << 20})
				if err != nil || page.Through != 900 {
					t.Errorf("Read: through %d, %v", page.Through, err)
					return
				}
				if _, err := h.Search(context.Background(), tidings.ActivityQuery{Account: account, Limit: 1000}); err != nil {
					t.Errorf("Search: %v", err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	if _, err := h.DropMonths(t.Context(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
	close(done)
	readers.Wait()
}
