package egress

import (
	"bytes"
	"io"
	"net/http"
)

// joinBelow is the size up to which the pieces of a body are put together:
// the transport sends a small body that it knows to be in memory with the
// headers in one packet, and a larger one for the price of one more.
const joinBelow = 16 << 10

// setBody gives the request its body, with its length and the means to send it
// anew. It says whether that is a pieceReader.
func setBody(r *http.Request, pieces [][]byte) bool {
	length := 0
	for _, p := range pieces {
		length += len(p)
	}
	if length == 0 {
		return false
	}
	r.ContentLength = int64(length)
	joined := len(pieces) == 1 || length <= joinBelow
	if joined {
		whole := pieces[0]
		if len(pieces) > 1 {
			whole = bytes.Join(pieces, nil)
		}
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(whole)), nil }
	} else {
		r.GetBody = func() (io.ReadCloser, error) { return &pieceReader{rest: pieces}, nil }
	}
	r.Body, _ = r.GetBody()
	return !joined
}

// pieceReader reads pieces one after the other without joining them.
type pieceReader struct {
	rest [][]byte
	at   int // in rest[0]
}

func (r *pieceReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && len(r.rest) > 0 {
		c := copy(p[n:], r.rest[0][r.at:])
		n += c
		r.at += c
		if r.at == len(r.rest[0]) {
			r.rest, r.at = r.rest[1:], 0
		}
	}
	if n == 0 && len(r.rest) == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (r *pieceReader) Close() error { return nil }

// readBody fills in the first keep bytes of the body, and reads at most drain
// more to see its end, which is what lets the connection be used again.
func (r *Response) readBody(body io.Reader, contentLength int64, keep, drain int) {
	var buf bytes.Buffer
	if contentLength > 0 {
		// ReadFrom wants room for one more read, which finds the end.
		buf.Grow(int(min(contentLength, int64(keep), 64<<10)) + bytes.MinRead)
	}
	_, r.BodyErr = buf.ReadFrom(io.LimitReader(body, int64(keep)))
	r.Body = buf.Bytes()
	if r.BodyErr != nil {
		return
	}
	if buf.Len() < keep { // so it was the body that ended
		r.Whole = true
		return
	}
	over, err := io.CopyN(io.Discard, body, int64(drain)+1)
	switch {
	case err == nil: // longer than it may be; closing it gives up the connection
	case err != io.EOF:
		r.BodyErr = err
	default:
		r.Whole = over == 0
	}
}
