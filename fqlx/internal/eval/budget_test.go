package eval

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// Values and sets share their parts, so that a few steps make one with more parts than there
// are atoms. Whatever looks at all of them has to come to an end, early.
func TestSharedParts(t *testing.T) {
	db := newTestDB(t, `
		collection C { *: Any; x: Any?; index byX { terms [.x]; values [.y] } }
		collection D { *: Any; compute d = (c => Array.sequence(0, 60).fold(1, (a, _) => [a, a])); index byD { terms [.d] } }
		function typed(x: Array<Array<Array<Array<Array<Any>>>>>): Any { 1 }`)
	db.run(`C.create({ id: 1 })`)
	db.opt.Limits = Limits{Steps: 500_000}
	const (
		values = `let x = Array.sequence(0, 60).fold("x", (a, _) => [a, a]); `
		wide   = `let x = Array.sequence(0, 4).fold("x", (a, _) => Array.sequence(0, 16000).map(_ => a)); `
		sets   = `let s = Array.sequence(0, 190).fold([].toSet(), (s, _) => s.concat(s)); `
		text   = `let t = Array.sequence(0, 24).fold("x", (a, _) => a + a); let x = Array.sequence(0, 16000).map(_ => t); `
	)
	for _, fql := range []string{
		values + `x`,
		values + `x == x`,
		values + `[x, x].order()`,
		values + `"#{x}"`,
		values + `log(x)`,
		values + `abort(x)`,
		values + `C.create({ x: x })`,
		values + `C("1")!.update({ y: { z: x } })`,
		values + `C.byX(x)`,
		values + `C.byX(1, { from: [x] })`,
		values + `Token.create({ document: C("1"), data: { x: x } })`,
		values + `Key.create({ role: x })`,
		values + `Set.sequence(0, 9).map(_ => x.length).paginate(1)`,
		values + `Set.single(x).concat([x, x]).paginate(1)`,
		values + `typed(x)`,
		wide + `typed(x)`,
		text + `C.create({ x: x })`,
		text + `C.byX(x)`,
		text + `Set.sequence(0, 9).map(_ => x.length).paginate(1)`,
		sets + `s`,
		sets + `s.count()`,
		sets + `s.reverse().first()`,
		sets + `s.last()`,
		sets + `s.concat([1, 2]).paginate(1)`,
		`D.create({})`,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := db.Query(ctx, &Request{Text: fql, Secret: rootSecret})
		cancel()
		var failed *Error
		if !errors.As(err, &failed) || failed.Code != "invalid_request" && failed.Code != "value_too_large" {
			t.Errorf("%s\ngot %v", fql, err)
		}
	}
	db.is(`[C.all().count(), D.all().count()]`, `[1,0]`)
}

// The entries of one document are bounded, and each costs something.
func TestManyEntries(t *testing.T) {
	db := newTestDB(t, `collection C { *: Any; a: Any?; b: Any?; index byA { terms [mva(.a)] }; index byAB { terms [mva(.a)]; values [mva(.b)] }; index byBig { terms [.big, mva(.b)] } }`)
	db.is(`C.create({ id: 1, a: Array.sequence(0, 15000) }); C("1")!.update({ a: Array.sequence(1, 15001) }); [C.byA(0).count(), C.byA(15000).count()]`, `[0,1]`)
	db.is(`C.create({ id: 2, a: Array.sequence(0, 15000).map(_ => 77777) }); C.byA(77777).count()`, `1`)
	db.fails(rootSecret, "invalid_request", `C.create({ a: Array.sequence(0, 16000), b: Array.sequence(0, 16000) })`)
	db.fails(rootSecret, "value_too_large", `C.create({ big: Array.sequence(0, 15).fold("x", (a, _) => a + a), b: Array.sequence(0, 16000) })`)
	db.fails(rootSecret, "invalid_request", `C.create({ big: Array.sequence(0, 16).fold("x", (a, _) => a + a) })`)
}

// What makes a computed field fail because of who writes the document must not make it null:
// the document would get past a unique constraint.
func TestLimitsInIndexedFields(t *testing.T) {
	db := newTestDB(t, `
		collection C { email: String; compute key = (c => c.email.toLowerCase().split("").map(x => x).fold("", (a, x) => a + x)); unique [.key] }
		@role(server)
		function signUp(email) { C.create({ email: email }) }`)
	db.run(`signUp("me@example.com")`)
	db.fails(rootSecret, "constraint_failure", `signUp("ME@example.com")`)
	for _, frames := range []string{"2", "3", "4", "5", "6", "7", "8"} {
		// The function is called with just so many frames left.
		fql := strings.Replace(`let f = (f, n) => if (n == 0) signUp("Me@example.com") else f(f, n - 1); f(f, 2048 - N)`, "N", frames, 1)
		var failed *Error
		if _, err := db.try(rootSecret, fql); !errors.As(err, &failed) || failed.Code != "stack_overflow" && failed.Code != "constraint_failure" {
			t.Errorf("with %s frames left: %v", frames, err)
		}
	}
	for built := range 12 {
		db.opt.Limits = Limits{Built: int64(1500 + 10*built)}
		_, err := db.try(rootSecret, `let s = Array.sequence(0, 10).fold("x", (a, _) => a + a); signUp("Me@example.com"); 1`)
		if err == nil {
			t.Errorf("with %d bytes of budget it is signed up again", 10*built)
		}
	}
	db.opt.Limits = Limits{}
	db.is(`C.all().count()`, `1`)
}
