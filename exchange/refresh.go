package exchange

import (
	"errors"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/labstack/echo/v4"
)

const refreshPath = "/fauna-login/refresh"

// postRefresh gives the next secret of the session whose handle is in the cookie, and the next
// handle, in one transaction of Fauna's.
func (s *Service) postRefresh(c echo.Context) error {
	ctx := c.Request().Context()
	handle, ok := s.jar.readHandle(s.jar.read(c.Request()))
	if !ok {
		return s.refuseHandle(c, ReasonHandle)
	}
	// Whose session it is only Fauna knows; but it is of one user.
	if err := s.limitSubject("", handle.SessionID); err != nil {
		return err
	}
	start := s.Now()
	session, ended, err := s.Fauna.Refresh(ctx, fqlx.RefreshRequest{
		Handle: handle, MaxTTL: s.MaxTTL, MinTTL: s.MinTTL, MaxSecrets: s.MaxSecrets,
	})
	s.metrics.fauna.Observe(s.Now().Sub(start).Seconds())
	if err != nil {
		recordOf(ctx).session, recordOf(ctx).ended = handle.SessionID, ended
		return s.refreshError(c, err)
	}
	recordOf(ctx).issued(session)
	recordOf(ctx).who = who{tenant: session.Tenant, subject: session.Subject, client: session.ClientID, hash: session.JWTHash}
	return s.deliver(c, session, session.EndsAt)
}

// refreshError is the answer to a refresh that Fauna did not make.
func (s *Service) refreshError(c echo.Context, err error) error {
	var refused *fqlx.Refused
	switch {
	case errors.Is(err, fqlx.ErrReused):
		return s.refuseHandle(c, ReasonHandleReused)
	case errors.As(err, &refused) && refused.Code == "ended":
		return s.refuseHandle(c, ReasonEnded)
	case errors.As(err, &refused) && refused.Code == "expired":
		return s.refuseHandle(c, ReasonTimeLeft)
	}
	return faunaError(c.Request().Context(), err)
}

// refuseHandle takes the cookie away. Why, the answer does not tell: whoever has stolen a handle
// need not know that it was noticed.
func (s *Service) refuseHandle(c echo.Context, reason Reason) error {
	s.jar.clear(c.Response())
	return &Error{problem: problemHandle, Reason: reason}
}
