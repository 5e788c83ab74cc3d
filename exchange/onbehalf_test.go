package exchange_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

const ada = "auth0|507f1f77bcf86cd799439011" // the subject of good tokens

// newOnBehalf is a service two of whose three tenants let a server ask on users' behalf: main's
// backend and strict's.
func newOnBehalf(tb testing.TB, change func(*exchange.Config, *exchange.VerifierConfig)) *service {
	return newService(tb, func(c *exchange.Config, v *exchange.VerifierConfig) {
		allowed := exchange.OnBehalf{Clients: []string{"backend"}, Scope: "fauna:issue_for_user", MaxTTL: 15 * time.Minute}
		main, strict := &v.Tenants[0], &v.Tenants[2]
		main.OnBehalf, strict.OnBehalf = allowed, allowed
		main.OnBehalf.Clients = []string{"backend", "mailer"}
		main.Issuers = append(main.Issuers, strings.TrimSuffix(main.Issuers[0], "main/")+"alias/")
		for i := range v.Tenants {
			v.Tenants[i].SessionIDClaim, v.Tenants[i].LinkIDClaim = "/https:~1~1example.com~1sid", "/https:~1~1example.com~1tid"
		}
		if change != nil {
			change(c, v)
		}
	})
}

// machine is a token of the client credentials grant, of the client `backend`.
func (e *caseEnv) machine(issuer string, extra m) string {
	claims := with(m{
		"iss": issuer, "sub": "backend@clients", "aud": ours, "iat": e.in(-5), "exp": e.in(3600),
		"azp": "backend", "gty": "client-credentials", "scope": "fauna:issue_for_user",
	}, extra)
	switch issuer {
	case e.other:
		return sign(goodHeader, claims, keys().other)
	case e.strict:
		return sign(with(goodHeader, m{"kid": "k2"}), claims, keys().k2)
	}
	return sign(goodHeader, claims, keys().k1)
}

// onBehalf asks with a token; the body is JSON, or a map.
func (s *service) onBehalf(token string, body any, headers ...string) answer {
	s.tb.Helper()
	headers = append([]string{"Authorization: Bearer " + token, "Content-Type: application/json"}, headers...)
	return s.do(s.request("POST", "/fauna-login/on-behalf", text(body), headers...))
}

// backend asks as main's backend, and must be given what it asks for.
func (s *service) backend(body m) answer {
	s.tb.Helper()
	a := s.onBehalf(s.machine(s.main, nil), body)
	if a.status != 200 {
		s.tb.Fatalf("on behalf: %d %s", a.status, a.body)
	}
	return a
}

func (s *service) metrics() string { return metrics(s.built) }

