package message

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"tidings"
)

// partOf gives the text of a part, with lines that end with \n.
func partOf(t testing.TB, data, media string) string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err != nil {
			t.Fatalf("there is no %s: %v", media, err)
		}
		if strings.HasPrefix(p.Header.Get("Content-Type"), media) {
			b, err := io.ReadAll(quotedprintable.NewReader(p))
			if err != nil {
				t.Fatal(err)
			}
			return strings.ReplaceAll(string(b), "\r\n", "\n")
		}
	}
}

func someMail() *tidings.Mail {
	return &tidings.Mail{
		ID: 7, Account: 1, Contact: 2, To: "ann@example.com", From: tidings.Mailbox{Name: "Shop", Address: "shop@example.com"},
		Subject: "Hello", HTML: "<p>Hi</p>", Text: "Hi\n",
	}
}

func testWriter(t testing.TB) writer {
	now := noon()
	return writer{links: testLinks(t, &now), verp: VERP{Keys: linkKeys()}}
}

func TestSignedMailsVerify(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pub, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	rsaPub, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		pem    []byte
		record string
	}{
		"RSA PKCS #8": {pkcs8(rsaKey), "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(rsaPub)},
		"RSA PKCS #1": {pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}), "v=DKIM1; p=" + base64.StdEncoding.EncodeToString(rsaPub)},
		"Ed25519":     {pkcs8(edKey), "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)},
	} {
		d, err := ParseDKIM(c.pem, "s1", "Example.com")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		w := testWriter(t)
		w.dkim = d
		m := someMail()
		m.Subject = "Довга тема листа, яка не вміщається в один рядок заголовка, і ще трохи"
		l, err := w.letter(m, noon())
		if err != nil {
			t.Fatal(err)
		}
		lookup := func(domain string) ([]string, error) {
			if domain != "s1._domainkey.example.com" {
				t.Errorf("%s: the key is looked for at %s", name, domain)
			}
			return []string{c.record}, nil
		}
		verifications, err := dkim.VerifyWithOptions(bytes.NewReader(l.data), &dkim.VerifyOptions{LookupTXT: lookup})
		if err != nil || len(verifications) != 1 || verifications[0].Err != nil {
			t.Fatalf("%s: %v, %+v", name, err, verifications[0])
		}
		signed := strings.ToLower(strings.Join(verifications[0].HeaderKeys, " "))
		for _, must := range []string{"from", "subject", "list-unsubscribe", "list-unsubscribe-post", "message-id"} {
			if !strings.Contains(" "+signed+" ", " "+must+" ") {
				t.Errorf("%s: %s is not signed", name, must)
			}
		}
		tampered := bytes.Replace(l.data, []byte("shop@example.com"), []byte("evil@example.com"), 1)
		if v, err := dkim.VerifyWithOptions(bytes.NewReader(tampered), &dkim.VerifyOptions{LookupTXT: lookup}); err != nil || v[0].Err == nil {
			t.Errorf("%s: a changed mail verifies: %v", name, err)
		}
	}
	for name, bad := range map[string][]byte{"nothing": nil, "text": []byte("hello"), "junk": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}})} {
		if _, err := ParseDKIM(bad, "s1", "example.com"); err == nil {
			t.Errorf("%s is taken for a key", name)
		}
	}
}

// TestNothingInAMailBecomesAHeader: whatever texts hold, the header fields are those of ours.
func TestNothingInAMailBecomesAHeader(t *testing.T) {
	const evil = "x\r\nBcc: evil@example.com\r\n\r\nbody"
	for name, change := range map[string]func(*tidings.Mail){
		"subject":   func(m *tidings.Mail) { m.Subject = evil },
		"from name": func(m *tidings.Mail) { m.From.Name = evil },
		"html":      func(m *tidings.Mail) { m.HTML = evil + "\r\n.\r\nMAIL FROM:<>\n.\n" },
		"text":      func(m *tidings.Mail) { m.Text = ".\r\n" + evil + "\r\n.\r\nQUIT\r\n\n.\n\r.\r" },
	} {
		m := someMail()
		change(m)
		w := testWriter(t)
		l, err := w.letter(m, noon())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		read, err := mail.ReadMessage(bytes.NewReader(l.data))
		if err != nil {
			t.Fatal(err)
		}
		if read.Header.Get("Bcc") != "" || len(read.Header) != 10 {
			t.Errorf("%s: the header is %v", name, read.Header)
		}
		if wire := dotted(l.data); bytes.Index(wire, []byte("\r\n.\r\n")) != len(wire)-5 || bytes.Contains(wire, []byte("\n.\n")) || bytes.Contains(wire, []byte("\r.\r")) {
			t.Errorf("%s: the mail ends before its end:\n%q", name, wire)
		}
	}
	for name, change := range map[string]func(*tidings.Mail){
		"to":       func(m *tidings.Mail) { m.To = "a@example.com>\r\nRCPT TO:<evil@example.com" },
		"from":     func(m *tidings.Mail) { m.From.Address = "a@example.com\r\nBcc: evil@example.com" },
		"reply to": func(m *tidings.Mail) { m.ReplyTo = "a@example.com\nBcc: evil@example.com" },
		"two":      func(m *tidings.Mail) { m.To = "a@example.com,evil@example.com" },
	} {
		m := someMail()
		change(m)
		w := testWriter(t)
		if l, err := w.letter(m, noon()); err == nil {
			t.Errorf("%s was taken: %s to %s", name, l.from, l.to)
		}
	}
}

