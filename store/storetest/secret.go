package storetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidings"
	"tidings/store"
)

func secretPromises() []promise {
	return []promise{
		{"StoreDoesNotOpenWithoutItsKeys", testStoreDoesNotOpenWithoutItsKeys},
		{"RotatedKeysOpenWhatWasSealedBefore", testRotatedKeysOpenWhatWasSealedBefore},
		{"SecretsAreRefusedWithoutAKey", testSecretsAreRefusedWithoutAKey},
		{"DeletedEndpointsSecretsAreGone", testDeletedEndpointsSecretsAreGone},
	}
}

// useKeys opens the store again with a new key file, and gives the file's path.
func (h *harness) useKeys(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	ring, err := store.LoadOrCreateKeyring(path)
	if err != nil {
		t.Fatalf("LoadOrCreateKeyring: %v", err)
	}
	h.opts.Keys = ring
	h.reopen(t)
	return path
}

// secretEndpoint is an endpoint with every kind of secret, each with "hush" in it.
func secretEndpoint(account tidings.AccountID) tidings.Endpoint {
	e := plainEndpoint(account)
	e.Auth = &tidings.BasicAuth{Username: "hush-user", Password: "hush-password"}
	e.Headers = []tidings.Header{{Name: "X-Key", Value: "hush-header"}}
	e.Secrets = []tidings.Secret{{Value: "whsec_hush"}}
	return e
}

func testStoreDoesNotOpenWithoutItsKeys(t *testing.T, h *harness) {
	h.useKeys(t)
	account := h.newAccount(t, "a")
	if _, err := h.CreateEndpoint(t.Context(), secretEndpoint(account.ID), tidings.Start{Now: true}, "admin"); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	right := h.opts.Keys
	id := strings.TrimSuffix(strings.TrimPrefix(right.String(), "keyring["), "]")
	other, err := store.LoadOrCreateKeyring(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []store.Keyring{other, {}} {
		h.opts.Keys = wrong
		s, err := h.open(h.opts)
		if err == nil {
			s.Close()
			t.Fatalf("opened with %v", wrong)
		}
		if !strings.Contains(err.Error(), id) {
			t.Errorf("error %q does not name key %s", err, id)
		}
	}
	h.opts.Keys = right
	h.reopen(t)
}

func testRotatedKeysOpenWhatWasSealedBefore(t *testing.T, h *harness) {
	path := h.useKeys(t)
	account := h.newAccount(t, "a")
	var want []tidings.Endpoint
	for range 3 {
		e, err := h.CreateEndpoint(t.Context(), secretEndpoint(account.ID), tidings.Start{Now: true}, "admin")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, e)
	}
	want = append(want, h.newEndpoint(t, account.ID)) // without secrets
	check := func(when string) {
		t.Helper()
		got, _, err := h.Endpoints(t.Context(), account.ID, 0, 10)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%s: %v (-want +got):\n%s", when, err, diff)
		}
	}
	var err error
	if h.opts.Keys, err = store.RotateKeyring(path); err != nil {
		t.Fatal(err)
	}
	h.reopen(t)
	check("after the rotation")
	for _, n := range []int{3, 0} { // the second time there is nothing left to do
		if got, err := h.Reseal(t.Context()); err != nil || got != n {
			t.Fatalf("Reseal = %d, %v; want %d", got, err, n)
		}
	}
	check("after resealing")

	// Without the old key, whose line is the last but one.
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if err := os.WriteFile(path, []byte(lines[len(lines)-1]), 0o600); err != nil {
		t.Fatal(err)
	}
	if h.opts.Keys, err = store.LoadOrCreateKeyring(path); err != nil {
		t.Fatal(err)
	}
	h.reopen(t)
	check("without the old key")
}

func testSecretsAreRefusedWithoutAKey(t *testing.T, h *harness) {
	h.opts.Keys = store.Keyring{}
	h.reopen(t)
	account := h.newAccount(t, "a")
	_, err := h.CreateEndpoint(t.Context(), secretEndpoint(account.ID), tidings.Start{Now: true}, "admin")
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Fatalf("CreateEndpoint: %v", err)
	}
	e := h.newEndpoint(t, account.ID)
	e.Auth = &tidings.BasicAuth{Username: "hush", Password: "hush"}
	if _, err = h.UpdateEndpoint(t.Context(), e, "admin", "auth"); err == nil || strings.Contains(err.Error(), "hush") {
		t.Fatalf("UpdateEndpoint: %v", err)
	}
	if list, _, err := h.Endpoints(t.Context(), account.ID, 0, 10); err != nil || len(list) != 1 || list[0].Auth != nil {
		t.Errorf("stored: %+v, %v", list, err)
	}
}

func testDeletedEndpointsSecretsAreGone(t *testing.T, h *harness) {
	h.useKeys(t)
	account := h.newAccount(t, "a")
	e, err := h.CreateEndpoint(t.Context(), secretEndpoint(account.ID), tidings.Start{Now: true}, "admin")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.DeleteEndpoint(t.Context(), account.ID, e.ID, "admin"); err != nil {
		t.Fatal(err)
	}
	h.opts.Keys = store.Keyring{} // which opens only a store that has no secrets
	h.reopen(t)
}
