package exchange_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/fauna-login/fauna-login/fqlx"
)

// forbidden is what neither the service's key nor a session may do, with the ids of a user and
// a session of somebody else: each query and what it must answer.
func forbidden(user, session string) map[string]string {
	const denied = "permission_denied"
	return map[string]string{
		`User.byId("` + user + `").auth0_sub`:                                                 denied,
		`User.byId("` + user + `").exists()`:                                                  "false",
		`User.byId("` + user + `")!`:                                                          "null_value",
		`User.byId("` + user + `")`:                                                           "null",
		`User.byId("` + user + `").update({ blocked: true })`:                                 denied,
		`User.byId("` + user + `").delete()`:                                                  denied,
		`User.create({ auth0_tenant: "main", auth0_sub: "auth0|x" })`:                         denied,
		`auth0_jwt.byId("` + session + `").scope`:                                             denied,
		`auth0_jwt.byId("` + session + `").delete()`:                                          denied,
		`auth0_jwt.byId("` + session + `").exists()`:                                          "false",
		`auth0_deny.create({ tenant: "main", kind: "user", value: "x", before: Time.now() })`: denied,
		`auth0_deny.all().toArray()`:                                                          "[]",
		`Token.create({ document: auth0_jwt.byId("` + session + `") })`:                       denied,
		`Token.create({ document: User.byId("` + user + `") })`:                               denied,
		`Key.create({ role: "admin" })`:                                                       denied,
		`Key.create({ role: "server" })`:                                                      denied,
		`Key.all().toArray()`:                                                                 "[]",
		`Role.all().toArray()`:                                                                "[]",
		`Collection.all().toArray()`:                                                          "[]",
		`Function.all().toArray()`:                                                            "[]",
		`Collection.byName("User").exists()`:                                                  "false",
		`upsertAuth0User("main", "auth0|x", {})`:                                              denied,
		`auth0Administrator()`:                                                                denied,
		`blockAuth0User({ tenant: "main", sub: "auth0|victim" })`:                             denied,
		`findAuth0User("main", "auth0|victim")`:                                               denied,
		`auth0SessionActive(auth0_jwt.byId("` + session + `"))`:                               denied,
		`auth0_deny.byValue("main", "user", "x").first()`:                                     denied,
		`[1].map(x => User.byId("` + user + `").auth0_sub)`:                                   denied,
		`"#{User.byId("` + user + `")}".includes("auth0|")`:                                   "false",
		`User.where(u => u.auth0_sub.startsWith("auth0|")).count() < 2`:                       "true",
		`User.byId("` + user + `") == null`:                                                   "true",
		`Object.keys(User.byId("` + user + `") ?? {})`:                                        "[]",
		`User.byId("` + user + `") { auth0_sub }`:                                             "null",
		`let u = User.byId("` + user + `"); if (u.exists()) u!.auth0_sub else "nobody"`:       `"nobody"`,
		`auth0_jwt.all().where(s => s.user == User.byId("` + user + `")).count()`:             "0",
		`User.all().order(.auth0_sub).map(.auth0_sub).toArray().includes("auth0|victim")`:     "false",
		`User.all().any(u => u.auth0_sub == "auth0|victim")`:                                  "false",
		`auth0_jwt.all().fold(0, (n, s) => if (s.tenant == "main") n + 1 else n) < 2`:         "true",
	}
}

