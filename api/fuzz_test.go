package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"tidings"
	"tidings/api"
)

// FuzzReadSearch: whatever the query, what is accepted is a search that a store
// can be given, and what is not is a refusal for clients.
func FuzzReadSearch(f *testing.F) {
	for _, seed := range []string{
		"from=2026-01-01&to=2026-01-31", "from=2026-01-01T00:00:00Z&status=READ,CLICKED&mediaType=sms", "from=2026-01-01T00:00:00+02:00&to=2026-01-02",
		"from=9999-12-31&to=9999-12-31", "from=%zz", "limit=1&limit=2", "from=2026-01-01&contactId=9223372036854775808", "email=%ff", ";", "=&=",
	} {
		f.Add(seed)
	}
	now := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := api.ReadSearch(raw, now)
		if err != nil {
			if e, ok := errors.AsType[*tidings.Error](err); !ok || e.Code != tidings.CodeInvalid || len(e.Fields) == 0 || api.StatusOf(err) != 400 {
				t.Fatalf("refused with %#v", err)
			}
			return
		}
		switch {
		case q.From.IsZero() || !q.To.After(q.From) || q.To.Sub(q.From) > tidings.MaxSearchInterval:
			t.Fatalf("accepted the interval %v to %v", q.From, q.To)
		case q.Limit < 1 || q.Limit > 1000 || q.After < 0 || q.ContactID < 0 || q.MessageID < 0:
			t.Fatalf("accepted %+v", q)
		}
	})
}

// FuzzDecodeEndpoint: only JSON objects are accepted, and refusals are for clients.
func FuzzDecodeEndpoint(f *testing.F) {
	for _, seed := range []string{
		`{"name":"x","url":"https://a.example","batch":{"maxItems":5},"headers":[{"name":"a","value":"b"}],"start":{"seq":1}}`,
		`{"auth":null,"statuses":["READ"],"start":"now"}`, `{"name":1}`, `{"a":{"a":[1,{}]}}`, `[]`, `{"name":"x","name":"y"}`, ``, `{"timeoutMs":1e3}`, "{\"name\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := api.DecodeEndpoint(data)
		if err == nil {
			var object map[string]any
			if json.Unmarshal(data, &object) != nil && len(bytes.TrimSpace(data)) > 0 {
				t.Fatalf("accepted %q", data)
			}
			return
		}
		if code := tidings.CodeOf(err); code != tidings.CodeInvalid {
			t.Fatalf("%q: refused with %s: %v", data, code, err)
		}
	})
}
