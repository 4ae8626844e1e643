package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"tidings"
)

// openNodes opens stores on one fresh database, as processes of a cluster do.
func openNodes(t *testing.T, n int, o Options) []*Store {
	t.Helper()
	o.DSN = PostgresDatabase(t)
	o.SealEvery = -1
	nodes := make([]*Store, n)
	for i := range nodes {
		nodes[i] = openNode(t, o)
	}
	return nodes
}

func openNode(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := OpenPostgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// listeningNodes opens two nodes that listen, and gives what either hears.
func listeningNodes(t *testing.T) ([]*Store, chan tidings.Notice) {
	t.Helper()
	heard := make(chan tidings.Notice, 1000)
	nodes := openNodes(t, 2, Options{Noticed: func(n tidings.Notice) { heard <- n }})
	for range nodes {
		if n := <-heard; n.Kind != tidings.NoticeMissed {
			t.Fatalf("a node that begins to listen hears %v", n)
		}
	}
	return nodes, heard
}

func execute(t *testing.T, s *Store, statement string, args ...any) {
	t.Helper()
	if _, err := s.reader.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func renew(t *testing.T, s *Store, id tidings.NodeID, released ...tidings.Lease) tidings.Grant {
	t.Helper()
	g, err := s.RenewLeases(t.Context(), tidings.Node{ID: id, Name: "node " + string(id), Roles: []tidings.Role{tidings.RoleDeliver}}, released)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// lane makes an account with an endpoint, and gives its first position.
func lane(t *testing.T, s *Store) tidings.Position {
	t.Helper()
	account, _, err := s.CreateAccount(t.Context(), "a", tidings.MakeKey("first", tidings.AllScopes()), "admin")
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.CreateEndpoint(t.Context(), tidings.Endpoint{Account: account.ID, Name: "e", URL: "https://crm.example/in", State: tidings.StateActive}, tidings.Start{Beginning: true}, "admin")
	if err != nil {
		t.Fatal(err)
	}
	_, p, err := s.Lane(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// deliverUnder stores a position with an attempt under a lease and gives the answer.
func deliverUnder(s *Store, p tidings.Position, fence int64) error {
	answer := make(chan error, 1)
	s.Deliver(tidings.Delivery{Position: p, Lease: fence, Attempts: []tidings.Attempt{{Number: 1, Batch: "b_1"}}}, true, func(err error) { answer <- err })
	return <-answer
}

func TestNodesShareTheLeasesFairly(t *testing.T) {
	nodes := openNodes(t, 2, Options{})
	a := renew(t, nodes[0], "a")
	if len(a.Held) != tidings.Shards || a.Share != tidings.Shards {
		t.Fatalf("a alone holds %d, share %d", len(a.Held), a.Share)
	}
	b := renew(t, nodes[1], "b")
	if len(b.Held) != 0 || b.Share != tidings.Shards/2 || b.Again <= 0 || b.Again > tidings.LeaseTTL {
		t.Fatalf("b, new, holds %d, share %d, again after %v", len(b.Held), b.Share, b.Again)
	}
	a = renew(t, nodes[0], "a", a.Held[:tidings.Shards/2]...)
	b = renew(t, nodes[1], "b")
	if len(a.Held) != tidings.Shards/2 || len(b.Held) != tidings.Shards/2 {
		t.Fatalf("a holds %d, b %d, want half each", len(a.Held), len(b.Held))
	}
	for _, l := range b.Held {
		if l.Fence != 3 {
			t.Fatalf("shard %d went from nobody to a to b: fence %d, want 3", l.Shard, l.Fence)
		}
	}
	list, err := nodes[0].Nodes(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "node a" || !slices.Equal(list[1].Leases, b.Held) {
		t.Fatalf("Nodes = %v, %v", list, err)
	}
}

func TestLeasesOfANodeThatIsGoneAreClaimedUnderANewFence(t *testing.T) {
	nodes := openNodes(t, 2, Options{})
	p := lane(t, nodes[0])
	shard := tidings.ShardOf(p.Endpoint)
	a := renew(t, nodes[0], "a")
	p.Cursor = 1
	if err := deliverUnder(nodes[0], p, a.Held[shard].Fence); err != nil {
		t.Fatalf("under a lease that is held: %v", err)
	}
	execute(t, nodes[0], `UPDATE node SET seen = seen - interval '11 seconds'`)
	p.Cursor = 2
	if err := deliverUnder(nodes[0], p, a.Held[shard].Fence); err != nil {
		t.Fatalf("under a lease that nobody else has claimed: %v", err)
	}
	b := renew(t, nodes[1], "b")
	if len(b.Held) != tidings.Shards {
		t.Fatalf("b holds %d of the leases of a node that is gone", len(b.Held))
	}
	p.Cursor = 3
	if err := deliverUnder(nodes[0], p, a.Held[shard].Fence); !errors.Is(err, tidings.ErrNotHeld) {
		t.Fatalf("under a lease that another claimed: %v", err)
	}
	if err := deliverUnder(nodes[1], p, b.Held[shard].Fence); err != nil {
		t.Fatalf("under the claimed lease: %v", err)
	}
	attempts, _, err := nodes[1].Attempts(t.Context(), 1, p.Endpoint, 0, 10)
	if err != nil || len(attempts) != 4 {
		t.Errorf("%d attempts are kept, %v, want all 4: they were made", len(attempts), err)
	}
	if a = renew(t, nodes[0], "a"); len(a.Held) != 0 || a.Share != tidings.Shards/2 {
		t.Errorf("a, back, holds %d, share %d", len(a.Held), a.Share)
	}
}

func TestANodeThatComesBackInTimeKeepsItsLeases(t *testing.T) {
	nodes := openNodes(t, 1, Options{})
	before := renew(t, nodes[0], "a")
	execute(t, nodes[0], `UPDATE node SET seen = seen - interval '1 hour'`)
	if after := renew(t, nodes[0], "a"); !slices.Equal(after.Held, before.Held) {
		t.Errorf("held %v, then %v", before.Held, after.Held)
	}
}

func TestACleanEndHandsOverAtOnceAndSaysSo(t *testing.T) {
	nodes, heard := listeningNodes(t)
	renew(t, nodes[0], "a")
	renew(t, nodes[1], "b")
	if err := nodes[0].ReleaseLeases(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	for n := range heard { // b's word of a newcomer may come first
		if n.Kind == tidings.NoticeLeases {
			break
		}
	}
	if b := renew(t, nodes[1], "b"); len(b.Held) != tidings.Shards {
		t.Fatalf("b holds %d", len(b.Held))
	}
}

func TestNodesThatRenewAtOnceNeverHoldTheSameLease(t *testing.T) {
	nodes := openNodes(t, 4, Options{})
	grants := make([]tidings.Grant, len(nodes))
	for round := range 20 {
		if round%5 == 4 { // one is taken for gone, and renews like the others
			execute(t, nodes[0], fmt.Sprintf(`UPDATE node SET seen = seen - interval '11 seconds' WHERE id = '%d'`, round%len(nodes)))
		}
		var renewals sync.WaitGroup
		for i, s := range nodes {
			renewals.Go(func() {
				released := grants[i].Held[min(len(grants[i].Held), grants[i].Share):]
				var err error
				grants[i], err = s.RenewLeases(t.Context(), tidings.Node{ID: tidings.NodeID(fmt.Sprint(i)), Roles: []tidings.Role{tidings.RoleDeliver}}, released)
				if err != nil {
					t.Error(err)
				}
			})
		}
		renewals.Wait()
		owner := map[tidings.Lease]int{}
		for i, g := range grants {
			for _, l := range g.Held {
				if other, taken := owner[l]; taken {
					t.Fatalf("round %d: nodes %d and %d hold shard %d under the same fence %d", round, other, i, l.Shard, l.Fence)
				}
				owner[l] = i
			}
		}
	}
}

func TestFeedThatManyNodesAppendToHasNoGapAndEveryNodeReadsIt(t *testing.T) {
	nodes := openNodes(t, 3, Options{})
	feeds(t, nodes[0], 2)
	const writers, each = 4, 40
	var group sync.WaitGroup
	for n, s := range nodes {
		for w := range writers {
			group.Go(func() {
				last := tidings.Seq(0)
				for i := range each {
					r, err := s.Append(t.Context(), tidings.AppendRequest{Account: tidings.AccountID(1 + w%2), Activities: []tidings.Activity{numbered(n*writers+w, i)}})
					if err != nil || r.First <= last {
						t.Errorf("Append: %+v after %d, %v", r, last, err)
						return
					}
					last = r.First
				}
			})
		}
	}
	group.Wait()
	want := len(nodes) * writers / 2 * each
	for account := tidings.AccountID(1); account <= 2; account++ {
		first := ""
		for _, s := range nodes {
			s.heads.forget() // what was told may still be under way
			got := readFeed(t, s, account)
			if len(got) != want {
				t.Fatalf("%d activities, want %d", len(got), want)
			}
			if all := strings.Join(got, ","); first == "" {
				first = all
			} else if all != first {
				t.Fatal("two nodes read different feeds")
			}
		}
	}
}

func TestAppendIsToldToOtherNodes(t *testing.T) {
	nodes, heard := listeningNodes(t)
	feeds(t, nodes[0], 1)
	if head, err := nodes[1].Head(t.Context(), 1); head != 0 || err != nil {
		t.Fatal(head, err)
	}
	if _, err := one(nodes[0], 1); err != nil {
		t.Fatal(err)
	}
	if n := <-heard; n.Account != 1 || n.Head != 1 {
		t.Fatalf("heard %+v", n)
	}
	if head, err := nodes[1].Head(t.Context(), 1); head != 1 || err != nil {
		t.Fatalf("the other node's head: %d, %v", head, err)
	}
}

func TestRevokedKeyDiesOnEveryNode(t *testing.T) {
	nodes, heard := listeningNodes(t)
	fresh := tidings.MakeKey("first", tidings.AllScopes())
	account, key, err := nodes[0].CreateAccount(t.Context(), "a", fresh, "admin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nodes[1].KeyByDigest(t.Context(), fresh.Digest); err != nil {
		t.Fatal(err)
	}
	if err := nodes[0].RevokeKey(t.Context(), account.ID, key.ID, "admin"); err != nil {
		t.Fatal(err)
	}
	for n := range heard {
		if n.Kind == tidings.NoticeKeys && n.Account == account.ID {
			break
		}
	}
	_, err = nodes[1].KeyByDigest(t.Context(), fresh.Digest)
	wantCode(t, err, tidings.CodeUnauthorized)
}

func wantCode(t *testing.T, err error, code tidings.Code) {
	t.Helper()
	if tidings.CodeOf(err) != code {
		t.Fatalf("error %v, want code %q", err, code)
	}
}

func TestOneNodeAtATimePurges(t *testing.T) {
	nodes := openNodes(t, 2, Options{})
	p := lane(t, nodes[0])
	if err := nodes[0].DeleteEndpoint(t.Context(), 1, p.Endpoint, "admin"); err != nil {
		t.Fatal(err)
	}
	later := nodes[0].now().AddDate(0, 0, 1)
	if _, err := nodes[0].PurgeEvents(t.Context(), later); err != nil { // the purging is this node's now
		t.Fatal(err)
	}
	if n, err := nodes[1].PurgeDeleted(t.Context(), later); n != 0 || err != nil {
		t.Errorf("the other node purged %d, %v", n, err)
	}
	if n, err := nodes[0].PurgeDeleted(t.Context(), later); n != 1 || err != nil {
		t.Errorf("the node whose the purging is purged %d, %v", n, err)
	}
	if err := nodes[0].Close(); err != nil {
		t.Fatal(err)
	}
	if mine, err := nodes[1].engine.chore(t.Context(), purging); !mine || err != nil {
		t.Errorf("after its end the purging is not the other's: %v", err)
	}
}

func TestOneNodeAtATimeSeals(t *testing.T) {
	nodes := openNodes(t, 2, Options{})
	feeds(t, nodes[0], 1)
	for i := range 2 * frameItems {
		if _, err := nodes[i%2].Append(t.Context(), tidings.AppendRequest{Account: 1, Activities: []tidings.Activity{sample(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	nodes[0].heads.forget() // what was told may still be under way
	want := strings.Join(readFeed(t, nodes[0], 1), "")
	for _, s := range nodes {
		s.clean(t.Context())
	}
	if a, b := nodes[0].Stats().SealedAway, nodes[1].Stats().SealedAway; a == 0 || b != 0 {
		t.Errorf("the nodes merged %d and %d frames away", a, b)
	}
	// Both at once, as after a stop, harm nothing either.
	var group sync.WaitGroup
	for _, s := range nodes {
		group.Go(func() {
			if _, err := s.SealStep(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, s := range nodes {
		s.heads.forget()
		if got := strings.Join(readFeed(t, s, 1), ""); got != want {
			t.Error("a feed reads differently after it was sealed")
		}
	}
}

func TestOtherNodesHearOfWhatIsDue(t *testing.T) {
	nodes, heard := listeningNodes(t)
	account, _, err := nodes[0].CreateAccount(t.Context(), "a", tidings.MakeKey("first", tidings.AllScopes()), "admin")
	if err != nil {
		t.Fatal(err)
	}
	definition := tidings.Definition{Start: "end", Blocks: []tidings.Block{{ID: "end", Kind: tidings.BlockEnd}}}
	w, err := nodes[0].CreateWorkflow(t.Context(), tidings.Workflow{Account: account.ID, Name: "w", Draft: definition}, "admin")
	if err == nil {
		w, err = nodes[0].ActivateWorkflow(t.Context(), account.ID, w.ID, 0, "admin")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind tidings.NoticeKind
		do   func() error
	}{
		{tidings.NoticeRuns, func() error {
			e := tidings.Event{Account: account.ID, TypeKey: "order", KeyValue: "1"}
			_, err := nodes[0].AddEvent(t.Context(), e, []tidings.Launch{{Workflow: w.ID, Version: 1, Start: "end"}})
			return err
		}},
		{tidings.NoticeMails, func() error {
			_, err := nodes[0].QueueMail(t.Context(), tidings.Mail{Account: account.ID, To: "ann@example.com"})
			return err
		}},
		{tidings.NoticeBroadcasts, func() error {
			_, err := nodes[0].CreateBroadcast(t.Context(), tidings.Broadcast{Account: account.ID, Name: "b"}, "admin")
			return err
		}},
	} {
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.kind, err)
		}
		for n := range heard {
			if n.Kind == c.kind {
				break
			}
			t.Logf("heard %+v", n)
		}
	}
}
