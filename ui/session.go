package ui

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"tidings"
	"tidings/ui/part"
)

// errSignedOut says that nobody is signed in, or not any more.
var errSignedOut = errors.New("nobody is signed in")

// sessionCookie names the cookie that has a session's token. With https the
// prefix keeps other hosts of the domain from setting it (RFC 6265bis, section 4.1.3.2).
func (v *visit) sessionCookie() string {
	if v.secure() {
		return "__Host-tidings"
	}
	return "tidings"
}

// recognize finds out whose session the browser brings: errSignedOut when it
// brings none that holds. What it finds is in v.
func (s *Server) recognize(v *visit) error {
	v.clock = s.clockOf(tidings.Account{})
	cookie, err := v.r.Cookie(v.sessionCookie())
	if err != nil || cookie.Value == "" {
		return errSignedOut
	}
	session, user, account, err := s.cfg.Users.SessionUser(v.r.Context(), tidings.TokenDigest(cookie.Value))
	switch {
	case tidings.CodeOf(err) == tidings.CodeUnauthorized:
		return errSignedOut
	case err != nil:
		return err
	}
	v.session, v.user, v.account, v.clock = session, user, account, s.clockOf(account)
	if now := s.cfg.Now(); now.Sub(session.SeenAt) >= time.Minute {
		if err := s.cfg.Users.SessionSeen(v.r.Context(), session.ID, now); err != nil {
			// The page is shown all the same: only the session's end comes sooner.
			s.log.LogAttrs(v.r.Context(), slog.LevelWarn, "a session's use can't be noted", slog.String("error", err.Error()))
		}
	}
	return nil
}

// clockOf says how times are shown to an account.
func (s *Server) clockOf(account tidings.Account) part.Clock {
	zone, err := time.LoadLocation(account.Zone)
	if err != nil {
		zone = time.UTC // the zone was known when it was chosen
	}
	language := account.Language
	if language == "" {
		language = tidings.Languages()[0]
	}
	return part.Clock{Zone: zone, Language: language, Now: s.cfg.Now()}
}

// signIn begins a session in the browser, by a token that nobody had before.
// The session that the browser had until then ends.
func (v *visit) signIn(user tidings.User) error {
	if old, err := v.r.Cookie(v.sessionCookie()); err == nil && old.Value != "" {
		if err := v.s.cfg.Users.EndSessionByDigest(v.r.Context(), tidings.TokenDigest(old.Value)); err != nil {
			return err
		}
	}
	token := tidings.MakeToken()
	now := v.s.cfg.Now()
	session := tidings.Session{
		User: user.ID, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(tidings.SessionMax),
		Agent: tidings.CutText(v.r.UserAgent(), 200), Address: v.address(),
	}
	if _, err := v.s.cfg.Users.StartSession(v.r.Context(), session, tidings.TokenDigest(token)); err != nil {
		return err
	}
	http.SetCookie(v.w, &http.Cookie{
		Name: v.sessionCookie(), Value: token, Path: "/", MaxAge: int(tidings.SessionMax / time.Second),
		HttpOnly: true, Secure: v.secure(), SameSite: http.SameSiteLaxMode,
	})
	return nil
}

// sessionHolds says whether the session still goes on: what lasts asks now and then.
func (v *visit) sessionHolds() bool {
	cookie, err := v.r.Cookie(v.sessionCookie())
	if err != nil {
		return false
	}
	_, user, _, err := v.s.cfg.Users.SessionUser(v.r.Context(), tidings.TokenDigest(cookie.Value))
	return err == nil && user.ID == v.user.ID
}

// signOut ends the browser's session.
func (v *visit) signOut() error {
	cookie, err := v.r.Cookie(v.sessionCookie())
	if err != nil {
		return nil // there was none
	}
	http.SetCookie(v.w, &http.Cookie{Name: v.sessionCookie(), Path: "/", MaxAge: -1, HttpOnly: true, Secure: v.secure(), SameSite: http.SameSiteLaxMode})
	return v.s.cfg.Users.EndSessionByDigest(v.r.Context(), tidings.TokenDigest(cookie.Value))
}

// address is where the browser's connection comes from.
func (v *visit) address() string {
	host, _, err := net.SplitHostPort(v.r.RemoteAddr)
	if err != nil {
		return v.r.RemoteAddr
	}
	return host
}
