package auth0test

import "net/http"

// discovery is the OpenID provider metadata (OpenID Connect Discovery §3), of what is imitated.
func (t *Tenant) discovery(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                   t.Issuer,
		"authorization_endpoint":   t.URL + "/authorize",
		"token_endpoint":           t.URL + "/oauth/token",
		"userinfo_endpoint":        t.URL + "/userinfo",
		"jwks_uri":                 t.URL + "/.well-known/jwks.json",
		"response_types_supported": []string{"code"},
		"response_modes_supported": []string{"query", "web_message"},
		"grant_types_supported": []string{
			"authorization_code", "refresh_token", "client_credentials", "password", passwordRealm,
		},
		"code_challenge_methods_supported":      []string{"S256"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"dpop_signing_alg_values_supported":     []string{"ES256"},
		"token_endpoint_auth_methods_supported": []string{"none", "client_secret_post", "client_secret_basic"},
		"claims_supported": []string{
			"aud", "auth_time", "email", "email_verified", "exp", "iat", "iss", "name", "nickname", "sub",
		},
		"request_uri_parameter_supported": false,
		"request_parameter_supported":     false,
	})
}

// jwks is the key set, or the fault that was asked for.
func (t *Tenant) jwks(w http.ResponseWriter, r *http.Request) {
	// One connection per fetch: net/http repeats a request that fails on a kept connection,
	// and Fetches would count what the caller did not ask for.
	w.Header().Set("Connection", "close")
	if t.faults.strike(w, r, t.keySet) {
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400")
	writeJSON(w, http.StatusOK, keySetBody{Keys: t.keySet()})
}

type keySetBody struct {
	Keys []jwk  `json:"keys"`
	Pad  string `json:"pad,omitempty"` // see Huge
}
