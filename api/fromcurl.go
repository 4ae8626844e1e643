package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/call"
	cmdline "tidings/curl"
)

// fromCurlJSON asks for a webhook made of a curl command.
type fromCurlJSON struct {
	Command     optional[string] `json:"command,omitempty" maxLength:"131072" doc:"One curl command, as a shell takes it. Variables in it are the webhook's: $TOWN, ${email}."`
	Name        optional[string] `json:"name,omitempty" maxLength:"200" doc:"Default: host and path of the URL."`
	Description optional[string] `json:"description,omitempty" maxLength:"2000"`
	ConnectorID optional[int]    `json:"connectorId,omitempty" doc:"Whose credentials are sent, in place of the command's."`
	DryRun      optional[bool]   `json:"dryRun,omitempty" doc:"Only show what would be made."`
	Keep        optional[bool]   `json:"keepConnector,omitempty" doc:"With dryRun: make the connector of the command's credentials all the same, so that the webhook can be saved with it later."`
}

func (*fromCurlJSON) maxBytes() int { return 3 * cmdline.MaxCommand }

// importedJSON is what was made of a command.
type importedJSON struct {
	Webhook   webhookJSON    `json:"webhook"`
	Connector *connectorJSON `json:"connector" doc:"Made of the command's credentials, so that they are sealed; null when it had none."`
	Notes     []string       `json:"notes" doc:"What of the command was left out or changed, and why."`
}

type commandJSON struct {
	Command string `json:"command" doc:"For a POSIX shell. Secrets are ***."`
}

func (s *Server) registerCurl() {
	manage, read := access{scope: tidings.ScopeManage}, access{scope: tidings.ScopeRead}
	operate(s, huma.Operation{
		OperationID: "import-curl", Method: http.MethodPost, Path: "/v1/webhooks/from-curl", Tags: []string{"Webhooks"}, DefaultStatus: http.StatusCreated,
		Summary:     "Create a webhook from a cURL command",
		Description: "Credentials in the command become a connector. Nothing is run, sent or read from files; what can't be taken is refused with line and column. With dryRun nothing is made.",
		Responses:   map[string]*huma.Response{"200": {Description: "With dryRun: what would be made.", Content: jsonOf(s, importedJSON{})}},
		Errors:      []int{400, 408, 409, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/webhooks/from-curl -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"name":"WH5","command":"curl https://shop.example.com/promocodes -u shop:pass -d town=$TOWN"}'`),
	}, manage, s.importCurl)
	operate(s, huma.Operation{
		OperationID: "export-curl", Method: http.MethodGet, Path: "/v1/webhooks/{id}/curl", Tags: []string{"Webhooks"},
		Summary: "A webhook as a cURL command, secrets masked", Description: "Its variables stay as they stand.", Errors: []int{400, 404, 503},
		Extensions: curl(`curl $TIDINGS/v1/webhooks/1/curl -H "Authorization: Bearer $KEY"`),
	}, read, s.exportCurl)
}

type shownImport struct {
	Status int
	Body   importedJSON
}

func (s *Server) importCurl(ctx context.Context, c caller, in *struct{ JSON body[fromCurlJSON] }) (*shownImport, error) {
	asked := &in.JSON.value
	command, err := cmdline.Parse(asked.Command.value)
	switch {
	case !asked.Command.given():
		return nil, invalidField("command", "is required: a curl command")
	case err != nil:
		return nil, invalidField("command", err.Error())
	}
	made := webhookOf(&command)
	made.webhook.Account = c.account()
	asked.Name.put(&made.webhook.Name, "")
	asked.Description.put(&made.webhook.Description, "")
	if asked.ConnectorID.given() {
		made.useConnector(tidings.ConnectorID(asked.ConnectorID.value))
	}
	if err := s.checkImport(ctx, made); err != nil {
		return nil, err
	}
	out := &shownImport{Status: http.StatusOK}
	switch {
	case !asked.DryRun.value:
		if err := s.storeImport(ctx, c, made); err != nil {
			return nil, err
		}
		out.Status = http.StatusCreated
	case asked.Keep.value && made.connector != nil:
		kept, err := s.store.CreateConnector(ctx, *made.connector, c.actor())
		if err != nil {
			return nil, err
		}
		made.connector, made.webhook.Connector = &kept, kept.ID
	}
	out.Body = importedJSON{Webhook: webhookView(&made.webhook), Notes: append([]string{}, made.notes...)}
	if made.connector != nil {
		out.Body.Connector = ptr(connectorView(made.connector))
	}
	return out, nil
}

// imported is a webhook in the making, of a command.
type imported struct {
	webhook   tidings.Webhook
	connector *tidings.Connector // of the command's credentials; nil = none
	notes     []string
}

func (m *imported) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

