package exchange_test

import (
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

// The stand-in tenant's faults, with a user's token before, during and after each. The
// edges of every one are in TestKeysFaults.
func TestKeysOfAuth0Tenant(t *testing.T) {
	for name, mode := range map[string]auth0test.Mode{
		"down": auth0test.Down, "429": auth0test.TooManyRequests, "500": auth0test.ServerError, "html": auth0test.HTML,
		"empty_set": auth0test.EmptySet, "slow": auth0test.Slow, "huge": auth0test.Huge, "redirect": auth0test.Redirect,
	} {
		t.Run(name, func(t *testing.T) {
			auth0, v := auth0Verifier(t)
			forged := auth0.Mint(auth0test.Claims{"header": auth0test.Claims{"kid": "forged"}})
			expect := func(token string, want exchange.Reason) {
				t.Helper()
				_, err := v.Verify(t.Context(), token, exchange.PurposeExchange)
				if got := reasonOf(t, err); got != want {
					t.Errorf("reason %q, want %q (%v)", got, want, err)
				}
			}
			expect(auth0.Mint(), accepted)
			auth0.Fail(mode)
			expect(forged, unavailable)
			expect(auth0.Mint(), accepted)
			auth0.Fail(auth0test.None)
			expect(forged, unknown)
			expect(auth0.Mint(), accepted)
		})
	}
}

// Auth0 publishes the next key before it signs with it: a rotation costs no fetch, the
// second one in a row does.
func TestKeysOfAuth0TenantRotated(t *testing.T) {
	auth0, v := auth0Verifier(t)
	for rotation, fetches := range []int{1, 1, 2, 2} {
		if _, err := v.Verify(t.Context(), auth0.Mint(), exchange.PurposeExchange); err != nil {
			t.Fatalf("after rotation %d: %v", rotation, err)
		}
		if got := auth0.Fetches(); got != fetches {
			t.Errorf("after rotation %d: %d fetches, want %d", rotation, got, fetches)
		}
		auth0.Rotate()
	}
}

func auth0Verifier(t *testing.T) (*auth0test.Tenant, *exchange.Verifier) {
	auth0 := auth0test.New(t)
	return auth0, newVerifier(t, exchange.VerifierConfig{
		Tenants: []exchange.Tenant{{Name: "t", Issuers: []string{auth0.Issuer}, Audience: []string{auth0.Audience}}},
		Keys:    exchange.KeyConfig{Timeout: time.Second, Cooldown: time.Nanosecond},
	})
}
