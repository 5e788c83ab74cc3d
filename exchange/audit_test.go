package exchange_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

// auditor is a service with every route that its mode has, behind a proxy on this machine, and
// a reader of its record.
type auditor struct {
	*service
	read int // bytes of the record
}

func newAuditor(tb testing.TB, mode exchange.Mode) *auditor {
	return &auditor{service: newEndingService(tb, func(c *exchange.Config, v *exchange.VerifierConfig) {
		if mode != exchange.ModeBearer {
			c.Mode, c.Keys = mode, []exchange.Key{ringKey(1)}
		}
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.PerSubject, c.PerIP = 5, 50
		v.Tenants[0].OnBehalf = exchange.OnBehalf{Clients: []string{"backend"}, Scope: "fauna:issue_for_user", MaxTTL: 15 * time.Minute}
	})}
}

// passBy leaves out what was recorded until now.
func (s *auditor) passBy() { s.read = len(s.audit.String()) }

// check wants these lines, in this order, and no others since the last look: of the request that
// was answered so, at this time, from this machine unless a line says otherwise.
func (s *auditor) check(a answer, want ...m) {
	s.tb.Helper()
	written := s.audit.String()[s.read:]
	s.passBy()
	for line := range strings.Lines(written) {
		var got m
		if err := json.Unmarshal([]byte(line), &got); err != nil || !strings.HasSuffix(line, "}\n") || len(line) > 8<<10 {
			s.tb.Fatalf("a line of %d bytes: %v: %.300s", len(line), err, line)
		}
		if got["request_id"] != a.header.Get("X-Request-Id") || got["time"] != s.clock.now().UTC().Format(time.RFC3339Nano) {
			s.tb.Errorf("another request or time: %s", line)
		}
		delete(got, "request_id")
		delete(got, "time")
		if len(want) == 0 {
			s.tb.Errorf("one line too many: %s", line)
			continue
		}
		if expected := with(m{"ip": "127.0.0.1"}, want[0]); !reflect.DeepEqual(got, expected) {
			s.tb.Errorf("got  %s\nwant %s", text(got), text(expected))
		}
		want = want[1:]
	}
	for _, line := range want {
		s.tb.Errorf("missing: %s", text(line))
	}
}

// line is what a line holds, of several parts.
func line(operation, decision string, parts ...m) m {
	l := m{"operation": operation, "decision": decision}
	for _, part := range parts {
		maps.Copy(l, part)
	}
	return l
}

func because(r exchange.Reason) m { return m{"reason": string(r)} }

// jwtHash is the name of a token of the plain tenant.
func jwtHash(token string) m {
	h := sha256.New()
	h.Write([]byte("auth0_jwt/v1\x00"))
	_ = binary.Write(h, binary.BigEndian, uint32(len("main")))
	h.Write([]byte("main" + token[:strings.LastIndexByte(token, '.')]))
	return m{"jwt_hash": hex.EncodeToString(h.Sum(nil))}
}

// Whom a line is about, and who sent the token or asked.
var (
	theUser   = m{"tenant": "main", "sub": user}
	bySPA     = m{"client_id": "spa"}
	byBackend = m{"client_id": "backend"}
	bySelf    = m{"tenant": "main", "sub": "backend@clients", "client_id": "backend"} // the server's own token
)

// session is what an answer tells of the session.
func session(a answer) m { return m{"user_id": a.User.ID, "session_id": a.Session.ID} }

