package syntax

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// userFSL has every member of a collection.
const userFSL = `
// Not a doc comment: a blank line follows.

// People.
// They log in.
@alias(Usr)
collection User {
  email: String
  name: String = "anon"
  age: Int?; org : Ref<Org>
  tags: Array<String> = []
  address: { city: String = "x", *: Any }
  kind: "a" | "b" // a comment
  'index': Int
  created = Time.now()
  *: Any                                   // wildcard: undeclared fields allowed
  compute full: String = (u => u.name + "!")
  compute short = (.name)
  compute bare: Int = (doc) => doc.age
  unique [.email]
  unique [.org, .name]
  unique [mva(.tags)]
  check adult (u => u.age == null || u.age >= 18)
  check named (.name != "")
  index byEmail { terms [.email] }
  index byOrg { terms [.org, mva(.tags)]  ; values [.name, desc(.age), asc(.address.city), desc(mva(.["a b"])), .ts] }
  index all { values [.ts] }
  history_days 0
  ttl_days 30
  document_ttls true
  migrations { add .kind
    backfill .kind = "}"; drop .old
    move .a -> .b }
}
`

func TestParseCollection(t *testing.T) {
	items, errs := ParseSchema(userFSL)
	if errs != nil {
		t.Fatal(Render("main.fsl", userFSL, errs[0]))
	}
	if len(items) != 1 || items[0].ItemKind() != "collection" || items[0].ItemName() != "User" {
		t.Fatalf("got %v", items)
	}
	d := items[0].(*CollectionDecl)
	var got []string
	add := func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }
	add("%s alias %s", d.Name, d.Alias)
	add("doc %q", d.Doc)
	for _, f := range d.Fields {
		def := "-"
		if f.Default != nil {
			def = dump(f.Default)
		}
		add("field %s: %s = %s", f.Name, dumpType(f.Type), def)
	}
	add("wildcard %s", dumpType(d.Wildcard))
	for _, c := range d.Computed {
		add("compute %s: %s = %s", c.Name, dumpType(c.Type), dump(c.Body))
	}
	for _, u := range d.Uniques {
		add("unique %v", u.Paths)
	}
	for _, c := range d.Checks {
		add("check %s %s", c.Name, dump(c.Body))
	}
	for _, i := range d.Indexes {
		add("index %s terms %v values %v", i.Name, i.Terms, i.Values)
	}
	add("days %d %d ttls %v", *d.HistoryDays, *d.TTLDays, *d.DocumentTTLs)
	add("migrations %q", d.Migrations.Text)
	want := []string{
		"User alias Usr",
		`doc "People.\nThey log in."`,
		"field email: String = -",
		`field name: String = "anon"`,
		"field age: (? Int) = -",
		"field org: Ref<Org> = -",
		"field tags: Array<String> = []",
		`field address: {city:String="x" *:Any} = -`,
		`field kind: (| '"a" '"b") = -`,
		"field index: Int = -",
		"field created: - = (call (. Time now))",
		"wildcard Any",
		`compute full: String = (\(u) (+ (. u name) "!"))`,
		`compute short: - = (\. (. @ name))`,
		`compute bare: Int = (\(doc) (. doc age))`,
		"unique [.email]",
		"unique [.org .name]",
		"unique [mva(.tags)]",
		`check adult (\(u) (|| (== (. u age) null) (>= (. u age) 18)))`,
		`check named (\. (!= (. @ name) ""))`,
		"index byEmail terms [.email] values []",
		`index byOrg terms [.org mva(.tags)] values [.name desc(.age) .address.city desc(mva(.["a b"])) .ts]`,
		"index all terms [] values [.ts]",
		"days 0 30 ttls true",
		`migrations "add .kind\n    backfill .kind = \"}\"; drop .old\n    move .a -> .b"`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s := userFSL[d.Start:d.End]; !strings.HasPrefix(s, "// People.") || !strings.HasSuffix(s, ".b }\n}") {
		t.Errorf("span is %q", s)
	}
	if s := userFSL[d.NameSpan.Start:d.NameSpan.End]; s != "User" {
		t.Errorf("name span is %q", s)
	}
	if paths := d.Indexes[1].Values; !reflect.DeepEqual(paths[3].Path, []string{"a b"}) || !paths[3].MVA || !paths[3].Desc {
		t.Errorf("path %+v", paths[3])
	}
}

