package storetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func logPromises() []promise {
	return []promise{
		{"SeqIsDenseUnderConcurrentAppends", testSeqIsDense},
		{"ReaderNeverSeesAGap", testReaderNeverSeesAGap},
		{"FollowersAreToldBeforeTheAck", testFollowersAreTold},
		{"AppendOfAnyMixReadsBackByteForByte", testAppendReadsBack},
		{"AppendIsAllOrNothing", testAppendIsAllOrNothing},
		{"AppendWithdrawnStoresNothing", testAppendWithdrawn},
		{"AppendToAnUnknownAccountIsNotFound", testAppendUnknownAccount},
		{"FeedsOfAccountsAreApart", testFeedsAreApart},
		{"ReadKeepsToItsLimits", testReadLimits},
		{"ReadWithAFilterLeavesNoMatchOut", testReadFilter},
		{"ReopenKeepsEverything", testReopenKeeps},
		{"ClosedStoreRefusesAndSaysSo", testClosedStore},
		{"IdempotencyKeyAnswersTheSame", testIdempotencyKey},
		{"IdempotencyKeyWorksWithinOneGroup", testIdempotencyInOneGroup},
		{"IdempotencyKeyIsForgottenAfterItsTime", testIdempotencyExpires},
		{"SeqAtAndArrivedAtAgreeWithTheClock", testSeqAt},
		{"ArrivalNeverGoesBackWithTheClock", testArrivalNeverGoesBack},
	}
}

// newFeed makes an account and gives the id of its feed.
func (h *harness) newFeed(t *testing.T) tidings.AccountID {
	t.Helper()
	account, _, err := h.CreateAccount(t.Context(), "Orchard", tidings.MakeKey("first", tidings.AllScopes()), "admin")
	if err != nil {
		t.Fatal(err)
	}
	return account.ID
}

// activities makes n activities that differ from each other: statuses, media
// types, contacts and times go round, from the i-th on. They come from the
// ingest's own scanner, so that they are what a server stores.
func activities(tb testing.TB, i, n int) []tidings.Activity {
	tb.Helper()
	var body bytes.Buffer
	for k := i; k < i+n; k++ {
		status, media := tidings.Statuses()[k%7], tidings.MediaTypes()[k/7%3]
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(k) * 17 * time.Minute)
		fmt.Fprintf(&body, `{"iid":"00000000-0000-4000-8000-%012x","contactId":%d,"activityStatus":%q,"mediaType":%q,"activityDateTime":%q,"messageId":%d,"messageTag":"spring, tag%d"`,
			k, 1+k%23, status, media, at.Format("2006-01-02T15:04:05"), 1+k%5, k%3)
		if media == "email" {
			fmt.Fprintf(&body, `,"email":"Person.%d@example.com"`, k%23)
		} else {
			fmt.Fprintf(&body, `,%q:"4470090%05d"`, media, k%23)
		}
		body.WriteString("}\n")
	}
	parsed, err := tidings.ParseActivities(body.Bytes(), tidings.Intake{NDJSON: true, Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		tb.Fatal(err)
	}
	return parsed
}

// append stores activities and fails the test when that fails.
func (h *harness) append(t *testing.T, account tidings.AccountID, activities []tidings.Activity) tidings.AppendResult {
	t.Helper()
	result, err := h.Append(t.Context(), tidings.AppendRequest{Account: account, Activities: activities})
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return result
}

// readAll gives the wire bytes and kinds of a feed, checked for order and
// gaps. Activities that a filter left out are nil.
func (h *harness) readAll(t *testing.T, q tidings.ReadQuery) (wires [][]byte, kinds []tidings.Kind) {
	t.Helper()
	head, err := h.Head(t.Context(), q.Account)
	if err != nil {
		t.Fatal(err)
	}
	wires, kinds = make([][]byte, head+1), make([]tidings.Kind, head+1)
	for after := q.After; after < head; {
		q.After = after
		page, err := h.Read(t.Context(), q)
		if err != nil {
			t.Fatalf("Read after %d: %v", after, err)
		}
		if page.Missing != 0 {
			t.Fatalf("Read after %d: activities to %d are missing", after, page.Missing)
		}
		next := after + 1
		for _, c := range page.Chunks {
			if c.First < next || q.Filter.All() && c.First != next {
				t.Fatalf("Read after %d: a chunk begins at %d, want %d", after, c.First, next)
			}
			for i := range c.Len() {
				wires[c.First+tidings.Seq(i)], kinds[c.First+tidings.Seq(i)] = c.Wire(i), c.Kinds[i]
			}
			next = c.Last() + 1
		}
		if page.Through <= after || page.Through < next-1 {
			t.Fatalf("Read after %d is answered through %d, with chunks to %d", after, page.Through, next-1)
		}
		after = page.Through
	}
	return wires[1:], kinds[1:]
}

