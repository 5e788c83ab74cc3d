package eval

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

const peopleFSL = `
collection Person {
  name: String
  age: Int?
  kind: "a" | "b" = "a"
  made: Time = Time.now()
  tags: Array<String> = []
  address: { city: String?, zip: String? }?
  friend: Ref<Person>?
  compute shout: String = (p => p.name + "!")
  unique [.name]
  check adult (p => p.age == null || p.age >= 18)
  index byAge { values [.age] }
}
collection Open {}
collection Place { address: { city: String, zip: String = "0000" } }
collection Strict { n: Int }
collection Short { name: String?; ttl_days 2 }
collection Odd {
  n: Int
  check bad (d => if (d.n == 1) null else if (d.n == 2) "yes" else true)
}
collection Pair {
  a: String?
  b: String?
  unique [.a, .b]
  unique [mva(.tags)]
  *: Any
}
`

var anyTime = regexp.MustCompile(`"(ts|made)":"[^"]*"`)

func TestDocuments(t *testing.T) {
	db := newTestDB(t, peopleFSL)
	tests := []struct{ name, fql, want string }{
		{"defaults and field order", `Person.create({ age: 20, name: "ann", id: 1 })`,
			`{"id":"1","coll":"Person","ts":TS,"name":"ann","age":20,"kind":"a","made":MADE,"tags":[],"shout":"ann!"}`},
		{"update merges objects", `Person("1").update({ address: { city: "Bern" } }).update({ address: { zip: "3000" } }).address`,
			`{"city":"Bern","zip":"3000"}`},
		{"update replaces arrays and drops nulls", `Person("1").update({ tags: ["x"], age: null }) { tags, age }`,
			`{"tags":["x"],"age":null}`},
		{"arrays keep nulls", `Open.create({ a: [null, 1] }).a`, `[null,1]`},
		{"nested nulls do not persist", `Open.create({ id: 5, a: { b: null, c: [{ d: null }] } }) { a }`, `{"a":{"c":[{}]}}`},
		{"replace drops what is not given and fills defaults", `Person("1").replace({ name: "ann" }) { name, address, tags, age }`,
			`{"name":"ann","address":null,"tags":[],"age":null}`},
		{"nested defaults", `Person.create({ name: "zoe" }); Place.create({ address: { city: "Basel" } }).address.zip`, `"0000"`},
		{"own members", `let p = Person("1"); [p.id, p.coll, p.exists(), p.id == "1", p.id == 1]`, `["1","Person",true,true,true]`},
		{"a missing document", `let p = Person("77"); [p.id, p.exists(), p == null, p ?? 3, p?.name]`, `["77",false,true,3,null]`},
		{"references inside a document stay references", `Person.create({ name: "bob", friend: Person("1") }) { friend }`, `{"friend":{"id":"1","coll":"Person","ts":TS,"name":"ann","kind":"a","made":MADE,"tags":[],"shout":"ann!"}}`},
		{"data keys that collide", `Open.createData({ id: "x", ttl: 1, a: 2 }) { data, a }`, `{"data":{"id":"x","ttl":1,"a":2},"a":2}`},
		{"numbers keep their size only", `Open.create({ id: 6, n: 4294967296 }).n`, `4294967296`},
		{"field of the commit time", `let d = Open.create({ id: 7, at: TransactionTime() }); d.ts == d.at`, `true`},
		{"delete returns a null document", `Open("6")!.delete() == null`, `true`},
		{"deleted is gone for good", `let d = Open("7"); d!.delete(); [Open("7").exists(), Open.all().where(.n != null).count()]`, `[false,0]`},
		{"count sees own writes", `Strict.create({ n: 1 }); Strict.create({ n: 2 }); [Strict.all().count(), Strict.all().map(.n).toArray()]`, `[2,[1,2]]`},
		{"computed fields read documents", `Person.all().map(.shout).toArray()`, `["ann!","zoe!","bob!"]`},
		{"an id given as number, ID and long", `[Open.create({ id: 101 }).id, Open.create({ id: ID("102") }).id, Open.create({ id: "103" }).id]`, `["101","102","103"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := db.in(t).run(tt.fql)
			got = anyTime.ReplaceAllStringFunc(got, func(s string) string {
				return s[:strings.Index(s, ":")+1] + strings.ToUpper(s[1:strings.Index(s, ":")-1])
			})
			if got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.fql, got, tt.want)
			}
		})
	}
}

func TestTaggedDocuments(t *testing.T) {
	db := newTestDB(t, peopleFSL)
	db.run(`Open.create({ id: 1, a: Open("2"), list: [Open("2")] })`)
	tests := []struct{ name, fql, want string }{
		{"held by a document", `Open("1")`, `"a":{"@ref":{"id":"2","coll":{"@mod":"Open"}}},"list":[{"@ref":{"id":"2","coll":{"@mod":"Open"}}}]`},
		{"missing", `Open("2")`, `{"@ref":{"id":"2","coll":{"@mod":"Open"},"exists":false,"cause":"not found"}}`},
		{"projected", `Open("1") { a }`, `{"a":{"@ref":{"id":"2","coll":{"@mod":"Open"},"exists":false,"cause":"not found"}}}`},
		{"a collection", `Open`, `{"@mod":"Open"}`},
		{"a function", `x => x`, `"[function <lambda>]"`},
		{"commit time", `let d = Open.create({ id: 3 }); d.ts == TransactionTime()`, `true`},
		{"a set in a set", `Set.single(Set.single(1))`, `{"@set":{"data":[{"@set":{"data":[{"@int":"1"}]}}]}}`},
		{"a named document", `Collection.byName("Open")?.name`, `"Open"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := db.in(t).tagged(rootSecret, tt.fql); !strings.Contains(got, tt.want) {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestCommitTime(t *testing.T) {
	db := newTestDB(t, peopleFSL)
	res, err := db.try(rootSecret, `[TransactionTime(), Open.create({ id: 1, at: TransactionTime() }).ts, Open("1").at]`)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`["%[1]s","%[1]s","%[1]s"]`, value.FormatTime(value.TimeOfMicros(res.TxnTime)))
	if got := string(value.AppendJSON(nil, res.Data, value.Simple)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	db.is(`let d = Open("1"); [d.at == d.ts, d.at isa Time]`, `[true,true]`)
}

// The bodies of Fauna's constraint failures.
func TestConstraintFailures(t *testing.T) {
	db := newTestDB(t, peopleFSL)
	db.run(`Person.create({ id: 1, name: "ann" }); Pair.create({ a: "x", b: "y", tags: ["t1", "t2"] })`)
	const create = "Failed to create document in collection `Person`."
	tests := []struct{ name, fql, message, failures string }{
		{"missing field", `Person.create({})`, create, `[{"Paths":[["name"]],"Message":"Missing required field of type String"}]`},
		{"wrong type", `Person.create({ name: 1 })`, create, `[{"Paths":[["name"]],"Message":"Expected String, provided Int"}]`},
		{"wrong type inside", `Person.create({ name: "b", tags: ["a", 1] })`, create, `[{"Paths":[["tags",1]],"Message":"Expected String, provided Int"}]`},
		{"wrong literal", `Person.create({ name: "b", kind: "c" })`, create, `[{"Paths":[["kind"]],"Message":"Expected \"a\" | \"b\", provided String"}]`},
		{"extra field", `Person.create({ name: "b", nope: 1 })`, create, `[{"Paths":[["nope"]],"Message":"Unexpected field provided"}]`},
		{"two at once", `Person.create({ nope: 1 })`, create, `[{"Paths":[["name"]],"Message":"Missing required field of type String"},{"Paths":[["nope"]],"Message":"Unexpected field provided"}]`},
		{"reserved field", `Open.create({ ts: 1 })`, "Failed to create document in collection `Open`.", `[{"Paths":[["ts"]],"Message":"Is a reserved field and cannot be used"}]`},
		{"reserved field on update", `Person("1").update({ coll: 1 })`, "Failed to update document with id 1 in collection `Person`.", `[{"Paths":[["coll"]],"Message":"Is a reserved field and cannot be used"}]`},
		{"computed field", `Person.create({ name: "b", shout: "x" })`, create, `[{"Paths":[["shout"]],"Message":"Cannot write to a computed field"}]`},
		{"update to the wrong type", `Person("1").update({ age: "x" })`, "Failed to update document with id 1 in collection `Person`.", `[{"Paths":[["age"]],"Message":"Expected Int | Null, provided String"}]`},
		{"required field removed", `Person("1").update({ name: null })`, "Failed to update document with id 1 in collection `Person`.", `[{"Paths":[["name"]],"Message":"Missing required field of type String"}]`},
		{"ttl", `Open.create({ ttl: "soon" })`, "Failed to create document in collection `Open`.", `[{"Paths":[["ttl"]],"Message":"Expected Time | Null, provided String"}]`},
		{"negative id", `Open.create({ id: -1 })`, "Failed to create document in collection `Open`.", `[{"Paths":[["id"]],"Message":"id must be nonnegative"}]`},
		{"null id", `Open.create({ id: null })`, "Failed to create document in collection `Open`.", `[{"Paths":[["id"]],"Message":"Missing required field of type ID | String | Long"}]`},
		{"check", `Person.create({ name: "b", age: 7 })`, create, "[{\"Paths\":[],\"Message\":\"Document failed check constraint `adult`\"}]"},
		{"check that is null", `Odd.create({ n: 1 })`, "Failed to create document in collection `Odd`.", "[{\"Paths\":[],\"Message\":\"Document failed check constraint `bad`\"}]"},
		{"check of another type", `Odd.create({ n: 2 })`, "Failed to create document in collection `Odd`.", "[{\"Paths\":[],\"Message\":\"Error evaluating check constraint `bad`: function returned a non-boolean value\"}]"},
		{"unique", `Person.create({ name: "ann" })`, "Failed unique constraint.", `[{"Paths":[["name"]],"Message":"Failed unique constraint"}]`},
		{"unique of several fields", `Pair.create({ a: "x", b: "y" })`, "Failed unique constraint.", `[{"Paths":[["a"],["b"]],"Message":"Failed unique constraint"}]`},
		{"unique element", `Pair.create({ a: "z", tags: ["t9", "t2"] })`, "Failed unique constraint.", `[{"Paths":[["tags"]],"Message":"Failed unique constraint"}]`},
		{"unique within a query", `Person.create({ name: "c" }); Person.create({ name: "c" })`, "Failed unique constraint.", `[{"Paths":[["name"]],"Message":"Failed unique constraint"}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := db.in(t).fails(rootSecret, "constraint_failure", tt.fql)
			failures, _ := json.Marshal(e.Failures)
			got := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(failures))
			if e.Message != tt.message || got != tt.failures {
				t.Errorf("got  %s %s\nwant %s %s", e.Message, got, tt.message, tt.failures)
			}
		})
	}
}

func TestDocumentErrors(t *testing.T) {
	db := newTestDB(t, peopleFSL)
	db.run(`Open.create({ id: 1 })`)
	tests := []struct{ name, fql, code, message string }{
		{"id exists", `Open.create({ id: 1 })`, "document_id_exists", "Collection `Open` already contains document with id 1."},
		{"field of a missing document", `Open("9").a`, "document_not_found", "Collection `Open` does not contain document with id 9."},
		{"update of a missing document", `Open("9").update({})`, "document_not_found", "Collection `Open` does not contain document with id 9."},
		{"delete of a missing document", `Open("9").delete()`, "document_not_found", "Collection `Open` does not contain document with id 9."},
		{"missing document asserted", `Open("9")!`, "document_not_found", "Collection `Open` does not contain document with id 9."},
		{"field of a deleted document", `Open("1").delete().a`, "document_deleted", "Document in `Open` with id 1 was deleted."},
		{"not an id", `Open("x")`, "invalid_id", "`x` is not a valid ID."},
		{"a lambda cannot be stored", `Open.create({ f: x => x })`, "invalid_type", "Anonymous functions cannot be stored. Use a string of FQL instead."},
		{"a set cannot be stored", `Open.create({ a: { s: [Open.all()] } })`, "invalid_type", "Value at `a.s.0` has type Set, which cannot be persisted."},
		{"an ID cannot be stored", `Open.create({ i: newId() })`, "invalid_type", "Value at `i` has type ID, which cannot be persisted."},
		{"the commit time cannot be indexed", `Person.create({ name: "x", age: 20 }); Pair.create({ a: TransactionTime() })`, "constraint_failure", ""},
		{"schema by FQL", `Collection.create({ name: "X" })`, "disabled_feature", "`Collection.create` is not supported by this engine; push FSL with /schema/1/update"},
		{"schema document changed", `Collection.byName("Open").update({ name: "X" })`, "disabled_feature", "`Collection.update` is not supported by this engine; push FSL with /schema/1/update"},
		{"event sources", `Open.all().eventSource()`, "disabled_feature", "`eventSource` is not supported by this engine"},
		{"child databases", `Database.create({})`, "disabled_feature", "`Database` is not supported by this engine"},
		{"unknown collection", `Collection("Nope")`, "invalid_argument", "invalid argument `collection`: No such user collection `Nope`."},
		{"unknown function", `Function("nope")`, "invalid_argument", "invalid argument `function`: No such user function `nope`."},
		{"create in a set lambda", `Open.all().map(x => Open.create({})).toArray()`, "invalid_effect", "`create` performs a write, which is not allowed in set functions."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if e := db.in(t).fails(rootSecret, tt.code, tt.fql); tt.message != "" && e.Message != tt.message {
				t.Errorf("got  %s\nwant %s", e.Message, tt.message)
			}
		})
	}
	db.is(`Open.all().count()`, `1`)
}

func TestWritesInLambdas(t *testing.T) {
	db := newTestDB(t, peopleFSL)
	db.is(`[1, 2, 3].map(n => Strict.create({ n: n })); Strict.all().count()`, `3`)
	db.is(`Set.sequence(0, 20).forEach(n => Strict.create({ n: n })); Strict.all().count()`, `23`)
	db.is(`Strict.all().forEach(d => Strict.create({ n: 99 })); Strict.all().count()`, `46`)
	db.is(`Strict.all().forEach(.delete()); Strict.all().count()`, `0`)
}

func TestUniqueRules(t *testing.T) {
	db := newTestDB(t, peopleFSL)
	// All null: not constrained. Some null: null counts as a value.
	db.is(`Pair.create({}); Pair.create({}); Pair.all().count()`, `2`)
	db.run(`Pair.create({ a: "x" })`)
	db.fails(rootSecret, "constraint_failure", `Pair.create({ a: "x", b: null })`)
	// A value that was let go can be taken by a later statement.
	db.run(`Person.create({ id: 1, name: "ann" })`)
	db.is(`Person("1").update({ name: "bea" }); Person.create({ name: "ann" }).name`, `"ann"`)
	db.fails(rootSecret, "constraint_failure", `Person("1").update({ name: "ann" })`)
	db.is(`Person("1").update({ name: "bea" }).name`, `"bea"`)
	db.is(`Person("1")!.delete(); Person.create({ name: "bea" }).name`, `"bea"`)
	// An expired document does not count.
	db.run(`Person.create({ name: "cid", ttl: Time.now().add(1, "minute") })`)
	db.fails(rootSecret, "constraint_failure", `Person.create({ name: "cid" })`)
	db.advance(time.Minute + time.Millisecond)
	db.is(`Person.create({ name: "cid" }).name`, `"cid"`)
}

func TestTTL(t *testing.T) {
	db := newTestDB(t, peopleFSL)
	ttl := `Time("2026-11-20T12:01:00Z")`
	db.run(`Open.create({ id: 1, ttl: ` + ttl + ` }); Open.create({ id: 2 })`)
	db.is(`Open("1").ttl`, `"2026-11-20T12:01:00Z"`)
	db.advance(59 * time.Second)
	db.is(`[Open("1").exists(), Open.all().count()]`, `[true,2]`)
	db.advance(time.Second) // at the ttl it is gone
	db.is(`[Open("1").exists(), Open.all().count(), Open("1") == null]`, `[false,1,true]`)
	db.fails(rootSecret, "document_not_found", `Open("1").update({ ttl: null })`)
	db.is(`Open.create({ id: 1, again: true }).again`, `true`)

	// In the past: accepted, and gone at once.
	if got := db.tagged(rootSecret, `Open.create({ id: 8, ttl: Time("2020-01-01T00:00:00Z") })`); !strings.Contains(got, `"cause":"not found"`) {
		t.Errorf("created in the past: %s", got)
	}
	db.is(`Open.create({ id: 9, ttl: Time("1960-01-01T00:00:00Z") }).exists()`, `false`)

	// Removed by null and by replace, kept by update.
	db.run(`Open("2").update({ ttl: ` + `Time.now().add(1, "day")` + ` })`)
	db.is(`Open("2").update({ a: 1 }).ttl == null`, `false`)
	db.is(`Open("2").update({ ttl: null }).ttl`, `null`)
	db.is(`Open("2").update({ ttl: Time.now().add(1, "day") }); Open("2").replace({}).ttl`, `null`)
	db.is(`Open.create({ ttl: Time("+200000-01-01T00:00:00Z") }).exists()`, `true`)
}

func TestTTLDays(t *testing.T) {
	db := newTestDB(t, peopleFSL)
	db.is(`Short.create({ id: 1 }).ttl.difference(Time.now(), "hours")`, `48`)
	db.is(`Short("1").update({ ttl: Time.now().add(9, "days") }).ttl.difference(Time.now(), "days")`, `9`)
	db.is(`Short("1").update({ name: "x" }).ttl.difference(Time.now(), "days")`, `2`)
	db.is(`Short("1").update({ ttl: null }).ttl`, `null`)
	db.is(`Short("1").replaceData({ name: "y" }).ttl.difference(Time.now(), "days")`, `2`)
}

func TestIDsIncrease(t *testing.T) {
	db := newTestDB(t, peopleFSL)
	last := value.ID(0)
	for range 1000 {
		id, err := db.ids.next()
		if err != nil || id <= last {
			t.Fatalf("%d after %d, %v", id, last, err)
		}
		last = id
	}
	db.advance(-time.Hour)
	if id, _ := db.ids.next(); id <= last {
		t.Errorf("the clock went back: %d after %d", id, last)
	}
	if digits := len(fmt.Sprint(last)); digits != 18 {
		t.Errorf("%d has %d digits", last, digits)
	}
}

// zeros is the randomness of a database whose ids can be foretold.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// An id that a user gave, from the times to come, is not given again when its time comes, also
// not by a process that was started in between, or for a document of its own transaction.
func TestGivenIDsAreNotGivenAgain(t *testing.T) {
	db := newTestDB(t, `collection C { name: String? }`)
	reopen := func() {
		reopened, err := New(Options{Store: db.store, Now: db.opt.Now, Log: db.log, RootSecret: rootSecret, Rand: zeros{}})
		if err != nil {
			t.Fatal(err)
		}
		db.Database = reopened
	}
	reopen()
	db.is(fmt.Sprintf(`C.create({ id: %d, name: "given" }).name`, db.ids.last+1), `"given"`)
	given := db.ids.last + 1
	db.is(fmt.Sprintf(`C.create({ name: "made" }).id == ID("%d")`, given+1), `true`)
	reopen() // the clock stands still: the new process begins where the old one did
	for range 4 {
		db.is(`C.create({ name: "made" }).name`, `"made"`)
	}
	db.is(fmt.Sprintf(`C.create({ id: %d, name: "given" }).name + C.create({ name: "made" }).name`, db.ids.last+1), `"givenmade"`)
	db.is(`C.all().where(c => c.name == "given").count()`, `2`)
	db.is(`C.all().where(c => c.name == "made").count()`, `6`)
}

// Find or create by key: of many at once one creates, all get the same document.
func TestConcurrentUpsert(t *testing.T) {
	for _, unique := range []string{"", "unique [.key]"} {
		t.Run("unique="+unique, func(t *testing.T) {
			db := newTestDB(t, `collection Item { key: String; n: Int; `+unique+`
			  index byKey { terms [.key] } }`)
			var wg sync.WaitGroup
			var mu sync.Mutex
			ids := map[string]int{}
			for range 50 {
				wg.Go(func() {
					for {
						res, err := db.Query(t.Context(), &Request{Secret: rootSecret, Attempts: 8, Text: `
							let found = Item.byKey("k").first()
							let item = if (found == null) Item.create({ key: "k", n: 1 }) else found!.update({ n: found!.n + 1 })
							item.id`})
						if _, contended := err.(*Contended); contended {
							continue
						}
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						ids[string(value.AppendJSON(nil, res.Data, value.Simple))]++
						mu.Unlock()
						return
					}
				})
			}
			wg.Wait()
			if len(ids) != 1 {
				t.Errorf("ids: %v", ids)
			}
			db.is(`Item.all().map(.n).toArray()`, `[50]`)
		})
	}
}

// What a query can build may be deeper than what can be stored, and read again.
func TestWritesTooDeep(t *testing.T) {
	db := newTestDB(t, `
		collection C { *: Any; a: { b: { c: Any = Array.sequence(0, 500).fold(1, (x, _) => [x]) } }; index byX { terms [.x]; values [.y] } }
		collection D { d: Any = Array.sequence(0, 501).fold(1, (x, _) => [x]) }`)
	nest := func(levels int, f string) string {
		return strings.NewReplacer("N", fmt.Sprint(levels), "F", f).Replace(`Set.sequence(0, N).fold(1, (x, _) => F)`)
	}
	db.run(`C.create({ id: 1, x: ` + nest(499, "[x]") + `, y: ` + nest(499, "{ x: x }") + ` })`)
	db.is(`[C.byX(`+nest(499, "[x]")+`).count(), C("1")!.x == `+nest(499, "[x]")+`]`, `[1,true]`)
	for _, write := range []string{
		`C.create({ x: DEEP })`, `C.createData({ x: DEEP })`, `C("1")!.update({ x: DEEP })`, `C("1")!.replace({ x: DEEP })`,
		`C.create({ x: ["a", { b: DEEP }] })`, `Token.create({ document: C("1"), data: { x: DEEP } })`, `C.create({ x: 1, y: DEEP })`,
	} {
		for _, deep := range []string{nest(500, "{ x: x }"), nest(100_000, "{ x: x }")} {
			e := db.fails(rootSecret, "value_too_large", strings.Replace(write, "DEEP", deep, 1))
			if want := "Value too large: arrays and objects nest deeper than the limit 500."; e.Message != want {
				t.Errorf("%s: %s", write, e.Message)
			}
		}
	}
	e := db.fails(rootSecret, "constraint_failure", `D.create({})`)
	if len(e.Failures) != 1 || !strings.Contains(e.Failures[0].Message, "Value too large") {
		t.Errorf("default: %v", e.Failures)
	}
	db.fails(rootSecret, "value_too_large", `C.byX(`+nest(501, "[x]")+`)`)
	db.fails(rootSecret, "value_too_large", `C.byX(1, { from: `+nest(502, "[x]")+` })`)
	db.fails(rootSecret, "invalid_request", `C.create({ x: Set.sequence(0, 17).fold("x", (s, _) => s + s) })`)
	db.is(`C.all().count()`, `1`)
}
