package syntax

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

// queries is what the parser understands, with the tree as dump shows it. The fuzz target and
// the printer's tests use it too.
var queries = []struct{ name, src, want string }{
	{"null", "null", "null"},
	{"booleans", "[true, false]", "[true false]"},
	{"white space around", " \t\r\n1\r\n ", "1"},
	{"line comments", "// a\n1 // b\n// c", "1"},
	{"block comments", "/* a\n */ 1 /* b /* c */ */", "1"},
	{"comment inside a line does not end it", "a /* \n */ + b", "(+ a b)"},
	{"comment at the end of a line ends it", "a // x\nb", "a ; b"},

	{"number separators", "1_000_", "1000"},
	{"zero", "0", "0"},
	{"hex", "0xfF_", "255"},
	{"octal", "0o17", "15"},
	{"binary", "0B101", "5"},
	{"float", "1.5e-3", "0.0015f"},
	{"exponent makes a float", "12e5", "1.2e+06f"},
	{"negative float", "-5.123e3", "-5123f"},
	{"sign belongs to digits", "-1.x", "(. -1 x)"},
	{"sign with blank", "- 1", "-1"},
	{"plus sign", "+1", "1"},
	{"field of an integer", "1.x", "(. 1 x)"},
	{"largest long", "9223372036854775807", "9223372036854775807"},
	{"smallest long", "-9223372036854775808", "-9223372036854775808"},
	{"beyond long", "9223372036854775808", "9.223372036854776e+18f"},
	{"hex beyond long", "-0xffffffffffffffff", "-1.8446744073709552e+19f"},
	{"beyond double", "1e999", "+Inff"},
	{"binary beyond double", "0b1" + strings.Repeat("0", 1024), "+Inff"},

	{"single quotes", `'a"#{b}\n'`, `"a\"#{b}\n"`},
	{"double quotes", `"a'b"`, `"a'b"`},
	{"empty strings", `['', ""]`, `["" ""]`},
	{"newline in a string", "'a\nb'", `"a\nb"`},
	{"escapes", `"\\\0\'\"` + "\\`" + `\#\n\r\v\t\b\f"`, `"\\\x00'\"` + "`" + `#\n\r\v\t\b\f"`},
	{"hex and unicode escapes", `"\x41\u00e9\u{1f600}"`, `"Aé😀"`},
	{"hash alone", `"a#b##"`, `"a#b##"`},
	{"escaped interpolation", `"\#{a}"`, `"#{a}"`},
	{"interpolation", `"a#{b + 1}c"`, `(str "a" (+ b 1) "c")`},
	{"interpolation only", `"#{a}"`, `(str a)`},
	{"interpolations in turn", `"#{a}#{b}"`, `(str a b)`},
	{"nested interpolation", `"a#{ "b#{ "c#{d}" }" }"`, `(str "a" (str "b" (str "c" d)))`},
	{"brace in interpolation", `"#{ { a: "}" } }"`, `(str {a:"}"})`},
	{"heredoc", "<<-END\n  a \\n #{b}\n    c\n  END", `"a \\n #{b}\n  c\n"`},
	{"heredoc interpolates", "<<+END\n  a#{b}\n    c\n  END", `(str "a" b "\n  c\n")`},
	{"heredoc line starts with interpolation", "<<+END\n    a\n    #{b}\n    END", `(str "a\n" b "\n")`},
	{"heredoc of interpolation at column 0", "<<+END\n    a\n#{b}\nEND", `(str "    a\n" b "\n")`},
	{"heredoc keeps blank lines inside", "<<-END\n  a\n\n  b\n  END", `"a\n\nb\n"`},
	{"heredoc drops blank lines first", "<<-END  \n \n  a\nEND", `"a\n"`},
	{"empty heredoc", "<<-END\nEND", `""`},
	{"heredoc end must be the whole word", "<<-END\nENDOR\nAPPEND\nEND", `"ENDOR\nAPPEND\n"`},
	{"heredoc goes on behind its end", "f(<<-A\nx\nA, <<+B\ny\nB).z", `(. (call f "x\n" "y\n") z)`},

	{"let", "let a = 1\nlet b: Int = a; b", "(let a 1) ; (let b Int a) ; b"},
	{"let on lines", "let a\n:\nInt\n=\n1\na", "(let a Int 1) ; a"},
	{"statements", "a;; b\n\n;c;", "a ; b ; c"},
	{"empty object", "{}", "{}"},
	{"object", `{ a: 1, "b c": 2, 'd': 3, }`, "{a:1 b c:2 d:3}"},
	{"object keys may be keywords", "{ if: 1, null: 2 }", "{if:1 null:2}"},
	{"object at top level", `{"value": 4}`, "{value:4}"},
	{"object on lines", "{\na :\n1\n}", "{a:1}"},
	{"quote in a key", `{ 'a\'b': 1, "c\"}": 2 }`, `{a'b:1 c"}:2}`},
	{"string that is no key", `{ 'a\'b' + "c\"}" }`, `(do (+ "a'b" "c\"}"))`},
	{"empty key", `{ "": 0 }`, "{:0}"},
	{"block", "{ a }", "(do a)"},
	{"block of a string", `{ "a" }`, `(do "a")`},
	{"block of a template", `{ "#{a}" }`, `(do (str a))`},
	{"block of statements", "{ let a = 1; a }", "(do (let a 1) ; a)"},
	{"block, then a key on the next line", "{ a\n}", "(do a)"},
	{"array", "[1, [], [2,],]", "[1 [] [2]]"},
	{"parentheses", "(1)", "1"},
	{"parentheses, comma", "(1,)", "1"},
	{"tuple", "(1, 2,)", "(tuple 1 2)"},
	{"empty tuple", "()", "(tuple)"},
	{"tuple of names", "(a, b)", "(tuple a b)"},

	{"if", "if (a) 1", "(if a 1)"},
	{"if else", "if (a) 1 else 2", "(if a 1 2)"},
	{"else on a following line", "if (a) 1\n// c\n\nelse 2", "(if a 1 2)"},
	{"else if", "if (a) 1 else if (b) 2 else 3", "(if a 1 (if b 2 3))"},
	{"else goes to the inner if", "if (a) if (b) 1 else 2", "(if a (if b 1 2))"},
	{"if of a block", "if (a) { 1 } else { b: 2 }", "(if a (do 1) {b:2})"},
	{"no else", "let x = if (a) 1; x", "(let x (if a 1)) ; x"},
	{"if, word that begins with it", "iffy(a)", "(call iffy a)"},
	{"at", "at (Time.now()) { C.all() }", "(at (call (. Time now)) (do (call (. C all))))"},
	{"match", `match f(x) { case {a: "}"} => "}#{ "}" }" ; case _ => 1 }`, "(match (call f x))"},

	{"lambda", "x => x", `(\(x) x)`},
	{"lambda of one in parentheses", "(x) => x", `(\(x) x)`},
	{"lambda of two", "(a, b,) => a", `(\(a b) a)`},
	{"lambda of none", "() => 1", `(\() 1)`},
	{"lambda, rest", "(a, ...b) => b", `(\(a ...b) b)`},
	{"lambda, rest alone", "(...a) => a", `(\(...a) a)`},
	{"lambda, discard", "_ => 1", `(\(_) 1)`},
	{"lambda, discards", "(_, a, _) => a", `(\(_ a _) a)`},
	{"lambda of a lambda", "a => b => a + b", `(\(a) (\(b) (+ a b)))`},
	{"lambda of an object", "a => { b: a }", `(\(a) {b:a})`},
	{"lambda of a block", "a => { a }", `(\(a) (do a))`},
	{"lambda as argument", "f(x => x, (a, b) => a, g)", `(call f (\(x) x) (\(a b) a) g)`},
	{"lambda called", "(x => x)(1)", `(call (\(x) x) 1)`},

	{"short lambda", "f(.a)", `(call f (\. (. @ a)))`},
	{"short lambda, path", "f(.a.b == 1 && .c)", `(call f (\. (&& (== (. (. @ a) b) 1) (. @ c))))`},
	{"short lambda, right operand", "f(1 + .a)", `(call f (\. (+ 1 (. @ a))))`},
	{"short lambda, index", "f(.[0])", `(call f (\. ([] @ 0)))`},
	{"short lambda, call", "f(.(1), .())", `(call f (\. (call @ 1)) (\. (call @)))`},
	{"short lambda, method", "f(.delete())", `(call f (\. (call (. @ delete))))`},
	{"short lambda, unary", "f(!.a)", `(call f (\. (! (. @ a))))`},
	{"short lambda, optional", "f(.a?.b)", `(call f (\. (chain (?. (. @ a) b))))`},
	{"short lambda in parentheses", "(.a)", `(\. (. @ a))`},
	{"short lambda, joined", "f((.a + .b) / (.c))", `(call f (\. (/ (+ (. @ a) (. @ b)) (. @ c))))`},
	{"short lambda, innermost argument", "f(.a.g(.b))", `(call f (\. (call (. (. @ a) g) (\. (. @ b)))))`},
	{"short lambda, projected", "f(.a { b })", `(call f (\. (proj (. @ a) b:(\. (. @ b)))))`},
	{"short lambda in a tuple", "(.a, 1)", `(tuple (\. (. @ a)) 1)`},
	{"short lambda called", "(.a)(x)", `(call (\. (. @ a)) x)`},
	{"short lambda, index argument", "x[.a]", `([] x (\. (. @ a)))`},
	{"short lambda, negated parentheses stay apart", "f(!(.a))", `(call f (! (\. (. @ a))))`},

	{"names", "_a1 + FQL", "(+ _a1 FQL)"},
	{"field", "a.b.c", "(. (. a b) c)"},
	{"field named like a keyword", "a.if.null", "(. (. a if) null)"},
	{"method", "a.b(1, 2)", "(call (. a b) 1 2)"},
	{"index", "a[0][1, 2][]", "([] ([] ([] a 0) 1 2))"},
	{"bang", "a!.b!", "(bang (. (bang a) b))"},
	{"optional", "a?.b.c(1)", "(chain (call (. (?. a b) c) 1))"},
	{"optional index and call", "a?.[0]?.(1)", "(chain (?call (?[] a 0) 1))"},
	{"optional method", "a?.b()", "(chain (call (?. a b)))"},
	{"bang ends a chain", "a?.b!.c", "(. (bang (chain (?. a b))) c)"},
	{"bang between chains", "a?.b!.c?.d", "(chain (?. (. (bang (chain (?. a b))) c) d))"},
	{"parentheses end a chain", "(a?.b).c", "(. (chain (?. a b)) c)"},
	{"chain of a literal", `"a".length + [1].b + {a: 1}.a`, `(+ (+ (. "a" length) (. [1] b)) (. {a:1} a))`},
	{"chain inside arguments", "a?.b(c?.d)", "(chain (call (?. a b) (chain (?. c d))))"},

	{"unary", "-a", "(- a)"},
	{"unary of a chain", "!a.b()", "(! (call (. a b)))"},
	{"unary repeated", "!!-~a", "(! (! (- (~ a))))"},
	{"minus minus", "--1", "(- -1)"},
	{"isa", "a isa String && b", "(&& (isa a String) b)"},
	{"isa of a field", "a isa b.c", "(isa a (. b c))"},
	{"isa is a word", "isax", "isax"},
	{"regular expression operators", "a =~ b !~ c", "(!~ (=~ a b) c)"},
	{"subtraction without blanks", "a-1", "(- a 1)"},
	{"difference of signs", "a - -1", "(- a -1)"},
	{"sign binds before power", "-2 ** 2", "(** -2 2)"},

	{"projection", "a { b, c: .d, e { f }, g: h, }", `(proj a b:(\. (. @ b)) c:(\. (. @ d)) e:(\. (proj (. @ e) f:(\. (. @ f)))) g:h)`},
	{"projection of a projected path", "a { b: .c { d } }", `(proj a b:(\. (proj (. @ c) d:(\. (. @ d)))))`},
	{"projection of a call", "C.all() {\n id\n}", `(proj (call (. C all)) id:(\. (. @ id)))`},
	{"projection is looser than operators", "a ?? b { c }", `(proj (?? a b) c:(\. (. @ c)))`},
	{"projection of all", "a { * }", "(proj a *)"},
	{"projection of a lambda value", "a { b: x => x }", `(proj a b:(\(x) x))`},
	{"projection, nested call", "a { b: f(.c) }", `(proj a b:(call f (\. (. @ c))))`},
	{"no projection on the next line", "a\n{ b }", "a ; (do b)"},

	{"template values", "f(\x00, [\x00]).map(.a == \x00)", `(call (. (call f $0 [$1]) map) (\. (== (. @ a) $2)))`},
	{"template value in a string", "\"#{\x00}\"", "(str $0)"},
	{"template value in a match", "match \x00 { case \x00 => \x00 }; \x00", "(match $0) ; $3"},
	{"template value as type", "a isa \x00", "(isa a $0)"},
}

