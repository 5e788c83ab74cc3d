package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/labstack/echo/v4"
)

// Mode says what a browser holds of a session. A service is in one.
type Mode string

const (
	// ModeBearer: the secret, in the page's memory.
	ModeBearer Mode = "bearer"
	// ModeRefresh: the secret in memory, and in a cookie that no script reads a handle, for which
	// POST /fauna-login/refresh gives the next secret.
	ModeRefresh Mode = "refresh"
	// ModeCookie: a cookie that no script reads, with the secret sealed in it. Queries come to
	// this service, which passes them to Fauna.
	ModeCookie Mode = "cookie"
)

// The cookies' names but for their prefix. Browsers take `__Host-Http-…` over https alone, for
// this very host alone, and from no script (draft-ietf-httpbis-layered-cookies §4.1.3.4); those
// that do not know it yet see a `__Host-…`.
const (
	cookiePrefix = "__Host-Http-"
	secretCookie = "fauna_login"
	handleCookie = "fauna_login_refresh"
)

// jar is how the cookie of the service's mode is written and read. Of mode bearer, which has
// none, it is empty.
type jar struct {
	keyring
	name   string
	secure bool
}

func newJar(c Config) (j jar, err error) {
	switch c.Mode {
	case ModeBearer:
		return jar{}, nil
	case ModeRefresh:
		j.name = handleCookie
	case ModeCookie:
		j.name = secretCookie
		if c.PublicURL == "" || c.Query == nil && c.Upstream == "" {
			return jar{}, errors.New("exchange: mode cookie needs PublicURL, and Query or Upstream")
		}
	default:
		return jar{}, fmt.Errorf("exchange: unknown mode %q", c.Mode)
	}
	if len(c.Keys) == 0 {
		return jar{}, fmt.Errorf("exchange: mode %s needs Keys", c.Mode)
	}
	if j.secure = !c.Insecure; j.secure {
		j.name = cookiePrefix + j.name
	}
	j.keyring, err = newKeyring(c.Keys)
	return j, err
}

// read returns the cookie's value, empty if there is none. Two of the name have come from two
// writers, and which is ours cannot be told.
func (j jar) read(r *http.Request) string {
	if cookies := r.CookiesNamed(j.name); len(cookies) == 1 {
		return cookies[0].Value
	}
	return ""
}

// set puts a value into the browser for a time, whole seconds.
func (j jar) set(w http.ResponseWriter, value string, life time.Duration) {
	http.SetCookie(w, j.cookie(value, max(int(life/time.Second), 1)))
}

// drop takes the cookie away that a refused request came with. Where none came, or two, it does
// nothing: the refusal may arrive after another tab's login, and would take the new cookie away.
// That of an old cookie still may, since Set-Cookie cannot say "if it is still this one"; then the
// other tab has to exchange its token once more.
func (j jar) drop(w http.ResponseWriter, r *http.Request) {
	if len(r.CookiesNamed(j.name)) == 1 {
		j.clear(w)
	}
}

// clear takes the cookie away.
func (j jar) clear(w http.ResponseWriter) { http.SetCookie(w, j.cookie("", -1)) }

func (j jar) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: j.name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: j.secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

// deliver answers with a secret that was issued, in the way of the mode. The session, its JWT,
// lives until ends.
func (s *Service) deliver(c echo.Context, session fqlx.Session, ends time.Time) error {
	a := s.answer(session)
	switch s.Mode {
	case ModeRefresh:
		value, err := s.jar.signHandle(handle{fqlx.Handle{SessionID: session.SessionID, Generation: session.Generation}, session.UserID})
		if err != nil {
			return err
		}
		s.jar.set(c.Response(), value, ends.Sub(session.IssuedAt))
	case ModeCookie:
		life := session.ExpiresAt.Sub(session.IssuedAt)
		value, err := s.jar.seal(sealed{session.SessionID, session.UserID, s.Now().Add(life), session.Secret})
		if err != nil {
			return err
		}
		s.jar.set(c.Response(), value, life)
		a.Secret, a.TokenType, a.Endpoint = "", "", s.PublicURL
	}
	return c.JSON(http.StatusOK, a)
}

// endCookie ends the session of the request's cookie, if it has a good one, and takes the cookie
// away; not if it is of another user than the page works for. With a bearer token the request goes
// on, to end that one's session too.
func (s *Service) endCookie(next echo.HandlerFunc) echo.HandlerFunc {
	byToken := s.bearing(s.endable)(next)
	return func(c echo.Context) error {
		r := c.Request()
		recordOf(r.Context()).outcome = "done"
		if session, user := s.cookieOwner(r); user == "" || worksFor(r, user) {
			if err := s.endSession(r.Context(), session); err != nil {
				return err
			}
			if len(r.CookiesNamed(s.jar.name)) > 0 { // else there may be a new one by now, see drop
				s.jar.clear(c.Response())
			}
		}
		if hasBearer(r) {
			return byToken(c)
		}
		return c.NoContent(http.StatusNoContent)
	}
}

// cookieOwner returns the ids of the session that the request's cookie is of, and of its user, also
// when the secret in it is dead; empty if the cookie is none of ours.
func (s *Service) cookieOwner(r *http.Request) (session, user string) {
	value := s.jar.read(r)
	if s.Mode == ModeRefresh {
		held, _ := s.jar.readHandle(value)
		return held.SessionID, held.userID
	}
	held, _ := s.jar.open(value)
	return held.sessionID, held.userID
}

// endSession ends a session by its id. That there is none is no error.
func (s *Service) endSession(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	ended, err := s.Fauna.EndSession(ctx, id)
	if err != nil {
		return endError(ctx, err)
	}
	if len(ended) > 0 {
		recordOf(ctx).endedAll(ended...)
	}
	return nil
}

// hasBearer reports whether a request has a bearer token, or what should have been one. Another
// scheme does not count: a browser adds Basic by itself to requests to a site that has asked for it.
func hasBearer(r *http.Request) bool {
	token, err := bearer(r)
	return token != "" || err != nil
}
