package workflow_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidings"
	"tidings/call"
	"tidings/egress"
	"tidings/workflow"
)

// BenchmarkRuns measures runs from the event to the queued mail, everything
// real: SQLite with its fsyncs, HTTPS over loopback, a condition on the reply, a mail rendered of it.
func BenchmarkRuns(b *testing.B) {
	shop := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"promocode":"SPRING-10","valid":30,"shops":[{"id":1,"town":"Kyiv"},{"id":2,"town":"Lviv"}]}`)
	}))
	shop.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of connections that are not needed any more
	shop.StartTLS()
	defer shop.Close()
	w := openWorld(b, `{"trigger":{"eventTypeKey":"promo"},"start":"ask","blocks":[
		{"id":"ask","kind":"webhook","webhook":{"webhookId":%d},"exits":{"ok":"has"}},
		{"id":"has","kind":"condition","condition":{"field":"data.WH5.promocode","op":"isSet"},"exits":{"yes":"send","no":"end"}},
		{"id":"send","kind":"message","message":{"messageId":%d},"exits":{"next":"end"}},{"id":"end","kind":"end"}]}`)
	hooks, err := w.Webhooks(b.Context(), w.account, false, 0, 1)
	if err != nil {
		b.Fatal(err)
	}
	hook := hooks[0]
	hook.URL = shop.URL + "/promo?email=$email"
	if _, err := w.UpdateWebhook(b.Context(), hook, "test", ""); err != nil {
		b.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(shop.Certificate())
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	door := egress.New(egress.Options{Allow: loopback, RootCAs: roots})
	defer door.Close()
	caller := call.New(call.Options{Client: door, Rules: call.Rules{Allow: loopback}})
	engine := workflow.NewEngine(workflow.EngineOptions{Store: w.Store, Call: caller.Do})
	done := &ended{RunStore: w.Store, all: make(chan struct{})}
	done.left.Store(int64(b.N))
	runner := workflow.NewRunner(workflow.RunnerOptions{Engine: engine, Store: done, Log: slog.New(slog.DiscardHandler)})
	w.due.Store(runner.Wake)
	runner.Start()
	defer runner.Stop(context.Background())

	b.ResetTimer()
	var events atomic.Int64
	var producers sync.WaitGroup
	for range 32 * runtime.GOMAXPROCS(0) {
		producers.Go(func() {
			for n := events.Add(1); n <= int64(b.N); n = events.Add(1) {
				w.event(b, int(n))
			}
		})
	}
	producers.Wait()
	<-done.all
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
	b.ReportMetric(float64(b.N)/float64(done.claims.Load()), "runs/claim")
	b.StopTimer()
	mails, err := w.Mails(b.Context(), tidings.MailQuery{Account: w.account, Limit: b.N + 1})
	if err != nil || len(mails) != b.N {
		b.Fatal(fmt.Errorf("%d runs have queued %d mails: %w", b.N, len(mails), err))
	}
}

// ended counts the runs that come to their end.
type ended struct {
	workflow.RunStore
	left   atomic.Int64
	claims atomic.Int64
	all    chan struct{}
}

func (e *ended) ClaimRuns(ctx context.Context, limit int, hold time.Duration) ([]tidings.Run, time.Time, error) {
	runs, next, err := e.RunStore.ClaimRuns(ctx, limit, hold)
	if len(runs) > 0 {
		e.claims.Add(1)
	}
	return runs, next, err
}

func (e *ended) CommitStep(ctx context.Context, a tidings.Advance) (tidings.Advanced, error) {
	done, err := e.RunStore.CommitStep(ctx, a)
	if err == nil && a.State != tidings.RunGoing && e.left.Add(-1) == 0 {
		close(e.all)
	}
	return done, err
}
