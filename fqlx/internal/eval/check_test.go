package eval

import (
	"errors"
	"strings"
	"testing"
)

// What a push refuses in stored code, wherever it may stand. In a predicate a typo would be
// a silent denial.
func TestPushChecksCode(t *testing.T) {
	db := newTestDB(t, ``)
	const head = "@alias(Bb) collection B { *: Any; n: Any; index byN { terms [.n] } }\n@alias(gg) function g() { 1 }\n"
	tests := []struct{ name, fsl, want string }{ // want: the message, "" if it is all right
		{"function", `function f(a) { a + b }`, "Unbound variable `b`"},
		{"untaken branch", `function f(a) { if (a) nope() else 1 }`, "Unbound variable `nope`"},
		{"argument of a request", `function f() { given }`, "Unbound variable `given`"},
		{"template", `function f() { "a #{nope}" }`, "Unbound variable `nope`"},
		{"type test", `function f(x) { x isa Nope }`, "Unbound variable `Nope`"},
		{"projection", `function f() { B.all() { n: nope } }`, "Unbound variable `nope`"},
		{"variable of another function", `function f(mine) { 1 }; function h() { mine }`, "Unbound variable `mine`"},
		{"read", `role r { privileges B { read { predicate (d => d.n == Qery.identity()) } } }`, "Unbound variable `Qery`"},
		{"write", `role r { privileges B { write { predicate ((o, n) => old.n == n.n) } } }`, "Unbound variable `old`"},
		{"call", `role r { privileges g { call { predicate (() => nope) } } }`, "Unbound variable `nope`"},
		{"membership", `role r { membership B { predicate (s => auth0SessionActiv(s)) } }`, "Unbound variable `auth0SessionActiv`"},
		{"computed field", `collection C { compute c = (d => nope) }`, "Unbound variable `nope`"},
		{"check", `collection C { check c (d => nope) }`, "Unbound variable `nope`"},
		{"default", `collection C { a: Any = nope }`, "Unbound variable `nope`"},
		{"default in an object", `collection C { a: { b: Any = [nope] } }`, "Unbound variable `nope`"},
		{"dropped collection", `function f() { C.all() }`, "Unbound variable `C`"},
		{"unsupported", `function f() { AccessProvider.all() }`, "`AccessProvider` is not supported by this engine"},
		{"unsupported in an untaken branch", `function f() { if (false) AccessProvider.all() }`, "`AccessProvider` is not supported by this engine"},
		{"unsupported member", `function f() { FQL.evalV4({}) }`, "`FQL.evalV4` is not supported by this engine"},
		{"index", `role r { privileges B { read { predicate (d => B.byM(1).nonEmpty()) } } }`, "Type `BCollection` does not have field `byM`"},
		{"member of a module", `function f() { Time.nwo() }`, "Type `TimeModule` does not have field `nwo`"},
		{"member of FQL", `function f() { FQL.B }`, "Type `FQLModule` does not have field `B`"},

		{"write in a predicate", `role r { privileges B { read { predicate (d => { B.create({}); true }) } } }`, "`create` performs a write, which is not allowed in auth predicates."},
		{"token in a membership", `role r { membership B { predicate (d => Token.create({ document: d }) != null) } }`, "`create` performs a write, which is not allowed in auth predicates."},
		{"read in a default", `collection C { a: Any = B.byN(1).first() }`, "`byN` performs a read, which is not allowed in default values."},
		{"write in a check", `collection C { check c (d => Bb.createData({}) == 1) }`, "`createData` performs a write, which is not allowed in check constraints."},
		{"read in an indexed field", `collection C { compute c = (d => B.all().count()); index byC { terms [.c] } }`, "`all` performs a read, which is not allowed in computed fields of an index."},
		{"clock in a unique field", `collection C { compute c = (d => Time.now()); unique [.c] }`, "`now` performs an observation, which is not allowed in computed fields of an index."},
		{"function in an indexed field", `collection C { compute c = (d => gg()); index byC { values [.c] } }`, "A call of the function `gg` in computed fields of an index is not supported by this engine"},

		{"names of the schema", `function f(x) { [B, Bb, g(), gg(), Bb.byN(1), B.byId("1"), f, Collection.byName("X"), Function("y")] }`, ""},
		{"names of the language", `function f() { [Math.PI, Time.now(), newId(), FQL.Math, abort(1), Query.identity(), Object.keys({}), Null, Doc] }`, ""},
		{"variables", `function f(a, ...r) { let x = a; r.map(y => [x, y]) }`, ""},
		{"shadowed", `function f(Time) { Time.nwo }`, ""},
		{"fields", `collection C { *: Any; a: Any; compute c = (d => d.delete == d.update && d.a); index byC { terms [.c] } }`, ""},
		{"clock in a default", `collection C { a: Any = Time.now(); b: Any = newId().toString() }`, ""},
		{"read in a check", `collection C { check c (d => B.all().isEmpty()) }`, ""},
		{"write in a function of a predicate", `function f() { B.create({}) }; role r { privileges B { read { predicate (d => f() == 1) } } }`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := db.Push(t.Context(), rootSecret, PushRequest{Files: files("main.fsl", head+tt.fsl), Override: true, DryRun: true})
			var refused *SchemaError
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want == "":
			case !errors.As(err, &refused):
				t.Errorf("got %v", err)
			case !strings.HasPrefix(refused.Message, "error: "+tt.want+"\nat *main.fsl*:3:") || strings.Count(refused.Message, "error: ") != 1:
				t.Errorf("got %s\nwant %s", refused.Message, tt.want)
			}
		})
	}
}

// A database that holds code which no push would take today can still be opened.
func TestStoredCodeIsNotCheckedAgain(t *testing.T) {
	db := newTestDB(t, ``)
	db.push(`collection A {}; function f() { A.all() }`)
	_, err := db.Push(t.Context(), rootSecret, PushRequest{Files: files("main.fsl", `function f() { A.all() }`), Override: true})
	if err == nil {
		t.Fatal("a collection in use was dropped")
	}
	db.current.Store(nil)
	db.is(`f().count()`, `0`)
	db.fails(rootSecret, "unbound_variable", `if (true) B.all()`)
	db.is(`if (false) B.all()`, `null`)
}
