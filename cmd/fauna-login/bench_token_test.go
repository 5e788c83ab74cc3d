package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// issuer signs the tokens of the benchmarks. To sign costs twenty times what to verify does, so
// all of an experiment's are signed before its clock runs, and kept: each experiment starts on a
// directory of its own, to which they are new.
type issuer struct {
	domain, audience string
	url              string // of the key set
	key              *rsa.PrivateKey
	now              time.Time
	keySet           *httptest.Server
	signed           map[string][]string // kind of token → in order
}

const benchKeyID = "bench-key"

func newIssuer(b *testing.B) *issuer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": benchKeyID,
		"n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes()),
	}}})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(set)
	}))
	return &issuer{
		domain: "bench.eu.auth0.com", audience: "https://api.example.com", url: server.URL + "/jwks.json",
		key: key, now: time.Now().Truncate(time.Second), keySet: server, signed: map[string][]string{},
	}
}

// strangers gives the tokens from the first to the last of users who have one token each.
func (i *issuer) strangers(b *testing.B, first, last int) []string {
	return i.upTo(b, "new", last, func(n int) string { return i.sign(b, subject("stranger", n), 0) })[first:]
}

// known gives the tokens from the first to the last of that many users. All users come once, in
// an order that jumps about, before one comes again with a token a second older.
func (i *issuer) known(b *testing.B, users, first, last int) []string {
	const step = 7919 // a prime, so that the steps meet every user
	return i.upTo(b, fmt.Sprint("known/", users), last, func(n int) string {
		return i.sign(b, subject("user", n*step%users), n/users)
	})[first:]
}

// subject is the `sub` of a user.
func subject(kind string, n int) string {
	sum := sha256.Sum256(fmt.Append(nil, kind, n))
	return "auth0|" + hex.EncodeToString(sum[:12])
}

// upTo signs what is missing of the first n tokens of a kind, on all cores.
func (i *issuer) upTo(b *testing.B, kind string, n int, sign func(n int) string) []string {
	tokens := i.signed[kind]
	have := len(tokens)
	for len(tokens) < n {
		tokens = append(tokens, "")
	}
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() {
			for at := have + w; at < n; at += workers {
				tokens[at] = sign(at)
			}
		})
	}
	group.Wait()
	i.signed[kind] = tokens
	return tokens[:n]
}

// sign makes an access token such as Auth0 gives a single-page app.
func (i *issuer) sign(b *testing.B, sub string, age int) string {
	at := i.now.Add(-time.Duration(age) * time.Second)
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": "https://" + i.domain + "/", "sub": sub,
		"aud": []string{i.audience, "https://" + i.domain + "/userinfo"},
		"iat": at.Unix(), "exp": at.Add(24 * time.Hour).Unix(),
		"azp": "my-spa-client-id-of-32-characters", "scope": "openid profile email read:todos",
		"permissions": []string{"todo:read", "todo:write"},
	})
	token.Header["kid"] = benchKeyID
	signed, err := token.SignedString(i.key)
	if err != nil {
		b.Error(err) // not Fatal: this is not the benchmark's goroutine
	}
	return signed
}
