package call

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"tidings/scope"
	"tidings/vtl"
)

// Leaf is one value of a reply and how templates reach it.
type Leaf struct {
	Path       string          // within the reply, for people: contacts[0].id; "" = the reply itself
	Value      json.RawMessage // a text, number, boolean or null, or an empty list or map
	Expression string          // $data.get('WH5').get('promocode'); "" when no template can write a name: it has U+001C or a %TAG% in it
	Dotted     string          // $data.WH5.promocode; "" where a name does not allow it
}

// maxLeaves bounds how many values of a reply are listed.
const maxLeaves = 1000

// Expressions lists the values of a webhook's reply in their order, with the
// expressions that reach them from templates; more says that there are others,
// which are not listed. Secrets are not masked here; see Result.Leaves.
func Expressions(name string, reply vtl.Value) (leaves []Leaf, more bool) {
	at := Leaf{Expression: "$data"}.key(name)
	at.Path = ""
	if word.MatchString(name) {
		at.Dotted = "$data." + name
	}
	var w walker
	w.walk(at, reply, 0)
	return w.leaves, w.more
}

type walker struct {
	leaves []Leaf
	more   bool
}

// unwritable finds what a template can't have in a quoted text: the character
// that Velocity takes for its end, and what reads as a merge tag.
var unwritable = regexp.MustCompile(`\x1c|%[A-Za-z_][A-Za-z0-9_.-]*(?:\|[^%\r\n]*)?%`)

// word is a name that can stand behind a dot.
var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (w *walker) walk(at Leaf, v vtl.Value, depth int) {
	if len(w.leaves) >= maxLeaves || depth > scope.MaxDepth {
		w.more = true
		return
	}
	switch {
	case v.Kind() == vtl.KindList && v.List().Len() > 0:
		for i := range v.List().Len() {
			w.walk(at.index(i), v.List().At(i), depth+1)
			if w.more {
				return
			}
		}
		return
	case v.Kind() == vtl.KindMap && v.Map().Len() > 0:
		w.walkMap(at, v.Map(), depth)
		return
	}
	if n, ok := v.Object().(*xmlNode); ok {
		w.walkMap(at, n.Fields(), depth)
		return
	}
	var err error
	at.Value, err = scope.AppendJSON(nil, nil, v)
	if err != nil {
		at.Value = json.RawMessage("null") // a decimal beyond all numbers
	}
	w.leaves = append(w.leaves, at)
}

func (w *walker) walkMap(at Leaf, m *vtl.Map, depth int) {
	for i := range m.Len() {
		key, val := m.At(i)
		w.walk(at.key(key.Str()), val, depth+1)
		if w.more {
			return
		}
	}
}

// key goes one name further.
func (l Leaf) key(name string) Leaf {
	if unwritable.MatchString(name) || l.Expression == "" {
		l.Expression = ""
	} else {
		l.Expression += ".get('" + strings.ReplaceAll(name, "'", "''") + "')"
	}
	plain := word.MatchString(name)
	switch {
	case !plain:
		l.Dotted = ""
		l.Path += fmt.Sprintf("[%q]", name)
	case l.Path == "":
		l.Path = name
	default:
		l.Path += "." + name
	}
	if plain && l.Dotted != "" {
		l.Dotted += "." + name
	}
	return l
}

// index goes to an element of a list.
func (l Leaf) index(i int) Leaf {
	if l.Expression != "" {
		l.Expression += fmt.Sprintf(".get(%d)", i)
	}
	if l.Dotted != "" {
		l.Dotted += fmt.Sprintf(".get(%d)", i)
	}
	l.Path += fmt.Sprintf("[%d]", i)
	return l
}
