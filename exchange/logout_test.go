package exchange_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

const (
	sidClaim  = namespac + "sid"
	linkClaim = namespac + "link"

	mainEvents, mainEventsToo = "main-event-token-1", "main-event-token-2"
	otherEvents               = "other-event-token"

	user = "auth0|507f1f77bcf86cd799439011" // of the good token
)

// newEndingService is a service whose plain tenant has every way to end a session. The second
// tenant's tokens tell no Auth0 session.
func newEndingService(tb testing.TB, change func(*exchange.Config, *exchange.VerifierConfig)) *service {
	return newService(tb, func(c *exchange.Config, v *exchange.VerifierConfig) {
		v.Tenants[0].SessionIDClaim = "/https:~1~1example.com~1sid"
		v.Tenants[0].LinkIDClaim = "/https:~1~1example.com~1link"
		v.Tenants[0].LogoutClients = []string{"spa", "web"}
		v.Tenants[0].EventTokens = []string{mainEvents, mainEventsToo}
		v.Tenants[1].LogoutClients = []string{"spa"}
		v.Tenants[1].EventTokens = []string{otherEvents}
		if change != nil {
			change(c, v)
		}
	})
}

// of is a good token of a tenant: the plain one or the second.
func (s *service) of(issuer string, extra m) string {
	key := keys().k1
	if issuer == s.other {
		key = keys().other
	}
	return sign(goodHeader, s.claims(issuer, extra), key)
}

// logout is DELETE /fauna-login.
func (s *service) logout(bearer string) answer {
	s.tb.Helper()
	return s.do(s.request(http.MethodDelete, "/fauna-login", "", "Authorization: Bearer "+bearer))
}

func (s *service) mustLogin(token string) answer {
	s.tb.Helper()
	a := s.login(token)
	if a.status != 200 || a.Secret == "" {
		s.tb.Fatalf("login: %d %s", a.status, a.body)
	}
	return a
}

func (s *service) checkEnded(a answer) {
	s.tb.Helper()
	if a.status != 204 || a.body != "" || a.header.Get("Cache-Control") != "no-store" {
		s.tb.Fatalf("ending answers %d %v %s", a.status, a.header, a.body)
	}
}

func (s *service) checkDead(secrets ...string) {
	s.tb.Helper()
	for _, secret := range secrets {
		if got := s.query(secret, "1"); got != "unauthorized" {
			s.tb.Errorf("the secret of an ended session answers %s", got)
		}
	}
}

func (s *service) checkAlive(secrets ...string) {
	s.tb.Helper()
	for _, secret := range secrets {
		if got := s.query(secret, "Query.identity()!.user.auth0_tenant"); got != `"main"` && got != `"other"` {
			s.tb.Errorf("the secret answers %s", got)
		}
	}
}

// everything is all that any request may have left behind, and what it says.
func (s *service) everything() string {
	s.tb.Helper()
	return s.query(s.root, `[User.all().toArray(), auth0_jwt.all().map(.id).toArray(), Token.all().map(.id).toArray(),
		auth0_deny.all().toArray(), auth0_event.all().toArray()]`)
}

