package exchange

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

const (
	payloadDepth  = 32
	maxIdentifier = 255 // bytes of a sub, client id or organisation id
)

// registeredClaims are the names that we or another reader of Auth0's tokens act upon. A
// token that holds a twin of one (`SUB`, `ſub`) means different things to different
// readers; a tenant can emit one, as a private claim.
var registeredClaims = nameTable(
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti",
	"scope", "permissions", "azp", "client_id", "gty", "org_id", "org_name",
	"cnf", "act", "may_act", "sub_profile", "client_profile", "authorization_details",
	"nonce", "at_hash", "c_hash", "s_hash", "events", "sid", "auth_time", "acr", "amr",
)

// claims are the registered claims of an access token.
type claims struct {
	issuer, subject, clientID, orgID, actor, tokenID string

	audience, scope, permissions []string
	issuedAt, expiresAt          int64 // NumericDate, rounded down
	notBefore                    int64 // 0 if absent: long past
}

// claimReader reads typed claims from a payload. The first mistake stays.
type claimReader struct {
	doc     jsonDoc
	refusal *Refusal
}

func (r *claimReader) fail(name, want string) {
	if r.refusal == nil {
		r.refusal = invalid(ReasonClaim, fmt.Sprintf("%s: %s", name, want))
	}
}

func (r *claimReader) has(name string) bool {
	_, found := r.doc.member(0, name)
	return found
}

// text reads a string; a claim that is there, null too, has to be one.
func (r *claimReader) text(name string) (value string, found bool) {
	at, found := r.doc.member(0, name)
	if !found {
		return "", false
	}
	if r.doc[at].kind != jsonString {
		r.fail(name, "not a string")
	}
	return r.doc[at].text, true
}

// identifier reads an optional name that Auth0 gave to something.
func (r *claimReader) identifier(name string) string {
	value, found := r.text(name)
	if found && !validIdentifier(value) {
		r.fail(name, "not 1 to 255 bytes without control characters")
	}
	return value
}

func (r *claimReader) date(name string) (seconds int64, found bool) {
	at, found := r.doc.member(0, name)
	if !found {
		return 0, false
	}
	if r.doc[at].kind != jsonNumber {
		r.fail(name, "not a number")
		return 0, true
	}
	seconds, ok := numericDate(r.doc[at].text)
	if !ok {
		r.fail(name, "out of range")
	}
	return seconds, true
}

func (r *claimReader) requiredDate(name string) int64 {
	seconds, found := r.date(name)
	if !found {
		r.fail(name, "missing")
	}
	return seconds
}

// texts reads an array of strings.
func (r *claimReader) texts(name string, at int) []string {
	if r.doc[at].kind != jsonArray {
		r.fail(name, "of a wrong type")
		return nil
	}
	var list []string
	for i := at + 1; i < r.doc[at].next; i = r.doc[i].next {
		if r.doc[i].kind != jsonString {
			r.fail(name, "an element is not a string")
			return nil
		}
		list = append(list, r.doc[i].text)
	}
	return list
}

// audience is a string or an array of strings (RFC 7519 §4.1.3).
func (r *claimReader) audience() []string {
	at, found := r.doc.member(0, "aud")
	switch {
	case !found:
		r.fail("aud", "missing")
		return nil
	case r.doc[at].kind == jsonString:
		return []string{r.doc[at].text}
	default:
		return r.texts("aud", at)
	}
}

// scope is a space-separated string (RFC 8693 §4.2).
func (r *claimReader) scope() []string {
	value, _ := r.text("scope")
	if strings.IndexFunc(value, unicode.IsControl) >= 0 {
		r.fail("scope", "holds a control character")
	}
	return slices.DeleteFunc(strings.Split(value, " "), func(s string) bool { return s == "" })
}

func (r *claimReader) permissions() []string {
	at, found := r.doc.member(0, "permissions")
	if !found {
		return nil
	}
	return r.texts("permissions", at)
}

// client is azp in Auth0's profile, client_id in that of RFC 9068. A token with two
// different ones names no client.
func (r *claimReader) client() string {
	azp, id := r.identifier("azp"), r.identifier("client_id")
	if azp != "" && id != "" && azp != id {
		r.fail("azp", "differs from client_id")
	}
	return max(azp, id) // the one that is there
}

// actor is the current actor of a delegated token, the outermost act (RFC 8693 §4.1).
func (r *claimReader) actor() string {
	at, found := r.doc.member(0, "act")
	if !found {
		return ""
	}
	sub, found := r.doc.member(at, "sub")
	if !found || r.doc[sub].kind != jsonString || !validIdentifier(r.doc[sub].text) {
		r.fail("act", "holds no sub")
		return ""
	}
	return r.doc[sub].text
}

// parseClaims reads types and ranges of the claims in doc; what they say is judged by
// checkTimes, checkSubject and their like.
func parseClaims(doc jsonDoc, purpose Purpose) (claims, *Refusal) {
	r := claimReader{doc: doc}
	var c claims
	var found bool
	if c.issuer, found = r.text("iss"); !found {
		r.fail("iss", "missing")
	}
	if c.subject, found = r.text("sub"); !found && purpose != PurposeLogoutToken {
		r.fail("sub", "missing")
	}
	c.audience = r.audience()
	c.expiresAt = r.requiredDate("exp")
	c.issuedAt = r.requiredDate("iat")
	c.notBefore, _ = r.date("nbf")
	c.scope = r.scope()
	c.permissions = r.permissions()
	c.clientID = r.client()
	c.orgID = r.identifier("org_id")
	c.actor = r.actor()
	c.tokenID = r.identifier("jti")
	return c, r.refusal
}

