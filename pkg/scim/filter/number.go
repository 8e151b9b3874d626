package filter

import (
	"strconv"
)

// decimal is a number as its digits: sign * 0.d1d2d3... * 10^exp, where d1 is
// the first digit that is not zero. Comparing digits is exact, whatever the
// size; big.Rat would be too, but it writes 1e1000000000 out in full, which
// would let a filter of 12 bytes fill the memory.
type decimal[T string | []byte] struct {
	sign int // -1, 0 or 1
	exp  int64
	mant T // from d1 on; may hold a decimal point and zeros at the end
}

// maxExp bounds exponents. Beyond it they count as equal, which no number that
// is written in the wild comes near.
const maxExp = 1 << 60

// parseDecimal reads a JSON number; ok is false where s is none.
func parseDecimal[T string | []byte](s T) (d decimal[T], ok bool) {
	i, n := 0, len(s)
	d.sign = 1
	if i < n && s[i] == '-' {
		d.sign = -1
		i++
	}
	first, point, end, found := -1, -1, i, false
	for ; end < n; end++ {
		c := s[end]
		if c == '.' && point < 0 {
			point = end
			continue
		}
		if !isDigit(c) {
			break
		}
		found = true
		if c != '0' && first < 0 {
			first = end
		}
	}
	if !found {
		return d, false
	}
	if point < 0 {
		point = end
	}
	exp := int64(0)
	if end < n {
		if s[end]|0x20 != 'e' {
			return d, false
		}
		if exp, ok = parseExp(s[end+1:]); !ok {
			return d, false
		}
	}
	if first < 0 {
		return decimal[T]{}, true
	}
	d.mant = s[first:end]
	if first < point {
		d.exp = exp + int64(point-first)
	} else {
		d.exp = exp - int64(first-point-1)
	}
	return d, true
}

func parseExp[T string | []byte](s T) (int64, bool) {
	i, neg := 0, false
	if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		neg = s[0] == '-'
		i++
	}
	if i == len(s) {
		return 0, false
	}
	exp := int64(0)
	for ; i < len(s); i++ {
		if !isDigit(s[i]) {
			return 0, false
		}
		exp = min(exp*10+int64(s[i]-'0'), maxExp/16)
	}
	if neg {
		exp = -exp
	}
	return exp, true
}

func compareDecimal[T, U string | []byte](a decimal[T], b decimal[U]) int {
	switch {
	case a.sign != b.sign:
		return sign(a.sign - b.sign)
	case a.sign == 0:
		return 0
	case a.exp != b.exp:
		if a.exp < b.exp {
			return -a.sign
		}
		return a.sign
	}
	i, j := 0, 0
	for i < len(a.mant) || j < len(b.mant) {
		x, y := byte('0'), byte('0')
		if i < len(a.mant) {
			if x = a.mant[i]; x == '.' {
				i++
				continue
			}
		}
		if j < len(b.mant) {
			if y = b.mant[j]; y == '.' {
				j++
				continue
			}
		}
		if x != y {
			return sign(int(x)-int(y)) * a.sign
		}
		i++
		j++
	}
	return 0
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// compareNumber orders a number of a document against a literal. A float64
// stands for the shortest decimal that denotes it, so 0.1 equals 0.1.
func compareNumber(doc any, lit decimal[string]) (int, bool) {
	var buf [32]byte
	switch v := doc.(type) {
	case float64:
		d, ok := parseDecimal(strconv.AppendFloat(buf[:0], v, 'e', -1, 64))
		return compareDecimal(d, lit), ok
	case float32:
		d, ok := parseDecimal(strconv.AppendFloat(buf[:0], float64(v), 'e', -1, 32))
		return compareDecimal(d, lit), ok
	case int:
		d, ok := parseDecimal(strconv.AppendInt(buf[:0], int64(v), 10))
		return compareDecimal(d, lit), ok
	case int32:
		d, ok := parseDecimal(strconv.AppendInt(buf[:0], int64(v), 10))
		return compareDecimal(d, lit), ok
	case int64:
		d, ok := parseDecimal(strconv.AppendInt(buf[:0], v, 10))
		return compareDecimal(d, lit), ok
	case uint64:
		d, ok := parseDecimal(strconv.AppendUint(buf[:0], v, 10))
		return compareDecimal(d, lit), ok
	}
	if s, ok := numberText(doc); ok {
		d, ok := parseDecimal(s)
		return compareDecimal(d, lit), ok
	}
	return 0, false
}
