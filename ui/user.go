package ui

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tidings"
	"tidings/ui/part"
)

const (
	usersPath = "/settings/users"
	usersAPI  = "/v1/accounts/me/users"
)

func (s *Server) registerUsers() {
	one := usersPath + "/{id}"
	s.look(usersPath, (*visit).usersPage)
	s.own(http.MethodGet, usersPath+"/new", (*visit).invitePage)
	s.own(http.MethodPost, usersPath, (*visit).invite)
	s.own(http.MethodGet, one, (*visit).userPage)
	s.own(http.MethodPost, one, (*visit).changeUser)
	s.own(http.MethodPost, one+"/link", (*visit).newLink)
	s.own(http.MethodPost, one+"/sign-out", (*visit).signUserOut)
	s.own(http.MethodGet, one+"/delete", (*visit).askDeleteUser)
	s.own(http.MethodPost, one+"/delete", (*visit).deleteUser)
}

// userView is a user as the API gives it.
type userView struct {
	ID           int64            `json:"id"`
	Email        string           `json:"email"`
	Name         string           `json:"name"`
	Role         tidings.UserRole `json:"role"`
	Operator     bool             `json:"operator"`
	Theme        string           `json:"theme"`
	SingleSignOn bool             `json:"singleSignOn"`
	Active       bool             `json:"active"`
	Version      int64            `json:"version"`
	CreatedAt    time.Time        `json:"createdAt"`
	SeenAt       *time.Time       `json:"seenAt"`
}

func (u *userView) path() string { return usersPath + "/" + decimal(u.ID) }

// seen is when they were last here; zero = never.
func (u *userView) seen() time.Time {
	if u.SeenAt == nil {
		return time.Time{}
	}
	return *u.SeenAt
}

// linkedUser is a user with the one-time link that was just made.
type linkedUser struct {
	User          userView  `json:"user"`
	Link          string    `json:"link"`
	LinkExpiresAt time.Time `json:"linkExpiresAt"`
}

// usersList is what the page of users shows.
type usersList struct {
	Users  []userView `json:"users"`
	Next   *int64     `json:"next"`
	Self   tidings.UserID
	Clock  part.Clock
	More   string // address of the next page; "" on the last
	First  string // of the first; "" on it
	Filter part.FiltersView
	Query  string
	Role   string
}

// roleWords says what a role may, in a few words.
func roleWords(role tidings.UserRole) string {
	switch role {
	case tidings.RoleOwner:
		return "owner: everything, users and API keys included."
	case tidings.RoleEditor:
		return "editor: all but users, API keys and the account's settings."
	}
	return "viewer: looks, and changes nothing."
}

// roleOptions lists the roles for a choice.
func roleOptions() []part.Option {
	var options []part.Option
	for _, role := range tidings.UserRoles() {
		name, may, _ := strings.Cut(roleWords(role), ": ")
		options = append(options, part.Option{Value: string(role), Label: strings.ToUpper(name[:1]) + name[1:], Note: may})
	}
	return options
}

func (v *visit) usersPage() error {
	p := view{Title: "Users", Purpose: "Who signs in to this account, and what they may."}
	if !v.owns() {
		return v.page(p, notWithYourRole("Only owners see and invite users.", v.user.Role))
	}
	list := &usersList{Self: v.user.ID, Clock: v.clock, Query: v.query("q"), Role: v.query("role")}
	query := v.pick("after", "q", "role")
	query.Set("limit", "50")
	if err := v.get(usersAPI, query, list); err != nil {
		return err
	}
	if list.Next != nil {
		list.More = v.with("after", decimal(*list.Next))
	}
	if v.query("after") != "" {
		list.First = v.with()
	}
	list.Filter = part.FiltersView{Action: usersPath}
	if list.filtered() {
		list.Filter.Clear = usersPath
	}
	p.Actions = part.LinkButton("Invite a user", usersPath+"/new", part.Primary)
	return v.page(p, usersPage(list))
}

func (l *usersList) filtered() bool { return l.Query != "" || l.Role != "" }

// userForm invites a user, or changes one.
type userForm struct {
	Email, Name, Role string
	Version           int64
	Refused           *refusal
}

// wrong gives what is wrong with a field.
func (f *userForm) wrong(field string) string {
	if f.Refused == nil {
		return ""
	}
	return f.Refused.Errors.of(field)
}

func (v *visit) invitePage() error { return v.showInvite(&userForm{Role: string(tidings.RoleEditor)}) }

func (v *visit) showInvite(form *userForm) error {
	return v.page(view{
		Title: "Invite a user", Purpose: "You get a link for them, by which they choose a password.", Crumbs: []part.Link{{Label: "Users", Href: usersPath}},
	}, invitePage(form))
}

