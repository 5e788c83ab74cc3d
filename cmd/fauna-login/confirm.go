package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx"
)

var errNotConfirmed = errors.New("nothing was done")

// confirmEnding asks before more than one session ends. question is given how many there are.
func (p *Program) confirmEnding(ctx context.Context, admin *fqlx.Admin, sel fqlx.Selector, question func(sessions string) string) error {
	n, err := admin.CountSessions(ctx, sel, fqlx.MostCounted)
	if err != nil || n <= 1 {
		return err
	}
	return p.confirm(ctx, question(counted(n)))
}

// confirm asks on the terminal. Without one nobody can say yes: that is a mistake of the command
// line, which lacks --yes.
func (p *Program) confirm(ctx context.Context, question string) error {
	if !p.Terminal {
		return usagef("--yes is needed where nobody can be asked: %s", question)
	}
	fmt.Fprint(p.Stderr, question, " [y/N] ")
	answer := make(chan string, 1)
	go func() { // reading does not end with ctx, but then the program does
		line, _ := bufio.NewReader(p.Stdin).ReadString('\n') // the end of input is a no
		answer <- line
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
		return errNotConfirmed
	}
}
