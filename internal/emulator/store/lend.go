package store

// Lender is a transaction that can hand out a record as the store has it.
type Lender interface {
	// Lend is Tx.Get without a copy: Data must only be read, and only until
	// the transaction ends.
	Lend(typ, id string) (Record, error)
}

// Lend reads a record for a caller that only looks at its Data while the
// transaction runs. It spares a copy where the transaction is a Lender.
func Lend(tx Tx, typ, id string) (Record, error) {
	if l, ok := tx.(Lender); ok {
		return l.Lend(typ, id)
	}
	return tx.Get(typ, id)
}

// TxVersion is the Version of the store that a View sees, or 0 where the
// transaction cannot tell.
func TxVersion(tx Tx) uint64 {
	if v, ok := tx.(interface{ StoreVersion() uint64 }); ok {
		return v.StoreVersion()
	}
	return 0
}

// LendsForGood says that the texts which a transaction lends stay as they are
// when it has ended. Such a store keeps them at hand, so that reading one costs
// next to nothing.
func LendsForGood(tx Tx) bool {
	l, ok := tx.(interface{ LendsForGood() bool })
	return ok && l.LendsForGood()
}
