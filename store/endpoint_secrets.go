package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"tidings"
)

// endpointTable is the place that endpoints' secrets are sealed for.
const endpointTable = "endpoint"

// endpointSecrets is what is sealed of an endpoint, as JSON.
type endpointSecrets struct {
	Auth    *secretAuth     `json:"auth,omitempty"`
	Headers []secretHeader  `json:"headers,omitempty"`
	Signing []signingSecret `json:"signing,omitempty"`
}

type secretAuth struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

type secretHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type signingSecret struct {
	Value   string `json:"value"`
	Expires int64  `json:"expires,omitempty"` // milliseconds since 1970 UTC
}

// sealSecrets seals what is secret of an endpoint for its row; nil when nothing is.
func (s *Store) sealSecrets(e *tidings.Endpoint) ([]byte, error) {
	if e.Auth == nil && len(e.Headers) == 0 && len(e.Secrets) == 0 {
		return nil, nil
	}
	secrets := endpointSecrets{Auth: (*secretAuth)(e.Auth)}
	for _, h := range e.Headers {
		secrets.Headers = append(secrets.Headers, secretHeader(h))
	}
	for _, secret := range e.Secrets {
		secrets.Signing = append(secrets.Signing, signingSecret{secret.Value, millis(secret.ExpiresAt)})
	}
	text, err := json.Marshal(secrets)
	if err != nil {
		return nil, fmt.Errorf("seal the secrets of endpoint %d: %w", e.ID, err)
	}
	return s.opts.Keys.seal(text, endpointTable, int64(e.ID))
}

// openSecrets puts what was sealed back into its endpoint. Errors name the
// endpoint and the key, and nothing that is secret.
func openSecrets(keys Keyring, sealed []byte, e *tidings.Endpoint) error {
	if sealed == nil {
		return nil
	}
	text, err := keys.open(sealed, endpointTable, int64(e.ID))
	if err != nil {
		return err
	}
	var secrets endpointSecrets
	if json.Unmarshal(text, &secrets) != nil {
		return fmt.Errorf("the secrets of endpoint %d are not in a form that this version reads", e.ID)
	}
	e.Auth = (*tidings.BasicAuth)(secrets.Auth)
	for _, h := range secrets.Headers {
		e.Headers = append(e.Headers, tidings.Header(h))
	}
	for _, secret := range secrets.Signing {
		e.Secrets = append(e.Secrets, tidings.Secret{Value: secret.Value, ExpiresAt: fromMillis(secret.Expires)})
	}
	return nil
}

// checkKeys says which key is missing when the ring can't open all secrets.
// An envelope shows its key's id in its head, so nothing is opened for it.
func (s *Store) checkKeys(ctx context.Context) error {
	rows, err := s.rows(ctx, `SELECT DISTINCT substr(secrets, 1, $1) FROM endpoint WHERE secrets IS NOT NULL`, sealHeader)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var head []byte
		if err := rows.Scan(&head); err != nil {
			return readError(err)
		}
		if len(head) != sealHeader || head[0] != sealVersion {
			return errors.New("secrets of endpoints are not in a form that this version reads")
		}
		if _, err := s.opts.Keys.find(keyID(head[1:])); err != nil {
			return fmt.Errorf("secrets of endpoints: %w", err)
		}
	}
	return readError(rows.Err())
}

// resealStep is how many endpoints one step of Reseal takes.
const resealStep = 500

// Reseal seals anew, by the newest key, the secrets that an older key has
// sealed, and gives their number. When it has returned without an error, the
// older keys may leave the key file.
func (s *Store) Reseal(ctx context.Context) (int, error) {
	for resealed := 0; ; {
		step := 0
		err := s.commit(ctx, func(tx *writeTx) (err error) {
			step, err = s.resealSome(tx)
			return err
		})
		if err != nil || step == 0 {
			return resealed, err
		}
		resealed += step
	}
}

func (s *Store) resealSome(tx *writeTx) (int, error) {
	rows, err := tx.rows(`SELECT id, secrets FROM endpoint WHERE secrets IS NOT NULL AND substr(secrets, 2, $1) <> $2 ORDER BY id LIMIT $3`,
		len(keyID{}), s.opts.Keys.newest(), resealStep)
	if err != nil {
		return 0, err
	}
	old, err := sealedRows(rows)
	if err != nil {
		return 0, err
	}
	for id, sealed := range old {
		text, err := s.opts.Keys.open(sealed, endpointTable, id)
		if err != nil {
			return 0, err
		}
		if sealed, err = s.opts.Keys.seal(text, endpointTable, id); err != nil {
			return 0, err
		}
		if _, err := tx.exec(`UPDATE endpoint SET secrets = $2 WHERE id = $1`, id, sealed); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

func sealedRows(rows *sql.Rows) (map[int64][]byte, error) {
	defer rows.Close()
	sealed := make(map[int64][]byte)
	for rows.Next() {
		var id int64
		var envelope []byte
		if err := rows.Scan(&id, &envelope); err != nil {
			return nil, err
		}
		sealed[id] = envelope
	}
	return sealed, rows.Err()
}
