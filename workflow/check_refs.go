package workflow

import (
	"fmt"
	"slices"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

// replies finds the replies that are used where their webhook was not called,
// or was called on some of the ways only.
func (k *checker) replies() {
	names := map[string]bool{}
	for _, w := range k.known.Webhooks {
		names[w.Name] = true
	}
	called := k.calledBefore()
	for _, i := range k.graph.order {
		k.at = i
		for _, u := range k.repliesUsed(i) {
			before := called[i]
			switch {
			case !names[u.name] && !k.calls(u.name):
				// A parameter of the event, or nothing: it is not known here.
			case before.always[u.name]:
			case before.maybe[u.name] && u.required:
				k.note(u.problem(false, "uses the reply of %s, which is not called on every way to here: write $!… or ${…|'default'}, or call it before the ways part"))
			case before.maybe[u.name]:
			case u.required:
				k.note(u.problem(false, "uses the reply of %s, which is not called before this block"))
			default:
				k.note(u.problem(true, "uses the reply of %s, which is not called before this block: it is empty"))
			}
		}
	}
}

// calls says whether some block calls the webhook of a name.
func (k *checker) calls(name string) bool {
	return slices.ContainsFunc(k.def.Blocks, func(b tidings.Block) bool { return k.nameOf(&b) == name })
}

// nameOf is the name of the webhook that a block calls, "" when it calls none.
func (k *checker) nameOf(b *tidings.Block) string {
	if b.Kind != tidings.BlockWebhook || b.Webhook == nil || k.known.Webhooks[b.Webhook.Webhook] == nil {
		return ""
	}
	return k.known.Webhooks[b.Webhook.Webhook].Name
}

// before is which webhooks were called when a run comes to a block: on all ways, and on some.
type before struct{ always, maybe map[string]bool }

// calledBefore goes through the blocks in their order, so that all that lead
// to a block are known before it.
func (k *checker) calledBefore() []before {
	list := make([]before, len(k.def.Blocks))
	for _, i := range k.graph.order {
		if list[i].maybe == nil {
			list[i] = before{map[string]bool{}, map[string]bool{}} // the start
		}
		after := before{cloneSet(list[i].always), cloneSet(list[i].maybe)}
		if name := k.nameOf(&k.def.Blocks[i]); name != "" {
			after.always[name], after.maybe[name] = true, true
		}
		for _, to := range k.graph.next[i] {
			list[to].join(after)
		}
	}
	return list
}

func (b *before) join(w before) {
	if b.maybe == nil {
		*b = before{cloneSet(w.always), cloneSet(w.maybe)}
		return
	}
	for name := range b.always {
		if !w.always[name] {
			delete(b.always, name)
		}
	}
	for name := range w.maybe {
		b.maybe[name] = true
	}
}

func cloneSet(set map[string]bool) map[string]bool {
	c := make(map[string]bool, len(set)+1)
	for name := range set {
		c[name] = true
	}
	return c
}

// replyUse is one place where a reply, or a parameter in $data, is used.
type replyUse struct {
	name      string
	required  bool
	field     string // of the block
	within    string // of what the block names: "" = the block's own template
	source    string
	line, col int
}

func (u replyUse) problem(warning bool, format string) Problem {
	p := Problem{Field: u.field, Line: u.line, Col: u.col, Warning: warning, Reason: fmt.Sprintf(format, fmt.Sprintf("%q", u.name))}
	p.Reason = u.source + " " + p.Reason
	if u.within != "" {
		p.Reason = fmt.Sprintf("%s (line %d, column %d): %s", u.within, u.line, u.col, p.Reason)
		p.Line, p.Col = 0, 0
	}
	return p
}

// repliesUsed lists the replies that a block uses, by its own templates and
// by those of the webhook or message that it names.
func (k *checker) repliesUsed(i int) []replyUse {
	b := &k.def.Blocks[i]
	var uses []replyUse
	for _, t := range blockTemplates(b) {
		uses = append(uses, usesIn(t.source, t.required, replyUse{field: t.field})...)
	}
	if b.Webhook != nil {
		if w := k.known.Webhooks[b.Webhook.Webhook]; w != nil {
			uses = append(uses, usesOfWebhook(w)...)
		}
	}
	if b.Message != nil {
		if m := k.known.Messages[b.Message.Message]; m != nil {
			uses = append(uses, usesOfMessage(m)...)
		}
	}
	return uses
}

// blockTemplate is one template of a block's own.
type blockTemplate struct {
	field    string
	source   string
	required bool // a plain reference without a value is an error there
}

func blockTemplates(b *tidings.Block) []blockTemplate {
	var list []blockTemplate
	whose := func(field string, w *tidings.Whose) {
		list = append(list, blockTemplate{field + ".contactId", w.ContactID, false},
			blockTemplate{field + ".phone", w.Phone, false}, blockTemplate{field + ".contactEmail", w.Email, false})
	}
	if b.Webhook != nil {
		whose("webhook.whose", &b.Webhook.Whose)
	}
	if b.Message != nil {
		whose("message.whose", &b.Message.Whose)
	}
	if b.Condition != nil {
		for _, name := range fieldNames(b.Condition) {
			if source, ok := referenceOf(name); ok {
				list = append(list, blockTemplate{"condition", source, false})
			}
		}
	}
	for i, f := range b.Fields {
		list = append(list, blockTemplate{fmt.Sprintf("fields[%d].value", i), f.Value, true})
	}
	return list
}

func usesOfWebhook(w *tidings.Webhook) []replyUse {
	at := replyUse{field: "webhook.webhookId", within: fmt.Sprintf("the URL of webhook %q", w.Name)}
	uses := usesIn(w.URL, true, at)
	for _, h := range w.Headers {
		at.within = fmt.Sprintf("the header %s of webhook %q", h.Name, w.Name)
		uses = append(uses, usesIn(h.Value, true, at)...)
	}
	at.within = fmt.Sprintf("the body of webhook %q", w.Name)
	return append(uses, usesIn(w.Body.Template, true, at)...)
}

func usesOfMessage(m *tidings.Message) []replyUse {
	var uses []replyUse
	add := func(what, source string) {
		uses = append(uses, usesIn(source, true, replyUse{field: "message.messageId", within: fmt.Sprintf("the %s of message %q", what, m.Name)})...)
	}
	content := func(c *tidings.Content, of string) {
		add("subject"+of, c.Subject)
		add("html"+of, c.HTML)
		add("text"+of, c.Text)
	}
	add("sender's name", m.From.Name)
	content(&m.Content, "")
	for _, language := range sortedKeys(m.Variants) {
		c := m.Variants[language]
		content(&c, " ("+language+")")
	}
	return uses
}

// usesIn finds $data.NAME in a template; one that can't be read has none.
func usesIn(source string, strict bool, at replyUse) []replyUse {
	t, err := parseTemplate(at.field, source)
	if err != nil || t.parsed == nil {
		return nil
	}
	var uses []replyUse
	for _, u := range t.parsed.References() {
		if u.Local || u.Target || u.Name != scope.VarData || len(u.Path) < 2 {
			continue
		}
		at.name, at.source, at.line, at.col = u.Path[1], u.Source, u.Line, u.Col
		at.required = strict && required(u)
		uses = append(uses, at)
	}
	return uses
}

func required(u vtl.RefUse) bool { return !u.Quiet && !u.Default && !u.Merge }
