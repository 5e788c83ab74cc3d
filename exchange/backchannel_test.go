package exchange_test

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

var logoutHeader = with(goodHeader, m{"typ": "logout+jwt"})

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

var jtis atomic.Int64

// logoutClaims are those of a good logout token; nil in extra removes one.
func (s *service) logoutClaims(issuer string, extra m) m {
	return with(m{
		"iss": issuer, "aud": "spa", "iat": s.in(0), "exp": s.in(120), "jti": "jti-" + strconv.FormatInt(jtis.Add(1), 10),
		"events": m{logoutEvent: m{}}, "sub": user, "sid": "sid-1", "trace_id": "abc",
	}, extra)
}

// logoutToken is a good logout token with other claims, of a tenant.
func (s *service) logoutToken(issuer string, extra m) string {
	key := keys().k1
	if issuer == s.other {
		key = keys().other
	}
	return sign(logoutHeader, s.logoutClaims(issuer, extra), key)
}

const formType = "Content-Type: application/x-www-form-urlencoded"

// signal is POST /auth0/backchannel-logout.
func (s *service) signal(token string) answer {
	s.tb.Helper()
	return s.do(s.request("POST", "/auth0/backchannel-logout", url.Values{"logout_token": {token}}.Encode(), formType))
}

func (s *service) mustSignal(token string) {
	s.tb.Helper()
	if a := s.signal(token); a.status != 200 || a.body != "" || a.header.Get("Cache-Control") != "no-store" {
		s.tb.Fatalf("a logout token is answered %d %v %s", a.status, a.header, a.body)
	}
}

// Case 239: a logout of an Auth0 session ends what came of it, and denies its JWTs until then,
// also those never seen.
func TestSignalOfSession(t *testing.T) {
	s := newEndingService(t, nil)
	inSession := func(sid string, iat int64) string { return s.withClaims(m{sidClaim: sid, "iat": s.in(iat)}) }
	token := inSession("sid-1", -5)
	first, second := s.mustLogin(token), s.mustLogin(inSession("sid-1", -4))
	elsewhere, noSession := s.mustLogin(inSession("sid-2", -5)), s.mustLogin(s.good())
	unseen := inSession("sid-1", 0)
	s.mustSignal(s.logoutToken(s.main, nil))
	s.checkDead(first.Secret, second.Secret)
	s.checkAlive(elsewhere.Secret, noSession.Secret)
	for _, token := range []string{token, unseen} {
		checkRefusal(t, s.login(token), exchange.InvalidToken)
	}
	s.mustLogin(inSession("sid-1", 1)) // issued after the logout
	if audit := s.audit.String(); strings.Count(audit, `"operation":"backchannel_logout","decision":"ended"`) != 2 {
		t.Errorf("the audit says %s", audit)
	}
	// The mark stays as long as a JWT issued until now may live.
	s.clock.advance(720*time.Hour + 29*time.Second)
	if got := s.query(s.root, "auth0_deny.all().count()"); got != "1" {
		t.Errorf("%s marks", got)
	}
	s.clock.advance(2 * time.Second)
	if got := s.query(s.root, "auth0_deny.all().count()"); got != "0" {
		t.Errorf("%s marks afterwards", got)
	}
}

func TestSignalOfUser(t *testing.T) {
	s := newEndingService(t, nil)
	first, second := s.mustLogin(s.withClaims(m{sidClaim: "sid-1"})), s.mustLogin(s.withClaims(m{"iat": s.in(-4)}))
	another := s.mustLogin(s.withClaims(m{"sub": "auth0|another"}))
	s.mustSignal(s.logoutToken(s.main, m{"sid": nil}))
	s.checkDead(first.Secret, second.Secret)
	s.checkAlive(another.Secret)
	checkRefusal(t, s.login(s.withClaims(m{"iat": s.in(-3)})), exchange.InvalidToken)
	s.mustLogin(s.withClaims(m{"iat": s.in(1)}))
}

