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
	if now := s.Now(); r.asked.IsZero() || now.Sub(r.asked) >= readyFor || now.Before(r.asked) {
		// The probe's own context must not spoil the answer for the next one.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
		defer cancel()
		r.missing, r.asked = s.Missing(ctx), now
	}
	return r.missing
}

// Missing lists what stands between this service and a successful exchange, in words for an
// operator; empty when it is ready.
func (s *Service) Missing(ctx context.Context) []string {
	var missing []string
	if err := s.Fauna.Ready(ctx); err != nil {
		s.Log.DebugContext(ctx, "fauna is not ready", "cause", cut(err.Error(), maxCause))
		missing = append(missing, faunaMissing(err))
	}
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
