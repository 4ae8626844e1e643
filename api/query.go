package api

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tidings"
)

// query reads the parameters of a URL, strictly: unknown ones, repeated ones and
// wrong values are all named. err is asked last.
type query struct {
	values url.Values
	asked  []string
	faults []tidings.FieldError
}

// maxText is the most bytes of a parameter's value.
const maxText = 1024

func readQuery(raw string) *query {
	q := &query{}
	values, err := url.ParseQuery(raw)
	if err != nil {
		q.faults = append(q.faults, tidings.FieldError{Index: -1, Reason: "the query can't be read: a % must have two hex digits after it, and ; separates nothing"})
		values = url.Values{}
	}
	q.values = values
	return q
}

func (q *query) fault(name, format string, args ...any) {
	q.faults = append(q.faults, tidings.FieldError{Index: -1, Field: name, Reason: fmt.Sprintf(format, args...)})
}

// faulty says whether something is wrong with a parameter so far.
func (q *query) faulty(name string) bool {
	return slices.ContainsFunc(q.faults, func(f tidings.FieldError) bool { return f.Field == name })
}

// text gives a parameter that is given at most once; "" when it is not.
func (q *query) text(name string) string {
	q.asked = append(q.asked, name)
	values := q.values[name]
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		q.fault(name, "is given more than once")
	case len(values[0]) > maxText:
		q.fault(name, "is longer than %d bytes", maxText)
	case !utf8.ValidString(values[0]):
		q.fault(name, "is not UTF-8")
	default:
		return values[0]
	}
	return ""
}

// number gives a whole number between lo and hi; def when the parameter is not given.
func (q *query) number(name string, def, lo, hi int64) int64 {
	v := q.text(name)
	if v == "" {
		return def
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < lo || n > hi {
		q.fault(name, "must be a whole number from %d to %d", lo, hi)
		return def
	}
	return n
}

// words gives a list, separated by commas or given by repeating the parameter.
func (q *query) words(name string) []string {
	q.asked = append(q.asked, name)
	var words []string
	for _, v := range q.values[name] {
		for w := range strings.SplitSeq(v, ",") {
			if w = strings.TrimSpace(w); w != "" {
				words = append(words, w)
			}
		}
	}
	return words
}

// choice gives one of a few words; the first when the parameter is not given.
func (q *query) choice(name string, allowed ...string) string {
	v := q.text(name)
	if v == "" {
		return allowed[0]
	}
	if !slices.Contains(allowed, v) {
		q.fault(name, "must be one of %s", strings.Join(allowed, ", "))
	}
	return v
}

// time gives an instant; the zero time when the parameter is not given. end
// says that a day without a time means its end: the first instant after it.
func (q *query) time(name string, end bool) time.Time {
	v := q.text(name)
	if v == "" {
		return time.Time{}
	}
	t, err := parseTime(v, end)
	if err != nil {
		q.fault(name, "must be a day or a time as 2026-01-31, 2026-01-31T15:04:05 (UTC) or 2026-01-31T15:04:05+02:00")
	}
	return t
}

// parseTime reads a day or a time; without a zone it is UTC.
func parseTime(v string, end bool) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, v); err == nil {
		if end {
			day = day.AddDate(0, 0, 1)
		}
		return day, nil
	}
	// In a URL a + that is not written as %2B arrives as a space.
	if i := strings.LastIndexByte(v, ' '); i > 0 && i == len(v)-len("+02:00") {
		v = v[:i] + "+" + v[i+1:]
	}
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse("2006-01-02T15:04", v); err == nil {
		return t, nil
	}
	return time.Parse("2006-01-02T15:04:05", v)
}

// err says what is wrong with the query, parameters that nobody asked for included.
func (q *query) err() error {
	names := make([]string, 0, len(q.values))
	for name := range q.values {
		if !slices.Contains(q.asked, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		q.fault(name[:min(len(name), 64)], "is not a parameter here: use %s", strings.Join(q.asked, ", "))
	}
	if len(q.faults) == 0 {
		return nil
	}
	return unreadable("the request's parameters are wrong", q.faults...)
}

// pageOf makes what is shown of a page of a list, and what asks for the next
// one: the id of its last, nil when the page is not full.
func pageOf[T, V any](list []T, limit int, view func(*T) V, id func(*T) int64) ([]V, *int64) {
	shown := make([]V, len(list))
	for i := range list {
		shown[i] = view(&list[i])
	}
	if len(list) < limit {
		return shown, nil
	}
	return shown, ptr(id(&list[len(list)-1]))
}

// pick reads a list page by page until it has found limit (1 or more) that keep
// wants; nil = all. read gives at most limit of those after one.
func pick[T any](after int64, limit int, read func(after int64, limit int) ([]T, error), keep func(*T) bool, id func(*T) int64) ([]T, error) {
	if keep == nil {
		return read(after, limit)
	}
	const page = 200
	var kept []T
	for {
		list, err := read(after, page)
		if err != nil {
			return nil, err
		}
		for i := range list {
			if !keep(&list[i]) {
				continue
			}
			if kept = append(kept, list[i]); len(kept) == limit {
				return kept, nil
			}
		}
		if len(list) < page {
			return kept, nil
		}
		after = id(&list[len(list)-1])
	}
}

// saying makes of a list's q what pick keeps: those one of whose texts has it,
// in any case; nil of an empty one.
func saying[T any](q string, texts func(*T) []string) func(*T) bool {
	q = strings.ToLower(strings.TrimSpace(q))
	if q == "" {
		return nil
	}
	return func(one *T) bool {
		return slices.ContainsFunc(texts(one), func(text string) bool { return strings.Contains(strings.ToLower(text), q) })
	}
}
