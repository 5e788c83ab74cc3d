package eval

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// Options configure a [Database].
type Options struct {
	Store *store.Store
	// Now is the clock of document ids and of the query times in [Stats]; default time.Now.
	// What queries see is the store's.
	Now  func() time.Time
	Rand io.Reader    // default crypto/rand
	Log  *slog.Logger // default slog.Default()
	// RootSecret is a secret with all rights, without a document behind it; empty is none. It
	// may not contain a colon, which begins a scope.
	RootSecret string
	// Limits bound each query, TokenLimits one with a token's secret or on the public listener:
	// such a secret is in the hands of a browser.
	Limits, TokenLimits Limits
	// PasswordCost is bcrypt's, 4 to 31, for passwords that are set from now on; default 10,
	// about 60 ms. For tests.
	PasswordCost int
}

// Database runs queries. It is safe for concurrent use. The store stays the caller's to close.
type Database struct {
	opt     Options
	store   *store.Store
	log     *slog.Logger
	root    *[sha256.Size]byte // nil: there is no root secret
	meta    meta
	cursors cipher.AEAD
	ids     *snowflakes
	current atomic.Pointer[prepared]
	lastKey atomic.Pointer[usedKey]
	queries *queryCache
}

// meta is what a database is given when it is made, and keeps.
type meta struct {
	GlobalID  uint64 // in every token: a token of another database is not good here
	CursorKey [32]byte
}

var (
	keyMeta          = []byte{'m'}
	keySchema        = []byte{'s'}
	keySchemaVersion = []byte{'v'}
)

// New opens the database in a store, which it makes if it is empty.
func New(opt Options) (*Database, error) {
	if opt.Store == nil {
		return nil, errors.New("a database needs a store")
	}
	if strings.Contains(opt.RootSecret, ":") {
		return nil, errors.New("the root secret contains a colon, which begins a scope")
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Rand == nil {
		opt.Rand = rand.Reader
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.PasswordCost == 0 {
		opt.PasswordCost = bcrypt.DefaultCost
	}
	db := &Database{
		opt:     opt,
		store:   opt.Store,
		log:     opt.Log,
		ids:     &snowflakes{now: opt.Now, rand: opt.Rand},
		queries: newQueryCache(queryCacheBytes),
	}
	if opt.RootSecret != "" {
		sum := sha256.Sum256([]byte(opt.RootSecret))
		db.root = &sum
	}
	db.opt.RootSecret = "" // the hash will do
	if err := db.open(); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	return db, nil
}

func (db *Database) open() error {
	_, err := db.store.Update(context.Background(), store.UpdateOptions{}, func(tx *store.Tx) error {
		if err := db.readMeta(tx); err != nil {
			return err
		}
		p, err := db.prepared(tx)
		if err != nil {
			return err
		}
		return db.noteIDs(tx, p)
	})
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(db.meta.CursorKey[:])
	if err != nil {
		return err
	}
	if db.cursors, err = cipher.NewGCM(block); err != nil {
		return err
	}
	db.store.Retire(db.retired)
	return nil
}

func (db *Database) readMeta(tx *store.Tx) error {
	e, ok, err := tx.Get(keyMeta)
	if err != nil {
		return err
	}
	const size = 8 + len(db.meta.CursorKey)
	if !ok {
		data := make([]byte, size)
		if _, err := io.ReadFull(db.opt.Rand, data); err != nil {
			return fmt.Errorf("making keys: %w", err)
		}
		tx.Put(store.Key{Prefix: keyMeta}, data, 0)
		e.Data = data
	}
	if len(e.Data) != size {
		return errors.New("its keys cannot be read")
	}
	db.meta.GlobalID = binary.BigEndian.Uint64(e.Data)
	copy(db.meta.CursorKey[:], e.Data[8:])
	return nil
}

// GlobalID is the number that all tokens of this database carry.
func (db *Database) GlobalID() uint64 { return db.meta.GlobalID }

// Schema returns the schema of now.
func (db *Database) Schema(ctx context.Context) (*schema.Schema, error) {
	var s *schema.Schema
	_, err := db.store.Update(ctx, store.UpdateOptions{}, func(tx *store.Tx) error {
		p, err := db.prepared(tx)
		if err == nil {
			s = p.Schema
		}
		return err
	})
	return s, err
}

// Authenticate finds out who a secret stands for, as [Database.Query] does. Errors:
// [ErrUnauthorized], and those of the store.
func (db *Database) Authenticate(ctx context.Context, secret string, public bool) (Caller, error) {
	var caller Caller
	_, err := db.update(ctx, store.UpdateOptions{}, func(tx *store.Tx, p *passwords) error {
		ev, err := db.evaluator(tx, p)
		if err == nil {
			caller, err = ev.authenticate(secret, public)
		}
		return err
	})
	if err != nil {
		return Caller{}, unlessContended(err)
	}
	return caller, nil
}

// evaluator makes the evaluator of one attempt, with no rights and the smaller limits.
func (db *Database) evaluator(tx *store.Tx, p *passwords) (*evaluator, error) {
	s, err := db.prepared(tx)
	if err != nil {
		return nil, err
	}
	ev := newEvaluator(db, tx, s)
	ev.passwords, ev.budget.steps = p, p.steps
	return ev, nil
}

// ErrTimeout says that a query did not end before its deadline.
var ErrTimeout = errors.New("query timed out")

// Contended says that other transactions kept changing what the query had read. It had no
// effect and may be sent again.
type Contended struct {
	What    string // "Coll(id)", "schema", or empty
	Retries int
}

func (c *Contended) Error() string {
	if c.What == "" {
		return "Transaction was aborted due to detection of concurrent modification."
	}
	return "Transaction was aborted due to detection of concurrent modifications to " + c.What + "."
}

func unlessContended(err error) error {
	var conflict *store.ConflictError
	if errors.As(err, &conflict) {
		return &Contended{}
	}
	return err
}

// contended names what a transaction conflicted about.
func (db *Database) contended(conflict *store.ConflictError, retries int) *Contended {
	c := &Contended{Retries: retries}
	switch key := conflict.Key.Prefix; {
	case len(key) == 0:
	case key[0] == keySchemaVersion[0]:
		c.What = "schema"
	case key[0] == prefixDocument && len(key) == 5+idLen:
		coll := value.CollID(binary.BigEndian.Uint32(key[1:]))
		if p := db.current.Load(); p != nil {
			if name, ok := p.CollectionName(coll); ok {
				c.What = fmt.Sprintf("%s(%d)", name, entryID(key))
			}
		}
	}
	return c
}
