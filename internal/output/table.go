package output

import (
	"bytes"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/idctl/idctl/internal/iostreams"
)

const (
	// chunkRows are held in memory at a time. Tablewriter's own streaming
	// mode takes widths from the heading and cuts values off silently, so a
	// long list is a series of tables that keep each other's widths.
	chunkRows = 500
	gap       = 2  // blanks between columns
	minWidth  = 10 // a column is not cut below this
)

type tableStyle struct {
	width    int // of the terminal, 0 for none: then nothing is cut
	colour   bool
	headers  bool
	ellipsis string
}

type tableEncoder[T any] struct {
	w      io.Writer
	fields []field[T]
	style  tableStyle
	rows   [][]string
	paint  [][]Colour
	widths []int // of the columns so far; they only grow
	begun  bool
	// stacked: the terminal is too narrow for columns. What the first rows
	// need decides, so that a list does not change its form.
	stacked bool
}

func newTable[T any](w io.Writer, fields []field[T], style tableStyle) encoder[T] {
	return &tableEncoder[T]{w: w, fields: fields, style: style, widths: make([]int, len(fields))}
}

func (e *tableEncoder[T]) row(v *T) error {
	cells, paint := make([]string, len(e.fields)), make([]Colour, len(e.fields))
	for i, f := range e.fields {
		cells[i] = iostreams.Clean(f.Get(v))
		if f.Paint != nil {
			paint[i] = f.Paint(v)
		}
	}
	e.rows, e.paint = append(e.rows, cells), append(e.paint, paint)
	if len(e.rows) == chunkRows {
		return e.flush()
	}
	return nil
}

func (e *tableEncoder[T]) end() error     { return e.flush() }
func (e *tableEncoder[T]) abandon() error { return e.flush() }

func (e *tableEncoder[T]) flush() error {
	if len(e.fields) == 0 || len(e.rows) == 0 && (e.begun || !e.style.headers) {
		return nil
	}
	heading := e.style.headers && !e.begun
	if !e.begun {
		e.stacked = !e.fits()
	}
	e.begun = true
	if e.stacked {
		return e.stack()
	}
	var lines [][]string
	if heading {
		h := make([]string, len(e.fields))
		for i, f := range e.fields {
			h[i] = f.Name
		}
		lines = append(lines, h)
		e.paint = append([][]Colour{make([]Colour, len(h))}, e.paint...)
	}
	lines = append(lines, e.rows...)
	for _, l := range lines {
		for i, cell := range l {
			e.widths[i] = max(e.widths[i], twwidth.Width(cell))
		}
	}
	widths, _ := fit(e.widths, e.style.width)
	for r, l := range lines {
		for i, cell := range l {
			cell = cut(cell, widths[i], e.style.ellipsis)
			if i < len(l)-1 { // pad here: widths outlive this chunk
				cell += strings.Repeat(" ", max(0, widths[i]-twwidth.Width(cell))+gap)
			}
			lines[r][i] = e.coloured(cell, e.paint[r][i], heading && r == 0)
		}
	}
	e.rows, e.paint = nil, nil
	return layOut(e.w, lines)
}

// fit narrows the widest columns until the line fits; false where it cannot. The
// first column is the name by which the row is known and is cut last.
func fit(widths []int, terminal int) ([]int, bool) {
	out := append([]int(nil), widths...)
	if terminal <= 0 {
		return out, true
	}
	total := gap * (len(out) - 1)
	for _, w := range out {
		total += w
	}
	for total > terminal {
		widest := -1
		for i := len(out) - 1; i >= 1; i-- {
			if out[i] > minWidth && (widest < 0 || out[i] > out[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			if out[0] <= minWidth {
				return out, false // lines will wrap
			}
			widest = 0
		}
		out[widest]--
		total--
	}
	return out, true
}

// cut shortens a cell that is wider than its column and shows that it did.
func cut(cell string, width int, ellipsis string) string {
	if twwidth.Width(cell) <= width {
		return cell
	}
	return twwidth.Truncate(cell, width, ellipsis)
}

func (e *tableEncoder[T]) coloured(cell string, c Colour, heading bool) string {
	text := strings.TrimRight(cell, " ")
	if !e.style.colour || text == "" {
		return cell
	}
	code := map[Colour]string{Green: "32", Yellow: "33", Red: "31", Dim: "2"}[c]
	if heading {
		code = "1"
	}
	if code == "" {
		return cell
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m" + cell[len(text):]
}

// layOut lays out padded cells through tablewriter with everything that would
// change them switched off, and trims the blanks it leaves at the line ends.
func layOut(w io.Writer, lines [][]string) error {
	var buf bytes.Buffer
	t := tablewriter.NewTable(
		&buf,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Symbols:  tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{Lines: tw.LinesNone, Separators: tw.SeparatorsNone},
		})),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithRowAlignment(tw.AlignLeft),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithTrimLine(tw.Off),
		tablewriter.WithPadding(tw.Padding{Overwrite: true}),
	)
	if err := t.Bulk(lines); err != nil {
		return err
	}
	if err := t.Render(); err != nil {
		return err
	}
	var out bytes.Buffer
	for line := range bytes.Lines(buf.Bytes()) {
		out.Write(trimEnd(line))
		out.WriteByte('\n')
	}
	_, err := w.Write(out.Bytes())
	return err
}

// trimEnd takes the blanks off a line's end, and the resets tablewriter puts
// behind them after a coloured cell.
func trimEnd(line []byte) []byte {
	const reset = "\x1b[0m"
	line = bytes.TrimRight(line, " \n")
	for {
		body, found := bytes.CutSuffix(line, []byte(reset))
		if !found || !bytes.HasSuffix(body, []byte(" ")) && !bytes.HasSuffix(body, []byte(reset)) {
			return line
		}
		line = bytes.TrimRight(body, " ")
	}
}
