package message

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

// RefusalReason says why a contact gets no mail.
type RefusalReason string

// The reasons.
const (
	RefusedNoContact    RefusalReason = "no_contact"   // there is nobody to write to
	RefusedNoAddress    RefusalReason = "no_address"   // the contact has no email
	RefusedUnsubscribed RefusalReason = "unsubscribed" // it takes none of the message's categories
)

// Refusal is why a message makes no mail for a contact. It is nobody's mistake.
type Refusal struct {
	Reason  RefusalReason
	Message string
}

func (r *Refusal) Error() string { return r.Message }

// The links that templates have as variables. Tokens carry the mail's id, which
// is not known when it is rendered, so that templates write marks; the tokens
// take their places when the mail is sent or shown. The names are of a domain
// that does not exist (RFC 2606).
const (
	VarUnsubscribe = "unsubscribeLink"
	VarView        = "viewLink"
	VarPreferences = "preferencesLink"

	markUnsubscribe = "https://links.tidings.invalid/unsubscribe"
	markView        = "https://links.tidings.invalid/view"
	markPreferences = "https://links.tidings.invalid/preferences"
	markPrefix      = "https://links.tidings.invalid/"
)

// variables are what the templates of messages see: a scope, and the links.
type variables struct{ scope scope.Scope }

func (v *variables) Lookup(name string) (vtl.Value, bool) {
	switch name {
	case VarUnsubscribe:
		return vtl.String(markUnsubscribe), true
	case VarView:
		return vtl.String(markView), true
	case VarPreferences:
		return vtl.String(markPreferences), true
	}
	return v.scope.Lookup(name)
}

// Render makes a mail of the message for the contact of a scope. What is the
// caller's stays empty: Workflow, Block, Broadcast, Test, Due; the store gives the IID. A plain reference
// without a value is an error, as in webhooks; $!x is empty, and so is a merge
// tag. The error is a *Problem, or a *Refusal when this contact gets no mail.
// A contact whose address is black-listed gets one all the same: it is the
// sender that says so, because that counts at the time of delivery.
func (c *Compiled) Render(ctx context.Context, s scope.Scope) (tidings.Mail, error) {
	if s.Contact == nil {
		return tidings.Mail{}, &Refusal{RefusedNoContact, "there is no contact to send the message to"}
	}
	if s.Contact.Channel(tidings.Email) == "" {
		return tidings.Mail{}, &Refusal{RefusedNoAddress, "the contact has no email address"}
	}
	if !subscribed(s.Contact, c.message.Categories) {
		return tidings.Mail{}, &Refusal{RefusedUnsubscribed, "the contact is subscribed to none of the message's categories"}
	}
	mail, problems := c.render(ctx, s, nil)
	if len(problems) > 0 {
		return tidings.Mail{}, problems[0]
	}
	return mail, nil
}

// RenderTest makes a mail for somebody who looks at the message before it is
// sent ("send yourself an email"): to any address, whatever the contact takes,
// who may be absent. It has no name, so that activities tell it from others. The error is a *Problem.
func (c *Compiled) RenderTest(ctx context.Context, s scope.Scope, to string) (tidings.Mail, error) {
	mail, problems := c.render(ctx, s, nil)
	if len(problems) > 0 {
		return tidings.Mail{}, problems[0]
	}
	mail.To, mail.Test, mail.Name = to, true, ""
	return mail, nil
}

// subscribed says whether a message of these categories goes to a contact.
func subscribed(contact *tidings.Contact, categories []string) bool {
	for _, category := range categories {
		if contact.Subscribed(category) {
			return true
		}
	}
	return len(categories) == 0
}

// render renders all parts and collects what went wrong.
func (c *Compiled) render(ctx context.Context, s scope.Scope, note func(part string, in *vtl.Insertion)) (tidings.Mail, []*Problem) {
	r := c.renderer(ctx, s, note)
	language := ""
	if s.Contact != nil {
		language = s.Contact.Language
	}
	content := c.content(language)
	mail := tidings.Mail{
		Account: c.message.Account, Message: c.message.ID, Name: c.message.Name, Tag: c.message.Tag,
		Language: content.language, Instance: s.Instance, ReplyTo: c.message.ReplyTo, Categories: c.message.Categories,
		State: tidings.MailQueued,
	}
	if s.Contact != nil {
		mail.Contact, mail.External, mail.To = s.Contact.ID, s.Contact.ExternalCustomerID, s.Contact.Channel(tidings.Email)
	}
	if s.Event != nil {
		mail.Event, mail.EventKey, mail.EventType = s.Event.ID, s.Event.KeyValue, s.Event.TypeKey
	}
	mail.From = tidings.Mailbox{Name: oneHeader(r.part(c.from, nil, maxHeader)), Address: c.address}
	mail.Subject = oneHeader(r.part(content.subject, nil, maxHeader))
	mail.HTML = r.part(content.html, insertHTML, tidings.MaxMailBytes)
	mail.Text = r.part(content.text, nil, tidings.MaxMailBytes)
	if c.address == "" {
		r.problems = append(r.problems, &Problem{Part: "from.address", Message: "the message has no sender, and the account's mail settings have none either"})
	}
	return mail, r.problems
}

// maxHeader is how large a subject or a sender's name may be once it is rendered.
const maxHeader = 2 << 10

// renderer makes the parts of one mail.
type renderer struct {
	vars     variables
	options  vtl.RenderOptions
	note     func(part string, in *vtl.Insertion) // nil = none
	problems []*Problem
}

func (c *Compiled) renderer(ctx context.Context, s scope.Scope, note func(string, *vtl.Insertion)) *renderer {
	r := &renderer{vars: variables{s}, note: note}
	r.options = vtl.RenderOptions{Context: ctx, Tools: c.tools, Strict: true, Now: s.Now}
	if s.Contact != nil {
		r.options.Locale = strings.ReplaceAll(s.Contact.Language, "-", "_")
		if c.zoned && s.Contact.TimeZone != "" {
			// A zone that this machine does not know leaves UTC.
			r.options.Zone, _ = time.LoadLocation(s.Contact.TimeZone)
		}
	}
	return r
}

// part renders one template.
func (r *renderer) part(t template, insert vtl.InsertFunc, maxBytes int) string {
	if t.tmpl == nil {
		return t.source
	}
	options := r.options
	options.Limits = vtl.DefaultLimits()
	options.Limits.Output = 2 * maxBytes // what goes into variables counts, too
	if maxBytes <= maxHeader {
		options.Limits = vtl.WebhookLimits()
	}
	options.Insert = insert
	if r.note != nil {
		options.Insert = func(in *vtl.Insertion) (string, error) {
			r.note(t.part, in)
			if insert != nil {
				return insert(in)
			}
			return in.Text, nil
		}
	}
	out, err := t.tmpl.Render(nil, &r.vars, &options)
	if err != nil {
		r.problems = append(r.problems, explain(t.part, err))
		return ""
	}
	if len(out) > maxBytes {
		r.problems = append(r.problems, &Problem{Part: t.part, Message: fmt.Sprintf("is larger than %d bytes once it is rendered", maxBytes)})
		return ""
	}
	return string(out)
}

// explain adds to the engine's error what people here can do about it.
func explain(part string, err error) *Problem {
	p := templateProblem(part, err)
	if e, ok := errors.AsType[*vtl.Error](err); ok && e.Kind == vtl.KindStrict {
		p.Message += "; write $!… to leave it empty, or ${name|'default'}"
	}
	return p
}
