package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tidings"
)

// callDetail is what is kept of a call besides its columns, as JSON. Every call
// has one, so the names are short and times are whole microseconds.
type callDetail struct {
	Method  tidings.Method `json:"m"`
	URL     string         `json:"u"`
	Headers []string       `json:"h,omitempty"` // name, value, name, value, …
	Body    string         `json:"b,omitempty"`
	Whole   int            `json:"n,omitempty"`
	Shared  string         `json:"s,omitempty"`
	Tries   []tryDetail    `json:"t,omitempty"`
	Reply   *replyDetail   `json:"r,omitempty"`
}

type tryDetail struct {
	At       int64           `json:"a"`
	Duration int64           `json:"d"`
	Status   int             `json:"s,omitempty"`
	Outcome  tidings.Outcome `json:"o"`
	Error    string          `json:"e,omitempty"`
	Timing   [6]int64        `json:"t"` // in the order of tidings.Timing
	Reused   bool            `json:"r,omitempty"`
	Wait     int64           `json:"w,omitempty"`
}

type replyDetail struct {
	Status    int                 `json:"s"`
	Headers   []string            `json:"h,omitempty"`
	Format    tidings.ReplyFormat `json:"f"`
	Text      string              `json:"b,omitempty"` // the body, when it is text
	Binary    []byte              `json:"x,omitempty"` // the body, when it is none
	Truncated bool                `json:"c,omitempty"`
	Whole     int                 `json:"n,omitempty"`
}

// packCall writes a call's detail: packed JSON.
func (s *Store) packCall(c *tidings.Call) ([]byte, error) {
	d := callDetail{Method: c.Request.Method, URL: c.Request.URL, Headers: packHeaders(c.Request.Headers), Body: c.Request.Body, Shared: c.Shared}
	if len(d.Body) > tidings.MaxLoggedBody {
		d.Whole, d.Body = len(d.Body), strings.ToValidUTF8(d.Body[:tidings.MaxLoggedBody], "")
	}
	for i := range c.Tries {
		d.Tries = append(d.Tries, packTry(&c.Tries[i]))
	}
	if c.Reply != nil {
		d.Reply = packReply(c.Reply)
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // XML would take six times the room
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("pack a call: %w", err)
	}
	return s.pack(text.Bytes()), nil
}

func packHeaders(headers []tidings.Header) []string {
	if len(headers) == 0 {
		return nil
	}
	flat := make([]string, 0, 2*len(headers))
	for _, h := range headers {
		flat = append(flat, h.Name, h.Value)
	}
	return flat
}

func packTry(t *tidings.Try) tryDetail {
	g := &t.Timing
	return tryDetail{
		At: t.At.UnixMicro(), Duration: t.Duration.Microseconds(), Status: t.Status, Outcome: t.Outcome, Error: t.Error, Reused: g.Reused, Wait: t.Wait.Microseconds(),
		Timing: [6]int64{
			g.Lookup.Microseconds(), g.Connect.Microseconds(), g.Handshake.Microseconds(),
			g.Send.Microseconds(), g.Wait.Microseconds(), g.Receive.Microseconds(),
		},
	}
}

func packReply(r *tidings.Reply) *replyDetail {
	d := &replyDetail{Status: r.Status, Headers: packHeaders(r.Headers), Format: r.Format, Truncated: r.Truncated}
	body := r.Body
	text := utf8.Valid(body)
	if len(body) > tidings.MaxLoggedBody {
		d.Whole, body = len(body), body[:tidings.MaxLoggedBody]
	}
	if text {
		d.Text = strings.ToValidUTF8(string(body), "") // it may end within a character now
	} else {
		d.Binary = body
	}
	return d
}

func (s *Store) unpackCall(packed []byte, c *tidings.Call) error {
	text, err := s.unpack(packed)
	if err != nil {
		return fmt.Errorf("the record of call %d: %w", c.ID, err)
	}
	var d callDetail
	if err := json.Unmarshal(text, &d); err != nil {
		return fmt.Errorf("the record of call %d is damaged: %w", c.ID, err)
	}
	c.Request = tidings.SentRequest{Method: d.Method, URL: d.URL, Headers: unpackHeaders(d.Headers), Body: d.Body, Whole: d.Whole}
	c.Shared = d.Shared
	for i := range d.Tries {
		c.Tries = append(c.Tries, d.Tries[i].try())
	}
	if r := d.Reply; r != nil {
		body := r.Binary
		if body == nil {
			body = []byte(r.Text)
		}
		c.Reply = &tidings.Reply{
			Status: r.Status, Headers: unpackHeaders(r.Headers), Format: r.Format, Body: body, Truncated: r.Truncated, Whole: r.Whole,
		}
	}
	return nil
}

func unpackHeaders(flat []string) []tidings.Header {
	var headers []tidings.Header
	for i := 0; i+1 < len(flat); i += 2 {
		headers = append(headers, tidings.Header{Name: flat[i], Value: flat[i+1]})
	}
	return headers
}

func (d *tryDetail) try() tidings.Try {
	const us = time.Microsecond
	g := d.Timing
	return tidings.Try{
		At: time.UnixMicro(d.At).UTC(), Duration: time.Duration(d.Duration) * us, Status: d.Status, Outcome: d.Outcome, Error: d.Error, Wait: time.Duration(d.Wait) * us,
		Timing: tidings.Timing{
			Lookup: time.Duration(g[0]) * us, Connect: time.Duration(g[1]) * us, Handshake: time.Duration(g[2]) * us,
			Send: time.Duration(g[3]) * us, Wait: time.Duration(g[4]) * us, Receive: time.Duration(g[5]) * us, Reused: d.Reused,
		},
	}
}