func metrics(built *exchange.Service) string {
	w := httptest.NewRecorder()
	built.AdminHandler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestOnBehalf(t *testing.T) {
	s := newOnBehalf(t, nil)
	a := s.backend(m{"sub": ada, "ttl": 300, "session_id": "sid-1", "link_id": "link-1", "user": m{"email": "ada@example.com"}})
	want := fmt.Sprintf(`{"secret":"%s","token_type":"Bearer","expires_in":300,"expires_at":"2026-11-20T12:05:00Z","issued_at":"2026-11-20T12:00:00Z",`+
		`"endpoint":"https://fauna.example.com","user":{"id":"%s"},"session":{"id":"%s"}}`+"\n", a.Secret, a.User.ID, a.Session.ID)
	if a.body != want || a.Secret == "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}
	got := s.query(s.root, `let s = auth0_jwt.all().first()!
		{ tenant: s.tenant, jwt_hash: s.jwt_hash, issuer: s.issuer, client_id: s.client_id, scope: s.scope, permissions: s.permissions,
		  session_id: s.session_id, link_id: s.link_id, requested_by: s.requested_by, origin: s.origin,
		  life: s.expires_at.difference(s.issued_at, "seconds"), user: s.user.auth0_sub, email: s.user.email }`)
	if want := `{"tenant":"main","jwt_hash":null,"issuer":"` + s.main + `","client_id":null,"scope":[],"permissions":[],` +
		`"session_id":"sid-1","link_id":"link-1","requested_by":"backend","origin":"server","life":300,"user":"` + ada + `","email":"ada@example.com"}`; got != want {
		t.Errorf("the session is %s, want %s", got, want)
	}
	if got := s.query(a.Secret, `[Query.identity()!.user.auth0_sub, Query.token()!.data.requested_by]`); got != `["`+ada+`","backend"]` {
		t.Errorf("the secret acts as %s", got)
	}
	s.clock.advance(300 * time.Second)
	if got := s.query(a.Secret, "1"); got != "unauthorized" {
		t.Errorf("after its time the secret answers %s", got)
	}

	line := s.lastAudit()
	for _, part := range []string{`"operation":"on_behalf"`, `"decision":"issued"`, `"sub":"` + ada + `"`, `"client_id":"backend"`, `"session_id":"` + a.Session.ID + `"`} {
		if !strings.Contains(line, part) {
			t.Errorf("the audit lacks %s: %s", part, line)
		}
	}
	if strings.Contains(line, "jwt_hash") {
		t.Errorf("the audit names a JWT: %s", line)
	}
	metrics := s.metrics()
	if !strings.Contains(metrics, `fauna_login_decisions_total{operation="on_behalf",outcome="issued",reason=""} 1`) ||
		strings.Contains(metrics, `fauna_login_exchanges_total{outcome="issued",reason=""} 1`) {
		t.Error("the request is not counted as one on behalf")
	}
	for name, written := range map[string]string{"log": s.log.String(), "audit": s.audit.String(), "metrics": metrics} {
		for _, private := range []string{a.Secret, "ada@example.com", s.machine(s.main, nil)} {
			if strings.Contains(written, private) {
				t.Errorf("the %s holds %s", name, private)
			}
		}
	}
}

// lastAudit is the line of the decision before.
func (s *service) lastAudit() string {
	lines := strings.Split(strings.TrimSpace(s.audit.String()), "\n")
	return lines[len(lines)-1]
}

// What is not told has a default, and what is told is used.
func TestOnBehalfDefaults(t *testing.T) {
	s := newOnBehalf(t, func(c *exchange.Config, v *exchange.VerifierConfig) {
		v.Tenants[2].OnBehalf.MaxTTL = 2 * time.Hour // more than session.max_ttl
	})
	if a := s.backend(m{"sub": ada}); a.ExpiresIn != 900 {
		t.Errorf("default of ttl: %d", a.ExpiresIn)
	}
	if got := s.query(s.root, `auth0_jwt.all().first() { issuer, session_id, link_id }`); got != `{"issuer":"`+s.main+`","session_id":null,"link_id":null}` {
		t.Errorf("the session is %s", got)
	}
	alias := strings.TrimSuffix(s.main, "main/") + "alias/"
	a := s.backend(m{"sub": ada, "issuer": alias, "ttl": 1})
	if got := s.query(s.root, `auth0_jwt.byId("`+a.Session.ID+`")!.issuer`); got != `"`+alias+`"` || a.ExpiresIn != 1 {
		t.Errorf("issuer %s, ttl %d", got, a.ExpiresIn)
	}
	if a := s.onBehalf(s.machine(s.strict, nil), m{"sub": ada}); a.status != 200 || a.ExpiresIn != 3600 {
		t.Errorf("session.max_ttl does not cap the default: %d %s", a.status, a.body)
	}
	if a := s.onBehalf(s.machine(s.strict, nil), m{"sub": ada, "ttl": 3601}); a.status != 400 {
		t.Errorf("session.max_ttl does not cap ttl: %d %s", a.status, a.body)
	}
}

func TestOnBehalfIssue(t *testing.T) {
	s := newOnBehalf(t, nil)
	a := s.backend(m{"sub": ada, "issue": "user", "user": m{"email": "ada@example.com"}})
	if want := fmt.Sprintf(`{"user":{"id":"%s"}}`+"\n", a.User.ID); a.body != want {
		t.Errorf("user: got %s, want %s", a.body, want)
	}
	if got := s.written(); got != "[1,0,0,0]" {
		t.Errorf("user: wrote %s", got)
	}
	if line := s.lastAudit(); !strings.Contains(line, `"decision":"done"`) || strings.Contains(line, "session_id") {
		t.Errorf("user: audit %s", line)
	}
	user := a.User.ID
	a = s.backend(m{"sub": ada, "issue": "session", "ttl": 60, "user": m{"email": nil}})
	if want := fmt.Sprintf(`{"expires_in":60,"expires_at":"2026-11-20T12:01:00Z","issued_at":"2026-11-20T12:00:00Z",`+
		`"endpoint":"https://fauna.example.com","user":{"id":"%s"},"session":{"id":"%s"}}`+"\n", user, a.Session.ID); a.body != want {
		t.Errorf("session: got %s, want %s", a.body, want)
	}
	if got := s.written(); got != "[1,1,0,0]" {
		t.Errorf("session: wrote %s", got)
	}
	if got := s.query(s.root, `User.byId("`+user+`")!.email`); got != "null" {
		t.Errorf("null left the field: %s", got)
	}
	if a := s.backend(m{"sub": ada, "issue": "secret"}); a.Secret == "" || s.written() != "[1,2,1,0]" {
		t.Errorf("secret: %s, wrote %s", a.body, s.written())
	}
}

// Case 243 and what else is no server that may ask.
func TestOnBehalfToken(t *testing.T) {
	s := newOnBehalf(t, nil)
	const scope = "fauna:issue_for_user"
	tests := []struct {
		name   string
		token  string
		status int
		code   oauthError
	}{
		{"243 a user token", s.good(), 401, "invalid_token"},
		{"243b a user token with the scope, of the client", s.withClaims(m{"scope": scope, "azp": "backend"}), 401, "invalid_token"},
		{"243c a user token that calls itself one of a client", s.withClaims(m{"scope": scope, "azp": "backend", "gty": "client-credentials"}), 401, "invalid_token"},
		{"243d M2M without the scope", s.machine(s.main, m{"scope": "fauna:issue"}), 403, "insufficient_scope"},
		{"243e M2M without any scope", s.machine(s.main, m{"scope": nil}), 403, "insufficient_scope"},
		{"243f azp not allowed", s.machine(s.main, m{"sub": "other@clients", "azp": "other"}), 403, "access_denied"},
		{"243g no azp", s.machine(s.main, m{"azp": nil}), 403, "access_denied"},
		{"243h the scope as a permission", s.machine(s.main, m{"scope": nil, "permissions": []string{scope}}), 403, "insufficient_scope"},
		{"a tenant without clients", s.machine(s.other, nil), 403, "access_denied"},
		{"the client of another tenant", s.machine(s.strict, m{"sub": "mailer@clients", "azp": "mailer"}), 403, "access_denied"},
		{"RFC 9068's profile", s.machine(s.main, m{"sub": "backend", "azp": nil, "client_id": "backend", "gty": nil, "jti": "x"}), 200, ""},
		{"an ID token", s.machine(s.main, m{"nonce": "x"}), 401, "invalid_token"},
		{"a logout token", s.machine(s.main, m{"events": m{"http://schemas.openid.net/event/backchannel-logout": m{}}}), 401, "invalid_token"},
		{"bound to a key", s.machine(s.main, m{"cnf": m{"jkt": "x"}}), 401, "invalid_token"},
		{"delegated", s.machine(s.main, m{"act": m{"sub": "other"}}), 403, "access_denied"},
		{"expired", s.machine(s.main, m{"exp": s.in(0)}), 401, "invalid_token"},
		{"another API's", s.machine(s.main, m{"aud": "https://elsewhere.example.com"}), 401, "invalid_token"},
		{"another tenant's key", sign(goodHeader, m{"iss": s.main, "sub": "backend@clients", "azp": "backend", "aud": ours, "iat": s.in(-5), "exp": s.in(60), "scope": scope}, keys().other), 401, "invalid_token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.tb = t
			before := s.written()
			a := s.onBehalf(tt.token, m{"sub": ada})
			if a.status != tt.status || a.Error != tt.code {
				t.Fatalf("%d %q, want %d %q: %s", a.status, a.Error, tt.status, tt.code, a.body)
			}
			if tt.status != 200 && s.written() != before {
				t.Error("a refused request wrote")
			}
			if got := strings.Contains(a.header.Get("WWW-Authenticate"), `scope="`+scope+`"`); got != (tt.code == "insufficient_scope") {
				t.Errorf("challenge %s", a.header.Get("WWW-Authenticate"))
			}
		})
	}
}

