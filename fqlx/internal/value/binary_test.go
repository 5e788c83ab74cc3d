package value

import (
	"bytes"
	"encoding/hex"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
)

// normal is v as it reads back from storage.
func normal(v Value) Value {
	switch v := v.(type) {
	case Int, Long:
		n, _ := AsInt64(v)
		return Integer(n)
	case Null:
		return Null{}
	case Array:
		out := make(Array, len(v))
		for i := range v {
			out[i] = normal(v[i])
		}
		return out
	case *Object:
		var out []Field
		for _, f := range v.Fields() {
			out = append(out, Field{f.Name, normal(f.Value)})
		}
		return NewObject(out...)
	}
	return v
}

func checkBinary(t *testing.T, v Value) {
	t.Helper()
	b := AppendBinary(nil, v)
	got, err := DecodeBinary(b)
	if err != nil || !same(got, normal(v)) {
		t.Fatalf("%s reads back as %v, %v", Display(v), got, err)
	}
	if again := AppendBinary(nil, got); !bytes.Equal(again, b) {
		t.Fatalf("%s: %x, after reading back %x", Display(v), b, again)
	}
	for n := range b {
		if got, err := DecodeBinary(b[:n]); err == nil {
			t.Fatalf("%s cut to %d of %d bytes reads as %s", Display(v), n, len(b), Display(got))
		}
	}
	if _, err := DecodeBinary(append(b, binNull)); err == nil {
		t.Fatalf("%s with a byte behind it is accepted", Display(v))
	}
}

func TestBinary(t *testing.T) {
	list := append([]Value{TransactionTime{}, Array{TransactionTime{}}, Null{Cause: "missing field `a`"},
		Long(1), Int(math.MinInt32), NewTime(time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)),
		obj("z", Int(1), "a", obj("@int", String("x"))), String(strings.Repeat("x", 300))}, ascending...)
	for _, v := range list {
		checkBinary(t, v)
	}
	g := newGenerator(11)
	for range 20_000 {
		checkBinary(t, g.value(4))
	}
}

// Documents are on disk. If this test fails, existing databases cannot be read any more.
func TestBinaryBytes(t *testing.T) {
	v := Array{Null{}, Bool(false), Bool(true), Int(-1), Double(1), String("a"), Bytes("b"), Array{}, obj("k", Int(1)),
		ID(5), Ref{Coll: 7, ID: 5}, Ref{Coll: 7, Name: "N"}, NewTime(time.Unix(1, 2)), TransactionTime{}, Date(-1), UUID{15: 9}}
	const want = "08100102030401053ff0000000000000060161070162080009" + "01016b0402" + "0a0a" + "0b070a00" + "0b0700014e" +
		"0c0202" + "0d" + "0e01" + "0f00000000000000000000000000000009"
	if got := hex.EncodeToString(AppendBinary(nil, v)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestDecodedBinarySharesNothing(t *testing.T) {
	b := AppendBinary(nil, Array{String("abc"), Bytes("def"), obj("ghi", UUID{1})})
	v, err := DecodeBinary(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if want := (Array{String("abc"), Bytes("def"), obj("ghi", UUID{1})}); !same(v, want) {
		t.Errorf("changing the input changed the value to %s", Display(v))
	}
}

func TestBinaryOfBadInput(t *testing.T) {
	tests := []struct {
		name string
		b    []byte
	}{
		{"empty", nil},
		{"no such tag", []byte{0}},
		{"no such tag", []byte{99}},
		{"endless varint", append([]byte{binInteger}, bytes.Repeat([]byte{0x80}, 20)...)},
		{"string longer than the rest", []byte{binString, 200, 1, 'a'}},
		{"string of 2^64-1", append([]byte{binString}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)},
		{"array longer than the rest", []byte{binArray, 2, binNull}},
		{"collection above 32 bits", []byte{binRef, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0}},
		{"second of more than 10^9 ns", []byte{binTime, 0, 0x80, 0x94, 0xeb, 0xdc, 0x03}},
		{"too deep", AppendBinary(nil, nest(Null{}, MaxStoredDepth+1))},
	}
	for _, test := range tests {
		if v, err := DecodeBinary(test.b); err == nil {
			t.Errorf("%s: reads as %s", test.name, Display(v))
		}
	}
}

func TestBinaryClaimsReserveLittle(t *testing.T) {
	const size = 1 << 20
	b := make([]byte, 0, size)
	for range MaxStoredDepth - 1 { // each claims half a million elements
		b = append(b, binArray, 0x80, 0x80, 0x20)
	}
	b = b[:size]
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := DecodeBinary(b)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("accepted")
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 16*size {
		t.Errorf("%d bytes reserved for an input of %d", got, size)
	}
}

func TestStorable(t *testing.T) {
	tests := []struct {
		name string
		v    Value
		want bool
	}{
		{"scalar", TransactionTime{}, true},
		{"as deep as possible", nest(Null{}, MaxStoredDepth), true},
		{"too deep", nest(Null{}, MaxStoredDepth+1), false},
		{"too deep objects", obj("a", nest(obj(), MaxStoredDepth-1)), false},
		{"function", function(nil), false},
		{"function inside", Array{obj("a", function(nil))}, false},
		{"wire", Reference{}, false},
	}
	for _, test := range tests {
		if got := Storable(test.v); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
		if test.want {
			checkBinary(t, test.v)
		}
	}
}
