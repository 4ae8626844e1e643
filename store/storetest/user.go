package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings"
)

func userPromises() []promise {
	return []promise{
		{"AccountIsChangedByWhoReadIt", testAccountIsChangedByWhoReadIt},
		{"InvitedUserJoinsByTheLinkOnce", testInvitedUserJoinsByTheLinkOnce},
		{"EmailIsOneUsersInTheInstallation", testEmailIsOneUsersInTheInstallation},
		{"UsersArePagedByID", testUsersArePagedByID},
		{"UpdateOfAnOldUserIsRefused", testUpdateOfAnOldUserIsRefused},
		{"LastActiveOwnerStays", testLastActiveOwnerStays},
		{"TwoOwnersWhoGoAtOnceLeaveOne", testTwoOwnersWhoGoAtOnceLeaveOne},
		{"DeletedUserTakesSessionsAndLinksAlong", testDeletedUserTakesSessionsAndLinksAlong},
		{"NewLinkReplacesTheEarlierOne", testNewLinkReplacesTheEarlierOne},
		{"LinkEndsWithItsTime", testLinkEndsWithItsTime},
		{"SetupLinkMakesTheFirstUserOnly", testSetupLinkMakesTheFirstUserOnly},
		{"SetupInAnAccountThatThereIs", testSetupInAnAccountThatThereIs},
		{"SubjectIsOneUsers", testSubjectIsOneUsers},
		{"OtherAccountsUserIsNotFound", testOtherAccountsUserIsNotFound},
	}
}

// digestOf gives the digest of a token that a test can name.
func digestOf(token string) [32]byte { return tidings.TokenDigest(token) }

// invite makes a user with the link "link of EMAIL".
func (h *harness) invite(t testing.TB, account tidings.AccountID, email string, role tidings.UserRole) tidings.User {
	t.Helper()
	u, err := h.InviteUser(t.Context(), tidings.User{Account: account, Email: email, Name: "Ann", Role: role}, digestOf("link of "+email), h.clock.Now().Add(tidings.LinkLife), "admin")
	if err != nil {
		t.Fatalf("InviteUser: %v", err)
	}
	return u
}

// join makes a user who is active; the hash of their password is "hash of EMAIL".
func (h *harness) join(t testing.TB, account tidings.AccountID, email string, role tidings.UserRole) tidings.User {
	t.Helper()
	h.invite(t, account, email, role)
	u, err := h.RedeemLink(t.Context(), digestOf("link of "+email), "", "hash of "+email)
	if err != nil {
		t.Fatalf("RedeemLink: %v", err)
	}
	return u
}

func testAccountIsChangedByWhoReadIt(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	change := account
	change.Name, change.Zone, change.Language = "Fjord Café", "Europe/Oslo", "de"
	got, err := h.UpdateAccount(t.Context(), change, "user 1 (ann@example.com)", "name, zone, language")
	change.Version = 2
	if diff := cmp.Diff(change, got); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := h.Account(t.Context(), account.ID); err != nil || !cmp.Equal(got, change) {
		t.Errorf("Account = %+v, %v", got, err)
	}
	_, err = h.UpdateAccount(t.Context(), account, "admin", "name")
	wantCode(t, err, tidings.CodeConflict)
	_, err = h.UpdateAccount(t.Context(), tidings.Account{ID: 99, Name: "x", Version: 1}, "admin", "name")
	wantCode(t, err, tidings.CodeNotFound)
	if got := h.auditActions(t, account.ID); got != "account.create account.update" {
		t.Errorf("audit: %s", got)
	}
}

