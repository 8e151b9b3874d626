package output

import (
	"bytes"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// A table on a terminal too narrow for its columns is a stack: the first cell on
// a line of its own, the others below it with their names. Nothing is cut; what
// is longer than the terminal is wide wraps.

const indent = "  "

// fits says whether the rows so far can stand in columns.
func (e *tableEncoder[T]) fits() bool {
	widths := make([]int, len(e.fields))
	for i, f := range e.fields {
		if e.style.headers {
			widths[i] = twwidth.Width(f.Name)
		}
		for _, row := range e.rows {
			widths[i] = max(widths[i], twwidth.Width(row[i]))
		}
	}
	_, ok := fit(widths, e.style.width)
	return ok
}

// stack writes the rows at hand. A cell without text has no line.
func (e *tableEncoder[T]) stack() error {
	label := 0
	for _, f := range e.fields[1:] {
		label = max(label, twwidth.Width(f.Name))
	}
	var out bytes.Buffer
	for r, row := range e.rows {
		paint := e.paint[r]
		out.WriteString(e.coloured(row[0], paint[0], e.style.headers && paint[0] == Plain))
		out.WriteByte('\n')
		for i := 1; i < len(row); i++ {
			if row[i] == "" {
				continue
			}
			out.WriteString(indent)
			if e.style.headers {
				name := e.fields[i].Name
				out.WriteString(name)
				if len(indent)+label+gap+twwidth.Width(row[i]) <= e.style.width {
					out.WriteString(strings.Repeat(" ", label-twwidth.Width(name)+gap))
				} else {
					out.WriteString("\n" + indent + indent)
				}
			}
			out.WriteString(e.coloured(row[i], paint[i], false))
			out.WriteByte('\n')
		}
	}
	e.rows, e.paint = nil, nil
	_, err := e.w.Write(out.Bytes())
	return err
}
