package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	defaultCache     = 64 << 20
	defaultRetention = 15 * time.Minute

	// futureWait is how far ahead of the clock a snapshot is waited for.
	futureWait = time.Second
)

// Options configure a store.
type Options struct {
	Dir        string           // made when absent, mode 0700; ignored with Memory
	Memory     bool             // keep everything in memory
	CacheBytes int64            // block cache; default 64 MiB
	Now        func() time.Time // default time.Now
	Log        *slog.Logger     // default slog.Default()
	Retention  time.Duration    // how long superseded versions stay readable; default 15 min

	// Classify names the kind of an entry by its prefix, for Stats.Live. The prefix is not to be kept. Default: one kind, "".
	Classify func(prefix []byte) string

	fs       vfs.FS // for tests: in place of the operating system's
	memTable uint64 // for tests: bytes of Pebble's memtable
}

// Store is an open store. Its methods are safe for concurrent use.
type Store struct {
	opt    Options
	log    *slog.Logger
	disk   *disk
	lock   *pebble.Lock // of the directory; nil in memory
	db     *pebble.DB
	wedged atomic.Bool // Pebble panicked and may hold its locks for ever

	clock     *clock
	commitMu  sync.Mutex // held while a commit is validated and applied, and by an exclusive transaction
	applyMu   sync.Mutex // held while a batch is given to Pebble
	promised  int64      // the lease in the log; under applyMu
	flusher   flusher    // under applyMu
	leaseMu   sync.Mutex // held while the lease is extended
	win       *window
	scratches sync.Pool    // of *scratch
	tabled    atomic.Int64 // commits up to this time are in tables, see flusher
	hot       hotEntries
	durable   durable
	seed      maphash.Seed

	commits, conflicts atomic.Int64

	sweepMu    sync.Mutex // held by the one sweep
	live       atomic.Pointer[census]
	gone       atomic.Pointer[func(prefix []byte, cutoff int64) bool] // see Retire
	stopReaper context.CancelFunc
	reaper     sync.WaitGroup

	manyReads int // see defaultManyReads
	flushAt   int // bytes, see flusher

	elapsed func() time.Duration                       // a clock that only runs forward
	sleep   func(context.Context, time.Duration) error // waits for the wall clock
}

