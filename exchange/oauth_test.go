package exchange_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessToken   = "urn:ietf:params:oauth:token-type:access_token"
	jwtType       = "urn:ietf:params:oauth:token-type:jwt"
)

// exchangeForm is the form of a user's exchange; an empty value in extra takes a parameter away.
func exchangeForm(token string, extra map[string]string) url.Values {
	form := map[string]string{"grant_type": grantExchange, "subject_token": token, "subject_token_type": accessToken}
	maps.Copy(form, extra)
	values := url.Values{}
	for name, value := range form {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// token posts a form, or a body that is none.
func (s *service) token(form any, headers ...string) answer {
	s.tb.Helper()
	body, ok := form.(string)
	if !ok {
		body = form.(url.Values).Encode()
	}
	headers = append([]string{"Content-Type: application/x-www-form-urlencoded"}, headers...)
	return s.do(s.request("POST", "/oauth/token", body, headers...))
}

func TestTokenExchange(t *testing.T) {
	s := newOnBehalf(t, nil)
	jwt := s.good()
	simple := s.login(jwt)
	a := s.token(exchangeForm(jwt, nil))
	var got struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"access_token":"%s","issued_token_type":"%s","token_type":"Bearer","expires_in":3600,"scope":"openid profile email",`+
		`"endpoint":"https://fauna.example.com","user":{"id":"%s"},"session":{"id":"%s"}}`+"\n", got.AccessToken, accessToken, simple.User.ID, simple.Session.ID)
	if a.status != 200 || a.body != want || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s, want %s", a.status, a.body, want)
	}
	if got := s.query(got.AccessToken, "Query.identity()!.user.auth0_sub"); got != `"`+ada+`"` {
		t.Errorf("the secret acts as %s", got)
	}
	if line := s.lastAudit(); !strings.Contains(line, `"operation":"exchange"`) || !strings.Contains(line, `"client_id":"spa"`) {
		t.Errorf("audit %s", line)
	}
	if !strings.Contains(s.metrics(), `fauna_login_exchanges_total{outcome="issued",reason=""} 2`) {
		t.Error("both doors are not counted as exchanges")
	}
}

// What a request may say, and what it may not.
func TestTokenRequest(t *testing.T) {
	s := newOnBehalf(t, nil)
	user, machine := s.good(), s.machine(s.main, nil)
	form := func(extra map[string]string) url.Values { return exchangeForm(user, extra) }
	with := func(name, value string) url.Values { return form(map[string]string{name: value}) }
	twice := func(name, value string) string {
		return with(name, value).Encode() + "&" + name + "=" + url.QueryEscape(value)
	}
	basic := "Authorization: Basic Y2xpZW50OnNlY3JldA=="
	const subjectBad = "The subject token is not valid here. Get a fresh one from Auth0, with this API as its audience."
	const actorBad = "The actor token is not valid here. Get a fresh one from Auth0, with this API as its audience."
	const subjectDenied = "The subject token is valid, but this user or client may not log in here."
	actor := func(token, kind string) url.Values {
		return form(map[string]string{"actor_token": token, "actor_token_type": kind})
	}
	tests := []struct {
		name        string
		a           func() answer
		status      int
		code        oauthError
		description string // empty: not looked at
	}{
		{"a JWT by its other name", func() answer { return s.token(with("subject_token_type", jwtType)) }, 200, "", ""},
		{"what is issued, asked for", func() answer { return s.token(with("requested_token_type", accessToken)) }, 200, "", ""},
		{"unknown parameters", func() answer { return s.token(with("x", "y")) }, 200, "", ""},
		{"empty parameters", func() answer { return s.token(form(nil).Encode() + "&scope=&actor_token=&resource=") }, 200, "", ""},
		{"Basic", func() answer { return s.token(form(nil), basic) }, 200, "", ""},
		{"Basic of garbage", func() answer { return s.token(form(nil), "Authorization: basic ???") }, 200, "", ""},
		{"credentials in the form", func() answer {
			return s.token(form(map[string]string{"client_id": "a", "client_secret": "b"}))
		}, 200, "", ""},
		{"audience: the tenant's", func() answer { return s.token(with("audience", oursToo)) }, 200, "", ""},
		{"resource: where secrets are used", func() answer { return s.token(with("resource", "https://fauna.example.com")) }, 200, "", ""},
		{"resource: this service", func() answer { return s.token(with("resource", "https://login.example.com")) }, 200, "", ""},
		{"audience twice and resource", func() answer {
			return s.token(twice("audience", ours) + "&resource=" + url.QueryEscape("https://fauna.example.com"))
		}, 200, "", ""},
		{"less scope", func() answer { return s.token(with("scope", "email openid")) }, 200, "", ""},

		{"grant_type missing", func() answer { return s.token(with("grant_type", "")) }, 400, "invalid_request", "grant_type: " + grantExchange + " expected."},
		{"grant_type of clients", func() answer { return s.token(with("grant_type", "client_credentials")) }, 400, "unsupported_grant_type", ""},
		{"grant_type of passwords", func() answer { return s.token(with("grant_type", "password")) }, 400, "unsupported_grant_type", ""},
		{"subject_token missing", func() answer { return s.token(with("subject_token", "")) }, 400, "invalid_request", "subject_token: an Auth0 access token expected."},
		{"subject_token_type missing", func() answer { return s.token(with("subject_token_type", "")) }, 400, "invalid_request", ""},
		{"an ID token", func() answer {
			return s.token(with("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"))
		}, 400, "invalid_request", ""},
		{"another token asked for", func() answer { return s.token(with("requested_token_type", jwtType)) }, 400, "invalid_request", ""},
		{"actor_token without a type", func() answer { return s.token(actor(machine, "")) }, 400, "invalid_request", ""},
		{"actor_token_type without a token", func() answer { return s.token(actor("", accessToken)) }, 400, "invalid_request", "actor_token_type is expected with actor_token only."},
		{"subject_token twice", func() answer { return s.token(twice("subject_token", user)) }, 400, "invalid_request", "Each parameter but resource and audience is expected once at most."},
		{"an unknown parameter twice", func() answer { return s.token(twice("x", "y")) }, 400, "invalid_request", ""},
		{"scope twice", func() answer { return s.token(twice("scope", "openid")) }, 400, "invalid_request", ""},
		{"audience of another", func() answer { return s.token(with("audience", "https://elsewhere.example.com")) }, 400, "invalid_target", ""},
		{"one good and one bad target", func() answer {
			return s.token(with("audience", ours).Encode() + "&resource=https%3A%2F%2Felsewhere.example.com")
		}, 400, "invalid_target", ""},
		{"more scope", func() answer { return s.token(with("scope", "openid admin")) }, 400, "invalid_scope", ""},
		{"access_token too", func() answer { return s.token(with("access_token", user)) }, 400, "invalid_request", ""},
		{"Bearer too", func() answer { return s.token(form(nil), "Authorization: Bearer "+user) }, 400, "invalid_request", ""},
		{"two Basics", func() answer { return s.token(form(nil), basic, basic) }, 400, "invalid_request", ""},
		{"no form", func() answer { return s.token("a=%zz") }, 400, "invalid_request", ""},
		{"parameters in the query", func() answer {
			return s.do(s.request("POST", "/oauth/token?"+form(nil).Encode(), "", "Content-Type: application/x-www-form-urlencoded"))
		}, 400, "invalid_request", ""},
		{"JSON", func() answer { return s.do(s.request("POST", "/oauth/token", `{}`, "Content-Type: application/json")) }, 415, "invalid_request", ""},
		{"no type", func() answer { return s.do(s.request("POST", "/oauth/token", form(nil).Encode())) }, 415, "invalid_request", ""},
		{"too large", func() answer { return s.token(strings.Repeat("a", 64<<10+1)) }, 413, "invalid_request", ""},
		{"GET", func() answer { return s.do(s.request("GET", "/oauth/token?"+form(nil).Encode(), "")) }, 405, "invalid_request", ""},

		{"245 a machine's token", func() answer { return s.token(exchangeForm(machine, nil)) }, 400, "invalid_request", subjectBad},
		{"garbage", func() answer { return s.token(exchangeForm("x.y.z", nil)) }, 400, "invalid_request", subjectBad},
		{"bytes", func() answer { return s.token(exchangeForm("x\r\n\x00", nil)) }, 400, "invalid_request", subjectBad},
		{"expired", func() answer { return s.token(exchangeForm(s.withClaims(m{"exp": s.in(0)}), nil)) }, 400, "invalid_request", subjectBad},
		{"too little left", func() answer { return s.token(exchangeForm(s.withClaims(m{"exp": s.in(5)}), nil)) }, 400, "invalid_request", subjectBad},
		{"246 scope missing", func() answer { return s.token(exchangeForm(s.fromStrict("RS256", m{"scope": "todo:read"}), nil)) },
			400, "invalid_request", "The subject token lacks a required scope."},
		{"client not allowed", func() answer { return s.token(exchangeForm(s.fromStrict("RS256", m{"azp": "other"}), nil)) }, 400, "invalid_request", subjectDenied},
		{"actor: a user's token", func() answer { return s.token(actor(user, accessToken)) }, 400, "invalid_request", actorBad},
		{"actor: without the scope", func() answer { return s.token(actor(s.machine(s.main, m{"scope": "x"}), accessToken)) },
			400, "invalid_request", "The actor token lacks a required scope."},
		{"actor: not allowed", func() answer { return s.token(actor(s.machine(s.main, m{"azp": "x"}), accessToken)) },
			400, "invalid_request", "The actor token is valid, but this user or client may not log in here."},
		{"actor: of another tenant", func() answer { return s.token(actor(s.machine(s.strict, nil), accessToken)) },
			400, "invalid_request", "The actor token is valid, but this user or client may not log in here."},
		{"actor: the subject of another tenant", func() answer {
			return s.token(exchangeForm(s.fromStrict("RS256", nil), map[string]string{"actor_token": machine, "actor_token_type": accessToken}))
		}, 400, "invalid_request", "The actor token is valid, but this user or client may not log in here."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.tb = t
			before := s.written()
			a := tt.a()
			if a.status != tt.status || a.Error != tt.code {
				t.Fatalf("%d %q, want %d %q: %s", a.status, a.Error, tt.status, tt.code, a.body)
			}
			if tt.description != "" && !strings.Contains(a.body, `"error_description":"`+tt.description+`"`) {
				t.Errorf("%s, want %q", a.body, tt.description)
			}
			if a.header.Get("WWW-Authenticate") != "" || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", a.header)
			}
			if a.status != 200 && s.written() != before {
				t.Error("a refused request wrote")
			}
		})
	}
}

// Users who are blocked or denied are refused at this door too, in its words; what may pass is
// no refusal.
func TestTokenRefusedUsers(t *testing.T) {
	s := newOnBehalf(t, nil)
	jwt := s.good()
	a := s.login(jwt)
	check := func(status int, code oauthError, reason string) {
		t.Helper()
		if a := s.token(exchangeForm(jwt, nil)); a.status != status || a.Error != code || (status == 503) != (a.header.Get("Retry-After") != "") {
			t.Errorf("%d %s, want %d %s", a.status, a.body, status, code)
		}
		if line := s.lastAudit(); !strings.Contains(line, `"reason":"`+reason+`"`) || !strings.Contains(line, `"sub":"`+ada+`"`) {
			t.Errorf("audit %s, want %s", line, reason)
		}
	}
	s.fauna.set(func(*http.Request) (*http.Response, error) { return nil, errors.New("down") })
	check(503, "temporarily_unavailable", "fauna_unavailable")
	s.fauna.set(nil)
	s.query(s.root, `User.byId("`+a.User.ID+`")!.update({ blocked: true })`)
	check(400, "invalid_request", "user_blocked")
	s.query(s.root, `User.byId("`+a.User.ID+`")!.update({ blocked: false })`)
	s.query(a.Secret, "logoutAuth0()")
	check(400, "invalid_request", "deny_mark")
}

func TestTokenLimits(t *testing.T) {
	s := newOnBehalf(t, func(c *exchange.Config, _ *exchange.VerifierConfig) { c.PerIP, c.PerSubject = 4, 2 })
	for i, want := range []int{200, 200, 429} {
		if a := s.token(exchangeForm(s.good(), nil)); a.status != want {
			t.Errorf("the subject's request %d: %d %s", i+1, a.status, a.body)
		}
	}
	for i, want := range []int{400, 429} {
		if a := s.token("x"); a.status != want || want == 429 && a.Error != "too_many_requests" {
			t.Errorf("the address's request %d: %d %s", i+4, a.status, a.body)
		}
	}
}

// A server that the user's token was sent to exchanges it: a secret of the user's own session,
// short-lived, that says who holds it.
func TestTokenExchangeDownstream(t *testing.T) {
	s := newOnBehalf(t, nil)
	jwt := s.good()
	own := s.login(jwt)
	a := s.token(exchangeForm(jwt, map[string]string{"actor_token": s.machine(s.main, nil), "actor_token_type": jwtType}))
	var got struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a.Session != own.Session || a.ExpiresIn != 900 {
		t.Errorf("session %v, want %v, for %d s", a.Session, own.Session, a.ExpiresIn)
	}
	for secret, want := range map[string]string{own.Secret: "null", got.AccessToken: `"backend"`} {
		if by := s.query(secret, "Query.token()!.data?.requested_by"); by != want {
			t.Errorf("a secret is held by %s, want %s", by, want)
		}
	}
	if got := s.session(own.Session.ID, "origin, requested_by"); got != `{"origin":"jwt","requested_by":null}` {
		t.Errorf("the session is %s", got)
	}
	line := s.lastAudit()
	for _, part := range []string{`"operation":"on_behalf"`, `"decision":"issued"`, `"client_id":"backend"`, `"sub":"` + ada + `"`, `"jwt_hash":"`} {
		if !strings.Contains(line, part) {
			t.Errorf("the audit lacks %s: %s", part, line)
		}
	}
	s.query(own.Secret, "logoutAuth0()")
	if got := s.query(got.AccessToken, "1"); got != "unauthorized" {
		t.Errorf("after the user logged out the server's secret answers %s", got)
	}
}

