package csvio

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"strings"
	"time"
)

// Options say how to read a file. The zero value detects what can be detected
// and sets the default limits.
type Options struct {
	// Name is what errors call the file; its path if empty.
	Name string
	// Delimiter separates cells; 0 finds it in the header, out of comma,
	// semicolon, tab and bar. It must be an ASCII character.
	Delimiter rune
	// Encoding of the file; Auto goes by the byte order mark and takes a file
	// without one as UTF-8.
	Encoding Encoding
	// MaxCell, MaxRow and MaxColumns bound a cell and a row in bytes of UTF-8
	// and the number of columns; 0 means 1 MiB, 16 MiB and 2048.
	MaxCell    int
	MaxRow     int
	MaxColumns int
}

func (o Options) withDefaults() Options {
	if o.MaxCell <= 0 {
		o.MaxCell = 1 << 20
	}
	if o.MaxRow <= 0 {
		o.MaxRow = 16 << 20
	}
	if o.MaxColumns <= 0 {
		o.MaxColumns = 2048
	}
	return o
}

// ParseDelimiter reads a delimiter as people write it: the character itself,
// \t, or the words comma, semicolon, tab, bar and auto. Auto and the empty
// string answer 0, which finds it in the header.
func ParseDelimiter(s string) (rune, error) {
	words := map[string]rune{
		"": 0, "auto": 0, "comma": ',', "semicolon": ';', "tab": '\t', `\t`: '\t', "bar": '|', "pipe": '|',
	}
	if r, ok := words[strings.ToLower(s)]; ok {
		return r, nil
	}
	if r := []rune(s); len(r) == 1 && canDelimit(r[0]) {
		return r[0], nil
	}
	return 0, fmt.Errorf("%w: %q cannot separate cells; use an ASCII character such as , or ;", ErrDelimiter, s)
}

func canDelimit(r rune) bool {
	return r == '\t' || r > ' ' && r < 0x7f && r != '"'
}

// File is a CSV file whose header has been read. It holds no open file: each
// pass over the rows opens it again. It is safe for concurrent use.
type File struct {
	// Path is where the file lies.
	Path string
	// Header holds the column names without surrounding blanks, HeaderLine
	// the physical line they stand on.
	Header     []string
	HeaderLine int
	// Hash is the SHA-256 of the file's bytes in hex, Size their number.
	Hash string
	Size int64
	// Lines is the number of line ends, which no number of rows exceeds by more
	// than one.
	Lines int64
	// Delimiter, Encoding, LineEnd and HasBOM are what the file was found to
	// use. LineEnd is that of the header.
	Delimiter rune
	Encoding  Encoding
	LineEnd   string
	HasBOM    bool

	opts    Options
	name    string
	bom     int
	modTime time.Time
	skip    int // records before the first row: a sep= line, the header
}

// Row is one row of a file.
type Row struct {
	// Number counts rows from 1; lines that are blank do not count. Line is
	// the physical line where the row begins, the first of the file being 1.
	Number int
	Line   int
	// Cells are the row's cells, one for each column unless Err says
	// otherwise. A cell that was too long is left out of them, so that what
	// is left, written to a file of rejects, cannot pass for the whole row.
	Cells []string
	// Err is nil for a good row.
	Err *RowError
}

// Open reads a file's header, finds out how the file is written and hashes it.
// It fails with ErrEmpty, ErrHeader, ErrDelimiter, ErrEncoding, ErrNotCSV,
// ErrQuote or the operating system's error.
func Open(path string, o Options) (*File, error) {
	f := &File{Path: path, opts: o.withDefaults(), name: o.Name}
	if f.name == "" {
		f.name = path
	}
	if d := o.Delimiter; d != 0 && !canDelimit(d) {
		return nil, fmt.Errorf("%w: %q cannot separate cells; use an ASCII character such as , or ;", ErrDelimiter, d)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	st, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return nil, fmt.Errorf("%s is a directory", f.name)
	}
	f.modTime = st.ModTime()
	if err := f.readHeader(file); err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("%s must be a regular file: %w", f.name, err)
	}
	sum := sha256.New()
	lines := lineCounter{end: '\n'}
	if f.LineEnd == "\r" {
		lines.end = '\r'
	}
	if f.Size, err = io.Copy(io.MultiWriter(sum, &lines), file); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.name, err)
	}
	f.Lines = lines.n
	f.Hash = hex.EncodeToString(sum.Sum(nil))
	return f, nil
}

