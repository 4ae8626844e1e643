package call

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tidings"
	"tidings/scope"
)

// masked stands where a secret was.
const masked = "***"

// shortestSecret is the shortest secret that is looked for in free text: a
// shorter one would be found everywhere.
const shortestSecret = 4

// mask hides secrets in what is kept and shown. The zero value hides none. It
// belongs to one call.
type mask struct {
	secrets   []spelled
	header    string // that credentials are in
	parameter string // that a key is in, as it stands in the query
}

// newMask makes the mask of a request: its credentials, and the values of
// headers whose names say that they are secret.
func newMask(auth *tidings.Auth, header http.Header) mask {
	m := mask{header: setsHeader(auth), secrets: make([]spelled, 0, 6)}
	if auth != nil {
		if auth.Kind == tidings.AuthAPIKey && auth.In == tidings.KeyInQuery {
			m.parameter = url.QueryEscape(auth.Name)
		}
		m.add(auth.Secret) // the token of Basic auth is in its header, below
	}
	for name, values := range header {
		if !isSecretName(name) {
			continue
		}
		for _, v := range values {
			m.add(v)
			if _, token, ok := strings.Cut(v, " "); ok {
				m.add(token) // behind "Bearer" and its like
			}
		}
	}
	slices.SortFunc(m.secrets, func(a, b spelled) int { return len(b.text) - len(a.text) })
	return m
}

func (m *mask) add(secret string) {
	for _, text := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
		if len(text) >= shortestSecret && !slices.ContainsFunc(m.secrets, func(s spelled) bool { return s.text == text }) {
			m.secrets = append(m.secrets, spelled{text: text, probe: longestWord(text)})
		}
	}
}

// text hides the secrets in a text.
func (m mask) text(s string) string {
	for i := range m.secrets {
		s = m.secrets[i].hide(s)
	}
	return s
}

// bytes hides the secrets in a body; it is not copied when there are none in it.
func (m mask) bytes(b []byte) []byte {
	for i := range m.secrets {
		if secret := &m.secrets[i]; bytes.Contains(b, []byte(secret.probe)) {
			b = []byte(secret.hide(string(b)))
		}
	}
	return b
}

// leaves hides the secrets in values and in the names that lead to them.
func (m mask) leaves(list []Leaf) {
	for i := range list {
		l := &list[i]
		if value := string(l.Value); m.text(value) != value {
			l.Value = scope.AppendString(nil, masked)
		}
		l.Path, l.Expression, l.Dotted = m.text(l.Path), m.text(l.Expression), m.text(l.Dotted)
	}
}

// rows lists headers in the order of their names, secrets masked.
func (m mask) rows(h http.Header) []tidings.Header {
	if len(h) == 0 {
		return nil
	}
	rows := make([]tidings.Header, 0, len(h))
	for name, values := range h {
		for _, v := range values {
			if isSecretName(name) || name == m.header {
				v = maskedValue(v)
			}
			rows = append(rows, tidings.Header{Name: name, Value: m.text(strings.ToValidUTF8(v, "\ufffd"))})
		}
	}
	slices.SortStableFunc(rows, func(a, b tidings.Header) int { return strings.Compare(a.Name, b.Name) })
	return rows
}

// maskedValue keeps the scheme of credentials: "Bearer ***".
func maskedValue(v string) string {
	switch scheme, _, ok := strings.Cut(v, " "); {
	case v == "":
		return v
	case ok && (strings.EqualFold(scheme, "Basic") || strings.EqualFold(scheme, "Bearer")):
		return scheme + " " + masked
	}
	return masked
}

// url hides the secrets in a URL, and the values of parameters whose names say that they are secret.
func (m mask) url(raw string) string {
	head, query, ok := strings.Cut(raw, "?")
	if !ok {
		return m.text(raw)
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		if name, value, ok := strings.Cut(pair, "="); ok && value != "" && (isSecretName(name) || name == m.parameter) {
			pairs[i] = name + "=" + masked
		}
	}
	return m.text(head + "?" + strings.Join(pairs, "&"))
}

// isSecretName says whether a header or parameter of this name carries a
// secret, by the names that APIs give to them, in any case and with any of - _ . in them.
func isSecretName(name string) bool {
	const longest = 64
	var folded [longest]byte
	n := 0
	for i := 0; i < len(name) && n < longest; i++ {
		switch c := name[i]; {
		case c == '-' || c == '_' || c == '.':
			continue
		case 'A' <= c && c <= 'Z':
			folded[n] = c + 'a' - 'A'
		default:
			folded[n] = c
		}
		n++
	}
	switch string(folded[:n]) {
	case "accept", "contenttype", "contentlength", "date", "server", "useragent", "tidingscallid":
		return false
	case "authorization", "proxyauthorization", "cookie", "setcookie", "key", "auth", "sig", "signature", "pwd", "pass":
		return true
	}
	return slices.ContainsFunc(secretParts, func(part string) bool { return bytes.Contains(folded[:n], []byte(part)) })
}

// secretParts is in the names of what is secret.
var secretParts = []string{
	"apikey", "token", "secret", "password", "passwd", "credential", "accesskey", "authkey", "subscriptionkey", "privatekey",
}
