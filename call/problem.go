package call

import (
	"errors"
	"fmt"
	"strings"

	"tidings"
	"tidings/vtl"
)

// Part is a part of a webhook that is a template.
type Part string

// The parts; a header row is "headers[0].value" and so on.
const (
	PartURL  Part = "url"
	PartBody Part = "body.template"
)

func headerPart(i int) Part { return Part(fmt.Sprintf("headers[%d].value", i)) }

// Problem is why a request could not be made, with its place.
type Problem struct {
	Part Part
	// Rendered says that the place is in the rendered text; else it is in the template.
	Rendered bool
	// Line and Col count from 1; Col counts UTF-16 units, and a tab goes to the
	// next multiple of eight, as in the messages of templates. Both are 0 when the part as a whole is meant.
	Line, Col int
	Fragment  string // the line, without its end, cut when it is long; secrets are masked
	Message   string // what is wrong and what to do
}

func (p *Problem) Error() string {
	where := "in the " + p.part()
	if p.Line == 0 {
		return where + ": " + p.Message
	}
	if p.Rendered {
		where = "in the rendered " + p.part()
	}
	return fmt.Sprintf("%s, line %d, column %d: %s", where, p.Line, p.Col, p.Message)
}

// part names the part as people do.
func (p *Problem) part() string {
	switch p.Part {
	case PartURL:
		return "URL"
	case PartBody:
		return "body"
	}
	n := 0
	fmt.Sscanf(string(p.Part), "headers[%d]", &n)
	return fmt.Sprintf("header row %d", n+1)
}

// templateProblem gives an error of the engine its part.
func templateProblem(part Part, err error) *Problem {
	p := &Problem{Part: part, Message: err.Error()}
	if e, ok := errors.AsType[*vtl.Error](err); ok {
		p.Line, p.Col, p.Fragment, p.Message = e.Line, e.Col, e.Fragment, e.Message
	}
	return p
}

// problemAt makes a problem at an offset of a text: of the template, or of what it rendered to.
func problemAt(part Part, text string, offset int, message string) *Problem {
	p := &Problem{Part: part, Message: message}
	offset = min(max(offset, 0), len(text))
	start := 0
	p.Line = 1
	for i := 0; i < offset; i++ {
		if text[i] == '\n' || text[i] == '\r' && (i+1 >= len(text) || text[i+1] != '\n') {
			p.Line++
			start = i + 1
		}
	}
	p.Col = 1
	for _, r := range text[start:offset] {
		switch {
		case r == '\t':
			p.Col += 8 - (p.Col-1)%8
		case r >= 0x10000:
			p.Col += 2
		default:
			p.Col++
		}
	}
	line := text[start:]
	if i := strings.IndexAny(line, "\r\n"); i >= 0 {
		line = line[:i]
	}
	p.Fragment = tidings.CutText(line, 500)
	return p
}

// renderedAt makes a problem at an offset of a rendered text.
func renderedAt(part Part, text string, offset int, message string) *Problem {
	p := problemAt(part, text, offset, message)
	p.Rendered = true
	return p
}
