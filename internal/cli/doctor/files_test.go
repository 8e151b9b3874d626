package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
	"github.com/idctl/idctl/internal/transfer/journal"
)

// put writes a file with a mode, whatever the umask.
func put(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestConfiguration(t *testing.T) {
	for name, tt := range map[string]struct {
		file string
		code int
		want want
	}{
		"Good":    {"current: prod\nprofiles:\n  prod:\n    url: https://127.0.0.1:1\n    clientId: a\n", 1, want{"configuration", OK, "1 profile, current prod", ""}},
		"Unknown": {"profiles:\n  prod:\n    ulr: x\n", 1, want{"configuration", Problem, `config.yaml:3: profile prod: unknown setting "ulr"`, "correct the file"}},
		"Secret":  {"profiles:\n  prod:\n    clientSecret: " + hush + "\n", 1, want{"configuration", Problem, "secrets are not kept in this file", ""}},
		"NotYAML": {"a: [", 1, want{"configuration", Problem, "config.yaml", "correct the file"}},
		"Current": {"current: gone\n", 1, want{"profile", Problem, `profile "gone": no such profile`, "idctl profile list"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, map[string]string{})
			put(t, filepath.Join(b.env["IDCTL_HOME"], "config.yaml"), tt.file, 0o600)
			o := b.examine(t)
			o.want(t, tt.code, tt.want)
			if tt.want.check == "configuration" && tt.want.state == Problem {
				o.want(t, tt.code, want{"profile", Skipped, "needs configuration", ""}, want{"dns", Skipped, "needs configuration", ""}, want{"disk", OK, "", ""})
			}
		})
	}
}

func TestNothingSetUp(t *testing.T) {
	t.Run("NoProfile", func(t *testing.T) {
		newBench(t, map[string]string{}).examine(t).want(t, cmdutil.ExitOK,
			want{"configuration", OK, "no file yet", ""}, want{"permissions", OK, "no files yet", ""}, want{"runs", OK, "no imports yet", ""},
			want{"local database", Skipped, "none yet", ""},
			want{"profile", Warning, "no profile chosen", "idctl profile add"}, want{"rights", Skipped, "no profile chosen", ""})
	})
	t.Run("NoHome", func(t *testing.T) {
		env := withToken(serve(t, domain{}))
		env["IDCTL_HOME"] = ""
		newBench(t, env).examine(t).want(t, cmdutil.ExitOK,
			want{"configuration", Warning, "neither IDCTL_HOME nor HOME is set", "IDCTL_HOME"}, want{"permissions", Skipped, "", ""},
			want{"runs", Skipped, "", ""}, want{"disk", Skipped, "", ""}, want{"local database", Skipped, "", ""},
			want{"rights", OK, "may read users and groups", ""})
	})
	t.Run("LocalNeverUsed", func(t *testing.T) {
		b := newBench(t, map[string]string{"IDCTL_PROFILE": "local"})
		b.examine(t).want(t, cmdutil.ExitOK,
			want{"profile", OK, "local (IDCTL_PROFILE)", ""}, want{"service", Skipped, "no database yet", ""},
			want{"token", Skipped, "no database yet", ""}, want{"rights", Skipped, "no database yet", ""}, want{"tls", Skipped, inside, ""})
		if _, err := os.Stat(b.env["IDCTL_HOME"]); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("doctor made files in the home: %v", err)
		}
	})
}

func TestPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("mode bits say nothing there")
	}
	for name, tt := range map[string]struct {
		path string
		mode os.FileMode
		code int
		want want
	}{
		"Private":       {"config.yaml", 0o600, cmdutil.ExitOK, want{"permissions", OK, "all for you alone", ""}},
		"Configuration": {"config.yaml", 0o644, cmdutil.ExitOK, want{"permissions", Warning, "config.yaml (mode 0644)", "chmod go-rwx "}},
		"Secrets":       {"state/secrets.json", 0o640, cmdutil.ExitDenied, want{"permissions", Problem, "secrets.json (mode 0640)", "chmod go-rwx "}},
		"Token":         {"cache/tokens/a/b.json", 0o604, cmdutil.ExitOK, want{"permissions", Warning, "b.json (mode 0604)", "chmod go-rwx "}},
		"Quoted":        {"state/runs/it's.journal", 0o666, cmdutil.ExitOK, want{"permissions", Warning, "it's.journal", `it\'s.journal`}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, withToken(serve(t, domain{})))
			text := ""
			if name == "Secrets" {
				text = `{"version":1,"profiles":{"prod":{"client_secret":{"origin":"https://x.example.com","value":"` + hush + `"}}}}`
			}
			put(t, filepath.Join(b.env["IDCTL_HOME"], filepath.FromSlash(tt.path)), text, tt.mode)
			b.examine(t).want(t, tt.code, tt.want)
		})
	}
	t.Run("FolderForAll", func(t *testing.T) {
		b := newBench(t, map[string]string{})
		put(t, filepath.Join(b.env["IDCTL_HOME"], "config.yaml"), "", 0o600)
		if err := os.Chmod(b.env["IDCTL_HOME"], 0o777); err != nil {
			t.Fatal(err)
		}
		b.examine(t).want(t, cmdutil.ExitOK, want{"permissions", Warning, "home (mode 0777)", "chmod"})
	})
	t.Run("Many", func(t *testing.T) {
		b := newBench(t, map[string]string{})
		for _, n := range []string{"a", "b", "c", "d", "e"} {
			put(t, filepath.Join(b.env["IDCTL_HOME"], "state", n), "", 0o644)
		}
		o := b.examine(t)
		o.want(t, cmdutil.ExitOK, want{"permissions", Warning, "and 2 more", "-o json"})
		if n := len(o.checks["permissions"].Details); n != 5 {
			t.Errorf("%d details, want 5", n)
		}
	})
	t.Run("Windows", func(t *testing.T) {
		b := newBench(t, map[string]string{})
		b.GOOS = "windows"
		put(t, filepath.Join(b.env["IDCTL_HOME"], "config.yaml"), "", 0o644)
		b.examine(t).want(t, cmdutil.ExitOK, want{"permissions", Skipped, "access lists decide, and they are not looked at", ""})
	})
}

func TestRuns(t *testing.T) {
	run := func(t *testing.T, finish bool) *bench {
		t.Helper()
		b := newBench(t, map[string]string{})
		j, err := journal.Create(filepath.Join(b.env["IDCTL_HOME"], "state", "runs", "1.journal"), journal.Identity{Name: "users.csv"}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if finish {
			err = j.Finish(time.Now(), nil)
		}
		if err := errors.Join(err, j.Close()); err != nil {
			t.Fatal(err)
		}
		return b
	}
	t.Run("Finished", func(t *testing.T) {
		run(t, true).examine(t).want(t, cmdutil.ExitOK, want{"runs", OK, "1 import, all finished", ""})
	})
	t.Run("Interrupted", func(t *testing.T) {
		o := run(t, false).examine(t)
		o.want(t, cmdutil.ExitOK, want{"runs", Warning, "1 of 1 import not finished", "--resume"})
		if d := o.checks["runs"].Details; len(d) != 1 || d[0].Value != "users.csv" {
			t.Errorf("details %+v", d)
		}
	})
	t.Run("Damaged", func(t *testing.T) {
		b := newBench(t, map[string]string{})
		put(t, filepath.Join(b.env["IDCTL_HOME"], "state", "runs", "1.journal"), "nonsense", 0o600)
		b.examine(t).want(t, cmdutil.ExitOK, want{"runs", Warning, "cannot be read", "move the file away"})
	})
}

func TestDisk(t *testing.T) {
	for name, tt := range map[string]struct {
		free  uint64
		err   error
		state State
		code  int
	}{
		"Plenty":   {5 << 30, nil, OK, cmdutil.ExitOK},
		"Little":   {100 << 20, nil, Warning, cmdutil.ExitOK},
		"Nothing":  {1 << 20, nil, Problem, cmdutil.ExitFailure},
		"NotAsked": {0, errors.ErrUnsupported, Skipped, cmdutil.ExitOK},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, map[string]string{})
			b.Free = func(string) (uint64, error) { return tt.free, tt.err }
			b.examine(t).want(t, tt.code, want{"disk", tt.state, "", ""})
		})
	}
	if free, err := freeSpace(t.TempDir()); !errors.Is(err, errors.ErrUnsupported) && (err != nil || free == 0) {
		t.Errorf("free space of the temporary folder: %d, %v", free, err)
	}
}

func TestLocalDatabase(t *testing.T) {
	file := func(b *bench) string { return filepath.Join(b.env["IDCTL_HOME"], "state", "local", "idctl.db") }
	t.Run("Sound", func(t *testing.T) {
		b := newBench(t, map[string]string{})
		st, err := sqlite.Open(t.Context(), file(b))
		if err != nil {
			t.Fatal(err)
		}
		// Once while it is in use, once afterwards.
		b.examine(t).want(t, cmdutil.ExitOK, want{"local database", OK, "sound", ""})
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		b.examine(t).want(t, cmdutil.ExitOK, want{"local database", OK, "sound", ""})
	})
	t.Run("Damaged", func(t *testing.T) {
		b := newBench(t, map[string]string{})
		put(t, file(b), "this is no database, and it is long enough to be looked at as one: "+string(make([]byte, 4096)), 0o600)
		b.examine(t).want(t, cmdutil.ExitFailure, want{"local database", Problem, "idctl.db", "move the file away"})
	})
}
