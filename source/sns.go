package source

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tidings"
)

// The types of messages that SNS sends to an HTTP endpoint.
const (
	snsNotification  = "Notification"
	snsSubscription  = "SubscriptionConfirmation"
	snsUnsubscribing = "UnsubscribeConfirmation"
)

// verifySNS checks that a message is of SNS, and of one of the source's topics.
// Only then it is read further.
func verifySNS(ctx context.Context, s Secrets, m object, r Request) error {
	if !slices.Contains(s.TopicARNs, m.str("TopicArn")) {
		return untrusted("its topic is not one of the source's: " + clip(m.str("TopicArn"), 200))
	}
	location := m.str("SigningCertURL")
	if !isSNSCertificate(location) {
		return untrusted("its certificate is not at SNS")
	}
	signature, err := base64.StdEncoding.DecodeString(m.str("Signature"))
	if err != nil || len(signature) == 0 {
		return untrusted("it has no signature of SNS")
	}
	text := signedText(m)
	if text == "" {
		return malformed(SES, "it is no message of SNS; raw message delivery must be off, as raw messages are not signed")
	}
	signed, err := time.Parse(time.RFC3339, m.str("Timestamp"))
	if err != nil {
		return untrusted("its timestamp can't be read")
	}
	key, err := snsKey(ctx, location, r)
	if err != nil {
		return err
	}
	if !snsSigned(key, m.str("SignatureVersion"), text, signature) {
		return untrusted("its signature is wrong")
	}
	return fresh(signed, r.Now)
}

// snsSigned checks a signature of version 1 (SHA-1) or 2 (SHA-256).
func snsSigned(key *rsa.PublicKey, version, text string, signature []byte) bool {
	switch version {
	case "1":
		sum := sha1.Sum([]byte(text))
		return rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature) == nil
	case "2":
		sum := sha256.Sum256([]byte(text))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
	}
	return false
}

// signedText gives what SNS signs of a message: names and values, each with a
// line end. "" for types that are not known.
func signedText(m object) string {
	var names []string
	switch m.str("Type") {
	case snsNotification:
		names = []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	case snsSubscription, snsUnsubscribing:
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var b strings.Builder
	for _, name := range names {
		if value := m.str(name); value != "" || name != "Subject" {
			b.WriteString(name + "\n" + value + "\n")
		}
	}
	return b.String()
}

// snsHost is the names under which SNS is reached, in all regions.
var snsHost = regexp.MustCompile(`^sns\.[a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?$`)

// isSNS says whether a URL leads to SNS and nowhere else.
func isSNS(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.User == nil && u.Opaque == "" && snsHost.MatchString(u.Host)
}

// isSNSCertificate says whether a URL is one of SNS's certificates. A path
// that climbs is none, whatever it ends in.
func isSNSCertificate(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isSNS(text) && u.RawQuery == "" && u.Fragment == "" &&
		strings.HasSuffix(u.Path, ".pem") && !strings.Contains(u.Path, "..")
}

// snsKey gives the key of a certificate of SNS, which must be valid now.
func snsKey(ctx context.Context, location string, r Request) (*rsa.PublicKey, error) {
	unavailable := func(err error) error {
		return &tidings.Error{Code: tidings.CodeUnavailable, Message: "the certificate of SNS can't be had now: try again", Err: err}
	}
	if r.Certificate == nil {
		return nil, unavailable(nil)
	}
	text, err := r.Certificate(ctx, location)
	if err != nil {
		return nil, unavailable(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, untrusted("its certificate can't be read")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, untrusted("its certificate can't be read")
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < 2048 {
		return nil, untrusted("its certificate has no RSA key of 2048 bits or more")
	}
	if r.Now.Before(cert.NotBefore) || r.Now.After(cert.NotAfter) {
		return nil, untrusted("its certificate is not valid now")
	}
	return key, nil
}
