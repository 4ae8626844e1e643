package curl

import "strings"

// option is one of curl's options: whether a value follows, and what it does here.
type option struct {
	long  string
	short byte // 0 = none
	value bool
	do    func(p *parser, o *option, value string) error
	why   string // of refused and leftOut: why
}

// findOption finds an option by its name, without dashes; nil when it is not
// known. Options that are on by themselves can be written with no-.
func findOption(name string) *option {
	for i := range knownOptions {
		if knownOptions[i].long == name {
			return &knownOptions[i]
		}
	}
	if rest, ok := strings.CutPrefix(name, "no-"); ok {
		if o := findOption(rest); o != nil && !o.value {
			return &option{long: name, do: silent}
		}
	}
	return nil
}

func findShort(c byte) *option {
	for i := range knownOptions {
		if knownOptions[i].short == c {
			return &knownOptions[i]
		}
	}
	return nil
}

// Why options are refused that several share.
const (
	noFiles   = "nothing is read from files here: put the content in its place"
	noParts   = "a form with parts (multipart) can't be sent: a webhook's body is JSON, XML or text"
	noCerts   = "certificates of clients are not supported"
	otherAuth = "only Basic, Bearer and API keys are supported"
)

// knownOptions is what is known of curl's options.
var knownOptions = []option{
	{"request", 'X', true, (*parser).setMethod, ""},
	{"url", 0, true, (*parser).addURL, ""},
	{"header", 'H', true, (*parser).addHeader, ""},
	{"user", 'u', true, (*parser).setUser, ""},
	{"user-agent", 'A', true, headerNamed("User-Agent"), ""},
	{"referer", 'e', true, headerNamed("Referer"), ""},
	{"cookie", 'b', true, (*parser).addCookie, ""},
	{"oauth2-bearer", 0, true, (*parser).setBearer, ""},
	{"max-time", 'm', true, (*parser).setTimeout, ""},

	{"data", 'd', true, (*parser).addData, ""},
	{"data-ascii", 0, true, (*parser).addData, ""},
	{"data-binary", 0, true, (*parser).addData, ""},
	{"data-raw", 0, true, (*parser).addRaw, ""},
	{"data-urlencode", 0, true, (*parser).addEncoded, ""},
	{"json", 0, true, (*parser).addJSON, ""},
	{"get", 'G', false, (*parser).dataInQuery, ""},
	{"url-query", 0, true, (*parser).addQuery, ""},

	{"location", 'L', false, leftOut, "redirects are not followed"},
	{"location-trusted", 0, false, leftOut, "redirects are not followed"},
	{"max-redirs", 0, true, leftOut, "redirects are not followed"},
	{"insecure", 'k', false, leftOut, "certificates are always verified"},
	{"proxy", 'x', true, leftOut, "requests go out directly"},
	{"proxy-user", 'U', true, leftOut, "requests go out directly"},
	{"noproxy", 0, true, leftOut, "requests go out directly"},
	{"resolve", 0, true, leftOut, "names are looked up as usual"},
	{"connect-to", 0, true, leftOut, "names are looked up as usual"},
	{"connect-timeout", 0, true, leftOut, "the timeout is one for the whole call"},
	{"retry", 0, true, leftOut, "calls have retries of their own"},
	{"retry-delay", 0, true, leftOut, "calls have retries of their own"},
	{"retry-max-time", 0, true, leftOut, "calls have retries of their own"},
	{"retry-all-errors", 0, false, leftOut, "calls have retries of their own"},
	{"retry-connrefused", 0, false, leftOut, "calls have retries of their own"},
	{"compressed", 0, false, leftOut, "replies are asked for uncompressed"},
	{"cookie-jar", 'c', true, leftOut, "cookies are not kept"},
	{"cacert", 0, true, leftOut, "authorities are given to the server by --ca-file"},
	{"limit-rate", 0, true, leftOut, "the rate is not limited"},

	{"head", 'I', false, refused, "a webhook's method is GET or POST"},
	{"form", 'F', true, refused, noParts},
	{"form-string", 0, true, refused, noParts},
	{"upload-file", 'T', true, refused, noFiles},
	{"config", 'K', true, refused, noFiles},
	{"netrc", 'n', false, refused, noFiles},
	{"netrc-file", 0, true, refused, noFiles},
	{"cert", 'E', true, refused, noCerts},
	{"key", 0, true, refused, noCerts},
	{"digest", 0, false, refused, otherAuth},
	{"ntlm", 0, false, refused, otherAuth},
	{"negotiate", 0, false, refused, otherAuth},
	{"anyauth", 0, false, refused, otherAuth},
	{"aws-sigv4", 0, true, refused, otherAuth},
	{"next", ':', false, refused, "one request at a time: give each command alone"},
	{"unix-socket", 0, true, refused, "requests go out over the network only"},
	{"range", 'r', true, refused, "replies are always read from their beginning"},

	{"basic", 0, false, silent, ""},
	{"silent", 's', false, silent, ""},
	{"show-error", 'S', false, silent, ""},
	{"verbose", 'v', false, silent, ""},
	{"include", 'i', false, silent, ""},
	{"show-headers", 0, false, silent, ""},
	{"fail", 'f', false, silent, ""},
	{"fail-with-body", 0, false, silent, ""},
	{"output", 'o', true, silent, ""},
	{"remote-name", 'O', false, silent, ""},
	{"write-out", 'w', true, silent, ""},
	{"dump-header", 'D', true, silent, ""},
	{"progress-bar", '#', false, silent, ""},
	{"progress-meter", 0, false, silent, ""},
	{"buffer", 'N', false, silent, ""},
	{"no-buffer", 0, false, silent, ""},
	{"trace-time", 0, false, silent, ""},
	{"globoff", 'g', false, silent, ""},
	{"path-as-is", 0, false, silent, ""},
	{"keepalive", 0, false, silent, ""},
	{"http1.0", '0', false, silent, ""},
	{"http1.1", 0, false, silent, ""},
	{"http2", 0, false, silent, ""},
	{"http2-prior-knowledge", 0, false, silent, ""},
	{"http3", 0, false, silent, ""},
	{"ipv4", '4', false, silent, ""},
	{"ipv6", '6', false, silent, ""},
	{"tlsv1", '1', false, silent, ""},
	{"tlsv1.2", 0, false, silent, ""},
	{"tlsv1.3", 0, false, silent, ""},
	{"ssl-reqd", 0, false, silent, ""},
	{"tcp-nodelay", 0, false, silent, ""},
	{"disable", 'q', false, silent, ""},
}

// silent takes an option that changes nothing of the request itself.
func silent(*parser, *option, string) error { return nil }

// leftOut takes an option that does not apply here, and says so.
func leftOut(p *parser, o *option, _ string) error {
	note := "--" + o.long + ": " + o.why
	p.out.LeftOut = append(p.out.LeftOut, note)
	return nil
}

// refused ends the reading: without the option the request would be another.
func refused(p *parser, o *option, _ string) error {
	return p.fail("--%s can't be taken: %s", o.long, o.why)
}

func headerNamed(name string) func(*parser, *option, string) error {
	return func(p *parser, _ *option, value string) error {
		p.setHeader(name, value)
		return nil
	}
}
