package ui

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"github.com/a-h/templ"

	"tidings"
	"tidings/ui/part"
)

// visit is one request of a person: who they are, what they ask, and the ways
// to answer. Its methods are all that the handlers of pages need.
type visit struct {
	s       *Server
	w       http.ResponseWriter
	r       *http.Request
	user    tidings.User    // zero when nobody is signed in
	account tidings.Account // the user's
	session tidings.Session
	clock   part.Clock
	status  int // of the answer; 0 = 200
	spent   *spent
}

// api gives the API as the user has it.
func (v *visit) api() *client {
	return &client{api: v.s.cfg.API, from: v.r, user: v.user, spent: v.spent}
}

// get reads from the API; see [client.get].
func (v *visit) get(path string, query url.Values, out any) error {
	return v.api().get(path, query, out)
}

// send has the API do something; see [client.send].
func (v *visit) send(method, path string, in, out any) error {
	return v.api().send(method, path, in, out)
}

// post, patch and remove are send with their method.
func (v *visit) post(path string, in, out any) error { return v.send(http.MethodPost, path, in, out) }

func (v *visit) patch(path string, in, out any) error { return v.send(http.MethodPatch, path, in, out) }

func (v *visit) remove(path string) error { return v.send(http.MethodDelete, path, nil, nil) }

// id gives a number of the path, e.g. {id}; one that is no number finds nothing.
func (v *visit) id(name string) (int64, error) {
	n, err := strconv.ParseInt(v.r.PathValue(name), 10, 64)
	if err != nil || n < 1 {
		return 0, v.nothingHere()
	}
	return n, nil
}

// query gives a parameter of the address, "" when it is not there.
func (v *visit) query(name string) string { return v.r.URL.Query().Get(name) }

// edits says whether the user may change things; owns, whether they are an owner.
func (v *visit) edits() bool { return includes(v.user.Role, tidings.RoleEditor) }
func (v *visit) owns() bool  { return v.user.Owns() }

// wantsPart says whether htmx asks, for a part of a page. Pages that htmx
// loads in place of the browser (hx-boost) are whole ones.
func (v *visit) wantsPart() bool {
	return v.r.Header.Get("HX-Request") == "true" && v.r.Header.Get("HX-Boosted") != "true"
}

// view is what stands around a page's content.
type view struct {
	Title   string          // of the page and the window
	Purpose string          // one line: what the page is for
	Crumbs  []part.Link     // the way here from the list
	Actions templ.Component // at the right of the title; nil = none
	Active  string          // path of the entry of the navigation; "" = the request's
	Wide    bool            // the content takes the window's whole width
	Scripts []string        // further scripts of the page, e.g. "editor.js"
}

// page answers with a whole page.
func (v *visit) page(p view, content templ.Component) error {
	if v.user.ID == 0 {
		return v.bare(p, content)
	}
	shell := part.ShellView{
		Title: p.Title, Purpose: p.Purpose, Crumbs: p.Crumbs, Actions: p.Actions, Path: cmp.Or(p.Active, v.r.URL.Path), Wide: p.Wide,
		Account: v.account.Name, UserName: v.user.Name, Theme: string(v.user.Theme), Operator: v.user.Operator,
		Flash: v.takeFlash(), Asset: v.s.assets.path, Scripts: p.Scripts,
	}
	return v.write(templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return part.Shell(shell).Render(templ.WithChildren(ctx, content), w)
	}))
}

// bare answers with a page for somebody who is not signed in.
func (v *visit) bare(p view, content templ.Component) error {
	bare := part.BareView{Title: p.Title, Purpose: p.Purpose, Flash: v.takeFlash(), Asset: v.s.assets.path}
	return v.write(templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return part.Bare(bare).Render(templ.WithChildren(ctx, content), w)
	}))
}

// part answers htmx with a part of a page.
func (v *visit) part(content templ.Component) error { return v.write(content) }

// write renders the whole answer before the first byte leaves, so that a
// failure is never half a page.
func (v *visit) write(content templ.Component) error {
	buffer := templ.GetBuffer()
	defer templ.ReleaseBuffer(buffer)
	if err := content.Render(v.r.Context(), buffer); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Add("Vary", "HX-Request")
	if v.user.ID != 0 { // how long a sign-in took is nobody's business
		v.w.Header().Set("Server-Timing", v.spent.String())
	}
	if v.status != 0 {
		v.w.WriteHeader(v.status)
	}
	_, _ = v.w.Write(buffer.Bytes()) // a browser that does not take it has gone
	return nil
}

// wrongForm has the next page or part answered with 422: a form that is shown again.
func (v *visit) wrongForm() { v.status = http.StatusUnprocessableEntity }

// redirect goes on to another page of this server, by GET.
func (v *visit) redirect(path string) error {
	if v.wantsPart() {
		v.w.Header().Set("HX-Redirect", path)
		v.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// done goes on to another page, which says what was done.
func (v *visit) done(path, said string) error {
	v.say(part.Flash{Meaning: part.Good, Text: said})
	return v.redirect(path)
}

// flashCookie carries what the next page says.
const flashCookie = "tidings-flash"

// say has the next page say something, once.
func (v *visit) say(f part.Flash) {
	text, err := json.Marshal(f)
	if err != nil {
		return // a flash is two texts: it can be written
	}
	http.SetCookie(v.w, &http.Cookie{
		Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(text), Path: "/", MaxAge: 60,
		HttpOnly: true, Secure: v.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// takeFlash gives what the page before left to say.
func (v *visit) takeFlash() *part.Flash {
	c, err := v.r.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(v.w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: v.secure(), SameSite: http.SameSiteLaxMode})
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	f := &part.Flash{}
	if err != nil || json.Unmarshal(text, f) != nil || f.Text == "" {
		return nil
	}
	return f
}

// toast answers htmx with a word at the page's edge and nothing else.
func (v *visit) toast(f part.Flash) error {
	v.w.Header().Set("HX-Retarget", "#toasts")
	v.w.Header().Set("HX-Reswap", "beforeend")
	return v.part(part.Toast(f))
}

// pass hands a document of the API on as it is (a download).
func (v *visit) pass(path string, query url.Values) error { return v.api().pass(v.w, path, query) }

// live follows a stream of the API and sends each event on as HTML, until it
// ends or the browser goes. show gives nil for an event that shows nothing.
func (v *visit) live(path string, show func(name string, data []byte) (templ.Component, error)) error {
	return v.stream(func(send func(templ.Component) error) error {
		return v.api().events(path, nil, func(name string, data []byte) error {
			if data == nil {
				return send(nil)
			}
			content, err := show(name, data)
			if err != nil || content == nil {
				return err
			}
			return send(content)
		})
	})
}

// secure says whether the browser speaks https to us, so that cookies are for https only.
func (v *visit) secure() bool { return v.s.secure || v.r.TLS != nil }

// log notes a failure of the answer itself.
func (v *visit) log(err error) {
	if err != nil {
		v.s.log.LogAttrs(v.r.Context(), slog.LevelError, "a page can't be shown", slog.String("path", v.r.URL.Path), slog.String("error", err.Error()))
	}
}
