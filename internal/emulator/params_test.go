package emulator

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/engine"
)

func ptr(n int) *int { return &n }

func TestParseQuery(t *testing.T) {
	for _, tc := range []struct {
		name, raw string
		want      engine.Params
	}{
		{"empty", "", engine.Params{}},
		{
			"all", "filter=a+pr&sortBy=userName&sortOrder=DESCENDING&startIndex=0&count=-1&page=x%3D&limit=5&forceDelete=true",
			engine.Params{Filter: "a pr", SortBy: "userName", SortOrder: "descending", StartIndex: ptr(0), Count: ptr(-1), Page: "x=", Limit: ptr(5), Force: true},
		},
		{
			"attributes", `attributes=userName,+emails[type+eq+"a,b"+and+(value+eq+"]")],members[startIndex=1%26count=10]&attributes=id`,
			engine.Params{Attributes: []string{"userName", `emails[type eq "a,b" and (value eq "]")]`, "members[startIndex=1&count=10]", "id"}},
		},
		{"sets", "attributeSets=all&attributeSets=request,never", engine.Params{AttributeSets: []string{"all", "request", "never"}}},
		{"equals sign in a value", "filter=id=1", engine.Params{Filter: "id=1"}},
		{"encoded plus", "filter=%2B1", engine.Params{Filter: "+1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parseQuery(tc.raw)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSplitAttributes(t *testing.T) {
	for list, want := range map[string][]string{
		"":                     nil,
		" , ,":                 nil,
		"a, b":                 {"a", "b"},
		`a[x eq "\",]"],b`:     {`a[x eq "\",]"]`, "b"},
		"count(*)":             {"count(*)"},
		"a],b":                 {"a]", "b"},
		"a[b,c":                {"a[b,c"},
		"urn:x:User:grants[a]": {"urn:x:User:grants[a]"},
	} {
		if diff := cmp.Diff(want, splitAttributes(list)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", list, diff)
		}
	}
}

func TestIfMatch(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "abc": "abc", `"abc"`: "abc", `W/"abc"`: "abc", "*": "*", `"a", "b"`: `"a", "b"`, `"`: `"`,
	} {
		if got := ifMatch(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	f.Add("filter=a+eq+%22b%22&attributes=x[y,z],w&count=1")
	f.Add(`attributes=a["\`)
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := parseQuery(raw)
		if err != nil {
			return
		}
		for _, a := range p.Attributes {
			if a != strings.TrimSpace(a) || a == "" {
				t.Errorf("attribute %q", a)
			}
		}
	})
}

// FuzzParseJSON compares the strict parser with encoding/json: what it takes
// must mean the same there; what it refuses must be wrong there, too, or be one
// of the things that encoding/json lets pass.
func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `null`, `{"a":[1,2.5e-3,-0,"x\u00e9\ud83d\ude00\n"],"b":{"c":true,"d":false}}`, `{"a":1,"A":2}`, `"\ud800"`, `01`, `1.`, `-`, `{"a" 1}`,
		"\"\x01\"", "\xff", `{"a":1}x`, ` [ 1 , 2 ] `, `"\x"`, `"\u12"`, `[1,]`, strings.Repeat("[", 70),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseJSON(b)
		dec := json.NewDecoder(strings.NewReader(string(b)))
		dec.UseNumber()
		var want any
		wantErr := dec.Decode(&want)
		if wantErr == nil && !json.Valid(b) {
			wantErr = json.Unmarshal(b, new(any))
		}
		if err != nil {
			for _, strict := range []string{"UTF-8", "surrogate", "occurs twice", "nesting"} {
				if strings.Contains(err.Error(), strict) {
					return
				}
			}
			if wantErr == nil {
				t.Fatalf("%q refused: %v", b, err)
			}
			return
		}
		if wantErr != nil {
			t.Fatalf("%q taken, encoding/json says %v", b, wantErr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", b, diff)
		}
	})
}

func TestManyNames(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"n":1`)
	for i := range 20000 {
		fmt.Fprintf(&b, `,"n%d":1`, i)
	}
	if v, err := parseJSON([]byte(b.String() + "}")); err != nil || len(v.(map[string]any)) != 20001 {
		t.Fatalf("%v", err)
	}
	if _, err := parseJSON([]byte(b.String() + `,"N77":1}`)); err == nil || !strings.Contains(err.Error(), "occurs twice") {
		t.Errorf("a duplicate among many: %v", err)
	}
}
