package eval

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// The roles of these tests are each given to one collection's documents, so a secret of
// Actor(n) acts with exactly the role n.
const abacFSL = `
collection Secret { *: Any; n: Int = 0; index byN { terms [.n] } }
collection Mine { owner: Ref<Nobody>?; *: Any }
collection Log {}
function read_secret(n) { Secret.byN(n).first()!.n }
@role(server)
function count_secrets() { Secret.all().count() }
@role(server)
function secrets() { Secret.all() }
function add(a, b) { a + b }
@role(limited)
function limited() { [Secret("1").exists(), Query.identity().id] }
function writes() { Log.create({}); true }
function fails() { 1 / 0 }
role limited { privileges Mine { read } }

collection Nobody {}
collection Reader {}
role reader { membership Reader; privileges Secret { read }; privileges Collection { read } }
collection Some {}
role some { membership Some; privileges Secret { read { predicate (s => s.n == 1) } } }
collection Writer {}
role writer { membership Writer; privileges Secret { read; write { predicate ((old, new) => old.n == 1 && new.n == 2) } } }
collection Blind {}
role blind { membership Blind; privileges Secret { write; delete } }
collection Creator {}
role creator { membership Creator; privileges Secret { create { predicate (s => s.n == 5 && s.deep == null) } } }
collection Numberer {}
role numberer { membership Numberer; privileges Secret { create; create_with_id; read } }
collection Deleter {}
role deleter { membership Deleter; privileges Secret { read; delete { predicate (s => s.n == 1) } } }
collection Caller {}
role caller {
  membership Caller
  privileges count_secrets { call }
  privileges secrets { call }
  privileges limited { call }
  privileges add { call { predicate ((a, b) => a < b) } }
}
collection Issuer {}
role issuer { membership Issuer; privileges Token { create { predicate (t => t.document == Query.identity()) } } }
collection Odd {}
role odd {
  membership Odd
  privileges Secret {
    read { predicate (s => "true") }
    write { predicate ((old, new, third) => true) }
    create { predicate (s => writes()) }
    delete { predicate (s => fails()) }
  }
}
collection Locksmith {}
role locksmith { membership Locksmith; privileges Key { create; read } }
collection Joint {}
role joint1 { membership Joint; privileges Secret { read { predicate (s => s.n == 1) } } }
role joint2 { membership Joint; privileges Secret { read { predicate (s => s.n == 2) } } }
collection Deep {}
role deep { membership Deep; privileges Mine { read { predicate (m => Secret.byN(m.wants).first()!.n > 0 && count_secrets() == 2) } } }
collection Seer {}
role seer { membership Seer; privileges Mine { read { predicate (m => Key.all().count() > 0 || Role.all().count() > 0) } } }
`

func newABAC(t *testing.T) (db *testDB, as func(collection string) string) {
	db = newTestDB(t, abacFSL)
	db.run(`Secret.create({ id: 1, n: 1 }); Secret.create({ id: 2, n: 2 })
		Mine.create({ id: 1, owner: Nobody("1"), wants: 1 }); Mine.create({ id: 2, wants: 7 }); Key.create({ role: "client" })`)
	secrets := map[string]string{}
	return db, func(collection string) string {
		if secrets[collection] == "" {
			secrets[collection] = db.text(rootSecret, collection+`.create({ id: 1 }); Token.create({ document: `+collection+`("1") }).secret`)
		}
		return secrets[collection]
	}
}

