package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tidings/ui/part"
)

// replyView is a reply to a call, as a test and the log of calls show it.
type replyView struct {
	Status     int         `json:"status"`
	Headers    []headerRow `json:"headers"`
	Format     string      `json:"format"` // empty, json, xml, text, binary
	Body       string      `json:"body"`
	BodyBase64 string      `json:"bodyBase64"`
	Size       int64       `json:"size"`
	Cut        bool        `json:"cut"`
	Truncated  bool        `json:"truncated"`
	Timing     *timing     `json:"timing"`
}

// tryView is one try of a call.
type tryView struct {
	At         time.Time `json:"at"`
	DurationMs float64   `json:"durationMs"`
	Status     int       `json:"status"` // 0 = none was read
	Outcome    string    `json:"outcome"`
	Error      string    `json:"error"`
	Timing     timing    `json:"timing"`
	WaitMs     float64   `json:"waitMs"`
}

// timing is where the time of a try went, in milliseconds.
type timing struct {
	Lookup    float64 `json:"lookupMs"`
	Connect   float64 `json:"connectMs"`
	Handshake float64 `json:"handshakeMs"`
	Send      float64 `json:"sendMs"`
	Wait      float64 `json:"waitMs"`
	Receive   float64 `json:"receiveMs"`
	Reused    bool    `json:"reused"`
}

// split lists where the time went, what took none left out.
func (t *timing) split() []pair {
	var list []pair
	for _, each := range []struct {
		name string
		ms   float64
	}{{"name looked up", t.Lookup}, {"connected", t.Connect}, {"TLS", t.Handshake}, {"sent", t.Send}, {"waited", t.Wait}, {"received", t.Receive}} {
		if each.ms > 0 {
			list = append(list, pair{each.name, millis(each.ms)})
		}
	}
	if t.Reused {
		list = append(list, pair{"connection", "kept from before"})
	}
	return list
}

// millis writes milliseconds: 84 ms, 0.4 ms, 1.2 s.
func millis(ms float64) string {
	switch {
	case ms >= 1000:
		return strconv.FormatFloat(ms/1000, 'f', 1, 64) + " s"
	case ms >= 10:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	}
	return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
}

// statusWords is a status with its name, and what it means for the colour.
func statusWords(status int, ok bool) (part.Meaning, string) {
	m := part.Bad
	if ok {
		m = part.Good
	}
	return m, httpStatus(status)
}

// httpStatus writes a status with its name: 404 Not Found.
func httpStatus(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// head is the reply's headers, as HTTP writes them.
func (r *replyView) head() string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %s\n", httpStatus(r.Status))
	for _, h := range r.Headers {
		b.WriteString(h.Name + ": " + h.Value + "\n")
	}
	return dotted(b.String())
}

// pathSteps reads the path of a value within a reply: contacts[0]["first name"].
func pathSteps(path string) []string {
	var steps []string
	for path != "" {
		switch {
		case strings.HasPrefix(path, `["`):
			quoted, err := strconv.QuotedPrefix(path[1:])
			if err != nil {
				return append(steps, path)
			}
			name, err := strconv.Unquote(quoted)
			if err != nil {
				return append(steps, path)
			}
			steps, path = append(steps, name), strings.TrimPrefix(path[1+len(quoted):], "]")
		case path[0] == '[':
			index, rest, _ := strings.Cut(path[1:], "]")
			steps, path = append(steps, index), rest
		default:
			path = strings.TrimPrefix(path, ".")
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			steps, path = append(steps, path[:end]), path[end:]
		}
	}
	return steps
}

// maxLeafActs is beside how many values of a reply there are acts.
const maxLeafActs = 300

// leafActs gives what stands beside each value of a reply: what can be done
// with the expression that reaches it.
func leafActs(values []leaf, webhook int64, edits bool) func(path []string) templ.Component {
	expressions := make(map[string]string, len(values))
	for _, l := range values[:min(len(values), maxLeafActs)] {
		expressions[strings.Join(pathSteps(l.Path), "\x00")] = l.Expression
	}
	return func(path []string) templ.Component {
		expression := expressions[strings.Join(path, "\x00")]
		if expression == "" {
			return templ.NopComponent
		}
		return expressionActs(expression, webhook, edits)
	}
}

// useHref is the page that says where an expression can be used in workflows.
func useHref(webhook int64, expression, as string) string {
	return address("/automation/webhooks/"+decimal(webhook)+"/use", url.Values{"expression": {expression}, "as": {as}})
}

// insertHref is a new letter that begins with an expression.
func insertHref(expression string) string {
	return address("/messages/new", url.Values{"insert": {expression}})
}
