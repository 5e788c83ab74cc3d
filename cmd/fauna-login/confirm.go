package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
)

var errNotConfirmed = errors.New("nothing was done")

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
