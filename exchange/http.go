package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fauna-login/fauna-login/exchange/web"
	"github.com/fauna-login/fauna-login/fqlx"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/labstack/echo/v4"
)

// maxBody is the largest request body that is read, in bytes, but for maxEvent.
const maxBody = 64 << 10

// Handler answers the public listener.
func (s *Service) Handler() http.Handler { return s.echo }

func (s *Service) routes() *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) { s.fail(c.Response(), c.Request(), err) }
	e.IPExtractor = ipExtractor(s.TrustedProxies)
	e.Use(s.observe, s.secure, s.cors.middleware)

	s.loginRoutes(e)
	if s.Verifier.servesOnBehalf() {
		e.POST("/fauna-login/on-behalf", chain(s.postOnBehalf, decides(opOnBehalf), s.limitIP, s.authenticate(PurposeOnBehalf)))
	}
	e.POST("/oauth/token", chain(s.postToken, decides(opExchange), s.limitIP))
	if s.Verifier.takesLogoutTokens() {
		e.POST("/auth0/backchannel-logout", chain(s.postBackchannelLogout, decides(opSignal)))
	}
	if len(s.eventTokens) > 0 {
		e.POST("/auth0/events", chain(s.postEvent, decides(opEvent), s.bearingOr(problemNoEventToken, s.eventTenant)))
	}
	probes := []string{http.MethodGet, http.MethodHead}
	e.Match(probes, "/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.Match(probes, "/readyz", s.getReady)
	if s.PublicURL != "" {
		e.Match(probes, metadataPath, s.getMetadata)
	}
	e.Match(probes, "/fauna-login.js", asset(web.Client()))
	e.Match(probes, "/fauna-login.d.ts", asset(web.Types()))
	return e
}

// chain puts middleware around a handler, the first outermost, once and for all: Echo's routes do it
// anew for each request.
func chain(handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) echo.HandlerFunc {
	for _, wrap := range slices.Backward(middleware) {
		handler = wrap(handler)
	}
	return handler
}

// loginRoutes are those that depend on the mode.
func (s *Service) loginRoutes(e *echo.Echo) {
	const path = "/fauna-login"
	authenticate := s.authenticate(PurposeExchange)
	if s.Mode == ModeBearer {
		e.POST(path, chain(s.postLogin, decides(opExchange), s.limitIP, takeNoBody, authenticate))
		e.DELETE(path, chain(s.deleteLogin, decides(opLogout), s.limitIP, takeNoBody, s.bearing(s.endable)))
	} else {
		e.POST(path, chain(s.postLogin, decides(opExchange), s.limitIP, s.ownPages, takeNoBody, authenticate))
		e.DELETE(path, chain(s.deleteLogin, decides(opLogout), s.limitIP, s.cookieOfPage, takeNoBody, s.endCookie))
	}
	if s.Mode == ModeRefresh {
		e.POST(refreshPath, chain(s.postRefresh, decides(opRefresh), s.limitIP, s.cookieOfPage, takeNoBody))
	}
	switch {
	case s.Mode == ModeCookie:
		for _, path := range faunaPaths {
			e.POST(path, s.passToFauna)
		}
	case s.Query != nil:
		e.Any(queryPath, echo.WrapHandler(s.Query)) // has its own errors and CORS: Fauna's
	}
}

// login is the answer of POST /fauna-login.
type login struct {
	Secret    string `json:"secret,omitempty"`     // not in mode cookie, nor of a session without one
	TokenType string `json:"token_type,omitempty"` // RFC 6750: the secret is sent as a bearer token
	ExpiresIn int64  `json:"expires_in"`           // seconds: expires_at − issued_at
	ExpiresAt string `json:"expires_at"`
	IssuedAt  string `json:"issued_at"`
	Endpoint  string `json:"endpoint"`
	User      idOnly `json:"user"`
	Session   idOnly `json:"session"`
}

type idOnly struct {
	ID string `json:"id"`
}

