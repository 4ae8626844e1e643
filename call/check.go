package call

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"tidings"
	"tidings/egress"
)

// Rules says what may be called.
type Rules struct {
	// AllowHTTP lets URLs begin with http://, for development: to addresses of
	// Allow only, which the egress client holds to (HTTPToAllowed). Default: https only.
	AllowHTTP bool
	// Allow lists ranges that may be called although they are not of the public
	// internet; they are those of the egress client. Default: none.
	Allow []netip.Prefix
}

// CheckWebhook says what is wrong with a webhook that somebody wants to save
// or to test; auth is its connector's, nil without one. It parses the templates and
// looks at what is certain without data; the rest is seen at each call. The fields
// are those of the API: name, description, method, url, headers[0].name,
// headers[0].value, body.format, body.template, timeoutMs.
func CheckWebhook(w *tidings.Webhook, auth *tidings.Auth, rules Rules) []tidings.FieldError {
	var wrong []tidings.FieldError
	say := func(field, reason string) {
		if reason != "" {
			wrong = append(wrong, tidings.FieldError{Index: -1, Field: field, Reason: reason})
		}
	}
	say("name", tidings.CheckName(w.Name))
	if n := utf8.RuneCountInString(w.Description); n > tidings.MaxDescription {
		say("description", fmt.Sprintf("is longer than %d characters", tidings.MaxDescription))
	}
	if w.Method != tidings.MethodGet && w.Method != tidings.MethodPost {
		say("method", "must be GET or POST")
	}
	say(string(PartURL), checkURL(w.URL, rules))
	checkRows(w.Headers, auth, say)
	checkBody(w, say)
	if w.Timeout != 0 && (w.Timeout < tidings.MinTimeout || w.Timeout > tidings.MaxTimeout) {
		say("timeoutMs", fmt.Sprintf("must be between %d and %d, or 0 for %d",
			tidings.MinTimeout/time.Millisecond, tidings.MaxTimeout/time.Millisecond, tidings.DefaultCallTimeout/time.Millisecond))
	}
	return wrong
}

// authority is the beginning of a URL up to its path or query, without any
// template in it: who is called is the author's to say, not the data's, since
// credentials go there.
var authority = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://[^/?#$%\\]+(?:[/?]|$)`)

func checkURL(template string, rules Rules) string {
	reason := checkTemplate(PartURL, template, tidings.MaxWebhookURL)
	head := authority.FindString(template)
	switch {
	case template == "":
		return "is required"
	case reason != "":
		return reason
	case strings.TrimSpace(template) != template:
		return "has white space before or after it"
	case head != "":
		return egress.CheckURL(head, egress.URLRules{HTTPSOnly: !rules.AllowHTTP, HTTPToAllowed: true, Allow: rules.Allow})
	}
	if scheme, _, ok := strings.Cut(template, "://"); !ok || strings.ContainsAny(scheme, "$#%") {
		return "must begin with https:// and a host; variables may follow in the path and after the ?"
	}
	return "has a variable, or a character that a host can't have, before its path: the host must be written out, variables may follow in the path and after the ?"
}

func checkRows(rows []tidings.Header, auth *tidings.Auth, say func(field, reason string)) {
	if len(rows) > tidings.MaxWebhookHeaders {
		say("headers", fmt.Sprintf("has %d rows: at most %d are allowed", len(rows), tidings.MaxWebhookHeaders))
		return
	}
	seen := map[string]bool{}
	for i, row := range rows {
		name := http.CanonicalHeaderKey(row.Name)
		reason := checkHeaderName(row.Name)
		switch {
		case reason != "":
		case seen[name]:
			reason = "is there twice"
		case name == setsHeader(auth):
			reason = "is set by the connector: leave out one of the two"
		}
		seen[name] = true
		say(fmt.Sprintf("headers[%d].name", i), reason)
		part := headerPart(i)
		reason = checkTemplate(part, row.Value, tidings.MaxHeaderValue)
		if reason == "" && !strings.ContainsAny(row.Value, "$#%") {
			reason = egress.CheckHeaderValue(row.Value, tidings.MaxHeaderValue)
		}
		say(string(part), reason)
	}
}

