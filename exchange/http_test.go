package exchange_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

// outward is the one constant answer of each kind of refusal, but for the request id.
var outward = map[exchange.Kind]struct {
	status          int
	body, challenge string
}{
	exchange.InvalidToken: {401,
		`{"error":"invalid_token","error_description":"The access token is not valid here. Get a fresh one from Auth0, with this API as its audience.","request_id":"…"}` + "\n",
		`Bearer realm="fauna-login", error="invalid_token", error_description="The access token is not valid here. Get a fresh one from Auth0, with this API as its audience."`},
	exchange.InsufficientScope: {403,
		`{"error":"insufficient_scope","error_description":"The access token lacks a required scope.","request_id":"…"}` + "\n",
		`Bearer realm="fauna-login", error="insufficient_scope", error_description="The access token lacks a required scope.", scope="fauna:login todo:read"`},
	exchange.AccessDenied: {403,
		`{"error":"access_denied","error_description":"The access token is valid, but this user or client may not log in here.","request_id":"…"}` + "\n",
		`Bearer realm="fauna-login", error="access_denied", error_description="The access token is valid, but this user or client may not log in here."`},
	exchange.Unavailable: {503,
		`{"error":"temporarily_unavailable","error_description":"Auth0's keys or the database cannot be reached. Try again after the time that Retry-After gives.","request_id":"…"}` + "\n",
		``},
}

// Every token of the catalogue, through the running handler: a refusal says the one constant,
// whatever the reason, and nothing is written.
func TestHTTPTokenCases(t *testing.T) {
	s := newService(t, nil)
	before := s.written()
	for _, c := range tokenCases() {
		t.Run(c.String(), func(t *testing.T) {
			s.tb = t
			token := c.token(s.caseEnv)
			if strings.ContainsAny(token, "\r\n\x00") || len(token) > 100_000 {
				t.Skip("cannot stand in a header") // net/http refuses to send or to read it
			}
			a := s.login(token)
			if c.want == accepted {
				if a.status != 200 || a.Secret == "" {
					t.Fatalf("%d %s", a.status, a.body)
				}
				before = s.written()
				return
			}
			if strings.ContainsAny(token, " \t") || token == "" {
				if a.status != 400 {
					t.Errorf("status %d for what is not one token", a.status)
				}
			} else {
				checkRefusal(t, a, c.kind())
			}
			if after := s.written(); after != before {
				t.Errorf("a refused token wrote: %s, before %s", after, before)
			}
		})
	}
}

