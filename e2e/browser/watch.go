package browser

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// watch hears what a tab does, and notes what no page may do.
type watch struct {
	base    string
	dialogs sync.WaitGroup // answers to the browser's own questions that are under way

	mu    sync.Mutex
	also  []string
	wrong []string
	sizes map[string]int64 // bytes of style sheets and scripts, by URL, as they lay on the wire
	kinds map[network.RequestID]string
	asked []string // the browser's own questions, in order
}

func (w *watch) allow(base string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.also = append(w.also, base)
}

// complaints is what was noted, and forgets it.
func (w *watch) complaints() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	wrong := w.wrong
	w.wrong = nil
	return wrong
}

func (w *watch) note(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// hear takes one event of the tab.
func (w *watch) hear(ctx context.Context, event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		w.note("a script of the page failed: %s %s", e.ExceptionDetails.Text, description(e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			if words := said(e.Args); !strings.Contains(words, "Response Status Error Code 4") { // htmx: a refused form
				w.note("the console says: %s", words)
			}
		}
	case *log.EventEntryAdded:
		// A refused form is answered 4xx, which the browser logs as a failure to load.
		if e.Entry.Source != log.EntrySourceNetwork && (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) {
			w.note("the browser says: %s (%s)", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		w.request(e)
	case *network.EventResponseReceived:
		if e.Response.Status >= 500 {
			w.note("%s was answered %d", e.Response.URL, e.Response.Status)
		}
	case *network.EventLoadingFinished:
		if url, ok := w.kinds[e.RequestID]; ok {
			w.sizes[url] = int64(e.EncodedDataLength)
		}
	case *page.EventJavascriptDialogOpening:
		w.asked = append(w.asked, e.Message)
		w.dialogs.Go(func() { // this is the loop that would hear the answer
			_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		})
	}
}

func (w *watch) request(e *network.EventRequestWillBeSent) {
	url := e.Request.URL
	for _, scheme := range []string{"data:", "blob:", "about:"} {
		if strings.HasPrefix(url, scheme) {
			return
		}
	}
	if at := host(url); at != w.base && !slices.Contains(w.also, at) {
		w.note("the page asked another server: %s", url)
	}
	if e.Type == network.ResourceTypeStylesheet || e.Type == network.ResourceTypeScript {
		if w.kinds == nil {
			w.kinds, w.sizes = map[network.RequestID]string{}, map[string]int64{}
		}
		w.kinds[e.RequestID] = url
	}
}

func description(o *runtime.RemoteObject) string {
	if o == nil {
		return ""
	}
	return o.Description
}

func said(args []*runtime.RemoteObject) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = string(a.Value)
		if words[i] == "" {
			words[i] = a.Description
		}
	}
	return strings.Join(words, " ")
}
