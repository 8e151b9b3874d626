package docs

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// plain makes Markdown readable as it is: headings underlined, code indented,
// tables in columns, links followed by their address where that is elsewhere.
// It knows what the pages of this program use, and is no renderer for others.
func plain(md string) string {
	var b strings.Builder
	lines := strings.Split(strings.TrimRight(md, "\n"), "\n")
	code := false
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case strings.HasPrefix(line, "```"):
			code = !code
		case code:
			if line != "" {
				line = "    " + line
			}
			b.WriteString(line + "\n")
		case strings.HasPrefix(line, "<!--") && strings.HasSuffix(line, "-->"):
			// A mark for machines.
		case strings.HasPrefix(line, "#"):
			level := len(line) - len(strings.TrimLeft(line, "#"))
			text := inline(strings.TrimSpace(line[level:]))
			b.WriteString(text + "\n")
			if level <= 3 {
				b.WriteString(strings.Repeat(string("==-"[level-1]), utf8.RuneCountInString(text)) + "\n")
			}
		case strings.HasPrefix(line, "|"):
			end := i
			for end < len(lines) && strings.HasPrefix(lines[end], "|") {
				end++
			}
			table(&b, lines[i:end])
			i = end - 1
		default:
			b.WriteString(inline(line) + "\n")
		}
	}
	return b.String()
}

// Compiled when first needed: every command would wait for them.
var (
	link     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\[([^\]]+)\]\(([^)\s]+)\)`) })
	emphasis = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*`) })
)

// inline takes the marks off a line, but not inside code.
func inline(line string) string {
	parts := strings.Split(line, "`")
	if len(parts)%2 == 0 { // an open one is a character
		return line
	}
	for i := 0; i < len(parts); i += 2 {
		parts[i] = emphasis().ReplaceAllString(parts[i], "$1$2")
	}
	text := strings.Join(parts, "")
	text = link().ReplaceAllStringFunc(text, func(s string) string {
		m := link().FindStringSubmatch(s)
		if strings.Contains(m[2], "://") {
			return m[1] + " (" + m[2] + ")"
		}
		return m[1]
	})
	return text
}

// table writes rows in columns, the last one as it comes.
func table(b *strings.Builder, rows []string) {
	cells := make([][]string, 0, len(rows))
	var widths []int
	for i, row := range rows {
		if i == 1 { // the line of dashes
			continue
		}
		row = strings.TrimSuffix(strings.TrimPrefix(row, "|"), "|")
		parts := strings.Split(strings.ReplaceAll(row, `\|`, "\x00"), "|")
		for j, p := range parts {
			parts[j] = inline(strings.ReplaceAll(strings.TrimSpace(p), "\x00", "|"))
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], utf8.RuneCountInString(parts[j]))
		}
		cells = append(cells, parts)
	}
	for _, parts := range cells {
		line := " "
		for j, p := range parts {
			line += " " + p
			if j < len(parts)-1 {
				line += strings.Repeat(" ", widths[j]-utf8.RuneCountInString(p)+1)
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}