// More than a transaction ends.
func TestSignalOfManySessions(t *testing.T) {
	s := newEndingService(t, nil)
	s.mustLogin(s.good())
	s.query(s.root, `let u = User.all().first()
		Set.sequence(0, 250).forEach(n => auth0_jwt.create({ user: u, tenant: "main", issuer: "x", scope: [], permissions: [], session_id: "sid-1",
			issued_at: Time.now().subtract(1, "minute"), expires_at: Time.now().add(1, "hour"), origin: "jwt", jwt_hash: n.toString(), ttl: Time.now().add(1, "hour") }))`)
	if got := s.query(s.root, "auth0_jwt.all().count()"); got != "251" {
		t.Fatalf("%s sessions", got)
	}
	s.mustSignal(s.logoutToken(s.main, nil))
	if got := s.query(s.root, "auth0_jwt.all().count()"); got != "1" {
		t.Errorf("%s sessions are left, want the one of another Auth0 session", got)
	}
}

// Without session_id_claim our sessions know no sid: a sub ends them all, never too few.
func TestSignalWithoutSessionClaim(t *testing.T) {
	s := newEndingService(t, nil)
	theirs := s.mustLogin(s.of(s.other, nil))
	s.mustSignal(s.logoutToken(s.other, nil))
	s.checkDead(theirs.Secret)
	checkRefusal(t, s.login(s.of(s.other, m{"iat": s.in(-4)})), exchange.InvalidToken)
	again := s.mustLogin(s.of(s.other, m{"iat": s.in(1)}))
	s.mustSignal(s.logoutToken(s.other, m{"sub": nil})) // a mark, for a server may yet name the sid
	s.checkAlive(again.Secret)
	if got := s.query(s.root, `auth0_deny.all().map(d => [d.tenant, d.kind, d.value]).toArray()`); got != `[["other","user","`+user+`"],["other","session","sid-1"]]` {
		t.Errorf("marks %s", got)
	}
}

// Case 240: no token is good for two things.
func TestSignalAndAccessTokensAreApart(t *testing.T) {
	s := newEndingService(t, func(_ *exchange.Config, v *exchange.VerifierConfig) {
		v.Tenants[0].LogoutClients = []string{"spa", ours} // as a careless operator might
	})
	access := s.withClaims(m{"jti": "1", "sid": "sid-1", "exp": s.in(60), "iat": s.in(0), "aud": ours})
	for name, token := range map[string]string{
		"an access token":         access,
		"an ID token":             s.withClaims(m{"aud": "spa", "nonce": "n", "sid": "sid-1", "jti": "1", "exp": s.in(60), "iat": s.in(0)}),
		"an ID token, no nonce":   s.withClaims(m{"aud": "spa", "sid": "sid-1", "jti": "1", "exp": s.in(60), "iat": s.in(0)}),
		"a secret":                s.mustLogin(s.good()).Secret,
		"a token of the strict":   s.fromStrict("RS256", nil),
		"an event without its e.": s.logoutToken(s.main, m{"events": m{}}),
	} {
		t.Run("240 "+name, func(t *testing.T) {
			s.tb = t
			s.refuses(func() answer { return s.signal(token) }, 400, "invalid_request")
		})
	}
	for name, header := range map[string]m{"logout+jwt": logoutHeader, "JWT": goodHeader} {
		for _, aud := range []any{"spa", ours, []string{ours, s.main + "userinfo"}} {
			token := sign(header, s.logoutClaims(s.main, m{"aud": aud}), keys().k1)
			t.Run("240 a logout token, "+name, func(t *testing.T) {
				s.tb = t
				checkRefusal(t, s.refuses(func() answer { return s.login(token) }, 401, "invalid_token"), exchange.InvalidToken)
				checkRefusal(t, s.refuses(func() answer { return s.logout(token) }, 401, "invalid_token"), exchange.InvalidToken)
			})
		}
	}
}

