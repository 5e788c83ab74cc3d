package exchange_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fauna-login/fauna-login/exchange"
)

// Every service of these tests is searched for leaks at its end, see checkWritten. Here that
// search finds what it is for, in each of the places it looks at.
func TestLeaksAreFound(t *testing.T) {
	s := newAuditor(t, exchange.ModeRefresh)
	token, machine := s.good(), s.machine(s.main, nil)
	a, cookie := s.loggedIn(token)
	b := s.refresh(cookie)
	next, _ := cookieOf(t, b)
	s.onBehalf(machine, m{"sub": user, "user": m{"email": "grace@example.com"}})
	s.signal(s.logoutToken(s.main, m{"sid": "the-sid-of-it"}))
	late := s.withClaims(m{"exp": s.in(0), namespac + "roles": []string{"night watch"}})
	s.login(late)
	_, payload, signature := parts(late)

	wrote := s.wrote()
	wrote["the metrics"] = s.metrics()
	for name, text := range wrote {
		if len(text) < 100 {
			t.Errorf("%s: %q", name, text)
		}
	}
	if leaks := s.watch.Leaks(wrote); len(leaks) != 0 {
		t.Errorf("%q", leaks)
	}
	for what, leak := range map[string]string{
		"a token": token, "its prefix": token[:21], "a refused token's payload": payload, "its signature": signature,
		"a machine's token": machine, "a secret": a.Secret, "a refreshed secret": b.Secret[10:31],
		"a handle": value(cookie), "the next handle": value(next), "the service's key": s.key, "the root secret": s.root,
		"an event token": mainEventsToo, "a copied claim": "ada@example.com", "a claim": "night watch",
		"a claim of a logout token": "the-sid-of-it", "a field": "grace@example.com",
	} {
		for name := range wrote {
			planted := maps.Clone(wrote)
			planted[name] = strings.Replace(planted[name], "\n", `{"msg":"`+leak+"\"}\n", 1)
			elsewhere := func(leak string) bool { return !strings.HasPrefix(leak, name) }
			if leaks := s.watch.Leaks(planted); len(leaks) == 0 || slices.ContainsFunc(leaks, elsewhere) {
				t.Errorf("%s in %s: %q", what, name, leaks)
			}
		}
	}
}
