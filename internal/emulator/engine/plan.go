package engine

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// maxUnion is how many records an or may select before it is matched record by
// record instead of being answered from the index.
const maxUnion = 5000

// plan is a filter divided into what the store answers and what is left to the
// matcher. Without a residual the store's answer is exact: its count is the
// total and no document needs to be read but those of the page.
type plan struct {
	conds    []store.Cond
	in       *store.In
	residual filter.Expr
	groups   int
}

// parseFilter reads a filter and checks it against the schema. The result uses
// declared spellings, and names the value of a complex attribute where the
// filter names the attribute alone.
func (ti *typeInfo) parseFilter(text string) (filter.Expr, error) {
	if text == "" {
		return nil, nil
	}
	parse := filter.ParseDialect
	if ti.plain() {
		parse = filter.Parse
	}
	e, err := parse(text)
	if err != nil {
		return nil, syntaxError(http.StatusBadRequest, scimInvalidFilter, msgFilter, "filter", err)
	}
	return ti.checkFilter(e)
}

func (ti *typeInfo) checkFilter(e filter.Expr) (filter.Expr, error) {
	switch e := e.(type) {
	case *filter.And:
		l, r, err := ti.checkBoth(e.Left, e.Right)
		return &filter.And{Left: l, Right: r}, err
	case *filter.Or:
		l, r, err := ti.checkBoth(e.Left, e.Right)
		return &filter.Or{Left: l, Right: r}, err
	case *filter.Not:
		x, err := ti.checkFilter(e.X)
		return &filter.Not{X: x}, err
	case *filter.Compare:
		a, err := ti.searchable(e.Attr)
		if err != nil {
			return nil, err
		}
		return &filter.Compare{Attr: a.asPath(), Op: e.Op, Value: e.Value}, nil
	case *filter.Present:
		a := ti.lookup(e.Attr)
		if a != nil && a.complex() && hasSearchable(a) {
			return &filter.Present{Attr: a.asPath()}, nil
		}
		a, err := ti.searchable(e.Attr)
		if err != nil {
			return nil, err
		}
		return &filter.Present{Attr: a.asPath()}, nil
	case *filter.ValuePath:
		a := ti.lookup(e.Attr)
		if a == nil || a.subs == nil || a.parent != nil {
			return nil, unknownInFilter(e.Attr.String())
		}
		x, err := a.checkElement(e.Filter)
		return &filter.ValuePath{Attr: a.asPath(), Filter: x}, err
	}
	return nil, fail(http.StatusBadRequest, scimInvalidFilter, msgFilter, "The filter is not valid.")
}

func (ti *typeInfo) checkBoth(l, r filter.Expr) (filter.Expr, filter.Expr, error) {
	x, err := ti.checkFilter(l)
	if err != nil {
		return nil, nil, err
	}
	y, err := ti.checkFilter(r)
	return x, y, err
}

// checkElement is checkFilter inside of a value path.
func (a *attr) checkElement(e filter.Expr) (filter.Expr, error) {
	sub := func(p filter.AttrPath) (filter.AttrPath, error) {
		s := a.sub(p.Name)
		if s == nil || p.Sub != "" || p.URN != "" {
			return p, unknownInFilter(a.path + "." + p.String())
		}
		if !s.Searchable {
			return p, notSearchable(s)
		}
		return filter.AttrPath{Name: s.Name}, nil
	}
	switch e := e.(type) {
	case *filter.And:
		l, err := a.checkElement(e.Left)
		if err != nil {
			return nil, err
		}
		r, err := a.checkElement(e.Right)
		return &filter.And{Left: l, Right: r}, err
	case *filter.Or:
		l, err := a.checkElement(e.Left)
		if err != nil {
			return nil, err
		}
		r, err := a.checkElement(e.Right)
		return &filter.Or{Left: l, Right: r}, err
	case *filter.Not:
		x, err := a.checkElement(e.X)
		return &filter.Not{X: x}, err
	case *filter.Compare:
		p, err := sub(e.Attr)
		return &filter.Compare{Attr: p, Op: e.Op, Value: e.Value}, err
	case *filter.Present:
		p, err := sub(e.Attr)
		return &filter.Present{Attr: p}, err
	}
	return nil, fail(http.StatusBadRequest, scimInvalidFilter, msgFilter, "The filter of %s is not valid.", a.path)
}

