package ui

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidings"
	"tidings/ui/part"
)

// blockThing is something of the account that blocks name by its id.
type blockThing struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Method  string `json:"method"`  // of a webhook
	URL     string `json:"url"`     // of a webhook
	Subject string `json:"subject"` // of a message
	Kind    string `json:"kind"`    // of a segment: list or condition
	Deleted any    `json:"deletedAt"`
}

// blockThings are those of an account that a definition names or can name.
type blockThings struct {
	Webhooks, Messages, Segments []blockThing
	Fields                       []part.Option // standard and additional ones
	EventTypes                   []eventTypeInfo
	Events                       int64 // of the trigger's type, in seven days
}

// maxThings is the most webhooks, messages or segments that a list offers.
const maxThings = 100

// thingsOf reads what the cards of a definition show and its forms offer.
func (v *visit) thingsOf(d *tidings.Definition) (*blockThings, error) {
	t := &blockThings{}
	var out struct {
		Webhooks []blockThing `json:"webhooks"`
		Messages []blockThing `json:"messages"`
		Segments []blockThing `json:"segments"`
		Standard []string     `json:"standard"`
		Fields   []struct {
			Key, Name, Type string
		} `json:"fields"`
	}
	page := url.Values{"limit": {strconv.Itoa(maxThings)}}
	for _, from := range []struct {
		path string
		q    url.Values
	}{{"/v1/webhooks", page}, {"/v1/messages", page}, {"/v1/segments", nil}, {"/v1/fields", nil}} {
		if err := v.get(from.path, from.q, &out); err != nil {
			return nil, err
		}
	}
	t.Webhooks, t.Messages, t.Segments = out.Webhooks, out.Messages, out.Segments
	for _, name := range out.Standard {
		t.Fields = append(t.Fields, part.Option{Value: name, Label: name, Group: "Standard fields"})
	}
	for _, f := range out.Fields {
		t.Fields = append(t.Fields, part.Option{Value: f.Key, Label: f.Key, Note: f.Type, Group: "Additional fields"})
	}
	var err error
	if t.EventTypes, err = v.eventTypes(); err != nil {
		return nil, err
	}
	return t, v.addNamed(t, d)
}

// addNamed reads those that a definition names and that no list had: deleted
// ones, and those of an account that has very many.
func (v *visit) addNamed(t *blockThings, d *tidings.Definition) error {
	add := func(path string, list *[]blockThing, id int64) error {
		if id == 0 || thing(*list, id) != nil {
			return nil
		}
		var one blockThing
		err := v.get(path+"/"+decimal(id), nil, &one)
		if err == nil {
			*list = append(*list, one)
		}
		if isNotFound(err) {
			return nil // the check says so
		}
		return err
	}
	for i := range d.Blocks {
		var err error
		switch b := &d.Blocks[i]; {
		case b.Webhook != nil:
			err = add("/v1/webhooks", &t.Webhooks, int64(b.Webhook.Webhook))
		case b.Message != nil:
			err = add("/v1/messages", &t.Messages, int64(b.Message.Message))
		}
		if err != nil {
			return err
		}
	}
	return v.countEvents(t, d.Trigger.EventTypeKey)
}

// countEvents counts the events of a type in seven days.
func (v *visit) countEvents(t *blockThings, key string) error {
	i := slices.IndexFunc(t.EventTypes, func(e eventTypeInfo) bool { return e.Key == key })
	if i < 0 {
		return nil
	}
	id := decimal(t.EventTypes[i].ID)
	list, err := v.stats("event", url.Values{"subject": {id}, "step": {"total"}, "from": {v.clock.Now.Add(-7 * 24 * time.Hour).UTC().Format(time.RFC3339)}})
	for _, s := range list {
		t.Events += s.Done
	}
	return err
}

// thing finds one by its id; nil when it is not there.
func thing(list []blockThing, id int64) *blockThing {
	for i := range list {
		if list[i].ID == id {
			return &list[i]
		}
	}
	return nil
}

// kindView is how a kind of block is called and drawn.
type kindView struct {
	Kind        tidings.BlockKind
	Label, Text string
	Icon        string
}

