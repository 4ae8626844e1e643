package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func messagePromises() []promise {
	return []promise{
		{"MessageKeepsEveryField", testMessageKeepsEveryField},
		{"MessagesArePagedByID", testMessagesArePagedByID},
		{"UpdateOfAnOldMessageIsRefused", testUpdateOfAnOldMessageIsRefused},
		{"DeletedMessageIsKeptAndRestored", testDeletedMessageIsKeptAndRestored},
		{"OtherAccountsMessageIsNotFound", testOtherAccountsMessageIsNotFound},
		{"MailSettingsAreTheAccounts", testMailSettingsAreTheAccounts},
	}
}

func (h *harness) newMessage(t testing.TB, account tidings.AccountID, name string) tidings.Message {
	t.Helper()
	m, err := h.CreateMessage(t.Context(), tidings.Message{Account: account, Name: name, Content: tidings.Content{Subject: "Hello", Text: "text"}}, "admin")
	if err != nil {
		t.Fatalf("CreateMessage: %v", err)
	}
	return m
}

func testMessageKeepsEveryField(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	full := tidings.Message{
		Account: account, Name: "any symbols: $ ' \" 😀", Tag: "a,b", From: tidings.Mailbox{Name: "$shop", Address: "shop@example.com"}, ReplyTo: "help@example.com",
		Categories: []string{"NEWS", "A"}, Content: tidings.Content{Subject: "$!{firstName}, hello", HTML: "<p>" + strings.Repeat("ж", 2000) + "</p>", Text: "t\r\n"},
		Variants: map[string]tidings.Content{"uk": {Subject: "Привіт"}, "pt-BR": {Subject: "Olá", HTML: "<p>", Text: "x"}},
	}
	plain := tidings.Message{Account: account, Name: "plain"}
	for i, want := range []tidings.Message{full, plain} {
		made, err := h.CreateMessage(t.Context(), want, "admin")
		want.ID, want.Version, want.CreatedAt, want.UpdatedAt = tidings.MessageID(i+1), 1, h.clock.Now(), h.clock.Now()
		if diff := cmp.Diff(want, made); err != nil || diff != "" {
			t.Fatalf("%d: made: %v (-want +got):\n%s", i, err, diff)
		}
		h.reopen(t)
		got, err := h.Message(t.Context(), account, want.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%d: after reopening: %v (-want +got):\n%s", i, err, diff)
		}
	}
	// Everything can be taken back, and set by an update.
	begin := h.clock.Now()
	h.clock.advance(time.Minute)
	for id, want := range map[tidings.MessageID]tidings.Message{1: plain, 2: full} {
		want.ID, want.Version = id, 1
		updated, err := h.UpdateMessage(t.Context(), want, "admin", "all")
		want.Version, want.CreatedAt, want.UpdatedAt = 2, begin, h.clock.Now()
		if diff := cmp.Diff(want, updated); err != nil || diff != "" {
			t.Errorf("%d: updated: %v (-want +got):\n%s", id, err, diff)
		}
		if got, err := h.Message(t.Context(), account, id); err != nil || !cmp.Equal(want, got) {
			t.Errorf("%d: after the update: %+v, %v", id, got, err)
		}
	}
	_, err := h.CreateMessage(t.Context(), tidings.Message{Account: 99}, "admin")
	wantCode(t, err, tidings.CodeNotFound)
}

