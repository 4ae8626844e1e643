package java

import (
	"testing"
	"time"
)

// fixedZone is a zone with an offset that is not whole hours.
var fixedZone = time.FixedZone("", 5*3600+1800)

func FuzzDateParse(f *testing.F) {
	for _, c := range readCases(f, "date.jsonl") {
		f.Add(c[1].(string), c[4].(string), int64(testNow))
	}
	f.Fuzz(func(t *testing.T, pattern, text string, ms int64) {
		for _, locale := range []*Locale{&localeENUS, &localeUKUA} {
			df, err := ParseDateFormat(pattern, locale)
			if err != nil {
				continue
			}
			if parsed, ok := df.Parse(text, fixedZone, testNow); ok {
				df.Append(nil, parsed, fixedZone)
			}
			df.Append(nil, ms, fixedZone)
			fields := FieldsOf(ms, fixedZone)
			if ms > -maxInstant && ms < maxInstant && fields.Millis(fixedZone) != ms {
				t.Fatalf("the fields of %d give %d", ms, fields.Millis(fixedZone))
			}
		}
	})
}

func FuzzNumberPattern(f *testing.F) {
	for _, c := range readCases(f, "number.jsonl") {
		f.Add(c[1].(string), "1,234.5%", 1234.567)
	}
	f.Fuzz(func(t *testing.T, pattern, text string, n float64) {
		nf, err := ParseNumberFormat(pattern, &localeENUS)
		if err != nil {
			return
		}
		nf.AppendDouble(nil, n)
		nf.AppendLong(nil, int64(n))
		nf.Parse(text)
	})
}

func FuzzFormatString(f *testing.F) {
	for _, c := range readCases(f, "format.jsonl") {
		f.Add(c[1].(string), c[3].(string), 1.5)
	}
	f.Fuzz(func(t *testing.T, format, s string, n float64) {
		p := Printer{Locale: &localeDEDE, Zone: fixedZone, Max: 1 << 12}
		for _, args := range [][]any{{s, n}, {n, int32(5)}, {int64(n), Date(5), Char('x')}, nil} {
			if out, err := p.Format(format, args); err == nil && len(out) > p.Max {
				t.Fatalf("%d bytes from %q", len(out), format)
			}
			if out, err := p.Message(format, args); err == nil && len(out) > p.Max {
				t.Fatalf("%d bytes from the message %q", len(out), format)
			}
		}
	})
}

func FuzzDoubleReadsBack(f *testing.F) {
	f.Add(1234.567)
	f.Add(5e-324)
	f.Fuzz(func(t *testing.T, n float64) {
		text := string(AppendDouble(nil, n))
		if back, ok := ParseDouble(text); !ok || back != n && n == n {
			t.Fatalf("%v prints as %s", n, text)
		}
	})
}
