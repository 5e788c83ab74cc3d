package eval

import (
	"testing"
	"time"
)

const indexFSL = `
collection Item {
  *: Any
  n: Any
  compute twice = (i => i.n * 2)
  compute live = (i => i.owner.n)
  index byN { values [.n] }
  index byKind { terms [.kind]; values [desc(.n), .name] }
  index byTwo { terms [.a, .b] }
  index byTag { terms [mva(.tags)] }
  index tags { values [mva(.tags)] }
  index byNested { terms [.at.city] }
  index byID { terms [.id] }
  index byIDs { values [desc(.id)] }
  index byTTL { values [.ttl] }
  index byOwner { terms [.owner] }
  index byTwice { terms [.twice] }
  index byLive { terms [.live] }
  index byData { terms [.data.id] }
}
`

func TestIndexes(t *testing.T) {
	db := newTestDB(t, indexFSL)
	db.run(`
		Item.create({ id: 1, n: 1, kind: "k", name: "b", a: 1, b: 1, tags: ["x", "y"], at: { city: "Bern" } })
		Item.create({ id: 2, n: 2, kind: "k", name: "a", a: 1, owner: Item("1"), tags: ["x", "x"] })
		Item.create({ id: 3, n: 2, kind: "k", name: "c", b: 1, tags: "x" })
		Item.create({ id: 4, n: "2", kind: "j", tags: [], ttl: Time.now().add(1, "day") })
		Item.create({ id: 5, n: 2.5, kind: null })
		Item.createData({ id: "mine", n: null })
		Item.byData("mine").forEach(.update({ n: 100 }))`)
	ids := func(set string) string { return set + `.map(i => if (i.id > 9) 0 else i.id).toArray()` }
	tests := []struct{ name, fql, want string }{
		{"values in the total order", ids(`Item.byN()`), `["1","2","3","5",0,"4"]`},
		{"from", ids(`Item.byN({ from: 2 })`), `["2","3","5",0,"4"]`},
		{"to", ids(`Item.byN({ to: 2 })`), `["1","2","3"]`},
		{"numbers of different kinds", ids(`Item.byN({ from: 2.0, to: 2.5 })`), `["2","3","5"]`},
		{"from and to", ids(`Item.byN({ from: 2, to: 2 })`), `["2","3"]`},
		{"as arrays", ids(`Item.byN({ from: [2], to: [2] })`), `["2","3"]`},
		{"from after to", ids(`Item.byN({ from: 3, to: 1 })`), `[]`},
		{"backwards", ids(`Item.byN({ to: 2 }).reverse()`), `["3","2","1"]`},
		{"last", `Item.byN().last()!.id`, `"4"`},
		{"terms, descending values", ids(`Item.byKind("k")`), `["2","3","1"]`},
		{"from is the greater bound", ids(`Item.byKind("k", { from: 2, to: 1 })`), `["2","3","1"]`},
		{"prefix of the values", ids(`Item.byKind("k", { from: [2, "b"] })`), `["3","1"]`},
		{"to a prefix", ids(`Item.byKind("k", { to: [2] })`), `["2","3"]`},
		{"both prefixes", ids(`Item.byKind("k", { from: [2, "a"], to: [2, "b"] })`), `["2"]`},
		{"a null term alone is not indexed", ids(`Item.byKind(null)`), `[]`},
		{"one of two terms null", ids(`Item.byTwo(1, null)`), `["2"]`},
		{"the other null", ids(`Item.byTwo(null, 1)`), `["3"]`},
		{"both terms", ids(`Item.byTwo(1, 1)`), `["1"]`},
		{"each element is a term", ids(`Item.byTag("x")`), `["1","2","3"]`},
		{"element of one", ids(`Item.byTag("y")`), `["1"]`},
		{"each element is a value", ids(`Item.tags({ from: "x", to: "y" })`), `["1","2","3","1"]`},
		{"nested field", ids(`Item.byNested("Bern")`), `["1"]`},
		{"id as term", ids(`Item.byID("3").concat(Item.byID(3)).concat(Item.byID(Item("3")))`), `["3","3","3"]`},
		{"id as value", ids(`Item.byIDs({ from: 3 })`), `["3","2","1"]`},
		{"range of ids where there is no value", ids(`Item.byTag("x", { from: "2" })`), `["2","3"]`},
		{"range of documents", ids(`Item.byTag("x", { to: Item("2") })`), `["1","2"]`},
		{"ttl", ids(`Item.byTTL({ to: Time.now().add(2, "days") })`), `["4"]`},
		{"a document as term", ids(`Item.byOwner(Item("1"))`), `["2"]`},
		{"computed field", ids(`Item.byTwice(4)`), `["2","3"]`},
		{"computed field that reads is null", ids(`Item.byLive(1)`), `[]`},
		{"data that collides", ids(`Item.byData("mine")`), `[0]`},
		{"all from and to", ids(`Item.all({ from: Item("2"), to: "4" })`), `["2","3","4"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { db.in(t).is(tt.fql, tt.want) })
	}
	bad := []struct{ name, fql, code, message string }{
		{"too many values", `Item.byN({ from: [1, 2] })`, "invalid_argument", "invalid argument `range`: The field `from` can have at most 1 values"},
		{"neither from nor to", `Item.byN({})`, "invalid_argument", "invalid argument `range`: should be an object containing `{ from }`, `{ to }`, or `{ from, to }` fields"},
		{"not an object", `Item.byN(1)`, "invalid_argument", "invalid argument `range`: should be an object containing `{ from }`, `{ to }`, or `{ from, to }` fields"},
		{"not an id", `Item.byTag("x", { from: "q" })`, "invalid_argument", "invalid argument `range`: The `from` field must be a document id."},
		{"too few terms", `Item.byTwo(1)`, "invalid_function_invocation", ""},
		{"too many arguments", `Item.byTwo(1, 2, { from: 1 }, 4)`, "invalid_function_invocation", ""},
		{"a function as term", `Item.byTag(x => x)`, "invalid_argument", "invalid argument `term1`: Argument cannot be used as lookup term"},
	}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			if e := db.in(t).fails(rootSecret, tt.code, tt.fql); tt.message != "" && e.Message != tt.message {
				t.Errorf("got  %s\nwant %s", e.Message, tt.message)
			}
		})
	}
}

// Every change of a document shows in its indexes, within the query and after it.
func TestIndexesFollow(t *testing.T) {
	db := newTestDB(t, indexFSL)
	seen := `[Item.byKind("a").count(), Item.byKind("b").count(), Item.byTag("x").count(), Item.byTwice(2).count()]`
	steps := []struct{ fql, want string }{
		{`Item.create({ id: 1, kind: "a", n: 1, tags: ["x"] })`, `[1,0,1,1]`},
		{`Item("1").update({ kind: "b" })`, `[0,1,1,1]`},
		{`Item("1").update({ tags: ["y"], n: 2 })`, `[0,1,0,0]`},
		{`Item("1").update({ kind: null })`, `[0,0,0,0]`},
		{`Item("1").replace({ kind: "a", n: 1, tags: ["x", "y"] })`, `[1,0,1,1]`},
		{`Item("1").update({ ttl: Time.now().add(1, "minute") })`, `[1,0,1,1]`},
		{`Item("1")!.delete()`, `[0,0,0,0]`},
		{`Item.create({ id: 1, kind: "a", n: 1, tags: ["x"], ttl: Time.now().add(1, "minute") })`, `[1,0,1,1]`},
	}
	for _, step := range steps {
		db.is(step.fql+"\n"+seen, step.want)
		db.is(seen, step.want)
	}
	db.advance(2 * time.Minute)
	db.is(seen, `[0,0,0,0]`)
}

// A unique constraint and an index of equal terms are kept once.
func TestSharedStorage(t *testing.T) {
	db := newTestDB(t, `collection C { k: String; unique [.k]; index byK { terms [.k] } }`)
	res, err := db.try(rootSecret, `C.create({ k: "a" })`)
	if err != nil {
		t.Fatal(err)
	}
	if res.Stats.WriteOps != 2 {
		t.Errorf("%d entries written, want the document and one index entry", res.Stats.WriteOps)
	}
}
