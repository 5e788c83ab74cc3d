package value

import (
	"strings"
	"testing"
)

func TestMap(t *testing.T) {
	inner := obj("b", Int(1))
	o := obj("a", Array{Int(1)}, "o", inner, "n", Null{}, "s", String("x"))
	upper := func(f Field) (Value, bool) {
		if s, ok := f.Value.(String); ok {
			return String(strings.ToUpper(string(s))), true
		}
		return f.Value, true
	}
	for _, tt := range []struct {
		name string
		f    func(Field) (Value, bool)
		want *Object
	}{
		{"the last changes", upper, obj("a", Array{Int(1)}, "o", inner, "n", Null{}, "s", String("X"))},
		{"one is dropped", func(f Field) (Value, bool) { return f.Value, f.Name != "o" }, obj("a", Array{Int(1)}, "n", Null{}, "s", String("x"))},
		{"all are dropped", func(f Field) (Value, bool) { return f.Value, false }, obj()},
		{"an equal copy", func(f Field) (Value, bool) { return obj("b", Int(1)), f.Name == "o" }, obj("o", inner)},
	} {
		got := o.Map(tt.f)
		if got == o || !same(got, tt.want) {
			t.Errorf("%s: %s", tt.name, Display(got))
		}
	}
	if got := o.Map(func(f Field) (Value, bool) { return f.Value, true }); got != o {
		t.Error("what did not change was copied")
	}
	if want := obj("a", Array{Int(1)}, "o", inner, "n", Null{}, "s", String("x")); !same(o, want) {
		t.Errorf("the object itself changed: %s", Display(o))
	}
}

func TestWithLeavesTheObject(t *testing.T) {
	o := obj("a", Int(1), "b", Int(2))
	for _, tt := range []struct {
		name string
		want *Object
	}{
		{"a", obj("a", Int(9), "b", Int(2))},
		{"c", obj("a", Int(1), "b", Int(2), "c", Int(9))},
	} {
		if got := o.With(tt.name, Int(9)); !same(got, tt.want) {
			t.Errorf("with %s: %s", tt.name, Display(got))
		}
	}
	if !same(o, obj("a", Int(1), "b", Int(2))) {
		t.Errorf("the object itself changed: %s", Display(o))
	}
}

func TestIdentical(t *testing.T) {
	a, o := Array{Int(1), Int(2)}, obj("a", Int(1))
	for _, tt := range []struct {
		name string
		a, b Value
		want bool
	}{
		{"an array", a, a, true},
		{"its beginning", a, a[:1], false},
		{"an equal array", a, Array{Int(1), Int(2)}, false},
		{"empty arrays", Array{}, Array{}, true},
		{"an object", o, o, true},
		{"an equal object", o, obj("a", Int(1)), false},
		{"bytes", Bytes("x"), Bytes("y"), false},
		{"bytes and null", Bytes("x"), Null{}, false},
		{"strings", String("x"), String("x"), true},
		{"int and long", Int(1), Long(1), false},
		{"nulls of two causes", Null{}, Null{Cause: "empty set"}, false},
	} {
		if got := Identical(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// Fields of objects within each other are read in one place.
func TestReaderKeepsObjectsApart(t *testing.T) {
	const text = `{"a":{"b":{"c":"1"},"d":"2"},"e":[{"f":"3"},{},{"g":{"h":"4"},"i":"5"}],"j":"6"}`
	r := NewReader([]byte(text + text))
	want := obj(
		"a", obj("b", obj("c", String("1")), "d", String("2")),
		"e", Array{obj("f", String("3")), obj(), obj("g", obj("h", String("4")), "i", String("5"))},
		"j", String("6"))
	first, err := r.Value(Tagged)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := r.Value(Tagged); err != nil || !same(first, want) || !same(second, want) {
		t.Errorf("got %s and %s, %v", Display(first), Display(second), err)
	}
	// An error in the middle leaves nothing behind.
	r = NewReader([]byte(`{"a":{"b":"1","c":{"d":"2","e":{"@int":"x"}}}}` + text))
	if _, err := r.Value(Tagged); err != errInvalidInteger {
		t.Fatal(err)
	}
	if after, err := r.Value(Tagged); err != nil || !same(after, want) {
		t.Errorf("got %s, %v", Display(after), err)
	}
}
