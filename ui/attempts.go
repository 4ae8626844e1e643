package ui

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of what somebody who guesses passwords can try: by what they try to
// be and by where they come from. One who knows the password waits at most
// until the next try is free.
const (
	attemptsBurst = 10
	attemptsEvery = 6 * time.Second // … and then one each
	attemptsKept  = 10_000          // subjects that are counted
)

// attempts counts failed tries to sign in.
type attempts struct {
	now func() time.Time

	mu   sync.Mutex
	from map[string]*rate.Limiter
}

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, from: map[string]*rate.Limiter{}}
}

// wait says how long the subjects have to wait for their next try; 0 = they may.
func (a *attempts) wait(subjects ...string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	longest := time.Duration(0)
	for _, subject := range subjects {
		if l := a.from[subject]; l != nil {
			if missing := 1 - l.TokensAt(a.now()); missing > 0 {
				longest = max(longest, time.Duration(missing*float64(attemptsEvery)))
			}
		}
	}
	return longest
}

// failed counts a failed try of each subject.
func (a *attempts) failed(subjects ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, subject := range subjects {
		l := a.from[subject]
		if l == nil {
			for old := range a.from { // any one: it begins anew
				if len(a.from) < attemptsKept {
					break
				}
				delete(a.from, old)
			}
			l = rate.NewLimiter(rate.Every(attemptsEvery), attemptsBurst)
			a.from[subject] = l
		}
		l.AllowN(a.now(), 1)
	}
}
