package workflow

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tidings"
)

func TestCheckNamesBlockAndField(t *testing.T) {
	const end = `{"id":"end","kind":"end"}`
	const promo = `"trigger":{"eventTypeKey":"promo"},"start":"a"`
	store := shop()
	store.messages[9] = tidings.Message{ID: 9, Name: "Strict", Content: tidings.Content{Subject: "x", HTML: "<p>\n$data.WH5.promocode</p>"}}
	known := store.known()
	known.Segments[2] = &tidings.Segment{ID: 2, Name: "Kyiv", Condition: &tidings.Condition{Field: "TOWN", Op: tidings.IsSet}}
	for _, c := range []struct {
		what, definition string
		problems         string // one a line; ? before a warning
	}{
		{"nothing wrong", `{` + promo + `,"blocks":[{"id":"a","kind":"split","percent":1,"exits":{"a":"end","b":"end"}},` + end + `]}`, ""},
		{"nothing there", `{}`, `
trigger: needs an eventTypeKey, the kind of events that start the workflow, or an activity
blocks: are missing: a workflow needs one at least`},
		{"no start", `{"trigger":{"eventTypeKey":"promo"},"blocks":[` + end + `]}`, `
start: is missing: the block at which a run begins`},
		{"a start that is not there", `{"trigger":{"eventTypeKey":"promo"},"start":"x","blocks":[` + end + `]}`, `
start: is "x", and there is no such block`},
		{"a trigger that looks at replies", `{"trigger":{"eventTypeKey":"promo","condition":{"field":"$data.WH5.x","op":"isSet"}},"start":"end","blocks":[` + end + `]}`, `
trigger.condition: asks for $data.WH5.x: before a run begins there are the event's parameters and the contact's fields only`},
		{"a trigger of an unknown message", `{"trigger":{"activity":{"activityStatus":"CLICKED","messageId":77}},"start":"end","blocks":[` + end + `]}`, `
trigger.activity.messageId: is 77, and there is no such message`},
		{"exits that are missing", `{` + promo + `,"blocks":[{"id":"a","kind":"condition","condition":{"field":"x","op":"isSet"},"exits":{"yes":"end"}},` + end + `]}`, `
blocks[0].exits.no: of block "a" is missing: say which block comes next; where nothing does, a block of kind end`},
		{"the failed exit may be missing", `{` + promo + `,"blocks":[{"id":"a","kind":"webhook","webhook":{"webhookId":5},"exits":{"ok":"end"}},` + end + `]}`, ""},
		{"exits that lead nowhere", `{` + promo + `,"blocks":[{"id":"a","kind":"timer","timer":{"seconds":1},"exits":{"next":"b"}},` + end + `]}`, `
blocks[0].exits.next: of block "a" leads to "b", and there is no such block
blocks[1]: of block "end" can't be reached: no way from the start leads to it`},
		{"parts that are missing", `{` + promo + `,"blocks":[
			{"id":"a","kind":"webhook","exits":{"ok":"b"}},{"id":"b","kind":"message","exits":{"next":"c"}},{"id":"c","kind":"condition","exits":{"yes":"d","no":"d"}},
			{"id":"d","kind":"timer","timer":{},"exits":{"next":"e"}},{"id":"e","kind":"updateContact","exits":{"next":"f"}},{"id":"f","kind":"addToSegment","exits":{"next":"g"}},
			{"id":"g","kind":"split","exits":{"a":"end","b":"end"}},` + end + `]}`, `
blocks[0].webhook.webhookId: of block "a" is missing: which webhook it calls
blocks[1].message.messageId: of block "b" is missing: which message it sends
blocks[2].condition: of block "c" is missing: what it asks
blocks[3].timer: of block "d" is missing: how long it waits (seconds), or until when (at, weekdays)
blocks[4].fields: of block "e" are missing: what it sets
blocks[5].segmentId: of block "f" is missing: which list it is
blocks[6].percent: of block "g" is missing: how many in a hundred runs take exit a, 1 to 99`},
		{"things that are not there", `{` + promo + `,"blocks":[
			{"id":"a","kind":"webhook","webhook":{"webhookId":50},"exits":{"ok":"b"}},{"id":"b","kind":"message","message":{"messageId":30},"exits":{"next":"c"}},
			{"id":"c","kind":"condition","condition":{"field":"contact.SHOP.NO","op":"isSet"},"exits":{"yes":"d","no":"d"}},
			{"id":"d","kind":"updateContact","fields":[{"field":"SHOP.NO","value":"x"},{"field":"contactId","value":"1"}],"exits":{"next":"e"}},
			{"id":"e","kind":"addToSegment","segmentId":40,"exits":{"next":"f"}},{"id":"f","kind":"removeFromSegment","segmentId":2,"exits":{"next":"end"}},` + end + `]}`, `
blocks[0].webhook.webhookId: of block "a" is 50, and there is no such webhook
blocks[1].message.messageId: of block "b" is 30, and there is no such message
blocks[2].condition: of block "c" asks for contact.SHOP.NO, and contacts have no such field
blocks[3].fields[0].field: of block "d" is SHOP.NO, and contacts have no such field: make it first
blocks[3].fields[1].field: of block "d" is the contact's id, which can't be set
blocks[4].segmentId: of block "e" is 40, and there is no such segment
blocks[5].segmentId: of block "f" is "Kyiv", whose contacts are found by a condition: contacts are put on lists only`},
		{"a loop", `{` + promo + `,"blocks":[{"id":"a","kind":"timer","timer":{"seconds":1},"exits":{"next":"b"}},
			{"id":"b","kind":"split","percent":50,"exits":{"a":"c","b":"end"}},{"id":"c","kind":"timer","timer":{"seconds":1},"exits":{"next":"b"}},` + end + `]}`, `
blocks[1].exits: of block "b" leads back to itself: b → c → b; a run goes through each block once`},
		{"templates that can't be read", `{` + promo + `,"blocks":[
			{"id":"a","kind":"message","message":{"messageId":3,"whose":{"contactEmail":"${email"}},"exits":{"next":"b"}},
			{"id":"b","kind":"updateContact","fields":[{"field":"TOWN","value":"x\n #if($a) y"},{"field":"REGION","value":"#evaluate($x)"}],"exits":{"next":"c"}},
			{"id":"c","kind":"condition","condition":{"field":"$data.get('WH5'","op":"isSet"},"exits":{"yes":"end","no":"end"}},` + end + `]}`, `
blocks[0].message.whose.contactEmail: of block "a", line 1, column 8: can't be read: unexpected end of the template, want "}"
? blocks[0].message.messageId: of block "a" the html of message "Promo" (line 1, column 4): $!data.get('WH5').get('promocode') uses the reply of "WH5", which is not called before this block: it is empty
blocks[1].fields[0].value: of block "b", line 2, column 11: can't be read: unexpected end of the template, want #end
blocks[1].fields[1].value: of block "b" can't be read: #evaluate runs data as a template and is not available here: write the template itself
blocks[2].condition: of block "c", line 1, column 16: can't be read: unexpected end of the template, want "," or ")"`},
		{"a reply that is not there yet", `{` + promo + `,"blocks":[
			{"id":"a","kind":"message","message":{"messageId":9},"exits":{"next":"b"}},{"id":"b","kind":"webhook","webhook":{"webhookId":5},"exits":{"ok":"c"}},
			{"id":"c","kind":"message","message":{"messageId":9},"exits":{"next":"end"}},` + end + `]}`, `
blocks[0].message.messageId: of block "a" the html of message "Strict" (line 2, column 1): $data.WH5.promocode uses the reply of "WH5", which is not called before this block`},
		{"a reply that is there on one way only", `{` + promo + `,"blocks":[
			{"id":"a","kind":"split","percent":50,"exits":{"a":"b","b":"c"}},{"id":"b","kind":"webhook","webhook":{"webhookId":5},"exits":{"ok":"c"}},
			{"id":"c","kind":"updateContact","fields":[{"field":"TOWN","value":"$data.WH5.a"},{"field":"REGION","value":"$!data.WH5.a"},{"field":"POSTCODE","value":"${data.WH5.a|'x'}"}],"exits":{"next":"end"}},` + end + `]}`, `
blocks[2].fields[0].value: of block "c", line 1, column 1: $data.WH5.a uses the reply of "WH5", which is not called on every way to here: write $!… or ${…|'default'}, or call it before the ways part`},
		{"a webhook that needs another's reply", `{` + promo + `,"blocks":[{"id":"a","kind":"webhook","webhook":{"webhookId":8},"exits":{"ok":"end"}},` + end + `]}`, `
blocks[0].webhook.webhookId: of block "a" the URL of webhook "needs" (line 1, column 30): $data.crm.id uses the reply of "crm", which is not called before this block`},
	} {
		known.Webhooks[8] = &tidings.Webhook{ID: 8, Name: "needs", URL: "https://shop.example.com/?id=$data.crm.id"}
		var d tidings.Definition
		if err := json.Unmarshal([]byte(c.definition), &d); err != nil {
			t.Fatal(c.what, err)
		}
		var got strings.Builder
		for _, p := range Check(&d, known) {
			got.WriteString("\n")
			if p.Warning {
				got.WriteString("? ")
			}
			got.WriteString(p.FieldError().String())
		}
		if got.String() != c.problems {
			t.Errorf("%s:%s\nwant:%s", c.what, got.String(), c.problems)
		}
	}
}

