package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// contacts: the import of contacts, reading them one by one at a steady pace,
// and the search as one types.
func (r *run) contacts(ctx context.Context) ([]Row, error) {
	server, key, err := r.serverWithAccount(ctx)
	if err != nil {
		return nil, err
	}
	client := &contactClient{base: server.url, key: key, transport: &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true}}
	defer client.transport.CloseIdleConnections()
	if err := server.ask(ctx, http.MethodPost, "/v1/fields", key, map[string]string{"key": "PERSONAL.BONUS", "type": "number"}, nil); err != nil {
		return nil, err
	}
	var pieces []float64
	begun := time.Now()
	cpu, err := server.spent(func() (err error) {
		pieces, err = client.imports(ctx, r.cfg.Contacts)
		return err
	})
	if err != nil {
		return nil, err
	}
	took := time.Since(begun)
	tenth := max(1, len(pieces)/10)
	in := Row{
		Name: "import", What: fmt.Sprintf("import of %d contacts with email, phone, id, name and a field, as NDJSON over one connection", r.cfg.Contacts),
		Value: float64(r.cfg.Contacts) / took.Seconds(), Unit: "contacts/s", Reach: ">= 20,000 contacts/s",
		Parts: []Part{
			{"the first tenth, median of its requests", median(pieces[:tenth]), "contacts/s"},
			{"the last tenth", median(pieces[len(pieces)-tenth:]), "contacts/s"},
			{"processor time", float64(cpu.Microseconds()) / float64(r.cfg.Contacts), "µs a contact"},
		},
	}
	const rate = 5000
	var waits []time.Duration
	cpu, err = server.spent(func() (err error) {
		waits, err = client.reads(ctx, rate, r.cfg.Contacts, r.cfg.Time)
		return err
	})
	if err != nil {
		return nil, err
	}
	get := Row{
		Name: "contact", What: fmt.Sprintf("a contact by id at %d requests a second, p99", rate),
		Value: millis(quantile(waits, 0.99)), Unit: "ms", Reach: "<= 2 ms",
		Parts: []Part{{"p50", millis(quantile(waits, 0.5)), "ms"}, {"p99.9", millis(quantile(waits, 0.999)), "ms"}, {"processor time", float64(cpu.Microseconds()) / float64(len(waits)), "µs a request"}},
	}
	worst, slowest, err := client.searches(ctx)
	if err != nil {
		return nil, err
	}
	find := Row{
		Name: "search", What: fmt.Sprintf("search as one types over %d contacts, the slowest of %d texts", r.cfg.Contacts, len(typedTexts())),
		Value: millis(worst), Unit: "ms", Reach: "<= 50 ms", Note: fmt.Sprintf("the slowest was %q", slowest),
	}
	return []Row{in.atLeast(20_000), get.atMost(2), find.atMost(50)}, server.stop()
}

// spent gives the processor time that the process uses while something is done.
func (p *process) spent(do func() error) (time.Duration, error) {
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := p.cpu()
	return after - before, err
}

// contactClient speaks to the API about contacts.
type contactClient struct {
	base, key string
	transport *http.Transport
}

// rowsAtOnce is how many contacts one request brings.
const rowsAtOnce = 20_000

// imports brings n contacts and gives the rate of each request. One body is made
// while the one before it is taken.
func (c *contactClient) imports(ctx context.Context, n int) ([]float64, error) {
	bodies := make(chan []byte, 1)
	var making sync.WaitGroup
	making.Go(func() {
		defer close(bodies)
		for from := 0; from < n && ctx.Err() == nil; from += rowsAtOnce {
			bodies <- contactRows(from, min(n, from+rowsAtOnce))
		}
	})
	defer making.Wait()
	var rates []float64
	var failed error
	for body := range bodies {
		if failed != nil {
			continue
		}
		begun := time.Now()
		_, failed = c.do(ctx, http.MethodPost, "/v1/contacts/import", body)
		rates = append(rates, float64(bytes.Count(body, []byte{'\n'}))/time.Since(begun).Seconds())
	}
	return rates, failed
}

