package message

import (
	"strings"
	"testing"

	"tidings"
)

func TestAMessageIsSavedOnlyWhenItCanBeSent(t *testing.T) {
	long := strings.Repeat("x", tidings.MaxSubject+1)
	for name, c := range map[string]struct {
		change func(*tidings.Message)
		want   string // the first fault
	}{
		"all well":          {func(*tidings.Message) {}, ""},
		"no name":           {func(m *tidings.Message) { m.Name = " " }, "name: is required"},
		"tag of two lines":  {func(m *tidings.Message) { m.Tag = "a\nb" }, "tag: has control characters, or blanks at its ends"},
		"no address":        {func(m *tidings.Message) { m.From.Address = "shop" }, "from.address: must be an email address such as ann@example.com"},
		"address injection": {func(m *tidings.Message) { m.ReplyTo = "a@example.com\r\nBcc: b@example.com" }, "replyTo: must be an email address such as ann@example.com"},
		"no subject":        {func(m *tidings.Message) { m.Content.Subject = "" }, "content.subject: is required"},
		"long subject":      {func(m *tidings.Message) { m.Content.Subject = long }, "content.subject: is longer than 1000 bytes"},
		"nothing to say":    {func(m *tidings.Message) { m.Content.HTML = "" }, "content.html: a message needs html or text"},
		"broken html":       {func(m *tidings.Message) { m.Content.HTML = "a\n#if($x" }, "content.html: line 2, column 7: "},
		"broken variant":    {func(m *tidings.Message) { m.Variants["uk"] = tidings.Content{Subject: "#end", HTML: "x"} }, "variants.uk.subject: line 1, column 1: "},
		"no language":       {func(m *tidings.Message) { m.Variants["u k"] = tidings.Content{} }, "variants.u k: the key must be a language tag such as uk, en or pt-BR"},
		"evaluate":          {func(m *tidings.Message) { m.Content.HTML = "\n #evaluate($x)" }, "content.html: line 2, column 2: #evaluate runs data"},
		"twice a category":  {func(m *tidings.Message) { m.Categories = []string{"a", "a"} }, "categories[1]: is given twice"},
		"not UTF-8":         {func(m *tidings.Message) { m.Content.Text = "\xff" }, "content.text: is not UTF-8"},
	} {
		m := &tidings.Message{Name: "m", Content: tidings.Content{Subject: "s", HTML: "h"}, Variants: map[string]tidings.Content{}}
		c.change(m)
		faults, _ := Check(m, Known{})
		got := ""
		if len(faults) > 0 {
			got = faults[0].String()
		}
		if got != c.want && (c.want == "" || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestNamesThatNobodyHasAreWarnedOf(t *testing.T) {
	known := Known{Fields: []tidings.FieldKey{"PERSONAL.BONUS", "SHOE"}, Webhooks: []string{"WH5", "Promo"}, Categories: []string{"news"}}
	for template, want := range map[string]string{
		"$data.WH5.x $data.get('Promo').y %FIRSTNAME% %SHOE% $contact.PERSONAL.BONUS $contact.town $anything $workflowInstanceId": "",
		"#set($data = 1)$data.nothing":     "",
		"a $!data.get('promo').code":       "line 1, column 3: $!data.get('promo').code: promo is no webhook of this account: it must be a parameter of the event; the webhook Promo is written with other capitals",
		"$data.order":                      "line 1, column 1: $data.order: order is no webhook of this account: it must be a parameter of the event",
		"%BONUS|0%":                        "line 1, column 1: %BONUS|0%: contacts have no field BONUS: it must be a parameter of the event",
		"\n$contact.SHOES $contact.SHOES":  "line 2, column 1: $contact.SHOES: contacts have no field SHOES",
		"$workflowinstanceid":              "line 1, column 1: $workflowinstanceid: is written $workflowInstanceId: its capitals count",
		"#macro(x $contact)$contact.a#end": "",
	} {
		m := &tidings.Message{Name: "m", Categories: []string{"news"}, Content: tidings.Content{Subject: "s", HTML: template}}
		faults, warnings := Check(m, known)
		var got []string
		for _, w := range warnings {
			got = append(got, w.Reason)
		}
		if len(faults) > 0 || strings.Join(got, "\n") != want {
			t.Errorf("%s\n got  %v %q\n want %q", template, faults, got, want)
		}
	}
}
