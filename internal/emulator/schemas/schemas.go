// Package schemas holds the resource types of identity domains as data: their
// schemas with all characteristics, their endpoints and their verbs.
//
// The files below data are produced by genschema from the reference; those
// below extra are types that only vendor samples show, written by hand. A type
// is decoded when it is first looked up. This package knows no behaviour.
package schemas

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/idctl/idctl/pkg/scim/schema"
)

//go:generate go run ../genschema -ref ../../../../shared/reference/idcs -out data -extra extra

//go:embed data/*.json extra/*.json
var files embed.FS

// Entry is what the index knows of a resource type without decoding it.
type Entry struct {
	Name        string
	Endpoint    string
	Verbs       schema.Verb
	SingletonID string
	Core        string
	Extensions  []string
}

// Catalog finds resource types. It is safe for concurrent use.
type Catalog struct {
	types []*lazyType
	names map[string]*lazyType // by name and by endpoint, in lower case
}

type lazyType struct {
	entry Entry
	load  func() (*schema.ResourceType, error)
}

// indexEntry is an entry as the index file spells it.
type indexEntry struct {
	Name        string   `json:"name"`
	Endpoint    string   `json:"endpoint"`
	Verbs       []string `json:"verbs"`
	SingletonID string   `json:"singletonId"`
	Core        string   `json:"core"`
	Extensions  []string `json:"extensions"`
	File        string   `json:"file"`
}

// verbs maps the names of the data files to verbs.
var verbs = map[string]schema.Verb{
	"list": schema.VerbList, "get": schema.VerbGet, "create": schema.VerbCreate, "put": schema.VerbPut,
	"patch": schema.VerbPatch, "delete": schema.VerbDelete, "search": schema.VerbSearch,
}

var standard = sync.OnceValues(func() (*Catalog, error) { return Load(files) })

// Default is the catalogue of the embedded data, built once. A program built
// from a damaged index has an empty one.
func Default() *Catalog {
	c, err := standard()
	if err != nil {
		return &Catalog{names: map[string]*lazyType{}}
	}
	return c
}

// Load reads the index, data/index.json, of a folder laid out as this
// package's own.
func Load(dir fs.FS) (*Catalog, error) {
	text, err := fs.ReadFile(dir, "data/index.json")
	if err != nil {
		return nil, fmt.Errorf("schema index: %w", err)
	}
	var index []indexEntry
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, fmt.Errorf("schema index: %w", err)
	}
	c := &Catalog{names: map[string]*lazyType{}}
	for _, e := range index {
		v, err := verbMask(e.Verbs)
		if err != nil {
			return nil, fmt.Errorf("schema index: %s: %w", e.Name, err)
		}
		t := &lazyType{
			entry: Entry{
				Name: e.Name, Endpoint: e.Endpoint, Verbs: v, SingletonID: e.SingletonID,
				Core: e.Core, Extensions: e.Extensions,
			},
			load: sync.OnceValues(func() (*schema.ResourceType, error) { return decode(dir, e.File) }),
		}
		c.types = append(c.types, t)
		// A name wins over an endpoint: Me is both.
		c.names[strings.ToLower(strings.Trim(e.Endpoint, "/"))] = t
	}
	for _, t := range c.types {
		c.names[strings.ToLower(t.entry.Name)] = t
	}
	return c, nil
}

// Lookup finds a type by its name ("User") or endpoint ("Users", "/Users"),
// without regard to case. The result is shared: it must not be changed.
func (c *Catalog) Lookup(nameOrEndpoint string) (*schema.ResourceType, bool) {
	t, ok := c.names[strings.ToLower(strings.Trim(nameOrEndpoint, "/"))]
	if !ok {
		return nil, false
	}
	rt, err := t.load()
	return rt, err == nil
}

// Entry is what the index has of a type, found as Lookup finds it.
func (c *Catalog) Entry(nameOrEndpoint string) (Entry, bool) {
	t, ok := c.names[strings.ToLower(strings.Trim(nameOrEndpoint, "/"))]
	if !ok {
		return Entry{}, false
	}
	e := t.entry
	e.Extensions = slices.Clone(e.Extensions)
	return e, true
}

// Names lists the types in order.
func (c *Catalog) Names() []string {
	names := make([]string, len(c.types))
	for i, t := range c.types {
		names[i] = t.entry.Name
	}
	return names
}

// Check decodes every type and answers the first error.
func (c *Catalog) Check() error {
	for _, t := range c.types {
		if _, err := t.load(); err != nil {
			return fmt.Errorf("resource type %s: %w", t.entry.Name, err)
		}
	}
	return nil
}

// decode reads the file of one type.
func decode(dir fs.FS, name string) (*schema.ResourceType, error) {
	text, err := fs.ReadFile(dir, name)
	if err != nil {
		return nil, err
	}
	var t struct {
		Name        string           `json:"name"`
		Endpoint    string           `json:"endpoint"`
		Verbs       []string         `json:"verbs"`
		SingletonID string           `json:"singletonId"`
		Core        *schema.Schema   `json:"core"`
		Extensions  []*schema.Schema `json:"extensions"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&t); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if t.Core == nil || t.Name == "" || t.Endpoint == "" {
		return nil, fmt.Errorf("%s: a resource type needs name, endpoint and core", name)
	}
	v, err := verbMask(t.Verbs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &schema.ResourceType{
		Name: t.Name, Endpoint: t.Endpoint, Core: t.Core, Extensions: t.Extensions,
		Verbs: v, SingletonID: t.SingletonID,
	}, nil
}

func verbMask(names []string) (schema.Verb, error) {
	var mask schema.Verb
	for _, n := range names {
		v, ok := verbs[n]
		if !ok {
			return 0, fmt.Errorf("unknown verb %q", n)
		}
		mask |= v
	}
	return mask, nil
}
