package exchange_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

// linked is a JWT of main's with a link id.
func (e *caseEnv) linked(link string, extra m) string {
	return e.withClaims(with(m{namespac + "tid": link}, extra))
}

// session is a projection of a session's document.
func (s *service) session(id, fields string) string {
	s.tb.Helper()
	return s.query(s.root, `auth0_jwt.byId("`+id+`") { `+fields+` }`)
}

// A later JWT with the link id joins the session: what it permits is in there from then on, and
// both ways to a secret are one session.
func TestJWTJoinsLink(t *testing.T) {
	s := newOnBehalf(t, nil)
	made := s.backend(m{"sub": ada, "link_id": "link-1", "issue": "session", "session_id": "sid-1"})
	early := s.backend(m{"sub": ada, "link_id": "link-1"})
	joined := s.login(s.linked("link-1", m{"permissions": []string{"todo:write"}, namespac + "sid": "sid-1"}))
	if made.Session.ID == "" || early.Session != made.Session || joined.Session != made.Session || joined.User != made.User {
		t.Fatalf("sessions %v %v %v", made.Session, early.Session, joined.Session)
	}
	want := `{"origin":"server","requested_by":"backend","client_id":"spa","permissions":["todo:write"],"session_id":"sid-1","link_id":"link-1"}`
	if got := s.session(made.Session.ID, "origin, requested_by, client_id, permissions, session_id, link_id"); got != want {
		t.Errorf("the session is %s, want %s", got, want)
	}
	if got := s.query(early.Secret, `Query.identity()!.permissions`); got != `["todo:write"]` {
		t.Errorf("the server's secret sees %s", got)
	}

	// The same JWT again finds it, a second one gets its own, and the server still the first.
	again := s.login(s.linked("link-1", m{"permissions": []string{"todo:write"}, namespac + "sid": "sid-1"}))
	second := s.login(s.linked("link-1", m{"jti": "second"}))
	later := s.backend(m{"sub": ada, "link_id": "link-1"})
	if again.Session != made.Session || second.Session == made.Session || later.Session != made.Session {
		t.Errorf("sessions %v %v %v, the first is %v", again.Session, second.Session, later.Session, made.Session)
	}
	if got := s.session(second.Session.ID, "origin, requested_by"); got != `{"origin":"jwt","requested_by":null}` {
		t.Errorf("the second JWT's session is %s", got)
	}
}

// Once joined, the session lives as long as the JWT, be that less or more than was asked for.
func TestJoinedSessionLivesAsTheJWT(t *testing.T) {
	s := newOnBehalf(t, nil)
	shorter := s.backend(m{"sub": ada, "link_id": "shorter", "ttl": 900})
	if a := s.login(s.linked("shorter", m{"exp": s.in(60)})); a.Session != shorter.Session || a.ExpiresIn != 60 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := s.backend(m{"sub": ada, "link_id": "shorter", "ttl": 900}); a.Session != shorter.Session || a.ExpiresIn != 60 {
		t.Errorf("the server gets %d s of %v", a.ExpiresIn, a.Session)
	}
	longer := s.backend(m{"sub": ada, "link_id": "longer", "ttl": 60})
	long := s.login(s.linked("longer", m{"exp": s.in(600)}))
	if long.Session != longer.Session || long.ExpiresIn != 600 {
		t.Fatalf("%d %s", long.status, long.body)
	}
	s.clock.advance(59 * time.Second)
	for name, secret := range map[string]string{"shorter": shorter.Secret, "longer": longer.Secret, "long": long.Secret} {
		if got := s.query(secret, "1"); got != "1" {
			t.Errorf("before its time %s answers %s", name, got)
		}
	}
	s.clock.advance(time.Second)
	for name, secret := range map[string]string{"shorter": shorter.Secret, "longer": longer.Secret} {
		if got := s.query(secret, "1"); got != "unauthorized" {
			t.Errorf("after its time %s answers %s", name, got)
		}
	}
	if got := s.query(long.Secret, "Query.identity()!.id"); got != `"`+longer.Session.ID+`"` {
		t.Errorf("the JWT's secret answers %s", got)
	}
}

