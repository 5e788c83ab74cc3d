package engine

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

func TestDecodeRequest(t *testing.T) {
	const v = "\x00"
	tests := []struct {
		name, body string
		text       string   // the source, a placeholder for each value
		values     []string // displayed
	}{
		{"plain", `{"query":"1 + 1"}`, "1 + 1", nil},
		{"template", `{"query":{"fql":["a ",{"value":{"@int":"1"}}," b"]}}`, "a " + v + " b", []string{"1"}},
		{"empty template", `{"query":{"fql":[]}}`, "", nil},
		{"one value", `{"query":{"value":"x"}}`, v, []string{"x"}},
		{"spliced", `{"query":{"fql":["a + ",{"fql":["b"," + c"]}]}}`, "a + b + c", nil},
		{"spliced text as Q", `{"query":{"fql":["a + ",{"fql":["b"]}," + ",{"value":true}]}}`, "a + b + " + v, []string{"true"}},
		{"values in order", `{"query":{"fql":[{"value":"a"},{"fql":[{"value":"b"}]},{"value":"c"}]}}`, v + v + v,
			[]string{"a", "b", "c"}},
		{"tagged whatever the format", `{"query":{"value":{"@long":"5"}}}`, v, []string{"5"}},
		{"object of values", `{"query":{"object":{"a":{"value":"x"},"@b":{"value":{"@int":"2"}}}}}`, v, []string{`{ a: "x", "@b": 2 }`}},
		{"array of values", `{"query":{"array":[{"value":"x"},{"value":null}]}}`, v, []string{`["x", null]`}},
		{"empty object", `{"query":{"object":{}}}`, v, []string{`{}`}},
		{"empty array", `{"query":{"array":[]}}`, v, []string{`[]`}},
		{"values in values", `{"query":{"array":[{"object":{"a":{"array":[{"value":"x"}]}}}]}}`, v, []string{`[{ a: ["x"] }]`}},
		{"composed object", `{"query":{"object":{"a":{"fql":["1 // one"]},"b":{"value":"x"}}}}`,
			"{'a': (1 // one\n), 'b': " + v + "}", []string{"x"}},
		{"composed array", `{"query":{"array":["1",{"value":"x"},{"array":[{"value":"y"}]}]}}`,
			"[(1\n), " + v + ", " + v + "]", []string{"x", `["y"]`}},
		{"composed within", `{"query":{"array":[{"object":{"a":"1"}}]}}`, "[({'a': (1\n)}\n)]", nil},
		{"keys are quoted", `{"query":{"object":{"it's #{x} \\":"1"}}}`, `{'it\'s #{x} \\': (1` + "\n)}", nil},
		{"arguments behind", `{"query":"x","arguments":{"x":{"@int":"1"}}}`, "x", nil},
		{"arguments in front", `{"arguments":{},"query":"x"}`, "x", nil},
		{"white space", " { \"query\" : { \"fql\" : [ ] } } \n", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q, err := decodeRequest([]byte(tt.body), value.Tagged)
			if err != nil {
				t.Fatal(err)
			}
			if q.mistake != nil {
				t.Fatal(q.mistake)
			}
			if q.text != tt.text {
				t.Errorf("text %q, want %q", q.text, tt.text)
			}
			var got []string
			for _, v := range q.values {
				got = append(got, value.Display(v))
			}
			if strings.Join(got, " ") != strings.Join(tt.values, " ") {
				t.Errorf("values %s, want %s", got, tt.values)
			}
		})
	}
}

func TestDecodeArguments(t *testing.T) {
	const body = `{"query":"x","arguments":{"x":1,"y":{"@int":"2"}}}`
	q, err := decodeRequest([]byte(body), value.Simple)
	if err != nil {
		t.Fatal(err)
	}
	if got := value.Display(value.NewObject(q.arguments...)); got != `{ x: 1, y: { "@int": "2" } }` {
		t.Errorf("arguments = %s", got)
	}
	if _, err := decodeRequest([]byte(body), value.Tagged); err == nil || err.Error() != "Invalid argument 'x': numbers must be tagged" {
		t.Errorf("tagged: %v", err)
	}
}

