package csvio

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(tb testing.TB, content string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "in.csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func open(tb testing.TB, content string, o Options) *File {
	tb.Helper()
	f, err := Open(write(tb, content), o)
	if err != nil {
		tb.Fatalf("open %q: %v", content, err)
	}
	return f
}

// flat is a row as the tests write it.
type flat struct {
	Line  int
	Cells []string
	Code  string
}

func readAll(tb testing.TB, f *File) ([]flat, error) {
	tb.Helper()
	var out []flat
	n := 0
	for row, err := range f.Rows(tb.Context()) {
		if err != nil {
			return out, err
		}
		n++
		if row.Number != n {
			tb.Errorf("row number %d, want %d", row.Number, n)
		}
		r := flat{Line: row.Line, Cells: row.Cells}
		if row.Err != nil {
			r.Code = row.Err.Code
		}
		out = append(out, r)
	}
	return out, nil
}

func utf16Text(s string, order Encoding, bom bool) string {
	var out []byte
	if bom {
		out, _, _ = encode(out, "\ufeff", order)
	}
	out, _, _ = encode(out, s, order)
	return string(out)
}

func TestRows(t *testing.T) {
	tests := []struct {
		name, in string
		opts     Options
		want     []flat
		wantErr  error
		errLine  int
	}{
		{name: "plain", in: "a,b\n1,2\n3,4\n", want: []flat{{2, []string{"1", "2"}, ""}, {3, []string{"3", "4"}, ""}}},
		{name: "no last line end", in: "a,b\n1,2", want: []flat{{2, []string{"1", "2"}, ""}}},
		{name: "last cell empty at end of file", in: "a,b\n1,", want: []flat{{2, []string{"1", ""}, ""}}},
		{name: "crlf kept inside a cell", in: "a,b\r\n\"x\r\ny\",2\r\n3,4\r\n", want: []flat{{2, []string{"x\r\ny", "2"}, ""}, {4, []string{"3", "4"}, ""}}},
		{name: "lf and lone cr inside a cell", in: "a,b\n\"x\ny\rz\",2\n", want: []flat{{2, []string{"x\ny\rz", "2"}, ""}}},
		{name: "old mac line ends", in: "a,b\r1,2\r\"3\r4\",5\r6,7", want: []flat{{2, []string{"1", "2"}, ""}, {3, []string{"3\r4", "5"}, ""}, {5, []string{"6", "7"}, ""}}},
		{name: "doubled quotes", in: "a,b\n\"say \"\"hi\"\"\",\"\"\"\"\n", want: []flat{{2, []string{`say "hi"`, `"`}, ""}}},
		{name: "blank lines and spreadsheet tails", in: "\n\na,b\n\n1,2\n,\n,,,\n\n3,4\n", want: []flat{{5, []string{"1", "2"}, ""}, {9, []string{"3", "4"}, ""}}},
		{name: "quoted empty row is a row", in: "a\n\"\"\nx\n", want: []flat{{2, []string{""}, ""}, {3, []string{"x"}, ""}}},
		{name: "trailing empty cells", in: "a,b,,\n1,2,,,\n", want: []flat{{2, []string{"1", "2"}, ""}}},
		{name: "too few and too many", in: "a,b\n1\n1,2,3\n4,5\n", want: []flat{{2, []string{"1"}, CodeColumnCount}, {3, []string{"1", "2", "3"}, CodeColumnCount}, {4, []string{"4", "5"}, ""}}},
		{name: "nul", in: "a,b\n1,x\x00y\n3,4\n", want: []flat{{2, []string{"1", "x\x00y"}, CodeNUL}, {3, []string{"3", "4"}, ""}}},
		{name: "invalid utf-8", in: "a,b\nM\xfcller,2\n3,4\n", want: []flat{{2, []string{"M\xfcller", "2"}, CodeEncoding}, {3, []string{"3", "4"}, ""}}},
		{name: "bare quote", in: "a,b\n5\" disk,2\n3,4\n", want: []flat{{2, []string{`5" disk`, "2"}, CodeQuote}, {3, []string{"3", "4"}, ""}}},
		{name: "blank before quote", in: "a,b\n1, \"2\"\n3,4\n", want: []flat{{2, []string{"1", ` "2"`}, CodeQuote}, {3, []string{"3", "4"}, ""}}},
		{name: "text behind quote", in: "a,b\n\"x\"y,2\n3,4\n", want: []flat{{2, []string{"xy", "2"}, CodeQuote}, {3, []string{"3", "4"}, ""}}},
		{name: "bare carriage return", in: "a,b\nx\ry,2\n3,4\n", want: []flat{{2, []string{"x\ry", "2"}, CodeReturn}, {3, []string{"3", "4"}, ""}}},
		{name: "return behind quote", in: "a,b\n\"x\"\ry,2\n3,4\n", want: []flat{{2, []string{"xy", "2"}, CodeReturn}, {3, []string{"3", "4"}, ""}}},
		{name: "unclosed quote", in: "a,b\n1,2\n\n3,\"x\n5,6\n7,8\n", want: []flat{{2, []string{"1", "2"}, ""}}, wantErr: ErrQuote, errLine: 4},
		{name: "long cell", opts: Options{MaxCell: 8}, in: "a,b\n1,123456789\n\"1234567890\n\",2\n3,12345678\n", want: []flat{{2, []string{"1"}, CodeTooLong}, {3, []string{"2"}, CodeTooLong}, {5, []string{"3", "12345678"}, ""}}},
		{name: "long cell in pieces", opts: Options{MaxCell: 8}, in: "a,b\n\"12345\"\"67890\",2\n", want: []flat{{2, []string{"2"}, CodeTooLong}}},
		{name: "long row", opts: Options{MaxRow: 8}, in: "a,b\n12345,6789\n3,4\n", want: []flat{{2, []string{"12345"}, CodeRowTooLong}, {3, []string{"3", "4"}, ""}}},
		{name: "row of too many columns", opts: Options{MaxColumns: 3}, in: "a,b\n1,2,3,4,5\n3,4\n", want: []flat{{2, []string{"1", "2", "3"}, CodeColumnCount}, {3, []string{"3", "4"}, ""}}},
		{name: "header only", in: "a,b\n"},
		{name: "semicolons", in: "a;\"b,c,d\"\n1,5;2\n", want: []flat{{2, []string{"1,5", "2"}, ""}}},
		{name: "sep line", in: "sep=;\r\na;b\r\n1;2\r\n", want: []flat{{3, []string{"1", "2"}, ""}}},
		{name: "tabs asked for", opts: Options{Delimiter: '\t'}, in: "a,x\tb\n1\t2\n", want: []flat{{2, []string{"1", "2"}, ""}}},
		{name: "utf-8 with mark", in: "\xef\xbb\xbfa,b\nä,2\n", want: []flat{{2, []string{"ä", "2"}, ""}}},
		{name: "utf-16le with mark", in: utf16Text("a,b\r\nä,𝄞\r\n", UTF16LE, true), want: []flat{{2, []string{"ä", "𝄞"}, ""}}},
		{name: "utf-16be with mark", in: utf16Text("a,b\r\nä,𝄞\r\n", UTF16BE, true), want: []flat{{2, []string{"ä", "𝄞"}, ""}}},
		{name: "utf-16 by request", opts: Options{Encoding: UTF16}, in: utf16Text("a,b\nä,2\n", UTF16BE, false), want: []flat{{2, []string{"ä", "2"}, ""}}},
		{name: "utf-16 lone surrogate", in: utf16Text("a,b\nx", UTF16LE, true) + "\x00\xd8" + utf16Text("y,2\n3,4\n", UTF16LE, false), want: []flat{{2, []string{"x\xffy", "2"}, CodeEncoding}, {3, []string{"3", "4"}, ""}}},
		{name: "utf-16 odd end", in: utf16Text("a,b\n1,2", UTF16LE, true) + "x", want: []flat{{2, []string{"1", "2\xff"}, CodeEncoding}}},
		{name: "windows-1252", opts: Options{Encoding: Windows1252}, in: "a,b\nM\xfcller,\x80\x81\n", want: []flat{{2, []string{"Müller", "€\u0081"}, ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, tt.in, tt.opts)
			for pass := range 2 {
				got, err := readAll(t, f)
				if !errors.Is(err, tt.wantErr) || (err == nil) != (tt.wantErr == nil) {
					t.Fatalf("pass %d: error %v, want %v", pass, err, tt.wantErr)
				}
				var q *QuoteError
				if tt.errLine > 0 && (!errors.As(err, &q) || q.Line != tt.errLine) {
					t.Errorf("error %v, want line %d", err, tt.errLine)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("pass %d of %q (-want +got):\n%s", pass, tt.in, diff)
				}
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	tests := []struct {
		name, in string
		opts     Options
		want     error
		says     string
	}{
		{"empty", "", Options{}, ErrEmpty, "name the columns"},
		{"only a mark", "\xef\xbb\xbf", Options{}, ErrEmpty, ""},
		{"only blank lines", "\n\r\n\n", Options{}, ErrEmpty, ""},
		{"doubled header", "User Name,x, user name \n", Options{}, ErrHeader, "columns 1 and 3"},
		{"unnamed column", "a,,c\n1,2,3\n", Options{}, ErrHeader, "column 2"},
		{"nul in header", "a,b\x00\n", Options{}, ErrHeader, "NUL"},
		{"latin-1 header", "Stra\xdfe,b\n", Options{}, ErrHeader, "windows-1252"},
		{"unclosed quote in header", "a,\"b\n1,2\n", Options{}, ErrQuote, "line 1"},
		{"wrong delimiter", "a;b\n1;2\n", Options{Delimiter: ','}, ErrDelimiter, `';'`},
		{"odd delimiter", "a,b\n", Options{Delimiter: '"'}, ErrDelimiter, "ASCII"},
		{"utf-16 without a mark", utf16Text("a,b\n1,2\n", UTF16LE, false), Options{}, ErrEncoding, "utf-16"},
		{"mark against request", "\xef\xbb\xbfa,b\n", Options{Encoding: Windows1252}, ErrEncoding, "utf-8"},
		{"spreadsheet", "PK\x03\x04rest", Options{}, ErrNotCSV, "save it as CSV"},
		{"gzip", "\x1f\x8b\x08rest", Options{}, ErrNotCSV, "unpack"},
		{"huge name", strings.Repeat("x", 2000) + ",b\n", Options{}, ErrHeader, "really the header"},
		{"huge header", strings.Repeat("x", 3<<20), Options{}, ErrHeader, "limit"},
		{"many columns", strings.Repeat("a,", 5000) + "a\n", Options{}, ErrHeader, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(write(t, tt.in), tt.opts)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.says)
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.csv"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Open(t.TempDir(), Options{}); err == nil {
		t.Error("a folder was opened")
	}
}

func TestFileFacts(t *testing.T) {
	f := open(t, "\xef\xbb\xbf\r\n A ;B\r\n1;2\r\n", Options{})
	got := []any{f.Header, f.HeaderLine, f.Delimiter, f.Encoding, f.LineEnd, f.HasBOM, f.Size, len(f.Hash)}
	want := []any{[]string{"A", "B"}, 2, ';', UTF8, "\r\n", true, int64(17), 64}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestParseDelimiterAndEncoding(t *testing.T) {
	for in, want := range map[string]rune{"": 0, "auto": 0, ",": ',', "TAB": '\t', `\t`: '\t', "\t": '\t', "bar": '|', ":": ':'} {
		if got, err := ParseDelimiter(in); got != want || err != nil {
			t.Errorf("ParseDelimiter(%q) = %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"ab", "\"", " ", "é", "\n"} {
		if _, err := ParseDelimiter(in); !errors.Is(err, ErrDelimiter) {
			t.Errorf("ParseDelimiter(%q): %v", in, err)
		}
	}
	for in, want := range map[string]Encoding{"": Auto, "UTF8": UTF8, "utf_16": UTF16, "utf-16be": UTF16BE, "utf-16le": UTF16LE, "cp1252": Windows1252} {
		if got, err := ParseEncoding(in); got != want || err != nil {
			t.Errorf("ParseEncoding(%q) = %q, %v", in, got, err)
		}
	}
	if _, err := ParseEncoding("ebcdic"); !errors.Is(err, ErrEncoding) {
		t.Errorf("ebcdic: %v", err)
	}
	if _, err := Open(write(t, ""), Options{Name: "-"}); err == nil || !strings.HasPrefix(err.Error(), "-: ") {
		t.Errorf("the name is not used: %v", err)
	}
}

func TestBigCellTakesNoMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.csv")
	content := "a,b\n1,\"" + strings.Repeat("x", 32<<20) + "\"\n3,4\n"
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := readAll(t, f)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	want := []flat{{2, []string{"1"}, CodeTooLong}, {3, []string{"3", "4"}, ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("a cell of 32 MB took %d bytes", used)
	}
}

func TestChangedFile(t *testing.T) {
	const content = "a,b\n1,2\n3,4\n"
	changes := map[string]func(path string) error{
		"longer": func(p string) error { return os.WriteFile(p, []byte(content+"5,6\n"), 0o600) },
		"longer, same time": func(p string) error {
			st, err := os.Stat(p)
			return errors.Join(err, os.WriteFile(p, []byte(content+"5,6\n"), 0o600), os.Chtimes(p, st.ModTime(), st.ModTime()))
		},
		"same size":      func(p string) error { return os.WriteFile(p, []byte("a,b\n1,2\n3,5\n"), 0o600) },
		"gone":           os.Remove,
		"touched, equal": func(p string) error { return os.Chtimes(p, time.Unix(1, 0), time.Unix(1, 0)) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			f := open(t, content, Options{})
			if err := change(f.Path); err != nil {
				t.Fatal(err)
			}
			rows, err := readAll(t, f)
			switch name {
			case "touched, equal":
				if err != nil || len(rows) != 2 {
					t.Errorf("rows %v, error %v", rows, err)
				}
			case "gone":
				if !errors.Is(err, os.ErrNotExist) {
					t.Errorf("error %v", err)
				}
			case "longer", "longer, same time":
				if !errors.Is(err, ErrChanged) || len(rows) > 0 {
					t.Errorf("rows %v, error %v, want ErrChanged at once", rows, err)
				}
			default: // the clock may not show it: then the end of the pass does
				if !errors.Is(err, ErrChanged) {
					t.Errorf("error %v, want ErrChanged", err)
				}
			}
		})
	}
	t.Run("during the pass", func(t *testing.T) {
		f := open(t, "a,b\n"+strings.Repeat("1,2\n", 100_000), Options{})
		var last error
		first := true
		for _, err := range f.Rows(t.Context()) {
			if first {
				w, err := os.OpenFile(f.Path, os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.WriteAt([]byte("9"), f.Size-2); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				first = false
			}
			last = err
		}
		if !errors.Is(last, ErrChanged) {
			t.Errorf("error %v, want ErrChanged", last)
		}
	})
}

func TestRowsStopsWithContext(t *testing.T) {
	f := open(t, "a\n"+strings.Repeat("x\n", 1000), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range f.Rows(ctx) {
		n++
		last = err
		if n == 10 {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) || n > 100 {
		t.Errorf("after %d rows: %v", n, last)
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"a,b\n1,2\n", "a;b\r\n\"x\r\ny\";2\r\n", "a\n\"\"\n", "a,b\n\"x", "sep=;\na;b\n1;2", "a,b\n1,\x00\n", "\xff\xfea\x00,\x00b\x00\n\x001\x00,\x002\x00",
		"a,b\r1,2\r", "a,b\n,\n\"\",\n", "a,b\n1,2,,\n", "\xef\xbb\xbfa|b\n'=1'|2\n", "a,b\n x ,\"\ufeff\"\n",
	} {
		f.Add([]byte(s), uint8(0))
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, mode uint8) {
		opts := Options{MaxCell: 64, MaxRow: 512, MaxColumns: 16}
		opts.Encoding = []Encoding{Auto, UTF8, UTF16, Windows1252}[mode%4]
		path := filepath.Join(t.TempDir(), "in")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := Open(path, opts)
		if err != nil {
			return
		}
		rows, err := readAll(t, in)
		if err != nil && !errors.Is(err, ErrQuote) {
			t.Fatalf("read %q: %v", data, err)
		}
		out := path + ".out"
		w, err := Create(out, in.Format())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(in.Header); err != nil {
			t.Fatalf("write header %q: %v", in.Header, err)
		}
		var want [][]string
		for _, r := range rows {
			total := 0
			for _, c := range r.Cells {
				total += len(c)
				if len(c) > opts.MaxCell {
					t.Fatalf("cell of %d bytes", len(c))
				}
			}
			if total > opts.MaxRow || len(r.Cells) > opts.MaxColumns {
				t.Fatalf("row of %d bytes, %d cells", total, len(r.Cells))
			}
			if r.Code == "" {
				want = append(want, r.Cells)
				if err := w.Write(r.Cells); err != nil {
					t.Fatalf("write %q: %v", r.Cells, err)
				}
			}
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		opts.Delimiter, opts.Encoding = in.Delimiter, in.Encoding
		again, err := Open(out, opts)
		if err != nil {
			written, _ := os.ReadFile(out)
			t.Fatalf("read again %q of %q: %v", written, data, err)
		}
		if diff := cmp.Diff(in.Header, again.Header); diff != "" {
			t.Fatalf("header of %q (-first +again):\n%s", data, diff)
		}
		rows, err = readAll(t, again)
		if err != nil {
			t.Fatal(err)
		}
		var got [][]string
		for _, r := range rows {
			if r.Code != "" {
				t.Fatalf("written row %q of %q: %s", r.Cells, data, r.Code)
			}
			got = append(got, r.Cells)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("rows of %q (-first +again):\n%s", data, diff)
		}
	})
}

func benchmarkFile(b *testing.B) string {
	b.Helper()
	var s strings.Builder
	s.WriteString("User Name,First Name,Last Name,Work Email,Department,Title,Work Phone,Active,Locale,Description\n")
	for i := range 100_000 {
		fmt.Fprintf(&s, "user%d,Ada,\"Lovelace, Countess\",user%d@example.com,R&D,Analyst,+44 20 7946 0000,true,en-GB,\"a \"\"b\"\"\"\n", i, i)
	}
	b.SetBytes(int64(s.Len()))
	return write(b, s.String())
}

func BenchmarkRead100k(b *testing.B) {
	path := benchmarkFile(b)
	f, err := Open(path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("csvio", func(b *testing.B) {
		b.SetBytes(f.Size)
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			for row, err := range f.Rows(b.Context()) {
				if err != nil || row.Err != nil {
					b.Fatal(err, row)
				}
				n++
			}
			if n != 100_000 {
				b.Fatal(n)
			}
		}
	})
	b.Run("encoding-csv", func(b *testing.B) {
		b.SetBytes(f.Size)
		b.ReportAllocs()
		for b.Loop() {
			file, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			r := csv.NewReader(file)
			n := 0
			for {
				if _, err := r.Read(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != 100_001 {
				b.Fatal(n)
			}
			if err := file.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
