package value

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestAppendJSON(t *testing.T) {
	ts := NewTime(time.Date(2024, 5, 1, 10, 0, 0, 123_456_000, time.UTC))
	tests := []struct {
		name           string
		v              Value
		tagged, simple string
	}{
		{"null", Null{Cause: "x"}, `null`, `null`},
		{"true", Bool(true), `true`, `true`},
		{"int", Int(-1), `{"@int":"-1"}`, `-1`},
		{"long", Long(math.MaxInt64), `{"@long":"9223372036854775807"}`, `9223372036854775807`},
		{"double", Double(1), `{"@double":"1.0"}`, `1.0`},
		{"great double", Double(1e10), `{"@double":"1.0E10"}`, `1.0E10`},
		{"NaN", Double(math.NaN()), `{"@double":"NaN"}`, `"NaN"`},
		{"infinity", Double(math.Inf(-1)), `{"@double":"-Infinity"}`, `"-Infinity"`},
		{"id", ID(123), `"123"`, `"123"`},
		{"string", String(`a"<é`), `"a\"<é"`, `"a\"<é"`},
		{"time", ts, `{"@time":"2024-05-01T10:00:00.123456Z"}`, `"2024-05-01T10:00:00.123456Z"`},
		{"date", Date(0), `{"@date":"1970-01-01"}`, `"1970-01-01"`},
		{"bytes", Bytes("\x00\xff~"), `{"@bytes":"AP9+"}`, `"AP9+"`},
		{"uuid", UUID{0x12, 15: 0xef}, `{"@uuid":"12000000-0000-0000-0000-0000000000ef"}`, `"12000000-0000-0000-0000-0000000000ef"`},
		{"module", Module("User"), `{"@mod":"User"}`, `"User"`},
		{"empty array", Array(nil), `[]`, `[]`},
		{"array", Array{Int(1), Null{}}, `[{"@int":"1"},null]`, `[1,null]`},
		{"nil object", (*Object)(nil), `{}`, `{}`},
		{"object", obj("b", Int(1), "a", obj()), `{"b":{"@int":"1"},"a":{}}`, `{"b":1,"a":{}}`},
		{"object with @", obj("b", Int(1), "@a", Null{}), `{"@object":{"b":{"@int":"1"},"@a":null}}`, `{"b":1,"@a":null}`},
		{"document", &Document{Coll: "User", ID: "101", Fields: []Field{{"ts", ts}, {"n", Int(1)}}},
			`{"@doc":{"id":"101","coll":{"@mod":"User"},"ts":{"@time":"2024-05-01T10:00:00.123456Z"},"n":{"@int":"1"}}}`,
			`{"id":"101","coll":"User","ts":"2024-05-01T10:00:00.123456Z","n":1}`},
		{"named document", &Document{Coll: "Role", Name: "r"}, `{"@doc":{"name":"r","coll":{"@mod":"Role"}}}`, `{"name":"r","coll":"Role"}`},
		{"document with @", &Document{Coll: "User", ID: "1", Fields: []Field{{"@x", Null{}}}},
			`{"@doc":{"@object":{"id":"1","coll":{"@mod":"User"},"@x":null}}}`, `{"id":"1","coll":"User","@x":null}`},
		{"reference", Reference{Coll: "User", ID: "1"}, `{"@ref":{"id":"1","coll":{"@mod":"User"}}}`, `{"id":"1","coll":"User"}`},
		{"missing", Reference{Coll: "User", ID: "1", Missing: true, Cause: "not found"},
			`{"@ref":{"id":"1","coll":{"@mod":"User"},"exists":false,"cause":"not found"}}`, `null`},
		{"missing by name", Reference{Coll: "Role", Name: "r", Missing: true, Cause: "permission denied"},
			`{"@ref":{"name":"r","coll":{"@mod":"Role"},"exists":false,"cause":"permission denied"}}`, `null`},
		{"page", &Page{Data: Array{Int(1)}, After: "abc"}, `{"@set":{"data":[{"@int":"1"}],"after":"abc"}}`, `{"data":[1],"after":"abc"}`},
		{"last page", &Page{Data: Array{}}, `{"@set":{"data":[]}}`, `{"data":[]}`},
		{"set too deep", &Page{After: "abc"}, `{"@set":"abc"}`, `"abc"`},
		{"bug: ref", Ref{Coll: 3, ID: 7}, `{"@ref":{"id":"7","coll":{"@mod":"#3"}}}`, `{"id":"7","coll":"#3"}`},
		{"bug: named ref", Ref{Coll: 3, Name: "f"}, `{"@ref":{"name":"f","coll":{"@mod":"#3"}}}`, `{"name":"f","coll":"#3"}`},
		{"bug: transaction time", TransactionTime{}, `{"@time":"[transaction time]"}`, `"[transaction time]"`},
		{"function", lambda{}, `"[function <lambda>]"`, `"[function <lambda>]"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := string(AppendJSON(nil, test.v, Tagged)); got != test.tagged {
				t.Errorf("tagged %s\nwant   %s", got, test.tagged)
			}
			if got := string(AppendJSON([]byte("x"), test.v, Simple)); got != "x"+test.simple {
				t.Errorf("simple %s\nwant   x%s", got, test.simple)
			}
		})
	}
}

// lambda is a value of the evaluator that shows and names itself.
type lambda struct{}

func (lambda) Kind() Kind       { return KindOther }
func (lambda) String() string   { return "[function <lambda>]" }
func (lambda) TypeName() string { return "Function" }

func TestAppendJSONString(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", `""`},
		{"</script>&", `"</script>&"`},
		{"\"\\/", `"\"\\/"`},
		{"\x00\x08\n\r\t\x1f\x7f", `"\u0000\u0008\n\r\t\u001f` + "\x7f\""},
		{"a\xffb\xc0\x80", `"a` + "\uFFFDb\uFFFD\uFFFD\""},
		{"\xed\xa0\x80", `"` + "\uFFFD\uFFFD\uFFFD\""}, // half a surrogate pair
		{"\u2028\uFFFD\U0001F600é", `"` + "\u2028\uFFFD\U0001F600é\""},
	}
	for _, test := range tests {
		got := string(AppendJSONString(nil, test.in))
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.in, got, test.want)
		}
		var back string
		if err := json.Unmarshal([]byte(got), &back); err != nil || back != string([]rune(test.in)) {
			t.Errorf("%q: reads back as %q, %v", test.in, back, err)
		}
	}
}

