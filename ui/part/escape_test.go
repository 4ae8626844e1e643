package part

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"golang.org/x/net/html"
)

// everything makes each component with a text in every place that takes one.
func everything(s string) []templ.Component {
	o := []Option{{Value: s, Label: s, Note: s, Group: s}}
	f := FieldView{Name: s, ID: s, Label: s, Hint: s, Error: s, Value: s, Placeholder: s, Options: o, Values: []string{s}, Picker: s, Attrs: templ.Attributes{"data-x": s}}
	b := ButtonView{Label: s, Href: s, Icon: s, Attrs: templ.Attributes{"title": s}}
	submit := ButtonView{Label: s, Name: s, Value: s, Form: s, Open: s, Busy: s}
	links := []Link{{s, s}}
	chips := []Chip{{Label: s, Href: s, On: true, Count: s}}
	flash := Flash{Meaning: Meaning(s), Text: s, Detail: s}
	json := []byte(quoteAll(s))
	return []templ.Component{
		Shell(ShellView{Title: s, Purpose: s, Path: s, Account: s, UserName: s, Theme: s, Crumbs: links, Flash: &flash, Search: s, Nav: []NavGroup{{Link: links[0], Under: links}}, Asset: asset, Actions: Button(b)}),
		Bare(BareView{Title: s, Purpose: s, Theme: s, Flash: &flash, Asset: asset}),
		SearchHit(s, s, s, s),
		Button(b), Button(submit), LinkButton(s, s, Kind(s)), Copy(s, s), Middle(s, 12), Indicator(s), Loading(s), Icon(s),
		Input(f), Textarea(f), Select(f), Checkbox(f), Toggle(f), RadioGroup(f), CheckGroup(f), in(Fieldset(s, s), text(s)),
		SearchSelect(SearchSelectView{FieldView: f, Text: s, Source: s}), Choices(o, s), Choices(nil, s),
		in(Table(TableView{Caption: s, Columns: []Column{{Label: s, Sort: s, Sorted: s}}, ID: s}), in(TableRow(RowView{ID: s}), in(HeadCell(s, s), text(s)), Cell(s), NumCell(s), MonoCell(s), ActCell())),
		Pager(PagerView{Previous: s, Next: s, Summary: s}), Filters(FiltersView{Action: s, Clear: s, Active: chips, Label: s}), Chips(s, chips),
		Badge(Meaning(s), s), Status(Meaning(s), s), in(Note(Meaning(s)), text(s)), Empty(EmptyView{Title: s, Text: s, Action: b}), in(KeyValue(s), text(s)),
		Progress(ProgressView{Label: s, Text: s}), Stat(StatView{Label: s, Value: s, Note: s, Meaning: Meaning(s), Href: s}), Steps([]Step{{s, StepDone, s}, {s, StepState(s), s}}),
		Card(CardView{Title: s, Text: s, ID: s, Actions: Button(b)}), Section(SectionView{Title: s, Summary: s, ID: s}), Tabs(s, []Tab{{Label: s, Href: s, On: true, Count: s}}),
		in(Menu(s), MenuLink(s, s), MenuOpen(s, s, Kind(s)), MenuButton(submit)),
		Dialog(DialogView{ID: s, Title: s}), Drawer(DialogView{ID: s, Title: s}), Toast(flash),
		ConfirmForm(ConfirmView{Action: s, Lost: s, Reason: true, ReasonLabel: s, ReasonValue: s, Error: s, Button: s, Cancel: s, Hidden: []Hidden{{s, s}}}),
		CodeBlock(CodeView{Label: s, Language: s, Text: s, ID: s, ErrorLine: 1}),
		CodeField(CodeFieldView{FieldView: f, Language: s, CompleteURL: s, Completions: []Completion{{s, s}}}),
		VariablePicker(PickerView{ID: s, Title: s, For: s, Groups: []PickerGroup{{s, []PickerRow{{s, s, s, s}}}}}),
		JSONTree(JSONTreeView{Label: s, JSON: json, ID: s, Leaf: func(path []string) templ.Component {
			return LeafAct(path[0], templ.Attributes{"data-copy": path[0]})
		}}),
		JSONTree(JSONTreeView{Label: s, JSON: []byte(s)}), JSONDiff(DiffView{Label: s, Before: []byte(s), After: json}),
		Sparkline(s, []float64{1, 2}), AreaChart(ChartView{Title: s, Unit: s, Labels: []string{s, s}, Series: []Series{{s, []float64{1, 2}}}}),
		Lane(LaneView{Delivered: 1, Head: 9, Oldest: s}), in(Stream(StreamView{URL: s, Events: []string{s}, Label: s, ID: s}), text(s)),
		Time(Clock{Language: s, Now: time.Unix(9, 0)}, time.Unix(5, 0)),
	}
}

// quoteAll is an object that has the text as a key and as a value.
func quoteAll(s string) string { return "{" + quote(s) + ":" + quote(s) + "}" }

// foreign are elements that no component makes: each can only come from a text
// that was not escaped.
func foreign(tag string) bool {
	switch tag {
	case "img", "iframe", "object", "embed", "base", "marquee", "math", "video":
		return true
	}
	return false
}

func checkEscaped(t *testing.T, s string) {
	t.Helper()
	for i, c := range everything(s) {
		var b bytes.Buffer
		if err := c.Render(t.Context(), &b); err != nil {
			t.Fatalf("component %d: %v", i, err)
		}
		doc, err := html.Parse(&b)
		if err != nil {
			t.Fatal(err)
		}
		walk(doc, func(n *html.Node) {
			if foreign(n.Data) || n.Data == "script" && !strings.HasPrefix(attr(n, "src"), "static/") {
				t.Errorf("component %d let <%s> through", i, n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					t.Errorf("component %d let the attribute %s through", i, a.Key)
				}
				link := a.Key == "href" || a.Key == "action" || a.Key == "src" || a.Key == "formaction"
				if link && strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
					t.Errorf("component %d leads to %q", i, a.Val)
				}
			}
		})
	}
}

func TestNoComponentLetsHTMLThrough(t *testing.T) {
	for _, s := range []string{
		`"><img src=x onerror=alert(1)>`, `'><script>alert(1)</script>`, `</textarea><iframe>`, `</title><img>`, "javascript:alert(1)", " JavaScript:alert(1)",
		`" onclick="x`, `x style=x`, "`<img>`", `&lt;img&gt;`, "", "\x00<img>", `</noscript><img>`, `</select><img>`, `</option><img>`,
	} {
		checkEscaped(t, s)
	}
}

func FuzzNoComponentLetsHTMLThrough(f *testing.F) {
	f.Add(`"><img src=x onerror=alert(1)>`)
	f.Add("javascript:alert(1)")
	f.Fuzz(checkEscaped)
}
