package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tidings"
)

func auditPromises() []promise {
	return []promise{
		{"AuditIsPagedNewestFirst", testAuditIsPagedNewestFirst},
		{"AuditShowsOneAccountOnly", testAuditShowsOneAccountOnly},
		{"AuditIsChosenByActionActorAndTime", testAuditIsChosenByActionActorAndTime},
	}
}

// auditActions gives the actions of an account's audit, oldest first.
func (h *harness) auditActions(t testing.TB, account tidings.AccountID) string {
	t.Helper()
	records, err := h.Audit(t.Context(), tidings.AuditQuery{Account: account, Limit: 1000})
	if err != nil {
		t.Fatalf("Audit: %v", err)
	}
	slices.Reverse(records)
	var actions []string
	for _, r := range records {
		actions = append(actions, r.Action)
	}
	return strings.Join(actions, " ")
}

func testAuditIsPagedNewestFirst(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	for range 6 {
		if _, err := h.CreateKey(t.Context(), account.ID, tidings.MakeKey("k", tidings.AllScopes()), "key 1 (first)"); err != nil {
			t.Fatal(err)
		}
	}
	var ids []int64
	var before int64
	for {
		page, err := h.Audit(t.Context(), tidings.AuditQuery{Account: account.ID, Before: before, Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			ids = append(ids, r.ID)
		}
		before = page[len(page)-1].ID
	}
	if !slices.Equal(ids, []int64{7, 6, 5, 4, 3, 2, 1}) {
		t.Errorf("pages gave %v", ids)
	}
}

func testAuditIsChosenByActionActorAndTime(t *testing.T, h *harness) {
	account := h.newAccount(t, "a").ID
	began := h.clock.Now()
	h.clock.advance(time.Hour)
	if _, err := h.CreateKey(t.Context(), account, tidings.MakeKey("k", tidings.AllScopes()), "user 1 (ann@acme.example)"); err != nil {
		t.Fatal(err)
	}
	h.clock.advance(time.Hour)
	if err := h.RevokeKey(t.Context(), account, 2, "user 12 (bob@acme.example)"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		q    tidings.AuditQuery
		want string
	}{
		{"all", tidings.AuditQuery{}, "key.revoke key.create account.create"},
		{"of keys", tidings.AuditQuery{Action: "key."}, "key.revoke key.create"},
		{"one action", tidings.AuditQuery{Action: "key.create"}, "key.create"},
		{"an actor, not another that begins alike", tidings.AuditQuery{Actor: "user 1 "}, "key.create"},
		{"nobody's", tidings.AuditQuery{Actor: "%"}, ""},
		{"since", tidings.AuditQuery{From: began.Add(time.Hour)}, "key.revoke key.create"},
		{"until", tidings.AuditQuery{To: began.Add(time.Hour)}, "account.create"},
	} {
		c.q.Account, c.q.Limit = account, 10
		records, err := h.Audit(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		var actions []string
		for _, r := range records {
			actions = append(actions, r.Action)
		}
		if got := strings.Join(actions, " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func testAuditShowsOneAccountOnly(t *testing.T, h *harness) {
	a, b := h.newAccount(t, "a"), h.newAccount(t, "b")
	keys, err := h.Keys(t.Context(), b.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.RevokeKey(t.Context(), b.ID, keys[0].ID, "admin"); err != nil {
		t.Fatal(err)
	}
	if got := h.auditActions(t, a.ID); got != "account.create" {
		t.Errorf("a's audit: %s", got)
	}
	if got := h.auditActions(t, b.ID); got != "account.create key.revoke" {
		t.Errorf("b's audit: %s", got)
	}
	if got := h.auditActions(t, 3); got != "" {
		t.Errorf("the audit of no account: %s", got)
	}
}
