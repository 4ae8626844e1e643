package tidings

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code says what kind of failure an Error is. The list is closed: clients and
// the one table that maps codes to HTTP statuses rely on it.
type Code string

// The codes. Whatever carries none of them is CodeInternal and hidden from clients.
const (
	CodeInvalid      Code = "invalid"      // the input breaks a rule; Fields say where
	CodeUnauthorized Code = "unauthorized" // no key, or one that is not known or was revoked
	CodeForbidden    Code = "forbidden"    // the key is known and its scopes do not reach
	CodeNotFound     Code = "not_found"    // no such thing in this account
	CodeConflict     Code = "conflict"     // the thing is in a state that does not allow the act
	CodeTooLarge     Code = "too_large"    // a size limit; the message names it
	CodeUnsupported  Code = "unsupported"  // a media type or encoding that is not read here
	CodeRateLimited  Code = "rate_limited" // too many; RetryAfter says when again
	CodeUnavailable  Code = "unavailable"  // the store can't take or give it now; nothing was stored
	CodeFenced       Code = "fenced"       // somebody else has taken the position in hand since it was read
	CodeInternal     Code = "internal"     // a defect or a broken machine; details stay in the log
)

// Error is an error that a client may see: its message says what to do, and
// names nothing of the inside.
type Error struct {
	Code       Code
	Message    string
	Fields     []FieldError  // what is wrong, one by one; may be empty
	RetryAfter time.Duration // 0 = not said
	Err        error         // the cause, for the log only; may be nil
}

// FieldError names one wrong value of an input.
type FieldError struct {
	Index  int    // position in the request's array, or line of NDJSON, from 0; -1 when the input is one object
	Field  string // the field's path, e.g. "mediaType" or "batch.maxItems"; "" for the whole element
	Reason string // what is wrong and what is allowed
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for i, f := range e.Fields {
		if i == 3 {
			fmt.Fprintf(&b, "; and %d more", len(e.Fields)-i)
			break
		}
		b.WriteString("; ")
		b.WriteString(f.String())
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

func (f FieldError) String() string {
	switch {
	case f.Index >= 0 && f.Field != "":
		return fmt.Sprintf("[%d].%s: %s", f.Index, f.Field, f.Reason)
	case f.Index >= 0:
		return fmt.Sprintf("[%d]: %s", f.Index, f.Reason)
	case f.Field != "":
		return f.Field + ": " + f.Reason
	}
	return f.Reason
}

// Errorf makes an Error without a cause; its text is for clients.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf gives the code of the first Error in err's chain, CodeInternal when
// there is none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
