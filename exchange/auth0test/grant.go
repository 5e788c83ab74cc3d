package auth0test

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"time"
)

// grant is what a user, or a client for itself, was granted: what tokens are made from.
type grant struct {
	user     User
	client   string
	audience string // empty: opaque access token
	scope    string // space separated
	gty      string // `gty` of the access token; empty for the code flow
	nonce    string // of the ID token
	sid      string // Auth0's session; in ID tokens only
	org      string // `org_id`
	bound    string // thumbprint of the DPoP key; empty: a bearer token
	authTime time.Time
	maxAge   bool // the client sent max_age, so the ID token carries auth_time
}

// session is a browser's login at the tenant.
type session struct {
	user    User
	sid     string
	at      time.Time
	expires time.Time
}

const (
	sessionCookie = "auth0"
	sessionLife   = 3 * 24 * time.Hour
)

func (t *Tenant) newSession(w http.ResponseWriter, u User) session {
	now := t.Now()
	s := session{user: u, sid: t.random(24), at: now, expires: now.Add(sessionLife)}
	cookie := t.random(24)
	t.mu.Lock()
	maps.DeleteFunc(t.sessions, func(_ string, s session) bool { return now.After(s.expires) })
	t.sessions[cookie] = s
	t.mu.Unlock()
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return s
}

// session finds the login of the browser that sent r.
func (t *Tenant) session(r *http.Request) (session, bool) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.sessions[c.Value]
	return s, ok && t.Now().Before(s.expires)
}

// code is an authorization code's other half (RFC 6749 §4.1, RFC 7636).
type code struct {
	grant     grant
	redirect  string // redirect_uri, must be repeated
	challenge string // code_challenge, S256
	expires   time.Time
	family    string // set once used: the refresh tokens that a second use revokes
	used      bool
}

const codeLife = 10 * time.Minute

func (t *Tenant) newCode(c code) string {
	now := t.Now()
	c.expires = now.Add(codeLife)
	name := t.random(32)
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.codes, func(_ string, c code) bool { return now.After(c.expires) })
	t.codes[name] = c
	return name
}

// redeemCode uses a code up, whatever comes of it, and gives the grant with its first refresh
// token, if there is to be one. The second try ends what came of the first one (RFC 6749 §4.1.2).
func (t *Tenant) redeemCode(name, client, redirect, verifier string) (g grant, refresh string, err *oauthError) {
	family := t.random(16)
	next := t.newRefreshName()
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.codes[name]
	if ok && c.used {
		t.revokeFamily(c.family)
	}
	if !ok || c.used || t.Now().After(c.expires) {
		return g, "", refuse(http.StatusForbidden, "invalid_grant", "Invalid authorization code")
	}
	c.used, c.family = true, family
	t.codes[name] = c

	sum := sha256.Sum256([]byte(verifier))
	switch {
	case c.grant.client != client:
		return g, "", refuse(http.StatusForbidden, "invalid_grant", "Invalid authorization code")
	case base64.RawURLEncoding.EncodeToString(sum[:]) != c.challenge:
		return g, "", refuse(http.StatusForbidden, "invalid_grant", "Failed to verify code verifier")
	case c.redirect != redirect:
		return g, "", refuse(http.StatusForbidden, "invalid_grant",
			"The redirect URI is wrong. You sent "+redirect+", and we expected "+c.redirect)
	}
	return c.grant, t.firstRefreshToken(next, c.grant, family), nil
}

// refreshToken stays known after its use, so that a second use is noticed.
type refreshToken struct {
	grant   grant
	family  string // all refresh tokens that descend from one login
	used    bool
	expires time.Time
}

func (t *Tenant) newRefreshName() string { return "v1." + t.random(48) }

// firstRefreshToken begins a family, when the scope asks for one. It needs t.mu.
func (t *Tenant) firstRefreshToken(name string, g grant, family string) string {
	if !hasScope(g.scope, "offline_access") {
		return ""
	}
	now := t.Now()
	maps.DeleteFunc(t.refresh, func(_ string, r refreshToken) bool { return now.After(r.expires) })
	t.refresh[name] = refreshToken{grant: g, family: family, expires: now.Add(refreshTokenLife * time.Second)}
	return name
}

// rotateRefreshToken uses a refresh token up and gives its grant and its successor. Using one
// twice revokes its whole family, as Auth0's rotation with reuse detection does (RFC 9700 §4.14.2).
func (t *Tenant) rotateRefreshToken(name, client string) (g grant, next string, err *oauthError) {
	next = t.newRefreshName()
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.refresh[name]
	if ok && r.used {
		t.revokeFamily(r.family)
	}
	if !ok || r.used || r.grant.client != client || t.Now().After(r.expires) {
		return g, "", refuse(http.StatusForbidden, "invalid_grant", "Unknown or invalid refresh token.")
	}
	t.refresh[next] = r
	r.used = true
	t.refresh[name] = r
	return r.grant, next, nil
}

// revokeFamily needs t.mu.
func (t *Tenant) revokeFamily(family string) {
	maps.DeleteFunc(t.refresh, func(_ string, r refreshToken) bool { return r.family == family })
}
