package catalogtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entry is a request of the catalogue.
type entry struct {
	ID       string            `json:"id"`
	Path     []string          `json:"path"`
	Method   string            `json:"method"`
	URL      string            `json:"url"`
	Endpoint string            `json:"endpoint"`
	Headers  map[string]string `json:"headers"`
	Body     *struct {
		Type string          `json:"type"`
		JSON json.RawMessage `json:"json"`
	} `json:"body"`
	Examples []struct {
		Status int            `json:"status"`
		Body   map[string]any `json:"body"`
	} `json:"examples"`
}

// module is the line by which the root of the repository is recognised.
const module = "module github.com/idctl/idctl\n"

// root is the repository's root, found by walking up.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		raw, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(raw), module) {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod of this module above the working directory")
		}
		dir = up
	}
}

// reference is the folder with catalog and idcs in it. Without it there is
// nothing to replay, which a developer may live with and CI may not.
func reference(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("IDCTL_REFERENCE")
	if dir == "" {
		dir = filepath.Join(root(t), "..", "shared", "reference")
	}
	if _, err := os.Stat(filepath.Join(dir, "catalog", "users.json")); err != nil {
		const text = "THE CATALOGUE WAS NOT REPLAYED: no catalog/users.json in %s; set IDCTL_REFERENCE to the folder that holds catalog and idcs"
		if os.Getenv("CI") == "true" {
			t.Fatalf(text, dir)
		}
		t.Skipf(text, dir)
	}
	return dir
}

// readJSON decodes a file of the reference.
func readJSON(t *testing.T, into any, elem ...string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", filepath.Join(elem...), err)
	}
}

func catalogue(t *testing.T, dir, name string) []entry {
	t.Helper()
	var entries []entry
	readJSON(t, &entries, dir, "catalog", name)
	if len(entries) == 0 {
		t.Fatalf("%s holds no request", name)
	}
	return entries
}

// variables are what {{name}} stands for.
type variables map[string]string

// fill puts the variables into a text; one that is not known is an error, so
// that no request is sent with a hole in it.
func (v variables) fill(text string) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}}")
		value, known := v[name]
		if !closed || !known {
			return "", fmt.Errorf("variable %q is not set by an earlier answer", name)
		}
		out.WriteString(value)
		text = after
	}
}

// encodeURL does what the collection's client does with the text of a URL: in
// the query it escapes blanks, quotes, angle brackets and everything that is
// not printable ASCII. Brackets, braces, colons and plus signs go as they are.
func encodeURL(text string) string {
	base, query, found := strings.Cut(text, "?")
	if !found {
		return text
	}
	var out strings.Builder
	out.WriteString(base + "?")
	for i := range len(query) {
		c := query[i]
		if c <= ' ' || c > '~' || strings.IndexByte(`"'<>#`, c) >= 0 {
			fmt.Fprintf(&out, "%%%02X", c)
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}

func TestEncodeURL(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"no query", "http://h/Users/a b", "http://h/Users/a b"},
		{"blanks and quotes", `http://h/Users?filter=userName sw "x"`, `http://h/Users?filter=userName%20sw%20%22x%22`},
		{"plus and brackets stay", `http://h/U?a=b[c+eq+"d"]`, `http://h/U?a=b[c+eq+%22d%22]`},
		{"not ASCII", "http://h/U?a=é", "http://h/U?a=%C3%A9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := encodeURL(tt.in); got != tt.want {
				t.Errorf("encodeURL(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestFill(t *testing.T) {
	v := variables{"a": "1", "b": "2"}
	if got, err := v.fill("x{{a}}y{{b}}"); err != nil || got != "x1y2" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, bad := range []string{"{{c}}", "{{a"} {
		if got, err := v.fill(bad); err == nil {
			t.Errorf("fill(%q) = %q, want an error", bad, got)
		}
	}
}
