// Package store keeps the emulator's records: documents as JSON bytes with
// declared index entries, links between records, and small named values, all
// changed in transactions.
//
// It knows nothing of SCIM, schemas or HTTP. Two back ends live below it,
// memory and sqlite, under one conformance suite, storetest. A query answers a
// superset of what its caller wants; the caller's own matcher decides.
package store

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Errors of this package, to be tested with errors.Is.
var (
	// ErrNotFound: no such record, link or value.
	ErrNotFound = errors.New("store: not found")
	// ErrExists: a record of this type and id is there already.
	ErrExists = errors.New("store: record exists")
	// ErrUnique: another record claims the same unique value; see UniqueError.
	ErrUnique = errors.New("store: value is not unique")
	// ErrCorrupt: the database file is damaged or not one of ours.
	ErrCorrupt = errors.New("store: database is damaged")
	// ErrReadOnly: a write inside View.
	ErrReadOnly = errors.New("store: read-only transaction")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store: closed")
	// ErrFull: the disk is full or the file cannot be written.
	ErrFull = errors.New("store: no space left for the database")
	// ErrBusy: another process held the database for longer than we wait.
	ErrBusy = errors.New("store: database is held by another process")
	// ErrCursor: Query.After is not a cursor of this query.
	ErrCursor = errors.New("store: invalid cursor")
	// ErrTxDone: a Tx or an iterator was used after its function returned.
	ErrTxDone = errors.New("store: transaction is over")
	// ErrNewer: a newer program wrote the database; see the text for both
	// schema versions.
	ErrNewer = errors.New("store: database has a newer schema")
	// ErrQuery: a Query or LinkQuery that makes no sense.
	ErrQuery = errors.New("store: invalid query")
)

// UniqueError says which claim failed and who holds it. It is ErrUnique.
type UniqueError struct {
	Path   string // the declared path, "userName"
	Holder string // id of the record that holds the value
}

func (e *UniqueError) Error() string { return "store: " + e.Path + " is not unique" }

// Is says that this is ErrUnique.
func (e *UniqueError) Is(target error) bool { return target == ErrUnique }

// Record is one stored document. Type and ID name it. Data is the document as
// JSON; Index and Unique are derived from it by the caller and replaced whole
// with every write; an entry or claim given twice counts once. Created and
// Modified are kept in UTC and cut to microseconds.
type Record struct {
	Type     string
	ID       string
	Seq      uint64 // order of creation, set by Insert, kept by Put
	Version  string // etag
	Created  time.Time
	Modified time.Time
	Data     []byte
	Index    []Entry
	Unique   []Claim
	// Given says that the caller of Insert or Put will not change Data, Index
	// and Unique any more, so that they need not be copied.
	Given bool
}

// Entry makes a record findable: the value that the element number Elem of the
// attribute at Path has, folded by the caller so that byte order is the order
// wanted. Elem is 0 for single values; entries with the same Path prefix and
// Elem stem from one element of a multi-valued attribute.
type Entry struct {
	Path  string // "userName", "emails.value", "emails.type"
	Elem  int
	Value string
}

// Claim reserves a value for one record within a type: no other record of the
// type may claim the same Path and Value.
type Claim struct {
	Path  string
	Value string
}

// Rel is how a condition compares an index entry with its value, byte by byte.
type Rel uint8

// The comparisons of Cond.
const (
	Eq Rel = iota
	Prefix
	Lt
	Le
	Gt
	Ge
	Any // the path has an entry, whatever its value
)

// Cond is one condition on the index. Conditions with the same Group other
// than 0 must hold for the same Elem of the record.
type Cond struct {
	Path  string
	Rel   Rel
	Value string
	Group int
}

