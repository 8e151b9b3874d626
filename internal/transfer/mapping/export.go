package mapping

import (
	"fmt"
	"strings"

	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/pkg/scim"
)

// Names answers what a person calls the resource with an id: a user name. The
// Key of the reference holds the id. A nil Names knows none.
type Names func(transfer.Ref) (name string, ok bool)

// ExportColumns chooses the columns of an export by their names, old or new,
// or by attribute paths. Without a choice it is every column that the service
// gives back, in the order of the first generation.
func ExportColumns(typ string, which []string) ([]Column, error) {
	if err := checkType(typ); err != nil {
		return nil, err
	}
	all := Columns(typ)
	var out []Column
	if len(which) == 0 {
		for _, c := range all {
			if !c.WriteOnly {
				out = append(out, c)
			}
		}
		return out, nil
	}
	for _, w := range which {
		c, ok := lookup(all, w)
		if !ok {
			t, err := parseTarget(typ, w)
			if err != nil {
				return nil, fmt.Errorf("%w: column %q: %w", ErrUnknownColumns, w, err)
			}
			c = Column{Name: w, Path: w, Kind: Text}
			for _, k := range all {
				if kt, err := parseTarget(typ, k.Path); err == nil && sameTarget(kt, t) {
					c, ok = k, true
				}
			}
			if !ok && t.urn == "" && t.typ == "" && len(Suggest(typ, w)) > 0 {
				return nil, fmt.Errorf("%w: %q; did you mean %q?", ErrUnknownColumns, w, Suggest(typ, w)[0].Column)
			}
		}
		if c.WriteOnly {
			return nil, fmt.Errorf("%w: the service never gives back %q", ErrMapping, c.Name)
		}
		out = append(out, c)
	}
	return out, nil
}

// Headers names columns for the first row of a file. Old chooses the names of
// the first generation.
func Headers(cols []Column, old bool) []string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = c.Header(old)
	}
	return out
}

// Attributes lists the attributes that an export of the columns has to ask
// for, as they are not all returned by default.
func Attributes(typ string, cols []Column) []string {
	var out []string
	for _, c := range cols {
		if t, err := parseTarget(typ, c.Path); err == nil && (c.Kind == Members || t.urn != "") {
			if c.Kind == Members {
				t.sub = ""
			}
			out = append(out, t.path())
		}
	}
	return out
}

// RowFromDocument writes a resource as the cells of a row. Cells that a
// spreadsheet could take for a formula are wrapped in single quotes, which an
// import takes off. References that names does not know are written as ids.
func RowFromDocument(typ string, doc scim.Document, cols []Column, names Names) []string {
	row := make([]string, len(cols))
	for i, c := range cols {
		t, err := parseTarget(typ, c.Path)
		if err != nil { // not for columns of ExportColumns
			continue
		}
		row[i] = csvio.Guard(cellOf(doc, c, t, names))
	}
	return row
}

// Exporter writes resources of one type as rows; it differs from
// RowFromDocument in that it takes the columns apart once.
type Exporter struct {
	cols    []Column
	targets []target
	names   Names
}

// NewExporter prepares the columns of an export.
func NewExporter(typ string, cols []Column, names Names) (*Exporter, error) {
	e := &Exporter{cols: cols, names: names}
	for _, c := range cols {
		t, err := parseTarget(typ, c.Path)
		if err != nil {
			return nil, fmt.Errorf("%w: column %q: %w", ErrMapping, c.Name, err)
		}
		e.targets = append(e.targets, t)
	}
	return e, nil
}

// Row writes one resource.
func (e *Exporter) Row(doc scim.Document) []string {
	row := make([]string, len(e.cols))
	for i, c := range e.cols {
		row[i] = csvio.Guard(cellOf(doc, c, e.targets[i], e.names))
	}
	return row
}

func cellOf(doc scim.Document, c Column, t target, names Names) string {
	switch {
	case c.Kind == Members:
		var list []string
		for _, m := range (target{name: t.name}).elements(doc) {
			list = append(list, nameOf(m, names))
		}
		return strings.Join(list, ";")
	case c.Kind == UserRef:
		v, ok := t.value(doc)
		if !ok {
			return ""
		}
		return nameOf(map[string]any{"value": v}, names)
	case t.selector:
		for _, e := range t.elements(doc) {
			if primaryIn(e) {
				v, _ := member(e, "type")
				return textOf(v)
			}
		}
		return ""
	case t.typ != "":
		v, _ := member(bestElement(t.elements(doc), t.typ), t.sub)
		return textOf(v)
	}
	v, ok := t.value(doc)
	if !ok {
		return ""
	}
	return textOf(v)
}

// bestElement is the element of a type that a row can hold: the primary one if
// it is of that type, or else the first.
func bestElement(list []map[string]any, typ string) map[string]any {
	var first map[string]any
	for _, e := range list {
		if !isType(e, typ) {
			continue
		}
		if primaryIn(e) {
			return e
		}
		if first == nil {
			first = e
		}
	}
	return first
}

// nameOf is how a row names a reference: as names has it, or as the service
// wrote it beside the id, or by the id.
func nameOf(m map[string]any, names Names) string {
	id := textOf(m["value"])
	if names != nil {
		if n, ok := names(transfer.Ref{Type: User, Key: id}); ok {
			return n
		}
	}
	if n := textOf(m["name"]); n != "" {
		return n
	}
	return id
}
