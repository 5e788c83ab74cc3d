package exchange

import (
	"slices"
	"strings"
	"time"
)

// Purpose is what a token is presented for. The zero value is no purpose: no token is good
// for it. No token is good for two of the last three: each asks for what the others refuse.
type Purpose int

const (
	PurposeExchange    Purpose = iota + 1 // a user's access token, to be exchanged for a secret
	PurposeLogout                         // a user's access token, whose session is to end
	PurposeOnBehalf                       // a machine's access token, to ask on a user's behalf
	PurposeLogoutToken                    // Auth0's word that a session ended (OIDC Back-Channel Logout 1.0)
)

func (p Purpose) valid() bool { return p >= PurposeExchange && p <= PurposeLogoutToken }

// String names the kind of token that is asked for.
func (p Purpose) String() string {
	if p == PurposeLogoutToken {
		return "a logout token"
	}
	return "an access token"
}

// types are the typ that a token for the purpose may carry. Access tokens: JWT (Auth0's profile)
// or at+jwt (RFC 9068 §2.1). Logout tokens: logout+jwt (OIDC Back-Channel Logout 1.0 §2.4), or
// JWT, which Auth0 sends.
func (p Purpose) types() []string {
	if p == PurposeLogoutToken {
		return []string{"JWT", "logout+jwt", "application/logout+jwt"}
	}
	return []string{"JWT", "at+jwt", "application/at+jwt"}
}

// checkMachineToken wants a client's own access token (RFC 6749 §4.4), of a client that may act
// on behalf of users, with the scope for it.
func (v *Verifier) checkMachineToken(t *reading) *Refusal {
	if refusal := checkAudience(t.claims, t.issuer.tenant); refusal != nil {
		return refusal
	}
	if refusal := checkTimes(t.claims, v.config.Now(), v.config.Leeway, v.config.MaxLifetime); refusal != nil {
		return refusal
	}
	if refusal := checkKind(t.doc); refusal != nil && refusal.Reason != ReasonMachine {
		return refusal
	}
	if !isMachine(t.claims, t.doc) {
		return invalid(ReasonNotMachine, "the subject is not a client")
	}
	if _, delegated := t.doc.member(0, "act"); delegated {
		return denied(ReasonActor, "a client that acts for another may not act for users")
	}
	allowed := t.issuer.tenant.OnBehalf
	if t.claims.clientID == "" || !slices.Contains(allowed.Clients, t.claims.clientID) {
		return denied(ReasonClient, "client not in on_behalf.clients, or none")
	}
	return checkScope(t.claims, allowed.Scope)
}

// isMachine reports whether the subject is a client: its id, bare or with Auth0's suffix, or
// whatever Auth0 calls it in a token of the client credentials grant. A user's id has a bar in it.
func isMachine(c claims, doc jsonDoc) bool {
	if !validIdentifier(c.subject) || strings.Contains(c.subject, "|") {
		return false
	}
	r := claimReader{doc: doc}
	gty, _ := r.text("gty")
	return c.subject == c.clientID || c.subject == c.clientID+"@clients" || gty == "client-credentials"
}

// maxLogoutLife is exp − iat of a logout token, of which OIDC Back-Channel Logout 1.0 §2.4 says
// at most two minutes.
const maxLogoutLife = 2 * time.Minute

// backChannelLogout is the member of events that makes a logout token.
const backChannelLogout = "http://schemas.openid.net/event/backchannel-logout"

// checkLogoutToken makes the checks of OIDC Back-Channel Logout 1.0 §2.6, but the one for replay.
func (v *Verifier) checkLogoutToken(t *reading) *Refusal {
	r := claimReader{doc: t.doc}
	sid := r.identifier("sid")
	events, found := t.doc.member(0, "events")
	if found {
		events, found = t.doc.member(events, backChannelLogout)
	}
	switch {
	case r.refusal != nil:
		return r.refusal
	case !found || t.doc[events].kind != jsonObject:
		return invalid(ReasonNotLogoutToken, "events holds no back-channel logout")
	case r.has("nonce"):
		return invalid(ReasonNotLogoutToken, "holds nonce")
	case t.claims.tokenID == "":
		return invalid(ReasonNotLogoutToken, "no jti")
	case !r.has("sub") && sid == "":
		return invalid(ReasonNotLogoutToken, "neither sub nor sid")
	}
	for _, aud := range t.claims.audience {
		if !slices.Contains(t.issuer.tenant.LogoutClients, aud) {
			return invalid(ReasonAudience, "aud is not in logout_clients")
		}
	}
	if len(t.claims.audience) == 0 {
		return invalid(ReasonAudience, "aud is empty")
	}
	if r.has("sub") {
		if refusal := checkSubject(t.claims); refusal != nil {
			return refusal
		}
	}
	t.sessionID = sid
	return checkTimes(t.claims, v.config.Now(), v.config.Leeway, maxLogoutLife)
}
