package fqlx

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Ended is a session that was ended: its document and secrets are gone.
type Ended struct {
	SessionID, UserID, Tenant string
	// Subject is empty if the user document is gone, JWTHash and ClientID may be as well.
	Subject, JWTHash, ClientID string
}

// JWT names a verified JWT to be denied.
type JWT struct {
	Tenant, Subject, Hash string
	LinkID                string // may be empty
	ExpiresAt             time.Time
}

// EndJWT ends the session of a JWT, and those that a server made for its link id, and denies
// the JWT from now on. That it was never exchanged is no error.
func (c *Client) EndJWT(ctx context.Context, jwt JWT) ([]Ended, error) {
	b := AppendText([]byte(`{"tenant":`), jwt.Tenant)
	b = AppendText(append(b, `,"sub":`...), jwt.Subject)
	b = AppendText(append(b, `,"hash":`...), jwt.Hash)
	b = appendOptional(append(b, `,"link_id":`...), jwt.LinkID)
	b = appendTime(append(b, `,"expires_at":`...), jwt.ExpiresAt)
	a, err := c.end(ctx, "endAuth0Jwt", Tagged(append(b, '}')))
	return a.ended, err
}

// Kind is what a deny mark for more than one JWT goes by.
type Kind string

const (
	KindSession Kind = "session" // Auth0's session id
	KindUser    Kind = "user"    // the subject
)

// EndRequest selects the sessions of one Auth0 session or subject.
type EndRequest struct {
	Tenant string
	Kind   Kind
	Value  string
	// Deleted: the user was deleted at Auth0; no server may act on their behalf.
	Deleted bool
	// Before: what was issued at or before it ends.
	Before time.Time
	// Keep is how long the deny mark stays, whole seconds: as long as the longest JWT lives.
	Keep time.Duration
}

// EndSessions ends the selected sessions and denies their JWTs, those never exchanged too.
// After an error a part may have ended; the deny mark stands unless the first call failed.
// Asking again is safe.
func (c *Client) EndSessions(ctx context.Context, r EndRequest) ([]Ended, error) {
	b := AppendText([]byte(`{"tenant":`), r.Tenant)
	b = AppendText(append(b, `,"kind":`...), string(r.Kind))
	b = AppendText(append(b, `,"value":`...), r.Value)
	if r.Deleted {
		b = append(b, `,"deleted":true`...)
	}
	b = appendTime(append(b, `,"before":`...), r.Before)
	b = AppendInt(append(b, `,"keep":`...), int64(r.Keep/time.Second))
	return c.endAll(ctx, "endAuth0Sessions", Tagged(append(b, '}')))
}

// UserEvent is what Auth0 says of a user.
type UserEvent struct {
	Tenant, Subject string
	Time            time.Time // of the event, by Auth0's clock
	Deleted         bool
	Blocked         bool          // else not, or no longer, blocked at Auth0
	Keep            time.Duration // as in [EndRequest]
}

// ApplyUserEvent writes down what Auth0 says of a user and ends their sessions if they are
// blocked or deleted now. Applied is false for an event that is older than the last.
func (c *Client) ApplyUserEvent(ctx context.Context, e UserEvent) (applied bool, ended []Ended, err error) {
	b := AppendText([]byte(`{"tenant":`), e.Tenant)
	b = AppendText(append(b, `,"sub":`...), e.Subject)
	b = appendTime(append(b, `,"time":`...), e.Time)
	b = fmt.Appendf(b, `,"deleted":%t,"blocked":%t`, e.Deleted, e.Blocked)
	b = AppendInt(append(b, `,"keep":`...), int64(e.Keep/time.Second))
	event := Tagged(append(b, '}'))
	for {
		a, err := c.end(ctx, "applyAuth0UserEvent", event)
		applied, ended = applied || a.applied, append(ended, a.ended...)
		if err != nil || !a.more {
			return applied, ended, err
		}
	}
}

// RegisterTenants tells the database the names of the service's tenants, for commands that
// name none.
func (c *Client) RegisterTenants(ctx context.Context, names []string) error {
	_, err := c.query(ctx, "registerAuth0Tenants(${names})", map[string]any{"names": names})
	return err
}

// Logout ends the session of a secret, as the page itself may with logoutAuth0(). It returns
// [ErrUnauthorized] if the secret is dead or was none, and an [ErrRefused] or [ErrForbidden] if it
// is not a session's.
func (c *Client) Logout(ctx context.Context, secret string) (Ended, error) {
	config := c.config
	config.Secret = secret
	config.Log = slog.New(slog.DiscardHandler) // what the driver says of a stranger's secret is no news
	data, err := newClient(config).query(ctx, "logoutAuth0()", nil)
	if err != nil {
		return Ended{}, err
	}
	return endedOf(data), nil
}

// endAll calls a function that ends a hundred sessions at a time until there are no more.
func (c *Client) endAll(ctx context.Context, function string, what Tagged) (ended []Ended, err error) {
	for {
		a, err := c.end(ctx, function, what)
		ended = append(ended, a.ended...)
		if err != nil || !a.more {
			return ended, err
		}
	}
}

// ending is the answer of a function that ends sessions.
type ending struct {
	applied, more bool
	ended         []Ended
}

func (c *Client) end(ctx context.Context, function string, what Tagged) (ending, error) {
	data, err := c.query(ctx, function+"(${what})", map[string]any{"what": what})
	if err != nil {
		return ending{}, err
	}
	fields, _ := data.(map[string]any)
	list, ok := fields["ended"].([]any)
	if !ok {
		return ending{}, fmt.Errorf("%w: %s() answered another shape", ErrInvalid, function)
	}
	var a ending
	a.more, _ = fields["more"].(bool)
	a.applied, _ = fields["applied"].(bool)
	a.ended = endedList(list)
	return a, nil
}

func endedList(list []any) (ended []Ended) {
	for _, one := range list {
		ended = append(ended, endedOf(one))
	}
	return ended
}

func endedOf(data any) Ended {
	fields, _ := data.(map[string]any)
	text := func(name string) string {
		s, _ := fields[name].(string)
		return s
	}
	return Ended{
		SessionID: text("session"), UserID: text("user"), Tenant: text("tenant"),
		Subject: text("sub"), JWTHash: text("hash"), ClientID: text("client_id"),
	}
}
