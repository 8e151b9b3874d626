package output

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/iostreams"
)

// ask prints rows through a query and answers both streams.
func ask(t *testing.T, o Options, rows []doc) (out, errOut string, err error) {
	t.Helper()
	s, _, outBuf, errBuf := iostreams.Test()
	if err := o.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = New(&o, spec()).List(s, rows)
	return outBuf.String(), errBuf.String(), err
}

func TestQueries(t *testing.T) {
	rows := []doc{
		{"userName": "ada", "title": "Boss", "n": json.Number("3"), "big": json.Number("12345678901234567890"), "emails": []any{doc{"value": "a <&>"}}},
		{"userName": "bob", "n": json.Number("1.50")},
	}
	for _, tc := range []struct {
		name string
		o    Options
		want string
	}{
		{"jmespath on a list", Options{Query: "[].userName"}, "[\n  \"ada\",\n  \"bob\"\n]\n"},
		{"a table is JSON", Options{Format: Wide, Query: "length(@)"}, "2\n"},
		{"numbers compare", Options{Query: "[?n > `2`].userName | [0]"}, "\"ada\"\n"},
		{"numbers keep their digits", Options{Query: "[0].big"}, "12345678901234567890\n"},
		{"nothing found", Options{Query: "[?userName=='x'] | [0].title"}, "null\n"},
		{"characters of HTML", Options{Query: "[].emails[].value"}, "[\n  \"a <&>\"\n]\n"},
		{"lines are asked one by one", Options{Format: JSONL, Query: "userName"}, "\"ada\"\n\"bob\"\n"},
		{"names", Options{Format: Name, Query: "[].userName"}, "ada\nbob\n"},
		{"csv", Options{Format: CSV, Query: "[].[userName, title, n]"}, "ada,Boss,3\nbob,,1.5\n"},
		{"yaml", Options{Format: YAML, Query: "[].{u: userName}"}, "- u: ada\n- u: bob\n"},
		{"jq on a list", Options{JQ: ".[] | .userName"}, "\"ada\"\n\"bob\"\n"},
		{"jq keeps digits", Options{JQ: ".[0].big, .[1].n"}, "12345678901234567890\n1.50\n"},
		{"jq is exact with large numbers", Options{JQ: ".[0].big + 1"}, "12345678901234567891\n"},
		{"jq without results", Options{JQ: "empty"}, ""},
		{"jq that halts", Options{JQ: ".[0].userName, halt"}, "\"ada\"\n"},
		{"jq by line", Options{Format: JSONL, JQ: "{userName, n}"}, "{\"n\":3,\"userName\":\"ada\"}\n{\"n\":1.50,\"userName\":\"bob\"}\n"},
		{"jq rows", Options{Format: CSV, JQ: ".[] | [.userName, .title]"}, "ada,Boss\nbob,\n"},
		{"jq text", Options{Format: Name, JQ: `.[] | "\(.userName) \(.n)"`}, "ada 3\nbob 1.50\n"},
		{"several documents", Options{Format: YAML, JQ: ".[].n"}, "3\n---\n1.50\n"},
		{"no environment", Options{JQ: "$ENV, env"}, "{}\n{}\n"},
		{"fields first", Options{Fields: []string{"userName"}, JQ: ".[0]"}, "{\n  \"userName\": \"ada\"\n}\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, errOut, err := ask(t, tc.o, rows)
			if err != nil || errOut != "" {
				t.Fatalf("error %v, stderr %q", err, errOut)
			}
			if diff := cmp.Diff(tc.want, out); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
	for _, o := range []Options{{Query: "length(@)"}, {JQ: "length"}} {
		if out, _, err := ask(t, o, nil); out != "0\n" || err != nil {
			t.Errorf("%+v on an empty list = %q, %v", o, out, err)
		}
	}
}

func TestQueryOne(t *testing.T) {
	s, _, out, _ := iostreams.Test()
	o := Options{Query: "name.familyName"}
	if err := o.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o.Answered() || !o.Queried() {
		t.Error("before printing: want a query that is not answered")
	}
	if err := New(&o, spec()).One(s, &people()[0]); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "\"Lovelace <&>\"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !o.Answered() {
		t.Error("after printing: want it answered")
	}
}

func TestQueryErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    Options
		pos  int
		msg  string
	}{
		{"jmespath syntax", Options{Query: "[].a b"}, 5, "a name"},
		{"jmespath end", Options{Query: "[?a"}, 3, ""},
		{"jmespath character", Options{Query: "a.#"}, 2, ""},
		{"jmespath function", Options{Query: "[].sizes(@)"}, 3, "there is no function sizes"},
		{"jq syntax", Options{JQ: ".[] | | .a"}, 6, "unexpected token"},
		{"jq end", Options{JQ: ".["}, 2, "unexpected EOF"},
		{"jq function", Options{JQ: ".[] | foo(1)"}, 6, "foo/1"},
		{"jq variable", Options{JQ: ".a + $x"}, 5, "$x"},
		{"both", Options{Query: "a", JQ: "."}, -1, "exclude each other"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.o.Prepare(t.Context())
			var bad *QueryError
			if !errors.As(err, &bad) {
				t.Fatalf("Prepare() = %v", err)
			}
			if bad.Pos != tc.pos || !strings.Contains(bad.Msg, tc.msg) {
				t.Errorf("at %d %q, want at %d %q", bad.Pos, bad.Msg, tc.pos, tc.msg)
			}
			if bad.ExitCode() != 64 || bad.Hint() == "" || !strings.Contains(bad.Error(), "--"+bad.Flag) {
				t.Errorf("code %d, hint %q, text %q", bad.ExitCode(), bad.Hint(), bad.Error())
			}
			if caret := bad.Caret(); bad.Pos >= 0 && !strings.HasSuffix(caret, "\n"+strings.Repeat(" ", bad.Pos)+"^") {
				t.Errorf("caret:\n%s", caret)
			}
		})
	}
}

