package csvio

import (
	"errors"
	"strconv"
	"strings"
)

// The columns a file of rejects has behind those of its input. Columns whose
// name begins with an underscore are ignored by an import.
var rejectColumns = []string{"_row", "_line", "_code", "_message"}

// Own says whether a column is one of ours, to be ignored by an import.
func Own(header string) bool { return strings.HasPrefix(header, "_") }

// Reject is a row that was not imported, with the reason.
type Reject struct {
	Row, Line int
	Cells     []string
	Code      string
	Message   string
}

// Rejects writes rows to be mended and imported again: the input's own columns
// and what was wrong. Columns of an earlier file of rejects are replaced.
type Rejects struct {
	w     *Writer
	width int
	own   []bool
}

// NewRejects begins a file of rejects of f. w should have the format of f,
// otherwise a cell may hold characters that it lacks.
func NewRejects(w *Writer, f *File) (*Rejects, error) {
	r := &Rejects{w: w, width: len(f.Header), own: make([]bool, len(f.Header))}
	header := make([]string, 0, len(f.Header)+len(rejectColumns))
	for i, h := range f.Header {
		if r.own[i] = Own(h); !r.own[i] {
			header = append(header, h)
		}
	}
	if err := w.Write(append(header, rejectColumns...)); err != nil {
		return nil, err
	}
	return r, nil
}

// Write adds one row. A row whose number of cells is wrong keeps it, so that
// it is refused again unless it is mended.
func (r *Rejects) Write(x Reject) error {
	cells := make([]string, 0, len(x.Cells)+len(rejectColumns))
	for i, c := range x.Cells {
		if len(x.Cells) != r.width || !r.own[i] {
			cells = append(cells, c)
		}
	}
	message := strings.Join(strings.Fields(x.Message), " ")
	cells = append(cells, strconv.Itoa(x.Row), strconv.Itoa(x.Line), x.Code, Guard(message))
	err := r.w.Write(cells)
	var enc *EncodeError
	if errors.As(err, &enc) && enc.Column == len(cells) {
		// Our own words must not keep the user's row from being written.
		cells[len(cells)-1] = ascii(cells[len(cells)-1])
		err = r.w.Write(cells)
	}
	return err
}

func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x80 {
			return '?'
		}
		return r
	}, s)
}
