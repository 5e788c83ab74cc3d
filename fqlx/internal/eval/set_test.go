package eval

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

func TestSets(t *testing.T) {
	db := newTestDB(t, `collection N { n: Int; index byN { values [.n] } }`)
	db.run(`Set.sequence(0, 30).forEach(n => N.create({ n: n }))`)
	tests := []struct{ name, fql, want string }{
		{"sequence", `Set.sequence(2, 5).toArray()`, `[2,3,4]`},
		{"empty sequence", `Set.sequence(5, 2).toArray()`, `[]`},
		{"single", `Set.single([1]).toArray()`, `[[1]]`},
		{"where, null is false", `Set.sequence(0, 5).where(x => if (x > 2) true else null).toArray()`, `[3,4]`},
		{"map and flatMap", `Set.sequence(1, 3).flatMap(x => Set.sequence(0, x)).map(x => x + 1).toArray()`, `[1,1,2]`},
		{"flatMap of arrays", `Set.sequence(1, 3).flatMap(x => [x, x]).toArray()`, `[1,1,2,2]`},
		{"take and drop", `Set.sequence(0, 10).drop(3).take(2).toArray()`, `[3,4]`},
		{"take nothing", `Set.sequence(0, 10).take(0).toArray()`, `[]`},
		{"take after where reads no further", `Set.sequence(0, 10).map(x => if (x > 1) abort(0) else x).take(2).toArray()`, `[0,1]`},
		{"first reads one", `Set.sequence(0, 10).map(x => if (x > 0) abort(0) else x).first()`, `0`},
		{"first of nothing", `Set.sequence(0, 0).first()`, `null`},
		{"last", `[N.byN().last()!.n, Set.sequence(0, 4).last(), Set.sequence(0, 4).take(2).last()]`, `[29,3,1]`},
		{"firstWhere and lastWhere", `let s = Set.sequence(0, 9); [s.firstWhere(x => x > 3), s.lastWhere(x => x < 3), s.firstWhere(x => x > 99)]`, `[4,2,null]`},
		{"order", `Set.sequence(0, 4).order(desc(x => x)).toArray()`, `[3,2,1,0]`},
		{"order by two keys", `N.all().where(.n < 4).order(x => x.n % 2, desc(.n)).map(.n).toArray()`, `[2,0,3,1]`},
		{"reverse", `[Set.sequence(0, 3).reverse().toArray(), Set.sequence(0, 5).take(3).reverse().toArray(), Set.sequence(0, 5).where(x => x > 2).reverse().toArray()]`, `[[2,1,0],[2,1,0],[4,3]]`},
		{"reversed scan", `N.all().reverse().take(2).map(.n).toArray()`, `[29,28]`},
		{"distinct comes sorted", `[3, 1, 3, 2, 1].toSet().distinct().toArray()`, `[1,2,3]`},
		{"concat", `Set.single(9).concat(Set.sequence(0, 2)).concat([7]).toArray()`, `[9,0,1,7]`},
		{"concat reversed", `Set.sequence(0, 2).concat(Set.single(9)).reverse().toArray()`, `[9,1,0]`},
		{"count, isEmpty, nonEmpty", `[N.all().count(), N.all().isEmpty(), N.all().nonEmpty(), Set.sequence(0, 0).isEmpty()]`, `[30,false,true,true]`},
		{"any and every", `let s = Set.sequence(0, 5); [s.any(x => x == 4), s.any(x => x == 5), s.every(x => x < 5), s.every(x => x < 4)]`, `[true,false,true,false]`},
		{"includes", `[Set.sequence(0, 5).includes(3), N.all().includes(N.all().last())]`, `[true,true]`},
		{"fold and reduce", `let s = Set.sequence(1, 4); [s.fold("", (a, x) => a + x), s.foldRight("", (a, x) => a + x), s.reduce((a, x) => a * 10 + x), s.reduceRight((a, x) => a * 10 + x), s.aggregate(0, (a, x) => a + x)]`, `["123","321",123,321,6]`},
		{"reduce of nothing", `Set.sequence(0, 0).reduce((a, x) => a)`, `null`},
		{"projection", `N.byN({ to: 1 }) { n, next: .n + 1 }`, `{"data":[{"n":0,"next":1},{"n":1,"next":2}]}`},
		{"projection with a variable", `let k = 5; N.byN({ to: 0 }) { k: k, m: .n + k }`, `{"data":[{"k":5,"m":5}]}`},
		{"isa", `[Set.single(1) isa Set, [1] isa Set]`, `[true,false]`},
		{"forEach writes what it read before", `N.byN().where(.n > 26).forEach(x => x.update({ n: x.n + 100 })); N.byN({ from: 100 }).map(.n).toArray()`, `[127,128,129]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { db.in(t).is(tt.fql, tt.want) })
	}
	bad := []struct{ name, fql, code, message string }{
		{"page too small", `N.all().paginate(0)`, "invalid_bounds", "expected `size` to be between 1 and 16000 (inclusive), received 0"},
		{"page too great", `N.all().pageSize(16001)`, "invalid_bounds", "expected `size` to be between 1 and 16000 (inclusive), received 16001"},
		{"take a negative number", `N.all().take(-1)`, "invalid_bounds", "expected `limit` to be greater than 0, received -1"},
		{"array of too many", `Set.sequence(0, 16001).toArray()`, "value_too_large", "Value too large: exceeded maximum number of elements (limit=16000)."},
		{"order of too many", `Set.sequence(0, 16001).order(x => x).first()`, "value_too_large", ""},
		{"predicate of another type", `N.all().where(x => 1).first()`, "type_mismatch", "expected type: Boolean, received Int"},
		{"flatMap to a scalar", `N.all().flatMap(x => 1).first()`, "type_mismatch", "expected type: Set, received Int"},
		{"sets nested without end", `Set.sequence(0, 1000).fold(Set.single(1), (s, x) => s.concat(s)).first()`, "value_too_large", ""},
	}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			if e := db.in(t).fails(rootSecret, tt.code, tt.fql); tt.message != "" && e.Message != tt.message {
				t.Errorf("got  %s\nwant %s", e.Message, tt.message)
			}
		})
	}
}

// page is a page object that a query returned.
type page struct {
	data  string
	after value.Value
}

func (db *testDB) page(secret, fql string, values ...value.Value) page {
	db.t.Helper()
	res, err := db.try(secret, fql, values...)
	if err != nil {
		db.t.Fatalf("%s: %v", fql, err)
	}
	switch v := res.Data.(type) {
	case *value.Page:
		p := page{data: string(value.AppendJSON(nil, v.Data, value.Simple))}
		if v.After != "" {
			p.after = value.String(v.After)
		}
		return p
	case *value.Object:
		data, _ := v.Get("data")
		after, _ := v.Get("after")
		return page{string(value.AppendJSON(nil, data, value.Simple)), after}
	}
	db.t.Fatalf("%s: not a page", fql)
	return page{}
}

// all turns the pages of a query until the last.
func (db *testDB) all(secret, fql string, values ...value.Value) (pages []string) {
	db.t.Helper()
	p := db.page(secret, fql, values...)
	for {
		pages = append(pages, p.data)
		if p.after == nil {
			return pages
		}
		p = db.page(secret, `Set.paginate($$)`, p.after)
	}
}

func TestPages(t *testing.T) {
	db := newTestDB(t, `
		collection N { n: Int; index byN { values [.n] }; index byMod { terms [.m]; values [desc(.n)] }; *: Any }
		function plus(x) { x + 1 }
		function odd(k) { N.all().where(d => d.n % 2 == 1 && d.n > k).map(d => d.n + k) }`)
	db.run(`Set.sequence(0, 10).forEach(n => N.create({ n: n, m: n % 2 }))`)
	tests := []struct{ name, fql, want string }{
		{"documents", `N.all().map(.n).pageSize(4)`, `[0,1,2,3] [4,5,6,7] [8,9]`},
		{"no empty last page", `N.all().map(.n).pageSize(5)`, `[0,1,2,3,4] [5,6,7,8,9]`},
		{"backwards", `N.all().reverse().map(.n).paginate(4)`, `[9,8,7,6] [5,4,3,2] [1,0]`},
		{"index", `N.byN({ from: 2, to: 8 }).map(.n).paginate(3)`, `[2,3,4] [5,6,7] [8]`},
		{"index with terms, backwards", `N.byMod(1).reverse().map(.n).paginate(2)`, `[1,3] [5,7] [9]`},
		{"where with a variable", `let k = 3; N.all().where(d => d.n > k).map(.n).paginate(4)`, `[4,5,6,7] [8,9]`},
		{"where with a template value", `N.all().where(d => d.n > $$ && d.n != $$).map(x => "#{x.n}").paginate(2)`, `["4","6"] ["7","8"] ["9"]`},
		{"take and drop", `N.all().drop(2).take(5).map(.n).paginate(2)`, `[2,3] [4,5] [6]`},
		{"order", `N.all().order(desc(.n)).map(.n).paginate(4)`, `[9,8,7,6] [5,4,3,2] [1,0]`},
		{"distinct", `N.all().map(.m).distinct().paginate(1)`, `[0] [1]`},
		{"flatMap", `N.byN({ to: 2 }).flatMap(d => [d.n, d.n + 100]).paginate(4)`, `[0,100,1,101] [2,102]`},
		{"concat", `N.byN({ to: 1 }).concat(N.byN({ from: 8 })).map(.n).paginate(3)`, `[0,1,8] [9]`},
		{"projection", `let k = 10; (N.byN({ to: 2 }) { a: .n + k, b: { let t = k; (y => y + t)(1) } }).paginate(2)`, `[{"a":10,"b":11},{"a":11,"b":11}] [{"a":12,"b":11}]`},
		{"projection over pages", `let k = 10; (N.byN({ to: 2 }) { n, k: k, f: x => x }).map(x => x { n, k }).paginate(2)`, `[{"n":0,"k":10},{"n":1,"k":10}] [{"n":2,"k":10}]`},
		{"values", `[1, 2, 3].toSet().paginate(2)`, `[1,2] [3]`},
		{"sequence", `Set.sequence(0, 5).paginate(2)`, `[0,1] [2,3] [4]`},
		{"a function of the schema", `Set.sequence(0, 3).map(plus).paginate(2)`, `[1,2] [3]`},
		{"a set that a function returned", `odd(2).paginate(2)`, `[5,7] [9,11]`},
		{"lambdas in variables", `let f = (x => y => x + y)(10); let g = x => f(x) + 1; Set.sequence(0, 3).map(g).paginate(2)`, `[11,12] [13]`},
		{"sets in variables", `let s = N.byN({ to: 3 }); Set.sequence(0, 3).map(i => s.count() + i).paginate(2)`, `[4,5] [6]`},
		{"size of the next page", `Set.paginate(Set.sequence(0, 9).paginate(2).after, 3)`, `[2,3,4] [5,6,7] [8]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fql := tt.fql
			var values []value.Value
			if strings.Contains(fql, "$$") {
				values = []value.Value{value.Int(3), value.Int(5)}
			}
			if got := strings.Join(db.in(t).all(rootSecret, fql, values...), " "); got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.fql, got, tt.want)
			}
		})
	}
}

