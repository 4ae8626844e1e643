package faulttest

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2conn is a connection that speaks HTTP/2 by frames.
type h2conn struct {
	*conn
	f       *http2.Framer
	headers bytes.Buffer
	enc     *hpack.Encoder
	open    map[uint32]*Request // streams whose request is being read
}

// serveHTTP2 reads requests and answers them: 200 when healthy, else by the fault.
func (c *conn) serveHTTP2() {
	h := &h2conn{conn: c, f: http2.NewFramer(c, c.r), open: map[uint32]*Request{}}
	h.f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	h.enc = hpack.NewEncoder(&h.headers)
	if _, err := io.CopyN(io.Discard, c.r, int64(len(http2.ClientPreface))); err != nil {
		return
	}
	open := (*h2conn).settle
	if c.server.fault.Open != nil && !c.server.healthy.Load() {
		open = c.server.fault.Open
	}
	if !open(h) {
		return
	}
	for {
		frame, err := h.f.ReadFrame()
		if err != nil || !h.take(frame) {
			return
		}
	}
}

// settle opens the connection as it should be.
func (h *h2conn) settle() bool { return h.f.WriteSettings() == nil }

// take handles one frame; false = close.
func (h *h2conn) take(frame http2.Frame) bool {
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		return f.IsAck() || h.f.WriteSettingsAck() == nil
	case *http2.PingFrame:
		return f.IsAck() || h.f.WritePing(true, f.Data) == nil
	case *http2.MetaHeadersFrame:
		req := &Request{Header: http.Header{}}
		for _, field := range f.RegularFields() {
			req.Header.Add(field.Name, field.Value)
		}
		h.open[f.StreamID] = req
		return !f.StreamEnded() || h.requested(f.StreamID)
	case *http2.DataFrame:
		req := h.open[f.StreamID]
		if req == nil {
			return true // of a stream that was reset
		}
		req.Body = append(req.Body, f.Data()...)
		if len(f.Data()) > 0 && (h.f.WriteWindowUpdate(0, uint32(len(f.Data()))) != nil ||
			h.f.WriteWindowUpdate(f.StreamID, uint32(len(f.Data()))) != nil) {
			return false
		}
		return !f.StreamEnded() || h.requested(f.StreamID)
	}
	return true
}

// requested answers a request that was read to its end.
func (h *h2conn) requested(id uint32) bool {
	req := h.open[id]
	delete(h.open, id)
	h.requests++
	h.server.record(req.Header, req.Body)
	if h.server.fault.Stream != nil && !h.server.healthy.Load() {
		return h.server.fault.Stream(h, id)
	}
	return h.answer(id, true, ":status", "200")
}

// answer writes a header block of names and values.
func (h *h2conn) answer(id uint32, end bool, fields ...string) bool {
	h.headers.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = h.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return h.f.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: h.headers.Bytes(), EndHeaders: true, EndStream: end,
	}) == nil
}

func (h *h2conn) goAway(last uint32, code http2.ErrCode) bool {
	return h.f.WriteGoAway(last, code, []byte("so long")) == nil
}

// stream is a fault of HTTP/2 that shows when a request was read.
func stream(name string, f func(h *h2conn, id uint32) bool) Fault {
	return Fault{Name: "HTTP/2 " + name, HTTP2: true, Stream: f}
}

func http2Faults() []Fault {
	list := []Fault{
		{Name: "HTTP/2 GOAWAY before our stream, always", HTTP2: true, Open: func(h *h2conn) bool {
			return h.settle() && h.goAway(0, http2.ErrCodeNo)
		}},
		{Name: "HTTP/2 closed at once", HTTP2: true, Open: func(*h2conn) bool { return false }},
		{Name: "HTTP/2 zero window for ever", HTTP2: true, Hangs: true, Open: func(h *h2conn) bool {
			return h.f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}) == nil
		}},
	}
	return append(list, http2Streams()...)
}

