package storetest

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func callPromises() []promise {
	return []promise{
		{"CallIsKeptWhole", testCallIsKeptWhole},
		{"LargeBodiesOfCallsAreCutAndSaySo", testLargeBodiesOfCallsAreCutAndSaySo},
		{"CallsAreChosenAndPagedNewestFirst", testCallsAreChosenAndPagedNewestFirst},
		{"PurgeOfCallsRemovesOnlyOlderOnes", testPurgeOfCallsRemovesOnlyOlderOnes},
	}
}

// fullCall is a failed call with every field set.
func (h *harness) fullCall(account tidings.AccountID) tidings.Call {
	at := h.clock.Now()
	const us = time.Microsecond
	timing := tidings.Timing{Lookup: 1 * us, Connect: 2 * us, Handshake: 3 * us, Send: 4 * us, Wait: 5 * us, Receive: 6 * us, Reused: true}
	return tidings.Call{
		Account: account, Webhook: 5, Name: "WH5", Contact: h.member(account, 1), Event: 9, Test: true, Key: "call_1", Shared: "call_0", At: at, Duration: 1500 * time.Millisecond,
		Request: tidings.SentRequest{
			Method: tidings.MethodPost, URL: "https://crm.example/?key=***", Headers: []tidings.Header{{Name: "Authorization", Value: "***"}, {Name: "X-A", Value: ""}},
			Body: `{"town":"Львів"}`,
		},
		Tries: []tidings.Try{
			{At: at, Duration: time.Second, Status: 500, Outcome: tidings.OutcomeStatus, Error: "answered 500", Timing: timing, Wait: time.Second},
			{At: at.Add(2 * time.Second), Duration: time.Second, Status: 503, Outcome: tidings.OutcomeStatus, Error: "answered 503"},
		},
		Reply: &tidings.Reply{
			Status: 503, Headers: []tidings.Header{{Name: "Retry-After", Value: "1"}}, Format: tidings.ReplyBinary,
			Body: []byte("\x00\xff<b>"), Truncated: true,
		},
		Outcome: tidings.OutcomeStatus, Error: "answered 503",
	}
}

func (h *harness) appendCall(t testing.TB, c tidings.Call) tidings.Call {
	t.Helper()
	id, err := h.AppendCall(t.Context(), &c)
	if err != nil {
		t.Fatalf("AppendCall: %v", err)
	}
	c.ID = id
	return c
}

