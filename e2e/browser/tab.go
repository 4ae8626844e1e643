package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience is how long a person waits for anything before the test fails.
const patience = 30 * time.Second

// Tab is a window of a profile of its own: no cookies, no history. Its methods
// fail the test, with what the page shows, when they can't be done in time.
type Tab struct {
	t     *testing.T
	ctx   context.Context
	base  string // URL of the server
	watch *watch
	scope []where // the part of the page that is meant; nil = all of it
}

// leaving notes that the page is about to be replaced by the browser itself: a
// link was followed or a form sent, and no script has taken it.
const leaving = `(() => {
	addEventListener("submit", e => {
		if (!e.defaultPrevented && e.target.method !== "dialog" && e.submitter?.formMethod !== "dialog") window.isLeaving = true;
	});
	addEventListener("click", e => {
		const a = e.target.closest?.("a[href]");
		if (a && !e.defaultPrevented && !a.target && !a.hasAttribute("download") && a.href.split("#")[0] !== location.href.split("#")[0]) window.isLeaving = true;
	});
})()`

// settled says that nothing of the page is on its way.
const settled = `document.readyState === "complete" && !window.isLeaving && !document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling")`

// Open gives a tab for the server at base, e.g. "http://127.0.0.1:8080". It
// shows nothing yet. What the page does that no page may do fails the test at
// its end.
func (s *Shared) Open(t *testing.T, base string) *Tab {
	t.Helper()
	root := s.start(t)
	ctx, stop := chromedp.NewContext(root, chromedp.WithNewBrowserContext())
	p := &Tab{t: t, ctx: ctx, base: base, watch: &watch{base: base}}
	t.Cleanup(func() {
		stop()
		p.watch.dialogs.Wait()
		for _, c := range p.watch.complaints() {
			t.Error(c)
		}
	})
	p.do("open a tab", chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800)))
	p.do("listen", chromedp.Listen(ctx, func(e any) { p.watch.hear(ctx, e) }))
	_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: leaving})
	p.do("prepare", err)
	p.Dark(false)
	return p
}

// do fails the test when something could not be done.
func (p *Tab) do(what string, err error) {
	p.t.Helper()
	if err != nil {
		p.fail("%s: %v", what, err)
	}
}

// fail ends the test with what the page shows, and a picture of it among the
// test's artifacts (go test -artifacts keeps them).
func (p *Tab) fail(format string, args ...any) {
	p.t.Helper()
	text, _ := eval[string](p, `location.href + "\n\n" + (document.body?.innerText ?? "")`)
	for _, c := range p.watch.complaints() {
		p.t.Error(c)
	}
	if image, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot()); err == nil {
		path := filepath.Join(p.t.ArtifactDir(), "page.png")
		if os.WriteFile(path, image, 0o600) == nil {
			p.t.Logf("how it looks is in %s", path)
		}
	}
	p.t.Fatalf("%s\n--- the page:\n%s\n---", fmt.Sprintf(format, args...), text[:min(len(text), 4000)])
}

// eval gives the value of an expression in the page.
func eval[T any](p *Tab, expression string) (T, error) {
	return chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
}

// Eval runs an expression in the page and gives its value as JSON does.
func (p *Tab) Eval(expression string, out any) {
	p.t.Helper()
	text, err := eval[string](p, "JSON.stringify("+expression+")")
	p.do("evaluate "+expression, err)
	p.do("read what "+expression+" gives", json.Unmarshal([]byte(text), out))
}

// until looks again and again until done says "", else what is missing.
func (p *Tab) until(done func() string) {
	p.t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		missing := done()
		if missing == "" {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			p.fail("%s", missing)
		case <-p.t.Context().Done():
			p.fail("the test ended: %s", missing)
		}
	}
}

// settle waits until nothing of the page is on its way.
func (p *Tab) settle() {
	p.t.Helper()
	p.until(func() string {
		ok, err := eval[bool](p, settled)
		if err != nil || !ok {
			return fmt.Sprintf("the page does not come to rest: %v", err)
		}
		return ""
	})
}

