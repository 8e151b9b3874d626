//go:build !windows

package cli_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/hinshun/vt10x"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// Sizes of a character in a picture, in pixels.
const (
	cellWidth  = 8.4
	cellHeight = 18
	margin     = 14
)

// draw makes a picture of a terminal: the command line, and what it left on the
// screen.
func draw(command string, screen vt10x.Terminal) []byte {
	columns, rows := screen.Size()
	lines := []string{span(command, "#8b949e", false)}
	for y := range rows {
		lines = append(lines, line(screen, y, columns))
	}
	for len(lines) > 1 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	width := int(float64(max(columns, len(command)))*cellWidth) + 2*margin
	height := len(lines)*cellHeight + 2*margin
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&out, `<rect width="%d" height="%d" rx="8" fill="#0d1117"/>`+"\n", width, height)
	out.WriteString(`<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" fill="#e6edf3">` + "\n")
	for i, l := range lines {
		fmt.Fprintf(&out, `<text x="%d" y="%d">%s</text>`+"\n", margin, margin+(i+1)*cellHeight-5, l)
	}
	out.WriteString("</g>\n</svg>\n")
	return out.Bytes()
}

// line is one line of the screen as runs of the same look. Where replacing what
// is unsteady moved the rest, the line loses its look.
func line(screen vt10x.Terminal, y, columns int) string {
	cells := make([]vt10x.Glyph, 0, columns)
	used := 0
	for x := range columns {
		g := screen.Cell(x, y)
		if g.Char == 0 {
			g.Char = ' '
		}
		cells = append(cells, g)
		if g.Char != ' ' {
			used = len(cells)
		}
	}
	cells = cells[:used]
	was := make([]rune, used)
	for i, g := range cells {
		was[i] = g.Char
	}
	now := []rune(steady(string(was)))
	if len(now) != len(was) {
		return span(string(now), "", false)
	}
	var out, part strings.Builder
	column, start := 0, -1 // start is where a part has to be put
	for i, g := range cells {
		if i > 0 {
			last := cells[i-1]
			moved := twwidth.Width(string(last.Char)) > 1 && twwidth.Width(string(now[i])) < 2
			if g.FG != last.FG || g.Mode&bold != last.Mode&bold || moved {
				out.WriteString(spanAt(start, part.String(), colour(last.FG), last.Mode&bold != 0))
				part.Reset()
				start = -1
			}
			if moved { // a font may have another idea of wide characters
				start = column
			}
		}
		part.WriteRune(now[i])
		column += twwidth.Width(string(now[i]))
	}
	if used > 0 {
		last := cells[used-1]
		out.WriteString(spanAt(start, part.String(), colour(last.FG), last.Mode&bold != 0))
	}
	return out.String()
}

// bold is the terminal's mark of bold characters.
const bold = 1 << 2

func span(text, fill string, heavy bool) string { return spanAt(-1, text, fill, heavy) }

// spanAt puts a text at a column of the screen; -1 is behind what precedes it.
func spanAt(column int, text, fill string, heavy bool) string {
	var escaped bytes.Buffer
	// Blanks that are no ordinary ones are kept by everything that shows pictures.
	_ = xml.EscapeText(&escaped, []byte(strings.ReplaceAll(text, " ", "\u00a0"))) // a buffer takes everything
	attrs := ""
	if column >= 0 {
		attrs = fmt.Sprintf(` x="%.1f"`, margin+float64(column)*cellWidth)
	}
	if fill != "" {
		attrs += ` fill="` + fill + `"`
	}
	if heavy {
		attrs += ` font-weight="bold"`
	}
	if attrs == "" {
		return escaped.String()
	}
	return "<tspan" + attrs + ">" + escaped.String() + "</tspan>"
}

func colour(c vt10x.Color) string {
	switch c % 8 {
	case 1:
		return "#ff7b72"
	case 2:
		return "#7ee787"
	case 3:
		return "#f2cc60"
	case 4, 6:
		return "#79c0ff"
	}
	return ""
}
