package eval

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// At rest a password is passwordScheme ‖ what bcrypt makes of its digest, which names bcrypt's
// version, cost and salt (Fauna keeps a bcrypt hash too). bcrypt looks at no more than 72
// bytes: given the password itself, two long ones that begin alike would both be good. The
// digest is of a fixed length, and begins with text of its own so that lists of plain SHA-256
// hashes are no help to whoever gets hold of the database.
const (
	passwordScheme = "sha256-bcrypt:"
	passwordDomain = "fauna-login/credential\x00"

	// passwordSteps is what one hash takes from the budget: with the engine's limits a query
	// may make three of them with a token's secret, 33 otherwise. That is far below what they
	// cost in time, or a function that changes a password, old and new, could not be called
	// with a token.
	passwordSteps = 60_000
)

// hashing is a password to be hashed: to compare with a hash at rest, or to make a new one.
type hashing struct {
	digest string
	atRest string // empty for a new one
}

// newHashing is hashing with the digest of a password.
func newHashing(password, atRest string) hashing {
	sum := sha256.Sum256([]byte(passwordDomain + password))
	return hashing{base64.RawStdEncoding.EncodeToString(sum[:]), atRest}
}

// run does it. The result is the new hash; or, of a comparison, empty if it does not match.
func (h hashing) run(cost int) (string, error) {
	if h.atRest == "" {
		made, err := bcrypt.GenerateFromPassword([]byte(h.digest), cost)
		if err != nil {
			return "", fmt.Errorf("hashing a password: %w", err)
		}
		return passwordScheme + string(made), nil
	}
	hash, ok := strings.CutPrefix(h.atRest, passwordScheme)
	if !ok {
		return "", errors.New("the hash of a stored password is of an unknown scheme")
	}
	switch err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(h.digest)); {
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("comparing with a stored password: %w", err)
	}
	return h.atRest, nil
}

// passwords are the hashes that one request needs, in the order in which its evaluation asks
// for them. Each takes tens of milliseconds, and an evaluation may hold the commit lock. So
// it does not wait for a hash that is not there yet: it ends, the hash is made between two
// evaluations, and the next one finds it. See [Database.update].
type passwords struct {
	done  []hashed
	next  int      // of done: what the evaluation under way asks for next
	due   *hashing // why the evaluation under way is void
	steps int64    // that the evaluations before used

	// What newId() gave, in order, and how many the evaluation under way has had. Each
	// evaluation gets the same: else a password made of one would be another each time, and
	// its hash never there.
	ids    []value.ID
	nextID int
}

// id returns an id that newId() gave in an evaluation before, or a fresh one.
func (p *passwords) id(fresh func() (value.ID, error)) (value.ID, error) {
	if p.nextID == len(p.ids) {
		id, err := fresh()
		if err != nil {
			return 0, err
		}
		p.ids = append(p.ids, id)
	}
	p.nextID++
	return p.ids[p.nextID-1], nil
}

type hashed struct {
	hashing
	result string
}

// errHashDue ends an evaluation for the sake of passwords.due.
var errHashDue = errors.New("a password is to be hashed first")

// update runs fn as one transaction, again and again until it has the hashes that it asks for.
func (db *Database) update(ctx context.Context, opt store.UpdateOptions, fn func(*store.Tx, *passwords) error) (store.Result, error) {
	p := &passwords{}
	for {
		res, err := db.store.Update(ctx, opt, func(tx *store.Tx) error {
			p.next, p.due, p.nextID = 0, nil, 0
			err := fn(tx, p)
			if p.due != nil { // whatever fn made of the error
				err = errHashDue
			}
			return err
		})
		if !errors.Is(err, errHashDue) {
			return res, err
		}
		if err := ctx.Err(); err != nil {
			return res, err
		}
		result, err := p.due.run(db.opt.PasswordCost)
		if err != nil {
			return res, err
		}
		p.done = append(p.done, hashed{*p.due, result})
	}
}

// hash returns what a hashing gives, for which the query pays when it is due. What a query
// does again because of it counts again: the whole request stays within its budget.
func (ev *evaluator) hash(password, atRest string) (string, error) {
	if err := ev.spend(len(password) / 256); err != nil {
		return "", err
	}
	p, h := ev.passwords, newHashing(password, atRest)
	if p.next < len(p.done) {
		if known := p.done[p.next]; known.hashing == h {
			p.next++
			return known.result, nil
		}
		p.done = p.done[:p.next] // the data changed, and with it the way to here
	}
	if err := ev.spend(passwordSteps); err != nil {
		return "", err
	}
	p.due, p.steps = &h, ev.budget.steps
	return "", errHashDue
}

// hashPassword returns a password as it is kept.
func (ev *evaluator) hashPassword(password value.String) (value.String, error) {
	hash, err := ev.hash(string(password), "")
	return value.String(hash), err
}

// matchesPassword compares a password with what a Credential keeps.
func (ev *evaluator) matchesPassword(data *value.Object, password value.String) (bool, error) {
	kept, _ := data.Get(fieldHash)
	atRest, ok := kept.(value.String)
	if !ok {
		return false, nil // a new document that a predicate looks at
	}
	hash, err := ev.hash(string(password), string(atRest))
	return hash != "", err
}
