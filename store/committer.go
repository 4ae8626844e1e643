package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tidings"
)

const (
	// queueLength is how many writes wait for the next commit; more callers wait for room.
	queueLength = 4096
	// groupOps and groupBytes bound one commit, so that its waiters' latency is bounded.
	groupOps   = 4096
	groupBytes = 8 << 20
	// lazyFlush is how long a delivery that is not urgent waits for a commit to ride along with.
	lazyFlush = 20 * time.Millisecond
)

// committer owns the one write connection. There is no timer in the write
// path: while one commit's fsync runs, the next group collects in the queue.
// Callers hear of the outcome after the commit.
type committer struct {
	s      *Store
	engine engine
	db     *sql.DB
	conn   *sql.Conn // of db; only the loop uses it; nil = to be made anew
	stmts  map[string]*sql.Stmt

	queue chan *request
	held  []*request    // taken from the queue for the next group; only the loop uses it
	wake  chan struct{} // capacity 1: deliveries are due

	gate   sync.RWMutex // held for reading while a request enters the queue
	closed bool
	stop   chan struct{} // closed by close, after which nothing enters the queue

	deliveries struct {
		sync.Mutex
		pending []*pendingDelivery
		timer   *time.Timer // nil = not armed
	}

	lastErr atomic.Pointer[writeFailure]

	// beforeCommit, when set by a test, runs in place of a commit that it fails.
	beforeCommit func() error
}

// writeFailure is why writes fail now, or for good.
type writeFailure struct {
	err   error
	final bool
}

// request is one caller's write. The committer takes it once its commit
// begins; until then the caller may withdraw it.
type request struct {
	op     func(*writeTx) error // nil for an append
	append *pendingAppend
	state  atomic.Int32 // waiting, then taken or withdrawn
	err    error
	done   chan struct{} // closed after the commit
}

// size is what the request adds to its group, in bytes.
func (r *request) size() int {
	if r.append == nil {
		return 0
	}
	return r.append.size()
}

const (
	waiting int32 = iota
	taken
	withdrawn
)

func newCommitter(s *Store, db *sql.DB) *committer {
	return &committer{
		s: s, engine: s.engine, db: db,
		queue: make(chan *request, queueLength),
		wake:  make(chan struct{}, 1),
		stop:  make(chan struct{}),
	}
}

// connect makes the write connection, in place of one that is lost.
func (c *committer) connect(ctx context.Context) error {
	c.disconnect()
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("write connection: %w", err)
	}
	c.conn, c.stmts = conn, make(map[string]*sql.Stmt)
	return c.engine.adopt(conn)
}

// disconnect gives the write connection up with its statements.
func (c *committer) disconnect() {
	if c.conn == nil {
		return
	}
	for _, stmt := range c.stmts {
		_ = stmt.Close() // of a connection that is going
	}
	_ = c.conn.Close()
	c.conn, c.stmts = nil, nil
}

// do queues a request and waits for its outcome.
func (c *committer) do(ctx context.Context, r *request) error {
	if err := c.enqueue(ctx, r); err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(waiting, withdrawn) {
		return ctx.Err()
	}
	<-r.done
	return r.err
}

func (c *committer) enqueue(ctx context.Context, r *request) error {
	c.gate.RLock()
	defer c.gate.RUnlock()
	if c.closed {
		return errClosed()
	}
	select {
	case c.queue <- r:
		return nil
	default:
	}
	select {
	case c.queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func errClosed() error {
	return tidings.Errorf(tidings.CodeUnavailable, "the store is closed: nothing was stored")
}

// deliver queues a delivery without waiting; see feed.Log.
func (c *committer) deliver(d *pendingDelivery, urgent bool) {
	c.gate.RLock()
	defer c.gate.RUnlock()
	if c.closed {
		d.done(errClosed())
		return
	}
	c.deliveries.Lock()
	c.deliveries.pending = append(c.deliveries.pending, d)
	arm := !urgent && c.deliveries.timer == nil
	if arm {
		c.deliveries.timer = time.AfterFunc(lazyFlush, c.wakeUp)
	}
	c.deliveries.Unlock()
	if urgent {
		c.wakeUp()
	}
}

func (c *committer) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default: // already awake
	}
}

