// Package workflow runs workflows: an event starts a run, which goes from block
// to block until it comes to an end (DESIGN.md, section 4). It knows no store: what it asks of
// one are small interfaces beside their users.
//
// # The way of a run
//
//	trigger.go    an event, or activity.go: an activity, and the runs that it starts
//	runner.go     runs that are due are claimed, for engine.go to execute; turns.go: a slow webhook delays its own runs only
//	stride.go     steps up to the next thing that must last, and ONE commit of them all
//	step.go       one function a kind of block; whose.go: whose data it uses
//	sight.go      what conditions and templates of blocks see; template.go: how those are written
//	timer.go      until when a timer waits
//	compile.go    a definition made ready, once a version; things.go: the webhooks, connectors and messages it names
//	compose.go    the mail of a message block
//	stats.go      how the runner is doing
//
// And before that, for people:
//
//	check.go      what is wrong with a definition; check_graph.go, check_refs.go: its paths, and what they use
//	uses.go       what a definition refers to
//	dryrun.go     the same steps with nothing stored and nothing waited for; cases.go: kept, and run again
//
// # The promises
//
//  1. A run is one launch for one contact, and ends once: ended, failed or stopped.
//  2. What a stride leads to is one commit: the steps, the reply of a call, the mail, the contact's
//     change. A crash before it makes the stride happen again, from the same state.
//  3. A block's call has the same Tidings-Call-Id each time it is made again: see CallKey.
//  4. A message block queues one mail, however often the run is taken up again.
//  5. What goes wrong with a call or a message marks the run; it goes on. A run that can't go on
//     fails, with words. A stride that ends the process, or that nothing comes of, is tried MaxTries times.
//  6. A claim is fenced: who has lost a run (a pause of the machine, a takeover, a stop) stores nothing of it any more.
//
// # What others use
//
// Definitions, for those who edit them:
//
//	tidings.CheckDefinition(d) []tidings.FieldError    limits, ids, kinds, exits, timers: what can't even be saved
//	Check(d, known) []Problem                          all that stands against an activation; warnings too
//	LoadKnown(ctx, store, account) (*Known, error)
//	Faults(problems) []tidings.FieldError              those that are no warnings, for an answer of the API
//	UsesOf(d) Uses                                     for "used in"
//
// Starting runs:
//
//	NewTriggers(store) *Triggers
//	(*Triggers).Launches(ctx, account, event) ([]tidings.Launch, error)    for store.AddEvent
//	NewFollower(FollowerOptions{Store, Triggers, …}) *Follower             activities; Start, Stop, Wake for the store's Appended
//
// Running them:
//
//	NewEngine(EngineOptions{Store, Call, …}) *Engine
//	NewRunner(RunnerOptions{Engine, Store, …}) *Runner    Start, Stop, Wake for the store's RunsDue
//	Launch(activeWorkflow) tidings.Launch                 of a run by hand, for store.StartRun: to run an event again
//
// Dry runs and cases:
//
//	(*Engine).Test(ctx, account, definition, DryInput) (DryResult, error)
//	NewCase(workflow, name, result) (tidings.WorkflowCase, error)
//	(*Engine).RunCases(ctx, account, definition, cases) ([]CaseResult, error)
package workflow
