package source

import (
	"context"
	"sync"
	"time"
)

// Limits of Certificates. SNS has one certificate a region, and a new one a year.
const (
	maxCertificates = 32
	certificateAge  = 24 * time.Hour
)

// Certificates keeps the certificates of SNS, so that not every notification
// fetches one. Get is for Request.Certificate. It is safe for concurrent use.
type Certificates struct {
	fetch func(ctx context.Context, url string) ([]byte, error)
	now   func() time.Time

	mu   sync.Mutex
	kept map[string]keptCertificate
}

type keptCertificate struct {
	text []byte
	at   time.Time
}

// NewCertificates keeps what fetch gets. fetch must guard where it goes, not
// follow redirects, verify TLS, and bound what it reads.
func NewCertificates(fetch func(ctx context.Context, url string) ([]byte, error)) *Certificates {
	return &Certificates{fetch: fetch, now: time.Now, kept: map[string]keptCertificate{}}
}

// Get gives a certificate, from the last day if it was fetched within it. What
// failed is not kept.
func (c *Certificates) Get(ctx context.Context, url string) ([]byte, error) {
	now := c.now()
	c.mu.Lock()
	kept, ok := c.kept[url]
	c.mu.Unlock()
	if ok && now.Sub(kept.at) < certificateAge {
		return kept.text, nil
	}
	text, err := c.fetch(ctx, url)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= maxCertificates {
		clear(c.kept) // more than there are regions: somebody makes them up
	}
	c.kept[url] = keptCertificate{text, now}
	return text, nil
}