// All pages show the moment of the first, whatever is written in between.
func TestPagesAreStable(t *testing.T) {
	db := newTestDB(t, `collection N { n: Int; index byN { values [.n] } }`)
	db.run(`Set.sequence(0, 6).forEach(n => N.create({ id: n + 1, n: n }))`)
	for _, fql := range []string{`N.all()`, `N.byN()`, `N.all().order(.n)`, `N.byN().where(d => d.n < 100)`} {
		first := db.page(rootSecret, fql+`.pageSize(2).map(.n).paginate(2)`)
		db.run(`N("3").update({ n: 50 }); N("4")!.delete(); N.create({ id: 9, n: 2 }); N("1").update({ n: 60 })`)
		second := db.page(rootSecret, `Set.paginate($$, 16)`, first.after)
		if first.data+second.data != `[0,1][2,3,4,5]` || second.after != nil {
			t.Errorf("%s: %s then %s", fql, first.data, second.data)
		}
		db.run(`N("3").update({ n: 2 }); N("1").update({ n: 0 }); N("9")!.delete(); N.create({ id: 4, n: 3 })`)
	}
}

func TestCursors(t *testing.T) {
	db := newTestDB(t, `collection N { n: Int; index byN { values [.n] } }`)
	db.run(`Set.sequence(0, 6).forEach(n => N.create({ n: n }))`)
	after := db.page(rootSecret, `N.byN().paginate(2)`).after.(value.String)
	invalid := func(what, cursor string) {
		t.Helper()
		if e := db.fails(rootSecret, "invalid_cursor", fmt.Sprintf("Set.paginate(%q)", cursor)); e.Message != "Cursor cursor is invalid or expired." {
			t.Errorf("%s: %s", what, e.Message)
		}
	}
	raw, _ := base64.StdEncoding.DecodeString(string(after))
	for i := range raw {
		forged := append([]byte(nil), raw...)
		forged[i] ^= 1
		invalid("a changed byte", base64.StdEncoding.EncodeToString(forged))
	}
	invalid("garbage", "abc")
	invalid("nothing", "")
	invalid("a line break", string(after)+"\n")
	other := newTestDB(t, `collection N { n: Int; index byN { values [.n] } }`)
	other.run(`Set.sequence(0, 6).forEach(n => N.create({ n: n }))`)
	invalid("of another database", string(other.page(rootSecret, `N.byN().paginate(2)`).after.(value.String)))

	db.is(fmt.Sprintf("Set.paginate(%q, 1).data.length", after), `1`)
	db.push(`collection N { n: Int }`)
	invalid("of a dropped index", string(after))
	db.push(`collection N { n: Int; index byN { values [.n] } }`)
	invalid("of an index that was made anew", string(after))
	after = db.page(rootSecret, `N.byN().paginate(2)`).after.(value.String)
	db.advance(16 * time.Minute)
	invalid("older than what is kept", string(after))
}

