package schema

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/idctl/idctl/pkg/scim/filter"
)

// ErrValue is what every *ValueError is to errors.Is.
var ErrValue = errors.New("invalid value")

// Code says which rule a value breaks.
type Code string

// The codes of a ValueError.
const (
	// CodeType: not the JSON type that the data type asks for.
	CodeType Code = "type"
	// CodeMultiValued: not an array where one is due, or the reverse.
	CodeMultiValued Code = "multiValued"
	// CodeFormat: a string that is no time, base64 or URI; a number that is
	// no integer.
	CodeFormat Code = "format"
	// CodeUnknown: a sub-attribute that the schema does not declare.
	CodeUnknown Code = "unknown"
	// CodeDuplicate: a sub-attribute given twice, in different case.
	CodeDuplicate Code = "duplicate"
	// CodeRequired: a required sub-attribute is missing.
	CodeRequired Code = "required"
	// CodeCanonical: not one of the canonical values. RFC 7643 section 7
	// leaves it to the service whether others are taken, so callers may
	// ignore this one.
	CodeCanonical Code = "canonical"
	// CodeLength: a string shorter or longer than allowed.
	CodeLength Code = "length"
	// CodeRange: an integer below or above the bounds.
	CodeRange Code = "range"
)

// ValueError is one rule that a value breaks. It never holds the value, which
// may be secret.
type ValueError struct {
	// Path leads to the value: name, emails[0].type. Elements count from 0.
	Path string
	Code Code
	Msg  string
}

// Error returns the path and the message.
func (e *ValueError) Error() string { return e.Path + ": " + e.Msg }

// Is makes errors.Is(err, ErrValue) hold.
func (e *ValueError) Is(target error) bool { return target == ErrValue }

// ValueErrors are all the rules that a value breaks, never none. errors.As
// with a *ValueError finds the first.
type ValueErrors []*ValueError

