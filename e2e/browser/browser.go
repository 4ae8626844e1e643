// Package browser is a person at a browser, for the journeys of package e2e: it
// drives a headless Chromium by the DevTools protocol, and finds what it
// touches by role and accessible name, as somebody does who sees the page or
// has it read out. Waiting is looking again and again, under one deadline.
//
//	browser.go  the process: one for all tests of a package
//	tab.go      a window of a fresh profile, what it shows, how it fails
//	find.go     the page's accessibility tree
//	act.go      what a person does: click, fill in, choose, press keys
//	watch.go    what no page may do: errors on the console, breaches of the Content-Security-Policy, requests to others
//	judge.go    axe-core, widths, weights
package browser

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// Shared is one browser process for the tests of a package: the zero value is
// one that has not been started. Call Stop when the tests are done.
type Shared struct {
	once sync.Once
	path string
	root context.Context
	stop context.CancelFunc
	err  error
}

// errMissing: no Chromium is installed.
var errMissing = errors.New("neither chromium-headless-shell nor chromium is installed")

// start starts the browser at its first call. ctx goes with the process.
func (s *Shared) start(t testing.TB) context.Context {
	t.Helper()
	s.once.Do(func() { s.err = s.launch() })
	switch {
	case errors.Is(s.err, errMissing) && os.Getenv("CI") == "" && os.Getenv("TIDINGS_CI") == "":
		t.Skip(s.err)
	case s.err != nil:
		t.Fatal(s.err)
	}
	return s.root
}

// Stop ends the browser, if it was started.
func (s *Shared) Stop() {
	if s.stop != nil {
		s.stop()
	}
}

func (s *Shared) launch() error {
	for _, name := range []string{"chromium-headless-shell", "chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			s.path = path
			break
		}
	}
	if s.path == "" {
		return errMissing
	}
	alloc, free := chromedp.NewExecAllocator(context.Background(), options(s.path)...)
	root, end := chromedp.NewContext(alloc)
	s.root, s.stop = root, func() { end(); free() }
	return chromedp.Do(root) // starts it
}

// options are the flags of the process: besides what makes it quiet, nothing
// but this machine can be reached, so that a test never depends on the network.
func options(path string) []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.DisableGPU, chromedp.WindowSize(1280, 800),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost"),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-domain-reliability", true), chromedp.Flag("no-pings", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("font-render-hinting", "none"), chromedp.Flag("lang", "en-US"),
		chromedp.Env("TZ=UTC"),
	)
}
