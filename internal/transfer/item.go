// Package transfer holds what import, export and synchronisation share: an
// item is one row of a source that knows how to become a create or a change.
// Readers of files make items (csvio, mapping), the runner looks up what is
// there, plans and executes them (runner), and the journal remembers what was
// meant and what was done (journal).
package transfer

import (
	"context"
	"iter"

	"github.com/idctl/idctl/pkg/scim"
)

// Ref names another resource by what a person calls it, as a row does: the
// manager's user name, a group's member. Refs are resolved in batches.
type Ref struct {
	Type string // "User" or "Group"
	Key  string // as written; compared without regard to case
}

// Resolved answers the id of a reference; false means there is no such
// resource. A reference that is still to be created by a later row of the same
// source is not resolved either; the runner comes back for it.
type Resolved func(Ref) (id string, ok bool)

// Problem is what a check has to say of a row. A warning lets the service
// decide; anything else rejects the row before a call is made.
type Problem struct {
	Column    string // header as written in the file, may be empty
	Attribute string // path of the attribute, may be empty
	Code      string // short stable word for scripts: bad-email, too-long, ...
	Message   string
	Warning   bool
}

func (p Problem) Error() string {
	if p.Column != "" {
		return p.Column + ": " + p.Message
	}
	return p.Message
}

// Spec says what one row wants a resource to be.
type Spec interface {
	// Create is the body of a create, with everything the row sets. A
	// reference that does not resolve is left out.
	Create(Resolved) scim.Document
	// Changes are the operations that make before what the row wants; none
	// when it is that already. Cells that are absent or empty change nothing
	// unless the row was mapped with clear-empty.
	Changes(before scim.Document, r Resolved) []scim.PatchOp
	// CreateProblems say why a create could not succeed where a change could: a
	// new user needs a last name and an e-mail address.
	CreateProblems() []Problem
	// Refs are the references this row makes.
	Refs() []Ref
	// NeedsAttributes are the attributes Changes must see in before, beyond
	// those returned by default ("members" for groups).
	NeedsAttributes() []string
}

// Encoder is a Spec that writes the body of a create by itself, which costs less
// than a document does.
type Encoder interface {
	Spec
	// AppendCreate appends the JSON of what Create makes.
	AppendCreate(dst []byte, r Resolved) ([]byte, error)
}

// Item is one row of a source.
type Item struct {
	// Row counts data rows from 1; Line is the physical line where the row
	// starts, the header being line 1 of most files.
	Row  int
	Line int
	// Key is the resource's name as the row writes it: userName, displayName.
	// Empty when the row has none, which is a problem of the row.
	Key string
	// Cells are the row's cells as they are in the file, decoded but not
	// changed, for the rejects file. They may hold secrets: never log them.
	Cells []string
	// Problems that are not warnings reject the row.
	Problems []Problem
	// Spec is nil when the row is rejected.
	Spec Spec
}

// Rejected says whether a problem forbids sending the row.
func (i *Item) Rejected() bool {
	for _, p := range i.Problems {
		if !p.Warning {
			return true
		}
	}
	return false
}

// Source yields the rows of one file, as often as asked, in the same order.
// An error from the iterator is fatal for the file; a bad row is an Item with
// Problems.
type Source interface {
	Items(ctx context.Context) iter.Seq2[*Item, error]
	// Type is the resource type the rows describe: "User" or "Group".
	Type() string
	// Hash identifies the content; Options the way it is mapped. Both are part
	// of a journal's identity. Hex digests.
	Hash() string
	Options() string
	// Name is the file as the user wrote it, "-" for standard input.
	Name() string
}