func TestParseQuery(t *testing.T) {
	for _, c := range queries {
		t.Run(c.name, func(t *testing.T) {
			q, errs := ParseQuery(c.src)
			if errs != nil {
				t.Fatalf("%s", Render("*query*", c.src, errs[0]))
			}
			if got := dump(q); got != c.want {
				t.Errorf("%q\n got %s\nwant %s", c.src, got, c.want)
			}
			if q.Source != c.src || q.Values != strings.Count(c.src, "\x00") {
				t.Errorf("Source %q, Values %d", q.Source, q.Values)
			}
			checkSpans(t, c.src, q)
		})
	}
}

// checkSpans checks that spans lie in the source and in those of their parents.
func checkSpans(t *testing.T, src string, n Node) {
	t.Helper()
	s := n.Span()
	if s.Start < 0 || s.End > len(src) || s.Start > s.End {
		t.Fatalf("%T has span %v of %d bytes", n, s, len(src))
	}
	eachChild(n, func(c Node) bool {
		if in := c.Span(); in.Start < s.Start || in.End > s.End {
			t.Fatalf("%T %q is not inside %T %q", c, src[in.Start:in.End], n, src[s.Start:s.End])
		}
		checkSpans(t, src, c)
		return true
	})
}

// The ladder of FQL's two-place operators: each row binds tighter than those above.
var ladder = [][]string{
	{"??"}, {"||"}, {"&&"}, {"==", "!=", "=~", "!~"}, {">", "<", ">=", "<="}, {"isa"},
	{"|"}, {"^"}, {"&"}, {"+", "-"}, {"*", "/", "%"}, {"**"},
}