func checkRefusal(t *testing.T, a answer, kind exchange.Kind) {
	t.Helper()
	want := outward[kind]
	if a.status != want.status {
		t.Fatalf("status %d, want %d: %s", a.status, want.status, a.body)
	}
	if got := strings.ReplaceAll(a.body, a.RequestID, "…"); a.RequestID == "" || got != want.body {
		t.Errorf("body %s, want %s", got, want.body)
	}
	if got := a.header.Get("WWW-Authenticate"); got != want.challenge {
		t.Errorf("challenge %s, want %s", got, want.challenge)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if (a.header.Get("Retry-After") != "") != (kind == exchange.Unavailable) {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
}

// Cases 206–214: the request around the token.
func TestHTTPRequestCases(t *testing.T) {
	s := newService(t, nil)
	token := s.good()
	bearer := "Authorization: Bearer " + token
	const bare = `Bearer realm="fauna-login"`
	tests := []struct {
		name      string
		req       *http.Request
		status    int
		code      oauthError // of the body
		challenge string
	}{
		{"206 no Authorization header", s.request("POST", "/fauna-login", ""), 401, "", bare},
		{"207 Basic", s.request("POST", "/fauna-login", "", "Authorization: Basic YTpi"), 401, "", bare},
		{"208 Bearer with nothing", s.request("POST", "/fauna-login", "", "Authorization: Bearer"), 400, "invalid_request", ""},
		{"208b Bearer and a space", s.request("POST", "/fauna-login", "", "Authorization: Bearer "), 400, "invalid_request", ""},
		{"208c two tokens", s.request("POST", "/fauna-login", "", bearer+" b"), 400, "invalid_request", ""},
		{"208d two tokens, as a proxy joins two headers", s.request("POST", "/fauna-login", "", bearer+", "+bearer[15:]), 400, "invalid_request", ""},
		{"209 two Authorization headers", s.request("POST", "/fauna-login", "", bearer, bearer), 400, "invalid_request", ""},
		{"209b Bearer and Basic", s.request("POST", "/fauna-login", "", bearer, "Authorization: Basic YTpi"), 400, "invalid_request", ""},
		{"210 in the query too", s.request("POST", "/fauna-login?access_token=x", "", bearer), 400, "invalid_request", ""},
		{"210b in the form too", s.request("POST", "/fauna-login", "access_token=x", bearer, "Content-Type: application/x-www-form-urlencoded"), 400, "invalid_request", ""},
		{"210c in the body too", s.request("POST", "/fauna-login", `{"access_token":"x"}`, bearer, "Content-Type: application/json"), 400, "invalid_request", ""},
		{"211 only in the query", s.request("POST", "/fauna-login?access_token="+token, ""), 401, "", bare},
		{"212 DPoP scheme", s.request("POST", "/fauna-login", "", "Authorization: DPoP "+token), 401, "", bare},
		{"213 scheme in odd case", s.request("POST", "/fauna-login", "", "Authorization: bEaReR "+token), 200, "", ""},
		{"213b two spaces", s.request("POST", "/fauna-login", "", "Authorization: Bearer  "+token), 400, "invalid_request", ""},
		{"213c a tab", s.request("POST", "/fauna-login", "", "Authorization: Bearer\t"+token), 401, "", bare},
		{"214 header above 16 KiB", s.request("POST", "/fauna-login", "", bearer+strings.Repeat("a", 16<<10)), 401, "invalid_token",
			outward[exchange.InvalidToken].challenge},
		{"body {}", s.request("POST", "/fauna-login", " {} ", bearer, "Content-Type: application/json; charset=utf-8"), 200, "", ""},
		{"body null", s.request("POST", "/fauna-login", "null", bearer, "Content-Type: application/json"), 400, "invalid_request", ""},
		{"body []", s.request("POST", "/fauna-login", "[]", bearer, "Content-Type: application/json"), 400, "invalid_request", ""},
		{"body truncated", s.request("POST", "/fauna-login", "{", bearer, "Content-Type: application/json"), 400, "invalid_request", ""},
		{"body of text", s.request("POST", "/fauna-login", "hello", bearer, "Content-Type: text/plain"), 415, "invalid_request", ""},
		{"body without a type", s.request("POST", "/fauna-login", "{}", bearer), 415, "invalid_request", ""},
		{"body above 64 KiB", s.request("POST", "/fauna-login", strings.Repeat(" ", 64<<10+1), bearer, "Content-Type: application/json"), 413, "invalid_request", ""},
		{"GET", s.request("GET", "/fauna-login", "", bearer), 405, "invalid_request", ""},
		{"HEAD", s.request("HEAD", "/fauna-login", "", bearer), 405, "", ""},
		{"unknown path", s.request("GET", "/nothing", "", bearer), 404, "invalid_request", ""},
		{"trailing slash", s.request("POST", "/fauna-login/", "", bearer), 404, "invalid_request", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.tb = t
			before := s.written()
			a := s.do(tt.req)
			if a.status != tt.status || a.Error != tt.code {
				t.Fatalf("%d %q, want %d %q: %s", a.status, a.Error, tt.status, tt.code, a.body)
			}
			if got := a.header.Get("WWW-Authenticate"); got != tt.challenge {
				t.Errorf("challenge %q, want %q", got, tt.challenge)
			}
			if a.status == 405 && a.header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if a.status != 200 && s.written() != before {
				t.Error("a refused request wrote")
			}
			if a.header.Get("X-Request-Id") == "" || a.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("headers are missing: %v", a.header)
			}
		})
	}
}

