package exchange_test

import (
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

// Case 237: Fauna's clock is ahead of ours, or behind. The secret never outlives the JWT, by
// Fauna's clock, which is the one that counts when the secret is used.
func TestClocksApart(t *testing.T) {
	for _, apart := range []time.Duration{10 * time.Second, -10 * time.Second} {
		t.Run(apart.String(), func(t *testing.T) {
			var s *service
			s = newService(t, func(c *exchange.Config, v *exchange.VerifierConfig) {
				// The engine keeps the test's clock; the service's is behind or ahead.
				ours := func() time.Time { return s.clock.now().Add(-apart) }
				c.Now, v.Now = ours, ours
			})
			exp := s.clock.now().Add(30 * time.Second)
			a := s.login(s.withClaims(m{"exp": exp.Unix()}))
			if a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if !a.ExpiresAt.Equal(exp) || !a.IssuedAt.Equal(s.clock.now().Truncate(time.Second)) {
				t.Errorf("issued %s, expires %s; the JWT expires %s", a.IssuedAt, a.ExpiresAt, exp)
			}
			s.clock.advance(29 * time.Second)
			if got := s.query(a.Secret, "1"); got != "1" {
				t.Errorf("before the JWT's end: %s", got)
			}
			s.clock.advance(time.Second)
			if got := s.query(a.Secret, "1"); got != "unauthorized" {
				t.Errorf("at the JWT's end: %s", got)
			}
		})
	}
}
