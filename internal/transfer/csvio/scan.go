package csvio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// scanner cuts decoded text into records. It holds one buffer and one record,
// whatever the file does.
type scanner struct {
	r        io.Reader
	buf      []byte
	pos, end int
	rerr     error // why the last fill gave nothing, io.EOF at the end

	delim   byte
	cr      bool // rows end with a lone carriage return
	special [256]bool
	maxCell int
	maxRow  int
	maxCols int

	line int // physical line of the next byte

	rec    []byte // the record's cells, one after the other
	ends   []int  // where each kept cell ends in rec
	cols   int    // cells seen, those left out included
	start  int    // where the current cell begins in rec
	size   int    // bytes of the current cell so far, kept or not
	cut    bool   // the current cell is being left out
	quoted bool   // some cell of the record was quoted
	fault  *RowError
	begins int    // line where the record begins
	ending string // line end that closed the record, empty at the end of the file
}

const bufferSize = 64 << 10

func newScanner(r io.Reader, o Options, delim byte, cr bool) *scanner {
	s := &scanner{
		r: r, buf: make([]byte, bufferSize), delim: delim, cr: cr,
		maxCell: o.MaxCell, maxRow: o.MaxRow, maxCols: o.MaxColumns, line: 1,
	}
	for _, c := range []byte{delim, '\n', '\r', '"'} {
		s.special[c] = true
	}
	return s
}

// fill makes at least one byte available, or says that there is none.
func (s *scanner) fill() bool {
	if s.pos < s.end {
		return true
	}
	s.pos, s.end = 0, 0
	for tries := 0; s.rerr == nil; tries++ {
		n, err := s.r.Read(s.buf)
		s.end, s.rerr = n, err
		if n > 0 {
			return true
		}
		if err == nil && tries == 100 {
			s.rerr = io.ErrNoProgress
		}
	}
	return false
}

// peek answers the next byte without taking it.
func (s *scanner) peek() (byte, bool) {
	if !s.fill() {
		return 0, false
	}
	return s.buf[s.pos], true
}

// keep adds bytes to the current cell. Once a cell is over its limit its text
// is dropped, and only its length is still counted.
func (s *scanner) keep(b []byte) {
	s.size += len(b)
	if s.cut {
		return
	}
	if s.size > s.maxCell || len(s.rec)+len(b) > s.maxRow {
		s.cut = true
		s.rec = s.rec[:s.start]
		return
	}
	s.rec = append(s.rec, b...)
}

func (s *scanner) blame(code, format string, args ...any) {
	if s.fault == nil {
		s.fault = &RowError{Line: s.line, Column: s.cols + 1, Code: code, Message: fmt.Sprintf(format, args...)}
	}
}

func (s *scanner) endCell() {
	switch {
	case s.cut && s.size > s.maxCell:
		s.blame(CodeTooLong, "cell of %d bytes is longer than the limit of %d", s.size, s.maxCell)
	case s.cut:
		s.blame(CodeRowTooLong, "row is longer than the limit of %d bytes", s.maxRow)
	case s.cols >= s.maxCols:
		// A row of nothing but delimiters must not grow without bound.
		s.rec = s.rec[:s.start]
	default:
		s.ends = append(s.ends, len(s.rec))
	}
	s.cols++
	s.start, s.size, s.cut = len(s.rec), 0, false
}

// ender is what ended a cell.
type ender int

const (
	byDelimiter ender = iota
	byLine
	byEOF
)

// record reads the next record into rec, ends and fault. It returns io.EOF
// when there is none, *QuoteError for a quote that never closes, or the
// reader's error.
func (s *scanner) record() error {
	s.rec, s.ends, s.cols, s.start, s.size = s.rec[:0], s.ends[:0], 0, 0, 0
	s.cut, s.quoted, s.fault, s.ending = false, false, nil, ""
	s.begins = s.line
	if _, ok := s.peek(); !ok {
		return s.rerr
	}
	for {
		var by ender
		c, ok := s.peek()
		switch {
		case !ok:
			by = byEOF
		case c == '"':
			s.pos++
			s.quoted = true
			var err error
			if by, err = s.quotedCell(); err != nil {
				return err
			}
		default:
			by = s.plainCell()
		}
		if by == byEOF && !errors.Is(s.rerr, io.EOF) {
			return s.rerr
		}
		s.endCell()
		if by != byDelimiter {
			break
		}
	}
	if s.ending != "" {
		s.line++
	}
	return nil
}

