package feed

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidings"
)

// The form of a signing secret (Standard Webhooks, "Signature scheme").
const (
	secretPrefix   = "whsec_"
	minSecretBytes = 24
	maxSecretBytes = 64
	newSecretBytes = 32
)

// NewSecret makes a random signing secret: "whsec_" and the base64 of 32 bytes.
func NewSecret() string {
	key := make([]byte, newSecretBytes)
	_, _ = rand.Read(key) // never fails: it ends the process instead
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// CheckSecret says what is wrong with a signing secret, or "". The reason does not repeat it.
func CheckSecret(value string) string {
	_, reason := secretKey(value)
	return reason
}

// secretKey gives the bytes of a secret, or what is wrong with it.
func secretKey(value string) (key []byte, reason string) {
	text, ok := strings.CutPrefix(value, secretPrefix)
	if !ok {
		return nil, "does not begin with " + secretPrefix
	}
	key, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return nil, "is not base64 after " + secretPrefix
	case len(key) < minSecretBytes || len(key) > maxSecretBytes:
		return nil, fmt.Sprintf("has %d bytes: %d to %d are allowed", len(key), minSecretBytes, maxSecretBytes)
	}
	return key, ""
}

// sign gives the value of webhook-signature: one "v1,…" for each secret that
// has not expired at the time at, newest first. "" when the endpoint has no
// secret at all; an error when it has some and can't sign, for then nothing may be sent.
func sign(secrets []tidings.Secret, id tidings.BatchID, at time.Time, body [][]byte) (string, error) {
	var signatures []string
	for _, s := range secrets {
		if !s.ExpiresAt.IsZero() && !at.Before(s.ExpiresAt) {
			continue
		}
		key, reason := secretKey(s.Value)
		if reason != "" {
			return "", fmt.Errorf("the signing secret %s", reason)
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(string(id) + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		for _, piece := range body {
			mac.Write(piece)
		}
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	if len(secrets) > 0 && len(signatures) == 0 {
		return "", fmt.Errorf("every signing secret has expired")
	}
	return strings.Join(signatures, " "), nil
}
