package auth

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Sleep(context.Context, time.Duration) error {
	return errors.New("nobody sleeps here")
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type source struct {
	mu    sync.Mutex
	clock transport.Clock
	calls int
	err   error
}

func (s *source) Token(context.Context) (transport.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.err != nil {
		return transport.Token{}, s.err
	}
	now := s.clock.Now()
	return transport.Token{
		Value: transport.Secret("token-" + string(rune('0'+s.calls))), Type: "Bearer", Issued: now, Expiry: now.Add(time.Hour),
		Refresh: "refresh-secret", Scope: "granted",
	}, nil
}

var key = Key{Profile: "prod", Origin: "https://idcs.example.com:443", ClientID: "app", Scope: tokens.DefaultScope}

func newCache(t *testing.T) (*Cache, *source, *fakeClock, *bytes.Buffer) {
	t.Helper()
	clock := &fakeClock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	var log bytes.Buffer
	c := &Cache{Dir: filepath.Join(t.TempDir(), "state", "tokens"), Clock: clock, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	return c, &source{clock: clock}, clock, &log
}

// want asks through a source of its own, as another process would.
func want(t *testing.T, c *Cache, k Key, src transport.TokenSource, value string) {
	t.Helper()
	tok, err := c.Source(k, src).Token(t.Context())
	if err != nil || tok.Value.Reveal() != value || tok.Type != "Bearer" {
		t.Errorf("Token = %q %q, %v; want %s", tok.Value.Reveal(), tok.Type, err, value)
	}
}

func TestCacheIsSharedByKey(t *testing.T) {
	c, src, clock, log := newCache(t)
	want(t, c, key, src, "token-1")
	want(t, c, key, src, "token-1")
	for i, change := range []func(*Key){
		func(k *Key) { k.Profile = "test" },
		func(k *Key) { k.Origin = "https://other.example.com:443" },
		func(k *Key) { k.ClientID = "other" },
		func(k *Key) { k.Scope = "other" },
	} {
		k := key
		change(&k)
		want(t, c, k, src, "token-"+string(rune('2'+i)))
	}
	clock.advance(55 * time.Minute)
	want(t, c, key, src, "token-6")
	if log.Len() > 0 {
		t.Errorf("log: %s", log)
	}
}

func TestCacheFiles(t *testing.T) {
	c, src, _, _ := newCache(t)
	want(t, c, key, src, "token-1")
	err := filepath.WalkDir(c.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if d.IsDir() {
			return nil
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte("refresh-secret")) {
			t.Errorf("%s holds the refresh token", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDamagedCacheIsReplaced(t *testing.T) {
	c, src, _, _ := newCache(t)
	want(t, c, key, src, "token-1")
	path := c.file(key)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	calls := 1
	for name, data := range map[string][]byte{
		"empty": {}, "half": good[:len(good)/2], "binary": {0, 1, 2}, "no token": []byte(`{"version":1}`),
		"of the future": bytes.Replace(good, []byte(`"version":1`), []byte(`"version":9`), 1),
		"of another":    bytes.Replace(good, []byte(`"prod"`), []byte(`"evil"`), 1),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			calls++
			want(t, c, key, src, "token-"+string(rune('0'+calls)))
			want(t, c, key, src, "token-"+string(rune('0'+calls)))
		})
	}
}

func TestExposedCacheIsReplaced(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	c, src, _, _ := newCache(t)
	want(t, c, key, src, "token-1")
	if err := os.Chmod(c.file(key), 0o644); err != nil {
		t.Fatal(err)
	}
	want(t, c, key, src, "token-2")
	info, err := os.Stat(c.file(key))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestLitterOfKilledProcessIsRemoved(t *testing.T) {
	c, src, clock, _ := newCache(t)
	want(t, c, key, src, "token-1")
	half, err := atomicfile.Create(c.file(key))
	if err != nil {
		t.Fatal(err)
	}
	litter := half.Name()
	_ = half.Close()
	clock.advance(2 * time.Hour)
	want(t, c, key, src, "token-2")
	if _, err := os.Stat(litter); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left-over file: %v", err)
	}
}

func TestRenewalFails(t *testing.T) {
	c, src, clock, _ := newCache(t)
	want(t, c, key, src, "token-1")
	clock.advance(55 * time.Minute)
	src.err = &tokens.Error{Status: 503}
	want(t, c, key, src, "token-1") // still good
	src.err = &tokens.Error{Status: 401, Code: "invalid_client"}
	if _, err := c.Source(key, src).Token(t.Context()); !errors.Is(err, tokens.ErrInvalidClient) {
		t.Errorf("revoked: %v", err)
	}
	clock.advance(time.Hour)
	src.err = &tokens.Error{Status: 503}
	if _, err := c.Source(key, src).Token(t.Context()); err == nil {
		t.Error("an expired token was given out")
	}
}

func TestInvalidateAsksOnceForAll(t *testing.T) {
	c, src, _, _ := newCache(t)
	one, two := c.Source(key, src), c.Source(key, src)
	tok, err := one.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []transport.TokenSource{one, two} {
		s.(transport.Invalidator).Invalidate(tok)
		got, err := s.Token(t.Context())
		if err != nil || got.Value != "token-2" {
			t.Errorf("Token = %q, %v; want token-2, renewed by one and read by the other", got.Value.Reveal(), err)
		}
	}
}

func TestUnusableCacheCostsAWarning(t *testing.T) {
	c, src, _, log := newCache(t)
	if err := os.MkdirAll(filepath.Dir(c.Dir), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Dir, []byte("a file in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, c, key, src, "token-1")
	want(t, c, key, src, "token-2")
	if !strings.Contains(log.String(), "cannot be cached") || strings.Contains(log.String(), "token-1") {
		t.Errorf("log: %s", log)
	}
}

func TestStuckProcess(t *testing.T) {
	c, src, clock, log := newCache(t)
	want(t, c, key, src, "token-1")
	c.LockWait = time.Nanosecond
	unlock, err := lock(t.Context(), c.file(key), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	clock.advance(55 * time.Minute)
	want(t, c, key, src, "token-1") // good for five more minutes
	clock.advance(time.Hour)
	want(t, c, key, src, "token-2")
	if !strings.Contains(log.String(), "in use by another") {
		t.Errorf("log: %s", log)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Source(key, src).Token(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestClear(t *testing.T) {
	c, src, _, _ := newCache(t)
	other := key
	other.Profile = "test"
	second := key
	second.Scope = "second"
	want(t, c, key, src, "token-1")
	want(t, c, second, src, "token-2")
	want(t, c, other, src, "token-3")
	for range 2 {
		if err := c.Clear(t.Context(), "prod"); err != nil {
			t.Fatal(err)
		}
	}
	want(t, c, key, src, "token-4")
	want(t, c, second, src, "token-5")
	want(t, c, other, src, "token-3")
	if err := c.Clear(t.Context(), "never used"); err != nil {
		t.Error(err)
	}
}
