package ui

import (
	"encoding/json"
	"net/url"
	"strings"

	"tidings/ui/part"
)

// The request of an attempt: headers and body, to be read, copied and sent again by hand.

func (s *Server) registerEndpointBatch() {
	const one = laboratory + "/{id}/batches/{batch}"
	s.look(one, (*visit).batchPage)
	s.look(one+"/body", (*visit).batchBody)
}

// batchView is what was sent with an attempt.
type batchView struct {
	attemptView
	Kept    string        `json:"kept"` // exact, not or dropped
	Method  string        `json:"method"`
	URL     string        `json:"url"`
	Headers []batchHeader `json:"headers"`
	Body    string        `json:"body"`
	Shown   int64         `json:"shown"`

	Clock    part.Clock   `json:"-"`
	Endpoint endpointView `json:"-"`
}

type batchHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// batchAPI is the operation of the batch of the path.
func (v *visit) batchAPI(id int64) string {
	return endpointAPI(id) + "/batches/" + url.PathEscape(v.r.PathValue("batch"))
}

func (v *visit) batchPage() error {
	e, err := v.endpoint()
	if err != nil {
		return err
	}
	b := batchView{Clock: v.clock, Endpoint: e}
	query := v.pick("attempt")
	query.Set("limit", "20")
	if err := v.get(v.batchAPI(e.ID), query, &b); err != nil {
		return err
	}
	title := "Batch " + b.span() + ", attempt " + decimal(int64(b.Attempt))
	if v.wantsPart() {
		return v.part(batchDrawer(title, b))
	}
	crumbs := append(laboratoryCrumbs(), part.Link{Label: e.Name, Href: e.path()})
	return v.page(view{Title: title, Active: laboratory, Crumbs: crumbs}, batchCard(b))
}

func (v *visit) batchBody() error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	return v.pass(v.batchAPI(id)+"/body", nil)
}

// whole says whether all of the body is there.
func (b *batchView) whole() bool { return b.Kept == "exact" && b.Shown == b.Activities }

func (b *batchView) bodyPath() string {
	return b.Endpoint.path() + "/batches/" + url.PathEscape(b.BatchID) + "/body"
}

// shownWords says how much of the body the tree has.
func (b *batchView) shownWords() string {
	if b.whole() {
		return plural(b.Activities, "activity", "activities")
	}
	return "the first " + count(b.Shown) + " of " + count(b.Activities) + " activities"
}

// request is the request as it goes over the wire, without its body.
func (b *batchView) request() string {
	path := b.URL
	host := ""
	if u, err := url.Parse(b.URL); err == nil {
		path, host = u.RequestURI(), u.Host
	}
	var out strings.Builder
	out.WriteString(b.Method + " " + path + " HTTP/1.1\nHost: " + host + "\n")
	for _, h := range b.Headers {
		out.WriteString(h.Name + ": " + h.Value + "\n")
	}
	return out.String()
}

// largestInLine is the most bytes of a body that a command line takes well.
const largestInLine = 16 << 10

// curl is the request as a command for a shell; a body that is not all there,
// or a large one, is read from the file that it is downloaded to.
func (b *batchView) curl() string {
	var out strings.Builder
	out.WriteString("curl -X " + b.Method + " " + quoted(b.URL))
	for _, h := range b.Headers {
		out.WriteString(" \\\n  -H " + quoted(h.Name+": "+h.Value))
	}
	body := "@batch.json"
	if b.whole() && len(b.Body) <= largestInLine {
		body = b.Body
	}
	out.WriteString(" \\\n  --data-binary " + quoted(body))
	return out.String()
}

// quoted makes one word of a shell of a text.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// secrets says whether something of the request is masked.
func (b *batchView) secrets() bool {
	for _, h := range b.Headers {
		if strings.Contains(h.Value, "••••") {
			return true
		}
	}
	return false
}

// signing is how to sign the downloaded body by hand; "" when it is not signed.
func (b *batchView) signing() string {
	if !b.Endpoint.Signing {
		return ""
	}
	return `SECRET='whsec_…'; ID='` + b.BatchID + `'; NOW=$(date +%s)
KEY=$(printf %s "${SECRET#whsec_}" | base64 -d | od -An -tx1 | tr -d ' \n')
{ printf %s "$ID.$NOW."; cat batch.json; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | base64
# webhook-timestamp: $NOW
# webhook-signature: v1, and the line above
`
}

// json gives the body for the tree.
func (b *batchView) json() []byte {
	if !json.Valid([]byte(b.Body)) {
		return nil
	}
	return []byte(b.Body)
}

// depth is how far the tree is unfolded: many activities are a list first.
func (b *batchView) depth() int {
	if b.Shown <= 2 {
		return 2
	}
	return 1
}