// webhookOf makes a webhook of a command. What of it can't be is found by the
// webhook's own check.
func webhookOf(command *cmdline.Request) *imported {
	m := &imported{notes: command.LeftOut}
	w := &m.webhook
	w.Method, w.URL = tidings.Method(command.Method), command.URL
	if !strings.Contains(w.URL, "://") {
		w.URL = "https://" + w.URL
		m.note("the URL has no scheme: https:// was put before it")
	}
	w.Name = nameOf(w.URL)
	if seconds, err := strconv.ParseFloat(command.Timeout, 64); err == nil && seconds > 0 {
		w.Timeout = min(max(time.Duration(seconds*float64(time.Second)).Round(time.Millisecond), tidings.MinTimeout), tidings.MaxTimeout)
	}
	contentType := ""
	for _, h := range command.Headers {
		if strings.EqualFold(h.Name, "Content-Type") {
			contentType = h.Value
			continue
		}
		w.Headers = append(w.Headers, tidings.Header{Name: h.Name, Value: strings.TrimSpace(h.Value)})
	}
	if command.HasBody {
		m.takeBody(command.Body, contentType)
	}
	m.dropHeaders()
	m.takeCredentials(command.Basic)
	return m
}

// nameOf names a webhook by its URL, until somebody finds a better name.
func nameOf(raw string) string {
	_, rest, _ := strings.Cut(raw, "://")
	rest, _, _ = strings.Cut(rest, "?")
	name := []rune(strings.Trim(rest, "/"))
	return string(name[:min(len(name), tidings.MaxNameLength)])
}

// takeBody chooses the format by the Content-Type, or by the body's looks
// where the type is only the one that curl sends when nobody says another.
func (m *imported) takeBody(body, contentType string) {
	const form = "application/x-www-form-urlencoded"
	b := &m.webhook.Body
	b.Template = body
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media = contentType
	}
	if media == form && looksLikeJSON(body) {
		m.note("the command sends JSON and calls it a form, as curl does without a Content-Type: it is sent as JSON")
		media, contentType = "application/json", "application/json"
	}
	switch {
	case media == "application/json", strings.HasSuffix(media, "+json"):
		b.Format = tidings.BodyJSON
	case media == "application/xml", media == "text/xml", strings.HasSuffix(media, "+xml"):
		b.Format = tidings.BodyXML
	default:
		b.Format = tidings.BodyText
	}
	if media != "application/json" && media != "application/xml" && contentType != "" {
		m.webhook.Headers = append(m.webhook.Headers, tidings.Header{Name: "Content-Type", Value: contentType})
	}
}

// looksLikeJSON says whether a text can only be meant as JSON, with templates in it or without.
func looksLikeJSON(text string) bool {
	text = strings.TrimSpace(text)
	braces := strings.HasPrefix(text, `{`) && strings.HasSuffix(text, `}`) || strings.HasPrefix(text, `[`) && strings.HasSuffix(text, `]`)
	return braces && (json.Valid([]byte(text)) || strings.ContainsAny(text, `"$`))
}

// dropHeaders leaves out what a webhook can't set: HTTP and the server do.
func (m *imported) dropHeaders() {
	kept := m.webhook.Headers[:0]
	for _, h := range m.webhook.Headers {
		one := tidings.Webhook{Name: "x", Method: tidings.MethodGet, URL: "https://example.com/", Headers: []tidings.Header{{Name: h.Name, Value: "x"}}}
		wrong := call.CheckWebhook(&one, nil, call.Rules{})
		switch {
		case strings.EqualFold(h.Name, "Accept-Encoding"):
			m.note("the header %s: replies are asked for uncompressed", h.Name)
		case len(wrong) > 0:
			m.note("the header %.40q: %s", h.Name, wrong[0].Reason)
		default:
			kept = append(kept, h)
		}
	}
	m.webhook.Headers = kept
}

// takeCredentials makes a connector of the first credentials that are found:
// -u, an Authorization header, or a header whose name says that a key is in it.
// Values with variables in them stay where they are.
func (m *imported) takeCredentials(basic *cmdline.Basic) {
	if basic != nil {
		m.connect(tidings.Auth{Kind: tidings.AuthBasic, Username: basic.Username, Secret: basic.Password})
		return
	}
	for i, h := range m.webhook.Headers {
		auth, ok := authOfHeader(h)
		if ok {
			m.webhook.Headers = append(m.webhook.Headers[:i], m.webhook.Headers[i+1:]...)
			m.connect(auth)
			return
		}
	}
}

func authOfHeader(h tidings.Header) (tidings.Auth, bool) {
	if !secretRow(h) || strings.EqualFold(h.Name, "Cookie") {
		return tidings.Auth{}, false
	}
	if !strings.EqualFold(h.Name, "Authorization") {
		return tidings.Auth{Kind: tidings.AuthAPIKey, In: tidings.KeyInHeader, Name: h.Name, Secret: h.Value}, true
	}
	scheme, rest, _ := strings.Cut(h.Value, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.EqualFold(scheme, "Bearer") && rest != "":
		return tidings.Auth{Kind: tidings.AuthBearer, Secret: rest}, true
	case strings.EqualFold(scheme, "Basic"):
		pair, err := base64.StdEncoding.DecodeString(rest)
		user, password, ok := strings.Cut(string(pair), ":")
		return tidings.Auth{Kind: tidings.AuthBasic, Username: user, Secret: password}, err == nil && ok
	}
	return tidings.Auth{}, false
}

