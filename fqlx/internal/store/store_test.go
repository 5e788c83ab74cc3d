package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var discard = slog.New(slog.DiscardHandler)

// fakeClock is a clock that tests move.
type fakeClock struct{ us atomic.Int64 }

func newFakeClock() *fakeClock {
	c := &fakeClock{}
	c.us.Store(1_800_000_000_000_000)
	return c
}

func (c *fakeClock) now() time.Time          { return time.UnixMicro(c.us.Load()) }
func (c *fakeClock) advance(d time.Duration) { c.us.Add(d.Microseconds()) }

// openTest opens a store, in memory unless opt says where, on the clock.
func openTest(tb testing.TB, c *fakeClock, opt Options) *Store {
	tb.Helper()
	s := mustOpen(tb, c, opt)
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

func mustOpen(tb testing.TB, c *fakeClock, opt Options) *Store {
	tb.Helper()
	opt.Memory = opt.Dir == "" && opt.fs == nil
	if opt.fs != nil {
		opt.Dir = "db"
	}
	if c != nil {
		opt.Now = c.now
	}
	if opt.Log == nil {
		opt.Log = discard
	}
	s, err := Open(opt)
	if err != nil {
		tb.Fatalf("opening: %v", err)
	}
	return s
}

// key makes a Key of "prefix" or "prefix/suffix".
func key(s string) Key {
	p, suffix, ok := strings.Cut(s, "/")
	k := Key{Prefix: []byte(p)}
	if ok {
		k.Suffix = []byte(suffix)
	}
	return k
}

func update(tb testing.TB, s *Store, fn func(*Tx) error) Result {
	tb.Helper()
	res, err := s.Update(context.Background(), UpdateOptions{}, fn)
	if err != nil {
		tb.Fatalf("update: %v", err)
	}
	return res
}

// put commits "key" or "key=value" entries; "-key" deletes.
func put(tb testing.TB, s *Store, entries ...string) int64 {
	tb.Helper()
	return update(tb, s, func(tx *Tx) error { apply(tx, entries...); return nil }).TS
}

func apply(tx *Tx, entries ...string) {
	for _, e := range entries {
		k, v, _ := strings.Cut(e, "=")
		if del, ok := strings.CutPrefix(k, "-"); ok {
			tx.Delete(key(del))
		} else {
			tx.Put(key(k), []byte(v), 0)
		}
	}
}

func get(tb testing.TB, tx *Tx, prefix string) string {
	tb.Helper()
	e, ok, err := tx.Get([]byte(prefix))
	if err != nil {
		tb.Fatalf("get %s: %v", prefix, err)
	}
	if !ok {
		return "-"
	}
	return string(e.Data)
}

// list renders up to n entries of a scan; n < 0 = all.
func list(tb testing.TB, it *Iter, n int) string {
	tb.Helper()
	defer it.Close()
	var b strings.Builder
	for ; n != 0 && it.Next(); n-- {
		e := it.Entry()
		fmt.Fprintf(&b, " %s", e.Key.Prefix)
		if len(e.Key.Suffix) > 0 {
			fmt.Fprintf(&b, "/%s", e.Key.Suffix)
		}
		fmt.Fprintf(&b, "=%s", e.Data)
	}
	if err := it.Err(); err != nil {
		tb.Fatalf("scan: %v", err)
	}
	return strings.TrimPrefix(b.String(), " ")
}

func scan(prefix, lo, hi string, reverse bool) Range {
	r := Range{Prefix: []byte(prefix), Reverse: reverse}
	if lo != "" {
		r.Lo = []byte(lo)
	}
	if hi != "" {
		r.Hi = []byte(hi)
	}
	return r
}

// TestAnomalies runs two transactions that overlap: the second commits while the first is under way. The first must be
// evaluated again exactly when it read what the second wrote.
func TestAnomalies(t *testing.T) {
	read := func(p string) func(*testing.T, *Tx) {
		return func(t *testing.T, tx *Tx) { get(t, tx, p) }
	}
	walk := func(r Range, n int) func(*testing.T, *Tx) {
		return func(t *testing.T, tx *Tx) { list(t, tx.Scan(r), n) }
	}
	docs := func(lo, hi string, reverse bool, n int) func(*testing.T, *Tx) {
		return func(t *testing.T, tx *Tx) { list(t, tx.ScanPrefixes([]byte(lo), []byte(hi), reverse), n) }
	}
	tests := []struct {
		name   string
		read   func(*testing.T, *Tx)
		writes string
		other  string
		again  bool
	}{
		{"lost update", read("a"), "a=1", "a=2", true},
		{"write skew", read("a"), "b=1", "a=2", true},
		{"read of an absent entry", read("zz"), "b=1", "zz=2", true},
		{"read of a deleted entry", read("a"), "b=1", "-a", true},
		{"disjoint", read("a"), "b=1", "c=2", false},
		{"blind writes of one entry", nil, "a=1", "a=2", true},
		{"blind writes of one index entry", nil, "ix/c=1", "ix/c=2", true},
		{"blind writes side by side in an index", nil, "ix/k=1", "ix/l=2", false},
		{"blind delete", nil, "-a", "a=2", true},

		{"phantom in a prefix", walk(scan("ix", "", "", false), -1), "b=1", "ix/c=2", true},
		{"phantom in an empty prefix", walk(scan("iy", "", "", false), -1), "b=1", "iy/c=2", true},
		{"other prefix", walk(scan("ix", "", "", false), -1), "b=1", "iy/c=2", false},
		{"phantom in a range", walk(scan("ix", "b", "f", false), -1), "b=1", "ix/c=2", true},
		{"delete in a range", walk(scan("ix", "b", "f", false), -1), "b=1", "-ix/d", true},
		{"at the low bound", walk(scan("ix", "b", "f", false), -1), "b=1", "ix/b=2", true},
		{"at the high bound", walk(scan("ix", "b", "f", false), -1), "b=1", "ix/f=2", false},
		{"below a range", walk(scan("ix", "b", "f", false), -1), "b=1", "ix/a=2", false},
		{"open below", walk(scan("ix", "", "f", false), -1), "b=1", "ix/a=2", true},
		{"open above", walk(scan("ix", "b", "", false), -1), "b=1", "ix/z=2", true},
		{"reverse range", walk(scan("ix", "b", "f", true), -1), "b=1", "ix/c=2", true},
		{"reverse, at the high bound", walk(scan("ix", "b", "f", true), -1), "b=1", "ix/f=2", false},
		{"reverse prefix", walk(scan("ix", "", "", true), -1), "b=1", "ix/zz=2", true},

		{"first only, before it", walk(scan("ix", "", "", false), 1), "b=1", "ix/a=2", true},
		{"first only, itself", walk(scan("ix", "", "", false), 1), "b=1", "ix/d=2", true},
		{"first only, behind it", walk(scan("ix", "", "", false), 1), "b=1", "ix/e=2", false},
		{"last only, behind it", walk(scan("ix", "", "", true), 1), "b=1", "ix/z=2", true},
		{"last only, before it", walk(scan("ix", "", "", true), 1), "b=1", "ix/a=2", false},
		{"begun and not looked at", walk(scan("ix", "", "", false), 0), "b=1", "ix/d=2", false},
		{"no room between the bounds", walk(scan("ix", "f", "b", false), -1), "b=1", "ix/c=2", false},

		{"phantom document", docs("d1", "d9", false, -1), "b=1", "d5=2", true},
		{"changed document", docs("d1", "d9", false, -1), "b=1", "d2=2", true},
		{"document at the low bound", docs("d1", "d9", false, -1), "b=1", "d1=2", true},
		{"document at the high bound", docs("d1", "d9", false, -1), "b=1", "d9=2", false},
		{"longer prefix inside", docs("d1", "d9", false, -1), "b=1", "d55=2", false},
		{"index entry inside", docs("d1", "d9", false, -1), "b=1", "d6/x=2", false},
		{"first document, behind it", docs("d1", "d9", false, 1), "b=1", "d5=2", false},
		{"last document, before it", docs("d1", "d9", true, 1), "b=1", "d3=2", false},
		{"last document, behind it", docs("d1", "d9", true, 1), "b=1", "d8=2", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := openTest(t, newFakeClock(), Options{})
			put(t, s, "a=0", "b=0", "ix/d=0", "ix/h=0", "d2=0", "d7=0")
			runs := 0
			res := update(t, s, func(tx *Tx) error {
				if runs++; tt.read != nil {
					tt.read(t, tx)
				}
				apply(tx, tt.writes)
				if runs == 1 {
					put(t, s, tt.other)
				}
				return nil
			})
			if again := res.Retries > 0; again != tt.again || runs != res.Retries+1 {
				t.Errorf("evaluated %d times (%d retries), want again = %v", runs, res.Retries, tt.again)
			}
		})
	}
}

