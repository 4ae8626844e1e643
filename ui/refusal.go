package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"tidings"
)

// refusal is an operation of the API that was not done, in the API's words (RFC 9457).
type refusal struct {
	Status   int          `json:"status"`
	Title    string       `json:"title"`
	Detail   string       `json:"detail"`
	Code     tidings.Code `json:"code"`
	Instance string       `json:"instance"`
	Errors   faults       `json:"errors"`
}

func (r *refusal) Error() string { return r.Detail }

// fault is one wrong value.
type fault struct {
	Index  *int   `json:"index"`
	Line   int64  `json:"line"`  // of an import, from 1; 0 = it has none
	Field  string `json:"field"` // path in the request: "batch.maxItems", "headers[0].name"
	Reason string `json:"reason"`
}

// faults are the wrong values of one form. nil works: nothing is wrong.
type faults []fault

// of gives what is wrong with a field, "" when nothing is. A field is named by
// its path in the API's request.
func (f faults) of(field string) string {
	for _, each := range f {
		if each.Field == field {
			return each.Reason
		}
	}
	return ""
}

// under gives what is wrong with a field or anything below it.
func (f faults) under(field string) string {
	for _, each := range f {
		if each.Field == field || strings.HasPrefix(each.Field, field+".") || strings.HasPrefix(each.Field, field+"[") {
			return each.Reason
		}
	}
	return ""
}

// except gives the faults of no field in a list: those that a form has no
// place for and shows at its top.
func (f faults) except(fields ...string) faults {
	var rest faults
	for _, each := range f {
		known := false
		for _, field := range fields {
			known = known || each.Field == field || strings.HasPrefix(each.Field, field+".") || strings.HasPrefix(each.Field, field+"[")
		}
		if !known {
			rest = append(rest, each)
		}
	}
	return rest
}

// add notes another wrong value.
func (f *faults) add(field, reason string) { *f = append(*f, fault{Field: field, Reason: reason}) }

// readRefusal reads the API's answer to what it did not do.
func readRefusal(answer *memory) error {
	r := &refusal{}
	if err := json.Unmarshal(answer.body.Bytes(), r); err != nil || r.Detail == "" {
		return fmt.Errorf("the API answered %d with %q", answer.code(), tidings.CutText(answer.body.String(), 200))
	}
	r.Status = answer.code()
	return r
}

// wrong gives the faults of a refusal that a form shows at its fields: the
// request was refused for what is in it, or because somebody changed the thing
// meanwhile. Other failures are no form's: ok is false.
func wrong(err error) (r *refusal, ok bool) {
	r, ok = errors.AsType[*refusal](err)
	if !ok {
		return nil, false
	}
	switch r.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
		return r, true
	}
	return nil, false
}

// isNotFound says whether the API has no such thing.
func isNotFound(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.Status == http.StatusNotFound
}

// isConflict says whether somebody else changed the thing first, or its state forbids the act.
func isConflict(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.Status == http.StatusConflict
}

// words says it all in one line.
func (r *refusal) words() string {
	words := r.Detail
	for _, f := range r.Errors {
		words += " " + strings.TrimSpace(f.Field+" "+f.Reason) + "."
	}
	return words
}
