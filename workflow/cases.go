package workflow

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"tidings"
)

// A case is a dry run that is kept with what it gave. It stands for itself:
// contact, event, replies and the time are in it. What it gave is kept without
// what differs from run to run by nature, see expectation.

// expectation is what a case expects of a dry run.
type expectation struct {
	Starts bool           `json:"starts"`
	State  string         `json:"state"`
	Error  string         `json:"error,omitempty"`
	Steps  []expectedStep `json:"steps"`
}

type expectedStep struct {
	Block   tidings.BlockID   `json:"block"`
	Kind    tidings.BlockKind `json:"kind"`
	Exit    tidings.Exit      `json:"exit,omitempty"`
	Decided json.RawMessage   `json:"decided,omitempty"`
	Error   string            `json:"error,omitempty"`
	Request *expectedRequest  `json:"request,omitempty"`
	Mail    *expectedMail     `json:"mail,omitempty"`
}

type expectedRequest struct {
	Method  tidings.Method    `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
}

type expectedMail struct {
	From     string `json:"from"`
	ReplyTo  string `json:"replyTo,omitempty"`
	To       string `json:"to"`
	Language string `json:"languageCode,omitempty"`
	Subject  string `json:"subject"`
	HTML     string `json:"html,omitempty"`
	Text     string `json:"text,omitempty"`
}

// NewCase makes a case of a dry run. Name, 1 to MaxNameLength characters, is
// unique within the workflow; the store gives ID and CreatedAt.
func NewCase(w *tidings.Workflow, name string, r *DryResult) (tidings.WorkflowCase, error) {
	c := tidings.WorkflowCase{Account: w.Account, Workflow: w.ID, Name: name}
	var err error
	if c.Input, err = json.Marshal(r.Input); err != nil {
		return c, fmt.Errorf("making a case: %w", err)
	}
	c.Expected = Expectation(r)
	return c, nil
}

// Expectation gives what a case keeps of a dry run, as JSON: the steps with what they
// decided, the rendered requests and mails; no times, no ids of calls and mails, no durations.
func Expectation(r *DryResult) json.RawMessage {
	e := expectation{Starts: r.Starts, State: string(r.State), Error: r.Error, Steps: make([]expectedStep, len(r.Steps))}
	for i := range r.Steps {
		s := &r.Steps[i]
		step := expectedStep{Block: s.Block, Kind: s.Kind, Exit: s.Exit, Decided: s.Decided, Error: s.Error}
		if s.Call != nil && s.Call.Request.URL != "" {
			step.Request = expectedRequestOf(&s.Call.Request)
		}
		if m := s.Mail; m != nil {
			from := m.From.Address
			if m.From.Name != "" {
				from = m.From.Name + " <" + from + ">"
			}
			step.Mail = &expectedMail{from, m.ReplyTo, m.To, m.Language, m.Subject, m.HTML, m.Text}
		}
		e.Steps[i] = step
	}
	return asJSON(e)
}

func expectedRequestOf(r *tidings.SentRequest) *expectedRequest {
	e := &expectedRequest{Method: r.Method, URL: r.URL, Body: r.Body, Headers: map[string]string{}}
	for _, h := range r.Headers {
		// The server's own would make every case differ with its next version.
		if h.Name != "User-Agent" {
			e.Headers[h.Name] = h.Value
		}
	}
	return e
}

// CaseResult is what came of running a case again.
type CaseResult struct {
	Case tidings.WorkflowCase
	Got  json.RawMessage // what the case would have to expect to pass
	// Differences lists what differs, at most maxDifferences; none = the case passes.
	Differences []Difference
	Error       string // why it could not be run; "" = it was
}

// Passes says whether all is as it is expected.
func (r *CaseResult) Passes() bool { return r.Error == "" && len(r.Differences) == 0 }

// Difference is one place where a result is not what was expected.
type Difference struct {
	Path     string // steps[2].mail.subject
	Expected string // as JSON; "" = it was not there
	Got      string // as JSON; "" = it is not there
}

// maxDifferences is how many are listed.
const maxDifferences = 50

// RunCases runs cases of a definition again. The error is of the surroundings:
// the store can't be read, or ctx has ended.
func (e *Engine) RunCases(ctx context.Context, account tidings.AccountID, d *tidings.Definition, cases []tidings.WorkflowCase) ([]CaseResult, error) {
	results := make([]CaseResult, 0, len(cases))
	for _, c := range cases {
		result := CaseResult{Case: c}
		var in DryInput
		if err := json.Unmarshal(c.Input, &in); err != nil {
			result.Error = err.Error()
			results = append(results, result)
			continue
		}
		r, err := e.Test(ctx, account, d, in)
		switch {
		case tidings.CodeOf(err) == tidings.CodeNotFound:
			result.Error = err.Error()
		case err != nil:
			return nil, err
		default:
			result.Got = Expectation(&r)
			result.Differences = differences(c.Expected, result.Got)
		}
		results = append(results, result)
	}
	return results, nil
}

// differences compares two JSON texts.
func differences(expected, got json.RawMessage) []Difference {
	var a, b any
	if json.Unmarshal(expected, &a) != nil || json.Unmarshal(got, &b) != nil {
		return []Difference{{Path: "", Expected: string(expected), Got: string(got)}}
	}
	var list []Difference
	compare("", a, b, &list)
	return list
}

// missing stands for what is not there.
type missing struct{}

func compare(path string, a, b any, list *[]Difference) {
	if len(*list) >= maxDifferences {
		return
	}
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			compareMaps(path, x, y, list)
			return
		}
	case []any:
		if y, ok := b.([]any); ok {
			for i := range max(len(x), len(y)) {
				compare(fmt.Sprintf("%s[%d]", path, i), at(x, i), at(y, i), list)
			}
			return
		}
	default:
		if a == b {
			return
		}
	}
	*list = append(*list, Difference{path, shown(a), shown(b)})
}

func compareMaps(path string, x, y map[string]any, list *[]Difference) {
	keys := sortedKeys(x)
	for _, key := range sortedKeys(y) {
		if _, both := x[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	of := func(m map[string]any, key string) any {
		if v, ok := m[key]; ok {
			return v
		}
		return missing{}
	}
	for _, key := range keys {
		at := key
		if path != "" {
			at = path + "." + key
		}
		compare(at, of(x, key), of(y, key), list)
	}
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return missing{}
}

func shown(v any) string {
	if _, none := v.(missing); none {
		return ""
	}
	return string(asJSON(v))
}