func TestExchangeAnswer(t *testing.T) {
	s := newService(t, nil)
	a := s.login(s.good())
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	want := fmt.Sprintf(`{"secret":"%s","token_type":"Bearer","expires_in":3600,"expires_at":"2026-11-20T13:00:00Z","issued_at":"2026-11-20T12:00:00Z",`+
		`"endpoint":"https://fauna.example.com","user":{"id":"%s"},"session":{"id":"%s"}}`+"\n", a.Secret, a.User.ID, a.Session.ID)
	if a.body != want {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}
	if got := s.query(a.Secret, "Query.identity()!.user.auth0_sub"); got != `"auth0|507f1f77bcf86cd799439011"` {
		t.Errorf("the secret acts as %s", got)
	}
	if got := s.query(s.root, "auth0_jwt.all().first() { tenant, client_id, scope, permissions, origin, org_id }"); got !=
		`{"tenant":"main","client_id":"spa","scope":["openid","profile","email"],"permissions":[],"origin":"jwt","org_id":null}` {
		t.Errorf("the session is %s", got)
	}
	if got := s.query(s.root, "User.all().first() { auth0_tenant, auth0_sub, email, blocked }"); got !=
		`{"auth0_tenant":"main","auth0_sub":"auth0|507f1f77bcf86cd799439011","email":"ada@example.com","blocked":false}` {
		t.Errorf("the user is %s", got)
	}
}

// Case 232: the same JWT again, in a row and fifty at once: one session, a new secret each time.
func TestSameTokenAgain(t *testing.T) {
	s := newService(t, func(c *exchange.Config, _ *exchange.VerifierConfig) { c.MaxSecrets = 1000 })
	token := s.good()
	var mu sync.Mutex
	secrets, sessions := map[string]bool{}, map[string]bool{}
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			a := s.login(token)
			mu.Lock()
			defer mu.Unlock()
			if a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
			secrets[a.Secret], sessions[a.Session.ID] = true, true
		})
	}
	group.Wait()
	if len(secrets) != 50 || len(sessions) != 1 {
		t.Errorf("%d secrets and %d sessions, want 50 and 1", len(secrets), len(sessions))
	}
	if got := s.written(); got != "[1,1,50,0]" {
		t.Errorf("left behind: %s", got)
	}
	for secret := range secrets {
		if got := s.query(secret, "1"); got != "1" {
			t.Errorf("an earlier secret answers %s", got)
		}
	}
}

// At most max_secrets live at once; the oldest go.
func TestMaxSecrets(t *testing.T) {
	s := newService(t, func(c *exchange.Config, _ *exchange.VerifierConfig) { c.MaxSecrets = 3 })
	token := s.good()
	var secrets []string
	for range 5 {
		s.clock.advance(time.Second)
		secrets = append(secrets, s.login(token).Secret)
	}
	for i, secret := range secrets {
		want := "1"
		if i < 2 {
			want = "unauthorized"
		}
		if got := s.query(secret, "1"); got != want {
			t.Errorf("secret %d answers %s, want %s", i, got, want)
		}
	}
}

// Fifty first logins of one user at once, each with a JWT of its own: one user document.
func TestFirstLoginsRace(t *testing.T) {
	s := newService(t, nil)
	var group sync.WaitGroup
	users := make([]string, 50)
	for i := range users {
		token := s.withClaims(m{"iat": s.in(-5 - int64(i))})
		group.Go(func() { users[i] = s.login(token).User.ID })
	}
	group.Wait()
	for _, id := range users {
		if id == "" || id != users[0] {
			t.Fatalf("users %v", users)
		}
	}
	if got := s.written(); got != "[1,50,50,0]" {
		t.Errorf("left behind: %s", got)
	}
}