// lineCounter counts line ends. In UTF-16 it may count other bytes as well.
type lineCounter struct {
	end byte
	n   int64
}

// Write implements io.Writer.
func (c *lineCounter) Write(p []byte) (int, error) {
	c.n += int64(bytes.Count(p, []byte{c.end}))
	return len(p), nil
}

func (f *File) readHeader(r io.Reader) error {
	br := bufio.NewReaderSize(r, bufferSize)
	head, err := br.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case len(head) == 0:
		return ErrEmpty
	case strings.HasPrefix(string(head), "PK\x03\x04"), strings.HasPrefix(string(head), "\xd0\xcf\x11\xe0"):
		return fmt.Errorf("%w but a spreadsheet or an archive; save it as CSV first", ErrNotCSV)
	case strings.HasPrefix(string(head), "\x1f\x8b"):
		return fmt.Errorf("%w but a compressed file; unpack it first", ErrNotCSV)
	}
	if f.Encoding, f.bom, err = detect(head, f.opts.Encoding); err != nil {
		return err
	}
	f.HasBOM = f.bom > 0
	if _, err := br.Discard(f.bom); err != nil {
		return err
	}
	text := bufio.NewReaderSize(decoder(br, f.Encoding), bufferSize)
	start, err := text.Peek(bufferSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	look := sniff(string(start))
	f.LineEnd = look.lineEnd
	f.skip = 1
	f.Delimiter = f.opts.Delimiter
	if f.Delimiter == 0 {
		f.Delimiter = rune(look.delimiter)
	}
	s := newScanner(text, f.opts, byte(f.Delimiter&0x7f), f.LineEnd == "\r")
	if look.sep {
		// A first line sep=; tells spreadsheets the delimiter and is no row.
		if err := s.record(); err != nil {
			return err
		}
		f.skip = 2
	}
	for {
		if err := s.record(); errors.Is(err, io.EOF) {
			return ErrEmpty
		} else if err != nil {
			return err
		}
		if !s.blank() {
			break
		}
		f.skip++
	}
	cells := s.cells()
	s.checkText(cells, f.Encoding)
	if s.fault != nil {
		return fmt.Errorf("%w: %w", ErrHeader, s.fault)
	}
	f.HeaderLine = s.begins
	if f.LineEnd == "" {
		f.LineEnd = "\n"
	}
	return f.setHeader(cells, look)
}

func (f *File) setHeader(cells []string, look looks) error {
	for i, c := range cells {
		cells[i] = strings.TrimSpace(c)
	}
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) == 0 {
		return fmt.Errorf("%w: line %d names no column", ErrHeader, f.HeaderLine)
	}
	if len(cells) == 1 && look.count > 0 && rune(look.delimiter) != f.Delimiter {
		return fmt.Errorf("%w: with %q the header is one column; the file seems to be separated by %q",
			ErrDelimiter, f.Delimiter, look.delimiter)
	}
	if len(cells) > f.opts.MaxColumns {
		return fmt.Errorf("%w: more than %d columns", ErrHeader, f.opts.MaxColumns)
	}
	seen := make(map[string]int, len(cells))
	for i, c := range cells {
		if c == "" {
			return fmt.Errorf("%w: column %d on line %d has no name", ErrHeader, i+1, f.HeaderLine)
		}
		if len(c) > 1024 {
			return fmt.Errorf("%w: the name of column %d is %d bytes long; is line %d really the header?", ErrHeader, i+1, len(c), f.HeaderLine)
		}
		key := strings.ToLower(c)
		if first, dup := seen[key]; dup {
			return fmt.Errorf("%w: columns %d and %d are both called %q", ErrHeader, first, i+1, c)
		}
		seen[key] = i + 1
	}
	f.Header = cells
	return nil
}

// delimiters are those that sniff can find, the likeliest first.
const delimiters = ",;\t|"

// looks is what the beginning of a file shows.
type looks struct {
	delimiter byte
	count     int // how often delimiter occurs in the header
	lineEnd   string
	sep       bool // the first line is sep=, of a spreadsheet
}

