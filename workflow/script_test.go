package workflow

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidings"
)

var update = flag.Bool("update", false, "write the expected parts of testdata anew")

// A script is sections under lines of their own: words about it, then
//
//	-- workflow --   the definition
//	-- contact --    who it is, in the form of dry runs; default: the shop's contact 7
//	-- event --      what starts it
//	-- webhooks --   a line each: name and JSON of the reply, or name, "fails" and words
//	-- messages --   a line each: id, subject | html
//	-- steps --      what comes of it: written by -update
//
// The run is made by a real runner in a bubble of time, then again dry, with the same replies.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			parts := sections(string(text))
			synctest.Test(t, func(t *testing.T) { got = playScript(t, parts) })
			if got == parts["steps"] {
				return
			}
			if !*update {
				t.Fatalf("got:\n%s\nwant:\n%s", got, parts["steps"])
			}
			before, _, _ := strings.Cut(string(text), "-- steps --\n")
			if err := os.WriteFile(file, []byte(before+"-- steps --\n"+got), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

var sectionLine = regexp.MustCompile(`(?m)^-- ([a-z]+) --\n`)

func sections(text string) map[string]string {
	parts := map[string]string{}
	heads := sectionLine.FindAllStringSubmatchIndex(text, -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		parts[text[h[2]:h[3]]] = text[h[1]:end]
	}
	return parts
}

// playScript makes the run and tells what came of it.
func playScript(t *testing.T, parts map[string]string) string {
	store, r := setScript(t, parts)
	var form eventJSON
	if err := json.Unmarshal([]byte(parts["event"]), &form); err != nil {
		t.Fatal(err)
	}
	event := form.event()
	event.Contact = store.only()
	before := store.contacts[event.Contact]
	launches, err := NewTriggers(store).Launches(t.Context(), 1, event)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	runs := store.addEvent(*event, launches)
	if len(runs) == 0 {
		return "no run\n"
	}
	wait(60 * 24 * time.Hour)
	var b strings.Builder
	steps := store.history(runs[0])
	for _, s := range steps {
		fmt.Fprintf(&b, "%-10s %s %s → %s %s\n", s.At.Sub(began), s.Block, s.Kind, s.Exit, s.Decided)
		if s.Error != "" {
			fmt.Fprintf(&b, "           %s\n", s.Error)
		}
	}
	run := store.run(runs[0])
	fmt.Fprintf(&b, "%s%s%s\n", run.State, map[bool]string{true: ", marked"}[run.Marked], map[bool]string{true: ": " + run.Error}[run.Error != ""])
	for _, m := range store.outbox() {
		fmt.Fprintf(&b, "mail to %s from %s: %s | %s\n", m.To, m.From.Name, m.Subject, m.HTML)
	}
	if event.Contact != 0 {
		if was, is := asJSON(contactForm(&before)), asJSON(contactForm(new(store.contacts[event.Contact]))); string(was) != string(is) {
			fmt.Fprintf(&b, "contact %s\n", is)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(store.segments)) {
		for contact, on := range store.segments[id] {
			fmt.Fprintf(&b, "contact %d on list %d: %t\n", contact, id, on)
		}
	}
	sameWhenDry(t, r, event, &before, steps)
	return b.String()
}

// only gives the id of the script's contact, 0 when there is none.
func (f *fakeStore) only() tidings.ContactID {
	for id := range f.contacts {
		return id
	}
	return 0
}

// setScript makes the store and the outside world of a script.
func setScript(t *testing.T, parts map[string]string) (*fakeStore, *rig) {
	store := shop()
	if text, given := parts["contact"]; given {
		clear(store.contacts)
		if strings.TrimSpace(text) != "" {
			var form contactJSON
			if err := json.Unmarshal([]byte(text), &form); err != nil {
				t.Fatal(err)
			}
			c, err := form.contact()
			if err != nil {
				t.Fatal(err)
			}
			c.Account = 1
			store.contacts[c.ID] = *c
		}
	}
	for line := range strings.Lines(parts["messages"]) {
		var id tidings.MessageID
		head, rest, _ := strings.Cut(line, " ")
		fmt.Sscan(head, &id)
		subject, html, _ := strings.Cut(strings.TrimSpace(rest), " | ")
		store.messages[id] = tidings.Message{ID: id, Account: 1, Name: "message " + head, Content: tidings.Content{Subject: subject, HTML: html}}
	}
	store.activate(1, definition(t, parts["workflow"], store.known()))
	r := newRig(t, store)
	for line := range strings.Lines(parts["webhooks"]) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		a := answer{body: rest}
		if words, fails := strings.CutPrefix(rest, "fails "); fails {
			a = answer{words: words}
		}
		r.answers[name] = a
	}
	return store, r
}

// sameWhenDry holds that a dry run with the replies of the run takes the same steps.
func sameWhenDry(t *testing.T, r *rig, event *tidings.Event, contact *tidings.Contact, steps []tidings.Step) {
	in := DryInput{Event: event, Exits: map[tidings.BlockID]tidings.Exit{}}
	if contact.ID != 0 {
		in.Contact = contact
	}
	for name, a := range r.answers {
		reply := tidings.RunReply{Name: name, Reply: tidings.Reply{Format: tidings.ReplyJSON, Body: []byte(a.body)}}
		if a.body == "" {
			reply = tidings.RunReply{Name: name, Failed: true, Reply: tidings.Reply{Body: asJSON(failedReply{a.words, tidings.OutcomeStatus, 500})}}
		}
		in.Replies = append(in.Replies, reply)
	}
	for _, s := range steps {
		if s.Kind == tidings.BlockSplit {
			in.Exits[s.Block] = s.Exit
		}
	}
	r.store.mu.Lock()
	d := r.store.versions[thing{1, 1, 1}]
	mails, calls := len(r.store.mails), len(r.store.calls)
	r.store.mu.Unlock()
	result, err := r.engine.Test(t.Context(), 1, &d, in)
	if err != nil {
		t.Fatal(err)
	}
	way := func(s *tidings.Step) string { return fmt.Sprintf("%s → %s %s", s.Block, s.Exit, s.Error) }
	var real, dry []string
	for i := range steps {
		real = append(real, way(&steps[i]))
	}
	for i := range result.Steps {
		dry = append(dry, way(&result.Steps[i].Step))
	}
	if !slices.Equal(real, dry) || !result.Starts {
		t.Errorf("the run goes %q, the dry run %q, starts %t", real, dry, result.Starts)
	}
	if len(r.store.mails) != mails || len(r.store.calls) != calls {
		t.Error("the dry run has stored something")
	}
}
