package exchange

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/fauna-login/fauna-login/fqlx"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/labstack/echo/v4"
)

// faunaSecret is a bearer token of the form of a Fauna secret: of whom, only Fauna can tell.
type faunaSecret string

// String keeps the secret out of whatever is printed.
func (faunaSecret) String() string { return "[secret]" }

// Fauna's secrets before base64url without padding (Fauna: TokenLike, KeyLike): two bytes that
// tell the kind, ids of 8 bytes, and 20 random bytes.
const (
	tokenMark, tokenSize = "\x7e\x71", 2 + 8 + 8 + 20 // of a document's token: its id, its database's
	keyMark, keySize     = "\x7e\x70", 2 + 8 + 20     // of a key: its id
)

// hasForm reports whether s is a secret of a kind. A scope that follows a secret (Fauna:
// AuthScope) makes it none.
func (s faunaSecret) hasForm(mark string, size int) bool {
	b, ok := readBase64url(string(s))
	return ok && len(b) == size && string(b[:len(mark)]) == mark
}

// endable is what the JWT middleware of DELETE /fauna-login calls: an Auth0 token must verify,
// a Fauna secret is for Fauna to judge.
func (s *Service) endable(ctx context.Context, token string) (any, error) {
	if secret := faunaSecret(token); secret.hasForm(tokenMark, tokenSize) || secret.hasForm(keyMark, keySize) {
		return secret, nil
	}
	return s.verify(ctx, token, PurposeLogout)
}

// deleteLogin ends the session of the token or secret that was presented. That there was none
// looks the same to the caller.
func (s *Service) deleteLogin(c echo.Context) (err error) {
	ctx := c.Request().Context()
	switch presented := ctx.Value(jwtmiddleware.ContextKey{}).(type) {
	case faunaSecret:
		err = s.endSecret(ctx, presented)
	case Verdict:
		err = s.endJWT(ctx, presented)
	default:
		err = errors.New("logout without a verdict")
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// endJWT ends the session of a JWT and denies the JWT, exchanged before or not.
func (s *Service) endJWT(ctx context.Context, v Verdict) error {
	if !v.For(PurposeLogout) {
		return errors.New("logout without a verdict")
	}
	ended, err := s.Fauna.EndJWT(ctx, fqlx.JWT{Tenant: v.Tenant, Subject: v.Subject, Hash: v.Hash, LinkID: v.LinkID, ExpiresAt: v.ExpiresAt})
	if err != nil {
		return endError(ctx, err)
	}
	recordOf(ctx).endedAll(ended...)
	return nil
}

// endSecret ends the session of a secret with the rights of that secret, which Fauna checks.
func (s *Service) endSecret(ctx context.Context, secret faunaSecret) error {
	r := recordOf(ctx)
	r.outcome = cmp.Or(r.outcome, "done")
	if !secret.hasForm(tokenMark, tokenSize) {
		return nil // a key: no session has one, and we have no use for somebody's key
	}
	ended, err := s.Fauna.Logout(ctx, string(secret))
	switch {
	case err == nil:
		r.endedAll(ended)
		return nil
	case errors.Is(err, fqlx.ErrUnauthorized), errors.Is(err, fqlx.ErrForbidden), errors.Is(err, fqlx.ErrRefused):
		return nil // dead, or the token of a document that is no session: nothing to end
	}
	return endError(ctx, err)
}
