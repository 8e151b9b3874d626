package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/pkg/scim"
)

// names is the inverse of byID.
func names(r transfer.Ref) (string, bool) { return strings.CutPrefix(r.Key, "id-") }

func TestExportRow(t *testing.T) {
	d := doc(t, `{"userName":"ada","id":"1","active":true,"meta":{"created":"2026-01-01T00:00:00Z"},"name":{"familyName":"=L"},
		"emails":[{"type":"work","value":"w1@example.com"},{"type":"work","value":"w2@example.com","primary":true,"verified":true},{"type":"recovery","value":"r@example.com"}],
		"phoneNumbers":[{"type":"mobile","value":"+44 1"}],
		"urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User":{"locked":{"on":false,"reason":2}},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"id-boss","displayName":"B"}},
		"urn:ietf:params:scim:schemas:idcs:extension:custom:User":{"badge":7}}`)
	custom := "urn:ietf:params:scim:schemas:idcs:extension:custom:User:badge"
	cols, err := ExportColumns(User, []string{"User ID", "last name", "Work Email", "Work Email Verified", "Primary Email Type", "Mobile No", "Manager", "Locked", "Locked Reason", "Created Date", "Title", "active", custom})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ada", "'=L'", "w2@example.com", "true", "work", "'+44 1'", "boss", "false", "2", "2026-01-01T00:00:00Z", "", "true", "7"}
	if diff := cmp.Diff(want, RowFromDocument(User, d, cols, names)); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if got := RowFromDocument(User, d, cols, nil)[6]; got != "id-boss" {
		t.Errorf("manager without names: %q", got)
	}
	if diff := cmp.Diff([]string{"User ID", "Last Name"}, Headers(cols, true)[:2]); diff != "" {
		t.Errorf("old headers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"User Name", "Last Name"}, Headers(cols, false)[:2]); diff != "" {
		t.Errorf("new headers (-want +got):\n%s", diff)
	}
	odd := doc(t, `{"displayName":"Staff","members":[{"value":"id-+ada"},{"value":"id-'-bob-'"}]}`)
	mcols, err := ExportColumns(Group, []string{"Name", "User Members"})
	if err != nil {
		t.Fatal(err)
	}
	cell := RowFromDocument(Group, odd, mcols, names)[1]
	if cell != "'+ada;'-bob-''" {
		t.Errorf("members that look like formulas: %s", cell)
	}
	back := only(t, Group, Options{}, "Name,User Members", "Staff,"+cell).Refs()
	if diff := cmp.Diff([]transfer.Ref{{Type: User, Key: "+ada"}, {Type: User, Key: "'-bob-'"}}, back); diff != "" {
		t.Errorf("members read back (-want +got):\n%s", diff)
	}
	g := doc(t, `{"displayName":"Staff","members":[{"value":"id-ada"},{"value":"9","name":"bob"},{"value":"8"}]}`)
	gcols, err := ExportColumns(Group, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Staff", "", "ada;bob;8", "", ""}, RowFromDocument(Group, g, gcols, names)); diff != "" {
		t.Errorf("group (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{GroupExtURN + ":description", "members", RequestableURN + ":requestable"}, Attributes(Group, gcols)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"Titel", "Password", "emails[", "emails.value"} {
		if _, err := ExportColumns(User, []string{bad}); !errors.Is(err, ErrUnknownColumns) && !errors.Is(err, ErrMapping) {
			t.Errorf("column %q: %v", bad, err)
		}
	}
}

// written puts documents into a file, as an export does.
func written(tb testing.TB, typ string, old bool, docs []scim.Document) *csvio.File {
	tb.Helper()
	cols, err := ExportColumns(typ, nil)
	if err != nil {
		tb.Fatal(err)
	}
	x, err := NewExporter(typ, cols, names)
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "out.csv")
	w, err := csvio.Create(path, csvio.Format{LineEnd: "\r\n"})
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.Write(Headers(cols, old)); err != nil {
		tb.Fatal(err)
	}
	for _, d := range docs {
		row := x.Row(d)
		if diff := cmp.Diff(RowFromDocument(typ, d, cols, names), row); diff != "" {
			tb.Fatalf("the two ways differ:\n%s", diff)
		}
		if err := w.Write(row); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		tb.Fatal(err)
	}
	f, err := csvio.Open(path, csvio.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func TestExportGoesBackIn(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, typ := range []string{User, Group} {
		for _, old := range []bool{false, true} {
			p := planFor(t, typ, Options{})
			var docs []scim.Document
			for i := 0; len(docs) < 100; i++ {
				row := randomRow(r, Columns(typ))
				for j, c := range Columns(typ) {
					switch {
					case c.Path == keyPath(typ):
						row[j] = "key" + string(rune('a'+len(docs)/26)) + string(rune('a'+len(docs)%26))
					case c.WriteOnly:
						row[j] = "" // cannot come back
					}
				}
				spec, _ := specOf(p, guardAll(row))
				if spec != nil {
					docs = append(docs, spec.Create(byID))
				}
			}
			src, err := NewSource(written(t, typ, old, docs), typ, Options{})
			if err != nil {
				t.Fatal(err)
			}
			all := items(t, src)
			if len(all) != len(docs) {
				t.Fatalf("%d rows of %d", len(all), len(docs))
			}
			for i, it := range all {
				if it.Rejected() {
					t.Fatalf("%s: rejected %v of %v", typ, it.Problems, docs[i])
				}
				if diff := cmp.Diff(clone(t, docs[i]), clone(t, it.Spec.Create(byID))); diff != "" {
					t.Fatalf("%s %d (-exported +imported):\n%s", typ, i, diff)
				}
				if ops := it.Spec.Changes(clone(t, docs[i]), byID); len(ops) > 0 {
					t.Fatalf("%s %d: an export imported at once would do %q", typ, i, opsText(t, ops))
				}
			}
		}
	}
}

func TestTemplate(t *testing.T) {
	for _, typ := range []string{User, Group} {
		var b bytes.Buffer
		if err := Template(typ, &b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "t.csv")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := csvio.Open(path, csvio.Options{})
		if err != nil {
			t.Fatal(err)
		}
		src, err := NewSource(f, typ, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range src.Headers() {
			if h.Use != Mapped {
				t.Errorf("%s: %q is %s", typ, h.Header, h.Use)
			}
		}
	}
	if err := Template("App", &bytes.Buffer{}); err == nil {
		t.Error("a template for apps was written")
	}
}

func TestCheckFindsEverything(t *testing.T) {
	f := file(t,
		"User Name,mail,Active,Work Email,_note", // line 1
		"ada,x,true,ada@example.com,n",           // fine
		"bob,x,maybe,bob,n",                      // two errors
		"eve,x",                                  // cell count
		"ADA,x,no,ada@example.com,n",             // duplicate
		",x,no,z@example.com,n",                  // no key
	)
	r, err := Check(t.Context(), f, User, Options{Name: "new.csv"})
	if err != nil {
		t.Fatal(err)
	}
	type place struct {
		Line         int
		Column, Code string
	}
	var got []place
	for _, x := range r.Findings {
		got = append(got, place{x.Line, x.Column, x.Code})
	}
	want := []place{
		{1, "mail", CodeUnknownColumn},
		{1, "", CodeRequired},
		{3, "Active", CodeBool},
		{3, "Work Email", CodeEmail},
		{4, "", csvio.CodeColumnCount},
		{5, "User Name", CodeDuplicate},
		{6, "User Name", CodeMissingKey},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	counts := []int{r.Rows, r.Good, r.Rejected, r.Errors, r.Warnings, r.Omitted}
	if diff := cmp.Diff([]int{5, 1, 4, 6, 1, 0}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if r.OK() || !r.Complete || r.Name != "new.csv" {
		t.Errorf("report %+v", r)
	}
	if h := r.Headers[1]; h.Use != Unknown || len(h.Suggestions) == 0 || h.Suggestions[0].Column != "Work Email" {
		t.Errorf("table of columns: %+v", r.Headers)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

func TestCheckOfFilesThatCannotBeMapped(t *testing.T) {
	tests := []struct {
		name, code string
		complete   bool
		lines      []string
	}{
		{"no key", CodeNoKey, false, []string{"login,Title", "ada,x"}},
		{"clash", CodeMapping, false, []string{"User Name,User ID", "ada,x"}},
		{"no rows", CodeNoRows, true, []string{"User Name,Last Name,Work Email"}},
		{"unclosed quote", CodeUnclosedQuote, false, []string{"User Name,Title", "ada,x", "bob,\"x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Check(t.Context(), file(t, tt.lines...), User, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if r.Codes[tt.code] != 1 || r.Complete != tt.complete {
				t.Errorf("codes %v, complete %v", r.Codes, r.Complete)
			}
			if tt.code == CodeNoKey && (len(r.Headers) != 2 || len(r.Headers[0].Suggestions) == 0) {
				t.Errorf("no suggestion for the missing name: %+v", r.Headers)
			}
		})
	}
}

func TestCheckBoundsItsFindings(t *testing.T) {
	lines := []string{"User Name,Active"}
	for range maxFindings + 5 {
		lines = append(lines, "x")
	}
	r, err := Check(t.Context(), file(t, lines...), User, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Findings) != maxFindings || r.Errors != maxFindings+5 || r.Omitted != r.Errors+r.Warnings-maxFindings {
		t.Errorf("%d findings, %d errors, %d omitted", len(r.Findings), r.Errors, r.Omitted)
	}
}

func TestEPM(t *testing.T) {
	f := file(t, "first name,Last Name,Email,User Login,_note", "Ada,Lovelace,ada@example.com,ada,x", ",Hopper,grace,grace,", "Short")
	if !IsEPM(f.Header) || IsEPM([]string{"User Login"}) || IsEPM(Headers(Columns(User), false)) {
		t.Fatal("the header is not told apart")
	}
	src, err := NewEPMSource(f, Options{Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	all := items(t, src)
	want := doc(t, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada","name":{"givenName":"Ada","familyName":"Lovelace"},
		"emails":[{"type":"work","value":"ada@example.com","primary":true}]}`)
	if diff := cmp.Diff(want, clone(t, all[0].Spec.Create(byID))); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Ada", "Lovelace", "ada@example.com", "ada", "x"}, all[0].Cells); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	var got []string
	for _, it := range all[1:] {
		for _, p := range it.Problems {
			got = append(got, p.Column+" "+p.Code)
		}
	}
	if diff := cmp.Diff([]string{"Email bad-email", "First Name required", " column-count"}, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if _, err := NewEPMSource(file(t, "User Name", "ada"), Options{}); !errors.Is(err, ErrMapping) {
		t.Errorf("another file: %v", err)
	}
}

func BenchmarkItems(b *testing.B) {
	var lines []string
	lines = append(lines, "User Name,First Name,Last Name,Work Email,Department,Manager,Work Phone,Active")
	for i := range 10_000 {
		n := string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26))
		lines = append(lines, "user"+n+",Ada,Lovelace,"+n+"@example.com,IT,boss,+44 20 7946 0000,true")
	}
	s := source(b, User, Options{}, lines...)
	b.ReportAllocs()
	for b.Loop() {
		for it, err := range s.Items(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			if it.Spec != nil {
				it.Spec.Create(byID)
			}
		}
	}
}
