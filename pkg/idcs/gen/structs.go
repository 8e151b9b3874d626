package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// structs writes Go structs that keep what they do not know. Nested structs
// wait in a queue, so that a file reads from the outside in.
type structs struct {
	buf   bytes.Buffer
	queue []pending
}

type pending struct {
	goName string
	doc    string
	attrs  []attribute

	trail string
}

func (g *structs) take() []byte {
	for len(g.queue) > 0 {
		next := g.queue[0]
		g.queue = g.queue[1:]
		g.write(next)
	}
	body := bytes.Clone(g.buf.Bytes())
	g.buf.Reset()
	out := bytes.NewBufferString(header)
	out.WriteString("import (\n\"encoding/json\"\n\n\"github.com/idctl/idctl/pkg/scim\"\n)\n\n")
	out.Write(body)
	return out.Bytes()
}

// shared writes the structs of the attributes that every type has.
func (g *structs) shared(common []attribute) {
	for _, a := range common {
		if a.Type == "complex" {
			g.queue = append(g.queue, pending{
				goName: sharedName(a.Name),
				doc:    fmt.Sprintf("%s is the attribute %s that every resource has.", sharedName(a.Name), a.Name),
				attrs:  a.SubAttributes,
			})
		}
	}
}

func sharedName(attr string) string {
	switch attr {
	case "idcsCreatedBy":
		return "CreatedBy"
	case "idcsLastModifiedBy":
		return "LastModifiedBy"
	case "tags":
		return "Tag"
	}
	return goName(attr)
}

// resource writes the struct of a type: the shared attributes, its own, and
// one pointer per extension.
func (g *structs) resource(s *schemaFile, common []attribute) {
	attrs := make([]attribute, 0, len(common)+len(s.Attributes))
	for _, a := range common {
		if slices.Contains(s.Common, a.Name) {
			attrs = append(attrs, a)
		}
	}
	own := slices.Clone(s.Attributes)
	// A type that changes a shared attribute lists it among its own.
	attrs = append(attrs, own...)
	var ext strings.Builder
	for _, urn := range s.ExtensionSchemas {
		fmt.Fprintf(&ext, "\t%s *%s `json:\"%s,omitzero\"`\n", extField(urn), s.ResourceType+extField(urn), urn)
	}
	g.queue = append(g.queue, pending{
		goName: s.ResourceType,
		doc: fmt.Sprintf("%s is a resource of %s. A nil pointer or slice is unset; attributes\n// without a field are kept in Extra and written again.",
			s.ResourceType, s.Endpoint),
		attrs: attrs, trail: ext.String(),
	})
}

func (g *structs) extensions(s *schemaFile) {
	for _, urn := range s.ExtensionSchemas {
		name := s.ResourceType + extField(urn)
		g.queue = append(g.queue, pending{
			goName: name,
			doc:    fmt.Sprintf("%s is the extension\n// %s.", name, urn),
			attrs:  s.Extensions[urn].Attributes,
		})
	}
}

func (g *structs) write(p pending) {
	fmt.Fprintf(&g.buf, "// %s\ntype %s struct {\n", p.doc, p.goName)
	type known struct{ name, kind string }
	var members []known
	for _, a := range p.attrs {
		typ, kind := g.fieldType(p.goName, a)
		note := strings.TrimSuffix(strings.TrimPrefix(
			strings.Join([]string{"", notable(a.Mutability, "readWrite"), notable(returned(a.Returned), "")}, ", "), ", "), ", ")
		note = strings.TrimPrefix(strings.TrimSuffix(note, ", "), ", ")
		if note != "" {
			note = " // " + note
		}
		fmt.Fprintf(&g.buf, "\t%s %s `json:\"%s,omitzero\"`%s\n", goName(a.Name), typ, a.Name, note)
		members = append(members, known{strings.ToLower(a.Name), kind})
	}
	if p.trail != "" {
		g.buf.WriteString("\n" + p.trail)
		for _, line := range strings.Split(p.trail, "\n") {
			if _, tag, ok := strings.Cut(line, `json:"`); ok {
				urn, _, _ := strings.Cut(tag, ",")
				members = append(members, known{strings.ToLower(urn), "scim.KindOther"})
			}
		}
	}
	g.buf.WriteString("\n\t// Extra holds the members that have no field here.\n\tExtra map[string]json.RawMessage `json:\"-\"`\n}\n\n")

	lower := strings.ToLower(p.goName[:1]) + p.goName[1:]
	fmt.Fprintf(&g.buf, "func %sKind(lower string) scim.Kind {\nswitch lower {\n", lower)
	for _, kind := range []string{"scim.KindString", "scim.KindBool", "scim.KindInt", "scim.KindOther"} {
		var names []string
		for _, m := range members {
			if m.kind == kind && !slices.Contains(names, fmt.Sprintf("%q", m.name)) {
				names = append(names, fmt.Sprintf("%q", m.name))
			}
		}
		if len(names) > 0 {
			fmt.Fprintf(&g.buf, "case %s:\nreturn %s\n", strings.Join(names, ",\n"), kind)
		}
	}
	g.buf.WriteString("}\nreturn scim.KindUnknown\n}\n\n")
	fmt.Fprintf(&g.buf, "// UnmarshalJSON reads the object and keeps unknown members in Extra.\nfunc (v *%[1]s) UnmarshalJSON(b []byte) error {\n\ttype plain %[1]s\n\tvar p plain\n\textra, err := scim.UnmarshalExtra(b, &p, %[2]sKind)\n\tif err != nil {\n\t\treturn err\n\t}\n\t*v = %[1]s(p)\n\tv.Extra = extra\n\treturn nil\n}\n\n", p.goName, lower)
	fmt.Fprintf(&g.buf, "// MarshalJSON writes the fields that are set, then Extra.\nfunc (v %[1]s) MarshalJSON() ([]byte, error) {\n\ttype plain %[1]s\n\treturn scim.MarshalExtra(plain(v), v.Extra)\n}\n\n", p.goName)
}