// refuses checks that what f does is answered with a status and writes nothing.
func (s *service) refuses(f func() answer, status int, code oauthError) answer {
	s.tb.Helper()
	before := s.everything()
	a := f()
	if a.status != status || a.Error != code {
		s.tb.Errorf("%d %q, want %d %q: %s", a.status, a.Error, status, code, a.body)
	}
	if (a.header.Get("Retry-After") != "") != (status == 503 || status == 429) {
		s.tb.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	if after := s.everything(); after != before {
		s.tb.Errorf("something was written:\n%s\nbefore:\n%s", after, before)
	}
	return a
}

func TestLogoutWithToken(t *testing.T) {
	s := newEndingService(t, nil)
	token := s.good()
	first, second := s.mustLogin(token), s.mustLogin(token)
	other := s.mustLogin(s.withClaims(m{"iat": s.in(-4)}))
	s.checkEnded(s.logout(token))
	s.checkDead(first.Secret, second.Secret)
	checkRefusal(t, s.login(token), exchange.InvalidToken)
	s.checkAlive(other.Secret)
	if got := s.written(); got != "[1,1,1,1]" {
		t.Errorf("left behind: %s", got)
	}
	if audit := s.audit.String(); !strings.Contains(audit, `"decision":"ended","tenant":"main","sub":"`+user+`","client_id":"spa"`) ||
		!strings.Contains(audit, `"session_id":"`+first.Session.ID+`"`) {
		t.Errorf("the audit says %s", audit)
	}

	// Again: nothing to end, and no news.
	s.checkEnded(s.logout(token))
	// A JWT that was never exchanged.
	fresh := s.withClaims(m{"iat": s.in(-3)})
	s.checkEnded(s.logout(fresh))
	checkRefusal(t, s.login(fresh), exchange.InvalidToken)

	// The mark goes when the JWT would have expired anyway.
	s.clock.advance(time.Hour)
	if got := s.written(); got != "[1,0,0,0]" {
		t.Errorf("left behind after an hour: %s", got)
	}
}

func TestLogoutWithSecret(t *testing.T) {
	s := newEndingService(t, nil)
	token := s.good()
	first, second := s.mustLogin(token), s.mustLogin(token)
	s.checkEnded(s.logout(first.Secret))
	s.checkDead(first.Secret, second.Secret)
	checkRefusal(t, s.login(token), exchange.InvalidToken)
	s.checkEnded(s.logout(first.Secret)) // dead by now

	// Nothing to end, and no oracle: a secret that never was, the secret of another document,
	// a key. None of them is harmed.
	mine := s.mustLogin(s.withClaims(m{"iat": s.in(-4)}))
	unquote := func(text string) string { return must(strconv.Unquote(text)) }
	ofUser := unquote(s.query(s.root, "Token.create({ document: User.all().first() }).secret"))
	admin := unquote(s.query(s.root, `Key.create({ role: "admin" }).secret`))
	b := must(b64.DecodeString(first.Secret))
	b[len(b)-1] ^= 1
	before, asked := s.everything(), s.fauna.n.Load()
	for name, secret := range map[string]string{"unknown": b64.EncodeToString(b), "of a user": ofUser, "an admin key": admin, "the service's key": s.key} {
		t.Run(name, func(t *testing.T) {
			s.tb = t
			s.checkEnded(s.logout(secret))
		})
	}
	s.tb = t
	if asked := s.fauna.n.Load() - asked; asked != 2 {
		t.Errorf("Fauna was asked %d times, want 2: a key is no session's", asked)
	}
	if after := s.everything(); after != before {
		t.Errorf("something was written: %s, before %s", after, before)
	}
	if s.query(ofUser, "1") != "1" || s.query(admin, "1") != "1" {
		t.Error("a logout ended what is no session")
	}

	// What has not the form of a secret is a token that does not verify.
	asked = s.fauna.n.Load()
	for name, bearer := range map[string]string{
		"scoped":          mine.Secret + ":admin",
		"scoped to a doc": mine.Secret + ":@doc/User/" + mine.User.ID,
		"cut":             mine.Secret[:len(mine.Secret)-1],
		"loose bits":      looseBits(mine.Secret),
		"another mark":    b64.EncodeToString(append([]byte{126, 114}, b[2:]...)),
		"a key's length":  b64.EncodeToString(b[:30]),
		"root":            s.root,
	} {
		t.Run(name, func(t *testing.T) {
			s.tb = t
			checkRefusal(t, s.refuses(func() answer { return s.logout(bearer) }, 401, "invalid_token"), exchange.InvalidToken)
		})
	}
	s.tb = t
	if s.fauna.n.Load() != asked {
		t.Error("Fauna was asked about what is no secret")
	}
	s.checkAlive(mine.Secret)
}

// Whom nobody lets in may still go: the user may be blocked or gone, the scope or client not
// what the exchange wants.
func TestLogoutOfBlocked(t *testing.T) {
	s := newEndingService(t, nil)
	tokens := []string{s.good(), s.withClaims(m{"iat": s.in(-4)}), s.withClaims(m{"iat": s.in(-3), "sub": "auth0|gone"})}
	byToken, bySecret, gone := s.mustLogin(tokens[0]), s.mustLogin(tokens[1]), s.mustLogin(tokens[2])
	s.query(s.root, `User.byId("`+bySecret.User.ID+`")!.update({ blocked: true })`)
	s.query(s.root, `User.byId("`+gone.User.ID+`")!.delete()`)
	s.checkEnded(s.logout(tokens[0]))
	s.checkEnded(s.logout(bySecret.Secret))
	s.checkEnded(s.logout(gone.Secret))
	s.checkDead(byToken.Secret, bySecret.Secret, gone.Secret)
	if got := s.written(); got != "[1,0,0,3]" {
		t.Errorf("left behind: %s", got)
	}
	s.query(s.root, "User.all().first()!.update({ blocked: false })")
	for _, token := range tokens {
		checkRefusal(t, s.login(token), exchange.InvalidToken)
	}
	// A page may do it itself, blocked or not.
	again := s.mustLogin(s.withClaims(m{"iat": s.in(-2)}))
	s.query(s.root, "User.all().first()!.update({ blocked: true })")
	if got := s.query(again.Secret, "logoutAuth0().session"); got != strconv.Quote(again.Session.ID) {
		t.Errorf("logoutAuth0() of a blocked user answers %s", got)
	}
	s.checkDead(again.Secret)
}

// Every token of the catalogue at the way out: as at the way in, but that a genuine token that
// is not permitted may leave.
func TestLogoutTokenCases(t *testing.T) {
	s := newService(t, nil)
	for _, c := range tokenCases() {
		t.Run(c.String(), func(t *testing.T) {
			s.tb = t
			token := c.token(s.caseEnv)
			if strings.ContainsAny(token, "\r\n\x00 \t") || token == "" || len(token) > 100_000 {
				t.Skip("cannot stand in a header")
			}
			switch kind := c.kind(); {
			case c.want == accepted, kind == exchange.InsufficientScope, kind == exchange.AccessDenied:
				s.checkEnded(s.logout(token))
			default:
				checkRefusal(t, s.refuses(func() answer { return s.logout(token) }, outward[kind].status, oauthError(kind.String())), kind)
			}
		})
	}
}

func TestLogoutRequests(t *testing.T) {
	s := newEndingService(t, nil)
	token := s.good()
	s.mustLogin(token)
	bearer := "Authorization: Bearer " + token
	const bare = `Bearer realm="fauna-login"`
	tests := []struct {
		name      string
		req       *http.Request
		status    int
		code      oauthError
		challenge string
	}{
		{"no token", s.request("DELETE", "/fauna-login", ""), 401, "", bare},
		{"Basic", s.request("DELETE", "/fauna-login", "", "Authorization: Basic YTpi"), 401, "", bare},
		{"only in the query", s.request("DELETE", "/fauna-login?access_token="+token, ""), 401, "", bare},
		{"two headers", s.request("DELETE", "/fauna-login", "", bearer, bearer), 400, "invalid_request", ""},
		{"Bearer with nothing", s.request("DELETE", "/fauna-login", "", "Authorization: Bearer"), 400, "invalid_request", ""},
		{"two tokens", s.request("DELETE", "/fauna-login", "", bearer+" b"), 400, "invalid_request", ""},
		{"in the query too", s.request("DELETE", "/fauna-login?access_token=x", "", bearer), 400, "invalid_request", ""},
		{"body of members", s.request("DELETE", "/fauna-login", `{"all":true}`, bearer, "Content-Type: application/json"), 400, "invalid_request", ""},
		{"body of text", s.request("DELETE", "/fauna-login", "all", bearer, "Content-Type: text/plain"), 415, "invalid_request", ""},
		{"body above 64 KiB", s.request("DELETE", "/fauna-login", strings.Repeat(" ", 64<<10+1), bearer), 413, "invalid_request", ""},
		{"expired", s.request("DELETE", "/fauna-login", "", "Authorization: Bearer "+s.withClaims(m{"exp": s.in(-1)})), 401, "invalid_token", outward[exchange.InvalidToken].challenge},
		{"a machine's", s.request("DELETE", "/fauna-login", "", "Authorization: Bearer "+s.withClaims(m{"sub": "spa@clients"})), 401, "invalid_token", outward[exchange.InvalidToken].challenge},
		{"PUT", s.request("PUT", "/fauna-login", "", bearer), 405, "invalid_request", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.tb = t
			a := s.refuses(func() answer { return s.do(tt.req) }, tt.status, tt.code)
			if got := a.header.Get("WWW-Authenticate"); got != tt.challenge {
				t.Errorf("challenge %q, want %q", got, tt.challenge)
			}
			if tt.status == 405 && a.header.Get("Allow") != "OPTIONS, DELETE, POST" {
				t.Errorf("Allow %q", a.header.Get("Allow"))
			}
		})
	}
	s.tb = t
	s.checkEnded(s.do(s.request("DELETE", "/fauna-login", "{}", bearer, "Content-Type: application/json")))
}

