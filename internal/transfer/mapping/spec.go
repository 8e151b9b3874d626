package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/pkg/scim"
)

// spec is one row with the plan that explains it.
type spec struct {
	plan  *plan
	vals  []value  // one for each binding
	names []string // the members of a group
}

var (
	_ Spec             = (*spec)(nil)
	_ transfer.Encoder = (*spec)(nil)
)

// hasContent says whether a row fills an element: a flag alone does not.
func (s *spec) hasContent(sl *slotPlan) bool {
	for _, i := range sl.binds {
		if st := s.vals[i].state; (st == set || st == refused) && s.plan.binds[i].col.Kind != Bool {
			return true
		}
	}
	return false
}

// Refs implements transfer.Spec.
func (s *spec) Refs() []transfer.Ref {
	var out []transfer.Ref
	if i := s.plan.manager; i >= 0 && s.vals[i].state == set {
		out = append(out, transfer.Ref{Type: User, Key: s.vals[i].text})
	}
	if s.plan.members >= 0 {
		for _, m := range s.names {
			out = append(out, transfer.Ref{Type: User, Key: m})
		}
	}
	return out
}

// NeedsAttributes implements transfer.Spec.
func (s *spec) NeedsAttributes() []string {
	var out []string
	for i := range s.plan.binds {
		switch b := &s.plan.binds[i]; {
		case i == s.plan.members:
			out = append(out, "members")
		case b.target.urn == RequestableURN, b.custom && b.target.typ == "":
			// The service may return these only when asked.
			out = append(out, b.target.path())
		case b.custom:
			out = append(out, b.target.name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// CreateProblems implements Spec.
func (s *spec) CreateProblems() []transfer.Problem {
	if s.plan.typ != User {
		return nil
	}
	var out []transfer.Problem
	need := func(path, what string) {
		pr := transfer.Problem{Attribute: path, Code: CodeRequired, Message: "a new user needs " + what}
		for i := range s.plan.binds {
			if s.plan.binds[i].col.Path == path {
				if st := s.vals[i].state; st == set || st == refused {
					return
				}
				pr.Column = s.plan.binds[i].header
			}
		}
		out = append(out, pr)
	}
	need("name.familyName", "a last name")
	for _, l := range s.plan.lists {
		if l.name == "emails" && slices.ContainsFunc(l.slots, func(sl *slotPlan) bool {
			return !strings.EqualFold(sl.typ, "recovery") && s.hasContent(sl)
		}) {
			return out
		}
	}
	need(slot("emails", "work", "value"), "an e-mail address")
	return out
}

// Create implements transfer.Spec.
func (s *spec) Create(r transfer.Resolved) scim.Document {
	p := s.plan
	doc := scim.Document{}
	if p.key >= 0 && s.vals[p.key].state == set {
		p.binds[p.key].target.put(doc, s.vals[p.key].text)
	}
	for _, i := range p.singles {
		if s.vals[i].state == set {
			p.binds[i].target.put(doc, s.vals[i].any(p.binds[i].col.Kind))
		}
	}
	for _, l := range p.lists {
		if elems := s.newElements(l); len(elems) > 0 {
			doc[l.name] = elems
		}
	}
	if i := p.manager; i >= 0 && s.vals[i].state == set {
		if id, ok := r(transfer.Ref{Type: User, Key: s.vals[i].text}); ok {
			p.binds[i].target.put(doc, id)
		}
	}
	if p.members >= 0 {
		if ms := membersOf(s.names, r, nil); len(ms) > 0 {
			doc["members"] = ms
		}
	}
	if !p.opts.Plain {
		ext := UserExtURN
		if p.typ == Group {
			ext = GroupExtURN
		}
		child(doc, ext)["creationMechanism"] = "import"
	}
	doc["schemas"] = schemasOf(p.typ, doc)
	return doc
}

// schemasOf lists the core schema and every extension that the document uses.
func schemasOf(typ string, doc scim.Document) []any {
	var ext []string
	for k := range doc {
		if strings.HasPrefix(k, "urn:") {
			ext = append(ext, k)
		}
	}
	slices.Sort(ext)
	out := []any{coreURN(typ)}
	for _, e := range ext {
		out = append(out, e)
	}
	return out
}

// newElements makes the list of a resource that does not exist yet.
func (s *spec) newElements(l *list) []any {
	var out []any
	primary := s.primarySlot(l)
	for _, sl := range l.slots {
		if !s.hasContent(sl) {
			continue
		}
		e := map[string]any{"type": sl.typ}
		for _, i := range sl.binds {
			if s.vals[i].state == set {
				e[s.plan.binds[i].target.sub] = s.vals[i].any(s.plan.binds[i].col.Kind)
			}
		}
		if sl == primary {
			e["primary"] = true
		}
		out = append(out, e)
	}
	return out
}

// primarySlot is the slot of a new list whose element is the primary one: what
// the row chose, or else, of addresses, the first that is not for recovery.
func (s *spec) primarySlot(l *list) *slotPlan {
	want := s.selected(l)
	var first, chosen *slotPlan
	for _, sl := range l.slots {
		if !s.hasContent(sl) {
			continue
		}
		if strings.EqualFold(sl.typ, want) {
			chosen = sl
		}
		if first == nil && l.name == "emails" && !strings.EqualFold(sl.typ, "recovery") {
			first = sl
		}
	}
	if chosen != nil {
		return chosen
	}
	return first // also where the row chose an address that it does not have
}

func (s *spec) selected(l *list) string {
	if l.selector >= 0 && s.vals[l.selector].state == set {
		return s.vals[l.selector].text
	}
	return ""
}

func isType(e any, typ string) bool {
	m, ok := e.(map[string]any)
	if !ok {
		return false
	}
	v, _ := member(m, "type")
	t, ok := v.(string)
	return ok && strings.EqualFold(t, typ)
}

// membersOf lists the members that resolve and are not in have.
func membersOf(keys []string, r transfer.Resolved, have map[string]bool) []any {
	var out []any
	seen := map[string]bool{}
	for _, k := range keys {
		if id, ok := r(transfer.Ref{Type: User, Key: k}); ok && !have[id] && !seen[id] {
			seen[id] = true
			out = append(out, map[string]any{"value": id, "type": User})
		}
	}
	return out
}

// textOf is a JSON value as a cell.
func textOf(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case string:
		return t
	case bool:
		return strconv.FormatBool(t)
	case json.Number:
		return t.String()
	default:
		return fmt.Sprint(t)
	}
}

// equal says whether an attribute has the value of a cell already.
func equal(k Kind, have any, want value) bool {
	switch h := have.(type) {
	case string:
		switch k {
		case Phone:
			return foldPhone(h) == foldPhone(want.text)
		case Bool:
			b, ok := parseBool(h)
			return ok && b == want.flag
		}
		return h == want.text
	case bool:
		if k == Bool {
			return h == want.flag
		}
		b, ok := parseBool(want.text)
		return ok && b == h
	}
	return textOf(have) == want.text
}

// like gives a custom attribute the JSON type that it was seen to have, as a
// cell is text whatever the schema says.
func like(have any, v value, k Kind) any {
	switch have.(type) {
	case bool:
		if b, ok := parseBool(v.text); ok && k != Bool {
			return b
		}
	case json.Number, float64, int, int64:
		if n := json.Number(v.text); isNumber(v.text) {
			return n
		}
	}
	return v.any(k)
}

func isNumber(s string) bool {
	var n json.Number
	return s != "" && len(s) < 40 && s[0] != '"' && json.Unmarshal([]byte(s), &n) == nil
}