// A document that expires is gone from later pages too, although they show the past.
func TestPagesAndTTL(t *testing.T) {
	db := newTestDB(t, `collection N { n: Int; document_ttls true; index byN { values [.n] } }`)
	db.run(`Set.sequence(0, 6).forEach(n => N.create({ n: n, ttl: if (n == 4) Time.now().add(1, "minute") else null }))`)
	for _, fql := range []string{`N.all()`, `N.byN()`} {
		first := db.page(rootSecret, fql+`.map(.n).paginate(2)`)
		if again := db.page(rootSecret, `Set.paginate($$, 9)`, first.after); fql == `N.all()` && again.data != `[2,3,4,5]` {
			t.Errorf("before: %s", again.data)
		}
		db.advance(2 * time.Minute)
		if later := db.page(rootSecret, `Set.paginate($$, 9)`, first.after); later.data != `[2,3,5]` {
			t.Errorf("after: %s", later.data)
		}
	}
}

// The depth of written out sets ends at a cursor that opens.
func TestNestedSets(t *testing.T) {
	db := newTestDB(t, "")
	res, err := db.try(rootSecret, `[1,2,3,4,5,6,7,8,9,10].fold(Set.single("deep"), (s, x) => Set.single(s))`)
	if err != nil {
		t.Fatal(err)
	}
	p := res.Data.(*value.Page)
	depth := 1
	for p.Data != nil {
		p = p.Data[0].(*value.Page)
		depth++
	}
	if depth != 11 {
		t.Errorf("depth %d", depth)
	}
	db.is(fmt.Sprintf("Set.paginate(%q).data", p.After), `["deep"]`)
}

// Each further step copies those before it: a long chain of steps has its price.
func TestSetOfManySteps(t *testing.T) {
	db := newTestDB(t, ``)
	for _, step := range []string{`x.map(y => y)`, `x.take(9)`, `x.take(9).reverse()`, `x { a }`} {
		db.is(`Set.sequence(0, 150).fold(Set.single({ a: 1 }), (x, _) => `+step+`).count() > 0`, `true`)
		db.fails(rootSecret, "invalid_request", `Set.sequence(0, 200000).fold(Set.single({ a: 1 }), (x, _) => `+step+`)`)
	}
	db.is(`Set.sequence(0, 200).fold(Set.single(1), (x, _) => x.concat([1]).reverse()).count()`, `201`)
	db.fails(rootSecret, "value_too_large", `Set.sequence(0, 201).fold(Set.single(1), (x, _) => x.concat([1]).reverse())`)
}
