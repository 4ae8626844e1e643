package ui

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"tidings"
)

// drawn writes a flow in one line: blocks with commas, ways in braces; ↓ joins,
// →x jumps, ⊥ leads nowhere.
func drawn(f flow) string {
	text := drawnLane(f.Main)
	for _, l := range f.Loose {
		text += " | " + drawnLane(l)
	}
	return text
}

func drawnLane(l lane) string {
	var parts []string
	for _, s := range l.Steps {
		text := string(s.Block.ID)
		if len(s.Ways) > 0 {
			var ways []string
			for _, w := range s.Ways {
				ways = append(ways, string(w.Exit)+": "+drawnLane(w.Lane))
			}
			text += "{" + strings.Join(ways, "; ") + "}"
		}
		parts = append(parts, text)
	}
	switch l.End {
	case laneJoins:
		parts = append(parts, "↓")
	case laneJumps:
		parts = append(parts, "→"+string(l.Jump))
	case laneOpen:
		parts = append(parts, "⊥")
	}
	return strings.Join(parts, ", ")
}

// graph reads a definition of one line: "a:timer next=b; b:end". The first block is the start.
func graph(t *testing.T, text string) tidings.Definition {
	t.Helper()
	var d tidings.Definition
	for each := range strings.SplitSeq(text, ";") {
		words := strings.Fields(each)
		id, kind, _ := strings.Cut(words[0], ":")
		b := tidings.Block{ID: tidings.BlockID(id), Kind: tidings.BlockKind(kind), Exits: map[tidings.Exit]tidings.BlockID{}}
		for _, w := range words[1:] {
			exit, to, _ := strings.Cut(w, "=")
			b.Exits[tidings.Exit(exit)] = tidings.BlockID(to)
		}
		d.Blocks = append(d.Blocks, b)
	}
	d.Start = d.Blocks[0].ID
	return d
}

// plain writes a definition as graph reads it.
func plain(d *tidings.Definition) string {
	var blocks []string
	for _, b := range d.Blocks {
		text := string(b.ID) + ":" + string(b.Kind)
		for _, exit := range b.Kind.Exits() {
			if to := b.Exits[exit]; to != "" {
				text += " " + string(exit) + "=" + string(to)
			}
		}
		blocks = append(blocks, text)
	}
	return strings.Join(blocks, "; ")
}