// Open opens the store of a directory, which no other process may have open. Errors: [ErrLocked], [ErrNewer],
// [ErrCorrupt], [ErrStorage].
func Open(opt Options) (*Store, error) {
	if opt.CacheBytes <= 0 {
		opt.CacheBytes = defaultCache
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.Retention <= 0 {
		opt.Retention = defaultRetention
	}
	if opt.Classify == nil {
		opt.Classify = func([]byte) string { return "" }
	}
	if opt.memTable == 0 {
		opt.memTable = 16 << 20
	}
	start := time.Now()
	s := &Store{
		opt:       opt,
		log:       opt.Log,
		disk:      &disk{FS: opt.fs, log: opt.Log},
		clock:     newClock(opt.Now),
		seed:      maphash.MakeSeed(),
		manyReads: defaultManyReads,
		flushAt:   int(opt.memTable) / flushShare,
		elapsed:   func() time.Duration { return time.Since(start) },
		sleep:     sleep,
	}
	s.durable.changed.L = &s.durable.mu
	if err := s.open(); err != nil {
		if s.lock != nil {
			_ = s.lock.Close()
		}
		return nil, err
	}
	s.startReaper()
	return s, nil
}

func (s *Store) open() error {
	dir := "store"
	switch {
	case s.opt.Memory:
		s.disk.FS = vfs.NewMem()
	case s.opt.fs == nil:
		s.disk.FS, s.disk.private = vfs.Default, true
	}
	if !s.opt.Memory {
		var err error
		if dir, err = resolve(s.opt); err != nil {
			return openError(s.opt.Dir, err)
		}
		if s.lock, err = prepare(s.disk, dir); err != nil {
			return err
		}
	}
	db, err := pebble.Open(dir, s.pebbleOptions())
	if err != nil {
		return openError(dir, err)
	}
	s.db = db
	last, err := s.readLease()
	if err == nil {
		s.clock.last, s.clock.applied, s.durable.ts = last, last, last
		s.clock.leased.Store(last)
		s.win = newWindow(last)
		s.disk.armed.Store(true)
		if err = s.lease(s.opt.Now().UnixMicro()); err == nil {
			return nil
		}
	}
	return errors.Join(err, db.Close())
}

// resolve makes the directory's name unique, because the lock within one process goes by name.
func resolve(opt Options) (string, error) {
	if opt.fs != nil {
		return opt.Dir, nil
	}
	if opt.Dir == "" {
		return "", errors.New("no data directory is given")
	}
	dir, err := filepath.Abs(opt.Dir)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return dir, nil
}

// syncInterval is the least time between two syncs of the log. A quick disk would else be asked for every handful of
// commits, and what that costs the processor is more than the time that a commit gains.
const syncInterval = 500 * time.Microsecond

func (s *Store) pebbleOptions() *pebble.Options {
	o := &pebble.Options{
		FS:                          s.disk,
		Lock:                        s.lock,
		Logger:                      s.disk,
		EventListener:               s.disk.events(),
		Comparer:                    comparer,
		CacheSize:                   s.opt.CacheBytes,
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                s.opt.memTable,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       8,    // half the compaction of 4; bloom filters keep look-ups out of most tables
		L0StopWritesThreshold:       1000, // read amplification is the lesser evil: a stall would hold every commit
		LBaseMaxBytes:               64 << 20,
		MaxOpenFiles:                1000,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		WALMinSyncInterval:          func() time.Duration { return syncInterval },
	}
	o.Levels[0].FilterPolicy = bloom.FilterPolicy(10) // other levels take it from here
	o.Levels[0].BlockSize = 8 << 10
	o.Levels[0].IndexBlockSize = 256 << 10
	// Entries under one prefix are entries, not versions of the first: keep their values where their keys are.
	o.Experimental.SpanPolicyFunc = func([]byte) (pebble.SpanPolicy, []byte, error) {
		return pebble.SpanPolicy{DisableValueSeparationBySuffix: true}, nil, nil
	}
	return o
}

func (s *Store) readLease() (int64, error) {
	v, closer, err := s.db.Get(leaseKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, s.readError(err)
	}
	defer closer.Close()
	if len(v) != timeLen {
		return 0, fmt.Errorf("%w: the clock's record cannot be read; restore the directory from a copy", ErrCorrupt)
	}
	return int64(binary.BigEndian.Uint64(v)), nil
}

// Close refuses new transactions, waits for those that run, stops the background work and closes the files.
func (s *Store) Close() error {
	last, ok := s.clock.close()
	if !ok {
		return ErrClosed
	}
	s.stopReaper()
	s.reaper.Wait()
	if s.wedged.Load() {
		return s.disk.err() // Pebble would wait for its own locks; the process has to end
	}
	err := s.disk.err()
	if err == nil {
		s.promised = 0 // nothing runs any more: the next start need not be ahead of the clock
		err = s.writeLease(last)
	}
	if err == nil {
		err = s.db.Flush() // the next start has no log to replay
	}
	err = errors.Join(err, s.db.Close())
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return storageError(err)
}

func (s *Store) newTx(ctx context.Context) *Tx {
	return &Tx{s: s, ctx: ctx, scratch: s.takeScratch()}
}

// Begin starts a transaction that only reads, to be discarded by the caller. Its own writes are seen by itself alone.
// What it reads may be microseconds from being on disk; Update waits for that. On a closed store its methods fail.
func (s *Store) Begin() *Tx {
	tx, err := s.BeginAt(0)
	if err != nil {
		tx = s.newTx(context.Background())
		tx.err, tx.ended = err, true
	}
	return tx
}

// BeginAt is Begin with a snapshot at or after min (µs since the epoch). When min is ahead of the clock by at most a
// second it waits, otherwise the error is [ErrFuture]. No caller moves the clock.
func (s *Store) BeginAt(min int64) (*Tx, error) {
	return s.BeginAtContext(context.Background(), min)
}

// BeginAtContext is BeginAt bound to a context, which also ends the waiting.
func (s *Store) BeginAtContext(ctx context.Context, min int64) (*Tx, error) {
	tx := s.newTx(ctx)
	if err := s.begin(tx, min, false); err != nil {
		return nil, err
	}
	_ = s.lease(tx.snapshot) // see settle
	return tx, nil
}

// begin gives tx its snapshot, and with exclusive the commit lock, which Discard returns.
func (s *Store) begin(tx *Tx, min int64, exclusive bool) error {
	for {
		if exclusive {
			s.commitMu.Lock()
		}
		wait, err := s.clock.begin(tx, min)
		if err == nil && wait == 0 {
			tx.exclusive = exclusive
			return nil
		}
		if exclusive {
			s.commitMu.Unlock()
		}
		if err == nil {
			err = s.sleep(tx.ctx, wait)
		}
		if err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// LastCommit is the time of the last commit (µs since the epoch). Until the first commit after opening it is a time
// at or after that of the last one before.
func (s *Store) LastCommit() int64 { return s.clock.lastApplied() }

// readError tells damaged files from a failing disk.
func (s *Store) readError(err error) error {
	if err != nil && pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w; restore the directory from a copy", ErrCorrupt, err)
	}
	return storageError(err)
}

// openError says what is wrong with a directory that cannot be opened.
func openError(dir string, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("opening %s: %w", dir, storageError(err))
	}
	return fmt.Errorf("%w: %s: %w; restore it from a copy, or move it away to start empty", ErrCorrupt, dir, err)
}
