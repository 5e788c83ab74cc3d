package auth0test_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

const (
	redirectURI = "http://localhost:3000/callback"
	verifier    = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	client      = "my-spa"
)

// authorizeQuery is what auth0-spa-js sends.
func authorizeQuery(change ...string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id":             {client},
		"scope":                 {"openid profile email offline_access"},
		"audience":              {auth0test.DefaultAudience},
		"redirect_uri":          {redirectURI},
		"response_type":         {"code"},
		"response_mode":         {"query"},
		"state":                 {"some state/+"},
		"nonce":                 {"some nonce"},
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(sum[:])},
		"code_challenge_method": {"S256"},
	}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
		if change[i+1] == "" {
			q.Del(change[i])
		}
	}
	return q
}

var hidden = regexp.MustCompile(`name="request" value="([^"]*)"`)

// logIn goes through the login page as the user and gives the answer to its form.
func logIn(b browser, t *auth0test.Tenant, q url.Values, email string) reply {
	b.Helper()
	page := b.get(t.URL + "/authorize?" + q.Encode())
	request := hidden.FindStringSubmatch(page.body)
	if page.status != 200 || request == nil {
		b.Fatalf("no login page: %d %s", page.status, page.body)
	}
	return b.form(t.URL+"/u/login", url.Values{"request": {html.UnescapeString(request[1])}, "user": {email}})
}

// location gives the query of a redirect to redirectURI.
func location(b browser, r reply) url.Values {
	b.Helper()
	u, err := url.Parse(r.header.Get("Location"))
	if err != nil || !strings.HasPrefix(u.String(), redirectURI+"?") {
		b.Fatalf("status %d, Location %q, body %s", r.status, r.header.Get("Location"), r.body)
	}
	return u.Query()
}

func codeForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {client}, "code": {code},
		"code_verifier": {verifier}, "redirect_uri": {redirectURI},
	}
}

