package tidings_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tidings"
)

func TestADefinitionIsCheckedAsItIsWritten(t *testing.T) {
	for _, c := range []struct{ what, definition, faults string }{
		{"a draft that is not finished", `{"trigger":{},"start":"","blocks":[{"id":"a","kind":"webhook"},{"id":"b","kind":"condition"},{"id":"c","kind":"timer"}]}`, ""},
		{"all kinds", `{"trigger":{"eventTypeKey":"order","condition":{"field":"sum","op":"greater","value":"1"},"once":{"mode":"per","perSeconds":60},"alone":true},"start":"a","blocks":[
			{"id":"a","kind":"webhook","webhook":{"webhookId":1,"whose":{"contactEmail":"${email}"}},"exits":{"ok":"b","failed":"h"}},
			{"id":"b","kind":"condition","condition":{"field":"x","op":"matches","value":"a.*"},"exits":{"yes":"c","no":"h"}},
			{"id":"c","kind":"timer","timer":{"seconds":31622400,"at":"23:59","weekdays":[1,7],"zone":"contact"},"exits":{"next":"d"}},
			{"id":"d","kind":"message","message":{"messageId":1},"exits":{"next":"e"}},
			{"id":"e","kind":"updateContact","fields":[{"field":"TOWN","value":"x"},{"field":"SHOP.A","value":""}],"exits":{"next":"f"}},
			{"id":"f","kind":"addToSegment","segmentId":1,"exits":{"next":"g"}},{"id":"g","kind":"split","percent":99,"exits":{"a":"h","b":"h"}},{"id":"h","kind":"end"}]}`, ""},
		{"triggers", `{"trigger":{"eventTypeKey":"a<b","activity":{"activityStatus":"SEEN","mediaType":"fax"},"once":{"mode":"twice"},"condition":{"field":"x","op":"is"}},"start":"","blocks":[]}`, `
trigger.eventTypeKey: has one of the characters <;’\/|"` + "`" + `'^?!,>
trigger.activity: must be absent with an eventTypeKey
trigger.activity.activityStatus: must be one of DELIVERED, UNDELIVERED, READ, UNSUBSCRIBED, CLICKED, SPAM, SUBSCRIPTION_CHANGED, SENT
trigger.activity.mediaType: must be one of email, sms, viber, mobilepush, webpush, appinbox, widget, inapp, telegrambot, or absent for any
trigger.condition.op: must be one of ` + fmt.Sprint(tidings.Operators()) + `
trigger.once.mode: must be never or per, or absent for every time`},
		{"times of once", `{"trigger":{"once":{"mode":"per","perSeconds":59}},"start":"","blocks":[]}`, `
trigger.once.perSeconds: must be 60 to 31622400`},
		{"a time that nothing is done with", `{"trigger":{"once":{"mode":"never","perSeconds":60}},"start":"","blocks":[]}`, `
trigger.once.perSeconds: must be absent without the mode per`},
		{"ids", `{"trigger":{},"start":"z","blocks":[{"id":"","kind":"end"},{"id":"a b","kind":"end"},{"id":"c","kind":"end"},{"id":"c","kind":"end"}]}`, `
start: is "z", and there is no such block
blocks[0].id: is required: a name within the workflow such as e_1
blocks[1].id: of block "a b" is "a b": only letters (A-Z), digits, _, - and . are allowed
blocks[3].id: of block "c" is that of another block too`},
		{"kinds and exits", `{"trigger":{},"start":"","blocks":[{"id":"a","kind":"sms"},{"id":"b","kind":"timer","exits":{"yes":"a","next":"x"}},{"id":"c","kind":"end","exits":{"next":"a"}}]}`, `
blocks[0].kind: of block "a" must be one of ` + fmt.Sprint(tidings.BlockKinds()) + `
blocks[1].exits.next: of block "b" leads to "x", and there is no such block
blocks[1].exits.yes: of block "b" is not there: a block of kind timer has the exits [next]
blocks[2].exits.next: of block "c" is not there: a block of kind end has no exits`},
		{"parts of other kinds", `{"trigger":{},"start":"","blocks":[{"id":"a","kind":"end","webhook":{"webhookId":1},"percent":5,"segmentId":2,"fields":[]}]}`, `
blocks[0].webhook: of block "a" must be absent: a block of kind end does not use it
blocks[0].fields: of block "a" must be absent: a block of kind end does not use it
blocks[0].segmentId: of block "a" must be absent: a block of kind end does not use it
blocks[0].percent: of block "a" must be absent: a block of kind end does not use it`},
		{"timers", `{"trigger":{},"start":"","blocks":[
			{"id":"a","kind":"timer","timer":{"seconds":31622401,"at":"9:30","weekdays":[0]}},{"id":"b","kind":"timer","timer":{"seconds":-1,"at":"24:00","weekdays":[1,1],"zone":"Mars"}},
			{"id":"c","kind":"timer","timer":{"seconds":1,"zone":"UTC"}}]}`, `
blocks[0].timer.seconds: of block "a" must be 1 to 31622400 (366 days), or absent
blocks[0].timer.at: of block "a" must be a time of day as 09:30
blocks[0].timer.weekdays: of block "a" must be numbers from 1 (Monday) to 7 (Sunday)
blocks[1].timer.seconds: of block "b" must be 1 to 31622400 (366 days), or absent
blocks[1].timer.at: of block "b" must be a time of day as 09:30
blocks[1].timer.weekdays: of block "b" have 1 twice
blocks[1].timer.zone: of block "b" must be contact, UTC or a time zone such as Europe/Kyiv
blocks[2].timer.zone: of block "c" must be absent without at and weekdays: a duration is the same everywhere`},
		{"setters", `{"trigger":{},"start":"","blocks":[{"id":"a","kind":"updateContact","fields":[{"field":"city","value":""},{"field":"TOWN","value":""},{"field":"1","value":""}]},
			{"id":"b","kind":"split","percent":100}]}`, `
blocks[0].fields[1].field: of block "a" is TOWN, which is set twice
blocks[0].fields[2].field: of block "a" must be letters (A-Z), digits and _, a dot between group and name, each part beginning with a letter: such as PERSONAL.BONUS
blocks[1].percent: of block "b" must be 1 to 99`},
		{"templates that are too long", `{"trigger":{},"start":"","blocks":[{"id":"a","kind":"message","message":{"messageId":1,"whose":{"phone":"` + strings.Repeat("x", tidings.MaxBlockTemplate+1) + `"}}}]}`, `
blocks[0].message.whose.phone: of block "a" is longer than 4096 bytes`},
	} {
		var d tidings.Definition
		if err := json.Unmarshal([]byte(c.definition), &d); err != nil {
			t.Fatal(c.what, err)
		}
		got := ""
		for _, f := range tidings.CheckDefinition(&d) {
			got += "\n" + f.String()
		}
		if got != c.faults {
			t.Errorf("%s:%s\nwant:%s", c.what, got, c.faults)
		}
	}
}

func TestADefinitionHasItsLimits(t *testing.T) {
	var d tidings.Definition
	for i := range tidings.MaxBlocks + 1 {
		d.Blocks = append(d.Blocks, tidings.Block{ID: tidings.BlockID(fmt.Sprint(i)), Kind: tidings.BlockEnd})
	}
	if got := fmt.Sprint(tidings.CheckDefinition(&d)); got != "[blocks: are 201: at most 200]" {
		t.Error(got)
	}
	d.Blocks = d.Blocks[:100]
	for i := range d.Blocks {
		d.Blocks[i].Kind, d.Blocks[i].Fields = tidings.BlockUpdateContact, []tidings.FieldSetter{{Field: "TOWN", Value: strings.Repeat("x", 3000)}}
	}
	if got := tidings.CheckDefinition(&d); len(got) != 1 || !strings.HasPrefix(got[0].Reason, "the definition has ") {
		t.Error(got)
	}
}