func TestParseFunctionsAndRoles(t *testing.T) {
	const src = `@role(server) @alias(greet2)
function greet(name: String, ...rest: Int): String { "hi #{name}" }
function untyped(a, b,) { a + b };function none() { 1 }
function typed(): { a: Int } {
  let x = 1
  { a: x }
}
/* Sessions
 * may read
 */
role Name {
  membership User
  membership auth0_jwt { predicate (jwt => jwt.user != null) }
  privileges Todo {
    read        { predicate (.owner == Query.identity()?.user) }
    write       { predicate ((oldDoc, newDoc) => oldDoc.owner == newDoc.owner) }
    create_with_id; delete
    history_read // all
  }
  privileges doThing { call }
}
role "server-x" {}
access provider Auth0 { issuer "https://x/"; jwks_uri "https://x/}"
  role Name { predicate (j => j.a == "{") } }
collection Empty {}`
	items, errs := ParseSchema(src)
	if errs != nil {
		t.Fatal(Render("main.fsl", src, errs[0]))
	}
	var got []string
	add := func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }
	for _, d := range items {
		switch d := d.(type) {
		case *FunctionDecl:
			var params []string
			for _, p := range d.Params {
				params = append(params, p.Name+":"+dumpType(p.Type))
			}
			if d.Rest != nil {
				params = append(params, "..."+d.Rest.Name+":"+dumpType(d.Rest.Type))
			}
			add("function %s %v %s role=%s alias=%s typed=%v %s", d.Name, params, dumpType(d.Result), d.Role, d.Alias, d.Typed, dump(d.Lambda))
		case *RoleDecl:
			add("role %s %q", d.Name, d.Doc)
			for _, m := range d.Membership {
				add(" member %s %s", m.Collection, dumpOrDash(m.Predicate))
			}
			for _, p := range d.Privileges {
				for _, a := range p.Actions {
					add(" %s %s %s", p.Resource, a.Action, dumpOrDash(a.Predicate))
				}
			}
		default:
			add("%s %s", d.ItemKind(), d.ItemName())
		}
	}
	want := []string{
		`function greet [name:String ...rest:Int] String role=server alias=greet2 typed=true (\(name ...rest) (do (str "hi " name)))`,
		`function untyped [a:- b:-] - role= alias= typed=false (\(a b) (do (+ a b)))`,
		`function none [] - role= alias= typed=false (\() (do 1))`,
		`function typed [] {a:Int} role= alias= typed=true (\() (do (let x 1) ; {a:x}))`,
		`role Name "Sessions\nmay read"`,
		` member User -`,
		` member auth0_jwt (\(jwt) (!= (. jwt user) null))`,
		` Todo read (\. (== (. @ owner) (chain (?. (call (. Query identity)) user))))`,
		` Todo write (\(oldDoc newDoc) (== (. oldDoc owner) (. newDoc owner)))`,
		` Todo create_with_id -`,
		` Todo delete -`,
		` Todo history_read -`,
		` doThing call -`,
		`role server-x ""`,
		`access provider Auth0`,
		`collection Empty`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if ap := items[6].(*AccessProviderDecl); !strings.HasPrefix(ap.Text, "issuer") || !strings.HasSuffix(ap.Text, `"{") }`) {
		t.Errorf("access provider holds %q", ap.Text)
	}
	for _, d := range items {
		checkSpans(t, src, d)
	}
	first := src[items[1].Span().Start:items[1].Span().End]
	if first != "function untyped(a, b,) { a + b }" {
		t.Errorf("span of the second item: %q", first)
	}
}

func dumpOrDash(x Expr) string {
	if x == nil {
		return "-"
	}
	return dump(x)
}

