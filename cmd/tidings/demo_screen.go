package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"tidings"
)

// demoScreen prints what happens, for people.
type demoScreen struct {
	term   terminal
	paint  paint
	behind bool // an attempt has failed since the endpoint was caught up
}

func newDemoScreen(term terminal) *demoScreen {
	return &demoScreen{term: term, paint: paint(term.colours)}
}

func (s *demoScreen) say(format string, args ...any) {
	fmt.Fprintf(s.term.out, format+"\n", args...)
}

func (s *demoScreen) line(mark, what, format string, args ...any) {
	s.say("%s %s %-11s %s", s.paint.faint(time.Now().Format("15:04:05")), mark, what, fmt.Sprintf(format, args...))
}

// introduce says what runs where, and what to try in another terminal.
func (s *demoScreen) introduce(url, receiver, key string, endpoint int64) {
	p := s.paint
	s.say("%s  %s   %s", p.bold("Tidings demo"), url, p.faint("documentation: "+url+"/docs"))
	s.say("One account, one endpoint (%s), whose receiver fails now and then.", receiver)
	s.say("One workflow: somebody subscribes, the shop's API gives a promo code, a mail brings it; what its reader does goes to the endpoint, too.")
	s.say("Failed batches are tried again after %s, doubling up to %s (by default: 1m up to 60m).", demoRetryBase, demoRetryCap)
	s.say("All data is in a temporary folder and is removed at the end. Ctrl-C ends.\n")
	s.say("Try in another terminal (the key is the password):")
	for _, command := range []string{
		fmt.Sprintf("curl -u :%s %s/v1/endpoints/%d", key, url, endpoint),
		fmt.Sprintf("curl -u :%s '%s/v1/endpoints/%d/attempts?limit=3'", key, url, endpoint),
		fmt.Sprintf("curl -u :%s -N %s/v1/endpoints/%d/tail", key, url, endpoint),
		fmt.Sprintf("curl -u :%s '%s/v1/activities?after=0&limit=2'", key, url),
		fmt.Sprintf(`curl -u :%s -H 'Content-Type: application/json' %s/v1/activities -d '[{"contactId":7,"activityStatus":"READ","mediaType":"email"}]'`, key, url),
		fmt.Sprintf("curl -u :%s -X POST %s/v1/endpoints/%d/retry", key, url, endpoint),
		fmt.Sprintf("curl -u :%s %s/v1/runs/1", key, url),
		fmt.Sprintf("curl -u :%s %s/v1/outbox/1", key, url),
	} {
		s.say("  %s", command)
	}
	s.say("")
}

// person says how to see it all in a browser.
func (s *demoScreen) person(url, email, secret string) {
	s.say("%s  %s   sign in as %s with the password %s\n", s.paint.bold("In a browser:"), url, s.paint.bold(email), s.paint.bold(secret))
}

func (s *demoScreen) accepted(first, last int64, activities []storyActivity) {
	statuses, media := map[string]int{}, map[string]int{}
	for _, a := range activities {
		statuses[a.Status]++
		media[a.MediaType]++
	}
	s.line("→", "accepted", "%s  %s", s.span(first, last), s.paint.faint(statusCounts(statuses)+"  ("+strings.Join(keysOf(media), ", ")+")"))
}

func (s *demoScreen) attempt(a tidings.Attempt) {
	span := s.span(int64(a.First), int64(a.Last))
	if a.Delivered {
		note := ""
		if a.Number > 1 {
			note = s.paint.good(fmt.Sprintf("  on attempt %d", a.Number))
		}
		s.line(s.paint.good("✓"), "delivered", "%s  %s in %s%s", span, countOf(a.Activities, "activity", "activities"), a.Duration.Round(100*time.Microsecond), note)
		return
	}
	s.behind = true
	s.line(s.paint.bad("✗"), refusal(a), "%s  attempt %d: %s", span, a.Number, s.paint.bad(a.Error))
	if !a.NextTry.IsZero() {
		s.line(" ", s.paint.wait("waiting    "), "until %s", a.NextTry.Local().Format("15:04:05"))
	}
}

// subscribed tells of an event that starts a run.
func (s *demoScreen) subscribed(email string) {
	s.line("→", "event", "subscribed %s  %s", s.paint.bold(email), s.paint.faint("the workflow calls the shop"))
}

// mailed tells of a mail in the outbox.
func (s *demoScreen) mailed(to, subject string) {
	s.line(s.paint.good("✉"), "mail", "to %s: %s", to, s.paint.bold(subject))
}

// read tells that a mail was opened and its link was followed.
func (s *demoScreen) read(m demoMail) {
	s.line("·", "reader", "%s opened it and went to the sale with %s", m.to, s.paint.bold(m.code))
}

// closed tells how many mails the receiver was told the whole life of.
func (s *demoScreen) closed(circles int) {
	s.say("\n%s from event to activity: shop called, mail sent, and the receiver told DELIVERED, READ, CLICKED in this order.", countOf(circles, "circle", "circles"))
}

// refusal is one word for how an attempt failed.
func refusal(a tidings.Attempt) string {
	if a.Status != 0 {
		return fmt.Sprintf("refused %d", a.Status)
	}
	return string(a.Outcome)
}

func (s *demoScreen) caughtUp() {
	if s.behind {
		s.behind = false
		s.line(s.paint.good("✓"), "caught up", "nothing is left to deliver")
	}
}

func (s *demoScreen) mood(m mood) {
	words := s.paint.good(m.words)
	if m.down || m.answer.Hang || m.answer.Delay > 0 || m.answer.Status > http.StatusOK {
		words = s.paint.wait(m.words)
	}
	s.line("·", "receiver", "%s", words)
}

func (s *demoScreen) finishing() {
	s.line("·", "ending", "no more activities; the receiver takes what is left")
}

func (s *demoScreen) summary(acknowledged int, t tally, verdict string) {
	s.say("%s acknowledged; %s received in %s, %d refused, %d repeated.", countOf(acknowledged, "activity", "activities"),
		countOf(t.Activities, "activity", "activities"), countOf(t.Accepted, "delivery", "deliveries"), t.Refused, t.Repeated)
	s.say("%s %s; all signatures right.", s.paint.good("Checked:"), verdict)
}

// span writes a range of the feed.
func (s *demoScreen) span(first, last int64) string {
	if first == last {
		return s.paint.bold(fmt.Sprint(first))
	}
	return s.paint.bold(fmt.Sprintf("%d-%d", first, last))
}

// keysOf lists the keys of a count in order.
func keysOf(counts map[string]int) []string { return slices.Sorted(maps.Keys(counts)) }