// wantFeed fails unless the feed holds exactly these activities.
func (h *harness) wantFeed(t *testing.T, account tidings.AccountID, want []tidings.Activity) {
	t.Helper()
	wires, kinds := h.readAll(t, tidings.ReadQuery{Account: account, MaxItems: 50, MaxBytes: 1 << 20})
	if len(wires) != len(want) {
		t.Fatalf("the feed has %d activities, want %d", len(wires), len(want))
	}
	for i, a := range want {
		if !bytes.Equal(wires[i], a.Wire) || kinds[i] != a.Kind {
			t.Fatalf("activity %d is %s (%v), want %s (%v)", i+1, wires[i], kinds[i], a.Wire, a.Kind)
		}
	}
}

func testSeqIsDense(t *testing.T, h *harness) {
	const writers, requests = 16, 40
	accounts := []tidings.AccountID{h.newFeed(t), h.newFeed(t), h.newFeed(t)}
	pool := activities(t, 0, 200)
	var mu sync.Mutex
	given := make(map[tidings.AccountID][]tidings.AppendResult)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for r := range requests {
				account := accounts[(w+r)%len(accounts)]
				result, err := h.Append(context.Background(), tidings.AppendRequest{Account: account, Activities: pool[r : r+1+r%3*30]})
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				mu.Lock()
				given[account] = append(given[account], result)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	for _, account := range accounts {
		results := given[account]
		slices.SortFunc(results, func(a, b tidings.AppendResult) int { return int(a.First - b.First) })
		next := tidings.Seq(1)
		for _, r := range results {
			if r.First != next || r.Last != r.First+tidings.Seq(r.Accepted)-1 {
				t.Fatalf("account %d: a request got %d to %d for %d activities, want it to begin at %d", account, r.First, r.Last, r.Accepted, next)
			}
			next = r.Last + 1
		}
		head, err := h.Head(t.Context(), account)
		if err != nil || head != next-1 {
			t.Fatalf("Head(%d) = %d, %v, want %d", account, head, err, next-1)
		}
		h.readAll(t, tidings.ReadQuery{Account: account, MaxItems: 1000, MaxBytes: 1 << 20})
	}
}

func testReaderNeverSeesAGap(t *testing.T, h *harness) {
	account := h.newFeed(t)
	const total = 3000
	pool := activities(t, 0, total)
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := w * total / 4; i < (w+1)*total/4; {
				n := min(1+i%9, (w+1)*total/4-i)
				if _, err := h.Append(context.Background(), tidings.AppendRequest{Account: account, Activities: pool[i : i+n]}); err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				i += n
			}
		})
	}
	writers.Go(func() { // the sealer works under the readers
		for h.Err() == nil {
			head, err := h.Head(context.Background(), account)
			if err != nil || head == total {
				return
			}
			if _, err := h.SealStep(context.Background()); err != nil {
				t.Errorf("SealStep: %v", err)
				return
			}
		}
	})
	for _, q := range []tidings.ReadQuery{
		{MaxItems: 1, MaxBytes: 1},
		{MaxItems: 700, MaxBytes: 1 << 20},
		{MaxItems: 700, MaxBytes: 1 << 20, Filter: tidings.Filter{Statuses: tidings.StatusSet(0).With(tidings.Spam)}},
	} {
		q.Account = account
		for after := tidings.Seq(0); after < total && !t.Failed(); {
			q.After = after
			page, err := h.Read(t.Context(), q)
			if err != nil {
				t.Fatalf("Read: %v", err)
			}
			for _, c := range page.Chunks {
				if c.First <= after || q.Filter.All() && c.First != after+1 {
					t.Fatalf("a chunk begins at %d after %d", c.First, after)
				}
				after = c.Last()
			}
			after = max(after, page.Through)
		}
	}
	writers.Wait()
}

func testFollowersAreTold(t *testing.T, h *harness) {
	account := h.newFeed(t)
	told := make(chan tidings.Seq, 100)
	h.opts.Appended = func(a tidings.AccountID, seq tidings.Seq) {
		if a == account {
			told <- seq
		}
	}
	h.reopen(t)
	for i := range 3 {
		h.append(t, account, activities(t, i, 1+i))
	}
	close(told) // nobody tells after the acks
	var got []tidings.Seq
	for seq := range told {
		got = append(got, seq)
	}
	if diff := cmp.Diff([]tidings.Seq{1, 3, 6}, got); diff != "" {
		t.Fatal(diff)
	}
}

