package ui

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"tidings"
)

// Route is one page or act of the door.
type Route struct {
	Method string // GET: looks; POST: does
	Path   string // in the form of [http.ServeMux]
	// Role is the least role that may come here; "" = everybody, signed in or not.
	Role tidings.UserRole
}

// Routes lists all that is served, in the order of the registration.
func (s *Server) Routes() []Route { return append([]Route(nil), s.routes...) }

// register lists all routes, noun by noun. The API decides once more who may.
func (s *Server) register() {
	s.registerActivities()
	s.registerAssets()
	s.registerAudit()
	s.registerBroadcasts()
	s.registerCalls()
	s.registerConnectors()
	s.registerContacts()
	s.registerDashboard()
	s.registerDates()
	s.registerEmail()
	s.registerEndpoint()
	s.registerEvents()
	s.registerFields()
	s.registerImport()
	s.registerJoin()
	s.registerKeys()
	s.registerLaboratory()
	s.registerMessages()
	s.registerNodes()
	s.registerOutbox()
	s.registerProfile()
	s.registerRuns()
	s.registerSearch()
	s.registerSegments()
	s.registerSetup()
	s.registerSignIn()
	s.registerSignOn()
	s.registerSources()
	s.registerUsers()
	s.registerWebhooks()
	s.registerWorkflows()
	s.open(http.MethodGet, "/", (*visit).nothingHere)
}

// look registers a page: what every user of the account may see.
func (s *Server) look(path string, h func(*visit) error) {
	s.route(http.MethodGet, path, tidings.RoleViewer, h)
}

// act registers what editors and owners may do, by POST.
func (s *Server) act(path string, h func(*visit) error) {
	s.route(http.MethodPost, path, tidings.RoleEditor, h)
}

// ask registers a POST that changes nothing (a preview of what is typed): every user may.
func (s *Server) ask(path string, h func(*visit) error) {
	s.route(http.MethodPost, path, tidings.RoleViewer, h)
}

// mine registers an act of users on what is theirs alone, by POST: every user may.
func (s *Server) mine(path string, h func(*visit) error) {
	s.route(http.MethodPost, path, tidings.RoleViewer, h)
}

// edit registers a page that only editors and owners need: forms.
func (s *Server) edit(path string, h func(*visit) error) {
	s.route(http.MethodGet, path, tidings.RoleEditor, h)
}

// own registers a page or an act of owners.
func (s *Server) own(method, path string, h func(*visit) error) {
	s.route(method, path, tidings.RoleOwner, h)
}

// open registers what needs nobody to be signed in.
func (s *Server) open(method, path string, h func(*visit) error) { s.route(method, path, "", h) }

// maxForm is the most bytes of a form: a message with all its text fits.
const maxForm = 4 << 20

func (s *Server) route(method, path string, role tidings.UserRole, h func(*visit) error) {
	s.routes = append(s.routes, Route{Method: method, Path: path, Role: role})
	pattern := method + " " + path
	if path == "/" {
		pattern = path // whatever is no page, by any method
	}
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		v := &visit{s: s, w: w, r: r, spent: startSpending()}
		if err := s.enter(v, role); err != nil {
			s.failure(v, err)
			return
		}
		if err := h(v); err != nil {
			s.failure(v, err)
		}
	})
}

// roleNeeded is a refusal for want of a role.
func roleNeeded(role tidings.UserRole) error {
	who := "editors and owners"
	if role == tidings.RoleOwner {
		who = "owners"
	}
	return &refusal{
		Status: http.StatusForbidden, Code: tidings.CodeForbidden, Title: "Not with your role",
		Detail: "This is for " + who + " of the account. An owner can change your role under Settings, Users.",
	}
}

// enter finds out who comes, and that they may.
func (s *Server) enter(v *visit, role tidings.UserRole) error {
	err := s.recognize(v)
	switch {
	case role == "":
		return nil // who it is, if anybody, was found out for the page's head
	case err != nil:
		return err
	case !includes(v.user.Role, role):
		return roleNeeded(role)
	}
	return nil
}

// includes says whether a role may what another one may.
func includes(have, need tidings.UserRole) bool {
	for _, r := range tidings.UserRoles() { // the one that may most first
		if r == have {
			return true
		}
		if r == need {
			return false
		}
	}
	return false
}

// failure answers for a request that was not done: as a page, or, to htmx, as
// a word at the edge of the page that is there.
func (s *Server) failure(v *visit, err error) {
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case errors.Is(err, errSignedOut):
		s.toSignIn(v)
		return
	case v.r.Context().Err() != nil:
		return // the browser has gone
	case !ok:
		if tooLarge, is := errors.AsType[*http.MaxBytesError](err); is {
			refused = &refusal{Status: http.StatusRequestEntityTooLarge, Title: "Too much at once", Detail: "The form is larger than " + count(tooLarge.Limit) + " bytes: nothing was stored."}
			break
		}
		s.log.LogAttrs(v.r.Context(), slog.LevelError, "a page failed", slog.String("method", v.r.Method), slog.String("path", v.r.URL.Path), slog.String("error", err.Error()))
		refused = &refusal{Status: http.StatusInternalServerError, Title: "The server has made a mistake", Detail: "Nothing is lost by it. The server's log has the cause, under this page's path and time."}
	case refused.Status == http.StatusUnauthorized:
		s.toSignIn(v) // the session ended between the page and its act
		return
	}
	if v.wantsPart() {
		v.w.Header().Set("HX-Retarget", "#toasts")
		v.w.Header().Set("HX-Reswap", "beforeend")
		v.status = refused.Status
		v.log(v.part(refusalToast(refused)))
		return
	}
	v.status = refused.Status
	v.log(v.page(view{Title: refused.heading()}, refusalPage(refused)))
}

// heading is what a page about a refusal is called.
func (r *refusal) heading() string {
	switch {
	case r.Status == http.StatusNotFound:
		return "Not found"
	case r.Title == "" || r.Title == http.StatusText(r.Status):
		return "Not done"
	}
	return r.Title
}

// toSignIn sends somebody who is not signed in to the page where they can, and
// back afterwards.
func (s *Server) toSignIn(v *visit) {
	to := "/sign-in"
	back := v.r.URL.RequestURI()
	if v.r.Method != http.MethodGet || v.wantsPart() {
		back = refererPath(v.r)
	}
	if again := v.unsentForm(); again != nil {
		v.status = http.StatusUnauthorized
		v.log(v.showSignIn(signInForm{Next: back, Again: again}))
		return
	}
	if back != "" && back != "/" {
		to += "?" + url.Values{"next": {back}}.Encode()
	}
	v.log(v.redirect(to))
}

// refererPath is the path of the page that a request came from, when it is one of ours.
func refererPath(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host {
		return ""
	}
	return from.RequestURI()
}

// localPath says whether an address leads to a page of this server: it is what
// a sign-in may go on to.
func localPath(raw string) bool {
	to, err := url.Parse(raw)
	return err == nil && to.Scheme == "" && to.Host == "" && strings.HasPrefix(raw, "/") && !strings.HasPrefix(raw, "//") && !strings.Contains(raw, `\`)
}

func (v *visit) nothingHere() error {
	return &refusal{Status: http.StatusNotFound, Detail: "There is no page at this address. It may have been deleted, or the address is cut off."}
}