// contactRows makes rows as companies have them: emails and phones in no order.
func contactRows(from, to int) []byte {
	rng := rand.New(rand.NewPCG(uint64(from), 7))
	firsts := []string{"Anna", "Andrew", "Boris", "Denys", "Elena", "Hanna", "Ivan", "Julia", "Kateryna", "Maria", "Nina", "Olha", "Petro", "Roman", "Serhii", "Taras", "Yurii"}
	const consonants, vowels = "bcdfghklmnprstvz", "aeiouy"
	var b bytes.Buffer
	for i := from; i < to; i++ {
		var last [6]byte
		for k := range last {
			last[k] = consonants[rng.IntN(len(consonants))]
			if k%2 == 1 {
				last[k] = vowels[rng.IntN(len(vowels))]
			}
		}
		first := firsts[rng.IntN(len(firsts))]
		fmt.Fprintf(&b, `{"externalCustomerId":"c-%d","email":"%s.%s%d@mail.example","sms":"38%010d","firstName":"%s","lastName":"%s","address":{"town":"Kyiv"},"languageCode":"uk","fields":{"PERSONAL.BONUS":%d}}`+"\n",
			i, first, last, i, i*7919%9_999_991, first, last, rng.IntN(1000))
	}
	return b.Bytes()
}

// reads asks for contacts at a pace, in the order of no id, and gives how long each
// answer took from when it was due: one that waits behind others has waited, too.
func (c *contactClient) reads(ctx context.Context, rate float64, n int, length time.Duration) ([]time.Duration, error) {
	const conns = 16
	begun := time.Now()
	all := make([][]time.Duration, conns)
	failed := make([]error, conns)
	var group sync.WaitGroup
	for conn := range conns {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(conn), 1))
			for i := conn; ; i += conns {
				due := begun.Add(time.Duration(float64(i) / rate * float64(time.Second)))
				if due.Sub(begun) > length || ctx.Err() != nil {
					return
				}
				<-time.After(time.Until(due))
				if _, failed[conn] = c.do(ctx, http.MethodGet, fmt.Sprintf("/v1/contacts/%d", 1+rng.IntN(n)), nil); failed[conn] != nil {
					return
				}
				all[conn] = append(all[conn], time.Since(due))
			}
		})
	}
	group.Wait()
	var waits []time.Duration
	for conn := range conns {
		if failed[conn] != nil {
			return nil, failed[conn]
		}
		waits = append(waits, all[conn]...)
	}
	return waits, nil
}

// typedTexts is what people have typed so far.
func typedTexts() []string {
	return []string{
		"a", "an", "ann", "anna", "anna b", "anna ba", "a b", "an ba", "anna.", "anna.ba", "anna.bab", "3", "38", "380", "+38 000", "380001234",
		"c", "c-1", "c-12345", "1", "12", "12345", "q", "qq", "zz zz", "mail", "anna zzz",
	}
}

// searches gives the longest of the medians of the texts, and its text.
func (c *contactClient) searches(ctx context.Context) (worst time.Duration, slowest string, err error) {
	for _, text := range typedTexts() {
		var took []time.Duration
		for range 9 {
			begun := time.Now()
			if _, err := c.do(ctx, http.MethodGet, "/v1/contacts?q="+url.QueryEscape(text), nil); err != nil {
				return 0, "", err
			}
			took = append(took, time.Since(begun))
		}
		if median := quantile(took, 0.5); median > worst {
			worst, slowest = median, text
		}
	}
	return worst, slowest, nil
}

// do makes one request and wants a 200.
func (c *contactClient) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/x-ndjson")
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || bytes.Contains(answer, []byte(`"errors":[{`)) {
		return nil, fmt.Errorf("%s %s: %s: %.300s", method, path, resp.Status, answer)
	}
	return answer, nil
}
