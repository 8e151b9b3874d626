package where

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/idctl/idctl/pkg/scim/filter"
)

// The data types that are treated in a way of their own.
const (
	typeBoolean  = "boolean"
	typeDateTime = "dateTime"
	typeInteger  = "integer"
	typeDecimal  = "decimal"
)

// compare makes the condition of an attribute, an operator and a value.
func (p *parser) compare(name token, a Attr, op, v token) (filter.Expr, error) {
	switch {
	case a.Values != nil:
		return p.computed(name, a, op, v)
	case len(a.Parts) > 0:
		err := p.fail(name.pos, "%s has parts, compare one of them", name.text)
		err.Help = "parts are " + strings.Join(a.Parts[:min(len(a.Parts), 8)], ", ")
		return nil, err
	case v.is("null") || a.Type == typeDateTime && v.is("never"):
		switch op.text {
		case "=", "==":
			return filter.Negate(a.present()), nil
		case "!=":
			return a.present(), nil
		}
		return nil, p.fail(op.pos, "%s does not go with %s, use = or !=", op.text, v.text)
	}
	switch a.Type {
	case typeBoolean:
		return p.boolean(name, a, op, v)
	case typeDateTime:
		if !textual(op.text) {
			return p.time(name, a, op, v)
		}
	case typeInteger, typeDecimal:
		if textual(op.text) {
			return nil, p.fail(op.pos, "%s is a number, which %s does not go with", name.text, op.text)
		}
		if !isNumber(v.text) {
			return nil, p.fail(v.pos, "%s is a number, which %s is not", name.text, v)
		}
		return a.by(op.text, json.Number(v.text)), nil
	case "":
		// Only the service knows the type. Most attributes are text.
		switch {
		case v.kind == tokQuoted:
		case (v.is("true") || v.is("false")) && !textual(op.text) && !ordering(op.text):
			return a.by(op.text, v.is("true")), nil
		case ordering(op.text):
			if _, ok := duration(v.text); ok {
				return p.time(name, a, op, v)
			}
		}
	}
	return a.by(op.text, v.text), nil
}

func (p *parser) computed(name token, a Attr, op, v token) (filter.Expr, error) {
	e, ok := a.Values[strings.ToLower(v.text)]
	if !ok {
		words := make([]string, 0, len(a.Values))
		for w := range a.Values {
			words = append(words, w)
		}
		slices.Sort(words)
		return nil, p.fail(v.pos, "%s is one of %s, not %s", name.text, strings.Join(words, ", "), v)
	}
	switch op.text {
	case "=", "==":
		return e, nil
	case "!=":
		return filter.Negate(e), nil
	}
	return nil, p.fail(op.pos, "%s does not go with %s, use = or !=", op.text, name.text)
}

func (p *parser) boolean(name token, a Attr, op, v token) (filter.Expr, error) {
	if textual(op.text) || ordering(op.text) {
		return nil, p.fail(op.pos, "%s is yes or no, which %s does not go with", name.text, op.text)
	}
	switch strings.ToLower(v.text) {
	case "true", "yes":
		return a.by(op.text, true), nil
	case "false", "no":
		return a.by(op.text, false), nil
	}
	return nil, p.fail(v.pos, "%s is yes or no, not %s", name.text, v)
}

// time compares a time with a moment, a day or an age. An age counts back from
// now: created>30d is older than 30 days.
func (p *parser) time(name token, a Attr, op, v token) (filter.Expr, error) {
	if age, ok := duration(v.text); ok && v.kind == tokWord {
		then := p.now.Add(-age)
		switch op.text {
		case ">":
			return a.compare(filter.OpLess, then), nil
		case ">=":
			return a.compare(filter.OpLessOrEqual, then), nil
		case "<":
			return a.compare(filter.OpGreater, then), nil
		case "<=":
			return a.compare(filter.OpGreaterOrEqual, then), nil
		}
		return nil, p.fail(op.pos, "an age such as %s goes with < and >, not with %s", v.text, op.text)
	}
	from, to, ok := moment(v.text, p.now)
	if !ok {
		err := p.fail(v.pos, "%s is a time, which %s is not", name.text, v)
		err.Help = "times are 2026-01-31, 2026-01-31T08:30:00Z, today, yesterday, or ages such as 12h, 30d, 2w"
		return nil, err
	}
	switch op.text {
	case ">":
		if from.Equal(to) {
			return a.compare(filter.OpGreater, from), nil
		}
		return a.compare(filter.OpGreaterOrEqual, to), nil
	case ">=":
		return a.compare(filter.OpGreaterOrEqual, from), nil
	case "<":
		return a.compare(filter.OpLess, from), nil
	case "<=":
		if from.Equal(to) {
			return a.compare(filter.OpLessOrEqual, from), nil
		}
		return a.compare(filter.OpLess, to), nil
	}
	e := a.compare(filter.OpEqual, from)
	if !from.Equal(to) {
		e = filter.AllOf(a.compare(filter.OpGreaterOrEqual, from), a.compare(filter.OpLess, to))
	}
	if op.text == "!=" {
		e = filter.Negate(e)
	}
	return e, nil
}

