package exchange_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

type m = map[string]any

var b64 = base64.RawURLEncoding

// testKeys are the key pairs of all tests, made once: RSA keys are slow to make.
type testKeys struct {
	k1, k2, enc, attacker, other *rsa.PrivateKey // 2048 bits
	weak                         *rsa.PrivateKey // 1024 bits
	e3                           *rsa.PrivateKey // public exponent 3
	ec                           *ecdsa.PrivateKey
	oct                          []byte
}

var keys = sync.OnceValue(func() *testKeys {
	k := &testKeys{oct: []byte("0123456789abcdef0123456789abcdef")}
	var wait sync.WaitGroup
	for key, bits := range map[**rsa.PrivateKey]int{&k.k1: 2048, &k.k2: 2048, &k.enc: 2048, &k.attacker: 2048, &k.other: 2048, &k.weak: 1024} {
		wait.Go(func() { *key = must(rsa.GenerateKey(rand.Reader, bits)) })
	}
	k.e3 = exponent3()
	k.ec = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	wait.Wait()
	return k
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// exponent3 makes a 2048-bit key with e = 3, which crypto/rsa no longer offers.
func exponent3() *rsa.PrivateKey {
	one, three := big.NewInt(1), big.NewInt(3)
	for {
		p, q := must(rand.Prime(rand.Reader, 1024)), must(rand.Prime(rand.Reader, 1024))
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		if d := new(big.Int).ModInverse(three, phi); d != nil && p.Cmp(q) != 0 {
			key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 3}, D: d, Primes: []*big.Int{p, q}}
			key.Precompute()
			return key
		}
	}
}

// jwkOf is the public JWK of key; extra members are added, nil removes one.
func jwkOf(kid string, key *rsa.PublicKey, extra m) m {
	return with(m{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
		"n": b64.EncodeToString(key.N.Bytes()), "e": b64.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}, extra)
}

// with returns a copy of base with the members of extra; nil removes one.
func with(base, extra m) m {
	out := m{}
	for name, value := range base {
		out[name] = value
	}
	for name, value := range extra {
		if out[name] = value; value == nil {
			delete(out, name)
		}
	}
	return out
}

func jwks(list ...m) []byte { return must(json.Marshal(m{"keys": append([]m{}, list...)})) }

// certificate is a self-signed one for key, as in x5c.
func certificate(key *rsa.PrivateKey) string {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(4e9, 0)}
	return base64.StdEncoding.EncodeToString(must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)))
}

// jwksServer is a real HTTP server whose answer to each path can be changed.
type jwksServer struct {
	*httptest.Server
	hits atomic.Int64

	mu      sync.Mutex
	answers map[string]http.HandlerFunc // path → answer
}

func newJWKSServer(tb testing.TB) *jwksServer {
	s := &jwksServer{answers: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewServer(s)
	tb.Cleanup(s.Close)
	return s
}

func (s *jwksServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.hits.Add(1)
	s.mu.Lock()
	answer := s.answers[r.URL.Path]
	s.mu.Unlock()
	if answer == nil {
		http.Error(w, "no answer for "+r.URL.Path, http.StatusNotImplemented)
		return
	}
	answer(w, r)
}

func (s *jwksServer) answer(path string, f http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = f
}

func body(status int, contentType string, data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write(data)
	}
}

func keySet(list ...m) http.HandlerFunc {
	return body(http.StatusOK, "application/json", jwks(list...))
}

// fakeClock is a time that moves only by Advance, with the timers of the refreshers on it.
type fakeClock struct {
	mu     sync.Mutex
	set    *sync.Cond // a timer was set
	now    time.Time
	timers []fakeTimer
	waits  []time.Duration // all waits asked for
}

type fakeTimer struct {
	at time.Time
	c  chan time.Time
}

func newClock() *fakeClock {
	c := &fakeClock{now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	c.set = sync.NewCond(&c.mu)
	return c
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	timer := fakeTimer{c.now.Add(d), make(chan time.Time, 1)}
	c.timers, c.waits = append(c.timers, timer), append(c.waits, d)
	c.set.Broadcast()
	return timer.c
}

// Idle waits until n timers are set: as many refreshers have nothing to do.
func (c *fakeClock) Idle(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.timers) < n {
		c.set.Wait()
	}
}

func (c *fakeClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	rest := c.timers[:0]
	for _, timer := range c.timers {
		if timer.at.After(c.now) {
			rest = append(rest, timer)
		} else {
			timer.c <- c.now
		}
	}
	c.timers = rest
}

func (c *fakeClock) lastWait() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waits[len(c.waits)-1]
}

func raw(format string, args ...any) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(format, args...))
}
