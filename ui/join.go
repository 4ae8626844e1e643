package ui

import (
	"net/http"

	"tidings"
)

func (s *Server) registerJoin() {
	s.open(http.MethodGet, "/join/{token}", (*visit).joinPage)
	s.open(http.MethodPost, "/join/{token}", (*visit).join)
}

// joinForm has a user choose a password by a one-time link.
type joinForm struct {
	Path    string // where it goes: it has the link's token
	Invited bool   // they have never signed in
	Email   string
	Name    string
	Account string
	Role    string // in words
	Errors  faults
}

// joinOf gives the form for the user whose link the path has.
func (v *visit) joinOf() (*joinForm, error) {
	user, account, err := v.s.cfg.Users.LinkUser(v.r.Context(), v.token())
	switch {
	case tidings.CodeOf(err) == tidings.CodeNotFound, err == nil && user.ID == 0:
		return nil, joinGone()
	case err != nil:
		return nil, err
	}
	return &joinForm{
		Path: v.r.URL.Path, Invited: !user.Active, Email: user.Email, Name: user.Name, Account: account.Name, Role: roleWords(user.Role),
	}, nil
}

// joinGone says that a link works no more.
func joinGone() error {
	return &refusal{
		Status: http.StatusNotFound, Title: "This link works no more",
		Detail: "It works once, for 7 days, and a newer one replaces it. If you have chosen a password, sign in; else ask an owner of your account for a new link.",
	}
}

func (v *visit) joinPage() error {
	form, err := v.joinOf()
	if err != nil {
		return v.linkFailure(err)
	}
	return v.showJoin(form)
}

func (v *visit) showJoin(form *joinForm) error {
	if form.Invited {
		return v.bare(view{Title: "Join " + form.Account, Purpose: "You are invited as " + form.Role}, joinPage(form))
	}
	return v.bare(view{Title: "Choose a new password", Purpose: "All browsers in which you are signed in are signed out."}, joinPage(form))
}

func (v *visit) join() error {
	form, err := v.joinOf()
	if err != nil {
		return v.linkFailure(err)
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	password := f.raw("password")
	if fault := tidings.CheckPassword(password); fault != "" {
		form.Errors.add("password", fault)
	}
	if form.Invited {
		form.Name = f.text("name")
		if fault := tidings.CheckName(form.Name); fault != "" {
			form.Errors.add("name", fault)
		}
	}
	if len(form.Errors) > 0 {
		v.wrongForm()
		return v.showJoin(form)
	}
	hash, err := v.s.cfg.Passwords.Hash(v.r.Context(), password)
	if err != nil {
		return err
	}
	name := "" // as it is
	if form.Invited {
		name = form.Name
	}
	user, err := v.s.cfg.Users.RedeemLink(v.r.Context(), v.token(), name, hash)
	switch {
	case tidings.CodeOf(err) == tidings.CodeNotFound: // somebody was faster
		return v.linkFailure(joinGone())
	case err != nil:
		return err
	}
	if err := v.signIn(user); err != nil {
		return err
	}
	if form.Invited {
		return v.done("/", "Welcome to "+form.Account+".")
	}
	return v.done("/", "Your new password is set, and you are signed in here only.")
}
