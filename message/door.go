package message

import (
	"log/slog"
	"sync"
	"time"
)

// door knows whether the SMTP server can be reached. While it can't, nothing
// is claimed but now and then one mail, to see.
type door struct {
	log *slog.Logger

	mu       sync.Mutex
	sessions int       // open conversations, and those that are being opened
	failures int       // in a row, while none was open
	until    time.Time // nothing is tried before
	last     string    // what went wrong; "" = nothing
	refused  bool      // it was in an open conversation: opening another one is no recovery
}

// How long the door stays closed: 1, 2, 4 … seconds.
const longestClosed = time.Minute

// closed gives until when nothing is tried, zero when the door is open.
func (d *door) closed(now time.Time) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Before(d.until) {
		return d.until
	}
	return time.Time{}
}

// ajar says that the last try has failed: one more mail is enough to see.
func (d *door) ajar() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failures > 0
}

// knock notes that a conversation is about to be opened; opened or failed follows.
func (d *door) knock() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions++
}

// opened notes a conversation.
func (d *door) opened() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.refused {
		d.open()
	}
}

// heard notes a mail that the server has judged by itself.
func (d *door) heard() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refused {
		d.open()
	}
}

func (d *door) open() {
	if d.failures > 0 {
		d.log.Info("the mail server can be reached again", "failures", d.failures)
	}
	d.failures, d.until, d.last, d.refused = 0, time.Time{}, "", false
}

// turnedAway notes that the server refuses whatever mail we have: it wants a login.
func (d *door) turnedAway(now time.Time, words string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refused = true
	d.close(now, words)
}

func (d *door) ended() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions--
}

// failed notes a conversation that did not come about. crowded says that there
// are others, or may be: the server wants no more of them.
func (d *door) failed(now time.Time, words string) (crowded bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions--
	if d.sessions > 0 {
		return true
	}
	d.close(now, words)
	return false
}

func (d *door) close(now time.Time, words string) {
	if now.Before(d.until) {
		return // another one has found that out
	}
	if d.failures == 0 {
		d.log.Warn("the mail server can't be reached", "error", words)
	}
	d.failures++
	d.until, d.last = now.Add(min(time.Second<<min(d.failures-1, 10), longestClosed)), words
}

// trouble gives what went wrong last, "" when all is well.
func (d *door) trouble() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}
