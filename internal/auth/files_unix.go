//go:build unix

package auth

import (
	"fmt"
	"io/fs"
	"os"
)

// checkPrivate refuses a file that its group or others may read or change.
func checkPrivate(path string, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return &ExposedError{Path: path, Mode: mode}
	}
	return nil
}

func tightenDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at directory: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory needs its x bit
		return fmt.Errorf("keep others out of the directory: %w", err)
	}
	return nil
}
