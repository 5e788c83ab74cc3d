package value

import (
	"math"
	"testing"
	"time"
)

func TestDisplay(t *testing.T) {
	ts := NewTime(time.Unix(0, 1000))
	tests := []struct {
		name        string
		v           Value
		top, nested string
	}{
		{"int", Int(1), `1`, `1`},
		{"long", Long(1 << 40), `1099511627776`, `1099511627776`},
		{"double", Double(1.5), `1.5`, `1.5`},
		{"whole double", Double(2), `2`, `2.0`},
		{"great double", Double(1e23), `100000000000000000000000`, `1.0E23`},
		{"small double", Double(1e-7), `1.0E-7`, `1.0E-7`},
		{"minus zero", Double(math.Copysign(0, -1)), `-0`, `-0.0`},
		{"NaN", Double(math.NaN()), `NaN`, `NaN`},
		{"infinity", Double(math.Inf(-1)), `-Infinity`, `-Infinity`},
		{"string", String("a\"#{\n"), "a\"#{\n", `"a\"\#{\n"`},
		{"bytes", Bytes("\x00\xff"), `AP8=`, `Bytes("AP8=")`},
		{"true", Bool(true), `true`, `true`},
		{"null", Null{Cause: "x"}, `null`, `null`},
		{"id", ID(7), `7`, `ID("7")`},
		{"time", ts, `1970-01-01T00:00:00.000001Z`, `Time("1970-01-01T00:00:00.000001Z")`},
		{"date", Date(0), `1970-01-01`, `Date("1970-01-01")`},
		{"uuid", UUID{15: 1}, `00000000-0000-0000-0000-000000000001`, `UUID("00000000-0000-0000-0000-000000000001")`},
		{"transaction time", TransactionTime{}, `[transaction time]`, `TransactionTime()`},
		{"empty array", Array{}, `[]`, `[]`},
		{"array", Array{Int(1), String("a")}, `[1, "a"]`, `[1, "a"]`},
		{"empty object", obj(), `{}`, `{}`},
		{"object", obj("a", Int(1), "b c", obj("x", Null{})), `{ a: 1, "b c": { x: null } }`, `{ a: 1, "b c": { x: null } }`},
		{"object names", obj("a_1", Int(1), "_a", Int(2), "1", Int(3), "", Int(4)), `{ a_1: 1, "_a": 2, "1": 3, "": 4 }`, `{ a_1: 1, "_a": 2, "1": 3, "": 4 }`},
		{"module", Module("Math"), `Math`, `Math`},
		{"ref", Ref{Coll: 3, ID: 7}, `[doc 7 in #3]`, `[doc 7 in #3]`},
		{"named ref", Ref{Coll: 3, Name: "f"}, `[doc f in #3]`, `[doc f in #3]`},
		{"reference", Reference{Coll: "User", ID: "7"}, `[doc 7 in User]`, `[doc 7 in User]`},
		{"document", &Document{Coll: "Role", Name: "r"}, `[doc r in Role]`, `[doc r in Role]`},
		{"page", &Page{}, `[set]`, `[set]`},
		{"function", lambda{}, `[function <lambda>]`, `[function <lambda>]`},
		{"nameless", function(nil), `Any`, `Any`},
	}
	for _, test := range tests {
		if got := Display(test.v); got != test.top {
			t.Errorf("%s: %s, want %s", test.name, got, test.top)
		}
		if got, want := Display(Array{test.v}), "["+test.nested+"]"; got != want {
			t.Errorf("%s nested: %s, want %s", test.name, got, want)
		}
	}
}

func TestTypeName(t *testing.T) {
	tests := []struct {
		v    Value
		want string
	}{
		{Int(1), "Int"}, {Long(1), "Long"}, {Double(1), "Double"}, {Bytes{}, "Bytes"}, {String(""), "String"}, {Array{}, "Array"},
		{obj(), "Object"}, {ID(1), "ID"}, {Ref{}, "Doc"}, {Reference{}, "Doc"}, {Time{}, "Time"}, {TransactionTime{}, "TransactionTime"},
		{Date(1), "Date"}, {UUID{}, "UUID"}, {Bool(true), "Boolean"}, {Null{}, "Null"}, {Module("Math"), "Math"}, {&Page{}, "Set"},
		{lambda{}, "Function"}, {function(nil), "Any"},
	}
	for _, test := range tests {
		if got := TypeName(test.v); got != test.want {
			t.Errorf("TypeName(%T) = %s, want %s", test.v, got, test.want)
		}
	}
}
