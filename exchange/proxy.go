package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	queryPath  = "/query/1"
	streamPath = "/stream/1"
	feedPath   = "/feed/1"
)

// faunaPaths are what mode cookie passes to Fauna.
var faunaPaths = []string{queryPath, streamPath, feedPath}

const (
	maxQuery        = 8 << 20          // bytes of a request (Fauna: HttpServer.MaxRequestSize)
	maxQueryTimeout = 10 * time.Second // as on the engine's public port
	queryGrace      = 5 * time.Second  // Fauna answers late before we give up
)

// faunaRequestHeaders are those of Fauna's drivers that are passed on. No cookie, no address, and
// no Authorization but ours.
var faunaRequestHeaders = []string{
	"Accept", "Accept-Encoding", "Content-Type", "Traceparent",
	"X-Driver", "X-Driver-Env", "X-Format", "X-Last-Txn-Ts", "X-Linearized", "X-Max-Contention-Retries",
	"X-Performance-Hints", "X-Query-Tags", "X-Query-Timeout-Ms", "X-Typecheck",
}

// faunaResponseHeaders are what a page gets to see: above all no Set-Cookie, and none of CORS,
// which is ours to say.
var faunaResponseHeaders = []string{
	"Content-Encoding", "Content-Length", "Content-Type", "Retry-After", "Traceparent", "X-Fauna-Stream-Id",
}

// passToFauna is mode cookie's way to Fauna: the secret in the cookie takes the place of the
// cookie.
func (s *Service) passToFauna(c echo.Context) error {
	varyByPage(c)
	err := s.query(c)
	if err != nil {
		recordOf(c.Request().Context()).op = opQuery // queries are not decisions, refusing one is
	}
	return err
}

func (s *Service) query(c echo.Context) error {
	r := c.Request()
	if hasBearer(r) {
		return &Error{problem: problemAuthorization, Reason: ReasonRequest}
	}
	if err := s.checkPage(c); err != nil {
		return err
	}
	held, ok := s.jar.open(s.jar.read(r))
	left := held.expires.Sub(s.Now())
	if !ok || left <= 0 {
		s.jar.drop(c.Response(), r)
		return &Error{problem: problemQueryCookie, Reason: ReasonCookie}
	}
	recordOf(r.Context()).session = held.sessionID
	if !worksFor(r, held.userID) {
		// To the page the same as no cookie; but this one is good, and stays.
		return &Error{problem: problemQueryCookie, Reason: ReasonCookieUser}
	}
	if r.ContentLength > maxQuery {
		return &Error{problem: problemTooLarge, Reason: ReasonRequest}
	}

	ctx, cancel, err := s.queryContext(c, left)
	if err != nil {
		return err
	}
	defer cancel()
	w := &faunaWriter{w: c.Response(), header: http.Header{}, unauthorized: s.jar.clear}
	s.fauna.ServeHTTP(w, faunaRequest(ctx, c, held.secret))
	if w.err == nil || w.written {
		return nil
	}
	return upstreamError(r.Context(), w.err)
}

// faunaRequest is what Fauna gets to see of a request.
func faunaRequest(ctx context.Context, c echo.Context, secret string) *http.Request {
	in := c.Request()
	out := in.WithContext(ctx)
	out.URL = &url.URL{Path: in.URL.Path}
	out.RequestURI = in.URL.Path
	out.Trailer = nil
	out.Body = http.MaxBytesReader(c.Response(), in.Body, maxQuery)
	out.Header = make(http.Header, 16)
	for _, name := range faunaRequestHeaders {
		if values, ok := in.Header[name]; ok {
			out.Header[name] = values
		}
	}
	out.Header["X-Query-Timeout-Ms"] = []string{cutTimeout(in.Header.Values("X-Query-Timeout-Ms"))}
	out.Header["Authorization"] = []string{"Bearer " + secret}
	return out
}

// cutTimeout bounds the time that a query asks for, in milliseconds. What is no such number is for
// Fauna to refuse.
func cutTimeout(values []string) string {
	limit := maxQueryTimeout.Milliseconds()
	if len(values) == 1 {
		if ms, err := strconv.ParseInt(values[0], 10, 64); err != nil || ms <= limit {
			return values[0]
		}
	}
	return strconv.FormatInt(limit, 10)
}

// queryContext bounds the time of a request. A stream lives as long as its secret, or until
// [Service.EndStreams], in place of the server's limits.
func (s *Service) queryContext(c echo.Context, left time.Duration) (context.Context, context.CancelFunc, error) {
	ctx := c.Request().Context()
	if c.Request().URL.Path != streamPath {
		ctx, cancel := context.WithTimeout(ctx, maxQueryTimeout+queryGrace)
		return ctx, cancel, nil
	}
	connection, end := http.NewResponseController(c.Response()), time.Now().Add(left+queryGrace)
	if err := errors.Join(connection.SetReadDeadline(end), connection.SetWriteDeadline(end)); err != nil {
		return nil, nil, fmt.Errorf("letting a stream take its time: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	stop := context.AfterFunc(s.streams, cancel)
	return ctx, func() { stop(); cancel() }, nil
}

// EndStreams ends all streams, and those to come at once: when the program stops nobody waits
// for them.
func (s *Service) EndStreams() { s.endStreams() }

// faunaWriter passes on of Fauna's answer what a page may see.
type faunaWriter struct {
	w            http.ResponseWriter
	header       http.Header // Fauna's
	unauthorized func(http.ResponseWriter)
	written      bool
	err          error // there is no answer
}

func (f *faunaWriter) Header() http.Header { return f.header }

func (f *faunaWriter) WriteHeader(status int) {
	if f.written || status < http.StatusOK {
		return
	}
	f.written = true
	to := f.w.Header()
	for _, name := range faunaResponseHeaders {
		if values, ok := f.header[name]; ok {
			to[name] = values
		}
	}
	if status == http.StatusUnauthorized {
		// The secret is dead. Not Fauna's challenge: a browser would ask its user for a password
		// if it were Basic.
		to.Set("WWW-Authenticate", (&Error{problem: problemNoToken}).challenge())
		f.unauthorized(f.w)
	}
	f.w.WriteHeader(status)
}

func (f *faunaWriter) Write(b []byte) (int, error) {
	f.WriteHeader(http.StatusOK)
	return f.w.Write(b)
}

// FlushError is what [http.ResponseController] calls. There is no Unwrap: what it would lead to
// passes the list of headers by.
func (f *faunaWriter) FlushError() error {
	f.WriteHeader(http.StatusOK)
	return http.NewResponseController(f.w).Flush()
}

// faunaCodes maps the statuses of our refusals → Fauna's word for them (Fauna: ProtocolErrorCode):
// who sends queries reads Fauna's errors.
var faunaCodes = map[int]string{
	http.StatusBadRequest:            "invalid_request",
	http.StatusUnauthorized:          "unauthorized",
	http.StatusForbidden:             "forbidden",
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusRequestEntityTooLarge: "request_size_exceeded",
	http.StatusInternalServerError:   "internal_error",
	http.StatusServiceUnavailable:    "time_out",
}

// faunaFailure is a refusal of ours as Fauna would put it, with the id that finds it in the log.
func faunaFailure(e *Error, id string) any {
	type inner struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	return struct {
		Error     inner  `json:"error"`
		RequestID string `json:"request_id"`
	}{inner{faunaCodes[e.status], e.description}, id}
}
