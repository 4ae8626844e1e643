package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
	"tidings/call"
)

// Calls is what the API asks of a store about the log of calls.
type Calls interface {
	AppendCall(ctx context.Context, c *tidings.Call) (tidings.CallID, error)
	Call(ctx context.Context, account tidings.AccountID, id tidings.CallID) (tidings.Call, error)
	// Calls gives the calls that a query chooses, newest first, and the place
	// after which the next page begins; nil when there is none.
	Calls(ctx context.Context, q tidings.CallQuery) ([]tidings.Call, *tidings.CallCursor, error)
}

// callJSON is a call as the log has it: secrets are masked.
type callJSON struct {
	ID         tidings.CallID     `json:"id"`
	At         time.Time          `json:"at"`
	WebhookID  *tidings.WebhookID `json:"webhookId" doc:"null = a test of what was not saved."`
	Name       string             `json:"name" doc:"Of the webhook, when it was called."`
	ContactID  *tidings.ContactID `json:"contactId"`
	EventID    *tidings.EventID   `json:"eventId"`
	Test       bool               `json:"test" doc:"From a test, not from a workflow."`
	Key        string             `json:"key" doc:"Was sent as Tidings-Call-Id, the same over all tries."`
	SharedKey  string             `json:"sharedKey,omitempty" doc:"Key of the call under way that sent the same; its reply was taken."`
	OK         bool               `json:"ok"`
	Outcome    tidings.Outcome    `json:"outcome" doc:"What kind of end it was, for programs."`
	Error      string             `json:"error" doc:"In plain words; empty when ok."`
	DurationMs float64            `json:"durationMs" doc:"Of all tries and the waits between them."`
	Request    *sentRequestJSON   `json:"request" doc:"null when it could not be made."`
	Reply      *replyJSON         `json:"reply" doc:"To the last try; null when there was none."`
	Tries      []tryJSON          `json:"tries"`
}

// callWithValuesJSON is one call, looked at closely.
type callWithValuesJSON struct {
	callJSON
	Values     []leafJSON `json:"values" doc:"Every value of the reply and how templates reach it; empty when the log has its beginning only."`
	MoreValues bool       `json:"moreValues" doc:"There are more than are listed."`
}

type sentRequestJSON struct {
	Method  tidings.Method `json:"method"`
	URL     string         `json:"url"`
	Headers []sentRowJSON  `json:"headers"`
	Body    string         `json:"body"`
	Size    int            `json:"size" doc:"Bytes of the body."`
	Cut     bool           `json:"cut" doc:"Body is the beginning only: the log keeps 65,536 bytes."`
}

type sentRowJSON struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type replyJSON struct {
	Status     int                 `json:"status"`
	Headers    []sentRowJSON       `json:"headers"`
	Format     tidings.ReplyFormat `json:"format" enum:"empty,json,xml,text,binary" doc:"What templates see of it."`
	Body       string              `json:"body" doc:"Empty when it is no text."`
	BodyBase64 string              `json:"bodyBase64,omitempty" doc:"What is no text."`
	Size       int                 `json:"size" doc:"Bytes of the body, as far as it was read."`
	Cut        bool                `json:"cut" doc:"Body is the beginning only: the log keeps 65,536 bytes."`
	Truncated  bool                `json:"truncated" doc:"Not all of it was read: over 1 MiB, or it broke off."`
	Timing     *timingJSON         `json:"timing" doc:"Of the last try."`
}

type tryJSON struct {
	At         time.Time       `json:"at"`
	DurationMs float64         `json:"durationMs"`
	Status     int             `json:"status" doc:"0 = none was read."`
	Outcome    tidings.Outcome `json:"outcome"`
	Error      string          `json:"error" doc:"In plain words; empty when ok."`
	Timing     timingJSON      `json:"timing"`
	WaitMs     float64         `json:"waitMs" doc:"Before the next try; 0 after the last one."`
}

// timingJSON is where the time of a try went, in milliseconds.
type timingJSON struct {
	Lookup    float64 `json:"lookupMs" doc:"Of the name."`
	Connect   float64 `json:"connectMs"`
	Handshake float64 `json:"handshakeMs" doc:"TLS."`
	Send      float64 `json:"sendMs" doc:"The request."`
	Wait      float64 `json:"waitMs" doc:"For the first byte of the answer, and for a free connection."`
	Receive   float64 `json:"receiveMs" doc:"The answer."`
	Reused    bool    `json:"reused" doc:"A kept connection: no lookup, connect and handshake."`
}

type callsJSON struct {
	Calls []callJSON `json:"calls"`
	Next  *string    `json:"next" doc:"before of the next page; null on the last."`
}

type hostsJSON struct {
	Hosts []hostJSON `json:"hosts"`
}

