package auth0test_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

func TestDiscovery(t *testing.T) {
	tenant, _ := start(t)
	d := newBrowser(t).get(tenant.URL + "/.well-known/openid-configuration").json(t)
	equal(t, "issuer", d["issuer"], tenant.Issuer)
	if !strings.HasPrefix(tenant.Issuer, "http://localhost:") || !strings.HasSuffix(tenant.Issuer, "/") {
		t.Error(tenant.Issuer)
	}
	for name := range map[string]bool{"authorization_endpoint": true, "token_endpoint": true, "userinfo_endpoint": true, "jwks_uri": true} {
		r := newBrowser(t).do("GET", d[name].(string), "")
		if r.status == http.StatusNotImplemented {
			t.Errorf("%s leads nowhere: %v", name, d[name])
		}
	}
}

func TestRotateAndRevoke(t *testing.T) {
	tenant, _ := start(t)
	before := fetchSet(t, tenant)
	old := tenant.Mint()
	r := newBrowser(t).do("POST", tenant.URL+"/dev/rotate", "")
	equal(t, "status", r.status, 200)
	equal(t, "the next key is current", r.json(t)["kid"], before[1].Kid)

	after := fetchSet(t, tenant)
	equal(t, "current, next, previous", len(after), 3)
	equal(t, "current", after[0].Kid, before[1].Kid)
	equal(t, "previous", after[2].Kid, before[0].Kid)
	if _, known := map[string]bool{before[0].Kid: true, before[1].Kid: true}[after[1].Kid]; known {
		t.Error("there is no new next key")
	}
	young := tenant.Mint()
	equal(t, "kid", part(t, young, 0)["kid"], after[0].Kid)
	equal(t, "old and new tokens verify", []bool{verified(t, tenant, old), verified(t, tenant, young)}, []bool{true, true})

	tenant.Revoke()
	equal(t, "after the revocation", []bool{verified(t, tenant, old), verified(t, tenant, young)}, []bool{false, true})
	equal(t, "number of keys", len(fetchSet(t, tenant)), 2)
}

func TestTenantsHaveTheirOwnKeys(t *testing.T) {
	sameName := func(n int) string { return "key-" + string(rune('0'+n)) }
	a := auth0test.Start(t, auth0test.Options{KeyID: sameName})
	b := auth0test.Start(t, auth0test.Options{KeyID: sameName})
	equal(t, "kid", part(t, a.Mint(), 0)["kid"], "key-0")
	equal(t, "kid", part(t, b.Mint(), 0)["kid"], "key-0")
	equal(t, "a's token at a and b", []bool{verified(t, a, a.Mint()), verified(t, b, a.Mint())}, []bool{true, false})
}

