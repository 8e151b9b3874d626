package mapping

import (
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// Names of PATCH operations.
const (
	opAdd     = "add"
	opReplace = "replace"
	opRemove  = "remove"
)

// Changes implements transfer.Spec. The name by which the resource was found
// is not changed, whatever its case.
func (s *spec) Changes(before scim.Document, r transfer.Resolved) []scim.PatchOp {
	p := s.plan
	var ops []scim.PatchOp
	for _, i := range p.singles {
		ops = append(ops, s.changeSingle(i, before)...)
	}
	for _, l := range p.lists {
		ops = append(ops, s.changeList(l, before)...)
	}
	if p.manager >= 0 {
		ops = append(ops, s.changeManager(before, r)...)
	}
	if p.members >= 0 {
		ops = append(ops, s.changeMembers(before, r)...)
	}
	return ops
}

func (s *spec) changeSingle(i int, before scim.Document) []scim.PatchOp {
	b, v := &s.plan.binds[i], s.vals[i]
	have, ok := b.target.value(before)
	switch {
	case b.col.Path == "password" && s.plan.opts.SetPasswords:
		if v.state != set {
			return nil
		}
		// Nobody can read the password there is, so it is always set.
		return []scim.PatchOp{{Op: opReplace, Path: b.target.path(), Value: v.text}}
	case b.col.CreateOnly:
		return nil
	case v.state == cleared:
		if !ok || isEmpty(have) {
			return nil
		}
		return []scim.PatchOp{{Op: opRemove, Path: b.target.path()}}
	case v.state != set:
		return nil
	case !ok:
		// A flag that a service does not store is off, apart from active.
		if b.col.Kind == Bool && !v.flag && b.col.Path != "active" {
			return nil
		}
		return []scim.PatchOp{{Op: opAdd, Path: b.target.path(), Value: v.any(b.col.Kind)}}
	case equal(b.col.Kind, have, v):
		return nil
	}
	return []scim.PatchOp{{Op: opReplace, Path: b.target.path(), Value: like(have, v, b.col.Kind)}}
}

func isEmpty(v any) bool {
	switch t := v.(type) {
	case nil:
		return true
	case string:
		return t == ""
	case bool:
		return !t // a flag that is off is as good as none
	case []any:
		return len(t) == 0
	case map[string]any:
		return len(t) == 0
	}
	return false
}

// The manager is written whole, as an object: the form of path that all
// servers accept, and its other parts are the server's own.
func (s *spec) changeManager(before scim.Document, r transfer.Resolved) []scim.PatchOp {
	b, v := &s.plan.binds[s.plan.manager], s.vals[s.plan.manager]
	have, ok := b.target.value(before)
	path := target{urn: b.target.urn, name: b.target.name}.path()
	switch v.state {
	case cleared:
		if ok && !isEmpty(have) {
			return []scim.PatchOp{{Op: opRemove, Path: path}}
		}
	case set:
		id, known := r(transfer.Ref{Type: User, Key: v.text})
		if !known || ok && textOf(have) == id {
			return nil
		}
		op := opReplace
		if !ok {
			op = opAdd
		}
		return []scim.PatchOp{{Op: op, Path: path, Value: map[string]any{b.target.sub: id}}}
	}
	return nil
}

func (s *spec) changeMembers(before scim.Document, r transfer.Resolved) []scim.PatchOp {
	b, v := &s.plan.binds[s.plan.members], s.vals[s.plan.members]
	list := target{name: b.target.name}
	have := map[string]bool{}
	var order []string
	for _, e := range list.elements(before) {
		id := textOf(e["value"])
		if !have[id] {
			have[id] = true
			order = append(order, id)
		}
	}
	if v.state == cleared && s.plan.opts.ReplaceMembers {
		if len(order) == 0 {
			return nil
		}
		return []scim.PatchOp{{Op: opRemove, Path: list.path()}}
	}
	if v.state != set {
		return nil
	}
	var ops []scim.PatchOp
	if s.plan.opts.ReplaceMembers {
		keep := map[string]bool{}
		for _, k := range s.names {
			if id, ok := r(transfer.Ref{Type: User, Key: k}); ok {
				keep[id] = true
			}
		}
		for _, id := range order {
			if !keep[id] {
				path := filter.Path{Attr: filter.AttrPath{Name: list.name}, Filter: filter.Eq(filter.AttrPath{Name: "value"}, id)}
				ops = append(ops, scim.PatchOp{Op: opRemove, Path: path.String()})
			}
		}
	}
	if missing := membersOf(s.names, r, have); len(missing) > 0 {
		ops = append(ops, scim.PatchOp{Op: opAdd, Path: list.path(), Value: missing})
	}
	return ops
}
