package store

import (
	"bytes"
	"errors"
	"hash/maphash"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// skipSteps is how many unwanted versions are stepped over before a seek is cheaper.
const skipSteps = 8

// Range is a part of the entries under one prefix.
type Range struct {
	Prefix  []byte
	Lo, Hi  []byte // bounds on suffixes, Lo inclusive, Hi exclusive, nil = open
	Reverse bool
}

// Iter walks entries in the order of their keys: those of the snapshot merged with those that the transaction had
// written when the scan began. Only what was walked counts as read: a scan that is left early conflicts only with
// writes up to where it stopped. To be closed; the end of the transaction does it too.
type Iter struct {
	tx      *Tx
	reverse bool
	lo, hi  []byte // names in [lo, hi)
	end     []byte // where the prefix, or the range of prefixes, ends; at or above hi
	length  int    // of names, when all must have the same
	span    *span  // what was walked; nil if the range is known to be empty
	walked  span   // what span points to
	mark    []byte // the moving end of span
	whole   bool   // lo and hi enclose a whole prefix
	own     []*write
	current Entry
	err     error

	// The committed side. It may be one entry ahead of current.
	src     *pebble.Iterator
	inside  bool    // src stays within one prefix, going forward: the bloom filter helps
	started bool    // src was positioned
	drained bool    // src has no more
	ready   bool    // name and found are the next of src
	name    []byte  // of the latest entry that was looked at
	decided bool    // name is set
	found   version // what the snapshot has of it
	data    []byte  // scratch of found, in reverse
	seek    []byte  // scratch
	steps   int
}

// Scan walks the entries of a range.
func (tx *Tx) Scan(r Range) *Iter {
	it := &Iter{}
	it.begin(tx, r)
	return it
}

// First returns the first entry of a range and whether there is one. It is valid until the
// transaction reads again.
func (tx *Tx) First(r Range) (Entry, bool, error) {
	if err := tx.check(r.Prefix, nil); err != nil {
		return Entry{}, false, err
	}
	it := &tx.probe // nobody else gets it
	name, seek := it.name, it.seek
	*it = Iter{name: name[:0], seek: seek[:0]}
	spans := len(tx.spans)
	it.begin(tx, r)
	defer it.Close()
	ok := it.Next()
	if len(tx.spans) > spans { // what it noted there moves on with it
		if bytes.Equal(it.walked.lo, it.walked.hi) {
			tx.spans = tx.spans[:spans]
		} else {
			s := it.walked
			tx.spans[spans] = &s
		}
	}
	return it.current, ok, it.err
}

// begin starts a walk over the entries of a range.
func (it *Iter) begin(tx *Tx, r Range) {
	it.tx, it.reverse, it.inside, it.whole = tx, r.Reverse, !r.Reverse, r.Lo == nil && r.Hi == nil
	if it.err = tx.check(r.Prefix, nil); it.err != nil {
		return
	}
	n := 2 + len(r.Prefix)
	b := appendPrefix(tx.takeBytes(2*n), r.Prefix)
	prefix := b[:n:n]
	b = appendAfter(b, prefix)
	it.end = b[n:]
	it.lo, it.hi = append(prefix, r.Lo...), it.end
	if r.Hi != nil {
		it.hi = append(bytes.Clone(prefix), r.Hi...)
	}
	it.walked = span{inside: true, prefix: maphash.Bytes(tx.s.seed, prefix)}
	it.open(tx.isEmpty(prefix))
}

// ScanPrefixes walks the entries without suffix whose prefixes, all as long as lo and hi, lie in [lo, hi).
func (tx *Tx) ScanPrefixes(lo, hi []byte, reverse bool) *Iter {
	it := &Iter{tx: tx, reverse: reverse, length: 2 + len(lo)}
	if it.err = tx.check(lo, nil); it.err == nil && len(lo) != len(hi) {
		it.err = errors.New("the bounds of a scan over prefixes differ in length")
	}
	if it.err != nil {
		return it
	}
	it.lo, it.hi = appendPrefix(nil, lo), appendPrefix(nil, hi)
	it.end = it.hi
	it.walked = span{length: it.length}
	it.open(false)
	return it
}

// open begins the scan. What is known to be empty was read before, and is not read again: only the transaction's own
// writes can be there.
func (it *Iter) open(empty bool) {
	if bytes.Compare(it.lo, it.hi) >= 0 {
		it.drained = true
		return // nothing can be in there: nothing is read
	}
	tx := it.tx
	i, _ := tx.find(it.lo)
	j, _ := tx.find(it.hi)
	it.own = slices.Clone(tx.writes[i:j])
	if it.reverse {
		slices.Reverse(it.own)
	}
	if it.drained = empty; empty {
		return
	}
	it.span = &it.walked
	it.span.lo, it.span.hi = it.lo, it.lo
	if it.reverse {
		it.span.lo, it.span.hi = it.hi, it.hi
	}
	tx.spans = append(tx.spans, it.span)
	if it.inside {
		it.src, it.err = tx.acquireInside(it.span.prefix)
	} else {
		it.src, it.err = tx.acquire(it.lo, it.end)
	}
}

// Entry returns what Next has moved to.
func (it *Iter) Entry() Entry { return it.current }

// Err returns what ended the iteration early, or nil.
func (it *Iter) Err() error { return it.err }

// Close ends the scan. It may be called twice.
func (it *Iter) Close() {
	if it.src != nil && !it.tx.ended {
		it.tx.release(it.src)
	}
	it.src, it.own, it.drained, it.ready, it.span = nil, nil, true, false, nil
}

// Next moves to the next entry and reports whether there is one.
func (it *Iter) Next() bool {
	if it.err == nil && it.tx.ended {
		it.err = ErrClosed
	}
	for it.err == nil {
		if !it.ready && !it.drained {
			it.ready = it.fetch()
			it.drained = !it.ready
			continue
		}
		if !it.ready && len(it.own) == 0 {
			it.exhausted()
			return false
		}
		if it.ownFirst() {
			w := it.own[0]
			it.own = it.own[1:]
			if it.ready && bytes.Equal(w.name, it.name) {
				it.ready = false // hidden by the own write
			}
			if it.fits(w.name) && w.version().seen(it.tx.snapshot) {
				it.give(w.name, w.version())
				return true
			}
			continue
		}
		it.ready = false
		it.tx.bytesRead += len(it.name) + len(it.found.data)
		it.give(it.name, it.found)
		return true
	}
	return false
}

// ownFirst reports whether the next entry is an own write, possibly one that hides a committed entry.
func (it *Iter) ownFirst() bool {
	if len(it.own) == 0 || !it.ready {
		return len(it.own) > 0
	}
	order := bytes.Compare(it.own[0].name, it.name)
	return order == 0 || (order < 0) != it.reverse
}

// give makes an entry the current one; everything up to it has been read.
func (it *Iter) give(name []byte, v version) {
	it.current = Entry{Key: splitName(name), TS: v.ts, TTL: v.ttl, Data: v.data}
	it.tx.reads++
	if it.span == nil {
		return
	}
	it.mark = append(it.mark[:0], name...)
	if it.reverse {
		it.span.lo = it.mark
	} else {
		it.mark = append(it.mark, 0)
		it.span.hi = it.mark
	}
}

// exhausted notes that everything in the range has been read.
func (it *Iter) exhausted() {
	switch {
	case it.span == nil:
	case it.whole:
		it.tx.point(it.span.prefix)
		it.span.lo, it.span.hi = nil, nil // contains nothing; the prefix as a whole says more
		if it.inside && !it.decided {
			it.tx.noteEmpty(it.lo)
		}
	default:
		it.span.lo, it.span.hi = it.lo, it.hi
	}
}

func (it *Iter) fits(name []byte) bool { return it.length == 0 || len(name) == it.length }

// maxEmpty bounds what is remembered of empty prefixes, which is looked through one by one.
const maxEmpty = 16

// noteEmpty remembers that the snapshot has nothing under a prefix: whoever looks something up by an index that is
// unique, finds nothing and creates it, has it looked up again for the uniqueness.
func (tx *Tx) noteEmpty(prefix []byte) {
	if len(tx.empty) < maxEmpty {
		tx.empty = append(tx.empty, prefix)
	}
}

func (tx *Tx) isEmpty(prefix []byte) bool {
	return slices.ContainsFunc(tx.empty, func(p []byte) bool { return bytes.Equal(p, prefix) })
}

// fetch looks for the next committed entry that the snapshot sees and sets name and found.
func (it *Iter) fetch() bool {
	ok := false
	if it.reverse {
		ok = it.backward()
	} else {
		ok = it.forward()
	}
	if !ok && it.err == nil {
		it.err = it.tx.s.readError(it.src.Error())
	}
	return ok && it.err == nil
}

// forward meets the versions of an entry newest first and takes the first that the snapshot has.
//
// Names are compared here, not left to Pebble's bounds, because of the times behind them: a bound that begins with a
// stored suffix, such as one just above it, would be placed on its wrong side. The order itself is right, suffixes
// being prefix-free.
func (it *Iter) forward() bool {
	if it.started {
		it.src.Next()
	} else {
		it.started = true
		it.seekGE(it.lo)
	}
	skipped := 0
	for it.src.Valid() && it.tick() {
		name, ts := splitVersion(it.src.Key())
		if bytes.Compare(name, it.hi) >= 0 {
			return false
		}
		passed := it.decided && bytes.Equal(name, it.name)
		if !passed && ts <= it.tx.snapshot {
			it.name, it.decided = append(it.name[:0], name...), true
			if it.found, it.err = it.tx.decode(it.src, ts); it.err != nil {
				return false
			}
			if it.found.seen(it.tx.snapshot) && it.fits(name) && bytes.Compare(name, it.lo) >= 0 {
				return true
			}
			skipped = 0
		}
		if skipped++; skipped < skipSteps {
			it.src.Next()
			continue
		}
		skipped = 0
		if passed {
			it.seekGE(appendTime(append(it.seek[:0], name...), 0)) // behind all versions
		} else {
			it.seekGE(appendTime(append(it.seek[:0], name...), it.tx.snapshot))
		}
	}
	return false
}

func (it *Iter) seekGE(key []byte) {
	it.seek = append(it.seek[:0], key...)
	if it.inside {
		it.src.SeekPrefixGE(it.seek)
	} else {
		it.src.SeekGE(it.seek)
	}
}

// backward meets the versions of an entry oldest first and takes the last that the snapshot has. It leaves src on the
// entry before.
func (it *Iter) backward() bool {
	if !it.started {
		it.started = true
		it.fromEnd()
	}
	for it.src.Valid() && it.tick() {
		name, _ := splitVersion(it.src.Key())
		it.name = append(it.name[:0], name...)
		if bytes.Compare(it.name, it.lo) < 0 {
			return false
		}
		any := it.newest()
		if it.err != nil {
			return false
		}
		if any && it.found.seen(it.tx.snapshot) && it.fits(it.name) {
			return true
		}
	}
	return false
}

// fromEnd positions src on the last version below hi: directly before hi or, when the suffix stored next begins hi
// (see forward), on that entry's last version.
func (it *Iter) fromEnd() {
	it.seek = append(it.seek[:0], it.hi...)
	if it.src.SeekGE(it.hi) {
		if name, _ := splitVersion(it.src.Key()); bytes.Compare(name, it.hi) < 0 {
			it.seek = appendTime(append(it.seek[:0], name...), 0)
		}
	}
	if it.src.Error() == nil {
		it.src.SeekLT(it.seek)
	}
}

// newest sets found to the latest version of name up to the snapshot, if there is one, and moves src before name.
func (it *Iter) newest() (any bool) {
	for steps := 0; it.src.Valid(); steps++ {
		name, ts := splitVersion(it.src.Key())
		if !bytes.Equal(name, it.name) {
			return any
		}
		if ts > it.tx.snapshot {
			it.src.SeekLT(it.name)
			return any
		}
		if steps == skipSteps {
			it.seek = appendTime(append(it.seek[:0], it.name...), it.tx.snapshot)
			if !it.src.SeekGE(it.seek) {
				return false
			}
			_, ts = splitVersion(it.src.Key())
			any = it.keep(ts)
			it.src.SeekLT(it.name)
			return any
		}
		if !it.keep(ts) {
			return false
		}
		any = true
		it.src.Prev()
	}
	return any
}

// keep decodes the version under src into found, with a copy of the data as src moves on.
func (it *Iter) keep(ts int64) bool {
	if it.found, it.err = it.tx.decode(it.src, ts); it.err != nil {
		return false
	}
	it.data = append(it.data[:0], it.found.data...)
	it.found.data = it.data
	return true
}

// tick lets a walk over many invisible versions be interrupted.
func (it *Iter) tick() bool {
	if it.steps++; it.steps&1023 == 0 {
		it.err = it.tx.ctx.Err()
	}
	return it.err == nil
}