// Cases 233 and 234: other spellings of a JWT are refused; one signed anew is the same JWT.
func TestResignedTokenIsTheSame(t *testing.T) {
	s := newService(t, nil)
	first := s.fromStrict("PS256", nil)
	input := first[:strings.LastIndexByte(first, '.')]
	again := s.fromStrict("PS256", nil)
	if first == again || !strings.HasPrefix(again, input) {
		t.Fatal("PS256 signs the same content differently each time")
	}
	a, b := s.login(first), s.login(again)
	if a.status != 200 || b.status != 200 || a.Session.ID != b.Session.ID {
		t.Errorf("%d %s, %d %s", a.status, a.body, b.status, b.body)
	}
}

// Cases 235 and 236: how long a secret lives.
func TestTTL(t *testing.T) {
	tests := []struct {
		name string
		exp  int64 // seconds from now
		want int64 // of the secret; 0 is refused
	}{
		{"235 exp in 1 s", 1, 0},
		{"235b just under min_ttl", 9, 0},
		{"235c just over min_ttl", 11, 11},
		{"235d exp now", 0, 0},
		{"a minute", 60, 60},
		{"236 exp in 30 days less the token's age", 2_592_000 - 5, 3600},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newService(t, nil)
			exp := s.in(tt.exp)
			a := s.login(s.withClaims(m{"exp": exp}))
			if tt.want == 0 {
				checkRefusal(t, a, exchange.InvalidToken)
				if got := s.written(); got != "[0,0,0,0]" {
					t.Errorf("left behind: %s", got)
				}
				return
			}
			if a.status != 200 || a.ExpiresIn != tt.want || a.ExpiresAt.Sub(a.IssuedAt) != time.Duration(tt.want)*time.Second {
				t.Fatalf("%d %s", a.status, a.body)
			}
			// One second before its end the secret works, at its end it does not.
			s.clock.advance(time.Duration(tt.want-1) * time.Second)
			if got := s.query(a.Secret, "1"); got != "1" {
				t.Errorf("before its end: %s", got)
			}
			s.clock.advance(time.Second)
			if got := s.query(a.Secret, "1"); got != "unauthorized" {
				t.Errorf("at its end: %s", got)
			}
		})
	}
}

// Case 252: the token expires while Fauna is being asked.
func TestTokenExpiresDuringTheCall(t *testing.T) {
	s := newService(t, nil)
	token := s.withClaims(m{"exp": s.in(15)})
	s.fauna.set(func(*http.Request) (*http.Response, error) {
		s.clock.advance(10 * time.Second)
		return nil, nil
	})
	checkRefusal(t, s.login(token), exchange.InvalidToken)
	if got := s.written(); got != "[0,0,0,0]" {
		t.Errorf("left behind: %s", got)
	}
}

// A deny mark and a blocked user.
func TestDenied(t *testing.T) {
	s := newService(t, nil)
	token := s.good()
	a := s.login(token)

	// The app's administrator blocks the user: no new secret, and the old one is without rights.
	s.query(s.root, "User.all().first()!.update({ blocked: true })")
	checkRefusal(t, s.login(token), exchange.AccessDenied)
	if got := s.query(a.Secret, "Query.identity()!.user.auth0_sub"); got != "null_value" {
		t.Errorf("a blocked user's secret reads its session: %s", got)
	}
	s.query(s.root, "User.all().first()!.update({ blocked: false })")
	if a := s.login(token); a.status != 200 {
		t.Errorf("unblocked: %d %s", a.status, a.body)
	}

	// Logging out kills the secrets at once and refuses the JWT.
	if got := s.query(a.Secret, "logoutAuth0().session"); got != strconv.Quote(a.Session.ID) {
		t.Errorf("logoutAuth0() answers %s", got)
	}
	if got := s.query(a.Secret, "1"); got != "unauthorized" {
		t.Errorf("after the logout: %s", got)
	}
	checkRefusal(t, s.login(token), exchange.InvalidToken)
	// Another JWT of the user is another session.
	if a := s.login(s.withClaims(m{"iat": s.in(-4)})); a.status != 200 {
		t.Errorf("another JWT: %d %s", a.status, a.body)
	}
	// A mark for the user covers every JWT issued until then, and none after.
	s.query(s.root, `auth0_deny.create({ tenant: "main", kind: "user", value: "auth0|507f1f77bcf86cd799439011",
		before: Time.now(), ttl: Time.now().add(30, "days") })`)
	checkRefusal(t, s.login(s.withClaims(m{"iat": s.in(0)})), exchange.InvalidToken)
	s.clock.advance(time.Minute)
	if a := s.login(s.withClaims(m{"iat": s.in(0)})); a.status != 200 {
		t.Errorf("a JWT issued later: %d %s", a.status, a.body)
	}
}

