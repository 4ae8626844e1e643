package faulttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"
)

// authority signs the certificates of one server.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority() *authority {
	a := &authority{key: newKey()}
	template := newTemplate()
	template.Subject.CommonName = "Fault Authority"
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	template.NotBefore, template.NotAfter = template.NotBefore.AddDate(-10, 0, 0), template.NotAfter.AddDate(10, 0, 0)
	a.cert = sign(template, template, a.key, a.key)
	return a
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// issue makes a certificate for Host, after change has had its way.
func (a *authority) issue(change func(*x509.Certificate)) tls.Certificate {
	template, key := newTemplate(), newKey()
	template.DNSNames = []string{Host}
	change(template)
	return tls.Certificate{Certificate: [][]byte{sign(template, a.cert, key, a.key).Raw}, PrivateKey: key}
}

func (a *authority) good() tls.Certificate { return a.issue(func(*x509.Certificate) {}) }

func (a *authority) expired() tls.Certificate {
	return a.issue(func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = c.NotBefore.AddDate(-2, 0, 0), c.NotBefore.AddDate(-1, 0, 0)
	})
}

func (a *authority) notYetValid() tls.Certificate {
	return a.issue(func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = c.NotAfter.AddDate(1, 0, 0), c.NotAfter.AddDate(2, 0, 0)
	})
}

func (a *authority) wrongHost() tls.Certificate {
	return a.issue(func(c *x509.Certificate) { c.DNSNames = []string{"a.test", "b.test", "c.test", "d.test"} })
}

func (a *authority) selfSigned() tls.Certificate {
	template, key := newTemplate(), newKey()
	template.DNSNames = []string{Host}
	return tls.Certificate{Certificate: [][]byte{sign(template, template, key, key).Raw}, PrivateKey: key}
}

func (a *authority) unknown() tls.Certificate { return newAuthority().good() }

func newTemplate() *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		panic(err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: Host},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(0, 0, 7),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func sign(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}
