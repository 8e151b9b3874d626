package directory

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/pkg/scim"
)

// Line is one line of a card, the readable form of a single resource. Either
// Path is the attribute it shows, or Get makes the text and Paths are the
// attributes that it stands for. A line without a text is left out. Values
// names an extension instead, of which each attribute has a line of its own.
//
// A line with a Part begins a part of the card; it is left out where the part
// has no line.
type Line struct {
	Part  string
	Name  string
	Path  string
	Get   func(scim.Document) string
	Paths []string

	Values string
}

// forPeople readies resources for cards.
func (b *Base) forPeople(ctx context.Context, docs []scim.Document) []scim.Document {
	if b.Kind.Named == nil {
		return docs
	}
	return b.Kind.Named(ctx, b.Deps, docs)
}

// printCards prints resources one under the other: the lines of the kind, or
// with wide, and for kinds without lines of their own, every attribute.
func (b *Base) printCards(docs []scim.Document) error {
	var buf bytes.Buffer
	for i, doc := range docs {
		if i > 0 {
			buf.WriteByte('\n')
		}
		b.card(&buf, doc)
	}
	if _, err := b.Deps.IO.Out.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

func (b *Base) card(buf *bytes.Buffer, doc scim.Document) {
	var rows [][2]string
	part := ""
	add := func(name, value string) {
		if value == "" {
			return
		}
		if part != "" { // a row without a value is a heading
			rows = append(rows, [2]string{part, ""})
			part = ""
		}
		rows = append(rows, [2]string{iostreams.Clean(name), iostreams.Clean(value)})
	}
	shown := map[string]bool{linkMember: true}
	if b.Kind.Card != nil {
		for _, l := range b.Kind.Card(b.Deps) {
			if l.Part != "" {
				part = l.Part
				continue
			}
			if l.Values != "" {
				for _, r := range valuesOf(doc, l.Values) {
					add(r[0], r[1])
				}
				shown[strings.ToLower(l.Values)] = true
				continue
			}
			if l.Get != nil {
				add(l.Name, l.Get(doc))
			} else {
				add(l.Name, strings.Join(doc.Strings(l.Path), ", "))
			}
			for _, p := range append(slices.Clone(l.Paths), l.Path) {
				shown[strings.ToLower(p)] = true
			}
		}
	}
	if b.Kind.Card == nil || b.Deps.Output.Format == output.Wide {
		if part = ""; len(rows) > 0 && rows[0][1] == "" {
			part = "Other attributes"
		}
		for _, r := range flatten(doc, shown) {
			add(r[0], r[1])
		}
	}
	width := 0
	for _, r := range rows {
		if r[1] != "" {
			width = max(width, twwidth.Width(r[0]))
		}
	}
	for i, r := range rows {
		if r[1] == "" {
			if i > 0 {
				buf.WriteByte('\n')
			}
			heading := strings.ToUpper(r[0])
			if b.Deps.IO.OutColour {
				heading = "\x1b[1m" + heading + "\x1b[0m"
			}
			buf.WriteString(heading + "\n")
			continue
		}
		name := r[0] + strings.Repeat(" ", width-twwidth.Width(r[0]))
		if b.Deps.IO.OutColour {
			name = "\x1b[1m" + name + "\x1b[0m"
		}
		fmt.Fprintf(buf, "%s  %s\n", name, r[1])
	}
}

// valuesOf are the attributes of an extension with their values, sorted.
func valuesOf(doc scim.Document, urn string) [][2]string {
	v, _ := doc.Get(urn)
	m, _ := v.(map[string]any)
	var rows [][2]string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		rows = append(rows, [2]string{name, output.Text(m[name])})
	}
	return rows
}

// flatten makes a line of each attribute of a document, but for those shown
// already: paths as --fields and --set name them, sorted, lists of objects an
// object a line.
func flatten(doc scim.Document, shown map[string]bool) [][2]string {
	var rows [][2]string
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if shown[strings.ToLower(path)] {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			sep := "."
			if strings.HasPrefix(path, "urn:") && strings.Count(path, ":") >= 3 && isSchema(doc, path) {
				sep = ":"
			}
			keys := make([]string, 0, len(v))
			for k := range v {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			for _, k := range keys {
				walk(path+sep+k, v[k])
			}
		case []any:
			if len(v) == 0 {
				return
			}
			if _, objects := v[0].(map[string]any); !objects {
				rows = append(rows, [2]string{path, output.Text(v)})
				return
			}
			for _, e := range v {
				rows = append(rows, [2]string{path, output.Text(e)})
			}
		default:
			rows = append(rows, [2]string{path, output.Text(v)})
		}
	}
	keys := make([]string, 0, len(doc))
	for k := range doc {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		walk(k, doc[k])
	}
	return rows
}

// isSchema says whether a top-level member is an extension.
func isSchema(doc scim.Document, member string) bool {
	_, ok := doc[member]
	return ok
}

// PrintDocument prints one resource: a card for a person, else the chosen
// format.
func (b *Base) PrintDocument(p output.Printer[scim.Document], doc scim.Document) error {
	return b.printDocuments(p, []scim.Document{doc}, true)
}

// printDocuments prints what get found: a card each for a person, else the
// chosen format. One asked for by a single name is no list.
func (b *Base) printDocuments(p output.Printer[scim.Document], docs []scim.Document, single bool) error {
	d := b.Deps
	switch {
	case Tabular(d.Output.Format) && len(d.Output.Fields) == 0:
		return b.printCards(docs)
	case single && len(docs) == 1:
		return p.One(d.IO, &docs[0])
	}
	return p.List(d.IO, docs)
}

// Note prints a remark, with text of the service made safe; formats made for programs get the
// resource itself on stdout.
func Note(d *cmdutil.Deps, format string, args ...any) error {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = iostreams.Clean(s)
		}
	}
	return d.Note(format, args...)
}

func cleanLine(s string) string { return iostreams.Clean(s) }