func TestAddressesBeyondASCII(t *testing.T) {
	m := someMail()
	m.To = "ann@приклад.example"
	w := testWriter(t)
	l, err := w.letter(m, noon())
	if err != nil || l.to != "ann@xn--80aikifvh.example" || l.utf8 {
		t.Errorf("to %+v, %v", l.to, err)
	}
	m.To = "олена@example.com"
	if l, err := w.letter(m, noon()); err != nil || !l.utf8 {
		t.Errorf("%v", err)
	}
	f, k := newFakeStore(), newSink(t, func(s *smtp.Server) { s.EnableSMTPUTF8 = false })
	id := f.queue("олена@example.com")
	startSender(t, f, k, nil)
	f.waitFor(t, "the refusal", func() bool { return len(f.outcomesOf(id)) > 0 })
	f.with(func() {
		if got := f.outcomesOf(id)[0]; !strings.Contains(got, "SMTPUTF8") {
			t.Errorf("%q", got)
		}
	})
}

func TestDotsAndEndsOfMails(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a\r\n.\r\n", "": "\r\n.\r\n", ".": "..\r\n.\r\n", "a\r\n.b\r\n": "a\r\n..b\r\n.\r\n", "\r\n.\r\n.\r\n": "\r\n..\r\n..\r\n.\r\n", "a.\r\n": "a.\r\n.\r\n",
	} {
		if got := string(dotted([]byte(in))); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestServersAreReadFromURLs(t *testing.T) {
	for in, want := range map[string]string{
		"smtp://mail.example": "mail.example:25  ", "smtp://u:p%40@mail.example": "mail.example:587 u/p@ ", "smtp://mail.example:2525?tls=none": "mail.example:2525  none",
		"smtps://u@mail.example": "mail.example:465 u/ direct", "smtp://mail.example/?tls=required": "mail.example:25  required", "smtp://[::1]:25": "[::1]:25  ",
		"mail.example:25": "", "http://mail.example": "", "smtp://": "", "smtp://mail.example/x": "", "smtp://mail.example?tls=maybe": "", "smtp://a b": "", "smtps://mail.example?tls=none": "",
	} {
		s, err := ParseServer(in)
		got := ""
		if err == nil {
			got = s.Addr + " " + s.User
			if s.User != "" {
				got += "/" + s.Password
			}
			got += " " + string(s.TLS)
			if s.Password != "" && strings.Contains(s.String(), s.Password) {
				t.Errorf("%s shows its password", s)
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q (%v)", in, got, want, err)
		}
	}
}

// loginSink is a sink that wants a login.
type loginSink struct{ *sink }

type loginSession struct {
	smtp.Session
	in *bool
}

func (loginSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (l loginSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "shop" || password != "right" {
			return smtp.ErrAuthFailed
		}
		*l.in = true
		return nil
	}), nil
}

func (l loginSession) Mail(from string, o *smtp.MailOptions) error {
	if !*l.in {
		return smtp.ErrAuthRequired
	}
	return l.Session.Mail(from, o)
}

func (k loginSink) NewSession(c *smtp.Conn) (smtp.Session, error) {
	s, err := k.sink.NewSession(c)
	return loginSession{s, new(bool)}, err
}

func testCertificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sink"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestLoginsGoUnderTLSOnly(t *testing.T) {
	cert, pool := testCertificate(t)
	f := newFakeStore()
	id := f.queue("a@example.com")
	k := newSink(t, func(s *smtp.Server) {
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
		s.Backend = loginSink{s.Backend.(*sink)}
	})
	startSender(t, f, k, func(o *SenderOptions) {
		o.Server.User, o.Server.Password, o.Server.Config = "shop", "right", &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
	})
	f.waitFor(t, "the mail", func() bool { return len(f.outcomesOf(id)) > 0 })
	f.with(func() {
		if got := f.outcomesOf(id)[0]; got != "sent: " {
			t.Errorf("under TLS: %q", got)
		}
	})

	plain := newSink(t, func(s *smtp.Server) { s.Backend = loginSink{s.Backend.(*sink)} })
	g := newFakeStore()
	id = g.queue("a@example.com")
	startSender(t, g, plain, func(o *SenderOptions) { o.Server.User, o.Server.Password = "shop", "right" })
	g.waitFor(t, "a try", func() bool { return len(g.outcomesOf(id)) > 0 })
	g.with(func() {
		if got := g.outcomesOf(id)[0]; !strings.Contains(got, "offers no STARTTLS") {
			t.Errorf("without TLS: %q", got)
		}
	})
}

func TestAServersWordsAreKeptOnOneLine(t *testing.T) {
	for _, c := range []struct {
		code       int
		text, want string
	}{
		{550, "5.1.1 No such user", "smtp;550 5.1.1 No such user"},
		{550, "5.1.1 No such\n5.1.1 user here", "smtp;550 5.1.1 No such user here"},
		{554, "Spam\nmessage", "smtp;554 Spam message"},
		{550, "", "smtp;550"},
		{550, strings.Repeat("ї", 600), "smtp;550 " + strings.Repeat("ї", 245) + "…"},
	} {
		if got := smtpWords(c.code, c.text); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func BenchmarkLetter(b *testing.B) {
	w := testWriter(b)
	m := someMail()
	m.HTML = "<html><body>" + strings.Repeat(`<p style="margin:0">Hello, <a href="https://example.com/item?id=1">this</a> is a <b>paragraph</b> of a mail.</p>`+"\r\n", 20) + "</body></html>"
	m.Text = ""
	b.Run("unsigned", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.letter(m, noon()); err != nil {
				b.Fatal(err)
			}
		}
	})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		b.Fatal(err)
	}
	if w.dkim, err = ParseDKIM(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "s", "example.com"); err != nil {
		b.Fatal(err)
	}
	b.Run("RSA 2048", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.letter(m, noon()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