// postLogin exchanges the token that the middleware in front verified.
func (s *Service) postLogin(c echo.Context) error {
	ctx := c.Request().Context()
	verdict, _ := ctx.Value(jwtmiddleware.ContextKey{}).(Verdict) // the zero Verdict is a no
	session, err := s.exchange(ctx, verdict, requester{maxTTL: s.MaxTTL})
	if err != nil {
		return err
	}
	recordOf(ctx).issued(session)
	return s.deliver(c, session, verdict.ExpiresAt)
}

func (s *Service) answer(session fqlx.Session) login {
	return login{
		Secret:    session.Secret,
		TokenType: "Bearer",
		ExpiresIn: int64(session.ExpiresAt.Sub(session.IssuedAt) / time.Second),
		ExpiresAt: session.ExpiresAt.Format(time.RFC3339),
		IssuedAt:  session.IssuedAt.Format(time.RFC3339),
		Endpoint:  s.Endpoint,
		User:      idOnly{session.UserID},
		Session:   idOnly{session.SessionID},
	}
}

// authenticate lets requests through whose bearer token is good for the purpose, with its
// Verdict in their context.
func (s *Service) authenticate(purpose Purpose) echo.MiddlewareFunc {
	return s.bearing(func(ctx context.Context, token string) (any, error) { return s.verify(ctx, token, purpose) })
}

// bearing lets requests through whose one bearer token is valid, with what validate returned in
// their context.
func (s *Service) bearing(validate jwtmiddleware.ValidateToken) echo.MiddlewareFunc {
	return s.bearingOr(problemNoToken, validate)
}

// bearingOr is bearing, with the problem of a request that has no token.
func (s *Service) bearingOr(missing problem, validate jwtmiddleware.ValidateToken) echo.MiddlewareFunc {
	middleware := jwtmiddleware.New(validate,
		jwtmiddleware.WithTokenExtractor(func(r *http.Request) (string, error) {
			token, err := bearer(r)
			if err == nil && token == "" {
				err = &Error{problem: missing, Reason: ReasonNoToken}
			}
			return token, err
		}),
		jwtmiddleware.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, err error) { w.(*admission).err = err }),
		jwtmiddleware.WithValidateOnOptions(false),
	)
	check := middleware.CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := w.(*admission)
		a.request, a.err = r, nil
	}))
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			a := admission{ResponseWriter: c.Response(), err: errNotAdmitted}
			check.ServeHTTP(&a, c.Request())
			if a.err != nil {
				return a.err
			}
			c.SetRequest(a.request)
			return next(c)
		}
	}
}

// errNotAdmitted stands until the JWT middleware has let a request through.
var errNotAdmitted = errors.New("the JWT middleware said nothing")

// admission notes what the JWT middleware, which is net/http's, makes of a request of Echo's: an
// error, or the request with the token's meaning in its context.
type admission struct {
	http.ResponseWriter // not written to
	request             *http.Request
	err                 error
}

// verify verifies a token and notes whose it is.
func (s *Service) verify(ctx context.Context, token string, purpose Purpose) (Verdict, error) {
	start := s.Now()
	verdict, err := s.Verifier.Verify(ctx, token, purpose)
	s.metrics.verify.Observe(s.Now().Sub(start).Seconds())
	if err == nil {
		recordOf(ctx).verified(verdict)
	}
	return verdict, err
}

// bearer takes the one token out of a request: exactly one Authorization header of the form
// of RFC 6750 §2.1, the scheme in any case, one space. A token in the query alone is as none
// (RFC 9700 §4.3.2), beside the header it is one too many.
func bearer(r *http.Request) (string, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return "", &Error{problem: problemHeader, Reason: ReasonRequest, Err: errors.New("more than one Authorization header")}
	}
	if len(headers) == 0 {
		return "", nil
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", nil
	}
	if token == "" || strings.ContainsAny(token, " \t") {
		return "", &Error{problem: problemHeader, Reason: ReasonRequest, Err: errors.New("not one token behind Bearer")}
	}
	if hasToken(r.URL.RawQuery) {
		return "", &Error{problem: problemTwoTokens, Reason: ReasonRequest, Err: errors.New("access_token in the query too")}
	}
	return token, nil
}

