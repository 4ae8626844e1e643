// Package password hashes the passwords of users and verifies them.
//
// A password is kept as its argon2id hash in the PHC string form,
//
//	$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
//
// with the figures that OWASP's Password Storage Cheat Sheet gives. One hash
// takes 19 MiB and some hundredths of a second on purpose, so a [Hasher]
// computes a few at once and has the rest wait: who tries passwords by the
// thousand takes neither the memory nor the processors of the server.
//
//	password.go   hash and verify
//	phc.go        the string form
package password
