package exchange_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

func newCookieService(tb testing.TB) *service {
	return newModeService(tb, exchange.ModeCookie, func(c *exchange.Config, _ *exchange.VerifierConfig) { c.MaxTTL = time.Minute })
}

// secretIn is what the cookie holds.
func secretIn(tb testing.TB, pair string) string {
	tb.Helper()
	held, ok := exchange.NewRing(ringKey(1)).Open(value(pair))
	if !ok || !strings.HasPrefix(held.Secret, "fn") {
		tb.Fatalf("%s holds %v", pair, held)
	}
	return held.Secret
}

func TestCookieMode(t *testing.T) {
	s := newCookieService(t)
	a, pair := s.loggedIn(s.short(600))
	var members map[string]any
	if err := json.Unmarshal([]byte(a.body), &members); err != nil {
		t.Fatal(err)
	}
	want := []string{"endpoint", "expires_at", "expires_in", "issued_at", "session", "user"}
	if got := slices.Sorted(maps.Keys(members)); !slices.Equal(got, want) {
		t.Errorf("members %v, want %v", got, want)
	}
	if members["endpoint"] != "https://login.example.com" || a.ExpiresIn != 60 {
		t.Errorf("answer %s", a.body)
	}
	secret := secretIn(t, pair)
	bodies := a.body
	for _, query := range []struct{ fql, want string }{
		{"Query.identity()!.id", `"data":"` + a.Session.ID + `"`},
		{"Query.identity()!.user.id", `"data":"` + a.User.ID + `"`},
		{"User.all().count()", `"data":1`},
		{"nonsense(", `"code":"invalid_query"`},
		{"Query.token()", `"data"`},
		{"Token.all().toArray()", `"coll":"Token"`},
	} {
		got := s.cookieQuery(pair, query.fql)
		if !strings.Contains(got.body, query.want) {
			t.Errorf("%s: %d %s", query.fql, got.status, got.body)
		}
		bodies += got.body + fmt.Sprint(got.header)
	}
	// No other way to the secret either.
	form := "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:jwt&subject_token=" + s.short(600)
	oauth := s.do(s.request("POST", "/oauth/token", form, "Content-Type: application/x-www-form-urlencoded"))
	if oauth.status != 400 || oauth.Error != "unauthorized_client" {
		t.Errorf("/oauth/token: %d %s", oauth.status, oauth.body)
	}
	bodies += s.page("GET", "/query/1", pair, "").body + s.page("POST", "/query/1", pair, "{}", "Authorization: Bearer x").body + oauth.body
	if all := bodies + s.log.String() + s.audit.String(); strings.Contains(all, secret) || strings.Contains(all, value(pair)) {
		t.Error("the secret, or the cookie, is in an answer or a log")
	}
	// With the secret itself, if somebody has it, queries go to Fauna, not here.
	if a := s.do(s.request("POST", "/query/1", `{"query":"1"}`, "Authorization: Bearer "+secret, "Content-Type: application/json")); a.status != 400 {
		t.Errorf("a bearer token: %d %s", a.status, a.body)
	}

	if a := s.page("DELETE", "/fauna-login", pair, ""); a.status != 204 {
		t.Errorf("logout: %d %s", a.status, a.body)
	}
	s.checkDead(secret)
	replayed := s.cookieQuery(pair, "1")
	if replayed.status != 401 || replayed.header.Get("WWW-Authenticate") != `Bearer realm="fauna-login"` {
		t.Errorf("after logout: %d %v", replayed.status, replayed.header)
	}
	checkCleared(t, replayed, secretCookie)
}

