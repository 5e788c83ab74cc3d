package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Program is one run of the command, with everything it touches of the world. Tests start the
// very same.
type Program struct {
	Args           []string
	Env            []string // KEY=value
	Dir            string   // where fauna-login.yaml is looked for; empty is the working directory
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal: somebody sits at Stdin and can be asked.
	Terminal bool
	Now      func() time.Time
	// Started, if set, is told the addresses once all listeners of serve, dev or engine answer.
	Started func(Addresses)
}

// Addresses are where a running program listens, host:port; empty where it does not.
type Addresses struct{ Public, Admin, Fauna, Auth0 string }

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2 // a mistake in the configuration or on the command line
)

// usageError is a mistake of the caller's, one line for each.
type usageError struct{ lines []string }

func (e *usageError) Error() string { return strings.Join(e.lines, "\n") }

func usagef(format string, args ...any) error {
	return &usageError{[]string{fmt.Sprintf(format, args...)}}
}

// errLogged is a failure that the log has told about.
var errLogged = errors.New("see the log")

// Run executes the command line and returns the exit code. It ends soon after ctx does.
func (p *Program) Run(ctx context.Context) int {
	root := p.root()
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		for _, line := range usage.lines {
			fmt.Fprintln(p.Stderr, "fauna-login:", line)
		}
		return exitUsage
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitOK // told to stop while starting
	case errors.Is(err, errLogged):
		return exitFailure
	}
	fmt.Fprintln(p.Stderr, "fauna-login:", err)
	return exitFailure
}

func (p *Program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "fauna-login",
		Short:         "Exchange an Auth0 JWT for a short-lived Fauna secret",
		Long:          "fauna-login exchanges an Auth0 JWT for a short-lived Fauna secret.\n\nStart with `fauna-login dev`: the whole thing on this machine, no account anywhere.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%v; see `%s --help`", err, c.CommandPath())
	})
	root.AddCommand(p.devCommand(), p.serveCommand(), p.engineCommand(), p.schemaCommand(), p.keyCommand(),
		p.sessionCommand(), p.userCommand(), p.versionCommand())
	return root
}

// noArgs refuses what is neither a command nor a flag, with the nearest command's name.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	c.SuggestionsMinimumDistance = 1 // letter that may differ
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("; did you mean %q?", near[0])
	}
	if c.HasSubCommands() {
		return usagef("unknown command %q for %q%s", args[0], c.CommandPath(), hint)
	}
	return usagef("unexpected argument %q for %q", args[0], c.CommandPath())
}

// group is a command that only holds others.
func group(use, short string, subcommands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return usagef("%q needs a command; see `%s --help`", c.CommandPath(), c.CommandPath())
		},
	}
	c.AddCommand(subcommands...)
	return c
}

// getenv returns the value of an environment variable.
func (p *Program) getenv(name string) (string, bool) {
	for i := len(p.Env) - 1; i >= 0; i-- {
		if key, value, _ := strings.Cut(p.Env[i], "="); key == name {
			return value, true
		}
	}
	return "", false
}
