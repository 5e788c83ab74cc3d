package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// copyDir copies the files of a live store, as they are at one moment of its set of files.
func copyDir(tb testing.TB, dir string) string {
	tb.Helper()
	names := func() string {
		entries, err := os.ReadDir(dir)
		if err != nil {
			tb.Fatal(err)
		}
		var b strings.Builder
		for _, e := range entries {
			b.WriteString(e.Name() + "\n")
		}
		return b.String()
	}
	for {
		to, before, torn := tb.TempDir(), names(), false
		for _, name := range strings.Fields(before) {
			b, err := os.ReadFile(filepath.Join(dir, name))
			torn = torn || errors.Is(err, os.ErrNotExist)
			if err == nil {
				err = os.WriteFile(filepath.Join(to, name), b, 0o600)
			}
			if err != nil && !torn {
				tb.Fatal(err)
			}
		}
		if !torn && names() == before {
			return to
		}
	}
}

func TestDirectoryIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "db")
	s := mustOpen(t, newFakeClock(), Options{Dir: dir, memTable: 256 << 10})
	put(t, s, "a=1")
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if fi, err := os.Stat(d); err != nil || fi.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v, want mode 0700", d, fi.Mode(), err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 5 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		if fi, err := e.Info(); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", e.Name(), fi.Mode())
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	made := func(t *testing.T) string {
		dir := t.TempDir()
		s := mustOpen(t, newFakeClock(), Options{Dir: dir})
		put(t, s, "a=1")
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			put(t, s, "b="+strings.Repeat("v", 1000))
		}
		crashed := copyDir(t, dir) // with a log, which a clean end leaves empty
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return crashed
	}
	damage := func(pattern, content string) func(*testing.T) string {
		return func(t *testing.T) string {
			dir := made(t)
			files, _ := filepath.Glob(filepath.Join(dir, pattern))
			if len(files) == 0 {
				t.Fatalf("no %s", pattern)
			}
			for _, f := range files {
				if content == "" {
					if err := os.Remove(f); err != nil {
						t.Fatal(err)
					}
				} else if err := os.WriteFile(f, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			return dir
		}
	}
	tests := []struct {
		name string
		dir  func(*testing.T) string
		want error
		text string
	}{
		{"newer", damage("FORMAT", "fauna-login store, format 2\n"), ErrNewer, "use the version that wrote it"},
		{"unreadable format", damage("FORMAT", "hello\n"), ErrCorrupt, "FORMAT"},
		{"format zero", damage("FORMAT", "fauna-login store, format 0\n"), ErrCorrupt, "FORMAT"},
		{"no format", damage("FORMAT", ""), ErrCorrupt, "not empty"},
		{"no manifest", damage("MANIFEST-*", ""), ErrCorrupt, "restore"},
		{"bad manifest", damage("MANIFEST-*", strings.Repeat("garbage ", 1000)), ErrCorrupt, "restore"},
		{"no table", damage("*.sst", ""), ErrCorrupt, "restore"},
		{"bad log", func(t *testing.T) string {
			dir := made(t)
			files, _ := filepath.Glob(filepath.Join(dir, "*.log"))
			b, err := os.ReadFile(files[len(files)-1])
			if err != nil {
				t.Fatal(err)
			}
			b[50] ^= 1 // in the first record; later ones say that it was synced
			if err := os.WriteFile(files[len(files)-1], b, 0o600); err != nil {
				t.Fatal(err)
			}
			return dir
		}, ErrCorrupt, "restore"},
		{"somebody's directory", func(t *testing.T) string {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return dir
		}, ErrCorrupt, "not empty"},
		{"a file", func(t *testing.T) string {
			f := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(f, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return f
		}, ErrStorage, "not a directory"},
		{"open already", func(t *testing.T) string {
			dir := t.TempDir()
			openTest(t, newFakeClock(), Options{Dir: dir})
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(dir, link); err != nil {
				t.Fatal(err)
			}
			return link
		}, ErrLocked, "stop the other process"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := tt.dir(t)
			s, err := Open(Options{Dir: dir, Now: newFakeClock().now, Log: discard})
			if err == nil {
				_ = s.Close()
			}
			if real, rerr := filepath.EvalSymlinks(dir); rerr == nil {
				dir = real
			}
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%v\nwant %v with %q and the directory's name", err, tt.want, tt.text)
			}
		})
	}
}

// TestSecondProcessIsRefused runs this test in another process on the directory that this one has open.
func TestSecondProcessIsRefused(t *testing.T) {
	if dir := os.Getenv("STORE_TEST_DIR"); dir != "" {
		s, err := Open(Options{Dir: dir, Log: discard})
		if err == nil {
			_ = s.Close()
		}
		fmt.Printf("locked=%v\n", errors.Is(err, ErrLocked))
		return
	}
	dir := t.TempDir()
	s := mustOpen(t, newFakeClock(), Options{Dir: dir})
	for _, want := range []string{"locked=true", "locked=false"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestSecondProcessIsRefused$")
		cmd.Env = append(os.Environ(), "STORE_TEST_DIR="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v %s, want %s", err, out, want)
		}
		if want == "locked=true" {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// faults makes a file system fail on demand.
type faults struct {
	match atomic.Pointer[func(op errorfs.Op) bool]
	hits  atomic.Int64
}

func (f *faults) wrap(fs vfs.FS) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if match := f.match.Load(); match != nil && (*match)(op) {
			f.hits.Add(1)
			return &os.PathError{Op: "write", Path: op.Path, Err: syscall.ENOSPC}
		}
		return nil
	}))
}

