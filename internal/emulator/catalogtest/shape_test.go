package catalogtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// attribute is an attribute as the reference describes it. The emulator's own
// schemas are not used here: they may be wrong.
type attribute struct {
	Name        string       `json:"name"`
	Type        string       `json:"type"`
	MultiValued bool         `json:"multiValued"`
	Mutability  string       `json:"mutability"`
	Returned    string       `json:"returned"`
	Sub         []*attribute `json:"subAttributes"`
}

// resourceSchema holds the attributes of a type by lower-case name; those of an
// extension stand below its URN.
type resourceSchema map[string]*attribute

func loadSchema(t *testing.T, dir, typ string) resourceSchema {
	t.Helper()
	var common struct {
		Common []*attribute `json:"common"`
	}
	var own struct {
		Common     []string     `json:"common"`
		Attributes []*attribute `json:"attributes"`
		Extensions map[string]struct {
			Attributes []*attribute `json:"attributes"`
		} `json:"extensions"`
	}
	readJSON(t, &common, dir, "idcs", "common.json")
	readJSON(t, &own, dir, "idcs", "schemas", typ+".json")
	s := resourceSchema{}
	for _, a := range common.Common {
		if slices.Contains(own.Common, a.Name) {
			s[strings.ToLower(a.Name)] = a
		}
	}
	for _, a := range own.Attributes {
		s[strings.ToLower(a.Name)] = a
	}
	for urn, ext := range own.Extensions {
		s[strings.ToLower(urn)] = &attribute{Name: urn, Type: "complex", Returned: "container", Sub: ext.Attributes}
	}
	return s
}

// selection is what a request asked for: nil means nothing in particular.
type selection []string

// asks tells whether an attribute was asked for: by name, by the name of what
// it is in, or by something inside it.
func (s selection) asks(path string) bool {
	path = strings.ToLower(path)
	for _, name := range s {
		name = strings.ToLower(name)
		if name == path || strings.HasPrefix(path, name+".") || strings.HasPrefix(path, name+":") ||
			strings.HasPrefix(name, path+".") || strings.HasPrefix(name, path+":") {
			return true
		}
	}
	return false
}

// parseSelection reads the attributes parameter, without value filters.
func parseSelection(text string) selection {
	var plain strings.Builder
	depth := 0
	for _, r := range text {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case depth == 0:
			plain.WriteRune(r)
		}
	}
	return strings.Split(plain.String(), ",")
}

// checkResource compares the keys of a document with what the schema says
// about when they are returned.
func (s resourceSchema) checkResource(doc map[string]any, sel selection) []string {
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(doc)) {
		a := s[strings.ToLower(name)]
		if a == nil {
			wrong = append(wrong, name+" is not declared")
			continue
		}
		wrong = append(wrong, checkAttribute(a, a.Name, doc[name], sel, false)...)
	}
	for _, a := range s {
		if _, ok := doc[a.Name]; a.Returned == "always" && a.Mutability != "writeOnly" && !ok && !optional[a.Name] {
			wrong = append(wrong, a.Name+" is always returned and is not there")
		}
	}
	slices.Sort(wrong)
	return wrong
}

// optional are attributes that are always returned when they have a value, and
// need not have one.
var optional = map[string]bool{"nonUniqueDisplayName": true, "serviceParams": true}

// checkAttribute looks at one value. inside says that the parent's own rules
// decided already: an attribute that is asked for brings the default ones in it.
func checkAttribute(a *attribute, path string, value any, sel selection, inside bool) []string {
	var wrong []string
	asked := sel.asks(path)
	switch {
	case a.Name != path[strings.LastIndexAny(path, ".:")+1:] && a.Returned != "container":
		wrong = append(wrong, fmt.Sprintf("%s is spelt otherwise than %s", path, a.Name))
	case a.Returned == "never":
		wrong = append(wrong, path+" is never returned")
	case a.Returned == "request" && !asked:
		wrong = append(wrong, path+" is returned on request only")
	case a.Returned != "always" && a.Returned != "container" && sel != nil && !asked && !inside:
		wrong = append(wrong, path+" was not asked for")
	}
	if len(a.Sub) == 0 {
		return wrong
	}
	elements, isList := value.([]any)
	if isList != a.MultiValued {
		return append(wrong, fmt.Sprintf("%s: list is %v, want %v", path, isList, a.MultiValued))
	}
	if !isList {
		elements = []any{value}
	}
	sep := "."
	if a.Returned == "container" {
		sep = ":"
	}
	for _, e := range elements {
		m, ok := e.(map[string]any)
		if !ok {
			wrong = append(wrong, path+" holds something that is no object")
			continue
		}
		subs := map[string]*attribute{}
		for _, sub := range a.Sub {
			subs[strings.ToLower(sub.Name)] = sub
			if _, has := m[sub.Name]; sub.Returned == "always" && sub.Mutability != "writeOnly" && !has && sep == "." {
				wrong = append(wrong, path+sep+sub.Name+" is always returned and is not there")
			}
		}
		// Something inside was named: then only that, else everything.
		whole := asked && !sel.asksInside(path)
		for name, v := range m {
			sub := subs[strings.ToLower(name)]
			if sub == nil {
				wrong = append(wrong, path+sep+name+" is not declared")
				continue
			}
			wrong = append(wrong, checkAttribute(sub, path+sep+name, v, sel, whole || sel == nil)...)
		}
	}
	return slices.Compact(wrong)
}

