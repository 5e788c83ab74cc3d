package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
)

// problem is a row of the error table: what a caller is told. The description is one
// constant for each row: why exactly is for the log.
type problem struct {
	status      int
	code        string // RFC 6749 §5.2, RFC 6750 §3.1; empty: none is given
	description string
}

var (
	problemNoToken       = problem{401, "", "An Auth0 access token is needed: Authorization: Bearer <token>."}
	problemInvalidToken  = problem{401, "invalid_token", "The access token is not valid here. Get a fresh one from Auth0, with this API as its audience."}
	problemScope         = problem{403, "insufficient_scope", "The access token lacks a required scope."}
	problemDenied        = problem{403, "access_denied", "The access token is valid, but this user or client may not log in here."}
	problemTooMany       = problem{429, "too_many_requests", "Too many requests. Try again after the time that Retry-After gives."}
	problemServer        = problem{500, "server_error", "Something is wrong on our side. The request id finds it in the log."}
	problemUnavailable   = problem{503, "temporarily_unavailable", "Auth0's keys or the database cannot be reached. Try again after the time that Retry-After gives."}
	problemNotFound      = problem{404, "invalid_request", "There is nothing at this path."}
	problemMethod        = problem{405, "invalid_request", "This path does not take this method; Allow lists those it takes."}
	problemTooLarge      = problem{413, "invalid_request", "The request body is too large."}
	problemMediaType     = problem{415, "invalid_request", "Send no body, or {} as application/json."}
	problemHeader        = problem{400, "invalid_request", "Send exactly one Authorization header: Bearer, one space, one token."}
	problemTwoTokens     = problem{400, "invalid_request", "Send the token in the Authorization header only."}
	problemUnread        = problem{400, "invalid_request", "The request body broke off."}
	problemBody          = problem{400, "invalid_request", "Send no body, or {} as application/json."}
	problemObjectType    = problem{415, "invalid_request", "Send a JSON object as application/json."}
	problemObject        = problem{400, "invalid_request", "Send one JSON object in UTF-8, in which no name stands twice and nothing is nested deeper than 10."}
	problemFormType      = problem{415, "invalid_request", "Send a form as application/x-www-form-urlencoded."}
	problemLogoutToken   = problem{400, "invalid_request", "The logout token is not valid here, or came before."}
	problemNoEventToken  = problem{401, "", "One of the event webhook's bearer tokens is needed: Authorization: Bearer <token>."}
	problemEventToken    = problem{401, "invalid_token", "The bearer token is none of the event webhook's."}
	problemEventType     = problem{415, "invalid_request", "Send one CloudEvent as application/json or application/cloudevents+json."}
	problemEvent         = problem{400, "invalid_request", "The body is no CloudEvent of Auth0's, or one of a time to come."}
	problemHandle        = problem{401, "invalid_token", "There is no refresh cookie, or none that counts. Exchange an Auth0 token."}
	problemQueryCookie   = problem{401, "invalid_token", "Access token required"} // Fauna's words: its own 401 looks the same
	problemPage          = problem{403, "access_denied", "A request with a cookie must be made by a script of an allowed page: X-Fauna-Login: 1, and application/json or no body."}
	problemAuthorization = problem{400, "invalid_request", "The cookie is what counts here: send no bearer token."}
	problemCookieMode    = problem{400, "unauthorized_client", "Users' own secrets are kept in cookies here: POST /fauna-login sets one."}
	problemGrant         = problem{400, "unsupported_grant_type", "The one grant type here is " + grantTokenExchange + "."}
	problemTarget        = problem{400, "invalid_target", "resource and audience: this service, where secrets are used, or an audience of the tenant expected."}
	problemScopeWide     = problem{400, "invalid_scope", "scope: no more than the scope of the subject token expected."}
)

// Error is a refused request: the row of the table that the caller sees, and what the log
// and metrics get to know.
type Error struct {
	problem
	Reason     Reason
	Scope      string        // insufficient_scope: what is required
	RetryAfter time.Duration // 429 and 503
	Err        error         // the cause, for the log
}

