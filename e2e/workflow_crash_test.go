package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// claimHold is how long what was under way waits after a kill.
const claimHold = "10s"

// TestKillsEndEveryRunOnce kills the server at random moments while a thousand
// events start runs: see manyRuns.
func TestKillsEndEveryRunOnce(t *testing.T) {
	t.Parallel()
	moments := killMoments(t)
	office, outside := newPostOffice(t), newShop(t)
	s := newServer(t, "--smtp", "smtp://"+office.addr, "--egress-ca", outside.ca, "--claim-hold", claimHold)
	manyRuns(t, s.newAccount(t, "shop"), office, outside, 1000, func() {
		for round := range *crashRounds {
			moment := time.Duration(50+moments.IntN(700)) * time.Millisecond
			<-time.After(moment)
			s.kill()
			t.Logf("round %d: killed after %s", round+1, moment)
			s.start()
		}
	})
}

// TestKilledNodesEndEveryRunOnce is the same with two nodes on one PostgreSQL,
// one of which is killed at a time: the other takes over what was in its hands.
func TestKilledNodesEndEveryRunOnce(t *testing.T) {
	t.Parallel()
	moments := killMoments(t)
	office, outside := newPostOffice(t), newShop(t)
	dsn := sharedDatabase(t)
	c := newCluster(t, dsn, 0)
	for i := range 2 {
		n := c.newNode(fmt.Sprint("node-", i+1), dsn, "--smtp", "smtp://"+office.addr, "--egress-ca", outside.ca, "--claim-hold", claimHold)
		n.begin()
		c.nodes = append(c.nodes, n)
	}
	manyRuns(t, c.everywhere(c.nodes[0].newAccount(t, "shop")), office, outside, 300, func() {
		for round := range *crashRounds / 2 {
			n := c.nodes[moments.IntN(2)]
			<-time.After(time.Duration(50+moments.IntN(500)) * time.Millisecond)
			n.kill()
			t.Logf("round %d: killed %s", round+1, n.name)
			<-time.After(time.Duration(moments.IntN(500)) * time.Millisecond)
			n.begin()
		}
	})
}

