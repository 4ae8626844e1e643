package ui

import (
	"net/http"
	"strings"
	"time"

	"tidings"
	"tidings/ui/part"
)

const (
	profilePath = "/settings/profile"
	ownAPI      = usersAPI + "/me"
)

func (s *Server) registerProfile() {
	s.look(profilePath, (*visit).profilePage)
	s.mine(profilePath, (*visit).changeProfile)
	s.mine(profilePath+"/password", (*visit).changePassword)
	s.mine(profilePath+"/sign-out", (*visit).signOutElsewhere)
	s.mine(profilePath+"/sessions/{id}/end", (*visit).endOwnSession)
	s.mine("/theme", (*visit).changeTheme)
}

// sessionView is a browser in which a user is signed in, as the API gives it.
type sessionView struct {
	ID        int64     `json:"id"`
	CreatedAt time.Time `json:"createdAt"`
	SeenAt    time.Time `json:"seenAt"`
	ExpiresAt time.Time `json:"expiresAt"`
	Agent     string    `json:"agent"`
	Address   string    `json:"address"`
}

// browser says in a few words what a browser calls itself: "Firefox on Linux".
func (s *sessionView) browser() string {
	name := firstIn(s.Agent, [][2]string{
		{"Edg/", "Edge"},
		{"OPR/", "Opera"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
	})
	system := firstIn(s.Agent, [][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	})
	switch {
	case name != "" && system != "":
		return name + " on " + system
	case s.Agent == "":
		return "Unknown browser"
	}
	return tidings.CutText(s.Agent, 60)
}

// firstIn gives the name of the first mark that a text has.
func firstIn(text string, marks [][2]string) string {
	for _, mark := range marks {
		if strings.Contains(text, mark[0]) {
			return mark[1]
		}
	}
	return ""
}

// sessionsOf reads where a user ("me", or an id) is signed in.
func (v *visit) sessionsOf(user string) ([]sessionView, error) {
	var list struct {
		Sessions []sessionView `json:"sessions"`
	}
	err := v.get(usersAPI+"/"+user+"/sessions", nil, &list)
	return list.Sessions, err
}

// profile is what the page of one's own user shows.
type profile struct {
	User     userView
	Name     string
	Version  int64
	Sessions []sessionView
	This     int64 // id of this session
	Clock    part.Clock
	Refused  *refusal // of the name and theme
	Password *refusal // of the password
}

func (v *visit) profilePage() error { return v.showProfile(&profile{}) }

func (v *visit) showProfile(p *profile) error {
	if err := v.get(ownAPI, nil, &p.User); err != nil {
		return err
	}
	if p.Refused == nil {
		p.Name, p.Version = p.User.Name, p.User.Version
	}
	var err error
	if p.Sessions, err = v.sessionsOf("me"); err != nil {
		return err
	}
	p.This, p.Clock = v.session.ID, v.clock
	return v.page(view{Title: "Your profile", Purpose: p.User.Email + ", " + roleWords(p.User.Role)}, profilePage(p))
}

func (v *visit) changeProfile() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	p := &profile{Name: f.text("name")}
	asked := map[string]any{"name": p.Name}
	if f.has("theme") {
		asked["theme"] = f.text("theme")
	}
	if version := f.number("version"); version != nil {
		p.Version = *version
		asked["version"] = p.Version
	}
	err = v.patch(ownAPI, asked, nil)
	if r, ok := wrong(err); ok {
		p.Refused = r
		v.wrongForm()
		return v.showProfile(p)
	}
	if err != nil {
		return err
	}
	return v.done(profilePath, "Saved.")
}

func (v *visit) changePassword() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	asked := map[string]any{"password": f.raw("password"), "session": v.session.ID}
	if current := f.raw("current"); current != "" {
		asked["current"] = current
	}
	err = v.post(ownAPI+"/password", asked, nil)
	if r, ok := wrong(err); ok {
		v.wrongForm()
		return v.showProfile(&profile{Password: r})
	}
	if err != nil {
		return err
	}
	return v.done(profilePath, "Your new password is set. All other browsers are signed out.")
}

func (v *visit) signOutElsewhere() error {
	if err := v.endSessions(int64(v.user.ID)); err != nil {
		return err
	}
	return v.done(profilePath, "You are signed out everywhere but here.")
}

func (v *visit) endOwnSession() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	if id == v.session.ID {
		return v.leave()
	}
	if err := v.remove(ownAPI + "/sessions/" + decimal(id)); err != nil {
		return err
	}
	return v.done(profilePath, "That browser is signed out.")
}

// changeTheme sets the colours of the user's pages. The script has them
// changed on the page already, so to it there is nothing to answer.
func (v *visit) changeTheme() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	if err := v.patch(ownAPI, map[string]any{"theme": f.text("theme")}, nil); err != nil {
		return err
	}
	if v.r.Header.Get("HX-Request") == "true" {
		v.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return v.redirect(onwards(refererPath(v.r)))
}
