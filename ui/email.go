package ui

import (
	"tidings/ui/part"
)

func (s *Server) registerEmail() {
	s.look("/settings/email", (*visit).emailPage)
	s.act("/settings/email", (*visit).saveEmail)
}

// mailSettings are what the account's mails have in common.
type mailSettings struct {
	CountMachineOpens bool           `json:"countMachineOpens"`
	From              mailbox        `json:"from"`
	Categories        []mailCategory `json:"categories"`
	Version           int64          `json:"version"`
	Server            *mailServer    `json:"server"`
}

// mailbox is a name and an address of a mail.
type mailbox struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// words writes a mailbox as mail programs do.
func (m mailbox) words() string {
	switch {
	case m.Name == "":
		return m.Address
	case m.Address == "":
		return m.Name
	}
	return m.Name + " <" + m.Address + ">"
}

type mailCategory struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

// mailServer is how the SMTP server stands that takes the mails.
type mailServer struct {
	Address string `json:"address"`
	Error   string `json:"error"`
}

// emptyCategories is how many rows the form has for further categories.
const emptyCategories = 3

// emailForm is the settings as they are shown and typed.
type emailForm struct {
	mailSettings
	Edits   bool
	Refused *refusal
}

// rows gives the categories, and empty rows for more of them.
func (f emailForm) rows() []mailCategory {
	rows := append([]mailCategory{}, f.Categories...)
	if f.Edits {
		rows = append(rows, make([]mailCategory, emptyCategories)...)
	}
	return rows
}

func (f emailForm) fault(field string) string {
	if f.Refused == nil {
		return ""
	}
	return f.Refused.Errors.of(field)
}

// asked is the settings for the API.
func (f emailForm) asked() map[string]any {
	return map[string]any{"countMachineOpens": f.CountMachineOpens, "from": f.From, "categories": f.Categories, "version": f.Version}
}

func (v *visit) emailView() view {
	return view{Title: "Email", Purpose: "Who your mails come from, and what contacts can subscribe to."}
}

func (v *visit) emailPage() error {
	f := emailForm{Edits: v.edits()}
	if err := v.get("/v1/settings/mail", nil, &f.mailSettings); err != nil {
		return err
	}
	return v.page(v.emailView(), emailPage(f))
}

func (v *visit) saveEmail() error {
	typed, err := v.form()
	if err != nil {
		return err
	}
	f := emailForm{Edits: true}
	f.CountMachineOpens = typed.flag("countMachineOpens")
	f.From = mailbox{typed.text("from.name"), typed.text("from.address")}
	f.Categories = []mailCategory{}
	for _, row := range typed.rows("categories.key", "categories.name") {
		f.Categories = append(f.Categories, mailCategory{row[0], row[1]})
	}
	if version := typed.number("version"); version != nil {
		f.Version = *version
	}
	err = v.patch("/v1/settings/mail", f.asked(), nil)
	if refused, ok := wrong(err); ok {
		f.Refused = refused
		v.wrongForm()
		return v.page(v.emailView(), emailPage(f))
	}
	if err != nil {
		return err
	}
	return v.done("/settings/email", "Saved. It counts for mails from now on.")
}

// state says how the SMTP server stands, in a word.
func (m *mailServer) state() (part.Meaning, string) {
	switch {
	case m == nil:
		return part.Quiet, "unknown"
	case m.Address == "":
		return part.Waiting, "not connected"
	case m.Error != "":
		return part.Bad, "can't be reached"
	}
	return part.Good, "connected"
}