// searchable finds the simple attribute that a comparison or sortBy means.
func (ti *typeInfo) searchable(p filter.AttrPath) (*attr, error) {
	a := ti.lookup(p)
	if a == nil {
		return nil, unknownInFilter(p.String())
	}
	if a.complex() {
		v := a.sub("value")
		if v == nil {
			return nil, notSearchable(a)
		}
		a = v
	}
	if !a.Searchable {
		return nil, notSearchable(a)
	}
	return a, nil
}

func hasSearchable(a *attr) bool {
	return a.Searchable || a.subs != nil && slices.ContainsFunc(a.subs.list, func(s *attr) bool { return s.Searchable })
}

func unknownInFilter(name string) *Error {
	return fail(http.StatusBadRequest, scimInvalidFilter, msgFilter, "Attribute %s is not defined.", name)
}

func notSearchable(a *attr) *Error {
	e := fail(http.StatusBadRequest, scimInvalidFilter, msgNotSearchable, "Attribute %s is not searchable.", a.path)
	e.Data = map[string]any{"attribute": a.path}
	return e
}

// plan divides a checked filter.
func (tx *Tx) plan(ti *typeInfo, e filter.Expr) (*plan, error) {
	p := &plan{}
	var rest []filter.Expr
	for _, leaf := range conjuncts(e, nil) {
		exact, err := tx.planLeaf(ti, p, leaf)
		if err != nil {
			return nil, err
		}
		if !exact {
			rest = append(rest, leaf)
		}
	}
	p.residual = filter.AllOf(rest...)
	return p, nil
}

func conjuncts(e filter.Expr, list []filter.Expr) []filter.Expr {
	if e == nil {
		return list
	}
	if and, ok := e.(*filter.And); ok {
		return conjuncts(and.Right, conjuncts(and.Left, list))
	}
	return append(list, e)
}

// planLeaf adds what the store can do about one conjunct; it answers true if
// that is all there is to it.
func (tx *Tx) planLeaf(ti *typeInfo, p *plan, e filter.Expr) (bool, error) {
	switch e := e.(type) {
	case *filter.Compare:
		a := ti.lookup(e.Attr)
		if done, err := tx.planKnown(ti, p, a, e); done || err != nil {
			return done, err
		}
		c, ok := ti.cond(a, e.Op, e.Value)
		if ok {
			p.conds = append(p.conds, c)
			return true, nil
		}
		if ip, found := ti.indexFor(a); found && ip.folded {
			if c, ok := ip.looseCond(e.Op, e.Value); ok {
				p.conds = append(p.conds, c)
			}
		}
		return false, nil
	case *filter.Present:
		ip, ok := ti.indexFor(ti.lookup(e.Attr))
		if ok {
			p.conds = append(p.conds, store.Cond{Path: ip.path, Rel: store.Any})
		}
		return ok, nil
	case *filter.ValuePath:
		return tx.planElement(ti, p, e)
	case *filter.Or:
		return tx.planUnion(ti, p, e)
	}
	return false, nil
}

// planKnown resolves comparisons with an id and with derived attributes.
func (tx *Tx) planKnown(ti *typeInfo, p *plan, a *attr, e *filter.Compare) (bool, error) {
	s, ok := e.Value.(string)
	if !ok || e.Op != filter.OpEqual || ti.hooks.Virtual != nil {
		return false, nil
	}
	if a == ti.core.get("id") {
		// An id of another form may be stored in capitals; comparison has no
		// regard to case, so only the usual form can be looked up.
		if id := fold(s); isHexID(id) && (id == s || !a.CaseExact) {
			return p.addIn([]string{id}), nil
		}
		return false, nil
	}
	if a == ti.core.get("ocid") {
		id := idOf(ti.rt.Name, s)
		if id == s || ocidFor(ti.rt.Name, id) != s {
			return p.addIn(nil), nil
		}
		return p.addIn([]string{id}), nil
	}
	if ti.hooks.Narrow == nil || a.parent == nil {
		return false, nil
	}
	ids, ok, err := ti.hooks.Narrow(tx, narrow{attr: a.parent, eq: map[string]string{fold(a.Name): s}})
	if err != nil || !ok {
		return false, err
	}
	return p.addIn(ids), nil
}