func TestAppendDouble(t *testing.T) {
	tests := []struct {
		f    float64
		want string
	}{
		{0, "0.0"},
		{math.Copysign(0, -1), "-0.0"},
		{-1, "-1.0"},
		{0.1, "0.1"},
		{123.456, "123.456"},
		{0.001, "0.001"},
		{0.00099, "9.9E-4"},
		{9999999, "9999999.0"},
		{9999999.5, "9999999.5"},
		{1e7, "1.0E7"},
		{-12345678.25, "-1.234567825E7"},
		{1e21, "1.0E21"},
		{1e23, "1.0E23"},
		{2e-10, "2.0E-10"},
		{math.Pi * 1e100, "3.141592653589793E100"},
		{math.MaxFloat64, "1.7976931348623157E308"},
		{math.SmallestNonzeroFloat64, "4.9E-324"},
		{1e-323, "9.9E-324"},
		{2.2250738585072014e-308, "2.2250738585072014E-308"},
		{math.Inf(1), "Infinity"},
		{math.NaN(), "NaN"},
	}
	for _, test := range tests {
		got := string(appendDouble(nil, test.f))
		if got != test.want {
			t.Errorf("%g: %s, want %s", test.f, got, test.want)
		}
		if back, ok := parseDouble(got); !ok || doubleOrder(back) != doubleOrder(test.f) {
			t.Errorf("%s reads back as %g", got, back)
		}
	}
}
