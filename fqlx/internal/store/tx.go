package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Entry is one entry as a transaction sees it.
type Entry struct {
	Key  Key    // valid until the next call on the iterator
	TS   int64  // commit time in µs since the epoch; 0 = written by this transaction
	TTL  int64  // in µs since the epoch; 0 = none. An entry with TTL <= snapshot is not seen.
	Data []byte // valid until the next call on the iterator; from Get, for good. Not to be changed.
}

// Tx is one transaction: a snapshot of the store and the transaction's own writes. It is not safe for concurrent use
// and must not be used after the function it was given to has returned.
type Tx struct {
	s         *Store
	ctx       context.Context
	snapshot  int64
	exclusive bool // holds the commit lock
	ended     bool
	err       error // sticky: the transaction cannot commit

	*scratch       // what it reads and writes, until it ends
	seen     int64 // time of the latest version read

	iters  []*pebble.Iterator // all opened
	free   []*pebble.Iterator // those not in use, without that of tables
	tables tables
	probe  Iter // of First

	reads, bytesRead, bytesWritten int
}

// tables is an iterator over tables alone: over all that was written up to a time, and maybe more.
type tables struct {
	it   *pebble.Iterator // nil: not opened yet
	upTo int64
	busy bool
}

// write is one entry put or deleted by a transaction. It does not change once made.
type write struct {
	name          []byte
	prefix, whole uint64 // hashes of the prefix and of the name
	value         []byte // as stored
}

func (w *write) version() version {
	v, _ := decodeValue(0, w.value) // which was encoded here
	return v
}

// Context is what the transaction is bound to: it ends with the caller's, or when the last attempt's time is up.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Snapshot is the moment that the transaction reads, in µs since the epoch.
func (tx *Tx) Snapshot() int64 { return tx.snapshot }

// Get returns the entry of the prefix that has no suffix, and whether there is one.
func (tx *Tx) Get(prefix []byte) (Entry, bool, error) {
	if err := tx.check(prefix, nil); err != nil {
		return Entry{}, false, err
	}
	tx.reads++
	name := appendPrefix(tx.key[:0], prefix)
	tx.key = name
	hash := maphash.Bytes(tx.s.seed, name)
	tx.point(hash)
	e := Entry{Key: Key{Prefix: prefix}}
	if i, ok := tx.find(name); ok {
		v := tx.writes[i].version()
		e.TTL, e.Data = v.ttl, bytes.Clone(v.data)
		return e, v.seen(tx.snapshot), nil
	}
	v, ok, err := tx.lookup(name, hash)
	if err != nil || !ok {
		return Entry{}, false, err
	}
	e.TS, e.TTL, e.Data = v.ts, v.ttl, bytes.Clone(v.data)
	tx.bytesRead += len(name) + len(v.data)
	return e, true, nil
}

// point notes that a prefix was read as a whole. What is read again soon is noted once.
func (tx *Tx) point(h uint64) {
	if n := len(tx.points); n > 0 && tx.points[n-1] == h {
		return
	}
	tx.points = append(tx.points, h)
}

// lookup reads the committed version of a name without suffix.
func (tx *Tx) lookup(name []byte, hash uint64) (version, bool, error) {
	it, err := tx.acquireInside(hash)
	if err != nil {
		return version{}, false, err
	}
	defer tx.release(it)
	tx.key = appendTime(name, tx.snapshot)
	if !it.SeekPrefixGE(tx.key) {
		return version{}, false, tx.s.readError(it.Error())
	}
	found, ts := splitVersion(it.Key())
	if len(found) != len(name) {
		return version{}, false, nil
	}
	v, err := tx.decode(it, ts)
	return v, err == nil && v.seen(tx.snapshot), err
}

// decode reads the version that it stands on. The data is valid until it moves.
func (tx *Tx) decode(it *pebble.Iterator, ts int64) (version, error) {
	value, err := it.ValueAndErr()
	if err != nil {
		return version{}, tx.s.readError(err)
	}
	tx.seen = max(tx.seen, ts)
	return decodeValue(ts, value)
}

// Put writes an entry, which expires at ttl (µs since the epoch) unless that is 0. Later reads of the transaction see
// it, also scans started afterwards. Key and data are copied. What is beyond a limit fails the transaction with
// [ErrTooLarge].
func (tx *Tx) Put(k Key, data []byte, ttl int64) {
	if tx.check(k.Prefix, k.Suffix) != nil {
		return
	}
	if len(data) > MaxValue {
		tx.fail(fmt.Errorf("%w: a value of %d bytes, above %d", ErrTooLarge, len(data), MaxValue))
		return
	}
	tx.write(k, appendValue(tx.takeBytes(valueSize(data, ttl)), data, ttl))
}

