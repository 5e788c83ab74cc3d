package auth0test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// DefaultAudience is the API that a tenant knows when [Options].Audience is empty.
const DefaultAudience = "https://api.example.com"

// ClientID stands in the tokens that no particular application asked for: those of [Tenant.Mint]
// and of a password grant without client_id. /authorize takes any client id.
const ClientID = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zC0fL"

// Options says what kind of tenant to make. Only Issuer has no default.
type Options struct {
	// Issuer is the `iss` of every token, with the slash at its end, such as
	// "http://localhost:8081/". [New] and [Start] fill it in.
	Issuer string
	// Audience is the identifier of the tenant's one API; empty is [DefaultAudience].
	Audience string
	// Hosts are names that count as this machine, beside localhost and its addresses: a test's
	// browser can be told to look for any name here, so that its origins and sites are real.
	Hosts []string
	// Now is the tenant's clock; nil is time.Now.
	Now func() time.Time
	// Rand feeds codes, refresh tokens, sessions and encryption; nil is crypto/rand.
	// Signing keys always come from crypto/rand.
	Rand io.Reader
	// KeyID names the n-th signing key, counted from 0; nil derives a name from the key.
	// Two tenants with one KeyID have different keys of the same name.
	KeyID func(n int) string
	// Action is the tenant's post-login Action: the custom claims it would set in u's access
	// tokens. As in Auth0, those without a namespace or with a forbidden one are dropped
	// silently. Nil adds https://example.com/email and https://example.com/roles.
	Action func(u User) Claims
}

// Tenant is a stand-in Auth0 tenant. All methods may be called concurrently.
type Tenant struct {
	Issuer   string // `iss`, ends in "/"
	Audience string // the tenant's one API
	URL      string // Issuer without the slash: what paths are appended to

	// Now is the tenant's clock. Set it before or between requests, not during one.
	Now func() time.Time

	names  names
	rand   io.Reader
	keyID  func(n int) string
	action func(User) Claims
	keys   *keyPool
	sealer *sealer // makes and opens opaque access tokens
	faults faults

	mu       sync.Mutex // guards what follows
	ring     keyRing
	sessions map[string]session      // session cookie → who is logged in
	codes    map[string]code         // authorization code → what it may be exchanged for
	refresh  map[string]refreshToken // refresh token, used ones too → its grant
}

// NewTenant makes a tenant. It returns before the signing keys exist: they are generated in the
// background and the first request that needs one waits for it (a fraction of a second).
func NewTenant(o Options) (*Tenant, error) { return newTenant(o, new(keyPool)) }

func newTenant(o Options, keys *keyPool) (*Tenant, error) {
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || !strings.HasSuffix(o.Issuer, "/") {
		return nil, fmt.Errorf("issuer %q: expected a URL that ends in a slash", o.Issuer)
	}
	t := &Tenant{
		Issuer:   o.Issuer,
		URL:      strings.TrimSuffix(o.Issuer, "/"),
		Audience: o.Audience,
		Now:      o.Now,
		names:    o.Hosts,
		rand:     o.Rand,
		keyID:    o.KeyID,
		action:   o.Action,
		keys:     keys,
		sessions: map[string]session{},
		codes:    map[string]code{},
		refresh:  map[string]refreshToken{},
	}
	if t.Audience == "" {
		t.Audience = DefaultAudience
	}
	if t.Now == nil {
		t.Now = time.Now
	}
	if t.rand == nil {
		t.rand = rand.Reader
	}
	if t.action == nil {
		t.action = exampleAction
	}
	if t.sealer, err = newSealer(t.rand, t.Issuer); err != nil {
		return nil, fmt.Errorf("making the key of opaque tokens: %w", err)
	}
	t.ring = newKeyRing(keys)
	return t, nil
}

// Handler serves the tenant. Requests that do not come from this machine are refused, see
// [LoopbackOnly]; pages of any loopback origin may read the answers (CORS).
func (t *Tenant) Handler() http.Handler {
	return t.names.only(allowOrigins(t.routes()))
}

// routes is everything the tenant imitates.
func (t *Tenant) routes() routes {
	return routes{
		"/.well-known/openid-configuration": {"GET": t.discovery},
		"/.well-known/jwks.json":            {"GET": t.jwks},
		"/authorize":                        {"GET": t.authorize},
		"/u/login":                          {"POST": t.login},
		"/oauth/token":                      {"POST": t.token},
		"/userinfo":                         {"GET": t.userinfo, "POST": t.userinfo},
		"/v2/logout":                        {"GET": t.logout},
		"/dev/mint":                         {"POST": t.devMint},
		"/dev/rotate":                       {"POST": t.devRotate},
	}
}

// random gives n random bytes as base64url text.
func (t *Tenant) random(n int) string {
	b := make([]byte, n)
	t.mu.Lock() // a test's reader need not be safe for concurrent use
	defer t.mu.Unlock()
	if _, err := io.ReadFull(t.rand, b); err != nil {
		panic("auth0test: reading random bytes: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