// Metadata (RFC 8414), and both for the pages of allowed origins.
func TestTokenMetadata(t *testing.T) {
	s := newOnBehalf(t, nil)
	const path, origin = "/.well-known/oauth-authorization-server", "https://app.example.com"
	a := s.do(s.request("GET", path, "", "Origin: "+origin))
	want := `{"issuer":"https://login.example.com","token_endpoint":"https://login.example.com/oauth/token","token_endpoint_auth_methods_supported":["none"],` +
		`"grant_types_supported":["` + grantExchange + `"],"response_types_supported":[]}` + "\n"
	if a.status != 200 || a.body != want || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s %s, want %s", a.status, a.header.Get("Content-Type"), a.body, want)
	}
	for _, tt := range []struct {
		req     *http.Request
		origin  string // allowed
		methods string
	}{
		{s.request("GET", path, "", "Origin: "+origin), origin, ""},
		{s.request("GET", path, "", "Origin: https://evil.example.com"), "", ""},
		{s.request("POST", "/oauth/token", "", "Origin: "+origin), origin, ""},
		{s.request("OPTIONS", "/oauth/token", "", "Origin: "+origin, "Access-Control-Request-Method: POST"), origin, "POST, OPTIONS"},
		{s.request("OPTIONS", path, "", "Origin: "+origin, "Access-Control-Request-Method: GET"), origin, "GET, HEAD, OPTIONS"},
		{s.request("OPTIONS", "/oauth/token", "", "Origin: https://evil.example.com", "Access-Control-Request-Method: POST"), "", ""},
	} {
		a := s.do(tt.req)
		if got := a.header.Get("Access-Control-Allow-Origin"); got != tt.origin || a.header.Get("Vary") != "Origin" || a.header.Get("Access-Control-Allow-Methods") != tt.methods {
			t.Errorf("%s %s from %s: %v", tt.req.Method, tt.req.URL.Path, tt.req.Header.Get("Origin"), a.header)
		}
	}
	nameless := newService(t, func(c *exchange.Config, _ *exchange.VerifierConfig) { c.PublicURL = "" })
	if a := nameless.do(nameless.request("GET", path, "")); a.status != 404 {
		t.Errorf("without a public URL: %d", a.status)
	}
}

