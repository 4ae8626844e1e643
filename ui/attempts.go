package ui

import (
	"net/netip"
	"sync"
	"time"
)

// attempts counts tries to sign in, so that nobody can guess many passwords.
// A try is counted before the password is looked at (many at once gain
// nothing), and given back when it was right. Zero works.
type attempts struct {
	mu   sync.Mutex
	left map[string]bucket // by subject
}

// bucket holds what a subject may still try.
type bucket struct {
	tries float64
	at    time.Time // as of when
}

// limit is how many tries a subject has at once, and how soon further ones come.
type limit struct {
	subject string
	atOnce  float64
	every   time.Duration
}

// attemptsKept is how many subjects are counted at once.
const attemptsKept = 10_000

// limitsOf gives what bounds the tries of an email from an address: those of
// one person are few. Behind a proxy many people share an address, and somebody
// elsewhere may guess at one's email: both leave room for those who know their password.
func limitsOf(email, address string) []limit {
	address = network(address)
	return []limit{
		{email + " from " + address, 10, 6 * time.Second},
		{"email " + email, 60, 6 * time.Second},
		{"address " + address, 200, time.Second},
	}
}

// network is what one client has of an address: of IPv6 a /64.
func network(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		if prefix, err := addr.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}

// take counts a try, or says how long to wait for the next.
func (a *attempts) take(now time.Time, limits []limit) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range limits {
		if missing := 1 - a.of(l, now).tries; missing > 0 {
			wait = max(wait, time.Duration(missing*float64(l.every)))
		}
	}
	if wait == 0 {
		a.change(now, limits, -1)
	}
	return wait
}

// giveBack uncounts a try that was right.
func (a *attempts) giveBack(now time.Time, limits []limit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.change(now, limits, 1)
}

// of gives what a subject has at a time.
func (a *attempts) of(l limit, now time.Time) bucket {
	b, ok := a.left[l.subject]
	if !ok {
		return bucket{l.atOnce, now}
	}
	b.tries = min(l.atOnce, b.tries+float64(now.Sub(b.at))/float64(l.every))
	b.at = now
	return b
}

func (a *attempts) change(now time.Time, limits []limit, by float64) {
	if a.left == nil {
		a.left = map[string]bucket{}
	}
	for _, l := range limits {
		b := a.of(l, now)
		b.tries = min(l.atOnce, b.tries+by)
		for old := range a.left { // any one: it begins anew
			if len(a.left) < attemptsKept {
				break
			}
			delete(a.left, old)
		}
		a.left[l.subject] = b
	}
}