func TestReadOnlyTransactionIsNeverRefused(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	put(t, s, "a=1")
	res := update(t, s, func(tx *Tx) error {
		put(t, s, "a=2")
		if got := get(t, tx, "a"); got != "1" {
			t.Errorf("a = %s, want 1, as of the snapshot", got)
		}
		return nil
	})
	if res.Retries != 0 || res.Writes != 0 || res.Reads != 1 || res.TS >= s.LastCommit() {
		t.Errorf("result %+v, want one read at the snapshot", res)
	}
}

func TestOwnWrites(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	put(t, s, "ix/b=1", "ix/d=1", "ix/f=1", "d2=1", "d4=1", "d6=1")
	tests := []struct{ name, writes, range_, reverse, docs, docsReverse string }{
		{"none", "", "ix/b=1 ix/d=1 ix/f=1", "ix/f=1 ix/d=1 ix/b=1", "d2=1 d4=1 d6=1", "d6=1 d4=1 d2=1"},
		{"between", "ix/c=2 d3=2", "ix/b=1 ix/c=2 ix/d=1 ix/f=1", "ix/f=1 ix/d=1 ix/c=2 ix/b=1",
			"d2=1 d3=2 d4=1 d6=1", "d6=1 d4=1 d3=2 d2=1"},
		{"around", "ix/a=2 ix/z=2 d1=2 d8=2", "ix/a=2 ix/b=1 ix/d=1 ix/f=1 ix/z=2", "ix/z=2 ix/f=1 ix/d=1 ix/b=1 ix/a=2",
			"d1=2 d2=1 d4=1 d6=1 d8=2", "d8=2 d6=1 d4=1 d2=1 d1=2"},
		{"over", "ix/d=2 d4=2", "ix/b=1 ix/d=2 ix/f=1", "ix/f=1 ix/d=2 ix/b=1", "d2=1 d4=2 d6=1", "d6=1 d4=2 d2=1"},
		{"delete first", "-ix/b -d2", "ix/d=1 ix/f=1", "ix/f=1 ix/d=1", "d4=1 d6=1", "d6=1 d4=1"},
		{"delete last", "-ix/f -d6", "ix/b=1 ix/d=1", "ix/d=1 ix/b=1", "d2=1 d4=1", "d4=1 d2=1"},
		{"delete all", "-ix/b -ix/d -ix/f -d2 -d4 -d6", "", "", "", ""},
		{"delete what is not there", "-ix/c -d3", "ix/b=1 ix/d=1 ix/f=1", "ix/f=1 ix/d=1 ix/b=1", "d2=1 d4=1 d6=1", "d6=1 d4=1 d2=1"},
		{"put, delete, put", "ix/c=2 -ix/c ix/c=3 d3=2 -d3", "ix/b=1 ix/c=3 ix/d=1 ix/f=1", "ix/f=1 ix/d=1 ix/c=3 ix/b=1",
			"d2=1 d4=1 d6=1", "d6=1 d4=1 d2=1"},
		{"outside", "iw/c=2 iy/c=2 d0=2 d9=2 d33=2 d3/x=2", "ix/b=1 ix/d=1 ix/f=1", "ix/f=1 ix/d=1 ix/b=1", "d2=1 d4=1 d6=1", "d6=1 d4=1 d2=1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tx := s.Begin()
			defer tx.Discard()
			apply(tx, strings.Fields(tt.writes)...)
			check := func(what, got, want string) {
				if got != want {
					t.Errorf("%s: %q, want %q", what, got, want)
				}
			}
			check("forward", list(t, tx.Scan(scan("ix", "", "", false)), -1), tt.range_)
			check("reverse", list(t, tx.Scan(scan("ix", "", "", true)), -1), tt.reverse)
			check("documents", list(t, tx.ScanPrefixes([]byte("d1"), []byte("d9"), false), -1), tt.docs)
			check("documents in reverse", list(t, tx.ScanPrefixes([]byte("d1"), []byte("d9"), true), -1), tt.docsReverse)
		})
	}
	t.Run("committed", func(t *testing.T) {
		ts := put(t, s, "ix/c=2", "-ix/d")
		tx := s.Begin()
		defer tx.Discard()
		if got, want := list(t, tx.Scan(scan("ix", "", "", false)), -1), "ix/b=1 ix/c=2 ix/f=1"; got != want {
			t.Errorf("afterwards %q, want %q", got, want)
		}
		it := tx.Scan(scan("ix", "c", "d", false))
		if !it.Next() || it.Entry().TS != ts {
			t.Errorf("entry %+v, want the commit time %d", it.Entry(), ts)
		}
		tx.Put(key("mine"), []byte("x"), 0)
		if e, ok, err := tx.Get([]byte("mine")); err != nil || !ok || e.TS != 0 {
			t.Errorf("own write is %+v %v %v, want time 0", e, ok, err)
		}
	})
}

