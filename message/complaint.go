package message

import (
	"strings"
)

// readFeedback reads a feedback report (RFC 5965): what mailbox providers send
// when somebody calls a mail spam.
func readFeedback(root, report *mimePart) Report {
	fields, _ := readHeader([]byte(strings.TrimLeft(report.text(), "\n ")))
	r := Report{
		Kind:     ReportComplained,
		Feedback: oneLine(strings.ToLower(fields.get("Feedback-Type")), 40),
		Format:   "arf",
	}
	for _, name := range []string{"Original-Rcpt-To", "Original-Recipient", "Removal-Recipient"} {
		if r.Recipient == "" {
			r.Recipient = firstAddress(dsnAddress(fields.get(name), false))
		}
	}
	if p := returned(root); p != nil && r.Recipient == "" {
		r.Recipient = complainer(p)
	}
	switch r.Feedback {
	case "abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "miscategorized", "":
		// RFC 5965, 7.3, and the two of the older draft that some still send: somebody
		// does not want these mails. A report without a type is one of the loops' older forms.
	case "not-spam":
		r.Kind, r.Reason = ReportIgnored, "a feedback report: not spam"
	default: // auth-failure (RFC 6591) and whatever else is no person's complaint
		r.Kind, r.Reason = ReportIgnored, "a feedback report of another kind: "+r.Feedback
	}
	return r
}

// complainer gives the recipient of the returned mail: as Outlook says it, or
// as its header does.
func complainer(p *mimePart) string {
	h, _ := readHeader(p.decoded())
	for _, name := range []string{"X-HmXmrOriginalRecipient", "Delivered-To", "X-Original-To", "To"} {
		if a := firstAddress(h.text(name)); a != "" {
			return a
		}
	}
	return ""
}

// readForwarded reads the complaints that are no feedback reports: the mail of
// ours itself, sent on. Outlook (JMRP) attaches it and names the recipient in
// X-HmXmrOriginalRecipient; others attach it and say nothing, or send it on as
// it is. To the address for complaints only: what comes to a return path and
// isn't a report is somebody's answer. And it must be ours beyond doubt: a mail
// that anybody makes up complains of nothing.
func (f Finder) readForwarded(root *mimePart, a Arrival) (Report, bool) {
	outlook := root.header.get("X-HmXmrOriginalRecipient")
	p := root.find("message/rfc822", "message/global", "text/rfc822-headers")
	if p != nil && outlook == "" {
		h, _ := readHeader(p.decoded())
		outlook = h.get("X-HmXmrOriginalRecipient")
	}
	if !a.Complaint && outlook == "" {
		return Report{}, false
	}
	r := Report{Kind: ReportComplained, Feedback: "abuse", Format: "forwarded", Recipient: firstAddress(outlook)}
	if outlook != "" {
		r.Format = "jmrp"
	}
	ours := false
	if p != nil {
		if r.Recipient == "" {
			r.Recipient = complainer(p)
		}
		ours = f.mailIn(p.decoded()) != 0
	} else { // as it is: the mail of ours is the mail that came
		if r.Recipient == "" {
			r.Recipient = firstAddress(root.header.text("To"))
		}
		var own strings.Builder
		for _, name := range []string{"Message-ID", "Return-Path", "List-Unsubscribe"} {
			own.WriteString(name + ": " + root.header.get(name) + "\n")
		}
		ours = f.mailIn([]byte(own.String())) != 0
	}
	if !ours && outlook != "" {
		r.Kind, r.Reason = ReportIgnored, "a complaint about no mail of ours"
	}
	return r, ours || outlook != ""
}
