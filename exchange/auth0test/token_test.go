package auth0test_test

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

// keys fetches the key set as a client does: kid → key.
func keys(t *testing.T, tenant *auth0test.Tenant) map[string]*rsa.PublicKey {
	t.Helper()
	set := map[string]*rsa.PublicKey{}
	for _, k := range fetchSet(t, tenant) {
		set[k.Kid] = k.public(t)
	}
	return set
}

type webKey struct {
	Kty, Use, N, E, Kid, X5t, Alg string
	X5c                           []string
}

func (k webKey) public(t *testing.T) *rsa.PublicKey {
	t.Helper()
	n, err1 := base64.RawURLEncoding.DecodeString(k.N)
	e, err2 := base64.RawURLEncoding.DecodeString(k.E)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
}

func fetchSet(t *testing.T, tenant *auth0test.Tenant) []webKey {
	t.Helper()
	var set struct{ Keys []webKey }
	r := newBrowser(t).get(tenant.URL + "/.well-known/jwks.json")
	if err := json.Unmarshal([]byte(r.body), &set); err != nil {
		t.Fatal(err)
	}
	return set.Keys
}

// verified says whether a stranger's library takes the token with the key set as it is.
func verified(t *testing.T, tenant *auth0test.Tenant, token string) bool {
	t.Helper()
	set := keys(t, tenant)
	_, err := jwt.Parse(token, func(j *jwt.Token) (any, error) {
		k, ok := set[j.Header["kid"].(string)]
		if !ok {
			return nil, jwt.ErrTokenUnverifiable
		}
		return k, nil
	}, jwt.WithTimeFunc(tenant.Now))
	return err == nil
}

func TestKeySet(t *testing.T) {
	tenant, _ := start(t)
	set := fetchSet(t, tenant)
	equal(t, "number of keys", len(set), 2)
	for _, k := range set {
		equal(t, "kty use alg e", []string{k.Kty, k.Use, k.Alg, k.E}, []string{"RSA", "sig", "RS256", "AQAB"})
		equal(t, "length of kid", len(k.Kid), 21)
		equal(t, "length of x5c", len(k.X5c), 1)
		der, err := base64.StdEncoding.DecodeString(k.X5c[0])
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if !cert.PublicKey.(*rsa.PublicKey).Equal(k.public(t)) {
			t.Error("x5c holds another key than n and e")
		}
		if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
			t.Error("x5c is not self-signed:", err)
		}
		sum := sha1.Sum(der)
		equal(t, "x5t", k.X5t, base64.RawURLEncoding.EncodeToString(sum[:]))
	}
	if set[0].N == set[1].N || set[0].Kid == set[1].Kid {
		t.Error("the next key is the current one")
	}
}

