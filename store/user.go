package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tidings"
)

// InviteUser makes a user of u.Account who has no password yet, with the
// one-time link by which they set one; the store gives ID, Active, Version and
// the times. The user is taken as they are: they were checked at the door.
// CodeConflict when there is a user with the email, in whatever account,
// CodeNotFound when there is no such account.
func (s *Store) InviteUser(ctx context.Context, u tidings.User, link [32]byte, expires time.Time, actor string) (tidings.User, error) {
	var made tidings.User
	err := s.commit(ctx, func(tx *writeTx) error {
		if _, err := tx.head(u.Account); err != nil {
			return err
		}
		var err error
		if made, err = insertUser(tx, u, ""); err != nil {
			return err
		}
		if err := putLink(tx, made.ID, link, expires); err != nil {
			return err
		}
		return auditUser(tx, &made, actor, "user.invite", string(made.Role))
	})
	if err != nil {
		return tidings.User{}, err
	}
	return made, nil
}

// insertUser stores a new user; with the hash of a password they are active.
func insertUser(tx *writeTx, u tidings.User, hash string) (tidings.User, error) {
	var one int
	switch err := tx.row(`SELECT 1 FROM account_user WHERE email = $1`, u.Email).Scan(&one); {
	case err == nil:
		taken := tidings.Errorf(tidings.CodeConflict, "the email is taken: nothing was changed")
		taken.Fields = []tidings.FieldError{{Index: -1, Field: "email", Reason: "is that of a user of this server already: each signs in by an email of their own"}}
		return u, taken
	case !errors.Is(err, sql.ErrNoRows):
		return u, err
	}
	if u.Theme == "" {
		u.Theme = tidings.ThemeSystem
	}
	return scanUser(tx.row(`
		INSERT INTO account_user (account, email, name, role, operator, theme, password, active, version, created, updated)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9) RETURNING `+userColumns,
		u.Account, u.Email, u.Name, string(u.Role), flag(u.Operator), string(u.Theme), hash, flag(hash != ""), millis(tx.now)))
}

// User gives a user of an account; CodeNotFound when it has none of the id.
func (s *Store) User(ctx context.Context, account tidings.AccountID, id tidings.UserID) (tidings.User, error) {
	u, err := scanUser(s.row(ctx, selectUser+` WHERE account = $1 AND id = $2`, account, id))
	if err != nil {
		return tidings.User{}, orNotFound(err, "user", int64(id))
	}
	return u, nil
}

// Users gives at most limit (1 or more) users of an account in the order of
// their ids, those after one; 0 = from the first.
func (s *Store) Users(ctx context.Context, account tidings.AccountID, after tidings.UserID, limit int) ([]tidings.User, error) {
	rows, err := s.rows(ctx, selectUser+` WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`, account, after, limit)
	return gather(rows, err, scanUser)
}

// AnyUser says whether there is a user, in whatever account.
func (s *Store) AnyUser(ctx context.Context) (bool, error) {
	var one int
	err := s.row(ctx, anyUser).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, readError(err)
}

const anyUser = `SELECT 1 FROM account_user LIMIT 1`

// UserByEmail gives the user who signs in by an email (in lower case), and the
// hash of their password, "" when they have none; CodeNotFound when there is no such user.
func (s *Store) UserByEmail(ctx context.Context, email string) (tidings.User, string, error) {
	var hash string
	u, err := scanUserAnd(s.row(ctx, `SELECT `+userColumns+`, password FROM account_user WHERE email = $1`, email), &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return tidings.User{}, "", tidings.Errorf(tidings.CodeNotFound, "there is no user with that email")
	}
	if err != nil {
		return tidings.User{}, "", readError(err)
	}
	return u, hash, nil
}

