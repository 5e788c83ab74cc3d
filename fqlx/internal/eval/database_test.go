package eval

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

const rootSecret = "root"

// testDB is a database in memory with a clock that stands still until it is moved.
type testDB struct {
	*Database
	t     testing.TB
	clock *atomic.Int64 // µs
}

// start is where the clock of a test begins.
var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func newTestDB(t testing.TB, fsl string) *testDB {
	t.Helper()
	clock := &atomic.Int64{}
	clock.Store(start.UnixMicro())
	now := func() time.Time { return time.UnixMicro(clock.Load()) }
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(store.Options{Memory: true, Now: now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	db, err := New(Options{Store: s, Now: now, Log: log, RootSecret: rootSecret, PasswordCost: bcrypt.MinCost})
	if err != nil {
		t.Fatal(err)
	}
	out := &testDB{db, t, clock}
	if fsl != "" {
		out.push(fsl)
	}
	return out
}

// in returns db for a subtest.
func (db *testDB) in(t *testing.T) *testDB {
	sub := *db
	sub.t = t
	return &sub
}

// advance moves the clock.
func (db *testDB) advance(d time.Duration) { db.clock.Add(d.Microseconds()) }

// push makes fsl the schema.
func (db *testDB) push(fsl string) int64 {
	db.t.Helper()
	res, err := db.Push(context.Background(), rootSecret, PushRequest{
		Override: true, Files: []schema.File{{Name: "main.fsl", Content: fsl}},
	})
	if err != nil {
		db.t.Fatalf("push: %v", err)
	}
	return res.Version
}

// try runs a query with a secret.
func (db *testDB) try(secret, fql string, values ...value.Value) (*Result, error) {
	for i := range values {
		fql = strings.Replace(fql, "$$", "\x00", 1)
		_ = i
	}
	return db.Query(context.Background(), &Request{Text: fql, Secret: secret, Values: values})
}

// as runs a query that must succeed, and returns its result in the simple format.
func (db *testDB) as(secret, fql string, values ...value.Value) string {
	db.t.Helper()
	res, err := db.try(secret, fql, values...)
	if err != nil {
		summary := ""
		if res != nil {
			summary = res.Summary
		}
		db.t.Fatalf("%s\n%v\n%s", fql, err, summary)
	}
	return string(value.AppendJSON(nil, res.Data, value.Simple))
}

func (db *testDB) run(fql string, values ...value.Value) string {
	db.t.Helper()
	return db.as(rootSecret, fql, values...)
}

// tagged runs a query that must succeed, and returns its result in the tagged format.
func (db *testDB) tagged(secret, fql string) string {
	db.t.Helper()
	res, err := db.try(secret, fql)
	if err != nil {
		db.t.Fatalf("%s\n%v", fql, err)
	}
	return string(value.AppendJSON(nil, res.Data, value.Tagged))
}

// text runs a query that must give a string.
func (db *testDB) text(secret, fql string) string {
	db.t.Helper()
	return strings.Trim(db.as(secret, fql), `"`)
}

// fails runs a query that must fail with a code, and returns its error.
func (db *testDB) fails(secret, code, fql string) *Error {
	db.t.Helper()
	res, err := db.try(secret, fql)
	var e *Error
	if !errors.As(err, &e) {
		got := ""
		if err == nil {
			got = string(value.AppendJSON(nil, res.Data, value.Simple))
		}
		db.t.Fatalf("%s\ngot %s, %v, want %s", fql, got, err, code)
	}
	if e.Code != code {
		db.t.Fatalf("%s\ngot %v, want %s", fql, e, code)
	}
	if res.TxnTime == 0 || res.Summary == "" {
		db.t.Errorf("%s\na failed query has no transaction time or no summary: %+v", fql, res)
	}
	return e
}

// is checks the result of a query of the root's.
func (db *testDB) is(fql, want string) {
	db.t.Helper()
	if got := db.run(fql); got != want {
		db.t.Errorf("%s\n got %s\nwant %s", fql, got, want)
	}
}

func simple(v value.Value) string { return string(value.AppendJSON(nil, v, value.Simple)) }
