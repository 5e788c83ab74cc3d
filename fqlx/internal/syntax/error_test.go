package syntax

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	atEnd   = "\x00" // of the source
	noBlock = "Unexpected end of block. Expected statement or expression"
	noQuery = "Unexpected end of query. Expected statement or expression"
	anon    = "Invalid anonymous field access"
)

// queryErrors are queries that do not parse, the text that is pointed at (its first
// occurrence, unless a caret is written before it), and what is said.
var queryErrors = []struct{ src, at, want string }{
	{"", atEnd, noQuery},
	{"// nothing", atEnd, noQuery},
	{"2 3", "3", "Expected end-of-input"},
	{"##", "#", noQuery},
	{"}", "}", noQuery},
	{"a; #", "#", "Expected end-of-input"},
	{"a => b => c }", "}", "Expected end-of-input"},
	{"('a') => null", "=", "Expected end-of-input"},
	{"a { b }.c", ".", "Expected end-of-input"},
	{"01", "1", "Expected end-of-input"},

	{"{", atEnd, noBlock},
	{"{ a:", atEnd, "Expected expression"},
	{"{ a: }", "}", "Expected expression"},
	{"{ a: 1 b: 2 }", "b", "Expected `,` or `}`"},
	{"{ a: 1, 2: 3 }", "2", "Expected `}` or identifier"},
	{"{ a: 1, b 2 }", "2", "Expected `:`"},
	{"{ a b }", "b", "Expected `}`"},
	{"{ a: (3 }", "}", "Expected `)`, `,`, or `...`"},
	{"{ a: [3 }", "}", "Expected `,` or `]`"},
	{"{ a: 2, b: 3, a: 4 }", "^a: 4", "Duplicate key"},
	{`{ "#{x}": 2 }`, "x", "Object keys do not support interpolation"},
	{`{ a: 1, "b#{x}": 2 }`, "x", "Object keys do not support interpolation"},

	{"if", atEnd, "Expected `(`"},
	{"if true", "t", "Expected `(`"},
	{"if (true)", atEnd, "Expected expression"},
	{"if (true) 3 else", atEnd, "Expected expression"},
	{"if (true 3", "3", "Expected `)`"},
	{"at a", "^a", "Expected `(`"},
	{"1 + if (a) b", "if", "Invalid identifier"},
	{"1 + x => x", "=", "Expected end-of-input"},

	{"let", atEnd, "Expected identifier"},
	{"let.foo", ".", "Expected identifier"},
	{"let a", atEnd, "Expected `:` or `=`"},
	{"let a:", atEnd, "Expected type"},
	{"let a: int", atEnd, "Expected `<` or `=`"},
	{"let a: int 3", "3", "Expected `=`"},
	{"let a: 1 | ##", "#", "Expected type"},
	{"let a =", atEnd, "Expected expression"},
	{"let a: int =", atEnd, "Expected expression"},
	{"let let = 3", "^let =", "Invalid identifier"},
	{"let true = 3", "true", "Invalid identifier"},
	{"let FQL = 3", "FQL", "Invalid identifier"},
	{"let _ = 3", "_", "Invalid identifier"},
	{"f(let a = 1)", "let", "Invalid identifier"},
	{"a + of", "of", "Invalid identifier"},
	{"{ x; let y = 1 }", "}", "Missing return expression"},
	{"let y = 1\n", atEnd, "Missing return expression"},

	{"3.", atEnd, "Expected digit or identifier"},
	{"a.", atEnd, "Expected identifier"},
	{"a?.", atEnd, "Expected identifier"},
	{"3e", atEnd, "Expected digit"},
	{"0x", atEnd, "Expected hex digit"},
	{"0b2", "2", "Expected binary digit"},
	{"0o_", atEnd, "Expected octal digit"},
	{"foo(,)", ",", "Expected `)` or expression"},
	{"foo(", atEnd, "Expected `)` or expression"},
	{"foo(a", atEnd, "Expected `)` or `,`"},
	{"foo(3", atEnd, "Expected `)` or `,`"},
	{"[,]", ",", "Expected `]` or expression"},
	{"foo[", atEnd, "Expected `]` or expression"},
	{"(,)", ",", "Expected `)`, `...`, or expression"},
	{"(a, ...b, c) => 1", "^, c", "Expected `)`"},
	{"(...a)", "(...a)", "invalid variadic tuple"},
	{"(a + 1, ...b) => 1", "(a + 1, ...b)", "invalid variadic tuple"},
	{"(x, foo, x) => x", "^x) =", "Duplicate lambda argument"},
	{"(x, ...x) => x", "^x) =", "Duplicate lambda argument"},
	{"a ==", atEnd, "Expected expression"},
	{"- \n 1", "\n", "Expected expression"},

	{".foo", ".foo", anon},
	{"{ let a = .foo; 3 }", ".foo", anon},
	{"2 + .foo", "2 + .foo", anon},
	{"(.foo + .bar) / 3", "(.foo + .bar) / 3", anon},
	{"[.a]", ".a", anon},
	{"f({ a: .b })", ".b", anon},
	{"f(if (.a) 1)", ".a", anon},
	{"f(x => .a)", ".a", anon},
	{`f("#{.a}")`, ".a", anon},
	{"match .a {}", ".a", anon},

	{`'a`, atEnd, "Expected `'`"},
	{`"a#{b`, atEnd, "Expected `}`"},
	{`"a#{b}`, atEnd, "Expected `\"`"},
	{`"a#{}"`, "}", "Expected expression"},
	{`'\u12'`, "^'", "Expected hex digit"},
	{`'\uz'`, "z", "Expected `{` or hex digit"},
	{`'\u{1234'`, "^'", "Expected `}` or hex digit"},
	{`'\u{1234567}'`, "7", "Expected `}`"},
	{`'\xg'`, "g", "Expected hex digit"},
	{`'\3'`, "3", "Expected escape code"},
	{`"\udc00"`, `\udc00`, "Invalid escape"},
	{`"\u{11ffff}"`, `\u{11ffff}`, "Invalid escape"},
	{"'a\u202eb'", "\u202e", "Invalid character U+202E in string"},
	{"'a\x01b'", "\x01", "Invalid character U+0001 in string"},
	{"'a\xffb'", "\xff", "Invalid UTF-8 in string"},
	{"1 // \x1b[0m", "\x1b", "Invalid character U+001B in comment"},
	{"'a\x00b'", "^\x00", "A template value cannot stand in a string"},
	{"/* a /* b */", atEnd, "Expected `*/`"},
	{"<<-END\na", atEnd, "Expected `END`"},
	{"<<-END a\nEND", "^a", "Expected a newline"},
	{"<<-", atEnd, "Expected identifier"},
	{"<<-END\n\x02\nEND", "\x02", "Invalid character U+0002 in string"},
	{"é", "é", noQuery},

	{"foo { 3 }", "3", "Expected `*` or identifier"},
	{"foo { foo: }", "}", "Expected expression"},
	{"foo { foo: 3 bar }", "b", "Expected `,` or `}`"},
	{"foo { * a }", "^a }", "Expected `}`"},
	{"foo { a, if }", "if", "Invalid identifier"},
	{"foo { a, 3 }", "3", "Expected `}` or identifier"},
	{"match a { (] }", "]", "Expected `)`"},
	{"match a { case", atEnd, "Expected `}`"},
	{"match a", atEnd, "Expected `{`"},

	{"let a: { b: Int = 1 } = 1; a", "1", "Default values are not allowed here"},
	{"let a: { *: Int, b: Int } = 1; a", "^b", "Wildcard must be the last element in an object"},
	{"let a: { b: Int, b: Int } = 1; a", "^b: Int }", "Duplicate key"},
	{"let a: { b: Int, ... } = 1; a", "...", "Interface types are not supported"},
	{"let a: A & B = 1; a", "&", "Intersection types are not supported"},
	{"let a: (b: A) = 1; a", "b", "Only lambda argument types may be named"},
	{"let a: (A, ...B) = 1; a", "B", "Invalid variadic argument"},
	{"let a: (...A, B) => C = 1; a", "A", "Invalid variadic argument"},
	{"let a: Array<> = 1; a", ">", "Expected type"},
	{"let a: Foo..Bar = 1; a", ".", "Expected `<` or `=`"},
	{"let a: \"#{b}\" = 1; a", "\"#{b}\"", "Types do not support interpolation"},
}