// UserBySubject gives the user whom single sign-on knows by a subject (see
// tidings.User); CodeNotFound when there is none.
func (s *Store) UserBySubject(ctx context.Context, subject string) (tidings.User, error) {
	u, err := scanUser(s.row(ctx, selectUser+` WHERE subject = $1 AND subject <> ''`, subject))
	if errors.Is(err, sql.ErrNoRows) {
		return tidings.User{}, tidings.Errorf(tidings.CodeNotFound, "there is no user with that identity of single sign-on")
	}
	return u, readError(err)
}

// PasswordOf gives the hash of a user's password, "" when they have none;
// CodeNotFound when the account has no such user.
func (s *Store) PasswordOf(ctx context.Context, account tidings.AccountID, id tidings.UserID) (string, error) {
	var hash string
	err := s.row(ctx, `SELECT password FROM account_user WHERE account = $1 AND id = $2`, account, id).Scan(&hash)
	if err != nil {
		return "", orNotFound(err, "user", int64(id))
	}
	return hash, nil
}

// UpdateUser stores the name, role and theme of a user who was read and
// changed. u.Version is the one that was read; when it has changed since,
// nothing is stored (CodeConflict), and neither when the account's last active
// owner would be one no more. CodeNotFound when the account has no such user.
// detail says what changed, for the audit.
func (s *Store) UpdateUser(ctx context.Context, u tidings.User, actor, detail string) (tidings.User, error) {
	var stored tidings.User
	err := s.commit(ctx, func(tx *writeTx) error {
		was, err := lockUser(tx, u.Account, u.ID)
		if err != nil {
			return err
		}
		if !u.Owns() {
			if err := keepOwner(tx, &was); err != nil {
				return err
			}
		}
		stored, err = scanUser(tx.row(`
			UPDATE account_user SET version = version + 1, updated = $4, name = $5, role = $6, theme = $7
			WHERE id = $1 AND account = $2 AND version = $3 RETURNING `+userColumns,
			u.ID, u.Account, u.Version, millis(tx.now), u.Name, string(u.Role), string(u.Theme)))
		if errors.Is(err, sql.ErrNoRows) {
			return whyStale(tx.row(`SELECT version FROM account_user WHERE id = $1 AND account = $2`, u.ID, u.Account), "user", int64(u.ID), u.Version)
		}
		if err != nil {
			return err
		}
		return auditUser(tx, &stored, actor, "user.update", detail)
	})
	if err != nil {
		return tidings.User{}, err
	}
	return stored, nil
}

// DeleteUser removes a user with their sessions and their one-time link. The
// account's last active owner stays (CodeConflict). CodeNotFound when the
// account has no such user.
func (s *Store) DeleteUser(ctx context.Context, account tidings.AccountID, id tidings.UserID, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		u, err := lockUser(tx, account, id)
		if err != nil {
			return err
		}
		if err := keepOwner(tx, &u); err != nil {
			return err
		}
		for _, from := range []string{`user_session WHERE user_id`, `user_link WHERE user_id`, `account_user WHERE id`} {
			if _, err := tx.exec(`DELETE FROM `+from+` = $1`, id); err != nil {
				return err
			}
		}
		return auditUser(tx, &u, actor, "user.delete", "")
	})
}

// SetPassword gives a user a new password, of which hash is the hash. Their
// one-time link and all their sessions end but the one with the id keep; 0 =
// all. CodeNotFound when the account has no such user.
func (s *Store) SetPassword(ctx context.Context, account tidings.AccountID, id tidings.UserID, hash string, keep int64, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		u, err := lockUser(tx, account, id)
		if err != nil {
			return err
		}
		if u, err = setPassword(tx, u.ID, "", hash); err != nil {
			return err
		}
		if err := endSessions(tx, id, keep); err != nil {
			return err
		}
		return auditUser(tx, &u, actor, "user.password", "")
	})
}

