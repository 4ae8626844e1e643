package tidings

import (
	"fmt"
	"strings"
)

// maxFaults is how many faults of one activity are named.
const maxFaults = 8

// faultList is what is wrong with a body.
type faultList struct {
	index  int // of the current activity, as errors name it; -1 = none
	faults int // of the current activity
	wrong  int // activities with faults
	fields []FieldError

	brokenAt int  // where an array broke
	broke    bool // an array broke
}

// full says that the next fault of the current activity will not be named, so
// that nobody need find words for it.
func (l *faultList) full() bool {
	return l.faults >= maxFaults || l.wrong > MaxReported || l.wrong == MaxReported && l.faults == 0
}

// fault notes that a field of the current activity ("" = the whole) is wrong.
func (s *scanner) fault(path, reason string) {
	named := !s.full()
	if s.faults == 0 {
		s.wrong++
	}
	s.faults++
	if named {
		s.fields = append(s.fields, FieldError{Index: s.index, Field: path, Reason: s.place() + reason})
	}
}

// place names the line of NDJSON as editors do.
func (s *scanner) place() string {
	if !s.in.NDJSON {
		return ""
	}
	return fmt.Sprintf("line %d: ", s.index+1)
}

// broken notes the lexer's failure. In NDJSON it is a fault like others; the
// failure of an array is always named, as it ends the reading.
func (s *scanner) broken() {
	reason := fmt.Sprintf("byte %d: %s", s.badAt, s.why)
	if s.in.NDJSON {
		s.fault(s.field.String(), reason)
		return
	}
	s.broke, s.brokenAt = true, s.badAt
	s.fields = append(s.fields, FieldError{Index: s.index, Field: s.field.String(), Reason: reason})
}

// err sums up; nil when all is right.
func (s *scanner) err() error {
	switch {
	case s.internal != nil:
		return s.internal
	case s.tooMany:
		return Errorf(CodeTooLarge, "more than %d activities: send them in several requests", MaxActivities)
	case s.broke:
		message := fmt.Sprintf("the JSON breaks at byte %d: nothing was stored", s.brokenAt)
		if s.wrong > 0 {
			message += fmt.Sprintf(" (up to there, %s wrong too)", activitiesAre(s.wrong))
		}
		return &Error{Code: CodeInvalid, Message: message, Fields: s.fields}
	case s.wrong > 0:
		message := fmt.Sprintf("%d of %s wrong: nothing was stored", s.wrong, activitiesAre(s.count))
		if s.wrong > MaxReported {
			message += fmt.Sprintf(" (the first %d are named, %d more are not)", MaxReported, s.wrong-MaxReported)
		}
		return &Error{Code: CodeInvalid, Message: message, Fields: s.fields}
	case s.count == 0:
		return Errorf(CodeInvalid, "nothing to store: the request has no activity")
	}
	return nil
}

func activitiesAre(n int) string {
	if n == 1 {
		return "1 activity is"
	}
	return fmt.Sprintf("%d activities are", n)
}

// unknownField notes a field that the object at path ("" = the activity) does
// not have; known are those that it has.
func (s *scanner) unknownField(path string, key []byte, known ...string) {
	if s.full() {
		s.fault("", "")
		return
	}
	name, parent := clip(string(key)), path
	if path == "" {
		names := fieldNames()
		parent, known = "an activity", names[1:]
	} else {
		path += "."
	}
	s.fault(path+name, "is not a field of "+parent+suggestion(name, known))
}

// suggestion is what to add to an error about a wrong name.
func suggestion(wrong string, known []string) string {
	if near := nearest(wrong, known); near != "" {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	return ""
}

// unknownName is the reason for a value that is not of a closed list.
func unknownName(value []byte, known []string) string {
	return fmt.Sprintf("%q is not one of %s%s", clip(string(value)), strings.Join(known, ", "), suggestion(string(value), known))
}
