package workflow

import (
	"context"
	"slices"
	"sync"

	"tidings"
)

// TriggerStore is what Triggers asks of a store.
type TriggerStore interface {
	// ActiveWorkflows gives the workflows that are on, and the stamp of that.
	ActiveWorkflows(ctx context.Context, account tidings.AccountID) ([]tidings.ActiveWorkflow, int64, error)
	// WorkflowStamp grows with each activation and deactivation.
	WorkflowStamp(ctx context.Context, account tidings.AccountID) (int64, error)
}

// Triggers knows which workflows an event starts. It is safe for concurrent use.
type Triggers struct {
	store TriggerStore

	mu   sync.Mutex
	have map[tidings.AccountID]*triggers
}

// maxTriggers is how many accounts' triggers are kept in memory.
const maxTriggers = 10_000

// NewTriggers makes it.
func NewTriggers(store TriggerStore) *Triggers {
	return &Triggers{store: store, have: map[tidings.AccountID]*triggers{}}
}

// triggers is the triggers of an account. It never changes.
type triggers struct {
	stamp    int64
	byType   map[string][]trigger
	activity []trigger
}

// trigger is one active workflow's.
type trigger struct {
	launch    tidings.Launch
	activity  *tidings.ActivityTrigger
	condition func(tidings.Lookup) bool // nil = always
}

// Launches gives the runs that an event may start, to be stored with it. The
// event has its parameters as they will be stored; its contact is looked at
// when the store knows it.
func (t *Triggers) Launches(ctx context.Context, account tidings.AccountID, e *tidings.Event) ([]tidings.Launch, error) {
	of, err := t.of(ctx, account)
	if err != nil {
		return nil, err
	}
	list := of.byType[e.TypeKey]
	if len(list) == 0 {
		return nil, nil
	}
	launches := make([]tidings.Launch, len(list))
	for i := range list {
		launches[i] = list[i].launchOf(e)
	}
	return launches, nil
}

// launchOf makes the launch for an event.
func (t *trigger) launchOf(e *tidings.Event) tidings.Launch {
	launch := t.launch
	if t.condition != nil {
		event := *e
		launch.Takes = func(c *tidings.Contact) bool { return takes(t.condition, &event, c) }
	}
	return launch
}

// takes asks a trigger's condition.
func takes(condition func(tidings.Lookup) bool, e *tidings.Event, c *tidings.Contact) bool {
	var s sight
	s.scope.Event, s.scope.Contact = e, c
	return condition(s.plain)
}

// starts says whether a trigger takes an event with a contact. An event of an
// activity is taken by its type, "activity." and the status.
func starts(t *tidings.Trigger, e *tidings.Event, c *tidings.Contact) bool {
	if e == nil {
		return false
	}
	key := t.EventTypeKey
	if t.Activity != nil {
		key = activityPrefix + t.Activity.Status
	}
	return e.TypeKey == key && (t.Condition == nil || takes(t.Condition.Matcher(), e, c))
}

// of gives an account's triggers as they are now.
func (t *Triggers) of(ctx context.Context, account tidings.AccountID) (*triggers, error) {
	stamp, err := t.store.WorkflowStamp(ctx, account)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	have := t.have[account]
	t.mu.Unlock()
	if have != nil && have.stamp == stamp {
		return have, nil
	}
	list, stamp, err := t.store.ActiveWorkflows(ctx, account)
	if err != nil {
		return nil, err
	}
	fresh := newTriggerSet(list, stamp)
	t.mu.Lock()
	defer t.mu.Unlock()
	makeRoom(t.have, maxTriggers)
	t.have[account] = fresh
	return fresh, nil
}

func newTriggerSet(list []tidings.ActiveWorkflow, stamp int64) *triggers {
	set := &triggers{stamp: stamp, byType: map[string][]trigger{}}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b tidings.ActiveWorkflow) int { return int(a.ID - b.ID) })
	for i := range list {
		d := &list[i].Definition
		one := trigger{launch: Launch(&list[i]), activity: d.Trigger.Activity}
		one.launch.Once, one.launch.Alone = d.Trigger.Once, d.Trigger.Alone
		if d.Trigger.Condition != nil {
			one.condition = d.Trigger.Condition.Matcher()
		}
		if one.activity != nil {
			set.activity = append(set.activity, one)
			continue
		}
		set.byType[d.Trigger.EventTypeKey] = append(set.byType[d.Trigger.EventTypeKey], one)
	}
	return set
}
