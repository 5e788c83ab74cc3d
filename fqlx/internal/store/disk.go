package store

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// flushPause keeps Pebble, which tries a failed flush again at once and for ever, from burning a core.
const flushPause = 100 * time.Millisecond

// disk is the file system under Pebble. It decides what a failing disk means.
//
// Pebble ends the process when it cannot write its log, its manifest or a marker: it logs a fatal error, or panics
// while it holds its locks. This process also serves requests that only read, so here the first such failure freezes
// the disk instead. From then on nothing in the directory changes: writes to vital files and removals seem to
// succeed and do nothing, new tables are refused, and the store, which asks err before and after each commit, refuses
// or disowns the commit. What is in the directory is what a crash at that moment would have left, and opening it
// again recovers from it as from a crash. Pebble's other fatal errors, which are its own bugs, freeze the disk too.
//
// Tables are not vital: a flush that fails for want of space is tried again, meanwhile commits are refused (Pebble
// would block them when its memory is full), and the store goes on when there is space.
type disk struct {
	vfs.FS
	log     *slog.Logger
	private bool        // files get mode 0600
	armed   atomic.Bool // set once open; before, errors are simply returned
	frozen  atomic.Pointer[error]
	noFlush atomic.Pointer[error] // why the last flush failed
}

// err returns why nothing can be written, or nil.
func (d *disk) err() error {
	for _, p := range [...]*atomic.Pointer[error]{&d.frozen, &d.noFlush} {
		if err := p.Load(); err != nil {
			return storageError(*err)
		}
	}
	return nil
}

// freeze reports whether the disk is frozen now, which it is unless it is still being opened.
func (d *disk) freeze(err error) bool {
	if !d.armed.Load() {
		return false
	}
	err = fmt.Errorf("%w: %w; nothing more is written until the store is opened again", ErrStorage, err)
	if d.frozen.CompareAndSwap(nil, &err) {
		d.log.Error("storage failed, the store is read-only now", "err", err)
	}
	return true
}

func (d *disk) isFrozen() bool { return d.frozen.Load() != nil }

// vital tells the files whose loss Pebble does not survive: all but tables.
func vital(name string) bool {
	return !strings.HasSuffix(name, ".sst") && !strings.HasSuffix(name, ".blob")
}

// create opens a file for writing by the given means.
func (d *disk) create(name string, open func() (vfs.File, error)) (vfs.File, error) {
	v := vital(name)
	if !v && d.err() != nil {
		time.Sleep(flushPause)
	}
	if d.isFrozen() {
		if v {
			return &diskFile{File: vfs.NewMemFile(nil), disk: d, vital: true}, nil
		}
		return nil, d.err()
	}
	f, err := open()
	if err == nil && d.private {
		err = os.Chmod(name, 0o600)
	}
	if err == nil {
		return &diskFile{File: f, disk: d, vital: v}, nil
	}
	if v && d.freeze(err) {
		return &diskFile{File: vfs.NewMemFile(nil), disk: d, vital: true}, nil
	}
	return nil, err
}

// change runs an operation on the directory.
func (d *disk) change(op func() error) error {
	if d.isFrozen() {
		return nil
	}
	return op()
}

func (d *disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.create(name, func() (vfs.File, error) { return d.FS.Create(name, c) })
}

func (d *disk) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.create(newname, func() (vfs.File, error) { return d.FS.ReuseForWrite(oldname, newname, c) })
}

func (d *disk) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return d.create(name, func() (vfs.File, error) { return d.FS.OpenReadWrite(name, c, o...) })
}

func (d *disk) OpenDir(name string) (vfs.File, error) {
	f, err := d.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &diskFile{File: f, disk: d, vital: true}, nil
}

func (d *disk) Lock(name string) (io.Closer, error) {
	c, err := d.FS.Lock(name)
	if err == nil && d.private {
		err = os.Chmod(name, 0o600)
	}
	return c, err
}

func (d *disk) Rename(oldname, newname string) error {
	return d.change(func() error { return d.FS.Rename(oldname, newname) })
}

func (d *disk) Link(oldname, newname string) error {
	return d.change(func() error { return d.FS.Link(oldname, newname) })
}

func (d *disk) Remove(name string) error { return d.change(func() error { return d.FS.Remove(name) }) }
func (d *disk) RemoveAll(name string) error {
	return d.change(func() error { return d.FS.RemoveAll(name) })
}
func (d *disk) Unwrap() vfs.FS { return d.FS }

// diskFile is a file open for writing, or a directory.
type diskFile struct {
	vfs.File
	disk  *disk
	vital bool
}

// do runs an operation that changes the file.
func (f *diskFile) do(op func() error) error {
	switch {
	case f.disk.isFrozen() && f.vital:
		return nil
	case f.disk.isFrozen():
		return f.disk.err()
	}
	err := op()
	if err != nil && f.vital && f.disk.freeze(err) {
		return nil
	}
	return err
}

func (f *diskFile) Write(p []byte) (n int, err error) {
	err = f.do(func() (err error) { n, err = f.File.Write(p); return err })
	if err == nil {
		n = len(p)
	}
	return n, err
}

func (f *diskFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.do(func() (err error) { n, err = f.File.WriteAt(p, off); return err })
	if err == nil {
		n = len(p)
	}
	return n, err
}

func (f *diskFile) SyncTo(length int64) (full bool, err error) {
	err = f.do(func() (err error) { full, err = f.File.SyncTo(length); return err })
	return full, err
}

func (f *diskFile) Sync() error     { return f.do(f.File.Sync) }
func (f *diskFile) SyncData() error { return f.do(f.File.SyncData) }

func (f *diskFile) Close() error {
	err := f.File.Close()
	if err != nil && f.vital && f.disk.freeze(err) {
		return nil
	}
	return err
}

// Infof, Errorf and Fatalf make disk Pebble's logger. Fatalf does not end the process: it freezes the disk, after
// which whatever state Pebble is in can do no harm that opening the store again does not heal.
func (d *disk) Infof(format string, args ...any) {
	d.log.Debug("pebble: " + fmt.Sprintf(format, args...))
}

// Errorf logs what Pebble could not do.
func (d *disk) Errorf(format string, args ...any) {
	d.log.Warn("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf freezes the disk.
func (d *disk) Fatalf(format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	d.log.Error("pebble: " + msg)
	d.freeze(errors.New(msg))
}

// events watches what Pebble does in the background.
func (d *disk) events() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) { d.log.Warn("pebble: background work failed", "err", err) },
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			d.log.Error("pebble: a table is damaged; restore the directory from a copy", "err", info.Details)
		},
		FlushEnd: func(info pebble.FlushInfo) {
			if info.Err == nil || len(info.Output) == 0 && info.Err.Error() == "pebble: empty table" {
				d.noFlush.Store(nil)
				return
			}
			err := fmt.Errorf("%w: %w; writes are refused until there is space", ErrStorage, info.Err)
			d.noFlush.Store(&err)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			d.log.Warn("pebble: writes wait for the disk", "reason", info.Reason)
		},
	}
}
