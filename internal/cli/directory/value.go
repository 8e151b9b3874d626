package directory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// Change is one change that a person asks for.
type Change struct {
	Op    Op
	Path  string
	Value any
	// Word marks a value that was typed as text and could be a number or a
	// boolean: the attribute's type decides.
	Word bool
}

// Op is what a change does.
type Op uint8

// The operations of a change.
const (
	OpSet Op = iota
	OpUnset
	OpAdd
)

func (op Op) flag() string { return []string{"--set", "--unset", "--add"}[op] }

// SetTo makes the change that a flag for one attribute stands for: an empty
// text empties the attribute.
func SetTo(path, value string) Change {
	if value == "" {
		return Change{Op: OpUnset, Path: path}
	}
	return Change{Op: OpSet, Path: path, Value: value}
}

// parseChanges reads the values of --set, --add and --unset.
func (k *Kind) parseChanges(set, add, unset []string) ([]Change, error) {
	var out []Change
	for _, group := range []struct {
		op     Op
		values []string
	}{{OpSet, set}, {OpAdd, add}, {OpUnset, unset}} {
		for _, text := range group.values {
			c, err := k.parseChange(group.op, text)
			if err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func (k *Kind) parseChange(op Op, text string) (Change, error) {
	c := Change{Op: op, Path: text}
	if op != OpUnset {
		path, value, ok := cutAssignment(text)
		if !ok {
			return c, cmdutil.Usagef("%s %q has no =, use PATH=VALUE", op.flag(), text)
		}
		c.Path = path
		if value == "" && op == OpSet {
			c.Op = OpUnset
		} else {
			var err error
			if c.Value, c.Word, err = parseValue(value); err != nil {
				return c, cmdutil.Usagef("%s %s: the value is neither text nor JSON: %w", op.flag(), path, err)
			}
		}
	}
	c.Path = k.Expand(strings.TrimSpace(c.Path))
	if op != OpUnset && isSecret(c.Path) {
		// Other users of the machine can read command lines.
		return c, cmdutil.Usagef("%s: %s is a secret, which does not belong on a command line", op.flag(), c.Path).
			WithHint("put it into a document and give that with --from, or send it with idctl api and --data @FILE")
	}
	if _, err := filter.ParsePath(c.Path); err != nil {
		return c, cmdutil.Usagef("%s: %q is not an attribute path: %w", op.flag(), c.Path, err)
	}
	if k.Names != nil && !k.Names.known(c.Path) {
		return c, cmdutil.Usagef("%s: %s have no attribute %q", op.flag(), k.Plural, c.Path).
			WithHint("idctl resources schema %s lists them", k.Noun)
	}
	return c, nil
}

// isSecret says whether a path names a secret.
func isSecret(path string) bool {
	path = strings.ToLower(path)
	name := path[strings.LastIndexAny(path, ":.")+1:]
	return strings.HasSuffix(name, "password") || strings.HasSuffix(name, "secret") || strings.HasSuffix(name, "privatekey")
}

// cutAssignment cuts at the first = that is not inside brackets or quotes.
func cutAssignment(text string) (path, value string, ok bool) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '=' && depth <= 0:
			return text[:i], text[i+1:], i > 0
		}
	}
	return "", "", false
}

// parseValue reads a value: JSON where it begins as an object, an array or a
// quoted string, else text. A text that could be a number or a boolean is a
// word, whose type is settled later.
func parseValue(text string) (value any, word bool, err error) {
	t := strings.TrimSpace(text)
	switch {
	case t == "":
		return text, false, nil
	case t[0] == '{' || t[0] == '[' || t[0] == '"':
		value, err = decodeJSON([]byte(t))
		return value, false, err
	case t == "true" || t == "false" || json.Valid([]byte(t)) && t != "null":
		return text, true, nil
	case t == "null":
		return nil, false, errors.New("null empties nothing, use --unset")
	}
	return text, false, nil
}

func decodeJSON(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the value")
	}
	return v, nil
}

// settle gives words the type of their attribute, as published or else as the
// service describes it; it asks only where it must. An attribute that is not described takes
// booleans as such and everything else as text, which most attributes are.
func (b *Base) settle(ctx context.Context, r provider.Resources, changes []Change) ([]Change, error) {
	if !slices.ContainsFunc(changes, func(c Change) bool { return c.Word }) {
		return changes, nil
	}
	var schema *Schema
	asked := false
	out := slices.Clone(changes)
	for i, c := range out {
		if !c.Word {
			continue
		}
		typedText, _ := c.Value.(string)
		text, path := strings.TrimSpace(typedText), plainPath(c.Path)
		kind := ""
		if b.Kind.Names != nil {
			kind = b.Kind.Names.kind(path)
		}
		if kind == "" && !asked {
			schema, asked = b.writable(ctx, r), true
		}
		switch a := schema.find(path); {
		case kind != "":
		case a != nil:
			kind = a.Type
		case text == "true" || text == "false":
			kind = "boolean"
		}
		v, err := typed(kind, text)
		if err != nil {
			return nil, cmdutil.Usagef("%s %s: %w", c.Op.flag(), c.Path, err)
		}
		out[i].Value, out[i].Word = v, false
	}
	return out, nil
}

func typed(kind, text string) (any, error) {
	switch kind {
	case "boolean":
		if text != "true" && text != "false" {
			return nil, fmt.Errorf("%q is not true or false", text)
		}
		return text == "true", nil
	case "integer", "decimal":
		if text == "true" || text == "false" {
			return nil, fmt.Errorf("%q is not a number", text)
		}
		return json.Number(text), nil
	}
	return text, nil
}

// plainPath is a path without the filter in brackets: that of the attribute.
func plainPath(path string) string {
	open, end := strings.IndexByte(path, '['), strings.LastIndexByte(path, ']')
	if open < 0 || end < open {
		return path
	}
	return path[:open] + path[end+1:]
}

// applyTo makes the changes in a document that is to be created.
func applyTo(doc scim.Document, changes []Change) error {
	for _, c := range changes {
		var err error
		switch c.Op {
		case OpUnset:
			doc.Delete(c.Path)
		case OpSet:
			err = doc.Set(c.Path, c.Value)
		case OpAdd:
			var list []any
			if v, ok := doc.Get(c.Path); ok {
				if list, ok = v.([]any); !ok {
					list = []any{v}
				}
			}
			err = doc.Set(c.Path, append(slices.Clone(list), asElements(c.Value)...))
		}
		if err != nil {
			return cmdutil.Usagef("%s %s: %w", c.Op.flag(), c.Path, err)
		}
	}
	return nil
}

func asElements(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func distinctSorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
