package csvio

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/quick"

	"github.com/google/go-cmp/cmp"
)

func TestWriter(t *testing.T) {
	rows := [][]string{{"a", "b"}, {"x;\"y\"", "1\r\n2\n"}, {"", ""}, {" z ", "ä"}}
	tests := []struct {
		name string
		f    Format
		want string
	}{
		{"default", Format{}, "a,b\n\"x;\"\"y\"\"\",\"1\r\n2\n\"\n\"\",\n\" z \",ä\n"},
		{"semicolon, crlf, mark", Format{Delimiter: ';', LineEnd: "\r\n", BOM: true}, "\ufeffa;b\r\n\"x;\"\"y\"\"\";\"1\r\n2\n\"\r\n\"\";\r\n\" z \";ä\r\n"},
		{"windows-1252", Format{Encoding: Windows1252, BOM: true}, "a,b\n\"x;\"\"y\"\"\",\"1\r\n2\n\"\n\"\",\n\" z \",\xe4\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			w := NewWriter(&b, tt.f)
			for _, r := range rows {
				if err := w.Write(r); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriterEncodeError(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, Format{Encoding: Windows1252})
	err := w.Write([]string{"ok", "日本"})
	var e *EncodeError
	if !errors.As(err, &e) || e.Column != 2 || e.Rune != '日' || !errors.Is(err, ErrEncoding) {
		t.Fatalf("error %v", err)
	}
	if err := errors.Join(w.Write([]string{"next", "row"}), w.Flush()); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != "next,row\n" {
		t.Errorf("wrote %q", got)
	}
}

type fullDisk struct{ room int }

var errFull = errors.New("no space left")

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		return d.room, errFull
	}
	d.room -= len(p)
	return len(p), nil
}

func TestWriterReportsFullDisk(t *testing.T) {
	w := NewWriter(&fullDisk{room: 10}, Format{})
	err := errors.Join(w.Write([]string{strings.Repeat("x", 100)}), w.Flush())
	if !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestFileWriter(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := Create(path, Format{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write([]string{"a"}); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("before Commit the file holds %q", got)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Errorf("Abort after Commit: %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "a\n" {
		t.Errorf("after Commit the file holds %q", got)
	}
	if st, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", st.Mode(), err)
	}
	w, err = Create(path, Format{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write([]string{"b"}), w.Abort()); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Commit after Abort: %v", err)
	}
	if got := names(t, dir); !cmp.Equal(got, []string{"out.csv"}) {
		t.Errorf("left behind: %v", got)
	}
	if _, err := Create(filepath.Join(dir, "no", "out.csv"), Format{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
	if _, err := Create(dir, Format{}); err == nil {
		t.Error("wrote to a folder")
	}
}

func TestRejectsGoBackIn(t *testing.T) {
	in := open(t, "A;_code;B\r\n\"x\r\ny\";old;2\r\n1;2\r\n", Options{})
	var b bytes.Buffer
	w := NewWriter(&b, in.Format())
	r, err := NewRejects(w, in)
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range in.Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		x := Reject{Row: row.Number, Line: row.Line, Cells: row.Cells, Code: "bad", Message: "=no\ngood"}
		if err := r.Write(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "A;B;_row;_line;_code;_message\r\n\"x\r\ny\";2;1;2;bad;'=no good'\r\n1;2;2;4;bad;'=no good'\r\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
}

func TestRejectsKeepWrongCount(t *testing.T) {
	in := open(t, "A,B\n1\n1,2,3\n1,"+strings.Repeat("x", 2000)+"\n", Options{MaxCell: 1000})
	out := filepath.Join(t.TempDir(), "rejects.csv")
	w, err := Create(out, in.Format())
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRejects(w.Writer, in)
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range in.Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Write(Reject{Cells: row.Cells, Message: row.Err.Message}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readAll(t, again)
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, error %v", len(rows), err)
	}
	for i, row := range rows {
		if row.Code != CodeColumnCount {
			t.Errorf("reject %d was accepted as %q", i, row.Cells)
		}
	}
}

func TestRejectsMessageOfOtherAlphabet(t *testing.T) {
	in := open(t, "A\nM\xfcller\n", Options{Encoding: Windows1252})
	var b bytes.Buffer
	w := NewWriter(&b, in.Format())
	r, err := NewRejects(w, in)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Write(Reject{Cells: []string{"Müller"}, Message: "no 日本"}), w.Flush()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(b.String(), "M\xfcller,0,0,,no ??\n") {
		t.Errorf("wrote %q", b.String())
	}
}

func TestSpool(t *testing.T) {
	dir := t.TempDir()
	path, cleanup, err := Spool(t.Context(), strings.NewReader("a\nx\n"), dir)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", st.Mode(), err)
	}
	if f, err := Open(path, Options{}); err != nil || f.Header[0] != "a" {
		t.Errorf("open: %v", err)
	}
	if err := cleanup(); err != nil {
		t.Fatal(err)
	}
	broken := &brokenReader{}
	if _, _, err := Spool(t.Context(), broken, dir); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	if got := names(t, dir); len(got) > 0 {
		t.Errorf("left behind: %v", got)
	}
}

type brokenReader struct{ n int }

func (b *brokenReader) Read(p []byte) (int, error) {
	b.n++
	if b.n > 2 {
		return 0, errFull
	}
	return copy(p, "x"), nil
}

func TestGuard(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"Ada", "Ada"},
		{"@test", "'@test'"},
		{"+49 30 1", "'+49 30 1'"},
		{"-", "'-'"},
		{"=1+1", "'=1+1'"},
		{"|x", "'|x'"},
		{"%x", "'%x'"},
		{"'@test'", "''@test''"},
		{"'tis", "'tis"},
		{"'n'", "'n'"},
		{"''", "''"},
		{"'@x", "'@x"},
	}
	for _, tt := range tests {
		if got := Guard(tt.in); got != tt.want {
			t.Errorf("Guard(%q) = %q, want %q", tt.in, got, tt.want)
		}
		if got := Unguard(Guard(tt.in)); got != tt.in {
			t.Errorf("Unguard(Guard(%q)) = %q", tt.in, got)
		}
	}
	if got := Unguard("'+49 30 1'"); got != "+49 30 1" {
		t.Errorf("wrapped by the service: %q", got)
	}
	alphabet := []rune("'@=ab")
	inverse := func(picks []uint8) bool {
		var s []rune
		for _, p := range picks {
			s = append(s, alphabet[int(p)%len(alphabet)])
		}
		return Unguard(Guard(string(s))) == string(s)
	}
	if err := quick.Check(inverse, &quick.Config{MaxCount: 20_000}); err != nil {
		t.Error(err)
	}
}

func FuzzGuard(f *testing.F) {
	for _, s := range []string{"", "'", "''", "'@'", "'''='''", "x", "-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g := Guard(s)
		if Unguard(g) != s {
			t.Fatalf("Unguard(Guard(%q)) = %q", s, Unguard(g))
		}
		if g != "" && strings.ContainsRune("@+-=|%", rune(g[0])) {
			t.Fatalf("Guard(%q) = %q begins like a formula", s, g)
		}
	})
}

func TestTypedRows(t *testing.T) {
	type person struct {
		Name string `csv:"Name"`
		Age  int    `csv:"Age"`
	}
	f := open(t, "name,AGE\nAda,36\nBob,x\nEve\nZoe,1\n", Options{})
	canon := func(h string) string { return map[string]string{"name": "Name", "AGE": "Age"}[h] }
	var got []person
	var bad []int
	for row, err := range TypedRows[person](t.Context(), f, canon) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Err != nil {
			bad = append(bad, row.Line)
			continue
		}
		got = append(got, row.Value)
	}
	if diff := cmp.Diff([]person{{"Ada", 36}, {"Zoe", 1}}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{3, 4}, bad); diff != "" {
		t.Errorf("lines of bad rows (-want +got):\n%s", diff)
	}
}
