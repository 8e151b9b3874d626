package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	began = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	users = Identity{Profile: "prod", Origin: "https://idcs.example.com", Type: "User", Source: "ab12", Name: "users.csv", Options: "o1"}
)

func create(t *testing.T) *Journal {
	t.Helper()
	j, err := Create(filepath.Join(t.TempDir(), "runs", users.FileName()), users, began)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func closed(t *testing.T, j *Journal) string {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return j.Path()
}

func fill(t *testing.T, j *Journal) {
	t.Helper()
	err := errors.Join(
		j.Intend(Intent{Row: 1, Op: "create", Repeat: Readable}, Intent{Row: 2, Op: "update", Repeat: Readable, ID: "u2", Before: json.RawMessage(`{"title":"old"}`)}),
		j.Settle(Outcome{Row: 1, Result: Created, ID: "u1", Status: 201, Deferred: true}),
		j.Intend(Intent{Row: 1, Phase: References, Op: "update", Repeat: Readable, ID: "u1"}),
		j.Settle(Outcome{Row: 3, Result: Failed, Status: 503, Transient: true, Code: "unavailable", Reason: "try later"}),
	)
	if err != nil {
		t.Fatal(err)
	}
}

func TestResume(t *testing.T) {
	j := create(t)
	fill(t, j)
	run, token := j.Run(), j.RetryToken(Rows, 2)
	path := closed(t, j)

	j, state, err := Open(path, users)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = closed(t, j) }()
	if j.Run() != run || j.RetryToken(Rows, 2) != token {
		t.Error("run id or retry token changed over a resume")
	}
	if j.RetryToken(References, 2) == token || j.RetryToken(Rows, 2, 3) == token {
		t.Error("two operations share a retry token")
	}
	want := []Intent{
		{Row: 2, Op: "update", Repeat: Readable, ID: "u2", Before: json.RawMessage(`{"title":"old"}`)},
		{Row: 1, Phase: References, Op: "update", Repeat: Readable, ID: "u1"},
	}
	if diff := cmp.Diff(want, state.Open); diff != "" {
		t.Errorf("open operations (-want +got):\n%s", diff)
	}
	got, ok := state.Outcome(1, Rows)
	if diff := cmp.Diff(Outcome{Row: 1, Result: Created, Status: 201, Deferred: true}, got); !ok || diff != "" {
		t.Errorf("row 1: ok %v (-want +got):\n%s", ok, diff)
	}
	if got, ok := state.Outcome(3, Rows); !ok || !got.Transient || got.Reason != "try later" {
		t.Errorf("row 3 = %+v, %v; want a transient failure", got, ok)
	}
	if _, ok := state.Outcome(2, Rows); ok {
		t.Error("row 2 has an outcome though it was only intended")
	}
	if state.Rows() != 2 || state.Finished {
		t.Errorf("rows %d, finished %v; want 2, false", state.Rows(), state.Finished)
	}
	for i, err := range BeforeImages(path) {
		if err != nil || i.Row != 2 || string(i.Before) != `{"title":"old"}` {
			t.Errorf("before-image = %+v, %v", i, err)
		}
	}
}

// A kill can stop the write of a line anywhere. Whatever the cut, the journal
// opens, holds a prefix of what was written, and can be continued.
func TestTornAtEveryByte(t *testing.T) {
	j := create(t)
	fill(t, j)
	whole, err := os.ReadFile(closed(t, j))
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(whole, '\n') + 1
	path := filepath.Join(t.TempDir(), "torn.journal")
	for cut := first; cut < len(whole); cut++ {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j, _, err := Open(path, users)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if err := j.Settle(Outcome{Row: 9, Result: Unchanged}); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		info, err := Describe(path)
		if err != nil {
			t.Fatalf("cut at %d, then continued: %v", cut, err)
		}
		if info.Rows < 1 {
			t.Fatalf("cut at %d: the entry written after resume is gone", cut)
		}
	}
}

