package publicapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tidings"
)

// Search is what this door asks of a store.
type Search interface {
	Search(ctx context.Context, q tidings.ActivityQuery) (tidings.SearchPage, error)
}

// Authenticate says whose key a request carries, and that it has the scope.
type Authenticate = func(r *http.Request, scope tidings.Scope) (tidings.Key, error)

// New makes the door to a store's activities. It becomes a handler once it is
// told how callers are known.
func New(store Search) func(Authenticate) http.Handler {
	return func(authenticate Authenticate) http.Handler {
		return &handler{store: store, authenticate: authenticate}
	}
}

type handler struct {
	store        Search
	authenticate Authenticate
}

const (
	// pageRows is how many rows are held at once: an answer of 25,000 is written as it is found.
	pageRows = 1000
	// longestWrite is how long a client may take for one such page.
	longestWrite = 60 * time.Second
)

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch strings.TrimRight(r.URL.Path, "/") {
	case "/api/v2/contacts/activity", "/api/v1/contacts/activity", "/api/v1/contactActivity":
	default:
		refuse(w, http.StatusNotFound, "There is nothing at this path.")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "This path takes GET.")
		return
	}
	key, err := h.authenticate(r, tidings.ScopeRead)
	if err != nil {
		fail(w, r, err)
		return
	}
	asked, err := readQuery(r.URL.RawQuery)
	if err != nil {
		fail(w, r, err)
		return
	}
	asked.find.Account = key.Account
	page, err := h.next(r.Context(), &asked)
	if err != nil {
		fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if r.Method == http.MethodHead {
		return
	}
	h.write(w, r, &asked, page)
}

// next gives the next rows, passing over those that startindex leaves out; none
// when the search is at its end or maxrows is reached.
func (h *handler) next(ctx context.Context, asked *query) ([]tidings.Found, error) {
	for asked.left > 0 && !asked.ended {
		asked.find.Limit = min(pageRows, asked.skip+asked.left)
		page, err := h.store.Search(ctx, asked.find)
		if err != nil {
			return nil, err
		}
		asked.find.After, asked.ended = page.Next, page.Next == 0
		skipped := min(asked.skip, len(page.Found))
		asked.skip -= skipped
		rows := page.Found[skipped:]
		rows = rows[:min(len(rows), asked.left)]
		asked.left -= len(rows)
		if len(rows) > 0 { // a page without rows may still have a next one
			return rows, nil
		}
	}
	return nil, nil
}

// write sends the rows page by page. What fails after the first page breaks
// the connection: a shorter array would look like the end.
func (h *handler) write(w http.ResponseWriter, r *http.Request, asked *query, rows []tidings.Found) {
	control := http.NewResponseController(w)
	buf := []byte{'['}
	first := true
	for len(rows) > 0 {
		for _, row := range rows {
			if !first {
				buf = append(buf, ',')
			}
			first = false
			buf = appendRow(buf, row)
		}
		// A connection without deadlines (a test's) is written to without one.
		_ = control.SetWriteDeadline(time.Now().Add(longestWrite))
		if _, err := w.Write(buf); err != nil {
			return // the client has gone
		}
		buf = buf[:0]
		var err error
		if rows, err = h.next(r.Context(), asked); err != nil {
			if r.Context().Err() == nil {
				slog.Default().ErrorContext(r.Context(), "an answer was broken off", "error", err)
			}
			panic(http.ErrAbortHandler)
		}
	}
	_, _ = w.Write(append(buf, ']')) // a client that does not take it has gone
	_ = control.SetWriteDeadline(time.Time{})
}

// fail answers with an error as plain text, as the published form has it.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[*tidings.Error](err)
	if !ok {
		e = tidings.Errorf(tidings.CodeInternal, "Something broke in the server.")
	}
	status := http.StatusInternalServerError
	switch e.Code {
	case tidings.CodeInvalid:
		status = http.StatusBadRequest
	case tidings.CodeUnauthorized:
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Basic realm="tidings", charset="UTF-8"`)
	case tidings.CodeForbidden:
		status = http.StatusForbidden
	case tidings.CodeNotFound:
		status = http.StatusNotFound
	case tidings.CodeRateLimited:
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", seconds(e.RetryAfter))
	case tidings.CodeUnavailable:
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", seconds(e.RetryAfter))
	default:
		if r.Context().Err() == nil {
			slog.Default().ErrorContext(r.Context(), "request failed", "error", err)
		}
		e = tidings.Errorf(tidings.CodeInternal, "Something broke in the server.")
	}
	refuse(w, status, e.Message)
}

func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // a client that does not take it has gone
}
