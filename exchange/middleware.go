package exchange

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/labstack/echo/v4"
)

// record is what is known of a request, for its line in the log, its metrics and the audit.
type record struct {
	id      string
	op      operation
	outcome string // "issued", "ended", "done", "refused" or "error"; empty where nothing was to be decided
	reason  Reason
	err     error
	who     who
	asker   string       // client id of the server that asks on a user's behalf with a token of its own
	user    string       // id of the user document
	session string       // id of the session that was issued
	ended   []fqlx.Ended // sessions that were ended
}

// operation is what a request asks for, where it asks for a decision. A closed set: a metric's
// label.
type operation string

const (
	opExchange operation = "exchange"           // POST /fauna-login, POST /oauth/token
	opLogout   operation = "logout"             // DELETE /fauna-login
	opRefresh  operation = "refresh"            // POST /fauna-login/refresh
	opQuery    operation = "query"              // POST /query/1, /stream/1, /feed/1 with a cookie
	opOnBehalf operation = "on_behalf"          // POST /fauna-login/on-behalf
	opSignal   operation = "backchannel_logout" // POST /auth0/backchannel-logout
	opEvent    operation = "event"              // POST /auth0/events
)

// decides marks a route whose requests ask for a decision: these are counted and audited.
func decides(op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			recordOf(c.Request().Context()).op = op
			return next(c)
		}
	}
}

// who is whom a request is about and who sent it. Of a refused token it is what the sender claims.
type who struct{ tenant, issuer, subject, client, keyID, hash string }

type recordKey struct{}

// recordOf returns the record of the request that ctx belongs to.
func recordOf(ctx context.Context) *record {
	if r, ok := ctx.Value(recordKey{}).(*record); ok {
		return r
	}
	return &record{} // outside of a request: nobody will read it
}

func (r *record) verified(v Verdict) {
	r.who = who{v.Tenant, v.Issuer, v.Subject, v.ClientID, v.KeyID, v.Hash}
}

func (r *record) issued(s fqlx.Session) {
	r.outcome, r.user, r.session = "issued", s.UserID, s.SessionID
}

// client is the id of the client that asks: the server's, else that of the user's token.
func (r *record) client() string { return cmp.Or(r.asker, r.who.client) }

// endedAll notes that what was to end has ended, if anything.
func (r *record) endedAll(sessions ...fqlx.Ended) {
	r.outcome, r.ended = "ended", append(r.ended, sessions...)
}

func (r *record) refused(e *Error) {
	r.outcome, r.reason, r.err = "refused", e.Reason, e.Err
	if e.status >= 500 {
		r.outcome = "error"
	}
	var refusal *Refusal
	if errors.As(e.Err, &refusal) {
		r.who = who{refusal.Tenant, refusal.Issuer, refusal.Subject, refusal.ClientID, refusal.KeyID, refusal.Hash}
	}
}

// observe is the outermost middleware: it gives the request its id, turns a panic into a 500,
// and writes the request's log line and metrics.
func (s *Service) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.Now()
		r := &record{id: requestID()}
		c.Response().Header().Set("X-Request-Id", r.id)
		c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), recordKey{}, r)))
		s.metrics.inFlight.Inc()
		defer func() {
			s.metrics.inFlight.Dec()
			took := s.Now().Sub(start)
			s.metrics.decided(r, took)
			s.audit(c, r)
			s.logRequest(c, r, took)
		}()
		if err := s.recovering(next, c); err != nil {
			c.Error(err)
		}
		return nil
	}
}

// recovering calls next and returns a panic as an error.
func (s *Service) recovering(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p) // net/http's own way to cut a connection
		default:
			err = &Error{problem: problemServer, Reason: ReasonInternal, Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	return next(c)
}

// requestID is made here and never taken from the client, who could put anything into it.
func requestID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// The values of headers that every answer has, ready to be shared: nobody changes them in place.
var (
	noStore    = []string{"no-store"}
	noSniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	noContents = []string{"default-src 'none'; frame-ancestors 'none'"}
)

// secure sets the headers that every answer of ours has.
func (s *Service) secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header["Cache-Control"], header["X-Content-Type-Options"] = noStore, noSniff
		header["Referrer-Policy"], header["Content-Security-Policy"] = noReferrer, noContents
		if s.TLS {
			header.Set("Strict-Transport-Security", "max-age=31536000")
		}
		return next(c)
	}
}

// ipExtractor finds the client's address: the peer, or the rightmost address of
// X-Forwarded-For that no trusted proxy has. Echo's default believes anybody, and its
// extractors do not know the ports that some proxies write.
func ipExtractor(trusted []netip.Prefix) echo.IPExtractor {
	return func(r *http.Request) string {
		client, ok := parseAddress(r.RemoteAddr)
		if !ok {
			return r.RemoteAddr
		}
		forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(forwarded) - 1; i >= 0 && contains(trusted, client); i-- {
			next, ok := parseAddress(strings.TrimSpace(forwarded[i]))
			if !ok {
				break // what stands left of garbage is anybody's
			}
			client = next
		}
		return client.String()
	}
}

// parseAddress reads an address, with or without a port.
func parseAddress(s string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(s); err == nil {
		return withPort.Addr().Unmap(), true
	}
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return addr.Unmap(), err == nil
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// maxCause bounds the cause in a log line, in bytes, so that the line stays under 8 KiB.
const maxCause = 3 << 10

// logRequest writes the one line that a request gets. It holds no token, no secret, and no
// claim but those that name who asked.
func (s *Service) logRequest(c echo.Context, r *record, took time.Duration) {
	level := slog.LevelInfo
	status := c.Response().Status
	switch {
	case c.Path() == "/healthz" || c.Path() == "/readyz":
		level = slog.LevelDebug
		if status >= 500 {
			level = slog.LevelWarn
		}
	case status >= 500 && r.reason != ReasonCanceled:
		level = slog.LevelError
	}
	if !s.Log.Enabled(c.Request().Context(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 16)
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, clean(value)))
		}
	}
	add("request_id", r.id)
	add("method", c.Request().Method)
	add("path", c.Request().URL.Path)
	attrs = append(attrs, slog.Int("status", status), slog.Float64("ms", float64(took.Microseconds())/1000))
	add("ip", c.RealIP())
	add("outcome", r.outcome)
	add("reason", string(r.reason))
	add("tenant", r.who.tenant)
	add("iss", r.who.issuer)
	add("sub", r.who.subject)
	add("client_id", r.client())
	add("kid", r.who.keyID)
	add("session_id", r.session)
	if r.outcome == "ended" {
		attrs = append(attrs, slog.Int("ended", len(r.ended)))
	}
	if r.err != nil {
		attrs = append(attrs, slog.String("cause", cut(r.err.Error(), maxCause)))
	}
	s.Log.LogAttrs(c.Request().Context(), level, "request", attrs...)
}

// clean makes what a stranger sent fit for a log: what does not print is escaped, and at most
// 256 bytes are left.
func clean(s string) string {
	s = cut(s, 256)
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		quoted := strconv.Quote(s)
		s = cut(quoted[1:len(quoted)-1], 256)
	}
	return s
}

// cut shortens s to at most n bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}
