package eval

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

const credentialFSL = `
collection User { name: String?; document_ttls true }
collection Clerk {}
collection Guard {}
collection Porter {}
function who() { Query.identity() }
@role(server)
function signIn(user, password) { Credential.byDocument(user)?.login(password) }
@role(server)
function change(old, new) {
  let c = Credential.byDocument(Query.identity()!)!
  if (c.verify(old)) { c.update({ password: new }); true } else false
}
role user { membership User; privileges signIn { call }; privileges change { call }; privileges who { call } }
role clerk { membership Clerk; privileges Credential { read; create { predicate (c => c.document == User("9") && c.password == null) }; delete } }
role guard { membership Guard; privileges Credentials { read; write { predicate ((old, new) => old.document == new.document) } } }
role porter { membership Porter; privileges Credential { read { predicate (c => c.data.open == true) } }; privileges Token { create { predicate (t => t.document == User("1")) } } }
`

// newCredentials has users 1 and 2, each with the password "pw" and its number.
func newCredentials(t testing.TB) (db *testDB, as func(document string) string) {
	db = newTestDB(t, credentialFSL)
	db.run(`[1, 2].map(n => { User.create({ id: n }); Credential.create({ id: n, document: User(n), password: "pw#{n}" }) })`)
	return db, func(document string) string {
		coll, id, _ := strings.Cut(document, "/")
		return db.text(rootSecret, fmt.Sprintf(`if (!%[1]s(%[2]s).exists()) %[1]s.create({ id: %[2]s }); Token.create({ document: %[1]s(%[2]s) }).secret`, coll, id))
	}
}

func TestLogin(t *testing.T) {
	db, _ := newCredentials(t)
	secret := db.text(rootSecret, `Credential(1)!.login("pw1", Time.now().add(1, "minute")).secret`)
	if got := db.as(secret, `[Query.identity() == User("1"), Query.token() == Token.all().first()]`); got != `[true,true]` {
		t.Errorf("identity: %s", got)
	}
	if got := db.as(secret, `let t = signIn(User("2"), "pw2"); [t.document.id, t.secret.length]`); got != `["2",51]` {
		t.Errorf("by a function: %s", got)
	}
	db.advance(time.Minute + time.Millisecond)
	db.refused("expired", secret)

	// Tokens do not depend on the password that they were got with.
	secret = db.text(rootSecret, `Credential(1)!.login("pw1").secret`)
	if got := db.as(secret, `[change("pw2", "x"), change("pw1", "new"), change("pw1", "x")]`); got != `[false,true,false]` {
		t.Errorf("changing a password: %s", got)
	}
	db.fails(rootSecret, "invalid_secret", `Credential(1)!.login("pw1")`)
	db.is(`Credential(1)!.verify("new")`, `true`)
	db.run(`Credential(1)!.delete()`)
	db.as(secret, `1`)

	// For a document that is not there a token is made, as by Token.create, and good for nothing.
	db.refused("no document", db.text(rootSecret, `Credential.create({ document: User("404"), password: "x" }).login("x").secret`))
}

// An expired credential is none.
func TestCredentialTTL(t *testing.T) {
	db, _ := newCredentials(t)
	db.run(`User.create({ id: 3 }); Credential.create({ id: 3, document: User("3"), password: "x", ttl: Time.now().add(1, "minute") })`)
	db.fails(rootSecret, "constraint_failure", `Credential.create({ document: User("3"), password: "y" })`)
	db.run(`Credential(1)!.update({ ttl: Time.now().add(2, "minutes") })`)
	db.advance(time.Minute + time.Millisecond)
	db.is(`[Credential.byDocument(User("3")), Credential(3).exists(), Credential.all().count()]`, `[null,false,2]`)
	db.fails(rootSecret, "document_not_found", `Credential(3).login("x")`)
	db.is(`Credential.create({ document: User("3"), password: "y" }).verify("y")`, `true`)
	db.run(`Credential(1)!.update({ ttl: null })`)
	db.advance(time.Hour)
	db.is(`Credential.byDocument(User("1")).id`, `"1"`)
}

