package workflow

import (
	"slices"
	"strings"

	"tidings"
)

// graph is a definition as a graph, by the indices of its blocks. Exits that
// lead nowhere are none.
type graph struct {
	def   *tidings.Definition
	index map[tidings.BlockID]int
	next  [][]int // by block, in the order of its kind's exits
	// order lists the blocks that can be reached so that each comes after all that
	// lead to it; where there is a loop, as far as that goes.
	order []int
	loop  []int // the blocks of a loop, in their order; nil = there is none
}

func newGraph(d *tidings.Definition) *graph {
	g := &graph{def: d, index: make(map[tidings.BlockID]int, len(d.Blocks)), next: make([][]int, len(d.Blocks))}
	for i := range d.Blocks {
		if _, twice := g.index[d.Blocks[i].ID]; !twice {
			g.index[d.Blocks[i].ID] = i
		}
	}
	for i := range d.Blocks {
		b := &d.Blocks[i]
		for _, e := range b.Kind.Exits() {
			if to, ok := g.index[b.Exits[e]]; ok && b.Exits[e] != "" {
				g.next[i] = append(g.next[i], to)
			}
		}
	}
	if start, ok := g.index[d.Start]; ok {
		w := walk{graph: g, state: make([]visit, len(d.Blocks))}
		w.from(start)
		slices.Reverse(g.order)
	}
	return g
}

// visit is how far a walk is with a block.
type visit uint8

const (
	unseen visit = iota
	open         // on the way from the start to where the walk is
	done
)

type walk struct {
	*graph
	state []visit
	way   []int // the open blocks
}

// from visits a block and all behind it. Depth is at most MaxBlocks, which CheckDefinition holds.
func (w *walk) from(i int) {
	w.state[i] = open
	w.way = append(w.way, i)
	for _, to := range w.next[i] {
		switch {
		case w.state[to] == unseen:
			w.from(to)
		case w.state[to] == open && w.loop == nil:
			w.loop = slices.Clone(w.way[slices.Index(w.way, to):])
		}
	}
	w.way = w.way[:len(w.way)-1]
	w.state[i] = done
	w.order = append(w.order, i)
}

// paths looks at the ways through the workflow.
func (k *checker) paths() {
	if _, ok := k.graph.index[k.def.Start]; !ok {
		if k.def.Start == "" && len(k.def.Blocks) > 0 {
			k.add("start", "is missing: the block at which a run begins")
		}
		return
	}
	for i := range k.def.Blocks {
		if !slices.Contains(k.graph.order, i) && k.graph.index[k.def.Blocks[i].ID] == i {
			k.at = i
			k.add("", "can't be reached: no way from the start leads to it")
		}
	}
	if loop := k.graph.loop; loop != nil {
		k.at = loop[0]
		names := make([]string, 0, len(loop)+1)
		for _, i := range append(slices.Clone(loop), loop[0]) {
			names = append(names, string(k.def.Blocks[i].ID))
		}
		k.add("exits", "leads back to itself: %s; a run goes through each block once", strings.Join(names, " → "))
		return
	}
	k.replies()
}
