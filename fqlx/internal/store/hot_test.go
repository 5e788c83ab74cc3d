package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func hot(tb testing.TB, tx *Tx, prefix string) string {
	tb.Helper()
	e, ok, err := tx.GetHot([]byte(prefix))
	if err != nil {
		tb.Fatal(err)
	}
	if !ok {
		return ""
	}
	return string(e.Data)
}

func TestHot(t *testing.T) {
	c := newFakeClock()
	s := openTest(t, c, Options{})
	now := func(want string) {
		t.Helper()
		for range 2 { // the second time from memory
			tx := s.Begin()
			if got := hot(t, tx, "v"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			tx.Discard()
		}
	}
	now("")
	put(t, s, "v=1")
	now("1")
	before := s.Begin()
	defer before.Discard()
	put(t, s, "v=2")
	now("2")
	if got := hot(t, before, "v"); got != "1" {
		t.Errorf("a snapshot from before: %q, want 1", got)
	}
	now("2")
	update(t, s, func(tx *Tx) error {
		tx.Put(key("v"), []byte("own"), 0)
		if got := hot(t, tx, "v"); got != "own" {
			t.Errorf("own write: %q", got)
		}
		return nil
	})
	now("own")
	put(t, s, "-v")
	now("")
	update(t, s, func(tx *Tx) error {
		tx.Put(key("v"), []byte("short"), c.us.Load()+1000)
		return nil
	})
	now("short")
	c.advance(time.Millisecond)
	now("")
	put(t, s, "v=3")
	now("3")
	c.advance(time.Duration(windowAge+1) * time.Microsecond)
	put(t, s, "other")
	put(t, s, "another") // the window has forgotten v and all of its time
	now("3")
	for i := range 2 * maxHot {
		put(t, s, fmt.Sprintf("h%d=%d", i, i))
		tx := s.Begin()
		if got := hot(t, tx, fmt.Sprintf("h%d", i)); got != fmt.Sprint(i) {
			t.Errorf("entry %d: %q", i, got)
		}
		tx.Discard()
	}
	now("3")
}

// TestHotIsPartOfWhatWasRead changes an entry between its reading and the commit of who read it.
func TestHotIsPartOfWhatWasRead(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	put(t, s, "v=1")
	tx := s.Begin()
	hot(t, tx, "v")
	tx.Discard()
	attempts := 0
	update(t, s, func(tx *Tx) error {
		v := hot(t, tx, "v")
		if attempts++; attempts == 1 {
			put(t, s, "v=2")
		}
		tx.Put(key("saw"), []byte(v), 0)
		return nil
	})
	after := s.Begin()
	defer after.Discard()
	if got := get(t, after, "saw"); got != "2" || attempts != 2 {
		t.Errorf("saw %q in %d attempts, want 2 in 2", got, attempts)
	}
	_, err := s.Update(context.Background(), UpdateOptions{Attempts: 1}, func(tx *Tx) error {
		hot(t, tx, "v")
		put(t, s, "-v")
		tx.Put(key("saw"), nil, 0)
		return nil
	})
	if !errors.Is(err, ErrConflict) {
		t.Errorf("deleted meanwhile: %v", err)
	}
}

// TestHotUnderWriters has many read an entry that one keeps counting up: nobody may see less than was acknowledged
// before he began.
func TestHotUnderWriters(t *testing.T) {
	s := openTest(t, nil, Options{})
	put(t, s, "v=0")
	var acked atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for acked.Load() < 200 {
				least := acked.Load()
				tx := s.Begin()
				var n int64
				fmt.Sscan(hot(t, tx, "v"), &n)
				if n < least {
					t.Errorf("saw %d after %d was acknowledged", n, least)
				}
				tx.Discard()
			}
		})
	}
	for n := int64(1); n <= 200; n++ {
		put(t, s, fmt.Sprintf("v=%d", n))
		acked.Store(n)
	}
	wg.Wait()
}