func TestCredentialRights(t *testing.T) {
	db, as := newCredentials(t)
	db.run(`Credential(2)!.update({ data: { open: true } })`)
	secrets := map[string]string{
		"admin": rootSecret, "server": db.key("server"), "readonly": db.key("server-readonly"), "client": db.key("client"),
		"user": as("User/1"), "clerk": as("Clerk/1"), "guard": as("Guard/1"), "porter": as("Porter/1"),
	}
	const denied = "! permission_denied"
	tests := []struct{ who, fql, want string }{
		{"admin", `Credential(1).login("pw1").document.id`, `"1"`},
		{"server", `Credential(1).login("pw1").document.id`, `"1"`},
		{"server", `Credential.create({ document: User("7"), password: "x" }).update({ password: "y" }).delete() == null`, `true`},
		{"readonly", `[Credential(1).verify("pw1"), Credential(1).verify("x"), Credential.byDocument(User("2")).id]`, `[true,false,"2"]`},
		{"readonly", `Credential(1).login("pw1")`, denied},
		{"readonly", `Credential(1).login("x")`, denied}, // whatever the password
		{"readonly", `Credential(1).update({ password: "x" })`, denied},
		{"readonly", `Credential(1).delete()`, denied},
		{"readonly", `Credential.create({ document: User("7"), password: "x" })`, denied},
		{"client", `[Credential.all().count(), Credential.byDocument(User("1")), Credential(1).exists()]`, `[0,null,false]`},
		{"client", `Credential(1).verify("pw1")`, denied},
		{"client", `Credential(404).verify("pw1")`, denied},
		{"client", `Credential.create({})`, denied},

		{"user", `[Credential.all().map(.id).toArray(), Credential.byDocument(User("1")).id, Credential.byDocument(User("2")), Credential(2).exists()]`, `[["1"],"1",null,false]`},
		{"user", `[Credential(1).verify("pw1"), Credential(1).password, Credential(1).hashed_secret]`, `[true,null,null]`},
		{"user", `Credential(2).verify("pw2")`, denied},
		{"user", `Credential(1).login("pw1")`, denied},
		{"user", `Credential(1).update({ password: "x" })`, denied},
		{"user", `Credential(1).replace({ document: User("2") })`, denied},
		{"user", `Credential(1).delete()`, denied},
		{"user", `Credential.create({ document: User("1"), password: "x" })`, denied}, // not: there is one
		{"user", `signIn(User("2"), "pw1")`, "! invalid_secret"},

		{"clerk", `Credential.create({ document: User("9"), password: "x" }).verify("x")`, `true`},
		{"clerk", `Credential.create({ document: User("8"), password: "x" })`, denied},
		{"clerk", `Credential.create({ id: 5, document: User("9"), password: "x" })`, denied},
		{"clerk", `Credential(1).login("pw1")`, denied},
		{"clerk", `Credential(1).update({ password: "x" })`, denied},
		{"clerk", `Credential(1).delete() == null`, `true`},
		{"guard", `Credential(1).update({ password: "x" }).verify("x")`, `true`},
		{"guard", `Credential(1).update({ document: User("7") })`, denied},
		{"guard", `Credential(1).delete()`, denied},
		{"porter", `Credential.all().map(.id).toArray()`, `["2"]`},
		{"porter", `Credential(1).login("pw1")`, denied},
		{"porter", `Credential(2).login("pw2")`, denied}, // the token would be of User 2
		{"porter", `Credential.byDocument(User("1"))`, `null`},
	}
	for _, tt := range tests {
		t.Run(tt.who+" "+tt.fql, func(t *testing.T) {
			db := db.in(t)
			if code, fails := strings.CutPrefix(tt.want, "! "); fails {
				db.fails(secrets[tt.who], code, tt.fql)
				return
			}
			e := db.fails(secrets[tt.who], "abort", `let result = { `+tt.fql+` }; abort(result)`)
			if got := simple(e.Abort); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// What is kept is a hash with a salt of its own, and no part of a long password is left out.
func TestPasswordsAtRest(t *testing.T) {
	db, _ := newCredentials(t)
	long := strings.Repeat("0123456789", 8)
	db.is(`Credential(1)!.update({ password: "`+long+`a" }); [Credential(1).verify("`+long+`a"), Credential(1).verify("`+long+`b"), Credential(1).verify("`+long[:72]+`")]`, `[true,false,false]`)
	db.is(`Credential(1)!.update({ password: "a\u{0}b" }); [Credential(1).verify("a\u{0}b"), Credential(1).verify("a\u{0}c"), Credential(1).verify("a")]`, `[true,false,false]`)
	db.is(`[1, 2].map(n => Credential(n)!.update({ password: "same" })).length`, `2`)
	kept := map[string]bool{}
	for _, id := range []value.ID{1, 2} {
		tx := db.store.Begin()
		entry, ok, err := tx.Get(appendDocKey(nil, schema.CollCredential, id))
		tx.Discard()
		if err != nil || !ok || strings.Contains(string(entry.Data), "same") {
			t.Fatalf("%q, %v, %v", entry.Data, ok, err)
		}
		stored, err := value.DecodeBinary(entry.Data)
		if err != nil {
			t.Fatal(err)
		}
		field, _ := stored.(*value.Object).Get(fieldHash)
		hash := string(field.(value.String))
		if cost, err := bcrypt.Cost([]byte(strings.TrimPrefix(hash, passwordScheme))); err != nil || cost != bcrypt.MinCost || kept[hash] {
			t.Errorf("%s: cost %d, %v", hash, cost, err)
		}
		kept[hash] = true
	}
	// What another version wrote, or what is damaged, is not taken for a wrong password.
	for _, hash := range []string{"md5:x", passwordScheme + "x"} {
		if _, err := newHashing("same", hash).run(bcrypt.MinCost); err == nil {
			t.Errorf("%s is accepted", hash)
		}
	}
}

// A password takes from the budget what it takes to hash, also in what hides its errors.
func TestPasswordBudget(t *testing.T) {
	db, as := newCredentials(t)
	db.opt.TokenLimits = Limits{Steps: 200_000}
	secret := as("User/1")
	verify := func(n int) string {
		return fmt.Sprintf(`Array.sequence(0, %d).map(_ => Credential(1).verify("x")).length`, n)
	}
	if got := db.as(secret, verify(3)); got != `3` {
		t.Errorf("got %s", got)
	}
	db.is(verify(33), `33`)
	for secret, n := range map[string]int{secret: 4, rootSecret: 34} {
		e := db.fails(secret, "invalid_request", verify(n))
		if !strings.HasPrefix(e.Message, "Transaction does too much compute") {
			t.Errorf("got %v", e)
		}
	}
	// What comes before a hash is evaluated again after it, and counts again.
	const work = `Array.sequence(0, 15000).map(x => x + 1); `
	db.as(secret, work+verify(0))
	db.fails(secret, "invalid_request", work+verify(2))
	// A wrong password is a denial in a predicate, and an exhausted budget is no reason to grant.
	db.push(credentialFSL + `
		role odd { membership Guard { predicate (g => Credential(1).verify("pw1")) }; privileges User { read } }
		role even { membership Guard { predicate (g => Credential(1).verify("x")) }; privileges Clerk { read } }`)
	db.run(`Clerk.create({ id: 7 })`)
	guard := as("Guard/1")
	if got := db.as(guard, `[User("1").exists(), Clerk("7").exists()]`); got != `[true,false]` {
		t.Errorf("membership: %s", got)
	}
	if _, err := db.Authenticate(context.Background(), guard, false); err != nil {
		t.Errorf("Authenticate: %v", err)
	}
	if _, err := db.Push(context.Background(), guard, PushRequest{}); !errors.Is(err, ErrForbidden) {
		t.Errorf("Push: %v", err)
	}
}

// No password is hashed while an evaluation runs, so none under the commit lock; and what is
// known from one evaluation serves the next.
func TestPasswordsBetweenEvaluations(t *testing.T) {
	db, _ := newCredentials(t)
	evaluations := 0
	run := func(f func(ev *evaluator) error) error {
		_, err := db.update(t.Context(), store.UpdateOptions{}, func(tx *store.Tx, p *passwords) error {
			ev, err := db.evaluator(tx, p)
			if err != nil {
				return err
			}
			evaluations++
			return f(ev)
		})
		return err
	}
	var first, second string
	err := run(func(ev *evaluator) error {
		var err error
		if first, err = ev.hash("a", ""); err != nil {
			return nil // the outcome of an evaluation that lacks a hash does not count
		}
		second, err = ev.hash("a", "")
		return err
	})
	if err != nil || evaluations != 3 || first == "" || second == "" || first == second {
		t.Errorf("%d evaluations, %q, %q, %v", evaluations, first, second, err)
	}
	// Another way through the query does not get the hash of the way before.
	evaluations = 0
	var got string
	err = run(func(ev *evaluator) (err error) {
		password := "b"
		if evaluations == 1 {
			password = "a"
		}
		got, err = ev.hash(password, first)
		return err
	})
	if err != nil || evaluations != 3 || got != "" {
		t.Errorf("%d evaluations, %q, %v", evaluations, got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = db.update(ctx, store.UpdateOptions{}, func(tx *store.Tx, p *passwords) error {
		ev, err := db.evaluator(tx, p)
		if err == nil {
			_, err = ev.hash("a", "")
		}
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A password may be made of ids, which are the same in each evaluation of a request, and in no
// other request.
func TestPasswordOfNewID(t *testing.T) {
	db := newTestDB(t, credentialFSL)
	const create = `let password = "#{newId()}-#{newId()}"; let c = Credential.create({ document: User.create({}), password: password }); password`
	first, second := db.text(rootSecret, create), db.text(rootSecret, create)
	id, other, _ := strings.Cut(first, "-")
	if first == second || id == other {
		t.Errorf("passwords %q, %q", first, second)
	}
	db.is(fmt.Sprintf(`let c = Credential.all().toArray(); [c[0].verify(%q), c[1].verify(%q), c[1].verify(%[1]q)]`, first, second), `[true,true,false]`)
}

// Of those who race to give a document its password one wins.
func TestCredentialRace(t *testing.T) {
	db := newTestDB(t, credentialFSL)
	var wg sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		wg.Go(func() {
			_, results[i] = db.try(rootSecret, fmt.Sprintf(`Credential.create({ document: User("1"), password: "pw%d" })`, i))
		})
	}
	wg.Wait()
	won := -1
	for i, err := range results {
		var failed *Error
		switch {
		case err == nil && won < 0:
			won = i
		case !errors.As(err, &failed) || failed.Code != "constraint_failure":
			t.Errorf("%d: %v", i, err)
		}
	}
	db.is(fmt.Sprintf(`[Credential.all().count(), Credential.byDocument(User("1")).verify("pw%d")]`, won), `[1,true]`)
}
