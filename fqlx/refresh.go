package fqlx

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Handle is what a refresh handle says; whoever calls has checked that it is genuine.
type Handle struct {
	SessionID  string // decimal digits
	Generation int
}

// RefreshRequest asks for the next secret of a handle's session.
type RefreshRequest struct {
	Handle
	MaxTTL, MinTTL time.Duration // as in [ExchangeRequest]
	MaxSecrets     int
}

// ErrReused: a refresh handle came that was replaced long ago. Somebody has a copy; the session
// was ended.
var ErrReused = errors.New("a refresh handle was used again")

// Refresh issues the next secret of a session without a JWT, in one transaction. The handle is
// replaced by the one of Session.Generation. It returns [ErrReused] together with the session that
// was ended, or a *[Refused] with code "ended", "blocked" or "expired".
func (c *Client) Refresh(ctx context.Context, r RefreshRequest) (Session, []Ended, error) {
	b := AppendText([]byte(`{"session":`), r.SessionID)
	b = AppendInt(append(b, `,"generation":`...), int64(r.Generation))
	b = AppendInt(append(b, `,"max_ttl":`...), int64(r.MaxTTL/time.Second))
	b = AppendInt(append(b, `,"min_ttl":`...), int64(r.MinTTL/time.Second))
	b = AppendInt(append(b, `,"max_secrets":`...), int64(r.MaxSecrets))
	data, err := c.query(ctx, "refreshAuth0Session(${handle})", map[string]any{"handle": Tagged(append(b, '}'))})
	if err != nil {
		return Session{}, nil, err
	}
	fields, _ := data.(map[string]any)
	if fields["reused"] == true {
		list, _ := fields["ended"].([]any)
		return Session{}, endedList(list), ErrReused
	}
	session, ok := sessionOf(data)
	if !ok || session.Secret == "" || session.SessionID == "" {
		return Session{}, nil, fmt.Errorf("%w: refreshAuth0Session() answered another shape", ErrInvalid)
	}
	whose := endedOf(data)
	session.Tenant, session.Subject, session.ClientID, session.JWTHash = whose.Tenant, whose.Subject, whose.ClientID, whose.JWTHash
	return session, nil, nil
}

// EndSession ends a session by its id and denies the JWT behind it. That there is none is no error.
func (c *Client) EndSession(ctx context.Context, id string) ([]Ended, error) {
	a, err := c.end(ctx, "endAuth0SessionById", Tagged(AppendText(nil, id)))
	return a.ended, err
}
