package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// Cache is a directory of access tokens that all idctl processes of a user
// share. It holds access tokens only: no client secret, no password, no
// refresh token.
type Cache struct {
	// Dir is made when it is missing. Needed.
	Dir string
	// Clock is needed.
	Clock transport.Clock
	// Logger gets a warning when the cache cannot be used. Nil: none.
	Logger *slog.Logger
	// LockWait is how long to wait for a process that renews the same token.
	// Default 30 s.
	LockWait time.Duration
}

// Key says whose token it is.
type Key struct {
	Profile, Origin, ClientID, Scope string
}

// file names the cache file: a directory for each profile, so that Clear finds
// its files, and hashes, because the parts may hold anything.
func (c *Cache) file(k Key) string {
	return filepath.Join(c.profileDir(k.Profile), hash(k.Profile, k.Origin, k.ClientID, k.Scope)+".json")
}

func (c *Cache) profileDir(profile string) string { return filepath.Join(c.Dir, hash(profile)) }

func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		// The length keeps ("ab","c") and ("a","bc") apart.
		// A hash never fails to take bytes.
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Source returns a source that looks into the cache first and asks src, by one
// process at a time, when the token there is missing, old or refused. Put
// tokens.Cached in front of it: this one reads the file at each call.
//
// A cache that cannot be used costs a warning and a request each time, never
// the command.
func (c *Cache) Source(k Key, src transport.TokenSource) transport.TokenSource {
	return &diskSource{cache: c, key: k, src: src}
}

// Clear removes the tokens of a profile.
func (c *Cache) Clear(ctx context.Context, profile string) error {
	dir := c.profileDir(profile)
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("clear the tokens of profile %q: %w", profile, err)
	}
	var errs []error
	for _, e := range entries {
		name := atomicfile.Target(e.Name())
		if !strings.HasSuffix(name, ".json") {
			continue // a lock, see lock
		}
		// Under the lock: a renewal under way must not bring the token back.
		unlock, err := lock(ctx, filepath.Join(dir, name), c.lockWait())
		if err == nil {
			if err = os.Remove(filepath.Join(dir, e.Name())); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
			unlock()
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clear the tokens of profile %q: %w", profile, err)
	}
	return nil
}

func (c *Cache) lockWait() time.Duration {
	if c.LockWait > 0 {
		return c.LockWait
	}
	return 30 * time.Second
}

func (c *Cache) warn(ctx context.Context, msg string, err error) {
	if c.Logger != nil {
		c.Logger.WarnContext(ctx, msg, "error", err)
	}
}

// entry is the file's content. Secret prints as "[redacted]", so the token is
// a plain string here, in this one place.
type entry struct {
	Version   int       `json:"version"`
	Profile   string    `json:"profile"`
	Origin    string    `json:"origin"`
	ClientID  string    `json:"client_id"`
	Scope     string    `json:"scope"`
	Token     string    `json:"access_token"`
	TokenType string    `json:"token_type"`
	Granted   string    `json:"granted_scope,omitempty"`
	Issued    time.Time `json:"issued"`
	Expiry    time.Time `json:"expiry"`
}

const cacheVersion = 1

func (c *Cache) read(k Key) (transport.Token, bool) {
	data, err := readFile(c.file(k))
	if err != nil {
		return transport.Token{}, false
	}
	var e entry
	if json.Unmarshal(data, &e) != nil || e.Version != cacheVersion || e.Token == "" ||
		(Key{e.Profile, e.Origin, e.ClientID, e.Scope}) != k {
		return transport.Token{}, false
	}
	return transport.Token{
		Value: transport.Secret(e.Token), Type: e.TokenType, Scope: e.Granted,
		Issued: e.Issued, Expiry: e.Expiry,
	}, true
}

func (c *Cache) write(k Key, t transport.Token) error {
	data, err := json.Marshal(entry{
		Version: cacheVersion, Profile: k.Profile, Origin: k.Origin, ClientID: k.ClientID, Scope: k.Scope,
		Token: t.Value.Reveal(), TokenType: t.Type, Granted: t.Scope,
		Issued: t.Issued.UTC(), Expiry: t.Expiry.UTC(),
	})
	if err != nil {
		return fmt.Errorf("encode the token: %w", err)
	}
	return writeFile(c.file(k), data)
}

type diskSource struct {
	cache *Cache
	key   Key
	src   transport.TokenSource

	mu      sync.Mutex
	refused [sha256.Size]byte // of the last token that the service refused
}

var _ transport.Invalidator = (*diskSource)(nil)

// Token returns a token from the file, or a new one.
func (s *diskSource) Token(ctx context.Context) (transport.Token, error) {
	if t, ok := s.cached(); ok {
		return t, nil
	}
	c := s.cache
	if err := errors.Join(makeDir(c.Dir), makeDir(c.profileDir(s.key.Profile))); err != nil {
		c.warn(ctx, "tokens cannot be cached", err)
		return s.src.Token(ctx)
	}
	unlock, err := lock(ctx, c.file(s.key), c.lockWait())
	if err != nil {
		if ctx.Err() != nil {
			return transport.Token{}, err
		}
		if t, ok := s.stillGood(); ok {
			return t, nil
		}
		// A process that is stuck, or a file system without locks: a second
		// token is better than none.
		c.warn(ctx, "token cache is not used", err)
		return s.src.Token(ctx)
	}
	defer unlock()
	// Whoever had the lock before us has renewed it, most likely.
	if t, ok := s.cached(); ok {
		return t, nil
	}
	t, err := s.src.Token(ctx)
	if err != nil {
		if old, ok := s.stillGood(); ok && tokens.Transient(err) {
			return old, nil
		}
		return transport.Token{}, err
	}
	if err := c.write(s.key, t); err != nil {
		c.warn(ctx, "token is not cached", err)
	}
	return t, nil
}

// Invalidate makes the next call ask for another token than t, unless another
// process has already replaced it. It only takes a note: the file is rewritten
// under the lock when there is something better to put there.
func (s *diskSource) Invalidate(t transport.Token) {
	s.mu.Lock()
	s.refused = sha256.Sum256([]byte(t.Value.Reveal()))
	s.mu.Unlock()
	if inv, ok := s.src.(transport.Invalidator); ok {
		inv.Invalidate(t)
	}
}

func (s *diskSource) cached() (transport.Token, bool) {
	t, ok := s.cache.read(s.key)
	if !ok || s.isRefused(t) || tokens.NeedsRenewal(t, s.cache.Clock.Now(), time.Minute) {
		return transport.Token{}, false
	}
	return t, true
}

func (s *diskSource) stillGood() (transport.Token, bool) {
	t, ok := s.cache.read(s.key)
	return t, ok && !s.isRefused(t) && t.ValidAt(s.cache.Clock.Now())
}

func (s *diskSource) isRefused(t transport.Token) bool {
	sum := sha256.Sum256([]byte(t.Value.Reveal()))
	s.mu.Lock()
	defer s.mu.Unlock()
	return subtle.ConstantTimeCompare(sum[:], s.refused[:]) == 1
}
