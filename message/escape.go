package message

import (
	"strings"
	"unicode"

	"tidings/vtl"
)

// Values are data: what stands in a contact's name can't become markup. So the
// html of a message writes every value escaped, but for two that say that they are markup already:
//
//	$esc.html($x)  $esc.xml($x)  $esc.url($x)    escaped by the author
//	$html.raw($x)                                markup, as a part of a reply that is html
//
// The second one is known by its type, which no data has, not by how it is written.

// rawTool is the variable html of messages.
const rawTool = "html"

// tools are what templates of messages have: the standard tools and $html.
func tools() vtl.Tools {
	t := vtl.Tools{rawTool: vtl.ObjectValue(htmlTool{})}
	for name, tool := range vtl.StandardTools() {
		t[name] = tool
	}
	return t
}

// htmlTool is $html.
type htmlTool struct{}

var htmlClass = vtl.Class{Name: "HtmlTool", Methods: vtl.Methods{"raw": {{Arity: 1, Func: makeRaw}}}}

func (htmlTool) Class() *vtl.Class              { return &htmlClass }
func (htmlTool) Text(*vtl.Call) (string, error) { return "HtmlTool", nil }

func makeRaw(c *vtl.Call, _ vtl.Object, args []vtl.Value) (vtl.Value, error) {
	if args[0].IsNull() {
		return vtl.Null, nil
	}
	text, err := c.Text(args[0])
	if err != nil {
		return vtl.Null, err
	}
	return vtl.ObjectValue(&markup{text}), nil
}

// markup is a text that is html.
type markup struct{ text string }

var markupClass = vtl.Class{Name: "Html", Methods: vtl.Methods{}}

func (*markup) Class() *vtl.Class                  { return &markupClass }
func (m *markup) Text(c *vtl.Call) (string, error) { return m.text, c.Charge(len(m.text)) }

// insertHTML is the engine's hook for html.
func insertHTML(in *vtl.Insertion) (string, error) {
	if in.Value.Kind() == vtl.KindObject {
		if _, ok := in.Value.Object().(*markup); ok {
			return in.Text, nil
		}
	}
	if escapedByAuthor(in) {
		return strings.ReplaceAll(in.Text, "'", "&#39;"), nil // $esc.html leaves it, which would end an attribute in such quotes
	}
	return escapeHTML(in.Text), nil
}

// escapedByAuthor says that the value is of a method of the escape tool whose results are safe in html.
// A variable of the tool's name would hide the tool; so the result is looked at, too.
func escapedByAuthor(in *vtl.Insertion) bool {
	switch in.Name {
	case "esc", "escTool", "escapeTool":
		for _, method := range []string{".html(", ".xml(", ".url("} {
			if strings.Contains(in.Source, method) {
				return !strings.ContainsAny(in.Text, `<>"`)
			}
		}
	}
	return false
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "\x00", "\uFFFD")

// escapeHTML makes a text one that stands for itself, between tags and in quoted attributes.
func escapeHTML(text string) string {
	if !strings.ContainsAny(text, "&<>\"'\x00") {
		return text
	}
	return htmlEscaper.Replace(text)
}

// oneHeader makes a text fit for a header: white space becomes one blank, and
// there are no line breaks, nor other characters that nobody sees.
func oneHeader(text string) string {
	clean := true
	for _, r := range text {
		if r != ' ' && (unicode.IsSpace(r) || unicode.IsControl(r)) || r == unicode.ReplacementChar {
			clean = false
			break
		}
	}
	if clean && !strings.Contains(text, "  ") {
		return strings.TrimSpace(text)
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return strings.Join(strings.Fields(text), " ")
}
