package feed_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
	"tidings/feed"
)

// The simulator drives real lanes through weeks of simulated time: stores that
// refuse, receivers that fail in every way, processes that are killed, and
// operators who change things meanwhile. Its checker (receivers_test.go) sees
// only what the receivers saw.
//
// One seed is one life: go test ./feed -run TestSimulation -sim.seed=7 -v

func TestMain(m *testing.M) {
	flag.Uint64("sim.seed", 0, "simulate this seed alone")
	flag.Uint64("sim.seeds", defaultSeeds, "simulate the seeds from 1 to this")
	flag.Parse()
	os.Exit(m.Run())
}

func flagValue(name string) uint64 {
	return flag.Lookup(name).Value.(flag.Getter).Get().(uint64)
}

func TestSimulation(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) { newSimulation(t, seed).run() })
}

// eachSeed simulates one life a seed.
func eachSeed(t *testing.T, live func(t *testing.T, seed uint64)) {
	first, last := uint64(1), flagValue("sim.seeds")
	if seed := flagValue("sim.seed"); seed != 0 {
		first, last = seed, seed
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { live(t, seed) })
		})
	}
}

const (
	simAccounts  = 3
	simEndpoints = 12
	simDays      = 21
)

type simulation struct {
	t         *testing.T
	rng       *rand.Rand
	store     *simStore
	receivers map[tidings.EndpointID]*receiver

	log  *simLog
	d    *feed.Dispatcher
	dies context.CancelFunc // of the present process's POSTs
	life context.Context
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	s := &simulation{
		t:         t,
		rng:       rand.New(rand.NewPCG(seed, 1)),
		store:     newSimStore(),
		receivers: map[tidings.EndpointID]*receiver{},
	}
	for i := range simEndpoints {
		s.addEndpoint(tidings.EndpointID(i + 1))
	}
	return s
}

func (s *simulation) addEndpoint(id tidings.EndpointID) {
	ep := tidings.Endpoint{
		ID: id, Account: tidings.AccountID(1 + int(id)%simAccounts), State: tidings.StateActive,
		Batch:   tidings.BatchLimits{MaxItems: 1 + s.rng.IntN(40), MaxBytes: 1<<10 + s.rng.IntN(8<<10)},
		Timeout: 15 * time.Second,
	}
	switch s.rng.IntN(4) {
	case 0:
		ep.Filter.Statuses = ep.Filter.Statuses.With(tidings.Clicked)
	case 1:
		ep.Filter.MediaTypes = ep.Filter.MediaTypes.With(tidings.SMS).With(tidings.Email)
	}
	if s.rng.IntN(4) == 0 {
		ep.Batch.Linger = time.Duration(s.rng.IntN(5000)) * time.Millisecond
	}
	s.store.endpoints[id] = ep
	s.store.positions[id] = tidings.Position{Endpoint: id, Fence: 1}
	s.receivers[id] = &receiver{
		t: s.t, id: id, filter: ep.Filter, rng: rand.New(rand.NewPCG(s.rng.Uint64(), 2)),
		health: s.rng.IntN(4),
	}
}

func (s *simulation) start() {
	s.life, s.dies = context.WithCancel(context.Background())
	life := s.life
	s.log = &simLog{store: s.store, rng: rand.New(rand.NewPCG(s.rng.Uint64(), 3)), fail: 0.02}
	s.d = feed.New(feed.Config{
		Log:         s.log,
		MaxInFlight: 8, MaxRepeats: 3,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Post: func(ctx context.Context, ep *tidings.Endpoint, out feed.Outgoing) (tidings.Attempt, time.Duration) {
			return s.receivers[ep.ID].post(ctx, life, ep, out)
		},
	})
	if err := s.d.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *simulation) run() {
	s.start()
	end := time.Now().Add(simDays * 24 * time.Hour)
	for time.Now().Before(end) {
		s.act()
		time.Sleep(s.pause())
	}
	s.heal()
	time.Sleep(3 * time.Hour) // the longest wait, and everything behind it
	synctest.Wait()
	s.checkQuiet()
	s.stop()
	for id, r := range s.receivers {
		r.checkComplete(s.store.feeds[s.store.endpoints[id].Account])
	}
}

func (s *simulation) pause() time.Duration {
	switch s.rng.IntN(10) {
	case 0:
		return time.Duration(s.rng.IntN(12)) * time.Hour
	case 1, 2:
		return time.Duration(s.rng.IntN(3600)) * time.Second
	}
	return time.Duration(s.rng.IntN(3000)) * time.Millisecond
}