func TestDecodeRequestRefuses(t *testing.T) {
	deep := strings.Repeat(`{"array":[`, 100) + `"1"` + strings.Repeat("]}", 100)
	tests := []struct{ name, body, want string }{
		{"nothing", "", "No request body provided"},
		{"blank", " ", "Invalid request body: unexpected end of input"},
		{"no JSON", "foo", "Invalid request body: unexpected character 'f' at byte 0"},
		{"cut off", `{"query":`, "Invalid request body: unexpected end of input"},
		{"cut off in a Q", `{"query":{"fql":["a"`, "Invalid request body: unexpected end of input"},
		{"trailing", `{"query":"1"} x`, "Invalid request body: unexpected character 'x' at byte 14"},
		{"array", `[]`, "Invalid request body"},
		{"string", `"1"`, "Invalid request body"},
		{"no query", `{}`, "Invalid request body"},
		{"only arguments", `{"arguments":{}}`, "Invalid request body"},
		{"unknown field", `{"query":"1","x":1}`, "Invalid request body"},
		{"query twice", `{"query":"1","query":"2"}`, "Invalid request body: duplicate field 'query'"},
		{"query is a number", `{"query":1}`, "Invalid request body"},
		{"query is null", `{"query":null}`, "Invalid request body"},
		{"query is an array", `{"query":[]}`, "Invalid request body"},
		{"Q is empty", `{"query":{}}`, "Invalid request body"},
		{"Q of two kinds", `{"query":{"fql":[],"value":1}}`, "Invalid request body"},
		{"Q of an unknown kind", `{"query":{"sql":"1"}}`, "Invalid request body"},
		{"fql is a string", `{"query":{"fql":"1"}}`, "Invalid request body"},
		{"number in fql", `{"query":{"fql":[1]}}`, "Invalid request body"},
		{"object is an array", `{"query":{"object":[]}}`, "Invalid request body"},
		{"array is an object", `{"query":{"array":{}}}`, "Invalid request body"},
		{"a plain value in an object", `{"query":{"object":{"a":1}}}`, "Invalid request body"},
		{"arguments is an array", `{"query":"1","arguments":[]}`, "Invalid request body"},
		{"bad argument", `{"query":"1","arguments":{"k":{"@int":"x"}}}`, "Invalid argument 'k': invalid integer"},
		{"unknown tag in an argument", `{"query":"1","arguments":{"k":{"@foo":"x"}}}`, "Invalid argument 'k': invalid tag '@foo'"},
		{"too deep", `{"query":` + deep + `}`, "Invalid request body: JSON exceeds nesting limit"},
		{"NUL", `{"query":"1 \u0000"}`, "Invalid request body: a query must not contain NUL characters"},
		{"NUL in a key", `{"query":{"object":{"\u0000":"1"}}}`, "Invalid request body: a query must not contain NUL characters"},
		{"UTF-8", "{\"query\":\"\xff\"}", "Invalid request body: invalid UTF-8 in the string at byte 10"},
		{"twice in a value", `{"query":{"value":{"a":true,"a":true}}}`, "Invalid request body: duplicate field 'a'"},
		{"twice in a composed object", `{"query":{"object":{"a":"1","a":"2"}}}`, "Duplicate object field `a`"},
		{"twice, further in", `{"query":{"object":{"b":{"object":{"a":"1","a":"2"}}}}}`, "Duplicate object field `a`"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q, err := decodeRequest([]byte(tt.body), value.Tagged)
			if err == nil {
				t.Fatalf("accepted as %+v", q)
			}
			if err.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
		})
	}
}