// plainCell reads a cell that is not, or no longer, inside quotes.
func (s *scanner) plainCell() ender {
	for s.fill() {
		i := s.pos
		for i < s.end && !s.special[s.buf[i]] {
			i++
		}
		s.keep(s.buf[s.pos:i])
		s.pos = i
		if i == s.end {
			continue
		}
		switch s.buf[i] {
		case s.delim:
			s.pos++
			return byDelimiter
		case '\n':
			s.pos++
			s.ending = "\n"
			return byLine
		case '\r':
			s.pos++
			if s.lineAfterReturn() {
				return byLine
			}
			s.blame(CodeReturn, "carriage return inside a cell that is not quoted")
			s.keep([]byte{'\r'})
		case '"':
			s.pos++
			s.blame(CodeQuote, "quote inside a cell that is not quoted; quote the cell and double the quote")
			s.keep([]byte{'"'})
		}
	}
	return byEOF
}

// lineAfterReturn says whether the carriage return just taken ends the row.
func (s *scanner) lineAfterReturn() bool {
	c, ok := s.peek()
	switch {
	case ok && c == '\n':
		s.pos++
		s.ending = "\r\n"
	case s.cr || !ok:
		s.ending = "\r"
	default:
		return false
	}
	return true
}

// quotedCell reads a cell from behind its opening quote.
func (s *scanner) quotedCell() (ender, error) {
	opened, cell := s.line, s.cols+1
	newline := []byte{'\n'}
	if s.cr {
		newline[0] = '\r'
	}
	for s.fill() {
		chunk := s.buf[s.pos:s.end]
		i := bytes.IndexByte(chunk, '"')
		if i >= 0 {
			chunk = chunk[:i]
		}
		s.keep(chunk)
		s.line += bytes.Count(chunk, newline)
		s.pos += len(chunk)
		if i < 0 {
			continue
		}
		s.pos++ // the quote
		c, ok := s.peek()
		switch {
		case !ok:
			return byEOF, nil
		case c == '"':
			s.pos++
			s.keep([]byte{'"'})
		case c == s.delim:
			s.pos++
			return byDelimiter, nil
		case c == '\n':
			s.pos++
			s.ending = "\n"
			return byLine, nil
		case c == '\r':
			s.pos++
			if s.lineAfterReturn() {
				return byLine, nil
			}
			s.blame(CodeReturn, "carriage return behind a quoted cell")
			return s.plainCell(), nil
		default:
			s.blame(CodeQuote, "text behind the closing quote of the cell that opens on line %d; double a quote that belongs to the text", opened)
			return s.plainCell(), nil
		}
	}
	if !errors.Is(s.rerr, io.EOF) {
		return byEOF, s.rerr
	}
	return byEOF, &QuoteError{Line: opened, Column: cell}
}

// blank says that the record is an empty line, or the row of delimiters that
// spreadsheets leave behind the last row.
func (s *scanner) blank() bool { return len(s.rec) == 0 && !s.quoted && s.fault == nil }

// cells copies the kept cells out of the record.
func (s *scanner) cells() []string {
	text := string(s.rec)
	cells := make([]string, len(s.ends))
	from := 0
	for i, to := range s.ends {
		cells[i] = text[from:to]
		from = to
	}
	return cells
}

// checkText blames a NUL or what could not be decoded.
func (s *scanner) checkText(cells []string, enc Encoding) {
	if s.fault != nil || bytes.IndexByte(s.rec, 0) < 0 && utf8.Valid(s.rec) {
		return
	}
	for i, c := range cells {
		if strings.IndexByte(c, 0) >= 0 {
			s.fault = &RowError{Line: s.begins, Column: i + 1, Code: CodeNUL, Message: "cell holds a NUL byte"}
			return
		}
		if !utf8.ValidString(c) {
			hint := ""
			if enc == UTF8 {
				hint = "; if the file comes from a spreadsheet on Windows, its encoding may be windows-1252"
			}
			s.fault = &RowError{Line: s.begins, Column: i + 1, Code: CodeEncoding, Message: "cell is not valid " + string(enc) + hint}
			return
		}
	}
}
