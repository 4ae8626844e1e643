package message

import (
	"regexp"
	"strings"
)

// verdict is what a status and a server's words come to.
type verdict struct {
	status    string // of RFC 3463; "" = none was found
	kind      ReportKind
	permanent bool
}

// judge weighs the Status field of a report and what the server said. The
// server's own code wins over the reporter's where they agree on the class: it
// knows, and many reporters write 5.0.0 for all that fails.
func judge(status, said string) verdict {
	own, theirs := enhancedIn(status), enhancedIn(said)
	v := verdict{status: own}
	if theirs != "" && (own == "" || own[0] == theirs[0]) {
		v.status = theirs
	}
	class := byte(0)
	if v.status != "" {
		class = v.status[0]
	} else if code := replyCode(said); code != "" {
		class = code[0]
	}
	switch class {
	case '5':
		v.kind = ReportBounced
		v.permanent = addressIsDead(v.status, said)
	case '4':
		v.kind = ReportDelayed
	default:
		v.kind = ReportIgnored
	}
	return v
}

// addressIsDead says whether a permanent refusal means that the address does
// not exist, and not that this mail was unwelcome. Black-listing an address
// that is alive costs a contact for ever, so that doubt means no.
func addressIsDead(status, said string) bool {
	switch status {
	case "5.1.1", // bad destination mailbox address
		"5.1.2",  // bad destination system address
		"5.1.3",  // bad destination mailbox address syntax
		"5.1.6",  // mailbox has moved, no forwarding address
		"5.1.10", // null MX: the domain takes no mail (RFC 7505)
		"5.2.1",  // mailbox disabled
		"5.4.4":  // no host to route to: Postfix says so only when the DNS does
		return true
	case "", "5.0.0", "5.1.0", "5.2.0", "5.4.0", "5.4.1", "5.5.0": // say nothing: the words decide
		return deadWords.MatchString(said) && !policyWords.MatchString(said)
	}
	return false
}

// deadWords are what servers say of an address that does not exist.
var deadWords = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`user (?:is )?unknown`, `unknown (?:user|recipient|local.?part|address|mailbox)`,
	`no such (?:user|recipient|mailbox|address|account|person|domain|local user)`,
	`(?:user|recipient|mailbox|account|address|addressee|domain)\b.{0,80}\b(?:not found|(?:does not|doesn't|did not) exist|not exist|is invalid|is disabled|unknown)`,
	`(?:doesn't|does not) have an? .{0,40}account`, `not a valid (?:recipient|mailbox|user|address)`,
	`invalid (?:recipient|mailbox|address|user)`, `no mailbox here by that name`, `not listed in domino directory`,
	`unroute?able address`, `recipient name is not recognized`, `account (?:has been|is|was) (?:disabled|discontinued|closed|deleted)`,
	`no longer (?:valid|available|in use|active|on server)`, `requested action not taken: mailbox unavailable`,
	`couldn't find any host`, `host (?:or domain name )?not found`, `undeliverable address`, `bad destination mailbox`,
	`recipient address rejected: access denied`, // Exchange Online's directory check, with 5.4.1
	`отсутствует|не существует|пользователь не найден`,
}, "|"))

// policyWords are of refusals that another mail to the same address may not get.
var policyWords = regexp.MustCompile(`(?i)spam|\bblock|blacklist|blocklist|policy|reputation|\bspf\b|dkim|dmarc|dnsbl|\brbl\b|quota|\bfull\b|exceed|too (?:large|many|big)|\brate\b|virus|greylist|try again|temporar|\brelay|sender`)

// enhancedPattern finds codes of RFC 3463. What stands before and after is
// looked at so that parts of addresses and versions are left alone.
var enhancedPattern = regexp.MustCompile(`(?:^|[\s#(<;:-])([245]\.\d{1,3}\.\d{1,3})(?:$|[\s)>;:,-]|\.(?:\s|$))`)

// enhancedIn gives the first code of RFC 3463 in a text, or "".
func enhancedIn(text string) string {
	if m := enhancedPattern.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// replyPattern finds the beginning of a reply of SMTP (RFC 5321, 4.2): three
// digits, and an enhanced code or words.
var replyPattern = regexp.MustCompile(`(?:^|[\s:;("'])([245][0-5]\d)(?:[ -]+(?:#?[245]\.\d{1,3}\.\d{1,3}\b|[\pL<"'(\[]))`)

// replyCode gives the three digits of the first reply in a text, or "".
func replyCode(text string) string {
	if m := replyPattern.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

func isReplyCode(s string) bool {
	return strings.Trim(s, "0123456789") == "" && strings.IndexByte("245", s[0]) >= 0
}

// replyIn gives a text from the first reply that refuses, as far as its
// paragraph goes, or "".
func replyIn(text string) string {
	for _, m := range replyPattern.FindAllStringSubmatchIndex(text, 10) {
		if text[m[2]] == '2' {
			continue
		}
		reply, _, _ := strings.Cut(text[m[2]:], "\n\n")
		return reply
	}
	return ""
}

// describeReply gives a server's words for statusDescription: from the reply
// of SMTP on, when there is one, and else as they are.
func describeReply(words string) string {
	words = oneLine(words, 4*maxDescription)
	reply := replyIn(words)
	if reply == "" {
		return words
	}
	return "smtp;" + joinReply(reply)
}

// joinReply makes one reply of one that came in several lines: the codes, with
// which every line of it begins, stay at the first only.
func joinReply(reply string) string {
	fields := strings.Fields(reply)
	if len(fields) < 2 || len(fields[0]) < 4 || fields[0][3] != '-' || !isReplyCode(fields[0][:3]) {
		return reply
	}
	code, first := fields[0][:3], fields[0][4:]
	joined := append(make([]string, 0, len(fields)+1), code)
	if first != "" {
		joined = append(joined, first)
	}
	begins := false // this field is the first of its line
	for _, f := range fields[1:] {
		rest, marked := strings.CutPrefix(f, code+"-")
		switch {
		case f == code: // of the last line
			begins = true
			continue
		case rest == "" || (marked || begins) && rest == first && enhancedIn(first) != "":
		default:
			joined = append(joined, rest)
		}
		begins = false
	}
	return strings.Join(joined, " ")
}
