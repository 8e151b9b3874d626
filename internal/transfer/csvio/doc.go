// Package csvio reads and writes CSV files of people and groups: bounded,
// exact and forgiving in that order.
//
// It differs from encoding/csv where that would lose or invent data: line ends
// inside a cell stay as they are, a NUL or a badly encoded byte is the row's
// error instead of a value, an unclosed quote names the line where it opened,
// and no cell takes more memory than the limit allows. A bad row is an error of
// that row and reading goes on, wherever it is clear where the next row begins.
//
// The package knows nothing of columns and their meaning; see package mapping.
package csvio
