package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tidings"
)

// signedIn says whether the caller is a user.
func (c caller) signedIn() bool { return c.user.ID != 0 }

// identifyUser says whether a signed-in user may make a request.
func identifyUser(r *http.Request, u tidings.User, need access) (caller, error) {
	c := caller{user: u, key: tidings.Key{Account: u.Account, Name: u.Email, Scopes: scopesOf(u.Role)}}
	switch {
	case !c.signedIn():
		return caller{}, tidings.Errorf(tidings.CodeUnauthorized, "nobody is signed in")
	case need.self && isOwn(r.PathValue("user"), u):
		return c, nil
	case need.users:
		return caller{}, tidings.Errorf(tidings.CodeForbidden, "only the user themself may: use me in place of the user's id")
	case need.operator && u.Operator:
		return c, nil
	case need.operator:
		return caller{}, tidings.Errorf(tidings.CodeForbidden, "this needs an operator, who runs the installation: you are none")
	case need.admin && need.scope == "":
		return caller{}, tidings.Errorf(tidings.CodeForbidden, "this needs the admin token: no user reaches it")
	}
	if least := need.leastRole(); roleRank(u.Role) > roleRank(least) {
		return caller{}, tidings.Errorf(tidings.CodeForbidden, "this needs the role %q, and yours is %q: ask an owner of the account", least, u.Role)
	}
	return c, nil
}

// isOwn says whether {user} of a path is the user.
func isOwn(path string, u tidings.User) bool {
	return path == "me" || path == strconv.FormatInt(int64(u.ID), 10)
}

// leastRole is the role that a user needs at least where roles decide.
func (need access) leastRole() tidings.UserRole {
	if need.owner {
		return tidings.RoleOwner
	}
	roles := tidings.UserRoles()
	for _, role := range slices.Backward(roles) {
		if need.scope == "" || role.Allows(need.scope) || need.or != "" && role.Allows(need.or) {
			return role
		}
	}
	return roles[0]
}

// roleRank is 0 for the role that may most; a role that is none ranks after all.
func roleRank(role tidings.UserRole) int {
	roles := tidings.UserRoles()
	if at := slices.Index(roles, role); at >= 0 {
		return at
	}
	return len(roles)
}

// scopesOf gives what a key needs to do what users of a role may.
func scopesOf(role tidings.UserRole) []tidings.Scope {
	return slices.DeleteFunc(tidings.AllScopes(), func(s tidings.Scope) bool { return !role.Allows(s) })
}

// mayGive refuses to let a key make users who may do more than the key itself.
func (c caller) mayGive(role tidings.UserRole) error {
	if c.admin {
		return nil
	}
	for _, s := range scopesOf(role) {
		if !c.key.Allows(s) {
			return tidings.Errorf(tidings.CodeForbidden, "this key has not the scope %q that the role %q includes, so it can't give it", s, role)
		}
	}
	return nil
}

// security lists which users may, for the document: roles, or what they are besides.
func (need access) security() []map[string][]string {
	var ways []map[string][]string
	add := func(who string) { ways = append(ways, map[string][]string{"user": {who}}) }
	switch {
	case need.operator:
		add("operator")
	case !need.users && (need.scope != "" || !need.admin):
		add(string(need.leastRole()))
	}
	if need.self {
		add("self")
	}
	return ways
}

// whichUser says in words whom a way of security is about.
func whichUser(who string) string {
	switch who {
	case "self":
		return "the user themself"
	case "operator":
		return "a signed-in operator"
	}
	return fmt.Sprintf("a signed-in user (%s)", who)
}

// What somebody who has a user's browser before them can try of their password.
const (
	triesBurst = 10               // at once …
	triesEvery = 30 * time.Second // … and then one in so long
	triesSize  = 10_000           // users who are counted at once
)

// tries counts how often the current password of each user was given.
type tries struct {
	mu sync.Mutex
	of map[tidings.UserID]*rate.Limiter
}

// take counts a try; CodeRateLimited when there were too many. It comes before
// the password is looked at, so that many at once gain nothing.
func (t *tries) take(id tidings.UserID, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.of[id]
	if !ok {
		for old := range t.of { // any one: with so many users at it, it hardly matters
			if len(t.of) < triesSize {
				break
			}
			delete(t.of, old)
		}
		l = rate.NewLimiter(rate.Every(triesEvery), triesBurst)
		t.of[id] = l
	}
	if !l.AllowN(now, 1) {
		return &tidings.Error{
			Code: tidings.CodeRateLimited, RetryAfter: triesEvery,
			Message: "the current password was given too often: wait, then give the right one, or have a one-time link made",
		}
	}
	return nil
}