func TestPrecedence(t *testing.T) {
	count := 0
	for i, row := range ladder {
		for j, other := range ladder {
			for _, a := range row {
				for _, b := range other {
					count++
					want := "(" + b + " (" + a + " x y) z)"
					if j > i || i == j && a == "**" {
						want = "(" + a + " x (" + b + " y z))"
					}
					q, errs := ParseQuery("x " + a + " y " + b + " z")
					if errs != nil {
						t.Fatalf("%s %s: %v", a, b, errs[0])
					}
					if got := dump(q); got != want {
						t.Errorf("x %s y %s z: got %s, want %s", a, b, got, want)
					}
				}
			}
		}
	}
	if want := len(precedence) * len(precedence); count != want {
		t.Errorf("the ladder has %d pairs, the parser %d", count, want)
	}
}

func TestOperatorSpans(t *testing.T) {
	const src = " (a + b) * c.d(1)?.e "
	q, errs := ParseQuery(src)
	if errs != nil {
		t.Fatal(errs[0])
	}
	text := func(s Span) string { return src[s.Start:s.End] }
	times := q.Body.Stmts[0].(*ExprStmt).X.(*BinaryExpr)
	plus := times.L.(*BinaryExpr)
	e := times.R.(*ChainExpr).X.(*FieldExpr)
	call := e.X.(*CallExpr)
	for _, c := range []struct {
		name      string
		got, want string
	}{
		{"query", text(q.Span()), "(a + b) * c.d(1)?.e"},
		{"product", text(times.Span()), "(a + b) * c.d(1)?.e"},
		{"its operator", text(times.OpSpan), "*"},
		{"sum, without parentheses", text(plus.Span()), "a + b"},
		{"its operator", text(plus.OpSpan), "+"},
		{"chain", text(times.R.Span()), "c.d(1)?.e"},
		{"name", text(e.NameSpan), "e"},
		{"call", text(call.Span()), "c.d(1)"},
		{"arguments", text(call.ArgsSpan), "(1)"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}

// Which operators may begin a line, and which end the statement before them.
func TestLineRules(t *testing.T) {
	for _, op := range []string{"??", "||", "&&", "|", "^", "&"} {
		for _, src := range []string{"x\n" + op + "y", "x // c\n\n /* d */ " + op + "\ny", "x" + op + "\ny"} {
			q, errs := ParseQuery(src)
			if errs != nil || dump(q) != "("+op+" x y)" {
				t.Errorf("%q: %v", src, errs)
			}
		}
	}
	for _, op := range []string{"==", "!=", "=~", "!~", ">", "<", ">=", "<=", "isa ", "+", "*", "/", "%", "**"} {
		q, errs := ParseQuery("x " + op + "\n// c\ny")
		if errs != nil || dump(q) != "("+strings.TrimSpace(op)+" x y)" {
			t.Errorf("x %s newline y: %v", op, errs)
		}
		if q, errs := ParseQuery("x\n" + op + "y"); errs == nil && len(q.Body.Stmts) == 1 {
			t.Errorf("%s begins a line: %s", op, dump(q))
		}
	}
	for _, c := range []struct{ name, src, want string }{
		{"dot", "x\n  .y\n  .z", "(. (. x y) z)"},
		{"dot behind a comment", "x // c\n.y", "(. x y)"},
		{"dot at the end", "x.\ny", "(. x y)"},
		{"optional", "x\n?.y", "(chain (?. x y))"},
		{"optional call", "x\n?.(1)", "(chain (?call x 1))"},
		{"minus", "x\n-y", "x ; (- y)"},
		{"plus", "x\n+1", "x ; 1"},
		{"not", "x\n!y", "x ; (! y)"},
		{"bracket", "x\n[1]", "x ; [1]"},
		{"parenthesis", "x\n(1)", "x ; 1"},
		{"brace", "x\n{ a: 1 }", "x ; {a:1}"},
		{"arguments on lines", "f(\n1\n,\n2\n)", "(call f 1 2)"},
		{"operand on the next line", "x ==\ny", "(== x y)"},
		{"lambda body on the next line", "x =>\nx", `(\(x) x)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, errs := ParseQuery(c.src)
			if errs != nil {
				t.Fatal(errs[0])
			}
			if got := dump(q); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// The examples of Fauna's driver tests and of a session made in one transaction.
func TestDriverExamples(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"\x00.length", "(. $0 length)"},
		{"Math.abs(-5.123e3)", "(call (. Math abs) -5123f)"},
		{"Collection.byName(\x00)?.delete()", "(chain (call (?. (call (. Collection byName) $0) delete)))"},
		{"Collection.create({ name: \x00 })", "(call (. Collection create) {name:$0})"},
		{"\x00.create({value: \x00})", "(call (. $0 create) {value:$1})"},
		{"Set.paginate(\x00)", "(call (. Set paginate) $0)"},
		{"[1,2,3,4]", "[1 2 3 4]"},
		{"\x00.all().firstWhere(.name == \x00)", `(call (. (call (. $0 all)) firstWhere) (\. (== (. @ name) $1)))`},
		{"\x00.firstWhere(.a == 1).update({address: \x00})", `(call (. (call (. $0 firstWhere) (\. (== (. @ a) 1))) update) {address:$1})`},
		{"Collection.byName(\x00).delete()", "(call (. (call (. Collection byName) $0) delete))"},
		{"\x00.byId('123')", `(call (. $0 byId) "123")`},
		{`abort("foo")`, `(call abort "foo")`},
		{`abort({msg: "a", aborted_at: Time("2023-02-28T18:10:10.00001Z")})`, `(call abort {msg:"a" aborted_at:(call Time "2023-02-28T18:10:10.00001Z")})`},
		{`Function.create({"name": "double", "body": "x => x * 2"})`, `(call (. Function create) {name:"double" body:"x => x * 2"})`},
		{"X.all().map(doc => abort('oops')).eventSource()", `(call (. (call (. (call (. X all)) map) (\(doc) (call abort "oops"))) eventSource))`},
		{"Set.sequence(\x00, \x00).forEach(n => EventFeedTest.create({ n: n }))", `(call (. (call (. Set sequence) $0 $1) forEach) (\(n) (call (. EventFeedTest create) {n:n})))`},
		{"Math.abs(12e5)", "(call (. Math abs) 1.2e+06f)"},
		{"2 + 2", "(+ 2 2)"},
		{"\x00 + 2", "(+ $0 2)"},
		{"\x00[\"value\"] + 2", `(+ ([] $0 "value") 2)`},
		{`{"value": 4}`, "{value:4}"},
		{"\x00 * \x00", "(* $0 $1)"},
		{"StreamingSandbox.all().forEach(.update({ foo: 'baz' }))", `(call (. (call (. StreamingSandbox all)) forEach) (\. (call (. @ update) {foo:"baz"})))`},
		{"X.all().forEach(.delete())", `(call (. (call (. X all)) forEach) (\. (call (. @ delete))))`},
		{"if (!Collection.byName('X').exists()) { 1 } else { X.all().forEach(.delete()) }", `(if (! (call (. (call (. Collection byName) "X") exists))) (do 1) (do (call (. (call (. X all)) forEach) (\. (call (. @ delete))))))`},
		{"Collection.byName('X')?.delete()\nCollection.create({ name: 'X' })\nX.all().eventSource()", `(chain (call (?. (call (. Collection byName) "X") delete))) ; (call (. Collection create) {name:"X"}) ; (call (. (call (. X all)) eventSource))`},
		{"Key.create({ role: \"admin\", database: \x00 }) { secret }", `(proj (call (. Key create) {role:"admin" database:$0}) secret:(\. (. @ secret)))`},
		{"Query.identity()!.permissions.includes(\"todo:write\")", `(call (. (. (bang (call (. Query identity))) permissions) includes) "todo:write")`},
		{"let d = C.byId(id); if (d.exists()) d!.update(x) else C.create({id: id})", "(let d (call (. C byId) id)) ; (if (call (. d exists)) (call (. (bang d) update) x) (call (. C create) {id:id}))"},
		{"let u = User.byEmail(\x00).first()\nlet u = if (u == null) User.create({ email: \x00, name: \x00 })\n        else u!.update({ name: \x00 })\nu",
			"(let u (call (. (call (. User byEmail) $0) first))) ; (let u (if (== u null) (call (. User create) {email:$1 name:$2}) (call (. (bang u) update) {name:$3}))) ; u"},
		{exchangeQuery, "(let now (call (. Time now))) ; (let existing (call (. (call (. User bySub) $0) first))) ; " +
			"(let user (if (== existing null) (call (. User create) {sub:$1 email:$2}) (call (. (bang existing) update) {email:$3}))) ; " +
			"(let jwt (call (. auth0_jwt create) {user:user sub:$4 ttl:$5})) ; " +
			"(let tok (call (. Token create) {document:jwt ttl:$6 data:{iss:$7}})) ; " +
			"{secret:(. tok secret) token:(. tok id) user:(. user id) jwt:(. jwt id) ttl:(. tok ttl)}"},
	} {
		q, errs := ParseQuery(c.src)
		if errs != nil {
			t.Errorf("%s", Render("*query*", c.src, errs[0]))
			continue
		}
		if got := dump(q); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.src, got, c.want)
		}
		checkSpans(t, c.src, q)
		checkPrint(t, q, c.src)
	}
}

const exchangeQuery = `let now = Time.now()
let existing = User.bySub(` + "\x00" + `).first()
let user = if (existing == null) User.create({ sub: ` + "\x00" + `, email: ` + "\x00" + ` })
           else existing!.update({ email: ` + "\x00" + ` })
let jwt = auth0_jwt.create({ user: user, sub: ` + "\x00" + `, ttl: ` + "\x00" + ` })
let tok = Token.create({ document: jwt, ttl: ` + "\x00" + `, data: { iss: ` + "\x00" + ` } })
{ secret: tok.secret, token: tok.id, user: user.id, jwt: jwt.id, ttl: tok.ttl }
`

func TestParseLambda(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"x => x * 2", `(\(x) (* x 2))`},
		{" (a, ...b) => {\n a \n}\n", `(\(a ...b) (do a))`},
		{"_ => 1 // one", `(\(_) 1)`},
		{"(.a == 1)", `(\. (== (. @ a) 1))`},
		{".a == 1 && .b", `(\. (&& (== (. @ a) 1) (. @ b)))`},
	} {
		l, errs := ParseLambda(c.src)
		if errs != nil {
			t.Errorf("%s", Render("*body*", c.src, errs[0]))
			continue
		}
		if got := dump(l); got != c.want {
			t.Errorf("%q: got %s, want %s", c.src, got, c.want)
		}
		checkSpans(t, c.src, l)
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"Int", "Int"},
		{"Any", "Any"},
		{"Foo.Bar", "Foo.Bar"},
		{"Ref<User>", "Ref<User>"},
		{"Array< Array<Int>, >", "Array<Array<Int>>"},
		{"String?", "(? String)"},
		{"String? | Int", "(| (? String) Int)"},
		{`"a" | 'b' | 1 | -1 | true | null`, `(| '"a" '"b" '1 '-1 'true 'null)`},
		{"Int |\nString", "(| Int String)"},
		{"A | (B | C)", "(| A (| B C))"},
		{"(A | B)?", "(? (| A B))"},
		{"[A, B,]", "(tuple A B)"},
		{"(A, B)", "(tuple A B)"},
		{"(A)", "A"},
		{"()", "(tuple)"},
		{"{}", "{}"},
		{"{ a: Int, 'b c': String?, *: Any }", "{a:Int b c:(? String) *:Any}"},
		{"{\n a: Int\n b: { c: Int }; d: Int, }", "{a:Int b:{c:Int} d:Int}"},
		{"() => Int", `(\ => Int)`},
		{"A => B => C", `(\ A => (\ B => C))`},
		{"(A => B) => C", `(\ (\ A => B) => C)`},
		{"(A, B) => C", `(\ A B => C)`},
		{"(a: A, b: B) => C", `(\ A B => C)`},
		{"(A, ...B) => C", `(\ A ...B => C)`},
		{"(rest: ...B) => C", `(\ ...B => C)`},
		{"A | B => C", `(\ (| A B) => C)`},
		{"([A, B]) => C", `(\ (tuple A B) => C)`},
		{"Array<(Int) => Int>", `Array<(\ Int => Int)>`},
	} {
		src := "let x: " + c.src + " = 1; x"
		q, errs := ParseQuery(src)
		if errs != nil {
			t.Errorf("%s", Render("*query*", src, errs[0]))
			continue
		}
		typ := q.Body.Stmts[0].(*LetStmt).Type
		if got := dumpType(typ); got != c.want {
			t.Errorf("%s: got %s, want %s", c.src, got, c.want)
		}
		checkSpans(t, src, q)
		again, errs := ParseQuery("let x: " + Print(typ) + " = 1; x")
		if errs != nil {
			t.Errorf("%s printed as %s: %v", c.src, Print(typ), errs[0])
			continue
		}
		if got := dumpType(again.Body.Stmts[0].(*LetStmt).Type); got != c.want {
			t.Errorf("%s printed as %s: got %s", c.src, Print(typ), got)
		}
	}
}

func TestNegativeZero(t *testing.T) {
	q, errs := ParseQuery("-0.0")
	if errs != nil {
		t.Fatal(errs[0])
	}
	n := q.Body.Stmts[0].(*ExprStmt).X.(*NumberExpr)
	if !n.IsFloat || !math.Signbit(n.Float) || Print(n) != "-0.0" {
		t.Errorf("%+v prints as %s", n, Print(n))
	}
}

func TestIsIdent(t *testing.T) {
	for s, want := range map[string]bool{
		"a": true, "_": true, "A_9": true, "FQL": true, "": false, "9a": false, "a-b": false, "é": false, "if": false, "of": false,
	} {
		if got := IsIdent(s); got != want {
			t.Errorf("IsIdent(%q) = %v", s, got)
		}
	}
}

func TestWalk(t *testing.T) {
	q, errs := ParseQuery(`let a: { b: "x" } = f(x => x.y { z }); "#{a}" isa S`)
	if errs != nil {
		t.Fatal(errs[0])
	}
	var kinds []string
	Walk(q, func(n Node) bool {
		kinds = append(kinds, strings.TrimPrefix(reflect.TypeOf(n).String(), "*syntax."))
		_, isField := n.(*FieldExpr)
		return !isField
	})
	want := "Query BlockExpr LetStmt ObjectType LiteralType StringExpr CallExpr NameExpr LambdaExpr ProjectExpr FieldExpr " +
		"LambdaExpr FieldExpr ExprStmt IsaExpr TemplateExpr NameExpr NameExpr"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
