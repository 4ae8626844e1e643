package storetest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
	"tidings/store"
)

func connectorPromises() []promise {
	return []promise{
		{"ConnectorKeepsEveryField", testConnectorKeepsEveryField},
		{"ConnectorNamesAreUnique", testConnectorNamesAreUnique},
		{"ConnectorsArePagedByID", testConnectorsArePagedByID},
		{"UpdateOfAnOldConnectorIsRefused", testUpdateOfAnOldConnectorIsRefused},
		{"ConnectorInUseIsNotDeleted", testConnectorInUseIsNotDeleted},
		{"OtherAccountsConnectorIsNotFound", testOtherAccountsConnectorIsNotFound},
		{"SecretsOfConnectorsWebhooksAndSourcesAreResealed", testSecretsOfConnectorsWebhooksAndSourcesAreResealed},
	}
}

// plainConnector is a connector with a Bearer token.
func plainConnector(account tidings.AccountID, name string) tidings.Connector {
	return tidings.Connector{Account: account, Name: name, Auth: tidings.Auth{Kind: tidings.AuthBearer, Secret: "hush-token"}}
}

func (h *harness) newConnector(t testing.TB, account tidings.AccountID, name string) tidings.Connector {
	t.Helper()
	c, err := h.CreateConnector(t.Context(), plainConnector(account, name), "admin")
	if err != nil {
		t.Fatalf("CreateConnector: %v", err)
	}
	return c
}

func testConnectorKeepsEveryField(t *testing.T, h *harness) {
	h.useKeys(t)
	account := h.newAccount(t, "a")
	for i, auth := range []tidings.Auth{
		{Kind: tidings.AuthBasic, Username: "ann", Secret: "pä\x00ss"},
		{Kind: tidings.AuthBasic, Username: "no password"},
		{Kind: tidings.AuthBearer, Secret: "token"},
		{Kind: tidings.AuthAPIKey, Secret: "key", In: tidings.KeyInHeader, Name: "X-Api-Key"},
		{Kind: tidings.AuthAPIKey, Secret: "key", In: tidings.KeyInQuery, Name: "api_key"},
	} {
		want := tidings.Connector{Account: account.ID, Name: fmt.Sprintf("connector %d", i), Auth: auth}
		made, err := h.CreateConnector(t.Context(), want, "admin")
		want.ID, want.Version, want.CreatedAt, want.UpdatedAt = made.ID, 1, h.clock.Now(), h.clock.Now()
		if diff := cmp.Diff(want, made); err != nil || diff != "" {
			t.Fatalf("%v: made: %v (-want +got):\n%s", auth.Kind, err, diff)
		}
		h.reopen(t)
		got, err := h.Connector(t.Context(), account.ID, made.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v: after reopening: %v (-want +got):\n%s", auth.Kind, err, diff)
		}
		h.clock.advance(time.Second)
		want.Name += " changed"
		want.Auth = tidings.Auth{Kind: tidings.AuthAPIKey, Secret: "other", In: tidings.KeyInQuery, Name: "k"}
		updated, err := h.UpdateConnector(t.Context(), want, "admin", "all")
		want.Version, want.UpdatedAt = 2, h.clock.Now()
		if diff := cmp.Diff(want, updated); err != nil || diff != "" {
			t.Fatalf("%v: updated: %v (-want +got):\n%s", auth.Kind, err, diff)
		}
		if got, err = h.Connector(t.Context(), account.ID, made.ID); err != nil || !cmp.Equal(want, got) {
			t.Fatalf("%v: after the update: %+v, %v", auth.Kind, got, err)
		}
	}
	_, err := h.CreateConnector(t.Context(), plainConnector(99, "x"), "admin")
	wantCode(t, err, tidings.CodeNotFound)
}

func testConnectorNamesAreUnique(t *testing.T, h *harness) {
	h.useKeys(t)
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "other")
	first, second := h.newConnector(t, mine.ID, "CRM"), h.newConnector(t, mine.ID, "crm")
	h.newConnector(t, other.ID, "CRM")
	_, err := h.CreateConnector(t.Context(), plainConnector(mine.ID, "CRM"), "admin")
	wantCode(t, err, tidings.CodeConflict)
	if !strings.Contains(err.Error(), fmt.Sprintf("name: is that of connector %d", first.ID)) {
		t.Errorf("error %v", err)
	}
	renamed := second
	renamed.Name = "CRM"
	_, err = h.UpdateConnector(t.Context(), renamed, "admin", "name")
	wantCode(t, err, tidings.CodeConflict)
	if _, err := h.UpdateConnector(t.Context(), first, "admin", "its own name"); err != nil {
		t.Error(err)
	}
}

func testConnectorsArePagedByID(t *testing.T, h *harness) {
	h.useKeys(t)
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "other")
	var want, got []tidings.ConnectorID
	for i := range 5 {
		want = append(want, h.newConnector(t, mine.ID, fmt.Sprint(i)).ID)
		h.newConnector(t, other.ID, fmt.Sprint(i))
	}
	for after := tidings.ConnectorID(0); ; after = got[len(got)-1] {
		page, err := h.Connectors(t.Context(), mine.ID, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			got = append(got, c.ID)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages gave %v, want %v", got, want)
	}
}

