package message

import (
	"bytes"
	"regexp"
	"strings"
)

// ReportKind is what a mail that came back says.
type ReportKind string

// The kinds.
const (
	ReportBounced    ReportKind = "bounced"    // not delivered, and nobody tries any more: UNDELIVERED
	ReportDelayed    ReportKind = "delayed"    // not delivered yet; the outcome is still to come
	ReportComplained ReportKind = "complained" // the recipient calls it spam: SPAM, and unsubscribed
	ReportIgnored    ReportKind = "ignored"    // nothing of these; Reason says what it was
)

// Report is what one mail that came back says of one recipient.
type Report struct {
	Mail      int64      `json:"mail,omitempty"` // the mail of ours that it is about; 0 = not known
	Kind      ReportKind `json:"kind"`
	Recipient string     `json:"recipient,omitempty"` // as the report names it; "" = it does not
	// Description is for statusDescription: what the refusing server said, after
	// the type of its system, e.g. "smtp;550 5.1.1 User unknown"; one line, at most
	// maxDescription bytes. Only of bounced and delayed ones.
	Description string `json:"description,omitempty"`
	Status      string `json:"status,omitempty"`    // of RFC 3463, e.g. "5.1.1"; "" = not known
	Permanent   bool   `json:"permanent,omitempty"` // bounced because the address does not exist: black-list it
	Feedback    string `json:"feedback,omitempty"`  // the feedback-type of a complaint (RFC 5965), e.g. "abuse"
	Reason      string `json:"reason,omitempty"`    // why it is ignored, for the log
	Format      string `json:"format,omitempty"`    // whose form it had: "rfc3464", "qmail", "arf", …
}

const (
	maxDescription = 1000 // bytes
	maxReports     = 20   // recipients of one report
)

// Arrival is a mail that came in, and what its envelope says.
type Arrival struct {
	Data      []byte // the mail; CRLF or LF
	Mail      int64  // the mail that the envelope recipient stands for (VERP.Parse); 0 = none
	Complaint bool   // the envelope recipient is the address for complaints
}

// Finder finds the mail of ours that a report speaks of, in what the report returns of it.
type Finder struct {
	VERP VERP
	// Link finds the mail of a link of ours, such as that of List-Unsubscribe;
	// false for all others and forged ones. nil = links are not looked at.
	Link func(link string) (mail int64, ok bool)
}

// Read says what a mail that came back means: one Report a recipient, at least
// one. Forms known: delivery status notifications (RFC 3464, RFC 6533), those
// of servers that came before it (see bounceForms), feedback reports (RFC 5965)
// and what is sent instead of them, automatic replies (RFC 3834), read receipts
// (RFC 8098). All else is ignored. Nothing makes it fail, and time and memory
// are bounded by the size of the mail.
func (f Finder) Read(a Arrival) []Report {
	root := readMIME(a.Data)
	reports := oneEach(f.read(root, a))
	mail := a.Mail
	if mail == 0 {
		mail = f.mailOf(root, a.Data)
	}
	for i := range reports {
		r := &reports[i]
		r.Mail = mail
		r.Recipient = oneLine(r.Recipient, 320)
		r.Description = oneLine(r.Description, maxDescription)
		r.Reason = oneLine(r.Reason, 200)
	}
	return reports
}

// read tries the forms one after the other, the surest first.
func (f Finder) read(root *mimePart, a Arrival) []Report {
	if p := root.find("message/feedback-report"); p != nil {
		return []Report{readFeedback(root, p)}
	}
	if p := root.find("message/delivery-status", "message/global-delivery-status"); p != nil {
		if reports := readStatus(root, p); len(reports) > 0 {
			return reports
		}
	}
	if root.find("message/disposition-notification") != nil {
		return ignored("a read receipt (RFC 8098)")
	}
	words := root.words()
	if reports := readBounceText(words); len(reports) > 0 {
		return addRecipient(reports, root)
	}
	if r, ok := f.readForwarded(root, a); ok {
		return []Report{r}
	}
	if reason := automatic(root); reason != "" {
		return ignored(reason)
	}
	if fromDaemon(root) {
		if r, ok := readUnknownBounce(words); ok {
			return addRecipient([]Report{r}, root)
		}
		return ignored("from a mail system, in no form that is known")
	}
	return ignored("not a report")
}

func ignored(reason string) []Report {
	return []Report{{Kind: ReportIgnored, Reason: reason}}
}

