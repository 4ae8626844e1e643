package java

import (
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"
)

// machine runs a compiled expression over one text, all alternatives side by
// side, so that the cost is the length of the text times that of the
// expression and never more. Every thread and character is a step of the
// caller's budget. Its rules for ^, $ and \b are those of Java.
type machine struct {
	re    *Regex
	prog  *syntax.Prog
	s     string
	b     Bounds
	caps  []int // of the match: start and end of group 0, 1, …
	now   queue
	later queue
	stack []frame
	free  [][]int // capture slices to use again
}

// queue is a sparse set of threads in order of preference.
type queue struct {
	sparse []uint32
	dense  []thread
}

type thread struct {
	pc   uint32
	caps []int
}

// frame is a state still to be added: pc, or a capture slot to restore.
type frame struct {
	pc        uint32
	slot, old int
}

// machine takes a machine for one text; release gives it back.
func (re *Regex) machine(s string, b Bounds) *machine {
	m, ok := re.machines.Get().(*machine)
	if !ok {
		n := len(re.prog.Inst)
		sparse := make([]uint32, 2*n)
		dense := make([]thread, 0, 2*n)
		m = &machine{
			re: re, prog: re.prog,
			caps:  make([]int, 2*(re.groups+1)),
			now:   queue{sparse[:n:n], dense[0:0:n]},
			later: queue{sparse[n:], dense[n:n]},
		}
	}
	m.s, m.b = s, b
	return m
}

func (m *machine) release() {
	m.s, m.b = "", Bounds{}
	m.re.machines.Put(m)
}

// run looks for the leftmost match at or after pos; whole asks for one that
// begins at pos and ends at the end of the text. It fills caps.
func (m *machine) run(pos int, whole bool) (bool, error) {
	start := pos
	matched := false
	scratch := m.take()
	defer m.reset(scratch)
	steps := 0
	for p := pos; ; {
		if len(m.now.dense) == 0 {
			if matched || (whole || m.re.anchored) && p > start {
				break
			}
			if !whole {
				if p = m.skip(p); p < 0 {
					break
				}
			}
		}
		if !matched && (p == start || !whole && !m.re.anchored) {
			scratch[0] = p
			m.add(&m.now, uint32(m.prog.Start), p, scratch)
		}
		r, width := rune(-1), 0
		if p < len(m.s) {
			r, width = utf8.DecodeRuneInString(m.s[p:])
		}
		steps += len(m.now.dense) + 1
		if steps >= stepBatch {
			if err := m.b.step(steps); err != nil {
				return false, err
			}
			steps = 0
		}
		if m.advance(p, p+width, r, whole) {
			matched = true
		}
		m.now, m.later = m.later, m.now
		m.later.dense = m.later.dense[:0]
		if width == 0 {
			break
		}
		p += width
	}
	return matched, m.b.step(steps)
}

// reset takes back the captures of threads that are left.
func (m *machine) reset(scratch []int) {
	m.give(scratch)
	for _, q := range [...]*queue{&m.now, &m.later} {
		for _, t := range q.dense {
			m.give(t.caps)
		}
		q.dense = q.dense[:0]
	}
}

// stepBatch is how many steps are taken from the budget at once.
const stepBatch = 256

// skip is the first place at or after p where a match can begin, -1 if none.
func (m *machine) skip(p int) int {
	if m.re.anchored {
		return p
	}
	if m.re.prefix != "" {
		i := strings.Index(m.s[p:], m.re.prefix)
		if i < 0 {
			return -1
		}
		return p + i
	}
	if m.re.first == nil {
		return p
	}
	for ; p < len(m.s); p++ {
		if c := m.s[p]; c >= utf8.RuneSelf || m.re.first[c] {
			return p
		}
	}
	return -1
}

// advance moves every thread over the character r at p. It reports whether one
// matched; those less preferred than it are dropped.
func (m *machine) advance(p, next int, r rune, whole bool) bool {
	for i := range m.now.dense {
		t := m.now.dense[i]
		inst := &m.prog.Inst[t.pc]
		switch inst.Op {
		case syntax.InstMatch:
			if whole && p < len(m.s) {
				break
			}
			copy(m.caps, t.caps)
			m.caps[1] = p
			for _, rest := range m.now.dense[i:] {
				m.give(rest.caps)
			}
			return true
		case syntax.InstRune1:
			if r == inst.Rune[0] {
				m.add(&m.later, inst.Out, next, t.caps)
			}
		case syntax.InstRuneAny:
			if r >= 0 {
				m.add(&m.later, inst.Out, next, t.caps)
			}
		case syntax.InstRuneAnyNotNL:
			if r >= 0 && r != '\n' {
				m.add(&m.later, inst.Out, next, t.caps)
			}
		case syntax.InstRune:
			if r >= 0 && inst.MatchRune(r) {
				m.add(&m.later, inst.Out, next, t.caps)
			}
		}
		m.give(t.caps)
	}
	return false
}

