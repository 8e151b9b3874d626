package csvio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/gocarina/gocsv"
)

// Typed is a row decoded into a struct by its csv tags.
type Typed[T any] struct {
	*Row
	Value T
}

// TypedRows decodes the rows of a file of fixed shape into structs, by gocsv's
// tags. Headers are matched as gocsv does; canon, which may be nil, spells
// them as the tags do first. A cell that does not fit its field is an error of
// the row, as is everything Rows reports.
func TypedRows[T any](ctx context.Context, f *File, canon func(string) string) iter.Seq2[*Typed[T], error] {
	header := make([]string, len(f.Header))
	for i, h := range f.Header {
		header[i] = h
		if canon != nil {
			header[i] = canon(h)
		}
	}
	return func(yield func(*Typed[T], error) bool) {
		for row, err := range f.Rows(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			t := &Typed[T]{Row: row}
			if row.Err == nil {
				// One row at a time: gocsv's own loops stop at the first
				// error or read everything into memory.
				var out []T
				err := gocsv.UnmarshalCSV(&oneRow{header: header, cells: row.Cells}, &out)
				switch {
				case err != nil:
					row.Err = &RowError{Line: row.Line, Code: "bad-value", Message: fmt.Sprintf("row does not fit: %v", cause(err))}
				case len(out) == 1:
					t.Value = out[0]
				}
			}
			if !yield(t, nil) {
				return
			}
		}
	}
}

// cause strips gocsv's own account of the line, which counts records of one.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// oneRow is a gocsv.CSVReader of a header and one row.
type oneRow struct {
	header, cells []string
	read          int
}

var _ gocsv.CSVReader = (*oneRow)(nil)

// Read implements gocsv.CSVReader.
func (o *oneRow) Read() ([]string, error) {
	o.read++
	switch o.read {
	case 1:
		return o.header, nil
	case 2:
		return o.cells, nil
	}
	return nil, io.EOF
}

// ReadAll implements gocsv.CSVReader.
func (o *oneRow) ReadAll() ([][]string, error) {
	return [][]string{o.header, o.cells}, nil
}
