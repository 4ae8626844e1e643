// Package api is the JSON door of the server: activities in, endpoints and
// their state, the acts of operators, and what watches over the server.
//
// One [Server] is one http.Handler. Every request passes the same door
// (route.go: headers, panics, log, figures; auth.go: who, and may they), and
// every error leaves in the same shape (problem.go: RFC 9457). One file a noun:
//
//	activity.go   GET  /v1/activities          the feed by seq, with waiting (arrivals.go)
//	ingest.go     POST /v1/activities          body.go reads it, tidings.ParseActivities checks it
//	search.go     GET  /v1/activities/search   by time, contact, message, …
//	endpoint.go   /v1/endpoints                options.go holds and checks what can be set,
//	                                           view.go what is shown
//	act.go        /v1/endpoints/{id}/…         probe, activate, deactivate, retry, seek, skip, rotate-secret
//	attempt.go    /v1/endpoints/{id}/attempts  and …/tail, live
//	contact.go    /v1/contacts                contact_input.go reads and shows one, contact_import.go takes many
//	              /v1/blacklist /v1/fields    blacklist.go, field.go; timeline.go what happened to one
//	segment.go    /v1/segments                condition.go reads a condition
//	event.go      /v1/events /v1/event-types
//	webhook.go    /v1/webhooks /v1/connectors sendtest.go tries one; call.go /v1/calls
//	workflow.go   /v1/workflows               workflow_input.go reads a definition, workflow_act.go switches it on and off,
//	                                          workflow_dryrun.go tries it, case.go keeps what a try gave
//	run.go        /v1/runs
//	message.go    /v1/messages                message_input.go reads one, message_preview.go shows and sends it for a try
//	broadcast.go  /v1/broadcasts              mail.go /v1/outbox; settings.go /v1/settings/mail
//	source.go     /v1/sources                 source_intake.go takes the events of other senders
//	known.go      what an account has, for those that are checked by it, and who uses what
//	account.go    /v1/accounts                 key.go their keys; audit.go who did what
//	user.go       /v1/accounts/{account}/users user_session.go where they are signed in, and their passwords;
//	                                           user_access.go what roles may
//	operation.go  /healthz /readyz /metrics    metrics.go what is counted
//	openapi.go    /openapi.json                docs.go the same for people, /docs
//
// The document at /openapi.json is made from what is registered and nothing
// else: an operation that is not in it is not served.
package api
