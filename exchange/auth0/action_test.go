package auth0_test

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

const (
	sidClaim = namespace + "/sid"
	tidClaim = namespace + "/tid"
	idClaim  = namespace + "/fauna"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// secrets are those of the Actions that call the service.
func (w *world) secrets(change m) m {
	s := m{
		"FAUNA_LOGIN_URL": w.service.URL, "TOKEN_URL": w.tokens.URL + "/oauth/token",
		"CLIENT_ID": clientID, "CLIENT_SECRET": clientSecret,
		"AUDIENCE": w.tenant.Audience, "NAMESPACE": namespace,
	}
	maps.Copy(s, change)
	return s
}

// event is that of an ordinary login of Ada's; change replaces members, nil removes one.
func (w *world) event(secrets, change m) m {
	e := m{
		"secrets":         secrets,
		"client":          m{"client_id": auth0test.ClientID, "name": "Notes", "metadata": m{}},
		"connection":      m{"id": "con_1", "name": "Username-Password-Authentication", "strategy": "auth0"},
		"request":         m{"hostname": "localhost", "ip": "203.0.113.7", "method": "GET", "query": m{}, "body": m{}, "geoip": m{}},
		"resource_server": m{"identifier": w.tenant.Audience},
		"session":         m{"id": "sid-1"},
		"stats":           m{"logins_count": 1},
		"tenant":          m{"id": "tenant"},
		"transaction": m{"id": "t1", "protocol": "oidc-basic-profile", "requested_scopes": []string{"openid", "profile"},
			"acr_values": []string{}, "locale": "en", "ui_locales": []string{}},
		"user": m{"user_id": auth0test.Ada, "email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace",
			"app_metadata": m{}, "user_metadata": m{}, "identities": []m{}},
	}
	for name, v := range change {
		if e[name] = v; v == nil {
			delete(e, name)
		}
	}
	return e
}

func (w *world) postLogin(file string, event m) outcome {
	w.Helper()
	return w.node.run(m{"action": file, "trigger": "onExecutePostLogin", "event": event})
}

// refreshed is what a refresh exchange changes in an event.
func refreshed(protocol string) m {
	return m{
		"session":       nil,
		"refresh_token": m{"id": "rt-1", "session_id": "sid-1", "client_id": auth0test.ClientID},
		"transaction":   m{"protocol": protocol, "requested_scopes": []string{}},
	}
}

func TestLinksAction(t *testing.T) {
	w := newWorld(t)
	secrets := m{"NAMESPACE": namespace, "AUDIENCE": w.tenant.Audience}
	withLink := m{"NAMESPACE": namespace, "AUDIENCE": w.tenant.Audience, "LINK_ID": "yes"}
	tests := []struct {
		name            string
		secrets, change m
		sid             string
		tid             bool
	}{
		{"a login", secrets, nil, "sid-1", false},
		{"with a link id", withLink, nil, "sid-1", true},
		{"silent", secrets, m{"request": m{"query": m{"prompt": "none"}}}, "sid-1", false},
		{"a refresh exchange", secrets, refreshed("oauth2-refresh-token"), "sid-1", false},
		{"no session, password grant", secrets, m{"session": nil}, "", false},
		{"a refresh token without a session", secrets, m{"session": nil, "refresh_token": m{"id": "rt-1"}}, "", false},
		{"another API", withLink, m{"resource_server": m{"identifier": "https://other.example.com"}}, "", false},
		{"no API: an opaque token, or SAML", withLink, m{"resource_server": nil, "transaction": nil}, "", false},
		{"no settings", m{}, nil, "", false},
		{"no audience set, none asked for", m{"NAMESPACE": namespace}, m{"resource_server": nil}, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := w.postLogin("post-login-links.js", w.event(tt.secrets, tt.change))
			tid, _ := o.AccessToken[tidClaim].(string)
			if sid, _ := o.AccessToken[sidClaim].(string); sid != tt.sid || uuid.MatchString(tid) != tt.tid || o.Denied != "" || len(o.IDToken) > 0 {
				t.Errorf("got %+v", o)
			}
			if tt.tid {
				again := w.postLogin("post-login-links.js", w.event(tt.secrets, tt.change))
				if again.AccessToken[tidClaim] == tid {
					t.Error("two tokens share a link id")
				}
			}
		})
	}

	// What the claims are for.
	o := w.postLogin("post-login-links.js", w.event(withLink, nil))
	l := w.exchange(auth0test.Ada, o.AccessToken)
	if l.status != http.StatusOK {
		t.Fatalf("the exchange answers %d", l.status)
	}
	w.is(`auth0_jwt.byId("`+l.Session.ID+`")! { session_id, link_id }`, `{"link_id":"`+o.AccessToken[tidClaim].(string)+`","session_id":"sid-1"}`)
	if n := w.tokens.requests() + w.service.requests(); n != 1 {
		t.Errorf("%d requests, besides the exchange none was expected", n)
	}
}