// blockKinds lists the kinds as the Actions offer them.
func blockKinds() []kindView {
	return []kindView{
		{tidings.BlockWebhook, "Webhook", "Calls an outside system and uses its reply", "link"},
		{tidings.BlockCondition, "Condition", "Goes one of two ways", "branch"},
		{tidings.BlockTimer, "Timer", "Waits a while, or until a time of day", "clock"},
		{tidings.BlockMessage, "Message", "Sends an email", "mail"},
		{tidings.BlockUpdateContact, "Update contact", "Sets fields of the contact", "pencil"},
		{tidings.BlockAddTo, "Add to segment", "Puts the contact on a list", "plus"},
		{tidings.BlockRemoveFrom, "Remove from segment", "Takes the contact off a list", "minus"},
		{tidings.BlockSplit, "Split", "Sends a share of the runs another way", "split"},
		{tidings.BlockEnd, "End", "Ends the run", "flag"},
	}
}

func kindOf(kind tidings.BlockKind) kindView {
	for _, k := range blockKinds() {
		if k.Kind == kind {
			return k
		}
	}
	return kindView{Kind: kind, Label: string(kind), Icon: "info"}
}

// blockName is what a block is called: its own name, else what it does.
func blockName(b *tidings.Block, t *blockThings) string {
	if b.Name != "" {
		return b.Name
	}
	switch of := blockThingOf(b, t); {
	case of != nil:
		return of.Name
	case b.Kind == tidings.BlockCondition && b.Condition != nil:
		return (*condition)(b.Condition).words()
	case b.Kind == tidings.BlockTimer && b.Timer != nil:
		return timerWords(b.Timer)
	}
	return kindOf(b.Kind).Label
}

// blockThingOf gives what a block uses; nil when it uses nothing or that is not known.
func blockThingOf(b *tidings.Block, t *blockThings) *blockThing {
	switch {
	case b.Webhook != nil:
		return thing(t.Webhooks, int64(b.Webhook.Webhook))
	case b.Message != nil:
		return thing(t.Messages, int64(b.Message.Message))
	case b.Segment != 0:
		return thing(t.Segments, int64(b.Segment))
	}
	return nil
}

// blockFact is the key fact on a block's card.
func blockFact(b *tidings.Block, t *blockThings) string {
	of := blockThingOf(b, t)
	switch b.Kind {
	case tidings.BlockWebhook:
		if of != nil {
			return of.Method + " " + webhookHost(of.URL)
		}
		return "no webhook chosen"
	case tidings.BlockMessage:
		if of != nil {
			return of.Subject
		}
		return "no message chosen"
	case tidings.BlockCondition:
		if b.Condition == nil {
			return "nothing asked yet"
		}
		return (*condition)(b.Condition).words()
	case tidings.BlockTimer:
		if b.Timer == nil {
			return "no time set"
		}
		return timerWords(b.Timer)
	case tidings.BlockUpdateContact:
		var names []string
		for _, f := range b.Fields {
			names = append(names, f.Field)
		}
		if len(names) == 0 {
			return "no field chosen"
		}
		return strings.Join(names, ", ")
	case tidings.BlockAddTo, tidings.BlockRemoveFrom:
		if of != nil {
			return of.Name
		}
		return "no list chosen"
	case tidings.BlockSplit:
		return fmt.Sprintf("%d %% a, %d %% b", b.Percent, 100-b.Percent)
	}
	return ""
}

