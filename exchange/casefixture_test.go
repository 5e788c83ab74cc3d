package exchange_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
	"github.com/golang-jwt/jwt/v5"
)

const (
	ours     = "https://api.example.com"
	oursToo  = "https://admin.example.com"
	namespac = "https://example.com/"
)

// caseEnv is the Auth0 tenants that the token cases are about: a plain one, a second one
// with a kid in common, and one that uses every restriction there is.
type caseEnv struct {
	now     func() time.Time
	server  *jwksServer
	tenants []exchange.Tenant

	main, other, strict string // issuers
}

func newCaseEnv(tb testing.TB, now func() time.Time) *caseEnv {
	s := newJWKSServer(tb)
	e := &caseEnv{now: now, server: s, main: s.URL + "/main/", other: s.URL + "/other/", strict: s.URL + "/strict/"}
	k := keys()
	s.answer("/main/.well-known/jwks.json", keySet(mainKeys(k)...))
	s.answer("/other/.well-known/jwks.json", keySet(jwkOf("k1", &k.other.PublicKey, nil)))
	s.answer("/strict/.well-known/jwks.json", keySet(jwkOf("k2", &k.k2.PublicKey, m{"alg": nil})))
	e.tenants = []exchange.Tenant{
		{
			Name: "main", Issuers: []string{e.main}, Audience: []string{ours, oursToo},
			UserClaims:    []exchange.ClaimCopy{{To: "email", From: "/https:~1~1example.com~1email"}},
			SessionClaims: []exchange.ClaimCopy{{To: "roles", From: "/https:~1~1example.com~1roles"}},
		},
		{Name: "other", Issuers: []string{e.other}, Audience: []string{ours}},
		{
			Name: "strict", Issuers: []string{e.strict}, Audience: []string{ours},
			Algorithms: []string{"RS256", "PS256"}, Clients: []string{"spa"}, Organizations: []string{"org_1"},
			Actors: []string{"agent"}, RequiredScope: "fauna:login todo:read",
			SessionClaims: []exchange.ClaimCopy{{To: "roles", From: "/https:~1~1example.com~1roles", Required: true}},
		},
	}
	return e
}

// mainKeys is the plain tenant's key set: what Auth0 publishes, and all that must be left
// out of it.
func mainKeys(k *testKeys) []m {
	huge := make([]byte, 2048)
	for i := range huge {
		huge[i] = 0xff
	}
	x, y := k.ec.X.FillBytes(make([]byte, 32)), k.ec.Y.FillBytes(make([]byte, 32))
	return []m{
		jwkOf("k1", &k.k1.PublicKey, m{"x5c": []string{certificate(k.k1)}, "x5t": "ignored"}),
		jwkOf("k2", &k.k2.PublicKey, m{"alg": nil, "use": nil}),
		jwkOf("enc", &k.enc.PublicKey, m{"use": "enc"}),
		jwkOf("ps", &k.enc.PublicKey, m{"alg": "PS256"}),
		jwkOf("ops", &k.enc.PublicKey, m{"key_ops": []string{"encrypt"}}),
		jwkOf("private", &k.enc.PublicKey, m{"d": b64.EncodeToString(k.enc.D.Bytes())}),
		jwkOf("dup", &k.attacker.PublicKey, nil), jwkOf("dup", &k.other.PublicKey, nil),
		jwkOf("weak", &k.weak.PublicKey, nil),
		jwkOf("e1", &k.enc.PublicKey, m{"e": "AQ"}),
		jwkOf("e3", &k.e3.PublicKey, nil),
		jwkOf("even", &k.enc.PublicKey, m{"e": "AQAC"}),
		jwkOf("huge", &k.enc.PublicKey, m{"n": b64.EncodeToString(huge)}),
		jwkOf("cert", &k.enc.PublicKey, m{"x5c": []string{certificate(k.k1)}}),
		{"kty": "EC", "crv": "P-256", "kid": "ec", "use": "sig", "x": b64.EncodeToString(x), "y": b64.EncodeToString(y)},
		{"kty": "oct", "kid": "oct", "use": "sig", "alg": "HS256", "k": b64.EncodeToString(k.oct)},
		{"kty": "OKP", "crv": "Ed25519", "kid": "okp", "x": b64.EncodeToString(make([]byte, 32))},
		// The same kid for an EC and an RSA key is legal (RFC 7517 §4.5).
		{"kty": "EC", "crv": "P-256", "kid": "k1", "x": b64.EncodeToString(x), "y": b64.EncodeToString(y)},
	}
}