// randomDefinition draws a graph of blocks whose exits lead anywhere.
func randomDefinition(t *rapid.T) tidings.Definition {
	n := rapid.IntRange(1, 7).Draw(t, "blocks")
	id := func(i int) tidings.BlockID { return tidings.BlockID(fmt.Sprintf("b%d", i)) }
	d := tidings.Definition{Trigger: tidings.Trigger{EventTypeKey: "promo"}, Start: id(0)}
	for i := range n {
		kind := rapid.SampledFrom([]tidings.BlockKind{tidings.BlockWebhook, tidings.BlockSplit, tidings.BlockUpdateContact, tidings.BlockEnd}).Draw(t, "kind")
		b := tidings.Block{ID: id(i), Kind: kind, Exits: map[tidings.Exit]tidings.BlockID{}}
		switch kind {
		case tidings.BlockWebhook:
			b.Webhook = &tidings.WebhookBlock{Webhook: rapid.SampledFrom([]tidings.WebhookID{5, 6}).Draw(t, "webhook")}
		case tidings.BlockSplit:
			b.Percent = 50
		case tidings.BlockUpdateContact:
			b.Fields = []tidings.FieldSetter{{Field: "TOWN", Value: rapid.SampledFrom([]string{"$data.WH5.a", "$!data.crm.a", "x"}).Draw(t, "value")}}
		}
		for _, e := range kind.Exits() {
			if e != tidings.ExitFailed || rapid.Bool().Draw(t, "routed") {
				b.Exits[e] = id(rapid.IntRange(0, n-1).Draw(t, "exit"))
			}
		}
		d.Blocks = append(d.Blocks, b)
	}
	return d
}