// sniff finds the delimiter and the line end in the first line that is not
// blank. Quotes are respected; where two delimiters occur as often, the
// earlier of comma, semicolon, tab and bar wins.
func sniff(text string) looks {
	l := looks{delimiter: ','}
	if len(text) >= 5 && strings.EqualFold(text[:4], "sep=") && strings.IndexByte(delimiters, text[4]) >= 0 {
		if rest := text[5:]; rest == "" || rest[0] == '\r' || rest[0] == '\n' {
			l.sep, l.delimiter, l.count = true, text[4], 1
			l.lineEnd = lineEnd(rest)
			return l
		}
	}
	text = strings.TrimLeft(text, "\r\n")
	var counts [len(delimiters)]int
	quoted := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n' || c == '\r':
			l.lineEnd = lineEnd(text[i:])
			i = len(text)
		default:
			if j := strings.IndexByte(delimiters, c); j >= 0 {
				counts[j]++
			}
		}
	}
	for j, n := range counts {
		if n > l.count {
			l.delimiter, l.count = delimiters[j], n
		}
	}
	return l
}

// lineEnd answers the line end that text begins with.
func lineEnd(text string) string {
	for _, e := range []string{"\r\n", "\n", "\r"} {
		if strings.HasPrefix(text, e) {
			return e
		}
	}
	return ""
}

// Rows reads the rows from the beginning, as often as asked. An error is
// fatal and the last thing yielded: ErrQuote, ErrChanged, ctx's error or that
// of a read. That the content is what was hashed by Open is known for certain
// only at the end of a pass; what shows earlier is looked at first.
func (f *File) Rows(ctx context.Context) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		if err := f.rows(ctx, yield); err != nil {
			yield(nil, err)
		}
	}
}

func (f *File) rows(ctx context.Context, yield func(*Row, error) bool) error {
	file, sum, err := f.reopen()
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	raw := io.TeeReader(file, sum)
	if _, err := io.CopyN(io.Discard, raw, int64(f.bom)); err != nil {
		return fmt.Errorf("%s: %w", f.name, ErrChanged)
	}
	s := newScanner(decoder(raw, f.Encoding), f.opts, byte(f.Delimiter&0x7f), f.LineEnd == "\r")
	for range f.skip {
		if err := s.record(); err != nil {
			return fmt.Errorf("%s: %w", f.name, ErrChanged)
		}
	}
	for n := 0; ; {
		if n&63 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		err := s.record()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if !errors.Is(err, ErrQuote) {
				err = fmt.Errorf("read %s: %w", f.name, err)
			}
			return err
		}
		if s.blank() {
			continue
		}
		n++
		if !yield(f.row(s, n), nil) {
			return nil
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.Hash {
		return fmt.Errorf("%s: %w", f.name, ErrChanged)
	}
	return nil
}

// reopen opens the file for a pass. A file that was touched since Open is read
// once more before its first row is given out.
func (f *File) reopen() (*os.File, hash.Hash, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.New()
	err = func() error {
		st, err := file.Stat()
		if err != nil {
			return err
		}
		if st.Size() != f.Size {
			return fmt.Errorf("%s: %w: it has %d bytes, not %d", f.name, ErrChanged, st.Size(), f.Size)
		}
		if st.ModTime().Equal(f.modTime) {
			return nil
		}
		if _, err := io.Copy(sum, file); err != nil {
			return err
		}
		if hex.EncodeToString(sum.Sum(nil)) != f.Hash {
			return fmt.Errorf("%s: %w", f.name, ErrChanged)
		}
		sum.Reset()
		_, err = file.Seek(0, io.SeekStart)
		return err
	}()
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, sum, nil
}

func (f *File) row(s *scanner, n int) *Row {
	row := &Row{Number: n, Line: s.begins, Cells: s.cells()}
	s.checkText(row.Cells, f.Encoding)
	want := len(f.Header)
	if s.fault == nil && s.cols > want {
		extra := 0
		for i := want; i < len(row.Cells); i++ {
			extra += len(row.Cells[i])
		}
		if extra == 0 && s.cols == len(row.Cells) {
			row.Cells = row.Cells[:want]
			return row
		}
	}
	if s.fault == nil && s.cols != want {
		s.fault = &RowError{
			Line: s.begins, Code: CodeColumnCount,
			Message: fmt.Sprintf("row has %d cells, the header has %d%s", s.cols, want, f.countHint(s.cols)),
		}
	}
	if s.fault != nil {
		row.Err = s.fault
		if c := row.Err.Column; c >= 1 && c <= want {
			row.Err.Header = f.Header[c-1]
		}
	}
	return row
}

func (f *File) countHint(cols int) string {
	if cols > len(f.Header) {
		return fmt.Sprintf("; quote a cell that holds a %q", f.Delimiter)
	}
	return ""
}

// Format says how the file is written, to write another one like it.
func (f *File) Format() Format {
	return Format{Delimiter: f.Delimiter, Encoding: f.Encoding, LineEnd: f.LineEnd, BOM: f.HasBOM}
}
