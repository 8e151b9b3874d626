package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
)

func isError(err, sentinel error) bool { return errors.Is(err, sentinel) }

// raw runs statements on a file, past the store.
func raw(t *testing.T, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the statements' own errors count
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func pragma(t *testing.T, file, name string) (got string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // only read
	if err := db.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestFileModeAndSettings(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "deeper")
	file := filepath.Join(dir, "a b#?%41.db") // characters that mean something in a URI
	s := openAt(t, file)
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Insert(record("a")) }); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		for path, want := range map[string]fs.FileMode{dir: 0o700, file: 0o600, file + "-wal": 0o600, file + "-shm": 0o600} {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("mode of %s is %o, want %o", filepath.Base(path), got, want)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("files after closing: %v, error %v; want only the database", left, err)
	}
	for name, want := range map[string]string{"journal_mode": "wal", "user_version": "1", "application_id": "1768186740"} {
		// The file name needs escaping here, too, so look at a copy.
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plain := filepath.Join(t.TempDir(), "copy.db")
		if err := os.WriteFile(plain, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := pragma(t, plain, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	s = openAt(t, file)
	present(t, s, []string{"a"})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("text", "certainly not a database, but long enough to be looked at as one, is it not?")
	raw(t, at("foreign"), "CREATE TABLE mine (x)")
	raw(t, at("marked"), "PRAGMA application_id = 77")
	raw(t, at("newer"), "PRAGMA application_id = 1768186740", "PRAGMA user_version = 9")
	if err := os.Mkdir(at("closed"), 0o500); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		path     string
		sentinel error
		texts    []string
	}{
		"directory":        {dir, nil, []string{dir, "is a directory"}},
		"below a file":     {filepath.Join(at("text"), "x.db"), nil, []string{at("text")}},
		"no name":          {"", nil, []string{"no file named"}},
		"text":             {at("text"), store.ErrCorrupt, []string{at("text"), "move the file away"}},
		"other tables":     {at("foreign"), store.ErrCorrupt, []string{at("foreign"), "another program"}},
		"other program":    {at("marked"), store.ErrCorrupt, []string{at("marked"), "another program"}},
		"newer":            {at("newer"), store.ErrNewer, []string{at("newer"), "version 9", "up to 1"}},
		"closed directory": {filepath.Join(at("closed"), "x.db"), fs.ErrPermission, []string{"x.db"}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "closed directory" && os.Geteuid() == 0 {
				t.Skip("root may write everywhere")
			}
			s, err := sqlite.Open(t.Context(), test.path)
			if err == nil {
				_ = s.Close()
			}
			wantError(t, err, test.sentinel, test.texts...)
		})
	}
	for name, want := range map[string]string{"foreign": "0", "marked": "77"} {
		if got := pragma(t, at(name), "application_id"); got != want {
			t.Errorf("%s was changed: application id %s, want %s", name, got, want)
		}
	}
}

// fillUp inserts until the store refuses, and answers the refusal and how many
// records went in.
func fillUp(t *testing.T, s store.Store) (int, error) {
	t.Helper()
	for n := range 2000 {
		if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Insert(record(fmt.Sprintf("id%04d", n))) }); err != nil {
			return n, err
		}
	}
	t.Fatal("the store never gets full")
	return 0, nil
}

func TestFullDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, file, sqlite.WithMaxPages(60))
	n, err := fillUp(t, s)
	wantError(t, err, store.ErrFull, file, "make room")
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("id%04d", i))
	}
	present(t, s, ids)
	// One that is bigger than the room left fails in the middle; a caller that
	// overlooks the error must not commit half of it.
	err = s.Update(t.Context(), func(tx store.Tx) error {
		if err := tx.Delete("User", ids[0]); err != nil {
			return err
		}
		for i := range 500 {
			if err := tx.Insert(record(fmt.Sprint("big", i))); err != nil {
				return nil //nolint:nilerr // overlooked on purpose
			}
		}
		return nil
	})
	wantError(t, err, store.ErrFull, file)
	present(t, s, ids)
	// Room is made, and used again.
	err = s.Update(t.Context(), func(tx store.Tx) error {
		for _, id := range ids[:10] {
			if err := tx.Delete("User", id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("deleting in a full store: %v", err)
	}
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Insert(record("again")) }); err != nil {
		t.Errorf("inserting after deleting: %v", err)
	}
	present(t, s, append(ids[10:], "again"))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := pragma(t, file, "integrity_check"); got != "ok" {
		t.Errorf("integrity check: %s", got)
	}
}

func TestDamage(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(t *testing.T, file string)
	}{
		"pages overwritten": {func(t *testing.T, file string) {
			t.Helper()
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i := 4096; i < len(b); i++ { // all but the first page
				b[i] = 0xa5
			}
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		"cut short": {func(t *testing.T, file string) {
			t.Helper()
			if err := os.Truncate(file, 3*4096); err != nil {
				t.Fatal(err)
			}
		}},
		"entries unreadable": {func(t *testing.T, file string) {
			t.Helper()
			raw(t, file, "UPDATE records SET entries = x'ff'")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "store.db")
			s := openAt(t, file)
			err := s.Update(t.Context(), func(tx store.Tx) error {
				for i := range 50 {
					if err := tx.Insert(record(fmt.Sprint(i))); err != nil {
						return err
					}
				}
				return nil
			})
			if err := errors.Join(err, s.Close()); err != nil {
				t.Fatal(err)
			}
			test.damage(t, file)
			s, err = sqlite.Open(t.Context(), file)
			if err == nil {
				err = s.Update(t.Context(), func(tx store.Tx) error {
					for r, err := range tx.Query(store.Query{Type: "User", SortPath: "userName"}) {
						if err != nil {
							return err
						}
						if err := tx.Put(r.Record); err != nil {
							return err
						}
					}
					return nil
				})
				if err := s.Close(); err != nil {
					t.Logf("close: %v", err) // may well complain about the damage, too
				}
			}
			wantError(t, err, store.ErrCorrupt, file, "idctl server reset")
		})
	}
}
