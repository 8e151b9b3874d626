package sqlite

import "sync"

// maxCounts bounds the memory of a store that is asked ever new questions.
const maxCounts = 1000

// counts remembers the answers to count queries for one version of the store.
type counts struct {
	mu      sync.Mutex
	version uint64
	known   map[string]int
}

func (c *counts) get(version uint64, key string) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version != version {
		return 0, false
	}
	n, ok := c.known[key]
	return n, ok
}

func (c *counts) put(version uint64, key string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if version < c.version {
		return // an older snapshot; the newer answers are worth more
	}
	if version > c.version || len(c.known) >= maxCounts || c.known == nil {
		c.version, c.known = version, map[string]int{}
	}
	c.known[key] = n
}
