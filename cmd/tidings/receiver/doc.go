// Package receiver is the other end of a delivery: it receives an endpoint's
// POSTs and judges what it sees by the headers alone, as a customer's server
// would. It verifies signatures, finds repeats, and tells a gap or a step back
// from the order that was promised.
//
// It shares no code with the sending side on purpose: what it accepts is what
// docs/receivers.md promises, not what the sender happens to do. The commands
// listen and demo, the measurements and the end-to-end tests all use it.
package receiver
