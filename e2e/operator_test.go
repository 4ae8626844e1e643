package e2e_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tidings/cmd/tidings/receiver"
)

// at gives the path of an act on an endpoint.
func at(id int64, act string) string { return fmt.Sprintf("/v1/endpoints/%d/%s", id, act) }

func TestDeactivatedEndpointKeepsItsBacklog(t *testing.T) {
	s := newServer(t)
	account := s.newAccount(t, "shop")
	sink := newSink(t, "")
	e := account.newEndpoint(t, map[string]any{"url": sink.URL})
	want := activities(1, 0, 20)
	account.send(t, want[:10])
	sink.wants(t, 10)
	account.must(t, http.MethodPost, at(e.ID, "deactivate"), map[string]any{}, nil)
	account.send(t, want[10:])
	s.terminate()
	s.start()
	if got := account.endpoint(t, e.ID); got.State != "deactivated" || got.Backlog != 10 {
		t.Errorf("deactivated, the endpoint stands at %+v", got)
	}
	if n := len(sink.got()); n != 10 {
		t.Errorf("a deactivated endpoint was sent %d activities", n-10)
	}
	account.must(t, http.MethodPost, at(e.ID, "activate"), map[string]any{}, nil)
	sink.wants(t, 20)
	same(t, sink.got(), want)
}

func TestSkippedBatchIsLeftOutAndTheRestArrives(t *testing.T) {
	s := newServer(t)
	account := s.newAccount(t, "shop")
	sink := newSink(t, "")
	poison := activities(1, 0, 1)
	rest := activities(1, 1, 4)
	sink.answer(func(_ int64, d receiver.Delivery) receiver.Answer {
		if strings.Contains(string(d.Body), poison[0].IID) {
			return receiver.Answer{Status: http.StatusUnprocessableEntity}
		}
		return receiver.Answer{}
	})
	e := account.newEndpoint(t, map[string]any{"url": sink.URL, "batch": map[string]any{"maxItems": 1}})
	account.send(t, poison)
	account.send(t, rest)
	eventually(t, "the endpoint is blocked", func() bool { return account.endpoint(t, e.ID).Attempt > 0 })
	account.must(t, http.MethodPost, at(e.ID, "skip"), map[string]any{"reason": "the receiver can't take it"}, nil)
	sink.wants(t, len(rest))
	same(t, sink.got(), rest)
	var audit any
	account.must(t, http.MethodGet, "/v1/audit", nil, &audit)
	if text := fmt.Sprint(audit); !strings.Contains(text, "endpoint.skip") || !strings.Contains(text, "the receiver can't take it") {
		t.Errorf("the audit does not tell of the skip: %s", text)
	}
}

func TestSeekSendsAgainUnderNewIDs(t *testing.T) {
	s := newServer(t)
	account := s.newAccount(t, "shop")
	sink := newSink(t, "")
	e := account.newEndpoint(t, map[string]any{"url": sink.URL})
	want := activities(1, 0, 10)
	account.send(t, want)
	sink.wants(t, 10)
	var dry struct {
		Again int64 `json:"again"`
	}
	account.must(t, http.MethodPost, at(e.ID, "seek"), map[string]any{"seq": 4, "dryRun": true}, &dry)
	if dry.Again != 7 {
		t.Errorf("the dry run says that %d activities come again, want 7", dry.Again)
	}
	if got := account.endpoint(t, e.ID); got.Cursor != 10 {
		t.Errorf("a dry run moved the cursor to %d", got.Cursor)
	}
	account.must(t, http.MethodPost, at(e.ID, "seek"), map[string]any{"seq": 4}, nil)
	sink.wants(t, 17)
	same(t, sink.got(), append(append([]activity(nil), want...), want[3:]...))
	if sink.count(receiver.Moved) != 1 || sink.count(receiver.Repeat) != 0 {
		t.Errorf("after the seek: %d moved, %d repeats", sink.count(receiver.Moved), sink.count(receiver.Repeat))
	}
}