// setPassword gives a user a new password, and a new name unless it is "".
// Their one-time link works no more.
func setPassword(tx *writeTx, id tidings.UserID, name, hash string) (tidings.User, error) {
	if _, err := tx.exec(`DELETE FROM user_link WHERE user_id = $1`, id); err != nil {
		return tidings.User{}, err
	}
	return scanUser(tx.row(`
		UPDATE account_user SET password = $2, active = 1, name = coalesce(nullif($3, ''), name), version = version + 1, updated = $4
		WHERE id = $1 RETURNING `+userColumns, id, hash, name, millis(tx.now)))
}

// SetSubject notes by what subject single sign-on knows a user, who is active
// from then on. CodeConflict when another user has the subject, CodeNotFound
// when there is no such user.
func (s *Store) SetSubject(ctx context.Context, id tidings.UserID, subject string) (tidings.User, error) {
	var u tidings.User
	err := s.commit(ctx, func(tx *writeTx) error {
		var other tidings.UserID
		err := tx.row(`SELECT id FROM account_user WHERE subject = $1 AND subject <> '' AND id <> $2`, subject, id).Scan(&other)
		switch {
		case err == nil:
			return tidings.Errorf(tidings.CodeConflict, "another user signs in by that identity of single sign-on: nothing was changed")
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		u, err = scanUser(tx.row(`
			UPDATE account_user SET subject = $2, active = 1, version = version + 1, updated = $3 WHERE id = $1 RETURNING `+userColumns,
			id, subject, millis(tx.now)))
		if err != nil {
			return orNotFound(err, "user", int64(id))
		}
		return auditUser(tx, &u, u.Actor(), "user.subject", "signs in by single sign-on")
	})
	if err != nil {
		return tidings.User{}, err
	}
	return u, nil
}

// lockUser gives a user of an account, which nobody else changes the users of
// before the transaction ends.
func lockUser(tx *writeTx, account tidings.AccountID, id tidings.UserID) (tidings.User, error) {
	if _, err := tx.head(account); err != nil {
		return tidings.User{}, err
	}
	u, err := scanUser(tx.row(selectUser+` WHERE account = $1 AND id = $2`, account, id))
	if err != nil {
		return tidings.User{}, orNotFound(err, "user", int64(id))
	}
	return u, nil
}

// keepOwner refuses to let the last active owner of an account go: nobody
// could invite people then.
func keepOwner(tx *writeTx, u *tidings.User) error {
	if !u.Active || !u.Owns() {
		return nil
	}
	var one int
	err := tx.row(`SELECT 1 FROM account_user WHERE account = $1 AND role = $2 AND active = 1 AND id <> $3 LIMIT 1`,
		u.Account, string(tidings.RoleOwner), u.ID).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return tidings.Errorf(tidings.CodeConflict, "user %d is the account's only owner who has signed in: make another user an owner first, and have them open their link", u.ID)
	}
	return err
}

func auditUser(tx *writeTx, u *tidings.User, actor, action, detail string) error {
	return auditThing(tx, tidings.AuditRecord{Account: u.Account, Actor: actor, Action: action, Detail: fmt.Sprintf("user %d (%s)", u.ID, u.Email)}, detail)
}

const (
	userColumns = `id, account, email, name, role, operator, theme, subject, active, version, created, updated, seen`
	selectUser  = `SELECT ` + userColumns + ` FROM account_user`
)

func scanUser(row scanner) (tidings.User, error) { return scanUserAnd(row) }

// scanUserAnd reads userColumns, and what comes after them into more.
func scanUserAnd(row scanner, more ...any) (tidings.User, error) {
	var u tidings.User
	var operator, active flag
	var created, updated, seen int64
	into := []any{&u.ID, &u.Account, &u.Email, &u.Name, &u.Role, &operator, &u.Theme, &u.Subject, &active, &u.Version, &created, &updated, &seen}
	if err := row.Scan(append(into, more...)...); err != nil {
		return tidings.User{}, err
	}
	u.Operator, u.Active = bool(operator), bool(active)
	u.CreatedAt, u.UpdatedAt, u.SeenAt = fromMillis(created), fromMillis(updated), fromMillis(seen)
	return u, nil
}