// hostJSON is how calls to one host are going.
type hostJSON struct {
	Host      string            `json:"host" doc:"With its port."`
	Breaker   call.BreakerState `json:"breaker" enum:"closed,open,trial" doc:"closed: calls go through. open: they fail at once until the time given. trial: one call is under way to see whether the host has recovered."`
	Failures  int               `json:"failures" doc:"In a row."`
	LastError string            `json:"lastError"`
	Until     *time.Time        `json:"until" doc:"When an open breaker lets the next call try."`
	RestUntil *time.Time        `json:"restUntil" doc:"Until when the host has asked for no calls, by Retry-After."`
	InFlight  int               `json:"inFlight"`
	Waiting   int               `json:"waiting" doc:"Calls that wait for their turn."`
}

func (s *Server) registerCalls() {
	read := access{scope: tidings.ScopeRead}
	operate(s, huma.Operation{
		OperationID: "list-calls", Method: http.MethodGet, Path: "/v1/calls", Tags: []string{"Calls"},
		Summary:     "The log of calls, newest first",
		Description: "Each with the request as it was sent, the tries and the reply, secrets masked. Tests are in it too.", Errors: []int{400, 422, 503},
		Extensions: curl(`curl "$TIDINGS/v1/calls?webhookId=1&status=failed&from=2026-01-31" -H "Authorization: Bearer $KEY"`),
	}, read, s.listCalls)
	operate(s, huma.Operation{
		OperationID: "get-call", Method: http.MethodGet, Path: "/v1/calls/{id}", Tags: []string{"Calls"},
		Summary: "Show a call, with the expressions that reach the values of its reply", Errors: []int{400, 404, 503},
		Extensions: curl(`curl $TIDINGS/v1/calls/1 -H "Authorization: Bearer $KEY"`),
	}, read, s.getCall)
	operate(s, huma.Operation{
		OperationID: "list-hosts", Method: http.MethodGet, Path: "/v1/calls/hosts", Tags: []string{"Calls"},
		Summary: "How calls are going, host by host", Description: "Hosts of which there is something to know: of late called, failing, or asking for rest. Of this server process.", Errors: []int{503},
		Extensions: curl(`curl $TIDINGS/v1/calls/hosts -H "Authorization: Bearer $KEY"`),
	}, read, s.listHosts)
}

