package store

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	sweepEvery = 5 * time.Minute
	sweepSlice = 2000 // versions looked at before others get a turn
	sweepBatch = 256  // versions removed at a time, while commits wait
	sweepShare = 20   // a slice is followed by a rest this many times as long
)

// Stats describe a store. The numbers are of different moments.
type Stats struct {
	Live           map[string]int64 // by kind (see Options.Classify) → entries, as the last finished sweep found them
	LiveAt         time.Time        // when that sweep began; zero before the first
	DiskBytes      uint64           // on disk, with what is about to be deleted
	CacheHits      int64            // of the block cache
	CacheMisses    int64
	Transactions   int   // running
	OldestSnapshot int64 // µs since the epoch; 0 = no transaction is running
	LastCommit     int64 // see Store.LastCommit
	Commits        int64 // since opening
	Conflicts      int64 // attempts that were evaluated again, since opening
}

// Stats returns the state of the store.
func (s *Store) Stats() Stats {
	m := s.db.Metrics()
	st := Stats{
		DiskBytes:   m.DiskSpaceUsage(),
		CacheHits:   m.BlockCache.Hits,
		CacheMisses: m.BlockCache.Misses,
		LastCommit:  s.LastCommit(),
		Commits:     s.commits.Load(),
		Conflicts:   s.conflicts.Load(),
	}
	st.OldestSnapshot, st.Transactions = s.clock.oldest()
	if c := s.live.Load(); c != nil {
		st.Live, st.LiveAt = c.live, c.at
	}
	return st
}

// census is what a sweep counted.
type census struct {
	at   time.Time
	live map[string]int64
}

// startReaper sweeps in the background until Close.
func (s *Store) startReaper() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stopReaper = cancel
	s.reaper.Go(func() {
		rest := func(worked time.Duration) error { return sleep(ctx, sweepShare*worked) }
		for sleep(ctx, sweepEvery) == nil {
			if err := s.sweep(ctx, rest); err != nil && ctx.Err() == nil {
				s.log.Warn("sweeping old versions", "err", err)
			}
		}
	})
}

// Sweep looks at every version once and removes those that no running transaction, and none with a snapshot within
// Retention, can see: superseded and expired ones and tombstones. The store does this in the background.
func (s *Store) Sweep(ctx context.Context) error {
	return s.sweep(ctx, func(time.Duration) error { return ctx.Err() })
}

// sweep is one pass in slices, after each of which rest is called with the time it took.
func (s *Store) sweep(ctx context.Context, rest func(time.Duration) error) error {
	s.sweepMu.Lock()
	defer s.sweepMu.Unlock()
	p := &pass{s: s, from: []byte{0, 1}, census: census{at: s.opt.Now(), live: map[string]int64{}}}
	if err := p.begin(ctx); err != nil {
		return err
	}
	for {
		start := s.elapsed()
		more, err := p.slice()
		if err != nil {
			return fmt.Errorf("sweeping: %w", err)
		}
		if !more {
			s.live.Store(&p.census)
			return nil
		}
		if err := rest(s.elapsed() - start); err != nil {
			return err
		}
	}
}

// pass is one walk over all versions. An entry is met newest version first:
//
//	time →        cutoff                  now
//	  v1    v2    |     v3          v4
//
// No snapshot before the cutoff is or will be in use. So v2 is the oldest version anyone may see: v1 goes, and v2 too
// if it says that there is nothing. It then goes last, lest v1 be seen again.
type pass struct {
	s      *Store
	now    int64
	cutoff int64
	from   []byte // next version to look at; at first the one behind the lease
	census census

	name    []byte // entry being looked at
	settled bool   // its version at the cutoff was met: the rest goes
	last    []byte // the version to remove when the rest has gone, or empty
	doomed  [][]byte
}

// begin fixes the cutoff. It takes a snapshot, which keeps the clock from going back behind it.
func (p *pass) begin(ctx context.Context) error {
	tx := p.s.newTx(ctx)
	if _, err := p.s.clock.begin(tx, 0); err != nil {
		return err
	}
	defer tx.Discard()
	p.now = tx.snapshot
	p.cutoff = p.now - p.s.opt.Retention.Microseconds()
	if oldest, n := p.s.clock.oldest(); n > 0 {
		p.cutoff = min(p.cutoff, oldest)
	}
	return nil
}

// slice looks at some versions and reports whether there are more. It ends with what it found removed, and holds no
// iterator in between, as that would keep files from being deleted.
func (p *pass) slice() (more bool, err error) {
	it, err := p.s.db.NewIter(&pebble.IterOptions{LowerBound: p.from})
	if err != nil {
		return false, p.s.readError(err)
	}
	n := 0
	for ok := it.First(); ok && n < sweepSlice && err == nil; ok = it.Next() {
		n++
		err = p.visit(it)
	}
	more = it.Valid()
	if more {
		p.from = append(p.from[:0], it.Key()...)
	} else if err == nil {
		p.finish()
	}
	if cerr := it.Close(); err == nil {
		err = p.s.readError(cerr)
	}
	if err == nil {
		err = p.remove()
	}
	return more, err
}

func (p *pass) visit(it *pebble.Iterator) error {
	name, ts := splitVersion(it.Key())
	value, err := it.ValueAndErr()
	if err != nil {
		return p.s.readError(err)
	}
	v, err := decodeValue(ts, value)
	if err != nil {
		return err
	}
	if !bytes.Equal(name, p.name) {
		p.finish()
		p.name = append(p.name[:0], name...)
		p.settled = p.retired(name)
		if v.seen(p.now) && !p.settled {
			p.census.live[p.s.opt.Classify(splitName(name).Prefix)]++
		}
	}
	switch {
	case p.settled:
		p.doomed = append(p.doomed, bytes.Clone(it.Key()))
	case ts <= p.cutoff:
		p.settled = true
		if !v.seen(p.cutoff) {
			p.last = bytes.Clone(it.Key())
		}
	}
	return nil
}

// finish ends the look at an entry.
func (p *pass) finish() {
	if p.last != nil {
		p.doomed = append(p.doomed, p.last)
		p.last = nil
	}
}

// remove deletes what is doomed, in order. It need not be on disk: a crash only leaves more to sweep. A version is
// written once and removed once, so single deletions will do; they vanish as soon as they meet what they delete.
func (p *pass) remove() error {
	for len(p.doomed) > 0 {
		n := min(sweepBatch, len(p.doomed))
		b := p.s.db.NewBatch()
		for _, k := range p.doomed[:n] {
			if err := b.SingleDelete(k, nil); err != nil {
				return storageError(err)
			}
		}
		p.doomed = p.doomed[n:]
		if err := p.s.apply(&commit{batch: b, unsynced: true}); err != nil {
			return err
		}
		if err := b.Close(); err != nil {
			return storageError(err)
		}
	}
	p.doomed = nil
	return nil
}
