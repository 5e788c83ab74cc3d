package store

import (
	"errors"
	"fmt"
)

var (
	// ErrLocked says that another process, or this one, has the directory open.
	ErrLocked = errors.New("data directory is in use")
	// ErrNewer says that a later version of this program wrote the directory.
	ErrNewer = errors.New("data directory has a newer format")
	// ErrCorrupt says that files are missing, damaged or not a store's.
	ErrCorrupt = errors.New("data directory is damaged")
	// ErrStorage says that the disk failed. A commit that ends so may or may not have happened.
	ErrStorage = errors.New("storage failed")
	// ErrConflict says that other transactions kept changing what this one read. See [ConflictError].
	ErrConflict = errors.New("transaction is contended")
	// ErrFuture says that a snapshot was asked for that lies too far ahead of the clock.
	ErrFuture = errors.New("time lies in the future")
	// ErrTooLarge says that a key, a value or a transaction is beyond its limit.
	ErrTooLarge = errors.New("too large")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("store is closed")
)

// Limits of what is stored, in bytes; those of Fauna.
const (
	MaxKey         = 64_000   // prefix and suffix together
	MaxValue       = 8 << 20  // one entry's data
	MaxTransaction = 16 << 20 // keys and data written by one transaction
)

// ConflictError is the [ErrConflict] of one transaction.
type ConflictError struct {
	// Key is an entry that changed under the transaction. Its prefix is empty when the transaction was too old, or
	// its last attempt too slow, to tell.
	Key Key
}

func (e *ConflictError) Error() string {
	if len(e.Key.Prefix) == 0 {
		return ErrConflict.Error()
	}
	return fmt.Sprintf("%v: %x/%x changed meanwhile", ErrConflict, e.Key.Prefix, e.Key.Suffix)
}

// Is makes the error an [ErrConflict].
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

func storageError(err error) error {
	if err == nil || errors.Is(err, ErrStorage) || errors.Is(err, ErrCorrupt) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrStorage, err)
}
