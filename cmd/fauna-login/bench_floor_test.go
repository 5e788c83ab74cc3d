package main

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/golang-jwt/jwt/v5"
)

// floorCommand as the first argument makes the test binary the floor's server.
const floorCommand = "bench-floor"

// floorIn starts the floor on a data directory.
func floorIn(dir string) starter {
	return func(b *testing.B, _ ...func(*testing.B, *command)) *measured {
		program, err := os.Executable()
		if err != nil {
			b.Fatal(err)
		}
		key, err := x509.MarshalPKIXPublicKey(&lab.issuer(b).key.PublicKey)
		if err != nil {
			b.Fatal(err)
		}
		address := freeAddress(b)
		return launch(b, command{
			path: program, dir: dir, url: "http://" + address,
			args: []string{floorCommand, address, dir, base64.StdEncoding.EncodeToString(key)},
		})
	}
}

// runFloor serves the floor until it is told to stop.
func runFloor(address, dir, key string) error {
	f := &floor{random: rand.NewChaCha8([32]byte{})}
	der, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return err
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return err
	}
	f.key = public.(*rsa.PublicKey)
	if f.db, err = pebble.Open(dir, floorOptions()); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /fauna-login", f.exchange)
	failed := make(chan error, 1)
	go func() { failed <- http.ListenAndServe(address, mux) }()
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	select {
	case err = <-failed:
	case <-told:
	}
	if closing := f.db.Close(); err == nil {
		err = closing
	}
	return err
}

// floorOptions are Pebble's as the engine sets them, so that both pay the same for the same bytes.
func floorOptions() *pebble.Options {
	o := &pebble.Options{
		Logger:                      quiet{},
		CacheSize:                   256 << 20,
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                16 << 20,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       8,
		L0StopWritesThreshold:       1000,
		LBaseMaxBytes:               64 << 20,
		MaxOpenFiles:                1000,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		WALMinSyncInterval:          func() time.Duration { return 500 * time.Microsecond },
	}
	o.Levels[0].FilterPolicy = bloom.FilterPolicy(10)
	o.Levels[0].BlockSize = 8 << 10
	o.Levels[0].IndexBlockSize = 256 << 10
	return o
}

// quiet drops Pebble's notes, which it writes to standard error otherwise.
type quiet struct{}

func (quiet) Infof(string, ...any)              {}
func (quiet) Errorf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (quiet) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// floor is the least that a durable exchange has to do.
type floor struct {
	key *rsa.PublicKey
	db  *pebble.DB

	mu     sync.Mutex
	random *rand.ChaCha8
}

func (f *floor) exchange(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if err := f.verify(token); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	if err := f.write(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"secret":"%064x","token_type":"Bearer","expires_in":3600,"expires_at":"2026-11-20T12:00:00Z",`+
		`"issued_at":"2026-11-20T11:00:00Z","endpoint":"https://fauna.example.com","user":{"id":"1"},"session":{"id":"2"}}`, 1)
}

func (f *floor) verify(token string) error {
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 {
		return jwt.ErrTokenMalformed
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		return err
	}
	return jwt.SigningMethodRS256.Verify(token[:dot], signature, f.key)
}

// write puts 8 entries, of 16 bytes of key and 234 of value, in one batch. Commits that wait for
// the disk at the same time share one sync.
func (f *floor) write() error {
	const entries, keyLen, size = 8, 16, 250
	var bytes [entries * size]byte
	f.mu.Lock()
	_, _ = f.random.Read(bytes[:]) // never fails
	f.mu.Unlock()
	batch := f.db.NewBatch()
	defer batch.Close()
	for entry := bytes[:]; len(entry) > 0; entry = entry[size:] {
		if err := batch.Set(entry[:keyLen], entry[keyLen:size], nil); err != nil {
			return err
		}
	}
	return batch.Commit(pebble.Sync)
}
