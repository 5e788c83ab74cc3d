package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/spf13/cobra"
)

func (p *Program) userCommand() *cobra.Command {
	return group("user", "Users: look at, block, unblock",
		p.userShowCommand(), p.userBlockCommand(), p.userUnblockCommand())
}

func (p *Program) userShowCommand() *cobra.Command {
	return p.userSubcommand(&cobra.Command{
		Use:   "show",
		Short: "Show whether a user is blocked and what lives of theirs",
		Long: `show prints a user: whether they are blocked, by whom, how many sessions live, and until when
issued JWTs are refused. It exits with 1 if nobody knows the user here: a user is known from
their first exchange on.`,
		Example: `  fauna-login user show --user 'auth0|5f7c8ec7c33c6c004bbafe82'`,
	}, p.userShow)
}

func (p *Program) userBlockCommand() *cobra.Command {
	var yes bool
	c := p.userSubcommand(&cobra.Command{
		Use:   "block",
		Short: "Keep a user out, and end their sessions",
		Long: `block sets the administrator's flag of a user: exchanges answer 403 from now on, and their sessions
end as with ` + "`fauna-login session revoke --user`" + `. Somebody who never was here is blocked too: the
user document is made to hold the flag. Nothing that Auth0 reports lifts this flag.

Ending more than one session asks first. Without a terminal to ask on it takes --yes.`,
		Example: `  fauna-login user block --user 'auth0|5f7c8ec7c33c6c004bbafe82'`,
	}, func(ctx context.Context, admin *fqlx.Admin, s account) error { return p.userBlock(ctx, admin, s, yes) })
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func (p *Program) userUnblockCommand() *cobra.Command {
	return p.userSubcommand(&cobra.Command{
		Use:   "unblock",
		Short: "Let a user in again",
		Long: `unblock takes the administrator's flag of a user away. What Auth0 itself says stays, and is said: a user
who is blocked there must be unblocked there. JWTs that were issued before the block stay refused;
the user logs in anew.`,
		Example: `  fauna-login user unblock --user 'auth0|5f7c8ec7c33c6c004bbafe82'`,
	}, p.userUnblock)
}

// userSubcommand completes a command on one user.
func (p *Program) userSubcommand(c *cobra.Command, run func(ctx context.Context, admin *fqlx.Admin, s account) error) *cobra.Command {
	var f selectorFlags
	c.Args = noArgs
	c.Long += "\n\nThe user is that of --user, of the session of --session, or of the sessions of --auth0-session."
	c.RunE = func(c *cobra.Command, _ []string) error {
		admin, err := f.open(p, c, required)
		if err != nil {
			return err
		}
		tenant, sub, err := f.subject(c.Context(), admin)
		if err == nil {
			err = run(c.Context(), admin, account{tenant, sub, f.json})
		}
		return explained(err)
	}
	f.add(c)
	return c
}

// account is the user that a command is about, and how to print.
type account struct {
	tenant, sub string
	json        bool
}

func (s account) String() string {
	return printable(s.sub) + " of the tenant " + printable(s.tenant)
}

func (p *Program) userShow(ctx context.Context, admin *fqlx.Admin, s account) error {
	user, err := admin.User(ctx, s.tenant, s.sub)
	if err != nil {
		return unknownUser(s, err)
	}
	if s.json {
		return writeJSON(p.Stdout, user)
	}
	sessions := fmt.Sprint(user.Sessions)
	if user.Sessions == fqlx.MostCounted {
		sessions += " or more"
	}
	denied := "-"
	if user.DeniedBefore != nil {
		denied = fmt.Sprintf("if issued until %s", timestampOf(user.DeniedBefore))
	}
	return p.printFields([][2]string{
		{"User", user.ID},
		{"Tenant", printable(user.Tenant)},
		{"Subject", printable(user.Subject)},
		{"Blocked", blockedBy(user)},
		{"Sessions", sessions},
		{"JWTs refused", denied},
		{"Auth0 last spoke", timestampOf(user.Auth0EventAt)},
		{"Deleted at Auth0", map[bool]string{true: "yes", false: "no"}[user.Deleted]},
	})
}

func unknownUser(s account, err error) error {
	if errors.Is(err, fqlx.ErrNotFound) {
		return fmt.Errorf("nobody knows %s here", s)
	}
	return err
}

func blockedBy(user fqlx.UserInfo) string {
	var by []string
	if user.Blocked {
		by = append(by, "by an administrator")
	}
	if user.Auth0Blocked {
		by = append(by, "by Auth0")
	}
	if len(by) == 0 {
		return "no"
	}
	return strings.Join(by, " and ")
}

func (p *Program) userBlock(ctx context.Context, admin *fqlx.Admin, s account, yes bool) error {
	if !yes {
		theirs := fqlx.Selector{Tenant: s.tenant, Kind: fqlx.KindUser, Value: s.sub}
		err := p.confirmEnding(ctx, admin, theirs, func(sessions string) string { return "Block " + s.String() + ", and end " + sessions + "?" })
		if err != nil {
			return err
		}
	}
	done, err := admin.BlockUser(ctx, s.tenant, s.sub)
	if errors.Is(err, fqlx.ErrRefused) || errors.Is(err, fqlx.ErrFunction) {
		return fmt.Errorf("blocking %s: the database refuses their user document: %w", s, err)
	}
	if err != nil {
		return err
	}
	if s.json {
		ids := make([]string, len(done.Ended))
		for i, e := range done.Ended {
			ids[i] = e.SessionID
		}
		return writeJSON(p.Stdout, struct {
			ID           string    `json:"id"`
			Tenant       string    `json:"tenant"`
			Subject      string    `json:"subject"`
			Created      bool      `json:"created"`
			Changed      bool      `json:"changed"`
			Ended        []string  `json:"ended"`
			DeniedBefore time.Time `json:"denied_before"`
		}{done.UserID, s.tenant, s.sub, done.Created, done.Changed, ids, done.Before})
	}
	what := "Blocked"
	switch {
	case done.Created:
		what = "Nobody knew them here: made a user document, and blocked"
	case !done.Changed:
		what = "Blocked already:"
	}
	_, err = fmt.Fprintf(p.Stdout, "%s %s. Ended %s.\n", what, s, counted(len(done.Ended)))
	return err
}

func (p *Program) userUnblock(ctx context.Context, admin *fqlx.Admin, s account) error {
	user, changed, err := admin.UnblockUser(ctx, s.tenant, s.sub)
	if err != nil {
		return unknownUser(s, err)
	}
	if s.json {
		return writeJSON(p.Stdout, struct {
			fqlx.UserInfo
			Changed bool `json:"changed"`
		}{user, changed})
	}
	line := "Unblocked " + s.String() + "."
	if !changed {
		line = "No administrator had blocked " + s.String() + "."
	}
	if user.Auth0Blocked {
		line += " They are still blocked by Auth0: unblock them there."
	} else if user.DeniedBefore != nil {
		line += " JWTs issued until " + timestampOf(user.DeniedBefore) + " stay refused; they log in anew."
	}
	_, err = fmt.Fprintln(p.Stdout, line)
	return err
}
