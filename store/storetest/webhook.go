package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func webhookPromises() []promise {
	return []promise{
		{"WebhookKeepsEveryField", testWebhookKeepsEveryField},
		{"WebhookNamesAreUniqueAmongTheLive", testWebhookNamesAreUniqueAmongTheLive},
		{"WebhooksArePagedByID", testWebhooksArePagedByID},
		{"UpdateOfAnOldWebhookIsRefused", testUpdateOfAnOldWebhookIsRefused},
		{"DeletedWebhookIsKeptAndRestored", testDeletedWebhookIsKeptAndRestored},
		{"RestoredWebhookLosesAConnectorThatIsGone", testRestoredWebhookLosesAConnectorThatIsGone},
		{"OtherAccountsWebhookIsNotFound", testOtherAccountsWebhookIsNotFound},
	}
}

// plainWebhook is a GET without headers, connector and body.
func plainWebhook(account tidings.AccountID, name string) tidings.Webhook {
	return tidings.Webhook{Account: account, Name: name, Method: tidings.MethodGet, URL: "https://crm.example/?email=${email}"}
}

func (h *harness) newWebhook(t testing.TB, w tidings.Webhook) tidings.Webhook {
	t.Helper()
	made, err := h.CreateWebhook(t.Context(), w, "admin")
	if err != nil {
		t.Fatalf("CreateWebhook: %v", err)
	}
	return made
}

func testWebhookKeepsEveryField(t *testing.T, h *harness) {
	h.useKeys(t)
	account := h.newAccount(t, "a")
	connector := h.newConnector(t, account.ID, "CRM")
	for i, change := range []func(*tidings.Webhook){
		func(*tidings.Webhook) {},
		func(w *tidings.Webhook) { w.Description = "two\nlines" },
		func(w *tidings.Webhook) {
			w.Method, w.Body = tidings.MethodPost, tidings.Body{Format: tidings.BodyJSON, Template: `{"town": "$TOWN"}`}
		},
		func(w *tidings.Webhook) {
			w.Method, w.Body = tidings.MethodPost, tidings.Body{Format: tidings.BodyText}
		},
		func(w *tidings.Webhook) {
			w.Headers = []tidings.Header{{Name: "X-B", Value: "$email"}, {Name: "X-A", Value: ""}}
		},
		func(w *tidings.Webhook) { w.Connector = connector.ID },
		func(w *tidings.Webhook) { w.Timeout = 1500 * time.Millisecond },
	} {
		want := plainWebhook(account.ID, fmt.Sprintf("any symbols: $ ' \" %d 😀", i))
		change(&want)
		made, err := h.CreateWebhook(t.Context(), want, "admin")
		want.ID, want.Version, want.CreatedAt, want.UpdatedAt = made.ID, 1, h.clock.Now(), h.clock.Now()
		if diff := cmp.Diff(want, made); err != nil || diff != "" {
			t.Fatalf("%d: made: %v (-want +got):\n%s", i, err, diff)
		}
		h.reopen(t)
		got, err := h.Webhook(t.Context(), account.ID, made.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%d: after reopening: %v (-want +got):\n%s", i, err, diff)
		}

		// Everything can be taken back, and set by an update.
		reset := plainWebhook(account.ID, "reset")
		reset.ID, reset.Version = made.ID, 1
		if _, err := h.UpdateWebhook(t.Context(), reset, "admin", "reset"); err != nil {
			t.Fatal(err)
		}
		h.clock.advance(time.Second)
		want.Version = 2
		updated, err := h.UpdateWebhook(t.Context(), want, "admin", "set again")
		want.Version, want.UpdatedAt = 3, h.clock.Now()
		if diff := cmp.Diff(want, updated); err != nil || diff != "" {
			t.Fatalf("%d: updated: %v (-want +got):\n%s", i, err, diff)
		}
		if got, err = h.Webhook(t.Context(), account.ID, made.ID); err != nil || !cmp.Equal(want, got) {
			t.Fatalf("%d: after the update: %+v, %v", i, got, err)
		}
	}
	_, err := h.CreateWebhook(t.Context(), plainWebhook(99, "x"), "admin")
	wantCode(t, err, tidings.CodeNotFound)
}

