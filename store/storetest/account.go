package storetest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
	"tidings/store"
)

func accountPromises() []promise {
	return []promise{
		{"AccountIsMadeWithItsFirstKey", testAccountIsMadeWithItsFirstKey},
		{"AccountsArePagedByID", testAccountsArePagedByID},
		{"KeyIsFoundByItsDigestUntilRevoked", testKeyIsFoundByItsDigestUntilRevoked},
		{"RevokedKeyIsNeverServedFromMemory", testRevokedKeyIsNeverServedFromMemory},
		{"KeyBelongsToOneAccount", testKeyBelongsToOneAccount},
		{"AccountsSurviveReopening", testAccountsSurviveReopening},
	}
}

// newAccount makes an account with a key of all scopes.
func (h *harness) newAccount(t testing.TB, name string) tidings.Account {
	t.Helper()
	account, _, err := h.CreateAccount(t.Context(), name, tidings.MakeKey("first", tidings.AllScopes()), "admin")
	if err != nil {
		t.Fatalf("CreateAccount: %v", err)
	}
	return account
}

func testAccountIsMadeWithItsFirstKey(t *testing.T, h *harness) {
	fresh := tidings.MakeKey("first", tidings.AllScopes())
	account, key, err := h.CreateAccount(t.Context(), "Fjord Café", fresh, "admin")
	if err != nil {
		t.Fatal(err)
	}
	if account.ID != 1 || account.Name != "Fjord Café" || !account.CreatedAt.Equal(h.clock.Now()) {
		t.Errorf("made %+v", account)
	}
	want := tidings.Key{
		ID: 1, Account: 1, Name: "first", Prefix: fresh.Prefix,
		Scopes: tidings.AllScopes(), CreatedAt: h.clock.Now(),
	}
	if diff := cmp.Diff(want, key); diff != "" {
		t.Errorf("the key (-want +got):\n%s", diff)
	}
	got, err := h.Account(t.Context(), account.ID)
	if diff := cmp.Diff(account, got); err != nil || diff != "" {
		t.Errorf("Account: %v (-want +got):\n%s", err, diff)
	}
	if head, err := h.Head(t.Context(), account.ID); err != nil || head != 0 {
		t.Errorf("Head = %d, %v; a new feed is empty", head, err)
	}
	_, err = h.Account(t.Context(), 2)
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.Keys(t.Context(), 2)
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.CreateKey(t.Context(), 2, tidings.MakeKey("x", tidings.AllScopes()), "admin")
	wantCode(t, err, tidings.CodeNotFound)
}

func testAccountsArePagedByID(t *testing.T, h *harness) {
	for range 5 {
		h.newAccount(t, "same name")
	}
	var ids []tidings.AccountID
	var after tidings.AccountID
	for {
		page, err := h.Accounts(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, a := range page {
			ids = append(ids, a.ID)
		}
		after = page[len(page)-1].ID
	}
	if !slices.Equal(ids, []tidings.AccountID{1, 2, 3, 4, 5}) {
		t.Errorf("pages gave %v", ids)
	}
}

func testKeyIsFoundByItsDigestUntilRevoked(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	fresh := tidings.MakeKey("billing", []tidings.Scope{tidings.ScopeRead, tidings.ScopeIngest})
	made, err := h.CreateKey(t.Context(), account.ID, fresh, "key 1 (first)")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // from the database, then from memory
		got, err := h.KeyByDigest(t.Context(), tidings.KeyDigest(fresh.Token))
		if diff := cmp.Diff(made, got); err != nil || diff != "" {
			t.Fatalf("KeyByDigest: %v (-want +got):\n%s", err, diff)
		}
	}
	_, err = h.KeyByDigest(t.Context(), tidings.KeyDigest(fresh.Token+"x"))
	wantCode(t, err, tidings.CodeUnauthorized)

	h.clock.advance(time.Hour)
	for range 2 { // the second one changes nothing
		if err := h.RevokeKey(t.Context(), account.ID, made.ID, "key 1 (first)"); err != nil {
			t.Fatal(err)
		}
	}
	_, err = h.KeyByDigest(t.Context(), tidings.KeyDigest(fresh.Token))
	wantCode(t, err, tidings.CodeUnauthorized)
	if !strings.Contains(err.Error(), "revoked") {
		t.Errorf("error %q does not say that the key was revoked", err)
	}
	keys, err := h.Keys(t.Context(), account.ID)
	if err != nil || len(keys) != 2 || keys[1].ID != made.ID || !keys[1].RevokedAt.Equal(h.clock.Now()) || !keys[0].RevokedAt.IsZero() {
		t.Errorf("Keys = %+v, %v", keys, err)
	}
	if got := h.auditActions(t, account.ID); got != "account.create key.create key.revoke" {
		t.Errorf("audit: %s", got)
	}
}

