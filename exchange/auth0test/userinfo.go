package auth0test

import (
	"net/http"
	"strings"
)

// userinfo takes opaque access tokens and JWTs that have the `openid` scope
// (OpenID Connect Core §5.3).
func (t *Tenant) userinfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	who, ok := t.unseal(token)
	if !ok {
		who, ok = t.verify(token)
	}
	if !strings.EqualFold(scheme, "Bearer") || !ok || !hasScope(who.Scope, "openid") {
		w.Header().Set("WWW-Authenticate", `Bearer realm="Users", error="invalid_token"`)
		writeError(w, refuse(http.StatusUnauthorized, "invalid_token", "Unauthorized"))
		return
	}
	u, known := userBySub(who.Sub)
	if !known {
		u, who.Scope = User{Sub: who.Sub}, ""
	}
	writeJSON(w, http.StatusOK, profile(u, who.Scope))
}
