package exchange

import (
	"fmt"
	"slices"
	"time"
)

// Kind is what a refusal means to the caller; it decides the HTTP status. The zero value
// is InvalidToken, so that a refusal nobody classified is the strictest one.
type Kind uint8

const (
	InvalidToken      Kind = iota // 401 invalid_token (RFC 6750 §3.1)
	InsufficientScope             // 403 insufficient_scope
	AccessDenied                  // 403 access_denied: a genuine token that may not do this
	Unavailable                   // 503 temporarily_unavailable: the keys cannot be had now
)

// String is the OAuth error name of the kind.
func (k Kind) String() string {
	switch k {
	case InsufficientScope:
		return "insufficient_scope"
	case AccessDenied:
		return "access_denied"
	case Unavailable:
		return "temporarily_unavailable"
	default:
		return "invalid_token"
	}
}

// Reason is why a request was refused: one of a closed set, fit for a metric label and for
// the log, not for the caller.
type Reason string

const (
	ReasonPurpose Reason = "purpose" // Verify was asked for no known purpose

	ReasonTooLong   Reason = "token_too_long"
	ReasonBytes     Reason = "token_bytes"     // a byte outside A-Z a-z 0-9 - _ .
	ReasonShape     Reason = "token_shape"     // not three parts
	ReasonEncrypted Reason = "token_encrypted" // five parts: Auth0 was asked for no audience
	ReasonEncoding  Reason = "token_encoding"  // not canonical base64url

	ReasonHeaderJSON  Reason = "header_json"
	ReasonHeaderField Reason = "header_field" // crit, b64, jku, …
	ReasonAlgorithm   Reason = "header_alg"
	ReasonKeyID       Reason = "header_kid"
	ReasonType        Reason = "header_typ"

	ReasonPayloadJSON Reason = "payload_json"
	ReasonName        Reason = "name_ambiguous" // repeated, or a twin of a registered name
	ReasonClaim       Reason = "claim_invalid"  // missing, of a wrong type or out of range

	ReasonIssuer          Reason = "issuer_unknown"
	ReasonKeyUnknown      Reason = "key_unknown"
	ReasonKeyUnusable     Reason = "key_unusable" // in the set, but not fit to verify with
	ReasonKeysUnavailable Reason = "keys_unavailable"
	ReasonSignature       Reason = "signature"

	ReasonAudience    Reason = "audience"
	ReasonExpired     Reason = "expired"
	ReasonNotYetValid Reason = "not_yet_valid"
	ReasonLifetime    Reason = "lifetime" // exp − iat beyond the limit, or not positive
	ReasonSubject     Reason = "subject"

	ReasonMachine           Reason = "machine_token"
	ReasonAnonymous         Reason = "anonymous_token"
	ReasonIDToken           Reason = "id_token"
	ReasonLogoutToken       Reason = "logout_token"
	ReasonSenderConstrained Reason = "sender_constrained"
	ReasonNotMachine        Reason = "not_machine_token"
	ReasonNotLogoutToken    Reason = "not_logout_token"
	ReasonReplay            Reason = "replay" // the jti of a logout token came before

	ReasonClient           Reason = "client"
	ReasonOrganization     Reason = "organization"
	ReasonActor            Reason = "actor"
	ReasonScope            Reason = "scope"
	ReasonClaimRequired    Reason = "claim_required"
	ReasonClaimTooLarge    Reason = "claim_too_large"   // more bytes or deeper than we copy
	ReasonClaimUnsupported Reason = "claim_unsupported" // a number Fauna has no value for

	// What is not about the token itself.
	ReasonNoToken      Reason = "no_token"
	ReasonRequest      Reason = "request" // malformed: header, body, method, path
	ReasonRateIP       Reason = "rate_ip"
	ReasonRateSubject  Reason = "rate_subject"
	ReasonDenyMark     Reason = "deny_mark"
	ReasonEventToken   Reason = "event_token" // not a bearer of the event webhook
	ReasonBlocked      Reason = "user_blocked"
	ReasonCSRF         Reason = "csrf"          // a cookie's request that may not be a page's own doing
	ReasonCookie       Reason = "cookie"        // no sealed secret, or one that is not ours or has expired
	ReasonCookieUser   Reason = "cookie_user"   // a good one, of another user than the page works for
	ReasonHandle       Reason = "handle"        // no refresh handle, or one that is not ours
	ReasonHandleReused Reason = "handle_reused" // one that was replaced: somebody has a copy
	ReasonEnded        Reason = "session_ended"
	ReasonTenant       Reason = "tenant_unknown" // a session's, taken out of the configuration
	ReasonTimeLeft     Reason = "time_left"      // less than min_ttl
	ReasonApp          Reason = "app"            // the app's upsertAuth0User aborted
	ReasonFauna        Reason = "fauna_unavailable"
	ReasonContention   Reason = "fauna_contended"
	ReasonFaunaKey     Reason = "fauna_key"    // Fauna does not accept the service's key
	ReasonFaunaSchema  Reason = "fauna_schema" // the schema is not pushed, or not ours
	ReasonCanceled     Reason = "canceled"     // the client went away
	ReasonInternal     Reason = "internal"
)

