package ui

import (
	"encoding/json"
	"slices"
	"sync"

	"tidings"
)

// Limits of what is kept for undoing.
const (
	maxUndoDrafts = 200     // workflows that somebody edits, over all sessions
	maxUndoSteps  = 50      // of one of them
	maxUndoBytes  = 1 << 20 // of one of them, as JSON
)

// undoKey is one workflow as one session edits it.
type undoKey struct {
	session  int64
	workflow int64
}

// undos keeps, for each session, the drafts that were before its latest edits,
// in memory: after a restart, or on another node, there is nothing to undo. What
// is kept is bounded; the drafts that were edited longest ago go first.
type undos struct {
	mu     sync.Mutex
	drafts map[undoKey]*undoDraft
	clock  int64 // counts uses
}

type undoDraft struct {
	version      int64 // of the workflow after the latest edit here: when it has another, somebody else has edited it
	past, future []undoStep
	used         int64
}

type undoStep struct {
	draft tidings.Definition
	bytes int
}

func newUndos() *undos { return &undos{drafts: map[undoKey]*undoDraft{}} }

func stepOf(d *tidings.Definition) undoStep {
	text, err := json.Marshal(d)
	if err != nil {
		return undoStep{*d, maxUndoBytes} // it came as JSON: this does not happen
	}
	return undoStep{*d, len(text)}
}

// edited notes an edit: before is the draft that was, at version was; the
// workflow is at version is now.
func (u *undos) edited(k undoKey, before *tidings.Definition, was, is int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	d := u.at(k)
	if d.version != was {
		d.past = nil
	}
	d.past = trimmed(append(d.past, stepOf(before)))
	d.future, d.version = nil, is
}

// went notes that the draft became what was offered by next: before is the draft that was.
func (u *undos) went(k undoKey, back bool, before *tidings.Definition, is int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	d := u.at(k)
	from, to := &d.future, &d.past
	if back {
		from, to = to, from
	}
	if n := len(*from); n > 0 {
		*from = (*from)[:n-1]
	}
	*to = trimmed(append(*to, stepOf(before)))
	d.version = is
}

// next gives the draft that undoing (back) or redoing leads to; ok is false when
// there is none, or when somebody else has edited the workflow since.
func (u *undos) next(k undoKey, back bool, version int64) (draft tidings.Definition, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	d := u.drafts[k]
	if d == nil || d.version != version {
		return draft, false
	}
	steps := d.future
	if back {
		steps = d.past
	}
	if len(steps) == 0 {
		return draft, false
	}
	return steps[len(steps)-1].draft, true
}

// moved notes a change of the workflow that left its draft as it was.
func (u *undos) moved(k undoKey, was, is int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if d := u.drafts[k]; d != nil && d.version == was {
		d.version = is
	}
}

// at gives what is kept of a workflow, making room when it is a new one.
func (u *undos) at(k undoKey) *undoDraft {
	u.clock++
	d := u.drafts[k]
	if d == nil {
		if len(u.drafts) >= maxUndoDrafts {
			u.forgetOldest()
		}
		d = &undoDraft{}
		u.drafts[k] = d
	}
	d.used = u.clock
	return d
}

func (u *undos) forgetOldest() {
	var oldest undoKey
	used := u.clock + 1
	for k, d := range u.drafts {
		if d.used < used {
			oldest, used = k, d.used
		}
	}
	delete(u.drafts, oldest)
}

// trimmed leaves the newest steps that fit the limits.
func trimmed(steps []undoStep) []undoStep {
	bytes, keep := 0, 0
	for _, s := range slices.Backward(steps) {
		if bytes += s.bytes; bytes > maxUndoBytes || keep == maxUndoSteps {
			break
		}
		keep++
	}
	return slices.Clone(steps[len(steps)-keep:])
}
