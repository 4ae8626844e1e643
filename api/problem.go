package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// problemType is the media type of every error (RFC 9457).
const problemType = "application/problem+json"

// problemJSON is the one shape of an error: RFC 9457, with a stable code and the
// wrong values one by one.
type problemJSON struct {
	Type     string       `json:"type" doc:"Where the code is explained: a section of this server's /docs."`
	Title    string       `json:"title" doc:"The HTTP status in words."`
	Status   int          `json:"status" doc:"The HTTP status."`
	Detail   string       `json:"detail" doc:"What is wrong and what to do, for a person."`
	Code     tidings.Code `json:"code" doc:"What kind of failure it is, for a program. Stable."`
	Instance string       `json:"instance,omitempty" doc:"Only with code internal: the id under which the server's log has the cause."`
	Errors   []faultJSON  `json:"errors,omitempty" doc:"The wrong values, one by one. Values themselves are never repeated."`

	header http.Header
}

// faultJSON names one wrong value of a request.
type faultJSON struct {
	Index  *int   `json:"index,omitempty" doc:"Place of the element in the request's array, from 0."`
	Line   *int   `json:"line,omitempty" doc:"Line of the NDJSON body, from 1."`
	Field  string `json:"field,omitempty" doc:"Path of the field, or name of the parameter. Absent: the whole element."`
	Reason string `json:"reason" doc:"What is wrong and what is allowed."`
}

// Error, GetStatus, GetHeaders and ContentType let huma send a problem as it is.

func (p *problemJSON) Error() string                 { return p.Detail }
func (p *problemJSON) GetStatus() int                { return p.Status }
func (p *problemJSON) GetHeaders() http.Header       { return p.header }
func (p *problemJSON) ContentType(string) string     { return problemType }
func (p *problemJSON) withHeader(name, value string) { p.header.Set(name, value) }
func (p *problemJSON) withRetryAfter(after, d time.Duration) {
	if after <= 0 {
		after = d
	}
	seconds := (after + time.Second - 1) / time.Second
	p.withHeader("Retry-After", strconv.FormatInt(int64(seconds), 10))
}

// answered is an error whose HTTP status is not the one of its code: a request
// that can't be read (400), a method that is not served (405), a sender that is
// too slow (408).
type answered struct {
	status int
	allow  string // for 405
	err    *tidings.Error
}

func (a *answered) Error() string { return a.err.Error() }
func (a *answered) Unwrap() error { return a.err }

// unreadable is a request that breaks the form: not JSON, a wrong parameter.
func unreadable(message string, fields ...tidings.FieldError) error {
	return &answered{status: http.StatusBadRequest, err: &tidings.Error{Code: tidings.CodeInvalid, Message: message, Fields: fields}}
}