func testWebhookNamesAreUniqueAmongTheLive(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "other")
	first := h.newWebhook(t, plainWebhook(mine.ID, "WH5"))
	second := h.newWebhook(t, plainWebhook(mine.ID, "wh5"))
	h.newWebhook(t, plainWebhook(other.ID, "WH5"))
	_, err := h.CreateWebhook(t.Context(), plainWebhook(mine.ID, "WH5"), "admin")
	wantCode(t, err, tidings.CodeConflict)
	if !strings.Contains(err.Error(), "name: is that of webhook 1") {
		t.Errorf("error %v", err)
	}
	second.Name = "WH5"
	_, err = h.UpdateWebhook(t.Context(), second, "admin", "name")
	wantCode(t, err, tidings.CodeConflict)
	if err := h.DeleteWebhook(t.Context(), mine.ID, first.ID, "admin"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.UpdateWebhook(t.Context(), second, "admin", "name"); err != nil {
		t.Errorf("the name of a deleted one is not free: %v", err)
	}
}

func testWebhooksArePagedByID(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "other")
	var live, deleted []tidings.WebhookID
	for i := range 6 {
		w := h.newWebhook(t, plainWebhook(mine.ID, fmt.Sprint(i)))
		h.newWebhook(t, plainWebhook(other.ID, fmt.Sprint(i)))
		if i%3 == 2 {
			if err := h.DeleteWebhook(t.Context(), mine.ID, w.ID, "admin"); err != nil {
				t.Fatal(err)
			}
			deleted = append(deleted, w.ID)
			continue
		}
		live = append(live, w.ID)
	}
	for gone, want := range map[bool][]tidings.WebhookID{false: live, true: deleted} {
		var got []tidings.WebhookID
		for after := tidings.WebhookID(0); ; after = got[len(got)-1] {
			page, err := h.Webhooks(t.Context(), mine.ID, gone, after, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, w := range page {
				got = append(got, w.ID)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("deleted %t: pages gave %v, want %v", gone, got, want)
		}
	}
}

func testUpdateOfAnOldWebhookIsRefused(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	w := h.newWebhook(t, plainWebhook(account.ID, "WH5"))
	mine, theirs := w, w
	mine.URL, theirs.URL = "https://mine.example", "https://theirs.example"
	if _, err := h.UpdateWebhook(t.Context(), mine, "admin", "url"); err != nil {
		t.Fatal(err)
	}
	_, err := h.UpdateWebhook(t.Context(), theirs, "admin", "url")
	wantCode(t, err, tidings.CodeConflict)
	if got, err := h.Webhook(t.Context(), account.ID, w.ID); err != nil || got.URL != mine.URL || got.Version != 2 {
		t.Errorf("stored %+v, %v", got, err)
	}
	if got := h.auditActions(t, account.ID); got != "account.create webhook.create webhook.update" {
		t.Errorf("audit: %s", got)
	}
}

func testDeletedWebhookIsKeptAndRestored(t *testing.T, h *harness) {
	h.useKeys(t)
	account := h.newAccount(t, "a")
	w := plainWebhook(account.ID, "WH5")
	w.Headers = []tidings.Header{{Name: "X-A", Value: "1"}}
	w = h.newWebhook(t, w)
	h.clock.advance(time.Second)
	if err := h.DeleteWebhook(t.Context(), account.ID, w.ID, "admin"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.DeleteWebhook(t.Context(), account.ID, w.ID, "admin"), tidings.CodeNotFound)
	want := w
	want.Version, want.UpdatedAt, want.DeletedAt = 2, h.clock.Now(), h.clock.Now()
	got, err := h.Webhook(t.Context(), account.ID, w.ID)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("deleted: %v (-want +got):\n%s", err, diff)
	}
	_, err = h.UpdateWebhook(t.Context(), got, "admin", "x")
	wantCode(t, err, tidings.CodeConflict)

	other := h.newWebhook(t, plainWebhook(account.ID, "WH5"))
	_, err = h.RestoreWebhook(t.Context(), account.ID, w.ID, "", "admin")
	wantCode(t, err, tidings.CodeConflict)
	if !strings.Contains(err.Error(), fmt.Sprintf("webhook %d", other.ID)) {
		t.Errorf("the refusal does not name who has the name: %v", err)
	}
	h.clock.advance(time.Second)
	restored, err := h.RestoreWebhook(t.Context(), account.ID, w.ID, "WH5 again", "admin")
	want.Name, want.Version, want.UpdatedAt, want.DeletedAt = "WH5 again", 3, h.clock.Now(), time.Time{}
	if diff := cmp.Diff(want, restored); err != nil || diff != "" {
		t.Errorf("restored: %v (-want +got):\n%s", err, diff)
	}
	if got, err := h.Webhook(t.Context(), account.ID, w.ID); err != nil || !cmp.Equal(want, got) {
		t.Errorf("stored %+v, %v", got, err)
	}
	if again, err := h.RestoreWebhook(t.Context(), account.ID, w.ID, "", "admin"); err != nil || !cmp.Equal(want, again) {
		t.Errorf("restored twice: %+v, %v", again, err)
	}
	if got := h.auditActions(t, account.ID); got != "account.create webhook.create webhook.delete webhook.create webhook.restore" {
		t.Errorf("audit: %s", got)
	}
}

