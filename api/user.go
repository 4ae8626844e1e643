package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Users is what the API asks of a store about users, their sessions and
// one-time links. A user of another account is CodeNotFound. Every change
// leaves its audit record.
type Users interface {
	// InviteUser makes a user with a one-time link; CodeConflict when the email is taken.
	InviteUser(ctx context.Context, u tidings.User, link [32]byte, expires time.Time, actor string) (tidings.User, error)
	User(ctx context.Context, account tidings.AccountID, id tidings.UserID) (tidings.User, error)
	// Users gives at most limit users after one, in the order of their ids.
	Users(ctx context.Context, account tidings.AccountID, after tidings.UserID, limit int) ([]tidings.User, error)
	// UpdateUser stores a user's name, role and theme; CodeConflict when the
	// Version is not the stored one, or when the last active owner would be one no more.
	UpdateUser(ctx context.Context, u tidings.User, actor, detail string) (tidings.User, error)
	// DeleteUser is CodeConflict for the last active owner.
	DeleteUser(ctx context.Context, account tidings.AccountID, id tidings.UserID, actor string) error
	// MakeLink replaces the user's earlier one-time link.
	MakeLink(ctx context.Context, account tidings.AccountID, id tidings.UserID, digest [32]byte, expires time.Time, actor string) error
	// PasswordOf gives the hash of a user's password, "" when there is none.
	PasswordOf(ctx context.Context, account tidings.AccountID, id tidings.UserID) (string, error)
	// SetPassword ends all sessions but keep.
	SetPassword(ctx context.Context, account tidings.AccountID, id tidings.UserID, hash string, keep int64, actor string) error
	Sessions(ctx context.Context, account tidings.AccountID, user tidings.UserID) ([]tidings.Session, error)
	EndSession(ctx context.Context, account tidings.AccountID, user tidings.UserID, session int64, actor string) error
	// EndSessions ends all sessions but keep; 0 = all.
	EndSessions(ctx context.Context, account tidings.AccountID, user tidings.UserID, keep int64, actor string) error
}

type newUserJSON struct {
	Email optional[string] `json:"email,omitempty" maxLength:"254" doc:"By which they sign in: name@example.com. One user of the server has it, and it stays."`
	Name  optional[string] `json:"name,omitempty" maxLength:"200" doc:"1 to 200 characters. Default: what stands before the @."`
	Role  optional[string] `json:"role,omitempty" enum:"owner,editor,viewer" doc:"owner: everything, users and keys included. editor: all but these. viewer: looks."`
}

// userChangeJSON is a merge patch (RFC 7396) of a user.
type userChangeJSON struct {
	Name    optional[string] `json:"name,omitempty" maxLength:"200" doc:"1 to 200 characters."`
	Role    optional[string] `json:"role,omitempty" enum:"owner,editor,viewer" doc:"Only owners, keys and the admin change it. The account's last active owner keeps it."`
	Theme   optional[string] `json:"theme,omitempty" enum:"system,light,dark" doc:"Colours of the browser's pages; null = system."`
	Version optional[int]    `json:"version,omitempty" doc:"The version that was read; 409 when it has changed since."`
}

type userJSON struct {
	ID           tidings.UserID   `json:"id"`
	Email        string           `json:"email"`
	Name         string           `json:"name"`
	Role         tidings.UserRole `json:"role" enum:"owner,editor,viewer"`
	Operator     bool             `json:"operator" doc:"Runs the installation: sees its nodes."`
	Theme        tidings.Theme    `json:"theme" enum:"system,light,dark"`
	SingleSignOn bool             `json:"singleSignOn" doc:"Has signed in by single sign-on."`
	Active       bool             `json:"active" doc:"false: their one-time link is still to be opened."`
	Version      int64            `json:"version" doc:"Counts the changes."`
	CreatedAt    time.Time        `json:"createdAt"`
	UpdatedAt    time.Time        `json:"updatedAt"`
	SeenAt       *time.Time       `json:"seenAt" doc:"When they last used the browser's pages, to the minute; null = never."`
}

type usersJSON struct {
	Users []userJSON `json:"users"`
	Next  *int64     `json:"next" doc:"after of the next page; null on the last."`
}

type linkedUserJSON struct {
	User          userJSON  `json:"user"`
	Link          string    `json:"link" doc:"The one-time link by which they set a password: give it to them and to nobody else. It is in this answer and nowhere else, and an earlier one works no more."`
	LinkExpiresAt time.Time `json:"linkExpiresAt"`
}

