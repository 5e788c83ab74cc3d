package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/spf13/cobra"
)

func (p *Program) sessionCommand() *cobra.Command {
	return group("session", "Sessions: list, look at, end",
		p.sessionListCommand(), p.sessionShowCommand(), p.sessionRevokeCommand())
}

// listFlags are those of the commands that print sessions.
type listFlags struct {
	selectorFlags
	limit int
	after string
}

const pagingHelp = `
At most --limit sessions are printed. When there are more, the last line tells how to go on: on
stderr "more: repeat the command with --after CURSOR", or with --json as the last object on stdout
{"after":"CURSOR"}. Sessions made since the first page are on none of the later ones. A cursor is good
for some minutes; an older one is refused.`

func (f *listFlags) add(c *cobra.Command) {
	c.Long += "\n" + pagingHelp
	f.selectorFlags.add(c)
	c.Flags().IntVar(&f.limit, "limit", 100, "most sessions to print; 0 = all")
	c.Flags().StringVar(&f.after, "after", "", "go on after the sessions printed before: the cursor they ended with")
}

func (f *listFlags) open(p *Program, c *cobra.Command, n need) (*fqlx.Admin, error) {
	var mistakes []string
	if f.limit < 0 {
		mistakes = append(mistakes, "--limit: expected a number from 0")
	}
	if c.Flags().Changed("after") {
		if !validText(f.after) {
			mistakes = append(mistakes, "--after: expected the cursor that an earlier list ended with")
		} else if f.session != "" {
			mistakes = append(mistakes, "--session and --after exclude each other")
		}
		n = optional // the cursor knows
	}
	return f.selectorFlags.open(p, c, n, mistakes...)
}

func (p *Program) sessionListCommand() *cobra.Command {
	var f listFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "List live sessions",
		Long: `list prints the live sessions of a user, of an Auth0 session, or without a selector all of them, the
oldest first, as a table or with --json as one object per line. A session is live until its JWT
expires or somebody ends it; those of a blocked user are of no use.`,
		Example: `  fauna-login session list --user 'auth0|5f7c8ec7c33c6c004bbafe82'
  fauna-login session list --json --limit 0 | jq -r .subject | sort | uniq -c`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			admin, err := f.open(p, c, optional)
			if err != nil {
				return err
			}
			table := sessionTable{out: tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)}
			n, err := p.list(c.Context(), admin, f, table.print)
			if err == nil && n == 0 {
				fmt.Fprintln(p.Stderr, "No sessions.")
			}
			return err
		},
	}
	f.add(c)
	return c
}

func (p *Program) sessionShowCommand() *cobra.Command {
	var f listFlags
	c := &cobra.Command{
		Use:   "show",
		Short: "Show all that is known of sessions",
		Long: `show prints all that is known of a session, or of those of a user or an Auth0 session, but no
secret: the database holds only hashes. It exits with 1 if there is none.`,
		Example: `  fauna-login session show --session 413238417438113826`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			admin, err := f.open(p, c, required)
			if err != nil {
				return err
			}
			n, err := p.list(c.Context(), admin, f, p.printSessions)
			if err == nil && n == 0 {
				err = errors.New("there is no such session")
			}
			return err
		},
	}
	f.add(c)
	return c
}

// list prints the selected sessions, as JSON or by show, and where to go on. It returns their
// number.
func (p *Program) list(ctx context.Context, admin *fqlx.Admin, f listFlags, show func([]fqlx.SessionInfo) error) (n int, err error) {
	counted := func(sessions []fqlx.SessionInfo) error {
		n += len(sessions)
		if !f.json {
			return show(sessions)
		}
		for _, s := range sessions {
			if err := writeJSON(p.Stdout, s); err != nil {
				return err
			}
		}
		return nil
	}
	if f.session != "" {
		s, err := f.one(ctx, admin)
		if err == nil {
			err = counted([]fqlx.SessionInfo{s})
		}
		return n, explained(err)
	}
	sel, err := f.selector(ctx, admin)
	if err != nil {
		return 0, explained(err)
	}
	after, err := eachPage(ctx, admin, sel, f.after, f.limit, counted)
	switch {
	case err != nil:
		return n, explained(err)
	case after == "":
		return n, nil
	case f.json:
		return n, writeJSON(p.Stdout, map[string]string{"after": after})
	}
	fmt.Fprintf(p.Stderr, "more: repeat the command with --after %s\n", after)
	return n, nil
}

