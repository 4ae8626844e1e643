package message

import (
	"bytes"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// TextOf makes the plain text of a mail of its html: paragraphs, list items
// and table cells apart, links with their addresses behind them, images by
// their alternative texts; no styles, no scripts, nothing that is hidden.
func TextOf(markup string) string {
	w := textWriter{}
	z := html.NewTokenizer(strings.NewReader(markup))
	for {
		switch z.Next() {
		case html.ErrorToken: // the end, since a string can't fail
			return w.finish()
		case html.TextToken:
			if w.skipping == 0 {
				w.text(z.Text()) // with its entities read
			}
		case html.StartTagToken:
			w.start(z)
		case html.SelfClosingTagToken:
			w.start(z)
		case html.EndTagToken:
			name, _ := z.TagName()
			w.end(atom.Lookup(name))
		}
	}
}

// textWriter writes text as it reads tags, with white space as it is shown.
type textWriter struct {
	out      []byte
	breaks   int  // line breaks before the next text
	space    bool // a blank before the next text
	pre      int  // <pre> within each other
	lists    []int
	links    []openLink
	hidden   atom.Atom // the element that is not shown
	skipping int       // of that name, open within each other
}

// openLink is an <a> whose text is being written.
type openLink struct {
	href string
	from int // in out
}

// maxOpen bounds lists and links within each other.
const maxOpen = 50

func (w *textWriter) start(z *html.Tokenizer) {
	name, more := z.TagName()
	tag := atom.Lookup(name)
	if w.skipping > 0 {
		if tag == w.hidden {
			w.skipping++
		}
		return
	}
	var href, alt, style string
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch string(key) {
		case "href":
			href = string(value)
		case "alt":
			alt = string(value)
		case "style":
			style = string(value)
		}
	}
	if isHidden(tag, style) {
		w.hidden, w.skipping = tag, 1
		return
	}
	switch tag {
	case atom.A:
		if len(w.links) < maxOpen {
			w.links = append(w.links, openLink{strings.TrimSpace(href), len(w.out)})
		}
	case atom.Img:
		w.text([]byte(alt))
	case atom.Br:
		w.lineBreak(w.breaks + 1)
	case atom.Hr:
		w.lineBreak(1)
		w.text([]byte("----"))
		w.lineBreak(1)
	case atom.Td, atom.Th:
		w.space = true
	case atom.Pre:
		w.pre++
		w.lineBreak(2)
	case atom.Ul, atom.Ol:
		w.lineBreak(1 + boolInt(len(w.lists) == 0))
		if len(w.lists) < maxOpen {
			w.lists = append(w.lists, -boolInt(tag == atom.Ul)) // -1 = no numbers
		}
	case atom.Li:
		w.item()
	default:
		w.lineBreak(breaksAround(tag))
	}
}

func (w *textWriter) end(tag atom.Atom) {
	if w.skipping > 0 {
		if tag == w.hidden {
			w.skipping--
		}
		return
	}
	switch tag {
	case atom.A:
		w.link()
	case atom.Pre:
		w.pre = max(w.pre-1, 0)
		w.lineBreak(2)
	case atom.Ul, atom.Ol:
		w.lists = w.lists[:max(len(w.lists)-1, 0)]
		w.lineBreak(1 + boolInt(len(w.lists) == 0))
	case atom.Li:
		w.lineBreak(1)
	default:
		w.lineBreak(breaksAround(tag))
	}
}

// item begins a list item.
func (w *textWriter) item() {
	w.lineBreak(1)
	mark := "- "
	if n := len(w.lists); n > 0 {
		if w.lists[n-1] >= 0 {
			w.lists[n-1]++
			mark = strconv.Itoa(w.lists[n-1]) + ". "
		}
		mark = strings.Repeat("  ", n-1) + mark
	}
	w.flush()
	w.out = append(w.out, mark...)
}

// link ends an <a>: its address follows where the text is not the address itself.
func (w *textWriter) link() {
	if len(w.links) == 0 {
		return
	}
	l := w.links[len(w.links)-1]
	w.links = w.links[:len(w.links)-1]
	scheme, rest, _ := strings.Cut(l.href, ":")
	switch strings.ToLower(scheme) {
	case "http", "https", "mailto", "tel":
	default:
		return
	}
	shown := strings.TrimSpace(string(w.out[min(l.from, len(w.out)):]))
	bare := strings.TrimSuffix(strings.TrimPrefix(rest, "//"), "/")
	if shown == l.href || strings.TrimSuffix(shown, "/") == bare {
		return
	}
	if shown == "" {
		w.text([]byte(l.href))
		return
	}
	w.text([]byte(" (" + l.href + ")"))
}

// text writes what is shown.
func (w *textWriter) text(t []byte) {
	if w.pre > 0 {
		w.flush()
		w.out = append(w.out, bytes.ReplaceAll(t, []byte("\r"), nil)...)
		return
	}
	for len(t) > 0 {
		n := bytes.IndexAny(t, " \t\r\n\f")
		if n == 0 {
			w.space = true
			t = t[1:]
			continue
		}
		if n < 0 {
			n = len(t)
		}
		w.flush()
		w.out = append(w.out, t[:n]...)
		t = t[n:]
	}
}

// lineBreak wants at least so many line breaks before the next text.
func (w *textWriter) lineBreak(n int) {
	if n > 0 {
		w.breaks, w.space = min(max(w.breaks, n), 2), false
	}
}

// flush writes the white space that is wanted.
func (w *textWriter) flush() {
	if len(w.out) > 0 {
		switch {
		case w.breaks > 0:
			w.out = append(bytes.TrimRight(w.out, " "), "\n\n"[:w.breaks]...)
		case w.space && w.out[len(w.out)-1] != '\n' && w.out[len(w.out)-1] != ' ':
			w.out = append(w.out, ' ')
		}
	}
	w.breaks, w.space = 0, false
}

func (w *textWriter) finish() string {
	for len(w.links) > 0 {
		w.link()
	}
	text := strings.ToValidUTF8(strings.Trim(string(w.out), " \n"), "\uFFFD")
	if text == "" {
		return ""
	}
	return strings.ReplaceAll(text, "\u00a0", " ") + "\n"
}

func isHidden(tag atom.Atom, style string) bool {
	switch tag {
	case atom.Style, atom.Script, atom.Title, atom.Noscript, atom.Template:
		return true
	case atom.Img, atom.Br, atom.Hr, atom.Input, atom.Meta, atom.Link, atom.Col, atom.Wbr, atom.Area, atom.Base: // have no end
		return false
	}
	return strings.Contains(strings.ToLower(strings.ReplaceAll(style, " ", "")), "display:none")
}

// breaksAround is how many line breaks stand before and after an element.
func breaksAround(tag atom.Atom) int {
	switch tag {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Blockquote, atom.Dl:
		return 2
	case atom.Div, atom.Table, atom.Tr, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Center, atom.Form,
		atom.Main, atom.Nav, atom.Aside, atom.Address, atom.Dt, atom.Dd, atom.Caption, atom.Fieldset, atom.Figure, atom.Body:
		return 1
	}
	return 0
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