// TestBoundsThatExtendSuffixes has bounds that begin with a stored suffix, as a cursor behind an entry does.
func TestBoundsThatExtendSuffixes(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	put(t, s, "ix/a=1", "ix/b=1", "ix/c=1", "iy/b=1", "iw/b=1")
	put(t, s, "ix/b=2") // two versions
	tests := []struct{ lo, hi, want string }{
		{"b\x00", "", "ix/c=1"},
		{"", "b\x00", "ix/a=1 ix/b=2"},
		{"", "b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "ix/a=1 ix/b=2"},
		{"b", "b\x00", "ix/b=2"},
		{"a\x00", "b", ""},
		{"a\x00", "b\xff", "ix/b=2"},
		{"b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "", "ix/c=1"},
		{"b\xff\xff", "c\x00", "ix/c=1"},
		{"c\x00", "", ""},
		{"", "a", ""},
	}
	reverse := func(s string) string {
		f := strings.Fields(s)
		for i := range len(f) / 2 {
			f[i], f[len(f)-1-i] = f[len(f)-1-i], f[i]
		}
		return strings.Join(f, " ")
	}
	tx := s.Begin()
	defer tx.Discard()
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q to %q", tt.lo, tt.hi), func(t *testing.T) {
			if got := list(t, tx.Scan(scan("ix", tt.lo, tt.hi, false)), -1); got != tt.want {
				t.Errorf("forward %q, want %q", got, tt.want)
			}
			if got := list(t, tx.Scan(scan("ix", tt.lo, tt.hi, true)), -1); got != reverse(tt.want) {
				t.Errorf("reverse %q, want %q", got, reverse(tt.want))
			}
		})
	}
}