// TestDecodeMistakes: a wrong value is a mistake of the query, where its placeholder stands.
func TestDecodeMistakes(t *testing.T) {
	tests := []struct {
		name, body, text, msg string
		at                    int
	}{
		{"number", `{"query":{"fql":["ab ",{"value":5}]}}`, "ab \x00", "numbers must be tagged", 3},
		{"first of two", `{"query":{"fql":[{"value":{"@int":"x"}},{"value":5}]}}`, "\x00\x00", "invalid integer", 0},
		{"in a collapsed array", `{"query":{"fql":["a",{"array":[{"value":"x"},{"value":5}]},"b"]}}`, "a\x00b", "numbers must be tagged", 1},
		{"in a composed array", `{"query":{"array":["1",{"value":5}]}}`, "[(1\n), \x00]", "numbers must be tagged", 7},
		{"in front of a collapsed array", `{"query":{"fql":[{"value":5},{"array":[]}]}}`, "\x00\x00", "numbers must be tagged", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q, err := decodeRequest([]byte(tt.body), value.Simple)
			if err != nil {
				t.Fatal(err)
			}
			want := syntax.Span{Start: tt.at, End: tt.at + 1}
			if m := q.mistake; q.text != tt.text || m == nil || m.Msg != tt.msg || m.Span != want {
				t.Errorf("got %q with %+v, want %q with %s at %v", q.text, m, tt.text, tt.msg, want)
			}
		})
	}
}

// FuzzRequest: whatever a body holds, a query that comes out of it is consistent.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"query":"1 + 1"}`,
		`{"query":{"fql":["a ",{"value":{"@int":"1"}},{"fql":["b"]}]},"arguments":{"x":{"@time":"2024-01-02T03:04:05Z"}}}`,
		`{"query":{"object":{"a":{"array":["1",{"value":null}]},"b":{"object":{}}}}}`,
		`{"query":{"array":[{"value":5},{"object":{"it's":"x"}}]}}`,
		`{"query":{"value":{"@object":{"@int":{"@long":"9"}}}}}`,
		`{"query":"\u0000"}`, `{"query":`, `[]`, ``,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, tagged bool) {
		format := value.Simple
		if tagged {
			format = value.Tagged
		}
		given := bytes.Clone(body)
		q, err := decodeRequest(body, format)
		if !bytes.Equal(body, given) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			var request requestError
			var duplicate duplicateField
			if !errors.As(err, &request) && !errors.As(err, &duplicate) {
				t.Fatalf("an error of no kind: %T %v", err, err)
			}
			return
		}
		if n := strings.Count(q.text, "\x00"); n != len(q.values) {
			t.Fatalf("%d placeholders for %d values in %q", n, len(q.values), q.text)
		}
		if !utf8.ValidString(q.text) {
			t.Fatalf("the text is not UTF-8: %q", q.text)
		}
		if m := q.mistake; m != nil && q.text[m.Span.Start:m.Span.End] != "\x00" {
			t.Fatalf("the mistake %q is not at a placeholder of %q", m.Msg, q.text)
		}
		for _, v := range q.values {
			if v == nil {
				t.Fatal("a value is nil")
			}
		}
	})
}

func BenchmarkDecodeRequest(b *testing.B) {
	body := []byte(`{"query":{"fql":["exchangeAuth0Jwt(",{"value":{"tenant":"default","issuer":"https://tenant.eu.auth0.com/",` +
		`"sub":"auth0|0123456789abcdef","hash":"` + strings.Repeat("ab", 32) + `","client_id":"x","scope":["read:todo","write:todo"],` +
		`"permissions":[],"org_id":null,"issued_at":{"@time":"2026-11-20T11:00:00Z"},"expires_at":{"@time":"2026-11-20T12:00:00Z"},` +
		`"max_ttl":{"@int":"3600"},"user":{},"claims":{}}},")"]}}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := decodeRequest(body, value.Tagged); err != nil {
			b.Fatal(err)
		}
	}
}
