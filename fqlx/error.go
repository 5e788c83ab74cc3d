package fqlx

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/fauna/fauna-go/v3"
)

// What a call can end in besides success. Test with errors.Is; *Refused with errors.As.
var (
	// ErrUnavailable: Fauna cannot be reached, answers with an error of its own, or not
	// within the deadline. The same call may succeed later.
	ErrUnavailable = errors.New("fauna is unavailable")
	// ErrContended: other transactions kept getting in the way until the deadline.
	ErrContended = errors.New("fauna transaction kept being contended")
	// ErrUnauthorized: Fauna does not accept the secret.
	ErrUnauthorized = errors.New("fauna does not accept the secret")
	// ErrInvalid: Fauna refuses the query itself, as when the schema is not pushed or the
	// key's role may not call the function.
	ErrInvalid = errors.New("fauna refuses the query")
	// ErrForbidden is the [ErrInvalid] of a secret whose role may not do this.
	ErrForbidden = errors.New("permission_denied")
	// ErrCursor: a page of a list cannot be had, for its cursor is broken or too old.
	ErrCursor = errors.New("fauna refuses the cursor")
	// ErrFunction: something in a function went wrong, such as a constraint of the user
	// collection that this user's document fails.
	ErrFunction = errors.New("fauna function failed")
)

// Refused is the answer of a function that aborted: the transaction wrote nothing.
type Refused struct {
	// Code is what the function passed to abort(): "denied", "blocked", "expired", or a
	// string of the app's own.
	Code string
}

// codeWord is an abort value that is surely a code and not a sentence with a claim in it.
var codeWord = regexp.MustCompile(`^[a-z_]{1,64}$`)

func (r *Refused) Error() string {
	if !codeWord.MatchString(r.Code) {
		return fmt.Sprintf("fauna function aborted with a message of %d bytes", len(r.Code))
	}
	return fmt.Sprintf("fauna function aborted with %q", r.Code)
}

// ErrRefused holds for every *Refused.
var ErrRefused = errors.New("fauna function refused")

// Is makes every *Refused an [ErrRefused].
func (r *Refused) Is(target error) bool { return target == ErrRefused }

// errorOf turns an error of the driver into one of ours. Fauna's messages quote values, which
// may be claims, so only codes are kept.
func errorOf(err error) error {
	var abort *fauna.ErrAbort
	if errors.As(err, &abort) {
		code, _ := abort.Abort.(string)
		return &Refused{Code: code}
	}
	base := baseOf(err)
	if base == nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	switch base.StatusCode {
	case http.StatusBadRequest:
		switch {
		case base.Code == "permission_denied":
			return fmt.Errorf("%w: %w", ErrInvalid, ErrForbidden)
		case base.Code == "invalid_cursor":
			return ErrCursor
		case ofQuery[base.Code]:
			return fmt.Errorf("%w: %s", ErrInvalid, base.Code)
		}
		return fmt.Errorf("%w: %s", ErrFunction, base.Code)
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusGone:
		return fmt.Errorf("%w: %s", ErrUnauthorized, base.Code)
	case http.StatusConflict:
		return fmt.Errorf("%w: %s", ErrContended, base.Code)
	}
	return fmt.Errorf("%w: status %d: %s", ErrUnavailable, base.StatusCode, base.Code)
}

// ofQuery are the codes that speak of our one-line queries, not of the functions they call.
var ofQuery = map[string]bool{
	"invalid_query": true, "unbound_variable": true, "invalid_request": true,
	"invalid_function_invocation": true, "invalid_index_invocation": true, "disabled_feature": true,
}

// baseOf returns what all of the driver's typed errors embed, nil for any other error.
func baseOf(err error) *fauna.ErrFauna {
	var (
		authentication *fauna.ErrAuthentication
		authorization  *fauna.ErrAuthorization
		contended      *fauna.ErrContendedTransaction
		invalid        *fauna.ErrInvalidRequest
		check          *fauna.ErrQueryCheck
		runtime        *fauna.ErrQueryRuntime
		timeout        *fauna.ErrQueryTimeout
		internal       *fauna.ErrServiceInternal
		service        *fauna.ErrServiceTimeout
		throttling     *fauna.ErrThrottling
	)
	switch {
	case errors.As(err, &authentication):
		return authentication.ErrFauna
	case errors.As(err, &authorization):
		return authorization.ErrFauna
	case errors.As(err, &contended):
		return contended.ErrFauna
	case errors.As(err, &invalid):
		return invalid.ErrFauna
	case errors.As(err, &check):
		return check.ErrFauna
	case errors.As(err, &runtime):
		return runtime.ErrFauna
	case errors.As(err, &timeout):
		return timeout.ErrFauna
	case errors.As(err, &internal):
		return internal.ErrFauna
	case errors.As(err, &service):
		return service.ErrFauna
	case errors.As(err, &throttling):
		return throttling.ErrFauna
	}
	return nil
}

// retryable reports whether the same query may well succeed at once: another transaction or a
// short outage was in its way. That a unique constraint failed is such a case: two first
// logins of one user raced, and the loser will find the user on its next attempt.
func retryable(err error) bool {
	base := baseOf(err)
	if base == nil {
		return false
	}
	switch base.StatusCode {
	case http.StatusConflict, http.StatusServiceUnavailable:
		return true
	case http.StatusBadRequest:
		return base.Code == "constraint_failure" && len(base.ConstraintFailures) > 0 &&
			base.ConstraintFailures[0].Message == "Failed unique constraint"
	}
	return false
}