// add puts the state pc, and all that it reaches without reading, into q.
// caps is copied into each thread.
func (m *machine) add(q *queue, pc uint32, p int, caps []int) {
	m.stack = append(m.stack[:0], frame{pc: pc, slot: -1})
	for len(m.stack) > 0 {
		f := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		if f.slot >= 0 {
			caps[f.slot] = f.old
			continue
		}
		pc := f.pc
		if i := q.sparse[pc]; i < uint32(len(q.dense)) && q.dense[i].pc == pc {
			continue
		}
		q.sparse[pc] = uint32(len(q.dense))
		q.dense = append(q.dense, thread{pc: pc})
		inst := &m.prog.Inst[pc]
		switch inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			m.stack = append(m.stack, frame{pc: inst.Arg, slot: -1}, frame{pc: inst.Out, slot: -1})
		case syntax.InstEmptyWidth:
			if m.holds(syntax.EmptyOp(inst.Arg), p) {
				m.stack = append(m.stack, frame{pc: inst.Out, slot: -1})
			}
		case syntax.InstNop:
			m.stack = append(m.stack, frame{pc: inst.Out, slot: -1})
		case syntax.InstCapture:
			if slot := int(inst.Arg); slot < len(caps) {
				m.stack = append(m.stack, frame{slot: slot, old: caps[slot]})
				caps[slot] = p
			}
			m.stack = append(m.stack, frame{pc: inst.Out, slot: -1})
		case syntax.InstFail:
		default:
			own := m.take()
			copy(own, caps)
			q.dense[len(q.dense)-1].caps = own
		}
	}
}

func (m *machine) take() []int {
	if n := len(m.free); n > 0 {
		c := m.free[n-1]
		m.free = m.free[:n-1]
		for i := range c {
			c[i] = -1
		}
		return c
	}
	c := make([]int, len(m.caps))
	for i := range c {
		c[i] = -1
	}
	return c
}

func (m *machine) give(c []int) {
	if c != nil {
		m.free = append(m.free, c)
	}
}

// holds reports whether an assertion is true at p. The translation writes the $
// of Java as an end of line, and \z as the end of the text.
func (m *machine) holds(op syntax.EmptyOp, p int) bool {
	s := m.s
	if op&syntax.EmptyBeginText != 0 && p != 0 || op&syntax.EmptyEndText != 0 && p != len(s) {
		return false
	}
	if op&syntax.EmptyBeginLine != 0 && (p == len(s) || p > 0 && !lineEndBefore(s, p)) {
		return false
	}
	if op&syntax.EmptyEndLine != 0 && !m.lineEndAt(p) {
		return false
	}
	if op&(syntax.EmptyWordBoundary|syntax.EmptyNoWordBoundary) != 0 {
		before, _ := utf8.DecodeLastRuneInString(s[:p])
		after, _ := utf8.DecodeRuneInString(s[p:])
		boundary := (p > 0 && wordRune(before)) != (p < len(s) && wordRune(after))
		return boundary == (op&syntax.EmptyWordBoundary != 0)
	}
	return true
}

// wordRune is what \b of Java 17 takes for a part of a word.
func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.Is(unicode.Nd, r)
}

// lineEndAt reports whether $ holds at p: at the end, before the last line end,
// and in multiline mode before every line end.
func (m *machine) lineEndAt(p int) bool {
	s := m.s
	if p == len(s) {
		return true
	}
	n := lineEnd(s[p:])
	if n == 0 || s[p] == '\n' && p > 0 && s[p-1] == '\r' {
		return false
	}
	return m.re.multiline || p+n == len(s)
}

// lineEnd is the length of the line end that s begins with, 0 if it has none.
func lineEnd(s string) int {
	switch {
	case strings.HasPrefix(s, "\r\n"), strings.HasPrefix(s, "\u0085"):
		return 2
	case s[0] == '\n', s[0] == '\r':
		return 1
	case strings.HasPrefix(s, "\u2028"), strings.HasPrefix(s, "\u2029"):
		return 3
	}
	return 0
}

// lineEndBefore reports whether a line end stops at p, not inside \r\n.
func lineEndBefore(s string, p int) bool {
	if s[p-1] == '\r' && s[p] == '\n' {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(s[:p])
	switch r {
	case '\n', '\r', 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// firstBytes finds the ASCII characters that can begin a match, nil when a
// match may be empty or hang on what stands before it.
func firstBytes(prog *syntax.Prog) *[128]bool {
	var set [128]bool
	seen := make([]bool, len(prog.Inst))
	todo := []uint32{uint32(prog.Start)}
	for len(todo) > 0 {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		inst := &prog.Inst[pc]
		switch inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			todo = append(todo, inst.Out, inst.Arg)
		case syntax.InstNop, syntax.InstCapture, syntax.InstEmptyWidth:
			todo = append(todo, inst.Out)
		case syntax.InstMatch:
			return nil
		case syntax.InstFail:
		default:
			for c := range set {
				set[c] = set[c] || inst.MatchRune(rune(c))
			}
		}
	}
	return &set
}
