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
	"strconv"
	"strings"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/labstack/echo/v4"
)

// maxBody is the largest request body that is read, in bytes.
const maxBody = 64 << 10

// Handler answers the public listener.
func (s *Service) Handler() http.Handler { return s.echo }

func (s *Service) routes() *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) { s.fail(c.Response(), c.Request(), err) }
	e.IPExtractor = ipExtractor(s.TrustedProxies)
	e.Use(s.observe, s.secure, s.cors.middleware)

	auth := jwtmiddleware.New(s.verify(PurposeExchange),
		jwtmiddleware.WithTokenExtractor(bearer),
		jwtmiddleware.WithErrorHandler(s.fail),
		jwtmiddleware.WithValidateOnOptions(false),
	)
	e.POST("/fauna-login", s.postLogin, decides(opExchange), s.limitIP, takeNoBody, echo.WrapMiddleware(auth.CheckJWT))
	probes := []string{http.MethodGet, http.MethodHead}
	e.Match(probes, "/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.Match(probes, "/readyz", s.getReady)
	if s.Query != nil {
		e.Any("/query/1", echo.WrapHandler(s.Query)) // has its own errors and CORS: Fauna's
	}
	return e
}

// login is the answer of POST /fauna-login.
type login struct {
	Secret    string `json:"secret"`
	TokenType string `json:"token_type"` // RFC 6750: the secret is sent as a bearer token
	ExpiresIn int64  `json:"expires_in"` // seconds: expires_at − issued_at
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
	session, err := s.exchange(ctx, verdict)
	if err != nil {
		return err
	}
	recordOf(ctx).issued(session.SessionID)
	return c.JSON(http.StatusOK, s.answer(session))
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

// verify is what the JWT middleware calls with the extracted token.
func (s *Service) verify(purpose Purpose) jwtmiddleware.ValidateToken {
	return func(ctx context.Context, token string) (any, error) {
		start := s.Now()
		verdict, err := s.Verifier.Verify(ctx, token, purpose)
		s.metrics.verify.Observe(s.Now().Sub(start).Seconds())
		if err != nil {
			return nil, err
		}
		recordOf(ctx).verified(verdict)
		return verdict, nil
	}
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
		req := c.Request()
		if req.ContentLength > maxBody {
			return &Error{problem: problemTooLarge, Reason: ReasonRequest} // not even asked for
		}
		body, err := io.ReadAll(http.MaxBytesReader(c.Response(), req.Body, maxBody))
		if err != nil {
			return bodyError(err)
		}
		body = bytes.TrimSpace(body)
		if len(body) == 0 {
			return next(c)
		}
		media, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
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

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &Error{problem: problemTooLarge, Reason: ReasonRequest}
	}
	return &Error{problem: problemBody, Reason: ReasonRequest, Err: err}
}

func isEmptyObject(body []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(body, &members) == nil && members != nil && len(members) == 0
}

// limitIP bounds the requests of one address, before anything is done for them.
func (s *Service) limitIP(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if wait := s.byIP.take(ipKey(c.RealIP())); wait > 0 {
			return &Error{problem: problemTooMany, Reason: ReasonRateIP, RetryAfter: wait}
		}
		return next(c)
	}
}

// fail answers a request that did not succeed: the one place that does, for handlers, the JWT
// middleware and Echo alike.
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
		_ = encoder.Encode(struct { // a client that went away needs no answer
			Error       string `json:"error,omitempty"`
			Description string `json:"error_description"`
			RequestID   string `json:"request_id"`
		}{e.code, e.description, record.id})
	}
}

// httpError is [errorOf] for errors that may also be the JWT middleware's or Echo's.
func httpError(err error) *Error {
	var fromEcho *echo.HTTPError
	switch {
	case errors.Is(err, jwtmiddleware.ErrJWTMissing):
		return &Error{problem: problemNoToken, Reason: ReasonNoToken}
	case errors.As(err, &fromEcho):
		switch fromEcho.Code {
		case http.StatusNotFound:
			return &Error{problem: problemNotFound, Reason: ReasonRequest}
		case http.StatusMethodNotAllowed:
			return &Error{problem: problemMethod, Reason: ReasonRequest}
		}
	}
	return errorOf(err)
}
