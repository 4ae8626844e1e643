package message

import (
	"regexp"
	"strings"
)

// bounceForm is a form of bounces written for people, from before RFC 3464 or in spite of it.
type bounceForm struct {
	name string
	// begins are the phrases it is known by; one of them stands within the first
	// maxOpening bytes, in any case and however the lines are broken.
	begins []string
	// ends begin the lines behind which the returned mail stands.
	ends []string
	// read finds the recipients, and what was said of each.
	read func(lines []string) []failure
}

type failure struct{ recipient, words string }

// Limits of what is read of a text for people.
const (
	maxOpening     = 4 << 10 // bytes in which its form shows
	maxBounceLines = 1000
	maxUnknown     = 16 << 10 // bytes of a text in no known form
)

// bounceForms lists the forms that are told apart; the first that fits counts.
func bounceForms() []bounceForm {
	return []bounceForm{
		{"qmail", []string{"this is the qmail-send program", "this is the qmail program"}, []string{"--- Below this line", "--- Enclosed"}, readAngled},
		{"yahoo", []string{"unable to deliver message to the following address"}, []string{"--- Original message follows"}, readAngled},
		{"postfix", []string{"this is the mail system at host", "this is the postfix program at host", "this is the postfix mail system at host"}, []string{"--"}, readAngled},
		{
			"sendmail",
			[]string{"the following addresses had permanent fatal errors", "the following addresses had transient non-fatal errors", "the following addresses had delivery problems"},
			[]string{"   ----- Original message follows", "   ----- Message header follows", "   ----- Unsent message follows"},
			readAngled,
		},
		{"mail.ru", []string{"автоматически сервером mail.ru"}, []string{"------ This is a copy", "------"}, readIndented},
		{"exim", []string{"this message was created automatically by mail delivery software", "this message was created automatically by the mail system"}, []string{"------ This is a copy", "------ The body", "------"}, readIndented},
		{
			"gmail",
			[]string{"delivery to the following recipient failed permanently", "delivery to the following recipients failed permanently", "delivery to the following recipient has been delayed"},
			[]string{"----- Original message -----", "----- Message header"},
			readGmail,
		},
		{"exchange", []string{"did not reach the following recipient(s)", "the following recipient(s) could not be reached"}, nil, readDated},
		{"domino", []string{"was not delivered to:"}, nil, readBecause},
	}
}

// readBounceText reads a bounce by its text for people: nil when it has none of the forms.
func readBounceText(text string) []Report {
	opening := strings.ToLower(oneLine(text, maxOpening))
	for _, form := range bounceForms() {
		for _, phrase := range form.begins {
			if strings.Contains(opening, phrase) {
				return form.reports(text)
			}
		}
	}
	return nil
}

func (f bounceForm) reports(text string) []Report {
	lines := strings.Split(text, "\n")
	lines = f.own(lines[:min(len(lines), maxBounceLines)])
	delayed := isDelay(strings.Join(lines, "\n"))
	failures := f.read(lines)
	if len(failures) == 0 { // the form is clear, its recipients aren't
		failures = []failure{{}}
	}
	if len(failures) == 1 && strings.TrimSpace(failures[0].words) == "" {
		failures[0].words = replyIn(strings.Join(lines, "\n"))
	}
	var reports []Report
	for _, failed := range failures[:min(len(failures), 5*maxReports)] {
		reports = append(reports, reportOf(f.name, failed, delayed))
	}
	return reports
}

// own gives the lines before the returned mail.
func (f bounceForm) own(lines []string) []string {
	for i, line := range lines {
		for _, end := range f.ends {
			if strings.HasPrefix(line, end) && i > 0 {
				return lines[:i]
			}
		}
	}
	return lines
}

func reportOf(form string, failed failure, delayed bool) Report {
	words := describeReply(failed.words)
	v := judge("", words)
	r := Report{Kind: ReportBounced, Format: form, Recipient: failed.recipient, Description: words, Status: v.status, Permanent: v.permanent}
	if v.status == "" && replyCode(words) == "" {
		r.Permanent = addressIsDead("", words) // words alone
	}
	if delayed {
		r.Kind, r.Permanent = ReportDelayed, false
	}
	return r
}

// delayWords are of reports that say that the outcome is still open.
var delayWords = regexp.MustCompile(`(?i)warning (?:message )?only|do not need to resend|not yet been delivered|has not been delivered to one or more of its recipients after|still undelivered|has been delayed|will be retried|delivery attempts will continue|will (?:keep|continue) trying|transient non-fatal errors`)

func isDelay(text string) bool { return delayWords.MatchString(text) }

