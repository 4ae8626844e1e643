package workflow

import (
	"context"
	"errors"
	"fmt"

	"tidings"
	"tidings/message"
	"tidings/scope"
)

// composer is a message made ready to be rendered.
type composer struct {
	name     string
	compiled *message.Compiled
	wrong    error // why it can't be sent; nil = it can
}

func (e *Engine) readComposer(ctx context.Context, of thing) (*composer, error) {
	m, err := e.store.Message(ctx, of.account, tidings.MessageID(of.id))
	if tidings.CodeOf(err) == tidings.CodeNotFound {
		return &composer{wrong: fmt.Errorf("there is no message %d", of.id)}, nil
	}
	if err != nil {
		return nil, err
	}
	c := &composer{name: m.Name}
	if !m.DeletedAt.IsZero() {
		c.wrong = fmt.Errorf("message %d %q was deleted: restore it, or choose another", m.ID, m.Name)
		return c, nil
	}
	settings, err := e.store.MailSettings(ctx, of.account)
	if err != nil {
		return nil, err
	}
	c.compiled, c.wrong = message.Compile(&m, settings)
	return c, nil
}

// compose makes the mail of a message for the contact of a scope.
func (c *composer) compose(ctx context.Context, s scope.Scope) (tidings.Mail, error) {
	if c.wrong != nil {
		return tidings.Mail{}, c.wrong
	}
	return c.compiled.Render(ctx, s)
}

// unsubscribed says whether an error of compose says that the contact does not
// want the message: nothing is wrong then.
func unsubscribed(err error) bool {
	refusal, ok := errors.AsType[*message.Refusal](err)
	return ok && refusal.Reason == message.RefusedUnsubscribed
}
