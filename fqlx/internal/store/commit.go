package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	defaultAttempts = 5

	// exclusiveBudget is how long a transaction may hold the commit lock while it runs, and how quick it must have been
	// before to get it.
	exclusiveBudget = 20 * time.Millisecond

	// defaultManyReads is from where on reads are validated once before the lock is taken, to shorten the time under it.
	defaultManyReads = 64
)

// UpdateOptions say how a transaction is run.
type UpdateOptions struct {
	Attempts    int   // evaluations in all; default 5
	MinSnapshot int64 // the snapshot is at or after this (µs); see [Store.BeginAt]
	// Patient lets the last attempt have the commit lock whatever time it takes: other commits wait meanwhile. For
	// what is rare and must get through, such as building an index.
	Patient bool
}

// Result tells what a transaction did, in its last attempt.
type Result struct {
	TS           int64 // commit time, or the snapshot when nothing was written
	Retries      int   // evaluations before the last
	Reads        int   // entries read, and look-ups that found none
	Writes       int   // entries put or deleted
	BytesRead    int   // keys and data from the store
	BytesWritten int   // keys and data
}

// Update runs fn on a snapshot and commits what it wrote. When another commit changed meanwhile what fn read, fn runs
// again on a new snapshot; the last attempt runs alone, under the commit lock, with 20 ms as its budget, provided that
// the earlier ones were quicker than that. An error of fn ends it and nothing is written.
//
// It returns when everything written, and everything read, is on disk. Errors: fn's own, [ErrConflict] (a
// [ConflictError]), [ErrTooLarge], [ErrFuture], [ErrStorage] (the commit may or may not have happened), [ErrClosed]
// and the context's. fn must not call the store itself.
func (s *Store) Update(ctx context.Context, opt UpdateOptions, fn func(*Tx) error) (Result, error) {
	attempts := opt.Attempts
	if attempts <= 0 {
		attempts = defaultAttempts
	}
	quick := true
	for i := 0; ; i++ {
		last := i == attempts-1
		start := s.elapsed()
		res, err := s.attempt(ctx, opt, last && i > 0 && (quick || opt.Patient), fn)
		res.Retries = i
		if _, contended := errors.AsType[*ConflictError](err); last || !contended {
			return res, err
		}
		s.conflicts.Add(1)
		quick = quick && s.elapsed()-start < exclusiveBudget
		if err := ctx.Err(); err != nil {
			return res, err
		}
	}
}

// attempt evaluates fn once.
func (s *Store) attempt(ctx context.Context, opt UpdateOptions, exclusive bool, fn func(*Tx) error) (res Result, err error) {
	tx := s.newTx(ctx)
	if err := s.begin(tx, opt.MinSnapshot, exclusive); err != nil {
		return res, err
	}
	defer tx.Discard() // also when fn panics
	if exclusive && !opt.Patient {
		var cancel context.CancelFunc
		tx.ctx, cancel = context.WithTimeout(ctx, exclusiveBudget)
		defer cancel()
	}
	if err = fn(tx); err == nil {
		err = tx.err
	} else if exclusive && tx.ctx.Err() != nil && ctx.Err() == nil {
		err = &ConflictError{}
	}
	tx.closeIters()
	if err == nil {
		err = tx.err
	}
	if err == nil && len(tx.writes) > 0 {
		c, err := tx.commit()
		tx.unlock() // before the disk is waited for
		if err != nil {
			return tx.result(tx.snapshot), err
		}
		return tx.result(c.ts), s.sync(c)
	}
	tx.unlock()
	return tx.result(tx.snapshot), tx.settle(err)
}

// result counts what was read, and when there was a commit what was written.
func (tx *Tx) result(ts int64) Result {
	r := Result{TS: ts, Reads: tx.reads, BytesRead: tx.bytesRead}
	if ts != tx.snapshot {
		r.Writes, r.BytesWritten = len(tx.writes), tx.bytesWritten
	}
	return r
}

// settle ends a transaction that writes nothing: its answer, also a refusal, must not rest on what a crash could undo.
func (tx *Tx) settle(err error) error {
	if failed := tx.s.durable.wait(tx.seen); failed != nil {
		return failed
	}
	// While the disk refuses writes reads go on. No commit follows that could be earlier than this snapshot, unless the
	// clock is set back before the store is opened again.
	_ = tx.s.lease(tx.snapshot)
	return err
}

// commit is a batch on its way to the disk.
type commit struct {
	batch    *pebble.Batch
	ts       int64 // or 0, when it has no entries
	lease    int64 // what it extends the clock's lease to, or 0
	unsynced bool  // nobody waits for it
}

