package api

import (
	"time"

	"tidings"
)

// Waiting is how many feeds somebody waits for.
func (a *Arrivals) Waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.byFeed)
}

// ReadSearch is readSearch, for its fuzz target.
func ReadSearch(raw string, now time.Time) (tidings.ActivityQuery, error) {
	return readSearch(raw, now)
}

// DecodeEndpoint reads the body of a create, for its fuzz target.
func DecodeEndpoint(data []byte) error { return decodeStrict(data, &newEndpointJSON{}) }

// StatusOf is statusOf.
func StatusOf(err error) int { return statusOf(err) }

// EachContactRow reads the rows of an import, for its fuzz target. What ends
// the reading early ends it.
func EachContactRow(body []byte, csv bool, fields []tidings.Field, row func(line int, change tidings.ContactChange, faults []tidings.FieldError)) {
	var rows importRows = &jsonRows{body: body, reader: newContactReader(fields)}
	if csv {
		var err error
		if rows, err = newCSVRows(body, newContactReader(fields)); err != nil {
			return
		}
	}
	for {
		r, ok, err := rows.next()
		if err != nil || !ok {
			return
		}
		row(r.index+1, r.change, r.faults)
	}
}

// DecodeCondition reads the body of a preview, for its fuzz target.
func DecodeCondition(data []byte) (*tidings.Condition, error) {
	var in previewJSON
	if err := decodeStrict(append(append([]byte(`{"condition":`), data...), '}'), &in); err != nil {
		return nil, err
	}
	d := &decoder{}
	condition := in.Condition.value.check(d, "condition")
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Fields: d.faults}
	}
	return condition, nil
}

// NextBatch is nextBatch.
func NextBatch(rows int, took time.Duration, others bool) int { return nextBatch(rows, took, others) }

// DecodeDefinition reads the body of a check, for its fuzz target.
func DecodeDefinition(data []byte) (*tidings.Definition, error) {
	var in checkWorkflowJSON
	if err := decodeStrict(append(append([]byte(`{"definition":`), data...), '}'), &in); err != nil {
		return nil, err
	}
	if !in.Definition.given() {
		return nil, invalidField("definition", "is required")
	}
	d := &decoder{}
	def := in.Definition.value.definition(d, "definition")
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Fields: d.faults}
	}
	return &def, nil
}
