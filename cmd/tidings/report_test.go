package main

import (
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/cmd/tidings/receiver"
)

// reported is a story of deliveries, as a receiver with a secret sees them.
func reported() []struct {
	delivery receiver.Delivery
	answer   receiver.Answer
} {
	at := time.Date(2026, 11, 24, 14, 3, 7, 120e6, time.UTC)
	two := []byte(`[{"activityStatus":"DELIVERED"},{"activityStatus":"READ"},{"activityStatus":"READ"}]`)
	d := func(order receiver.Order, first, last int64, change func(*receiver.Delivery)) receiver.Delivery {
		d := receiver.Delivery{At: at, Path: "/", Batch: "b_1", First: first, Last: last, Attempt: 1, Body: two, Digest: "xxh64:0123456789abcdef", Order: order}
		if change != nil {
			change(&d)
		}
		return d
	}
	return []struct {
		delivery receiver.Delivery
		answer   receiver.Answer
	}{
		{d(receiver.First, 1, 3, nil), receiver.Answer{}},
		{d(receiver.Next, 4, 6, nil), receiver.Answer{Status: http.StatusServiceUnavailable}},
		{d(receiver.Retry, 4, 6, func(d *receiver.Delivery) { d.Attempt = 2 }), receiver.Answer{Hang: true}},
		{d(receiver.Retry, 4, 6, func(d *receiver.Delivery) { d.Attempt = 3 }), receiver.Answer{Status: 200}},
		{d(receiver.Repeat, 4, 6, nil), receiver.Answer{}},
		{d(receiver.Moved, 2, 3, func(d *receiver.Delivery) { d.Path = "/hook" }), receiver.Answer{}},
		{d(receiver.Gap, 9, 9, func(d *receiver.Delivery) { d.Why = "it begins at 9" }), receiver.Answer{}},
		{d(receiver.Next, 10, 10, func(d *receiver.Delivery) { d.Verified = errors.New("the signature does not match") }), receiver.Answer{Status: 401}},
		{d(receiver.Next, 11, 11, func(d *receiver.Delivery) { d.Body = []byte("{}") }), receiver.Answer{}},
	}
}

// TestReportReadsAsInTheGoldenFiles compares all forms of the report with
// testdata; -update writes them anew.
func TestReportReadsAsInTheGoldenFiles(t *testing.T) {
	for name, form := range map[string]struct{ json, quiet, colours bool }{
		"report.txt":         {},
		"report-quiet.txt":   {quiet: true},
		"report-colours.txt": {colours: true},
		"report.json":        {json: true},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(terminal{out: &out, colours: form.colours}, form.json, form.quiet, true)
			r.ready("http://127.0.0.1:9000/")
			for _, x := range reported() {
				r.add(x.delivery, x.answer)
			}
			if err := r.sum(); err == nil || err.Error() != "1 delivery out of order, 1 signature wrong, 1 body unreadable" {
				t.Errorf("the report ends with %v", err)
			}
			golden(t, filepath.Join("testdata", name), out.String())
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has changed (-update writes it anew):\n%s", path, got)
	}
}

func TestReportOfAKeptOrderSaysSo(t *testing.T) {
	var out strings.Builder
	r := newReport(terminal{out: &out}, false, false, false)
	r.add(reported()[0].delivery, receiver.Answer{})
	if err := r.sum(); err != nil || !strings.Contains(out.String(), "Order kept, no gap, no signature verified.") {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -123: "-123"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}
