package ui

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"tidings/ui/part"
)

// contactJSON is a contact as the API gives it.
type contactJSON struct {
	ID                 int64                      `json:"id"`
	ExternalCustomerID string                     `json:"externalCustomerId"`
	FirstName          string                     `json:"firstName"`
	LastName           string                     `json:"lastName"`
	Email              string                     `json:"email"`
	SMS                string                     `json:"sms"`
	Channels           []channelJSON              `json:"channels"`
	Address            addressJSON                `json:"address"`
	LanguageCode       string                     `json:"languageCode"`
	TimeZone           string                     `json:"timeZone"`
	Fields             map[string]json.RawMessage `json:"fields"`
	Subscriptions      []string                   `json:"subscriptions"`
	Version            int64                      `json:"version"`
	CreatedAt          time.Time                  `json:"createdAt"`
	UpdatedAt          time.Time                  `json:"updatedAt"`
}

type channelJSON struct {
	Type        string `json:"type"`
	Value       string `json:"value"`
	Blacklisted bool   `json:"blacklisted"`
}

type addressJSON struct {
	Region   string `json:"region"`
	Town     string `json:"town"`
	Address  string `json:"address"`
	Postcode string `json:"postcode"`
}

// contactsJSON is a page of contacts.
type contactsJSON struct {
	Contacts []contactJSON `json:"contacts"`
	Next     *int64        `json:"next"`
}

// name is what the contact is called, "" when that is not known.
func (c *contactJSON) name() string {
	return strings.TrimSpace(c.FirstName + " " + c.LastName)
}

// label tells the contact from others: its email, phone, or what else it has.
func (c *contactJSON) label() string {
	if c.Email == "" && c.SMS == "" && len(c.Channels) > 0 {
		return c.Channels[0].Type + " " + c.Channels[0].Value
	}
	return cmp.Or(c.Email, c.SMS, c.ExternalCustomerID, "contact "+decimal(c.ID))
}

// title is its name, or what tells it from others.
func (c *contactJSON) title() string { return cmp.Or(c.name(), c.label()) }

// path is that of the contact's page.
func (c *contactJSON) path() string { return contactPath(c.ID) }

// contactPath is the path of a contact's page.
func contactPath(id int64) string { return "/contacts/" + decimal(id) }

func (s *Server) registerContacts() {
	s.look("/contacts", (*visit).contactsPage)
	s.look("/contacts/pick", (*visit).pickContacts)
	s.look("/contacts/card", (*visit).chosenCard)
	s.edit("/contacts/new", (*visit).newContactPage)
	s.act("/contacts/new", (*visit).createContact)
	s.edit("/contacts/edit/{id}", (*visit).editContactPage)
	s.act("/contacts/{id}/edit", (*visit).saveContact)
	s.edit("/contacts/delete/{id}", (*visit).deleteContactPage)
	s.act("/contacts/{id}/delete", (*visit).deleteContact)
	s.look("/contacts/{id}", (*visit).contactPage)
	s.look("/contacts/{id}/{part}", (*visit).contactPart)
	s.act("/contacts/{id}/join", func(v *visit) error { return v.moveContact("add") })
	s.act("/contacts/{id}/leave", func(v *visit) error { return v.moveContact("remove") })
	s.act("/contacts/{id}/block", func(v *visit) error { return v.blockAddress("/v1/blacklist") })
	s.act("/contacts/{id}/unblock", func(v *visit) error { return v.blockAddress("/v1/blacklist/remove") })
}

// contact reads the contact that the path names.
func (v *visit) contact() (*contactJSON, error) {
	id, err := v.id("id")
	if err != nil {
		return nil, err
	}
	out := &contactJSON{}
	err = v.get("/v1/contacts/"+decimal(id), nil, out)
	return out, err
}

// pickContacts answers a SearchSelect: q is what is typed, segment where to look.
func (v *visit) pickContacts() error {
	ask := v.pick("q")
	ask.Set("limit", "20")
	if segment := v.query("segment"); segment != "" {
		ask.Set("segmentId", segment)
	}
	var found contactsJSON
	if err := v.get("/v1/contacts", ask, &found); err != nil {
		return err
	}
	none := "No contact matches."
	switch {
	case ask.Get("segmentId") != "" && ask.Get("q") == "":
		none = "No contact of this segment was found."
	case ask.Get("segmentId") != "":
		none = "No contact of this segment matches."
	case ask.Get("q") == "":
		none = "There are no contacts yet."
	}
	return v.part(part.Choices(contactOptions(found.Contacts), none))
}

func contactOptions(contacts []contactJSON) []part.Option {
	options := make([]part.Option, len(contacts))
	for i := range contacts {
		c := &contacts[i]
		options[i] = part.Option{Value: decimal(c.ID), Label: c.label(), Note: c.name()}
	}
	return options
}

