package publicapi

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"tidings"
)

// maxRows is the most rows of one answer, and the default.
const maxRows = 25_000

// query is what a request asks for, and how far it is answered.
type query struct {
	find  tidings.ActivityQuery
	skip  int // matches that startindex leaves out
	left  int // rows that maxrows still lets through
	ended bool
}

// readQuery reads the parameters. Those that are not known are passed over, as
// existing clients rely on it. Errors are CodeInvalid.
func readQuery(raw string) (query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return query{}, tidings.Errorf(tidings.CodeInvalid, "The query can't be read.")
	}
	q := query{find: tidings.ActivityQuery{
		Email: values.Get("email"), SMS: strings.TrimPrefix(values.Get("sms"), "+"),
		WebPush: values.Get("webPushToken"), MobilePush: values.Get("mobPushToken"), MessageTag: values.Get("messageTag"),
	}}
	if q.find.From, q.find.To, err = interval(values); err != nil {
		return q, err
	}
	if name := values.Get("activityStatus"); name != "" {
		status, err := tidings.ParseStatus(name)
		if err != nil {
			return q, err
		}
		q.find.Filter.Statuses = q.find.Filter.Statuses.With(status)
	}
	offset, err := number(values, "offset", 0, 0, 1<<62)
	if err != nil {
		return q, err
	}
	left, err := number(values, "maxrows", maxRows, 1, 1<<31)
	if err != nil {
		return q, err
	}
	start, err := number(values, "startindex", 1, 0, 1<<31)
	if err != nil {
		return q, err
	}
	q.find.After, q.left, q.skip = tidings.Seq(offset), int(min(left, maxRows)), int(max(start, 1)-1)
	return q, nil
}

// number gives a whole number; def when the parameter is absent or empty.
func number(values url.Values, name string, def, lo, hi int64) (int64, error) {
	text := values.Get(name)
	if text == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < lo || n > hi {
		return 0, tidings.Errorf(tidings.CodeInvalid, "%s must be a whole number, %d or more.", name, lo)
	}
	return n, nil
}

// interval reads dateFrom (included) and dateTo (included, too: to gives the instant after it).
func interval(values url.Values) (from, to time.Time, err error) {
	from, _, err = date(values, "dateFrom")
	if err != nil {
		return from, to, err
	}
	last, step, err := date(values, "dateTo")
	if err != nil {
		return from, to, err
	}
	switch {
	case last.Before(from):
		err = tidings.Errorf(tidings.CodeInvalid, "dateTo must not be before dateFrom.")
	case last.Sub(from) > tidings.MaxSearchInterval:
		err = tidings.Errorf(tidings.CodeInvalid, "The interval from dateFrom to dateTo is longer than 3 months (%d days): ask for shorter ones.", int(tidings.MaxSearchInterval.Hours()/24))
	}
	return from, last.Add(step), err
}

// date reads a day or a time, in UTC. step is how long it lasts: a day, or a second.
func date(values url.Values, name string) (at time.Time, step time.Duration, err error) {
	text := values.Get(name)
	if text == "" {
		return at, 0, tidings.Errorf(tidings.CodeInvalid, "%s is required: YYYY-MM-DD or YYYY-MM-DDTHH:mm:ss.", name)
	}
	if at, err = time.Parse(time.DateOnly, text); err == nil {
		return at, 24 * time.Hour, nil
	}
	for _, form := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err = time.Parse(form, text); err == nil {
			return at.Truncate(time.Second), time.Second, nil
		}
	}
	return at, 0, tidings.Errorf(tidings.CodeInvalid, "%s must be YYYY-MM-DD or YYYY-MM-DDTHH:mm:ss.", name)
}