type (
	shownUser  struct{ Body userJSON }
	linkedUser struct{ Body linkedUserJSON }
)

// userPath names a user of an account.
type userPath struct {
	Account string `path:"account" doc:"The account's id, or me for the own account."`
	User    string `path:"user" doc:"The user's id, or me for the user who is signed in."`
}

func userView(u *tidings.User) userJSON {
	return userJSON{
		ID: u.ID, Email: u.Email, Name: u.Name, Role: u.Role, Operator: u.Operator, Theme: u.Theme, SingleSignOn: u.Subject != "", Active: u.Active,
		Version: u.Version, CreatedAt: u.CreatedAt.UTC(), UpdatedAt: u.UpdatedAt.UTC(), SeenAt: instant(u.SeenAt),
	}
}

const usersPath = "/v1/accounts/{account}/users"

// ownersAct is what owners do with users, and keys and the admin, too.
func ownersAct() access { return access{scope: tidings.ScopeManage, admin: true, owner: true} }

// usersOwn is the same where users may for themselves.
func usersOwn() access {
	need := ownersAct()
	need.self = true
	return need
}

// userOperation describes an operation of users.
func userOperation(id, method, path, summary string, errors ...int) huma.Operation {
	return huma.Operation{OperationID: id, Method: method, Path: usersPath + path, Tags: []string{"Users"}, Summary: summary, Errors: errors}
}

func (s *Server) registerUsers() {
	list := userOperation("list-users", http.MethodGet, "", "List an account's users", 400, 404, 503)
	list.Extensions = curl(`curl $TIDINGS/v1/accounts/me/users -H "Authorization: Bearer $KEY"`)
	operate(s, list, ownersAct(), s.listUsers)

	invite := userOperation("invite-user", http.MethodPost, "", "Invite a user", 400, 404, 408, 409, 413, 415, 422, 503)
	invite.DefaultStatus = http.StatusCreated
	invite.Description = "The answer has the one-time link by which the user sets a password and joins; it is not shown again, and lasts 7 days. A key gives no role that includes a scope which it has not itself. 409: a user of this server has the email."
	invite.Extensions = curl(`curl -X POST $TIDINGS/v1/accounts/me/users -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"email":"ann@example.com","role":"editor"}'`)
	operate(s, invite, ownersAct(), s.inviteUser)

	show := userOperation("get-user", http.MethodGet, "/{user}", "Show a user", 404, 503)
	show.Extensions = curl(`curl $TIDINGS/v1/accounts/me/users/1 -H "Authorization: Bearer $KEY"`)
	operate(s, show, usersOwn(), s.getUser)

	change := userOperation("change-user", http.MethodPatch, "/{user}", "Change a user", 400, 404, 408, 409, 413, 415, 422, 503)
	change.Description = "A JSON merge patch: absent = unchanged. The email stays. Users change their own name and theme; a role is changed by owners, keys and the admin, and holds from the next request on. 409: the account's last active owner keeps the role."
	change.Extensions = curl(`curl -X PATCH $TIDINGS/v1/accounts/me/users/1 -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"role":"viewer"}'`)
	operate(s, change, usersOwn(), s.changeUser)

	remove := userOperation("delete-user", http.MethodDelete, "/{user}", "Delete a user", 404, 409, 503)
	remove.Description = "They are signed out everywhere. 409: the account's last active owner stays."
	remove.Extensions = curl(`curl -X DELETE $TIDINGS/v1/accounts/me/users/7 -H "Authorization: Bearer $KEY"`)
	operate(s, remove, ownersAct(), s.deleteUser)

	link := userOperation("make-user-link", http.MethodPost, "/{user}/link", "Make a new one-time link: for a forgotten password", 404, 503)
	link.DefaultStatus = http.StatusCreated
	link.Description = "It is in this answer and nowhere else, and lasts 7 days; an earlier one works no more. Until the user opens it, their password and sessions stay."
	link.Extensions = curl(`curl -X POST $TIDINGS/v1/accounts/me/users/7/link -H "Authorization: Bearer $KEY"`)
	operate(s, link, ownersAct(), s.makeUserLink)
}

