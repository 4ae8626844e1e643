package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tidings"
)

func tallyPromises() []promise {
	return []promise{
		{"TalliesOfSeveralWritersAddUp", testTalliesOfSeveralWritersAddUp},
		{"TalliesThatAreGivenAgainCountOnce", testTalliesThatAreGivenAgainCountOnce},
		{"TalliesAreChosenBySubjectPrefixAndTime", testTalliesAreChosen},
		{"TalliesAreAddedUpOverSteps", testTalliesAreAddedUpOverSteps},
		{"TalliesThatANodeHasInMemoryAreLeftOut", testTalliesInMemoryAreLeftOut},
		{"TalliesOfATimeAreExactWhereItCutsHours", testTalliesCutHours},
		{"TalliesArePagedBySubject", testTalliesArePagedBySubject},
		{"OldMinutesBecomeHoursThatCountTheSame", testOldMinutesBecomeHours},
		{"OldHoursAreDropped", testOldHoursAreDropped},
		{"AppendsAndEventsAreTalliedOnceTheyAreDurable", testAppendsAndEventsAreTallied},
	}
}

// tallyAt makes a tally of an endpoint's answers, with one of 100 ms for each that was done.
func tallyAt(account tidings.AccountID, subject string, at time.Time, done, failed int64) tidings.Tally {
	t := tidings.Tally{Account: account, Kind: tidings.TallyAnswered, Subject: subject, At: at, Done: done, Failed: failed}
	for range done {
		t.Took.Add(100 * time.Millisecond)
	}
	return t
}

func (h *harness) addTallies(t testing.TB, writer int64, list ...tidings.Tally) {
	t.Helper()
	if err := h.AddTallies(t.Context(), writer, list); err != nil {
		t.Fatalf("AddTallies: %v", err)
	}
}

// tallied gives what a query finds: "subject 09:26 done/failed", and with times "~n" of them.
func (h *harness) tallied(t testing.TB, q tidings.TallyQuery) string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	if q.To.IsZero() {
		q.To = h.clock.Now().Add(1000 * time.Hour)
	}
	list, more, err := h.Tallies(t.Context(), q)
	if err != nil {
		t.Fatalf("Tallies: %v", err)
	}
	var out []string
	for i := range list {
		s := &list[i]
		out = append(out, fmt.Sprintf("%s %s %d/%d~%d", s.Subject, s.At.Format("15:04"), s.Done, s.Failed, s.Took.Count()))
	}
	if more {
		out = append(out, "more")
	}
	return strings.Join(out, ", ")
}

