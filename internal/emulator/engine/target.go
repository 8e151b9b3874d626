package engine

import (
	"errors"
	"net/http"
	"strings"

	"github.com/idctl/idctl/pkg/scim/filter"
)

// target is what a path of a PATCH operation or of an attributes parameter
// means for a type: a whole schema, or an attribute with, perhaps, a filter on
// its elements and one of its sub-attributes.
type target struct {
	set    *attrSet
	attr   *attr
	sub    *attr
	filter filter.Expr
}

// resolve finds what a path means. It answers nil for a name that nothing
// declares, and an error for text that is no path.
func (ti *typeInfo) resolve(path string) (*target, error) {
	if set := ti.byURN[strings.ToLower(path)]; set != nil {
		return &target{set: set}, nil
	}
	p, err := filter.ParseOptions{UnquotedValues: !ti.plain()}.ParsePath(path)
	if err != nil {
		return nil, syntaxError(http.StatusBadRequest, scimInvalidPath, msgPath, "path", err)
	}
	if set := ti.schemaOf(p.Attr); set != nil && p.Filter == nil {
		return &target{set: set}, nil
	}
	a := ti.lookup(p.Attr)
	if a == nil {
		return nil, nil
	}
	t := &target{attr: a.top(), filter: p.Filter}
	if a.parent != nil {
		t.sub = a
	}
	if p.Sub != "" {
		if t.sub != nil {
			return nil, nil
		}
		if t.sub = a.sub(p.Sub); t.sub == nil {
			return nil, nil
		}
	}
	return t, nil
}

// matcher compiles the filter of a target; nil where there is none.
func (ti *typeInfo) matcher(t *target) (*filter.Matcher, error) {
	if t.filter == nil {
		return nil, nil
	}
	for _, p := range filter.Attrs(t.filter) {
		if t.attr.complex() && t.attr.sub(p.Name) == nil || p.Sub != "" || p.URN != "" {
			return nil, fail(http.StatusBadRequest, scimInvalidPath, msgPath,
				"Attribute %s has no sub-attribute %q.", t.attr.path, p.String())
		}
	}
	m, err := filter.CompileElement(t.filter, ti, t.attr.asPath())
	if err != nil {
		return nil, fail(http.StatusBadRequest, scimInvalidPath, msgPath, "Filter of %s: %s.", t.attr.path, err)
	}
	return m, nil
}

// asPath names the attribute as the filter package does.
func (a *attr) asPath() filter.AttrPath {
	if a.parent != nil {
		return filter.AttrPath{URN: a.urn, Name: a.parent.Name, Sub: a.Name}
	}
	return filter.AttrPath{URN: a.urn, Name: a.Name}
}

// syntaxError reports where a filter or path goes wrong, with a caret.
func syntaxError(status int, scimType, messageID, what string, err error) *Error {
	e := fail(status, scimType, messageID, "The %s is not valid: %s.", what, err)
	if syn, ok := errors.AsType[*filter.SyntaxError](err); ok {
		e.Detail = "The " + what + " is not valid: " + syn.Error() + "\n" + syn.Caret()
		e.Data = map[string]any{"position": syn.Pos}
	}
	return e
}
