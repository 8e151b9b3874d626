package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store"
)

func openWith(t *testing.T, path string, files map[string]string) (*database, error) {
	t.Helper()
	m := fstest.MapFS{}
	first, err := migrations.ReadFile("migrations/001_records.sql")
	if err != nil {
		t.Fatal(err)
	}
	m["migrations/001_records.sql"] = &fstest.MapFile{Data: first}
	for name, text := range files {
		m["migrations/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return open(t.Context(), path, settings{busy: time.Second, readers: 1}, m)
}

func TestMigrations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	versions := func(files map[string]string) (version int, err error) {
		d, err := openWith(t, path, files)
		if err != nil {
			return 0, err
		}
		err = d.view(t.Context(), func(tx *tx) error { return tx.row("PRAGMA user_version", nil, &version) })
		return version, errors.Join(err, d.Close())
	}
	for _, step := range []struct {
		name  string
		files map[string]string
		want  int
		text  string // of the error
	}{
		{"first", nil, 1, ""},
		{"failing half-way", map[string]string{"002_x.sql": "CREATE TABLE two (x);", "003_y.sql": "CREATE TABLE half (x); CREATE NONSENSE;"}, 0, "migration 3"},
		{"repaired", map[string]string{"002_x.sql": "SELECT fails_when_run_again();", "003_y.sql": "CREATE TABLE half (x);"}, 3, ""},
		{"nothing to do", map[string]string{"002_x.sql": "", "003_y.sql": ""}, 3, ""},
		{"older program", map[string]string{"002_x.sql": ""}, 0, "has version 3, this program knows versions up to 2"},
		{"gap", map[string]string{"003_y.sql": ""}, 0, "want number 2"},
	} {
		got, err := versions(step.files)
		if got != step.want || (err != nil) != (step.text != "") || err != nil && !strings.Contains(err.Error(), step.text) {
			t.Errorf("%s: version %d, error %v; want %d, %q", step.name, got, err, step.want, step.text)
		}
	}
}

// TestOrdersComeFromIndexes asks SQLite how it would read keys: in the order of
// an index that holds all it needs, never sorting and never touching records.
func TestOrdersComeFromIndexes(t *testing.T) {
	d, err := openWith(t, filepath.Join(t.TempDir(), "store.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // nothing is written after the update
	err = d.Update(t.Context(), func(tx store.Tx) error {
		for i := range 10 {
			r := store.Record{Type: "User", ID: fmt.Sprint(i), Index: []store.Entry{{Path: "active", Value: "true"}}}
			if i > 0 {
				r.Index = append(r.Index, store.Entry{Path: "userName", Value: fmt.Sprint(i)})
			}
			if err := tx.Insert(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	active := []store.Cond{{Path: "active", Value: "true"}}
	named := []store.Cond{{Path: "userName", Rel: store.Ge, Value: "3"}}
	for name, q := range map[string]store.Query{
		"all":           {},
		"by name":       {SortPath: "userName"},
		"active":        {Conds: active},
		"active sorted": {Conds: active, SortPath: "userName"},
		"range sorted":  {Conds: named, SortPath: "userName"},
		"group":         {Conds: []store.Cond{{Path: "userName", Rel: store.Ge, Group: 1}, {Path: "active", Value: "true", Group: 1}}, SortPath: "userName"},
	} {
		for _, desc := range []bool{false, true} {
			q.Type, q.Desc = "User", desc
			at := store.Position{Tail: q.SortPath == "", Seq: 5}
			for _, q.After = range []string{"", q.Cursors()(at)} {
				plans(t, d, fmt.Sprintf("%s, desc %v, after %v", name, desc, q.After != ""), q)
			}
		}
	}
}

func plans(t *testing.T, d *database, name string, q store.Query) {
	t.Helper()
	err := d.view(t.Context(), func(tx *tx) error {
		p, ok, err := tx.begin(q)
		if err != nil || !ok {
			return fmt.Errorf("nothing to read: %w", err)
		}
		var parts []part
		if p.sort != 0 {
			head, err := tx.heading(p)
			if err != nil {
				return err
			}
			parts = append(parts, head)
		}
		tail, ok, err := tx.tail(p)
		if err != nil {
			return err
		}
		if ok {
			parts = append(parts, tail)
		}
		for _, part := range parts {
			query, args := part.sql(q.Desc, 10, 1000)
			err := tx.each("EXPLAIN QUERY PLAN "+query, args, func(scan func(...any) error) error {
				var id, parent, unused int
				var detail string
				if err := scan(&id, &parent, &unused, &detail); err != nil {
					return err
				}
				if strings.Contains(detail, "TEMP B-TREE") || strings.HasPrefix(detail, "SCAN") ||
					strings.Contains(detail, " records ") && !strings.Contains(detail, "COVERING") {
					t.Errorf("%s: %s\n%s", name, detail, query)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte{0xff})
	f.Add(encode([]entry{{path: 3, elem: 0, head: true, value: "a"}, {path: 3, elem: -2, value: ""}}, []claim{{4, "x"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, claims, err := decode(b)
		if err != nil {
			return
		}
		again, claimsAgain, err := decode(encode(entries, claims))
		if err != nil {
			t.Fatal(err)
		}
		opt := cmp.AllowUnexported(entry{}, claim{})
		if diff := cmp.Diff(entries, again, opt) + cmp.Diff(claims, claimsAgain, opt); diff != "" {
			t.Errorf("written and read again (-want +got):\n%s", diff)
		}
	})
}

// TestAnchors pages through a table forwards, backwards and by steps, changes it
// in between, and compares with what a single query says.
func TestAnchors(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	insert := func(ids ...string) {
		t.Helper()
		err := s.Update(t.Context(), func(tx store.Tx) error {
			for _, id := range ids {
				if err := tx.Insert(store.Record{Type: "T", ID: id}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 60 {
		insert(fmt.Sprintf("%03d", i))
	}
	read := func(offset, limit int, desc bool) (ids []string) {
		t.Helper()
		err := s.View(t.Context(), func(tx store.Tx) error {
			for row, err := range tx.Query(store.Query{Type: "T", Offset: offset, Limit: limit, Desc: desc}) {
				if err != nil {
					return err
				}
				ids = append(ids, row.ID)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	for round := range 3 {
		all := read(0, 0, false)
		for _, step := range []int{7, -7, 13, 1} {
			for i := range 70 {
				from := i * step
				if step < 0 {
					from = 70 + from
				}
				if from < 0 || from > len(all) {
					continue
				}
				if got, want := read(from, 8, false), all[from:min(from+8, len(all))]; !slices.Equal(got, want) {
					t.Fatalf("round %d, from %d: %v, want %v", round, from, got, want)
				}
				back := read(from, 3, true)
				if len(back) > 0 && back[0] != all[len(all)-1-from] {
					t.Fatalf("round %d, back from %d: %v", round, from, back)
				}
			}
		}
		err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Delete("T", all[10+round]) })
		if err != nil {
			t.Fatal(err)
		}
		insert(fmt.Sprintf("late%d", round))
	}
}
