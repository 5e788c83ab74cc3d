package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The model is what the store promises: a map of versions by name. Random transactions run concurrently, noting all
// that they read; afterwards every committed one is replayed in the order of commit times against the model, which
// must give the same answers. That is strict serialisability, checked from outside.

type modelEntry struct {
	ttl  int64
	data string // "" = deleted
}

type model map[string]modelEntry // name → what the latest commit wrote

func (m model) see(n string, at int64) (string, bool) {
	e := m[n]
	return e.data, e.data != "" && (e.ttl == 0 || e.ttl > at)
}

// render lists what a range holds, at most limit entries (0 = all).
func (m model) render(lo, hi string, length int, reverse bool, limit int, at int64) string {
	var names []string
	for n := range m {
		if _, ok := m.see(n, at); ok && n >= lo && n < hi && (length == 0 || len(n) == length) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	if reverse {
		slices.Reverse(names)
	}
	if limit > 0 && len(names) > limit {
		names = names[:limit]
	}
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, "%x=%s ", n, m[n].data)
	}
	return b.String()
}

// action is one step of a transaction: a write, or a read with its answer.
type action struct {
	what    string // get, scan, docs, put, delete
	name    string
	lo, hi  string // names
	length  int
	reverse bool
	limit   int
	entry   modelEntry
	answer  string
}

type history struct {
	res     Result
	snap    int64
	actions []action
	wrote   bool
}

// The key space is small, so that transactions meet.
func randomDoc(r *rand.Rand) Key { return Key{Prefix: fmt.Appendf(nil, "d%02d", r.IntN(12))} }
func randomIndex(r *rand.Rand) Key {
	return Key{Prefix: fmt.Appendf(nil, "i%d", r.IntN(2)), Suffix: fmt.Appendf(nil, "%c.", 'a'+r.IntN(8))}
}

// step does one random thing in a transaction and notes it.
func step(tb testing.TB, r *rand.Rand, tx *Tx, c *fakeClock) action {
	k := randomDoc(r)
	if r.IntN(2) == 0 {
		k = randomIndex(r)
	}
	a := action{name: string(name(k))}
	switch r.IntN(8) {
	case 0, 1:
		k = randomDoc(r)
		a.what, a.name = "get", string(name(k))
		read := tx.Get
		if r.IntN(2) == 0 {
			read = tx.GetHot
		}
		e, ok, err := read(k.Prefix)
		if err != nil {
			tb.Error(err)
		}
		a.answer = fmt.Sprint(string(e.Data), ok)
		if !ok {
			a.answer = "false"
		}
	case 2, 3:
		k = randomIndex(r)
		rg := Range{Prefix: k.Prefix, Reverse: r.IntN(2) == 0}
		p := appendPrefix(nil, k.Prefix)
		a.lo, a.hi = string(p), string(appendAfter(nil, p))
		if r.IntN(2) == 0 {
			rg.Lo = randomIndex(r).Suffix[:1+r.IntN(2)]
			a.lo = string(p) + string(rg.Lo)
		}
		if r.IntN(2) == 0 {
			rg.Hi = randomIndex(r).Suffix[:1+r.IntN(2)]
			if r.IntN(3) == 0 {
				rg.Hi = append(rg.Hi, 0)
			}
			a.hi = string(p) + string(rg.Hi)
		}
		a.what, a.reverse, a.limit = "scan", rg.Reverse, r.IntN(4)
		if a.limit == 1 {
			a.answer = first(tb, tx, rg)
		} else {
			a.answer = walk(tb, tx.Scan(rg), a.limit)
		}
	case 4:
		lo, hi := randomDoc(r).Prefix, randomDoc(r).Prefix
		a.what, a.reverse, a.limit, a.length = "docs", r.IntN(2) == 0, r.IntN(4), 2+len(lo)
		a.lo, a.hi = string(appendPrefix(nil, lo)), string(appendPrefix(nil, hi))
		a.answer = walk(tb, tx.ScanPrefixes(lo, hi, a.reverse), a.limit)
	case 5:
		a.what = "delete"
		tx.Delete(k)
	default:
		a.what, a.entry.data = "put", fmt.Sprintf("v%d", r.IntN(1_000_000))
		if r.IntN(4) == 0 {
			a.entry.ttl = c.us.Load() + r.Int64N(2000) - 200
		}
		tx.Put(k, []byte(a.entry.data), a.entry.ttl)
	}
	return a
}