// Each decision of each route leaves exactly these lines.
func TestAudit(t *testing.T) {
	down := func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") }
	for _, c := range []struct {
		name string
		mode exchange.Mode
		run  func(s *auditor)
	}{
		{"exchange", exchange.ModeBearer, func(s *auditor) {
			token := s.good()
			a := s.mustLogin(token)
			s.check(a, line("exchange", "issued", theUser, bySPA, session(a), jwtHash(token)))
			a = s.mustLogin(token)
			s.check(a, line("exchange", "issued", theUser, bySPA, session(a), jwtHash(token)))
		}},
		{"exchange of no token", exchange.ModeBearer, func(s *auditor) {
			s.check(s.do(s.request("POST", "/fauna-login", "")), line("exchange", "refused", because(exchange.ReasonNoToken)))
			s.check(s.do(s.request("POST", "/fauna-login", "{", "Content-Type: application/json")), line("exchange", "refused", because(exchange.ReasonRequest)))
		}},
		{"exchange of a bad token", exchange.ModeBearer, func(s *auditor) {
			s.check(s.login("x"), line("exchange", "refused", because(exchange.ReasonShape)))
			s.check(s.login(s.withHeader(m{"kid": "k9"}, keys().k1)),
				line("exchange", "refused", because(exchange.ReasonKeyUnknown), m{"tenant": "main"}))
			// Nobody's word but the sender's: no hash. With a good signature there is one.
			s.check(s.login(s.withHeader(nil, keys().attacker)), line("exchange", "refused", because(exchange.ReasonSignature), m{"tenant": "main"}))
			token := s.withClaims(m{"aud": "https://elsewhere.example.com"})
			s.check(s.login(token), line("exchange", "refused", because(exchange.ReasonAudience), theUser, bySPA, jwtHash(token)))
		}},
		{"exchange too often", exchange.ModeBearer, func(s *auditor) {
			token := s.good()
			for range 5 {
				s.mustLogin(token)
			}
			s.passBy()
			s.check(s.login(token), line("exchange", "refused", because(exchange.ReasonRateSubject), theUser, bySPA, jwtHash(token)))
			for range 44 {
				s.login("x")
			}
			s.passBy()
			s.check(s.login(token), line("exchange", "refused", because(exchange.ReasonRateIP)))
		}},
		{"exchange denied and blocked", exchange.ModeBearer, func(s *auditor) {
			token := s.good()
			a := s.mustLogin(token)
			s.query(a.Secret, "logoutAuth0()")
			s.passBy()
			s.check(s.login(token), line("exchange", "refused", because(exchange.ReasonDenyMark), theUser, bySPA, jwtHash(token)))
			s.query(s.root, `User.byId("`+a.User.ID+`")!.update({ blocked: true })`)
			token = s.withClaims(m{"iat": s.in(-4)})
			s.check(s.login(token), line("exchange", "refused", because(exchange.ReasonBlocked), theUser, bySPA, jwtHash(token)))
		}},
		{"exchange without Fauna", exchange.ModeBearer, func(s *auditor) {
			s.fauna.set(down)
			token := s.good()
			s.check(s.login(token), line("exchange", "error", because(exchange.ReasonFauna), theUser, bySPA, jwtHash(token)))
		}},
		{"exchange without keys", exchange.ModeBearer, func(s *auditor) {
			s.server.answer("/main/.well-known/jwks.json", body(500, "text/plain", nil))
			s.check(s.login(s.good()), line("exchange", "error", because(exchange.ReasonKeysUnavailable), m{"tenant": "main"}))
		}},
		{"OAuth", exchange.ModeBearer, func(s *auditor) {
			token, machine := s.good(), s.machine(s.main, nil)
			a := s.token(exchangeForm(token, nil))
			s.check(a, line("exchange", "issued", theUser, bySPA, session(a), jwtHash(token)))
			s.check(s.token("grant_type=password"), line("exchange", "refused", because(exchange.ReasonRequest)))
			s.check(s.token(exchangeForm(token, map[string]string{"scope": "admin"})),
				line("exchange", "refused", because(exchange.ReasonRequest), theUser, bySPA, jwtHash(token)))

			withActor := map[string]string{"actor_token": machine, "actor_token_type": accessToken}
			a = s.token(exchangeForm(token, withActor))
			s.check(a, line("on_behalf", "issued", theUser, byBackend, session(a), jwtHash(token)))
			s.check(s.token(exchangeForm(machine, withActor)), line("on_behalf", "refused", because(exchange.ReasonMachine), bySelf, jwtHash(machine)))
			late := s.withClaims(m{"exp": s.in(0)})
			s.check(s.token(exchangeForm(late, withActor)), line("on_behalf", "refused", because(exchange.ReasonExpired), theUser, byBackend, jwtHash(late)))
			withActor["actor_token"] = token
			s.check(s.token(exchangeForm(token, withActor)), line("on_behalf", "refused", because(exchange.ReasonNotMachine), theUser, bySPA, jwtHash(token)))
		}},
		{"on behalf", exchange.ModeBearer, func(s *auditor) {
			a := s.backend(m{"sub": user, "user": m{"email": "ada@example.com"}})
			s.check(a, line("on_behalf", "issued", theUser, byBackend, session(a)))
			a = s.backend(m{"sub": user, "issue": "session"})
			s.check(a, line("on_behalf", "issued", theUser, byBackend, session(a)))
			a = s.backend(m{"sub": user, "issue": "user"})
			s.check(a, line("on_behalf", "done", theUser, byBackend, m{"user_id": a.User.ID}))
			s.query(s.root, `User.byId("`+a.User.ID+`")!.update({ blocked: true })`)
			s.check(s.onBehalf(s.machine(s.main, nil), m{"sub": user}), line("on_behalf", "refused", because(exchange.ReasonBlocked), theUser, byBackend))
		}},
		{"on behalf refused", exchange.ModeBearer, func(s *auditor) {
			token := s.good()
			s.check(s.onBehalf(token, m{"sub": user}), line("on_behalf", "refused", because(exchange.ReasonNotMachine), theUser, bySPA, jwtHash(token)))
			token = s.machine(s.main, nil)
			s.check(s.onBehalf(token, m{"sub": user, "ttl": 0}), line("on_behalf", "refused", because(exchange.ReasonRequest), bySelf, jwtHash(token)))
			token = s.machine(s.main, m{"scope": "x"})
			s.check(s.onBehalf(token, m{"sub": user}), line("on_behalf", "refused", because(exchange.ReasonScope), bySelf, jwtHash(token)))
			s.fauna.set(down)
			s.check(s.onBehalf(s.machine(s.main, nil), m{"sub": user}), line("on_behalf", "error", because(exchange.ReasonFauna), theUser, byBackend))
		}},
		{"logout with the token", exchange.ModeBearer, func(s *auditor) {
			// A server's session for the token's link id ends with the token's own.
			token := s.withClaims(m{linkClaim: "link"})
			own := s.mustLogin(token)
			linked := s.backend(m{"sub": user, "link_id": "link"})
			s.passBy()
			a := s.logout(token)
			s.check(a, line("logout", "ended", theUser, bySPA, session(own), jwtHash(token)),
				line("logout", "ended", theUser, byBackend, session(linked)))
			a = s.logout(token)
			s.check(a, line("logout", "done", theUser, bySPA, jwtHash(token)))
			token = s.withClaims(m{"exp": s.in(0)})
			s.check(s.logout(token), line("logout", "refused", because(exchange.ReasonExpired), theUser, bySPA, jwtHash(token)))
		}},
		{"logout with the secret", exchange.ModeBearer, func(s *auditor) {
			token := s.good()
			a := s.mustLogin(token)
			s.passBy()
			s.check(s.logout(a.Secret), line("logout", "ended", theUser, bySPA, session(a), jwtHash(token)))
			s.check(s.logout(a.Secret), line("logout", "done"))
			s.check(s.logout(s.key), line("logout", "done"))
			s.fauna.set(down)
			s.check(s.logout(a.Secret), line("logout", "error", because(exchange.ReasonFauna)))
		}},
		{"logout of a user who is gone", exchange.ModeBearer, func(s *auditor) {
			token := s.good()
			a := s.mustLogin(token)
			s.query(s.root, `User.byId("`+a.User.ID+`")!.delete()`)
			s.passBy()
			s.check(s.logout(a.Secret), line("logout", "ended", m{"tenant": "main"}, bySPA, session(a), jwtHash(token)))
		}},
		{"back-channel logout", exchange.ModeBearer, func(s *auditor) {
			first, second := s.withClaims(m{sidClaim: "sid-1"}), s.withClaims(m{sidClaim: "sid-1", "sub": "auth0|grace"})
			a, b := s.mustLogin(first), s.mustLogin(second)
			s.passBy()
			token := s.logoutToken(s.main, m{"sub": nil})
			s.check(s.signal(token), line("backchannel_logout", "ended", theUser, bySPA, session(a), jwtHash(first)),
				line("backchannel_logout", "ended", m{"tenant": "main", "sub": "auth0|grace"}, bySPA, session(b), jwtHash(second)))
			s.check(s.signal(token), line("backchannel_logout", "refused", because(exchange.ReasonReplay), m{"tenant": "main"}, jwtHash(token)))
			token = s.logoutToken(s.main, nil)
			s.check(s.signal(token), line("backchannel_logout", "done", theUser, jwtHash(token)))
			s.check(s.signal(first), line("backchannel_logout", "refused", because(exchange.ReasonNotLogoutToken), theUser, bySPA, jwtHash(first)))
			s.check(s.do(s.request("POST", "/auth0/backchannel-logout", "", formType)), line("backchannel_logout", "refused", because(exchange.ReasonRequest)))
		}},
		{"event", exchange.ModeBearer, func(s *auditor) {
			token := s.good()
			a := s.mustLogin(token)
			s.passBy()
			s.check(s.event(mainEvents, s.updated(user, s.clock.now(), true)), line("event", "ended", theUser, bySPA, session(a), jwtHash(token)))
			s.check(s.event(mainEvents, s.updated(user, s.clock.now().Add(-time.Second), false)), line("event", "done", theUser)) // too late
			s.check(s.event(mainEvents, s.deleted("auth0|grace", s.clock.now())), line("event", "done", m{"tenant": "main", "sub": "auth0|grace"}))
			s.check(s.event(mainEvents, s.eventOf("user.created", user, s.clock.now(), nil, nil)), line("event", "done", m{"tenant": "main"}))
			s.check(s.event("somebody's", s.deleted(user, s.clock.now())), line("event", "refused", because(exchange.ReasonEventToken)))
			s.check(s.event(mainEvents, "{"), line("event", "refused", because(exchange.ReasonRequest), m{"tenant": "main"}))
			s.fauna.set(down)
			s.check(s.event(mainEvents, s.deleted(user, s.clock.now())), line("event", "error", because(exchange.ReasonFauna), theUser))
		}},
		{"a part ended", exchange.ModeBearer, func(s *auditor) {
			a := s.mustLogin(s.good())
			s.query(s.root, `let one = auth0_jwt.byId("`+a.Session.ID+`")!; Set.sequence(0, 100).forEach(n => auth0_jwt.create({
				user: one.user, tenant: "main", issuer: one.issuer, scope: [], permissions: [], issued_at: one.issued_at,
				expires_at: one.expires_at, origin: "server", client_id: "spa", ttl: one.expires_at }))`)
			s.passBy()
			var requests atomic.Int32
			s.fauna.set(func(r *http.Request) (*http.Response, error) {
				if requests.Add(1) == 1 {
					return nil, nil
				}
				return down(r)
			})
			answer := s.signal(s.logoutToken(s.main, m{"sid": nil}))
			lines := strings.Count(s.audit.String()[s.read:], `"decision":"ended"`)
			if lines != 100 || answer.status != 503 {
				s.tb.Errorf("%d sessions ended, status %d", lines, answer.status)
			}
			if !strings.Contains(s.lastAudit(), `"decision":"error","reason":"fauna_unavailable"`) {
				s.tb.Errorf("last line: %s", s.lastAudit())
			}
		}},
		{"refresh", exchange.ModeRefresh, func(s *auditor) {
			token := s.good()
			a, first := s.loggedIn(token)
			s.passBy()
			b := s.refresh(first)
			s.check(b, line("refresh", "issued", theUser, bySPA, session(a), jwtHash(token)))
			s.check(s.refresh(""), line("refresh", "refused", because(exchange.ReasonHandle)))
			s.clock.advance(time.Minute)
			s.check(s.refresh(first), line("refresh", "ended", theUser, bySPA, session(a), jwtHash(token)),
				line("refresh", "refused", because(exchange.ReasonHandleReused), m{"session_id": a.Session.ID}))
			s.check(s.refresh(first), line("refresh", "refused", because(exchange.ReasonEnded), m{"session_id": a.Session.ID}))
			s.check(s.do(s.request("POST", "/fauna-login/refresh", "", "Cookie: "+first)), line("refresh", "refused", because(exchange.ReasonCSRF)))
		}},
		{"logout with a handle", exchange.ModeRefresh, func(s *auditor) {
			token := s.good()
			a, cookie := s.loggedIn(token)
			s.passBy()
			s.check(s.page("DELETE", "/fauna-login", cookie, ""), line("logout", "ended", theUser, bySPA, session(a), jwtHash(token)))
			s.check(s.page("DELETE", "/fauna-login", cookie, ""), line("logout", "done"))
		}},
		{"queries with a cookie", exchange.ModeCookie, func(s *auditor) {
			token := s.good()
			a, cookie := s.loggedIn(token)
			s.check(a, line("exchange", "issued", theUser, bySPA, session(a), jwtHash(token)))
			s.check(s.cookieQuery(cookie, "1")) // no decision
			s.check(s.cookieQuery("", "1"), line("query", "refused", because(exchange.ReasonCookie)))
			s.check(s.pageOf("413", "POST", "/query/1", cookie, "{}"), line("query", "refused", because(exchange.ReasonCookieUser), m{"session_id": a.Session.ID}))
			s.check(s.pageOf("413", "DELETE", "/fauna-login", cookie, ""), line("logout", "done"))
			s.check(s.do(s.request("POST", "/query/1", "{}", "Cookie: "+cookie)), line("query", "refused", because(exchange.ReasonCSRF)))
			s.check(s.page("DELETE", "/fauna-login", cookie, ""), line("logout", "ended", theUser, bySPA, session(a), jwtHash(token)))
		}},
		{"no decision", exchange.ModeBearer, func(s *auditor) {
			for _, request := range []*http.Request{
				s.request("GET", "/healthz", ""), s.request("GET", "/readyz", ""), s.request("GET", "/nothing", ""),
				s.request("PUT", "/fauna-login", ""), s.request("GET", "/.well-known/oauth-authorization-server", ""),
				s.request("OPTIONS", "/fauna-login", "", "Origin: https://app.example.com", "Access-Control-Request-Method: POST"),
				s.request("POST", "/query/1", `{"query":"1"}`, "Authorization: Bearer x"),
			} {
				s.check(s.do(request))
			}
		}},
		{"what strangers write", exchange.ModeBearer, func(s *auditor) {
			refused := because(exchange.ReasonSubject)
			for sub, want := range map[string]string{
				"auth0|\r\n{\"decision\":\"issued\"}": `auth0|\r\n{\"decision\":\"issued\"}`,
				"auth0|\u2028\x1b[31m\u202e":          `auth0|\u2028\x1b[31m\u202e`,
				"<b>&\"'":                             `<b>&"'`,
				strings.Repeat("s", 300):              strings.Repeat("s", 256),
				strings.Repeat("\x00", 300):           strings.Repeat(`\x00`, 64),
				strings.Repeat("é", 200):              strings.Repeat("é", 128),
				"a" + strings.Repeat("é", 200):        "a" + strings.Repeat("é", 127) + `\`,
			} {
				token := s.withClaims(m{"sub": sub, "azp": nil})
				a := s.login(token)
				s.check(a, line("exchange", "refused", refused, m{"tenant": "main", "sub": want}, jwtHash(token)))
			}
		}},
		{"addresses", exchange.ModeBearer, func(s *auditor) {
			for forwarded, ip := range map[string]string{
				"203.0.113.7":                         "203.0.113.7",
				"198.51.100.1, 203.0.113.7":           "203.0.113.7", // the left one is anybody's
				"203.0.113.7, 127.0.0.9":              "203.0.113.7", // another trusted proxy
				"203.0.113.7:1234":                    "203.0.113.7",
				"::ffff:203.0.113.7":                  "203.0.113.7",
				"[2001:db8::7]:443":                   "2001:db8::7",
				"2001:db8::7, nonsense":               "127.0.0.1",
				"fe80::1%" + strings.Repeat("z", 300): "fe80::1%" + strings.Repeat("z", 248),
			} {
				a := s.do(s.request("POST", "/fauna-login", "", "X-Forwarded-For: "+forwarded))
				s.check(a, line("exchange", "refused", because(exchange.ReasonNoToken), m{"ip": ip}))
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newAuditor(t, c.mode)
			c.run(s)
		})
	}
}
