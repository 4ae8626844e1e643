package tidings

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TallyKind is what a tally counts.
type TallyKind string

// The kinds, each with its subject and what done and failed are of it.
const (
	TallyArrived   TallyKind = "arrived"   // "": activities that came into the feed
	TallyDelivered TallyKind = "delivered" // endpoint: activities delivered, and attempts that failed
	TallyPosted    TallyKind = "posted"    // "": the same over all endpoints of the account
	TallyAnswered  TallyKind = "answered"  // endpoint: attempts that delivered and that failed, with the time they took
	TallyEvent     TallyKind = "event"     // event type: events stored
	TallyRun       TallyKind = "run"       // workflow: runs that came to their end, and that failed
	TallyStep      TallyKind = "step"      // workflow/block: steps on which nothing went wrong, and the others
	TallyCall      TallyKind = "call"      // webhook: calls of runs that went well, and the others, with the time they took
)

// TallyKinds lists the kinds.
func TallyKinds() []TallyKind {
	return []TallyKind{TallyArrived, TallyDelivered, TallyPosted, TallyAnswered, TallyEvent, TallyRun, TallyStep, TallyCall}
}

// How long tallies are kept: by the minute, then added up to hours (of UTC), then not at all.
const (
	TallyMinutesKept = 48 * time.Hour
	TallyHoursKept   = 30 * 24 * time.Hour
)

// TallySubject is whose tally it is: an id of the kind's noun (0 for
// TallyArrived and TallyPosted), and for TallyStep a block of the workflow.
type TallySubject struct {
	ID    int64
	Block BlockID
}

// String gives the subject as Tally has it: "", "12" or "12/block"; at most 200 bytes.
func (s TallySubject) String() string {
	switch {
	case s.ID == 0:
		return ""
	case s.Block == "":
		return strconv.FormatInt(s.ID, 10)
	}
	return strconv.FormatInt(s.ID, 10) + "/" + string(s.Block)
}

// Count is something that just happened and is to be added to the tally of the
// running minute.
type Count struct {
	Account AccountID
	Kind    TallyKind
	Subject TallySubject
	Done    int64
	Failed  int64
	// Took is how long it took; not looked at unless the kind is TallyAnswered or TallyCall.
	Took time.Duration
}

// Timed says whether tallies of the kind know how long things took.
func (k TallyKind) Timed() bool { return k == TallyAnswered || k == TallyCall }

// Tally is what one subject did in one minute, or in the hour or other stretch
// of time that minutes were added up to.
type Tally struct {
	Account AccountID
	Kind    TallyKind
	Subject string    // see TallySubject
	At      time.Time // the beginning, UTC
	Done    int64
	Failed  int64
	Took    Took // of kinds that are Timed
}

// Add adds what another tally counts; whose and of when that is, is not looked at.
func (t *Tally) Add(other *Tally) {
	t.Done += other.Done
	t.Failed += other.Failed
	t.Took.Merge(&other.Took)
}

// TallyQuery chooses tallies of an account, added up over steps of time.
type TallyQuery struct {
	Account AccountID
	Kind    TallyKind
	// Subject chooses one, Prefix those that begin with it. Both empty: all.
	Subject string
	Prefix  string
	After   string // only subjects after this one
	// From and To (not included) bound the beginnings of minutes and hours.
	From, To time.Time
	// Step is some minutes that an hour can be divided by, an hour, a day (of
	// UTC), or 0: all of it is one step, which begins with From. By steps shorter
	// than an hour only what is kept by the minute is found.
	Step  time.Duration
	Limit int // subjects, 1 or more

	// Writer and Since leave out what a node has written since a minute, because
	// it still has that in memory; see RunningTallies. Writer 0 = nothing.
	Writer int64
	Since  time.Time
}

// Wants says whether a subject is one that the query is for.
func (q *TallyQuery) Wants(subject string) bool {
	return (q.Subject == "" || subject == q.Subject) && strings.HasPrefix(subject, q.Prefix) && (q.After == "" || subject > q.After)
}

// Begins gives the beginning of the step that an instant is in.
func (q *TallyQuery) Begins(at time.Time) time.Time {
	if q.Step == 0 {
		return q.From.UTC()
	}
	return at.UTC().Truncate(q.Step)
}

// AddUp sorts tallies by account, kind, subject and time, and makes one of
// those that have all of them alike. It works in place.
func AddUp(list []Tally) []Tally {
	slices.SortStableFunc(list, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject), a.At.Compare(b.At))
	})
	n := 0
	for i := range list {
		if last := &list[max(n-1, 0)]; n > 0 && last.of(&list[i]) {
			last.Add(&list[i])
			continue
		}
		list[n] = list[i]
		n++
	}
	return list[:n]
}

// of says whether two tallies count the same in the same stretch of time.
func (t *Tally) of(u *Tally) bool {
	return t.Account == u.Account && t.Kind == u.Kind && t.Subject == u.Subject && t.At.Equal(u.At)
}

// RunningTallies are tallies of a node that may not be stored yet: of the running
// minute, and of minutes that could not be stored.
type RunningTallies struct {
	Tallies []Tally
	// Writer and Since are to be set in the TallyQuery that these are added to:
	// what of them is stored already is then not counted twice.
	Writer int64
	Since  time.Time
}
