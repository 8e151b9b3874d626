package scim

import (
	"context"
	"sync"
)

// callsAhead is how many pages are fetched and scanned, or kept, that nobody has
// asked for yet.
const callsAhead = 4

// ahead fetches and scans the pages of a list before they are asked for, several
// at once. Where a page begins is guessed from the size of the one before. A
// guess is good if the page begins where walker wants to go on and the server
// named the total of the page before: then nothing that a client can see has
// changed, and it does not matter which of two calls was answered first.
// Otherwise the page is thrown away with all behind it, and fetched again when
// everything before it has come, as walker needs it.
type ahead struct {
	fetch   func(context.Context, ListOptions, []byte) *rawAnswer
	readers chan *rawReader // idle ones; each scans one page at a time
	run     *aheadRun
	wrong   int // guesses thrown away
	free    chan *rawAnswer
	inUse   *rawAnswer // what the caller has
}

// aheadRun is a row of pages that are being fetched, in their order.
type aheadRun struct {
	pages  chan chan *rawAnswer
	total  int // of the page before them
	single bool
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// maxWrong guesses are made in vain before guessing ends: a service that
// shortens pages at will would be asked for much that nobody needs.
const maxWrong = 3

func newAhead(fetch func(context.Context, ListOptions, []byte) *rawAnswer, reader func() *rawReader) *ahead {
	a := &ahead{fetch: fetch, readers: make(chan *rawReader, callsAhead+1), free: make(chan *rawAnswer, callsAhead+2)}
	for range cap(a.readers) {
		a.readers <- reader()
	}
	return a
}

// get answers the page that begins at opts.StartIndex. The page before is then
// no longer the caller's. saw is told the total of a page that is thrown away.
func (a *ahead) get(ctx context.Context, opts ListOptions, saw func(total int)) *rawAnswer {
	a.put(a.inUse)
	a.inUse = nil
	if a.run != nil {
		if slot, ok := <-a.run.pages; ok {
			page := <-slot
			if a.run.good(page, opts) {
				a.inUse = page
				return page
			}
			a.wrong++
			if page.err == nil && page.plain {
				saw(page.head.total)
			}
			a.put(page)
		}
		a.stop()
	}
	a.inUse = a.request(ctx, opts)
	return a.inUse
}

// good says whether a page is what a call made now would have to be. One that
// was fetched alone is later than all before it.
func (r *aheadRun) good(page *rawAnswer, opts ListOptions) bool {
	switch {
	case page.opts.StartIndex != opts.StartIndex:
		return false
	case r.single:
		return true
	}
	return page.err == nil && page.plain && page.head.total == r.total
}

// request fetches and scans a page, in the memory of one that nobody uses any
// more.
func (a *ahead) request(ctx context.Context, opts ListOptions) *rawAnswer {
	var old *rawAnswer
	select {
	case old = <-a.free:
	default:
		old = &rawAnswer{}
	}
	page := a.fetch(ctx, opts, old.memory())
	page.rows, page.cells = old.rows[:0], old.cells
	reader := <-a.readers
	reader.read(page)
	a.readers <- reader
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
	run := &aheadRun{pages: make(chan chan *rawAnswer, callsAhead), total: head.total, single: step == 0, cancel: cancel}
	a.run = run
	run.done.Go(func() {
		defer close(run.pages)
		for {
			slot := make(chan *rawAnswer, 1)
			select {
			case run.pages <- slot: // waits while enough are under way
			case <-ctx.Done():
				return
			}
			page := opts
			run.done.Go(func() { slot <- a.request(ctx, page) })
			if opts.StartIndex += step; step == 0 || opts.StartIndex > head.total {
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
	for slot := range a.run.pages {
		a.put(<-slot)
	}
	a.run.done.Wait()
	a.run = nil
}