// webhookHost gives the host of a webhook's URL, which is written out in its template.
func webhookHost(template string) string {
	rest := template
	if _, after, ok := strings.Cut(template, "://"); ok {
		rest = after
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// exitWords is what stands at a way out.
func exitWords(b *tidings.Block, exit tidings.Exit) string {
	switch {
	case b.Kind == tidings.BlockSplit && exit == tidings.ExitA:
		return fmt.Sprintf("a, %d %%", b.Percent)
	case b.Kind == tidings.BlockSplit && exit == tidings.ExitB:
		return fmt.Sprintf("b, %d %%", 100-b.Percent)
	}
	return string(exit)
}

// timerWords says how long a timer waits.
func timerWords(t *tidings.Timer) string {
	var words []string
	if t.Seconds > 0 {
		n, unit := timerUnit(t.Seconds)
		words = append(words, plural(n, unit, unit+"s"))
	}
	if t.At != "" {
		words = append(words, "until "+t.At)
	}
	if len(t.Weekdays) > 0 {
		names := make([]string, len(t.Weekdays))
		for i, day := range t.Weekdays {
			names[i] = weekday(day)
		}
		words = append(words, "on "+strings.Join(names, ", "))
	}
	switch {
	case t.Zone == tidings.ZoneContact:
		words = append(words, "of the contact")
	case t.Zone != "":
		words = append(words, "("+t.Zone+")")
	}
	return strings.Join(words, " ")
}

// timerUnit gives seconds in the largest unit that fits.
func timerUnit(seconds int64) (int64, string) {
	for _, u := range []struct {
		seconds int64
		name    string
	}{{86400, "day"}, {3600, "hour"}, {60, "minute"}} {
		if seconds%u.seconds == 0 {
			return seconds / u.seconds, u.name
		}
	}
	return seconds, "second"
}

// weekday names a day: 1 = Monday.
func weekday(n int) string {
	if n < 1 || n > 7 {
		return strconv.Itoa(n)
	}
	return time.Weekday(n % 7).String()[:3]
}

// triggerFact says what starts a workflow.
func triggerFact(t *tidings.Trigger, things *blockThings) []string {
	switch {
	case t.Activity != nil:
		words := "Activity " + t.Activity.Status
		if t.Activity.MediaType != "" {
			words += ", " + t.Activity.MediaType
		}
		if t.Activity.Message != 0 {
			words += fmt.Sprintf(", of message %d", t.Activity.Message)
		}
		return []string{words, ""}
	case t.EventTypeKey == "":
		return []string{"Nothing starts it yet", "choose an event"}
	}
	return []string{"Event " + t.EventTypeKey, count(things.Events) + " in 7 days"}
}

// jsonOf writes a definition for people to read.
func jsonOf(d *tidings.Definition) []byte {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil // it came as JSON
	}
	return text
}

// changesOf says in words what differs between two definitions.
func changesOf(was, is *tidings.Definition) []string {
	var list []string
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	same := func(a, b any) bool {
		x, err1 := json.Marshal(a)
		y, err2 := json.Marshal(b)
		return err1 == nil && err2 == nil && string(x) == string(y)
	}
	if !same(was.Trigger, is.Trigger) {
		say("What starts it is changed.")
	}
	if was.Start != is.Start {
		say("It begins with %s.", calledBlock(is, is.Start))
	}
	for i := range is.Blocks {
		b := &is.Blocks[i]
		old := was.Block(b.ID)
		if old == nil {
			say("%s is new.", calledBlock(is, b.ID))
			continue
		}
		settings, ways := *old, *b
		settings.Exits, ways.Exits = nil, nil
		if !same(settings, ways) {
			say("The settings of %s are changed.", calledBlock(is, b.ID))
		}
		for _, exit := range b.Kind.Exits() {
			if old.Exits[exit] != b.Exits[exit] {
				say("%s goes by %s to %s.", calledBlock(is, b.ID), exit, calledBlock(is, b.Exits[exit]))
			}
		}
	}
	for i := range was.Blocks {
		if id := was.Blocks[i].ID; is.Block(id) == nil {
			say("%s is taken out.", calledBlock(was, id))
		}
	}
	return list
}

// calledBlock names a block by its kind and its name or id.
func calledBlock(d *tidings.Definition, id tidings.BlockID) string {
	b := d.Block(id)
	switch {
	case b == nil:
		return "nothing"
	case b.Name != "":
		return fmt.Sprintf("%s “%s”", kindOf(b.Kind).Label, b.Name)
	}
	return fmt.Sprintf("%s “%s”", kindOf(b.Kind).Label, b.ID)
}
