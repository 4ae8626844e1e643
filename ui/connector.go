package ui

import (
	"net/http"
	"net/url"

	"tidings/ui/part"
)

func (s *Server) registerConnectors() {
	s.look("/automation/connectors", (*visit).connectorsPage)
	s.edit("/automation/connectors/new", (*visit).newConnectorPage)
	s.act("/automation/connectors", (*visit).createConnector)
	s.look("/automation/connectors/{id}", (*visit).connectorPage)
	s.act("/automation/connectors/{id}", (*visit).saveConnector)
	s.edit("/automation/connectors/{id}/delete", (*visit).askDeleteConnector)
	s.act("/automation/connectors/{id}/delete", (*visit).deleteConnector)
}

// connectorView is a connector as the API shows it: without its secret.
type connectorView struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Auth struct {
		Type     string `json:"type"`
		Username string `json:"username"`
		In       string `json:"in"`
		Name     string `json:"name"`
	} `json:"auth"`
	Version int64 `json:"version"`
	UsedIn  []use `json:"usedIn"`
}

// words says what is sent with the connector's credentials.
func (c *connectorView) words() string {
	switch c.Auth.Type {
	case "basic":
		return "user " + c.Auth.Username
	case "bearer":
		return "Authorization: Bearer ••••"
	}
	if c.Auth.In == "query" {
		return "?" + c.Auth.Name + "=••••"
	}
	return c.Auth.Name + ": ••••"
}

// authWords names a type of authentication as the form does.
func authWords(kind string) string {
	return map[string]string{"basic": "Basic", "bearer": "Bearer token", "apiKey": "API key"}[kind]
}

// connectorForm is what is typed of a connector. Secrets are never shown
// again: an empty one leaves what is set.
type connectorForm struct {
	ID, Version                   int64
	Name, Type, Username, In, Key string // Key is the name of the header or parameter
}

func authTypes() []part.Option {
	return []part.Option{
		{Value: "basic", Label: "Basic", Note: "login and password"},
		{Value: "bearer", Label: "Bearer token", Note: "Authorization: Bearer …"},
		{Value: "apiKey", Label: "API key", Note: "in a header or in the query"},
	}
}

// keyPlaces are where an API key goes.
func keyPlaces() []part.Option {
	return []part.Option{{Value: "header", Label: "Header"}, {Value: "query", Label: "Query parameter"}}
}

func connectorFormOf(c *connectorView) connectorForm {
	return connectorForm{ID: c.ID, Version: c.Version, Name: c.Name, Type: c.Auth.Type, Username: c.Auth.Username, In: c.Auth.In, Key: c.Auth.Name}
}

// readConnector reads the form of a connector: its fields are under
// "connector.", since it may be a step of the Webhook window.
func readConnector(f *form) (connectorForm, map[string]any) {
	c := connectorForm{
		Name: f.text("connector.name"), Type: f.text("connector.auth.type"), Username: f.text("connector.auth.username"),
		In: f.text("connector.auth.in"), Key: f.text("connector.auth.name"),
	}
	if n := f.number("connector.version"); n != nil {
		c.Version = *n
	}
	auth := map[string]any{"type": c.Type}
	secret := func(name string) {
		if value := f.raw("connector.auth." + name); value != "" {
			auth[name] = value
		}
	}
	switch c.Type {
	case "basic":
		auth["username"] = c.Username
		secret("password")
	case "bearer":
		secret("token")
	case "apiKey":
		auth["in"], auth["name"] = c.In, c.Key
		secret("key")
	}
	return c, map[string]any{"name": c.Name, "auth": auth}
}

// connectorOptions are the account's connectors, for a select.
func (v *visit) connectorOptions() ([]part.Option, error) {
	list, _, err := v.connectors(nil)
	options := []part.Option{{Value: "", Label: "Choose a connector"}}
	for _, c := range list {
		options = append(options, part.Option{Value: decimal(c.ID), Label: c.Name, Note: authWords(c.Auth.Type)})
	}
	return append(options, part.Option{Value: newConnector, Label: "New connector…"}), err
}

// connectors lists connectors; next is after of the next page, nil on the last.
func (v *visit) connectors(q url.Values) (list []connectorView, next *int64, err error) {
	var out struct {
		Connectors []connectorView `json:"connectors"`
		Next       *int64          `json:"next"`
	}
	err = v.get("/v1/connectors", q, &out)
	return out.Connectors, out.Next, err
}

