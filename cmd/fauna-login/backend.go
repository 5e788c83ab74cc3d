package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/fauna-login/fauna-login/fqlx/engine"
)

// embedded is the embedded engine with the schema in it, and the service's key to it.
type embedded struct {
	*engine.Engine
	root, service string // secrets
}

// embeddedConfig says how to run the embedded engine.
type embeddedConfig struct {
	dir            string // empty: in memory
	rootSecret     string // empty: kept in the directory, made when it is not there
	userCollection string
	cacheMB        int
	origins        func(origin string) bool // who may query from a browser
	now            func() time.Time
	log            *slog.Logger
}

// inProcess is the endpoint of an engine in this process; the transport does not look at it.
const inProcess = "http://engine.internal"

// openEmbedded opens the engine, brings its schema up to date and finds or makes the service's
// key.
func openEmbedded(ctx context.Context, c embeddedConfig) (*embedded, error) {
	root, err := rootSecret(c)
	if err != nil {
		return nil, err
	}
	options := engine.Options{
		RootSecret:  root,
		CacheMB:     c.cacheMB,
		AllowOrigin: c.origins,
		Now:         c.now,
		Log:         c.log,
	}
	if c.dir == "" {
		options.Memory = true
	} else {
		options.Dir = filepath.Join(c.dir, "db")
	}
	opened, err := engine.Open(options)
	if err != nil {
		return nil, err
	}
	e := &embedded{Engine: opened, root: root}
	if err = e.pushSchema(ctx, c); err == nil {
		err = e.findServiceKey(ctx, c)
	}
	if err != nil {
		_ = e.Close() // the first error says more
		return nil, err
	}
	return e, nil
}

func rootSecret(c embeddedConfig) (string, error) {
	switch {
	case c.rootSecret != "":
		return c.rootSecret, makeDir(c.dir)
	case c.dir == "":
		return newSecret(), nil
	}
	if err := makeDir(c.dir); err != nil {
		return "", err
	}
	return keepSecret(filepath.Join(c.dir, rootSecretFile), func() (string, error) { return newSecret(), nil })
}

func makeDir(dir string) error {
	if dir == "" {
		return nil
	}
	return os.MkdirAll(dir, 0o700)
}

// client is how this process talks to the engine, with one of its secrets.
func (e *embedded) client(secret string, log *slog.Logger) fqlx.Config {
	return fqlx.Config{Endpoint: inProcess, Secret: secret, Transport: e.Transport(), Trusted: true, Log: log}
}

func (e *embedded) pushSchema(ctx context.Context, c embeddedConfig) error {
	admin := fqlx.NewAdmin(e.client(e.root, c.log))
	plan, err := admin.Plan(ctx, c.userCollection)
	if err == nil && len(plan.Files) > 0 {
		if err = admin.Push(ctx, plan); err == nil {
			c.log.Info("pushed the schema of the exchange", "version", fqlx.WantSchema)
		}
	}
	if err != nil {
		return fmt.Errorf("pushing the schema for the user collection %s: %w", c.userCollection, err)
	}
	return nil
}

// findServiceKey takes the key in the directory if the database knows it, else makes one.
func (e *embedded) findServiceKey(ctx context.Context, c embeddedConfig) error {
	file := filepath.Join(c.dir, serviceSecretFile)
	if c.dir != "" {
		secret, err := readSecret(file)
		if err == nil {
			if _, err = fqlx.New(e.client(secret, c.log)).SchemaVersion(ctx); err == nil {
				e.service = secret
				return nil
			}
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errEmptySecret) && !errors.Is(err, fqlx.ErrUnauthorized) {
			return fmt.Errorf("checking the service's key: %w", err)
		}
	}
	_, secret, err := fqlx.NewAdmin(e.client(e.root, c.log)).CreateKey(ctx, serviceRole)
	if err != nil {
		return fmt.Errorf("making the service's key: %w", err)
	}
	e.service = secret
	if c.dir == "" {
		return nil
	}
	c.log.Info("made a key for the service; earlier ones work until they are deleted", "file", file)
	return writeSecret(file, secret)
}

// liveSessions counts the live sessions, as of the engine's last sweep.
func (e *embedded) liveSessions() float64 { return float64(e.Stats().Documents["auth0_jwt"]) }