// The app may refuse a subject in its own function.
func TestAppRefuses(t *testing.T) {
	s := newService(t, nil)
	if _, err := s.engine.Push(t.Context(), pushed(t, s, `abort("not invited")`)); err != nil {
		t.Fatal(err)
	}
	checkRefusal(t, s.login(s.good()), exchange.AccessDenied)
	if !strings.Contains(s.log.String(), `"reason":"app"`) {
		t.Error("the log lacks the reason")
	}
}

// What goes wrong in the app's function for this very user is no outage, and what it says
// about him is not for the log.
func TestAppFails(t *testing.T) {
	bodies := map[string]string{
		"a sentence":       `abort("not on the list: " + claims.email)`,
		"a failing lookup": `User.byId(claims.email)!`,
		"a bad time":       `Time.fromString(claims.email)`,
		"a null":           `User.byAuth0("main", "auth0|nobody").first()!.update(claims)`,
		"a constraint":     `User.create({ auth0_tenant: tenant, auth0_sub: 7 })`,
		"a null user":      `null`,
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			s := newService(t, nil)
			if _, err := s.engine.Push(t.Context(), pushed(t, s, body)); err != nil {
				t.Fatal(err)
			}
			checkRefusal(t, s.login(s.good()), exchange.AccessDenied)
			if got := s.written(); got != "[0,0,0,0]" {
				t.Errorf("left behind: %s", got)
			}
			if log := s.log.String(); strings.Contains(log, "ada@example.com") || !strings.Contains(log, `"reason":"app"`) {
				t.Errorf("the log says %s", log)
			}
		})
	}
}

// A request to Fauna's API that does not arrive whole is never answered as a success.
func TestCutBody(t *testing.T) {
	s := newService(t, nil)
	secret := s.login(s.good()).Secret
	for _, bearer := range []string{secret, "wrong"} {
		for _, body := range []string{`{"query":"1"`, strings.Repeat(" ", 100_000)} {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "POST /query/1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: 200000\r\n\r\n%s", bearer, body)
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[string]int{secret: 400, "wrong": 401}[bearer]; res.StatusCode != want {
				t.Errorf("%d bytes of more, %.6s…: status %d, want %d", len(body), bearer, res.StatusCode, want)
			}
			res.Body.Close()
			conn.Close()
		}
	}
}

// A claim that changed is written, one that did not come is left alone, an object loses
// what the claim lost.
func TestClaimsReachTheUser(t *testing.T) {
	s := newService(t, func(_ *exchange.Config, v *exchange.VerifierConfig) {
		v.Tenants[0].UserClaims = append(v.Tenants[0].UserClaims, exchange.ClaimCopy{To: "profile", From: "/https:~1~1example.com~1profile"})
	})
	steps := []struct {
		claims m
		want   string
	}{
		{m{namespac + "profile": m{"a": 1, "@int": "x"}}, `{"email":"ada@example.com","profile":{"@int":"x","a":1}}`},
		{m{namespac + "profile": nil, namespac + "email": nil}, `{"email":"ada@example.com","profile":{"@int":"x","a":1}}`},
		{m{namespac + "profile": m{"b": []any{true, 1.5, "t"}}}, `{"email":"ada@example.com","profile":{"b":[true,1.5,"t"]}}`},
		{m{namespac + "email": "new@example.com"}, `{"email":"new@example.com","profile":{"b":[true,1.5,"t"]}}`},
	}
	for i, step := range steps {
		step.claims["iat"] = s.in(-int64(i) - 5)
		if a := s.login(s.withClaims(step.claims)); a.status != 200 {
			t.Fatalf("step %d: %d %s", i, a.status, a.body)
		}
		if got := s.query(s.root, "User.all().first() { email, profile }"); got != step.want {
			t.Errorf("step %d: the user has %s, want %s", i, got, step.want)
		}
	}
	ts := s.query(s.root, "User.all().first()!.ts")
	s.login(s.withClaims(m{namespac + "email": "new@example.com"}))
	if got := s.query(s.root, "User.all().first()!.ts"); got != ts {
		t.Error("the user was written though nothing changed")
	}
}