// oneEach gives one report a recipient: the worst of those that name it, as a
// recipient may stand for several addresses (a list, a forward) and a text may
// say a thing twice. An address is dead only when all that it stands for is.
func oneEach(reports []Report) []Report {
	rank := map[ReportKind]int{ReportIgnored: 1, ReportDelayed: 2, ReportBounced: 3, ReportComplained: 4}
	at := map[string]int{}
	all := reports[:0]
	for _, r := range reports {
		i, seen := at[r.Recipient]
		if !seen {
			if len(all) < maxReports {
				at[r.Recipient] = len(all)
				all = append(all, r)
			}
			continue
		}
		old := all[i]
		if rank[r.Kind] > rank[old.Kind] || r.Kind == old.Kind && replyCode(old.Description) == "" && r.Description != "" {
			all[i] = r
		}
		all[i].Permanent = all[i].Permanent && old.Kind == r.Kind && (old.Permanent || old.Description == "")
	}
	return all
}

// addRecipient fills in a lone recipient that only the header names (Exim, Gmail).
func addRecipient(reports []Report, root *mimePart) []Report {
	if len(reports) == 1 && reports[0].Recipient == "" {
		reports[0].Recipient = firstAddress(root.header.get("X-Failed-Recipients"))
	}
	return reports
}

// returned gives the part that holds the mail of ours, or its header.
func returned(root *mimePart) *mimePart {
	return root.find("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers")
}

// tokenPattern finds what may be a token of VERP: in return paths, Message-IDs
// and wherever else a mail of ours was copied to.
var tokenPattern = regexp.MustCompile(`[0-9]{1,19}\.[A-Za-z2-7]{17}`)

// Limits of one text: how many tokens are tried, and how many fields of links.
const (
	maxTokens     = 64
	maxLinkFields = 4
)

// mailOf finds the mail of ours in what came back, 0 when nothing there is
// genuinely ours.
func (f Finder) mailOf(root *mimePart, data []byte) int64 {
	if p := returned(root); p != nil {
		if mail := f.mailIn(p.decoded()); mail != 0 {
			return mail
		}
	}
	for _, p := range []*mimePart{root.find("message/feedback-report"), root.find("text/plain")} {
		if p == nil {
			continue
		}
		if mail := f.mailIn([]byte(p.text())); mail != 0 {
			return mail
		}
	}
	return f.mailIn(data[:min(len(data), 2*maxText)])
}

// mailIn finds the mail of ours in a text that holds its header.
func (f Finder) mailIn(text []byte) int64 {
	for _, token := range tokenPattern.FindAll(text, maxTokens) {
		for _, purpose := range []string{macOfAddress, macOfMessageID} {
			if mail, ok := f.VERP.verify(purpose, string(token)); ok {
				return mail
			}
		}
	}
	if f.Link == nil {
		return 0
	}
	rest := text
	for range maxLinkFields {
		at := indexFold(rest, "List-Unsubscribe:")
		if at < 0 {
			break
		}
		h, _ := readHeader(rest[at:min(len(rest), at+maxHeaderBytes)])
		for _, link := range bracketed(h.get("List-Unsubscribe")) {
			if mail, ok := f.Link(link); ok {
				return mail
			}
		}
		rest = rest[at+1:]
	}
	return 0
}

// indexFold finds a header field at the beginning of a line, in the case that
// servers keep or fold to.
func indexFold(text []byte, name string) int {
	if at := bytes.Index(text, []byte(name)); at >= 0 {
		return at
	}
	return bytes.Index(text, []byte(strings.ToLower(name)))
}

// bracketed lists what stands in angle brackets, at most ten.
func bracketed(value string) []string {
	var all []string
	for range 10 {
		_, after, ok := strings.Cut(value, "<")
		if !ok {
			break
		}
		inner, rest, ok := strings.Cut(after, ">")
		if !ok {
			break
		}
		all = append(all, strings.ReplaceAll(inner, " ", "")) // folding put it there
		value = rest
	}
	return all
}

// addressPattern is loose on purpose: what mail systems print as addresses.
var addressPattern = regexp.MustCompile(`[^\s<>()\[\],;:"'@]+@[\pL\pN](?:[\pL\pN.-]*[\pL\pN])?`)

// firstAddress gives the first email address of a text, or "".
func firstAddress(text string) string {
	return addressPattern.FindString(text)
}
