package message

import (
	"math"
	"sync"
	"time"

	"tidings"
)

// Pace bounds what goes to one recipient domain, so that no mailbox provider
// is flooded and none keeps the connections from the others.
type Pace struct {
	// PerDomain is how many mails to one domain are under way at once. Default: 12.
	PerDomain int
	// PerSecond is how many mails go to one domain in a second. Default: no limit.
	PerSecond float64
}

// job is a claimed mail on its way.
type job struct {
	mail   *tidings.Mail
	domain string
	until  time.Time // the claim's end, with some time to say what came of it
	start  time.Time // the latest time to begin: a conversation takes its time
}

// pacer decides whose turn it is. It is safe for concurrent use.
type pacer struct {
	pace Pace

	mu      sync.Mutex
	domains map[string]*domainPace
}

// domainPace is one domain's; it is kept while there is something of it here.
type domainPace struct {
	running int
	waiting []*job
	tokens  float64   // mails that may be begun now
	filled  time.Time // when tokens were counted
	back    time.Time // when the last mail that was put back comes again
}

func newPacer(p Pace) *pacer {
	if p.PerDomain <= 0 {
		p.PerDomain = 12
	}
	return &pacer{pace: p, domains: map[string]*domainPace{}}
}

// turn is what is to be done with a mail.
type turn struct {
	job *job
	now bool      // it is its turn
	due time.Time // else it goes back to the store until then; zero = it waits here
}

// crowded is how long a mail goes back that finds its domain busy.
const crowded = 30 * time.Second

// place says when a claimed mail is to be sent. patient mails wait here for
// those before them; others go back to the store when their domain is busy,
// to make room for other domains.
func (p *pacer) place(j *job, now time.Time, patient bool) turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.domains[j.domain]
	if d == nil {
		d = &domainPace{tokens: p.burst(), filled: now}
		p.domains[j.domain] = d
	}
	switch {
	case d.running >= p.pace.PerDomain && patient:
		d.waiting = append(d.waiting, j)
		return turn{job: j}
	case d.running >= p.pace.PerDomain:
		return turn{job: j, due: now.Add(crowded)}
	case !p.take(d, now):
		return turn{job: j, due: p.later(d, now)}
	}
	d.running++
	return turn{job: j, now: true}
}

// done says that a mail's sending has ended, and what comes of those that waited for it.
func (p *pacer) done(domain string, now time.Time) []turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.domains[domain]
	d.running--
	var turns []turn
	for len(d.waiting) > 0 && d.running < p.pace.PerDomain {
		j := d.waiting[0]
		d.waiting[0] = nil
		d.waiting = d.waiting[1:]
		if p.take(d, now) {
			d.running++
			turns = append(turns, turn{job: j, now: true})
			continue
		}
		turns = append(turns, turn{job: j, due: p.later(d, now)})
	}
	if d.running == 0 && len(d.waiting) == 0 && (p.pace.PerSecond <= 0 || now.Sub(d.filled) > time.Minute) {
		delete(p.domains, domain)
	}
	return turns
}

// drop gives all that waits, at the end.
func (p *pacer) drop() []*job {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*job
	for _, d := range p.domains {
		all = append(all, d.waiting...)
		d.waiting = nil
	}
	return all
}

// sweep forgets domains that nothing goes to.
func (p *pacer) sweep(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for domain, d := range p.domains {
		if d.running == 0 && len(d.waiting) == 0 && now.Sub(d.filled) > time.Minute {
			delete(p.domains, domain)
		}
	}
}

// burst is how many tokens a domain gathers: those of a second.
func (p *pacer) burst() float64 { return math.Max(p.pace.PerSecond, 1) }

func (p *pacer) take(d *domainPace, now time.Time) bool {
	if p.pace.PerSecond <= 0 {
		return true
	}
	d.tokens = math.Min(p.burst(), d.tokens+p.pace.PerSecond*now.Sub(d.filled).Seconds())
	d.filled = now
	if d.tokens < 1 {
		return false
	}
	d.tokens--
	return true
}

// later gives the times at which mails come again that found no token: one
// after the other, as tokens do.
func (p *pacer) later(d *domainPace, now time.Time) time.Time {
	step := time.Duration(float64(time.Second) / p.pace.PerSecond)
	if d.back.Before(now) {
		d.back = now
	}
	d.back = d.back.Add(step)
	return d.back
}
