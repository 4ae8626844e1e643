package e2e_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// site is somebody's server: it answers all with what it was told last, at first 200.
type site struct {
	*httptest.Server

	mu     sync.Mutex
	status int
	words  string
	posts  []string // bodies that were answered 200, in order
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{status: http.StatusOK}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// says changes what it answers from now on.
func (s *site) says(status int, words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.words = status, words
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	status, words := s.status, s.words
	if status == http.StatusOK && r.Method == http.MethodPost {
		s.posts = append(s.posts, string(body))
	}
	s.mu.Unlock()
	w.WriteHeader(status)
	_, _ = io.WriteString(w, words)
}

// wants waits for a POST that was taken and has a text in it, and gives its body.
func (s *site) wants(t *testing.T, text string) string {
	t.Helper()
	var found string
	eventually(t, "a POST with "+text, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		i := slices.IndexFunc(s.posts, func(body string) bool { return strings.Contains(body, text) })
		if i >= 0 {
			found = s.posts[i]
		}
		return i >= 0
	})
	return found
}
