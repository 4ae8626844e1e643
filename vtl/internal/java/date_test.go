package java

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones must be there on every machine that runs the tests
)

// testNow is the clock of the cases: 24 November 2026, 08:40 UTC.
const testNow = 1795509600000

func TestDatesPrintAndParseAsInJava(t *testing.T) {
	for _, c := range readCases(t, "date.jsonl") {
		op, pattern, arg := c[0].(string), c[1].(string), c[4].(string)
		locale := LookupLocale(c[2].(string))
		zone, err := time.LoadLocation(c[3].(string))
		if err != nil {
			t.Fatal(err)
		}
		f, err := ParseDateFormat(pattern, locale)
		switch op {
		case "bad":
			var bad *PatternError
			if !errors.As(err, &bad) {
				t.Errorf("ParseDateFormat(%q) = %v, Java throws", pattern, err)
			}
			continue
		case "style":
			date, clock, _ := strings.Cut(pattern, " ")
			d, _ := strconv.Atoi(date)
			k, _ := strconv.Atoi(clock)
			f = locale.DateStyle(Style(d), Style(k))
		default:
			if err != nil {
				t.Errorf("ParseDateFormat(%q): %v", pattern, err)
				continue
			}
		}
		if got := runDateCase(&f, op, arg, zone); got != c[5] {
			t.Errorf("%v: got %q, Java has %q", c[:5], got, c[5])
		}
	}
}

func runDateCase(f *DateFormat, op, arg string, zone *time.Location) any {
	if op == "parse" {
		ms, ok := f.Parse(arg, zone, testNow)
		if !ok {
			return nil
		}
		return strconv.FormatInt(ms, 10)
	}
	ms, _ := ParseLong(arg, 10)
	if op == "toString" {
		return string(AppendDate(nil, ms, zone))
	}
	return string(f.Append(nil, ms, zone))
}
