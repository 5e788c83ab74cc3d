package value

import (
	"bytes"
	"encoding/hex"
	"math"
	"testing"
	"time"
)

// checkKeys fails the test unless the keys of a and b order as the values do.
func checkKeys(t *testing.T, a, b Value) {
	t.Helper()
	want := Compare(a, b)
	for _, desc := range []bool{false, true} {
		ka, kb := AppendKey(nil, a, desc), AppendKey(nil, b, desc)
		if got := bytes.Compare(ka, kb); got != want {
			t.Fatalf("keys of %s, %s compare %d, want %d (desc %t)\n%x\n%x", Display(a), Display(b), got, want, desc, ka, kb)
		}
		if want != 0 && (bytes.HasPrefix(ka, kb) || bytes.HasPrefix(kb, ka)) {
			t.Fatalf("of the keys of %s, %s one is a prefix of the other", Display(a), Display(b))
		}
		want = -want
	}
}

// Keys are on disk. If this test fails, existing databases cannot be read any more.
func TestKeyBytes(t *testing.T) {
	tests := []struct {
		name string
		v    Value
		want string
	}{
		{"int", Int(1), "10 bff0000000000000"},
		{"double", Double(1), "10 bff0000000000000"},
		{"minus zero", Double(math.Copysign(0, -1)), "10 7fffffffffffffff"},
		{"negative", Int(-2), "10 3fffffffffffffff"},
		{"long", Long(1<<53 + 1), "10 c340000000000000 0001"},
		{"greatest long", Long(math.MaxInt64), "10 c3dfffffffffffff 03ff"},
		{"NaN", Double(math.NaN()), "10 fff8000000000001 0000"},
		{"bytes", Bytes("\x00\xff"), "20 00ffff 0001"},
		{"string", String("a\x00b"), "30 6100ff62 0001"},
		{"array", Array{Null{}, Bool(true)}, "40 f0 c001 00"},
		{"object", obj("b", Null{}, "a", Bool(false)), "50 610001c000 620001f0 0000"},
		{"id", ID(1), "60 8000000000000001"},
		{"ref", Ref{Coll: 7, ID: 1}, "70 00000007 8000000000000001 0001"},
		{"named ref", Ref{Coll: 7, Name: "A"}, "70 00000007 8000000000000000 410001"},
		{"time", NewTime(time.Unix(1, 2)), "80 8000000000000001 00000002"},
		{"date", Date(-1), "a0 7fffffffffffffff"},
		{"uuid", UUID{0: 1, 15: 2}, "b0 01000000000000000000000000000002"},
		{"null", Null{Cause: "x"}, "f0"},
	}
	for _, test := range tests {
		want, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(test.want), []byte(" "), nil)))
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendKey([]byte("x"), test.v, false); !bytes.Equal(got[1:], want) || got[0] != 'x' {
			t.Errorf("%s: %x, want %x", test.name, got, want)
		}
	}
}

func TestJoinedKeysOrderByTheFirst(t *testing.T) {
	g := newGenerator(3)
	for range 20_000 {
		a1, a2, b1, b2 := g.value(2), g.value(1), g.value(2), g.value(1)
		desc := g.IntN(2) == 0
		want := Compare(a1, b1)
		if desc {
			want = -want
		}
		if want == 0 {
			want = Compare(a2, b2)
		}
		ka := AppendKey(AppendKey(nil, a1, desc), a2, false)
		kb := AppendKey(AppendKey(nil, b1, desc), b2, false)
		if got := bytes.Compare(ka, kb); got != want {
			t.Fatalf("(%s, %s) to (%s, %s): %d, want %d", Display(a1), Display(a2), Display(b1), Display(b2), got, want)
		}
	}
}

func TestNoKey(t *testing.T) {
	for _, v := range []Value{TransactionTime{}, Array{TransactionTime{}}, Module("Math"), Reference{}, &Document{}, &Page{}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%T has a key", v)
				}
			}()
			AppendKey(nil, v, false)
		}()
	}
}
