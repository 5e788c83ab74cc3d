package store

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestAt(t *testing.T) {
	c := newFakeClock()
	s := openTest(t, c, Options{Retention: time.Minute})
	first := put(t, s, "a=1", "ix/a=1")
	c.advance(30 * time.Second)
	second := put(t, s, "a=2", "-ix/a")
	tests := []struct {
		name string
		at   int64
		want string
		err  error
	}{
		{"before all", first - 1, "-", nil},
		{"first", first, "1ix/a=1", nil},
		{"just before the second", second - 1, "1ix/a=1", nil},
		{"second", second, "2", nil},
		{"too old", first - 40_000_000, "", ErrTooOld},
		{"future", second + 1_000_000, "", ErrFuture},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			update(t, s, func(tx *Tx) error {
				tx.Put(key("a"), []byte("own"), 0)
				view, done, err := tx.At(tt.at)
				if !errors.Is(err, tt.err) {
					t.Fatalf("%v, want %v", err, tt.err)
				}
				if err == nil {
					if got := get(t, view, "a") + list(t, view.Scan(scan("ix", "", "", false)), -1); got != tt.want {
						t.Errorf("%q, want %q", got, tt.want)
					}
					done()
				}
				tx.writes = nil
				return nil
			})
		})
	}
	t.Run("what it may see is not swept", func(t *testing.T) {
		tx := s.Begin()
		defer tx.Discard()
		view, done, err := tx.At(first)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		c.advance(time.Hour)
		sweep(t, s)
		if got := get(t, view, "a") + list(t, view.Scan(scan("ix", "", "", true)), -1); got != "1ix/a=1" {
			t.Errorf("%q after a sweep", got)
		}
	})
}

func TestRetire(t *testing.T) {
	c := newFakeClock()
	s := openTest(t, c, Options{Classify: func(p []byte) string { return string(p) }})
	put(t, s, "a=1", "old/x=1", "old/y=1", "z=1")
	put(t, s, "old/x=2")
	s.Retire(func(prefix []byte, cutoff int64) bool {
		return string(prefix) == "old" && cutoff > c.us.Load()-int64(time.Hour/time.Microsecond)
	})
	sweep(t, s)
	tx := s.Begin()
	defer tx.Discard()
	if got := list(t, tx.Scan(scan("old", "", "", false)), -1) + get(t, tx, "a") + get(t, tx, "z"); got != "11" || versions(t, s) != 2 {
		t.Errorf("%q and %d versions are left; want a and z", got, versions(t, s))
	}
	if live := s.Stats().Live; len(live) != 2 {
		t.Errorf("live %v", live)
	}
}

// TestPatient holds the commit lock beyond the usual budget. Meanwhile everybody reads, also when that extends the
// lease, and nobody commits.
func TestPatient(t *testing.T) {
	c := newFakeClock()
	s := openTest(t, c, Options{})
	s.elapsed = func() time.Duration { return 0 }
	put(t, s, "a=0")
	attempts := 0
	ahead := make(chan error, 1)
	_, err := s.Update(context.Background(), UpdateOptions{Attempts: 2, Patient: true}, func(tx *Tx) error {
		get(t, tx, "a")
		tx.Put(key("b"), []byte("1"), 0)
		if attempts++; attempts == 1 {
			put(t, s, "a=1")
			return nil
		}
		if _, ok := tx.Context().Deadline(); ok {
			t.Error("the attempt has a deadline")
		}
		c.advance(time.Hour)
		update(t, s, func(other *Tx) error { get(t, other, "a"); return nil })
		s.Begin().Discard()
		go func() {
			_, err := s.Update(context.Background(), UpdateOptions{}, func(other *Tx) error {
				get(t, other, "b")
				other.Put(key("c"), []byte(get(t, other, "b")), 0)
				return nil
			})
			ahead <- err
		}()
		return nil
	})
	if err != nil || attempts != 2 {
		t.Errorf("%v after %d attempts", err, attempts)
	}
	if err := <-ahead; err != nil {
		t.Error(err)
	}
	tx := s.Begin()
	defer tx.Discard()
	if got := get(t, tx, "b") + get(t, tx, "c"); got != "11" {
		t.Errorf("b, c = %s", got)
	}
}
