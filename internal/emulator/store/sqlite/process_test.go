package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
)

// Environment of the test binary when it plays another process.
const (
	roleEnv = "IDCTL_STORE_TEST_ROLE" // "insert" or "hold"
	fileEnv = "IDCTL_STORE_TEST_FILE"
	nameEnv = "IDCTL_STORE_TEST_NAME"
)

func TestMain(m *testing.M) {
	role := os.Getenv(roleEnv)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := play(role, os.Getenv(fileEnv), os.Getenv(nameEnv)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func play(role, file, name string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, file)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // the other process looks at the file itself
	switch role {
	case "insert": // for ever, printing what is committed; ends with its stdin
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
		for i := 0; ; i++ {
			r := record(fmt.Sprintf("%s-%d", name, i))
			if err := s.Update(ctx, func(tx store.Tx) error { return tx.Insert(r) }); err != nil {
				return err
			}
			fmt.Println(r.ID)
		}
	case "hold": // keeps the write lock until stdin ends
		return s.Update(ctx, func(store.Tx) error {
			fmt.Println("held")
			_, err := io.Copy(io.Discard, os.Stdin)
			return err
		})
	default:
		return fmt.Errorf("unknown role %q", role)
	}
}

func record(id string) store.Record {
	return store.Record{
		Type: "User", ID: id, Version: "1", Created: time.Unix(0, 0), Modified: time.Unix(0, 0),
		Data:   bytes.Repeat([]byte("x"), 1500),
		Index:  []store.Entry{{Path: "userName", Value: id}, {Path: "emails.value", Value: id + "@example.com"}},
		Unique: []store.Claim{{Path: "userName", Value: id}},
	}
}

// other is this test binary as another process.
type other struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
	errs  *bytes.Buffer
}

func start(t *testing.T, role, file, name string) *other {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role, fileEnv+"="+file, nameEnv+"="+name)
	o := &other{cmd: cmd, errs: &bytes.Buffer{}}
	cmd.Stderr = o.errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if o.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	o.lines = bufio.NewScanner(out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // already ended, unless the test failed
		_ = cmd.Wait()
	})
	return o
}

// line reads a line that must come.
func (o *other) line(t *testing.T) string {
	t.Helper()
	if !o.lines.Scan() {
		t.Fatalf("process ended: %v; stderr: %s", o.lines.Err(), o.errs)
	}
	return o.lines.Text()
}

// rest reads to the end of the output. A line is written at once, so that none
// is cut off by a kill.
func (o *other) rest() []string {
	var all []string
	for o.lines.Scan() {
		all = append(all, o.lines.Text())
	}
	return all
}

func present(t *testing.T, s store.Store, ids []string) {
	t.Helper()
	err := s.View(t.Context(), func(tx store.Tx) error {
		for _, id := range ids {
			if _, err := tx.Get("User", id); err != nil {
				return fmt.Errorf("committed record: %w", err)
			}
			if holder, err := tx.Claimed("User", "userName", id); holder != id {
				return fmt.Errorf("claim of %s is with %q: %w", id, holder, err)
			}
		}
		n, err := tx.Count(store.Query{Type: "User"})
		if err != nil {
			return err
		}
		for _, path := range []string{"userName", "emails.value"} {
			m, err := tx.Count(store.Query{Type: "User", Conds: []store.Cond{{Path: path, Rel: store.Any}}, In: nil})
			if m != n {
				return fmt.Errorf("%d records, but %d with an entry at %s: %w", n, m, path, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestKilledWriterLosesNothingCommitted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	for round := range 3 {
		o := start(t, "insert", file, fmt.Sprint("round", round))
		var ids []string
		for range 40 + 150*round {
			ids = append(ids, o.line(t))
		}
		if err := o.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, o.rest()...)
		s := openAt(t, file)
		present(t, s, ids)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := pragma(t, file, "integrity_check"); got != "ok" {
			t.Errorf("integrity check after %d rows: %s", len(ids), got)
		}
	}
}

func TestTwoProcessesAndTwoStoresInsertAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	// All of them open and create the file at the same time.
	a, b := start(t, "insert", file, "a"), start(t, "insert", file, "b")
	here, beside := openAt(t, file), openAt(t, file)
	var ids []string
	seen := map[uint64]bool{}
	for i := range 60 {
		for name, s := range map[string]store.Store{"here": here, "beside": beside} {
			r := record(fmt.Sprint(name, i))
			if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Insert(r) }); err != nil {
				t.Fatalf("insert %s: %v", r.ID, err)
			}
			v, err := s.Version(t.Context())
			if err != nil || seen[v] {
				t.Fatalf("version %d seen again: %v, error %v", v, seen[v], err)
			}
			seen[v] = true
			ids = append(ids, r.ID)
		}
		ids = append(ids, a.line(t), b.line(t))
	}
	for _, o := range []*other{a, b} {
		if err := o.stdin.Close(); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, o.rest()...)
		if err := o.cmd.Wait(); err != nil {
			t.Errorf("other process: %v, %s", err, o.errs)
		}
	}
	present(t, here, ids)
	present(t, beside, ids)
	if err := here.Close(); err != nil {
		t.Error(err)
	}
	present(t, beside, ids)
	if err := beside.Close(); err != nil {
		t.Error(err)
	}
	if got := pragma(t, file, "integrity_check"); got != "ok" {
		t.Errorf("integrity check: %s", got)
	}
}

func TestOtherProcessChangesVersionAndCounts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	s, o := openAt(t, file), openAt(t, file)
	count := func() (n int) {
		t.Helper()
		err := s.View(t.Context(), func(tx store.Tx) (err error) {
			n, err = tx.Count(store.Query{Type: "User"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for want := range 3 {
		before, err := s.Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time from the cache
			if got := count(); got != want {
				t.Errorf("count is %d, want %d", got, want)
			}
		}
		if err := o.Update(t.Context(), func(tx store.Tx) error { return tx.Insert(record(fmt.Sprint(want))) }); err != nil {
			t.Fatal(err)
		}
		if after, err := s.Version(t.Context()); after == before || err != nil {
			t.Errorf("version stays %d, error %v", after, err)
		}
	}
	for _, s := range []store.Store{s, o} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBusyNamesTheOtherProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, file, sqlite.WithBusyTimeout(time.Millisecond))
	o := start(t, "hold", file, "")
	if diff := cmp.Diff("held", o.line(t)); diff != "" {
		t.Fatal(diff)
	}
	insert := func(tx store.Tx) error { return tx.Insert(record("a")) }
	wantError(t, s.Update(t.Context(), insert), store.ErrBusy, file, "another process")
	if _, err := s.Version(t.Context()); err != nil {
		t.Errorf("reading beside a writer: %v", err)
	}
	if err := o.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := o.cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, o.errs)
	}
	if err := s.Update(t.Context(), insert); err != nil {
		t.Errorf("after the other has gone: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// wantError checks an error's kind and that its text says certain things.
func wantError(t *testing.T, err, sentinel error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one about %v", texts)
		return
	}
	if sentinel != nil && !isError(err, sentinel) {
		t.Errorf("error is %v, want %v", err, sentinel)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}