func TestPKCEJourney(t *testing.T) {
	tenant, now := start(t)
	b := newBrowser(t)

	page := b.get(tenant.URL + "/authorize?" + authorizeQuery().Encode())
	for _, want := range []string{`lang="en"`, "<h1>", "<legend>", "ada@example.com", "grace@example.com", "not for production"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the login page lacks %q", want)
		}
	}

	answer := logIn(b, tenant, authorizeQuery(), "grace@example.com")
	equal(t, "status", answer.status, http.StatusSeeOther)
	q := location(b, answer)
	equal(t, "state", q.Get("state"), "some state/+")

	got := b.form(tenant.URL+"/oauth/token", codeForm(q.Get("code")))
	equal(t, "status", got.status, 200)
	equal(t, "Cache-Control", got.header.Get("Cache-Control"), "no-store")
	tokens := got.json(t)
	equal(t, "token_type", tokens["token_type"], "Bearer")
	equal(t, "expires_in", tokens["expires_in"], 86400.0)
	equal(t, "scope", tokens["scope"], "openid profile email offline_access")

	iat := float64(now.Now().Unix())
	equal(t, "access token", payload(t, tokens["access_token"].(string)), map[string]any{
		"iss": tenant.Issuer, "sub": auth0test.Grace,
		"aud": []any{auth0test.DefaultAudience, tenant.Issuer + "userinfo"},
		"iat": iat, "exp": iat + 86400, "azp": client, "scope": "openid profile email offline_access",
		"https://example.com/email": "grace@example.com", "https://example.com/roles": []any{"member"},
	})
	id := payload(t, tokens["id_token"].(string))
	equal(t, "aud", id["aud"], client)
	equal(t, "nonce", id["nonce"], "some nonce")
	equal(t, "email", id["email"], "grace@example.com")
	equal(t, "exp", id["exp"], iat+36000)
	equal(t, "auth_time", id["auth_time"], nil)
	if id["sid"] == nil {
		t.Error("the ID token lacks sid")
	}

	t.Run("the code works once, and its second use ends the first", func(t *testing.T) {
		b := browser{t, b.client}
		again := b.form(tenant.URL+"/oauth/token", codeForm(q.Get("code")))
		equal(t, "status", again.status, 403)
		equal(t, "error", again.json(t)["error"], "invalid_grant")
		r := b.form(tenant.URL+"/oauth/token", url.Values{"grant_type": {"refresh_token"},
			"client_id": {client}, "refresh_token": {tokens["refresh_token"].(string)}})
		equal(t, "refresh status", r.status, 403)
	})
	t.Run("JSON body", func(t *testing.T) {
		b := browser{t, b.client}
		q := location(b, b.get(tenant.URL+"/authorize?"+authorizeQuery().Encode())) // logged in: no page
		r := b.do("POST", tenant.URL+"/oauth/token", `{"grant_type":"authorization_code","client_id":"my-spa","code":"`+
			q.Get("code")+`","code_verifier":"`+verifier+`","redirect_uri":"`+redirectURI+`"}`, "Content-Type", "application/json")
		equal(t, "status", r.status, 200)
		equal(t, "sid", payload(t, r.json(t)["id_token"].(string))["sid"], id["sid"])
	})
	t.Run("max_age asks again and gives auth_time", func(t *testing.T) {
		b := browser{t, b.client}
		now.Advance(time.Minute)
		r := b.get(tenant.URL + "/authorize?" + authorizeQuery("max_age", "60").Encode())
		equal(t, "status", r.status, 200) // the page
		q := location(b, b.get(tenant.URL+"/authorize?"+authorizeQuery("max_age", "61").Encode()))
		r = b.form(tenant.URL+"/oauth/token", codeForm(q.Get("code")))
		equal(t, "auth_time", payload(t, r.json(t)["id_token"].(string))["auth_time"], iat)
	})
	t.Run("an old code", func(t *testing.T) {
		b := browser{t, b.client}
		q := location(b, b.get(tenant.URL+"/authorize?"+authorizeQuery().Encode()))
		now.Advance(10*time.Minute + time.Second)
		equal(t, "status", b.form(tenant.URL+"/oauth/token", codeForm(q.Get("code"))).status, 403)
	})
}

func TestCodeExchangeRefusals(t *testing.T) {
	tenant, _ := start(t)
	b := newBrowser(t)
	logIn(b, tenant, authorizeQuery(), "ada@example.com")
	for _, c := range []struct {
		name, parameter, value string
		status                 int
		code, description      string
	}{
		{"wrong verifier", "code_verifier", "x", 403, "invalid_grant", "Failed to verify code verifier"},
		{"other client", "client_id", "another", 403, "invalid_grant", "Invalid authorization code"},
		{"other redirect_uri", "redirect_uri", "http://localhost:4000/", 403, "invalid_grant",
			"The redirect URI is wrong. You sent http://localhost:4000/, and we expected " + redirectURI},
		{"unknown code", "code", "x", 403, "invalid_grant", "Invalid authorization code"},
		{"no verifier", "code_verifier", "", 400, "invalid_request", "Missing required parameter: code_verifier"},
		{"no code", "code", "", 400, "invalid_request", "Missing required parameter: code"},
		{"no grant type", "grant_type", "", 400, "invalid_request", "Missing required parameter: grant_type"},
		{"unknown grant type", "grant_type", "implicit", 403, "unsupported_grant_type", "Unsupported grant type: implicit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := browser{t, b.client}
			q := location(b, b.get(tenant.URL+"/authorize?"+authorizeQuery().Encode()))
			form := codeForm(q.Get("code"))
			form.Set(c.parameter, c.value)
			r := b.form(tenant.URL+"/oauth/token", form)
			equal(t, "status", r.status, c.status)
			equal(t, "body", r.json(t), map[string]any{"error": c.code, "error_description": c.description})
		})
	}
}