func (s *Server) listCalls(ctx context.Context, c caller, in *struct {
	WebhookID int64  `query:"webhookId" minimum:"1" doc:"Only calls of this webhook."`
	ContactID int64  `query:"contactId" minimum:"1" doc:"Only calls about this contact."`
	Status    string `query:"status" pattern:"^(ok|failed|[1-5][0-9][0-9]|[1-5]xx)$" patternDescription:"ok, failed, an HTTP status as 404, or a class as 5xx" doc:"Only calls that ended so: ok, failed, an HTTP status as 404, or a class as 5xx."`
	From      string `query:"from" doc:"Only calls that began at this day or time or later."`
	To        string `query:"to" doc:"Only calls that began before this time, or on this day at the latest."`
	Before    string `query:"before" maxLength:"64" doc:"next of the page before."`
	Limit     int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"The most calls of a page."`
},
) (*struct{ Body callsJSON }, error) {
	q := tidings.CallQuery{
		Account: c.account(), Webhook: tidings.WebhookID(in.WebhookID), Contact: tidings.ContactID(in.ContactID),
		Status: callStatus(in.Status), Limit: in.Limit,
	}
	d := &decoder{}
	q.From, q.To = d.day(in.From, "from", false), d.day(in.To, "to", true)
	if in.Before != "" {
		var ok bool
		if q.Before, ok = parseCursor(in.Before); !ok {
			d.fault("before", "must be the next of a page")
		}
	}
	if len(d.faults) > 0 {
		return nil, unreadable("the request's parameters are wrong", d.faults...)
	}
	calls, next, err := s.store.Calls(ctx, q)
	if err != nil {
		return nil, err
	}
	out := callsJSON{Calls: make([]callJSON, len(calls))}
	for i := range calls {
		out.Calls[i] = callView(&calls[i])
	}
	if next != nil {
		out.Next = ptr(fmt.Sprintf("%d-%d", next.At.UnixMilli(), next.ID))
	}
	return &struct{ Body callsJSON }{out}, nil
}

// day reads a day or a time of a query; "" is the zero time.
func (d *decoder) day(v, name string, end bool) time.Time {
	if v == "" {
		return time.Time{}
	}
	t, err := parseTime(v, end)
	if err != nil {
		d.fault(name, "must be a day or a time as 2026-01-31, 2026-01-31T15:04:05 (UTC) or 2026-01-31T15:04:05+02:00")
	}
	return t
}

// callStatus reads a status that has the form that the parameter asks for.
func callStatus(v string) tidings.CallStatus {
	switch v {
	case "":
		return tidings.CallStatus{}
	case "ok":
		return tidings.CallStatus{OK: true}
	case "failed":
		return tidings.CallStatus{Failed: true}
	}
	low, _ := strconv.Atoi(strings.ReplaceAll(v, "xx", "00"))
	high, _ := strconv.Atoi(strings.ReplaceAll(v, "xx", "99"))
	return tidings.CallStatus{Low: low, High: high}
}

// parseCursor reads a place in the log of calls: milliseconds, a dash, an id.
func parseCursor(v string) (tidings.CallCursor, bool) {
	at, id, _ := strings.Cut(v, "-")
	millis, ok := wholeNumber(at)
	n, alsoOK := wholeNumber(id)
	return tidings.CallCursor{At: time.UnixMilli(millis), ID: tidings.CallID(n)}, ok && alsoOK && n > 0
}

// wholeNumber reads digits.
func wholeNumber(v string) (int64, bool) {
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil && n >= 0 && strings.Trim(v, "0123456789") == ""
}

func (s *Server) getCall(ctx context.Context, c caller, in *struct {
	ID int64 `path:"id" minimum:"1" doc:"The call's id."`
},
) (*struct{ Body callWithValuesJSON }, error) {
	found, err := s.store.Call(ctx, c.account(), tidings.CallID(in.ID))
	if err != nil {
		return nil, err
	}
	out := callWithValuesJSON{callJSON: callView(&found)}
	out.Values, out.MoreValues = valuesOf(&found, found.Name)
	return &struct{ Body callWithValuesJSON }{out}, nil
}

func (s *Server) listHosts(_ context.Context, c caller, _ *struct{}) (*struct{ Body hostsJSON }, error) {
	states := s.cfg.Calls.Hosts(c.account())
	out := hostsJSON{Hosts: make([]hostJSON, len(states))}
	for i, h := range states {
		out.Hosts[i] = hostJSON{h.Host, h.Breaker, h.Failures, h.LastError, instant(h.Until), instant(h.RestUntil), h.InFlight, h.Waiting}
	}
	return &struct{ Body hostsJSON }{out}, nil
}

func callView(c *tidings.Call) callJSON {
	v := callJSON{
		ID: c.ID, At: c.At.UTC(), Name: c.Name, Test: c.Test, Key: c.Key, SharedKey: c.Shared, OK: c.OK(), Outcome: c.Outcome, Error: c.Error,
		DurationMs: ms(c.Duration), Reply: replyView(c), Tries: triesView(c.Tries),
	}
	if c.Webhook != 0 {
		v.WebhookID = &c.Webhook
	}
	if c.Contact != 0 {
		v.ContactID = &c.Contact
	}
	if c.Event != 0 {
		v.EventID = &c.Event
	}
	if c.Request.URL != "" {
		v.Request = requestView(&c.Request)
	}
	return v
}

func requestView(r *tidings.SentRequest) *sentRequestJSON {
	return &sentRequestJSON{
		Method: r.Method, URL: r.URL, Headers: sentRows(r.Headers), Body: r.Body, Size: max(r.Whole, len(r.Body)), Cut: r.Whole > 0,
	}
}

func replyView(c *tidings.Call) *replyJSON {
	r := c.Reply
	if r == nil {
		return nil
	}
	v := &replyJSON{
		Status: r.Status, Headers: sentRows(r.Headers), Format: r.Format, Size: max(r.Whole, len(r.Body)), Cut: r.Whole > 0, Truncated: r.Truncated,
	}
	switch {
	case utf8.Valid(r.Body):
		v.Body = string(r.Body)
	case r.Format == tidings.ReplyBinary:
		v.BodyBase64 = base64.StdEncoding.EncodeToString(r.Body)
	default: // cut within a character
		v.Body = strings.ToValidUTF8(string(r.Body), "")
	}
	if n := len(c.Tries); n > 0 {
		v.Timing = ptr(timingView(&c.Tries[n-1].Timing))
	}
	return v
}

func sentRows(headers []tidings.Header) []sentRowJSON {
	rows := make([]sentRowJSON, len(headers))
	for i, h := range headers {
		rows[i] = sentRowJSON(h)
	}
	return rows
}

func triesView(tries []tidings.Try) []tryJSON {
	out := make([]tryJSON, len(tries))
	for i := range tries {
		t := &tries[i]
		out[i] = tryJSON{t.At.UTC().Truncate(time.Millisecond), ms(t.Duration), t.Status, t.Outcome, t.Error, timingView(&t.Timing), ms(t.Wait)}
	}
	return out
}

func timingView(t *tidings.Timing) timingJSON {
	return timingJSON{ms(t.Lookup), ms(t.Connect), ms(t.Handshake), ms(t.Send), ms(t.Wait), ms(t.Receive), t.Reused}
}

// ms is a duration in milliseconds, with microseconds behind the point.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
