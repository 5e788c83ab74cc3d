package store

import "testing"

// TestLookUpInTablesAlone follows a prefix from the memtable into a table and back.
func TestLookUpInTablesAlone(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	s.flushAt = 1
	settle := func() { // waits for the flush under way, and has it noticed
		t.Helper()
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
		put(t, s, "noticed")
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
		put(t, s, "noticed")
	}
	look := func(prefix, want string, alone bool) {
		t.Helper()
		tx := s.Begin()
		defer tx.Discard()
		if got := get(t, tx, prefix); got != want {
			t.Errorf("%s: %q, want %q", prefix, got, want)
		}
		if _, _, err := tx.First(Range{Prefix: []byte(prefix)}); err != nil {
			t.Error(err)
		}
		if got := tx.tables.it != nil && len(tx.iters) == 1; got != alone {
			t.Errorf("%s: in tables alone is %v, want %v", prefix, got, alone)
		}
	}
	look("a", "-", true) // the window knows all that was ever written
	put(t, s, "a=1", "b=1")
	settle()
	look("a", "1", true)
	look("none", "-", true)
	s.flushAt = 1 << 30
	put(t, s, "a=2")
	look("a", "2", false)
	look("b", "1", true)
	put(t, s, "-b")
	look("b", "-", false)
	s.flushAt = 1
	settle()
	look("a", "2", true)
	look("b", "-", true)
	s.win.limit.records = int64(len(s.win.ring))
	s.flushAt = 1 << 30
	for range 2 * s.win.limit.records {
		put(t, s, "c")
	}
	look("a", "2", false) // the window does not go back to the flush any more
}

// TestLookUpAfterOpening: what was there before, the window does not know.
func TestLookUpAfterOpening(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, newFakeClock(), Options{Dir: dir})
	put(t, s, "a=1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, newFakeClock(), Options{Dir: dir})
	tx := s.Begin()
	defer tx.Discard()
	if got := get(t, tx, "a"); got != "1" || tx.tables.it != nil {
		t.Errorf("%q, want 1; in tables alone is %v", got, tx.tables.it != nil)
	}
}

// TestLookUpsAtOnce has a look-up while a scan of the same kind is under way.
func TestLookUpsAtOnce(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	put(t, s, "i/1", "i/2", "i/3", "d=x")
	tx := s.Begin()
	defer tx.Discard()
	it := tx.Scan(Range{Prefix: []byte("i")})
	defer it.Close()
	n := 0
	for it.Next() {
		n++
		if got := get(t, tx, "d"); got != "x" {
			t.Errorf("within the scan: %q", got)
		}
		if e, ok, err := tx.First(Range{Prefix: []byte("i"), Reverse: true}); err != nil || !ok || string(e.Key.Suffix) != "3" {
			t.Errorf("last of the scan: %s %v %v", e.Key.Suffix, ok, err)
		}
	}
	if n != 3 || it.Err() != nil {
		t.Errorf("%d entries, %v", n, it.Err())
	}
}