func TestWaysStandSideBySideAndComeTogetherAgain(t *testing.T) {
	for _, c := range []struct{ what, graph, want string }{
		{"one after the other", "a:timer next=b; b:message next=c; c:end", "a, b, c"},
		{"both ways empty", "a:condition yes=b no=b; b:end", "a{yes: ↓; no: ↓}, b"},
		{"a diamond", "a:condition yes=b no=c; b:timer next=d; c:timer next=d; d:end", "a{yes: b, ↓; no: c, ↓}, d"},
		{"a webhook without a way for failures", "a:webhook ok=b; b:end", "a, b"},
		{"a webhook with one", "a:webhook ok=b failed=c; b:timer next=c; c:end", "a{ok: b, ↓; failed: ↓}, c"},
		{"one way only ends", "a:condition yes=b no=x; b:timer next=c; c:end; x:end", "a{yes: ↓; no: x}, b, c"},
		{"both end apart", "a:condition yes=b no=c; b:timer next=x; c:timer next=y; x:end; y:end", "a{yes: b, x; no: c, y}"},
		{"within each other", "a:condition yes=b no=e; b:condition yes=c no=d; c:timer next=e; d:timer next=e; e:end", "a{yes: b{yes: c, ↓; no: d, ↓}, ↓; no: ↓}, e"},
		{"a way out leads nowhere", "a:timer", "a, ⊥"},
		{"of two ways one leads nowhere", "a:condition yes=b; b:timer next=c; c:end", "a{yes: ↓; no: ⊥}, b, c"},
		{"the start of another lane", "a:end; b:timer next=c; c:end", "a | b, c"},
		{"into what is drawn", "a:timer next=c; c:end; b:timer next=c", "a, c | b, →c"},
		{"a circle", "a:timer next=b; b:timer next=a", "a, b, →a"},
		{"a circle that nothing leads to", "a:end; b:timer next=c; c:timer next=b", "a | b, c, →b"},
		{"to itself", "a:timer next=a", "a, →a"},
		{
			"the workflow of the docs", "find:webhook ok=code failed=later; code:webhook ok=has failed=later; has:condition yes=wait no=later; wait:timer next=send; send:message next=end; later:addToSegment next=end; end:end",
			"find{ok: code{ok: has{yes: wait, send, end; no: ↓}, ↓; failed: ↓}, ↓; failed: ↓}, later, →end",
		},
	} {
		d := graph(t, c.graph)
		if got := drawn(layOut(&d)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
	}
}

func TestAnActOfTheEditorChangesTheDraftSo(t *testing.T) {
	insert := func(at string, kind tidings.BlockKind) func(*tidings.Definition) (tidings.Definition, error) {
		return func(d *tidings.Definition) (tidings.Definition, error) {
			p, ok := parsePlace(at, d)
			if !ok {
				return *d, fmt.Errorf("no place %s", at)
			}
			out, _, err := insertBlock(d, p, kind)
			return out, err
		}
	}
	remove := func(id tidings.BlockID) func(*tidings.Definition) (tidings.Definition, error) {
		return func(d *tidings.Definition) (tidings.Definition, error) { return removeBlock(d, id) }
	}
	move := func(id tidings.BlockID, at string) func(*tidings.Definition) (tidings.Definition, error) {
		return func(d *tidings.Definition) (tidings.Definition, error) {
			p, _ := parsePlace(at, d)
			return moveBlock(d, id, p)
		}
	}
	lead := func(id tidings.BlockID, exit tidings.Exit, to tidings.BlockID) func(*tidings.Definition) (tidings.Definition, error) {
		return func(d *tidings.Definition) (tidings.Definition, error) { return connect(d, id, exit, to) }
	}
	for _, c := range []struct {
		what, graph string
		act         func(*tidings.Definition) (tidings.Definition, error)
		want        string
	}{
		{"a block at the start", "a:end", insert("start", "timer"), "timer_1:timer next=a; a:end"},
		{"a condition: both ways go on", "a:timer next=b; b:end", insert("after:a:next", "condition"), "a:timer next=condition_1; condition_1:condition yes=b no=b; b:end"},
		{"a webhook: without a way for failures", "a:timer next=b; b:end", insert("after:a:next", "webhook"), "a:timer next=webhook_1; webhook_1:webhook ok=b; b:end"},
		{"where both ways have come together", "a:condition yes=b no=b; b:end", insert("before:b", "timer"), "timer_1:timer next=b; a:condition yes=timer_1 no=timer_1; b:end"},
		{"an end leaves what comes after it loose", "a:timer next=b; b:end", insert("after:a:next", "end"), "a:timer next=end_1; end_1:end; b:end"},
		{"an id of its own", "timer_1:timer next=b; b:end", insert("start", "timer"), "timer_2:timer next=timer_1; timer_1:timer next=b; b:end"},
		{"a kind that is none", "a:end", insert("start", "sms"), "error There is no block of the kind \"sms\"."},
		{"out of the middle", "a:timer next=b; b:message next=c; c:end", remove("b"), "a:timer next=c; c:end"},
		{"the first", "a:timer next=b; b:end", remove("a"), "b:end"},
		{"a condition and what only its no led to", "a:condition yes=b no=c; b:timer next=d; c:timer next=d; d:end", remove("a"), "b:timer next=d; d:end"},
		{"an end leaves a way open", "a:timer next=b; b:end", remove("b"), "a:timer"},
		{"what is not there", "a:end", remove("x"), `error The workflow has no block "x" any more.`},
		{"loose blocks stay", "a:timer next=b; b:end; x:timer", remove("a"), "b:end; x:timer"},
		{"further down", "a:timer next=b; b:message next=c; c:end", move("a", "after:b:next"), "a:timer next=c; b:message next=a; c:end"},
		{"further up", "a:timer next=b; b:message next=c; c:end", move("b", "start"), "a:timer next=c; b:message next=a; c:end"},
		{"into a way", "a:condition yes=b no=b; b:timer next=c; c:end", move("b", "after:a:no"), "a:condition yes=c no=b; b:timer next=c; c:end"},
		{"to where it is", "a:timer next=b; b:end", move("a", "after:a:next"), "a:timer next=b; b:end"},
		{"into its own way", "a:condition yes=c no=b; b:timer next=c; c:end", move("a", "after:b:next"), "error There, the workflow would go round in a circle: a run goes through each block once."},
		{"an end", "a:timer next=b; b:end", move("b", "start"), "error Nothing can come after an end. Let the way out of another block lead to it instead."},
		{"a way elsewhere", "a:webhook ok=b; b:timer next=c; c:end", lead("a", "failed", "c"), "a:webhook ok=b failed=c; b:timer next=c; c:end"},
		{"a way nowhere", "a:timer next=b; b:end", lead("a", "next", ""), "a:timer; b:end"},
		{"a way back", "a:timer next=b; b:timer next=c; c:end", lead("b", "next", "a"), `error From "a" the workflow would go round in a circle: a run goes through each block once.`},
		{"a way that it has not", "a:timer next=b; b:end", lead("a", "yes", "b"), `error The block "a" has no way out "yes".`},
	} {
		d := graph(t, c.graph)
		before := plain(&d)
		after, err := c.act(&d)
		got := plain(&after)
		if err != nil {
			got = "error " + err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
		if plain(&d) != before {
			t.Errorf("%s changed the definition that it got: %s", c.what, plain(&d))
		}
	}
}

// placesOf lists every place that is drawn.
func placesOf(f flow) []place {
	var all []place
	var of func(lane)
	of = func(l lane) {
		for _, s := range l.Steps {
			all = append(all, s.Place)
			for _, w := range s.Ways {
				of(w.Lane)
			}
		}
		if l.Adds {
			all = append(all, l.Last)
		}
	}
	of(f.Main)
	for _, l := range f.Loose {
		of(l)
	}
	return all
}

func TestWhateverIsDoneTheDraftStaysAGraphThatIsDrawnWhole(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		d := tidings.Definition{Start: "end", Blocks: []tidings.Block{{ID: "end", Kind: tidings.BlockEnd}}}
		for step := range 120 {
			before := d
			var err error
			var gone map[tidings.BlockID]bool
			places := placesOf(layOut(&d))
			some := func() tidings.BlockID { return d.Blocks[random.IntN(len(d.Blocks))].ID }
			at := places[random.IntN(len(places))]
			switch n := random.IntN(10); {
			case n < 5 || len(d.Blocks) < 3:
				d, _, err = insertBlock(&d, at, tidings.BlockKinds()[random.IntN(len(tidings.BlockKinds()))])
			case n < 6:
				id := some()
				gone = map[tidings.BlockID]bool{id: true}
				for _, b := range goesAlong(&d, id) {
					gone[b.ID] = true
				}
				d, err = removeBlock(&d, id)
			case n < 8:
				d, err = moveBlock(&d, some(), at)
			default:
				if b := d.Block(some()); len(b.Kind.Exits()) > 0 {
					d, err = connect(&d, b.ID, b.Kind.Exits()[random.IntN(len(b.Kind.Exits()))], some())
				}
			}
			if len(d.Blocks) == 0 {
				break
			}
			fail := func(format string, args ...any) {
				t.Fatalf("seed %d, step %d: %s\nwas %s\nis  %s (%v)", seed, step, fmt.Sprintf(format, args...), plain(&before), plain(&d), err)
			}
			if faults := tidings.CheckDefinition(&d); len(faults) > 0 {
				fail("it can't be saved: %v", faults)
			}
			if circular(&d) {
				fail("it goes round in a circle")
			}
			for _, b := range before.Blocks {
				if now := d.Block(b.ID); (now == nil) != gone[b.ID] || now != nil && now.Kind != b.Kind {
					fail("block %s", b.ID)
				}
			}
			times := map[tidings.BlockID]int{}
			for _, s := range stepsOf(layOut(&d)) {
				times[s.Block.ID]++
			}
			for _, b := range d.Blocks {
				if times[b.ID] != 1 {
					fail("%s is drawn %d times: %s", b.ID, times[b.ID], drawn(layOut(&d)))
				}
			}
			if read, ok := parsePlace(at.String(), &before); !ok || read != at {
				fail("the place %s is read as %v", at, read)
			}
		}
	}
}

func stepsOf(f flow) []laneStep {
	var all []laneStep
	var of func(lane)
	of = func(l lane) {
		for _, s := range l.Steps {
			all = append(all, s)
			for _, w := range s.Ways {
				of(w.Lane)
			}
		}
	}
	of(f.Main)
	for _, l := range f.Loose {
		of(l)
	}
	return all
}

func FuzzAnyDefinitionIsDrawnWhole(f *testing.F) {
	f.Add(`{"start":"a","blocks":[{"id":"a","kind":"condition","exits":{"yes":"b","no":"a"}},{"id":"b","kind":"end"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var d tidings.Definition
		if json.Unmarshal([]byte(text), &d) != nil || len(tidings.CheckDefinition(&d)) > 0 {
			return
		}
		if got := len(stepsOf(layOut(&d))); got != len(d.Blocks) {
			t.Errorf("%d of %d blocks are drawn: %s", got, len(d.Blocks), text)
		}
	})
}