// act does one thing that may happen at any time. Everything else that is due
// at this instant has happened before it, so that a seed gives one run.
func (s *simulation) act() {
	synctest.Wait()
	id := tidings.EndpointID(1 + s.rng.IntN(simEndpoints))
	switch n := s.rng.IntN(100); {
	case n < 70:
		s.appendSome()
	case n < 76:
		s.receivers[id].setHealth(s.rng.IntN(6))
	case n < 80:
		s.crash()
	case n < 82:
		s.stop()
		s.start()
	case n < 86:
		s.receivers[id].triedNow() // first, for the try may arrive before TryNow returns
		_ = s.d.TryNow(id)         // refused when nothing waits
	case n < 92:
		s.store.act(id, func(ep *tidings.Endpoint, _ *tidings.Position) {
			ep.Batch.MaxItems = 1 + s.rng.IntN(40)
			ep.Batch.MaxBytes = 1<<10 + s.rng.IntN(8<<10)
		})
		s.reload(id)
	case n < 96:
		s.toggle(id)
	default:
		s.seekBack(id)
	}
}

func (s *simulation) appendSome() {
	if account, head := s.appendTo(); head > 0 {
		s.d.Appended(account, head)
	}
}

// appendTo appends to some account's feed and gives its new head; 0 = nothing.
func (s *simulation) appendTo() (tidings.AccountID, tidings.Seq) {
	account := tidings.AccountID(1 + s.rng.IntN(simAccounts))
	n := 1 + s.rng.IntN(20)
	if s.rng.IntN(10) == 0 {
		n = s.rng.IntN(3000)
	}
	kinds := make([]tidings.Kind, n)
	for i := range kinds {
		kinds[i] = tidings.KindOf(tidings.Status(1+s.rng.IntN(8)), tidings.MediaType(1+s.rng.IntN(9)))
	}
	if n == 0 {
		return account, 0
	}
	return account, s.store.append(account, kinds...)
}

func (s *simulation) reload(id tidings.EndpointID) {
	if err := s.d.Reload(s.t.Context(), id); err != nil {
		s.t.Fatal(err)
	}
}

func (s *simulation) toggle(id tidings.EndpointID) {
	s.store.act(id, toggle)
	s.reload(id)
}

func toggle(ep *tidings.Endpoint, _ *tidings.Position) {
	if ep.State == tidings.StateActive {
		ep.State = tidings.StateDeactivated
	} else {
		ep.State = tidings.StateActive
	}
}

func (s *simulation) seekBack(id tidings.EndpointID) {
	s.moveBack(id, s.receivers[id].moved)
	s.reload(id)
}

// moveBack moves a cursor back by some, as an operator does whose receiver has lost data.
func (s *simulation) moveBack(id tidings.EndpointID, moved func(tidings.Seq)) {
	var to tidings.Seq
	s.store.act(id, func(_ *tidings.Endpoint, p *tidings.Position) {
		to = max(0, p.Cursor-tidings.Seq(s.rng.IntN(100)))
		*p = tidings.Position{Endpoint: id, Fence: p.Fence, Epoch: p.Epoch + 1, Cursor: to, Scanned: to}
		moved(to)
	})
}

func (s *simulation) crash() {
	s.log.kill()
	s.dies()
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.d.Stop(now) // a killed process has nothing to say
	for _, r := range s.receivers {
		r.crashed()
	}
	time.Sleep(time.Duration(s.rng.IntN(100)) * time.Second)
	s.start()
}

func (s *simulation) stop() {
	grace, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.d.Stop(grace); err != nil {
		s.t.Errorf("a graceful stop did not finish in time: %v", err)
	}
	time.Sleep(10 * time.Millisecond) // the store's flush
	for _, r := range s.receivers {
		r.restarted()
	}
	s.dies()
}

// heal ends all faults, so that everything must arrive.
func (s *simulation) heal() {
	s.log.mu.Lock()
	s.log.fail = 0
	s.log.mu.Unlock()
	for id, r := range s.receivers {
		r.setHealth(0)
		s.store.act(id, func(ep *tidings.Endpoint, _ *tidings.Position) { ep.State = tidings.StateActive })
		s.reload(id)
	}
}

// checkQuiet: lanes with nothing to do cost no goroutine.
func (s *simulation) checkQuiet() {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	if bytes.Contains(buf, []byte("(*lane).run")) {
		s.t.Errorf("a lane still runs though all is delivered:\n%s", buf)
	}
	if !slices.ContainsFunc(bytes.Split(buf, []byte("\n")), func(line []byte) bool {
		return bytes.Contains(line, []byte("followHeads"))
	}) {
		s.t.Error("the stack dump shows no dispatcher: this check sees nothing")
	}
}