// The service's key may call the exchange and nothing else.
func TestServiceKeyMayDoNothingElse(t *testing.T) {
	s := newService(t, nil)
	a := s.login(s.withClaims(m{"sub": "auth0|victim"}))
	before := s.written()
	queries := forbidden(a.User.ID, a.Session.ID)
	queries[`User.byAuth0("main", "auth0|victim").first()`] = "permission_denied"
	queries[`User.all().toArray()`] = "[]"
	queries[`logoutAuth0()`] = "permission_denied"
	for fql, want := range queries {
		if got := s.query(s.key, fql); got != want {
			t.Errorf("%s answers %s, want %s", fql, got, want)
		}
	}
	for _, path := range []string{"GET /schema/1/files", "GET /schema/1/files/fauna-login.fsl", "POST /schema/1/update", "POST /schema/1/diff", "POST /schema/1/validate", "GET /schema/1/status"} {
		method, path, _ := strings.Cut(path, " ")
		if got := s.engineStatus(method, path, s.key); got != 403 {
			t.Errorf("%s answers %d, want 403", path, got)
		}
	}
	if got := s.query(s.key, "auth0SchemaVersion()"); got != strconv.Itoa(fqlx.WantSchema) {
		t.Errorf("auth0SchemaVersion() answers %s", got)
	}
	if after := s.written(); after != before {
		t.Errorf("something was written: %s, before %s", after, before)
	}
	// No scope makes more of it, and pages cannot use it at all.
	for _, suffix := range []string{":admin", ":server", ":@role/auth0_session", ":@doc/User/" + a.User.ID} {
		if got := s.query(s.key+suffix, "1"); got != "unauthorized" {
			t.Errorf("the key with %s answers %s", suffix, got)
		}
	}
	if a := s.do(s.request("POST", "/query/1", `{"query":"1"}`, "Authorization: Bearer "+s.key)); a.status != 401 {
		t.Errorf("the key at the public listener: %d", a.status)
	}
}

// A session may read itself and its own user, log out, and nothing else.
func TestPlainSessionMayDoWhatItsRoleSays(t *testing.T) {
	s := newService(t, nil)
	victim := s.login(s.withClaims(m{"sub": "auth0|victim"}))
	me := s.login(s.good())
	before := s.written()
	queries := forbidden(victim.User.ID, victim.Session.ID)
	queries[`User.all().map(.id).toArray()`] = fmt.Sprintf(`["%s"]`, me.User.ID)
	queries[`auth0_jwt.all().map(.id).toArray()`] = fmt.Sprintf(`["%s"]`, me.Session.ID)
	queries[`User.byAuth0("main", "auth0|victim").toArray()`] = "[]"
	queries[`User.byId("`+me.User.ID+`").email`] = `"ada@example.com"`
	queries[`Query.identity()!.user.email`] = `"ada@example.com"`
	queries[`Query.identity()!.scope.includes("openid")`] = "true"
	queries[`Query.identity()!.update({ scope: ["admin"] })`] = "permission_denied"
	queries[`Query.identity()!.update({ ttl: Time.now().add(1, "day") })`] = "permission_denied"
	queries[`User.byId("`+me.User.ID+`")!.update({ blocked: false })`] = "permission_denied"
	queries[`User.byId("`+me.User.ID+`")!.delete()`] = "permission_denied"
	queries[`Token.create({ document: Query.identity() })`] = "permission_denied"
	queries[`Query.token()!.update({ ttl: null })`] = "permission_denied"
	queries[`exchangeAuth0Jwt({})`] = "permission_denied"
	queries[`auth0SchemaVersion()`] = "permission_denied"
	for fql, want := range queries {
		if got := s.query(me.Secret, fql); got != want {
			t.Errorf("%s answers %s, want %s", fql, got, want)
		}
	}
	for _, suffix := range []string{":admin", ":server", ":@doc/User/" + victim.User.ID} {
		if got := s.query(me.Secret+suffix, "User.all().count()"); got != "1" {
			t.Errorf("a token's suffix %s is not ignored: %s", suffix, got)
		}
	}
	if got := s.engineStatus("GET", "/schema/1/files", me.Secret); got != 403 {
		t.Errorf("the schema endpoint answers %d, want 403", got)
	}
	if after := s.written(); after != before {
		t.Errorf("something was written: %s, before %s", after, before)
	}
	// A session may end its own secret.
	if got := s.query(me.Secret, "Query.token()!.delete()"); got != "null" {
		t.Errorf("deleting one's own token answers %s", got)
	}
	if got := s.query(me.Secret, "1"); got != "unauthorized" {
		t.Errorf("a deleted token answers %s", got)
	}
}

// engineStatus is the engine's status for a request without a body.
func (s *service) engineStatus(method, path, secret string) int {
	s.tb.Helper()
	req, err := http.NewRequest(method, "http://engine.internal"+path, nil)
	if err != nil {
		s.tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	res, err := s.engine.Transport().RoundTrip(req)
	if err != nil {
		s.tb.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}
