package workflow

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

// template is a template of a block, parsed.
type template struct {
	source string
	parsed *vtl.Template // nil = a text that is what it says
}

// evaluate finds the directive that runs a text as a template. Here texts are data, so it does not exist.
var evaluate = regexp.MustCompile(`#(?:evaluate|\{evaluate\})[ \t]*\(`)

// parseTemplate reads a template; the name appears in errors.
func parseTemplate(name, source string) (template, *vtl.Error) {
	t := template{source: source}
	if !strings.ContainsAny(source, "$#%") {
		return t, nil
	}
	if evaluate.MatchString(source) {
		return t, &vtl.Error{Template: name, Kind: vtl.KindParse, Message: "#evaluate runs data as a template and is not available here: write the template itself"}
	}
	parsed, err := vtl.Parse(name, source, vtl.Options{MergeTags: true})
	if err != nil {
		return t, errorOf(err)
	}
	t.parsed = parsed
	return t, nil
}

// empty says whether there is nothing in the template.
func (t template) empty() bool { return strings.TrimSpace(t.source) == "" }

// written is what a template of a block gave.
type written struct {
	text string
	// value is set when the template is one reference and nothing else: then
	// its number, list or boolean is not only a text.
	value *tidings.FieldValue
}

// render writes a template. A strict one is an error where a plain reference
// has no value; otherwise such a reference is empty.
func (s *sight) render(ctx context.Context, t template, strict bool) (written, error) {
	if t.parsed == nil {
		return written{text: t.source}, nil
	}
	var out written
	options := vtl.RenderOptions{
		Context: ctx, Limits: vtl.WebhookLimits(), Tools: s.tools, Strict: strict, Now: s.scope.Now, Zone: s.zone(time.UTC),
		Insert: func(in *vtl.Insertion) (string, error) {
			if in.Source == strings.TrimSpace(t.source) {
				v := fieldValue(in.Call, in.Value)
				out.value = &v
			}
			if in.Value.IsNull() && !in.Merge {
				return "", nil // it would print itself
			}
			return in.Text, nil
		},
	}
	if s.scope.Contact != nil {
		options.Locale = strings.ReplaceAll(s.scope.Contact.Language, "-", "_")
	}
	text, err := t.parsed.Render(nil, &s.scope, &options)
	if err != nil {
		return written{}, s.explain(err)
	}
	out.text = strings.TrimSpace(string(text))
	return out, nil
}

// explain says what people can do about an error of the engine.
func (s *sight) explain(err error) error {
	e := errorOf(err)
	if e.Kind == vtl.KindStrict {
		return errors.New(e.Message + "; write $!… to leave it empty, or ${name|'default'}")
	}
	return errors.New(e.Message)
}

// fieldValue gives a value of a template the form in which conditions compare it.
func fieldValue(call *vtl.Call, v vtl.Value) tidings.FieldValue {
	switch v.Kind() {
	case vtl.KindNull:
		return tidings.FieldValue{}
	case vtl.KindString:
		return tidings.FieldValue{Type: tidings.FieldText, Text: v.Str()}
	case vtl.KindBool:
		return tidings.FieldValue{Type: tidings.FieldBool, Text: jsonText(call, v)}
	case vtl.KindInt32, vtl.KindInt64, vtl.KindBig, vtl.KindFloat64, vtl.KindFloat32, vtl.KindDecimal:
		return tidings.FieldValue{Type: tidings.FieldNumber, Text: jsonText(call, v)}
	case vtl.KindChar:
		return tidings.FieldValue{Type: tidings.FieldText, Text: string(rune(v.Char()))}
	case vtl.KindList:
		return listValue(call, v)
	}
	return tidings.FieldValue{Type: tidings.FieldText, Text: jsonText(call, v)}
}

// listValue makes a list of texts; what is no text, number or boolean in it is its JSON.
func listValue(call *vtl.Call, v vtl.Value) tidings.FieldValue {
	of := tidings.FieldValue{Type: tidings.FieldList}
	list := v.List()
	if call != nil {
		list, _ = call.List(v)
	}
	for i := range list.Len() {
		item := list.At(i)
		text := item.Str()
		if item.Kind() != vtl.KindString {
			text = jsonText(call, item)
		}
		of.List = append(of.List, text)
	}
	return of
}

// jsonText gives a value as JSON; "" when JSON has no word for it.
func jsonText(call *vtl.Call, v vtl.Value) string {
	b, err := scope.AppendJSON(nil, call, v)
	if err != nil {
		return ""
	}
	return string(b)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