// asksInside tells whether the selection names parts of an attribute.
func (s selection) asksInside(path string) bool {
	for _, name := range s {
		name, path := strings.ToLower(name), strings.ToLower(path)
		if strings.HasPrefix(name, path+".") || strings.HasPrefix(name, path+":") {
			return true
		}
	}
	return false
}

// checkList looks at the frame of a list.
func checkList(doc map[string]any, startIndex, itemsPerPage float64) []string {
	var wrong []string
	want := []string{"Resources", "itemsPerPage", "schemas", "startIndex", "totalResults"}
	if got := slices.Sorted(maps.Keys(doc)); !slices.Equal(got, want) {
		wrong = append(wrong, fmt.Sprintf("keys of the list %v, want %v", got, want))
	}
	if got := fmt.Sprint(doc["schemas"]); got != "[urn:ietf:params:scim:api:messages:2.0:ListResponse]" {
		wrong = append(wrong, "schemas of the list "+got)
	}
	if doc["startIndex"] != startIndex {
		wrong = append(wrong, fmt.Sprintf("startIndex %v, want %v", doc["startIndex"], startIndex))
	}
	if doc["itemsPerPage"] != itemsPerPage {
		wrong = append(wrong, fmt.Sprintf("itemsPerPage %v, want %v", doc["itemsPerPage"], itemsPerPage))
	}
	resources, ok := doc["Resources"].([]any)
	if total, _ := doc["totalResults"].(float64); !ok || total < float64(len(resources)) {
		wrong = append(wrong, fmt.Sprintf("totalResults %v with %d resources", doc["totalResults"], len(resources)))
	}
	return wrong
}

// keyPaths lists the keys of a document with those inside of it, the elements
// of a list taken together: emails.value.
func keyPaths(prefix string, value any, into map[string]bool) {
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			keyPaths(prefix, e, into)
		}
	case map[string]any:
		for k, e := range v {
			p := k
			if prefix != "" {
				p = prefix + " > " + k
			}
			into[p] = true
			keyPaths(p, e, into)
		}
	}
}

// TestShapeChecks: the checks find what they are there for.
func TestShapeChecks(t *testing.T) {
	s := loadSchema(t, reference(t), "User")
	tests := []struct {
		name string
		doc  map[string]any
		sel  selection
		want []string
	}{
		{"good", map[string]any{"id": "1", "userName": "a", "name": map[string]any{"familyName": "b"}}, nil, nil},
		{"always missing", map[string]any{"id": "1"}, nil, []string{"userName is always returned and is not there"}},
		{"never", map[string]any{"id": "1", "userName": "a", "password": "x"}, selection{"password"}, []string{"password is never returned"}},
		{"not declared", map[string]any{"id": "1", "userName": "a", "shoeSize": 1.0}, nil, []string{"shoeSize is not declared"}},
		{"not asked for", map[string]any{"id": "1", "userName": "a", "title": "x"}, selection{"name"}, []string{"title was not asked for"}},
		{
			"more of it than asked for",
			map[string]any{"id": "1", "userName": "a", "name": map[string]any{"familyName": "b", "givenName": "c"}},
			selection{"name.familyName"},
			[]string{"name.givenName was not asked for"},
		},
		{
			"spelt otherwise",
			map[string]any{"id": "1", "userName": "a", "name": map[string]any{"FamilyName": "b"}},
			nil,
			[]string{"name.FamilyName is spelt otherwise than familyName"},
		},
		{
			"list for a single value",
			map[string]any{"id": "1", "userName": "a", "name": []any{}},
			nil,
			[]string{"name: list is true, want false"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.checkResource(tt.doc, tt.sel); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
