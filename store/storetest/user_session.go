package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func sessionPromises() []promise {
	return []promise{
		{"SessionIsFoundByItsToken", testSessionIsFoundByItsToken},
		{"SessionEndsWhenItIsNotUsed", testSessionEndsWhenItIsNotUsed},
		{"SessionEndsAfterItsLongestTime", testSessionEndsAfterItsLongestTime},
		{"SessionShowsItsUserAsTheyAreNow", testSessionShowsItsUserAsTheyAreNow},
		{"NewPasswordKeepsOneSession", testNewPasswordKeepsOneSession},
		{"SessionsAreEndedOneByOneAndAtOnce", testSessionsAreEndedOneByOneAndAtOnce},
	}
}

// signIn starts a session whose browser has the token.
func (h *harness) signIn(t testing.TB, u tidings.User, token string) tidings.Session {
	t.Helper()
	s, err := h.StartSession(t.Context(), tidings.Session{User: u.ID, Agent: "Firefox of " + token, Address: "192.0.2.7"}, digestOf(token))
	if err != nil {
		t.Fatalf("StartSession: %v", err)
	}
	return s
}

func testSessionIsFoundByItsToken(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	u := h.join(t, account.ID, "ann@example.com", tidings.RoleOwner)
	started := h.signIn(t, u, "browser")
	minute := h.clock.Now().Truncate(time.Minute)
	want := tidings.Session{
		ID: started.ID, User: u.ID, CreatedAt: h.clock.Now(), SeenAt: minute, ExpiresAt: minute.Add(tidings.SessionIdle),
		Agent: "Firefox of browser", Address: "192.0.2.7",
	}
	if diff := cmp.Diff(want, started); diff != "" || started.ID == 0 {
		t.Fatalf("started (-want +got):\n%s", diff)
	}
	h.reopen(t)
	u.SeenAt = minute
	session, whose, of, err := h.SessionUser(t.Context(), digestOf("browser"))
	if err != nil || !cmp.Equal(session, want) || !cmp.Equal(whose, u) || !cmp.Equal(of, account) {
		t.Errorf("SessionUser = %+v, %+v, %+v, %v", session, whose, of, err)
	}
	_, _, _, err = h.SessionUser(t.Context(), digestOf("another"))
	wantCode(t, err, tidings.CodeUnauthorized)
	_, err = h.StartSession(t.Context(), tidings.Session{User: 99}, digestOf("nobody's"))
	wantCode(t, err, tidings.CodeNotFound)
}