// A link id joins the same user of the same tenant, and nobody else.
func TestLinkCrossings(t *testing.T) {
	s := newOnBehalf(t, nil)
	made := s.backend(m{"sub": ada, "link_id": "link-1"})
	roles := m{namespac + "roles": []string{}}
	for name, token := range map[string]string{
		"another user":                 s.linked("link-1", m{"sub": "auth0|mallory"}),
		"another tenant's same user":   s.fromStrict("RS256", with(roles, m{namespac + "tid": "link-1"})),
		"another link id":              s.linked("link-2", nil),
		"no link id":                   s.good(),
		"the link id in another claim": s.withClaims(m{namespac + "link": "link-1", "tid": "link-1"}),
	} {
		if a := s.login(token); a.status != 200 || a.Session == made.Session {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for name, a := range map[string]answer{
		"another client":                      s.onBehalf(s.machine(s.main, m{"sub": "mailer@clients", "azp": "mailer"}), m{"sub": ada, "link_id": "link-1"}),
		"another user":                        s.onBehalf(s.machine(s.main, nil), m{"sub": "auth0|mallory", "link_id": "link-1"}),
		"another tenant's client of the name": s.onBehalf(s.machine(s.strict, nil), m{"sub": ada, "link_id": "link-1"}),
	} {
		if a.status != 200 || a.Session == made.Session {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if got := s.session(made.Session.ID, "jwt_hash, requested_by"); got != `{"jwt_hash":null,"requested_by":"backend"}` {
		t.Errorf("the session was touched: %s", got)
	}
	if a := s.login(s.linked("link-1", nil)); a.Session != made.Session {
		t.Errorf("the right one: %d %s", a.status, a.body)
	}
	// A link id that is no identifier refuses the JWT: deny marks go by it.
	for _, link := range []any{1, "", "a\nb", []string{"link-1"}} {
		checkRefusal(t, s.login(s.withClaims(m{namespac + "tid": link})), exchange.InvalidToken)
	}
}

// Where an app links accounts, two tenants have one user document: their link ids are still two.
func TestLinkCrossesNoTenantOfALinkedUser(t *testing.T) {
	s := newOnBehalf(t, nil)
	made := s.backend(m{"sub": ada, "link_id": "link-1"})
	s.query(s.root, `User.byId("`+made.User.ID+`")!.update({ auth0_tenant: "strict" })`)
	token := s.fromStrict("RS256", m{namespac + "tid": "link-1"})
	if a := s.login(token); a.status != 200 || a.User != made.User || a.Session == made.Session {
		t.Errorf("the other tenant's JWT: %d %s, the session is %s", a.status, a.body, made.Session.ID)
	}
	if a := s.onBehalf(s.machine(s.strict, nil), m{"sub": ada, "link_id": "link-1"}); a.status != 200 || a.User != made.User || a.Session == made.Session {
		t.Errorf("the other tenant's server: %d %s, the session is %s", a.status, a.body, made.Session.ID)
	}
	if a := s.logout(token); a.status != 204 {
		t.Errorf("logging out: %d %s", a.status, a.body)
	}
	if got := s.query(made.Secret, "1"); got != "1" {
		t.Errorf("the server's secret answers %s", got)
	}
}

// Ending a server's session denies its link id, so that the JWT on its way comes too late.
func TestEndedLink(t *testing.T) {
	s := newOnBehalf(t, nil)
	end := func(a answer) {
		t.Helper()
		if got := s.query(a.Secret, "logoutAuth0().session"); got != `"`+a.Session.ID+`"` {
			t.Fatalf("logging out: %s", got)
		}
	}
	end(s.backend(m{"sub": ada, "link_id": "link-1"}))
	checkRefusal(t, s.login(s.linked("link-1", nil)), exchange.InvalidToken)
	checkRefusal(t, s.onBehalf(s.machine(s.main, nil), m{"sub": ada, "link_id": "link-1"}), exchange.AccessDenied)
	if a := s.login(s.fromStrict("RS256", m{namespac + "tid": "link-1"})); a.status != 200 {
		t.Errorf("another tenant's link id is denied: %d %s", a.status, a.body)
	}

	// A joined session: both its JWT and its link id.
	made := s.backend(m{"sub": ada, "link_id": "link-2"})
	joined := s.login(s.linked("link-2", nil))
	end(joined)
	if got := s.query(made.Secret, "1"); got != "unauthorized" {
		t.Errorf("the server's secret answers %s", got)
	}
	checkRefusal(t, s.login(s.linked("link-2", nil)), exchange.InvalidToken)
	checkRefusal(t, s.login(s.linked("link-2", m{"jti": "second"})), exchange.InvalidToken)

	// The user is not denied.
	if a := s.login(s.good()); a.status != 200 {
		t.Errorf("a JWT without a link: %d %s", a.status, a.body)
	}
}

// Asking again with a link id finds the session, also twenty times at once, and a longer time
// makes it live longer.
func TestLinkAskedAgain(t *testing.T) {
	s := newOnBehalf(t, nil)
	first := s.backend(m{"sub": ada, "link_id": "link-1", "ttl": 60})
	if a := s.backend(m{"sub": ada, "link_id": "link-1", "ttl": 30}); a.Session != first.Session || a.ExpiresIn != 30 {
		t.Errorf("less: %s", a.body)
	}
	if a := s.backend(m{"sub": ada, "link_id": "link-1", "ttl": 600, "issue": "session"}); a.Session != first.Session || a.ExpiresIn != 600 {
		t.Errorf("more: %s", a.body)
	}
	if a := s.backend(m{"sub": ada, "link_id": "link-1", "ttl": 60, "issue": "session"}); a.Session != first.Session || a.ExpiresIn != 600 {
		t.Errorf("the session's own end: %s", a.body)
	}
	s.clock.advance(60 * time.Second)
	if got := s.query(first.Secret, "1"); got != "unauthorized" {
		t.Errorf("the first secret answers %s", got)
	}
	if a := s.backend(m{"sub": ada, "link_id": "link-1", "ttl": 60}); a.Session != first.Session {
		t.Errorf("a minute later: %s", a.body)
	}

	var group sync.WaitGroup
	var mu sync.Mutex
	sessions := map[string]bool{}
	for range 20 {
		group.Go(func() {
			a := s.onBehalf(s.machine(s.main, nil), m{"sub": "auth0|many", "link_id": "link-2"})
			mu.Lock()
			defer mu.Unlock()
			sessions[fmt.Sprint(a.status, " ", a.Session.ID)] = true
		})
	}
	group.Wait()
	if len(sessions) != 1 {
		t.Errorf("twenty at once: %v", sessions)
	}
	if got := s.query(s.root, `Token.where(t => t.document == auth0_jwt.byLinkId("link-2").first()).count()`); got != "20" {
		t.Errorf("%s secrets", got)
	}
}
