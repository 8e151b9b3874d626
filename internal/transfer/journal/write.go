package journal

import (
	"errors"
	"fmt"
	"time"
)

// maxWaiting is from how many bytes on outcomes do not wait any longer.
const maxWaiting = 64 << 10

// append adds lines to what waits to be written, and writes all of it in one
// call unless it may wait. encode appends the lines to what it is given.
func (j *Journal) append(now bool, encode func([]byte) ([]byte, error)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed != nil {
		return j.failed
	}
	buf, err := encode(j.waiting)
	if err != nil {
		return err
	}
	j.waiting = buf
	if now || len(buf) > maxWaiting {
		return j.flush()
	}
	return nil
}

// flush writes what waits. After a failure the file is cut back to its last
// whole line, and every further write fails: what cannot be remembered must
// not be done.
func (j *Journal) flush() error {
	if len(j.waiting) == 0 || j.failed != nil {
		return j.failed
	}
	n, err := j.file.Write(j.waiting)
	if err != nil {
		if n > 0 {
			err = errors.Join(err, j.file.Truncate(j.size))
		}
		j.failed = fmt.Errorf("%w: %w", ErrWrite, err)
		return j.failed
	}
	j.size += int64(n)
	j.dirty = true
	if cap(j.waiting) > 4*maxWaiting {
		j.waiting = nil // a large before-image must not be kept for the whole run
	} else {
		j.waiting = j.waiting[:0]
	}
	return nil
}

// start runs the goroutine that syncs in groups; Close joins it.
func (j *Journal) start() {
	j.stop, j.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(j.done)
		tick := time.NewTicker(SyncEvery)
		defer tick.Stop()
		for {
			select {
			case <-j.stop:
				return
			case <-tick.C:
				j.sync()
			}
		}
	}()
}

// sync writes what waits and syncs the disk. Others may write meanwhile: a disk
// takes its time, and what they write is synced next time.
func (j *Journal) sync() {
	j.mu.Lock()
	err := j.flush()
	dirty := j.dirty
	j.dirty = false
	j.mu.Unlock()
	if err != nil || !dirty {
		return
	}
	if err := j.file.Sync(); err != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.failed == nil {
			j.failed = fmt.Errorf("%w: %w", ErrWrite, err)
		}
	}
}
