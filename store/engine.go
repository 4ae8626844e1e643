package store

import (
	"context"
	"database/sql"
	"time"

	"tidings"
)

// engine is what differs between the databases. All that it is not asked is
// SQL that both read, with $N.
type engine interface {
	// adopt takes the committer's connection, a new one.
	adopt(conn *sql.Conn) error
	// begin begins the transaction of a group, which appends to some accounts,
	// in the order of their ids; end makes it durable, undo gives it up. After an
	// error of end it is undone, or in doubt.
	begin(tx *writeTx, accounts []tidings.AccountID) error
	end(tx *writeTx) error
	undo(tx *writeTx)
	// failed says what is to become of a group whose try-th run ended in an
	// error, having done what is needed for it.
	failed(tx *writeTx, try int, err error) outcome
	// raced says whether an operation's error may come of another node's write
	// between its look and its write.
	raced(err error) bool
	// judge says how far an error reaches, in words for clients.
	judge(err error) (verdict, error)
	// groupDone is called by the committer between two groups.
	groupDone()

	// queue runs a statement whose result nobody waits for: at once, or with the next one.
	queue(tx *writeTx, query string, args ...any) error

	// head gives the head of an account in a transaction, which nobody else
	// changes before the transaction ends.
	head(tx *writeTx, account tidings.AccountID) (head, error)
	// contended says whether other nodes append to what the transaction has locked.
	contended(tx *writeTx) bool
	// appendHeads gives the heads of the accounts of a group's appends.
	// Accounts that there are not are left out.
	appendHeads(tx *writeTx, accounts []tidings.AccountID) (map[tidings.AccountID]head, error)
	// arrive gives when what is appended now to a feed with a head arrives, and
	// the name of the month that it goes into.
	arrive(tx *writeTx, h head) (time.Time, string)
	// putFrames stores frames in a month, putHeads where feeds end now.
	putFrames(tx *writeTx, m month, rows []frameRow) error
	putHeads(tx *writeTx, feeds []*feedAppend) error
	// appended has other nodes told of what was committed.
	appended(feeds []*feedAppend)
	// deliver stores the deliveries of a group; see applyDeliveries.
	deliver(tx *writeTx, ds []*pendingDelivery) error
	// alone says whether nobody else writes to the database.
	alone() bool
	// recall may fill tx.answers with what the Idempotency-Keys of a group's
	// appends were answered.
	recall(tx *writeTx, group []*request) error
	// expireAnswers removes at most so many outdated answers.
	expireAnswers(tx *writeTx, most int) error
	// headColumns lists the columns of the table head that make a head.
	headColumns() string
	// monthsNow gives the months as they are committed, oldest first.
	monthsNow(q querier) ([]month, error)
	// openMonth gives a month that takes frames of at0 to at1, made or widened as needed.
	openMonth(tx *writeTx, name string, at0, at1 int64) (month, error)
	// emptyStep is the statement that takes at most $1 frames out of a month that
	// is to be dropped; "" = the whole table can go at once.
	emptyStep() string

	// contactID gives the id of the next contact; giveBack says that it was not used.
	contactID(w *contactWriter) (tidings.ContactID, error)
	giveBack(w *contactWriter)
	// putNames stores names of contacts in their index, in place of what it has of them.
	putNames(tx *writeTx, account tidings.AccountID, names []contactName) error
	// dropName removes a contact's name from the index.
	dropName(tx *writeTx, account tidings.AccountID, id tidings.ContactID) error
	// findNames is the query for the contacts in whose names every word begins a word.
	findNames(account tidings.AccountID, words []string, limit int) (query string, args []any)

	// chore says whether this store is the one to do a work that only one of
	// those on a database does, for a while from now on.
	chore(ctx context.Context, name string) (bool, error)
	// backup writes a copy of the database to a new file.
	backup(ctx context.Context, path string) error

	// start begins the engine's own loops; they end with ctx.
	start(ctx context.Context)
	// closing says goodbye to other nodes, while there are connections.
	closing()
	// release closes what the engine has open, when the loops have ended.
	release() error
}

// outcome is what becomes of a group that failed.
type outcome int

const (
	given     outcome = iota // up: the callers are told
	again                    // it is run once more, in a new transaction
	committed                // it is durable after all
)