// addIn restricts the plan to some records; it answers false where it is
// restricted to others already and the matcher has to decide.
func (p *plan) addIn(ids []string) bool {
	if p.in != nil {
		return false
	}
	p.in = &store.In{Path: "id", Values: ids}
	return true
}

// planElement translates a value path: all its conditions must hold for one
// element.
func (tx *Tx) planElement(ti *typeInfo, p *plan, e *filter.ValuePath) (bool, error) {
	a := ti.lookup(e.Attr)
	eq := map[string]string{}
	if ti.hooks.Narrow != nil && equalities(e.Filter, eq) {
		ids, ok, err := ti.hooks.Narrow(tx, narrow{attr: a, eq: eq})
		if err != nil {
			return false, err
		}
		if ok {
			return p.addIn(ids), nil
		}
	}
	p.groups++
	exact := true
	for _, leaf := range conjuncts(e.Filter, nil) {
		c, ok := store.Cond{}, false
		switch x := leaf.(type) {
		case *filter.Compare:
			c, ok = ti.cond(a.sub(x.Attr.Name), x.Op, x.Value)
		case *filter.Present:
			var ip indexPath
			if ip, ok = ti.indexFor(a.sub(x.Attr.Name)); ok {
				c = store.Cond{Path: ip.path, Rel: store.Any}
			}
		}
		if ok {
			c.Group = p.groups
			p.conds = append(p.conds, c)
		}
		exact = exact && ok
	}
	return exact, nil
}

// planUnion answers an or whose alternatives are all exact by the ids they
// select together, unless they are too many.
func (tx *Tx) planUnion(ti *typeInfo, p *plan, e *filter.Or) (bool, error) {
	if p.in != nil || ti.hooks.Virtual != nil {
		return false, nil
	}
	seen := map[string]bool{}
	var ids []string
	for _, alt := range disjuncts(e, nil) {
		sub, err := tx.plan(ti, alt)
		if err != nil {
			return false, err
		}
		if sub.residual != nil {
			return false, nil
		}
		q := store.Query{Type: ti.rt.Name, Conds: sub.conds, In: sub.in, Limit: maxUnion + 1}
		for row, err := range tx.st.Query(q) {
			if err != nil {
				return false, err
			}
			if !seen[row.ID] {
				seen[row.ID] = true
				ids = append(ids, row.ID)
			}
			if len(ids) > maxUnion {
				return false, nil
			}
		}
	}
	return p.addIn(ids), nil
}

func disjuncts(e filter.Expr, list []filter.Expr) []filter.Expr {
	if or, ok := e.(*filter.Or); ok {
		return disjuncts(or.Right, disjuncts(or.Left, list))
	}
	return append(list, e)
}

// cond translates a comparison with an indexed attribute, where index and
// matcher are known to agree.
func (ti *typeInfo) cond(a *attr, op filter.Op, v any) (store.Cond, bool) {
	ip, ok := ti.indexFor(a)
	if !ok || ip.folded {
		return store.Cond{}, false
	}
	if n, isNumber := v.(json.Number); isNumber {
		v = string(n)
	}
	if _, isText := v.(string); !isText {
		return store.Cond{}, false
	}
	s, ok := a.indexValue(v)
	if !ok {
		return store.Cond{}, false
	}
	c := store.Cond{Path: ip.path, Value: s}
	isTime := a.Type == schema.TypeDateTime
	switch {
	case op == filter.OpEqual:
		c.Rel = store.Eq
	case op == filter.OpGreater:
		c.Rel = store.Gt
	case op == filter.OpGreaterOrEqual:
		c.Rel = store.Ge
	// The empty string is not indexed, yet lies below every text.
	case op == filter.OpLess && isTime:
		c.Rel = store.Lt
	case op == filter.OpLessOrEqual && isTime:
		c.Rel = store.Le
	case op == filter.OpStartsWith && !isTime:
		c.Rel = store.Prefix
	default:
		return store.Cond{}, false
	}
	return c, true
}

func isHexID(s string) bool {
	if len(s) != 32 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}