// statusOf is the one table from codes to HTTP statuses.
func statusOf(err error) int {
	if a, ok := errors.AsType[*answered](err); ok {
		return a.status
	}
	switch tidings.CodeOf(err) {
	case tidings.CodeInvalid:
		return http.StatusUnprocessableEntity
	case tidings.CodeUnauthorized:
		return http.StatusUnauthorized
	case tidings.CodeForbidden:
		return http.StatusForbidden
	case tidings.CodeNotFound:
		return http.StatusNotFound
	case tidings.CodeConflict, tidings.CodeFenced:
		return http.StatusConflict
	case tidings.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case tidings.CodeUnsupported:
		return http.StatusUnsupportedMediaType
	case tidings.CodeRateLimited:
		return http.StatusTooManyRequests
	case tidings.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Waits that are asked for when the error itself does not say one.
const (
	retryUnavailable = 5 * time.Second
	retryRateLimited = time.Second
)

// problem makes the answer for an error. What carries no code is logged under
// an id, and only the id is shown. lines says that indexes are NDJSON lines.
func (s *Server) problem(ctx context.Context, err error, lines bool) *problemJSON {
	if tidings.CodeOf(err) == tidings.CodeInternal && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		err = &tidings.Error{Code: tidings.CodeUnavailable, Message: "the request was ended before the server got to it: send it again", Err: err}
	}
	status := statusOf(err)
	p := &problemJSON{Title: http.StatusText(status), Status: status, header: http.Header{}}
	e, ok := errors.AsType[*tidings.Error](err)
	if !ok || status == http.StatusInternalServerError {
		e = s.internal(ctx, err, p)
	}
	p.Code, p.Detail, p.Type = e.Code, e.Message, "/docs#"+string(e.Code)
	p.Errors = faults(e.Fields, lines)
	switch status {
	case http.StatusUnauthorized:
		p.header["Www-Authenticate"] = []string{`Bearer realm="tidings"`, `Basic realm="tidings", charset="UTF-8"`}
	case http.StatusTooManyRequests:
		p.withRetryAfter(e.RetryAfter, retryRateLimited)
	case http.StatusServiceUnavailable:
		p.withRetryAfter(e.RetryAfter, retryUnavailable)
	case http.StatusMethodNotAllowed:
		if a, ok := errors.AsType[*answered](err); ok {
			p.withHeader("Allow", a.allow)
		}
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		// The rest of the body would be read as the next request.
		p.withHeader("Connection", "close")
	}
	if e.Code == tidings.CodeUnavailable && ctx.Err() == nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "unavailable", slog.String("reason", err.Error()))
	}
	return p
}

// internal logs the cause of an unexpected failure and gives what is shown instead.
func (s *Server) internal(ctx context.Context, err error, p *problemJSON) *tidings.Error {
	var id [8]byte
	rand.Read(id[:]) // never fails (crypto/rand)
	name := hex.EncodeToString(id[:])
	p.Instance = "urn:tidings:failure:" + name
	s.log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("failure", name), slog.String("error", err.Error()))
	return tidings.Errorf(tidings.CodeInternal, "something broke in the server: its log has the cause under failure %s", name)
}

func faults(fields []tidings.FieldError, lines bool) []faultJSON {
	if len(fields) == 0 {
		return nil
	}
	out := make([]faultJSON, len(fields))
	for i, f := range fields {
		out[i] = faultJSON{Field: f.Field, Reason: f.Reason}
		switch {
		case f.Index < 0:
		case lines:
			n := f.Index + 1
			out[i].Line = &n
		default:
			n := f.Index
			out[i].Index = &n
		}
	}
	return out
}

// fail answers a raw handler's request with an error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.failAs(w, r, err, false)
}

func (s *Server) failAs(w http.ResponseWriter, r *http.Request, err error, lines bool) {
	p := s.problem(r.Context(), err, lines)
	header := w.Header()
	for name, values := range p.header {
		header[name] = values
	}
	header.Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	if r.Method == http.MethodHead {
		return
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	// A client that does not take the answer has gone; nothing is left to tell it.
	_ = enc.Encode(p)
}

// ownShape turns what huma itself refuses (parameters) into our shape, without
// the values that huma repeats. It is a huma.Transformer.
func ownShape(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	status := m.Status
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest // a parameter is a matter of form, see statusOf
	}
	if c, ok := ctx.(*opContext); ok {
		c.status = status
	}
	p := &problemJSON{
		Type: "/docs#" + string(tidings.CodeInvalid), Title: http.StatusText(status), Status: status,
		Detail: "the request's parameters are wrong", Code: tidings.CodeInvalid,
	}
	for _, e := range m.Errors {
		_, name, _ := cutLocation(e.Location)
		p.Errors = append(p.Errors, faultJSON{Field: name, Reason: reasonOf(e.Message)})
	}
	return p, nil
}

// reasonOf says in the words of this API what huma found wrong with a parameter.
func reasonOf(message string) string {
	if least, ok := strings.CutPrefix(message, "expected number >= "); ok {
		return "must be " + least + " or more"
	}
	if most, ok := strings.CutPrefix(message, "expected number <= "); ok {
		return "must be " + most + " or less"
	}
	if message == "invalid integer" {
		return "must be a whole number"
	}
	return message
}