func TestDocComments(t *testing.T) {
	for _, c := range []struct{ name, src, doc string }{
		{"none", "collection A {}", ""},
		{"line", "// a\ncollection A {}", "a"},
		{"lines", "//a\n//  b \n//\ncollection A {}", "a\n b\n"},
		{"block", "/* a */ collection A {}", "a"},
		{"block of lines", "/**\n * a\n *  b\n **/\ncollection A {}", "a\n b"},
		{"blank line between", "// a\n\ncollection A {}", ""},
		{"only the last group", "// a\n\n// b\n  // c\n  collection A {}", "b\nc"},
		{"before an annotation", "// a\n@alias(B)\ncollection A {}", "a"},
		{"of the item before", "collection Z {} // a\ncollection A {}", ""},
		{"behind the item before, then one", "collection Z {} // a\n// b\ncollection A {}", "b"},
		{"semicolons", "collection Z {};;// a\n// b\n;collection A {}", "b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, errs := ParseSchema(c.src)
			if errs != nil {
				t.Fatal(errs[0])
			}
			d := items[len(items)-1].(*CollectionDecl)
			if d.Doc != c.doc {
				t.Errorf("got %q, want %q", d.Doc, c.doc)
			}
			if c.doc == "" && c.src[d.Start] != 'c' {
				t.Errorf("span begins at %q", c.src[d.Start:])
			}
			checkPrintSchema(t, c.src)
		})
	}
}

// schemas are FSL texts that parse, seeds of the fuzz target too.
var schemas = []struct{ name, src string }{
	{"every member", userFSL},
	{"nothing", " // c\n;\n"},
	{"members on one line", "collection A { a: Int; b: Int }"},
	{"members separated by comments", "collection A { a: Int // x\n b: Int /* y */\n }"},
	{"fields named like members", "collection A {\n privileges: Int\n function: Int\n index: Int\n unique: Int\n compute: Int\n}"},
	{"types over lines", "collection A {\n bar: (Int, String)\n baz: (\n Int,\n String\n )\n opt: Int?\n many: Int? | String\n}"},
	{"default on lines", "collection A {\n a: Int = {\n let b = 1\n b\n }\n *: Any\n}"},
	{"old names", "collection '0Foo$' { index by { terms [.[\"0baz\"], .a[\"b c\"]] } }\nrole \"a-b\" { membership '0Foo$' }"},
	{"functions share a name with collections", "collection foo {}\n@alias(bar)\nfunction foo() { 0 }"},
	{"function types", "function f(g: (Int, ...String) => Int): Int { g(1) }"},
	{"keyword across lines", "collection\nA\n{\nhistory_days\n3\nunique\n[.a]\n}"},
	{"function of an object", "function f() { { f: 1 } }"},
	{"access provider", "access provider A { }"},
	{"annotation with an old name", "@role(\"server-readonly\")\nfunction f() { 1 }"},
	{"windows newlines", "collection A {\r\n  a: Int\r\n  b: Int\r\n}\r\ncollection B {}\r\n"},
}

func checkPrintSchema(t *testing.T, src string) {
	t.Helper()
	items, errs := ParseSchema(src)
	if errs != nil {
		t.Fatal(Render("main.fsl", src, errs[0]))
	}
	text := PrintSchema(items)
	again, errs := ParseSchema(text)
	if errs != nil {
		t.Fatalf("%q prints as\n%s", src, Render("print.fsl", text, errs[0]))
	}
	if twice := PrintSchema(again); twice != text {
		t.Errorf("prints as\n%s\nand then as\n%s", text, twice)
	}
	if len(items) != len(again) {
		t.Fatalf("%d items, printed %d", len(items), len(again))
	}
	for i, d := range items {
		if got, want := Print(again[i]), Print(d); got != want {
			t.Errorf("item prints as\n%s\nand then as\n%s", want, got)
		}
	}
}

func TestPrintSchemas(t *testing.T) {
	for _, c := range schemas {
		t.Run(c.name, func(t *testing.T) { checkPrintSchema(t, c.src) })
	}
}

