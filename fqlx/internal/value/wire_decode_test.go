package value

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestDecodeTagged(t *testing.T) {
	tests := []struct {
		in   string
		want Value
	}{
		{`null`, Null{}},
		{` true `, Bool(true)},
		{`"a\u00e9\ud83d\ude00\n\/"`, String("aé😀\n/")},
		{`"\u0000"`, String("\x00")},
		{`{"@int":"42"}`, Int(42)},
		{`{"@int":"-2147483648"}`, Int(math.MinInt32)},
		{`{"@long":"7"}`, Long(7)},
		{`{"@long":"9223372036854775807"}`, Long(math.MaxInt64)},
		{`{"@double":"1.5"}`, Double(1.5)},
		{`{"@double":"-1.0E10"}`, Double(-1e10)},
		{`{"@double":"NaN"}`, Double(math.NaN())},
		{`{"@double":"-Infinity"}`, Double(math.Inf(-1))},
		{`{"@double":"1e999"}`, Double(math.Inf(1))},
		{`{"@time":"2024-01-02T03:04:05.000001+01:00"}`, NewTime(time.Date(2024, 1, 2, 2, 4, 5, 1000, time.UTC))},
		{`{"@date":"1970-01-02"}`, Date(1)},
		{`{"@bytes":"AP9+"}`, Bytes("\x00\xff~")},
		{`{"@bytes":"YQ"}`, Bytes("a")},
		{`{"@bytes":""}`, Bytes{}},
		{`{"@mod":"User"}`, Module("User")},
		{`{"\u0040mod":"User"}`, Module("User")},
		{`[]`, Array{}},
		{`[{"@int":"1"},[null]]`, Array{Int(1), Array{Null{}}}},
		{`{}`, obj()},
		{` { "b" : { "@int" : "1" } , "a" : "x" } `, obj("b", Int(1), "a", String("x"))},
		{`{"@object":{"@int":"x","b":{"@int":"1"}}}`, obj("@int", String("x"), "b", Int(1))},
		{`{"@object":{}}`, obj()},
		{`{"":"@int"}`, obj("", String("@int"))},
		{`{"@ref":{"id":"1","coll":{"@mod":"C"}}}`, Reference{Coll: "C", ID: "1"}},
		{`{"@ref":{"coll":{"@mod":"C"},"id":"+01"}}`, Reference{Coll: "C", ID: "1"}},
		{`{"@ref":{"name":"f","coll":{"@mod":"Function"}}}`, Reference{Coll: "Function", Name: "f"}},
		{`{"@ref":{"id":"1","coll":{"@mod":"C"},"exists":false,"cause":"not found"}}`, Reference{Coll: "C", ID: "1"}},
		{`{"@doc":{"id":"1","coll":{"@mod":"C"},"ts":{"@time":"2024-01-01T00:00:00Z"},"name":"Bob"}}`, Reference{Coll: "C", ID: "1"}},
		{`{"@doc":"C:1"}`, Reference{Coll: "C", ID: "1"}},
		{`{"@doc":"Collection:C"}`, Reference{Coll: "Collection", Name: "C"}},
	}
	for _, test := range tests {
		if got, err := DecodeJSON([]byte(test.in), Tagged); err != nil || !same(got, test.want) {
			t.Errorf("%s: %#v, %v, want %#v", test.in, got, err, test.want)
		}
	}
}

func TestDecodeTaggedRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{`1`, "numbers must be tagged"},
		{`{"a":[1.5]}`, "numbers must be tagged"},
		{`{"@int":1}`, "@int requires a string value"},
		{`{"@int":"1.0"}`, "invalid integer"},
		{`{"@int":""}`, "invalid integer"},
		{`{"@int":" 1"}`, "invalid integer"},
		{`{"@int":"0x1"}`, "invalid integer"},
		{`{"@int":"1_0"}`, "invalid integer"},
		{`{"@int":"2147483648"}`, "invalid integer"},
		{`{"@long":"9223372036854775808"}`, "invalid long"},
		{`{"@double":"x"}`, "invalid double"},
		{`{"@double":"0x1p4"}`, "invalid double"},
		{`{"@double":"nan"}`, "invalid double"},
		{`{"@double":"+Inf"}`, "invalid double"},
		{`{"@double":"1_0"}`, "invalid double"},
		{`{"@time":"2024-01-02"}`, "invalid time"},
		{`{"@date":"2024-02-30"}`, "invalid date"},
		{`{"@bytes":"A"}`, "invalid bytes"},
		{`{"@bytes":"AP9-"}`, "invalid bytes"},
		{`{"@bytes":"AP9+\n"}`, "invalid bytes"},
		{`{"@mod":{}}`, "@mod requires a string value"},
		{`{"@object":[]}`, "@object requires an object value"},
		{`{"@foo":"a"}`, "invalid tag '@foo'"},
		{`{"@":null}`, "invalid tag '@'"},
		{`{"@set":"abc"}`, "invalid tag '@set'"},
		{`{"@stream":"abc"}`, "invalid tag '@stream'"},
		{`{"@uuid":"abc"}`, "invalid tag '@uuid'"},
		{`{"@int":"3","@long":4}`, "too many keys in tagged value"},
		{`{"@int":"x","a":"b"}`, "too many keys in tagged value"},
		{`{"@foo":{},"a":"b"}`, "too many keys in tagged value"},
		{`{"@object":{},"a":"b"}`, "too many keys in tagged value"},
		{`{"@ref":{"id":1},"a":"b"}`, "too many keys in tagged value"},
		{`{"a":"b","@int":"1"}`, "too many keys in tagged value"},
		{`{"@object":{"a":{"@foo":null,"b":null}}}`, "too many keys in tagged value"},
		{`{"@object":{"a":{"@foo":null},"b":null}}`, "invalid tag '@foo'"},
		{`{"@ref":[]}`, "@ref requires an object value"},
		{`{"@doc":{"id":"1"}}`, "@doc field 'coll' is required"},
		{`{"@ref":{"id":"1","coll":"C"}}`, "@ref field 'coll' requires a module value"},
		{`{"@ref":{"coll":{"@mod":"C"}}}`, "@ref field 'id' is required"},
		{`{"@ref":{"coll":{"@mod":"C"},"id":{"@int":"1"}}}`, "@ref field 'id' requires a string value"},
		{`{"@ref":{"coll":{"@mod":"C"},"id":"x"}}`, "@ref field 'id' must be an integer"},
		{`{"@ref":{"coll":{"@mod":"C"},"name":{"@int":"1"}}}`, "@ref field 'name' requires a string value"},
		{`{"@ref":{"coll":{"@mod":"Role"},"name":""}}`, "no such schema object ''"},
		{`{"@doc":"C"}`, "doc id must be in the format <coll>:<id>"},
		{`{"@doc":"C:1:2"}`, "doc id must be in the format <coll>:<id>"},
		{`{"@doc":"C:"}`, "invalid document id ''"},
	}
	for _, test := range tests {
		v, err := DecodeJSON([]byte(test.in), Tagged)
		var wrong ValueError
		if v != nil || !errors.As(err, &wrong) || err.Error() != test.want {
			t.Errorf("%s: %v, %v, want error %q", test.in, v, err, test.want)
		}
		if _, err := DecodeJSON([]byte(test.in+"}"), Tagged); errors.As(err, &wrong) {
			t.Errorf("%s}: reported as a wrong value, not as broken JSON: %v", test.in, err)
		}
	}
}

func TestDecodeSimple(t *testing.T) {
	tests := []struct {
		in   string
		want Value
	}{
		{`1`, Int(1)},
		{`-0`, Int(0)},
		{`-2147483649`, Long(-2147483649)},
		{`9223372036854775807`, Long(math.MaxInt64)},
		{`9223372036854775808`, Double(1 << 63)},
		{`1.0`, Double(1)},
		{`-0.0`, Double(math.Copysign(0, -1))},
		{`1E+2`, Double(100)},
		{`{"@int":"1","@foo":[1,"a",null]}`, obj("@int", String("1"), "@foo", Array{Int(1), String("a"), Null{}})},
	}
	for _, test := range tests {
		if got, err := DecodeJSON([]byte(test.in), Simple); err != nil || !same(got, test.want) {
			t.Errorf("%s: %#v, %v, want %#v", test.in, got, err, test.want)
		}
	}
	if _, err := DecodeJSON([]byte(`[1e999]`), Simple); err != errNumberRange {
		t.Errorf("1e999: %v", err)
	}
}

