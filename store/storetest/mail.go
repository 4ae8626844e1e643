package storetest

import (
	"strings"
	"time"

	"tidings"
)

// fullMail is a mail with every field set that its maker sets.
func (h *harness) fullMail(account tidings.AccountID) tidings.Mail {
	return tidings.Mail{
		Account: account, IID: "0bb5e1dc-0d1b-4deb-948f-8cea4d8ef738", Message: 5, Name: "Welcome", Tag: "a,b", Language: "uk", Contact: 7, External: "c-1",
		To: "Ann@Example.com", Workflow: 3, Block: "m", Instance: "92227cb7-4eef-4168-9ea5-43f3ed3559f8", Event: 9, EventKey: "42", EventType: "order",
		From: tidings.Mailbox{Name: "Крамниця", Address: "shop@example.com"}, ReplyTo: "help@example.com", Categories: []string{"NEWS", "TABLETS"},
		Subject: "Hello", HTML: "<p>" + strings.Repeat("ж", 2000) + "</p>", Text: "text\r\n", Due: h.clock.Now().Add(-time.Millisecond),
	}
}