func first(tb testing.TB, tx *Tx, r Range) string {
	e, ok, err := tx.First(r)
	if err != nil {
		tb.Error(err)
	}
	if !ok {
		return ""
	}
	return fmt.Sprintf("%x=%s ", name(e.Key), e.Data)
}

func walk(tb testing.TB, it *Iter, limit int) string {
	defer it.Close()
	var b strings.Builder
	for n := 0; (limit == 0 || n < limit) && it.Next(); n++ {
		fmt.Fprintf(&b, "%x=%s ", name(it.Entry().Key), it.Entry().Data)
	}
	if it.Err() != nil {
		tb.Error(it.Err())
	}
	return b.String()
}

// transact runs one random transaction.
func transact(tb testing.TB, r *rand.Rand, s *Store, c *fakeClock) (history, error) {
	var h history
	steps, readOnly := 1+r.IntN(6), r.IntN(5) == 0
	res, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error {
		h = history{snap: tx.Snapshot()}
		for range steps {
			c.advance(time.Duration(r.IntN(20)) * time.Microsecond)
			a := step(tb, r, tx, c)
			if write := a.what == "put" || a.what == "delete"; write && readOnly {
				tx.writes = nil // as if it had not been asked for
				tx.bytesWritten = 0
				continue
			} else if write {
				h.wrote = true
			}
			h.actions = append(h.actions, a)
		}
		return nil
	})
	h.res = res
	return h, err
}

// replay checks one transaction against the state at its snapshot and applies it.
func (m model) replay(h history) error {
	own := maps.Clone(m)
	for _, a := range h.actions {
		want := a.answer
		switch a.what {
		case "get":
			data, ok := own.see(a.name, h.snap)
			if want = fmt.Sprint(data, ok); !ok {
				want = "false"
			}
		case "scan", "docs":
			want = own.render(a.lo, a.hi, a.length, a.reverse, a.limit, h.snap)
		default:
			own[a.name] = a.entry
			if h.wrote {
				m[a.name] = a.entry
			}
		}
		if want != a.answer {
			return fmt.Errorf("%s %x [%x,%x) reverse=%v limit=%d at %d (committed %d):\n got %s\nwant %s",
				a.what, a.name, a.lo, a.hi, a.reverse, a.limit, h.snap, h.res.TS, a.answer, want)
		}
	}
	return nil
}

// check replays writers in the order of their commits, and readers at their snapshots.
func check(t *testing.T, hs []history) model {
	t.Helper()
	slices.SortFunc(hs, func(a, b history) int {
		if a.res.TS != b.res.TS {
			return int(a.res.TS - b.res.TS)
		}
		if a.wrote == b.wrote {
			return 0
		}
		if a.wrote { // a reader at the time of a commit sees it
			return -1
		}
		return 1
	})
	m := model{}
	last := int64(0)
	for _, h := range hs {
		if h.wrote && h.res.TS <= last {
			t.Fatalf("two commits at %d", last)
		}
		if h.wrote {
			if last = h.res.TS; h.res.TS <= h.snap {
				t.Fatalf("commit %d at or before its own snapshot %d", h.res.TS, h.snap)
			}
		}
		if err := m.replay(h); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// compare reads the whole store and holds it against the model.
func compare(t *testing.T, s *Store, m model) {
	t.Helper()
	tx := s.Begin()
	defer tx.Discard()
	for _, rg := range []struct{ lo, hi string }{{"d00", "d99"}} {
		lo, hi := string(appendPrefix(nil, []byte(rg.lo))), string(appendPrefix(nil, []byte(rg.hi)))
		if got, want := walk(t, tx.ScanPrefixes([]byte(rg.lo), []byte(rg.hi), false), 0), m.render(lo, hi, 0, false, 0, tx.Snapshot()); got != want {
			t.Fatalf("documents\n got %s\nwant %s", got, want)
		}
	}
	for _, p := range []string{"i0", "i1"} {
		lo := appendPrefix(nil, []byte(p))
		if got, want := walk(t, tx.Scan(Range{Prefix: []byte(p), Reverse: true}), 0), m.render(string(lo), string(appendAfter(nil, lo)), 0, true, 0, tx.Snapshot()); got != want {
			t.Fatalf("index %s\n got %s\nwant %s", p, got, want)
		}
	}
}

func TestModelSequential(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := newFakeClock()
		fs := vfs.NewCrashableMem()
		s := mustOpen(t, c, Options{fs: fs, Retention: 500 * time.Microsecond, memTable: 256 << 10})
		s.flushAt = 1 << (seed % 16) // from each commit to none
		var hs []history
		for i := range 200 {
			h, err := transact(t, r, s, c)
			if err != nil {
				t.Fatal(err)
			}
			hs = append(hs, h)
			switch {
			case i%40 == 17:
				sweep(t, s)
			case i%70 == 33:
				if err := s.db.Flush(); err != nil {
					t.Fatal(err)
				}
			case i%60 == 50: // crash with nothing running: all is there
				fs = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(2) * 50, RNG: r})
				old := s
				s = mustOpen(t, c, Options{fs: fs, Retention: 500 * time.Microsecond, memTable: 256 << 10})
				if err := old.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		compare(t, s, check(t, hs))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestModelConcurrent(t *testing.T) {
	for seed := range uint64(6) {
		c := newFakeClock()
		s := openTest(t, c, Options{Retention: 100 * time.Microsecond, memTable: 256 << 10})
		s.flushAt = 1 << (2 * seed)
		if seed%2 == 1 {
			s.win.limit.records = 64 // so small that transactions fall out of it
		}
		if seed >= 3 {
			s.manyReads = 0 // all are validated in two steps
		}
		var mu sync.Mutex
		var hs []history
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(seed, uint64(w)))
				for range 150 {
					h, err := transact(t, r, s, c)
					if errors.Is(err, ErrConflict) {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					hs = append(hs, h)
					mu.Unlock()
				}
			})
		}
		wg.Go(func() {
			for range 10 {
				sweep(t, s)
			}
		})
		wg.Wait()
		compare(t, s, check(t, hs))
		if st := s.Stats(); st.Conflicts == 0 {
			t.Error("no conflict happened; the test shows nothing")
		}
	}
}

