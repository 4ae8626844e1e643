package java

import "testing"

func BenchmarkDouble(b *testing.B) {
	buf := make([]byte, 0, 64)
	for b.Loop() {
		AppendDouble(buf, 1234.567)
	}
}

func BenchmarkNumberFormat(b *testing.B) {
	buf := make([]byte, 0, 64)
	for b.Loop() {
		nf, err := ParseNumberFormat("#,##0.00", &localeENUS)
		if err != nil {
			b.Fatal(err)
		}
		nf.AppendDouble(buf, 1234.567)
	}
}

func BenchmarkDateFormat(b *testing.B) {
	buf := make([]byte, 0, 64)
	for b.Loop() {
		df, err := ParseDateFormat("dd.MM.yyyy HH:mm", &localeENUS)
		if err != nil {
			b.Fatal(err)
		}
		df.Append(buf, testNow, fixedZone)
	}
}

func BenchmarkDateParse(b *testing.B) {
	df, err := ParseDateFormat("yyyy-MM-dd'T'HH:mm:ss", &localeENUS)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		df.Parse("2026-03-05T14:30:00Z", fixedZone, testNow)
	}
}

func BenchmarkReplaceAll(b *testing.B) {
	re, err := NewRegexCache(1).Compile("[^0-9]")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := re.ReplaceAll("+380 (67) 123-45-67", "", wide); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	re, err := NewRegexCache(1).Compile(`,\s*`)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := re.Split("one, two,three,  four", 0, wide); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFormat(b *testing.B) {
	p := Printer{Locale: &localeENUS, Zone: fixedZone, Max: 1 << 10}
	args := []any{"abc", 1234.5, int32(7)}
	for b.Loop() {
		if _, err := p.Format("%s: %,.2f (%d)", args); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHTML(b *testing.B) {
	buf := make([]byte, 0, 256)
	for b.Loop() {
		AppendHTML(buf, `Кросівки <Run> & "Walk", size 42, the best of the season`)
	}
}