// TestManyVersions has more versions of an entry than are stepped over, on both sides of a snapshot.
func TestManyVersions(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	put(t, s, "ix/a=a", "ix/c=c")
	for i := range 3 * skipSteps {
		put(t, s, fmt.Sprintf("ix/b=%d", i), fmt.Sprintf("doc=%d", i))
	}
	tx := s.Begin()
	defer tx.Discard()
	for i := range 3 * skipSteps {
		put(t, s, fmt.Sprintf("ix/b=new%d", i), fmt.Sprintf("ix/bb=new%d", i), "doc=new")
	}
	last := fmt.Sprint(3*skipSteps - 1)
	if got, want := list(t, tx.Scan(scan("ix", "", "", false)), -1), "ix/a=a ix/b="+last+" ix/c=c"; got != want {
		t.Errorf("forward %q, want %q", got, want)
	}
	if got, want := list(t, tx.Scan(scan("ix", "", "", true)), -1), "ix/c=c ix/b="+last+" ix/a=a"; got != want {
		t.Errorf("reverse %q, want %q", got, want)
	}
	if got := get(t, tx, "doc"); got != last {
		t.Errorf("doc = %s, want %s", got, last)
	}
}

func TestTTL(t *testing.T) {
	c := newFakeClock()
	s := openTest(t, c, Options{})
	ttl := c.us.Load() + 1_000_000
	update(t, s, func(tx *Tx) error {
		tx.Put(key("doc"), []byte("x"), ttl)
		tx.Put(key("ix/a"), []byte("x"), ttl)
		tx.Put(key("ix/b"), []byte("x"), 0)
		tx.Put(key("past"), []byte("x"), tx.Snapshot())
		if got := get(t, tx, "past"); got != "-" {
			t.Errorf("an own entry that expires at the snapshot is seen")
		}
		return nil
	})
	see := func(tx *Tx) string {
		return get(t, tx, "doc") + "|" + list(t, tx.Scan(scan("ix", "", "", false)), -1) + "|" + list(t, tx.Scan(scan("ix", "", "", true)), -1)
	}
	for _, tt := range []struct {
		name string
		at   int64
		want string
	}{
		{"before", ttl - 1, "x|ix/a=x ix/b=x|ix/b=x ix/a=x"},
		{"at", ttl, "-|ix/b=x|ix/b=x"},
		{"after", ttl + 1, "-|ix/b=x|ix/b=x"},
	} {
		c.us.Store(tt.at)
		tx := s.Begin()
		if got := see(tx); tx.Snapshot() != tt.at || got != tt.want {
			t.Errorf("%s (%d): %q, want %q", tt.name, tx.Snapshot()-ttl, got, tt.want)
		}
		tx.Discard()
	}
	put(t, s, "doc=again")
	tx := s.Begin()
	defer tx.Discard()
	if got := get(t, tx, "doc"); got != "again" {
		t.Errorf("an expired entry written again is %q", got)
	}
}

