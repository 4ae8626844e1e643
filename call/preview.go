package call

import (
	"context"
	"net/http"

	"tidings"
	"tidings/scope"
)

// Preview makes the request of an order as Do does, and sends nothing. The
// result has no tries and no reply; its Problem says why the request can't be
// made, nil when it can.
func (c *Caller) Preview(ctx context.Context, o Order) (res Result) {
	res = c.begin(&o)
	if request := c.render(ctx, &o, &res); request != nil {
		c.complete(request, &o, &res)
	}
	return res
}

// Piece is one part of a request that somebody is writing, by itself: the
// others may be wrong.
type Piece struct {
	Part    Part
	Name    string // of a header
	Text    string // as it would be sent, secrets masked; "" when there is a problem
	Problem *Problem
}

// Sketch makes each part of an order's request by itself, so that one who
// writes it sees all problems at once: the URL, the header rows in their
// order, the body if there is one. Credentials are not in it. Nothing is sent.
func (c *Caller) Sketch(ctx context.Context, o Order) []Piece {
	p, _ := parseAll(o.Webhook) // a problem is found again in its part
	r := &renderer{}
	r.begin(ctx, scope.Scope{Contact: o.Contact, Event: o.Event, Replies: o.Replies, Instance: o.Instance, Now: o.Now}, c.tools, p.zoned)
	headers := make(http.Header, len(p.headers))
	pieces := make([]Piece, 0, len(p.headers)+2)
	add := func(t template, name string, render func() (string, *Problem)) {
		piece := Piece{Part: t.part, Name: name}
		if _, piece.Problem = parse(t.part, t.source); piece.Problem == nil {
			piece.Text, piece.Problem = render()
		}
		if piece.Problem != nil {
			piece.Text = ""
		}
		pieces = append(pieces, piece)
	}
	add(p.url, "", func() (string, *Problem) {
		url, problem := r.url(p.url)
		if reason := checkURL(p.url.source, c.options.Rules); reason != "" && problem == nil {
			problem = &Problem{Part: PartURL, Message: "it " + reason}
		}
		return string(url), problem
	})
	for _, h := range p.headers {
		add(h.value, h.name, func() (string, *Problem) {
			value, problem := r.header(h.value)
			headers.Set(h.name, value)
			return value, problem
		})
	}
	if p.format != tidings.BodyNone {
		add(p.body, "", func() (string, *Problem) {
			body, problem := r.body(p, headers.Get("Content-Type"))
			return string(body), problem
		})
	}
	hide(pieces, newMask(o.Auth, headers))
	return pieces
}

// hide masks the secrets of a sketch.
func hide(pieces []Piece, m mask) {
	for i := range pieces {
		piece := &pieces[i]
		switch {
		case piece.Part == PartURL:
			piece.Text = m.url(piece.Text)
		case piece.Name != "" && isSecretName(piece.Name):
			piece.Text = maskedValue(piece.Text)
			if piece.Problem != nil {
				piece.Problem.Fragment = ""
			}
		default:
			piece.Text = m.text(piece.Text)
		}
	}
}
