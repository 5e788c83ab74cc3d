package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// versions counts what is stored, whoever can see it.
func versions(tb testing.TB, s *Store) (n int) {
	tb.Helper()
	it, err := s.db.NewIter(nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if string(it.Key()) != string(leaseKey) {
			n++
		}
	}
	return n
}

func sweep(tb testing.TB, s *Store) {
	tb.Helper()
	if err := s.Sweep(context.Background()); err != nil {
		tb.Fatal(err)
	}
}

func TestSweep(t *testing.T) {
	c := newFakeClock()
	s := openTest(t, c, Options{Retention: time.Minute, Classify: func(p []byte) string { return string(p[:1]) }})
	for i := range 3000 { // a hot entry of more versions than a slice
		put(t, s, fmt.Sprintf("hot=%d", i))
	}
	ttl := c.us.Load() + 1_000_000
	put(t, s, "dead=1", "ix/a=1", "ix/b=1", "live=1")
	update(t, s, func(tx *Tx) error {
		tx.Put(key("short"), nil, ttl)
		tx.Put(key("ix/c"), nil, ttl)
		tx.Put(key("over"), []byte("old"), 0)
		return nil
	})
	update(t, s, func(tx *Tx) error { tx.Put(key("over"), []byte("new"), ttl); return nil }) // hides an old version for good
	put(t, s, "-dead", "-ix/a", "-never")
	see := func(tx *Tx) string {
		var b []string
		for _, p := range []string{"hot", "dead", "live", "short", "over", "never"} {
			b = append(b, p+"="+get(t, tx, p))
		}
		return strings.Join(append(b, list(t, tx.Scan(scan("ix", "", "", true)), -1)), " ")
	}
	old := s.Begin()
	defer old.Discard()
	before := see(old)
	all := versions(t, s)

	sweep(t, s)
	if got := versions(t, s); got != all {
		t.Errorf("%d of %d versions are left within the retention", got, all)
	}
	if st := s.Stats(); fmt.Sprint(st.Live) != "map[h:1 i:2 l:1 o:1 s:1]" || !st.LiveAt.Equal(c.now()) {
		t.Errorf("live %v at %v", st.Live, st.LiveAt)
	}

	c.advance(time.Hour)
	sweep(t, s)
	if got := see(old); got != before {
		t.Errorf("the running transaction sees %q, before %q", got, before)
	}
	// Its snapshot is before the ttl: one version each of hot, live, short, over and ix/b, ix/c.
	if got := versions(t, s); got != 6 {
		t.Errorf("%d versions are left for the running transaction, want 6", got)
	}
	old.Discard()
	tx := s.Begin()
	now := see(tx)
	tx.Discard()
	if want := "hot=2999 dead=- live=1 short=- over=- never=- ix/b=1"; now != want {
		t.Errorf("%q, want %q", now, want)
	}
	sweep(t, s)
	tx = s.Begin()
	defer tx.Discard()
	if got := see(tx); got != now {
		t.Errorf("after sweeping %q, before %q", got, now)
	}
	if got := versions(t, s); got != 3 {
		t.Errorf("%d versions are left, want 3", got)
	}
	if st := s.Stats(); fmt.Sprint(st.Live) != "map[h:1 i:1 l:1]" {
		t.Errorf("live %v", st.Live)
	}
}

// TestSweepRetention measures from when a version was superseded, not from when it was written.
func TestSweepRetention(t *testing.T) {
	c := newFakeClock()
	s := openTest(t, c, Options{Retention: time.Minute})
	put(t, s, "a=1")
	c.advance(time.Hour)
	put(t, s, "a=2")
	for _, tt := range []struct {
		wait time.Duration
		want int
	}{{0, 2}, {time.Minute, 2}, {time.Microsecond, 1}, {time.Hour, 1}} {
		c.advance(tt.wait)
		sweep(t, s)
		if got := versions(t, s); got != tt.want {
			t.Errorf("after another %v %d versions, want %d", tt.wait, got, tt.want)
		}
	}
}