// userOf says which user a path means, and of which account.
func (in *userPath) userOf(c caller) (tidings.AccountID, tidings.UserID, error) {
	account, err := accountOf(c, in.Account)
	if err != nil {
		return 0, 0, err
	}
	if in.User == "me" {
		if !c.signedIn() {
			return 0, 0, tidings.Errorf(tidings.CodeNotFound, "nobody is signed in: name the user by their id")
		}
		return account, c.user.ID, nil
	}
	id, err := strconv.ParseInt(in.User, 10, 64)
	if err != nil || id < 1 {
		return 0, 0, tidings.Errorf(tidings.CodeNotFound, "there is no user %q", in.User)
	}
	return account, tidings.UserID(id), nil
}

// findUser reads the user whom a path means.
func (s *Server) findUser(ctx context.Context, c caller, in *userPath) (tidings.User, error) {
	account, id, err := in.userOf(c)
	if err != nil {
		return tidings.User{}, err
	}
	return s.store.User(ctx, account, id)
}

func (s *Server) listUsers(ctx context.Context, c caller, in *struct {
	Account string `path:"account" doc:"The account's id, or me for the own account."`
	Query   string `query:"q" maxLength:"200" doc:"Only those whose name or email has this, in any case."`
	Role    string `query:"role" enum:"owner,editor,viewer" doc:"Only those with this role."`
	After   int64  `query:"after" minimum:"0" doc:"next of the page before."`
	Limit   int    `query:"limit" minimum:"1" maximum:"100" default:"100" doc:"The most users of a page."`
},
) (*struct{ Body usersJSON }, error) {
	account, err := accountOf(c, in.Account)
	if err != nil {
		return nil, err
	}
	if _, err := s.store.Account(ctx, account); err != nil {
		return nil, err
	}
	id := func(u *tidings.User) int64 { return int64(u.ID) }
	list, err := pick(in.After, in.Limit, func(after int64, limit int) ([]tidings.User, error) {
		return s.store.Users(ctx, account, tidings.UserID(after), limit)
	}, sayingWithRole(in.Query, tidings.UserRole(in.Role)), id)
	if err != nil {
		return nil, err
	}
	var out usersJSON
	out.Users, out.Next = pageOf(list, in.Limit, userView, id)
	return &struct{ Body usersJSON }{out}, nil
}

// sayingWithRole makes of a list's q and role what pick keeps; nil = all.
func sayingWithRole(q string, role tidings.UserRole) func(*tidings.User) bool {
	says := saying(q, func(u *tidings.User) []string { return []string{u.Name, u.Email} })
	if role == "" {
		return says
	}
	return func(u *tidings.User) bool { return u.Role == role && (says == nil || says(u)) }
}

func (s *Server) inviteUser(ctx context.Context, c caller, in *struct {
	Account string `path:"account" doc:"The account's id, or me for the own account."`
	Called  calledAt
	JSON    body[newUserJSON]
},
) (*linkedUser, error) {
	account, err := accountOf(c, in.Account)
	if err != nil {
		return nil, err
	}
	u, err := in.JSON.value.user()
	if err != nil {
		return nil, err
	}
	if err := c.mayGive(u.Role); err != nil {
		return nil, err
	}
	u.Account = account
	token, expires := tidings.MakeToken(), s.cfg.Now().Add(tidings.LinkLife)
	u, err = s.store.InviteUser(ctx, u, tidings.TokenDigest(token), expires, c.actor())
	if err != nil {
		return nil, err
	}
	return s.linked(&u, in.Called, token, expires), nil
}

// user gives the user that is asked for, or what is wrong.
func (in *newUserJSON) user() (tidings.User, error) {
	d := &decoder{}
	u := tidings.User{Role: tidings.UserRole(in.Role.value), Name: in.Name.value}
	email, fault := tidings.NormalizeUserEmail(in.Email.value)
	u.Email = email
	if fault != "" {
		d.fault("email", "%s", fault)
	}
	if !in.Name.given() && fault == "" {
		u.Name = email[:strings.LastIndexByte(email, '@')]
	}
	if reason := tidings.CheckName(u.Name); reason != "" && (fault == "" || in.Name.given()) {
		d.fault("name", "%s", reason)
	}
	if reason := tidings.CheckUserRole(u.Role); reason != "" {
		d.fault("role", "%s", reason)
	}
	if len(d.faults) > 0 {
		return u, &tidings.Error{Code: tidings.CodeInvalid, Message: "the user breaks the rules: nothing was changed", Fields: d.faults}
	}
	return u, nil
}

func (s *Server) getUser(ctx context.Context, c caller, in *userPath) (*shownUser, error) {
	u, err := s.findUser(ctx, c, in)
	if err != nil {
		return nil, err
	}
	return &shownUser{userView(&u)}, nil
}