func TestPrintSchema(t *testing.T) {
	const src = `/* Doc */ @alias("B-1") collection A{'b':Int=1;*:Any;unique[.b,mva(.c)];index i{values[desc(.b)];terms[asc(.d)]}}
@role(r) function f(a:Int?,...b:String):Int|Null{a}
role R { privileges A { read; write {predicate((o,n)=>o.a==n.a)} }; membership A { predicate(.a) } }
access provider P { issuer "x" }`
	items, errs := ParseSchema(strings.ReplaceAll(src, "asc(.d)", ".d"))
	if errs != nil {
		t.Fatal(errs[0])
	}
	const want = `// Doc
@alias("B-1")
collection A {
  b: Int = 1
  *: Any
  unique [.b, mva(.c)]
  index i {
    terms [.d]
    values [desc(.b)]
  }
}

@role(r)
function f(a: Int?, ...b: String): Int | Null {
  a
}

role R {
  privileges A {
    read
    write {
      predicate ((o, n) => o.a == n.a)
    }
  }
  membership A {
    predicate (.a)
  }
}

access provider P {
  issuer "x"
}
`
	if got := PrintSchema(items); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

var schemaErrors = []struct{ src, at, want string }{
	{"2", "2", "Expected end-of-input"},
	{"foo", "foo", "Invalid schema item `foo`"},
	{"collection A {} role B {}", "r", "Expected end-of-input"},
	{"collection", "collection", "Missing required name"},
	{"collection #", "#", "Expected end-of-input or identifier"},
	{"collection {}", "collection", "Missing required name"},
	{"collection if {}", "if", "Invalid identifier"},
	{"collection A", "collection", "Missing required value"},
	{"collection A 3", "3", "Expected a block"},
	{"collection A {", atEnd, "Expected `}`"},
	{"collection A { # }", "#", "Expected `}`"},
	{"collection A { bar }", "bar", "Invalid field or member `bar`"},
	{"collection A { a: Int b: Int }", "b", "Expected `}`"},
	{"collection A { history 3 }", "history", "Invalid field or member `history`"},
	{"collection A { @alias(B) a: Int }", "@alias(B)", "Annotations are not allowed here"},
	{"collection A { a: }", "}", "Expected type"},
	{"collection A { a: Int = }", "}", "Expected expression"},
	{"collection A { a: Int = .b }", ".b", anon},
	{"collection A { 'b c': Int }", "'b c'", "Invalid identifier `b c`"},
	{"collection A { a: Int; b: Int; a: Int }", "^a: Int }", "Duplicate field `a`"},
	{"collection A { a: Int; compute a = (x => x) }", "^a =", "Duplicate field `a`"},
	{"collection A { *: Any; *: Any }", "^*", "Duplicate field `*`"},
	{"collection A { *: Any = 3 }", "3", "No default allowed for wildcard field"},
	{"collection A { * }", "}", "Expected `:`"},
	{"collection A { a: { b: Int = 1 } = {} }", "1", "Default values are not allowed here"},
	{"collection A { a: { b: { c: Int = 1 } = {} } }", "1", "Default values are not allowed here"},
	{"collection A { a: { b: Int = 1 }? }", "1", "Default values are not allowed here"},
	{"collection A { a: { b: Int = 1 } | Int }", "1", "Default values are not allowed here"},
	{"collection A { a: Array<{ b: Int = 1 }> }", "1", "Default values are not allowed here"},
	{"collection A { *: { b: Int = 1 } }", "1", "Default values are not allowed here"},

	{"collection A { compute a }", "compute", "Computed fields require a value"},
	{"collection A { compute a = 1 }", "1", "Expected lambda"},
	{"collection A { compute a = .b }", ".b", anon},
	{"collection A { compute }", "compute", "Missing required name"},
	{"collection A { unique }", "unique", "Missing required value"},
	{"collection A { unique; a: Int }", "unique", "Missing required value"},
	{"collection A { unique 3 }", "3", "Expected an array of terms"},
	{"collection A { unique [] }", "[]", "Expected non-empty terms for a unique constraint"},
	{"collection A { unique [bar] }", "bar", "Invalid field path"},
	{"collection A { unique [.a?.b] }", ".a?.b", "Invalid field path"},
	{"collection A { unique [.a()] }", ".a()", "Invalid field path"},
	{"collection A { unique [.[0]] }", "0", "Positions of an array are not supported in a field path"},
	{"collection A { unique [desc(.a)] }", "desc", "Expected 'mva'"},
	{"collection A { unique [.a, .b]; unique [.[\"b\"], .a] }", "[.[\"b\"], .a]", "Duplicate unique constraint."},
	{"collection A { check (x => x) }", "check", "Missing required name"},
	{"collection A { check a x => x }", "x => x", "Expected lambda check predicate"},
	{"collection A { check a (x) => x }", "(x) => x", "Expected lambda check predicate"},
	{"collection A { check a true }", "true", "Expected lambda check predicate"},
	{"collection A { check a }", "check", "Missing required value"},
	{"collection A { check a (.x); check a (.y) }", "^a (.y", "Duplicate check constraint name `a`"},
	{"collection A { index i { baz } }", "baz", "Invalid member `baz`"},
	{"collection A { index { terms [.a] } }", "index", "Missing required name"},
	{"collection A { index i }", "index", "Missing required value"},
	{"collection A { index \"0by\" {} }", "\"0by\"", "Invalid identifier `0by`"},
	{"collection A { index i {}; index i {} }", "^i {} }", "Duplicate index name `i`"},
	{"collection A { index i { terms [.a]; terms [.b] } }", "terms [.b]", "Duplicate terms definition"},
	{"collection A { index i { values [.a]; values [.b] } }", "values [.b]", "Duplicate values definition"},
	{"collection A { index i { values [foo(.a)] } }", "foo", "Expected 'asc', 'desc', or 'mva'"},
	{"collection A { index i { values [asc(desc(.a))] } }", "desc", "Expected 'asc', 'desc', or 'mva'"},
	{"collection A { index i { terms [mva(mva(.a))] } }", "^mva(.", "Expected 'mva'"},
	{"collection A { history_days 'x' }", "'x'", "Name is not allowed here"},
	{"collection A { history_days 1.5 }", "1.5", "Expected integer literal"},
	{"collection A { history_days 1; history_days 2 }", "history_days 2", "Duplicate history days"},
	{"collection A { ttl_days 1; ttl_days 2 }", "ttl_days 2", "Duplicate ttl days"},
	{"collection A { document_ttls 1 }", "1", "Expected boolean literal"},
	{"collection A { document_ttls true; document_ttls false }", "document_ttls false", "Duplicate document TTLs"},
	{"collection A { migrations \"n\" { drop .a } }", "\"n\"", "Name is not allowed here"},
	{"collection A { migrations { } }", "migrations { }", "Empty migration blocks are not allowed"},
	{"collection A { migrations 3 }", "3", "Expected a migration block"},
	{"collection A { migrations { drop .a }; migrations { drop .b } }", "migrations { drop .b }", "Duplicate migration block"},
	{"collection A {}; collection A {}", "^A", "Duplicate collection or function `A`"},
	{"collection A {}; function A() { 1 }", "^A()", "Duplicate collection or function `A`"},
	{"@alias(f) collection A {}; function f() { 1 }", "^f()", "Duplicate collection or function `f`"},
	{"collection A {}; @alias(A) function f() { 1 }", "^A) f", "Duplicate collection or function `A`"},
	{"@role(R) collection A {}", "@role(R)", "Annotation not supported here"},
	{"@alias(B) @alias(C) collection A {}", "@alias(C)", "Duplicate annotation `alias`"},
	{"@foo(B) collection A {}", "foo", "Invalid annotation `foo`"},
	{"@alias collection A {}", "c", "Expected `(`"},
	{"@alias(3) collection A {}", "3", "Expected identifier"},
	{"@alias(B collection A {}", "c", "Expected `)`"},

	{"function", atEnd, "Expected name"},
	{"function #", "#", "Expected name"},
	{"function foo {}", "{", "Expected `(`"},
	{"function foo() {}", "}", noBlock},
	{"function foo() 3", "3", "Expected `{`"},
	{"function foo(x: y: z) { x }", "^: z", "Expected `)`, `,`, or `<`"},
	{"function foo(x, y: Int) { x }", "y", "All or no arguments must have a type"},
	{"function foo(x: Int, ...y): Int { x }", "y", "All or no arguments must have a type"},
	{"function foo(x: Int) { x }", ")", "Return type is required when arguments have a type"},
	{"function foo(x): Int { x }", "Int", "Return type is not allowed when arguments do not have a type"},
	{"function foo(...x, y) { x }", "...x", "Variadic argument must be the last argument."},
	{"function foo(x, x) { x }", "^x) {", "Duplicate lambda argument"},
	{"function foo() { let x = 1 }", "}", "Missing return expression"},
	{"function foo() { 1 } 2", "2", "Expected end-of-input"},
	{"function foo(if) { 1 }", "if", "Invalid identifier"},
	{"function foo(3) { 1 }", "3", "Expected `)` or identifier"},

	{"role", "role", "Missing required name"},
	{"role #", "#", "Expected end-of-input or identifier"},
	{"role {}", "role", "Missing required name"},
	{"role R { foo }", "foo", "Invalid member `foo`"},
	{"role R {}; role R {}", "^R", "Duplicate role `R`"},
	{"@alias(B) role R {}", "@alias(B)", "Annotations are not allowed here"},
	{"role R { privileges {} }", "privileges", "Missing required name"},
	{"role R { privileges A }", "privileges", "Missing required value"},
	{"role R { privileges A { invalid } }", "invalid", "Invalid action `invalid`"},
	{"role R { privileges A { read; read } }", "^read", "Duplicate action `read`"},
	{"role R { privileges A {}; privileges A {} }", "^A", "Duplicate privileges `A`"},
	{"role R { membership A; membership A }", "^A", "Duplicate membership `A`"},
	{"role R { membership A { predicate 42 } }", "42", "Expected lambda predicate"},
	{"role R { membership A { predicate x => x } }", "x => x", "Expected lambda predicate"},
	{"role R { membership A { predicate .x } }", ".x", anon},
	{"role R { membership A { foo } }", "foo", "Expecting a predicate"},
	{"role R { membership A { } }", "{ }", "Expected a single predicate member"},
	{"role R { membership A { predicate (.a); predicate (.b) } }", "{ predicate (.a); predicate (.b) }", "Expected a single predicate member"},
	{"role R { membership A 3 }", "3", "Expected a block"},
	{"role R { privileges A { read true } }", "t", "Expected a block"},

	{"access", atEnd, "Expected provider"},
	{"access provider", atEnd, "Expected name"},
	{"access provider #", "#", "Expected name"},
	{"access provider A", "access", "Missing required value"},
	{"access provider A {", atEnd, "Expected `}`"},
	{"access provider A { issuer \"#{x\" }", "^\"", "Expected `}`"},
	{"access provider A {}\naccess provider A {}", "^A", "Duplicate access provider `A`"},
	{"collection A { a: Int = \x00 }", "^\x00", "Expected expression"},
	{"access provider A { \x00 }", "^\x00", "Invalid character U+0000 in block"},
	{"collection A {} \x00", "^\x00", "Expected end-of-input"},
	{"collection \"#{a}\" {}", "\"#{a}\"", "Names do not support interpolation"},
	{"/* collection A {}", atEnd, "Expected `*/`"},
}

func TestSchemaErrors(t *testing.T) {
	for _, c := range schemaErrors {
		t.Run(c.src, func(t *testing.T) {
			items, errs := ParseSchema(c.src)
			if items != nil || len(errs) != 1 {
				t.Fatalf("got %d items, %d errors", len(items), len(errs))
			}
			if errs[0].Msg != c.want {
				t.Errorf("got %q, want %q", errs[0].Msg, c.want)
			}
			if want := place(t, c.src, c.at); errs[0].Span != want {
				t.Errorf("at %v, want %v", errs[0].Span, want)
			}
		})
	}
}

func TestRenderSchemaError(t *testing.T) {
	const src = "collection Foo {\n  history_days 42\n  history_days 24\n}\n"
	_, errs := ParseSchema(src)
	want := lines("error: Duplicate history days", "at *fsl*:3:3", "  |", "3 |   history_days 24", "  |   ^^^^^^^^^^^^^^^", "  |",
		"hint: Originally defined here", "at *fsl*:2:3", "  |", "2 |   history_days 42", "  |   ^^^^^^^^^^^^^^^", "  |")
	if got := Render("*fsl*", src, errs[0]); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
