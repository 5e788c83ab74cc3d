package exchange

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/labstack/echo/v4"
)

const refreshPath = "/fauna-login/refresh"

// postRefresh gives the next secret of the session whose handle is in the cookie, and the next
// handle, in one transaction of Fauna's.
func (s *Service) postRefresh(c echo.Context) error {
	ctx := c.Request().Context()
	if hasBearer(c.Request()) {
		// Beside a token a cookie need not be the page's own doing: it does not count.
		return &Error{problem: problemAuthorization, Reason: ReasonRequest}
	}
	held, ok := s.jar.readHandle(s.jar.read(c.Request()))
	if !ok {
		return s.refuseHandle(c, ReasonHandle)
	}
	recordOf(ctx).session = held.SessionID
	if !worksFor(c.Request(), held.userID) {
		// To the page the same as no cookie; but this one is good, and stays.
		return &Error{problem: problemHandle, Reason: ReasonCookieUser}
	}
	// The subject only Fauna knows; but the session is of one.
	if err := s.limitSubject("", held.SessionID); err != nil {
		return err
	}
	done, err := s.refreshTurns.take(ctx, held.SessionID)
	if err != nil {
		return faunaError(ctx, err)
	}
	defer done()
	start := s.Now()
	session, ended, err := s.Fauna.Refresh(ctx, fqlx.RefreshRequest{
		Handle: held.Handle, MaxTTL: s.MaxTTL, MinTTL: s.MinTTL, MaxSecrets: s.MaxSecrets,
	})
	s.metrics.fauna.Observe(s.Now().Sub(start).Seconds())
	if err != nil {
		recordOf(ctx).ended = ended
		return s.refreshError(c, err)
	}
	recordOf(ctx).who = who{tenant: session.Tenant, subject: session.Subject, client: session.ClientID, hash: session.JWTHash}
	if !s.Verifier.hasTenant(session.Tenant) {
		return s.refuseTenant(c, session.SessionID)
	}
	recordOf(ctx).issued(session)
	return s.deliver(c, session, session.EndsAt)
}

// turns lets the refreshes of a session through one after the other, as they came: a browser's tabs
// send theirs all at once, and one that Fauna was slow with would look like theft when two that came
// after it have been answered. Sessions of one hash wait for each other, too.
type turns [1024]places

func newTurns() *turns {
	var t turns
	for i := range t {
		t[i] = make(places, 1)
	}
	return &t
}

// take waits for the turn of a session, which lasts until done, or for ctx's end.
func (t *turns) take(ctx context.Context, session string) (done func(), err error) {
	h := fnv.New32a()
	h.Write([]byte(session))
	return t[h.Sum32()%uint32(len(t))].take(ctx)
}

// refuseTenant ends a session whose tenant was taken out of the configuration since: its users are
// to be let in no longer, and the secret that was just made with it is not given out.
func (s *Service) refuseTenant(c echo.Context, session string) error {
	ctx := c.Request().Context()
	ended, err := s.Fauna.EndSession(ctx, session)
	if err != nil {
		return endError(ctx, err)
	}
	recordOf(ctx).ended = ended
	return s.refuseHandle(c, ReasonTenant)
}

func (v *Verifier) hasTenant(name string) bool {
	return slices.ContainsFunc(v.config.Tenants, func(t Tenant) bool { return t.Name == name })
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
	s.jar.drop(c.Response(), c.Request())
	return &Error{problem: problemHandle, Reason: reason}
}