var reasons = []Reason{
	ReasonPurpose,
	ReasonTooLong, ReasonBytes, ReasonShape, ReasonEncrypted, ReasonEncoding,
	ReasonHeaderJSON, ReasonHeaderField, ReasonAlgorithm, ReasonKeyID, ReasonType,
	ReasonPayloadJSON, ReasonName, ReasonClaim,
	ReasonIssuer, ReasonKeyUnknown, ReasonKeyUnusable, ReasonKeysUnavailable, ReasonSignature,
	ReasonAudience, ReasonExpired, ReasonNotYetValid, ReasonLifetime, ReasonSubject,
	ReasonMachine, ReasonAnonymous, ReasonIDToken, ReasonLogoutToken, ReasonSenderConstrained,
	ReasonNotMachine, ReasonNotLogoutToken, ReasonReplay,
	ReasonClient, ReasonOrganization, ReasonActor, ReasonScope,
	ReasonClaimRequired, ReasonClaimTooLarge, ReasonClaimUnsupported,
	ReasonNoToken, ReasonRequest, ReasonRateIP, ReasonRateSubject, ReasonDenyMark, ReasonEventToken, ReasonBlocked,
	ReasonCSRF, ReasonCookie, ReasonCookieUser, ReasonHandle, ReasonHandleReused, ReasonEnded, ReasonTenant,
	ReasonTimeLeft, ReasonApp, ReasonFauna, ReasonContention, ReasonFaunaKey, ReasonFaunaSchema,
	ReasonCanceled, ReasonInternal,
}

// Reasons lists every Reason a refusal can have.
func Reasons() []Reason { return slices.Clone(reasons) }

// Refusal is the error of [Verifier.Verify].
type Refusal struct {
	Kind       Kind
	Reason     Reason
	Detail     string        // for the log; holds no claim value
	Scope      string        // InsufficientScope: what is required, space separated
	RetryAfter time.Duration // Unavailable: when to try again, whole seconds, at least one

	// What had been read of the token, for the log. Until the signature was checked these
	// are whatever the sender wrote, of any length: escape and cut them.
	Tenant, Issuer, KeyID, Subject, ClientID string
	// Hash is as in [Verdict], empty until then.
	Hash string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %s: %s", r.Kind, r.Reason, r.Detail)
}

// invalid is the refusal of a token that is not a valid one.
func invalid(reason Reason, detail string) *Refusal {
	return &Refusal{Kind: InvalidToken, Reason: reason, Detail: detail}
}

// denied is the refusal of a genuine token by the tenant's policy.
func denied(reason Reason, detail string) *Refusal {
	return &Refusal{Kind: AccessDenied, Reason: reason, Detail: detail}
}