// checkAudience wants one of the tenant's audiences, and besides only others of them and
// the issuer's userinfo endpoint, which Auth0 adds for the scope openid. A token that is
// good at a foreign API too could be replayed to us by that API.
func checkAudience(c claims, tenant *Tenant) *Refusal {
	ours := false
	for _, aud := range c.audience {
		switch {
		case slices.Contains(tenant.Audience, aud):
			ours = true
		case aud != c.issuer+"userinfo":
			return invalid(ReasonAudience, "aud names an API that is not ours")
		}
	}
	if !ours {
		return invalid(ReasonAudience, "aud does not name our API")
	}
	return nil
}

// checkTimes applies leeway to nbf and iat only: a secret is issued for what is left until
// exp, and past it nothing is. That no token is older than maxLifetime follows from exp
// being to come and no further than that from iat.
func checkTimes(c claims, now time.Time, leeway, maxLifetime time.Duration) *Refusal {
	exp, iat := time.Unix(c.expiresAt, 0), time.Unix(c.issuedAt, 0)
	latest := now.Add(leeway)
	switch {
	case !exp.After(now):
		return invalid(ReasonExpired, "exp has passed")
	case time.Unix(c.notBefore, 0).After(latest):
		return invalid(ReasonNotYetValid, "nbf is to come")
	case c.issuedAt < 0:
		return invalid(ReasonClaim, "iat: negative")
	case iat.After(latest):
		return invalid(ReasonNotYetValid, "iat is to come")
	case !exp.After(iat):
		return invalid(ReasonLifetime, "exp is not after iat")
	case c.expiresAt-c.issuedAt > int64(maxLifetime/time.Second):
		return invalid(ReasonLifetime, "exp − iat is more than max_lifetime")
	}
	return nil
}

// checkSubject wants Auth0's form of a user id, provider|id. It is opaque to us beyond
// that: compared byte for byte, never normalised.
func checkSubject(c claims) *Refusal {
	sub := c.subject
	switch {
	case strings.HasPrefix(sub, "anon@"):
		return invalid(ReasonAnonymous, "sub is an anonymous session")
	case strings.HasSuffix(sub, "@clients"), sub != "" && sub == c.clientID:
		return invalid(ReasonMachine, "sub is a client")
	case !validIdentifier(sub):
		return invalid(ReasonSubject, "sub is not 1 to 255 bytes without control characters")
	case strings.TrimSpace(sub) != sub:
		return invalid(ReasonSubject, "sub has white space around it")
	}
	if provider, id, _ := strings.Cut(sub, "|"); provider == "" || id == "" {
		return invalid(ReasonSubject, "sub is not provider|id")
	}
	return nil
}

// checkKind refuses tokens that are genuine and not a user's access token for the bearer.
// Auth0 signs all kinds with one key (RFC 8725 §3.12), and its RFC 9068 profile drops gty.
func checkKind(doc jsonDoc) *Refusal {
	r := claimReader{doc: doc}
	for _, name := range []string{"nonce", "at_hash", "c_hash", "s_hash"} {
		if r.has(name) {
			return invalid(ReasonIDToken, "holds "+name)
		}
	}
	if r.has("events") {
		return invalid(ReasonLogoutToken, "holds events")
	}
	if r.has("cnf") { // RFC 9449 §7.2, RFC 8705 §3
		return invalid(ReasonSenderConstrained, "cnf: bound to a key; this endpoint takes bearer tokens")
	}
	if gty, found := r.text("gty"); found && gty == "client-credentials" {
		return invalid(ReasonMachine, "gty is client-credentials")
	}
	if profile, found := r.text("sub_profile"); found && profile != "user" {
		return invalid(ReasonMachine, "sub_profile is not user")
	}
	return r.refusal
}

// checkPolicy applies the tenant's own lists to a genuine token.
func checkPolicy(c claims, doc jsonDoc, tenant *Tenant) *Refusal {
	allowed := func(list []string, value string) bool {
		return len(list) == 0 || slices.Contains(list, value)
	}
	switch {
	case !allowed(tenant.Clients, c.clientID):
		return denied(ReasonClient, "client not in clients, or none")
	case !allowed(tenant.Organizations, c.orgID):
		return denied(ReasonOrganization, "org_id not in organizations, or none")
	}
	if _, delegated := doc.member(0, "act"); delegated && !slices.Contains(tenant.Actors, c.actor) {
		return denied(ReasonActor, "act.sub not in actors")
	}
	return checkScope(c, tenant.RequiredScope)
}

// checkScope wants every scope of a space-separated list.
func checkScope(c claims, required string) *Refusal {
	for _, scope := range strings.Fields(required) {
		if !slices.Contains(c.scope, scope) {
			return &Refusal{Kind: InsufficientScope, Reason: ReasonScope, Scope: required, Detail: "scope lacks what is required"}
		}
	}
	return nil
}

func validIdentifier(s string) bool {
	return s != "" && len(s) <= maxIdentifier && strings.IndexFunc(s, unicode.IsControl) < 0
}
