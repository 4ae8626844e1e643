package workflow

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tidings"
)

// activityPrefix begins the type of the events that activities make: activity.CLICKED.
const activityPrefix = "activity."

// FollowerStore is what a Follower asks of a store.
type FollowerStore interface {
	// ActivityTriggerAccounts lists the accounts that have an active workflow
	// which is started by activities.
	ActivityTriggerAccounts(ctx context.Context) ([]tidings.AccountID, error)
	// ActivityCursor gives the seq up to which an account's activities have started their runs.
	ActivityCursor(ctx context.Context, account tidings.AccountID) (tidings.Seq, error)
	Read(ctx context.Context, q tidings.ReadQuery) (tidings.Page, error)
	// LaunchFromActivities stores events and their runs, and moves the cursor, in one
	// commit; CodeFenced when somebody else has moved the cursor meanwhile.
	LaunchFromActivities(ctx context.Context, account tidings.AccountID, after, through tidings.Seq, events []tidings.EventWithLaunches) error
}

// FollowerOptions configures a Follower. Store and Triggers are required.
type FollowerOptions struct {
	Store    FollowerStore
	Triggers *Triggers
	// Rescan is how often it looks for accounts that have such workflows now, and
	// for activities that nobody has woken it for. Default: 5 s.
	Rescan time.Duration
	Log    *slog.Logger // default: slog.Default()
}

// Follower follows the feeds of accounts whose workflows are started by
// activities. Each activity is seen once, in the order of the feed.
type Follower struct {
	o    FollowerOptions
	wake chan struct{} // of capacity one
	ctx  context.Context
	stop context.CancelFunc
	loop sync.WaitGroup

	mu       sync.Mutex
	accounts map[tidings.AccountID]bool // those that are followed
	grown    map[tidings.AccountID]bool // those of them that Wake was called for
}

// maxFollowed is how many activities one commit takes.
const maxFollowed = 200

