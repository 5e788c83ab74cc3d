package auth0test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"time"

	_ "crypto/sha512" // RS384 and RS512
)

// Lifetimes as Auth0 sets them for a new API and application, in seconds.
const (
	accessTokenLife  = 86400
	idTokenLife      = 36000
	refreshTokenLife = 2592000
)

// Mint makes a signed access token: that of Ada, as [ClientID] would get it with the scope
// "openid profile email", changed by the overrides, later ones last. A nil value removes a claim.
// `aud` and the Action's claims follow an overridden `scope` and `sub`.
//
// The key "header" holds a map of overrides for the header. There `alg` RS256, RS384, RS512, PS256,
// PS384 and PS512 choose the signature; any other value is a lie over an RS256 signature.
//
// A custom claim without a namespace is dropped, as Auth0 drops it; claims that Auth0 knows, and
// names that differ from them in case only, are not. For bytes of your own choice see
// [Tenant.SignRaw]. Mint panics when a value has no JSON form.
func (t *Tenant) Mint(overrides ...Claims) string {
	claims, header := Claims{}, Claims{}
	for _, o := range overrides {
		for name, v := range o {
			if name != "header" {
				claims[name] = v
			} else if !mergeHeader(header, v) {
				panic("auth0test: the override \"header\" is not a map")
			}
		}
	}
	return t.mint(claims, header)
}

func mergeHeader(header Claims, v any) bool {
	switch v := v.(type) {
	case Claims:
		maps.Copy(header, v)
	case map[string]any:
		maps.Copy(header, v)
	default:
		return false
	}
	return true
}

func (t *Tenant) mint(overrides, header Claims) string {
	g := grant{user: Users()[0], client: ClientID, audience: t.Audience, scope: "openid profile email"}
	if sub, ok := overrides["sub"].(string); ok {
		if g.user, ok = userBySub(sub); !ok {
			g.user = User{Sub: sub}
		}
	}
	if v, ok := overrides["scope"]; ok {
		g.scope, _ = v.(string)
	}
	claims := t.accessClaims(g)
	for name, v := range overrides {
		if v == nil {
			delete(claims, name)
		} else if mintable(name) {
			claims[name] = v
		}
	}
	return t.sign(header, claims)
}

// accessClaims are the claims of a user's access token in the Auth0 profile (not RFC 9068's).
func (t *Tenant) accessClaims(g grant) Claims {
	now := t.Now().Unix()
	c := Claims{
		"iss": t.Issuer,
		"sub": g.user.Sub,
		"aud": g.audience,
		"iat": now,
		"exp": now + accessTokenLife,
		"azp": g.client,
	}
	if g.scope != "" {
		c["scope"] = g.scope
	}
	if hasScope(g.scope, "openid") {
		c["aud"] = []string{g.audience, t.Issuer + "userinfo"}
	}
	if g.gty != "" {
		c["gty"] = g.gty
	}
	if g.org != "" {
		c["org_id"] = g.org
	}
	if g.bound != "" {
		c["cnf"] = map[string]string{"jkt": g.bound}
	}
	if g.user.Email != "" { // an Action runs for users, not for machines
		for name, v := range t.action(g.user) {
			if customClaim(name) {
				c[name] = v
			}
		}
	}
	return c
}

// accessToken is a JWT for the API or, when no audience was asked for, an opaque token that only
// /userinfo takes.
func (t *Tenant) accessToken(g grant) string {
	if g.audience != "" {
		return t.sign(nil, t.accessClaims(g))
	}
	return t.seal(opaque{Sub: g.user.Sub, Scope: g.scope, Exp: t.Now().Unix() + accessTokenLife})
}

// idToken is the OpenID Connect token about the login of g.
func (t *Tenant) idToken(g grant) string {
	now := t.Now().Unix()
	c := profile(g.user, g.scope)
	c["iss"], c["aud"] = t.Issuer, g.client
	c["iat"], c["exp"] = now, now+idTokenLife
	if g.sid != "" {
		c["sid"] = g.sid
	}
	if g.nonce != "" {
		c["nonce"] = g.nonce
	}
	if g.org != "" {
		c["org_id"] = g.org
	}
	if g.maxAge {
		c["auth_time"] = g.authTime.Unix()
	}
	return t.sign(nil, c)
}

// sign makes a JWT of Auth0's header, changed by overrides, and claims.
func (t *Tenant) sign(overrides, claims Claims) string {
	kid, key := t.Key()
	header := Claims{"alg": "RS256", "typ": "JWT", "kid": kid}
	for name, v := range overrides {
		if v == nil {
			delete(header, name)
		} else {
			header[name] = v
		}
	}
	alg, _ := header["alg"].(string)
	return signBytes(key, alg, mustJSON(header), mustJSON(claims))
}

// SignRaw signs a header and a payload of any bytes with the current key and RS256: for tokens
// that no honest issuer makes.
func (t *Tenant) SignRaw(header, payload []byte) string {
	_, key := t.Key()
	return signBytes(key, "RS256", header, payload)
}

func signBytes(key *rsa.PrivateKey, alg string, header, payload []byte) string {
	b64 := base64.RawURLEncoding
	input := b64.EncodeToString(header) + "." + b64.EncodeToString(payload)
	signature, err := signature(key, alg, input)
	if err != nil {
		panic("auth0test: signing a token: " + err.Error())
	}
	return input + "." + b64.EncodeToString(signature)
}

// signature signs as RFC 7518 §3.3 and §3.5 say.
func signature(key *rsa.PrivateKey, alg, input string) ([]byte, error) {
	hash := crypto.SHA256
	switch {
	case alg == "RS384" || alg == "PS384":
		hash = crypto.SHA384
	case alg == "RS512" || alg == "PS512":
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write([]byte(input))
	if strings.HasPrefix(alg, "PS") {
		return rsa.SignPSS(rand.Reader, key, hash, h.Sum(nil), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	return rsa.SignPKCS1v15(nil, key, hash, h.Sum(nil))
}

// verify checks a JWT of ours as far as /userinfo needs it: a signature by a key of the key set
// (that it is ours makes the rest true, minted tokens apart) and the time.
func (t *Tenant) verify(token string) (opaque, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return opaque{}, false
	}
	signed, err1 := base64.RawURLEncoding.DecodeString(parts[2])
	payload, err2 := base64.RawURLEncoding.DecodeString(parts[1])
	var c struct {
		opaque
		Aud any `json:"aud"`
		Iss string
	}
	if err1 != nil || err2 != nil || json.Unmarshal(payload, &c) != nil {
		return opaque{}, false
	}
	audiences, _ := c.Aud.([]any)
	if c.Iss != t.Issuer || len(audiences) != 2 || audiences[1] != t.Issuer+"userinfo" {
		return opaque{}, false
	}
	return c.opaque, t.signedByUs(parts[0]+"."+parts[1], signed) && t.Now().Before(time.Unix(c.Exp, 0))
}

func (t *Tenant) signedByUs(input string, signature []byte) bool {
	h := crypto.SHA256.New()
	h.Write([]byte(input))
	t.mu.Lock()
	keys := append([]lazyKey(nil), t.ring.keys[t.ring.revoked:t.ring.current+1]...)
	t.mu.Unlock()
	for _, k := range keys {
		if rsa.VerifyPKCS1v15(&k().private.PublicKey, crypto.SHA256, h.Sum(nil), signature) == nil {
			return true
		}
	}
	return false
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("auth0test: encoding a token: " + err.Error())
	}
	return b
}
