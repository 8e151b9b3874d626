package emulator

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter holds the published rates: two token buckets a group, by the
// service's clock. Each process counts for itself. A nil limiter lets
// everything pass.
type limiter struct {
	mu     sync.Mutex
	groups [][]*rate.Limiter
}

func newLimiter(name string) (*limiter, error) {
	if name == "" {
		return nil, nil
	}
	if !slices.Contains(LimitNames(), name) {
		return nil, fmt.Errorf("emulator: limits %q are not known; there are %s", name, strings.Join(LimitNames(), ", "))
	}
	l := &limiter{}
	for _, g := range limitGroups {
		r := g.rates[name]
		l.groups = append(l.groups, []*rate.Limiter{
			rate.NewLimiter(rate.Limit(r.perSecond), r.perSecond),
			rate.NewLimiter(rate.Every(time.Minute/time.Duration(r.perMinute)), r.perMinute),
		})
	}
	return l, nil
}

// allow takes one token from both buckets of the path's group, or none.
func (l *limiter) allow(path string, now time.Time) bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	buckets := l.groups[limitGroup(path)]
	for _, b := range buckets {
		if b.TokensAt(now) < 1 {
			return false
		}
	}
	for _, b := range buckets {
		b.AllowN(now, 1)
	}
	return true
}
