package store

import (
	"encoding/json"
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