func (c *committer) takeDeliveries() []*pendingDelivery {
	c.deliveries.Lock()
	defer c.deliveries.Unlock()
	if c.deliveries.timer != nil {
		c.deliveries.timer.Stop()
		c.deliveries.timer = nil
	}
	taken := c.deliveries.pending
	c.deliveries.pending = nil
	return taken
}

// loop commits group after group until close, and then what is left.
func (c *committer) loop() {
	for {
		var group []*request
		if len(c.held) > 0 {
			c.run(c.collect(nil))
			continue
		}
		select {
		case r := <-c.queue:
			group = c.collect(r)
		case <-c.wake:
			group = c.collect(nil)
		case <-c.stop:
			for group = c.collect(nil); len(group) > 0; group = c.collect(nil) {
				c.run(group)
			}
			c.run(nil) // the deliveries held back
			return
		}
		c.run(group)
	}
}

// collect takes first and what else is queued, up to the bounds of a group.
// What was withdrawn is left out.
func (c *committer) collect(first *request) []*request {
	held := c.held
	c.held = nil
	if first != nil {
		held = append(held, first)
	}
	return c.fill(nil, held, func(*request) bool { return true })
}

// fill adds to a group what is held and what is queued, up to the bounds of a
// group, or to the first one that does not fit, which is held.
func (c *committer) fill(group, held []*request, fits func(*request) bool) []*request {
	size := 0
	for _, r := range group {
		size += r.size()
	}
	for len(group) < groupOps && size < groupBytes {
		var r *request
		if len(held) > 0 {
			r, held = held[0], held[1:]
		} else {
			select {
			case r = <-c.queue:
			default:
				return group
			}
		}
		if !fits(r) {
			held = append([]*request{r}, held...)
			break
		}
		if r.state.CompareAndSwap(waiting, taken) {
			group = append(group, r)
			size += r.size()
		}
	}
	c.held = append(held, c.held...)
	return group
}

// join adds to a group what was queued while it waited for another node's
// commit to unlock its heads: that takes as long as ours. Without other nodes
// it is better to leave the next group to collect while this one commits.
func (c *committer) join(tx *writeTx, group []*request) []*request {
	if !c.engine.contended(tx) {
		return group
	}
	held := c.held
	c.held = nil
	return c.fill(group, held, func(r *request) bool {
		if r.append == nil {
			return false
		}
		_, locked := tx.heads[r.append.request.Account]
		return locked
	})
}

// run commits one group with the deliveries that wait, and tells the callers.
func (c *committer) run(group []*request) {
	deliveries := c.takeDeliveries()
	if len(group) == 0 && len(deliveries) == 0 {
		c.engine.groupDone()
		return
	}
	var tx *writeTx
	err := c.refused()
	if err == nil {
		begin := time.Now()
		tx, group, err = c.transact(group, deliveries)
		c.s.stats.commitTime.Add(int64(time.Since(begin)))
	}
	switch {
	case err != nil:
		c.s.stats.failed.Add(1)
	case !tx.undo:
		c.s.stats.commits.Add(1)
		c.s.stats.groups.Add(int64(len(group) + len(deliveries)))
		for _, f := range tx.afterCommit {
			f()
		}
	}
	for _, r := range group {
		if err != nil {
			r.err = err
		}
		close(r.done)
	}
	for _, d := range deliveries {
		if err != nil {
			d.err = err
		}
		d.done(d.err)
	}
	c.engine.groupDone()
}

// transact does the group's work in one transaction, again and again while
// the engine sees a chance. Its error is that of the whole group, for clients;
// the operations' own errors are in the requests.
func (c *committer) transact(group []*request, deliveries []*pendingDelivery) (*writeTx, []*request, error) {
	tx := &writeTx{c: c}
	for try := 1; ; try++ {
		*tx = writeTx{c: c, now: c.s.now(), try: try, ahead: tx.ahead}
		for _, r := range group {
			r.err = nil
		}
		for _, d := range deliveries {
			d.err = nil
		}
		err := c.engine.begin(tx, accountsOf(group))
		if err == nil {
			group = c.join(tx, group)
			err = c.attempt(tx, group, deliveries)
		} else {
			c.engine.undo(tx)
		}
		if err != nil {
			switch c.engine.failed(tx, try, err) {
			case again:
				continue
			case given:
				return tx, group, c.failed(err)
			}
		}
		if !tx.undo { // which says nothing about the disk
			c.lastErr.Store(nil)
		}
		return tx, group, nil
	}
}