func testUpdateOfAnOldConnectorIsRefused(t *testing.T, h *harness) {
	h.useKeys(t)
	account := h.newAccount(t, "a")
	c := h.newConnector(t, account.ID, "CRM")
	mine, theirs := c, c
	mine.Auth.Secret, theirs.Auth.Secret = "mine", "theirs"
	if _, err := h.UpdateConnector(t.Context(), mine, "admin", "secret"); err != nil {
		t.Fatal(err)
	}
	_, err := h.UpdateConnector(t.Context(), theirs, "admin", "secret")
	wantCode(t, err, tidings.CodeConflict)
	if got, err := h.Connector(t.Context(), account.ID, c.ID); err != nil || got.Auth.Secret != "mine" || got.Version != 2 {
		t.Errorf("stored %+v, %v", got, err)
	}
	if got := h.auditActions(t, account.ID); got != "account.create connector.create connector.update" {
		t.Errorf("audit: %s", got)
	}
}

func testConnectorInUseIsNotDeleted(t *testing.T, h *harness) {
	h.useKeys(t)
	account := h.newAccount(t, "a")
	c := h.newConnector(t, account.ID, "CRM")
	var users []tidings.Webhook
	for _, name := range []string{"WH5", "contacts_get_by_email"} {
		w := plainWebhook(account.ID, name)
		w.Connector = c.ID
		users = append(users, h.newWebhook(t, w))
	}
	want := []tidings.Use{{Kind: tidings.UseWebhook, ID: 1, Name: "WH5"}, {Kind: tidings.UseWebhook, ID: 2, Name: "contacts_get_by_email"}}
	if got, err := h.ConnectorUsers(t.Context(), c.ID); err != nil || !slices.Equal(got, want) {
		t.Errorf("users %v, %v", got, err)
	}
	err := h.DeleteConnector(t.Context(), account.ID, c.ID, "admin")
	wantCode(t, err, tidings.CodeConflict)
	if text := err.Error(); !strings.Contains(text, `webhook 1 "WH5"`) || !strings.Contains(text, `webhook 2 "contacts_get_by_email"`) {
		t.Errorf("the refusal does not name the users: %v", err)
	}
	for _, w := range users {
		if err := h.DeleteWebhook(t.Context(), account.ID, w.ID, "admin"); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.DeleteConnector(t.Context(), account.ID, c.ID, "admin"); err != nil {
		t.Fatalf("deleted webhooks hold it: %v", err)
	}
	_, err = h.Connector(t.Context(), account.ID, c.ID)
	wantCode(t, err, tidings.CodeNotFound)
	wantCode(t, h.DeleteConnector(t.Context(), account.ID, c.ID, "admin"), tidings.CodeNotFound)
	if fresh := h.newConnector(t, account.ID, "CRM"); fresh.ID <= c.ID {
		t.Errorf("id %d comes again as %d", c.ID, fresh.ID)
	}
}

func testOtherAccountsConnectorIsNotFound(t *testing.T, h *harness) {
	h.useKeys(t)
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "other")
	c := h.newConnector(t, mine.ID, "CRM")
	stolen := c
	stolen.Account = other.ID
	for name, try := range map[string]func() error{
		"get":    func() error { _, err := h.Connector(t.Context(), other.ID, c.ID); return err },
		"update": func() error { _, err := h.UpdateConnector(t.Context(), stolen, "x", "x"); return err },
		"delete": func() error { return h.DeleteConnector(t.Context(), other.ID, c.ID, "x") },
	} {
		if err := try(); tidings.CodeOf(err) != tidings.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := plainWebhook(other.ID, "x")
	w.Connector = c.ID
	_, err := h.CreateWebhook(t.Context(), w, "x")
	wantCode(t, err, tidings.CodeInvalid)
	if got, err := h.Connector(t.Context(), mine.ID, c.ID); err != nil || !cmp.Equal(c, got) {
		t.Errorf("changed through another account: %+v, %v", got, err)
	}
	if got := h.auditActions(t, other.ID); got != "account.create" {
		t.Errorf("the other's audit: %s", got)
	}
}

func testSecretsOfConnectorsWebhooksAndSourcesAreResealed(t *testing.T, h *harness) {
	path := h.useKeys(t)
	account := h.newAccount(t, "a")
	c := h.newConnector(t, account.ID, "CRM")
	w := plainWebhook(account.ID, "WH5")
	w.Headers = []tidings.Header{{Name: "X-Api-Key", Value: "hush"}}
	w = h.newWebhook(t, w)
	source, err := h.CreateSource(t.Context(), tidings.Source{Account: account.ID, Name: "SES", Kind: "ses", Secret: "hush"}, "admin")
	if err != nil {
		t.Fatal(err)
	}
	ring, err := store.RotateKeyring(path)
	if err != nil {
		t.Fatal(err)
	}
	h.opts.Keys = ring
	h.reopen(t)
	if n, err := h.Reseal(t.Context()); err != nil || n != 3 {
		t.Fatalf("Reseal = %d, %v; want 3", n, err)
	}
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
	h.reopen(t) // without the old key
	if got, err := h.Connector(t.Context(), account.ID, c.ID); err != nil || !cmp.Equal(c, got) {
		t.Errorf("connector %+v, %v", got, err)
	}
	if got, err := h.Webhook(t.Context(), account.ID, w.ID); err != nil || !cmp.Equal(w, got) {
		t.Errorf("webhook %+v, %v", got, err)
	}
	if got, err := h.Source(t.Context(), account.ID, source.ID); err != nil || !cmp.Equal(source, got) {
		t.Errorf("source %+v, %v", got, err)
	}
}
