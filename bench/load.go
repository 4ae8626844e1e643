package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// activity gives the wire form of one activity, about 330 bytes, shaped like
// those of the platform; n makes it one of many.
func activity(rng *rand.Rand, n int) string {
	kinds := []string{
		`"activityStatus":"DELIVERED"`,
		`"activityStatus":"DELIVERED"`,
		`"activityStatus":"READ"`,
		`"activityStatus":"CLICKED","clickEventLink":"https://shop.example/promo/%d"`,
	}
	kind := kinds[rng.IntN(len(kinds))]
	if strings.Contains(kind, "%d") {
		kind = fmt.Sprintf(kind, rng.IntN(1000))
	}
	contact := 1_000_000_000 + rng.IntN(2_000_000)
	return fmt.Sprintf(`{"workflowId":245460,"workflowBlockId":"e_e9e90420db06b64c157440cd60d0b73d",`+
		`"iid":"%08x-%04x-4%03x-8%03x-%012x","contactId":%d,"email":"contact%d@mail.example",%s,"mediaType":"email",`+
		`"messageId":%d,"messageInstanceId":%d,"activityDateTime":"2026-%02d-%02dT%02d:%02d:%02d"}`,
		rng.Uint32(), rng.IntN(1<<16), rng.IntN(1<<12), rng.IntN(1<<12), rng.Uint64()>>16,
		contact, contact, kind, 976_000+rng.IntN(500), 1_622_691+n,
		1+rng.IntN(12), 1+rng.IntN(28), rng.IntN(24), rng.IntN(60), rng.IntN(60))
}

// arrays gives count JSON arrays of size activities each.
func arrays(count, size int) [][]byte {
	rng := rand.New(rand.NewPCG(7, 7))
	bodies := make([][]byte, count)
	for i := range bodies {
		var b bytes.Buffer
		b.WriteByte('[')
		for k := range size {
			if k > 0 {
				b.WriteByte(',')
			}
			b.WriteString(activity(rng, i*size+k))
		}
		b.WriteByte(']')
		bodies[i] = b.Bytes()
	}
	return bodies
}

// producers send bodies over connections of their own, as fast as they are
// answered or at a pace.
type producers struct {
	url    string
	keys   []string // of the accounts, taken in turn
	bodies [][]byte
	size   int // activities in each body
	conns  int
	total  int64                             // activities to send at most; 0 = no limit
	time   time.Duration                     // how long to send; 0 = no limit
	rate   float64                           // requests a second over all connections; 0 = as fast as they are answered
	acked  func(answer []byte, at time.Time) // called for every answer; may be nil
	each   []atomic.Int64                    // counts what was acknowledged for each key; may be nil
}

// run gives how many activities were acknowledged, and the time it took.
func (p producers) run(ctx context.Context) (int64, time.Duration, error) {
	var sent, acknowledged atomic.Int64
	if p.total == 0 {
		p.total = math.MaxInt64
	}
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	begun := time.Now()
	for c := range p.conns {
		group.Go(func() {
			client := connection()
			defer client.CloseIdleConnections()
			for i := c; (p.time == 0 || time.Since(begun) < p.time) && sent.Add(int64(p.size)) <= p.total; i += p.conns {
				p.pace(begun, i)
				answer, err := send(ctx, client, p.url, p.keys[i%len(p.keys)], p.bodies[i%len(p.bodies)])
				if err != nil {
					failed.Store(&err)
					return
				}
				if p.acked != nil {
					p.acked(answer, time.Now())
				}
				acknowledged.Add(int64(p.size))
				if p.each != nil {
					p.each[i%len(p.keys)].Add(int64(p.size))
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return 0, 0, *err
	}
	return acknowledged.Load(), time.Since(begun), nil
}

// pace waits until the i-th request of all is due.
func (p producers) pace(begun time.Time, i int) {
	if p.rate > 0 {
		due := begun.Add(time.Duration(float64(i) / p.rate * float64(time.Second)))
		<-time.After(time.Until(due))
	}
}

// connection is an HTTP client with one connection.
func connection() *http.Transport {
	return &http.Transport{MaxConnsPerHost: 1, MaxIdleConnsPerHost: 1, DisableCompression: true}
}

// send posts one body, wants a 200 and gives the answer.
func send(ctx context.Context, client http.RoundTripper, url, key string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := client.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("POST %s: %s: %s", url, resp.Status, answer)
	}
	return answer, nil
}