// place finds what an error of a table points at.
func place(t *testing.T, src, at string) Span {
	t.Helper()
	if at == atEnd {
		return Span{len(src), len(src)}
	}
	only, behind := strings.CutPrefix(at, "^")
	i := strings.Index(src, only)
	if behind {
		i = strings.LastIndex(src, only)
		word := wordEnd(only, 0)
		only = only[:max(word, 1)]
	}
	if i < 0 {
		t.Fatalf("%q is not in %q", only, src)
	}
	return Span{i, i + len(only)}
}

func TestQueryErrors(t *testing.T) {
	for _, c := range queryErrors {
		t.Run(c.src, func(t *testing.T) {
			q, errs := ParseQuery(c.src)
			if q != nil || len(errs) != 1 {
				t.Fatalf("got a query: %v, %d errors", q != nil, len(errs))
			}
			if errs[0].Msg != c.want {
				t.Errorf("got %q, want %q", errs[0].Msg, c.want)
			}
			if want := place(t, c.src, c.at); errs[0].Span != want {
				t.Errorf("at %v, want %v", errs[0].Span, want)
			}
			if errs[0].Error() != errs[0].Msg {
				t.Errorf("Error() = %q", errs[0].Error())
			}
		})
	}
}

func TestLambdaErrors(t *testing.T) {
	for _, c := range []struct{ src, at, want string }{
		{"", atEnd, noQuery},
		{"1 + 2", "1 + 2", "Body must be a lambda expression."},
		{"x => x; y", ";", "Expected end-of-input"},
		{"x => \x00", "\x00", "Expected expression"},
	} {
		l, errs := ParseLambda(c.src)
		if l != nil || len(errs) != 1 {
			t.Fatalf("%q: got a lambda: %v, %d errors", c.src, l != nil, len(errs))
		}
		want := Span{strings.Index(c.src, c.at), strings.Index(c.src, c.at) + len(c.at)}
		if c.at == atEnd && c.src == "" {
			want = Span{}
		}
		if errs[0].Msg != c.want || errs[0].Span != want {
			t.Errorf("%q: got %q at %v, want %q at %v", c.src, errs[0].Msg, errs[0].Span, c.want, want)
		}
	}
}