// The whole story: the session is there before the page has its token, and becomes the token's.
func TestServerAction(t *testing.T) {
	w := newWorld(t)
	tests := []struct {
		name   string
		change m
		sid    string
	}{
		{"a login", nil, `"sid-1"`},
		{"a refresh exchange", refreshed("oauth2-refresh-token"), `"sid-1"`},
		{"silent", m{"request": m{"query": m{"prompt": "none"}}}, `"sid-1"`},
		{"a device", m{"transaction": m{"protocol": "oauth2-device-code", "requested_scopes": []string{}}}, `"sid-1"`},
		{"password grant", m{"session": nil, "transaction": m{"protocol": "oauth2-password", "requested_scopes": []string{}}}, `null`},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := w.postLogin("post-login-server.js", w.event(w.secrets(m{"FAIL": "closed"}), tt.change))
			if o.Denied != "" || len(o.IDToken) > 0 || len(o.Log) > 0 || !uuid.MatchString(o.AccessToken[tidClaim].(string)) {
				t.Fatalf("got %+v", o)
			}
			session := `auth0_jwt.byLinkId("` + o.AccessToken[tidClaim].(string) + `")`
			w.is(session+`.first()! { origin, requested_by, session_id, user: .user.auth0_sub, jwt: .jwt_hash }`,
				`{"jwt":null,"origin":"server","requested_by":"m2m","session_id":`+tt.sid+`,"user":"`+auth0test.Ada+`"}`)
			w.is(`Token.byDocument(`+session+`.first()!).count()`, `0`)

			l := w.exchange(auth0test.Ada, o.AccessToken)
			w.is(session+`.map(.id).toArray()`, `["`+l.Session.ID+`"]`)
			if a := w.engine.Public(l.Secret, `Query.identity()!.origin`); a.Data != "server" {
				t.Errorf("with the secret: %+v", a)
			}
			w.is(`auth0_jwt.all().count()`, string(rune('1'+i)))
		})
	}
	if n := w.tokens.requests(); n != 1 {
		t.Errorf("%d machine tokens for %d logins", n, len(tests))
	}
}

func TestServerActionLeavesOthersAlone(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]m{
		"another API":             {"resource_server": m{"identifier": "https://other.example.com"}},
		"an opaque token or SAML": {"resource_server": nil, "session": nil},
		"a token exchange":        refreshed("oauth2-token-exchange"),
	} {
		if o := w.postLogin("post-login-server.js", w.event(w.secrets(m{"FAIL": "closed"}), change)); len(o.AccessToken)+len(o.IDToken) > 0 || o.Denied != "" {
			t.Errorf("%s: %+v", name, o)
		}
	}
	if n := w.tokens.requests() + w.service.requests(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestMachineTokenIsKept(t *testing.T) {
	w := newWorld(t)
	wants := func(what string, tokens int) {
		t.Helper()
		if o := w.postLogin("post-login-server.js", w.event(w.secrets(m{"FAIL": "closed"}), nil)); o.Denied != "" {
			t.Fatalf("%s: %+v", what, o)
		}
		if n := w.tokens.requests(); n != tokens {
			t.Errorf("%s: %d requests for a token, want %d", what, n, tokens)
		}
	}
	wants("the first login", 1)
	wants("the same instance", 0)
	w.node.restart(true)
	wants("another instance", 0)
	w.node.restart(false)
	wants("another instance, and the cache is gone", 1)

	// A token is not used in its last minute.
	w.node.restart(false)
	w.tokens.answer(w.expiresIn("60"))
	wants("a token that ends soon", 1)
	wants("a token that ended", 1)
	w.tokens.answer(w.expiresIn("120"))
	wants("a token that lasts", 1)
	wants("while it lasts", 0)

	// One that the service does not take any more is replaced, once.
	bad := w.tenant.Mint(auth0test.Claims{"aud": "https://other.example.com"})
	w.node.restart(false)
	w.tokens.answer(func(rw http.ResponseWriter, _ *http.Request) bool {
		w.tokens.answer(nil)
		rw.Write([]byte(`{"access_token":"` + bad + `","expires_in":86400}`))
		return true
	})
	wants("a bad token, then a good one", 2)
	wants("the good one is kept", 0)
	w.node.restart(true)
	wants("by the cache too", 0)
	w.node.restart(false)
	w.tokens.answer(func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.Write([]byte(`{"access_token":"` + bad + `","expires_in":86400}`))
		return true
	})
	w.service.requests()
	if o := w.postLogin("post-login-server.js", w.event(w.secrets(m{"FAIL": "closed"}), nil)); o.Denied == "" {
		t.Error("bad tokens only: not denied")
	}
	if tokens, calls := w.tokens.requests(), w.service.requests(); tokens != 2 || calls != 2 {
		t.Errorf("bad tokens only: %d requests for a token, %d to the service", tokens, calls)
	}
}