// ways is what all ways through a definition meet, found by walking every one of them.
type ways struct {
	def     *tidings.Definition
	reached map[tidings.BlockID]bool
	loop    bool
	unknown map[tidings.BlockID]bool // blocks that want a reply that some way there does not have
}

func (w *ways) walk(id tidings.BlockID, path []tidings.BlockID, called map[tidings.WebhookID]bool) {
	if slices.Contains(path, id) {
		w.loop = true
		return
	}
	w.reached[id] = true
	b := w.def.Block(id)
	if len(b.Fields) > 0 && b.Fields[0].Value == "$data.WH5.a" && !called[5] {
		w.unknown[id] = true
	}
	after := map[tidings.WebhookID]bool{5: called[5], 6: called[6]}
	if b.Webhook != nil {
		after[b.Webhook.Webhook] = true
	}
	for _, to := range b.Exits {
		w.walk(to, append(path[:len(path):len(path)], id), after)
	}
}

func TestCheckFindsWhatWalkingEveryWayFinds(t *testing.T) {
	known := shop().known()
	rapid.Check(t, func(t *rapid.T) {
		d := randomDefinition(t)
		w := ways{def: &d, reached: map[tidings.BlockID]bool{}, unknown: map[tidings.BlockID]bool{}}
		w.walk(d.Start, nil, nil)
		unreached, loop, unknown := map[tidings.BlockID]bool{}, false, map[tidings.BlockID]bool{}
		for _, p := range Check(&d, known) {
			switch {
			case strings.Contains(p.Reason, "can't be reached"):
				unreached[p.Block] = true
			case strings.Contains(p.Reason, "leads back to itself"):
				loop = true
			case strings.Contains(p.Reason, "uses the reply") && !p.Warning:
				unknown[p.Block] = true
			case !p.Warning:
				t.Errorf("an unforeseen problem: %+v", p)
			}
		}
		if loop != w.loop {
			t.Errorf("a loop: %t, want %t", loop, w.loop)
		}
		for _, b := range d.Blocks {
			if unreached[b.ID] == w.reached[b.ID] {
				t.Errorf("block %s is unreached: %t", b.ID, unreached[b.ID])
			}
			if !w.loop && unknown[b.ID] != w.unknown[b.ID] {
				t.Errorf("block %s wants what is not there: %t, want %t", b.ID, unknown[b.ID], w.unknown[b.ID])
			}
		}
	})
}

func TestUsesAreFound(t *testing.T) {
	d := definition(t, circle, shop().known())
	d.Blocks[0].Webhook.Whose = tidings.Whose{Email: "${friend}", ContactID: "$contact.SHOP.BONUS"}
	d.Trigger.Condition = &tidings.Condition{All: []tidings.Condition{{Field: "contact.TOWN", Op: tidings.IsSet}, {Field: "sum", Op: tidings.IsSet}}}
	got := fmt.Sprintf("%+v", UsesOf(&d))
	if want := "{Webhooks:[5] Messages:[3] Segments:[4] Fields:[SHOP.BONUS SHOP.PROMO TOWN] Data:[WH5] Names:[friend sum]}"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
