package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tidings"
)

// StartSession signs s.User in, in the browser that holds the token with a
// digest; the store gives ID and the times. CodeNotFound when there is no such user.
func (s *Store) StartSession(ctx context.Context, session tidings.Session, digest [32]byte) (tidings.Session, error) {
	var started tidings.Session
	err := s.commit(ctx, func(tx *writeTx) error {
		started = session
		started.CreatedAt, started.SeenAt = tx.now, tx.now.Truncate(time.Minute)
		started.ExpiresAt = sessionEnd(started.CreatedAt, started.SeenAt)
		u, err := scanUser(tx.row(`UPDATE account_user SET seen = $2 WHERE id = $1 RETURNING `+userColumns, session.User, millis(started.SeenAt)))
		if err != nil {
			return orNotFound(err, "user", int64(session.User))
		}
		err = tx.row(`
			INSERT INTO user_session (user_id, digest, agent, address, created, seen) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
			u.ID, digest[:], session.Agent, session.Address, millis(started.CreatedAt), millis(started.SeenAt)).Scan(&started.ID)
		if err != nil {
			return err
		}
		return auditUser(tx, &u, u.Actor(), "user.sign-in", fmt.Sprintf("session %d from %s", started.ID, session.Address))
	})
	if err != nil {
		return tidings.Session{}, err
	}
	return started, nil
}

// sessionEnd is when a session ends unless it is used again.
func sessionEnd(created, seen time.Time) time.Time {
	end, idle := created.Add(tidings.SessionMax), seen.Add(tidings.SessionIdle)
	if idle.Before(end) {
		return idle
	}
	return end
}

// SessionUser gives the session of a token with a digest (see
// tidings.TokenDigest), its user and their account: one read, by an index.
// CodeUnauthorized when there is no such session or it has ended.
func (s *Store) SessionUser(ctx context.Context, digest [32]byte) (tidings.Session, tidings.User, tidings.Account, error) {
	session, u, a, err := scanSessionUser(s.row(ctx, selectSessionUser, digest[:]))
	switch {
	case err == nil && s.now().Before(session.ExpiresAt):
		return session, u, a, nil
	case err == nil, errors.Is(err, sql.ErrNoRows):
		err = tidings.Errorf(tidings.CodeUnauthorized, "the session has ended: sign in again")
	default:
		err = readError(err)
	}
	return tidings.Session{}, tidings.User{}, tidings.Account{}, err
}

// SessionSeen notes that a session was used, and so its user. It is to be
// called once a minute at most: it is a write. An ended session stays ended.
func (s *Store) SessionSeen(ctx context.Context, id int64, at time.Time) error {
	seen := millis(at.Truncate(time.Minute))
	return s.commit(ctx, func(tx *writeTx) error {
		var user tidings.UserID
		err := tx.row(`UPDATE user_session SET seen = $2 WHERE id = $1 AND seen < $2 RETURNING user_id`, id, seen).Scan(&user)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = tx.exec(`UPDATE account_user SET seen = $2 WHERE id = $1 AND seen < $2`, user, seen)
		return err
	})
}

// Sessions gives the sessions of a user that have not ended, the newest first;
// none when the account has no such user.
func (s *Store) Sessions(ctx context.Context, account tidings.AccountID, user tidings.UserID) ([]tidings.Session, error) {
	created, seen := s.oldestSession()
	rows, err := s.rows(ctx, `
		SELECT `+sessionColumns+` FROM user_session s JOIN account_user u ON u.id = s.user_id
		WHERE u.account = $1 AND u.id = $2 AND s.created > $3 AND s.seen > $4 ORDER BY s.id DESC`, account, user, created, seen)
	return gather(rows, err, scanSession)
}

// oldestSession gives when a session that goes on now was made and used after, as it is stored.
func (s *Store) oldestSession() (created, seen int64) {
	now := s.now()
	return millis(now.Add(-tidings.SessionMax)), millis(now.Add(-tidings.SessionIdle))
}

// EndSession signs a user out in one browser; CodeNotFound when they have no
// such session in the account.
func (s *Store) EndSession(ctx context.Context, account tidings.AccountID, user tidings.UserID, session int64, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		u, err := lockUser(tx, account, user)
		if err != nil {
			return err
		}
		n, err := tx.exec(`DELETE FROM user_session WHERE id = $1 AND user_id = $2`, session, user)
		if err != nil {
			return err
		}
		if n == 0 {
			return tidings.Errorf(tidings.CodeNotFound, "there is no session %d", session)
		}
		return auditUser(tx, &u, actor, "user.sign-out", fmt.Sprintf("session %d", session))
	})
}

// EndSessions signs a user out everywhere but in the session with the id keep;
// 0 = everywhere. CodeNotFound when the account has no such user.
func (s *Store) EndSessions(ctx context.Context, account tidings.AccountID, user tidings.UserID, keep int64, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		u, err := lockUser(tx, account, user)
		if err != nil {
			return err
		}
		if err := endSessions(tx, user, keep); err != nil {
			return err
		}
		detail := "everywhere"
		if keep != 0 {
			detail = fmt.Sprintf("everywhere but in session %d", keep)
		}
		return auditUser(tx, &u, actor, "user.sign-out", detail)
	})
}

func endSessions(tx *writeTx, user tidings.UserID, keep int64) error {
	_, err := tx.exec(`DELETE FROM user_session WHERE user_id = $1 AND id <> $2`, user, keep)
	return err
}

// EndSessionByDigest signs out the browser that holds the token with a digest.
// A session that there is not, or no more, is none to end: nil.
func (s *Store) EndSessionByDigest(ctx context.Context, digest [32]byte) error {
	return s.commit(ctx, func(tx *writeTx) error {
		session, u, _, err := scanSessionUser(tx.row(selectSessionUser, digest[:]))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := tx.exec(`DELETE FROM user_session WHERE id = $1`, session.ID); err != nil {
			return err
		}
		return auditUser(tx, &u, u.Actor(), "user.sign-out", fmt.Sprintf("session %d", session.ID))
	})
}

// PurgeSessions removes the sessions and one-time links that have ended, and gives their number.
func (s *Store) PurgeSessions(ctx context.Context) (int64, error) {
	var purged int64
	err := s.commit(ctx, func(tx *writeTx) error {
		created, seen := s.oldestSession()
		sessions, err := tx.exec(`DELETE FROM user_session WHERE created <= $1 OR seen <= $2`, created, seen)
		if err != nil {
			return err
		}
		links, err := tx.exec(`DELETE FROM user_link WHERE expires <= $1`, millis(tx.now))
		purged = sessions + links
		return err
	})
	return purged, err
}

const (
	sessionColumns    = `s.id, s.user_id, s.agent, s.address, s.created, s.seen`
	selectSessionUser = `SELECT u.id, u.account, u.email, u.name, u.role, u.operator, u.theme, u.subject, u.active, u.version, u.created, u.updated, u.seen,
		` + sessionColumns + `, a.name, a.zone, a.language, a.version, a.created
		FROM user_session s JOIN account_user u ON u.id = s.user_id JOIN account a ON a.id = u.account WHERE s.digest = $1`
)

func scanSession(row scanner) (tidings.Session, error) {
	var s tidings.Session
	var created, seen int64
	if err := row.Scan(&s.ID, &s.User, &s.Agent, &s.Address, &created, &seen); err != nil {
		return tidings.Session{}, err
	}
	s.CreatedAt, s.SeenAt = fromMillis(created), fromMillis(seen)
	s.ExpiresAt = sessionEnd(s.CreatedAt, s.SeenAt)
	return s, nil
}

func scanSessionUser(row scanner) (s tidings.Session, u tidings.User, a tidings.Account, err error) {
	var created, seen, made int64
	u, err = scanUserAnd(row, &s.ID, &s.User, &s.Agent, &s.Address, &created, &seen, &a.Name, &a.Zone, &a.Language, &a.Version, &made)
	if err != nil {
		return s, u, a, err
	}
	s.CreatedAt, s.SeenAt = fromMillis(created), fromMillis(seen)
	s.ExpiresAt = sessionEnd(s.CreatedAt, s.SeenAt)
	a.ID, a.CreatedAt = u.Account, fromMillis(made)
	return s, u, a, nil
}