// Readers look the key up at every moment around its revocation; once RevokeKey
// has returned, none of them may have left it in memory.
func testRevokedKeyIsNeverServedFromMemory(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	for range 20 {
		fresh := tidings.MakeKey("k", tidings.AllScopes())
		made, err := h.CreateKey(t.Context(), account.ID, fresh, "admin")
		if err != nil {
			t.Fatal(err)
		}
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for range 50 {
					if _, err := h.KeyByDigest(t.Context(), fresh.Digest); err != nil {
						return
					}
				}
			})
		}
		if err := h.RevokeKey(t.Context(), account.ID, made.ID, "admin"); err != nil {
			t.Fatal(err)
		}
		_, err = h.KeyByDigest(t.Context(), fresh.Digest)
		wantCode(t, err, tidings.CodeUnauthorized)
		readers.Wait()
		_, err = h.KeyByDigest(t.Context(), fresh.Digest)
		wantCode(t, err, tidings.CodeUnauthorized)
	}
}

func testKeyBelongsToOneAccount(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "other")
	keys, err := h.Keys(t.Context(), mine.ID)
	if err != nil || len(keys) != 1 || keys[0].Account != mine.ID {
		t.Fatalf("Keys = %+v, %v", keys, err)
	}
	wantCode(t, h.RevokeKey(t.Context(), other.ID, keys[0].ID, "admin"), tidings.CodeNotFound)
	wantCode(t, h.RevokeKey(t.Context(), mine.ID, 99, "admin"), tidings.CodeNotFound)
	if keys, err = h.Keys(t.Context(), mine.ID); err != nil || !keys[0].RevokedAt.IsZero() {
		t.Errorf("the key was revoked through another account: %+v, %v", keys, err)
	}
}

func testAccountsSurviveReopening(t *testing.T, h *harness) {
	fresh := tidings.MakeKey("first", []tidings.Scope{tidings.ScopeManage})
	account, key, err := h.CreateAccount(t.Context(), "a", fresh, "admin")
	if err != nil {
		t.Fatal(err)
	}
	h.reopen(t)
	type all struct {
		Account tidings.Account
		Key     tidings.Key
		Audit   []tidings.AuditRecord
	}
	read := func(s *store.Store) (a all) {
		var errs [3]error
		a.Account, errs[0] = s.Account(t.Context(), account.ID)
		a.Key, errs[1] = s.KeyByDigest(t.Context(), fresh.Digest)
		a.Audit, errs[2] = s.Audit(t.Context(), tidings.AuditQuery{Account: account.ID, Limit: 10})
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		return a
	}
	got := read(h.Store)
	want := all{account, key, []tidings.AuditRecord{{
		ID: 1, Account: account.ID, At: h.clock.Now(), Actor: "admin", Action: "account.create",
		Detail: `account "a" with key 1 "first" (` + fresh.Prefix + `…) for manage`,
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if next := h.newAccount(t, "b"); next.ID != account.ID+1 {
		t.Errorf("the next account got id %d", next.ID)
	}
}
