// Command genschema turns the reference files of identity domains into the
// schema data that the emulator embeds: one file per resource type and an
// index of all. It is run by go generate in package schemas and writes the
// same bytes for the same input.
//
// It adds what the reference does not state from the tables in guesses.go,
// and nothing else.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// adminBase is the base of the family that all reference types belong to.
const adminBase = "/admin/v1"

// recordedURN are core URNs that recorded answers of the vendor's collections
// show though the reference has none for the type: one's own devices and trusted
// user agents are shown as what they are for an administrator.
var recordedURN = map[string]string{
	"MyAuthenticationFactorInitiator": "urn:ietf:params:scim:schemas:oracle:idcs:AuthenticationFactorInitiator",
	"MyAuthenticationFactorValidator": "urn:ietf:params:scim:schemas:oracle:idcs:AuthenticationFactorValidator",
	"MyDevice":                        "urn:ietf:params:scim:schemas:oracle:idcs:Device",
	"MyTrustedUserAgent":              "urn:ietf:params:scim:schemas:oracle:idcs:TrustedUserAgent",
}

// source is a file of the reference's schemas folder.
type source struct {
	ResourceType string               `json:"resourceType"`
	Endpoint     string               `json:"endpoint"`
	Verbs        []string             `json:"verbs"`
	CoreSchema   *string              `json:"coreSchema"`
	SingletonID  string               `json:"singletonId"`
	Common       []string             `json:"common"`
	Extensions   []string             `json:"extensionSchemas"`
	Attributes   []*attribute         `json:"attributes"`
	Trees        map[string]extension `json:"extensions"`
}

type extension struct {
	Attributes []*attribute `json:"attributes"`
}

// attribute is an attribute as the reference spells it.
type attribute struct {
	Name            string       `json:"name"`
	Type            string       `json:"type"`
	MultiValued     bool         `json:"multiValued"`
	Required        bool         `json:"required"`
	CaseExact       bool         `json:"caseExact"`
	Mutability      string       `json:"mutability"`
	Returned        string       `json:"returned"`
	Uniqueness      string       `json:"uniqueness"`
	CanonicalValues []string     `json:"canonicalValues"`
	SubAttributes   []*attribute `json:"subAttributes"`
	Searchable      bool         `json:"idcsSearchable"`
	PII             bool         `json:"idcsPii"`
	Sensitive       string       `json:"idcsSensitive"`
	MinValue        *int64       `json:"idcsMinValue"`
	MaxValue        *int64       `json:"idcsMaxValue"`
	Default         any          `json:"idcsDefaultValue"`
	ProseDefault    any          `json:"proseDefault"`
	CompositeKey    []string     `json:"idcsCompositeKey"`
	Paginate        bool         `json:"idcsPaginateResponse"`
	CSVName         string       `json:"idcsCsvAttributeName"`
	CSVMappings     []csvMapping `json:"idcsCsvAttributeNameMappings"`
}

type csvMapping struct {
	Header    string `json:"columnHeaderName"`
	OldHeader string `json:"deprecatedColumnHeaderName"`
	MapsTo    string `json:"mapsTo"`
	Delimiter string `json:"multiValueDelimiter"`
	Default   any    `json:"defaultValue"`
}

// line is an attribute as written: schema.Attribute's names, without members
// that hold the default of RFC 7643.
type line struct {
	Name            string             `json:"name"`
	Type            string             `json:"type"`
	MultiValued     bool               `json:"multiValued,omitempty"`
	Required        bool               `json:"required,omitempty"`
	CaseExact       bool               `json:"caseExact,omitempty"`
	Mutability      string             `json:"mutability,omitempty"`
	Returned        string             `json:"returned,omitempty"`
	Uniqueness      string             `json:"uniqueness,omitempty"`
	CanonicalValues []string           `json:"canonicalValues,omitempty"`
	ReferenceTypes  []string           `json:"referenceTypes,omitempty"`
	Searchable      bool               `json:"idcsSearchable,omitempty"`
	PII             bool               `json:"idcsPii,omitempty"`
	Sensitive       string             `json:"idcsSensitive,omitempty"`
	MaxLength       int                `json:"idcsMaxLength,omitempty"`
	MinValue        *int64             `json:"idcsMinValue,omitempty"`
	MaxValue        *int64             `json:"idcsMaxValue,omitempty"`
	Default         any                `json:"idcsDefaultValue,omitempty"`
	CompositeKey    []string           `json:"idcsCompositeKey,omitempty"`
	Paginate        bool               `json:"idcsPaginateResponse,omitempty"`
	CSVName         string             `json:"idcsCsvAttributeName,omitempty"`
	CSVColumns      []schema.CSVColumn `json:"idcsCsvAttributeNameMappings,omitempty"`
}

