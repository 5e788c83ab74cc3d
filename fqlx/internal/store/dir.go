package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A directory holds Pebble's files, its LOCK, and FORMAT: one line that says who may read the rest. The number goes up
// with every change that an earlier version would misread, also with Pebble's own.
const (
	formatFile    = "FORMAT"
	formatLine    = "fauna-login store, format %d\n"
	formatVersion = 1
)

// prepare makes sure that the directory is there, is ours alone, and has the format that we write.
func prepare(d *disk, dir string) (*pebble.Lock, error) {
	if err := makeDir(d, dir); err != nil {
		return nil, openError(dir, err)
	}
	names, err := d.List(dir)
	if err != nil {
		return nil, openError(dir, err)
	}
	format, err := readFile(d, d.PathJoin(dir, formatFile))
	fresh := errors.Is(err, fs.ErrNotExist)
	switch {
	case fresh:
		for _, name := range names {
			if name != "LOCK" && name != formatFile+".tmp" {
				return nil, fmt.Errorf("%w: %s is not empty and has no %s file; give an empty directory, or restore the file",
					ErrCorrupt, dir, formatFile)
			}
		}
	case err != nil:
		return nil, openError(dir, err)
	default:
		if err := checkFormat(dir, format); err != nil {
			return nil, err
		}
	}
	lock, err := pebble.LockDirectory(dir, d)
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, openError(dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s; stop the other process, or give each its own directory (%w)", ErrLocked, dir, err)
	}
	if fresh {
		if err := writeFormat(d, dir); err != nil {
			return nil, errors.Join(openError(dir, err), lock.Close())
		}
	}
	return lock, nil
}

func checkFormat(dir, format string) error {
	var n int
	if _, err := fmt.Sscanf(format, formatLine, &n); err != nil || n < 1 || strings.Count(format, "\n") != 1 {
		return fmt.Errorf("%w: %s: cannot read %s; restore the directory from a copy", ErrCorrupt, dir, formatFile)
	}
	if n > formatVersion {
		return fmt.Errorf("%w: %s has format %d and this program knows up to %d; use the version that wrote it, or a later one",
			ErrNewer, dir, n, formatVersion)
	}
	return nil
}

// writeFormat marks a new directory, completely or not at all.
func writeFormat(d *disk, dir string) error {
	tmp, name := d.PathJoin(dir, formatFile+".tmp"), d.PathJoin(dir, formatFile)
	f, err := d.Create(tmp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, formatLine, formatVersion)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := d.Rename(tmp, name); err != nil {
		return err
	}
	return syncDir(d, dir)
}

// makeDir makes a directory and its parents so that they survive a crash.
func makeDir(d *disk, dir string) error {
	if _, err := d.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := d.PathDir(dir)
	if parent != dir {
		if err := makeDir(d, parent); err != nil {
			return err
		}
	}
	if err := d.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(d, parent)
}

func syncDir(d *disk, dir string) error {
	f, err := d.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func readFile(d *disk, name string) (string, error) {
	f, err := d.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 256))
	return string(b), err
}