// Error returns the messages, separated by semicolons.
func (e ValueErrors) Error() string {
	texts := make([]string, len(e))
	for i, v := range e {
		texts[i] = v.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the single errors, for errors.Is and errors.As.
func (e ValueErrors) Unwrap() []error {
	list := make([]error, len(e))
	for i, v := range e {
		list[i] = v
	}
	return list
}

// CheckOptions choose how strictly values are checked.
type CheckOptions struct {
	// BooleanText takes "true" and "false", in any case, for booleans.
	BooleanText bool
}

// Check reports whether value, as encoding/json makes it, may be a value of
// the attribute: data type, array or not, declared sub-attributes, required
// ones, canonical values, lengths and bounds. The error is ErrValue and a
// ValueErrors. nil means unassigned and always passes (RFC 7643 section 2.5).
// Whether the attribute itself may be absent or be written is not its
// business.
func (a *Attribute) Check(value any) error { return checkError(a.CheckAll(value, CheckOptions{})) }

// CheckLenient is Check with every leniency of CheckOptions.
func (a *Attribute) CheckLenient(value any) error {
	return checkError(a.CheckAll(value, CheckOptions{BooleanText: true}))
}

func checkError(list []*ValueError) error {
	if len(list) == 0 {
		return nil
	}
	return ValueErrors(list)
}

// CheckAll is Check that returns the single problems, in the order in which
// they stand in the value; members of objects are taken in alphabetical order.
func (a *Attribute) CheckAll(value any, o CheckOptions) []*ValueError {
	c := checker{opts: o}
	c.attribute(a.Name, a, value)
	return c.found
}

type checker struct {
	opts  CheckOptions
	found []*ValueError
}

func (c *checker) report(path string, code Code, format string, args ...any) {
	c.found = append(c.found, &ValueError{Path: path, Code: code, Msg: fmt.Sprintf(format, args...)})
}

func (c *checker) attribute(path string, a *Attribute, v any) {
	if v == nil {
		return
	}
	list, isList := elements(v)
	switch {
	case a.MultiValued && !isList:
		c.report(path, CodeMultiValued, "must be an array, not %s", jsonType(v))
	case !a.MultiValued && isList:
		c.report(path, CodeMultiValued, "must be one value, not an array")
	case isList:
		for i, x := range list {
			c.single(fmt.Sprintf("%s[%d]", path, i), a, x)
		}
	default:
		c.single(path, a, v)
	}
}

func (c *checker) single(path string, a *Attribute, v any) {
	switch a.Type {
	case TypeComplex:
		if m, ok := v.(map[string]any); ok {
			c.complex(path, a, m)
			return
		}
	case TypeBoolean:
		if _, ok := v.(bool); ok {
			return
		}
		if s, ok := v.(string); ok && c.opts.BooleanText && (strings.EqualFold(s, "true") || strings.EqualFold(s, "false")) {
			return
		}
	case TypeInteger, TypeDecimal:
		if text, ok := numberText(v); ok {
			c.number(path, a, text)
			return
		}
	default: // all others are strings in JSON
		if s, ok := v.(string); ok {
			c.text(path, a, s)
			return
		}
	}
	c.report(path, CodeType, "must be %s, not %s", wanted(a.Type), jsonType(v))
}

func (c *checker) complex(path string, a *Attribute, m map[string]any) {
	if len(a.SubAttributes) == 0 { // declared as an object of any shape
		return
	}
	given := make(map[*Attribute]any, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		sub := a.SubAttribute(name)
		if sub == nil {
			c.report(path+"."+name, CodeUnknown, "is not a sub-attribute of %s", a.Name)
			continue
		}
		if _, twice := given[sub]; twice {
			c.report(path+"."+name, CodeDuplicate, "is given twice, in different case")
			continue
		}
		given[sub] = m[name]
		c.attribute(path+"."+sub.Name, sub, m[name])
	}
	for _, sub := range a.SubAttributes {
		if sub.Required && sub.Mutability != ReadOnly && sub.Default == nil && unassigned(given[sub]) {
			c.report(path+"."+sub.Name, CodeRequired, "is required")
		}
	}
}

func (c *checker) text(path string, a *Attribute, s string) {
	switch a.Type {
	case TypeDateTime:
		if _, err := filter.ParseTime(s); err != nil {
			c.report(path, CodeFormat, "must be an RFC 3339 time with an offset, such as 2024-03-01T12:00:00Z")
			return
		}
	case TypeBinary:
		if !isBase64(s) {
			c.report(path, CodeFormat, "must be base64")
			return
		}
	case TypeReference:
		if _, err := url.Parse(s); err != nil {
			c.report(path, CodeFormat, "must be a URI")
			return
		}
	}
	n := utf8.RuneCountInString(s)
	if a.MinLength > 0 && n < a.MinLength {
		c.report(path, CodeLength, "has %d characters, at least %d are needed", n, a.MinLength)
	}
	if a.MaxLength > 0 && n > a.MaxLength {
		c.report(path, CodeLength, "has %d characters, at most %d are allowed", n, a.MaxLength)
	}
	c.canonical(path, a, s)
}

func (c *checker) number(path string, a *Attribute, text string) {
	if a.Type == TypeInteger {
		if !isInteger(text) {
			c.report(path, CodeFormat, "must be an integer, without fraction and exponent")
			return
		}
		// A number beyond 64 bits comes back as the nearest that fits; beyond
		// keeps it from passing a bound that is this very number.
		n, err := strconv.ParseInt(text, 10, 64)
		beyond := err != nil
		if a.MinValue != nil && (n < *a.MinValue || beyond && text[0] == '-') {
			c.report(path, CodeRange, "must not be below %d", *a.MinValue)
		}
		if a.MaxValue != nil && (n > *a.MaxValue || beyond && text[0] != '-') {
			c.report(path, CodeRange, "must not be above %d", *a.MaxValue)
		}
	}
	c.canonical(path, a, text)
}

func (c *checker) canonical(path string, a *Attribute, s string) {
	if len(a.CanonicalValues) == 0 {
		return
	}
	for _, v := range a.CanonicalValues {
		if v == s || !a.CaseExact && strings.EqualFold(v, s) {
			return
		}
	}
	c.report(path, CodeCanonical, "must be one of %s", strings.Join(a.CanonicalValues, ", "))
}

func wanted(t Type) string {
	switch t {
	case TypeComplex:
		return "an object"
	case TypeBoolean:
		return "true or false"
	case TypeInteger, TypeDecimal:
		return "a number"
	}
	return "a string"
}

func jsonType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case map[string]any:
		return "an object"
	}
	if _, ok := elements(v); ok {
		return "an array"
	}
	if _, ok := numberText(v); ok {
		return "a number"
	}
	return fmt.Sprintf("a Go %T", v)
}

func elements(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case []string:
		return boxed(v), true
	case []map[string]any:
		return boxed(v), true
	}
	return nil, false
}

func boxed[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// unassigned follows RFC 7643 section 2.5, and takes the empty string for no
// value as well: a required attribute must say something.
func unassigned(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	}
	list, ok := elements(v)
	return ok && len(list) == 0
}

// numberText returns the digits of a finite number.
func numberText(v any) (string, bool) {
	switch v := v.(type) {
	case json.Number:
		return string(v), isNumber(string(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", false
		}
		// A float64 has lost how it was written, so 5.0 counts as 5.
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	case int32:
		return strconv.FormatInt(int64(v), 10), true
	case int64:
		return strconv.FormatInt(v, 10), true
	}
	return "", false
}

func isNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && json.Valid([]byte(s))
}

func isInteger(s string) bool { return !strings.ContainsAny(s, ".eE") }

// isBase64 takes both alphabets of RFC 4648, and missing padding, as RFC 7643
// section 2.3.6 does, but no line breaks, which encoding/base64 would skip.
func isBase64(s string) bool {
	if strings.ContainsAny(s, "\r\n") {
		return false
	}
	std, web := base64.RawStdEncoding, base64.RawURLEncoding
	if strings.HasSuffix(s, "=") {
		std, web = base64.StdEncoding, base64.URLEncoding
	}
	if _, err := std.DecodeString(s); err == nil {
		return true
	}
	_, err := web.DecodeString(s)
	return err == nil
}
