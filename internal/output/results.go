package output

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/idctl/idctl/internal/iostreams"
)

// RowsError is a query that failed on some elements of a list, each of which
// was named on stderr.
type RowsError struct {
	Failed, Total int
	First         error
}

func (e *RowsError) Error() string {
	return fmt.Sprintf("the query failed on %d of %d: %s", e.Failed, e.Total, e.First)
}

func (e *RowsError) Unwrap() error { return e.First }

// ExitCode is partly done, or failed where no row was answered.
func (e *RowsError) ExitCode() int {
	if e.Failed < e.Total {
		return 3
	}
	return 1
}

// queryEncoder hands to a query what JSON would print: a resource, or a list
// as one array. Of JSON lines it hands over each, so that such a list needs no
// more than a row of memory.
type queryEncoder[T any] struct {
	engine *engine
	out    *results
	errOut io.Writer
	value  func(*T) (json.RawMessage, error)
	key    func(*T) string
	one    bool
	lines  bool
	docs   []any
	keys   []string
	n      int
	failed int
	first  error
}

func (p Printer[T]) queried(s *iostreams.Streams, fields []field[T], one bool) encoder[T] {
	o := p.opts
	o.answered = true
	return &queryEncoder[T]{
		engine: o.engine, out: newResults(s.Out, o.shape, o.engine.flag), errOut: s.ErrOut, value: p.projection(fields),
		key: p.spec.Key, one: one, lines: o.Format == JSONL,
	}
}

func (e *queryEncoder[T]) row(v *T) error {
	b, err := e.value(v)
	if err != nil {
		return err
	}
	doc, err := decodeBytes(b)
	if err != nil {
		return err
	}
	key := ""
	if e.key != nil {
		key = e.key(v)
	}
	e.n++
	switch {
	case e.one:
		return e.print(doc)
	case !e.lines:
		e.docs, e.keys = append(e.docs, doc), append(e.keys, key)
		return nil
	}
	found, err := e.engine.search(doc)
	if err != nil && ended(err) {
		return err
	}
	if err != nil {
		e.failed++
		err = named(e.n, key, err)
		if e.first == nil {
			e.first = err
		}
		_, werr := fmt.Fprintln(e.errOut, "error: "+iostreams.Clean(err.Error()))
		return werr
	}
	if err := e.out.print(found); err != nil {
		return err
	}
	if e.n%flushEvery == 0 {
		return e.out.flush()
	}
	return nil
}

func (e *queryEncoder[T]) print(doc any) error {
	found, err := e.engine.search(doc)
	if err != nil {
		return err
	}
	return e.out.print(found)
}

func (e *queryEncoder[T]) end() error {
	if !e.one && !e.lines {
		if e.docs == nil {
			e.docs = []any{}
		}
		if err := e.print(e.docs); err != nil {
			return errors.Join(e.blame(err), e.out.flush())
		}
	}
	if err := e.out.flush(); err != nil {
		return err
	}
	if e.failed > 0 {
		return &RowsError{Failed: e.failed, Total: e.n, First: e.first}
	}
	return nil
}

// abandon prints nothing of a list that was not read to its end.
func (e *queryEncoder[T]) abandon() error { return e.out.flush() }

// blame names the element on which a query fails that failed on the list: the
// first one with which it fails alone as well.
func (e *queryEncoder[T]) blame(err error) error {
	if ended(err) {
		return err
	}
	if _, empty := e.engine.search([]any{}); empty != nil {
		return err // it does not come of an element
	}
	for i, doc := range e.docs {
		if _, alone := e.engine.search([]any{doc}); alone != nil {
			if ended(alone) {
				return err
			}
			return named(i+1, e.keys[i], alone)
		}
	}
	return err
}

func named(n int, key string, err error) error {
	if key == "" {
		return fmt.Errorf("row %d: %w", n, err)
	}
	return fmt.Errorf("row %d (%s): %w", n, key, err)
}

// results prints what a query answered.
type results struct {
	w     *bufio.Writer
	csv   *csv.Writer
	shape Format
	flag  string
	n     int
}

func newResults(w io.Writer, shape Format, flag string) *results {
	b := bufio.NewWriter(w)
	return &results{w: b, csv: csv.NewWriter(b), shape: shape, flag: flag}
}

func (r *results) print(found []json.RawMessage) error {
	for _, b := range found {
		if err := r.one(b); err != nil {
			return err
		}
		r.n++
	}
	return nil
}

func (r *results) one(b json.RawMessage) error {
	switch r.shape {
	case Name:
		return r.each(b, func(v any) error {
			text, err := r.scalar(v)
			if err != nil {
				return err
			}
			if strings.ContainsAny(text, "\r\n") {
				return &evalError{r.flag, fmt.Errorf("result %q cannot be printed on a line of its own, use another format", text)}
			}
			_, err = r.w.WriteString(text + "\n")
			return err
		})
	case CSV:
		return r.each(b, r.record)
	case YAML:
		return r.yaml(b)
	case JSONL:
		_, err := r.w.Write(append(b, '\n'))
		return err
	case Table, Wide, JSON:
	}
	var buf bytes.Buffer
	if err := json.Indent(&buf, b, "", "  "); err != nil {
		return err
	}
	buf.WriteByte('\n')
	_, err := r.w.Write(buf.Bytes())
	return err
}

// each goes through a list, or through a single value as a list of one.
func (r *results) each(b json.RawMessage, f func(any) error) error {
	v, err := decodeBytes(b)
	if err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if r.shape == CSV && ok && len(list) > 0 {
		if _, rows := list[0].([]any); !rows {
			list = []any{v} // jq answers row by row: [.userName, .title]
		}
	}
	for _, x := range list {
		if err := f(x); err != nil {
			return err
		}
	}
	return nil
}

func (r *results) record(v any) error {
	cells, ok := v.([]any)
	if !ok {
		cells = []any{v}
	}
	record := make([]string, len(cells))
	for i, c := range cells {
		if c == nil {
			continue
		}
		var err error
		if record[i], err = r.scalar(c); err != nil {
			return err
		}
	}
	return r.csv.Write(record)
}

// scalar is the text of a result that can stand on a line or in a cell.
func (r *results) scalar(v any) (string, error) {
	switch v.(type) {
	case nil:
		return "", &evalError{r.flag, errors.New("a result is null, which is no name; leave it out in the expression")}
	case map[string]any, []any:
		return "", &evalError{r.flag, errors.New("a result is an object or a list where a single value is needed; choose attributes, as in [a, b]")}
	}
	return Text(v), nil
}

func (r *results) yaml(b json.RawMessage) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	node, err := yamlNode(dec)
	if err != nil {
		return err
	}
	if r.n > 0 {
		if _, err := r.w.WriteString("---\n"); err != nil {
			return err
		}
	}
	enc := yaml.NewEncoder(r.w)
	enc.SetIndent(2)
	if err := enc.Encode(node); err != nil {
		return err
	}
	return enc.Close()
}

func (r *results) flush() error {
	r.csv.Flush()
	return errors.Join(r.csv.Error(), r.w.Flush())
}
