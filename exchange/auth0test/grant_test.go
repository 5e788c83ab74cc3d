package auth0test_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

func TestPasswordGrant(t *testing.T) {
	tenant, _ := start(t)
	b := newBrowser(t)
	// The line of the documentation:
	// curl -s localhost:8081/oauth/token -d grant_type=password -d username=… -d password=x -d audience=…
	r := b.form(tenant.URL+"/oauth/token", url.Values{"grant_type": {"password"},
		"username": {"ada@example.com"}, "password": {"x"}, "audience": {"https://api.example.com"}})
	equal(t, "status", r.status, 200)
	c := payload(t, r.json(t)["access_token"].(string))
	equal(t, "sub", c["sub"], auth0test.Ada)
	equal(t, "gty", c["gty"], "password")
	equal(t, "azp", c["azp"], auth0test.ClientID)
	equal(t, "aud", c["aud"], []any{"https://api.example.com", tenant.Issuer + "userinfo"})
	equal(t, "refresh_token", r.json(t)["refresh_token"], nil)

	for _, c := range []struct {
		name, parameter, value string
		status                 int
		code                   string
	}{
		{"password realm", "grant_type", "http://auth0.com/oauth/grant-type/password-realm", 200, ""},
		{"without openid", "scope", "read:things", 200, ""},
		{"refresh", "scope", "offline_access", 200, ""},
		{"unknown user", "username", "eve@example.com", 403, "invalid_grant"},
		{"no password", "password", "", 400, "invalid_request"},
		{"unknown API", "audience", "https://other.example.com", 403, "access_denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := url.Values{"grant_type": {"password"}, "username": {"grace@example.com"}, "password": {"x"},
				"audience": {"https://api.example.com"}}
			f.Set(c.parameter, c.value)
			r := newBrowser(t).form(tenant.URL+"/oauth/token", f)
			equal(t, "status", r.status, c.status)
			if c.status != 200 {
				equal(t, "error", r.json(t)["error"], c.code)
				return
			}
			token := payload(t, r.json(t)["access_token"].(string))
			equal(t, "sub", token["sub"], auth0test.Grace)
			if c.parameter == "scope" {
				equal(t, "aud", token["aud"], "https://api.example.com")
				equal(t, "id_token", r.json(t)["id_token"], nil)
				equal(t, "has a refresh token", r.json(t)["refresh_token"] != nil, c.value == "offline_access")
			}
		})
	}
}

func TestClientCredentials(t *testing.T) {
	tenant, now := start(t)
	b := newBrowser(t)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {"s"},
		"audience": {auth0test.DefaultAudience}, "scope": {"fauna:issue_for_user openid"}}
	iat := float64(now.Now().Unix())
	want := map[string]any{
		"iss": tenant.Issuer, "sub": "machine@clients", "aud": auth0test.DefaultAudience, "azp": "machine",
		"iat": iat, "exp": iat + 86400, "scope": "fauna:issue_for_user", "gty": "client-credentials",
	}
	r := b.form(tenant.URL+"/oauth/token", form)
	equal(t, "claims", payload(t, r.json(t)["access_token"].(string)), want)
	equal(t, "id_token", r.json(t)["id_token"], nil)

	r = b.do("POST", tenant.URL+"/oauth/token", `{"grant_type":"client_credentials","audience":"https://api.example.com"}`,
		"Content-Type", "application/json", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("m%40x:s")))
	equal(t, "sub by Basic", payload(t, r.json(t)["access_token"].(string))["sub"], "m@x@clients")

	form.Del("client_secret")
	equal(t, "without a secret", b.form(tenant.URL+"/oauth/token", form).status, 401)
	form.Set("client_secret", "s")
	form.Del("audience")
	equal(t, "without an audience", b.form(tenant.URL+"/oauth/token", form).status, 403)
}

func TestBodies(t *testing.T) {
	tenant, _ := start(t)
	for _, c := range []struct {
		name, kind, body string
		status           int
	}{
		{"no type", "", "grant_type=password", 400},
		{"text", "text/plain", "grant_type=password", 400},
		{"not JSON", "application/json", "{", 400},
		{"array", "application/json", "[]", 400},
		{"not a form", "application/x-www-form-urlencoded", "a=%zz", 400},
		{"too large", "application/json", strings.Repeat(" ", 1<<20+1), 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newBrowser(t).do("POST", tenant.URL+"/oauth/token", c.body, "Content-Type", c.kind)
			equal(t, "status", r.status, c.status)
			equal(t, "error", r.json(t)["error"], "invalid_request")
		})
	}
}

func TestOpaqueToken(t *testing.T) {
	tenant, now := start(t)
	b := newBrowser(t)
	issue := func(audience, scope string) string {
		r := b.form(tenant.URL+"/oauth/token", url.Values{"grant_type": {"password"}, "username": {"ada@example.com"},
			"password": {"x"}, "audience": {audience}, "scope": {scope}})
		return r.json(t)["access_token"].(string)
	}
	userinfo := func(token string) reply { return b.get(tenant.URL+"/userinfo", "Authorization", "Bearer "+token) }

	opaque := issue("", "openid email")
	parts := strings.Split(opaque, ".")
	if len(parts) != 5 || parts[1] != "" || !strings.HasPrefix(opaque, "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIi") {
		t.Errorf("not an opaque token: %s", opaque)
	}
	equal(t, "userinfo", userinfo(opaque).json(t),
		map[string]any{"sub": auth0test.Ada, "email": "ada@example.com", "email_verified": true})
	equal(t, "of the tenant's own API", len(strings.Split(issue(tenant.Issuer+"userinfo", "openid"), ".")), 5)
	equal(t, "a JWT with openid", userinfo(tenant.Mint()).json(t)["nickname"], "ada")
	equal(t, "an unknown user", userinfo(tenant.Mint(auth0test.Claims{"sub": "auth0|1"})).json(t), map[string]any{"sub": "auth0|1"})

	other, _ := start(t)
	forged := tenant.Mint()
	for name, token := range map[string]string{
		"nothing":                  "",
		"changed":                  opaque[:len(opaque)-4] + "AAAA",
		"no openid":                issue("", "email"),
		"JWT without openid":       tenant.Mint(auth0test.Claims{"scope": "email"}),
		"forged":                   forged[:len(forged)-4] + "AAAA",
		"of another tenant":        other.Mint(auth0test.Claims{"iss": tenant.Issuer, "aud": []string{tenant.Audience, tenant.Issuer + "userinfo"}}),
		"expired":                  tenant.Mint(auth0test.Claims{"exp": now.Now().Unix()}),
		"an ID token by its shape": tenant.Mint(auth0test.Claims{"aud": client}),
	} {
		t.Run(name, func(t *testing.T) {
			r := userinfo(token)
			equal(t, "status", r.status, 401)
			equal(t, "challenge", r.header.Get("WWW-Authenticate"), `Bearer realm="Users", error="invalid_token"`)
		})
	}
	now.Advance(24 * time.Hour)
	equal(t, "expired", userinfo(opaque).status, http.StatusUnauthorized)
}
