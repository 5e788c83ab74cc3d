package eval

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// What a caller without any right to read Secret or User may call. The functions are what
// apps have: the ways to abuse them are the tests.
const deputyFSL = `
collection Secret { *: Any; n: Int = 0; index byN { terms [.n] } }
collection Open { *: Any; n: Int = 0; index byN { terms [.n] } }
collection Caller {}
function helper(n) { Open.byN(n).first()!.n }
function internal() { Secret.all().map(.n).toArray() }
@role(server)
function hasTag(tags) { tags.any(t => t == "x") }
@role(server)
function each(xs, f) { xs.map(f).toSet().toArray() }
@role(server)
function call(f) { f() }
@role(server)
function callIn(o) { o.f() }
@role(server)
function page(after) {
  if (after == null) Set.sequence(1, 4).map(n => helper(n)).pageSize(1).paginate() else Set.paginate(after)
}
@role(server)
function lazily() { Secret.all().map(.n) }
@role(server)
function closure() { () => Secret.all().map(.n).toArray() }
@role(server)
function bound() { [Secret.all, Secret("1").update] }
@role(server)
function listed() { [Secret("1"), Secret("404")] }
@role(server)
function quoted(x) { "#{x}" }
@role(server)
function leak() { log(Secret("1")!); 1 }
function asked(xs) { 1 }
role caller {
  membership Caller
  privileges Open { read }
  privileges hasTag { call }
  privileges each { call }
  privileges call { call }
  privileges callIn { call }
  privileges page { call }
  privileges lazily { call }
  privileges closure { call }
  privileges bound { call }
  privileges listed { call }
  privileges quoted { call }
  privileges leak { call }
  privileges asked { call { predicate (xs => xs.any(x => x == 1)) } }
}
`

func newDeputy(t *testing.T) (db *testDB, secret string) {
	db = newTestDB(t, deputyFSL)
	db.run(`Set.sequence(1, 4).forEach(n => { Secret.create({ id: n, n: n * 111 }); Open.create({ n: n }) }); Caller.create({ id: 1 })`)
	return db, db.text(rootSecret, `Token.create({ document: Caller("1") }).secret`)
}

