package tokens

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/idctl/idctl/pkg/transport"
)

// CacheOptions of Cached.
type CacheOptions struct {
	// Clock is needed.
	Clock transport.Clock
	// Early is the least life that a token handed out has left; it is renewed
	// before. A tenth of the token's whole life counts when that is longer,
	// half of it at most. Default 60 s.
	Early time.Duration
	// Pause is how long a failed request is not repeated: callers get the
	// same error meanwhile, or the old token where that is still good. It
	// keeps a wrong secret from locking the client out. Default 5 s.
	Pause time.Duration
}

func (o CacheOptions) withDefaults() CacheOptions {
	if o.Early <= 0 {
		o.Early = time.Minute
	}
	if o.Pause <= 0 {
		o.Pause = 5 * time.Second
	}
	return o
}

// NeedsRenewal reports whether t is to be renewed at now: less than the larger
// of early and a tenth of its life is left. Tokens that live for less than
// twice early are renewed at half time, or each request would renew them.
func NeedsRenewal(t transport.Token, now time.Time, early time.Duration) bool {
	if !t.ValidAt(now) {
		return true
	}
	if t.Expiry.IsZero() {
		return false
	}
	if life := t.Expiry.Sub(t.Issued); !t.Issued.IsZero() && life > 0 {
		early = min(max(early, life/10), life/2)
	}
	return t.Expiry.Sub(now) < early
}

// Cached keeps the token of a source in memory. Any number of goroutines may
// call it: they share one request. While a token is renewed early, or when
// that fails for a passing reason, the old one is given out as long as it is
// good.
func Cached(src transport.TokenSource, o CacheOptions) *Cache {
	return &Cache{src: src, opts: o.withDefaults()}
}

// Cache is a TokenSource made by Cached.
type Cache struct {
	src  transport.TokenSource
	opts CacheOptions

	mu       sync.Mutex
	token    transport.Token
	flight   *flight
	failure  error
	failedAt time.Time
	dropped  time.Time
}

var _ transport.Invalidator = (*Cache)(nil)

// flight is one request under way, which others wait for.
type flight struct {
	done  chan struct{}
	token transport.Token
	err   error
	// abandoned: the goroutine that asked gave up, which says nothing about
	// the service. Whoever waited asks again.
	abandoned bool
}

// Token returns a good token.
func (c *Cache) Token(ctx context.Context) (transport.Token, error) {
	for {
		c.mu.Lock()
		now := c.opts.Clock.Now()
		if !NeedsRenewal(c.token, now, c.opts.Early) {
			t := c.token
			c.mu.Unlock()
			return t, nil
		}
		old, oldGood := c.token, c.token.ValidAt(now)
		if c.failure != nil && now.Sub(c.failedAt) < c.opts.Pause {
			err := c.failure
			c.mu.Unlock()
			return c.settle(old, oldGood, err)
		}
		if f := c.flight; f != nil {
			c.mu.Unlock()
			if oldGood {
				return old, nil
			}
			select {
			case <-ctx.Done():
				return transport.Token{}, ctx.Err()
			case <-f.done:
			}
			if f.abandoned {
				continue
			}
			return f.token, f.err
		}
		f := &flight{done: make(chan struct{})}
		c.flight = f
		c.mu.Unlock()

		c.fetch(ctx, f)
		if f.err != nil {
			return c.settle(old, oldGood, f.err)
		}
		return f.token, nil
	}
}

// settle decides between an old token and a new error.
func (*Cache) settle(old transport.Token, good bool, err error) (transport.Token, error) {
	if good && Transient(err) {
		return old, nil
	}
	return transport.Token{}, err
}

func (c *Cache) fetch(ctx context.Context, f *flight) {
	// Also when the source panics: nobody may wait for ever.
	finished := false
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.flight = nil
		switch {
		case !finished:
			f.err, f.abandoned = errors.New("asking for the token was broken off"), true
		case f.err == nil:
			c.token, c.failure = f.token, nil
		case ctx.Err() != nil:
			f.abandoned = true
		default:
			c.failure, c.failedAt = f.err, c.opts.Clock.Now()
		}
		close(f.done)
	}()
	f.token, f.err = c.src.Token(ctx)
	finished = true
}

// Invalidate drops t if it is still the one given out. Two refusals shortly
// after one another are not the token's fault: the second within the pause
// changes nothing, so that a service which always says 401 is not also asked
// for a token each time.
func (c *Cache) Invalidate(t transport.Token) {
	c.mu.Lock()
	now := c.opts.Clock.Now()
	ours := c.token.Value == t.Value && !t.Value.IsZero()
	soon := !c.dropped.IsZero() && now.Sub(c.dropped) < c.opts.Pause
	if ours && !soon {
		c.token, c.dropped = transport.Token{}, now
	}
	c.mu.Unlock()
	if inv, ok := c.src.(transport.Invalidator); ok && ours && !soon {
		inv.Invalidate(t)
	}
}
