package csvio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Spool copies a stream that can be read only once into a file of folder dir,
// readable by its owner alone, and answers its path. The caller calls cleanup
// to remove it; after an error there is nothing to clean up.
//
// A read that blocks is not interrupted by ctx; the copy ends after it.
func Spool(ctx context.Context, r io.Reader, dir string) (path string, cleanup func() error, err error) {
	file, err := os.CreateTemp(dir, "stdin-*.csv")
	if err != nil {
		return "", nil, fmt.Errorf("spool input: %w", err)
	}
	name := file.Name()
	_, err = io.Copy(file, &ctxReader{done: ctx.Err, r: r})
	err = errors.Join(err, file.Close())
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("spool input to %s: %w", name, err), os.Remove(name))
	}
	return name, func() error { return os.Remove(name) }, nil
}

// ctxReader stops between two reads once its context has ended.
type ctxReader struct {
	done func() error
	r    io.Reader
}

// Read implements io.Reader.
func (c *ctxReader) Read(p []byte) (int, error) {
	if err := c.done(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