func TestMint(t *testing.T) {
	tenant, now := start(t)
	iat := float64(now.Now().Unix())
	plain := func() map[string]any {
		return map[string]any{
			"iss": tenant.Issuer, "sub": auth0test.Ada, "aud": []any{tenant.Audience, tenant.Issuer + "userinfo"},
			"iat": iat, "exp": iat + 86400, "azp": auth0test.ClientID, "scope": "openid profile email",
			"https://example.com/email": "ada@example.com", "https://example.com/roles": []any{"admin"},
		}
	}
	type claims = auth0test.Claims
	for _, c := range []struct {
		name      string
		overrides []claims
		want      func(map[string]any)
	}{
		{"nothing", nil, func(map[string]any) {}},
		{"override", []claims{{"exp": 1}}, func(m map[string]any) { m["exp"] = 1.0 }},
		{"the last one wins", []claims{{"exp": 1}, {"exp": 2}}, func(m map[string]any) { m["exp"] = 2.0 }},
		{"nil removes", []claims{{"exp": nil, "https://example.com/roles": nil}}, func(m map[string]any) {
			delete(m, "exp")
			delete(m, "https://example.com/roles")
		}},
		{"another user", []claims{{"sub": auth0test.Grace}}, func(m map[string]any) {
			m["sub"], m["https://example.com/email"], m["https://example.com/roles"] = auth0test.Grace, "grace@example.com", []any{"member"}
		}},
		{"a stranger", []claims{{"sub": "google-oauth2|1"}}, func(m map[string]any) {
			m["sub"] = "google-oauth2|1"
			delete(m, "https://example.com/email")
			delete(m, "https://example.com/roles")
		}},
		{"without openid", []claims{{"scope": "read:x"}}, func(m map[string]any) { m["scope"], m["aud"] = "read:x", tenant.Audience }},
		{"no scope", []claims{{"scope": nil}}, func(m map[string]any) {
			delete(m, "scope")
			m["aud"] = tenant.Audience
		}},
		{"a namespaced custom claim", []claims{{"https://app.example/x": 1}}, func(m map[string]any) { m["https://app.example/x"] = 1.0 }},
		{"custom claims that Auth0 drops", []claims{{"role": "x", "email": "x", "https://x.auth0.com/y": 1, "urn:auth0:x": 1}}, func(map[string]any) {}},
		{"claims that Auth0 knows", []claims{{"permissions": []string{"a"}, "cnf": claims{"jkt": "x"}}}, func(m map[string]any) {
			m["permissions"], m["cnf"] = []any{"a"}, map[string]any{"jkt": "x"}
		}},
		{"twins", []claims{{"SUB": "auth0|victim", "ſub": "auth0|victim"}}, func(m map[string]any) {
			m["SUB"], m["ſub"] = "auth0|victim", "auth0|victim"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := plain()
			c.want(want)
			equal(t, "claims", payload(t, tenant.Mint(c.overrides...)), want)
		})
	}
	t.Run("another type of sub", func(t *testing.T) {
		equal(t, "sub", payload(t, tenant.Mint(claims{"sub": 1}))["sub"], 1.0)
	})
}

func TestMintHeader(t *testing.T) {
	tenant, _ := start(t)
	kid, _ := tenant.Key()
	equal(t, "header", part(t, tenant.Mint(), 0), map[string]any{"alg": "RS256", "typ": "JWT", "kid": kid})
	header := auth0test.Claims{"typ": "at+jwt", "kid": nil, "crit": []string{"x"}}
	equal(t, "header", part(t, tenant.Mint(auth0test.Claims{"header": header}), 0),
		map[string]any{"alg": "RS256", "typ": "at+jwt", "crit": []any{"x"}})
	for alg, want := range map[string]bool{"RS256": true, "RS384": true, "RS512": true, "PS256": true, "PS384": true, "PS512": true, "none": false, "ES256": false, "HS256": false} {
		token := tenant.Mint(auth0test.Claims{"header": map[string]any{"alg": alg}})
		equal(t, alg+" verifies", verified(t, tenant, token), want)
	}
}

func TestSignRaw(t *testing.T) {
	tenant, _ := start(t)
	kid, _ := tenant.Key()
	token := tenant.SignRaw([]byte(`{ "alg":"RS256", "kid":"`+kid+`" }`), []byte(`{"sub":"a","sub":"b"}`))
	if !verified(t, tenant, token) {
		t.Error("the signature is wrong")
	}
}

func TestAction(t *testing.T) {
	tenant := auth0test.Start(t, auth0test.Options{
		Audience: "urn:api",
		Action: func(u auth0test.User) auth0test.Claims {
			return auth0test.Claims{"https://app.example/who": u.Nickname, "role": "x", "sub": "auth0|other", "https://x.webtask.io/y": 1}
		},
	})
	c := payload(t, tenant.Mint())
	equal(t, "kept", c["https://app.example/who"], "ada")
	equal(t, "a protocol claim", c["sub"], auth0test.Ada)
	equal(t, "dropped", []any{c["role"], c["https://x.webtask.io/y"]}, []any{nil, nil})
	equal(t, "aud", c["aud"], []any{"urn:api", tenant.Issuer + "userinfo"})
}
