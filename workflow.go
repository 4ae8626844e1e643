package tidings

import "time"

// WorkflowID identifies a workflow. It is given by the store, from 1; it is the
// workflowId of activities.
type WorkflowID int64

// BlockID names a block within its workflow; it is the workflowBlockId of
// activities. 1 to MaxBlockID characters of A-Z a-z 0-9 _ - and the dot.
type BlockID string

// Limits of workflows.
const (
	MaxBlockID    = 64
	MaxBlocks     = 200       // of a workflow
	MaxDefinition = 256 << 10 // bytes of its JSON form
	MaxCases      = 100       // of a workflow
	MaxTimer      = 366 * 24 * time.Hour
	MaxPattern    = 1000 // characters of a regular expression
)

// Workflow is a graph that an event sends contacts through. The draft is
// what is edited; an activation makes it the version that new runs take.
// Runs that are under way stay with the version that they began with.
type Workflow struct {
	ID      WorkflowID
	Account AccountID
	Name    string // 1 to MaxNameLength characters
	Draft   Definition
	// Active is the number of the version that new runs take, from 1; 0 = it is off.
	Active    int64
	Latest    int64 // number of the newest version; 0 = it was never active
	Version   int64 // counts the changes of name, draft and activity; given by the store
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt time.Time // zero while it is live
}

// Definition is what a workflow does. The JSON form is that of the API and of
// the store.
type Definition struct {
	Trigger Trigger `json:"trigger"`
	Start   BlockID `json:"start"` // where a run begins
	Blocks  []Block `json:"blocks"`
}

// ActiveWorkflow is a workflow that is on, with the version that new runs take.
type ActiveWorkflow struct {
	ID         WorkflowID
	Name       string
	Version    int64
	Definition Definition
}

// Block gives a block by its id, nil when there is none.
func (d *Definition) Block(id BlockID) *Block {
	for i := range d.Blocks {
		if d.Blocks[i].ID == id {
			return &d.Blocks[i]
		}
	}
	return nil
}

// Trigger says what starts a run: an event of a type, or an activity.
type Trigger struct {
	EventTypeKey string           `json:"eventTypeKey,omitempty"`
	Activity     *ActivityTrigger `json:"activity,omitempty"` // in place of EventTypeKey
	// Condition looks at the event's parameters and the contact's fields; nil = every event.
	Condition *Condition `json:"condition,omitempty"`
	// Once says whether another event with the same keyValue starts another run.
	Once Once `json:"once,omitzero"`
	// Alone starts no run for a contact who is in one of this workflow.
	Alone bool `json:"alone,omitempty"`
}

// ActivityTrigger starts runs by what happens to messages. The run's event has
// the type "activity." and the status (activity.CLICKED), the activity's iid
// as its keyValue, and the activity's fields as parameters.
type ActivityTrigger struct {
	Status    string    `json:"activityStatus"`
	MediaType string    `json:"mediaType,omitempty"` // "" = any
	Message   MessageID `json:"messageId,omitempty"` // 0 = any
}

// OnceMode says how often events of the same keyValue start a run.
type OnceMode string

// The modes (the platform: "Process unique events: every time / once / once in every N").
const (
	OnceAlways OnceMode = ""      // every time
	OnceNever  OnceMode = "never" // never again
	OncePer    OnceMode = "per"   // again after Per
)

// Once is a mode with its time.
type Once struct {
	Mode OnceMode `json:"mode"`
	Per  int64    `json:"perSeconds,omitempty"` // with OncePer: 60 or more
}

// BlockKind is what a block does.
type BlockKind string

// The kinds of blocks.
const (
	BlockWebhook       BlockKind = "webhook"
	BlockCondition     BlockKind = "condition"
	BlockTimer         BlockKind = "timer"
	BlockMessage       BlockKind = "message"
	BlockUpdateContact BlockKind = "updateContact"
	BlockAddTo         BlockKind = "addToSegment"
	BlockRemoveFrom    BlockKind = "removeFromSegment"
	BlockSplit         BlockKind = "split"
	BlockEnd           BlockKind = "end"
)

// Exit names a way out of a block.
type Exit string

// The exits: ok and failed of a webhook, yes and no of a condition, a and b of
// a split, next of all else; an end has none. A failed exit may be absent: the
// run then goes on by ok and is marked.
const (
	ExitNext   Exit = "next"
	ExitOK     Exit = "ok"
	ExitFailed Exit = "failed"
	ExitYes    Exit = "yes"
	ExitNo     Exit = "no"
	ExitA      Exit = "a"
	ExitB      Exit = "b"
)

// Block is one node of the graph. Exactly the part that its kind uses is set.
type Block struct {
	ID    BlockID          `json:"id"`
	Kind  BlockKind        `json:"kind"`
	Name  string           `json:"name,omitempty"` // for people
	Exits map[Exit]BlockID `json:"exits,omitempty"`

	Webhook   *WebhookBlock `json:"webhook,omitempty"`
	Condition *Condition    `json:"condition,omitempty"`
	Timer     *Timer        `json:"timer,omitempty"`
	Message   *MessageBlock `json:"message,omitempty"`
	Fields    []FieldSetter `json:"fields,omitempty"`    // updateContact
	Segment   SegmentID     `json:"segmentId,omitempty"` // addToSegment, removeFromSegment: a list
	Percent   int           `json:"percent,omitempty"`   // split: of the runs that take exit a, 1 to 99
}

// Whose says whose data a block uses, by templates over the run's data, as
// ${email}. One is enough; the first that names a contact wins, in the order
// id, phone, email. None: the run's contact.
type Whose struct {
	ContactID string `json:"contactId,omitempty"`
	Phone     string `json:"phone,omitempty"`
	Email     string `json:"contactEmail,omitempty"`
}

// WebhookBlock calls a webhook; its reply is $data.<the webhook's name> from there on.
type WebhookBlock struct {
	Webhook WebhookID `json:"webhookId"`
	Whose   Whose     `json:"whose,omitzero"`
}

// MessageBlock sends a message.
type MessageBlock struct {
	Message MessageID `json:"messageId"`
	Whose   Whose     `json:"whose,omitzero"`
}

// FieldSetter sets a field of the run's contact: a standard field or the key of
// an additional one, and a template over the run's data. An empty result removes the value.
type FieldSetter struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// Timer waits: for a duration, then until a time of day, on one of the weekdays
// when some are given. At least one of the parts is set.
type Timer struct {
	Seconds  int64  `json:"seconds,omitempty"`
	At       string `json:"at,omitempty"`       // HH:MM
	Weekdays []int  `json:"weekdays,omitempty"` // 1 = Monday … 7 = Sunday
	// Zone is where At and Weekdays are told: "contact" (the contact's time zone, UTC when
	// it has none) or an IANA name; "" = UTC.
	Zone string `json:"zone,omitempty"`
}
