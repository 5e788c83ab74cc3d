package store

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

func name(k Key) []byte { return append(appendPrefix(nil, k.Prefix), k.Suffix...) }

// FuzzKey checks what the layout promises: the order of stored keys is that of prefix, suffix and newest first, and
// what Pebble demands of a comparer holds, also for the keys that it cuts short itself.
func FuzzKey(f *testing.F) {
	f.Add([]byte("a"), []byte(""), []byte("a"), []byte("x"), int64(1), int64(2))
	f.Add([]byte("a"), []byte("b"), []byte("ab"), []byte(""), int64(5), int64(5))
	f.Add([]byte("\xff\xff"), []byte("\xff"), []byte("\xff"), []byte("\xff\xff"), int64(1<<50), int64(7))
	f.Add(bytes.Repeat([]byte("p"), 300), []byte("s"), []byte("p"), []byte("s"), int64(3), int64(4))
	f.Fuzz(func(t *testing.T, p1, s1, p2, s2 []byte, t1, t2 int64) {
		if len(p1) == 0 || len(p2) == 0 || len(p1)+len(s1) > MaxKey || len(p2)+len(s2) > MaxKey || t1 <= 0 || t2 <= 0 {
			t.Skip()
		}
		a := appendTime(name(Key{p1, s1}), t1)
		b := appendTime(name(Key{p2, s2}), t2)
		n, ts := splitVersion(a)
		if k := splitName(n); !bytes.Equal(k.Prefix, p1) || !bytes.Equal(k.Suffix, s1) || ts != t1 {
			t.Fatalf("%x/%x@%d comes back as %x/%x@%d", p1, s1, t1, k.Prefix, k.Suffix, ts)
		}
		c := comparer
		if bytes.Equal(p1, p2) && bytes.Equal(s1, s2) {
			if (c.Compare(a, b) < 0) != (t1 > t2) {
				t.Fatal("versions are not newest first")
			}
		}
		if bytes.Equal(p1, p2) != bytes.Equal(a[:splitPrefix(a)], b[:splitPrefix(b)]) {
			t.Fatal("Split does not give the prefix")
		}
		if end := appendAfter(nil, appendPrefix(nil, p1)); bytes.Compare(a, end) >= 0 || (bytes.Compare(b, end) < 0 && bytes.Compare(b, appendPrefix(nil, p1)) >= 0) != bytes.Equal(p1, p2) {
			t.Fatal("after is not the end of the prefix")
		}
		if c.Compare(a, b) > 0 {
			a, b = b, a
		}
		keys := [][]byte{a, b, c.Successor(nil, a), c.Successor(nil, b)}
		if c.Compare(a, b) < 0 {
			sep := c.Separator(nil, a, b)
			if c.Compare(a, sep) > 0 || c.Compare(sep, b) >= 0 {
				t.Fatalf("separator %x is not between %x and %x", sep, a, b)
			}
			keys = append(keys, sep)
		}
		for _, x := range keys {
			px := x[:splitPrefix(x)]
			if splitPrefix(px) != len(px) {
				t.Fatalf("the prefix of %x is not its own prefix", x)
			}
			for _, y := range keys {
				py := y[:splitPrefix(y)]
				if c.Compare(px, py) < 0 && c.Compare(x, y) >= 0 {
					t.Fatalf("prefixes do not order %x and %x", x, y)
				}
				ax, ay := c.AbbreviatedKey(x), c.AbbreviatedKey(y)
				if ax < ay && c.Compare(x, y) >= 0 {
					t.Fatalf("abbreviated keys do not order %x and %x", x, y)
				}
			}
		}
	})
}

func TestValue(t *testing.T) {
	for _, ttl := range []int64{0, 1, -1, 1 << 60} {
		v, err := decodeValue(7, appendValue(nil, []byte("data"), ttl))
		if err != nil || v.ttl != ttl || string(v.data) != "data" || v.deleted || v.ts != 7 {
			t.Errorf("ttl %d: %+v %v", ttl, v, err)
		}
	}
	for _, bad := range [][]byte{nil, {0x80}, {flagTTL}, {flagTTL, 0x80}} {
		if _, err := decodeValue(1, bad); err == nil {
			t.Errorf("%x was read", bad)
		}
	}
}

// TestComparerName guards the layout: a directory is refused when this changes, so FORMAT has to change with it.
func TestComparerName(t *testing.T) {
	if comparer.Name != "fauna-login.store.1" || formatVersion != 1 || pebble.FormatNewest != pebble.FormatValueSeparation {
		t.Error("the files changed: raise formatVersion, and keep reading the old ones or refuse them clearly")
	}
}
