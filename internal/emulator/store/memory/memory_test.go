package memory_test

import (
	"testing"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
	"github.com/idctl/idctl/internal/emulator/store/storetest"
)

func open(testing.TB) store.Store { return memory.New() }

func TestStore(t *testing.T)        { storetest.Run(t, open) }
func TestTransactions(t *testing.T) { storetest.RunTransactions(t, open) }
func TestConcurrency(t *testing.T)  { storetest.RunConcurrency(t, open) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, open) }