func testInvitedUserJoinsByTheLinkOnce(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	if there, err := h.AnyUser(t.Context()); there || err != nil {
		t.Errorf("AnyUser = %t, %v", there, err)
	}
	u := h.invite(t, account.ID, "ann@example.com", tidings.RoleEditor)
	want := tidings.User{
		ID: u.ID, Account: account.ID, Email: "ann@example.com", Name: "Ann", Role: tidings.RoleEditor,
		Theme: tidings.ThemeSystem, Version: 1, CreatedAt: h.clock.Now(), UpdatedAt: h.clock.Now(),
	}
	if diff := cmp.Diff(want, u); diff != "" {
		t.Fatalf("invited (-want +got):\n%s", diff)
	}
	if there, err := h.AnyUser(t.Context()); !there || err != nil {
		t.Errorf("AnyUser = %t, %v", there, err)
	}
	link := digestOf("link of ann@example.com")
	for range 2 { // looking at a link does not use it up
		whose, of, err := h.LinkUser(t.Context(), link)
		if err != nil || !cmp.Equal(whose, u) || !cmp.Equal(of, account) {
			t.Errorf("LinkUser = %+v, %+v, %v", whose, of, err)
		}
	}
	h.clock.advance(time.Hour)
	joined, err := h.RedeemLink(t.Context(), link, "Ann Lee", "hash")
	want.Name, want.Active, want.Version, want.UpdatedAt = "Ann Lee", true, 2, h.clock.Now()
	if diff := cmp.Diff(want, joined); err != nil || diff != "" {
		t.Fatalf("joined: %v (-want +got):\n%s", err, diff)
	}
	_, err = h.RedeemLink(t.Context(), link, "", "another")
	wantCode(t, err, tidings.CodeNotFound)
	_, _, err = h.LinkUser(t.Context(), link)
	wantCode(t, err, tidings.CodeNotFound)

	h.reopen(t)
	got, hash, err := h.UserByEmail(t.Context(), "ann@example.com")
	if diff := cmp.Diff(want, got); err != nil || hash != "hash" || diff != "" {
		t.Errorf("UserByEmail: %q, %v (-want +got):\n%s", hash, err, diff)
	}
	if hash, err := h.PasswordOf(t.Context(), account.ID, u.ID); err != nil || hash != "hash" {
		t.Errorf("PasswordOf = %q, %v", hash, err)
	}
	_, _, err = h.UserByEmail(t.Context(), "nobody@example.com")
	wantCode(t, err, tidings.CodeNotFound)
	if got := h.auditActions(t, account.ID); got != "account.create user.invite user.password" {
		t.Errorf("audit: %s", got)
	}
}

func testEmailIsOneUsersInTheInstallation(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "the other one")
	h.invite(t, other.ID, "ann@example.com", tidings.RoleOwner)
	_, err := h.InviteUser(t.Context(), tidings.User{Account: mine.ID, Email: "ann@example.com", Name: "x", Role: tidings.RoleViewer}, digestOf("new"), h.clock.Now().Add(time.Hour), "admin")
	wantCode(t, err, tidings.CodeConflict)
	e, _ := errors.AsType[*tidings.Error](err)
	if words := fmt.Sprint(e.Message, e.Fields); !strings.Contains(words, "email") || strings.Contains(words, other.Name) || strings.Contains(words, "account 2") {
		t.Errorf("the refusal is %s", words)
	}
	_, _, err = h.LinkUser(t.Context(), digestOf("new"))
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.InviteUser(t.Context(), tidings.User{Account: 99, Email: "bob@example.com", Name: "x", Role: tidings.RoleViewer}, digestOf("new"), h.clock.Now(), "admin")
	wantCode(t, err, tidings.CodeNotFound)
}

