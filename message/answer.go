package message

import (
	"fmt"
	"strings"
)

// verb is how a sending went on, decided once, here.
type verb uint8

const (
	verbSent    verb = iota // 250 to the mail
	verbRefused             // for good: 5xx
	verbLater               // 4xx, or no answer before the end of the mail: nothing was sent
	verbLost                // no answer after the end of the mail: it may have been sent
	verbServer              // the server has trouble with us, not with this mail: it is down, or refuses the login
)

// answer is what came of one try to send a mail.
type answer struct {
	verb  verb
	words string // for people and statusDescription; "" when it was sent
	dead  bool   // of verbRefused: the address does not exist, or not any more
	// reusable says that the conversation can go on with another mail.
	reusable bool
	// untouched says that the conversation was found to be broken before the server took anything
	// of this mail: it may be tried at once in a new one.
	untouched bool
}

// stage is where in a conversation something was said.
type stage uint8

const (
	stageMail stage = iota
	stageRecipient
	stageData // the command
	stageEnd  // after the mail
)

// judgeReply decides by a reply that is no success.
func judgeReply(at stage, code int, text string) answer {
	words := smtpWords(code, text)
	switch {
	case code == 421: // the server closes: RFC 5321, 3.8
		return answer{verb: verbLater, words: words, untouched: at == stageMail}
	case code == 530 || code == 534 || code == 535 || code == 538: // the login: RFC 4954
		return answer{verb: verbServer, words: words}
	case code >= 500 && code <= 599:
		said := fmt.Sprintf("%d %s", code, oneHeader(text))
		return answer{verb: verbRefused, words: words, dead: at != stageMail && judge("", said).permanent, reusable: true}
	case code >= 400 && code <= 499:
		return answer{verb: verbLater, words: words, reusable: true}
	}
	// A success that is none here, 251 for 354: the server and we don't understand each other.
	return answer{verb: verbLater, words: words}
}

// maxWords is how much is kept of what a server says.
const maxWords = 500

// smtpWords gives a reply in the form of statusDescription: smtp;550 5.1.1 No
// such user. The lines of a long one are joined, their codes left out.
func smtpWords(code int, text string) string {
	lines := strings.Split(text, "\n")
	enhanced, _, _ := strings.Cut(lines[0], " ")
	if enhancedIn(enhanced) == enhanced {
		for i := range lines[1:] {
			lines[i+1] = strings.TrimPrefix(lines[i+1], enhanced)
		}
	}
	words := fmt.Sprintf("smtp;%d %s", code, oneHeader(strings.Join(lines, " ")))
	if len(words) > maxWords {
		words = strings.ToValidUTF8(words[:maxWords], "") + "…"
	}
	return strings.TrimSpace(words)
}
