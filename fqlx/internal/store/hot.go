package store

import (
	"bytes"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// maxHot bounds how many entries are kept in memory. What is more was not meant for it.
const maxHot = 64

// hotEntries are entries that nearly every transaction reads and hardly any writes.
type hotEntries struct {
	mu     sync.RWMutex
	byHash map[uint64]*hotEntry
}

// hotEntry is the version of an entry that was the latest at a time. Only that time ever changes.
type hotEntry struct {
	name    []byte
	version version
	latest  atomic.Int64 // the latest time known at which it was the latest version
}

func (h *hotEntries) get(hash uint64) *hotEntry {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.byHash[hash]
}

func (h *hotEntries) put(hash uint64, e *hotEntry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byHash == nil || len(h.byHash) >= maxHot {
		h.byHash = make(map[uint64]*hotEntry, 1)
	}
	h.byHash[hash] = e
}

// GetHot is [Tx.Get] for what nearly every transaction reads and hardly any writes: it is kept in memory and read
// again when somebody has written it. It is part of what the transaction has read like anything else. The data is the
// same slice for all who read that version.
func (tx *Tx) GetHot(prefix []byte) (Entry, bool, error) {
	if err := tx.check(prefix, nil); err != nil {
		return Entry{}, false, err
	}
	name := appendPrefix(tx.key[:0], prefix)
	tx.key = name
	hash := maphash.Bytes(tx.s.seed, name)
	if h := tx.s.hot.get(hash); h != nil && bytes.Equal(h.name, name) && tx.isLatest(h, hash) {
		if _, own := tx.find(name); !own {
			tx.reads++
			tx.point(hash)
			tx.seen = max(tx.seen, h.version.ts)
			tx.bytesRead += len(name) + len(h.version.data)
			return Entry{Key{Prefix: prefix}, h.version.ts, h.version.ttl, h.version.data}, h.version.seen(tx.snapshot), nil
		}
	}
	asked := tx.snapshot
	e, ok, err := tx.Get(prefix)
	if ok && e.TS != 0 {
		h := &hotEntry{name: appendPrefix(nil, prefix), version: version{ts: e.TS, ttl: e.TTL, data: e.Data}}
		h.latest.Store(asked)
		tx.s.hot.put(hash, h)
	}
	return e, ok, err
}

// isLatest reports whether the snapshot has just this version: it is no later than the snapshot, and nothing was
// written since it was known to be the latest.
func (tx *Tx) isLatest(h *hotEntry, hash uint64) bool {
	upTo, ok := tx.s.win.unchanged(hash, h.latest.Load())
	if !ok || h.version.ts > tx.snapshot {
		return false
	}
	raise(&h.latest, upTo) // or the window would forget what lies between
	return true
}