// NewFollower makes a follower that does nothing yet.
func NewFollower(o FollowerOptions) *Follower {
	o.Rescan = cmp.Or(o.Rescan, 5*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Follower{o: o, wake: make(chan struct{}, 1), ctx: ctx, stop: stop, accounts: map[tidings.AccountID]bool{}, grown: map[tidings.AccountID]bool{}}
}

// Start sets it going. Call it once.
func (f *Follower) Start() { f.loop.Go(f.follow) }

// Stop ends it, and waits for the commit that is under way. It is safe to call twice.
func (f *Follower) Stop() {
	f.stop()
	f.loop.Wait()
}

// Wake says that an account's feed has grown. It does not block, and costs
// nothing for accounts that are not followed.
func (f *Follower) Wake(account tidings.AccountID) {
	f.mu.Lock()
	followed := f.accounts[account]
	if followed {
		f.grown[account] = true
	}
	f.mu.Unlock()
	if !followed {
		return
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *Follower) follow() {
	rescan := time.NewTicker(f.o.Rescan)
	defer rescan.Stop()
	round := f.all
	for {
		if err := round(); err != nil && f.ctx.Err() == nil {
			f.o.Log.Warn("activities could not start their workflows; it is tried again", "in", f.o.Rescan, "err", err)
		}
		select {
		case <-f.ctx.Done():
			return
		case <-f.wake:
			round = f.woken
		case <-rescan.C:
			round = f.all
		}
	}
}

// woken brings the accounts up to date whose feeds have grown: not all of them
// are looked at for what happens to one.
func (f *Follower) woken() error {
	f.mu.Lock()
	accounts := slices.Sorted(maps.Keys(f.grown))
	clear(f.grown)
	f.mu.Unlock()
	return f.catchUpAll(accounts)
}

// all brings every account that has such workflows up to date.
func (f *Follower) all() error {
	accounts, err := f.o.Store.ActivityTriggerAccounts(f.ctx)
	if err != nil {
		return err
	}
	followed := make(map[tidings.AccountID]bool, len(accounts))
	for _, a := range accounts {
		followed[a] = true
	}
	f.mu.Lock()
	f.accounts = followed
	f.mu.Unlock()
	return f.catchUpAll(accounts)
}

// catchUpAll brings some accounts up to date. One that fails does not hold up the others.
func (f *Follower) catchUpAll(accounts []tidings.AccountID) error {
	var first error
	for _, a := range accounts {
		if err := f.catchUp(a); err != nil && first == nil {
			first = fmt.Errorf("account %d: %w", a, err)
		}
	}
	return first
}

// catchUp takes an account's activities from its cursor to the head of its feed.
func (f *Follower) catchUp(account tidings.AccountID) error {
	for f.ctx.Err() == nil {
		triggers, err := f.o.Triggers.of(f.ctx, account)
		if err != nil || len(triggers.activity) == 0 {
			return err
		}
		cursor, err := f.o.Store.ActivityCursor(f.ctx, account)
		if err != nil {
			return err
		}
		page, err := f.o.Store.Read(f.ctx, tidings.ReadQuery{Account: account, After: cursor, Filter: triggers.filter(), MaxItems: maxFollowed, MaxBytes: tidings.MaxRequestBytes})
		if err != nil || page.Through <= cursor {
			return err
		}
		var events []tidings.EventWithLaunches
		for _, chunk := range page.Chunks {
			chunk = chunk.From(cursor)
			for i := range chunk.Len() {
				events = append(events, triggers.launches(account, chunk.Kinds[i], chunk.Wire(i))...)
			}
		}
		err = f.o.Store.LaunchFromActivities(f.ctx, account, cursor, page.Through, events)
		if err != nil && tidings.CodeOf(err) != tidings.CodeFenced {
			return err
		}
	}
	return nil
}

// filter lets the activities through that some trigger may want.
func (t *triggers) filter() tidings.Filter {
	var f tidings.Filter
	any := false // some trigger takes every media type
	for i := range t.activity {
		a := t.activity[i].activity
		if status, err := tidings.ParseStatus(a.Status); err == nil {
			f.Statuses = f.Statuses.With(status)
		}
		media, err := tidings.ParseMediaType(a.MediaType)
		any = any || err != nil
		f.MediaTypes = f.MediaTypes.With(media)
	}
	if any {
		f.MediaTypes = 0
	}
	return f
}

// facts is what triggers look at in an activity.
type facts struct {
	IID      string             `json:"iid"`
	Message  tidings.MessageID  `json:"messageId"`
	Workflow tidings.WorkflowID `json:"workflowId"`
	Source   string             `json:"sourceEventTypeKey"`
}

// launches gives the event that an activity makes, with the runs that it may
// start; nothing when no workflow wants it.
//
// What a workflow has sent or changed does not start that workflow again. And what
// a run has sent or changed that an activity started, starts no other by what
// happens of itself: else workflows could go on for ever in a circle.
func (t *triggers) launches(account tidings.AccountID, kind tidings.Kind, wire []byte) []tidings.EventWithLaunches {
	status, media := kind.Status().String(), kind.MediaType().String()
	var about facts
	read := false
	var wanted []trigger
	for _, one := range t.activity {
		a := one.activity
		if a.Status != status || a.MediaType != "" && a.MediaType != media {
			continue
		}
		if !read {
			read = true
			if json.Unmarshal(wire, &about) != nil {
				return nil // the feed has checked it
			}
			if strings.HasPrefix(about.Source, activityPrefix) && byItself(kind.Status(), about.Message) {
				return nil
			}
		}
		if (a.Message == 0 || a.Message == about.Message) && about.Workflow != one.launch.Workflow {
			wanted = append(wanted, one)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	e := tidings.Event{Account: account, TypeKey: activityPrefix + status, KeyValue: tidings.CutText(about.IID, tidings.MaxEventKeyValue), Params: paramsOf(wire)}
	with := tidings.EventWithLaunches{Event: e}
	for i := range wanted {
		with.Launches = append(with.Launches, wanted[i].launchOf(&e))
	}
	return []tidings.EventWithLaunches{with}
}

// byItself says whether an activity comes without anybody having decided to do
// something: a mail is delivered, and subscriptions are changed by a run, which names no message.
func byItself(s tidings.Status, of tidings.MessageID) bool {
	return s == tidings.SubscriptionChanged && of == 0 || slices.Contains([]tidings.Status{tidings.Delivered, tidings.Undelivered, tidings.Read, tidings.Sent}, s)
}

// paramsOf makes the fields of an activity parameters of an event, in their
// order. One that the event has no room for is left out.
func paramsOf(wire []byte) []tidings.EventParam {
	d := json.NewDecoder(bytes.NewReader(wire))
	if _, err := d.Token(); err != nil {
		return nil
	}
	var params []tidings.EventParam
	size := len("[]")
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return params
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return params
		}
		p := tidings.EventParam{Name: name.(string), Value: value}
		n := len(`{"name":,"value":},`) + len(tidings.AppendJSONText(nil, p.Name)) + len(p.Value)
		if size+n <= tidings.MaxEventBytes {
			size += n
			params = append(params, p)
		}
	}
	return params
}
