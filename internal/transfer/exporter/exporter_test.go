package exporter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/provider"
	provideridcs "github.com/idctl/idctl/internal/provider/idcs"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/idtest"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/transport"
)

// connect makes a provider on a fresh emulator.
func connect(t *testing.T) (provider.Provider, *idtest.Server) {
	t.Helper()
	srv := idtest.New(t)
	opts := idcs.TransportOptions(idcs.Options{BaseURL: srv.URL, Clock: transport.NewClock(time.Now), Unlimited: true, Base: srv.Client().Transport})
	opts.Retry.Attempts = 1
	client, err := transport.NewClient(opts)
	if err != nil {
		t.Fatal(err)
	}
	return provideridcs.New(client), srv
}

// people creates n users; each reports to the one before.
func people(t *testing.T, p provider.Provider, n int) []string {
	t.Helper()
	var ids []string
	for i := range n {
		login := fmt.Sprintf("user%04d@example.com", i)
		doc := scim.Document{
			"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": login,
			"name":   map[string]any{"familyName": fmt.Sprintf("Fam,%d", i), "givenName": "Zoë"},
			"emails": []any{map[string]any{"value": login, "type": "work", "primary": true}},
		}
		if i > 0 {
			doc["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] = map[string]any{"manager": map[string]any{"value": ids[i-1]}}
		}
		created, err := p.Users().Create(t.Context(), doc, scim.WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, created.ID())
	}
	return ids
}

func exported(t *testing.T, p provider.Provider, o Options) (string, int) {
	t.Helper()
	var buf bytes.Buffer
	n, err := Export(t.Context(), p, &buf, o)
	if err != nil {
		t.Fatal(err)
	}
	return buf.String(), n
}

func TestUsers(t *testing.T) {
	p, _ := connect(t)
	people(t, p, 250) // more than one chunk, and more than one page
	var last [2]int
	text, n := exported(t, p, Options{
		Type: "User", Format: CSV, Columns: []string{"User Name", "Last Name", "Manager"},
		Progress: func(done, total int) { last = [2]int{done, total} },
	})
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if n != 250 || len(lines) != 251 || last != [2]int{250, 250} {
		t.Fatalf("%d users in %d lines, progress %v; want 250 in 251", n, len(lines), last)
	}
	for i, want := range map[int]string{
		0:   "User Name,Last Name,Manager",
		1:   `user0000@example.com,"Fam,0",`,
		250: `user0249@example.com,"Fam,249",user0248@example.com`,
	} {
		if lines[i] != want {
			t.Errorf("line %d = %q, want %q", i, lines[i], want)
		}
	}

	text, n = exported(t, p, Options{Type: "User", Format: JSONL, Filter: filter.Eq(filter.AttrPath{Name: "userName"}, "user0007@example.com")})
	if n != 1 || strings.Count(text, "\n") != 1 || !json.Valid([]byte(text)) {
		t.Errorf("jsonl of one = %q", text)
	}
	text, _ = exported(t, p, Options{Type: "User", Format: JSON})
	var docs []scim.Document
	if err := json.Unmarshal([]byte(text), &docs); err != nil || len(docs) != 250 {
		t.Errorf("json holds %d documents, %v", len(docs), err)
	}
	text, n = exported(t, p, Options{Type: "User", Format: JSON, Filter: filter.Eq(filter.AttrPath{Name: "userName"}, "nobody")})
	if text != "[]\n" || n != 0 {
		t.Errorf("empty list = %q, %d", text, n)
	}
}

// A group's members come page by page, with the names of users.
func TestGroupWithManyMembers(t *testing.T) {
	p, srv := connect(t)
	ids := people(t, p, 1)
	if _, err := srv.SeedPeople(t.Context(), 1, 2500, 0); err != nil {
		t.Fatal(err)
	}
	members := make([]any, 0, 2501)
	for doc, err := range p.Users().All(t.Context(), scim.ListOptions{Attributes: []string{"userName"}}) {
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, map[string]any{"value": doc.ID(), "type": "User"})
	}
	group := scim.Document{
		"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": "Everyone", "members": members,
	}
	if _, err := p.Groups().Create(t.Context(), group, scim.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	text, n := exported(t, p, Options{Type: "Group", Format: CSV, Columns: []string{"Name", "User Members"}})
	if n != 1 || strings.Count(text, ";") != 2500 {
		t.Errorf("%d groups with %d members, want 1 with 2501", n, strings.Count(text, ";")+1)
	}
	if !strings.Contains(text, "user0000@example.com") || strings.Contains(text, ids[0]) {
		t.Error("members are written by id instead of by name")
	}
}

// An export that cannot be whole says so.
func TestCutShort(t *testing.T) {
	p, srv := connect(t)
	people(t, p, 101)
	if err := srv.Faults("500:method=GET,path=/admin/v1/Users,every=1"); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	_, err := Export(t.Context(), p, &buf, Options{Type: "User", Format: CSV})
	var e *scim.Error
	if err == nil {
		t.Fatal("export of a failing service succeeded")
	}
	if !errors.As(err, &e) || e.Status != http.StatusInternalServerError {
		t.Errorf("error = %v, want a 500", err)
	}
}

// Documents of JSON formats are the service's own text, on one line each,
// whatever the service's own layout is.
func TestDocumentsAsTheyCame(t *testing.T) {
	const page = `{ "totalResults" : 3, "Resources" : [
  { "userName" : "b",
    "id" : "1", "x" : 1.0, "y" : "\u00e9 <" },
  {"id":"2","unknown":{"z":[1,2]},"a":null}, {"id":"3","id":"3","q":"` + "\xff" + `"} ] }`
	for _, tt := range []struct {
		format Format
		want   string
	}{
		{JSONL, `{"userName":"b","id":"1","x":1.0,"y":"\u00e9 <"}` + "\n" + `{"id":"2","unknown":{"z":[1,2]},"a":null}` + "\n" + `{"id":"3","q":"` + "\ufffd" + `"}` + "\n"},
		{JSON, "[\n" + `{"userName":"b","id":"1","x":1.0,"y":"\u00e9 <"}` + ",\n" + `{"id":"2","unknown":{"z":[1,2]},"a":null}` + ",\n" + `{"id":"3","q":"` + "\ufffd" + `"}` + "\n]\n"},
		{CSV, "User Name,Title\n" + "b,\n" + `"",` + "\n" + `"",` + "\n"},
	} {
		t.Run(string(tt.format), func(t *testing.T) {
			o := Options{Type: "User", Format: tt.format}
			if tt.format == CSV {
				o.Columns = []string{"User Name", "Title"}
			}
			if got, n := exported(t, answering(t, page), o); got != tt.want || n != 3 {
				t.Errorf("%d users:\n%s\nwant\n%s", n, got, tt.want)
			}
		})
	}
}

// answering is a provider on a service with one answer.
func answering(t *testing.T, body string) provider.Provider {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/scim+json")
		if _, err := w.Write([]byte(body)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	client, err := transport.NewClient(idcs.TransportOptions(idcs.Options{BaseURL: srv.URL, Clock: transport.NewClock(time.Now), Unlimited: true}))
	if err != nil {
		t.Fatal(err)
	}
	return provideridcs.New(client)
}

func TestNoList(t *testing.T) {
	for _, body := range []string{`<html>sign in</html>`, ``, `{"id":"1"}`, `{"totalResults":1,"Resources":[{"id":"1"`} {
		for _, format := range []Format{CSV, JSON, JSONL} {
			if _, err := Export(t.Context(), answering(t, body), io.Discard, Options{Type: "User", Format: format}); !errors.Is(err, scim.ErrBadResponse) {
				t.Errorf("%s of %q: %v, want ErrBadResponse", format, body, err)
			}
		}
	}
}
