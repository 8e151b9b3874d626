package sqlite

import (
	"context"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/idctl/idctl/internal/emulator/store"
)

// explain turns an error of the driver into one that names the file and says
// what helps. It goes by the result code, never by text. Other errors pass.
func (d *database) explain(err error) error {
	var e *driver.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff { // the primary code; the rest tells variants apart
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("%w: %s: move the file away, or run \"idctl server reset\" to start with an empty one: %w",
			store.ErrCorrupt, d.path, err)
	case lib.SQLITE_FULL, lib.SQLITE_IOERR:
		return fmt.Errorf("%w: %s: make room on its disk and try again: %w", store.ErrFull, d.path, err)
	case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM:
		return fmt.Errorf("%w: %s cannot be written: check the permissions of the file and of its directory: %w",
			store.ErrFull, d.path, err)
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return fmt.Errorf("%w: %s: wait for the other process to finish, or stop it: %w", store.ErrBusy, d.path, err)
	case lib.SQLITE_INTERRUPT:
		return fmt.Errorf("%w: %w", context.Canceled, err)
	default:
		return fmt.Errorf("database %s: %w", d.path, err)
	}
}

// busy says whether another connection held a lock that we need.
func busy(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_BUSY
}