func TestSnapshotIsStable(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	put(t, s, "a=1", "ix/a=1")
	early, late := s.Begin(), s.Begin() // one that has opened its iterator before the change, and one after
	defer early.Discard()
	defer late.Discard()
	get(t, early, "a")
	put(t, s, "a=2", "-ix/a", "ix/b=2", "b=2")
	for name, tx := range map[string]*Tx{"early": early, "late": late} {
		got := get(t, tx, "a") + get(t, tx, "b") + list(t, tx.Scan(scan("ix", "", "", false)), -1) + list(t, tx.ScanPrefixes([]byte("a"), []byte("c"), true), -1)
		if want := "1-ix/a=1a=1"; got != want {
			t.Errorf("%s reader sees %q, want %q", name, got, want)
		}
	}
}

func TestTimesStrictlyIncrease(t *testing.T) {
	c := newFakeClock()
	dir := t.TempDir()
	var last int64
	step := func(s *Store, what string) {
		t.Helper()
		tx := s.Begin()
		snap := tx.Snapshot()
		tx.Discard()
		if snap < last {
			t.Errorf("%s: snapshot %d µs before what was given out", what, last-snap)
		}
		ts := put(t, s, "a="+what)
		if ts <= snap || ts <= last || s.LastCommit() != ts {
			t.Errorf("%s: commit %d, want above %d and %d", what, ts, snap, last)
		}
		tx = s.Begin()
		last = tx.Snapshot()
		tx.Discard()
		if last < ts {
			t.Errorf("%s: a later snapshot %d does not see commit %d", what, last, ts)
		}
	}
	s := mustOpen(t, c, Options{Dir: dir})
	step(s, "first")
	step(s, "clock stands still")
	c.advance(-time.Hour)
	step(s, "clock stepped back")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, c, Options{Dir: dir})
	if s.LastCommit() < last {
		t.Errorf("after reopening the last commit is %d, before it was %d", s.LastCommit(), last)
	}
	step(s, "reopened")
	c.advance(2 * time.Hour)
	step(s, "clock ahead again")
	for range 5 { // commits alone move what is promised
		c.advance(time.Minute)
		last = put(t, s, "a=x")
	}
	back := mustOpen(t, &fakeClock{}, Options{Dir: copyDir(t, dir)}) // crashed, and the clock set to 1970
	if ts := put(t, back, "a=y"); ts <= last {
		t.Errorf("commit %d µs before one that was acknowledged", last-ts)
	}
	if err := back.Close(); err != nil {
		t.Fatal(err)
	}
	for range 5 { // snapshots alone as well
		c.advance(time.Minute)
		tx := s.Begin()
		last = tx.Snapshot()
		tx.Discard()
	}
	clone := copyDir(t, dir) // what a crash leaves
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.advance(-time.Hour)
	s = mustOpen(t, c, Options{Dir: clone})
	defer s.Close()
	step(s, "crashed, and the clock set back")
}

