package eval

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// exchangeSchema is the schema that fauna-login ships.
func exchangeSchema(tb testing.TB) []schema.File {
	tb.Helper()
	var out []schema.File
	for _, name := range []string{"fauna-login.app.fsl", "fauna-login.fsl"} {
		text, err := os.ReadFile("../../schema/" + name)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, schema.File{Name: name, Content: string(text)})
	}
	return out
}

// jwt is the argument of one exchange.
func jwt(sub, hash string, issued time.Time) value.Value {
	text := func(s string) value.Value { return value.String(s) }
	return value.NewObject(
		value.Field{Name: "tenant", Value: text("default")},
		value.Field{Name: "issuer", Value: text("https://tenant.example/")},
		value.Field{Name: "sub", Value: text(sub)},
		value.Field{Name: "hash", Value: text(hash)},
		value.Field{Name: "client_id", Value: text("client")},
		value.Field{Name: "scope", Value: value.Array{text("openid"), text("profile")}},
		value.Field{Name: "permissions", Value: value.Array{text("todo:read")}},
		value.Field{Name: "org_id", Value: value.Null{}},
		value.Field{Name: "session_id", Value: value.Null{}},
		value.Field{Name: "link_id", Value: value.Null{}},
		value.Field{Name: "issued_at", Value: value.NewTime(issued)},
		value.Field{Name: "expires_at", Value: value.NewTime(issued.Add(time.Hour))},
		value.Field{Name: "user", Value: value.NewObject(value.Field{Name: "email", Value: text(sub + "@example.com")})},
		value.Field{Name: "claims", Value: value.NewObject()},
		value.Field{Name: "max_ttl", Value: value.Int(900)},
		value.Field{Name: "min_ttl", Value: value.Int(10)},
		value.Field{Name: "max_secrets", Value: value.Int(3)},
	)
}

// exchange runs an exchange as the service does, and returns secret, user and session.
func (db *testDB) exchange(key string, jwt value.Value) (secret, user, session string) {
	db.t.Helper()
	res, err := db.try(key, `exchangeAuth0Jwt($$)`, jwt)
	if err != nil {
		summary := ""
		if res != nil {
			summary = res.Summary
		}
		db.t.Fatalf("%v\n%s", err, summary)
	}
	get := func(name string) string {
		v, _ := res.Data.(*value.Object).Get(name)
		return value.Display(v)
	}
	return get("secret"), get("user"), get("session")
}

