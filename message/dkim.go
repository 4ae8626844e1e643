package message

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
)

// DKIM signs mails (RFC 6376).
type DKIM struct {
	options dkim.SignOptions
}

// minRSABits is the shortest key that receivers take (RFC 8301, section 3.2).
const minRSABits = 1024

// ParseDKIM reads a private key in PEM (PKCS #8 or PKCS #1; RSA or Ed25519)
// that signs for a domain; its public half is the TXT record of
// selector._domainkey.domain. An RSA key of 2048 bits costs about a
// millisecond of CPU a mail; an Ed25519 one far less, but some receivers do not know it.
func ParseDKIM(key []byte, selector, domain string) (*DKIM, error) {
	if selector == "" || domain == "" {
		return nil, errors.New("DKIM needs a selector and a domain")
	}
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, errors.New("the DKIM key is not PEM: it must begin with -----BEGIN PRIVATE KEY-----")
	}
	signer, err := parseSigner(block.Bytes)
	if err != nil {
		return nil, err
	}
	d := &DKIM{dkim.SignOptions{
		Domain: strings.ToLower(domain), Selector: selector, Signer: signer,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: []string{
			"From", "Reply-To", "Subject", "Date", "To", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
			"List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", // RFC 8058, section 4: these must be signed
		},
	}}
	if _, err := d.sign([]byte("From: a@example.com\r\n\r\n")); err != nil {
		return nil, fmt.Errorf("the DKIM key can't sign: %w", err)
	}
	return d, nil
}

func parseSigner(der []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		rsaKey, rsaErr := x509.ParsePKCS1PrivateKey(der)
		if rsaErr != nil {
			return nil, fmt.Errorf("the DKIM key can't be read: %w", err)
		}
		key = rsaKey
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() < minRSABits {
			return nil, fmt.Errorf("the DKIM key has %d bits: use 2048", k.N.BitLen())
		}
		return k, nil
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, errors.New("the DKIM key must be RSA or Ed25519")
}

// sign gives a mail with its signature before it.
func (d *DKIM) sign(mail []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(mail) + 1024)
	options := d.options
	err := dkim.Sign(&out, bytes.NewReader(mail), &options)
	return out.Bytes(), err
}
