package exchange

import (
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

	"github.com/labstack/echo/v4"
)

// record is what is known of a request, for its line in the log and its metrics.
type record struct {
	id      string
	outcome string // "issued", "refused" or "error"; empty where nothing was to be exchanged
	reason  Reason
	err     error
	verdict Verdict
	session string // id of the session
}

type recordKey struct{}

// recordOf returns the record of the request that ctx belongs to.
func recordOf(ctx context.Context) *record {
	if r, ok := ctx.Value(recordKey{}).(*record); ok {
		return r
	}
	return &record{} // outside of a request: nobody will read it
}

func (r *record) verified(v Verdict)    { r.verdict = v }
func (r *record) issued(session string) { r.outcome, r.session = "issued", session }

func (r *record) refused(e *Error) {
	r.outcome, r.reason, r.err = "refused", e.Reason, e.Err
	if e.status >= 500 {
		r.outcome = "error"
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
			if c.Path() == "/fauna-login" && c.Request().Method == http.MethodPost {
				s.metrics.exchange(r, s.Now().Sub(start))
			}
			s.logRequest(c, r, s.Now().Sub(start))
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

// secure sets the headers that every answer of ours has.
func (s *Service) secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
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
	who := whoOf(r)
	add("tenant", who.Tenant)
	add("iss", who.Issuer)
	add("sub", who.Subject)
	add("client_id", who.ClientID)
	add("kid", who.KeyID)
	add("session_id", r.session)
	if r.err != nil {
		attrs = append(attrs, slog.String("cause", cut(r.err.Error(), maxCause)))
	}
	s.Log.LogAttrs(c.Request().Context(), level, "request", attrs...)
}

// whoOf gathers who asked: of a refused token it is what the sender claims to be.
func whoOf(r *record) Refusal {
	var refusal *Refusal
	if errors.As(r.err, &refusal) {
		return *refusal
	}
	v := r.verdict
	return Refusal{Tenant: v.Tenant, Issuer: v.Issuer, Subject: v.Subject, ClientID: v.ClientID, KeyID: v.KeyID}
}

// clean makes what a stranger sent fit for a log: what does not print is escaped, and at most
// 256 bytes are left.
func clean(s string) string {
	s = cut(s, 256)
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		s = cut(strings.Trim(strconv.Quote(s), `"`), 256)
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
