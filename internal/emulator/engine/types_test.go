package engine

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// minimal makes the smallest valid document of a type from its schema; what it
// refers to is created first.
func (b *bench) minimal(typ string, depth int) Document {
	b.Helper()
	ti, err := b.e.info(typ)
	if err != nil {
		b.Fatal(err)
	}
	out := Document{"schemas": []any{ti.rt.Core.ID}}
	for _, a := range ti.core.list {
		if a.Required && !a.readOnly() && a.Name != "schemas" {
			out[a.Name] = b.sample(a, depth)
		}
	}
	if typ == "User" {
		out["emails"] = []any{map[string]any{"value": fmt.Sprintf("u%d@example.com", depth), "type": "work", "primary": true}}
	}
	if out["password"] != nil {
		out["password"] = "Example-Passw0rd"
	}
	if typ == "Grant" {
		out["app"] = map[string]any{"value": b.target("App", depth)}
	}
	b.ready(typ, out)
	return out
}

// sample is a valid value of an attribute.
func (b *bench) sample(a *attr, depth int) any {
	b.Helper()
	var v any
	switch {
	case a.complex():
		m := map[string]any{}
		if a.subs == nil {
			break
		}
		for _, sub := range a.subs.list {
			if sub.Required && !sub.readOnly() {
				m[sub.Name] = b.sample(sub, depth)
			}
		}
		if ref := a.sub("$ref"); ref != nil && a.sub("value") != nil && len(ref.ReferenceTypes) > 0 {
			target := ref.ReferenceTypes[0]
			if a.sub("type") != nil && m["type"] != nil {
				m["type"] = target
			}
			m["value"] = b.target(target, depth)
		}
		if len(m) == 0 {
			for _, sub := range a.subs.list {
				if !sub.readOnly() {
					m[sub.Name] = b.sample(sub, depth)
					break
				}
			}
		}
		v = m
	case len(a.CanonicalValues) > 0:
		v = a.CanonicalValues[0]
	case a.Type == schema.TypeBoolean:
		v = true
	case a.Type == schema.TypeInteger:
		v = json.Number("1")
		if a.MinValue != nil {
			v = json.Number(formatInt(*a.MinValue))
		}
	case a.Type == schema.TypeDateTime:
		v = "2026-01-01T00:00:00.000Z"
	case a.Type == schema.TypeBinary:
		v = "YWJj"
	default:
		v = fmt.Sprintf("%s-%d", a.Name, depth)
	}
	if a.MultiValued {
		return []any{v}
	}
	return v
}

// target creates a resource to refer to.
func (b *bench) target(typ string, depth int) string {
	b.Helper()
	if depth%100 > 40 {
		b.Fatalf("references of %s never end", typ)
	}
	return b.create(typ, string(mustJSON(b, b.minimal(typ, depth+1))))["id"].(string)
}

func mustJSON(tb testing.TB, v any) []byte {
	tb.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// checkDeclared fails for anything in an answer that the type does not
// declare, and for what is never returned.
func checkDeclared(tb testing.TB, ti *typeInfo, doc Document) {
	tb.Helper()
	again, err := ti.normalise(doc)
	if err != nil {
		tb.Errorf("%s: an answer has something undeclared: %v", ti.rt.Name, err)
		return
	}
	_ = ti.each(again, func(a *attr, v any) error {
		checkReturned(tb, a, v)
		return nil
	})
}

func checkReturned(tb testing.TB, a *attr, v any) {
	tb.Helper()
	if a.returned() == schema.ReturnedNever {
		tb.Errorf("%s was returned", a.path)
	}
	if a.subs == nil {
		return
	}
	for _, x := range elements(v) {
		for k, y := range asMap(x) {
			if sub := a.sub(k); sub != nil {
				checkReturned(tb, sub, y)
			}
		}
	}
}

func TestEveryType(t *testing.T) {
	all := Params{AttributeSets: []string{"all"}}
	for i, name := range newBench(t).e.Catalog().Names() {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			ti, err := b.e.info(name)
			if err != nil {
				t.Fatal(err)
			}
			has := func(v schema.Verb) bool { return ti.rt.Verbs&v != 0 }
			if _, ok := unimplemented[name]; ok {
				checkUnimplemented(t, b, ti)
				return
			}
			if name == meType {
				_, err := b.e.Create(b.ctx(), admin, name, b.minimal(name, i*100), all)
				wantError(t, err, http.StatusNotImplemented, msgNotImplemented)
				return // writing to it has tests of its own
			}
			id := ti.rt.SingletonID
			who := admin
			if has(schema.VerbCreate) {
				body := b.minimal(name, i*100)
				if ti.hooks.Twin != "" || name == "MyAuthenticationFactorsRemover" {
					who = b.as(body)
				}
				res, err := b.e.Create(b.ctx(), who, name, body, all)
				if err != nil {
					t.Fatalf("create %s: %v", mustJSON(t, body), err)
				}
				checkDeclared(t, ti, res.Doc)
				id, _ = res.Doc["id"].(string)
				if !res.Created || id == "" && ti.hooks.Post == nil || res.Location == "" {
					t.Errorf("create answers %+v", res)
				}
			}
			checkVerbs(t, b, ti, id)
			if has(schema.VerbList) || has(schema.VerbSearch) {
				l, err := b.e.List(b.ctx(), who, name, all)
				if err != nil {
					t.Fatal(err)
				}
				if id != "" && l.Total == 0 {
					t.Error("the list is empty")
				}
				for _, d := range l.Resources {
					checkDeclared(t, ti, d)
				}
			}
			if id == "" || ti.hooks.Virtual != nil {
				return
			}
			exercise(t, b, ti, id)
		})
	}
}

