package ui

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The state of a list (conditions, order, page) is in its address, so that it
// can be kept, sent on and gone back to.

// with gives the address of this page with some parameters changed: name,
// value, name, value, …; "" takes one away. A page's cursor ("after", "before")
// falls away unless it is named: other conditions begin at the first page.
func (v *visit) with(pairs ...string) string {
	q := v.r.URL.Query()
	q.Del("after")
	q.Del("before")
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return address(v.r.URL.Path, q)
}

// address joins a path and its parameters.
func address(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// pick gives those parameters of this page's address that the API knows by the
// same name, empty ones left out.
func (v *visit) pick(names ...string) url.Values {
	from, to := v.r.URL.Query(), url.Values{}
	for _, name := range names {
		if value := strings.TrimSpace(from.Get(name)); value != "" {
			to.Set(name, value)
		}
	}
	return to
}

// count writes a number with its thousands apart: 1,204,331.
func count[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// plural writes a number with its noun: "1 activity", "3 activities".
func plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// decimal writes an id.
func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// instant turns a time of a form (datetime-local, in the account's zone) into
// one that the API reads. What is no such time stays, so that the API says what is wrong.
func (v *visit) instant(q url.Values, name string) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, q.Get(name), v.clock.Zone); err == nil {
			q.Set(name, t.UTC().Format(time.RFC3339))
			return
		}
	}
}