// Case 241: what a logout token has to be (OpenID Connect Back-Channel Logout 1.0 §2.6).
func TestSignalTokens(t *testing.T) {
	s := newEndingService(t, nil)
	live := s.mustLogin(s.withClaims(m{sidClaim: "sid-1"}))
	replayed := s.logoutToken(s.main, m{"sid": "sid-9", "jti": "once"})
	claims := func(extra m) func() string { return func() string { return s.logoutToken(s.main, extra) } }
	header := func(extra m) func() string {
		return func() string { return sign(with(logoutHeader, extra), s.logoutClaims(s.main, nil), keys().k1) }
	}
	payload := func(change func(string) string) func() string {
		return func() string { return sign(logoutHeader, change(text(s.logoutClaims(s.main, nil))), keys().k1) }
	}
	refused := []struct {
		name  string
		token func() string
	}{
		{"nonce", claims(m{"nonce": "n"})},
		{"nonce null", claims(m{"nonce": raw("null")})},
		{"no events", claims(m{"events": nil})},
		{"events a string", claims(m{"events": logoutEvent})},
		{"events an array", claims(m{"events": []string{logoutEvent}})},
		{"events null", claims(m{"events": raw("null")})},
		{"another event", claims(m{"events": m{"http://schemas.openid.net/event/other": m{}}})},
		{"the event is a string", claims(m{"events": m{logoutEvent: "x"}})},
		{"the event is true", claims(m{"events": m{logoutEvent: true}})},
		{"no sub and no sid", claims(m{"sub": nil, "sid": nil})},
		{"sub empty", claims(m{"sub": ""})},
		{"sub empty, no sid", claims(m{"sub": "", "sid": nil})},
		{"sub a number", claims(m{"sub": 7})},
		{"sub a client", claims(m{"sub": "spa@clients", "sid": nil})},
		{"sub without provider", claims(m{"sub": "ada"})},
		{"sid empty", claims(m{"sid": ""})},
		{"sid null", claims(m{"sid": raw("null")})},
		{"sid an array", claims(m{"sid": []string{"sid-1"}})},
		{"sid of 256 bytes", claims(m{"sid": strings.Repeat("s", 256)})},
		{"sid with a NUL", claims(m{"sid": "sid-1\x00"})},
		{"exp in an hour", claims(m{"exp": s.in(3600)})},
		{"exp in 121 s", claims(m{"exp": s.in(121)})},
		{"exp now", claims(m{"exp": s.in(0)})},
		{"no exp", claims(m{"exp": nil})},
		{"exp a string", claims(m{"exp": "1795176120"})},
		{"iat old", claims(m{"iat": s.in(-3600), "exp": s.in(60)})},
		{"iat and exp old", claims(m{"iat": s.in(-240), "exp": s.in(-120)})},
		{"iat to come", claims(m{"iat": s.in(31)})},
		{"no iat", claims(m{"iat": nil})},
		{"nbf to come", claims(m{"nbf": s.in(60)})},
		{"aud our API", claims(m{"aud": ours})},
		{"aud a client and our API", claims(m{"aud": []string{"spa", ours}})},
		{"aud of another client", claims(m{"aud": "cli"})},
		{"aud empty", claims(m{"aud": []string{}})},
		{"no aud", claims(m{"aud": nil})},
		{"no jti", claims(m{"jti": nil})},
		{"jti empty", claims(m{"jti": ""})},
		{"jti a number", claims(m{"jti": 1})},
		{"jti replayed", func() string { return replayed }},
		{"jti replayed in another token", claims(m{"jti": "once", "sid": "sid-8"})},
		{"iss of nobody", claims(m{"iss": "https://evil.example/"})},
		{"no iss", claims(m{"iss": nil})},
		{"two sids", payload(front(`"sid":"sid-2"`))},
		{"sid in capitals", payload(front(`"SID":"sid-2"`))},
		{"events in capitals", payload(swap(`"events"`, `"Events"`))},
		{"typ at+jwt", header(m{"typ": "at+jwt"})},
		{"typ application/at+jwt", header(m{"typ": "application/at+jwt"})},
		{"typ secevent+jwt", header(m{"typ": "secevent+jwt"})},
		{"alg none", func() string { return sign(with(logoutHeader, m{"alg": "none"}), s.logoutClaims(s.main, nil), nil) }},
		{"alg HS256", func() string {
			return sign(with(logoutHeader, m{"alg": "HS256", "kid": "oct"}), s.logoutClaims(s.main, nil), keys().oct)
		}},
		{"another tenant's key", func() string { return sign(logoutHeader, s.logoutClaims(s.main, nil), keys().other) }},
		{"no signature", func() string {
			return join(b64.EncodeToString([]byte(text(logoutHeader))), b64.EncodeToString([]byte("{}")), "")
		}},
		{"unknown kid", header(m{"kid": "k9"})},
		{"garbage", func() string { return "garbage" }},
		{"a tenant without logout_clients", func() string {
			return sign(with(logoutHeader, m{"kid": "k2"}), s.logoutClaims(s.strict, nil), keys().k2)
		}},
	}
	s.mustSignal(replayed)
	for _, c := range refused {
		t.Run("241 "+c.name, func(t *testing.T) {
			s.tb = t
			a := s.refuses(func() answer { return s.signal(c.token()) }, 400, "invalid_request")
			if !strings.Contains(a.body, `"error_description":"The logout token is not valid here, or came before."`) || a.header.Get("WWW-Authenticate") != "" {
				t.Errorf("%v %s", a.header, a.body)
			}
			s.checkAlive(live.Secret)
		})
	}
	for name, token := range map[string]string{
		"typ JWT":                    sign(goodHeader, s.logoutClaims(s.main, m{"sid": "x"}), keys().k1),
		"typ logout+jwt in capitals": sign(with(logoutHeader, m{"typ": "Logout+JWT"}), s.logoutClaims(s.main, m{"sid": "x"}), keys().k1),
		"typ as a media type":        sign(with(logoutHeader, m{"typ": "application/logout+jwt"}), s.logoutClaims(s.main, m{"sid": "x"}), keys().k1),
		"no typ":                     sign(with(logoutHeader, m{"typ": nil}), s.logoutClaims(s.main, m{"sid": "x"}), keys().k1),
		"aud an array":               s.logoutToken(s.main, m{"sid": "x", "aud": []string{"spa", "web"}}),
		"sid alone":                  s.logoutToken(s.main, m{"sid": "x", "sub": nil}),
		"the event with members":     s.logoutToken(s.main, m{"sid": "x", "events": m{logoutEvent: m{"reason": "x"}}}),
		"the jti of another issuer":  s.logoutToken(s.other, m{"sub": nil, "jti": "once"}),
	} {
		t.Run("accepted: "+name, func(t *testing.T) {
			s.tb = t
			s.mustSignal(token)
		})
	}
	s.tb = t
	s.checkAlive(live.Secret)
}