// connectorOfWindow is a step of the Webhook window: it asks for a new
// connector, and goes back to the form with it.
func (v *visit) connectorOfWindow() error {
	form, f, err := v.typed()
	if err != nil {
		return err
	}
	if form.text("step") != "done" {
		return v.showStep(f, connectorStep(f, connectorForm{Type: "basic", In: "header"}, nil))
	}
	c, definition := readConnector(form)
	var made connectorView
	err = v.post("/v1/connectors", definition, &made)
	if r, ok := wrong(err); ok {
		v.wrongForm()
		return v.showStep(f, connectorStep(f, c, r))
	}
	if err != nil {
		return err
	}
	f.Authenticate, f.Connector = true, decimal(made.ID)
	return v.showWebhook(&webhookWindow{Form: f, Said: "The connector " + made.Name + " is made and chosen.", Focus: "connectorId"})
}

func (v *visit) connectorsPage() error {
	list, next, err := v.connectors(v.pick("after"))
	if err != nil {
		return err
	}
	p := view{Title: "Connectors", Purpose: "Names and credentials that webhooks send. Secrets are sealed and never shown again.", Crumbs: webhookCrumbs(), Active: "/automation/webhooks"}
	if v.edits() {
		p.Actions = part.LinkButton("New connector", "/automation/connectors/new", part.Primary)
	}
	pager := part.PagerView{Summary: plural(len(list), "connector", "connectors")}
	if next != nil {
		pager.Next = v.with("after", decimal(*next))
	}
	return v.page(p, connectorList(list, pager, v.edits()))
}

func (v *visit) newConnectorPage() error {
	return v.connectorFormPage(connectorForm{Type: "basic", In: "header"}, nil, nil)
}

func (v *visit) connectorFormPage(c connectorForm, uses []use, r *refusal) error {
	title := "New connector"
	if c.ID != 0 {
		title = "Connector"
	}
	crumbs := append(webhookCrumbs(), part.Link{Label: "Connectors", Href: "/automation/connectors"})
	return v.page(view{Title: title, Purpose: "A name and credentials, made once and used by many webhooks.", Crumbs: crumbs, Active: "/automation/webhooks"}, connectorEdit(c, uses, r, v.edits()))
}

func (v *visit) createConnector() error {
	form, err := v.form()
	if err != nil {
		return err
	}
	c, definition := readConnector(form)
	var made connectorView
	err = v.post("/v1/connectors", definition, &made)
	if r, ok := wrong(err); ok {
		v.wrongForm()
		return v.connectorFormPage(c, nil, r)
	}
	if err != nil {
		return err
	}
	return v.done("/automation/connectors", "Saved: the connector "+made.Name+".")
}

// connector reads the connector of the path.
func (v *visit) connector() (*connectorView, error) {
	id, err := v.id("id")
	if err != nil {
		return nil, err
	}
	c := &connectorView{}
	return c, v.get("/v1/connectors/"+decimal(id), nil, c)
}

func (v *visit) connectorPage() error {
	c, err := v.connector()
	if err != nil {
		return err
	}
	return v.connectorFormPage(connectorFormOf(c), c.UsedIn, nil)
}

func (v *visit) saveConnector() error {
	was, err := v.connector()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	c, definition := readConnector(form)
	c.ID, definition["version"] = was.ID, c.Version
	err = v.patch("/v1/connectors/"+decimal(was.ID), definition, nil)
	if r, ok := wrong(err); ok {
		v.wrongForm()
		return v.connectorFormPage(c, was.UsedIn, r)
	}
	if err != nil {
		return err
	}
	return v.done("/automation/connectors", "Saved: the connector "+c.Name+". The next calls go with it.")
}

func (v *visit) askDeleteConnector() error {
	c, err := v.connector()
	if err != nil {
		return err
	}
	return v.page(view{Title: "Delete " + c.Name, Crumbs: webhookCrumbs(), Active: "/automation/webhooks"}, connectorDelete(c, nil))
}

func (v *visit) deleteConnector() error {
	c, err := v.connector()
	if err != nil {
		return err
	}
	err = v.remove("/v1/connectors/" + decimal(c.ID))
	if r, ok := wrong(err); ok {
		v.status = http.StatusConflict
		return v.page(view{Title: "Delete " + c.Name, Crumbs: webhookCrumbs(), Active: "/automation/webhooks"}, connectorDelete(c, r))
	}
	if err != nil {
		return err
	}
	return v.done("/automation/connectors", "Deleted: the connector "+c.Name+" and its secret.")
}
