package api

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// messageInputJSON is what can be set of a message, on create, by a merge
// patch (RFC 7396), and in a preview of what is not saved.
type messageInputJSON struct {
	Name       optional[string]           `json:"name,omitempty" maxLength:"200" doc:"1 to 200 characters; the messageName of its activities."`
	Tag        optional[string]           `json:"tag,omitempty" doc:"The messageTag of its activities; several are joined by commas. At most 255 bytes."`
	From       optional[mailboxInputJSON] `json:"from,omitempty" doc:"The sender; null = the account's (PATCH /v1/settings/mail)."`
	ReplyTo    optional[string]           `json:"replyTo,omitempty" doc:"An address; null = from."`
	Categories optional[[]string]         `json:"categories,omitempty" doc:"Subscription categories: it goes only to contacts who take one of them. null or empty: to everybody who is not black-listed."`
	Subject    optional[string]           `json:"subject,omitempty" doc:"A template of at most 1,000 bytes."`
	HTML       optional[string]           `json:"html,omitempty" doc:"A template of at most 524,288 bytes; empty = a message of text only."`
	Text       optional[string]           `json:"text,omitempty" doc:"A template of at most 262,144 bytes; empty = made of html."`
	Variants   optional[variantsJSON]     `json:"variants,omitempty" doc:"By language of the contact, as uk or pt-BR; at most 50."`
	Version    optional[int]              `json:"version,omitempty" doc:"Only in a patch: the version that was read; 409 when it has changed since."`
}

// messageBodyBytes leaves room for several variants, quoted.
const messageBodyBytes = 8 << 20

func (*messageInputJSON) maxBytes() int { return messageBodyBytes }

// newMessageJSON is the same as the body of a create, where some are required.
type newMessageJSON messageInputJSON

func (*newMessageJSON) maxBytes() int { return messageBodyBytes }

type mailboxInputJSON struct {
	Name    optional[string] `json:"name,omitempty" doc:"A template; at most 200 characters."`
	Address optional[string] `json:"address,omitempty" doc:"An address, as shop@example.com."`
}

func (m mailboxInputJSON) mailbox() tidings.Mailbox {
	return tidings.Mailbox{Name: m.Name.value, Address: m.Address.value}
}

type contentJSON struct {
	Subject string `json:"subject,omitempty"`
	HTML    string `json:"html,omitempty"`
	Text    string `json:"text,omitempty"`
}

// variantsJSON is an object of contents by language; null removes one.
type variantsJSON struct {
	set     map[string]tidings.Content
	removed []string
}

func (v *variantsJSON) decodeField(d *decoder, n node, path string) {
	if !d.want(n, "an object", path) {
		return
	}
	v.set = make(map[string]tidings.Content, len(n.keys))
	for i, language := range n.keys {
		if n.parts[i].kind == "null" {
			v.removed = append(v.removed, language)
			continue
		}
		var content contentJSON
		d.object(n.parts[i], reflect.ValueOf(&content).Elem(), join(path, language))
		v.set[language] = tidings.Content(content)
	}
}

// Schema describes the object. It is huma's SchemaProvider.
func (variantsJSON) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "object", AdditionalProperties: r.Schema(reflect.TypeFor[contentJSON](), true, "")}
}

// applyMessage sets what is asked of a message and checks the whole. What
// changed is named, never a value.
func (s *Server) applyMessage(ctx context.Context, in *messageInputJSON, m *tidings.Message) (changed []string, err error) {
	d := &decoder{}
	was := *m
	in.Name.put(&m.Name, "")
	in.Tag.put(&m.Tag, "")
	if in.From.set {
		m.From = in.From.value.mailbox()
	}
	in.ReplyTo.put(&m.ReplyTo, "")
	in.Categories.put(&m.Categories, nil)
	in.Subject.put(&m.Content.Subject, "")
	in.HTML.put(&m.Content.HTML, "")
	in.Text.put(&m.Content.Text, "")
	applyVariants(&in.Variants, m)
	switch {
	case in.Version.given() && m.ID == 0:
		d.fault("version", "is for a change: a new message begins at 1")
	case in.Version.given():
		m.Version = int64(in.Version.value)
	}
	known, err := s.known(ctx, m.Account)
	if err != nil {
		return nil, err
	}
	faults, _ := known.checkMessage(m)
	if d.faults = append(d.faults, faults...); len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the message breaks the rules: nothing was changed", Fields: d.faults}
	}
	return messageChanges(&was, m), nil
}

// applyVariants merges: what is named is replaced or removed, the rest stays.
func applyVariants(in *optional[variantsJSON], m *tidings.Message) {
	switch {
	case in.null:
		m.Variants = nil
	case in.set:
		merged := make(map[string]tidings.Content, len(m.Variants)+len(in.value.set))
		maps.Copy(merged, m.Variants)
		maps.Copy(merged, in.value.set)
		for _, language := range in.value.removed {
			delete(merged, language)
		}
		m.Variants = merged
	}
}

func messageChanges(was, is *tidings.Message) []string {
	var names []string
	note := func(name string, differs bool) {
		if differs {
			names = append(names, name)
		}
	}
	note("name", was.Name != is.Name)
	note("tag", was.Tag != is.Tag)
	note("from", was.From != is.From)
	note("replyTo", was.ReplyTo != is.ReplyTo)
	note("categories", !slices.Equal(was.Categories, is.Categories))
	note("subject", was.Content.Subject != is.Content.Subject)
	note("html", was.Content.HTML != is.Content.HTML)
	note("text", was.Content.Text != is.Content.Text)
	note("variants", !maps.Equal(was.Variants, is.Variants))
	return names
}

// wordsOf lists what changed; "nothing" when a version alone was given.
func wordsOf(changed []string) string {
	if len(changed) == 0 {
		return "nothing"
	}
	return strings.Join(changed, ", ")
}

// keysOf lists the keys of a map in order; never nil.
func keysOf[V any](m map[string]V) []string {
	return append([]string{}, slices.Sorted(maps.Keys(m))...)
}
