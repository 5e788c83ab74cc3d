package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/spf13/cobra"
)

// selectorFlags say whose sessions, or which, a command is about.
type selectorFlags struct {
	adminFlags
	user, session, auth0Session, tenant string
	json                                bool
}

// selectorHelp is part of the help of each command with a selector.
const selectorHelp = `
--user is Auth0's subject, such as "auth0|5f7c8ec7c33c6c004bbafe82"; --auth0-session is Auth0's
session id; --session is the id of one of our sessions, as ` + "`session list`" + ` shows it. A subject and
an Auth0 session belong to a tenant of fauna-login's configuration: with several, --tenant says
which. The database knows their names from the first time that the service was ready.

The secret is one of the role admin or server, never the service's key.`

func (f *selectorFlags) add(c *cobra.Command) {
	f.adminFlags.add(c)
	c.Long += "\n" + selectorHelp
	c.Flags().StringVar(&f.user, "user", "", "the user's subject at Auth0")
	c.Flags().StringVar(&f.session, "session", "", "id of one session")
	c.Flags().StringVar(&f.auth0Session, "auth0-session", "", "Auth0's session id")
	c.Flags().StringVar(&f.tenant, "tenant", "", "tenant of the user or Auth0 session, when there are several")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON, one object per line")
}

// need says whether a command does without a selector.
type need bool

const (
	optional need = false
	required need = true
)

// open checks the selector and opens the database: all mistakes at once.
func (f *selectorFlags) open(p *Program, c *cobra.Command, n need, more ...string) (*fqlx.Admin, error) {
	mistakes := append(f.mistakes(c, n), more...)
	admin, err := p.open(f.adminFlags)
	var usage *usageError
	if errors.As(err, &usage) {
		mistakes = append(mistakes, usage.lines...)
	}
	if len(mistakes) > 0 {
		return nil, &usageError{mistakes}
	}
	return admin, err
}

func (f *selectorFlags) mistakes(c *cobra.Command, n need) (lines []string) {
	var named []string
	check := func(flag string, valid bool, expected string) {
		if !c.Flags().Changed(flag) {
			return
		}
		if flag != "tenant" {
			named = append(named, "--"+flag)
		}
		if !valid {
			lines = append(lines, fmt.Sprintf("--%s: expected %s", flag, expected))
		}
	}
	check("user", validSubject(f.user), "Auth0's subject, such as auth0|5f7c8ec7c33c6c004bbafe82")
	_, err := strconv.ParseUint(f.session, 10, 63)
	check("session", err == nil, "the id of a session, a number; Auth0's goes with --auth0-session")
	check("auth0-session", validText(f.auth0Session), "Auth0's session id")
	check("tenant", validText(f.tenant), "the name of a tenant")
	switch {
	case len(named) > 1:
		lines = append(lines, strings.Join(named, " and ")+" exclude each other")
	case len(named) == 0 && n == required:
		lines = append(lines, "--user, --session or --auth0-session is needed")
	case len(named) == 0 && f.tenant != "":
		lines = append(lines, "--tenant goes with --user, --session or --auth0-session")
	}
	return lines
}

// validSubject reports whether s is what an access token may have as `sub`. What is none, such as
// a mail address, would select nobody, or block somebody who cannot exist.
func validSubject(s string) bool {
	provider, id, _ := strings.Cut(s, "|")
	return validText(s) && len(s) <= 255 && provider != "" && id != "" && strings.TrimSpace(s) == s
}

func validText(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// selector names the tenant and returns what the flags select beside --session.
func (f *selectorFlags) selector(ctx context.Context, admin *fqlx.Admin) (fqlx.Selector, error) {
	if f.user == "" && f.auth0Session == "" {
		return fqlx.Selector{}, nil
	}
	tenant, err := f.findTenant(ctx, admin)
	if f.user != "" {
		return fqlx.Selector{Tenant: tenant, Kind: fqlx.KindUser, Value: f.user}, err
	}
	return fqlx.Selector{Tenant: tenant, Kind: fqlx.KindSession, Value: f.auth0Session}, err
}

// findTenant is --tenant or the only one there is.
func (f *selectorFlags) findTenant(ctx context.Context, admin *fqlx.Admin) (string, error) {
	known, err := admin.Tenants(ctx)
	names := make([]string, len(known))
	for i, name := range known {
		names[i] = printable(name)
	}
	list := strings.Join(names, ", ")
	switch {
	case err != nil:
		return "", err
	case f.tenant != "" && (len(known) == 0 || slices.Contains(known, f.tenant)):
		return f.tenant, nil
	case f.tenant != "":
		return "", usagef("--tenant: there is no tenant %s; there are: %s", printable(f.tenant), list)
	case len(known) == 1:
		return known[0], nil
	case len(known) == 0:
		return "", usagef("--tenant is needed: the database knows no tenants yet, for the service was never ready")
	}
	return "", usagef("--tenant is needed, one of: %s", list)
}

// one returns the session of --session. With --tenant it must be of that tenant.
func (f *selectorFlags) one(ctx context.Context, admin *fqlx.Admin) (fqlx.SessionInfo, error) {
	s, err := admin.Session(ctx, f.session)
	if errors.Is(err, fqlx.ErrNotFound) {
		return s, fmt.Errorf("session %s: %w", f.session, err)
	}
	if err == nil && f.tenant != "" && f.tenant != s.Tenant {
		return s, fmt.Errorf("session %s is of the tenant %s", s.ID, printable(s.Tenant))
	}
	return s, err
}

// subject returns the user that the flags select.
func (f *selectorFlags) subject(ctx context.Context, admin *fqlx.Admin) (tenant, subject string, err error) {
	if f.session != "" {
		s, err := f.one(ctx, admin)
		if err == nil && s.Subject == "" {
			err = fmt.Errorf("the user document of session %s is gone; name the user by --user", s.ID)
		}
		return s.Tenant, s.Subject, err
	}
	sel, err := f.selector(ctx, admin)
	if err != nil || sel.Kind == fqlx.KindUser {
		return sel.Tenant, sel.Value, err
	}
	found := false
	_, err = eachPage(ctx, admin, sel, "", 0, func(sessions []fqlx.SessionInfo) error {
		for _, s := range sessions {
			found = true
			switch {
			case s.Subject == "": // the user document is gone
			case subject == "":
				subject = s.Subject
			case s.Subject != subject:
				return fmt.Errorf("the Auth0 session %s has sessions of several users; name one by --user", printable(sel.Value))
			}
		}
		return nil
	})
	switch {
	case err != nil:
	case !found:
		err = fmt.Errorf("there is no session of the Auth0 session %s; name the user by --user", printable(sel.Value))
	case subject == "":
		err = fmt.Errorf("the user document of every session of the Auth0 session %s is gone; name the user by --user", printable(sel.Value))
	}
	return sel.Tenant, subject, err
}

// explained says of an error of the database what an administrator can do about it.
func explained(err error) error {
	switch {
	case errors.Is(err, fqlx.ErrForbidden):
		return fmt.Errorf("the secret may not do this: use one of the role admin or server, not the service's key or a session's secret (%w)", err)
	case errors.Is(err, fqlx.ErrInvalid):
		return fmt.Errorf("the database lacks the schema of this fauna-login; push it first: fauna-login schema push (%w)", err)
	case errors.Is(err, fqlx.ErrCursor):
		return fmt.Errorf("--after: the cursor is broken, too old, or of another list; start again without it (%w)", err)
	}
	return err
}
