package fqlx

import (
	"context"
	"fmt"
	"time"
)

// UserInfo is a user as an administrator sees them.
type UserInfo struct {
	ID      string `json:"id"`
	Tenant  string `json:"tenant"`
	Subject string `json:"subject"`
	// Blocked is the administrator's flag, Auth0Blocked Auth0's own. Either blocks.
	Blocked      bool `json:"blocked"`
	Auth0Blocked bool `json:"auth0_blocked"`
	// Auth0EventAt is when Auth0 last said something of the user, nil if it never did.
	Auth0EventAt *time.Time `json:"auth0_event_at"`
	// Sessions are those that live, counted up to [MostCounted].
	Sessions int `json:"sessions"`
	// DeniedBefore and DeniedUntil are of the user's deny mark, nil without one: JWTs that were
	// issued at or before the one are refused until the other, when no such JWT is valid any more.
	DeniedBefore *time.Time `json:"denied_before"`
	DeniedUntil  *time.Time `json:"denied_until"`
	// Deleted: Auth0 said that the user is deleted there.
	Deleted bool `json:"deleted"`
}

// MostCounted is where counting a user's sessions ends.
const MostCounted = 1000

// describeUser describes `user`, a user document that may be null.
const describeUser = `
if (user == null) null else {
  let mark: Any = auth0_deny.byValue(${tenant}, "user", ${sub}).first()
  {
    id: user.id, blocked: user.blocked == true, auth0_blocked: user.auth0_blocked == true, auth0_event_at: user.auth0_event_at,
    sessions: auth0_jwt.byUser(user).take(${most}).count(),
    denied_before: mark?.before, denied_until: mark?.ttl, deleted: mark?.deleted == true
  }
}`

// User returns the user of a subject, or [ErrNotFound] if nobody knows them here.
func (a *Admin) User(ctx context.Context, tenant, subject string) (UserInfo, error) {
	return a.user(ctx, `let user: Any = findAuth0User(${tenant}, ${sub})`+describeUser, tenant, subject)
}

// Blocking is what [Admin.BlockUser] did.
type Blocking struct {
	UserID string
	// Created: nobody knew the user here, and the user document was made to hold the flag.
	Created bool
	// Changed: the administrator's flag was not set before.
	Changed bool
	Ended   []Ended
	// Before: JWTs that were issued at or before it stay refused, also once the user is no longer
	// blocked.
	Before time.Time
}

// BlockUser sets the administrator's flag of a subject, known here or not, and ends their
// sessions as [Admin.EndSessions] does. It returns an [ErrRefused] or [ErrFunction] if the app's
// upsertAuth0User() or user collection refuses the user document. After an error a part may be done; asking
// again is safe.
func (a *Admin) BlockUser(ctx context.Context, tenant, subject string) (Blocking, error) {
	before, err := a.leewayFromNow(ctx)
	if err != nil {
		return Blocking{}, err
	}
	b := AppendText([]byte(`{"tenant":`), tenant)
	b = AppendText(append(b, `,"sub":`...), subject)
	b = appendTime(append(b, `,"before":`...), before)
	b = AppendInt(append(b, `,"keep":`...), int64(keepMarks/time.Second))
	what := map[string]any{"what": Tagged(append(b, '}'))}

	done := Blocking{Before: before}
	for {
		data, err := a.administer(ctx, `blockAuth0User(${what})`, what)
		if err != nil {
			return done, err
		}
		fields, _ := data.(map[string]any)
		r := record(fields)
		list, ok := r["ended"].([]any)
		if !ok {
			return done, fmt.Errorf("%w: blockAuth0User() answered another shape", ErrInvalid)
		}
		done.UserID = r.text("user")
		done.Created = done.Created || r.bool("created")
		done.Changed = done.Changed || r.bool("changed")
		for _, one := range list {
			done.Ended = append(done.Ended, endedOf(one))
		}
		if !r.bool("more") {
			return done, nil
		}
	}
}

// UnblockUser takes the administrator's flag of a subject away; what Auth0 says stays. Changed is
// false if the flag was not set. It returns [ErrNotFound] if nobody knows the user here.
func (a *Admin) UnblockUser(ctx context.Context, tenant, subject string) (user UserInfo, changed bool, err error) {
	was, err := a.User(ctx, tenant, subject)
	if err != nil {
		return UserInfo{}, false, err
	}
	user, err = a.user(ctx, `let user: Any = unblockAuth0User(${tenant}, ${sub})`+describeUser, tenant, subject)
	return user, was.Blocked, err
}

func (a *Admin) user(ctx context.Context, text, tenant, subject string) (UserInfo, error) {
	data, err := a.administer(ctx, text, map[string]any{"tenant": tenant, "sub": subject, "most": MostCounted})
	if err != nil {
		return UserInfo{}, err
	}
	fields, ok := data.(map[string]any)
	if !ok {
		return UserInfo{}, ErrNotFound
	}
	r := record(fields)
	sessions, _ := r["sessions"].(int64)
	return UserInfo{
		ID:           r.text("id"),
		Tenant:       tenant,
		Subject:      subject,
		Blocked:      r.bool("blocked"),
		Auth0Blocked: r.bool("auth0_blocked"),
		Auth0EventAt: r.optionalTime("auth0_event_at"),
		Sessions:     int(sessions),
		DeniedBefore: r.optionalTime("denied_before"),
		DeniedUntil:  r.optionalTime("denied_until"),
		Deleted:      r.bool("deleted"),
	}, nil
}
