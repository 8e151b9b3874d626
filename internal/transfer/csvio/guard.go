package csvio

import "slices"

// The identity cloud protects spreadsheets against formulas in exported cells
// by wrapping them in single quotes, and takes the quotes off on import. What
// it does with a value that is already wrapped is not documented; here such a
// value is wrapped once more, so that nothing is lost on the way back.

// Guard wraps a cell that a spreadsheet could take for a formula, one that
// begins with @ + - = | or %, in single quotes. Unguard(Guard(x)) is x for
// every x.
func Guard(cell string) string {
	if !guarded(cell) {
		return cell
	}
	return "'" + cell + "'"
}

// GuardFrom is Guard for a cell that begins at text[start] and ends with text.
func GuardFrom(text []byte, start int) []byte {
	if !guarded(text[start:]) {
		return text
	}
	return append(slices.Insert(text, start, '\''), '\'')
}

// Unguard takes the single quotes off a cell that Guard, or the identity
// cloud, put them on. Other cells are returned unchanged, such as 'tis or 'n'.
func Unguard(cell string) string {
	if len(cell) >= 3 && cell[0] == '\'' && cell[len(cell)-1] == '\'' {
		if inner := cell[1 : len(cell)-1]; guarded(inner) {
			return inner
		}
	}
	return cell
}

// guarded says whether a value has to be wrapped: it begins like a formula, or
// it looks like such a value wrapped any number of times.
func guarded[T string | []byte](s T) bool {
	for len(s) > 0 {
		switch s[0] {
		case '@', '+', '-', '=', '|', '%':
			return true
		case '\'':
			if len(s) < 3 || s[len(s)-1] != '\'' {
				return false
			}
			s = s[1 : len(s)-1]
		default:
			return false
		}
	}
	return false
}