func testMessagesArePagedByID(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine").ID, h.newAccount(t, "other").ID
	for i := range 6 {
		m := h.newMessage(t, mine, "same name")
		h.newMessage(t, other, "same name")
		if i%3 == 0 {
			if err := h.DeleteMessage(t.Context(), mine, m.ID, "admin"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for deleted, want := range map[bool]string{false: "[3 5 9 11]", true: "[1 7]"} {
		var ids []tidings.MessageID
		for after := tidings.MessageID(0); ; {
			page, err := h.Messages(t.Context(), mine, after, 3, deleted)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, m := range page {
				ids = append(ids, m.ID)
				after = m.ID
			}
		}
		if fmt.Sprint(ids) != want {
			t.Errorf("deleted %t: %v, want %s", deleted, ids, want)
		}
	}
}

func testUpdateOfAnOldMessageIsRefused(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	m := h.newMessage(t, account, "a")
	if _, err := h.UpdateMessage(t.Context(), m, "admin", "x"); err != nil {
		t.Fatal(err)
	}
	_, err := h.UpdateMessage(t.Context(), m, "admin", "x")
	wantCode(t, err, tidings.CodeConflict)
}

func testDeletedMessageIsKeptAndRestored(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop").ID
	m := h.newMessage(t, account, "a")
	if err := h.DeleteMessage(t.Context(), account, m.ID, "ann"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.DeleteMessage(t.Context(), account, m.ID, "ann"), tidings.CodeNotFound)
	gone, err := h.Message(t.Context(), account, m.ID)
	if err != nil || gone.DeletedAt.IsZero() || gone.Content != m.Content {
		t.Errorf("deleted: %+v, %v", gone, err)
	}
	_, err = h.UpdateMessage(t.Context(), gone, "ann", "x")
	wantCode(t, err, tidings.CodeConflict)
	back, err := h.RestoreMessage(t.Context(), account, m.ID, "ann")
	if err != nil || !back.DeletedAt.IsZero() || back.Version != 3 || back.Content != m.Content {
		t.Errorf("restored: %+v, %v", back, err)
	}
	records, err := h.Audit(t.Context(), tidings.AuditQuery{Account: account, Limit: 2})
	if err != nil || len(records) != 2 || records[0].Action != "message.restore" || records[1].Action != "message.delete" || records[1].Detail != `message 1 "a"` || records[1].Actor != "ann" {
		t.Errorf("audit %+v, %v", records, err)
	}
}

func testOtherAccountsMessageIsNotFound(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine").ID, h.newAccount(t, "other").ID
	m := h.newMessage(t, mine, "a")
	_, err := h.Message(t.Context(), other, m.ID)
	wantCode(t, err, tidings.CodeNotFound)
	wantCode(t, h.DeleteMessage(t.Context(), other, m.ID, "admin"), tidings.CodeNotFound)
	_, err = h.RestoreMessage(t.Context(), other, m.ID, "admin")
	wantCode(t, err, tidings.CodeNotFound)
	m.Account = other
	_, err = h.UpdateMessage(t.Context(), m, "admin", "x")
	wantCode(t, err, tidings.CodeNotFound)
}

func testMailSettingsAreTheAccounts(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine").ID, h.newAccount(t, "other").ID
	if got, err := h.MailSettings(t.Context(), mine); err != nil || !cmp.Equal(got, tidings.MailSettings{}) {
		t.Errorf("at first %+v, %v", got, err)
	}
	want := tidings.MailSettings{
		CountMachineOpens: true, From: tidings.Mailbox{Name: "Крамниця", Address: "shop@example.com"},
		Categories: []tidings.Category{{Key: "NEWS", Name: "Новини"}, {Key: "A"}},
	}
	for i, change := range []func(){func() {}, func() { want.CountMachineOpens, want.Categories = false, nil }} {
		change()
		got, err := h.UpdateMailSettings(t.Context(), mine, want, "ann")
		want.Version++
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%d: updated: %v (-want +got):\n%s", i, err, diff)
		}
		h.reopen(t)
		if got, err := h.MailSettings(t.Context(), mine); err != nil || !cmp.Equal(want, got) {
			t.Errorf("%d: %+v, %v", i, got, err)
		}
	}
	want.Version = 1
	_, err := h.UpdateMailSettings(t.Context(), mine, want, "ann")
	wantCode(t, err, tidings.CodeConflict)
	_, err = h.UpdateMailSettings(t.Context(), 99, tidings.MailSettings{}, "ann")
	wantCode(t, err, tidings.CodeNotFound)
	if got, err := h.MailSettings(t.Context(), other); err != nil || got.Version != 0 {
		t.Errorf("another account's %+v, %v", got, err)
	}
	records, err := h.Audit(t.Context(), tidings.AuditQuery{Account: mine, Limit: 1})
	if err != nil || len(records) != 1 || records[0].Action != "mail-settings.update" || records[0].Actor != "ann" {
		t.Errorf("audit %+v, %v", records, err)
	}
}