// hasToken reports whether a query or form carries RFC 6750's access_token.
func hasToken(form string) bool {
	values, _ := url.ParseQuery(form) // what can be read of it
	return values.Has("access_token")
}

// takeNoBody reads the body, which must be empty or {}.
func takeNoBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		body, err := readBody(c)
		if err != nil {
			return err
		}
		body = bytes.TrimSpace(body)
		if len(body) == 0 {
			return next(c)
		}
		media := mediaType(c)
		switch {
		case media == "application/x-www-form-urlencoded" && hasToken(string(body)):
			return &Error{problem: problemTwoTokens, Reason: ReasonRequest, Err: errors.New("access_token in the body")}
		case media != "application/json":
			return &Error{problem: problemMediaType, Reason: ReasonRequest}
		case !isEmptyObject(body):
			return &Error{problem: problemBody, Reason: ReasonRequest}
		}
		return next(c)
	}
}

// readBody reads a body of at most maxBody bytes.
func readBody(c echo.Context) ([]byte, error) { return readBodyUpTo(c, maxBody) }

func readBodyUpTo(c echo.Context, most int64) ([]byte, error) {
	req := c.Request()
	if req.ContentLength == 0 {
		return nil, nil
	}
	if req.ContentLength > most {
		return nil, &Error{problem: problemTooLarge, Reason: ReasonRequest} // not even asked for
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), req.Body, most))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &Error{problem: problemTooLarge, Reason: ReasonRequest}
	case err != nil:
		return nil, &Error{problem: problemUnread, Reason: ReasonRequest, Err: err}
	}
	return body, nil
}

// mediaType is the body's type, without parameters, in lower case; empty if none is told.
func mediaType(c echo.Context) string {
	media, _, _ := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	return media
}

func isEmptyObject(body []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(body, &members) == nil && members != nil && len(members) == 0
}

// limitIP bounds the requests of one address, before anything is done for them.
func (s *Service) limitIP(next echo.HandlerFunc) echo.HandlerFunc {
	if s.PerIP == 0 {
		return next
	}
	return func(c echo.Context) error {
		if wait := s.byIP.take(ipKey(c.RealIP())); wait > 0 {
			return &Error{problem: problemTooMany, Reason: ReasonRateIP, RetryAfter: wait}
		}
		return next(c)
	}
}

// fail answers a request that did not succeed: the one place that does, for handlers, middleware
// and Echo alike.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := httpError(err)
	record := recordOf(r.Context())
	record.refused(e)
	if response, ok := w.(*echo.Response); ok && response.Committed {
		return
	}
	header := w.Header()
	if challenge := e.challenge(); challenge != "" {
		header.Set("WWW-Authenticate", challenge)
	}
	if e.RetryAfter > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
	header.Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	if r.Method != http.MethodHead {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(s.errorBody(r, e, record.id)) // a client that went away needs no answer
	}
}

// errorBody is OAuth's, or where Fauna's drivers read it, Fauna's.
func (s *Service) errorBody(r *http.Request, e *Error, id string) any {
	if s.Mode == ModeCookie && slices.Contains(faunaPaths, r.URL.Path) {
		return faunaFailure(e, id)
	}
	return struct {
		Error       string `json:"error,omitempty"`
		Description string `json:"error_description"`
		RequestID   string `json:"request_id"`
	}{e.code, e.description, id}
}

// httpError is [errorOf] for errors that may also be Echo's.
func httpError(err error) *Error {
	var fromEcho *echo.HTTPError
	if errors.As(err, &fromEcho) {
		switch fromEcho.Code {
		case http.StatusNotFound:
			return &Error{problem: problemNotFound, Reason: ReasonRequest}
		case http.StatusMethodNotAllowed:
			return &Error{problem: problemMethod, Reason: ReasonRequest}
		}
	}
	return errorOf(err)
}