func testCallIsKeptWhole(t *testing.T, h *harness) {
	account, other := h.newAccount(t, "a"), h.newAccount(t, "other")
	unsent := tidings.Call{
		Account: account.ID, Name: "WH5", Key: "call_2", At: h.clock.Now(), Outcome: tidings.OutcomeTemplate, Error: "$email has no value",
		Request: tidings.SentRequest{Method: tidings.MethodGet, URL: "https://crm.example"},
	}
	text, long := h.fullCall(account.ID), h.fullCall(account.ID)
	text.Reply.Format, text.Reply.Body = tidings.ReplyXML, []byte("<a>&amp;Львів</a>")
	long.Reply.Body = bytes.Repeat([]byte("long enough to be compressed "), 100)
	for _, want := range []tidings.Call{h.fullCall(account.ID), unsent, text, long} {
		want = h.appendCall(t, want)
		h.reopen(t)
		got, err := h.Call(t.Context(), account.ID, want.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		_, err = h.Call(t.Context(), other.ID, want.ID)
		wantCode(t, err, tidings.CodeNotFound)
	}
}

func testLargeBodiesOfCallsAreCutAndSaySo(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	c := h.fullCall(account.ID)
	// The limit falls into the middle of a character.
	c.Request.Body = strings.Repeat("x", tidings.MaxLoggedBody-1) + "Я" + strings.Repeat("y", 10)
	c.Reply.Body = bytes.Repeat([]byte{0xff, 1, 2}, tidings.MaxReply/3)
	c.Reply.Truncated = false
	request, reply := len(c.Request.Body), len(c.Reply.Body)
	got, err := h.Call(t.Context(), account.ID, h.appendCall(t, c).ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Request.Whole != request || got.Request.Body != c.Request.Body[:tidings.MaxLoggedBody-1] {
		t.Errorf("request: %d of %d bytes", len(got.Request.Body), got.Request.Whole)
	}
	if got.Reply.Whole != reply || !bytes.Equal(got.Reply.Body, c.Reply.Body[:tidings.MaxLoggedBody]) || got.Reply.Truncated {
		t.Errorf("reply: %d of %d bytes", len(got.Reply.Body), got.Reply.Whole)
	}
	if len(c.Reply.Body) != reply || c.Reply.Whole != 0 {
		t.Error("the caller's call was changed")
	}
}

func testCallsAreChosenAndPagedNewestFirst(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "other")
	began := h.clock.Now()
	seven, eight := h.newContact(t, mine.ID, "email seven@example.com").ID, h.newContact(t, mine.ID, "email eight@example.com").ID
	others := h.newContact(t, other.ID, "email seven@example.com").ID
	// Five minutes with two calls each; the longer one is stored last and began first.
	for minute := range 5 {
		at := began.Add(time.Duration(minute) * time.Minute)
		ok := tidings.Call{Account: mine.ID, Webhook: 1, Contact: seven, At: at.Add(time.Second), Outcome: tidings.OutcomeOK, Tries: []tidings.Try{{Status: 201}}}
		failed := tidings.Call{Account: mine.ID, Webhook: tidings.WebhookID(1 + minute%2), Contact: eight, At: at, Outcome: tidings.OutcomeStatus, Tries: []tidings.Try{{Status: 503}, {Status: 500 + minute}}}
		h.appendCall(t, ok)
		h.appendCall(t, failed)
		ok.Account, ok.Contact = other.ID, others
		h.appendCall(t, ok)
	}
	for _, c := range []struct {
		name string
		q    tidings.CallQuery
		want []tidings.CallID
	}{
		{"all", tidings.CallQuery{}, []tidings.CallID{13, 14, 10, 11, 7, 8, 4, 5, 1, 2}},
		{"webhook", tidings.CallQuery{Webhook: 2}, []tidings.CallID{11, 5}},
		{"contact", tidings.CallQuery{Contact: eight}, []tidings.CallID{14, 11, 8, 5, 2}},
		{"webhook and contact", tidings.CallQuery{Webhook: 1, Contact: eight}, []tidings.CallID{14, 8, 2}},
		{"ok", tidings.CallQuery{Status: tidings.CallStatus{OK: true}}, []tidings.CallID{13, 10, 7, 4, 1}},
		{"failed", tidings.CallQuery{Status: tidings.CallStatus{Failed: true}}, []tidings.CallID{14, 11, 8, 5, 2}},
		{"status", tidings.CallQuery{Status: tidings.CallStatus{Low: 503, High: 503}}, []tidings.CallID{11}},
		{"class", tidings.CallQuery{Status: tidings.CallStatus{Low: 200, High: 299}, Webhook: 1}, []tidings.CallID{13, 10, 7, 4, 1}},
		{"from", tidings.CallQuery{From: began.Add(3 * time.Minute)}, []tidings.CallID{13, 14, 10, 11}},
		{"to", tidings.CallQuery{To: began.Add(time.Minute)}, []tidings.CallID{1, 2}},
		{"from and to", tidings.CallQuery{From: began.Add(time.Second), To: began.Add(time.Minute + time.Second)}, []tidings.CallID{5, 1}},
		{"nothing", tidings.CallQuery{Webhook: 3}, nil},
	} {
		for _, limit := range []int{1, 3, 100} {
			q := c.q
			q.Account, q.Limit = mine.ID, limit
			var got []tidings.CallID
			for {
				page, next, err := h.Calls(t.Context(), q)
				if err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
				for i := range page {
					got = append(got, page[i].ID)
				}
				if next == nil {
					break
				}
				q.Before = *next
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s, %d a page: %v, want %v", c.name, limit, got, c.want)
			}
		}
	}
}

func testPurgeOfCallsRemovesOnlyOlderOnes(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "other")
	began := h.clock.Now()
	for i := range 250 {
		c := tidings.Call{Account: mine.ID, At: began, Outcome: tidings.OutcomeOK}
		if i%10 == 0 {
			c.Account = other.ID
		}
		h.appendCall(t, c)
	}
	kept := h.appendCall(t, tidings.Call{Account: mine.ID, At: began.Add(time.Millisecond), Outcome: tidings.OutcomeOK})
	if n, err := h.PurgeCalls(t.Context(), kept.At); err != nil || n != 250 {
		t.Errorf("purged %d, %v; want 250", n, err)
	}
	for _, account := range []tidings.AccountID{mine.ID, other.ID} {
		page, _, err := h.Calls(t.Context(), tidings.CallQuery{Account: account, Limit: 10})
		if err != nil || (account == mine.ID) != (len(page) == 1) {
			t.Errorf("account %d has %d calls, %v", account, len(page), err)
		}
	}
	if n, err := h.PurgeCalls(t.Context(), kept.At); err != nil || n != 0 {
		t.Errorf("purged %d the second time, %v", n, err)
	}
}