func TestBeginAt(t *testing.T) {
	c := newFakeClock()
	s := openTest(t, c, Options{})
	var slept time.Duration
	s.sleep = func(ctx context.Context, d time.Duration) error {
		slept += d
		c.advance(d)
		return ctx.Err()
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name  string
		ctx   context.Context
		ahead time.Duration
		slept time.Duration
		err   error
	}{
		{"past", context.Background(), -time.Hour, 0, nil},
		{"now", context.Background(), 0, 0, nil},
		{"soon", context.Background(), time.Second, time.Second, nil},
		{"later", context.Background(), time.Second + time.Microsecond, 0, ErrFuture},
		{"canceled", canceled, time.Millisecond, time.Millisecond, context.Canceled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			slept = 0
			at := c.now().Add(tt.ahead).UnixMicro()
			tx, err := s.BeginAtContext(tt.ctx, at)
			if !errors.Is(err, tt.err) || slept != tt.slept {
				t.Fatalf("err %v after %v, want %v after %v", err, slept, tt.err, tt.slept)
			}
			if err == nil {
				defer tx.Discard()
				if tx.Snapshot() < at {
					t.Errorf("snapshot is %d µs too early", at-tx.Snapshot())
				}
			}
			_, err = s.Update(tt.ctx, UpdateOptions{MinSnapshot: c.now().Add(tt.ahead).UnixMicro()}, func(*Tx) error { return nil })
			if !errors.Is(err, tt.err) {
				t.Errorf("update: %v, want %v", err, tt.err)
			}
		})
	}
	put(t, s, "a=1")
	c.advance(-time.Hour)
	tx, err := s.BeginAt(s.LastCommit())
	if err != nil {
		t.Fatalf("a snapshot at a commit that happened: %v", err)
	}
	tx.Discard()
}

func TestUpdateLastAttempt(t *testing.T) {
	setup := func(t *testing.T, slow bool) (*Store, func(*Tx) error, *int) {
		s := openTest(t, newFakeClock(), Options{})
		var mu sync.Mutex
		var now time.Duration
		s.elapsed = func() time.Duration {
			mu.Lock()
			defer mu.Unlock()
			if slow {
				now += exclusiveBudget
			}
			return now
		}
		runs := 0
		return s, func(tx *Tx) error {
			runs++
			get(t, tx, "a")
			apply(tx, "b=1")
			if !tx.exclusive {
				put(t, s, fmt.Sprintf("a=%d", runs)) // always in the way, unless that is impossible
			}
			return nil
		}, &runs
	}
	t.Run("quick runs alone", func(t *testing.T) {
		s, fn, runs := setup(t, false)
		if res := update(t, s, fn); res.Retries != 4 || *runs != 5 {
			t.Errorf("%d retries, %d runs; want 4, 5", res.Retries, *runs)
		}
		put(t, s, "c=1") // the lock is free
	})
	t.Run("slow does not", func(t *testing.T) {
		s, fn, runs := setup(t, true)
		res, err := s.Update(context.Background(), UpdateOptions{Attempts: 3}, fn)
		var conflict *ConflictError
		if !errors.Is(err, ErrConflict) || !errors.As(err, &conflict) || string(conflict.Key.Prefix) != "a" || *runs != 3 || res.Retries != 2 {
			t.Errorf("%v after %d runs and %d retries; want a conflict about a after 3 and 2", err, *runs, res.Retries)
		}
	})
	t.Run("a single attempt does not", func(t *testing.T) {
		s, fn, runs := setup(t, false)
		if _, err := s.Update(context.Background(), UpdateOptions{Attempts: 1}, fn); !errors.Is(err, ErrConflict) || *runs != 1 {
			t.Errorf("%v after %d runs; want a conflict after 1", err, *runs)
		}
	})
	t.Run("has a budget", func(t *testing.T) {
		s, fn, _ := setup(t, false)
		_, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error {
			if tx.exclusive {
				<-tx.Context().Done()
				return tx.Context().Err()
			}
			return fn(tx)
		})
		if !errors.Is(err, ErrConflict) {
			t.Errorf("%v, want a conflict", err)
		}
		put(t, s, "c=1")
	})
	t.Run("a panic gives the lock back", func(t *testing.T) {
		s, fn, _ := setup(t, false)
		func() {
			defer func() { _ = recover() }()
			_, _ = s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error {
				if tx.exclusive {
					panic("in the transaction")
				}
				return fn(tx)
			})
		}()
		put(t, s, "c=1")
		if st := s.Stats(); st.Transactions != 0 {
			t.Errorf("%d transactions are left", st.Transactions)
		}
	})
	t.Run("the caller's context ends it", func(t *testing.T) {
		s, fn, runs := setup(t, false)
		ctx, cancel := context.WithCancel(context.Background())
		_, err := s.Update(ctx, UpdateOptions{}, func(tx *Tx) error { cancel(); return fn(tx) })
		if !errors.Is(err, context.Canceled) || *runs != 1 {
			t.Errorf("%v after %d runs, want canceled after 1", err, *runs)
		}
	})
}

