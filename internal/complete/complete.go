// Package complete keeps the names that shells complete: users, groups,
// members, resource types and attributes of the service of a profile. They lie
// in a small cache, so that an answer takes a file read and no more; whoever
// finds an old cache has it renewed by another process.
//
// The package knows neither commands nor services: what is asked for is a
// Query, and a Fetch brings the names. It holds names only, no secret and no
// attribute beyond a label. Nothing here may disturb a command line: a cache
// that is damaged, unreadable or of another version counts as none.
package complete

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/internal/iostreams"
)

// Bounds of the cache.
const (
	// MaxNames is how many names a query keeps.
	MaxNames = 3000
	// maxName and maxNote bound one name and its label, in bytes and runes.
	maxName = 256
	maxNote = 60
	// maxFile bounds what is read; MaxNames of full length stay below it.
	maxFile = 2 << 20
	// maxQueries is how many queries a service keeps: a group's members and
	// the resources of a type are one each.
	maxQueries = 40
	// keep is for how long names of a service that is not asked any more stay.
	keep = 30 * 24 * time.Hour
	// retry is how long a failed attempt to renew is not repeated.
	retry = time.Minute
)

// version is of the file format. A file of another one is left aside and
// replaced.
const version = 1

// ErrBusy means that another process renews names of the same service.
var ErrBusy = errors.New("another process renews the names")

// The kinds of names that a service has.
const (
	Users      = "users"
	Groups     = "groups"
	Members    = "members"    // of a group
	Types      = "types"      // of resources
	Resources  = "resources"  // of a type
	Attributes = "attributes" // of a type
)

// Query says which names are meant. Of is the group or type for kinds that
// need one.
type Query struct {
	Kind string
	Of   string
}

// age is when names of a kind should be renewed: a schema hardly changes.
func (q Query) age() time.Duration {
	if q.Kind == Types || q.Kind == Attributes {
		return 24 * time.Hour
	}
	return 5 * time.Minute
}

// Name is one that a shell may complete, with a label for those that show one.
type Name struct {
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
}

// Fetch asks a service for the names of a query, at most limit of them. It
// ends with ctx.
type Fetch func(ctx context.Context, q Query, limit int) ([]Name, error)

// Service says whose names they are; anything that makes another answer
// likely belongs to it.
type Service struct {
	Profile, URL, Provider, Client string
}

// Cache is a folder of names that all processes of a user share. It is safe
// for concurrent use, also by several processes.
type Cache struct {
	// Dir is made when the first names are kept.
	Dir string
	// Clock is needed.
	Clock func() time.Time
}

// Answer is what the cache knows.
type Answer struct {
	Names []Name
	// Known says that names were kept, be they none.
	Known bool
	// Stale asks for a renewal, which was not tried just now.
	Stale bool
}

// entry is a file of the cache.
type entry struct {
	Version int `json:"version"`
	// Of is kept to tell the files of a folder apart when they are looked at.
	Kind string `json:"kind"`
	Of   string `json:"of,omitempty"`
	// Taken is when the names were right, Tried when they were asked for last.
	Taken time.Time `json:"taken"`
	Tried time.Time `json:"tried"`
	Names []Name    `json:"names"`
}

func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

func (c *Cache) profileDir(profile string) string {
	return filepath.Join(c.Dir, hash(strings.ToLower(profile)))
}

func (c *Cache) file(s Service, q Query) string {
	return filepath.Join(c.profileDir(s.Profile),
		hash(s.URL, s.Provider, s.Client)+"-"+hash(q.Kind, strings.ToLower(q.Of))+".json")
}

// Read answers a query from the cache, and only from there.
func (c *Cache) Read(s Service, q Query) Answer {
	e, err := read(c.file(s, q))
	if err != nil {
		return Answer{Stale: true}
	}
	now := c.Clock()
	old := func(t time.Time, limit time.Duration) bool {
		age := now.Sub(t)
		return age < 0 || age > limit // a clock that was put back makes it old
	}
	return Answer{
		Names: e.Names, Known: !e.Taken.IsZero(),
		Stale: old(e.Taken, q.age()) && old(e.Tried, retry),
	}
}