// Delete removes an entry, whether or not there is one.
func (tx *Tx) Delete(k Key) {
	if tx.check(k.Prefix, k.Suffix) == nil {
		tx.write(k, []byte{flagDeleted})
	}
}

// write notes a write of a key that was checked.
func (tx *Tx) write(k Key, value []byte) {
	n := 2 + len(k.Prefix)
	name := append(appendPrefix(tx.takeBytes(n+len(k.Suffix)), k.Prefix), k.Suffix...)
	w := &tx.room.take(1, writeChunk)[0]
	*w = write{name: name, value: value, prefix: maphash.Bytes(tx.s.seed, name[:n])}
	w.whole = w.prefix
	if len(k.Suffix) > 0 {
		w.whole = maphash.Bytes(tx.s.seed, name)
	}
	i, ok := tx.find(name)
	if ok {
		tx.bytesWritten -= len(name) + len(tx.writes[i].value)
		tx.writes[i] = w
	} else {
		tx.writes = slices.Insert(tx.writes, i, w)
	}
	if tx.bytesWritten += len(name) + len(value); tx.bytesWritten > MaxTransaction {
		tx.fail(fmt.Errorf("%w: the transaction writes more than %d bytes", ErrTooLarge, MaxTransaction))
	}
}

// takeBytes returns an empty slice with room for n bytes, until the transaction ends.
func (tx *Tx) takeBytes(n int) []byte { return tx.bytes.take(n, byteChunk)[:0] }

// find returns where name is, or belongs, in the writes.
func (tx *Tx) find(name []byte) (int, bool) {
	return slices.BinarySearchFunc(tx.writes, name, func(w *write, n []byte) int { return bytes.Compare(w.name, n) })
}

// check refuses keys that cannot be stored, and any use after a failure.
func (tx *Tx) check(prefix, suffix []byte) error {
	switch {
	case tx.ended:
		tx.fail(ErrClosed)
	case len(prefix) == 0:
		tx.fail(errors.New("a key has an empty prefix"))
	case len(prefix)+len(suffix) > MaxKey:
		tx.fail(fmt.Errorf("%w: a key of %d bytes, above %d", ErrTooLarge, len(prefix)+len(suffix), MaxKey))
	}
	return tx.err
}

func (tx *Tx) fail(err error) {
	if tx.err == nil {
		tx.err = err
	}
}

// acquire returns a Pebble iterator. One serves all scans of a transaction; those that run at the same time get their
// own.
func (tx *Tx) acquire(lower, upper []byte) (*pebble.Iterator, error) {
	if n := len(tx.free); n > 0 {
		it := tx.free[n-1]
		tx.free = tx.free[:n-1]
		it.SetBounds(lower, upper)
		return it, nil
	}
	return tx.open(&pebble.IterOptions{LowerBound: lower, UpperBound: upper, UseL6Filters: true})
}

func (tx *Tx) open(o *pebble.IterOptions) (*pebble.Iterator, error) {
	it, err := tx.s.db.NewIter(o)
	if err != nil {
		return nil, tx.s.readError(err)
	}
	tx.iters = append(tx.iters, it)
	return it, nil
}

// acquireInside returns an iterator for one prefix: over the tables alone if all that was written there is in them, see
// flusher. What a sweep has removed may still be there, which makes no difference to any snapshot in use.
func (tx *Tx) acquireInside(prefix uint64) (it *pebble.Iterator, err error) {
	t := &tx.tables
	if t.it == nil {
		t.upTo = tx.s.tabled.Load() // before it is opened: nothing may fall between
	}
	if _, ok := tx.s.win.unchanged(prefix, t.upTo); t.busy || !ok {
		return tx.acquire(nil, nil)
	}
	if t.it == nil {
		t.it, err = tx.open(&pebble.IterOptions{OnlyReadGuaranteedDurable: true, UseL6Filters: true})
	}
	t.busy = err == nil
	return t.it, err
}

func (tx *Tx) release(it *pebble.Iterator) {
	if it == tx.tables.it {
		tx.tables.busy = false
		return
	}
	tx.free = append(tx.free, it)
}

// closeIters ends all reading, so that files can go while a commit waits.
func (tx *Tx) closeIters() {
	for _, it := range tx.iters {
		if err := it.Close(); err != nil {
			tx.fail(tx.s.readError(err))
		}
	}
	tx.iters, tx.free, tx.tables.it = nil, nil, nil
}

// Discard ends the transaction and drops its writes. Update does this by itself.
func (tx *Tx) Discard() {
	if tx.ended {
		return
	}
	tx.closeIters()
	tx.ended = true
	tx.unlock()
	tx.s.clock.end(tx)
	tx.s.giveBack(tx.scratch)
	tx.scratch = nil
}

// unlock gives the commit lock back, if the transaction has it.
func (tx *Tx) unlock() {
	if tx.exclusive {
		tx.exclusive = false
		tx.s.commitMu.Unlock()
	}
}