// expiresIn has the tenant's tokens say another expires_in.
func (w *world) expiresIn(seconds string) func(http.ResponseWriter, *http.Request) bool {
	token := w.tenant.Mint(auth0test.Claims{"sub": clientID + "@clients", "azp": clientID, "gty": "client-credentials", "scope": "fauna:issue_for_user", "aud": w.tenant.Audience})
	return func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.Write([]byte(`{"access_token":"` + token + `","expires_in":` + seconds + `}`))
		return true
	}
}

// An answer that gets lost, or is asked for twice, leaves one session, and the token finds it.
func TestServerActionAgain(t *testing.T) {
	w := newWorld(t)
	for name, hook := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"lost": w.service.lost,
		"asked twice": func(rw http.ResponseWriter, r *http.Request) bool {
			w.service.answer(nil)
			w.service.handler.ServeHTTP(&discard{}, r)
			rw.WriteHeader(http.StatusUnauthorized)
			rw.Write([]byte(`{}`))
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.service.requests()
			w.service.answer(hook)
			o := w.postLogin("post-login-server.js", w.event(w.secrets(nil), nil))
			w.service.answer(nil)
			if n := w.service.requests(); n != map[string]int{"lost": 1, "asked twice": 2}[name] {
				t.Errorf("%d requests", n)
			}
			l := w.exchange(auth0test.Ada, o.AccessToken)
			w.is(`auth0_jwt.byLinkId("`+o.AccessToken[tidClaim].(string)+`").map(s => [s.id, s.origin]).toArray()`, `[["`+l.Session.ID+`","server"]]`)
		})
	}
}

// discard is an answer that nobody gets.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header {
	if d.header == nil {
		d.header = http.Header{}
	}
	return d.header
}
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// Whatever goes wrong, the login goes on or ends as set, within two seconds.
func TestServerActionFails(t *testing.T) {
	w := newWorld(t)
	try := func(t *testing.T, secrets m) {
		t.Helper()
		for _, fail := range []string{"closed", "open", ""} {
			o := w.postLogin("post-login-server.js", w.event(w.secrets(merge(secrets, m{"FAIL": fail, "ID_TOKEN_CLAIM": idClaim})), nil))
			if (o.Denied != "") != (fail == "closed") || len(o.Log) != 1 || o.MS >= 2000 || len(o.IDToken) > 0 {
				t.Errorf("FAIL=%s: %+v", fail, o)
			}
			if l := w.exchange(auth0test.Ada, o.AccessToken); l.status != http.StatusOK && w.service.hook == nil {
				t.Errorf("FAIL=%s: the page's own exchange answers %d", fail, l.status)
			}
		}
	}
	for name, fault := range faults {
		t.Run("the service: "+name, func(t *testing.T) {
			w.service.answer(func(rw http.ResponseWriter, r *http.Request) bool {
				return strings.HasSuffix(r.URL.Path, "/on-behalf") && fault(rw, r)
			})
			defer w.service.answer(nil)
			try(t, nil)
		})
		t.Run("the tenant: "+name, func(t *testing.T) {
			w.node.restart(false)
			w.tokens.answer(fault)
			defer w.tokens.answer(nil)
			try(t, nil)
		})
	}
	t.Run("the service is slow", func(t *testing.T) {
		w.service.answer(func(rw http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/on-behalf") && slow(rw, r)
		})
		defer w.service.answer(nil)
		o := w.postLogin("post-login-server.js", w.event(w.secrets(m{"FAIL": "closed"}), nil))
		if o.Denied == "" || o.MS < 1200 || o.MS >= 2000 {
			t.Errorf("got %+v", o)
		}
	})
	for name, change := range map[string]m{
		"nothing listens":      {"FAUNA_LOGIN_URL": "http://127.0.0.1:1"},
		"no URL":               {"FAUNA_LOGIN_URL": "login.example.com"},
		"no URL of the tenant": {"TOKEN_URL": nil},
		"another client":       {"CLIENT_ID": "other"},
		"no client secret":     {"CLIENT_SECRET": ""},
		"no namespace":         {"NAMESPACE": nil},
	} {
		t.Run(name, func(t *testing.T) {
			w.node.restart(false)
			try(t, change)
		})
	}
	t.Run("a blocked user", func(t *testing.T) {
		w.node.restart(false)
		w.engine.Query(`User.byAuth0("main", "` + auth0test.Ada + `").first()!.update({ blocked: true })`)
		for fail, denied := range map[string]bool{"closed": true, "open": false} {
			o := w.postLogin("post-login-server.js", w.event(w.secrets(m{"FAIL": fail}), nil))
			if (o.Denied != "") != denied {
				t.Errorf("FAIL=%s: %+v", fail, o)
			}
			if l := w.exchange(auth0test.Ada, o.AccessToken); l.status != http.StatusForbidden {
				t.Errorf("FAIL=%s: the exchange answers %d", fail, l.status)
			}
		}
	})
}