func TestExchange(t *testing.T) {
	db := newTestDB(t, "")
	if _, err := db.Push(t.Context(), rootSecret, PushRequest{Files: exchangeSchema(t)}); err != nil {
		t.Fatal(err)
	}
	key := db.key("token_exchange")
	secret, user, session := db.exchange(key, jwt("auth0|ada", "h1", start))
	if got := db.as(secret, `let s = Query.identity(); [s.id, s!.user.id, s!.user!.email, s!.permissions.includes("todo:read")]`); got != fmt.Sprintf(`["%s","%s","auth0|ada@example.com",true]`, session, user) {
		t.Errorf("the session sees %s", got)
	}
	if got := db.run(`Token.byDocument(auth0_jwt("` + session + `")).first()!.ttl.difference(Time.now(), "seconds")`); got != "899" {
		t.Errorf("the secret lives %s s", got)
	}

	// The same JWT: same session, another secret, at most three.
	secrets := []string{secret}
	for range 3 {
		s, u, again := db.exchange(key, jwt("auth0|ada", "h1", start))
		if u != user || again != session || s == secret {
			t.Errorf("again: user %s, session %s", u, again)
		}
		secrets = append(secrets, s)
	}
	db.refused("the oldest of four", secrets[0])
	for _, s := range secrets[1:] {
		db.as(s, `1`)
	}
	// Another JWT of the user: another session. Another user: another document.
	_, sameUser, other := db.exchange(key, jwt("auth0|ada", "h2", start))
	_, grace, _ := db.exchange(key, jwt("auth0|grace", "h3", start))
	if sameUser != user || other == session || grace == user {
		t.Errorf("user %s, session %s, other user %s", sameUser, other, grace)
	}
	db.is(`[User.all().count(), auth0_jwt.all().count(), Token.all().count()]`, `[2,3,5]`)

	// The session may see its own user and nobody else's; the service's key nothing at all.
	if got := db.as(secrets[3], `[User("`+user+`").exists(), User("`+grace+`").exists(), User.all().count(), auth0_jwt.all().count()]`); got != `[true,false,1,1]` {
		t.Errorf("the session sees %s", got)
	}
	for _, fql := range []string{`User.byAuth0("default", "auth0|ada")`, `User.create({})`, `Token.create({ document: User("1") })`,
		`upsertAuth0User("default", "x", {})`, `User("` + user + `").email`, `Key.create({ role: "admin" })`} {
		db.fails(key, "permission_denied", fql)
	}
	if got := db.as(key, `[User.all().count(), Token.all().count(), auth0_jwt.all().count(), Collection.all().count()]`); got != `[0,0,0,0]` {
		t.Errorf("the service's key sees %s", got)
	}

	// Logged out: every secret of the session is dead, and the JWT is not exchanged again.
	db.as(secrets[3], `logoutAuth0()`)
	for _, s := range secrets {
		db.refused("logged out", s)
	}
	res, err := db.try(key, `exchangeAuth0Jwt($$)`, jwt("auth0|ada", "h1", start))
	if e, ok := err.(*Error); !ok || e.Code != "abort" || e.Abort != value.Value(value.String("denied")) {
		t.Errorf("after the logout: %+v, %v", res, err)
	}

	// A blocked user's secrets stop working beyond knowing themselves.
	blocked, _, _ := db.exchange(key, jwt("auth0|grace", "h4", start))
	db.run(`User("` + grace + `")!.update({ blocked: true })`)
	if got := db.as(blocked, `[User("`+grace+`").exists(), Query.identity().exists()]`); got != `[false,false]` {
		t.Errorf("blocked, the session sees %s", got)
	}
	// Everything ends with the JWT.
	db.advance(time.Hour + time.Second)
	db.is(`[auth0_jwt.all().count(), Token.all().count(), auth0_deny.all().count()]`, `[0,0,0]`)
}

// BenchmarkExchange measures the exchange of a new JWT of a new user, in memory. What is
// beyond store is this package's.
func BenchmarkExchange(b *testing.B) {
	s, err := store.Open(store.Options{Memory: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	db, err := New(Options{Store: s, RootSecret: rootSecret})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := db.Push(b.Context(), rootSecret, PushRequest{Files: exchangeSchema(b)}); err != nil {
		b.Fatal(err)
	}
	res, err := db.Query(b.Context(), &Request{Text: `Key.create({ role: "token_exchange" }).secret`, Secret: rootSecret})
	if err != nil {
		b.Fatal(err)
	}
	key := string(res.Data.(value.String))
	now := time.Now()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		sub, hash := fmt.Sprintf("auth0|%024d", n), fmt.Sprintf("%064d", n)
		_, err := db.Query(b.Context(), &Request{Text: "exchangeAuth0Jwt(\x00)", Secret: key, Values: []value.Value{jwt(sub, hash, now)}})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExchangeStore is the part of BenchmarkExchange that any engine would have: the
// same look-ups and writes, bare.
func BenchmarkExchangeStore(b *testing.B) {
	s, err := store.Open(store.Options{Memory: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	data := []byte(strings.Repeat("x", 200))
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		_, err := s.Update(b.Context(), store.UpdateOptions{}, func(tx *store.Tx) error {
			key := func(i int) []byte { return fmt.Appendf(nil, "d%02d%020d", i, n) }
			for i := range 6 { // schema, key, ids
				if _, _, err := tx.Get(key(i)); err != nil {
					return err
				}
			}
			for i := range 6 { // indexes and unique constraints
				it := tx.Scan(store.Range{Prefix: key(10 + i)})
				it.Next()
				it.Close()
			}
			for i := range 3 {
				tx.Put(store.Key{Prefix: key(20 + i)}, data, 0)
			}
			for i := range 6 {
				tx.Put(store.Key{Prefix: key(30 + i), Suffix: data[:8]}, nil, 0)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