// What is denied, and how, row by row of Fauna's table.
func TestDenials(t *testing.T) {
	db, as := newABAC(t)
	tests := []struct{ name, who, fql, want string }{ // want: a result, or "! code message"
		{"byId makes a reference", "Nobody", `[Secret("1").id, Secret.byId("404").id, Secret("1").coll]`, `["1","404","Secret"]`},
		{"a field", "Nobody", `Secret("1").n`, "! permission_denied Insufficient privileges to perform the action."},
		{"a field of what is not there", "Nobody", `Secret("404").n`, "! permission_denied Insufficient privileges to perform the action."},
		{"an optional field", "Nobody", `Secret("1")?.n`, `null`},
		{"asserted", "Nobody", `Secret("1")!`, "! null_value Null value, due to permission denied"},
		{"exists", "Nobody", `[Secret("1").exists(), Secret("404").exists()]`, `[false,false]`},
		{"is null", "Nobody", `[Secret("1") == null, Secret("1") ?? 3]`, `[true,3]`},
		{"a method", "Nobody", `Secret("1").update({ n: 3 })`, "! permission_denied Insufficient privileges to perform the action."},
		{"all", "Nobody", `Secret.all().toArray()`, `[]`},
		{"where and firstWhere", "Nobody", `[Secret.where(x => true).count(), Secret.firstWhere(x => true)]`, `[0,null]`},
		{"an index", "Nobody", `Secret.byN(1)`, "! permission_denied Insufficient privileges to read from collection Secret."},
		{"create", "Nobody", `Secret.create({ n: "wrong type" })`, "! permission_denied Insufficient privileges to perform the action."},
		{"delete", "Nobody", `Secret("1").delete()`, "! permission_denied Insufficient privileges to perform the action."},
		{"a function", "Nobody", `add(1, 2)`, "! permission_denied Insufficient privileges to perform the action."},
		{"the name of a function", "Nobody", `add == add`, `true`},
		{"a schema document", "Nobody", `[Collection.byName("Secret").exists(), Collection.all().count(), Role.byName("some") == null]`, `[false,0,true]`},
		{"keys", "Nobody", `[Key.all().count(), Key("1").exists()]`, `[0,false]`},
		{"make a key", "Nobody", `Key.create({ role: "admin" })`, "! permission_denied Insufficient privileges to perform the action."},
		{"its own document", "Nobody", `Query.identity().n`, "! permission_denied Insufficient privileges to perform the action."},

		{"a reader reads", "Reader", `[Secret("1").n, Secret.all().count(), Secret.byN(2).count(), Secret("404").exists()]`, `[1,2,1,false]`},
		{"a reader of what is not there", "Reader", `Secret("404").n`, "! document_not_found Collection `Secret` does not contain document with id 404."},
		{"a reader writes", "Reader", `Secret("1").update({ n: 3 })`, "! permission_denied Insufficient privileges to perform the action."},
		{"a reader deletes", "Reader", `Secret("1").delete()`, "! permission_denied Insufficient privileges to perform the action."},
		{"a reader of schema documents", "Reader", `[Collection.byName("Secret").name, Collection.byName("Secret").exists(), Function.all().count()]`, `["Secret",true,0]`},

		{"some are left out silently", "Some", `[Secret.all().map(.n).toArray(), Secret.byN(2).count(), Secret.byN(1).count()]`, `[[1],0,1]`},
		{"with a predicate an index may be called", "Some", `Secret.byN(2).first()`, `null`},
		{"with a predicate what is not there is denied", "Some", `Secret("404").n`, "! permission_denied Insufficient privileges to perform the action."},

		{"a write that the predicate permits", "Writer", `Secret("1").update({ n: 2 }).n`, `2`},
		{"the old document does not fit", "Writer", `Secret("2").update({ n: 2 })`, "! permission_denied Insufficient privileges to perform the action."},
		{"the new document does not fit", "Writer", `Secret("1").update({ n: 3 })`, "! permission_denied Insufficient privileges to perform the action."},
		{"replace", "Writer", `Secret("1").replace({ n: 2 }).n`, `2`},
		{"replace does not fit", "Writer", `Secret("1").replace({})`, "! permission_denied Insufficient privileges to perform the action."},
		{"a write is judged before its type", "Writer", `Secret("1").update({ n: "x" })`, "! permission_denied Insufficient privileges to perform the action."},

		{"write without read", "Blind", `Secret("1").update({ n: 3 })`, "! permission_denied Insufficient privileges to perform the action."},
		{"delete without read", "Blind", `Secret("1").delete()`, "! permission_denied Insufficient privileges to perform the action."},

		{"created but not readable", "Creator", `Secret.create({ n: 5 })`, `null`},
		{"create that does not fit", "Creator", `Secret.create({ n: 6 })`, "! permission_denied Insufficient privileges to perform the action."},
		{"create is judged before defaults", "Creator", `Secret.create({})`, "! permission_denied Insufficient privileges to perform the action."},
		{"create with an id", "Creator", `Secret.create({ id: 9, n: 5 })`, "! permission_denied Insufficient privileges to perform the action."},
		{"create with an id that exists", "Creator", `Secret.create({ id: 1, n: 5 })`, "! permission_denied Insufficient privileges to perform the action."},
		{"create with an id, permitted", "Numberer", `Secret.create({ id: 9 }).id`, `"9"`},

		{"a delete that the predicate permits", "Deleter", `Secret("1").delete().id`, `"1"`},
		{"a delete that it does not", "Deleter", `Secret("2").delete()`, "! permission_denied Insufficient privileges to perform the action."},

		{"a function runs with its role", "Caller", `count_secrets()`, `2`},
		{"a set it returns is read with the caller's", "Caller", `secrets().count()`, `0`},
		{"a function of a lesser role", "Caller", `limited()`, `[false,"1"]`},
		{"arguments that the predicate permits", "Caller", `add(1, 2)`, `3`},
		{"arguments that it does not", "Caller", `add(2, 1)`, "! permission_denied Insufficient privileges to perform the action."},

		{"a token of its own", "Issuer", `let t = Token.create({ document: Query.identity() }); [t.secret == null, t.document.id]`, `[false,"1"]`},
		{"a token of another", "Issuer", `Token.create({ document: Nobody("1") })`, "! permission_denied Insufficient privileges to perform the action."},

		{"a key, by a role that lists keys", "Locksmith", `Key.create({ role: "client" })`, "! permission_denied Insufficient privileges to perform the action."},
		{"keys, by a role that may read them", "Locksmith", `Key.all().map(.role).toArray()`, `["client"]`},

		{"only true is true", "Odd", `Secret("1").exists()`, `false`},
		{"a predicate of another arity", "Odd", `Secret("1").update({})`, "! permission_denied Insufficient privileges to perform the action."},
		{"a predicate cannot write", "Odd", `Secret.create({})`, "! permission_denied Insufficient privileges to perform the action."},
		{"an error is a no", "Odd", `Secret("1").delete()`, "! permission_denied Insufficient privileges to perform the action."},

		{"roles add up", "Joint", `Secret.all().map(.n).toArray()`, `[1,2]`},
		{"predicates read and call everything", "Deep", `Mine.all().map(.id).toArray()`, `["1"]`},
		{"but not keys and roles", "Seer", `Mine.all().count()`, `0`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := db.in(t)
			secret := as(tt.who)
			// Nothing of the test stays: it ends in an error that carries its result.
			if want, fails := strings.CutPrefix(tt.want, "! "); fails {
				code, message, _ := strings.Cut(want, " ")
				if e := db.fails(secret, code, tt.fql); e.Message != message {
					t.Errorf("got %s, want %s", e.Message, message)
				}
				return
			}
			e := db.fails(secret, "abort", `let result = { `+tt.fql+` }; abort(result)`)
			if got := simple(e.Abort); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	db.is(`[Secret.all().count(), Log.all().count()]`, `[2,0]`)
}

func TestDeniedReferences(t *testing.T) {
	db, as := newABAC(t)
	want := `{"@ref":{"id":"1","coll":{"@mod":"Secret"},"exists":false,"cause":"permission denied"}}`
	if got := db.tagged(as("Nobody"), `Secret("1")`); got != want {
		t.Errorf("got %s", got)
	}
	if got := db.tagged(as("Creator"), `Secret.create({ n: 5 })`); !strings.Contains(got, `"exists":false,"cause":"permission denied"`) {
		t.Errorf("created: %s", got)
	}
}

// Who turns the pages decides what is on them.
func TestCursorsAndRights(t *testing.T) {
	db, as := newABAC(t)
	db.run(`Secret.create({ id: 3, n: 1 }); Secret.create({ id: 4, n: 3 })`)
	all := db.page(rootSecret, `Secret.all().map(.n).paginate(1)`).after
	if got := db.page(as("Some"), `Set.paginate($$, 9)`, all); got.data != `[1]` {
		t.Errorf("with a predicate: %s", got.data)
	}
	if got := db.page(as("Nobody"), `Set.paginate($$, 9)`, all); got.data != `[]` {
		t.Errorf("without rights: %s", got.data)
	}
	byN := db.page(rootSecret, `Secret.byN(1).paginate(1)`).after
	if _, err := db.try(as("Nobody"), `Set.paginate($$)`, byN); err == nil || err.(*Error).Code != "permission_denied" {
		t.Errorf("an index without rights: %v", err)
	}
	// What was lost since the first page is not on the second, although it shows the past.
	page := db.page(as("Some"), `Secret.byN(1).map(.id).paginate(1)`)
	db.run(`Secret("3")!.update({ n: 9 })`)
	if got := db.page(as("Some"), `Set.paginate($$)`, page.after); page.data+got.data != `["1"]["3"]` {
		t.Errorf("the state of then fits the predicate: %s", page.data+got.data)
	}
	page = db.page(as("Reader"), `Secret.all().map(.id).paginate(1)`)
	db.push(strings.Replace(abacFSL, "role reader { membership Reader; privileges Secret { read }", "role reader { membership Reader", 1))
	if got := db.page(as("Reader"), `Set.paginate($$)`, page.after); got.data != `[]` {
		t.Errorf("the role was taken away: %s", got.data)
	}
}

// A query that is out of time ends, also in the middle of a predicate.
func TestTimeoutInPredicate(t *testing.T) {
	db := newTestDB(t, `
		collection U {}
		collection D {}
		function slow() { Set.sequence(0, 1000000000).count() > 0 }
		role r { membership U; privileges D { read { predicate (d => slow()) } } }`)
	db.run(`U.create({ id: 1 }); D.create({ id: 1 })`)
	secret := db.text(rootSecret, `Token.create({ document: U("1") }).secret`)
	db.opt.TokenLimits = Limits{Steps: 1 << 60}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := db.Query(ctx, &Request{Text: `D("1").exists()`, Secret: secret}); !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v", err)
	}
	db.opt.TokenLimits = Limits{Steps: 100_000}
	db.fails(secret, "invalid_request", `D("1").exists(); [1, 2].map(x => x)`)
}