func TestRotatedSecretSignsAtOnceAndTheOldOneStillDoes(t *testing.T) {
	s := newServer(t)
	account := s.newAccount(t, "shop")
	first := "whsec_" + base64.StdEncoding.EncodeToString([]byte("the first secret of an endpoint."))
	withOld := newSink(t, first) // its checker fails the test when a signature is wrong
	e := account.newEndpoint(t, map[string]any{"url": withOld.URL, "secret": first})
	account.send(t, activities(1, 0, 5))
	withOld.wants(t, 5)

	var rotated endpoint
	account.must(t, http.MethodPost, at(e.ID, "rotate-secret"), map[string]any{}, &rotated)
	if rotated.Secret == "" || rotated.Secret == first {
		t.Fatalf("the rotation gave the secret %q", rotated.Secret)
	}
	account.send(t, activities(1, 5, 5))
	withOld.wants(t, 10)

	withNew := newSink(t, rotated.Secret)
	account.must(t, http.MethodPatch, fmt.Sprintf("/v1/endpoints/%d", e.ID), map[string]any{"url": withNew.URL}, nil)
	account.send(t, activities(1, 10, 5))
	withNew.wants(t, 5)
	if got := account.endpoint(t, e.ID); got.Secret != "" {
		t.Errorf("the secret is shown again: %q", got.Secret)
	}
}

// The copy is one instant of a server that goes on taking and delivering: what
// is restored is a beginning of the feed, at least as long as what was
// acknowledged before the backup began.
func TestBackupOfARunningServerIsRestoredElsewhere(t *testing.T) {
	s := newServer(t)
	account := s.newAccount(t, "shop")
	sink := newSink(t, "")
	account.newEndpoint(t, map[string]any{"url": sink.URL})
	before := activities(9, 0, 200)
	account.send(t, before)
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	busy := &producer{t: t, api: account, contact: 1, rng: rand.New(rand.NewPCG(1, 1))}
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	running.Go(func() { busy.send(ctx) })
	copied := filepath.Join(t.TempDir(), "copy.db")
	code, out, errs := run(t, "backup", "--data", s.data, copied)
	enough()
	running.Wait()
	if code != 0 {
		t.Fatalf("backup ended with %d: %s%s", code, out, errs)
	}
	all := account.feed(t)
	sink.wants(t, len(all))
	if code, _, errs := run(t, "backup", "--data", s.data, copied); code != 1 || !strings.Contains(errs, "exists") {
		t.Errorf("a second backup to the same file ended with %d: %s", code, errs)
	}
	if code, _, errs := run(t, "restore", "--data", s.data, copied); code != 1 || !strings.Contains(errs, "already") {
		t.Errorf("a restore over live data ended with %d: %s", code, errs)
	}
	s.terminate()
	sink.Close() // it is ahead of what is restored: see docs/operators.md

	elsewhere := filepath.Join(t.TempDir(), "data")
	if code, out, errs := run(t, "restore", "--data", elsewhere, copied); code != 0 || !strings.Contains(out, "tidings.key") {
		t.Fatalf("restore ended with %d: %s%s", code, out, errs)
	}
	key, err := os.ReadFile(filepath.Join(s.data, "tidings.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(elsewhere, "tidings.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	s.data = elsewhere
	s.start()
	restored := account.feed(t)
	if len(restored) < len(before) || len(restored) > len(all) {
		t.Fatalf("%d activities were restored, of %d", len(restored), len(all))
	}
	same(t, restored, all[:len(restored)])
	account.send(t, activities(2, 0, 10))
	same(t, account.feed(t), append(restored, activities(2, 0, 10)...))
}

func TestBackupThatIsNoneIsNotRestored(t *testing.T) {
	fake := filepath.Join(t.TempDir(), "fake.db")
	if err := os.WriteFile(fake, []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	if code, _, errs := run(t, "restore", "--data", data, fake); code != 1 || !strings.Contains(errs, "fake.db") {
		t.Errorf("ended with %d: %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(data, "tidings.db")); err == nil {
		t.Error("something was restored all the same")
	}
}