func TestErrorOfFunctionWritesNothing(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	boom := errors.New("boom")
	_, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error { apply(tx, "a=1"); return boom })
	tx := s.Begin()
	defer tx.Discard()
	if got := get(t, tx, "a"); err != boom || got != "-" {
		t.Errorf("%v and a = %s; want the function's error and nothing", err, got)
	}
}

func TestLimits(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	big := bytes.Repeat([]byte("x"), MaxValue+1)
	tests := []struct {
		name string
		fn   func(*Tx)
		ok   bool
	}{
		{"longest key", func(tx *Tx) { tx.Put(Key{Prefix: big[:MaxKey]}, nil, 0) }, true},
		{"longest key with suffix", func(tx *Tx) { tx.Put(Key{Prefix: big[:1], Suffix: big[:MaxKey-1]}, nil, 0) }, true},
		{"key too long", func(tx *Tx) { tx.Put(Key{Prefix: big[:1], Suffix: big[:MaxKey]}, nil, 0) }, false},
		{"deleted key too long", func(tx *Tx) { tx.Delete(Key{Prefix: big[:MaxKey+1]}) }, false},
		{"longest value", func(tx *Tx) { tx.Put(key("a"), big[:MaxValue], 0) }, true},
		{"value too long", func(tx *Tx) { tx.Put(key("a"), big, 0) }, false},
		{"full transaction", func(tx *Tx) {
			tx.Put(key("a"), big[:MaxValue], 0)
			tx.Put(key("b"), big[:MaxValue-1000], 0)
		}, true},
		{"transaction too large", func(tx *Tx) {
			for _, k := range []string{"a", "b", "c"} {
				tx.Put(key(k), big[:MaxValue-1000], 0)
			}
		}, false},
		{"one entry again and again", func(tx *Tx) {
			for range 5 {
				tx.Put(key("a"), big[:MaxValue], 0)
			}
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error { tt.fn(tx); return nil })
			if tt.ok != (err == nil) || !tt.ok && !errors.Is(err, ErrTooLarge) {
				t.Errorf("err %v, want ok = %v", err, tt.ok)
			}
		})
	}
	if _, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error { tx.Put(Key{}, nil, 0); return nil }); err == nil {
		t.Error("an empty prefix was accepted")
	}
	tx := s.Begin()
	defer tx.Discard()
	if _, _, err := tx.Get(big[:MaxKey+1]); !errors.Is(err, ErrTooLarge) {
		t.Errorf("reading a key too long: %v", err)
	}
}

