package call

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"tidings"
)

// authorize puts a connector's credentials into a request, after all else. A
// query parameter is appended, so that what was there stays as it was.
func authorize(auth *tidings.Auth, rawURL string, header http.Header) string {
	if auth == nil {
		return rawURL
	}
	switch {
	case auth.Kind == tidings.AuthBasic:
		header.Set("Authorization", "Basic "+basicToken(auth))
	case auth.Kind == tidings.AuthBearer:
		header.Set("Authorization", "Bearer "+auth.Secret)
	case auth.In == tidings.KeyInHeader:
		header.Set(auth.Name, auth.Secret)
	default:
		separator := "?"
		if strings.Contains(rawURL, "?") {
			separator = "&"
			if strings.HasSuffix(rawURL, "?") || strings.HasSuffix(rawURL, "&") {
				separator = ""
			}
		}
		return rawURL + separator + url.QueryEscape(auth.Name) + "=" + url.QueryEscape(auth.Secret)
	}
	return rawURL
}

func basicToken(a *tidings.Auth) string {
	return base64.StdEncoding.EncodeToString([]byte(a.Username + ":" + a.Secret))
}
