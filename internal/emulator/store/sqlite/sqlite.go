// Package sqlite keeps the emulator's records in one SQLite file that several
// processes may use at once.
//
// The file is in WAL mode: readers see the state of their beginning and never
// wait for a writer. Writers take turns, within a process at a channel and
// between processes at SQLite's lock. A committed update survives the end of
// the process, however sudden; after a power cut the last moments may be
// missing, but the file is whole. Network file systems do not lock well enough
// for this. The package knows nothing of SCIM.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	driver "modernc.org/sqlite"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/internal/emulator/store"
)

const (
	defaultBusy    = 10 * time.Second
	defaultReaders = 4
	// slice is how long one attempt to get the write lock lasts; between
	// attempts the context is looked at.
	slice = 200 * time.Millisecond
	// checkpointPages is how long the WAL grows before its pages are copied
	// into the file, which waits for the disk. SQLite's own 1,000 are full
	// after some thirty updates, and most pages are copied to be overwritten.
	checkpointPages = 8000
)

type database struct {
	path     string
	attempts int // of one slice each, to get the write lock
	write    *sql.DB
	read     *sql.DB
	writer   *pool // of the one connection
	readers  *pool // of as many as may read at once
	closing  chan struct{}
	close    sync.Once
	closed   atomic.Bool
	names    names
	counts   counts
	anchors  anchors
}

type settings struct {
	busy     time.Duration
	readers  int
	maxPages int
}

// Option changes how Open opens a store.
type Option func(*settings)

// WithBusyTimeout sets how long an Update waits for another process before it
// answers ErrBusy; 10 seconds unless given. It is rounded up to 200 ms.
func WithBusyTimeout(d time.Duration) Option { return func(s *settings) { s.busy = d } }

// WithReaders sets how many Views run at once, 4 unless given; others wait.
func WithReaders(n int) Option { return func(s *settings) { s.readers = max(n, 1) } }

// WithMaxPages limits the file to so many pages of 4096 bytes; an Update that
// needs more answers ErrFull. A file that is larger already only stops growing.
func WithMaxPages(n int) Option { return func(s *settings) { s.maxPages = n } }

// Open opens the store in the file, and makes the file (0600) and its
// directory (0700) when they are absent. Besides the errors of package store
// it answers those of package os for a path that cannot be used.
func Open(ctx context.Context, path string, opts ...Option) (store.Store, error) {
	set := settings{busy: defaultBusy, readers: defaultReaders}
	for _, o := range opts {
		o(&set)
	}
	d, err := open(ctx, path, set, migrations)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return d, nil
}

func open(ctx context.Context, path string, set settings, files fs.FS) (*database, error) {
	if path == "" {
		return nil, errors.New("no file named")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := create(path); err != nil {
		return nil, err
	}
	d := &database{
		path:     path,
		attempts: int(max(1, (set.busy+slice-1)/slice)),
		writer:   newPool(1),
		readers:  newPool(set.readers),
		closing:  make(chan struct{}),
	}
	pragmas := []string{"synchronous(NORMAL)", "cache_size(-16000)", "temp_store(MEMORY)"}
	if set.maxPages > 0 {
		pragmas = append(pragmas, "max_page_count("+strconv.Itoa(set.maxPages)+")")
	}
	d.write, err = handle(path, 1, append(pragmas, busyPragma(slice), "wal_autocheckpoint("+strconv.Itoa(checkpointPages)+")")...)
	if err != nil {
		return nil, err
	}
	d.read, err = handle(path, set.readers, append(pragmas, busyPragma(set.busy), "query_only(1)")...)
	if err != nil {
		return nil, errors.Join(err, d.write.Close())
	}
	if err := d.prepare(ctx, files); err != nil {
		return nil, errors.Join(d.explain(err), d.write.Close(), d.read.Close())
	}
	return d, nil
}

func busyPragma(t time.Duration) string {
	return "busy_timeout(" + strconv.FormatInt(t.Milliseconds(), 10) + ")"
}

func handle(path string, conns int, pragmas ...string) (*sql.DB, error) {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // a drive letter
	}
	// Our own begin statements say IMMEDIATE; the setting guards against a
	// transaction of database/sql that somebody may add.
	values := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}
	c, err := driver.NewConnector("file://" + (&url.URL{Path: p}).EscapedPath() + "?" + values.Encode())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// create makes an empty file that only its owner may read; SQLite would use
