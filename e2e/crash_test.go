package e2e_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"tidings/cmd/tidings/receiver"
)

// TestKillsLoseNothingAndKeepOrder kills the server at random moments while
// several producers send and two receivers fail now and then. What was
// acknowledged must be there, at the place that was acknowledged; each receiver
// must have it all, once, in the order of the feed, without a gap; a repeat has
// the same id and bytes (the sink judges every POST).
func TestKillsLoseNothingAndKeepOrder(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed: -crash.seed=%d", seed)
	moments := rand.New(rand.NewPCG(seed, 0))

	s := newServer(t)
	account := s.newAccount(t, "shop")
	sinks := []*sink{newSink(t, ""), newSink(t, "")}
	for i, sink := range sinks {
		sink.answer(flaky(seed + uint64(i)))
		account.newEndpoint(t, map[string]any{"url": sink.URL, "batch": map[string]any{"maxItems": 20 + 30*i}})
	}
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	producers := make([]*producer, 3)
	var running sync.WaitGroup
	t.Cleanup(running.Wait) // also when the test has failed: they report to it
	for i := range producers {
		producers[i] = &producer{t: t, api: account, contact: int64(i + 1), rng: rand.New(rand.NewPCG(seed, uint64(i)+1))}
		running.Go(func() { producers[i].send(ctx) })
	}
	for round := range *crashRounds {
		moment := time.Duration(20+moments.IntN(500)) * time.Millisecond
		<-time.After(moment)
		s.kill()
		t.Logf("round %d: killed after %s", round+1, moment)
		s.start()
	}
	enough()
	running.Wait()

	stored := account.feed(t)
	for _, sink := range sinks {
		sink.answer(nil)
		sink.wants(t, len(stored))
		same(t, sink.got(), stored)
	}
	total := 0
	for _, p := range producers {
		total += p.check(stored)
	}
	if total != len(stored) {
		t.Errorf("%d activities were acknowledged and %d are stored", total, len(stored))
	}
	t.Logf("%d activities; receivers saw %d and %d POSTs, %d repeats", total, len(sinks[0].posts()), len(sinks[1].posts()),
		sinks[0].count(receiver.Repeat)+sinks[1].count(receiver.Repeat))
}

// flaky refuses a fifth, breaks some connections, and is slow sometimes.
func flaky(seed uint64) func(int64, receiver.Delivery) receiver.Answer {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 99))
	return func(int64, receiver.Delivery) receiver.Answer {
		mu.Lock()
		defer mu.Unlock()
		switch n := rng.IntN(20); {
		case n < 4:
			return receiver.Answer{Status: http.StatusServiceUnavailable}
		case n < 6:
			return receiver.Answer{Hang: true}
		case n < 9:
			return receiver.Answer{Delay: time.Duration(rng.IntN(40)) * time.Millisecond}
		}
		return receiver.Answer{}
	}
}

// producer sends requests one after another; one that got no answer is sent
// again, with the same Idempotency-Key, until it is answered.
type producer struct {
	t       *testing.T
	api     *api
	contact int64
	rng     *rand.Rand
	acked   []acknowledged

	patience time.Duration // how long a request may be without an answer; 0 = patience
	pace     time.Duration // between two requests, about; 0 = a few milliseconds
}

// acknowledged is a request that was answered 200.
type acknowledged struct {
	accepted
	sent []activity
}

func (p *producer) send(ctx context.Context) {
	next := int64(1)
	for request := 1; ctx.Err() == nil; request++ {
		list := activities(p.contact, next, 1+p.rng.IntN(40))
		next += int64(len(list))
		header := http.Header{"Idempotency-Key": {fmt.Sprintf("producer %d request %d", p.contact, request)}}
		p.pause(time.Duration(1+p.rng.IntN(4))*time.Millisecond + p.pace)
		for begun := time.Now(); ; {
			var got accepted
			// Not ctx: a request that was begun is carried to its answer.
			err := p.api.do(context.WithoutCancel(ctx), http.MethodPost, "/v1/activities", header, list, &got)
			if err == nil {
				p.acked = append(p.acked, acknowledged{got, list})
				break
			}
			if r, ok := errors.AsType[refusal](err); ok && r.status != http.StatusServiceUnavailable {
				p.t.Errorf("producer %d: %v", p.contact, err)
				return
			}
			if limit := cmp.Or(p.patience, patience); time.Since(begun) > limit {
				p.t.Errorf("producer %d: no answer for %s: %v", p.contact, limit, err)
				return
			}
			if !p.pause(10 * time.Millisecond) {
				return
			}
		}
	}
}

// pause says false when the test is over.
func (p *producer) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-p.t.Context().Done():
		return false
	}
}

// check wants each acknowledged request where its acknowledgement said, and
// gives the number of its activities.
func (p *producer) check(stored []activity) int {
	p.t.Helper()
	total := 0
	for _, a := range p.acked {
		total += len(a.sent)
		if a.Last-a.First+1 != int64(len(a.sent)) || a.Last > int64(len(stored)) {
			p.t.Fatalf("producer %d: %d-%d was acknowledged for %d activities, and the feed has %d", p.contact, a.First, a.Last, len(a.sent), len(stored))
		}
		for i, want := range a.sent {
			if got := stored[a.First-1+int64(i)]; got != want {
				p.t.Fatalf("producer %d: acknowledged at %d: %+v; there is %+v", p.contact, a.First+int64(i), want, got)
			}
		}
	}
	return total
}
