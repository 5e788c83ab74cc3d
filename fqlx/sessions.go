package fqlx

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// Leeway is how far Auth0's clock may be ahead of Fauna's: what an administrator ends includes
	// JWTs that were issued up to this much later than now.
	Leeway = 30 * time.Second
	// keepMarks is how long the deny marks of an administrator stay: no JWT of Auth0's lives longer
	// than 30 days, and the last that a mark covers may be issued when Leeway is over.
	keepMarks = 30*24*time.Hour + Leeway
)

// ErrNotFound: there is no such session or user.
var ErrNotFound = errors.New("not found")

// SessionInfo is a session as an administrator sees it: its auth0_jwt document. What it does not
// have is empty.
type SessionInfo struct {
	ID     string `json:"id"`
	UserID string `json:"user_id"`
	Tenant string `json:"tenant"`
	// Subject is empty also if the user document is gone.
	Subject      string   `json:"subject"`
	ClientID     string   `json:"client_id"`
	RequestedBy  string   `json:"requested_by"` // the client that asked on the user's behalf
	Origin       string   `json:"origin"`       // "jwt" or "server"
	Issuer       string   `json:"issuer"`
	Auth0Session string   `json:"auth0_session"`
	LinkID       string   `json:"link_id"`
	OrgID        string   `json:"org_id"`
	Scope        []string `json:"scope"`       // never nil
	Permissions  []string `json:"permissions"` // never nil
	JWTHash      string   `json:"jwt_hash"`
	// IssuedAt and ExpiresAt are the JWT's, whole seconds, UTC.
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Selector selects the sessions of one Auth0 session or subject. The zero Selector selects all.
type Selector struct {
	Tenant string
	Kind   Kind
	Value  string
}

// covers reports whether s may be one of the selected sessions.
func (sel Selector) covers(s SessionInfo) bool {
	switch sel.Kind {
	case KindUser: // the user document may have been deleted since the first page
		return s.Tenant == sel.Tenant && (s.Subject == sel.Value || s.Subject == "")
	case KindSession:
		return s.Tenant == sel.Tenant && s.Auth0Session == sel.Value
	}
	return true
}

// SessionPage is a part of a list of sessions.
type SessionPage struct {
	Sessions []SessionInfo
	// After is the cursor of the next page, empty on the last one. No page has sessions that were
	// made after the first was asked for; Fauna keeps a cursor's past for some minutes only.
	After string
}

// describeSession makes what sessionInfo reads.
const describeSession = `(session => {
  let user: Any = session.user
  {
    id: session.id, user: user.id, sub: user?.auth0_sub, tenant: session.tenant,
    client_id: session.client_id, requested_by: session.requested_by, origin: session.origin,
    issuer: session.issuer, session_id: session.session_id, link_id: session.link_id, org_id: session.org_id,
    scope: session.scope, permissions: session.permissions, hash: session.jwt_hash,
    issued_at: session.issued_at, expires_at: session.expires_at
  }
})`

// describePage describes `page`. A page is as of when the list was begun: what has ended since is
// left out. It is described after it was cut, so that its cursor holds no more than the index,
// the place and the tenant.
const describePage = `
let live: Any = page.data.map(session => auth0_jwt.byId(session.id)).filter(session => session.exists())
{ data: live.map(` + describeSession + `), after: page.after }`

// selected binds `sessions` to the set of a Selector: by an index, never by a scan.
var selected = map[Kind]string{
	"":          "let sessions: Any = auth0_jwt.all()\n",
	KindSession: "let sessions: Any = auth0_jwt.bySessionId(${value}).where(.tenant == ${tenant})\n",
	KindUser: "let user: Any = findAuth0User(${tenant}, ${value})\n" +
		"let sessions: Any = if (user == null) [].toSet() else auth0_jwt.byUser(user)\n",
}

// Sessions returns the first size (1 to 1000) of the selected sessions, oldest first, or with the
// cursor of a page those that follow it. It returns an [ErrCursor] if the cursor is broken, too
// old, or of a list of other sessions.
func (a *Admin) Sessions(ctx context.Context, sel Selector, after string, size int) (SessionPage, error) {
	text, args := selected[sel.Kind]+"let page: Any = sessions.paginate(${size})", sel.arguments()
	if after != "" {
		text, args = "let page: Any = Set.paginate(${after}, ${size})", map[string]any{"after": after}
	}
	args["size"] = size
	data, err := a.administer(ctx, text+describePage, args)
	if err != nil {
		return SessionPage{}, err
	}
	fields, _ := data.(map[string]any)
	list, ok := fields["data"].([]any)
	if !ok {
		return SessionPage{}, fmt.Errorf("%w: a page of sessions has another shape", ErrInvalid)
	}
	page := SessionPage{After: record(fields).text("after")}
	for _, one := range list {
		s, ok := sessionInfo(one)
		if !ok || !sel.covers(s) {
			return SessionPage{}, fmt.Errorf("%w: it is of another list", ErrCursor)
		}
		page.Sessions = append(page.Sessions, s)
	}
	return page, nil
}

// arguments are those of the selector's set.
func (sel Selector) arguments() map[string]any {
	if sel.Kind == "" {
		return map[string]any{}
	}
	return map[string]any{"tenant": sel.Tenant, "value": sel.Value}
}

// CountSessions counts the selected sessions, up to most.
func (a *Admin) CountSessions(ctx context.Context, sel Selector, most int) (int, error) {
	args := sel.arguments()
	args["most"] = most
	data, err := a.administer(ctx, selected[sel.Kind]+`sessions.take(${most}).count()`, args)
	if err != nil {
		return 0, err
	}
	n, ok := data.(int64)
	if !ok {
		return 0, fmt.Errorf("%w: a number of sessions is none", ErrInvalid)
	}
	return int(n), nil
}

// Session returns the session with an id, which must be a number, or [ErrNotFound].
func (a *Admin) Session(ctx context.Context, id string) (SessionInfo, error) {
	data, err := a.administer(ctx, `let session: Any = auth0_jwt.byId(${id})
if (session == null) null else `+describeSession+`(session)`, map[string]any{"id": id})
	if err != nil {
		return SessionInfo{}, err
	}
	s, ok := sessionInfo(data)
	if !ok {
		return SessionInfo{}, ErrNotFound
	}
	return s, nil
}

// RevokeSession ends the session with an id, which must be a number, and denies the JWT behind
// it. It returns [ErrNotFound] if there is none.
func (a *Admin) RevokeSession(ctx context.Context, id string) (Ended, error) {
	data, err := a.administer(ctx, `let session: Any = auth0_jwt.byId(${id})
if (session == null) null else {
  let ended = auth0Ended(session)
  revokeAuth0Session(session)
  ended
}`, map[string]any{"id": id})
	if err != nil {
		return Ended{}, err
	}
	if data == nil {
		return Ended{}, ErrNotFound
	}
	return endedOf(data), nil
}

// EndSessions ends the selected sessions of a subject or an Auth0 session, a hundred at a time,
// and denies their JWTs, those never exchanged too, as far as they were issued until `before`:
// now and [Leeway]. After an error a part may have ended; asking again is safe.
func (a *Admin) EndSessions(ctx context.Context, sel Selector) (ended []Ended, before time.Time, err error) {
	if before, err = a.leewayFromNow(ctx); err != nil {
		return nil, time.Time{}, err
	}
	ended, err = a.client.EndSessions(ctx, EndRequest{
		Tenant: sel.Tenant, Kind: sel.Kind, Value: sel.Value, Before: before, Keep: keepMarks,
	})
	return ended, before, err
}

// leewayFromNow is by Fauna's clock: that of an administrator's machine may be anything.
func (a *Admin) leewayFromNow(ctx context.Context) (time.Time, error) {
	data, err := a.administer(ctx, `Time.now()`, nil)
	if err != nil {
		return time.Time{}, err
	}
	now, ok := data.(*time.Time)
	if !ok {
		return time.Time{}, fmt.Errorf("%w: Time.now() is no time", ErrInvalid)
	}
	return now.Add(Leeway), nil
}

// Tenants returns the names of the service's tenants. There are none before the service was
// ready for the first time.
func (a *Admin) Tenants(ctx context.Context) ([]string, error) {
	data, err := a.administer(ctx, `auth0_tenant.all().map(tenant => tenant.name).order().toArray()`, nil)
	if err != nil {
		return nil, err
	}
	return record{"tenants": data}.texts("tenants"), nil
}

// administer runs a query that takes an administrator: without the question first, a secret that
// may read nothing would find nothing, and be told so.
func (a *Admin) administer(ctx context.Context, text string, args map[string]any) (any, error) {
	return a.client.query(ctx, "auth0Administrator()\n"+text, args)
}

func sessionInfo(data any) (SessionInfo, bool) {
	fields, ok := data.(map[string]any)
	r := record(fields)
	s := SessionInfo{
		ID:           r.text("id"),
		UserID:       r.text("user"),
		Tenant:       r.text("tenant"),
		Subject:      r.text("sub"),
		ClientID:     r.text("client_id"),
		RequestedBy:  r.text("requested_by"),
		Origin:       r.text("origin"),
		Issuer:       r.text("issuer"),
		Auth0Session: r.text("session_id"),
		LinkID:       r.text("link_id"),
		OrgID:        r.text("org_id"),
		Scope:        r.texts("scope"),
		Permissions:  r.texts("permissions"),
		JWTHash:      r.text("hash"),
		IssuedAt:     r.time("issued_at"),
		ExpiresAt:    r.time("expires_at"),
	}
	return s, ok && s.ID != "" && s.UserID != "" && !s.ExpiresAt.IsZero()
}

// record is an object of an answer. What is absent, null or of another type is empty.
type record map[string]any

func (r record) text(name string) string {
	s, _ := r[name].(string)
	return s
}

func (r record) texts(name string) []string {
	list, _ := r[name].([]any)
	out := make([]string, 0, len(list))
	for _, one := range list {
		s, _ := one.(string)
		out = append(out, s)
	}
	return out
}

func (r record) bool(name string) bool {
	b, _ := r[name].(bool)
	return b
}

func (r record) time(name string) time.Time {
	if t := r.optionalTime(name); t != nil {
		return *t
	}
	return time.Time{}
}

func (r record) optionalTime(name string) *time.Time {
	t, _ := r[name].(*time.Time)
	return t
}
