package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"tidings"
	"tidings/api"
	"tidings/store"
)

// contactDoor is the API over a real store, without the network.
func contactDoor(b *testing.B) *api.Server {
	s, err := store.OpenSQLite(b.Context(), store.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	if _, _, err := s.CreateAccount(b.Context(), "shop", tidings.MakeKey("first", tidings.AllScopes()), "admin"); err != nil {
		b.Fatal(err)
	}
	if _, err := s.CreateField(b.Context(), tidings.Field{Account: 1, Key: "PERSONAL.BONUS", Type: tidings.FieldNumber}, "admin"); err != nil {
		b.Fatal(err)
	}
	return api.New(api.Config{Store: knownKey{s}, Dispatcher: idle{}})
}

// knownKey is a store that knows one key, so that requests need not make one.
type knownKey struct{ *store.Store }

func (knownKey) KeyByDigest(ctx context.Context, digest [32]byte) (tidings.Key, error) {
	return idle{}.KeyByDigest(ctx, digest)
}

// rowsOf makes n rows of an import.
func rowsOf(from, n int) []byte {
	var body bytes.Buffer
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&body, `{"externalCustomerId":"c-%d","email":"person.%d@mail.example","sms":"38%010d","firstName":"Kateryna","lastName":"Shevchenko","address":{"town":"Kyiv"},"languageCode":"uk","fields":{"PERSONAL.BONUS":%d}}`+"\n",
			i, i*7919%10_000_019, i*104_729%9_999_991, i%1000)
	}
	return body.Bytes()
}

func barely(b *testing.B, line string, body []byte) *http.Request {
	req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, line, http.NoBody)
	if body != nil {
		req.Method, req.Body, req.ContentLength = http.MethodPost, io.NopCloser(bytes.NewReader(body)), int64(len(body))
		req.Header.Set("Content-Type", "application/x-ndjson")
	}
	req.Header.Set("Authorization", "Bearer tk_0123456789012345678901234567890123456789012")
	return req
}

// BenchmarkContacts is a contact read by id, and one row of an import, through
// the door to the disk.
func BenchmarkContacts(b *testing.B) {
	b.Run("import", func(b *testing.B) {
		s := contactDoor(b)
		body := rowsOf(0, b.N)
		b.ReportAllocs()
		b.ResetTimer()
		s.ServeHTTP(discard{http.Header{}}, barely(b, "/v1/contacts/import", body))
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "contacts/s")
	})
	b.Run("get", func(b *testing.B) {
		s := contactDoor(b)
		const stored = 10_000
		s.ServeHTTP(discard{http.Header{}}, barely(b, "/v1/contacts/import", rowsOf(0, stored)))
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			s.ServeHTTP(discard{http.Header{}}, barely(b, fmt.Sprintf("/v1/contacts/%d", 1+i%stored), nil))
		}
	})
}
