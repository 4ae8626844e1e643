package java

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"
)

// argOf decodes an argument of the cases: a letter for its class, then its text.
func argOf(t testing.TB, s string) any {
	t.Helper()
	body := s[1:]
	switch s[0] {
	case 's':
		return body
	case 'i':
		n, _ := ParseInt(body, 10)
		return n
	case 'l':
		n, _ := ParseLong(body, 10)
		return n
	case 'd':
		b, _ := strconv.ParseUint(body, 16, 64)
		return math.Float64frombits(b)
	case 'f':
		b, _ := strconv.ParseUint(body, 16, 32)
		return math.Float32frombits(uint32(b))
	case 'b':
		return body == "true"
	case 'B':
		n, _ := new(big.Int).SetString(body, 10)
		return n
	case 'D':
		return decimalOf(body)
	case 'c':
		return Char(body[0])
	case 't':
		n, _ := ParseLong(body, 10)
		return Date(n)
	case 'n':
		return nil
	}
	t.Fatalf("no argument: %q", s)
	return nil
}

func TestFormatsPrintAsInJava(t *testing.T) {
	zone, err := time.LoadLocation("Etc/UTC")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range readCases(t, "format.jsonl") {
		p := Printer{Locale: LookupLocale(c[2].(string)), Zone: zone, Max: 1 << 20}
		args := []any{argOf(t, c[3].(string)), argOf(t, c[4].(string))}
		print := p.Format
		if c[0] == "message" {
			print = p.Message
		}
		out, err := print(c[1].(string), args)
		var failed *FormatError
		switch {
		case err == nil:
			if c[5] != out {
				t.Errorf("%v: got %q, Java has %q (%v)", c[:5], out, c[5], c[6])
			}
		case c[5] != nil:
			t.Errorf("%v: %v, Java has %q", c[:5], err, c[5])
		case c[6] != nil && errors.As(err, &failed) && !strings.HasPrefix(c[6].(string), failed.Exception):
			t.Errorf("%v: %v, Java has %v", c[:5], err, c[6])
		}
	}
}

func TestFormatsRefuseHugeWidthsBeforeTheyAllocate(t *testing.T) {
	p := Printer{Locale: &localeENUS, Zone: time.UTC, Max: 1 << 10}
	for _, format := range []string{
		"%2000000000s", "%-2000000000s", "%02000000000d", "%2000000000d", "%.2000000000f", "%.2000000000e",
		"%.2000000000g", "%2000000000c", "%2000000000%", "%2000000000b",
	} {
		for _, arg := range []any{int32(1), 1.5, "x"} {
			if out, err := p.Format(format, []any{arg}); err == nil {
				t.Errorf("Format(%q, %v) makes %d bytes", format, arg, len(out))
			}
		}
	}
	if _, err := p.Message(strings.Repeat("{0}", 600), []any{"xx"}); !errors.Is(err, ErrTooLong) {
		t.Errorf("a message grows past its bytes: %v", err)
	}
}
