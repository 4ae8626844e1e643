package main

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"tidings"
)

// TestStoryIsTakenInAndTellsOfEverything: the server accepts all that the
// demo invents, and nothing that can happen is missing from it.
func TestStoryIsTakenInAndTellsOfEverything(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	tale := newStory(1)
	statuses, media := tidings.StatusSet(0), tidings.MediaSet(0)
	for range 300 {
		body, err := json.Marshal(tale.turn(5, now))
		if err != nil {
			t.Fatal(err)
		}
		if string(body) == "null" {
			continue
		}
		activities, err := tidings.ParseActivities(body, tidings.Intake{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range activities {
			statuses, media = statuses.With(a.Kind.Status()), media.With(a.Kind.MediaType())
		}
	}
	if got, want := statuses.Names(), tidings.Statuses(); !reflect.DeepEqual(got, want) {
		t.Errorf("statuses: %v, want %v", got, want)
	}
	if got, want := media.Names(), tidings.MediaTypes(); !reflect.DeepEqual(got, want) {
		t.Errorf("media types: %v, want %v", got, want)
	}
}

func TestStoryIsTheSameForTheSameSeed(t *testing.T) {
	now := time.Now()
	a, b, other := newStory(7), newStory(7), newStory(8)
	differs := false
	for range 20 {
		x, y := a.turn(5, now), b.turn(5, now)
		if !reflect.DeepEqual(x, y) {
			t.Fatal("two stories of one seed differ")
		}
		differs = differs || !reflect.DeepEqual(x, other.turn(5, now))
	}
	if !differs {
		t.Error("another seed tells the same story")
	}
}

func TestStoryDoesNotPileUp(t *testing.T) {
	tale := newStory(1)
	for range 500 {
		tale.turn(5, time.Now())
	}
	if len(tale.next) > 200 {
		t.Errorf("%d happenings wait: more is sent than ever happens", len(tale.next))
	}
}

func TestReceiverOfTheDemoHasEveryTrouble(t *testing.T) {
	var down, slow, broken, refusing bool
	for i, m := range moods() {
		down = down || m.down
		slow = slow || m.answer.Delay > demoTimeout
		broken = broken || m.answer.Hang
		refusing = refusing || m.answer.Status >= 500
		bad := m.down || !m.answer.Accepted() || m.answer.Delay > demoTimeout
		if good := i%2 == 0; good == bad {
			t.Errorf("mood %d (%s): a trouble must be followed by recovery", i, m.words)
		}
	}
	if !down || !slow || !broken || !refusing {
		t.Errorf("down %v, slow %v, broken %v, refusing %v", down, slow, broken, refusing)
	}
}