func merge(maps ...m) m {
	out := m{}
	for _, one := range maps {
		for name, v := range one {
			out[name] = v
		}
	}
	return out
}

// A secret is in the ID token by explicit setting only, and never in the access token.
func TestSecretInIDToken(t *testing.T) {
	w := newWorld(t)
	o := w.postLogin("post-login-server.js", w.event(w.secrets(m{"ID_TOKEN_CLAIM": idClaim}), m{
		"transaction": m{"protocol": "oidc-basic-profile", "requested_scopes": []string{"profile"}},
	}))
	if len(o.IDToken) > 0 {
		t.Errorf("without an ID token: %+v", o)
	}
	w.is(`Token.all().count()`, `0`)

	o = w.postLogin("post-login-server.js", w.event(w.secrets(m{"ID_TOKEN_CLAIM": idClaim}), nil))
	claim, _ := o.IDToken[idClaim].(m)
	secret, _ := claim["secret"].(string)
	if len(o.IDToken) != 1 || len(claim) != 2 || contains(t, o.AccessToken, "fnE") {
		t.Fatalf("got %+v", o)
	}
	if a := w.engine.Public(secret, `Query.token()!.ttl!.toString()`); a.Data != claim["expires_at"] {
		t.Errorf("the secret ends at %v, the claim says %v", a, claim["expires_at"])
	}
	l := w.exchange(auth0test.Ada, o.AccessToken)
	if a := w.engine.Public(secret, `Query.identity()!.id`); a.Data != l.Session.ID {
		t.Errorf("the session is %v, after the exchange %s", a, l.Session.ID)
	}
}

func TestPostRegistrationAction(t *testing.T) {
	w := newWorld(t)
	run := func(secrets m) outcome {
		t.Helper()
		e := w.event(w.secrets(secrets), m{"resource_server": nil, "session": nil, "stats": nil, "client": nil})
		return w.node.run(m{"action": "post-registration.js", "trigger": "onExecutePostUserRegistration", "event": e})
	}
	for range 2 {
		if o := run(m{"USER_FIELDS": "email, name,nickname"}); len(o.Log) > 0 { // there is no nickname in the event
			t.Errorf("got %+v", o)
		}
	}
	const user = `User.byAuth0("main", "` + auth0test.Ada + `")`
	w.is(user+`.map(u => [u.email, u.name]).toArray()`, `[["ada@example.com","Ada Lovelace"]]`)
	w.is(`[auth0_jwt.all().count(), Token.all().count()]`, `[0,0]`)
	if n := w.tokens.requests(); n != 1 {
		t.Errorf("%d requests for a token", n)
	}
	for name, secrets := range map[string]m{
		"a field that is not in claims.user": {"USER_FIELDS": "email_verified"},
		"nothing listens":                    {"FAUNA_LOGIN_URL": "http://127.0.0.1:1"},
	} {
		if o := run(secrets); len(o.Log) != 1 {
			t.Errorf("%s: %+v", name, o)
		}
	}
	run(nil)
	l := w.exchange(auth0test.Ada, nil)
	w.is(user+`.map(.id).toArray()`, `["`+l.User.ID+`"]`)
}