// eachPage hands the selected sessions to f, page by page, up to limit if that is not 0. It
// returns the cursor of those that remain.
func eachPage(ctx context.Context, admin *fqlx.Admin, sel fqlx.Selector, after string, limit int, f func([]fqlx.SessionInfo) error) (string, error) {
	const most = 100 // on a page: an answer stays well below what is read of one
	for left := limit; ; {
		size := most
		if limit > 0 {
			size = min(left, most)
		}
		page, err := admin.Sessions(ctx, sel, after, size)
		if err == nil {
			err = f(page.Sessions)
		}
		if err != nil {
			return "", err
		}
		after, left = page.After, left-len(page.Sessions)
		if after == "" || limit > 0 && left <= 0 {
			return after, nil
		}
	}
}

// sessionTable prints sessions as lines under one headline. The columns fit each page.
type sessionTable struct {
	out   *tabwriter.Writer
	begun bool
}

func (t *sessionTable) print(sessions []fqlx.SessionInfo) error {
	if !t.begun && len(sessions) > 0 {
		fmt.Fprintln(t.out, "ID\tTENANT\tSUBJECT\tCLIENT\tORIGIN\tISSUED\tEXPIRES\tAUTH0 SESSION")
		t.begun = true
	}
	for _, s := range sessions {
		fmt.Fprintf(t.out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			s.ID, printable(s.Tenant), printable(s.Subject), printable(clientOf(s)), printable(s.Origin),
			timestamp(s.IssuedAt), timestamp(s.ExpiresAt), printable(s.Auth0Session))
	}
	return t.out.Flush()
}

// clientOf is the client that the session was made for: of a server's, the server.
func clientOf(s fqlx.SessionInfo) string {
	return cmp.Or(s.ClientID, s.RequestedBy)
}

