// Package feed is flow 1: it delivers the feeds of all accounts to their
// endpoints, in strict order, retried until the receiver answers 200.
//
// The way of a batch, and the file of each step:
//
//	heads.go       the store's committer says that a feed has grown
//	dispatcher.go  which lanes follow that feed; starting, stopping, reloading
//	lane.go        one endpoint: is there work, is it due, what comes next
//	batch.go       the frozen plan is cut into batches out of the log's bytes
//	slots.go       how many POSTs may be under way
//	post.go        one attempt: sign.go, verdict.go
//	retry.go       how long a failed batch waits
//	lanestore.go   the position goes back to the store, under its fence
//
// Which lanes are this process's: all, or those of the shards that it holds on
// a store that several nodes share:
//
//	lease.go       what nodes ask of such a store; span.go: how long a lease holds
//	holding.go     leases are renewed, taken, lost and given back
//	shard.go       the lanes of one lease: they begin, pause, drain and end together
//	notice.go      what other nodes tell, and what is looked for when nobody tells
//	reload.go      a lane, or all, read anew
//	operate.go     what operators ask, on whichever node
//
// Beside it: probe.go (the GET on save), watch.go (the live tail), rate.go and
// stats.go (what operators look at), log.go (what all this asks of a store).
//
// # Why no batch is ever cut twice in different ways
//
// A batch keeps its id and bytes over attempts, restarts and takeovers. Its
// bytes are never stored: they are cut out of the log again for each attempt. So
// what decides the cut must be durable before the first attempt. That is the
// plan: it says where a stretch of batches ends and by which filter and limits
// it is cut. One write freezes up to planBatches batches, and the write of the
// cursor carries the next plan along, so a lane that is behind hardly ever
// waits for the store.
package feed
