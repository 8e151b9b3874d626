//go:build !windows

package atomicfile

import "os"

// Folder makes a folder, and those above it that are missing, for their owner
// alone. Folders that exist are left as they are.
func Folder(dir string) error { return os.MkdirAll(dir, 0o700) }

// restrict has nothing to do: the file was made with mode 0600.
func restrict(*os.File) error { return nil }