// nest is what nests: prefix and suffix repeated around a middle.
var nest = []struct{ name, prefix, middle, suffix string }{
	{"parentheses", "(", "1", ")"},
	{"blocks", "{", "1", "}"},
	{"objects", "{a:", "1", "}"},
	{"arrays", "[", "1", "]"},
	{"tuples", "(1,", "1", ")"},
	{"calls", "f(", "1", ")"},
	{"indexes", "a[", "1", "]"},
	{"unary", "-", "a", ""},
	{"not", "!", "a", ""},
	{"powers", "a**", "a", ""},
	{"lambdas", "x=>", "1", ""},
	{"lambdas in parentheses", "(x,y)=>", "1", ""},
	{"ifs", "if(a)", "1", ""},
	{"else ifs", "if(a)1 else ", "1", ""},
	{"ats", "at(a)", "1", ""},
	{"strings", `"#{`, "1", `}"`},
	{"keys", `{"#{`, "1", `}"}`},
	{"heredocs", "<<+A\n#{", "1", "}\nA"},
	{"projections", "a{b", "{c}", "}"},
	{"projected values", "a{b:", "1", "}"},
	{"types", "let x:(", "A", ")=1;x"},
	{"type arguments", "let x:A<", "A", ">=1;x"},
	{"function types", "let x:A=>", "A", "=1;x"},
	{"braces of a match", "match a{", "", "}"},
	{"comments", "/*", "", "*/1"},
}

func TestNestingLimit(t *testing.T) {
	for _, c := range nest {
		t.Run(c.name, func(t *testing.T) {
			build := func(n int) string {
				prefix, suffix := c.prefix, c.suffix
				before, after := "", ""
				if i := strings.Index(prefix, ":"); strings.HasPrefix(prefix, "let") {
					before, prefix = prefix[:i+1], prefix[i+1:]
					j := strings.Index(suffix, "=")
					suffix, after = suffix[:j], suffix[j:]
				} else if strings.HasPrefix(prefix, "match") {
					before, prefix = prefix[:len(prefix)-1], "{"
				} else if strings.HasPrefix(prefix, "/*") {
					suffix, after = "*/", "1"
				}
				return before + strings.Repeat(prefix, n) + c.middle + strings.Repeat(suffix, n) + after
			}
			if _, errs := ParseQuery(build(100)); errs != nil {
				t.Fatalf("100 deep: %s at %v", errs[0].Msg, errs[0].Span)
			}
			for _, n := range []int{maxDepth + 1, 100_000} {
				_, errs := ParseQuery(build(n))
				if c.name == "braces of a match" || c.name == "comments" {
					if errs != nil {
						t.Errorf("%d deep: %s; these need no limit", n, errs[0].Msg)
					}
				} else if len(errs) != 1 || errs[0].Msg != "nesting too deep" {
					t.Errorf("%d deep: %v", n, errs)
				}
			}
			// Cut off in the middle there is some error, but no panic.
			ParseQuery(strings.Repeat(c.prefix, 10_000))
		})
	}
}