// TestQueryFailures: nothing of a list is printed when the expression fails on
// it, and the row on which it fails is named.
func TestQueryFailures(t *testing.T) {
	rows := []doc{{"userName": "ada", "title": "Boss"}, {"userName": "bob"}, {"userName": "cy", "title": "Hand"}}
	for _, tc := range []struct {
		name   string
		o      Options
		want   string
		out    string
		errOut string
		code   int
	}{
		{"jmespath", Options{Query: "[].length(title)"}, "row 2 (bob): --query: invalid type for: null, expected: string, array, object", "", "", 1},
		{"jq", Options{JQ: `.[] | .title | ascii_downcase`}, "row 2 (bob): --jq: ascii_downcase cannot be applied to: null", "", "", 1},
		{"not of a row", Options{JQ: `error("no")`}, `--jq: error: no`, "", "", 1},
		{
			"lines",
			Options{Format: JSONL, JQ: `.title | ascii_downcase`},
			"the query failed on 1 of 3: row 2 (bob)", "\"boss\"\n\"hand\"\n",
			"error: row 2 (bob): --jq: ascii_downcase cannot be applied to: null\n", 3,
		},
		{
			"every line",
			Options{Format: JSONL, JQ: `error("x")`},
			"failed on 3 of 3: row 1 (ada)", "",
			"error: row 1 (ada): --jq: error: x\nerror: row 2 (bob): --jq: error: x\nerror: row 3 (cy): --jq: error: x\n", 1,
		},
		{"null is no name", Options{Format: Name, Query: "map(&title, @)"}, "a result is null", "Boss\n", "", 1},
		{"object in a cell", Options{Format: CSV, JQ: ".[0]"}, "an object or a list", "", "", 1},
		{"name of two lines", Options{Format: Name, JQ: `"a\nb"`}, "line of its own", "", "", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, errOut, err := ask(t, tc.o, rows)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "write output") {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			code := 1
			if e := new(RowsError); errors.As(err, &e) {
				code = e.ExitCode()
			}
			if diff := cmp.Diff([]any{tc.out, tc.errOut, tc.code}, []any{out, errOut, code}); diff != "" {
				t.Errorf("stdout, stderr, code (-want +got):\n%s", diff)
			}
		})
	}
}

// TestQueryOfBrokenList: a list that could not be read to its end is not taken
// for whole.
func TestQueryOfBrokenList(t *testing.T) {
	s, _, out, _ := iostreams.Test()
	o := Options{JQ: "length"}
	if err := o.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("cut")
	_, err := New(&o, spec()).Stream(s, func(yield func(doc, error) bool) {
		_ = yield(people()[0], nil) && yield(nil, broken)
	})
	if !errors.Is(err, broken) || out.String() != "" {
		t.Errorf("error %v, output %q", err, out)
	}
}

// TestEndlessQuery: a program that never ends goes on no longer than its
// context.
func TestEndlessQuery(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	s, _, out, _ := iostreams.Test()
	o := Options{JQ: "def f: f; f"}
	if err := o.Prepare(ctx); err != nil {
		t.Fatal(err)
	}
	err := New(&o, spec()).List(s, people())
	if !errors.Is(err, context.DeadlineExceeded) || out.String() != "" {
		t.Errorf("error %v, output %q", err, out)
	}
}

// TestStructured: that documents are asked for on account of a query is no
// reason to print errors for programs.
func TestStructured(t *testing.T) {
	for format, want := range map[Format]bool{"": false, Name: false, JSON: true, JSONL: true} {
		o := Options{Format: format, Query: "@"}
		if err := o.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		if o.Structured() != want {
			t.Errorf("-o %q --query: structured is %v", format, !want)
		}
		if o.Format != JSON && o.Format != JSONL {
			t.Errorf("-o %q --query: commands see the format %q", format, o.Format)
		}
	}
}