func (e *caseEnv) config() exchange.VerifierConfig {
	return exchange.VerifierConfig{Tenants: e.tenants, Leeway: 30 * time.Second, MaxTokenBytes: 16 << 10, Now: e.now}
}

// in is a NumericDate so many seconds from now.
func (e *caseEnv) in(seconds int64) int64 { return e.now().Unix() + seconds }

// claims are those of a good access token for issuer; nil in extra removes one.
func (e *caseEnv) claims(issuer string, extra m) m {
	return with(m{
		"iss": issuer, "sub": "auth0|507f1f77bcf86cd799439011", "aud": []string{ours, issuer + "userinfo"},
		"iat": e.in(-5), "exp": e.in(3600), "scope": "openid profile email", "azp": "spa",
		namespac + "email": "ada@example.com",
	}, extra)
}

var goodHeader = m{"alg": "RS256", "typ": "JWT", "kid": "k1"}

// good is the control: a token of the plain tenant.
func (e *caseEnv) good() string { return e.withClaims(nil) }

// withClaims is the good token with other claims, properly signed.
func (e *caseEnv) withClaims(extra m) string {
	return sign(goodHeader, e.claims(e.main, extra), keys().k1)
}

// withHeader is the good token with other header members, properly signed by key.
func (e *caseEnv) withHeader(extra m, key any) string {
	return sign(with(goodHeader, extra), e.claims(e.main, nil), key)
}

// withPayload is the good token with the payload changed as text.
func (e *caseEnv) withPayload(change func(json string) string) string {
	return sign(goodHeader, change(text(e.claims(e.main, nil))), keys().k1)
}

// withRawHeader is the good token with the header changed as text.
func (e *caseEnv) withRawHeader(change func(json string) string) string {
	return sign(change(text(goodHeader)), e.claims(e.main, nil), keys().k1)
}

// fromStrict is a token that the strict tenant accepts, with other claims.
func (e *caseEnv) fromStrict(alg string, extra m) string {
	claims := with(e.claims(e.strict, m{"org_id": "org_1", "scope": "todo:read fauna:login", namespac + "roles": []string{"admin"}}), extra)
	return sign(with(goodHeader, m{"kid": "k2", "alg": alg}), claims, keys().k2)
}

// text is v as JSON; a string stands for itself.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(must(json.Marshal(v)))
}

// sign makes a token of header and payload (maps, or JSON text) by the header's alg, or by
// RS256 where the header has no alg that fits the key.
func sign(header, payload any, key any) string {
	input := b64.EncodeToString([]byte(text(header))) + "." + b64.EncodeToString([]byte(text(payload)))
	return input + "." + b64.EncodeToString(signature(header, input, key))
}

func signature(header any, input string, key any) []byte {
	if fields, ok := header.(m); ok {
		if alg, ok := fields["alg"].(string); ok {
			if method := jwt.GetSigningMethod(alg); method != nil && alg != "none" {
				if sig, err := method.Sign(input, key); err == nil {
					return sig
				}
			}
		}
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return []byte("no signature")
	}
	hash := crypto.SHA256.New()
	hash.Write([]byte(input))
	return must(rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, hash.Sum(nil)))
}

// parts takes a token apart.
func parts(token string) (header, payload, signature string) {
	p := strings.Split(token, ".")
	return p[0], p[1], p[2]
}

// join puts one together.
func join(parts ...string) string { return strings.Join(parts, ".") }

// front and back put a member before and behind the others of an object's text.
func front(member string) func(string) string {
	return func(object string) string { return "{" + member + "," + object[1:] }
}

func back(member string) func(string) string {
	return func(object string) string { return object[:len(object)-1] + "," + member + "}" }
}

// swap replaces old, which must be there.
func swap(old, new string) func(string) string {
	return func(s string) string {
		if !strings.Contains(s, old) {
			panic("no " + old + " in " + s)
		}
		return strings.Replace(s, old, new, 1)
	}
}

// looseBits sets a bit of a part that no byte of it holds. The part's decoded length must
// not be a multiple of 3.
func looseBits(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, part[len(part)-1])
	if len(part)%4 == 0 || last%4 != 0 {
		panic("no loose bits in " + part)
	}
	return part[:len(part)-1] + alphabet[last+1:last+2]
}

// padTo puts spaces into an object's text until its length leaves loose bits in base64.
func padToLoose(object string) string {
	for len(object)%3 == 0 {
		object = "{ " + object[1:]
	}
	return object
}
