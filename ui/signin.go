package ui

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
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
	Again       *unsent
	Other       string // what single sign-on is called; "" = there is none
	OtherHref   string
}

// unsent is a form that came when its session had ended: it is kept in the
// page of signing in, and offered again after.
type unsent struct {
	Path   string // that it goes to
	Fields url.Values
}

// maxUnsent is the most bytes of a form that is kept: it goes there and back.
const maxUnsent = 256 << 10

// text writes a form down as a hidden field carries it.
func (u *unsent) text() string { return u.Fields.Encode() }

// names gives the fields in a fixed order.
func (u *unsent) names() []string {
	names := make([]string, 0, len(u.Fields))
	for name := range u.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// readUnsent reads back what text wrote; nil when there is none.
func readUnsent(path, text string) *unsent {
	if text == "" || !localPath(path) {
		return nil
	}
	fields, err := url.ParseQuery(text)
	if err != nil {
		return nil
	}
	return &unsent{path, fields}
}

// unsentForm gives the form of a request that nobody is signed in for; nil
// when there is none, when it is large, or when a secret is in it, which no
// page shall have in its markup.
func (v *visit) unsentForm() *unsent {
	if v.r.Method != http.MethodPost || v.wantsPart() {
		return nil
	}
	f, err := v.form()
	if err != nil || len(f.values) == 0 || len(f.values.Encode()) > maxUnsent {
		return nil
	}
	for name, values := range f.values {
		if isSecretField(name) && strings.Join(values, "") != "" {
			return nil
		}
	}
	return &unsent{v.r.URL.RequestURI(), f.values}
}

// isSecretField says whether what is typed into a field may be a secret.
func isSecretField(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"password", "secret", "token", "current", "key", "header", "value"}, func(part string) bool {
		return strings.Contains(name, part)
	})
}

func (v *visit) signInPage() error {
	if v.user.ID != 0 {
		return v.redirect(onwards(v.query("next")))
	}
	return v.showSignIn(signInForm{Next: v.query("next")})
}

// showSignIn shows the form with all ways to sign in that there are.
func (v *visit) showSignIn(form signInForm) error {
	if v.s.sso != nil {
		form.Other = v.s.sso.Name
		form.OtherHref = address("/sign-in/sso", url.Values{"next": {onwards(form.Next)}})
	}
	return v.bare(view{Title: "Sign in"}, signInPage(form))
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
	form := signInForm{Email: f.text("email"), Next: f.text("next"), Again: readUnsent(f.raw("again"), f.raw("unsent"))}
	user, wrong, err := v.checkPassword(form.Email, f.raw("password"))
	if err != nil {
		return err
	}
	if wrong != "" {
		form.Wrong = wrong
		v.wrongForm()
		return v.showSignIn(form)
	}
	if err := v.signIn(user); err != nil {
		return err
	}
	if form.Again != nil {
		return v.bare(view{Title: "You are signed in again"}, sendAgain(form.Again, onwards(form.Next)))
	}
	return v.redirect(onwards(form.Next))
}

// checkPassword finds the user whom an address and a password are of. It takes
// as long, and says the same, whether the address or the password is wrong.
func (v *visit) checkPassword(typed, password string) (user tidings.User, wrong string, err error) {
	email, fault := tidings.NormalizeUserEmail(typed)
	if fault != "" {
		return tidings.User{}, "The email " + fault + ".", nil
	}
	limits := limitsOf(email, v.address())
	if wait := v.s.attempts.take(v.s.cfg.Now(), limits); wait > 0 {
		v.w.Header().Set("Retry-After", decimal(int64(max(wait, time.Second)/time.Second)))
		return tidings.User{}, "Too many wrong tries. Try again in " + v.clock.Duration(max(wait.Round(time.Second), time.Second)) + ".", nil
	}
	user, hash, err := v.s.cfg.Users.UserByEmail(v.r.Context(), email)
	if err != nil && tidings.CodeOf(err) != tidings.CodeNotFound {
		return tidings.User{}, "", err
	}
	if len(password) > tidings.MaxPasswordLength {
		password = "" // it is nobody's, and takes as long
	}
	ok, err := v.s.cfg.Passwords.Verify(v.r.Context(), hash, password)
	if err != nil {
		return tidings.User{}, "", err
	}
	if !ok {
		return tidings.User{}, "The email or the password is wrong. An owner of your account can give you a new link to choose a password.", nil
	}
	v.s.attempts.giveBack(v.s.cfg.Now(), limits)
	return user, "", nil
}

func (v *visit) leave() error {
	if err := v.signOut(); err != nil {
		return err
	}
	v.say(part.Flash{Meaning: part.Good, Text: "You are signed out."})
	return v.redirect("/sign-in")
}
