package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/idctl/idctl/internal/atomicfile"
)

// ErrLocked means that another process holds the lock and did not give it up in time.
var ErrLocked = errors.New("in use by another idctl")

// maxFile bounds what is read of any file of ours.
const maxFile = 4 << 20

const lockRetry = 20 * time.Millisecond

// makeDir makes dir for its owner alone, also when it is there already.
func makeDir(dir string) error {
	if err := atomicfile.Folder(dir); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	return tightenDir(dir)
}

// lock takes the lock beside path. It waits for other processes as long as
// ctx and limit allow. The lock file is never removed: removing it would let
// two processes hold "the" lock on two different files.
func lock(ctx context.Context, path string, limit time.Duration) (unlock func(), err error) {
	fl := flock.New(path+".lock", flock.SetPermissions(0o600))
	waitCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ok, err := fl.TryLockContext(waitCtx, lockRetry)
	switch {
	case ctx.Err() != nil:
		if ok {
			_ = fl.Close() // nothing was done under it
		}
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) || (err == nil && !ok):
		return nil, fmt.Errorf("%s: %w: waited %s", path, ErrLocked, limit)
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() {
		// The system gives the lock up with the process at the latest.
		_ = fl.Close()
	}, nil
}

// writeFile replaces path. The caller holds its lock, so left-over temporary
// files are of processes that were killed.
func writeFile(path string, data []byte) error {
	atomicfile.Sweep(path)
	return atomicfile.Write(path, data)
}

// readFile reads a file of ours whole, within a limit, and refuses one that
// others can read. It checks the file that it opened, not the name.
func readFile(path string) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if err := checkPrivate(path, info); err != nil {
		return nil, err
	}
	data, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d MB", path, maxFile>>20)
	}
	return data, err
}