func TestAuthorizeRefusals(t *testing.T) {
	tenant, _ := start(t)
	for _, c := range []struct {
		name, parameter, value, code, description string
	}{
		{"no client", "client_id", "", "invalid_request", "Missing required parameter: client_id"},
		{"no response_type", "response_type", "", "invalid_request", "Missing required parameter: response_type"},
		{"implicit flow", "response_type", "token", "unsupported_response_type", "response_type: only code is imitated"},
		{"no PKCE", "code_challenge", "", "invalid_request", "code_challenge, code_challenge_method: expected PKCE with S256"},
		{"plain PKCE", "code_challenge_method", "plain", "invalid_request", "code_challenge, code_challenge_method: expected PKCE with S256"},
		{"unknown API", "audience", "https://other.example.com", "access_denied", "Service not found: https://other.example.com"},
		{"unknown mode", "response_mode", "form_post", "invalid_request", "response_mode: query and web_message are imitated"},
		{"bad max_age", "max_age", "-1", "invalid_request", "max_age: expected seconds"},
		{"silent without a session", "prompt", "none", "login_required", "Login required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBrowser(t)
			q := location(b, b.get(tenant.URL+"/authorize?"+authorizeQuery(c.parameter, c.value).Encode()))
			equal(t, "answer", q, url.Values{"error": {c.code}, "error_description": {c.description}, "state": {"some state/+"}})
		})
	}
	for _, uri := range []string{"", "https://evil.example/", "//localhost", "javascript:alert(1)", "http://localhost:3000/#x", "http://u@localhost/", "http://localhost.evil.example/"} {
		t.Run("redirect_uri "+uri, func(t *testing.T) {
			r := newBrowser(t).get(tenant.URL + "/authorize?" + authorizeQuery("redirect_uri", uri).Encode())
			equal(t, "status", r.status, 400)
			equal(t, "Location", r.header.Get("Location"), "")
		})
	}
	t.Run("unknown user", func(t *testing.T) {
		equal(t, "status", logIn(newBrowser(t), tenant, authorizeQuery(), "eve@example.com").status, 400)
	})
}

func TestSilentAuthentication(t *testing.T) {
	tenant, now := start(t)
	b := newBrowser(t)
	silent := tenant.URL + "/authorize?" + authorizeQuery("prompt", "none", "response_mode", "web_message").Encode()

	r := b.get(silent)
	if !strings.Contains(r.body, `"error":"login_required"`) {
		t.Errorf("without a session: %s", r.body)
	}
	logIn(b, tenant, authorizeQuery(), "ada@example.com")
	r = b.get(silent)
	equal(t, "status", r.status, 200)
	for _, want := range []string{`"code":"`, `"state":"some state/+"`, `type: "authorization_response"`, `}, "http://localhost:3000");`} {
		if !strings.Contains(strings.ReplaceAll(r.body, `\/`, "/"), want) {
			t.Errorf("the message lacks %s: %s", want, r.body)
		}
	}
	if policy := r.header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors http://localhost:*") {
		t.Errorf("a page of localhost could not frame the message: %s", policy)
	}
	equal(t, "prompt=login asks again", b.get(tenant.URL+"/authorize?"+authorizeQuery("prompt", "login").Encode()).status, 200)

	t.Run("popup", func(t *testing.T) {
		r := logIn(newBrowser(t), tenant, authorizeQuery("response_mode", "web_message"), "ada@example.com")
		if !strings.Contains(r.body, `"code":"`) {
			t.Error(r.body)
		}
	})
	t.Run("an old session", func(t *testing.T) {
		now.Advance(73 * time.Hour)
		r := browser{t, b.client}.get(silent)
		if !strings.Contains(r.body, `"error":"login_required"`) {
			t.Error(r.body)
		}
	})
}

