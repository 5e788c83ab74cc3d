package fqlx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/fauna-login/fauna-login/fqlx/engine/enginetest"
)

// office is a database with sessions in it, and administrators of it.
type office struct {
	*enginetest.Server
	t       *testing.T
	service *fqlx.Client
	admin   *fqlx.Admin // of the role server: admin is the root's
	root    *fqlx.Admin
	n       int
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{Server: enginetest.New(t), t: t}
	own, app := fqlx.Schema("User")
	o.Push(own.Content, app.Content)
	o.root = o.as(o.Secret)
	o.admin = o.as(o.key("server"))
	o.service = fqlx.New(fqlx.Config{Endpoint: o.URL, Secret: o.key("token_exchange")})
	return o
}

func (o *office) as(secret string) *fqlx.Admin {
	return fqlx.NewAdmin(fqlx.Config{Endpoint: o.URL, Secret: secret, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

func (o *office) key(role string) string {
	o.t.Helper()
	_, secret, err := o.root.CreateKey(context.Background(), role)
	if err != nil {
		o.t.Fatal(err)
	}
	return secret
}

// login makes a session for a JWT of its own.
func (o *office) login(tenant, subject, auth0Session string) fqlx.Session {
	o.t.Helper()
	s, err := o.service.Exchange(context.Background(), o.jwt(tenant, subject, auth0Session))
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

func (o *office) jwt(tenant, subject, auth0Session string) fqlx.ExchangeRequest {
	o.n++
	return fqlx.ExchangeRequest{
		Tenant: tenant, Issuer: "https://" + tenant + "/", Subject: subject, SessionID: auth0Session,
		Hash: fmt.Sprintf("%064x", o.n), ClientID: "spa", Scope: []string{"openid"},
		IssuedAt: o.Now(), ExpiresAt: o.Now().Add(time.Hour), MaxTTL: time.Hour, MinTTL: time.Second, MaxSecrets: 5,
	}
}

// list is the ids of all selected sessions, page by page.
func (o *office) list(a *fqlx.Admin, sel fqlx.Selector, size int) (ids []string) {
	o.t.Helper()
	for after := ""; ; {
		page, err := a.Sessions(context.Background(), sel, after, size)
		if err != nil {
			o.t.Fatal(err)
		}
		if len(page.Sessions) > size {
			o.t.Fatalf("%d sessions on a page of %d", len(page.Sessions), size)
		}
		for _, s := range page.Sessions {
			ids = append(ids, s.ID)
		}
		if after = page.After; after == "" {
			return ids
		}
	}
}

func (o *office) live(secret string) bool { return o.As(secret, "1").Status == 200 }

func user(tenant, subject string) fqlx.Selector {
	return fqlx.Selector{Tenant: tenant, Kind: fqlx.KindUser, Value: subject}
}

func TestSessions(t *testing.T) {
	o := newOffice(t)
	var ada, sid, all []string
	for i := range 7 {
		s := o.login("main", "auth0|ada", fmt.Sprintf("sid%d", i%2))
		ada, all = append(ada, s.SessionID), append(all, s.SessionID)
		if i%2 == 1 {
			sid = append(sid, s.SessionID)
		}
	}
	all = append(all, o.login("main", "auth0|grace", "").SessionID, o.login("other", "auth0|ada", "sid1").SessionID)
	tests := []struct {
		name string
		sel  fqlx.Selector
		want []string
	}{
		{"all", fqlx.Selector{}, all},
		{"of a subject", user("main", "auth0|ada"), ada},
		{"of an Auth0 session", fqlx.Selector{Tenant: "main", Kind: fqlx.KindSession, Value: "sid1"}, sid},
		{"of the same subject of another tenant", user("other", "auth0|ada"), all[8:]},
		{"of somebody unknown", user("main", "auth0|nobody"), nil},
		{"of a tenant unknown", user("none", "auth0|ada"), nil},
		{"of no Auth0 session", fqlx.Selector{Tenant: "main", Kind: fqlx.KindSession, Value: ""}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, a := range map[string]*fqlx.Admin{"admin": o.root, "server": o.admin} {
				for _, size := range []int{1, 2, 3, 100} {
					if got := o.list(a, tt.sel, size); !slices.Equal(got, tt.want) {
						t.Errorf("%s, %d a page: got %v, want %v", name, size, got, tt.want)
					}
				}
				n, err := a.CountSessions(context.Background(), tt.sel, 5)
				if err != nil || n != min(len(tt.want), 5) {
					t.Errorf("%s: counted %d, %v", name, n, err)
				}
			}
		})
	}

	t.Run("a page of another list", func(t *testing.T) {
		page, err := o.admin.Sessions(context.Background(), user("main", "auth0|ada"), "", 1)
		if err != nil || page.After == "" {
			t.Fatal(page, err)
		}
		if _, err := o.admin.Sessions(context.Background(), user("main", "auth0|grace"), page.After, 1); !errors.Is(err, fqlx.ErrCursor) {
			t.Errorf("got %v", err)
		}
		if _, err := o.admin.Sessions(context.Background(), fqlx.Selector{}, "nonsense", 1); !errors.Is(err, fqlx.ErrCursor) {
			t.Errorf("got %v", err)
		}
	})
}

// What ends while somebody turns the pages is not shown any more.
func TestSessionsEndBetweenPages(t *testing.T) {
	o := newOffice(t)
	var ids []string
	for range 4 {
		ids = append(ids, o.login("main", "auth0|ada", "").SessionID)
	}
	first, err := o.admin.Sessions(context.Background(), user("main", "auth0|ada"), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.admin.RevokeSession(context.Background(), ids[2]); err != nil {
		t.Fatal(err)
	}
	page, err := o.admin.Sessions(context.Background(), user("main", "auth0|ada"), first.After, 10)
	if err != nil || len(page.Sessions) != 2 || page.Sessions[0].ID != ids[1] || page.Sessions[1].ID != ids[3] || page.After != "" {
		t.Errorf("got %+v, %v", page, err)
	}
}

func TestSessionInfo(t *testing.T) {
	o := newOffice(t)
	r := o.jwt("main", `auth0|a"b\c`, "sid")
	r.OrgID, r.LinkID, r.Permissions = "org_1", "link", []string{"todo:read", "todo:write"}
	issued, err := o.service.Exchange(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := o.admin.Session(context.Background(), issued.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	want := fqlx.SessionInfo{
		ID: issued.SessionID, UserID: issued.UserID, Tenant: "main", Subject: r.Subject, ClientID: "spa", Origin: "jwt",
		Issuer: "https://main/", Auth0Session: "sid", LinkID: "link", OrgID: "org_1", JWTHash: r.Hash,
		Scope: r.Scope, Permissions: r.Permissions, IssuedAt: r.IssuedAt, ExpiresAt: r.ExpiresAt,
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}

	// The user document is gone: the session still can be looked at, and ended.
	o.Query(`User.byId("` + issued.UserID + `")!.delete()`)
	got, err = o.admin.Session(context.Background(), issued.SessionID)
	if err != nil || got.Subject != "" || got.UserID != issued.UserID {
		t.Errorf("got %+v, %v", got, err)
	}
	if ids := o.list(o.admin, fqlx.Selector{}, 10); len(ids) != 1 {
		t.Errorf("got %v", ids)
	}
	if _, err := o.admin.RevokeSession(context.Background(), issued.SessionID); err != nil {
		t.Error(err)
	}
	for _, id := range []string{issued.SessionID, "1"} {
		if _, err := o.admin.Session(context.Background(), id); !errors.Is(err, fqlx.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if _, err := o.admin.RevokeSession(context.Background(), id); !errors.Is(err, fqlx.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	}
}

func TestRevokeSession(t *testing.T) {
	o := newOffice(t)
	r := o.jwt("main", "auth0|ada", "sid")
	s, err := o.service.Exchange(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	other := o.login("main", "auth0|ada", "sid")
	ended, err := o.admin.RevokeSession(context.Background(), s.SessionID)
	if want := (fqlx.Ended{SessionID: s.SessionID, UserID: s.UserID, Tenant: "main", Subject: "auth0|ada", JWTHash: r.Hash, ClientID: "spa"}); err != nil || ended != want {
		t.Errorf("got %+v, %v", ended, err)
	}
	if o.live(s.Secret) || !o.live(other.Secret) {
		t.Error("the wrong session ended")
	}
	if _, err := o.service.Exchange(context.Background(), r); !errors.Is(err, fqlx.ErrRefused) {
		t.Errorf("the JWT was exchanged again: %v", err)
	}
}

// More than a transaction ends at once, and JWTs that were never seen.
func TestEndSessions(t *testing.T) {
	o := newOffice(t)
	const many = 230
	var secret string
	for range many {
		secret = o.login("main", "auth0|ada", "").Secret
	}
	grace, namesake := o.login("main", "auth0|grace", ""), o.login("other", "auth0|ada", "")
	unseen := o.jwt("main", "auth0|ada", "")
	ended, before, err := o.admin.EndSessions(context.Background(), user("main", "auth0|ada"))
	if err != nil || len(ended) != many {
		t.Fatalf("%d ended, %v", len(ended), err)
	}
	if !before.Truncate(time.Second).Equal(o.Now().Add(fqlx.Leeway)) {
		t.Errorf("before is %s, the engine's time %s", before, o.Now())
	}
	if o.live(secret) || !o.live(grace.Secret) || !o.live(namesake.Secret) {
		t.Error("the wrong sessions ended")
	}
	if _, err := o.service.Exchange(context.Background(), unseen); !errors.Is(err, fqlx.ErrRefused) {
		t.Errorf("a JWT that was never seen was exchanged: %v", err)
	}
	o.Advance(fqlx.Leeway + time.Second)
	o.login("main", "auth0|ada", "")
}

// A mark outlives every JWT that it covers: one of the last moment, of the longest life.
func TestMarksOfAdministratorsLast(t *testing.T) {
	ctx := context.Background()
	for name, deny := range map[string]func(a *fqlx.Admin) (before time.Time, err error){
		"revoked": func(a *fqlx.Admin) (time.Time, error) {
			_, before, err := a.EndSessions(ctx, user("main", "auth0|ada"))
			return before, err
		},
		"blocked, and no longer": func(a *fqlx.Admin) (time.Time, error) {
			done, err := a.BlockUser(ctx, "main", "auth0|ada")
			if err == nil {
				_, _, err = a.UnblockUser(ctx, "main", "auth0|ada")
			}
			return done.Before, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			before, err := deny(o.admin)
			if err != nil {
				t.Fatal(err)
			}
			const longest = 30 * 24 * time.Hour
			jwt := o.jwt("main", "auth0|ada", "")
			jwt.IssuedAt = before.Truncate(time.Second)
			jwt.ExpiresAt = jwt.IssuedAt.Add(longest)
			o.Advance(jwt.ExpiresAt.Sub(o.Now()) - 3*time.Second)
			var refused *fqlx.Refused
			if _, err := o.service.Exchange(ctx, jwt); !errors.As(err, &refused) || refused.Code != "denied" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestBlockUser(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	s := o.login("main", "auth0|ada", "sid")
	done, err := o.admin.BlockUser(ctx, "main", "auth0|ada")
	if err != nil || done.Created || !done.Changed || done.UserID != s.UserID || len(done.Ended) != 1 {
		t.Fatalf("got %+v, %v", done, err)
	}
	if o.live(s.Secret) {
		t.Error("the secret lives")
	}
	refused := func(want string) {
		t.Helper()
		_, err := o.service.Exchange(ctx, o.jwt("main", "auth0|ada", ""))
		var r *fqlx.Refused
		if !errors.As(err, &r) || r.Code != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	refused("blocked")
	if done, err = o.admin.BlockUser(ctx, "main", "auth0|ada"); err != nil || done.Changed || len(done.Ended) != 0 {
		t.Errorf("blocked again: %+v, %v", done, err)
	}
	u, err := o.admin.User(ctx, "main", "auth0|ada")
	if err != nil || !u.Blocked || u.Auth0Blocked || u.Sessions != 0 || !u.DeniedBefore.Equal(done.Before) || u.ID != s.UserID {
		t.Errorf("got %+v, %v", u, err)
	}

	// Unblocking leaves the mark: it is for the JWTs of before.
	u, changed, err := o.admin.UnblockUser(ctx, "main", "auth0|ada")
	if err != nil || !changed || u.Blocked {
		t.Errorf("unblocked: %+v, %v, %v", u, changed, err)
	}
	refused("denied")
	o.Advance(time.Minute)
	o.login("main", "auth0|ada", "")

	// What Auth0 says is Auth0's to take back.
	event := fqlx.UserEvent{Tenant: "main", Subject: "auth0|ada", Time: o.Now(), Blocked: true, Keep: time.Hour}
	if _, _, err := o.service.ApplyUserEvent(ctx, event); err != nil {
		t.Fatal(err)
	}
	u, changed, err = o.admin.UnblockUser(ctx, "main", "auth0|ada")
	if err != nil || changed || !u.Auth0Blocked || !u.Auth0EventAt.Equal(o.Now()) {
		t.Errorf("got %+v, %v, %v", u, changed, err)
	}
	refused("blocked")

	// Nobody has seen this one yet.
	done, err = o.admin.BlockUser(ctx, "main", "auth0|unseen")
	if err != nil || !done.Created || !done.Changed || done.UserID == "" {
		t.Errorf("got %+v, %v", done, err)
	}
	if _, err := o.service.Exchange(ctx, o.jwt("main", "auth0|unseen", "")); !errors.Is(err, fqlx.ErrRefused) {
		t.Errorf("got %v", err)
	}
	if _, err := o.admin.User(ctx, "other", "auth0|unseen"); !errors.Is(err, fqlx.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if _, _, err := o.admin.UnblockUser(ctx, "main", "auth0|nobody"); !errors.Is(err, fqlx.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestTenants(t *testing.T) {
	o := newOffice(t)
	if got, err := o.admin.Tenants(context.Background()); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	if err := o.service.RegisterTenants(context.Background(), []string{"other", "main"}); err != nil {
		t.Fatal(err)
	}
	if got, err := o.admin.Tenants(context.Background()); err != nil || !slices.Equal(got, []string{"main", "other"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// Only an administrator may ask: everybody else is refused, not told that there is nothing.
func TestAdministratorsOnly(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	s := o.login("main", "auth0|ada", "sid")
	page, err := o.admin.Sessions(ctx, fqlx.Selector{}, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	o.login("main", "auth0|grace", "")
	first, err := o.admin.Sessions(ctx, fqlx.Selector{}, "", 1)
	if err != nil || first.After == "" {
		t.Fatal(page, err)
	}
	calls := map[string]func(*fqlx.Admin) error{
		"list":      func(a *fqlx.Admin) error { _, err := a.Sessions(ctx, fqlx.Selector{}, "", 1); return err },
		"list user": func(a *fqlx.Admin) error { _, err := a.Sessions(ctx, user("main", "auth0|ada"), "", 1); return err },
		"next page": func(a *fqlx.Admin) error { _, err := a.Sessions(ctx, fqlx.Selector{}, first.After, 1); return err },
		"count":     func(a *fqlx.Admin) error { _, err := a.CountSessions(ctx, fqlx.Selector{}, 1); return err },
		"show":      func(a *fqlx.Admin) error { _, err := a.Session(ctx, s.SessionID); return err },
		"revoke":    func(a *fqlx.Admin) error { _, err := a.RevokeSession(ctx, s.SessionID); return err },
		"end":       func(a *fqlx.Admin) error { _, _, err := a.EndSessions(ctx, user("main", "auth0|ada")); return err },
		"user":      func(a *fqlx.Admin) error { _, err := a.User(ctx, "main", "auth0|ada"); return err },
		"block":     func(a *fqlx.Admin) error { _, err := a.BlockUser(ctx, "main", "auth0|ada"); return err },
		"unblock":   func(a *fqlx.Admin) error { _, _, err := a.UnblockUser(ctx, "main", "auth0|ada"); return err },
		"tenants":   func(a *fqlx.Admin) error { _, err := a.Tenants(ctx); return err },
	}
	secrets := map[string]struct {
		secret string
		want   error
	}{
		"the service's key": {o.key("token_exchange"), fqlx.ErrForbidden},
		"a session":         {s.Secret, fqlx.ErrForbidden},
		"server-readonly":   {o.key("server-readonly"), fqlx.ErrForbidden},
		"nobody":            {"fnAnonsense", fqlx.ErrUnauthorized},
	}
	for who, tt := range secrets {
		for what, call := range calls {
			err := call(o.as(tt.secret))
			if !errors.Is(err, tt.want) {
				t.Errorf("%s, %s: got %v, want %v", who, what, err, tt.want)
			} else if strings.Contains(err.Error(), tt.secret) {
				t.Errorf("%s, %s: %v", who, what, err)
			}
		}
	}
	if !o.live(s.Secret) {
		t.Error("the session ended")
	}
}
