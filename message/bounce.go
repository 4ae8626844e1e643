package message

import (
	"strings"
)

// readStatus reads a delivery status notification (RFC 3464): a block of fields
// about the mail, and one about each recipient. None of the latter: no reports.
func readStatus(root, status *mimePart) []Report {
	var reports []Report
	rest := []byte(strings.TrimLeft(status.text(), "\n "))
	for blocks := 0; len(rest) > 0 && blocks < 2*maxReports && len(reports) < maxReports; blocks++ {
		var fields mimeHeader
		before := len(rest)
		fields, rest = readHeader(rest)
		if len(rest) == before { // neither a field nor an empty line: no use to go on
			break
		}
		if fields.has("Final-Recipient") || fields.has("Original-Recipient") || fields.has("Action") || fields.has("Status") {
			reports = append(reports, readRecipient(fields))
		}
	}
	addWords(reports, root)
	return addRecipient(reports, root)
}

// readRecipient reads the fields about one recipient (RFC 3464, 2.3).
func readRecipient(fields mimeHeader) Report {
	r := Report{Format: "rfc3464", Recipient: dsnAddress(fields.get("Original-Recipient"), true)}
	if r.Recipient == "" {
		r.Recipient = dsnAddress(fields.get("Final-Recipient"), false)
	}
	diagnostic := describeDiagnostic(fields.text("Diagnostic-Code"))
	status := fields.text("Status")
	v := judge(status, diagnostic)
	r.Status = v.status
	// The seed's two forms: "smtp;554 5.7.1 …", and, without a Diagnostic-Code,
	// "5.1.2 (bad destination system: no such domain)".
	if r.Description = diagnostic; r.Description == "" {
		r.Description = status
	}
	action, _, _ := strings.Cut(strings.ToLower(fields.get("Action")), " ") // "failed (…)"
	switch action {
	case "failed":
		r.Kind, r.Permanent = ReportBounced, v.permanent
	case "delayed":
		r.Kind = ReportDelayed
	case "delivered", "relayed", "expanded":
		return Report{Kind: ReportIgnored, Recipient: r.Recipient, Status: r.Status, Format: r.Format, Reason: "a delivery report: " + action}
	default:
		r.Kind, r.Permanent = v.kind, v.permanent
		if r.Kind == ReportIgnored {
			r.Reason = "a delivery report without an outcome"
			r.Description = ""
		}
	}
	return r
}

// describeDiagnostic gives a Diagnostic-Code as the seed writes it: the type,
// a semicolon, and what the server said, on one line.
func describeDiagnostic(value string) string {
	kind, text, ok := strings.Cut(value, ";")
	if !ok || strings.ContainsAny(strings.TrimSpace(kind), " \t") {
		return describeReply(value)
	}
	text = joinReply(oneLine(text, 4*maxDescription))
	if text == "" {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(kind)) + ";" + text
}

// dsnAddress gives the address of "rfc822; bob@example.org" and its like.
// Original-Recipient is in xtext (RFC 3461, 4.2).
func dsnAddress(value string, xtext bool) string {
	if _, address, ok := strings.Cut(value, ";"); ok {
		value = address
	}
	value = strings.Trim(strings.TrimSpace(value), "<>")
	if xtext {
		value = decodeXtext(value)
	}
	return value
}

// decodeXtext undoes +XX. An address with a plus that nobody encoded stays as it is.
func decodeXtext(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '+' && i+2 < len(value) && upperHex(value[i+1]) && upperHex(value[i+2]) {
			c := unhex(value[i+1])<<4 | unhex(value[i+2])
			if c == '+' || c == '=' || c <= ' ' || c >= 0x7f { // the ones that must be encoded
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(value[i])
	}
	return strings.ToValidUTF8(b.String(), "\ufffd")
}

func upperHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'F' }

// addWords mends reports that say no more than a bare status: the server's
// words often stand in the text for people only.
func addWords(reports []Report, root *mimePart) {
	if len(reports) != 1 || reports[0].Kind == ReportIgnored || reports[0].Description != reports[0].Status {
		return
	}
	if words := replyIn(root.words()); words != "" {
		r := &reports[0]
		r.Description = describeReply(words)
		v := judge(r.Status, r.Description)
		r.Status, r.Permanent = v.status, v.permanent && r.Kind == ReportBounced
	}
}
