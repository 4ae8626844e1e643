package call

import (
	"net/http"

	"tidings"
	"tidings/egress"
)

// IDHeader is the header that names a call to the other side: the same over
// all tries, so that a repeat can be told.
const IDHeader = "Tidings-Call-Id"

// checkHeaderName says what is wrong with the name of a header row, or "".
// Unlike an endpoint's rows, those of a webhook may say what the body is and who calls.
func checkHeaderName(name string) string {
	if ownChoice(http.CanonicalHeaderKey(name)) {
		return ""
	}
	return egress.CheckHeaderName(name)
}

// ownChoice lists what a webhook may set although an endpoint may not.
func ownChoice(name string) bool {
	return name == "Content-Type" || name == "Content-Language" || name == "User-Agent"
}

// setsHeader names the header that credentials go into, "" when they go elsewhere.
func setsHeader(auth *tidings.Auth) string {
	switch {
	case auth == nil:
		return ""
	case auth.Kind == tidings.AuthBasic, auth.Kind == tidings.AuthBearer:
		return "Authorization"
	case auth.Kind == tidings.AuthAPIKey && auth.In == tidings.KeyInHeader:
		return http.CanonicalHeaderKey(auth.Name)
	}
	return ""
}

// contentType is what a body of a format says it is, unless a header row says otherwise.
func contentType(f tidings.BodyFormat) string {
	switch f {
	case tidings.BodyJSON:
		return "application/json; charset=utf-8"
	case tidings.BodyXML:
		return "application/xml; charset=utf-8"
	case tidings.BodyText:
		return "text/plain; charset=utf-8"
	}
	return ""
}