// Case 244: the body decides who somebody is.
func TestOnBehalfBody(t *testing.T) {
	s := newOnBehalf(t, nil)
	const subject = "sub: a user id of the form provider|id expected."
	const members = "Members expected: sub, issuer, ttl, session_id, link_id, user, issue, and no other."
	const object = "Send one JSON object in UTF-8, in which no name stands twice and nothing is nested deeper than 10."
	const seconds = "ttl: whole seconds expected, from 1 to 900."
	const issuer = "issuer: an issuer of the tenant that the access token is of expected."
	const user = "user: an object expected, of fields that claims.user of the tenant names, 16 KiB in all, with numbers of 64 bits."
	const issue = "issue: secret, session or user expected."
	tests := []struct{ name, body, description string }{
		{"244 sub missing", `{}`, subject},
		{"244b sub an array", `{"sub":["auth0|1"]}`, subject},
		{"244c sub of 10 KB", `{"sub":"auth0|` + strings.Repeat("a", 10<<10) + `"}`, subject},
		{"244d sub a client", `{"sub":"x@clients"}`, subject},
		{"244e sub a client, with a bar", `{"sub":"auth0|x@clients"}`, subject},
		{"244f sub anonymous", `{"sub":"anon@|1"}`, subject},
		{"244g other tenant's issuer", `{"sub":"auth0|1","issuer":"` + s.strict + `"}`, issuer},
		{"244h unknown issuer", `{"sub":"auth0|1","issuer":"https://evil.example.com/"}`, issuer},
		{"244i issuer without its slash", `{"sub":"auth0|1","issuer":"` + strings.TrimSuffix(s.main, "/") + `"}`, issuer},
		{"244j ttl above the cap", `{"sub":"auth0|1","ttl":901}`, seconds},
		{"244k ttl negative", `{"sub":"auth0|1","ttl":-1}`, seconds},
		{"244l ttl zero", `{"sub":"auth0|1","ttl":0}`, seconds},
		{"244m ttl a float", `{"sub":"auth0|1","ttl":60.5}`, seconds},
		{"244n ttl written as a float", `{"sub":"auth0|1","ttl":60.0}`, seconds},
		{"244o ttl with an exponent", `{"sub":"auth0|1","ttl":6e1}`, seconds},
		{"244p ttl a string", `{"sub":"auth0|1","ttl":"60"}`, seconds},
		{"244q ttl null", `{"sub":"auth0|1","ttl":null}`, seconds},
		{"244r ttl beyond 64 bits", `{"sub":"auth0|1","ttl":18446744073709551676}`, seconds},
		{"244s unknown member", `{"sub":"auth0|1","scope":"admin"}`, members},
		{"244t a twin of a member", `{"sub":"auth0|1","SUB":"auth0|2"}`, members},
		{"244u repeated member", `{"sub":"auth0|1","sub":"auth0|2"}`, object},
		{"244v repeated member, escaped", `{"sub":"auth0|1","\u0073ub":"auth0|2"}`, object},
		{"244w repeated member inside", `{"sub":"auth0|1","user":{"email":1,"email":2}}`, object},
		{"244x JSON behind it", `{"sub":"auth0|1"}{}`, object},
		{"244y text behind it", `{"sub":"auth0|1"}x`, object},
		{"244z truncated", `{"sub":"auth0|1"`, object},
		{"nothing", ``, object},
		{"null", `null`, object},
		{"an array", `[{"sub":"auth0|1"}]`, object},
		{"a byte order mark", "\ufeff" + `{"sub":"auth0|1"}`, object},
		{"not UTF-8", "{\"sub\":\"auth0|\xff\"}", object},
		{"a lone surrogate", `{"sub":"auth0|\ud800"}`, object},
		{"sub null", `{"sub":null}`, subject},
		{"sub empty", `{"sub":""}`, subject},
		{"sub without a provider", `{"sub":"|1"}`, subject},
		{"sub without an id", `{"sub":"auth0|"}`, subject},
		{"sub without a bar", `{"sub":"ada"}`, subject},
		{"sub with white space", `{"sub":" auth0|1"}`, subject},
		{"sub with a control character", `{"sub":"auth0|1\u0000"}`, subject},
		{"the client itself", `{"sub":"backend"}`, subject},
		{"issuer null", `{"sub":"auth0|1","issuer":null}`, issuer},
		{"session_id empty", `{"sub":"auth0|1","session_id":""}`, "session_id: a string of 1 to 255 bytes without control characters expected."},
		{"session_id a number", `{"sub":"auth0|1","session_id":1}`, "session_id: a string of 1 to 255 bytes without control characters expected."},
		{"link_id too long", `{"sub":"auth0|1","link_id":"` + strings.Repeat("a", 256) + `"}`, "link_id: a string of 1 to 255 bytes without control characters expected."},
		{"link_id with a line feed", `{"sub":"auth0|1","link_id":"a\nb"}`, "link_id: a string of 1 to 255 bytes without control characters expected."},
		{"user an array", `{"sub":"auth0|1","user":[]}`, user},
		{"user null", `{"sub":"auth0|1","user":null}`, user},
		{"user with a field not named", `{"sub":"auth0|1","user":{"admin":true}}`, user},
		{"user with a reserved field", `{"sub":"auth0|1","user":{"blocked":false}}`, user},
		{"user in another case", `{"sub":"auth0|1","user":{"Email":"x"}}`, user},
		{"user too large", `{"sub":"auth0|1","user":{"email":"` + strings.Repeat("a", 16<<10) + `"}}`, user},
		{"user with a number too large", `{"sub":"auth0|1","user":{"email":9223372036854775808}}`, user},
		{"user nested too deep", `{"sub":"auth0|1","user":{"email":` + strings.Repeat("[", 9) + strings.Repeat("]", 9) + `}}`, object},
		{"issue unknown", `{"sub":"auth0|1","issue":"token"}`, issue},
		{"issue empty", `{"sub":"auth0|1","issue":""}`, issue},
		{"issue null", `{"sub":"auth0|1","issue":null}`, issue},
	}
	token, before := s.machine(s.main, nil), s.written()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.tb = t
			a := s.onBehalf(token, tt.body)
			want := fmt.Sprintf(`{"error":"invalid_request","error_description":"%s","request_id":"%s"}`+"\n", tt.description, a.RequestID)
			if a.status != 400 || a.body != want {
				t.Errorf("%d %s, want 400 %s", a.status, a.body, want)
			}
		})
	}
	s.tb = t
	if after := s.written(); after != before {
		t.Errorf("a refused body wrote: %s", after)
	}
	// What stands next to the bounds is accepted.
	for _, body := range []string{
		` {"sub":"auth0|` + strings.Repeat("a", 249) + `","ttl":900} `,
		`{"sub":"auth0|1","link_id":"` + strings.Repeat("a", 255) + `","user":{}}`,
		`{"sub":"auth0|2","user":{"email":` + strings.Repeat("[", 8) + strings.Repeat("]", 8) + `}}`,
		`{"sub":"auth0|3","user":{"email":{"@ref":{"id":"1","coll":"User"}}},"issue":"user"}`,
	} {
		if a := s.onBehalf(token, body); a.status != 200 {
			t.Errorf("%.80s: %d %s", body, a.status, a.body)
		}
	}
	if got := s.query(s.root, `User.byAuth0("main", "auth0|3").first()!.email["@ref"].id`); got != `"1"` {
		t.Errorf("a look-alike of a reference arrived as %s", got)
	}
}

