package java

import (
	"regexp/syntax"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// MaxRegexSource is the most bytes of a pattern that Compile takes.
const MaxRegexSource = 1 << 10

// RegexError says why a pattern or a replacement was refused.
type RegexError struct {
	Pattern     string
	Message     string
	Unsupported bool // right in Java, but it needs backtracking
}

// Error returns the reason with the pattern.
func (e *RegexError) Error() string {
	return e.Message + " in regular expression " + strconv.Quote(e.Pattern)
}

// Bounds limit one use of a regular expression.
type Bounds struct {
	Bytes  int               // of the result
	Pieces int               // of a split
	Step   func(n int) error // takes n steps of matching from a budget; nil is no budget
}

func (b Bounds) step(n int) error {
	if b.Step == nil {
		return nil
	}
	return b.Step(n)
}

// RegexCache keeps compiled patterns, each with the error that compiling it
// gave. It is safe for concurrent use and holds a bounded number of them.
type RegexCache struct {
	mu    sync.Mutex
	size  int
	byKey map[string]compiled
}

type compiled struct {
	re  *Regex
	err error
}

// NewRegexCache makes a cache of at most size patterns.
func NewRegexCache(size int) *RegexCache {
	return &RegexCache{size: max(size, 1), byKey: make(map[string]compiled)}
}

// Compile compiles a pattern written for java.util.regex. The error is a
// *RegexError.
func (c *RegexCache) Compile(pattern string) (*Regex, error) {
	c.mu.Lock()
	got, ok := c.byKey[pattern]
	c.mu.Unlock()
	if ok {
		return got.re, got.err
	}
	if len(pattern) > MaxRegexSource {
		return nil, &RegexError{Pattern: pattern[:64] + "…", Message: "more than " + strconv.Itoa(MaxRegexSource) + " bytes"}
	}
	got.re, got.err = compileRegex(pattern)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byKey) >= c.size {
		for k := range c.byKey { // any one: the order of a map is as good as chance
			delete(c.byKey, k)
			break
		}
	}
	c.byKey[strings.Clone(pattern)] = got
	return got.re, got.err
}

// Regex is a compiled regular expression of Java. It is safe for concurrent use.
type Regex struct {
	pattern   string
	prog      *syntax.Prog
	prefix    string     // every match starts with it
	literal   bool       // prefix is the whole expression
	first     *[128]bool // ASCII characters that can start a match; nil if any can or it may be empty
	anchored  bool       // begins with \A or ^: no match but at the start
	multiline bool
	groups    int
	names     []string  // by group number, "" for numbered ones
	machines  sync.Pool // of *machine, to use again
}

func compileRegex(pattern string) (*Regex, error) {
	tr, err := translateRegex(pattern)
	if err != nil {
		return nil, err
	}
	tree, perr := syntax.Parse(tr.out, syntax.Perl)
	if perr != nil {
		return nil, &RegexError{Pattern: pattern, Message: syntaxMessage(perr)}
	}
	re := &Regex{pattern: pattern, multiline: tr.multiline, groups: tree.MaxCap(), names: tree.CapNames()}
	re.prog, perr = syntax.Compile(tree.Simplify())
	if perr != nil {
		return nil, &RegexError{Pattern: pattern, Message: syntaxMessage(perr)}
	}
	re.prefix, re.literal = re.prog.Prefix()
	re.literal = re.literal && re.groups == 0
	re.anchored = re.prog.StartCond()&syntax.EmptyBeginText != 0
	re.first = firstBytes(re.prog)
	return re, nil
}

func syntaxMessage(err error) string {
	if e, ok := err.(*syntax.Error); ok {
		return string(e.Code)
	}
	return err.Error()
}

// Matches reports whether the whole of s matches: String.matches.
func (re *Regex) Matches(s string, b Bounds) (bool, error) {
	if re.literal {
		return s == re.prefix, b.step(len(re.prefix))
	}
	m := re.machine(s, b)
	defer m.release()
	return m.run(0, true)
}

// finder goes through the matches of s as Matcher.find does: after an empty
// match the search goes on one character further.
type finder struct {
	re   *Regex
	m    *machine
	s    string
	b    Bounds
	caps []int
	next int
}

func (re *Regex) finder(s string, b Bounds) finder {
	f := finder{re: re, s: s, b: b}
	if re.literal {
		f.caps = make([]int, 2)
	} else {
		f.m = re.machine(s, b)
		f.caps = f.m.caps
	}
	return f
}

// done gives the machine back; caps must not be read any more.
func (f *finder) done() {
	if f.m != nil {
		f.m.release()
	}
}

// find moves to the next match, whose groups are then in caps.
func (f *finder) find() (bool, error) {
	if f.next > len(f.s) {
		return false, nil
	}
	ok, err := f.search()
	if !ok || err != nil {
		return false, err
	}
	f.next = f.caps[1]
	if f.caps[0] == f.caps[1] {
		_, n := utf8.DecodeRuneInString(f.s[f.next:])
		f.next += max(n, 1)
	}
	return true, nil
}