func TestCookieForged(t *testing.T) {
	s := newCookieService(t)
	ring := exchange.NewRing(ringKey(1))
	a, pair := s.loggedIn(s.good())
	_, other := s.loggedIn(s.withClaims(m{"sub": "auth0|other"}))
	secret := secretIn(t, pair)
	held := exchange.Sealed{SessionID: a.Session.ID, UserID: a.User.ID, Expires: s.clock.now().Add(time.Minute), Secret: secret}
	expired := held
	expired.Expires = s.clock.now()
	half := len(value(pair)) / 2
	for name, forged := range map[string]string{
		"none":       "",
		"empty":      secretCookie + "=",
		"truncated":  pair[:len(pair)-1],
		"nonce only": pair[:len(secretCookie)+1+16],
		"longer":     pair + "A",
		"changed":    secretCookie + "=" + flip(value(pair), half),
		"spliced":    secretCookie + "=" + value(pair)[:half] + value(other)[half:],
		"other key":  secretCookie + "=" + must(exchange.NewRing(ringKey(2)).Seal(held)),
		"handle":     secretCookie + "=" + must(ring.SignHandle(handleOf(a))),
		"other name": handleCookie + "=" + value(pair),
		"plain":      secretCookie + "=" + secret,
		"twice":      pair + "; " + pair,
		"expired":    secretCookie + "=" + must(ring.Seal(expired)),
	} {
		got := s.cookieQuery(forged, "1")
		if got.status != 401 || !strings.HasPrefix(got.body, `{"error":{"code":"unauthorized","message":"Access token required"}`) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		checkDropped(t, got, secretCookie, forged)
	}
	for _, pair := range []string{pair, other} {
		if got := s.cookieQuery(pair, "1"); got.status != 200 {
			t.Errorf("a good cookie: %d %s", got.status, got.body)
		}
	}
	s.clock.advance(time.Minute)
	if got := s.cookieQuery(pair, "1"); got.status != 401 {
		t.Errorf("at its end: %d %s", got.status, got.body)
	}
}

// Two users in two tabs of one browser: the cookie is of whoever came last, and the other's page
// gets nothing of theirs, nor takes it away.
func TestCookieOfAnotherUser(t *testing.T) {
	var secrets []string // that Fauna got to see
	s, adas := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
		secrets = append(secrets, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	})
	ada, _ := s.loggedIn(s.short(600))
	grace, graces := s.loggedIn(s.withClaims(m{"sub": "auth0|grace"}))
	if ada.User.ID == grace.User.ID {
		t.Fatal("one user")
	}
	for _, path := range []string{"/query/1", "/stream/1", "/feed/1"} {
		for _, c := range []struct {
			name, user, pair string
			status           int
		}{
			{"one's own", ada.User.ID, adas, 200},
			{"the other's own", grace.User.ID, graces, 200},
			{"a page that does not say", "1", graces, 200},
			{"the other's", ada.User.ID, graces, 401},
			{"the other's too", grace.User.ID, adas, 401},
			{"nobody's", "0", adas, 401},
			{"another writing", "0" + ada.User.ID, adas, 401},
			{"more than an id can be", "99999999999999999999", adas, 401},
		} {
			secrets = nil
			logged, recorded := len(s.log.String()), len(s.audit.String())
			a := s.pageOf(c.user, "POST", path, c.pair, "{}")
			if a.status != c.status || a.header.Values("Set-Cookie") != nil {
				t.Errorf("%s %s: %d %s, cookies %q", path, c.name, a.status, a.body, a.header.Values("Set-Cookie"))
			}
			if c.status == 200 {
				if !slices.Equal(secrets, []string{secretIn(t, c.pair)}) {
					t.Errorf("%s %s: Fauna gets %d secrets, not the cookie's", path, c.name, len(secrets))
				}
				continue
			}
			none := s.page("POST", path, "", "{}") // the same answer as without a cookie
			if strings.ReplaceAll(a.body, a.RequestID, "") != strings.ReplaceAll(none.body, none.RequestID, "") ||
				a.header.Get("WWW-Authenticate") != none.header.Get("WWW-Authenticate") || len(secrets) != 0 {
				t.Errorf("%s %s: %s, Fauna gets %d requests", path, c.name, a.body, len(secrets))
			}
			for text, from := range map[string]int{s.log.String(): logged, s.audit.String(): recorded} {
				if !strings.Contains(text[from:], `"reason":"cookie_user"`) {
					t.Errorf("%s %s: log or audit lacks the reason: %s", path, c.name, text[from:])
				}
			}
		}
	}
}