// Text of the caller has the caller's rights wherever it is called from, and what a function
// returns has them as soon as it is back.
func TestRightsOfWhatIsPassed(t *testing.T) {
	db, secret := newDeputy(t)
	const denied = "! permission_denied"
	tests := []struct{ name, fql, want string }{
		{"a lambda", `call(() => Secret.all().count())`, `0`},
		{"a lambda in an object", `callIn({ f: () => Secret("1").n })`, denied},
		{"a lambda that an array method calls", `each([1], x => Secret("1").exists())`, `[false]`},
		{"a lambda within a lambda", `call(() => [1].map(x => Secret.all().count()))`, `[0]`},
		{"a closure over what the function gave", `each([Secret("1")], s => s.n)`, denied},
		{"what the lambda logs", `hasTag(Set.single(1).map(x => { log(Secret.all().map(.n).toArray()); "x" }))`, `true`},
		{"a step of a set", `each(Set.single(1), x => Secret.byN(111).count())`, denied},
		{"a condition of a set", `hasTag(Open.where(x => Secret("1").n == 111).map(x => "x"))`, denied},
		{"a projection", `each(Set.single({}) { n: Secret.all().count() }, x => x)`, `[{"n":0}]`},
		{"an order", `each(Open.all().order(x => Secret("1").n), x => 1)`, denied},
		{"a flat map", `each(Set.single(1).flatMap(x => Secret.all()), x => 1)`, `[1,1,1]`}, // the set of documents is the function's to read
		{"a function of the schema", `each([1], x => internal())`, denied},
		{"a function of the schema, by name", `call(internal)`, denied},
		{"in an object", `callIn({ f: internal })`, denied},
		{"looked up", `call(Function("internal"))`, denied},
		{"a bound method", `call(Secret("1").delete)`, denied},
		{"a method that creates", `each([{ n: 5 }], Secret.create)`, denied},
		{"a token", `each([{ document: Caller("1") }], Token.create)`, denied},
		{"an index", `each([111], Secret.byN)`, denied},
		{"a function that calls back", `call(() => call(() => Secret.all().count()))`, `0`},
		{"after a call that has failed", `call(closure) ?? 1`, `"[function <lambda>]"`},
		{"a predicate", `asked(Set.single(1).map(x => { log(Secret.all().map(.n).toArray()); Secret("1").n }))`, denied},
		{"a predicate may ask", `asked(Set.single(1))`, `1`},

		{"a set that is returned", `lazily()`, `{"data":[]}`},
		{"its elements", `[lazily().count(), lazily().toArray(), lazily().first()]`, `[0,[],null]`},
		{"a lambda that is returned", `closure()()`, `[]`},
		{"methods that are returned", `bound()[0]().count()`, `0`},
		{"writing by one", `bound()[1]({ n: 7 })`, denied},
		{"documents that are returned", `listed().map(d => d.exists())`, `[false,false]`},
		{"a field of one", `listed()[0].n`, denied},
		{"text of one", `listed().map(d => "#{d}")`, `["null","null"]`},
		{"what a function logs", `leak()`, `1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, err := db.try(secret, tt.fql)
			var failed *Error
			switch {
			case res != nil && strings.Contains(res.Summary, "111,"):
				t.Errorf("the summary tells: %s", res.Summary)
			case strings.HasPrefix(tt.want, "!"):
				if !errors.As(err, &failed) || "! "+failed.Code != tt.want {
					t.Errorf("got %v, want %s", err, tt.want)
				}
			case err != nil:
				t.Error(err)
			case simple(res.Data) != tt.want:
				t.Errorf("got %s, want %s", simple(res.Data), tt.want)
			}
		})
	}
	db.is(`[Secret.all().map(.n).toArray(), Token.all().count()]`, `[[111,222,333],1]`)
}

// A function with @role goes on with pages that it began itself, and with no others.
func TestCursorsOfFunctions(t *testing.T) {
	db, secret := newDeputy(t)
	first := db.page(secret, `page(null)`)
	second := db.page(secret, `page($$)`, first.after)
	third := db.page(secret, `page($$)`, second.after)
	if got := first.data + second.data + third.data; got != `[1][2][3]` || third.after != nil {
		t.Errorf("got %s", got)
	}
	nested := `Secret.all()`
	for range maxPageDepth {
		nested = "Set.single(" + nested + ")"
	}
	unread := db.as(secret, nested)
	cursor := unread[strings.LastIndex(unread[:strings.LastIndex(unread, `"`)], `"`)+1 : strings.LastIndex(unread, `"`)]
	if got := db.page(secret, `Set.paginate($$)`, value.String(cursor)); got.data != `[]` {
		t.Fatalf("on its own: %s", got.data)
	}
	db.is(`Set.paginate("`+cursor+`").data.length`, `3`) // of whoever may read
	own := db.page(secret, `Set.sequence(0, 9).map(x => Secret.all().map(.n).toArray()).pageSize(1).paginate()`).after
	for name, cursor := range map[string]value.Value{"a set of the caller": value.String(cursor), "code of the caller": own} {
		_, err := db.try(secret, `page($$)`, cursor)
		var failed *Error
		if !errors.As(err, &failed) || failed.Code != "invalid_cursor" {
			t.Errorf("%s: %v", name, err)
		}
	}
	// In a cursor that the function wrote itself the caller's text is still the caller's.
	mixed := db.page(secret, `each([Set.sequence(0, 9).map(x => Secret.all().count()).pageSize(1)], s => s.paginate())[0]`)
	if mixed.data != `[0]` {
		t.Errorf("got %s", mixed.data)
	}
}

// Arguments are names of the caller's text alone, also in what becomes of it.
func TestArgumentsInFunctions(t *testing.T) {
	db, secret := newDeputy(t)
	ask := func(fql string, args ...value.Field) string {
		t.Helper()
		res, err := db.Query(t.Context(), &Request{Text: fql, Secret: secret, Arguments: args})
		if err != nil {
			t.Fatalf("%s: %v", fql, err)
		}
		return simple(res.Data)
	}
	arg := func(name string, v value.Value) value.Field { return value.Field{Name: name, Value: v} }
	if got := ask(`Open.first()`, arg("Open", value.Array{value.Int(7)})); got != `7` {
		t.Errorf("in the query: %s", got)
	}
	if got := ask(`page(null).data`, arg("Open", value.Module("Secret")), arg("helper", value.Module("Secret"))); got != `[1]` {
		t.Errorf("in a function: %s", got)
	}
	after := ask(`page(null).after`, arg("Open", value.Module("Secret")), arg("helper", value.Module("Secret")))
	if got := ask(`page(after).data`, arg("after", value.String(strings.Trim(after, `"`)))); got != `[2]` {
		t.Errorf("in a cursor of a function: %s", got)
	}
	after = ask(`Set.sequence(0, 9).map(x => n).paginate(1).after`, arg("n", value.Int(7)))
	if got := ask(`Set.paginate(after, 1).data`, arg("after", value.String(strings.Trim(after, `"`))), arg("n", value.Int(8))); got != `[7]` {
		t.Errorf("in a cursor of the query: %s", got)
	}
}

// A reference that came over the wire tells no more than one that the query makes.
func TestReferencesFromOutside(t *testing.T) {
	db, as := newABAC(t)
	tests := []struct {
		who, coll, id, name string
		want                string // the cause, or "! code"
	}{
		{"Nobody", "Role", "", "some", causeDenied},
		{"Nobody", "Role", "", "nope", causeDenied},
		{"Nobody", "Database", "", "some", causeDenied},
		{"Nobody", "Database", "", "nope", causeDenied},
		{"Nobody", "AccessProvider", "", "some", causeDenied},
		{"Nobody", "Collection", "", "Secret", causeDenied},
		{"Nobody", "Collection", "", "nope", causeDenied},
		{"Reader", "Collection", "", "nope", "! invalid_query"},
		{"Nobody", "Token", "1", "", causeDenied},
		{"Nobody", "Key", "1", "", causeDenied},
		{"Nobody", "Credential", "1", "", causeDenied},
		{"Nobody", "Secret", "1", "", causeDenied},
		{"Nobody", "Secret", "404", "", causeDenied},
		{"Reader", "Secret", "404", "", causeNotFound},
		{"Reader", "Secret", "-1", "", "! invalid_query"},
		{"Reader", "Secret", "9223372036854775808", "", "! invalid_query"},
		{"Reader", "Secret", "", "1", "! invalid_query"},
		{"Reader", "Nope", "1", "", "! invalid_query"},
	}
	for _, tt := range tests {
		res, err := db.try(as(tt.who), `$$`, value.Reference{Coll: tt.coll, ID: tt.id, Name: tt.name})
		var failed *Error
		switch ref, _ := resultOf(res).(value.Reference); {
		case errors.As(err, &failed) && "! "+failed.Code == tt.want:
		case err != nil || ref.Cause != tt.want:
			t.Errorf("%+v: got %+v, %v", tt, ref, err)
		}
	}
	for name, want := range map[string]string{"some": "Role", "nope": "! invalid_query"} {
		_, err := db.try(rootSecret, `$$`, value.Reference{Coll: "Role", Name: name})
		if (err != nil) != strings.HasPrefix(want, "!") {
			t.Errorf("the admin's reference to the role %s: %v", name, err)
		}
	}
	if _, err := db.try(rootSecret, `$$`, value.Reference{Coll: "Database", Name: "some"}); err == nil {
		t.Error("a role passes for a database")
	}
}

func resultOf(res *Result) value.Value {
	if res == nil {
		return nil
	}
	return res.Data
}

// Decisions follow what the query itself has written.
func TestRightsFollowWrites(t *testing.T) {
	db := newTestDB(t, `
		collection Actor { *: Any }
		collection Flag { *: Any }
		collection D { *: Any; owner: Any; index byOwner { terms [.owner] } }
		@role(server)
		function close() { Flag("1")!.update({ open: false }) }
		@role(server)
		function give(d, owner) { d.update({ owner: owner }) }
		@role(server)
		function end(t) { t.delete() }
		role r {
			membership Actor
			privileges D {
				read { predicate (d => d.owner == Query.identity() && Flag("1").open) }
				write { predicate ((old, new) => old.owner == new.owner && new.ttl == old.ttl && new.id == old.id && new.n != 13) }
				create { predicate (d => d.owner == Query.identity()) }
				delete { predicate (d => d.n != 1) }
			}
			privileges Token { read { predicate (t => t.document == Query.identity()) } }
			privileges close { call }
			privileges give { call }
			privileges end { call }
		}`)
	db.run(`Actor.create({ id: 1 }); Actor.create({ id: 2 }); Flag.create({ id: 1, open: true })
		D.create({ id: 1, owner: Actor("1"), n: 1, ttl: Time.now().add(1, "day") }); D.create({ id: 2, owner: Actor("1"), n: 2 }); D.create({ id: 3, owner: Actor("2") })`)
	secret := db.text(rootSecret, `Token.create({ document: Actor("1") }).secret`)
	const denied = "permission_denied"
	tests := []struct{ name, fql, want string }{ // want: a result, or "! code"
		{"before", `[D.all().count(), D.byOwner(Actor("1")).count(), D("3").exists()]`, `[2,2,false]`},
		{"another document that the predicate asks", `let a = D("1").exists(); close(); [a, D("1").exists(), D.all().count()]`, `[true,false,0]`},
		{"the document itself", `let a = D("1").exists(); give(D("1"), Actor("2")); [a, D("1").exists(), D.all().count()]`, `[true,false,1]`},
		{"a field of it", `let d = D("1"); let n = d.n; give(d, Actor("2")); d.n`, "! " + denied},
		{"what was gathered before", `let all = D.all().toArray(); close(); all.map(.n)`, "! " + denied},
		{"a set that was made before", `let all = D.all(); close(); all.toArray()`, `[]`},
		{"while it goes through a set", `D.all().forEach(d => { close(); d.update({ n: 5 }) })`, "! " + denied},
		{"gained", `let a = D("3").exists(); give(D("3"), Actor("1")); [a, D("3").exists()]`, `[false,true]`},
		{"its own token", `let t = Query.token()!; end(t); [t.exists(), Token.all().count()]`, `[false,0]`},

		{"created for another", `D.create({ owner: Actor("2") })`, "! " + denied},
		{"created for nobody", `D.create({})`, "! " + denied},
		{"created by other means", `D.createData({ owner: Actor("2"), data: { owner: Actor("1") } })`, "! " + denied},
		{"with an id", `D.create({ id: 9, owner: Actor("1") })`, "! " + denied},
		{"with an id that exists", `D.create({ id: 3, owner: Actor("1") })`, "! " + denied},
		{"given away", `D("1").update({ owner: Actor("2") })`, "! " + denied},
		{"given to nobody", `D("1").update({ owner: null })`, "! " + denied},
		{"replaced without an owner", `D("2").replace({})`, "! " + denied},
		{"replaced without its ttl", `D("1").replace({ owner: Actor("1") })`, "! " + denied},
		{"with a ttl that is data", `D("1").replaceData({ owner: Actor("1"), ttl: D("1").ttl })`, "! " + denied},
		{"another ttl", `D("2").update({ ttl: Time.now() })`, "! " + denied},
		{"no ttl", `D("1").update({ ttl: null })`, "! " + denied},
		{"data as metadata", `D("2").updateData({ ttl: Time.now(), id: "7" }).owner.id`, `"1"`},
		{"bit by bit", `D("2").update({ n: 12 }); D("2").update({ n: D("2").n + 1 })`, "! " + denied},
		{"the old document is that of now", `D("1").update({ n: 2 }); D("1").delete().id`, `"1"`},
		{"the old document", `D("1").delete()`, "! " + denied},
		{"of another", `D("3").update({ owner: Actor("1") })`, "! " + denied},
		{"of nobody", `D("404").update({ owner: Actor("1") })`, "! " + denied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := db.in(t)
			if code, fails := strings.CutPrefix(tt.want, "! "); fails {
				db.fails(secret, code, tt.fql)
				return
			}
			e := db.fails(secret, "abort", `let result = { `+tt.fql+` }; abort(result)`)
			if got := simple(e.Abort); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// A secret, and what stands behind it, is over when its time is, not a moment later.
func TestTTLAtEquality(t *testing.T) {
	db := newTestDB(t, authFSL)
	exp := db.clock.Load() + time.Minute.Microseconds()
	ttl := fmt.Sprintf(`ttl: Time.epoch(%d, "microseconds")`, exp)
	db.run(`User.create({ id: 1 }); User.create({ id: 2, ` + ttl + ` })`)
	token, _ := db.token(`document: User("1"), ` + ttl)
	identity, _ := db.token(`document: User("2")`)
	secrets := map[string]string{
		"token":               token,
		"token of a document": identity,
		"key":                 db.text(rootSecret, `Key.create({ role: "server", `+ttl+` }).secret`),
		"as a document":       rootSecret + ":@doc/User/2",
	}
	db.clock.Store(exp - 1)
	for what, secret := range secrets {
		if res, err := db.try(secret, `1`); err != nil || res.TxnTime != exp-1 {
			t.Errorf("%s, just before its time: %+v, %v", what, res, err)
		}
	}
	db.clock.Store(exp)
	if now := db.run(`Time.now().toMicros()`); now != fmt.Sprint(exp) {
		t.Fatalf("the clock says %s, not %d", now, exp)
	}
	for what, secret := range secrets {
		db.refused(what, secret)
	}
}

func TestPublicLimits(t *testing.T) {
	db := newTestDB(t, authFSL)
	db.opt.TokenLimits = Limits{Steps: 10_000}
	const heavy = `Set.sequence(0, 15000).fold(0, (a, x) => a + x)`
	for public, wants := range map[bool]bool{true: false, false: true} {
		_, err := db.Query(t.Context(), &Request{Text: heavy, Secret: db.key("custom"), Public: public})
		if (err == nil) != wants {
			t.Errorf("public %v: %v", public, err)
		}
	}
}