// TestCrash stops the world at some moment under concurrent writers: by losing what was not synced (in memory, with
// Pebble flushing and compacting), or by copying a real directory. Each transaction writes the same number to several
// entries. What was acknowledged before the moment must be there, and every transaction is there as a whole.
func TestCrash(t *testing.T) {
	load := func(t *testing.T, s *Store, moment func() *Store) {
		const writers, width = 6, 4
		var acked [writers]struct {
			sync.Mutex
			n int
		}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				pad := bytes.Repeat([]byte("x"), 500)
				for n := 1; ; n++ {
					_, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error {
						for i := range width {
							tx.Put(key(fmt.Sprintf("w%d-%d", w, i)), append(fmt.Appendf(nil, "%d ", n), pad...), 0)
						}
						return nil
					})
					if err != nil {
						t.Error(err)
						return
					}
					acked[w].Lock()
					acked[w].n = n
					acked[w].Unlock()
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		defer wg.Wait()
		defer close(stop)
		for round := range 5 {
			var before [writers]int
			for { // some progress first
				enough := true
				for w := range writers {
					acked[w].Lock()
					before[w] = acked[w].n
					acked[w].Unlock()
					enough = enough && before[w] > 40*(round+1)
				}
				if enough {
					break
				}
				time.Sleep(time.Millisecond)
			}
			after := moment()
			tx := after.Begin()
			for w := range writers {
				var first int
				for i := range width {
					var n int
					fmt.Sscan(get(t, tx, fmt.Sprintf("w%d-%d", w, i)), &n)
					if i == 0 {
						first = n
					}
					if n != first || n < before[w] {
						t.Errorf("writer %d, entry %d: %d; the first entry has %d, acknowledged was %d", w, i, n, first, before[w])
					}
				}
			}
			tx.Discard()
			put(t, after, "w0-0=alive")
			if err := after.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	for _, percent := range []int{0, 30, 100} {
		t.Run(fmt.Sprintf("losing all but %d%% of what was not synced", percent), func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			s := openTest(t, newFakeClock(), Options{fs: fs, memTable: 256 << 10})
			r := rand.New(rand.NewPCG(uint64(percent), 0))
			load(t, s, func() *Store {
				return mustOpen(t, newFakeClock(), Options{fs: fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: r})})
			})
		})
	}
	t.Run("copying the directory", func(t *testing.T) {
		dir := t.TempDir()
		s := openTest(t, newFakeClock(), Options{Dir: dir})
		load(t, s, func() *Store { return mustOpen(t, newFakeClock(), Options{Dir: copyDir(t, dir)}) })
	})
}
