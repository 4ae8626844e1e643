package message

import (
	"context"
	"strings"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

// Preview is a message as a contact will see it.
type Preview struct {
	From     tidings.Mailbox
	To       string // "" = there is no contact, or it has no address
	Language string // of the variant that was taken
	Subject  string
	HTML     string // the links to the web version and so on lead nowhere
	Text     string // made of HTML where the message has none
	// Problems are why the mail would not be sent; what they concern is empty above.
	Problems []*Problem
	// Warnings are about values that are empty, each place once.
	Warnings []*Problem
}

// Preview renders a message for people to look at. Contact and event may be absent.
func (c *Compiled) Preview(ctx context.Context, s scope.Scope) Preview {
	var p Preview
	seen := map[string]bool{}
	note := func(part string, in *vtl.Insertion) {
		if in.Text != "" && !in.Value.IsNull() || seen[part+"\x00"+in.Source] {
			return
		}
		seen[part+"\x00"+in.Source] = true
		reason := " is empty"
		if in.Value.IsNull() {
			reason = " has no value and is left empty"
		}
		p.Warnings = append(p.Warnings, &Problem{Part: part, Message: in.Source + reason})
	}
	mail, problems := c.render(ctx, s, note)
	if mail.Text == "" && mail.HTML != "" {
		mail.Text = TextOf(mail.HTML)
	}
	nowhere := strings.NewReplacer(markUnsubscribe, "#unsubscribe", markView, "#view", markPreferences, "#preferences")
	p.From, p.To, p.Language, p.Subject, p.Problems = mail.From, mail.To, mail.Language, mail.Subject, problems
	p.HTML, p.Text = nowhere.Replace(mail.HTML), nowhere.Replace(mail.Text)
	return p
}
