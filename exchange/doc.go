// Package exchange turns an Auth0 access token into a short-lived Fauna secret.
//
// It has two halves. This half, verification, goes from the bytes of a token to a
// Verdict: [Verifier.Verify] is the one function that decides, every entry point calls
// it, and the zero Verdict means no. The other half answers HTTP requests and makes the
// session in Fauna.
//
// The rules of verification, in the order they are applied:
//
//   - Bytes. A token is three canonical base64url parts and nothing else: one token has
//     one spelling (RFC 7515 §2, RFC 4648 §3.5).
//   - JSON. Header and claims are read once, by a strict decoder: what two readers could
//     read differently (repeated names, `SUB` beside `sub`, lone surrogates) is refused
//     rather than resolved.
//   - Keys. The issuer picks the tenant without any I/O, and the key is looked up by
//     issuer and kid in a set fetched in the background. When Auth0 cannot be asked the
//     answer is "unavailable", never "your token is bad".
//   - Claims. Audience, times, subject, and whether this is a user's access token at all:
//     machine, ID, logout, anonymous and sender-constrained tokens are not.
//   - Policy. Client, organisation, actor, scope, and the claims to copy.
//
// What a browser holds of a session is the [Mode]: the secret; or a handle in a cookie, which
// gives the next secret; or the secret sealed in a cookie, and queries pass through the service.
// Cookies are sealed and signed under a key ring, and a request that one authenticates must be the
// doing of a page of ours (RFC 6265bis §8.8, Fetch Metadata).
//
// A refusal is a [*Refusal]. Its Reason comes from a closed set and may be a metric label;
// its Detail is for the log. Neither is meant for the caller, who is told one constant
// sentence per [Kind].
package exchange