func testAppendReadsBack(t *testing.T, h *harness) {
	account := h.newFeed(t)
	var want []tidings.Activity
	for i, n := range []int{1, 2, 600, 1, 30, 1500, 3} { // small frames, one that is cut, large ones
		batch := activities(t, i*1000, n)
		h.append(t, account, batch)
		want = append(want, batch...)
	}
	large := activities(t, 9000, 5)
	for i := range large {
		large[i].Wire = bytes.Replace(large[i].Wire, []byte("spring"), []byte(strings.Repeat("spring ", 8000)), 1)
	}
	h.append(t, account, large)
	want = append(want, large...)
	h.wantFeed(t, account, want)
	h.opts.TailBytes = -1
	h.reopen(t)
	h.wantFeed(t, account, want)
}

func testAppendIsAllOrNothing(t *testing.T, h *harness) {
	account := h.newFeed(t)
	_, err := h.Append(t.Context(), tidings.AppendRequest{Account: account})
	wantCode(t, err, tidings.CodeInvalid)
	_, err = h.Append(t.Context(), tidings.AppendRequest{Account: account, Activities: activities(t, 0, 1), IdempotencyKey: strings.Repeat("k", tidings.MaxIdempotencyKey+1)})
	wantCode(t, err, tidings.CodeInvalid)
	want := activities(t, 0, 3)
	h.append(t, account, want)
	h.wantFeed(t, account, want)
}

