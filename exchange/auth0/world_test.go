package auth0_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
	"github.com/fauna-login/fauna-login/exchange/auth0test"
	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/fauna-login/fauna-login/fqlx/engine"
	"github.com/fauna-login/fauna-login/fqlx/engine/enginetest"
)

type m = map[string]any

const (
	namespace    = "https://example.com"
	clientID     = "m2m"
	clientSecret = "client-secret-of-the-test"
)

// world is the running service with its engine, a tenant, and what scripts reach of the two.
type world struct {
	testing.TB
	tenant *auth0test.Tenant
	engine *enginetest.Server
	// service and tokens are how scripts reach the service and the tenant's token endpoint.
	service, tokens *front
	node            *node
}

// newWorld starts everything.
func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{TB: tb, node: startNode(tb)}
	w.tenant = auth0test.New(tb)
	w.engine = enginetest.New(tb, func(o *engine.Options) { o.Now = time.Now })
	admin := fqlx.NewAdmin(fqlx.Config{Endpoint: w.engine.URL, Secret: w.engine.Secret, Log: slog.New(slog.DiscardHandler)})
	plan, err := admin.Plan(tb.Context(), "User", fqlx.DatabaseSchema())
	if err == nil {
		err = admin.Push(tb.Context(), plan)
	}
	if err != nil {
		tb.Fatal(err)
	}
	w.service = newFront(tb, w.newService())
	tenantURL, err := url.Parse(w.tenant.URL)
	if err != nil {
		tb.Fatal(err)
	}
	w.tokens = newFront(tb, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(tenantURL) }})
	return w
}

func (w *world) newService() http.Handler {
	w.Helper()
	log := slog.New(slog.DiscardHandler)
	verifier, err := exchange.NewVerifier(exchange.VerifierConfig{
		Tenants: []exchange.Tenant{{
			Name: "main", Issuers: []string{w.tenant.Issuer}, Audience: []string{w.tenant.Audience},
			SessionIDClaim: "/https:~1~1example.com~1sid", LinkIDClaim: "/https:~1~1example.com~1tid",
			OnBehalf:   exchange.OnBehalf{Clients: []string{clientID}, Scope: "fauna:issue_for_user", MaxTTL: 15 * time.Minute},
			UserClaims: []exchange.ClaimCopy{{To: "email", From: "/https:~1~1example.com~1email"}, {To: "name", From: "/https:~1~1example.com~1name"}},
		}},
		Leeway: 30 * time.Second, MaxTokenBytes: 16 << 10, Log: log,
	})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(verifier.Close)
	service, err := exchange.New(exchange.Config{
		Verifier: verifier,
		Fauna:    fqlx.New(fqlx.Config{Endpoint: w.engine.URL, Secret: w.key("token_exchange"), Log: log}),
		Endpoint: "https://fauna.example.com",
		MaxTTL:   time.Hour, MinTTL: 10 * time.Second, MaxSecrets: 20, MaxTokenBytes: 16 << 10,
		Query: w.engine.Engine.PublicHandler(), Log: log,
	})
	if err != nil {
		w.Fatal(err)
	}
	return service.Handler()
}

// key makes a key of a role.
func (w *world) key(role string) string {
	w.Helper()
	return w.engine.Query(`Key.create({ role: "` + role + `" }).secret`).(string)
}

// text is the result of a query with the root secret, as JSON.
func (w *world) text(fql string) string {
	w.Helper()
	b, err := json.Marshal(w.engine.Query(fql))
	if err != nil {
		w.Fatal(err)
	}
	return string(b)
}

// is fails the test when a query gives anything else.
func (w *world) is(fql, want string) {
	w.Helper()
	if got := w.text(fql); got != want {
		w.Errorf("%s is %s, want %s", fql, got, want)
	}
}

// login is the answer of POST /fauna-login.
type login struct {
	status  int
	Secret  string
	User    struct{ ID string }
	Session struct{ ID string }
}

// exchange exchanges a token of a user with claims that a script has set.
func (w *world) exchange(sub string, claims m) login {
	w.Helper()
	all := auth0test.Claims{"sub": sub}
	for name, v := range claims {
		all[name] = v
	}
	req, err := http.NewRequest(http.MethodPost, w.service.URL+"/fauna-login", nil)
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.tenant.Mint(all))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	l := login{status: res.StatusCode}
	if err := json.NewDecoder(res.Body).Decode(&l); err != nil {
		w.Fatal(err)
	}
	return l
}

// front stands before a handler: it counts requests, and a test may have it answer in place of
// the handler.
type front struct {
	*httptest.Server
	handler http.Handler

	mu   sync.Mutex
	n    int
	hook func(http.ResponseWriter, *http.Request) bool // true: answered
}

func newFront(tb testing.TB, handler http.Handler) *front {
	f := &front{handler: handler}
	f.Server = httptest.NewServer(f)
	tb.Cleanup(func() {
		f.CloseClientConnections() // those that a hook holds
		f.Close()
	})
	return f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.n++
	hook := f.hook
	f.mu.Unlock()
	if hook == nil || !hook(w, r) {
		f.handler.ServeHTTP(w, r)
	}
}

// answer has hook answer from now on; nil repairs everything.
func (f *front) answer(hook func(http.ResponseWriter, *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
}

// requests is how many came since it was last asked.
func (f *front) requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.n
	f.n = 0
	return n
}

// What may be wrong with a server.
var faults = map[string]func(http.ResponseWriter, *http.Request) bool{
	"unavailable": func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, `{"error":"temporarily_unavailable"}`)
		return true
	},
	"a web page": func(w http.ResponseWriter, _ *http.Request) bool {
		io.WriteString(w, "<!doctype html><title>It works!</title>")
		return true
	},
	"an empty object": func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadGateway)
		io.WriteString(w, "{}")
		return true
	},
	"no answer": func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
	// to somebody who says yes to everything
	"a redirect": func(w http.ResponseWriter, r *http.Request) bool {
		const there = "/there/on-behalf"
		if r.URL.Path != there {
			http.Redirect(w, r, there, http.StatusTemporaryRedirect)
			return true
		}
		io.WriteString(w, `{"access_token":"x","expires_in":86400,"secret":"x","expires_at":"x","data":true}`)
		return true
	},
}

// slow answers not before the caller has gone.
func slow(_ http.ResponseWriter, r *http.Request) bool {
	io.Copy(io.Discard, r.Body) // or the server does not notice that the caller goes
	<-r.Context().Done()
	return true
}

// lost has the handler do its work and loses the answer.
func (f *front) lost(_ http.ResponseWriter, r *http.Request) bool {
	f.handler.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// contains reports whether the JSON of v holds a text.
func contains(tb testing.TB, v any, text string) bool {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.Contains(b, []byte(text))
}

// visible are texts that must not be in a log.
var visible = []string{clientSecret, "eyJ", "fnA", "fnE", "correct horse", "battery staple"}

func checkLog(tb testing.TB, lines []string) {
	tb.Helper()
	log := strings.Join(lines, "\n")
	if len(log) > 256 {
		tb.Errorf("Auth0 keeps 256 characters of the log, not %d: %s", len(log), log)
	}
	for _, text := range visible {
		if strings.Contains(log, text) {
			tb.Errorf("the log holds %s: %s", text, log)
		}
	}
}