func testSessionEndsWhenItIsNotUsed(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	u := h.join(t, account.ID, "ann@example.com", tidings.RoleOwner)
	used, idle := h.signIn(t, u, "used"), h.signIn(t, u, "idle")
	h.clock.advance(tidings.SessionIdle - time.Hour)
	if err := h.SessionSeen(t.Context(), used.ID, h.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := h.SessionSeen(t.Context(), used.ID, h.clock.Now().Add(-time.Hour)); err != nil { // late news
		t.Fatal(err)
	}
	h.clock.advance(time.Hour)
	_, _, _, err := h.SessionUser(t.Context(), digestOf("idle"))
	wantCode(t, err, tidings.CodeUnauthorized)
	session, whose, _, err := h.SessionUser(t.Context(), digestOf("used"))
	seen := h.clock.Now().Add(-time.Hour).Truncate(time.Minute)
	if err != nil || !session.SeenAt.Equal(seen) || !session.ExpiresAt.Equal(seen.Add(tidings.SessionIdle)) || !whose.SeenAt.Equal(seen) || whose.Version != u.Version {
		t.Errorf("SessionUser = %+v, %+v, %v", session, whose, err)
	}
	if list, err := h.Sessions(t.Context(), account.ID, u.ID); err != nil || len(list) != 1 || list[0].ID != used.ID {
		t.Errorf("Sessions = %+v, %v", list, err)
	}
	if n, err := h.PurgeSessions(t.Context()); err != nil || n != 1 {
		t.Errorf("purged %d, %v", n, err)
	}
	if err := h.SessionSeen(t.Context(), idle.ID, h.clock.Now()); err != nil {
		t.Errorf("a session that is gone: %v", err)
	}
	_, _, _, err = h.SessionUser(t.Context(), digestOf("idle"))
	wantCode(t, err, tidings.CodeUnauthorized)
}

func testSessionEndsAfterItsLongestTime(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	u := h.join(t, account.ID, "ann@example.com", tidings.RoleOwner)
	s := h.signIn(t, u, "browser")
	for left := tidings.SessionMax; left > 24*time.Hour; left -= 24 * time.Hour { // used every day
		h.clock.advance(24 * time.Hour)
		if err := h.SessionSeen(t.Context(), s.ID, h.clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	session, _, _, err := h.SessionUser(t.Context(), digestOf("browser"))
	if err != nil || !session.ExpiresAt.Equal(s.CreatedAt.Add(tidings.SessionMax)) {
		t.Errorf("SessionUser = %+v, %v", session, err)
	}
	h.clock.advance(24 * time.Hour)
	_, _, _, err = h.SessionUser(t.Context(), digestOf("browser"))
	wantCode(t, err, tidings.CodeUnauthorized)
	if n, err := h.PurgeSessions(t.Context()); err != nil || n != 1 {
		t.Errorf("purged %d, %v", n, err)
	}
}

func testSessionShowsItsUserAsTheyAreNow(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	u := h.join(t, account.ID, "ann@example.com", tidings.RoleEditor)
	h.signIn(t, u, "browser")
	less := u
	less.Role = tidings.RoleViewer
	if _, err := h.UpdateUser(t.Context(), less, "admin", "role"); err != nil {
		t.Fatal(err)
	}
	if _, whose, _, err := h.SessionUser(t.Context(), digestOf("browser")); err != nil || whose.Role != tidings.RoleViewer {
		t.Errorf("SessionUser = %+v, %v", whose, err)
	}
}

func testNewPasswordKeepsOneSession(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	u := h.join(t, account.ID, "ann@example.com", tidings.RoleOwner)
	here := h.signIn(t, u, "here")
	h.signIn(t, u, "there")
	other := h.join(t, account.ID, "bob@example.com", tidings.RoleViewer)
	h.signIn(t, other, "bob's")
	if err := h.MakeLink(t.Context(), account.ID, u.ID, digestOf("link"), h.clock.Now().Add(time.Hour), "admin"); err != nil {
		t.Fatal(err)
	}
	if err := h.SetPassword(t.Context(), account.ID, u.ID, "new hash", here.ID, u.Actor()); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]tidings.Code{"here": "", "there": tidings.CodeUnauthorized, "bob's": ""} {
		_, _, _, err := h.SessionUser(t.Context(), digestOf(token))
		if got := tidings.CodeOf(err); err != nil && got != want || err == nil && want != "" {
			t.Errorf("%s: %v", token, err)
		}
	}
	_, _, err := h.LinkUser(t.Context(), digestOf("link"))
	wantCode(t, err, tidings.CodeNotFound)
	if _, hash, err := h.UserByEmail(t.Context(), u.Email); err != nil || hash != "new hash" {
		t.Errorf("UserByEmail = %q, %v", hash, err)
	}
}

func testSessionsAreEndedOneByOneAndAtOnce(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	u := h.join(t, account.ID, "ann@example.com", tidings.RoleOwner)
	var ids []int64
	for _, token := range []string{"a", "b", "c", "d"} {
		ids = append(ids, h.signIn(t, u, token).ID)
	}
	left := func() (left []int64) {
		t.Helper()
		list, err := h.Sessions(t.Context(), account.ID, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			left = append(left, s.ID)
		}
		return left
	}
	if err := h.EndSession(t.Context(), account.ID, u.ID, ids[1], "admin"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.EndSession(t.Context(), account.ID, u.ID, ids[1], "admin"), tidings.CodeNotFound)
	for range 2 { // a browser may sign out twice
		if err := h.EndSessionByDigest(t.Context(), digestOf("a")); err != nil {
			t.Fatal(err)
		}
	}
	if got := left(); !slices.Equal(got, []int64{ids[3], ids[2]}) {
		t.Errorf("left %v of %v", got, ids)
	}
	if err := h.EndSessions(t.Context(), account.ID, u.ID, ids[2], "admin"); err != nil {
		t.Fatal(err)
	}
	if got := left(); !slices.Equal(got, ids[2:3]) {
		t.Errorf("left %v of %v", got, ids)
	}
	if err := h.EndSessions(t.Context(), account.ID, u.ID, 0, "admin"); err != nil || left() != nil {
		t.Errorf("left %v, %v", left(), err)
	}
	if got := h.auditActions(t, account.ID); got != "account.create user.invite user.password user.sign-in user.sign-in user.sign-in user.sign-in user.sign-out user.sign-out user.sign-out user.sign-out" {
		t.Errorf("audit: %s", got)
	}
}
