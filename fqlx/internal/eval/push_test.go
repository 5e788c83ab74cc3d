package eval

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

func files(pairs ...string) (out []schema.File) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, schema.File{Name: pairs[i], Content: pairs[i+1]})
	}
	return out
}

func TestPush(t *testing.T) {
	db := newTestDB(t, "")
	push := func(r PushRequest) (PushResult, error) { return db.Push(t.Context(), rootSecret, r) }
	must := func(r PushRequest) PushResult {
		t.Helper()
		res, err := push(r)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	first := must(PushRequest{Files: files("a.fsl", "collection A {}", "b.fsl", "collection B {}")})
	if first.Version == 0 || first.Diff("summary") == "" {
		t.Errorf("first push: %+v", first)
	}
	if res, _ := db.try(rootSecret, `1`); res.SchemaVersion != first.Version {
		t.Errorf("a query says version %d, the push %d", res.SchemaVersion, first.Version)
	}
	again := must(PushRequest{Files: files("b.fsl", "collection B {}")})
	if again.Version != first.Version || again.Diff("summary") != "" {
		t.Errorf("the same files again: %+v", again)
	}
	added := must(PushRequest{Files: files("b.fsl", "collection B { n: Int }", "c.fsl", "collection C {}")})
	names := func() (out []string) {
		s, err := db.Schema(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range s.Files {
			out = append(out, f.Name)
		}
		return out
	}
	if got := names(); !slices.Equal(got, []string{"a.fsl", "b.fsl", "c.fsl"}) || added.Version <= first.Version {
		t.Errorf("after adding: %v, version %d", got, added.Version)
	}
	if _, err := push(PushRequest{Files: files("d.fsl", ""), Version: first.Version}); !errors.Is(err, ErrStaleVersion) {
		t.Errorf("stale version: %v", err)
	}
	dry := must(PushRequest{Files: files("z.fsl", "collection Z {}"), Override: true, DryRun: true})
	if dry.Version != added.Version || !strings.Contains(dry.Diff("summary"), "Removing") || len(names()) != 3 {
		t.Errorf("dry run: %+v, then %v", dry, names())
	}
	forced := must(PushRequest{Files: files("z.fsl", "collection Z {}"), Override: true, Version: 1, Force: true})
	if got := names(); !slices.Equal(got, []string{"z.fsl"}) || forced.Version <= added.Version {
		t.Errorf("forced: %v", got)
	}
	db.fails(rootSecret, "unbound_variable", `A.all()`)

	for _, name := range []string{"query", "*x.fsl", ""} {
		if _, err := push(PushRequest{Files: files(name, "")}); err == nil || err.Error() != "Invalid filename `"+name+"`" {
			t.Errorf("file %q: %v", name, err)
		}
	}
	var refused *SchemaError
	for name, fsl := range map[string]string{
		"syntax":        `collection A {`,
		"unknown type":  `collection A { x: Nope }`,
		"commit time":   `collection A { index i { terms [.ts] } }`,
		"at expression": `function f() { at (Time.now()) 1 }`,
		"in a default":  `collection A { a: Any = match 1 {} }`,
		"in a check":    `collection A { check c (x => "a" =~ "b") }`,
		"in a role":     `role r { privileges Z { read { predicate (x => "a" =~ "b") } } }`,
	} {
		if _, err := push(PushRequest{Files: files("bad.fsl", fsl)}); !errors.As(err, &refused) || !strings.Contains(refused.Message, "*bad.fsl*") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPushNeedsAdmin(t *testing.T) {
	db := newTestDB(t, authFSL)
	db.run(`User.create({ id: 1 })`)
	token, _ := db.token(`document: User("1")`)
	before := db.run(`Collection.all().count()`)
	for name, tt := range map[string]struct {
		secret string
		want   error
	}{
		"server":    {db.key("server"), ErrForbidden},
		"readonly":  {db.key("server-readonly"), ErrForbidden},
		"client":    {db.key("client"), ErrForbidden},
		"custom":    {db.key("custom"), ErrForbidden},
		"token":     {token, ErrForbidden},
		"as server": {rootSecret + ":server", ErrForbidden},
		"as member": {rootSecret + ":@doc/User/1", ErrForbidden},
		"bad":       {"x", ErrUnauthorized},
	} {
		if _, err := db.Push(t.Context(), tt.secret, PushRequest{Override: true}); err != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	db.is(`Collection.all().count()`, before)
	if _, err := db.Push(t.Context(), db.key("admin"), PushRequest{Files: files("x.fsl", "collection X {}")}); err != nil {
		t.Errorf("admin key: %v", err)
	}
	for name, tt := range map[string]struct {
		secret       string
		admin, reads bool
	}{
		"root": {rootSecret, true, true}, "server": {db.key("server"), false, true},
		"readonly": {db.key("server-readonly"), false, true}, "client": {db.key("client"), false, false},
		"token": {token, false, false}, "custom": {db.key("custom"), false, false},
	} {
		c, err := db.Authenticate(t.Context(), tt.secret, false)
		if err != nil || c.Admin() != tt.admin || c.ReadsSchema() != tt.reads {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

// A push builds indexes over what is there and refuses what does not fit.
func TestPushMigrates(t *testing.T) {
	db := newTestDB(t, `collection C { *: Any }`)
	db.run(`Set.sequence(0, 300).forEach(n => C.create({ id: n, n: n, k: "k#{n % 3}" }))`)
	db.push(`collection C { *: Any; index byK { terms [.k]; values [desc(.n)] }; unique [.n] }`)
	db.is(`[C.byK("k1").count(), C.byK("k1").first()!.n]`, `[100,298]`)
	db.fails(rootSecret, "constraint_failure", `C.create({ n: 7 })`)

	tests := []struct{ name, fsl, message string }{
		{"type", `collection C { n: String; *: Any }`, "Document 0 of collection `C` does not fit: n: Expected String, provided Int"},
		{"closed", `collection C { n: Int }`, "Document 0 of collection `C` does not fit: k: Unexpected field provided"},
		{"missing", `collection C { n: Int; x: Int; *: Any }`, "Document 0 of collection `C` does not fit: x: Missing required field of type Int"},
		{"unique", `collection C { *: Any; unique [.k] }`, "Document 3 of collection `C` does not fit: k: Failed unique constraint"},
		{"unique where an index is", `collection C { *: Any; index byK { terms [.k] }; unique [.k] }`, "Document 3 of collection `C` does not fit: k: Failed unique constraint"},
	}
	for _, tt := range tests {
		for _, dry := range []bool{true, false} {
			_, err := db.Push(t.Context(), rootSecret, PushRequest{Files: files("main.fsl", tt.fsl), Override: true, DryRun: dry})
			if err == nil || err.Error() != tt.message {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
	}
	db.is(`C.byK("k1").count()`, `100`)

	db.push(`collection C { n: Int; x: Int = 5; *: Any; index byX { terms [.x] } }`)
	db.is(`[C.byX(5).count(), C("7").x, C("7").n]`, `[300,5,7]`)
	db.push(`collection C { *: Any; compute twice = (c => c.n * 2); index byTwice { terms [.twice] } }`)
	db.is(`C.byTwice(14).map(.n).toArray()`, `[7]`)
	db.push(`collection C { *: Any; compute twice = (c => c.n * 20); index byTwice { terms [.twice] } }`)
	db.is(`[C.byTwice(140).count(), C.byTwice(14).count()]`, `[1,0]`)
}

// A collection that is dropped and made anew is another one.
func TestPushDropsAndSweeps(t *testing.T) {
	db := newTestDB(t, `collection C { *: Any; index byN { terms [.n] } }; collection D { *: Any }`)
	db.run(`Set.sequence(0, 100).forEach(n => C.create({ id: n, n: n })); D.create({ id: 1, c: C("7") })`)
	db.push(`collection D { *: Any }`)
	if got := db.tagged(rootSecret, `D("1")!.c`); !strings.Contains(got, `"cause":"collection deleted"`) {
		t.Errorf("a document of a dropped collection: %s", got)
	}
	db.push(`collection C { *: Any; index byN { terms [.n] } }; collection D { *: Any }`)
	db.is(`[C.all().count(), C.byN(7).count(), C("7").exists(), C.create({ id: 7 }).id]`, `[0,0,false,"7"]`)
	live := func() (n int64) {
		if err := db.store.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, count := range db.store.Stats().Live {
			n += count
		}
		return n
	}
	if n := live(); n < 200 {
		t.Errorf("%d entries: swept while queries may still see them", n)
	}
	db.advance(time.Hour)
	// m s v, D(1), C(7) and its index entry... which has no n and therefore none.
	if n := live(); n != 5 {
		t.Errorf("%d entries are left", n)
	}
	db.is(`[C.all().count(), D.all().count()]`, `[1,1]`)
}

// A push conflicts with the queries beside it: none commits under a schema that is gone.
func TestPushAndWriters(t *testing.T) {
	db := newTestDB(t, `collection C { n: Int }`)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 20 {
			fsl := `collection C { n: Int }`
			if i%2 == 0 {
				fsl = `collection C { n: Int; index byN { terms [.n] } }`
			}
			_, err := db.Push(t.Context(), rootSecret, PushRequest{Files: files("main.fsl", fsl), Override: true})
			if err != nil {
				t.Error(err)
				return
			}
		}
	}()
	n := 0
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		_, err := db.try(rootSecret, `C.create({ n: 1 })`)
		var contended *Contended
		if err == nil {
			n++
		} else if !errors.As(err, &contended) {
			t.Fatal(err)
		}
	}
	db.push(`collection C { n: Int; index byN { terms [.n] } }`)
	if got, want := db.run(`[C.all().count(), C.byN(1).count()]`), "["+simple(value.Int(n))+","+simple(value.Int(n))+"]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSchemaSurvivesReopening(t *testing.T) {
	db := newTestDB(t, abacFSL)
	again, err := New(Options{Store: db.store, RootSecret: rootSecret})
	if err != nil {
		t.Fatal(err)
	}
	one, _ := db.Schema(t.Context())
	two, err := again.Schema(t.Context())
	if err != nil || one.Version != two.Version || len(two.Collections) != len(one.Collections) || two.Collection("Secret").ID != one.Collection("Secret").ID {
		t.Errorf("got %+v, %v", two, err)
	}
}
