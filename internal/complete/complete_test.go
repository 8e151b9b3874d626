package complete

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"
)

var prod = Service{Profile: "prod", URL: "https://idcs.example.com", Provider: "idcs", Client: "abc"}

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newCache(t *testing.T) (*Cache, *clock) {
	t.Helper()
	// Ages of files are compared with it, so it begins at the machine's time.
	c := &clock{now: time.Now().Truncate(time.Second)}
	return &Cache{Dir: filepath.Join(t.TempDir(), "completion"), Clock: c.Now}, c
}

func fixed(names ...string) Fetch {
	return func(context.Context, Query, int) ([]Name, error) { return Plain(names), nil }
}

func mustRefresh(t *testing.T, c *Cache, q Query, f Fetch) {
	t.Helper()
	if err := c.Refresh(t.Context(), prod, q, f); err != nil {
		t.Fatal(err)
	}
}

func TestLifeOfNames(t *testing.T) {
	c, now := newCache(t)
	q := Query{Kind: Users}
	want := func(step string, want Answer) {
		t.Helper()
		if diff := cmp.Diff(want, c.Read(prod, q)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step, diff)
		}
	}
	want("Empty", Answer{Stale: true})
	if _, err := os.Stat(c.Dir); !os.IsNotExist(err) {
		t.Errorf("reading made the folder: %v", err)
	}
	mustRefresh(t, c, q, fixed("ada"))
	want("Fresh", Answer{Names: Plain([]string{"ada"}), Known: true})
	mustRefresh(t, c, q, func(context.Context, Query, int) ([]Name, error) {
		t.Error("fresh names were fetched again")
		return nil, nil
	})
	now.now = now.now.Add(6 * time.Minute)
	want("Old", Answer{Names: Plain([]string{"ada"}), Known: true, Stale: true})
	if err := c.Refresh(t.Context(), prod, q, func(context.Context, Query, int) ([]Name, error) {
		want("UnderWay", Answer{Names: Plain([]string{"ada"}), Known: true})
		return nil, errors.New("no route to host")
	}); err == nil {
		t.Error("a failed fetch was no error")
	}
	want("Failed", Answer{Names: Plain([]string{"ada"}), Known: true})
	now.now = now.now.Add(2 * time.Minute)
	want("AfterPause", Answer{Names: Plain([]string{"ada"}), Known: true, Stale: true})
	mustRefresh(t, c, q, fixed("grace"))
	want("Renewed", Answer{Names: Plain([]string{"grace"}), Known: true})
	now.now = now.now.Add(-time.Hour)
	want("ClockPutBack", Answer{Names: Plain([]string{"grace"}), Known: true, Stale: true})
}

func TestServicesAreApart(t *testing.T) {
	c, _ := newCache(t)
	mustRefresh(t, c, Query{Kind: Users}, fixed("ada"))
	for name, change := range map[string]func(*Service){
		"profile":  func(s *Service) { s.Profile = "test" },
		"url":      func(s *Service) { s.URL = "https://other.example.com" },
		"provider": func(s *Service) { s.Provider = "scim" },
		"client":   func(s *Service) { s.Client = "def" },
	} {
		s := prod
		change(&s)
		if got := c.Read(s, Query{Kind: Users}); got.Known {
			t.Errorf("another %s gets the names %v", name, got.Names)
		}
	}
	if got := c.Read(prod, Query{Kind: Members, Of: "Users"}); got.Known {
		t.Errorf("another query gets %v", got.Names)
	}
}

// TestUselessFiles: whatever lies in the place of the cache counts as nothing
// and is replaced.
func TestUselessFiles(t *testing.T) {
	good := `{"version":1,"kind":"users","taken":"2026-11-24T12:00:00Z","tried":"2026-11-24T12:00:00Z","names":[{"name":"ada"}]}`
	for name, data := range map[string]string{
		"Empty":        "",
		"Cut":          good[:len(good)-9],
		"OlderVersion": strings.Replace(good, `"version":1`, `"version":0`, 1),
		"NewerVersion": strings.Replace(good, `"version":1`, `"version":2`, 1),
		"NoVersion":    strings.Replace(good, `"version":1,`, ``, 1),
		"OtherJSON":    `["ada"]`,
		"Binary":       "\x00\x01\x02",
		"TooLarge":     good + strings.Repeat(" ", maxFile),
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newCache(t)
			q := Query{Kind: Users}
			path := c.file(prod, q)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := c.Read(prod, q); len(got.Names) > 0 || !got.Stale {
				t.Errorf("Read() = %+v, want nothing, to be renewed", got)
			}
			mustRefresh(t, c, q, fixed("grace"))
			if got := c.Read(prod, q); len(got.Names) != 1 || got.Names[0].Name != "grace" {
				t.Errorf("after Refresh() = %+v", got)
			}
		})
	}
	t.Run("Folder", func(t *testing.T) { // cannot be read and not be replaced
		c, _ := newCache(t)
		q := Query{Kind: Users}
		if err := os.MkdirAll(filepath.Join(c.file(prod, q), "full"), 0o700); err != nil {
			t.Fatal(err)
		}
		if got := c.Read(prod, q); len(got.Names) > 0 {
			t.Errorf("Read() = %+v", got)
		}
		fetched := false
		err := c.Refresh(t.Context(), prod, q, func(context.Context, Query, int) ([]Name, error) {
			fetched = true
			return nil, nil
		})
		if err == nil || fetched {
			t.Errorf("Refresh() = %v, fetched %t: the service must not be asked for what cannot be kept", err, fetched)
		}
	})
}

