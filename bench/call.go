package bench

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"tidings"
	"tidings/call"
	"tidings/egress"
	"tidings/store"
)

// callWorkers is how many calls are under way at once, ours and the bare ones:
// as many runs as a busy server has, so that their records share commits.
const callWorkers = 128

// calls: a webhook is rendered, checked, sent over HTTPS, its reply read and
// the call stored, against a loop of http.Client that sends the same request.
func (r *run) calls(ctx context.Context) ([]Row, error) {
	shop, err := newShop()
	if err != nil {
		return nil, err
	}
	defer shop.close()
	caller, log, err := r.callerOf(ctx, shop)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	var ours, bare []float64
	var heap []float64
	for range r.cfg.Rounds {
		rate, err := shop.bareRound(ctx, r.cfg.Time)
		if err != nil {
			return nil, err
		}
		bare = append(bare, rate)
		if rate, err = repeat(ctx, r.cfg.Time, func(ctx context.Context) error { return oneCall(ctx, caller, log, shop.order()) }); err != nil {
			return nil, err
		}
		ours = append(ours, rate)
		heap = append(heap, heapMiB())
	}
	row := Row{
		Name: "call", What: "render, check, send, read and store a webhook's call, against a bare client sending the same request",
		Value: median(ours) / median(bare), Unit: "x", Reach: ">= 0.4 x",
		Parts: []Part{
			{"calls, each stored", median(ours), "calls/s"},
			{fmt.Sprintf("bare http.Client, %d connections", callWorkers), median(bare), "posts/s"},
			{"heap after the first round", heap[0], "MiB"},
			{"heap after the last round", heap[len(heap)-1], "MiB"},
		},
	}
	return []Row{row.atLeast(0.4)}, nil
}

func (r *run) callerOf(ctx context.Context, shop *shop) (*call.Caller, *store.Store, error) {
	dir, err := r.fresh()
	if err != nil {
		return nil, nil, err
	}
	log, err := store.OpenSQLite(ctx, store.Options{Dir: dir})
	if err != nil {
		return nil, nil, err
	}
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	return call.New(call.Options{
		Client: egress.New(egress.Options{Allow: loopback, RootCAs: shop.roots}), Rules: call.Rules{Allow: loopback},
		Pace: call.Pace{Concurrent: callWorkers},
	}), log, nil
}

func oneCall(ctx context.Context, caller *call.Caller, log *store.Store, order call.Order) error {
	res := caller.Do(ctx, order)
	if !res.Call.OK() {
		return errors.New(res.Call.Error)
	}
	_, err := log.AppendCall(ctx, &res.Call)
	return err
}

// repeat does a thing as often as it can in a time, callWorkers at once, and
// gives how often in a second.
func repeat(ctx context.Context, length time.Duration, do func(context.Context) error) (float64, error) {
	var done atomic.Int64
	begun := time.Now()
	err := together(func() error {
		for time.Since(begun) < length {
			if err := do(ctx); err != nil {
				return err
			}
			done.Add(1)
		}
		return nil
	})
	return float64(done.Load()) / time.Since(begun).Seconds(), err
}

// together does a thing callWorkers times at once.
func together(do func() error) error {
	var group sync.WaitGroup
	errs := make([]error, callWorkers)
	for i := range callWorkers {
		group.Go(func() { errs[i] = do() })
	}
	group.Wait()
	return errors.Join(errs...)
}

// heapMiB is the live heap.
func heapMiB() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// shop is the outside system: an HTTPS server with a certificate of its own
// that answers every POST with a promo code.
type shop struct {
	url   string
	cert  []byte // its certificate, DER
	roots *x509.CertPool
	http  *http.Server
	ended chan struct{}
}

func newShop() (*shop, error) {
	cert, roots, err := selfSigned()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &shop{url: "https://" + l.Addr().String(), cert: cert.Certificate[0], roots: roots, ended: make(chan struct{})}
	s.http = &http.Server{
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that are done hang up in the middle of handshakes
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // a client that has gone learns nothing
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"promocode":"KYIV-10","valid":true,"discount":{"percent":10,"until":"2026-12-31"}}`)
		}),
	}
	secure := tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}})
	go func() {
		defer close(s.ended)
		_ = s.http.Serve(secure) // ends with ErrServerClosed
	}()
	return s, nil
}

func (s *shop) close() {
	_ = s.http.Close() // nothing is in flight that anybody waits for
	<-s.ended
}

// selfSigned makes a certificate for 127.0.0.1 and the pool that trusts it.
func selfSigned() (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots, nil
}

// order is the seed's second example with data of an event besides: the
// contact's town is sent, a promo code comes back.
func (s *shop) order() call.Order {
	params := []tidings.EventParam{
		{Name: "email", Value: json.RawMessage(`"ann@example.com"`)},
		{Name: "order_id", Value: json.RawMessage(`"A-1024"`)},
		{Name: "total", Value: json.RawMessage(`129.5`)},
		{Name: "items", Value: json.RawMessage(`[{"sku":"a","n":1},{"sku":"b","n":2}]`)},
	}
	return call.Order{
		Webhook: &tidings.Webhook{
			ID: 1, Version: 1, Account: 1, Name: "WH5", Method: tidings.MethodPost, URL: s.url + "/promo?town=$TOWN&order=$order_id",
			Headers: []tidings.Header{{Name: "X-Contact", Value: "$contact_ID"}},
			Body: tidings.Body{
				Format:   tidings.BodyJSON,
				Template: `{"email":"$email","town":"$TOWN","order":{"id":"$order_id","total":$total,"items":$items},"note":"${note|'none'}"}`,
			},
		},
		Auth:    &tidings.Auth{Kind: tidings.AuthBearer, Secret: "token-0123456789"},
		Contact: &tidings.Contact{ID: 687266822, Town: "Київ", Channels: []tidings.Channel{{Type: tidings.Email, Value: "ann@example.com"}}},
		Event:   &tidings.Event{ID: 7, TypeKey: "orderPaid", KeyValue: "A-1024", Params: params},
	}
}

// bareRound is the loop that a call is held against.
func (s *shop) bareRound(ctx context.Context, length time.Duration) (float64, error) {
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.roots}, MaxIdleConnsPerHost: callWorkers,
	}}
	defer client.CloseIdleConnections()
	body := []byte(`{"email":"ann@example.com","town":"Київ","order":{"id":"A-1024","total":129.5,"items":[{"sku":"a","n":1},{"sku":"b","n":2}]},"note":"none"}`)
	url := s.url + "/promo?town=%D0%9A%D0%B8%D1%97%D0%B2&order=A-1024"
	return repeat(ctx, length, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		for name, value := range map[string]string{
			"Content-Type": "application/json; charset=utf-8", "User-Agent": "Tidings", "Accept": "application/json",
			"Authorization": "Bearer token-0123456789", "X-Contact": "687266822", "Tidings-Call-Id": "call_0123456789ABCDEFGHIJKLMNOP",
		} {
			req.Header.Set(name, value)
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("the shop answered %s", resp.Status)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	})
}