// attempt runs the group's work once, in the transaction that has begun.
func (c *committer) attempt(tx *writeTx, group []*request, deliveries []*pendingDelivery) error {
	err := c.work(tx, group, deliveries)
	if err == nil && tx.undo {
		c.engine.undo(tx)
		return nil
	}
	if err == nil && c.beforeCommit != nil {
		err = c.beforeCommit()
	}
	if err == nil {
		return c.engine.end(tx)
	}
	c.engine.undo(tx)
	return err
}

// work runs appends, then deliveries, so that an operator's act sees those that
// came before it, then operations in their order. An error is one that ends the transaction.
func (c *committer) work(tx *writeTx, group []*request, deliveries []*pendingDelivery) error {
	if err := c.s.applyAppends(tx, accountsOf(group), group); err != nil {
		return err
	}
	if len(deliveries) > 0 {
		if err := c.engine.deliver(tx, deliveries); err != nil {
			return err
		}
	}
	if len(group) == 1 && len(deliveries) == 0 && group[0].op != nil {
		return c.runAlone(tx, group[0])
	}
	for _, r := range group {
		if r.op == nil {
			continue
		}
		if err := c.runOp(tx, r); err != nil {
			return err
		}
	}
	return nil
}

// runAlone runs an operation that has the transaction for itself. Its error
// undoes all of it, so there is no savepoint, for which SQLite would keep a
// copy of every page as it was: a tenth of the time of a large import.
func (c *committer) runAlone(tx *writeTx, r *request) error {
	r.err = r.op(tx)
	if r.err == nil {
		return nil
	}
	if err := c.beyondOp(tx, r); err != nil {
		return err
	}
	tx.undo, tx.afterCommit = true, nil
	return nil
}

func (c *committer) runOp(tx *writeTx, r *request) error {
	if err := tx.queue("SAVEPOINT op"); err != nil {
		return err
	}
	hooks := len(tx.afterCommit)
	r.err = r.op(tx)
	if r.err != nil {
		if err := c.beyondOp(tx, r); err != nil {
			return err
		}
		tx.afterCommit = tx.afterCommit[:hooks]
		if err := tx.queue("ROLLBACK TO op"); err != nil {
			return err
		}
	}
	return tx.queue("RELEASE op")
}

// beyondOp gives the error of an operation that ends the whole transaction; nil
// when it is the operation's alone.
func (c *committer) beyondOp(tx *writeTx, r *request) error {
	if tx.try == 1 && c.engine.raced(r.err) {
		return errors.Join(errRaced, r.err)
	}
	reach, worded := c.engine.judge(r.err)
	if reach != ofTheOp {
		return r.err
	}
	r.err = worded
	return nil
}

// failed keeps and words the error of a group.
func (c *committer) failed(err error) error {
	reach, worded := c.engine.judge(err)
	if reach == ofTheOp {
		// Not an error of the disk: a defect of ours that reached the group.
		worded = fmt.Errorf("commit: %w", err)
	}
	c.lastErr.Store(&writeFailure{err: worded, final: reach == final})
	c.s.heads.forget()
	return worded
}

// refused says why nothing is written any more.
func (c *committer) refused() error {
	if f := c.lastErr.Load(); f != nil && f.final {
		return f.err
	}
	return nil
}

func (c *committer) failure() error {
	if f := c.lastErr.Load(); f != nil {
		return f.err
	}
	return nil
}

// close lets nothing more into the queue; the loop ends when it is empty.
func (c *committer) close() {
	c.gate.Lock()
	c.closed = true
	c.gate.Unlock()
	close(c.stop)
}

// release closes the connections, when the loop has ended.
func (c *committer) release() error {
	c.disconnect()
	return c.db.Close()
}
