package workflow

import (
	"context"

	"tidings"
)

// messageDecided is what the history shows of a message besides its mail.
type messageDecided struct {
	Message tidings.MessageID `json:"messageId"`
	Name    string            `json:"name,omitempty"`
	Contact tidings.ContactID `json:"contactId,omitempty"`
	Whose   string            `json:"whose,omitempty"` // how that contact was found
	To      string            `json:"to,omitempty"`
	Subject string            `json:"subject,omitempty"`
	NotSent string            `json:"notSent,omitempty"` // why this contact gets no mail
}

// message renders a message and queues its mail.
func (j *journey) message(ctx context.Context, b *block) (outcome, error) {
	out := outcome{exit: tidings.ExitNext}
	decided := messageDecided{Message: b.Message.Message}
	c, err := j.e.messages.get(ctx, thing{account: j.run.Account, id: int64(b.Message.Message)})
	if err != nil {
		return out, err
	}
	decided.Name = c.name
	who, err := j.person(ctx, b, true)
	if err != nil {
		return out, err
	}
	decided.Whose = who.how
	if contact := who.sight.scope.Contact; contact != nil {
		decided.Contact = contact.ID
	} else if who.why != "" {
		out.failed("not sent: %s", who.why)
		out.decided = decided
		return out, nil
	}
	mail, err := c.compose(ctx, who.sight.scope)
	switch {
	case ctx.Err() != nil:
		return out, context.Cause(ctx)
	case unsubscribed(err):
		decided.NotSent = err.Error()
	case err != nil:
		out.failed("not sent: %s", err)
	default:
		mail.Account, mail.Workflow, mail.Block, mail.Instance = j.run.Account, j.run.Workflow, b.ID, j.run.Instance
		mail.State, mail.Due, mail.Test = tidings.MailQueued, j.e.now(), j.dry != nil
		decided.To, decided.Subject = mail.To, tidings.CutText(mail.Subject, maxSawBytes)
		out.mail = &mail
	}
	out.decided = decided
	return out, nil
}
