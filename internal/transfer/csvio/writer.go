package csvio

import (
	"bufio"
	"errors"
	"io"
	"strings"

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

// Writer writes rows as RFC 4180 has them: a cell is quoted where it must be,
// and line ends inside a cell are kept as they are. It is not safe for
// concurrent use.
type Writer struct {
	w    *bufio.Writer
	f    Format
	line []byte // text of the row being built
	out  []byte // the same, encoded
	rows int
}

// NewWriter writes rows to w. The caller calls Flush at the end and looks at
// its error.
func NewWriter(w io.Writer, f Format) *Writer {
	return &Writer{w: bufio.NewWriterSize(w, bufferSize), f: f.withDefaults()}
}

// Write writes one row. A character that the encoding lacks is an EncodeError;
// nothing of the row is written then.
func (w *Writer) Write(cells []string) error {
	w.out = w.out[:0]
	if w.rows == 0 && w.f.BOM && w.f.Encoding != Windows1252 {
		w.out, _, _ = encode(w.out, "\ufeff", w.f.Encoding)
	}
	empty := true
	for _, c := range cells {
		empty = empty && c == ""
	}
	delim := string(w.f.Delimiter)
	for i, c := range cells {
		w.line = w.line[:0]
		if i > 0 {
			w.line = append(w.line, delim...)
		}
		// A row of empty cells would pass for a blank line.
		if w.mustQuote(c) || i == 0 && empty {
			w.line = append(w.line, '"')
			w.line = append(w.line, strings.ReplaceAll(c, `"`, `""`)...)
			w.line = append(w.line, '"')
		} else {
			w.line = append(w.line, c...)
		}
		if i == len(cells)-1 {
			w.line = append(w.line, w.f.LineEnd...)
		}
		var r rune
		var ok bool
		if w.out, r, ok = encode(w.out, string(w.line), w.f.Encoding); !ok {
			return &EncodeError{Rune: r, Encoding: w.f.Encoding, Column: i + 1}
		}
	}
	if _, err := w.w.Write(w.out); err != nil {
		return err
	}
	w.rows++
	return nil
}

func (w *Writer) mustQuote(c string) bool {
	for i := 0; i < len(c); i++ {
		// Control characters are quoted so that the first bytes of a file
		// cannot be taken for a byte order mark or the magic of another format.
		if b := c[i]; b == '"' || b < 0x20 || rune(b) == w.f.Delimiter {
			return true
		}
	}
	if c == "" {
		return false
	}
	return c[0] == ' ' || c[len(c)-1] == ' ' || strings.HasPrefix(c, "\ufeff") ||
		w.rows == 0 && (strings.ContainsAny(c, delimiters) || len(c) >= 4 && strings.EqualFold(c[:4], "sep="))
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
