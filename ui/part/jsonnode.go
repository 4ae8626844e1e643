package part

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Bounds of a tree that is drawn: beyond them JSON is shown as text.
const (
	maxTreeDepth = 64
	maxTreeNodes = 5000
)

// jsonNode is a value of JSON with its members in their order.
type jsonNode struct {
	key     string // within its parent; "" = the whole
	kind    string // object, array, string, number, boolean, null
	text    string // of a leaf, as JSON writes it
	path    []string
	members []jsonNode
}

func (n jsonNode) leaf() bool { return n.kind != "object" && n.kind != "array" }

// brief says how many members a folded value has.
func (n jsonNode) brief() string {
	noun := "item"
	if n.kind == "object" {
		noun = "field"
	}
	if len(n.members) == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", len(n.members), noun)
}

var errTreeTooLarge = errors.New("more than a tree can show")

// parseJSON reads one value of JSON, keeping the order of its members and the
// figures of its numbers.
func parseJSON(text []byte) (jsonNode, error) {
	if !json.Valid(text) {
		return jsonNode{}, errors.New("not JSON")
	}
	p := treeParser{dec: json.NewDecoder(bytes.NewReader(text))}
	p.dec.UseNumber()
	n, err := p.value(jsonNode{})
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

type treeParser struct {
	dec   *json.Decoder
	nodes int
}

// value reads the next value into n, which has its key and path.
func (p *treeParser) value(n jsonNode) (jsonNode, error) {
	p.nodes++
	if p.nodes > maxTreeNodes || len(n.path) > maxTreeDepth {
		return n, errTreeTooLarge
	}
	token, err := p.dec.Token()
	if err != nil {
		return n, err
	}
	switch t := token.(type) {
	case json.Delim:
		return p.members(n, t)
	case string:
		n.kind, n.text = "string", quote(t)
	case json.Number:
		n.kind, n.text = "number", t.String()
	case bool:
		n.kind, n.text = "boolean", strconv.FormatBool(t)
	default:
		n.kind, n.text = "null", "null"
	}
	return n, nil
}

// members reads what stands between an opening delimiter and its end.
func (p *treeParser) members(n jsonNode, open json.Delim) (jsonNode, error) {
	n.kind = "array"
	if open == '{' {
		n.kind = "object"
	}
	for i := 0; p.dec.More(); i++ {
		key := strconv.Itoa(i)
		if open == '{' {
			token, err := p.dec.Token()
			if err != nil {
				return n, err
			}
			key, _ = token.(string)
		}
		path := append(n.path[:len(n.path):len(n.path)], key)
		member, err := p.value(jsonNode{key: key, path: path})
		if err != nil {
			return n, err
		}
		n.members = append(n.members, member)
	}
	_, err := p.dec.Token() // the end
	return n, err
}

// quote writes a text as JSON does, but leaves <, > and & as they are: the
// page escapes them.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return strconv.Quote(s)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