func (f *faults) on(match func(op errorfs.Op) bool) { f.match.Store(&match) }
func (f *faults) off()                              { f.match.Store(nil) }

// TestStorageFailure breaks the disk under running writers, in every way that Pebble would not survive. Whatever was
// acknowledged must be there when the directory is opened again, as a crash at that moment leaves it.
func TestStorageFailure(t *testing.T) {
	wal := func(op errorfs.Op) bool { return strings.HasSuffix(op.Path, ".log") }
	manifest := func(op errorfs.Op) bool { return strings.Contains(op.Path, "MANIFEST") }
	tests := []struct {
		name  string
		flush bool // make Pebble rotate its log and write its manifest
		match func(op errorfs.Op) bool
	}{
		{"log write", false, func(op errorfs.Op) bool { return wal(op) && op.Kind == errorfs.OpFileWrite }},
		{"log sync", false, func(op errorfs.Op) bool {
			return wal(op) && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData)
		}},
		{"log creation", true, func(op errorfs.Op) bool {
			return wal(op) && (op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpReuseForWrite)
		}},
		{"manifest write", true, func(op errorfs.Op) bool { return manifest(op) && op.Kind == errorfs.OpFileWrite }},
		{"manifest sync", true, func(op errorfs.Op) bool { return manifest(op) && op.Kind == errorfs.OpFileSync }},
		{"everything", true, func(op errorfs.Op) bool { return op.Kind.ReadOrWrite() == errorfs.OpIsWrite }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			f := &faults{}
			s := mustOpen(t, newFakeClock(), Options{fs: f.wrap(mem), memTable: 256 << 10})
			var acked, refused sync.Map
			var wg sync.WaitGroup
			var n, good atomic.Int64
			value := strings.Repeat("v", 1000)
			for w := range 8 {
				wg.Go(func() {
					for i := 0; ; i++ {
						k := fmt.Sprintf("k%d-%d", w, i)
						_, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error {
							apply(tx, k+"="+value, k+"x="+value)
							return nil
						})
						if n.Add(1); err != nil {
							if !errors.Is(err, ErrStorage) {
								t.Errorf("%s: %v, want ErrStorage", k, err)
							}
							refused.Store(k, true)
							return
						}
						good.Add(1)
						acked.Store(k, true)
						if n.Load() > 20 && w == 0 && f.match.Load() == nil {
							f.on(tt.match)
						}
						if tt.flush && w == 1 {
							_, _ = s.db.AsyncFlush()
						}
					}
				})
			}
			wg.Wait()
			if f.hits.Load() == 0 {
				t.Fatal("nothing failed")
			}
			// Reads of what is on disk go on; writes do not, and space that comes back does not make them.
			f.off()
			if _, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error { apply(tx, "late=1"); return nil }); !errors.Is(err, ErrStorage) {
				t.Errorf("writing on a broken log: %v", err)
			}
			if _, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error {
				if got := get(t, tx, "k0-0"); got != value {
					t.Error("an acknowledged entry cannot be read any more")
				}
				return nil
			}); err != nil {
				t.Errorf("reading what is on disk: %v", err)
			}
			refused.Range(func(k, _ any) bool { // these may have happened; what is read without an error is on disk
				var saw string
				_, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error { saw = get(t, tx, k.(string)); return nil })
				if saw != "-" && err == nil {
					acked.Store(k, true)
				}
				return true
			})
			_ = s.Close()

			for _, unsynced := range []int{0, 100} { // with nothing, and with all that was not synced
				reopened(t, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rand.New(rand.NewPCG(1, 1))}), &acked, &refused, value)
			}
			t.Logf("%d acknowledged", good.Load())
		})
	}
}

func reopened(t *testing.T, fs vfs.FS, acked, refused *sync.Map, value string) {
	s := mustOpen(t, newFakeClock(), Options{fs: fs})
	defer s.Close()
	tx := s.Begin()
	defer tx.Discard()
	acked.Range(func(k, _ any) bool {
		if get(t, tx, k.(string)) != value || get(t, tx, k.(string)+"x") != value {
			t.Errorf("%s was acknowledged and is lost", k)
		}
		return true
	})
	refused.Range(func(k, _ any) bool {
		if get(t, tx, k.(string)) != get(t, tx, k.(string)+"x") {
			t.Errorf("%s is there in part", k)
		}
		return true
	})
	put(t, s, "more=1")
}

