package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/idctl/idctl/internal/iostreams"
)

var update = flag.Bool("update", false, "rewrite the golden files")

type doc = map[string]any

func text(path string) func(*doc) string {
	return func(d *doc) string { return Text(Lookup(*d, path)) }
}

func spec() Spec[doc] {
	return Spec[doc]{
		Columns: []Column[doc]{
			{Name: "Name", Path: "userName", Get: text("userName")},
			{Name: "Recent activity", Get: func(*doc) string { return "never" }},
			{Name: "Status", Path: "active", Get: text("active"), Paint: func(d *doc) Colour {
				if (*d)["active"] == true {
					return Green
				}
				return Red
			}},
			{Name: "Id", Path: "id", Wide: true, Get: text("id")},
		},
		Key:       text("userName"),
		KnownPath: AnyPath,
	}
}

func people() []doc {
	return []doc{
		{
			"id": "1", "userName": "ada@example.com", "active": true,
			"name":   doc{"familyName": "Lovelace <&>", "givenName": "Ada"},
			"emails": []any{doc{"value": "ada@example.com", "primary": true}, doc{"value": "ada@home.example.com"}},
			"big":    json.Number("12345678901234567890.1200"),
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": doc{"department": "Engines"},
		},
		{"id": "2", "userName": "zo\x1b[31më", "active": false, "employeeNumber": "007", "nothing": nil, "empty": []any{}},
	}
}

