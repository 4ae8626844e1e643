package feed

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"

	"tidings"
	"tidings/egress"
)

// BenchmarkPost compares an attempt with the bare net/http client that POSTs
// the same bytes under the same deadline: a batch of one activity, and one of
// 500 in pieces of 100.
func BenchmarkPost(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer srv.Close()
	activity := bytes.Repeat([]byte("x"), 360)
	for _, size := range []struct {
		name string
		body [][]byte
	}{
		{"1", [][]byte{[]byte("["), activity, []byte("]")}},
		{"500", slices.Collect(slices.Chunk(bytes.Repeat(activity, 500), 100*len(activity)))},
	} {
		whole := bytes.Join(size.body, nil)
		b.Run("tidings/"+size.name, func(b *testing.B) {
			client := egress.New(egress.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
			defer client.Close()
			p := &Poster{Client: client, UserAgent: "Tidings/bench"}
			ep := &tidings.Endpoint{URL: srv.URL}
			out := Outgoing{Batch: &Batch{ID: "b_1", First: 1, Last: 500, Activities: 500, Bytes: len(whole), Body: size.body}, Number: 1}
			b.SetBytes(int64(len(whole)))
			b.ReportAllocs()
			for b.Loop() {
				if a, _ := p.Post(context.Background(), ep, out); !a.Delivered {
					b.Fatal(a.Error)
				}
			}
		})
		b.Run("bare/"+size.name, func(b *testing.B) {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			b.SetBytes(int64(len(whole)))
			b.ReportAllocs()
			for b.Loop() {
				ctx, cancel := context.WithTimeout(context.Background(), tidings.DefaultTimeout)
				req, _ := http.NewRequestWithContext(ctx, "POST", srv.URL, bytes.NewReader(whole))
				req.Header.Set("Content-Type", "application/json")
				resp, err := client.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				cancel()
			}
		})
	}
}
