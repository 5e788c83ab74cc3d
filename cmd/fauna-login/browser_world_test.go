package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

// browserWorld is all that the pages meet, as the tests in the browser are told it. The browser
// looks for every name under .test on this machine, so that what is the same site, and what is
// not, is real. example.test is ours; evil.test is not.
type browserWorld struct {
	Chromium string `json:"chromium"` // path
	SPKI     string `json:"spki"`     // hash of the one key of all certificates
	Audience string `json:"audience"`
	Auth0    string `json:"auth0"`   // the stand-in tenant, without the slash
	Control  string `json:"control"` // see control
	// Origins of pages. All serve the same; only App is on the services' list.
	App       string `json:"app"`
	OtherPort string `json:"otherPort"` // app, another port: the same site
	Plain     string `json:"plain"`     // app, http: another site, since the scheme counts
	Sibling   string `json:"sibling"`   // the same site
	Evil      string `json:"evil"`      // another site
	Lookalike string `json:"lookalike"` // another site, whose name begins with app's
	// The program in each mode.
	Bearer  modeWorld `json:"bearer"`
	Refresh modeWorld `json:"refresh"`
	Cookie  modeWorld `json:"cookie"`

	ahead   atomic.Int64 // how far the clock of the programs and the tenant is, in nanoseconds
	tenant  *auth0test.Tenant
	pages   string // directory
	cert    string // files
	key     string
	jwksURL string
}

type modeWorld struct {
	URL   string `json:"url"`
	Fauna string `json:"fauna"` // the wire port
	Root  string `json:"root"`  // its root secret
}

// browserTTL is the life of a secret.
const browserTTL = 2 * time.Minute

