// Package tidings is the vocabulary of the server: the nouns of a customer
// data platform's webhooks and their rules. It imports the standard library
// only; everything else imports it.
//
//	activity.go   Activity, Status, MediaType: one fact about one message to one contact
//	scan.go       JSON in -> checked Activities (scan_activity.go, scan_rules.go, …); facts.go: what searches look at
//	feed.go       Seq, Chunk and the queries: an account's ordered log of activities
//	endpoint.go   Endpoint and its options: a URL that follows the feed
//	delivery.go   Plan, Position, Attempt: how far an endpoint has come
//	contact.go    Contact, its channels and fields (contact_field.go, contact_rules.go)
//	event.go      Event, EventType: what happened, and whose it is
//	segment.go    Segment: a list of contacts, or those of whom a Condition (condition.go) holds
//	webhook.go    Webhook: a named request made of templates; connector.go: the credentials it uses
//	call.go       Call, Try, Reply: one sending of a webhook
//	workflow.go   Workflow, its versions and blocks (workflow_rules.go); run.go: Run, Step, and what a commit of them is
//	message.go    Message, Broadcast; mail.go: Mail, and what people do with it; mail_activity.go: the activity that is
//	tally.go      Tally: what one subject did in one minute, with how long it took (tally_took.go)
//	account.go    Account, Key, Scope, AuditRecord
//	error.go      Error and the closed list of codes; text.go: texts as JSON, and cut
//
// # The map
//
// Two flows meet in the feed. The first one is here, each step with its file:
//
//	producer
//	   │  POST /v1/activities
//	   ▼
//	api/ingest.go            the body, bounded (api/body.go); who sends it (api/auth.go)
//	   ▼
//	scan.go                  every element checked, or all refused; compact wire bytes
//	   ▼
//	store/append.go          queued for the committer; Idempotency-Key
//	   ▼
//	store/committer.go       one transaction for all that wait ── fsync ──▶ 200 {firstSeq, lastSeq}
//	   │                     one frame an account (store/frame.go), seq from its head (store/head.go)
//	   ▼
//	feed/heads.go            "this feed has grown"
//	   ▼
//	feed/dispatcher.go       which endpoints follow it
//	   ▼
//	feed/lane.go             one endpoint: work? due? one POST at a time
//	   ▼
//	feed/batch.go            the frozen plan cut into batches, from the log's bytes (store/read.go, store/tail.go)
//	   ▼
//	feed/post.go             one attempt: headers, signature (feed/sign.go), deadline
//	   ▼
//	egress/client.go         the only door to the outside; addresses judged at dial time (egress/guard.go)
//	   │
//	   ▼  200 or not: feed/verdict.go
//	feed/lanestore.go        the position, fenced, rides the next commit (store/position.go)
//	   │                     or the same batch waits its turn: feed/retry.go
//	   ▼
//	next batch
//
// Beside it: what an endpoint's owner does (api/endpoint.go, api/act.go, feed/probe.go), what everybody
// reads (api/activity.go, api/search.go, publicapi/handler.go, store/search.go), and what the store does for itself
// (store/seal.go, store/retention.go, store/checkpoint.go, store/backup.go). Tables: store/migrations/sqlite/00001_feed.sql.
// All parts are put together in cmd/tidings/server.go. Several nodes on one PostgreSQL (store/postgres.go) share the
// endpoints by leases (node.go, feed/holding.go, store/postgres_lease.go) and tell each other news (feed/notice.go).
//
// The second flow begins with an event and ends where the first begins:
//
//	producer
//	   │  POST /v1/events
//	   ▼
//	workflow/trigger.go      which workflows it starts; workflow/activity.go: or an activity does
//	   ▼
//	store/event.go           the event, its contact found or made, and the runs (store/launch.go): one commit
//	   ▼
//	workflow/runner.go       runs that are due are claimed: store/run_claim.go; workflow/turns.go: not too many at one webhook
//	   ▼
//	workflow/stride.go       block after block (workflow/step.go), up to what must be stored first
//	   │                     ├──▶ a webhook: the call, below
//	   │                     └──▶ a message: message/render.go makes its mail
//	   ▼
//	store/run_commit.go      steps, reply, mail, contact and lists: one commit, fenced
//	   ▼
//	message/send.go          mails that are due, claimed: store/mail_claim.go; over SMTP: message/smtp.go
//	   ▼
//	store/mail_settle.go     what became of it, with its activity: one commit; store/track.go: opens, clicks, …
//	   ▼
//	the feed
//
// What templates see of it is scope/scope.go; their language is vtl/parse.go, vtl/exec.go. The call:
//
//	call/prepare.go          the templates, parsed once a version; call/inputs.go: what they need
//	   ▼
//	call/render.go           what they see: scope/scope.go; values escaped for where they stand: call/fill.go
//	   ▼
//	call/lint.go             URL, headers, JSON, XML checked, with line and column
//	   ▼
//	call/connector.go        credentials, which call/mask.go keeps out of all that is shown
//	   ▼
//	call/hosts.go            one's turn; not to a host that keeps failing: call/breaker.go
//	   ▼
//	call/call.go             up to three tries through egress/client.go: call/verdict.go, call/retry.go
//	   ▼
//	call/reply.go            JSON, XML or text becomes a value; call/expressions.go: how templates reach it
package tidings
