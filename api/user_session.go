package api

import (
	"context"
	"net/http"
	"time"

	"tidings"
)

type sessionJSON struct {
	ID        int64     `json:"id"`
	CreatedAt time.Time `json:"createdAt"`
	SeenAt    time.Time `json:"seenAt" doc:"When it was last used, to the minute."`
	ExpiresAt time.Time `json:"expiresAt" doc:"When it ends unless it is used: 14 days after its last use, 90 days after the signing in at the latest."`
	Agent     string    `json:"agent" doc:"What the browser said that it is."`
	Address   string    `json:"address" doc:"Where it came from when it signed in."`
}

type sessionsJSON struct {
	Sessions []sessionJSON `json:"sessions" doc:"The newest first."`
}

func sessionView(s tidings.Session) sessionJSON {
	return sessionJSON{s.ID, s.CreatedAt.UTC(), s.SeenAt.UTC(), s.ExpiresAt.UTC(), s.Agent, s.Address}
}

type newPasswordJSON struct {
	Current  optional[string] `json:"current,omitempty" writeOnly:"true" doc:"The password that they have; only without one it may be absent."`
	Password optional[string] `json:"password,omitempty" writeOnly:"true" doc:"The new one: 10 characters or more, at most 200 bytes."`
	Session  optional[int]    `json:"session,omitempty" doc:"Id of the session that stays signed in; all others end."`
}

func (s *Server) registerSessions() {
	password := userOperation("change-password", http.MethodPost, "/{user}/password", "Change one's own password", 400, 404, 408, 413, 415, 422, 503)
	password.DefaultStatus = http.StatusNoContent
	password.Description = "Signs the user out in all other browsers. After ten wrong current passwords the next may come in half a minute (429). For somebody else's forgotten password make a one-time link."
	password.Extensions = curl(`curl -X POST $TIDINGS/v1/accounts/me/users/7/link -H "Authorization: Bearer $KEY"  # for somebody else's`)
	operate(s, password, access{users: true, self: true}, s.changePassword)

	list := userOperation("list-sessions", http.MethodGet, "/{user}/sessions", "List where a user is signed in", 404, 503)
	list.Extensions = curl(`curl $TIDINGS/v1/accounts/me/users/7/sessions -H "Authorization: Bearer $KEY"`)
	operate(s, list, usersOwn(), s.listSessions)

	all := userOperation("end-sessions", http.MethodDelete, "/{user}/sessions", "Sign a user out everywhere", 400, 404, 503)
	all.Extensions = curl(`curl -X DELETE $TIDINGS/v1/accounts/me/users/7/sessions -H "Authorization: Bearer $KEY"`)
	operate(s, all, usersOwn(), s.endSessions)

	one := userOperation("end-session", http.MethodDelete, "/{user}/sessions/{session}", "Sign a user out in one browser", 400, 404, 503)
	one.Extensions = curl(`curl -X DELETE $TIDINGS/v1/accounts/me/users/7/sessions/12 -H "Authorization: Bearer $KEY"`)
	operate(s, one, usersOwn(), s.endSession)
}

func (s *Server) changePassword(ctx context.Context, c caller, in *struct {
	Account string `path:"account" doc:"The account's id, or me for the own account."`
	User    string `path:"user" doc:"The user's id, or me for the user who is signed in."`
	JSON    body[newPasswordJSON]
},
) (*struct{}, error) {
	account, id, err := (&userPath{in.Account, in.User}).userOf(c)
	if err != nil {
		return nil, err
	}
	asked := &in.JSON.value
	if reason := tidings.CheckPassword(asked.Password.value); reason != "" {
		return nil, invalidField("password", reason)
	}
	stored, err := s.store.PasswordOf(ctx, account, id)
	if err != nil {
		return nil, err
	}
	if stored != "" {
		if err := s.checkCurrent(ctx, id, stored, asked.Current.value); err != nil {
			return nil, err
		}
	}
	hash, err := s.cfg.Passwords.Hash(ctx, asked.Password.value)
	if err != nil {
		return nil, err
	}
	return nil, s.store.SetPassword(ctx, account, id, hash, int64(asked.Session.value), c.actor())
}

// checkCurrent refuses a password that is not the user's.
func (s *Server) checkCurrent(ctx context.Context, id tidings.UserID, stored, given string) error {
	if len(given) > tidings.MaxPasswordLength {
		return invalidField("current", "is not the password")
	}
	if err := s.tries.take(id, s.cfg.Now()); err != nil {
		return err
	}
	right, err := s.cfg.Passwords.Verify(ctx, stored, given)
	if err != nil {
		return err
	}
	if !right {
		return invalidField("current", "is not the password")
	}
	return nil
}

func (s *Server) listSessions(ctx context.Context, c caller, in *userPath) (*struct{ Body sessionsJSON }, error) {
	u, err := s.findUser(ctx, c, in)
	if err != nil {
		return nil, err
	}
	sessions, err := s.store.Sessions(ctx, u.Account, u.ID)
	if err != nil {
		return nil, err
	}
	out := sessionsJSON{Sessions: make([]sessionJSON, len(sessions))}
	for i, one := range sessions {
		out.Sessions[i] = sessionView(one)
	}
	return &struct{ Body sessionsJSON }{out}, nil
}

func (s *Server) endSessions(ctx context.Context, c caller, in *struct {
	Account string `path:"account" doc:"The account's id, or me for the own account."`
	User    string `path:"user" doc:"The user's id, or me for the user who is signed in."`
	Keep    int64  `query:"keep" minimum:"0" doc:"Id of the session that stays; 0 = none does."`
},
) (*struct{}, error) {
	account, id, err := (&userPath{in.Account, in.User}).userOf(c)
	if err != nil {
		return nil, err
	}
	return nil, s.store.EndSessions(ctx, account, id, in.Keep, c.actor())
}

func (s *Server) endSession(ctx context.Context, c caller, in *struct {
	Account string `path:"account" doc:"The account's id, or me for the own account."`
	User    string `path:"user" doc:"The user's id, or me for the user who is signed in."`
	Session int64  `path:"session" minimum:"1" doc:"The session's id."`
},
) (*struct{}, error) {
	account, id, err := (&userPath{in.Account, in.User}).userOf(c)
	if err != nil {
		return nil, err
	}
	return nil, s.store.EndSession(ctx, account, id, in.Session, c.actor())
}
