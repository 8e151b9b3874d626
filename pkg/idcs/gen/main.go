// Command gen writes the generated files of pkg/idcs from the machine-readable
// reference of the admin API: the table of resource types, and the structs of
// the types that have fields of their own in idcs.Client.
//
// It is run by go generate, or by hand: gen -ref DIR [-out DIR], where DIR
// holds operations.json, common.json and schemas/. The same input gives the
// same files.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"log"
	"os"
	"path/filepath"
	"sort"
)

// typed are the resource types that get a struct, with the files that hold it.
var typed = []struct{ name, file, extFile string }{
	{"User", "user_gen.go", "user_ext_gen.go"},
	{"Group", "group_gen.go", "group_ext_gen.go"},
	{"App", "app_gen.go", "app_ext_gen.go"},
	{"AppRole", "approle_gen.go", ""},
	{"Grant", "grant_gen.go", ""},
}

func main() {
	ref := flag.String("ref", "", "directory with operations.json, common.json and schemas/")
	out := flag.String("out", ".", "directory to write to")
	flag.Parse()
	if err := run(*ref, *out); err != nil {
		log.Fatal("gen: ", err)
	}
}

func run(ref, out string) error {
	if ref == "" {
		return errors.New("no -ref: name the directory of the reference data")
	}
	r, err := load(ref)
	if err != nil {
		return err
	}
	table, err := r.table()
	if err != nil {
		return err
	}
	files := map[string][]byte{"types_gen.go": table}
	g := &structs{}
	g.shared(r.common)
	files["common_gen.go"] = g.take()
	for _, t := range typed {
		s, ok := r.schemas[t.name]
		if !ok {
			return fmt.Errorf("no schema of %s", t.name)
		}
		g.resource(s, r.common)
		files[t.file] = g.take()
		if t.extFile != "" {
			g.extensions(s)
			files[t.extFile] = g.take()
		}
	}
	for name, src := range files {
		pretty, err := format.Source(src)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(out, name), pretty, 0o644); err != nil { //nolint:gosec // source files are for everyone to read
			return err
		}
	}
	return nil
}

type reference struct {
	schemas map[string]*schemaFile
	ops     []operation
	common  []attribute
}

type schemaFile struct {
	ResourceType     string
	Endpoint         string
	Verbs            []string
	CoreSchema       *string
	ExtensionSchemas []string
	Common           []string
	Attributes       []attribute
	Extensions       map[string]struct{ Attributes []attribute }
	SingletonID      string
}

type attribute struct {
	Name          string
	Type          string
	MultiValued   bool
	Mutability    string
	Returned      string
	Searchable    bool   `json:"idcsSearchable"`
	Sensitive     string `json:"idcsSensitive"`
	SubAttributes []attribute
}

type operation struct {
	Verb, Path, ResourceType string
	Paged                    bool
	PathParams               []string
}

func load(dir string) (*reference, error) {
	r := &reference{schemas: map[string]*schemaFile{}}
	var common struct{ Common []attribute }
	if err := read(filepath.Join(dir, "common.json"), &common); err != nil {
		return nil, err
	}
	r.common = common.Common
	var ops struct{ Operations []operation }
	if err := read(filepath.Join(dir, "operations.json"), &ops); err != nil {
		return nil, err
	}
	r.ops = ops.Operations
	names, err := filepath.Glob(filepath.Join(dir, "schemas", "*.json"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no schemas in %s", dir)
	}
	for _, name := range names {
		var s schemaFile
		if err := read(name, &s); err != nil {
			return nil, err
		}
		r.schemas[s.ResourceType] = &s
	}
	return r, nil
}

func read(name string, v any) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(bytes.TrimSpace(data), v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (r *reference) names() []string {
	var out []string
	for name := range r.schemas {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}
