package ui

import (
	"bytes"
	"cmp"
	"maps"
	"net/url"
	"time"

	"tidings/ui/part"
)

func (s *Server) registerOutbox() {
	s.look("/messages/outbox", (*visit).outboxPage)
	s.look("/messages/outbox/{id}", (*visit).mailPage)
	s.look("/messages/outbox/{id}/mail.html", (*visit).mailHTML)
	s.look("/messages/outbox/{id}/mail.eml", (*visit).rawMail)
}

// mail is one message to one contact.
type mail struct {
	ID          int64      `json:"id"`
	IID         string     `json:"iid"`
	State       string     `json:"state"`
	To          string     `json:"to"`
	From        mailbox    `json:"from"`
	ReplyTo     string     `json:"replyTo"`
	Subject     string     `json:"subject"`
	Test        bool       `json:"test"`
	Language    string     `json:"messageLanguageCode"`
	MessageID   *int64     `json:"messageId"`
	MessageName string     `json:"messageName"`
	ContactID   *int64     `json:"contactId"`
	BroadcastID *int64     `json:"broadcastId"`
	WorkflowID  *int64     `json:"workflowId"`
	Block       string     `json:"workflowBlockId"`
	InstanceID  string     `json:"workflowInstanceId"`
	EventID     *int64     `json:"eventId"`
	DueAt       *time.Time `json:"dueAt"`
	Tries       int64      `json:"tries"`
	LastError   string     `json:"lastError"`
	CreatedAt   time.Time  `json:"createdAt"`
	SentAt      *time.Time `json:"sentAt"`
	OpenedAt    *time.Time `json:"openedAt"`
	HTML        string     `json:"html"`
	Text        string     `json:"text"`
	ViewLink    string     `json:"viewMessageLink"`
}

// status says how a mail stands, in a word.
func (m *mail) status() (part.Meaning, string) {
	switch m.State {
	case "queued":
		if m.Tries > 0 {
			return part.Waiting, "to be tried again"
		}
		return part.Waiting, "queued"
	case "sent":
		return part.Good, "sent"
	case "failed":
		return part.Bad, "failed"
	}
	return part.Quiet, m.State
}

// called is what the mail's message was called.
func (m *mail) called() string {
	if m.Test {
		return "a test"
	}
	return cmp.Or(m.MessageName, "not of a saved message")
}

// outbox is what the list of mails shows.
type outbox struct {
	Mails  []mail
	Clock  part.Clock
	Pager  part.PagerView
	States []part.Chip
	Active []part.Chip
	Query  map[string]string // the filters that are on
	Names  map[string]string // what those are called that are chosen by id
}

// filtered says whether only some mails are asked for.
func (o *outbox) filtered() bool { return len(o.Query) > 0 }

func (v *visit) outboxPage() error {
	names := []string{"state", "contactId", "messageId", "broadcastId", "workflowId", "from", "to"}
	query := v.pick(append(names, "before")...)
	var page struct {
		Mails []mail `json:"mails"`
		Next  *int64 `json:"next"`
	}
	if err := v.get("/v1/outbox", v.days(query), &page); err != nil {
		return err
	}
	o := outbox{Mails: page.Mails, Clock: v.clock, Pager: v.olderPages(page.Next, len(page.Mails)), Query: map[string]string{}, Names: map[string]string{}}
	for _, name := range names {
		if value := query.Get(name); value != "" {
			o.Query[name] = value
		}
	}
	o.States = []part.Chip{{Label: "All", Href: v.with("state", ""), On: o.Query["state"] == ""}}
	for _, state := range []string{"queued", "sent", "failed", "dropped"} {
		o.States = append(o.States, part.Chip{Label: state, Href: v.with("state", state), On: o.Query["state"] == state})
	}
	if err := v.nameFilters(&o); err != nil {
		return err
	}
	return v.page(view{Title: "Outbox", Purpose: "Every mail that was made, and what became of it."}, outboxPage(&o))
}