// exercise reads, changes and deletes a resource.
func exercise(t *testing.T, b *bench, ti *typeInfo, id string) {
	t.Helper()
	name := ti.rt.Name
	has := func(v schema.Verb) bool { return ti.rt.Verbs&v != 0 }
	all := Params{AttributeSets: []string{"all"}}
	if has(schema.VerbGet) {
		for _, key := range []string{id, ocidFor(name, id)} {
			res, err := b.e.Get(b.ctx(), admin, name, key, all)
			if err != nil {
				t.Fatalf("get %s: %v", key, err)
			}
			checkDeclared(t, ti, res.Doc)
			if has(schema.VerbPut) {
				// What was read can be sent back, and changes nothing.
				put, err := b.e.Replace(b.ctx(), admin, name, key, res.Doc, Params{})
				if err != nil {
					t.Fatalf("put %s: %v", mustJSON(t, res.Doc), err)
				}
				if put.Version != res.Version {
					t.Errorf("a put of what was read made version %s of %s: %s", put.Version, res.Version, mustJSON(t, put.Doc))
				}
			}
		}
	}
	if has(schema.VerbPatch) {
		if a := patchable(ti); a != nil {
			op := PatchOp{Op: "REPLACE", Path: a.Name, Value: "changed"}
			res, err := b.e.Patch(b.ctx(), admin, name, id, []PatchOp{op}, all)
			if err != nil {
				t.Fatal(err)
			}
			checkDeclared(t, ti, res.Doc)
			if res.Doc[a.Name] != "changed" {
				t.Errorf("after the patch %s is %v", a.Name, res.Doc[a.Name])
			}
		}
	}
	if has(schema.VerbDelete) {
		if err := b.e.Delete(b.ctx(), admin, name, id, Params{Force: true}); err != nil {
			t.Fatal(err)
		}
		err := b.e.Delete(b.ctx(), admin, name, id, Params{})
		wantError(t, err, http.StatusNotFound, msgNotFound)
	}
}

// patchable finds a plain text to change.
func patchable(ti *typeInfo) *attr {
	for _, a := range ti.core.list {
		if a.Type == schema.TypeString && !a.MultiValued && (a.Mutability == "" || a.Mutability == schema.ReadWrite) &&
			len(a.CanonicalValues) == 0 && a.returned() != schema.ReturnedNever && a.Sensitive == "" && (a.MaxLength == 0 || a.MaxLength > 20) {
			return a
		}
	}
	return nil
}

func checkVerbs(t *testing.T, b *bench, ti *typeInfo, id string) {
	t.Helper()
	for v, call := range operations(b, ti.rt.Name, id) {
		if ti.rt.Verbs&v == 0 {
			wantError(t, call(), http.StatusMethodNotAllowed, msgVerb)
		}
	}
}

func checkUnimplemented(t *testing.T, b *bench, ti *typeInfo) {
	t.Helper()
	for v, call := range operations(b, ti.rt.Name, "x") {
		if ti.rt.Verbs&v == 0 {
			wantError(t, call(), http.StatusMethodNotAllowed, msgVerb)
		} else {
			wantError(t, call(), http.StatusNotImplemented, msgNotImplemented)
		}
	}
}

func operations(b *bench, typ, id string) map[schema.Verb]func() error {
	return map[schema.Verb]func() error{
		schema.VerbCreate: func() error {
			_, err := b.e.Create(b.ctx(), admin, typ, Document{}, Params{})
			return err
		},
		schema.VerbPut: func() error {
			_, err := b.e.Replace(b.ctx(), admin, typ, id, Document{}, Params{})
			return err
		},
		schema.VerbPatch: func() error {
			_, err := b.e.Patch(b.ctx(), admin, typ, id, []PatchOp{{Op: "remove", Path: "tags"}}, Params{})
			return err
		},
		schema.VerbDelete: func() error { return b.e.Delete(b.ctx(), admin, typ, id, Params{}) },
		schema.VerbGet: func() error {
			_, err := b.e.Get(b.ctx(), admin, typ, id, Params{})
			return err
		},
		schema.VerbSearch: func() error {
			_, err := b.e.Search(b.ctx(), admin, typ, Params{})
			return err
		},
	}
}