// entry is a type in the index.
type entry struct {
	Name        string   `json:"name"`
	Endpoint    string   `json:"endpoint"`
	Verbs       []string `json:"verbs"`
	SingletonID string   `json:"singletonId,omitempty"`
	Core        string   `json:"core"`
	Extensions  []string `json:"extensions,omitempty"`
	File        string   `json:"file"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "genschema:", err) //nolint:forbidigo // a program of its own, without streams to be given
		os.Exit(1)                                 //nolint:forbidigo // same
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("genschema", flag.ContinueOnError)
	ref := flags.String("ref", "", "folder with common.json, operations.json and schemas/")
	out := flags.String("out", "data", "folder to write")
	extra := flags.String("extra", "extra", "folder with the types written by hand")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *ref == "" {
		return errors.New("-ref names no folder")
	}
	verbs, err := readVerbs(filepath.Join(*ref, "operations.json"))
	if err != nil {
		return err
	}
	var common struct {
		Common []*attribute `json:"common"`
	}
	if err := readJSON(filepath.Join(*ref, "common.json"), &common); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(*ref, "schemas", "*.json"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	var index []entry
	for _, file := range files {
		var src source
		if err := readJSON(file, &src); err != nil {
			return err
		}
		e, text, err := convert(src, common.Common, verbs[src.ResourceType])
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		if err := writeFile(filepath.Join(*out, src.ResourceType+".json"), text); err != nil {
			return err
		}
		index = append(index, e)
	}
	more, err := readExtra(*extra)
	if err != nil {
		return err
	}
	return writeIndex(filepath.Join(*out, "index.json"), append(index, more...))
}

// readVerbs takes the verbs from the operations, which name each of them; the
// schema files repeat them and are checked against it.
func readVerbs(file string) (map[string][]string, error) {
	var ops struct {
		Operations []struct {
			Verb         string `json:"verb"`
			ResourceType string `json:"resourceType"`
		} `json:"operations"`
	}
	if err := readJSON(file, &ops); err != nil {
		return nil, err
	}
	verbs := map[string][]string{}
	for _, op := range ops.Operations {
		verbs[op.ResourceType] = append(verbs[op.ResourceType], op.Verb)
	}
	return verbs, nil
}

func convert(src source, common []*attribute, verbs []string) (entry, []byte, error) {
	if !slices.Equal(sorted(src.Verbs), sorted(verbs)) {
		return entry{}, nil, fmt.Errorf("verbs %v differ from the operations' %v", src.Verbs, verbs)
	}
	e := entry{
		Name:        src.ResourceType,
		Endpoint:    strings.TrimPrefix(src.Endpoint, adminBase),
		Verbs:       src.Verbs,
		SingletonID: src.SingletonID,
		Extensions:  src.Extensions,
		File:        "data/" + src.ResourceType + ".json",
	}
	if src.CoreSchema != nil {
		e.Core = *src.CoreSchema
	} else if urn, ok := recordedURN[src.ResourceType]; ok {
		e.Core = urn
	} else {
		e.Core = guessedURN(src.ResourceType)
	}
	var core []*attribute
	for _, name := range src.Common {
		i := slices.IndexFunc(common, func(a *attribute) bool { return a.Name == name })
		if i < 0 {
			return entry{}, nil, fmt.Errorf("common attribute %q is not in common.json", name)
		}
		core = append(core, common[i])
	}
	core = append(core, src.Attributes...)
	core = append(core, added[src.ResourceType]...)

	var b bytes.Buffer
	head, err := compact(e.head())
	if err != nil {
		return entry{}, nil, err
	}
	b.Write(bytes.TrimSuffix(head, []byte("}")))
	b.WriteString(",\n\"core\":")
	if err := writeSchema(&b, e.Core, src.ResourceType, core); err != nil {
		return entry{}, nil, err
	}
	b.WriteString(",\n\"extensions\":[")
	for i, urn := range src.Extensions {
		tree, ok := src.Trees[urn]
		if !ok {
			return entry{}, nil, fmt.Errorf("extension %s has no attributes", urn)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		if err := writeSchema(&b, urn, extensionName(urn), tree.Attributes); err != nil {
			return entry{}, nil, err
		}
	}
	b.WriteString("]}\n")
	if !json.Valid(b.Bytes()) {
		return entry{}, nil, errors.New("the result is not JSON")
	}
	return e, b.Bytes(), nil
}

// head is the part of a type's file that is not a schema.
func (e entry) head() any {
	return struct {
		Name        string   `json:"name"`
		Endpoint    string   `json:"endpoint"`
		Verbs       []string `json:"verbs"`
		SingletonID string   `json:"singletonId,omitempty"`
	}{e.Name, e.Endpoint, e.Verbs, e.SingletonID}
}

func writeSchema(b *bytes.Buffer, id, name string, attrs []*attribute) error {
	head, err := compact(struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}{id, name})
	if err != nil {
		return err
	}
	b.Write(bytes.TrimSuffix(head, []byte("}")))
	b.WriteString(",\"attributes\":[")
	if err := writeAttributes(b, "", attrs, " "); err != nil {
		return err
	}
	b.WriteString("]}")
	return nil
}

func writeAttributes(b *bytes.Buffer, parent string, attrs []*attribute, indent string) error {
	ref := parent != "" && slices.ContainsFunc(attrs, func(a *attribute) bool { return a.Name == "$ref" })
	for i, a := range attrs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n" + indent)
		text, err := compact(a.line(parent, ref))
		if err != nil {
			return err
		}
		if len(a.SubAttributes) == 0 {
			b.Write(text)
			continue
		}
		b.Write(bytes.TrimSuffix(text, []byte("}")))
		b.WriteString(",\"subAttributes\":[")
		path := strings.TrimPrefix(parent+"."+a.Name, ".")
		if err := writeAttributes(b, path, a.SubAttributes, indent+" "); err != nil {
			return err
		}
		b.WriteString("]}")
	}
	return nil
}

// line converts an attribute; reference says that it sits beside a $ref.
func (a *attribute) line(parent string, reference bool) line {
	l := line{
		Name: a.Name, Type: a.Type, MultiValued: a.MultiValued, Required: a.Required,
		CaseExact: a.CaseExact, CanonicalValues: a.CanonicalValues, Searchable: a.Searchable,
		PII: a.PII, MinValue: a.MinValue, MaxValue: a.MaxValue, CompositeKey: a.CompositeKey,
		Paginate: a.Paginate, CSVName: a.CSVName, Default: a.Default,
		Mutability: without(a.Mutability, string(schema.ReadWrite)),
		Returned:   without(a.Returned, string(schema.ReturnedDefault)),
		Uniqueness: without(a.Uniqueness, string(schema.UniqueNone)),
		Sensitive:  without(a.Sensitive, "none"),
		MaxLength:  guessedLength(a, reference),
	}
	// A default that stands in running text only is taken for attributes that
	// a client sets; what the server owns is set by its behaviour.
	if l.Default == nil && a.ProseDefault != nil && a.Mutability != string(schema.ReadOnly) {
		l.Default = a.ProseDefault
	}
	if a.Name == "$ref" {
		l.ReferenceTypes = referenced[parent[strings.LastIndexByte(parent, '.')+1:]]
	}
	for _, m := range a.CSVMappings {
		c := schema.CSVColumn{Header: m.Header, OldHeader: m.OldHeader, MapsTo: m.MapsTo, Delimiter: m.Delimiter}
		if m.Default != nil {
			c.Default = fmt.Sprint(m.Default)
		}
		l.CSVColumns = append(l.CSVColumns, c)
	}
	return l
}

func readExtra(dir string) ([]entry, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var list []entry
	for _, file := range files {
		var t struct {
			Name        string   `json:"name"`
			Endpoint    string   `json:"endpoint"`
			Verbs       []string `json:"verbs"`
			SingletonID string   `json:"singletonId"`
			Core        struct {
				ID string `json:"id"`
			} `json:"core"`
			Extensions []struct {
				ID string `json:"id"`
			} `json:"extensions"`
		}
		if err := readJSON(file, &t); err != nil {
			return nil, err
		}
		e := entry{
			Name: t.Name, Endpoint: t.Endpoint, Verbs: t.Verbs, SingletonID: t.SingletonID,
			Core: t.Core.ID, File: "extra/" + filepath.Base(file),
		}
		for _, x := range t.Extensions {
			e.Extensions = append(e.Extensions, x.ID)
		}
		list = append(list, e)
	}
	return list, nil
}

func writeIndex(file string, index []entry) error {
	slices.SortFunc(index, func(a, b entry) int { return strings.Compare(a.Name, b.Name) })
	var b bytes.Buffer
	b.WriteString("[")
	for i, e := range index {
		if i > 0 {
			b.WriteByte(',')
		}
		text, err := compact(e)
		if err != nil {
			return err
		}
		b.WriteByte('\n')
		b.Write(text)
	}
	b.WriteString("]\n")
	return writeFile(file, b.Bytes())
}

func readJSON(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func writeFile(file string, text []byte) error {
	return os.WriteFile(file, text, 0o644) //nolint:gosec // source files of the project
}

// compact prints JSON on one line without escaping <, > and &.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

func without(s, standard string) string {
	if s == standard {
		return ""
	}
	return s
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

func extensionName(urn string) string {
	parts := strings.Split(urn, ":")
	if n := len(parts); n >= 2 && parts[n-1] != "OCITags" {
		return parts[n-2] + ":" + parts[n-1]
	}
	return parts[len(parts)-1]
}