func testAppendWithdrawn(t *testing.T, h *harness) {
	account := h.newFeed(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stored := 0
	for range 50 { // whether it is withdrawn or committed first is a race; both must be told truly
		if _, err := h.Append(ctx, tidings.AppendRequest{Account: account, Activities: activities(t, 0, 1)}); err == nil {
			stored++
		}
	}
	head, err := h.Head(t.Context(), account)
	if err != nil || int(head) != stored {
		t.Fatalf("%d appends were acknowledged and the head is %d (%v)", stored, head, err)
	}
}

func testAppendUnknownAccount(t *testing.T, h *harness) {
	account := h.newFeed(t)
	_, err := h.Append(t.Context(), tidings.AppendRequest{Account: account + 1, Activities: activities(t, 0, 1)})
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.Head(t.Context(), account+1)
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.Read(t.Context(), tidings.ReadQuery{Account: account + 1})
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.Search(t.Context(), tidings.ActivityQuery{Account: account + 1, Limit: 1})
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.SeqAt(t.Context(), account+1, h.clock.Now())
	wantCode(t, err, tidings.CodeNotFound)
	if err := h.Err(); err != nil {
		t.Fatalf("Err() = %v after refusals", err)
	}
}

func testFeedsAreApart(t *testing.T, h *harness) {
	a, b := h.newFeed(t), h.newFeed(t)
	var ofA, ofB []tidings.Activity
	for i := range 20 {
		one, two := activities(t, i*10, 1+i%4), activities(t, 5000+i*10, 2)
		h.append(t, a, one)
		h.append(t, b, two)
		ofA, ofB = append(ofA, one...), append(ofB, two...)
	}
	h.wantFeed(t, a, ofA)
	h.wantFeed(t, b, ofB)
}

func testReadLimits(t *testing.T, h *harness) {
	account := h.newFeed(t)
	for i := range 10 {
		h.append(t, account, activities(t, i*10, 10))
	}
	for _, tail := range []int{0, -1} {
		h.opts.TailBytes = tail
		h.reopen(t)
		for _, c := range []struct {
			name    string
			q       tidings.ReadQuery
			chunks  int
			first   tidings.Seq
			through tidings.Seq
		}{
			{"one chunk without limits", tidings.ReadQuery{}, 1, 1, 10},
			{"a chunk is never cut by a limit", tidings.ReadQuery{MaxItems: 3, MaxBytes: 1 << 20}, 1, 1, 10},
			{"chunks until there are enough", tidings.ReadQuery{MaxItems: 11, MaxBytes: 1 << 20}, 2, 1, 20},
			{"the first chunk comes whatever its bytes", tidings.ReadQuery{MaxItems: 100, MaxBytes: 1}, 1, 1, 10},
			{"from within a chunk", tidings.ReadQuery{After: 14, MaxItems: 1, MaxBytes: 1}, 1, 15, 20},
			{"nothing beyond To", tidings.ReadQuery{After: 14, To: 17, MaxItems: 100, MaxBytes: 1 << 20}, 1, 15, 17},
			{"To beyond the head", tidings.ReadQuery{After: 95, To: 1000, MaxItems: 100, MaxBytes: 1 << 20}, 1, 96, 100},
			{"nothing after the head", tidings.ReadQuery{After: 100, MaxItems: 100, MaxBytes: 1 << 20}, 0, 0, 100},
			{"nothing far after the head", tidings.ReadQuery{After: 5000, MaxItems: 100, MaxBytes: 1 << 20}, 0, 0, 5000},
			{"all of it", tidings.ReadQuery{MaxItems: 1000, MaxBytes: 1 << 20}, 10, 1, 100},
		} {
			c.q.Account = account
			page, err := h.Read(t.Context(), c.q)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if len(page.Chunks) != c.chunks || page.Through != c.through || c.chunks > 0 && page.Chunks[0].First != c.first {
				t.Errorf("tail %d, %s: %d chunks through %d, want %d from %d through %d", tail, c.name, len(page.Chunks), page.Through, c.chunks, c.first, c.through)
			}
		}
	}
}

func testReadFilter(t *testing.T, h *harness) {
	account := h.newFeed(t)
	var all []tidings.Activity
	for i := range 60 {
		batch := activities(t, i*4, 1+i%4)
		h.append(t, account, batch)
		all = append(all, batch...)
	}
	for _, tail := range []int{0, -1} {
		for _, f := range []tidings.Filter{
			{Statuses: tidings.StatusSet(0).With(tidings.Spam)},
			{MediaTypes: tidings.MediaSet(0).With(tidings.Viber)},
			{Statuses: tidings.StatusSet(0).With(tidings.Read).With(tidings.Clicked), MediaTypes: tidings.MediaSet(0).With(tidings.SMS)},
			{Statuses: tidings.StatusSet(0).With(tidings.Sent)},
		} {
			wires, _ := h.readAll(t, tidings.ReadQuery{Account: account, Filter: f, MaxItems: 7, MaxBytes: 1 << 20})
			for i, a := range all {
				if f.Takes(a.Kind) && !bytes.Equal(wires[i], a.Wire) {
					t.Fatalf("filter %v/%v: activity %d was left out", f.Statuses.Names(), f.MediaTypes.Names(), i+1)
				}
			}
		}
		h.opts.TailBytes = tail - 1
		h.reopen(t)
	}
}

func testReopenKeeps(t *testing.T, h *harness) {
	account := h.newFeed(t)
	var want []tidings.Activity
	for i := range 5 {
		batch := activities(t, i*100, 40)
		h.append(t, account, batch)
		want = append(want, batch...)
		h.reopen(t)
		h.wantFeed(t, account, want)
	}
}

func testClosedStore(t *testing.T, h *harness) {
	account := h.newFeed(t)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := h.Append(t.Context(), tidings.AppendRequest{Account: account, Activities: activities(t, 0, 1)})
	wantCode(t, err, tidings.CodeUnavailable)
	answered := make(chan error, 1)
	h.Deliver(tidings.Delivery{}, true, func(err error) { answered <- err })
	wantCode(t, <-answered, tidings.CodeUnavailable)
	_, err = h.Account(t.Context(), account)
	wantCode(t, err, tidings.CodeUnavailable)
	if err := h.Close(); err != nil {
		t.Fatalf("a second Close: %v", err)
	}
	h.Store = nil
	h.reopen(t)
}

func testIdempotencyKey(t *testing.T, h *harness) {
	a, b := h.newFeed(t), h.newFeed(t)
	request := tidings.AppendRequest{Account: a, Activities: activities(t, 0, 3), IdempotencyKey: "order-17", BodyDigest: [32]byte{1}}
	first, err := h.Append(t.Context(), request)
	if err != nil || first.Repeated {
		t.Fatalf("Append = %+v, %v", first, err)
	}
	h.append(t, a, activities(t, 50, 2))
	for range 2 {
		again, err := h.Append(t.Context(), request)
		want := tidings.AppendResult{Accepted: 3, First: first.First, Last: first.Last, Repeated: true}
		if err != nil || again != want {
			t.Fatalf("the repeat is answered %+v, %v, want %+v", again, err, want)
		}
		h.reopen(t)
	}
	other := request
	other.BodyDigest = [32]byte{2}
	_, err = h.Append(t.Context(), other)
	wantCode(t, err, tidings.CodeConflict)
	other.Account = b // another account's key is another key
	if got, err := h.Append(t.Context(), other); err != nil || got.Repeated || got.First != 1 {
		t.Fatalf("Append to another account = %+v, %v", got, err)
	}
	if head, err := h.Head(t.Context(), a); err != nil || head != 5 {
		t.Fatalf("Head = %d, %v, want 5", head, err)
	}
}

func testIdempotencyInOneGroup(t *testing.T, h *harness) {
	account := h.newFeed(t)
	const clients = 40
	results := make(chan tidings.AppendResult, clients)
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			result, err := h.Append(context.Background(), tidings.AppendRequest{Account: account, Activities: activities(t, 0, 2), IdempotencyKey: "once", BodyDigest: [32]byte{7}})
			if err != nil {
				t.Errorf("Append: %v", err)
			}
			results <- result
		})
	}
	group.Wait()
	close(results)
	stored := 0
	for r := range results {
		if r.First != 1 || r.Last != 2 || r.Accepted != 2 {
			t.Errorf("an answer is %+v", r)
		}
		if !r.Repeated {
			stored++
		}
	}
	if stored != 1 {
		t.Errorf("%d answers say that they stored it, want 1", stored)
	}
	h.wantFeed(t, account, activities(t, 0, 2))
}

