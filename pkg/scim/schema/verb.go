package schema

import (
	"fmt"
	"strings"
)

// verbNames are in the order of the bits.
var verbNames = [...]string{"list", "get", "create", "put", "patch", "delete", "search"}

// Allows reports whether the resource type has all operations of v; the zero
// Verb is none, and allowed nowhere.
func (t *ResourceType) Allows(v Verb) bool { return v != 0 && t.Verbs&v == v }

// String returns the names of the operations, joined by commas, in a fixed
// order. Bits without a name show as a number.
func (v Verb) String() string {
	var names []string
	for i, name := range verbNames {
		if bit := Verb(1) << i; v&bit != 0 {
			names = append(names, name)
			v &^= bit
		}
	}
	if v != 0 {
		names = append(names, fmt.Sprintf("%#x", uint16(v)))
	}
	return strings.Join(names, ",")
}

// ParseVerb reads what Verb.String prints: names in any case, joined by
// commas. The names that IDCS documents use are understood as well: replace
// and update for put and patch. The empty string is no operation at all.
func ParseVerb(s string) (Verb, error) {
	var v Verb
	if s == "" {
		return 0, nil
	}
next:
	for word := range strings.SplitSeq(s, ",") {
		word = strings.ToLower(strings.TrimSpace(word))
		switch word {
		case "replace":
			word = "put"
		case "update":
			word = "patch"
		}
		for i, name := range verbNames {
			if name == word {
				v |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("schema: unknown operation %q, want one of %s", word, strings.Join(verbNames[:], ", "))
	}
	return v, nil
}
