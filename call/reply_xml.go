package call

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"tidings/vtl"
)

// Limits of XML in replies.
const (
	maxXMLDepth = 100
	maxXMLNodes = 50_000 // elements and attributes
)

// An element of a reply, as templates see it:
//
//	$order.item, $order.get('item')   the child element; of several, a list in their order
//	$order.list('item')               always a list: for #foreach
//	$order.get('@id')                 an attribute
//	$order.get('#text')               the text directly in it; what the element prints, too
//	$order.get('#name')               its name
//	$order.children                   all child elements, in their order
//	$order.get(0)                     itself, so that one element and a list of them read alike
//
// An element with nothing but text in it is a string. Names go without their
// prefix. The reply is the element at the top; its own name may be written
// before the names in it or left out: $data.WH.order.item is $data.WH.item.
type xmlNode struct {
	name     string
	attrs    *vtl.Map
	children []xmlChild
	text     string
	top      bool // the element at the top, which answers to its own name too
}

type xmlChild struct {
	name  string
	value vtl.Value // a string or an xmlNode
}

var xmlClass = vtl.Class{Name: "Element", Methods: vtl.Methods{
	"get": {{Arity: 1, Func: func(_ *vtl.Call, self vtl.Object, args []vtl.Value) (vtl.Value, error) {
		return self.(*xmlNode).get(args[0]), nil
	}}},
	"list": {{Arity: 1, Func: func(_ *vtl.Call, self vtl.Object, args []vtl.Value) (vtl.Value, error) {
		return vtl.ListValue(vtl.NewList(self.(*xmlNode).named(args[0].Str())...)), nil
	}}},
	"children": {{Arity: 0, Func: func(_ *vtl.Call, self vtl.Object, _ []vtl.Value) (vtl.Value, error) {
		return self.(*xmlNode).all(), nil
	}}},
}}

// Class makes the element an object of the engine.
func (n *xmlNode) Class() *vtl.Class { return &xmlClass }

// Text is what the element prints: the text in it and in all that is in it.
func (n *xmlNode) Text(c *vtl.Call) (string, error) {
	text := n.fullText()
	return text, c.Charge(len(text))
}

// Elements makes #foreach over one element go over just that one, as over a list of one.
func (n *xmlNode) Elements(*vtl.Call) (*vtl.List, error) {
	return vtl.NewList(vtl.ObjectValue(n)), nil
}

func (n *xmlNode) fullText() string {
	if len(n.children) == 0 {
		return n.text
	}
	parts := make([]string, 0, len(n.children)+1)
	if n.text != "" {
		parts = append(parts, n.text)
	}
	for _, c := range n.children {
		text := c.value.Str()
		if child, ok := c.value.Object().(*xmlNode); ok {
			text = child.fullText()
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func (n *xmlNode) get(key vtl.Value) vtl.Value {
	if key.IsInteger() {
		if key.Int64() == 0 {
			return vtl.ObjectValue(n)
		}
		return vtl.Null
	}
	name := key.Str()
	switch {
	case name == "#text":
		return vtl.String(n.text)
	case name == "#name":
		return vtl.String(n.name)
	case strings.HasPrefix(name, "@"):
		v, _ := n.attrs.Get(name)
		return v
	}
	switch found := n.named(name); {
	case len(found) == 1:
		return found[0]
	case len(found) > 1:
		return vtl.ListValue(vtl.NewList(found...))
	case n.top && name == n.name:
		return vtl.ObjectValue(n)
	}
	return vtl.Null
}

func (n *xmlNode) named(name string) []vtl.Value {
	var found []vtl.Value
	for _, c := range n.children {
		if c.name == name {
			found = append(found, c.value)
		}
	}
	return found
}

// all gives the children; an element <children> comes first.
func (n *xmlNode) all() vtl.Value {
	if v := n.get(vtl.String("children")); !v.IsNull() {
		return v
	}
	items := make([]vtl.Value, len(n.children))
	for i, c := range n.children {
		items[i] = c.value
	}
	return vtl.ListValue(vtl.NewList(items...))
}

// Fields is the element as a JSON object: attributes as @name, children by
// name, several of one name as a list, and the text between them as #text.
func (n *xmlNode) Fields() *vtl.Map {
	m := vtl.NewMap(len(n.children) + n.attrs.Len() + 1)
	for i := range n.attrs.Len() {
		m.Put(n.attrs.At(i))
	}
	for _, c := range n.children {
		if _, seen := m.Get(c.name); !seen {
			m.Set(c.name, n.get(vtl.String(c.name)))
		}
	}
	if n.text != "" {
		m.Set("#text", vtl.String(n.text))
	}
	return m
}

// parseXMLReply reads a document in UTF-8, whatever encoding it declares.
func parseXMLReply(body []byte) (vtl.Value, error) {
	p := xmlParser{decoder: xml.NewDecoder(bytes.NewReader(body))}
	p.decoder.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	top, err := p.document()
	if err != nil {
		at := problemAt("", string(body), int(p.decoder.InputOffset()), "")
		return vtl.Null, fmt.Errorf("the reply is not valid XML, line %d, column %d: %s", at.Line, at.Col, xmlWords(err))
	}
	return vtl.ObjectValue(top), nil
}

type xmlParser struct {
	decoder *xml.Decoder
	nodes   int
}

func (p *xmlParser) document() (*xmlNode, error) {
	var top *xmlNode
	for {
		token, err := p.decoder.Token()
		if errors.Is(err, io.EOF) && top != nil {
			return top, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, errors.New("there is no element")
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if top != nil {
				return nil, errors.New("a second element at the top")
			}
			if top, err = p.element(t, 1); err != nil {
				return nil, err
			}
			top.top = true
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return nil, errors.New("text outside of the element at the top")
			}
		}
	}
}

// element reads what is in an element up to its end.
func (p *xmlParser) element(start xml.StartElement, depth int) (*xmlNode, error) {
	p.nodes += 1 + len(start.Attr)
	switch {
	case depth > maxXMLDepth:
		return nil, errors.New("elements nest deeper than 100")
	case p.nodes > maxXMLNodes:
		return nil, errors.New("there are more than 50000 elements and attributes")
	}
	n := &xmlNode{name: start.Name.Local, attrs: vtl.NewMap(len(start.Attr))}
	for _, a := range start.Attr {
		if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
			n.attrs.Set("@"+a.Name.Local, vtl.String(a.Value))
		}
	}
	var text strings.Builder
	for {
		token, err := p.decoder.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			child, err := p.element(t, depth+1)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, xmlChild{child.name, child.value()})
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			n.text = text.String()
			if len(n.children) > 0 {
				n.text = strings.TrimSpace(n.text)
			}
			return n, nil
		}
	}
}

// value is the element as its parent holds it: a string when there is only text in it.
func (n *xmlNode) value() vtl.Value {
	if len(n.children) == 0 && n.attrs.Len() == 0 {
		return vtl.String(n.text)
	}
	return vtl.ObjectValue(n)
}
