package auth0test

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const passwordRealm = "http://auth0.com/oauth/grant-type/password-realm"

// tokenAnswer is the body of a successful /oauth/token (RFC 6749 §5.1).
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
	ExpiresIn    int    `json:"expires_in"`
	TokenType    string `json:"token_type"`
}

// token is /oauth/token.
func (t *Tenant) token(w http.ResponseWriter, r *http.Request) {
	p, err := parameters(w, r)
	if err != nil {
		writeError(w, err)
		return
	}
	bound, err := t.boundKey(r)
	if err != nil {
		writeError(w, err)
		return
	}
	var answer tokenAnswer
	switch grantType := p.Get("grant_type"); grantType {
	case "":
		err = missing("grant_type")
	case "authorization_code":
		answer, err = t.codeGrant(p, bound)
	case "refresh_token":
		answer, err = t.refreshGrant(p, bound)
	case "password", passwordRealm:
		answer, err = t.passwordGrant(p)
	case "client_credentials":
		answer, err = t.clientGrant(p)
	default:
		err = refuse(http.StatusForbidden, "unsupported_grant_type", "Unsupported grant type: "+grantType)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// tokens makes what a granted request gets.
func (t *Tenant) tokens(g grant, refresh string) tokenAnswer {
	a := tokenAnswer{
		AccessToken: t.accessToken(g), RefreshToken: refresh,
		Scope: g.scope, ExpiresIn: accessTokenLife, TokenType: "Bearer",
	}
	if g.bound != "" {
		a.TokenType = "DPoP"
	}
	if hasScope(g.scope, "openid") {
		a.IDToken = t.idToken(g)
	}
	return a
}

func (t *Tenant) codeGrant(p url.Values, bound string) (a tokenAnswer, err *oauthError) {
	for _, name := range []string{"client_id", "code", "code_verifier", "redirect_uri"} {
		if p.Get(name) == "" {
			return a, missing(name)
		}
	}
	g, refresh, err := t.redeemCode(p.Get("code"), p.Get("client_id"), p.Get("redirect_uri"), p.Get("code_verifier"))
	if err != nil {
		return a, err
	}
	g.bound = bound
	return t.tokens(g, refresh), nil
}

func (t *Tenant) refreshGrant(p url.Values, bound string) (a tokenAnswer, err *oauthError) {
	for _, name := range []string{"client_id", "refresh_token"} {
		if p.Get(name) == "" {
			return a, missing(name)
		}
	}
	g, refresh, err := t.rotateRefreshToken(p.Get("refresh_token"), p.Get("client_id"))
	if err != nil {
		return a, err
	}
	if asked := p.Get("scope"); asked != "" { // may only become less (RFC 6749 §6)
		granted := g.scope
		g.scope = strings.Join(slices.DeleteFunc(strings.Fields(asked), func(s string) bool { return !hasScope(granted, s) }), " ")
	}
	g.gty, g.nonce, g.bound = "refresh_token", "", bound
	return t.tokens(g, refresh), nil
}

// passwordGrant is the resource owner password grant. Unlike Auth0 it does without a client_id.
func (t *Tenant) passwordGrant(p url.Values) (a tokenAnswer, err *oauthError) {
	g := grant{client: p.Get("client_id"), scope: p.Get("scope"), gty: "password", sid: t.random(24), authTime: t.Now()}
	if g.client == "" {
		g.client = ClientID
	}
	if g.scope == "" {
		g.scope = "openid profile email address phone" // Auth0's default for this grant
	}
	for _, name := range []string{"username", "password"} {
		if p.Get(name) == "" {
			return a, missing(name)
		}
	}
	var ok bool
	if g.user, ok = userByEmail(p.Get("username")); !ok {
		return a, refuse(http.StatusForbidden, "invalid_grant", "Wrong email or password.")
	}
	if g.audience, err = t.knownAPI(p.Get("audience")); err != nil {
		return a, err
	}
	family, refresh := t.random(16), t.newRefreshName()
	t.mu.Lock()
	refresh = t.firstRefreshToken(refresh, g, family)
	t.mu.Unlock()
	return t.tokens(g, refresh), nil
}

// clientGrant gives a machine its token (M2M). Any client with any secret is authorized for the
// API with the scopes that it asks for.
func (t *Tenant) clientGrant(p url.Values) (a tokenAnswer, err *oauthError) {
	client := p.Get("client_id")
	if client == "" || p.Get("client_secret") == "" {
		return a, refuse(http.StatusUnauthorized, "access_denied", "Unauthorized")
	}
	if p.Get("audience") == "" {
		return a, refuse(http.StatusForbidden, "access_denied", "No audience parameter was provided, and no default audience has been configured")
	}
	if _, err = t.knownAPI(p.Get("audience")); err != nil {
		return a, err
	}
	words := slices.DeleteFunc(strings.Fields(p.Get("scope")), func(s string) bool {
		return s == "openid" || s == "offline_access" // nobody logged in
	})
	g := grant{user: User{Sub: client + "@clients"}, client: client, audience: t.Audience,
		scope: strings.Join(words, " "), gty: "client-credentials"}
	return t.tokens(g, ""), nil
}

// knownAPI refuses an audience that the tenant does not have.
func (t *Tenant) knownAPI(audience string) (string, *oauthError) {
	audience = t.api(audience)
	if audience != "" && audience != t.Audience {
		return "", refuse(http.StatusForbidden, "access_denied", "Service not found: "+audience)
	}
	return audience, nil
}

// parameters reads a form or a JSON body of strings, and a client's Basic credentials.
func parameters(w http.ResponseWriter, r *http.Request) (url.Values, *oauthError) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, refuse(http.StatusRequestEntityTooLarge, "invalid_request", "the body is too large")
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "invalid_request", "the body could not be read")
	}
	p := url.Values{}
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/x-www-form-urlencoded":
		if p, err = url.ParseQuery(string(body)); err != nil {
			return nil, refuse(http.StatusBadRequest, "invalid_request", "the body is not a form")
		}
	case "application/json":
		var members map[string]any
		if json.Unmarshal(body, &members) != nil {
			return nil, refuse(http.StatusBadRequest, "invalid_request", "the body is not a JSON object")
		}
		for name, v := range members {
			if s, ok := v.(string); ok { // others have no meaning in OAuth
				p.Set(name, s)
			}
		}
	default:
		return nil, refuse(http.StatusBadRequest, "invalid_request",
			"Content-Type: expected application/x-www-form-urlencoded or application/json")
	}
	if id, secret, ok := r.BasicAuth(); ok { // form-encoded (RFC 6749 §2.3.1)
		id, err1 := url.QueryUnescape(id)
		secret, err2 := url.QueryUnescape(secret)
		if err1 != nil || err2 != nil {
			return nil, refuse(http.StatusUnauthorized, "access_denied", "Unauthorized")
		}
		p.Set("client_id", id)
		p.Set("client_secret", secret)
	}
	return p, nil
}