// maxAge keeps arithmetic on ages far from its limits.
const maxAge = 250 * 365 * 24 * time.Hour

// duration reads an age: whole numbers with the units s, m, h, d and w, in any
// sequence. m are minutes.
func duration(text string) (time.Duration, bool) {
	units := map[byte]time.Duration{
		's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
	}
	var total time.Duration
	for i := 0; i < len(text); {
		n, from := 0, i
		for ; i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
			if n = n*10 + int(text[i]-'0'); n > 1e10 {
				return 0, false
			}
		}
		if i == from || i == len(text) {
			return 0, false
		}
		unit, ok := units[text[i]|0x20]
		if !ok || time.Duration(n) > maxAge/unit {
			return 0, false
		}
		if total += time.Duration(n) * unit; total > maxAge {
			return 0, false
		}
		i++
	}
	return total, text != ""
}

// moment reads a point in time, from and to being the same, or a day of now's
// zone, from its beginning to the next one's.
func moment(text string, now time.Time) (from, to time.Time, ok bool) {
	day := func(year int, month time.Month, d int) (time.Time, time.Time, bool) {
		return time.Date(year, month, d, 0, 0, 0, 0, now.Location()), time.Date(year, month, d+1, 0, 0, 0, 0, now.Location()), true
	}
	switch y, m, d := now.Date(); strings.ToLower(text) {
	case "now":
		return now, now, true
	case "today":
		return day(y, m, d)
	case "yesterday":
		return day(y, m, d-1)
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil && t.Year() > 0 {
		return day(t.Date())
	}
	if t, err := filter.ParseTime(text); err == nil {
		return t, t, true
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil && len(text) >= len(layout) {
			return t, t, true
		}
	}
	return from, to, false
}

func textual(op string) bool { return slices.Contains([]string{"~", "=~", "!~", "^=", "$="}, op) }

func ordering(op string) bool { return slices.Contains([]string{">", ">=", "<", "<="}, op) }

func isNumber(s string) bool {
	return s != "" && strings.ContainsRune("-0123456789", rune(s[0])) && json.Valid([]byte(s))
}

// by makes a condition of an operator of the language. What has not a value
// is "not equal", so that those without any value are among them.
func (a Attr) by(op string, v any) filter.Expr {
	switch op {
	case "!=":
		return filter.Negate(a.compare(filter.OpEqual, v))
	case "~", "=~":
		return a.compare(filter.OpContains, v)
	case "!~":
		return filter.Negate(a.compare(filter.OpContains, v))
	case "^=":
		return a.compare(filter.OpStartsWith, v)
	case "$=":
		return a.compare(filter.OpEndsWith, v)
	case ">":
		return a.compare(filter.OpGreater, v)
	case ">=":
		return a.compare(filter.OpGreaterOrEqual, v)
	case "<":
		return a.compare(filter.OpLess, v)
	case "<=":
		return a.compare(filter.OpLessOrEqual, v)
	}
	return a.compare(filter.OpEqual, v)
}

func (a Attr) compare(op filter.Op, v any) filter.Expr {
	return a.leaf(func(at filter.AttrPath) filter.Expr { return filter.NewCompare(at, op, v) })
}

func (a Attr) present() filter.Expr { return a.leaf(filter.Pr) }

// leaf puts a condition where the path leads: on the attribute, or on the
// elements of a list that it picks.
func (a Attr) leaf(on func(filter.AttrPath) filter.Expr) filter.Expr {
	switch {
	case a.Path.Filter == nil && a.Path.Sub == "":
		return on(a.Path.Attr)
	case a.Path.Filter == nil:
		return on(a.Path.Attr.Child(a.Path.Sub))
	case a.Path.Sub == "":
		return filter.Where(a.Path.Attr, a.Path.Filter)
	}
	return filter.Where(a.Path.Attr, filter.AllOf(a.Path.Filter, on(filter.AttrPath{Name: a.Path.Sub})))
}
