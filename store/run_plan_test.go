package store

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings"
)

// plan gives how SQLite goes about a statement, a line a step.
func plan(t *testing.T, s *Store, query string, args ...any) []string {
	t.Helper()
	rows, err := s.reader.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

func openPlain(t *testing.T) *Store {
	s, err := OpenSQLite(context.Background(), Options{Dir: t.TempDir(), SealEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestClaimsLookAtWhatIsDueOnly holds the plans of what is asked all the time
// against those that do not grow with what waits, or with what is over.
func TestClaimsLookAtWhatIsDueOnly(t *testing.T) {
	s := openPlain(t)
	for _, c := range []struct {
		name, query string
		args        []any
		want        []string
	}{
		{"claim runs", claimRuns, []any{1, 2, 3}, []string{"SEARCH run USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1", "SEARCH run USING COVERING INDEX run_wake (wake<?)"}},
		{"give runs back", giveRunsBack, []any{1, 2}, []string{"SEARCH run USING INDEX run_wake (wake>? AND wake<?)"}},
		{"give mails back", giveMailsBack, []any{1, 2}, []string{
			"SEARCH mail USING INDEX mail_wake (broadcast=? AND wake>? AND wake<?)", "LIST SUBQUERY 2", "COMPOUND QUERY", "LEFT-MOST SUBQUERY",
			"SCAN CONSTANT ROW", "UNION ALL", "SCAN broadcast USING INDEX broadcast_open",
		}},
		{"next run", nextRun, nil, []string{"SCAN run USING COVERING INDEX run_wake"}},
		{"replies of claimed runs", claimedReplies, []any{1}, []string{"SEARCH r USING INDEX run_wake (wake=?)", "SEARCH p USING INDEX sqlite_autoindex_run_reply_1 (run=?)", "USE TEMP B-TREE FOR ORDER BY"}},
		{"claim mails", claimMails, []any{1, 2, 3, 4}, []string{"SEARCH mail USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1", "SEARCH mail USING COVERING INDEX mail_wake (broadcast=? AND wake<?)"}},
		{"next mail", nextMail, []any{1}, []string{"SEARCH mail USING COVERING INDEX mail_wake (broadcast=?)"}},
		{"bodies of claimed mails", claimedBodies, []any{1, 2}, []string{"SEARCH m USING COVERING INDEX mail_wake (broadcast=? AND wake=?)", "SEARCH b USING INTEGER PRIMARY KEY (rowid=?)"}},
		{"open lanes", openLanes, nil, []string{"SCAN broadcast USING INDEX broadcast_open"}},
		{"going runs", goingRuns, []any{1}, []string{"SEARCH w USING COVERING INDEX workflow_account (account=?)", "SEARCH r USING COVERING INDEX run_going (workflow=?)", "USE TEMP B-TREE FOR GROUP BY"}},
		{"blocked endpoints", selectBlocked, []any{1, 2, 3, 4}, []string{"SEARCH p USING INDEX position_blocked (blocked_since>?)", "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"}},
		{"count runs", countRuns, []any{1}, []string{"SEARCH run USING COVERING INDEX run_workflow (workflow=?)", "USE TEMP B-TREE FOR GROUP BY"}},
	} {
		if got := plan(t, s, c.query, c.args...); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s goes\n\t%s\nwant\n\t%s", c.name, strings.Join(got, "\n\t"), strings.Join(c.want, "\n\t"))
		}
	}
}

// TestListsEnterTheNarrowestIndex does so for the lists that people look at.
func TestListsEnterTheNarrowestIndex(t *testing.T) {
	s := openPlain(t)
	for _, c := range []struct {
		q    tidings.RunQuery
		want string
	}{
		{tidings.RunQuery{}, "run_account (account=? AND id<?)"},
		{tidings.RunQuery{State: tidings.RunGoing}, "run_account (account=? AND id<?)"},
		{tidings.RunQuery{State: tidings.RunFailed}, "run_failed (account=? AND id<?)"},
		{tidings.RunQuery{Marked: true}, "run_marked (account=? AND id<?)"},
		{tidings.RunQuery{Workflow: 1}, "run_workflow (workflow=? AND id<?)"},
		{tidings.RunQuery{Workflow: 1, State: tidings.RunGoing}, "run_workflow (workflow=? AND id<?)"},
		{tidings.RunQuery{Workflow: 1, State: tidings.RunFailed}, "run_failed (account=? AND id<?)"},
		{tidings.RunQuery{Workflow: 1, Marked: true}, "run_marked (account=? AND id<?)"},
		{tidings.RunQuery{Event: 1, Contact: 1}, "run_event (event=? AND rowid<?)"},
		{tidings.RunQuery{Workflow: 1, Contact: 1, State: tidings.RunFailed}, "run_contact (contact=? AND id<?)"},
	} {
		query, args := runQuery(c.q)
		if got := plan(t, s, query, args...); len(got) != 1 || got[0] != "SEARCH run USING INDEX "+c.want {
			t.Errorf("%+v: %q, want the index %s", c.q, got, c.want)
		}
	}
	for _, c := range []struct {
		q    tidings.MailQuery
		want string
	}{
		{tidings.MailQuery{}, "mail_account (account=? AND id<?)"},
		{tidings.MailQuery{State: tidings.MailFailed, Workflow: 1}, "mail_failed (account=? AND id<?)"},
		{tidings.MailQuery{Contact: 1, Workflow: 1}, "mail_contact (contact=? AND id<?)"},
		{tidings.MailQuery{Broadcast: 1, Message: 1}, "mail_broadcast (broadcast=? AND id<?)"},
		{tidings.MailQuery{Message: 1, Workflow: 1}, "mail_message (message=? AND id<?)"},
		{tidings.MailQuery{Workflow: 1}, "mail_workflow (workflow=? AND id<?)"},
		{tidings.MailQuery{From: time.Unix(1, 0), To: time.Unix(2, 0)}, "mail_account (account=? AND id>? AND id<?)"},
		{tidings.MailQuery{Message: 1, From: time.Unix(1, 0)}, "mail_message (message=? AND id>? AND id<?)"},
	} {
		query, args := mailQuery(c.q, 1, 2)
		if got := plan(t, s, query, args...); len(got) != 1 || got[0] != "SEARCH mail USING INDEX "+c.want {
			t.Errorf("%+v: %q, want the index %s", c.q, got, c.want)
		}
	}
	for _, c := range []struct {
		q    tidings.EventQuery
		want string
	}{
		{tidings.EventQuery{}, "event_account (account=? AND id<?)"},
		{tidings.EventQuery{Contact: 1}, "event_contact (contact=? AND id<?)"},
		{tidings.EventQuery{Contact: 1, Type: 1}, "event_contact (contact=? AND id<?)"},
		{tidings.EventQuery{Type: 1, KeyValue: "A-1"}, "event_key (type=? AND key_value=? AND rowid<?)"},
		{tidings.EventQuery{Type: 1}, "event_type_id (type=? AND id<?)"},
	} {
		query, args := eventQuery(c.q)
		if got := plan(t, s, query, args...); !slices.Contains(got, "SEARCH e USING INDEX "+c.want) {
			t.Errorf("%+v: %q, want the index %s", c.q, got, c.want)
		}
	}
}

// TestTheFirstMailOfATimeIsFoundByHalving makes mails with holes between their
// ids, as a purge leaves them.
func TestTheFirstMailOfATimeIsFoundByHalving(t *testing.T) {
	s := openPlain(t)
	err := s.commit(t.Context(), func(tx *writeTx) error {
		_, err := tx.exec(`WITH RECURSIVE k (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 500)
			INSERT INTO mail (id, account, iid, message, name, tag, language, contact, external, address, broadcast, workflow, block, instance, event,
				event_key, event_type, test, from_name, from_address, reply_to, categories, subject, state, due, wake, created)
			SELECT i * 7, 1, '', 0, '', '', '', 1, '', '', 0, 0, '', '', 0, '', '', 0, '', '', '', '', '', 'sent', 0, 0, 1000000 + i * 1000 FROM k`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ second, id int64 }{{0, 0}, {1001, 0}, {1002, 8}, {1250, 1744}, {1500, 3494}, {1501, 3501}, {9000, 3501}} {
		if got, err := s.mailAt(t.Context(), time.Unix(c.second, 0)); got != c.id || err != nil {
			t.Errorf("second %d begins at %d, %v; want %d", c.second, got, err, c.id)
		}
	}
	for _, c := range []struct {
		from, to int64
		want     int
	}{{0, 1001, 0}, {0, 1002, 1}, {1100, 1110, 10}, {1499, 0, 2}, {1501, 0, 0}} {
		q := tidings.MailQuery{Account: 1, Limit: 1000, From: time.Unix(c.from, 0)}
		if c.to != 0 {
			q.To = time.Unix(c.to, 0)
		}
		if mails, err := s.Mails(t.Context(), q); len(mails) != c.want || err != nil {
			t.Errorf("from %d to %d there are %d mails, %v; want %d", c.from, c.to, len(mails), err, c.want)
		}
	}
}

// makeWaiting puts runs into the store that are due in a year.
func makeWaiting(tb testing.TB, s *Store, n int) {
	tb.Helper()
	err := s.commit(context.Background(), func(tx *writeTx) error {
		_, err := tx.exec(`WITH RECURSIVE k (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < $1)
			INSERT INTO run (instance, account, workflow, version, contact, event, state, block, due, wake, entered, started)
			SELECT printf('%08x-0000-7000-8000-%012x', i, i), 1, 1, 1, i, i, 'going', 'wait', $2 + i, $2 + i, $3, $3 FROM k`,
			n, millis(tx.now.Add(365*24*time.Hour)), millis(tx.now))
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func TestAWaitingRunIsOneSmallRow(t *testing.T) {
	s := openPlain(t)
	var before, after int64
	pages := func(into *int64) {
		if err := s.row(t.Context(), "PRAGMA page_count").Scan(into); err != nil {
			t.Fatal(err)
		}
	}
	pages(&before)
	const n = 20_000
	makeWaiting(t, s, n)
	pages(&after)
	if bytes := (after - before) * pageSize / n; bytes > 400 {
		t.Errorf("a waiting run takes %d bytes with its indexes", bytes)
	}
	if runs, next, err := s.ClaimRuns(t.Context(), 10, time.Minute); err != nil || len(runs) != 0 || next.Before(time.Now()) {
		t.Errorf("%v, next %v, %v", runs, next, err)
	}
	commits := s.stats.commits.Load()
	for range 100 {
		if _, _, err := s.ClaimRuns(t.Context(), 10, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.stats.commits.Load() - commits; n != 0 {
		t.Errorf("claims of nothing wrote %d times", n)
	}
}
