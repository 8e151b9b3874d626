package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/idctl/idctl/internal/emulator/engine"
)

func badParameter(format string, args ...any) *engine.Error {
	return refusal(http.StatusBadRequest, "invalidValue", msgParameter, fmt.Sprintf(format, args...))
}

// parseQuery reads the parameters of a query. A blank may be raw, a plus sign
// or %20; an ampersand inside a value must be encoded, as the paging inside an
// attribute shows (members[startIndex=1%26count=10]). Parameters that are not
// known are ignored, as the service does with those of its siblings.
func parseQuery(raw string) (engine.Params, error) {
	var p engine.Params
	seen := map[string]bool{}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(k)
		if err != nil {
			return p, badParameter("The query holds a malformed escape in the name of a parameter.")
		}
		value, err := url.QueryUnescape(v)
		if err != nil {
			return p, badParameter("Parameter %s holds a malformed escape.", name)
		}
		switch name {
		case "attributes":
			p.Attributes = append(p.Attributes, splitAttributes(value)...)
			continue
		case "attributeSets":
			p.AttributeSets = append(p.AttributeSets, splitAttributes(value)...)
			continue
		}
		set, known := paramSetters[name]
		if !known {
			continue
		}
		if seen[name] {
			return p, badParameter("Parameter %s is given more than once.", name)
		}
		seen[name] = true
		if err := set(&p, name, value); err != nil {
			return p, err
		}
	}
	return p, nil
}

// paramSetters are the parameters that occur once.
var paramSetters = map[string]func(p *engine.Params, name, value string) error{
	"filter":     func(p *engine.Params, _, v string) error { p.Filter = v; return nil },
	"sortBy":     func(p *engine.Params, _, v string) error { p.SortBy = v; return nil },
	"page":       func(p *engine.Params, _, v string) error { p.Page = v; return nil },
	"sortOrder":  setSortOrder,
	"startIndex": func(p *engine.Params, n, v string) (err error) { p.StartIndex, err = intParam(n, v); return },
	"count":      func(p *engine.Params, n, v string) (err error) { p.Count, err = intParam(n, v); return },
	"limit":      func(p *engine.Params, n, v string) (err error) { p.Limit, err = intParam(n, v); return },
	"forceDelete": func(p *engine.Params, n, v string) error {
		b, err := strconv.ParseBool(v)
		if err != nil {
			return badParameter("Parameter %s must be true or false.", n)
		}
		p.Force = b
		return nil
	},
	"allowSelfChange": func(p *engine.Params, n, v string) error {
		b, err := strconv.ParseBool(v)
		if err != nil {
			return badParameter("Parameter %s must be true or false.", n)
		}
		p.AllowSelfChange = b
		return nil
	},
}

func setSortOrder(p *engine.Params, name, value string) error {
	switch v := strings.ToLower(value); v {
	case "", "ascending", "descending":
		p.SortOrder = v
		return nil
	}
	return badParameter("Parameter %s must be ascending or descending.", name)
}

func intParam(name, value string) (*int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil {
		return nil, badParameter("Parameter %s must be an integer.", name)
	}
	return &n, nil
}

// splitAttributes splits a list at commas that lie outside of brackets,
// parentheses and quotes, since an attribute may carry a filter.
func splitAttributes(list string) []string {
	var out []string
	depth, quoted, start := 0, false, 0
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '(':
			depth++
		case (c == ']' || c == ')') && depth > 0:
			depth--
		case c == ',' && depth == 0:
			add(list[start:i])
			start = i + 1
		}
	}
	add(list[start:])
	return out
}

// searchParams reads a search request: its present members, and the names of
// old ones. page and limit may also be in the query; whatever else the query
// says counts where the body is silent.
func searchParams(doc engine.Document, p engine.Params) (engine.Params, error) {
	if err := wantSchema(doc, urnSearch); err != nil {
		return p, err
	}
	for name, v := range doc {
		if v == nil {
			continue
		}
		if err := searchMember(&p, strings.ToLower(name), v); err != nil {
			return p, err
		}
	}
	return p, nil
}

// searchNames maps the members of a search request, in lower case, to the
// parameters of a query.
var searchNames = map[string]string{
	"filter": "filter", "sortby": "sortBy", "sortedby": "sortBy", "sortorder": "sortOrder",
	"startindex": "startIndex", "pagingstartindex": "startIndex", "count": "count", "pagingcount": "count",
	"page": "page", "limit": "limit",
}

func searchMember(p *engine.Params, name string, v any) error {
	switch name {
	case "attributes", "attributesets":
		list, err := stringList(name, v)
		if err != nil {
			return err
		}
		if name == "attributes" {
			p.Attributes = list
		} else {
			p.AttributeSets = list
		}
		return nil
	}
	param, known := searchNames[name]
	if !known {
		return nil
	}
	var text string
	switch x := v.(type) {
	case string:
		text = x
	case fmt.Stringer: // json.Number
		text = x.String()
	default:
		return badParameter("Member %s of the search request must be a string or a number.", param)
	}
	return paramSetters[param](p, param, text)
}

// stringList takes an array of strings, or one string as a query has it.
func stringList(name string, v any) ([]string, error) {
	if s, ok := v.(string); ok {
		return splitAttributes(s), nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, badParameter("Member %s of the search request must be an array of strings.", name)
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return nil, badParameter("Member %s of the search request must be an array of strings.", name)
		}
		out = append(out, splitAttributes(s)...)
	}
	return out, nil
}

// wantSchema checks that a message which names schemas names its own.
func wantSchema(doc engine.Document, urn string) error {
	v, ok := member(doc, "schemas")
	if !ok {
		return nil
	}
	list, _ := v.([]any)
	for _, e := range list {
		if s, ok := e.(string); ok && strings.EqualFold(s, urn) {
			return nil
		}
	}
	return refusal(http.StatusBadRequest, "invalidSyntax", msgSyntax, "The body must name the schema "+urn+".")
}

// member finds a member of an object without regard to case.
func member(doc map[string]any, name string) (any, bool) {
	if v, ok := doc[name]; ok {
		return v, true
	}
	for k, v := range doc {
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	return nil, false
}
