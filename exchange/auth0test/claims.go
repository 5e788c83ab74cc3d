package auth0test

import (
	"net/url"
	"slices"
	"strings"
)

// Claims are the members of a token's payload.
type Claims map[string]any

// protocolClaims are the names with a meaning to Auth0. An Action that sets one is ignored; in
// [Tenant.Mint] they are what there is to override.
var protocolClaims = []string{
	"acr", "act", "amr", "at_hash", "aud", "auth_time", "authorization_details", "azp", "c_hash",
	"client_id", "client_profile", "cnf", "events", "exp", "gty", "iat", "iss", "jti", "may_act",
	"nbf", "nonce", "org_id", "org_name", "permissions", "s_hash", "scope", "sid", "sub",
	"sub_jwk", "sub_profile", "typ",
}

// customClaim says whether Auth0 would keep a claim of this name that an Action set: one with a
// namespace that is not Auth0's own.
func customClaim(name string) bool {
	u, err := url.Parse(name)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return false
	}
	for _, own := range []string{"auth0.com", "webtask.io", "webtask.run"} {
		if host := u.Hostname(); host == own || strings.HasSuffix(host, "."+own) {
			return false
		}
	}
	return true
}

// mintable says whether [Tenant.Mint] keeps a claim of this name. Besides what a tenant can issue
// these are the twins of protocol claims that differ in case only ("SUB", "ſub"): nobody
// sets one but to attack a lenient reader, which is what Mint is there to try.
func mintable(name string) bool {
	return customClaim(name) || slices.ContainsFunc(protocolClaims, func(known string) bool {
		return strings.EqualFold(known, name)
	})
}

// hasScope says whether want is one of the space-separated words of scope.
func hasScope(scope, want string) bool {
	return slices.Contains(strings.Fields(scope), want)
}
