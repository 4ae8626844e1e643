package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	htmltemplate "html/template"
	"net/http"
	"strings"
)

// page is what people see. All of it is text; the template makes markup of it.
type page struct {
	Lang   string
	Title  string
	Lines  []string
	Text   string     // as it is, with its lines
	Action string     // where the form is sent; "" = there is no form
	Button string     // of the form
	Boxes  []checkbox // of the form
	Link   string     // "" = none
	Linked string     // the text of Link
}

// checkbox is one category.
type checkbox struct {
	Key, Name string
	Checked   bool
}

const pageCSS = `:root{color-scheme:light dark;--ink:#1f2933;--paper:#fff;--soft:#f3f5f7;--line:#cbd2d9;--act:#0b5cad;--on:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;--paper:#1c232b;--soft:#12171d;--line:#3e4c59;--act:#7cb8f7;--on:#12171d}}
*{box-sizing:border-box}body{margin:0;background:var(--soft);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{max-width:32rem;margin:10vh auto;padding:2rem;background:var(--paper);border:1px solid var(--line);border-radius:.5rem;overflow-wrap:anywhere}
h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25}fieldset{border:0;margin:0 0 1rem;padding:0}label{display:flex;gap:.75rem;align-items:center;min-height:2.75rem}
input{width:1.25rem;height:1.25rem;flex:none}button{font:inherit;font-weight:600;min-height:2.75rem;padding:.5rem 1.5rem;border:0;border-radius:.25rem;background:var(--act);color:var(--on);cursor:pointer}
a{color:var(--act)}:focus-visible{outline:3px solid var(--act);outline-offset:2px}pre{white-space:pre-wrap;font:inherit}`

var pageTemplate = func() *htmltemplate.Template {
	return htmltemplate.Must(htmltemplate.New("page").Parse(pageHTML))
}()

const pageHTML = `<!doctype html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>` + pageCSS + `</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
{{range .Lines}}<p>{{.}}</p>
{{end}}{{if .Text}}<pre>{{.Text}}</pre>
{{end}}{{if .Action}}<form method="post" action="{{.Action}}">
{{if .Boxes}}<fieldset aria-label="{{.Title}}">
{{range .Boxes}}<label><input type="checkbox" name="category" value="{{.Key}}"{{if .Checked}} checked{{end}}> {{.Name}}</label>
{{end}}</fieldset>
{{end}}<button type="submit">{{.Button}}</button>
</form>
{{end}}{{if .Link}}<p><a href="{{.Link}}">{{.Linked}}</a></p>
{{end}}</main>
</body>
</html>
`

// pagePolicy lets a page have its own style, send its form home, and nothing else.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, what page) {
	var body bytes.Buffer
	if what.Lang == "" {
		what.Lang = phrasesFor(r).tag
	}
	if err := pageTemplate.Execute(&body, what); err != nil {
		p.o.Log.Error("a page can't be made", "title", what.Title, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := w.Write(body.Bytes()); err != nil {
		return // who asked has gone
	}
}

func (p *Pages) notFound(w http.ResponseWriter, r *http.Request) {
	say := phrasesFor(r)
	p.show(w, r, http.StatusNotFound, page{Title: say.badLinkTitle, Lines: []string{say.badLink}})
}

func (p *Pages) gone(w http.ResponseWriter, r *http.Request) {
	say := phrasesFor(r)
	p.show(w, r, http.StatusGone, page{Title: say.goneTitle, Lines: []string{say.gone}})
}

func (p *Pages) trouble(w http.ResponseWriter, r *http.Request) {
	say := phrasesFor(r)
	w.Header().Set("Retry-After", "60")
	p.show(w, r, http.StatusServiceUnavailable, page{Title: say.troubleTitle, Lines: []string{say.trouble}})
}

// masked shows of an address what its owner knows it by: o…@example.com.
func masked(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return address
	}
	first := []rune(address[:at])[0]
	return string(first) + "…" + address[at:]
}
