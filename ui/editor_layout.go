package ui

import (
	"slices"

	"tidings"
)

// The flow of a definition as it is drawn: lanes of blocks under each other,
// and within them the ways out of a block side by side, which come together
// again where all of them go on the same way. Every block is drawn once. A way
// that goes on at a block which is drawn elsewhere is a jump.

// laneEnd is how a lane ends.
type laneEnd string

const (
	laneClosed laneEnd = "closed" // the run ends, or each of its last block's ways has ended
	laneJoins  laneEnd = "joins"  // it goes on under the ways that it is one of
	laneJumps  laneEnd = "jumps"  // it goes on at a block that is drawn elsewhere
	laneOpen   laneEnd = "open"   // it leads nowhere
)

// lane is blocks under each other.
type lane struct {
	Steps []laneStep
	End   laneEnd
	Jump  tidings.BlockID // with laneJumps
	Last  place           // where something can be added at the lane's end; none after laneClosed
	Adds  bool            // something can be added at Last
}

// laneStep is a block in a lane, with the place before it.
type laneStep struct {
	Place place
	Block *tidings.Block
	Ways  []way // when there is more than one
}

// way is one of the ways out of a block.
type way struct {
	Exit tidings.Exit
	Lane lane
}

// flow is all that is drawn of a definition.
type flow struct {
	Main  lane
	Loose []lane // what no way leads to
}

// layOut arranges a definition, an unfinished or a circular one too.
func layOut(d *tidings.Definition) flow {
	l := &layout{d: d, blocks: byID(d), drawn: map[tidings.BlockID]bool{}}
	f := flow{Main: l.lane(d.Start, place{}, nil)}
	for _, b := range l.heads() {
		if !l.drawn[b] {
			f.Loose = append(f.Loose, l.lane(b, place{Before: b}, nil))
		}
	}
	return f
}

type layout struct {
	d      *tidings.Definition
	blocks blocksByID
	drawn  map[tidings.BlockID]bool
}

// heads lists the blocks at which drawing begins once more after the start: first
// those that nothing leads to, then, for circles, all.
func (l *layout) heads() []tidings.BlockID {
	led := map[tidings.BlockID]bool{}
	for i := range l.d.Blocks {
		for _, to := range l.d.Blocks[i].Exits {
			led[to] = true
		}
	}
	var first, rest []tidings.BlockID
	for i := range l.d.Blocks {
		if id := l.d.Blocks[i].ID; led[id] {
			rest = append(rest, id)
		} else {
			first = append(first, id)
		}
	}
	return append(first, rest...)
}

// lane arranges what comes from a block on until one of stops, the nearest of
// which is the last one.
func (l *layout) lane(cur tidings.BlockID, at place, stops []tidings.BlockID) lane {
	var out lane
	for {
		b := l.blocks[cur]
		out.Last, out.Adds = at, true
		switch {
		case b == nil:
			out.End = laneOpen
			return out
		case len(stops) > 0 && cur == stops[len(stops)-1]:
			out.End, out.Adds = laneJoins, at.Before == ""
			return out
		case l.drawn[cur] || slices.Contains(stops, cur):
			out.End, out.Jump, out.Adds = laneJumps, cur, at.Before == ""
			return out
		}
		l.drawn[cur] = true
		step := laneStep{Place: at, Block: b}
		exits := shownExits(b)
		switch len(exits) {
		case 0:
			out.Steps = append(out.Steps, step)
			out.End, out.Adds = laneClosed, false
			return out
		case 1:
			out.Steps = append(out.Steps, step)
			cur, at = b.Exits[exits[0]], place{From: b.ID, Exit: exits[0]}
			continue
		}
		join := l.join(b, exits, stops)
		within := stops
		if join != "" && (len(stops) == 0 || join != stops[len(stops)-1]) {
			within = append(slices.Clone(stops), join)
		}
		for _, exit := range exits {
			step.Ways = append(step.Ways, way{exit, l.lane(b.Exits[exit], place{From: b.ID, Exit: exit}, within)})
		}
		out.Steps = append(out.Steps, step)
		if join == "" {
			out.End, out.Adds = endOf(step.Ways), false
			return out
		}
		cur, at = join, place{Before: join}
	}
}

