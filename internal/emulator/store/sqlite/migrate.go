package sqlite

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID stands in the file's header and tells our databases from
// others: "idct" in ASCII.
const applicationID = 0x69646374

// steps are the texts of the migrations; number i leads to version i+1.
func steps(files fs.FS) ([]string, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var texts []string
	for i, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s: want number %d", name, i+1)
		}
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(b))
	}
	return texts, nil
}

// migrate brings the file to the newest schema, one transaction per step, and
// refuses files that are not ours or too new. Several processes may do it at
// once: each step looks at the version again under the write lock.
func (d *database) migrate(ctx context.Context, c *conn, files fs.FS) error {
	texts, err := steps(files)
	if err != nil {
		return err
	}
	for {
		more, err := d.step(ctx, c, texts)
		if err != nil || !more {
			return err
		}
	}
}

func (d *database) step(ctx context.Context, c *conn, texts []string) (more bool, err error) {
	if err := d.begin(ctx, c); err != nil {
		return false, err
	}
	defer func() {
		if err != nil {
			_, _ = c.exec(ctx, "ROLLBACK") // the first error is the one to report
		}
	}()
	var app, version, objects int
	for _, read := range []struct {
		query string
		into  *int
	}{
		{"PRAGMA application_id", &app},
		{"PRAGMA user_version", &version},
		{"SELECT count(*) FROM sqlite_schema", &objects},
	} {
		if err := c.row(ctx, read.query, nil, read.into); err != nil {
			return false, err
		}
	}
	switch fresh := app == 0 && version == 0 && objects == 0; {
	case !fresh && app != applicationID:
		return false, fmt.Errorf("%w: %s is a database of another program: choose another file", store.ErrCorrupt, d.path)
	case version > len(texts):
		return false, fmt.Errorf("%w: %s has version %d, this program knows versions up to %d: use a newer idctl, or another file",
			store.ErrNewer, d.path, version, len(texts))
	case version == len(texts):
		_, err := c.exec(ctx, "COMMIT")
		return false, err
	}
	// Pragmas take no parameters, so their numbers are written out.
	for _, script := range []string{
		texts[version],
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		fmt.Sprintf("PRAGMA user_version = %d", version+1),
	} {
		if _, err := c.c.ExecContext(ctx, script); err != nil {
			return false, fmt.Errorf("migration %d: %w", version+1, err)
		}
	}
	_, err = c.exec(ctx, "COMMIT")
	return true, err
}
