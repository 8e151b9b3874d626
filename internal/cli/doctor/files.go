package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kballard/go-shellquote"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
	"github.com/idctl/idctl/internal/transfer/journal"
)

func checkConfiguration(_ context.Context, o *options, _ facts) result {
	file, err := o.Paths.ConfigFile()
	if errors.Is(err, config.ErrNoHome) {
		return warn("set IDCTL_HOME to a folder of your own, to keep profiles, journals and access tokens",
			"%s; flags and variables alone are used", bare(err))
	}
	cfg, cerr := o.Config()
	switch {
	case err != nil:
		return fail(err, "", "%v", err)
	case cerr != nil:
		return fail(cerr, "correct the file "+file, "%v", cerr)
	}
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		return ok("no file yet, it would be %s", file)
	}
	text := cmdutil.Count(len(cfg.Profiles), "profile")
	if cfg.Current != "" {
		text += ", current " + cfg.Current
	}
	return ok("%s: %s", file, text)
}

// bare is why there is no folder, without which one was looked for.
func bare(err error) string {
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	return err.Error()
}

// maxEntries bounds how many files are looked at.
const maxEntries = 20_000

// exposure is a file or folder that others can use.
type exposure struct {
	path   string
	what   string
	secret bool
}

func checkPermissions(ctx context.Context, o *options, _ facts) result {
	if o.GOOS == "windows" {
		return skip("on Windows access lists decide, and they are not looked at; the folders of a user's profile are kept from other users")
	}
	file, err := o.Paths.ConfigFile()
	if errors.Is(err, config.ErrNoHome) {
		return skip("%s", bare(err))
	}
	if err != nil {
		return fail(err, "", "%v", err)
	}
	l := looker{ctx: ctx}
	l.look(filepath.Dir(file), 0o022)
	l.look(file, 0o077)
	for _, folder := range []func(...string) (string, error){o.Paths.State, o.Paths.Cache} {
		dir, err := folder()
		if err == nil {
			l.walk(dir)
		}
	}
	switch {
	case l.err != nil:
		return fail(l.err, "make the file readable for yourself, or remove it", "%v", l.err)
	case len(l.exposed) == 0 && l.seen == 0:
		return ok("no files yet")
	case len(l.exposed) == 0:
		return ok("%s and folders looked at, all for you alone%s", cmdutil.Count(l.seen, "file"), l.more())
	}
	return l.report()
}

// looker gathers what others can use.
type looker struct {
	ctx     context.Context //nolint:containedctx // it belongs to one check and ends with it
	seen    int
	exposed []exposure
	cut     bool
	err     error
}

// look judges one path. bits are those that must not be set.
func (l *looker) look(path string, bits fs.FileMode) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		l.err = errors.Join(l.err, err)
		return
	}
	l.judge(path, info, bits)
}

func (l *looker) judge(path string, info fs.FileInfo, bits fs.FileMode) {
	l.seen++
	secret := slices.Contains([]string{"secrets.json", "secrets.age", "credentials.json"}, filepath.Base(path))
	if mode := info.Mode().Perm(); mode&bits != 0 {
		what := fmt.Sprintf("mode %#o", mode)
		l.exposed = append(l.exposed, exposure{path, what, secret})
	}
	if owner, mine := ownedByOther(info); !mine {
		l.exposed = append(l.exposed, exposure{path, "owned by user " + owner, secret})
	}
}

// walk judges all below a folder, where nothing is for others.
func (l *looker) walk(dir string) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // gone since, as temporary files go
		case err != nil:
			l.err = errors.Join(l.err, err)
			return nil
		case l.seen >= maxEntries || l.ctx.Err() != nil:
			l.cut = true
			return filepath.SkipAll
		case d.Type()&fs.ModeSymlink != 0:
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			l.err = errors.Join(l.err, err)
			return nil
		}
		l.judge(path, info, 0o077)
		return nil
	})
	l.err = errors.Join(l.err, err)
}

