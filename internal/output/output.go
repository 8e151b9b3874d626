// Package output prints what commands answer: one resource or a list of them,
// as a table, JSON, JSON lines, CSV, YAML or bare names. A command declares
// its columns once, beside itself, and hands every resource to a Printer.
//
// JSON and YAML print the resource as the service sent it, not the row; colour
// is put on finished cells of a table, so that no escape code can reach the
// other formats. CSV here is the columns as data, exactly; files made for
// spreadsheets are the business of export, which also quotes formulas.
//
// Lists stream: csv, jsonl, json, yaml and name hold one row at a time, and a
// table holds one chunk of 500 rows, whose widths the next chunk starts from.
package output

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/iostreams"
)

// Format is the value of --output. It is a pflag.Value.
type Format string

// The formats. The zero value prints a table.
const (
	Table Format = "table"
	Wide  Format = "wide"
	JSON  Format = "json"
	JSONL Format = "jsonl"
	CSV   Format = "csv"
	YAML  Format = "yaml"
	Name  Format = "name"
)

// Formats lists all formats in the order of the help text.
func Formats() []string {
	return []string{"table", "wide", "json", "jsonl", "csv", "yaml", "name"}
}

// String returns the format's name.
func (f *Format) String() string {
	if *f == "" {
		return string(Table)
	}
	return string(*f)
}

// Set implements pflag.Value.
func (f *Format) Set(s string) error {
	if !slices.Contains(Formats(), s) {
		return fmt.Errorf("must be one of %s", strings.Join(Formats(), ", "))
	}
	*f = Format(s)
	return nil
}

// Type implements pflag.Value.
func (f *Format) Type() string { return "format" }

// Options are what the user says about output. One value serves every command
// of a process.
type Options struct {
	Format    Format
	Fields    []string // as typed: each may hold several, separated by commas
	NoHeaders bool
	// Query is a JMESPath expression and JQ a jq program, applied to what JSON
	// would print. Prepare compiles them.
	Query string
	JQ    string

	engine   *engine
	shape    Format // of the results, where there is an engine
	answered bool
}

// AddFlags adds --output, --fields and --no-headers.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.VarP(&o.Format, "output", "o", "output `format`: "+strings.Join(Formats(), ", "))
	// A StringArray, because a StringSlice parses quotes and would refuse the
	// quoted values of a filter in a path.
	fs.StringArrayVar(&o.Fields, "fields", nil, "`list` of columns or attributes to print, separated by commas")
	fs.BoolVar(&o.NoHeaders, "no-headers", false, "print tables and CSV without the heading line")
	fs.StringVar(&o.Query, "query", "", "print what a JMESPath `expression` finds in the JSON output")
	fs.StringVar(&o.JQ, "jq", "", "print what a jq `program` makes of the JSON output")
}

// Structured says whether the format is read by programs as a document, JSON
// above all. The final error is then printed as JSON too.
func (o *Options) Structured() bool {
	f := o.Format
	if o.engine != nil {
		f = o.shape // what the person asked for
	}
	return f == JSON || f == JSONL
}

// Colour is what a cell looks like on a terminal.
type Colour uint8

// The colours a column may ask for.
const (
	Plain Colour = iota
	Green
	Yellow
	Red
	Dim
)

// Column is one column of T.
type Column[T any] struct {
	// Name is the heading, "Recent activity". --fields names it without
	// regard to case, blanks, hyphens and underscores.
	Name string
	// Path is the attribute the column shows, "name.familyName", where it
	// shows one: --fields takes it for a name of the column as well, and JSON
	// prints that attribute.
	Path string
	// Wide columns are left out of table, but not of wide and csv.
	Wide bool
	// Get returns the cell as plain text.
	Get func(*T) string
	// Paint chooses the cell's colour; nil means plain.
	Paint func(*T) Colour
}

// Spec says how a resource type is printed.
type Spec[T any] struct {
	Columns []Column[T]
	// Key is what -o name prints: the key another command takes.
	Key func(*T) string
	// KnownPath says whether --fields may name this attribute path in place
	// of a column. Nil allows columns only; AnyPath allows every path.
	KnownPath func(path string) bool
}

// AnyPath is a KnownPath for documents of any schema: everything that looks
// like an attribute path is allowed.
func AnyPath(path string) bool { return isPath(path) }

