package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"
)

const (
	maxPages  = 400              // that are followed
	crawlWait = 30 * time.Second // for one page while they are found
	typed     = "anna"           // what is typed in fields of searches
)

// browser asks for pages as somebody who is signed in.
type browser struct {
	base, session string
	transport     *http.Transport
}

// link is a page, or a part that htmx puts into one.
type link struct {
	path string // with its query
	part bool
	from string // the page that has it
}

var number = regexp.MustCompile(`/\d+(/|$)`)

// shape is alike for pages of the same kind: one thing of each noun is asked
// for, and one value of each condition of a list.
func (l link) shape() string {
	path, query, _ := strings.Cut(l.path, "?")
	for number.MatchString(path) {
		path = number.ReplaceAllString(path, "/{id}$1")
	}
	values, _ := url.ParseQuery(query) // what a page links to; the server judges it
	for name, value := range values {
		if len(value) == 0 || value[0] == "" {
			delete(values, name)
		}
	}
	if len(values) > 0 {
		path += "?" + strings.Join(slices.Sorted(maps.Keys(values)), "&")
	}
	if l.part {
		path += " (part)"
	}
	return path
}

// pageAnswer is what asking for a page gave.
type pageAnswer struct {
	status int
	kind   string // media type
	bytes  int    // as transferred
	took   time.Duration
	calls  string
	timed  bool // the server said how long it took: it is a page of the browser's door
	body   []byte
	zipped bool
}

func (a *pageAnswer) isPage() bool {
	return a.status == http.StatusOK && a.kind == "text/html" && a.timed
}

// get asks once. Of what is no HTML nothing is read.
func (b *browser) get(ctx context.Context, l link) (*pageAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, crawlWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+l.path, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Cookie", "tidings="+b.session)
	req.Header.Set("Accept-Encoding", "gzip")
	if l.part {
		req.Header.Set("HX-Request", "true")
	}
	resp, err := b.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &pageAnswer{status: resp.StatusCode, zipped: resp.Header.Get("Content-Encoding") == "gzip"}
	a.kind, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type")) // none = no page
	a.took, a.calls, a.timed = serverTiming(resp.Header.Get("Server-Timing"))
	if a.kind != "text/html" {
		return a, nil
	}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	a.bytes = len(a.body)
	return a, nil
}

// serverTiming reads `page;dur=1.5, api;dur=1.2;desc="3 calls"`.
func serverTiming(header string) (took time.Duration, calls string, ok bool) {
	page, api, ok := strings.Cut(header, ", ")
	_, dur, ok2 := strings.Cut(page, ";dur=")
	ms, err := strconv.ParseFloat(dur, 64)
	if !ok || !ok2 || err != nil {
		return 0, "", false
	}
	_, desc, _ := strings.Cut(api, "desc=")
	return time.Duration(ms * float64(time.Millisecond)), strings.Trim(desc, `"`), true
}

// crawl follows the links of the pages from the dashboard on and gives one of
// each shape, and those that lead nowhere.
func (b *browser) crawl(ctx context.Context) (found []link, lost []string, err error) {
	queue := []link{{path: "/"}}
	known := map[string]bool{"/": true}
	for len(queue) > 0 && len(found) < maxPages {
		l := queue[0]
		queue = queue[1:]
		a, err := b.get(ctx, l)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("GET %s (a link of %s): %w", l.path, l.from, err)
		case a.status >= 400:
			lost = append(lost, fmt.Sprintf("%s of %s: %d", l.path, l.from, a.status))
			continue
		case !a.isPage():
			continue // a download, or another door's
		}
		found = append(found, l)
		next, err := a.links(l.path)
		if err != nil {
			return nil, nil, fmt.Errorf("GET %s: %w", l.path, err)
		}
		for _, n := range next {
			if shape := n.shape(); !known[shape] {
				known[shape] = true
				queue = append(queue, n)
			}
		}
	}
	if len(found) == 0 {
		return nil, nil, fmt.Errorf("no page was found: %s", strings.Join(lost, "; "))
	}
	return found, lost, nil
}

// links gives what a page leads to on this server: its links, the parts that
// htmx asks for, and its forms that ask, as they stand and with something typed.
func (a *pageAnswer) links(from string) ([]link, error) {
	body := io.Reader(bytes.NewReader(a.body))
	if a.zipped {
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = z
	}
	doc, err := html.Parse(body)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(from)
	if err != nil {
		return nil, err
	}
	var list []link
	add := func(raw string, query url.Values, part bool) {
		to, err := base.Parse(raw)
		if err != nil || to.Host != "" || to.Scheme != "" || raw == "" {
			return // another server's, or a mail address
		}
		if query != nil {
			to.RawQuery = query.Encode()
		}
		to.Fragment = ""
		list = append(list, link{path: to.RequestURI(), part: part, from: from})
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "a":
			add(attr(n, "href"), nil, false)
		case "iframe":
			add(attr(n, "src"), nil, false)
		case "form":
			if method := attr(n, "method"); (method == "" || strings.EqualFold(method, "get")) && attr(n, "action") != "" {
				add(attr(n, "action"), fields(n), false)
			}
		}
		if part := attr(n, "hx-get"); part != "" && part != attr(n, "href") {
			add(part, partQuery(n, part), true)
		}
	}
	return list, nil
}

// partQuery is what htmx sends of a field that asks by itself.
func partQuery(n *html.Node, path string) url.Values {
	name := attr(n, "name")
	if n.Data != "input" || name == "" {
		return nil
	}
	_, raw, _ := strings.Cut(path, "?")
	values, _ := url.ParseQuery(raw) // as above
	values.Set(name, typed)
	return values
}

// fields gives what a form holds, with something typed where one searches.
func fields(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		name := attr(n, "name")
		if n.Type != html.ElementNode || n.Data != "input" || name == "" {
			continue
		}
		value := attr(n, "value")
		switch kind := attr(n, "type"); {
		case (kind == "checkbox" || kind == "radio") && !has(n, "checked"):
			continue
		case kind == "search" || name == "q":
			value = typed
		}
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}
