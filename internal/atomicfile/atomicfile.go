// Package atomicfile writes files that appear whole or not at all: under a
// temporary name in the same folder first, readable by their owner alone, then
// under their own name. A process that dies in between leaves the old file as
// it was and a temporary file beside it.
package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// File is a file in the making. It is not safe for concurrent use.
type File struct {
	*os.File
	path string
	done bool
}

// tempMark stands in the names of files in the making.
const tempMark = ".tmp-"

// Target answers the file that a name in a folder belongs to: the name itself,
// or what a file in the making will be called.
func Target(name string) string {
	if base, _, ok := strings.Cut(name, tempMark); ok {
		return strings.TrimPrefix(base, ".")
	}
	return name
}

// Sweep removes what writers of path that were killed left behind. The caller
// holds a lock that keeps other writers of path away.
func Sweep(path string) {
	litter, err := filepath.Glob(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+tempMark+"*"))
	if err != nil {
		return // a name that is no pattern: litter is no reason to fail
	}
	for _, name := range litter {
		_ = os.Remove(name) // the next write tries again
	}
}

// Create starts a file that will be called path. The caller ends it with
// Commit or Abort; Abort after Commit does nothing, so it may be deferred.
func Create(path string) (*File, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return nil, fmt.Errorf("%s is a directory", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+tempMark+"*") // mode 0600 by its contract
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", path, cause(err))
	}
	if err := restrict(f); err != nil {
		return nil, errors.Join(fmt.Errorf("create %s: %w", path, cause(err)), f.Close(), os.Remove(f.Name()))
	}
	return &File{File: f, path: path}, nil
}

// Commit writes everything to the disk and gives the file its name, replacing
// an older one. When it fails, the older one is still there. A file is ended
// once: Commit after either answers os.ErrClosed.
func (f *File) Commit() error {
	if f.done {
		return fmt.Errorf("write %s: %w", f.path, os.ErrClosed)
	}
	f.done = true
	err := errors.Join(f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", f.path, cause(err)), os.Remove(f.Name()))
	}
	SyncDir(filepath.Dir(f.path))
	return nil
}

// Abort removes what was written, unless it was committed.
func (f *File) Abort() error {
	if f.done {
		return nil
	}
	f.done = true
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// Write writes a whole file.
func Write(path string, data []byte) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, cause(err)), f.Abort())
	}
	return f.Commit()
}

// SyncDir makes new names in a folder durable. It has no result: systems that
// cannot sync a folder lose a name after a power cut, and nothing else.
func SyncDir(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	_ = d.Sync()
	_ = d.Close()
}

// cause drops the temporary name, which tells a reader nothing.
func cause(err error) error {
	var path *os.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