// Case 248, and what a browser needs on every answer.
func TestCORS(t *testing.T) {
	s := newService(t, nil)
	allowed := "https://app.example.com"
	origins := map[string]bool{
		allowed:                            true,
		"https://app.example.com.evil.com": false,
		"null":                             false,
		"https://APP.example.com":          false,
		"https://app.example.com/":         false,
		"https://app.example.com:443":      false,
		"http://app.example.com":           false,
		"https://evilapp.example.com":      false,
		"*":                                false,
	}
	for origin, ok := range origins {
		for _, method := range []string{"POST", "OPTIONS"} {
			req := s.request(method, "/fauna-login", "", "Origin: "+origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization")
			a := s.do(req)
			want := ""
			if ok {
				want = origin
			}
			if got := a.header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s %s: allowed origin %q, want %q", method, origin, got, want)
			}
			if got := a.header.Get("Vary"); !strings.Contains(got, "Origin") {
				t.Errorf("%s %s: Vary %q", method, origin, got)
			}
			if a.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s: credentials are allowed", method, origin)
			}
			if method == "OPTIONS" && a.status != 204 {
				t.Errorf("%s: preflight answers %d", origin, a.status)
			}
			if method == "OPTIONS" && (a.header.Get("Access-Control-Allow-Methods") != "") != ok {
				t.Errorf("%s: preflight allows %q", origin, a.header.Get("Access-Control-Allow-Methods"))
			}
		}
	}
	// A script can read an error and what it says about trying again.
	a := s.do(s.request("POST", "/fauna-login", "", "Origin: "+allowed, "Authorization: Bearer x"))
	if a.status != 401 || a.header.Get("Access-Control-Expose-Headers") != "WWW-Authenticate, Retry-After, X-Request-Id" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// Case 249: what a stranger sends does not disturb the log, and no token is in it.
func TestLogInjection(t *testing.T) {
	s := newService(t, nil)
	long := strings.Repeat("k", 10_000)
	tokens := []string{
		s.withHeader(m{"kid": "k1\r\nlevel=ERROR\x1b[31m"}, keys().k1),
		s.withHeader(m{"kid": long[:256]}, keys().k1),
		s.withClaims(m{"sub": "auth0|\r\n{\"level\":\"ERROR\"}"}),
		s.withClaims(m{"sub": strings.Repeat("\x01", 9000)}),
		s.withClaims(m{"iss": "https://evil\u2028.example/" + long}),
		s.good(),
	}
	for _, token := range tokens {
		s.login(token)
	}
	text := s.log.String()
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if !strings.HasPrefix(line, `{"time":`) || !strings.HasSuffix(line, "}") || len(line) > 8<<10 || strings.ContainsAny(line, "\x1b\r\u2028") {
			t.Errorf("line %d of the log: %.200s", i, line)
		}
	}
	for _, token := range tokens {
		if _, signature, _ := strings.Cut(token[strings.IndexByte(token, '.')+1:], "."); strings.Contains(text, signature) {
			t.Error("a token is in the log")
		}
	}
	if strings.Contains(text, "ada@example.com") {
		t.Error("a custom claim is in the log")
	}
}

