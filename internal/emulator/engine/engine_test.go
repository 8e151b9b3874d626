package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/schemas"
	"github.com/idctl/idctl/internal/emulator/store/memory"
)

// tick is a clock that goes on by a second with every look.
type tick struct{ t time.Time }

func (c *tick) Now() time.Time {
	c.t = c.t.Add(time.Second)
	return c.t
}

var admin = Call{
	Actor:     Actor{Type: "App", ID: "00000000000000000000000000000abc", Name: "admin-client", Display: "Admin client"},
	RequestID: "req-1", ClientIP: "192.0.2.1", BaseURL: "https://idcs.example.com",
}

// bench is an engine on a fresh memory store.
type bench struct {
	testing.TB
	e *Engine
}

func newBench(tb testing.TB, change ...func(*Options)) *bench {
	tb.Helper()
	n := 0
	opts := Options{
		Clock:        &tick{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		PasswordCost: 1,
		NewID: func() string {
			n++
			return fmt.Sprintf("%032x", n)
		},
	}
	for _, f := range change {
		f(&opts)
	}
	st := memory.New()
	tb.Cleanup(func() {
		if err := st.Close(); err != nil {
			tb.Error(err)
		}
	})
	return &bench{TB: tb, e: New(st, schemas.Default(), opts)}
}

// doc reads JSON as the engine gets it.
func doc(tb testing.TB, text string) Document {
	tb.Helper()
	d, err := decode([]byte(text))
	if err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	return d
}

func (b *bench) create(typ, text string) Document {
	b.Helper()
	res, err := b.e.Create(b.ctx(), admin, typ, doc(b, text), Params{})
	if err != nil {
		b.Fatalf("create %s %s: %v", typ, text, err)
	}
	return res.Doc
}

func (b *bench) ctx() context.Context { return context.Background() }

func (b *bench) user(name string) string {
	b.Helper()
	d := b.create("User", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
		"userName":%q,"name":{"givenName":"Given","familyName":%q},
		"emails":[{"value":%q,"type":"work","primary":true}]}`, name, name, name+"@example.com"))
	return d["id"].(string)
}

func (b *bench) get(typ, id string, attrs ...string) Document {
	b.Helper()
	res, err := b.e.Get(b.ctx(), admin, typ, id, Params{Attributes: attrs})
	if err != nil {
		b.Fatalf("get %s %s: %v", typ, id, err)
	}
	return res.Doc
}

func (b *bench) patch(typ, id, ops string) (Document, error) {
	b.Helper()
	var list []PatchOp
	dec := json.NewDecoder(strings.NewReader(ops))
	dec.UseNumber()
	if err := dec.Decode(&list); err != nil {
		b.Fatalf("%v in %s", err, ops)
	}
	res, err := b.e.Patch(b.ctx(), admin, typ, id, list, Params{})
	if err != nil {
		return nil, err
	}
	return res.Doc, nil
}

// ids lists what a filter selects, by an attribute.
func (b *bench) names(typ, attr, filter string) []string {
	b.Helper()
	l, err := b.e.List(b.ctx(), admin, typ, Params{Filter: filter})
	if err != nil {
		b.Fatalf("list %s %s: %v", typ, filter, err)
	}
	var list []string
	for _, d := range l.Resources {
		s, _ := d[attr].(string)
		list = append(list, s)
	}
	if l.Total != len(list) {
		b.Errorf("list %s %s: total %d, got %d", typ, filter, l.Total, len(list))
	}
	return list
}

// wantError checks status and messageId.
func wantError(tb testing.TB, err error, status int, messageID string) {
	tb.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		tb.Fatalf("error is %v (%T), want status %d %s", err, err, status, messageID)
	}
	if e.Status != status || e.MessageID != messageID {
		tb.Errorf("error is %d %s (%s), want %d %s", e.Status, e.MessageID, e.Detail, status, messageID)
	}
}

func TestCreateUserCompletesIt(t *testing.T) {
	b := newBench(t)
	got := b.create("User", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
		"USERNAME":"Ada","name":{"givenName":"Ada","familyName":"Lovelace"},"id":"mine","password":"Example-Passw0rd",
		"emails":[{"value":"ada@example.com","type":"work","primary":true}],
		"urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User:bypassNotification":true}`)
	caps := map[string]any{}
	for _, name := range capabilities {
		caps[name] = true
	}
	who := map[string]any{
		"type": "App", "value": admin.Actor.ID, "display": "Admin client",
		"$ref": "https://idcs.example.com/admin/v1/Apps/" + admin.Actor.ID, "ocid": ocidFor("App", admin.Actor.ID),
	}
	want := Document{
		"schemas": []any{
			"urn:ietf:params:scim:schemas:core:2.0:User", userURN, passwordStateURN, userStateURN, capabilitiesURN,
		},
		"id": "00000000000000000000000000000001", "ocid": ocidFor("User", "00000000000000000000000000000001"),
		"userName": "Ada", "displayName": "Ada Lovelace", "active": true,
		"name": map[string]any{"givenName": "Ada", "familyName": "Lovelace", "formatted": "Ada Lovelace"},
		"emails": []any{
			map[string]any{"value": "ada@example.com", "type": "work", "primary": true, "secondary": false, "verified": false},
			map[string]any{"value": "ada@example.com", "type": "recovery", "primary": false, "secondary": false, "verified": false},
		},
		userURN:         map[string]any{"isFederatedUser": false},
		userStateURN:    map[string]any{"locked": map[string]any{"on": false}},
		capabilitiesURN: caps,
		"meta": map[string]any{
			"resourceType": "User", "created": "2026-01-01T00:00:01.000Z", "lastModified": "2026-01-01T00:00:01.000Z",
			"version":  "00000000000000000000000000000002",
			"location": "https://idcs.example.com/admin/v1/Users/00000000000000000000000000000001",
		},
		"idcsCreatedBy": who, "idcsLastModifiedBy": who,
		"domainOcid": domainOCID, "compartmentOcid": compartmentOCID, "tenancyOcid": tenancyOCID,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