// endOf says how a lane ends whose last block's ways do not come together: when one
// of them goes on under an outer block, so does the lane.
func endOf(ways []way) laneEnd {
	if slices.ContainsFunc(ways, func(w way) bool { return w.Lane.End == laneJoins }) {
		return laneJoins
	}
	return laneClosed
}

// shownExits lists the ways out of a block that are drawn: all that it must have,
// and those that lead somewhere.
func shownExits(b *tidings.Block) []tidings.Exit {
	var list []tidings.Exit
	for _, exit := range b.Kind.Exits() {
		if b.Kind.Needs(exit) || b.Exits[exit] != "" {
			list = append(list, exit)
		}
	}
	return list
}

// join gives the block at which the ways out of a block come together: the first
// one that two of them come to, while what lies before it on each way is that
// way's own. Where one way goes on and all others only end, they come together
// at what it goes on with, so that the flow stays in one lane. "" = nowhere.
func (l *layout) join(b *tidings.Block, exits []tidings.Exit, stops []tidings.BlockID) tidings.BlockID {
	outer := func(id tidings.BlockID) bool { return l.drawn[id] || slices.Contains(stops, id) }
	var targets, goOn []tidings.BlockID // targets once an exit, ends included
	for _, exit := range exits {
		to := l.blocks[b.Exits[exit]]
		if to == nil {
			continue
		}
		targets = append(targets, to.ID)
		if to.Kind != tidings.BlockEnd {
			goOn = append(goOn, to.ID)
		}
	}
	for _, candidate := range l.candidates(targets, outer) {
		if l.separates(candidate, targets, outer) {
			return candidate
		}
	}
	if len(goOn) == 1 && !outer(goOn[0]) {
		return goOn[0]
	}
	return ""
}

// candidates lists the blocks that several targets come to, those that come
// first on their way first. The blocks of outer end the search, and count.
func (l *layout) candidates(targets []tidings.BlockID, outer func(tidings.BlockID) bool) []tidings.BlockID {
	times := map[tidings.BlockID]int{}
	var order []tidings.BlockID // each block before all that it leads to, reversed
	for _, t := range targets {
		seen := map[tidings.BlockID]bool{}
		l.visit(t, outer, seen, func(id tidings.BlockID) {
			if times[id]++; times[id] == 1 {
				order = append(order, id)
			}
		})
	}
	slices.Reverse(order)
	return slices.DeleteFunc(order, func(id tidings.BlockID) bool { return times[id] < 2 || l.drawn[id] && !outer(id) })
}

// visit goes through what comes from a block, giving each block after those that it leads to.
func (l *layout) visit(id tidings.BlockID, outer func(tidings.BlockID) bool, seen map[tidings.BlockID]bool, leave func(tidings.BlockID)) {
	b := l.blocks[id]
	if b == nil || seen[id] {
		return
	}
	seen[id] = true
	if !outer(id) {
		for _, exit := range b.Kind.Exits() {
			l.visit(b.Exits[exit], outer, seen, leave)
		}
	}
	leave(id)
}

// separates says whether what lies before a block on each of the ways is that way's own.
func (l *layout) separates(at tidings.BlockID, targets []tidings.BlockID, outer func(tidings.BlockID) bool) bool {
	owned, arrive := map[tidings.BlockID]bool{}, 0
	closed := func(id tidings.BlockID) bool { return id == at || outer(id) }
	for _, t := range targets {
		region := l.blocks.reached(t, closed)
		for id := range region {
			if owned[id] {
				return false
			}
		}
		arrives := t == at
		for id := range region {
			owned[id] = true
			for _, to := range l.blocks[id].Exits {
				arrives = arrives || to == at
			}
		}
		if arrives {
			arrive++
		}
	}
	return arrive > 1
}
