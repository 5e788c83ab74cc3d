package eval

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// errorOf runs a query that must fail.
func errorOf(t *testing.T, ev *evaluator, src string) *Error {
	t.Helper()
	out, err := runPure(ev, src)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: got %s, %v, want a failed query", src, out, err)
	}
	return e
}

func TestSummary(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"one place", "1 / 0", `
error: Attempted integer division by zero.
at *query*:1:5
  |
1 | 1 / 0
  |     ^
  |`},
		{"calls that led there", "let f = x => x!.a\n[1, null].map(f)", `
error: Null literal value
at *query*:1:14
  |
1 | let f = x => x!.a
  |              ^^
  |
at *query*:2:14
  |
2 | [1, null].map(f)
  |              ^^^
  |`},
		{"a method's arguments", `"ab".at(2)`, `
error: index 2 out of bounds for length 2
at *query*:1:8
  |
1 | "ab".at(2)
  |        ^^^
  |`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := errorOf(t, newPure(Limits{}), tt.src).Summary(false); got != tt.want[1:] {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want[1:])
			}
		})
	}
}

// Who may not read a function must not see its source in an error.
func TestSummaryHidesOtherSources(t *testing.T) {
	const fql = "function secret(x) { x / 0 }"
	e := errorf("divide_by_zero", "Attempted integer division by zero.")
	e.Source, e.Span = schema.Source{Name: "*main.fsl*", Text: fql}, syntax.Span{Start: 25, End: 26}
	e.Stack = []call{{schema.Source{Name: queryName, Text: "secret(1)"}, syntax.Span{Start: 6, End: 9}}}
	if got := e.Summary(true); !strings.Contains(got, fql) || !strings.Contains(got, "at *query*:1:7") {
		t.Errorf("the full summary lacks a place:\n%s", got)
	}
	want := `
error: Attempted integer division by zero.
at *query*:1:7
  |
1 | secret(1)
  |       ^^^
  |`
	if got := e.Summary(false); got != want[1:] {
		t.Errorf("got\n%s\nwant\n%s", got, want[1:])
	}
	e.Stack = nil
	if got := e.Summary(false); got != "error: Attempted integer division by zero.\nat <no source>" {
		t.Errorf("got\n%s", got)
	}
}

func TestSummaryOfConstraintFailures(t *testing.T) {
	e := errorf("constraint_failure", "Failed to create document in collection `C`.")
	e.Failures = []Failure{
		{[][]any{{"a", 0, "b"}}, "Unexpected field provided"},
		{[][]any{{"x"}, {"y"}}, "Failed unique constraint"},
		{nil, "Document failed check constraint `ok`"},
	}
	want := "error: Failed to create document in collection `C`.\nconstraint failures:\n" +
		"  a.0.b: Unexpected field provided\n  x, y: Failed unique constraint\n  Document failed check constraint `ok`\nat <no source>"
	if got := e.Summary(true); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLog(t *testing.T) {
	ev := newPure(Limits{})
	if _, err := runPure(ev, "log('hi', 1)\nlet x = dbg({ a: [1.0] })\nx"); err != nil {
		t.Fatal(err)
	}
	want := `
info at *query*:1: hi 1

info: { a: [1.0] }
at *query*:2:12
  |
2 | let x = dbg({ a: [1.0] })
  |            ^^^^^^^^^^^^^^
  |`
	if got := ev.logged(false); got != want[1:] {
		t.Errorf("got\n%s\nwant\n%s", got, want[1:])
	}
	ev.log[0].place.source.Name = "*main.fsl*"
	if got := ev.logged(false); strings.Contains(got, "hi 1") {
		t.Errorf("the log of a function is shown:\n%s", got)
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		name   string
		limits Limits
		src    string
		code   string
	}{
		{"steps", Limits{Steps: 5000}, "Array.sequence(0, 10000).map(x => x + 1)", "invalid_request"},
		{"steps of comparing", Limits{Steps: 5000}, "let a = Array.sequence(0, 4000); [a, a] == [a, a]", "invalid_request"},
		{"steps of long strings", Limits{Steps: 5000},
			"let s = Array.sequence(0, 20).fold('a', (s, x) => s + s)\nArray.sequence(0, 100).map(x => s.includes('b'))", "invalid_request"},
		{"frames", Limits{Frames: 10}, "let f = f => f(f); f(f)", "stack_overflow"},
		{"built", Limits{Built: 1 << 20}, "let s = Array.sequence(0, 12).fold('a', (s, x) => s + s)\nArray.sequence(0, 1000).map(x => s + x)", "value_too_large"},
		{"nesting", Limits{}, strings.Repeat("[", 400) + strings.Repeat("]", 400) + ".x!", "null_value"},
		{"a shared value's text", Limits{}, "let a = Array.sequence(0, 40).fold(['a'], (a, x) => [a, a])\na.toString()", "invalid_request"},
		{"a long text", Limits{}, "let s = Array.sequence(0, 20).fold('a', (s, x) => s + s)\nArray.sequence(0, 20).map(x => s).toString()", "value_too_large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if e := errorOf(t, newPure(tt.limits), tt.src); e.Code != tt.code {
				t.Errorf("got %v, want code %s", e, tt.code)
			}
		})
	}
}

