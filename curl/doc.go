// Package curl reads and writes an HTTP request as a curl command, in the form
// that people copy from API documentation, terminals and browsers.
//
//	words.go    the command line -> words, as a POSIX shell (and bash's $'…') cuts it
//	options.go  what each of curl's options means here
//	parse.go    words -> Request
//	write.go    Request -> the command line
//
// Nothing is ever run, looked up or read from a file. What a shell would replace
// ($name in double quotes) stays as it stands; what it would execute is refused.
// Every error says where, and what to write instead.
package curl

import "fmt"

// MaxCommand is the most bytes of a command.
const MaxCommand = 128 << 10

// Request is what a command asks for.
type Request struct {
	Method  string // as -X says; else POST with a body, GET without
	URL     string // as it stands, also without a scheme
	Headers []Header
	Basic   *Basic // of -u; nil = none
	Body    string
	HasBody bool     // an empty body is one too
	Timeout string   // of --max-time, in seconds, as it stands; "" = none
	LeftOut []string // the options that do not apply here, with the reason
}

// Header is one header row. An empty value is sent empty.
type Header struct {
	Name  string
	Value string
}

// Basic is the user name and password of -u.
type Basic struct {
	Username string
	Password string
}

// SyntaxError says what of a command can't be taken, and where.
type SyntaxError struct {
	Line   int // from 1
	Column int // of the line, in characters, from 1
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}
