package syntax

import (
	"strings"
	"testing"
)

// checkPrint checks that n prints as text that parses to the same tree.
func checkPrint(t *testing.T, q *Query, src string) {
	t.Helper()
	text := Print(q)
	again, errs := ParseQuery(text)
	if errs != nil {
		t.Fatalf("%q prints as\n%s", src, Render("*print*", text, errs[0]))
	}
	if want, got := withoutCases(dump(q)), withoutCases(dump(again)); got != want {
		t.Errorf("%q prints as %q:\n got %s\nwant %s", src, text, got, want)
	}
	if twice := Print(again); twice != text {
		t.Errorf("%q prints as %q, then as %q", src, text, twice)
	}
}

// withoutCases forgets the numbers of template values: those in the cases of a match are lost.
func withoutCases(dump string) string {
	if !strings.Contains(dump, "(match") {
		return dump
	}
	return strings.NewReplacer("$3", "$", "$1", "$").Replace(dump)
}

func TestPrintQueries(t *testing.T) {
	for _, c := range queries {
		t.Run(c.name, func(t *testing.T) {
			q, errs := ParseQuery(c.src)
			if errs != nil {
				t.Fatal(errs[0])
			}
			checkPrint(t, q, c.src)
		})
	}
}

func TestPrint(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"blanks", "a+b *c", "a + b * c"},
		{"needless parentheses", "((a)+(b*c))", "a + b * c"},
		{"grouping to the right", "a - (b - c)", "a - (b - c)"},
		{"grouping of powers", "(a ** b) ** c ** d", "(a ** b) ** c ** d"},
		{"operand that needs parentheses", "(if (a) b else c) + 1", "(if (a) b else c) + 1"},
		{"lambda in an operand", "(x => x) == f", "(x => x) == f"},
		{"projection in an operand", "(a { b }) ?? c", "(a { b }) ?? c"},
		{"projection of a projection", "(a { b }) { c }", "(a { b }) { c }"},
		{"dangling else", "if (a) (if (b) c) else d", "if (a) (if (b) c) else d"},
		{"dangling else behind a lambda", "if (a) (x => if (b) c) else d", "if (a) (x => if (b) c) else d"},
		{"dangling else if", "if (a) (if (b) c else if (d) e) else f", "if (a) (if (b) c else if (d) e) else f"},
		{"dangling else behind at", "if (a) (at (t) if (b) c) else d", "if (a) (at (t) if (b) c) else d"},
		{"no dangling else", "if (a) (if (b) c else d) else f", "if (a) if (b) c else d else f"},
		{"minus of what begins with digits", "[-(1[0]), -(1(2)), -(a[1])]", "[-(1[0]), -(1(2)), -a[1]]"},
		{"minus of chains that do", "[-(1!), -(1?.a)]", "[-(1!), -(1?.a)]"},
		{"chain in parentheses", "(a?.b).c", "(a?.b).c"},
		{"bang of a chain", "(a?.b)!.c", "a?.b!.c"},
		{"minus of a number", "-(1)", "-(1)"},
		{"minus of a number's field", "-(1.a)", "-(1.a)"},
		{"minus of a negative", "-(-1)", "--1"},
		{"unary of a binary", "!(a && b)", "!(a && b)"},
		{"short lambda where it may stand", "a.map((.b + 1))", "a.map(.b + 1)"},
		{"short lambda where it may not", "[(.a)]", "[(.a)]"},
		{"short lambda with index and call", "f(.[0], .(1), .a?.(2))", "f(.[0], .(1), .a?.(2))"},
		{"one parameter", "(x) => x", "x => x"},
		{"parameters", "(x,...y) => x", "(x, ...y) => x"},
		{"strings", `'a"\u{202e}#{b}'`, `"a\"\u{202e}\#{b}"`},
		{"template", `"a#{ b }\n"`, `"a#{b}\n"`},
		{"floats", "[1.0, 1e21, 0x10000000000000000, -1e400]", "[1.0, 1e+21, 1.8446744073709552e+19, -1e999]"},
		{"object", "{a:1,'if':2,'b c':3}", `{ a: 1, if: 2, "b c": 3 }`},
		{"projection shorthand", "a { b: .b, c: .c { d }, e: .f }", "a { b, c { d }, e: .f }"},
		{"projection of all", "a {*}", "a { * }"},
		{"match", "match a { case _ => 1 }", "match a {}"},
		{"at", "at (t) a", "at (t) a"},
		{"block", "{ let a: Int = 1; a }", "{\n  let a: Int = 1\n  a\n}"},
		{"statements", "a; b", "a\nb"},
		{"empty things", "[{}, [], ()]", "[{}, [], ()]"},
		{
			"large object", "{ a: f(1, 2, 3, 4), b: f(1, 2, 3, 4), c: { d: g(1, 2, 3) } }",
			"{\n  a: f(1, 2, 3, 4),\n  b: f(1, 2, 3, 4),\n  c: { d: g(1, 2, 3) }\n}",
		},
		{
			"block in a lambda in a call", "f(x => { let y = x; y })",
			"f(x => {\n  let y = x\n  y\n})",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, errs := ParseQuery(c.src)
			if errs != nil {
				t.Fatal(errs[0])
			}
			if got := Print(q); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
			checkPrint(t, q, c.src)
		})
	}
}

func TestPrintKeepsTypedNodes(t *testing.T) {
	q, errs := ParseQuery("let a: Int? = 1; a")
	if errs != nil {
		t.Fatal(errs[0])
	}
	let := q.Body.Stmts[0].(*LetStmt)
	for _, c := range []struct {
		n    Node
		want string
	}{{let, "let a: Int? = 1"}, {let.Type, "Int?"}, {let.Value, "1"}, {q.Body, "{\n  let a: Int? = 1\n  a\n}"}} {
		if got := Print(c.n); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got := string(AppendQuery([]byte("// x\n"), q)); got != "// x\nlet a: Int? = 1\na" {
		t.Errorf("AppendQuery gave %q", got)
	}
}
