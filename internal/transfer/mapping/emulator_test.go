package mapping

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/schemas"
	"github.com/idctl/idctl/internal/emulator/store/memory"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/pkg/scim"
)

type fixedClock struct{}

func (fixedClock) Now() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// emulated is the emulator's engine with the users that rows refer to.
type emulated struct {
	e   *engine.Engine
	ids map[string]string
}

func newEmulated(t *testing.T) *emulated {
	t.Helper()
	st := memory.New()
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	m := &emulated{
		e:   engine.New(st, schemas.Default(), engine.Options{Clock: fixedClock{}, PasswordCost: 1}),
		ids: map[string]string{},
	}
	for _, name := range []string{"boss", "chief", "a", "b", "c", "d"} {
		d := doc(t, `{"schemas":["`+UserURN+`"],"userName":"`+name+`-user","name":{"familyName":"X"},"emails":[{"type":"work","value":"`+name+`@example.com","primary":true}]}`)
		r, err := m.e.Create(t.Context(), engine.Call{}, User, d, engine.Params{})
		if err != nil {
			t.Fatal(err)
		}
		m.ids[name], _ = r.Doc["id"].(string)
	}
	return m
}

func (m *emulated) resolve(r transfer.Ref) (string, bool) {
	id, ok := m.ids[FoldKey(r.Key)]
	return id, ok
}

// read gets a resource as an import does before it changes one.
func (m *emulated) read(t *testing.T, typ, id string, needs []string) scim.Document {
	t.Helper()
	r, err := m.e.Get(t.Context(), engine.Call{}, typ, id, engine.Params{Attributes: needs, AttributeSets: []string{"default"}})
	if err != nil {
		t.Fatal(err)
	}
	return clone(t, r.Doc)
}

// TestAgainstEmulator imports random rows into the emulator twice, then other
// rows over them, twice: a second time must find nothing to do.
func TestAgainstEmulator(t *testing.T) {
	m := newEmulated(t)
	r := rand.New(rand.NewPCG(5, 6))
	imported := 0
	for _, typ := range []string{User, Group} {
		for _, o := range []Options{{}, {ClearEmpty: true}, {MultiValued: Replace, ReplaceMembers: true}} {
			p := planFor(t, typ, o)
			for range 60 {
				first, second := m.specs(t, r, p)
				if first == nil || second == nil {
					continue
				}
				body := clone(t, first.Create(m.resolve))
				made, err := m.e.Create(t.Context(), engine.Call{}, typ, body, engine.Params{})
				var refused *engine.Error
				if errors.As(err, &refused) {
					t.Fatalf("%s: create refused: %s\n%v", typ, refused.Detail, body)
				}
				if err != nil {
					t.Fatal(err)
				}
				id, _ := made.Doc["id"].(string)
				needs := first.NeedsAttributes()
				if ops := first.Changes(m.read(t, typ, id, needs), m.resolve); len(ops) > 0 {
					t.Fatalf("%s %+v: a second import would do %q to\n%v", typ, o, opsText(t, ops), m.read(t, typ, id, needs))
				}
				before := m.read(t, typ, id, needs)
				ops := second.Changes(before, m.resolve)
				if len(ops) > 0 {
					if _, err := m.e.Patch(t.Context(), engine.Call{}, typ, id, wire(t, ops), engine.Params{}); err != nil {
						t.Fatalf("%s %+v: %q on\n%v\n%v", typ, o, opsText(t, ops), before, err)
					}
				}
				if again := second.Changes(m.read(t, typ, id, needs), m.resolve); len(again) > 0 {
					t.Fatalf("%s %+v: after %q\nstill to do %q", typ, o, opsText(t, ops), opsText(t, again))
				}
				if err := m.e.Delete(t.Context(), engine.Call{}, typ, id, engine.Params{Force: true}); err != nil {
					t.Fatal(err)
				}
				imported++
			}
		}
	}
	if imported < 100 {
		t.Errorf("only %d rows were imported", imported)
	}
}

// specs makes two rows of the same key that the service would take.
func (m *emulated) specs(t *testing.T, r *rand.Rand, p *plan) (first, second transfer.Spec) {
	t.Helper()
	var out [2]transfer.Spec
	for i := range out {
		row := randomRow(r, Columns(p.typ))
		for j, c := range Columns(p.typ) {
			switch {
			case c.Path == keyPath(p.typ):
				row[j] = "somebody"
			case c.Path == "name.familyName":
				row[j] = "X"
			case c.Path == slot("emails", "work", "value") && row[j] == "":
				row[j] = "w@example.com"
			case c.Path == "password" && row[j] != "":
				row[j] = "Correct-Horse-7-Battery"
			}
		}
		out[i], _ = specOf(p, guardAll(row))
	}
	return out[0], out[1]
}

func wire(t *testing.T, ops []scim.PatchOp) []engine.PatchOp {
	t.Helper()
	var out []engine.PatchOp
	for _, op := range ops {
		text, err := json.Marshal(op.Value)
		if err != nil {
			t.Fatal(err)
		}
		holder := doc(t, `{"v":`+string(text)+`}`)
		out = append(out, engine.PatchOp{Op: op.Op, Path: op.Path, Value: holder["v"]})
	}
	return out
}