// Case 242: nobody learns whether a session is there.
func TestSignalOfUnknownSession(t *testing.T) {
	s := newEndingService(t, nil)
	a := s.mustLogin(s.withClaims(m{sidClaim: "sid-1"}))
	s.mustSignal(s.logoutToken(s.main, m{"sid": "nobody's"}))
	s.mustSignal(s.logoutToken(s.main, m{"sid": nil, "sub": "auth0|nobody"}))
	s.checkAlive(a.Secret)
	if got := s.written(); got != "[1,1,1,2]" {
		t.Errorf("left behind: %s", got)
	}
}

// A jti counts again when the token has expired, and not before.
func TestSignalReplay(t *testing.T) {
	s := newEndingService(t, nil)
	token := s.logoutToken(s.main, nil)
	s.mustSignal(token)
	s.clock.advance(119 * time.Second)
	s.refuses(func() answer { return s.signal(token) }, 400, "invalid_request")
	if !strings.Contains(s.log.String(), `"reason":"replay"`) {
		t.Error("the log lacks the reason")
	}
	s.clock.advance(time.Second)
	s.refuses(func() answer { return s.signal(token) }, 400, "invalid_request") // expired
	s.mustSignal(s.logoutToken(s.main, m{"jti": "jti-1"}))
}

// A token that could not be obeyed may come again.
func TestSignalWithoutFauna(t *testing.T) {
	s := newEndingService(t, nil)
	a := s.mustLogin(s.withClaims(m{sidClaim: "sid-1"}))
	token := s.logoutToken(s.main, nil)
	s.fauna.set(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") })
	s.refuses(func() answer { return s.signal(token) }, 503, "temporarily_unavailable")
	s.fauna.set(nil)
	s.checkAlive(a.Secret)
	s.mustSignal(token)
	s.checkDead(a.Secret)
}

func TestSignalWithoutKeys(t *testing.T) {
	s := newEndingService(t, nil)
	s.server.answer("/main/.well-known/jwks.json", body(500, "text/plain", nil))
	token := s.logoutToken(s.main, nil)
	s.refuses(func() answer { return s.signal(token) }, 503, "temporarily_unavailable")
}

// Auth0 waits for five seconds. Whatever hangs, it is told to come again before that.
func TestSignalInTime(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	for _, what := range []string{"Fauna", "keys"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newEndingService(t, nil)
			if what == "Fauna" {
				s.fauna.set(func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				})
			} else {
				s.server.answer("/main/.well-known/jwks.json", func(_ http.ResponseWriter, r *http.Request) {
					select {
					case <-r.Context().Done():
					case <-hang:
					}
				})
			}
			begin := time.Now()
			a := s.signal(s.logoutToken(s.main, nil))
			if took := time.Since(begin); a.status != 503 || took > 4900*time.Millisecond {
				t.Errorf("%d after %v", a.status, took)
			}
		})
	}
	t.Cleanup(func() { close(hang) })
}