func TestLogoutWithoutFauna(t *testing.T) {
	s := newEndingService(t, nil)
	token := s.good()
	a := s.mustLogin(token)
	s.fauna.set(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") })
	checkRefusal(t, s.refuses(func() answer { return s.logout(token) }, 503, "temporarily_unavailable"), exchange.Unavailable)
	checkRefusal(t, s.refuses(func() answer { return s.logout(a.Secret) }, 503, "temporarily_unavailable"), exchange.Unavailable)
	s.fauna.set(nil)
	s.checkAlive(a.Secret)
	if strings.Contains(s.log.String()+s.audit.String(), a.Secret) {
		t.Error("the secret was written down")
	}
}

func TestLogoutWithoutKeys(t *testing.T) {
	s := newEndingService(t, nil)
	s.server.answer("/main/.well-known/jwks.json", body(500, "text/plain", nil))
	checkRefusal(t, s.refuses(func() answer { return s.logout(s.good()) }, 503, "temporarily_unavailable"), exchange.Unavailable)
}

// The same subject at two tenants is two users.
func TestLogoutOfAnotherTenant(t *testing.T) {
	s := newEndingService(t, nil)
	token := s.of(s.main, nil)
	ours, theirs := s.mustLogin(token), s.mustLogin(s.of(s.other, nil))
	s.checkEnded(s.logout(s.of(s.other, nil)))
	s.checkAlive(ours.Secret)
	s.checkDead(theirs.Secret)
	s.mustLogin(token)
}

// A logout ends what a server made under the link id of the JWT, of the same tenant and user.
func TestLogoutEndsLinkedSessions(t *testing.T) {
	s := newEndingService(t, nil)
	make := func(tenant, sub string) string {
		return must(strconv.Unquote(s.query(s.root, `let u = upsertAuth0User("`+tenant+`", "`+sub+`", {})
			let s = auth0_jwt.create({ user: u, tenant: "`+tenant+`", issuer: "x", scope: [], permissions: [], link_id: "l1", requested_by: "m2m",
				issued_at: Time.now(), expires_at: Time.now().add(1, "hour"), origin: "server", ttl: Time.now().add(1, "hour") })
			Token.create({ document: s, ttl: Time.now().add(1, "hour") }).secret`)))
	}
	linked, another, elsewhere := make("main", user), make("main", "auth0|another"), make("other", user)
	s.checkEnded(s.logout(s.withClaims(m{linkClaim: "l1"})))
	s.checkDead(linked)
	s.checkAlive(another, elsewhere)
	checkRefusal(t, s.login(s.withClaims(m{linkClaim: "l1", "iat": s.in(-4)})), exchange.InvalidToken)
}

func TestLogoutFromPages(t *testing.T) {
	s := newEndingService(t, nil)
	a := s.do(s.request("OPTIONS", "/fauna-login", "", "Origin: https://app.example.com", "Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: authorization"))
	if got := a.header.Get("Access-Control-Allow-Methods"); a.status != 204 || !strings.Contains(got, "DELETE") {
		t.Errorf("preflight: %d, methods %q", a.status, got)
	}
	a = s.do(s.request("DELETE", "/fauna-login", "", "Origin: https://app.example.com", "Authorization: Bearer "+s.good()))
	if s.checkEnded(a); a.header.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
		t.Errorf("headers %v", a.header)
	}
}

