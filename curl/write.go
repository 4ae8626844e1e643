package curl

import (
	"strings"
)

// String writes the request as a command for a POSIX shell, one option a line,
// that Parse reads back as the same request.
func (r Request) String() string {
	var b strings.Builder
	b.WriteString("curl")
	option := func(name, value string) { b.WriteString(" \\\n  " + name + " " + quote(value)) }
	if strings.ContainsAny(r.URL, "[]{}") {
		b.WriteString(" --globoff") // curl would take brackets for a range of URLs
	}
	if r.Method != "" {
		b.WriteString(" -X " + quote(r.Method))
	}
	b.WriteString(" --url " + quote(r.URL))
	typed := false
	for _, h := range r.Headers {
		typed = typed || strings.EqualFold(h.Name, "Content-Type")
		if h.Value == "" {
			option("-H", h.Name+";")
			continue
		}
		option("-H", h.Name+": "+h.Value)
	}
	if r.HasBody && !typed {
		option("-H", "Content-Type:") // curl would send that of a form
	}
	if r.Basic != nil {
		option("-u", r.Basic.Username+":"+r.Basic.Password)
	}
	if r.Timeout != "" {
		option("-m", r.Timeout)
	}
	if r.HasBody {
		option("--data-raw", r.Body)
	}
	return b.String()
}

// quote writes a word so that a shell takes it as it is. A quote within goes
// outside of the quotes, which all shells read alike.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
