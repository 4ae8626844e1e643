package ui

import (
	"net/http"
	"net/url"
	"time"

	"tidings/ui/part"
)

func (s *Server) registerMessages() {
	s.look("/messages", (*visit).messagesPage)
	s.look("/messages/pick", (*visit).pickMessage)
	s.edit("/messages/new", (*visit).newMessagePage)
	s.act("/messages", (*visit).createMessage)
	s.look("/messages/{id}", (*visit).messagePage)
	s.act("/messages/{id}", (*visit).saveMessage)
	s.act("/messages/{id}/variant", (*visit).removeVariant)
	s.act("/messages/{id}/test", (*visit).sendTestMail)
	s.edit("/messages/delete/{id}", (*visit).deleteMessagePage)
	s.act("/messages/{id}/delete", (*visit).deleteMessage)
	s.act("/messages/{id}/restore", (*visit).restoreMessage)
	s.ask("/messages/preview", (*visit).previewMessage)
	s.ask("/messages/{id}/preview", (*visit).previewMessage)
	s.ask("/messages/preview.html", (*visit).echoHTML)
	s.look("/messages/preview/{id}", (*visit).previewHTML)
	s.look("/messages/complete", (*visit).completeMessage)
	s.look("/messages/variables", (*visit).messagePicker)
}

// message is a template of a mail.
type message struct {
	ID         int64              `json:"id"`
	Name       string             `json:"name"`
	Tag        string             `json:"tag"`
	From       mailbox            `json:"from"`
	ReplyTo    string             `json:"replyTo"`
	Categories []string           `json:"categories"`
	Subject    string             `json:"subject"`
	HTML       string             `json:"html"`
	Text       string             `json:"text"`
	Variants   map[string]content `json:"variants"`
	Languages  []string           `json:"languages"`
	Version    int64              `json:"version"`
	UpdatedAt  time.Time          `json:"updatedAt"`
	DeletedAt  *time.Time         `json:"deletedAt"`
	UsedIn     []use              `json:"usedIn"`
	Warnings   faults             `json:"warnings"`
}

// content is what a message says in one language.
type content struct {
	Subject string `json:"subject"`
	HTML    string `json:"html"`
	Text    string `json:"text"`
}

// use is who uses a thing.
type use struct {
	Kind string `json:"kind"`
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// path is the page of the user.
func (u use) path() string {
	switch u.Kind {
	case "broadcast":
		return "/messages/broadcasts/" + decimal(u.ID)
	case "message":
		return "/messages/" + decimal(u.ID)
	}
	return "/automation/" + u.Kind + "s/" + decimal(u.ID)
}

// messageList is what the list of messages shows.
type messageList struct {
	Messages []message
	Deleted  bool
	Search   string
	Clock    part.Clock
	Edits    bool
	Pager    part.PagerView
	Tabs     []part.Tab
}

// empty says whether there is nothing because there is nothing yet.
func (l *messageList) empty() bool {
	return len(l.Messages) == 0 && !l.Deleted && l.Search == "" && l.Pager.Previous == ""
}

func (v *visit) messagesPage() error {
	l := messageList{Clock: v.clock, Edits: v.edits(), Deleted: v.query("deleted") == "true", Search: v.query("q")}
	query := v.pick("q", "deleted", "after")
	query.Set("usedIn", "true")
	query.Set("limit", "50")
	var page struct {
		Messages []message `json:"messages"`
		Next     *int64    `json:"next"`
	}
	if err := v.get("/v1/messages", query, &page); err != nil {
		return err
	}
	l.Messages = page.Messages
	l.Pager = v.furtherPages(page.Next, len(page.Messages))
	l.Tabs = []part.Tab{{Label: "Messages", Href: "/messages", On: !l.Deleted}, {Label: "Deleted", Href: "/messages?deleted=true", On: l.Deleted}}
	p := view{Title: "Messages", Purpose: "What workflows and broadcasts send, with the contact's data in it."}
	if l.Edits && !l.empty() {
		p.Actions = part.LinkButton("Create email", "/messages/new", part.Primary)
	}
	return v.page(p, messagesPage(&l))
}

// furtherPages walks a list by ids upwards.
func (v *visit) furtherPages(next *int64, shown int) part.PagerView {
	p := part.PagerView{}
	if next != nil {
		p.Next = v.with("after", decimal(*next))
	}
	if v.query("after") != "" {
		p.Previous = v.with()
	}
	if p.Next != "" || p.Previous != "" {
		p.Summary = count(shown) + " shown"
	}
	return p
}

// pickMessage answers a search select.
func (v *visit) pickMessage() error {
	query := url.Values{"limit": {"20"}}
	if q := v.query("q"); q != "" {
		query.Set("q", q)
	}
	var page struct {
		Messages []message `json:"messages"`
	}
	if err := v.get("/v1/messages", query, &page); err != nil {
		return err
	}
	var options []part.Option
	for _, m := range page.Messages {
		options = append(options, part.Option{Value: decimal(m.ID), Label: m.Name, Note: m.Subject})
	}
	return v.part(part.Choices(options, "No message is called so."))
}

func messageView(title string) view {
	return view{Title: title, Crumbs: []part.Link{{Label: "Messages", Href: "/messages"}}, Active: "/messages", Wide: true}
}

// messageOf reads the message of the address.
func (v *visit) messageOf() (m message, err error) {
	id, err := v.id("id")
	if err != nil {
		return m, err
	}
	return m, v.get("/v1/messages/"+decimal(id), nil, &m)
}

func (v *visit) deleteMessagePage() error {
	m, err := v.messageOf()
	if err != nil {
		return err
	}
	return v.page(messageView("Delete "+m.Name+"?"), deleteMessagePage(&m, ""))
}

func (v *visit) deleteMessage() error {
	m, err := v.messageOf()
	if err != nil {
		return err
	}
	err = v.remove("/v1/messages/" + decimal(m.ID))
	if refused, ok := wrong(err); ok {
		v.status = http.StatusConflict
		return v.page(messageView("Delete "+m.Name+"?"), deleteMessagePage(&m, refused.words()))
	}
	if err != nil {
		return err
	}
	return v.done("/messages", "Deleted: "+m.Name+". It is among the deleted ones and can be restored.")
}

func (v *visit) restoreMessage() error {
	m, err := v.messageOf()
	if err != nil {
		return err
	}
	if err := v.post("/v1/messages/"+decimal(m.ID)+"/restore", nil, nil); err != nil {
		return err
	}
	return v.done("/messages/"+decimal(m.ID), "Restored: "+m.Name+".")
}
