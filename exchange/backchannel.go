package exchange

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/labstack/echo/v4"
)

// hookTimeout bounds the answer to what Auth0 sends: it waits for 5 s.
const hookTimeout = 4 * time.Second

// postBackchannelLogout ends the sessions that a logout token names (OpenID Connect Back-Channel
// Logout 1.0 §2.5–2.8). That there are none is a success too.
//
// With a sid these are the sessions of that Auth0 session. A tenant without session_id_claim has
// sessions that know no sid: then all of the user's end that were issued until the logout, which
// is more than was asked for. With a sub alone it is the user's sessions anyway. A session whose
// JWT came without the claim, where there is one, is not found by a sid.
func (s *Service) postBackchannelLogout(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), hookTimeout)
	defer cancel()
	token, err := logoutToken(c)
	if err != nil {
		return err
	}
	verdict, err := s.verify(ctx, token, PurposeLogoutToken)
	if err != nil {
		return logoutTokenError(err)
	}
	if !s.logouts.reserve(verdict) {
		return &Error{problem: problemLogoutToken, Reason: ReasonReplay}
	}
	ended, err := s.Fauna.EndSessions(ctx, s.namedBy(verdict))
	recordOf(ctx).endedAll(ended...)
	if err != nil {
		s.logouts.release(verdict) // for Auth0 to try again
		return endError(ctx, err)
	}
	return c.NoContent(http.StatusOK)
}

// logoutToken takes the one token out of the form; other parameters are ignored (§2.5).
func logoutToken(c echo.Context) (string, error) {
	body, err := readBody(c)
	if err != nil {
		return "", err
	}
	if mediaType(c) != "application/x-www-form-urlencoded" {
		return "", &Error{problem: problemFormType, Reason: ReasonRequest}
	}
	form, err := url.ParseQuery(string(body))
	if tokens := form["logout_token"]; err == nil && len(tokens) == 1 && tokens[0] != "" {
		return tokens[0], nil
	}
	return "", wants("Exactly one logout_token expected, in a form.")
}

// logoutTokenError is the answer to a logout token that was refused: 400, whatever is wrong with
// it (§2.8), and never because keys are out of reach, for Auth0 gives a session up after a 400.
func logoutTokenError(err error) error {
	e := errorOf(err)
	if e.status < http.StatusInternalServerError {
		e.problem = problemLogoutToken
	}
	return e
}

// namedBy selects the sessions that a logout token is about.
func (s *Service) namedBy(v Verdict) fqlx.EndRequest {
	r := fqlx.EndRequest{Tenant: v.Tenant, Kind: fqlx.KindUser, Value: v.Subject, Before: v.IssuedAt, Keep: s.Verifier.longestLife()}
	known := s.Verifier.tenantOf(v).SessionIDClaim != ""
	if v.SessionID != "" && (known || v.Subject == "") {
		r.Kind, r.Value = fqlx.KindSession, v.SessionID
	}
	return r
}

// maxReplays bounds the memory of replays; beyond it those that have expired are dropped, and if
// too few have, any.
const maxReplays = 100_000

// replays remembers the logout tokens that were obeyed, until they expire: their jti counts once
// (§2.6). Each instance has its own, and it may forget: a token obeyed twice ends what it ended
// before, for it only covers sessions that are older than itself.
type replays struct {
	now func() time.Time

	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time // hash of issuer and jti → exp
}

func newReplays(now func() time.Time) *replays {
	return &replays{now: now, until: map[[sha256.Size]byte]time.Time{}}
}

// reserve notes a token, or reports that it is noted already.
func (r *replays) reserve(v Verdict) bool {
	key, now := replayKey(v), r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if until, found := r.until[key]; found && until.After(now) {
		return false
	}
	makeRoom(r.until, maxReplays, func(until time.Time) bool { return !until.After(now) })
	r.until[key] = v.ExpiresAt
	return true
}

// release forgets a token that could not be obeyed.
func (r *replays) release(v Verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.until, replayKey(v))
}

// replayKey needs no more than a NUL between the two: neither holds one.
func replayKey(v Verdict) [sha256.Size]byte {
	return sha256.Sum256([]byte(v.Issuer + "\x00" + v.TokenID))
}

// takesLogoutTokens reports whether any tenant has clients that logout tokens are for.
func (v *Verifier) takesLogoutTokens() bool {
	return slices.ContainsFunc(v.config.Tenants, func(t Tenant) bool { return len(t.LogoutClients) > 0 })
}

// longestLife is how long a JWT issued by now, by Auth0's clock, can be exchanged at most: a deny
// mark for JWTs never seen stays for so long.
func (v *Verifier) longestLife() time.Duration { return v.config.MaxLifetime + v.config.Leeway }
