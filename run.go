package tidings

import (
	"encoding/json"
	"time"
)

// RunID identifies a run. It is given by the store, from 1.
type RunID int64

// RunState is how a run stands.
type RunState string

// The states. A run that has ended stays as it is.
const (
	RunGoing   RunState = "going"   // a step is due, or will be
	RunEnded   RunState = "ended"   // it came to an end
	RunFailed  RunState = "failed"  // it can't go on; Run.Error says why
	RunStopped RunState = "stopped" // by hand, with its workflow, or with its contact
)

// Run is one launch of a workflow for one contact.
type Run struct {
	ID       RunID
	Instance string // workflowInstanceId: a UUID
	Account  AccountID
	Workflow WorkflowID
	Version  int64     // number of the workflow's version that it follows
	Contact  ContactID // 0 = the event names nobody
	Event    EventID
	State    RunState
	Block    BlockID   // the next one to be executed; "" when it has ended
	Due      time.Time // when
	Marked   bool      // something failed on its way
	Error    string    // why it failed, or that its contact was deleted; "" otherwise
	// Entered is when it reached Block, for timers.
	Entered time.Time
	// Tries counts the claims since the last commit that had Steps or was NotTried:
	// more than one after a crash or a failure.
	Tries int
	// Fence is raised by each claim; what an earlier claimant writes is refused.
	Fence     int64
	Steps     int // done
	Replies   []RunReply
	StartedAt time.Time
	EndedAt   time.Time
}

// RunReply is the reply of a webhook as a run goes on with it.
type RunReply struct {
	Name   string // of the webhook, when it was called
	Reply  Reply  // Body and Format only
	Failed bool   // the call failed: Reply is a JSON object {error, status} that says why
}

// Step is one block that a run has executed, for its history.
type Step struct {
	Run      RunID
	Number   int // within the run, from 1
	Block    BlockID
	Kind     BlockKind
	At       time.Time
	Duration time.Duration
	Exit     Exit
	Call     CallID          // of a webhook; 0 = none
	Mail     MailID          // of a message; 0 = none
	Decided  json.RawMessage // what it saw and decided, as a JSON object for people, secrets masked
	Error    string          // "" when nothing went wrong
}

// Launch is a run that an event may start.
type Launch struct {
	Workflow WorkflowID
	Version  int64
	Start    BlockID
	Once     Once
	Alone    bool
	// Takes says whether the contact is one that the trigger wants; nil = everybody. It
	// is called within the store's transaction with the contact of the event
	// (nil = nobody), and must be quick.
	Takes func(*Contact) bool
}

// EventWithLaunches is an event that an activity makes, with the runs that it may start.
type EventWithLaunches struct {
	Event    Event
	Launches []Launch
}

// Advance is what one or more steps of a run lead to. It is one transaction of
// the store: the run, its history, the calls, the mails, the contact, the
// segments and the activities that come of it are stored together or not at all.
type Advance struct {
	Run   RunID
	Fence int64
	// State, Block, Due, Marked, Error become the run's; a run that has not ended is
	// given free for the next claim, unless Hold is set.
	State  RunState
	Block  BlockID
	Due    time.Time
	Marked bool
	Error  string
	// Hold keeps the run with its claimant until then; zero = it is given free.
	Hold time.Time
	// NotTried says that the present step was not begun: the claim does not count as a try.
	NotTried bool
	// First is the number that the first of Steps has, so that an Advance which is given
	// again after one that may have been stored is stored once; 0 = whichever is next.
	First   int
	Steps   []Step // with Run, Number and the ids of Call and Mail given by the store
	Reply   *RunReply
	Call    *Call // of the one of Steps whose kind is BlockWebhook
	Mail    *Mail // of the one of Steps whose kind is BlockMessage
	Contact ContactID
	Change  *ContactChange // of Contact
	AddTo   SegmentID      // Contact; 0 = none
	TakeOff SegmentID      // Contact; 0 = none
}

// Advanced is what an Advance has led to.
type Advanced struct {
	Run     Run      // as it stands now; with its replies when it is held
	Call    CallID   // 0 = none
	Mail    MailID   // 0 = none
	Contact *Contact // as the change left it; nil without one
}

// RunQuery chooses runs, newest first. Zero fields choose all.
type RunQuery struct {
	Account  AccountID
	Workflow WorkflowID
	Contact  ContactID
	Event    EventID
	State    RunState
	Marked   bool // only those on whose way something failed
	From     time.Time
	To       time.Time
	Before   RunID // the page after this one
	Limit    int   // 1 or more
}

// WorkflowCase is a dry run that is kept, to see whether a change changes it.
type WorkflowCase struct {
	ID        int64
	Account   AccountID
	Workflow  WorkflowID
	Name      string          // 1 to MaxNameLength characters, unique within the workflow
	Input     json.RawMessage // of the dry run: contact, event, recorded replies
	Expected  json.RawMessage // what it gave: steps and rendered messages
	CreatedAt time.Time
}
