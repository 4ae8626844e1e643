package ui

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"github.com/a-h/templ"
)

// streamWrite is how long a browser may take for one event.
const streamWrite = 10 * time.Second

// streamCheck is how long a stream goes on, at most, before its session is
// looked at: one that was ended elsewhere ends what its browser follows.
const streamCheck = 10 * time.Second

// stream answers with server-sent events (HTML standard, section 9.2), each
// one the HTML of a component, until what returns or the browser goes. send
// with nil sends a sign of life.
func (v *visit) stream(what func(send func(templ.Component) error) error) error {
	out := http.NewResponseController(v.w)
	begun := false
	begin := func() {
		if begun {
			return
		}
		begun = true
		v.w.Header().Set("Content-Type", "text/event-stream")
		v.w.Header().Set("X-Accel-Buffering", "no")
		v.w.WriteHeader(http.StatusOK)
	}
	var message bytes.Buffer
	checked := v.s.cfg.Now()
	err := what(func(content templ.Component) error {
		if now := v.s.cfg.Now(); now.Sub(checked) >= streamCheck {
			if !v.sessionHolds() {
				return errSignedOut
			}
			checked = now
		}
		begin()
		message.Reset()
		if content == nil {
			message.WriteString(":\n\n")
		} else if err := writeEvent(&message, v, content); err != nil {
			return err
		}
		// A connection without deadlines (a test's) is written to without one.
		_ = out.SetWriteDeadline(time.Now().Add(streamWrite))
		if _, err := v.w.Write(message.Bytes()); err != nil {
			return err
		}
		return out.Flush()
	})
	if err != nil && begun {
		if v.r.Context().Err() == nil && !errors.Is(err, errSignedOut) {
			v.log(err)
		}
		return nil // half an answer is out: its end tells the browser, which comes again
	}
	return err
}

// writeEvent writes one event: each line of the HTML is a line of data.
func writeEvent(to *bytes.Buffer, v *visit, content templ.Component) error {
	html := templ.GetBuffer()
	defer templ.ReleaseBuffer(html)
	if err := content.Render(v.r.Context(), html); err != nil {
		return err
	}
	for line := range bytes.Lines(html.Bytes()) {
		to.WriteString("data: ")
		to.Write(bytes.TrimRight(line, "\r\n"))
		to.WriteByte('\n')
	}
	to.WriteByte('\n')
	return nil
}
