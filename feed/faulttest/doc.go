// Package faulttest is a receiver that misbehaves: a raw TCP, TLS, HTTP/1 and
// HTTP/2 server with one named behaviour for each way in which the other side
// of a delivery can fail. It is support of tests.
//
// A [Server] shows its [Fault] until [Server.Heal], and is a good receiver from
// then on, on new connections and on those that are open: what a fault has left behind in
// a client's pool meets a healthy server.
//
// It works over loopback TCP, or over pipes in memory, which go together with
// testing/synctest: a fault that hangs is then waited out on a clock of its own.
//
// The files: server.go (life of a server), conn.go and pipe.go (a connection),
// cert.go (good and bad certificates); the faults by layer: connect.go (name, connection,
// TLS), answer.go (HTTP/1), http2.go.
package faulttest
