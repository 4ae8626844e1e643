package ui

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"tidings"
)

// What an editor does to a draft, one act at a time. Each function gives a new
// definition and leaves the one that it got as it was. Blocks keep their ids;
// no act makes a way that goes round in a circle.

// place is a spot in a draft where a block can be put: on the way out of a
// block, before everything, or before a block whoever leads to it.
type place struct {
	Before tidings.BlockID
	From   tidings.BlockID // with Exit; both "" and no Before: the start
	Exit   tidings.Exit
}

// String gives the place as an address has it: start, after:ID:EXIT, before:ID.
func (p place) String() string {
	switch {
	case p.Before != "":
		return "before:" + string(p.Before)
	case p.From != "":
		return "after:" + string(p.From) + ":" + string(p.Exit)
	}
	return "start"
}

// parsePlace reads what String gives; ok is false when the draft has no such place.
func parsePlace(text string, d *tidings.Definition) (p place, ok bool) {
	kind, rest, _ := strings.Cut(text, ":")
	switch kind {
	case "start":
		return place{}, rest == ""
	case "before":
		p.Before = tidings.BlockID(rest)
		return p, d.Block(p.Before) != nil
	case "after":
		id, exit, _ := strings.Cut(rest, ":")
		p.From, p.Exit = tidings.BlockID(id), tidings.Exit(exit)
		b := d.Block(p.From)
		return p, b != nil && slices.Contains(b.Kind.Exits(), p.Exit)
	}
	return place{}, false
}

// noEdit is an act that the draft does not allow.
func noEdit(format string, args ...any) *refusal {
	return &refusal{Status: http.StatusUnprocessableEntity, Code: tidings.CodeInvalid, Title: "Not done", Detail: fmt.Sprintf(format, args...)}
}

// copied gives a definition whose blocks and ways out can be changed.
func copied(d *tidings.Definition) tidings.Definition {
	c := *d
	c.Blocks = slices.Clone(d.Blocks)
	for i := range c.Blocks {
		c.Blocks[i].Exits = maps.Clone(c.Blocks[i].Exits)
	}
	return c
}

// mainExit is the way that a block's followers go on by when the block is taken
// out; "" of an end.
func mainExit(kind tidings.BlockKind) tidings.Exit {
	if exits := kind.Exits(); len(exits) > 0 {
		return exits[0]
	}
	return ""
}

// leadsTo gives the block at a place; "" = none.
func leadsTo(d *tidings.Definition, at place) tidings.BlockID {
	switch {
	case at.Before != "":
		return at.Before
	case at.From == "":
		return d.Start
	}
	return d.Block(at.From).Exits[at.Exit]
}

// lead has a place lead to a block; "" = nowhere. Of a copy.
func lead(d *tidings.Definition, at place, to tidings.BlockID) {
	switch {
	case at.Before != "":
		releadAll(d, at.Before, to, to)
	case at.From == "":
		d.Start = to
	default:
		setExit(d.Block(at.From), at.Exit, to)
	}
}

func setExit(b *tidings.Block, exit tidings.Exit, to tidings.BlockID) {
	if to == "" {
		delete(b.Exits, exit)
		return
	}
	if b.Exits == nil {
		b.Exits = map[tidings.Exit]tidings.BlockID{}
	}
	b.Exits[exit] = to
}

// releadAll has all ways that lead to a block lead to another, but those of the
// block that is named last.
func releadAll(d *tidings.Definition, from, to, except tidings.BlockID) {
	if d.Start == from {
		d.Start = to
	}
	for i := range d.Blocks {
		b := &d.Blocks[i]
		if b.ID == except {
			continue
		}
		for exit, target := range b.Exits {
			if target == from {
				setExit(b, exit, to)
			}
		}
	}
}

// insertBlock puts a new block at a place: what was there comes after it, by
// all ways that it must have. It gives the block's id.
func insertBlock(d *tidings.Definition, at place, kind tidings.BlockKind) (tidings.Definition, tidings.BlockID, error) {
	if !slices.Contains(tidings.BlockKinds(), kind) {
		return *d, "", noEdit("There is no block of the kind %q.", kind)
	}
	if len(d.Blocks) >= tidings.MaxBlocks {
		return *d, "", noEdit("A workflow has at most %d blocks. Take one out, or let another workflow go on.", tidings.MaxBlocks)
	}
	next := leadsTo(d, at)
	b := freshBlock(d, kind)
	for _, exit := range kind.Exits() {
		if kind.Needs(exit) && next != "" {
			b.Exits[exit] = next
		}
	}
	c := copied(d)
	position := slices.IndexFunc(c.Blocks, func(o tidings.Block) bool { return o.ID == at.From })
	c.Blocks = slices.Insert(c.Blocks, position+1, b)
	if at.Before != "" {
		releadAll(&c, at.Before, b.ID, b.ID)
	} else {
		lead(&c, at, b.ID)
	}
	return c, b.ID, nil
}

// freshBlock makes a block with an id of its own, such as webhook_2, and with
// what can be said of it before anybody has set it up.
func freshBlock(d *tidings.Definition, kind tidings.BlockKind) tidings.Block {
	b := tidings.Block{Kind: kind, Exits: map[tidings.Exit]tidings.BlockID{}}
	for n := 1; ; n++ {
		if b.ID = tidings.BlockID(fmt.Sprintf("%s_%d", kind, n)); d.Block(b.ID) == nil {
			break
		}
	}
	switch kind {
	case tidings.BlockTimer:
		b.Timer = &tidings.Timer{Seconds: 3600}
	case tidings.BlockSplit:
		b.Percent = 50
	}
	return b
}