func testRestoredWebhookLosesAConnectorThatIsGone(t *testing.T, h *harness) {
	h.useKeys(t)
	account := h.newAccount(t, "a")
	c := h.newConnector(t, account.ID, "CRM")
	w := plainWebhook(account.ID, "WH5")
	w.Connector = c.ID
	w = h.newWebhook(t, w)
	if err := h.DeleteWebhook(t.Context(), account.ID, w.ID, "admin"); err != nil {
		t.Fatal(err)
	}
	if kept, err := h.Webhook(t.Context(), account.ID, w.ID); err != nil || kept.Connector != c.ID {
		t.Errorf("while deleted: %+v, %v", kept, err)
	}
	if err := h.DeleteConnector(t.Context(), account.ID, c.ID, "admin"); err != nil {
		t.Fatal(err)
	}
	if got, err := h.RestoreWebhook(t.Context(), account.ID, w.ID, "", "admin"); err != nil || got.Connector != 0 {
		t.Errorf("restored %+v, %v", got, err)
	}
}

func testOtherAccountsWebhookIsNotFound(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "other")
	w := h.newWebhook(t, plainWebhook(mine.ID, "WH5"))
	stolen := w
	stolen.Account = other.ID
	for name, try := range map[string]func() error{
		"get":     func() error { _, err := h.Webhook(t.Context(), other.ID, w.ID); return err },
		"update":  func() error { _, err := h.UpdateWebhook(t.Context(), stolen, "x", "x"); return err },
		"delete":  func() error { return h.DeleteWebhook(t.Context(), other.ID, w.ID, "x") },
		"restore": func() error { _, err := h.RestoreWebhook(t.Context(), other.ID, w.ID, "", "x"); return err },
	} {
		if err := try(); tidings.CodeOf(err) != tidings.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := h.Webhook(t.Context(), mine.ID, w.ID); err != nil || !cmp.Equal(w, got) {
		t.Errorf("changed through another account: %+v, %v", got, err)
	}
	if got := h.auditActions(t, other.ID); got != "account.create" {
		t.Errorf("the other's audit: %s", got)
	}
}
