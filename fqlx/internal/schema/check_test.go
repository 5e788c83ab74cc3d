package schema

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

func obj(pairs ...any) *value.Object {
	var fields []value.Field
	for i := 0; i < len(pairs); i += 2 {
		fields = append(fields, value.Field{Name: pairs[i].(string), Value: pairs[i+1].(value.Value)})
	}
	return value.NewObject(fields...)
}

func arr(vs ...value.Value) value.Array { return value.Array(vs) }

func TestCheckType(t *testing.T) {
	const one, big = value.Int(1), value.Long(1 << 40)
	str, null := value.String("x"), value.Null{}
	tests := []struct {
		typ  string
		v    value.Value
		want string // all failures, empty if v fits
	}{
		{"Any", str, ""},
		{"Any", null, ""},
		{"String", str, ""},
		{"String", one, "[] Expected String, provided Int"},
		{"String", null, "[] Expected String, provided Null"},
		{"String?", null, ""},
		{"String?", one, "[] Expected String | Null, provided Int"},
		{"Null", null, ""},
		{"Boolean", value.Bool(true), ""},
		{"Boolean", str, "[] Expected Boolean, provided String"},
		{"Int", one, ""},
		{"Int", value.Long(1), ""}, // storage keeps no difference
		{"Int", big, "[] Expected Int, provided Long"},
		{"Int", value.Double(1), "[] Expected Int, provided Double"},
		{"Long", one, ""},
		{"Long", big, ""},
		{"Double", value.Double(1), ""},
		{"Double", one, "[] Expected Double, provided Int"},
		{"Float", value.Double(1), ""},
		{"Number", one, ""},
		{"Number", big, ""},
		{"Number", value.Double(1), ""},
		{"Number", str, "[] Expected Number, provided String"},
		{"Bytes", value.Bytes("x"), ""},
		{"Bytes", str, "[] Expected Bytes, provided String"},
		{"Time", value.TimeOfMicros(1), ""},
		{"Time", value.TransactionTime{}, ""},
		{"Time", str, "[] Expected Time, provided String"},
		{"Date", value.Date(1), ""},
		{"Date", value.TimeOfMicros(1), "[] Expected Date, provided Time"},
		{`"a" | 2 | true`, value.String("a"), ""},
		{`"a" | 2 | true`, value.Int(2), ""},
		{`"a" | 2 | true`, value.Bool(true), ""},
		{`"a" | 2 | true`, value.Bool(false), `[] Expected "a" | 2 | true, provided Boolean`},
		{"Int | String", value.Bool(true), "[] Expected Int | String, provided Boolean"},
		{"Array<String>", arr(), ""},
		{"Array<String>", arr(str, one, null), "[1] Expected String, provided Int; [2] Expected String, provided Null"},
		{"Array<String>", str, "[] Expected Array<String>, provided String"},
		{"Array<String>?", arr(one), "[0] Expected String, provided Int"},
		{"[Int, String]", arr(one, str), ""},
		{"[Int, String]", arr(str, str), "[0] Expected Int, provided String"},
		{"[Int, String]", arr(one), "[] Expected [Int, String], provided Array"},
		{"{ a: Int, b: String? }", obj("a", one), ""},
		{"{ a: Int, b: String? }", obj("b", one), "[a] Missing required field of type Int; [b] Expected String | Null, provided Int"},
		{"{ a: Int }", obj("a", one, "c", str), "[c] Unexpected field provided"},
		{"{ a: Int }", obj("a", one, "c", null), ""},
		{"{ a: Int, *: String }", obj("a", one, "c", one), "[c] Expected String, provided Int"},
		{"{ a: { b: Array<Int> } }", obj("a", obj("b", arr(one, str))), "[a b 1] Expected Int, provided String"},
		{"{ a: Int }?", obj("a", str), "[a] Expected Int, provided String"},
		{"{ a: Int } | { b: Int }", obj("a", str), "[] Expected { a: Int } | { b: Int }, provided Object"},
		{"{}", obj("a", one), "[a] Unexpected field provided"},
		{"{ *: Any }", obj("a", arr(one)), ""},
		{"Ref<D>", value.Ref{Coll: 65, ID: 7}, ""},
		{"D", value.Ref{Coll: 65, ID: 7}, ""},
		{"Ref<D>", value.Ref{Coll: 64, ID: 7}, "[] Expected Ref<D>, provided Ref<C>"},
		{"D?", value.Ref{Coll: CollToken, ID: 7}, "[] Expected D | Null, provided Ref<Token>"},
		{"Ref<D>", str, "[] Expected Ref<D>, provided String"},
		{"String", value.Ref{Coll: 999, ID: 7}, "[] Expected String, provided Doc"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s of %s", value.Display(tt.v), tt.typ), func(t *testing.T) {
			s := mustLoad(t, "collection C { f: "+tt.typ+" }\ncollection D {}")
			if got := spellFailures(s.Collection("C").Fields[0].Type.Check(tt.v)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func spellFailures(fs []Failure) string {
	out := ""
	for i, f := range fs {
		if i > 0 {
			out += "; "
		}
		out += fmt.Sprint(f.Path) + " " + f.Message
	}
	return out
}

func TestArgumentTypes(t *testing.T) {
	s := mustLoad(t, `function f(id: ID, o: Object, s: Set<Int>, g: (Int) => String, u: UUID): Any { 1 }`)
	f := s.Function("f")
	if n := len(f.Params[0].Check(value.ID(3))) + len(f.Params[1].Check(obj("a", value.Int(1)))); n != 0 {
		t.Errorf("%d failures", n)
	}
	if got := spellFailures(f.Params[0].Check(value.Bool(true))); got != "[] Expected ID, provided Boolean" {
		t.Error(got)
	}
	if got := f.Params[3].String(); got != "(Int) => String" {
		t.Error(got)
	}
}

func TestCheckDocument(t *testing.T) {
	s := mustLoad(t, "collection Closed { name: String\n age: Int? }\ncollection Open {}\ncollection Wild { n: Int\n *: Any }")
	for _, tt := range []struct {
		coll string
		doc  *value.Object
		want string
	}{
		{"Closed", obj("name", value.String("x")), ""},
		{"Closed", nil, "[name] Missing required field of type String"},
		{"Closed", obj("name", value.Null{}, "x", value.Int(1)), "[name] Missing required field of type String; [x] Unexpected field provided"},
		{"Open", obj("anything", value.Int(1)), ""},
		{"Wild", obj("n", value.Int(1), "anything", value.Int(1)), ""},
		{"Wild", obj("n", value.String("")), "[n] Expected Int, provided String"},
	} {
		if got := spellFailures(s.Collection(tt.coll).Check(tt.doc)); got != tt.want {
			t.Errorf("%s %s: got %q, want %q", tt.coll, value.Display(tt.doc), got, tt.want)
		}
	}
}

func TestWithDefaults(t *testing.T) {
	s := mustLoad(t, `collection C {
  a: Int = 1
  b: String?
  c: { x: Int = 2, y: Int? }
  d: { deep: { z: Int = 3 }, w: Int }
  e: { v: Int }
}`)
	coll := s.Collection("C")
	eval := func(x syntax.Expr) (value.Value, error) {
		v, _ := constant(x)
		return v, nil
	}
	one, two, three, nine := value.Int(1), value.Int(2), value.Int(3), value.Int(9)
	tests := []struct {
		name     string
		in, want *value.Object
	}{
		{"empty", obj(), obj("a", one, "c", obj("x", two), "d", obj("deep", obj("z", three)))},
		{"null is absent", obj("a", value.Null{}, "c", obj("x", nine), "d", obj("deep", obj("z", nine), "w", one)),
			obj("a", one, "c", obj("x", nine), "d", obj("deep", obj("z", nine), "w", one))},
		{"inside", obj("a", nine, "c", obj("y", nine), "d", obj("w", one)),
			obj("a", nine, "c", obj("y", nine, "x", two), "d", obj("w", one, "deep", obj("z", three)))},
		{"of another type", obj("a", nine, "c", nine, "d", nine), obj("a", nine, "c", nine, "d", nine)},
	}
	for _, tt := range tests {
		if got, err := coll.WithDefaults(tt.in, eval); err != nil || !value.Equal(got, tt.want) {
			t.Errorf("%s: got %s, %v; want %s", tt.name, value.Display(got), err, value.Display(tt.want))
		}
	}
	whole := obj("a", one, "c", obj("x", one), "d", obj("deep", obj("z", one)))
	if got, _ := coll.WithDefaults(whole, eval); got != whole {
		t.Error("a document that lacks nothing was copied")
	}
	boom := errors.New("boom")
	if _, err := coll.WithDefaults(obj(), func(syntax.Expr) (value.Value, error) { return nil, boom }); !errors.Is(err, boom) {
		t.Errorf("err = %v", err)
	}
}

func TestNames(t *testing.T) {
	s := mustLoad(t, "@alias(Al) collection C {}")
	for name, want := range map[string]value.CollID{"C": 64, "Al": 64, "Token": CollToken, "Credentials": CollCredential} {
		if got, ok := s.CollectionNumber(name); !ok || got != want {
			t.Errorf("CollectionNumber(%s) = %d, %v", name, got, ok)
		}
	}
	if _, ok := s.CollectionNumber("Nope"); ok {
		t.Error("Nope has a number")
	}
	for id, want := range map[value.CollID]string{64: "C", CollToken: "Token", 999: ""} {
		if got, _ := s.CollectionName(id); got != want {
			t.Errorf("CollectionName(%d) = %q", id, got)
		}
	}
	var names []string
	for _, n := range []string{"a", "_a1", "", "1a", "a-b", "ä"} {
		if isIdentifier(n) {
			names = append(names, n)
		}
	}
	if !slices.Equal(names, []string{"a", "_a1"}) {
		t.Errorf("identifiers: %q", names)
	}
}
