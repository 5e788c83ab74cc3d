package fqlx

import (
	"context"
	"fmt"
	"time"
)

// ExchangeRequest is a verified JWT and the limits of what is issued for it.
type ExchangeRequest struct {
	Tenant, Issuer, Subject string
	// Hash is the hex SHA-256 that names the JWT: the same JWT, the same session.
	Hash string
	// ClientID and OrgID may be empty.
	ClientID, OrgID     string
	Scope, Permissions  []string
	IssuedAt, ExpiresAt time.Time
	// UserClaims and SessionClaims are objects of copied claims; empty is none.
	UserClaims, SessionClaims Tagged
	// MaxTTL caps the life of the secret, in whole seconds. With less than MinTTL left
	// nothing is issued.
	MaxTTL, MinTTL time.Duration
	// MaxSecrets of one JWT live at once; the oldest go. At least 1.
	MaxSecrets int
}

// Session is what an exchange issued.
type Session struct {
	// Secret is shown once. It never outlives the JWT.
	Secret string
	// UserID and SessionID are the ids of the user's and the auth0_jwt document.
	UserID, SessionID string
	// IssuedAt and ExpiresAt are the secret's, by Fauna's clock, in whole seconds.
	IssuedAt, ExpiresAt time.Time
}

// Exchange finds or creates the session of a JWT and issues a secret for it, in one
// transaction and one round trip. It returns a *[Refused] with code "denied" (a deny mark
// covers the JWT), "blocked" (the user is) or "expired" (too little is left).
func (c *Client) Exchange(ctx context.Context, r ExchangeRequest) (Session, error) {
	data, err := c.query(ctx, "exchangeAuth0Jwt(${jwt})", map[string]any{"jwt": r.tagged()})
	if err != nil {
		return Session{}, err
	}
	fields, _ := data.(map[string]any)
	secret, ok1 := fields["secret"].(string)
	user, ok2 := fields["user"].(string)
	session, ok3 := fields["session"].(string)
	issued, ok4 := fields["issued_at"].(int64)
	expires, ok5 := fields["expires_at"].(int64)
	if !(ok1 && ok2 && ok3 && ok4 && ok5) {
		return Session{}, fmt.Errorf("%w: exchangeAuth0Jwt() answered another shape", ErrInvalid)
	}
	return Session{
		Secret: secret, UserID: user, SessionID: session,
		IssuedAt: time.Unix(issued, 0).UTC(), ExpiresAt: time.Unix(expires, 0).UTC(),
	}, nil
}

// tagged encodes r as the argument of exchangeAuth0Jwt. Written out by hand: it is on the
// path of every exchange, and the claims are encoded already.
func (r *ExchangeRequest) tagged() Tagged {
	b := make([]byte, 0, 1024)
	b = AppendText(append(b, `{"tenant":`...), r.Tenant)
	b = AppendText(append(b, `,"issuer":`...), r.Issuer)
	b = AppendText(append(b, `,"sub":`...), r.Subject)
	b = AppendText(append(b, `,"hash":`...), r.Hash)
	b = appendOptional(append(b, `,"client_id":`...), r.ClientID)
	b = appendOptional(append(b, `,"org_id":`...), r.OrgID)
	b = appendTexts(append(b, `,"scope":`...), r.Scope)
	b = appendTexts(append(b, `,"permissions":`...), r.Permissions)
	b = appendTime(append(b, `,"issued_at":`...), r.IssuedAt)
	b = appendTime(append(b, `,"expires_at":`...), r.ExpiresAt)
	b = appendObject(append(b, `,"user":`...), r.UserClaims)
	b = appendObject(append(b, `,"claims":`...), r.SessionClaims)
	b = AppendInt(append(b, `,"max_ttl":`...), int64(r.MaxTTL/time.Second))
	b = AppendInt(append(b, `,"min_ttl":`...), int64(r.MinTTL/time.Second))
	b = AppendInt(append(b, `,"max_secrets":`...), int64(r.MaxSecrets))
	return Tagged(append(b, '}'))
}

func appendOptional(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return AppendText(b, s)
}

func appendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendText(b, s)
	}
	return append(b, ']')
}

func appendObject(b []byte, t Tagged) []byte {
	if t == "" {
		return append(b, "{}"...)
	}
	return append(b, t...)
}

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, `{"@time":"`...)
	b = t.UTC().AppendFormat(b, "2006-01-02T15:04:05.999999Z")
	return append(b, `"}`...)
}
