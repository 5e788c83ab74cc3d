package eval

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

const authFSL = `
collection User { name: String?; blocked: Boolean?; document_ttls true }
collection Note { owner: Ref<User>?; *: Any }
function who() { Query.identity() }
@role(server)
function issue(user) { Token.create({ document: user }).secret }
role reader {
  membership User { predicate (u => u.blocked != true) }
  privileges Note { read }
  privileges who { call }
}
role token_exchange { privileges issue { call } }
role custom { privileges Note { read } }
`

// token makes a token and returns its secret and id.
func (db *testDB) token(args string) (secret, id string) {
	db.t.Helper()
	secret, id, _ = strings.Cut(db.text(rootSecret, `let t = Token.create({`+args+`}); "#{t.secret} #{t.id}"`), " ")
	return secret, id
}

func (db *testDB) key(role string) string {
	db.t.Helper()
	return db.text(rootSecret, fmt.Sprintf(`Key.create({ role: %q }).secret`, role))
}

// refused checks that a secret is answered as any bad one is.
func (db *testDB) refused(what, secret string) {
	db.t.Helper()
	res, err := db.try(secret, `1`)
	if err != ErrUnauthorized || res != nil {
		db.t.Errorf("%s: got %v, %v", what, res, err)
	}
	if _, err := db.Authenticate(context.Background(), secret, false); err != ErrUnauthorized {
		db.t.Errorf("%s: Authenticate: %v", what, err)
	}
}

func TestSecretLayout(t *testing.T) {
	db := newTestDB(t, authFSL)
	token, id := db.token(`document: User("1")`)
	key := db.key("server")
	if len(token) != 51 || !strings.HasPrefix(token, "fnE") || len(key) != 40 || !strings.HasPrefix(key, "fnA") {
		t.Errorf("token %s, key %s", token, key)
	}
	c, ok := parseSecret(token)
	if !ok || fmt.Sprint(int64(c.id)) != id || c.global != db.GlobalID() || c.secret() != token {
		t.Errorf("token %s: %+v, %v", token, c, ok)
	}
	if c, ok := parseSecret(key); !ok || c.secret() != key {
		t.Errorf("key %s: %+v, %v", key, c, ok)
	}
}

