package egress

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// explainTLS knows what goes wrong between two that speak TLS, or between one
// that does and one that does not.
func explainTLS(at place, r *Response, err error) (Trouble, bool) {
	t := Trouble{Kind: TroubleTLS}
	if plain, isHTTP := isPlain(err); plain {
		t.What = "no TLS: what listens at " + at.addr + " does not speak it"
		if isHTTP {
			t.What = "plain HTTP answer on a TLS port: what listens at " + at.addr + " does not speak TLS"
		}
		t.Advice = "correct the port of the URL"
		if !at.HTTPSOnly {
			t.Advice += ", or begin it with http://"
		}
		return t, true
	}
	if t.What, t.Advice = certificateWords(at, err); t.What != "" {
		return t, true
	}
	if isRemoteAlert(err) {
		t.What = fmt.Sprintf("%s broke off TLS, %v: %s", at.addr, r.Phase, quoted(err.Error()))
		t.Advice = "look into " + at.Name + "'s TLS settings: version, ciphers, client certificates"
		return t, true
	}
	return Trouble{}, false
}

// isRemoteAlert says whether the peer ended TLS by an alert, which crypto/tls
// marks by the operation.
func isRemoteAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

// isPlain says whether what should be TLS is plain text, and whether that is HTTP.
func isPlain(err error) (plain, isHTTP bool) {
	record, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok, ok && string(record.RecordHeader[:]) == "HTTP/"
}

// certificateWords says what is wrong with a certificate; "" when err is about something else.
func certificateWords(at place, err error) (what, advice string) {
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return invalidWords(at, e)
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate of " + at.host + " is not for that name but for " + names(e.Certificate),
			"install a certificate for " + at.host + ", or correct the host of the URL"
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		if e.Cert != nil && bytes.Equal(e.Cert.RawIssuer, e.Cert.RawSubject) {
			return "the certificate of " + at.host + " is signed by itself, not by a known authority",
				"install a certificate of a public authority"
		}
		return "the certificate of " + at.host + " is not signed by a known authority",
			"install a certificate of a public authority, and its intermediate certificates with it"
	}
	return "", ""
}

func invalidWords(at place, e x509.CertificateInvalidError) (what, advice string) {
	subject := "the certificate of " + at.host
	if e.Cert != nil && e.Cert.IsCA {
		subject = "an authority's certificate that " + at.host + " sends"
	}
	if e.Reason != x509.Expired || e.Cert == nil {
		return subject + " is not valid: " + quoted(e.Error()), "install a valid certificate"
	}
	// The one reason covers both ends of the validity. crypto/tls judged by the
	// machine's clock, so that clock tells which end it was.
	if time.Now().Before(e.Cert.NotBefore) {
		return subject + " is not valid before " + e.Cert.NotBefore.UTC().Format(time.DateOnly),
			"check the clocks of both servers, or install a certificate that is valid now"
	}
	return subject + " expired on " + e.Cert.NotAfter.UTC().Format(time.DateOnly), "renew it"
}

// names lists a few of the names that a certificate is for.
func names(c *x509.Certificate) string {
	const most = 3
	list := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	switch {
	case len(list) == 0:
		return "no name at all"
	case len(list) > most:
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}
