package schema

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mustLoad loads one file, main.fsl.
func mustLoad(t *testing.T, fsl string) *Schema {
	t.Helper()
	s, problems := Load([]File{{"main.fsl", fsl}}, nil)
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", RenderProblems(problems))
	}
	return s
}

func TestLoadBinds(t *testing.T) {
	s := mustLoad(t, `
@alias(Usr)
collection User {
  email: String
  name: String = "anon"
  age: Int?
  org: Ref<Org>
  tags: Array<String> = []
  address: { city: String, *: Any }?
  kind: "a" | "b"
  compute full: String = (u => u.name + "!")
  unique [.email]
  unique [mva(.tags)]
  check adult (u => u.age == null || u.age >= 18)
  index byEmail { terms [.email]; values [.name, desc(.age)] }
  index byOrg { terms [.org, mva(.tags)] }
  history_days 3
  ttl_days 30
}
collection Org {}
@role(server)
function greet(name: String, ...rest: Int): String { name }
function untyped(a, b) { a }
role Reader {
  membership Usr { predicate (u => u.kind == "a") }
  privileges Usr { read; write { predicate ((o, n) => true) } }
  privileges greet { call { predicate (name => true) } }
  privileges Token { create }
}
`)
	user := s.Collection("User")
	if s.Collection("Usr") != user || s.CollectionByID(user.ID) != user {
		t.Error("the alias or the number does not find the collection")
	}
	if len(user.Fields) != 7 || user.Wildcard != nil || user.DocumentTTLs || user.HistoryDays != 3 || user.TTLDays != 30 {
		t.Errorf("User = %+v", user)
	}
	if org := s.Collection("Org"); org.Wildcard.String() != "Any" || !org.DocumentTTLs {
		t.Errorf("a collection without fields is open: %+v", org)
	}
	if u := user.Uniques[0]; u.Index != user.Indexes[0] {
		t.Error("unique [.email] does not share the storage of byEmail")
	}
	if u := user.Uniques[1]; u.Index.Name != "" || len(user.Storage) != 3 {
		t.Errorf("unique [mva(.tags)] has no storage of its own: %+v", user.Storage)
	}
	greet := s.Function("greet")
	if greet.Role != "server" || greet.Params[0].String() != "String" || greet.Rest.String() != "Int" || greet.Result.String() != "String" {
		t.Errorf("greet = %+v", greet)
	}
	if f := s.Function("untyped"); len(f.Params) != 2 || f.Params[0] != nil || f.Result != nil {
		t.Errorf("untyped = %+v", f)
	}
	reader := s.Role("Reader")
	if p := reader.Privileges["User"]; p[Write].Predicate == nil || p[Read].Predicate != nil || len(p) != 2 {
		t.Errorf("privileges by alias are not found by name: %+v", reader.Privileges)
	}
	if got := s.MemberRoles(user.ID); !slices.Equal(got, []*Role{reader}) || reader.Membership[0].Predicate == nil {
		t.Errorf("MemberRoles = %v", got)
	}
}

func TestTypeNames(t *testing.T) {
	for in, want := range map[string]string{
		"String":                      "String",
		"String?":                     "String | Null",
		"Float":                       "Double",
		"Int | String | Int":          "Int | String",
		"(Int | String)?":             "Int | String | Null",
		`"a" | 'b' | 3 | true | null`: `"a" | "b" | 3 | true | Null`,
		"Ref<C>":                      "Ref<C>",
		"Ref<Alias>":                  "Ref<C>",
		"C":                           "C",
		"C | EmptyRef<C>":             "C | EmptyRef<C>",
		"Array<Ref<C>?>":              "Array<Ref<C> | Null>",
		"[Int, String]":               "[Int, String]",
		"{ a: Int, b: {}?, *: Any }":  "{ a: Int, b: {} | Null, *: Any }",
		"{ *: Any }":                  "{ *: Any }",
		"Number":                      "Number",
		"Token":                       "Token",
	} {
		s := mustLoad(t, "@alias(Alias) collection C { f: "+in+" }")
		if got := s.Collection("C").Fields[0].Type.String(); got != want {
			t.Errorf("%s prints as %s, want %s", in, got, want)
		}
	}
}

