package mapping

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/pkg/scim"
)

// rawUser has what the columns of users ask for, and more.
const rawUser = `{"userName":"ada","id":"1","active":true,"meta":{"created":"2026-01-01T00:00:00Z"},
	"name":{"familyName":"=L\u00f6ve\n\"x\"","givenName":"Zoë","formatted":null},"displayName":"'=a'","title":"","nickName":" b ",
	"emails":[{"type":"work","value":"w1@example.com"},{"type":"WORK","value":"w2@example.com","primary":true,"verified":true},
		{"type":"recovery","value":"r@example.com"},{"value":"x@example.com"},"y",{"type":"\u0068ome","value":"h\u0040example.com"}],
	"phoneNumbers":[{"type":"mobile","value":"+44 1","primary":"true"},{"type":"mobile","value":"+44 2"}],
	"addresses":[{"type":"work","streetAddress":"1 Rue, de","formatted":"1 Rue\n8001 Zürich","primary":true}],
	"urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User":{"locked":{"on":false,"reason":2.50}},
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"id-boss","displayName":"B"},"employeeNumber":12,"department":"@x"},
	"urn:ietf:params:scim:schemas:idcs:extension:custom:User":{"badge":7,"list":["a","b"]}}`

// FuzzRawRow: a row written out of the text of a resource is the row of the
// decoded resource, for a text that is new and for one of many.
func FuzzRawRow(f *testing.F) {
	for _, s := range rawRows() {
		f.Add([]byte(s))
	}
	same := rawAndDecoded(f)
	f.Fuzz(func(t *testing.T, text []byte) { same(t, text) })
}

func rawRows() []string {
	return []string{
		rawUser,
		strings.NewReplacer("userName", "USERNAME", `"emails"`, `"Emails"`, `"type"`, `"TYPE"`, "enterprise:2.0", "ENTERPRISE:2.0", "familyName", "familyname").Replace(rawUser),
		`{"id":"1","emails":{"type":"work"},"name":"x","phoneNumbers":null,"addresses":[[{"type":"work"}]]}`,
		`{"id":"1","emails":[{"type":"work","type":"home","value":"a"}]}`,
		`{"id":"1","emails":[{"type":1,"primary":true},{"type":"work","value":null,"primary":true},{"type":"work","value":"b","primary":true}]}`,
		`{"id":"1","emails":[{"type":"work","value":["a",1]}]}`, `{"id":"1","title":{"a":1},"userName":1e400}`,
		`{"id":"1","userName":"a","username":"b"}`, `{"id":"1"}`, "{\"id\":\"1\",\"userName\":\"\xff\"}",
		`{"id":"1","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":"id-x"}}`,
		`{"id":"1","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"id-'=x'"}}}`,
		`{"id":"1","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"flat","userName":"\ud800"}`,
	}
}

// TestRawRowDamaged is FuzzRawRow on texts in which values were exchanged at
// random, always in the same way.
func TestRawRowDamaged(t *testing.T) {
	same := rawAndDecoded(t)
	r := rand.New(rand.NewPCG(3, 4))
	values := []string{`"a"`, `null`, `true`, `-0.5`, `[]`, `{}`, `[{"type":"work","value":"v","primary":true}]`, `{"value":"id-z","familyName":"q"}`, `"\u003d\n"`}
	for _, text := range rawRows() {
		var doc map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &doc) != nil {
			t.Fatalf("%s is no object", text)
		}
		for range 60 {
			var b bytes.Buffer
			b.WriteString(`{"id":"1"`)
			for name, v := range doc {
				if name == "id" {
					continue
				}
				if r.IntN(4) == 0 {
					v = json.RawMessage(values[r.IntN(len(values))])
				}
				if r.IntN(20) == 0 {
					name = strings.ToUpper(name)
				}
				b.WriteString(`, "` + name + `" : ` + string(v))
			}
			b.WriteByte('}')
			same(t, b.Bytes())
		}
	}
}

// rawAndDecoded answers a check that both ways of writing a row come to the
// same.
func rawAndDecoded(tb testing.TB) func(*testing.T, []byte) {
	tb.Helper()
	cols, err := ExportColumns(User, nil)
	if err != nil {
		tb.Fatal(err)
	}
	more, err := ExportColumns(User, []string{
		"urn:ietf:params:scim:schemas:idcs:extension:custom:User:badge", "urn:ietf:params:scim:schemas:idcs:extension:custom:User:list", "Work Email", "work email",
	})
	if err != nil {
		tb.Fatal(err)
	}
	e, err := NewExporter(User, append(cols, more...), names)
	if err != nil {
		tb.Fatal(err)
	}
	raw, ok := e.Raw()
	if !ok {
		tb.Fatal("users need documents")
	}
	return func(t *testing.T, text []byte) {
		t.Helper()
		body := append(append([]byte(`{"totalResults":1,"Resources":[`), text...), `]}`...)
		client := scim.NewClient(scim.DoerFunc(func(context.Context, *scim.Request) (*scim.Response, error) {
			return &scim.Response{Status: 200, Body: body}, nil
		}), scim.Options{})
		users := client.Documents(scim.Type[scim.Document]{Name: "User", Path: "/Users", Ops: scim.List})
		rows := 0
		for page, err := range users.AllRaw(t.Context(), scim.ListOptions{}, raw.Paths()...) {
			if err != nil {
				return // no resource
			}
			for _, r := range page.Rows {
				rows++
				if rows > 1 || !r.Picked() {
					continue // the exporter decodes what is not picked
				}
				doc, err := r.Decode()
				if err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				var want, got bytes.Buffer
				w := csvio.NewWriter(&want, csvio.Format{Delimiter: ';'})
				if err := w.Write(e.Row(doc)); err != nil || w.Flush() != nil {
					t.Fatal(err)
				}
				cells, ends, ok := raw.Row(r)
				if !ok {
					continue // the exporter decodes it
				}
				w = csvio.NewWriter(&got, csvio.Format{Delimiter: ';'})
				if err := w.WriteText(cells, ends); err != nil || w.Flush() != nil {
					t.Fatal(err)
				}
				if want.String() != got.String() {
					t.Fatalf("%q:\nraw     %s\ndecoded %s", text, got.String(), want.String())
				}
			}
		}
	}
}

// Usual resources do not have to be decoded.
func TestRawRowIsTaken(t *testing.T) {
	e, err := NewExporter(User, Columns(User)[:1], nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, ok := e.Raw()
	if !ok {
		t.Fatal("users need documents")
	}
	client := scim.NewClient(scim.DoerFunc(func(context.Context, *scim.Request) (*scim.Response, error) {
		return &scim.Response{Status: 200, Body: []byte(`{"totalResults":1,"Resources":[` + rawUser + `]}`)}, nil
	}), scim.Options{})
	users := client.Documents(scim.Type[scim.Document]{Name: "User", Path: "/Users", Ops: scim.List})
	for page, err := range users.AllRaw(t.Context(), scim.ListOptions{}, raw.Paths()...) {
		if err != nil {
			t.Fatal(err)
		}
		if !page.Rows[0].Picked() {
			t.Fatal("nothing was picked")
		}
		if cells, _, ok := raw.Row(page.Rows[0]); !ok || string(cells) != "ada" {
			t.Errorf("row = %q, %v", cells, ok)
		}
	}
	g, err := NewExporter(Group, Columns(Group), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := g.Raw(); ok {
		t.Error("groups with members are written without documents")
	}
}
