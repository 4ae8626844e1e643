package browser

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// node is something on the page as it is read out.
type node struct {
	role, name string
	id         cdp.BackendNodeID
}

func (n node) String() string { return fmt.Sprintf("%s %q", n.role, n.name) }

// where is a part of the page: the name begins so.
type where struct{ role, name string }

// Within gives the tab for a part of the page only: e.g. a "dialog", "row",
// "region", "form" or "navigation" whose name, or what stands in it when it has
// none, contains a text. It must be there once.
func (p *Tab) Within(role, name string) *Tab {
	part := *p
	part.scope = append(slices.Clone(p.scope), where{role, name})
	return &part
}

// place says in words which part of the page is meant.
func (p *Tab) place() string {
	words := ""
	for _, w := range p.scope {
		words += fmt.Sprintf(" in %s %q", w.role, w.name)
	}
	return words
}

// tree is the page's accessibility tree.
type tree struct {
	nodes map[accessibility.NodeID]*accessibility.Node
	root  []accessibility.NodeID
}

func (p *Tab) tree() (*tree, error) {
	res, err := chromedp.Call(p.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil || len(res.Nodes) == 0 {
		return nil, fmt.Errorf("the page can't be read: %w", err)
	}
	t := &tree{nodes: make(map[accessibility.NodeID]*accessibility.Node, len(res.Nodes))}
	for _, n := range res.Nodes {
		t.nodes[n.NodeID] = n
	}
	t.root = []accessibility.NodeID{res.Nodes[0].NodeID}
	for _, w := range p.scope {
		var found []accessibility.NodeID
		t.each(func(n *accessibility.Node) {
			if text(n.Role) == w.role && t.called(n, w.name) {
				found = append(found, n.NodeID)
			}
		})
		if len(found) != 1 {
			return nil, fmt.Errorf("there are %d of %s %q", len(found), w.role, w.name)
		}
		t.root = found
	}
	return t, nil
}

// called says whether a node's name has a text in it; what has no name, such as
// a row, goes by what stands in it.
func (t *tree) called(n *accessibility.Node, words string) bool {
	if name := text(n.Name); name != "" {
		return strings.Contains(name, words)
	}
	inner := tree{nodes: t.nodes, root: n.ChildIDs}
	found := false
	inner.each(func(n *accessibility.Node) { found = found || strings.Contains(text(n.Name), words) })
	return found
}

// each visits all nodes that are read out, in the order of the page.
func (t *tree) each(f func(*accessibility.Node)) {
	var visit func(id accessibility.NodeID)
	visit = func(id accessibility.NodeID) {
		n := t.nodes[id]
		if n == nil {
			return
		}
		if !n.Ignored {
			f(n)
		}
		for _, child := range n.ChildIDs {
			visit(child)
		}
	}
	for _, id := range t.root {
		visit(id)
	}
}

func text(v *accessibility.Value) string {
	var s string
	if v == nil || json.Unmarshal(v.Value, &s) != nil {
		return ""
	}
	return strings.Join(strings.Fields(s), " ")
}

// find gives the one node of one of some roles that is called name: exactly, or,
// when there is none, the one whose name begins so. Else it says what there is.
func (p *Tab) find(name string, roles ...string) (node, error) {
	t, err := p.tree()
	if err != nil {
		return node{}, err
	}
	var exact, begins, all []node
	t.each(func(a *accessibility.Node) {
		n := node{text(a.Role), text(a.Name), a.BackendDOMNodeID}
		if !slices.Contains(roles, n.role) {
			return
		}
		all = append(all, n)
		switch {
		case n.name == name:
			exact = append(exact, n)
		case strings.HasPrefix(n.name, name):
			begins = append(begins, n)
		}
	})
	for _, found := range [][]node{exact, begins} {
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 && p.alike(found) {
			return found[0], nil
		}
		if len(found) > 1 {
			return node{}, fmt.Errorf("%q%s can be any of %v", name, p.place(), found)
		}
	}
	return node{}, fmt.Errorf("there is no %q%s among %v", name, p.place(), all)
}

// alike says whether nodes are links to one address: it does not matter which is followed.
func (p *Tab) alike(nodes []node) bool {
	to := ""
	for _, n := range nodes {
		href, err := call[string](p, n.id, `function() { return this.href ?? "" }`)
		if err != nil || href == "" || to != "" && href != to {
			return false
		}
		to = href
	}
	return true
}

// call calls a JavaScript function on a node and gives what it returns.
func call[T any](p *Tab, id cdp.BackendNodeID, function string, args ...any) (T, error) {
	var out T
	o, err := chromedp.Call(p.ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: id})
	if err != nil {
		return out, err
	}
	params := runtime.CallFunctionOnParams{FunctionDeclaration: function, ObjectID: o.Object.ObjectID, ReturnByValue: new(true), AwaitPromise: new(true), UserGesture: new(true)}
	for _, a := range args {
		value, err := json.Marshal(a)
		if err != nil {
			return out, err
		}
		params.Arguments = append(params.Arguments, &runtime.CallArgument{Value: value})
	}
	res, err := chromedp.Call(p.ctx, runtime.CallFunctionOn, params)
	switch {
	case err != nil:
		return out, err
	case res.ExceptionDetails != nil:
		return out, fmt.Errorf("%s", description(res.ExceptionDetails.Exception))
	case len(res.Result.Value) == 0:
		return out, nil
	}
	return out, json.Unmarshal(res.Result.Value, &out)
}

// text gives what the meant part of the page shows, or what is missing.
func (p *Tab) text() (shown, missing string) {
	if p.scope == nil {
		s, err := eval[string](p, `document.body?.innerText ?? ""`)
		if err != nil {
			return "", err.Error()
		}
		return strings.Join(strings.Fields(s), " "), ""
	}
	t, err := p.tree()
	if err != nil {
		return "", err.Error()
	}
	s, err := call[string](p, t.nodes[t.root[0]].BackendDOMNodeID, `function() { return this.innerText }`)
	if err != nil {
		return "", err.Error()
	}
	return strings.Join(strings.Fields(s), " "), ""
}

// focused gives what has the focus.
func (p *Tab) focused() (node, error) {
	res, err := chromedp.Call(p.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "document.activeElement"})
	if err != nil {
		return node{}, err
	}
	ax, err := chromedp.Call(p.ctx, accessibility.GetPartialAXTree, accessibility.GetPartialAXTreeParams{ObjectID: res.Result.ObjectID, FetchRelatives: new(false)})
	if err != nil || len(ax.Nodes) == 0 {
		return node{}, fmt.Errorf("what has the focus can't be read: %w", err)
	}
	n := ax.Nodes[0]
	return node{text(n.Role), text(n.Name), n.BackendDOMNodeID}, nil
}
