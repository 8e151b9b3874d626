package csvio

import (
	"errors"
	"fmt"
)

// Sentinels of files that cannot be read at all. Use errors.Is.
var (
	// ErrEmpty says that the file holds no byte, or nothing but blank lines.
	ErrEmpty = errors.New("file is empty: the first line must name the columns")
	// ErrNoRows says that a file has a header and no row. The reader does not
	// return it by itself: an empty list is valid, but a caller may refuse it.
	ErrNoRows = errors.New("file has a header but no rows")
	// ErrChanged says that the file is not the one that was opened.
	ErrChanged = errors.New("file changed while it was being read")
	// ErrHeader says that the first row cannot serve as a header.
	ErrHeader = errors.New("bad header")
	// ErrDelimiter says that the delimiter asked for does not fit the file.
	ErrDelimiter = errors.New("wrong delimiter")
	// ErrEncoding says that the encoding asked for does not fit the file.
	ErrEncoding = errors.New("wrong encoding")
	// ErrQuote says that a quoted cell never ends. See QuoteError.
	ErrQuote = errors.New("unclosed quote")
	// ErrNotCSV says that the file is something else: an archive, a spreadsheet.
	ErrNotCSV = errors.New("not a CSV file")
)

// QuoteError is the unclosed quote of a cell: everything up to the end of the
// file would belong to it, so the rest cannot be read.
type QuoteError struct {
	Line   int // physical line where the quote opened
	Column int // number of the cell, from 1
}

func (e *QuoteError) Error() string {
	return fmt.Sprintf("line %d: the quote that opens cell %d is never closed; double a quote that belongs to the text",
		e.Line, e.Column)
}

// Is makes errors.Is(err, ErrQuote) hold.
func (e *QuoteError) Is(target error) bool { return target == ErrQuote }

// Codes of row errors: short stable words for scripts.
const (
	CodeColumnCount = "column-count"
	CodeNUL         = "nul"
	CodeEncoding    = "bad-encoding"
	CodeTooLong     = "cell-too-long"
	CodeRowTooLong  = "row-too-long"
	CodeQuote       = "bad-quote"
	CodeReturn      = "bare-carriage-return"
)

// RowError is what keeps one row from being used. Reading goes on after it.
type RowError struct {
	Line    int    // physical line of the fault
	Column  int    // number of the cell, from 1; 0 when the whole row is meant
	Header  string // name of that column, may be empty
	Code    string
	Message string
}

func (e *RowError) Error() string {
	if e.Header != "" {
		return fmt.Sprintf("line %d, column %q: %s", e.Line, e.Header, e.Message)
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// EncodeError is a character that the encoding of a written file lacks.
type EncodeError struct {
	Rune     rune
	Encoding Encoding
	Column   int // number of the cell, from 1
}

func (e *EncodeError) Error() string {
	return fmt.Sprintf("cell %d: %s has no character %q (U+%04X); write the file as utf-8",
		e.Column, e.Encoding, e.Rune, e.Rune)
}

// Is makes errors.Is(err, ErrEncoding) hold.
func (e *EncodeError) Is(target error) bool { return target == ErrEncoding }