func (l *looker) more() string {
	if l.cut {
		return ", as far as was looked; there are more"
	}
	return ""
}

func (l *looker) report() result {
	const shown = 3
	var names, advice []string
	r := result{Check: Check{State: Warning}, code: cmdutil.ExitFailure}
	for i, e := range l.exposed {
		if e.secret {
			// Files of secrets that others can read are refused by every command.
			r.State, r.code = Problem, cmdutil.ExitDenied
		}
		r.Details = append(r.Details, Detail{Name: e.path, Value: e.what})
		if i < shown {
			names = append(names, fmt.Sprintf("%s (%s)", e.path, e.what))
			if strings.HasPrefix(e.what, "mode") {
				advice = append(advice, shellquote.Join("chmod", "go-rwx", e.path))
			} else {
				advice = append(advice, "do not run idctl as another user, with sudo for one")
			}
		}
	}
	if n := len(l.exposed) - shown; n > 0 {
		names = append(names, fmt.Sprintf("and %d more", n))
		advice = append(advice, "and so on; -o json lists all of them")
	}
	r.Finding = "others can use " + strings.Join(names, ", ") + l.more()
	r.Advice = joinLines(advice)
	return r
}

func checkRuns(_ context.Context, o *options, _ facts) result {
	dir, err := o.Paths.State("runs")
	if err != nil {
		return skip("%s", bare(err))
	}
	infos, err := journal.List(dir)
	open := 0
	var details []Detail
	for _, i := range infos {
		if !i.Finished {
			open++
			details = append(details, Detail{Name: i.Run, Value: i.Name, Where: i.Path})
		}
	}
	switch {
	case err != nil:
		return warn("move the file away; a run that it belonged to can no longer be resumed", "a journal cannot be read: %v", err)
	case len(infos) == 0:
		return ok("no imports yet")
	case open == 0:
		return ok("%s, all finished", cmdutil.Count(len(infos), "import"))
	}
	r := warn("idctl runs list shows them; the same import with --resume goes on, idctl runs prune --interrupted forgets them",
		"%d of %s not finished: interrupted, or running now", open, cmdutil.Count(len(infos), "import"))
	r.Details = details
	return r
}

// Free space below which an import's journal or the local database is at risk.
const (
	littleSpace = 500 << 20
	noSpace     = 20 << 20
)

func checkDisk(_ context.Context, o *options, _ facts) result {
	dir, err := o.Paths.State()
	if err != nil {
		return skip("%s", bare(err))
	}
	there := existing(dir)
	free, err := o.Free(there)
	if errors.Is(err, errors.ErrUnsupported) {
		return skip("free space cannot be asked for on this system")
	}
	advice := "make room on the disk of " + there + ": journals of imports are written there"
	switch {
	case err != nil:
		return warn("", "free space of %s: %v", there, err)
	case free < noSpace:
		return fail(nil, advice, "%d MB free at %s", free>>20, there)
	case free < littleSpace:
		return warn(advice, "%d MB free at %s", free>>20, there)
	}
	return ok("%d GB free at %s", (free+1<<29)>>30, there)
}

// existing is the nearest folder that is there.
func existing(dir string) string {
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return dir
		}
		dir = parent
	}
}

func checkLocal(ctx context.Context, o *options, _ facts) result {
	file, err := o.Paths.State(config.LocalProfile, "idctl.db")
	if err != nil {
		return skip("%s", bare(err))
	}
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		r := skip("none yet: the first command with --profile local makes it")
		r.learn = func(f *facts) { f.noDatabase = true }
		return r
	}
	if err == nil {
		err = sqlite.Check(ctx, file)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return warn("", "%s, %s: not read to its end within %s", file, size(info.Size()), o.Limit)
	case errors.Is(err, store.ErrCorrupt):
		return fail(err, "move the file away; the next command starts an empty service", "%v", err)
	case err != nil:
		return fail(err, "", "%v", err)
	}
	return ok("%s, %s, sound", file, size(info.Size()))
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KB", (n+1023)>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
