package fqlx

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// ExchangeRequest is a verified JWT and the limits of what is issued for it.
type ExchangeRequest struct {
	Tenant, Issuer, Subject string
	// Hash is the hex SHA-256 that names the JWT: the same JWT, the same session.
	Hash string
	// ClientID, OrgID and SessionID (Auth0's) may be empty. So may LinkID: with it the JWT joins
	// the session that was made on the same user's behalf under this id.
	ClientID, OrgID, SessionID, LinkID string
	// RequestedBy is the client that exchanges its user's JWT downstream; empty: the user did.
	RequestedBy         string
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
	// Secret is shown once. It never outlives the JWT. Empty if none was asked for.
	Secret string
	// UserID and SessionID are the ids of the user's and the auth0_jwt document; the latter is
	// empty if only the user was asked for.
	UserID, SessionID string
	// IssuedAt and ExpiresAt are the secret's, or without one the session's, by Fauna's clock, in
	// whole seconds.
	IssuedAt, ExpiresAt time.Time
	// EndsAt is when the session ends, and no refresh helps any more. Of a refresh alone.
	EndsAt time.Time
	// Generation is that of the session's refresh handle which counts.
	Generation int
	// Tenant, Subject, ClientID and JWTHash say whose session it is. Of a refresh alone, where the
	// caller does not know; the last two may be empty.
	Tenant, Subject, ClientID, JWTHash string
}

// Exchange finds or creates the session of a JWT and issues a secret for it, in one
// transaction and one round trip. It returns a *[Refused] with code "denied" (a deny mark
// covers the JWT), "blocked" (the user is) or "expired" (too little is left).
func (c *Client) Exchange(ctx context.Context, r ExchangeRequest) (Session, error) {
	data, err := c.query(ctx, "exchangeAuth0Jwt(${jwt})", map[string]any{"jwt": r.tagged()})
	if err != nil {
		return Session{}, err
	}
	session, ok := sessionOf(data)
	if !ok || session.Secret == "" || session.SessionID == "" {
		return Session{}, fmt.Errorf("%w: exchangeAuth0Jwt() answered another shape", ErrInvalid)
	}
	return session, nil
}

// sessionOf reads the answer of a function that issues.
func sessionOf(data any) (session Session, ok bool) {
	fields, _ := data.(map[string]any)
	session.Secret, _ = fields["secret"].(string)
	session.SessionID, _ = fields["session"].(string)
	session.UserID, _ = fields["user"].(string)
	generation, _ := fields["generation"].(int64) // null: 0
	session.Generation = int(generation)
	var isIssued, expires bool
	session.IssuedAt, isIssued = secondsOf(fields["issued_at"])
	session.ExpiresAt, expires = secondsOf(fields["expires_at"])
	session.EndsAt, _ = secondsOf(fields["ends_at"])
	return session, session.UserID != "" && isIssued && (expires || session.Secret == "")
}

// secondsOf reads a time that is written as seconds since 1970, in digits: the driver reads a string
// faster than a number.
func secondsOf(field any) (t time.Time, ok bool) {
	text, _ := field.(string)
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
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
	b = appendOptional(append(b, `,"session_id":`...), r.SessionID)
	b = appendOptional(append(b, `,"link_id":`...), r.LinkID)
	b = appendOptional(append(b, `,"requested_by":`...), r.RequestedBy)
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