func TestDecodeRefusesBrokenJSON(t *testing.T) {
	tests := []struct{ in, want string }{
		{``, "unexpected end of input"},
		{` `, "unexpected end of input"},
		{`{`, "unexpected end of input"},
		{`{"a"`, "unexpected end of input"},
		{`{"a":`, "unexpected end of input"},
		{`[null`, "unexpected end of input"},
		{`"abc`, "unexpected end of input"},
		{`"abc\`, "unexpected end of input"},
		{`nul`, "unexpected character 'n' at byte 0"},
		{`True`, "unexpected character 'T' at byte 0"},
		{`null null`, "unexpected character 'n' at byte 5"},
		{"null\x00", `unexpected character '\x00' at byte 4`},
		{"\uFEFFnull", `unexpected character '\ufeff' at byte 0`},
		{`[null,]`, "unexpected character ']' at byte 6"},
		{`[null}`, "unexpected character '}' at byte 5"},
		{`{"a":null,}`, "unexpected character '}' at byte 10"},
		{`{a:null}`, "unexpected character 'a' at byte 1"},
		{`{"a" null}`, "unexpected character 'n' at byte 5"},
		{`'a'`, "unexpected character '\\'' at byte 0"},
		{"\"a\nb\"", "unexpected character '\\n' at byte 2"},
		{`"\x"`, "unexpected character 'x' at byte 2"},
		{`"\u12"`, "invalid escape at byte 1"},
		{`"\u12g4"`, "invalid escape at byte 1"},
		{`"a\ud800"`, "invalid escape at byte 2"},
		{`"\ud800\u0041"`, "invalid escape at byte 1"},
		{`"\udc00\ud800"`, "invalid escape at byte 1"},
		{"\"a\xff\"", "invalid UTF-8 in the string at byte 1"},
		{"\"\xed\xa0\x80\"", "invalid UTF-8 in the string at byte 1"},
		{`01`, "unexpected character '1' at byte 1"},
		{`+1`, "unexpected character '+' at byte 0"},
		{`.5`, "unexpected character '.' at byte 0"},
		{`1.`, "unexpected end of input"},
		{`1e`, "unexpected end of input"},
		{`-`, "unexpected end of input"},
		{`-a`, "unexpected character 'a' at byte 1"},
		{`{"a":null,"a":null}`, "duplicate field 'a'"},
		{`{"a":null,"\u0061":null}`, "duplicate field 'a'"},
		{`{"@object":{"b":null,"b":null}}`, "duplicate field 'b'"},
		{`{"@int":"1","@int":"1"}`, "duplicate field '@int'"},
		{strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), "JSON exceeds nesting limit"},
		{strings.Repeat(`{"a":`, 100_000), "JSON exceeds nesting limit"},
	}
	for _, test := range tests {
		for _, f := range []Format{Tagged, Simple} {
			v, err := DecodeJSON([]byte(test.in), f)
			var wrong ValueError
			if v != nil || err == nil || err.Error() != test.want && !errors.As(err, &wrong) {
				t.Errorf("%.40s, format %d: %v, %v, want error %q", test.in, f, v, err, test.want)
			}
			if errors.As(err, &wrong) {
				t.Errorf("%.40s, format %d: reported as a wrong value: %v", test.in, f, err)
			}
		}
	}
}

func TestNestingLimit(t *testing.T) {
	deepest := nest(Null{}, MaxDepth)
	for _, f := range []Format{Tagged, Simple} {
		if v, err := DecodeJSON(AppendJSON(nil, deepest, f), f); err != nil || !same(v, deepest) {
			t.Errorf("format %d: %v", f, err)
		}
	}
	wide := "[" + strings.Repeat("[[]],", 1000) + "[]]" // the limit is about depth, not number
	if _, err := DecodeJSON([]byte(wide), Simple); err != nil {
		t.Error(err)
	}
}

func TestManyFields(t *testing.T) {
	var fields []Field
	for i := range 100 {
		fields = append(fields, Field{fmt.Sprint("f", i), Int(int32(i))})
	}
	b := AppendJSON(nil, NewObject(fields...), Tagged)
	if v, err := DecodeJSON(b, Tagged); err != nil || !same(v, &Object{fields}) {
		t.Errorf("%v, %v", v, err)
	}
	for _, twice := range []int{0, 23, 24, 25, 99} {
		b := append(b[:len(b)-1:len(b)-1], fmt.Sprintf(`,"f%d":null}`, twice)...)
		var dup *DuplicateError
		if _, err := DecodeJSON(b, Tagged); !errors.As(err, &dup) || dup.Name != fmt.Sprint("f", twice) {
			t.Errorf("f%d twice: %v", twice, err)
		}
	}
}

func TestTaggedRoundTrip(t *testing.T) {
	g := newGenerator(5)
	for range 20_000 {
		v := wireable(g.value(4))
		b := AppendJSON(nil, v, Tagged)
		if !json.Valid(b) {
			t.Fatalf("not JSON: %s", b)
		}
		if got, err := DecodeJSON(b, Tagged); err != nil || !same(got, v) {
			t.Fatalf("%s reads back as %v, %v", b, got, err)
		}
	}
}

// wireable is v with what clients cannot send, or what reads back as another kind, taken
// out.
func wireable(v Value) Value {
	switch v := v.(type) {
	case ID, UUID:
		return String(Display(v))
	case Ref:
		return Reference{Coll: "C", ID: fmt.Sprint(int64(v.ID))}
	case Array:
		out := make(Array, len(v))
		for i := range v {
			out[i] = wireable(v[i])
		}
		return out
	case *Object:
		out := v
		for _, f := range v.Fields() {
			out = out.With(f.Name, wireable(f.Value))
		}
		return out
	}
	return v
}

// readQuery is a miniature of what the engine does with a request body.
func readQuery(r *Reader) (text string, args []Value, err error) {
	var query func() error
	query = func() error {
		return r.Object(func(name string) error {
			if name == "value" {
				v, err := r.Value(Tagged)
				args = append(args, v)
				return err
			}
			return r.Array(func() error {
				if r.Peek() != '"' {
					return query()
				}
				s, err := r.String()
				text += s
				return err
			})
		})
	}
	err = r.Object(func(string) error { return query() })
	if err == nil {
		err = r.End()
	}
	return text, args, err
}

const queryBody = `{"query":{"fql":["let u = ",{"value":{"email":"ada@example.com","age":{"@int":"36"},"score":{"@double":"1.5"},` +
	`"seen":{"@time":"2024-05-01T10:00:00.123456Z"},"tags":["a","b"],"org":{"@ref":{"id":"7","coll":{"@mod":"Org"}}},` +
	`"note":"caf\u00e9 \"x\"","big":{"@long":"412345678901234567"}}},"\nexchange(u, ",{"fql":["f(",{"value":{"@int":"2"}},")"]},")"]}}`

func TestReaderWalksARequest(t *testing.T) {
	text, args, err := readQuery(NewReader([]byte(queryBody)))
	if err != nil || text != "let u = \nexchange(u, f())" || len(args) != 2 || args[1] != Int(2) {
		t.Fatalf("%q, %v, %v", text, args, err)
	}
	if note, _ := args[0].(*Object).Get("note"); note != String(`café "x"`) {
		t.Errorf("note = %v", note)
	}
	for n := range len(queryBody) {
		if _, _, err := readQuery(NewReader([]byte(queryBody[:n]))); err == nil {
			t.Fatalf("accepted when cut at byte %d", n)
		}
	}
}

func TestReaderGoesOnBehindAWrongValue(t *testing.T) {
	r := NewReader([]byte(`[{"a":[{"@int":"x","@y":[{}]}, null]}, {"@object":{"@int":[7]}}, "next", [ 1, {} ] ]`))
	var got []string
	err := r.Array(func() error {
		if r.Peek() == '"' {
			s, err := r.String()
			got = append(got, s)
			return err
		}
		if len(got) == 3 {
			raw, err := r.Raw()
			got = append(got, string(raw))
			return err
		}
		_, err := r.Value(Tagged)
		got = append(got, fmt.Sprint(err))
		return nil
	})
	want := []string{"too many keys in tagged value", "numbers must be tagged", "next", "[ 1, {} ]"}
	if err != nil || r.End() != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestReaderSaysWhatItExpected(t *testing.T) {
	no := func() error { t.Error("called"); return nil }
	for _, test := range []struct {
		want string
		err  error
	}{
		{"expected an object at byte 1", NewReader([]byte(" []")).Object(func(string) error { return no() })},
		{"expected an array at byte 0", NewReader([]byte("{}")).Array(no)},
		{"expected a string at byte 0", func() error { _, err := NewReader([]byte("1")).String(); return err }()},
	} {
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("%v, want %q", test.err, test.want)
		}
	}
}
