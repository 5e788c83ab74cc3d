package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/labstack/echo/v4"
)

// readiness keeps the last answer for a moment, so that probes cost Fauna no more than one
// request a second.
type readiness struct {
	mu      sync.Mutex
	asked   time.Time
	missing []string
	fauna   bool // Fauna is among what is missing
}

const (
	readyFor     = time.Second
	readyTimeout = 2 * time.Second
)

// getReady answers GET /readyz: 200 when exchanges can succeed, else 503 with what is missing.
func (s *Service) getReady(c echo.Context) error {
	missing := s.ready.ask(c.Request().Context(), s)
	if len(missing) > 0 {
		recordOf(c.Request().Context()).err = errors.New(strings.Join(missing, "; "))
		return c.JSON(http.StatusServiceUnavailable, map[string]any{"ready": false, "missing": missing})
	}
	return c.JSON(http.StatusOK, map[string]any{"ready": true})
}

func (r *readiness) ask(ctx context.Context, s *Service) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := s.Now(); r.asked.IsZero() || now.Sub(r.asked) >= readyFor || now.Before(r.asked) || r.keysOnly(s) {
		// The probe's own context must not spoil the answer for the next one.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
		defer cancel()
		r.missing, r.fauna = s.missing(ctx)
		r.asked = now
	}
	return r.missing
}

// keysOnly reports whether nothing but keys was missing, and they have come since: a start
// should not look slower than it is.
func (r *readiness) keysOnly(s *Service) bool {
	return len(r.missing) > 0 && !r.fauna && len(s.missingKeys()) == 0
}

// missing lists what stands between this service and a successful exchange, in words for an
// operator, and says whether Fauna is part of it; empty when it is ready.
func (s *Service) missing(ctx context.Context) (missing []string, fauna bool) {
	if err := s.Fauna.Ready(ctx); err != nil {
		s.Log.DebugContext(ctx, "fauna is not ready", "cause", cut(err.Error(), maxCause))
		missing, fauna = append(missing, faunaMissing(err)), true
	} else {
		s.Announce(ctx)
	}
	return append(missing, s.missingKeys()...), fauna
}

// Announce tells Fauna the names of the tenants, for the commands that act on the users and sessions
// of any tenant. Call it at the start; if it fails, which is logged, GET /readyz tries again as
// soon as Fauna answers.
func (s *Service) Announce(ctx context.Context) {
	if s.announced.Load() {
		return
	}
	var names []string
	for _, t := range s.Verifier.config.Tenants {
		names = append(names, t.Name)
	}
	if err := s.Fauna.RegisterTenants(ctx, names); err != nil {
		s.Log.WarnContext(ctx, "the tenants' names are not in fauna yet", "cause", cut(err.Error(), maxCause))
		return
	}
	s.announced.Store(true)
}

func (s *Service) missingKeys() (missing []string) {
	for _, status := range s.Verifier.KeyStatus() {
		if !status.Ready() {
			missing = append(missing, fmt.Sprintf("auth0: no usable keys of %s", status.Issuer))
		}
	}
	return missing
}

// faunaMissing says what to do about Fauna. Its own words would quote our query.
func faunaMissing(err error) string {
	switch {
	case errors.Is(err, fqlx.ErrUnauthorized):
		return "fauna: the service's key is not accepted; make one with `fauna-login key create` (the embedded engine: restart)"
	case errors.Is(err, fqlx.ErrInvalid):
		return "fauna: the schema does not fit; push it with `fauna-login schema push`"
	}
	return "fauna: cannot be reached"
}