// A recursion as deep and as wide as allowed must end in an error, not in a Go stack that
// is used up.
func TestDeepRecursion(t *testing.T) {
	wide := strings.Repeat("[", 40) + "f(f)" + strings.Repeat("]", 40)
	e := errorOf(t, newPure(Limits{Steps: 1 << 40}), "let f = f => "+wide+"\nf(f)")
	if e.Code != "stack_overflow" {
		t.Errorf("got %v", e)
	}
	long := "1" + strings.Repeat(" + 1", 14_000)
	if got, err := runPure(newPure(Limits{}), long); err != nil || got != `{"@int":"14001"}` {
		t.Errorf("a long sum: got %s, %v", got, err)
	}
}

func TestContextEndsQuery(t *testing.T) {
	ev := newPure(Limits{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ev.ctx = ctx
	_, err := runPure(ev, "Array.sequence(0, 10000).map(x => x)")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestEffects(t *testing.T) {
	ev := newPure(Limits{})
	var e *Error
	err := ev.within(resolve.Pure, "default values", func() error {
		_, err := runPure(ev, "newId()")
		return err
	})
	if !errors.As(err, &e) || e.Code != "invalid_effect" || e.Message != "`newId` performs an observation, which is not allowed in default values." {
		t.Errorf("got %v", err)
	}
	if ev.limit != resolve.Write || ev.where != "" {
		t.Errorf("the cap stays: %v in %q", ev.limit, ev.where)
	}
	// An inner context cannot allow more than the outer one.
	err = ev.within(resolve.Observation, "default values", func() error {
		return ev.within(resolve.Read, "set functions", func() error { return ev.need(resolve.Read, "all") })
	})
	if !errors.As(err, &e) || e.Message != "`all` performs a read, which is not allowed in default values." {
		t.Errorf("got %v", err)
	}
}

func TestTemplateValuesAndArguments(t *testing.T) {
	ev := newPure(Limits{})
	ev.values = []value.Value{value.Int(40), value.String("x")}
	ev.args = []value.Field{{Name: "two", Value: value.Int(2)}}
	got, err := runPure(ev, "let x = \x00\n[x + two, \x00]")
	if want := `[{"@int":"42"},"x"]`; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// An error is shared by nobody: locating one must not change the next.
func TestErrorsAreFresh(t *testing.T) {
	first := errorOf(t, newPure(Limits{}), "Date('2024-01-01').add(1e18, 'day')")
	second := errorOf(t, newPure(Limits{}), "\n\nDate('2024-01-01').add(1e18, 'day')")
	if first == second || first.Source == second.Source {
		t.Errorf("one error for two queries: %v", first)
	}
}

// Each name that the engine refuses by name must not be there.
func TestUnsupportedNamesAreAbsent(t *testing.T) {
	for name := range faunaNames {
		if builtinGlobal(name) != nil {
			t.Errorf("%s is refused as not supported, but it is there", name)
		}
	}
	tables := map[string]table{"String": stringMethods, "Set": setMethods}
	for name := range faunaMembers {
		receiver, member, _ := strings.Cut(name, ".")
		methods, ok := tables[receiver]
		if !ok {
			methods = coreModules[receiver]
		}
		if _, ok := methods[member]; ok {
			t.Errorf("%s is refused as not supported, but it is there", name)
		}
		if _, ok := systemModules[receiver][member]; ok {
			t.Errorf("%s is refused as not supported, but it is there", name)
		}
	}
}

// Tables must not name a type that checkArg does not know.
func TestParameterTypes(t *testing.T) {
	known := map[string]bool{
		"": true, "Int": true, "Number": true, "String": true, "Boolean": true, "Array": true, "Object": true,
		"Struct": true, "Time": true, "Date": true, "Function(1)": true, "Function(2)": true,
	}
	check := func(where string, tab table) {
		for name, b := range tab {
			if b.fn == nil {
				t.Errorf("%s.%s has no function", where, name)
			}
			for i, p := range b.params {
				_, want, _ := strings.Cut(p, ": ")
				if !known[want] {
					t.Errorf("%s.%s: unknown type in %q", where, name, p)
				}
				if strings.HasPrefix(p, "...") && i != len(b.params)-1 {
					t.Errorf("%s.%s: %q is not the last parameter", where, name, p)
				}
			}
		}
	}
	for name, tab := range map[string]table{
		"String": stringMethods, "Bytes": bytesMethods, "Array": arrayMethods, "Time": timeMethods, "Date": dateMethods,
		"any": commonMethods, "Set": setMethods, "document": documentMethods, "Credential": credentialMethods,
	} {
		check(name, tab)
	}
	for name, tab := range coreModules {
		check(name, tab)
	}
	for name, tab := range systemModules {
		check(name, tab)
	}
}
