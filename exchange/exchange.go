package exchange

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/labstack/echo/v4"
)

// Config is what a [Service] is made of.
type Config struct {
	Verifier *Verifier
	Fauna    *fqlx.Client
	// Endpoint is where SPAs are told to send their queries.
	Endpoint string
	// PublicURL is how clients reach the service, without a slash at its end. It stands in the
	// metadata of the token endpoint; empty: there is no such document.
	PublicURL string

	// Mode says what browsers hold; empty is ModeBearer. The others need Keys, the key ring:
	// the first seals, all open.
	Mode Mode
	Keys []Key
	// Insecure: browsers reach us by plain http on their own machine. Cookies then have no prefix
	// and are not Secure.
	Insecure bool
	// Upstream is the URL of the Fauna that ModeCookie passes queries to, if Query is nil.
	Upstream string

	// MaxTTL caps the life of a secret, MinTTL is the least that is worth issuing,
	// MaxSecrets the number of secrets of one JWT that live at once.
	MaxTTL, MinTTL time.Duration
	MaxSecrets     int
	// MaxTokenBytes bounds the token; the request's header may be somewhat longer.
	MaxTokenBytes int

	// Origins may use the service from a browser: exact, such as https://app.example.com.
	Origins []string
	// AllowOrigin, if set, decides in place of Origins.
	AllowOrigin func(origin string) bool
	// PerIP and PerSubject are requests per minute; 0 is no limit.
	PerIP, PerSubject int
	// TrustedProxies are whose X-Forwarded-For counts.
	TrustedProxies []netip.Prefix
	// TLS says that browsers reach us by TLS on this very listener.
	TLS bool

	// Query answers POST /query/1 for SPAs: the embedded engine. Nil: there is no such route.
	Query http.Handler
	// LiveSessions counts the engine's live sessions for a metric; nil: unknown.
	LiveSessions func() float64

	// Audit gets one line of JSON for each decision, each in one Write; nil: none.
	Audit io.Writer

	Log *slog.Logger
	Now func() time.Time
}

// Service is the exchange: it takes requests, verifies their tokens and issues secrets.
type Service struct {
	Config
	echo     *echo.Echo
	cors     cors
	byIP     *limiter
	subjects *limiter
	metrics  *metrics
	ready    readiness
	// announced: Fauna knows the tenants' names
	announced atomic.Bool

	logouts     *replays
	eventTokens []eventToken
	eventPlaces places

	jar          jar
	refreshTurns *turns // of ModeRefresh
	crossOrigin  *http.CrossOriginProtection
	fauna        http.Handler // of ModeCookie
	streams      context.Context
	endStreams   context.CancelFunc
}

// New makes a Service of c, all of whose fields down to MaxTokenBytes are needed.
func New(c Config) (*Service, error) {
	if c.Verifier == nil || c.Fauna == nil {
		return nil, errors.New("exchange: a verifier and a Fauna client are needed")
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Mode == "" {
		c.Mode = ModeBearer
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Service{
		Config:   c,
		cors:     newCORS(c),
		byIP:     newLimiter(c.PerIP, c.Now),
		subjects: newLimiter(c.PerSubject, c.Now),

		logouts:     newReplays(c.Now),
		eventPlaces: make(places, eventWorkers),

		crossOrigin: http.NewCrossOriginProtection(),
		fauna:       c.Query,
	}
	s.streams, s.endStreams = context.WithCancel(context.Background())
	var err error
	if s.eventTokens, err = eventTokens(c.Verifier.config.Tenants); err != nil {
		return nil, err
	}
	if s.jar, err = newJar(c); err != nil {
		return nil, err
	}
	if c.Mode == ModeRefresh {
		s.refreshTurns = newTurns()
	}
	if c.Mode == ModeCookie && c.Query == nil {
		if s.fauna, err = newUpstream(c.Upstream, c.Log); err != nil {
			return nil, err
		}
	}
	s.metrics = newMetrics(s)
	s.echo = s.routes()
	return s, nil
}

// requester is who asks for the secret of a user's token, and how long it may live: the user,
// or a server that the token was sent to.
type requester struct {
	client string // of the server; empty: the user
	maxTTL time.Duration
}

// exchange issues a secret for a verified token.
func (s *Service) exchange(ctx context.Context, v Verdict, by requester) (fqlx.Session, error) {
	if !v.For(PurposeExchange) {
		return fqlx.Session{}, errors.New("exchange without a verdict")
	}
	if err := s.limitSubject(v.Tenant, v.Subject); err != nil {
		return fqlx.Session{}, err
	}
	start := s.Now()
	session, err := s.Fauna.Exchange(ctx, fqlx.ExchangeRequest{
		Tenant:        v.Tenant,
		Issuer:        v.Issuer,
		Subject:       v.Subject,
		Hash:          v.Hash,
		ClientID:      v.ClientID,
		OrgID:         v.OrgID,
		SessionID:     v.SessionID,
		LinkID:        v.LinkID,
		RequestedBy:   by.client,
		Scope:         v.Scope,
		Permissions:   v.Permissions,
		IssuedAt:      v.IssuedAt,
		ExpiresAt:     v.ExpiresAt,
		UserClaims:    fqlx.Tagged(v.UserClaims),
		SessionClaims: fqlx.Tagged(v.SessionClaims),
		MaxTTL:        by.maxTTL,
		MinTTL:        s.MinTTL,
		MaxSecrets:    s.MaxSecrets,
	})
	s.metrics.fauna.Observe(s.Now().Sub(start).Seconds())
	if err != nil {
		return fqlx.Session{}, faunaError(ctx, err)
	}
	return session, nil
}

// limitSubject bounds what is issued for one user.
func (s *Service) limitSubject(tenant, subject string) error {
	if wait := s.subjects.take(tenant + "\x00" + subject); wait > 0 {
		return &Error{problem: problemTooMany, Reason: ReasonRateSubject, RetryAfter: wait}
	}
	return nil
}
