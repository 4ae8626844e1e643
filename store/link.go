package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tidings"
)

// setupUser stands in user_link for the user whom the setup link makes.
const setupUser tidings.UserID = 0

// MakeLink gives a user a one-time link, by which they set a password; the one
// that they had works no more. Their password and sessions stay until it is
// opened. CodeNotFound when the account has no such user.
func (s *Store) MakeLink(ctx context.Context, account tidings.AccountID, id tidings.UserID, digest [32]byte, expires time.Time, actor string) error {
	return s.commit(ctx, func(tx *writeTx) error {
		u, err := lockUser(tx, account, id)
		if err != nil {
			return err
		}
		if err := putLink(tx, id, digest, expires); err != nil {
			return err
		}
		return auditUser(tx, &u, actor, "user.link", "")
	})
}

// MakeSetupLink makes the link by which the first user is made (see SetUp); an
// earlier one works no more. It belongs to no account, so no audit tells of it.
func (s *Store) MakeSetupLink(ctx context.Context, digest [32]byte, expires time.Time) error {
	return s.commit(ctx, func(tx *writeTx) error { return putLink(tx, setupUser, digest, expires) })
}

func putLink(tx *writeTx, user tidings.UserID, digest [32]byte, expires time.Time) error {
	_, err := tx.exec(`
		INSERT INTO user_link (user_id, digest, expires) VALUES ($1, $2, $3)
		ON CONFLICT (user_id) DO UPDATE SET digest = excluded.digest, expires = excluded.expires`, user, digest[:], millis(expires))
	return err
}

// LinkUser says whose the one-time link with a token of a digest is, without
// using it up; the zero user for the setup link. CodeNotFound when there is no
// such link, when it is used up or past its time.
func (s *Store) LinkUser(ctx context.Context, digest [32]byte) (tidings.User, tidings.Account, error) {
	var id tidings.UserID
	err := s.row(ctx, selectLink, digest[:], millis(s.now())).Scan(&id)
	if err != nil {
		return tidings.User{}, tidings.Account{}, linkGone(err)
	}
	if id == setupUser {
		return tidings.User{}, tidings.Account{}, nil
	}
	u, err := scanUser(s.row(ctx, selectUser+` WHERE id = $1`, id))
	if err != nil {
		return tidings.User{}, tidings.Account{}, linkGone(err) // deleted since
	}
	a, err := s.Account(ctx, u.Account)
	return u, a, err
}

// RedeemLink uses a one-time link up: its user has the password of a hash from
// now on, and the name unless it is "", and all their sessions end. CodeNotFound
// as for LinkUser, and for the setup link.
func (s *Store) RedeemLink(ctx context.Context, digest [32]byte, name, hash string) (tidings.User, error) {
	var u tidings.User
	err := s.commit(ctx, func(tx *writeTx) error {
		id, err := useLink(tx, digest)
		if err != nil {
			return err
		}
		if u, err = setPassword(tx, id, name, hash); err != nil { // of the setup link there is no user
			return linkGone(err)
		}
		if err := endSessions(tx, id, 0); err != nil {
			return err
		}
		return auditUser(tx, &u, u.Actor(), "user.password", "by a one-time link")
	})
	if err != nil {
		return tidings.User{}, err
	}
	return u, nil
}

// SetUp uses the setup link up and makes the first user, an owner and
// operator, with the password of a hash: of a new account with a name and no
// keys, or of the account into when it is not 0. CodeConflict when there is a
// user already, CodeNotFound when it is not the setup link or there is no account into.
func (s *Store) SetUp(ctx context.Context, digest [32]byte, accountName string, into tidings.AccountID, u tidings.User, hash string) (tidings.User, tidings.Account, error) {
	var made tidings.User
	var account tidings.Account
	err := s.commit(ctx, func(tx *writeTx) error {
		var one int
		switch err := tx.row(anyUser).Scan(&one); {
		case err == nil:
			return tidings.Errorf(tidings.CodeConflict, "the first user is made already: sign in, or have an owner invite you")
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		id, err := useLink(tx, digest)
		if err != nil {
			return err
		}
		if id != setupUser {
			return linkGone(sql.ErrNoRows)
		}
		if account, err = accountToSetUp(tx, accountName, into); err != nil {
			return err
		}
		first := u
		first.Account, first.Role, first.Operator = account.ID, tidings.RoleOwner, true
		if made, err = insertUser(tx, first, hash); err != nil {
			return err
		}
		if into == 0 {
			record := tidings.AuditRecord{Account: account.ID, Actor: made.Actor(), Action: "account.create", Detail: fmt.Sprintf("account %q", account.Name)}
			if err := auditThing(tx, record, ""); err != nil {
				return err
			}
		}
		return auditUser(tx, &made, made.Actor(), "user.set-up", "the first user, an operator")
	})
	if err != nil {
		return tidings.User{}, tidings.Account{}, err
	}
	return made, account, nil
}

func accountToSetUp(tx *writeTx, name string, into tidings.AccountID) (tidings.Account, error) {
	if into == 0 {
		return insertAccount(tx, name)
	}
	a, err := scanAccount(tx.row(selectAccount+` WHERE id = $1`, into))
	if err != nil {
		return a, orNotFound(err, "account", int64(into))
	}
	return a, nil
}

const selectLink = `SELECT user_id FROM user_link WHERE digest = $1 AND expires > $2`

// useLink takes a link away and gives whose it was. Of two who use it at once, one finds it.
func useLink(tx *writeTx, digest [32]byte) (tidings.UserID, error) {
	var id tidings.UserID
	err := tx.row(`DELETE FROM user_link WHERE digest = $1 AND expires > $2 RETURNING user_id`, digest[:], millis(tx.now)).Scan(&id)
	if err != nil {
		return 0, linkGone(err)
	}
	return id, nil
}

// linkGone makes a missing row the refusal of a link; other errors pass.
func linkGone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return tidings.Errorf(tidings.CodeNotFound, "the link was used or is past its time: ask for a new one")
	}
	return readError(err)
}
