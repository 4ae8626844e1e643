package storetest

import (
	"slices"
	"strings"
	"testing"

	"tidings"
)

func auditPromises() []promise {
	return []promise{
		{"AuditIsPagedNewestFirst", testAuditIsPagedNewestFirst},
		{"AuditShowsOneAccountOnly", testAuditShowsOneAccountOnly},
	}
}

// auditActions gives the actions of an account's audit, oldest first.
func (h *harness) auditActions(t testing.TB, account tidings.AccountID) string {
	t.Helper()
	records, err := h.Audit(t.Context(), account, 0, 1000)
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
		page, err := h.Audit(t.Context(), account.ID, before, 3)
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
