package main

import (
	"context"
	"path/filepath"

	"github.com/fauna-login/fauna-login/config"
	"github.com/fauna-login/fauna-login/exchange/auth0test"
	"github.com/fauna-login/fauna-login/fqlx/engine"
	"github.com/spf13/cobra"
)

// defaultRoot is the root secret of `engine --memory` on loopback, as in Fauna's own image.
const defaultRoot = "secret"

// engineFlags are the flags of `engine`.
type engineFlags struct {
	listen, data, rootSecretFile string
	memory                       bool
}

func (p *Program) engineCommand() *cobra.Command {
	var f engineFlags
	c := &cobra.Command{
		Use:   "engine",
		Short: "Run the embedded Fauna-compatible engine alone",
		Long: "engine runs the embedded Fauna-compatible engine alone on its wire port, for tests, the fauna CLI and other apps.\n\n" +
			"The root secret comes from FAUNA_ROOT_SECRET or --root-secret-file; else it is kept in " + rootSecretFile + " in the\n" +
			"data directory. With --memory on loopback it is \"secret\", as in Fauna's own image.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.engine(c.Context(), f) },
	}
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8443", "address to listen on")
	c.Flags().StringVar(&f.data, "data", "", "directory of the database")
	c.Flags().BoolVar(&f.memory, "memory", false, "keep the database in memory")
	c.Flags().StringVar(&f.rootSecretFile, "root-secret-file", "", "file with the root secret")
	return c
}

func (p *Program) engine(ctx context.Context, f engineFlags) error {
	if err := config.CheckListen(f.listen); err != nil {
		return usagef("--listen: %v", err)
	}
	if f.memory == (f.data != "") {
		return usagef("--data or --memory is needed: a directory to keep the database in, or none")
	}
	root, err := p.engineRoot(f)
	if err != nil {
		return err
	}
	log := newLogger(p.Stderr, "text", "info")
	options := engine.Options{Memory: f.memory, RootSecret: root, Now: p.Now, Log: log}
	if f.data != "" {
		options.Dir = filepath.Join(f.data, "db")
	}
	run := &servers{log: log}
	defer run.close()
	wire, err := run.listen("the wire port", f.listen)
	if err != nil {
		return err
	}
	e, err := engine.Open(options)
	if err != nil {
		return err
	}
	wire.http.Handler = e.Handler()
	if root == defaultRoot {
		// Everybody knows it: keep the pages of other sites, which could use it, away.
		wire.http.Handler = auth0test.LoopbackOnly(wire.http.Handler)
	}
	log.Info("serving", "fauna", wire.address)
	if p.Started != nil {
		p.Started(Addresses{Fauna: wire.address})
	}
	err = run.run(ctx)
	if closeErr := e.Close(); err == nil {
		err = closeErr
	}
	log.Info("stopped")
	return err
}

// engineRoot finds the root secret.
func (p *Program) engineRoot(f engineFlags) (string, error) {
	if secret, ok := p.getenv("FAUNA_ROOT_SECRET"); ok && secret != "" {
		if f.rootSecretFile != "" {
			return "", usagef("--root-secret-file and FAUNA_ROOT_SECRET are both set; use one")
		}
		return secret, nil
	}
	switch {
	case f.rootSecretFile != "":
		secret, err := readSecret(f.rootSecretFile)
		if err != nil {
			return "", usagef("--root-secret-file: %v", err)
		}
		return secret, nil
	case f.memory && config.LoopbackAddress(f.listen):
		return defaultRoot, nil
	case f.memory:
		return "", usagef("FAUNA_ROOT_SECRET or --root-secret-file is needed: %s is not a loopback address", f.listen)
	}
	return rootSecret(embeddedConfig{dir: f.data})
}