func TestLogout(t *testing.T) {
	tenant, _ := start(t)
	b := newBrowser(t)
	logIn(b, tenant, authorizeQuery(), "ada@example.com")
	r := b.get(tenant.URL + "/v2/logout?returnTo=" + url.QueryEscape("https://evil.example/"))
	equal(t, "foreign returnTo", r.status, 400)
	r = b.get(tenant.URL + "/v2/logout?client_id=x&returnTo=" + url.QueryEscape("http://localhost:3000/bye"))
	equal(t, "status", r.status, 302)
	equal(t, "Location", r.header.Get("Location"), "http://localhost:3000/bye")
	q := location(b, b.get(tenant.URL+"/authorize?"+authorizeQuery("prompt", "none").Encode()))
	equal(t, "error", q.Get("error"), "login_required")
	equal(t, "without returnTo", b.get(tenant.URL+"/v2/logout").body, "OK")
}

func TestRefreshRotation(t *testing.T) {
	tenant, now := start(t)
	b := newBrowser(t)
	refresh := func(token string, more ...string) reply {
		f := url.Values{"grant_type": {"refresh_token"}, "client_id": {client}, "refresh_token": {token}}
		for i := 0; i < len(more); i += 2 {
			f.Set(more[i], more[i+1])
		}
		return b.form(tenant.URL+"/oauth/token", f)
	}
	begin := func() string {
		q := location(b, logIn(b, tenant, authorizeQuery("prompt", "login"), "ada@example.com"))
		return b.form(tenant.URL+"/oauth/token", codeForm(q.Get("code"))).json(t)["refresh_token"].(string)
	}

	first := begin()
	other := begin()
	r := refresh(first)
	equal(t, "status", r.status, 200)
	second := r.json(t)["refresh_token"].(string)
	if second == first {
		t.Error("the refresh token did not rotate")
	}
	access := payload(t, r.json(t)["access_token"].(string))
	equal(t, "sub", access["sub"], auth0test.Ada)
	equal(t, "gty", access["gty"], "refresh_token")
	equal(t, "nonce", payload(t, r.json(t)["id_token"].(string))["nonce"], nil)

	r = refresh(second, "scope", "openid admin")
	equal(t, "narrowed scope", r.json(t)["scope"], "openid")
	third := r.json(t)["refresh_token"].(string)
	r = refresh(third, "client_id", "another")
	equal(t, "another client", r.status, 403)

	r = refresh(first) // reuse
	equal(t, "reuse", r.json(t), map[string]any{"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."})
	equal(t, "the newest of the family after reuse", refresh(third).status, 403)
	equal(t, "another family", refresh(other).status, 200)

	last := begin()
	now.Advance(2592001 * time.Second)
	equal(t, "an old one", refresh(last).status, 403)
}

func TestLoginHint(t *testing.T) {
	tenant, _ := start(t)
	b := newBrowser(t)
	subject := func(change ...string) any {
		t.Helper()
		q := location(b, b.get(tenant.URL+"/authorize?"+authorizeQuery(change...).Encode()))
		return payload(t, b.form(tenant.URL+"/oauth/token", codeForm(q.Get("code"))).json(t)["access_token"].(string))["sub"]
	}
	hint := func(email string, change ...string) reply {
		return b.get(tenant.URL + "/authorize?" + authorizeQuery(append(change, "login_hint", email)...).Encode())
	}
	equal(t, "nobody is logged in silently", location(b, hint("ada@example.com", "prompt", "none")).Get("error"), "login_required")
	equal(t, "an unknown user is asked for", hint("eve@example.com").status, 200)
	equal(t, "a hint that names a user", subject("login_hint", "ada@example.com"), auth0test.Ada)
	equal(t, "the session that it began", subject(), auth0test.Ada)
	equal(t, "another user's hint", subject("login_hint", "grace@example.com"), auth0test.Grace)
	equal(t, "silently it is still her", subject("login_hint", "ada@example.com", "prompt", "none"), auth0test.Grace)
	page := hint("ada@example.com", "prompt", "login")
	equal(t, "prompt=login asks", page.status, 200)
	equal(t, "with the hint in front", strings.Contains(page.body, `value="ada@example.com" autofocus`), true)
}