// TestSweepNeverRevives looks at a deleted entry while a sweep is half through its versions.
func TestSweepNeverRevives(t *testing.T) {
	c := newFakeClock()
	s := openTest(t, c, Options{Retention: time.Minute})
	for i := range sweepSlice + 100 {
		put(t, s, fmt.Sprintf("a=%d", i))
	}
	put(t, s, "-a")
	c.advance(time.Hour)
	looks := 0
	err := s.sweep(context.Background(), func(time.Duration) error {
		looks++
		tx := s.Begin()
		defer tx.Discard()
		if got := get(t, tx, "a"); got != "-" {
			t.Errorf("a deleted entry is %s again", got)
		}
		return nil
	})
	if err != nil || looks == 0 || versions(t, s) != 0 {
		t.Errorf("%v after %d looks, %d versions are left", err, looks, versions(t, s))
	}
}

func TestSweepEnds(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	for i := range 2 * sweepSlice / 100 {
		update(t, s, func(tx *Tx) error {
			for j := range 100 {
				tx.Put(key(fmt.Sprintf("k%d-%d", i, j)), nil, 0)
			}
			return nil
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Sweep(ctx); !errors.Is(err, context.Canceled) || s.Stats().Live != nil {
		t.Errorf("%v, live %v; want canceled and no count", err, s.Stats().Live)
	}
}

// TestSweepUnderLoad moves money between accounts and in an index while sweeps run with hardly any retention: no
// snapshot may ever see a wrong sum.
func TestSweepUnderLoad(t *testing.T) {
	const accounts, total = 10, 1000
	c := newFakeClock()
	s := openTest(t, c, Options{Retention: time.Microsecond, memTable: 256 << 10})
	update(t, s, func(tx *Tx) error {
		for i := range accounts {
			apply(tx, fmt.Sprintf("acc%d=%d", i, total/accounts), fmt.Sprintf("ix/%d=%d", i, total/accounts))
		}
		return nil
	})
	var wg sync.WaitGroup
	var stop atomic.Bool
	for w := range 2 {
		wg.Go(func() {
			for i := w; i < 3000 && !stop.Load(); i++ {
				c.advance(time.Microsecond)
				from, to := i%accounts, (i*7+3)%accounts
				if from == to {
					continue
				}
				_, err := s.Update(context.Background(), UpdateOptions{Attempts: 20}, func(tx *Tx) error {
					for acc, d := range map[int]int{from: -1, to: +1} {
						var n int
						fmt.Sscan(get(t, tx, fmt.Sprintf("acc%d", acc)), &n)
						apply(tx, fmt.Sprintf("acc%d=%d", acc, n+d), fmt.Sprintf("ix/%d=%d", acc, n+d))
					}
					return nil
				})
				if err != nil && !errors.Is(err, ErrConflict) {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for !stop.Load() {
			sweep(t, s)
		}
	})
	sum := func(it *Iter) (n int) {
		defer it.Close()
		for it.Next() {
			var v int
			fmt.Sscan(string(it.Entry().Data), &v)
			n += v
		}
		if it.Err() != nil {
			t.Error(it.Err())
		}
		return n
	}
	for i := range 150 {
		tx := s.Begin()
		if i%2 == 0 { // let others write and sweep before the first look
			put(t, s, "other=1")
		}
		got := []int{
			sum(tx.Scan(scan("ix", "", "", false))), sum(tx.Scan(scan("ix", "", "", true))),
			sum(tx.ScanPrefixes([]byte("acc0"), []byte("acc:"), false)), sum(tx.ScanPrefixes([]byte("acc0"), []byte("acc:"), true)),
		}
		for _, n := range got {
			if n != total {
				t.Fatalf("sums %v, want %d each", got, total)
			}
		}
		tx.Discard()
	}
	stop.Store(true)
	wg.Wait()
}
