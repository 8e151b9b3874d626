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
)

// flushEvery rows the lines written so far are handed on, so that a reader
// behind a pipe sees them while later pages are still under way.
const flushEvery = 100

// projection makes the value to print of a row: the row itself, or the chosen
// attributes of it.
func (p Printer[T]) projection(fields []field[T]) func(*T) (json.RawMessage, error) {
	if len(p.opts.Fields) == 0 {
		return func(v *T) (json.RawMessage, error) { return marshal(v) }
	}
	return func(v *T) (json.RawMessage, error) {
		doc, err := decoded(v)
		if err != nil {
			return nil, err
		}
		var out object
		for _, f := range fields {
			if f.path == "" {
				out.set(f.Name, f.Get(v))
				continue
			}
			out.set(f.path, Lookup(doc, f.path))
		}
		return marshal(out)
	}
}

// object is a JSON object that keeps the order in which its keys were set.
type object struct {
	keys   []string
	values []any
}

func (o *object) set(key string, v any) {
	o.keys, o.values = append(o.keys, key), append(o.values, v)
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte('{')
	for i, k := range o.keys {
		if i > 0 {
			buf.WriteByte(',')
		}
		for j, part := range []any{k, o.values[i]} {
			b, err := marshal(part)
			if err != nil {
				return nil, err
			}
			if j > 0 {
				buf.WriteByte(':')
			}
			buf.Write(b)
		}
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

type jsonEncoder[T any] struct {
	w     *bufio.Writer
	value func(*T) (json.RawMessage, error)
	one   bool
	lines bool
	n     int
}

func newJSON[T any](w io.Writer, value func(*T) (json.RawMessage, error), one, lines bool) encoder[T] {
	return &jsonEncoder[T]{w: bufio.NewWriter(w), value: value, one: one, lines: lines}
}

func (e *jsonEncoder[T]) row(v *T) error {
	b, err := e.value(v)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	switch {
	case e.lines:
		buf.Write(b)
		buf.WriteByte('\n')
	case e.one:
		if err := json.Indent(&buf, b, "", "  "); err != nil {
			return err
		}
		buf.WriteByte('\n')
	default:
		if e.n == 0 {
			buf.WriteString("[\n  ")
		} else {
			buf.WriteString(",\n  ")
		}
		if err := json.Indent(&buf, b, "  ", "  "); err != nil {
			return err
		}
	}
	e.n++
	if _, err := e.w.Write(buf.Bytes()); err != nil {
		return err
	}
	if e.n%flushEvery == 0 {
		return e.w.Flush()
	}
	return nil
}

func (e *jsonEncoder[T]) end() error {
	if !e.lines && !e.one {
		closing := "\n]\n"
		if e.n == 0 {
			closing = "[]\n"
		}
		if _, err := e.w.WriteString(closing); err != nil {
			return err
		}
	}
	return e.w.Flush()
}

func (e *jsonEncoder[T]) abandon() error { return e.w.Flush() }

type yamlEncoder[T any] struct {
	w     *bufio.Writer
	value func(*T) (json.RawMessage, error)
	one   bool
	n     int
}

func newYAML[T any](w io.Writer, value func(*T) (json.RawMessage, error), one bool) encoder[T] {
	return &yamlEncoder[T]{w: bufio.NewWriter(w), value: value, one: one}
}

func (e *yamlEncoder[T]) row(v *T) error {
	b, err := e.value(v)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	node, err := yamlNode(dec)
	if err != nil {
		return err
	}
	if !e.one {
		// A sequence of one; the elements' texts one after the other are a
		// sequence again, so that a list needs no more than a row of memory.
		node = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{node}}
	}
	enc := yaml.NewEncoder(e.w)
	enc.SetIndent(2)
	if err := enc.Encode(node); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	if e.n++; e.n%flushEvery == 0 {
		return e.w.Flush()
	}
	return nil
}

func (e *yamlEncoder[T]) end() error {
	if e.n == 0 && !e.one {
		if _, err := e.w.WriteString("[]\n"); err != nil {
			return err
		}
	}
	return e.w.Flush()
}

func (e *yamlEncoder[T]) abandon() error { return e.w.Flush() }

// yamlNode turns the next JSON value into YAML, keys in their order and
// numbers digit by digit.
func yamlNode(dec *json.Decoder) (*yaml.Node, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.MappingNode}
		if t == '[' {
			n.Kind = yaml.SequenceNode
		}
		for dec.More() {
			child, err := yamlNode(dec)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		if len(n.Content) == 0 {
			n.Style = yaml.FlowStyle
		}
		_, err := dec.Token() // the closing bracket
		return n, err
	case string:
		n := &yaml.Node{}
		n.SetString(t)
		return n, nil
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(t.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: t.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(t)}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
}

type csvEncoder[T any] struct {
	w       *csv.Writer
	fields  []field[T]
	record  []string
	headers bool
	n       int
}

func newCSV[T any](w io.Writer, fields []field[T], noHeaders bool) encoder[T] {
	return &csvEncoder[T]{w: csv.NewWriter(w), fields: fields, record: make([]string, len(fields)), headers: !noHeaders}
}

func (e *csvEncoder[T]) heading() error {
	if !e.headers {
		return nil
	}
	e.headers = false
	for i, f := range e.fields {
		e.record[i] = f.Name
	}
	return e.w.Write(e.record)
}

func (e *csvEncoder[T]) row(v *T) error {
	if err := e.heading(); err != nil {
		return err
	}
	for i, f := range e.fields {
		e.record[i] = f.Get(v)
	}
	if err := e.w.Write(e.record); err != nil {
		return err
	}
	if e.n++; e.n%flushEvery == 0 {
		return e.abandon()
	}
	return nil
}

func (e *csvEncoder[T]) end() error {
	if err := e.heading(); err != nil {
		return err
	}
	return e.abandon()
}

func (e *csvEncoder[T]) abandon() error {
	e.w.Flush()
	return e.w.Error()
}

// errNoName is what -o name answers for output that has no key.
var errNoName = errors.New("this command's output has no names to print")

type nameEncoder[T any] struct {
	w   *bufio.Writer
	key func(*T) string
	n   int
}

func newNames[T any](w io.Writer, key func(*T) string) encoder[T] {
	return &nameEncoder[T]{w: bufio.NewWriter(w), key: key}
}

func (e *nameEncoder[T]) row(v *T) error {
	if e.key == nil {
		return errNoName
	}
	k := e.key(v)
	if k == "" || strings.ContainsAny(k, "\r\n") {
		// Another command reads one key a line; a line that is no key would
		// make it act on the wrong resource.
		return fmt.Errorf("name %q cannot be printed on a line of its own, use another format", k)
	}
	if _, err := e.w.WriteString(k + "\n"); err != nil {
		return err
	}
	if e.n++; e.n%flushEvery == 0 {
		return e.w.Flush()
	}
	return nil
}

func (e *nameEncoder[T]) end() error     { return e.w.Flush() }
func (e *nameEncoder[T]) abandon() error { return e.w.Flush() }
