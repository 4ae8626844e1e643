package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tidings/cmd/tidings/receiver"
)

// report prints deliveries as they are answered and sums up at the end.
type report struct {
	term   terminal
	paint  paint
	json   bool
	quiet  bool
	signed bool // signatures are verified

	mu    sync.Mutex
	tally tally
}

// tally counts what a receiver saw.
type tally struct {
	Posts      int `json:"posts"`
	Accepted   int `json:"accepted"` // deliveries answered 200 for the first time
	Activities int `json:"activities"`
	Refused    int `json:"refused"`
	Repeated   int `json:"repeated"`
	Moved      int `json:"moved"`
	Broken     int `json:"broken"`     // orders that break a promise
	Unverified int `json:"unverified"` // signatures that were wrong
	Unreadable int `json:"unreadable"` // bodies that are no batch
}

// line is one delivery as --json prints it.
type line struct {
	Time       time.Time      `json:"time"`
	Path       string         `json:"path"`
	Batch      string         `json:"batch"`
	Previous   string         `json:"previous,omitempty"`
	First      int64          `json:"first"`
	Last       int64          `json:"last"`
	Attempt    int            `json:"attempt"`
	Activities int            `json:"activities"`
	Statuses   map[string]int `json:"statuses,omitempty"`
	Digest     string         `json:"digest"`
	Order      receiver.Order `json:"order"`
	Why        string         `json:"why,omitempty"`
	Verified   *bool          `json:"verified,omitempty"`
	Answered   int            `json:"answered"` // 0 = the connection was broken instead
}

func newReport(term terminal, asJSON, quiet, signed bool) *report {
	return &report{term: term, paint: paint(term.colours), json: asJSON, quiet: quiet, signed: signed}
}

// ready tells where the receiver is.
func (r *report) ready(url string) {
	if r.json {
		r.printJSON(map[string]string{"listening": url})
		return
	}
	signing := "signatures are not verified: give --secret to do it"
	if r.signed {
		signing = "signatures are verified"
	}
	fmt.Fprintf(r.term.out, "Listening on %s (%s). Ctrl-C ends and sums up.\n", r.paint.bold(url), signing)
}

// add prints one delivery with its answer.
func (r *report) add(d receiver.Delivery, a receiver.Answer) {
	statuses, n, err := receiver.Statuses(d.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.add(d, a, n, err)
	wrong := d.Order.Broken() || d.Verified != nil || err != nil
	switch {
	case r.quiet && !wrong:
	case r.json:
		r.printJSON(r.jsonLine(d, a, statuses, n))
	default:
		r.print(d, a, statuses, n)
		if err != nil {
			fmt.Fprintf(r.term.out, "%s %v\n", r.paint.loud(" UNREADABLE "), err)
		}
	}
}

func (t *tally) add(d receiver.Delivery, a receiver.Answer, activities int, unreadable error) {
	t.Posts++
	switch {
	case !a.Accepted():
		t.Refused++
	case d.Order == receiver.Repeat:
		t.Repeated++
	default:
		t.Accepted++
		t.Activities += activities
	}
	for count, is := range map[*int]bool{
		&t.Moved: d.Order == receiver.Moved, &t.Broken: d.Order.Broken(),
		&t.Unverified: d.Verified != nil, &t.Unreadable: unreadable != nil,
	} {
		if is {
			*count++
		}
	}
}

func (r *report) jsonLine(d receiver.Delivery, a receiver.Answer, statuses map[string]int, n int) line {
	l := line{
		Time: d.At, Path: d.Path, Batch: d.Batch, Previous: d.Previous, First: d.First, Last: d.Last, Attempt: d.Attempt,
		Activities: n, Statuses: statuses, Digest: d.Digest, Order: d.Order, Why: d.Why,
		Answered: answered(a),
	}
	if r.signed {
		verified := d.Verified == nil
		l.Verified = &verified
	}
	return l
}

// answered is the status that went out; 0 when the connection was broken instead.
func answered(a receiver.Answer) int {
	switch {
	case a.Hang:
		return 0
	case a.Status == 0:
		return http.StatusOK
	}
	return a.Status
}

// print writes a line such as
//
//	14:03:07.120  1-500  500 activities: DELIVERED 320, READ 180  attempt 1  ✓ signed  → 200
func (r *report) print(d receiver.Delivery, a receiver.Answer, statuses map[string]int, n int) {
	p, out := r.paint, r.term.out
	if d.Order.Broken() {
		fmt.Fprintf(out, "%s %s\n", p.loud(" "+strings.ToUpper(string(d.Order))+" "), d.Why)
	}
	fields := []string{
		p.faint(d.At.Format("15:04:05.000")),
		p.bold(fmt.Sprintf("%d-%d", d.First, d.Last)),
		countOf(n, "activity", "activities") + ": " + statusCounts(statuses),
		fmt.Sprintf("attempt %d", d.Attempt),
	}
	if d.Path != "/" {
		fields = slices.Insert(fields, 1, d.Path)
	}
	if r.signed && d.Verified == nil {
		fields = append(fields, p.good("✓ signed"))
	}
	if d.Verified != nil {
		fields = append(fields, p.loud(" ✗ "+d.Verified.Error()+" "))
	}
	switch d.Order {
	case receiver.Repeat:
		fields = append(fields, p.wait("repeat of an accepted one"))
	case receiver.Moved:
		fields = append(fields, p.wait("the cursor was moved"))
	}
	fmt.Fprintf(out, "%s  → %s\n", strings.Join(fields, "  "), r.answer(a))
}

func (r *report) answer(a receiver.Answer) string {
	switch {
	case a.Hang:
		return r.paint.bad("connection broken")
	case a.Accepted():
		return r.paint.good("200")
	}
	return r.paint.bad(fmt.Sprintf("%d %s", answered(a), http.StatusText(answered(a))))
}

// sum prints the summary. Its error says that something was wrong with what was received.
func (r *report) sum() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tally
	if r.json {
		r.printJSON(map[string]tally{"summary": t})
	} else {
		fmt.Fprintf(r.term.out, "\n%s: %d accepted (%s), %d refused, %d repeated.\n", countOf(t.Posts, "POST", "POSTs"), t.Accepted,
			countOf(t.Activities, "activity", "activities"), t.Refused, t.Repeated)
	}
	if t.Broken+t.Unverified+t.Unreadable > 0 {
		return fmt.Errorf("%s out of order, %s wrong, %s unreadable", countOf(t.Broken, "delivery", "deliveries"),
			countOf(t.Unverified, "signature", "signatures"), countOf(t.Unreadable, "body", "bodies"))
	}
	if !r.json {
		verified := "no signature verified"
		if r.signed {
			verified = "all signatures right"
		}
		fmt.Fprintf(r.term.out, "%s, %s.\n", r.paint.good("Order kept, no gap"), verified)
	}
	return nil
}

func (r *report) printJSON(v any) {
	text, _ := json.Marshal(v) // never fails for what is printed here: numbers, words and their maps
	fmt.Fprintf(r.term.out, "%s\n", text)
}

// statusCounts lists statuses and their counts, the most frequent first.
func statusCounts(counts map[string]int) string {
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return strings.Join(names, ", ")
}

// countOf writes a count with the right word and thousands apart.
func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(int64(n)) + " " + many
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