// TestDiskFullOfTables lets only the flush fail: commits are refused meanwhile and go on afterwards.
func TestDiskFullOfTables(t *testing.T) {
	f := &faults{}
	s := openTest(t, newFakeClock(), Options{fs: f.wrap(vfs.NewMem()), memTable: 256 << 10})
	f.on(func(op errorfs.Op) bool {
		return strings.HasSuffix(op.Path, ".sst") && op.Kind.ReadOrWrite() == errorfs.OpIsWrite
	})
	value := strings.Repeat("v", 10_000)
	var err error
	n := 0
	for deadline := time.Now().Add(time.Minute); err == nil && time.Now().Before(deadline); n++ {
		_, err = s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error { apply(tx, fmt.Sprintf("k%d=%s", n, value)); return nil })
	}
	if !errors.Is(err, ErrStorage) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("after %d commits: %v, want ErrStorage for want of space", n, err)
	}
	tx := s.Begin()
	if got := get(t, tx, "k0"); got != value {
		t.Error("reading stopped, too")
	}
	tx.Discard()
	f.off()
	for s.disk.err() != nil { // Pebble tries again by itself
		time.Sleep(time.Millisecond)
	}
	put(t, s, "more=1")
}

func TestFatalFreezesInsteadOfExiting(t *testing.T) {
	s := openTest(t, newFakeClock(), Options{})
	put(t, s, "a=1")
	s.disk.Fatalf("pebble: something %s", "is wrong")
	_, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error { apply(tx, "a=2"); return nil })
	if !errors.Is(err, ErrStorage) || !strings.Contains(err.Error(), "something is wrong") {
		t.Errorf("%v, want ErrStorage with the reason", err)
	}
	tx := s.Begin()
	defer tx.Discard()
	if got := get(t, tx, "a"); got != "1" {
		t.Errorf("a = %s", got)
	}
}

// TestReadsWaitForTheDisk has a reader see a commit whose sync is still under way.
func TestReadsWaitForTheDisk(t *testing.T) {
	f := &faults{}
	syncing, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := openTest(t, newFakeClock(), Options{fs: f.wrap(vfs.NewMem())})
	put(t, s, "old=1")
	f.on(func(op errorfs.Op) bool {
		if strings.HasSuffix(op.Path, ".log") && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
			once.Do(func() { close(syncing); <-proceed })
		}
		return false
	})
	var wg sync.WaitGroup
	wg.Go(func() { put(t, s, "new=1") })
	<-syncing
	update(t, s, func(tx *Tx) error { get(t, tx, "old"); return nil }) // does not wait
	saw, done := make(chan string, 1), make(chan struct{})
	wg.Go(func() {
		update(t, s, func(tx *Tx) error { saw <- get(t, tx, "new"); return nil })
		close(done)
	})
	if got := <-saw; got != "1" {
		t.Errorf("new = %s", got)
	}
	select {
	case <-done:
		t.Error("an answer was given that a crash could undo")
	default:
	}
	close(proceed)
	wg.Wait()
}

// TestFrozenDirectoryDoesNotChange tries everything that Pebble does to files.
func TestFrozenDirectoryDoesNotChange(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, newFakeClock(), Options{Dir: dir})
	put(t, s, "a=1")
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	put(t, s, "a=2")
	content := func() string {
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		var b strings.Builder
		for _, f := range files {
			data, err := os.ReadFile(f)
			fmt.Fprintf(&b, "%s %x %v\n", f, data, err)
		}
		return b.String()
	}
	tables, _ := filepath.Glob(filepath.Join(dir, "*.sst"))
	logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	wal := logs[len(logs)-1]
	open, err := s.disk.OpenReadWrite(filepath.Join(dir, "MANIFEST-open"), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	before := content()
	s.disk.Fatalf("over")
	write := func(f vfs.File, err error) error {
		if err != nil {
			return err
		}
		_, werr := f.Write([]byte("more"))
		return errors.Join(werr, f.Sync(), f.Close())
	}
	other := filepath.Join(dir, "000999.log")
	for name, op := range map[string]func() error{
		"remove":       func() error { return s.disk.Remove(tables[0]) },
		"remove all":   func() error { return s.disk.RemoveAll(dir) },
		"rename":       func() error { return s.disk.Rename(wal, other) },
		"link":         func() error { return s.disk.Link(wal, other) },
		"create":       func() error { return write(s.disk.Create(other, vfs.WriteCategoryUnspecified)) },
		"reuse":        func() error { return write(s.disk.ReuseForWrite(wal, other, vfs.WriteCategoryUnspecified)) },
		"open":         func() error { return write(s.disk.OpenReadWrite(wal, vfs.WriteCategoryUnspecified)) },
		"write opened": func() error { _, err := open.Write([]byte("more")); return err },
	} {
		if err := op(); err != nil {
			t.Errorf("%s: %v; Pebble would not survive it", name, err)
		}
	}
	if _, err := s.disk.Create(filepath.Join(dir, "000999.sst"), vfs.WriteCategoryUnspecified); !errors.Is(err, ErrStorage) {
		t.Errorf("creating a table: %v, want ErrStorage", err)
	}
	if content() != before {
		t.Error("the directory changed")
	}
}
