package message

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

const notification = "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; bob@mail.example.org\nAction: failed\nStatus: 5.1.1\n"

// nestedReport wraps a notification in multiparts.
func nestedReport(depth int) []byte {
	text := "Content-Type: message/delivery-status\n\n" + notification
	for i := range depth {
		text = fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n%s--b%d--\n", i, i, text, i)
	}
	return []byte(text)
}

func TestNestingIsReadAsFarAsItIsAllowed(t *testing.T) {
	for _, c := range []struct {
		depth int
		want  ReportKind
	}{{1, ReportBounced}, {maxDepth, ReportBounced}, {maxDepth + 1, ReportIgnored}, {40, ReportIgnored}, {4000, ReportIgnored}} {
		if got := corpusFinder().Read(Arrival{Data: nestedReport(c.depth), Mail: 1}); got[0].Kind != c.want {
			t.Errorf("%d deep: %+v, want %s", c.depth, got, c.want)
		}
	}
}

func TestWhatLiesBeyondTheLimitsIsLeftUnread(t *testing.T) {
	many := func(n int, line string) string { return strings.Repeat(line, n) }
	parts := "Content-Type: multipart/mixed; boundary=b\n\n"
	status := "Content-Type: message/delivery-status\n\n" + notification
	for _, c := range []struct {
		name, data string
		want       ReportKind
	}{
		{"the last part allowed", parts + many(maxParts-2, "--b\n\nx\n") + "--b\n" + status, ReportBounced},
		{"a part too many", parts + many(maxParts, "--b\n\nx\n") + "--b\n" + status, ReportIgnored},
		{"few header lines", many(maxHeaderLines-2, "X-A: b\n") + status, ReportBounced},
		{"too many header lines", many(maxHeaderLines+1, "X-A: b\n") + status, ReportIgnored},
		{"a header too large", "X-A: " + many(maxHeaderBytes, "a") + "\n" + status, ReportIgnored},
		{"text before the outcome", strings.Replace(status, "\n\nFinal", "\n\n"+many(maxText/8, "X-A: bc\n")+"\nFinal", 1), ReportIgnored},
	} {
		if got := corpusFinder().Read(Arrival{Data: []byte(c.data)}); got[0].Kind != c.want {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
}

func TestAReportOnManyRecipientsIsCut(t *testing.T) {
	var b strings.Builder
	b.WriteString("Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n")
	for i := range 100 {
		fmt.Fprintf(&b, "Final-Recipient: rfc822; bob%d@mail.example.org\nAction: failed\nStatus: 5.1.1\n\n", i)
	}
	if got := corpusFinder().Read(Arrival{Data: []byte(b.String())}); len(got) != maxReports {
		t.Errorf("%d reports, want %d", len(got), maxReports)
	}
}

// TestHugeMailsAreCheap reads much of what costs most and bounds what it allocates.
func TestHugeMailsAreCheap(t *testing.T) {
	const size = 10 << 20
	fill := func(head, line string) []byte {
		return append([]byte(head), bytes.Repeat([]byte(line), size/len(line))...)
	}
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"boundaries", fill("Content-Type: multipart/mixed; boundary=b\n\n", "--b\n")},
		{"a boundary to be guessed", fill("Content-Type: multipart/mixed\n\n", "--------\n")},
		{"50 MB of it", bytes.Repeat(fill("Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\nx\n"), 5)},
		{"one line", fill("Content-Type: message/delivery-status\n\nStatus: ", "5")},
		{"recipients", fill("Content-Type: message/delivery-status\n\n", "Action: failed\n\n")},
		{"base64", fill("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n", "QUFB")},
		{"tags", fill("Content-Type: text/html\n\n", "<a <")},
		{"addresses", fill("From: mailer-daemon@x.example\n\nThis message was created automatically by mail delivery software.\n", "  a@b.example\n")},
		{"tokens", fill("Content-Type: message/rfc822\n\n", "1.kaaaaaaaaaaaaaaaa ")},
		{"links", fill("Content-Type: message/rfc822\n\n", "List-Unsubscribe: <<<<\n")},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		corpusFinder().Read(Arrival{Data: c.data, Complaint: true})
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 16<<20 {
			t.Errorf("%s: %d MiB allocated", c.name, got>>20)
		}
	}
}

// FuzzBounces and FuzzComplaints hold what Read promises for any bytes at all.
func FuzzBounces(f *testing.F) { fuzzRead(f, Arrival{Mail: 7}) }

func FuzzComplaints(f *testing.F) { fuzzRead(f, Arrival{Complaint: true}) }

func fuzzRead(f *testing.F, a Arrival) {
	for _, file := range corpus(f) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(nestedReport(40))
	f.Fuzz(func(t *testing.T, data []byte) {
		a.Data = bytes.Clone(data)
		reports := corpusFinder().Read(a)
		if len(reports) == 0 || len(reports) > maxReports || !bytes.Equal(a.Data, data) {
			t.Fatalf("%d reports", len(reports))
		}
		for _, r := range reports {
			checkReport(t, a, r)
		}
	})
}

func checkReport(t *testing.T, a Arrival, r Report) {
	t.Helper()
	switch {
	case r.Kind == ReportIgnored && (r.Reason == "" || r.Description != ""),
		r.Kind != ReportIgnored && r.Reason != "",
		r.Permanent && r.Kind != ReportBounced,
		a.Mail != 0 && r.Mail != a.Mail,
		len(r.Description) > maxDescription || len(r.Recipient) > 320:
		t.Fatalf("%+v", r)
	}
	for _, s := range []string{r.Description, r.Recipient, r.Status, r.Feedback, r.Reason} {
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\r\n\x00") {
			t.Fatalf("%q in %+v", s, r)
		}
	}
}