// contactSelectView is the field in which a contact is chosen: a search, a
// segment to look in, and the eye that shows the chosen one's card.
type contactSelectView struct {
	part.SearchSelectView
	Segments []part.Option
}

// contactSelect makes the field. value is the id that is chosen, "" = none yet.
func (v *visit) contactSelect(name, label, value string) (contactSelectView, error) {
	c := contactSelectView{SearchSelectView: part.SearchSelectView{
		FieldView: part.FieldView{Name: name, Label: label, Value: value, Hint: "Search by email, phone, name or id."},
		Source:    "/contacts/pick",
	}}
	c.Attrs = map[string]any{"hx-include": "[name='segment']"}
	var first contactsJSON
	if err := v.get("/v1/contacts", url.Values{"limit": {"20"}}, &first); err != nil {
		return c, err
	}
	if value != "" {
		var chosen contactJSON
		err := v.get("/v1/contacts/"+url.PathEscape(value), nil, &chosen)
		if _, refused := wrong(err); err != nil && !refused && !isNotFound(err) {
			return c, err
		}
		if err == nil {
			c.Text = chosen.label()
			first.Contacts = append([]contactJSON{chosen}, first.Contacts...)
		}
	}
	c.Options = append([]part.Option{{Label: "Choose a contact"}}, contactOptions(first.Contacts)...)
	list, err := v.allSegments()
	if err != nil {
		return c, err
	}
	c.Segments = []part.Option{{Label: "All contacts"}}
	for _, g := range list {
		c.Segments = append(c.Segments, part.Option{Value: decimal(g.ID), Label: g.Name})
	}
	return c, nil
}

// chosenCard shows the card of the contact that a form has chosen: the
// parameter that of names has its id.
func (v *visit) chosenCard() error {
	id := v.query(v.query("of"))
	if id == "" {
		return v.toast(part.Flash{Meaning: part.Waiting, Text: "Choose a contact first: then its card can be shown."})
	}
	v.r.SetPathValue("id", id)
	return v.contactCard()
}

// contactCardView is what a card has.
type contactCardView struct {
	contact  *contactJSON
	fields   []shownField
	segments []segmentJSON
	clock    part.Clock
}

// contactCard shows a contact at the side of the page, or, without htmx, its page.
func (v *visit) contactCard() error {
	c, err := v.contact()
	if err != nil {
		return err
	}
	if !v.wantsPart() {
		return v.redirect(c.path())
	}
	card := contactCardView{contact: c, clock: v.clock}
	if card.fields, err = v.shownFields(c); err != nil {
		return err
	}
	if card.segments, err = v.segmentsOf(c.ID); err != nil {
		return err
	}
	return v.part(contactDrawer(card))
}

// shownField is an additional field of a contact with its value, for reading.
type shownField struct {
	Key, Label, Value string
}

// shownFields gives the additional fields that have a value, in the order of the account's.
func (v *visit) shownFields(c *contactJSON) ([]shownField, error) {
	list, err := v.fields()
	if err != nil {
		return nil, err
	}
	var out []shownField
	for _, f := range list.Fields {
		if raw, ok := c.Fields[f.Key]; ok {
			out = append(out, shownField{f.Key, cmp.Or(f.Name, f.Key), strings.Join(texts(raw), ", ")})
		}
	}
	return out, nil
}

// texts gives a field's value as the texts that a form has: one, or those of a list.
func texts(raw json.RawMessage) []string {
	var list []string
	var one string
	switch {
	case json.Unmarshal(raw, &list) == nil:
		return list
	case json.Unmarshal(raw, &one) == nil:
		return []string{one}
	}
	return []string{string(raw)} // a number, true or false
}

// standard gives the standard fields that have a value, without the addresses.
func (c *contactJSON) standard() []shownField {
	var out []shownField
	for _, f := range []shownField{
		{"FIRSTNAME", "First name", c.FirstName},
		{"LASTNAME", "Last name", c.LastName},
		{"REGION", "Region", c.Address.Region},
		{"TOWN", "Town", c.Address.Town},
		{"ADDRESS", "Address", c.Address.Address},
		{"POSTCODE", "Postcode", c.Address.Postcode},
		{"LANGUAGE", "Language", c.LanguageCode},
		{"TIMEZONE", "Time zone", c.TimeZone},
	} {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

// channelName is a kind of address in words.
func channelName(kind string) string {
	switch kind {
	case "email":
		return "Email"
	case "sms":
		return "Phone"
	case "mobilepush":
		return "Mobile push"
	case "webpush":
		return "Web push"
	case "telegrambot":
		return "Telegram bot"
	}
	return kind
}