func TestSignalRequests(t *testing.T) {
	s := newEndingService(t, nil)
	const path = "/auth0/backchannel-logout"
	token := s.logoutToken(s.main, nil)
	form := "logout_token=" + token
	tests := []struct {
		name   string
		req    *http.Request
		status int
	}{
		{"no body", s.request("POST", path, "", formType), 400},
		{"no type", s.request("POST", path, form), 415},
		{"JSON", s.request("POST", path, `{"logout_token":"`+token+`"}`, "Content-Type: application/json"), 415},
		{"multipart", s.request("POST", path, form, "Content-Type: multipart/form-data; boundary=x"), 415},
		{"empty", s.request("POST", path, "logout_token=", formType), 400},
		{"twice", s.request("POST", path, form+"&"+form, formType), 400},
		{"twice, once empty", s.request("POST", path, form+"&logout_token=", formType), 400},
		{"another name", s.request("POST", path, "Logout_Token="+token, formType), 400},
		{"only in the query", s.request("POST", path+"?"+form, "", formType), 400},
		{"only in a header", s.request("POST", path, "", formType, "Authorization: Bearer "+token), 400},
		{"half an escape", s.request("POST", path, form+"%2", formType), 400},
		{"a semicolon", s.request("POST", path, form+";a=b", formType), 400},
		{"above 64 KiB", s.request("POST", path, form+"&x="+strings.Repeat("a", 64<<10), formType), 413},
		{"GET", s.request("GET", path+"?"+form, ""), 405},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.tb = t
			a := s.refuses(func() answer { return s.do(tt.req) }, tt.status, "invalid_request")
			if a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", a.header)
			}
		})
	}
	s.tb = t
	// What else is in the form is of no concern.
	if a := s.do(s.request("POST", path, "state=x&"+form+"&state=y", "Content-Type: application/x-www-form-urlencoded; charset=utf-8")); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	// Nor is it for pages.
	if a := s.do(s.request("OPTIONS", path, "", "Origin: https://app.example.com", "Access-Control-Request-Method: POST")); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("headers %v", a.header)
	}
}

// A tenant's logout token never ends what is another's, whatever it names.
func TestSignalOfAnotherTenant(t *testing.T) {
	s := newEndingService(t, func(_ *exchange.Config, v *exchange.VerifierConfig) {
		v.Tenants[1].SessionIDClaim = v.Tenants[0].SessionIDClaim
	})
	ours, theirs := s.mustLogin(s.of(s.main, m{sidClaim: "sid-1"})), s.mustLogin(s.of(s.other, m{sidClaim: "sid-1"}))
	s.mustSignal(s.logoutToken(s.other, nil))
	s.checkAlive(ours.Secret)
	s.checkDead(theirs.Secret)
	s.mustSignal(s.logoutToken(s.other, m{"sid": nil}))
	s.checkAlive(ours.Secret)
	s.mustLogin(s.of(s.main, m{sidClaim: "sid-1"}))
	// Under our name it needs our key.
	crossed := sign(logoutHeader, s.logoutClaims(s.main, nil), keys().other)
	s.refuses(func() answer { return s.signal(crossed) }, 400, "invalid_request")
	s.checkAlive(ours.Secret)
}

func TestHooksAreOffByDefault(t *testing.T) {
	s := newService(t, nil)
	s.refuses(func() answer { return s.signal(s.logoutToken(s.main, nil)) }, 404, "invalid_request")
	s.refuses(func() answer { return s.event("", m{}) }, 404, "invalid_request")
}
