package value

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"testing"
	"time"
)

// function is a value of the evaluator, one that Go's == would panic on.
type function []int

func (function) Kind() Kind { return KindOther }

// ascending is the total order, each value strictly above the one before.
var ascending = []Value{
	Double(math.Inf(-1)), Double(-1e300),
	Double(math.Nextafter(-1<<63, math.Inf(-1))), Long(math.MinInt64), Long(math.MinInt64 + 1), Long(math.MinInt64 + 2),
	Long(-1<<53 - 2), Long(-1<<53 - 1), Double(-1 << 53), Long(-1<<53 + 1),
	Double(-1.5), Int(-1), Double(-5e-324), Double(math.Copysign(0, -1)), Int(0), Double(5e-324), Int(1), Double(1.5),
	Long(1<<53 - 1), Double(1 << 53), Long(1<<53 + 1), Double(1<<53 + 2), Long(1<<53 + 3), Long(1<<53 + 4),
	Double(math.Nextafter(1<<63, 0)), Long(math.MaxInt64 - 1), Long(math.MaxInt64), Double(1 << 63),
	Double(math.Inf(1)), Double(math.NaN()),
	Bytes(""), Bytes("\x00"), Bytes("\x00\x00"), Bytes("\x00\x01"), Bytes("\x01"), Bytes("\xff\xff"),
	String(""), String("\x00"), String("\x00a"), String("a"), String("a\x00"), String("a\x00b"), String("a\x01"), String("ab"), String("é"), String("\U0001F600"),
	Array{}, Array{Int(2)}, Array{Int(2), Int(3)}, Array{Int(2), Int(5)}, Array{Int(3)}, Array{String("hi")}, Array{Array{}}, Array{Array{}, Int(1)}, Array{Null{}},
	obj(), obj("", Int(1)), obj("\x00", Int(1)), obj("a", Int(2)), obj("b", Int(3), "a", Int(2)), obj("a", Int(3)), obj("b", Int(2)),
	ID(0), ID(1), ID(math.MaxInt64),
	Ref{Coll: 1, ID: 1}, Ref{Coll: 1, ID: 2}, Ref{Coll: 2, Name: "A"}, Ref{Coll: 2, Name: "AB"}, Ref{Coll: 2, ID: 1}, Ref{Coll: 1 << 31},
	NewTime(time.Unix(-1, 0)), NewTime(time.Unix(-1, 999_999_999)), NewTime(time.Unix(0, 0)), NewTime(time.Unix(0, 1)), NewTime(time.Unix(1, 0)),
	Date(-1), Date(0), Date(1),
	UUID{}, UUID{15: 1}, UUID{0: 0x80},
	Bool(false), Bool(true),
	Null{},
}

func TestOrder(t *testing.T) {
	for i, a := range ascending {
		for j, b := range ascending {
			want := cmp.Compare(i, j)
			if got := Compare(a, b); got != want {
				t.Errorf("Compare(%s, %s) = %d, want %d", Display(a), Display(b), got, want)
			}
			if got := Equal(a, b); got != (i == j) && a.Kind() != KindID && b.Kind() != KindID {
				t.Errorf("Equal(%s, %s) = %t", Display(a), Display(b), got)
			}
			if got := bytes.Compare(AppendKey(nil, a, false), AppendKey(nil, b, false)); got != want {
				t.Errorf("keys of %s, %s compare %d, want %d", Display(a), Display(b), got, want)
			}
			if got := bytes.Compare(AppendKey(nil, b, true), AppendKey(nil, a, true)); got != want {
				t.Errorf("descending keys of %s, %s compare %d, want %d", Display(b), Display(a), got, want)
			}
		}
	}
}

func TestOrderOfOthers(t *testing.T) {
	txn := Value(TransactionTime{})
	if Compare(NewTime(time.Unix(1e9, 0)), txn) >= 0 || Compare(txn, Date(-1000)) >= 0 || Compare(txn, txn) != 0 || !Equal(txn, txn) {
		t.Error("TransactionTime is not between Time and Date")
	}
	list := []Value{Ref{Coll: 9}, &Document{Coll: "A", Name: "x"}, Reference{Coll: "A", ID: "1"}, NewTime(time.Time{}), Bool(true),
		Module("A"), Module("B"), function(nil), Null{}}
	for i, a := range list {
		for j, b := range list {
			if got := Compare(a, b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("Compare(%v, %v) = %d", a, b, got)
			}
		}
	}
	if !Equal(Reference{Coll: "A", ID: "1", Missing: true}, &Document{Coll: "A", ID: "1"}) {
		t.Error("a document and a reference to it differ")
	}
}

