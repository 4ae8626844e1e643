package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// trackedMails is how many mails there are at most whose links are followed.
const trackedMails = 5_000

// track: opens and clicks, each answered when it is durable.
func (r *run) track(ctx context.Context) ([]Row, error) {
	sink, err := newMailSink(true)
	if err != nil {
		return nil, err
	}
	defer sink.close()
	mails := min(trackedMails, r.cfg.Mails)
	server, key, err := r.serverWithSubscribers(ctx, sink, mails)
	if err != nil {
		return nil, err
	}
	if err := server.send(ctx, key, mails); err != nil {
		return nil, err
	}
	// What comes within seconds of a delivery would count as a machine's.
	if err := settle(ctx, 5*time.Second); err != nil {
		return nil, err
	}
	var rates []float64
	var hits int64
	cpu, err := server.spent(func() error {
		for range r.cfg.Rounds {
			n, took, err := follow(ctx, sink.links, r.cfg.Time)
			if err != nil {
				return err
			}
			hits += n
			rates = append(rates, float64(n)/took.Seconds())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	row := Row{
		Name: "track", What: "opens and clicks, each answered when it is durable, 64 connections",
		Value: median(rates), Unit: "hits/s", Reach: ">= 10,000 hits/s",
		Parts: []Part{{"processor time of the server", float64(cpu.Microseconds()) / float64(hits), "µs a hit"}},
	}
	return []Row{row.atLeast(10_000)}, server.stop()
}

// follow asks for links, again and again for a time, and gives how many were answered.
func follow(ctx context.Context, links []string, length time.Duration) (int64, time.Duration, error) {
	const conns = 64
	var next, answered atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	begun := time.Now()
	for range conns {
		group.Go(func() {
			client := connection()
			defer client.CloseIdleConnections()
			for time.Since(begun) < length && failed.Load() == nil {
				link := links[int(next.Add(1)-1)%len(links)]
				if err := hit(ctx, client, link); err != nil {
					failed.Store(&err)
					return
				}
				answered.Add(1)
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return 0, 0, *err
	}
	return answered.Load(), time.Since(begun), nil
}

// hit follows one link as a mail program does.
func hit(ctx context.Context, client http.RoundTripper, link string) error {
	if _, err := url.Parse(link); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0")
	res, err := client.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusFound {
		return fmt.Errorf("GET %s: %s", link, res.Status)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
