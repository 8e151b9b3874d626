// Package rights says which administrator role may do what: the roles of an
// identity domain and the table of rights by endpoint, as data.
//
// It knows neither tokens nor grants: whoever asks brings the roles that a
// caller holds. What the table says is documented by the vendor, row by row, or
// marked as a guess; the table in the documentation is made from it.
package rights

import (
	"fmt"
	"strings"
	"sync"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// Read are the verbs that the mark r stands for.
const Read = schema.VerbList | schema.VerbGet | schema.VerbSearch

// All are the verbs that the mark A stands for.
const All = Read | schema.VerbCreate | schema.VerbPut | schema.VerbPatch | schema.VerbDelete

// Set is a set of roles: bit i stands for Roles()[i].
type Set uint32

// Has says whether a role is in the set.
func (s Set) Has(r Role) bool { return s&r.Bit() != 0 }

// Table answers questions about the rows. It reads a row when it is first asked
// about it, since a program that does one thing needs one row. It is safe for
// concurrent use.
type Table struct {
	read sync.Map // endpoint -> *row, nil for none
}

// row is who may use each of the verbs.
type row [len(verbs)]Set

// verbs are the single verbs of a mask.
var verbs = [...]schema.Verb{
	schema.VerbList, schema.VerbGet, schema.VerbSearch, schema.VerbCreate, schema.VerbPut, schema.VerbPatch, schema.VerbDelete,
}

// Who answers the roles that may use a verb on an endpoint, given without its
// leading slash. Nobody may where the table has no row, or one that cannot be
// read.
func (t *Table) Who(endpoint string, verb schema.Verb) Set {
	r := t.row(endpoint)
	if r == nil {
		return 0
	}
	for i, v := range verbs {
		if v == verb {
			return r[i]
		}
	}
	return 0
}

func (t *Table) row(endpoint string) *row {
	if v, ok := t.read.Load(endpoint); ok {
		r, _ := v.(*row)
		return r
	}
	var found *row
	for _, list := range [...][]Row{rows[:], guessed[:]} {
		for _, candidate := range list {
			if candidate.Endpoint == endpoint {
				if r, err := parseRow(candidate); err == nil {
					found = r
				}
			}
		}
	}
	if found != nil { // names that nobody has must not pile up
		t.read.Store(endpoint, found)
	}
	return found
}

func parseRow(in Row) (*row, error) {
	marks, n := strings.Fields(in.Marks), len(Admins())
	if len(marks) != n {
		return nil, fmt.Errorf("rights: row %q has %d marks for %d roles", in.Endpoint, len(marks), n)
	}
	var r row
	for i, mark := range marks {
		mask, err := parseMark(mark)
		if err != nil {
			return nil, fmt.Errorf("rights: row %q: %w", in.Endpoint, err)
		}
		for j, v := range verbs {
			if mask&v != 0 {
				r[j] |= 1 << i
			}
		}
	}
	return &r, nil
}

// parseMark reads a cell: A, r, r1, P, PUT, PATCH, - and what + joins of them.
func parseMark(mark string) (schema.Verb, error) {
	var mask schema.Verb
	for part := range strings.SplitSeq(mark, "+") {
		switch part {
		case "A":
			mask |= All
		case "r":
			mask |= Read
		case "r1":
			mask |= schema.VerbGet
		case "P":
			mask |= schema.VerbCreate
		case "PUT":
			mask |= schema.VerbPut
		case "PATCH":
			mask |= schema.VerbPatch
		case "-":
		default:
			return 0, fmt.Errorf("mark %q is not known", mark)
		}
	}
	return mask, nil
}

// Names writes a set of roles as people read it.
func Names(s Set) string {
	var names []string
	for _, r := range Roles() {
		if s.Has(r) {
			names = append(names, r.Name)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