func TestCookieKeyRotation(t *testing.T) {
	s := newCookieService(t)
	_, pair := s.loggedIn(s.good())
	for _, step := range []struct {
		keys   []exchange.Key
		status int
	}{
		{[]exchange.Key{ringKey(2), ringKey(1)}, 200},
		{[]exchange.Key{ringKey(2)}, 401},
	} {
		config := s.built.Config
		config.Keys = step.keys
		s.serve(must(exchange.New(config)))
		if got := s.cookieQuery(pair, "1"); got.status != step.status {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	_, pair = s.loggedIn(s.good())
	if got := s.cookieQuery(pair, "1"); got.status != 200 {
		t.Errorf("sealed by the new key: %d %s", got.status, got.body)
	}
}

// fauna is a Fauna cluster whose answers a test writes, and a service in mode cookie in front.
func newCluster(t *testing.T, answer http.HandlerFunc) (s *service, pair string) {
	upstream := httptest.NewServer(answer)
	t.Cleanup(upstream.Close)
	s = newModeService(t, exchange.ModeCookie, func(c *exchange.Config, _ *exchange.VerifierConfig) {
		c.Query, c.Upstream, c.MaxTTL = nil, upstream.URL, time.Minute
	})
	_, pair = s.loggedIn(s.short(600))
	return s, pair
}

// What passes, and what does not, both ways.
func TestProxyHeaders(t *testing.T) {
	var got *http.Request
	var body string
	s, pair := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		for _, name := range []string{
			"Set-Cookie", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Server", "X-Evil", "Location", "Refresh", "Clear-Site-Data",
			"Strict-Transport-Security", "Content-Security-Policy", "Keep-Alive", "Proxy-Authenticate", "Www-Authenticate", "X-Request-Id", "Vary", "Link",
		} {
			w.Header().Set(name, "*")
		}
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "1")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Traceparent", "00-1-2-00")
		w.Header().Set("X-Fauna-Stream-Id", "7")
		w.Header().Set("Trailer", "X-Late")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, `{"data":1}`)
		w.Header().Set("X-Late", "1")
	})
	secret := secretIn(t, pair)
	passed := map[string]string{
		"Accept": "application/json", "Accept-Encoding": "br", "Traceparent": "00-3-4-01", "X-Driver-Env": "d", "X-Driver": "js", "X-Format": "tagged",
		"X-Last-Txn-Ts": "1", "X-Linearized": "true", "X-Max-Contention-Retries": "3", "X-Performance-Hints": "true", "X-Query-Tags": "a=b",
		"X-Query-Timeout-Ms": "5000", "X-Typecheck": "false",
	}
	headers := []string{
		"X-Forwarded-For: 1.2.3.4", "Forwarded: for=1.2.3.4", "X-Trace-Secret: x", "X-Evil: 1", "Connection: X-Evil", "Te: trailers", "Upgrade: websocket",
		"Authorization: Basic eDp5", "Proxy-Authorization: Basic x", "Referer: https://app.example.com/", "User-Agent: browser", "Accept-Language: de", "X-Fauna-Source: x",
	}
	for name, value := range passed {
		headers = append(headers, name+": "+value)
	}
	a := s.page("POST", "/query/1?access_token=x&b=c", pair, `{"query":"1"}`, headers...)
	passed["Content-Type"], passed["Authorization"], passed["Content-Length"] = "application/json", "Bearer "+secret, "13"
	want := http.Header{}
	for name, value := range passed {
		want.Set(name, value)
	}
	if !maps.EqualFunc(got.Header, want, slices.Equal) {
		t.Errorf("Fauna gets\n%v, want\n%v", got.Header, want)
	}
	if got.RequestURI != "/query/1" || got.Method != "POST" || body != `{"query":"1"}` || strings.Contains(s.url, got.Host) {
		t.Errorf("%s %s at %s: %s", got.Method, got.RequestURI, got.Host, body)
	}

	if a.status != http.StatusTeapot || a.body != `{"data":1}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	allowed := []string{
		"Content-Length", "Content-Type", "Traceparent", "X-Fauna-Stream-Id", // Fauna's
		"Cache-Control", "Content-Security-Policy", "Date", "Referrer-Policy", "Vary", "X-Content-Type-Options", "X-Request-Id", // ours
	}
	for name, values := range a.header {
		if !slices.Contains(allowed, name) || slices.Contains(values, "*") {
			t.Errorf("the page gets %s: %q", name, values)
		}
	}
	if a.header.Get("Traceparent") != "00-1-2-00" || a.header.Get("X-Fauna-Stream-Id") != "7" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page gets %v", a.header)
	}
}

func TestProxyTimeout(t *testing.T) {
	var got []string
	s, pair := newCluster(t, func(w http.ResponseWriter, r *http.Request) { got = r.Header.Values("X-Query-Timeout-Ms") })
	for sent, want := range map[string]string{
		"": "10000", "1": "1", "10000": "10000", "10001": "10000", "600000": "10000", "+20000": "10000",
		"0": "0", "-5": "-5", "x": "x", "99999999999999999999": "99999999999999999999", // Fauna refuses these
	} {
		var headers []string
		if sent != "" {
			headers = []string{"X-Query-Timeout-Ms: " + sent}
		}
		if s.page("POST", "/query/1", pair, "{}", headers...); !slices.Equal(got, []string{want}) {
			t.Errorf("%q is passed as %q, want %s", sent, got, want)
		}
	}
	if s.page("POST", "/query/1", pair, "{}", "X-Query-Timeout-Ms: 1", "X-Query-Timeout-Ms: 600000"); !slices.Equal(got, []string{"10000"}) {
		t.Errorf("two are passed as %q", got)
	}
}

// What does not even get to Fauna.
func TestProxyRefusals(t *testing.T) {
	requests := 0
	s, pair := newCluster(t, func(http.ResponseWriter, *http.Request) { requests++ })
	body := `{"query":"1"}`
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code                     string
	}{
		{"inbound Authorization", "POST", "/query/1", body, []string{"Authorization: Bearer x"}, 400, "invalid_request"},
		{"inbound Authorization twice", "POST", "/query/1", body, []string{"Authorization: Basic eDp5", "Authorization: Basic eDp5"}, 400, "invalid_request"},
		{"Bearer without a token", "POST", "/query/1", body, []string{"Authorization: Bearer"}, 400, "invalid_request"},
		{"GET", "GET", "/query/1", "", nil, 405, "method_not_allowed"},
		{"PUT", "PUT", "/query/1", body, nil, 405, "method_not_allowed"},
		{"DELETE", "DELETE", "/stream/1", "", nil, 405, "method_not_allowed"},
		{"schema", "POST", "/schema/1/files", body, nil, 404, ""},
		{"the old API", "POST", "/", body, nil, 404, ""},
		{"under the path", "POST", "/query/1/x", body, nil, 404, ""},
		{"beside the path", "POST", "/query/10", body, nil, 404, ""},
		{"a dotted path", "POST", "/query/1/../../schema/1", body, nil, 404, ""},
		{"an escaped path", "POST", "/query%2F1", body, nil, 404, ""},
		{"a double slash", "POST", "//query/1", body, nil, 404, ""},
		{"a big body", "POST", "/query/1", strings.Repeat(" ", 8<<20+1), nil, 413, "request_size_exceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.page(c.method, c.path, pair, c.body, c.headers...)
			if a.status != c.status || c.code != "" && !strings.Contains(a.body, `{"error":{"code":"`+c.code+`"`) {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	if requests != 0 {
		t.Errorf("%d requests got to Fauna", requests)
	}
}

// A body of unknown length is cut where it gets too long.
func TestProxyLongBody(t *testing.T) {
	read := make(chan int64, 2)
	s, pair := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		read <- n
	})
	for size, status := range map[int64]int{8 << 20: 200, 8<<20 + 1: 413} {
		req := s.request("POST", "/query/1", "", "X-Fauna-Login: 1", "Content-Type: application/json", "Cookie: "+pair)
		req.Body, req.ContentLength = io.NopCloser(io.LimitReader(spaces{}, size)), -1
		if a := s.do(req); a.status != status {
			t.Errorf("%d bytes: %d %s", size, a.status, a.body)
		}
		if n := <-read; n > 8<<20 {
			t.Errorf("Fauna read %d bytes", n)
		}
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestProxyAnswers(t *testing.T) {
	var answer func(w http.ResponseWriter)
	s, pair := newCluster(t, func(w http.ResponseWriter, r *http.Request) { answer(w) })
	for _, c := range []struct {
		name    string
		answer  func(w http.ResponseWriter)
		status  int
		body    string
		cleared bool
	}{
		{"an error of a query", func(w http.ResponseWriter) { w.WriteHeader(400); io.WriteString(w, "{}") }, 400, "{}", false},
		{"401", func(w http.ResponseWriter) {
			w.Header().Set("Www-Authenticate", `Basic realm="fauna"`)
			w.WriteHeader(401)
			io.WriteString(w, `{"error":{"code":"unauthorized"}}`)
		}, 401, `{"error":{"code":"unauthorized"}}`, true},
		{"403", func(w http.ResponseWriter) { w.WriteHeader(403) }, 403, "", false},
		{"Fauna's 503", func(w http.ResponseWriter) { w.WriteHeader(503); io.WriteString(w, "{}") }, 503, "{}", false},
		{"a redirect", func(w http.ResponseWriter) { w.Header().Set("Location", "https://evil.example"); w.WriteHeader(307) }, 503, "time_out", false},
		{"early hints", func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(200) }, 200, "", false},
		{"broken off before the answer", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, 503, "time_out", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.tb, answer = t, c.answer
			a := s.cookieQuery(pair, "1")
			if a.status != c.status || !strings.Contains(a.body, c.body) {
				t.Errorf("%d %s", a.status, a.body)
			}
			if c.cleared {
				checkCleared(t, a, secretCookie)
			} else if a.header.Values("Set-Cookie") != nil {
				t.Errorf("cookies %q", a.header.Values("Set-Cookie"))
			}
			want := ""
			if c.status == 401 {
				want = `Bearer realm="fauna-login"`
			}
			if got := a.header.Get("WWW-Authenticate"); got != want {
				t.Errorf("WWW-Authenticate %s", got)
			}
		})
	}
}

func TestProxyDown(t *testing.T) {
	s := newModeService(t, exchange.ModeCookie, func(c *exchange.Config, _ *exchange.VerifierConfig) {
		c.Query, c.Upstream = nil, "http://127.0.0.1:1"
	})
	_, pair := s.loggedIn(s.good())
	a := s.cookieQuery(pair, "1")
	if a.status != 503 || a.header.Get("Retry-After") == "" || !strings.HasPrefix(a.body, `{"error":{"code":"time_out","message":"Auth0's keys or`) {
		t.Errorf("%d %v %s", a.status, a.header, a.body)
	}
	if a.header.Values("Set-Cookie") != nil || strings.Contains(a.body, "127.0.0.1:1") {
		t.Errorf("%v %s", a.header, a.body)
	}
	if !strings.Contains(s.log.String(), `"reason":"fauna_unavailable"`) {
		t.Error("not in the log")
	}
}

// A stream arrives as it is sent, outlives the server's limits, and ends when the program stops
// or the secret does.
func TestProxyStream(t *testing.T) {
	for _, c := range []struct {
		name string
		h2   bool
		end  func(s *service, upstream, client context.CancelFunc)
	}{
		{"Fauna ends it", false, func(_ *service, upstream, _ context.CancelFunc) { upstream() }},
		{"Fauna ends it, HTTP/2", true, func(_ *service, upstream, _ context.CancelFunc) { upstream() }},
		{"the program stops", false, func(s *service, _, _ context.CancelFunc) { s.built.EndStreams() }},
		{"the program stops, HTTP/2", true, func(s *service, _, _ context.CancelFunc) { s.built.EndStreams() }},
		{"the client leaves", false, func(_ *service, _, client context.CancelFunc) { client() }},
		{"the secret ends", false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			over, endUpstream := context.WithCancel(t.Context())
			defer endUpstream()
			gone := make(chan struct{})
			s, pair := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
				defer close(gone)
				for n := 1; ; n++ {
					fmt.Fprintf(w, `{"n":%d}`+"\r\n", n)
					http.NewResponseController(w).Flush()
					select {
					case <-over.Done():
						return
					case <-r.Context().Done():
						return
					case <-time.After(70 * time.Millisecond):
					}
				}
			})
			server := httptest.NewUnstartedServer(s.built.Handler())
			server.Config.ReadTimeout, server.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
			server.EnableHTTP2 = c.h2
			server.StartTLS()
			t.Cleanup(server.Close)
			if c.end == nil {
				s.clock.advance(time.Minute - 1500*time.Millisecond)
			}
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			req := s.request("POST", "/stream/1", `{"token":"x"}`, "X-Fauna-Login: 1", "Content-Type: application/json", "Cookie: "+pair)
			req.URL.Scheme, req.URL.Host = "https", server.Listener.Addr().String()
			client := server.Client()
			client.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true // the certificate is for another name
			res, err := client.Do(req.WithContext(ctx))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != 200 || (res.ProtoMajor == 2) != c.h2 {
				t.Fatalf("%s %s", res.Proto, res.Status)
			}
			lines := bufio.NewScanner(res.Body)
			for n := 1; n <= 4; n++ { // the first before the second is written; the last after the server's limits
				if !lines.Scan() || lines.Text() != fmt.Sprintf(`{"n":%d}`, n) {
					t.Fatalf("line %d: %q %v", n, lines.Text(), lines.Err())
				}
			}
			if c.end != nil {
				c.end(s, endUpstream, leave)
			}
			for lines.Scan() {
			}
			<-gone
		})
	}
}
