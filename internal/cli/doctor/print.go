package doctor

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
)

// print writes the checks in the format asked for. The default one is a table
// of its own: a finding that is cut to the width of a terminal helps nobody,
// so findings are wrapped.
func (o *options) print(checks []Check) error {
	if f := o.Output.Format; f != "" && f != output.Table || len(o.Output.Fields) > 0 {
		return o.Print.List(o.IO, checks)
	}
	var b strings.Builder
	named := 0
	for _, c := range checks {
		named = max(named, len(c.Name))
	}
	for _, c := range checks {
		o.row(&b, c, named)
	}
	if _, err := o.IO.Out.Write([]byte(b.String())); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

const (
	stateWidth = len("warning") + 2
	// narrow is the room for text below which it goes on a line of its own.
	narrow = 30
)

func (o *options) row(b *strings.Builder, c Check, named int) {
	at := stateWidth + named + 2
	width := o.IO.Width()
	state := string(c.State)
	padding := strings.Repeat(" ", stateWidth-len(state))
	if code := map[State]string{OK: "32", Warning: "33", Problem: "31", Skipped: "2"}[c.State]; o.IO.OutColour && code != "" {
		state = "\x1b[" + code + "m" + state + "\x1b[0m"
	}
	b.WriteString(state + padding + c.Name)
	if width > 0 && width-at < narrow {
		at = 2
		b.WriteString("\n" + strings.Repeat(" ", at))
	} else {
		b.WriteString(strings.Repeat(" ", at-stateWidth-len(c.Name)))
	}
	text := wrap(iostreams.Clean(c.Finding), width-at)
	if c.Advice != "" {
		text = append(text, wrap("to do: "+iostreams.Clean(c.Advice), width-at)...)
	}
	b.WriteString(strings.Join(text, "\n"+strings.Repeat(" ", at)) + "\n")
}

// wrap breaks a text at blanks. A word that is longer than a line stays whole,
// so that a path can be copied. A width of 0 or less breaks nothing.
func wrap(text string, width int) []string {
	words := strings.Fields(text)
	if width <= 0 || len(words) == 0 {
		return []string{text}
	}
	lines := []string{words[0]}
	for _, w := range words[1:] {
		last := &lines[len(lines)-1]
		if utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(w) > width {
			lines = append(lines, w)
			continue
		}
		*last += " " + w
	}
	return lines
}
