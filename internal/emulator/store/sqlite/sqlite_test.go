package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
	"github.com/idctl/idctl/internal/emulator/store/storetest"
)

func openAt(tb testing.TB, path string, opts ...sqlite.Option) store.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), path, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func open(tb testing.TB) store.Store {
	tb.Helper()
	return openAt(tb, filepath.Join(tb.TempDir(), "store.db"))
}

func TestStore(t *testing.T)        { storetest.Run(t, open) }
func TestTransactions(t *testing.T) { storetest.RunTransactions(t, open) }
func TestConcurrency(t *testing.T)  { storetest.RunConcurrency(t, open) }

func TestLikeMemory(t *testing.T) {
	for seed := range uint64(3) {
		s := open(t)
		storetest.Compare(t, 100+seed, 100, memory.New(), s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkStore(b *testing.B) { storetest.Bench(b, open) }