func TestTypeOfDefault(t *testing.T) {
	for in, want := range map[string]string{
		`"x"`: "String", "1": "Int", "-3000000000": "Long", "1.5": "Double", "true": "Boolean",
		"Time.now()": "Time", "Date.today()": "Date", "[]": "Any", "newId()": "Any",
	} {
		s := mustLoad(t, "collection C { f = "+in+" }")
		if got := s.Collection("C").Fields[0].Type.String(); got != want {
			t.Errorf("f = %s has type %s, want %s", in, got, want)
		}
	}
}

// TestProblems: each schema is refused, with just these messages. A line of dashes begins
// another file.
func TestProblems(t *testing.T) {
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format+"\n", i)
		}
		return b.String()
	}
	tests := []struct {
		name, fsl string
		want      []string
	}{
		// names
		{"reserved module", "collection Math {}", []string{"The identifier `Math` is reserved."}},
		{"reserved system collection", "function Token() { 1 }", []string{"The identifier `Token` is reserved."}},
		{"reserved alias", "@alias(Never) collection A {}", []string{"The identifier `Never` is reserved."}},
		{"two collections", "collection A {}\n---\ncollection A {}", []string{"A Collection already exists with the name `A`"}},
		{"collection and function", "collection A {}\n---\nfunction A() { 1 }", []string{"A Collection already exists with the name `A`"}},
		{"function and collection", "function a() { 1 }\n---\n@alias(a) collection B {}", []string{"A Function already exists with the name `a`"}},
		{"alias taken", "@alias(X) collection A {}\n---\n@alias(X) function b() { 1 }", []string{"A Collection already exists with the alias `X`"}},
		{"alias is the name", "@alias(A) collection A {}", []string{"Duplicate collection or function `A`"}},
		{"twice in a file", "collection A {}\nfunction A() { 1 }", []string{"Duplicate collection or function `A`"}},
		{"roles are apart", "collection A {}\nrole A {}\n---\nrole A {}", []string{"A Role already exists with the name `A`"}},
		{"role admin", "role admin {}", []string{"The identifier `admin` is reserved."}},
		{"role server", "role server {}", []string{"The identifier `server` is reserved."}},
		{"role client", "role client {}", []string{"The identifier `client` is reserved."}},
		// fields
		{"reserved field", "collection A { ttl: Time }", []string{"Invalid reserved name `ttl`"}},
		{"reserved computed", "collection A { compute data = (d => 1) }", []string{"Invalid reserved name `data`"}},
		{"twice", "collection A { a: Int\n a: Int }", []string{"Duplicate field `a`"}},
		{"twice, computed", "collection A { a: Int\n compute a = (d => 1) }", []string{"Duplicate field `a`"}},
		{"twice, inside", "collection A { o: { a: Int, a: Int } }", []string{"Duplicate key"}},
		{"default of another type", "collection A { a: String = 5 }", []string{"Type `Int` is not a subtype of `String`"}},
		{"default outside the union", `collection A { a: "x" | "y" = "z" }`, []string{"Type `String` is not a subtype of `\"x\" | \"y\"`"}},
		{"unknown type", "collection A { a: Foo }", []string{"Unknown type `Foo`"}},
		{"unknown collection", "collection A { a: Ref<Foo> }", []string{"Unknown type `Foo`"}},
		{"Ref of a type", "collection A { a: Ref<Int> }", []string{"Unknown type `Int`"}},
		{"ID is not stored", "collection A { a: ID }", []string{"Type `ID` is not persistable"}},
		{"UUID is not stored", "collection A { a: Array<UUID?> }", []string{"Type `UUID` is not persistable"}},
		{"sets are not stored", "collection A { a: Set<Int> }", []string{"Type `Set` is not persistable"}},
		{"functions are not stored", "collection A { a: (Int) => Int }", []string{"A function is not persistable"}},
		{"EmptyRef alone", "collection A { a: EmptyRef<A> }", []string{"Type `EmptyRef<A>` is not persistable"}},
		{"parameters", "collection A { a: Array\n b: String<Int> }", []string{"Type `Array` has 1 parameter", "Type `String` has no parameters"}},
		// members
		{"check arity", "collection A { check c ((a, b) => true) }",
			[]string{"Invalid function arity. Expected 1 argument, but the function was defined with 2 arguments"}},
		{"compute arity", "collection A { compute c = (() => true) }",
			[]string{"Invalid function arity. Expected 1 argument, but the function was defined with 0 arguments"}},
		{"check twice", "collection A { check c (.a)\n check c (.b) }", []string{"Duplicate check constraint name `c`"}},
		{"index named like a method", "collection A { index firstWhere { terms [.a] } }",
			[]string{"Invalid index name `firstWhere`: it is a method of every collection"}},
		{"index twice", "collection A { index i { terms [.a] }\n index i { terms [.b] } }", []string{"Duplicate index name `i`"}},
		{"index of nothing", "collection A { index i { } }", []string{"The index `i` needs terms or values"}},
		{"ts in values", "collection A { index i { values [.ts] } }",
			[]string{"`.ts` in an index or unique constraint is not supported by this engine"}},
		{"ts in terms", "collection A { index i { terms [.ts] } }",
			[]string{"`.ts` in an index or unique constraint is not supported by this engine"}},
		{"mva of a single value", "collection A { index i { terms [mva(.id)] } }", []string{"`.id` is a single value"}},
		{"order of a term", "collection A { index i { terms [desc(.a)] } }",
			[]string{"Expected 'mva'"}},
		{"unknown field", "collection A { a: { b: Int }\n index i { terms [.a.c]; values [.x] } }",
			[]string{"Type `A` does not have field `a.c`", "Type `A` does not have field `x`"}},
		{"unique of an unknown field", "collection A { a: Int\n unique [.b] }", []string{"Type `A` does not have field `b`"}},
		{"field twice", "collection A { index i { terms [.a, .a] } }", []string{"The field `.a` is there twice"}},
		{"days", "collection A { ttl_days 2000000 }", []string{"`ttl_days` must be between 0 and 1000000"}},
		{"migrations", "collection A { a: Int\n migrations { add .a } }", []string{"`migrations` is not supported by this engine"}},
		// functions
		{"half typed", "function f(a: Int, b) { a }", []string{"All or no arguments must have a type"}},
		{"no result type", "function f(a: Int) { a }", []string{"Return type is required when arguments have a type"}},
		{"only a result type", "function f(a): Int { a }", []string{"Return type is not allowed when arguments do not have a type"}},
		{"unknown role", "@role(nobody) function f() { 1 }", []string{"Role `nobody` does not exist."}},
		// roles
		{"unknown resource", "role R { privileges Foo { read } }", []string{"Resource `Foo` does not exist."}},
		{"resource twice", "@alias(B) collection A {}\nrole R { privileges A { read }\n privileges B { read } }",
			[]string{"Duplicate privileges of `B`"}},
		{"action twice", "collection A {}\nrole R { privileges A { read\n read } }", []string{"Duplicate action `read`"}},
		{"call of a collection", "collection A {}\nrole R { privileges A { call } }",
			[]string{"The action `call` is for functions, and `A` is a collection"}},
		{"read of a function", "function f() { 1 }\nrole R { privileges f { read } }",
			[]string{"The only action on a function is `call`, not `read`"}},
		{"read arity", "collection A {}\nrole R { privileges A { read { predicate ((a, b) => true) } } }",
			[]string{"Invalid function arity. Expected 1 argument, but the function was defined with 2 arguments"}},
		{"write arity", "collection A {}\nrole R { privileges A { write { predicate (a => true) } } }",
			[]string{"Invalid function arity. Expected 2 or 3 arguments, but the function was defined with 1 argument"}},
		{"membership arity", "collection A {}\nrole R { membership A { predicate (() => true) } }",
			[]string{"Invalid function arity. Expected 1 argument, but the function was defined with 0 arguments"}},
		{"membership of a system collection", "role R { membership Token }", []string{"Resource `Token` does not exist."}},
		{"membership twice", "@alias(B) collection A {}\nrole R { membership A\n membership B }", []string{"Duplicate membership of `B`"}},
		{"65 roles", "collection A {}\n" + many(65, "role R%d { membership A }"),
			[]string{"The maximum number of roles per resource (64) have been exceeded."}},
		{"1025 collections", many(1025, "collection C%d {}"), []string{"A database may have 1024 collections"}},
		{"access provider", "access provider A { issuer \"x\"\n jwks_uri \"https://x\" }",
			[]string{"access provider is not supported by this engine"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var files []File
			for i, fsl := range strings.Split(tt.fsl, "---\n") {
				files = append(files, File{fmt.Sprintf("%d.fsl", i), fsl})
			}
			s, problems := Load(files, nil)
			if s != nil {
				t.Error("there is a schema all the same")
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.Message)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestSixtyFourRolesAreFine(t *testing.T) {
	fsl := "collection A {}\n"
	for i := range 64 {
		fsl += fmt.Sprintf("role R%d { membership A }\n", i)
	}
	s := mustLoad(t, fsl)
	if n := len(s.MemberRoles(s.Collection("A").ID)); n != 64 {
		t.Errorf("%d roles", n)
	}
}

func TestProblemRendersTheLine(t *testing.T) {
	_, problems := Load([]File{{"a.fsl", "collection A {\n  ttl: Time\n}"}}, nil)
	got := RenderProblems(problems)
	for _, want := range []string{"Invalid reserved name `ttl`", "at *a.fsl*:2:3", "ttl: Time", "^"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
}

func TestFilesTwice(t *testing.T) {
	_, problems := Load([]File{{"a.fsl", ""}, {"a.fsl", ""}}, nil)
	if len(problems) != 1 || problems[0].Message != "The file `a.fsl` is there twice" {
		t.Errorf("problems = %v", problems)
	}
}

// TestNumbersStay: a collection or stored index keeps its number from push to push, and
// what was dropped never gets its number back.
func TestNumbersStay(t *testing.T) {
	load := func(prev *Schema, fsl string) *Schema {
		t.Helper()
		s, problems := Load([]File{{"main.fsl", fsl}}, prev)
		if len(problems) > 0 {
			t.Fatal(RenderProblems(problems))
		}
		return s
	}
	const a = "collection A { n: Int\n compute c = (.n) \n index i { terms [.n] }\n index j { terms [.c] } }\n"
	first := load(nil, a+"collection B {}")
	second := load(first, "collection C {}\n"+a)
	if first.Collection("A").ID != second.Collection("A").ID {
		t.Error("A has a new number")
	}
	if id := second.Collection("C").ID; id == first.Collection("B").ID || id == second.Collection("A").ID {
		t.Errorf("C has a number that was taken: %d", id)
	}
	indexes := func(s *Schema) [2]uint32 {
		c := s.Collection("A")
		return [2]uint32{c.Indexes[0].ID, c.Indexes[1].ID}
	}
	if indexes(first) != indexes(second) {
		t.Error("an index has a new number")
	}
	third := load(second, strings.Replace(a, "(.n)", "(.n + 1)", 1)+"collection B {}")
	if indexes(third)[0] != indexes(first)[0] || indexes(third)[1] == indexes(first)[1] {
		t.Error("just the index over the changed computed field is to be built anew")
	}
	if third.Collection("B").ID == first.Collection("B").ID {
		t.Error("B made anew has its old number")
	}
	// A dropped collection's indexes are not those of the one made anew.
	fourth := load(load(third, ""), a)
	if ids := indexes(fourth); ids[0] <= indexes(third)[1] {
		t.Errorf("index numbers were given again: %v", ids)
	}
}

func TestMarshal(t *testing.T) {
	s := mustLoad(t, "collection A { index i { terms [.n] } }\ncollection B {}")
	s, _ = Load([]File{{"b.fsl", "collection B {}"}, {"a.fsl", "collection A { index i { terms [.n] } }"}}, s)
	data, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Unmarshal(data)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(back.Files, s.Files) || back.Collection("A").ID != s.Collection("A").ID ||
		back.Collection("A").Indexes[0].ID != s.Collection("A").Indexes[0].ID || back.ids.NextColl != s.ids.NextColl {
		t.Errorf("came back as %+v, was %+v", back, s)
	}
	broken := strings.Replace(string(data), `"64 terms [.n]`, `"64 terms [.m]`, 1)
	for _, bad := range []string{broken, "", "{", `{"files":[{"name":"a","content":"collection {"}]}`} {
		if _, err := Unmarshal([]byte(bad)); err == nil {
			t.Errorf("Unmarshal(%q) has no error", bad)
		}
	}
}

func TestShippedSchemaLoads(t *testing.T) {
	paths, err := filepath.Glob("../../schema/*.fsl")
	if err != nil || len(paths) == 0 {
		t.Skip("the shipped FSL is not here")
	}
	var files []File
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "{{") {
			t.Skip("the shipped FSL is a template")
		}
		files = append(files, File{filepath.Base(p), string(text)})
	}
	s, problems := Load(files, nil)
	if len(problems) > 0 {
		t.Fatal(RenderProblems(problems))
	}
	jwt := s.Collection("auth0_jwt")
	if len(jwt.Storage) != len(jwt.Indexes) {
		t.Errorf("auth0_jwt stores %d indexes for %d declared ones: unique is stored twice", len(jwt.Storage), len(jwt.Indexes))
	}
}
