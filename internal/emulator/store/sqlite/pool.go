package sqlite

import (
	"errors"
	"sync"
)

// pool holds the connections of one handle that nobody uses, and hands out the
// one used last: its pages and statements are at hand, and a connection is not
// opened before as many are needed at once.
type pool struct {
	free chan struct{} // one for each connection that may be taken

	mu   sync.Mutex
	idle []*conn
}

func newPool(size int) *pool {
	p := &pool{free: make(chan struct{}, size)}
	for range size {
		p.free <- struct{}{}
	}
	return p
}

// pop answers nil when a connection is to be opened. The caller has received
// from free.
func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return c
}

// put gives a connection back, or the right to open one where c is nil.
func (p *pool) put(c *conn) {
	if c != nil {
		p.mu.Lock()
		p.idle = append(p.idle, c)
		p.mu.Unlock()
	}
	p.free <- struct{}{}
}

// close waits for the connections that are in use, then closes all. None can
// be taken afterwards.
func (p *pool) close() error {
	var errs []error
	for range cap(p.free) {
		<-p.free
	}
	for c := p.pop(); c != nil; c = p.pop() {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}