func TestBadSecrets(t *testing.T) {
	db := newTestDB(t, authFSL)
	db.run(`User.create({ id: 1 })`)
	token, _ := db.token(`document: User("1")`)
	key := db.key("server")
	if got := db.as(token, `Query.identity().id`); got != `"1"` {
		t.Fatalf("identity %s", got)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(token)
	change := func(i int) string {
		b := append([]byte(nil), raw...)
		b[i] ^= 1
		return base64.RawURLEncoding.EncodeToString(b)
	}
	for what, secret := range map[string]string{
		"nothing":                 "",
		"garbage":                 "abc",
		"root with another case":  "ROOT",
		"root with a blank":       "root ",
		"first byte":              change(0),
		"a token as a key":        change(1),
		"another id":              change(9),
		"another database":        change(17),
		"another secret":          change(37),
		"padded":                  token + "=",
		"cut":                     token[:50],
		"longer":                  token + "A",
		"line break":              token[:50] + "\n",
		"line break inside":       token[:20] + "\n" + token[20:],
		"another alphabet":        strings.NewReplacer("-", "+", "_", "/").Replace(change(37)),
		"a JWT":                   "eyJhbGciOiJSUzI1NiJ9.e30.x",
		"key with a changed byte": key[:39] + string(key[39]^1),
		"key broken to a token":   key + strings.Repeat("\n", len(token)-len(key)),
		"two secrets":             token + token,
	} {
		db.refused(what, secret)
	}
	// The last of 51 characters has two bits that carry nothing: only one spelling is good.
	last := strings.IndexByte(base64URL, token[50])
	for spare := 1; spare < 4; spare++ {
		db.refused("another spelling", token[:50]+string(base64URL[last&^3|(last+spare)&3]))
	}
}

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestTokenLife(t *testing.T) {
	db := newTestDB(t, authFSL)
	db.run(`User.create({ id: 1 }); User.create({ id: 2 }); User.create({ id: 3, ttl: Time.now().add(1, "minute") })`)

	t.Run("deleted token", func(t *testing.T) {
		db := db.in(t)
		secret, id := db.token(`document: User("1")`)
		db.as(secret, `1`)
		db.run(`Token("` + id + `")!.delete()`)
		db.refused("deleted", secret)
	})
	t.Run("expired token", func(t *testing.T) {
		db := db.in(t)
		secret, _ := db.token(`document: User("1"), ttl: Time.now().add(10, "seconds")`)
		db.as(secret, `1`)
		db.advance(11 * time.Second)
		db.refused("expired", secret)
	})
	t.Run("deleted identity, and made anew", func(t *testing.T) {
		db := db.in(t)
		secret, _ := db.token(`document: User("2")`)
		db.run(`User("2")!.delete()`)
		db.refused("identity deleted", secret)
		db.run(`User.create({ id: 2 })`)
		db.as(secret, `1`)
	})
	t.Run("expired identity", func(t *testing.T) {
		db := db.in(t)
		secret, _ := db.token(`document: User("3")`)
		db.as(secret, `1`)
		db.advance(time.Minute)
		db.refused("identity expired", secret)
	})
	t.Run("identity that never was", func(t *testing.T) {
		db := db.in(t)
		secret, _ := db.token(`document: User("404")`)
		db.refused("no identity", secret)
	})
	t.Run("identity deleted within the query", func(t *testing.T) {
		db := db.in(t)
		db.run(`User.create({ id: 9 })`)
		secret, _ := db.token(`document: User("9")`)
		_, err := db.try(secret, `1`)
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("collection dropped", func(t *testing.T) {
		db := newTestDB(t, authFSL)
		db.run(`User.create({ id: 1 })`)
		secret, _ := db.token(`document: User("1")`)
		db.push(`collection Note {}`)
		db.refused("no collection", secret)
		db.push(authFSL)
		db.refused("a collection of the same name", secret)
	})
}

func TestTokenDocuments(t *testing.T) {
	db := newTestDB(t, authFSL)
	db.run(`User.create({ id: 1 }); User.create({ id: 2 })`)
	tests := []struct{ name, fql, want string }{
		{"create shows the secret once", `let t = Token.create({ id: 7, document: User("1"), data: { a: 1 } }); [t.secret == null, Token("7").secret, t.data, t.document.id]`, `[false,null,{"a":1},"1"]`},
		{"later reads", `Token("7") { id, coll, document: .document.id, data, secret, hashed_secret, ttl }`, `{"id":"7","coll":"Token","document":"1","data":{"a":1},"secret":null,"hashed_secret":null,"ttl":null}`},
		{"keys of the document", `Object.keys(Token("7")!)`, `["id","coll","ts","document","data"]`},
		{"by document", `Token.byDocument(User("1")).map(.id).toArray()`, `["7"]`},
		{"all and where", `[Token.all().count(), Token.where(.document == User("1")).count(), Token.where(.document == User("2")).count()]`, `[1,1,0]`},
		{"update", `Token("7")!.update({ document: User("2"), data: { b: 2 } }); [Token.byDocument(User("1")).count(), Token.byDocument(User("2")).count(), Token("7").data]`, `[0,1,{"a":1,"b":2}]`},
		{"update removes a null", `Token("7")!.update({ data: { a: null } }).data`, `{"b":2}`},
		{"replace", `Token("7")!.replace({ document: User("1") }); [Token.byDocument(User("1")).count(), Token("7").data]`, `[1,null]`},
		{"the oldest go", `
			Token.create({ document: User("2") }); Token.create({ document: User("2") }); Token.create({ document: User("2") })
			Token.byDocument(User("2")).order(desc(.ts)).drop(1).forEach(t => t.delete())
			Token.byDocument(User("2")).count()`, `1`},
		{"delete", `Token.all().forEach(.delete()); [Token.all().count(), Token.byDocument(User("1")).count()]`, `[0,0]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { db.in(t).is(tt.fql, tt.want) })
	}
	secret, id := db.token(`document: User("1")`)
	db.run(`Token("` + id + `")!.replace({ document: User("2") })`)
	if got := db.as(secret, `Query.identity().id`); got != `"2"` {
		t.Errorf("after a replace the secret is good for %s", got)
	}
	failures := []struct{ name, fql, path, message string }{
		{"no document", `Token.create({})`, "document", "Missing required field of type Ref<Any>"},
		{"document of Fauna's own", `Token.create({ document: Token("1") })`, "document", "Expected document from a user-defined collection."},
		{"not a document", `Token.create({ document: "1" })`, "document", "Expected Ref<Any>, provided String"},
		{"a secret is given", `Token.create({ document: User("1"), secret: "x" })`, "secret", "Failed to update field because it is readonly"},
		{"a hash is given", `Token.create({ document: User("1"), hashed_secret: "x" })`, "hashed_secret", "Failed to update field because it is readonly"},
		{"expired", `Token.create({ document: User("1"), ttl: Time.now() })`, "ttl", "The ttl must be in the future"},
		{"ttl of another type", `Token.create({ document: User("1"), ttl: 5 })`, "ttl", "Expected Time | Null, provided Int"},
		{"extra field", `Token.create({ document: User("1"), x: 5 })`, "x", "Unexpected field provided"},
		{"key of no role", `Key.create({ role: "nobody" })`, "role", "Field refers to an unknown role name `nobody`."},
	}
	for _, tt := range failures {
		t.Run(tt.name, func(t *testing.T) {
			e := db.in(t).fails(rootSecret, "constraint_failure", tt.fql)
			if len(e.Failures) != 1 || e.Failures[0].Paths[0][0] != tt.path || e.Failures[0].Message != tt.message {
				t.Errorf("got %v", e.Failures)
			}
		})
	}
}

func TestKeysAndScopes(t *testing.T) {
	db := newTestDB(t, authFSL)
	db.run(`User.create({ id: 1 }); Note.create({ id: 1 })`)
	server, readonly, client, custom := db.key("server"), db.key("server-readonly"), db.key("client"), db.key("custom")
	admin := db.key("admin")
	token, _ := db.token(`document: User("1")`)
	const probe = `[Note("1").exists(), Query.identity()?.id, Query.token() == null]`
	tests := []struct{ name, secret, want string }{
		{"root", rootSecret, `[true,null,true]`},
		{"admin key", admin, `[true,null,true]`},
		{"server", server, `[true,null,true]`},
		{"server-readonly", readonly, `[true,null,true]`},
		{"client", client, `[false,null,true]`},
		{"custom role", custom, `[true,null,true]`},
		{"root as client", rootSecret + ":client", `[false,null,true]`},
		{"admin key as client", admin + ":client", `[false,null,true]`},
		{"root as a role", rootSecret + ":@role/custom", `[true,null,true]`},
		{"root as a document", rootSecret + ":@doc/User/1", `[true,"1",true]`},
		{"old spelling", rootSecret + ":collections/User/1", `[true,"1",true]`},
		{"older spelling", rootSecret + ":classes/User/1", `[true,"1",true]`},
		{"server as a document", server + ":@doc/User/1", `[true,"1",true]`},
		{"token", token, `[true,"1",false]`},
		{"token with a suffix", token + ":admin", `[true,"1",false]`},
		{"token with garbage behind", token + ":x:y", `[true,"1",false]`},
		{"garbage behind a key", client + ":what", `[false,null,true]`},
		{"nothing behind a key", client + ":", `[false,null,true]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := db.in(t).as(tt.secret, probe); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	for what, secret := range map[string]string{
		"server wants more":            server + ":admin",
		"server wants less":            server + ":client",
		"server wants a role":          server + ":@role/custom",
		"readonly wants a document":    readonly + ":@doc/User/1",
		"client wants a document":      client + ":@doc/User/1",
		"custom wants itself":          custom + ":@role/custom",
		"role that is not there":       rootSecret + ":@role/nope",
		"own role as user's":           rootSecret + ":@role/admin",
		"document that is not there":   rootSecret + ":@doc/User/2",
		"collection that is not there": rootSecret + ":@doc/Nope/2",
		"token as identity":            rootSecret + ":@doc/Token/1",
		"child database":               rootSecret + ":db/app:admin",
		"child database, short":        rootSecret + ":app:server",
		"document of a child":          rootSecret + ":app:@doc/User/1",
	} {
		db.refused(what, secret)
	}
	db.push(strings.Replace(authFSL, "role custom", "role other", 1))
	db.refused("role dropped", custom)
	db.is(`Key.all().forEach(.delete()); Key.all().count()`, `0`)
	db.refused("deleted key", server)
}

func TestPublicListener(t *testing.T) {
	db := newTestDB(t, authFSL)
	db.run(`User.create({ id: 1 })`)
	token, _ := db.token(`document: User("1")`)
	tests := []struct {
		name, secret string
		ok           bool
	}{
		{"root", rootSecret, false},
		{"root as client", rootSecret + ":client", false},
		{"admin", db.key("admin"), false},
		{"admin as a document", db.key("admin") + ":@doc/User/1", false},
		{"server", db.key("server"), false},
		{"server as a document", db.key("server") + ":@doc/User/1", false},
		{"server-readonly", db.key("server-readonly"), false},
		{"the service's key", db.key("token_exchange"), false},
		{"client", db.key("client"), true},
		{"custom role", db.key("custom"), true},
		{"token", token, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := db.Query(t.Context(), &Request{Text: `1`, Secret: tt.secret, Public: true})
			if tt.ok && err != nil || !tt.ok && err != ErrUnauthorized {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Membership counts as of now, within the transaction of the query.
func TestMembership(t *testing.T) {
	db := newTestDB(t, authFSL)
	db.run(`User.create({ id: 1 }); Note.create({ id: 1 })`)
	token, _ := db.token(`document: User("1")`)
	if got := db.as(token, `[Note("1").exists(), who().id]`); got != `[true,"1"]` {
		t.Errorf("a member: %s", got)
	}
	db.run(`User("1").update({ blocked: true })`)
	if got := db.as(token, `Note("1").exists()`); got != `false` {
		t.Errorf("no member any more: %s", got)
	}
	db.fails(token, "permission_denied", `who()`)
	// Who is no member of anything still is who they are.
	if got := db.as(token, `[Query.identity().id, Query.token()!.document.id]`); got != `["1","1"]` {
		t.Errorf("without roles: %s", got)
	}
}

func TestOwnTokens(t *testing.T) {
	db := newTestDB(t, authFSL)
	db.run(`User.create({ id: 1, blocked: true }); User.create({ id: 2 })`)
	one, oneID := db.token(`document: User("1")`)
	other, otherID := db.token(`document: User("2")`)
	mine := func(want string) {
		t.Helper()
		if got := db.as(one, `[Token.all().count(), Token.byDocument(User("1")).count(), Token.byDocument(User("2")).count(), Token.where(x => true).count()]`); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	mine(`[1,1,0,1]`)
	db.token(`document: User("1")`)
	mine(`[2,2,0,2]`)
	if got := db.as(one, `[Token("`+oneID+`").exists(), Token("`+otherID+`").exists()]`); got != `[true,false]` {
		t.Errorf("got %s", got)
	}
	db.fails(one, "permission_denied", `Token("`+otherID+`").delete()`)
	db.fails(one, "permission_denied", `Token("`+oneID+`").update({ data: {} })`)
	db.fails(one, "permission_denied", `Token("`+oneID+`").replace({ document: User("2") })`)
	db.fails(one, "permission_denied", `Token.create({ document: User("1") })`)
	db.fails(one, "permission_denied", `User("1").name`)
	db.as(one, `Query.token()!.delete()`)
	db.refused("logged out", one)
	db.as(other, `1`)
}

func TestTokenLimits(t *testing.T) {
	db := newTestDB(t, authFSL)
	db.opt.TokenLimits = Limits{Steps: 10_000}
	db.run(`User.create({ id: 1 })`)
	token, _ := db.token(`document: User("1")`)
	const heavy = `Set.sequence(0, 15000).fold(0, (a, x) => a + x)`
	db.is(heavy, `112492500`)
	db.fails(token, "invalid_request", heavy)
}

func TestRootSecret(t *testing.T) {
	db := newTestDB(t, "")
	if _, err := New(Options{Store: db.store, RootSecret: "a:b"}); err == nil {
		t.Error("a root secret with a colon was accepted")
	}
	none, err := New(Options{Store: db.store})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"", ":admin", "root"} {
		if _, err := none.Query(t.Context(), &Request{Text: "1", Secret: secret}); !errors.Is(err, ErrUnauthorized) {
			t.Errorf("%q without a root secret: %v", secret, err)
		}
	}
	if none.GlobalID() != db.GlobalID() {
		t.Error("opened again the database has another id")
	}
}