func TestEqual(t *testing.T) {
	page := &Page{}
	tests := []struct {
		name string
		a, b Value
		want bool
	}{
		{"int long", Int(1), Long(1), true},
		{"int double", Int(1), Double(1), true},
		{"long above 2^53", Long(1<<53 + 1), Double(1 << 53), false},
		{"greatest long", Long(math.MaxInt64), Double(1 << 63), false},
		{"least long", Long(math.MinInt64), Double(-1 << 63), true},
		{"NaN", Double(math.NaN()), Double(-math.NaN()), true},
		{"NaN, number", Double(math.NaN()), Int(0), false},
		{"minus zero", Double(math.Copysign(0, -1)), Int(0), false},
		{"id string", ID(12), String("12"), true},
		{"id other string", ID(12), String("13"), false},
		{"id no digits", ID(12), String("12x"), false},
		{"id beyond 64 bits", ID(math.MaxInt64), String("9223372036854775808"), false},
		{"id int", ID(12), Int(12), true},
		{"id double", ID(12), Double(12), true},
		{"id fraction", ID(12), Double(12.5), false},
		{"id 2^53+1", ID(1<<53 + 1), Double(1 << 53), false},
		{"id true", ID(1), Bool(true), false},
		{"string int", String("1"), Int(1), false},
		{"string bytes", String("a"), Bytes("a"), false},
		{"null cause", Null{"empty set"}, Null{}, true},
		{"null false", Null{}, Bool(false), false},
		{"arrays", Array{Int(1), Array{String("a")}}, Array{Double(1), Array{String("a")}}, true},
		{"arrays, id", Array{ID(1)}, Array{String("1")}, true},
		{"arrays, length", Array{Int(1)}, Array{Int(1), Int(2)}, false},
		{"array object", Array{}, obj(), false},
		{"object order", obj("a", Int(1), "b", Int(2)), obj("b", Int(2), "a", Int(1)), true},
		{"object, id inside", obj("b", Int(2), "a", ID(1)), obj("a", String("1"), "b", Int(2)), true},
		{"object value", obj("a", Int(1)), obj("a", Int(2)), false},
		{"object name", obj("a", Int(1)), obj("b", Int(1)), false},
		{"object size", obj("a", Int(1)), obj("a", Int(1), "b", Null{}), false},
		{"nil object", (*Object)(nil), obj(), true},
		{"refs", Ref{1, 2, ""}, Ref{1, 2, ""}, true},
		{"refs, id", Ref{1, 2, ""}, Ref{1, 3, ""}, false},
		{"times", mustTime(t, "2024-01-01T01:00:00+01:00"), mustTime(t, "2024-01-01T00:00:00Z"), true},
		{"modules", Module("Math"), Module("Math"), true},
		{"modules differ", Module("Math"), Module("Time"), false},
		{"module string", Module("Math"), String("Math"), false},
		{"functions", function(nil), function(nil), false},
		{"one page", page, page, true},
		{"two pages", page, &Page{After: "x"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Equal(test.a, test.b); got != test.want {
				t.Errorf("Equal = %t", got)
			}
			if got := Equal(test.b, test.a); got != test.want {
				t.Errorf("Equal the other way = %t", got)
			}
		})
	}
}

func TestRelate(t *testing.T) {
	tests := []struct {
		name string
		a, b Value
		want int
		ok   bool
	}{
		{"numbers", Int(1), Double(1.5), -1, true},
		{"id number", ID(2), Double(1.5), 1, true},
		{"string id", String("9"), ID(10), -1, true},
		{"id, no number", ID(2), String("x"), 0, false},
		{"string number", String("a"), Int(2), 0, false},
		{"arrays use the total order", Array{Int(1)}, Array{String("hi")}, -1, true},
		{"time, transaction time", NewTime(time.Time{}), TransactionTime{}, 0, false},
		{"modules", Module("B"), Module("A"), 1, true},
		{"functions", function(nil), function(nil), 0, false},
	}
	for _, test := range tests {
		got, ok := Relate(test.a, test.b)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%s: Relate = %d, %t", test.name, got, ok)
		}
	}
}

func TestOrderIsTotal(t *testing.T) {
	for seed := range uint64(40) {
		g := newGenerator(seed)
		list := make([]Value, 60)
		for i := range list {
			list[i] = g.value(3)
		}
		slices.SortFunc(list, Compare)
		for i, a := range list {
			for j, b := range list {
				c := Compare(a, b)
				if c != -Compare(b, a) {
					t.Fatalf("seed %d: Compare(%s, %s) is not the opposite of the other way", seed, Display(a), Display(b))
				}
				if c > 0 && i < j || c < 0 && i > j {
					t.Fatalf("seed %d: %s, %s: not transitive", seed, Display(a), Display(b))
				}
				checkKeys(t, a, b)
			}
		}
	}
}

func TestNumbersCompareExactly(t *testing.T) {
	g := newGenerator(7)
	for range 200_000 {
		a, b := g.number(), g.number()
		fa, _ := AsFloat(a)
		fb, _ := AsFloat(b)
		if math.IsNaN(fa) || math.IsNaN(fb) || fa == 0 && fb == 0 {
			continue
		}
		want := exactOrder(a, b)
		if got := Compare(a, b); got != want {
			t.Fatalf("Compare(%#v, %#v) = %d, want %d", a, b, got, want)
		}
		if got := Equal(a, b); got != (want == 0) {
			t.Fatalf("Equal(%#v, %#v) = %t", a, b, got)
		}
		checkKeys(t, a, b)
	}
}
