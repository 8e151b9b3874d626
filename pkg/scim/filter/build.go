package filter

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// MustAttr is ParseAttr for constants: it panics where s is not an attribute
// path, so it must not be given input.
func MustAttr(s string) AttrPath {
	a, err := ParseAttr(s)
	if err != nil {
		panic(err)
	}
	return a
}

// NewCompare builds a comparison. A value may be a string, a bool, nil, any
// int or uint type, a float64 or float32, a json.Number or a time.Time, which
// is written in UTC with milliseconds, the form identity domains use. In a
// string, bytes that are not UTF-8 become U+FFFD.
//
// A value of another type, a NaN or an infinity is kept as it is: Check and
// Compile refuse the tree, and String prints it in a form that no server
// reads. So a mistake shows without an error at each call.
func NewCompare(attr AttrPath, op Op, value any) *Compare {
	return &Compare{Attr: attr, Op: op, Value: literal(value)}
}

// Eq builds attr eq value; see NewCompare for values.
func Eq(attr AttrPath, value any) Expr { return NewCompare(attr, OpEqual, value) }

// Ne builds attr ne value; see NewCompare for values.
func Ne(attr AttrPath, value any) Expr { return NewCompare(attr, OpNotEqual, value) }

// Co builds attr co value.
func Co(attr AttrPath, value string) Expr { return NewCompare(attr, OpContains, value) }

// Sw builds attr sw value.
func Sw(attr AttrPath, value string) Expr { return NewCompare(attr, OpStartsWith, value) }

// Ew builds attr ew value.
func Ew(attr AttrPath, value string) Expr { return NewCompare(attr, OpEndsWith, value) }

// Gt builds attr gt value; see NewCompare for values.
func Gt(attr AttrPath, value any) Expr { return NewCompare(attr, OpGreater, value) }

// Ge builds attr ge value; see NewCompare for values.
func Ge(attr AttrPath, value any) Expr { return NewCompare(attr, OpGreaterOrEqual, value) }

// Lt builds attr lt value; see NewCompare for values.
func Lt(attr AttrPath, value any) Expr { return NewCompare(attr, OpLess, value) }

// Le builds attr le value; see NewCompare for values.
func Le(attr AttrPath, value any) Expr { return NewCompare(attr, OpLessOrEqual, value) }

// Pr builds attr pr.
func Pr(attr AttrPath) Expr { return &Present{attr} }

// Where builds the value path attr[e].
func Where(attr AttrPath, e Expr) Expr { return &ValuePath{attr, e} }

// Negate builds not (e). Since a nil filter selects everything, Negate(nil)
// selects nothing.
func Negate(e Expr) Expr {
	if e == nil {
		return nothing()
	}
	return &Not{e}
}

// AllOf joins the conditions with and. A nil condition selects everything and
// is left out; without any condition left the result is nil.
func AllOf(es ...Expr) Expr {
	var all Expr
	for _, e := range es {
		switch {
		case e == nil:
		case all == nil:
			all = e
		default:
			all = &And{all, e}
		}
	}
	return all
}

// AnyOf joins the conditions with or. A nil condition selects everything and
// so does then the whole. Without conditions the result selects nothing: a
// filter built from an empty list of ids must not hit every resource.
func AnyOf(es ...Expr) Expr {
	var one Expr
	for _, e := range es {
		switch {
		case e == nil:
			return nil
		case one == nil:
			one = e
		default:
			one = &Or{one, e}
		}
	}
	if one == nil {
		return nothing()
	}
	return one
}

// nothing contradicts itself, so that it is false on every server, whatever
// that holds of absent attributes.
func nothing() Expr {
	id := AttrPath{Name: "id"}
	return &And{&Present{id}, &Not{&Present{id}}}
}

func literal(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ToValidUTF8(v, "\uFFFD")
	case int:
		return json.Number(strconv.FormatInt(int64(v), 10))
	case int8:
		return json.Number(strconv.FormatInt(int64(v), 10))
	case int16:
		return json.Number(strconv.FormatInt(int64(v), 10))
	case int32:
		return json.Number(strconv.FormatInt(int64(v), 10))
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case uint:
		return json.Number(strconv.FormatUint(uint64(v), 10))
	case uint8:
		return json.Number(strconv.FormatUint(uint64(v), 10))
	case uint16:
		return json.Number(strconv.FormatUint(uint64(v), 10))
	case uint32:
		return json.Number(strconv.FormatUint(uint64(v), 10))
	case uint64:
		return json.Number(strconv.FormatUint(v, 10))
	case float32:
		return float(float64(v), 32)
	case float64:
		return float(v, 64)
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return v
}

func float(f float64, bits int) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return f
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, bits))
}
