package api_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tidings/api"
	"tidings/api/apitest"
	"tidings/store"
	"tidings/store/sqlitetest"
)

// fresh is the data directory of a store at its first start.
var fresh = sqlitetest.Model{Open: func(dir string) (io.Closer, error) {
	return store.OpenSQLite(context.Background(), store.Options{Dir: dir})
}}

// world is a whole server on a real store, with what these tests do to it again and again.
type world struct{ *apitest.Server }

func newWorld(t *testing.T, changes ...func(*api.Config)) *world {
	t.Helper()
	return &world{apitest.New(t, apitest.Options{Dir: fresh.Dir, API: func(cfg *api.Config) {
		for _, change := range changes {
			change(cfg)
		}
	}})}
}

// key makes a further key with some scopes.
func (w *world) key(token, scopes string) string {
	w.T.Helper()
	return w.Request(token, "POST /v1/accounts/me/keys", `{"name":"k","scopes":[`+scopes+`]}`).Want(201).Get("apiKey").(string)
}

// soon is the test's context with an end: what reads a stream that should end
// fails by it, and does not wait until all tests are over time.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// activity is a valid activity, with a number to tell it from others.
func activity(n string) string {
	return `{"contactId":` + n + `,"activityStatus":"DELIVERED","mediaType":"email","email":"c` + n + `@example.com","activityDateTime":"2026-01-31T10:00:00","iid":"ffd3e1a7-a270-4e58-94de-5ac681c5c8e7"}`
}

// basicAuth gives the Authorization of HTTP Basic.
func basicAuth(user, password string) string {
	req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	req.SetBasicAuth(user, password)
	return req.Header.Get("Authorization")
}
