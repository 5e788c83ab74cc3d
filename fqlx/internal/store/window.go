package store

import (
	"bytes"
	"sync"
	"time"
)

const (
	windowRecords = 1 << 17 // about two seconds of nothing but logins, 7 MB
	windowText    = 1 << 23 // bytes of names, which these have room in unless they are long
	windowRoom    = 1 << 16 // bytes of names at first: at least the longest
	windowBuckets = 1 << 15 // about what is written between two flushes; few enough for a processor's cache
	windowAge     = int64(10 * time.Minute / time.Microsecond)
)

// window remembers what recent commits wrote, so that validation never looks at the disk. It may report a conflict
// that is none (two prefixes of equal hash, a transaction older than the window) but never misses one.
//
// Records are numbered from 1 and chained twice, newest first: by prefix and by name. A chain begins in the bucket of
// the hash, which it shares with others, and ends at the first record that is too old to matter: nothing is taken out.
//
// There is no pointer in any of it, so that the garbage collector does not walk through it.
type window struct {
	mu    sync.Mutex
	limit struct{ records, text int64 } // what is kept at most, powers of two
	heads [chainKinds][windowBuckets]chain
	ring  []record // record n is ring[n % len(ring)]
	text  []byte   // a name at position p is at text[p % len(text)], in one piece
	head  int64    // number of the oldest record
	tail  int64    // number of the next one
	free  int64    // position behind the newest name
	floor int64    // commits up to this time are not all here
	added int64    // time of the newest commit here
}

const (
	byPrefix = iota
	byName
	chainKinds
)

// chain is where a chain begins.
type chain struct {
	newest int64 // number of a record
	ts     int64 // its time: most looks end here
}

// record is one written entry.
type record struct {
	ts   int64
	hash [chainKinds]uint64 // of the prefix, and of the name
	prev [chainKinds]int64  // number of the record before it in the same bucket, if that is still here
	name int64              // its position
	size int64              // of the name
}

// span is a part of the key space that was read: names in [lo, hi).
type span struct {
	lo, hi []byte
	inside bool   // within one prefix
	prefix uint64 // its hash
	length int    // of names, when all have the same
}

func (s *span) contains(name []byte) bool {
	return (s.length == 0 || len(name) == s.length) && bytes.Compare(name, s.lo) >= 0 && bytes.Compare(name, s.hi) < 0
}

func newWindow(floor int64) *window {
	w := &window{head: 1, tail: 1, floor: floor, added: floor}
	w.limit.records, w.limit.text = windowRecords, windowText
	w.ring, w.text = make([]record, 64), make([]byte, windowRoom)
	return w
}

func (w *window) at(n int64) *record { return &w.ring[n&int64(len(w.ring)-1)] }

// nameIn is where the name of a record is.
func (r *record) nameIn(text []byte) []byte {
	at := r.name & int64(len(text)-1)
	return text[at : at+r.size]
}

func (w *window) bucket(kind int, hash uint64) *chain { return &w.heads[kind][hash%windowBuckets] }

// add records a commit. Commits arrive in the order of their times.
func (w *window) add(ts int64, writes []*write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.added = ts
	for w.head < w.tail && w.at(w.head).ts < ts-windowAge {
		w.drop()
	}
	for _, wr := range writes {
		w.makeRoom(int64(len(wr.name)))
		r := w.at(w.tail)
		*r = record{ts: ts, hash: [...]uint64{byPrefix: wr.prefix, byName: wr.whole}, name: w.free, size: int64(len(wr.name))}
		w.free += int64(copy(r.nameIn(w.text), wr.name))
		for kind, hash := range r.hash {
			b := w.bucket(kind, hash)
			r.prev[kind], *b = b.newest, chain{w.tail, ts}
		}
		w.tail++
	}
}

