package sqlite

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// TestConnectionsAreOpenedWhenNeeded: views one after another share one
// connection, views within each other have one each, and Close finds them all.
func TestConnectionsAreOpenedWhenNeeded(t *testing.T) {
	const readers = 3
	d, err := open(t.Context(), filepath.Join(t.TempDir(), "store.db"), settings{busy: time.Second, readers: readers}, migrations)
	if err != nil {
		t.Fatal(err)
	}
	var within func(depth int) error
	within = func(depth int) error {
		if depth == 0 {
			return nil
		}
		return d.View(t.Context(), func(store.Tx) error { return within(depth - 1) })
	}
	for range 5 {
		err = errors.Join(err, within(1))
		_, verr := d.Version(t.Context())
		err = errors.Join(err, verr)
	}
	if n := d.read.Stats().OpenConnections; n != 1 {
		t.Errorf("%d connections for views one after another", n)
	}
	err = errors.Join(err, within(readers))
	if n := d.read.Stats().OpenConnections; n != readers {
		t.Errorf("%d connections for %d views at once", n, readers)
	}
	if err := errors.Join(err, d.Close()); err != nil {
		t.Error(err)
	}
	if n := d.read.Stats().OpenConnections + d.write.Stats().OpenConnections; n != 0 {
		t.Errorf("%d connections are left", n)
	}
	if err := within(1); !errors.Is(err, store.ErrClosed) {
		t.Errorf("view after Close: %v", err)
	}
}
