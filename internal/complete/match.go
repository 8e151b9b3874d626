package complete

import (
	"slices"
	"strings"
)

// Match are the names that begin with what was typed, without regard to case,
// as shells want them: a label stands behind a tab. Names among except are
// left out, since they stand on the line already.
func Match(names []Name, typed string, except []string) []string {
	var out []string
	for _, n := range names {
		if !HasPrefix(n.Name, typed) || slices.ContainsFunc(except, func(e string) bool { return strings.EqualFold(e, n.Name) }) {
			continue
		}
		out = append(out, n.line(""))
	}
	return out
}

// line is a name behind what stands in front of it in the same word.
func (n Name) line(before string) string {
	if n.Note == "" {
		return before + n.Name
	}
	return before + n.Name + "\t" + n.Note
}

// HasPrefix compares without regard to case.
func HasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) ||
		strings.HasPrefix(strings.ToLower(s), strings.ToLower(prefix))
}

// Plain makes names without labels.
func Plain(words []string) []Name {
	out := make([]Name, len(words))
	for i, w := range words {
		out[i] = Name{Name: w}
	}
	return out
}

// MatchList completes the last of several names that commas separate; those
// before it are not offered again.
func MatchList(names []Name, typed string) []string {
	i := strings.LastIndexByte(typed, ',') + 1
	before, last := typed[:i], typed[i:]
	named := strings.Split(strings.TrimSuffix(before, ","), ",")
	var out []string
	for _, n := range names {
		if HasPrefix(n.Name, last) && !slices.ContainsFunc(named, func(e string) bool { return strings.EqualFold(e, n.Name) }) {
			out = append(out, n.line(before))
		}
	}
	return out
}

// MatchAssignment completes the name in front of an equals sign; the value
// behind it is the person's own.
func MatchAssignment(names []Name, typed string) []string {
	if strings.Contains(typed, "=") {
		return nil
	}
	var out []string
	for _, n := range names {
		if HasPrefix(n.Name, typed) {
			out = append(out, Name{Name: n.Name + "=", Note: n.Note}.line(""))
		}
	}
	return out
}

// operators of RFC 7644 section 3.4.2.2.
var operators = [...]Name{
	{"eq", "equal"},
	{"ne", "not equal"},
	{"co", "contains"},
	{"sw", "starts with"},
	{"ew", "ends with"},
	{"pr", "has a value"},
	{"gt", "greater than"},
	{"ge", "greater than or equal"},
	{"lt", "less than"},
	{"le", "less than or equal"},
}

// MatchFilter completes a SCIM filter where a name or an operator may stand:
// attributes at its beginning, behind a bracket and behind and, or, not;
// operators behind an attribute. Values are the person's own.
func MatchFilter(names []Name, typed string) []string {
	i := strings.LastIndexAny(typed, " ([") + 1
	before, last := typed[:i], typed[i:]
	if strings.Count(before, `"`)%2 == 1 { // inside a value
		return nil
	}
	words := strings.Fields(before)
	prev := ""
	if len(words) > 0 && strings.HasSuffix(before, " ") {
		prev = words[len(words)-1]
	}
	beforePrev := ""
	if len(words) > 1 {
		beforePrev = words[len(words)-2]
	}
	var candidates []Name
	switch {
	case prev == "" || joins(prev) || strings.HasSuffix(prev, "(") || strings.HasSuffix(prev, "["):
		candidates = names
	case operator(prev) || operator(beforePrev):
		// A value comes next, or just came.
	case attribute(names, prev):
		candidates = operators[:]
	}
	var out []string
	for _, n := range candidates {
		if HasPrefix(n.Name, last) {
			out = append(out, n.line(before))
		}
	}
	return out
}

// MatchWhere completes an attribute where one may stand in --where: at the
// beginning, behind a bracket and behind and, or, not.
func MatchWhere(names []Name, typed string) []string {
	i := strings.LastIndexAny(typed, " (") + 1
	before, last := typed[:i], typed[i:]
	words := strings.Fields(before)
	if strings.Count(before, `"`)%2 == 1 || strings.Count(before, `'`)%2 == 1 ||
		len(words) > 0 && !joins(words[len(words)-1]) && !strings.HasSuffix(before, "(") {
		return nil
	}
	var out []string
	for _, n := range names {
		if HasPrefix(n.Name, last) {
			out = append(out, n.line(before))
		}
	}
	return out
}

func joins(word string) bool {
	return strings.EqualFold(word, "and") || strings.EqualFold(word, "or") || strings.EqualFold(word, "not")
}

func operator(word string) bool {
	return slices.ContainsFunc(operators[:], func(o Name) bool { return strings.EqualFold(o.Name, word) })
}

func attribute(names []Name, word string) bool {
	word = strings.TrimLeft(word, "(")
	if i := strings.LastIndexByte(word, '['); i >= 0 {
		return true // what stands inside the brackets is one of its parts
	}
	return slices.ContainsFunc(names, func(n Name) bool { return strings.EqualFold(n.Name, word) })
}