// Go opens a page of the server by its address, or any other by its URL.
func (p *Tab) Go(path string) {
	p.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = p.base + path
	}
	p.do("go to "+path, chromedp.Do(p.ctx, chromedp.Navigate(path)))
	p.settle()
}

// Visit is Go for an address that may be no page. It says what it is: "page", a
// whole page for people, which is open then; "" for something else; or the
// status of a refusal.
func (p *Tab) Visit(path string) string {
	p.t.Helper()
	kind, err := evalAwait[string](p, fmt.Sprintf(`fetch(%q).then(async r => {
		const html = r.headers.get("Content-Type")?.startsWith("text/html") && (await r.text()).startsWith("<!doctype html>");
		return r.ok && html ? "page" : r.ok ? "" : r.status + "";
	})`, path))
	if err != nil {
		kind = "page" // there is no page yet from which it could be asked for
	}
	if kind == "page" {
		p.Go(path)
	}
	return kind
}

// Reload loads the page again.
func (p *Tab) Reload() {
	p.t.Helper()
	p.do("reload", chromedp.Do(p.ctx, chromedp.Reload()))
	p.settle()
}

// Path is the path and query of the page's address.
func (p *Tab) Path() string {
	p.t.Helper()
	path, err := eval[string](p, `location.pathname + location.search`)
	p.do("read the address", err)
	return path
}

// At waits until the page's address is path, or begins with it when path ends
// with "*"; then it gives the address.
func (p *Tab) At(path string) string {
	p.t.Helper()
	var at string
	p.until(func() string {
		at = p.Path()
		prefix, many := strings.CutSuffix(path, "*")
		if at == path || many && strings.HasPrefix(at, prefix) {
			return ""
		}
		return fmt.Sprintf("the page is %s and not %s", at, path)
	})
	p.settle()
	return at
}

// Text is what the page, or the part of it that is meant, shows: spaces are one each.
func (p *Tab) Text() string {
	p.t.Helper()
	var text string
	p.until(func() string {
		var missing string
		text, missing = p.text()
		return missing
	})
	return text
}

// Sees waits until the page shows all of some texts.
func (p *Tab) Sees(texts ...string) {
	p.t.Helper()
	for _, want := range texts {
		p.until(func() string {
			text, missing := p.text()
			if missing == "" && !strings.Contains(text, want) {
				missing = fmt.Sprintf("it does not say %q%s", want, p.place())
			}
			return missing
		})
	}
}

// Misses waits until the page shows none of some texts.
func (p *Tab) Misses(texts ...string) {
	p.t.Helper()
	for _, not := range texts {
		p.until(func() string {
			text, missing := p.text()
			if missing == "" && strings.Contains(text, not) {
				missing = fmt.Sprintf("it says %q%s", not, p.place())
			}
			return missing
		})
	}
}

// Resize sets the window's size in pixels.
func (p *Tab) Resize(width, height int64) {
	p.t.Helper()
	p.do("resize", chromedp.Do(p.ctx, chromedp.EmulateViewport(width, height)))
}

// Dark has the system prefer dark colours, or light ones, and no motion: what
// fades in would be judged half faded.
func (p *Tab) Dark(on bool) {
	p.t.Helper()
	scheme := map[bool]string{true: "dark", false: "light"}[on]
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	p.do("choose the colours", err)
}

// Picture gives the window as a PNG.
func (p *Tab) Picture() []byte {
	p.t.Helper()
	image, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	p.do("take a picture", err)
	return image
}

// Carry gives the tab a cookie, e.g. a session's.
func (p *Tab) Carry(c *http.Cookie) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: p.base, HTTPOnly: new(true), SameSite: network.CookieSameSiteLax})
	p.do("carry a cookie", err)
}

// Forget drops all cookies: the session is gone.
func (p *Tab) Forget() {
	p.t.Helper()
	p.do("forget", chromedp.Do(p.ctx, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.ClearBrowserCookies, struct{}{})
		return err
	})))
}

// Also lets the pages speak to another server too: its URL without a path.
func (p *Tab) Also(base string) { p.watch.allow(base) }

// host gives what stands before the path of a URL.
func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Scheme + "://" + u.Host
}

// evalAwait gives what a promise of the page comes to.
func evalAwait[T any](p *Tab, expression string) (T, error) {
	return chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}
