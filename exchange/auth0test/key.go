package auth0test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"sync"
	"time"
)

// signingKey is an RSA key with the self-signed certificate that Auth0 publishes beside it.
type signingKey struct {
	private *rsa.PrivateKey
	cert    []byte // DER
}

// newSigningKey takes a fraction of a second. It panics if the system has no randomness.
func newSigningKey() *signingKey {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("auth0test: generating a key: " + err.Error())
	}
	// Fixed dates: a test's clock may stand anywhere.
	certificate := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(thumbprint(private)[:8]),
		Subject:      pkix.Name{CommonName: "localhost"},
		NotBefore:    time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	cert, err := x509.CreateCertificate(rand.Reader, certificate, certificate, private.Public(), private)
	if err != nil {
		panic("auth0test: signing a certificate: " + err.Error())
	}
	return &signingKey{private, cert}
}

func thumbprint(k *rsa.PrivateKey) []byte {
	sum := sha256.Sum256(k.N.Bytes())
	return sum[:]
}

// jwk is one member of the key set, with the members that Auth0 gives (RFC 7517 §4).
type jwk struct {
	Kty string   `json:"kty"`
	Use string   `json:"use"`
	N   string   `json:"n"`
	E   string   `json:"e"`
	Kid string   `json:"kid"`
	X5t string   `json:"x5t"`
	X5c []string `json:"x5c"`
	Alg string   `json:"alg"`
}

// lazyKey is a key that may still be in the making: it waits until the key is there.
type lazyKey func() *signingKey

// keyPool lends keys. The zero value is an empty pool.
type keyPool struct {
	mu   sync.Mutex
	free []*signingKey
}

// take lends a key that nobody else has, and starts to make one when none is free.
func (p *keyPool) take() lazyKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		k := p.free[n-1]
		p.free = p.free[:n-1]
		return func() *signingKey { return k }
	}
	k := sync.OnceValue(newSigningKey)
	go k()
	return k
}

func (p *keyPool) put(k *signingKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, k)
}

// keyRing is the tenant's keys in the order in which they came or come to be used.
type keyRing struct {
	keys    []lazyKey
	current int // index of the key that signs; the next one follows it, then a spare in the making
	revoked int // keys before this index are gone from the key set
}

func newKeyRing(p *keyPool) keyRing {
	return keyRing{keys: []lazyKey{p.take(), p.take(), p.take()}}
}

// rotate makes the next key current and the spare next.
func (r *keyRing) rotate(p *keyPool) {
	r.current++
	r.keys = append(r.keys, p.take())
}

// giveBack returns all keys; the ring must not be used any more.
func (r *keyRing) giveBack(p *keyPool) {
	for _, k := range r.keys {
		go func() { p.put(k()) }()
	}
}

// Rotate makes the next key the current one, as the button in Auth0's dashboard does. The key
// that was current stays in the key set until [Tenant.Revoke].
func (t *Tenant) Rotate() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring.rotate(t.keys)
}

// Revoke removes the previously used keys from the key set.
func (t *Tenant) Revoke() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring.revoked = t.ring.current
}

// Key gives the current signing key and its id, for tokens that no method here makes.
func (t *Tenant) Key() (kid string, private *rsa.PrivateKey) {
	t.mu.Lock()
	n := t.ring.current
	k := t.ring.keys[n]
	t.mu.Unlock()
	return t.kid(n, k()), k().private
}

func (t *Tenant) kid(n int, k *signingKey) string {
	if t.keyID != nil {
		return t.keyID(n)
	}
	return base64.RawURLEncoding.EncodeToString(thumbprint(k.private))[:21] // as long as Auth0's
}

// keySet is what /.well-known/jwks.json holds: current, next, then the previous ones.
func (t *Tenant) keySet() []jwk {
	t.mu.Lock()
	order := []int{t.ring.current, t.ring.current + 1}
	for n := t.ring.current - 1; n >= t.ring.revoked; n-- {
		order = append(order, n)
	}
	keys := append([]lazyKey(nil), t.ring.keys...)
	t.mu.Unlock()

	set := make([]jwk, 0, len(order))
	for _, n := range order {
		set = append(set, publicJWK(t.kid(n, keys[n]()), keys[n]()))
	}
	return set
}

func publicJWK(kid string, k *signingKey) jwk {
	b64 := base64.RawURLEncoding
	x5t := sha1.Sum(k.cert) // RFC 7517 §4.8 wants SHA-1
	return jwk{
		Kty: "RSA", Use: "sig", Alg: "RS256", Kid: kid,
		N:   b64.EncodeToString(k.private.N.Bytes()),
		E:   b64.EncodeToString(big.NewInt(int64(k.private.E)).Bytes()),
		X5t: b64.EncodeToString(x5t[:]),
		X5c: []string{base64.StdEncoding.EncodeToString(k.cert)},
	}
}