// killMoments draws the moments of kills, by -crash.seed.
func killMoments(t *testing.T) *rand.Rand {
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed: -crash.seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// manyRuns has events start runs while something goes on. Each run must end
// once; no message goes out twice but for a mail whose answer a server did not
// live to note, and then under the same Message-ID; a call that is repeated
// has the same id; the feed has one DELIVERED for each run, and the endpoint
// got the feed.
func manyRuns(t *testing.T, account *api, office *postOffice, outside *shop, events int, meanwhile func()) {
	t.Helper()
	receiver := newSink(t, "")
	account.newEndpoint(t, map[string]any{"url": receiver.URL})
	emails := make([]string, events)
	for i := range emails {
		emails[i] = fmt.Sprintf("runner%d@example.com", i)
	}
	account.subscribers(t, emails...)
	account.seedWorkflow(t, outside.URL)
	account.subscribe(t, "first", emails[0]) // makes the type
	account.must(t, http.MethodPatch, "/v1/event-types/1", map[string]any{"uniqueKeys": true}, nil)

	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	var next atomic.Int64
	var sending sync.WaitGroup
	t.Cleanup(sending.Wait) // also when the test has failed
	for range 4 {
		sending.Go(func() {
			for i := next.Add(1); i < int64(events) && ctx.Err() == nil; i = next.Add(1) {
				account.insist(ctx, fmt.Sprintf("k%d", i), emails[i])
			}
		})
	}
	meanwhile()
	sending.Wait()
	account.wantsEnded(t, 1, events)

	facts := account.facts(t)
	checkDelivered(t, facts, events)
	checkLetters(t, office.letters(), events)
	checkCalls(t, outside.called(), events)
	receiver.wants(t, events)
	for i, got := range receiver.got() {
		if got.IID != facts[i].text("iid") {
			t.Fatalf("the endpoint got another activity as number %d", i+1)
		}
	}
}

// checkDelivered wants one DELIVERED for each event, and nothing else.
func checkDelivered(t *testing.T, facts []fact, events int) {
	t.Helper()
	keys := map[string]int{}
	for _, f := range facts {
		if f.text("activityStatus") != "DELIVERED" {
			t.Errorf("the feed has %v", f)
		}
		keys[f.text("sourceEventKey")]++
	}
	if len(facts) != events || len(keys) != events {
		t.Errorf("%d activities of %d events, want one for each of %d", len(facts), len(keys), events)
	}
}

// checkLetters wants one mail for each address; a repeat has its Message-ID.
func checkLetters(t *testing.T, letters []letter, addresses int) {
	t.Helper()
	byAddress := map[string]map[string]bool{}
	repeated := 0
	for _, l := range letters {
		if byAddress[l.to] == nil {
			byAddress[l.to] = map[string]bool{}
		}
		if byAddress[l.to][l.id()] {
			repeated++
		}
		byAddress[l.to][l.id()] = true
	}
	for address, ids := range byAddress {
		if len(ids) != 1 {
			t.Errorf("%s got %d different mails: %v", address, len(ids), ids)
		}
	}
	if len(byAddress) != addresses {
		t.Errorf("%d addresses of %d got a mail", len(byAddress), addresses)
	}
	t.Logf("%d mails were repeated under their Message-ID", repeated)
}

// checkCalls wants two calls for each run; a repeat has its id.
func checkCalls(t *testing.T, calls []shopCall, runs int) {
	t.Helper()
	ids := map[string]string{}
	for _, c := range calls {
		if was, ok := ids[c.id]; ok && was != c.target+c.body {
			t.Errorf("the call %s was made of %s and of %s", c.id, was, c.target+c.body)
		}
		ids[c.id] = c.target + c.body
	}
	if len(ids) != 2*runs {
		t.Errorf("%d different calls were made for %d runs", len(ids), runs)
	}
}

// insist sends an event until it is acknowledged; a repeat is known by its key.
func (a *api) insist(ctx context.Context, key, email string) {
	event := map[string]any{"eventTypeKey": "subscribeFromApi", "keyValue": key, "params": map[string]any{"email": email, "subscription": key}}
	for ctx.Err() == nil && a.do(ctx, http.MethodPost, "/v1/events", nil, event, nil) != nil {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// wantsEnded waits until all runs of a workflow have ended well.
func (a *api) wantsEnded(t *testing.T, workflow, n int) {
	t.Helper()
	var shown struct {
		Runs struct{ Going, Ended, Failed, Marked int }
	}
	for before := -1; ; {
		eventually(t, fmt.Sprintf("more than %d of %d runs end", before, n), func() bool {
			a.must(t, http.MethodGet, fmt.Sprintf("/v1/workflows/%d", workflow), nil, &shown)
			return shown.Runs.Ended > before
		})
		if before = shown.Runs.Ended; before >= n {
			break
		}
	}
	if r := shown.Runs; r.Going != 0 || r.Ended != n || r.Failed != 0 {
		t.Errorf("of the runs %+v, want %d ended", r, n)
	}
	// Their mails may still be on the way.
	eventually(t, "no mail is queued", func() bool {
		var page struct{ Mails []any }
		a.must(t, http.MethodGet, "/v1/outbox?state=queued&limit=1", nil, &page)
		return len(page.Mails) == 0
	})
}

// TestABroadcastOutlivesPausesAndKills pauses, resumes and kills: every contact
// gets the message once, or twice under the same Message-ID.
func TestABroadcastOutlivesPausesAndKills(t *testing.T) {
	t.Parallel()
	const contacts = 2000
	office := newPostOffice(t)
	s := newServer(t, "--smtp", "smtp://"+office.addr, "--claim-hold", claimHold)
	account := s.newAccount(t, "shop")
	emails := make([]string, contacts)
	for i := range emails {
		emails[i] = fmt.Sprintf("reader%d@example.com", i)
	}
	account.subscribers(t, emails...)
	segment := account.make(t, "/v1/segments", map[string]any{"name": "All", "condition": map[string]any{"field": "EMAIL", "op": "isSet"}})
	message := account.make(t, "/v1/messages", map[string]any{"name": "Sale", "from": map[string]any{"address": "shop@example.com"}, "subject": "Sale", "text": "Hello $firstName"})
	account.make(t, "/v1/broadcasts", map[string]any{"name": "Sale", "messageId": message, "segmentId": segment, "perMinute": 30_000})

	some := func(n int) {
		eventually(t, fmt.Sprintf("%d mails are sent", n), func() bool { return office.count() >= n })
	}
	some(100)
	account.must(t, http.MethodPost, "/v1/broadcasts/1/pause", nil, nil)
	s.kill()
	s.start()
	paused := office.count()
	<-time.After(time.Second)
	if now := office.count(); now != paused {
		t.Errorf("%d mails went out of a paused broadcast", now-paused)
	}
	account.must(t, http.MethodPost, "/v1/broadcasts/1/resume", nil, nil)
	some(paused + 100)
	s.kill()
	s.start()
	var shown struct {
		State    string
		Progress struct{ Total, Queued, Sent, Failed, Skipped int }
	}
	for before := -1; shown.Progress.Sent < contacts || shown.State != "done"; {
		eventually(t, fmt.Sprintf("more than %d of %d mails are sent", before, contacts), func() bool {
			account.must(t, http.MethodGet, "/v1/broadcasts/1", nil, &shown)
			return shown.Progress.Sent > before || shown.State == "done"
		})
		before = shown.Progress.Sent
	}
	if shown.Progress.Sent != contacts || shown.Progress.Queued != contacts || shown.Progress.Failed+shown.Progress.Skipped != 0 {
		t.Errorf("the broadcast is %+v", shown)
	}
	checkLetters(t, office.letters(), contacts)
	if facts := account.facts(t); len(facts) != contacts {
		t.Errorf("the feed has %d activities", len(facts))
	}
}
