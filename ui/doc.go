// Package ui is the HTML door: the pages that people use in a browser. It is
// a client of the API: what a page shows and does are operations of the API
// (package api), called in process as the user who has signed in
// ([tidings.WithUser]). So whatever a person can do here can be done over the
// API, refusals have the API's words, and who may do what, and to which
// account a thing belongs, is decided in one place (docs/adr/0007).
//
//	server.go    Config, Server: the door itself, its headers, what it refuses
//	route.go     the list of pages and acts, and who may
//	visit.go     one request of a person: reading it, answering it
//	client.go    the API, called in process; refusal.go: what it refuses, and how that is shown
//	form.go      what a form holds; list.go: what a list's address holds
//	spent.go     what a visit took, for Server-Timing
//	session.go   who a browser is signed in as
//	asset.go     style sheet and scripts, by the hash of what is in them; asset_slim.go: without what only authors read
//	part/        the components that pages are made of
//
// and a file a noun, x.go with its x.templ: handlers and view models here,
// markup there, no logic in templates. Pages work without script as far as
// links and forms go; htmx replaces parts where it is there.
package ui

//go:generate go tool -modfile=../tools/go.mod templ generate -log-level=error
