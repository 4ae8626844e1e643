// Package bench measures what DESIGN.md promises in numbers. Every figure is
// a ratio of two things done in one run on one machine, or a size: the real
// server runs as a process of its own, the load and the receiver stand beside
// it, and the bare loop it is held against runs in its place.
//
//	bench.go    the list of measures and how a run goes
//	report.go   rows with their parts, as text and JSON
//	server.go   the server under measure: started, asked, weighed, stopped
//	load.go     activities and the producers that send them
//	sink.go     the receiver
//	bare.go     what it is held against: HTTP, JSON check, append and fsync, POST
//	mailsink.go the SMTP server that takes every mail
//	workflow.go broadcast.go track.go   what runs, mails and their links cost
//	pages.go page_fill.go page_crawl.go   the browser's pages, on a full account
//	drain.go steady.go fanout.go idle.go dead.go latency.go append.go   the measures
package bench
