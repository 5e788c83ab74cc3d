package store

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"
)

func windowTx(s *Store, snapshot int64, reads ...string) *Tx {
	tx := s.newTx(context.Background())
	tx.snapshot = snapshot
	for _, r := range reads {
		w := testWrite(r)
		tx.point(w.prefix)
	}
	return tx
}

// testWrite hashes a prefix to its first byte, so that tests can make prefixes collide.
func testWrite(k string) *write {
	n := name(key(k))
	w := &write{name: n, prefix: uint64(n[2])}
	w.whole = w.prefix
	if len(key(k).Suffix) > 0 {
		w.whole = uint64(len(n))<<32 | uint64(n[2])<<16 | uint64(n[len(n)-1])
	}
	return w
}

func TestWindowForgetsOnlyWithAFloor(t *testing.T) {
	s := &Store{}
	w := newWindow(100)
	w.limit.records = 64
	if err := w.conflict(windowTx(s, 99, "a"), 99); err == nil {
		t.Error("a transaction from before the window was let through")
	}
	for ts := int64(101); ts <= 300; ts++ {
		w.add(ts, []*write{testWrite("a"), testWrite("b")})
	}
	if w.tail-w.head != 64 || w.floor != 300-32 {
		t.Errorf("%d records, floor %d; want 64, 268", w.tail-w.head, w.floor)
	}
	for since, want := range map[int64]bool{200: true, 267: true, 268: false, 299: false, 300: false} {
		if err := w.conflict(windowTx(s, since, "c"), since); (err != nil) != want {
			t.Errorf("unrelated read since %d: %v, want conflict = %v", since, err, want)
		}
		if err := w.conflict(windowTx(s, since, "a"), since); (err != nil) != (since < 300) {
			t.Errorf("read since %d of what every commit wrote: %v", since, err)
		}
	}
	w.add(300+windowAge+1, []*write{testWrite("z")})
	if w.tail-w.head != 1 || w.floor != 300 {
		t.Errorf("%d records, floor %d after a long time; want 1, 300", w.tail-w.head, w.floor)
	}
	if err := w.conflict(windowTx(s, 300, "a"), 300); err != nil {
		t.Errorf("read since 300 of what was written at 300: %v", err)
	}
}

// TestWindowHashCollision has two prefixes of one hash: the chain of either runs into the other. A conflict may be
// reported that is none, never the other way round.
func TestWindowHashCollision(t *testing.T) {
	s := &Store{}
	w := newWindow(0)
	inner := func(since int64, lo, hi string) *ConflictError {
		tx := windowTx(s, since)
		p := testWrite("a/x")
		tx.spans = []*span{{lo: name(key("a/" + lo)), hi: name(key("a/" + hi)), inside: true, prefix: p.prefix}}
		return w.conflict(tx, since)
	}
	w.add(1, []*write{testWrite("a/m")})
	w.add(2, []*write{testWrite("ab/m")}) // same first byte
	w.add(3, []*write{testWrite("a/q")})
	w.add(4, []*write{testWrite("ab/z"), testWrite("a/z")})
	if err := inner(0, "l", "n"); err == nil {
		t.Error("the write of a/m behind a colliding prefix was missed")
	}
	if err := inner(1, "l", "n"); err != nil {
		t.Errorf("a/m was written at 1, not later: %v", err)
	}
}

// TestWindowKeepsNames fills the room of the names over and over: a record has the name that it was added with, as
// long as it is there, and the newest ones are.
func TestWindowKeepsNames(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	w := newWindow(0)
	w.limit.text = 2 * windowRoom
	var names [][]byte // that of record n is names[n-1]
	for ts := int64(1); ts <= 2000; ts++ {
		var writes []*write
		for range 1 + random.IntN(8) {
			n := 1 + random.IntN(100)
			if random.IntN(50) == 0 {
				n = 1 + random.IntN(2+MaxKey)
			}
			name := bytes.Repeat([]byte{byte(len(names)), byte(ts)}, n/2+1)[:n]
			names = append(names, bytes.Clone(name))
			writes = append(writes, &write{name: name})
		}
		w.add(ts, writes)
		for _, wr := range writes {
			clear(wr.name) // its memory is somebody else's from now on
		}
		kept := int64(0)
		for n := w.head; n < w.tail; n++ {
			name := w.at(n).nameIn(w.text)
			if !bytes.Equal(name, names[n-1]) {
				t.Fatalf("after %d records, record %d has the name %.20q, want %.20q", len(names), n, name, names[n-1])
			}
			kept += int64(len(name))
		}
		if last := len(names[len(names)-1]); w.tail != int64(len(names))+1 || kept < int64(last) || kept > w.limit.text {
			t.Fatalf("after %d records, the next is %d, and %d bytes are kept", len(names), w.tail, kept)
		}
	}
	if len(w.text) != 2*windowRoom || w.head < 2000 || w.floor > w.at(w.head).ts || w.floor < w.at(w.head).ts-1 {
		t.Errorf("%d bytes of room, the oldest record is %d, floor %d", len(w.text), w.head, w.floor)
	}
}
