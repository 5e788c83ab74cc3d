package store

import (
	"errors"
	"testing"
)

func TestTxAfterItsEnd(t *testing.T) {
	s := mustOpen(t, newFakeClock(), Options{Dir: t.TempDir()})
	for name, use := range map[string]func(*Tx) error{
		"Get":    func(tx *Tx) error { _, _, err := tx.Get([]byte("a")); return err },
		"GetHot": func(tx *Tx) error { _, _, err := tx.GetHot([]byte("a")); return err },
		"First":  func(tx *Tx) error { _, _, err := tx.First(Range{Prefix: []byte("a")}); return err },
		"Scan":   func(tx *Tx) error { it := tx.Scan(Range{Prefix: []byte("a")}); it.Next(); return it.Err() },
		"Put":    func(tx *Tx) error { tx.Put(key("a"), []byte("1"), 0); return tx.err },
		"Delete": func(tx *Tx) error { tx.Delete(key("a")); return tx.err },
	} {
		tx := s.Begin()
		tx.Discard()
		if err := use(tx); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestScratchHoldsNothing: memory that waits for the next transaction keeps nothing of the last one.
func TestScratchHoldsNothing(t *testing.T) {
	s := mustOpen(t, newFakeClock(), Options{Dir: t.TempDir()})
	put(t, s, "ix/a=1")
	tx := s.Begin()
	x := tx.scratch
	for range 3 {
		if _, ok, err := tx.First(Range{Prefix: []byte("ix")}); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, ok, err := tx.First(Range{Prefix: []byte("none")}); err != nil || ok {
			t.Fatal(ok, err)
		}
	}
	tx.Put(key("a"), make([]byte, 1<<20), 0)
	tx.Discard()
	for _, w := range x.room.chunk {
		if w.name != nil || w.value != nil {
			t.Errorf("a write of %q, %d bytes", w.name, len(w.value))
		}
	}
	for _, span := range x.spans[:cap(x.spans)] {
		if span != nil {
			t.Errorf("a span of %q", span.lo)
		}
	}
	for _, w := range x.writes[:cap(x.writes)] {
		if w != nil {
			t.Errorf("a write of %q in the list", w.name)
		}
	}
	for _, prefix := range x.empty[:cap(x.empty)] {
		if prefix != nil {
			t.Errorf("the empty prefix %q", prefix)
		}
	}
}