// respond answers in Fauna's place.
func respond(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

// Fauna's faults: never a 401, and the service recovers by itself.
func TestFaunaFaults(t *testing.T) {
	faults := map[string]func(*http.Request) (*http.Response, error){
		"down":               func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"409":                respond(409, `{"error":{"code":"contended_transaction","message":"m"}}`),
		"429":                respond(429, `{"error":{"code":"limit_exceeded","message":"m"}}`),
		"500":                respond(500, `{"error":{"code":"internal_error","message":"m"}}`),
		"500 without JSON":   respond(500, `oops`),
		"502 HTML":           respond(502, `<html>`),
		"503":                respond(503, `{"error":{"code":"time_out","message":"m"}}`),
		"200 HTML":           respond(200, `<html>`),
		"200 truncated":      respond(200, `{"data":{"secret":"fn`),
		"200 of other shape": respond(200, `{"data":{"secret":7},"stats":{}}`),
		"key deleted":        respond(401, `{"error":{"code":"unauthorized","message":"Access token required"}}`),
		"schema not pushed":  respond(400, `{"error":{"code":"invalid_query","message":"m"},"summary":"exchangeAuth0Jwt"}`),
	}
	s := newService(t, nil)
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			s.tb = t
			s.fauna.set(fault)
			checkRefusal(t, s.login(s.good()), exchange.Unavailable)
			s.fauna.set(nil)
			if a := s.login(s.good()); a.status != 200 {
				t.Errorf("does not recover: %d %s", a.status, a.body)
			}
		})
	}
}

// Case 251: the client goes away in the middle.
func TestClientGoesAway(t *testing.T) {
	s := newService(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	s.fauna.set(func(r *http.Request) (*http.Response, error) {
		cancel()
		<-r.Context().Done() // the service notices that its client went
		return nil, nil
	})
	req := s.request("POST", "/fauna-login", "", "Authorization: Bearer "+s.good()).WithContext(ctx)
	if _, err := http.DefaultClient.Do(req); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	s.fauna.set(nil)
	s.login("x") // a later request's log line comes after
	if got := s.written(); got != "[0,0,0,0]" {
		t.Errorf("left behind: %s", got)
	}
}

// A panic is a 500 with the request id, which finds the stack in the log.
func TestPanic(t *testing.T) {
	s := newService(t, func(c *exchange.Config, _ *exchange.VerifierConfig) {
		c.Query = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })
	})
	a := s.do(s.request("POST", "/query/1", ""))
	if a.status != 500 || a.Error != "server_error" || strings.Contains(a.body, "boom") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	log := s.log.String()
	if !strings.Contains(log, a.RequestID) || !strings.Contains(log, "panic: boom") {
		t.Errorf("the log lacks the panic: %s", log)
	}
}

func TestRateLimits(t *testing.T) {
	s := newService(t, func(c *exchange.Config, _ *exchange.VerifierConfig) { c.PerIP, c.PerSubject = 5, 2 })
	token := s.good()
	for i := range 2 {
		if a := s.login(token); a.status != 200 {
			t.Fatalf("request %d: %d %s", i, a.status, a.body)
		}
	}
	a := s.login(token) // the subject's third
	if a.status != 429 || a.Error != "too_many_requests" || a.header.Get("Retry-After") != "30" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	if a := s.login(s.withClaims(m{"sub": "auth0|other"})); a.status != 200 {
		t.Errorf("another subject: %d %s", a.status, a.body)
	}
	if a := s.login(s.withClaims(m{"sub": "auth0|third"})); a.status != 200 {
		t.Errorf("a third subject: %d %s", a.status, a.body)
	}
	if a := s.login("x"); a.status != 429 { // the address's sixth, before any verification
		t.Errorf("%d %s", a.status, a.body)
	}
	s.clock.advance(time.Minute)
	if a := s.login(token); a.status != 200 {
		t.Errorf("a minute later: %d %s", a.status, a.body)
	}
}

