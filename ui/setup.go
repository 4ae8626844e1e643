package ui

import (
	"net/http"
	"strconv"

	"tidings"
	"tidings/ui/part"
)

func (s *Server) registerSetup() {
	s.open(http.MethodGet, "/setup/{token}", (*visit).setupPage)
	s.open(http.MethodPost, "/setup/{token}", (*visit).setUp)
}

// setupForm makes the first owner.
type setupForm struct {
	Path     string // where it goes: it has the link's token
	Into     string // id of the account, "" = a new one
	Account  string // name of the new one
	Name     string
	Email    string
	Accounts []part.Option // those that there are
	Errors   faults
}

// mostAccounts is how many accounts the first owner can choose from.
const mostAccounts = 200

// setupOf gives the empty form, if the path has the link that makes the first owner.
func (v *visit) setupOf() (*setupForm, error) {
	user, _, err := v.s.cfg.Users.LinkUser(v.r.Context(), v.token())
	switch {
	case tidings.CodeOf(err) == tidings.CodeNotFound, err == nil && user.ID != 0:
		return nil, setupGone()
	case err != nil:
		return nil, err
	}
	accounts, err := v.s.cfg.Users.Accounts(v.r.Context(), 0, mostAccounts)
	if err != nil {
		return nil, err
	}
	form := &setupForm{Path: v.r.URL.Path}
	for _, a := range accounts {
		form.Accounts = append(form.Accounts, part.Option{Value: decimal(int64(a.ID)), Label: a.Name, Note: "account " + decimal(int64(a.ID))})
	}
	if len(accounts) > 0 {
		form.Into = form.Accounts[0].Value
		form.Accounts = append(form.Accounts, part.Option{Label: "A new account"})
	}
	return form, nil
}

// token gives the digest of the token of a one-time link in the path.
func (v *visit) token() [32]byte { return tidings.TokenDigest(v.r.PathValue("token")) }

// setupGone says that the link makes nobody any more.
func setupGone() error {
	return &refusal{
		Status: http.StatusNotFound, Title: "This link works no more",
		Detail: "It makes the first owner, works once and lasts 7 days; each start of the server prints a new one as long as there is no user. Whoever has an account signs in, or asks an owner for a link.",
	}
}

func (v *visit) setupPage() error {
	form, err := v.setupOf()
	if err != nil {
		return v.linkFailure(err)
	}
	return v.showSetup(form)
}

func (v *visit) showSetup(form *setupForm) error {
	return v.bare(view{Title: "Set up Tidings", Purpose: "You will be the first owner, and the operator of this server."}, setupPage(form))
}

// linkFailure shows to whom a link opens nothing what they can do instead.
// Other failures are shown as everywhere.
func (v *visit) linkFailure(err error) error {
	gone, ok := err.(*refusal) //nolint:errorlint // made here, and not wrapped
	if !ok {
		return err
	}
	v.status = gone.Status
	return v.bare(view{Title: gone.Title}, linkGone(gone.Detail))
}

func (v *visit) setUp() error {
	form, err := v.setupOf()
	if err != nil {
		return v.linkFailure(err)
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	form.Into, form.Account, form.Name, form.Email = f.text("into"), f.text("account"), f.text("name"), f.text("email")
	email, password, into := form.check(f)
	if len(form.Errors) > 0 {
		v.wrongForm()
		return v.showSetup(form)
	}
	hash, err := v.s.cfg.Passwords.Hash(v.r.Context(), password)
	if err != nil {
		return err
	}
	user, account, err := v.s.cfg.Users.SetUp(v.r.Context(), v.token(), form.Account, into, tidings.User{Email: email, Name: form.Name}, hash)
	switch tidings.CodeOf(err) {
	case tidings.CodeConflict, tidings.CodeNotFound:
		return v.linkFailure(setupGone())
	}
	if err != nil {
		return err
	}
	if into == 0 {
		v.takeZone(user, account, f.text("zone"))
	}
	if err := v.signIn(user); err != nil {
		return err
	}
	return v.done("/", account.Name+" is set up, and you are its owner. Settings, Laboratory says where activities go; Settings, Users invites others.")
}

// check says what is wrong with the form at each field, and gives what is right.
func (s *setupForm) check(f *form) (email, password string, into tidings.AccountID) {
	if s.Into != "" {
		id, err := strconv.ParseInt(s.Into, 10, 64)
		if err != nil || id < 1 {
			s.Errors.add("into", "is no account of this server")
		}
		into = tidings.AccountID(id)
	} else if fault := tidings.CheckName(s.Account); fault != "" {
		s.Errors.add("account", fault)
	}
	email, fault := tidings.NormalizeUserEmail(s.Email)
	password = f.raw("password")
	for _, check := range []struct{ field, fault string }{
		{"name", tidings.CheckName(s.Name)}, {"email", fault}, {"password", tidings.CheckPassword(password)},
	} {
		if check.fault != "" {
			s.Errors.add(check.field, check.fault)
		}
	}
	return email, password, into
}

// takeZone gives a new account the time zone of its owner's browser, which
// they can change under Dates and zone. Without one the times are UTC.
func (v *visit) takeZone(user tidings.User, account tidings.Account, zone string) {
	if zone == "" || tidings.CheckZone(zone) != "" {
		return
	}
	owner := *v
	owner.user = user
	v.log(owner.patch("/v1/accounts/me", map[string]any{"zone": zone, "version": account.Version}, nil))
}