func (s *Server) changeUser(ctx context.Context, c caller, in *struct {
	Account string `path:"account" doc:"The account's id, or me for the own account."`
	User    string `path:"user" doc:"The user's id, or me for the user who is signed in."`
	JSON    body[userChangeJSON]
},
) (*shownUser, error) {
	u, err := s.findUser(ctx, c, &userPath{in.Account, in.User})
	if err != nil {
		return nil, err
	}
	was := u.Role
	changed, err := in.JSON.value.apply(&u)
	if err != nil {
		return nil, err
	}
	if u.Role != was {
		if c.signedIn() && !c.user.Owns() {
			return nil, tidings.Errorf(tidings.CodeForbidden, "changing a role needs the role %q, and yours is %q: ask an owner of the account", tidings.RoleOwner, c.user.Role)
		}
		if err := c.mayGive(u.Role); err != nil {
			return nil, err
		}
	}
	if len(changed) > 0 {
		if u, err = s.store.UpdateUser(ctx, u, c.actor(), strings.Join(changed, ", ")); err != nil {
			return nil, err
		}
	}
	return &shownUser{userView(&u)}, nil
}

// apply sets what is asked of a user and names what changed.
func (in *userChangeJSON) apply(u *tidings.User) (changed []string, err error) {
	d := &decoder{}
	was := *u
	role, theme := string(u.Role), string(u.Theme)
	in.Name.put(&u.Name, "")
	in.Role.put(&role, "")
	in.Theme.put(&theme, string(tidings.ThemeSystem))
	u.Role, u.Theme = tidings.UserRole(role), tidings.Theme(theme)
	if in.Version.given() {
		u.Version = int64(in.Version.value)
	}
	for _, check := range []struct{ field, reason string }{
		{"name", tidings.CheckName(u.Name)}, {"role", tidings.CheckUserRole(u.Role)}, {"theme", tidings.CheckTheme(u.Theme)},
	} {
		if check.reason != "" {
			d.fault(check.field, "%s", check.reason)
		}
	}
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the user breaks the rules: nothing was changed", Fields: d.faults}
	}
	if was.Name != u.Name {
		changed = append(changed, "name")
	}
	if was.Role != u.Role {
		changed = append(changed, fmt.Sprintf("role %s, was %s", u.Role, was.Role))
	}
	if was.Theme != u.Theme {
		changed = append(changed, "theme")
	}
	return changed, nil
}

func (s *Server) deleteUser(ctx context.Context, c caller, in *userPath) (*struct{}, error) {
	account, id, err := in.userOf(c)
	if err != nil {
		return nil, err
	}
	return nil, s.store.DeleteUser(ctx, account, id, c.actor())
}

func (s *Server) makeUserLink(ctx context.Context, c caller, in *struct {
	Account string `path:"account" doc:"The account's id, or me for the own account."`
	User    string `path:"user" doc:"The user's id, or me for the user who is signed in."`
	Called  calledAt
},
) (*linkedUser, error) {
	u, err := s.findUser(ctx, c, &userPath{in.Account, in.User})
	if err != nil {
		return nil, err
	}
	if err := c.mayGive(u.Role); err != nil { // who opens the link is the user
		return nil, err
	}
	token, expires := tidings.MakeToken(), s.cfg.Now().Add(tidings.LinkLife)
	if err := s.store.MakeLink(ctx, u.Account, u.ID, tidings.TokenDigest(token), expires, c.actor()); err != nil {
		return nil, err
	}
	return s.linked(&u, in.Called, token, expires), nil
}

// linked shows a user with the one-time link of a token.
func (s *Server) linked(u *tidings.User, called calledAt, token string, expires time.Time) *linkedUser {
	base := called.base
	if s.cfg.PublicURL != "" {
		base = strings.TrimRight(s.cfg.PublicURL, "/")
	}
	return &linkedUser{linkedUserJSON{User: userView(u), Link: base + "/join/" + token, LinkExpiresAt: expires.UTC().Truncate(time.Millisecond)}}
}

// calledAt is how a request's client calls this server, as "https://host". It is a huma resolver.
type calledAt struct{ base string }

// Resolve reads it off the request.
func (c *calledAt) Resolve(ctx huma.Context) []error {
	scheme := "http://"
	if ctx.TLS() != nil {
		scheme = "https://"
	}
	c.base = scheme + ctx.Host()
	return nil
}