func TestFaults(t *testing.T) {
	tenant, _ := start(t)
	fetch := func(ctx context.Context) (*http.Response, string, error) {
		req, err := http.NewRequestWithContext(ctx, "GET", tenant.URL+"/.well-known/jwks.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := newBrowser(t).client.Do(req)
		if err != nil {
			return nil, "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp, string(body), err
	}
	for _, c := range []struct {
		name   string
		mode   auth0test.Mode
		status int
		body   string // in the answer
	}{
		{"too many requests", auth0test.TooManyRequests, 429, `"error":"too_many_requests"`},
		{"server error", auth0test.ServerError, 500, `"error":`},
		{"HTML", auth0test.HTML, 200, "<title>"},
		{"empty set", auth0test.EmptySet, 200, `{"keys":[]}`},
		{"huge", auth0test.Huge, 200, strings.Repeat("x", 8<<20)},
		{"redirect", auth0test.Redirect, 302, ""},
		{"none", auth0test.None, 200, `"kid":`},
	} {
		t.Run(c.name, func(t *testing.T) {
			tenant.Fail(c.mode)
			before := tenant.Fetches()
			resp, body, err := fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "status", resp.StatusCode, c.status)
			if !strings.Contains(body, c.body) {
				t.Errorf("body lacks %.40q", c.body)
			}
			equal(t, "fetches", tenant.Fetches()-before, 1)
		})
	}
	t.Run("down", func(t *testing.T) {
		tenant.Fail(auth0test.Down)
		before := tenant.Fetches()
		for range 3 {
			if _, _, err := fetch(t.Context()); err == nil {
				t.Error("there was an answer")
			}
		}
		equal(t, "fetches", tenant.Fetches()-before, 3)
	})
	t.Run("the target of the redirect has the keys", func(t *testing.T) {
		tenant.Fail(auth0test.Redirect)
		resp, err := (&http.Client{Timeout: 20 * time.Second}).Get(tenant.URL + "/.well-known/jwks.json")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		equal(t, "host and status", []any{resp.Request.URL.Hostname(), resp.StatusCode}, []any{"127.0.0.1", 200})
	})
	t.Run("slow, and the caller gives up", func(t *testing.T) {
		tenant.Fail(auth0test.Slow)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, _, err := fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("slow, and repaired", func(t *testing.T) {
		tenant.Fail(auth0test.Slow)
		before := tenant.Fetches()
		done := make(chan error)
		go func() { _, _, err := fetch(t.Context()); done <- err }()
		for tenant.Fetches() == before {
			runtime.Gosched()
		}
		tenant.Fail(auth0test.None)
		if err := <-done; err == nil {
			t.Error("a cut answer looked whole")
		}
	})
}

func TestUnknownPathsSaySo(t *testing.T) {
	tenant, _ := start(t)
	for _, path := range []string{"/", "/api/v2/users", "/oauth/revoke", "/dev/revoke", "/.well-known/jwks.json/"} {
		r := newBrowser(t).get(tenant.URL + path)
		equal(t, "status of "+path, r.status, 501)
		equal(t, "body", r.json(t), map[string]any{"error": "not_imitated", "error_description": "this path of Auth0 is not imitated: GET " + path})
	}
	r := newBrowser(t).get(tenant.URL + "/dev/mint")
	equal(t, "method", []any{r.status, r.header.Get("Allow")}, []any{405, "POST"})
}

func TestDevMint(t *testing.T) {
	tenant, _ := start(t)
	url := tenant.URL + "/dev/mint"
	for _, c := range []struct {
		name, kind, body string
		status           int
	}{
		{"ok", "application/json", `{}`, 200},
		{"with a charset", "application/json; charset=utf-8", `{}`, 200},
		{"form", "application/x-www-form-urlencoded", `{}`, 415},
		{"text", "text/plain", `{}`, 415},
		{"no type", "", `{}`, 415},
		{"empty", "application/json", ``, 400},
		{"null", "application/json", `null`, 400},
		{"array", "application/json", `[]`, 400},
		{"two", "application/json", `{}{}`, 400},
		{"header is a string", "application/json", `{"header":"x"}`, 400},
		{"header is null", "application/json", `{"header":null}`, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			equal(t, "status", newBrowser(t).do("POST", url, c.body, "Content-Type", c.kind).status, c.status)
		})
	}
	r := newBrowser(t).do("POST", url, `{"sub":"`+auth0test.Grace+`","iat":null,"exp":1e300,"header":{"typ":null,"alg":"PS256"}}`, "Content-Type", "application/json")
	token := r.json(t)["token"].(string)
	c := payload(t, token)
	equal(t, "sub iat exp", []any{c["sub"], c["iat"], c["exp"]}, []any{auth0test.Grace, nil, 1e300})
	kid, _ := tenant.Key()
	equal(t, "header", part(t, token, 0), map[string]any{"alg": "PS256", "kid": kid})
}

func TestLoopbackOnly(t *testing.T) {
	tenant, _ := start(t)
	jwks := tenant.URL + "/.well-known/jwks.json"
	for _, c := range []struct {
		name, header, value string
		status              int
	}{
		{"localhost", "Host", "localhost:1234", 200},
		{"localhost without port", "Host", "LOCALHOST", 200},
		{"127.0.0.1", "Host", "127.0.0.1", 200},
		{"127.1.2.3", "Host", "127.1.2.3:80", 200},
		{"::1", "Host", "[::1]:80", 200},
		{"::1 without port", "Host", "[::1]", 200},
		{"rebound name", "Host", "evil.example:8081", 403},
		{"prefix", "Host", "localhost.evil.example", 403},
		{"LAN", "Host", "192.168.0.1:8081", 403},
		{"any", "Host", "0.0.0.0:8081", 403},
		{"origin", "Origin", "http://localhost:3000", 200},
		{"origin 127.0.0.1", "Origin", "https://127.0.0.1", 200},
		{"foreign origin", "Origin", "https://evil.example", 403},
		{"null origin", "Origin", "null", 403},
		{"origin with path", "Origin", "http://localhost/", 403},
		{"origin with foreign user", "Origin", "http://localhost@evil.example", 403},
		{"file", "Origin", "file://", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newBrowser(t).get(jwks, c.header, c.value)
			equal(t, "status", r.status, c.status)
			want := ""
			if c.header == "Origin" && c.status == 200 {
				want = c.value
			}
			equal(t, "Access-Control-Allow-Origin", r.header.Get("Access-Control-Allow-Origin"), want)
		})
	}
}

func TestCORS(t *testing.T) {
	tenant, _ := start(t)
	b := newBrowser(t)
	r := b.do("OPTIONS", tenant.URL+"/oauth/token", "", "Origin", "http://localhost:3000",
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "auth0-client,content-type")
	equal(t, "status", r.status, 204)
	equal(t, "origin", r.header.Get("Access-Control-Allow-Origin"), "http://localhost:3000")
	equal(t, "headers", r.header.Get("Access-Control-Allow-Headers"), "Authorization, Content-Type, Auth0-Client, DPoP")
	equal(t, "methods", r.header.Get("Access-Control-Allow-Methods"), "GET, POST")
	equal(t, "Vary", r.header.Get("Vary"), "Origin")
	r = b.do("POST", tenant.URL+"/oauth/token", "", "Origin", "http://localhost:3000")
	equal(t, "status", r.status, 400)
	equal(t, "origin on errors", r.header.Get("Access-Control-Allow-Origin"), "http://localhost:3000")
	r = b.do("OPTIONS", tenant.URL+"/dev/mint", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
	equal(t, "foreign preflight", r.status, 403)
}

func TestNewTenantWantsAnIssuer(t *testing.T) {
	for _, issuer := range []string{"", "localhost:8081", "http://localhost:8081", "http:///", "%zz/"} {
		if _, err := auth0test.NewTenant(auth0test.Options{Issuer: issuer}); err == nil {
			t.Errorf("issuer %q was accepted", issuer)
		}
	}
}