// makeRoom makes room for a record with a name of n bytes: it grows, and at its limit forgets the oldest.
func (w *window) makeRoom(n int64) {
	for w.tail-w.head == int64(len(w.ring)) {
		if int64(len(w.ring)) < w.limit.records {
			w.growRing()
		} else {
			w.drop()
		}
	}
	for !w.fits(n) {
		if int64(len(w.text)) < w.limit.text {
			w.growText()
		} else {
			w.drop()
		}
	}
}

// fits moves on to where a name of n bytes can stand in one piece, and reports whether that is free.
func (w *window) fits(n int64) bool {
	size := int64(len(w.text))
	if at := w.free % size; at+n > size {
		w.free += size - at
	}
	return w.head == w.tail || w.free+n-w.at(w.head).name <= size
}

func (w *window) growRing() {
	old := w.ring
	w.ring = make([]record, 2*len(old))
	for i := w.head; i < w.tail; i++ {
		*w.at(i) = old[i&int64(len(old)-1)]
	}
}

func (w *window) growText() {
	old := w.text
	w.text = make([]byte, 2*len(old))
	for i := w.head; i < w.tail; i++ {
		r := w.at(i)
		copy(r.nameIn(w.text), r.nameIn(old))
	}
}

func (w *window) drop() {
	w.floor = w.at(w.head).ts
	w.head++
}

// latest returns the newest record later than the given time that has a hash, and of which also holds; nil if there is
// none.
func (w *window) latest(kind int, hash uint64, since int64, also func(*record) bool) *record {
	b := w.bucket(kind, hash)
	if b.ts <= since {
		return nil
	}
	for n := b.newest; n >= w.head; {
		r := w.at(n)
		if r.ts <= since {
			return nil
		}
		if r.hash[kind] == hash && (also == nil || also(r)) {
			return r
		}
		n = r.prev[kind]
	}
	return nil
}

// newest returns the time of the newest commit that conflicts can be found with.
func (w *window) newest() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.added
}

// conflict looks for a commit later than the given time that wrote what tx read or writes. It takes the window's lock
// for one look at a time, so a huge read set can be checked while others commit.
func (w *window) conflict(tx *Tx, since int64) *ConflictError {
	if w.newest() <= since {
		return nil
	}
	for _, h := range tx.points {
		if err := w.point(byPrefix, h, since); err != nil {
			return err
		}
	}
	for _, wr := range tx.writes {
		if err := w.point(byName, wr.whole, since); err != nil {
			return err
		}
	}
	for _, s := range tx.spans {
		if err := w.span(s, since); err != nil {
			return err
		}
	}
	return nil
}

// unchanged reports whether nothing was written under a prefix after a time, which is false where the window does not
// go back so far, and the time of the newest commit that it knows.
func (w *window) unchanged(prefix uint64, since int64) (upTo int64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.added, since >= w.floor && w.latest(byPrefix, prefix, since, nil) == nil
}

// point looks for a later write under a prefix, or of one name.
func (w *window) point(kind int, hash uint64, since int64) *ConflictError {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conflictWith(w.latest(kind, hash, since, nil), since)
}

// span looks for a later write in a part of the key space: along the chain of its prefix, or through all commits.
func (w *window) span(s *span, since int64) *ConflictError {
	w.mu.Lock()
	defer w.mu.Unlock()
	if bytes.Equal(s.lo, s.hi) {
		return nil // nothing was walked, or the whole prefix, which is among the points
	}
	within := func(r *record) bool { return s.contains(r.nameIn(w.text)) }
	if s.inside {
		return w.conflictWith(w.latest(byPrefix, s.prefix, since, within), since)
	}
	for n := w.tail - 1; n >= w.head && w.at(n).ts > since; n-- {
		if r := w.at(n); within(r) {
			return w.conflictWith(r, since)
		}
	}
	return w.conflictWith(nil, since)
}

// conflictWith makes the conflict with a record, if there is one, or with what the window has forgotten.
func (w *window) conflictWith(r *record, since int64) *ConflictError {
	switch {
	case since < w.floor:
		return &ConflictError{}
	case r == nil:
		return nil
	}
	return &ConflictError{Key: splitName(bytes.Clone(r.nameIn(w.text)))}
}
