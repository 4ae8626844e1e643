package bench

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// pageLimit is what a page may take at the server, p99.
	pageLimit = 50 * time.Millisecond
	// pageConns is how many connections ask for a page at once.
	pageConns = 4
)

// pages: what people open in a browser, on a full account. The pages are found
// by following links from the dashboard. What counts is the time that the server
// says it took, because the client works on the same processors.
func (r *run) pages(ctx context.Context) ([]Row, error) {
	full, err := r.fullAccount(ctx)
	if err != nil {
		return nil, err
	}
	defer full.close()
	b := &browser{base: full.server.url, session: full.session, transport: &http.Transport{MaxIdleConnsPerHost: pageConns, DisableCompression: true}}
	defer b.transport.CloseIdleConnections()
	found, lost, err := b.crawl(ctx)
	if err != nil {
		return nil, err
	}
	var list []pageTimes
	for _, l := range found {
		times, err := b.measure(ctx, l, r.cfg.Asks)
		if err != nil {
			return nil, err
		}
		list = append(list, times)
	}
	links := Row{
		Name: "page-links", What: "links of these pages that lead nowhere", Value: float64(len(lost)), Unit: "links", Reach: "none",
		Note: strings.Join(lost[:min(len(lost), 20)], "; "),
	}
	return []Row{pagesRow(r.cfg, list), links.atMost(0)}, full.server.stop()
}

// pagesRow says how many pages are fast enough, and lists all, the slowest first.
func pagesRow(cfg Config, list []pageTimes) Row {
	slices.SortFunc(list, func(a, b pageTimes) int { return cmp.Compare(b.p99(), a.p99()) })
	row := Row{Name: "pages", Unit: "%", Reach: "100 % (p99 at the server < 50 ms)"}
	fast := 0
	for _, p := range list {
		if p.p99() < pageLimit {
			fast++
		}
		row.Parts = append(row.Parts, Part{p.text(), millis(p.p99()), "ms p99"})
	}
	row.What = fmt.Sprintf("%d of %d pages answer in time, with %s activities and %s contacts", fast, len(list), thousands(fmt.Sprint(cfg.Shown)), thousands(fmt.Sprint(cfg.Contacts)))
	row.Value = 100 * float64(fast) / float64(max(1, len(list)))
	return row.atLeast(100)
}

// pageTimes is what asking for one page gave.
type pageTimes struct {
	link   link
	server []time.Duration // as the server says
	client []time.Duration // until the last byte was there
	bytes  int             // as transferred, compressed
	calls  string          // of the API, in the server's words
}

func (p *pageTimes) p99() time.Duration { return quantile(p.server, 0.99) }

// text names the page with the figures beside its p99.
func (p *pageTimes) text() string {
	return fmt.Sprintf("%s: p50 %s ms, at the client p99 %s ms, %.1f kB, %s",
		p.link.shape(), figure(millis(quantile(p.server, 0.5))), figure(millis(quantile(p.client, 0.99))), float64(p.bytes)/1000, p.calls)
}

// measure asks for a page n times.
func (b *browser) measure(ctx context.Context, l link, n int) (pageTimes, error) {
	all := make([]pageTimes, pageConns)
	failed := make([]error, pageConns)
	var group sync.WaitGroup
	for conn := range pageConns {
		group.Go(func() {
			p := &all[conn]
			for i := conn; i < n+pageConns && failed[conn] == nil; i += pageConns {
				begun := time.Now()
				answer, err := b.get(ctx, l)
				if err == nil && !answer.isPage() {
					err = fmt.Errorf("GET %s: %d, which was a page before", l.path, answer.status)
				}
				if failed[conn] = err; err != nil || i < pageConns {
					continue // the first ones fill caches
				}
				p.server, p.client = append(p.server, answer.took), append(p.client, time.Since(begun))
				p.bytes, p.calls = answer.bytes, answer.calls
			}
		})
	}
	group.Wait()
	sum := pageTimes{link: l}
	for conn := range pageConns {
		if failed[conn] != nil {
			return sum, failed[conn]
		}
		p := &all[conn]
		sum.server, sum.client = append(sum.server, p.server...), append(sum.client, p.client...)
		sum.bytes, sum.calls = max(sum.bytes, p.bytes), cmp.Or(p.calls, sum.calls)
	}
	return sum, nil
}
