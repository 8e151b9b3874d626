package csvio

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/idctl/idctl/internal/atomicfile"
)

// Format says how a file is written. The zero value is comma, UTF-8, line
// feed and no byte order mark.
type Format struct {
	Delimiter rune
	Encoding  Encoding
	LineEnd   string
	BOM       bool
}

func (f Format) withDefaults() Format {
	if f.Delimiter == 0 {
		f.Delimiter = ','
	}
	if f.LineEnd == "" {
		f.LineEnd = "\n"
	}
	switch f.Encoding {
	case Auto:
		f.Encoding = UTF8
	case UTF16:
		f.Encoding = UTF16LE
	}
	return f
}

// byteOrderMark is the byte order mark as a character.
const byteOrderMark = "\ufeff"

// Writer writes rows as RFC 4180 has them: a cell is quoted where it must be,
// and line ends inside a cell are kept as they are. It is not safe for
// concurrent use.
type Writer struct {
	w         *bufio.Writer
	f         Format
	delimiter string
	line      []byte // text of the cell being built
	out       []byte // the row, encoded
	rows      int
	quote     [utf8.RuneSelf]bool // characters for which a cell is quoted
}

// NewWriter writes rows to w. The caller calls Flush at the end and looks at
// its error.
func NewWriter(w io.Writer, f Format) *Writer {
	f = f.withDefaults()
	out := &Writer{w: bufio.NewWriterSize(w, bufferSize), f: f, delimiter: string(f.Delimiter)}
	// Control characters are quoted so that the first bytes of a file cannot be
	// taken for a byte order mark or the magic of another format.
	for c := range out.quote {
		out.quote[c] = c == '"' || c < ' ' || rune(c) == f.Delimiter
	}
	return out
}

// Write writes one row. A character that the encoding lacks is an EncodeError;
// nothing of the row is written then.
func (w *Writer) Write(cells []string) error {
	w.begin()
	empty := true
	for _, c := range cells {
		if c != "" {
			empty = false
			break
		}
	}
	if w.f.Encoding == UTF8 {
		for i, c := range cells {
			w.out = appendCell(w, w.out, c, i, empty)
		}
		w.out = append(w.out, w.f.LineEnd...)
		return w.put()
	}
	for i, c := range cells {
		w.line = appendCell(w, w.line[:0], c, i, empty)
		if i == len(cells)-1 {
			w.line = append(w.line, w.f.LineEnd...)
		}
		var r rune
		var ok bool
		if w.out, r, ok = encode(w.out, string(w.line), w.f.Encoding); !ok {
			return &EncodeError{Rune: r, Encoding: w.f.Encoding, Column: i + 1}
		}
	}
	return w.put()
}

// WriteText is Write for cells whose texts stand one behind the other: ends
// says where each of them ends.
func (w *Writer) WriteText(text []byte, ends []int) error {
	start := 0
	if w.f.Encoding != UTF8 {
		cells := make([]string, len(ends))
		for i, end := range ends {
			cells[i] = string(text[start:end])
			start = end
		}
		return w.Write(cells)
	}
	w.begin()
	for i, end := range ends {
		w.out = appendCell(w, w.out, text[start:end], i, len(text) == 0)
		start = end
	}
	w.out = append(w.out, w.f.LineEnd...)
	return w.put()
}

func (w *Writer) begin() {
	w.out = w.out[:0]
	if w.rows == 0 && w.f.BOM && w.f.Encoding != Windows1252 {
		w.out, _, _ = encode(w.out, byteOrderMark, w.f.Encoding)
	}
}

// appendCell appends the cell with number i, quoted where it must be. A row of
// empty cells would pass for a blank line, so that its first one is quoted.
func appendCell[T string | []byte](w *Writer, dst []byte, c T, i int, empty bool) []byte {
	if i > 0 {
		dst = append(dst, w.delimiter...)
	}
	switch {
	case len(c) == 0 && (i > 0 || !empty):
		return dst
	case len(c) > 0 && !mustQuote(w, c):
		return append(dst, c...)
	}
	dst = append(dst, '"')
	for i := 0; i < len(c); i++ {
		if c[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, c[i])
	}
	return append(dst, '"')
}

func (w *Writer) put() error {
	if _, err := w.w.Write(w.out); err != nil {
		return err
	}
	w.rows++
	return nil
}

func mustQuote[T string | []byte](w *Writer, c T) bool {
	for i := 0; i < len(c); i++ {
		if b := c[i]; b < utf8.RuneSelf && w.quote[b] {
			return true
		}
	}
	return c[0] == ' ' || c[len(c)-1] == ' ' || c[0] == byteOrderMark[0] && strings.HasPrefix(string(c), byteOrderMark) ||
		w.rows == 0 && (strings.ContainsAny(string(c), delimiters) || len(c) >= 4 && strings.EqualFold(string(c[:4]), "sep="))
}

// Flush hands everything written to the underlying writer.
func (w *Writer) Flush() error { return w.w.Flush() }

// FileWriter writes a file that appears whole or not at all: under another
// name first, and under its own after Commit.
type FileWriter struct {
	*Writer
	file *atomicfile.File
}

// Create starts a file that only its owner can read, in the folder where it
// will appear. The caller ends it with Commit or Abort; Abort after Commit
// does nothing, so that it can be deferred.
func Create(path string, f Format) (*FileWriter, error) {
	file, err := atomicfile.Create(path)
	if err != nil {
		return nil, err
	}
	return &FileWriter{Writer: NewWriter(file, f), file: file}, nil
}

// Commit writes what is left to the disk and gives the file its name,
// replacing an older one.
func (w *FileWriter) Commit() error {
	if err := w.Flush(); err != nil {
		return errors.Join(err, w.file.Abort())
	}
	return w.file.Commit()
}

// Abort removes what was written, unless it was committed.
func (w *FileWriter) Abort() error { return w.file.Abort() }