// Query selects records of one type. All conditions must hold; inside In, one
// of the values suffices. The order is by SortPath (records without an entry
// last, in either direction; the lowest Elem's entry counts), then by Seq;
// without SortPath by Seq. Desc turns both around, except that records without
// an entry stay last.
type Query struct {
	Type     string
	Conds    []Cond
	In       *In
	SortPath string
	Desc     bool
	// After continues behind the record with this cursor, from Row.Cursor of
	// the same query; empty starts at the beginning. Offset then skips rows;
	// a deep offset must not cost a walk over documents. Limit 0 means all.
	After  string
	Offset int
	Limit  int
	// Lend says that the caller only reads the Data of rows, and only until
	// the transaction ends: it may be the store's own. NoCursor says that it
	// does not look at Row.Cursor, which may then be empty.
	Lend     bool
	NoCursor bool
}

// In asks for records whose entry at Path is one of Values. Path "id" means
// the record's id.
type In struct {
	Path   string
	Values []string
}

// Row is a record met by a query, with the cursor that continues behind it.
// Its Index and Unique are not filled in.
type Row struct {
	Record
	Cursor string
}

// Link is a directed, typed edge between two records, such as a membership:
// Kind "member", From the group's id, To the member's. Value is small JSON
// kept with it. One edge exists once per (Kind, From, To).
type Link struct {
	Kind  string
	From  string
	To    string
	Seq   uint64 // order of adding, set by PutLink
	Value []byte
}

// LinkQuery pages through links of one Kind that leave From or reach To
// (exactly one of both is set), ordered by Seq. AfterSeq continues behind a
// link; Offset then skips; Limit 0 means all.
type LinkQuery struct {
	Kind     string
	From, To string
	AfterSeq uint64
	Offset   int
	Limit    int
}

// Store is a transactional keeper of records. All methods are safe for
// concurrent use. View gives a consistent snapshot and may run beside others;
// Update is serialised (across processes, too, for a file), sees its own
// writes, commits when f returns nil and rolls back otherwise, also when f
// panics. f may be called once only; neither Tx nor an iterator of it may be
// used after f returned. Nothing that a Tx hands out aliases the store: the
// caller may change it. Transactions do not nest.
type Store interface {
	View(ctx context.Context, f func(Tx) error) error
	Update(ctx context.Context, f func(Tx) error) error
	// Version changes with every committed Update that wrote, in any process;
	// caches are keyed by it.
	Version(ctx context.Context) (uint64, error)
	// Reset removes everything.
	Reset(ctx context.Context) error
	Close() error
}

// Tx is one transaction.
type Tx interface {
	// Get answers ErrNotFound when there is no such record. Index and Unique
	// of the result are not filled in.
	Get(typ, id string) (Record, error)
	// Insert answers ErrExists, or a *UniqueError.
	Insert(Record) error
	// Put replaces an existing record (ErrNotFound otherwise), or answers a
	// *UniqueError. Seq and Created are kept.
	Put(Record) error
	// Delete removes a record with its index entries and claims, not its
	// links. ErrNotFound when there is none.
	Delete(typ, id string) error
	// Claimed answers the id of the record that holds a claim, or ErrNotFound.
	Claimed(typ, path, value string) (string, error)
	// Query yields rows in order. It stops at the first error. Writing while
	// iterating is allowed: which records come was settled at the start; one
	// deleted meanwhile may be left out, one changed may show either state.
	Query(Query) iter.Seq2[Row, error]
	// Count is the number of records Query would yield without After, Offset
	// and Limit.
	Count(Query) (int, error)

	// PutLink adds an edge or replaces its Value; added says whether it is new.
	PutLink(Link) (added bool, err error)
	// DeleteLink removes an edge; removed says whether there was one.
	DeleteLink(kind, from, to string) (removed bool, err error)
	GetLink(kind, from, to string) (Link, error)
	// Links yields edges in order; writing meanwhile is allowed as in Query.
	Links(LinkQuery) iter.Seq2[Link, error]
	CountLinks(LinkQuery) (int, error)

	// Value reads a small named value (settings, keys, clock); ErrNotFound.
	Value(name string) ([]byte, error)
	SetValue(name string, data []byte) error
	// DeleteValue removes a named value; one that is absent is no error.
	DeleteValue(name string) error
}
