// Package e2e drives the real binary as processes, with no knowledge of its
// inside: it starts and kills the server, speaks to it over HTTP, and judges
// by what receivers saw (cmd/tidings/receiver).
//
//	order_test.go      order and retry, restart, graceful stop
//	crash_test.go      SIGKILL at random moments; -crash.rounds and -crash.seed
//	disk_test.go       a full disk, and room again
//	operator_test.go   deactivate, seek, skip, rotate, backup and restore
//	command_test.go    flags, exit codes, listen, demo
//	workflow_test.go   events, calls, mails, what comes back (workflow_crash_test.go: with kills)
//	browser_…_test.go  people at a browser (package browser): the manual's journeys, every page by axe-core and in every width; -pictures
//	guide_test.go      the programs of docs/receivers.md against a real endpoint
package e2e
