package message

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

// Problem is why a message can't be saved or rendered, with its place.
type Problem struct {
	// Part is the field of the message, as content.html or variants.uk.subject; "" = none.
	Part string
	// Line and Col count from 1 in the template; Col counts UTF-16 units, and a tab goes
	// to the next multiple of eight. Both are 0 when the part as a whole is meant.
	Line, Col int
	Fragment  string // the line, without its end
	Message   string // what is wrong and what to do
}

func (p *Problem) Error() string {
	where := ""
	if p.Part != "" {
		where = p.Part
		if p.Line > 0 {
			where += fmt.Sprintf(", line %d, column %d", p.Line, p.Col)
		}
		where += ": "
	}
	return where + p.Message
}

// Compiled is a message whose templates are parsed. It never changes and may be
// used by many renders at once.
type Compiled struct {
	message  tidings.Message // without its contents
	from     template        // the sender's name
	address  string          // the sender's address
	contents []content       // the one without a language comes first
	tools    vtl.Tools
	zoned    bool // dates are used somewhere, so that the contact's time zone counts
}

// content is one language's.
type content struct {
	language            string // as the message has it; "" = where no variant fits
	subject, html, text template
}

// template is one part; tmpl is nil where the source is plain text.
type template struct {
	part   string
	source string
	tmpl   *vtl.Template
}

// Compile parses the templates of a message. The settings are the account's: their
// From is used where the message has none. The error is a *Problem.
func Compile(m *tidings.Message, settings tidings.MailSettings) (*Compiled, error) {
	c := &Compiled{message: *m, tools: tools()}
	c.message.Content, c.message.Variants = tidings.Content{}, nil
	from := m.From
	if from.Address == "" {
		from = tidings.Mailbox{Name: cmp.Or(m.From.Name, settings.From.Name), Address: settings.From.Address}
	}
	c.address = from.Address
	problems := problemList{}
	c.from = problems.parse("from.name", from.Name)
	c.contents = []content{problems.content("", "content", m.Content)}
	for _, language := range languages(m) {
		c.contents = append(c.contents, problems.content(language, "variants."+language, m.Variants[language]))
	}
	if len(problems) > 0 {
		return nil, problems[0]
	}
	c.zoned = slices.ContainsFunc(c.templates(), func(t template) bool { return scope.UsesDates(t.references()) })
	return c, nil
}

func (t template) references() []vtl.RefUse {
	if t.tmpl == nil {
		return nil
	}
	return t.tmpl.References()
}

// languages lists a message's variants in alphabetical order.
func languages(m *tidings.Message) []string {
	list := make([]string, 0, len(m.Variants))
	for language := range m.Variants {
		list = append(list, language)
	}
	slices.Sort(list)
	return list
}

// problemList collects what is wrong.
type problemList []*Problem

func (l *problemList) content(language, part string, c tidings.Content) content {
	return content{
		language: language,
		subject:  l.parse(part+".subject", c.Subject),
		html:     l.parse(part+".html", c.HTML),
		text:     l.parse(part+".text", c.Text),
	}
}

// evaluate finds the directive that runs a text as a template. Texts are data, so it does not exist here.
var evaluate = regexp.MustCompile(`#(?:evaluate|\{evaluate\})[ \t]*\(`)

// parse reads one template.
func (l *problemList) parse(part, source string) template {
	t := template{part: part, source: source}
	if !utf8.ValidString(source) {
		*l = append(*l, &Problem{Part: part, Message: "is not UTF-8"})
		return t
	}
	if !strings.ContainsAny(source, "$#%") {
		return t
	}
	if at := evaluate.FindStringIndex(source); at != nil {
		line, col := position(source, at[0])
		*l = append(*l, &Problem{
			Part: part, Line: line, Col: col, Fragment: lineAt(source, at[0]),
			Message: "#evaluate runs data as a template and is not available here: write the template itself",
		})
		return t
	}
	tmpl, err := vtl.Parse(part, source, vtl.Options{MergeTags: true, VelocityCount: true})
	if err != nil {
		*l = append(*l, templateProblem(part, err))
		return t
	}
	t.tmpl = tmpl
	return t
}

// templates lists all parts.
func (c *Compiled) templates() []template {
	all := []template{c.from}
	for i := range c.contents {
		all = append(all, c.contents[i].subject, c.contents[i].html, c.contents[i].text)
	}
	return all
}

// content chooses by a contact's language: uk-UA takes uk-UA, else uk, else
// what has no language.
func (c *Compiled) content(language string) *content {
	tag := strings.ReplaceAll(language, "_", "-")
	for tag != "" && len(c.contents) > 1 {
		for i := range c.contents[1:] {
			if strings.EqualFold(strings.ReplaceAll(c.contents[1+i].language, "_", "-"), tag) {
				return &c.contents[1+i]
			}
		}
		tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	}
	return &c.contents[0]
}

// templateProblem gives an error of the engine its part.
func templateProblem(part string, err error) *Problem {
	p := &Problem{Part: part, Message: err.Error()}
	if e, ok := errors.AsType[*vtl.Error](err); ok {
		p.Line, p.Col, p.Fragment, p.Message = e.Line, e.Col, e.Fragment, e.Message
	}
	return p
}

// position gives line and column of an offset as the engine counts them.
func position(text string, offset int) (line, col int) {
	before := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text[:offset])
	line = 1 + strings.Count(before, "\n")
	col = 1
	for _, r := range before[1+strings.LastIndexByte(before, '\n'):] {
		switch {
		case r == '\t':
			col += 8 - (col-1)%8
		case r >= 0x10000:
			col += 2
		default:
			col++
		}
	}
	return line, col
}

// maxFragment is how much of a line is shown.
const maxFragment = 500

func lineAt(text string, offset int) string {
	start := 1 + strings.LastIndexAny(text[:offset], "\r\n")
	line := text[start:]
	if i := strings.IndexAny(line, "\r\n"); i >= 0 {
		line = line[:i]
	}
	if len(line) > maxFragment {
		line = strings.ToValidUTF8(line[:maxFragment], "")
	}
	return line
}
