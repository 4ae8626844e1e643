package message

import (
	"fmt"
	"testing"
	"time"
)

func jobTo(domain string) *job { return &job{domain: domain} }

func TestOneDomainKeepsNobodyElseWaiting(t *testing.T) {
	p := newPacer(Pace{PerDomain: 2})
	var says []string
	place := func(domain string, patient bool) {
		turn := p.place(jobTo(domain), noon(), patient)
		switch {
		case turn.now:
			says = append(says, domain+" now")
		case turn.due.IsZero():
			says = append(says, domain+" waits")
		default:
			says = append(says, fmt.Sprintf("%s in %v", domain, turn.due.Sub(noon())))
		}
	}
	for range 3 {
		place("a", true)
	}
	place("a", false)
	place("b", false)
	if got, want := fmt.Sprint(says), "[a now a now a waits a in 30s b now]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if turns := p.done("a", noon()); len(turns) != 1 || !turns[0].now {
		t.Errorf("after the first: %v", turns)
	}
	for range 2 {
		if turns := p.done("a", noon()); len(turns) != 0 {
			t.Errorf("after the others: %v", turns)
		}
	}
	p.done("b", noon())
	if len(p.domains) != 0 {
		t.Errorf("%d domains are kept", len(p.domains))
	}
}

func TestADomainGetsSoManyMailsASecond(t *testing.T) {
	p := newPacer(Pace{PerDomain: 100, PerSecond: 10})
	now := noon()
	begun, back := 0, map[time.Duration]int{}
	for range 25 {
		turn := p.place(jobTo("a"), now, true)
		if turn.now {
			begun++
			p.done("a", now)
			continue
		}
		back[turn.due.Sub(now).Truncate(time.Second)]++
	}
	// Ten at once, and the others come again one after the other.
	if begun != 10 || back[0] != 9 || back[time.Second] != 6 {
		t.Errorf("%d begun, back: %v", begun, back)
	}
	for i := range 30 {
		now = now.Add(100 * time.Millisecond)
		if turn := p.place(jobTo("a"), now, true); !turn.now {
			t.Errorf("mail %d, in its time, is to come again in %v", i, turn.due.Sub(now))
		}
		p.done("a", now)
	}
	p.sweep(now.Add(2 * time.Minute))
	if len(p.domains) != 0 {
		t.Errorf("%d domains are kept", len(p.domains))
	}
}

// TestADeadDomainDoesNotStarveOthers: a server that never answers for one
// domain keeps its conversations, but mails to other domains go on.
func TestADeadDomainDoesNotStarveOthers(t *testing.T) {
	f, k := newFakeStore(), newSink(t, nil)
	for i := range 2 * mostInHand {
		f.queue(fmt.Sprintf("stuck%d@dead.example", i))
	}
	other := f.queue("a@alive.example")
	release := make(chan struct{})
	k.hang("dead.example", release)
	startSender(t, f, k, nil)
	f.waitFor(t, "the other mail", func() bool { return len(f.outcomesOf(other)) > 0 })
	f.with(func() {
		if got := f.outcomesOf(other)[0]; got != "sent: " {
			t.Errorf("the other mail: %q", got)
		}
	})
	close(release)
}