func render(t *testing.T, o Options, rows []doc, prepare func(*iostreams.Streams)) string {
	t.Helper()
	s, _, out, _ := iostreams.Test()
	if prepare != nil {
		prepare(s)
	}
	if err := New(&o, spec()).List(s, rows); err != nil {
		t.Fatalf("print as %q: %v", o.Format, err)
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	tests := []struct {
		name    string
		opts    Options
		rows    []doc
		prepare func(*iostreams.Streams)
	}{
		{name: "table", rows: people()},
		{name: "wide", opts: Options{Format: Wide}, rows: people()},
		{name: "csv", opts: Options{Format: CSV}, rows: people()},
		{name: "json", opts: Options{Format: JSON}, rows: people()},
		{name: "jsonl", opts: Options{Format: JSONL}, rows: people()},
		{name: "yaml", opts: Options{Format: YAML}, rows: people()},
		{name: "fields-table", opts: Options{Fields: []string{"status,emails.value", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"}}, rows: people()},
		{name: "fields-json", opts: Options{Format: JSON, Fields: []string{"name.familyName,recent-activity,USERNAME,big"}}, rows: people()},
		{name: "terminal", rows: people(), prepare: func(s *iostreams.Streams) { s.SetTerminal(32); s.OutColour = true }},
		{name: "terminal-ascii", rows: people(), prepare: func(s *iostreams.Streams) { s.SetTerminal(32); s.ASCII = true }},
		{name: "terminal-narrow", rows: people(), prepare: func(s *iostreams.Streams) { s.SetTerminal(28); s.OutColour = true }},
		{name: "terminal-20", rows: people(), prepare: func(s *iostreams.Streams) { s.SetTerminal(20) }},
		{name: "terminal-20-no-headers", opts: Options{NoHeaders: true}, rows: people(), prepare: func(s *iostreams.Streams) { s.SetTerminal(20) }},
		{name: "no-headers", opts: Options{NoHeaders: true}, rows: people()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := render(t, tt.opts, tt.rows, tt.prepare)
			path := filepath.Join("testdata", tt.name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("output differs from %s (-want +got):\n%s", path, diff)
			}
		})
	}
}

func TestEmpty(t *testing.T) {
	want := map[Format]string{
		Table: "Name  Recent activity  Status\n", Wide: "Name  Recent activity  Status  Id\n",
		JSON: "[]\n", JSONL: "", YAML: "[]\n", CSV: "Name,Recent activity,Status,Id\n", Name: "",
	}
	for f, text := range want {
		t.Run(string(f), func(t *testing.T) {
			if diff := cmp.Diff(text, render(t, Options{Format: f}, nil, nil)); diff != "" {
				t.Errorf("empty list (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOne(t *testing.T) {
	for f, want := range map[Format]string{JSON: "{\n  \"id\": \"1\"\n}\n", JSONL: "{\"id\":\"1\"}\n", YAML: "id: \"1\"\n"} {
		t.Run(string(f), func(t *testing.T) {
			s, _, out, _ := iostreams.Test()
			d := doc{"id": "1"}
			if err := New(&Options{Format: f}, spec()).One(s, &d); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, out.String()); diff != "" {
				t.Errorf("one value (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDocumentsSurvive parses what was printed and compares it with the input.
func TestDocumentsSurvive(t *testing.T) {
	var fromJSON []doc
	dec := json.NewDecoder(strings.NewReader(render(t, Options{Format: JSON}, people(), nil)))
	dec.UseNumber()
	if err := dec.Decode(&fromJSON); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(people(), fromJSON); diff != "" {
		t.Errorf("JSON round trip (-want +got):\n%s", diff)
	}
	var fromYAML []doc
	out := render(t, Options{Format: YAML}, people(), nil)
	if err := yaml.Unmarshal([]byte(out), &fromYAML); err != nil {
		t.Fatal(err)
	}
	if got := fromYAML[1]["employeeNumber"]; got != "007" {
		t.Errorf("YAML turned the string 007 into %#v", got)
	}
	if !strings.Contains(out, "12345678901234567890.1200") {
		t.Errorf("YAML lost digits of a number:\n%s", out)
	}
}

func TestNames(t *testing.T) {
	if got := render(t, Options{Format: Name}, []doc{{"userName": "a b"}, {"userName": `"q"`}}, nil); got != "a b\n\"q\"\n" {
		t.Errorf("names = %q", got)
	}
	s, _, _, _ := iostreams.Test()
	err := New(&Options{Format: Name}, spec()).List(s, []doc{{"userName": "a\nb"}})
	if err == nil {
		t.Error("a name with a line break was printed")
	}
}

func TestUnknownField(t *testing.T) {
	sp := spec()
	sp.KnownPath = nil
	err := New(&Options{Fields: []string{"name,colour"}}, sp).Check()
	var fe *FieldError
	if !errors.As(err, &fe) {
		t.Fatalf("Check() = %v, want a FieldError", err)
	}
	if diff := cmp.Diff(&FieldError{Field: "colour", Valid: []string{"name", "recent-activity", "status", "id"}}, fe); diff != "" {
		t.Errorf("error differs (-want +got):\n%s", diff)
	}
}

func TestPaths(t *testing.T) {
	tests := []struct {
		name   string
		fields []string
		want   []string
	}{
		{"None", nil, nil},
		{"Attributes", []string{"name,emails.value"}, []string{"userName", "emails.value"}},
		{"ColumnWithoutPath", []string{"name,recent activity"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, New(&Options{Fields: tt.fields}, spec()).Paths()); diff != "" {
				t.Errorf("Paths() (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLongTable goes over several chunks: one heading, and columns that stay
// in line as long as widths do not grow.
func TestLongTable(t *testing.T) {
	rows := make([]doc, 2*chunkRows+7)
	for i := range rows {
		rows[i] = doc{"userName": "user" + strconv.Itoa(1000000+i), "active": true}
	}
	lines := strings.Split(strings.TrimSuffix(render(t, Options{}, rows, nil), "\n"), "\n")
	if len(lines) != len(rows)+1 {
		t.Fatalf("%d lines, want %d", len(lines), len(rows)+1)
	}
	for i, l := range lines[1:] {
		if want := "user" + strconv.Itoa(1000000+i) + "  never            true"; l != want {
			t.Fatalf("line %d = %q, want %q", i+2, l, want)
		}
	}
}

func TestNothingCutOffTerminal(t *testing.T) {
	long := strings.Repeat("x", 500)
	if got := render(t, Options{}, []doc{{"userName": long}}, nil); !strings.Contains(got, long) {
		t.Error("a long value was cut off a terminal")
	}
	got := render(t, Options{}, []doc{{"userName": long}}, func(s *iostreams.Streams) { s.SetTerminal(40) })
	for line := range strings.Lines(got) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 40 {
			t.Errorf("line of %d columns on a terminal of 40: %q", n, line)
		}
	}
	if !strings.Contains(got, "…") {
		t.Error("a value was cut on a terminal without a sign of it")
	}
}

func TestStreamFails(t *testing.T) {
	boom := errors.New("page 2 is gone")
	seq := func(yield func(doc, error) bool) {
		if yield(doc{"userName": "a"}, nil) {
			yield(nil, boom)
		}
	}
	for _, f := range Formats() {
		t.Run(f, func(t *testing.T) {
			s, _, out, _ := iostreams.Test()
			n, err := New(&Options{Format: Format(f)}, spec()).Stream(s, seq)
			if !errors.Is(err, boom) || n != 1 {
				t.Errorf("Stream() = %d, %v, want 1 and the sequence's error", n, err)
			}
			if !strings.Contains(out.String(), "a") {
				t.Error("the row before the failure is missing")
			}
			if f == "json" && json.Valid(out.Bytes()) {
				t.Errorf("a cut list is valid JSON: %s", out)
			}
		})
	}
}

type fullDisk struct{ err error }

func (d fullDisk) Write([]byte) (int, error) { return 0, d.err }

func TestWriteErrors(t *testing.T) {
	full := errors.New("no space left on device")
	for _, f := range Formats() {
		t.Run(f, func(t *testing.T) {
			s, _, _, _ := iostreams.Test()
			s.Out = fullDisk{full}
			if err := New(&Options{Format: Format(f)}, spec()).List(s, people()[:1]); !errors.Is(err, full) {
				t.Errorf("List() = %v, want the writer's error", err)
			}
		})
	}
}

func TestFlags(t *testing.T) {
	var o Options
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	fs.SetOutput(&bytes.Buffer{})
	o.AddFlags(fs)
	if err := fs.Parse([]string{"-o", "json", "--fields", "a,b", "--fields", `c`, "--no-headers"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Options{Format: JSON, Fields: []string{"a,b", "c"}, NoHeaders: true}, o, cmpopts.IgnoreUnexported(Options{})); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if err := fs.Parse([]string{"-o", "xml"}); err == nil || !strings.Contains(err.Error(), "table, wide, json") {
		t.Errorf("-o xml = %v, want an error that lists the formats", err)
	}
}

func TestAnyPath(t *testing.T) {
	for path, want := range map[string]bool{
		"userName": true, "name.familyName": true, "$ref": true, "a-b_1": true,
		"urn:ietf:params:scim:schemas:core:2.0:User:userName":        true,
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": true,
		"urn:ietf:params:scim:schemas:core:2.0:User:name.familyName": true,
		"": false, ".": false, "a.": false, "1a": false, "a b": false, "x:y": false, "urn:": false,
		`emails[type eq "work"]`: false, "a..b": false,
	} {
		if got := AnyPath(path); got != want {
			t.Errorf("AnyPath(%q) = %t, want %t", path, got, want)
		}
	}
}

func TestLookup(t *testing.T) {
	const user = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	d := doc{
		"userName": "ada", "name": doc{"givenName": "Ada"}, "emails": []any{doc{"value": "a"}, doc{"type": "x"}, doc{"value": "b"}},
		user:           doc{"department": "Engines", "manager": doc{"value": "7"}},
		user + ":more": doc{"x": "y"},
	}
	tests := []struct {
		path string
		want any
	}{
		{"USERNAME", "ada"},
		{"name.givenname", "Ada"},
		{"name.none", nil},
		{"userName.x", nil},
		{"emails.value", []any{"a", "b"}},
		{"emails.none", nil},
		{user + ":department", "Engines"},
		{user + ":manager.value", "7"},
		{user + ":more:x", "y"},
		{user, doc{"department": "Engines", "manager": doc{"value": "7"}}},
		{"urn:ietf:params:scim:schemas:core:2.0:User:name.givenName", "Ada"},
		{"none", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Lookup(d, tt.path)); diff != "" {
			t.Errorf("Lookup(%q) (-want +got):\n%s", tt.path, diff)
		}
	}
}
