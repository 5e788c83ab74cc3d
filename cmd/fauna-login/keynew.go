package main

import (
	"fmt"

	"github.com/fauna-login/fauna-login/exchange"
	"github.com/spf13/cobra"
)

func (p *Program) keyNewCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "new",
		Short: "Make a key for session.keys and print it, this once",
		Long: "new makes a key for the key ring that seals cookies, session.keys, and prints it. It asks no Fauna.\n" +
			"To rotate, put the new key in front of the old one, and take the old one out when the last cookie\n" +
			"under it has expired.",
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.Stdout, exchange.NewKey())
			return err
		},
	}
}
