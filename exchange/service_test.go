package exchange_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
	"github.com/fauna-login/fauna-login/exchange/leaktest"
	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/fauna-login/fauna-login/fqlx/engine"
)

// service is the whole exchange in a test: real engine, real HTTP, real key server.
type service struct {
	*caseEnv
	tb    testing.TB
	url   string
	root  string // the engine's root secret
	key   string // the service's
	log   *logBuffer
	audit *logBuffer
	clock *clock
	built *exchange.Service
	// watch looks for secrets in what was written at the end; scraped are metrics.
	watch   *leaktest.Watch
	scraped *logBuffer
	// fauna is between the service and its engine.
	fauna *interceptor
	// engine answers the root secret's queries.
	engine *engine.Engine
}

// clock is a clock that tests move.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return noon().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// interceptor lets a test look at, replace or hold up what goes to Fauna.
type interceptor struct {
	next http.RoundTripper
	mu   sync.Mutex
	hook func(*http.Request) (*http.Response, error) // nil result and error: go on
	n    atomic.Int32                                // requests
}

func (i *interceptor) set(hook func(*http.Request) (*http.Response, error)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.hook = hook
}

func (i *interceptor) RoundTrip(r *http.Request) (*http.Response, error) {
	i.n.Add(1)
	i.mu.Lock()
	hook := i.hook
	i.mu.Unlock()
	if hook != nil {
		if res, err := hook(r); res != nil || err != nil {
			return res, err
		}
	}
	return i.next.RoundTrip(r)
}

// logBuffer keeps the log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const rootSecret = "root-secret-of-the-test"

// newService starts an exchange; change may alter its configuration.
func newService(tb testing.TB, change func(*exchange.Config, *exchange.VerifierConfig)) *service {
	tb.Helper()
	s := &service{
		tb: tb, root: rootSecret, log: &logBuffer{}, audit: &logBuffer{}, clock: &clock{},
		watch: &leaktest.Watch{}, scraped: &logBuffer{},
	}
	tb.Cleanup(func() { s.checkWritten(tb) }) // the last of all
	s.caseEnv = newCaseEnv(tb, s.clock.now)
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	e, err := engine.Open(engine.Options{Memory: true, RootSecret: rootSecret, Now: s.clock.now, Log: log})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { e.Close() })
	s.engine = e
	admin := fqlx.NewAdmin(fqlx.Config{Endpoint: "http://engine.internal", Secret: rootSecret, Transport: e.Transport(), Log: log})
	plan, err := admin.Plan(tb.Context(), "User")
	if err == nil {
		err = admin.Push(tb.Context(), plan)
	}
	if err != nil {
		tb.Fatal(err)
	}
	_, key, err := admin.CreateKey(tb.Context(), "token_exchange")
	if err != nil {
		tb.Fatal(err)
	}
	s.key = key
	verifier := s.caseEnv.config()
	verifier.Log = log
	s.fauna = &interceptor{next: e.Transport()}
	config := exchange.Config{
		Fauna:    fqlx.New(fqlx.Config{Endpoint: "http://engine.internal", Secret: key, Transport: s.fauna, Log: log}),
		Endpoint: "https://fauna.example.com", PublicURL: "https://login.example.com",
		MaxTTL: time.Hour, MinTTL: 10 * time.Second, MaxSecrets: 20, MaxTokenBytes: 16 << 10,
		Origins: []string{"https://app.example.com"},
		Query:   e.PublicHandler(), Audit: s.audit, Log: log, Now: s.clock.now,
	}
	if change != nil {
		change(&config, &verifier)
	}
	s.watch.Secret(rootSecret, key)
	for _, tenant := range verifier.Tenants {
		s.watch.Secret(tenant.EventTokens...)
	}
	config.Verifier = newVerifier(tb, verifier)
	s.built, err = exchange.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	s.serve(s.built)
	return s
}

// serve has requests answered by another Service.
func (s *service) serve(built *exchange.Service) {
	server := httptest.NewUnstartedServer(built.Handler())
	server.Config.MaxHeaderBytes = 256 << 10
	server.Start()
	s.tb.Cleanup(func() {
		server.Close()
		_, _ = io.WriteString(s.scraped, metrics(built))
	})
	s.built, s.url = built, server.URL
}

// wrote is all that the service has written down.
func (s *service) wrote() map[string]string {
	return map[string]string{"the log": s.log.String(), "the audit": s.audit.String(), "the metrics": s.scraped.String()}
}

// checkWritten wants no secret, token or claim in it, and whole lines.
func (s *service) checkWritten(tb testing.TB) {
	for _, leak := range s.watch.Leaks(s.wrote()) {
		tb.Error(leak)
	}
	for _, line := range leaktest.BadLines(s.log.String() + s.audit.String()) {
		tb.Errorf("a line that is none: %s", line)
	}
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
	Secret string
	Error  oauthError
	User   struct{ ID string }
	// the rest of a success
	Session   struct{ ID string }
	ExpiresIn int64     `json:"expires_in"`
	ExpiresAt time.Time `json:"expires_at"`
	IssuedAt  time.Time `json:"issued_at"`
	RequestID string    `json:"request_id"`
}

// oauthError is the `error` of our answers; that of Fauna's is an object and reads as "".
type oauthError string

func (e *oauthError) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*e = oauthError(text)
	}
	return nil
}

func (s *service) do(req *http.Request) answer {
	s.tb.Helper()
	sent := ""
	if req.GetBody != nil {
		sent = string(must(io.ReadAll(must(req.GetBody()))))
	}
	s.watch.Request(req.Header, sent)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.tb.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(body)}
	s.watch.Answer(a.header, a.body)
	if len(body) > 0 && strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(body, &a); err != nil {
			s.tb.Fatalf("the body is no JSON: %v: %s", err, body)
		}
	}
	return a
}

func (s *service) request(method, path, body string, headers ...string) *http.Request {
	s.tb.Helper()
	req, err := http.NewRequestWithContext(s.tb.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.tb.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Add(name, value)
	}
	return req
}

// login exchanges a token.
func (s *service) login(token string) answer {
	s.tb.Helper()
	return s.do(s.request(http.MethodPost, "/fauna-login", "", "Authorization: Bearer "+token))
}

// query runs FQL with a secret, past the exchange, and returns the simple result or the error.
func (s *service) query(secret, fql string) string {
	s.tb.Helper()
	body, _ := json.Marshal(map[string]string{"query": fql})
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://engine.internal/query/1", bytes.NewReader(body))
	if err != nil {
		s.tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	res, err := s.engine.Transport().RoundTrip(req)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Data  json.RawMessage
		Error struct{ Code, Message string }
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		s.tb.Fatal(err)
	}
	if answer.Error.Code != "" {
		return answer.Error.Code
	}
	return string(answer.Data)
}

// written is everything an exchange may have left behind.
func (s *service) written() string {
	s.tb.Helper()
	return s.query(s.root, "[User.all().count(), auth0_jwt.all().count(), Token.all().count(), auth0_deny.all().count()]")
}

// pushed is the app's file with another body of upsertAuth0User.
func pushed(tb testing.TB, s *service, body string) engine.File {
	tb.Helper()
	_, app := fqlx.Schema("User")
	head, _, ok := strings.Cut(app.Content, "function upsertAuth0User(tenant, sub, claims) {")
	if !ok {
		tb.Fatal("the app's file has another function")
	}
	return engine.File{Name: app.Name, Content: head + "function upsertAuth0User(tenant, sub, claims) { " + body + " }\n"}
}