func testUsersArePagedByID(t *testing.T, h *harness) {
	account, other := h.newAccount(t, "a"), h.newAccount(t, "b")
	var want, got []tidings.UserID
	for i := range 5 {
		want = append(want, h.invite(t, account.ID, fmt.Sprintf("u%d@example.com", i), tidings.RoleViewer).ID)
		h.invite(t, other.ID, fmt.Sprintf("o%d@example.com", i), tidings.RoleViewer)
	}
	for after := tidings.UserID(0); ; {
		page, err := h.Users(t.Context(), account.ID, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, u := range page {
			got = append(got, u.ID)
		}
		after = page[len(page)-1].ID
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages gave %v, want %v", got, want)
	}
}

func testUpdateOfAnOldUserIsRefused(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	u := h.invite(t, account.ID, "ann@example.com", tidings.RoleViewer)
	change := u
	change.Name, change.Role, change.Theme = "Bob", tidings.RoleEditor, tidings.ThemeDark
	change.Email, change.Operator, change.Active = "bob@example.com", true, true // none of an update's matters
	h.clock.advance(time.Minute)
	got, err := h.UpdateUser(t.Context(), change, "admin", "name, role, theme")
	want := u
	want.Name, want.Role, want.Theme, want.Version, want.UpdatedAt = "Bob", tidings.RoleEditor, tidings.ThemeDark, 2, h.clock.Now()
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	_, err = h.UpdateUser(t.Context(), u, "admin", "name")
	wantCode(t, err, tidings.CodeConflict)
	if got, err := h.User(t.Context(), account.ID, u.ID); err != nil || !cmp.Equal(got, want) {
		t.Errorf("User = %+v, %v", got, err)
	}
}

func testLastActiveOwnerStays(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	ann := h.join(t, account.ID, "ann@example.com", tidings.RoleOwner)
	h.join(t, account.ID, "ed@example.com", tidings.RoleEditor)
	bob := h.invite(t, account.ID, "bob@example.com", tidings.RoleOwner) // has never been there
	less := ann
	less.Role = tidings.RoleViewer
	_, err := h.UpdateUser(t.Context(), less, "admin", "role")
	wantCode(t, err, tidings.CodeConflict)
	if !strings.Contains(err.Error(), "make another user an owner first") {
		t.Errorf("the refusal does not say what to do: %v", err)
	}
	wantCode(t, h.DeleteUser(t.Context(), account.ID, ann.ID, "admin"), tidings.CodeConflict)
	same := ann
	same.Name = "Ann Lee"
	if ann, err = h.UpdateUser(t.Context(), same, "admin", "name"); err != nil {
		t.Errorf("an owner who stays one is not to be changed: %v", err)
	}
	if _, err := h.RedeemLink(t.Context(), digestOf("link of bob@example.com"), "", "hash"); err != nil {
		t.Fatal(err)
	}
	less = ann
	less.Role = tidings.RoleViewer
	if _, err := h.UpdateUser(t.Context(), less, "admin", "role"); err != nil {
		t.Errorf("with another owner: %v", err)
	}
	wantCode(t, h.DeleteUser(t.Context(), account.ID, bob.ID, "admin"), tidings.CodeConflict)
	if err := h.DeleteUser(t.Context(), account.ID, ann.ID, "admin"); err != nil {
		t.Errorf("a viewer can't go: %v", err)
	}
}

func testTwoOwnersWhoGoAtOnceLeaveOne(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	for round := range 10 {
		pair := []tidings.User{
			h.join(t, account.ID, fmt.Sprintf("a%d@example.com", round), tidings.RoleOwner),
			h.join(t, account.ID, fmt.Sprintf("b%d@example.com", round), tidings.RoleOwner),
		}
		users, err := h.Users(t.Context(), account.ID, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users { // the one whom the round before has left
			if u.ID != pair[0].ID && u.ID != pair[1].ID {
				if err := h.DeleteUser(t.Context(), account.ID, u.ID, "admin"); err != nil {
					t.Fatal(err)
				}
			}
		}
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i, u := range pair {
			both.Go(func() { errs[i] = h.DeleteUser(t.Context(), account.ID, u.ID, "admin") })
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("ended with %v and %v", errs[0], errs[1])
		}
	}
}

func testDeletedUserTakesSessionsAndLinksAlong(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	u := h.join(t, account.ID, "ann@example.com", tidings.RoleViewer)
	h.signIn(t, u, "browser")
	if err := h.MakeLink(t.Context(), account.ID, u.ID, digestOf("again"), h.clock.Now().Add(time.Hour), "admin"); err != nil {
		t.Fatal(err)
	}
	if err := h.DeleteUser(t.Context(), account.ID, u.ID, "admin"); err != nil {
		t.Fatal(err)
	}
	_, _, _, err := h.SessionUser(t.Context(), digestOf("browser"))
	wantCode(t, err, tidings.CodeUnauthorized)
	_, _, err = h.LinkUser(t.Context(), digestOf("again"))
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.User(t.Context(), account.ID, u.ID)
	wantCode(t, err, tidings.CodeNotFound)
	wantCode(t, h.DeleteUser(t.Context(), account.ID, u.ID, "admin"), tidings.CodeNotFound)
	if again := h.invite(t, account.ID, "ann@example.com", tidings.RoleViewer); again.ID == u.ID {
		t.Error("a new user has the id of a deleted one")
	}
	if got := h.auditActions(t, account.ID); got != "account.create user.invite user.password user.sign-in user.link user.delete user.invite" {
		t.Errorf("audit: %s", got)
	}
}

func testNewLinkReplacesTheEarlierOne(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	u := h.join(t, account.ID, "ann@example.com", tidings.RoleOwner)
	h.signIn(t, u, "browser")
	for _, token := range []string{"first", "second"} {
		if err := h.MakeLink(t.Context(), account.ID, u.ID, digestOf(token), h.clock.Now().Add(time.Hour), "admin"); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := h.LinkUser(t.Context(), digestOf("first"))
	wantCode(t, err, tidings.CodeNotFound)
	if _, _, _, err := h.SessionUser(t.Context(), digestOf("browser")); err != nil {
		t.Errorf("a link that nobody opened has signed out: %v", err)
	}
	if _, err := h.RedeemLink(t.Context(), digestOf("second"), "", "new hash"); err != nil {
		t.Fatal(err)
	}
	_, _, _, err = h.SessionUser(t.Context(), digestOf("browser"))
	wantCode(t, err, tidings.CodeUnauthorized)
	if hash, err := h.PasswordOf(t.Context(), account.ID, u.ID); err != nil || hash != "new hash" {
		t.Errorf("PasswordOf = %q, %v", hash, err)
	}
}

func testLinkEndsWithItsTime(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	h.invite(t, account.ID, "ann@example.com", tidings.RoleOwner)
	link := digestOf("link of ann@example.com")
	h.clock.advance(tidings.LinkLife - time.Millisecond)
	if _, _, err := h.LinkUser(t.Context(), link); err != nil {
		t.Errorf("before its end: %v", err)
	}
	h.clock.advance(time.Millisecond)
	_, _, err := h.LinkUser(t.Context(), link)
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.RedeemLink(t.Context(), link, "", "hash")
	wantCode(t, err, tidings.CodeNotFound)
	if n, err := h.PurgeSessions(t.Context()); err != nil || n != 1 {
		t.Errorf("purged %d, %v", n, err)
	}
}

func testSetupLinkMakesTheFirstUserOnly(t *testing.T, h *harness) {
	until := h.clock.Now().Add(tidings.LinkLife)
	for _, token := range []string{"first start", "second start"} {
		if err := h.MakeSetupLink(t.Context(), digestOf(token), until); err != nil {
			t.Fatal(err)
		}
	}
	ann := tidings.User{Email: "ann@example.com", Name: "Ann"}
	_, _, err := h.SetUp(t.Context(), digestOf("first start"), "shop", 0, ann, "hash")
	wantCode(t, err, tidings.CodeNotFound)
	whose, of, err := h.LinkUser(t.Context(), digestOf("second start"))
	if err != nil || whose != (tidings.User{}) || of != (tidings.Account{}) {
		t.Errorf("LinkUser = %+v, %+v, %v", whose, of, err)
	}
	_, err = h.RedeemLink(t.Context(), digestOf("second start"), "", "hash")
	wantCode(t, err, tidings.CodeNotFound) // and the link is still there

	u, account, err := h.SetUp(t.Context(), digestOf("second start"), "shop", 0, ann, "hash")
	if err != nil || account.Name != "shop" || account.Version != 1 || u.Account != account.ID || !u.Owns() || !u.Operator || !u.Active {
		t.Fatalf("SetUp = %+v, %+v, %v", u, account, err)
	}
	if got, err := h.Account(t.Context(), account.ID); err != nil || !cmp.Equal(got, account) {
		t.Errorf("Account = %+v, %v", got, err)
	}
	if keys, err := h.Keys(t.Context(), account.ID); err != nil || len(keys) != 0 {
		t.Errorf("Keys = %+v, %v", keys, err)
	}
	if head, err := h.Head(t.Context(), account.ID); err != nil || head != 0 {
		t.Errorf("Head = %d, %v", head, err)
	}
	if err := h.MakeSetupLink(t.Context(), digestOf("third start"), until); err != nil {
		t.Fatal(err)
	}
	_, _, err = h.SetUp(t.Context(), digestOf("third start"), "shop", 0, tidings.User{Email: "eve@example.com", Name: "Eve"}, "hash")
	wantCode(t, err, tidings.CodeConflict)
	if got := h.auditActions(t, account.ID); got != "account.create user.set-up" {
		t.Errorf("audit: %s", got)
	}
}

func testSetupInAnAccountThatThereIs(t *testing.T, h *harness) {
	account := h.newAccount(t, "shop")
	if err := h.MakeSetupLink(t.Context(), digestOf("start"), h.clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	ann := tidings.User{Email: "ann@example.com", Name: "Ann", Theme: tidings.ThemeDark}
	_, _, err := h.SetUp(t.Context(), digestOf("start"), "", 99, ann, "hash")
	wantCode(t, err, tidings.CodeNotFound) // and the link is still there
	u, into, err := h.SetUp(t.Context(), digestOf("start"), "", account.ID, ann, "hash")
	if err != nil || !cmp.Equal(into, account) || u.Account != account.ID || u.Theme != tidings.ThemeDark {
		t.Errorf("SetUp = %+v, %+v, %v", u, into, err)
	}
	if got := h.auditActions(t, account.ID); got != "account.create user.set-up" {
		t.Errorf("audit: %s", got)
	}
}

func testSubjectIsOneUsers(t *testing.T, h *harness) {
	account := h.newAccount(t, "a")
	ann := h.invite(t, account.ID, "ann@example.com", tidings.RoleEditor)
	bob := h.invite(t, account.ID, "bob@example.com", tidings.RoleEditor)
	_, err := h.UserBySubject(t.Context(), "")
	wantCode(t, err, tidings.CodeNotFound)
	got, err := h.SetSubject(t.Context(), ann.ID, "https://id.example 17")
	if err != nil || got.Subject != "https://id.example 17" || !got.Active || got.Version != 2 {
		t.Fatalf("SetSubject = %+v, %v", got, err)
	}
	if found, err := h.UserBySubject(t.Context(), "https://id.example 17"); err != nil || !cmp.Equal(found, got) {
		t.Errorf("UserBySubject = %+v, %v", found, err)
	}
	_, err = h.SetSubject(t.Context(), bob.ID, "https://id.example 17")
	wantCode(t, err, tidings.CodeConflict)
	_, err = h.SetSubject(t.Context(), 99, "x")
	wantCode(t, err, tidings.CodeNotFound)
	if hash, err := h.PasswordOf(t.Context(), account.ID, ann.ID); err != nil || hash != "" {
		t.Errorf("PasswordOf = %q, %v", hash, err)
	}
}

func testOtherAccountsUserIsNotFound(t *testing.T, h *harness) {
	mine, other := h.newAccount(t, "mine"), h.newAccount(t, "other")
	u := h.join(t, other.ID, "ann@example.com", tidings.RoleViewer)
	session := h.signIn(t, u, "browser")
	_, err := h.User(t.Context(), mine.ID, u.ID)
	wantCode(t, err, tidings.CodeNotFound)
	_, err = h.PasswordOf(t.Context(), mine.ID, u.ID)
	wantCode(t, err, tidings.CodeNotFound)
	moved := u
	moved.Account = mine.ID
	_, err = h.UpdateUser(t.Context(), moved, "admin", "")
	wantCode(t, err, tidings.CodeNotFound)
	for name, act := range map[string]error{
		"DeleteUser":  h.DeleteUser(t.Context(), mine.ID, u.ID, "admin"),
		"SetPassword": h.SetPassword(t.Context(), mine.ID, u.ID, "hash", 0, "admin"),
		"MakeLink":    h.MakeLink(t.Context(), mine.ID, u.ID, digestOf("x"), h.clock.Now().Add(time.Hour), "admin"),
		"EndSession":  h.EndSession(t.Context(), mine.ID, u.ID, session.ID, "admin"),
		"EndSessions": h.EndSessions(t.Context(), mine.ID, u.ID, 0, "admin"),
	} {
		if got := tidings.CodeOf(act); got != tidings.CodeNotFound {
			t.Errorf("%s: %v", name, act)
		}
	}
	if list, err := h.Sessions(t.Context(), mine.ID, u.ID); err != nil || len(list) != 0 {
		t.Errorf("Sessions = %+v, %v", list, err)
	}
	if _, _, _, err := h.SessionUser(t.Context(), digestOf("browser")); err != nil {
		t.Errorf("the session was ended through another account: %v", err)
	}
}
