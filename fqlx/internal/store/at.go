package store

import (
	"errors"
	"fmt"
)

// ErrTooOld says that a moment was asked for whose versions may be gone. See [Options].Retention.
var ErrTooOld = errors.New("time lies too far in the past")

// At returns a view of the store as of ts (µs since the epoch), at or before the transaction's snapshot, without the
// transaction's writes. What is read through it does not take part in the conflict detection: the past does not
// change. done ends the view, and must be called before the transaction ends. Errors: [ErrTooOld], [ErrFuture].
func (tx *Tx) At(ts int64) (view *Tx, done func(), err error) {
	if tx.err != nil {
		return nil, nil, tx.err
	}
	if ts > tx.snapshot {
		return nil, nil, fmt.Errorf("%w: it is after the snapshot", ErrFuture)
	}
	view = tx.s.newTx(tx.ctx)
	if err := tx.s.clock.beginAt(view, ts, tx.s.opt.Retention.Microseconds()); err != nil {
		return nil, nil, err
	}
	return view, func() {
		view.Discard()
		tx.seen = max(tx.seen, view.seen) // to be on disk before anybody learns of it
		tx.reads += view.reads
		tx.bytesRead += view.bytesRead
		if view.err != nil && !errors.Is(view.err, ErrClosed) {
			tx.fail(view.err)
		}
	}, nil
}

// beginAt registers tx with a snapshot in the past. While it is registered no sweep goes beyond its snapshot, and a
// sweep that is under way stopped at retention before a time that the clock had already given.
func (c *clock) beginAt(tx *Tx, ts, retention int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return ErrClosed
	case ts < c.last-retention:
		return ErrTooOld
	}
	tx.snapshot = ts
	c.active[tx] = struct{}{}
	return nil
}

// Usage is what a transaction has read so far, counted as in [Result].
type Usage struct{ Reads, BytesRead int }

// Usage returns what the transaction has read so far.
func (tx *Tx) Usage() Usage { return Usage{tx.reads, tx.bytesRead} }
