package value

import (
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// generator makes random storable values, most of them close to each other and to the
// places where the order is delicate.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 1))} }

func (g generator) value(depth int) Value {
	n := 13
	if depth > 0 {
		n = 15
	}
	switch g.IntN(n) {
	case 0, 1, 2:
		return g.number()
	case 3:
		return String(g.text())
	case 4:
		return Bytes(g.text())
	case 5:
		return ID(g.Uint64N(3))
	case 6:
		return Ref{CollID(g.Uint32N(2)), ID(g.Uint64N(2)), ""}
	case 7:
		return Ref{Coll: CollID(g.Uint32N(2)), Name: g.text()}
	case 8:
		return NewTime(time.Unix(g.Int64N(3)-1, g.Int64N(2)*(1+g.Int64N(999_999_999))))
	case 9:
		return Date(g.Int64N(5) - 2)
	case 10:
		return UUID{byte(g.IntN(2)), 15: byte(g.IntN(2))}
	case 11:
		return Bool(g.IntN(2) == 0)
	case 12:
		return Null{}
	case 13:
		out := make(Array, g.IntN(4))
		for i := range out {
			out[i] = g.value(depth - 1)
		}
		return out
	default:
		fields := make([]Field, g.IntN(4))
		for i := range fields {
			fields[i] = Field{g.text(), g.value(depth - 1)}
		}
		return NewObject(fields...)
	}
}

func (g generator) text() string {
	out := make([]byte, g.IntN(4))
	for i := range out {
		out[i] = "\x00\x01a@"[g.IntN(4)]
	}
	return string(out)
}

func (g generator) number() Value {
	edges := []int64{0, 1 << 24, math.MaxInt32, 1 << 52, 1 << 53, 1 << 54, 1 << 62, math.MaxInt64}
	n := edges[g.IntN(len(edges))]
	if g.IntN(2) == 0 {
		n = -n
	}
	n += g.Int64N(9) - 4 // may wrap around, which is a good number too
	switch g.IntN(4) {
	case 0:
		return Integer(n)
	case 1:
		return Long(n)
	case 2:
		special := []float64{math.Copysign(0, -1), 0, math.NaN(), math.Inf(1), math.Inf(-1), 0.5, 5e-324, 1 << 63, -1 << 63, 1e300}
		return Double(special[g.IntN(len(special))])
	}
	d := float64(n)
	for range g.IntN(3) {
		d = math.Nextafter(d, math.Inf(g.IntN(2)*2-1))
	}
	return Double(d)
}

// exactOrder compares numbers by another way than the package's: unlimited precision. It
// does not know NaN or -0.
func exactOrder(a, b Value) int {
	exact := func(v Value) *big.Float {
		if n, ok := AsInt64(v); ok {
			return new(big.Float).SetInt64(n)
		}
		return new(big.Float).SetFloat64(float64(v.(Double)))
	}
	return exact(a).Cmp(exact(b))
}

// same is Go's deep equality, for which Int 1 and Long 1 differ, but NaN is NaN.
func same(a, b Value) bool {
	switch a := a.(type) {
	case Double:
		b, ok := b.(Double)
		return ok && doubleOrder(float64(a)) == doubleOrder(float64(b))
	case Array:
		b, ok := b.(Array)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case *Object:
		b, ok := b.(*Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for i, f := range a.Fields() {
			if g := b.Fields()[i]; f.Name != g.Name || !same(f.Value, g.Value) {
				return false
			}
		}
		return true
	case Time:
		b, ok := b.(Time)
		return ok && a.t.Equal(b.t) && b.t.Location() == time.UTC
	}
	return reflect.DeepEqual(a, b)
}

func TestSame(t *testing.T) {
	if same(Int(1), Long(1)) || same(Array{Int(1)}, Array{Int(2)}) || !same(Double(math.NaN()), Double(math.NaN())) {
		t.Fatal("the tests of this package cannot tell values apart")
	}
}

func obj(pairs ...any) *Object {
	var fields []Field
	for i := 0; i < len(pairs); i += 2 {
		fields = append(fields, Field{pairs[i].(string), pairs[i+1].(Value)})
	}
	return NewObject(fields...)
}

func mustTime(t *testing.T, s string) Time {
	t.Helper()
	v, ok := ParseTime(s)
	if !ok {
		t.Fatalf("ParseTime(%q) refused", s)
	}
	return v
}

func nest(v Value, depth int) Value {
	for range depth {
		v = Array{v}
	}
	return v
}
