package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// leaseSpan is how far ahead of use the clock is reserved on disk. It costs at most two small records a second, and
// after a crash the first snapshots may run ahead of the wall clock by this much.
const leaseSpan = int64(time.Second / time.Microsecond)

// maxLag bounds how old a snapshot is taken rather than wait for the commit that is being applied. A stalled disk must
// not keep expired entries visible.
const maxLag = int64(20 * time.Millisecond / time.Microsecond)

// clock gives out snapshots and commit times and knows which transactions are running.
type clock struct {
	now    func() time.Time
	leased atomic.Int64 // what the disk promises: nothing that left the store is later

	mu       sync.Mutex
	changed  sync.Cond // on mu: a commit was applied, or a transaction ended
	last     int64     // the latest time given out, as a snapshot or a commit
	applying int64     // the commit time whose batch is being applied, else 0
	applied  int64     // the latest commit whose batch can be read
	active   map[*Tx]struct{}
	closed   bool
}

func newClock(now func() time.Time) *clock {
	c := &clock{now: now, active: map[*Tx]struct{}{}}
	c.changed.L = &c.mu
	return c
}

// begin registers tx and gives it a snapshot: max(wall clock, last given), or the moment before the commit that is
// being applied, so that a snapshot never sees half a batch. When that is before min it returns how long to wait.
func (c *clock) begin(tx *Tx, min int64) (wait time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if c.closed {
			return 0, ErrClosed
		}
		wall := c.now().UnixMicro()
		if c.applying == 0 {
			if ts := max(wall, c.last); ts < min {
				// In microseconds first: centuries ahead would overflow a Duration.
				if min-ts > futureWait.Microseconds() {
					return 0, fmt.Errorf("%w: by %d µs", ErrFuture, min-ts)
				}
				return time.Duration(min-ts) * time.Microsecond, nil
			}
			c.last = max(wall, c.last)
			tx.snapshot = c.last
			break
		}
		if before := c.applying - 1; before >= min && wall-before < maxLag {
			tx.snapshot = before
			break
		}
		c.changed.Wait()
	}
	c.active[tx] = struct{}{}
	return 0, nil
}

func (c *clock) end(tx *Tx) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.active, tx)
	if c.closed {
		c.changed.Broadcast()
	}
}

// take gives out the next commit time. Until done is called snapshots stay before it.
func (c *clock) take() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(c.now().UnixMicro(), c.last+1)
	c.applying = c.last
	return c.last
}

func (c *clock) done(ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ok {
		c.applied = c.applying
	}
	c.applying = 0
	c.changed.Broadcast()
}

// oldest returns the oldest snapshot in use, 0 if there is none, and the number of transactions.
func (c *clock) oldest() (ts int64, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for tx := range c.active {
		if ts == 0 || tx.snapshot < ts {
			ts = tx.snapshot
		}
	}
	return ts, len(c.active)
}

func (c *clock) lastApplied() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.applied
}

// close refuses new transactions, waits for those that run, and returns the last time given out. A second call
// returns false.
func (c *clock) close() (last int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, false
	}
	c.closed = true
	for len(c.active) > 0 {
		c.changed.Wait()
	}
	return c.last, true
}

// raise sets an ever-growing number.
func raise(to *atomic.Int64, v int64) {
	for {
		old := to.Load()
		if v <= old || to.CompareAndSwap(old, v) {
			return
		}
	}
}