// The request around the body.
func TestOnBehalfRequest(t *testing.T) {
	s := newOnBehalf(t, nil)
	const path, body, kind = "/fauna-login/on-behalf", `{"sub":"auth0|1"}`, "Content-Type: application/json"
	bearer := "Authorization: Bearer " + s.machine(s.main, nil)
	for _, tt := range []struct {
		name   string
		req    *http.Request
		status int
	}{
		{"a type with parameters", s.request("POST", path, body, bearer, "Content-Type: Application/JSON; charset=utf-8"), 200},
		{"no token", s.request("POST", path, body, kind), 401},
		{"two headers", s.request("POST", path, body, kind, bearer, bearer), 400},
		{"a token in the query", s.request("POST", path+"?access_token=x", body, kind, bearer), 400},
		{"a form", s.request("POST", path, "sub=auth0|1", bearer, "Content-Type: application/x-www-form-urlencoded"), 415},
		{"no type", s.request("POST", path, body, bearer), 415},
		{"above 64 KiB", s.request("POST", path, strings.Repeat(" ", 64<<10+1), kind, bearer), 413},
		{"GET", s.request("GET", path, "", bearer), 405},
		// It is not for browsers.
		{"OPTIONS", s.request("OPTIONS", path, "", "Origin: https://app.example.com", "Access-Control-Request-Method: POST"), 204},
		{"an Origin", s.request("POST", path, body, kind, bearer, "Origin: https://app.example.com"), 200},
	} {
		a := s.do(tt.req)
		if a.status != tt.status {
			t.Errorf("%s: %d, want %d: %s", tt.name, a.status, tt.status, a.body)
		}
		if a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: CORS", tt.name)
		}
	}
	// Without clients there is no such route.
	off := newService(t, nil)
	if a := off.onBehalf(off.machine(off.main, nil), body); a.status != 404 {
		t.Errorf("without clients: %d %s", a.status, a.body)
	}
	if _, err := exchange.NewVerifier(exchange.VerifierConfig{Tenants: []exchange.Tenant{{
		Name: "main", Issuers: []string{"https://t.example.com/"}, Audience: []string{ours}, OnBehalf: exchange.OnBehalf{Clients: []string{"x"}},
	}}}); err == nil {
		t.Error("on_behalf without a max_ttl is accepted")
	}
}