func (v *visit) invite() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	form := &userForm{Email: f.text("email"), Name: f.text("name"), Role: f.text("role")}
	asked := map[string]any{"email": form.Email, "role": form.Role}
	if form.Name != "" {
		asked["name"] = form.Name
	}
	var made linkedUser
	err = v.post(usersAPI, asked, &made)
	if r, ok := wrong(err); ok {
		form.Refused = r
		v.wrongForm()
		return v.showInvite(form)
	}
	if err != nil {
		return err
	}
	return v.showLink(&made, made.User.Name+" is invited")
}

// showLink shows a one-time link: this once.
func (v *visit) showLink(made *linkedUser, title string) error {
	return v.page(view{
		Title: title, Crumbs: []part.Link{{Label: "Users", Href: usersPath}, {Label: made.User.Name, Href: made.User.path()}}, Active: usersPath,
	}, linkPage(made, v.clock))
}

// oneUser reads the user whom the path names.
func (v *visit) oneUser() (*userView, error) {
	id, err := v.id("id")
	if err != nil {
		return nil, err
	}
	u := &userView{}
	return u, v.get(usersAPI+"/"+decimal(id), nil, u)
}

// userDetail is what the page of a user shows.
type userDetail struct {
	User     *userView
	Form     *userForm
	Sessions []sessionView
	Self     bool
	Clock    part.Clock
}

func (v *visit) userPage() error {
	u, err := v.oneUser()
	if err != nil {
		return err
	}
	return v.showUser(u, &userForm{Name: u.Name, Role: string(u.Role), Version: u.Version})
}

func (v *visit) showUser(u *userView, form *userForm) error {
	sessions, err := v.sessionsOf(decimal(u.ID))
	if err != nil {
		return err
	}
	return v.page(view{Title: u.Name, Purpose: u.Email, Crumbs: []part.Link{{Label: "Users", Href: usersPath}}},
		userPage(&userDetail{User: u, Form: form, Sessions: sessions, Self: tidings.UserID(u.ID) == v.user.ID, Clock: v.clock}))
}

func (v *visit) changeUser() error {
	u, err := v.oneUser()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	form := &userForm{Name: f.text("name"), Role: f.text("role"), Version: u.Version}
	if version := f.number("version"); version != nil {
		form.Version = *version
	}
	var changed userView
	err = v.patch(usersAPI+"/"+decimal(u.ID), map[string]any{"name": form.Name, "role": form.Role, "version": form.Version}, &changed)
	if r, ok := wrong(err); ok {
		form.Refused = r
		v.wrongForm()
		return v.showUser(u, form)
	}
	if err != nil {
		return err
	}
	return v.done(u.path(), "Saved: "+changed.Name+" is "+article(string(changed.Role))+" "+string(changed.Role)+".")
}

func article(word string) string {
	if word != "" && strings.Contains("aeiou", word[:1]) {
		return "an"
	}
	return "a"
}

func (v *visit) newLink() error {
	u, err := v.oneUser()
	if err != nil {
		return err
	}
	var made linkedUser
	if err := v.post(usersAPI+"/"+decimal(u.ID)+"/link", nil, &made); err != nil {
		return err
	}
	return v.showLink(&made, "A new link for "+made.User.Name)
}

func (v *visit) signUserOut() error {
	u, err := v.oneUser()
	if err != nil {
		return err
	}
	if err := v.endSessions(u.ID); err != nil {
		return err
	}
	return v.done(u.path(), u.Name+" is signed out everywhere"+v.butHere(u.ID)+".")
}

// endSessions ends a user's sessions; of one's own, this one stays.
func (v *visit) endSessions(user int64) error {
	path := usersAPI + "/" + decimal(user) + "/sessions"
	query := url.Values{}
	if tidings.UserID(user) == v.user.ID {
		query.Set("keep", decimal(v.session.ID))
	}
	return v.api().call(http.MethodDelete, path, query, nil, nil)
}

func (v *visit) butHere(user int64) string {
	if tidings.UserID(user) == v.user.ID {
		return " but here"
	}
	return ""
}

func (v *visit) askDeleteUser() error {
	u, err := v.oneUser()
	if err != nil {
		return err
	}
	return v.showDelete(u, "")
}

func (v *visit) showDelete(u *userView, fault string) error {
	return v.page(view{
		Title: "Delete " + u.Name, Crumbs: []part.Link{{Label: "Users", Href: usersPath}, {Label: u.Name, Href: u.path()}},
	}, deleteUserPage(u, fault))
}

func (v *visit) deleteUser() error {
	u, err := v.oneUser()
	if err != nil {
		return err
	}
	err = v.remove(usersAPI + "/" + decimal(u.ID))
	if r, ok := errors.AsType[*refusal](err); ok && isConflict(err) {
		v.wrongForm()
		return v.showDelete(u, r.Detail)
	}
	if err != nil {
		return err
	}
	return v.done(usersPath, u.Name+" ("+u.Email+") is deleted, and signed out everywhere.")
}
