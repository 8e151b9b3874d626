package directory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/pkg/scim"
)

// maxInput bounds a document that is read from a file: the service takes 1 MB.
const maxInput = 4 << 20

// ReadInput reads what a flag names: a file, or standard input for "-".
func ReadInput(d *cmdutil.Deps, flag, file string) ([]byte, error) {
	in, name := d.IO.In, "standard input"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, &cmdutil.UsageError{Err: fmt.Errorf("--%s: %w", flag, err)}
		}
		defer func() { _ = f.Close() }() // only read
		in, name = f, file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("--%s: read %s: %w", flag, name, err)
	case len(data) > maxInput:
		return nil, cmdutil.Usagef("--%s: %s is larger than %d bytes", flag, name, maxInput)
	}
	return data, nil
}

// ReadDocument reads one resource as JSON or YAML from a file or standard
// input.
func ReadDocument(d *cmdutil.Deps, flag, file string) (scim.Document, error) {
	data, err := ReadInput(d, flag, file)
	if err != nil {
		return nil, err
	}
	doc, err := parseDocument(data)
	if err != nil {
		if file == "-" {
			file = "standard input"
		}
		return nil, cmdutil.Usagef("--%s: %s: %w", flag, file, err)
	}
	return doc, nil
}

func parseDocument(data []byte) (scim.Document, error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	if len(data) == 0 {
		return nil, errors.New("there is nothing in it")
	}
	if data[0] == '{' || data[0] == '[' {
		doc, err := scim.DecodeDocument(data)
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			return nil, fmt.Errorf("not JSON at %s: %w", place(data, syntax.Offset), err)
		case errors.As(err, &kind):
			return nil, fmt.Errorf("holds a JSON %s, want one object", kind.Value)
		case err != nil:
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		return doc, nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var node yaml.Node
	if err := dec.Decode(&node); err != nil {
		return nil, fmt.Errorf("neither JSON nor YAML: %w", err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds several YAML documents, want one")
	}
	v, err := fromYAML(&node)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("is neither a JSON object nor a YAML mapping")
	}
	return m, nil
}

// place counts lines and columns from 1.
func place(data []byte, offset int64) string {
	before := data[:max(0, min(int(offset), len(data)))]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf("line %d, column %d", line, len(before)-bytes.LastIndexByte(before, '\n')-1)
}

// fromYAML turns YAML into the values that JSON would give. Dates stay the
// text they are. Aliases are refused: a small file could unfold to a huge one.
func fromYAML(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) != 1 {
			return nil, errors.New("there is nothing in it")
		}
		return fromYAML(n.Content[0])
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := fromYAML(c)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				return nil, fmt.Errorf("line %d: a name is expected", key.Line)
			}
			if _, double := m[key.Value]; double {
				return nil, fmt.Errorf("line %d: %q stands there twice", key.Line, key.Value)
			}
			v, err := fromYAML(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m[key.Value] = v
		}
		return m, nil
	case yaml.ScalarNode:
		return yamlScalar(n)
	case yaml.AliasNode:
	}
	return nil, fmt.Errorf("line %d: aliases are not supported", n.Line)
}

func yamlScalar(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value), nil
		}
		var v any // hexadecimal, underscores
		if err := n.Decode(&v); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("line %d: %q is not a number that JSON knows", n.Line, n.Value)
		}
		return json.Number(text), nil
	}
	return n.Value, nil
}