// Case 245: M2M tokens are none of a user's. 246: a user's token lacks the tenant's scope.
func TestUserRouteRefusesMachines(t *testing.T) {
	s := newOnBehalf(t, nil)
	before := s.written()
	checkRefusal(t, s.login(s.machine(s.main, nil)), exchange.InvalidToken)
	checkRefusal(t, s.login(s.machine(s.main, m{"sub": "backend", "gty": nil})), exchange.InvalidToken)
	checkRefusal(t, s.login(s.fromStrict("RS256", m{"scope": "todo:read"})), exchange.InsufficientScope)
	if after := s.written(); after != before {
		t.Errorf("a refused token wrote: %s", after)
	}
}

// Blocked users and those deleted at Auth0 get nothing from a server either.
func TestOnBehalfRefusedUsers(t *testing.T) {
	s := newOnBehalf(t, nil)
	token := s.machine(s.main, nil)
	refused := func(body m, reason string) {
		t.Helper()
		before := s.written()
		for _, issue := range []string{"secret", "session", "user"} {
			body["issue"] = issue
			a := s.onBehalf(token, body)
			checkRefusal(t, a, exchange.AccessDenied)
			if line := s.lastAudit(); !strings.Contains(line, `"reason":"`+reason+`"`) || !strings.Contains(line, `"client_id":"backend"`) {
				t.Errorf("audit %s, want %s", line, reason)
			}
		}
		if s.written() != before {
			t.Error("a refused request wrote")
		}
	}
	s.query(s.root, `User.create({ auth0_tenant: "main", auth0_sub: "auth0|blocked", blocked: true })`)
	refused(m{"sub": "auth0|blocked"}, "user_blocked")
	s.query(s.root, `User.create({ auth0_tenant: "main", auth0_sub: "auth0|auth0", auth0_blocked: true })`)
	refused(m{"sub": "auth0|auth0"}, "user_blocked")

	event := `applyAuth0UserEvent({ tenant: "main", sub: "auth0|gone", time: Time.now(), keep: 3600, deleted: true, blocked: false }).applied`
	if got := s.query(s.root, event); got != "true" {
		t.Fatalf("the event: %s", got)
	}
	s.clock.advance(time.Minute)
	refused(m{"sub": "auth0|gone"}, "deny_mark")
	if a := s.onBehalf(s.machine(s.strict, nil), m{"sub": "auth0|gone"}); a.status != 200 {
		t.Errorf("another tenant's user of that name: %d %s", a.status, a.body)
	}

	// Marks on the Auth0 session and the link id count too.
	mark := `endAuth0Sessions({ tenant: "main", kind: "session", value: "sid-1", before: Time.now().add(60, "seconds"), deleted: null, keep: 3600 }).more`
	if got := s.query(s.root, mark); got != "false" {
		t.Fatalf("the mark: %s", got)
	}
	refused(m{"sub": ada, "session_id": "sid-1"}, "deny_mark")
	if a := s.backend(m{"sub": ada, "session_id": "sid-2"}); a.Secret == "" {
		t.Error("no secret for another Auth0 session")
	}
}