func checkBody(w *tidings.Webhook, say func(field, reason string)) {
	switch w.Body.Format {
	case tidings.BodyNone:
		if w.Body.Template != "" {
			say("body.format", "is required with a body: json, xml or text")
		}
		return
	case tidings.BodyJSON, tidings.BodyXML, tidings.BodyText:
	default:
		say("body.format", "must be json, xml or text")
		return
	}
	if w.Method == tidings.MethodGet {
		say("body", "is not sent with GET: choose POST, or leave it out")
		return
	}
	reason := checkTemplate(PartBody, w.Body.Template, tidings.MaxWebhookBody)
	if reason == "" && w.Body.Format != tidings.BodyText && strings.TrimSpace(w.Body.Template) == "" {
		reason = "is required: an empty text is neither JSON nor XML"
	}
	say(string(PartBody), reason)
}

func checkTemplate(part Part, template string, maxBytes int) string {
	if len(template) > maxBytes {
		return fmt.Sprintf("is longer than %d bytes", maxBytes)
	}
	if _, p := parse(part, template); p != nil {
		if p.Line == 0 {
			return p.Message
		}
		return fmt.Sprintf("line %d, column %d: %s", p.Line, p.Col, p.Message)
	}
	return ""
}

// CheckAuth says what is wrong with a connector's credentials. The fields are
// those of the API: kind, username, secret, in, name. No reason repeats a value.
func CheckAuth(a *tidings.Auth) []tidings.FieldError {
	var wrong []tidings.FieldError
	say := func(field, reason string) {
		if reason != "" {
			wrong = append(wrong, tidings.FieldError{Index: -1, Field: field, Reason: reason})
		}
	}
	switch a.Kind {
	case tidings.AuthBasic:
		say("username", checkUsername(a.Username))
		say("secret", checkSecret(a.Secret, true))
	case tidings.AuthBearer:
		say("secret", checkSecret(a.Secret, false))
	case tidings.AuthAPIKey:
		say("secret", checkSecret(a.Secret, false))
		switch a.In {
		case tidings.KeyInHeader:
			say("name", egress.CheckHeaderName(a.Name))
		case tidings.KeyInQuery:
			say("name", checkParameter(a.Name))
		default:
			say("in", "must be header or query")
		}
	default:
		say("kind", "must be basic, bearer or apiKey")
		return wrong
	}
	return append(wrong, unusedAuth(a)...)
}

// unusedAuth refuses what the kind does not use: it would be kept and never sent.
func unusedAuth(a *tidings.Auth) []tidings.FieldError {
	var wrong []tidings.FieldError
	unused := func(field, value string, kind tidings.AuthKind) {
		if a.Kind != kind && value != "" {
			wrong = append(wrong, tidings.FieldError{Index: -1, Field: field, Reason: fmt.Sprintf("is not used by %s: leave it out", a.Kind)})
		}
	}
	unused("username", a.Username, tidings.AuthBasic)
	unused("in", string(a.In), tidings.AuthAPIKey)
	unused("name", a.Name, tidings.AuthAPIKey)
	return wrong
}

func checkUsername(name string) string {
	switch {
	case strings.Contains(name, ":"):
		return "has a colon, which Basic auth can't carry in a user name"
	case len(name) > tidings.MaxSecret:
		return fmt.Sprintf("is longer than %d bytes", tidings.MaxSecret)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, isControl):
		return "has control characters or is not UTF-8"
	}
	return ""
}

// checkSecret looks at a password, which goes encoded and may be empty, or at
// a token or key, which goes as it is.
func checkSecret(secret string, encoded bool) string {
	switch {
	case len(secret) > tidings.MaxSecret:
		return fmt.Sprintf("is longer than %d bytes", tidings.MaxSecret)
	case secret == "" && !encoded:
		return "is required"
	case !utf8.ValidString(secret) || strings.ContainsFunc(secret, isControl):
		return "has control characters or is not UTF-8"
	case !encoded && strings.TrimSpace(secret) != secret:
		return "has white space before or after it"
	case !encoded && !httpguts.ValidHeaderFieldValue(secret):
		return "has characters that can't be sent"
	}
	return ""
}

func checkParameter(name string) string {
	switch {
	case name == "":
		return "is required"
	case len(name) > 128:
		return "is longer than 128 bytes"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, isControl):
		return "has control characters or is not UTF-8"
	}
	return ""
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
