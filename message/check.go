package message

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

// Known is what an account has that templates may mean by a name.
type Known struct {
	Fields     []tidings.FieldKey // the additional fields of its contacts
	Webhooks   []string           // the names of its webhooks
	Categories []string           // keys of its subscription categories
}

// Check says what is wrong with a message that is to be saved. Faults forbid
// that: a field that breaks a rule, a template that can't be read. Warnings are
// names that nothing of the account has: they may be parameters of events. Fields are the paths of the API, as
// variants.uk.html; reasons name line and column.
func Check(m *tidings.Message, known Known) (faults, warnings []tidings.FieldError) {
	c := checker{known: known, tools: tools(), warned: map[string]bool{}}
	c.fault("name", tidings.CheckName(m.Name))
	if len(m.Tag) > tidings.MaxMessageTags {
		c.fault("tag", fmt.Sprintf("is longer than %d bytes", tidings.MaxMessageTags))
	}
	if oneHeader(m.Tag) != m.Tag {
		c.fault("tag", "has control characters, or blanks at its ends")
	}
	c.address("from.address", m.From.Address)
	c.address("replyTo", m.ReplyTo)
	c.categories(m.Categories)
	c.template("from.name", m.From.Name, tidings.MaxSubject)
	c.content("content", m.Content)
	if len(m.Variants) > tidings.MaxVariants {
		c.fault("variants", fmt.Sprintf("are more than %d", tidings.MaxVariants))
	}
	for _, language := range languages(m) {
		if !isLanguageTag(language) {
			c.fault("variants."+language, "the key must be a language tag such as uk, en or pt-BR")
			continue
		}
		c.content("variants."+language, m.Variants[language])
	}
	return c.faults, c.warnings
}

type checker struct {
	known            Known
	tools            vtl.Tools
	faults, warnings []tidings.FieldError
	warned           map[string]bool
}

func (c *checker) fault(field, reason string) {
	if reason != "" {
		c.faults = append(c.faults, tidings.FieldError{Index: -1, Field: field, Reason: reason})
	}
}

func (c *checker) address(field, address string) {
	if address == "" {
		return
	}
	kept, reason := tidings.CheckChannel(tidings.Email, address)
	if reason == "" && kept != address {
		reason = "has blanks around it"
	}
	c.fault(field, reason)
}

func (c *checker) categories(categories []string) {
	if len(categories) > tidings.MaxSubscriptions {
		c.fault("categories", fmt.Sprintf("are more than %d", tidings.MaxSubscriptions))
	}
	for i, category := range categories {
		field := fmt.Sprintf("categories[%d]", i)
		switch {
		case strings.TrimSpace(category) == "":
			c.fault(field, "is empty")
		case utf8.RuneCountInString(category) > tidings.MaxCategory:
			c.fault(field, fmt.Sprintf("is longer than %d characters", tidings.MaxCategory))
		case oneHeader(category) != category:
			c.fault(field, "has control characters, or blanks at its ends")
		case slices.Contains(categories[:i], category):
			c.fault(field, "is given twice")
		case !slices.Contains(c.known.Categories, category):
			c.warn(field, category+" is not a subscription category of the mail settings: contacts can't choose it on the preference page")
		}
	}
}

func (c *checker) content(part string, content tidings.Content) {
	if strings.TrimSpace(content.Subject) == "" {
		c.fault(part+".subject", "is required")
	}
	if strings.TrimSpace(content.HTML) == "" && strings.TrimSpace(content.Text) == "" {
		c.fault(part+".html", "a message needs html or text")
	}
	c.template(part+".subject", content.Subject, tidings.MaxSubject)
	c.template(part+".html", content.HTML, tidings.MaxMessageHTML)
	c.template(part+".text", content.Text, tidings.MaxMessageText)
}

// template checks one part and the names in it.
func (c *checker) template(part, source string, most int) {
	if len(source) > most {
		c.fault(part, fmt.Sprintf("is longer than %d bytes", most))
		return
	}
	problems := problemList{}
	t := problems.parse(part, source)
	for _, p := range problems {
		c.fault(part, p.place()+p.Message)
	}
	for _, u := range t.references() {
		if !u.Local && !u.Target {
			c.reference(part, u)
		}
	}
}

// place is "line 2, column 3: ", or "".
func (p *Problem) place() string {
	if p.Line == 0 {
		return ""
	}
	return fmt.Sprintf("line %d, column %d: ", p.Line, p.Col)
}

// reference warns of a name that is nobody's.
func (c *checker) reference(part string, u vtl.RefUse) {
	inner := len(u.Path) > 1
	switch {
	case u.Name == scope.VarData && inner:
		if !slices.Contains(c.known.Webhooks, u.Path[1]) {
			c.warnAt(part, u, u.Path[1]+" is no webhook of this account: it must be a parameter of the event"+near(u.Path[1], c.known.Webhooks))
		}
	case u.Name == scope.VarContact && inner:
		if !c.isField(strings.Join(u.Path[1:], ".")) && !c.isField(u.Path[1]) && u.Path[1] != "get" && u.Path[1] != "id" {
			c.warnAt(part, u, "contacts have no field "+u.Path[1])
		}
	case u.Merge && !c.isField(u.Name) && u.Name == strings.ToUpper(u.Name):
		// Merge tags in capitals are written for fields.
		c.warnAt(part, u, "contacts have no field "+u.Name+": it must be a parameter of the event")
	case strings.EqualFold(u.Name, scope.VarInstance) && u.Name != scope.VarInstance:
		c.warnAt(part, u, "is written $"+scope.VarInstance+": its capitals count")
	}
}

// isField says whether contacts may have a value, or values, of a name.
func (c *checker) isField(name string) bool {
	return scope.IsField(name, c.known.Fields) || scope.IsGroup(name, c.known.Fields)
}

// near hints at a name that differs in capitals only.
func near(name string, names []string) string {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return "; the webhook " + n + " is written with other capitals"
		}
	}
	return ""
}

// warnAt warns of a reference, once a part.
func (c *checker) warnAt(part string, u vtl.RefUse, reason string) {
	c.warn(part, fmt.Sprintf("line %d, column %d: %s: %s", u.Line, u.Col, u.Source, reason), part, u.Source)
}

func (c *checker) warn(field, reason string, once ...string) {
	key := field + "\x00" + reason
	if len(once) > 0 {
		key = strings.Join(once, "\x00")
	}
	if c.warned[key] {
		return
	}
	c.warned[key] = true
	c.warnings = append(c.warnings, tidings.FieldError{Index: -1, Field: field, Reason: reason})
}

// isLanguageTag takes subtags of 1 to 8 letters and digits, the first of 2 to 8 letters.
func isLanguageTag(tag string) bool {
	if len(tag) > 35 { // RFC 5646, section 4.4.1
		return false
	}
	for i, part := range strings.Split(strings.ReplaceAll(tag, "_", "-"), "-") {
		if part == "" || len(part) > 8 || i == 0 && len(part) < 2 {
			return false
		}
		for _, b := range []byte(part) {
			letter := 'a' <= b|0x20 && b|0x20 <= 'z'
			if !letter && (i == 0 || b < '0' || b > '9') {
				return false
			}
		}
	}
	return true
}