// Printer prints values of T. Make one with New.
type Printer[T any] struct {
	opts *Options
	spec Spec[T]
}

// New returns a printer for one command. opts is read when printing begins,
// after the flags have been parsed.
func New[T any](opts *Options, spec Spec[T]) Printer[T] {
	return Printer[T]{opts: opts, spec: spec}
}

// Check reports a --fields value that names nothing, so that a command can
// refuse it before the first call. Printing does it too.
func (p Printer[T]) Check() error {
	_, err := p.choose()
	return err
}

// Paths returns the attribute paths that --fields names, for a command that
// asks the service for no more than it prints. Nil means no choice was made,
// or one that needs more than single attributes.
func (p Printer[T]) Paths() []string {
	chosen, err := p.choose()
	if err != nil || len(p.opts.Fields) == 0 {
		return nil
	}
	paths := make([]string, 0, len(chosen))
	for _, f := range chosen {
		if f.path == "" {
			return nil
		}
		paths = append(paths, f.path)
	}
	return paths
}

// One prints a single value.
func (p Printer[T]) One(s *iostreams.Streams, v *T) error {
	w, err := p.begin(s, true)
	if err != nil {
		return err
	}
	if err := w.Row(v); err != nil {
		return err
	}
	return w.End()
}

// Stream prints a list while it is read and returns the number of rows. When
// the sequence fails, the rows before are printed, a JSON list stays open so
// that nobody takes it for whole, and the error is returned.
func (p Printer[T]) Stream(s *iostreams.Streams, seq iter.Seq2[T, error]) (int, error) {
	w, err := p.Begin(s)
	if err != nil {
		return 0, err
	}
	n := 0
	for v, err := range seq {
		if err != nil {
			if ferr := w.abandon(); ferr != nil {
				return n, ferr
			}
			return n, err
		}
		if err := w.Row(&v); err != nil {
			return n, err
		}
		n++
	}
	return n, w.End()
}

// List prints a list that is already in memory.
func (p Printer[T]) List(s *iostreams.Streams, rows []T) error {
	_, err := p.Stream(s, func(yield func(T, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	})
	return err
}

// Begin starts a list of rows. End must be called unless Row failed.
func (p Printer[T]) Begin(s *iostreams.Streams) (*Writer[T], error) { return p.begin(s, false) }

func (p Printer[T]) begin(s *iostreams.Streams, one bool) (*Writer[T], error) {
	fields, err := p.choose()
	if err != nil {
		return nil, err
	}
	if p.opts.engine != nil {
		return &Writer[T]{enc: p.queried(s, fields, one)}, nil
	}
	return &Writer[T]{enc: p.encoder(s, fields, one)}, nil
}

// Writer takes rows one by one. It is not safe for concurrent use.
type Writer[T any] struct {
	enc encoder[T]
}

// encoder is one format. abandon ends a list that failed: it flushes and does
// not close what it opened.
type encoder[T any] interface {
	row(*T) error
	end() error
	abandon() error
}

// Row prints one row. After an error nothing more may be printed.
func (w *Writer[T]) Row(v *T) error { return wrapWrite(w.enc.row(v)) }

// End finishes the list; an empty one is then complete, as [] in JSON.
func (w *Writer[T]) End() error { return wrapWrite(w.enc.end()) }

func (w *Writer[T]) abandon() error { return wrapWrite(w.enc.abandon()) }

func wrapWrite(err error) error {
	if eval := new(evalError); err == nil || errors.As(err, &eval) || ended(err) {
		return err
	}
	return fmt.Errorf("write output: %w", err)
}

func (p Printer[T]) encoder(s *iostreams.Streams, fields []field[T], one bool) encoder[T] {
	switch p.opts.Format {
	case JSON, JSONL:
		return newJSON(s.Out, p.projection(fields), one, p.opts.Format == JSONL)
	case YAML:
		return newYAML(s.Out, p.projection(fields), one)
	case CSV:
		return newCSV(s.Out, fields, p.opts.NoHeaders)
	case Name:
		return newNames(s.Out, p.spec.Key)
	case Table, Wide:
	}
	width := s.Width()
	if p.opts.Format == Wide {
		width = 0
	}
	return newTable(s.Out, fields, tableStyle{width: width, colour: s.OutColour, headers: !p.opts.NoHeaders, ellipsis: s.Ellipsis()})
}

// YesNo is what a cell shows of a truth value.
func YesNo(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}
