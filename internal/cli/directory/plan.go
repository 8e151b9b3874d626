package directory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/pkg/scim"
)

// plan turns changes into the operations of a PATCH on doc, leaving out those
// that would change nothing. doc is not changed.
func plan(doc scim.Document, changes []Change) ([]scim.PatchOp, error) {
	now := doc.Clone()
	if now == nil {
		now = scim.Document{}
	}
	var ops []scim.PatchOp
	for _, c := range changes {
		op, err := step(now, c)
		if err != nil {
			return nil, err
		}
		if op == nil {
			continue
		}
		ops = append(ops, *op)
	}
	// The builder checks the paths.
	b := scim.NewPatch()
	for _, op := range ops {
		switch op.Op {
		case "add":
			b.Add(op.Path, op.Value)
		case "replace":
			b.Replace(op.Path, op.Value)
		default:
			b.Remove(op.Path)
		}
	}
	if _, err := b.Ops(); err != nil {
		return nil, &cmdutil.UsageError{Err: err}
	}
	return ops, nil
}

// step is the operation for one change, nil when doc has it already. It keeps
// doc as it will be, so that later changes build on earlier ones.
func step(doc scim.Document, c Change) (*scim.PatchOp, error) {
	fail := func(err error) (*scim.PatchOp, error) {
		return nil, cmdutil.Usagef("%s %s: %w", c.Op.flag(), c.Path, err)
	}
	old, has := doc.Get(c.Path)
	switch c.Op {
	case OpUnset:
		if !has || isEmpty(old) {
			return nil, nil
		}
		doc.Delete(c.Path)
		return &scim.PatchOp{Op: "remove", Path: c.Path}, nil
	case OpAdd:
		return add(doc, c, old)
	case OpSet:
	}
	if has && holds(old, c.Value, strings.Contains(c.Path, "[")) {
		return nil, nil
	}
	before := len(selected(doc, c.Path))
	if err := doc.Set(c.Path, c.Value); err != nil {
		return fail(err)
	}
	if elems := selected(doc, c.Path); len(elems) > before && strings.Contains(c.Path, "[") {
		// Nothing was selected: whether a service makes an element of a filter
		// is unsure, adding one is not.
		return &scim.PatchOp{Op: "add", Path: attributeOf(c.Path), Value: []any{elems[len(elems)-1]}}, nil
	}
	return &scim.PatchOp{Op: "replace", Path: c.Path, Value: c.Value}, nil
}

func add(doc scim.Document, c Change, old any) (*scim.PatchOp, error) {
	list, multi := old.([]any)
	if old != nil && !multi {
		if holds(old, c.Value, false) {
			return nil, nil
		}
		return &scim.PatchOp{Op: "add", Path: c.Path, Value: c.Value}, nil
	}
	var missing []any
	for _, v := range asElements(c.Value) {
		if !slices.ContainsFunc(list, func(e any) bool { return holds(e, v, false) }) {
			missing = append(missing, v)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	value := any(missing)
	if _, isList := c.Value.([]any); !isList && !multi {
		if _, isObject := c.Value.(map[string]any); !isObject {
			value = c.Value // a single-valued attribute, or the service's to refuse
		}
	}
	if err := doc.Set(c.Path, append(slices.Clone(list), missing...)); err != nil {
		return nil, cmdutil.Usagef("%s %s: %w", c.Op.flag(), c.Path, err)
	}
	return &scim.PatchOp{Op: "add", Path: c.Path, Value: value}, nil
}

// holds says whether setting want would change nothing: equal values, and of
// an object those members that are named, since the others stay. What a filter
// selected comes as a list, each element of which is set.
func holds(have, want any, selection bool) bool {
	if list, ok := have.([]any); ok && selection {
		for _, e := range list {
			if !holds(e, want, false) {
				return false
			}
		}
		return len(list) > 0
	}
	if scim.EqualValues(have, want) {
		return true
	}
	w, ok := want.(map[string]any)
	if !ok || len(w) == 0 {
		return false
	}
	h, ok := have.(map[string]any)
	if !ok {
		return false
	}
	for name, v := range w {
		got, ok := scim.Document(h).Get(name)
		if !ok || !holds(got, v, false) {
			return false
		}
	}
	return true
}

// selected are the elements of the attribute that a path with a filter names.
func selected(doc scim.Document, path string) []any {
	v, ok := doc.Get(attributeOf(path))
	if !ok {
		return nil
	}
	list, _ := v.([]any)
	return list
}

// attributeOf is a path up to its filter.
func attributeOf(path string) string {
	if i := strings.IndexByte(path, '['); i >= 0 {
		return path[:i]
	}
	return path
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// describe is a PATCH in words: "replace title, remove nickName".
func describe(ops []scim.PatchOp) string {
	words := make([]string, len(ops))
	for i, op := range ops {
		words[i] = fmt.Sprintf("%s %s", op.Op, short(op.Path))
	}
	return strings.Join(words, ", ")
}

// short is a path without the URN of its schema.
func short(path string) string {
	head, tail := path, ""
	if i := strings.IndexByte(path, '['); i >= 0 {
		head, tail = path[:i], path[i:]
	}
	if i := strings.LastIndexByte(head, ':'); i >= 0 {
		head = head[i+1:]
	}
	return head + tail
}
