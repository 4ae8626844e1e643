package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tidings"
	"tidings/message"
	"tidings/scope"
	"tidings/vtl"
	"tidings/workflow"
)

// known is what an account has, for those that are checked by it.
type known struct {
	*workflow.Known
	categories []tidings.Category
}

func (s *Server) known(ctx context.Context, account tidings.AccountID) (*known, error) {
	k, err := workflow.LoadKnown(ctx, s.store, account)
	if err != nil {
		return nil, err
	}
	settings, err := s.store.MailSettings(ctx, account)
	return &known{k, settings.Categories}, err
}

func (k *known) problems(def *tidings.Definition) []workflow.Problem {
	return workflow.Check(def, k.Known)
}

// checkMessage says what is wrong with a message, by the names that the API has for its fields.
func (k *known) checkMessage(m *tidings.Message) (faults, warnings []tidings.FieldError) {
	var of message.Known
	for key := range k.Fields {
		of.Fields = append(of.Fields, key)
	}
	for _, w := range k.Webhooks {
		of.Webhooks = append(of.Webhooks, w.Name)
	}
	for _, c := range k.categories {
		of.Categories = append(of.Categories, c.Key)
	}
	slices.Sort(of.Fields)
	slices.Sort(of.Webhooks) // so that the same warnings come in the same words
	faults, warnings = message.Check(m, of)
	for _, list := range [][]tidings.FieldError{faults, warnings} {
		for i := range list {
			list[i].Field = messageField(list[i].Field)
		}
	}
	return faults, warnings
}

// messageField is the API's name of a part: its content is not within anything there.
func messageField(part string) string { return strings.TrimPrefix(part, "content.") }

// messageSources lists the templates of a message.
func messageSources(m *tidings.Message) []string {
	sources := []string{m.From.Name, m.Content.Subject, m.Content.HTML, m.Content.Text}
	for _, c := range m.Variants {
		sources = append(sources, c.Subject, c.HTML, c.Text)
	}
	return sources
}

// mentions says whether a template refers to something of which a choice is
// true; one that can't be read refers to nothing.
func mentions(source string, what func(vtl.RefUse) bool) bool {
	if !strings.ContainsAny(source, "$#%") {
		return false
	}
	parsed, err := vtl.Parse("", source, vtl.Options{MergeTags: true})
	if err != nil {
		return false
	}
	return slices.ContainsFunc(parsed.References(), func(u vtl.RefUse) bool { return !u.Local && !u.Target && what(u) })
}

// ofReply chooses the references to the reply of a webhook.
func ofReply(name string) func(vtl.RefUse) bool {
	return func(u vtl.RefUse) bool { return u.Name == scope.VarData && len(u.Path) > 1 && u.Path[1] == name }
}

// ofField chooses the references to a contact's field: $contact.X, $X, %X%.
func ofField(key tidings.FieldKey) func(vtl.RefUse) bool {
	return func(u vtl.RefUse) bool {
		path := u.Path
		if u.Name == scope.VarContact {
			path = path[1:]
		}
		whole := strings.Join(path, ".")
		return len(whole) >= len(key) && strings.EqualFold(whole[:len(key)], string(key)) && (len(whole) == len(key) || whole[len(key)] == '.')
	}
}

// usersOf finds the live workflows of which a choice is true, drafts and what is active.
func (s *Server) usersOf(ctx context.Context, account tidings.AccountID, uses func(*tidings.Definition) bool) ([]tidings.Use, error) {
	var users []tidings.Use
	err := s.eachWorkflow(ctx, account, func(w *tidings.Workflow) error {
		used := uses(&w.Draft)
		if !used && w.Active != 0 {
			active, err := s.store.WorkflowVersion(ctx, account, w.ID, w.Active)
			if err != nil {
				return err
			}
			used = uses(&active)
		}
		if used {
			users = append(users, tidings.Use{Kind: tidings.UseWorkflow, ID: int64(w.ID), Name: w.Name})
		}
		return nil
	})
	return users, err
}

// callersOf finds the workflows that call webhooks.
func (s *Server) callersOf(ctx context.Context, account tidings.AccountID, webhooks []tidings.Use) ([]tidings.Use, error) {
	if len(webhooks) == 0 {
		return nil, nil
	}
	return s.usersOf(ctx, account, func(d *tidings.Definition) bool {
		return slices.ContainsFunc(workflow.UsesOf(d).Webhooks, func(id tidings.WebhookID) bool {
			return slices.ContainsFunc(webhooks, func(u tidings.Use) bool { return u.ID == int64(id) })
		})
	})
}