// the umask, and gives its side files the mode of this one. A file that exists
// is not opened here: closing it would release the locks that another store in
// this process holds on it.
func create(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a directory: name a file in it", path)
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := atomicfile.Folder(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was faster
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// prepare checks the file, migrates it and switches it to WAL.
func (d *database) prepare(ctx context.Context, files fs.FS) error {
	c, err := newConn(ctx, d.write)
	if err != nil {
		return err
	}
	if err := d.migrate(ctx, c, files); err != nil {
		return errors.Join(err, c.close())
	}
	// Switching wants the file for itself and may be refused without waiting,
	// so a refusal is followed by waiting for the write lock.
	for try := 0; ; try++ {
		_, err := c.exec(ctx, "PRAGMA journal_mode = WAL")
		if err == nil {
			break
		}
		if !busy(err) || try == d.attempts {
			return errors.Join(err, c.close())
		}
		if err := d.begin(ctx, c); err != nil {
			return errors.Join(err, c.close())
		}
		if _, err := c.exec(ctx, "ROLLBACK"); err != nil {
			return errors.Join(err, c.close())
		}
	}
	d.writer.idle = append(d.writer.idle, c)
	return nil
}

// begin takes the write lock, waiting in slices.
func (d *database) begin(ctx context.Context, c *conn) error {
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := c.exec(context.WithoutCancel(ctx), "BEGIN IMMEDIATE")
		if err == nil || !busy(err) || try >= d.attempts {
			return err
		}
	}
}

// take waits for a connection from one of the pools.
func (d *database) take(ctx context.Context, from *pool, db *sql.DB) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if d.closed.Load() {
		return nil, store.ErrClosed
	}
	select {
	case <-from.free:
		if c := from.pop(); c != nil {
			return c, nil
		}
		c, err := newConn(ctx, db)
		if err != nil {
			from.put(nil)
			return nil, d.explain(err)
		}
		return c, nil
	case <-d.closing:
		return nil, store.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// giveBack ends whatever the connection is in and returns it to its pool; one
// that cannot be brought to rest is replaced.
func giveBack(ctx context.Context, c *conn, to *pool, open bool) {
	if open {
		// SQLite may have rolled back already, after a full disk for example;
		// then this fails, and a new connection is the safe answer.
		if _, err := c.exec(ctx, "ROLLBACK"); err != nil {
			c.drop()
			c = nil
		}
	}
	to.put(c)
}

func (d *database) View(ctx context.Context, f func(store.Tx) error) error {
	return d.view(ctx, func(t *tx) error { return f(t) })
}

func (d *database) view(ctx context.Context, f func(*tx) error) error {
	c, err := d.take(ctx, d.readers, d.read)
	if err != nil {
		return err
	}
	quiet := context.WithoutCancel(ctx)
	open := false
	defer func() { giveBack(quiet, c, d.readers, open) }()
	if _, err := c.exec(quiet, "BEGIN"); err != nil {
		return d.explain(err)
	}
	open = true
	t := &tx{db: d, conn: c, quiet: quiet, ended: ctx.Err}
	defer t.end()
	// The first read fixes the snapshot, which is to be that of now.
	if err := t.counters(); err != nil {
		return err
	}
	return f(t)
}

func (d *database) Update(ctx context.Context, f func(store.Tx) error) error {
	return d.update(ctx, func(t *tx) error { return f(t) })
}

func (d *database) update(ctx context.Context, f func(*tx) error) error {
	c, err := d.take(ctx, d.writer, d.write)
	if err != nil {
		return err
	}
	quiet := context.WithoutCancel(ctx)
	open := false
	defer func() { giveBack(quiet, c, d.writer, open) }()
	if err := d.begin(ctx, c); err != nil {
		return d.explain(err)
	}
	open = true // rolled back below unless committed, also when f panics
	t := &tx{db: d, conn: c, quiet: quiet, ended: ctx.Err, writable: true}
	defer t.end()
	if err := t.counters(); err != nil {
		return err
	}
	if err := f(t); err != nil {
		return err
	}
	if err := t.finish(); err != nil {
		return err
	}
	if _, err := c.exec(quiet, "COMMIT"); err != nil {
		return d.explain(err)
	}
	open = false
	d.names.learn(t.fresh)
	return nil
}

func (d *database) Version(ctx context.Context) (v uint64, err error) {
	c, err := d.take(ctx, d.readers, d.read)
	if err != nil {
		return 0, err
	}
	defer d.readers.put(c)
	// One statement is a snapshot by itself and needs no transaction.
	if err := c.row(context.WithoutCancel(ctx), "SELECT version FROM counters", nil, &v); err != nil {
		return 0, d.explain(err)
	}
	return v, nil
}

// Reset keeps the counters, so that neither versions nor cursors repeat, and
// the names, whose numbers other processes remember.
func (d *database) Reset(ctx context.Context) error {
	return d.update(ctx, func(t *tx) error {
		for _, q := range []string{
			"DELETE FROM records", "DELETE FROM entries", "DELETE FROM claims", "DELETE FROM links", "DELETE FROM vals",
		} {
			if _, err := t.exec(q); err != nil {
				return err
			}
		}
		t.dirty = true
		return nil
	})
}

// Close waits for the transactions that run, then closes the file. Closing
// again does nothing.
func (d *database) Close() error {
	var errs []error
	d.close.Do(func() {
		d.closed.Store(true)
		close(d.closing)
		errs = append(errs, d.readers.close(), d.read.Close())
		// The writer goes last: the last connection tidies the WAL away.
		errs = append(errs, d.writer.close(), d.write.Close())
	})
	return d.explain(errors.Join(errs...))
}