// readUnknownBounce reads what comes from a mail system in no form that is
// known, if it has a refusal of SMTP or says that an address is dead.
func readUnknownBounce(text string) (Report, bool) {
	text = strings.ToValidUTF8(text[:min(len(text), maxUnknown)], "")
	words := replyIn(text)
	if words == "" {
		for _, paragraph := range strings.Split(text, "\n\n") {
			if deadWords.MatchString(paragraph) {
				words = paragraph
				break
			}
		}
	}
	if words == "" {
		return Report{}, false
	}
	return reportOf("unknown", failure{recipient: firstAddress(text), words: words}, isDelay(text)), true
}

// readAngled reads recipients in angle brackets at the beginning of a line, and
// what follows up to an empty line:
//
//	<bob@example.org>:
//	192.0.2.1 does not like recipient.
//	Remote host said: 550 5.1.1 User unknown
//	Giving up on 192.0.2.1.
func readAngled(lines []string) []failure {
	var all []failure
	for i := 0; i < len(lines); i++ {
		inner, ok := strings.CutPrefix(lines[i], "<")
		address, words, found := strings.Cut(inner, ">")
		if !ok || !found || firstAddress(address) == "" {
			continue
		}
		words = strings.TrimPrefix(strings.TrimLeft(words, ". "), ":")
		for i+1 < len(lines) && strings.TrimSpace(lines[i+1]) != "" && !strings.HasPrefix(lines[i+1], "<") {
			i++
			if !strings.HasPrefix(lines[i], "Giving up on ") {
				words += "\n" + lines[i]
			}
		}
		words = strings.TrimSpace(words)
		if reason, ok := strings.CutPrefix(words, "(reason: "); ok { // sendmail
			words = strings.TrimSuffix(reason, ")")
		}
		all = append(all, failure{firstAddress(address), words})
	}
	return all
}

// readIndented reads recipients on indented lines of their own, and the lines
// behind that are indented further:
//
//	bob@example.org
//	  SMTP error from remote mail server after RCPT TO:<bob@example.org>:
//	  host mx.example.org [192.0.2.1]: 550 5.1.1 No such user here
func readIndented(lines []string) []failure {
	var all []failure
	for i := 0; i < len(lines); i++ {
		address := strings.TrimSpace(lines[i])
		if address == "" || firstAddress(address) != strings.TrimSuffix(address, ":") {
			continue
		}
		depth, words := indent(lines[i]), ""
		for i+1 < len(lines) && strings.TrimSpace(lines[i+1]) != "" && indent(lines[i+1]) > depth {
			i++
			words += " " + lines[i]
		}
		all = append(all, failure{strings.TrimSuffix(address, ":"), words})
	}
	return all
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// readGmail reads the form of Gmail from before it sent notifications of
// RFC 3464: recipients on lines of their own, one reason for all of them.
func readGmail(lines []string) []failure {
	text := strings.Join(lines, "\n")
	words := ""
	for _, mark := range []string{"The error that the other server returned was:", "Technical details of permanent failure:", "Technical details of temporary failure:"} {
		if _, after, ok := strings.Cut(text, mark); ok {
			words, _, _ = strings.Cut(strings.TrimSpace(after), "\n\n")
			break
		}
	}
	all := readIndented(lines)
	for i := range all {
		all[i].words = words
	}
	return all
}

// datedRecipient is how Exchange 5.5 to 2003 name a recipient.
var datedRecipient = regexp.MustCompile(`^\s*['"<]?([^\s<>'"]+@[^\s<>'"]+)['">]? on \S`)

// readDated reads recipients with the time of the failure, and the indented lines behind:
//
//	bob@example.org on Tue, 3 Feb 2026 10:12:00 +0100
//	    The recipient name is not recognized
func readDated(lines []string) []failure {
	var all []failure
	for i := 0; i < len(lines); i++ {
		m := datedRecipient.FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		words := ""
		for i+1 < len(lines) && strings.TrimSpace(lines[i+1]) != "" && datedRecipient.FindString(lines[i+1]) == "" {
			i++
			if line := strings.TrimSpace(lines[i]); !strings.HasPrefix(line, "The MTS-ID of the original message") {
				words += " " + line
			}
		}
		all = append(all, failure{m[1], words})
	}
	return all
}

// readBecause reads the form of Lotus Domino:
//
//	was not delivered to:
//	  bob@example.org
//	because:
//	  User bob (bob@example.org) not listed in Domino Directory
func readBecause(lines []string) []failure {
	text := strings.Join(lines, "\n")
	_, text, _ = strings.Cut(text, "was not delivered to:")
	recipient, reason, found := strings.Cut(text, "because:")
	if !found || firstAddress(recipient) == "" {
		return nil
	}
	reason, _, _ = strings.Cut(strings.TrimSpace(reason), "\n\n")
	return []failure{{firstAddress(recipient), reason}}
}