func startBrowserWorld(t *testing.T, pages string) *browserWorld {
	dir := t.TempDir()
	w := &browserWorld{pages: pages, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	writePair(t, w.cert, w.key, "example.test", time.Now())
	pair, err := tls.LoadX509KeyPair(w.cert, w.key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(pair.Leaf.RawSubjectPublicKeyInfo)
	w.SPKI = base64.StdEncoding.EncodeToString(sum[:])

	w.startTenant(t, &pair)
	site, other, plain := listenTest(t, w.site, &pair), listenTest(t, w.site, &pair), listenTest(t, w.site, nil)
	w.App, w.Sibling = "https://app.example.test:"+site.port, "https://sibling.example.test:"+site.port
	w.Evil, w.Lookalike = "https://evil.test:"+site.port, "https://app.example.test.evil.test:"+site.port
	w.OtherPort = "https://app.example.test:" + other.port
	w.Plain = "http://app.example.test:" + plain.port
	control := listenTest(t, w.control, nil)
	w.Control = "http://127.0.0.1:" + control.port
	w.Bearer = w.startMode(t, exchange.ModeBearer)
	w.Refresh = w.startMode(t, exchange.ModeRefresh)
	w.Cookie = w.startMode(t, exchange.ModeCookie)
	for _, l := range []testListener{site, other, plain, control} {
		l.serve()
	}
	return w
}

func (w *browserWorld) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// startTenant starts the stand-in tenant: for the browser as a custom domain of the app's own
// site, for the programs on plain loopback.
func (w *browserWorld) startTenant(t *testing.T, pair *tls.Certificate) {
	handler := func(rw http.ResponseWriter, r *http.Request) { w.tenant.Handler().ServeHTTP(rw, r) }
	browsers, programs := listenTest(t, handler, pair), listenTest(t, handler, nil)
	w.Auth0 = "https://auth.example.test:" + browsers.port
	w.jwksURL = "http://127.0.0.1:" + programs.port + "/.well-known/jwks.json"
	var err error
	w.tenant, err = auth0test.NewTenant(auth0test.Options{
		Issuer: w.Auth0 + "/", Now: w.now, Hosts: []string{"auth.example.test", "app.example.test"},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Audience = w.tenant.Audience
	browsers.serve()
	programs.serve()
}

// testListener has its port before it serves: the handlers tell each other's.
type testListener struct {
	port  string
	serve func()
}

// listenTest listens on a port of this machine until the test ends.
func listenTest(t *testing.T, handler http.HandlerFunc, pair *tls.Certificate) testListener {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // browsers give up connections as they like
	t.Cleanup(server.Close)
	l := testListener{strconv.Itoa(server.Listener.Addr().(*net.TCPAddr).Port), server.Start}
	if pair != nil {
		server.TLS = &tls.Config{Certificates: []tls.Certificate{*pair}}
		l.serve = server.StartTLS
	}
	return l
}

// startMode runs serve in a mode, with the app's schema pushed to its engine.
func (w *browserWorld) startMode(t *testing.T, mode exchange.Mode) modeWorld {
	dir := t.TempDir()
	listen := freeAddress(t)
	_, port, _ := net.SplitHostPort(listen)
	m := modeWorld{URL: "https://" + string(mode) + ".example.test:" + port}
	config := fmt.Sprintf(`
listen: %s
admin_listen: ""
public_url: %s
tls: {cert_file: %s, key_file: %s}
auth0:
  {issuers: ["%s/"], audience: [%s], jwks_url: "%s", claims: {user: [{to: email, from: "/https:~1~1example.com~1email"}]}}
fauna: {listen: "127.0.0.1:0", data: %s}
session: {mode: %s, max_ttl: %s}
cors: {origins: [%s]}
limits: {requests_per_minute_per_subject: 0}
`, listen, m.URL, w.cert, w.key, w.Auth0, w.Audience, w.jwksURL, filepath.Join(dir, "data"), mode, browserTTL, w.App)
	if mode != exchange.ModeBearer {
		config = strings.Replace(config, "session: {", "session: {keys: ["+exchange.NewKey()+"], ", 1)
	}
	if err := os.WriteFile(filepath.Join(dir, "fauna-login.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	m.Fauna = "http://" + w.startProgram(t, dir).Fauna
	var err error
	if m.Root, err = readSecret(filepath.Join(dir, "data", rootSecretFile)); err != nil {
		t.Fatal(err)
	}
	var out syncBuffer
	push := Program{
		Args: []string{"schema", "push", "--endpoint", m.Fauna, "--dir", webDir + "/demo"}, Env: []string{"FAUNA_SECRET=" + m.Root},
		Stdout: &out, Stderr: &out, Now: w.now,
	}
	if code := push.Run(t.Context()); code != 0 {
		t.Fatalf("schema push exited with %d:\n%s", code, out.String())
	}
	return m
}

func (w *browserWorld) startProgram(t *testing.T, dir string) Addresses {
	ctx, cancel := context.WithCancel(context.Background())
	started, exited, log := make(chan Addresses, 1), make(chan int, 1), &syncBuffer{}
	program := &Program{
		Args: []string{"serve"}, Dir: dir, Stdout: io.Discard, Stderr: log, Now: w.now,
		Started: func(a Addresses) { started <- a },
	}
	go func() { exited <- program.Run(ctx) }()
	select {
	case addresses := <-started:
		t.Cleanup(func() {
			cancel()
			if code := <-exited; code != 0 {
				t.Errorf("exit code %d", code)
			}
			if t.Failed() {
				t.Log(log.String())
			}
		})
		return addresses
	case code := <-exited:
		cancel()
		t.Fatalf("serve exited with %d:\n%s", code, log.String())
		return Addresses{}
	}
}

// site serves the pages, whatever the host: /kit/, and the examples as /spa/<mode>/ and
// /react/<mode>/, under the strictest policy that an app can have.
func (w *browserWorld) site(rw http.ResponseWriter, r *http.Request) {
	page, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	mode, file, _ := strings.Cut(rest, "/")
	if page == "kit" {
		http.StripPrefix("/kit", http.FileServer(http.Dir(filepath.Join(w.pages, page)))).ServeHTTP(rw, r)
		return
	}
	login, ok := map[string]string{"bearer": w.Bearer.URL, "refresh": w.Refresh.URL, "cookie": w.Cookie.URL}[mode]
	if !ok || page != "spa" && page != "react" {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; "+
		"connect-src 'self' "+login+" "+w.Auth0+"; frame-src "+w.Auth0)
	rw.Header().Set("Referrer-Policy", "no-referrer")
	if file == "config.json" {
		json.NewEncoder(rw).Encode(map[string]string{
			"domain": strings.TrimPrefix(w.Auth0, "https://"), "clientId": auth0test.ClientID, "audience": w.Audience,
			"loginUrl": login + "/fauna-login", "mode": mode,
		})
		return
	}
	http.ServeFile(rw, r, filepath.Join(w.pages, page, filepath.Base("/"+file)))
}

// control is for the tests alone. POST /advance?by=1m moves the clock of the programs and the
// tenant; POST /mint?life=1m&email=ada@example.com answers with a new token of that user, any other
// request with the time in milliseconds.
func (w *browserWorld) control(rw http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if life, err := time.ParseDuration(query.Get("life")); err == nil {
		for _, u := range auth0test.Users() {
			if u.Email == query.Get("email") {
				claims := auth0test.Claims{"sub": u.Sub, "https://example.com/email": u.Email, "exp": w.now().Add(life).Unix(), "jti": rand.Text()}
				fmt.Fprint(rw, w.tenant.Mint(claims))
			}
		}
		return
	}
	if by, err := time.ParseDuration(query.Get("by")); err == nil && r.Method == http.MethodPost {
		w.ahead.Add(int64(by))
	}
	fmt.Fprint(rw, w.now().UnixMilli())
}