func (f *finder) search() (bool, error) {
	if !f.re.literal {
		return f.m.run(f.next, false)
	}
	i := strings.Index(f.s[f.next:], f.re.prefix)
	if i < 0 {
		return false, f.b.step((len(f.s) - f.next) / literalBytesPerStep)
	}
	f.caps[0] = f.next + i
	f.caps[1] = f.caps[0] + len(f.re.prefix)
	return true, f.b.step(1 + i/literalBytesPerStep)
}

// literalBytesPerStep is how many bytes a plain search passes in one step.
const literalBytesPerStep = 16

// ReplaceAll is String.replaceAll. In repl $1 and ${name} are groups and \
// takes the next character as it is.
func (re *Regex) ReplaceAll(s, repl string, b Bounds) (string, error) {
	return re.replace(s, repl, -1, b)
}

// ReplaceFirst is String.replaceFirst.
func (re *Regex) ReplaceFirst(s, repl string, b Bounds) (string, error) {
	return re.replace(s, repl, 1, b)
}

func (re *Regex) replace(s, repl string, count int, b Bounds) (string, error) {
	var out []byte
	done := 0
	var parts []replPart
	f := re.finder(s, b)
	defer f.done()
	for ; count != 0; count-- {
		ok, err := f.find()
		if err != nil {
			return "", err
		}
		if !ok {
			break
		}
		if parts == nil {
			// Java looks at the replacement only when something matches.
			if parts, err = re.parseReplacement(repl); err != nil {
				return "", err
			}
		}
		out = append(out, s[done:f.caps[0]]...)
		for _, p := range parts {
			if p.group < 0 {
				out = append(out, p.text...)
			} else if from := f.caps[2*p.group]; from >= 0 {
				out = append(out, s[from:f.caps[2*p.group+1]]...)
			}
		}
		if done = f.caps[1]; len(out)+len(s)-done > b.Bytes {
			return "", ErrTooLong
		}
	}
	if parts == nil {
		return s, nil
	}
	return string(append(out, s[done:]...)), nil
}

// replPart is a piece of a replacement: text, or a group.
type replPart struct {
	text  string
	group int // -1 for text
}

func (re *Regex) parseReplacement(repl string) ([]replPart, error) {
	parts := make([]replPart, 0, 4)
	text := func(s string) {
		if s != "" {
			parts = append(parts, replPart{s, -1})
		}
	}
	for {
		i := strings.IndexAny(repl, `\$`)
		if i < 0 {
			text(repl)
			return parts, nil
		}
		text(repl[:i])
		if i+1 == len(repl) {
			if repl[i] == '\\' {
				return nil, re.badReplacement("character to be escaped is missing")
			}
			return nil, re.badReplacement("illegal group reference: group index is missing")
		}
		if repl[i] == '\\' {
			_, n := utf8.DecodeRuneInString(repl[i+1:])
			text(repl[i+1 : i+1+n])
			repl = repl[i+1+n:]
			continue
		}
		group, n, err := re.groupReference(repl[i+1:])
		if err != nil {
			return nil, err
		}
		parts = append(parts, replPart{group: group})
		repl = repl[i+1+n:]
	}
}

// groupReference reads what follows a $: {name}, or as many digits as still
// name a group.
func (re *Regex) groupReference(s string) (group, length int, err error) {
	if s[0] == '{' {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return 0, 0, re.badReplacement("named capturing group is missing trailing '}'")
		}
		for i, name := range re.names {
			if name != "" && name == s[1:end] {
				return i, end + 1, nil
			}
		}
		return 0, 0, re.badReplacement("No group with name {" + s[1:end] + "}")
	}
	if s[0] < '0' || s[0] > '9' {
		return 0, 0, re.badReplacement("Illegal group reference")
	}
	group, length = int(s[0]-'0'), 1
	if group > re.groups {
		return 0, 0, re.badReplacement("No group " + strconv.Itoa(group))
	}
	for length < len(s) && s[length] >= '0' && s[length] <= '9' {
		n := group*10 + int(s[length]-'0')
		if n > re.groups {
			break
		}
		group = n
		length++
	}
	return group, length, nil
}

func (re *Regex) badReplacement(message string) error {
	return &RegexError{Pattern: re.pattern, Message: message}
}

// Split is String.split: a match without width at the start yields no empty
// first piece, limit 0 drops the empty pieces at the end, limit n > 0 yields at
// most n pieces.
func (re *Regex) Split(s string, limit int, b Bounds) ([]string, error) {
	var pieces []string
	done := 0
	f := re.finder(s, b)
	defer f.done()
	for limit <= 0 || len(pieces) < limit-1 {
		ok, err := f.find()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if f.caps[1] == 0 {
			continue
		}
		pieces = append(pieces, s[done:f.caps[0]])
		if done = f.caps[1]; len(pieces) >= b.Pieces {
			return nil, ErrTooLong
		}
	}
	if done == 0 && pieces == nil {
		return []string{s}, nil
	}
	pieces = append(pieces, s[done:])
	if limit == 0 {
		for len(pieces) > 0 && pieces[len(pieces)-1] == "" {
			pieces = pieces[:len(pieces)-1]
		}
	}
	return pieces, nil
}