func TestOnBehalfLimits(t *testing.T) {
	s := newOnBehalf(t, func(c *exchange.Config, _ *exchange.VerifierConfig) { c.PerIP, c.PerSubject = 6, 2 })
	token := s.machine(s.main, nil)
	for range 2 {
		s.backend(m{"sub": ada})
	}
	if a := s.onBehalf(token, m{"sub": ada}); a.status != 429 || a.Error != "too_many_requests" || a.header.Get("Retry-After") != "30" {
		t.Errorf("the user's third: %d %s", a.status, a.body)
	}
	if a := s.login(s.good()); a.status != 429 {
		t.Errorf("the user's fourth, their own: %d %s", a.status, a.body)
	}
	if a := s.onBehalf(token, m{"sub": "auth0|other"}); a.status != 200 {
		t.Errorf("another user: %d %s", a.status, a.body)
	}
	if a := s.onBehalf("x", m{}); a.status != 401 {
		t.Errorf("the address's sixth: %d %s", a.status, a.body)
	}
	if a := s.onBehalf(token, m{"sub": "auth0|third"}); a.status != 429 {
		t.Errorf("the address's seventh: %d %s", a.status, a.body)
	}
}

// The app's own function has the last word on behalf of users too, and an outage is no refusal.
func TestOnBehalfFauna(t *testing.T) {
	s := newOnBehalf(t, nil)
	token := s.machine(s.main, nil)
	s.fauna.set(func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("down") })
	checkRefusal(t, s.onBehalf(token, m{"sub": ada}), exchange.Unavailable)
	s.fauna.set(nil)
	if _, err := s.engine.Push(t.Context(), pushed(t, s, `abort("not here")`)); err != nil {
		t.Fatal(err)
	}
	checkRefusal(t, s.onBehalf(token, m{"sub": ada}), exchange.AccessDenied)
}

