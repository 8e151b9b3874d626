package engine

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// projection says which parts of a resource an answer has.
type projection struct {
	classes map[schema.Returned]bool
	picks   map[*attr][]*pick
	schemas map[*attrSet]bool // extensions named as a whole
	count   bool              // count(*): only the number of matches
	without map[*attr]bool    // excludedAttributes, sub-attributes included
}

// pick is one entry of an attributes parameter.
type pick struct {
	sub    *attr // nil: the attribute as a whole
	filter filter.Expr
	match  *filter.Matcher
	start  int // paging inside the attribute; 0 means all
	count  int
}

// countAll is the entry that asks for the number of matches.
const countAll = "count(*)"

// pageExpr is paging inside an attribute: members[startIndex=1&count=10].
var pageExpr = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^([^\[\]]+)\[((?:\s*(?:startIndex|count)\s*=\s*-?\d{1,9}\s*)(?:&\s*(?:startIndex|count)\s*=\s*-?\d{1,9}\s*)?)\](?:\.([A-Za-z$][\w$-]*))?$`)
})

// projection answers what a request shows. It is shared and must not be changed.
func (ti *typeInfo) projection(p Params) (*projection, error) {
	s, err := ti.shaped(p)
	if err != nil {
		return nil, err
	}
	return s.proj, nil
}

// readProjection reads the attributes and attributeSets of a request.
func (ti *typeInfo) readProjection(p Params) (*projection, error) {
	pr := &projection{
		classes: map[schema.Returned]bool{schema.ReturnedAlways: true},
		picks:   map[*attr][]*pick{},
		schemas: map[*attrSet]bool{},
	}
	for _, set := range p.AttributeSets {
		for _, name := range strings.Split(set, ",") {
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "all":
				pr.classes[schema.ReturnedDefault] = true
				pr.classes[schema.ReturnedRequest] = true
			case "default":
				pr.classes[schema.ReturnedDefault] = true
			case "request":
				pr.classes[schema.ReturnedRequest] = true
			case "always", "never", "":
				// always is there anyway, never is never there
			default:
				return nil, bad(msgAttributes, "attributeSets has no class %q; the classes are all, always, never, request and default.", name)
			}
		}
	}
	named := false
	for _, entry := range p.Attributes {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		named = true
		if strings.EqualFold(entry, countAll) {
			pr.count = true
			continue
		}
		if err := ti.addPick(pr, entry); err != nil {
			return nil, err
		}
	}
	if !named && len(p.AttributeSets) == 0 {
		pr.classes[schema.ReturnedDefault] = true
	}
	return pr, ti.exclude(pr, p.Excluded)
}

// exclude reads excludedAttributes (RFC 7644 section 3.9). What is always
// returned stays.
func (ti *typeInfo) exclude(pr *projection, names []string) error {
	for _, name := range names {
		t, err := ti.resolve(name)
		if err != nil {
			return err
		}
		var attrs []*attr
		switch {
		case t == nil || t.filter != nil:
		case t.set != nil:
			attrs = t.set.list
		case t.sub != nil:
			attrs = []*attr{t.sub}
		default:
			attrs = []*attr{t.attr}
		}
		for _, a := range attrs {
			if a.returned() == schema.ReturnedAlways {
				continue
			}
			if pr.without == nil {
				pr.without = map[*attr]bool{}
			}
			pr.without[a] = true
		}
	}
	return nil
}

func (ti *typeInfo) addPick(pr *projection, entry string) error {
	k := &pick{}
	if m := pageExpr().FindStringSubmatch(entry); m != nil {
		entry = m[1]
		if m[3] != "" {
			entry += "." + m[3]
		}
		k.start, k.count = pageOf(m[2])
	}
	t, err := ti.resolve(entry)
	if err != nil {
		return err
	}
	switch {
	case t == nil:
		// A name that nothing declares selects nothing, as a custom attribute
		// that was not defined yet does.
		return nil
	case t.set == ti.core:
		pr.classes[schema.ReturnedDefault] = true
		return nil
	case t.set != nil:
		pr.schemas[t.set] = true
		return nil
	}
	if k.match, err = ti.matcher(t); err != nil {
		return err
	}
	k.filter, k.sub = t.filter, t.sub
	pr.picks[t.attr] = append(pr.picks[t.attr], k)
	return nil
}

// pageOf reads startIndex=1&count=10 with the limits of a list.
func pageOf(text string) (start, count int) {
	start, count = 1, defaultCount
	for _, part := range strings.Split(text, "&") {
		name, digits, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(strings.TrimSpace(digits))
		if err != nil {
			continue
		}
		if strings.EqualFold(strings.TrimSpace(name), "count") {
			count = n
		} else {
			start = n
		}
	}
	if count < 0 {
		count = defaultCount
	}
	return max(start, 1), min(count, maxCount)
}

// wants says whether an answer has an attribute at all.
func (pr *projection) wants(a *attr) bool {
	if a.returned() == schema.ReturnedNever || pr.without[a] {
		return false
	}
	return pr.whole(a) || len(pr.picks[a]) > 0
}

// showsSub says that an answer has a sub-attribute which is shown on request.
func (pr *projection) showsSub(a, sub *attr) bool {
	if !pr.wants(a) || pr.without[sub] {
		return false
	}
	return pr.classes[schema.ReturnedRequest] || slices.ContainsFunc(pr.picks[a], func(k *pick) bool { return k.sub == sub })
}

// whole says that an attribute is there without having been named by itself.
func (pr *projection) whole(a *attr) bool {
	return pr.classes[a.returned()] || a.returned() == schema.ReturnedDefault && pr.inSchema(a)
}

func (pr *projection) inSchema(a *attr) bool {
	for set := range pr.schemas {
		if set.urn == a.urn && a.urn != "" {
			return true
		}
	}
	return false
}

// project copies the wanted parts of a document. paged are attributes that
// were cut to their page already.
func (ti *typeInfo) project(doc Document, pr *projection, paged map[*attr]bool) Document {
	out := Document{}
	for _, set := range ti.sets() {
		m := container(doc, set.urn)
		for _, a := range set.list {
			v, ok := m[a.Name]
			if !ok || !pr.wants(a) {
				continue
			}
			if w := pr.cut(a, v, paged[a]); w != nil {
				setValue(out, a, w)
			}
		}
	}
	return out
}

// cut projects the value of one attribute.
func (pr *projection) cut(a *attr, v any, paged bool) any {
	whole := pr.whole(a)
	picks := pr.picks[a]
	if !a.complex() || a.subs == nil {
		if list, ok := v.([]any); ok && !whole {
			return listOrNil(selected(list, picks, paged))
		}
		return v
	}
	list := elements(v)
	out := make([]any, 0, len(list))
	seen := make([]int, len(picks)) // matches met so far, for paging
	for _, x := range list {
		subs := map[*attr]bool{}
		all := whole
		hit := whole
		for i, k := range picks {
			if k.match != nil && !k.match.MatchElement(x) {
				continue
			}
			seen[i]++
			if k.start > 0 && !paged && (seen[i] < k.start || seen[i] >= k.start+k.count) {
				continue
			}
			hit = true
			if k.sub == nil {
				all = true
			} else {
				subs[k.sub] = true
			}
		}
		if !hit {
			continue
		}
		if m := pr.cutElement(a, asMap(x), all, subs); len(m) > 0 {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return nil
	}
	if !a.MultiValued {
		return out[0]
	}
	return out
}

func (pr *projection) cutElement(a *attr, x map[string]any, all bool, subs map[*attr]bool) map[string]any {
	m := map[string]any{}
	for _, sub := range a.subs.list {
		if v, ok := x[sub.Name]; ok && pr.shows(sub, all, subs) {
			m[sub.Name] = withoutNever(sub, v)
		}
	}
	return m
}

// shows says whether an element has a sub-attribute: all that is usual, or
// those that were named.
func (pr *projection) shows(sub *attr, all bool, named map[*attr]bool) bool {
	if pr.without[sub] {
		return false
	}
	switch sub.returned() {
	case schema.ReturnedAlways:
		return true
	case schema.ReturnedDefault:
		return all || named[sub]
	case schema.ReturnedRequest:
		return named[sub] || all && pr.classes[schema.ReturnedRequest]
	case schema.ReturnedNever:
	}
	return false
}

// withoutNever drops what is never returned below the second level.
func withoutNever(a *attr, v any) any {
	if a.subs == nil {
		return v
	}
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = withoutNever(a, x)
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			if sub := a.sub(k); sub != nil && sub.returned() != schema.ReturnedNever {
				m[k] = withoutNever(sub, x)
			}
		}
		return m
	}
	return v
}

// selected filters and pages a list of simple values.
func selected(list []any, picks []*pick, paged bool) []any {
	out := make([]any, 0, len(list))
	seen := make([]int, len(picks))
	for _, x := range list {
		hit := false
		for i, k := range picks {
			if k.match != nil && !k.match.MatchElement(x) {
				continue
			}
			seen[i]++
			hit = hit || paged || k.start == 0 || seen[i] >= k.start && seen[i] < k.start+k.count
		}
		if hit {
			out = append(out, x)
		}
	}
	return out
}