func http2Streams() []Fault {
	never := stream("never answers", func(*h2conn, uint32) bool { return true })
	never.Hangs = true
	deaf := stream("never answers, nor pings", func(h *h2conn, _ uint32) bool { h.hang(); return false })
	deaf.Hangs = true
	shut := stream("stream refused, always", func(h *h2conn, id uint32) bool {
		return h.f.WriteRSTStream(id, http2.ErrCodeRefusedStream) == nil
	})
	shut.Hangs = true
	stall := stream("200 and a body that never comes", func(h *h2conn, id uint32) bool { return h.answer(id, false, ":status", "200") })
	stall.Hangs = true
	return []Fault{
		never, deaf, shut, stall,
		stream("GOAWAY before our stream", func(h *h2conn, id uint32) bool {
			if len(h.server.Requests()) > 1 {
				return h.answer(id, true, ":status", "200")
			}
			return h.goAway(id-1, http2.ErrCodeNo)
		}),
		stream("GOAWAY after our stream, and an answer", func(h *h2conn, id uint32) bool {
			return h.goAway(id, http2.ErrCodeNo) && h.answer(id, true, ":status", "200")
		}),
		stream("GOAWAY after our stream, and no answer", func(h *h2conn, id uint32) bool {
			h.goAway(id, http2.ErrCodeNo)
			return false
		}),
		stream("GOAWAY with an error", func(h *h2conn, id uint32) bool {
			h.goAway(id, http2.ErrCodeInternal)
			return false
		}),
		stream("RST_STREAM", func(h *h2conn, id uint32) bool { return h.f.WriteRSTStream(id, http2.ErrCodeInternal) == nil }),
		stream("200 and RST_STREAM in the body", func(h *h2conn, id uint32) bool {
			return h.answer(id, false, ":status", "200") && h.f.WriteRSTStream(id, http2.ErrCodeInternal) == nil
		}),
		stream("answered by HTTP/1", func(h *h2conn, _ uint32) bool {
			h.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			h.hang()
			return false
		}),
		stream("garbage frames", func(h *h2conn, _ uint32) bool {
			h.say(strings.Repeat("\xff", 100))
			h.hang()
			return false
		}),
		stream("closed after the request", func(*h2conn, uint32) bool { return false }),
		stream("status 503", func(h *h2conn, id uint32) bool { return h.answer(id, true, ":status", "503", "retry-after", "120") }),
		stream("no status", func(h *h2conn, id uint32) bool { return h.answer(id, true, "a", "b") }),
		stream("status not a number", func(h *h2conn, id uint32) bool { return h.answer(id, true, ":status", "abc") }),
		// Long enough to be without end for a stream; a flood that goes on when the
		// stream is gone is the connection's matter, which closes when it is idle.
		stream("1xx flood", func(h *h2conn, id uint32) bool {
			for range 5000 {
				if !h.answer(id, false, ":status", "103", "link", "</a>") {
					return false
				}
			}
			return true
		}),
		stream("headers without end", func(h *h2conn, id uint32) bool {
			h.headers.Reset()
			_ = h.enc.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
			ok := h.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: h.headers.Bytes()}) == nil
			for ok {
				h.headers.Reset()
				_ = h.enc.WriteField(hpack.HeaderField{Name: "a", Value: strings.Repeat("b", 4000), Sensitive: true})
				ok = h.f.WriteContinuation(id, false, h.headers.Bytes()) == nil
			}
			return false
		}),
		stream("header over 1 MB", func(h *h2conn, id uint32) bool {
			h.headers.Reset()
			_ = h.enc.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
			_ = h.enc.WriteField(hpack.HeaderField{Name: "a", Value: strings.Repeat("b", 1<<20), Sensitive: true})
			return h.bigBlock(id, h.headers.Bytes())
		}),
	}
}

// bigBlock writes a header block in as many frames as it takes.
func (h *h2conn) bigBlock(id uint32, block []byte) bool {
	const frame = 16 << 10
	ok := h.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block[:frame], EndStream: true}) == nil
	for block = block[frame:]; ok && len(block) > 0; {
		n := min(frame, len(block))
		ok = h.f.WriteContinuation(id, n == len(block), block[:n]) == nil
		block = block[n:]
	}
	return ok
}
