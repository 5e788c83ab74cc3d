package eval

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

func TestValues(t *testing.T) {
	db := newTestDB(t, `@alias(Alias)
		collection C {}
		function f() { 1 }`)
	db.run(`C.create({ id: 1, a: 1 })`)
	tests := []struct {
		name, fql string
		v         value.Value
		want      string
	}{
		{"a collection", `$$.create({ id: 2 }).id`, value.Module("C"), `"2"`},
		{"its alias", `$$("1").a`, value.Module("Alias"), `1`},
		{"a module", `$$.abs(-1)`, value.Module("Math"), `1`},
		{"a document", `$$!.a`, value.Reference{Coll: "C", ID: "1"}, `1`},
		{"a missing document", `$$.exists()`, value.Reference{Coll: "C", ID: "9"}, `false`},
		{"a named document", `$$.name`, value.Reference{Coll: "Collection", Name: "C"}, `"C"`},
		{"inside", `$$.list[0].a`, value.NewObject(value.Field{Name: "list", Value: value.Array{value.Reference{Coll: "C", ID: "1"}}}), `1`},
		{"nothing to look up", `$$`, value.Array{value.Int(1), value.String("x")}, `[1,"x"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, err := db.try(rootSecret, tt.fql, tt.v)
			if err != nil || simple(res.Data) != tt.want {
				t.Errorf("got %+v, %v", res, err)
			}
		})
	}
	bad := []struct {
		name, problem string
		v             value.Value
	}{
		{"unknown module", "no such module 'Nope'", value.Module("Nope")},
		{"unknown collection", "no such module 'Nope'", value.Array{value.Reference{Coll: "Nope", ID: "1"}}},
		{"unknown name", "no such function 'g'", value.Reference{Coll: "Function", Name: "g"}},
		{"refused module", "no such module 'Database'", value.Module("Database")},
	}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			res, err := db.try(rootSecret, "let a = 1\n$$", tt.v)
			var e *Error
			if !errors.As(err, &e) || e.Code != "invalid_query" || !strings.Contains(res.Summary, tt.problem) || !strings.Contains(res.Summary, "at *query*:2:1") {
				t.Errorf("got %v\n%+v", err, res)
			}
			_, err = db.Query(t.Context(), &Request{Text: "x", Secret: rootSecret, Arguments: []value.Field{{Name: "x", Value: tt.v}}})
			if !errors.As(err, &e) || e.Code != "invalid_request" || e.Message != "Invalid argument 'x': "+tt.problem {
				t.Errorf("as an argument: %v", err)
			}
		})
	}
	res, err := db.Query(t.Context(), &Request{Text: "x + y", Secret: rootSecret, Arguments: []value.Field{{Name: "x", Value: value.Int(1)}, {Name: "y", Value: value.Int(2)}}})
	if err != nil || simple(res.Data) != "3" {
		t.Errorf("arguments: %+v, %v", res, err)
	}
}

// What a client sends as arguments is seen by the text that it sent and by nothing else.
func TestArgumentsStayOutside(t *testing.T) {
	db := newTestDB(t, `
		collection U {}
		collection Deny { index byK { terms [.k] } }
		collection Empty { index byK { terms [.k] } }
		collection D { owner: Ref<U>? }
		@role(server)
		function denied() { Deny.byK("x").count() }
		role r {
			membership U
			privileges denied { call }
			privileges D { read { predicate (d => d.owner == Query.identity()) } }
		}`)
	secret := db.text(rootSecret, `Deny.create({ k: "x" }); D.create({ id: 1, owner: U("7") }); U.create({ id: 1 }); Token.create({ document: U("1") }).secret`)
	res, err := db.Query(t.Context(), &Request{
		Text:   `[denied(), D("1").exists(), Deny, f(1), [1].map(x => x + one)]`,
		Secret: secret,
		Arguments: []value.Field{
			{Name: "Deny", Value: value.Module("Empty")},
			{Name: "Query", Value: value.NewObject(value.Field{Name: "identity", Value: value.Module("U")})},
			{Name: "f", Value: value.Module("ID")},
			{Name: "one", Value: value.Int(1)},
		},
	})
	if err != nil || simple(res.Data) != `[1,false,"Empty","1",[2]]` {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestStats(t *testing.T) {
	db := newTestDB(t, `collection C { n: Int }`)
	first, err := db.try(rootSecret, `"abc".length`)
	if s := first.Stats; err != nil || s.ComputeOps < 1 || s.ReadOps != 0 || s.WriteOps != 0 || s.StorageBytesRead != 0 || s.StorageBytesWrite != 0 || s.ContentionRetries != 0 {
		t.Errorf("a query without documents: %+v, %v", s, err)
	}
	written, _ := db.try(rootSecret, `C.create({ id: 1, n: 1 })`)
	if s := written.Stats; s.WriteOps != 1 || s.StorageBytesWrite == 0 {
		t.Errorf("a create: %+v", s)
	}
	read, _ := db.try(rootSecret, `C("1").n`)
	if s := read.Stats; s.ReadOps != 1 || s.StorageBytesRead == 0 || s.WriteOps != 0 {
		t.Errorf("a read: %+v", s)
	}
	if !(first.TxnTime < written.TxnTime && written.TxnTime <= read.TxnTime) {
		t.Errorf("transaction times %d, %d, %d", first.TxnTime, written.TxnTime, read.TxnTime)
	}
	failed, err := db.try(rootSecret, `C.create({ n: 1 }); abort({ at: TransactionTime(), doc: C("1") })`)
	var e *Error
	if !errors.As(err, &e) || failed.Stats.WriteOps != 0 || failed.TxnTime == 0 || failed.SchemaVersion == 0 {
		t.Errorf("an abort: %+v, %v", failed, err)
	} else if _, ok := e.Abort.(*value.Object).Fields()[1].Value.(*value.Document); !ok {
		t.Errorf("its argument: %#v", e.Abort)
	}
	db.is(`C.all().count()`, `1`)
}

func TestNow(t *testing.T) {
	db := newTestDB(t, `collection C {}`)
	res, err := db.try(rootSecret, `let a = Time.now(); Set.sequence(0, 1000).count(); [a == Time.now(), a]`)
	want := `[true,"` + value.FormatTime(value.TimeOfMicros(res.TxnTime)) + `"]`
	if err != nil || simple(res.Data) != want {
		t.Errorf("got %s, %v, want %s", simple(res.Data), err, want)
	}
}

func TestMinTime(t *testing.T) {
	db := newTestDB(t, "")
	year3000 := time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	if _, err := db.Query(t.Context(), &Request{Text: "1", Secret: rootSecret, MinTime: year3000}); !errors.Is(err, store.ErrFuture) {
		t.Errorf("got %v", err)
	}
}

func TestTimeout(t *testing.T) {
	db := newTestDB(t, "")
	db.opt.Limits = Limits{Steps: 1 << 60}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := db.Query(ctx, &Request{Text: `Set.sequence(0, 1000000000).count()`, Secret: rootSecret}); !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := db.Query(ctx, &Request{Text: `Set.sequence(0, 1000000000).count()`, Secret: rootSecret}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestInvalidQuery(t *testing.T) {
	db := newTestDB(t, "")
	for text, want := range map[string]string{
		"1 +":         "The query failed 1 validation check",
		"at (now) 1":  "The query failed 1 validation check",
		`"a" =~ "b"`:  "The query failed 1 validation check",
		"let a = \n)": "The query failed 1 validation check",
	} {
		e := db.fails(rootSecret, "invalid_query", text)
		if e.Message != want {
			t.Errorf("%q: %s", text, e.Message)
		}
		if _, err := db.try("bad", text); err != ErrUnauthorized {
			t.Errorf("%q with a bad secret: %v", text, err)
		}
	}
	if _, err := db.Query(t.Context(), &Request{Text: "1", Values: []value.Value{value.Int(1)}, Secret: rootSecret}); err == nil {
		t.Error("a value without a place was accepted")
	}
}

// Who may not see the log sees nothing of functions: neither their log nor their text.
func TestSummaries(t *testing.T) {
	db := newTestDB(t, `
		collection U {}
		function inner() { log("from inside"); 1 / 0 }
		role r { membership U; privileges inner { call } }`)
	secret := db.text(rootSecret, `U.create({ id: 1 }); Token.create({ document: U("1") }).secret`)
	for _, tt := range []struct {
		secret string
		sees   bool
	}{{rootSecret, true}, {secret, false}} {
		res, err := db.try(tt.secret, `log("mine"); inner()`)
		var e *Error
		if !errors.As(err, &e) || strings.Contains(res.Summary, "1 / 0") != tt.sees || strings.Contains(res.Summary, "from inside") != tt.sees {
			t.Errorf("%v\n%s", err, res.Summary)
		}
		if res, _ := db.try(tt.secret, `log("mine")`); !strings.Contains(res.Summary, "mine") {
			t.Errorf("one's own log: %q", res.Summary)
		}
	}
}

func TestContendedNames(t *testing.T) {
	db := newTestDB(t, `collection C {}`)
	db.run(`1`)
	coll := db.current.Load().Collection("C").ID
	for want, key := range map[string][]byte{
		"Transaction was aborted due to detection of concurrent modifications to C(7).":   appendDocKey(nil, coll, 7),
		"Transaction was aborted due to detection of concurrent modifications to schema.": keySchemaVersion,
		"Transaction was aborted due to detection of concurrent modification.":            appendIndexKey(nil, 3),
	} {
		err := db.queryError(t.Context(), fmt.Errorf("x: %w", &store.ConflictError{Key: store.Key{Prefix: key}}), 4)
		var c *Contended
		if !errors.As(err, &c) || c.Error() != want || c.Retries != 4 {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestResultLimit(t *testing.T) {
	db := newTestDB(t, "")
	db.opt.Limits = Limits{Result: 1000}
	db.is(`"x".length`, `1`)
	db.fails(rootSecret, "value_too_large", `Set.sequence(0, 200).toArray()`)
	db.fails(rootSecret, "value_too_large", `let a = [1,2,3,4,5,6,7,8]; let b = [a,a,a,a,a,a,a,a]; [b,b,b,b,b,b,b,b]`)
}

func TestTooLarge(t *testing.T) {
	db := newTestDB(t, `collection C { *: Any; index byK { terms [.k] } }`)
	big := value.String(strings.Repeat("x", 9<<20))
	for name, fql := range map[string]string{"document": `C.create({ a: $$ })`, "index entry": `C.create({ k: $$ })`} {
		_, err := db.try(rootSecret, fql, big)
		var e *Error
		if !errors.As(err, &e) || e.Code != "invalid_request" {
			t.Errorf("%s: %v", name, err)
		}
	}
	db.is(`C.all().count()`, `0`)
}

func TestQueryCache(t *testing.T) {
	c := newQueryCache(4096)
	misses := 0
	for i := range 10_000 {
		text := fmt.Sprintf("%040d", i%7)
		if i%2 == 0 {
			text = fmt.Sprintf("%040d", i)
		}
		q := c.get(text)
		if q == nil {
			misses++
			c.put(text, &syntax.Query{Source: text})
		} else if q.Source != text {
			t.Fatalf("%s gave %s", text, q.Source)
		}
		if c.used > 2048 || len(c.young)+len(c.old) > 102 {
			t.Fatalf("%d bytes used, %d and %d queries kept", c.used, len(c.young), len(c.old))
		}
	}
	// What is asked for again and again stays, whatever else comes by.
	if misses > 5_010 {
		t.Errorf("%d of 10,000 look-ups missed", misses)
	}
	c.put("long"+strings.Repeat("x", 1000), &syntax.Query{})
	if c.get("long"+strings.Repeat("x", 1000)) != nil {
		t.Error("a text that would fill the cache was kept")
	}
}

// The effects that a context forbids, with the words of Fauna.
func TestDocumentEffects(t *testing.T) {
	db := newTestDB(t, `
		collection C { *: Any; n: Any }
		function counts() { C.all().count() }
		function writes() { C.create({}); true }
		collection Default { a: Any = counts() }
		collection Wrong { a: Any = writes() }
		collection Now { a: Any = Time.now(); b: Any = newId().toString() }
		collection Comp { compute c = (x => writes()) }
		collection Check { check c (x => writes()) }
		collection Reads { compute c = (x => C.all().count()); check ok (x => C.all().count() == 0) }`)
	tests := []struct{ name, fql, message string }{
		{"set functions", `Set.sequence(0, 2).map(x => C.create({})).toArray()`, "`create` performs a write, which is not allowed in set functions."},
		{"a projection", `Set.sequence(0, 1).map(x => { a: 1 }) { b: C.create({}) }`, "`create` performs a write, which is not allowed in set functions."},
		{"predicates of sets", `C.create({}); C.all().any(x => { x.delete(); true })`, "`delete` performs a write, which is not allowed in set functions."},
		{"computed fields", `Comp.create({}).c`, "`create` performs a write, which is not allowed in computed fields."},
		{"check constraints", `Check.create({})`, "`create` performs a write, which is not allowed in check constraints."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if e := db.in(t).fails(rootSecret, "invalid_effect", tt.fql); e.Message != tt.message {
				t.Errorf("got %s\nwant %s", e.Message, tt.message)
			}
		})
	}
	for fql, message := range map[string]string{
		`Default.create({})`: "`all` performs a read, which is not allowed in default values.",
		`Wrong.create({})`:   "`create` performs a write, which is not allowed in default values.",
	} {
		e := db.fails(rootSecret, "constraint_failure", fql)
		if len(e.Failures) != 1 || e.Failures[0].Message != "Default field evaluation failed.\n"+message || e.Failures[0].Paths[0][0] != "a" {
			t.Errorf("%s: %v", fql, e.Failures)
		}
	}
	db.is(`let d = Now.create({}); [d.a == Time.now(), d.b isa String]`, `[true,true]`)
	db.is(`Reads.create({}).c`, `0`)
}