func TestCloseRefusesAndWaits(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	tx := s.Begin()
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for { // until Close has begun
		probe := s.Begin()
		_, _, err := probe.Get([]byte("a"))
		probe.Discard()
		if errors.Is(err, ErrClosed) {
			break
		}
	}
	for range 1000 {
		if got := get(t, tx, "a"); got != "-" {
			t.Errorf("a = %s", got)
		}
		runtime.Gosched()
	}
	select {
	case err := <-closed:
		t.Fatalf("closed (%v) under a running transaction", err)
	default:
	}
	it := tx.Scan(scan("ix", "", "", false))
	tx.Discard()
	tx.Discard()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if it.Next() || !errors.Is(it.Err(), ErrClosed) {
		t.Errorf("an iterator outlived its transaction: %v", it.Err())
	}
	if _, err := s.Update(context.Background(), UpdateOptions{}, func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("update on a closed store: %v", err)
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("closing again: %v", err)
	}
}

// TestManyReads has a read set that is validated in two steps.
func TestManyReads(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	for _, other := range []string{"x7=1", "x70=1", "unrelated=1"} {
		runs := 0
		res := update(t, s, func(tx *Tx) error {
			runs++
			for i := range 2 * defaultManyReads {
				get(t, tx, fmt.Sprintf("x%d", i))
			}
			apply(tx, "sum=1")
			if runs == 1 {
				put(t, s, other)
			}
			return nil
		})
		if want := other != "unrelated=1"; (res.Retries > 0) != want {
			t.Errorf("%s: %d retries, want again = %v", other, res.Retries, want)
		}
	}
}

func TestCounters(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	res := update(t, s, func(tx *Tx) error { apply(tx, "aa=xyz", "-b"); return nil })
	if res.Writes != 2 || res.BytesWritten != 2+2+1+3+2+1+1 || res.Reads != 0 || res.TS != s.LastCommit() {
		t.Errorf("%+v", res)
	}
	res = update(t, s, func(tx *Tx) error { get(t, tx, "aa"); get(t, tx, "none"); return nil })
	if res.Reads != 2 || res.BytesRead != 2+2+3 || res.Writes != 0 {
		t.Errorf("%+v", res)
	}
	tx := s.Begin()
	defer tx.Discard()
	if st := s.Stats(); st.Commits != 1 || st.Transactions != 1 || st.OldestSnapshot != tx.Snapshot() || st.LastCommit != s.LastCommit() {
		t.Errorf("%+v", st)
	}
}

// TestLeaseDoesNotShrink writes leases out of order, as two that are extended at once can be.
func TestLeaseDoesNotShrink(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	long := s.clock.leased.Load() + 10*leaseSpan
	for _, until := range []int64{long, long - leaseSpan} {
		if err := s.writeLease(until); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.readLease(); err != nil || got != long {
		t.Errorf("%d µs short of what was promised, %v", long-got, err)
	}
}

// TestEmptyPrefixReadAgain: what a transaction found empty is not looked up again, but its own writes are seen there,
// and the first look still conflicts with a later commit.
func TestEmptyPrefixReadAgain(t *testing.T) {
	s := openTest(t, nil, Options{})
	count := func(tx *Tx, reverse bool) (n int) {
		it := tx.Scan(Range{Prefix: []byte("p"), Reverse: reverse})
		defer it.Close()
		for it.Next() {
			n++
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
		return n
	}
	expect := func(tx *Tx, want int) {
		t.Helper()
		for _, reverse := range []bool{false, true} {
			if n := count(tx, reverse); n != want {
				t.Errorf("reverse %v: %d entries, want %d", reverse, n, want)
			}
		}
	}
	runs := 0
	_, err := s.Update(t.Context(), UpdateOptions{}, func(tx *Tx) error {
		runs++
		if runs == 2 { // the commit below is there now
			expect(tx, 1)
			return nil
		}
		expect(tx, 0)
		expect(tx, 0)
		tx.Put(key("p/1"), nil, 0)
		tx.Put(key("p/2"), nil, 0)
		expect(tx, 2)
		tx.Delete(key("p/1"))
		expect(tx, 1)
		tx.Delete(key("p/2"))
		expect(tx, 0)
		tx.Put(key("q"), nil, 0)
		put(t, s, "p/3")
		expect(tx, 0) // the snapshot stays
		return nil
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, %v; want a conflict and a second run", runs, err)
	}
}
