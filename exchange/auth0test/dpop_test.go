package auth0test_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

// The stranger's library makes the proofs.
func TestDPoP(t *testing.T) {
	tenant, now := start(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	x, y := b64(point[1:33]), b64(point[33:])
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`))

	for _, c := range []struct {
		name   string
		change func(header, claims jwt.MapClaims)
		status int
	}{
		{"good", func(header, claims jwt.MapClaims) {}, 200},
		{"typ", func(header, claims jwt.MapClaims) { header["typ"] = "JWT" }, 400},
		{"method", func(header, claims jwt.MapClaims) { claims["htm"] = "GET" }, 400},
		{"other URL", func(header, claims jwt.MapClaims) { claims["htu"] = tenant.URL + "/userinfo" }, 400},
		{"old", func(header, claims jwt.MapClaims) { claims["iat"] = now.Now().Unix() - 301 }, 400},
		{"early", func(header, claims jwt.MapClaims) { claims["iat"] = now.Now().Unix() + 301 }, 400},
		{"no jti", func(header, claims jwt.MapClaims) { delete(claims, "jti") }, 400},
		{"other key", func(header, claims jwt.MapClaims) {
			header["jwk"] = map[string]string{"kty": "EC", "crv": "P-256", "x": y, "y": x}
		}, 400},
		{"private key", func(header, claims jwt.MapClaims) {
			header["jwk"] = map[string]string{"kty": "EC", "crv": "P-256", "x": x, "y": y, "d": x}
		}, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims := jwt.MapClaims{"htm": "POST", "htu": tenant.URL + "/oauth/token", "jti": "1", "iat": now.Now().Unix()}
			proof := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
			proof.Header["typ"] = "dpop+jwt"
			proof.Header["jwk"] = map[string]string{"kty": "EC", "crv": "P-256", "x": x, "y": y}
			c.change(proof.Header, claims)
			signed, err := proof.SignedString(key)
			if err != nil {
				t.Fatal(err)
			}
			b := newBrowser(t)
			code := location(b, logIn(b, tenant, authorizeQuery(), "ada@example.com")).Get("code")
			r := b.do("POST", tenant.URL+"/oauth/token", codeForm(code).Encode(),
				"Content-Type", "application/x-www-form-urlencoded", "DPoP", signed)
			if equal(t, "status", r.status, c.status); c.status != 200 {
				return
			}
			var answer struct {
				AccessToken string `json:"access_token"`
				TokenType   string `json:"token_type"`
			}
			if err := json.Unmarshal([]byte(r.body), &answer); err != nil {
				t.Fatal(err)
			}
			equal(t, "token_type", answer.TokenType, "DPoP")
			equal(t, "cnf", payload(t, answer.AccessToken)["cnf"], any(map[string]any{"jkt": b64(sum[:])}))
		})
	}
}

// A browser that takes app.example.test for this machine logs in there.
func TestHosts(t *testing.T) {
	tenant := auth0test.Start(t, auth0test.Options{Hosts: []string{"app.example.test"}})
	jwks := tenant.URL + "/.well-known/jwks.json"
	b := newBrowser(t)
	equal(t, "Host", b.get(jwks, "Host", "app.example.test:8443").status, 200)
	equal(t, "another Host", b.get(jwks, "Host", "example.test:8443").status, 403)
	equal(t, "Origin", b.get(jwks, "Origin", "https://app.example.test:8443").status, 200)
	equal(t, "another Origin", b.get(jwks, "Origin", "https://app.example.test.evil.test").status, 403)
	q := authorizeQuery("redirect_uri", "https://app.example.test/callback", "prompt", "none", "response_mode", "web_message")
	r := b.get(tenant.URL + "/authorize?" + q.Encode())
	if policy := r.header.Get("Content-Security-Policy"); !strings.Contains(policy, " https://app.example.test:*") {
		t.Errorf("%d, Content-Security-Policy %q", r.status, policy)
	}
}