// days gives the query with its days, from and to, as they begin and end in the
// account's zone.
func (v *visit) days(query url.Values) url.Values {
	asked := maps.Clone(query)
	if to, err := time.Parse(time.DateOnly, query.Get("to")); err == nil {
		asked.Set("to", to.AddDate(0, 0, 1).Format(time.DateOnly))
		v.instant(asked, "to")
	}
	v.instant(asked, "from")
	return asked
}

// nameFilters says which filters are on, by what the things are called.
func (v *visit) nameFilters(o *outbox) error {
	for _, c := range []struct{ name, label, path string }{
		{"contactId", "contact", "/v1/contacts/"},
		{"messageId", "message", "/v1/messages/"},
		{"broadcastId", "broadcast", "/v1/broadcasts/"},
		{"workflowId", "workflow", "/v1/workflows/"},
		{"from", "from", ""},
		{"to", "until", ""},
	} {
		value := o.Query[c.name]
		if value == "" {
			continue
		}
		word := value
		if c.path != "" {
			var thing struct {
				person
				Name string `json:"name"`
			}
			err := v.get(c.path+url.PathEscape(value), nil, &thing)
			if err != nil && !isNotFound(err) {
				return err
			}
			if c.name == "contactId" && err == nil {
				thing.Name = thing.address()
			}
			word = cmp.Or(thing.Name, value)
		}
		o.Names[c.name] = word
		o.Active = append(o.Active, part.Chip{Label: c.label + ": " + word, Href: v.with(c.name, ""), On: true})
	}
	return nil
}

// shownMail is what a mail's page shows.
type shownMail struct {
	mail
	Headers string // as they go to the SMTP server
	Images  bool   // those of other servers are shown, too
	Clock   part.Clock
}

// frame is the address of the mail's html on a page of its own.
func (m *shownMail) frame() string {
	at := "/messages/outbox/" + decimal(m.ID) + "/mail.html"
	if m.Images {
		at += "?images=1"
	}
	return at
}

func (v *visit) mail() (m mail, err error) {
	id, err := v.id("id")
	if err != nil {
		return m, err
	}
	return m, v.get("/v1/outbox/"+decimal(id), nil, &m)
}

func (v *visit) mailPage() error {
	m, err := v.mail()
	if err != nil {
		return err
	}
	shown := shownMail{mail: m, Images: v.query("images") != "", Clock: v.clock}
	raw, err := v.api().read("/v1/outbox/"+decimal(m.ID)+"/raw", nil)
	if err != nil {
		return err
	}
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	shown.Headers = string(bytes.ReplaceAll(head, []byte("\r\n"), []byte("\n")))
	p := view{
		Title: cmp.Or(m.Subject, "Mail "+decimal(m.ID)), Crumbs: []part.Link{{Label: "Outbox", Href: "/messages/outbox"}}, Active: "/messages/outbox",
		Actions: mailActs(&shown),
	}
	return v.page(p, mailPage(&shown))
}

func (v *visit) mailHTML() error {
	m, err := v.mail()
	if err != nil {
		return err
	}
	return v.foreignHTML(m.HTML, v.query("images") != "")
}

func (v *visit) rawMail() error {
	m, err := v.mail()
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Disposition", `attachment; filename="mail-`+decimal(m.ID)+`.eml"`)
	return v.pass("/v1/outbox/"+decimal(m.ID)+"/raw", nil)
}

// foreignPolicy is for html that others wrote: it gets an origin of its own,
// runs no scripts, sends no forms, and loads nothing from anywhere. Its own
// styles are part of how it looks.
const foreignPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"

// foreignImages is the same with pictures of other servers, which then learn
// that somebody looks.
const foreignImages = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:; font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"

// foreignHTML answers with html that is not ours, for a frame of our pages.
func (v *visit) foreignHTML(html string, images bool) error {
	head := v.w.Header()
	head.Set("Content-Security-Policy", foreignPolicy)
	if images {
		head.Set("Content-Security-Policy", foreignImages)
	}
	head.Set("X-Frame-Options", "SAMEORIGIN")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = v.w.Write([]byte(html)) // a browser that does not take it has gone
	return nil
}
