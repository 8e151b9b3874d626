package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/idctl/idctl/pkg/scim/filter"
)

// PatchBuilder collects the operations of one PATCH request in order. It keeps
// the first mistake and answers it from Ops, so that calls can be chained.
type PatchBuilder struct {
	ops []PatchOp
	err error
}

// NewPatch starts an empty list of operations.
func NewPatch() *PatchBuilder { return &PatchBuilder{} }

// Add adds values to a multi-valued attribute, or sets a single-valued one.
// With an empty path, value is an object of attributes.
func (b *PatchBuilder) Add(path string, value any) *PatchBuilder { return b.op("add", path, value) }

// Replace sets an attribute, or the elements that a value path selects. With
// an empty path, value is an object of attributes.
func (b *PatchBuilder) Replace(path string, value any) *PatchBuilder {
	return b.op("replace", path, value)
}

// Remove empties an attribute, or removes the elements that a value path
// selects.
func (b *PatchBuilder) Remove(path string) *PatchBuilder {
	if path == "" {
		return b.fail(errors.New("remove needs a path (RFC 7644 section 3.5.2.2)"))
	}
	return b.op("remove", path, nil)
}

// Len is the number of operations so far.
func (b *PatchBuilder) Len() int { return len(b.ops) }

// Ops answers the operations, or the first mistake made.
func (b *PatchBuilder) Ops() ([]PatchOp, error) {
	if b.err != nil {
		return nil, b.err
	}
	return append([]PatchOp(nil), b.ops...), nil
}

func (b *PatchBuilder) op(op, path string, value any) *PatchBuilder {
	if path != "" {
		if _, err := filter.ParsePath(path); err != nil {
			return b.fail(fmt.Errorf("%s: %w", op, err))
		}
	} else if _, ok := asMap(value); !ok && op != "remove" {
		return b.fail(fmt.Errorf("%s without a path needs an object of attributes", op))
	}
	b.ops = append(b.ops, PatchOp{Op: op, Path: path, Value: value})
	return b
}

func (b *PatchBuilder) fail(err error) *PatchBuilder {
	if b.err == nil {
		b.err = fmt.Errorf("patch: %w", err)
	}
	return b
}

// Path prints a value path: the elements of attr for which all conditions
// hold, emails[type eq "work" and primary eq true]. attr may end with a
// sub-attribute, which then follows the bracket: emails.value gives
// emails[...].value. Without conditions it is attr itself. An attr that is not
// an attribute path gives an empty string, which no operation accepts.
func Path(attr string, conditions ...filter.Expr) string {
	a, err := filter.ParseAttr(attr)
	if err != nil {
		return ""
	}
	p := filter.Path{Attr: a}
	if e := filter.AllOf(conditions...); e != nil {
		p.Attr.Sub, p.Sub = "", a.Sub
		p.Filter = e
	}
	return p.String()
}

type patchBody struct {
	Schemas    []string  `json:"schemas"`
	Operations []PatchOp `json:"Operations"`
}

// PatchBody is the body of a PATCH request with these operations. To replace
// by nothing is to unassign (RFC 7643 section 2.5), so a replace without a
// value is sent as a remove, which every server understands.
func PatchBody(ops []PatchOp) ([]byte, error) {
	body := patchBody{Schemas: []string{PatchOpURN}, Operations: make([]PatchOp, len(ops))}
	for i, op := range ops {
		name := strings.ToLower(op.Op)
		switch name {
		case "replace":
			if op.Value == nil && op.Path != "" {
				name = "remove"
			}
		case "add":
		case "remove":
			if op.Path == "" {
				return nil, fmt.Errorf("operation %d: %w: remove needs a path", i+1, ErrInvalid)
			}
		default:
			return nil, fmt.Errorf("operation %d: %w: %q is not add, remove or replace", i+1, ErrInvalid, op.Op)
		}
		body.Operations[i] = PatchOp{Op: name, Path: op.Path, Value: op.Value}
	}
	return json.Marshal(body)
}

// repeatable says whether carrying out the operations twice does what once
// does: they set whole attributes.
func repeatable(ops []PatchOp) bool {
	for _, op := range ops {
		if !strings.EqualFold(op.Op, "replace") || strings.Contains(op.Path, "[") {
			return false
		}
	}
	return true
}