// An ordinary OAuth library completes the exchange, in each way that it has to send its
// credentials, and understands the answer and the errors.
func TestTokenOAuthLibrary(t *testing.T) {
	s := newOnBehalf(t, nil)
	for name, style := range map[string]oauth2.AuthStyle{
		"auto-detect": oauth2.AuthStyleAutoDetect, "header": oauth2.AuthStyleInHeader, "params": oauth2.AuthStyleInParams,
	} {
		for _, client := range []string{"", "spa"} {
			params := exchangeForm(s.good(), map[string]string{"audience": ours})
			config := &clientcredentials.Config{
				ClientID: client, ClientSecret: client, TokenURL: s.url + "/oauth/token",
				Scopes: []string{"openid"}, EndpointParams: params, AuthStyle: style,
			}
			before := time.Now()
			token, err := config.Token(t.Context())
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if token.Type() != "Bearer" || token.Expiry.Before(before.Add(3599*time.Second)) || token.Expiry.After(time.Now().Add(time.Hour)) ||
				token.Extra("issued_token_type") != accessToken || token.Extra("scope") != "openid profile email" {
				t.Errorf("%s: %+v", name, token)
			}
			// The library's client sends the secret as Fauna wants it.
			res, err := oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(token)).Post(s.url+"/query/1", "application/json", strings.NewReader(`{"query":"1 + 1"}`))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != 200 || !strings.Contains(string(body), `"data":2`) {
				t.Errorf("%s: the query answers %s %s", name, res.Status, body)
			}

			config.EndpointParams = exchangeForm(s.machine(s.main, nil), nil)
			_, err = config.Token(t.Context())
			var failed *oauth2.RetrieveError
			if !errors.As(err, &failed) || failed.ErrorCode != "invalid_request" || !strings.HasPrefix(failed.ErrorDescription, "The subject token") {
				t.Errorf("%s: a bad token: %v", name, err)
			}
		}
	}
}
