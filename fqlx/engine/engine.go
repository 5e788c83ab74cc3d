package engine

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/eval"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
)

// Options configure an engine. Dir or Memory is needed, and RootSecret.
type Options struct {
	Dir    string // of the data; made when absent, mode 0700
	Memory bool   // keep everything in memory instead
	// RootSecret is the secret that may do everything. It is not stored.
	RootSecret string
	CacheMB    int              // block cache; default 64
	Now        func() time.Time // default time.Now
	Rand       io.Reader        // of secrets; default crypto/rand.Reader
	Log        *slog.Logger     // default slog.Default()
	// AllowOrigin reports whether pages of an origin may call PublicHandler; nil allows none.
	AllowOrigin func(origin string) bool
}

// Engine is an open database. Its methods are safe for concurrent use.
type Engine struct {
	db          *eval.Database
	store       *store.Store
	log         *slog.Logger
	now         func() time.Time
	allowOrigin func(string) bool
	rootSecret  string
}

// Open opens the database of a directory, which no other process may have open.
func Open(o Options) (*Engine, error) {
	switch {
	case o.RootSecret == "":
		return nil, errors.New("opening the engine: a root secret is needed")
	case strings.ContainsAny(o.RootSecret, ": \t\r\n"):
		return nil, errors.New("opening the engine: the root secret must not hold a colon, which begins a scope, or white space")
	case o.Memory == (o.Dir != ""):
		return nil, errors.New("opening the engine: either a directory or memory is needed")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.AllowOrigin == nil {
		o.AllowOrigin = func(string) bool { return false }
	}
	st, err := store.Open(store.Options{
		Dir:        o.Dir,
		Memory:     o.Memory,
		CacheBytes: int64(o.CacheMB) << 20,
		Now:        o.Now,
		Log:        o.Log,
		Classify:   classify,
	})
	if err != nil {
		return nil, err
	}
	db, err := eval.New(eval.Options{
		Store:       st,
		RootSecret:  o.RootSecret,
		Now:         o.Now,
		Rand:        o.Rand,
		Log:         o.Log,
		TokenLimits: tokenLimits,
	})
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return &Engine{db: db, store: st, log: o.Log, now: o.Now, allowOrigin: o.AllowOrigin, rootSecret: o.RootSecret}, nil
}

// tokenLimits bound a query that comes with a token's secret: such a secret is in the hands
// of a browser. They are a tenth or less of what a server may use.
var tokenLimits = eval.Limits{
	Steps:   200_000,
	Frames:  512,
	Built:   32 << 20,
	Scanned: 50_000,
	Result:  4 << 20,
}

// Close waits for running queries and closes the files. Requests that come later get 503.
func (e *Engine) Close() error { return e.store.Close() }

// File is an FSL file.
type File struct{ Name, Content string }

// Push makes the given files part of the schema, as an administrator. Files of other names
// stay. It returns the schema's version, the commit time (µs) of its last change; if the
// files are there already nothing is written.
func (e *Engine) Push(ctx context.Context, files ...File) (version int64, err error) {
	push := eval.PushRequest{Files: make([]schema.File, len(files))}
	for i, f := range files {
		push.Files[i] = schema.File(f)
	}
	res, err := e.db.Push(ctx, e.rootSecret, push)
	return res.Version, err
}