// The engine's public side: no key with more rights than a session's works here.
func TestPublicQuery(t *testing.T) {
	s := newService(t, nil)
	secret := s.login(s.good()).Secret
	query := func(secret, fql string, headers ...string) answer {
		return s.do(s.request("POST", "/query/1", fmt.Sprintf(`{"query":%q}`, fql), append(headers, "Authorization: Bearer "+secret)...))
	}
	if a := query(secret, "1 + 1"); a.status != 200 || !strings.Contains(a.body, `"data":2`) {
		t.Errorf("a session's secret: %d %s", a.status, a.body)
	}
	for _, suffix := range []string{"", ":client", ":@role/auth0_session", ":@doc/User/1"} {
		if a := query(s.root+suffix, "1"); a.status != 401 {
			t.Errorf("the root secret with %q: %d %s", suffix, a.status, a.body)
		}
	}
	// Nobody moves the clock.
	if a := query(secret, "1", "X-Last-Txn-Ts: 32503680000000000"); a.status != 400 {
		t.Errorf("a time far ahead: %d %s", a.status, a.body)
	}
	if a := s.login(s.withClaims(m{"iat": s.in(-9)})); a.status != 200 {
		t.Errorf("an exchange after that: %d %s", a.status, a.body)
	}
	if a := s.do(s.request("GET", "/schema/1/files", "", "Authorization: Bearer "+s.root)); a.status != 404 {
		t.Errorf("the schema endpoint: %d %s", a.status, a.body)
	}
}

func TestHealth(t *testing.T) {
	s := newService(t, nil)
	if a := s.do(s.request("GET", "/healthz", "")); a.status != 200 {
		t.Errorf("/healthz: %d", a.status)
	}
	if a := s.do(s.request("GET", "/readyz", "")); a.status != 503 || !strings.Contains(a.body, "no usable keys of "+s.main+"\"") {
		t.Errorf("before any key set: %d %s", a.status, a.body)
	}
	// Tokens of all three tenants bring their key sets.
	s.login(s.good())
	s.login(s.fromStrict("RS256", nil))
	s.login(sign(goodHeader, s.claims(s.other, nil), keys().other))
	s.clock.advance(2 * time.Second)
	if a := s.do(s.request("GET", "/readyz", "")); a.status != 200 {
		t.Errorf("with keys: %d %s", a.status, a.body)
	}
	s.fauna.set(func(*http.Request) (*http.Response, error) { return nil, errors.New("down") })
	s.clock.advance(2 * time.Second)
	if a := s.do(s.request("GET", "/readyz", "")); a.status != 503 || !strings.Contains(a.body, "fauna: cannot be reached") {
		t.Errorf("without Fauna: %d %s", a.status, a.body)
	}
	if a := s.do(s.request("GET", "/healthz", "")); a.status != 200 {
		t.Errorf("/healthz without Fauna: %d", a.status)
	}
}

// Heavy queries with a session's secret end at its budget, and exchanges go on beside them.
func TestHeavyQueriesBesideExchanges(t *testing.T) {
	s := newService(t, nil)
	secret := s.login(s.good()).Secret
	heavy := []string{
		`Array.sequence(0, 10000).map(x => Array.sequence(0, 10000).map(y => x * y).length)`,
		`Set.sequence(0, 1000000000).where(x => x < 0).first()`,
		`let f = s => s + s; Array.sequence(0, 60).fold("x", (s, n) => f(s)).length`,
		`Array.sequence(0, 16000).map(x => Array.sequence(0, 16000))`,
	}
	var group sync.WaitGroup
	for _, fql := range heavy {
		group.Go(func() {
			a := s.do(s.request("POST", "/query/1", fmt.Sprintf(`{"query":%q}`, fql), "Authorization: Bearer "+secret))
			if a.status != 400 && a.status != 440 {
				t.Errorf("%s: %d %.300s", fql, a.status, a.body)
			}
		})
	}
	for i := range 20 {
		if a := s.login(s.withClaims(m{"iat": s.in(-10 - int64(i))})); a.status != 200 {
			t.Errorf("exchange %d: %d %s", i, a.status, a.body)
		}
	}
	group.Wait()
}