func (p *Program) printSessions(sessions []fqlx.SessionInfo) error {
	for i, s := range sessions {
		if i > 0 {
			if _, err := io.WriteString(p.Stdout, "\n"); err != nil {
				return err
			}
		}
		err := p.printFields([][2]string{
			{"Session", s.ID},
			{"Tenant", printable(s.Tenant)},
			{"Subject", printable(s.Subject)},
			{"User", s.UserID},
			{"Origin", printable(s.Origin)},
			{"Client", printable(s.ClientID)},
			{"Requested by", printable(s.RequestedBy)},
			{"Issuer", printable(s.Issuer)},
			{"Issued", timestamp(s.IssuedAt)},
			{"Expires", timestamp(s.ExpiresAt)},
			{"Auth0 session", printable(s.Auth0Session)},
			{"Link id", printable(s.LinkID)},
			{"Organisation", printable(s.OrgID)},
			{"Scope", printableList(s.Scope)},
			{"Permissions", printableList(s.Permissions)},
			{"JWT hash", printable(s.JWTHash)},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// printFields prints names and values in two columns.
func (p *Program) printFields(fields [][2]string) error {
	w := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
	for _, f := range fields {
		fmt.Fprintf(w, "%s\t%s\n", f[0], f[1])
	}
	return w.Flush()
}

// revokeFlags are those of `session revoke`.
type revokeFlags struct {
	selectorFlags
	yes bool
}

func (p *Program) sessionRevokeCommand() *cobra.Command {
	var f revokeFlags
	c := &cobra.Command{
		Use:   "revoke",
		Short: "End sessions at once",
		Long: `revoke ends sessions: their secrets answer 401 from the very next request on, and their JWTs are not
exchanged again. It prints the ids of what ended, or with --json an object for each.

--session ends one session and denies the JWT behind it until that expires. --user and
--auth0-session end all there are and leave a deny mark, also when there is none: JWTs issued
until now are refused, those never exchanged here too. "Now" is 30 seconds later than the
database's clock says, for Auth0's may be ahead: a user who logs in again within these is
refused once more. The mark stays for 30 days and 30 seconds, longer than any JWT that it
covers. The user may log in again; to keep them out, see ` + "`fauna-login user block`" + `.

Ending more than one session asks first. Without a terminal to ask on it takes --yes.`,
		Example: `  fauna-login session revoke --session 413238417438113826
  fauna-login session revoke --user 'auth0|5f7c8ec7c33c6c004bbafe82' --yes`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			admin, err := f.open(p, c, required)
			if err != nil {
				return err
			}
			if f.session != "" {
				return explained(p.revokeOne(c.Context(), admin, f))
			}
			return explained(p.revokeAll(c.Context(), admin, f))
		},
	}
	f.add(c)
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	return c
}

func (p *Program) revokeOne(ctx context.Context, admin *fqlx.Admin, f revokeFlags) error {
	s, err := f.one(ctx, admin)
	var ended fqlx.Ended
	if err == nil {
		ended, err = admin.RevokeSession(ctx, s.ID)
	}
	if errors.Is(err, fqlx.ErrNotFound) {
		fmt.Fprintf(p.Stderr, "There is no session %s: nothing to end.\n", f.session)
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.printEnded(f.json, ended); err != nil {
		return err
	}
	whose := printable(s.Subject)
	if s.Subject == "" {
		whose = "a user whose document is gone"
	}
	fmt.Fprintf(p.Stderr, "Ended 1 session of %s. %s\n", whose, refusedWith(s))
	return nil
}

// refusedWith says what is refused from now on, of a session that ended.
func refusedWith(s fqlx.SessionInfo) string {
	switch {
	case s.JWTHash != "":
		return "Its JWT is refused from now on."
	case s.LinkID != "":
		return "A server had made it: a JWT with its link id is refused from now on."
	}
	return "A server had made it: there is no JWT to refuse."
}

func (p *Program) revokeAll(ctx context.Context, admin *fqlx.Admin, f revokeFlags) error {
	sel, err := f.selector(ctx, admin)
	if err != nil {
		return err
	}
	whose := printable(sel.Value)
	if sel.Kind == fqlx.KindSession {
		whose = "the Auth0 session " + whose
	}
	if !f.yes {
		err := p.confirmEnding(ctx, admin, sel, func(sessions string) string { return "End " + sessions + " of " + whose + "?" })
		if err != nil {
			return err
		}
	}
	ended, before, err := admin.EndSessions(ctx, sel)
	if printErr := p.printEnded(f.json, ended...); err == nil {
		err = printErr
	}
	if err != nil {
		return err
	}
	what := "Ended " + counted(len(ended)) + " of " + whose
	if len(ended) == 0 {
		what = "There was no session of " + whose + " to end"
	}
	fmt.Fprintf(p.Stderr, "%s. Every JWT issued until %s is refused from now on.\n", what, timestamp(before))
	return nil
}

// counted is a number of sessions. Counting may have ended at the most.
func counted(n int) string {
	switch n {
	case 1:
		return "1 session"
	case fqlx.MostCounted:
		return fmt.Sprintf("%d sessions or more", n)
	}
	return fmt.Sprintf("%d sessions", n)
}

// printEnded prints the ids of sessions that ended, or an object for each.
func (p *Program) printEnded(asJSON bool, ended ...fqlx.Ended) error {
	for _, e := range ended {
		var err error
		if asJSON {
			err = writeJSON(p.Stdout, struct {
				ID       string `json:"id"`
				UserID   string `json:"user_id"`
				ClientID string `json:"client_id"`
				JWTHash  string `json:"jwt_hash"`
			}{e.SessionID, e.UserID, e.ClientID, e.JWTHash})
		} else {
			_, err = fmt.Fprintln(p.Stdout, e.SessionID)
		}
		if err != nil {
			return fmt.Errorf("sessions have ended, but printing them: %w", err)
		}
	}
	return nil
}

// timestampOf is timestamp for a time that may be absent.
func timestampOf(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return timestamp(*t)
}
