package vtl

import (
	"strconv"
	"strings"
)

// ErrorKind is the closed list of what can go wrong.
type ErrorKind string

// The kinds of errors. The first one is found by Parse, the others by Render; a
// text given to #evaluate or #parse is parsed during the render.
const (
	KindParse         ErrorKind = "parse"          // the source is no template
	KindMethod        ErrorKind = "method"         // a method threw
	KindRuntime       ErrorKind = "runtime"        // an index out of range, a bad operand
	KindMacroOverflow ErrorKind = "macro_overflow" // macros called each other too deep
	KindResource      ErrorKind = "resource"       // #parse or #include found nothing of that name
	KindStrict        ErrorKind = "strict"         // an Insert hook refused a reference
	KindLimitSource   ErrorKind = "limit_source"   // source too long, nested too deep, too many nodes
	KindLimitSteps    ErrorKind = "limit_steps"
	KindLimitLoops    ErrorKind = "limit_loops"
	KindLimitOutput   ErrorKind = "limit_output"
	KindLimitMemory   ErrorKind = "limit_memory"
	KindLimitString   ErrorKind = "limit_string"
	KindLimitSize     ErrorKind = "limit_size" // elements of one list or map
	KindLimitDepth    ErrorKind = "limit_depth"
	KindLimitInteger  ErrorKind = "limit_integer"
	KindLimitRegex    ErrorKind = "limit_regex"
	KindLimitTime     ErrorKind = "limit_time"
	KindInternal      ErrorKind = "internal" // a defect of the engine
)

// IsLimit reports whether the kind says that a budget ran out.
func (k ErrorKind) IsLimit() bool { return strings.HasPrefix(string(k), "limit_") }

// Error is what Parse and Render return.
type Error struct {
	Template string // name given to Parse, or of the #parse'd template
	// Line and Col count from 1; Col counts UTF-16 units and a tab goes to the next
	// multiple of eight. Both are 0 where the error has no place.
	Line, Col int
	Kind      ErrorKind
	Message   string // without the place
	Fragment  string // the source line, without its end; may be empty
	Err       error  // the cause, if there is one

	offset  int32 // in the text it came from; -1: has no place
	located bool  // offset is set
	placed  bool  // Line and Col are set
}

// Error returns "NAME:LINE:COL: message".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Template)
	if e.Line > 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(e.Line))
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(e.Col))
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Excerpt returns the source line with a caret below the place of the error, both
// indented by two spaces; "" if the error has no place. Tabs are written as blanks, so
// that the caret stands where Col says.
func (e *Error) Excerpt() string {
	if e.Line == 0 || e.Fragment == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString("  ")
	width := 0
	for _, c := range e.Fragment {
		if c != '\t' {
			b.WriteRune(c)
			width++
			continue
		}
		for stop := width + 8 - width%8; width < stop; width++ {
			b.WriteByte(' ')
		}
	}
	b.WriteString("\n  ")
	b.WriteString(strings.Repeat(" ", max(min(e.Col, width+1)-1, 0)))
	b.WriteString("^")
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
