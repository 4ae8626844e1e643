// Package pgtest runs real PostgreSQL servers for tests: one server a test
// process with a database for each test ([Shared]), and servers that are
// stopped, killed, copied and promoted ([Server]). The programs are those of
// the machine; as root they run as the user postgres.
package pgtest