func TestOneAtATime(t *testing.T) {
	c, _ := newCache(t)
	q := Query{Kind: Users}
	dir := filepath.Dir(c.file(prod, q))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	other := flock.New(filepath.Join(dir, "refresh.lock"))
	if ok, err := other.TryLock(); err != nil || !ok {
		t.Fatal(ok, err)
	}
	err := c.Refresh(t.Context(), prod, q, func(context.Context, Query, int) ([]Name, error) {
		t.Error("two renew at a time")
		return nil, nil
	})
	if !errors.Is(err, ErrBusy) {
		t.Errorf("Refresh() = %v, want ErrBusy", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	mustRefresh(t, c, q, fixed("ada"))
}

func TestModes(t *testing.T) {
	c, _ := newCache(t)
	mustRefresh(t, c, Query{Kind: Users}, fixed("ada"))
	err := filepath.WalkDir(c.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && filepath.Separator == '/' && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, others may read it", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUsable(t *testing.T) {
	long := strings.Repeat("x", maxName+1)
	got := usable([]Name{
		{"ada", "Ada Lovelace"},
		{"ada", "again"},
		{"", "none"},
		{"-rf", "a flag"},
		{"a\tb", ""},
		{"a\nb", ""},
		{" blank", ""},
		{"\x1b[31mred", ""},
		{"_activeHelp_ boo", ""},
		{long, ""},
		{"same", "same"},
		{"grace", "line\nbreak"},
		{"wordy", strings.Repeat("ä", maxNote+1)},
		{"Ops & co", ""},
	})
	want := []Name{
		{"ada", "Ada Lovelace"},
		{"same", ""},
		{"grace", "line break"},
		{"wordy", strings.Repeat("ä", maxNote-1) + "…"},
		{"Ops & co", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("usable (-want +got):\n%s", diff)
	}
	many := make([]Name, MaxNames+5)
	for i := range many {
		many[i].Name = fmt.Sprint("user", i)
	}
	if got := usable(many); len(got) != MaxNames {
		t.Errorf("%d names are kept, want %d", len(got), MaxNames)
	}
}

// TestBounds: queries beyond the limit and services not asked for long are
// forgotten.
func TestBounds(t *testing.T) {
	c, now := newCache(t)
	gone := prod
	gone.Profile = "gone"
	if err := c.Refresh(t.Context(), gone, Query{Kind: Users}, fixed("old")); err != nil {
		t.Fatal(err)
	}
	past := now.now.Add(-keep - time.Hour)
	if err := os.Chtimes(c.profileDir("gone"), past, past); err != nil {
		t.Fatal(err)
	}
	for i := range maxQueries + 5 {
		mustRefresh(t, c, Query{Kind: Members, Of: fmt.Sprint(i)}, fixed("ada"))
	}
	files, err := filepath.Glob(filepath.Join(c.profileDir("prod"), "*.json"))
	if err != nil || len(files) != maxQueries {
		t.Errorf("%d files, %v; want %d", len(files), err, maxQueries)
	}
	if _, err := os.Stat(c.profileDir("gone")); !os.IsNotExist(err) {
		t.Errorf("names of a profile not used for a month are there: %v", err)
	}
	if err := errors.Join(c.Forget("PROD"), c.Forget("never")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.profileDir("prod")); !os.IsNotExist(err) {
		t.Errorf("Forget left the names: %v", err)
	}
}

func TestMatching(t *testing.T) {
	names := []Name{{"userName", "login"}, {"active", ""}, {"emails.value", ""}, {"Ärger", ""}}
	tests := []struct {
		name  string
		got   []string
		wants []string
	}{
		{"Prefix", Match(names, "USER", nil), []string{"userName\tlogin"}},
		{"PrefixUnicode", Match(names, "äR", nil), []string{"Ärger"}},
		{"All", Match(names, "", []string{"ACTIVE", "ärger"}), []string{"userName\tlogin", "emails.value"}},
		{"Nothing", Match(names, "x", nil), nil},
		{"ListFirst", MatchList(names, "ac"), []string{"active"}},
		{"ListSecond", MatchList(names, "active,u"), []string{"active,userName\tlogin"}},
		{"ListAgain", MatchList(names, "active,a"), nil},
		{"Assignment", MatchAssignment(names, "act"), []string{"active="}},
		{"AssignmentValue", MatchAssignment(names, "active=t"), nil},
		{"FilterFirst", MatchFilter(names, "us"), []string{"userName\tlogin"}},
		{"FilterOperator", MatchFilter(names, "active e"), []string{"active eq\tequal", "active ew\tends with"}},
		{"FilterValue", MatchFilter(names, "active eq "), nil},
		{"FilterAfterValue", MatchFilter(names, "active eq true a"), nil},
		{"FilterAnd", MatchFilter(names, "active eq true and ac"), []string{"active eq true and active"}},
		{"FilterBracket", MatchFilter(names, "not (ac"), []string{"not (active"}},
		{"FilterInText", MatchFilter(names, `userName eq "ada and ac`), nil},
		{"FilterUnknown", MatchFilter(names, "nothing e"), nil},
		{"WhereFirst", MatchWhere(names, "us"), []string{"userName\tlogin"}},
		{"WhereAnd", MatchWhere(names, "active and us"), []string{"active and userName\tlogin"}},
		{"WhereBracket", MatchWhere(names, "not (ac"), []string{"not (active"}},
		{"WhereValue", MatchWhere(names, "userName=ada ac"), nil},
		{"WhereInText", MatchWhere(names, "userName='ada and ac"), nil},
		{"FilterInPath", MatchFilter(names, "emails[type e"), []string{"emails[type eq\tequal", "emails[type ew\tends with"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.wants, tt.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