func TestLogoutLimit(t *testing.T) {
	s := newEndingService(t, func(c *exchange.Config, _ *exchange.VerifierConfig) { c.PerIP = 2 })
	s.checkEnded(s.logout(s.good()))
	s.checkEnded(s.logout(s.good()))
	s.refuses(func() answer { return s.logout(s.good()) }, 429, "too_many_requests")
}

// Fauna learns the tenants' names when it first answers that it is ready.
func TestTenantsAreAnnounced(t *testing.T) {
	s := newService(t, nil)
	ready := func() int { return s.do(s.request("GET", "/readyz", "")).status }
	names := "auth0_tenant.all().map(.name).order(x => x).toArray()"
	failing := true
	s.fauna.set(func(r *http.Request) (*http.Response, error) {
		if failing {
			return nil, errors.New("no route to host")
		}
		return nil, nil
	})
	ready()
	if got := s.query(s.root, names); got != "[]" {
		t.Fatalf("tenants %s", got)
	}
	failing = false
	s.clock.advance(time.Minute)
	ready()
	if got := s.query(s.root, names); got != `["main","other","strict"]` {
		t.Errorf("tenants %s", got)
	}
	asked := s.fauna.n.Load()
	s.clock.advance(time.Minute)
	ready()
	if n := s.fauna.n.Load() - asked; n != 1 {
		t.Errorf("a later probe asks Fauna %d times", n)
	}
}
