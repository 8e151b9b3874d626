package scim

import (
	"context"
	"sync"
)

// pagesAhead is how many pages are kept that nobody has asked for yet. Beside
// them one is being read from the network, and one is being scanned.
const pagesAhead = 1

// ahead fetches and scans the pages of a list before they are asked for: always
// one call after the other, so that each answer is later than the one before
// it, as walker needs it. Where a page begins is guessed from the size of the
// one before; a wrong guess is thrown away and the page fetched as walker wants
// it.
type ahead struct {
	fetch func(context.Context, ListOptions, []byte) *rawAnswer
	scan  func(*rawAnswer)
	run   *aheadRun
	wrong int // guesses thrown away
	free  chan *rawAnswer
	inUse *rawAnswer // what the caller has
}

// aheadRun is a row of pages that are being fetched.
type aheadRun struct {
	pages  chan *rawAnswer
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// maxWrong guesses are made in vain before guessing ends: a service that
// shortens pages at will would be asked for much that nobody needs.
const maxWrong = 3

func newAhead(fetch func(context.Context, ListOptions, []byte) *rawAnswer, scan func(*rawAnswer)) *ahead {
	return &ahead{fetch: fetch, scan: scan, free: make(chan *rawAnswer, pagesAhead+4)}
}

// get answers the page that begins at opts.StartIndex. The page before is then
// no longer the caller's.
func (a *ahead) get(ctx context.Context, opts ListOptions) *rawAnswer {
	a.put(a.inUse)
	a.inUse = nil
	if a.run != nil {
		page, ok := <-a.run.pages
		if ok && page.opts.StartIndex == opts.StartIndex {
			a.inUse = page
			return page
		}
		if ok {
			a.wrong++
			a.put(page)
		}
		a.stop()
	}
	a.inUse = a.request(ctx, opts)
	a.scan(a.inUse)
	return a.inUse
}

// request fetches a page into the memory of one that nobody uses any more.
func (a *ahead) request(ctx context.Context, opts ListOptions) *rawAnswer {
	var old *rawAnswer
	select {
	case old = <-a.free:
	default:
		old = &rawAnswer{}
	}
	page := a.fetch(ctx, opts, old.memory())
	page.rows, page.cells = old.rows[:0], old.cells
	return page
}

func (a *ahead) put(page *rawAnswer) {
	if page == nil {
		return
	}
	select {
	case a.free <- page:
	default:
	}
}

// prepare begins to fetch what follows, from opts.StartIndex on, unless that
// is under way. head is that of the page before.
func (a *ahead) prepare(ctx context.Context, opts ListOptions, head listHead) {
	if a.run != nil {
		return
	}
	step := head.rows
	if a.wrong >= maxWrong || head.total < 0 {
		step = 0 // where the page after the next one begins will be seen then
	}
	ctx, cancel := context.WithCancel(ctx)
	run := &aheadRun{pages: make(chan *rawAnswer, pagesAhead), cancel: cancel}
	a.run = run
	answers := make(chan *rawAnswer)
	send := func(to chan<- *rawAnswer, page *rawAnswer) bool {
		select {
		case to <- page:
			return true
		case <-ctx.Done():
			return false
		}
	}
	run.done.Go(func() {
		defer close(answers)
		for {
			page := a.request(ctx, opts)
			if !send(answers, page) || page.err != nil {
				return
			}
			if opts.StartIndex += step; step == 0 || opts.StartIndex > head.total {
				return
			}
		}
	})
	run.done.Go(func() {
		defer close(run.pages)
		for page := range answers {
			a.scan(page)
			if !send(run.pages, page) {
				return
			}
		}
	})
}

// stop ends what is under way and waits for it.
func (a *ahead) stop() {
	if a.run == nil {
		return
	}
	a.run.cancel()
	for page := range a.run.pages {
		a.put(page)
	}
	a.run.done.Wait()
	a.run = nil
}
