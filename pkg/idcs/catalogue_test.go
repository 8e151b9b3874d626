package idcs

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim"
)

type recording struct {
	ID, Method, Endpoint string
	Examples             []struct {
		Name   string
		Status int
		Body   json.RawMessage
	}
}

func recordings(t *testing.T) []recording {
	t.Helper()
	ref := os.Getenv("IDCTL_REFERENCE")
	if ref == "" {
		ref = filepath.Join("..", "..", "..", "shared", "reference")
	}
	names, err := filepath.Glob(filepath.Join(ref, "catalog", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Skipf("NOT CHECKED: no request catalogue below %s; set IDCTL_REFERENCE", ref)
	}
	var all []recording
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var part []recording
		if err := json.Unmarshal(data, &part); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, part...)
	}
	return all
}

// TestRecordedAnswers replays every recorded answer of the vendor's request
// collections: lists decode, errors say what they are, bulk results are told
// apart, and resources with a struct survive it.
func TestRecordedAnswers(t *testing.T) {
	ctx := context.Background()
	count := map[string]int{}
	for _, rec := range recordings(t) {
		for _, ex := range rec.Examples {
			var body scim.Document
			if len(ex.Body) == 0 || ex.Body[0] != '{' || json.Unmarshal(ex.Body, &body) != nil {
				continue
			}
			c := New(scim.NewClient(scim.DoerFunc(func(context.Context, *scim.Request) (*scim.Response, error) {
				return &scim.Response{Status: ex.Status, Header: http.Header{}, Body: ex.Body}, nil
			}), SCIMOptions()))
			t.Run(rec.ID+"/"+ex.Name, func(t *testing.T) {
				_, isList := body["Resources"]
				_, isBulk := body["Operations"]
				switch {
				case ex.Status >= 400 && strings.HasPrefix(rec.Endpoint, "/admin/"):
					count["error"]++
					e := scim.ParseError(rec.Method, rec.Endpoint, ex.Status, "", ex.Body)
					if e.Detail == "" || e.Status != ex.Status {
						t.Errorf("error %+v of %s", e, ex.Body)
					}
				case isList:
					count["list"]++
					s := c.SCIM().Documents(scim.Type[scim.Document]{Name: "X", Path: "/X", Ops: scim.List})
					page, err := s.List(ctx, scim.ListOptions{})
					if err != nil {
						t.Fatal(err)
					}
					want, _ := body["Resources"].([]any)
					if total, ok := body.Int("totalResults"); ok && int64(page.Total) != total || len(page.Resources) != len(want) {
						t.Errorf("total %d, %d rows; recorded %v, %d", page.Total, len(page.Resources), body["totalResults"], len(want))
					}
					for _, doc := range page.Resources {
						survives(t, doc, count)
					}
				case isBulk && ex.Status < 300:
					count["bulk"]++
					list, _ := body["Operations"].([]any)
					sent := make([]scim.BulkOperation, len(list))
					for i, x := range list {
						m, _ := x.(map[string]any)
						op := scim.Document(m)
						sent[i] = scim.BulkOperation{Method: op.String("method"), Path: "/X", BulkID: op.String("bulkId")}
					}
					results, err := scim.ParseBulk(sent, ex.Body, "")
					if err != nil {
						t.Fatal(err)
					}
					for i, r := range results {
						if r.Status < 200 || r.Err != nil && r.Status < 300 {
							t.Errorf("result %d: %+v", i, r)
						}
					}
				default:
					survives(t, body, count)
				}
			})
		}
	}
	t.Logf("replayed: %v", count)
	for _, kind := range []string{"error", "list", "bulk", "Me", "App"} {
		if count[kind] == 0 {
			t.Errorf("no recording of kind %s was replayed", kind)
		}
	}
}

// survives reads a resource into the struct of its type and back.
func survives(t *testing.T, doc scim.Document, count map[string]int) {
	t.Helper()
	name := doc.String("meta.resourceType")
	structs := typedStructs()
	structs["Me"] = structs["User"] // the same resource under another name
	fresh, ok := structs[name]
	if !ok {
		return
	}
	count[name]++
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	v := fresh()
	if err := json.Unmarshal(data, v); err != nil {
		t.Errorf("%s %s: %v", name, doc.ID(), err)
		return
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(doc, decodeDoc(t, out)); d != "" {
		t.Errorf("%s %s: -recorded +decoded and encoded\n%s", name, doc.ID(), d)
	}
}