// removeBlock takes a block out: what led to it leads to what its main way led
// to. Blocks that only its other ways led to go with it; see goesAlong.
func removeBlock(d *tidings.Definition, id tidings.BlockID) (tidings.Definition, error) {
	b := d.Block(id)
	if b == nil {
		return *d, noEdit("The workflow has no block %q any more.", id)
	}
	was := reached(d, d.Start)
	c := bypassed(d, b)
	stays := reached(&c, c.Start)
	c.Blocks = slices.DeleteFunc(c.Blocks, func(o tidings.Block) bool { return o.ID == id || was[o.ID] && !stays[o.ID] })
	dropDangling(&c)
	return c, nil
}

// bypassed has all that led to a block lead past it.
func bypassed(d *tidings.Definition, b *tidings.Block) tidings.Definition {
	next := b.Exits[mainExit(b.Kind)]
	if next == b.ID {
		next = ""
	}
	c := copied(d)
	releadAll(&c, b.ID, next, b.ID)
	return c
}

// dropDangling takes away ways that lead to blocks that are gone.
func dropDangling(d *tidings.Definition) {
	for i := range d.Blocks {
		for exit, to := range d.Blocks[i].Exits {
			if d.Block(to) == nil {
				delete(d.Blocks[i].Exits, exit)
			}
		}
	}
}

// goesAlong lists the other blocks that removeBlock takes out with a block.
func goesAlong(d *tidings.Definition, id tidings.BlockID) []tidings.Block {
	left, err := removeBlock(d, id)
	if err != nil {
		return nil
	}
	var gone []tidings.Block
	for _, b := range d.Blocks {
		if b.ID != id && left.Block(b.ID) == nil {
			gone = append(gone, b)
		}
	}
	return gone
}

// moveBlock takes a block out and puts it in at another place, with its settings
// and its other ways.
func moveBlock(d *tidings.Definition, id tidings.BlockID, at place) (tidings.Definition, error) {
	b := d.Block(id)
	switch {
	case b == nil:
		return *d, noEdit("The workflow has no block %q any more.", id)
	case len(b.Kind.Exits()) == 0:
		return *d, noEdit("Nothing can come after an end. Let the way out of another block lead to it instead.")
	case at.From == id || at.Before == id:
		return *d, nil // there it is
	}
	c := bypassed(d, b)
	moved := c.Block(id)
	next := leadsTo(&c, at)
	if at.Before != "" {
		releadAll(&c, at.Before, id, id)
	} else {
		lead(&c, at, id)
	}
	setExit(moved, mainExit(b.Kind), next)
	if circular(&c) && !circular(d) {
		return *d, noEdit("There, the workflow would go round in a circle: a run goes through each block once.")
	}
	return c, nil
}

// connect has a way out lead to another block; "" = nowhere.
func connect(d *tidings.Definition, from tidings.BlockID, exit tidings.Exit, to tidings.BlockID) (tidings.Definition, error) {
	b := d.Block(from)
	switch {
	case b == nil:
		return *d, noEdit("The workflow has no block %q any more.", from)
	case !slices.Contains(b.Kind.Exits(), exit):
		return *d, noEdit("The block %q has no way out %q.", from, exit)
	case to != "" && d.Block(to) == nil:
		return *d, noEdit("The workflow has no block %q any more.", to)
	case to != "" && reached(d, to)[from]:
		return *d, noEdit("From %q the workflow would go round in a circle: a run goes through each block once.", to)
	}
	c := copied(d)
	setExit(c.Block(from), exit, to)
	return c, nil
}

// setBlock gives a block other settings. Kind and ways out stay.
func setBlock(d *tidings.Definition, b tidings.Block) (tidings.Definition, error) {
	c := copied(d)
	old := c.Block(b.ID)
	if old == nil {
		return *d, noEdit("The workflow has no block %q any more.", b.ID)
	}
	b.Kind, b.Exits = old.Kind, old.Exits
	*old = b
	return c, nil
}

// blocksByID finds the blocks of a definition.
type blocksByID map[tidings.BlockID]*tidings.Block

func byID(d *tidings.Definition) blocksByID {
	m := make(blocksByID, len(d.Blocks))
	for i := range d.Blocks {
		m[d.Blocks[i].ID] = &d.Blocks[i]
	}
	return m
}

// reached says which blocks a run can come to from one, itself included.
func reached(d *tidings.Definition, from tidings.BlockID) map[tidings.BlockID]bool {
	return byID(d).reached(from, func(tidings.BlockID) bool { return false })
}

// reached is the same without going into blocks that are closed.
func (m blocksByID) reached(from tidings.BlockID, closed func(tidings.BlockID) bool) map[tidings.BlockID]bool {
	seen := map[tidings.BlockID]bool{}
	todo := []tidings.BlockID{from}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		b := m[id]
		if b == nil || seen[id] || closed(id) {
			continue
		}
		seen[id] = true
		for _, to := range b.Exits {
			todo = append(todo, to)
		}
	}
	return seen
}

// circular says whether some way goes round in a circle: then not all blocks can
// be put in a row in which every way goes forward.
func circular(d *tidings.Definition) bool {
	into := map[tidings.BlockID]int{}
	for i := range d.Blocks {
		for _, to := range d.Blocks[i].Exits {
			into[to]++
		}
	}
	var todo []*tidings.Block
	for i := range d.Blocks {
		if into[d.Blocks[i].ID] == 0 {
			todo = append(todo, &d.Blocks[i])
		}
	}
	inRow := 0
	for ; len(todo) > 0; inRow++ {
		b := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, to := range b.Exits {
			if into[to]--; into[to] == 0 && d.Block(to) != nil {
				todo = append(todo, d.Block(to))
			}
		}
	}
	return inRow < len(d.Blocks)
}