func notable(value, usual string) string {
	if value == usual {
		return ""
	}
	return value
}

func returned(r string) string {
	switch r {
	case "request":
		return "returned on request"
	case "never":
		return "never returned"
	}
	return ""
}

// fieldType answers the Go type of an attribute and the constant of its kind,
// and queues the struct of a complex one.
func (g *structs) fieldType(parent string, a attribute) (typ, kind string) {
	switch {
	case a.Type == "boolean":
		typ, kind = "*bool", "scim.KindBool"
	case a.Type == "integer":
		typ, kind = "*int64", "scim.KindInt"
	case a.Name == "tagSlug":
		// Declared binary; the SDK passes any JSON value through.
		return "json.RawMessage", "scim.KindOther"
	case a.Type == "complex":
		name := parent + goName(singular(a.Name, a.MultiValued))
		if isShared(a.Name) {
			name = sharedName(a.Name)
		} else {
			g.queue = append(g.queue, pending{
				goName: name,
				doc:    fmt.Sprintf("%s is a value of %s in %s.", name, a.Name, parent),
				attrs:  a.SubAttributes,
			})
		}
		typ, kind = "*"+name, "scim.KindOther"
	case a.Type == "string" && secret(a):
		typ, kind = "Secret", "scim.KindString"
	default:
		typ, kind = "string", "scim.KindString"
	}
	if a.MultiValued {
		return "[]" + strings.TrimPrefix(typ, "*"), "scim.KindOther"
	}
	return typ, kind
}

// secret says whether a value must not show in logs: the service protects it,
// or it is one of those that the vendor's guides say to keep.
func secret(a attribute) bool {
	switch a.Name {
	case "clientSecret", "password", "userToken", "oneTimePassword", "trustToken":
		return true
	}
	return a.Sensitive != "" && a.Sensitive != "none"
}

func isShared(name string) bool {
	switch name {
	case "meta", "idcsCreatedBy", "idcsLastModifiedBy", "tags":
		return true
	}
	return false
}

func singular(name string, many bool) string {
	switch {
	case !many:
		return name
	case strings.HasSuffix(name, "ies"):
		return strings.TrimSuffix(name, "ies") + "y"
	case strings.HasSuffix(name, "sses"):
		return strings.TrimSuffix(name, "es")
	}
	return strings.TrimSuffix(name, "s")
}

// extField names an extension by what its URN says before the resource type.
func extField(urn string) string {
	parts := strings.Split(urn, ":")
	name := parts[len(parts)-1]
	if i := slices.Index(parts, "extension"); i >= 0 && i+1 < len(parts) {
		name = parts[i+1]
	}
	return goName(name) + "Ext"
}

// goName spells a JSON name as Go does.
func goName(name string) string {
	name = strings.TrimPrefix(name, "$")
	var words []string
	start := 0
	rs := []rune(name)
	for i := 1; i < len(rs); i++ {
		newWord := unicode.IsUpper(rs[i]) && (!unicode.IsUpper(rs[i-1]) || i+1 < len(rs) && unicode.IsLower(rs[i+1]))
		if newWord {
			words = append(words, string(rs[start:i]))
			start = i
		}
	}
	words = append(words, string(rs[start:]))
	for i, w := range words {
		switch lower := strings.ToLower(w); lower {
		case "id", "ids", "url", "uri", "urn", "ip", "json", "api", "mfa", "otp", "totp", "saml", "sso", "ocid", "ui", "db", "idcs", "tls", "html", "oci":
			words[i] = strings.ToUpper(strings.TrimSuffix(lower, "s"))
			if lower == "ids" || lower == "idcs" {
				words[i] = map[string]string{"ids": "IDs", "idcs": "IDCS"}[lower]
			}
		case "uris":
			words[i] = "URIs"
		case "urls":
			words[i] = "URLs"
		default:
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}