func wantTallied(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// tallyMinute is 09:26 of the harness's day.
func (h *harness) tallyMinute() time.Time { return h.clock.Now().Truncate(time.Minute) }

func testTalliesOfSeveralWritersAddUp(t *testing.T, h *harness) {
	account, at := h.newAccount(t, "a").ID, h.tallyMinute()
	h.addTallies(t, 1, tallyAt(account, "7", at, 3, 1))
	h.addTallies(t, 2, tallyAt(account, "7", at, 2, 0))
	q := tidings.TallyQuery{Account: account, Kind: tidings.TallyAnswered, From: at, Step: time.Minute}
	wantTallied(t, h.tallied(t, q), "7 09:26 5/1~5")
	q.Kind = tidings.TallyCall
	wantTallied(t, h.tallied(t, q), "")
	q.Kind, q.Account = tidings.TallyAnswered, h.newAccount(t, "b").ID
	wantTallied(t, h.tallied(t, q), "")
}

func testTalliesThatAreGivenAgainCountOnce(t *testing.T, h *harness) {
	account, at := h.newAccount(t, "a").ID, h.tallyMinute()
	for range 2 {
		h.addTallies(t, 1, tallyAt(account, "7", at, 3, 1))
	}
	wantTallied(t, h.tallied(t, tidings.TallyQuery{Account: account, Kind: tidings.TallyAnswered}), "7 00:00 3/1~3")
}

func testTalliesAreChosen(t *testing.T, h *harness) {
	account, at := h.newAccount(t, "a").ID, h.tallyMinute()
	later := at.Add(time.Minute)
	for _, subject := range []string{"1/a", "12/a", "12/b", "123/a"} {
		h.addTallies(t, 1, tallyAt(account, subject, at, 1, 0), tallyAt(account, subject, later, 2, 0))
	}
	q := tidings.TallyQuery{Account: account, Kind: tidings.TallyAnswered, From: at, Step: time.Minute}
	one, prefix, early, late := q, q, q, q
	one.Subject = "12/a"
	wantTallied(t, h.tallied(t, one), "12/a 09:26 1/0~1, 12/a 09:27 2/0~2")
	prefix.Prefix = "12/"
	wantTallied(t, h.tallied(t, prefix), "12/a 09:26 1/0~1, 12/a 09:27 2/0~2, 12/b 09:26 1/0~1, 12/b 09:27 2/0~2")
	early.Subject, early.To = "12/a", later
	wantTallied(t, h.tallied(t, early), "12/a 09:26 1/0~1")
	late.Subject, late.From = "12/a", later
	wantTallied(t, h.tallied(t, late), "12/a 09:27 2/0~2")
}

func testTalliesAreAddedUpOverSteps(t *testing.T, h *harness) {
	account, at := h.newAccount(t, "a").ID, h.tallyMinute()
	for n, after := range []time.Duration{0, time.Minute, time.Hour, 24 * time.Hour} {
		h.addTallies(t, 1, tallyAt(account, "7", at.Add(after), int64(n+1), 0))
	}
	q := tidings.TallyQuery{Account: account, Kind: tidings.TallyAnswered, From: at}
	wantTallied(t, h.tallied(t, q), "7 09:26 10/0~10")
	q.Step = time.Hour
	wantTallied(t, h.tallied(t, q), "7 09:00 3/0~3, 7 10:00 3/0~3, 7 09:00 4/0~4")
	q.Step = 24 * time.Hour
	wantTallied(t, h.tallied(t, q), "7 00:00 6/0~6, 7 00:00 4/0~4")
	q.From, q.Step = at.Truncate(5*time.Minute), 5*time.Minute
	h.addTallies(t, 9, tallyAt(account, "five", at.Truncate(5*time.Minute), 1, 0), tallyAt(account, "five", at.Truncate(5*time.Minute).Add(4*time.Minute), 2, 1), tallyAt(account, "five", at.Truncate(5*time.Minute).Add(5*time.Minute), 4, 0))
	q.Subject = "five"
	wantTallied(t, h.tallied(t, q), "five 09:25 3/1~3, five 09:30 4/0~4")
}

func testTalliesInMemoryAreLeftOut(t *testing.T, h *harness) {
	account, at := h.newAccount(t, "a").ID, h.tallyMinute()
	later := at.Add(time.Minute)
	h.addTallies(t, 1, tallyAt(account, "7", at, 1, 0), tallyAt(account, "7", later, 1, 0))
	h.addTallies(t, 2, tallyAt(account, "7", later, 5, 0))
	q := tidings.TallyQuery{Account: account, Kind: tidings.TallyAnswered, Step: time.Minute, Writer: 1, Since: later}
	wantTallied(t, h.tallied(t, q), "7 09:26 1/0~1, 7 09:27 5/0~5")
}

// testTalliesCutHours holds what is made of whole hours against the minutes.
func testTalliesCutHours(t *testing.T, h *harness) {
	account, at := h.newAccount(t, "a").ID, h.tallyMinute()
	for n := range 200 {
		h.addTallies(t, int64(1+n%2), tallyAt(account, "7", at.Add(time.Duration(n)*time.Minute), 1, 0))
	}
	h.addTallies(t, 1, tallyAt(account, "8", at, 1, 0))
	for _, c := range []struct {
		from, to int // minutes after 09:26
		want     string
	}{
		{-100, 1000, "7 07:46 200/0~200, 8 07:46 1/0~1"},
		{0, 200, "7 09:26 200/0~200, 8 09:26 1/0~1"},
		{1, 200, "7 09:27 199/0~199"},
		{1, 199, "7 09:27 198/0~198"},
		{34, 94, "7 10:00 60/0~60"},
		{5, 6, "7 09:31 1/0~1"},
		{5, 5, ""},
		{201, 300, ""},
	} {
		q := tidings.TallyQuery{Account: account, Kind: tidings.TallyAnswered, From: at.Add(time.Duration(c.from) * time.Minute), To: at.Add(time.Duration(c.to) * time.Minute)}
		wantTallied(t, h.tallied(t, q), c.want)
		q.Subject = "7"
		only, _, _ := strings.Cut(c.want, ", ")
		wantTallied(t, h.tallied(t, q), only)
	}
	q := tidings.TallyQuery{Account: account, Kind: tidings.TallyAnswered, From: at, To: at.Add(200 * time.Minute), Writer: 1, Since: at.Add(197 * time.Minute)}
	wantTallied(t, h.tallied(t, q), "7 09:26 199/0~199, 8 09:26 1/0~1")
	q.Since = at
	wantTallied(t, h.tallied(t, q), "7 09:26 100/0~100")
}

func testTalliesArePagedBySubject(t *testing.T, h *harness) {
	account, at := h.newAccount(t, "a").ID, h.tallyMinute()
	for _, subject := range []string{"1", "2", "3"} {
		h.addTallies(t, 1, tallyAt(account, subject, at, 1, 0), tallyAt(account, subject, at.Add(time.Minute), 1, 0))
	}
	q := tidings.TallyQuery{Account: account, Kind: tidings.TallyAnswered, From: at, Limit: 2}
	wantTallied(t, h.tallied(t, q), "1 09:26 2/0~2, 2 09:26 2/0~2, more")
	q.After = "2"
	wantTallied(t, h.tallied(t, q), "3 09:26 2/0~2")
}

func testOldMinutesBecomeHours(t *testing.T, h *harness) {
	account, at := h.newAccount(t, "a").ID, h.tallyMinute()
	var old []tidings.Tally
	for n := range 80 { // more than one write merges
		old = append(old, tallyAt(account, fmt.Sprintf("%03d", n), at, 1, 0), tallyAt(account, fmt.Sprintf("%03d", n), at.Add(time.Minute), 2, 1))
	}
	h.addTallies(t, 1, old...)
	h.addTallies(t, 2, tallyAt(account, "007", at, 4, 0), tallyAt(account, "007", at.Add(time.Hour), 1, 0))
	whole := tidings.TallyQuery{Account: account, Kind: tidings.TallyAnswered, From: at.Truncate(time.Hour), Step: time.Hour}
	want := h.tallied(t, whole)
	for range 2 { // again, it changes nothing
		if err := h.AgeTallies(t.Context(), at.Add(tidings.TallyMinutesKept+time.Hour)); err != nil {
			t.Fatalf("AgeTallies: %v", err)
		}
	}
	wantTallied(t, h.tallied(t, whole), want)
	minutes := whole
	minutes.Step, minutes.Subject = time.Minute, "007"
	wantTallied(t, h.tallied(t, minutes), "007 10:26 1/0~1")
	h.addTallies(t, 3, tallyAt(account, "007", at, 10, 0)) // late: its hour is there already
	if err := h.AgeTallies(t.Context(), at.Add(tidings.TallyMinutesKept+time.Hour)); err != nil {
		t.Fatalf("AgeTallies: %v", err)
	}
	whole.Subject = "007"
	wantTallied(t, h.tallied(t, whole), "007 09:00 17/1~17, 007 10:00 1/0~1")
}

func testOldHoursAreDropped(t *testing.T, h *harness) {
	account, at := h.newAccount(t, "a").ID, h.tallyMinute()
	h.addTallies(t, 1, tallyAt(account, "7", at, 1, 0), tallyAt(account, "7", at.Add(24*time.Hour), 2, 0))
	if err := h.AgeTallies(t.Context(), at.Add(tidings.TallyHoursKept+time.Hour)); err != nil {
		t.Fatalf("AgeTallies: %v", err)
	}
	wantTallied(t, h.tallied(t, tidings.TallyQuery{Account: account, Kind: tidings.TallyAnswered, Step: time.Hour}), "7 09:00 2/0~2")
}

func testAppendsAndEventsAreTallied(t *testing.T, h *harness) {
	var counts []tidings.Count
	h.opts.Tallied = func(c tidings.Count) { counts = append(counts, c) }
	h.reopen(t)
	account := h.newAccount(t, "a").ID
	h.fill(t, account, 3)
	out := h.addEvent(t, event(account, "order", "1", `total=1`))
	if _, err := h.AddEvent(t.Context(), event(account+1, "order", "1", `total=1`), nil); err == nil {
		t.Error("an event of no account is stored")
	}
	if err := h.Close(); err != nil { // after it nobody counts
		t.Fatal(err)
	}
	want := []tidings.Count{
		{Account: account, Kind: tidings.TallyArrived, Done: 3},
		{Account: account, Kind: tidings.TallyEvent, Subject: tidings.TallySubject{ID: int64(out.Event.Type)}, Done: 1},
	}
	if fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("counted %v, want %v", counts, want)
	}
}