// commit validates and applies the writes. It takes the commit lock, unless the transaction holds it, in which case
// nothing can have changed.
func (tx *Tx) commit() (*commit, error) {
	s := tx.s
	since := tx.snapshot
	if len(tx.points)+len(tx.writes)+len(tx.spans) > s.manyReads && !tx.exclusive {
		upTo := s.win.newest()
		if conflict := s.win.conflict(tx, since); conflict != nil {
			return nil, conflict
		}
		since = max(since, upTo)
	}
	batch, stamps := tx.batch()
	if !tx.exclusive {
		s.commitMu.Lock()
		defer s.commitMu.Unlock()
		if conflict := s.win.conflict(tx, since); conflict != nil {
			_ = batch.Close()
			return nil, conflict
		}
	}
	c := &commit{batch: batch, ts: s.clock.take()}
	if c.ts > s.clock.leased.Load()-leaseSpan/2 {
		c.lease = c.ts + leaseSpan
	}
	repr := batch.Repr()
	for _, at := range stamps {
		binary.BigEndian.PutUint64(repr[at:], ^uint64(c.ts))
	}
	err := s.apply(c)
	if err == nil {
		s.win.add(c.ts, tx.writes)
	}
	s.clock.done(err == nil)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// batch lays out the writes with no time in their keys, and tells where the times belong.
func (tx *Tx) batch() (b *pebble.Batch, stamps []int) {
	const overhead = 1 + timeLen + 2*binary.MaxVarintLen32
	b = tx.s.db.NewBatchWithSize(tx.bytesWritten + (len(tx.writes)+2)*overhead)
	stamps = make([]int, len(tx.writes))
	var scratch [binary.MaxVarintLen32]byte
	for i, w := range tx.writes {
		op := b.SetDeferred(len(w.name)+timeLen, len(w.value))
		copy(op.Key, w.name)
		copy(op.Value, w.value)
		// The record ends with key ‖ varint(len value) ‖ value, the key with the time.
		stamps[i] = b.Len() - len(w.value) - binary.PutUvarint(scratch[:], uint64(len(w.value))) - timeLen
	}
	return b, stamps
}

// apply appends a batch to the log and makes it readable, without a wait for the disk. One at a time: between the look
// at the disk and the batch nobody else may have written to a log that fails, or Pebble panics.
func (s *Store) apply(c *commit) (err error) {
	s.applyMu.Lock()
	defer s.applyMu.Unlock()
	if err := s.disk.err(); err != nil {
		return err
	}
	if c.lease != 0 {
		c.lease = max(c.lease, s.promised) // what is on disk never shrinks
		s.promised = c.lease
		setLease(c.batch, c.lease)
	}
	size := c.batch.Len()
	defer func() {
		if r := recover(); r != nil {
			s.wedged.Store(true)
			err = fmt.Errorf("%w: applying a batch: %v", ErrStorage, r)
			s.disk.freeze(err)
		}
	}()
	if c.unsynced {
		err = s.db.Apply(c.batch, pebble.NoSync)
	} else {
		err = s.db.ApplyNoSyncWait(c.batch, pebble.Sync)
	}
	if err != nil {
		s.disk.freeze(err)
		return storageError(err)
	}
	s.flushWhenDue(size, c.ts)
	return nil
}

// sync waits until a commit is on disk. All earlier ones are then, too: they precede it in the log.
func (s *Store) sync(c *commit) error {
	err := c.batch.SyncWait()
	if frozen := s.disk.frozen.Load(); err == nil && frozen != nil {
		err = *frozen
	} else if err == nil {
		err = c.batch.Close()
	}
	if err != nil {
		s.disk.freeze(err)
		s.durable.fail(storageError(err))
		return storageError(err)
	}
	if c.ts != 0 {
		s.commits.Add(1)
		s.durable.reach(c.ts)
	}
	raise(&s.clock.leased, c.lease)
	return nil
}

// lease makes sure that after a restart no commit will be at or before ts.
func (s *Store) lease(ts int64) error {
	if ts <= s.clock.leased.Load() {
		return nil
	}
	s.leaseMu.Lock()
	defer s.leaseMu.Unlock()
	if ts <= s.clock.leased.Load() {
		return nil
	}
	return s.writeLease(ts + leaseSpan)
}

func (s *Store) writeLease(until int64) error {
	c := &commit{batch: s.db.NewBatch(), lease: until}
	if err := s.apply(c); err != nil {
		return err
	}
	return s.sync(c)
}

func setLease(b *pebble.Batch, until int64) {
	op := b.SetDeferred(len(leaseKey), timeLen)
	copy(op.Key, leaseKey)
	binary.BigEndian.PutUint64(op.Value, uint64(until))
}

// durable knows up to which commit everything is on disk.
type durable struct {
	mu      sync.Mutex
	changed sync.Cond
	ts      int64
	err     error
}

func (d *durable) reach(ts int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ts > d.ts {
		d.ts = ts
		d.changed.Broadcast()
	}
}

func (d *durable) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
		d.changed.Broadcast()
	}
}

// wait returns when the commit of that time is on disk, or never will be.
func (d *durable) wait(ts int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ts > d.ts && d.err == nil {
		d.changed.Wait()
	}
	if ts > d.ts {
		return d.err
	}
	return nil
}
