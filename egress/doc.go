// Package egress is the only door to the outside: every HTTP request that
// leaves the server, a delivery to an endpoint or a call of a workflow, goes
// through a [Client].
//
// The door keeps four rules, whoever knocks:
//
//   - Addresses are judged when they are dialled, on what is really dialled
//     (guard.go): a name is looked up once, all its addresses are judged, and
//     those very addresses are dialled (dial.go). [CheckURL] tells the author of a URL early
//     what the dial would refuse later; it is a courtesy, not the guard.
//   - TLS is verified always, and no proxy of the environment is used.
//   - Redirects are not followed: the transport is used bare, without the http.Client that would.
//   - All that is read has a limit, and everything ends with the request's context.
//
// What happened comes back as data (trace.go): how far the request came, where
// its time went, and the error with its type. Why no answer came, [Explain] puts
// into words (trouble.go); what an answer means is the caller's to say.
package egress
