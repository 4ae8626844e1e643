package vtl

import (
	"errors"

	"tidings/vtl/internal/java"
)

// maxRegexSize is the most instructions that a pattern may compile to.
const maxRegexSize = 10_000

// What compiling a pattern costs for each instruction.
const (
	regexSteps = 2
	regexBytes = 300
)

// regex compiles a pattern, or takes it from the cache of the template.
func (c *Call) regex(pattern, input string) (*java.Regex, java.Bounds, error) {
	r := c.r
	if len(pattern) > r.limits.RegexSource {
		return nil, java.Bounds{}, limitError(KindLimitRegex, "a regular expression has more than "+itoa(r.limits.RegexSource)+" bytes")
	}
	if len(input) > r.limits.RegexInput {
		return nil, java.Bounds{}, limitError(KindLimitRegex, "a regular expression is used on more than "+itoa(r.limits.RegexInput)+" bytes")
	}
	if err := r.stepN(len(input)/16 + 1); err != nil {
		return nil, java.Bounds{}, err
	}
	if err := r.chargeRegex(pattern); err != nil {
		return nil, java.Bounds{}, err
	}
	re, err := r.regexes.Compile(pattern)
	if err != nil {
		return nil, java.Bounds{}, Throw("java.util.regex.PatternSyntaxException", err.Error())
	}
	return re, java.Bounds{Bytes: r.room(), Pieces: r.limits.Collection, Step: r.stepN}, nil
}

// chargeRegex takes the cost of compiling a pattern, the first time that the render
// uses it.
func (r *render) chargeRegex(pattern string) error {
	if r.patterns[pattern] {
		return nil
	}
	size := regexSize(pattern)
	if size > maxRegexSize {
		return limitError(KindLimitRegex, "a regular expression repeats too much")
	}
	if r.patterns == nil {
		r.patterns = make(map[string]bool)
	}
	r.patterns[pattern] = true
	if err := r.stepN(size*regexSteps + 100); err != nil {
		return err
	}
	return r.charge(size * regexBytes)
}

// regexSize estimates how many instructions a pattern compiles to: repetitions with
// numbers multiply what they repeat.
func regexSize(pattern string) int {
	total, last := 1, 0 // of the group, of its last element
	var outer []int     // totals of the groups around it
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '(':
			outer = append(outer, total)
			total, last = 2, 0
		case ')':
			last = total
			if n := len(outer); n > 0 {
				total += outer[n-1]
				outer = outer[:n-1]
			}
		case '{':
			count, end := repeatAt(pattern, i)
			if count > 0 {
				total = min(total+last*(count-1), maxRegexSize+1)
				last = min(last*count, maxRegexSize+1)
				i = end
			}
		case '[':
			i = classEnd(pattern, i)
			total, last = total+1, 1
		case '\\':
			i++
			total, last = total+1, 1
		default:
			total, last = total+1, 1
		}
	}
	for _, n := range outer {
		total += n
	}
	return total
}

// repeatAt reads {n}, {n,} or {n,m} at i: the larger number, and where it ends.
func repeatAt(pattern string, i int) (count, end int) {
	number := 0
	for i++; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case isDigit(c):
			number = min(number*10+int(c-'0'), maxRegexSize)
		case c == ',':
			count, number = max(count, number), 0
		case c == '}':
			return max(count, number), i
		default:
			return 0, 0
		}
	}
	return 0, 0
}

// classEnd returns where the class that begins at i ends.
func classEnd(pattern string, i int) int {
	depth := 0
	for ; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return i
}

func stringMatches(c *Call, s, pattern string) (Value, error) {
	re, bounds, err := c.regex(pattern, s)
	if err != nil {
		return Null, err
	}
	ok, err := re.Matches(s, bounds)
	return Bool(ok), err
}

func stringReplaceAll(c *Call, v, pattern, repl Value) (Value, error) {
	return c.replaceRegex(v, pattern, repl, (*java.Regex).ReplaceAll)
}

func stringReplaceFirst(c *Call, v, pattern, repl Value) (Value, error) {
	return c.replaceRegex(v, pattern, repl, (*java.Regex).ReplaceFirst)
}

func (c *Call) replaceRegex(v, pattern, repl Value, f func(*java.Regex, string, string, java.Bounds) (string, error)) (Value, error) {
	for _, arg := range [...]Value{pattern, repl} {
		if arg.kind != KindString && arg.kind != KindNull {
			return Null, nil
		}
	}
	if pattern.IsNull() || repl.IsNull() {
		return Null, nullPointer()
	}
	re, bounds, err := c.regex(pattern.str(), v.str())
	if err != nil {
		return Null, err
	}
	out, err := f(re, v.str(), repl.str(), bounds)
	var bad *java.RegexError
	if errors.As(err, &bad) {
		return Null, Throw("java.lang.IllegalArgumentException", bad.Error())
	}
	return c.grown(out, err)
}