// Chains are loops to the parser but deep trees to others.
func TestChainLimit(t *testing.T) {
	for _, c := range []struct{ name, head, link string }{
		{"operators", "1", "+1"},
		{"fields", "a", ".a"},
		{"optional fields", "a", "?.a!"},
		{"calls", "a", "(1)"},
		{"indexes", "a", "[1]"},
		{"bangs", "a", "!"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, errs := ParseQuery(c.head + strings.Repeat(c.link, 4_000))
			if errs != nil {
				t.Fatalf("4000 links: %v", errs[0])
			}
			if h := height(q); h > maxHeight {
				t.Errorf("4000 links: height %d", h)
			}
			_, errs = ParseQuery(c.head + strings.Repeat(c.link, 100_000))
			if len(errs) != 1 || errs[0].Msg != "nesting too deep" {
				t.Errorf("100000 links: %v", errs)
			}
		})
	}
	t.Run("a sum of 10001 is fine", func(t *testing.T) {
		if _, errs := ParseQuery("0" + strings.Repeat("+1", 10_000)); errs != nil {
			t.Error(errs[0])
		}
	})
	t.Run("many short chains are fine", func(t *testing.T) {
		if _, errs := ParseQuery("[" + strings.Repeat("a.b(1).c,", 50_000) + "]"); errs != nil {
			t.Error(errs[0])
		}
	})
	t.Run("chains within chains", func(t *testing.T) {
		src := "1"
		for range 100 {
			src = "(" + src + strings.Repeat("+1", 1_000) + ")"
		}
		if _, errs := ParseQuery(src); len(errs) != 1 || errs[0].Msg != "nesting too deep" {
			t.Errorf("%v", errs)
		}
	})
}

func height(n Node) int {
	h := 0
	eachChild(n, func(c Node) bool {
		h = max(h, height(c))
		return true
	})
	return h + 1
}

// Texts where a parser that looks ahead or backtracks would take quadratic or exponential time:
// megabytes must not take longer than their share. The bound is generous; what it guards
// against takes minutes.
func TestLinearTime(t *testing.T) {
	const n = 200_000
	space := strings.Repeat(" \n", n)
	for name, src := range map[string]string{
		"long white space below ifs":       strings.Repeat("if(a)", 400) + "1" + space + "2",
		"long comments below lambdas":      strings.Repeat("x=>", 400) + "1" + "//" + strings.Repeat("x", n) + "\n" + space,
		"white space below parentheses":    strings.Repeat("(", 400) + "1" + space + strings.Repeat(")", 400),
		"tuples that might be lambdas":     strings.Repeat("((a,b),", 200) + "1" + strings.Repeat(")", 200),
		"blocks that might be objects":     strings.Repeat("{a\n", 400) + "1" + strings.Repeat("}", 400),
		"long strings that might be keys":  strings.Repeat("{'"+strings.Repeat("x", 1000)+"';", 400) + "1" + strings.Repeat("}", 400),
		"templates that might be keys":     strings.Repeat(`{"x#{`, 200) + "1" + strings.Repeat(`}"}`, 200),
		"many keys":                        "{" + manyKeys(n/10) + "}",
		"long binary number":               "0b1" + strings.Repeat("01", n),
		"long decimal number":              strings.Repeat("1", 2*n),
		"unterminated comment":             strings.Repeat("/*", n),
		"unterminated string":              "'" + strings.Repeat("x", 2*n),
		"unterminated heredoc":             "<<-END\n" + strings.Repeat("x\n", n),
		"heredoc of many lines":            "<<+END\n" + strings.Repeat("  x#{1}\n", n/10) + "END",
		"operators of rising precedence":   strings.Repeat("a??b||c&&d==e>f|g^h&i+j*k,", 1),
		"many statements":                  strings.Repeat("a;\n", n),
		"braces of a match, never closed":  "match a " + strings.Repeat("{", n),
		"long error line":                  strings.Repeat("x", 2*n) + " 1",
		"error far down":                   strings.Repeat("a\n", n) + "b c",
		"error in a long line of NUL":      "'" + strings.Repeat("\x00", n),
		"optional chain with white space":  strings.Repeat("(a?.b", 400) + space + strings.Repeat(")", 400),
		"projections with white space":     "a" + strings.Repeat("{b", 400) + space + strings.Repeat("}", 400),
		"nested arrays with many elements": strings.Repeat("[1,1,1,1,1,1,1,1,1,1,", 400) + strings.Repeat("]", 400),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			q, errs := ParseQuery(src)
			if errs != nil {
				Render("*query*", src, errs[0])
			} else {
				Print(q)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("%d bytes took %v", len(src), d)
			}
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: %d,", i, i)
	}
	return b.String()
}
