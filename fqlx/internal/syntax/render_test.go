package syntax

import (
	"strings"
	"testing"
)

func lines(l ...string) string { return strings.Join(l, "\n") }

func TestRender(t *testing.T) {
	for _, c := range []struct {
		name, src string
		err       Error
		want      string
	}{
		{
			"as in Fauna's documentation", "SillyPants",
			Error{Span: Span{0, 10}, Msg: "Unbound variable `SillyPants`"},
			lines("error: Unbound variable `SillyPants`", "at *query*:1:1", "  |", "1 | SillyPants", "  | ^^^^^^^^^^", "  |"),
		},
		{
			"inside a line", "hello world",
			Error{Span: Span{1, 3}, Msg: "m"},
			lines("error: m", "at *query*:1:2", "  |", "1 | hello world", "  |  ^^", "  |"),
		},
		{
			"second line", "hello\nworld",
			Error{Span: Span{9, 11}, Msg: "m"},
			lines("error: m", "at *query*:2:4", "  |", "2 | world", "  |    ^^", "  |"),
		},
		{
			"at the end", "hello world",
			Error{Span: Span{11, 11}, Msg: "m"},
			lines("error: m", "at *query*:1:12", "  |", "1 | hello world", "  |            ^", "  |"),
		},
		{
			"beyond the end", "foo\n   ",
			Error{Span: Span{7, 99}, Msg: "m"},
			lines("error: m", "at *query*:1:4", "  |", "1 | foo", "  |    ^", "  |"),
		},
		{
			"empty text", "",
			Error{Span: Span{10, 11}, Msg: "m"},
			lines("error: m", "at *query*:1:1", "  |", "1 |", "  | ^", "  |"),
		},
		{
			"before the text", "abc",
			Error{Span: Span{-5, 2}, Msg: "m"},
			lines("error: m", "at *query*:1:1", "  |", "1 | abc", "  | ^^", "  |"),
		},
		{
			"label", "{ let join = 3; join }",
			Error{Span: Span{6, 10}, Msg: "Invalid identifier", Label: "`join` is a keyword"},
			lines("error: Invalid identifier", "at *query*:1:7", "  |", "1 | { let join = 3; join }", "  |       ^^^^ `join` is a keyword", "  |"),
		},
		{
			"hint without a place", "a",
			Error{Span: Span{0, 1}, Msg: "m", Hint: "Do it"},
			lines("error: m", "at *query*:1:1", "  |", "1 | a", "  | ^", "  |", "hint: Do it"),
		},
		{
			"hint on the same line", "function f(x): Int { x }",
			Error{Span: Span{15, 18}, Msg: "m", Hint: "h", HintSpan: Span{11, 12}},
			lines("error: m", "at *query*:1:16", "  |", "1 | function f(x): Int { x }", "  |                ^^^", "  |",
				"hint: h", "  |", "1 | function f(x): Int { x }", "  |            ^", "  |"),
		},
		{
			"hint on another line", "a\nb",
			Error{Span: Span{2, 3}, Msg: "m", Hint: "h", HintSpan: Span{0, 1}},
			lines("error: m", "at *query*:2:1", "  |", "2 | b", "  | ^", "  |", "hint: h", "at *query*:1:1", "  |", "1 | a", "  | ^", "  |"),
		},
		{
			"several lines", "collection Foo {\n  migrations {\n    backfill .c = 3\n  }\n}",
			Error{Span: Span{19, 55}, Msg: "m"},
			lines("error: m", "at *query*:2:3", "  |", "2 |     migrations {", "  |  ___^", "3 | |     backfill .c = 3", "4 | |   }", "  | |___^", "  |"),
		},
		{
			"newline at the end of the span", "ab\ncd",
			Error{Span: Span{0, 3}, Msg: "m"},
			lines("error: m", "at *query*:1:1", "  |", "1 | ab", "  | ^^", "  |"),
		},
		{
			"numbers of different lengths", strings.Repeat("\n", 8) + "ab\ncd",
			Error{Span: Span{9, 12}, Msg: "m"},
			lines("error: m", "at *query*:9:2", "   |", " 9 |   ab", "   |  __^", "10 | | cd", "   | |_^", "   |"),
		},
		{
			"template value before", "f(\x00, \x00).x",
			Error{Span: Span{8, 9}, Msg: "m"},
			lines("error: m", "at *query*:1:21", "  |", "1 | f(<value>, <value>).x", "  |                     ^", "  |"),
		},
		{
			"template value", "foo(\x00)",
			Error{Span: Span{3, 6}, Msg: "m"},
			lines("error: m", "at *query*:1:4", "  |", "1 | foo(<value>)", "  |    ^^^^^^^^^", "  |"),
		},
		{
			"template value in several lines", "foo(\n  \x00\n)",
			Error{Span: Span{3, 10}, Msg: "m"},
			lines("error: m", "at *query*:1:4", "  |", "1 |   foo(", "  |  ____^", "2 | |   <value>", "3 | | )", "  | |_^", "  |"),
		},
		{
			"tabs", "\ta\tb",
			Error{Span: Span{3, 4}, Msg: "m"},
			lines("error: m", "at *query*:1:4", "  |", "1 |     a    b", "  |          ^", "  |"),
		},
		{
			"wide and combining characters", "'日本e\u0301' x",
			Error{Span: Span{12, 13}, Msg: "m"},
			lines("error: m", "at *query*:1:8", "  |", "1 | '日本e\u0301' x", "  |         ^", "  |"),
		},
		{
			"wide characters marked", "'日本'",
			Error{Span: Span{1, 7}, Msg: "m"},
			lines("error: m", "at *query*:1:2", "  |", "1 | '日本'", "  |  ^^^^", "  |"),
		},
		{
			"control characters", "a\x1b[31m b\xff\u202e",
			Error{Span: Span{7, 8}, Msg: "m"},
			lines("error: m", "at *query*:1:8", "  |", "1 | a\ufffd[31m b\ufffd\ufffd", "  |        ^", "  |"),
		},
		{
			"carriage returns", "a\r\nb\r\nc",
			Error{Span: Span{3, 4}, Msg: "m"},
			lines("error: m", "at *query*:2:1", "  |", "2 | b", "  | ^", "  |"),
		},
		{
			"long line", strings.Repeat("a", 1000) + "X" + strings.Repeat("b", 1000),
			Error{Span: Span{1000, 1001}, Msg: "m"},
			lines("error: m", "at *query*:1:1001", "  |", "1 | …"+strings.Repeat("a", 80)+"X"+strings.Repeat("b", 79)+"…",
				"  | "+strings.Repeat(" ", 81)+"^", "  |"),
		},
		{
			"long span", strings.Repeat("a", 1000),
			Error{Span: Span{0, 1000}, Msg: "m"},
			lines("error: m", "at *query*:1:1", "  |", "1 | "+strings.Repeat("a", 160)+"…", "  | "+strings.Repeat("^", 160), "  |"),
		},
		{
			"many lines", "{\n" + strings.Repeat("a\n", 100) + "}",
			Error{Span: Span{0, 203}, Msg: "m"},
			lines("error: m", "at *query*:1:1", "    |", "  1 |   {", "    |  _^",
				"  2 | | a", "  3 | | a", "  4 | | a", "  5 | | a", "  6 | | a", "  7 | | a", "  8 | | a", "  9 | | a", " 10 | | a", " 11 | | a", " 12 | | a",
				"    | | …", "102 | | }", "    | |_^", "    |"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Render("*query*", c.src, &c.err); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// Errors of the parser as users see them.
func TestRenderParserErrors(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{
			"keyword", "let of = 3",
			lines("error: Invalid identifier", "at *query*:1:5", "  |", "1 | let of = 3", "  |     ^^ `of` is a keyword", "  |"),
		},
		{
			"missing return", "{\n  x\n  let x = 'foo'\n}",
			lines("error: Missing return expression", "at *query*:4:1", "  |", "4 | }", "  | ^", "  |",
				"hint: Statement does not return a value", "at *query*:3:3", "  |", "3 |   let x = 'foo'", "  |   ^^^^^^^^^^^^^", "  |"),
		},
		{
			"duplicate key", "{ a: 2, a: 3 }",
			lines("error: Duplicate key", "at *query*:1:9", "  |", "1 | { a: 2, a: 3 }", "  |         ^", "  |",
				"hint: Key originally used here", "  |", "1 | { a: 2, a: 3 }", "  |   ^", "  |"),
		},
		{
			"end of input", "foo(a\n\n",
			lines("error: Expected `)` or `,`", "at *query*:1:6", "  |", "1 | foo(a", "  |      ^", "  |"),
		},
		{
			"behind template values", "\x00 + \x00 x",
			lines("error: Expected end-of-input", "at *query*:1:19", "  |", "1 | <value> + <value> x", "  |                   ^", "  |"),
		},
		{
			"several lines", "f(2 + .a(\n1\n))\n.b",
			"",
		},
		{
			"anonymous access over lines", "2 + .a(\n1\n)",
			lines("error: Invalid anonymous field access", "at *query*:1:1", "  |", "1 |   2 + .a(", "  |  _^", "2 | | 1", "3 | | )", "  | |_^", "  |"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errs := ParseQuery(c.src)
			got := ""
			if errs != nil {
				got = Render("*query*", c.src, errs[0])
			}
			if got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func TestPosition(t *testing.T) {
	const src = "ab\n日本\n\x00c"
	for _, c := range []struct{ off, line, col int }{
		{-1, 1, 1}, {0, 1, 1}, {2, 1, 3}, {3, 2, 1}, {6, 2, 2}, {9, 2, 3}, {10, 3, 1}, {11, 3, 8}, {12, 3, 9}, {99, 3, 9},
	} {
		if line, col := Position(src, c.off); line != c.line || col != c.col {
			t.Errorf("offset %d: %d:%d, want %d:%d", c.off, line, col, c.line, c.col)
		}
	}
}