// usersOfWebhooks finds who calls each webhook of an account, or uses the reply
// of its name, by one walk over workflows, messages and webhooks.
func (s *Server) usersOfWebhooks(ctx context.Context, account tidings.AccountID, webhooks []tidings.Webhook) (map[tidings.WebhookID][]tidings.Use, error) {
	users := map[tidings.WebhookID][]tidings.Use{}
	ids := make(map[string]tidings.WebhookID, len(webhooks))
	for i := range webhooks {
		ids[webhooks[i].Name] = webhooks[i].ID
	}
	note := func(id tidings.WebhookID, u tidings.Use) {
		if id != 0 && !slices.Contains(users[id], u) {
			users[id] = append(users[id], u)
		}
	}
	ofTemplates := func(u tidings.Use, sources ...string) {
		for _, source := range sources {
			for _, name := range repliesIn(source) {
				note(ids[name], u)
			}
		}
	}
	err := s.eachWebhook(ctx, account, func(w *tidings.Webhook) {
		user := tidings.Use{Kind: tidings.UseWebhook, ID: int64(w.ID), Name: w.Name}
		ofTemplates(user, w.URL, w.Body.Template)
		for _, h := range w.Headers {
			ofTemplates(user, h.Value)
		}
	})
	if err != nil {
		return nil, err
	}
	err = s.eachMessage(ctx, account, func(m *tidings.Message) {
		ofTemplates(tidings.Use{Kind: tidings.UseMessage, ID: int64(m.ID), Name: m.Name}, messageSources(m)...)
	})
	if err != nil {
		return nil, err
	}
	return users, s.eachDefinition(ctx, account, func(w *tidings.Workflow, d *tidings.Definition) {
		uses, user := workflow.UsesOf(d), tidings.Use{Kind: tidings.UseWorkflow, ID: int64(w.ID), Name: w.Name}
		for _, id := range uses.Webhooks {
			note(id, user)
		}
		for _, name := range uses.Data {
			note(ids[name], user)
		}
	})
}

// repliesIn lists the names behind $data in a template.
func repliesIn(source string) []string {
	var names []string
	if strings.Contains(source, scope.VarData) {
		mentions(source, func(u vtl.RefUse) bool {
			if u.Name == scope.VarData && len(u.Path) > 1 {
				names = append(names, u.Path[1])
			}
			return false
		})
	}
	return names
}

// eachDefinition goes over what the live workflows of an account do: drafts,
// and what is active.
func (s *Server) eachDefinition(ctx context.Context, account tidings.AccountID, each func(*tidings.Workflow, *tidings.Definition)) error {
	return s.eachWorkflow(ctx, account, func(w *tidings.Workflow) error {
		each(w, &w.Draft)
		if w.Active == 0 {
			return nil
		}
		active, err := s.store.WorkflowVersion(ctx, account, w.ID, w.Active)
		if err == nil {
			each(w, &active)
		}
		return err
	})
}

// messageUsers finds who sends a message.
func (s *Server) messageUsers(ctx context.Context, account tidings.AccountID, id tidings.MessageID) ([]tidings.Use, error) {
	users, err := s.usersOf(ctx, account, func(d *tidings.Definition) bool { return slices.Contains(workflow.UsesOf(d).Messages, id) })
	if err != nil {
		return nil, err
	}
	sending, err := s.broadcastUsers(ctx, account, func(b *tidings.Broadcast) bool { return b.Message == id })
	return append(users, sending...), err
}

// usersOfMessages finds who sends each message of an account, by one walk over
// workflows and broadcasts.
func (s *Server) usersOfMessages(ctx context.Context, account tidings.AccountID) (map[tidings.MessageID][]tidings.Use, error) {
	users := map[tidings.MessageID][]tidings.Use{}
	note := func(id tidings.MessageID, u tidings.Use) {
		if !slices.Contains(users[id], u) {
			users[id] = append(users[id], u)
		}
	}
	err := s.eachDefinition(ctx, account, func(w *tidings.Workflow, d *tidings.Definition) {
		for _, id := range workflow.UsesOf(d).Messages {
			note(id, tidings.Use{Kind: tidings.UseWorkflow, ID: int64(w.ID), Name: w.Name})
		}
	})
	if err != nil {
		return nil, err
	}
	return users, s.eachOpenBroadcast(ctx, account, func(b *tidings.Broadcast) {
		note(b.Message, tidings.Use{Kind: tidings.UseBroadcast, ID: int64(b.ID), Name: b.Name})
	})
}

// segmentUsers finds who sends to a segment, or puts contacts on it.
func (s *Server) segmentUsers(ctx context.Context, account tidings.AccountID, id tidings.SegmentID) ([]tidings.Use, error) {
	users, err := s.usersOf(ctx, account, func(d *tidings.Definition) bool { return slices.Contains(workflow.UsesOf(d).Segments, id) })
	if err != nil {
		return nil, err
	}
	sending, err := s.broadcastUsers(ctx, account, func(b *tidings.Broadcast) bool { return b.Segment == id })
	return append(users, sending...), err
}

// fieldUsers finds the workflows and messages that use an additional field.
func (s *Server) fieldUsers(ctx context.Context, account tidings.AccountID, key tidings.FieldKey) ([]tidings.Use, error) {
	users, err := s.usersOf(ctx, account, func(d *tidings.Definition) bool {
		uses := workflow.UsesOf(d)
		return slices.ContainsFunc(slices.Concat(uses.Fields, uses.Names), func(name string) bool { return strings.EqualFold(name, string(key)) })
	})
	if err != nil {
		return nil, err
	}
	err = s.eachMessage(ctx, account, func(m *tidings.Message) {
		if slices.ContainsFunc(messageSources(m), func(source string) bool { return mentions(source, ofField(key)) }) {
			users = append(users, tidings.Use{Kind: tidings.UseMessage, ID: int64(m.ID), Name: m.Name})
		}
	})
	return users, err
}

// inUse is the refusal to take away what is used; nil when nobody uses it.
func inUse(what string, users []tidings.Use) error {
	if len(users) == 0 {
		return nil
	}
	e := &tidings.Error{Code: tidings.CodeConflict, Message: fmt.Sprintf("the %s is used: nothing was deleted", what)}
	for _, u := range users {
		e.Fields = append(e.Fields, tidings.FieldError{Index: -1, Reason: "used by " + u.String()})
	}
	return e
}
