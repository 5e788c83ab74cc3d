package fqlx

import (
	"context"
	"fmt"
	"time"
)

// Issue is what a server asks for on a user's behalf.
type Issue string

const (
	IssueSecret  Issue = "secret"  // a session and a secret of it
	IssueSession Issue = "session" // a session without a secret, for a JWT to come
	IssueUser    Issue = "user"    // the user document alone
)

// OnBehalfRequest is what a verified server asks for on behalf of a user, whose JWT it does
// not have.
type OnBehalfRequest struct {
	Tenant, Issuer, Subject string
	// RequestedBy is the client id of the server.
	RequestedBy string
	// SessionID (Auth0's) and LinkID may be empty. The same link id of the same user and server
	// finds the same session; see [ExchangeRequest] for how a JWT joins it.
	SessionID, LinkID string
	// User is an object of fields for the user document; empty is none.
	User Tagged
	// TTL of the secret and the session, whole seconds.
	TTL        time.Duration
	Issue      Issue
	MaxSecrets int
}

// IssueOnBehalf issues what r asks for, in one transaction. It returns a *[Refused] with code
// "denied" (a deny mark covers the user, Auth0 session or link id, or the user was deleted at
// Auth0) or "blocked".
func (c *Client) IssueOnBehalf(ctx context.Context, r OnBehalfRequest) (Session, error) {
	data, err := c.query(ctx, "issueAuth0OnBehalf(${request})", map[string]any{"request": r.tagged()})
	if err != nil {
		return Session{}, err
	}
	session, ok := sessionOf(data)
	if !ok || (session.Secret == "") == (r.Issue == IssueSecret) || (session.SessionID == "") != (r.Issue == IssueUser) {
		return Session{}, fmt.Errorf("%w: issueAuth0OnBehalf() answered another shape", ErrInvalid)
	}
	return session, nil
}

func (r *OnBehalfRequest) tagged() Tagged {
	b := AppendText([]byte(`{"tenant":`), r.Tenant)
	b = AppendText(append(b, `,"issuer":`...), r.Issuer)
	b = AppendText(append(b, `,"sub":`...), r.Subject)
	b = AppendText(append(b, `,"requested_by":`...), r.RequestedBy)
	b = appendOptional(append(b, `,"session_id":`...), r.SessionID)
	b = appendOptional(append(b, `,"link_id":`...), r.LinkID)
	b = appendObject(append(b, `,"user":`...), r.User)
	b = AppendText(append(b, `,"issue":`...), string(r.Issue))
	b = AppendInt(append(b, `,"ttl":`...), int64(r.TTL/time.Second))
	b = AppendInt(append(b, `,"max_secrets":`...), int64(r.MaxSecrets))
	return Tagged(append(b, '}'))
}
