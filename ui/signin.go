package ui

import (
	"net/http"
	"time"

	"tidings"
	"tidings/ui/part"
)

func (s *Server) registerSignIn() {
	s.open(http.MethodGet, "/sign-in", (*visit).signInPage)
	s.open(http.MethodPost, "/sign-in", (*visit).tryToSignIn)
	s.open(http.MethodPost, "/sign-out", (*visit).leave)
}

// signInForm is what the page of signing in shows.
type signInForm struct {
	Email, Next string
	Wrong       string // why it was not done; "" = not tried yet
}

func (v *visit) signInPage() error {
	next := v.query("next")
	if v.user.ID != 0 {
		return v.redirect(onwards(next))
	}
	return v.bare(view{Title: "Sign in"}, signInPage(signInForm{Next: next}))
}

// onwards is where somebody goes who has signed in.
func onwards(next string) string {
	if localPath(next) {
		return next
	}
	return "/"
}

func (v *visit) tryToSignIn() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	form := signInForm{Email: f.text("email"), Next: f.text("next")}
	user, wrong, err := v.checkPassword(form.Email, f.raw("password"))
	if err != nil {
		return err
	}
	if wrong != "" {
		form.Wrong = wrong
		v.wrongForm()
		return v.bare(view{Title: "Sign in"}, signInPage(form))
	}
	if err := v.signIn(user); err != nil {
		return err
	}
	return v.redirect(onwards(form.Next))
}

// checkPassword finds the user whom an address and a password are of. It takes
// as long, and says the same, whether the address or the password is wrong.
func (v *visit) checkPassword(address, password string) (user tidings.User, wrong string, err error) {
	email, fault := tidings.NormalizeUserEmail(address)
	if fault != "" {
		return tidings.User{}, "The email " + fault + ".", nil
	}
	who, where := "email "+email, "address "+v.address()
	if wait := v.s.attempts.wait(who, where); wait > 0 {
		return tidings.User{}, "Too many wrong tries. Try again in " + v.clock.Duration(max(wait, time.Second)) + ".", nil
	}
	user, hash, err := v.s.cfg.Users.UserByEmail(v.r.Context(), email)
	if err != nil && tidings.CodeOf(err) != tidings.CodeNotFound {
		return tidings.User{}, "", err
	}
	ok := len(password) <= tidings.MaxPasswordLength
	if ok {
		if ok, err = v.s.cfg.Passwords.Verify(v.r.Context(), hash, password); err != nil {
			return tidings.User{}, "", err
		}
	}
	if !ok || user.ID == 0 || hash == "" {
		v.s.attempts.failed(who, where)
		return tidings.User{}, "The email or the password is wrong. An owner of your account can give you a new link to choose a password.", nil
	}
	return user, "", nil
}

func (v *visit) leave() error {
	if err := v.signOut(); err != nil {
		return err
	}
	v.say(part.Flash{Meaning: part.Good, Text: "You are signed out."})
	return v.redirect("/sign-in")
}