func read(path string) (*entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is no cache file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, err
	}
	var e entry
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if e.Version != version {
		return nil, fmt.Errorf("%s is of version %d", path, e.Version)
	}
	e.Names = usable(e.Names)
	return &e, nil
}

// Refresh renews the names of a query, unless that was done or tried just now.
// It returns ErrBusy when another process is at it.
func (c *Cache) Refresh(ctx context.Context, s Service, q Query, fetch Fetch) (err error) {
	path := c.file(s, q)
	dir := filepath.Dir(path)
	if err := atomicfile.Folder(dir); err != nil {
		return fmt.Errorf("make the folder of the cache: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "refresh.lock"), flock.SetPermissions(0o600))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return fmt.Errorf("lock the cache: %w", err)
	case !ok:
		return ErrBusy
	}
	defer func() { _ = lock.Close() }() // given up with the process at the latest
	if !c.Read(s, q).Stale {
		return nil // by the one who had the lock before
	}
	atomicfile.Sweep(path)
	e, err := read(path)
	if err != nil {
		e = &entry{Version: version}
	}
	e.Kind, e.Of = q.Kind, q.Of
	// The attempt is noted before it is made: a service that hangs is not asked
	// again at each key press, whatever becomes of this process.
	e.Tried = c.Clock()
	if err := write(path, e); err != nil {
		return err
	}
	names, err := fetch(ctx, q, MaxNames)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", q.Kind, err)
	}
	e.Names, e.Taken = usable(names), c.Clock()
	if err := write(path, e); err != nil {
		return err
	}
	c.prune(dir)
	return nil
}

func write(path string, e *entry) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, data)
}

// prune forgets what was not asked for lately. A file that cannot be removed
// is removed another time.
func (c *Cache) prune(dir string) {
	now := c.Clock()
	profiles, _ := os.ReadDir(c.Dir)
	for _, p := range profiles {
		info, err := p.Info()
		if err == nil && p.IsDir() && now.Sub(info.ModTime()) > keep {
			_ = os.RemoveAll(filepath.Join(c.Dir, p.Name()))
		}
	}
	files, _ := os.ReadDir(dir)
	type aged struct {
		path string
		at   time.Time
	}
	var have []aged
	for _, f := range files {
		info, err := f.Info()
		if err == nil && filepath.Ext(f.Name()) == ".json" {
			have = append(have, aged{filepath.Join(dir, f.Name()), info.ModTime()})
		}
	}
	slices.SortFunc(have, func(a, b aged) int { return b.at.Compare(a.at) })
	for i, f := range have {
		if i >= maxQueries || now.Sub(f.at) > keep {
			_ = os.Remove(f.path)
		}
	}
}

// Forget removes the names of a profile.
func (c *Cache) Forget(profile string) error {
	if err := os.RemoveAll(c.profileDir(profile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget names for completion: %w", err)
	}
	return nil
}

// usable leaves out what a shell could not take: names with control
// characters, which would be read as several, and those that look like flags
// or like the protocol between program and shell.
func usable(names []Name) []Name {
	out := make([]Name, 0, min(len(names), MaxNames))
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		if n.Name == "" || len(n.Name) > maxName || seen[n.Name] || n.Name != strings.TrimSpace(n.Name) ||
			n.Name != iostreams.Clean(n.Name) || strings.HasPrefix(n.Name, "-") || strings.HasPrefix(n.Name, "_activeHelp_") {
			continue
		}
		seen[n.Name] = true
		n.Note = strings.TrimSpace(iostreams.Clean(n.Note))
		if r := []rune(n.Note); len(r) > maxNote {
			n.Note = string(r[:maxNote-1]) + "…"
		}
		if n.Note == n.Name {
			n.Note = ""
		}
		if out = append(out, n); len(out) == MaxNames {
			break
		}
	}
	return out
}