func TestRefusals(t *testing.T) {
	j := create(t)
	fill(t, j)
	if _, _, err := Open(j.Path(), users); !errors.Is(err, ErrLocked) {
		t.Errorf("second run: %v, want ErrLocked", err)
	}
	if _, err := Create(j.Path(), users, began); !errors.Is(err, ErrLocked) {
		t.Errorf("second create: %v, want ErrLocked", err)
	}
	path := closed(t, j)
	if _, err := Create(path, users, began); !errors.Is(err, ErrExists) {
		t.Errorf("create over a journal: %v, want ErrExists", err)
	}
	if _, _, err := Open(path+"x", users); !errors.Is(err, ErrMissing) {
		t.Errorf("open of nothing: %v, want ErrMissing", err)
	}
	for what, change := range map[string]func(*Identity){
		"source file":     func(i *Identity) { i.Source = "cd34" },
		"profile":         func(i *Identity) { i.Profile = "test" },
		"service":         func(i *Identity) { i.Origin = "https://other.example.com" },
		"mapping options": func(i *Identity) { i.Options = "o2" },
		"shard":           func(i *Identity) { i.Shard = "1/2" },
	} {
		other := users
		change(&other)
		_, _, err := Open(path, other)
		if !errors.Is(err, ErrChanged) || !bytes.Contains([]byte(err.Error()), []byte(what)) {
			t.Errorf("other %s: %v, want ErrChanged naming it", what, err)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"flipped byte":  func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"empty":         func([]byte) []byte { return nil },
		"another file":  func([]byte) []byte { return []byte("a,b\n1,2\n") },
		"missing start": func(b []byte) []byte { return b[10:] },
	} {
		bad := filepath.Join(t.TempDir(), "bad.journal")
		if err := os.WriteFile(bad, damage(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Open(bad, users); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
}

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(filepath.Join(file, "runs", "x.journal"), users, began); !errors.Is(err, ErrWrite) {
		t.Errorf("folder cannot be made: %v, want ErrWrite", err)
	}
	j := create(t)
	_ = j.file.Close() // every write fails from now on, as on a full disk
	if err := j.Intend(Intent{Row: 1, Op: "create", Repeat: Readable}); !errors.Is(err, ErrWrite) {
		t.Errorf("write: %v, want ErrWrite", err)
	}
	if err := j.Settle(Outcome{Row: 1, Result: Created}); !errors.Is(err, ErrWrite) {
		t.Errorf("write after a failure: %v, want ErrWrite again", err)
	}
	if err := j.Close(); !errors.Is(err, ErrWrite) {
		t.Errorf("close: %v, want ErrWrite", err)
	}
}

func TestModeListAndPrune(t *testing.T) {
	j := create(t)
	if err := j.Finish(began, json.RawMessage(`{"rows":0}`)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(j.Path())
	infos, err := List(dir)
	if err != nil || len(infos) != 1 || !infos[0].Finished || string(infos[0].Summary) != `{"rows":0}` {
		t.Fatalf("list = %+v, %v", infos, err)
	}
	if stat, err := os.Stat(j.Path()); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v; want 0600", stat.Mode(), err)
	}
	later := infos[0].Modified.Add(Keep + time.Hour)
	if gone, err := Prune(dir, later, Keep, false); err != nil || len(gone) != 0 {
		t.Errorf("prune of a held journal = %v, %v; want nothing", gone, err)
	}
	path := closed(t, j)
	if gone, err := Prune(dir, infos[0].Modified, Keep, false); err != nil || len(gone) != 0 {
		t.Errorf("prune of a young journal = %v, %v; want nothing", gone, err)
	}
	if gone, err := Prune(dir, later, Keep, false); err != nil || len(gone) != 1 || gone[0] != path {
		t.Errorf("prune = %v, %v; want %s", gone, err, path)
	}
}

func FuzzLoad(f *testing.F) {
	j, err := Create(filepath.Join(f.TempDir(), "f.journal"), users, began)
	if err != nil {
		f.Fatal(err)
	}
	_ = j.Intend(Intent{Row: 1, Op: "create", Repeat: Readable})
	_ = j.Close()
	whole, err := os.ReadFile(j.Path())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte("00000000 {}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, state, size, err := load(bytes.NewReader(data))
		if err != nil {
			return
		}
		if size > int64(len(data)) {
			t.Fatalf("whole lines end at %d of %d bytes", size, len(data))
		}
		_, again, _, err := load(bytes.NewReader(data[:size]))
		if err != nil {
			t.Fatalf("the whole lines do not load: %v", err)
		}
		if len(again.rows) != len(state.rows) {
			t.Fatalf("rows %d, then %d", len(state.rows), len(again.rows))
		}
	})
}