func (m *imported) connect(auth tidings.Auth) {
	m.connector = &tidings.Connector{Auth: auth}
	m.note("the command's credentials became a connector")
}

// useConnector takes a connector in place of the command's credentials.
func (m *imported) useConnector(id tidings.ConnectorID) {
	if m.connector != nil {
		m.connector = nil
		m.notes[len(m.notes)-1] = "the command's credentials were left out: those of the connector are sent"
	}
	m.webhook.Connector = id
}

// checkImport checks the webhook and its connector before either is made.
func (s *Server) checkImport(ctx context.Context, m *imported) error {
	w := &m.webhook
	auth, err := s.authOf(ctx, w)
	d := &decoder{}
	if err := d.missing(err, "connectorId", "there is no connector %d", w.Connector); err != nil {
		return err
	}
	if m.connector != nil {
		auth = &m.connector.Auth
		m.connector.Account = w.Account
		m.connector.Name = w.Name
		for _, f := range call.CheckAuth(auth) {
			d.fault("command", "its credentials can't be taken: %s %s", f.Field, f.Reason)
		}
	}
	for _, f := range call.CheckWebhook(w, auth, s.cfg.CallRules) {
		if f.Field != "name" && f.Field != "description" {
			f = tidings.FieldError{Index: -1, Field: "command", Reason: f.Field + ": " + f.Reason}
		}
		d.faults = append(d.faults, f)
	}
	if len(d.faults) > 0 {
		return &tidings.Error{Code: tidings.CodeInvalid, Message: "no webhook can be made of the command: nothing was changed", Fields: d.faults}
	}
	return nil
}

// storeImport makes the connector, then the webhook. When the second is
// refused, nothing is left of the first.
func (s *Server) storeImport(ctx context.Context, c caller, m *imported) error {
	if m.connector != nil {
		made, err := s.store.CreateConnector(ctx, *m.connector, c.actor())
		if err != nil {
			return err
		}
		m.connector, m.webhook.Connector = &made, made.ID
	}
	made, err := s.store.CreateWebhook(ctx, m.webhook, c.actor())
	if err != nil {
		if m.connector != nil {
			err = errors.Join(err, s.store.DeleteConnector(context.WithoutCancel(ctx), m.connector.Account, m.connector.ID, c.actor()))
		}
		return err
	}
	m.webhook = made
	return nil
}

func (s *Server) exportCurl(ctx context.Context, c caller, in *webhookPath) (*struct{ Body commandJSON }, error) {
	w, err := s.store.Webhook(ctx, c.account(), tidings.WebhookID(in.ID))
	if err != nil {
		return nil, err
	}
	auth, err := s.authOf(ctx, &w)
	if err != nil && tidings.CodeOf(err) != tidings.CodeNotFound { // that of a deleted webhook may be gone
		return nil, err
	}
	return &struct{ Body commandJSON }{commandJSON{commandOf(&w, auth).String()}}, nil
}

// mask stands in commands where a secret is.
const mask = "***"

// commandOf writes a webhook as a command, its secrets masked.
func commandOf(w *tidings.Webhook, auth *tidings.Auth) cmdline.Request {
	r := cmdline.Request{Method: string(w.Method), URL: call.MaskedURL(w.URL)}
	typed := false
	for _, h := range w.Headers {
		typed = typed || strings.EqualFold(h.Name, "Content-Type")
		if secretRow(h) {
			h.Value = mask
		}
		r.Headers = append(r.Headers, cmdline.Header(h))
	}
	if w.Body.Format != tidings.BodyNone {
		r.HasBody, r.Body = true, w.Body.Template
		if kind := contentTypes(w.Body.Format); !typed {
			r.Headers = append(r.Headers, cmdline.Header{Name: "Content-Type", Value: kind})
		}
	}
	if w.Timeout != 0 {
		r.Timeout = strconv.FormatFloat(w.Timeout.Seconds(), 'f', -1, 64)
	}
	authorizeCommand(&r, auth)
	return r
}

func contentTypes(f tidings.BodyFormat) string {
	switch f {
	case tidings.BodyJSON:
		return "application/json"
	case tidings.BodyXML:
		return "application/xml"
	}
	return "text/plain; charset=utf-8"
}

func authorizeCommand(r *cmdline.Request, auth *tidings.Auth) {
	switch {
	case auth == nil:
	case auth.Kind == tidings.AuthBasic:
		r.Basic = &cmdline.Basic{Username: auth.Username, Password: mask}
	case auth.Kind == tidings.AuthBearer:
		r.Headers = append(r.Headers, cmdline.Header{Name: "Authorization", Value: "Bearer " + mask})
	case auth.In == tidings.KeyInHeader:
		r.Headers = append(r.Headers, cmdline.Header{Name: auth.Name, Value: mask})
	default:
		joint := "?"
		if strings.Contains(r.URL, "?") {
			joint = "&"
		}
		r.URL += joint + url.QueryEscape(auth.Name) + "=" + mask
	}
}