func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Reason)
	}
	return fmt.Sprintf("%s: %v", e.Reason, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// retryAfter is what a 503 says where nothing better is known.
const retryAfter = 2 * time.Second

// errorOf finds the row for any error: what nobody classified is our bug.
func errorOf(err error) *Error {
	var (
		own     *Error
		refusal *Refusal
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &refusal):
		return refusalError(refusal)
	}
	return &Error{problem: problemServer, Reason: ReasonInternal, Err: err}
}

// refusalError is the answer to a token that [Verifier.Verify] refused.
func refusalError(r *Refusal) *Error {
	e := &Error{Reason: r.Reason, Err: r}
	switch r.Kind {
	case InsufficientScope:
		e.problem, e.Scope = problemScope, r.Scope
	case AccessDenied:
		e.problem = problemDenied
	case Unavailable:
		e.problem, e.RetryAfter = problemUnavailable, max(r.RetryAfter, time.Second)
	default:
		e.problem = problemInvalidToken
	}
	return e
}

// faunaError is the answer to an exchange that Fauna did not make.
func faunaError(ctx context.Context, err error) *Error {
	var refused *fqlx.Refused
	switch {
	case errors.As(err, &refused):
		switch refused.Code {
		case "denied":
			return &Error{problem: problemInvalidToken, Reason: ReasonDenyMark}
		case "blocked":
			return &Error{problem: problemDenied, Reason: ReasonBlocked}
		case "expired":
			return &Error{problem: problemInvalidToken, Reason: ReasonTimeLeft}
		}
		return &Error{problem: problemDenied, Reason: ReasonApp, Err: err}
	case errors.Is(ctx.Err(), context.Canceled):
		return &Error{problem: problemUnavailable, Reason: ReasonCanceled, RetryAfter: retryAfter, Err: err}
	case errors.Is(err, fqlx.ErrContended):
		return &Error{problem: problemUnavailable, Reason: ReasonContention, RetryAfter: time.Second, Err: err}
	case errors.Is(err, fqlx.ErrUnavailable):
		return &Error{problem: problemUnavailable, Reason: ReasonFauna, RetryAfter: retryAfter, Err: err}
	case errors.Is(err, fqlx.ErrUnauthorized):
		// A key that was deleted or a schema on its way will be put right without the users'
		// doing: not their 401.
		return &Error{problem: problemUnavailable, Reason: ReasonFaunaKey, RetryAfter: 10 * time.Second, Err: err}
	case errors.Is(err, fqlx.ErrInvalid):
		return &Error{problem: problemUnavailable, Reason: ReasonFaunaSchema, RetryAfter: 10 * time.Second, Err: err}
	case errors.Is(err, fqlx.ErrFunction):
		// The app's upsertAuth0User, or a constraint of its user collection: this user will not
		// fare better in a while.
		return &Error{problem: problemDenied, Reason: ReasonApp, Err: err}
	}
	return &Error{problem: problemServer, Reason: ReasonInternal, Err: err}
}

// endError is the answer where ending a session failed: what was asked for was right, and has to
// be asked again, which after a 4xx Auth0 would not.
func endError(ctx context.Context, err error) *Error {
	e := faunaError(ctx, err)
	if e.status < http.StatusInternalServerError {
		e.problem, e.RetryAfter = problemUnavailable, retryAfter
	}
	return e
}

// challenge is the WWW-Authenticate header of a 401 or 403 (RFC 6750 §3).
func (e *Error) challenge() string {
	if e.status != http.StatusUnauthorized && e.status != http.StatusForbidden {
		return ""
	}
	var b strings.Builder
	b.WriteString(`Bearer realm="fauna-login"`)
	if e.code != "" {
		fmt.Fprintf(&b, `, error="%s", error_description="%s"`, e.code, e.description)
	}
	if e.Scope != "" {
		fmt.Fprintf(&b, `, scope="%s"`, e.Scope)
	}
	return b.String()
}