func testIdempotencyExpires(t *testing.T, h *harness) {
	account := h.newFeed(t)
	request := tidings.AppendRequest{Account: account, Activities: activities(t, 0, 1), IdempotencyKey: "daily", BodyDigest: [32]byte{1}}
	for i, c := range []struct {
		wait     time.Duration
		repeated bool
		first    tidings.Seq
	}{
		{0, false, 1},
		{tidings.IdempotencyTTL - time.Second, true, 1},
		{time.Second, false, 2},
		{time.Hour, true, 2},
	} {
		h.clock.advance(c.wait)
		got, err := h.Append(t.Context(), request)
		if err != nil || got.Repeated != c.repeated || got.First != c.first {
			t.Fatalf("request %d: %+v, %v, want first %d, repeated %v", i, got, err, c.first, c.repeated)
		}
	}
}

func testSeqAt(t *testing.T, h *harness) {
	account := h.newFeed(t)
	start := h.clock.Now()
	var arrived []time.Time
	for i := range 120 { // 20 weeks: several months
		if i%3 == 0 {
			h.clock.advance(28 * time.Hour)
		}
		n := 1 + i%4*9
		h.append(t, account, activities(t, i, n))
		for range n {
			arrived = append(arrived, h.clock.Now())
		}
	}
	check := func(when string) {
		t.Helper()
		for i := 0; i < len(arrived); i += 7 {
			at, err := h.ArrivedAt(t.Context(), account, tidings.Seq(i+1))
			if err != nil || !at.Equal(arrived[i]) {
				t.Fatalf("%s: ArrivedAt(%d) = %v, %v, want %v", when, i+1, at, err, arrived[i])
			}
			for _, late := range []time.Duration{-time.Millisecond, 0, time.Millisecond} {
				moment := arrived[i].Add(late)
				want := 0
				for want < len(arrived) && arrived[want].Before(moment) {
					want++
				}
				if got, err := h.SeqAt(t.Context(), account, moment); err != nil || got != tidings.Seq(want) {
					t.Fatalf("%s: SeqAt(%v) = %d, %v, want %d", when, moment, got, err, want)
				}
			}
		}
	}
	check("as appended")
	if merged, err := h.SealStep(t.Context()); err != nil || merged == 0 {
		t.Fatalf("SealStep = %d, %v", merged, err)
	}
	check("sealed")
	if got, err := h.SeqAt(t.Context(), account, start.AddDate(10, 0, 0)); err != nil || got != tidings.Seq(len(arrived)) {
		t.Errorf("SeqAt far ahead = %d, %v, want the head", got, err)
	}
	_, err := h.ArrivedAt(t.Context(), account, tidings.Seq(len(arrived)+1))
	wantCode(t, err, tidings.CodeNotFound)
}

func testArrivalNeverGoesBack(t *testing.T, h *harness) {
	account := h.newFeed(t)
	before := h.clock.Now()
	h.append(t, account, activities(t, 0, 1))
	h.clock.advance(-40 * 24 * time.Hour)
	h.append(t, account, activities(t, 1, 1))
	at, err := h.ArrivedAt(t.Context(), account, 2)
	if err != nil || at.Before(before) {
		t.Fatalf("ArrivedAt(2) = %v, %v, want no earlier than %v", at, err, before)
	}
	h.wantFeed(t, account, activities(t, 0, 2))
}
