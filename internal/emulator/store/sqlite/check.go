package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/idctl/idctl/internal/emulator/store"
)

// Check reads the whole file and answers store.ErrCorrupt when it is damaged. It
// changes nothing, and other processes go on. A large file takes some time,
// which ctx bounds.
func Check(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // a drive letter
	}
	values := url.Values{"mode": {"ro"}, "_pragma": {busyPragma(time.Second), "query_only(1)"}}
	c, err := driver.NewConnector("file://" + (&url.URL{Path: p}).EscapedPath() + "?" + values.Encode())
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(1)
	var answer string
	err = db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&answer)
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	var code *driver.Error
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("check %s: %w", path, ctx.Err())
	case errors.As(err, &code) && (code.Code()&0xff == lib.SQLITE_CORRUPT || code.Code()&0xff == lib.SQLITE_NOTADB):
		return fmt.Errorf("check %s: %w: %w", path, store.ErrCorrupt, err)
	case err != nil:
		return fmt.Errorf("check %s: %w", path, err)
	case answer != "ok":
		return fmt.Errorf("check %s: %w: %s", path, store.ErrCorrupt, answer)
	}
	return nil
}
