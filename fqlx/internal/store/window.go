package store

import (
	"bytes"
	"sync"
	"time"
)

const (
	windowRecords = 1 << 17 // about two seconds of nothing but logins, about 16 MB
	windowAge     = int64(10 * time.Minute / time.Microsecond)
)

// window remembers what recent commits wrote, so that validation never looks at the disk. It may report a conflict
// that is none (two prefixes of equal hash, a transaction older than the window) but never misses one.
type window struct {
	mu    sync.Mutex
	limit int64            // records kept, a power of two
	last  map[uint64]int64 // hash of a prefix or of a name → number of the newest record there
	ring  []record         // record n is ring[n % len(ring)]
	head  int64            // number of the oldest record
	tail  int64            // number of the next one
	floor int64            // commits up to this time are not all here
	added int64            // time of the newest commit here
}

// record is one written entry.
type record struct {
	ts     int64
	prefix uint64 // hash
	whole  uint64 // hash of the name
	prev   int64  // number of the record before it in the same prefix, else -1
	name   []byte
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
	return &window{limit: windowRecords, last: map[uint64]int64{}, ring: make([]record, 64), floor: floor, added: floor}
}

func (w *window) at(n int64) *record { return &w.ring[n&int64(len(w.ring)-1)] }

// add records a commit. Commits arrive in the order of their times.
func (w *window) add(ts int64, writes []*write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.added = ts
	for w.head < w.tail && w.at(w.head).ts < ts-windowAge {
		w.drop()
	}
	for _, wr := range writes {
		if w.tail-w.head == int64(len(w.ring)) {
			if int64(len(w.ring)) < w.limit {
				w.grow()
			} else {
				w.drop()
			}
		}
		prev, ok := w.last[wr.prefix]
		if !ok {
			prev = -1
		}
		*w.at(w.tail) = record{ts: ts, prefix: wr.prefix, whole: wr.whole, prev: prev, name: wr.name}
		w.last[wr.prefix], w.last[wr.whole] = w.tail, w.tail
		w.tail++
	}
}

func (w *window) grow() {
	old := w.ring
	w.ring = make([]record, 2*len(old))
	for n := w.head; n < w.tail; n++ {
		*w.at(n) = old[n&int64(len(old)-1)]
	}
}

func (w *window) drop() {
	r := w.at(w.head)
	for _, h := range [...]uint64{r.prefix, r.whole} {
		if w.last[h] == w.head {
			delete(w.last, h)
		}
	}
	w.floor = r.ts
	*r = record{}
	w.head++
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
		if err := w.point(h, since); err != nil {
			return err
		}
	}
	for _, wr := range tx.writes {
		if err := w.point(wr.whole, since); err != nil {
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

// point looks for a later write under a prefix, or of one name.
func (w *window) point(h uint64, since int64) *ConflictError {
	w.mu.Lock()
	defer w.mu.Unlock()
	if since < w.floor {
		return &ConflictError{}
	}
	if n, ok := w.last[h]; ok && w.at(n).ts > since {
		return w.changed(n)
	}
	return nil
}

// span looks for a later write in a part of the key space: along the chain of its prefix, or through all commits.
func (w *window) span(s *span, since int64) *ConflictError {
	w.mu.Lock()
	defer w.mu.Unlock()
	if bytes.Equal(s.lo, s.hi) {
		return nil // nothing was walked, or the whole prefix, which is among the points
	}
	if since < w.floor {
		return &ConflictError{}
	}
	n := w.tail - 1
	if s.inside {
		var ok bool
		if n, ok = w.last[s.prefix]; !ok {
			return nil
		}
	}
	for n >= w.head && w.at(n).ts > since {
		r := w.at(n)
		// A record of another prefix has the same hash and breaks the chain: better a conflict too many.
		if s.contains(r.name) || s.inside && r.prefix != s.prefix {
			return w.changed(n)
		}
		if s.inside {
			n = r.prev
		} else {
			n--
		}
	}
	return nil
}

func (w *window) changed(n int64) *ConflictError {
	return &ConflictError{Key: splitName(bytes.Clone(w.at(n).name))}
}