// FuzzOnBehalf reads bodies: what is accepted has known members only, means the same to
// encoding/json, and keeps to its bounds.
func FuzzOnBehalf(f *testing.F) {
	for _, seed := range []string{
		`{"sub":"auth0|1"}`,
		` {"s\u0075b":"auth0|\ud83d\ude00","issuer":"https://t.example.com/","ttl":300,"session_id":"s","link_id":"l","user":{"email":{"@ref":[1,2.5,null]}},"issue":"session"}`,
		`{"sub":"auth0|1","SUB":"auth0|2"}`, `{"sub":"auth0|1","sub":"auth0|2"}`, `{"sub":"auth0|1","ttl":9e9}`, `{"sub":"auth0|1","user":{"admin":1}}`, `[]`, `{`, "\xff",
	} {
		f.Add(seed)
	}
	tenant := exchange.Tenant{Issuers: []string{"https://t.example.com/"}, UserClaims: []exchange.ClaimCopy{{To: "email"}}}
	known := []string{"sub", "issuer", "ttl", "session_id", "link_id", "user", "issue"}
	f.Fuzz(func(t *testing.T, body string) {
		got, ok := exchange.ReadOnBehalf(tenant, "backend", body, 900*time.Second)
		if !ok {
			return
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatalf("no JSON was accepted: %v", err)
		}
		for name := range members {
			if !slices.Contains(known, name) {
				t.Errorf("%q was accepted", name)
			}
		}
		if members["sub"] != got.Subject || !strings.Contains(got.Subject, "|") || strings.HasSuffix(got.Subject, "@clients") || len(got.Subject) > 255 {
			t.Errorf("sub %q was read as %q", members["sub"], got.Subject)
		}
		if ttl, found := members["ttl"]; found && (ttl != got.TTL.Seconds() || got.TTL < time.Second || got.TTL > 900*time.Second) {
			t.Errorf("ttl %v was read as %s", ttl, got.TTL)
		}
		user, _ := members["user"].(map[string]any)
		for name := range user {
			if name != "email" {
				t.Errorf("the field %q was accepted", name)
			}
		}
		if got.User != "" && !json.Valid([]byte(got.User)) {
			t.Errorf("user was encoded as %s", got.User)
		}
	})
}
